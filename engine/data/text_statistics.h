// SPDX-License-Identifier: GPL-3.0-or-later
// What a text is made of: documents, sentences, words, how often sentences repeat, the words by frequency.
//
// Words are runs of letters, digits, apostrophes and hyphens within, ASCII letters in lower case. Sentences
// are compared as sentence_table.h normalises them; beyond a million different ones the share of repeated
// sentences is that of a sample of them (exact before). The text is read as a stream; memory grows with the
// number of different words only, up to TEXT_MOST_WORDS; further new words are counted, but not told apart.
#ifndef PROMPTER_ENGINE_DATA_TEXT_STATISTICS_H
#define PROMPTER_ENGINE_DATA_TEXT_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/corpus.h"

enum { TEXT_MOST_WORDS = 1 << 20 };

struct text_word {
    char *text;
    uint64_t count;
};
struct text_statistics {
    uint64_t documents, sentences, words, bytes;
    size_t shortest, longest; // document, in sentences
    uint64_t once;            // different words that occur once
    double repeated;          // share of the sentences that occurred before, 0 to 1
    bool sampled;             // `repeated` comes from a sample
    struct text_word *word;   // the most frequent first, equal ones by alphabet; owned
    size_t distinct;
    uint64_t untold; // occurrences of words beyond TEXT_MOST_WORDS
    char *most_text; // the sentence of at least four words that comes most often; owned, NULL if none does
                     // twice
    uint64_t most_times;
};

// Reads all of the corpus. `told` as in text_overlap.h.
bool text_statistics_make(struct text_statistics *out, const struct corpus *c,
                          bool (*told)(void *context, uint64_t documents), void *context, struct error *e);
void text_statistics_free(struct text_statistics *s);

#endif
