// SPDX-License-Identifier: GPL-3.0-or-later
// How many sentences of tasks occur in a text that a model was trained on.
//
// Of a task count all sentences (sentences.h) of its fields and options that have at least
// OVERLAP_LEAST_WORDS words, in train, dev and test; each different one once, compared as sentence_table.h
// normalises. The text is read as a stream: its lines, and the sentences in them. Memory: the tasks'
// sentences.
#ifndef PROMPTER_ENGINE_DATA_TEXT_OVERLAP_H
#define PROMPTER_ENGINE_DATA_TEXT_OVERLAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/corpus.h"
#include "engine/data/task.h"

enum { OVERLAP_LEAST_WORDS = 3 };

struct overlap_task {
    char *name;
    size_t sentences, found;           // different sentences of the task (and of no task before it)
    size_t test_sentences, test_found; // those of them that the test set has
};
struct overlap_sentence { // a sentence that occurs
    char *text;
    size_t task, times;
};
struct text_overlap; // opaque

bool text_overlap_create(struct text_overlap **out, struct error *e);
void text_overlap_free(struct text_overlap *o);
// Before reading. The task is not needed afterwards.
bool text_overlap_add_task(struct text_overlap *o, const struct task *t, struct error *e);
// Reads all of the corpus; may be called for several. `told` (may be NULL) hears of every window with the
// documents read so far, and stops the reading by false.
bool text_overlap_read(struct text_overlap *o, const struct corpus *c,
                       bool (*told)(void *context, uint64_t documents), void *context, struct error *e);
size_t text_overlap_tasks(const struct text_overlap *o, const struct overlap_task **out);
// The sentences that occur, in the order in which they were first found; at most 1000 are kept.
size_t text_overlap_found(const struct text_overlap *o, const struct overlap_sentence **out);

#endif
