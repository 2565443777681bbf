// SPDX-License-Identifier: GPL-3.0-or-later
// From a corpus to packed batches: documents become token ids, are cut into segments of whole sentences that
// fit `max_tokens` (a longer sentence is cut), each segment becomes an example by an objective, and examples
// fill a batch up to `batch_tokens` encoder and decoder rows.
//
// Every example has a number; its objective is drawn from (seed, number) alone. So a place in the stream is
// the corpus position of the document, the segment in it, and the number: kept and set again, the stream goes
// on to the bit. A stream belongs to one thread.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_STREAM_H
#define PROMPTER_ENGINE_PRETRAIN_LM_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/corpus.h"
#include "engine/model/t5.h"
#include "engine/pretrain/lm_objective.h"

struct lm_batch { // owned arrays; zero-initialise; release with lm_batch_free
    size_t examples;
    size_t *encoder_offset, *decoder_offset; // [examples + 1]
    struct token_list encoder, decoder;      // inputs
    struct token_list labels;                // a target for each decoder row
    unsigned char *kind;                     // [examples] enum lm_kind
    size_t encoder_capacity, decoder_capacity, kind_capacity;
    size_t longest_encoder, longest_decoder;
};
void lm_batch_clear(struct lm_batch *b);
void lm_batch_free(struct lm_batch *b);
struct t5_batch lm_batch_view(const struct lm_batch *b); // borrows
// Appends one example; targets end with </s>.
bool lm_batch_add(struct lm_batch *b, enum lm_kind kind, const struct token_list *encoder,
                  const struct token_list *targets, int32_t start, struct error *e);

struct lm_place {
    struct corpus_position document; // in front of the present document
    uint64_t segment;                // of it, the next one; 0 with the document not read yet
    uint64_t number;                 // of the next example
};

struct lm_stream;

// All borrowed. The reader gives the documents; `seed` is the examples'.
bool lm_stream_create(struct lm_stream **out, struct corpus_reader *reader, const struct tokenizer *t,
                      const struct lm_symbols *symbols, const struct lm_settings *s, uint64_t seed,
                      struct error *e);
void lm_stream_free(struct lm_stream *s);

// Clears the batch and fills it. Goes on into the next epoch.
bool lm_stream_next(struct lm_stream *s, struct lm_batch *b, struct error *e);
// The same within the epoch and for at most *documents more documents, which it counts down; an empty batch:
// there is nothing left. For validation.
bool lm_stream_next_in_epoch(struct lm_stream *s, struct lm_batch *b, size_t *documents, struct error *e);

struct lm_place lm_stream_place(const struct lm_stream *s);
bool lm_stream_seek(struct lm_stream *s, struct lm_place place, struct error *e);

#endif
