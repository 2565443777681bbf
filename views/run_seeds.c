// SPDX-License-Identifier: GPL-3.0-or-later
// Runs of one setting with several seeds: the mean of dev accuracy at each step, and the spread around it.
#include <math.h>
#include <stdio.h>

#include "parts.h"
#include "run_inside.h"

enum { MOST_COLUMNS = 1024 };

void run_seeds_note(const struct workbench *w, char *out, size_t size) {
    const struct series *s = workbench_series(w);
    if (s)
        snprintf(out, size, "dev of %zu, %zu of %zu seeds", s->dev_count, s->done, s->count);
}

// "best dev 0.91 ± 0.02", mean and standard deviation; one run has no spread.
static void draw_mean(struct grid *g, struct area a, int row, const char *label, size_t n, double mean,
                      double deviation) {
    char text[64];
    if (n > 1)
        snprintf(text, sizeof text, a.columns < 34 ? "%.3f %s %.3f" : "%.3f %s %.3f mean, sd", mean,
                 g->ascii ? "+-" : "±", deviation);
    else if (n == 1)
        snprintf(text, sizeof text, "%.3f, one run", mean);
    else
        snprintf(text, sizeof text, "-");
    part_field(g, a, row, 1, 10, a.columns - 2, label, STYLE_STRONG, text);
}

void run_draw_seeds(const struct workbench *w, struct grid *g, struct area a) {
    float step[MOST_COLUMNS], mean[MOST_COLUMNS], low[MOST_COLUMNS], high[MOST_COLUMNS];
    const struct series *s = workbench_series(w);
    double m, d, floor_at = 1;
    if (!s)
        return;
    int text_rows = a.rows >= 9 ? 3 : a.rows >= 6 ? 2 : a.rows >= 3 ? 1 : 0, at = a.rows - text_rows;
    size_t n = series_band(s, step, mean, low, high, MOST_COLUMNS);
    for (size_t i = 0; i < n; i++)
        floor_at = fmin(floor_at, (double)low[i]);
    floor_at = floor(floor_at * 5 - 1e-6) / 5;
    const struct plot_series curve[] = {
        {.label = "", .style = STYLE_DIM, .x = step, .y = low, .high = high, .count = n},
        {.label = "mean", .style = STYLE_SERIES_2, .x = step, .y = mean, .count = n}};
    const struct plot_options o = {.x_unit = "step",
                                   .y_min = floor_at > 0.8 ? 0.8
                                            : floor_at > 0 ? floor_at
                                                           : 0,
                                   .y_max = 1,
                                   .empty = "after the first seed"};
    plot_draw(g, area_rows(a, 0, at), curve, 2, &o);
    if (text_rows > 0) {
        n = series_best(s, &m, &d);
        draw_mean(g, a, at++, "best dev", n, m, d);
    }
    if (text_rows > 1) {
        n = series_last(s, &m, &d);
        draw_mean(g, a, at++, "last dev", n, m, d);
    }
    if (text_rows > 2)
        grid_put_cut(g, a, at, 1, a.columns - 2, STYLE_DIM, "each seed has a split of its own");
}
