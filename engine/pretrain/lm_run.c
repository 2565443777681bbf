// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_run.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/model_write.h"
#include "engine/pretrain/lm_checkpoint.h"
#include "engine/pretrain/lm_start.h"
#include "engine/pretrain/lm_vocabulary.h"

enum { MOST_CORPORA = 1024, MOST_VOCABULARY = 256 << 20, HEAD_TILE = 64 };
static const char checkpoint_name[] = "checkpoint.safetensors";

struct lm_run {
    struct lm_facts facts;
    struct lm_listener listener;
    bool keep_checkpoint;
    char *out, *checkpoint; // paths
    char *kept;             // what the checkpoint has for us: corpus, layout, type
    struct corpus *corpus;
    struct tokenizer *tokenizer;
    struct model *model;
    struct thread_pool *pool;
    struct lm_trainer *trainer;
    // of this call
    double began, saved, busy; // busy: seconds in steps
    size_t tokens;
};

static void tell(const struct lm_run *run, struct lm_event event) {
    if (!run->listener.tell)
        return;
    event.made = run->trainer ? lm_trainer_steps(run->trainer) : 0;
    event.steps = run->facts.settings.steps;
    size_t made = event.made - run->facts.first_step;
    if (run->busy > 0 && made) {
        event.tokens_per_s = (double)run->tokens / run->busy;
        event.seconds_left =
            (clock_seconds() - run->began) / (double)made * (double)(event.steps - event.made);
    }
    run->listener.tell(run->listener.context, &event);
}

static void prepare(const struct lm_run *run, const char *text) {
    tell(run, (struct lm_event){.kind = LM_PREPARING, .text = text});
}

// ---- making and freeing ----

static struct lm_run *make(const struct lm_request *r, const struct lm_listener *listener, struct error *e) {
    struct lm_run *run = mem_calloc(1, sizeof *run, e);
    if (!run)
        return NULL;
    run->listener = listener ? *listener : (struct lm_listener){0};
    run->keep_checkpoint = r->keep_checkpoint;
    run->facts.settings = r->settings;
    run->facts.type = r->type;
    run->facts.threads = r->threads ? r->threads : thread_count_available();
    run->out = mem_strdup(r->out, e);
    run->checkpoint = path_join(r->out, checkpoint_name, e);
    if (run->out && run->checkpoint && thread_pool_create(&run->pool, run->facts.threads, e))
        return run;
    lm_run_free(run);
    return NULL;
}

void lm_run_free(struct lm_run *run) {
    if (!run)
        return;
    lm_trainer_free(run->trainer);
    model_free(run->model);
    tokenizer_free(run->tokenizer);
    corpus_close(run->corpus);
    thread_pool_free(run->pool);
    free(run->out);
    free(run->checkpoint);
    free(run->kept);
    free(run);
}

static bool make_trainer(struct lm_run *run, struct error *e) {
    struct lm_parts parts = {run->model, run->tokenizer, run->corpus, run->pool};
    return lm_trainer_create(&run->trainer, &parts, &run->facts.settings, e);
}

static void note_facts(struct lm_run *run) {
    struct lm_facts *f = &run->facts;
    f->config = run->model->config;
    f->parameters = run->model->parameters;
    f->tied = run->model->head == run->model->embedding;
    f->vocabulary = tokenizer_pieces(run->tokenizer);
    f->validation_examples = lm_trainer_validation_examples(run->trainer);
    f->corpus_bytes = (double)corpus_bytes(run->corpus);
    f->layout = corpus_layout_of(run->corpus);
    f->first_step = lm_trainer_steps(run->trainer);
}

// ---- a new run ----

// Makes it ready for a new run, or, with `remove_old`, empty of the model or run that it had.
static bool check_folder(const struct lm_request *r, bool remove_old, struct error *e) {
    const char *const names[] = {"model.safetensors", "model.safetensors.index.json", "pytorch_model.bin",
                                 "pytorch_model.bin.index.json", checkpoint_name};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = path_join(r->out, names[i], e);
        bool there = path && file_exists(path), ok = path != NULL;
        if (there && remove_old)
            ok = remove(path) == 0 || error_system(e, "cannot remove the old %s", path);
        free(path);
        if (!ok)
            return false;
        if (there && !r->overwrite)
            return error_set(
                e, ERROR_INPUT,
                "%s has a %s already; go on with --resume, take another folder, or say --overwrite", r->out,
                names[i]);
    }
    return remove_old || file_make_folders(r->out, e);
}

// What is read here and there must not be what is written.
static bool check_model_folder(const struct lm_request *r, struct error *e) {
    char *from = realpath(r->model, NULL), *to = realpath(r->out, NULL);
    bool same = from && to && strcmp(from, to) == 0;
    free(from);
    free(to);
    return !same ||
           error_set(e, ERROR_INPUT,
                     "%s is the model to be trained further; name another folder for the new one", r->out);
}

static bool describe(struct lm_run *run, const struct lm_request *r, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *paths = cJSON_AddArrayToObject(o, "corpus");
    for (size_t i = 0; i < r->corpora; i++) {
        char *full = realpath(r->corpus[i], NULL);
        cJSON_AddItemToArray(paths, cJSON_CreateString(full ? full : r->corpus[i]));
        free(full);
    }
    cJSON_AddStringToObject(o, "layout", corpus_layout_name(corpus_layout_of(run->corpus)));
    cJSON_AddStringToObject(o, "dtype", dtype_name(r->type));
    run->kept = json_print(o, false, e);
    cJSON_Delete(o);
    return run->kept != NULL;
}

static bool read_tokenizer(const char *path, char **bytes, size_t *length, struct error *e) {
    char *file = file_is_folder(path) ? path_join(path, "spiece.model", e) : mem_strdup(path, e);
    bool ok = file && file_read(file, MOST_VOCABULARY, bytes, length, e);
    free(file);
    return ok;
}

static bool make_vocabulary(const struct lm_run *run, const struct lm_request *r, char **bytes,
                            size_t *length, struct error *e) {
    struct lm_vocabulary_settings v = {.pieces = r->settings.vocabulary,
                                       .keep = r->keep_words,
                                       .to = 1 - r->settings.validation,
                                       .seed = r->settings.seed};
    // SentencePiece does all of it in one call and tells nothing while it does.
    double corpus = (double)corpus_bytes(run->corpus) * v.to, began = clock_seconds();
    bool sample = corpus > LM_VOCABULARY_BYTES;
    char text[160];
    snprintf(text, sizeof text,
             "training a vocabulary of %zu pieces on %.1f MB of the text%s; it may take minutes", v.pieces,
             (sample ? LM_VOCABULARY_BYTES : corpus) / 1e6, sample ? ", a sample" : "");
    prepare(run, text);
    if (!lm_vocabulary_train(bytes, length, run->corpus, &v, e))
        return false;
    snprintf(text, sizeof text, "the vocabulary took %.0f s", clock_seconds() - began);
    prepare(run, text);
    return true;
}

// What the new model is made of is read before anything in the folder is written over: a mistake in a name
// must not cost the model that --overwrite would replace.
static bool put_tokenizer(struct lm_run *run, const struct lm_request *r, struct error *e) {
    const char *from = r->model ? r->model : r->tokenizer;
    char *bytes = NULL;
    size_t length = 0;
    bool ok =
        (from ? read_tokenizer(from, &bytes, &length, e) : make_vocabulary(run, r, &bytes, &length, e)) &&
        (!r->model || model_load(&run->model, r->model, e)) && check_folder(r, r->overwrite, e) &&
        model_write_tokenizer(bytes, length, run->out, e) && tokenizer_load(&run->tokenizer, run->out, e);
    free(bytes);
    return ok;
}

static bool start_model(struct lm_run *run, const struct lm_request *r, struct error *e) {
    if (r->model)
        return model_copy_config(r->model, run->out, r->type, r->settings.mix[LM_PREFIX] > 0, e);
    size_t ids = (tokenizer_ids(run->tokenizer) + HEAD_TILE - 1) / HEAD_TILE * HEAD_TILE;
    struct t5_config c = lm_start_config(&r->settings, ids);
    return model_write_config(&c, r->settings.tied, r->settings.dropout, r->type, run->out, e) &&
           lm_start_model(&run->model, &c, &r->settings, e);
}

bool lm_run_begin(struct lm_run **out, const struct lm_request *r, const struct lm_listener *listener,
                  struct error *e) {
    *out = NULL;
    struct lm_run *run = make(r, listener, e);
    if (!run)
        return false;
    if (!corpus_open(&run->corpus, r->corpus, r->corpora, r->layout, e) ||
        (r->model && !check_model_folder(r, e)) || !check_folder(r, false, e) || !describe(run, r, e) ||
        !put_tokenizer(run, r, e) || !start_model(run, r, e) || !make_trainer(run, e)) {
        lm_run_free(run);
        return false;
    }
    note_facts(run);
    *out = run;
    return true;
}

// ---- going on ----

static bool reopen_corpus(struct lm_run *run, struct error *e) {
    const char *layout_text = NULL, *type = NULL, **paths = NULL;
    const cJSON *list = NULL, *entry;
    enum corpus_layout layout = CORPUS_AUTO;
    size_t count = 0;
    cJSON *o = json_parse(run->kept, strlen(run->kept), e);
    bool ok = o && json_get_array(o, "corpus", true, &list, e) &&
              json_get_string(o, "layout", true, &layout_text, e) &&
              json_get_string(o, "dtype", true, &type, e);
    if (ok && !corpus_layout_find(layout_text, &layout))
        ok = error_set(e, ERROR_INPUT, "there is no layout \"%s\"", layout_text);
    for (int d = DTYPE_F32; ok && d <= DTYPE_BF16; d++)
        if (strcmp(type, dtype_name((enum dtype)d)) == 0)
            run->facts.type = (enum dtype)d;
    ok = ok && (paths = mem_calloc(MOST_CORPORA, sizeof *paths, e)) != NULL;
    cJSON_ArrayForEach(entry, list) {
        if (ok && cJSON_IsString(entry) && count < MOST_CORPORA)
            paths[count++] = entry->valuestring;
    }
    ok = ok && corpus_open(&run->corpus, paths, count, layout, e);
    free(paths);
    cJSON_Delete(o);
    return ok;
}

// What a killed run was writing.
static void remove_unfinished(const struct lm_run *run) {
    DIR *folder = opendir(run->out);
    const struct dirent *entry;
    size_t n = strlen(checkpoint_name);
    while (folder && (entry = readdir(folder)) != NULL)
        if (strncmp(entry->d_name, checkpoint_name, n) == 0 && file_name_unfinished(entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    if (folder)
        closedir(folder);
}

static bool change_settings(struct lm_run *run, const struct lm_request *r, const bool *changes,
                            struct error *e) {
    for (size_t i = 0; changes && i < lm_setting_count; i++) {
        char text[256];
        if (!changes[i])
            continue;
        if (!lm_setting_table[i].any_time)
            return error_set(e, ERROR_INPUT, "%s cannot be changed in a run that is resumed",
                             lm_setting_table[i].name);
        lm_settings_get(&r->settings, i, text, sizeof text);
        if (!lm_settings_set(&run->facts.settings, i, text, e))
            return false;
    }
    return true;
}

static bool resume(struct lm_run *run, const struct lm_request *r, const bool *changes, struct error *e) {
    struct lm_record record;
    struct t5_config c;
    if (!file_exists(run->checkpoint))
        return error_set(
            e, ERROR_INPUT,
            "%s is missing: there is no run to go on with in this folder (a finished one leaves no "
            "checkpoint, unless that was asked for)",
            run->checkpoint);
    remove_unfinished(run);
    if (!lm_checkpoint_look(&record, run->checkpoint, e))
        return false;
    run->facts.settings = record.settings;
    run->kept = record.kept;
    record.kept = NULL;
    bool tied = record.tied;
    size_t made = record.step;
    lm_checkpoint_release(&record);
    if (!change_settings(run, r, changes, e))
        return false;
    if (run->facts.settings.steps < made) // it would end at once, and not as the run of so few steps
        return error_set(e, ERROR_INPUT, "the run in %s has made %zu steps; --steps %zu is less: give more",
                         run->out, made, run->facts.settings.steps);
    return reopen_corpus(run, e) && tokenizer_load(&run->tokenizer, run->out, e) &&
           t5_config_read(&c, run->out, e) && model_create(&run->model, &c, tied, e) &&
           make_trainer(run, e) && lm_checkpoint_load(run->checkpoint, run->trainer, run->corpus, e);
}

bool lm_run_resume(struct lm_run **out, const struct lm_request *r, const bool *changes,
                   const struct lm_listener *listener, struct error *e) {
    *out = NULL;
    struct lm_run *run = make(r, listener, e);
    if (!run)
        return false;
    if (!resume(run, r, changes, e)) {
        lm_run_free(run);
        return false;
    }
    note_facts(run);
    *out = run;
    return true;
}

// ---- training ----

static bool keep(struct lm_run *run, struct error *e) {
    if (!lm_checkpoint_write(run->checkpoint, run->trainer, run->corpus, run->kept, e))
        return false;
    run->saved = clock_seconds();
    tell(run, (struct lm_event){.kind = LM_KEPT});
    return true;
}

static bool validate(struct lm_run *run, const atomic_bool *cancel, struct error *e) {
    struct lm_event event = {.kind = LM_VALIDATED};
    if (!run->facts.validation_examples)
        return true;
    if (!lm_trainer_validate(run->trainer, cancel, &event.validation, e))
        return false;
    tell(run, event);
    return true;
}

static bool train(struct lm_run *run, const atomic_bool *cancel, struct error *e) {
    size_t every = run->facts.settings.validation_every;
    double save_after = (double)run->facts.settings.save_seconds;
    while (!lm_trainer_done(run->trainer)) {
        struct lm_event event = {.kind = LM_STEPPED};
        if (!lm_trainer_step(run->trainer, cancel, &event.step, e))
            return false;
        run->tokens += event.step.tokens;
        run->busy += event.step.seconds;
        tell(run, event);
        bool last = lm_trainer_done(run->trainer);
        if ((last || (every && event.step.step % every == 0)) && !validate(run, cancel, e))
            return false;
        if (!last && clock_seconds() - run->saved > save_after && !keep(run, e))
            return false;
    }
    return true;
}

bool lm_run_go(struct lm_run *run, const atomic_bool *cancel, struct error *e) {
    struct error why = {0}, *reason = e ? e : &why;
    run->facts.first_step = lm_trainer_steps(run->trainer);
    run->began = run->saved = clock_seconds();
    run->busy = 0;
    run->tokens = 0;
    if (!train(run, cancel, reason)) {
        if (reason->kind != ERROR_CANCELLED || !lm_trainer_steps(run->trainer))
            return false; // the last checkpoint stands
        return keep(run, reason)
                   ? error_set(reason, ERROR_CANCELLED, "the run was stopped; it is kept in %s", run->out)
                   : false;
    }
    // The checkpoint first: should writing the model fail, for want of space, nothing is lost.
    if (!keep(run, reason) || !model_write_weights(run->model, run->out, run->facts.type, reason))
        return false;
    if (!run->keep_checkpoint)
        remove(run->checkpoint);
    tell(run, (struct lm_event){.kind = LM_FINISHED});
    return true;
}

// ---- asking ----

const struct lm_facts *lm_run_facts(const struct lm_run *run) {
    return &run->facts;
}

struct corpus_counts lm_run_counts(const struct lm_run *run) {
    return lm_trainer_counts(run->trainer);
}

size_t lm_run_made(const struct lm_run *run) {
    return lm_trainer_steps(run->trainer);
}

void lm_run_scale_rate(struct lm_run *run, double factor) {
    lm_trainer_scale_rate(run->trainer, factor);
    run->facts.settings.rate = lm_trainer_settings(run->trainer)->rate;
}
