// SPDX-License-Identifier: GPL-3.0-or-later
// A study: where the decoder looks when it predicts the word at the mask. The cross-attention probabilities
// of the decoder's second position (the one whose output is read as the label word) over the encoder's
// input, for every decoder layer and head; over the input they add up to 1.
//
// Attention is what was mixed, not what decided: see importance.h for that.
#ifndef PROMPTER_ENGINE_INSPECT_ATTENTION_H
#define PROMPTER_ENGINE_INSPECT_ATTENTION_H

#include "engine/inspect/input_words.h"
#include "engine/inspect/lens.h"
#include "engine/inspect/study.h"

struct attention_study {
    struct study study;
    // From the sender, owned.
    struct example example;
    size_t fields;
    struct lens lens;
    // Results.
    struct input_words words;
    size_t layers, heads, step;
    float *weight; // [layers, heads, words.tokens]; owned
};
struct attention_study *attention_study_create(const struct example *example, size_t fields, struct error *e);

#define ATTENTION_MEAN ((size_t)-1)
// out [words.count]: what each word gets, summed over its pieces, of one layer and head, or the mean over all
// of them (ATTENTION_MEAN).
void attention_of_words(const struct attention_study *s, size_t layer, size_t head, float *out);

#endif
