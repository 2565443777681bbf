// SPDX-License-Identifier: GPL-3.0-or-later
// Experiments: a grid of tasks, methods, label words and seeds, each cell a few-shot run whose result is a
// line of runs (report.h), so that a table of means over seeds comes out, and the workbench's Compare shows
// the same.
//
// The file, JSON (unknown keys are refused: a misspelled one would be another experiment):
//   {"experiment": 1, "name": "main",
//    "about": "one line for people",
//    "model": "meadow",                        a shipped model or a folder; left out: the shipped one
//    "tasks": ["sentiment", "topic"],          shipped tasks, folders, task.json files
//    "seeds": "1-5",                           or a list of numbers
//    "settings": {"shots": 16, "steps": 200},  of every method, as in a session (engine/tune/settings.h)
//    "words": ["good", "inverted"],            sets of label words of the tasks; left out: "good", the
//                                              tasks' own
//    "methods": [
//      {"name": "vanilla PT",                  what it is called in tables
//       "method": "vanilla",                   all that this method sets (method.h); what follows changes it
//       "template": "soft",                    needed without "method". soft: no words; hybrid: soft vectors
//                                              and words; hard: words alone; choice: rewritten as multiple
//                                              choice; or a template's text
//       "tune": "prompt",                      prompt (default), all (fine-tuning), nothing (zero-shot)
//       "vectors": 20,                         soft vectors; left out: as the template has
//       "settings": {"start": "normal"},       beside the experiment's
//       "prompt": "{model}/prompts/{family}-{seed}.safetensors",  start from a file, see below
//       "model": "{model}-lm",                 another model, e.g. an LM-adapted one
//       "tasks": ["topic"],                    only these of the experiment's tasks
//       "try": {"rate": [0.03, 0.1, 0.3]}}]}   settings to choose among on dev: every combination is run,
//                                              and the one with the best dev score (by the task's metric,
//                                              then the lower loss) stands for the cell; test is scored
//                                              once, after the choice
//
// In "prompt" stand {model}, the folder of the method's model; {task}; {family}: cls, nsp or nss, by the
// family of the task; and {seed}. In a method's "model", {model} is the folder of the experiment's. Other
// paths are relative to the experiment's file.
//
// Templates "soft" and "hybrid" and "hard" are the first of the task's that are so. {soft:N} gets `vectors`.
#ifndef PROMPTER_SESSIONS_EXPERIMENT_H
#define PROMPTER_SESSIONS_EXPERIMENT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/pvp/template.h"
#include "engine/tune/settings.h"
#include "sessions/report.h"

enum experiment_tune { TUNE_PROMPT, TUNE_ALL, TUNE_NOTHING };
struct experiment_pair { // a setting and its value
    char *name, *value;
};
struct experiment_list {
    char **text;
    size_t count, capacity;
};
struct experiment_try { // a setting and the values among which dev chooses
    char *name;
    struct experiment_list value;
};
struct experiment_method {
    char *name, *template_text, *prompt, *model; // all but the name: NULL if not given
    enum run_method method;                      // METHOD_CUSTOM if not given
    enum experiment_tune tune;
    size_t vectors; // 0: as the template has
    struct experiment_pair *setting;
    size_t settings, setting_capacity;
    struct experiment_try *choice;
    size_t choices, choice_capacity;
    struct experiment_list tasks; // empty: all
};
struct experiment {
    char *name, *about, *model, *folder; // folder: of the file
    struct experiment_list tasks, words;
    uint64_t *seed;
    size_t seeds, seed_capacity;
    struct experiment_pair *setting;
    size_t settings, setting_capacity;
    struct experiment_method *method;
    size_t methods, method_capacity;
};
// The file of a name: a path, or a shipped experiment, and then *shipped. Owned; an unknown name is answered
// with those there are.
char *experiment_find(const char *what, bool *shipped, struct error *e);
// Messages name the file and the member.
bool experiment_read(struct experiment *out, const char *path, struct error *e);
bool experiment_parse(struct experiment *out, const char *text, size_t length, const char *folder,
                      struct error *e);
void experiment_free(struct experiment *x);

struct experiment_cell {
    size_t task, method, words, seed; // positions in the experiment's lists
};
// All cells, seeds innermost; zero-shot has one cell for each seed, too, as its dev set varies. Owned array.
bool experiment_cells(const struct experiment *x, struct experiment_cell **out, size_t *count,
                      struct error *e);
// What tells a cell from all others: "sentiment/vanilla PT/good/3".
void experiment_cell_key(const struct experiment *x, const struct experiment_cell *c, char *out, size_t size);

bool experiment_has(const struct experiment_method *m, const char *task); // is the method run on the task?

// Whether tasks and models are where the experiment says, and label words and templates fit them: what is
// wrong in many cells is told once, before the first one runs.
bool experiment_check(const struct experiment *x, struct error *e);

// Runs one cell: every combination of its method's `try`, then the test set with the chosen one. The result's
// place is the cell's key. `cancel` may be NULL.
bool experiment_run(const struct experiment *x, const struct experiment_cell *c, struct thread_pool *pool,
                    const atomic_bool *cancel, struct report_run *out, struct error *e);

#endif
