// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a run, for the files that make it up: run.c (creating, steps, scoring, keeping) and
// run_edit.c (what a person changes by hand). Nobody else includes this.
#ifndef PROMPTER_ENGINE_TUNE_RUN_INSIDE_H
#define PROMPTER_ENGINE_TUNE_RUN_INSIDE_H

#include "engine/tune/edits.h"
#include "engine/tune/inputs.h"
#include "engine/tune/objective.h"
#include "engine/tune/optimizer.h"
#include "engine/tune/run.h"

struct run {
    struct run_inputs in;
    struct run_settings settings;
    struct pattern pattern;
    struct render_options render;
    struct input_set train, dev, scored; // `scored`: whatever run_score is given, part by part
    struct t5_pass *pass;
    struct input_batch batch;
    struct objective objective;
    struct optimizer *optimizer;
    float *prompt, *start, *best, *gradient; // [slots, d_model] each
    size_t *order;                           // [train.count] of the present epoch
    size_t *picked;                          // [batch]
    size_t count;                            // slots * d_model
    size_t batch_size, step, epoch, position;
    size_t scored_step;    // SIZE_MAX: none
    double rate;           // before the schedule
    bool training_planned; // the pass is planned for steps
    bool has_best;
    struct metric best_metric;
    struct snapshot_set *snapshots;
    size_t snapshot_serial; // of the newest
    struct edit_stack edits;
    float *held; // [1 + optimizer arrays, slots, d_model] the prompt and the state before a step, for what is
                 // frozen
};

// ---- run_edit.c ----
// What is frozen stays through an update: held before it, put back behind it, and taken out of what the
// update is said to have done.
void run_hold_frozen(struct run *r);
void run_put_frozen_back(struct run *r, struct optimizer_report *report);

#endif
