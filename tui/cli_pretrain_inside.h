// SPDX-License-Identifier: GPL-3.0-or-later
// What the parts of prompter pretrain share: cli_pretrain.c (the command, and the run), cli_pretrain_begin.c
// (what is asked for, and opening what it needs), cli_pretrain_tell.c (what is said of it).
#ifndef PROMPTER_TUI_CLI_PRETRAIN_INSIDE_H
#define PROMPTER_TUI_CLI_PRETRAIN_INSIDE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

#include "engine/data/corpus.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"
#include "engine/pretrain/ppt_labels.h"
#include "engine/pretrain/ppt_trainer.h"
#include "engine/pretrain/training.h"
#include "sessions/prompt_file.h"
#include "tui/cli_options.h"
#include "tui/cli_progress.h"

// The command line; SIZE_MAX: not given.
struct pretrain_arguments {
    const char *task, *model, *out, *preset, *layout, *template_text, *words, *classifier, *labels, *sure;
    struct cli_values corpus, set;
    size_t vectors, validation, test, micro_batch, most, threads;
    bool resume, overwrite, json, screen;
};

struct pretrain_job {
    const struct pretrain_arguments *r;
    struct ppt_settings settings;
    struct corpus *corpus;
    struct ppt_labels labels;
    struct tokenizer *tokenizer;
    struct model *model;
    struct thread_pool *pool;
    struct ppt_trainer *trainer; // NULL until all is open
    struct training *training;   // NULL: without a screen
    struct cli_log *log;
    struct prompt_matrix start;
    char *out, *checkpoint, *card, *label_path, *model_folder; // paths
    char *kept; // what is kept in the checkpoint of this command
    const atomic_bool *cancel;
    struct cli_progress progress;
    double began, saved_at, busy; // busy: seconds of steps
    bool usage;                   // what went wrong is the command line
    size_t first_step;
    struct ppt_validation last;
    bool validated;
};

// A new run, or (--resume) one that is gone on with: everything is open and the trainer made. Of what fails
// some may be open; pretrain_release closes it. The paths of the job are there already.
bool pretrain_begin(struct pretrain_job *t, struct error *e);
bool pretrain_resume(struct pretrain_job *t, struct error *e);
void pretrain_release(struct pretrain_job *t);

// One object a line, to the log and (--json) to standard output.
void pretrain_print_object(const struct pretrain_job *t, cJSON *take);
cJSON *pretrain_score_object(const struct ppt_trainer *t, const struct ppt_score *s);
// Each as an object and as a line of progress.
void pretrain_tell_open(struct pretrain_job *t);
void pretrain_tell_labels(struct pretrain_job *t);
void pretrain_tell_step(struct pretrain_job *t, const struct ppt_step *s);
void pretrain_tell_validation(struct pretrain_job *t); // of t->last

#endif
