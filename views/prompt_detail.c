// SPDX-License-Identifier: GPL-3.0-or-later
// One vector: how long it is and how far it came, its history, what dev says without it, and its neighbours.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tui/plot.h"

#include "prompt_inside.h"

#include "parts.h"

struct detail {
    const struct prompt_view *v;
    const struct workbench *w;
    const struct prompt_picture *p;
    struct grid *g;
    size_t slot;
};

static void piece_of(const struct detail *d, int32_t id, char out[PART_PIECE]) {
    part_piece(out, d->g, workbench_workspace(d->w)->tokenizer, id);
}

// "0.412 (+0.014)"
static void with_change(char *out, size_t size, double value, double whole) {
    char a[16], b[16];
    plot_number(a, sizeof a, value);
    plot_number(b, sizeof b, fabs(value - whole));
    snprintf(out, size, "%s (%s%s)", a, value < whole ? "-" : "+", b);
}

// ---- facts, one a row ----

static bool fact_norm(const struct detail *d, char *text, size_t size) {
    char norm[16], drift[16];
    const struct workspace *ws = workbench_workspace(d->w);
    double share = ws->norms ? vocabulary_norms_percentile(ws->norms, d->p->norm[d->slot]) : NAN;
    plot_number(norm, sizeof norm, d->p->norm[d->slot]);
    plot_number(drift, sizeof drift, d->p->drift[d->slot]);
    snprintf(text, size, "norm %s, longer than %.0f %% of words; moved %s%s", norm, 100 * share, drift,
             d->p->frozen[d->slot] ? "; frozen" : "");
    return true;
}

static bool fact_start(const struct detail *d, char *text, size_t size) {
    char piece[PART_PIECE];
    piece_of(d, d->p->start_near[d->slot], piece);
    snprintf(text, size, "at the start nearest to %s; %s", piece,
             prompt_flipped(d->p, d->slot) ? "now to another" : "still so");
    return true;
}

static bool fact_worth(const struct detail *d, char *text, size_t size) {
    const struct ablation *a = prompt_scores(d->v);
    char loss[48], accuracy[PART_SHORT], piece[PART_PIECE] = "", head[PART_PIECE + 16] = "without it";
    if (!a || d->slot >= a->slots)
        return false;
    const struct ablation_score *one = &a->one[d->slot];
    if (a->change == ABLATION_SNAP) {
        piece_of(d, a->token[d->slot], piece);
        snprintf(head, sizeof head, "as \"%s\"", piece);
    }
    with_change(loss, sizeof loss, one->loss, a->whole.loss);
    part_score(accuracy, one->accuracy, one->examples);
    snprintf(text, size, "%s: dev loss %s, accuracy %s (all: %zu/%zu)", head, loss, accuracy,
             a->whole.correct, a->whole.examples);
    return true;
}

// "nearest: 0 film, 15 movie, 35 story": each time it changed.
static bool fact_past(const struct detail *d, char *text, size_t size) {
    const struct prompt_past *past = &d->v->past;
    char piece[PART_PIECE];
    int32_t last = -1;
    size_t used = 0, changes = 0;
    for (size_t i = 0; i < past->count && d->slot < past->slots; i++)
        changes += i > 0 && past->moment[i].near[d->slot] != past->moment[i - 1].near[d->slot];
    if (!changes)
        return false;
    used = (size_t)snprintf(text, size, "nearest, by step:");
    for (size_t i = 0; i < past->count && used + PART_PIECE + 24 < size; i++) {
        if (past->moment[i].near[d->slot] == last)
            continue;
        last = past->moment[i].near[d->slot];
        piece_of(d, last, piece);
        used += (size_t)snprintf(text + used, size - used, "%s %zu %s", i ? "," : "", past->moment[i].step,
                                 piece);
    }
    return true;
}

// The length over the steps that were seen.
static bool draw_past(const struct detail *d, struct area a, int row) {
    const struct prompt_past *past = &d->v->past;
    float norm[PAST_MOST];
    char text[96];
    if (past->count < 3 || d->slot >= past->slots || a.columns < 36)
        return false;
    for (size_t i = 0; i < past->count; i++)
        norm[i] = past->moment[i].norm[d->slot];
    int width = a.columns - 34 < (int)past->count ? a.columns - 34 : (int)past->count;
    width = width > 40 ? 40 : width;
    int column = 1 + grid_put(d->g, a, row, 1, STYLE_DIM, "norm ");
    plot_spark(d->g, a, row, column, width, STYLE_SERIES_3, norm, past->count);
    snprintf(text, sizeof text, "step %zu to %zu", past->moment[0].step, past->moment[past->count - 1].step);
    grid_put_cut(d->g, a, row, column + width + 1, a.columns - column - width - 2, STYLE_DIM, text);
    return true;
}

// As many facts as leave room for a few neighbours; returns the rows taken.
static int draw_facts(const struct detail *d, struct area a, int most) {
    static bool (*const fact[])(const struct detail *, char *, size_t) = {fact_worth, fact_norm, fact_start,
                                                                          fact_past};
    char text[512];
    int row = 0;
    for (size_t i = 0; i < sizeof fact / sizeof *fact && row < most; i++) {
        if (!fact[i](d, text, sizeof text))
            continue;
        struct area rest = area_columns(area_rows(a, row, most - row), 1, a.columns - 2);
        row += grid_put_wrapped(d->g, rest, 0, i == 0 ? STYLE_PLAIN : STYLE_DIM, text);
        if (row > most)
            row = most;
    }
    if (row < most && draw_past(d, a, row))
        row++;
    return row;
}

// ---- neighbours ----

static void draw_neighbours(const struct detail *d, struct area a, const char *title, enum style style,
                            const struct near_token *near, size_t k, int32_t marked) {
    char piece[PART_PIECE], number[16];
    grid_put_cut(d->g, a, 0, 1, a.columns - 1, style, title);
    for (size_t i = 0; i < k && (int)i + 1 < a.rows; i++) {
        piece_of(d, near[i].id, piece);
        prompt_near_number(number, sizeof number, near[i].value);
        int end = a.columns - 1, width = (int)strlen(number);
        grid_put_right(d->g, a, (int)i + 1, end, STYLE_DIM, number);
        grid_put_cut(d->g, a, (int)i + 1, 1, end - width - 2, near[i].id == marked ? STYLE_SOFT : STYLE_PLAIN,
                     piece);
    }
}

// By the chosen metric alone where it is narrow, otherwise by all three.
static void draw_metrics(const struct detail *d, struct area a) {
    int32_t start = d->p->start_near[d->slot];
    if (a.columns < 60) {
        draw_neighbours(d, a, prompt_metric_name(d->v->metric), STYLE_ACCENT,
                        prompt_near(d->p, d->slot, d->v->metric), d->p->k, start);
        return;
    }
    int third = a.columns / NEAR_KINDS; // beyond some width the numbers would stand too far from the words
    third = third > 34 ? 34 : third;
    for (int m = 0; m < NEAR_KINDS; m++)
        draw_neighbours(d, area_columns(a, m * third, third), prompt_metric_name((enum nearness)m),
                        (enum nearness)m == d->v->metric ? STYLE_ACCENT : STYLE_DIM,
                        prompt_near(d->p, d->slot, (enum nearness)m), d->p->k, start);
}

// This prompt's vector and the other's side by side; what both lie near is marked.
static void draw_both(const struct detail *d, struct area a) {
    const struct beside *b = d->v->beside;
    const struct near_token *here = prompt_near(d->p, d->slot, d->v->metric);
    const struct near_token *there = b->near + (d->slot * NEAR_KINDS + d->v->metric) * b->k;
    int half = a.columns / 2 > 34 ? 34 : a.columns / 2;
    draw_neighbours(d, area_columns(a, 0, half), "here", STYLE_ACCENT, here, d->p->k, there[0].id);
    draw_neighbours(d, area_columns(a, half, half), d->v->beside_name, STYLE_ACCENT, there, b->k, here[0].id);
}

void prompt_draw_detail(const struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                        bool focused) {
    const struct detail d = {.v = v, .w = w, .p = prompt_shown(v, w), .g = g, .slot = v->selected};
    char title[48];
    snprintf(title, sizeof title, "v%zu", v->selected);
    struct area in = grid_frame(g, a, focused, title, NULL);
    bool both = v->columns == COLUMNS_BESIDE && v->beside && v->selected < v->beside->slots;
    int facts = in.rows >= 7 ? draw_facts(&d, in, in.rows / 2) : 0;
    in = area_rows(in, facts, in.rows - facts);
    if (both)
        draw_both(&d, in);
    else
        draw_metrics(&d, in);
}
