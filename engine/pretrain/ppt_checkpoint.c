// SPDX-License-Identifier: GPL-3.0-or-later
#include "ppt_checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/safetensors.h"

static const char version[] = "2";
static const char *const array_names[] = {"prompt", "start", "best"};
enum { ARRAYS = 3, NAME = 48, NUMBER = 24 };

// ---- numbers ----

static const char *const counter_names[] = {"epoch",     "window",   "next",           "sentence",
                                            "number",    "step",     "optimizer_step", "validated",
                                            "best_step", "has_best", "fingerprint"};
enum {
    EPOCH,
    WINDOW,
    NEXT,
    SENTENCE,
    EXAMPLE,
    STEP,
    OPTIMIZER,
    VALIDATED,
    BEST_STEP,
    HAS_BEST,
    TEXT,
    COUNTERS
};

static void to_numbers(const struct ppt_counters *c, uint64_t fingerprint, uint64_t n[COUNTERS]) {
    n[EPOCH] = c->place.document.epoch;
    n[WINDOW] = c->place.document.window;
    n[NEXT] = c->place.document.next;
    n[SENTENCE] = c->place.sentence;
    n[EXAMPLE] = c->place.number;
    n[STEP] = c->step;
    n[OPTIMIZER] = c->optimizer_step;
    n[VALIDATED] = c->validated;
    n[BEST_STEP] = c->best_step;
    n[HAS_BEST] = c->has_best;
    n[TEXT] = fingerprint;
}

static struct ppt_counters from_numbers(const uint64_t n[COUNTERS], double best_loss) {
    return (struct ppt_counters){
        .place = {.document = {n[EPOCH], n[WINDOW], n[NEXT]}, .sentence = n[SENTENCE], .number = n[EXAMPLE]},
        .step = n[STEP],
        .optimizer_step = n[OPTIMIZER],
        .validated = n[VALIDATED],
        .best_step = n[BEST_STEP],
        .best_loss = best_loss,
        .has_best = n[HAS_BEST] != 0};
}

// ---- settings ----

static cJSON *settings_object(const struct ppt_settings *s) {
    cJSON *o = cJSON_CreateObject(), *run = cJSON_AddObjectToObject(o, "run");
    char value[RUN_SETTING_TEXT];
    cJSON_AddStringToObject(o, "task", ppt_task_name(s->task));
    cJSON_AddNumberToObject(o, "micro_batch", (double)s->micro_batch);
    cJSON_AddNumberToObject(o, "validation", (double)s->validation);
    cJSON_AddNumberToObject(o, "test", (double)s->test);
    cJSON_AddNumberToObject(o, "vectors", (double)s->vectors);
    cJSON_AddBoolToObject(o, "official", s->official);
    cJSON_AddStringToObject(o, "template", s->template_text);
    cJSON_AddStringToObject(o, "label_words", s->label_words);
    for (size_t i = 0; i < run_setting_count; i++)
        if (run_settings_get(&s->run, run_setting_table[i].name, value, sizeof value))
            cJSON_AddStringToObject(run, run_setting_table[i].name, value);
    return o;
}

static bool copy_text(const cJSON *o, const char *key, char *to, size_t size, struct error *e) {
    const char *text = "";
    if (!json_get_string(o, key, true, &text, e))
        return false;
    if (strlen(text) >= size)
        return error_set(e, ERROR_INPUT, "\"%s\" is too long", key);
    strcpy(to, text);
    return true;
}

static bool read_settings(struct ppt_settings *s, const cJSON *o, struct error *e) {
    const char *task = "";
    const cJSON *run = NULL, *item;
    *s = (struct ppt_settings){0};
    run_settings_default(&s->run);
    bool ok =
        json_get_string(o, "task", true, &task, e) &&
        (ppt_task_find(task, &s->task) ||
         error_set(e, ERROR_INPUT, "\"task\" is \"%.40s\", which is none of nsp, nss, unified, cls", task)) &&
        json_get_size(o, "micro_batch", true, 0, 4096, &s->micro_batch, e) &&
        json_get_size(o, "validation", true, 1, 1000000, &s->validation, e) &&
        json_get_size(o, "test", true, 0, 1000000, &s->test, e) &&
        json_get_size(o, "vectors", true, 1, 10000, &s->vectors, e) &&
        json_get_bool(o, "official", true, &s->official, e) &&
        copy_text(o, "template", s->template_text, sizeof s->template_text, e) &&
        copy_text(o, "label_words", s->label_words, sizeof s->label_words, e) &&
        json_get_object(o, "run", true, &run, e);
    cJSON_ArrayForEach(item, run) if (ok) ok =
        cJSON_IsString(item) ? run_settings_set(&s->run, item->string, item->valuestring, e)
                             : error_set(e, ERROR_INPUT, "\"%s\" should be a text", item->string);
    return ok;
}

// ---- writing ----

static bool write_arrays(const char *path, struct ppt_trainer *t, const struct safetensors_pair *pairs,
                         size_t count, struct error *e) {
    struct optimizer *o = ppt_trainer_optimizer(t);
    size_t states = optimizer_arrays(o);
    struct safetensors_item *item = mem_calloc(ARRAYS + states, sizeof *item, e);
    char(*name)[NAME] = mem_calloc(states, sizeof *name, e);
    bool ok = item && name;
    for (size_t i = 0; ok && i < ARRAYS; i++)
        item[i] = (struct safetensors_item){.name = array_names[i],
                                            .type = DTYPE_F32,
                                            .dimensions = 2,
                                            .shape = {ppt_trainer_vectors(t), ppt_trainer_width(t)},
                                            .values = ppt_trainer_array(t, array_names[i])};
    for (size_t i = 0; ok && i < states; i++) {
        struct optimizer_array a = optimizer_array_at(o, i);
        snprintf(name[i], NAME, "optimizer.%s", a.name);
        item[ARRAYS + i] = (struct safetensors_item){.name = name[i],
                                                     .type = DTYPE_F32,
                                                     .dimensions = 2,
                                                     .shape = {a.rows, a.columns},
                                                     .values = a.value};
    }
    ok = ok && safetensors_write(path, item, ARRAYS + states, pairs, count, e);
    free(name);
    free(item);
    return ok;
}

bool ppt_checkpoint_write(const char *path, struct ppt_trainer *t, const struct corpus *corpus,
                          const char *kept, struct error *e) {
    struct ppt_counters c = ppt_trainer_counters(t);
    struct safetensors_pair pair[COUNTERS + 5];
    uint64_t n[COUNTERS];
    char text[COUNTERS][NUMBER], loss[40];
    size_t pairs = 0;
    cJSON *settings = settings_object(ppt_trainer_settings(t));
    char *json = settings ? json_print(settings, false, e) : NULL;
    to_numbers(&c, corpus ? corpus_fingerprint(corpus) : 0, n);
    snprintf(loss, sizeof loss, "%.17g", c.best_loss);
    pair[pairs++] = (struct safetensors_pair){"format", "pt"};
    pair[pairs++] = (struct safetensors_pair){"prompter_pretrain", version};
    pair[pairs++] = (struct safetensors_pair){"settings", json};
    pair[pairs++] = (struct safetensors_pair){"kept", kept};
    pair[pairs++] = (struct safetensors_pair){"best_loss", loss};
    for (size_t i = 0; i < COUNTERS; i++) {
        snprintf(text[i], NUMBER, "%" PRIu64, n[i]);
        pair[pairs++] = (struct safetensors_pair){counter_names[i], text[i]};
    }
    bool ok = json && write_arrays(path, t, pair, pairs, e);
    free(json);
    cJSON_Delete(settings);
    return ok;
}

// ---- reading ----

static bool find(const struct safetensors *file, const char *key, const char **out, struct error *e) {
    *out = safetensors_metadata(file, key);
    return *out || error_set(e, ERROR_INPUT,
                             "__metadata__ has no \"%s\": this is no checkpoint of prompter pretrain", key);
}

static bool read_counters(const struct safetensors *file, uint64_t n[COUNTERS], double *best_loss,
                          struct error *e) {
    const char *text;
    char *end;
    for (size_t i = 0; i < COUNTERS; i++) {
        if (!find(file, counter_names[i], &text, e))
            return false;
        errno = 0;
        n[i] = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end || errno)
            return error_set(e, ERROR_INPUT, "__metadata__: \"%s\" is \"%.40s\", which is no such number",
                             counter_names[i], text);
    }
    if (!find(file, "best_loss", &text, e))
        return false;
    *best_loss = strtod(text, &end);
    return (end != text && !*end && isfinite(*best_loss)) ||
           error_set(e, ERROR_INPUT, "__metadata__: \"best_loss\" is \"%.40s\", which is no finite number",
                     text);
}

static bool open_file(struct safetensors **file, const char *path, struct error *e) {
    const char *made_by;
    if (!safetensors_open(file, path, e))
        return false;
    if (!find(*file, "prompter_pretrain", &made_by, e))
        return false;
    return strcmp(made_by, version) == 0 ||
           error_set(
               e, ERROR_INPUT,
               "it is of version %.20s, this program goes on with version %s; begin anew with --overwrite",
               made_by, version);
}

void ppt_record_release(struct ppt_record *r) {
    free(r->kept);
    r->kept = NULL;
}

bool ppt_checkpoint_look(struct ppt_record *out, const char *path, struct error *e) {
    struct safetensors *file = NULL;
    const char *settings, *kept;
    uint64_t n[COUNTERS];
    double loss;
    cJSON *o = NULL;
    *out = (struct ppt_record){0};
    bool open = open_file(&file, path, e);
    if (!file)
        return false; // the message has the path
    bool ok = open && find(file, "settings", &settings, e) && find(file, "kept", &kept, e) &&
              read_counters(file, n, &loss, e) && (o = json_parse(settings, strlen(settings), e)) &&
              read_settings(&out->settings, o, e) && (out->kept = mem_strdup(kept, e));
    if (ok) {
        out->step = n[STEP];
        out->fingerprint = n[TEXT];
    } else {
        ppt_record_release(out);
        error_context(e, "%s", path);
    }
    cJSON_Delete(o);
    safetensors_close(file);
    return ok;
}

static bool load_array(const struct safetensors *file, const char *name, size_t rows, size_t columns,
                       float *to, struct error *e) {
    const struct safetensors_tensor *x = safetensors_find(file, name);
    char shape[64];
    if (!x)
        return error_set(e, ERROR_INPUT, "it has no tensor \"%s\"; the run was begun with other settings",
                         name);
    safetensors_shape_text(x, shape, sizeof shape);
    if (x->dimensions != 2 || x->shape[0] != rows || x->shape[1] != columns)
        return error_set(e, ERROR_INPUT,
                         "\"%s\" is %s, this run needs [%zu, %zu]: the model is another one now", name, shape,
                         rows, columns);
    return safetensors_read_floats(x, to, e);
}

static bool load_arrays(const struct safetensors *file, struct ppt_trainer *t, struct error *e) {
    struct optimizer *o = ppt_trainer_optimizer(t);
    bool ok = true;
    for (size_t i = 0; ok && i < ARRAYS; i++)
        ok = load_array(file, array_names[i], ppt_trainer_vectors(t), ppt_trainer_width(t),
                        ppt_trainer_array(t, array_names[i]), e);
    for (size_t i = 0; ok && i < optimizer_arrays(o); i++) {
        struct optimizer_array a = optimizer_array_at(o, i);
        char name[NAME];
        snprintf(name, sizeof name, "optimizer.%s", a.name);
        ok = load_array(file, name, a.rows, a.columns, a.value, e);
    }
    return ok;
}

bool ppt_checkpoint_load(const char *path, struct ppt_trainer *t, const struct corpus *corpus,
                         struct error *e) {
    struct safetensors *file = NULL;
    uint64_t n[COUNTERS];
    double loss;
    struct error mine = {0};
    struct error *why = e ? e : &mine;
    why->kind = ERROR_NONE;
    bool ok = open_file(&file, path, why) && read_counters(file, n, &loss, why);
    if (ok && n[TEXT] != (corpus ? corpus_fingerprint(corpus) : 0))
        ok = error_set(why, ERROR_INPUT, "the corpus is not the one that the run was begun with");
    struct ppt_counters c = {0};
    if (ok)
        c = from_numbers(n, loss);
    ok = ok && load_arrays(file, t, why) && ppt_trainer_set_counters(t, &c, why);
    if (!ok && file)
        error_context(why, "%s", path);
    safetensors_close(file);
    return ok;
}
