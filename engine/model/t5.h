// SPDX-License-Identifier: GPL-3.0-or-later
// T5 forward and backward over a packed batch.
//
// A batch is one matrix of rows without padding: example b owns rows offset[b] .. offset[b+1]-1. An encoder
// row is a token's embedding or one of the soft prompt's vectors, wherever the pattern put it; a position is
// the row's number within its example. The decoder is packed the same way. An example's states and logits do
// not depend on its neighbours, and no result on the number of threads: to the bit.
//
// A struct t5_pass holds the work space of one thread (plus the pool that helps it): plan it once for the
// largest batch, then nothing is allocated by forward or backward. Semantics: Hugging Face T5,
// tests/golden/README.md.
#ifndef PROMPTER_ENGINE_MODEL_T5_H
#define PROMPTER_ENGINE_MODEL_T5_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/model/model.h"
#include "engine/tensor/gemm.h"

// An encoder row that is soft vector `slot` is written as T5_SOFT(slot), a negative number.
#define T5_SOFT(slot) (-1 - (int32_t)(slot))

struct t5_batch { // everything borrowed
    size_t examples;
    const size_t *encoder_offset; // [examples + 1]
    const int32_t *encoder_input; // [encoder_offset[examples]] token ids or T5_SOFT(slot)
    const size_t *decoder_offset; // [examples + 1]
    const int32_t *decoder_input; // [decoder_offset[examples]] token ids
};

enum t5_mode {
    T5_EVALUATE,     // keeps no activations
    T5_TRAIN_PROMPT, // gradients of the soft vectors only; weights frozen
    T5_TRAIN_ALL,    // gradients of every weight too; the model must be trainable
};

struct t5_pass;

// The pool (may be NULL) is borrowed and must outlive the pass.
bool t5_pass_create(struct t5_pass **out, struct model *m, struct thread_pool *pool, struct error *e);
void t5_pass_free(struct t5_pass *pass);
// Which library does the large products; before anything, gemm_default_library().
void t5_pass_use_library(struct t5_pass *pass, enum gemm_library library);

// What the largest batch to come looks like. Planning again with less keeps the memory; with more it grows.
struct t5_plan {
    enum t5_mode mode;
    size_t examples, encoder_rows, decoder_rows, longest_encoder, longest_decoder;
    size_t soft_slots;
    size_t head_rows; // rows of the head at once: vocab_size for the full vocabulary, or the number of label
                      // word ids
    float dropout; // of T5_TRAIN_ALL, without soft slots: in T5's places (embeddings, attention weights, what
                   // each sublayer adds, the hidden layer, the final norm) a share of elements is 0 and the
                   // others are larger to match. 0: none
};
// Which elements the next forward passes drop; the backward pass drops the same.
void t5_pass_seed_dropout(struct t5_pass *pass, uint64_t seed);
bool t5_pass_plan(struct t5_pass *pass, const struct t5_plan *plan, struct error *e);
size_t t5_pass_bytes(const struct t5_pass *pass); // memory held

// Runs encoder and decoder. soft [soft_slots, d_model]. `cancel` (may be NULL) is looked at between blocks; a
// cancelled pass fails with ERROR_CANCELLED and may be run again. In evaluation the results stand until the
// next call.
bool t5_forward(struct t5_pass *pass, enum t5_mode mode, const struct t5_batch *batch, const float *soft,
                const atomic_bool *cancel, struct error *e);

// Results of the last forward. [encoder rows, d_model] after the encoder's final norm; [decoder rows,
// d_model] after the decoder's final norm and output scaling, ready for the head.
const float *t5_encoder_states(const struct t5_pass *pass);
const float *t5_decoder_states(const struct t5_pass *pass);

// out[i * ids_count + j] = logit of ids[j] at decoder row rows[i]. With ids NULL: all vocab_size of them.
// The caller has checked that 0 <= ids[j] < vocab_size and that the rows are the last forward's.
void t5_logits(struct t5_pass *pass, const size_t *rows, size_t row_count, const int32_t *ids,
               size_t ids_count, float *out);
// The reverse: takes d(loss)/d(those logits) and adds to the gradient of the decoder states (and of the head,
// when it trains). May be called several times between forward and backward.
void t5_logits_backward(struct t5_pass *pass, const size_t *rows, size_t row_count, const int32_t *ids,
                        size_t ids_count, const float *d_logits);

// Cross entropy over the whole vocabulary: for each decoder row r with 0 <= labels[r] < vocab_size,
// row_loss[r] = log sum exp(logits) - logit[label] (natural log; 0 where the label is negative).
// With row_weight (not NULL) also adds d(sum of row_weight[r] * row_loss[r]) to the gradient of the decoder
// states. arg_max (may be NULL) receives the most likely id of each labelled row. The logits never exist all
// at once unless they fit the plan.
void t5_vocabulary_loss(struct t5_pass *pass, const int32_t *labels, const float *row_weight,
                        double *row_loss, int32_t *arg_max);
// The same, ended by `cancel` (may be NULL) within milliseconds: ERROR_CANCELLED, and nothing it gave is
// worth anything.
bool t5_vocabulary_loss_until(struct t5_pass *pass, const int32_t *labels, const float *row_weight,
                              double *row_loss, int32_t *arg_max, const atomic_bool *cancel, struct error *e);

// Adds d(loss)/d(soft) to soft_gradient [soft_slots, d_model] (may be NULL) and, in T5_TRAIN_ALL, the
// weights' gradients to their `gradient`. After it the activations are spent. Cancelled, it leaves
// soft_gradient as it was, and weights' gradients that are worth nothing: clear them.
bool t5_backward(struct t5_pass *pass, float *soft_gradient, const atomic_bool *cancel, struct error *e);

// What a pass shows to someone who looks inside: tests, and screens that draw attention. Costs nothing while
// no watch is set. Either function may be NULL.
struct t5_watch {
    void *context;
    // The residual stream after a block (before the final norm). rows [side's rows, d_model]. Called on the
    // thread of the pass.
    void (*block)(void *context, bool decoder, size_t block, const float *rows);
    // Attention probabilities of some queries of one example and head: query first_query + i has
    // probabilities[i * stride + j] for key j < keys (under a causal mask keys after the query are 0 and keys
    // may stop at the last query). Called on the pool's threads, several at a time for different heads.
    void (*attention)(void *context, const struct t5_attention *which, size_t example, size_t head,
                      size_t first_query, size_t queries, size_t keys, const float *probabilities,
                      size_t stride);
};
// The watch is copied; NULL ends it.
void t5_pass_watch(struct t5_pass *pass, const struct t5_watch *watch);

// Bucket of a relative position (key - query). 0 <= result < num_buckets.
size_t t5_relative_bucket(long relative, bool bidirectional, size_t num_buckets, size_t max_distance);

// Floating-point operations (multiply and add counted apart) of the matrix products in one pass, for
// benchmarks.
double t5_flops(const struct t5_config *config, const struct t5_batch *batch, enum t5_mode mode,
                size_t head_rows);

#endif
