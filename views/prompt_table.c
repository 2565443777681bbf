// SPDX-License-Identifier: GPL-3.0-or-later
// The vectors as rows. The left side is the same for all: number, marks, norm among the vocabulary's. What
// follows depends on what was asked for: how far each moved, what dev says without it or with a word in its
// place, or another prompt's vectors. The words come last.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/plot.h"

#include "prompt_inside.h"

#include "parts.h"

enum {
    NUMBER_END = 5,
    FLIP_AT = 6,
    FROZEN_AT = 7,
    NORM_END = 14,
    NORM_BAR_AT = 15,
    NORM_BAR = 6,
    MIDDLE_AT = 21
};

struct table_draw {
    const struct prompt_view *v;
    const struct workbench *w;
    const struct prompt_picture *p;
    const struct ablation *scores;
    struct grid *g;
    struct area a;
    int words_at;
    double most; // the largest change of the loss, for the bars
};

// As many decimals as the largest of a column leaves room for, so that the column's points stand in a line.
static int decimals(const float *x, size_t count) {
    double most = 0;
    for (size_t i = 0; i < count; i++)
        if (isfinite(x[i]) && x[i] > most)
            most = x[i];
    return most < 1 ? 3 : most < 100 ? 2 : most < 10000 ? 1 : 0;
}

static void put_value(const struct table_draw *t, int row, int end, enum style style, double value,
                      int places) {
    char text[32];
    if (isfinite(value) && fabs(value) < 1e6)
        snprintf(text, sizeof text, "%.*f", places, value);
    else
        plot_number(text, sizeof text, value);
    grid_put_right(t->g, t->a, row, end, style, text);
}

static void put_signed(const struct table_draw *t, int row, int end, enum style style, double value,
                       int places) {
    char text[32];
    if (!isfinite(value))
        snprintf(text, sizeof text, "-");
    else
        snprintf(text, sizeof text, "%+.*f", places, fabs(value) < 0.5 * pow(10, -places) ? 0.0 : value);
    grid_put_right(t->g, t->a, row, end, style, text);
}

// ---- the words ----

static void draw_near(const struct table_draw *t, int row, int column, int end, const struct near_token *near,
                      size_t k, bool selected) {
    char piece[PART_PIECE], number[16], text[PART_PIECE + 32];
    for (size_t i = 0; i < k; i++) {
        part_piece(piece, t->g, workbench_workspace(t->w)->tokenizer, near[i].id);
        prompt_near_number(number, sizeof number, near[i].value);
        snprintf(text, sizeof text, "%s %s", piece, number);
        if (i > 0 && !part_fits(text, column, end))
            return;
        enum style style = selected ? STYLE_SELECTED : i > 0 ? STYLE_PLAIN : STYLE_STRONG;
        int used = grid_put_cut(t->g, t->a, row, column, end - column, style, piece) + 1;
        if (part_fits(number, column + used, end))
            used += grid_put(t->g, t->a, row, column + used, selected ? STYLE_SELECTED : STYLE_DIM, number);
        column += used + 2;
    }
}

// ---- what stands in the middle ----

static bool is_narrow(const struct table_draw *t) {
    return t->a.columns < 70;
}

static void head_drift(struct table_draw *t) {
    grid_put_right(t->g, t->a, 0, MIDDLE_AT + 7, STYLE_DIM, "drift");
    grid_put_right(t->g, t->a, 0, MIDDLE_AT + 14, STYLE_DIM, "cosine");
    t->words_at = MIDDLE_AT + 17;
}

static void row_drift(const struct table_draw *t, int row, size_t slot, enum style plain) {
    char number[24];
    put_value(t, row, MIDDLE_AT + 7, plain, t->p->drift[slot], decimals(t->p->drift, t->p->slots));
    snprintf(number, sizeof number, isfinite(t->p->cosine_to_start[slot]) ? "%.3f" : "-",
             (double)t->p->cosine_to_start[slot]);
    grid_put_right(t->g, t->a, row, MIDDLE_AT + 14, plain, number);
}

// Where the bar of the loss begins and how wide it is.
static int bar_columns(const struct table_draw *t) {
    return is_narrow(t) ? 5 : t->a.columns >= 100 ? 14 : 8;
}

static void head_scores(struct table_draw *t) {
    int bar = MIDDLE_AT + 9;
    grid_put_right(t->g, t->a, 0, bar - 1, STYLE_DIM, t->g->ascii ? "loss +-" : "loss ±");
    grid_put_right(t->g, t->a, 0, bar + bar_columns(t) + 7, STYLE_DIM, t->g->ascii ? "acc +-" : "acc ±");
    t->words_at = bar + bar_columns(t) + 9;
    t->most = 0;
    for (size_t i = 0; t->scores && i < t->scores->slots; i++) {
        double change = fabs(t->scores->one[i].loss - t->scores->whole.loss);
        t->most = change > t->most ? change : t->most;
    }
}

// A longer bar is a larger change; the sign stands before the number, so that no colour is needed.
static void row_scores(const struct table_draw *t, int row, size_t slot, enum style plain) {
    int bar = MIDDLE_AT + 9;
    if (!t->scores || slot >= t->scores->slots) {
        grid_put_right(t->g, t->a, row, bar - 1, plain, "-");
        return;
    }
    const struct ablation_score *one = &t->scores->one[slot], *whole = &t->scores->whole;
    double change = one->loss - whole->loss;
    enum style style = plain == STYLE_SELECTED ? plain : change > 0 ? STYLE_SERIES_1 : STYLE_SERIES_2;
    put_signed(t, row, bar - 1, plain, change, t->most < 0.1 ? 4 : 3);
    grid_bar(t->g, t->a, row, bar, bar_columns(t), style, t->most > 0 ? fabs(change) / t->most : 0);
    put_signed(t, row, bar + bar_columns(t) + 7, plain, one->accuracy - whole->accuracy, 3);
}

static void head_beside(struct table_draw *t) {
    grid_put_right(t->g, t->a, 0, MIDDLE_AT + 7, STYLE_DIM, "cosine");
    grid_put_right(t->g, t->a, 0, MIDDLE_AT + 15, STYLE_DIM, "apart");
    t->words_at = MIDDLE_AT + 18;
}

static int other_words_at(const struct table_draw *t) {
    return t->words_at + (t->a.columns - t->words_at) / 2;
}

static void row_beside(const struct table_draw *t, int row, size_t slot, enum style plain) {
    const struct beside *b = t->v->beside;
    char number[24];
    if (!b || slot >= b->slots) {
        grid_put_right(t->g, t->a, row, MIDDLE_AT + 7, plain, "-");
        return;
    }
    snprintf(number, sizeof number, isfinite(b->cosine[slot]) ? "%.3f" : "-", (double)b->cosine[slot]);
    grid_put_right(t->g, t->a, row, MIDDLE_AT + 7, plain, number);
    put_value(t, row, MIDDLE_AT + 15, plain, b->distance[slot], decimals(b->distance, b->slots));
    draw_near(t, row, other_words_at(t), t->a.columns - 1,
              b->near + (slot * NEAR_KINDS + t->v->metric) * b->k, b->k, plain == STYLE_SELECTED);
}

static const struct {
    void (*head)(struct table_draw *t);
    void (*row)(const struct table_draw *t, int row, size_t slot, enum style plain);
} middle[] = {[COLUMNS_DRIFT] = {head_drift, row_drift},
              [COLUMNS_WITHOUT] = {head_scores, row_scores},
              [COLUMNS_SNAP] = {head_scores, row_scores},
              [COLUMNS_BESIDE] = {head_beside, row_beside}};

// ---- rows ----

static void draw_row(const struct table_draw *t, int row, size_t slot) {
    const struct workspace *ws = workbench_workspace(t->w);
    bool selected = slot == t->v->selected;
    enum style plain = selected ? STYLE_SELECTED : STYLE_PLAIN;
    char number[24];
    if (selected)
        grid_fill(t->g, area_rows(t->a, row, 1), STYLE_SELECTED, ' ');
    snprintf(number, sizeof number, "v%zu", slot);
    grid_put_right(t->g, t->a, row, NUMBER_END, selected ? STYLE_SELECTED : STYLE_SOFT, number);
    if (prompt_flipped(t->p, slot))
        grid_put(t->g, t->a, row, FLIP_AT, selected ? STYLE_SELECTED : STYLE_ACCENT,
                 part_symbol(t->g, SYMBOL_CHANGED));
    if (t->p->frozen[slot])
        grid_put(t->g, t->a, row, FROZEN_AT, selected ? STYLE_SELECTED : STYLE_STRONG,
                 part_symbol(t->g, SYMBOL_PAUSED));
    put_value(t, row, NORM_END, plain, t->p->norm[slot], decimals(t->p->norm, t->p->slots));
    double share = ws->norms ? vocabulary_norms_percentile(ws->norms, t->p->norm[slot]) : 0;
    // Longer than every word: out of what the model has met.
    enum style bar = selected ? STYLE_SELECTED : share >= 1 ? STYLE_WARN : STYLE_SERIES_3;
    grid_bar(t->g, t->a, row, NORM_BAR_AT, NORM_BAR, bar, share);
    middle[t->v->columns].row(t, row, slot, plain);
    int end = t->v->columns == COLUMNS_BESIDE ? other_words_at(t) - 1 : t->a.columns - 1;
    draw_near(t, row, t->words_at, end, prompt_near(t->p, slot, t->v->metric), t->p->k, selected);
}

static void draw_head(struct table_draw *t) {
    char text[80];
    grid_put_right(t->g, t->a, 0, NUMBER_END, STYLE_DIM, "#");
    grid_put_right(t->g, t->a, 0, NORM_END, STYLE_DIM, "norm");
    grid_put(t->g, t->a, 0, NORM_BAR_AT, STYLE_DIM, "vocab");
    middle[t->v->columns].head(t);
    snprintf(text, sizeof text, t->a.columns - t->words_at < 20 ? "nearest" : "nearest by %s",
             prompt_metric_name(t->v->metric));
    int end = t->v->columns == COLUMNS_BESIDE ? other_words_at(t) - 1 : t->a.columns - 1;
    grid_put_cut(t->g, t->a, 0, t->words_at, end - t->words_at, STYLE_DIM,
                 t->v->columns == COLUMNS_BESIDE ? "here" : text);
    if (t->v->columns == COLUMNS_BESIDE)
        grid_put_cut(t->g, t->a, 0, other_words_at(t), t->a.columns - other_words_at(t) - 1, STYLE_DIM,
                     t->v->beside_name);
}

// ---- the frame ----

static void title_of(const struct table_draw *t, char *out, size_t size) {
    const struct prompt_view *v = t->v;
    const char *order = prompt_order_name(v);
    size_t step = t->scores ? t->scores->step : t->p->step;
    switch (v->columns) {
    case COLUMNS_WITHOUT:
        snprintf(out, size, "dev without each vector, step %zu, by %s", step, order);
        break;
    case COLUMNS_SNAP:
        snprintf(out, size, "dev with a word for each vector, step %zu, by %s", step, order);
        break;
    case COLUMNS_BESIDE:
        snprintf(out, size, "step %zu beside %.60s, by %s", t->p->step, v->beside_name, order);
        break;
    case COLUMNS_DRIFT:
        snprintf(out, size, "soft vectors after step %zu, by %s", t->p->step, order);
        break;
    }
}

// What the changes are changes of, and with how many examples; or how far the study is.
static size_t note_scores(const struct table_draw *t, char *out, size_t size) {
    enum prompt_channel channel = t->v->columns == COLUMNS_SNAP ? CHANNEL_SNAP : CHANNEL_WITHOUT;
    char score[PART_SHORT];
    size_t done, total;
    if (workbench_studying(t->w, &view_prompt, channel, &done, &total)) {
        if (!total)
            return (size_t)snprintf(out, size, "scoring dev ...");
        return (size_t)snprintf(
            out, size, "scoring dev %.0f %%, %s stops", 100 * (double)done / (double)total,
            channel == CHANNEL_SNAP ? PART_KEY(SNAP_TRY, WHERE_PROMPT) : PART_KEY(ABLATE, WHERE_PROMPT));
    }
    if (!t->scores)
        return (size_t)snprintf(out, size, "not scored");
    part_score(score, t->scores->whole.accuracy, t->scores->whole.examples);
    size_t used = (size_t)snprintf(out, size, "%sall: loss %.3f, acc %s",
                                   prompt_scores_old(t->v) ? "before, " : "", t->scores->whole.loss, score);
    if (t->v->columns == COLUMNS_SNAP && !is_narrow(t)) {
        part_score(score, t->scores->all.accuracy, t->scores->all.examples);
        used += (size_t)snprintf(out + used, size - used, "; as words: %.3f, %s", t->scores->all.loss, score);
    }
    return used;
}

// What the signs beside the numbers mean, as far as there are any.
static size_t note_signs(const struct table_draw *t, char *out, size_t size) {
    bool flipped = false, frozen = false;
    for (size_t i = 0; i < t->p->slots; i++) {
        flipped |= prompt_flipped(t->p, i);
        frozen |= t->p->frozen[i] != 0;
    }
    if (!flipped && !frozen)
        return 0;
    return (size_t)snprintf(out, size, "%s%s%s%s%s", flipped ? part_symbol(t->g, SYMBOL_CHANGED) : "",
                            flipped ? " nearest word changed" : "", flipped && frozen ? ", " : "",
                            frozen ? part_symbol(t->g, SYMBOL_PAUSED) : "", frozen ? " frozen" : "");
}

void prompt_draw_table(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                       bool focused) {
    struct table_draw t = {.v = v, .w = w, .p = prompt_shown(v, w), .scores = prompt_scores(v), .g = g};
    char title[160], note[200] = "";
    size_t visible = a.rows > 3 ? (size_t)a.rows - 3 : 0, at = 0, used = 0;
    while (at + 1 < v->slots && v->row[at] != v->selected)
        at++;
    size_t first = part_scroll(v->slots, at, visible);
    size_t last = first + visible < v->slots ? first + visible : v->slots;
    t.a = area_inset(a, 1);
    title_of(&t, title, sizeof title);
    if (v->columns == COLUMNS_WITHOUT || v->columns == COLUMNS_SNAP)
        used = note_scores(&t, note, sizeof note);
    else if (t.p->near_current)
        used = note_signs(&t, note, sizeof note);
    bool room = used == 0 || v->columns == COLUMNS_DRIFT || v->columns == COLUMNS_BESIDE ||
                v->columns == COLUMNS_WITHOUT || a.columns >= 100;
    if (room)
        snprintf(note + used, sizeof note - used, "%s%s%s%zu-%zu of %zu%s", used ? " " : "",
                 used ? part_symbol(g, SYMBOL_DOT) : "", used ? " " : "", first + 1, last, v->slots,
                 t.p->near_current ? "" : ", words are older");
    t.a = grid_frame(g, a, focused, title, note);
    v->page = visible;
    draw_head(&t);
    for (size_t i = first; i < last; i++)
        draw_row(&t, 1 + (int)(i - first), v->row[i]);
}
