// SPDX-License-Identifier: GPL-3.0-or-later
// Examples of tasks, made by a grammar's part "tasks": the files beside a task.json.
//
// A task's rule writes one example, each value behind its key: "@text The rolls were fresh. @label 1"; a key
// that comes again makes a list ("@option a @option b"). An example is taken when
//   - every sentence of three words or more, outside the label, has something held back in it, so that the
//     corpus cannot have it;
//   - its texts are those of no other example of the task, in train or test;
//   - its class is still wanted: all classes get the same number.
// With `next N` the rule writes a document, and an example is a choice of the sentence that goes on:
// {"text": the two sentences before, "option": [N sentences], "answer": "B"}. One wrong option is a sentence
// of the same document that is no neighbour, the others come from other documents.
//
// The same grammar and seed give the same files.
#ifndef PROMPTER_ENGINE_PRETRAIN_TASK_MAKER_H
#define PROMPTER_ENGINE_PRETRAIN_TASK_MAKER_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/pretrain/grammar.h"

struct made_task { // JSON Lines; zero-initialise, release with made_task_free
    struct buffer train, test;
    size_t documents; // that were written to find so many examples
};

// Fails where the rule gives too few different examples of a class; the message names the class and how many
// there were.
bool task_make(struct made_task *out, const struct grammar *g, const struct grammar_task *t, uint64_t seed,
               struct error *e);
void made_task_free(struct made_task *m);

#endif
