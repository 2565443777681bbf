// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8 as bytes: decoding, encoding, checking. Column widths are the grid's business, not ours.
#ifndef PROMPTER_ENGINE_BASE_UTF8_H
#define PROMPTER_ENGINE_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Reads one code point from text[0..length), length > 0. Returns the bytes it took, at least 1. Bytes that
// are no UTF-8 (overlong forms and surrogates too) give U+FFFD and take one byte, so that decoding always
// moves on.
size_t utf8_decode(const char *text, size_t length, uint32_t *code_point);
// Writes 1 to 4 bytes, no terminator; what is no Unicode scalar value is written as U+FFFD. Returns their
// number.
size_t utf8_encode(uint32_t code_point, char out[4]);
// True when all of it is well-formed; otherwise *bad (may be NULL) is the offset of the first bad byte.
bool utf8_valid(const char *text, size_t length, size_t *bad);
// The largest k <= at that does not cut a character in two.
size_t utf8_boundary(const char *text, size_t length, size_t at);
// Makes a text fit to be shown on a terminal, in place: line ends and tabs become spaces; what is no UTF-8
// and all other control characters (with them every escape sequence) become '?'. Never makes it longer.
void utf8_make_plain(char *text);

#endif
