// SPDX-License-Identifier: GPL-3.0-or-later
// Row kernels against the same formulas in double, and every backward against central differences of those.
#include "check.h"

#include <float.h>
#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/tensor/rows.h"

enum { ROWS = 3, D = 37, STRIDE = 2 * D };
static const double STEP = 1e-5; // of central differences in double

static void fill(float *x, size_t count, uint64_t seed, double scale) {
    struct random r;
    random_seed(&r, seed, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(scale * random_normal(&r));
}

static bool near(double got, double wanted, double relative) {
    return fabs(got - wanted) <= relative * (fabs(wanted) + 1e-3);
}

TEST(exp_is_exact_to_two_units) {
    for (double x = -87.3; x < 88.7; x += 0.00437) {
        float f = (float)x;
        double wanted = exp((double)f);
        CHECK(fabs(rows_exp(f) - wanted) <= 2 * FLT_EPSILON / 2 * wanted * 1.01);
    }
    CHECK(rows_exp(0) == 1.0f);
    CHECK(rows_exp(-100) == 0.0f);
    CHECK(rows_exp(-INFINITY) == 0.0f);
    CHECK(isinf(rows_exp(89)));
    CHECK(isnan(rows_exp(NAN)));
    float x[50], out[50];
    fill(x, 50, 1, 30);
    rows_exp_all(x, out, 50);
    for (size_t i = 0; i < 50; i++)
        CHECK(out[i] == rows_exp(x[i]));
}

static double norm_at(const double *x, const float *w, size_t j, double epsilon) {
    double sum = 0;
    for (size_t i = 0; i < D; i++)
        sum += x[i] * x[i];
    return x[j] * w[j] / sqrt(sum / D + epsilon);
}

// sum of dy * norm(x) with one element of x moved
static double norm_loss(const float *x, const float *w, const float *dy, size_t moved, double by) {
    double copy[D], loss = 0;
    for (size_t j = 0; j < D; j++)
        copy[j] = x[j] + (j == moved ? by : 0);
    for (size_t j = 0; j < D; j++)
        loss += dy[j] * norm_at(copy, w, j, 0.01);
    return loss;
}

TEST(norm_forward_and_backward) {
    float x[ROWS * D], w[D], dy[ROWS * D], out[ROWS * D], again[ROWS * D], dx[ROWS * D], dw[D], scale[ROWS];
    fill(x, ROWS * D, 1, 2);
    fill(w, D, 2, 1);
    fill(dy, ROWS * D, 3, 1);
    fill(dx, ROWS * D, 4, 1);
    fill(dw, D, 5, 1);
    float dx0[ROWS * D], dw0[D];
    memcpy(dx0, dx, sizeof dx);
    memcpy(dw0, dw, sizeof dw);
    rows_norm(x, ROWS, D, w, 0.01f, out, scale);
    rows_norm_again(x, scale, ROWS, D, w, again);
    rows_norm_backward(x, scale, ROWS, D, w, dy, dx);
    rows_norm_weight_gradient(x, scale, ROWS, D, dy, dw);
    CHECK(memcmp(out, again, sizeof out) == 0);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < D; j++) {
            double copy[D];
            for (size_t i = 0; i < D; i++)
                copy[i] = x[r * D + i];
            CHECK(near(out[r * D + j], norm_at(copy, w, j, 0.01), 1e-6));
            const float *xr = x + r * D, *g = dy + r * D;
            double slope = (norm_loss(xr, w, g, j, STEP) - norm_loss(xr, w, g, j, -STEP)) / (2 * STEP);
            CHECK(near(dx[r * D + j] - dx0[r * D + j], slope, 1e-4));
        }
    for (size_t j = 0; j < D; j++) {
        double wanted = dw0[j];
        for (size_t r = 0; r < ROWS; r++)
            wanted += (double)dy[r * D + j] * out[r * D + j] / w[j];
        CHECK(near(dw[j], wanted, 1e-5));
    }
}

static double gelu(double x) {
    return 0.5 * x * (1 + tanh(0.7978845608028654 * (x + 0.044715 * x * x * x)));
}

TEST(gate_forward_and_backward) {
    float ab[ROWS * STRIDE], before[ROWS * STRIDE], hidden[ROWS * D], d_hidden[ROWS * D];
    fill(ab, ROWS * STRIDE, 1, 2.5);
    ab[0] = -40, ab[1] = 40, ab[2] = -1e20f, ab[3] = 0, ab[4] = 1e15f; // far ends
    fill(d_hidden, ROWS * D, 2, 1);
    memcpy(before, ab, sizeof ab);
    rows_gate(ab, ab + D, STRIDE, ROWS, D, hidden);
    CHECK(memcmp(before, ab, sizeof ab) == 0);
    rows_gate_backward(ab, ab + D, STRIDE, ROWS, D, d_hidden);
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < D; j++) {
            double a = before[r * STRIDE + j], b = before[r * STRIDE + D + j], g = d_hidden[r * D + j];
            double slope = fabs(a) > 1e6 ? a > 0 : (gelu(a + STEP) - gelu(a - STEP)) / (2 * STEP);
            CHECK(near(hidden[r * D + j], gelu(a) * b, 2e-6));
            CHECK_NEAR(ab[r * STRIDE + j], g * b * slope, 1e-6 * (fabs(g * b) + 0.1));
            CHECK(near(ab[r * STRIDE + D + j], g * gelu(a), 2e-6));
        }
    float bad[2] = {NAN, 1}, out;
    rows_gate(bad, bad + 1, 2, 1, 1, &out);
    CHECK(isnan(out));
}

TEST(relu_forward_and_backward) {
    float a[ROWS * STRIDE], before[ROWS * STRIDE], hidden[ROWS * D], d_hidden[ROWS * D];
    fill(a, ROWS * STRIDE, 1, 1);
    a[1] = NAN;
    a[2] = 0;
    fill(d_hidden, ROWS * D, 2, 1);
    memcpy(before, a, sizeof a);
    rows_relu(a, STRIDE, ROWS, D, hidden);
    rows_relu_backward(a, STRIDE, ROWS, D, d_hidden);
    CHECK(isnan(hidden[1]) && isnan(a[1]));
    for (size_t r = 0; r < ROWS; r++)
        for (size_t j = 0; j < D; j++) {
            float x = before[r * STRIDE + j];
            if (isnan(x))
                continue;
            CHECK(hidden[r * D + j] == (x > 0 ? x : 0));
            CHECK(a[r * STRIDE + j] == (x > 0 ? d_hidden[r * D + j] : 0));
            CHECK(a[r * STRIDE + D + j] == before[r * STRIDE + D + j]);
        }
}

// log sum exp(x + bias) and the probability of j
static double log_sum_of(const float *x, const float *bias, size_t n) {
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < n; j++)
        largest = fmax(largest, (double)x[j] + (bias ? bias[j] : 0));
    for (size_t j = 0; j < n; j++)
        sum += exp((double)x[j] + (bias ? bias[j] : 0) - largest);
    return largest + log(sum);
}

TEST(softmax_forward_and_backward) {
    static const size_t lengths[] = {1, 2, 16, 37, 300};
    for (size_t l = 0; l < 5; l++)
        for (int with_bias = 0; with_bias < 2; with_bias++) {
            size_t n = lengths[l];
            float x[300] = {0}, bias[300] = {0}, p[300], again[300], d_p[300] = {0}, d_s[300], log_sum;
            fill(x, n, l, 20);
            fill(bias, n, l + 9, 3);
            fill(d_p, n, l + 5, 1);
            memcpy(p, x, sizeof p);
            memcpy(again, x, sizeof p);
            const float *b = with_bias ? bias : NULL;
            float sum = rows_softmax(p, n, b, &log_sum);
            rows_softmax_again(again, n, b, log_sum);
            double wanted = log_sum_of(x, b, n), mean = 0, total = 0;
            CHECK_NEAR(log_sum, wanted, 1e-5);
            memcpy(d_s, d_p, sizeof d_s);
            rows_softmax_backward(again, d_s, n);
            for (size_t j = 0; j < n; j++)
                mean += exp((double)x[j] + (b ? b[j] : 0) - wanted) * d_p[j];
            for (size_t j = 0; j < n; j++) {
                double probability = exp((double)x[j] + (b ? b[j] : 0) - wanted);
                CHECK_NEAR(p[j] / sum, probability, 1e-6);
                CHECK_NEAR(again[j], probability, 1e-5);
                CHECK_NEAR(d_s[j], probability * (d_p[j] - mean), 2e-5);
                total += again[j];
            }
            CHECK_NEAR(total, 1, 1e-5);
        }
}

TEST(cross_entropy_forward_and_backward) {
    enum { N = 1300 };
    static float x[N], before[N];
    float log_sum;
    fill(x, N, 3, 4);
    memcpy(before, x, sizeof x);
    double wanted = log_sum_of(x, NULL, N);
    CHECK_NEAR(rows_cross_entropy(x, N, 700, &log_sum), wanted - x[700], 2e-6);
    rows_cross_entropy_backward(x, N, 700, log_sum, 0.25f);
    for (size_t j = 0; j < N; j++)
        CHECK_NEAR(x[j], 0.25 * (exp(before[j] - wanted) - (j == 700)), 1e-6);
    before[3] = NAN;
    CHECK(isnan(rows_cross_entropy(before, N, 1, &log_sum)));
}

TEST(the_first_largest_is_found) {
    float x[100];
    fill(x, 100, 1, 1);
    x[40] = x[77] = 9;
    CHECK_SIZE(rows_arg_max(x, 100), 40);
    for (size_t i = 0; i < 100; i++)
        x[i] = NAN;
    CHECK_SIZE(rows_arg_max(x, 100), 0);
    x[50] = -5;
    CHECK_SIZE(rows_arg_max(x, 100), 50);
}

TEST(sums_and_scaling) {
    float x[D], y[D], before[D];
    fill(x, D, 1, 1);
    fill(y, D, 2, 1);
    memcpy(before, x, sizeof x);
    rows_add(x, y, D);
    double squares = 0;
    for (size_t j = 0; j < D; j++) {
        CHECK(x[j] == before[j] + y[j]);
        squares += (double)x[j] * x[j];
    }
    CHECK_NEAR(rows_sum_squares(x, D), squares, 1e-9);
    rows_scale(x, D, 2);
    CHECK(x[5] == 2 * (before[5] + y[5]));
}

// What stands in other rows changes nothing, to the bit.
TEST(rows_do_not_see_each_other) {
    float x[ROWS * D], w[D], all[ROWS * D], one[D], scale[ROWS];
    fill(x, ROWS * D, 1, 2);
    fill(w, D, 2, 1);
    rows_norm(x, ROWS, D, w, 1e-6f, all, scale);
    rows_norm(x + D, 1, D, w, 1e-6f, one, scale);
    CHECK(memcmp(all + D, one, sizeof one) == 0);
}

TEST(dropout_is_fair_and_its_own_backward) {
    enum { N = 100000 };
    static float x[N], y[N], z[N];
    for (size_t i = 0; i < N; i++)
        x[i] = 1;
    for (float rate = 0; rate < 0.95f; rate += 0.1f) {
        rows_dropout(x, y, N, 5, 77, rate);
        double kept = 0, sum = 0, pairs = 0;
        for (size_t i = 0; i < N; i++) {
            kept += y[i] != 0;
            sum += (double)y[i];
            pairs += i > 0 && y[i] != 0 && y[i - 1] != 0;
        }
        CHECK_NEAR(kept / N, 1 - (double)rate, 0.01);
        CHECK_NEAR(sum / N, 1, 0.05);
        CHECK_NEAR(pairs / N, (1 - (double)rate) * (1 - (double)rate), 0.01); // neighbours do not go together
        // In pieces, in place, with another key.
        memcpy(z, x, sizeof z);
        rows_dropout(z, z, 999, 5, 77, rate);
        rows_dropout(z + 999, z + 999, N - 999, 5 + 999, 77, rate);
        CHECK(memcmp(y, z, sizeof z) == 0);
        rows_dropout(x, z, N, 5, 78, rate);
        CHECK(rate < 0.05f || memcmp(y, z, sizeof z) != 0);
    }
}
