// SPDX-License-Identifier: GPL-3.0-or-later
// Cutting a paragraph into sentences, English and Chinese, by rules alone.
//
// A sentence ends behind a run of . ! ? … (and quotes or brackets that close after it) when white space
// follows and then something that can begin a sentence: anything but a lower-case letter or a closing mark.
// A full stop does not end one behind a title or another abbreviation (Mr. Dr. e.g. vs. c. 1910), behind a
// single capital (initials: J. Smith, U.S.) or an abbreviation that may end a sentence (Inc. p.m.) unless a
// word follows that often begins one ("in Washington, D.C. In 1993"), between digits, or where nothing but a
// number stands in front of it ("1. Open the lid."). Where marks stand between spaces, as in text cut into
// tokens ("it broke . the door"), a lower-case letter can begin a sentence. Chinese 。！？ end one wherever
// they stand, ! ? … behind a Chinese character too, with the quotes that close after them. A line end is
// always the end of a sentence. Nothing is lost: the sentences, joined by white space, are the text.
#ifndef PROMPTER_ENGINE_DATA_SENTENCES_H
#define PROMPTER_ENGINE_DATA_SENTENCES_H

#include <stdbool.h>
#include <stddef.h>

// Gets each sentence in order, without white space around it, never empty; the text is the caller's. False
// ends the cutting.
typedef bool sentence_sink(void *context, const char *text, size_t length);

// `text` is UTF-8; what is not is treated as letters. False when the sink said so.
bool sentences_split(const char *text, size_t length, sentence_sink *sink, void *context);

// Without the white space at both ends (also U+00A0 and U+3000).
void sentence_trim(const char **text, size_t *length);

#endif
