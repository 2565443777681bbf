// SPDX-License-Identifier: GPL-3.0-or-later
// Row kernels, written so that the compiler turns every loop over a row into vector code.
#include "rows.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

// One rounding where the processor has it; two where it would be a library call.
#ifdef __FP_FAST_FMAF
#define MULTIPLY_ADD(a, b, c) fmaf(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) ((a) * (b) + (c))
#endif

static const float LEAST_EXPONENT = -87.33f;
static const float LARGEST_EXPONENT = 88.72f;

// exp(x) for LEAST_EXPONENT <= x <= LARGEST_EXPONENT: x = n ln 2 + r with |r| <= ln 2 / 2, Taylor to degree 7
// (its remainder is below a tenth of an ulp), then n goes into the exponent bits. Adding 1.5 * 2^23 rounds to
// a whole number and leaves it in the low bits. ln 2 is split so that n times its upper part is exact.
static inline float exp_within(float x) {
    const float shift = 12582912.0f;
    float t = MULTIPLY_ADD(x, 1.44269504088896341f, shift);
    float n = t - shift;
    float r = MULTIPLY_ADD(n, -0.693359375f, x);
    r = MULTIPLY_ADD(n, 2.12194440054690583e-4f, r);
    float p = 1.0f / 5040;
    p = MULTIPLY_ADD(p, r, 1.0f / 720);
    p = MULTIPLY_ADD(p, r, 1.0f / 120);
    p = MULTIPLY_ADD(p, r, 1.0f / 24);
    p = MULTIPLY_ADD(p, r, 1.0f / 6);
    p = MULTIPLY_ADD(p, r, 0.5f);
    p = MULTIPLY_ADD(p, r, 1.0f);
    p = MULTIPLY_ADD(p, r, 1.0f);
    uint32_t whole, bits;
    memcpy(&whole, &t, sizeof whole);
    memcpy(&bits, &p, sizeof bits);
    bits += whole << 23;
    memcpy(&p, &bits, sizeof p);
    return p;
}

// For x <= 0 up to rounding: what softmax needs. NaN stays NaN.
static inline float exp_below(float x) {
    float y = exp_within(x < LEAST_EXPONENT ? LEAST_EXPONENT : x);
    y = x < LEAST_EXPONENT ? 0.0f : y;
    return x == x ? y : x;
}

static inline float exp_any(float x) {
    float y = exp_below(x > LARGEST_EXPONENT ? LARGEST_EXPONENT : x);
    return x > LARGEST_EXPONENT ? INFINITY : y;
}

float rows_exp(float x) {
    return exp_any(x);
}

void rows_exp_all(const float *x, float *out, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        out[i] = exp_any(x[i]);
}

void rows_norm(const float *restrict x, size_t rows, size_t d, const float *restrict weight, float epsilon,
               float *restrict out, float *restrict scale) {
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * d;
        float *o = out + r * d;
        double sum = 0;
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < d; j++)
            sum += (double)xr[j] * xr[j];
        float s = (float)(1.0 / sqrt(sum / (double)d + (double)epsilon));
        scale[r] = s;
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            o[j] = xr[j] * s * weight[j];
    }
}

void rows_norm_again(const float *restrict x, const float *restrict scale, size_t rows, size_t d,
                     const float *restrict weight, float *restrict out) {
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * d;
        float *o = out + r * d;
        float s = scale[r];
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            o[j] = xr[j] * s * weight[j];
    }
}

void rows_norm_backward(const float *restrict x, const float *restrict scale, size_t rows, size_t d,
                        const float *restrict weight, const float *restrict dy, float *restrict dx) {
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * d, *g = dy + r * d;
        float *o = dx + r * d;
        double dot = 0;
#pragma omp simd reduction(+ : dot)
        for (size_t j = 0; j < d; j++)
            dot += weight[j] * g[j] * xr[j];
        float s = scale[r], along = (float)((double)s * s * s * dot / (double)d);
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            o[j] += s * weight[j] * g[j] - along * xr[j];
    }
}

void rows_norm_weight_gradient(const float *restrict x, const float *restrict scale, size_t rows, size_t d,
                               const float *restrict dy, float *restrict d_weight) {
    for (size_t r = 0; r < rows; r++) {
        const float *xr = x + r * d, *g = dy + r * d;
        float s = scale[r];
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            d_weight[j] += g[j] * xr[j] * s;
    }
}

// What gelu_new needs at x: sigmoid s = 1 / (1 + e) with e = exp(-2u), u = sqrt(2/pi) (x + 0.044715 x^3).
// e is held below 2^116, so that e s is (1 - s) without overflow.
static const float TWICE_ROOT_2_PI = 2 * 0.7978845608028654f;
static const float CUBIC = 0.044715f;

static inline float gelu_exponential(float x) {
    float minus_2u = -TWICE_ROOT_2_PI * x * (1.0f + CUBIC * x * x);
    return exp_below(minus_2u > 80.0f ? 80.0f : minus_2u);
}

void rows_gate(const float *restrict a, const float *restrict b, size_t stride, size_t rows, size_t d,
               float *restrict hidden) {
    for (size_t r = 0; r < rows; r++) {
        const float *ar = a + r * stride, *br = b + r * stride;
        float *h = hidden + r * d;
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            h[j] = ar[j] * br[j] / (1.0f + gelu_exponential(ar[j]));
    }
}

// gelu' = s + x s (1 - s) 2u'. The second term is nothing far out, where 2u' would overflow: x is held there.
void rows_gate_backward(float *restrict a, float *restrict b, size_t stride, size_t rows, size_t d,
                        const float *restrict d_hidden) {
    for (size_t r = 0; r < rows; r++) {
        float *ar = a + r * stride, *br = b + r * stride;
        const float *g = d_hidden + r * d;
#pragma omp simd
        for (size_t j = 0; j < d; j++) {
            float x = ar[j], e = gelu_exponential(x), s = 1.0f / (1.0f + e);
            float held = x < -30.0f ? -30.0f : x > 30.0f ? 30.0f : x;
            float steep = TWICE_ROOT_2_PI * (1.0f + 3.0f * CUBIC * held * held);
            ar[j] = g[j] * br[j] * (s + held * s * (e * s) * steep);
            br[j] = g[j] * x * s;
        }
    }
}

void rows_relu(const float *restrict a, size_t stride, size_t rows, size_t d, float *restrict hidden) {
    for (size_t r = 0; r < rows; r++) {
        const float *ar = a + r * stride;
        float *h = hidden + r * d;
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            h[j] = ar[j] < 0 ? 0 : ar[j];
    }
}

void rows_relu_backward(float *restrict a, size_t stride, size_t rows, size_t d,
                        const float *restrict d_hidden) {
    for (size_t r = 0; r < rows; r++) {
        float *ar = a + r * stride;
        const float *g = d_hidden + r * d;
#pragma omp simd
        for (size_t j = 0; j < d; j++)
            ar[j] = ar[j] > 0 ? g[j] : ar[j] * 0; // keeps NaN
    }
}

static float add_bias_and_find_largest(float *restrict scores, size_t n, const float *restrict bias) {
    float largest = -INFINITY;
    if (bias) {
#pragma omp simd reduction(max : largest)
        for (size_t j = 0; j < n; j++) {
            float s = scores[j] + bias[j];
            scores[j] = s;
            largest = s > largest ? s : largest;
        }
    } else {
#pragma omp simd reduction(max : largest)
        for (size_t j = 0; j < n; j++)
            largest = scores[j] > largest ? scores[j] : largest;
    }
    return largest;
}

float rows_softmax(float *restrict scores, size_t n, const float *restrict bias, float *log_sum) {
    assert(n > 0);
    float largest = add_bias_and_find_largest(scores, n, bias), sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t j = 0; j < n; j++) {
        float p = exp_below(scores[j] - largest);
        scores[j] = p;
        sum += p;
    }
    // The largest term is exp(0): the sum is at least 1.
    // cppcheck-suppress invalidFunctionArg
    *log_sum = largest + logf(sum);
    return sum;
}

// log_sum was rounded, which puts the same small factor on every p; the gradient would let the part that all
// scores share leak through it, so p is made to sum to 1 again.
void rows_softmax_again(float *restrict scores, size_t n, const float *restrict bias, float log_sum) {
    float sum = 0;
    if (bias) {
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < n; j++) {
            float p = exp_below(scores[j] + bias[j] - log_sum);
            scores[j] = p;
            sum += p;
        }
    } else {
#pragma omp simd reduction(+ : sum)
        for (size_t j = 0; j < n; j++) {
            float p = exp_below(scores[j] - log_sum);
            scores[j] = p;
            sum += p;
        }
    }
    rows_scale(scores, n, 1.0f / sum);
}

void rows_softmax_backward(const float *restrict p, float *restrict d_p, size_t n) {
    double dot = 0;
#pragma omp simd reduction(+ : dot)
    for (size_t j = 0; j < n; j++)
        dot += (double)p[j] * d_p[j];
#pragma omp simd
    for (size_t j = 0; j < n; j++)
        d_p[j] = p[j] * (float)(d_p[j] - dot);
}

// Sums of exponentials are kept in double over pieces: a vocabulary is long enough for float sums to show.
enum { SUM_PIECE = 512 };

double rows_cross_entropy(const float *restrict logits, size_t n, size_t label, float *log_sum) {
    float largest = -INFINITY;
    assert(label < n);
#pragma omp simd reduction(max : largest)
    for (size_t j = 0; j < n; j++)
        largest = logits[j] > largest ? logits[j] : largest;
    double sum = 0;
    for (size_t from = 0; from < n; from += SUM_PIECE) {
        size_t to = n - from < SUM_PIECE ? n : from + SUM_PIECE;
        float part = 0;
#pragma omp simd reduction(+ : part)
        for (size_t j = from; j < to; j++)
            part += exp_below(logits[j] - largest);
        sum += part;
    }
    // cppcheck-suppress invalidFunctionArg
    double log_of_sum = (double)largest + log(sum);
    *log_sum = (float)log_of_sum;
    return log_of_sum - logits[label];
}

void rows_cross_entropy_backward(float *restrict logits, size_t n, size_t label, float log_sum,
                                 float factor) {
    double sum = 0; // 1 but for the rounding of log_sum, see rows_softmax_again
    assert(label < n);
    for (size_t from = 0; from < n; from += SUM_PIECE) {
        size_t to = n - from < SUM_PIECE ? n : from + SUM_PIECE;
        float part = 0;
#pragma omp simd reduction(+ : part)
        for (size_t j = from; j < to; j++) {
            float p = exp_below(logits[j] - log_sum);
            logits[j] = p;
            part += p;
        }
        sum += part;
    }
    rows_scale(logits, n, (float)(factor / sum));
    logits[label] -= factor;
}

size_t rows_arg_max(const float *x, size_t n) {
    float largest = -INFINITY;
#pragma omp simd reduction(max : largest)
    for (size_t j = 0; j < n; j++)
        largest = x[j] > largest ? x[j] : largest;
    for (size_t j = 0; j < n; j++)
        if (x[j] == largest)
            return j;
    return 0;
}

// 32 bits to 32 bits without pattern ("lowbias32" of C. Wellons's search for such functions, public domain).
static inline uint32_t scatter(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ x >> 16;
}

void rows_dropout(const float *from, float *to, size_t count, uint32_t first, uint32_t key, float rate) {
    uint32_t bound = (uint32_t)((double)rate * 0x1p31); // of 31 bits: signed compares are everywhere
    float scale = 1.0f / (1.0f - rate);
#pragma omp simd
    for (size_t i = 0; i < count; i++) {
        uint32_t x = scatter((first + (uint32_t)i) * 0x9e3779b1u + key) >> 1;
        to[i] = (int32_t)x < (int32_t)bound ? 0.0f : from[i] * scale;
    }
}

void rows_add(float *restrict to, const float *restrict from, size_t count) {
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        to[i] += from[i];
}

void rows_scale(float *x, size_t count, float factor) {
#pragma omp simd
    for (size_t i = 0; i < count; i++)
        x[i] *= factor;
}

double rows_sum_squares(const float *x, size_t count) {
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < count; i++)
        sum += (double)x[i] * (double)x[i];
    return sum;
}
