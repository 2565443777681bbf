// SPDX-License-Identifier: GPL-3.0-or-later
// Tiles of KERNEL_ROWS x KERNEL_WIDTH sums that stay in registers while k runs. Written with the compiler's
// vector types, so that one source serves every processor.
#include "kernel.h"

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || defined(__FMA__)
#include <immintrin.h>
#endif

// GCC would make a second copy of the innermost loop for steps of one element, and, having two loops that
// meet, keep the sums in memory in both.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("no-version-loops-for-strides")
#endif

enum { L = KERNEL_LANES };
typedef float vector __attribute__((vector_size(L * sizeof(float)), aligned(4), may_alias));
typedef int32_t indices __attribute__((vector_size(L * sizeof(int32_t))));

// c + a * b with one rounding where the processor has it. The C standard's mode keeps the compiler from
// joining the two by itself.
static inline vector multiply_add(vector a, vector b, vector c) {
#if defined(__AVX512F__)
    return (vector)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__FMA__)
    return (vector)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
    return c + a * b;
#endif
}

// `rows` and `vectors` are constants where this is inlined, so that all loops but the one over k unroll.
__attribute__((always_inline)) static inline void tile(const int rows, const int vectors, size_t k,
                                                       const float *restrict a, size_t a_row, size_t a_step,
                                                       const float *restrict panel, float *restrict c,
                                                       size_t c_stride, bool add) {
    vector sum[KERNEL_ROWS][KERNEL_VECTORS];
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            sum[i][v] = (vector){0};
    for (const float *end = panel + k * (size_t)vectors * L; panel != end;
         panel += vectors * L, a += a_step) {
        vector b[KERNEL_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++)
            b[v] = *(const vector *)(panel + v * L);
#pragma GCC unroll 8
        for (int i = 0; i < rows; i++) {
            vector x = a[(size_t)i * a_row] - (vector){0};
#pragma GCC unroll 4
            for (int v = 0; v < vectors; v++)
                sum[i][v] = multiply_add(x, b[v], sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++)
#pragma GCC unroll 4
        for (int v = 0; v < vectors; v++) {
            vector *to = (vector *)(c + (size_t)i * c_stride + (size_t)v * L);
            if (add)
                sum[i][v] += *to;
            *to = sum[i][v];
        }
}

typedef void tile_function(size_t k, const float *a, size_t a_row, size_t a_step, const float *panel,
                           float *c, size_t c_stride, bool add);

#define TILE(ROWS, VECTORS)                                                                                  \
    static void tile_##ROWS##_##VECTORS(size_t k, const float *a, size_t a_row, size_t a_step,               \
                                        const float *panel, float *c, size_t c_stride, bool add) {           \
        tile(ROWS, VECTORS, k, a, a_row, a_step, panel, c, c_stride, add);                                   \
    }
#define TILES(VECTORS)                                                                                       \
    TILE(1, VECTORS) TILE(2, VECTORS) TILE(3, VECTORS) TILE(4, VECTORS) TILE(5, VECTORS) TILE(6, VECTORS)
#define TILE_ROW(VECTORS)                                                                                    \
    {                                                                                                        \
        tile_1_##VECTORS, tile_2_##VECTORS, tile_3_##VECTORS, tile_4_##VECTORS, tile_5_##VECTORS,            \
            tile_6_##VECTORS                                                                                 \
    }

TILES(1)
TILES(2)
#if KERNEL_VECTORS == 4
TILES(3)
TILES(4)
#endif

static tile_function *const tiles[KERNEL_VECTORS][KERNEL_ROWS] = {TILE_ROW(1), TILE_ROW(2),
#if KERNEL_VECTORS == 4
                                                                  TILE_ROW(3), TILE_ROW(4)
#endif
};

// Sums are made of short parts that are added up: the rounding error of one long float sum grows with its
// length.
enum { PART = 16 };

// `rows` <= KERNEL_ROWS, `width` whole vectors.
static inline void multiply_tile(size_t rows, size_t width, size_t k, const float *a, size_t a_row,
                                 size_t a_step, const float *panel, float *c, size_t c_stride, bool add) {
    tile_function *run = tiles[width / L - 1][rows - 1];
    size_t p = 0;
    for (; k - p > PART + PART / 2; p += PART)
        run(PART, a + p * a_step, a_row, a_step, panel + p * width, c, c_stride, add || p > 0);
    run(k - p, a + p * a_step, a_row, a_step, panel + p * width, c, c_stride, add || p > 0);
}

// Columns that are no whole vectors go through a tile of our own.
static void multiply_ragged(size_t rows, size_t columns, size_t k, const float *a, size_t a_row,
                            size_t a_step, const float *panel, float *c, size_t c_stride, bool add) {
    float whole[KERNEL_ROWS * KERNEL_WIDTH];
    size_t width = kernel_panel_width(columns);
    multiply_tile(rows, width, k, a, a_row, a_step, panel, whole, width, false);
    for (size_t i = 0; i < rows; i++)
        for (size_t j = 0; j < columns; j++)
            c[i * c_stride + j] = add ? c[i * c_stride + j] + whole[i * width + j] : whole[i * width + j];
}

void kernel_multiply(size_t m, size_t columns, size_t k, const float *a, size_t a_row, size_t a_step,
                     const float *panel, float *c, size_t c_stride, bool add) {
    for (size_t i = 0; i < m; i += KERNEL_ROWS) {
        size_t rows = m - i < KERNEL_ROWS ? m - i : KERNEL_ROWS;
        const float *ai = a + i * a_row;
        float *ci = c + i * c_stride;
        if (columns % L)
            multiply_ragged(rows, columns, k, ai, a_row, a_step, panel, ci, c_stride, add);
        else
            multiply_tile(rows, columns, k, ai, a_row, a_step, panel, ci, c_stride, add);
    }
}

// Large factors come from memory in short runs, one run a row, which the processor does not foresee.
enum { ROWS_AHEAD = 24 };

static inline void fetch_row(const float *row) {
#pragma GCC unroll 8
    for (size_t j = 0; j < KERNEL_WIDTH; j += 16)
        __builtin_prefetch(row + j);
}

void kernel_pack(const float *restrict b, size_t stride, size_t k, size_t columns, float *restrict panel) {
    size_t width = kernel_panel_width(columns);
    if (columns == KERNEL_WIDTH) {
        for (size_t p = 0; p < k; p++, b += stride, panel += KERNEL_WIDTH) {
            fetch_row(b + ROWS_AHEAD * stride);
#pragma GCC unroll 4
            for (size_t j = 0; j < KERNEL_WIDTH; j += L)
                *(vector *)(panel + j) = *(const vector *)(b + j);
        }
        return;
    }
    for (size_t p = 0; p < k; p++) {
        memcpy(panel + p * width, b + p * stride, columns * sizeof *panel);
        memset(panel + p * width + columns, 0, (width - columns) * sizeof *panel);
    }
}

// v[j] is element from[j] of a and b, one behind the other.
__attribute__((always_inline)) static inline vector shuffle(vector a, vector b, indices from) {
#if defined(__clang__) // has no such builtin with the indices in a variable
    vector v = a;
    for (int j = 0; j < L; j++)
        v[j] = from[j] < L ? a[from[j]] : b[from[j] - L];
    return v;
#else
    return __builtin_shuffle(a, b, from);
#endif
}

// Swaps the off-diagonal quarters of every 2s x 2s square, for s = L/2 .. 1: afterwards v is transposed.
__attribute__((always_inline)) static inline void transpose_square(vector v[L]) {
#pragma GCC unroll 8
    for (int s = L / 2; s > 0; s /= 2) {
        indices upper = {0}, lower = {0};
#pragma GCC unroll 16
        for (int j = 0; j < L; j++) {
            upper[j] = j & s ? L + j - s : j;
            lower[j] = j & s ? L + j : j + s;
        }
#pragma GCC unroll 16
        for (int i = 0; i < L; i++) {
            if (i & s)
                continue;
            vector a = v[i], b = v[i + s];
            v[i] = shuffle(a, b, upper);
            v[i + s] = shuffle(a, b, lower);
        }
    }
}

// A square of b, `rows` x `columns` of which exist, into the panel.
static void transpose_ragged(const float *b, size_t stride, size_t rows, size_t columns, float *to,
                             size_t width) {
    for (size_t p = 0; p < columns; p++)
        for (size_t j = 0; j < L; j++)
            to[p * width + j] = j < rows ? b[j * stride + p] : 0;
}

void kernel_pack_transposed(const float *restrict b, size_t stride, size_t k, size_t columns,
                            float *restrict panel) {
    size_t width = kernel_panel_width(columns);
    for (size_t j = 0; j < columns; j += L) {
        const float *from = b + j * stride;
        float *to = panel + j;
        size_t rows = columns - j < L ? columns - j : L, p = 0;
        for (; rows == L && p + L <= k; p += L) {
            vector v[L];
#pragma GCC unroll 16
            for (int i = 0; i < L; i++)
                v[i] = *(const vector *)(from + (size_t)i * stride + p);
#pragma GCC unroll 16
            for (int i = 0; i < L; i++) // the rows that come next
                __builtin_prefetch(from + (size_t)(L + i) * stride + p);
            transpose_square(v);
#pragma GCC unroll 16
            for (int i = 0; i < L; i++)
                *(vector *)(to + (p + (size_t)i) * width) = v[i];
        }
        transpose_ragged(from + p, stride, rows, k - p, to + p * width, width);
    }
}
