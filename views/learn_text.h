// SPDX-License-Identifier: GPL-3.0-or-later
// A step of a lesson as lines on the screen: wrapped, with its emphasis; for learn_view.c.
#ifndef PROMPTER_VIEWS_LEARN_TEXT_H
#define PROMPTER_VIEWS_LEARN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/lesson.h"
#include "tui/grid.h"

struct learn_progress {
    bool answers; // are shown
    bool done;    // what Enter does was done
    bool reached; // the goal
};
// Draws the lines from `top` on and returns how many there are in all. With rows 0 it only counts.
int learn_text_draw(struct grid *g, struct area a, int top, const struct lesson_step *s,
                    const struct learn_progress *p);

#endif
