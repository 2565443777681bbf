// SPDX-License-Identifier: GPL-3.0-or-later
// The matrix products of one tuning step, listed, and done by BLAS.
#ifndef PROMPTER_ENGINE_TUNE_BENCHMARK_WORK_H
#define PROMPTER_ENGINE_TUNE_BENCHMARK_WORK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/model/t5.h"

// c [m, n] = a [m, k] · b, `times` times.
struct work_product {
    size_t m, n, k, times;
    bool transposed; // b is [n, k]
    bool alone;      // one of many small ones: on one thread, beside others
    const float *b;  // a weight's floats; NULL: any numbers
};

struct work { // zero-initialise; release with work_free
    struct work_product *product;
    size_t products, capacity;
    float *a, *b, *c; // operands large enough for every product, b for each worker
    size_t a_floats, b_floats, c_floats, workers;
};

// Every product of a step that tunes `slots` soft vectors with this batch and the loss over the vocabulary.
bool work_list(struct work *w, const struct model *m, const struct t5_batch *batch, size_t slots,
               struct error *e);
double work_flops(const struct work *w);
// Room for the operands; keeps what is large enough.
bool work_prepare(struct work *w, size_t workers, struct error *e);
void work_run(const struct work *w, struct thread_pool *pool);
void work_free(struct work *w);

#endif
