// SPDX-License-Identifier: GPL-3.0-or-later
// The walk through encoder and decoder, forward and backward.
#include "t5.h"

#include <string.h>

#include "engine/tensor/rows.h"
#include "t5_inside.h"

const float *t5_encoder_states(const struct t5_pass *pass) {
    return pass->encoder.out;
}

const float *t5_decoder_states(const struct t5_pass *pass) {
    return pass->decoder.out;
}

void t5_listen(struct t5_pass *pass, const atomic_bool *cancel) {
    pass->gemm.cancel = cancel;
    pass->gemm.skipped = &pass->skipped;
    atomic_store_explicit(&pass->skipped, false, memory_order_relaxed);
}

bool t5_stopped(const struct t5_pass *pass, struct error *e) {
    const atomic_bool *cancel = pass->gemm.cancel;
    if (!cancel || (!atomic_load_explicit(cancel, memory_order_relaxed) &&
                    !atomic_load_explicit(&pass->skipped, memory_order_relaxed)))
        return false;
    error_set(e, ERROR_CANCELLED, "the pass through the model was stopped");
    return true;
}

// The norms' weights as floats: rows of the network read them again and again.
static void load_norms(struct t5_pass *pass, struct t5_side *side) {
    size_t d = pass->d;
    for (size_t b = 0; b < side->stack->blocks; b++) {
        const struct t5_block *block = &side->stack->block[b];
        const struct weight *norm[] = {block->self.norm, block->cross.norm, block->feed_forward.norm};
        for (size_t i = 0; i < 3; i++)
            if (norm[i])
                dtype_to_float(norm[i]->dtype, norm[i]->data, side->norms + t5_norm_index(b, i) * d, d);
    }
    const struct weight *last = side->stack->final_norm;
    dtype_to_float(last->dtype, last->data, side->norms + t5_norm_index(side->stack->blocks, 0) * d, d);
}

static const float *final_norm_of(const struct t5_pass *pass, const struct t5_side *side) {
    return side->norms + t5_norm_index(side->stack->blocks, 0) * pass->d;
}

static bool side_forward(struct t5_pass *pass, struct t5_side *side, const float *soft, struct error *e) {
    load_norms(pass, side);
    t5_bias_prepare(pass, side);
    t5_input_embed(pass, side, soft);
    for (size_t b = 0; b < side->stack->blocks; b++) {
        if (t5_stopped(pass, e))
            return false;
        t5_self_forward(pass, side, b);
        if (side->decoder)
            t5_cross_forward(pass, b);
        t5_feed_forward_forward(pass, side, b);
        if (pass->watch.block)
            pass->watch.block(pass->watch.context, side->decoder, b, t5_after_block(side, b));
    }
    t5_norm_forward(pass, side->final_x, side->rows, final_norm_of(pass, side), side->out, side->final_scale,
                    NULL);
    t5_dropout(pass, side, 0, T5_DROP_FINAL, side->out, side->rows, pass->d);
    return true;
}

// Where each example's cross-attention weights begin.
static void place_cross(struct t5_pass *pass) {
    size_t at = 0;
    for (size_t b = 0; b < pass->decoder.examples; b++) {
        pass->work.cross_offset[b] = at;
        at += (pass->decoder.offset[b + 1] - pass->decoder.offset[b]) * pass->heads *
              (pass->encoder.offset[b + 1] - pass->encoder.offset[b]);
    }
}

bool t5_forward(struct t5_pass *pass, enum t5_mode mode, const struct t5_batch *batch, const float *soft,
                const atomic_bool *cancel, struct error *e) {
    pass->forwarded = false;
    if (!pass->planned || mode > pass->plan.mode)
        return error_set(e, ERROR_INPUT, "the pass was not planned for this kind of work");
    pass->mode = mode;
    pass->dropping = pass->plan.dropout > 0 && mode == T5_TRAIN_ALL;
    pass->encoder.soft = soft ? pass->plan.soft_slots : 0;
    if (!t5_input_copy(pass, &pass->encoder, batch->examples, batch->encoder_offset, batch->encoder_input,
                       e) ||
        !t5_input_copy(pass, &pass->decoder, batch->examples, batch->decoder_offset, batch->decoder_input, e))
        return false;
    place_cross(pass);
    t5_listen(pass, cancel);
    bool done = side_forward(pass, &pass->encoder, soft, e) && side_forward(pass, &pass->decoder, NULL, e) &&
                !t5_stopped(pass, e);
    t5_listen(pass, NULL);
    if (!done)
        return false;
    if (pass->output_scale != 1.0f)
        rows_scale(pass->decoder.out, pass->decoder.rows * pass->d, pass->output_scale);
    if (mode != T5_EVALUATE)
        memset(pass->decoder.d_out, 0, pass->decoder.rows * pass->d * sizeof(float));
    pass->forwarded = true;
    return true;
}

// From d_out through the final norm and the blocks down to block 0's input.
static bool side_backward(struct t5_pass *pass, struct t5_side *side, struct error *e) {
    t5_zero(pass, side->d_x, side->rows, pass->d);
    t5_dropout(pass, side, 0, T5_DROP_FINAL, side->d_out, side->rows, pass->d);
    t5_norm_backward(pass, side->final_x, side->final_scale, side->rows, side->stack->final_norm,
                     final_norm_of(pass, side), side->d_out, side->d_x);
    for (size_t b = side->stack->blocks; b-- > 0;) {
        if (t5_stopped(pass, e))
            return false;
        t5_feed_forward_backward(pass, side, b);
        if (side->decoder)
            t5_cross_backward(pass, b);
        t5_self_backward(pass, side, b);
    }
    if (pass->mode == T5_TRAIN_ALL)
        t5_bias_backward(pass, side);
    return true;
}

bool t5_backward(struct t5_pass *pass, float *soft_gradient, const atomic_bool *cancel, struct error *e) {
    if (!pass->forwarded || pass->mode == T5_EVALUATE)
        return error_set(e, ERROR_INPUT, "a backward pass needs a finished forward pass that trains");
    pass->forwarded = false;
    if (pass->output_scale != 1.0f)
        rows_scale(pass->decoder.d_out, pass->decoder.rows * pass->d, pass->output_scale);
    t5_zero(pass, pass->encoder.d_out, pass->encoder.rows, pass->d);
    t5_listen(pass, cancel);
    bool done = side_backward(pass, &pass->decoder, e);
    if (done)
        t5_input_backward(pass, &pass->decoder, NULL);
    done = done && side_backward(pass, &pass->encoder, e) && !t5_stopped(pass, e);
    t5_listen(pass, NULL);
    if (done)
        t5_input_backward(pass, &pass->encoder, soft_gradient);
    return done;
}

// Multiply-adds of one side's products with weights, per row.
static double weights_a_row(const struct t5_config *c) {
    double inner = (double)(c->num_heads * c->d_kv);
    return 4.0 * (double)c->d_model * inner + (c->gated ? 3.0 : 2.0) * (double)c->d_model * (double)c->d_ff;
}

double t5_flops(const struct t5_config *c, const struct t5_batch *batch, enum t5_mode mode,
                size_t head_rows) {
    double inner = (double)(c->num_heads * c->d_kv), d = (double)c->d_model, linear = 0, attention = 0;
    double encoder_blocks = (double)c->num_layers, decoder_blocks = (double)c->num_decoder_layers;
    size_t longest = 0;
    for (size_t b = 0; b < batch->examples; b++) {
        size_t rows = batch->decoder_offset[b + 1] - batch->decoder_offset[b];
        longest = rows > longest ? rows : longest;
    }
    for (size_t b = 0; b < batch->examples; b++) {
        double n = (double)(batch->encoder_offset[b + 1] - batch->encoder_offset[b]);
        double t = (double)(batch->decoder_offset[b + 1] - batch->decoder_offset[b]);
        linear += encoder_blocks * n * weights_a_row(c);
        linear += decoder_blocks * t * (weights_a_row(c) + 2 * d * inner); // and cross-attention's q and o
        linear += t * d * (double)head_rows;
        attention += encoder_blocks * 2 * n * n * inner + decoder_blocks * 2 * t * t * inner;
        if (t5_cross_absorbs(c, longest)) {
            linear += decoder_blocks * 2 * t * d * inner;
            attention += decoder_blocks * 2 * t * n * (double)c->num_heads * d;
        } else {
            linear += decoder_blocks * 2 * n * d * inner;
            attention += decoder_blocks * 2 * t * n * inner;
        }
    }
    // Backward: every product once for its input, once more for its weight; attention's two products need
    // two each.
    double times = mode == T5_EVALUATE ? 1 : mode == T5_TRAIN_PROMPT ? 2 : 3;
    return 2 * (times * linear + (mode == T5_EVALUATE ? 1 : 3) * attention);
}
