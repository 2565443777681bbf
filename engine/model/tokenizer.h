// SPDX-License-Identifier: GPL-3.0-or-later
// T5's tokenizer: a SentencePiece model, and the sentinels <extra_id_i> that lie outside it.
//
// Sentinel <extra_id_i> is id (pieces + 100 - 1 - i), as Hugging Face numbers them: 32099 - i for T5. Ids
// between the sentinels and the model's vocab_size are padding without a name. A tokenizer is read-only after
// loading and may be shared by threads.
#ifndef PROMPTER_ENGINE_MODEL_TOKENIZER_H
#define PROMPTER_ENGINE_MODEL_TOKENIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct tokenizer;

struct token_list { // zero-initialise; release with token_list_free
    int32_t *id;
    size_t count, capacity;
};
bool token_list_add(struct token_list *list, int32_t id, struct error *e);
void token_list_free(struct token_list *list);

// `path` is a spiece.model file or a folder that holds one.
bool tokenizer_load(struct tokenizer **out, const char *path, struct error *e);
void tokenizer_free(struct tokenizer *t);

// Appends the ids of text (no </s>, no special meaning of "<extra_id_0>" and the like).
bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, struct token_list *out,
                      struct error *e);
// As encode, but "<extra_id_N>", "</s>", "<pad>", "<unk>" in the text become their ids.
bool tokenizer_encode_special(const struct tokenizer *t, const char *text, size_t length,
                              struct token_list *out, struct error *e);
// Text of ids as a person reads it: word marks become spaces, the leading one dropped; sentinels by name.
// Owned.
char *tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t count, struct error *e);

// The piece of an id, with its word mark U+2581; sentinels by name; ids without a piece as "<id 32110>".
// Valid as long as the tokenizer.
const char *tokenizer_piece(const struct tokenizer *t, int32_t id);
// The id of an exact piece or special name, or -1.
int32_t tokenizer_find(const struct tokenizer *t, const char *piece);
int32_t tokenizer_sentinel(const struct tokenizer *t, size_t i); // <extra_id_i>, i < 100
bool tokenizer_is_special(const struct tokenizer *t,
                          int32_t id);              // pad, eos, unk, control, sentinel, or no piece
size_t tokenizer_pieces(const struct tokenizer *t); // in the SentencePiece model
size_t tokenizer_ids(const struct tokenizer *t);    // pieces + sentinels
int32_t tokenizer_unk(const struct tokenizer *t);
int32_t tokenizer_eos(const struct tokenizer *t);
int32_t tokenizer_pad(const struct tokenizer *t);

#endif
