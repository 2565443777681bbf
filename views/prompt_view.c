// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 4, Prompt: what the soft vectors have become. A row for each: its length among the vocabulary's, how
// far it has moved, and the words it lies near; one vector in detail; the whole prompt read as words.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tui/plot.h"
#include "views/views.h"

#include "parts.h"

enum order { ORDER_NUMBER, ORDER_DRIFT, ORDER_NORM, ORDER_COUNT };
enum focus { FOCUS_TABLE, FOCUS_DETAIL, FOCUS_COUNT };

struct prompt_view {
    enum nearness metric;
    enum order order;
    size_t focus, selected; // selected: a slot, whatever the order
    bool zoom;
    size_t *row; // [slots] slots in the order shown
    size_t slots, capacity;
    char *words; // the prompt read by the metric; NULL: none
    size_t page; // rows of the table at the last drawing
};

static const char *const metric_name[NEAR_KINDS] = {"cosine", "dot product", "L2 distance"};
static const char *const order_name[ORDER_COUNT] = {"number", "drift", "norm"};

static bool create(void **state, struct error *e) {
    return (*state = mem_calloc(1, sizeof(struct prompt_view), e)) != NULL;
}

static void view_free(void *state) {
    struct prompt_view *v = state;
    if (!v)
        return;
    free(v->row);
    free(v->words);
    free(v);
}

static const struct near_token *near_of(const struct prompt_picture *p, size_t slot, enum nearness metric) {
    return p->near + (slot * NEAR_KINDS + metric) * p->k;
}

// ---- order and words ----

static float sort_value(const struct prompt_view *v, const struct prompt_picture *p, size_t slot) {
    float x = v->order == ORDER_DRIFT ? p->drift[slot] : p->norm[slot];
    return isfinite(x) ? x : -1;
}

// Insertion sort: stable, and a prompt has a few hundred vectors at most.
static void sort_rows(struct prompt_view *v, const struct prompt_picture *p) {
    for (size_t i = 0; i < v->slots; i++) {
        size_t at = i;
        for (; v->order != ORDER_NUMBER && at > 0 && sort_value(v, p, v->row[at - 1]) < sort_value(v, p, i);
             at--)
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
        ids[i] = near_of(p, i, v->metric)[0].id;
    v->words = tokenizer_decode(ws->tokenizer, ids, p->slots, NULL);
    free(ids);
}

static void refresh(void *state, struct workbench *w, double now) {
    struct prompt_view *v = state;
    const struct prompt_picture *p = workbench_picture(w);
    const struct workspace *ws = workbench_workspace(w);
    (void)now;
    v->slots = 0;
    if (!p || !ws || ws->slots == 0 || p->k == 0 ||
        !mem_grow(&v->row, &v->capacity, p->slots, sizeof *v->row, NULL)) {
        free(v->words);
        v->words = NULL;
        return;
    }
    v->slots = p->slots;
    if (v->selected >= p->slots)
        v->selected = p->slots ? p->slots - 1 : 0;
    sort_rows(v, p);
    read_words(v, p, ws);
}

static size_t row_of(const struct prompt_view *v, size_t slot) {
    for (size_t i = 0; i < v->slots; i++)
        if (v->row[i] == slot)
            return i;
    return 0;
}

// ---- the table ----

// As many decimals as the largest of a column leaves room for, so that the column's points stand in a line.
static int decimals(const float *x, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && x[i] > most)
            most = x[i];
    return most < 1 ? 3 : most < 100 ? 2 : most < 10000 ? 1 : 0;
}

static void put_value(struct grid *g, struct area a, int row, int end, enum style style, double value,
                      int places) {
    char text[32];
    if (isfinite(value) && fabs(value) < 1e6)
        snprintf(text, sizeof text, "%.*f", places, value);
    else
        plot_number(text, sizeof text, value);
    grid_put_right(g, a, row, end, style, text);
}

static bool changed(const struct prompt_picture *p, size_t slot) {
    return near_of(p, slot, NEAR_COSINE)[0].id != p->start_near[slot];
}

// Where the columns of the table stand: number, change mark, norm and its bar, drift, cosine, words.
enum {
    NUMBER_END = 5,
    MARK_AT = 6,
    NORM_END = 14,
    BAR_AT = 15,
    BAR_COLUMNS = 6,
    DRIFT_END = 28,
    COSINE_END = 35
};
enum { WORDS_AT = 38 };

static void near_number(char *out, size_t size, double value) {
    if (isfinite(value) && fabs(value) < 1000)
        snprintf(out, size, "%.2f", value);
    else
        plot_number(out, size, value);
}

static void draw_near(const struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                      int row, size_t slot, bool selected) {
    const struct workspace *ws = workbench_workspace(w);
    const struct prompt_picture *p = workbench_picture(w);
    const struct near_token *near = near_of(p, slot, v->metric);
    char piece[PART_PIECE], number[16], text[PART_PIECE + 32];
    int column = WORDS_AT;
    for (size_t i = 0; i < p->k; i++) {
        part_piece(piece, g, ws->tokenizer, near[i].id);
        near_number(number, sizeof number, near[i].value);
        snprintf(text, sizeof text, "%s %s", piece, number);
        if (!part_fits(text, column, a.columns - 1) && i > 0)
            return;
        enum style style = selected ? STYLE_SELECTED : i > 0 ? STYLE_PLAIN : STYLE_STRONG;
        int used = grid_put_cut(g, a, row, column, a.columns - column - 1, style, piece) + 1;
        if (part_fits(number, column + used, a.columns - 1))
            used += grid_put(g, a, row, column + used, selected ? STYLE_SELECTED : STYLE_DIM, number);
        column += used + 2;
    }
}

static void draw_row(const struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                     int row, size_t slot) {
    const struct prompt_picture *p = workbench_picture(w);
    const struct workspace *ws = workbench_workspace(w);
    bool selected = slot == v->selected;
    enum style plain = selected ? STYLE_SELECTED : STYLE_PLAIN;
    if (selected)
        grid_fill(g, area_rows(a, row, 1), STYLE_SELECTED, ' ');
    char number[24];
    snprintf(number, sizeof number, "v%zu", slot);
    grid_put_right(g, a, row, NUMBER_END, selected ? STYLE_SELECTED : STYLE_SOFT, number);
    if (changed(p, slot))
        grid_put(g, a, row, MARK_AT, selected ? STYLE_SELECTED : STYLE_ACCENT,
                 part_symbol(g, SYMBOL_CHANGED));
    put_value(g, a, row, NORM_END, plain, p->norm[slot], decimals(p->norm, p->slots));
    double share = ws->norms ? vocabulary_norms_percentile(ws->norms, p->norm[slot]) : 0;
    // Longer than every word: out of what the model has met.
    enum style bar = selected ? STYLE_SELECTED : share >= 1 ? STYLE_WARN : STYLE_SERIES_3;
    grid_bar(g, a, row, BAR_AT, BAR_COLUMNS, bar, share);
    put_value(g, a, row, DRIFT_END, plain, p->drift[slot], decimals(p->drift, p->slots));
    snprintf(number, sizeof number, isfinite(p->cosine_to_start[slot]) ? "%.3f" : "-",
             (double)p->cosine_to_start[slot]);
    grid_put_right(g, a, row, COSINE_END, plain, number);
    draw_near(v, w, g, a, row, slot, selected);
}

static void draw_head(const struct prompt_view *v, struct grid *g, struct area a) {
    char text[48];
    grid_put_right(g, a, 0, NUMBER_END, STYLE_DIM, "#");
    grid_put_right(g, a, 0, NORM_END, STYLE_DIM, "norm");
    grid_put(g, a, 0, BAR_AT, STYLE_DIM, "vocab");
    grid_put_right(g, a, 0, DRIFT_END, STYLE_DIM, "drift");
    grid_put_right(g, a, 0, COSINE_END, STYLE_DIM, "cosine");
    snprintf(text, sizeof text, "nearest by %s", metric_name[v->metric]);
    grid_put_cut(g, a, 0, WORDS_AT, a.columns - WORDS_AT - 1, STYLE_DIM, text);
}

static void draw_table(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct prompt_picture *p = workbench_picture(w);
    char title[96], note[96];
    size_t visible = a.rows > 3 ? (size_t)a.rows - 3 : 0, at = row_of(v, v->selected);
    size_t first = part_scroll(v->slots, at, visible);
    size_t last = first + visible < v->slots ? first + visible : v->slots;
    snprintf(title, sizeof title, "soft vectors after step %zu, by %s", p->step, order_name[v->order]);
    snprintf(note, sizeof note, "%zu-%zu of %zu%s", first + 1, last, v->slots,
             p->near_current ? "" : ", words are older");
    struct area inside = grid_frame(g, a, v->focus == FOCUS_TABLE, title, note);
    v->page = visible;
    draw_head(v, g, inside);
    for (size_t i = first; i < last; i++)
        draw_row(v, w, g, inside, 1 + (int)(i - first), v->row[i]);
}

// ---- one vector ----

static void draw_detail_column(const struct workbench *w, struct grid *g, struct area a, size_t slot,
                               enum nearness metric, bool now) {
    const struct workspace *ws = workbench_workspace(w);
    const struct prompt_picture *p = workbench_picture(w);
    const struct near_token *near = near_of(p, slot, metric);
    char piece[PART_PIECE], number[16];
    grid_put_cut(g, a, 0, 1, a.columns - 1, now ? STYLE_ACCENT : STYLE_DIM, metric_name[metric]);
    for (size_t i = 0; i < p->k && (int)i + 1 < a.rows; i++) {
        part_piece(piece, g, ws->tokenizer, near[i].id);
        near_number(number, sizeof number, near[i].value);
        int end = a.columns - 1, width = (int)strlen(number);
        grid_put_right(g, a, (int)i + 1, end, STYLE_DIM, number);
        grid_put_cut(g, a, (int)i + 1, 1, end - width - 2,
                     near[i].id == p->start_near[slot] ? STYLE_SOFT : STYLE_PLAIN, piece);
    }
}

static void draw_facts(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                       struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    const struct prompt_picture *p = workbench_picture(w);
    char piece[PART_PIECE], norm[16], drift[16], text[256];
    size_t slot = v->selected;
    part_piece(piece, g, ws->tokenizer, p->start_near[slot]);
    int column = 1 + grid_put(g, a, 0, 1, STYLE_DIM, "at the start nearest to ");
    column += grid_put(g, a, 0, column, STYLE_SOFT, piece);
    grid_put(g, a, 0, column, STYLE_DIM, changed(p, slot) ? "; now to another" : "; still so");
    plot_number(norm, sizeof norm, p->norm[slot]);
    plot_number(drift, sizeof drift, p->drift[slot]);
    double share = ws->norms ? vocabulary_norms_percentile(ws->norms, p->norm[slot]) : NAN;
    snprintf(text, sizeof text, "norm %s, longer than %.0f %% of words; moved %s", norm, 100 * share, drift);
    grid_put_cut(g, a, 1, 1, a.columns - 2, STYLE_DIM, text);
}

static void draw_detail(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                        struct area a) {
    char title[48];
    snprintf(title, sizeof title, "v%zu", v->selected);
    struct area inside = grid_frame(g, a, v->focus == FOCUS_DETAIL, title, NULL);
    if (inside.rows >= 7) {
        draw_facts(v, w, g, inside);
        inside = area_rows(inside, 3, inside.rows - 3);
    }
    int third =
        inside.columns / NEAR_KINDS; // beyond some width the numbers would stand too far from the words
    third = third > 34 ? 34 : third;
    for (int m = 0; m < NEAR_KINDS; m++)
        draw_detail_column(w, g, area_columns(inside, m * third, third), v->selected, (enum nearness)m,
                           v->metric == (enum nearness)m);
}

static void draw_words(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                       struct area a) {
    struct area text = area_columns(a, 11, a.columns - 12);
    (void)w;
    grid_put(g, a, 0, 1, STYLE_DIM, "reads as");
    grid_put_wrapped(g, text, 0, STYLE_PLAIN, v->words ? v->words : "");
}

// ---- the whole ----

static void draw_empty(const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    int row = a.rows / 3;
    const char *what = !ws ? workbench_opening(w) ? "Opening the model and the task ..." : "Nothing is open."
                       : ws->slots == 0
                           ? "The template has no soft vectors: there is nothing to look at here."
                           : "The soft vectors appear here in a moment.";
    const char *next = !ws              ? ""
                       : ws->slots == 0 ? "Add some on screen 1: Enter edits the template, e.g. {soft:20}."
                                        : "Space tunes them; watch their nearest words change.";
    grid_put_cut(g, a, row, 2, a.columns - 4, STYLE_STRONG, what);
    grid_put_cut(g, a, row + 1, 2, a.columns - 4, STYLE_PLAIN, next);
}

static void draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct prompt_view *v = state;
    (void)now;
    if (v->slots == 0 || !workbench_picture(w) || !workbench_workspace(w)) {
        draw_empty(w, g, a);
        return;
    }
    if (v->zoom) {
        if (v->focus == FOCUS_TABLE)
            draw_table(v, w, g, a);
        else
            draw_detail(v, w, g, a);
        return;
    }
    int length = v->words ? text_width(v->words, strlen(v->words)) : 0;
    int words = 1 + length / (a.columns > 24 ? a.columns - 16 : 8), most = a.rows >= 24 ? 4 : 2;
    words = words > most ? most : words;
    struct area top = area_rows(a, 0, a.rows - words);
    draw_words(v, w, g, area_rows(a, a.rows - words, words));
    int table = (int)v->slots + 3, low = top.rows >= 28 ? 13 : top.rows >= 22 ? 11 : 7;
    int detail_rows = top.rows - table < low ? low : top.rows - table > 15 ? 15 : top.rows - table;
    if (a.columns >= 112 && top.rows < 28) { // beside each other
        int detail = a.columns >= 140 ? 60 : 50;
        draw_table(v, w, g, area_columns(top, 0, a.columns - detail));
        draw_detail(v, w, g, area_columns(top, a.columns - detail, detail));
    } else if (top.rows >= 17) {
        draw_table(v, w, g, area_rows(top, 0, top.rows - detail_rows));
        draw_detail(v, w, g, area_rows(top, top.rows - detail_rows, detail_rows));
    } else if (v->focus == FOCUS_DETAIL) {
        draw_detail(v, w, g, top);
    } else {
        draw_table(v, w, g, top);
    }
}

// ---- requests ----

static void move(struct prompt_view *v, long by) {
    long at = (long)row_of(v, v->selected) + by, last = (long)v->slots - 1;
    if (v->slots > 0)
        v->selected = v->row[at < 0 ? 0 : at > last ? last : at];
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct prompt_view *v = state;
    long page = v->page > 1 ? (long)v->page - 1 : 1;
    (void)argument;
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
    case REQUEST_FOCUS_NEXT:
    case REQUEST_FOCUS_PREVIOUS:
        v->focus = (v->focus + 1) % FOCUS_COUNT;
        return true;
    case REQUEST_ZOOM:
        v->zoom = !v->zoom;
        return true;
    case REQUEST_BACK:
        if (!v->zoom)
            return false;
        v->zoom = false;
        return true;
    case REQUEST_METRIC:
        v->metric = (enum nearness)((v->metric + 1) % NEAR_KINDS);
        refresh(v, w, now);
        return true;
    case REQUEST_SORT:
        v->order = (enum order)((v->order + 1) % ORDER_COUNT);
        refresh(v, w, now);
        return true;
    default:
        return false;
    }
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request still[] = {REQUEST_METRIC,       REQUEST_SORT,      REQUEST_FOCUS_NEXT,
                                         REQUEST_ZOOM,         REQUEST_RUN_PAUSE, REQUEST_STEP,
                                         REQUEST_UNDO_TO_BEST, REQUEST_WRITE,     REQUEST_NONE};
    static const enum request running[] = {REQUEST_RUN_PAUSE,  REQUEST_METRIC, REQUEST_SORT,
                                           REQUEST_FOCUS_NEXT, REQUEST_ZOOM,   REQUEST_UNDO_TO_BEST,
                                           REQUEST_NONE};
    (void)state;
    return workbench_state(w) == ENGINE_RUNNING ? running : still;
}

const struct view view_prompt = {
    .name = "Prompt",
    .screen = REQUEST_SCREEN_PROMPT,
    .where = WHERE_PROMPT,
    .purpose = "Look at what was learned: every soft vector, how far it moved, and the words it lies near.",
    .create = create,
    .free = view_free,
    .draw = draw,
    .request = request,
    .hints = hints,
    .refresh = refresh,
};
