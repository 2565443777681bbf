// SPDX-License-Identifier: GPL-3.0-or-later
// Making a pass and planning its memory: one layout function counts first and then hands out.
#include "t5_inside.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ROWS = 1 << 24 }; // keeps every product of sizes far from the limits of BLAS and size_t

bool t5_pass_create(struct t5_pass **out, struct model *m, struct thread_pool *pool, struct error *e) {
    *out = NULL;
    struct t5_pass *pass = mem_calloc(1, sizeof *pass, e);
    if (!pass)
        return false;
    const struct t5_config *c = &m->config;
    pass->model = m;
    pass->gemm.pool = pool;
    pass->gemm.library = gemm_default_library();
    pass->d = c->d_model;
    pass->heads = c->num_heads;
    pass->width = c->d_kv;
    pass->inner = c->num_heads * c->d_kv;
    pass->ff = c->d_ff;
    pass->gates = c->gated ? 2 : 1;
    pass->epsilon = (float)c->layer_norm_epsilon;
    pass->output_scale = c->scale_decoder_outputs ? 1.0f / sqrtf((float)c->d_model) : 1.0f;
    pass->encoder.stack = &m->encoder;
    pass->decoder.stack = &m->decoder;
    pass->decoder.decoder = true;
    pass->encoder.saved = mem_calloc(m->encoder.blocks, sizeof *pass->encoder.saved, e);
    pass->decoder.saved = mem_calloc(m->decoder.blocks, sizeof *pass->decoder.saved, e);
    pass->vocabulary = mem_calloc(c->vocab_size, sizeof *pass->vocabulary, e);
    if (!pass->encoder.saved || !pass->decoder.saved || !pass->vocabulary) {
        t5_pass_free(pass);
        return false;
    }
    gemm_prepare();
    *out = pass;
    return true;
}

void t5_pass_free(struct t5_pass *pass) {
    if (!pass)
        return;
    arena_free(&pass->arena);
    free(pass->encoder.saved);
    free(pass->decoder.saved);
    free(pass->vocabulary);
    free(pass);
}

void t5_pass_use_library(struct t5_pass *pass, enum gemm_library library) {
    pass->gemm.library = library;
}

size_t t5_pass_bytes(const struct t5_pass *pass) {
    return pass->arena.capacity;
}

void t5_pass_watch(struct t5_pass *pass, const struct t5_watch *watch) {
    pass->watch = watch ? *watch : (struct t5_watch){0};
}

size_t t5_norm_index(size_t block, size_t sublayer) {
    return block * 3 + sublayer;
}

static float *take(struct arena *a, size_t rows, size_t columns) {
    size_t count;
    bool fits = size_multiply(rows, columns, &count);
    assert(fits && "sizes were checked by t5_pass_plan");
    (void)fits;
    return arena_floats(a, count);
}

static size_t *take_sizes(struct arena *a, size_t count) {
    return arena_take(a, count, sizeof(size_t));
}

// What lies in every block of a decoder besides self-attention and feed-forward.
static void lay_cross(struct t5_pass *pass, struct arena *a, struct t5_saved *s, size_t most_cross_p) {
    const struct t5_plan *plan = &pass->plan;
    size_t rows = plan->decoder_rows;
    s->cross_scale = take(a, rows, 1);
    s->cross_q = take(a, rows, pass->inner);
    if (pass->absorbed) {
        s->wide_q = take(a, rows, pass->heads * pass->d);
        s->cross_p = take(a, most_cross_p, 1);
    } else {
        s->cross_kv = take(a, plan->encoder_rows, 2 * pass->inner);
        s->cross_log_sum = take(a, rows, pass->heads);
    }
}

// What only the gradients of weights need to have kept: one for all blocks otherwise.
static void lay_contexts(struct t5_pass *pass, struct t5_side *side, struct arena *a, struct t5_saved *s,
                         size_t rows) {
    s->context = take(a, rows, pass->inner);
    if (!side->decoder)
        return;
    s->cross_context = take(a, rows, pass->inner);
    if (pass->absorbed)
        s->mixed = take(a, rows, pass->heads * pass->d);
}

static void lay_block(struct t5_pass *pass, struct t5_side *side, struct arena *a, struct t5_saved *s,
                      size_t rows, size_t most_cross_p) {
    s->scale = take(a, rows, 1);
    s->qkv = take(a, rows, 3 * pass->inner);
    s->log_sum = take(a, rows, pass->heads);
    s->ff_scale = take(a, rows, 1);
    s->gate = take(a, rows, pass->gates * pass->ff);
    if (side->decoder)
        lay_cross(pass, a, s, most_cross_p);
}

static void lay_saved(struct t5_pass *pass, struct t5_side *side, struct arena *a, size_t rows,
                      size_t most_cross_p) {
    size_t blocks = side->stack->blocks;
    enum t5_mode mode = pass->plan.mode;
    struct t5_saved shared = {0};
    if (mode != T5_TRAIN_ALL)
        lay_contexts(pass, side, a, &shared, rows);
    side->final_x = take(a, rows, pass->d);
    if (mode == T5_EVALUATE) {
        lay_block(pass, side, a, &shared, rows, most_cross_p);
        shared.x = shared.cross_x = shared.ff_x = side->final_x;
    }
    for (size_t b = 0; b < blocks; b++) {
        struct t5_saved *s = &side->saved[b];
        *s = shared;
        if (mode == T5_EVALUATE)
            continue;
        lay_block(pass, side, a, s, rows, most_cross_p);
        if (mode == T5_TRAIN_ALL)
            lay_contexts(pass, side, a, s, rows);
        s->x = b ? take(a, rows, pass->d) : NULL;
        s->cross_x = side->decoder ? take(a, rows, pass->d) : NULL;
        s->ff_x = take(a, rows, pass->d);
    }
}

static void lay_side(struct t5_pass *pass, struct t5_side *side, struct arena *a, size_t rows, size_t longest,
                     size_t most_cross_p) {
    const struct t5_plan *plan = &pass->plan;
    size_t span = 2 * longest - 1;
    side->soft = side->decoder ? 0 : plan->soft_slots;
    size_t distinct = side->soft + rows;
    side->offset = take_sizes(a, plan->examples + 1);
    side->distinct_input = arena_take(a, distinct, sizeof(int32_t));
    side->distinct_of_row = take_sizes(a, rows);
    side->row_list = take_sizes(a, rows);
    side->row_list_start = take_sizes(a, distinct + 1);
    side->distinct_x = take(a, distinct, pass->d);
    side->distinct_scale = take(a, distinct, 1);
    side->distinct_qkv = take(a, distinct, 3 * pass->inner);
    lay_saved(pass, side, a, rows, most_cross_p);
    side->final_scale = take(a, rows, 1);
    side->out = take(a, rows, pass->d);
    if (plan->mode != T5_EVALUATE) {
        side->d_x = take(a, rows, pass->d);
        side->d_distinct_x = take(a, distinct, pass->d);
        side->d_out = take(a, rows, pass->d);
    }
    side->planned_longest = longest;
    side->bucket = take_sizes(a, span);
    side->bias = take(a, pass->heads, span);
    side->bias_gradient = plan->mode == T5_TRAIN_ALL ? take(a, plan->examples * pass->heads, span) : NULL;
    side->norms = take(a, t5_norm_index(side->stack->blocks, 0) + 1, pass->d);
}

static void lay_backward(struct t5_pass *pass, struct arena *a, size_t rows, size_t most_cross_p) {
    struct t5_work *w = &pass->work;
    const struct t5_plan *plan = &pass->plan;
    w->d_normed = take(a, rows, pass->d);
    w->d_qkv = take(a, rows, 3 * pass->inner);
    w->d_context = take(a, rows, pass->inner);
    if (pass->absorbed) {
        w->d_wide = take(a, plan->decoder_rows, pass->heads * pass->d);
        w->d_mixed = take(a, plan->decoder_rows, pass->heads * pass->d);
        w->d_cross_p = take(a, most_cross_p, 1);
    } else {
        w->d_cross_kv = take(a, plan->encoder_rows, 2 * pass->inner);
    }
    w->norm_parts = plan->mode == T5_TRAIN_ALL ? take(a, rows / ROWS_AN_ITEM + 1, pass->d) : NULL;
}

static void lay_out(struct t5_pass *pass, struct arena *a) {
    const struct t5_plan *plan = &pass->plan;
    struct t5_work *w = &pass->work;
    size_t threads = thread_pool_size(pass->gemm.pool);
    size_t most = plan->encoder_rows + plan->soft_slots;
    if (most < plan->decoder_rows)
        most = plan->decoder_rows;
    size_t longest =
        plan->longest_encoder > plan->longest_decoder ? plan->longest_encoder : plan->longest_decoder;
    // Cross attention has rows x keys weights a head, example by example.
    size_t most_cross_p = plan->decoder_rows * pass->heads * plan->longest_encoder;
    memset(w, 0, sizeof *w);
    pass->gemm.scratch = take(a, gemm_scratch_floats(threads), 1);
    lay_side(pass, &pass->encoder, a, plan->encoder_rows, plan->longest_encoder, most_cross_p);
    lay_side(pass, &pass->decoder, a, plan->decoder_rows, plan->longest_decoder, most_cross_p);
    w->cross_offset = take_sizes(a, plan->examples + 1);
    w->normed = take(a, most, pass->d);
    w->hidden = take(a, most, pass->ff);
    w->scores = take(a, threads * 2 * QUERY_BLOCK, longest);
    size_t head_rows = plan->decoder_rows < LOGIT_ROWS ? plan->decoder_rows : LOGIT_ROWS;
    w->states = take(a, head_rows, 2 * pass->d);
    w->labels = take(a, LABEL_BLOCK, pass->d);
    w->label_part = take(a, head_rows, LABEL_BLOCK);
    if (plan->head_rows >= pass->model->config.vocab_size)
        w->logits = take(a, head_rows, pass->model->config.vocab_size);
    if (plan->mode != T5_EVALUATE)
        lay_backward(pass, a, most, most_cross_p);
}

static bool check_plan(const struct t5_pass *pass, const struct t5_plan *plan, struct error *e) {
    if (plan->mode == T5_TRAIN_ALL && !pass->model->embedding->gradient)
        return error_set(e, ERROR_INPUT,
                         "the model's weights are frozen; make the model trainable before training them");
    size_t sizes[] = {plan->examples,        plan->encoder_rows,    plan->decoder_rows,
                      plan->longest_encoder, plan->longest_decoder, plan->soft_slots + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] == 0 || sizes[i] > MOST_ROWS)
            return error_set(e, ERROR_INPUT,
                             "a batch of %zu examples with %zu encoder and %zu decoder rows cannot be "
                             "planned; use 1 to %d of each",
                             plan->examples, plan->encoder_rows, plan->decoder_rows, MOST_ROWS);
    if (!(plan->dropout >= 0 && plan->dropout < 1) ||
        (plan->dropout > 0 && (plan->mode != T5_TRAIN_ALL || plan->soft_slots)))
        return error_set(
            e, ERROR_INPUT,
            "dropout of %g: give 0 to less than 1, and only where all weights train without a soft prompt",
            (double)plan->dropout);
    if (plan->longest_encoder > plan->encoder_rows || plan->longest_decoder > plan->decoder_rows)
        return error_set(e, ERROR_INPUT, "the longest example has more rows than the whole batch");
    return true;
}

// Without keys and values of all encoder rows, attention costs H d a pair of rows instead of H d_kv: worth it
// while an example's decoder rows are fewer than d_kv by some margin.
bool t5_cross_absorbs(const struct t5_config *config, size_t longest_decoder) {
    return 2 * longest_decoder <= config->d_kv;
}

bool t5_pass_plan(struct t5_pass *pass, const struct t5_plan *plan, struct error *e) {
    if (!check_plan(pass, plan, e))
        return false;
    pass->planned = pass->forwarded = false;
    pass->plan = *plan;
    pass->absorbed = !(plan->dropout > 0) && t5_cross_absorbs(&pass->model->config, plan->longest_decoder);
    struct arena count = {0};
    lay_out(pass, &count);
    if (!arena_reserve(&pass->arena, count.used, e))
        return false;
    lay_out(pass, &pass->arena);
    for (int s = 0; s < 2; s++) {
        struct t5_side *side = s ? &pass->decoder : &pass->encoder;
        long last = (long)side->planned_longest - 1;
        for (long relative = -last; relative <= last; relative++)
            side->bucket[relative + last] = t5_relative_bucket(
                relative, !side->decoder, pass->model->config.num_buckets, pass->model->config.max_distance);
    }
    pass->planned = true;
    return true;
}
