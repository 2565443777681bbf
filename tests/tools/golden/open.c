// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a folder of golden values.
#include "golden.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"

// The member `key`: a list, not empty, of whole numbers below the vocabulary's size.
static bool read_ids(const struct golden *g, const cJSON *parent, const char *key, int32_t **out,
                     size_t *count, struct error *e) {
    const cJSON *array = cJSON_GetObjectItemCaseSensitive(parent, key);
    size_t vocabulary = g->model->config.vocab_size;
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) == 0)
        return error_set(e, ERROR_INPUT, "golden.json: %s should be a list of token ids", key);
    *count = (size_t)cJSON_GetArraySize(array);
    *out = golden_must(calloc(*count, sizeof **out));
    size_t i = 0;
    const cJSON *element;
    cJSON_ArrayForEach(element, array) {
        double id = cJSON_IsNumber(element) ? element->valuedouble : NAN;
        if (!(id >= 0 && id < (double)vocabulary) || id != floor(id))
            return error_set(e, ERROR_INPUT, "golden.json: %s[%zu] should be a token id, 0 to %zu", key, i,
                             vocabulary - 1);
        (*out)[i++] = (int32_t)id;
    }
    return true;
}

static bool read_prompt(struct golden *g, struct error *e) {
    char *path = path_join(g->folder, "prompt.safetensors", e);
    struct safetensors *file = NULL;
    bool ok = path && safetensors_open(&file, path, e);
    const struct safetensors_tensor *t = ok ? safetensors_find(file, "soft_prompt") : NULL;
    if (ok && (!t || t->dimensions != 2 || t->shape[0] != g->P || t->shape[1] != g->d))
        ok = error_set(e, ERROR_INPUT, "%s: soft_prompt should be [%zu, %zu]", path, g->P, g->d);
    g->prompt = golden_must(calloc(g->P * g->d + 1, sizeof *g->prompt));
    ok = ok && safetensors_read_floats(t, g->prompt, e);
    safetensors_close(file);
    free(path);
    return ok;
}

// One example's rows into the batch with the prompt and into the one without.
static bool read_example(struct golden *g, size_t b, const cJSON *example, const int32_t *decoder,
                         struct error *e) {
    int32_t *ids = NULL;
    size_t count = 0, label;
    bool ok = (read_ids(g, example, "input_ids", &ids, &count, e) &&
               json_get_size(example, "label_id", true, 0, g->model->config.vocab_size - 1, &label, e)) ||
              error_context(e, "example %zu", b);
    if (ok) {
        size_t at = g->offset[b], plain = g->plain_offset[b];
        g->offset[b + 1] = at + g->P + count;
        g->plain_offset[b + 1] = plain + count;
        g->input = golden_must(realloc(g->input, g->offset[b + 1] * sizeof *g->input));
        g->plain_input =
            golden_must(realloc(g->plain_input, g->plain_offset[b + 1] * sizeof *g->plain_input));
        for (size_t i = 0; i < g->P; i++)
            g->input[at + i] = T5_SOFT(i);
        memcpy(g->input + at + g->P, ids, count * sizeof *ids);
        memcpy(g->plain_input + plain, ids, count * sizeof *ids);
        for (size_t i = 0; i < g->decoder_rows; i++) {
            size_t row = b * g->decoder_rows + i;
            g->decoder_input[row] = decoder[i];
            g->labels[row] = i + 1 < g->decoder_rows ? decoder[i + 1] : (int32_t)label;
            g->row_weight[row] = 1.0f / (float)(g->examples * g->decoder_rows);
        }
        g->decoder_offset[b + 1] = (b + 1) * g->decoder_rows;
    }
    free(ids);
    return ok;
}

// A decoder of two rows is the start token and the mask, which is then the first label too.
static bool check_mask(const struct golden *g, const int32_t *decoder, struct error *e) {
    size_t mask;
    if (!json_get_size(g->json, "mask_token_id", true, 0, g->model->config.vocab_size - 1, &mask, e))
        return error_context(e, "golden.json");
    return g->decoder_rows != 2 || (size_t)decoder[1] == mask ||
           error_set(e, ERROR_INPUT, "golden.json: decoder_input_ids[1] is %d, but mask_token_id is %zu",
                     (int)decoder[1], mask);
}

static bool read_batch(struct golden *g, struct error *e) {
    const cJSON *examples, *example;
    int32_t *decoder = NULL;
    bool ok = read_ids(g, g->json, "decoder_input_ids", &decoder, &g->decoder_rows, e) &&
              check_mask(g, decoder, e) &&
              read_ids(g, g->json, "label_word_ids", &g->label_words, &g->label_word_count, e) &&
              json_get_array(g->json, "examples", true, &examples, e);
    if (ok && cJSON_GetArraySize(examples) == 0)
        ok = error_set(e, ERROR_INPUT, "golden.json: examples should hold at least one example");
    g->examples = ok ? (size_t)cJSON_GetArraySize(examples) : 0;
    size_t rows = g->examples * g->decoder_rows, b = 0;
    g->offset = golden_must(calloc(g->examples + 1, sizeof *g->offset));
    g->plain_offset = golden_must(calloc(g->examples + 1, sizeof *g->plain_offset));
    g->decoder_offset = golden_must(calloc(g->examples + 1, sizeof *g->decoder_offset));
    g->decoder_input = golden_must(calloc(rows + 1, sizeof *g->decoder_input));
    g->labels = golden_must(calloc(rows + 1, sizeof *g->labels));
    g->row_weight = golden_must(calloc(rows + 1, sizeof *g->row_weight));
    for (example = ok ? examples->child : NULL; ok && example; example = example->next)
        ok = read_example(g, b++, example, decoder, e);
    g->batch = (struct t5_batch){g->examples, g->offset, g->input, g->decoder_offset, g->decoder_input};
    g->plain =
        (struct t5_batch){g->examples, g->plain_offset, g->plain_input, g->decoder_offset, g->decoder_input};
    free(decoder);
    return ok;
}

bool golden_open(struct golden *g, const char *folder, struct error *e) {
    *g = (struct golden){.folder = folder};
    char *json = path_join(folder, "golden.json", e), *tensors = path_join(folder, "golden.safetensors", e);
    bool ok = json && tensors && (g->json = json_read_file(json, 64 << 20, e)) != NULL &&
              safetensors_open(&g->tensors, tensors, e) &&
              thread_pool_create(&g->pool, thread_count_available(), e) && model_load(&g->model, folder, e) &&
              json_get_size(g->json, "P", true, 0, 100000, &g->P, e);
    if (ok) {
        g->d = g->model->config.d_model;
        g->checked = golden_must(calloc(safetensors_count(g->tensors) + 1, sizeof *g->checked));
        ok = read_prompt(g, e) && read_batch(g, e);
    }
    free(json);
    free(tensors);
    return ok;
}

void golden_close(struct golden *g) {
    cJSON_Delete(g->json);
    safetensors_close(g->tensors);
    model_free(g->model);
    thread_pool_free(g->pool);
    free(g->checked);
    free(g->prompt);
    free(g->offset);
    free(g->plain_offset);
    free(g->decoder_offset);
    free(g->input);
    free(g->plain_input);
    free(g->decoder_input);
    free(g->labels);
    free(g->label_words);
    free(g->row_weight);
}
