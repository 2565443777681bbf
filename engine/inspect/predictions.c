// SPDX-License-Identifier: GPL-3.0-or-later
#include "predictions.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

// How many are looked at together, at most; and how many lengths make a slice.
enum { MOST_BATCH = 32, LENGTHS_SLICE = 512 };

// ---- the examples ----

static bool gone(struct error *e) {
    return error_set(e, ERROR_CANCELLED, "another session was opened");
}

// The next examples from `done` on. False where the task has no such example: it is not the one any more.
static bool take_examples(const struct study_bench *bench, const struct example_ref *ref, size_t count,
                          const struct example **out, struct error *e) {
    for (size_t i = 0; i < count; i++)
        if (!(out[i] = task_example(bench->task, ref[i])))
            return gone(e);
    return true;
}

// ---- predictions ----

static void predictions_free(struct study *study) {
    struct predictions_study *s = (struct predictions_study *)study;
    lens_free(&s->lens);
    input_set_free(&s->set);
    free(s->ref);
    free(s->predicted);
    free(s->probability);
    free(s->truth);
    free(s->soft);
    free(s);
}

static bool make_results(struct predictions_study *s, struct error *e) {
    return (s->predicted = mem_calloc(s->count, sizeof *s->predicted, e)) &&
           (s->probability = mem_calloc(s->count, sizeof *s->probability, e)) &&
           (s->truth = mem_calloc(s->count, sizeof *s->truth, e));
}

static void take_one(struct predictions_study *s, size_t at, size_t predicted, const float *probability,
                     size_t classes, size_t label) {
    bool known = predicted < classes;
    s->predicted[at] = known ? (uint16_t)predicted : PREDICTION_ELSEWHERE;
    s->probability[at] = known ? probability[predicted] : NAN;
    s->truth[at] = label < classes ? probability[label] : NAN;
}

// Scores the first `count` members of the set.
static bool score(struct predictions_study *s, const struct lens_view *v, const struct study_bench *bench,
                  size_t count, struct error *e) {
    size_t classes = v->verbalizer->classes, predicted[MOST_BATCH];
    float *states = mem_calloc(count * DECODER_ROWS * bench->model->config.d_model, sizeof *states, e);
    float *scores = mem_calloc(count * classes, sizeof *scores, e);
    bool ok =
        states && scores &&
        mask_states_of(v->mask, &s->set, 0, count, s->soft, v->pattern.slots, bench->cancel, states, e) &&
        mask_evaluate(v->mask, states, count, v->verbalizer, bench->settings->loss, s->set.label,
                      s->set.possible, predicted, NULL, &s->all, e) &&
        mask_scores(v->mask, states, count, v->verbalizer, s->set.possible, scores, e);
    for (size_t i = 0; ok && i < count; i++) {
        mask_probabilities(scores + i * classes, classes, scores + i * classes);
        take_one(s, s->study.done + i, predicted[i], scores + i * classes, classes, s->set.label[i]);
    }
    free(states);
    free(scores);
    return ok;
}

static bool predictions_work(struct study *study, const struct study_bench *bench, bool *finished,
                             struct error *e) {
    struct predictions_study *s = (struct predictions_study *)study;
    const struct example *example[MOST_BATCH];
    struct lens_view v;
    size_t count = s->count - study->done;
    count = count < MOST_BATCH ? count : MOST_BATCH;
    study->total = s->count;
    if (!take_examples(bench, s->ref + study->done, count, example, e) || !lens_open(&v, &s->lens, bench, e))
        return false;
    bool ok = true;
    if (!s->predicted) {
        ok = make_results(s, e);
        s->soft = v.soft;
        v.soft = NULL;
        s->step = v.step;
        s->all = (struct evaluation){.classes = v.verbalizer->classes};
    }
    ok = ok && input_set_render(&s->set, &v.pattern, example, count, &v.options, e);
    size_t fits = ok && count ? mask_batch(s->set.longest) : 0;
    count = count < fits ? count : fits;
    ok = ok && (!count || score(s, &v, bench, count, e));
    lens_close(&v);
    study->done += ok ? count : 0;
    *finished = ok && study->done == s->count;
    if (*finished)
        evaluation_finish(&s->all);
    return ok;
}

static void put_counts(cJSON *o, const char *key, const uint16_t *x, size_t count) {
    cJSON *list = cJSON_AddArrayToObject(o, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber(x[i]));
}

static cJSON *predictions_write(const struct study *study) {
    const struct predictions_study *s = (const struct predictions_study *)study;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "step", (double)s->step);
    put_counts(o, "predicted", s->predicted, s->count);
    study_put_floats(o, "probability", s->probability, s->count);
    study_put_floats(o, "truth", s->truth, s->count);
    study_put_evaluation(o, "all", &s->all);
    return o;
}

static bool predictions_read(struct study *study, const cJSON *from, struct error *e) {
    struct predictions_study *s = (struct predictions_study *)study;
    const cJSON *list = NULL, *x;
    size_t n = 0, probabilities, truths;
    if (!json_get_size(from, "step", true, 0, (size_t)1 << 40, &s->step, e) ||
        !json_get_array(from, "predicted", true, &list, e) ||
        !study_get_floats(from, "probability", &s->probability, &probabilities, e) ||
        !study_get_floats(from, "truth", &s->truth, &truths, e) ||
        !study_get_evaluation(from, "all", &s->all, e))
        return false;
    if ((size_t)cJSON_GetArraySize(list) != s->count || probabilities != s->count || truths != s->count)
        return error_set(e, ERROR_INPUT, "the predictions of %d examples, where %zu were asked for",
                         cJSON_GetArraySize(list), s->count);
    if (!(s->predicted = mem_calloc(s->count, sizeof *s->predicted, e)))
        return false;
    cJSON_ArrayForEach(x, list) {
        bool known = cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < TASK_MOST_CLASSES;
        s->predicted[n++] = known ? (uint16_t)x->valuedouble : PREDICTION_ELSEWHERE;
    }
    return true;
}

static const struct study_kind predictions_kind = {.name = "predictions",
                                                   .work = predictions_work,
                                                   .free = predictions_free,
                                                   .write = predictions_write,
                                                   .read = predictions_read};

struct predictions_study *predictions_study_create(struct example_ref *take_ref, size_t count,
                                                   struct error *e) {
    struct predictions_study *s = mem_calloc(1, sizeof *s, e);
    if (!s) {
        free(take_ref);
        return NULL;
    }
    s->study.kind = &predictions_kind;
    s->ref = take_ref;
    s->count = count;
    return s;
}

// ---- lengths ----

static void lengths_free(struct study *study) {
    struct lengths_study *s = (struct lengths_study *)study;
    free(s->ref);
    free(s->length);
    free(s->cut);
    free(s);
}

// An example that does not fit at all counts as it would without a limit.
static bool measure(struct lengths_study *s, const struct lens_view *v, size_t at, const struct example *x,
                    struct rendered *r, struct error *e) {
    struct render_options whole = v->options;
    whole.budget = (size_t)1 << 24;
    if (!pattern_render(&v->pattern, x, &whole, r, e))
        return false;
    size_t budget = v->options.budget;
    s->length[at] = (uint32_t)r->count;
    s->cut[at] = r->count > budget ? (uint32_t)(r->count - budget) : 0;
    return true;
}

static bool lengths_work(struct study *study, const struct study_bench *bench, bool *finished,
                         struct error *e) {
    struct lengths_study *s = (struct lengths_study *)study;
    const struct lens lens = {.kind = LENS_PRESENT};
    struct lens_view v;
    struct rendered r = {0};
    study->total = s->count;
    if (!lens_open(&v, &lens, bench, e))
        return false;
    bool ok = s->length || ((s->length = mem_calloc(s->count, sizeof *s->length, e)) &&
                            (s->cut = mem_calloc(s->count, sizeof *s->cut, e)));
    for (size_t i = 0; ok && i < LENGTHS_SLICE && study->done < s->count; i++) {
        const struct example *x = task_example(bench->task, s->ref[study->done]);
        ok = (x || gone(e)) && measure(s, &v, study->done, x, &r, e);
        study->done += ok;
    }
    rendered_free(&r);
    lens_close(&v);
    *finished = ok && study->done == s->count;
    return ok;
}

static cJSON *lengths_write(const struct study *study) {
    const struct lengths_study *s = (const struct lengths_study *)study;
    cJSON *o = cJSON_CreateObject(), *length = cJSON_AddArrayToObject(o, "length"),
          *cut = cJSON_AddArrayToObject(o, "cut");
    for (size_t i = 0; i < s->count; i++) {
        cJSON_AddItemToArray(length, cJSON_CreateNumber(s->length[i]));
        cJSON_AddItemToArray(cut, cJSON_CreateNumber(s->cut[i]));
    }
    return o;
}

static bool get_numbers(const cJSON *from, const char *key, size_t count, uint32_t **out, struct error *e) {
    const cJSON *list = NULL, *x;
    size_t n = 0;
    if (!json_get_array(from, key, true, &list, e))
        return false;
    if ((size_t)cJSON_GetArraySize(list) != count)
        return error_set(e, ERROR_INPUT, "\"%s\" has %d numbers, where %zu belong", key,
                         cJSON_GetArraySize(list), count);
    if (!(*out = mem_calloc(count, sizeof **out, e)))
        return false;
    cJSON_ArrayForEach(x, list) {
        (*out)[n++] =
            cJSON_IsNumber(x) && x->valuedouble >= 0 && x->valuedouble < 1e9 ? (uint32_t)x->valuedouble : 0;
    }
    return true;
}

static bool lengths_read(struct study *study, const cJSON *from, struct error *e) {
    struct lengths_study *s = (struct lengths_study *)study;
    return get_numbers(from, "length", s->count, &s->length, e) &&
           get_numbers(from, "cut", s->count, &s->cut, e);
}

static const struct study_kind lengths_kind = {.name = "lengths",
                                               .work = lengths_work,
                                               .free = lengths_free,
                                               .write = lengths_write,
                                               .read = lengths_read};

struct lengths_study *lengths_study_create(struct example_ref *take_ref, size_t count, struct error *e) {
    struct lengths_study *s = mem_calloc(1, sizeof *s, e);
    if (!s) {
        free(take_ref);
        return NULL;
    }
    s->study.kind = &lengths_kind;
    s->ref = take_ref;
    s->count = count;
    return s;
}
