// SPDX-License-Identifier: GPL-3.0-or-later
// Fine-tuning: all weights of the model learn from the few-shot examples through the pattern, without a soft
// prompt; dev is scored as in a run, and the weights of the best dev score are kept.
//
// The model becomes trainable: it holds its weights in F32 from then on, and is another model afterwards.
// Memory: weights, gradients, the optimizer's state, and a copy of the best weights, all F32.
#ifndef PROMPTER_ENGINE_TUNE_FINE_TUNE_H
#define PROMPTER_ENGINE_TUNE_FINE_TUNE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "engine/tune/run.h"

struct fine_tune;
// Of the inputs the template has no soft part, and start_vectors are not used. Of the settings those of the
// prompt's start have no meaning.
bool fine_tune_create(struct fine_tune **out, const struct run_inputs *inputs, const struct run_settings *s,
                      struct error *e);
void fine_tune_free(struct fine_tune *f);
// As run_step, run_evaluate: metrics have the same members.
bool fine_tune_step(struct fine_tune *f, const atomic_bool *cancel, struct metric *out, struct error *e);
bool fine_tune_evaluate(struct fine_tune *f, const atomic_bool *cancel, struct metric *out,
                        struct evaluation *detail, struct error *e);
bool fine_tune_finished(const struct fine_tune *f);
bool fine_tune_evaluation_due(const struct fine_tune *f);
// Scores examples with the best weights (the present ones if none is best); the present ones are there
// afterwards.
bool fine_tune_score(struct fine_tune *f, const struct example *const *examples, size_t count,
                     const atomic_bool *cancel, struct evaluation *out, struct error *e);
bool fine_tune_best(const struct fine_tune *f, struct metric *at); // false: nothing was scored yet

#endif
