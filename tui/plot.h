// SPDX-License-Identifier: GPL-3.0-or-later
// Curves in braille: two by four dots a cell, several series, axes with round labels.
//
// A curve costs per column, not per point: a series keeps the minimum and maximum for each pixel column. NaN
// is a gap. In ASCII the dots become '.', ':', '*' and series are told apart by their letter. Series differ
// by style and by their label at the right end, not by colour alone.
#ifndef PROMPTER_TUI_PLOT_H
#define PROMPTER_TUI_PLOT_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/grid.h"

struct plot_series {
    const char *label; // short: "train", "dev"
    enum style style;
    const float *x, *y; // [count], x ascending
    size_t count;
    const float *high; // [count], or NULL: a pale band between y and high instead of a curve
    bool points; // marks at the values, joined by nothing (evaluations far apart are better joined: false)
};
struct plot_mark {
    double x;
    const char *label; // e.g. "best", "rate 0.1"
    enum style style;
};
struct plot_options {
    double x_min, x_max; // x_max <= x_min: from the data
    double y_min, y_max; // y_max <= y_min: from the data, widened to round numbers
    bool log_x, log_y;
    double smoothing; // 0 none .. 0.99: exponential moving average drawn over the dimmed raw curve
    const struct plot_mark *mark; // vertical lines
    size_t marks;
    const char *empty;  // what to say where there is no data yet
    const char *x_unit; // "step"
};
// Fills the area (no frame): labels of the y axis at the left, of x below, curves between.
void plot_draw(struct grid *g, struct area a, const struct plot_series *series, size_t count,
               const struct plot_options *options);
// A one-row curve of `columns` cells out of block elements (ASCII: digits 0-9).
void plot_spark(struct grid *g, struct area a, int row, int column, int columns, enum style style,
                const float *y, size_t count);

// A number for people in at most 7 columns: 0.0312, 12.5, 1.2e-06, 3400, "-" for NaN.
void plot_number(char *out, size_t size, double value);

#endif
