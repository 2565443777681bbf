// SPDX-License-Identifier: GPL-3.0-or-later
// A T5 checkpoint in memory: its configuration and its weights by their place in the network.
//
// Weights are used where the mapped file has them, in the file's type; `model_make_trainable` turns all of
// them into owned floats with gradients. A model is read-only for forward passes and may then be shared by
// threads; training changes it and belongs to one thread.
#ifndef PROMPTER_ENGINE_MODEL_MODEL_H
#define PROMPTER_ENGINE_MODEL_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/model/config.h"
#include "engine/tensor/dtype.h"

// inner = num_heads * d_kv. Self-attention or cross-attention with the norm in front of it.
struct t5_attention {
    struct weight *norm;      // [1, d_model]
    struct weight *q, *k, *v; // [inner, d_model]
    struct weight *o;         // [d_model, inner]
};

struct t5_feed_forward {
    struct weight *norm; // [1, d_model]
    struct weight *wi_0; // [d_ff, d_model]: gated: the side that goes through gelu; relu: `wi`
    struct weight *wi_1; // [d_ff, d_model]: gated: the linear side; relu: NULL
    struct weight *wo;   // [d_model, d_ff]
};

struct t5_block {
    struct t5_attention self;
    struct t5_attention cross; // decoder only; all NULL in the encoder
    struct t5_feed_forward feed_forward;
};

struct t5_stack {
    struct t5_block *block; // [blocks], owned by the model
    size_t blocks;
    struct weight *position_bias; // [num_buckets, num_heads], shared by all blocks of the stack
    struct weight *final_norm;    // [1, d_model]
};

struct model {
    struct t5_config config;
    struct t5_stack encoder, decoder;
    struct weight *embedding; // [vocab_size, d_model]
    struct weight *head;      // [vocab_size, d_model]; the same pointer as `embedding` when tied
    struct weight *weight;    // all distinct weights, owned; what an optimizer walks over
    size_t weights;
    size_t parameters;         // elements in all of them
    size_t file_bytes;         // bytes of weights as stored
    struct model_files *files; // the mapped files
};

// Loads config.json and model.safetensors (or the shards of model.safetensors.index.json) from a folder in
// Hugging Face layout; where it has neither, pytorch_model.bin or its shards, of which nothing is executed
// (torch_file.h). A tensor that is missing or of another shape is named with the shape it should have.
bool model_load(struct model **out, const char *folder, struct error *e);
// A model that is not in any file: the names and shapes of the configuration, weights all zero, in owned
// floats (for gradients too: model_make_trainable). With `tied` the head is the embedding.
bool model_create(struct model **out, const struct t5_config *config, bool tied, struct error *e);
void model_free(struct model *m);
// Gives every weight an owned float copy (trained) and a zeroed gradient. Frees nothing on failure.
bool model_make_trainable(struct model *m, struct error *e);
void model_clear_gradients(struct model *m);
// out [d_model] = embedding row of a token, as floats. id < vocab_size.
void model_embedding_row(const struct model *m, size_t id, float *out);

#endif
