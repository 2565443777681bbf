// SPDX-License-Identifier: GPL-3.0-or-later
// The innermost loops of matrix products: a block of rows times a packed panel, and the packing.
//
// A panel holds `k` rows of `width` floats: KERNEL_WIDTH columns of a factor, or fewer in the last panel,
// filled up with zeros to whole vectors. Every element of the result is one sum over k in order, by fused
// multiply-adds where the processor has them, wherever its row and column lie in a block: a row's result does
// not depend on the rows beside it.
#ifndef PROMPTER_ENGINE_TENSOR_KERNEL_H
#define PROMPTER_ENGINE_TENSOR_KERNEL_H

#include <stdbool.h>
#include <stddef.h>

// Vectors of the widest kind that the compiler was told of, and as many of them side by side as leave enough
// registers for KERNEL_ROWS rows.
#if defined(__AVX512F__)
#define KERNEL_LANES   16
#define KERNEL_VECTORS 4
#elif defined(__AVX__)
#define KERNEL_LANES   8
#define KERNEL_VECTORS 2
#elif defined(__aarch64__)
#define KERNEL_LANES   4
#define KERNEL_VECTORS 4
#else
#define KERNEL_LANES   4
#define KERNEL_VECTORS 2
#endif
enum { KERNEL_WIDTH = KERNEL_LANES * KERNEL_VECTORS, KERNEL_ROWS = 6 };

// The width a panel of `columns` <= KERNEL_WIDTH columns has.
static inline size_t kernel_panel_width(size_t columns) {
    return (columns + KERNEL_LANES - 1) / KERNEL_LANES * KERNEL_LANES;
}

// panel from b [k, columns].
void kernel_pack(const float *b, size_t stride, size_t k, size_t columns, float *panel);
// panel from b [columns, k], transposed on the way.
void kernel_pack_transposed(const float *b, size_t stride, size_t k, size_t columns, float *panel);

// c [m, columns] (+)= a · panel, where a(i, p) = a[i * a_row + p * a_step].
void kernel_multiply(size_t m, size_t columns, size_t k, const float *a, size_t a_row, size_t a_step,
                     const float *panel, float *c, size_t c_stride, bool add);

#endif
