// SPDX-License-Identifier: GPL-3.0-or-later
// Examples that teach a soft prompt a family of tasks before it sees any labelled data, made from plain text
// (PPT: Gu, Han, Liu, Huang, 2022; the constructions follow thu-coai/PPT, differences are named here).
//
// From a document (at least PPT_LEAST_SENTENCES sentences of at least PPT_LEAST_TOKENS tokens; shorter
// sentences are left out first) every sentence in turn is the query s:
//
//   nsp      s and another sentence: 0 "no": of another document; 1 "maybe": of the same document, but no
//            neighbour; 2 "yes": the sentence before or after; a third of each. Pairs of which one side is a
//            hundred times as long as the other are passed over.
//   nss      s and PPT_OPTIONS options in any order: a neighbour, one of the same document that is none, and
//            sentences of other documents. The label is the neighbour's place.
//   unified  the same with 2 to 16 options, each number equally likely. Of n options n / 4 (at least one
//   where n
//            > 2; for n = 2 in half of the examples) are of the same document, as far as it has so many: the
//            official code says only that this share falls as options grow.
//   cls      sentences that a classifier has labelled (ppt_labels.h), the classes equally often.
//
// Lengths in tokens, cut at the end: of the query and an option 300 and 40 in nss; in unified 400 and 50 up
// to 2 options, 300 and 40 up to 6, 200 and 30 up to 9, then 150 and 20. In nsp the pattern's budget cuts.
//
// "Another document" is one of the reader's window (engine/data/corpus.h); opened with
// ppt_reader_settings, a reader has no short ones there either. Every example has a number, and
// what is drawn for it depends on (seed, number) alone, so a place is the document, the sentence in it, and
// the number: kept and set again, the stream goes on to the bit. A maker belongs to one thread.
#ifndef PROMPTER_ENGINE_PRETRAIN_PPT_EXAMPLES_H
#define PROMPTER_ENGINE_PRETRAIN_PPT_EXAMPLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/corpus.h"
#include "engine/data/task.h"
#include "engine/model/tokenizer.h"

enum ppt_task { PPT_NSP, PPT_NSS, PPT_UNIFIED, PPT_CLS };
enum { PPT_TASKS = 4, PPT_LEAST_SENTENCES = 5, PPT_LEAST_TOKENS = 5, PPT_OPTIONS = 6 };
const char *ppt_task_name(enum ppt_task t); // "nsp", ...
bool ppt_task_find(const char *name, enum ppt_task *out);

// What the examples are examples of: fields text_a (and text_b for nsp), classes, family. Static; never
// freed.
const struct task *ppt_task_of(enum ppt_task t);
// The pattern of the family behind `vectors` soft vectors, and the label words: as the paper has them, or,
// with `official`, as its code. Owned.
char *ppt_template(enum ppt_task t, size_t vectors, bool official, struct error *e);
const char *ppt_label_words(enum ppt_task t); // in lines, "no; maybe; yes"; NULL: letters

struct ppt_place {
    struct corpus_position document; // in front of the present one
    uint64_t sentence;               // of it, the next query; 0 with the document not read yet
    uint64_t number;                 // of the next example
};

// For a reader of a part of the text without documents that are too short. The smaller the part, the more
// text there is to a window of it, so that windows of any part hold about as many documents.
struct corpus_reader_settings ppt_reader_settings(double from, double to, uint64_t seed);

struct ppt_maker;
// `t` is one of the three that read a corpus. Reader and tokenizer are borrowed.
bool ppt_maker_create(struct ppt_maker **out, enum ppt_task t, struct corpus_reader *reader,
                      const struct tokenizer *tokenizer, uint64_t seed, struct error *e);
void ppt_maker_free(struct ppt_maker *m);
// The next example; goes on into the next epoch. Its texts are its own: release with ppt_example_free. Fails
// when the text has no fitting documents (the message says what is needed).
bool ppt_maker_next(struct ppt_maker *m, struct example *out, struct error *e);
// The same, but stays in the epoch: *found is false when that has no further example, and none was made.
bool ppt_maker_next_in_epoch(struct ppt_maker *m, struct example *out, bool *found, struct error *e);
void ppt_example_free(enum ppt_task t, struct example *x);
struct ppt_place ppt_maker_place(const struct ppt_maker *m);
bool ppt_maker_seek(struct ppt_maker *m, struct ppt_place place, struct error *e);

#endif
