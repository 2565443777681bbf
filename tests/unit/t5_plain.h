// SPDX-License-Identifier: GPL-3.0-or-later
// T5 in double, one example after the other, written from the formulas alone: what the engine is held
// against.
#ifndef PROMPTER_TESTS_T5_PLAIN_H
#define PROMPTER_TESTS_T5_PLAIN_H

#include <math.h>

#include "t5_toy.h"

// One element of one weight (or of the soft prompt, weight NULL) moved by a little.
struct nudge {
    bool soft;
    const struct weight *w;
    size_t element;
    double by;
};

static inline double element_of(const struct weight *w, size_t i, const struct nudge *n) {
    float value;
    dtype_to_float(w->dtype, (const char *)w->data + i * dtype_size(w->dtype), &value, 1);
    return value + (n && n->w == w && n->element == i ? n->by : 0);
}

// Owned copy of all elements.
static inline double *matrix_of(const struct weight *w, const struct nudge *n) {
    double *x = malloc(w->rows * w->columns * sizeof *x);
    for (size_t i = 0; i < w->rows * w->columns; i++)
        x[i] = element_of(w, i, n);
    return x;
}

// Owned x Wᵀ; x [rows, in].
static inline double *times(const double *x, size_t rows, const struct weight *w, const struct nudge *n) {
    double *y = calloc(rows * w->rows + 1, sizeof *y), *m = matrix_of(w, n);
    for (size_t r = 0; r < rows; r++)
        for (size_t o = 0; o < w->rows; o++)
            for (size_t i = 0; i < w->columns; i++)
                y[r * w->rows + o] += x[r * w->columns + i] * m[o * w->columns + i];
    free(m);
    return y;
}

static inline double *normed(const double *x, size_t rows, const struct weight *w, double epsilon,
                             const struct nudge *n) {
    size_t d = w->columns;
    double *y = malloc(rows * d * sizeof *y);
    for (size_t r = 0; r < rows; r++) {
        double sum = 0;
        for (size_t j = 0; j < d; j++)
            sum += x[r * d + j] * x[r * d + j];
        for (size_t j = 0; j < d; j++)
            y[r * d + j] = x[r * d + j] / sqrt(sum / (double)d + epsilon) * element_of(w, j, n);
    }
    return y;
}

static inline void add_and_free(double *x, double *y, size_t count) {
    for (size_t i = 0; i < count; i++)
        x[i] += y[i];
    free(y);
}

// x += attention of norm(x) over keys from `memory` (NULL: itself, with the stack's bias).
static inline void plain_attention(const struct model *m, double *x, size_t rows,
                                   const struct t5_attention *a, const struct t5_stack *stack, bool causal,
                                   const double *memory, size_t keys, const struct nudge *n) {
    const struct t5_config *c = &m->config;
    size_t k = c->d_kv, inner = c->num_heads * k;
    double *y = normed(x, rows, a->norm, c->layer_norm_epsilon, n);
    double *q = times(y, rows, a->q, n), *mixed = calloc(rows * inner, sizeof *mixed);
    double *key = times(memory ? memory : y, keys, a->k, n),
           *value = times(memory ? memory : y, keys, a->v, n);
    double *p = malloc(keys * sizeof *p);
    for (size_t h = 0; h < c->num_heads; h++)
        for (size_t i = 0; i < rows; i++) {
            double sum = 0;
            size_t seen = causal ? i + 1 : keys;
            for (size_t j = 0; j < seen; j++) {
                double score = 0;
                for (size_t s = 0; s < k; s++)
                    score += q[i * inner + h * k + s] * key[j * inner + h * k + s];
                size_t bucket =
                    t5_relative_bucket((long)j - (long)i, !causal, c->num_buckets, c->max_distance);
                if (!memory)
                    score += element_of(stack->position_bias, bucket * c->num_heads + h, n);
                sum += p[j] = exp(score);
            }
            for (size_t j = 0; j < seen; j++)
                for (size_t s = 0; s < k; s++)
                    mixed[i * inner + h * k + s] += p[j] / sum * value[j * inner + h * k + s];
        }
    add_and_free(x, times(mixed, rows, a->o, n), rows * c->d_model);
    free(y), free(q), free(key), free(value), free(p), free(mixed);
}

static inline void plain_feed_forward(const struct model *m, double *x, size_t rows,
                                      const struct t5_feed_forward *f, const struct nudge *n) {
    size_t ff = m->config.d_ff;
    double *y = normed(x, rows, f->norm, m->config.layer_norm_epsilon, n), *a = times(y, rows, f->wi_0, n);
    double *b = f->wi_1 ? times(y, rows, f->wi_1, n) : NULL;
    for (size_t i = 0; i < rows * ff; i++) {
        double gelu = 0.5 * a[i] * (1 + tanh(0.7978845608028654 * (a[i] + 0.044715 * a[i] * a[i] * a[i])));
        a[i] = b ? gelu * b[i] : fmax(a[i], 0);
    }
    add_and_free(x, times(a, rows, f->wo, n), rows * m->config.d_model);
    free(y), free(a), free(b);
}

// Owned rows after the final norm.
static inline double *plain_stack(const struct model *m, const struct t5_stack *stack, const int32_t *input,
                                  size_t rows, const float *soft, const double *memory, size_t keys,
                                  const struct nudge *n) {
    size_t d = m->config.d_model;
    double *x = malloc(rows * d * sizeof *x);
    for (size_t r = 0; r < rows; r++)
        for (size_t j = 0; j < d; j++) {
            size_t at = (size_t)(input[r] < 0 ? -1 - input[r] : input[r]) * d + j;
            if (input[r] >= 0)
                x[r * d + j] = element_of(m->embedding, at, n);
            else
                x[r * d + j] = soft[at] + (n && n->soft && n->element == at ? n->by : 0);
        }
    for (size_t b = 0; b < stack->blocks; b++) {
        plain_attention(m, x, rows, &stack->block[b].self, stack, memory != NULL, NULL, rows, n);
        if (memory)
            plain_attention(m, x, rows, &stack->block[b].cross, stack, false, memory, keys, n);
        plain_feed_forward(m, x, rows, &stack->block[b].feed_forward, n);
    }
    double *out = normed(x, rows, stack->final_norm, m->config.layer_norm_epsilon, n);
    free(x);
    return out;
}

// The weighted loss of the batch; where wanted, encoder states and logits of every row.
static inline double plain_loss(const struct model *m, const struct toy_batch *t, const float *soft,
                                const struct nudge *n, double *states, double *logits) {
    size_t d = m->config.d_model, vocabulary = m->config.vocab_size;
    double loss = 0;
    for (size_t b = 0; b < t->b.examples; b++) {
        size_t at = t->encoder_offset[b], from = t->decoder_offset[b];
        size_t rows = t->encoder_offset[b + 1] - at, targets = t->decoder_offset[b + 1] - from;
        double *memory = plain_stack(m, &m->encoder, t->encoder + at, rows, soft, NULL, 0, n);
        double *out = plain_stack(m, &m->decoder, t->decoder + from, targets, NULL, memory, rows, n);
        for (size_t i = 0; m->config.scale_decoder_outputs && i < targets * d; i++)
            out[i] /= sqrt((double)d);
        double *z = times(out, targets, m->head, n);
        for (size_t i = 0; i < targets; i++) {
            double sum = 0;
            for (size_t v = 0; v < vocabulary; v++)
                sum += exp(z[i * vocabulary + v]);
            if (t->labels[from + i] >= 0)
                loss += t->weight[from + i] * (log(sum) - z[i * vocabulary + (size_t)t->labels[from + i]]);
        }
        if (states)
            memcpy(states + at * d, memory, rows * d * sizeof *states);
        if (logits)
            memcpy(logits + from * vocabulary, z, targets * vocabulary * sizeof *logits);
        free(memory), free(out), free(z);
    }
    return loss;
}

#endif
