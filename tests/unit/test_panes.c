// SPDX-License-Identifier: GPL-3.0-or-later
// Panes: areas cover the whole without overlap at every size, borders move and stay within limits, sizes read
// back as printed.
#include "views/panes.h"

#include <stdlib.h>

#include "check.h"

static const struct pane_split SPLITS[] = {
    {PANE_ROWS, 0.6, 5, 3, PANE_SPLIT(1), PANE_SPLIT(2)},
    {PANE_COLUMNS, 0.5, 20, 20, 0, 1},
    {PANE_COLUMNS, 0.3, 10, 10, 2, 3},
};
static const struct pane_spec SPEC = {"four", SPLITS, 3, 4, 1};
static const struct pane_spec SINGLE = {"one", NULL, 0, 1, 0};
static const struct area WHOLE = {2, 0, 20, 80};

TEST(panes_cover_the_area_at_every_size) {
    for (int rows = 0; rows <= 40; rows++)
        for (int columns = 0; columns <= 120; columns++) {
            struct panes p = {.share[1] = {0, 0.9, 0.01}};
            struct area a = {3, 5, rows, columns}, out[PANES_MOST];
            int cells = 0;
            panes_layout(&p, &SPEC, a, out);
            for (int i = 0; i < 4; i++) {
                CHECK(out[i].rows >= 0 && out[i].columns >= 0);
                CHECK(out[i].row >= a.row && out[i].row + out[i].rows <= a.row + rows);
                CHECK(out[i].column >= a.column && out[i].column + out[i].columns <= a.column + columns);
                cells += out[i].rows * out[i].columns;
            }
            CHECK_SIZE(cells, rows * columns);
        }
}

TEST(least_sizes_hold_where_there_is_room) {
    struct panes p = {.share[1] = {0.99, 0.99, 0.01}};
    struct area out[PANES_MOST];
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[0].rows, 17);
    CHECK_SIZE(out[2].rows, 3);
    CHECK_SIZE(out[1].columns, 20);
    CHECK_SIZE(out[2].columns, 10);
}

TEST(focus_and_zoom) {
    struct panes p = {0};
    struct area out[PANES_MOST];
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_FOCUS_PREVIOUS, NULL));
    CHECK_SIZE(p.focus, 3);
    CHECK(!panes_request(&p, &SPEC, WHOLE, REQUEST_BACK, NULL));
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_ZOOM, NULL));
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK(memcmp(&out[3], &WHOLE, sizeof WHOLE) == 0);
    CHECK(!panes_shown(out[0]));
    CHECK(!panes_request(&p, &SPEC, WHOLE, REQUEST_WIDER, NULL)); // nothing to move
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_BACK, NULL));
    CHECK(!p.zoomed);
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_FOCUS_NEXT, NULL));
    CHECK_SIZE(p.focus, 0);
    CHECK(!panes_request(&p, &SPEC, WHOLE, REQUEST_RUN_PAUSE, NULL));
}

TEST(borders_move_by_one_cell_and_stop) {
    struct panes p = {.focus = 1};
    struct area out[PANES_MOST];
    bool resized = false;
    panes_layout(&p, &SPEC, WHOLE, out);
    int before = out[1].columns, presses = 0;
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_WIDER, &resized) && resized);
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[1].columns, before + 1);
    CHECK_SIZE(out[2].columns + out[3].columns, 80); // the other row is as it was
    while (panes_request(&p, &SPEC, WHOLE, REQUEST_WIDER, NULL))
        CHECK(++presses < 80);
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[0].columns, 20);
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_NARROWER, NULL)); // no presses are saved up
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[0].columns, 21);
    p.focus = 2;
    before = out[2].rows;
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_TALLER, NULL));
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[2].rows, before + 1);
    CHECK(panes_request(&p, &SPEC, WHOLE, REQUEST_PANE_SIZES, &resized));
    panes_layout(&p, &SPEC, WHOLE, out);
    CHECK_SIZE(out[2].rows, 8);
    CHECK_SIZE(out[0].columns, 40);
}

TEST(the_pane_at_a_cell) {
    struct panes p = {0};
    CHECK(panes_at(&p, &SPEC, WHOLE, 2, 0) == 0);
    CHECK(panes_at(&p, &SPEC, WHOLE, 2, 40) == 1);
    CHECK(panes_at(&p, &SPEC, WHOLE, 21, 79) == 3);
    CHECK(panes_at(&p, &SPEC, WHOLE, 1, 0) == -1);
    CHECK(panes_at(&p, &SPEC, WHOLE, 22, 0) == -1);
    CHECK(panes_at(&p, &SINGLE, WHOLE, 5, 5) == 0);
}

TEST(sizes_read_back) {
    struct panes p = {.share[1] = {0.25, 0, 0.5}}, again = {0};
    struct buffer b = {0};
    panes_read(&p, &SPEC, "fourth 0.1 0.1 0.1\nfour 0.9 nan 0.2\nfour 0.9\nfour 0.9 0.1 0.2 0.3\nfour 2 0 0");
    panes_print(&p, &b);
    CHECK_TEXT(b.data, "four 0.2500 0.0000 0.5000\n");
    buffer_add_text(&b, "four 0.1 0.2 0.3 \r\n");
    panes_read(&again, &SPEC, b.data);
    CHECK_NEAR(again.share[1][1], 0.2, 1e-9); // the last line of a name counts
    panes_read(&again, &SPEC, "four 0.7 0.7 0.7\n");
    CHECK_NEAR(again.share[1][1], 0.2, 1e-9); // read once
    buffer_free(&b);
}
