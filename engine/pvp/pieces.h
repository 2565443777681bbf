// SPDX-License-Identifier: GPL-3.0-or-later
// Tokenising a text that stands at the beginning of a word, or in the middle of a text.
#ifndef PROMPTER_ENGINE_PVP_PIECES_H
#define PROMPTER_ENGINE_PVP_PIECES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/tokenizer.h"

// Appends the ids of text. joined: it follows other text without a space, so that its first piece has no word
// mark ("." is "." and not "▁" ".").
bool pieces_encode(const struct tokenizer *t, const char *text, size_t length, bool joined,
                   struct token_list *out, struct error *e);

#endif
