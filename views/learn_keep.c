// SPDX-License-Identifier: GPL-3.0-or-later
// How far a reader is in the lessons, kept from one start to the next (sessions/lesson_progress.h): read when
// the screen comes to the front and a lesson is opened, written when a step is done and a lesson is left.
#include "learn_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/lesson_progress.h"

void learn_look(struct learn *l, const struct workbench *w) {
    const char *folder = workbench_state_folder(w);
    if (!l->path && folder)
        l->path = path_join(folder, "lessons.json", NULL);
    if (!l->left && !(l->left = mem_calloc(l->lessons + 1, sizeof *l->left, NULL)))
        return;
    if (l->path) // what cannot be read is told where it would be written over
        lesson_progress_places(l->path, l->lesson, l->lessons, l->left, NULL);
}

void learn_recall(struct learn *l) {
    const struct lesson *lesson = &l->lesson[l->chosen];
    struct lesson_trace *t = mem_calloc(lesson->steps, sizeof *t, NULL);
    bool begun = false;
    size_t step = 0;
    if (l->path && t && lesson_progress_read(l->path, lesson, t, &step, &begun, NULL))
        for (size_t i = 0; i < lesson->steps; i++) {
            struct learn_step *s = &l->state[i];
            s->done = t[i].done && lesson->step[i].press;
            s->guess = t[i].guess;
            t[i].guess = NULL;
            s->result.count = t[i].scores;
            s->result.examples = t[i].examples;
            memcpy(s->result.score, t[i].score, t[i].scores * sizeof t[i].score[0]);
        }
    if (begun && step + 1 < lesson->steps) // one that was read to the end begins again
        l->step = step;
    lesson_traces_free(t, lesson->steps);
}

bool learn_keep(struct learn *l, struct error *e) {
    const struct lesson *lesson = &l->lesson[l->chosen];
    if (!l->path || !l->reading)
        return true;
    struct lesson_trace *t = mem_calloc(lesson->steps, sizeof *t, e);
    bool anything = l->step > 0;
    for (size_t i = 0; t && i < lesson->steps; i++) {
        const struct learn_step *s = &l->state[i];
        t[i].done = s->done;
        t[i].guess = s->guess ? mem_strdup(s->guess, NULL) : NULL;
        t[i].scores = s->result.count;
        t[i].examples = s->result.examples;
        memcpy(t[i].score, s->result.score, s->result.count * sizeof t[i].score[0]);
        anything |= s->done || s->guess;
    }
    bool ok = t && (!anything || lesson_progress_write(l->path, lesson, t, l->step, e));
    if (ok && anything && l->left)
        l->left[l->chosen] = (struct lesson_place){l->step, true};
    lesson_traces_free(t, lesson->steps);
    return ok;
}
