// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of the Learn screen: what learn_view.c (screen, keys), learn_do.c (doing what a step says) and
// learn_keep.c (how far a reader is) share.
#ifndef PROMPTER_VIEWS_LEARN_INSIDE_H
#define PROMPTER_VIEWS_LEARN_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/lesson.h"
#include "sessions/lesson_progress.h"
#include "views/workbench.h"

#include "learn_text.h"
#include "panes.h"

// What a reader did in a step.
struct learn_step {
    bool done, answers;
    char *guess; // owned; NULL: not given
    struct learn_result result;
};

enum { LEARN_END = 1 << 20 };
struct learn {
    struct lesson *lesson; // [lessons]; those that cannot be read are told and left out
    size_t lessons, chosen;
    char *problem; // what could not be read; NULL: nothing
    bool reading;  // a lesson, not the list
    bool here;     // the session of the present step is open: its screen stands beside the text
    size_t step;
    struct learn_step *state;  // [steps] of the lesson that is read
    char *path;                // where progress is kept; NULL: it is not; owned
    struct lesson_place *left; // [lessons]; NULL before the first look; owned
    struct panes panes;
    int top, last_top; // scrolling (LEARN_END: to the end); where it ends, from the last drawing
    // Lines on their way.
    bool busy, opening;
    size_t doing_step, doing;        // the next line of that step (learn_do.c counts them)
    enum request last;               // what the line before asked for
    bool sent;                       // and the engine has to answer it
    struct workbench_answers before; // what had been answered then
    double quiet_from;               // since when nothing has been going on; 0: something is
    double look_at;                  // when to see whether it has come to rest; 0: with the next news
    char *session;                   // that the step on its way works in
};

// Does what the present step says, or goes on with it where its run was paused.
void learn_begin(struct learn *l, struct workbench *w, double now);
// The next line, once the one before has come to rest.
void learn_go_on(struct learn *l, struct workbench *w, double now);
// Its run was paused: it goes on with that.
bool learn_waits_paused(const struct learn *l, const struct workbench *w);
// "seed 1 of 3: run", or "" where nothing is on its way.
enum { LEARN_DOING = 40 };
void learn_say_doing(const struct learn *l, const struct workbench *w, char out[LEARN_DOING]);
// Reads how far the reader is in every lesson, for the list.
void learn_look(struct learn *l, const struct workbench *w);
// What was done in the lesson that is opened, and the step where it was left.
void learn_recall(struct learn *l);
// Writes it; a lesson in which nothing was done leaves nothing.
bool learn_keep(struct learn *l, struct error *e);

// A session of the lesson is the one that is open.
bool learn_is_here(const struct learn *l, const struct workbench *w);

#endif
