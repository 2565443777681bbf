// SPDX-License-Identifier: GPL-3.0-or-later
// Counting what was predicted.
#include "engine/tune/evaluation.h"

#include <math.h>

void evaluation_count(struct evaluation *v, size_t label, size_t predicted, double loss) {
    if (label == TASK_NO_LABEL)
        return;
    v->examples++;
    v->loss += loss;
    v->correct += predicted == label;
    v->of_class[label]++;
    v->correct_class[label] += predicted == label;
    if (predicted == PREDICTED_ELSEWHERE) {
        v->elsewhere++;
        return;
    }
    v->predicted_class[predicted]++;
    if (v->classes <= 16)
        v->confusion[label * v->classes + predicted]++;
}

// F1 of a class = 2 TP / (examples of it + predictions of it).
void evaluation_finish(struct evaluation *v) {
    double n = (double)v->examples, f1 = 0;
    size_t counted = 0;
    for (size_t c = 0; c < v->classes; c++) {
        size_t either = v->of_class[c] + v->predicted_class[c];
        if (!either)
            continue;
        f1 += 2.0 * (double)v->correct_class[c] / (double)either;
        counted++;
    }
    v->macro_f1 = counted ? f1 / (double)counted : NAN;
    v->accuracy = n > 0 ? (double)v->correct / n : NAN;
    v->loss = n > 0 ? v->loss / n : NAN;
}
