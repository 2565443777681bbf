// SPDX-License-Identifier: GPL-3.0-or-later
// Decoder states at the mask, and what follows from them.
#include "mask.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/tensor/gemm.h"
#include "engine/tensor/rows.h"
#include "engine/tune/objective.h"

// A slice should not keep a training step waiting for long.
enum { BATCH_ROWS = 2048, BATCH_EXAMPLES = 32 };

struct mask_bench {
    struct model *model;
    struct thread_pool *pool;
    int32_t sentinel;
    bool openblas;
    struct t5_pass *pass;
    struct input_set set;
    struct input_batch batch;
    // For products with the head.
    struct gemm gemm;
    float *label_rows, *label_logits, *score; // gathered rows of the head; their logits; scores
    size_t label_capacity, logit_capacity, score_capacity;
    float *logits; // [vocab_size]
};

bool mask_bench_create(struct mask_bench **out, struct model *model, struct thread_pool *pool,
                       int32_t sentinel, bool openblas, struct error *e) {
    struct mask_bench *b = mem_calloc(1, sizeof *b, e);
    *out = NULL;
    if (!b)
        return false;
    b->model = model;
    b->pool = pool;
    b->sentinel = sentinel;
    b->openblas = openblas;
    b->gemm = (struct gemm){.pool = pool, .library = GEMM_OWN};
    b->gemm.scratch = mem_calloc_aligned(gemm_scratch_floats(pool ? thread_pool_size(pool) : 1),
                                         sizeof *b->gemm.scratch, e);
    b->logits = mem_calloc_aligned(model->config.vocab_size, sizeof *b->logits, e);
    if (!b->gemm.scratch || !b->logits || !t5_pass_create(&b->pass, model, pool, e)) {
        mask_bench_free(b);
        return false;
    }
    if (openblas)
        t5_pass_use_library(b->pass, GEMM_OPENBLAS);
    *out = b;
    return true;
}

void mask_bench_free(struct mask_bench *b) {
    if (!b)
        return;
    t5_pass_free(b->pass);
    input_set_free(&b->set);
    input_batch_free(&b->batch);
    free(b->gemm.scratch);
    free(b->label_rows);
    free(b->label_logits);
    free(b->score);
    free(b->logits);
    free(b);
}

struct t5_pass *mask_pass(struct mask_bench *b) {
    return b->pass;
}

size_t mask_width(const struct mask_bench *b) {
    return b->model->config.d_model;
}

size_t mask_batch(size_t longest) {
    size_t n = longest ? BATCH_ROWS / longest : 1;
    return n < 1 ? 1 : n > BATCH_EXAMPLES ? BATCH_EXAMPLES : n;
}

// ---- the pass ----

bool mask_states_of(struct mask_bench *b, const struct input_set *set, size_t first, size_t count,
                    const float *soft, size_t slots, const atomic_bool *cancel, float *states,
                    struct error *e) {
    if (!count)
        return true;
    size_t rows = set->offset[first + count] - set->offset[first];
    const struct t5_plan plan = {.mode = T5_EVALUATE,
                                 .examples = count,
                                 .encoder_rows = rows,
                                 .decoder_rows = count * DECODER_ROWS,
                                 .longest_encoder = set->longest,
                                 .longest_decoder = DECODER_ROWS,
                                 .soft_slots = slots,
                                 .head_rows = 1};
    if (!input_batch_plan(&b->batch, count, rows, b->model->config.decoder_start_id, b->sentinel, e) ||
        !t5_pass_plan(b->pass, &plan, e))
        return false;
    input_batch_fill(&b->batch, set, NULL, first, count);
    if (!t5_forward(b->pass, T5_EVALUATE, &b->batch.t5, soft, cancel, e))
        return false;
    memcpy(states, t5_decoder_states(b->pass),
           count * DECODER_ROWS * b->model->config.d_model * sizeof *states);
    return true;
}

bool mask_states(struct mask_bench *b, const struct pattern *pattern, const struct render_options *options,
                 const float *soft, const struct example *const *examples, size_t count,
                 const atomic_bool *cancel, float *states, struct error *e) {
    return input_set_render(&b->set, pattern, examples, count, options, e) &&
           mask_states_of(b, &b->set, 0, count, soft, pattern->slots, cancel, states, e);
}

// ---- the head ----

// Logits of the verbalizer's ids at the mask of each example, into b->label_logits [count, ids].
static bool label_logits(struct mask_bench *b, const float *states, size_t count, const struct verbalizer *v,
                         struct error *e) {
    size_t d = b->model->config.d_model;
    const struct weight *head = b->model->head;
    if (!mem_grow(&b->label_rows, &b->label_capacity, v->ids * d, sizeof *b->label_rows, e) ||
        !mem_grow(&b->label_logits, &b->logit_capacity, count * v->ids, sizeof *b->label_logits, e))
        return false;
    for (size_t j = 0; j < v->ids; j++)
        dtype_to_float(head->dtype,
                       (const unsigned char *)head->data + (size_t)v->id[j] * d * dtype_size(head->dtype),
                       b->label_rows + j * d, d);
    gemm_nt(count, v->ids, d, states + d, DECODER_ROWS * d, b->label_rows, d, b->label_logits, v->ids, false);
    return true;
}

bool mask_scores(struct mask_bench *b, const float *states, size_t count, const struct verbalizer *v,
                 const size_t *possible, float *score, struct error *e) {
    if (!label_logits(b, states, count, v, e))
        return false;
    for (size_t i = 0; i < count; i++)
        verbalizer_scores(v, b->label_logits + i * v->ids, possible ? possible[i] : 0,
                          score + i * v->classes);
    return true;
}

void mask_probabilities(const float *score, size_t classes, float *probability) {
    double top = -INFINITY, sum = 0;
    for (size_t c = 0; c < classes; c++)
        top = score[c] > top ? score[c] : top;
    for (size_t c = 0; c < classes; c++)
        sum += exp(score[c] - top);
    for (size_t c = 0; c < classes; c++)
        probability[c] = (float)(exp(score[c] - top) / sum);
}

// Logits of one decoder row over the whole vocabulary.
static void row_logits(struct mask_bench *b, const float *row, float *logits) {
    gemm_forward(&b->gemm, 1, row, b->model->config.d_model, b->model->head, logits,
                 b->model->config.vocab_size, false);
}

void mask_logits(struct mask_bench *b, const float *state, float *logits) {
    row_logits(b, state + b->model->config.d_model, logits);
}

void mask_likely(const float *logits, size_t ids, size_t k, struct likely_token *out) {
    size_t have = 0;
    double top = -INFINITY, sum = 0;
    for (size_t i = 0; i < ids; i++)
        top = logits[i] > top ? logits[i] : top;
    for (size_t i = 0; i < ids; i++) {
        sum += exp(logits[i] - top);
        size_t at = have;
        for (; at > 0 && logits[out[at - 1].id] < logits[i]; at--)
            if (at < k)
                out[at] = out[at - 1];
        if (at < k)
            out[at].id = (int32_t)i;
        have += have < k;
    }
    for (size_t i = 0; i < have; i++)
        out[i].probability = (float)(exp(logits[out[i].id] - top) / sum);
}

// ---- scoring ----

// The rule of the paper's code: arg max over the whole vocabulary, mean loss of both rows.
static double whole_vocabulary(struct mask_bench *b, const float *state, const struct verbalizer *v,
                               size_t label, size_t possible, size_t *predicted) {
    size_t vocabulary = b->model->config.vocab_size;
    bool labelled = label != TASK_NO_LABEL;
    double loss = 0;
    float log_sum;
    row_logits(b, state, b->logits);
    if (labelled)
        loss += 0.5 * rows_cross_entropy(b->logits, vocabulary, (size_t)b->sentinel, &log_sum);
    mask_logits(b, state, b->logits);
    int32_t best = (int32_t)rows_arg_max(b->logits, vocabulary);
    if (labelled)
        loss +=
            0.5 * rows_cross_entropy(b->logits, vocabulary, (size_t)verbalizer_target(v, label), &log_sum);
    *predicted = PREDICTED_ELSEWHERE;
    for (size_t c = possible && possible < v->classes ? possible : v->classes; c-- > 0;)
        if (verbalizer_target(v, c) == best)
            *predicted = c;
    return loss;
}

bool mask_evaluate(struct mask_bench *b, const float *states, size_t count, const struct verbalizer *v,
                   enum run_loss loss, const size_t *label, const size_t *possible, size_t *predicted,
                   double *loss_of, struct evaluation *out, struct error *e) {
    size_t stride = DECODER_ROWS * b->model->config.d_model;
    if (!mem_grow(&b->score, &b->score_capacity, count * v->classes, sizeof *b->score, e) ||
        (loss == LOSS_CLEAN && !mask_scores(b, states, count, v, possible, b->score, e)))
        return false;
    for (size_t i = 0; i < count; i++) {
        size_t classes = possible[i] && possible[i] < v->classes ? possible[i] : v->classes, guess;
        double lost = loss == LOSS_CLEAN
                          ? objective_class_loss(b->score + i * v->classes, classes, label[i], &guess)
                          : whole_vocabulary(b, states + i * stride, v, label[i], possible[i], &guess);
        evaluation_count(out, label[i], guess, lost);
        if (predicted)
            predicted[i] = guess;
        if (loss_of)
            loss_of[i] = lost;
    }
    return true;
}
