// SPDX-License-Identifier: GPL-3.0-or-later
// Runs of one setting with several seeds, one after the other: which are done, and what they scored. Each is
// a run of the session like any other (kept/ has it once the next one begins); this is the list of them, in
// series.json, so that a series goes on after the program was closed.
#ifndef PROMPTER_SESSIONS_SERIES_H
#define PROMPTER_SESSIONS_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/tune/run.h"

enum { SERIES_MOST = 32 };

struct series_point { // dev at a step
    size_t step;
    float loss, accuracy;
};
struct series_run {
    uint64_t seed;
    size_t best_step;
    float best_accuracy, best_loss, last_accuracy; // on dev; NaN: never scored
    struct series_point *point;                    // [points] ascending; owned
    size_t points, capacity;
};
struct series {
    struct series_run run[SERIES_MOST];
    size_t count, done; // done: the first so many are finished; run[done] is the present one
    size_t dev_count;   // examples behind each score
};

// "1-5", "3,1,4", "1-3,10": distinct seeds in order, at least two. An error says what is wrong.
bool series_parse(struct series **out, const char *text, struct error *e);
void series_free(struct series *s); // NULL is fine
// Takes the dev scores of the present run out of its history; it is done then.
bool series_finish_run(struct series *s, const struct metric *history, size_t count, struct error *e);

// Of the finished runs: mean and sample standard deviation (n - 1; NaN for a single one). Returns n.
size_t series_best(const struct series *s, double *mean,
                   double *deviation); // of each run's best dev accuracy
size_t series_last(const struct series *s, double *mean, double *deviation); // of its last
// The same step by step: at every step at which all finished runs that got there were scored. Writes at most
// `most` columns into the arrays (each may be NULL): step, mean, mean - deviation, mean + deviation of
// accuracy. Returns how many there are.
size_t series_band(const struct series *s, float *step, float *mean, float *low, float *high, size_t most);

// series.json in a session's folder. Reading an absent file gives NULL and true. Removing is writing NULL.
bool series_write(const struct series *s, const char *folder, struct error *e);
bool series_read(struct series **out, const char *folder, struct error *e);

#endif
