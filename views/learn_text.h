// SPDX-License-Identifier: GPL-3.0-or-later
// A step of a lesson as lines on the screen: wrapped, with its emphasis; for learn_view.c.
#ifndef PROMPTER_VIEWS_LEARN_TEXT_H
#define PROMPTER_VIEWS_LEARN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/lesson.h"
#include "tui/grid.h"

// What a step's tests scored, one for each seed.
enum { LEARN_MOST_SCORES = 32 };
struct learn_result {
    double score[LEARN_MOST_SCORES]; // accuracies
    size_t count, examples;          // examples behind each score
};

struct learn_progress {
    bool answers;                      // are shown
    bool done;                         // what Enter does was done
    bool reached;                      // the goal
    const char *guess;                 // of the reader; NULL: none yet
    const char *doing;                 // what is on its way; "" nothing
    const struct learn_result *result; // of the step
    // For tables: the result of a step of the lesson by its number; NULL: it has none, and no place in it.
    const struct lesson *lesson;
    const struct learn_result *(*result_of)(const void *context, size_t step);
    const void *context;
};
// Draws the lines from `top` on and returns how many there are in all. With rows 0 it only counts.
int learn_text_draw(struct grid *g, struct area a, int top, const struct lesson_step *s,
                    const struct learn_progress *p);

#endif
