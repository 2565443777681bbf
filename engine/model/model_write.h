// SPDX-License-Identifier: GPL-3.0-or-later
// Writing a model as a folder in Hugging Face layout, which transformers and this program load: config.json,
// model.safetensors, and beside a spiece.model the small files that transformers looks for.
#ifndef PROMPTER_ENGINE_MODEL_MODEL_WRITE_H
#define PROMPTER_ENGINE_MODEL_MODEL_WRITE_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"

// folder/model.safetensors with all weights under their names, of this type; atomically. A
// model.safetensors.index.json of an earlier model is removed. The folder exists.
bool model_write_weights(const struct model *m, const char *folder, enum dtype type, struct error *e);

// folder/config.json and generation_config.json of a model made from nothing. dropout is what transformers
// would use for training it further.
bool model_write_config(const struct t5_config *c, bool tied, double dropout, enum dtype type,
                        const char *folder, struct error *e);
// The same for a model that was trained further: from/config.json (with all it holds, but the type of the
// weights) and, where it is there, from/generation_config.json. `adapted`: it was trained as a prefix LM (LM
// adaptation), which model_adapted_key then says: the folder's name of the model it was.
extern const char model_adapted_key[];
bool model_copy_config(const char *from, const char *folder, enum dtype type, bool adapted, struct error *e);

// folder/spiece.model from the bytes of one, tokenizer_config.json, special_tokens_map.json.
bool model_write_tokenizer(const char *spiece, size_t length, const char *folder, struct error *e);

#endif
