// SPDX-License-Identifier: GPL-3.0-or-later
// A study: what several prompts make of one example. For each the probabilities of the classes, and the
// likeliest words at the mask over the whole vocabulary.
#ifndef PROMPTER_ENGINE_INSPECT_ANSWERS_H
#define PROMPTER_ENGINE_INSPECT_ANSWERS_H

#include "engine/inspect/lens.h"
#include "engine/inspect/study.h"

enum { ANSWER_WORDS = 20 };

struct answer {
    struct error error; // why there is none through this lens; ERROR_NONE: the rest is there
    float *probability; // [classes] softmax over the classes that are possible for the example; owned
    size_t classes;
    size_t predicted;   // the likeliest
    size_t step;        // of a present or best prompt
    size_t tokens, cut; // of the input; that did not fit
    struct likely_token likely[ANSWER_WORDS];
    size_t likely_count;
    int32_t target[TASK_MOST_CLASSES]; // [classes] first piece of each class's first word
};
struct answers_study {
    struct study study;
    // From the sender, owned: the example with its `fields` texts, and the lenses.
    struct example example;
    size_t fields;
    struct lens *lens;
    size_t lenses;
    // Results, one a lens.
    struct answer *answer;
};
// A study to be filled: lenses zeroed, the example copied. NULL and an error without memory.
struct answers_study *answers_study_create(const struct example *example, size_t fields, size_t lenses,
                                           struct error *e);

#endif
