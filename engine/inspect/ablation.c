// SPDX-License-Identifier: GPL-3.0-or-later
#include "ablation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

struct ablation *ablation_make(enum ablation_change change, enum nearness metric, struct error *e) {
    struct ablation *a = mem_calloc(1, sizeof *a, e);
    if (!a)
        return NULL;
    a->study.kind = change == ABLATION_SNAP ? &snap_kind : &ablation_kind;
    a->change = change;
    a->metric = metric;
    return a;
}

static void ablation_free(struct study *s) {
    struct ablation *a = (struct ablation *)s;
    input_set_free(&a->dev);
    input_set_free(&a->without);
    free(a->soft);
    free(a->words);
    free(a->mixed);
    free(a->one);
    free(a->token);
    free(a);
}

// ---- the first slice ----

static bool render_dev(struct ablation *a, const struct study_bench *b, struct error *e) {
    struct pattern pattern = {0};
    size_t count = b->split->dev_count < ABLATION_MOST_DEV ? b->split->dev_count : ABLATION_MOST_DEV;
    const struct render_options options = {.budget = b->settings->budget,
                                           .end_mark = b->settings->loss == LOSS_CLEAN};
    if (!count)
        return error_set(e, ERROR_INPUT,
                         "the task has no dev examples to score; name a dev file in task.json");
    bool ok = pattern_bind(&pattern, b->template, b->task, b->tokenizer, e) &&
              input_set_render(&a->dev, &pattern, b->split->dev, count, &options, e);
    pattern_free(&pattern);
    return ok;
}

static bool find_words(struct ablation *a, const struct study_bench *b, struct error *e) {
    size_t width = b->model->config.d_model;
    struct near_token *near = mem_calloc(a->slots * NEAR_KINDS, sizeof *near, e);
    bool ok = near && nearest_tokens(b->model, b->norms, a->soft, a->slots, 1, b->pool, near, e);
    for (size_t i = 0; ok && i < a->slots; i++) {
        a->token[i] = near[i * NEAR_KINDS + a->metric].id;
        model_embedding_row(b->model, (size_t)a->token[i], a->words + i * width);
    }
    free(near);
    return ok;
}

static size_t variants(const struct ablation *a) {
    return 1 + a->slots + (a->change == ABLATION_SNAP);
}

static bool prepare(struct ablation *a, const struct study_bench *b, struct error *e) {
    size_t width = b->model->config.d_model, slots = run_slots(b->run);
    a->slots = slots;
    a->step = run_steps_done(b->run);
    a->one = mem_calloc(slots, sizeof *a->one, e);
    a->token = mem_calloc(slots, sizeof *a->token, e);
    a->soft = mem_calloc_aligned(slots * width, sizeof *a->soft, e);
    a->words = mem_calloc_aligned(slots * width, sizeof *a->words, e);
    a->mixed = mem_calloc_aligned(slots * width, sizeof *a->mixed, e);
    if (!a->one || !a->token || !a->soft || !a->words || !a->mixed)
        return false;
    memcpy(a->soft, run_prompt(b->run), slots * width * sizeof *a->soft);
    if (!render_dev(a, b, e) || (a->change == ABLATION_SNAP && !find_words(a, b, e)))
        return false;
    a->study.total = variants(a) * a->dev.count;
    return true;
}

// ---- variants ----

// Sets up what is scored as the present variant.
static bool begin_variant(struct ablation *a, size_t width, struct error *e) {
    size_t bytes = width * sizeof *a->mixed, slot = a->variant - 1;
    a->sum = (struct evaluation){0};
    memcpy(a->mixed, a->soft, a->slots * bytes);
    if (a->variant == 0)
        return true;
    if (a->change == ABLATION_REMOVE)
        return input_set_without(&a->without, &a->dev, T5_SOFT(slot), e);
    for (size_t i = 0; i < a->slots; i++)
        if (slot == i || slot == a->slots)
            memcpy(a->mixed + i * width, a->words + i * width, bytes);
    return true;
}

static void end_variant(struct ablation *a) {
    struct ablation_score *to = a->variant == 0          ? &a->whole
                                : a->variant <= a->slots ? &a->one[a->variant - 1]
                                                         : &a->all;
    evaluation_finish(&a->sum);
    *to = (struct ablation_score){a->sum.examples, a->sum.correct, a->sum.loss, a->sum.accuracy};
    a->variant++;
    a->at = 0;
}

static bool ablation_work(struct study *s, const struct study_bench *b, bool *finished, struct error *e) {
    struct ablation *a = (struct ablation *)s;
    size_t width = b->model->config.d_model;
    if (!a->one && !prepare(a, b, e))
        return false;
    if (a->at == 0 && !begin_variant(a, width, e))
        return false;
    bool shorter = a->change == ABLATION_REMOVE && a->variant > 0;
    const struct input_set *set = shorter ? &a->without : &a->dev;
    size_t left = set->count - a->at, most = mask_batch(set->longest), count = left < most ? left : most;
    float *states = mem_calloc(count * DECODER_ROWS * width, sizeof *states, e);
    a->sum.classes = b->verbalizer->classes;
    bool ok = states &&
              mask_states_of(b->mask, set, a->at, count, a->mixed, a->slots, b->cancel, states, e) &&
              mask_evaluate(b->mask, states, count, b->verbalizer, b->settings->loss, set->label + a->at,
                            set->possible + a->at, NULL, NULL, &a->sum, e);
    free(states);
    if (!ok)
        return false;
    a->at += count;
    s->done += count;
    if (a->at == set->count)
        end_variant(a);
    *finished = a->variant == variants(a);
    return true;
}

// ---- recordings ----

static cJSON *score_json(const struct ablation_score *x) {
    cJSON *o = cJSON_CreateObject();
    const float loss = (float)x->loss;
    cJSON_AddNumberToObject(o, "examples", (double)x->examples);
    cJSON_AddNumberToObject(o, "correct", (double)x->correct);
    study_put_floats(o, "loss", &loss, 1);
    return o;
}

static bool score_read(struct ablation_score *out, const cJSON *from, struct error *e) {
    float *loss = NULL;
    size_t count = 0;
    const size_t most = (size_t)1 << 40;
    bool ok = json_get_size(from, "examples", true, 0, most, &out->examples, e) &&
              json_get_size(from, "correct", true, 0, most, &out->correct, e) &&
              study_get_floats(from, "loss", &loss, &count, e);
    out->loss = ok && count == 1 ? (double)loss[0] : (double)NAN;
    out->accuracy = out->examples ? (double)out->correct / (double)out->examples : (double)NAN;
    free(loss);
    return ok;
}

static cJSON *ablation_write(const struct study *s) {
    const struct ablation *a = (const struct ablation *)s;
    cJSON *o = cJSON_CreateObject(), *list = cJSON_CreateArray(), *tokens = cJSON_CreateArray();
    cJSON_AddNumberToObject(o, "step", (double)a->step);
    cJSON_AddItemToObject(o, "whole", score_json(&a->whole));
    cJSON_AddItemToObject(o, "all", score_json(&a->all));
    for (size_t i = 0; i < a->slots; i++) {
        cJSON_AddItemToArray(list, score_json(&a->one[i]));
        cJSON_AddItemToArray(tokens, cJSON_CreateNumber(a->token[i]));
    }
    cJSON_AddItemToObject(o, "one", list);
    cJSON_AddItemToObject(o, "token", tokens);
    return o;
}

static bool ablation_read(struct study *s, const cJSON *from, struct error *e) {
    struct ablation *a = (struct ablation *)s;
    const cJSON *list = NULL, *tokens = NULL, *whole = NULL, *all = NULL, *x, *t;
    size_t i = 0;
    if (!json_get_size(from, "step", true, 0, (size_t)1 << 40, &a->step, e) ||
        !json_get_object(from, "whole", true, &whole, e) || !json_get_object(from, "all", true, &all, e) ||
        !json_get_array(from, "one", true, &list, e) || !json_get_array(from, "token", true, &tokens, e) ||
        !score_read(&a->whole, whole, e) || !score_read(&a->all, all, e))
        return false;
    a->slots = (size_t)cJSON_GetArraySize(list);
    if ((size_t)cJSON_GetArraySize(tokens) != a->slots)
        return error_set(e, ERROR_INPUT, "\"token\" should have %zu ids", a->slots);
    if (!(a->one = mem_calloc(a->slots, sizeof *a->one, e)) ||
        !(a->token = mem_calloc(a->slots, sizeof *a->token, e)))
        return false;
    for (x = list->child, t = tokens->child; x && t; x = x->next, t = t->next, i++) {
        a->token[i] = cJSON_IsNumber(t) && t->valuedouble >= 0 && t->valuedouble < 1e9 ? t->valueint : -1;
        if (!score_read(&a->one[i], x, e))
            return false;
    }
    return true;
}

const struct study_kind ablation_kind = {.name = "ablation",
                                         .work = ablation_work,
                                         .free = ablation_free,
                                         .write = ablation_write,
                                         .read = ablation_read};
const struct study_kind snap_kind = {.name = "snap",
                                     .work = ablation_work,
                                     .free = ablation_free,
                                     .write = ablation_write,
                                     .read = ablation_read};
