// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: texts with steps that set up and run things in the workbench, and questions with answers.
//
// A lesson is a text file, NAME.lesson, that a teacher can write in any editor:
//
//   # What is a soft prompt?             the title
//   about: 7 minutes, no knowledge needed
//   task: sentiment                      a shipped task, or the path of a task.json
//   template: {soft:20} {text_a} {mask}  of the lesson's own session; the task's first if left out
//   words: bad; good                     label words; the task's own if left out
//   set: steps 60                        settings by name (:set); any number of lines
//
//   ## A blank to fill in                a step
//   show: pattern                        the screen beside the text: pattern, data, run, prompt, try, compare
//   task: topic                          from this step on the work is on another task, in a further session
//
//   A paragraph goes on until an empty line. *Words* are emphasised, `code` is shown as such.
//
//   - an item of a list
//
//       indented by four blanks: kept as it stands
//
//   needs: prompts/cls.safetensors       a file in the model's folder; where it is missing the step says so
//   guess: How many will be right?       asked for before anything is done, and shown beside what came out
//   do: run                              a command as after ":", done when the reader presses Enter; several
//   do: test                             lines are done in turn, each when the one before has come to rest.
//                                        {model} stands for the folder of the model that is open
//   seeds: 1-3                           all of them once for each seed, after ":seed N"
//   press: starts tuning                 what Enter does, for the reader; alone it opens the lesson's session
//   result: random start                 what its ":test" scored stands in tables under this name
//   goal: steps 20                       shown as reached when so many updates are made; or: dev 0.9
//   ask: What does the mask stand for?   a question; as long as a paragraph
//   answer: For the word that ...        shown when asked for
//   table: test accuracy                 what the lesson's steps have scored so far, under this heading
//
// Each lesson has sessions of its own, so that a reader's work stays as it is.
#ifndef PROMPTER_SESSIONS_LESSON_H
#define PROMPTER_SESSIONS_LESSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum lesson_block_kind {
    LESSON_TEXT,
    LESSON_ITEM,
    LESSON_VERBATIM,
    LESSON_QUESTION,
    LESSON_ANSWER,
    LESSON_GUESS, // at most one in a step
    LESSON_TABLE, // its heading
};
struct lesson_block {
    enum lesson_block_kind kind;
    char *text; // one line, but for LESSON_VERBATIM
};
enum lesson_goal { GOAL_NONE, GOAL_STEPS, GOAL_DEV };
struct lesson_step {
    char *title;
    char *show;  // name of a screen; NULL: as in the step before
    char *task;  // NULL: as in the step before, or the lesson's
    char *needs; // a path in the model's folder; NULL: nothing
    struct lesson_block *block;
    size_t blocks, block_capacity;
    char **command;
    size_t commands, command_capacity;
    uint64_t *seed; // [seeds] the commands are done with each; none: once, with the seed there is
    size_t seeds;
    char *press;  // what Enter does, which begins with opening the lesson's session; NULL: nothing
    char *result; // name of what it scores on test; NULL: it scores nothing
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

// The task that a step works on.
const char *lesson_task(const struct lesson *l, size_t step);
// The name of the session that a step works in, which is made if there is none yet: "lesson-NAME", and
// "lesson-NAME-TASK" for a task that is not the lesson's. Owned.
char *lesson_session(const struct lesson *l, size_t step, struct error *e);
// The question to be answered before the step is done, or NULL.
const char *lesson_guess(const struct lesson_step *s);
// A command with the model's folder put in. Owned.
char *lesson_command(const char *command, const char *model_folder, struct error *e);

// Paths of the shipped lessons, in the order of their file names. Owned; release with session_list_free.
bool lesson_list(char ***paths, size_t *count, struct error *e);

#endif
