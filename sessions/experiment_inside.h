// SPDX-License-Identifier: GPL-3.0-or-later
// What one cell of an experiment stands for on a model and a task (experiment_parts.c), from which it is run
// (experiment_cell.c).
#ifndef PROMPTER_SESSIONS_EXPERIMENT_INSIDE_H
#define PROMPTER_SESSIONS_EXPERIMENT_INSIDE_H

#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"
#include "sessions/experiment.h"
#include "sessions/prompt_file.h"

// The members up to `cancel` are given, borrowed; the others are its own.
struct experiment_parts {
    const struct experiment *x;
    const struct experiment_method *m;
    const char *task_name, *words_name;
    uint64_t seed;
    struct thread_pool *pool;
    const atomic_bool *cancel;
    char *model_folder;
    struct model *model;
    struct tokenizer *tokenizer;
    struct task *task, *choice; // choice: rewritten, or NULL
    struct template template;
    struct verbalizer words;
    struct run_settings settings;
    struct prompt_matrix prompt;
};

static inline const struct task *experiment_task_of(const struct experiment_parts *c) {
    return c->choice ? c->choice : c->task;
}

// Reads model, task and prompt, and binds pattern and label words. What fails is to be closed, too.
bool experiment_parts_open(struct experiment_parts *c, struct error *e);
void experiment_parts_close(struct experiment_parts *c);

#endif
