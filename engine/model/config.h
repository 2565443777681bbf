// SPDX-License-Identifier: GPL-3.0-or-later
// config.json of a T5-family checkpoint, with the defaults that Hugging Face gives to absent fields.
#ifndef PROMPTER_ENGINE_MODEL_CONFIG_H
#define PROMPTER_ENGINE_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct t5_config {
    size_t vocab_size, d_model, d_kv, d_ff, num_heads;
    size_t num_layers, num_decoder_layers;    // the second defaults to the first, also when null
    size_t num_buckets, max_distance;         // 32, 128
    bool gated;                               // gated-gelu (tanh gelu); otherwise relu
    bool scale_decoder_outputs;               // decoder states times d_model^-0.5 before the head
    double layer_norm_epsilon;                // 1e-6, every norm
    int32_t pad_id, eos_id, decoder_start_id; // 0, 1, pad_id
};

// Reads folder/config.json. Messages name file, key, and what was expected.
bool t5_config_read(struct t5_config *out, const char *folder, struct error *e);
// The same from the JSON text.
bool t5_config_parse(struct t5_config *out, const char *text, size_t length, struct error *e);

#endif
