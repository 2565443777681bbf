// SPDX-License-Identifier: GPL-3.0-or-later
// Finding the weight files of a folder, and giving every tensor its place in the network. The walk over the
// network (place_*) is the one list of what a T5 consists of.
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "tensor_file.h"

enum { MOST_INDEX_BYTES = 64 << 20, MOST_SHARDS = 4096, MOST_NAME = 160 };

struct model_files {
    char *source;     // the path that messages name: the one file or the index
    cJSON *index;     // of a checkpoint in several files, or NULL
    const cJSON *map; // its weight_map
    struct tensor_file **file;
    const char **file_name; // as in the weight_map; [files]
    size_t files;
    void **copy; // data that did not lie on their element's alignment
    size_t copies, copy_capacity;
};

// ---- files ----

static void files_free(struct model_files *f) {
    if (!f)
        return;
    for (size_t i = 0; i < f->copies; i++)
        free(f->copy[i]);
    free(f->copy);
    for (size_t i = 0; i < f->files; i++)
        tensor_file_close(f->file[i]);
    free(f->file);
    free(f->file_name);
    cJSON_Delete(f->index);
    free(f->source);
    free(f);
}

static const struct tensor_file *shard(const struct model_files *f, const char *name) {
    for (size_t i = 0; i < f->files; i++)
        if (strcmp(f->file_name[i], name) == 0)
            return f->file[i];
    return NULL;
}

static bool open_shard(struct model_files *f, const char *folder, const char *tensor, const char *name,
                       struct error *e) {
    if (!path_stays_inside(name))
        return error_set(e, ERROR_INPUT, "%s: the file of \"%s\" is \"%s\", which is not inside the folder",
                         f->source, tensor, name);
    if (f->files == MOST_SHARDS)
        return error_set(e, ERROR_INPUT, "%s: more than %d files are named", f->source, MOST_SHARDS);
    char *path = path_join(folder, name, e);
    if (!path)
        return false;
    bool ok = true;
    if (!file_exists(path))
        ok = error_set(e, ERROR_INPUT, "%s is missing; %s names it: download the whole checkpoint", path,
                       path_name(f->source));
    ok = ok && tensor_file_open(&f->file[f->files], path, e);
    free(path);
    if (ok)
        f->file_name[f->files++] = name;
    return ok;
}

static bool open_index(struct model_files *f, const char *folder, struct error *e) {
    f->index = json_read_file(f->source, MOST_INDEX_BYTES, e);
    if (!f->index)
        return false;
    if (!json_get_object(f->index, "weight_map", true, &f->map, e))
        return error_context(e, "%s", f->source);
    f->file = mem_calloc(MOST_SHARDS, sizeof *f->file, e);
    f->file_name = mem_calloc(MOST_SHARDS, sizeof *f->file_name, e);
    if (!f->file || !f->file_name)
        return false;
    const cJSON *entry;
    cJSON_ArrayForEach(entry, f->map) {
        if (!cJSON_IsString(entry))
            return error_set(e, ERROR_INPUT,
                             "%s: weight_map: the file of \"%s\" should be a string, but is %s", f->source,
                             entry->string, json_type_name(entry));
        const char *name = entry->valuestring;
        if (!shard(f, name) && !open_shard(f, folder, entry->string, name, e))
            return false;
        if (!tensor_file_find(shard(f, name), entry->string))
            return error_set(e, ERROR_INPUT, "%s says that \"%s\" is in %s, but it is not", f->source,
                             entry->string, name);
    }
    return true;
}

static bool open_single(struct model_files *f, struct error *e) {
    f->file = mem_calloc(1, sizeof *f->file, e);
    f->file_name = mem_calloc(1, sizeof *f->file_name, e);
    if (!f->file || !f->file_name || !tensor_file_open(&f->file[0], f->source, e))
        return false;
    f->file_name[0] = path_name(f->source);
    f->files = 1;
    return true;
}

// The weights' files in the order in which they are looked for. Where a folder has both, safetensors are
// taken.
static bool files_open(struct model_files **out, const char *folder, struct error *e) {
    static const char *const names[] = {"model.safetensors", "model.safetensors.index.json",
                                        "pytorch_model.bin", "pytorch_model.bin.index.json"};
    struct model_files *f = *out = mem_calloc(1, sizeof *f, e);
    if (!f)
        return false;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        free(f->source);
        f->source = path_join(folder, names[i], e);
        if (!f->source)
            return false;
        if (file_exists(f->source))
            return i % 2 ? open_index(f, folder, e) : open_single(f, e);
    }
    return error_set(e, ERROR_INPUT,
                     "%s holds no weights: model.safetensors or pytorch_model.bin (or their .index.json with "
                     "the files it names) should lie beside config.json",
                     folder);
}

static const struct safetensors_tensor *files_find(const struct model_files *f, const char *name) {
    if (!f->map)
        return tensor_file_find(f->file[0], name);
    const cJSON *entry = cJSON_GetObjectItemCaseSensitive(f->map, name);
    return entry ? tensor_file_find(shard(f, entry->valuestring), name) : NULL;
}

// ---- one weight ----

static void shape_text(size_t rows, size_t columns, char *out, size_t size) {
    if (rows)
        snprintf(out, size, "[%zu, %zu]", rows, columns);
    else
        snprintf(out, size, "[%zu]", columns);
}

// What is likely wrong when a feed-forward tensor is missing: the config and the file speak of different
// kinds.
static const char *hint(const struct model *m) {
    static const char stem[] = "encoder.block.0.layer.1.DenseReluDense.";
    char name[MOST_NAME];
    snprintf(name, sizeof name, "%s%s.weight", stem, m->config.gated ? "wi" : "wi_0");
    if (!files_find(m->files, name))
        return "";
    return m->config.gated ? " (config.json says \"gated-gelu\", but the file looks like \"relu\": "
                             "\"feed_forward_proj\" may be wrong)"
                           : " (config.json says \"relu\", but the file looks like \"gated-gelu\": "
                             "\"feed_forward_proj\" may be missing)";
}

static bool has_shape(const struct safetensors_tensor *t, size_t rows, size_t columns) {
    return rows ? t->dimensions == 2 && t->shape[0] == rows && t->shape[1] == columns
                : t->dimensions == 1 && t->shape[0] == columns;
}

// The data where the file has them, or a copy if they lie off their element's alignment there.
static bool borrow_data(struct model_files *f, struct weight *w, const struct safetensors_tensor *t,
                        struct error *e) {
    w->data = t->data;
    if ((uintptr_t)t->data % dtype_size(w->dtype) == 0)
        return true;
    if (!mem_grow(&f->copy, &f->copy_capacity, f->copies + 1, sizeof *f->copy, e))
        return false;
    void *copy = mem_calloc_aligned(t->bytes, 1, e);
    if (!copy)
        return false;
    memcpy(copy, t->data, t->bytes);
    f->copy[f->copies++] = copy;
    w->data = copy;
    return true;
}

// The next weight, without data yet; rows 0 means a vector.
static struct weight *next_weight(struct model *m, size_t rows, size_t columns, const char *name,
                                  struct error *e) {
    struct weight *w = &m->weight[m->weights];
    w->rows = rows ? rows : 1;
    w->columns = columns;
    w->name = mem_strdup(name, e);
    if (!w->name)
        return NULL;
    m->weights++;
    m->parameters += w->rows * columns;
    return w;
}

// A weight of a model that is made from nothing: floats that train.
static bool make_weight(struct model *m, struct weight **slot, size_t rows, size_t columns, const char *name,
                        struct error *e) {
    size_t count;
    if (!size_multiply(rows ? rows : 1, columns, &count))
        return error_set(e, ERROR_MEMORY, "\"%s\" would be too large", name);
    struct weight *w = *slot = next_weight(m, rows, columns, name, e);
    if (!w)
        return false;
    w->trained = mem_calloc_aligned(count, sizeof(float), e);
    w->data = w->trained;
    w->dtype = DTYPE_F32;
    m->file_bytes += count * sizeof(float);
    return w->trained != NULL;
}

// Takes the tensor into the next weight; rows 0 means a vector.
static bool take_tensor(struct model *m, struct weight **slot, size_t rows, size_t columns, const char *name,
                        struct error *e) {
    const char *source = m->files->source;
    char wanted[64], found[128];
    shape_text(rows, columns, wanted, sizeof wanted);
    const struct safetensors_tensor *t = files_find(m->files, name);
    if (!t)
        return error_set(e, ERROR_INPUT, "%s: the tensor \"%s\" is missing; it should have the shape %s%s",
                         source, name, wanted, strstr(name, "DenseReluDense.wi") ? hint(m) : "");
    if (!has_shape(t, rows, columns)) {
        safetensors_shape_text(t, found, sizeof found);
        return error_set(e, ERROR_INPUT,
                         "%s: the tensor \"%s\" has the shape %s; by config.json it should be %s", source,
                         name, found, wanted);
    }
    enum dtype type;
    if (!safetensors_dtype(t->type, &type))
        return error_set(e, ERROR_INPUT, "%s: the tensor \"%s\" is of type %s; F32, F16 and BF16 can be used",
                         source, name, safetensors_type_name(t->type));
    struct weight *w = next_weight(m, rows, columns, name, e);
    if (!w)
        return false;
    w->dtype = type;
    m->file_bytes += t->bytes;
    *slot = w;
    return borrow_data(m->files, w, t, e);
}

__attribute__((format(printf, 6, 7))) static bool place(struct model *m, struct weight **slot, size_t rows,
                                                        size_t columns, struct error *e, const char *format,
                                                        ...) {
    char name[MOST_NAME];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    return (m->files ? take_tensor : make_weight)(m, slot, rows, columns, name, e);
}

// ---- the network ----

static bool place_attention(struct model *m, struct t5_attention *a, const char *layer, const char *kind,
                            struct error *e) {
    size_t d = m->config.d_model, inner = m->config.num_heads * m->config.d_kv;
    return place(m, &a->norm, 0, d, e, "%s.layer_norm.weight", layer) &&
           place(m, &a->q, inner, d, e, "%s.%s.q.weight", layer, kind) &&
           place(m, &a->k, inner, d, e, "%s.%s.k.weight", layer, kind) &&
           place(m, &a->v, inner, d, e, "%s.%s.v.weight", layer, kind) &&
           place(m, &a->o, d, inner, e, "%s.%s.o.weight", layer, kind);
}

static bool place_feed_forward(struct model *m, struct t5_feed_forward *f, const char *layer,
                               struct error *e) {
    size_t d = m->config.d_model, wide = m->config.d_ff;
    bool gated = m->config.gated;
    return place(m, &f->norm, 0, d, e, "%s.layer_norm.weight", layer) &&
           place(m, &f->wi_0, wide, d, e, "%s.DenseReluDense.%s.weight", layer, gated ? "wi_0" : "wi") &&
           (!gated || place(m, &f->wi_1, wide, d, e, "%s.DenseReluDense.wi_1.weight", layer)) &&
           place(m, &f->wo, d, wide, e, "%s.DenseReluDense.wo.weight", layer);
}

static bool place_block(struct model *m, struct t5_block *block, const char *stack, size_t i, bool decoder,
                        struct error *e) {
    char layer[MOST_NAME / 2];
    snprintf(layer, sizeof layer, "%s.block.%zu.layer.0", stack, i);
    if (!place_attention(m, &block->self, layer, "SelfAttention", e))
        return false;
    snprintf(layer, sizeof layer, "%s.block.%zu.layer.1", stack, i);
    if (decoder && !place_attention(m, &block->cross, layer, "EncDecAttention", e))
        return false;
    snprintf(layer, sizeof layer, "%s.block.%zu.layer.%d", stack, i, decoder ? 2 : 1);
    return place_feed_forward(m, &block->feed_forward, layer, e);
}

static bool place_stack(struct model *m, struct t5_stack *stack, const char *name, size_t blocks,
                        bool decoder, struct error *e) {
    stack->block = mem_calloc(blocks, sizeof *stack->block, e);
    if (!stack->block)
        return false;
    stack->blocks = blocks;
    for (size_t i = 0; i < blocks; i++)
        if (!place_block(m, &stack->block[i], name, i, decoder, e))
            return false;
    return place(m, &stack->position_bias, m->config.num_buckets, m->config.num_heads, e,
                 "%s.block.0.layer.0.SelfAttention.relative_attention_bias.weight", name) &&
           place(m, &stack->final_norm, 0, m->config.d_model, e, "%s.final_layer_norm.weight", name);
}

// The embedding may lie under any of its names; when it has none, the message names the usual one.
static const char *embedding_name(const struct model *m) {
    static const char *const names[] = {"shared.weight", "decoder.embed_tokens.weight",
                                        "encoder.embed_tokens.weight"};
    for (size_t i = 0; m->files && i < sizeof names / sizeof names[0]; i++)
        if (files_find(m->files, names[i]))
            return names[i];
    return names[0];
}

// `tied` is asked for models without files only.
static bool place_all(struct model *m, bool tied, struct error *e) {
    const struct t5_config *c = &m->config;
    enum { SELF = 5, CROSS = 5, FEED_FORWARD = 4, STACK = 2, ENDS = 2 };
    size_t most = ENDS + 2 * STACK + c->num_layers * (SELF + FEED_FORWARD) +
                  c->num_decoder_layers * (SELF + CROSS + FEED_FORWARD);
    m->weight = mem_calloc(most, sizeof *m->weight, e);
    if (!m->weight || !place(m, &m->embedding, c->vocab_size, c->d_model, e, "%s", embedding_name(m)) ||
        !place_stack(m, &m->encoder, "encoder", c->num_layers, false, e) ||
        !place_stack(m, &m->decoder, "decoder", c->num_decoder_layers, true, e))
        return false;
    m->head = m->embedding; // tied, unless the file has a head; what config.json says of tying is not asked
    return (m->files ? !files_find(m->files, "lm_head.weight") : tied) ||
           place(m, &m->head, c->vocab_size, c->d_model, e, "lm_head.weight");
}

bool model_load(struct model **out, const char *folder, struct error *e) {
    *out = NULL;
    struct model *m = mem_calloc(1, sizeof *m, e);
    if (!m)
        return false;
    if (t5_config_read(&m->config, folder, e) && files_open(&m->files, folder, e) && place_all(m, false, e)) {
        *out = m;
        return true;
    }
    model_free(m);
    return false;
}

bool model_create(struct model **out, const struct t5_config *config, bool tied, struct error *e) {
    *out = NULL;
    struct model *m = mem_calloc(1, sizeof *m, e);
    if (!m)
        return false;
    m->config = *config;
    if (place_all(m, tied, e)) {
        *out = m;
        return true;
    }
    model_free(m);
    return false;
}

void model_free(struct model *m) {
    if (!m)
        return;
    for (size_t i = 0; i < m->weights; i++) {
        free((char *)(uintptr_t)m->weight[i].name);
        free(m->weight[i].trained);
        free(m->weight[i].gradient);
    }
    free(m->weight);
    free(m->encoder.block);
    free(m->decoder.block);
    files_free(m->files);
    free(m);
}

// ---- training ----

static bool make_trainable(struct weight *w, struct error *e) {
    size_t count = w->rows * w->columns; // no overflow: it lies in a file
    if (!w->gradient)
        w->gradient = mem_calloc_aligned(count, sizeof(float), e);
    if (!w->gradient || w->trained)
        return w->gradient != NULL;
    float *copy = mem_calloc_aligned(count, sizeof(float), e);
    if (!copy)
        return false;
    dtype_to_float(w->dtype, w->data, copy, count);
    w->trained = copy;
    w->data = copy;
    w->dtype = DTYPE_F32;
    return true;
}

bool model_make_trainable(struct model *m, struct error *e) {
    for (size_t i = 0; i < m->weights; i++)
        if (!make_trainable(&m->weight[i], e))
            return error_context(e, "training all %zu weights of the model", m->parameters);
    files_free(m->files); // nothing looks at the stored weights any more
    m->files = NULL;
    return true;
}

void model_clear_gradients(struct model *m) {
    for (size_t i = 0; i < m->weights; i++)
        if (m->weight[i].gradient)
            memset(m->weight[i].gradient, 0, m->weight[i].rows * m->weight[i].columns * sizeof(float));
}

void model_embedding_row(const struct model *m, size_t id, float *out) {
    const struct weight *w = m->embedding;
    size_t at = id * w->columns * dtype_size(w->dtype);
    dtype_to_float(w->dtype, (const char *)w->data + at, out, w->columns);
}
