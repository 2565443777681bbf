// SPDX-License-Identifier: GPL-3.0-or-later
// From decoder states to logits and losses, and back: some label words, or the whole vocabulary in pieces.
#include "t5_inside.h"

#include <assert.h>
#include <string.h>

#include "engine/tensor/rows.h"

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static size_t rows_at_once(const struct t5_pass *pass) {
    return least(pass->plan.decoder_rows, LOGIT_ROWS);
}

// Decoder states of the given rows, one after the other.
static void gather_states(const struct t5_pass *pass, const size_t *rows, size_t count, float *to) {
    for (size_t i = 0; i < count; i++)
        memcpy(to + i * pass->d, pass->decoder.out + rows[i] * pass->d, pass->d * sizeof *to);
}

static void add_to_state_gradients(struct t5_pass *pass, const size_t *rows, size_t count,
                                   const float *from) {
    for (size_t i = 0; i < count; i++)
        rows_add(pass->decoder.d_out + rows[i] * pass->d, from + i * pass->d, pass->d);
}

static void gather_head(const struct t5_pass *pass, const int32_t *ids, size_t count, float *to) {
    const struct weight *head = pass->model->head;
    size_t bytes = pass->d * dtype_size(head->dtype);
    for (size_t j = 0; j < count; j++) {
        assert(ids[j] >= 0 && (size_t)ids[j] < head->rows && "an id of the vocabulary");
        dtype_to_float(head->dtype, (const unsigned char *)head->data + (size_t)ids[j] * bytes,
                       to + j * pass->d, pass->d);
    }
}

void t5_logits(struct t5_pass *pass, const size_t *rows, size_t row_count, const int32_t *ids,
               size_t ids_count, float *out) {
    struct t5_work *w = &pass->work;
    size_t d = pass->d, wide = ids ? ids_count : pass->model->config.vocab_size;
    for (size_t from = 0; from < row_count; from += rows_at_once(pass)) {
        size_t count = least(rows_at_once(pass), row_count - from);
        float *to = out + from * wide;
        gather_states(pass, rows + from, count, w->states);
        if (!ids)
            gemm_forward(&pass->gemm, count, w->states, d, pass->model->head, to, wide, false);
        for (size_t j = 0; ids && j < ids_count; j += LABEL_BLOCK) {
            size_t some = least(LABEL_BLOCK, ids_count - j);
            gather_head(pass, ids + j, some, w->labels);
            gemm_nt(count, some, d, w->states, d, w->labels, d, to + j, wide, false);
        }
    }
}

// A block of label words: their logits' gradients to the states, and to their rows of the head.
static void label_block_backward(struct t5_pass *pass, const float *d_logits, size_t stride, size_t count,
                                 const int32_t *ids, size_t some, float *d_states) {
    struct t5_work *w = &pass->work;
    size_t d = pass->d;
    gather_head(pass, ids, some, w->labels);
    gemm_nn(count, d, some, d_logits, stride, w->labels, d, d_states, d, true);
    if (pass->mode != T5_TRAIN_ALL)
        return;
    gemm_tn(some, d, count, d_logits, stride, w->states, d, w->labels, d, false);
    for (size_t j = 0; j < some; j++)
        rows_add(pass->model->head->gradient + (size_t)ids[j] * d, w->labels + j * d, d);
}

void t5_logits_backward(struct t5_pass *pass, const size_t *rows, size_t row_count, const int32_t *ids,
                        size_t ids_count, const float *d_logits) {
    struct t5_work *w = &pass->work;
    size_t d = pass->d, wide = ids ? ids_count : pass->model->config.vocab_size;
    assert(pass->mode != T5_EVALUATE && "gradients need a training pass");
    float *d_states = w->states + rows_at_once(pass) * d;
    for (size_t from = 0; from < row_count; from += rows_at_once(pass)) {
        size_t count = least(rows_at_once(pass), row_count - from);
        const float *dy = d_logits + from * wide;
        gather_states(pass, rows + from, count, w->states);
        memset(d_states, 0, count * d * sizeof *d_states);
        if (!ids) {
            gemm_backward(&pass->gemm, count, dy, wide, pass->model->head, d_states, d, false);
            t5_weight_gradient(pass, count, dy, wide, w->states, d, pass->model->head);
        }
        for (size_t j = 0; ids && j < ids_count; j += LABEL_BLOCK)
            label_block_backward(pass, dy + j, wide, count, ids + j, least(LABEL_BLOCK, ids_count - j),
                                 d_states);
        add_to_state_gradients(pass, rows + from, count, d_states);
    }
}

// A batch of labelled rows with the logits of each in work.logits.
struct loss_run {
    struct t5_pass *pass;
    const int32_t *labels;
    const float *row_weight;
    double *row_loss;
    int32_t *arg_max;
    size_t rows[LOGIT_ROWS];
    size_t count;
};

static void lose_row(void *context, size_t i, size_t worker) {
    const struct loss_run *run = context;
    size_t vocabulary = run->pass->model->config.vocab_size, row = run->rows[i];
    float *logits = run->pass->work.logits + i * vocabulary, log_sum;
    (void)worker;
    run->row_loss[row] = rows_cross_entropy(logits, vocabulary, (size_t)run->labels[row], &log_sum);
    if (run->arg_max)
        run->arg_max[row] = (int32_t)rows_arg_max(logits, vocabulary);
    if (run->row_weight)
        rows_cross_entropy_backward(logits, vocabulary, (size_t)run->labels[row], log_sum,
                                    run->row_weight[row]);
}

static void lose_rows(struct loss_run *run) {
    struct t5_pass *pass = run->pass;
    struct t5_work *w = &pass->work;
    size_t vocabulary = pass->model->config.vocab_size;
    gather_states(pass, run->rows, run->count, w->states);
    gemm_forward(&pass->gemm, run->count, w->states, pass->d, pass->model->head, w->logits, vocabulary,
                 false);
    thread_pool_run(pass->gemm.pool, run->count, lose_row, run);
    if (run->row_weight) {
        float *d_states = w->states + rows_at_once(pass) * pass->d;
        gemm_backward(&pass->gemm, run->count, w->logits, vocabulary, pass->model->head, d_states, pass->d,
                      false);
        t5_weight_gradient(pass, run->count, w->logits, vocabulary, w->states, pass->d, pass->model->head);
        add_to_state_gradients(pass, run->rows, run->count, d_states);
    }
    run->count = 0;
}

bool t5_vocabulary_loss_until(struct t5_pass *pass, const int32_t *labels, const float *row_weight,
                              double *row_loss, int32_t *arg_max, const atomic_bool *cancel,
                              struct error *e) {
    struct loss_run run = {
        .pass = pass, .labels = labels, .row_weight = row_weight, .row_loss = row_loss, .arg_max = arg_max};
    assert(pass->work.logits && "plan with head_rows = vocab_size");
    assert((!row_weight || pass->mode != T5_EVALUATE) && "gradients need a training pass");
    t5_listen(pass, cancel);
    for (size_t r = 0; r < pass->decoder.rows && !t5_stopped(pass, e); r++) {
        assert(labels[r] < (int32_t)pass->model->config.vocab_size && "an id of the vocabulary");
        if (labels[r] < 0)
            row_loss[r] = 0;
        else
            run.rows[run.count++] = r;
        if (run.count == rows_at_once(pass))
            lose_rows(&run);
    }
    if (run.count && !t5_stopped(pass, e))
        lose_rows(&run);
    bool done = !t5_stopped(pass, e);
    t5_listen(pass, NULL);
    return done;
}

void t5_vocabulary_loss(struct t5_pass *pass, const int32_t *labels, const float *row_weight,
                        double *row_loss, int32_t *arg_max) {
    t5_vocabulary_loss_until(pass, labels, row_weight, row_loss, arg_max, NULL, NULL);
}
