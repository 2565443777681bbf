// SPDX-License-Identifier: GPL-3.0-or-later
// What happened in a session, told from its journals: those in kept/ first, then the present one.
//
// A story is a list of JSON objects in the order things happened. Each has "time" (local time with its
// offset, "2026-11-23T16:54:01+01:00"), "run" (from 1), "what", and by that:
//   begin    folder ("" or "kept/001"), model, task, template, label_words, settings (those that are not as
//            they come)
//   open     nothing: the session was opened again
//   steps    from, to, until (time of the last); first_loss, last_loss; where dev was scored: evaluations,
//   and
//            best with step, dev_accuracy, dev_loss: the best one of these if it was the best of the run
//   rate     step, rate: changed by hand             undo     step: back to the best prompt
//   test     step, examples, correct, accuracy, macro_f1, loss
//   edit     edit (its number), as ("undo", "redo" or absent), changes: part, from, to
//   resume   step, lost: steps after it that count no more
//   thinned  steps, evaluations that the journal does not have any more
//   damage   note: what is wrong with the journal; nothing after it is told
#ifndef PROMPTER_SESSIONS_STORY_H
#define PROMPTER_SESSIONS_STORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"

// `what` names a session as session_open takes it; it may be open elsewhere, and nothing is written. *out is
// released with cJSON_Delete. *head (may be NULL) gets a line about the session itself.
bool session_story(cJSON **out, struct buffer *head, const char *what, struct error *e);
// One entry as lines for people, each ended.
void story_print(const cJSON *entry, struct buffer *text);

#endif
