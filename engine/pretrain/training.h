// SPDX-License-Identifier: GPL-3.0-or-later
// A long training on a thread of its own, in the hands of somebody at a screen: paused, stepped, stopped,
// gone on with, its rate changed, and looked at without ever waiting for it.
//
// What is trained is the work's business (a language model, a soft prompt): it says after every step how far
// it is, waits there while it is paused, and ends soon when its flag is set, everything kept. Curves are not
// here: the work writes them to the log of its run (sessions/training_log.h).
#ifndef PROMPTER_ENGINE_PRETRAIN_TRAINING_H
#define PROMPTER_ENGINE_PRETRAIN_TRAINING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum training_phase {
    TRAINING_OPENING, // before the first step; note says what is being done
    TRAINING_GOING,
    TRAINING_PAUSED,
    TRAINING_STOPPED,  // everything is kept; it can go on
    TRAINING_FINISHED, // for good
    TRAINING_FAILED,   // for good; error
};
struct training_state {
    enum training_phase phase;
    bool asked;          // to pause or to stop, and not there yet
    size_t made, steps;  // so far; in all
    double rate;         // of the last step; NaN before it
    double speed;        // tokens or examples a second, as the work counts; 0 before the first step
    double seconds_left; // at the pace of this call, pauses left out; NaN: not known yet
    char note[160];
    struct error error;
};

struct training;

// ---- the drawer's side: one thread; all but training_end and training_free return at once ----

// On the training's thread: true when all is done, false with ERROR_CANCELLED when the flag was set and what
// there is was kept. After that it is called again when the training is to go on.
typedef bool training_work(void *context, struct training *t, struct error *e);

// `context` is borrowed until training_free.
bool training_start(struct training **out, training_work *work, void *context, struct error *e);
// Stops it and waits until it has ended, whatever keeps it; how it then was.
void training_end(struct training *t, struct training_state *out);
void training_free(struct training *t); // ends it; NULL is fine
void training_look(struct training *t, struct training_state *out);
void training_pause(struct training *t);
void training_go(struct training *t);   // from a pause or a stop
void training_step(struct training *t); // one step, then a pause
void training_stop(struct training *t);
void training_scale_rate(struct training *t, double factor); // from the next step on

// ---- the work's side: the training's thread ----

const atomic_bool *training_cancel(const struct training *t);
// What is being done before the first step, or after the last.
void training_note(struct training *t, const char *text);
// After every step. Waits while there is a pause, until it ends or the flag is set. Returns what the rate is
// to be multiplied by from now on: 1 unless it was changed.
double training_stepped(struct training *t, size_t made, size_t steps, double rate, double speed);

#endif
