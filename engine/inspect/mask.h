// SPDX-License-Identifier: GPL-3.0-or-later
// What the model says at the mask: for any pattern, prompt and examples, not only those of a run.
//
// The decoder's states at its two rows are all that scores, losses and likely words depend on. They are kept,
// so that other label words are scored without another pass through encoder and decoder. Results do not
// depend on how examples are batched, to the bit (engine/model/t5.h).
//
// A bench belongs to one thread; its memory grows with the largest batch and is reused.
#ifndef PROMPTER_ENGINE_INSPECT_MASK_H
#define PROMPTER_ENGINE_INSPECT_MASK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/model/model.h"
#include "engine/pvp/render.h"
#include "engine/pvp/verbalizer.h"
#include "engine/tune/evaluation.h"
#include "engine/tune/inputs.h"
#include "engine/tune/settings.h"

struct mask_bench;
// Model and pool (may be NULL) are borrowed. sentinel: the id of <extra_id_0>.
bool mask_bench_create(struct mask_bench **out, struct model *model, struct thread_pool *pool,
                       int32_t sentinel, bool openblas, struct error *e);
void mask_bench_free(struct mask_bench *b);

// How many inputs of at most `longest` positions are scored together: what one slice of a study takes.
size_t mask_batch(size_t longest);

// Renders and runs examples[0..count) through a pattern with a prompt, soft [pattern slots, d_model] (NULL
// where the pattern has no slot): states [count, DECODER_ROWS, d_model], after the decoder's final norm and
// output scaling: row 0 predicts the sentinel, row 1 the word at the mask. All in one batch: count should be
// at most mask_batch of the longest.
bool mask_states(struct mask_bench *b, const struct pattern *pattern, const struct render_options *options,
                 const float *soft, const struct example *const *examples, size_t count,
                 const atomic_bool *cancel, float *states, struct error *e);
// The same for inputs that were rendered already: members first .. first+count-1 of the set.
bool mask_states_of(struct mask_bench *b, const struct input_set *set, size_t first, size_t count,
                    const float *soft, size_t slots, const atomic_bool *cancel, float *states,
                    struct error *e);
size_t mask_width(const struct mask_bench *b); // d_model
// The pass that made the last states, for a watch (t5_pass_watch) set before it runs.
struct t5_pass *mask_pass(struct mask_bench *b);

// ---- from states; no pass through the model ----

// Class scores, as verbalizer_scores gives them: score [count, classes]. possible [count], 0 or the number of
// classes possible for an example; NULL: all. Threads: the bench's.
bool mask_scores(struct mask_bench *b, const float *states, size_t count, const struct verbalizer *v,
                 const size_t *possible, float *score, struct error *e);
// Probabilities of the classes: softmax of the scores. In place is fine.
void mask_probabilities(const float *score, size_t classes, float *probability);
// Logits over the whole vocabulary at the mask of one example: logits [vocab_size].
void mask_logits(struct mask_bench *b, const float *state, float *logits);
// The k likeliest of the first `ids` tokens by those logits, best first, with probabilities over all `ids`.
struct likely_token {
    int32_t id;
    float probability;
};
void mask_likely(const float *logits, size_t ids, size_t k, struct likely_token *out);

// Predictions, losses and counts of `count` examples, by the rule and the loss of `loss`
// (engine/tune/objective.h). label, possible [count]; predicted and loss_of [count] may be NULL. Adds to *v;
// the caller calls evaluation_finish.
bool mask_evaluate(struct mask_bench *b, const float *states, size_t count, const struct verbalizer *v,
                   enum run_loss loss, const size_t *label, const size_t *possible, size_t *predicted,
                   double *loss_of, struct evaluation *out, struct error *e);

#endif
