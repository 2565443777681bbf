// SPDX-License-Identifier: GPL-3.0-or-later
// The eigensolver against what eigenvalues and eigenvectors are.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/tensor/eigen.h"

static size_t solve(double *a, double *vectors, size_t n) {
    size_t sweeps = 0;
    eigen_begin(vectors, n);
    while (!eigen_sweep(a, vectors, n) && sweeps < 40)
        sweeps++;
    return sweeps;
}

TEST(vectors_are_turned_into_multiples_of_themselves) {
    enum { MOST = 40 };
    struct random r;
    random_seed(&r, 3, 1);
    for (size_t n = 1; n <= MOST; n += 13) {
        double a[MOST * MOST], d[MOST * MOST], v[MOST * MOST], scale = 0;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j <= i; j++)
                a[i * n + j] = a[j * n + i] = random_normal(&r);
        memcpy(d, a, sizeof a);
        CHECK(solve(d, v, n) < 12);
        for (size_t i = 0; i < n; i++)
            scale = fmax(scale, fabs(d[i * n + i]));
        for (size_t k = 0; k < n; k++)
            for (size_t i = 0; i < n; i++) {
                double turned = 0, dot = 0;
                for (size_t j = 0; j < n; j++) {
                    turned += a[i * n + j] * v[k * n + j];
                    dot += v[k * n + j] * v[i * n + j];
                }
                CHECK_NEAR(turned, d[k * n + k] * v[k * n + i], 1e-12 * scale);
                CHECK_NEAR(dot, i == k, 1e-13 * (double)n);
            }
    }
}

TEST(known_eigenvalues_come_out_in_order) {
    double a[9] = {2, 1, 0, 1, 2, 0, 0, 0, -5}, v[9];
    size_t at[2];
    solve(a, v, 3);
    eigen_largest(a, 3, 2, at);
    CHECK_NEAR(a[at[0] * 4], 3, 1e-15);
    CHECK_NEAR(a[at[1] * 4], 1, 1e-15);
    CHECK_NEAR(fabs(v[at[0] * 3]), sqrt(0.5), 1e-15);
}

TEST(nothing_and_no_numbers_end_at_once) {
    double zero[4] = {0}, nan[4] = {NAN, NAN, NAN, NAN}, v[4];
    eigen_begin(v, 2);
    CHECK(eigen_sweep(zero, v, 2));
    CHECK(eigen_sweep(nan, v, 2));
}
