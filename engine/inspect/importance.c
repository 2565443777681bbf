// SPDX-License-Identifier: GPL-3.0-or-later
#include "importance.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/tune/objective.h"
#include "engine/inspect/study_json.h"

static void importance_free(struct study *study) {
    struct importance_study *s = (struct importance_study *)study;
    lens_free(&s->lens);
    input_words_free(&s->words);
    example_free(&s->example, s->fields);
    input_set_free(&s->set);
    free(s->change);
    free(s->soft);
    free(s->word);
    free(s);
}

// ---- the inputs ----

// The rendered input without one word (NULL: whole) as the next member of the set.
static void add_input(struct input_set *set, const struct rendered *r, const struct input_word *without,
                      size_t possible) {
    size_t at = set->offset[set->count];
    for (size_t i = 0; i < r->count; i++)
        if (!without || i < without->first || i >= without->first + without->count)
            set->input[at++] = r->token[i].input;
    size_t length = at - set->offset[set->count];
    set->label[set->count] = TASK_NO_LABEL;
    set->possible[set->count] = possible;
    set->longest = length > set->longest ? length : set->longest;
    set->offset[++set->count] = at;
}

static bool make_room(struct importance_study *s, size_t inputs, size_t tokens, struct error *e) {
    struct input_set *set = &s->set;
    return mem_grow(&set->input, &set->input_capacity, inputs * tokens, sizeof *set->input, e) &&
           mem_grow(&set->offset, &set->offset_capacity, inputs + 1, sizeof *set->offset, e) &&
           mem_grow(&set->label, &set->label_capacity, inputs, sizeof *set->label, e) &&
           mem_grow(&set->possible, &set->possible_capacity, inputs, sizeof *set->possible, e) &&
           (s->word = mem_calloc(inputs, sizeof *s->word, e)) &&
           (s->change = mem_calloc(s->words.count, sizeof *s->change, e));
}

static bool prepare(struct importance_study *s, struct lens_view *v, struct error *e) {
    struct rendered r = {0};
    size_t inputs = 1;
    bool ok = pattern_render(&v->pattern, &s->example, &v->options, &r, e) &&
              input_words_make(&s->words, &v->pattern, &r, e);
    for (size_t i = 0; ok && i < s->words.count; i++)
        inputs += s->words.word[i].kind == INPUT_FIELD;
    if (ok && (ok = make_room(s, inputs, r.count, e))) {
        s->set.offset[0] = 0;
        add_input(&s->set, &r, NULL, s->example.options);
        for (size_t i = 0; i < s->words.count; i++) {
            s->change[i] = NAN;
            if (s->words.word[i].kind != INPUT_FIELD)
                continue;
            s->word[s->set.count] = i;
            add_input(&s->set, &r, &s->words.word[i], s->example.options);
        }
    }
    rendered_free(&r);
    s->soft = v->soft; // the prompt of all slices
    v->soft = NULL;
    s->step = v->step;
    s->study.total = inputs;
    return ok;
}

// ---- the slices ----

static double log_softmax(const float *score, size_t classes, size_t of) {
    size_t predicted;
    return -objective_class_loss(score, classes, of, &predicted);
}

static void take_scores(struct importance_study *s, const float *score, size_t classes, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const float *one = score + i * classes;
        size_t at = s->study.done + i;
        if (at == 0) {
            for (size_t c = 1; c < classes; c++)
                s->predicted = one[c] > one[s->predicted] ? c : s->predicted;
            s->log_probability = log_softmax(one, classes, s->predicted);
        } else {
            s->change[s->word[at]] = (float)(log_softmax(one, classes, s->predicted) - s->log_probability);
        }
    }
    s->study.done += count;
}

static bool importance_work(struct study *study, const struct study_bench *bench, bool *finished,
                            struct error *e) {
    struct importance_study *s = (struct importance_study *)study;
    struct lens_view v;
    float *states = NULL, *score = NULL;
    if (!lens_open(&v, &s->lens, bench, e))
        return false;
    bool ok = s->set.count || prepare(s, &v, e);
    size_t classes = v.verbalizer->classes, left = s->set.count - study->done;
    size_t count = ok ? mask_batch(s->set.longest) : 0;
    count = count < left ? count : left;
    ok = ok &&
         (states = mem_calloc(count * DECODER_ROWS * bench->model->config.d_model, sizeof *states, e)) &&
         (score = mem_calloc(count * classes, sizeof *score, e)) &&
         mask_states_of(v.mask, &s->set, study->done, count, s->soft, v.pattern.slots, bench->cancel, states,
                        e) &&
         mask_scores(v.mask, states, count, v.verbalizer, s->set.possible + study->done, score, e);
    if (ok)
        take_scores(s, score, classes, count);
    *finished = ok && study->done == s->set.count;
    free(states);
    free(score);
    lens_close(&v);
    return ok;
}

// ---- recordings ----

static cJSON *importance_write(const struct study *study) {
    const struct importance_study *s = (const struct importance_study *)study;
    cJSON *o = cJSON_CreateObject();
    cJSON_AddNumberToObject(o, "predicted", (double)s->predicted);
    cJSON_AddNumberToObject(o, "step", (double)s->step);
    cJSON_AddNumberToObject(o, "log_probability", s->log_probability);
    cJSON_AddItemToObject(o, "input", input_words_write(&s->words));
    study_put_floats(o, "change", s->change, s->words.count);
    return o;
}

static bool importance_read(struct study *study, const cJSON *from, struct error *e) {
    struct importance_study *s = (struct importance_study *)study;
    const cJSON *input = NULL;
    size_t count = 0;
    return json_get_size(from, "predicted", true, 0, TASK_MOST_CLASSES - 1, &s->predicted, e) &&
           json_get_size(from, "step", true, 0, (size_t)1 << 40, &s->step, e) &&
           json_get_number(from, "log_probability", true, &s->log_probability, e) &&
           json_get_object(from, "input", true, &input, e) && input_words_read(&s->words, input, e) &&
           study_get_floats(from, "change", &s->change, &count, e) &&
           (count == s->words.count ||
            error_set(e, ERROR_INPUT, "\"change\" has %zu numbers for %zu words", count, s->words.count));
}

static const struct study_kind importance_kind = {.name = "importance",
                                                  .work = importance_work,
                                                  .free = importance_free,
                                                  .write = importance_write,
                                                  .read = importance_read};

struct importance_study *importance_study_create(const struct example *example, size_t fields,
                                                 struct error *e) {
    struct importance_study *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    s->study.kind = &importance_kind;
    s->fields = fields;
    if (example_copy(&s->example, example, fields, e))
        return s;
    importance_free(&s->study);
    return NULL;
}
