// SPDX-License-Identifier: GPL-3.0-or-later
// Dropout in T5's places. Which elements fall out is a function of (seed, place, block, side, element),
// computed again in the backward pass instead of being kept, and so the same for any number of threads.
#include "t5_inside.h"

#include "engine/tensor/rows.h"

void t5_pass_seed_dropout(struct t5_pass *pass, uint64_t seed) {
    pass->dropout_seed = seed;
}

uint32_t t5_dropout_key(const struct t5_pass *pass, const struct t5_side *side, size_t block,
                        enum t5_dropout_place place) {
    uint64_t x = pass->dropout_seed ^ ((uint64_t)block << 8 | (uint64_t)place << 1 | side->decoder);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t)((x ^ (x >> 31)) >> 32);
}

struct dropping {
    struct t5_pass *pass;
    const float *from;
    float *x;
    size_t columns;
    uint32_t key;
};

static void drop_rows(void *context, size_t first, size_t count, size_t item) {
    const struct dropping *d = context;
    size_t at = first * d->columns;
    (void)item;
    rows_dropout(d->x + at, d->x + at, count * d->columns, (uint32_t)at, d->key, d->pass->plan.dropout);
}

void t5_dropout(struct t5_pass *pass, const struct t5_side *side, size_t block, enum t5_dropout_place place,
                float *x, size_t rows, size_t columns) {
    if (!pass->dropping)
        return;
    struct dropping d = {
        .pass = pass, .x = x, .columns = columns, .key = t5_dropout_key(pass, side, block, place)};
    t5_rows_run(pass, rows, drop_rows, &d);
}

static void add_dropped_rows(void *context, size_t first, size_t count, size_t item) {
    const struct dropping *d = context;
    size_t at = first * d->columns;
    float *from = d->pass->work.normed + at;
    (void)item;
    rows_dropout(from, from, count * d->columns, (uint32_t)at, d->key, d->pass->plan.dropout);
    rows_add(d->x + at, from, count * d->columns);
}

void t5_add_output(struct t5_pass *pass, const struct t5_side *side, size_t block,
                   enum t5_dropout_place place, const float *x, size_t x_columns, const struct weight *w,
                   float *stream) {
    if (!pass->dropping) {
        gemm_forward(&pass->gemm, side->rows, x, x_columns, w, stream, pass->d, true);
        return;
    }
    struct dropping d = {
        .pass = pass, .x = stream, .columns = pass->d, .key = t5_dropout_key(pass, side, block, place)};
    gemm_forward(&pass->gemm, side->rows, x, x_columns, w, pass->work.normed, pass->d, false);
    t5_rows_run(pass, side->rows, add_dropped_rows, &d);
}

static void copy_dropped_rows(void *context, size_t first, size_t count, size_t item) {
    const struct dropping *d = context;
    size_t at = first * d->columns;
    (void)item;
    rows_dropout(d->from + at, d->x + at, count * d->columns, (uint32_t)at, d->key, d->pass->plan.dropout);
}

const float *t5_output_gradient(struct t5_pass *pass, const struct t5_side *side, size_t block,
                                enum t5_dropout_place place) {
    if (!pass->dropping)
        return side->d_x;
    struct dropping d = {.pass = pass,
                         .from = side->d_x,
                         .x = pass->work.d_normed,
                         .columns = pass->d,
                         .key = t5_dropout_key(pass, side, block, place)};
    t5_rows_run(pass, side->rows, copy_dropped_rows, &d);
    return d.x;
}
