// SPDX-License-Identifier: GPL-3.0-or-later
// Optimizers over a list of float parameters with gradients: Adam, AdamW, Adafactor, SGD with momentum.
//
//   Adam       m <- b1 m + (1-b1) g;  v <- b2 v + (1-b2) g^2;
//              p <- p - rate (m / (1-b1^t)) / (sqrt(v / (1-b2^t)) + epsilon)
//   AdamW      the same, after p <- p - rate weight_decay p  (Loshchilov and Hutter)
//   Adafactor  b = 1 - t^-0.8; u = g^2 + 1e-30; matrices keep means of u over columns (R, a row each) and
//   over
//              rows (C, a column each): d = g / sqrt(R / mean(R) * C); vectors, and everything when not
//              `factored`, keep V: d = g / sqrt(V); d <- d / max(1, RMS(d)); p <- p - rate d, after the decay
//              of AdamW (Shazeer and Stern; constant rate, no relative step, no parameter scale)
//   SGD        m <- momentum m + g;  p <- p - rate m, after the same decay
//
// with t = 1 at the first step. Parameters and gradients are borrowed; the state is allocated once, by
// create. Work is split over the pool in blocks that do not depend on the number of threads, so neither does
// the result. An optimizer belongs to one thread.
#ifndef PROMPTER_ENGINE_TUNE_OPTIMIZER_H
#define PROMPTER_ENGINE_TUNE_OPTIMIZER_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"

enum optimizer_kind { OPTIMIZER_ADAM, OPTIMIZER_ADAMW, OPTIMIZER_ADAFACTOR, OPTIMIZER_SGD };

struct optimizer_settings {
    enum optimizer_kind kind;
    double beta1, beta2, epsilon; // Adam, AdamW: 0.9, 0.999, 1e-8
    double weight_decay;          // AdamW, Adafactor, SGD; Adam ignores it
    double momentum;              // SGD: 0.9
    bool factored;                // Adafactor: matrices keep rows and columns instead of every element
};
struct optimizer_settings optimizer_settings_default(enum optimizer_kind kind); // factored, no decay

struct optimizer_parameter { // all borrowed
    float *value;
    const float *gradient;
    size_t rows, columns;
};

struct optimizer_report { // L2 norms over all parameters together
    double gradient_norm; // before clipping
    double update_norm;   // of the change this step made
    double value_norm;    // of the parameters after it
    double update_rms;    // update_norm / sqrt(number of elements)
};

struct optimizer;

// The pool (may be NULL) is borrowed.
bool optimizer_create(struct optimizer **out, const struct optimizer_settings *settings,
                      const struct optimizer_parameter *parameters, size_t count, struct thread_pool *pool,
                      struct error *e);
void optimizer_free(struct optimizer *o);
// Parameter i (of create) moves with `rate` times the rate of a step and decays with `decay` times the weight
// decay; 1 and 1 when nothing is said. Both >= 0.
void optimizer_set_factors(struct optimizer *o, size_t i, double rate, double decay);

// One update. clip > 0: gradients are scaled down together so that their norm is at most `clip`. A gradient
// that is not finite is refused (ERROR_INPUT, saying what to do) and changes nothing. `report` may be NULL.
bool optimizer_step(struct optimizer *o, double rate, double clip, struct optimizer_report *report,
                    struct error *e);

// ---- the state, for keeping a run and resuming it ----
struct optimizer_array {
    char name[32]; // "0.m", "0.v", "0.row", ...: number of the parameter, what it is
    float *value;  // [rows, columns] inside the optimizer; may be read and written between steps
    size_t rows, columns;
};
size_t optimizer_arrays(const struct optimizer *o);
struct optimizer_array optimizer_array_at(struct optimizer *o, size_t i); // i < optimizer_arrays
size_t optimizer_steps(const struct optimizer *o);                        // t, steps made
void optimizer_set_steps(struct optimizer *o, size_t steps);
// As new: state zero, no steps made.
void optimizer_reset(struct optimizer *o);
size_t optimizer_bytes(const struct optimizer *o); // of state

#endif
