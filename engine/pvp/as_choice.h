// SPDX-License-Identifier: GPL-3.0-or-later
// A classification task written as multiple choice, for the unified prompt (PPT, section "Unified PPT"): the
// label words become the options, A, B, C, ... in the order of the classes, and the letters become the label
// words.
#ifndef PROMPTER_ENGINE_PVP_AS_CHOICE_H
#define PROMPTER_ENGINE_PVP_AS_CHOICE_H

#include "engine/data/task.h"
#include "engine/pvp/verbalizer.h"

// A task of its own (release with task_free): a copy of the texts, with the first label word of each class as
// its options. The templates it suggests, and a person's own examples, come along. A multiple-choice task is
// copied as it is. Refuses more than TASK_MOST_OPTIONS classes.
bool task_as_choice(struct task **out, const struct task *from, const struct verbalizer *words,
                    struct error *e);
// The same, and `words` become the letters of the rewritten task, `bare` as in task_words.
bool task_and_words_as_choice(struct task **out, const struct task *from, struct verbalizer *words, bool bare,
                              struct error *e);
// The pattern that goes with it: all text fields, the options, the mask; behind `vectors` soft vectors (0:
// none). Owned.
char *choice_template(const struct task *t, size_t vectors, struct error *e);

#endif
