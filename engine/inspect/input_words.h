// SPDX-License-Identifier: GPL-3.0-or-later
// A rendered input as a person reads it: words instead of pieces, and each soft position for itself.
//
// A piece belongs to the word before it when it has no word mark, stands in the same part of the template,
// and letters or digits meet. Punctuation and characters of scripts without spaces stand alone, piece by
// piece.
#ifndef PROMPTER_ENGINE_INSPECT_INPUT_WORDS_H
#define PROMPTER_ENGINE_INSPECT_INPUT_WORDS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/render.h"

enum input_kind {
    INPUT_SOFT,    // a soft position
    INPUT_FIELD,   // of the example's own text
    INPUT_LITERAL, // of the template
    INPUT_MASK,
    INPUT_SPECIAL, // </s> and what {special:...} puts in
};
struct input_word {
    enum input_kind kind;
    size_t first, count; // tokens of the input
    size_t slot;         // INPUT_SOFT
    char *text;          // as a person reads it: "quietly"; "" for a soft position; owned
    char *pieces;        // "▁quiet ly", owned
};
struct input_words { // zero-initialise
    struct input_word *word;
    size_t count, capacity;
    size_t tokens; // of the input
    size_t cut;    // tokens that did not fit into it
};
bool input_words_make(struct input_words *out, const struct pattern *p, const struct rendered *r,
                      struct error *e);
void input_words_free(struct input_words *w);

// For recordings.
cJSON *input_words_write(const struct input_words *w);
bool input_words_read(struct input_words *out, const cJSON *from, struct error *e);

#endif
