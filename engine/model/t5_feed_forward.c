// SPDX-License-Identifier: GPL-3.0-or-later
// The feed-forward sublayer: x += wo(gelu(wi_0 n) * wi_1 n), or x += wo(relu(wi n)), with n = norm(x).
#include "t5_inside.h"

#include "engine/tensor/rows.h"

struct activation {
    struct t5_pass *pass;
    float *gate;
    float *hidden; // its gradient in the backward pass
};

static void activate_rows(void *context, size_t first, size_t count, size_t item) {
    const struct activation *a = context;
    size_t ff = a->pass->ff, stride = a->pass->gates * ff;
    float *gate = a->gate + first * stride, *hidden = a->hidden + first * ff;
    (void)item;
    if (a->pass->gates == 2)
        rows_gate(gate, gate + ff, stride, count, ff, hidden);
    else
        rows_relu(gate, stride, count, ff, hidden);
}

static void activate_rows_backward(void *context, size_t first, size_t count, size_t item) {
    const struct activation *a = context;
    size_t ff = a->pass->ff, stride = a->pass->gates * ff;
    float *gate = a->gate + first * stride, *d_hidden = a->hidden + first * ff;
    (void)item;
    if (a->pass->gates == 2)
        rows_gate_backward(gate, gate + ff, stride, count, ff, d_hidden);
    else
        rows_relu_backward(gate, stride, count, ff, d_hidden);
}

void t5_feed_forward_forward(struct t5_pass *pass, struct t5_side *side, size_t block) {
    const struct t5_feed_forward *w = &side->stack->block[block].feed_forward;
    struct t5_saved *s = &side->saved[block];
    float *after = t5_after_block(side, block);
    size_t stride = pass->gates * pass->ff;
    t5_norm_forward(pass, s->ff_x, side->rows, t5_norm_of(side, block, 2, pass->d), pass->work.normed,
                    s->ff_scale, after);
    const struct weight *wi[] = {w->wi_0, w->wi_1};
    float *to[] = {s->gate, s->gate + pass->ff};
    gemm_forward_several(&pass->gemm, side->rows, pass->work.normed, pass->d, pass->gates, wi, to, stride,
                         false);
    struct activation a = {pass, s->gate, pass->work.hidden};
    t5_rows_run(pass, side->rows, activate_rows, &a);
    t5_dropout(pass, side, block, T5_DROP_HIDDEN, a.hidden, side->rows, pass->ff);
    t5_add_output(pass, side, block, T5_DROP_FEED_FORWARD, a.hidden, pass->ff, w->wo, after);
}

void t5_feed_forward_backward(struct t5_pass *pass, struct t5_side *side, size_t block) {
    const struct t5_feed_forward *w = &side->stack->block[block].feed_forward;
    const struct weight *wi[] = {w->wi_0, w->wi_1};
    const float *norm = t5_norm_of(side, block, 2, pass->d);
    struct t5_saved *s = &side->saved[block];
    struct t5_work *work = &pass->work;
    size_t rows = side->rows, d = pass->d, ff = pass->ff, stride = pass->gates * ff;
    struct activation a = {pass, s->gate, work->hidden};
    const float *d_out = t5_output_gradient(pass, side, block, T5_DROP_FEED_FORWARD);
    if (pass->mode == T5_TRAIN_ALL) {
        t5_rows_run(pass, rows, activate_rows, &a);
        t5_dropout(pass, side, block, T5_DROP_HIDDEN, a.hidden, rows, ff);
        t5_weight_gradient(pass, rows, d_out, d, work->hidden, ff, w->wo);
        t5_norm_again(pass, s->ff_x, s->ff_scale, rows, norm, work->normed);
    }
    gemm_backward(&pass->gemm, rows, d_out, d, w->wo, work->hidden, ff, false);
    t5_dropout(pass, side, block, T5_DROP_HIDDEN, work->hidden, rows, ff);
    t5_rows_run(pass, rows, activate_rows_backward, &a);
    const float *dy[] = {s->gate, s->gate + ff};
    for (size_t i = 0; i < pass->gates; i++)
        t5_weight_gradient(pass, rows, dy[i], stride, work->normed, d, wi[i]);
    gemm_backward_several(&pass->gemm, rows, pass->gates, dy, stride, wi, work->d_normed, d, false);
    t5_norm_backward(pass, s->ff_x, s->ff_scale, rows, w->norm, norm, work->d_normed, side->d_x);
}
