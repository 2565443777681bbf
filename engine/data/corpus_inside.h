// SPDX-License-Identifier: GPL-3.0-or-later
// What the two files of the corpus share: finding documents in files (corpus.c), and the order and the window
// (corpus_reader.c).
#ifndef PROMPTER_ENGINE_DATA_CORPUS_INSIDE_H
#define PROMPTER_ENGINE_DATA_CORPUS_INSIDE_H

#include "engine/base/memory.h"
#include "engine/data/corpus.h"

// The documents of a window, one after the other.
struct corpus_shelf {
    struct buffer text;
    size_t *start; // of every sentence; each document has one more, the end of its last
    size_t starts, start_capacity;
    struct shelf_document {
        size_t first_start, sentences, bytes;
        uint64_t hash, place;
    } * document;
    size_t documents, document_capacity;
    struct buffer raw, clean; // scratch: a document as in the file; as UTF-8
    unsigned char *page;      // scratch of the scan
    size_t least_sentences;
    double from, to;
    struct corpus_counts counts;
};
void corpus_shelf_clear(struct corpus_shelf *s); // keeps the memory
void corpus_shelf_free(struct corpus_shelf *s);
// Adds the documents that begin in a block and belong to the part.
bool corpus_shelf_add_block(struct corpus_shelf *s, const struct corpus *c, uint64_t block, struct error *e);

uint64_t corpus_mix(uint64_t x); // a bijection of 64 bits without pattern (splitmix64)

#endif
