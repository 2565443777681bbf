// SPDX-License-Identifier: GPL-3.0-or-later
// Products over BLAS: how the result is split among workers, and how stored types become float panels.
#include "gemm.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    PANEL_LONG = 1024,  // elements of a panel along the summed side
    PANEL_SHORT = 256,  // and along the result: together 1 MiB of floats, which stays in a core's own cache
    LEAST_PART = 96,    // splitting finer than this costs more in packing than it wins
    STEP = 16,          // parts are multiples of the kernels' width
    PARTS_A_WORKER = 2, // a little more than one part each evens out unequal cores
};

enum kind { FORWARD, BACKWARD, GRADIENT };

// One product as the jobs see it. The result is [m, n]; it is cut along `along_rows` or columns.
struct product {
    const struct gemm *g;
    enum kind kind;
    size_t m, n;
    const float *a, *b; // x or dy; for GRADIENT a = dy and b = x
    size_t a_stride, b_stride, shared;
    const struct weight *w;
    float *c;
    size_t c_stride;
    bool add, along_rows;
    size_t part; // rows or columns an item
};

size_t gemm_scratch_floats(size_t threads) {
    return threads * (size_t)PANEL_LONG * PANEL_SHORT;
}

void gemm_prepare(void) {
    openblas_set_num_threads(1);
}

static void sgemm(CBLAS_TRANSPOSE ta, CBLAS_TRANSPOSE tb, size_t m, size_t n, size_t k, const float *a,
                  size_t a_stride, const float *b, size_t b_stride, float *c, size_t c_stride, bool add) {
    if (!m || !n)
        return;
    cblas_sgemm(CblasRowMajor, ta, tb, (blasint)m, (blasint)n, (blasint)k, 1.0f, a, (blasint)a_stride, b,
                (blasint)b_stride, add ? 1.0f : 0.0f, c, (blasint)c_stride);
}

void gemm_nt(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    sgemm(CblasNoTrans, CblasTrans, m, n, k, a, a_stride, b, b_stride, c, c_stride, add);
}

void gemm_nn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    sgemm(CblasNoTrans, CblasNoTrans, m, n, k, a, a_stride, b, b_stride, c, c_stride, add);
}

void gemm_tn(size_t m, size_t n, size_t k, const float *a, size_t a_stride, const float *b, size_t b_stride,
             float *c, size_t c_stride, bool add) {
    sgemm(CblasTrans, CblasNoTrans, m, n, k, a, a_stride, b, b_stride, c, c_stride, add);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

// W[row .. row+rows) x [column .. column+columns) as floats, [rows, columns] without gaps.
static void load_panel(const struct weight *w, size_t row, size_t rows, size_t column, size_t columns,
                       float *panel) {
    const unsigned char *bytes = w->data;
    size_t size = dtype_size(w->dtype);
    for (size_t r = 0; r < rows; r++)
        dtype_to_float(w->dtype, bytes + ((row + r) * w->columns + column) * size, panel + r * columns,
                       columns);
}

// y[:, first .. first+count) of a weight that is not stored as float.
static void forward_by_panels(const struct product *p, float *panel, const float *x, size_t m, size_t first,
                              size_t count, float *y) {
    size_t in = p->w->columns;
    for (size_t row = 0; row < count; row += PANEL_SHORT) {
        size_t rows = least(PANEL_SHORT, count - row);
        for (size_t at = 0; at < in; at += PANEL_LONG) {
            size_t width = least(PANEL_LONG, in - at);
            load_panel(p->w, first + row, rows, at, width, panel);
            gemm_nt(m, rows, width, x + at, p->a_stride, panel, width, y + row, p->c_stride, p->add || at);
        }
    }
}

static void backward_by_panels(const struct product *p, float *panel, const float *dy, size_t m, size_t first,
                               size_t count, float *dx) {
    size_t out = p->w->rows;
    for (size_t column = 0; column < count; column += PANEL_SHORT) {
        size_t columns = least(PANEL_SHORT, count - column);
        for (size_t at = 0; at < out; at += PANEL_LONG) {
            size_t height = least(PANEL_LONG, out - at);
            load_panel(p->w, at, height, first + column, columns, panel);
            gemm_nn(m, columns, height, dy + at, p->a_stride, panel, columns, dx + column, p->c_stride,
                    p->add || at);
        }
    }
}

// The block [row.., column..] of the result.
static void compute_block(const struct product *p, size_t row, size_t rows, size_t column, size_t columns,
                          size_t worker) {
    const struct weight *w = p->w;
    float *c = p->c + row * p->c_stride + column;
    const float *a = p->a + (p->kind == GRADIENT ? row : row * p->a_stride);
    float *panel = p->g ? p->g->scratch + worker * ((size_t)PANEL_LONG * PANEL_SHORT) : NULL;
    if (p->kind == GRADIENT) {
        gemm_tn(rows, columns, p->shared, a, p->a_stride, p->b + column, p->b_stride, c, p->c_stride, true);
    } else if (w->dtype == DTYPE_F32) {
        const float *data = w->data;
        if (p->kind == FORWARD)
            gemm_nt(rows, columns, w->columns, a, p->a_stride, data + column * w->columns, w->columns, c,
                    p->c_stride, p->add);
        else
            gemm_nn(rows, columns, w->rows, a, p->a_stride, data + column, w->columns, c, p->c_stride,
                    p->add);
    } else if (p->kind == FORWARD) {
        forward_by_panels(p, panel, a, rows, column, columns, c);
    } else {
        backward_by_panels(p, panel, a, rows, column, columns, c);
    }
}

static void run_part(void *context, size_t item, size_t worker) {
    const struct product *p = context;
    size_t from = item * p->part;
    if (p->along_rows)
        compute_block(p, from, least(p->part, p->m - from), 0, p->n, worker);
    else
        compute_block(p, 0, p->m, from, least(p->part, p->n - from), worker);
}

// A stored type is cut along the columns of the result only: then each of its elements is converted once.
static void run_product(struct product *p) {
    size_t workers = thread_pool_size(p->g->pool);
    bool converts = p->kind != GRADIENT && p->w->dtype != DTYPE_F32;
    p->along_rows = !converts && (p->m >= p->n || p->m >= workers * PARTS_A_WORKER * LEAST_PART);
    size_t whole = p->along_rows ? p->m : p->n;
    if (!p->m || !p->n)
        return;
    size_t parts = workers == 1 ? 1 : workers * PARTS_A_WORKER;
    if (whole / parts < LEAST_PART)
        parts = workers;
    p->part = ((whole + parts - 1) / parts + STEP - 1) / STEP * STEP;
    thread_pool_run(p->g->pool, (whole + p->part - 1) / p->part, run_part, p);
}

static struct product product_forward(const struct gemm *g, size_t m, const float *x, size_t x_stride,
                                      const struct weight *w, float *y, size_t y_stride, bool add) {
    return (struct product){.g = g,
                            .kind = FORWARD,
                            .m = m,
                            .n = w->rows,
                            .a = x,
                            .a_stride = x_stride,
                            .w = w,
                            .c = y,
                            .c_stride = y_stride,
                            .add = add};
}

static struct product product_backward(const struct gemm *g, size_t m, const float *dy, size_t dy_stride,
                                       const struct weight *w, float *dx, size_t dx_stride, bool add) {
    return (struct product){.g = g,
                            .kind = BACKWARD,
                            .m = m,
                            .n = w->columns,
                            .a = dy,
                            .a_stride = dy_stride,
                            .w = w,
                            .c = dx,
                            .c_stride = dx_stride,
                            .add = add};
}

static struct product product_gradient(const struct gemm *g, size_t m, const float *dy, size_t dy_stride,
                                       const float *x, size_t x_stride, const struct weight *w) {
    return (struct product){.g = g,
                            .kind = GRADIENT,
                            .m = w->rows,
                            .n = w->columns,
                            .a = dy,
                            .a_stride = dy_stride,
                            .b = x,
                            .b_stride = x_stride,
                            .shared = m,
                            .w = w,
                            .c = w->gradient,
                            .c_stride = w->columns,
                            .add = true};
}

void gemm_forward(const struct gemm *g, size_t m, const float *x, size_t x_stride, const struct weight *w,
                  float *y, size_t y_stride, bool add) {
    struct product p = product_forward(g, m, x, x_stride, w, y, y_stride, add);
    run_product(&p);
}

void gemm_backward(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const struct weight *w,
                   float *dx, size_t dx_stride, bool add) {
    struct product p = product_backward(g, m, dy, dy_stride, w, dx, dx_stride, add);
    run_product(&p);
}

void gemm_weight_gradient(const struct gemm *g, size_t m, const float *dy, size_t dy_stride, const float *x,
                          size_t x_stride, const struct weight *w) {
    struct product p = product_gradient(g, m, dy, dy_stride, x, x_stride, w);
    run_product(&p);
}

void gemm_forward_on(const struct gemm *g, size_t worker, size_t m, const float *x, size_t x_stride,
                     const struct weight *w, float *y, size_t y_stride, bool add) {
    struct product p = product_forward(g, m, x, x_stride, w, y, y_stride, add);
    compute_block(&p, 0, p.m, 0, p.n, worker);
}

void gemm_backward_on(const struct gemm *g, size_t worker, size_t m, const float *dy, size_t dy_stride,
                      const struct weight *w, float *dx, size_t dx_stride, bool add) {
    struct product p = product_backward(g, m, dy, dy_stride, w, dx, dx_stride, add);
    compute_block(&p, 0, p.m, 0, p.n, worker);
}

void gemm_weight_gradient_on(size_t m, const float *dy, size_t dy_stride, const float *x, size_t x_stride,
                             const struct weight *w) {
    struct product p = product_gradient(NULL, m, dy, dy_stride, x, x_stride, w);
    compute_block(&p, 0, p.m, 0, p.n, 0);
}

struct weight gemm_weight_rows(const struct weight *w, size_t first, size_t count) {
    struct weight part = *w;
    part.data = (const unsigned char *)w->data + first * w->columns * dtype_size(w->dtype);
    part.rows = count;
    part.trained = w->trained ? w->trained + first * w->columns : NULL;
    part.gradient = w->gradient ? w->gradient + first * w->columns : NULL;
    return part;
}

const char *gemm_core(void) {
    return openblas_get_corename();
}

bool gemm_prefers_core(const char **core) {
    *core = NULL;
#if defined(__x86_64__)
    static const char *const narrow[] = {"Haswell", "Zen", "Excavator", "Sandybridge", "Prescott"};
    __builtin_cpu_init();
    if (getenv("OPENBLAS_CORETYPE") || !__builtin_cpu_supports("avx512f") ||
        !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512dq") ||
        !__builtin_cpu_supports("avx512vl") || !__builtin_cpu_supports("avx512cd"))
        return false;
    for (size_t i = 0; i < sizeof narrow / sizeof *narrow; i++)
        if (strcasecmp(gemm_core(), narrow[i]) == 0)
            *core = "SkylakeX";
#endif
    return *core != NULL;
}
