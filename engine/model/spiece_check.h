// SPDX-License-Identifier: GPL-3.0-or-later
// Checks of a spiece.model that the SentencePiece library leaves out.
//
// The library reads the normaliser's table (a double-array trie and the strings it points to) without looking
// at its bounds: a damaged file would make it read outside the table on some later text. Here every place the
// trie can lead to is walked once. Piece scores must be finite.
#ifndef PROMPTER_ENGINE_MODEL_SPIECE_CHECK_H
#define PROMPTER_ENGINE_MODEL_SPIECE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

// True when the bytes are a well-formed protocol buffer with pieces whose tables stay inside themselves.
bool spiece_check(const char *bytes, size_t length, struct error *e);

#endif
