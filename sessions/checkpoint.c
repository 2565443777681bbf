// SPDX-License-Identifier: GPL-3.0-or-later
// Numbers are written as text in one table-driven pass and read back in another.
#include "checkpoint.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "engine/model/safetensors.h"
#include "metric_fields.h"

static const char version[] = "1", prompt_array[] = "prompt", prompt_tensor[] = "soft_prompt",
                  weights_array[] = "weights"; // of fine-tuning: under the same name in the file
enum { MOST_ARRAYS = 64, MOST_PAIRS = 40 };

static const struct {
    const char *name;
    size_t offset;
} counter[] = {
    {"step", offsetof(struct run_checkpoint, step)},
    {"optimizer_step", offsetof(struct run_checkpoint, optimizer_step)},
    {"epoch", offsetof(struct run_checkpoint, epoch)},
    {"position", offsetof(struct run_checkpoint, position)},
    {"scored_step", offsetof(struct run_checkpoint, scored_step)},
};
enum { COUNTERS = sizeof counter / sizeof counter[0] };

// ---- the numbers ----

struct pairs {
    struct safetensors_pair pair[MOST_PAIRS];
    char key[MOST_PAIRS][40], value[MOST_PAIRS][CHECKPOINT_SETUP + 16];
    size_t count;
};

static void put(struct pairs *p, const char *prefix, const char *key, const char *value) {
    size_t i = p->count++;
    snprintf(p->key[i], sizeof p->key[i], "%s%s", prefix, key);
    snprintf(p->value[i], sizeof p->value[i], "%s", value);
    p->pair[i] = (struct safetensors_pair){p->key[i], p->value[i]};
}

static void put_size(struct pairs *p, const char *prefix, const char *key, size_t value) {
    char text[32];
    snprintf(text, sizeof text, "%zu", value);
    put(p, prefix, key, text);
}

static void put_double(struct pairs *p, const char *prefix, const char *key, double value) {
    char text[40];
    snprintf(text, sizeof text, "%a", value); // also nan and inf
    put(p, prefix, key, text);
}

static void put_numbers(struct pairs *p, const struct run_checkpoint *c, const struct checkpoint_origin *o) {
    put(p, "", "format", "pt");
    put(p, "", "prompter", version);
    put(p, "", "setup", o->setup);
    if (o->serial)
        put_size(p, "", "serial", (size_t)o->serial);
    for (size_t i = 0; i < COUNTERS; i++)
        put_size(p, "", counter[i].name, *(const size_t *)((const char *)c + counter[i].offset));
    put_double(p, "", "rate", c->rate);
    put_size(p, "", "has_best", c->has_best);
    put_size(p, "best.", "kind", (size_t)c->best.kind);
    put_size(p, "best.", "step", c->best.step);
    put_size(p, "best.", "best", c->best.best);
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        put_double(p, "best.", metric_field_table[i].name, (double)metric_field_get(&c->best, i));
}

static const char *find(const struct safetensors *file, const char *prefix, const char *key,
                        struct error *e) {
    char full[80];
    snprintf(full, sizeof full, "%s%s", prefix, key);
    const char *value = safetensors_metadata(file, full);
    if (!value)
        error_set(e, ERROR_INPUT, "__metadata__ has no \"%s\": this is no checkpoint of a session", full);
    return value;
}

static bool wrong_number(const char *prefix, const char *key, const char *value, struct error *e) {
    return error_set(e, ERROR_INPUT, "__metadata__: \"%s%s\" is \"%.40s\", which is no such number", prefix,
                     key, value);
}

static bool get_whole(const struct safetensors *file, const char *prefix, const char *key, uint64_t most,
                      uint64_t *out, struct error *e) {
    const char *text = find(file, prefix, key, e);
    if (!text)
        return false;
    char *end;
    errno = 0;
    unsigned long long x = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end || errno || x > most)
        return wrong_number(prefix, key, text, e);
    *out = x;
    return true;
}

static bool get_double(const struct safetensors *file, const char *prefix, const char *key, double *out,
                       struct error *e) {
    const char *text = find(file, prefix, key, e);
    if (!text)
        return false;
    char *end;
    *out = strtod(text, &end);
    return (text[0] && !*end) || wrong_number(prefix, key, text, e);
}

static bool get_best(struct run_checkpoint *c, const struct safetensors *file, struct error *e) {
    uint64_t kind = 0, step = 0, best = 0, has_best = 0;
    size_t kinds = 0;
    while (metric_kind_name((enum metric_kind)kinds))
        kinds++;
    bool ok = get_whole(file, "", "has_best", 1, &has_best, e) &&
              get_whole(file, "best.", "kind", kinds - 1, &kind, e) &&
              get_whole(file, "best.", "step", SIZE_MAX, &step, e) &&
              get_whole(file, "best.", "best", 1, &best, e);
    c->has_best = has_best;
    c->best.kind = (enum metric_kind)kind;
    c->best.step = (size_t)step;
    c->best.best = best;
    for (size_t i = 0; ok && i < METRIC_FIELDS; i++) {
        double x = 0;
        ok = get_double(file, "best.", metric_field_table[i].name, &x, e);
        metric_field_set(&c->best, i, (float)x);
    }
    return ok;
}

static bool get_numbers(struct run_checkpoint *c, const struct safetensors *file, struct error *e) {
    for (size_t i = 0; i < COUNTERS; i++) {
        uint64_t x = 0;
        if (!get_whole(file, "", counter[i].name, SIZE_MAX, &x, e))
            return false;
        *(size_t *)((char *)c + counter[i].offset) = (size_t)x;
    }
    if (!get_double(file, "", "rate", &c->rate, e))
        return false;
    if (!(c->rate >= 0 && isfinite(c->rate)))
        return wrong_number("", "rate", safetensors_metadata(file, "rate"), e);
    return get_best(c, file, e);
}

// ---- the arrays ----

static const struct run_array *find_array(const struct run_checkpoint *c, const char *name) {
    for (size_t i = 0; i < c->arrays; i++)
        if (strcmp(c->array[i].name, name) == 0)
            return &c->array[i];
    return NULL;
}

static struct safetensors_item item_of(const struct run_array *a, const char *name) {
    return (struct safetensors_item){
        .name = name, .type = DTYPE_F32, .dimensions = 2, .shape = {a->rows, a->columns}, .values = a->value};
}

// What a file is made of.
struct contents {
    struct safetensors_item item[MOST_ARRAYS];
    size_t items;
    struct pairs pairs;
};

static bool describe(struct contents *out, const struct run_checkpoint *c, const struct checkpoint_origin *o,
                     struct error *e) {
    const struct run_array *prompt = find_array(c, prompt_array), *weights = find_array(c, weights_array);
    prompt = prompt ? prompt : weights;
    if (!prompt || c->arrays > MOST_ARRAYS)
        return error_set(e, ERROR_INPUT, "the run has no prompt, or more than %d arrays", MOST_ARRAYS);
    put_numbers(&out->pairs, c, o);
    put_size(&out->pairs, "", "prompt_at", (size_t)(prompt - c->array));
    out->item[out->items++] = item_of(prompt, prompt == weights ? weights_array : prompt_tensor);
    for (size_t i = 0; i < c->arrays; i++)
        if (&c->array[i] != prompt)
            out->item[out->items++] = item_of(&c->array[i], c->array[i].name);
    return true;
}

bool checkpoint_write_from(const char *path, const struct run_checkpoint *c,
                           const struct checkpoint_origin *o, struct error *e) {
    struct contents k = {0};
    if (!describe(&k, c, o, e))
        return error_context(e, "%s", path);
    return safetensors_write(path, k.item, k.items, k.pairs.pair, k.pairs.count, e);
}

bool checkpoint_print(struct buffer *out, const struct run_checkpoint *c, const struct checkpoint_origin *o,
                      const char *sum, struct error *e) {
    struct contents k = {0};
    if (sum)
        put(&k.pairs, "", "sum", sum);
    return describe(&k, c, o, e) && safetensors_print(out, k.item, k.items, k.pairs.pair, k.pairs.count, e);
}

// A mark that is longer than ours are is no mark of ours; it is cut, and fits nothing.
static void set_mark(struct checkpoint_origin *o, const char *mark) {
    size_t kept = mark ? utf8_boundary(mark, strlen(mark), CHECKPOINT_SETUP - 1) : 0;
    snprintf(o->setup, sizeof o->setup, "%.*s", (int)kept, mark ? mark : "");
}

bool checkpoint_write(const char *path, const struct run_checkpoint *c, const char *setup, struct error *e) {
    struct checkpoint_origin o = {0};
    set_mark(&o, setup);
    return checkpoint_write_from(path, c, &o, e);
}

static bool get_array(struct run_array *out, const struct safetensors_tensor *t, const char *name,
                      struct error *e) {
    char shape[64];
    safetensors_shape_text(t, shape, sizeof shape);
    if (t->type != SAFETENSORS_F32 || t->dimensions != 2 || strlen(name) >= sizeof out->name)
        return error_set(e, ERROR_INPUT, "%.80s is %s %s; checkpoints hold F32 matrices", t->name,
                         safetensors_type_name(t->type), shape);
    snprintf(out->name, sizeof out->name, "%s", name);
    out->rows = t->shape[0];
    out->columns = t->shape[1];
    out->value = mem_calloc(t->count, sizeof *out->value, e);
    return out->value && safetensors_read_floats(t, out->value, e);
}

static bool get_arrays(struct run_checkpoint *c, const struct safetensors *file, struct error *e) {
    size_t count = safetensors_count(file);
    uint64_t prompt_at = 0;
    bool fine = count && strcmp(safetensors_at(file, 0)->name, weights_array) == 0;
    if (!count || count > MOST_ARRAYS || (!fine && strcmp(safetensors_at(file, 0)->name, prompt_tensor) != 0))
        return error_set(e, ERROR_INPUT, "the first tensor should be %s: this is no checkpoint of a session",
                         prompt_tensor);
    if (!get_whole(file, "", "prompt_at", count - 1, &prompt_at, e))
        return false;
    c->array = mem_calloc(count, sizeof *c->array, e);
    if (!c->array)
        return false;
    c->arrays = count;
    const char *name = fine ? weights_array : prompt_array;
    bool ok = get_array(&c->array[prompt_at], safetensors_at(file, 0), name, e);
    for (size_t i = 1; ok && i < count; i++) {
        const struct safetensors_tensor *t = safetensors_at(file, i);
        ok = get_array(&c->array[i - (i <= prompt_at)], t, t->name, e);
    }
    return ok;
}

// A file of an earlier program has no serial.
static bool get_origin(struct checkpoint_origin *o, const struct safetensors *file, struct error *e) {
    *o = (struct checkpoint_origin){0};
    set_mark(o, safetensors_metadata(file, "setup"));
    return !safetensors_metadata(file, "serial") ||
           get_whole(file, "", "serial", UINT64_MAX - 1, &o->serial, e);
}

bool checkpoint_read(struct run_checkpoint *out, char setup[CHECKPOINT_SETUP], const char *path,
                     struct error *e) {
    struct checkpoint_origin o;
    bool ok = checkpoint_read_from(out, &o, path, e);
    snprintf(setup, CHECKPOINT_SETUP, "%s", ok ? o.setup : "");
    return ok;
}

bool checkpoint_read_from(struct run_checkpoint *out, struct checkpoint_origin *origin, const char *path,
                          struct error *e) {
    *out = (struct run_checkpoint){0};
    struct safetensors *file;
    if (!safetensors_open(&file, path, e))
        return false;
    const char *made_by = find(file, "", "prompter", e);
    bool ok = made_by != NULL;
    if (ok && strcmp(made_by, version) != 0)
        ok = error_set(e, ERROR_INPUT, "it was written by another version of Prompter (%.20s; this is %s)",
                       made_by, version);
    ok = ok && get_origin(origin, file, e) && get_numbers(out, file, e) && get_arrays(out, file, e);
    if (ok && out->has_best && !find_array(out, "best"))
        ok = error_set(e, ERROR_INPUT, "the tensor best is missing");
    if (!ok) {
        error_context(e, "%s", path);
        checkpoint_release(out);
    }
    safetensors_close(file);
    return ok;
}

void checkpoint_release(struct run_checkpoint *c) {
    run_checkpoint_free(c);
}

bool checkpoint_has_prompt(const struct run_checkpoint *c) {
    return find_array(c, prompt_array) != NULL;
}

bool checkpoint_write_best(const char *path, const struct run_checkpoint *c, const char *model_name,
                           struct error *e) {
    const struct run_array *best = c->has_best ? find_array(c, "best") : NULL;
    if (!best)
        return error_set(e, ERROR_INPUT, "%s: the run has no best prompt yet", path);
    struct safetensors_item item = item_of(best, prompt_tensor);
    char step[32], accuracy[32], f1[32], loss[32];
    snprintf(step, sizeof step, "%zu", c->best.step);
    snprintf(accuracy, sizeof accuracy, "%.9g", (double)c->best.dev_accuracy);
    snprintf(f1, sizeof f1, "%.9g", (double)c->best.dev_f1);
    snprintf(loss, sizeof loss, "%.9g", (double)c->best.dev_loss);
    struct safetensors_pair pairs[] = {{"format", "pt"},     {"step", step},     {"dev_accuracy", accuracy},
                                       {"dev_macro_f1", f1}, {"dev_loss", loss}, {"model", model_name}};
    return safetensors_write(path, &item, 1, pairs, model_name ? 6 : 5, e);
}
