// SPDX-License-Identifier: GPL-3.0-or-later
// One lens a slice: another prompt is another batch.
#include "answers.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

static void drop_answers(struct answers_study *s) {
    for (size_t i = 0; s->answer && i < s->lenses; i++)
        free(s->answer[i].probability);
    free(s->answer);
    s->answer = NULL;
}

static void answers_free(struct study *study) {
    struct answers_study *s = (struct answers_study *)study;
    drop_answers(s);
    for (size_t i = 0; s->lens && i < s->lenses; i++)
        lens_free(&s->lens[i]);
    free(s->lens);
    example_free(&s->example, s->fields);
    free(s);
}

// Scores and likely words from the states of the example.
static bool take_answer(struct answer *a, const struct lens_view *v, const struct study_bench *bench,
                        const struct example *x, const float *states, struct error *e) {
    size_t ids = tokenizer_ids(bench->tokenizer);
    float *logits = mem_calloc(bench->model->config.vocab_size, sizeof *logits, e);
    a->classes = v->verbalizer->classes;
    a->probability = mem_calloc(a->classes, sizeof *a->probability, e);
    bool ok = logits && a->probability &&
              mask_scores(v->mask, states, 1, v->verbalizer, &x->options, a->probability, e);
    if (ok) {
        mask_probabilities(a->probability, a->classes, a->probability);
        for (size_t c = 1; c < a->classes; c++)
            if (a->probability[c] > a->probability[a->predicted])
                a->predicted = c;
        for (size_t c = 0; c < a->classes && c < TASK_MOST_CLASSES; c++)
            a->target[c] = verbalizer_target(v->verbalizer, c);
        mask_logits(v->mask, states, logits);
        a->likely_count = ids < ANSWER_WORDS ? ids : ANSWER_WORDS;
        mask_likely(logits, ids, a->likely_count, a->likely);
    }
    free(logits);
    return ok;
}

static bool look(struct answer *a, const struct lens *lens, const struct study_bench *bench,
                 const struct example *x, struct error *e) {
    struct lens_view v;
    struct rendered r = {0};
    if (!lens_open(&v, lens, bench, e))
        return false;
    float *states = mem_calloc(DECODER_ROWS * bench->model->config.d_model, sizeof *states, e);
    bool ok = states && pattern_render(&v.pattern, x, &v.options, &r, e) &&
              mask_states(v.mask, &v.pattern, &v.options, v.soft, &x, 1, bench->cancel, states, e) &&
              take_answer(a, &v, bench, x, states, e);
    a->step = v.step;
    a->tokens = r.count;
    a->cut = r.cut;
    rendered_free(&r);
    free(states);
    lens_close(&v);
    return ok;
}

// A prompt that does not fit is told in its answer; the others are asked all the same.
static bool answers_work(struct study *study, const struct study_bench *bench, bool *finished,
                         struct error *e) {
    struct answers_study *s = (struct answers_study *)study;
    study->total = s->lenses;
    if (!s->answer && !(s->answer = mem_calloc(s->lenses, sizeof *s->answer, e)))
        return false;
    if (study->done < s->lenses) {
        struct answer *a = &s->answer[study->done];
        if (!look(a, &s->lens[study->done], bench, &s->example, &a->error) && a->error.kind != ERROR_INPUT) {
            *e = a->error;
            return false;
        }
        study->done++;
    }
    *finished = study->done == s->lenses;
    return true;
}

// ---- recordings ----

static cJSON *answers_write(const struct study *study) {
    const struct answers_study *s = (const struct answers_study *)study;
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "answers");
    for (size_t i = 0; i < s->lenses; i++) {
        const struct answer *a = &s->answer[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddStringToObject(one, "error", a->error.text);
        study_put_floats(one, "probability", a->probability, a->classes);
        cJSON_AddNumberToObject(one, "predicted", (double)a->predicted);
        cJSON_AddNumberToObject(one, "step", (double)a->step);
        cJSON_AddNumberToObject(one, "tokens", (double)a->tokens);
        cJSON_AddNumberToObject(one, "cut", (double)a->cut);
        study_put_likely(one, "likely", a->likely, a->likely_count);
        cJSON *target = cJSON_AddArrayToObject(one, "target");
        for (size_t c = 0; c < a->classes && c < TASK_MOST_CLASSES; c++)
            cJSON_AddItemToArray(target, cJSON_CreateNumber(a->target[c]));
        cJSON_AddItemToArray(list, one);
    }
    return o;
}

static bool read_answer(struct answer *a, const cJSON *from, struct error *e) {
    const cJSON *target = NULL, *item;
    const char *text = "";
    enum { MOST = 1 << 30 };
    if (!json_get_string(from, "error", true, &text, e) ||
        !study_get_floats(from, "probability", &a->probability, &a->classes, e) ||
        !json_get_size(from, "predicted", true, 0, TASK_MOST_CLASSES, &a->predicted, e) ||
        !json_get_size(from, "step", true, 0, MOST, &a->step, e) ||
        !json_get_size(from, "tokens", true, 0, MOST, &a->tokens, e) ||
        !json_get_size(from, "cut", true, 0, MOST, &a->cut, e) ||
        !study_get_likely(from, "likely", a->likely, ANSWER_WORDS, &a->likely_count, e) ||
        !json_get_array(from, "target", true, &target, e))
        return false;
    if (text[0])
        error_set(&a->error, ERROR_INPUT, "%s", text);
    size_t c = 0;
    for (item = target->child; item && c < TASK_MOST_CLASSES; item = item->next)
        a->target[c++] = cJSON_IsNumber(item) ? item->valueint : 0;
    return (text[0] || (c == a->classes && a->predicted < a->classes)) ||
           error_set(e, ERROR_INPUT, "an answer has %zu probabilities and %zu targets", a->classes, c);
}

// As many answers as lenses: a recording made with fewer leaves the others without one.
static bool answers_read(struct study *study, const cJSON *from, struct error *e) {
    struct answers_study *s = (struct answers_study *)study;
    const cJSON *list = NULL;
    if (!json_get_array(from, "answers", true, &list, e))
        return false;
    drop_answers(s);
    if (!(s->answer = mem_calloc(s->lenses, sizeof *s->answer, e)))
        return false;
    const cJSON *item = list->child;
    for (size_t i = 0; i < s->lenses; i++, item = item ? item->next : NULL) {
        if (!item)
            error_set(&s->answer[i].error, ERROR_INPUT, "this was not recorded");
        else if (!read_answer(&s->answer[i], item, e))
            return false;
    }
    return true;
}

static const struct study_kind answers_kind = {.name = "answers",
                                               .work = answers_work,
                                               .free = answers_free,
                                               .write = answers_write,
                                               .read = answers_read};

struct answers_study *answers_study_create(const struct example *example, size_t fields, size_t lenses,
                                           struct error *e) {
    struct answers_study *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    s->study.kind = &answers_kind;
    s->fields = fields;
    if (example_copy(&s->example, example, fields, e) && (s->lens = mem_calloc(lenses, sizeof *s->lens, e))) {
        s->lenses = lenses;
        return s;
    }
    answers_free(&s->study);
    return NULL;
}
