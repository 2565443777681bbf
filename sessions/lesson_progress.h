// SPDX-License-Identifier: GPL-3.0-or-later
// How far a reader is in the lessons, from one start to the next: one JSON file for all of them, readable and
// safe to delete (the runs themselves are in the lessons' sessions).
//
//   {"version": 1, "lessons": {"1-soft-prompt": {"step": 3, "steps": {"Tune it": {"done": true,
//    "guess": "60", "scores": [0.91], "examples": 1000}}}}}
//
// Steps go by their titles: what is told of a step that a lesson no longer has is left out. Other lessons and
// unknown members stay as they are; a file of a later version is neither read nor written over.
#ifndef PROMPTER_SESSIONS_LESSON_PROGRESS_H
#define PROMPTER_SESSIONS_LESSON_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "sessions/lesson.h"

enum { LESSON_MOST_SCORES = 32 };
struct lesson_trace { // of one step
    bool done;
    char *guess;                      // owned; NULL: none
    double score[LESSON_MOST_SCORES]; // what its tests scored, one for each seed
    size_t scores, examples;          // examples behind each score
};
struct lesson_place { // where a lesson was left
    size_t step;      // from 0
    bool begun;
};
// Of all lessons, with one reading of the file; what cannot be read leaves the places as they are.
bool lesson_progress_places(const char *path, const struct lesson *all, size_t count,
                            struct lesson_place *place, struct error *e);
// Into trace [steps of the lesson], zero-initialised, and *step (from 0). Nothing kept yet, or no file: all
// as it was, and *begun is false.
bool lesson_progress_read(const char *path, const struct lesson *l, struct lesson_trace *trace, size_t *step,
                          bool *begun, struct error *e);
bool lesson_progress_write(const char *path, const struct lesson *l, const struct lesson_trace *trace,
                           size_t step, struct error *e);
void lesson_traces_free(struct lesson_trace *trace, size_t steps); // takes NULL

#endif
