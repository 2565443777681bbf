// SPDX-License-Identifier: GPL-3.0-or-later
// golden_edit FILE.safetensors [drop NAME | add NAME | flat NAME | turn NAME | set NAME INDEX VALUE]: writes
// the file again with one thing changed, its values as F32: without a tensor, with one more, with a tensor in
// one dimension or with its two exchanged (the values as they lie), with one value replaced. For tests of
// golden.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/safetensors.h"

static int fail(const char *why) {
    fprintf(stderr, "golden_edit: %s\n", why);
    return 1;
}

static void flatten(struct safetensors_item *item, size_t count) {
    item->dimensions = 1;
    item->shape[0] = count;
}

static bool turn(struct safetensors_item *item) {
    size_t rows = item->shape[0];
    if (item->dimensions != 2)
        return false;
    item->shape[0] = item->shape[1];
    item->shape[1] = rows;
    return true;
}

static bool replace(float *values, size_t count, char **arguments) {
    size_t i = (size_t)strtoul(arguments[0], NULL, 10);
    if (i >= count)
        return false;
    values[i] = strtof(arguments[1], NULL);
    return true;
}

// Changes the named item; true if that could be done.
static bool edit(struct safetensors_item *item, float *values, size_t count, int argc, char **argv) {
    if (strcmp(argv[2], "flat") == 0)
        flatten(item, count);
    else if (strcmp(argv[2], "turn") == 0)
        return turn(item);
    else
        return strcmp(argv[2], "set") == 0 && argc == 6 && replace(values, count, argv + 4);
    return true;
}

static bool read_item(const struct safetensors_tensor *t, struct safetensors_item *item, float **values,
                      struct error *e) {
    *values = calloc(t->count + 1, sizeof **values);
    if (!*values)
        return error_set(e, ERROR_MEMORY, "no memory");
    *item = (struct safetensors_item){
        .name = t->name, .type = DTYPE_F32, .dimensions = t->dimensions, .values = *values};
    memcpy(item->shape, t->shape, sizeof item->shape);
    double *wide = calloc(t->count + 1, sizeof *wide);
    bool ok = wide && safetensors_read_doubles(t, wide, e);
    for (size_t i = 0; ok && i < t->count; i++)
        (*values)[i] = (float)wide[i];
    free(wide);
    return ok;
}

int main(int argc, char **argv) {
    struct error e = {0};
    struct safetensors *file;
    static const float more[3] = {1, 2, 3};
    if (argc != 2 && argc != 4 && argc != 6)
        return fail("arguments: FILE [drop NAME | add NAME | flat NAME | turn NAME | set NAME INDEX VALUE]");
    if (!safetensors_open(&file, argv[1], &e))
        return fail(e.text);
    size_t count = safetensors_count(file), items = 0;
    struct safetensors_item *item = calloc(count + 1, sizeof *item);
    float **values = calloc(count + 1, sizeof *values);
    bool ok = item && values, found = argc == 2;
    for (size_t i = 0; ok && i < count; i++) {
        const struct safetensors_tensor *t = safetensors_at(file, i);
        bool named = argc > 2 && strcmp(t->name, argv[3]) == 0, drop = named && strcmp(argv[2], "drop") == 0;
        ok = read_item(t, &item[items], &values[i], &e);
        if (ok && named)
            found = drop || edit(&item[items], values[i], t->count, argc, argv);
        items += !drop;
    }
    if (argc == 4 && strcmp(argv[2], "add") == 0 && !found) {
        item[items++] = (struct safetensors_item){
            .name = argv[3], .type = DTYPE_F32, .dimensions = 1, .shape = {3}, .values = more};
        found = true;
    }
    if (!found)
        error_set(&e, ERROR_INPUT, "cannot do that to this file");
    ok = ok && found && safetensors_write(argv[1], item, items, NULL, 0, &e);
    for (size_t i = 0; values && i < count; i++)
        free(values[i]);
    free(values);
    free(item);
    safetensors_close(file);
    return ok ? 0 : fail(e.text);
}
