// SPDX-License-Identifier: GPL-3.0-or-later
// Columns are measured on what shows, then fitted to the area.
#include "tui/table.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { GAP = 2 };

static int clamp(int x, int least, int most) {
    return x < least ? least : most > 0 && x > most ? most : x;
}

static void cell_text(const struct table_source *s, size_t row, size_t column, char text[TABLE_CELL],
                      enum style *style) {
    *style = STYLE_PLAIN;
    text[0] = 0;
    s->cell(s->context, row, column, text, style);
}

static int title_width(const struct table_column *c) {
    return text_width(c->title, strlen(c->title)) + (c->marked ? 2 : 0);
}

// How wide each column would like to be.
static void measure(const struct table *t, const struct table_source *s, size_t rows,
                    int width[TABLE_MOST_COLUMNS]) {
    char text[TABLE_CELL];
    enum style style;
    for (size_t c = 0; c < s->columns; c++) {
        int wide = title_width(&s->column[c]);
        for (size_t r = 0; r < rows && t->top + r < s->rows; r++) {
            cell_text(s, t->top + r, c, text, &style);
            int w = text_width(text, strlen(text));
            wide = w > wide ? w : wide;
        }
        width[c] = clamp(wide, s->column[c].least, s->column[c].most);
    }
}

// Short of room: of the stretching columns that are wider than their least the widest, the first of equals;
// s->columns when there is none.
static size_t widest_that_gives(const struct table_source *s, const int width[TABLE_MOST_COLUMNS]) {
    size_t widest = s->columns;
    for (size_t c = 0; c < s->columns; c++) {
        const struct table_column *column = &s->column[c];
        int least = column->least > 0 ? column->least : title_width(column);
        if (column->stretches && width[c] > least && (widest == s->columns || width[c] > width[widest]))
            widest = c;
    }
    return widest;
}

// Sets to 0 the widths of columns that do not show; the rest fits `columns`. True when some were left out at
// the right.
static bool fit(const struct table *t, const struct table_source *s, int columns,
                int width[TABLE_MOST_COLUMNS]) {
    int used = -GAP;
    for (size_t c = 0; c < s->columns; c++) {
        if (c > 0 && c < t->left)
            width[c] = 0;
        used += width[c] ? width[c] + GAP : 0;
    }
    for (size_t c; used > columns && (c = widest_that_gives(s, width)) < s->columns; used--)
        width[c]--;
    for (size_t c = 0; c < s->columns && used < columns; c++)
        if (width[c] && s->column[c].stretches) {
            width[c] += columns - used;
            used = columns;
        }
    int at = 0;
    bool more = false;
    for (size_t c = 0; c < s->columns; c++) {
        if (!width[c])
            continue;
        int room = columns - at;
        more = more || (room < width[c] && c > 0);
        width[c] = more && c > 0 ? 0 : width[c] < room ? width[c] : room;
        at += width[c] ? width[c] + GAP : 0;
    }
    return more;
}

static void draw_cell(struct grid *g, struct area a, int row, int column, int width, bool right,
                      enum style style, const char *text) {
    int wide = text_width(text, strlen(text));
    int indent = right && wide < width ? width - wide : 0;
    grid_put_cut(g, a, row, column + indent, width - indent, style, text);
}

static void draw_titles(struct grid *g, struct area a, const struct table_source *s, const int *width) {
    int at = 0;
    for (size_t c = 0; c < s->columns; c++) {
        const struct table_column *column = &s->column[c];
        char title[128];
        if (!width[c])
            continue;
        const char *arrow = !column->marked      ? ""
                            : g->ascii           ? (column->descending ? " v" : " ^")
                            : column->descending ? " ▾"
                                                 : " ▴";
        snprintf(title, sizeof title, "%s%s", column->title, arrow);
        draw_cell(g, a, 0, at, width[c], column->right, STYLE_DIM, title);
        at += width[c] + GAP;
    }
}

static void keep_in_sight(struct table *t, size_t rows, size_t page) {
    if (t->selected >= rows)
        t->selected = rows ? rows - 1 : 0;
    if (t->top + page > rows)
        t->top = rows > page ? rows - page : 0;
    if (t->selected < t->top)
        t->top = t->selected;
    if (page && t->selected >= t->top + page)
        t->top = t->selected - page + 1;
}

void table_draw(struct table *t, struct grid *g, struct area a, const struct table_source *s, bool focused) {
    int width[TABLE_MOST_COLUMNS];
    char text[TABLE_CELL];
    enum style style;
    t->page = a.rows > 1 ? (size_t)a.rows - 1 : 0;
    t->drawn = a;
    t->rows = s->rows;
    t->more = false;
    if (a.rows <= 0 || a.columns <= 0)
        return;
    if (!s->rows) {
        if (s->empty)
            grid_put_wrapped(g, a, 0, STYLE_DIM, s->empty);
        return;
    }
    keep_in_sight(t, s->rows, t->page);
    if (t->left >= s->columns)
        t->left = s->columns - 1;
    measure(t, s, t->page, width);
    t->more = fit(t, s, a.columns, width);
    draw_titles(g, a, s, width);
    for (size_t r = 0; r < t->page && t->top + r < s->rows; r++) {
        int at = 0, row = (int)r + 1;
        bool here = t->top + r == t->selected;
        for (size_t c = 0; c < s->columns; c++) {
            if (!width[c])
                continue;
            cell_text(s, t->top + r, c, text, &style);
            draw_cell(g, a, row, at, width[c], s->column[c].right, style, text);
            at += width[c] + GAP;
        }
        if (here)
            grid_restyle(g, area_rows(a, row, 1), focused ? STYLE_SELECTED : STYLE_STRONG);
    }
}

size_t table_row_at(const struct table *t, const struct table_source *s, int row) {
    return row >= 1 && (size_t)row <= t->page && t->top + (size_t)row - 1 < s->rows ? t->top + (size_t)row - 1
                                                                                    : SIZE_MAX;
}

void table_press(struct table *t, int row, int column) {
    size_t at = t->top + (size_t)(row - t->drawn.row - 1);
    bool inside = row > t->drawn.row && row < t->drawn.row + t->drawn.rows && column >= t->drawn.column &&
                  column < t->drawn.column + t->drawn.columns;
    if (inside && at < t->rows)
        t->selected = at;
}

bool table_request(struct table *t, enum request r, const struct table_source *s) {
    size_t page = t->page > 1 ? t->page - 1 : 1, last = s->rows ? s->rows - 1 : 0;
    switch (r) {
    case REQUEST_UP:
        t->selected -= t->selected > 0;
        break;
    case REQUEST_DOWN:
        t->selected += t->selected < last;
        break;
    case REQUEST_PAGE_UP:
        t->selected -= t->selected < page ? t->selected : page;
        break;
    case REQUEST_PAGE_DOWN:
        t->selected = last - t->selected < page ? last : t->selected + page;
        break;
    case REQUEST_FIRST:
        t->selected = 0;
        break;
    case REQUEST_LAST:
        t->selected = last;
        break;
    case REQUEST_LEFT:
        t->left -= t->left > 0;
        t->left = t->left == 1 ? 0 : t->left;
        break;
    case REQUEST_RIGHT:
        if (t->more)
            t->left = t->left ? t->left + 1 : 2;
        break;
    default:
        return false;
    }
    return true;
}

static bool row_has(const struct table_source *s, size_t row, const char *text) {
    char cell[TABLE_CELL];
    enum style style;
    for (size_t c = 0; c < s->columns; c++) {
        cell_text(s, row, c, cell, &style);
        if (strcasestr(cell, text))
            return true;
    }
    return false;
}

bool table_search(struct table *t, const struct table_source *s, const char *text, bool forward, bool again) {
    if (text && text[0])
        snprintf(t->search, sizeof t->search, "%s", text);
    if (!t->search[0] || !s->rows)
        return false;
    for (size_t i = again ? 0 : 1; i <= s->rows; i++) {
        size_t row = (t->selected + (forward ? i : s->rows - i % s->rows)) % s->rows;
        if (row_has(s, row, t->search)) {
            t->selected = row;
            return true;
        }
    }
    return false;
}
