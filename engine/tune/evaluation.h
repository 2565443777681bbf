// SPDX-License-Identifier: GPL-3.0-or-later
// Scores over a set of examples, counted one example at a time.
#ifndef PROMPTER_ENGINE_TUNE_EVALUATION_H
#define PROMPTER_ENGINE_TUNE_EVALUATION_H

#include <stddef.h>

#include "engine/data/task.h"

#define PREDICTED_ELSEWHERE ((size_t)-1) // no label word

struct evaluation {
    size_t examples, correct;
    double loss;     // mean, of the loss the run trains
    double accuracy; // correct / examples
    double macro_f1; // mean of the classes' F1; a class without examples and predictions is left out
    size_t classes;
    size_t confusion[16 * 16]; // [true * classes + predicted] for classes <= 16; other predictions are in no
                               // column
    size_t elsewhere;          // predictions that are no label word (paper-code)
    // By class: examples of it, predictions of it, right ones.
    size_t of_class[TASK_MOST_CLASSES], predicted_class[TASK_MOST_CLASSES], correct_class[TASK_MOST_CLASSES];
};

// Begin with {.classes = N}. An example without a label (TASK_NO_LABEL) is not counted. `predicted`: a class,
// or PREDICTED_ELSEWHERE.
void evaluation_count(struct evaluation *v, size_t label, size_t predicted, double loss);
// Turns the sums into means; once, after the last example. NaN where nothing was counted.
void evaluation_finish(struct evaluation *v);

#endif
