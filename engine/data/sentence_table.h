// SPDX-License-Identifier: GPL-3.0-or-later
// Counting sentences by their normalised text, as 64-bit hashes.
//
// Normalised: ASCII letters in lower case; everything but letters, digits, apostrophes within words, and
// bytes beyond ASCII is a blank; blanks are single and not at the ends. So "It was GREAT!" and "it was great"
// are one sentence. Two different sentences share a hash with a chance of about one in 10^19 a pair.
#ifndef PROMPTER_ENGINE_DATA_SENTENCE_TABLE_H
#define PROMPTER_ENGINE_DATA_SENTENCE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// The hash of the normalised text, never 0, and how many words it has (words may be NULL).
uint64_t sentence_hash(const char *text, size_t length, size_t *words);

struct sentence_entry {
    uint64_t hash; // 0: free
    uint64_t count, tag;
};
// Zero-initialise; release with sentence_table_free. With `most` set, no more than so many entries are kept:
// then only hashes of a sample stay, those whose lowest `sampled` bits are zero, and the sample is halved
// whenever it is full. Which hashes those are depends on the text alone.
struct sentence_table {
    struct sentence_entry *entry;
    size_t capacity, used, most;
    unsigned sampled;
};
// The entry of a hash, new with count 0 where there was none; *out is NULL where the hash is not in the
// sample. Valid until the next call.
bool sentence_table_take(struct sentence_table *t, uint64_t hash, struct sentence_entry **out,
                         struct error *e);
const struct sentence_entry *sentence_table_find(const struct sentence_table *t, uint64_t hash); // or NULL
void sentence_table_free(struct sentence_table *t);

#endif
