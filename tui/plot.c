// SPDX-License-Identifier: GPL-3.0-or-later
// Curves in braille.
//
// A picture is made in four passes over a canvas of dots (two by four a cell): the scales are chosen, the
// raw curves are drawn dimmed where they are smoothed, then the curves themselves, and at last what goes
// around them: axes, marks, labels. Each series is read once from left to right; within one pixel column only
// its lowest and highest dot are kept, so a long run costs a pass over its numbers and no more.
#include "tui/plot.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// ---- numbers ----

void plot_number(char *out, size_t size, double value) {
    enum { MOST = 7 };
    char text[32];
    if (isnan(value)) {
        snprintf(out, size, "-");
        return;
    }
    if (isinf(value)) {
        snprintf(out, size, value < 0 ? "-inf" : "inf");
        return;
    }
    double big = fabs(value);
    if (big == 0)
        value = 0; // no "-0"
    bool plain = big == 0 || (big >= 1e-4 && big < 999999.5);
    if (plain && big >= 999.5)
        snprintf(text, sizeof text, "%.0f", value);
    else if (plain)
        snprintf(text, sizeof text, "%.3g", value);
    else
        snprintf(text, sizeof text, "%.2g", value);
    if (strlen(text) > MOST)
        snprintf(text, sizeof text, "%.1e", value);
    if (strlen(text) > MOST)
        snprintf(text, sizeof text, "%.0e", value);
    snprintf(out, size, "%s", text);
}

// The smallest of 1, 2, 5 times a power of ten that is at least `least`.
static double round_step(double least) {
    double power = pow(10, floor(log10(least)));
    double share = least / power;
    return power * (share <= 1 + 1e-9 ? 1 : share <= 2 + 1e-9 ? 2 : share <= 5 + 1e-9 ? 5 : 10);
}

static void tick_label(char *out, size_t size, double value, double step) {
    int decimals = step >= 1 ? 0 : (int)ceil(-log10(step) - 1e-9);
    char text[64];
    if (fabs(value) < step * 1e-6)
        value = 0;
    snprintf(text, sizeof text, "%.*f", decimals < 6 ? decimals : 6, value);
    if (decimals > 5 || strlen(text) > 7)
        plot_number(out, size, value);
    else
        snprintf(out, size, "%s", text);
}

// ---- scales ----

enum { MOST_TICKS = 24 };

struct scale {
    double low, high; // in data units
    bool log;
    double step; // between linear ticks
    double tick[MOST_TICKS];
    int ticks;
};

static double scale_position(const struct scale *s, double value) { // 0 at low, 1 at high
    if (s->log)
        return log(value / s->low) / log(s->high / s->low);
    return (value - s->low) / (s->high - s->low);
}

static bool drawable(float y, bool log_y) {
    return isfinite(y) && (!log_y || y > 0);
}

static bool find_range(const struct plot_series *series, size_t count, const struct plot_options *o,
                       double x[2], double y[2]) {
    float range[4] = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < series[s].count; i++) {
            float px = series[s].x[i], py = series[s].y[i], high = series[s].high ? series[s].high[i] : py;
            if (!drawable(px, o->log_x) || !drawable(py, o->log_y) || !isfinite(high))
                continue;
            range[0] = px < range[0] ? px : range[0];
            range[1] = px > range[1] ? px : range[1];
            range[2] = py < range[2] ? py : range[2];
            range[3] = high > range[3] ? high : range[3];
        }
    x[0] = range[0];
    x[1] = range[1];
    y[0] = range[2];
    y[1] = range[3];
    return range[0] <= range[1];
}

static void add_tick(struct scale *s, double value) {
    if (s->ticks < MOST_TICKS)
        s->tick[s->ticks++] = value;
}

static void linear_ticks(struct scale *s, int wanted, bool widen) {
    s->step = round_step((s->high - s->low) / wanted);
    if (widen) {
        s->low = floor(s->low / s->step + 1e-9) * s->step;
        s->high = ceil(s->high / s->step - 1e-9) * s->step;
    }
    double first = ceil(s->low / s->step - 1e-9);
    for (int i = 0; i < MOST_TICKS && (first + i) * s->step <= s->high + s->step * 1e-6; i++)
        add_tick(s, (first + i) * s->step);
}

// Ticks at 1, 2, 5 in each decade where there is room, else at every decade, else at every second one, ...
static void log_ticks(struct scale *s, int wanted, bool widen) {
    static const double PART[] = {1, 2, 5};
    int from = (int)floor(log10(s->low) + 1e-9), to = (int)ceil(log10(s->high) - 1e-9);
    bool parts = (to - from) * 3 <= wanted + 2;
    int stride = parts ? 1 : 1 + (to - from) / (wanted > 0 ? wanted : 1);
    if (widen) {
        double low = s->low, high = s->high;
        s->low = pow(10, from);
        s->high = pow(10, to);
        for (int k = 0; k < 3 && parts; k++) {
            if (PART[k] * pow(10, from) <= low * (1 + 1e-9))
                s->low = PART[k] * pow(10, from);
            if (PART[2 - k] * pow(10, to - 1) >= high * (1 - 1e-9))
                s->high = PART[2 - k] * pow(10, to - 1);
        }
    }
    for (int d = from; d <= to; d += stride)
        for (int k = 0; k < (parts ? 3 : 1); k++) {
            double value = PART[k] * pow(10, d);
            if (value >= s->low * (1 - 1e-9) && value <= s->high * (1 + 1e-9))
                add_tick(s, value);
        }
}

static struct scale y_scale(const double data[2], const struct plot_options *o, int rows) {
    bool given = o->y_max > o->y_min && (!o->log_y || o->y_min > 0);
    struct scale s = {.low = given ? o->y_min : data[0], .high = given ? o->y_max : data[1], .log = o->log_y};
    int wanted = rows / 2 < 2 ? 2 : rows / 2 > 6 ? 6 : rows / 2;
    double size = fmax(fabs(s.low), fabs(s.high));
    if (!(s.high - s.low > size * 1e-5)) { // as good as constant: room above and below
        double room = size > 0 ? size * 0.2 : 1;
        s.high += room;
        s.low = s.low >= 0 && s.low < room ? 0 : s.low - room;
        if (o->log_y)
            s.low = data[0] / 2;
    }
    if (s.log)
        log_ticks(&s, wanted, !given);
    else
        linear_ticks(&s, wanted, !given);
    return s;
}

static struct scale x_scale(const double data[2], const struct plot_options *o, int columns) {
    bool given = o->x_max > o->x_min;
    struct scale s = {.low = given ? o->x_min : data[0], .high = given ? o->x_max : data[1]};
    s.log = o->log_x;
    if (!(s.high > s.low))
        s.high = s.log ? s.low * 10 : s.low + 1;
    if (s.log)
        log_ticks(&s, columns / 12 < 1 ? 1 : columns / 12, false);
    else
        linear_ticks(&s, columns / 12 < 1 ? 1 : columns / 12, false);
    return s;
}

// ---- the canvas ----

struct canvas_cell {
    uint8_t dots, style, layer;
    char letter; // of the series, for ASCII
};

struct canvas {
    int rows, columns; // in cells
    struct canvas_cell *cell;
    uint8_t style, layer;
    char letter;
};

static void set_dot(struct canvas *c, int x, int y) {
    static const uint8_t BIT[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (x < 0 || y < 0 || x >= c->columns * 2 || y >= c->rows * 4)
        return;
    struct canvas_cell *cell = &c->cell[(size_t)(y / 4) * (size_t)c->columns + (size_t)(x / 2)];
    if (cell->layer < c->layer)
        cell->dots = 0; // a curve is not mixed with the pale one below it
    cell->dots |= BIT[y % 4][x % 2];
    cell->style = c->style;
    cell->layer = c->layer;
    cell->letter = c->letter;
}

static int nearest_dot(double y) {
    return y < -1e6 ? -1000000 : y > 1e6 ? 1000000 : (int)lround(y);
}

static void draw_vertical(struct canvas *c, int x, double from, double to) {
    int a = nearest_dot(fmin(from, to)), b = nearest_dot(fmax(from, to));
    if (a < 0)
        a = 0;
    if (b > c->rows * 4 - 1)
        b = c->rows * 4 - 1;
    for (int y = a; y <= b; y++)
        set_dot(c, x, y);
}

// A joined line: each pixel column takes the part of the line that passes it.
static void draw_line(struct canvas *c, int x0, double y0, int x1, double y1) {
    double slope = (y1 - y0) / (x1 - x0);
    for (int x = x0; x <= x1; x++) {
        double from = fmax((double)x - 0.5, x0), to = fmin((double)x + 0.5, x1);
        draw_vertical(c, x, y0 + (from - x0) * slope, y0 + (to - x0) * slope);
    }
}

static void draw_knot(struct canvas *c, int x, double y) {
    int row = nearest_dot(y);
    for (int d = -1; d <= 1; d++) {
        set_dot(c, x + d, row);
        set_dot(c, x, row + d);
    }
}

// ---- series ----

struct picture {
    struct canvas canvas;
    struct scale x, y;
};

static bool pixel_column(const struct picture *p, double x, int *out) {
    double at = scale_position(&p->x, x) * (p->canvas.columns * 2 - 1);
    if (!(at > -0.5 && at < p->canvas.columns * 2 - 0.5))
        return false;
    *out = (int)lround(at);
    if (*out > p->canvas.columns * 2 - 1)
        *out = p->canvas.columns * 2 - 1;
    return true;
}

static double pixel_row(const struct picture *p, double y) {
    return (1 - scale_position(&p->y, y)) * (p->canvas.rows * 4 - 1);
}

// What is known of the pixel column being filled; in data units, so that a point costs two comparisons.
struct column {
    int x; // -1: none, after a gap
    double low, high, last;
};

static void flush_column(struct picture *p, const struct column *col) {
    if (col->x >= 0)
        draw_vertical(&p->canvas, col->x, pixel_row(p, col->low), pixel_row(p, col->high));
}

static void add_point(struct picture *p, struct column *col, int x, double y) {
    if (col->x == x) {
        col->low = y < col->low ? y : col->low;
        col->high = y > col->high ? y : col->high;
        col->last = y;
        return;
    }
    flush_column(p, col);
    if (col->x >= 0)
        draw_line(&p->canvas, col->x, pixel_row(p, col->last), x, pixel_row(p, y));
    *col = (struct column){x, y, y, y};
}

// Where the pixel column ends, in data units.
static double column_end(const struct picture *p, int x) {
    double share = ((double)x + 0.5) / (p->canvas.columns * 2 - 1);
    return p->x.log ? p->x.low * pow(p->x.high / p->x.low, share) : p->x.low + share * (p->x.high - p->x.low);
}

// So few values that each can be seen: they are drawn with a knot, which also tells such a curve from a
// dense one where there is no colour.
static bool is_sparse(const struct picture *p, const struct plot_series *s) {
    return s->points || s->count == 1 || s->count * 6 <= (size_t)p->canvas.columns * 2;
}

struct curve_end {
    bool any;
    int row, column; // cell of the last value
};

// Every second dot of the column between two values.
static void draw_band_column(struct picture *p, int x, double low, double high) {
    int top = nearest_dot(pixel_row(p, high)), bottom = nearest_dot(pixel_row(p, low));
    top = top < 0 ? 0 : top;
    bottom = bottom > p->canvas.rows * 4 - 1 ? p->canvas.rows * 4 - 1 : bottom;
    for (int y = top; y <= bottom; y++)
        if ((x + y) % 2 == 0)
            set_dot(&p->canvas, x, y);
}

// The band of a column holds all that falls into it; between columns it goes straight on.
static void draw_band(struct picture *p, const struct plot_series *s) {
    int last = -1, x = 0;
    double low = 0, high = 0;
    for (size_t i = 0; i < s->count; i++) {
        double a = s->y[i], b = s->high[i];
        if (!drawable(s->y[i], p->y.log) || !isfinite(b) || !pixel_column(p, s->x[i], &x)) {
            if (last >= 0)
                draw_band_column(p, last, low, high);
            last = -1;
            continue;
        }
        for (int between = last + 1; last >= 0 && between < x; between++) {
            double share = (double)(between - last) / (x - last);
            draw_band_column(p, between, low + share * (a - low), high + share * (b - high));
        }
        if (last >= 0 && x != last)
            draw_band_column(p, last, low, high);
        low = x == last ? fmin(low, a) : a;
        high = x == last ? fmax(high, b) : b;
        last = x;
    }
    if (last >= 0)
        draw_band_column(p, last, low, high);
}

static struct curve_end draw_series(struct picture *p, const struct plot_series *s, double smoothing) {
    struct column col = {.x = -1};
    struct curve_end end = {0};
    double sum = 0, weight = 0, last = NAN, until = -INFINITY;
    int x = 0;
    bool knots = is_sparse(p, s);
    for (size_t i = 0; i < s->count; i++) {
        double value = s->y[i];
        if (!drawable(s->y[i], p->y.log)) {
            flush_column(p, &col);
            col.x = -1;
            continue;
        }
        if (smoothing > 0) { // dividing by the weight takes out the pull towards the start at zero
            sum = smoothing * sum + (1 - smoothing) * value;
            weight = smoothing * weight + (1 - smoothing);
            value = sum / weight;
        }
        if (!(s->x[i] < until)) {
            if (!isfinite(s->x[i]) || !pixel_column(p, s->x[i], &x))
                continue;
            until = column_end(p, x);
        }
        if (knots)
            draw_knot(&p->canvas, x, pixel_row(p, value));
        if (!s->points)
            add_point(p, &col, x, value);
        end.any = true;
        last = value;
    }
    flush_column(p, &col);
    if (end.any) {
        int row = nearest_dot(pixel_row(p, last)) / 4;
        end.row = row < 0 ? 0 : row >= p->canvas.rows ? p->canvas.rows - 1 : row;
        end.column = x / 2;
    }
    return end;
}

static void choose_pen(struct canvas *c, const struct plot_series *s, enum style style, int layer) {
    c->style = (uint8_t)style;
    c->layer = (uint8_t)layer;
    c->letter = s->label && s->label[0] > ' ' && s->label[0] < 0x7f ? s->label[0] : '*';
}

// ---- around the curves ----

// In ASCII a cell shows where its dots are, and every few columns the letter of its curve.
static uint32_t ascii_cell(const struct canvas_cell *cell, int column, bool letters) {
    if (letters && cell->layer > 1 && column % 6 == 3)
        return (uint32_t)cell->letter;
    bool upper = cell->dots & 0x1b, lower = cell->dots & 0xe4;
    if (__builtin_popcount(cell->dots) >= 6)
        return '*';
    return upper && lower ? ':' : upper ? '\'' : '.';
}

static void show_canvas(struct grid *g, struct area a, const struct canvas *c, bool letters) {
    for (int y = 0; y < c->rows; y++)
        for (int x = 0; x < c->columns; x++) {
            const struct canvas_cell *cell = &c->cell[(size_t)y * (size_t)c->columns + (size_t)x];
            if (!cell->dots)
                continue;
            uint32_t shown = g->ascii ? ascii_cell(cell, x, letters) : 0x2800u + cell->dots;
            grid_fill(g, area_columns(area_rows(a, y, 1), x, 1), (enum style)cell->style, shown);
        }
}

static bool cells_free(const struct canvas *c, int row, int column, int columns) {
    for (int x = column; x < column + columns; x++)
        if (x < 0 || x >= c->columns || c->cell[(size_t)row * (size_t)c->columns + (size_t)x].dots)
            return false;
    return true;
}

// For a label: the next one finds these cells taken.
static void take_cells(struct canvas *c, int row, int column, int columns) {
    for (int x = column; x < column + columns; x++)
        c->cell[(size_t)row * (size_t)c->columns + (size_t)x].dots = 0xff;
}

// A dotted line in the cells that the curves leave free. The label stands beside it at the top, or as near to
// the bottom as there is room.
static void draw_mark(struct grid *g, struct area a, struct picture *p, const struct plot_mark *m) {
    int x;
    if (!isfinite(m->x) || !pixel_column(p, m->x, &x))
        return;
    struct canvas *c = &p->canvas;
    x /= 2;
    for (int y = 0; y < c->rows; y++)
        if (cells_free(c, y, x, 1))
            grid_put(g, a, y, x, m->style, "┊");
    int width = m->label ? text_width(m->label, strlen(m->label)) : 0;
    if (width == 0)
        return;
    for (int k = 0; k < 2 * c->rows; k++) {
        int row = k / 2 == 0 ? 0 : c->rows - k / 2, column = k % 2 == 0 ? x + 1 : x - width;
        if (cells_free(c, row, column, width)) {
            grid_put(g, a, row, column, m->style, m->label);
            take_cells(c, row, column, width);
            return;
        }
    }
}

static int tick_row(const struct picture *p, double value) {
    int row = nearest_dot(pixel_row(p, value)) / 4;
    return row < 0 ? 0 : row >= p->canvas.rows ? p->canvas.rows - 1 : row;
}

static int y_label_width(const struct scale *s) {
    int widest = 0;
    for (int i = 0; i < s->ticks; i++) {
        char text[32];
        if (s->log)
            plot_number(text, sizeof text, s->tick[i]);
        else
            tick_label(text, sizeof text, s->tick[i], s->step);
        int width = (int)strlen(text);
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void draw_y_axis(struct grid *g, struct area a, const struct picture *p, int width) {
    int last = p->canvas.rows; // ticks go upwards
    for (int y = 0; y < p->canvas.rows; y++)
        grid_put(g, a, y, width, STYLE_BORDER, "│");
    for (int i = 0; i < p->y.ticks; i++) {
        char text[32];
        int row = tick_row(p, p->y.tick[i]);
        if (row >= last)
            continue;
        if (p->y.log)
            plot_number(text, sizeof text, p->y.tick[i]);
        else
            tick_label(text, sizeof text, p->y.tick[i], p->y.step);
        grid_put_right(g, a, row, width, STYLE_DIM, text);
        grid_put(g, a, row, width, STYLE_BORDER, "┤");
        last = row;
    }
}

// `a` is the row below the plot, as wide as the plot and its right margin.
static void draw_x_axis(struct grid *g, struct area a, const struct picture *p, const char *unit) {
    int end = a.columns, free_from = 0, unit_width = unit ? text_width(unit, strlen(unit)) : 0;
    if (unit_width > 0 && unit_width + 6 < a.columns) {
        grid_put_right(g, a, 0, end, STYLE_DIM, unit);
        end -= unit_width + 1;
    }
    for (int i = 0; i < p->x.ticks; i++) {
        char text[32];
        int x;
        if (p->x.log)
            plot_number(text, sizeof text, p->x.tick[i]);
        else
            tick_label(text, sizeof text, p->x.tick[i], p->x.step);
        int width = (int)strlen(text);
        if (!pixel_column(p, p->x.tick[i], &x))
            continue;
        int column = x / 2 - width / 2;
        if (column < 0)
            column = 0;
        if (column < free_from || column + width > end)
            continue;
        grid_put(g, a, 0, column, STYLE_DIM, text);
        free_from = column + width + 1;
    }
}

enum { MOST_SERIES = 16 };

// The first column behind all curves, where nothing is drawn.
static int behind_curves(const struct curve_end *end, size_t count) {
    int column = 0;
    for (size_t s = 0; s < count; s++)
        if (end[s].any && end[s].column + 1 > column)
            column = end[s].column + 1;
    return column;
}

// Beside the end of its own curve, if that is not where the longest one ends and there is room for it.
static bool put_label_inside(struct grid *g, struct area a, struct picture *p, const struct plot_series *s,
                             const struct curve_end *end, int behind) {
    int column = end->column + 1, width = text_width(s->label, strlen(s->label));
    if (column + width + 2 > behind || !cells_free(&p->canvas, end->row, column, width + 2))
        return false;
    grid_put(g, a, end->row, column + 1, s->style, s->label);
    take_cells(&p->canvas, end->row, column, width + 2);
    return true;
}

// The other labels stand in one column behind the longest curve, each at the height of its curve's end or as
// near to it as the others leave.
static void draw_labels(struct grid *g, struct area a, struct picture *p, const struct plot_series *series,
                        size_t count, const struct curve_end *end) {
    size_t order[MOST_SERIES] = {0}, used = 0;
    int row[MOST_SERIES], rows = p->canvas.rows, column = behind_curves(end, count);
    for (size_t s = 0; s < count; s++) {
        if (!end[s].any || !series[s].label || !series[s].label[0] ||
            put_label_inside(g, a, p, &series[s], &end[s], column))
            continue;
        size_t at = used++;
        for (; at > 0 && end[order[at - 1]].row > end[s].row; at--)
            order[at] = order[at - 1];
        order[at] = s;
    }
    if (used > (size_t)rows)
        used = (size_t)rows;
    for (size_t k = 0; k < used; k++) {
        row[k] = end[order[k]].row;
        if (k > 0 && row[k] <= row[k - 1])
            row[k] = row[k - 1] + 1;
    }
    for (size_t k = used; k-- > 0;) {
        int most = rows - (int)(used - k);
        if (row[k] > most)
            row[k] = most;
    }
    int at = column + (column + 1 < a.columns);
    for (size_t k = 0; k < used; k++) {
        const char *label = series[order[k]].label;
        grid_put_cut(g, a, row[k], at, a.columns - at, series[order[k]].style, label);
        int end_at = at + text_width(label, strlen(label)) + 1, columns = p->canvas.columns;
        int from = at > 0 ? at - 1 : 0, to = end_at < columns ? end_at : columns;
        take_cells(&p->canvas, row[k], from, to - from); // with a blank before it and behind
    }
}

static void draw_empty(struct grid *g, struct area a, const char *text) {
    if (!text || !*text)
        return;
    int width = text_width(text, strlen(text));
    if (width <= a.columns)
        grid_put(g, a, a.rows / 2, (a.columns - width) / 2, STYLE_DIM, text);
    else
        grid_put_wrapped(g, a, a.rows > 2 ? a.rows / 2 - 1 : 0, STYLE_DIM, text);
}

// ---- the whole ----

struct layout {
    struct area plot, y_axis, x_axis, room; // room: the plot and the margin for labels
    int y_width;                            // 0: no axis
    bool labels;
};

static struct layout lay_out(struct area a, const struct plot_series *series, size_t count,
                             const struct scale *y) {
    struct layout l = {.plot = a};
    int widest = 0;
    for (size_t s = 0; s < count; s++) {
        int width = series[s].label ? text_width(series[s].label, strlen(series[s].label)) : 0;
        widest = width > widest ? width : widest;
    }
    bool x_axis = a.rows >= 4 && a.columns >= 14;
    int rows = x_axis ? a.rows - 1 : a.rows;
    int y_width = y_label_width(y);
    if (a.rows >= 2 && a.columns >= y_width + 9)
        l.y_width = y_width;
    int left = l.y_width ? l.y_width + 1 : 0;
    l.room = area_columns(area_rows(a, 0, rows), left, a.columns - left);
    if (widest > l.room.columns / 3)
        widest = l.room.columns / 3;
    l.labels = widest > 0 && l.room.columns >= widest + 11;
    l.plot = area_columns(l.room, 0, l.labels ? l.room.columns - widest - 1 : l.room.columns);
    l.y_axis = area_columns(area_rows(a, 0, rows), 0, left);
    l.x_axis = area_columns(area_rows(a, rows, a.rows - rows), left, a.columns - left);
    return l;
}

static void draw_curves(struct picture *p, const struct plot_series *series, size_t count, double smoothing,
                        struct curve_end *end) {
    for (size_t s = 0; s < count; s++)
        if (series[s].high) {
            choose_pen(&p->canvas, &series[s], series[s].style, 1);
            draw_band(p, &series[s]);
        }
    for (size_t s = 0; s < count && smoothing > 0; s++)
        if (!series[s].high && !is_sparse(p, &series[s])) {
            choose_pen(&p->canvas, &series[s], STYLE_DIM, 1);
            draw_series(p, &series[s], 0);
        }
    for (size_t s = 0; s < count; s++) {
        if (series[s].high)
            continue;
        choose_pen(&p->canvas, &series[s], series[s].style, 2);
        end[s] = draw_series(p, &series[s], is_sparse(p, &series[s]) ? 0 : smoothing);
    }
}

// The part of the area that is on the grid.
static struct area on_grid(const struct grid *g, struct area a) {
    long long bottom = (long long)a.row + a.rows, right = (long long)a.column + a.columns;
    if (a.row < 0)
        a.row = 0;
    if (a.column < 0)
        a.column = 0;
    bottom = bottom > g->rows ? g->rows : bottom;
    right = right > g->columns ? g->columns : right;
    a.rows = bottom > a.row ? (int)(bottom - a.row) : 0;
    a.columns = right > a.column ? (int)(right - a.column) : 0;
    return a;
}

void plot_draw(struct grid *g, struct area a, const struct plot_series *series, size_t count,
               const struct plot_options *options) {
    double x[2] = {0}, y[2] = {0};
    a = on_grid(g, a);
    if (count > MOST_SERIES)
        count = MOST_SERIES;
    if (a.rows < 1 || a.columns < 1)
        return;
    if (!find_range(series, count, options, x, y)) {
        draw_empty(g, a, options->empty);
        return;
    }
    struct picture p = {.y = y_scale(y, options, a.rows)};
    struct layout l = lay_out(a, series, count, &p.y);
    p.x = x_scale(x, options, l.plot.columns);
    p.canvas.rows = l.plot.rows;
    p.canvas.columns = l.plot.columns;
    p.canvas.cell = calloc((size_t)l.plot.rows * (size_t)l.plot.columns + 1, sizeof *p.canvas.cell);
    if (!p.canvas.cell)
        return; // a screen without a picture is all that no memory allows
    struct curve_end end[MOST_SERIES] = {0};
    double smoothing = options->smoothing > 0 ? fmin(options->smoothing, 0.999) : 0;
    draw_curves(&p, series, count, smoothing, end);
    show_canvas(g, l.plot, &p.canvas, count > 1);
    if (l.labels)
        draw_labels(g, l.room, &p, series, count, end);
    for (size_t m = 0; m < options->marks; m++)
        draw_mark(g, l.plot, &p, &options->mark[m]);
    if (l.y_width)
        draw_y_axis(g, l.y_axis, &p, l.y_width);
    if (l.x_axis.rows > 0)
        draw_x_axis(g, l.x_axis, &p, options->x_unit);
    free(p.canvas.cell);
}

// ---- sparks ----

// The mean of the values that fall into cell `k` of `cells`; NaN where there is none.
static double cell_mean(const float *y, size_t count, size_t k, size_t cells) {
    size_t from = k * count / cells, to = (k + 1) * count / cells, used = 0;
    double sum = 0;
    for (size_t i = from; i < to; i++)
        if (isfinite(y[i])) {
            sum += y[i];
            used++;
        }
    return used ? sum / (double)used : NAN;
}

void plot_spark(struct grid *g, struct area a, int row, int column, int columns, enum style style,
                const float *y, size_t count) {
    double low = INFINITY, high = -INFINITY;
    if (columns < 1 || count == 0)
        return;
    size_t cells = count < (size_t)columns ? count : (size_t)columns;
    for (size_t k = 0; k < cells; k++) {
        double value = cell_mean(y, count, k, cells);
        if (isfinite(value)) {
            low = fmin(low, value);
            high = fmax(high, value);
        }
    }
    for (size_t k = 0; k < cells; k++) {
        double value = cell_mean(y, count, k, cells);
        char text[4] = " ";
        if (isfinite(value)) {
            double share = high > low ? (value - low) / (high - low) : 0.5;
            if (g->ascii)
                text[0] = (char)('0' + (int)lround(share * 9));
            else // U+2581 .. U+2588
                snprintf(text, sizeof text, "\xe2\x96%c", (char)(0x81 + (int)lround(share * 7)));
        }
        grid_put(g, a, row, column + (int)k, style, text);
    }
}
