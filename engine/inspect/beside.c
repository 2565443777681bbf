// SPDX-License-Identifier: GPL-3.0-or-later
#include "beside.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

struct beside *beside_make(const float *vectors, size_t slots, size_t width, struct error *e) {
    struct beside *b = mem_calloc(1, sizeof *b, e);
    if (!b)
        return NULL;
    b->study.kind = &beside_kind;
    b->slots = slots;
    b->width = width;
    if (slots && !(b->vectors = mem_calloc(slots * width, sizeof *b->vectors, e))) {
        study_free(&b->study);
        return NULL;
    }
    if (slots)
        memcpy(b->vectors, vectors, slots * width * sizeof *vectors);
    return b;
}

static void beside_free(struct study *s) {
    struct beside *b = (struct beside *)s;
    free(b->vectors);
    free(b->norm);
    free(b->cosine);
    free(b->distance);
    free(b->start_cosine);
    free(b->drift);
    free(b->near);
    free(b);
}

// Cosine and distance of two vectors; the cosine with a zero vector is 0.
static void measure(const float *a, const float *b, size_t width, float *cosine, float *distance) {
    double aa = 0, bb = 0, ab = 0, apart = 0;
    for (size_t j = 0; j < width; j++) {
        double x = a[j], y = b[j];
        aa += x * x;
        bb += y * y;
        ab += x * y;
        apart += (x - y) * (x - y);
    }
    *cosine = aa > 0 && bb > 0 ? (float)(ab / sqrt(aa * bb)) : 0;
    *distance = (float)sqrt(apart);
}

static bool make_room(struct beside *b, struct error *e) {
    float **list[] = {&b->norm, &b->cosine, &b->distance, &b->start_cosine, &b->drift};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++)
        if (!(*list[i] = mem_calloc(b->slots, sizeof(float), e)))
            return false;
    return (b->near = mem_calloc(b->slots * NEAR_KINDS * b->k, sizeof *b->near, e)) != NULL;
}

static bool beside_work(struct study *s, const struct study_bench *bench, bool *finished, struct error *e) {
    struct beside *b = (struct beside *)s;
    size_t width = run_width(bench->run);
    if (!b->slots)
        return error_set(e, ERROR_INPUT, "there are no vectors to look at");
    if (b->width != width)
        return error_set(e, ERROR_INPUT,
                         "its vectors have %zu numbers each, this model's have %zu: it was made for another "
                         "model",
                         b->width, width);
    b->k = bench->norms->ids < BESIDE_NEAREST ? bench->norms->ids : BESIDE_NEAREST;
    b->step = run_steps_done(bench->run);
    if (!make_room(b, e) ||
        !nearest_tokens(bench->model, bench->norms, b->vectors, b->slots, b->k, bench->pool, b->near, e))
        return false;
    for (size_t i = 0; i < b->slots; i++) {
        const float *own = b->vectors + i * width;
        double squares = 0;
        for (size_t j = 0; j < width; j++)
            squares += (double)own[j] * own[j];
        b->norm[i] = (float)sqrt(squares);
        b->cosine[i] = b->distance[i] = b->start_cosine[i] = b->drift[i] = NAN;
        if (i >= run_slots(bench->run))
            continue;
        measure(own, run_prompt(bench->run) + i * width, width, &b->cosine[i], &b->distance[i]);
        measure(own, run_start(bench->run) + i * width, width, &b->start_cosine[i], &b->drift[i]);
    }
    *finished = true;
    return true;
}

// ---- recordings ----

static cJSON *beside_write(const struct study *s) {
    const struct beside *b = (const struct beside *)s;
    cJSON *o = cJSON_CreateObject(), *near = cJSON_CreateArray();
    cJSON_AddNumberToObject(o, "tag", (double)b->tag);
    cJSON_AddNumberToObject(o, "step", (double)b->step);
    cJSON_AddNumberToObject(o, "k", (double)b->k);
    study_put_floats(o, "norm", b->norm, b->slots);
    study_put_floats(o, "cosine", b->cosine, b->slots);
    study_put_floats(o, "distance", b->distance, b->slots);
    study_put_floats(o, "start_cosine", b->start_cosine, b->slots);
    study_put_floats(o, "drift", b->drift, b->slots);
    for (size_t i = 0; i < b->slots * NEAR_KINDS * b->k; i++)
        cJSON_AddItemToArray(near, cJSON_CreateNumber(b->near[i].id));
    cJSON_AddItemToObject(o, "near", near);
    float *value = mem_calloc(b->slots * NEAR_KINDS * b->k, sizeof *value, NULL);
    for (size_t i = 0; value && i < b->slots * NEAR_KINDS * b->k; i++)
        value[i] = b->near[i].value;
    study_put_floats(o, "near_value", value, b->slots * NEAR_KINDS * b->k);
    free(value);
    return o;
}

static bool same_count(size_t have, size_t want, const char *what, struct error *e) {
    return have == want || error_set(e, ERROR_INPUT, "\"%s\" has %zu numbers, not %zu", what, have, want);
}

static bool read_near(struct beside *b, const cJSON *from, struct error *e) {
    float *id = NULL, *value = NULL;
    size_t ids = 0, values = 0, count = b->slots * NEAR_KINDS * b->k;
    bool ok = study_get_floats(from, "near", &id, &ids, e) &&
              study_get_floats(from, "near_value", &value, &values, e) && same_count(ids, count, "near", e) &&
              same_count(values, count, "near_value", e) && (b->near = mem_calloc(count, sizeof *b->near, e));
    for (size_t i = 0; ok && i < count; i++)
        b->near[i] = (struct near_token){id[i] >= 0 && id[i] < 1e9f ? (int32_t)id[i] : -1, value[i]};
    free(id);
    free(value);
    return ok;
}

static bool beside_read(struct study *s, const cJSON *from, struct error *e) {
    struct beside *b = (struct beside *)s;
    static const char *const name[] = {"norm", "cosine", "distance", "start_cosine", "drift"};
    float **list[] = {&b->norm, &b->cosine, &b->distance, &b->start_cosine, &b->drift};
    size_t tag = 0;
    if (!json_get_size(from, "tag", true, 0, (size_t)1 << 40, &tag, e))
        return false;
    if (tag != b->tag)
        return error_set(e, ERROR_INPUT, "this is a recorded run: that prompt was not looked at in it");
    if (!json_get_size(from, "step", true, 0, (size_t)1 << 40, &b->step, e) ||
        !json_get_size(from, "k", true, 1, NEAR_MOST, &b->k, e))
        return false;
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        size_t count = 0;
        if (!study_get_floats(from, name[i], list[i], &count, e) ||
            (i > 0 && !same_count(count, b->slots, name[i], e)))
            return false;
        b->slots = count;
    }
    return read_near(b, from, e);
}

const struct study_kind beside_kind = {
    .name = "beside", .work = beside_work, .free = beside_free, .write = beside_write, .read = beside_read};
