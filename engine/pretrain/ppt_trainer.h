// SPDX-License-Identifier: GPL-3.0-or-later
// Pre-training a soft prompt on a stream of examples that plain text gives (ppt_examples.h), the model
// frozen: step by step, with validation, the prompt of the lowest validation loss kept, and a state that can
// be kept and resumed to the bit.
//
// Settings are those of a tuning run (engine/tune/settings.h: loss, optimizer, rate, schedule, batch, start,
// budget, seed, evaluate_every); what belongs to a few-shot split in them has no meaning here. The loss is
// that of engine/tune/objective.h, in micro-batches: their gradients are averaged, so that memory is that of
// one.
//
// A trainer belongs to one thread; all it is given is borrowed and must outlive it. The same settings, text
// and seed give the same prompt for any number of threads.
#ifndef PROMPTER_ENGINE_PRETRAIN_PPT_TRAINER_H
#define PROMPTER_ENGINE_PRETRAIN_PPT_TRAINER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/data/corpus.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"
#include "engine/pretrain/ppt_examples.h"
#include "engine/pretrain/ppt_labels.h"
#include "engine/tune/evaluation.h"
#include "engine/tune/optimizer.h"
#include "engine/tune/settings.h"

struct ppt_settings {
    enum ppt_task task;
    struct run_settings run;
    size_t micro_batch; // examples at once; 0: all of run.batch
    // Most examples held back, from parts of the text of their own, each of whose sentences is asked about
    // once: a small text gives fewer. Without any for validation there is no trainer.
    size_t validation, test;
    char template_text[1024]; // "": the family's
    char label_words[512];    // "": the family's
    size_t vectors;           // soft vectors of the family's pattern
    bool official;            // the pattern of the paper's code
};
// clean: loss over the label words, the paper's patterns. official: preset paper-code, with the rates of the
// official code (lr 0.1 / sqrt(t + 1), batch 64) in the ordinary embedding scale, a hundred times as large.
struct ppt_settings ppt_settings_default(enum ppt_task task, bool official);

struct ppt_parts { // borrowed
    struct model *model;
    const struct tokenizer *tokenizer;
    const struct corpus *corpus;     // nsp, nss, unified
    const struct ppt_labels *labels; // cls
    struct thread_pool *pool;        // may be NULL
    const float *start_vectors;      // [start_count, d_model] for START_FILE
    size_t start_count;
};

struct ppt_step {
    size_t step;           // from 1
    double loss, accuracy; // of its examples, before the update
    double rate, gradient_norm, update_norm, prompt_norm;
    size_t examples, positions; // encoder rows
    uint64_t epoch;
    double seconds;
};
struct ppt_score { // of held-back examples
    struct evaluation all;
    double class_loss[TASK_MOST_OPTIONS];                                     // NaN where there is none
    size_t with_options[TASK_MOST_OPTIONS + 1], right[TASK_MOST_OPTIONS + 1]; // by number of options
    double options_loss[TASK_MOST_OPTIONS + 1];                               // likewise; NaN
    double seconds;
};
struct ppt_validation {
    size_t step; // steps made before it
    bool best;   // lowest loss so far
    struct ppt_score score;
};

struct ppt_trainer;
bool ppt_trainer_create(struct ppt_trainer **out, const struct ppt_parts *parts, const struct ppt_settings *s,
                        struct error *e);
void ppt_trainer_free(struct ppt_trainer *t);

const struct ppt_settings *ppt_trainer_settings(const struct ppt_trainer *t);
const char *ppt_trainer_template(const struct ppt_trainer *t);
const struct verbalizer *ppt_trainer_words(const struct ppt_trainer *t);
size_t ppt_trainer_steps(const struct ppt_trainer *t); // made so far
bool ppt_trainer_done(const struct ppt_trainer *t);
bool ppt_trainer_validation_due(const struct ppt_trainer *t);
size_t ppt_trainer_held_back(const struct ppt_trainer *t);     // examples for validation
size_t ppt_trainer_test_examples(const struct ppt_trainer *t); // may be 0
size_t ppt_trainer_vectors(const struct ppt_trainer *t);
size_t ppt_trainer_width(const struct ppt_trainer *t);        // d_model
size_t ppt_trainer_bytes(const struct ppt_trainer *t);        // work space
const float *ppt_trainer_prompt(const struct ppt_trainer *t); // [vectors, d_model], the present one
// The one of the lowest validation loss; NULL before the first validation.
const float *ppt_trainer_best(const struct ppt_trainer *t, double *loss, size_t *step);
void ppt_trainer_set_steps(struct ppt_trainer *t, size_t steps);
// From the next step on, and in every checkpoint after it.
void ppt_trainer_scale_rate(struct ppt_trainer *t, double factor);

// One update. `cancel` (may be NULL) ends it within some milliseconds; the trainer is then as before the step
// (ERROR_CANCELLED). A loss or gradient that is not finite is refused and changes nothing.
bool ppt_trainer_step(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_step *out,
                      struct error *e);
// Scores the held-back validation examples with the present prompt, and keeps it if it is the best.
bool ppt_trainer_validate(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_validation *out,
                          struct error *e);
// Scores the test examples with the best prompt.
bool ppt_trainer_test(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_score *out,
                      struct error *e);

// ---- what a checkpoint keeps (ppt_checkpoint.h) ----
struct ppt_counters {
    struct ppt_place place;
    uint64_t step, optimizer_step, validated,
        best_step; // validated: the step validated last, UINT64_MAX: none
    double best_loss;
    bool has_best;
};
struct ppt_counters ppt_trainer_counters(const struct ppt_trainer *t);
bool ppt_trainer_set_counters(struct ppt_trainer *t, const struct ppt_counters *c, struct error *e);
// Arrays [vectors, d_model] that may be read and written: "prompt", "start", "best"; and the optimizer's.
float *ppt_trainer_array(struct ppt_trainer *t, const char *name);
struct optimizer *ppt_trainer_optimizer(struct ppt_trainer *t);

#endif
