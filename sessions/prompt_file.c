// SPDX-License-Identifier: GPL-3.0-or-later
// Which format a path means, prompts among named tensors, and PEFT adapters; NumPy files are read in npy.c.
#include "prompt_file.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/tensor_file.h"
#include "npy.h"

enum { MOST_CONFIG = 1 << 20 };
static const char peft_config[] = "adapter_config.json", peft_weights[] = "adapter_model.safetensors",
                  peft_older[] = "adapter_model.bin";

void prompt_matrix_free(struct prompt_matrix *p) {
    if (p) {
        free(p->value);
        *p = (struct prompt_matrix){0};
    }
}

// What both directions ask of a prompt.
static bool check_values(const struct prompt_matrix *m, struct error *e) {
    if (!m->rows || !m->columns)
        return error_set(e, ERROR_INPUT, "the prompt is empty (%zu x %zu)", m->rows, m->columns);
    for (size_t i = 0; i < m->rows * m->columns; i++)
        if (!isfinite(m->value[i]))
            return error_set(e, ERROR_INPUT,
                             "vector %zu has a value that is no finite number (component %zu)",
                             i / m->columns, i % m->columns);
    return true;
}

// ---- files of named tensors ----

static bool is_float(enum safetensors_type type) {
    return type == SAFETENSORS_F16 || type == SAFETENSORS_BF16 || type == SAFETENSORS_F32 ||
           type == SAFETENSORS_F64;
}

static void list_tensors(const struct tensor_file *file, char *out, size_t size) {
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < tensor_file_count(file) && n + 1 < size; i++) {
        char shape[64];
        safetensors_shape_text(tensor_file_at(file, i), shape, sizeof shape);
        int k =
            snprintf(out + n, size - n, "%s%.60s %s", i ? ", " : "", tensor_file_at(file, i)->name, shape);
        n += k > 0 ? (size_t)k : 0;
    }
}

// The tensor's own name, without the dicts that lead to it.
static bool is_called(const struct safetensors_tensor *t, const char *name) {
    size_t n = strlen(t->name), k = strlen(name);
    return n >= k && strcmp(t->name + n - k, name) == 0 && (n == k || t->name[n - k - 1] == '.');
}

// OpenPrompt's mixed template numbers its vectors from 1: the first row belongs to the words between them.
static const char from_row_1[] = "soft_embedding.weight";

// The last of the tensors of this name; with NULL, of the matrices of floats. *count is their number.
static const struct safetensors_tensor *find_called(const struct tensor_file *file, const char *name,
                                                    size_t *count) {
    const struct safetensors_tensor *found = NULL;
    *count = 0;
    for (size_t i = 0; i < tensor_file_count(file); i++) {
        const struct safetensors_tensor *t = tensor_file_at(file, i);
        if (name ? is_called(t, name) : t->dimensions == 2 && is_float(t->type)) {
            found = t;
            ++*count;
        }
    }
    return found;
}

static const struct safetensors_tensor *choose_tensor(const struct tensor_file *file, struct error *e) {
    static const char *const known[] = {"soft_prompt", "prompt_embeddings",    "soft_embeds",
                                        from_row_1,    "prompt_embeds.weight", NULL};
    enum { NAMES = sizeof known / sizeof known[0] - 1 };
    const struct safetensors_tensor *t = NULL;
    size_t count = 0, i = 0;
    for (; !count && i <= NAMES; i++)
        t = find_called(file, known[i], &count);
    if (count == 1)
        return t;
    char list[400];
    list_tensors(file, list, sizeof list);
    if (i <= NAMES)
        error_set(e, ERROR_INPUT, "%zu of its tensors are called %s; it has: %s", count, known[i - 1], list);
    else
        error_set(
            e, ERROR_INPUT,
            "none of its tensors is called soft_prompt, prompt_embeddings, soft_embeds, "
            "soft_embedding.weight or prompt_embeds.weight, and %s a single matrix of floats; it has: %s",
            count ? "there is more than" : "there is not", list[0] ? list : "nothing");
    return NULL;
}

// One tensor as a matrix.
static bool read_tensor(struct prompt_matrix *out, const struct safetensors_tensor *t, struct error *e) {
    char shape[64];
    safetensors_shape_text(t, shape, sizeof shape);
    if (t->dimensions != 2 || !is_float(t->type))
        return error_set(e, ERROR_INPUT,
                         "%s is %s %s; a prompt is a matrix of floats, vectors by model width", t->name,
                         safetensors_type_name(t->type), shape);
    out->rows = t->shape[0];
    out->columns = t->shape[1];
    out->value = mem_calloc(t->count, sizeof(float), e);
    if (!out->value || !safetensors_read_floats(t, out->value, e))
        return false;
    if (is_called(t, from_row_1) && out->rows) {
        out->rows--;
        memmove(out->value, out->value + out->columns, out->rows * out->columns * sizeof *out->value);
    }
    return true;
}

static bool read_named(struct prompt_matrix *out, const char *path, const char *tensor, struct error *e) {
    struct tensor_file *file;
    if (!tensor_file_open(&file, path, e))
        return false;
    const struct safetensors_tensor *t = tensor ? tensor_file_find(file, tensor) : choose_tensor(file, e);
    bool ok = t != NULL;
    if (!t && tensor)
        error_set(e, ERROR_INPUT, "the tensor %s is missing", tensor);
    if (!(ok && read_tensor(out, t, e)))
        ok = error_context(e, "%s", path);
    tensor_file_close(file);
    return ok;
}

static bool write_safetensors(const char *path, const struct prompt_matrix *m, const char *tensor,
                              const char *model_name, struct error *e) {
    struct safetensors_item item = {.name = tensor,
                                    .type = DTYPE_F32,
                                    .dimensions = 2,
                                    .shape = {m->rows, m->columns},
                                    .values = m->value};
    struct safetensors_pair pairs[] = {{"format", "pt"}, {"model", model_name}};
    return safetensors_write(path, &item, 1, pairs, model_name ? 2 : 1, e);
}

// ---- PEFT adapters ----

struct adapter {
    size_t vectors, submodules, width;
};

static bool read_adapter_config(struct adapter *out, const char *path, struct error *e) {
    cJSON *json = json_read_file(path, MOST_CONFIG, e);
    if (!json)
        return false;
    const char *type = NULL;
    out->submodules = 2; // what PEFT makes of null for an encoder-decoder
    out->width = 0;
    bool ok = cJSON_IsObject(json) || error_set(e, ERROR_INPUT, "this should be a JSON object");
    ok = ok && json_get_string(json, "peft_type", true, &type, e);
    if (ok && strcmp(type, "PROMPT_TUNING") != 0)
        ok = error_set(e, ERROR_INPUT, "peft_type is %.40s; only PROMPT_TUNING adapters hold a soft prompt",
                       type);
    if (ok)
        ok = json_get_size(json, "num_virtual_tokens", true, 1, 1u << 20, &out->vectors, e);
    size_t *optional[] = {&out->submodules, &out->width};
    static const char *const name[] = {"num_transformer_submodules", "token_dim"};
    static const size_t most[] = {2, 1u << 20};
    for (size_t i = 0; ok && i < 2; i++) {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(json, name[i]);
        if (node && !cJSON_IsNull(node))
            ok = json_get_size(json, name[i], true, 1, most[i], optional[i], e);
    }
    if (!ok)
        error_context(e, "%s", path);
    cJSON_Delete(json);
    return ok;
}

static bool keep_first_rows(struct prompt_matrix *m, const struct adapter *a, const char *path,
                            struct error *e) {
    bool width_fits = !a->width || a->width == m->columns;
    if (!width_fits || m->rows != a->vectors * a->submodules)
        return error_set(e, ERROR_INPUT,
                         "%s: prompt_embeddings is %zu x %zu, but %s asks for %zu x %zu (num_virtual_tokens "
                         "x num_transformer_submodules, token_dim)",
                         path, m->rows, m->columns, peft_config, a->vectors * a->submodules,
                         a->width ? a->width : m->columns);
    m->rows = a->vectors;
    return true;
}

static bool read_adapter(struct prompt_matrix *out, const char *folder, struct error *e) {
    bool ok = false;
    struct adapter a;
    char *config = path_join(folder, peft_config, e);
    char *weights = path_join(folder, peft_weights, e), *older = path_join(folder, peft_older, e);
    if (!config || !weights || !older)
        goto done;
    if (!file_exists(config)) {
        error_set(e, ERROR_INPUT,
                  "%s is a folder without %s, hence no PEFT adapter; name a prompt file instead", folder,
                  peft_config);
        goto done;
    }
    if (!read_adapter_config(&a, config, e))
        goto done;
    const char *present = !file_exists(weights) && file_exists(older) ? older : weights;
    ok = read_named(out, present, "prompt_embeddings", e) && keep_first_rows(out, &a, present, e);
done:
    free(config);
    free(weights);
    free(older);
    return ok;
}

static bool put_all(cJSON *json, const struct prompt_matrix *m, const char *model_name, struct error *e) {
    struct {
        const char *key;
        cJSON *value;
    } members[] = {
        {"auto_mapping", cJSON_CreateNull()},
        {"base_model_name_or_path", model_name ? cJSON_CreateString(model_name) : cJSON_CreateNull()},
        {"inference_mode", cJSON_CreateTrue()},
        {"num_attention_heads", cJSON_CreateNull()}, // PEFT takes these two from the model
        {"num_layers", cJSON_CreateNull()},
        {"num_transformer_submodules", cJSON_CreateNumber(1)},
        {"num_virtual_tokens", cJSON_CreateNumber((double)m->rows)},
        {"peft_type", cJSON_CreateString("PROMPT_TUNING")},
        {"prompt_tuning_init", cJSON_CreateString("RANDOM")},
        {"prompt_tuning_init_text", cJSON_CreateNull()},
        {"revision", cJSON_CreateNull()},
        {"task_type", cJSON_CreateString("SEQ_2_SEQ_LM")},
        {"token_dim", cJSON_CreateNumber((double)m->columns)},
        {"tokenizer_name_or_path", model_name ? cJSON_CreateString(model_name) : cJSON_CreateNull()},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        ok &= json_put(json, members[i].key, members[i].value, e); // takes each, also after a failure
    return ok;
}

static bool write_adapter(const char *folder, const struct prompt_matrix *m, const char *model_name,
                          struct error *e) {
    bool ok = false;
    cJSON *json = cJSON_CreateObject();
    char *text = NULL, *config = path_join(folder, peft_config, e);
    char *weights = path_join(folder, peft_weights, e);
    if (!json)
        error_set(e, ERROR_MEMORY, "no memory for %s", peft_config);
    if (!json || !config || !weights || !put_all(json, m, model_name, e))
        goto done;
    text = json_print(json, true, e);
    ok = text && file_make_folders(folder, e) &&
         write_safetensors(weights, m, "prompt_embeddings", NULL, e) &&
         file_write_atomic(config, text, strlen(text), e);
done:
    cJSON_Delete(json);
    free(text);
    free(config);
    free(weights);
    return ok;
}

// ---- by extension ----

static bool has_extension(const char *path, const char *extension) {
    size_t n = strlen(path), k = strlen(extension);
    return n > k && strcasecmp(path + n - k, extension) == 0;
}

static bool is_torch(const char *path) {
    return has_extension(path, ".pt") || has_extension(path, ".pth") || has_extension(path, ".bin") ||
           has_extension(path, ".ckpt");
}

static bool unknown_extension(const char *path, struct error *e) {
    return error_set(e, ERROR_INPUT,
                     "%s: the name of a prompt file ends in .safetensors or .npy (.pt, .pth, .bin and .ckpt "
                     "of PyTorch are read, too); a PEFT adapter is a folder (end it in \"/\")",
                     path);
}

// The weights of an adapter, named alone: its configuration beside it says which rows count.
static bool is_adapter(const char *path, char **folder, struct error *e) {
    *folder = NULL;
    if (strcmp(path_name(path), peft_weights) != 0 && strcmp(path_name(path), peft_older) != 0)
        return false;
    *folder = path_folder(path, e);
    char *config = *folder ? path_join(*folder, peft_config, e) : NULL;
    bool is = config && file_exists(config);
    free(config);
    return is;
}

static bool read_any(struct prompt_matrix *out, const char *path, struct error *e) {
    if (file_is_folder(path))
        return read_adapter(out, path, e);
    if (has_extension(path, ".npy"))
        return npy_read(path, &out->value, &out->rows, &out->columns, e);
    if (!has_extension(path, ".safetensors") && !is_torch(path))
        return unknown_extension(path, e);
    char *folder;
    bool ok = is_adapter(path, &folder, e) ? read_adapter(out, folder, e) : read_named(out, path, NULL, e);
    free(folder);
    return ok;
}

bool prompt_file_read(struct prompt_matrix *out, const char *path, struct error *e) {
    *out = (struct prompt_matrix){0};
    bool ok = read_any(out, path, e);
    if (ok && !check_values(out, e))
        ok = error_context(e, "%s", path);
    if (!ok)
        prompt_matrix_free(out);
    return ok;
}

bool prompt_file_write(const char *path, const struct prompt_matrix *prompt, const char *model_name,
                       struct error *e) {
    if (!check_values(prompt, e))
        return error_context(e, "%s", path);
    size_t n = strlen(path);
    if ((n && path[n - 1] == '/') || file_is_folder(path))
        return write_adapter(path, prompt, model_name, e);
    if (has_extension(path, ".npy"))
        return npy_write(path, prompt->value, prompt->rows, prompt->columns, e);
    if (has_extension(path, ".safetensors"))
        return write_safetensors(path, prompt, "soft_prompt", model_name, e);
    if (is_torch(path))
        return error_set(e, ERROR_INPUT,
                         "%s: files of torch.save are read, but not written; PyTorch reads .safetensors "
                         "(safetensors.torch.load_file)",
                         path);
    return unknown_extension(path, e);
}
