// SPDX-License-Identifier: GPL-3.0-or-later
// Post-processing of a field: our named operations, the Python lambdas they are recognised from and printed
// as, and what they do to a text.
//
// Foreign code is never run. A lambda is read as a chain of the four operations, in any order, with any name
// of its parameter: "lambda x: x.rstrip(string.punctuation) + '.'" is strip_punctuation, then add_full_stop.
#ifndef PROMPTER_ENGINE_PVP_POST_H
#define PROMPTER_ENGINE_PVP_POST_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/memory.h"
#include "template.h"

const char *post_name(enum post_processing p); // "strip_punctuation", ...; "?" for none
bool post_find(enum post_processing *out, const char *name, size_t length);

// Reads "lambda x: ..." into operations, first to last. False when it is not one we know.
bool post_recognise(const char *lambda, size_t length, enum post_processing *post, size_t *posts);
// Adds the lambda that post_recognise reads back to the same operations.
void post_print(struct buffer *b, const enum post_processing *post, size_t posts);

// Owned text with the operations done. Characters, not bytes; lower_first knows Latin, Greek and Cyrillic.
char *post_apply(const char *text, const enum post_processing *post, size_t posts, struct error *e);

#endif
