// SPDX-License-Identifier: GPL-3.0-or-later
// Products: how a result is cut into pieces of work, and how a factor becomes panels.
#include "gemm.h"

#include <assert.h>
#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "kernel.h"

enum {
    LONGEST = 512,                    // of a panel along the summed side: 128 KiB, in a core's own cache
    GRADIENT_ROWS = 16 * KERNEL_ROWS, // of a weight's gradient that one piece of work covers
    LEAST_ROWS = 16 * KERNEL_ROWS,    // cutting rows finer than this costs more in packing than it wins
    PIECES_A_WORKER = 3,              // so that unequal cores even out
    // The gradient through the head sums over a whole vocabulary: that sum is cut into SUM_PARTS, which
    // workers take, and the parts are added in order. The cut depends on the length of the sum alone.
    LONG_SUM = 8192,
    SUM_PARTS = 16,
    SUM_FLOATS = 1 << 20,
};

// The second factor of a product, b [k, n], or [n, k] when transposed, in a stored type.
struct factor {
    const void *data;
    enum dtype type;
    size_t stride; // elements
    bool transposed;
};

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

static const void *element(const struct factor *f, size_t row, size_t column) {
    return (const unsigned char *)f->data + (row * f->stride + column) * dtype_size(f->type);
}

// Rows of k [from, from + k) and columns [column, column + columns) of b as a panel.
static void load_panel(const struct factor *b, size_t from, size_t k, size_t column, size_t columns,
                       float *panel) {
    if (b->type == DTYPE_F32 && b->transposed) {
        kernel_pack_transposed(element(b, column, from), b->stride, k, columns, panel);
    } else if (b->type == DTYPE_F32) {
        kernel_pack(element(b, from, column), b->stride, k, columns, panel);
    } else if (b->transposed) {
        float rows[LONGEST * KERNEL_WIDTH];
        for (size_t j = 0; j < columns; j++)
            dtype_to_float(b->type, element(b, column + j, from), rows + j * k, k);
        kernel_pack_transposed(rows, k, k, columns, panel);
    } else {
        size_t width = kernel_panel_width(columns);
        for (size_t p = 0; p < k; p++) {
            dtype_to_float(b->type, element(b, from + p, column), panel + p * width, columns);
            memset(panel + p * width + columns, 0, (width - columns) * sizeof *panel);
        }
    }
}

// The summed side in blocks of about equal length; the cut depends on k alone.
static size_t block_of(size_t k) {
    size_t blocks = (k + LONGEST - 1) / LONGEST;
    return blocks < 2 ? k : ((k + blocks - 1) / blocks + 15) / 16 * 16;
}

static void clear(size_t m, size_t n, float *c, size_t c_stride) {
    for (size_t i = 0; i < m; i++)
        memset(c + i * c_stride, 0, n * sizeof *c);
}

// c [m, n] (+)= a · b[from .. from + k, column ..], a(i, p) = a[i * a_row + p * a_step].
static void multiply(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_step,
                     const struct factor *b, size_t from, size_t column, float *c, size_t c_stride,
                     bool add) {
    _Alignas(64) float panel[LONGEST * KERNEL_WIDTH];
    size_t step = block_of(k);
    if (k == 0 && !add)
        clear(m, n, c, c_stride);
    for (size_t j = 0; j < n; j += KERNEL_WIDTH)
        for (size_t p = 0; p < k; p += step) {
            size_t columns = least(KERNEL_WIDTH, n - j), depth = least(step, k - p);
            load_panel(b, from + p, depth, column + j, columns, panel);
            kernel_multiply(m, columns, depth, a + p * a_step, a_row, a_step, panel, c + j, c_stride,
                            add || p > 0);
        }
}

static struct factor floats(const float *b, size_t stride, bool transposed) {
    return (struct factor){b, DTYPE_F32, stride, transposed};
}

static struct factor weights(const struct weight *w, bool transposed) {
    return (struct factor){w->data, w->dtype, w->columns, transposed};
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    struct factor f = floats(b, b_stride, true);
    multiply(m, n, k, a, a_stride, 1, &f, 0, 0, c, c_stride, add);
}

void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    struct factor f = floats(b, b_stride, false);
    multiply(m, n, k, a, a_stride, 1, &f, 0, 0, c, c_stride, add);
}

void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    struct factor f = floats(b, b_stride, false);
    multiply(m, n, k, a, 1, a_stride, &f, 0, 0, c, c_stride, add);
}

// ---- over the pool ----

static bool skip(const struct gemm *g) {
    if (!g->cancel || !atomic_load_explicit(g->cancel, memory_order_relaxed))
        return false;
    atomic_store_explicit(g->skipped, true, memory_order_relaxed);
    return true;
}

// ---- by OpenBLAS ----

enum { BLAS_LEAST_ROWS = 32 }; // below, packing costs more than OpenBLAS gains

static bool blas_takes(const struct gemm *g, size_t m, size_t count, const struct weight *const *w) {
    bool takes = g->library == GEMM_OPENBLAS && m >= BLAS_LEAST_ROWS;
    for (size_t i = 0; i < count; i++)
        takes &= w[i]->dtype == DTYPE_F32;
    return takes;
}

// Rows of the result are dealt out in as many blocks as there are workers; each block is one call a weight.
struct blas_product {
    const struct gemm *g;
    bool forward;
    size_t m, rows_a_block, count;
    const float *const *a; // [count] of backward; the same for all of forward
    size_t a_stride;
    const struct weight *const *w;
    float *const *c; // [count] of forward; one for backward
    size_t c_stride;
    bool add;
};

static void blas_block(void *context, size_t block, size_t worker) {
    const struct blas_product *p = context;
    size_t row = block * p->rows_a_block, rows = least(p->rows_a_block, p->m - row);
    (void)worker;
    for (size_t i = 0; i < p->count && !skip(p->g); i++) {
        const struct weight *w = p->w[i];
        const float *a = p->a[p->forward ? 0 : i] + row * p->a_stride;
        float *c = p->c[p->forward ? i : 0] + row * p->c_stride;
        bool add = p->add || (!p->forward && i > 0);
        size_t n = p->forward ? w->rows : w->columns, k = p->forward ? w->columns : w->rows;
        cblas_sgemm(CblasRowMajor, CblasNoTrans, p->forward ? CblasTrans : CblasNoTrans, (blasint)rows,
                    (blasint)n, (blasint)k, 1.0f, a, (blasint)p->a_stride, w->data, (blasint)w->columns,
                    add ? 1.0f : 0.0f, c, (blasint)p->c_stride);
    }
}

static void run_blas(const struct gemm *g, struct blas_product *p) {
    p->g = g;
    size_t workers = thread_pool_size(g->pool);
    p->rows_a_block = (p->m + workers - 1) / workers;
    thread_pool_run(g->pool, (p->m + p->rows_a_block - 1) / p->rows_a_block, blas_block, p);
}

struct blas_gradient {
    const struct gemm *g;
    size_t m, rows_a_block;
    const float *dy, *x;
    size_t dy_stride, x_stride;
    const struct weight *w;
};

static void blas_gradient_block(void *context, size_t block, size_t worker) {
    const struct blas_gradient *p = context;
    size_t row = block * p->rows_a_block, rows = least(p->rows_a_block, p->w->rows - row),
           columns = p->w->columns;
    (void)worker;
    if (skip(p->g))
        return;
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (blasint)rows, (blasint)columns, (blasint)p->m, 1.0f,
                p->dy + row, (blasint)p->dy_stride, p->x, (blasint)p->x_stride, 1.0f,
                p->w->gradient + row * columns, (blasint)columns);
}

// ---- by our own kernels ----

enum { MOST_WEIGHTS = 4 };

// Products that share their rows, cut along the columns of the results and, where that gives too few pieces,
// along the rows. Forward: weight i has its own y; backward: all add to one dx.
struct product {
    const struct gemm *g;
    bool forward;
    size_t m, count;
    const float *a[MOST_WEIGHTS]; // forward: all the same
    size_t a_stride;
    const struct weight *w[MOST_WEIGHTS];
    float *c[MOST_WEIGHTS]; // backward: the first
    size_t c_stride;
    bool add;
    size_t columns, pieces_across; // of one result
    size_t rows_a_piece, pieces_down;
};

static void run_piece(void *context, size_t item, size_t worker) {
    const struct product *p = context;
    (void)worker;
    if (skip(p->g))
        return;
    size_t row = item % p->pieces_down * p->rows_a_piece, across = item / p->pieces_down;
    size_t rows = least(p->rows_a_piece, p->m - row);
    size_t i = across / p->pieces_across, column = across % p->pieces_across * KERNEL_WIDTH;
    if (p->forward) {
        const struct weight *w = p->w[i];
        struct factor f = weights(w, true);
        if (column < w->rows)
            multiply(rows, least(KERNEL_WIDTH, w->rows - column), w->columns, p->a[i] + row * p->a_stride,
                     p->a_stride, 1, &f, 0, column, p->c[i] + row * p->c_stride + column, p->c_stride,
                     p->add);
        return;
    }
    for (i = 0; i < p->count; i++) {
        struct factor f = weights(p->w[i], false);
        multiply(rows, least(KERNEL_WIDTH, p->columns - column), p->w[i]->rows, p->a[i] + row * p->a_stride,
                 p->a_stride, 1, &f, 0, column, p->c[0] + row * p->c_stride + column, p->c_stride,
                 p->add || i > 0);
    }
}

static void run_product(const struct gemm *g, struct product *p) {
    p->g = g;
    size_t workers = thread_pool_size(g->pool);
    p->pieces_across = (p->columns + KERNEL_WIDTH - 1) / KERNEL_WIDTH;
    size_t across = p->pieces_across * (p->forward ? p->count : 1), most = p->m / LEAST_ROWS + 1;
    if (!p->m || !across)
        return;
    p->pieces_down = workers == 1 ? 1 : least(most, (workers * PIECES_A_WORKER + across - 1) / across);
    p->rows_a_piece = (p->m / p->pieces_down / KERNEL_ROWS + 1) * KERNEL_ROWS;
    p->pieces_down = (p->m + p->rows_a_piece - 1) / p->rows_a_piece;
    thread_pool_run(g->pool, across * p->pieces_down, run_piece, p);
}

void gemm_forward_several(const struct gemm *g, size_t m, const float *x, size_t x_stride, size_t count,
                          const struct weight *const *w, float *const *y, size_t y_stride, bool add) {
    struct product p = {
        .forward = true, .m = m, .count = count, .a_stride = x_stride, .c_stride = y_stride, .add = add};
    assert(count <= MOST_WEIGHTS);
    if (blas_takes(g, m, count, w)) {
        struct blas_product b = {.forward = true,
                                 .m = m,
                                 .count = count,
                                 .a = &x,
                                 .a_stride = x_stride,
                                 .w = w,
                                 .c = y,
                                 .c_stride = y_stride,
                                 .add = add};
        run_blas(g, &b);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        p.a[i] = x;
        p.w[i] = w[i];
        p.c[i] = y[i];
        p.columns = w[i]->rows > p.columns ? w[i]->rows : p.columns;
    }
    run_product(g, &p);
}

void gemm_forward(const struct gemm *g, size_t m, const float *x, size_t x_stride, const struct weight *w,
                  float *y, size_t y_stride, bool add) {
    gemm_forward_several(g, m, x, x_stride, 1, &w, &y, y_stride, add);
}

// One part of a long sum, for some rows: part [m, columns] of the scratch = dy · W over its share of W's
// rows.
struct long_sum {
    const struct gemm *g;
    size_t m;
    const float *dy;
    size_t dy_stride;
    const struct weight *w;
    float *parts;
    float *dx;
    size_t dx_stride;
    bool add;
};

static void sum_part(void *context, size_t part, size_t worker) {
    const struct long_sum *s = context;
    const struct weight *w = s->w;
    if (skip(s->g))
        return;
    struct factor f = weights(w, false);
    size_t share = (w->rows + SUM_PARTS - 1) / SUM_PARTS, from = least(part * share, w->rows);
    size_t length = least(share, w->rows - from), step = LONGEST / 4;
    float *to = s->parts + part * s->m * w->columns;
    (void)worker;
    if (length == 0)
        clear(s->m, w->columns, to, w->columns);
    // Few rows of W at a time, all their columns: memory is read in order.
    for (size_t p = 0; p < length; p += step)
        multiply(s->m, w->columns, least(step, length - p), s->dy + from + p, s->dy_stride, 1, &f, from + p,
                 0, to, w->columns, p > 0);
}

static void add_parts(void *context, size_t row, size_t worker) {
    const struct long_sum *s = context;
    size_t columns = s->w->columns;
    float *restrict to = s->dx + row * s->dx_stride;
    (void)worker;
    if (!s->add)
        memset(to, 0, columns * sizeof *to);
    for (size_t part = 0; part < SUM_PARTS; part++) {
        const float *restrict from = s->parts + (part * s->m + row) * columns;
#pragma omp simd
        for (size_t j = 0; j < columns; j++)
            to[j] += from[j];
    }
}

static void backward_long(const struct gemm *g, size_t m, const float *dy, size_t dy_stride,
                          const struct weight *w, float *dx, size_t dx_stride, bool add) {
    size_t most = SUM_FLOATS / SUM_PARTS / w->columns;
    for (size_t row = 0; row < m; row += most) {
        struct long_sum s = {.g = g,
                             .m = least(most, m - row),
                             .dy = dy + row * dy_stride,
                             .dy_stride = dy_stride,
                             .w = w,
                             .parts = g->scratch,
                             .dx = dx + row * dx_stride,
                             .dx_stride = dx_stride,
                             .add = add};
        thread_pool_run(g->pool, SUM_PARTS, sum_part, &s);
        thread_pool_run(g->pool, s.m, add_parts, &s);
    }
}

void gemm_backward_several(const struct gemm *g, size_t m, size_t count, const float *const *dy,
                           size_t dy_stride, const struct weight *const *w, float *dx, size_t dx_stride,
                           bool add) {
    struct product p = {.m = m,
                        .count = count,
                        .a_stride = dy_stride,
                        .c = {dx},
                        .c_stride = dx_stride,
                        .add = add,
                        .columns = count ? w[0]->columns : 0};
    assert(count <= MOST_WEIGHTS);
    if (blas_takes(g, m, count, w)) {
        struct blas_product b = {.m = m,
                                 .count = count,
                                 .a = dy,
                                 .a_stride = dy_stride,
                                 .w = w,
                                 .c = &dx,
                                 .c_stride = dx_stride,
                                 .add = add};
        run_blas(g, &b);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        p.a[i] = dy[i];
        p.w[i] = w[i];
    }
    run_product(g, &p);
}

void gemm_backward(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const struct weight *w,
                   float *dx, size_t dx_stride, bool add) {
    if (!blas_takes(g, m, 1, &w) && w->rows >= LONG_SUM && w->columns <= SUM_FLOATS / SUM_PARTS)
        backward_long(g, m, dy, dy_stride, w, dx, dx_stride, add);
    else
        gemm_backward_several(g, m, 1, &dy, dy_stride, &w, dx, dx_stride, add);
}

void gemm_forward_on(size_t m, const float *x, size_t x_stride, const struct weight *w, float *y,
                     size_t y_stride, bool add) {
    struct factor f = weights(w, true);
    multiply(m, w->rows, w->columns, x, x_stride, 1, &f, 0, 0, y, y_stride, add);
}

void gemm_backward_on(size_t m, const float *dy, size_t dy_stride, const struct weight *w, float *dx,
                      size_t dx_stride, bool add) {
    struct factor f = weights(w, false);
    multiply(m, w->columns, w->rows, dy, dy_stride, 1, &f, 0, 0, dx, dx_stride, add);
}

void gemm_weight_gradient_on(size_t m, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
                             const struct weight *w) {
    gemm_tn(w->rows, w->columns, m, dy, dy_stride, x, x_stride, w->gradient, w->columns, true);
}

struct gradient {
    const struct gemm *g;
    size_t m;
    const float *dy, *x;
    size_t dy_stride, x_stride;
    const struct weight *w;
};

// Columns of dy in tiles of KERNEL_ROWS, each tile's rows one after the other, so that the kernel reads
// memory in order.
static void pack_tiles(const float *dy, size_t stride, size_t k, size_t rows, float *tiles) {
    for (size_t i = 0; i < rows; i += KERNEL_ROWS) {
        size_t some = least(KERNEL_ROWS, rows - i);
        for (size_t p = 0; p < k; p++)
            for (size_t r = 0; r < some; r++)
                tiles[i * k + p * some + r] = dy[p * stride + i + r];
    }
}

static void gradient_piece(void *context, size_t item, size_t worker) {
    const struct gradient *g = context;
    _Alignas(64) float tiles[LONGEST * GRADIENT_ROWS], panel[LONGEST * KERNEL_WIDTH];
    size_t first = item * GRADIENT_ROWS, rows = least(GRADIENT_ROWS, g->w->rows - first);
    size_t columns = g->w->columns, step = block_of(g->m);
    float *c = g->w->gradient + first * columns;
    (void)worker;
    if (skip(g->g))
        return;
    for (size_t p = 0; p < g->m; p += step) {
        size_t k = least(step, g->m - p);
        pack_tiles(g->dy + p * g->dy_stride + first, g->dy_stride, k, rows, tiles);
        for (size_t j = 0; j < columns; j += KERNEL_WIDTH) {
            size_t some = least(KERNEL_WIDTH, columns - j);
            kernel_pack(g->x + p * g->x_stride + j, g->x_stride, k, some, panel);
            for (size_t i = 0; i < rows; i += KERNEL_ROWS) {
                size_t high = least(KERNEL_ROWS, rows - i);
                kernel_multiply(high, some, k, tiles + i * k, 1, high, panel, c + i * columns + j, columns,
                                true);
            }
        }
    }
}

void gemm_weight_gradient(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const float *x,
                          size_t x_stride, const struct weight *w) {
    if (blas_takes(g, m, 1, &w)) {
        size_t workers = thread_pool_size(g->pool), rows = (w->rows + workers - 1) / workers;
        struct blas_gradient b = {g, m, rows, dy, x, dy_stride, x_stride, w};
        thread_pool_run(g->pool, (w->rows + rows - 1) / rows, blas_gradient_block, &b);
        return;
    }
    struct gradient d = {g, m, dy, x, dy_stride, x_stride, w};
    thread_pool_run(g->pool, (w->rows + GRADIENT_ROWS - 1) / GRADIENT_ROWS, gradient_piece, &d);
}

size_t gemm_scratch_floats(size_t threads) {
    (void)threads;
    return SUM_FLOATS;
}

struct weight gemm_weight_rows(const struct weight *w, size_t first, size_t count) {
    struct weight part = *w;
    part.data = (const unsigned char *)w->data + first * w->columns * dtype_size(w->dtype);
    part.rows = count;
    part.trained = w->trained ? w->trained + first * w->columns : NULL;
    part.gradient = w->gradient ? w->gradient + first * w->columns : NULL;
    return part;
}

// ---- OpenBLAS ----

enum gemm_library gemm_default_library(void) {
#if defined(__AVX512F__) || defined(__FMA__)
    return GEMM_OWN;
#else
    return GEMM_OPENBLAS;
#endif
}

void gemm_prepare(void) {
    openblas_set_num_threads(1);
}

void gemm_by_blas(bool b_transposed, size_t m, size_t n, size_t k, const float *a, size_t a_stride,
                  const float *b, size_t b_stride, float *c, size_t c_stride) {
    cblas_sgemm(CblasRowMajor, CblasNoTrans, b_transposed ? CblasTrans : CblasNoTrans, (blasint)m, (blasint)n,
                (blasint)k, 1.0f, a, (blasint)a_stride, b, (blasint)b_stride, 0.0f, c, (blasint)c_stride);
}

const char *gemm_core(void) {
    return openblas_get_corename();
}
