// SPDX-License-Identifier: GPL-3.0-or-later
// What everything that learns through a pattern does alike with its settings and batches: a run of a prompt
// or of all weights (run.h), and the pre-training of a prompt (engine/pretrain/ppt_trainer.h).
#ifndef PROMPTER_ENGINE_TUNE_PLAN_H
#define PROMPTER_ENGINE_TUNE_PLAN_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/t5.h"
#include "engine/model/tokenizer.h"
#include "engine/tune/inputs.h"
#include "engine/tune/objective.h"
#include "engine/tune/optimizer.h"
#include "engine/tune/settings.h"

// All borrowed.
struct plan_parts {
    const struct model *model;
    const struct tokenizer *tokenizer;
    const struct verbalizer *verbalizer; // bound
    enum run_loss loss;
    size_t slots; // soft vectors
    struct input_batch *batch;
    struct objective *objective;
    struct t5_pass *pass;
};
// Room for batches of `examples` members of a set. The pass works in one block of memory for training and
// scoring, so it is planned anew when the kind of work changes; once there was room for the largest, that
// allocates nothing.
bool plan_batches(const struct plan_parts *p, enum t5_mode mode, const struct input_set *set, size_t examples,
                  struct error *e);

// The optimizer that the settings ask for. all_weights: Adafactor keeps rows and columns alone; for a prompt,
// which is small, every element (T5X too factors only from 128 rows on).
struct optimizer_settings plan_optimizer(const struct run_settings *s, bool all_weights);
// The learning rate of the step after `step` updates, by the schedule; `rate`: before it.
double plan_rate(const struct run_settings *s, double rate, size_t step);

#endif
