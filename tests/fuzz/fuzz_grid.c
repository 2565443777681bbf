// SPDX-License-Identifier: GPL-3.0-or-later
// Eight bytes of places, then texts with "%%" between them, drawn by every function: wide characters are
// never left in halves, and what is dumped is UTF-8.
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "fuzz.h"
#include "tui/grid.h"

static void check_cells(const struct grid *g) {
    for (int y = 0; y < g->rows; y++)
        for (int x = 0; x < g->columns; x++) {
            const struct cell *c = &g->cell[y * g->columns + x];
            bool right_half = x > 0 && c[-1].width == 2;
            REQUIRE((c->width == 0) == right_half && (c->character == 0) == right_half);
            REQUIRE(c->width <= 2 && !(c->width == 2 && x + 1 == g->columns));
            REQUIRE(c->style < STYLE_COUNT && c->character <= 0x10ffff);
            for (int i = 0; i < CELL_MARKS; i++)
                REQUIRE(c->mark[i] <= 0x10ffff);
        }
    REQUIRE(g->cursor_row < g->rows && g->cursor_column < g->columns);
}

struct wrapping {
    const char *text, *last; // where the line before ended
    size_t length;
    int columns;
    size_t lines;
};

static bool wrapped(void *context, const char *text, size_t length) {
    struct wrapping *w = context;
    REQUIRE(text >= w->last && text + length <= w->text + w->length);
    int width = text_width(text, length), used;
    bool one = width > w->columns && text_fit(text, length, 2, &used) == length; // a wide one in one column
    REQUIRE(width <= w->columns || one);
    w->last = text + length;
    return ++w->lines < 5000;
}

static void check_text(const char *text, size_t length, int columns) {
    struct wrapping w = {text, text, length, columns > 0 ? columns : 1, 0};
    int used = 0;
    size_t fits = text_fit(text, length, columns, &used);
    REQUIRE(fits <= length && used <= (columns > 0 ? columns : 0) && text_width(text, fits) == used);
    REQUIRE(text_width(text, length) >= used);
    text_wrap(text, length, columns, wrapped, &w);
}

static void draw(struct grid *g, struct area a, int row, int column, const char *text, size_t length) {
    grid_put_bytes(g, a, row, column, STYLE_PLAIN, text, length);
    check_cells(g);
    grid_put_cut(g, a, row + 1, column, a.columns, STYLE_GOOD, text);
    grid_put_right(g, a, row, column, STYLE_BAD, text);
    check_cells(g);
    grid_put_wrapped(g, a, row, STYLE_DIM, text);
    struct area inside = grid_frame(g, a, column & 1, text, text);
    REQUIRE(inside.rows >= 0 && inside.columns >= 0);
    grid_fill(g, area_inset(a, 1), STYLE_BAR, length ? (unsigned char)text[0] : ' ');
    grid_bar(g, a, row, column, a.columns, STYLE_ACCENT, (double)length / 40);
    grid_cursor(g, a, row, column);
    grid_put(g, a, row, column, STYLE_KEY, text);
    check_cells(g);
}

static void dump(const struct grid *g) {
    struct error e = {0};
    char *text = grid_dump(g, true, &e);
    REQUIRE(text && utf8_valid(text, strlen(text), NULL));
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct grid *g;
    struct fuzz_part all = {data, size}, part[4];
    setlocale(LC_ALL, "C.UTF-8");
    int rows = 1 + (int)fuzz_take(&all) % 12, columns = 1 + (int)fuzz_take(&all) % 40;
    int place[6];
    for (int i = 0; i < 6; i++)
        place[i] = (int)fuzz_take(&all) - 96;
    REQUIRE(grid_create(&g, rows, columns, &e));
    g->ascii = place[0] & 1;
    fuzz_split(all.data, all.size, part, 4);
    for (int i = 0; i < 4; i++) {
        char *text = fuzz_text(part[i].data, part[i].size);
        struct area a = i ? (struct area){place[0], place[1], place[2], place[3]} : grid_area(g);
        check_text(text, part[i].size, place[5]);
        draw(g, a, i == 3 ? INT_MAX - 1 : place[4], place[5], text, strlen(text));
        free(text);
    }
    REQUIRE(grid_resize(g, columns, rows, &e));
    check_cells(g);
    dump(g);
    grid_free(g);
    return 0;
}
