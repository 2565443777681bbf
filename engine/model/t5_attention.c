// SPDX-License-Identifier: GPL-3.0-or-later
// Attention of every (example, head): scores, relative bias, softmax, mixing, and the same backwards.
//
// Probabilities are never kept: the backward pass computes them again from each query's log-sum, block of
// queries by block, which costs less than writing them to memory and reading them back.
#include "t5_inside.h"

#include <math.h>
#include <string.h>

#include "engine/tensor/rows.h"

size_t t5_relative_bucket(long relative, bool bidirectional, size_t num_buckets, size_t max_distance) {
    size_t n = bidirectional ? num_buckets / 2 : num_buckets;
    size_t base = bidirectional && relative > 0 ? n : 0;
    size_t distance = relative < 0 ? (size_t)-relative : bidirectional ? (size_t)relative : 0;
    size_t exact = n / 2;
    if (distance < exact || n < 2)
        return n < 2 ? base : base + distance;
    if (max_distance <= exact || distance >= max_distance)
        return base + n - 1;
    // Where the logarithm is a whole number in exact arithmetic, its rounding must not fall below it.
    double place = log((double)distance / (double)exact) / log((double)max_distance / (double)exact) *
                   (double)(n - exact);
    size_t bucket = exact + (size_t)floor(place + 1e-9);
    return base + (bucket < n - 1 ? bucket : n - 1);
}

static size_t span_of(const struct t5_side *side) {
    return 2 * side->planned_longest - 1;
}

void t5_bias_prepare(struct t5_pass *pass, struct t5_side *side) {
    const struct weight *w = side->stack->position_bias;
    size_t span = span_of(side), centre = side->planned_longest - 1;
    for (size_t at = centre - (side->longest - 1); at <= centre + side->longest - 1; at++) {
        size_t element = side->bucket[at] * w->columns;
        for (size_t h = 0; h < pass->heads; h++)
            dtype_to_float(w->dtype, (const unsigned char *)w->data + (element + h) * dtype_size(w->dtype),
                           side->bias + h * span + at, 1);
    }
    if (pass->mode == T5_TRAIN_ALL)
        t5_zero(pass, side->bias_gradient, side->examples * pass->heads, span);
}

void t5_bias_backward(struct t5_pass *pass, struct t5_side *side) {
    float *gradient = side->stack->position_bias->gradient;
    size_t span = span_of(side), heads = pass->heads;
    for (size_t part = 0; part < side->examples * heads; part++)
        for (size_t at = 0; at < span; at++)
            gradient[side->bucket[at] * heads + part % heads] += side->bias_gradient[part * span + at];
}

// One (example, head) at work.
struct item {
    const struct t5_attention_run *run;
    size_t example, head, queries, keys;
    const float *q, *k, *v; // of this example and head
    const float *bias;      // at distance 0, or NULL
    size_t first_row;       // of the example's queries
    float *scores, *d_scores;
};

static struct item open_item(const struct t5_attention_run *run, size_t number, size_t worker) {
    const struct t5_pass *pass = run->pass;
    size_t b = number / pass->heads, h = number % pass->heads, column = h * pass->width;
    size_t longest = pass->plan.longest_encoder > pass->plan.longest_decoder ? pass->plan.longest_encoder
                                                                             : pass->plan.longest_decoder;
    float *scratch = pass->work.scores + worker * 2 * QUERY_BLOCK * longest;
    size_t first_key = run->k_offset[b];
    return (struct item){
        .run = run,
        .example = b,
        .head = h,
        .queries = run->q_offset[b + 1] - run->q_offset[b],
        .keys = run->k_offset[b + 1] - first_key,
        .q = run->q + run->q_offset[b] * run->q_stride + column,
        .k = run->k + first_key * run->kv_stride + column,
        .v = run->v + first_key * run->kv_stride + column,
        .bias = run->bias ? run->bias->bias + h * span_of(run->bias) + run->bias->planned_longest - 1 : NULL,
        .first_row = run->q_offset[b],
        .scores = scratch,
        .d_scores = scratch + QUERY_BLOCK * longest,
    };
}

// Attention weights fall out by (query, head, key).
static void drop_weights(const struct item *it, size_t query, float *row, size_t keys) {
    const struct t5_pass *pass = it->run->pass;
    if (!pass->dropping)
        return;
    size_t longest = pass->plan.longest_encoder > pass->plan.longest_decoder ? pass->plan.longest_encoder
                                                                             : pass->plan.longest_decoder;
    size_t first = ((it->first_row + query) * pass->heads + it->head) * longest;
    rows_dropout(row, row, keys, (uint32_t)first, it->run->dropout_key, pass->plan.dropout);
}

// A block of queries sees the keys [0, block.keys); under the causal mask query i only those up to i.
struct block {
    size_t first, queries, keys;
};

static struct block open_block(const struct item *it, size_t first) {
    size_t queries = it->queries - first < QUERY_BLOCK ? it->queries - first : QUERY_BLOCK;
    return (struct block){first, queries, it->run->causal ? first + queries : it->keys};
}

static size_t keys_of(const struct item *it, const struct block *bl, size_t i) {
    return it->run->causal ? bl->first + i + 1 : bl->keys;
}

static void compute_scores(const struct item *it, const struct block *bl) {
    const struct t5_attention_run *run = it->run;
    gemm_nt(bl->queries, bl->keys, run->pass->width, it->q + bl->first * run->q_stride, run->q_stride, it->k,
            run->kv_stride, it->scores, bl->keys, false);
}

static void forward_block(const struct item *it, const struct block *bl) {
    const struct t5_attention_run *run = it->run;
    const struct t5_pass *pass = run->pass;
    float factor[QUERY_BLOCK];
    bool watched = pass->watch.attention != NULL;
    compute_scores(it, bl);
    for (size_t i = 0; i < bl->queries; i++) {
        size_t query = bl->first + i, keys = keys_of(it, bl, i);
        float *row = it->scores + i * bl->keys;
        float *log_sum = run->log_sum + (it->first_row + query) * pass->heads + it->head;
        factor[i] = 1.0f / rows_softmax(row, keys, it->bias ? it->bias - query : NULL, log_sum);
        drop_weights(it, query, row, keys);
        memset(row + keys, 0, (bl->keys - keys) * sizeof *row);
        if (watched) {
            rows_scale(row, keys, factor[i]);
            factor[i] = 1.0f;
        }
    }
    if (watched)
        pass->watch.attention(pass->watch.context, run->which, it->example, it->head, bl->first, bl->queries,
                              bl->keys, it->scores, bl->keys);
    float *context = run->context + (it->first_row + bl->first) * pass->inner + it->head * pass->width;
    gemm_nn(bl->queries, pass->width, bl->keys, it->scores, bl->keys, it->v, run->kv_stride, context,
            pass->inner, false);
    for (size_t i = 0; i < bl->queries; i++)
        rows_scale(context + i * pass->inner, pass->width, factor[i]);
}

static void forward_item(void *context, size_t number, size_t worker) {
    struct item it = open_item(context, number, worker);
    for (size_t first = 0; first < it.queries; first += QUERY_BLOCK) {
        struct block bl = open_block(&it, first);
        forward_block(&it, &bl);
    }
}

void t5_attention_forward(struct t5_attention_run *run) {
    thread_pool_run(run->pass->gemm.pool, run->examples * run->pass->heads, forward_item, run);
}

static void add_bias_gradient(const struct item *it, const struct block *bl) {
    const struct t5_side *side = it->run->bias;
    size_t span = span_of(side);
    float *part = it->run->bias_gradient + (it->example * it->run->pass->heads + it->head) * span;
    for (size_t i = 0; i < bl->queries; i++)
        rows_add(part + side->planned_longest - 1 - (bl->first + i), it->d_scores + i * bl->keys,
                 keys_of(it, bl, i));
}

static void backward_block(const struct item *it, const struct block *bl, float *d_q, float *d_k,
                           float *d_v) {
    const struct t5_attention_run *run = it->run;
    const struct t5_pass *pass = run->pass;
    const float *d_context =
        run->d_context + (it->first_row + bl->first) * pass->inner + it->head * pass->width;
    compute_scores(it, bl);
    gemm_nt(bl->queries, bl->keys, pass->width, d_context, pass->inner, it->v, run->kv_stride, it->d_scores,
            bl->keys, false);
    for (size_t i = 0; i < bl->queries; i++) {
        size_t query = bl->first + i, keys = keys_of(it, bl, i);
        float *p = it->scores + i * bl->keys, *d_p = it->d_scores + i * bl->keys;
        float log_sum = run->log_sum[(it->first_row + query) * pass->heads + it->head];
        rows_softmax_again(p, keys, it->bias ? it->bias - query : NULL, log_sum);
        drop_weights(it, query, d_p, keys);
        rows_softmax_backward(p, d_p, keys);
        drop_weights(it, query, p, keys);
        memset(p + keys, 0, (bl->keys - keys) * sizeof *p);
        memset(d_p + keys, 0, (bl->keys - keys) * sizeof *d_p);
    }
    if (run->bias_gradient)
        add_bias_gradient(it, bl);
    const float *q = it->q + bl->first * run->q_stride;
    gemm_tn(bl->keys, pass->width, bl->queries, it->scores, bl->keys, d_context, pass->inner, d_v,
            run->kv_stride, true);
    gemm_tn(bl->keys, pass->width, bl->queries, it->d_scores, bl->keys, q, run->q_stride, d_k, run->kv_stride,
            true);
    gemm_nn(bl->queries, pass->width, bl->keys, it->d_scores, bl->keys, it->k, run->kv_stride,
            d_q + bl->first * run->q_stride, run->q_stride, false);
}

static void backward_item(void *context, size_t number, size_t worker) {
    const struct t5_attention_run *run = context;
    struct item it = open_item(run, number, worker);
    size_t column = it.head * run->pass->width, first_key = run->k_offset[it.example];
    float *d_q = run->d_q + it.first_row * run->q_stride + column;
    float *d_k = run->d_k + first_key * run->kv_stride + column;
    float *d_v = run->d_v + first_key * run->kv_stride + column;
    for (size_t j = 0; j < it.keys; j++) {
        memset(d_k + j * run->kv_stride, 0, run->pass->width * sizeof *d_k);
        memset(d_v + j * run->kv_stride, 0, run->pass->width * sizeof *d_v);
    }
    for (size_t first = 0; first < it.queries; first += QUERY_BLOCK) {
        struct block bl = open_block(&it, first);
        backward_block(&it, &bl, d_q, d_k, d_v);
    }
}

void t5_attention_backward(struct t5_attention_run *run) {
    thread_pool_run(run->pass->gemm.pool, run->examples * run->pass->heads, backward_item, run);
}
