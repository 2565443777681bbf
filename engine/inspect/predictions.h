// SPDX-License-Identifier: GPL-3.0-or-later
// Studies over many examples of the open task: what each is predicted as, and how long it is once it stands
// in the template.
#ifndef PROMPTER_ENGINE_INSPECT_PREDICTIONS_H
#define PROMPTER_ENGINE_INSPECT_PREDICTIONS_H

#include "engine/inspect/lens.h"
#include "engine/inspect/study.h"
#include "engine/tune/inputs.h"

struct predictions_study {
    struct study study; // done and total count examples
    // From the sender; the references are owned.
    struct lens lens;
    struct example_ref *ref;
    size_t count;
    // Results: by the rule of the open run (engine/tune/objective.h).
    uint16_t *predicted;   // [count] class, or PREDICTION_ELSEWHERE
    float *probability;    // [count] of the predicted class among the label words; NaN elsewhere
    float *truth;          // [count] of the example's own class; NaN without a label
    struct evaluation all; // of those with a label; finished
    size_t step;
    float *soft; // the prompt of all slices
    struct input_set set;
};
enum { PREDICTION_ELSEWHERE = 0xfffe };

struct lengths_study {
    struct study study;
    // From the sender, owned.
    struct example_ref *ref;
    size_t count;
    // Results: positions of the encoder's input in the open run's template, and tokens that did not fit.
    uint32_t *length, *cut; // [count]
};

// They take `take_ref` (also on failure). NULL and an error without memory.
struct predictions_study *predictions_study_create(struct example_ref *take_ref, size_t count,
                                                   struct error *e);
struct lengths_study *lengths_study_create(struct example_ref *take_ref, size_t count, struct error *e);

#endif
