// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the pass share; nobody else includes this (its unit tests aside).
//
// Encoder and decoder are each a `t5_side`. Sublayers are functions of (pass, side, block) that read the
// residual stream where the block keeps it and write it where the next sublayer keeps it. In evaluation all
// blocks keep it in one place; in training each has its own, for the backward pass.
//
// Shapes: T encoder rows, R decoder rows, rows either of them; d d_model, H heads, k d_kv, inner = H k,
// ff d_ff, U distinct inputs.
#ifndef PROMPTER_ENGINE_MODEL_T5_INSIDE_H
#define PROMPTER_ENGINE_MODEL_T5_INSIDE_H

#include "engine/base/memory.h"
#include "engine/model/t5.h"
#include "engine/tensor/gemm.h"

enum {
    QUERY_BLOCK = 128, // queries whose scores exist at once
    ROWS_AN_ITEM = 32, // rows that a worker takes at once in row-wise work
    LOGIT_ROWS = 128,  // rows of full-vocabulary logits that exist at once
    LABEL_BLOCK = 64,  // label words whose head rows are gathered at once
};

// What one block keeps for its backward pass.
struct t5_saved {
    float *x, *scale; // [rows, d], [rows]: the stream entering self-attention, its norm's scale; block 0
                      // uses the distinct inputs instead
    float *qkv;       // [rows, 3 inner]
    float *log_sum;   // [rows, H]
    float *context;   // [rows, inner]
    float *cross_x, *cross_scale;
    float *cross_q;         // [R, inner]
    float *cross_context;   // [R, inner]
    float *wide_q;          // absorbed: [R, H, d], queries seen from the encoder's space
    float *mixed;           // absorbed: [R, H, d], encoder states weighted by attention
    float *cross_p;         // absorbed: per example [rows, H, keys], one after the other
    float *cross_kv;        // projected: [T, 2 inner]
    float *cross_log_sum;   // projected: [R, H]
    float *ff_x, *ff_scale; // [rows, d], [rows]
    float *gate;            // [rows, ff] or [rows, 2 ff]: before the activation
};

struct t5_side {
    const struct t5_stack *stack;
    bool decoder; // also: causal
    // The batch, copied.
    size_t examples, rows, longest;
    size_t *offset; // [examples + 1]
    // Distinct inputs: first every soft slot (encoder only), then every token once. Equal inputs give equal
    // rows in block 0's norm and projections, which are computed once.
    size_t distinct, soft;
    int32_t *distinct_input;            // [U]
    size_t *distinct_of_row;            // [rows]
    size_t *row_list, *row_list_start;  // [rows], [U + 1]: rows of each distinct input, in order
    float *distinct_x, *distinct_scale; // [U, d], [U]
    float *distinct_qkv;                // [U, 3 inner]; in the backward pass its gradient

    struct t5_saved *saved; // [blocks]
    float *final_x, *final_scale;
    float *out;          // [rows, d] after the final norm (and output scaling)
    float *d_x;          // [rows, d] gradient of the residual stream
    float *d_distinct_x; // [U, d] the same, of the distinct inputs
    float *d_out;        // [rows, d] gradient of `out`

    size_t planned_longest;
    size_t *bucket;       // [2 planned_longest - 1]
    float *bias;          // [H, 2 planned_longest - 1] by key - query + planned_longest - 1
    float *bias_gradient; // [examples, H, 2 planned_longest - 1]
    float *norms;         // [blocks * 3 + 1, d]: self, cross, feed-forward of each block, final; as floats
};

struct t5_work {          // scratch of one sublayer
    float *normed;        // [rows, d]
    float *hidden;        // [rows, ff]
    float *d_normed;      // [rows, d]
    float *d_qkv;         // [rows, 3 inner]
    float *d_context;     // [rows, inner]
    float *d_wide;        // [R, H, d]
    float *d_mixed;       // [R, H, d]
    float *d_cross_p;     // as cross_p
    float *d_cross_kv;    // [T, 2 inner]
    float *scores;        // [workers, 2, QUERY_BLOCK, longest]
    float *norm_parts;    // [items, d] partial gradients of a norm's weight
    float *logits;        // [min(R, LOGIT_ROWS), V]
    float *states;        // [min(R, LOGIT_ROWS), d]
    float *labels;        // [LABEL_BLOCK, d]
    float *label_part;    // [min(R, LOGIT_ROWS), LABEL_BLOCK]
    size_t *cross_offset; // [examples + 1] where an example's cross_p begins
};

struct t5_pass {
    struct model *model;
    struct gemm gemm;
    struct arena arena;
    struct t5_plan plan;
    bool planned, absorbed;
    atomic_bool skipped; // products were left undone because of a cancel
    enum t5_mode mode;   // of the last forward
    bool forwarded;
    struct t5_side encoder, decoder;
    struct t5_work work;
    size_t *vocabulary; // [V] scratch for finding distinct tokens: 0 or number + 1
    struct t5_watch watch;
    bool dropping; // in the last forward
    uint64_t dropout_seed;
    // Measured sizes, so that sublayers read like formulas.
    size_t d, heads, width, inner, ff, gates;
    float epsilon, output_scale;
};

// t5.c: while a pass listens to `cancel` (NULL: to nothing), products end early when it is set (gemm.h); a
// flag that was set and lowered again in between is remembered by `skipped`. Stopped: true with an error that
// says so.
void t5_listen(struct t5_pass *pass, const atomic_bool *cancel);
bool t5_stopped(const struct t5_pass *pass, struct error *e);

// t5_plan.c
size_t t5_norm_index(size_t block, size_t sublayer); // sublayer 0 self, 1 cross, 2 feed-forward

// Whether cross-attention takes the absorbed form (t5_cross.c) when the longest example has so many decoder
// rows.
bool t5_cross_absorbs(const struct t5_config *config, size_t longest_decoder);

// t5_input.c: the batch, its distinct inputs, their embeddings, and the way back
bool t5_input_copy(struct t5_pass *pass, struct t5_side *side, size_t examples, const size_t *offset,
                   const int32_t *input, struct error *e);
void t5_input_embed(struct t5_pass *pass, struct t5_side *side, const float *soft);
void t5_input_spread(struct t5_pass *pass, struct t5_side *side);  // block 0: distinct_qkv to rows
void t5_input_collect(struct t5_pass *pass, struct t5_side *side); // and the gradient back
// Inputs that get a gradient: the soft slots, and every token when weights train.
size_t t5_inputs_that_train(const struct t5_pass *pass, const struct t5_side *side);
void t5_input_backward(struct t5_pass *pass, struct t5_side *side, float *soft_gradient);

// t5_attention.c: scores, softmax and mixing over (example, head)
struct t5_attention_run {
    struct t5_pass *pass;
    const struct t5_attention *which; // for the watch
    const float *q, *k, *v;           // column 0 of head 0
    size_t q_stride, kv_stride;
    const size_t *q_offset, *k_offset;
    size_t examples;
    uint32_t dropout_key;       // while pass->dropping
    const struct t5_side *bias; // its table; NULL without
    bool causal;
    float *context, *log_sum; // [q rows, inner], [q rows, H]
    const float *d_context;   // backward
    float *d_q, *d_k, *d_v;   // strides as q, k, v; overwritten
    float *bias_gradient;     // or NULL
};
void t5_attention_forward(struct t5_attention_run *run);
void t5_attention_backward(struct t5_attention_run *run);
void t5_bias_prepare(struct t5_pass *pass, struct t5_side *side);
void t5_bias_backward(struct t5_pass *pass, struct t5_side *side);

// t5_self.c, t5_cross.c, t5_feed_forward.c: the sublayers
void t5_self_forward(struct t5_pass *pass, struct t5_side *side, size_t block);
void t5_self_backward(struct t5_pass *pass, struct t5_side *side, size_t block);
void t5_cross_forward(struct t5_pass *pass, size_t block);
void t5_cross_backward(struct t5_pass *pass, size_t block);
void t5_feed_forward_forward(struct t5_pass *pass, struct t5_side *side, size_t block);
void t5_feed_forward_backward(struct t5_pass *pass, struct t5_side *side, size_t block);

// t5_dropout.c: nothing falls out unless pass->dropping
enum t5_dropout_place {
    T5_DROP_EMBEDDING,
    T5_DROP_SELF_WEIGHTS,
    T5_DROP_SELF,
    T5_DROP_CROSS_WEIGHTS,
    T5_DROP_CROSS,
    T5_DROP_HIDDEN,
    T5_DROP_FEED_FORWARD,
    T5_DROP_FINAL
};
uint32_t t5_dropout_key(const struct t5_pass *pass, const struct t5_side *side, size_t block,
                        enum t5_dropout_place place);
// x [rows, columns] in place; forward and backward.
void t5_dropout(struct t5_pass *pass, const struct t5_side *side, size_t block, enum t5_dropout_place place,
                float *x, size_t rows, size_t columns);
// stream += dropout(x . Wt): the end of a sublayer. Takes work.normed.
void t5_add_output(struct t5_pass *pass, const struct t5_side *side, size_t block,
                   enum t5_dropout_place place, const float *x, size_t x_columns, const struct weight *w,
                   float *stream);
// The gradient of what the sublayer added: d_x, or in work.d_normed what dropout leaves of it.
const float *t5_output_gradient(struct t5_pass *pass, const struct t5_side *side, size_t block,
                                enum t5_dropout_place place);

// t5_rows.c: row-wise work over the pool
typedef void t5_rows_job(void *context, size_t first, size_t count, size_t item);
void t5_rows_run(struct t5_pass *pass, size_t rows, t5_rows_job *job, void *context);
void t5_zero(struct t5_pass *pass, float *x, size_t rows, size_t columns);
// normed = norm(x), keeping the scale; when `next` is another array than x, next = x on the way.
void t5_norm_forward(struct t5_pass *pass, const float *x, size_t rows, const float *weight, float *normed,
                     float *scale, float *next);
void t5_norm_again(struct t5_pass *pass, const float *x, const float *scale, size_t rows, const float *weight,
                   float *normed);
// dx += ..., and in T5_TRAIN_ALL the weight's gradient.
void t5_norm_backward(struct t5_pass *pass, const float *x, const float *scale, size_t rows,
                      const struct weight *w, const float *weight, const float *dy, float *dx);
// A weight's gradient if weights train.
void t5_weight_gradient(struct t5_pass *pass, size_t m, const float *dy, size_t dy_stride, const float *x,
                        size_t x_stride, const struct weight *w);
// Where the stream goes after self-attention and after the block.
float *t5_after_self(struct t5_side *side, size_t block);
float *t5_after_block(struct t5_side *side, size_t block);
static inline const float *t5_norm_of(const struct t5_side *side, size_t block, size_t sublayer, size_t d) {
    return side->norms + t5_norm_index(block, sublayer) * d;
}

#endif
