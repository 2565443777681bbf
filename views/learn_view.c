// SPDX-License-Identifier: GPL-3.0-or-later
// The Learn screen.
#include "views/views.h"

static void draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    (void)state;
    (void)w;
    (void)now;
    grid_put_wrapped(g, grid_frame(g, a, true, "learn", NULL), 0, STYLE_DIM, "Nothing to see here yet.");
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request list[] = {REQUEST_HELP, REQUEST_QUIT, REQUEST_NONE};
    (void)state;
    (void)w;
    return list;
}

const struct view view_learn = {
    .name = "Learn",
    .screen = REQUEST_SCREEN_LEARN,
    .where = WHERE_LEARN,
    .purpose = "lessons that run here, with questions",
    .draw = draw,
    .hints = hints,
};
