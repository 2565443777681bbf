// SPDX-License-Identifier: GPL-3.0-or-later
// Contextual calibration: what the model says about inputs without content is divided out.
//
// Zhao, Wallace, Feng, Klein, Singh, "Calibrate Before Use: Improving Few-Shot Performance of Language
// Models" (ICML 2021, arXiv 2102.09690), section 5: with p_cf the class probabilities of content-free inputs
// ("N/A", "[MASK]" and the empty string, averaged), q = softmax(W p + b) with W = diag(p_cf)^-1 and b = 0, of
// which the arg max is taken. As their code and OpenPrompt's do, W p is divided by its sum here, so that q_c
// is proportional to p_c / p_cf,c; in logarithms: score_c - ln p_cf,c.
#ifndef PROMPTER_ENGINE_INSPECT_CALIBRATION_H
#define PROMPTER_ENGINE_INSPECT_CALIBRATION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/data/task.h"

enum { CALIBRATION_INPUTS = 3 };
extern const char *const calibration_text[CALIBRATION_INPUTS]; // "N/A", "[MASK]", ""

// Examples of the task with that text in every field (and option), without a label: CALIBRATION_INPUTS of
// them, owned; calibration_examples_free takes NULL.
struct example *calibration_examples(const struct task *t, struct error *e);
void calibration_examples_free(struct example *x, const struct task *t);

// score [inputs, classes] of content-free inputs -> mean [classes], the mean of their class probabilities.
void calibration_mean(const float *score, size_t inputs, size_t classes, float *mean);
// score [classes] of an input -> calibrated, in place. Impossible classes (-INFINITY) stay so.
void calibration_apply(float *score, size_t classes, const float *mean);

#endif
