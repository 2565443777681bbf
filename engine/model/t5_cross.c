// SPDX-License-Identifier: GPL-3.0-or-later
// The cross-attention sublayer: x += Attention(q from norm(x), keys and values from the encoder's output M).
//
// Two forms of the same algebra, chosen by t5_pass_plan:
// - projected: K = M Wkᵀ, V = M Wvᵀ for every encoder row, then ordinary attention;
// - absorbed: a head's scores q · (Wk m) are (Wkᵀ q) · m, and its result Wv applied to the mixture of M. So
//   only the few queries are carried into the encoder's space ("wide") and the mixtures back.
#include "t5_inside.h"

#include "engine/tensor/rows.h"

static struct t5_attention_run projected_run(struct t5_pass *pass, size_t block) {
    struct t5_side *side = &pass->decoder;
    struct t5_saved *s = &side->saved[block];
    return (struct t5_attention_run){.pass = pass,
                                     .which = &side->stack->block[block].cross,
                                     .q = s->cross_q,
                                     .k = s->cross_kv,
                                     .v = s->cross_kv + pass->inner,
                                     .q_stride = pass->inner,
                                     .kv_stride = 2 * pass->inner,
                                     .q_offset = side->offset,
                                     .k_offset = pass->encoder.offset,
                                     .examples = side->examples,
                                     .dropout_key = t5_dropout_key(pass, side, block, T5_DROP_CROSS_WEIGHTS),
                                     .context = s->cross_context,
                                     .log_sum = s->cross_log_sum};
}

static void projected_forward(struct t5_pass *pass, size_t block) {
    const struct t5_attention *w = &pass->decoder.stack->block[block].cross;
    struct t5_attention_run run = projected_run(pass, block);
    const struct weight *part[] = {w->k, w->v};
    float *kv = pass->decoder.saved[block].cross_kv, *to[] = {kv, kv + pass->inner};
    gemm_forward_several(&pass->gemm, pass->encoder.rows, pass->encoder.out, pass->d, 2, part, to,
                         2 * pass->inner, false);
    t5_attention_forward(&run);
}

// From d_context to d_q and to M.
static void projected_backward(struct t5_pass *pass, size_t block, float *d_q) {
    const struct t5_attention *w = &pass->decoder.stack->block[block].cross;
    const struct weight *part[] = {w->k, w->v};
    const struct t5_side *encoder = &pass->encoder;
    struct t5_attention_run run = projected_run(pass, block);
    float *d_kv = pass->work.d_cross_kv;
    run.d_context = pass->work.d_context;
    run.d_q = d_q;
    run.d_k = d_kv;
    run.d_v = d_kv + pass->inner;
    t5_attention_backward(&run);
    for (size_t i = 0; i < 2; i++) {
        const float *dy = d_kv + i * pass->inner;
        t5_weight_gradient(pass, encoder->rows, dy, 2 * pass->inner, encoder->out, pass->d, part[i]);
        gemm_backward(&pass->gemm, encoder->rows, dy, 2 * pass->inner, part[i], encoder->d_out, pass->d,
                      true);
    }
}

struct absorbed {
    struct t5_pass *pass;
    const struct t5_attention *w;
    struct t5_saved *s;
    size_t rows, wide; // decoder rows, floats of a row's wide vectors
    float *d_q;
};

static struct absorbed absorbed_of(struct t5_pass *pass, size_t block) {
    return (struct absorbed){.pass = pass,
                             .w = &pass->decoder.stack->block[block].cross,
                             .s = &pass->decoder.saved[block],
                             .rows = pass->decoder.rows,
                             .wide = pass->heads * pass->d};
}

// Wk or Wv of one head.
static struct weight head_of(const struct t5_pass *pass, const struct weight *w, size_t head) {
    return gemm_weight_rows(w, head * pass->width, pass->width);
}

// One head: its queries into the encoder's space.
static void widen_head(void *context, size_t head, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    (void)worker;
    struct weight wk = head_of(pass, a->w->k, head);
    gemm_backward_on(a->rows, a->s->cross_q + head * pass->width, pass->inner, &wk,
                     a->s->wide_q + head * pass->d, a->wide, false);
}

// One example: all its queries of all heads against its rows of M.
struct wide_example {
    size_t keys, queries; // queries counts heads
    const float *memory;
    float *p;
    size_t wide_at; // where its rows begin in wide arrays
    size_t first_key, p_at;
};

static struct wide_example example_of(const struct absorbed *a, size_t b) {
    const struct t5_pass *pass = a->pass;
    const struct t5_side *encoder = &pass->encoder, *decoder = &pass->decoder;
    size_t first_key = encoder->offset[b], p_at = pass->work.cross_offset[b];
    return (struct wide_example){.keys = encoder->offset[b + 1] - first_key,
                                 .queries = (decoder->offset[b + 1] - decoder->offset[b]) * pass->heads,
                                 .memory = encoder->out + first_key * pass->d,
                                 .p = a->s->cross_p + p_at,
                                 .wide_at = decoder->offset[b] * a->wide,
                                 .first_key = first_key,
                                 .p_at = p_at};
}

static void attend_example(void *context, size_t b, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    struct wide_example ex = example_of(a, b);
    size_t d = pass->d;
    (void)worker;
    gemm_nt(ex.queries, ex.keys, d, a->s->wide_q + ex.wide_at, d, ex.memory, d, ex.p, ex.keys, false);
    for (size_t i = 0; i < ex.queries; i++) {
        float log_sum, *row = ex.p + i * ex.keys;
        rows_scale(row, ex.keys, 1.0f / rows_softmax(row, ex.keys, NULL, &log_sum));
    }
    gemm_nn(ex.queries, d, ex.keys, ex.p, ex.keys, ex.memory, d, a->s->mixed + ex.wide_at, d, false);
    for (size_t h = 0; pass->watch.attention && h < pass->heads; h++)
        pass->watch.attention(pass->watch.context, a->w, b, h, 0, ex.queries / pass->heads, ex.keys,
                              ex.p + h * ex.keys, pass->heads * ex.keys);
}

static void narrow_head(void *context, size_t head, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    (void)worker;
    struct weight wv = head_of(pass, a->w->v, head);
    gemm_forward_on(a->rows, a->s->mixed + head * pass->d, a->wide, &wv,
                    a->s->cross_context + head * pass->width, pass->inner, false);
}

static void absorbed_forward(struct t5_pass *pass, size_t block) {
    struct absorbed a = absorbed_of(pass, block);
    thread_pool_run(pass->gemm.pool, pass->heads, widen_head, &a);
    thread_pool_run(pass->gemm.pool, pass->decoder.examples, attend_example, &a);
    thread_pool_run(pass->gemm.pool, pass->heads, narrow_head, &a);
}

static void narrow_head_backward(void *context, size_t head, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    (void)worker;
    struct weight wv = head_of(pass, a->w->v, head);
    const float *d_context = pass->work.d_context + head * pass->width;
    gemm_backward_on(a->rows, d_context, pass->inner, &wv, pass->work.d_mixed + head * pass->d, a->wide,
                     false);
    if (pass->mode == T5_TRAIN_ALL)
        gemm_weight_gradient_on(a->rows, d_context, pass->inner, a->s->mixed + head * pass->d, a->wide, &wv);
}

static void attend_example_backward(void *context, size_t b, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    struct wide_example ex = example_of(a, b);
    size_t d = pass->d;
    const float *d_mixed = pass->work.d_mixed + ex.wide_at;
    float *d_p = pass->work.d_cross_p + ex.p_at, *d_memory = pass->encoder.d_out + ex.first_key * d;
    (void)worker;
    gemm_nt(ex.queries, ex.keys, d, d_mixed, d, ex.memory, d, d_p, ex.keys, false);
    gemm_tn(ex.keys, d, ex.queries, ex.p, ex.keys, d_mixed, d, d_memory, d, true);
    for (size_t i = 0; i < ex.queries; i++)
        rows_softmax_backward(ex.p + i * ex.keys, d_p + i * ex.keys, ex.keys);
    gemm_tn(ex.keys, d, ex.queries, d_p, ex.keys, a->s->wide_q + ex.wide_at, d, d_memory, d, true);
    gemm_nn(ex.queries, d, ex.keys, d_p, ex.keys, ex.memory, d, pass->work.d_wide + ex.wide_at, d, false);
}

static void widen_head_backward(void *context, size_t head, size_t worker) {
    const struct absorbed *a = context;
    const struct t5_pass *pass = a->pass;
    (void)worker;
    struct weight wk = head_of(pass, a->w->k, head);
    const float *d_wide = pass->work.d_wide + head * pass->d;
    gemm_forward_on(a->rows, d_wide, a->wide, &wk, a->d_q + head * pass->width, pass->inner, false);
    if (pass->mode == T5_TRAIN_ALL)
        gemm_weight_gradient_on(a->rows, a->s->cross_q + head * pass->width, pass->inner, d_wide, a->wide,
                                &wk);
}

static void absorbed_backward(struct t5_pass *pass, size_t block, float *d_q) {
    struct absorbed a = absorbed_of(pass, block);
    a.d_q = d_q;
    thread_pool_run(pass->gemm.pool, pass->heads, narrow_head_backward, &a);
    thread_pool_run(pass->gemm.pool, pass->decoder.examples, attend_example_backward, &a);
    thread_pool_run(pass->gemm.pool, pass->heads, widen_head_backward, &a);
}

void t5_cross_forward(struct t5_pass *pass, size_t block) {
    struct t5_side *side = &pass->decoder;
    const struct t5_attention *w = &side->stack->block[block].cross;
    struct t5_saved *s = &side->saved[block];
    t5_norm_forward(pass, s->cross_x, side->rows, t5_norm_of(side, block, 1, pass->d), pass->work.normed,
                    s->cross_scale, s->ff_x);
    gemm_forward(&pass->gemm, side->rows, pass->work.normed, pass->d, w->q, s->cross_q, pass->inner, false);
    if (pass->absorbed)
        absorbed_forward(pass, block);
    else
        projected_forward(pass, block);
    t5_add_output(pass, side, block, T5_DROP_CROSS, s->cross_context, pass->inner, w->o, s->ff_x);
}

void t5_cross_backward(struct t5_pass *pass, size_t block) {
    struct t5_side *side = &pass->decoder;
    const struct t5_attention *w = &side->stack->block[block].cross;
    const float *norm = t5_norm_of(side, block, 1, pass->d);
    struct t5_saved *s = &side->saved[block];
    struct t5_work *work = &pass->work;
    float *d_q = work->d_qkv; // [R, inner] of it
    const float *d_out = t5_output_gradient(pass, side, block, T5_DROP_CROSS);
    t5_weight_gradient(pass, side->rows, d_out, pass->d, s->cross_context, pass->inner, w->o);
    gemm_backward(&pass->gemm, side->rows, d_out, pass->d, w->o, work->d_context, pass->inner, false);
    if (pass->absorbed)
        absorbed_backward(pass, block, d_q);
    else
        projected_backward(pass, block, d_q);
    if (pass->mode == T5_TRAIN_ALL)
        t5_norm_again(pass, s->cross_x, s->cross_scale, side->rows, norm, work->normed);
    t5_weight_gradient(pass, side->rows, d_q, pass->inner, work->normed, pass->d, w->q);
    gemm_backward(&pass->gemm, side->rows, d_q, pass->inner, w->q, work->d_normed, pass->d, false);
    t5_norm_backward(pass, s->cross_x, s->cross_scale, side->rows, w->norm, norm, work->d_normed, side->d_x);
}
