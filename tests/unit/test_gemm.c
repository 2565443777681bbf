// SPDX-License-Identifier: GPL-3.0-or-later
// Products with weights of every stored type against sums in double, alone and with a pool.
#include "check.h"

#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/tensor/gemm.h"

static float *numbers(size_t count, uint64_t seed) {
    struct random r;
    random_seed(&r, seed, 0);
    float *x = malloc((count + 1) * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)random_normal(&r);
    return x;
}

// A weight of the type, and the floats it stands for.
struct sample {
    struct weight w;
    void *stored;
    float *exact;
};

static struct sample make_weight(enum dtype type, size_t rows, size_t columns) {
    struct sample s = {.w = {.dtype = type, .rows = rows, .columns = columns}};
    s.exact = numbers(rows * columns, 7);
    s.stored = malloc(rows * columns * dtype_size(type));
    dtype_from_float(type, s.exact, s.stored, rows * columns);
    dtype_to_float(type, s.stored, s.exact, rows * columns);
    s.w.data = s.stored;
    return s;
}

static void free_weight(struct sample *s) {
    free(s->stored);
    free(s->exact);
    free(s->w.gradient);
}

// The largest error of c [m, n] against start (if adding) + sum over k of a(i, k) b(k, j), relative to what
// rounding of such a sum may reach.
static double error_of(size_t m, size_t n, size_t k, const float *a, size_t a_row, size_t a_k, const float *b,
                       size_t b_k, size_t b_column, const float *start, const float *c, size_t stride) {
    double worst = 0;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < n; j++) {
            double sum = start ? start[i * stride + j] : 0, size = 1;
            for (size_t x = 0; x < k; x++) {
                double term = (double)a[i * a_row + x * a_k] * (double)b[x * b_k + j * b_column];
                sum += term;
                size += fabs(term);
            }
            double error = fabs(c[i * stride + j] - sum) / size;
            if (!(error <= worst))
                worst = error;
        }
    return worst;
}

static const struct shape {
    size_t m, out, in;
} shapes[] = {{1, 1, 1},      {2, 3, 5},       {16, 64, 40},   {3, 700, 9},     {500, 33, 70}, {37, 65, 48},
              {130, 300, 17}, {20, 300, 1100}, {9, 1100, 300}, {400, 129, 260}, {3, 9000, 33}};
enum { SHAPES = sizeof shapes / sizeof *shapes, GAP = 3 };
static const double TOLERANCE = 1e-6;

// All three products of a shape; gaps between rows must stay as they are.
static void check_shape(const struct shape *s, enum dtype type, struct thread_pool *pool,
                        enum gemm_library library, bool add) {
    struct sample w = make_weight(type, s->out, s->in);
    size_t x_stride = s->in + GAP, y_stride = s->out + GAP;
    float *x = numbers(s->m * x_stride, 1), *y = numbers(s->m * y_stride, 2);
    float *x0 = numbers(s->m * x_stride, 1), *y0 = numbers(s->m * y_stride, 2);
    struct gemm g = {.pool = pool,
                     .scratch = malloc(gemm_scratch_floats(thread_pool_size(pool)) * sizeof(float)),
                     .library = library};
    gemm_forward(&g, s->m, x, x_stride, &w.w, y, y_stride, add);
    double forward =
        error_of(s->m, s->out, s->in, x, x_stride, 1, w.exact, 1, s->in, add ? y0 : NULL, y, y_stride);
    gemm_backward(&g, s->m, y0, y_stride, &w.w, x, x_stride, add);
    double backward =
        error_of(s->m, s->in, s->out, y0, y_stride, 1, w.exact, s->in, 1, add ? x0 : NULL, x, x_stride);
    w.w.gradient = numbers(s->out * s->in, 3);
    float *g0 = numbers(s->out * s->in, 3);
    gemm_weight_gradient(&g, s->m, y0, y_stride, x0, x_stride, &w.w);
    double gradient =
        error_of(s->out, s->in, s->m, y0, 1, y_stride, x0, x_stride, 1, g0, w.w.gradient, s->in);
    bool kept = true;
    for (size_t r = 0; r < s->m; r++)
        kept = kept && memcmp(y + r * y_stride + s->out, y0 + r * y_stride + s->out, GAP * sizeof *y) == 0 &&
               memcmp(x + r * x_stride + s->in, x0 + r * x_stride + s->in, GAP * sizeof *x) == 0;
    free_weight(&w);
    free(x), free(y), free(x0), free(y0), free(g0), free(g.scratch);
    CHECK(kept);
    CHECK_NEAR(forward, 0, TOLERANCE);
    CHECK_NEAR(backward, 0, TOLERANCE);
    CHECK_NEAR(gradient, 0, TOLERANCE);
}

static void check_all_shapes(size_t threads, enum gemm_library library) {
    struct error e = {0};
    struct thread_pool *pool = NULL;
    gemm_prepare();
    if (threads > 1)
        CHECK_OK(thread_pool_create(&pool, threads, &e));
    for (size_t i = 0; i < SHAPES; i++)
        for (int type = DTYPE_F32; type <= DTYPE_BF16; type++)
            check_shape(&shapes[i], (enum dtype)type, pool, library, i % 2);
    thread_pool_free(pool);
}

TEST(products_on_one_thread) {
    check_all_shapes(1, GEMM_OWN);
}

TEST(products_on_three_threads) {
    check_all_shapes(3, GEMM_OWN);
}

TEST(products_by_openblas) {
    check_all_shapes(1, GEMM_OPENBLAS);
    check_all_shapes(3, GEMM_OPENBLAS);
}

TEST(products_inside_a_job) {
    enum { M = 5, OUT = 12, IN = 300 };
    for (int type = DTYPE_F32; type <= DTYPE_BF16; type++) {
        struct sample w = make_weight((enum dtype)type, 3 * OUT, IN);
        float *all = w.w.gradient = calloc(3 * OUT * IN, sizeof(float));
        struct weight part = gemm_weight_rows(&w.w, OUT, OUT); // the middle third
        float *x = numbers(M * IN, 1), *y = numbers(M * OUT, 2), *dx = numbers(M * IN, 3);
        float *dy = numbers(M * OUT, 4);
        gemm_forward_on(M, x, IN, &part, y, OUT, false);
        gemm_backward_on(M, dy, OUT, &part, dx, IN, false);
        gemm_weight_gradient_on(M, dy, OUT, x, IN, &part);
        double forward = error_of(M, OUT, IN, x, IN, 1, w.exact + OUT * IN, 1, IN, NULL, y, OUT);
        double backward = error_of(M, IN, OUT, dy, OUT, 1, w.exact + OUT * IN, IN, 1, NULL, dx, IN);
        double gradient = error_of(OUT, IN, M, dy, 1, OUT, x, IN, 1, NULL, all + OUT * IN, IN);
        bool outside = all[OUT * IN - 1] == 0 && all[2 * OUT * IN] == 0;
        free(x), free(y), free(dx), free(dy);
        free_weight(&w);
        CHECK_NEAR(forward, 0, TOLERANCE);
        CHECK_NEAR(backward, 0, TOLERANCE);
        CHECK_NEAR(gradient, 0, TOLERANCE);
        CHECK(outside);
    }
}

TEST(plain_products) {
    for (size_t i = 0; i < SHAPES; i++) {
        size_t m = shapes[i].m, n = shapes[i].out, k = shapes[i].in, stride = n + GAP;
        float *a = numbers(m * k, 1), *b = numbers(n * k, 2), *c = numbers(m * stride, 3);
        float *start = numbers(m * stride, 3);
        double error[3];
        gemm_nt(m, n, k, a, k, b, k, c, stride, true);
        error[0] = error_of(m, n, k, a, k, 1, b, 1, k, start, c, stride);
        gemm_nn(m, n, k, a, k, b, n, c, stride, false);
        error[1] = error_of(m, n, k, a, k, 1, b, n, 1, NULL, c, stride);
        gemm_tn(m, n, k, a, m, b, n, c, stride, false);
        error[2] = error_of(m, n, k, a, 1, m, b, n, 1, NULL, c, stride);
        free(a), free(b), free(c), free(start);
        for (size_t x = 0; x < 3; x++)
            CHECK_NEAR(error[x], 0, TOLERANCE);
    }
}

// Old contents must not come through when the product replaces them.
TEST(replacing_ignores_what_was_there) {
    struct sample w = make_weight(DTYPE_BF16, 6, 1030);
    struct gemm g = {.scratch = malloc(gemm_scratch_floats(1) * sizeof(float))};
    float *x = numbers(2 * 1030, 1), y[12];
    for (size_t i = 0; i < 12; i++)
        y[i] = NAN;
    gemm_forward(&g, 2, x, 1030, &w.w, y, 6, false);
    double error = error_of(2, 6, 1030, x, 1030, 1, w.exact, 1, 1030, NULL, y, 6);
    free(x), free(g.scratch), free_weight(&w);
    CHECK_NEAR(error, 0, TOLERANCE);
}

TEST(a_cancelled_product_is_left_undone_and_says_so) {
    for (int library = GEMM_OWN; library <= GEMM_OPENBLAS; library++) {
        struct sample w = make_weight(DTYPE_F32, 70, 90);
        atomic_bool cancel = false, skipped = false;
        struct gemm g = {.scratch = malloc(gemm_scratch_floats(1) * sizeof(float)),
                         .library = (enum gemm_library)library,
                         .cancel = &cancel,
                         .skipped = &skipped};
        float *x = numbers(40 * 90, 1), *y = numbers(40 * 70, 2), *before = numbers(40 * 70, 2);
        gemm_forward(&g, 40, x, 90, &w.w, y, 70, false);
        CHECK(!atomic_load(&skipped));
        memcpy(before, y, 40 * 70 * sizeof *y);
        x[0] += 1;
        atomic_store(&cancel, true);
        gemm_forward(&g, 40, x, 90, &w.w, y, 70, false);
        CHECK(atomic_load(&skipped));
        CHECK(memcmp(before, y, 40 * 70 * sizeof *y) == 0);
        free_weight(&w);
        free(x), free(y), free(before), free(g.scratch);
    }
}
