// SPDX-License-Identifier: GPL-3.0-or-later
// Updates in blocks of rows: each pass over the parameters is one loop of the pool, and sums of a pass are
// kept by block and added in order.
#include "optimizer.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

enum {
    BLOCK_ELEMENTS = 16384,
    MOST_BLOCKS = 64, // of one parameter, so that column sums of a large matrix stay small
};
static const double TINY = 1e-30; // Adafactor's regularization constant of squared gradients

struct parameter {
    struct optimizer_parameter p; // a vector is kept as [n, 1]
    bool factored;
    float *m, *v;        // [rows, columns], or NULL
    float *row, *column; // [rows], [columns] when factored
    float *column_parts; // [blocks, columns]
    size_t first_block, blocks, rows_a_block;
    double mean_row; // of R, this step
    double scale;    // 1 / max(1, RMS), this step
    double rate_factor, decay_factor;
};

struct block {
    size_t parameter, first_row, rows;
    double squares, changed, values; // sums of this pass
};

struct optimizer {
    struct optimizer_settings settings;
    struct thread_pool *pool;
    struct parameter *parameter;
    size_t parameters, elements;
    struct block *block;
    size_t blocks;
    struct arena state, parts;
    size_t steps;
    // This step's numbers, read by the blocks.
    double rate, factor; // factor: from clipping
    double beta, root_correction, step_size;
};

struct optimizer_settings optimizer_settings_default(enum optimizer_kind kind) {
    return (struct optimizer_settings){.kind = kind,
                                       .beta1 = 0.9,
                                       .beta2 = 0.999,
                                       .epsilon = 1e-8,
                                       .momentum = kind == OPTIMIZER_SGD ? 0.9 : 0,
                                       .factored = true};
}

// ---- making ----

static bool keeps_m(const struct optimizer_settings *s) {
    return s->kind == OPTIMIZER_ADAM || s->kind == OPTIMIZER_ADAMW ||
           (s->kind == OPTIMIZER_SGD && s->momentum != 0);
}

static void lay_state(struct optimizer *o) {
    for (size_t i = 0; i < o->parameters; i++) {
        struct parameter *q = &o->parameter[i];
        size_t rows = q->p.rows, columns = q->p.columns;
        if (keeps_m(&o->settings))
            q->m = arena_floats(&o->state, rows * columns);
        if (o->settings.kind != OPTIMIZER_SGD && !q->factored)
            q->v = arena_floats(&o->state, rows * columns);
        if (!q->factored)
            continue;
        q->row = arena_floats(&o->state, rows);
        q->column = arena_floats(&o->state, columns);
        q->column_parts = arena_floats(&o->parts, q->blocks * columns);
    }
}

static void take_parameter(struct optimizer *o, size_t i, const struct optimizer_parameter *p) {
    struct parameter *q = &o->parameter[i];
    bool vector = p->rows == 1 || p->columns == 1;
    q->p = *p;
    q->rate_factor = q->decay_factor = 1;
    if (vector) {
        q->p.rows = p->rows * p->columns;
        q->p.columns = 1;
    }
    q->factored = o->settings.kind == OPTIMIZER_ADAFACTOR && o->settings.factored && !vector;
    size_t rows = BLOCK_ELEMENTS / q->p.columns + 1;
    if (rows * MOST_BLOCKS < q->p.rows)
        rows = (q->p.rows + MOST_BLOCKS - 1) / MOST_BLOCKS;
    q->rows_a_block = rows;
    q->first_block = o->blocks;
    q->blocks = (q->p.rows + rows - 1) / rows;
    o->blocks += q->blocks;
    o->elements += q->p.rows * q->p.columns;
}

static void fill_blocks(struct optimizer *o) {
    for (size_t i = 0; i < o->parameters; i++) {
        const struct parameter *q = &o->parameter[i];
        for (size_t b = 0; b < q->blocks; b++) {
            size_t first = b * q->rows_a_block, left = q->p.rows - first;
            o->block[q->first_block + b] = (struct block){
                .parameter = i, .first_row = first, .rows = left < q->rows_a_block ? left : q->rows_a_block};
        }
    }
}

bool optimizer_create(struct optimizer **out, const struct optimizer_settings *settings,
                      const struct optimizer_parameter *parameters, size_t count, struct thread_pool *pool,
                      struct error *e) {
    *out = NULL;
    struct optimizer *o = mem_calloc(1, sizeof *o, e);
    if (!o)
        return false;
    o->settings = *settings;
    o->pool = pool;
    o->parameter = mem_calloc(count, sizeof *o->parameter, e);
    if (!o->parameter)
        goto failed;
    o->parameters = count;
    for (size_t i = 0; i < count; i++)
        take_parameter(o, i, &parameters[i]);
    o->block = mem_calloc(o->blocks, sizeof *o->block, e);
    if (!o->block)
        goto failed;
    fill_blocks(o);
    lay_state(o);
    size_t state = o->state.used, parts = o->parts.used;
    if (!arena_reserve(&o->state, state, e) || !arena_reserve(&o->parts, parts, e))
        goto failed;
    lay_state(o);
    optimizer_reset(o);
    *out = o;
    return true;
failed:
    optimizer_free(o);
    return false;
}

void optimizer_free(struct optimizer *o) {
    if (!o)
        return;
    arena_free(&o->state);
    arena_free(&o->parts);
    free(o->block);
    free(o->parameter);
    free(o);
}

void optimizer_set_factors(struct optimizer *o, size_t i, double rate, double decay) {
    assert(i < o->parameters && rate >= 0 && decay >= 0);
    o->parameter[i].rate_factor = rate;
    o->parameter[i].decay_factor = decay;
}

void optimizer_reset(struct optimizer *o) {
    if (o->state.base)
        memset(o->state.base, 0, o->state.capacity);
    o->steps = 0;
}

// ---- passes ----

// What a block works on: `count` elements that lie together.
struct span {
    const struct parameter *q;
    struct block *block;
    float *value;
    const float *gradient;
    size_t at, count; // at: of the block's first element in the parameter
};

static struct span span_of(const struct optimizer *o, size_t item) {
    struct block *b = &o->block[item];
    const struct parameter *q = &o->parameter[b->parameter];
    size_t at = b->first_row * q->p.columns;
    return (struct span){q, b, q->p.value + at, q->p.gradient + at, at, b->rows * q->p.columns};
}

static void square_block(void *context, size_t item, size_t worker) {
    struct span s = span_of(context, item);
    double sum = 0;
    (void)worker;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < s.count; i++)
        sum += (double)s.gradient[i] * (double)s.gradient[i];
    s.block->squares = sum;
}

// After an update: what it changed and what is there now.
static void measure(const struct span *s, double changed) {
    double values = 0;
#pragma omp simd reduction(+ : values)
    for (size_t i = 0; i < s->count; i++)
        values += (double)s->value[i] * (double)s->value[i];
    s->block->changed = changed;
    s->block->values = values;
}

// What a step takes off each element, as a share of it.
static float decay_of(const struct optimizer *o, const struct parameter *q) {
    return (float)(o->rate * q->rate_factor * o->settings.weight_decay * q->decay_factor);
}

static void adam_block(void *context, size_t item, size_t worker) {
    const struct optimizer *o = context;
    struct span s = span_of(o, item);
    float *restrict m = s.q->m + s.at, *restrict v = s.q->v + s.at, *restrict p = s.value;
    const float *restrict gradient = s.gradient;
    float b1 = (float)o->settings.beta1, a1 = (float)(1 - o->settings.beta1);
    float b2 = (float)o->settings.beta2, a2 = (float)(1 - o->settings.beta2);
    float factor = (float)o->factor, size = (float)(o->step_size * s.q->rate_factor),
          root = (float)o->root_correction;
    float epsilon = (float)o->settings.epsilon;
    float decay = o->settings.kind == OPTIMIZER_ADAMW ? decay_of(o, s.q) : 0;
    double changed = 0;
    (void)worker;
#pragma omp simd reduction(+ : changed)
    for (size_t i = 0; i < s.count; i++) {
        float g = gradient[i] * factor;
        m[i] = b1 * m[i] + a1 * g;
        v[i] = b2 * v[i] + a2 * g * g;
        float change = decay * p[i] + size * m[i] / (sqrtf(v[i]) * root + epsilon);
        p[i] -= change;
        changed += (double)change * (double)change;
    }
    measure(&s, changed);
}

static void sgd_block(void *context, size_t item, size_t worker) {
    const struct optimizer *o = context;
    struct span s = span_of(o, item);
    float *restrict m = s.q->m ? s.q->m + s.at : NULL, *restrict p = s.value;
    const float *restrict gradient = s.gradient;
    float factor = (float)o->factor, rate = (float)(o->rate * s.q->rate_factor),
          momentum = (float)o->settings.momentum;
    float decay = decay_of(o, s.q);
    double changed = 0;
    (void)worker;
    for (size_t i = 0; i < s.count; i++) {
        float g = gradient[i] * factor;
        if (m)
            g = m[i] = momentum * m[i] + g;
        float change = decay * p[i] + rate * g;
        p[i] -= change;
        changed += (double)change * (double)change;
    }
    measure(&s, changed);
}

// Adafactor, first pass: the running means of squared gradients.
static void adafactor_observe(void *context, size_t item, size_t worker) {
    const struct optimizer *o = context;
    struct span s = span_of(o, item);
    float keep = (float)o->beta, take = (float)(1 - o->beta), factor = (float)o->factor, tiny = (float)TINY;
    (void)worker;
    if (!s.q->factored) {
        float *restrict v = s.q->v + s.at;
#pragma omp simd
        for (size_t i = 0; i < s.count; i++) {
            float g = s.gradient[i] * factor;
            v[i] = keep * v[i] + take * (g * g + tiny);
        }
        return;
    }
    size_t columns = s.q->p.columns;
    float *restrict part = s.q->column_parts + (item - s.q->first_block) * columns;
    memset(part, 0, columns * sizeof *part);
    for (size_t r = 0; r < s.block->rows; r++) {
        const float *restrict gradient = s.gradient + r * columns;
        float *row = &s.q->row[s.block->first_row + r], sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < columns; j++) {
            float g = gradient[j] * factor, u = g * g + tiny;
            part[j] += u;
            sum += u;
        }
        *row = keep * *row + take * (sum / (float)columns);
    }
}

// Between the passes: columns from the blocks' parts, and the mean of the rows.
static void adafactor_join(struct optimizer *o, struct parameter *q) {
    float keep = (float)o->beta, take = (float)(1 - o->beta);
    size_t rows = q->p.rows, columns = q->p.columns;
    double sum = 0;
    for (size_t r = 0; r < rows; r++)
        sum += q->row[r];
    q->mean_row = sum / (double)rows;
    for (size_t j = 0; j < columns; j++) {
        double u = 0;
        for (size_t b = 0; b < q->blocks; b++)
            u += q->column_parts[b * columns + j];
        q->column[j] = keep * q->column[j] + take * (float)(u / (double)rows);
    }
}

// Row r of the block's directions d, each times `size`: subtracted from p when p is given. Returns the sum of
// squares.
static double adafactor_row(const struct optimizer *o, const struct span *s, size_t r, float size,
                            float decay, float *restrict p) {
    size_t columns = s->q->p.columns, row = s->block->first_row + r;
    const float *restrict gradient = s->gradient + r * columns;
    const float *restrict v = s->q->factored ? s->q->column : s->q->v + row * columns;
    float factor = (float)o->factor * size, sum_part = 0;
    // R / mean(R) * C may leave the range of float where sqrt(R / mean(R)) * sqrt(C) does not.
    float across = s->q->factored ? (float)(1 / sqrt(s->q->row[row] / s->q->mean_row)) : 1.0f;
#pragma omp simd reduction(+ : sum_part)
    for (size_t j = 0; j < columns; j++) {
        float change = gradient[j] * factor * across / sqrtf(v[j]);
        if (p) {
            change += decay * p[j];
            p[j] -= change;
        }
        sum_part += change * change;
    }
    return sum_part;
}

static void adafactor_measure(void *context, size_t item, size_t worker) {
    const struct optimizer *o = context;
    struct span s = span_of(o, item);
    (void)worker;
    s.block->squares = 0;
    for (size_t r = 0; r < s.block->rows; r++)
        s.block->squares += adafactor_row(o, &s, r, 1.0f, 0, NULL);
}

static void adafactor_apply(void *context, size_t item, size_t worker) {
    const struct optimizer *o = context;
    struct span s = span_of(o, item);
    float size = (float)(o->rate * s.q->rate_factor * s.q->scale), decay = decay_of(o, s.q);
    double changed = 0;
    (void)worker;
    for (size_t r = 0; r < s.block->rows; r++)
        changed += adafactor_row(o, &s, r, size, decay, s.value + r * s.q->p.columns);
    measure(&s, changed);
}

static void adafactor_step(struct optimizer *o) {
    o->beta = 1 - pow((double)o->steps, -0.8);
    thread_pool_run(o->pool, o->blocks, adafactor_observe, o);
    for (size_t i = 0; i < o->parameters; i++)
        if (o->parameter[i].factored)
            adafactor_join(o, &o->parameter[i]);
    thread_pool_run(o->pool, o->blocks, adafactor_measure, o);
    for (size_t i = 0; i < o->parameters; i++) {
        struct parameter *q = &o->parameter[i];
        double squares = 0;
        for (size_t b = 0; b < q->blocks; b++)
            squares += o->block[q->first_block + b].squares;
        double rms = sqrt(squares / (double)(q->p.rows * q->p.columns));
        q->scale = rms > 1 ? 1 / rms : 1;
    }
    thread_pool_run(o->pool, o->blocks, adafactor_apply, o);
}

static void adam_step(struct optimizer *o) {
    double t = (double)o->steps;
    o->step_size = o->rate / (1 - pow(o->settings.beta1, t));
    o->root_correction = 1 / sqrt(1 - pow(o->settings.beta2, t));
    thread_pool_run(o->pool, o->blocks, adam_block, o);
}

static double gradient_norm(struct optimizer *o) {
    double squares = 0;
    thread_pool_run(o->pool, o->blocks, square_block, o);
    for (size_t b = 0; b < o->blocks; b++)
        squares += o->block[b].squares;
    return sqrt(squares);
}

bool optimizer_step(struct optimizer *o, double rate, double clip, struct optimizer_report *report,
                    struct error *e) {
    double norm = gradient_norm(o);
    if (!isfinite(norm))
        return error_set(e, ERROR_INPUT,
                         "the gradient is not finite any more: go back to the best prompt and lower the "
                         "learning rate (%g), or clip gradients",
                         rate);
    o->rate = rate;
    o->factor = clip > 0 && norm > clip ? clip / norm : 1;
    o->steps++;
    if (o->settings.kind == OPTIMIZER_ADAFACTOR)
        adafactor_step(o);
    else if (o->settings.kind == OPTIMIZER_SGD)
        thread_pool_run(o->pool, o->blocks, sgd_block, o);
    else
        adam_step(o);
    if (!report)
        return true;
    double changed = 0, values = 0;
    for (size_t b = 0; b < o->blocks; b++) {
        changed += o->block[b].changed;
        values += o->block[b].values;
    }
    *report = (struct optimizer_report){.gradient_norm = norm,
                                        .update_norm = sqrt(changed),
                                        .value_norm = sqrt(values),
                                        .update_rms = o->elements ? sqrt(changed / (double)o->elements) : 0};
    return true;
}

// ---- state ----

// The arrays of one parameter, those it has, in a fixed order.
static size_t arrays_of(const struct parameter *q, struct optimizer_array out[4]) {
    const struct optimizer_array all[] = {{"m", q->m, q->p.rows, q->p.columns},
                                          {"v", q->v, q->p.rows, q->p.columns},
                                          {"row", q->row, q->p.rows, 1},
                                          {"column", q->column, 1, q->p.columns}};
    size_t count = 0;
    for (size_t i = 0; i < 4; i++)
        if (all[i].value)
            out[count++] = all[i];
    return count;
}

size_t optimizer_arrays(const struct optimizer *o) {
    struct optimizer_array some[4];
    size_t count = 0;
    for (size_t i = 0; i < o->parameters; i++)
        count += arrays_of(&o->parameter[i], some);
    return count;
}

struct optimizer_array optimizer_array_at(struct optimizer *o, size_t i) {
    struct optimizer_array some[4];
    for (size_t p = 0; p < o->parameters; p++) {
        size_t count = arrays_of(&o->parameter[p], some);
        if (i < count) {
            struct optimizer_array found = some[i];
            snprintf(found.name, sizeof found.name, "%zu.%s", p, some[i].name);
            return found;
        }
        i -= count;
    }
    assert(!"no such array");
    return (struct optimizer_array){0};
}

size_t optimizer_steps(const struct optimizer *o) {
    return o->steps;
}

void optimizer_set_steps(struct optimizer *o, size_t steps) {
    o->steps = steps;
}

size_t optimizer_bytes(const struct optimizer *o) {
    return o->state.capacity + o->parts.capacity;
}
