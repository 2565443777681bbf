// SPDX-License-Identifier: GPL-3.0-or-later
// The map: every vector as a point on the two principal axes, joined to where it started, named by its
// nearest token where there is room. Both axes have one scale, so that distances can be compared.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "prompt_inside.h"

#include "parts.h"

enum { DOTS_ACROSS = 2, DOTS_DOWN = 4, BRAILLE = 0x2800 };
static const double MOST_SCALE = 32;

// From a projection's numbers to dots of an area.
struct frame {
    struct area a;
    double unit, x, y; // dots per unit; the point that is in the middle
};

// What all points lie within: the middle, and how far it is across (never 0).
struct bounds {
    double middle[2], size[2];
};

static struct bounds bounds_of(const struct projection *p) {
    double low[2] = {INFINITY, INFINITY}, high[2] = {-INFINITY, -INFINITY};
    struct bounds b;
    for (size_t i = 0; i < 2 * p->slots; i++) {
        low[i % 2] = fmin(low[i % 2], fmin(p->now[i], p->start[i]));
        high[i % 2] = fmax(high[i % 2], fmax(p->now[i], p->start[i]));
    }
    for (size_t k = 0; k < 2; k++) {
        b.middle[k] = (low[k] + high[k]) / 2;
        b.size[k] = fmax(high[k] - low[k], 1e-9);
    }
    return b;
}

static struct frame frame_of(const struct prompt_view *v, struct area a) {
    struct bounds b = bounds_of(v->map);
    // Room for a label at the sides.
    double wide = DOTS_ACROSS * (a.columns > 24 ? a.columns - 12 : a.columns), tall = DOTS_DOWN * a.rows - 2;
    return (struct frame){.a = a,
                          .unit = v->scale * fmin(wide / b.size[0], tall / b.size[1]),
                          .x = b.middle[0] + v->x * b.size[0],
                          .y = b.middle[1] + v->y * b.size[1]};
}

static double dot_x(const struct frame *f, float x) {
    return f->a.columns * DOTS_ACROSS / 2.0 + (x - f->x) * f->unit;
}
static double dot_y(const struct frame *f, float y) { // rows count downwards
    return f->a.rows * DOTS_DOWN / 2.0 - (y - f->y) * f->unit;
}

static bool inside(const struct frame *f, double x, double y) {
    return x >= 0 && y >= 0 && x < f->a.columns * DOTS_ACROSS && y < f->a.rows * DOTS_DOWN;
}

static uint32_t character_at(const struct grid *g, struct area a, int row, int column) {
    int r = a.row + row, c = a.column + column;
    bool there = r >= 0 && c >= 0 && r < g->rows && c < g->columns;
    return there ? g->cell[r * g->columns + c].character : 0;
}

static void put_one(struct grid *g, struct area a, int row, int column, enum style style,
                    uint32_t character) {
    grid_fill(g, area_columns(area_rows(a, row, 1), column, 1), style, character);
}

static void put_dot(struct grid *g, const struct frame *f, double x, double y, enum style style) {
    static const uint8_t bit[DOTS_DOWN][DOTS_ACROSS] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    if (!inside(f, x, y))
        return;
    int column = (int)x / DOTS_ACROSS, row = (int)y / DOTS_DOWN;
    uint32_t old = character_at(g, f->a, row, column);
    if (g->ascii)
        put_one(g, f->a, row, column, style, '.');
    else
        put_one(g, f->a, row, column, style,
                (old >= BRAILLE && old < BRAILLE + 256 ? old : BRAILLE) |
                    bit[(int)y % DOTS_DOWN][(int)x % DOTS_ACROSS]);
}

static void draw_way(struct grid *g, const struct frame *f, const float *from, const float *to,
                     bool selected) {
    double x = dot_x(f, from[0]), y = dot_y(f, from[1]);
    double dx = dot_x(f, to[0]) - x, dy = dot_y(f, to[1]) - y;
    // Every second dot, but for the selected one: lines are many, points matter.
    double length = fmin(fmax(fabs(dx), fabs(dy)), 4000), step = selected ? 1 : 2;
    for (double t = 0; t <= length && length > 0; t += step)
        put_dot(g, f, x + dx * t / length, y + dy * t / length, selected ? STYLE_ACCENT : STYLE_DIM);
}

static void draw_point(struct grid *g, const struct frame *f, const float *at, enum style style,
                       enum part_symbol symbol) {
    double x = dot_x(f, at[0]), y = dot_y(f, at[1]);
    if (inside(f, x, y))
        grid_put(g, f->a, (int)y / DOTS_DOWN, (int)x / DOTS_ACROSS, style, part_symbol(g, symbol));
}

// ---- names ----

// Whether another name has the cell: points and ways have styles of their own.
static bool is_named(const struct grid *g, struct area a, int row, int column) {
    if (column < 0 || column >= a.columns || character_at(g, a, row, column) == ' ')
        return false;
    uint8_t style = g->cell[(a.row + row) * g->columns + a.column + column].style;
    return style == STYLE_PLAIN || style == STYLE_STRONG;
}

// Room for `columns`, and no other name right beside them.
static bool is_free(const struct grid *g, struct area a, int row, int column, int columns) {
    if (row < 0 || row >= a.rows || column < 0 || column + columns > a.columns)
        return false;
    for (int c = column; c < column + columns; c++)
        if (character_at(g, a, row, c) != ' ')
            return false;
    return !is_named(g, a, row, column - 1) && !is_named(g, a, row, column + columns);
}

// Right of the point, left of it, or on a row above or below; false where there is no room.
static bool put_name(struct grid *g, const struct frame *f, const float *at, enum style style,
                     const char *name) {
    static const int row_by[] = {0, 0, -1, 1, -1, 1};
    double x = dot_x(f, at[0]), y = dot_y(f, at[1]);
    int columns = text_width(name, strlen(name)), row = (int)y / DOTS_DOWN, column = (int)x / DOTS_ACROSS;
    if (!inside(f, x, y))
        return true;
    for (size_t i = 0; i < sizeof row_by / sizeof *row_by; i++) {
        int start = i == 1   ? column - 1 - columns
                    : i == 0 ? column + 2
                    : i < 4  ? column + 1
                             : column - columns;
        if (i == 1)
            start--;
        if (!is_free(g, f->a, row + row_by[i], start, columns))
            continue;
        grid_put(g, f->a, row + row_by[i], start, style, name);
        return true;
    }
    return false;
}

static void name_point(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                       const struct frame *f, size_t slot) {
    const struct prompt_picture *p = prompt_shown(v, w);
    char piece[PART_PIECE], name[PART_PIECE + 16];
    enum style style = slot == v->selected ? STYLE_STRONG : STYLE_PLAIN;
    part_piece(piece, g, workbench_workspace(w)->tokenizer, prompt_near(p, slot, v->metric)->id);
    snprintf(name, sizeof name, "v%zu %s", slot, piece);
    if (put_name(g, f, v->map->now + 2 * slot, style, name))
        return;
    snprintf(name, sizeof name, "v%zu", slot);
    if (put_name(g, f, v->map->now + 2 * slot, style, name) || slot != v->selected)
        return;
    // The selected one is named whatever stands there.
    double x = dot_x(f, v->map->now[2 * slot]), y = dot_y(f, v->map->now[2 * slot + 1]);
    grid_put(g, f->a, (int)y / DOTS_DOWN, (int)x / DOTS_ACROSS + 1, style, name);
}

static void draw_points(const struct prompt_view *v, const struct workbench *w, struct grid *g,
                        struct area a) {
    const struct projection *p = v->map;
    struct frame f = frame_of(v, a);
    size_t slots = p->slots < v->slots ? p->slots : v->slots;
    for (size_t i = 0; i < slots; i++)
        if (i != v->selected)
            draw_way(g, &f, p->start + 2 * i, p->now + 2 * i, false);
    if (v->selected < slots)
        draw_way(g, &f, p->start + 2 * v->selected, p->now + 2 * v->selected, true);
    for (size_t i = 0; i < slots; i++)
        draw_point(g, &f, p->start + 2 * i, i == v->selected ? STYLE_ACCENT : STYLE_DIM, SYMBOL_READY);
    for (size_t i = 0; i < slots; i++)
        draw_point(g, &f, p->now + 2 * i, STYLE_SOFT, SYMBOL_RUNNING);
    if (v->selected < slots) {
        draw_point(g, &f, p->now + 2 * v->selected, STYLE_SELECTED, SYMBOL_RUNNING);
        name_point(v, w, g, &f, v->selected);
    }
    for (size_t i = 0; i < slots; i++)
        if (i != v->selected)
            name_point(v, w, g, &f, i);
}

void prompt_draw_map(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                     bool focused) {
    char title[96], note[96] = "";
    const struct projection *p = v->map;
    v->map_drawn = true;
    snprintf(title, sizeof title, "map");
    if (p && p->share[0] > 0)
        snprintf(title, sizeof title,
                 a.columns >= 56 ? "map: the two widest axes, %.0f + %.0f %% of the spread"
                                 : "map: %.0f + %.0f %%",
                 100 * p->share[0], 100 * p->share[1]);
    if (v->scale > 1)
        snprintf(note, sizeof note, "%.0f %s", v->scale, part_symbol(g, SYMBOL_TIMES));
    else if (p && a.columns >= 40)
        snprintf(note, sizeof note, "%s start   %s now", part_symbol(g, SYMBOL_READY),
                 part_symbol(g, SYMBOL_RUNNING));
    struct area in = grid_frame(g, a, focused, title, note[0] ? note : NULL);
    if (p && p->slots)
        draw_points(v, w, g, in);
    else
        grid_put_wrapped(g, area_columns(in, 1, in.columns - 2), in.rows / 3, STYLE_DIM,
                         v->map_error[0] ? v->map_error : "The map is being computed ...");
}

// ---- zoom and pan ----

static void pan(struct prompt_view *v, double by_x, double by_y) {
    double step = 0.25 / v->scale;
    v->x = fmin(fmax(v->x + by_x * step, -0.5), 0.5);
    v->y = fmin(fmax(v->y + by_y * step, -0.5), 0.5);
}

bool prompt_map_request(struct prompt_view *v, enum request r, bool focused) {
    bool pans = focused && v->scale > 1;
    switch (r) {
    case REQUEST_MAP_NEARER:
        if (v->scale == 1 && v->map && v->selected < v->map->slots) { // towards the selected vector
            struct bounds b = bounds_of(v->map);
            v->x = (v->map->now[2 * v->selected] - b.middle[0]) / b.size[0];
            v->y = (v->map->now[2 * v->selected + 1] - b.middle[1]) / b.size[1];
        }
        v->scale = fmin(v->scale * 2, MOST_SCALE);
        return true;
    case REQUEST_MAP_FARTHER:
        v->scale = fmax(v->scale / 2, 1);
        if (v->scale == 1)
            v->x = v->y = 0;
        return true;
    case REQUEST_LEFT:
        return pans && (pan(v, -1, 0), true);
    case REQUEST_RIGHT:
        return pans && (pan(v, 1, 0), true);
    case REQUEST_UP:
        return pans && (pan(v, 0, 1), true);
    case REQUEST_DOWN:
        return pans && (pan(v, 0, -1), true);
    default:
        return false;
    }
}
