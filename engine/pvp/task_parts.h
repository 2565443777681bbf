// SPDX-License-Identifier: GPL-3.0-or-later
// The template and the label words that a text means for a task: the text itself, or what the task suggests
// where it is empty.
#ifndef PROMPTER_ENGINE_PVP_TASK_PARTS_H
#define PROMPTER_ENGINE_PVP_TASK_PARTS_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"

// text NULL or "": the task's first template.
bool task_template(struct template *out, const struct task *t, const char *text, struct error *e);
// text NULL or "": the task's own words, or the letters of a multiple choice. `bare`: letters of a multiple
// choice have no leading space (verbalizer_bare_letters). Not bound yet.
bool task_words(struct verbalizer *out, const struct task *t, const char *text, bool bare, struct error *e);

#endif
