// SPDX-License-Identifier: GPL-3.0-or-later
// Matrix products with weights, forward and backward, over our own kernels (kernel.h) or, asked for,
// OpenBLAS.
//
// A weight W is [out, in] in the type its file has. Its elements become float panels on their way into the
// product, so that the memory held is the file's size. The pool splits the result into blocks. Every element
// of a result is summed in one order, whatever the block, the worker, the number of workers and the rows
// around it: results are the same to the bit for any number of threads and any packing of examples. Strides
// count floats from row to row.
#ifndef PROMPTER_ENGINE_TENSOR_GEMM_H
#define PROMPTER_ENGINE_TENSOR_GEMM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/threads.h"
#include "engine/tensor/dtype.h"

// Our own kernels take weights of every type, are as fast as OpenBLAS at its best on the processors it knows
// and faster where it does not know one, and give the same bits for any packing. OpenBLAS does the large
// products with F32 weights when it is chosen (its results then depend on the rows around an example, in the
// last bits); all others stay with our own.
enum gemm_library { GEMM_OWN, GEMM_OPENBLAS };
// Our own kernels where they were compiled with fused multiply-add (x86-64 with AVX2 or AVX-512), else
// OpenBLAS.
enum gemm_library gemm_default_library(void);

// Where products run: the pool (may be NULL) and scratch of gemm_scratch_floats() floats, both borrowed.
struct gemm {
    struct thread_pool *pool;
    float *scratch;
    enum gemm_library library;
    // Where both are set: once *cancel is, pieces of products are left undone and *skipped is set. What was
    // computed since is worthless then. That makes a product of any size end within milliseconds.
    const atomic_bool *cancel;
    atomic_bool *skipped;
};
size_t gemm_scratch_floats(size_t threads);
// Once before the first product of the program; may be called again.
void gemm_prepare(void);

// y [m, out] (+)= x [m, in] · Wᵀ
void gemm_forward(const struct gemm *g, size_t m, const float *x, size_t x_stride, const struct weight *w,
                  float *y, size_t y_stride, bool add);
// dx [m, in] (+)= dy [m, out] · W
void gemm_backward(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const struct weight *w,
                   float *dx, size_t dx_stride, bool add);
// Several weights at the same rows, in one loop of the pool: y[i] (+)= x · W[i]ᵀ, all with one stride.
void gemm_forward_several(const struct gemm *g, size_t m, const float *x, size_t x_stride, size_t count,
                          const struct weight *const *w, float *const *y, size_t y_stride, bool add);
// dx (+)= sum over i of dy[i] · W[i]; weights of the same width.
void gemm_backward_several(const struct gemm *g, size_t m, size_t count, const float *const *dy,
                           size_t dy_stride, const struct weight *const *w, float *dx, size_t dx_stride,
                           bool add);
// W's gradient [out, in] += dyᵀ [out, m] · x [m, in]
void gemm_weight_gradient(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const float *x,
                          size_t x_stride, const struct weight *w);

// The same three on the calling thread, for jobs of the pool.
void gemm_forward_on(size_t m, const float *x, size_t x_stride, const struct weight *w, float *y,
                     size_t y_stride, bool add);
void gemm_backward_on(size_t m, const float *dy, size_t dy_stride, const struct weight *w, float *dx,
                      size_t dx_stride, bool add);
void gemm_weight_gradient_on(size_t m, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
                             const struct weight *w);

// Rows first .. first+count-1 of a weight (and of its gradient) as a weight of their own.
struct weight gemm_weight_rows(const struct weight *w, size_t first, size_t count);

// Plain products on the calling thread, c (+)= a · b with c [m, n], the summed side k.
// a [m, k], b [n, k] given transposed
void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add);
// a [m, k], b [k, n]
void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add);
// a [k, m] given transposed, b [k, n]
void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add);

// ---- the machine's BLAS, as a yardstick ----
// c [m, n] = a [m, k] · bᵀ (b [n, k]) or, not transposed, a · b (b [k, n]), by BLAS on the calling thread.
void gemm_by_blas(bool b_transposed, size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                  const float *b, size_t b_stride, float *c, size_t c_stride);
// OpenBLAS chooses its kernels when it is loaded, by processor or by the environment variable
// OPENBLAS_CORETYPE. The kernels BLAS chose, e.g. "Haswell". Static storage.
const char *gemm_core(void);

#endif
