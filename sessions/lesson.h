// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: texts with steps that set up and run things in the workbench, and questions with answers.
//
// A lesson is a text file, NAME.lesson, that a teacher can write in any editor:
//
//   # What is a soft prompt?             the title
//   about: 7 minutes, no knowledge needed
//   task: films                          a shipped task, or the path of a task.json
//   template: {soft:20} {text_a} {mask}  of the lesson's own session; the task's first if left out
//   words: bad; good                     label words; the task's own if left out
//   set: steps 60                        settings by name (:set); any number of lines
//
//   ## A blank to fill in                a step
//   show: pattern                        the screen beside the text: pattern, data, run, prompt, try, compare
//
//   A paragraph goes on until an empty line. *Words* are emphasised, `code` is shown as such.
//
//   - an item of a list
//
//       indented by four blanks: kept as it stands
//
//   do: run                              a command as after ":", done when the reader presses Enter; several
//   do: pattern                          lines are done in turn, each when the one before has come to rest
//   press: starts tuning                 what Enter does, for the reader; alone it opens the lesson's session
//   goal: steps 20                       shown as reached when so many updates are made; or: dev 0.9,
//   accuracy ask: What does the mask stand for?   a question; as long as a paragraph answer: For the word
//   that ...        shown when asked for
//
// Each lesson has a session of its own, "lesson-NAME", so that a reader's own work stays as it is.
#ifndef PROMPTER_SESSIONS_LESSON_H
#define PROMPTER_SESSIONS_LESSON_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum lesson_block_kind { LESSON_TEXT, LESSON_ITEM, LESSON_VERBATIM, LESSON_QUESTION, LESSON_ANSWER };
struct lesson_block {
    enum lesson_block_kind kind;
    char *text; // one line, but for LESSON_VERBATIM
};
enum lesson_goal { GOAL_NONE, GOAL_STEPS, GOAL_DEV };
struct lesson_step {
    char *title;
    char *show; // name of a screen; NULL: as in the step before
    struct lesson_block *block;
    size_t blocks, block_capacity;
    char **command;
    size_t commands, command_capacity;
    char *press; // what Enter does, which begins with opening the lesson's session; NULL: nothing
    enum lesson_goal goal;
    double goal_value;
};
struct lesson {
    char *name; // of the file, without ".lesson"
    char *title, *about, *task, *template, *words;
    char **setting; // "steps 60"
    size_t settings, setting_capacity;
    struct lesson_step *step; // at least one
    size_t steps, step_capacity;
};
// `name` is for messages and the session. Messages give the line and what may stand there.
bool lesson_parse(struct lesson *out, const char *name, const char *text, size_t length, struct error *e);
bool lesson_read(struct lesson *out, const char *path, struct error *e);
void lesson_free(struct lesson *l);

// The name of the lesson's session, which is made if there is none yet. Owned.
char *lesson_session(const struct lesson *l, struct error *e);

// Paths of the shipped lessons, in the order of their file names. Owned; release with session_list_free.
bool lesson_list(char ***paths, size_t *count, struct error *e);

#endif
