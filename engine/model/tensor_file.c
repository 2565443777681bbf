// SPDX-License-Identifier: GPL-3.0-or-later
// One of two readers, by the file's name.
#include "tensor_file.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"
#include "torch_file.h"

struct tensor_file {
    struct safetensors *safetensors; // one of them is NULL
    struct torch_file *torch;
};

static bool is_safetensors(const char *path) {
    static const char extension[] = ".safetensors";
    size_t n = strlen(path), k = sizeof extension - 1;
    return n >= k && strcasecmp(path + n - k, extension) == 0;
}

bool tensor_file_open(struct tensor_file **out, const char *path, struct error *e) {
    *out = NULL;
    struct tensor_file *file = mem_calloc(1, sizeof *file, e);
    if (!file)
        return false;
    if (is_safetensors(path) ? safetensors_open(&file->safetensors, path, e)
                             : torch_file_open(&file->torch, path, e))
        *out = file;
    else
        free(file);
    return *out != NULL;
}

void tensor_file_close(struct tensor_file *file) {
    if (!file)
        return;
    safetensors_close(file->safetensors);
    torch_file_close(file->torch);
    free(file);
}

size_t tensor_file_count(const struct tensor_file *file) {
    return file->torch ? torch_file_count(file->torch) : safetensors_count(file->safetensors);
}

const struct safetensors_tensor *tensor_file_at(const struct tensor_file *file, size_t i) {
    return file->torch ? torch_file_at(file->torch, i) : safetensors_at(file->safetensors, i);
}

const struct safetensors_tensor *tensor_file_find(const struct tensor_file *file, const char *name) {
    return file->torch ? torch_file_find(file->torch, name) : safetensors_find(file->safetensors, name);
}
