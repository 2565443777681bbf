// SPDX-License-Identifier: GPL-3.0-or-later
#include "snapshot_files.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crc.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/safetensors.h"

static const char folder_name[] = "snapshots", tensor_name[] = "soft_prompt";
enum { MOST_FILES = 4096, NAME_BYTES = 80 };

static void name_of(const struct snapshot *x, char out[NAME_BYTES]) {
    snprintf(out, NAME_BYTES, "%06zu-%zu.safetensors", x->serial, x->step);
}

// The serial and step of a name that is ours.
static bool parse_name(const char *name, size_t *serial, size_t *step) {
    struct snapshot x = {0};
    char again[NAME_BYTES];
    if (sscanf(name, "%zu-%zu", &x.serial, &x.step) != 2 || !x.serial)
        return false;
    name_of(&x, again);
    *serial = x.serial;
    *step = x.step;
    return strcmp(again, name) == 0;
}

// ---- writing ----

struct texts {
    struct safetensors_pair pair[8];
    char value[8][24];
    size_t count;
};

static void put_text(struct texts *t, const char *key, const char *value) {
    t->pair[t->count++] = (struct safetensors_pair){key, value};
}

static void put_number(struct texts *t, const char *key, double x) {
    if (!isfinite(x))
        return;
    snprintf(t->value[t->count], sizeof t->value[0], "%.9g", x);
    put_text(t, key, t->value[t->count]);
}

static bool print(struct buffer *out, const struct snapshot *x, const char *model_name, struct error *e) {
    struct texts t = {0};
    const struct safetensors_item item = {.name = tensor_name,
                                          .type = DTYPE_F32,
                                          .dimensions = 2,
                                          .shape = {x->slots, x->width},
                                          .values = x->vectors};
    put_text(&t, "format", "pt");
    put_number(&t, "step", (double)x->step);
    put_number(&t, "dev_accuracy", x->dev_accuracy);
    put_number(&t, "dev_macro_f1", x->dev_f1);
    put_number(&t, "dev_loss", x->dev_loss);
    snprintf(t.value[t.count], sizeof t.value[0], "%08" PRIx32,
             crc_of(x->vectors, x->slots * x->width * sizeof(float)));
    put_text(&t, "sum", t.value[t.count]);
    if (model_name)
        put_text(&t, "model", model_name);
    return safetensors_print(out, &item, 1, t.pair, t.count, e);
}

static char *path_of(const char *folder, const struct snapshot *x, struct error *e) {
    char name[NAME_BYTES];
    name_of(x, name);
    return path_join(folder, name, e);
}

static bool write_one(const char *folder, const struct snapshot *x, bool wait, const char *model_name,
                      struct error *e) {
    struct buffer b = {0};
    char *path = path_of(folder, x, e);
    bool ok =
        path && print(&b, x, model_name, e) &&
        (wait ? file_write_atomic(path, b.data, b.length, e) : file_write_quick(path, b.data, b.length, e));
    free(path);
    buffer_free(&b);
    return ok;
}

static bool remove_one(const char *folder, const struct snapshot *x, struct error *e) {
    char *path = path_of(folder, x, e);
    bool ok = path && (unlink(path) == 0 || errno == ENOENT || error_system(e, "cannot remove %s", path));
    free(path);
    return ok;
}

bool snapshot_files_write(const char *prompts, struct snapshot_set *now, struct snapshot_set **disk,
                          bool wait, const char *model_name, struct error *e) {
    if (now == *disk)
        return true;
    char *folder = path_join(prompts, folder_name, e);
    bool ok = folder && file_make_folders(folder, e);
    for (size_t i = 0; ok && now && i < now->count; i++)
        ok = snapshot_set_has(*disk, now->at[i]) || write_one(folder, now->at[i], wait, model_name, e);
    for (size_t i = 0; ok && *disk && i < (*disk)->count; i++)
        ok = snapshot_set_has(now, (*disk)->at[i]) || remove_one(folder, (*disk)->at[i], e);
    if (ok) {
        snapshot_set_release(*disk);
        *disk = snapshot_set_hold(now);
    }
    free(folder);
    return ok;
}

// ---- reading ----

static float number_in(const struct safetensors *file, const char *key) {
    const char *text = safetensors_metadata(file, key);
    char *end;
    float x = text ? strtof(text, &end) : NAN;
    return text && (end == text || *end) ? NAN : x;
}

static bool sum_holds(const struct safetensors *file, const struct snapshot *x) {
    char sum[16];
    const char *text = safetensors_metadata(file, "sum");
    snprintf(sum, sizeof sum, "%08" PRIx32, crc_of(x->vectors, x->slots * x->width * sizeof(float)));
    return text && strcmp(text, sum) == 0;
}

// NULL for a file that is none, or of another shape.
static struct snapshot *read_one(const char *path, size_t serial, size_t step, size_t slots, size_t width) {
    struct safetensors *file;
    struct snapshot *x = NULL;
    if (!safetensors_open(&file, path, NULL))
        return NULL;
    const struct safetensors_tensor *t = safetensors_find(file, tensor_name);
    if (t && t->type == SAFETENSORS_F32 && t->dimensions == 2 && t->shape[0] == slots && t->shape[1] == width)
        x = snapshot_make(serial, step, NULL, slots, width, NULL);
    if (x && (!safetensors_read_floats(t, x->vectors, NULL) || !sum_holds(file, x))) {
        free(x);
        x = NULL;
    }
    if (x) {
        x->dev_loss = number_in(file, "dev_loss");
        x->dev_accuracy = number_in(file, "dev_accuracy");
        x->dev_f1 = number_in(file, "dev_macro_f1");
    }
    safetensors_close(file);
    return x;
}

struct found {
    size_t serial, step;
};

static int by_serial(const void *a, const void *b) {
    const struct found *x = a, *y = b;
    return (x->serial > y->serial) - (x->serial < y->serial);
}

static bool list_files(const char *folder, struct found *out, size_t *count, struct error *e) {
    *count = 0;
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT || error_system(e, "cannot read %s", folder);
    for (struct dirent *entry; *count < MOST_FILES && (entry = readdir(d));)
        *count += parse_name(entry->d_name, &out[*count].serial, &out[*count].step);
    closedir(d);
    qsort(out, *count, sizeof *out, by_serial);
    return true;
}

static bool add(struct snapshot_set **set, struct snapshot *take, const struct metric *best,
                struct error *e) {
    bool is_best = best && take->step == best->step && take->dev_loss == best->dev_loss &&
                   take->dev_accuracy == best->dev_accuracy;
    struct snapshot_set *next = snapshot_set_with(*set, take, is_best, e);
    if (!next)
        return false;
    snapshot_set_release(*set);
    *set = next;
    return true;
}

bool snapshot_files_read(struct snapshot_set **out, const char *prompts, size_t slots, size_t width,
                         const struct metric *best, size_t *bad, struct error *e) {
    size_t count = 0, unread = 0, last_step = 0;
    char *folder = path_join(prompts, folder_name, e);
    struct found *found = folder ? mem_calloc(MOST_FILES, sizeof *found, e) : NULL;
    bool ok = found && list_files(folder, found, &count, e);
    *out = NULL;
    for (size_t i = 0; ok && i < count; i++) {
        struct snapshot name = {.serial = found[i].serial, .step = found[i].step};
        char *path = path_of(folder, &name, e);
        ok = path != NULL;
        // Steps ascend with the serials; a file that somebody put there by another order is none of this run.
        struct snapshot *x =
            ok && name.step >= last_step ? read_one(path, name.serial, name.step, slots, width) : NULL;
        if (x) {
            last_step = x->step;
            ok = add(out, x, best, e);
        } else {
            unread++;
        }
        free(path);
    }
    if (bad)
        *bad = unread;
    if (!ok) {
        snapshot_set_release(*out);
        *out = NULL;
    }
    free(found);
    free(folder);
    return ok;
}
