// SPDX-License-Identifier: GPL-3.0-or-later
// Everything around a view: title row, tabs with the state, hints, messages, the overlay, and what is said
// when the terminal is too small.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessions/method.h"
#include "tui/keymap.h"

#include "parts.h"
#include "workbench_state.h"

enum { LEAST_ROWS = 16, LEAST_COLUMNS = 60 };

// ---- title ----

// "16+16" for a few even classes, otherwise the plain count.
static void split_text(char out[PART_SHORT], const struct workspace *ws) {
    size_t each[4] = {0}, classes = ws->task->classes, used = 0;
    bool known = classes >= 2 && classes <= 4;
    for (size_t i = 0; known && i < ws->split->train_count; i++) {
        size_t label = ws->split->train[i]->label;
        known = label < classes;
        if (known)
            each[label]++;
    }
    if (!known)
        used = (size_t)snprintf(out, PART_SHORT, "%zu", ws->split->train_count);
    for (size_t c = 0; known && c < classes && used < PART_SHORT; c++)
        used += (size_t)snprintf(out + used, PART_SHORT - used, "%s%zu", c ? "+" : "", each[c]);
    if (used < PART_SHORT)
        snprintf(out + used, PART_SHORT - used, "/%zu/%zu", ws->split->dev_count, ws->task->test.count);
}

// Another run than the session's is what the screen is about.
static bool shows_other_run(const struct workbench *w) {
    return w->run_shown.name[0] && (w->screen == VIEW_RUN || !w->workspace);
}

// Pieces of the title, most telling first; returns how many.
static size_t title_pieces(const struct workbench *w, char piece[][160], size_t most) {
    const struct workspace *ws = w->workspace;
    char number[PART_SHORT];
    size_t n = 0;
    if (shows_other_run(w)) {
        snprintf(piece[n++], 160, "%s", w->run_shown.name);
        if (w->run_shown.detail[0])
            snprintf(piece[n++], 160, "%s", w->run_shown.detail);
        return n;
    }
    if (!ws) {
        snprintf(piece[n++], 160, "%s", w->session ? session_name(w->session) : "nothing open");
        return n;
    }
    part_count(number, ws->parameters);
    snprintf(piece[n++], 160, "%.80s %s", ws->model_name, number);
    split_text(number, ws);
    snprintf(piece[n++], 160, "%.60s %s", ws->task->name, number);
    const struct method *method = ws->setup ? method_info(ws->setup->settings.method) : NULL;
    if (method && n < most)
        snprintf(piece[n++], 160, "%s", part_method(ws));
    if (w->session && session_read_only(w->session) && n < most)
        snprintf(piece[n++], 160, "read-only");
    if (w->session && strcmp(session_name(w->session), ws->task->name) != 0 && n < most)
        snprintf(piece[n++], 160, "%.60s", session_name(w->session));
    // The Run screen tells the step itself.
    const struct metric *last = part_last(w->history, w->history_count, METRIC_STEP);
    if (last && w->session && w->screen != VIEW_RUN)
        snprintf(piece[n++], 160, "step %zu/%zu", last->step, session_settings(w->session)->steps);
    if (ws->setup) {
        const struct run_settings *s = &ws->setup->settings;
        snprintf(piece[n++], 160, "seed %llu", (unsigned long long)s->seed);
        snprintf(piece[n++], 160, "%s loss", s->loss == LOSS_CLEAN ? "clean" : "paper-code");
    }
    return n;
}

static void speed_text(const struct workbench *w, bool with_left, char out[2 * PART_SHORT + 32]) {
    double step = workbench_step_seconds(w);
    char a[PART_SHORT], b[PART_SHORT];
    const struct metric *last = part_last(w->history, w->history_count, METRIC_STEP);
    out[0] = 0;
    if (isnan(step) || !w->workspace || shows_other_run(w))
        return;
    part_seconds(a, step);
    size_t steps = w->session ? session_settings(w->session)->steps : 0, done = last ? last->step : 0;
    if (with_left && w->state == ENGINE_RUNNING && steps > done) {
        double left = step * (double)(steps - done);
        part_left(b, left);
        snprintf(out, 2 * PART_SHORT + 32, "%s/step, %s left ", a, b);
    } else {
        snprintf(out, 2 * PART_SHORT + 32, "%s/step ", a);
    }
}

static void draw_title(const struct workbench *w, struct grid *g, struct area row) {
    char piece[9][160], speed[2 * PART_SHORT + 32];
    size_t n = title_pieces(w, piece, 9);
    // Model and task matter more than the time that is left.
    int least = 14;
    for (size_t i = 0; i < n && i < 2; i++)
        least += text_width(piece[i], strlen(piece[i])) + 3;
    speed_text(w, true, speed);
    if (least + text_width(speed, strlen(speed)) > row.columns)
        speed_text(w, false, speed);
    grid_fill(g, row, STYLE_BAR, ' ');
    int end = row.columns - text_width(speed, strlen(speed)) - (speed[0] ? 2 : 0);
    int column = 1 + grid_put(g, row, 0, 1, STYLE_BAR, "prompter") + 2;
    for (size_t i = 0; i < n; i++) {
        char text[200];
        snprintf(text, sizeof text, "%s%s%s", i ? " " : "", i ? part_symbol(g, SYMBOL_DOT) : "",
                 i ? " " : "");
        strncat(text, piece[i], sizeof text - strlen(text) - 1);
        if (!part_fits(text, column, end))
            break;
        column += grid_put(g, row, 0, column, STYLE_BAR, text);
    }
    grid_put_right(g, row, 0, row.columns, STYLE_BAR, speed);
}

// ---- tabs and state ----

bool frame_animated(const struct workbench *w) {
    return w->state == ENGINE_LOADING || w->state == ENGINE_TESTING || w->awaiting > 0;
}

static const char *spinner(const struct grid *g, double now) {
    static const char *const wide[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const plain[] = {"|", "/", "-", "\\"};
    unsigned turn = (unsigned)fmod(now * 10, 1000);
    return g->ascii ? plain[turn % 4] : wide[turn % 10];
}

static enum style state_text(const struct workbench *w, const struct grid *g, double now, char *out,
                             size_t size) {
    const char *name = engine_state_name(w->state);
    if (shows_other_run(w)) {
        snprintf(out, size, "%s %s", part_symbol(g, (enum part_symbol)w->run_shown.symbol),
                 w->run_shown.state);
        return w->run_shown.style;
    }
    switch (w->state) {
    case ENGINE_EMPTY:
        snprintf(out, size, "%s",
                 workbench_opening(w)                                ? "opening"
                 : w->workspace && !w->workspace->split->train_count ? "no examples yet"
                 : w->workspace                                      ? "could not begin"
                                                                     : "nothing open");
        return STYLE_DIM;
    case ENGINE_LOADING:
    case ENGINE_TESTING:
        if (w->progress_total > 0)
            snprintf(out, size, "%s %.60s %zu/%zu", spinner(g, now), w->progress[0] ? w->progress : name,
                     w->progress_done, w->progress_total);
        else
            snprintf(out, size, "%s %.60s", spinner(g, now), w->progress[0] ? w->progress : name);
        return STYLE_ACCENT;
    case ENGINE_RUNNING:
        snprintf(out, size, "%s %s", part_symbol(g, SYMBOL_RUNNING), name);
        return STYLE_GOOD;
    case ENGINE_PAUSED:
        snprintf(out, size, "%s %s", part_symbol(g, SYMBOL_PAUSED), name);
        return STYLE_WARN;
    case ENGINE_DONE:
        snprintf(out, size, "%s %s", part_symbol(g, SYMBOL_TICK), name);
        return STYLE_GOOD;
    default:
        snprintf(out, size, "%s %s", part_symbol(g, SYMBOL_READY), name);
        return STYLE_PLAIN;
    }
}

struct tab {
    int column, width;
    char text[160];
};

// The screens' names, from column 0; returns where they end.
static int compose_tabs(const struct workbench *w, int columns, struct tab out[VIEW_HELP]) {
    enum { WIDE = 100, NAMES = 76 }; // columns from which there is room for wide gaps, for all names
    // Columns between two tabs, brackets included. Without names only the present screen has one.
    int gap = columns >= WIDE ? 3 : columns >= NAMES ? 1 : 2, column = 0;
    for (size_t i = 0; i < VIEW_HELP; i++) {
        const struct view *v = view_list[i];
        char key[KEYMAP_KEYS];
        bool mark = v->unsaved && v->unsaved(w->view_state[i], w), here = i == w->screen;
        keymap_key(v->screen, view_list[w->screen]->where, key);
        bool name = here || columns >= NAMES || !key[0];
        snprintf(out[i].text, sizeof out[i].text, "%c%.12s%s%s%s%c", here ? '[' : ' ', key,
                 name && key[0] ? " " : "", name ? v->name : "", mark ? "*" : "", here ? ']' : ' ');
        out[i].column = column;
        out[i].width = text_width(out[i].text, strlen(out[i].text));
        column += out[i].width + gap - 2;
    }
    return column;
}

int frame_tab_at(const struct workbench *w, int row, int column) {
    struct tab tab[VIEW_HELP];
    compose_tabs(w, w->columns, tab);
    for (size_t i = 0; row == 1 && i < VIEW_HELP; i++)
        if (column >= tab[i].column && column < tab[i].column + tab[i].width)
            return (int)i;
    return -1;
}

// The present screen's last, as its brackets stand where its neighbours' blanks do.
static int put_tabs(const struct workbench *w, struct grid *g, struct area row) {
    struct tab tab[VIEW_HELP];
    int end = compose_tabs(w, row.columns, tab);
    for (size_t i = 0; i < VIEW_HELP; i++)
        grid_put(g, row, 0, tab[i].column, STYLE_TAB, tab[i].text);
    if (w->screen < VIEW_HELP)
        grid_put(g, row, 0, tab[w->screen].column, STYLE_TAB_NOW, tab[w->screen].text);
    else
        end += grid_put(g, row, 0, end + 1, STYLE_TAB_NOW, "[Help]") + 1;
    return end;
}

static void draw_tabs(const struct workbench *w, struct grid *g, struct area row, double now) {
    char state[192];
    enum style style = state_text(w, g, now, state, sizeof state);
    int column = put_tabs(w, g, row);
    int room = row.columns - column - 1, width = text_width(state, strlen(state));
    char waiting[40 + KEYMAP_KEYS], key[KEYMAP_KEYS];
    snprintf(waiting, sizeof waiting, "edits wait for %s", keymap_key(REQUEST_APPLY, WHERE_PATTERN, key));
    const int wide = text_width(waiting, strlen(waiting));
    bool busy = w->state == ENGINE_RUNNING || frame_animated(w);
    if (workbench_pending(w) && room > width + wide + 3)
        grid_put_right(g, row, 0, row.columns - width - 4, STYLE_WARN, waiting);
    else if (workbench_pending(w) && !busy && room > wide)
        snprintf(state, sizeof state, "%s", waiting), style = STYLE_WARN, width = wide;
    if (width <= room)
        grid_put_right(g, row, 0, row.columns - 1, style, state);
    else
        grid_put_cut(g, row, 0, column, room, style, state);
}

// ---- hints ----

static const char *hint_text(const struct workbench *w, enum request r) {
    switch (r) {
    case REQUEST_RUN_PAUSE:
        if (shows_other_run(w))
            return w->run_shown.symbol == SYMBOL_RUNNING ? "pause" : "go on";
        return w->state == ENGINE_RUNNING ? "pause" : w->state == ENGINE_PAUSED ? "go on" : "start";
    case REQUEST_RATE_UP:
        return "rate";
    case REQUEST_PAGE_DOWN:
        return "scroll";
    case REQUEST_HELP:
        return w->screen == VIEW_HELP ? "close" : "help";
    default:
        return request_info(r)->hint;
    }
}

// A key that an editor leaves to the program: the first that is no plain character.
static void key_beside_typing(enum request r, unsigned where, char out[KEYMAP_KEYS]) {
    char keys[KEYMAP_KEYS];
    keymap_keys(r, where, keys);
    out[0] = '\0';
    for (const char *at = keys; *at && !out[0]; at += strcspn(at, " "), at += strspn(at, " ")) {
        struct key k;
        size_t length = strcspn(at, " ");
        if (key_parse(&k, at, length) && (k.code != KEY_CODE_CHARACTER || k.control || k.alt))
            snprintf(out, KEYMAP_KEYS, "%.*s", (int)length, at);
    }
}

static void hint_key(enum request r, unsigned where, bool typing, char out[KEYMAP_KEYS]) {
    char down[KEYMAP_KEYS];
    if (typing || r == REQUEST_BACK) // Esc rather than q: it leaves editors, too
        key_beside_typing(r, where, out);
    else
        keymap_key(r, where, out);
    if (!out[0] && !typing)
        keymap_key(r, where, out);
    size_t length = strlen(out);
    if (r == REQUEST_RATE_UP && length && keymap_key(REQUEST_RATE_DOWN, where, down)[0] &&
        length + strlen(down) + 2 < KEYMAP_KEYS) { // one hint for the pair
        out[length] = '/';
        strcpy(out + length + 1, down);
    }
}

// Draws one hint if it fits before `end`; returns the column behind it, or `column` when it did not.
static int put_hint(const struct workbench *w, struct grid *g, struct area row, int column, int end,
                    enum request r) {
    size_t at = workbench_keys(w);
    const struct view *v = view_list[at];
    char key[KEYMAP_KEYS], text[96 + KEYMAP_KEYS];
    hint_key(r, v->where, v->typing && v->typing(w->view_state[at]), key);
    snprintf(text, sizeof text, "%s%s %s", column > 1 ? " . " : "", key, hint_text(w, r));
    if (!part_fits(text, column, end) || !key[0])
        return column;
    if (column > 1) {
        grid_put(g, row, 0, column + 1, STYLE_DIM, part_symbol(g, SYMBOL_DOT));
        column += 3;
    }
    column += grid_put(g, row, 0, column, STYLE_KEY, key) + 1;
    return column + grid_put(g, row, 0, column, STYLE_DIM, hint_text(w, r));
}

static void draw_hints(const struct workbench *w, struct grid *g, struct area row) {
    size_t at = workbench_keys(w);
    const struct view *v = view_list[at];
    if (w->overlay.text) {
        int column = 1 + grid_put(g, row, 0, 1, STYLE_KEY, "Esc");
        column += grid_put(g, row, 0, column, STYLE_DIM, " close");
        column += grid_put(g, row, 0, column, STYLE_DIM, g->ascii ? " - " : " · ");
        column += grid_put(g, row, 0, column, STYLE_KEY, "Up Down PgUp PgDn");
        grid_put(g, row, 0, column, STYLE_DIM, " scroll");
        return;
    }
    // Help is always the last that fits; its room is kept.
    const int help = 9;
    const enum request *r = v->hints ? v->hints(w->view_state[at], w) : NULL;
    int column = 1;
    if (at != w->screen) // the way out of a screen inside another
        column = put_hint(w, g, row, column, row.columns - help, view_list[w->screen]->screen);
    for (; r && *r != REQUEST_NONE; r++)
        if (*r != REQUEST_HELP)
            column = put_hint(w, g, row, column, row.columns - help, *r);
    put_hint(w, g, row, column, row.columns, REQUEST_HELP);
}

// ---- message and overlay ----

enum { QUESTION_BYTES = 120 + KEYMAP_KEYS };

// NULL when nothing is asked.
static const char *question_text(const struct workbench *w, char out[QUESTION_BYTES]) {
    const bool busy = w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING;
    const char *apply = PART_KEY(APPLY, WHERE_PATTERN);
    const bool kept = w->question_argument && strncmp(w->question_argument, "kept/", 5) == 0;
    const char *from = kept ? "the earlier one" : "the file";
    switch (w->question) {
    case QUESTION_QUIT:
        snprintf(out, QUESTION_BYTES, "Edits are not applied (%s). Leave anyway? y/n", apply);
        return busy ? "Tuning goes on. Stop, keep what there is, leave? y/n" : out;
    case QUESTION_RESTART:
        return "Start over from step 0? The present run is kept, but does not go on. y/n";
    case QUESTION_LOAD:
        snprintf(out, QUESTION_BYTES, "Tuning goes on. Stop, keep this run, begin one from %s? y/n", from);
        return busy   ? out
               : kept ? "Settings that wait are given up for those of that run. Begin it? y/n"
                      : "Edits are not applied; the new run will have them. Begin it? y/n";
    case QUESTION_OPEN:
        snprintf(out, QUESTION_BYTES, "Edits are not applied (%s). Open the other anyway? y/n", apply);
        return busy ? "Tuning goes on. Stop, keep what there is, open the other? y/n" : out;
    default:
        return NULL;
    }
}

// What is said at the bottom now, or NULL.
static const char *message_now(const struct workbench *w, double now, char room[QUESTION_BYTES],
                               enum style *style) {
    const char *question = question_text(w, room);
    *style = question ? STYLE_STRONG : w->message.style;
    return question ? question : w->message.text[0] && now < w->message.until ? w->message.text : NULL;
}

static bool count_line(void *context, const char *text, size_t length) {
    (void)text;
    (void)length;
    ++*(int *)context;
    return true;
}

int frame_message_rows(const char *text, int columns) {
    int rows = 0;
    text_wrap(text, strlen(text), columns > 3 ? columns - 2 : 1, count_line, &rows);
    return rows < 1 ? 1 : rows;
}

struct overlay_lines {
    struct grid *g;
    struct area a;
    size_t line, top;
    int indent;
};

static bool overlay_line(void *context, const char *text, size_t length) {
    struct overlay_lines *o = context;
    if (o->line >= o->top)
        grid_put_bytes(o->g, o->a, (int)(o->line - o->top), 1 + o->indent, STYLE_PLAIN, text, length);
    o->line++;
    return true;
}

// Wraps line by line, so that columns that are already aligned stay so; what is wrapped keeps its indent.
static size_t overlay_flow(struct overlay_lines *o, const char *text) {
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n"), indent = strspn(at, " ");
        indent = indent < length ? indent : 0;
        o->indent = (int)indent;
        int width = o->a.columns - 2 - (int)indent;
        if (length == 0)
            overlay_line(o, at, 0);
        else
            text_wrap(at + indent, length - indent, width > 1 ? width : 1, overlay_line, o);
        at += length + (at[length] == '\n');
    }
    return o->line;
}

static void draw_overlay(struct workbench *w, struct grid *g, struct area content) {
    char note[96];
    struct area probe = area_inset(content, 1);
    struct overlay_lines o = {g, area_rows(probe, 0, 0), 0, 0, 0};
    size_t lines = overlay_flow(&o, w->overlay.text), visible = probe.rows > 0 ? (size_t)probe.rows : 0;
    w->overlay_last = lines > visible ? (int)(lines - visible) : 0;
    size_t top = w->overlay.top > (size_t)w->overlay_last ? (size_t)w->overlay_last : w->overlay.top;
    snprintf(note, sizeof note, "%zu-%zu of %zu", top + 1, top + visible < lines ? top + visible : lines,
             lines);
    grid_fill(g, content, STYLE_PLAIN, ' ');
    struct area inside = grid_frame(g, content, true, w->overlay.title, lines > visible ? note : NULL);
    struct overlay_lines draw = {g, inside, 0, top, 0};
    overlay_flow(&draw, w->overlay.text);
}

static void draw_too_small(struct grid *g) {
    char text[96];
    struct area a = grid_area(g);
    snprintf(text, sizeof text, "needs %dx%d, has %dx%d", LEAST_COLUMNS, LEAST_ROWS, g->columns, g->rows);
    int width = text_width(text, strlen(text));
    grid_put_cut(g, a, g->rows / 2, width < g->columns ? (g->columns - width) / 2 : 0, g->columns,
                 STYLE_PLAIN, text);
}

// A screen inside another that has not the keys: no pane of it is the focused one.
static void show_unfocused(struct grid *g, struct area a) {
    for (int row = a.row; row < a.row + a.rows; row++)
        for (int column = a.column; column < a.column + a.columns; column++) {
            struct cell *c = &g->cell[row * g->columns + column];
            if (c->style == STYLE_FOCUS)
                c->style = STYLE_BORDER;
        }
}

void frame_draw(struct workbench *w, struct grid *g, double now) {
    struct area all = grid_area(g);
    grid_clear(g);
    g->cursor_row = g->cursor_column = -1;
    w->rows = g->rows;
    w->columns = g->columns;
    if (g->rows < LEAST_ROWS || g->columns < LEAST_COLUMNS) {
        draw_too_small(g);
        return;
    }
    enum style style;
    char room[QUESTION_BYTES];
    const char *message = message_now(w, now, room, &style);
    int rows = message ? frame_message_rows(message, g->columns) : 0;
    rows = rows > MESSAGE_ROWS ? MESSAGE_ROWS : rows;
    struct area content = area_rows(all, 2, g->rows - 3 - rows);
    draw_title(w, g, area_rows(all, 0, 1));
    draw_tabs(w, g, area_rows(all, 1, 1), now);
    const struct view *v = view_list[w->screen];
    struct panes *panes;
    w->whole = w->content = content;
    workbench_panes(w, w->screen, content, &panes); // kept sizes are there before the first drawing
    v->draw(w->view_state[w->screen], w, g, content, now);
    struct inner_view inner;
    size_t at;
    if (workbench_inner(w, content, &inner, &at)) {
        if (inner.keys)
            w->content = inner.area;
        workbench_panes(w, at, inner.area, &panes);
        view_list[at]->draw(w->view_state[at], w, g, inner.area, now);
        if (!inner.keys) {
            g->cursor_row = g->cursor_column = -1;
            show_unfocused(g, inner.area);
        }
    }
    if (w->overlay.text) {
        g->cursor_row = g->cursor_column = -1;
        draw_overlay(w, g, content);
    }
    if (message)
        grid_put_wrapped(g, area_columns(area_rows(all, g->rows - 1 - rows, rows), 1, g->columns - 2), 0,
                         style, message);
    draw_hints(w, g, area_rows(all, g->rows - 1, 1));
}
