// SPDX-License-Identifier: GPL-3.0-or-later
#include "word_scores.h"

#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "engine/base/memory.h"

bool word_scores_create(struct word_scores *out, size_t classes, size_t ids, struct error *e) {
    size_t cells;
    *out = (struct word_scores){.classes = classes, .ids = ids};
    if (!size_multiply(classes, ids, &cells))
        return error_set(e, ERROR_MEMORY, "no memory for %zu words and %zu classes", ids, classes);
    out->count = mem_calloc(classes, sizeof *out->count, e);
    out->odds = mem_calloc(cells, sizeof *out->odds, e);
    out->log = mem_calloc(cells, sizeof *out->log, e);
    return out->count && out->odds && out->log;
}

void word_scores_free(struct word_scores *s) {
    free(s->count);
    free(s->odds);
    free(s->log);
    *s = (struct word_scores){0};
}

void word_scores_add(struct word_scores *s, const float *logits, size_t label) {
    const double least = 1e-15;            // OpenPrompt's, for words that are certain
    double top = -INFINITY, sum = DBL_MIN; // never zero for the logarithm
    for (size_t i = 0; i < s->ids; i++)
        top = logits[i] > top ? logits[i] : top;
    for (size_t i = 0; i < s->ids; i++)
        sum += exp(logits[i] - top);
    double *odds = s->odds + label * s->ids, *log_q = s->log + label * s->ids, all = top + log(sum);
    for (size_t i = 0; i < s->ids; i++) {
        double q = exp(logits[i] - all);
        log_q[i] += logits[i] - all;
        odds[i] += logits[i] - all - log(1 - q + least);
    }
    s->count[label]++;
}

double word_scores_ratio(const struct word_scores *s, size_t label, size_t id) {
    double others = 0;
    size_t n = 0;
    for (size_t c = 0; c < s->classes; c++) {
        if (c == label)
            continue;
        others += s->odds[c * s->ids + id];
        n += s->count[c];
    }
    return s->odds[label * s->ids + id] / (double)s->count[label] - others / (double)n;
}

double word_scores_top(const struct word_scores *s, size_t label, size_t id) {
    return s->log[label * s->ids + id] / (double)s->count[label];
}
