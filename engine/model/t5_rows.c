// SPDX-License-Identifier: GPL-3.0-or-later
// Row-wise work of the pass, split over the pool in blocks of rows.
#include "t5_inside.h"

#include <string.h>

#include "engine/tensor/rows.h"

struct rows_run {
    t5_rows_job *job;
    void *context;
    size_t rows;
};

static void run_item(void *context, size_t item, size_t worker) {
    const struct rows_run *run = context;
    (void)worker;
    size_t first = item * ROWS_AN_ITEM, left = run->rows - first;
    run->job(run->context, first, left < ROWS_AN_ITEM ? left : ROWS_AN_ITEM, item);
}

void t5_rows_run(struct t5_pass *pass, size_t rows, t5_rows_job *job, void *context) {
    struct rows_run run = {job, context, rows};
    thread_pool_run(pass->gemm.pool, (rows + ROWS_AN_ITEM - 1) / ROWS_AN_ITEM, run_item, &run);
}

struct matrix {
    float *x;
    size_t columns;
};

static void zero_rows(void *context, size_t first, size_t count, size_t item) {
    const struct matrix *m = context;
    (void)item;
    memset(m->x + first * m->columns, 0, count * m->columns * sizeof *m->x);
}

void t5_zero(struct t5_pass *pass, float *x, size_t rows, size_t columns) {
    struct matrix m = {x, columns};
    t5_rows_run(pass, rows, zero_rows, &m);
}

struct norm {
    const float *x, *weight, *dy, *kept_scale;
    float *normed, *scale, *next, *dx, *parts;
    size_t d;
    float epsilon;
};

static void norm_rows(void *context, size_t first, size_t count, size_t item) {
    const struct norm *n = context;
    (void)item;
    size_t at = first * n->d;
    if (n->next && n->next != n->x)
        memcpy(n->next + at, n->x + at, count * n->d * sizeof *n->next);
    rows_norm(n->x + at, count, n->d, n->weight, n->epsilon, n->normed + at, n->scale + first);
}

void t5_norm_forward(struct t5_pass *pass, const float *x, size_t rows, const float *weight, float *normed,
                     float *scale, float *next) {
    struct norm n = {.x = x,
                     .weight = weight,
                     .normed = normed,
                     .scale = scale,
                     .next = next,
                     .d = pass->d,
                     .epsilon = pass->epsilon};
    t5_rows_run(pass, rows, norm_rows, &n);
}

static void norm_rows_again(void *context, size_t first, size_t count, size_t item) {
    const struct norm *n = context;
    (void)item;
    size_t at = first * n->d;
    rows_norm_again(n->x + at, n->kept_scale + first, count, n->d, n->weight, n->normed + at);
}

void t5_norm_again(struct t5_pass *pass, const float *x, const float *scale, size_t rows, const float *weight,
                   float *normed) {
    struct norm n = {.x = x, .weight = weight, .kept_scale = scale, .normed = normed, .d = pass->d};
    t5_rows_run(pass, rows, norm_rows_again, &n);
}

static void norm_rows_backward(void *context, size_t first, size_t count, size_t item) {
    const struct norm *n = context;
    size_t at = first * n->d;
    rows_norm_backward(n->x + at, n->kept_scale + first, count, n->d, n->weight, n->dy + at, n->dx + at);
    if (!n->parts)
        return;
    float *part = n->parts + item * n->d;
    memset(part, 0, n->d * sizeof *part);
    rows_norm_weight_gradient(n->x + at, n->kept_scale + first, count, n->d, n->dy + at, part);
}

void t5_norm_backward(struct t5_pass *pass, const float *x, const float *scale, size_t rows,
                      const struct weight *w, const float *weight, const float *dy, float *dx) {
    bool trains = pass->mode == T5_TRAIN_ALL;
    struct norm n = {.x = x,
                     .weight = weight,
                     .dy = dy,
                     .kept_scale = scale,
                     .dx = dx,
                     .parts = trains ? pass->work.norm_parts : NULL,
                     .d = pass->d};
    t5_rows_run(pass, rows, norm_rows_backward, &n);
    for (size_t item = 0; trains && item * ROWS_AN_ITEM < rows; item++)
        rows_add(w->gradient, n.parts + item * pass->d, pass->d);
}

void t5_weight_gradient(struct t5_pass *pass, size_t m, const float *dy, size_t dy_stride, const float *x,
                        size_t x_stride, const struct weight *w) {
    if (pass->mode == T5_TRAIN_ALL)
        gemm_weight_gradient(&pass->gemm, m, dy, dy_stride, x, x_stride, w);
}

float *t5_after_self(struct t5_side *side, size_t block) {
    return side->decoder ? side->saved[block].cross_x : side->saved[block].ff_x;
}

float *t5_after_block(struct t5_side *side, size_t block) {
    return block + 1 < side->stack->blocks ? side->saved[block + 1].x : side->final_x;
}
