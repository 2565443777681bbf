// SPDX-License-Identifier: GPL-3.0-or-later
// Text that asks which sentences belong together: questions about the sentences of a grammar's documents, in
// forms that the same grammar writes. A model learns from it to compare sentences, which a soft prompt
// (nsp, nss, unified: ppt_examples.h) later only has to ask for.
//
// A form is a document of its own rule in which these words stand for something:
//   <first>      a sentence s of a document; each <first> draws another one, of the same document
//   <second>     another sentence, and
//   <relation>   how it is related to s: "no": of another document; "maybe": of the same, but no neighbour;
//                "yes": the sentence before or after s; a third of each
//   <options>    "A. ... B. ...": a neighbour of s, a sentence of the same document that is none, and
//                sentences of other documents, 2 to NEIGHBOUR_OPTIONS, in any order
//   <letter>     the neighbour's letter
// They refer to the <first> before them. Documents of fewer than NEIGHBOUR_SENTENCES sentences of three words
// are passed over.
#ifndef PROMPTER_ENGINE_PRETRAIN_NEIGHBOUR_TEXT_H
#define PROMPTER_ENGINE_PRETRAIN_NEIGHBOUR_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/pretrain/grammar.h"

enum { NEIGHBOUR_SENTENCES = 5, NEIGHBOUR_OPTIONS = 16 };

struct neighbour_writer; // opaque; belongs to one thread

// Borrows the grammar. Documents begin with the rule `start`, forms with the rule `form`; what is written
// depends on them and the seed alone.
bool neighbour_writer_create(struct neighbour_writer **out, const struct grammar *g, const char *start,
                             const char *form, uint64_t seed, struct error *e);
void neighbour_writer_free(struct neighbour_writer *w);
// Appends one document, a sentence a line and a blank line behind it. Fails where the rule `start` has no
// documents that are long enough, or where a form asks before it has a <first>.
bool neighbour_writer_next(struct neighbour_writer *w, struct buffer *out, struct error *e);

#endif
