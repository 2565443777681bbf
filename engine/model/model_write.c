// SPDX-License-Identifier: GPL-3.0-or-later
#include "model_write.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "safetensors.h"

enum { MOST_CONFIG = 4 << 20, PIECE = 1 << 14, SENTINELS = 100 };

// ---- weights ----

static bool is_vector(const struct model *m, const struct weight *w) {
    return w->rows == 1 && w != m->embedding && w != m->head && w != m->encoder.position_bias &&
           w != m->decoder.position_bias && w->columns == m->config.d_model;
}

static bool add_weight(struct safetensors_writer *out, const struct weight *w, struct error *e) {
    float values[PIECE];
    size_t count = w->rows * w->columns, size = dtype_size(w->dtype);
    for (size_t at = 0, n; at < count; at += n) {
        n = count - at < PIECE ? count - at : PIECE;
        dtype_to_float(w->dtype, (const char *)w->data + at * size, values, n);
        if (!safetensors_writer_add(out, values, n, e))
            return false;
    }
    return true;
}

static bool remove_index(const char *folder, struct error *e) {
    char *path = path_join(folder, "model.safetensors.index.json", e);
    bool ok = path && (remove(path) == 0 || errno == ENOENT);
    if (path && !ok)
        error_system(e, "cannot remove the old %s", path);
    free(path);
    return ok;
}

bool model_write_weights(const struct model *m, const char *folder, enum dtype type, struct error *e) {
    struct safetensors_pair metadata = {"format", "pt"};
    struct safetensors_writer *out = NULL;
    struct safetensors_item *item = mem_calloc(m->weights, sizeof *item, e);
    char *path = path_join(folder, "model.safetensors", e);
    bool ok = item && path;
    for (size_t i = 0; ok && i < m->weights; i++) {
        const struct weight *w = &m->weight[i];
        item[i] = (struct safetensors_item){.name = w == m->embedding ? "shared.weight" : w->name,
                                            .type = type,
                                            .dimensions = is_vector(m, w) ? 1 : 2,
                                            .shape = {w->rows, w->columns}};
        if (item[i].dimensions == 1)
            item[i].shape[0] = w->columns;
    }
    ok = ok && safetensors_writer_open(&out, path, item, m->weights, &metadata, 1, e);
    for (size_t i = 0; ok && i < m->weights; i++)
        ok = add_weight(out, &m->weight[i], e);
    ok = ok && safetensors_writer_finish(out, e) && remove_index(folder, e);
    safetensors_writer_close(out);
    free(item);
    free(path);
    return ok;
}

// ---- the small files ----

static bool write_text(const char *folder, const char *name, struct buffer *take, struct error *e) {
    char *path = path_join(folder, name, e);
    bool ok = path && buffer_ok(take, e) && file_write_atomic(path, take->data, take->length, e);
    free(path);
    buffer_free(take);
    return ok;
}

static const char *torch_name(enum dtype type) {
    return type == DTYPE_F32 ? "float32" : type == DTYPE_F16 ? "float16" : "bfloat16";
}

static bool write_generation_config(const struct t5_config *c, const char *folder, struct error *e) {
    struct buffer b = {0};
    buffer_printf(
        &b,
        "{\n  \"_from_model_config\": true,\n  \"decoder_start_token_id\": %d,\n  \"eos_token_id\": %d,\n"
        "  \"pad_token_id\": %d\n}\n",
        c->decoder_start_id, c->eos_id, c->pad_id);
    return write_text(folder, "generation_config.json", &b, e);
}

bool model_write_config(const struct t5_config *c, bool tied, double dropout, enum dtype type,
                        const char *folder, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b,
                  "{\n  \"architectures\": [\"T5ForConditionalGeneration\"],\n  \"model_type\": \"t5\",\n"
                  "  \"vocab_size\": %zu,\n  \"d_model\": %zu,\n  \"d_kv\": %zu,\n  \"d_ff\": %zu,\n"
                  "  \"num_heads\": %zu,\n  \"num_layers\": %zu,\n  \"num_decoder_layers\": %zu,\n",
                  c->vocab_size, c->d_model, c->d_kv, c->d_ff, c->num_heads, c->num_layers,
                  c->num_decoder_layers);
    buffer_printf(&b,
                  "  \"relative_attention_num_buckets\": %zu,\n  \"relative_attention_max_distance\": %zu,\n"
                  "  \"feed_forward_proj\": \"%s\",\n  \"tie_word_embeddings\": %s,\n"
                  "  \"layer_norm_epsilon\": %g,\n  \"dropout_rate\": %g,\n  \"initializer_factor\": 1.0,\n",
                  c->num_buckets, c->max_distance, c->gated ? "gated-gelu" : "relu", tied ? "true" : "false",
                  c->layer_norm_epsilon, dropout);
    buffer_printf(&b,
                  "  \"pad_token_id\": %d,\n  \"eos_token_id\": %d,\n  \"decoder_start_token_id\": %d,\n"
                  "  \"is_encoder_decoder\": true,\n  \"use_cache\": true,\n  \"torch_dtype\": \"%s\"\n}\n",
                  c->pad_id, c->eos_id, c->decoder_start_id, torch_name(type));
    return write_text(folder, "config.json", &b, e) && write_generation_config(c, folder, e);
}

const char model_adapted_key[] = "prompter_adapted_from";

bool model_copy_config(const char *from, const char *folder, enum dtype type, bool adapted, struct error *e) {
    struct buffer b = {0};
    struct t5_config c;
    char *path = path_join(from, "config.json", e), *text = NULL;
    cJSON *root = path ? json_read_file(path, MOST_CONFIG, e) : NULL;
    bool ok = root && t5_config_read(&c, from, e) &&
              json_put(root, "torch_dtype", cJSON_CreateString(torch_name(type)), e) &&
              (!adapted || json_put(root, model_adapted_key, cJSON_CreateString(path_name(from)), e)) &&
              (text = json_print(root, true, e)) != NULL;
    if (ok) {
        buffer_add_text(&b, text);
        ok = write_text(folder, "config.json", &b, e) && write_generation_config(&c, folder, e);
    }
    free(text);
    free(path);
    cJSON_Delete(root);
    return ok;
}

static void add_sentinels(struct buffer *b) {
    buffer_add_text(b, "  \"additional_special_tokens\": [");
    for (int i = 0; i < SENTINELS; i++)
        buffer_printf(b, "%s\"<extra_id_%d>\"", i ? ", " : "", i);
    buffer_add_text(b, "],\n");
}

bool model_write_tokenizer(const char *spiece, size_t length, const char *folder, struct error *e) {
    static const char names[] =
        "  \"eos_token\": \"</s>\",\n  \"pad_token\": \"<pad>\",\n  \"unk_token\": \"<unk>\"";
    struct buffer map = {0}, config = {0}, bytes = {0};
    buffer_add(&bytes, spiece, length);
    buffer_add_text(&map, "{\n");
    add_sentinels(&map);
    buffer_printf(&map, "%s\n}\n", names);
    buffer_add_text(&config, "{\n  \"tokenizer_class\": \"T5Tokenizer\",\n  \"legacy\": true,\n");
    buffer_printf(&config, "  \"extra_ids\": %d,\n", SENTINELS);
    add_sentinels(&config);
    buffer_printf(&config, "%s\n}\n", names);
    bool ok = write_text(folder, "spiece.model", &bytes, e);
    ok = write_text(folder, "special_tokens_map.json", &map, e) && ok;
    return write_text(folder, "tokenizer_config.json", &config, e) && ok;
}
