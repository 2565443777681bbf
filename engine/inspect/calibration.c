// SPDX-License-Identifier: GPL-3.0-or-later
// Content-free inputs, and dividing out what is said about them.
#include "calibration.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/memory.h"

const char *const calibration_text[CALIBRATION_INPUTS] = {"N/A", "[MASK]", ""};

// ---- the inputs ----

static bool fill_texts(char ***out, size_t count, const char *text, struct error *e) {
    if (!(*out = mem_calloc(count, sizeof **out, e)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!((*out)[i] = mem_strdup(text, e)))
            return false;
    return true;
}

struct example *calibration_examples(const struct task *t, struct error *e) {
    struct example *x = mem_calloc(CALIBRATION_INPUTS, sizeof *x, e);
    size_t options = t->family == TASK_MULTIPLE_CHOICE ? t->classes : 0;
    for (size_t i = 0; x && i < CALIBRATION_INPUTS; i++) {
        x[i].label = TASK_NO_LABEL;
        x[i].options = options;
        if (!fill_texts(&x[i].field, t->fields, calibration_text[i], e) ||
            (options && !fill_texts(&x[i].option, options, calibration_text[i], e))) {
            calibration_examples_free(x, t);
            return NULL;
        }
    }
    return x;
}

static void free_texts(char **text, size_t count) {
    for (size_t i = 0; text && i < count; i++)
        free(text[i]);
    free(text);
}

void calibration_examples_free(struct example *x, const struct task *t) {
    for (size_t i = 0; x && i < CALIBRATION_INPUTS; i++) {
        free_texts(x[i].field, t->fields);
        free_texts(x[i].option, x[i].options);
    }
    free(x);
}

// ---- the numbers ----

void calibration_mean(const float *score, size_t inputs, size_t classes, float *mean) {
    for (size_t c = 0; c < classes; c++)
        mean[c] = 0;
    for (size_t i = 0; i < inputs; i++) {
        const float *s = score + i * classes;
        double top = -INFINITY, sum = 0;
        for (size_t c = 0; c < classes; c++)
            top = s[c] > top ? s[c] : top;
        for (size_t c = 0; c < classes; c++)
            sum += exp(s[c] - top);
        for (size_t c = 0; c < classes; c++)
            mean[c] += (float)(exp(s[c] - top) / sum / (double)inputs);
    }
}

void calibration_apply(float *score, size_t classes, const float *mean) {
    const float least = 1e-15f; // OpenPrompt's: a class that is never said keeps a finite score
    for (size_t c = 0; c < classes; c++)
        score[c] -= logf(mean[c] > least ? mean[c] : least);
}
