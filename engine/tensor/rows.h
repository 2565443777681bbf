// SPDX-License-Identifier: GPL-3.0-or-later
// What T5 does to rows besides matrix products: norm, softmax, gelu, relu, cross entropy, sums. Forward
// beside backward.
//
// All arrays are row-major floats; everything runs on the calling thread and row by row, so that callers
// split rows over workers as they like and a row's result does not depend on its neighbours. Sums run over
// vector lanes in a fixed order. NaN goes in, NaN comes out.
#ifndef PROMPTER_ENGINE_TENSOR_ROWS_H
#define PROMPTER_ENGINE_TENSOR_ROWS_H

#include <stddef.h>
#include <stdint.h>

// out = x * scale[r] * weight, scale[r] = 1 / sqrt(mean(x_r^2) + epsilon)  (RMSNorm). x, out [rows, d].
void rows_norm(const float *x, size_t rows, size_t d, const float *weight, float epsilon, float *out,
               float *scale);
// out = x * scale[r] * weight again, from the kept scale.
void rows_norm_again(const float *x, const float *scale, size_t rows, size_t d, const float *weight,
                     float *out);
// dx += d(loss)/dx from dy = d(loss)/d(out); x and scale are those of the forward pass.
//   dx_j += s (w_j dy_j - x_j s^2 mean_k(w_k dy_k x_k))
void rows_norm_backward(const float *x, const float *scale, size_t rows, size_t d, const float *weight,
                        const float *dy, float *dx);
// d_weight [d] += sum over rows of dy * x * scale.
void rows_norm_weight_gradient(const float *x, const float *scale, size_t rows, size_t d, const float *dy,
                               float *d_weight);

// hidden = gelu_new(a) * b. a and b lie in rows of `stride` floats, hidden [rows, d].
// gelu_new(x) = 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))) = x / (1 + exp(-2 sqrt(2/pi) (...)))
void rows_gate(const float *a, const float *b, size_t stride, size_t rows, size_t d, float *hidden);
// Replaces d_hidden's owners: a becomes d(loss)/da and b becomes d(loss)/db.
void rows_gate_backward(float *a, float *b, size_t stride, size_t rows, size_t d, const float *d_hidden);

// hidden = max(a, 0); and a becomes d(loss)/da = d_hidden where a > 0, else 0.
void rows_relu(const float *a, size_t stride, size_t rows, size_t d, float *hidden);
void rows_relu_backward(float *a, size_t stride, size_t rows, size_t d, const float *d_hidden);

// One row of attention: scores [n] become exp(score + bias - largest); the sum of these is returned and
// *log_sum becomes log(sum exp(score + bias)). bias may be NULL. n >= 1.
float rows_softmax(float *scores, size_t n, const float *bias, float *log_sum);
// The probabilities from the kept *log_sum: scores become exp(score + bias - log_sum).
void rows_softmax_again(float *scores, size_t n, const float *bias, float log_sum);
// d_p [n] becomes d(loss)/d(score) = p (d_p - sum(p d_p)).
void rows_softmax_backward(const float *p, float *d_p, size_t n);

// Natural-log cross entropy of one row of logits: log sum exp(logits) - logits[label].
double rows_cross_entropy(const float *logits, size_t n, size_t label, float *log_sum);
// logits become factor * (softmax(logits) - [label]), from the log_sum of the forward pass.
void rows_cross_entropy_backward(float *logits, size_t n, size_t label, float log_sum, float factor);
// The first index of the largest; 0 where all are NaN.
size_t rows_arg_max(const float *x, size_t n);

// Dropout: to = from / (1 - rate), or 0 with probability `rate` (0 <= rate < 1): element i falls out or stays
// by a hash of (first + i, key) alone. In place when to == from. Its own backward.
void rows_dropout(const float *from, float *to, size_t count, uint32_t first, uint32_t key, float rate);

void rows_add(float *to, const float *from, size_t count); // to += from
void rows_scale(float *x, size_t count, float factor);     // x *= factor
double rows_sum_squares(const float *x, size_t count);     // in double, in a fixed order

// exp to within 2 ulp over the floats whose result is normal; 0 below, infinity above.
float rows_exp(float x);
void rows_exp_all(const float *x, float *out, size_t count);

#endif
