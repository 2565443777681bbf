// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 4, Prompt: what the soft vectors have become, what each is worth, and changing them by hand.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/memory.h"
#include "tui/plot.h"
#include "views/views.h"

#include "parts.h"
#include "prompt_inside.h"

enum { LEAST_ROWS = 17, LEAST_COLUMNS = 70, WIDE_COLUMNS = 112, TALL_ROWS = 30 };

// ---- life ----

static bool create(void **state, struct error *e) {
    struct prompt_view *v = *state = mem_calloc(1, sizeof *v, e);
    if (v)
        v->scale = 1;
    return v != NULL;
}

static void view_free(void *state) {
    struct prompt_view *v = state;
    if (!v)
        return;
    prompt_forget(v);
    free(v->row);
    free(v->words);
    free(v);
}

// ---- what all its files ask ----

const struct near_token *prompt_near(const struct prompt_picture *p, size_t slot, enum nearness metric) {
    return p->near + (slot * NEAR_KINDS + metric) * p->k;
}

bool prompt_flipped(const struct prompt_picture *p, size_t slot) {
    return prompt_near(p, slot, NEAR_COSINE)->id != p->start_near[slot];
}

const struct prompt_picture *prompt_shown(const struct prompt_view *v, const struct workbench *w) {
    return v->in_past && v->earlier ? v->earlier : workbench_picture(w);
}

const char *prompt_metric_name(enum nearness metric) {
    static const char *const name[NEAR_KINDS] = {"cosine", "dot product", "L2 distance"};
    return name[metric];
}

void prompt_near_number(char *out, size_t size, double value) {
    if (isfinite(value) && fabs(value) < 1000)
        snprintf(out, size, "%.2f", value);
    else
        plot_number(out, size, value);
}

const struct ablation *prompt_scores(const struct prompt_view *v) {
    return v->columns == COLUMNS_WITHOUT ? v->without : v->columns == COLUMNS_SNAP ? v->snap : NULL;
}

bool prompt_scores_old(const struct prompt_view *v) {
    const struct ablation *a = prompt_scores(v);
    return a && v->scored[a->change == ABLATION_SNAP] != v->shape;
}

// ---- order and words ----

static bool has_worth(const struct prompt_view *v) {
    return prompt_scores(v) || (v->columns == COLUMNS_BESIDE && v->beside);
}

const char *prompt_order_name(const struct prompt_view *v) {
    static const char *const name[ORDER_COUNT] = {
        [ORDER_NUMBER] = "number", [ORDER_DRIFT] = "drift", [ORDER_NORM] = "norm"};
    if (v->order == ORDER_WORTH)
        return !has_worth(v) ? "number" : v->columns == COLUMNS_BESIDE ? "distance" : "loss";
    return name[v->order];
}

static double sort_value(const struct prompt_view *v, const struct prompt_picture *p, size_t slot) {
    const struct ablation *a = prompt_scores(v);
    double x = v->order == ORDER_DRIFT ? (double)p->drift[slot] : (double)p->norm[slot];
    if (v->order == ORDER_WORTH && a)
        x = slot < a->slots ? a->one[slot].loss : (double)NAN;
    else if (v->order == ORDER_WORTH && has_worth(v))
        x = slot < v->beside->slots ? (double)v->beside->distance[slot] : (double)NAN;
    return isfinite(x) ? x : -INFINITY;
}

// Insertion sort: stable, and a prompt has a few hundred vectors at most.
static void sort_rows(struct prompt_view *v, const struct prompt_picture *p) {
    bool by_number = v->order == ORDER_NUMBER || (v->order == ORDER_WORTH && !has_worth(v));
    for (size_t i = 0; i < v->slots; i++) {
        size_t at = i;
        for (; !by_number && at > 0 && sort_value(v, p, v->row[at - 1]) < sort_value(v, p, i); at--)
            v->row[at] = v->row[at - 1];
        v->row[at] = i;
    }
}

static void read_words(struct prompt_view *v, const struct prompt_picture *p, const struct workspace *ws) {
    int32_t *ids = mem_calloc(p->slots, sizeof *ids, NULL);
    free(v->words);
    v->words = NULL;
    if (!ids)
        return;
    for (size_t i = 0; i < p->slots; i++)
        ids[i] = prompt_near(p, i, v->metric)->id;
    v->words = tokenizer_decode(ws->tokenizer, ids, p->slots, NULL);
    free(ids);
}

// ---- news ----

// Another number whenever the prompt is another one (a hash of what was measured of it).
static uint64_t shape_of(const struct prompt_picture *p) {
    uint64_t h = HASH_START;
    const unsigned char *norm = (const unsigned char *)p->norm, *drift = (const unsigned char *)p->drift;
    for (size_t i = 0; i < p->slots * sizeof *p->norm; i++)
        h = hash_byte(hash_byte(h, norm[i]), drift[i]);
    return (h ^ p->step) | 1;
}

static void take_news(struct prompt_view *v, const struct prompt_picture *p) {
    uint64_t shape = shape_of(p);
    if (shape == v->shape)
        return;
    v->shape = shape;
    if (p->near_current)
        prompt_past_add(&v->past, p);
}

void prompt_refresh(void *state, struct workbench *w, double now) {
    struct prompt_view *v = state;
    const struct workspace *ws = workbench_workspace(w);
    (void)now;
    if (v->opened != workbench_opened(w)) {
        prompt_forget(v);
        v->opened = workbench_opened(w);
        v->shape = 0;
    }
    const struct prompt_picture *present = workbench_picture(w), *p = prompt_shown(v, w);
    v->slots = 0;
    if (!present || !ws || ws->slots == 0 || p->k == 0 || present->slots != ws->slots ||
        !mem_grow(&v->row, &v->capacity, p->slots, sizeof *v->row, NULL)) {
        free(v->words);
        v->words = NULL;
        return;
    }
    v->slots = p->slots;
    if (v->selected >= p->slots)
        v->selected = p->slots ? p->slots - 1 : 0;
    take_news(v, present);
    sort_rows(v, p);
    read_words(v, p, ws);
}

// ---- below the panes: the prompt as words, and the slider ----

static int words_rows(const struct prompt_view *v, struct area a) {
    int length = v->words ? text_width(v->words, strlen(v->words)) : 0;
    int rows = 1 + length / (a.columns > 24 ? a.columns - 16 : 8);
    int most = a.rows >= 40 ? 4 : 2;
    return rows > most ? most : rows;
}

static bool has_slider(const struct workbench *w) {
    const struct snapshot_set *s = workbench_snapshots(w);
    return s && s->count > 1;
}

static void draw_words(const struct prompt_view *v, struct grid *g, struct area a) {
    struct area text = area_columns(a, 11, a.columns - 12);
    grid_put(g, a, 0, 1, STYLE_DIM, "reads as");
    grid_put_wrapped(g, text, 0, STYLE_PLAIN, v->words ? v->words : "");
}

// "time  |--|--o-----| step 15 of 37": a mark for each snapshot.
static void draw_slider(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                        struct area a) {
    const struct snapshot_set *s = workbench_snapshots(w);
    const struct prompt_picture *p = workbench_picture(w);
    char text[120] = "", score[PART_SHORT];
    int from = 11, width = a.columns / 3;
    size_t last = p->step > s->at[s->count - 1]->step ? p->step : s->at[s->count - 1]->step;
    size_t shown = v->in_past ? v->past_step : p->step;
    grid_put(g, a, 0, 1, STYLE_DIM, "time");
    for (int i = 0; i < width; i++)
        grid_put(g, a, 0, from + i, STYLE_BORDER, g->ascii ? "-" : "─");
    for (size_t i = 0; i < s->count && last > 0; i++)
        grid_put(g, a, 0, from + (int)(s->at[i]->step * (size_t)(width - 1) / last), STYLE_BORDER,
                 g->ascii ? "+" : "┴");
    grid_put(g, a, 0, from + (last ? (int)(shown * (size_t)(width - 1) / last) : 0),
             v->in_past ? STYLE_ACCENT : STYLE_STRONG, part_symbol(g, SYMBOL_RUNNING));
    const struct snapshot *x = v->in_past ? snapshot_set_find(s, v->past_step) : NULL;
    if (!v->in_past) {
        snprintf(text, sizeof text, a.columns < 70 ? "step %zu, now" : "step %zu, now; , goes back in time",
                 p->step);
    } else {
        part_score(score, x ? (double)x->dev_accuracy : (double)NAN, 0);
        snprintf(text, sizeof text, "step %zu, dev acc %s; U returns to it", v->past_step, score);
    }
    grid_put_cut(g, a, 0, from + width + 2, a.columns - from - width - 3,
                 v->in_past ? STYLE_ACCENT : STYLE_DIM, text);
}

// ---- panes ----

static const struct pane_split LOW[] = {{PANE_ROWS, 0.58, 6, 5, PANE_TABLE, PANE_SPLIT(1)},
                                        {PANE_COLUMNS, 0.5, 24, 20, PANE_DETAIL, PANE_MAP}};
static const struct pane_split WIDE[] = {{PANE_COLUMNS, 0.62, 50, 30, PANE_TABLE, PANE_SPLIT(1)},
                                         {PANE_ROWS, 0.5, 5, 5, PANE_MAP, PANE_DETAIL}};
static const struct pane_split TALL[] = {{PANE_ROWS, 0.6, 6, 8, PANE_TABLE, PANE_SPLIT(1)},
                                         {PANE_COLUMNS, 0.5, 24, 20, PANE_DETAIL, PANE_MAP}};
static const struct pane_spec SPEC_LOW = {"prompt", LOW, 2, PANE_COUNT, 0};
static const struct pane_spec SPEC_WIDE = {"prompt-wide", WIDE, 2, PANE_COUNT, 1};
static const struct pane_spec SPEC_TALL = {"prompt-tall", TALL, 2, PANE_COUNT, 2};

static const struct pane_spec *panes(void *state, struct area a, struct panes **panes) {
    struct prompt_view *v = state;
    *panes = &v->panes;
    return a.rows >= TALL_ROWS ? &SPEC_TALL : a.columns >= WIDE_COLUMNS ? &SPEC_WIDE : &SPEC_LOW;
}

static void draw_pane(struct prompt_view *v, const struct workbench *w, struct grid *g, size_t pane,
                      struct area a) {
    bool focused = v->panes.focus == pane;
    if (!panes_shown(a))
        return;
    if (pane == PANE_TABLE)
        prompt_draw_table(v, w, g, a, focused);
    else if (pane == PANE_DETAIL)
        prompt_draw_detail(v, w, g, a, focused);
    else
        prompt_draw_map(v, w, g, a, focused);
}

static void draw_panes(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area whole,
                       struct area a) {
    struct panes *p;
    struct area out[PANES_MOST];
    const struct pane_spec *s = panes(v, whole, &p);
    if (a.rows < LEAST_ROWS - 2 || a.columns < LEAST_COLUMNS) { // one at a time
        draw_pane(v, w, g, v->panes.focus, a);
        return;
    }
    panes_layout(p, s, a, out);
    for (size_t i = 0; i < PANE_COUNT; i++)
        draw_pane(v, w, g, i, out[i]);
}

// ---- the whole ----

static void draw_empty(const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    int row = a.rows / 3;
    const char *what;
    char next[400] = "";
    if (!ws && workbench_opening(w)) {
        what = "Opening the model and the task ...";
    } else if (!ws && workbench_session(w)) {
        what = "There is no run to look at: it could not begin.";
        snprintf(
            next, sizeof next,
            "A soft prompt needs a place in the template, e.g. {soft:20}: screen %s edits it, %s begins a "
            "run with it.",
            PART_KEY(SCREEN_PATTERN, WHERE_PROMPT), PART_KEY(APPLY, WHERE_PATTERN));
    } else if (!ws) {
        what = "Nothing is open.";
        snprintf(next, sizeof next, ":open sentiment opens a shipped task.");
    } else if (part_fine_tunes(ws)) {
        what = "Fine-tuning has no soft prompt: all weights of the model learn.";
        snprintf(
            next, sizeof next,
            ":method hybrid or :method ppt begins a run whose prompt can be looked at here; this run is kept "
            "in the session.");
    } else if (!ws->split->train_count) {
        what = "There are no examples to learn from yet.";
        snprintf(next, sizeof next, "Type some on screen %s: %s there; then %s tunes on them.",
                 PART_KEY(SCREEN_DATA, WHERE_PROMPT), PART_KEY(OWN_ADD, WHERE_DATA),
                 PART_KEY(RUN_PAUSE, WHERE_PROMPT));
    } else if (ws->slots == 0) {
        what = "The template has no soft vectors: there is nothing to look at here.";
        snprintf(
            next, sizeof next,
            "Add some on screen %s: %s edits the template, e.g. {soft:20}. Then %s begins a run with it, "
            "and every vector has a row here: how long it is, how far it moved, which words it lies near, "
            "and what dev scores without it.",
            PART_KEY(SCREEN_PATTERN, WHERE_PROMPT), PART_KEY(EDIT, WHERE_PATTERN),
            PART_KEY(APPLY, WHERE_PATTERN));
    } else {
        what = "The soft vectors appear here in a moment.";
        snprintf(next, sizeof next, "%s tunes them; watch their nearest words change.",
                 PART_KEY(RUN_PAUSE, WHERE_PROMPT));
    }
    grid_put_wrapped(g, area_columns(a, 2, a.columns - 4), row, STYLE_STRONG, what);
    grid_put_wrapped(g, area_columns(a, 2, a.columns - 4), row + 2, STYLE_PLAIN, next);
}

static void draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct prompt_view *v = state;
    (void)now;
    if (v->slots == 0 || !workbench_picture(w) || !workbench_workspace(w)) {
        draw_empty(w, g, a);
        return;
    }
    if (v->panes.zoomed) {
        draw_panes(v, w, g, a, a);
        return;
    }
    int words = words_rows(v, a), slider = has_slider(w) ? 1 : 0, below = words + slider;
    draw_panes(v, w, g, a, area_rows(a, 0, a.rows - below));
    draw_words(v, g, area_rows(a, a.rows - below, words));
    if (slider)
        draw_slider(v, w, g, area_rows(a, a.rows - 1, 1));
}

// ---- moving and searching ----

static size_t row_of(const struct prompt_view *v, size_t slot) {
    for (size_t i = 0; i < v->slots; i++)
        if (v->row[i] == slot)
            return i;
    return 0;
}

static void move(struct prompt_view *v, long by) {
    long at = (long)row_of(v, v->selected) + by, last = (long)v->slots - 1;
    if (v->slots > 0)
        v->selected = v->row[at < 0 ? 0 : at > last ? last : at];
}

// Its number, "v3", or one of the tokens it lies near by the metric, letters alike in either case.
static bool matches(const struct prompt_view *v, const struct workbench *w, size_t slot, const char *text) {
    const struct prompt_picture *p = prompt_shown(v, w);
    char name[24];
    snprintf(name, sizeof name, "v%zu", slot);
    if (strcasecmp(name, text) == 0)
        return true;
    for (size_t i = 0; i < p->k; i++) {
        const char *piece =
            tokenizer_piece(workbench_workspace(w)->tokenizer, prompt_near(p, slot, v->metric)[i].id);
        if (piece && strcasestr(piece, text))
            return true;
    }
    return false;
}

static void search(struct prompt_view *v, struct workbench *w, const char *text, bool forward, double now) {
    size_t at = row_of(v, v->selected);
    if (text)
        snprintf(v->search, sizeof v->search, "%s", text);
    if (!v->search[0]) {
        workbench_say(w, STYLE_PLAIN, now, "/ searches: the number of a vector, or a word near it");
        return;
    }
    for (size_t i = text ? 0 : 1; i <= v->slots && v->slots; i++) {
        size_t row = forward ? (at + i) % v->slots : (at + 2 * v->slots - i) % v->slots;
        if (!matches(v, w, v->row[row], v->search))
            continue;
        v->selected = v->row[row];
        return;
    }
    workbench_say(w, STYLE_WARN, now, "no vector lies near \"%.60s\"", v->search);
}

// ---- changing the prompt ----

// Changes are made to the present prompt: while another one is on the screen that would surprise.
static bool may_change(const struct prompt_view *v, struct workbench *w, double now) {
    if (v->slots && v->in_past)
        workbench_say(w, STYLE_WARN, now,
                      "this is the prompt of step %zu: U goes back to it, . leads to the present",
                      v->past_step);
    else if (!v->slots)
        workbench_say(w, STYLE_WARN, now, "there are no soft vectors yet");
    return v->slots && !v->in_past;
}

// NULL: the selected one; "all"; "v3" or "3".
static bool which_slot(const struct prompt_view *v, struct workbench *w, const char *argument, size_t *out,
                       double now) {
    char *end;
    *out = v->selected;
    if (!argument)
        return true;
    if (strcmp(argument, "all") == 0) {
        *out = EDIT_EVERY_SLOT;
        return true;
    }
    const char *digits = argument + (argument[0] == 'v');
    *out = strtoul(digits, &end, 10);
    if (isdigit((unsigned char)digits[0]) && !*end && *out < v->slots)
        return true;
    workbench_say(w, STYLE_BAD, now, "\"%.40s\" is no vector: v0 to v%zu, or all", argument, v->slots - 1);
    return false;
}

static struct prompt_edit *edit_of(struct prompt_view *v, struct workbench *w, enum edit_kind kind,
                                   const char *argument, double now) {
    struct error e = {0};
    size_t slot;
    if (!may_change(v, w, now) || !which_slot(v, w, argument, &slot, now))
        return NULL;
    struct prompt_edit *edit = prompt_edit_make(kind, slot, v->slots, workbench_picture(w)->width, &e);
    if (!edit)
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    return edit;
}

static void send_edit(struct workbench *w, struct prompt_edit *take, double now) {
    if (take)
        workbench_send(w, (struct engine_command){.verb = ENGINE_EDIT, .edit = take}, now);
}

// Frozen ones thaw; "all" freezes unless all are frozen.
static void freeze(struct prompt_view *v, struct workbench *w, const char *argument, double now) {
    const struct prompt_picture *p = workbench_picture(w);
    struct prompt_edit *edit = edit_of(v, w, EDIT_FREEZE, argument, now);
    bool frozen = edit != NULL;
    for (size_t i = 0; edit && i < v->slots; i++)
        if (edit->slot == EDIT_EVERY_SLOT || edit->slot == i)
            frozen = frozen && p->frozen[i];
    if (edit && frozen)
        edit->kind = EDIT_THAW;
    send_edit(w, edit, now);
}

// "film" is the piece that begins a word, "+ing" one that goes on.
static void set_word(struct prompt_view *v, struct workbench *w, const char *argument, double now) {
    const struct tokenizer *t = workbench_workspace(w) ? workbench_workspace(w)->tokenizer : NULL;
    char piece[PART_PIECE + 8];
    if (!may_change(v, w, now))
        return;
    bool inner = argument[0] == '+';
    snprintf(piece, sizeof piece, "\xe2\x96\x81%.120s", argument);
    int32_t id = inner ? tokenizer_find(t, argument + 1) : tokenizer_find(t, piece);
    if (id < 0 && !inner)
        id = tokenizer_find(t, argument);
    if (id < 0) {
        workbench_say(w, STYLE_BAD, now,
                      "\"%.60s\" is no single piece of the vocabulary; Tab behind :word completes pieces, "
                      "+ing is a piece inside a word",
                      argument);
        return;
    }
    struct prompt_edit *edit = edit_of(v, w, EDIT_TOKENS, NULL, now);
    for (size_t i = 0; edit && i < v->slots; i++)
        edit->token[i] = id;
    send_edit(w, edit, now);
}

// First what it would do to dev, then the same key does it.
static void snap(struct prompt_view *v, struct workbench *w, const char *argument, double now) {
    const struct prompt_picture *p = workbench_picture(w);
    if (!may_change(v, w, now))
        return;
    if (!v->snap || v->columns != COLUMNS_SNAP || prompt_scores_old(v) || v->snap->metric != v->metric) {
        if (v->waits[CHANNEL_SNAP])
            return;
        prompt_ask_scores(v, w, ABLATION_SNAP, now);
        workbench_say(w, STYLE_PLAIN, now,
                      "first what it does to dev: then %s snaps this vector, %s all of them",
                      PART_KEY(SNAP, WHERE_PROMPT), PART_KEY(SNAP_ALL, WHERE_PROMPT));
        return;
    }
    struct prompt_edit *edit = edit_of(v, w, EDIT_TOKENS, argument, now);
    for (size_t i = 0; edit && i < v->slots; i++)
        edit->token[i] = prompt_near(p, i, v->metric)->id;
    send_edit(w, edit, now);
}

// ---- requests ----

static void next_columns(struct prompt_view *v) {
    for (int i = 0; i < 4; i++) {
        v->columns = (enum prompt_columns)((v->columns + 1) % 4);
        if (v->columns == COLUMNS_DRIFT || (v->columns == COLUMNS_WITHOUT && v->without) ||
            (v->columns == COLUMNS_SNAP && v->snap) || (v->columns == COLUMNS_BESIDE && v->beside))
            return;
    }
}

static void next_order(struct prompt_view *v) {
    v->order = (enum prompt_order)((v->order + 1) % ORDER_COUNT);
    if (v->order == ORDER_WORTH && !has_worth(v))
        v->order = ORDER_DRIFT;
}

static bool move_request(struct prompt_view *v, enum request r) {
    long page = v->page > 1 ? (long)v->page - 1 : 1;
    switch (r) {
    case REQUEST_UP:
        move(v, -1);
        return true;
    case REQUEST_DOWN:
        move(v, 1);
        return true;
    case REQUEST_PAGE_UP:
        move(v, -page);
        return true;
    case REQUEST_PAGE_DOWN:
        move(v, page);
        return true;
    case REQUEST_FIRST:
        move(v, -(long)v->slots);
        return true;
    case REQUEST_LAST:
        move(v, (long)v->slots);
        return true;
    default:
        return false;
    }
}

// What asks for a computation, or shows its result.
static bool study_request(struct prompt_view *v, struct workbench *w, enum request r, const char *argument,
                          double now) {
    switch (r) {
    case REQUEST_ABLATE:
        prompt_ask_scores(v, w, ABLATION_REMOVE, now);
        return true;
    case REQUEST_SNAP_TRY:
        prompt_ask_scores(v, w, ABLATION_SNAP, now);
        return true;
    case REQUEST_BESIDE:
        if (argument)
            prompt_ask_beside(v, w, argument, now);
        else
            loop_open_command_line("beside ");
        return true;
    case REQUEST_EARLIER:
    case REQUEST_LEFT:
        prompt_slide(v, w, -1, now);
        return true;
    case REQUEST_LATER:
    case REQUEST_RIGHT:
        prompt_slide(v, w, 1, now);
        return true;
    case REQUEST_UNDO_TO: {
        char step[32];
        if (argument || !v->in_past)
            return false;
        snprintf(step, sizeof step, "%zu", v->past_step);
        prompt_leave_past(v);
        workbench_request(w, REQUEST_UNDO_TO, step, now);
        return true;
    }
    default:
        return false;
    }
}

static bool edit_request(struct prompt_view *v, struct workbench *w, enum request r, const char *argument,
                         double now) {
    switch (r) {
    case REQUEST_FREEZE:
        freeze(v, w, argument, now);
        return true;
    case REQUEST_RESET_VECTOR:
        send_edit(w, edit_of(v, w, EDIT_RESET, argument, now), now);
        return true;
    case REQUEST_SET_WORD:
        if (argument)
            set_word(v, w, argument, now);
        else if (may_change(v, w, now))
            loop_open_command_line("word ");
        return true;
    case REQUEST_SNAP:
        snap(v, w, argument, now);
        return true;
    case REQUEST_SNAP_ALL:
        snap(v, w, "all", now);
        return true;
    case REQUEST_TAKE_BACK:
        if (may_change(v, w, now))
            workbench_send(w, (struct engine_command){.verb = ENGINE_UNDO_EDIT}, now);
        return true;
    default:
        return false;
    }
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct prompt_view *v = state;
    bool done = true;
    if (prompt_map_request(v, r, v->panes.focus == PANE_MAP) || move_request(v, r))
        return true;
    switch (r) {
    case REQUEST_METRIC:
        v->metric = (enum nearness)((v->metric + 1) % NEAR_KINDS);
        break;
    case REQUEST_SORT:
        next_order(v);
        break;
    case REQUEST_COLUMNS:
        next_columns(v);
        break;
    case REQUEST_SEARCH:
        search(v, w, argument, true, now);
        break;
    case REQUEST_SEARCH_NEXT:
    case REQUEST_SEARCH_PREVIOUS:
        search(v, w, NULL, r == REQUEST_SEARCH_NEXT, now);
        break;
    default:
        done = study_request(v, w, r, argument, now) || edit_request(v, w, r, argument, now);
        break;
    }
    if (done)
        prompt_refresh(v, w, now);
    return done;
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request still[] = {REQUEST_ABLATE,     REQUEST_SNAP_TRY, REQUEST_FREEZE,
                                         REQUEST_METRIC,     REQUEST_SORT,     REQUEST_EARLIER,
                                         REQUEST_BESIDE,     REQUEST_ZOOM,     REQUEST_RUN_PAUSE,
                                         REQUEST_FOCUS_NEXT, REQUEST_NONE};
    static const enum request running[] = {REQUEST_RUN_PAUSE, REQUEST_METRIC,     REQUEST_SORT,
                                           REQUEST_ABLATE,    REQUEST_FREEZE,     REQUEST_EARLIER,
                                           REQUEST_ZOOM,      REQUEST_FOCUS_NEXT, REQUEST_NONE};
    static const enum request snapped[] = {REQUEST_SNAP,   REQUEST_SNAP_ALL, REQUEST_TAKE_BACK, REQUEST_SORT,
                                           REQUEST_METRIC, REQUEST_COLUMNS,  REQUEST_EVALUATE,  REQUEST_NONE};
    const struct prompt_view *v = state;
    return workbench_state(w) == ENGINE_RUNNING ? running : v->columns == COLUMNS_SNAP ? snapped : still;
}

const struct view view_prompt = {
    .name = "Prompt",
    .screen = REQUEST_SCREEN_PROMPT,
    .where = WHERE_PROMPT,
    .purpose = "Look at what was learned: every soft vector, how far it moved, the words it lies near, what "
               "it is worth; and change it by hand.",
    .create = create,
    .free = view_free,
    .draw = draw,
    .request = request,
    .hints = hints,
    .refresh = prompt_refresh,
    .panes = panes,
    .studied = prompt_studied,
    .deadline = prompt_deadline,
    .tick = prompt_tick,
};
