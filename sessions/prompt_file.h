// SPDX-License-Identifier: GPL-3.0-or-later
// Soft prompts in files, told apart by extension:
//   .safetensors   a tensor "soft_prompt" (ours), "prompt_embeddings" (PEFT), "soft_embeds" or
//                  "soft_embedding.weight" (OpenPrompt: its first row is no vector of the prompt and left
//                  out), "prompt_embeds.weight" (the paper's code), or the only matrix of floats in the file
//   .pt .pth .bin .ckpt   the same tensors in a file of torch.save, also where dicts lead to them
//                  ("state_dict.template.soft_embeds"); nothing in it is executed
//                  (engine/model/torch_file.h). Prompts of the paper's code are 100 times smaller than the
//                  model's embeddings ask for. Not written.
//   .npy           NumPy 1.0 to 3.0, little-endian f2, f4 or f8, C order, two dimensions (Google's
//                  prompt-tuning); written as 1.0, f4
//   a folder       a PEFT prompt-tuning adapter: adapter_config.json and adapter_model.safetensors (or, read
//                  only, adapter_model.bin). Where its num_transformer_submodules is 2 (or null, which means
//                  2), the first half of the rows is read.
#ifndef PROMPTER_SESSIONS_PROMPT_FILE_H
#define PROMPTER_SESSIONS_PROMPT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct prompt_matrix {
    float *value; // [rows, columns], owned
    size_t rows, columns;
};
// Messages name file and what is wrong with it. Values that are not finite are refused.
bool prompt_file_read(struct prompt_matrix *out, const char *path, struct error *e);
// Atomically. A path that ends in "/" or is a folder becomes a PEFT adapter; the folder is made if need be.
// model_name (may be NULL) is kept where the format has a place for it.
bool prompt_file_write(const char *path, const struct prompt_matrix *prompt, const char *model_name,
                       struct error *e);
void prompt_matrix_free(struct prompt_matrix *p);

#endif
