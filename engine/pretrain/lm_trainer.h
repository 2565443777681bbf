// SPDX-License-Identifier: GPL-3.0-or-later
// Training all weights of a T5 on a stream of text: step by step, with validation, and a state that can be
// kept and resumed to the bit.
//
// One step: `accumulate` batches of the stream; loss = mean cross entropy (natural log, over the whole
// vocabulary) of all their target tokens together; the gradient clipped to `clip`; AdamW or Adafactor with
// the scheduled rate, times embedding_rate for embedding and head tables that are one with it, times
// bias_rate for the position biases; weight decay for matrices only (not for norms, biases, embeddings). The
// same settings, corpus and seed give the same weights for any number of threads.
//
// A trainer belongs to one thread; all it is given is borrowed and must outlive it.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_TRAINER_H
#define PROMPTER_ENGINE_PRETRAIN_LM_TRAINER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/data/corpus.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"
#include "engine/pretrain/lm_settings.h"
#include "engine/pretrain/lm_stream.h"
#include "engine/tune/optimizer.h"

struct lm_parts {        // borrowed
    struct model *model; // becomes trainable
    const struct tokenizer *tokenizer;
    const struct corpus *corpus;
    struct thread_pool *pool; // may be NULL
};

struct lm_step { // what one step did
    size_t step; // of it, from 1
    double loss; // mean over its target tokens, before the update
    double rate, gradient_norm, update_norm;
    size_t tokens, targets; // encoder and decoder rows; target tokens
    size_t examples;
    uint64_t epoch; // of the corpus, from 0
    double seconds;
    double gflop; // of its matrix products
};

struct lm_validation {
    size_t step;     // steps made before it
    double loss;     // mean over all target tokens
    double accuracy; // share of target tokens whose likeliest id is right
    size_t targets, examples;
    double kind_loss[LM_KINDS]; // by objective; NaN where there is none
    double seconds;
};

struct lm_trainer;

bool lm_trainer_create(struct lm_trainer **out, const struct lm_parts *parts, const struct lm_settings *s,
                       struct error *e);
void lm_trainer_free(struct lm_trainer *t);

size_t lm_trainer_steps(const struct lm_trainer *t);               // made so far
bool lm_trainer_done(const struct lm_trainer *t);                  // all of settings.steps
size_t lm_trainer_validation_examples(const struct lm_trainer *t); // 0: nothing is held back
struct corpus_counts lm_trainer_counts(const struct lm_trainer *t);
const struct lm_settings *lm_trainer_settings(const struct lm_trainer *t);
// From the next step on; kept in the checkpoint. Between steps only; at most LM_MOST_RATE.
void lm_trainer_scale_rate(struct lm_trainer *t, double factor);

// One step. `cancel` (may be NULL) ends it within some milliseconds; the trainer is then as before the step
// (ERROR_CANCELLED). A loss or gradient that is not finite is refused and changes no weight.
bool lm_trainer_step(struct lm_trainer *t, const atomic_bool *cancel, struct lm_step *out, struct error *e);
// The held-back documents, always the same examples. Changes nothing.
bool lm_trainer_validate(struct lm_trainer *t, const atomic_bool *cancel, struct lm_validation *out,
                         struct error *e);

// ---- what a checkpoint keeps (lm_checkpoint.h) ----
struct lm_place lm_trainer_place(const struct lm_trainer *t);
bool lm_trainer_seek(struct lm_trainer *t, struct lm_place place, size_t steps, struct error *e);
struct optimizer *lm_trainer_optimizer(struct lm_trainer *t); // borrowed
struct model *lm_trainer_model(struct lm_trainer *t);

#endif
