// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing the Try screen: the texts, label probabilities a prompt a row, and likely words.
#include "try_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "sessions/method.h"

#include "parts.h"

const struct pane_spec *try_panes(void *state, struct area a, struct panes **panes) {
    static const struct pane_split rows[] = {{PANE_ROWS, 0.19, 3, 8, TRY_TEXT, PANE_SPLIT(1)},
                                             {PANE_ROWS, 0.4, 4, 4, PANE_SPLIT(2), TRY_LOOK},
                                             {PANE_COLUMNS, 0.64, 30, 18, TRY_LABELS, TRY_LIKELY}};
    static const struct pane_split many[] = {{PANE_ROWS, 0.34, 3, 8, TRY_TEXT, PANE_SPLIT(1)},
                                             {PANE_ROWS, 0.4, 4, 4, PANE_SPLIT(2), TRY_LOOK},
                                             {PANE_COLUMNS, 0.64, 30, 18, TRY_LABELS, TRY_LIKELY}};
    static const struct pane_split wide[] = {{PANE_COLUMNS, 0.5, 40, 40, PANE_SPLIT(1), TRY_LOOK},
                                             {PANE_ROWS, 0.3, 3, 8, TRY_TEXT, PANE_SPLIT(2)},
                                             {PANE_ROWS, 0.4, 4, 4, TRY_LABELS, TRY_LIKELY}};
    static const struct pane_spec spec[] = {{"try", rows, 3, TRY_PANES, 0},
                                            {"try-wide", wide, 3, TRY_PANES, 1},
                                            {"try-fields", many, 3, TRY_PANES, 2}};
    struct try_view *v = state;
    *panes = &v->panes;
    return &spec[a.columns >= 110 && a.rows >= 20 ? 1 : v->editors > 2 ? 2 : 0];
}

struct area try_inside(struct area a) {
    return area_columns(a, 1, a.columns - 2);
}

// Wrapped text where there is nothing else to draw.
static void say(struct grid *g, struct area a, enum style style, const char *text) {
    grid_put_wrapped(g, a, 0, style, text);
}

// ---- the texts ----

static void text_title(const struct try_view *v, const struct workbench *w, char *out, size_t size) {
    const struct workspace *ws = workbench_workspace(w);
    const struct example *x = try_example_now(v, w);
    if (!ws || !x || try_is_own(v)) {
        snprintf(out, size, "%s", ws && x ? "text, your own" : "text");
        return;
    }
    const char *label = x->label < ws->task->classes ? ws->task->class_name[x->label] : "no label";
    if (x == &v->brought) {
        snprintf(out, size, "text: %s, %.60s", v->brought_from, label);
        return;
    }
    bool dev = v->example < ws->split->dev_count;
    snprintf(out, size, "text: %s example %zu of %zu, %.60s", dev ? "dev" : "train",
             (dev ? v->example : v->example - ws->split->dev_count) + 1,
             dev ? ws->split->dev_count : ws->split->train_count, label);
}

static void text_note(const struct try_view *v, const struct workbench *w, char *out, size_t size) {
    const struct answer *a = try_answer(v, v->chosen);
    out[0] = 0;
    if (!a || a->error.kind != ERROR_NONE || try_is_empty(v))
        return;
    size_t used =
        (size_t)snprintf(out, size, "%zu of %zu positions", a->tokens, workbench_settings(w)->budget);
    if (a->cut && used < size)
        snprintf(out + used, size - used, ", %zu cut away", a->cut);
}

static bool count_line(void *context, const char *text, size_t length) {
    (void)text, (void)length;
    ++*(int *)context;
    return true;
}

static int rows_of(const char *text, int columns) {
    int rows = 0;
    text_wrap(text, strlen(text), columns > 1 ? columns - 1 : 1, count_line, &rows);
    return rows > 0 ? rows : 1;
}

// One row each, then what is left to those that need more, in turn. Where there are too few rows, the edited
// one is among those that have one.
static void share_rows(const struct try_view *v, int columns, int rows, int out[TASK_MOST_FIELDS + 1]) {
    size_t first = rows > 0 && v->now >= (size_t)rows ? v->now - (size_t)rows + 1 : 0;
    for (size_t i = 0; i < v->editors; i++)
        out[i] = i >= first && (int)(i - first) < rows;
    rows -= (int)v->editors;
    for (bool more = true; more && rows > 0;) {
        more = false;
        for (size_t i = 0; i < v->editors && rows > 0; i++) {
            if (rows_of(editor_text(v->editor[i]), columns) <= out[i])
                continue;
            out[i]++;
            rows--;
            more = true;
        }
    }
}

static const char *editor_name(const struct task *t, size_t i) {
    return i < t->fields ? t->field[i] : "options";
}

// Options beside each other, where one a line has no room: "A in the garden  B at home".
static void draw_options(struct grid *g, struct area a, const struct task *t, const char *text) {
    struct buffer b = {0};
    for (size_t c = 0; *text && c < t->classes; c++) {
        size_t bytes = strcspn(text, "\n");
        buffer_printf(&b, "%s%s ", c ? "  " : "", t->class_name[c]);
        buffer_add(&b, text, bytes);
        text += bytes + (text[bytes] == '\n');
    }
    grid_put_wrapped(g, a, 0, STYLE_PLAIN, b.data ? b.data : "");
    buffer_free(&b);
}

static void draw_text(struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                      bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    char title[160], note[96];
    int rows[TASK_MOST_FIELDS + 1], gap = 0, row = 0;
    text_title(v, w, title, sizeof title);
    text_note(v, w, note, sizeof note);
    struct area body = try_inside(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (!ws || !v->editors) {
        say(g, body, STYLE_DIM, "Open a task or a session, then type any text here: :open sentiment");
        return;
    }
    for (size_t i = 0; v->editors > 1 && i < v->editors; i++) {
        const char *name = editor_name(ws->task, i);
        int width = text_width(name, strlen(name)) + 2;
        gap = width > gap ? width : gap;
    }
    gap = gap > body.columns / 3 ? body.columns / 3 : gap;
    share_rows(v, body.columns - gap, body.rows, rows);
    for (size_t i = 0; i < v->editors; i++) {
        bool now = v->editors > 1 && i == v->now && focused;
        if (gap && rows[i])
            grid_put_cut(g, body, row, 0, gap - 1, now ? STYLE_FOCUS : STYLE_DIM, editor_name(ws->task, i));
        struct area field = area_rows(area_columns(body, gap, body.columns - gap), row, rows[i]);
        if (i == ws->task->fields && !(v->editing && i == v->now) &&
            rows_of(editor_text(v->editor[i]), field.columns) > rows[i])
            draw_options(g, field, ws->task, editor_text(v->editor[i]));
        else
            editor_draw(v->editor[i], g, field, v->editing && i == v->now, NULL, SIZE_MAX);
        char empty[40 + 2 * KEYMAP_KEYS];
        snprintf(empty, sizeof empty, "empty: %s to type, %s for an example", PART_KEY(EDIT, WHERE_TRY),
                 PART_KEY(EXAMPLE_NEXT, WHERE_TRY));
        if (!editor_text(v->editor[i])[0] && rows[i])
            grid_put_cut(g, field, 0, v->editing && i == v->now ? 1 : 0, field.columns - 1, STYLE_DIM,
                         v->editing             ? "type a text"
                         : i < ws->task->fields ? empty
                                                : "empty: one option a line");
        row += rows[i];
    }
}

// ---- labels ----

void try_row_name(const struct try_view *v, const struct workbench *w, size_t row, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    const struct answer *a = try_answer(v, row);
    bool good = a && a->error.kind == ERROR_NONE;
    if (row == TRY_ROW_HARD)
        snprintf(out, size, "zero-shot");
    else if (row == TRY_ROW_PRESENT && good)
        snprintf(out, size, "present, step %zu", a->step);
    else if (row == TRY_ROW_PRESENT)
        snprintf(out, size, "present");
    else if (row == TRY_ROW_BEST && (good || best))
        snprintf(out, size, "best, step %zu", good ? a->step : best->step);
    else if (row == TRY_ROW_BEST)
        snprintf(out, size, "best");
    else if (row < try_rows(v))
        snprintf(out, size, "kept %.20s", v->kept.prompt[row - TRY_ROW_KEPT].name);
}

// What the chosen row is, for the bottom edge.
static void row_note(const struct try_view *v, const struct workbench *w, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    const struct workspace *ws = workbench_workspace(w);
    char score[PART_SHORT];
    out[0] = 0;
    if (v->chosen == TRY_ROW_HARD) {
        snprintf(out, size, "the template without its soft vectors");
    } else if (v->chosen == TRY_ROW_BEST && best && ws) {
        part_score(score, best->dev_accuracy, ws->split->dev_count);
        snprintf(out, size, "dev %s", score);
    } else if (v->chosen >= TRY_ROW_KEPT && v->chosen < try_rows(v)) {
        const struct kept_prompt *k = &v->kept.prompt[v->chosen - TRY_ROW_KEPT];
        const char *template = k->template_text[0] || !ws || !ws->task->templates
                                   ? k->template_text
                                   : ws->task->template_text[0];
        size_t used =
            (size_t)snprintf(out, size, "%s, seed %llu, step %zu", method_title(template, &k->settings),
                             (unsigned long long)k->settings.seed, k->step);
        if (isfinite(k->dev_accuracy) && used < size)
            snprintf(out + used, size - used, ", dev %.2f", k->dev_accuracy);
    }
}

struct label_columns {
    int name, cell; // columns of the names, and of each class; cell 0: classes do not fit beside each other
};

static struct label_columns label_columns(const struct try_view *v, const struct workbench *w,
                                          const struct task *t, int columns) {
    enum { LEAST = 11 };
    struct label_columns out = {9, 0};
    char name[64];
    for (size_t i = 0; i < try_rows(v); i++) {
        try_row_name(v, w, i, name, sizeof name);
        int width = text_width(name, strlen(name));
        out.name = width > out.name ? width : out.name;
    }
    out.name += 2 + 4; // pointer; right or wrong
    int each = t->classes ? (columns - out.name) / (int)t->classes : 0;
    if (each >= LEAST)
        out.cell = each > 34 ? 34 : each;
    return out;
}

// Bar and number of one class; `named`: with the class's name before it. Returns the columns used.
static int draw_probability(struct grid *g, struct area a, int row, int column, int columns, double p,
                            bool predicted, const char *name) {
    char number[16];
    int bar = columns - 6, used = 0;
    snprintf(number, sizeof number, "%.2f", p);
    if (name)
        used = grid_put_cut(g, a, row, column, columns, predicted ? STYLE_STRONG : STYLE_PLAIN, name) + 1;
    else if (bar > 0)
        grid_bar(g, a, row, column, bar, predicted ? STYLE_ACCENT : STYLE_DIM, p);
    if (!name)
        used = bar > 0 ? bar + 1 : 0;
    grid_put(g, a, row, column + used, predicted ? STYLE_STRONG : STYLE_PLAIN, number);
    return used + 4;
}

// Where there are more classes than columns: the likeliest by name.
static void draw_likeliest(struct grid *g, struct area a, int row, int column, const struct task *t,
                           const struct answer *x) {
    bool drawn[TASK_MOST_CLASSES] = {false};
    for (size_t i = 0; i < x->classes && i < t->classes; i++) {
        size_t best = SIZE_MAX;
        for (size_t c = 0; c < x->classes && c < t->classes; c++)
            if (!drawn[c] && (best == SIZE_MAX || x->probability[c] > x->probability[best]))
                best = c;
        const char *name = t->class_name[best];
        if (column + text_width(name, strlen(name)) + 5 > a.columns)
            return;
        drawn[best] = true;
        column += draw_probability(g, a, row, column, a.columns, (double)x->probability[best],
                                   best == x->predicted, name) +
                  2;
    }
}

static void draw_answer(const struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                        int row, const struct label_columns *l, size_t which) {
    const struct task *t = workbench_workspace(w)->task;
    const struct answer *x = try_answer(v, which);
    const struct example *example = try_is_own(v) ? NULL : try_example_now(v, w);
    struct area rest = area_columns(a, 0, a.columns);
    if (!x || x->error.kind != ERROR_NONE) {
        char back[64 + 2 * KEYMAP_KEYS];
        snprintf(back, sizeof back, "not in the model now; on screen %s, %s goes back",
                 PART_KEY(SCREEN_RUN, WHERE_TRY), PART_KEY(UNDO_TO_BEST, WHERE_RUN));
        const char *why = x ? x->error.text
                          : v->error[TRY_ANSWERS].kind != ERROR_NONE && which == TRY_ROW_HARD
                              ? v->error[TRY_ANSWERS].text
                              : "";
        grid_put_cut(g, rest, row, l->name, a.columns - l->name, STYLE_DIM,
                     x && which == TRY_ROW_BEST
                         ? part_fine_tunes(workbench_workspace(w)) ? back : "none yet, dev not scored"
                         : why);
        return;
    }
    bool known = example && example->label < x->classes;
    if (known)
        grid_put(g, a, row, l->name - 3, x->predicted == example->label ? STYLE_GOOD : STYLE_BAD,
                 part_symbol(g, x->predicted == example->label ? SYMBOL_TICK : SYMBOL_CROSS));
    if (!l->cell) {
        draw_likeliest(g, a, row, l->name, t, x);
        return;
    }
    for (size_t c = 0; c < x->classes && c < t->classes; c++)
        draw_probability(g, a, row, l->name + (int)c * l->cell, l->cell - 1, (double)x->probability[c],
                         c == x->predicted, NULL);
}

static void draw_labels(struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                        bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    char note[96], name[64];
    row_note(v, w, note, sizeof note);
    struct area body = try_inside(
        grid_frame(g, a, focused,
                   !try_is_empty(v) && (v->stale || workbench_studying(w, &view_try, TRY_ANSWERS, NULL, NULL))
                       ? "labels, asking"
                       : "labels",
                   note[0] ? note : NULL));
    if (!ws || try_is_empty(v)) {
        say(g, body, STYLE_DIM,
            "The probability of each label, without a prompt and with each that there is, goes here.");
        return;
    }
    struct label_columns l = label_columns(v, w, ws->task, body.columns);
    for (size_t c = 0; l.cell && c < ws->task->classes; c++)
        grid_put_cut(g, body, 0, l.name + (int)c * l.cell, l.cell - 1, STYLE_DIM, ws->task->class_name[c]);
    int top = l.cell > 0, room = body.rows - top;
    size_t rows = try_rows(v), first = room > 0 ? part_scroll(rows, v->chosen, (size_t)room) : 0;
    for (int i = 0; i < room && first + (size_t)i < rows; i++) {
        size_t row = first + (size_t)i;
        bool chosen = row == v->chosen;
        try_row_name(v, w, row, name, sizeof name);
        grid_put(g, body, top + i, 0, STYLE_FOCUS, chosen ? part_symbol(g, SYMBOL_POINTER) : " ");
        grid_put_cut(g, body, top + i, 2, l.name - 6, chosen ? STYLE_STRONG : STYLE_PLAIN, name);
        draw_answer(v, w, g, body, top + i, &l, row);
    }
}

// ---- likely words ----

// Which class a token is the label word of; SIZE_MAX: none.
static size_t class_of(const struct answer *a, int32_t id) {
    for (size_t c = 0; c < a->classes; c++)
        if (a->target[c] == id)
            return c;
    return SIZE_MAX;
}

static void draw_likely(struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                        bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    const struct answer *x = try_answer(v, v->chosen);
    char name[64] = "", title[96], piece[PART_PIECE];
    try_row_name(v, w, v->chosen, name, sizeof name);
    snprintf(title, sizeof title, "words at the mask");
    struct area body =
        try_inside(grid_frame(g, a, focused, title, ws && x && !try_is_empty(v) ? name : NULL));
    if (!ws || !x || x->error.kind != ERROR_NONE || try_is_empty(v)) {
        say(g, body, STYLE_DIM, "The likeliest words of the whole vocabulary go here.");
        return;
    }
    int widest = 0, rows = body.rows;
    size_t last = x->likely_count > (size_t)rows ? x->likely_count - (size_t)rows : 0;
    size_t top = v->likely_top < last ? v->likely_top : last;
    for (int i = 0; i < rows && top + (size_t)i < x->likely_count; i++) {
        part_piece(piece, g, ws->tokenizer, x->likely[top + (size_t)i].id);
        int width = text_width(piece, strlen(piece));
        widest = width > widest ? width : widest;
    }
    widest = widest > body.columns / 2 ? body.columns / 2 : widest;
    for (int i = 0; i < rows && top + (size_t)i < x->likely_count; i++) {
        const struct likely_token *t = &x->likely[top + (size_t)i];
        size_t class = class_of(x, t->id);
        part_piece(piece, g, ws->tokenizer, t->id);
        grid_put_cut(g, body, i, 0, widest, class == SIZE_MAX ? STYLE_PLAIN : STYLE_STRONG, piece);
        grid_printf(g, body, i, widest + 1, STYLE_PLAIN, "%.3f", (double)t->probability);
        int bar = body.columns - widest - 8;
        // A label word says so instead of its bar; at least that it is one.
        const char *label = class < ws->task->classes ? ws->task->class_name[class] : NULL;
        if (label)
            grid_put(g, body, i, widest + 8, STYLE_ACCENT,
                     text_width(label, strlen(label)) <= bar ? label : part_symbol(g, SYMBOL_RUNNING));
        else if (bar > 2)
            grid_bar(g, body, i, widest + 8, bar, STYLE_DIM, (double)t->probability);
    }
}

// ---- the whole ----

void try_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct try_view *v = state;
    struct panes *panes;
    struct area at[PANES_MOST];
    (void)now;
    panes_layout(&v->panes, try_panes(state, a, &panes), a, at);
    if (panes_shown(at[TRY_TEXT]))
        draw_text(v, w, g, at[TRY_TEXT], panes->focus == TRY_TEXT);
    if (panes_shown(at[TRY_LABELS]))
        draw_labels(v, w, g, at[TRY_LABELS], panes->focus == TRY_LABELS);
    if (panes_shown(at[TRY_LIKELY]))
        draw_likely(v, w, g, at[TRY_LIKELY], panes->focus == TRY_LIKELY);
    if (panes_shown(at[TRY_LOOK]))
        try_draw_words(v, w, g, at[TRY_LOOK], panes->focus == TRY_LOOK);
}
