// SPDX-License-Identifier: GPL-3.0-or-later
// Reading config.json. Every number has a range that real checkpoints stay far inside of, so that later sizes
// cannot overflow and a mistyped one is told before memory is asked for.
#include "config.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"

enum {
    MOST_CONFIG_BYTES = 4 << 20,
    MOST_VOCABULARY = 1 << 24,
    MOST_WIDTH = 1 << 17,
    MOST_FEED_FORWARD = 1 << 20,
    MOST_HEADS = 1 << 12,
    MOST_INNER = 1 << 20,
    MOST_LAYERS = 1 << 10,
    LEAST_BUCKETS = 4, // the encoder halves them twice
    MOST_BUCKETS = 1 << 12,
    MOST_DISTANCE = 1 << 24,
};

static bool read_kind(const cJSON *root, struct t5_config *out, struct error *e) {
    const char *type = "t5", *feed_forward = "relu";
    if (!json_get_string(root, "model_type", false, &type, e) ||
        !json_get_string(root, "feed_forward_proj", false, &feed_forward, e))
        return false;
    if (strcmp(type, "t5") != 0 && strcmp(type, "mt5") != 0)
        return error_set(e, ERROR_INPUT,
                         "\"model_type\" is \"%s\"; supported are \"t5\" and \"mt5\": choose a T5 checkpoint "
                         "(v1.0, v1.1, LM-adapted, or mT5)",
                         type);
    // Both spellings mean the tanh form of gelu: Hugging Face reads the first one as the second.
    out->gated = strcmp(feed_forward, "gated-gelu") == 0 || strcmp(feed_forward, "gated-gelu_new") == 0;
    if (!out->gated && strcmp(feed_forward, "relu") != 0)
        return error_set(e, ERROR_INPUT,
                         "\"feed_forward_proj\" is \"%s\"; supported are \"relu\" and \"gated-gelu\"",
                         feed_forward);
    return true;
}

static bool read_sizes(const cJSON *root, struct t5_config *out, struct error *e) {
    if (!json_get_size(root, "vocab_size", true, 1, MOST_VOCABULARY, &out->vocab_size, e) ||
        !json_get_size(root, "d_model", true, 1, MOST_WIDTH, &out->d_model, e) ||
        !json_get_size(root, "d_kv", true, 1, MOST_WIDTH, &out->d_kv, e) ||
        !json_get_size(root, "d_ff", true, 1, MOST_FEED_FORWARD, &out->d_ff, e) ||
        !json_get_size(root, "num_heads", true, 1, MOST_HEADS, &out->num_heads, e) ||
        !json_get_size(root, "num_layers", true, 1, MOST_LAYERS, &out->num_layers, e))
        return false;
    if (out->num_heads * out->d_kv > MOST_INNER)
        return error_set(e, ERROR_INPUT, "\"num_heads\" times \"d_kv\" is %zu, more than the supported %d",
                         out->num_heads * out->d_kv, MOST_INNER);
    out->num_decoder_layers = out->num_layers;
    return json_get_size(root, "num_decoder_layers", false, 1, MOST_LAYERS, &out->num_decoder_layers, e);
}

static bool read_positions(const cJSON *root, struct t5_config *out, struct error *e) {
    out->num_buckets = 32;
    out->max_distance = 128;
    if (!json_get_size(root, "relative_attention_num_buckets", false, LEAST_BUCKETS, MOST_BUCKETS,
                       &out->num_buckets, e) ||
        !json_get_size(root, "relative_attention_max_distance", false, 1, MOST_DISTANCE, &out->max_distance,
                       e))
        return false;
    // The decoder has one bucket for each distance below num_buckets / 2 and logarithmic ones from there on.
    if (out->max_distance <= out->num_buckets / 2)
        return error_set(e, ERROR_INPUT,
                         "\"relative_attention_max_distance\" is %zu; it should be more than half of "
                         "\"relative_attention_num_buckets\", which is %zu",
                         out->max_distance, out->num_buckets);
    return true;
}

static bool read_token(const cJSON *root, const char *key, const struct t5_config *c, int32_t *id,
                       struct error *e) {
    size_t value = (size_t)*id;
    if (value >= c->vocab_size)
        return error_set(e, ERROR_INPUT, "\"%s\" is %zu, outside the vocabulary of %zu", key, value,
                         c->vocab_size);
    if (!json_get_size(root, key, false, 0, c->vocab_size - 1, &value, e))
        return false;
    *id = (int32_t)value;
    return true;
}

static bool read_rest(const cJSON *root, struct t5_config *out, struct error *e) {
    bool tied = true;
    out->layer_norm_epsilon = 1e-6;
    if (!json_get_number(root, "layer_norm_epsilon", false, &out->layer_norm_epsilon, e) ||
        !json_get_bool(root, "tie_word_embeddings", false, &tied, e))
        return false;
    if (!(out->layer_norm_epsilon > 0 && out->layer_norm_epsilon < 1))
        return error_set(e, ERROR_INPUT, "\"layer_norm_epsilon\" is %g; it should lie between 0 and 1",
                         out->layer_norm_epsilon);
    out->scale_decoder_outputs = tied; // unless the newer field says it outright
    if (!json_get_bool(root, "scale_decoder_outputs", false, &out->scale_decoder_outputs, e))
        return false;
    out->pad_id = 0;
    if (!read_token(root, "pad_token_id", out, &out->pad_id, e))
        return false;
    out->eos_id = out->vocab_size > 1 ? 1 : 0;
    out->decoder_start_id = out->pad_id;
    return read_token(root, "eos_token_id", out, &out->eos_id, e) &&
           read_token(root, "decoder_start_token_id", out, &out->decoder_start_id, e);
}

bool t5_config_parse(struct t5_config *out, const char *text, size_t length, struct error *e) {
    *out = (struct t5_config){0};
    cJSON *root = json_parse(text, length, e);
    if (!root)
        return false;
    bool ok = cJSON_IsObject(root);
    if (!ok)
        error_set(e, ERROR_INPUT, "it should hold an object { ... }, but holds %s", json_type_name(root));
    ok = ok && read_kind(root, out, e) && read_sizes(root, out, e) && read_positions(root, out, e) &&
         read_rest(root, out, e);
    cJSON_Delete(root);
    return ok;
}

bool t5_config_read(struct t5_config *out, const char *folder, struct error *e) {
    bool ok = false;
    char *text = NULL;
    size_t length;
    char *path = path_join(folder, "config.json", e);
    if (!path)
        return false;
    if (!file_is_folder(folder)) {
        error_set(e, ERROR_INPUT,
                  "%s is no folder; name the folder of a T5 checkpoint in Hugging Face layout "
                  "(config.json, model.safetensors or pytorch_model.bin, spiece.model)",
                  folder);
        goto done;
    }
    if (!file_exists(path)) {
        error_set(e, ERROR_INPUT,
                  "%s is missing; a model folder needs config.json beside the weights, as the checkpoint's "
                  "download page lists it",
                  path);
        goto done;
    }
    if (!file_read(path, MOST_CONFIG_BYTES, &text, &length, e))
        goto done;
    ok = t5_config_parse(out, text, length, e);
    if (!ok)
        error_context(e, "%s", path);
done:
    free(text);
    free(path);
    return ok;
}
