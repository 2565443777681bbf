// SPDX-License-Identifier: GPL-3.0-or-later
// An LM run on a thread of its own, for someone who draws: what it does is looked at, never waited for.
//
// The run's thread writes into a log and a state under a lock that is held for copies only. Every function
// here but lm_live_free returns at once; they are called from one thread, the drawer's.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_LIVE_H
#define PROMPTER_ENGINE_PRETRAIN_LM_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/pretrain/lm_run.h"

enum lm_live_phase {
    LM_LIVE_OPENING, // note says what is being done
    LM_LIVE_TRAINING,
    LM_LIVE_STOPPED,  // kept; lm_live_start with `resume` goes on
    LM_LIVE_FINISHED, // the model is written
    LM_LIVE_FAILED,   // error
};

struct lm_live_state {
    enum lm_live_phase phase;
    struct lm_facts facts; // from TRAINING on
    size_t made, steps;
    double tokens_per_s, seconds_left;
    struct lm_validation validation; // the last one; step 0 and no targets: none yet
    size_t kept_step;                // of the last checkpoint; 0: none yet
    char note[128];
    struct error error;
};

enum lm_point_kind { LM_POINT_STEP, LM_POINT_VALIDATION };
struct lm_point {
    enum lm_point_kind kind;
    size_t step;
    float loss, accuracy;      // accuracy of validations, else NaN
    float rate, gradient_norm; // of steps, else NaN
    float tokens_per_s;
};
enum { LM_LIVE_POINTS = 1 << 14 }; // the log holds at most so many

struct lm_live;

// Starts the run. What `request` points to stays the caller's and must live until lm_live_free.
bool lm_live_start(struct lm_live **out, const struct lm_request *request, bool resume, struct error *e);
// Asks it to stop: within some milliseconds and the time that writing a checkpoint takes it is STOPPED.
void lm_live_stop(struct lm_live *live);
// Stops, waits for the end, frees. NULL is fine.
void lm_live_free(struct lm_live *live);

// Readable when there is something new; acknowledge, then look.
int lm_live_fd(const struct lm_live *live);
void lm_live_acknowledge(struct lm_live *live);
void lm_live_look(struct lm_live *live, struct lm_live_state *out);
// Copies points [from, from + most) of the log; returns how many. A log that is full loses every second of
// its steps (validations stay while they are fewer than half): *epoch (may be NULL) then is another number,
// and the log is to be read again from 0.
size_t lm_live_points(struct lm_live *live, size_t from, struct lm_point *out, size_t most, size_t *epoch);

#endif
