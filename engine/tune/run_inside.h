// SPDX-License-Identifier: GPL-3.0-or-later
// The inside of a run, for the files that make it up: run.c (creating, steps, scoring, keeping), run_edit.c
// (what a person changes by hand), run_look.c (what an update did, what a run costs) and run_weights.c (what
// is otherwise where all weights learn). Nobody else includes this.
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
    float *before;                           // the same: the prompt before a reported step
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
    bool fine;           // all weights learn: no slots, no prompts, no edits
    float *best_weights; // fine: [weight_count]
    size_t weight_count, weights_version;
    float *held; // [1 + optimizer arrays, slots, d_model] the prompt and the state before a step, for what is
                 // frozen
};

// ---- run.c, for run_look.c ----
// Forward and backward on the batch that comes next, without an update; and one batch of dev, of *examples.
bool run_try_batch(struct run *r, const atomic_bool *cancel, struct error *e);
bool run_try_scoring(struct run *r, size_t *examples, const atomic_bool *cancel, struct error *e);
// Loss and accuracy of the batch that the last step was made with, with the prompt as it is now.
bool run_rescore_batch(struct run *r, const atomic_bool *cancel, float *loss, float *accuracy);

// ---- run_weights.c ----
// The model becomes trainable, and there is room for the best weights.
bool run_weights_create(struct run *r, struct error *e);
bool run_weights_optimizer(struct run *r, const struct optimizer_settings *options, struct error *e);
// All weights one behind the other [weight_count]: out of the model, and into it.
void run_weights_read(const struct run *r, float *out);
void run_weights_write(struct run *r, const float *all);
// With the best weights in the model until run_weights_put_back, which takes what this gave; *held stays NULL
// where the present ones are to be used.
bool run_weights_use_best(struct run *r, float **held, struct error *e);
void run_weights_put_back(struct run *r, float *held);
bool run_weights_save(const struct run *r, struct run_checkpoint *out, struct error *e);
bool run_weights_restore(struct run *r, const struct run_checkpoint *c, struct error *e);

// ---- run.c, for run_weights.c ----
bool run_add_array(struct run_checkpoint *c, const char *name, size_t rows, size_t columns,
                   const float *value, struct error *e);
// Copies the array of that name into `to`; that it is absent or of another shape is an error.
bool run_take_array(const struct run_checkpoint *c, const char *name, size_t rows, size_t columns, float *to,
                    struct error *e);

// ---- run_edit.c ----
// What is frozen stays through an update: held before it, put back behind it, and taken out of what the
// update is said to have done.
void run_hold_frozen(struct run *r);
void run_put_frozen_back(struct run *r, struct optimizer_report *report);

#endif
