// SPDX-License-Identifier: GPL-3.0-or-later
// The doctor: what a run's measurements say about its health, in a student's words, with the key to try next.
//
// Every finding has a threshold in this file, so that it can be read, argued with and tested. The doctor
// looks at what was measured and at nothing else; it never changes the run. Pure functions, any thread.
#ifndef PROMPTER_VIEWS_DOCTOR_H
#define PROMPTER_VIEWS_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "tui/request.h"

// ---- thresholds ----
// Steps that are averaged: a batch is small, one step says little.
enum { DOCTOR_WINDOW = 10 };
// Steps before "flat" or "one class" are said: every run starts by guessing.
enum { DOCTOR_PATIENCE = 15 };
// Training loss within this of ln C (C classes) is guessing. 0.05 nats is about 2.5 % relative probability.
#define DOCTOR_FLAT 0.05
// Length of an update as a share of the prompt's: outside of this range a run crawls or jumps about.
#define DOCTOR_UPDATE_LEAST 1e-4
#define DOCTOR_UPDATE_MOST  0.3
// The same of all weights (fine-tuning): they learn a task with a share of 3e-5 and less a step.
#define DOCTOR_WEIGHTS_LEAST 1e-6
// Training loss below which nothing is left to learn: right answers have 95 % of the probability, so that
// small updates are no fault.
#define DOCTOR_LEARNT 0.05
// Median length of the soft vectors, in medians of the vocabulary's: farther off, the model meets inputs of a
// size that it has never seen. One step's work at a high rate reaches 3; 8 is no accident.
#define DOCTOR_SCALE_MOST  8.0
#define DOCTOR_SCALE_LEAST 0.02
// Overfitting: the batches are nearly all right, and dev has fallen this far below its best.
#define DOCTOR_TRAIN_HIGH 0.95
#define DOCTOR_DEV_FALL   0.08
// A gain on dev is one only when it is more than this, more than two examples, and more than one standard
// error of the difference between two shares of so many examples (0.08 for 64 examples at 25 %): the best of
// many scorings is easily a little better by chance.
#define DOCTOR_GAIN 0.04
// Two scores on the same dev examples are told apart when they differ by more than so many standard errors of
// the difference between two shares (1.96: one in twenty differs as much by chance).
#define DOCTOR_APART  1.96
#define DOCTOR_ERRORS 1.0

enum doctor_level { DOCTOR_BAD, DOCTOR_WARN, DOCTOR_GOOD, DOCTOR_NOTE };
struct diagnosis {
    enum doctor_level level;
    char text[256];      // one sentence or two, without a final full stop
    enum request remedy; // the key to try next, or REQUEST_NONE
};
struct doctor_input {
    const struct metric *history; // in order
    size_t count;
    size_t classes; // possible answers; 0: unknown
    const char *const *class_name;
    const char *const *label_word;       // the first of each class; NULL: unknown
    bool whole_vocabulary;               // the loss runs over the whole vocabulary: ln C means nothing then
    bool fine_tuning;                    // all weights learn, there is no prompt
    bool worded;                         // the template has words beside its soft vectors (a hybrid prompt)
    size_t dev_count;                    // examples behind dev_accuracy
    const struct evaluation *dev;        // the last evaluation in detail; NULL: unknown
    double vector_norm, vocabulary_norm; // medians; NaN: unknown
};
enum { DOCTOR_MOST = 4 };

// What was found so far, for whoever has findings to tell; more than DOCTOR_MOST are left out. `out` holds
// DOCTOR_MOST.
struct diagnoses {
    struct diagnosis *out;
    size_t count;
};
__attribute__((format(printf, 4, 5))) void doctor_say(struct diagnoses *d, enum doctor_level level,
                                                      enum request remedy, const char *format, ...);

// Findings, most urgent first; at least one once there is a history. Returns how many were written.
size_t doctor_look(const struct doctor_input *in, struct diagnosis out[DOCTOR_MOST]);

#endif
