// SPDX-License-Identifier: GPL-3.0-or-later
// A file of named tensors, whichever program wrote it: safetensors where the name ends in .safetensors, and
// otherwise what torch.save writes. Both are described in their own headers; the tensors look the same.
#ifndef PROMPTER_ENGINE_MODEL_TENSOR_FILE_H
#define PROMPTER_ENGINE_MODEL_TENSOR_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/safetensors.h"

struct tensor_file;
// Messages begin with the path and name the tensor.
bool tensor_file_open(struct tensor_file **out, const char *path, struct error *e);
void tensor_file_close(struct tensor_file *file);
size_t tensor_file_count(const struct tensor_file *file);
const struct safetensors_tensor *tensor_file_at(const struct tensor_file *file, size_t i); // i < count
// NULL when there is none.
const struct safetensors_tensor *tensor_file_find(const struct tensor_file *file, const char *name);

#endif
