// SPDX-License-Identifier: GPL-3.0-or-later
// The plots of the Run screen.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

const char *const run_pane_title[PANE_COUNT] = {
    "loss",          "accuracy",          "gradient norm",  "update/prompt", "learning rate",
    "nearest words", "what the step did", "learning rates", "dev by seeds"};

enum { RATE_MARKS = 8, MOST_MARKS = RATE_MARKS + 3 };

// What a plot is drawn from.
struct sheet {
    const struct run_view *v;
    double from, to; // steps shown
    struct plot_mark mark[MOST_MARKS];
    size_t marks;
    char cursor_label[32];
};

double run_axis_end(const struct run_view *v, const struct workbench *w) {
    struct session *s = workbench_session(w);
    return run_range_end((double)run_last_step(v), s ? (double)session_settings(s)->steps : 0);
}

static void begin(struct sheet *t, const struct run_view *v, const struct workbench *w, bool with_best) {
    size_t count;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    *t = (struct sheet){.v = v};
    run_range_shown(&v->range, run_axis_end(v, w), &t->from, &t->to);
    // The latest changes by hand; more would hide the curve.
    for (size_t i = v->marks > RATE_MARKS ? v->marks - RATE_MARKS : 0; i < v->marks; i++) {
        t->mark[t->marks] = v->mark[i];
        t->mark[t->marks++].label = v->mark_label[i];
    }
    if (with_best && best && v->steps > 0)
        t->mark[t->marks++] = (struct plot_mark){(double)best->step, "best", STYLE_GOOD};
    if (v->range.cursor) {
        snprintf(t->cursor_label, sizeof t->cursor_label, "%zu", v->range.at);
        t->mark[t->marks++] = (struct plot_mark){(double)v->range.at, t->cursor_label, STYLE_ACCENT};
    }
}

// The first of the ascending x that is at least `at`.
static size_t first_at(const float *x, size_t count, double at) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if ((double)x[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct plot_series run_series(const struct run_curve *c, double from, double to, const char *label,
                              enum style style) {
    size_t first = first_at(c->x, c->count, from), end = first_at(c->x, c->count, to + 0.5);
    if (end <= first)
        return (struct plot_series){.label = label, .style = style};
    return (struct plot_series){
        .label = label, .style = style, .x = c->x + first, .y = c->y + first, .count = end - first};
}

double run_value_at(const struct run_curve *c, size_t step) {
    size_t i = first_at(c->x, c->count, (double)step + 0.5);
    return i ? (double)c->y[i - 1] : (double)NAN;
}

static struct run_curve curve_of(const struct run_view *v, enum column c) {
    bool step = c < STEP_COLUMNS;
    return (struct run_curve){step ? v->step_x : v->dev_x, v->value[c], step ? v->steps : v->devs};
}

static struct plot_series series(const struct sheet *t, const char *label, enum style style, enum column c) {
    struct run_curve curve = curve_of(t->v, c);
    return run_series(&curve, t->from, t->to, label, style);
}

static struct plot_options options_of(const struct sheet *t, const char *empty) {
    return (struct plot_options){.mark = t->mark,
                                 .marks = t->marks,
                                 .x_unit = "step",
                                 .x_min = t->from,
                                 .x_max = t->to,
                                 .empty = empty};
}

static void draw_loss(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a) {
    struct sheet t;
    begin(&t, v, w, true);
    const struct plot_series s[] = {
        series(&t, "", STYLE_DIM, LOSS_RAW),
        series(&t, "train", STYLE_SERIES_1, LOSS_SMOOTH),
        series(&t, "dev", STYLE_SERIES_2, DEV_LOSS),
    };
    bool raw = run_smoothing(v) > 0 && v->steps > 1;
    struct plot_options o = options_of(&t, "the loss goes here");
    o.log_y = v->log_loss;
    plot_draw(g, a, raw ? s : s + 1, raw ? 3 : 2, &o);
}

// Where the accuracy axis begins: at a fifth below everything seen.
static double accuracy_floor(const struct plot_series *s, size_t count) {
    float least = 1;
    for (size_t k = 0; k < count; k++)
        for (size_t i = 0; i < s[k].count; i++)
            least = s[k].y[i] < least ? s[k].y[i] : least;
    double floor_at = floor((double)least * 5 - 1e-6) / 5;
    return floor_at > 0.8 ? 0.8 : floor_at > 0 ? floor_at : 0;
}

static void draw_accuracy(const struct run_view *v, const struct workbench *w, struct grid *g,
                          struct area a) {
    struct sheet t;
    begin(&t, v, w, true);
    struct plot_series s[] = {
        series(&t, "", STYLE_DIM, ACCURACY_LOW),
        series(&t, "train", STYLE_SERIES_1, ACCURACY_SMOOTH),
        series(&t, "dev", STYLE_SERIES_2, DEV_ACCURACY),
    };
    s[0].high = series(&t, "", STYLE_DIM, ACCURACY_HIGH).y;
    // A batch of few examples scatters so much that its raw accuracy would only hide the rest: the band.
    bool band = run_smoothing(v) > 0 && v->steps > 1 && s[0].high;
    struct plot_options o = options_of(&t, "train and dev accuracy go here");
    o.y_min = accuracy_floor(band ? s : s + 1, band ? 3 : 2);
    o.y_max = 1;
    plot_draw(g, a, band ? s : s + 1, band ? 3 : 2, &o);
}

static void draw_single(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                        enum pane p) {
    const enum column c = p == PANE_GRADIENT ? GRADIENT : p == PANE_UPDATE ? UPDATE : RATE;
    struct sheet t;
    begin(&t, v, w, false);
    if (p != PANE_RATE) // the changes stand on the other plots; here they would hide a small one
        t.marks = v->range.cursor ? (t.mark[0] = t.mark[t.marks - 1], 1) : 0;
    const struct plot_series s = series(&t, "", p == PANE_RATE ? STYLE_SERIES_4 : STYLE_SERIES_3, c);
    const struct plot_options o = options_of(&t, "after the first step");
    plot_draw(g, a, &s, 1, &o);
}

static double value_at(const struct run_view *v, enum column c, size_t step) {
    struct run_curve curve = curve_of(v, c);
    return run_value_at(&curve, step);
}

void run_cursor_note(const struct run_view *v, enum pane p, char *out, size_t size) {
    static const enum column raw[] = {[PANE_LOSS] = LOSS_RAW,
                                      [PANE_ACCURACY] = ACCURACY_RAW,
                                      [PANE_GRADIENT] = GRADIENT,
                                      [PANE_UPDATE] = UPDATE,
                                      [PANE_RATE] = RATE};
    char a[16], b[16];
    plot_number(a, sizeof a, value_at(v, raw[p], v->range.at));
    plot_number(b, sizeof b, value_at(v, p == PANE_LOSS ? DEV_LOSS : DEV_ACCURACY, v->range.at));
    if (p <= PANE_ACCURACY)
        snprintf(out, size, "step %zu: train %s, dev %s", v->range.at, a, b);
    else
        snprintf(out, size, "step %zu: %s", v->range.at, a);
}

void run_draw_curve(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                    enum pane p) {
    if (p == PANE_LOSS)
        draw_loss(v, w, g, a);
    else if (p == PANE_ACCURACY)
        draw_accuracy(v, w, g, a);
    else
        draw_single(v, w, g, a, p);
}
