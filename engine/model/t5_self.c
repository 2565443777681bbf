// SPDX-License-Identifier: GPL-3.0-or-later
// The self-attention sublayer: x += Attention(norm(x)), encoder and decoder alike.
//
// Block 0 projects each distinct input once and spreads the result over the rows.
#include "t5_inside.h"

static const struct t5_attention *weights_of(const struct t5_side *side, size_t block) {
    return &side->stack->block[block].self;
}

static struct t5_attention_run run_of(struct t5_pass *pass, struct t5_side *side, size_t block) {
    struct t5_saved *s = &side->saved[block];
    return (struct t5_attention_run){.pass = pass,
                                     .which = weights_of(side, block),
                                     .q = s->qkv,
                                     .k = s->qkv + pass->inner,
                                     .v = s->qkv + 2 * pass->inner,
                                     .q_stride = 3 * pass->inner,
                                     .kv_stride = 3 * pass->inner,
                                     .q_offset = side->offset,
                                     .k_offset = side->offset,
                                     .examples = side->examples,
                                     .dropout_key = t5_dropout_key(pass, side, block, T5_DROP_SELF_WEIGHTS),
                                     .bias = side,
                                     .causal = side->decoder,
                                     .context = s->context,
                                     .log_sum = s->log_sum};
}

static void project(struct t5_pass *pass, const struct t5_attention *w, size_t rows, float *qkv) {
    const struct weight *part[] = {w->q, w->k, w->v};
    float *to[] = {qkv, qkv + pass->inner, qkv + 2 * pass->inner};
    gemm_forward_several(&pass->gemm, rows, pass->work.normed, pass->d, 3, part, to, 3 * pass->inner, false);
}

void t5_self_forward(struct t5_pass *pass, struct t5_side *side, size_t block) {
    const struct t5_attention *w = weights_of(side, block);
    const float *norm = t5_norm_of(side, block, 0, pass->d);
    struct t5_saved *s = &side->saved[block];
    float *after = t5_after_self(side, block);
    if (block == 0) {
        t5_norm_forward(pass, side->distinct_x, side->distinct, norm, pass->work.normed, side->distinct_scale,
                        NULL);
        project(pass, w, side->distinct, side->distinct_qkv);
        t5_input_spread(pass, side);
    } else {
        t5_norm_forward(pass, s->x, side->rows, norm, pass->work.normed, s->scale, after);
        project(pass, w, side->rows, s->qkv);
    }
    struct t5_attention_run run = run_of(pass, side, block);
    t5_attention_forward(&run);
    t5_add_output(pass, side, block, T5_DROP_SELF, s->context, pass->inner, w->o, after);
}

// From the gradient of the projections [rows, 3 inner] to the one of x, through the norm.
static void project_backward(struct t5_pass *pass, struct t5_side *side, size_t block, size_t rows,
                             const float *d_qkv, const float *x, const float *scale, float *d_x) {
    const struct t5_attention *w = weights_of(side, block);
    const struct weight *part[] = {w->q, w->k, w->v};
    const float *norm = t5_norm_of(side, block, 0, pass->d);
    if (pass->mode == T5_TRAIN_ALL)
        t5_norm_again(pass, x, scale, rows, norm, pass->work.normed);
    const float *dy[] = {d_qkv, d_qkv + pass->inner, d_qkv + 2 * pass->inner};
    for (size_t i = 0; i < 3; i++)
        t5_weight_gradient(pass, rows, dy[i], 3 * pass->inner, pass->work.normed, pass->d, part[i]);
    gemm_backward_several(&pass->gemm, rows, 3, dy, 3 * pass->inner, part, pass->work.d_normed, pass->d,
                          false);
    t5_norm_backward(pass, x, scale, rows, w->norm, norm, pass->work.d_normed, d_x);
}

void t5_self_backward(struct t5_pass *pass, struct t5_side *side, size_t block) {
    const struct t5_attention *w = weights_of(side, block);
    struct t5_saved *s = &side->saved[block];
    size_t inputs = t5_inputs_that_train(pass, side);
    if (block == 0 && inputs == 0)
        return;
    const float *d_out = t5_output_gradient(pass, side, block, T5_DROP_SELF);
    t5_weight_gradient(pass, side->rows, d_out, pass->d, s->context, pass->inner, w->o);
    gemm_backward(&pass->gemm, side->rows, d_out, pass->d, w->o, pass->work.d_context, pass->inner, false);
    struct t5_attention_run run = run_of(pass, side, block);
    run.d_context = pass->work.d_context;
    run.d_q = pass->work.d_qkv;
    run.d_k = run.d_q + pass->inner;
    run.d_v = run.d_k + pass->inner;
    run.bias_gradient = pass->mode == T5_TRAIN_ALL ? side->bias_gradient : NULL;
    t5_attention_backward(&run);
    if (block == 0) {
        t5_input_collect(pass, side);
        project_backward(pass, side, block, inputs, side->distinct_qkv, side->distinct_x,
                         side->distinct_scale, side->d_distinct_x);
    } else {
        project_backward(pass, side, block, side->rows, pass->work.d_qkv, s->x, s->scale, side->d_x);
    }
}
