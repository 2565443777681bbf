// SPDX-License-Identifier: GPL-3.0-or-later
// Soft prompts in files, by extension: .safetensors (ours, and PEFT adapters' prompt_embeddings), .npy
// (NumPy 1.0-3.0, little-endian f4/f2/f8, C order, as Google's prompt-tuning writes them), and a PEFT adapter
// folder.
#ifndef PROMPTER_SESSIONS_PROMPT_FILE_H
#define PROMPTER_SESSIONS_PROMPT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct prompt_matrix {
    float *value; // [rows, columns], owned
    size_t rows, columns;
};
// Messages name file and what is wrong with it. Non-finite values are refused.
bool prompt_file_read(struct prompt_matrix *out, const char *path, struct error *e);
bool prompt_file_write(const char *path, const struct prompt_matrix *prompt, const char *model_name,
                       struct error *e);
void prompt_matrix_free(struct prompt_matrix *p);

#endif
