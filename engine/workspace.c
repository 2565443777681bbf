// SPDX-License-Identifier: GPL-3.0-or-later
// The setup and the workspace: what is asked for, and what it became.
#include "engine/workspace.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/pvp/as_choice.h"
#include "engine/pvp/task_parts.h"

void engine_setup_free(struct engine_setup *s) {
    if (!s)
        return;
    free(s->model_folder);
    free(s->task_path);
    free(s->data_folder);
    free(s->template_text);
    free(s->label_words);
    free(s->own_examples);
    free(s->start_vectors);
    run_checkpoint_free(s->resume);
    free(s->resume);
    free(s->history);
    free(s);
}

// The workspace as it is kept: with the owned, writable parts and the count of its holders.
struct shared_workspace {
    struct workspace face; // first: a pointer to it is a pointer to the whole
    atomic_size_t holders;
    struct tokenizer *tokenizer;
    struct task *task, *choice; // choice: the task rewritten as multiple choice, or NULL
    struct split split;
    struct vocabulary_norms norms;
};

struct workspace *workspace_hold(struct workspace *w) {
    if (w)
        atomic_fetch_add(&((struct shared_workspace *)w)->holders, 1);
    return w;
}

void workspace_release(struct workspace *w) {
    struct shared_workspace *s = (struct shared_workspace *)w;
    if (!s || atomic_fetch_sub(&s->holders, 1) != 1)
        return;
    template_free(&w->template);
    verbalizer_free(&w->verbalizer);
    split_free(&s->split);
    task_free(s->choice);
    task_free(s->task);
    tokenizer_free(s->tokenizer);
    vocabulary_norms_free(&s->norms);
    engine_setup_free(w->setup);
    free(w->model_folder);
    free(w->model_name);
    free(w->warnings);
    free(s);
}

static bool collect_warnings(struct shared_workspace *s, struct error *e) {
    struct workspace *w = &s->face;
    char *words = verbalizer_warnings(&w->verbalizer, w->tokenizer, e);
    if (!words)
        return false;
    struct buffer b = {0};
    buffer_add_text(&b, words);
    if (s->split.note[0]) {
        if (b.length && b.data[b.length - 1] != '\n')
            buffer_add_char(&b, '\n');
        buffer_add_text(&b, s->split.note);
    }
    while (b.length && b.data[b.length - 1] == '\n')
        b.data[--b.length] = '\0';
    free(words);
    w->warnings = buffer_take(&b, e);
    return w->warnings != NULL;
}

// The pattern and the label words, and the task as the method asks for it.
static bool load_pattern(struct shared_workspace *s, struct error *e) {
    struct workspace *w = &s->face;
    const struct run_settings *set = &w->setup->settings;
    static const enum word_pieces rules[] = {
        [RUN_PIECES_FIRST] = WORD_FIRST, [RUN_PIECES_MEAN] = WORD_MEAN, [RUN_PIECES_MAX] = WORD_MAX};
    bool bare = set->loss == LOSS_PAPER_CODE; // its letters have no leading space
    w->original = w->task = s->task;
    if (!task_words(&w->verbalizer, s->task, w->setup->label_words, bare, e))
        return false;
    if (set->method == METHOD_UNIFIED_PPT) {
        if (!task_and_words_as_choice(&s->choice, s->task, &w->verbalizer, bare, e))
            return false;
        w->task = s->choice;
    }
    return task_template(&w->template, w->task, w->setup->template_text, e) &&
           verbalizer_bind(&w->verbalizer, s->tokenizer, rules[set->pieces], e);
}

static bool load_parts(struct shared_workspace *s, const struct model *model, struct error *e) {
    struct workspace *w = &s->face;
    const struct run_settings *set = &w->setup->settings;
    struct split_request request = {.per_class = set->shots,
                                    .total = set->total_shots,
                                    .seed = set->seed,
                                    .dev_from_train = set->dev_from_train,
                                    .own_use = (enum split_own)set->own};
    if (!tokenizer_load(&s->tokenizer, w->setup->model_folder, e))
        return false;
    w->tokenizer = s->tokenizer;
    if (!task_load(&s->task, w->setup->task_path, w->setup->data_folder, e) ||
        !task_set_own(s->task, w->setup->own_examples, e))
        return false;
    if (!load_pattern(s, e))
        return false;
    request.own = &w->task->own;
    if (!split_make(&s->split, w->task, &request, e))
        return false;
    w->split = &s->split;
    if (!vocabulary_norms_make(&s->norms, model, tokenizer_ids(s->tokenizer), e))
        return false;
    w->norms = &s->norms;
    return collect_warnings(s, e);
}

bool workspace_make(struct workspace **out, const struct model *model, struct engine_setup *take_setup,
                    struct error *e) {
    *out = NULL;
    struct shared_workspace *s = mem_calloc(1, sizeof *s, e);
    if (!s) {
        engine_setup_free(take_setup);
        return false;
    }
    struct workspace *w = &s->face;
    atomic_init(&s->holders, 1);
    w->setup = take_setup;
    w->config = model->config;
    w->parameters = model->parameters;
    w->weight_bytes = model->file_bytes;
    w->model_folder = mem_strdup(take_setup->model_folder, e);
    w->model_name = mem_strdup(path_name(take_setup->model_folder), e);
    if (!w->model_folder || !w->model_name || !load_parts(s, model, e)) {
        workspace_release(w);
        return false;
    }
    *out = w;
    return true;
}
