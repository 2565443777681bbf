// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/safetensors.h"

static const char version[] = "1";
static const char *const counters[] = {"step",    "epoch",  "window",      "next",
                                       "segment", "number", "fingerprint", "tied"};
enum counter { STEP, EPOCH, WINDOW, NEXT, SEGMENT, NUMBER, FINGERPRINT, TIED, COUNTERS };
enum { NAME = 48 };

// The embedding has other names in some models; here it has one, as in what is written of them.
static const char *name_of(const struct model *m, const struct weight *w) {
    return w == m->embedding ? "shared.weight" : w->name;
}

// ---- writing ----

static void count_all(uint64_t out[COUNTERS], struct lm_trainer *t, const struct corpus *corpus) {
    struct lm_place p = lm_trainer_place(t);
    out[STEP] = lm_trainer_steps(t);
    out[EPOCH] = p.document.epoch;
    out[WINDOW] = p.document.window;
    out[NEXT] = p.document.next;
    out[SEGMENT] = p.segment;
    out[NUMBER] = p.number;
    out[FINGERPRINT] = corpus_fingerprint(corpus);
    out[TIED] = lm_trainer_model(t)->head == lm_trainer_model(t)->embedding;
}

static bool write_arrays(const char *path, struct lm_trainer *t, const struct safetensors_pair *pairs,
                         size_t count, struct error *e) {
    struct model *m = lm_trainer_model(t);
    struct optimizer *o = lm_trainer_optimizer(t);
    size_t arrays = optimizer_arrays(o), items = m->weights + arrays;
    struct safetensors_item *item = mem_calloc(items, sizeof *item, e);
    char(*name)[NAME] = mem_calloc(arrays, sizeof *name, e);
    bool ok = item && name;
    for (size_t i = 0; ok && i < m->weights; i++) {
        const struct weight *w = &m->weight[i];
        item[i] = (struct safetensors_item){.name = name_of(m, w),
                                            .type = DTYPE_F32,
                                            .dimensions = 2,
                                            .shape = {w->rows, w->columns},
                                            .values = w->trained};
    }
    for (size_t i = 0; ok && i < arrays; i++) {
        struct optimizer_array a = optimizer_array_at(o, i);
        snprintf(name[i], NAME, "optimizer.%s", a.name);
        item[m->weights + i] = (struct safetensors_item){.name = name[i],
                                                         .type = DTYPE_F32,
                                                         .dimensions = 2,
                                                         .shape = {a.rows, a.columns},
                                                         .values = a.value};
    }
    ok = ok && safetensors_write(path, item, items, pairs, count, e);
    free(name);
    free(item);
    return ok;
}

bool lm_checkpoint_write(const char *path, struct lm_trainer *t, const struct corpus *corpus,
                         const char *kept, struct error *e) {
    struct safetensors_pair pair[COUNTERS + 4];
    uint64_t number[COUNTERS];
    char text[COUNTERS][24];
    size_t n = 0;
    cJSON *settings = lm_settings_json(lm_trainer_settings(t));
    char *json = settings ? json_print(settings, false, e) : NULL;
    bool ok = json != NULL;
    count_all(number, t, corpus);
    pair[n++] = (struct safetensors_pair){"format", "pt"};
    pair[n++] = (struct safetensors_pair){"prompter_lm", version};
    pair[n++] = (struct safetensors_pair){"settings", json};
    pair[n++] = (struct safetensors_pair){"kept", kept};
    for (size_t i = 0; i < COUNTERS; i++) {
        snprintf(text[i], sizeof text[i], "%" PRIu64, number[i]);
        pair[n++] = (struct safetensors_pair){counters[i], text[i]};
    }
    ok = ok && write_arrays(path, t, pair, n, e);
    free(json);
    cJSON_Delete(settings);
    return ok;
}

// ---- reading ----

static bool find(const struct safetensors *file, const char *key, const char **out, struct error *e) {
    *out = safetensors_metadata(file, key);
    return *out ||
           error_set(e, ERROR_INPUT, "__metadata__ has no \"%s\": this is no checkpoint of prompter lm", key);
}

static bool read_counters(const struct safetensors *file, uint64_t out[COUNTERS], struct error *e) {
    for (size_t i = 0; i < COUNTERS; i++) {
        const char *text;
        char *end;
        if (!find(file, counters[i], &text, e))
            return false;
        errno = 0;
        unsigned long long x = strtoull(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end || errno)
            return error_set(e, ERROR_INPUT, "__metadata__: \"%s\" is \"%.40s\", which is no such number",
                             counters[i], text);
        out[i] = x;
    }
    return true;
}

static bool open_checkpoint(struct safetensors **file, const char *path, struct error *e) {
    const char *made_by;
    if (!safetensors_open(file, path, e))
        return false;
    bool ok = find(*file, "prompter_lm", &made_by, e);
    if (ok && strcmp(made_by, version) != 0)
        ok = error_set(e, ERROR_INPUT, "it was written by another version of Prompter (%.20s; this is %s)",
                       made_by, version);
    if (ok)
        return true;
    error_context(e, "%s", path);
    safetensors_close(*file);
    *file = NULL;
    return false;
}

void lm_checkpoint_release(struct lm_record *r) {
    free(r->kept);
    *r = (struct lm_record){0};
}

bool lm_checkpoint_look(struct lm_record *out, const char *path, struct error *e) {
    struct safetensors *file;
    const char *settings = NULL, *kept = NULL;
    uint64_t n[COUNTERS];
    *out = (struct lm_record){.settings = lm_settings_recipe(LM_SMALL)};
    if (!open_checkpoint(&file, path, e))
        return false;
    bool ok =
        find(file, "settings", &settings, e) && find(file, "kept", &kept, e) && read_counters(file, n, e);
    cJSON *json = ok ? json_parse(settings, strlen(settings), e) : NULL;
    ok = json && lm_settings_read(&out->settings, json, e) && (out->kept = mem_strdup(kept, e)) != NULL;
    if (ok) {
        out->step = (size_t)n[STEP];
        out->fingerprint = n[FINGERPRINT];
        out->tied = n[TIED];
    } else {
        error_context(e, "%s", path);
        lm_checkpoint_release(out);
    }
    cJSON_Delete(json);
    safetensors_close(file);
    return ok;
}

static bool read_array(const struct safetensors *file, const char *name, size_t rows, size_t columns,
                       float *to, struct error *e) {
    const struct safetensors_tensor *t = safetensors_find(file, name);
    if (!t)
        return error_set(e, ERROR_INPUT, "the tensor \"%s\" is missing", name);
    if (t->type != SAFETENSORS_F32 || t->dimensions != 2 || t->shape[0] != rows || t->shape[1] != columns) {
        char shape[64];
        safetensors_shape_text(t, shape, sizeof shape);
        return error_set(e, ERROR_INPUT, "the tensor \"%s\" is %s %s; this run needs F32 [%zu, %zu]", name,
                         safetensors_type_name(t->type), shape, rows, columns);
    }
    return safetensors_read_floats(t, to, e);
}

static bool read_arrays(const struct safetensors *file, struct lm_trainer *t, struct error *e) {
    struct model *m = lm_trainer_model(t);
    struct optimizer *o = lm_trainer_optimizer(t);
    for (size_t i = 0; i < m->weights; i++) {
        const struct weight *w = &m->weight[i];
        if (!read_array(file, name_of(m, w), w->rows, w->columns, w->trained, e))
            return false;
    }
    for (size_t i = 0; i < optimizer_arrays(o); i++) {
        struct optimizer_array a = optimizer_array_at(o, i);
        char name[NAME];
        snprintf(name, sizeof name, "optimizer.%s", a.name);
        if (!read_array(file, name, a.rows, a.columns, a.value, e))
            return false;
    }
    return true;
}

bool lm_checkpoint_load(const char *path, struct lm_trainer *t, const struct corpus *corpus,
                        struct error *e) {
    struct safetensors *file;
    uint64_t n[COUNTERS];
    if (!open_checkpoint(&file, path, e))
        return false;
    bool ok = read_counters(file, n, e);
    if (ok && n[FINGERPRINT] != corpus_fingerprint(corpus))
        ok = error_set(
            e, ERROR_INPUT,
            "the corpus is not the one that this run was begun with: give the same files, unchanged");
    struct lm_place place = {{n[EPOCH], n[WINDOW], n[NEXT]}, n[SEGMENT], n[NUMBER]};
    ok = ok && read_arrays(file, t, e) && lm_trainer_seek(t, place, (size_t)n[STEP], e);
    if (!ok)
        error_context(e, "%s", path);
    safetensors_close(file);
    return ok;
}
