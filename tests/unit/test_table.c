// SPDX-License-Identifier: GPL-3.0-or-later
// Tables: alignment, what shows, moving, searching.
#include "check.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tui/table.h"

static const char *const names[] = {"ada", "影评很好", "Grace", "linus 😀", "barbara", "edsger"};

static void cell(void *context, size_t row, size_t column, char text[TABLE_CELL], enum style *style) {
    (void)context;
    if (column == 0)
        snprintf(text, TABLE_CELL, "%s", names[row % 6]);
    else if (column == 1)
        snprintf(text, TABLE_CELL, "%zu", row * 7);
    else
        snprintf(text, TABLE_CELL, "text of row %zu that goes on and on", row);
    *style = column == 1 ? STYLE_ACCENT : STYLE_PLAIN;
}

static const struct table_column columns[] = {{.title = "name"},
                                              {.title = "n", .right = true, .marked = true},
                                              {.title = "text", .least = 6, .stretches = true}};

static struct table_source source_of(size_t rows) {
    return (struct table_source){
        .rows = rows, .columns = 3, .column = columns, .cell = cell, .empty = "no rows"};
}

static char *drawn(struct table *t, const struct table_source *s, int rows, int wide) {
    struct grid *g;
    struct error e = {0};
    setlocale(LC_ALL, "C.UTF-8");
    if (!grid_create(&g, rows, wide, &e))
        return mem_strdup(e.text, NULL);
    table_draw(t, g, grid_area(g), s, true);
    char *text = grid_dump(g, false, &e);
    grid_free(g);
    return text;
}

TEST(columns_align_and_long_text_is_cut) {
    struct table t = {0};
    struct table_source s = source_of(4);
    char *text = drawn(&t, &s, 5, 30);
    CHECK_TEXT(text, "name      n ▴  text\n"
                     "ada         0  text of row 0 …\n"
                     "影评很好    7  text of row 1 …\n"
                     "Grace      14  text of row 2 …\n"
                     "linus 😀   21  text of row 3 …\n");
    free(text);
}

TEST(the_selected_row_stays_in_sight) {
    struct table t = {0};
    struct table_source s = source_of(100);
    free(drawn(&t, &s, 6, 40));
    CHECK_SIZE(t.page, 5);
    CHECK(table_request(&t, REQUEST_LAST, &s));
    free(drawn(&t, &s, 6, 40));
    CHECK_SIZE(t.selected, 99);
    CHECK_SIZE(t.top, 95);
    CHECK(table_request(&t, REQUEST_PAGE_UP, &s));
    CHECK_SIZE(t.selected, 95);
    CHECK(table_request(&t, REQUEST_UP, &s));
    free(drawn(&t, &s, 6, 40));
    CHECK_SIZE(t.top, 94);
    CHECK(table_request(&t, REQUEST_PAGE_DOWN, &s));
    CHECK(table_request(&t, REQUEST_PAGE_DOWN, &s));
    CHECK(table_request(&t, REQUEST_PAGE_DOWN, &s));
    CHECK_SIZE(t.selected, 99);
    s.rows = 3; // rows went away
    free(drawn(&t, &s, 6, 40));
    CHECK_SIZE(t.selected, 2);
    CHECK_SIZE(t.top, 0);
    CHECK_SIZE(table_row_at(&t, &s, 1), 0);
    CHECK(table_row_at(&t, &s, 0) == SIZE_MAX && table_row_at(&t, &s, 4) == SIZE_MAX);
    CHECK(!table_request(&t, REQUEST_RUN_PAUSE, &s));
}

TEST(no_rows_say_so_and_no_size_is_an_error) {
    struct table t = {0};
    struct table_source s = source_of(0);
    char *text = drawn(&t, &s, 3, 20);
    CHECK_HAS(text, "no rows");
    free(text);
    CHECK(table_request(&t, REQUEST_DOWN, &s));
    CHECK_SIZE(t.selected, 0);
    s = source_of(9);
    for (int rows = 1; rows < 8; rows++)
        for (int wide = 1; wide < 50; wide++) {
            t.left = (size_t)wide % 4;
            free(drawn(&t, &s, rows, wide));
        }
}

TEST(search_goes_round_and_ignores_case) {
    struct table t = {0};
    struct table_source s = source_of(12);
    CHECK(table_search(&t, &s, "GRACE", true, true));
    CHECK_SIZE(t.selected, 2);
    CHECK(table_search(&t, &s, NULL, true, false));
    CHECK_SIZE(t.selected, 8);
    CHECK(table_search(&t, &s, NULL, true, false));
    CHECK_SIZE(t.selected, 2);
    CHECK(table_search(&t, &s, NULL, false, false));
    CHECK_SIZE(t.selected, 8);
    CHECK(table_search(&t, &s, "影评", false, false));
    CHECK_SIZE(t.selected, 7);
    CHECK(!table_search(&t, &s, "nobody", true, true));
    CHECK_SIZE(t.selected, 7);
}

TEST(columns_that_do_not_fit_are_reached_to_the_right) {
    struct table t = {0};
    struct table_source s = source_of(4);
    char *text = drawn(&t, &s, 5, 14);
    CHECK(t.more);
    CHECK(!strstr(text, "text"));
    free(text);
    CHECK(table_request(&t, REQUEST_RIGHT, &s));
    text = drawn(&t, &s, 5, 24);
    CHECK_HAS(text, "name      text");
    CHECK(!strstr(text, "21"));
    free(text);
    CHECK(table_request(&t, REQUEST_LEFT, &s));
    CHECK_SIZE(t.left, 0);
}

TEST(a_press_selects_the_row_under_it) {
    struct table t = {0};
    struct table_source s = source_of(100);
    t.selected = 50;
    free(drawn(&t, &s, 6, 40));
    table_press(&t, 0, 3); // the titles
    CHECK_SIZE(t.selected, 50);
    table_press(&t, 2, 3);
    CHECK_SIZE(t.selected, t.top + 1);
    size_t before = t.selected;
    table_press(&t, 2, 40);
    table_press(&t, 6, 3);
    CHECK_SIZE(t.selected, before);
}
