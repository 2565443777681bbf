// SPDX-License-Identifier: GPL-3.0-or-later
// What is asked of prompter pretrain, and opening what it needs: model, text or labelled sentences, trainer.
#include "cli_pretrain_inside.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/pretrain/ppt_checkpoint.h"
#include "engine/tune/preset.h"
#include "sessions/session.h"
#include "tui/cli_labels.h"

// ---- settings ----

// Settings of a tuning run that pre-training has no use for: nothing is drawn from a task's examples.
static bool has_meaning(const char *name) {
    static const char *const none[] = {"method", "shots", "total_shots", "dev_from_train", "own"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(name, none[i]) == 0)
            return false;
    return true;
}

// Options that the task would pass over.
static bool check_task_options(const struct pretrain_arguments *r, enum ppt_task task, struct error *e) {
    const char *of_cls = r->classifier         ? "classifier"
                         : r->labels           ? "labels"
                         : r->sure             ? "sure"
                         : r->most != SIZE_MAX ? "label-most"
                                               : NULL;
    return task == PPT_CLS || !of_cls ||
           error_set(e, ERROR_INPUT, "--%s is for --task cls; %s makes its examples from the text alone",
                     of_cls, ppt_task_name(task));
}

static bool read_settings(struct pretrain_job *t, struct error *e) {
    const struct pretrain_arguments *r = t->r;
    enum ppt_task task;
    enum preset preset = PRESET_CLEAN;
    t->usage = true; // until all of it was understood
    if (!r->task || !ppt_task_find(r->task, &task))
        return error_set(e, ERROR_INPUT, "say what to learn with --task nsp, nss, unified or cls%s%s%s",
                         r->task ? ", not \"" : "", r->task ? r->task : "", r->task ? "\"" : "");
    if (!check_task_options(r, task, e))
        return false;
    if (r->preset && !preset_find(&preset, r->preset, e))
        return false;
    struct ppt_settings *s = &t->settings;
    *s = ppt_settings_default(task, preset == PRESET_PAPER_CODE);
    s->vectors = r->vectors != SIZE_MAX ? r->vectors : s->vectors;
    s->validation = r->validation != SIZE_MAX ? r->validation : s->validation;
    s->test = r->test != SIZE_MAX ? r->test : s->test;
    s->micro_batch = r->micro_batch != SIZE_MAX ? r->micro_batch : s->micro_batch;
    if (!s->vectors || !s->validation)
        return error_set(e, ERROR_INPUT, "--%s is a number from 1 up", s->vectors ? "validation" : "vectors");
    for (size_t i = 0; i < r->set.count; i++) {
        char name[64];
        const char *equals = strchr(r->set.value[i], '=');
        snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - r->set.value[i]) : 0, r->set.value[i]);
        if (equals && !has_meaning(name))
            return error_set(e, ERROR_INPUT,
                             "--set %s: pre-training draws no examples of a task; leave it out",
                             r->set.value[i]);
        if (!equals || !run_settings_set(&s->run, name, equals + 1, e))
            return equals ? false
                          : error_set(e, ERROR_INPUT, "--set takes NAME=VALUE, not \"%s\"", r->set.value[i]);
    }
    bool long_words = r->words && strlen(r->words) >= sizeof s->label_words;
    if (long_words || (r->template_text && strlen(r->template_text) >= sizeof s->template_text))
        return error_set(e, ERROR_INPUT, "--%s is too long", long_words ? "words" : "template");
    snprintf(s->template_text, sizeof s->template_text, "%s", r->template_text ? r->template_text : "");
    snprintf(s->label_words, sizeof s->label_words, "%s", r->words ? r->words : "");
    t->usage = false;
    return true;
}

// ---- what is needed ----

// A folder, or the name of a shipped model; the shipped one when nothing is said.
static bool find_model(struct pretrain_job *t, const char *what, struct error *e) {
    t->model_folder = session_find_model(what, e);
    return t->model_folder && model_load(&t->model, t->model_folder, e) &&
           tokenizer_load(&t->tokenizer, t->model_folder, e);
}

static bool open_corpus(struct pretrain_job *t, const char *const *paths, size_t count, const char *layout,
                        struct error *e) {
    enum corpus_layout kind = CORPUS_AUTO;
    if (layout && !corpus_layout_find(layout, &kind))
        return error_set(e, ERROR_INPUT, "--layout is auto, sentences, paragraphs or lines, not \"%s\"",
                         layout);
    return corpus_open(&t->corpus, paths, count, kind, e);
}

static bool create_trainer(struct pretrain_job *t, struct error *e) {
    bool labelled = t->settings.task == PPT_CLS;
    if (t->settings.run.start == START_FILE && !prompt_file_read(&t->start, t->settings.run.start_file, e))
        return false;
    const struct ppt_parts parts = {.model = t->model,
                                    .tokenizer = t->tokenizer,
                                    .corpus = labelled ? NULL : t->corpus,
                                    .labels = labelled ? &t->labels : NULL,
                                    .pool = t->pool,
                                    .start_vectors = t->start.value,
                                    .start_count = t->start.rows};
    return ppt_trainer_create(&t->trainer, &parts, &t->settings, e);
}

// ---- labelled sentences for cls ----

static bool take_labels(struct pretrain_job *t, struct error *e) {
    const struct pretrain_arguments *r = t->r;
    const struct cli_labelling l = {.classifier = r->classifier,
                                    .path = t->label_path,
                                    .sure = r->sure,
                                    .most = r->most != SIZE_MAX ? r->most : 0,
                                    .seed = t->settings.run.seed,
                                    .overwrite = r->overwrite,
                                    .corpus = t->corpus,
                                    .pool = t->pool,
                                    .cancel = t->cancel,
                                    .progress = &t->progress};
    if (!r->classifier && !r->labels)
        return error_set(
            e, ERROR_INPUT,
            "cls needs --classifier SESSION, a tuned session of a task with five levels, or --labels FILE");
    if (!(r->classifier ? cli_labels_make(&t->labels, &l, e) : ppt_labels_read(&t->labels, t->label_path, e)))
        return false;
    pretrain_tell_labels(t);
    return true;
}

// ---- a new run, and going on ----

static bool describe(struct pretrain_job *t, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *paths = cJSON_AddArrayToObject(o, "corpus");
    for (size_t i = 0; i < t->r->corpus.count; i++) {
        char *full = realpath(t->r->corpus.value[i], NULL);
        cJSON_AddItemToArray(paths, cJSON_CreateString(full ? full : t->r->corpus.value[i]));
        free(full);
    }
    char *model = realpath(t->model_folder, NULL), *labels = realpath(t->label_path, NULL);
    cJSON_AddStringToObject(o, "layout",
                            t->corpus ? corpus_layout_name(corpus_layout_of(t->corpus)) : "auto");
    cJSON_AddStringToObject(o, "model", model ? model : t->model_folder);
    cJSON_AddStringToObject(o, "labels", labels ? labels : "");
    free(model);
    free(labels);
    t->kept = json_print(o, false, e);
    cJSON_Delete(o);
    return t->kept != NULL;
}

// What is made must have a place before an hour is spent on it.
static bool make_folder(const char *file, struct error *e) {
    const char *slash = strrchr(file, '/');
    char *folder = slash && slash > file ? mem_strndup(file, (size_t)(slash - file), e) : NULL;
    bool ok = !slash || slash == file || (folder && file_make_folders(folder, e));
    free(folder);
    return ok;
}

// The run that --overwrite is to replace: stopped before it keeps anything, the new one must not leave the
// old one to be resumed in its name. Not before all was understood, so that a mistake in a name costs
// nothing.
static bool forget_old(const struct pretrain_job *t, struct error *e) {
    return remove(t->checkpoint) == 0 || errno == ENOENT ||
           error_set(e, ERROR_INPUT, "%s, the run that is to be replaced, cannot be removed: %s",
                     t->checkpoint, strerror(errno));
}

bool pretrain_begin(struct pretrain_job *t, struct error *e) {
    const struct pretrain_arguments *r = t->r;
    bool cls = r->task && strcmp(r->task, "cls") == 0;
    if (!read_settings(t, e))
        return false;
    t->usage = !r->corpus.count && !(cls && r->labels && !r->classifier);
    if (t->usage)
        return error_set(e, ERROR_INPUT, "name the text with --corpus FILE");
    if ((file_exists(t->out) || file_exists(t->checkpoint)) && !r->overwrite)
        return error_set(e, ERROR_INPUT,
                         "%s is there already; go on with --resume, take another name, or say --overwrite",
                         file_exists(t->out) ? t->out : t->checkpoint);
    return make_folder(t->out, e) && find_model(t, r->model, e) &&
           (!r->corpus.count || open_corpus(t, r->corpus.value, r->corpus.count, r->layout, e)) &&
           (!cls || (forget_old(t, e) && take_labels(t, e))) && create_trainer(t, e) && forget_old(t, e) &&
           describe(t, e);
}

static bool reopen(struct pretrain_job *t, struct error *e) {
    const char *paths[CLI_MOST_VALUES], *layout = NULL, *model = NULL, *labels = NULL;
    const cJSON *list = NULL, *entry;
    size_t count = 0;
    cJSON *o = json_parse(t->kept, strlen(t->kept), e);
    bool ok = o && json_get_array(o, "corpus", true, &list, e) &&
              json_get_string(o, "layout", true, &layout, e) &&
              json_get_string(o, "model", true, &model, e) && json_get_string(o, "labels", true, &labels, e);
    cJSON_ArrayForEach(entry, list) if (ok && cJSON_IsString(entry) && count < CLI_MOST_VALUES)
        paths[count++] = entry->valuestring;
    ok = ok && find_model(t, model, e) && (!count || open_corpus(t, paths, count, layout, e)) &&
         (t->settings.task != PPT_CLS || ppt_labels_read(&t->labels, labels, e));
    cJSON_Delete(o);
    return ok;
}

bool pretrain_resume(struct pretrain_job *t, struct error *e) {
    const struct pretrain_arguments *r = t->r;
    struct ppt_record record;
    if (r->task || r->model || r->preset || r->corpus.count || r->template_text || r->words ||
        r->classifier || r->labels || r->layout || r->sure || r->most != SIZE_MAX || r->vectors != SIZE_MAX ||
        r->validation != SIZE_MAX || r->test != SIZE_MAX || r->micro_batch != SIZE_MAX || r->overwrite)
        return error_set(
            e, ERROR_INPUT,
            "--resume goes on with what the run was begun with; only --out, --threads, --json, --screen and "
            "--set steps=N can be given");
    if (!file_exists(t->checkpoint))
        return error_set(e, ERROR_INPUT, "%s is missing: there is no run to go on with", t->checkpoint);
    if (!ppt_checkpoint_look(&record, t->checkpoint, e))
        return false;
    t->settings = record.settings;
    t->kept = record.kept;
    for (size_t i = 0; i < r->set.count; i++)
        if (strncmp(r->set.value[i], "steps=", 6) != 0 ||
            !run_settings_set(&t->settings.run, "steps", r->set.value[i] + 6, e))
            return e->kind != ERROR_NONE ? false
                                         : error_set(e, ERROR_INPUT,
                                                     "--set %s: only steps can change in a run that "
                                                     "is resumed",
                                                     r->set.value[i]);
    if (t->settings.run.steps < record.step) // it would end at once, and not as the run of so few steps
        return error_set(e, ERROR_INPUT, "the run in %s has made %zu steps; steps=%zu is less: give more",
                         t->checkpoint, record.step, t->settings.run.steps);
    return reopen(t, e) && create_trainer(t, e) &&
           ppt_checkpoint_load(t->checkpoint, t->trainer, t->settings.task == PPT_CLS ? NULL : t->corpus, e);
}

// ---- the end ----

void pretrain_release(struct pretrain_job *t) {
    ppt_trainer_free(t->trainer);
    ppt_labels_free(&t->labels);
    prompt_matrix_free(&t->start);
    model_free(t->model);
    tokenizer_free(t->tokenizer);
    corpus_close(t->corpus);
    free(t->model_folder);
    free(t->kept);
    t->trainer = NULL;
    t->labels = (struct ppt_labels){0};
    t->start = (struct prompt_matrix){0};
    t->model = NULL;
    t->tokenizer = NULL;
    t->corpus = NULL;
    t->model_folder = t->kept = NULL;
}
