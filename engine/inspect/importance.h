// SPDX-License-Identifier: GPL-3.0-or-later
// A study: what each word of an example does for the prediction, by leaving it out.
//
// The pieces of one word are taken out of the rendered input, all else (template, prompt, what the length
// limit cut away) stays, and the log probability of the class that is predicted for the whole example is
// compared. Below 0: without the word the class is less likely, so the word speaks for it. Words that mean
// something only together are each of little importance: that is what leaving out one at a time cannot see.
#ifndef PROMPTER_ENGINE_INSPECT_IMPORTANCE_H
#define PROMPTER_ENGINE_INSPECT_IMPORTANCE_H

#include "engine/inspect/input_words.h"
#include "engine/inspect/lens.h"
#include "engine/inspect/study.h"
#include "engine/tune/inputs.h"

struct importance_study {
    struct study study; // done and total count words
    // From the sender, owned.
    struct example example;
    size_t fields;
    struct lens lens;
    // Results.
    struct input_words words;
    size_t predicted, step;
    double log_probability; // natural log, of the predicted class with all words
    float *change;          // [words.count] without the word less with it; NaN for what was not left out
                            // (all but INPUT_FIELD); owned
    // While it works: the whole input, then one without each word.
    struct input_set set;
    float *soft;
    size_t *word; // [set.count] which was left out; the first is the whole
};
struct importance_study *importance_study_create(const struct example *example, size_t fields,
                                                 struct error *e);

#endif
