// SPDX-License-Identifier: GPL-3.0-or-later
#include "attention.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

static void attention_free(struct study *study) {
    struct attention_study *s = (struct attention_study *)study;
    lens_free(&s->lens);
    input_words_free(&s->words);
    example_free(&s->example, s->fields);
    free(s->weight);
    free(s);
}

// Which decoder layer's cross-attention it is; SIZE_MAX for any other.
struct watcher {
    struct attention_study *study;
    const struct t5_stack *decoder;
};

// Heads are told from several threads, each to its own place.
static void watch(void *context, const struct t5_attention *which, size_t example, size_t head,
                  size_t first_query, size_t queries, size_t keys, const float *probabilities,
                  size_t stride) {
    const struct watcher *w = context;
    struct attention_study *s = w->study;
    const size_t row = DECODER_ROWS - 1;
    if (example != 0 || row < first_query || row >= first_query + queries || keys != s->words.tokens)
        return;
    for (size_t layer = 0; layer < s->layers; layer++)
        if (which == &w->decoder->block[layer].cross)
            memcpy(s->weight + (layer * s->heads + head) * keys, probabilities + (row - first_query) * stride,
                   keys * sizeof *s->weight);
}

static bool look(struct attention_study *s, const struct lens_view *v, const struct study_bench *bench,
                 struct error *e) {
    const struct t5_config *c = &bench->model->config;
    const struct example *x = &s->example;
    struct rendered r = {0};
    struct watcher watcher = {s, &bench->model->decoder};
    float *states = mem_calloc(DECODER_ROWS * c->d_model, sizeof *states, e);
    bool ok = states && pattern_render(&v->pattern, x, &v->options, &r, e) &&
              input_words_make(&s->words, &v->pattern, &r, e);
    s->layers = c->num_decoder_layers;
    s->heads = c->num_heads;
    s->step = v->step;
    ok = ok && (s->weight = mem_calloc(s->layers * s->heads * s->words.tokens, sizeof *s->weight, e));
    if (ok) {
        t5_pass_watch(mask_pass(v->mask), &(struct t5_watch){.context = &watcher, .attention = watch});
        ok = mask_states(v->mask, &v->pattern, &v->options, v->soft, &x, 1, bench->cancel, states, e);
        t5_pass_watch(mask_pass(v->mask), NULL);
    }
    rendered_free(&r);
    free(states);
    return ok;
}

static bool attention_work(struct study *study, const struct study_bench *bench, bool *finished,
                           struct error *e) {
    struct attention_study *s = (struct attention_study *)study;
    struct lens_view v;
    study->total = 1;
    if (!lens_open(&v, &s->lens, bench, e))
        return false;
    bool ok = look(s, &v, bench, e);
    lens_close(&v);
    study->done = ok;
    *finished = ok;
    return ok;
}

void attention_of_words(const struct attention_study *s, size_t layer, size_t head, float *out) {
    size_t tokens = s->words.tokens, summed = 0;
    memset(out, 0, s->words.count * sizeof *out);
    for (size_t l = 0; l < s->layers; l++) {
        for (size_t h = 0; h < s->heads; h++) {
            if ((layer != ATTENTION_MEAN && l != layer) || (head != ATTENTION_MEAN && h != head))
                continue;
            const float *row = s->weight + (l * s->heads + h) * tokens;
            summed++;
            for (size_t i = 0; i < s->words.count; i++)
                for (size_t k = 0; k < s->words.word[i].count; k++)
                    out[i] += row[s->words.word[i].first + k];
        }
    }
    for (size_t i = 0; summed && i < s->words.count; i++)
        out[i] /= (float)summed;
}

// ---- recordings ----

static cJSON *attention_write(const struct study *study) {
    const struct attention_study *s = (const struct attention_study *)study;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "layers", (double)s->layers);
    cJSON_AddNumberToObject(o, "heads", (double)s->heads);
    cJSON_AddNumberToObject(o, "step", (double)s->step);
    cJSON_AddItemToObject(o, "input", input_words_write(&s->words));
    study_put_floats(o, "weight", s->weight, s->layers * s->heads * s->words.tokens);
    return o;
}

static bool attention_read(struct study *study, const cJSON *from, struct error *e) {
    struct attention_study *s = (struct attention_study *)study;
    const cJSON *input = NULL;
    size_t count = 0;
    enum { MOST = 1 << 10 };
    return json_get_size(from, "layers", true, 1, MOST, &s->layers, e) &&
           json_get_size(from, "heads", true, 1, MOST, &s->heads, e) &&
           json_get_size(from, "step", true, 0, (size_t)1 << 40, &s->step, e) &&
           json_get_object(from, "input", true, &input, e) && input_words_read(&s->words, input, e) &&
           study_get_floats(from, "weight", &s->weight, &count, e) &&
           (count == s->layers * s->heads * s->words.tokens ||
            error_set(e, ERROR_INPUT, "\"weight\" has %zu numbers, where layers, heads and words make %zu",
                      count, s->layers * s->heads * s->words.tokens));
}

static const struct study_kind attention_kind = {.name = "attention",
                                                 .work = attention_work,
                                                 .free = attention_free,
                                                 .write = attention_write,
                                                 .read = attention_read};

struct attention_study *attention_study_create(const struct example *example, size_t fields,
                                               struct error *e) {
    struct attention_study *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    s->study.kind = &attention_kind;
    s->fields = fields;
    if (example_copy(&s->example, example, fields, e))
        return s;
    attention_free(&s->study);
    return NULL;
}
