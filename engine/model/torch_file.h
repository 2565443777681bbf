// SPDX-License-Identifier: GPL-3.0-or-later
// Tensors in the files of torch.save (.pt, .pth, .bin, .ckpt): a zip file with data.pkl and the tensors'
// bytes (since PyTorch 1.6), or several pickles in a row with the bytes behind them (0.4 to 1.5, and later
// with _use_new_zipfile_serialization=False).
//
// Nothing of a file is executed: the pickle is read as values (pickle.h), and only dicts, lists and tuples of
// tensors, parameters, texts and numbers are understood. A file is mapped and checked when it is opened: byte
// order, types, and for every tensor that its strides stay inside its storage and the storage inside the
// file. Contiguous tensors are used where the file has them (possibly off their element's alignment); others
// are copied into rows when the file is opened. An open file is read-only and may be shared by threads.
#ifndef PROMPTER_ENGINE_MODEL_TORCH_FILE_H
#define PROMPTER_ENGINE_MODEL_TORCH_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/safetensors.h"

struct torch_file;

// A tensor is called by the keys that lead to it, as "state_dict.template.soft_embeds"; places in lists count
// as keys. Where the file is one tensor alone, it is called "tensor". Messages begin with the path.
bool torch_file_open(struct torch_file **out, const char *path, struct error *e);
void torch_file_close(struct torch_file *file);
size_t torch_file_count(const struct torch_file *file);
// In the order of their names. i < count.
const struct safetensors_tensor *torch_file_at(const struct torch_file *file, size_t i);
// NULL when there is none.
const struct safetensors_tensor *torch_file_find(const struct torch_file *file, const char *name);

#endif
