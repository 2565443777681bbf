// SPDX-License-Identifier: GPL-3.0-or-later
// The zero-shot studies: open a reading, make the missing states a batch a slice, then score.
#include "zero_shot.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/calibration.h"
#include "engine/inspect/study_json.h"
#include "engine/tune/objective.h"

// ---- making ----

static void zero_shot_free(struct study *s) {
    struct zero_shot *z = (struct zero_shot *)s;
    free(z->ask.template_text);
    free(z->ask.label_words);
    free(z->empty);
    free(z->probability);
    free(z->plain);
    verbalizer_free(&z->words);
    free(z);
}

struct zero_shot *zero_shot_make(const struct study_kind *kind, const struct zero_shot_ask *ask,
                                 struct error *e) {
    struct zero_shot *z = mem_calloc(1, sizeof *z, e);
    if (!z)
        return NULL;
    z->study.kind = kind;
    z->ask = *ask;
    z->ask.label_words = NULL;
    z->ask.template_text = mem_strdup(ask->template_text, e);
    if (!z->ask.template_text ||
        (ask->label_words && !(z->ask.label_words = mem_strdup(ask->label_words, e)))) {
        study_free(&z->study);
        return NULL;
    }
    return z;
}

// ---- the parts of a slice ----

bool study_words(struct verbalizer *out, const char *text, enum run_pieces pieces,
                 const struct study_bench *bench, struct error *e) {
    static const enum word_pieces rules[] = {
        [RUN_PIECES_FIRST] = WORD_FIRST, [RUN_PIECES_MEAN] = WORD_MEAN, [RUN_PIECES_MAX] = WORD_MAX};
    const struct task *t = bench->task;
    return verbalizer_parse(out, text, t->class_name, t->class_value, t->classes, e) &&
           verbalizer_bind(out, bench->tokenizer, rules[pieces], e);
}

// The reading of this study: opened in the first slice, found again in the others.
static bool find_reading(struct zero_shot *z, const struct study_bench *bench, struct reading **out,
                         struct error *e) {
    const struct zero_shot_ask *a = &z->ask;
    const struct reading_ask ask = {.template_text = a->template_text,
                                    .settings = &a->settings,
                                    .words = z->words.classes ? &z->words : NULL,
                                    .kept = a->kept};
    *out = z->opened ? reading_find(bench->readings, z->reading) : NULL;
    if (*out)
        return true;
    if (a->label_words && !z->words.classes &&
        !study_words(&z->words, a->label_words, a->settings.pieces, bench, e))
        return error_context(e, "label words");
    if (!reading_open(out, &z->reading, &ask, bench, e))
        return error_context(e, "template");
    z->opened = true;
    z->classes = z->words.classes;
    z->prompt = reading_prompt(*out);
    z->step = reading_step(*out);
    z->passes_before = reading_passes(*out);
    return true;
}

// The states of the content-free inputs, and what they say; done within the first slice.
static bool find_empty(struct zero_shot *z, const struct study_bench *bench, struct reading *r,
                       struct error *e) {
    float score[CALIBRATION_INPUTS * TASK_MOST_CLASSES];
    if (!z->ask.calibrated || !z->classes || z->empty)
        return true;
    for (size_t missing = 1; missing;)
        if (!reading_more(r, bench, READING_EMPTY, 0, CALIBRATION_INPUTS, &missing, e))
            return error_context(e, "calibration");
    if (!mask_scores(bench->mask, reading_states(r, READING_EMPTY), CALIBRATION_INPUTS, &z->words, NULL,
                     score, e) ||
        !(z->empty = mem_calloc(z->classes, sizeof *z->empty, e)))
        return false;
    calibration_mean(score, CALIBRATION_INPUTS, z->classes, z->empty);
    return true;
}

// ---- one example ----

static bool score_example(struct zero_shot *z, const struct study_bench *bench, const float *state,
                          const struct example *x, struct error *e) {
    z->probability = mem_calloc(z->classes, sizeof *z->probability, e);
    z->plain = mem_calloc(z->classes, sizeof *z->plain, e);
    if (!z->probability || !z->plain ||
        !mask_scores(bench->mask, state, 1, &z->words, &x->options, z->probability, e))
        return false;
    mask_probabilities(z->probability, z->classes, z->plain);
    if (z->empty)
        calibration_apply(z->probability, z->classes, z->empty);
    mask_probabilities(z->probability, z->classes, z->probability);
    return true;
}

static bool find_likely(struct zero_shot *z, const struct study_bench *bench, const float *state,
                        struct error *e) {
    size_t ids = tokenizer_ids(bench->tokenizer);
    float *logits = mem_calloc_aligned(bench->model->config.vocab_size, sizeof *logits, e);
    if (!logits)
        return false;
    z->likelies = ids < ZERO_SHOT_LIKELY ? ids : ZERO_SHOT_LIKELY;
    mask_logits(bench->mask, state, logits);
    mask_likely(logits, ids, z->likelies, z->likely);
    free(logits);
    return true;
}

static bool example_work(struct study *s, const struct study_bench *bench, bool *finished, struct error *e) {
    struct zero_shot *z = (struct zero_shot *)s;
    struct reading *r;
    size_t missing = 1;
    if (!find_reading(z, bench, &r, e))
        return false;
    if (z->ask.index >= reading_examples(r, z->ask.set))
        return error_set(e, ERROR_INPUT, "there is no example %zu in this split", z->ask.index + 1);
    while (missing)
        if (!reading_more(r, bench, z->ask.set, z->ask.index, 1, &missing, e))
            return false;
    const float *state =
        reading_states(r, z->ask.set) + z->ask.index * DECODER_ROWS * bench->model->config.d_model;
    if (!find_empty(z, bench, r, e) || !find_likely(z, bench, state, e) ||
        (z->classes && !score_example(z, bench, state, reading_example(r, z->ask.set)[z->ask.index], e)))
        return false;
    z->passes = reading_passes(r) - z->passes_before;
    *finished = true;
    return true;
}

// ---- dev ----

// Scores among the label words, with what content-free inputs say divided out.
static bool score_calibrated(struct zero_shot *z, const struct study_bench *bench, const float *states,
                             const struct example *const *x, size_t count, struct error *e) {
    size_t stride = DECODER_ROWS * bench->model->config.d_model;
    float score[TASK_MOST_CLASSES];
    for (size_t i = 0; i < count; i++) {
        size_t guess, classes = x[i]->options && x[i]->options < z->classes ? x[i]->options : z->classes;
        if (!mask_scores(bench->mask, states + i * stride, 1, &z->words, &x[i]->options, score, e))
            return false;
        calibration_apply(score, z->classes, z->empty);
        double loss = objective_class_loss(score, classes, x[i]->label, &guess);
        evaluation_count(&z->dev, x[i]->label, guess, loss);
    }
    return true;
}

static bool score_by_rule(struct zero_shot *z, const struct study_bench *bench, const float *states,
                          const struct example *const *x, size_t count, struct error *e) {
    size_t *label = mem_calloc(2 * count, sizeof *label, e);
    if (!label)
        return false;
    size_t *possible = label + count;
    for (size_t i = 0; i < count; i++) {
        label[i] = x[i]->label;
        possible[i] = x[i]->options;
    }
    bool ok = mask_evaluate(bench->mask, states, count, &z->words, z->ask.settings.loss, label, possible,
                            NULL, NULL, &z->dev, e);
    free(label);
    return ok;
}

static bool dev_work(struct study *s, const struct study_bench *bench, bool *finished, struct error *e) {
    struct zero_shot *z = (struct zero_shot *)s;
    struct reading *r;
    size_t missing = 0;
    if (!z->ask.label_words)
        return error_set(e, ERROR_INPUT, "dev needs label words");
    if (!find_reading(z, bench, &r, e) || !find_empty(z, bench, r, e))
        return false;
    size_t count = reading_examples(r, READING_DEV);
    count = count < ZERO_SHOT_MOST_DEV ? count : ZERO_SHOT_MOST_DEV;
    if (!reading_more(r, bench, READING_DEV, 0, count, &missing, e))
        return false;
    s->total = count;
    s->done = count - missing;
    if (missing)
        return true;
    z->dev = (struct evaluation){.classes = z->classes};
    const float *states = reading_states(r, READING_DEV);
    const struct example *const *x = reading_example(r, READING_DEV);
    if (!(z->empty ? score_calibrated(z, bench, states, x, count, e)
                   : score_by_rule(z, bench, states, x, count, e)))
        return false;
    evaluation_finish(&z->dev);
    z->passes = reading_passes(r) - z->passes_before;
    *finished = true;
    return true;
}

// ---- recorded ----

static void put_ask(cJSON *o, const struct zero_shot *z) {
    cJSON_AddStringToObject(o, "template", z->ask.template_text);
    if (z->ask.label_words)
        cJSON_AddStringToObject(o, "words", z->ask.label_words);
    study_put_settings(o, &z->ask.settings);
    cJSON_AddBoolToObject(o, "calibrated", z->ask.calibrated);
    cJSON_AddNumberToObject(o, "prompt", z->prompt);
    cJSON_AddNumberToObject(o, "step", (double)z->step);
    cJSON_AddNumberToObject(o, "passes", (double)z->passes);
    cJSON_AddNumberToObject(o, "classes", (double)z->classes);
    study_put_floats(o, "empty", z->empty, z->classes);
}

// A recorded result answers only the question that it was the answer to.
static bool get_ask(const cJSON *o, struct zero_shot *z, struct error *e) {
    size_t prompt = 0, empties;
    bool calibrated = false;
    if (!json_get_bool(o, "calibrated", true, &calibrated, e) ||
        !study_same_text(o, "template", z->ask.template_text) ||
        !study_same_text(o, "words", z->ask.label_words) || calibrated != z->ask.calibrated ||
        !study_same_settings(o, &z->ask.settings))
        return error_set(e, ERROR_INPUT, "this is a recorded run: nothing was recorded for this pattern");
    if (!json_get_size(o, "prompt", true, 0, READING_START_PROMPT, &prompt, e) ||
        !json_get_size(o, "step", true, 0, (size_t)1 << 40, &z->step, e) ||
        !json_get_size(o, "passes", true, 0, (size_t)1 << 40, &z->passes, e) ||
        !json_get_size(o, "classes", true, 0, TASK_MOST_CLASSES, &z->classes, e) ||
        !study_get_floats(o, "empty", &z->empty, &empties, e))
        return false;
    z->prompt = (enum reading_prompt)prompt;
    return !z->empty || empties == z->classes || error_set(e, ERROR_INPUT, "\"empty\" has a wrong count");
}

static cJSON *example_write(const struct study *s) {
    const struct zero_shot *z = (const struct zero_shot *)s;
    cJSON *o = cJSON_CreateObject();
    put_ask(o, z);
    cJSON_AddNumberToObject(o, "set", z->ask.set);
    cJSON_AddNumberToObject(o, "index", (double)z->ask.index);
    study_put_floats(o, "probability", z->probability, z->classes);
    study_put_floats(o, "plain", z->plain, z->classes);
    study_put_likely(o, "likely", z->likely, z->likelies);
    return o;
}

static bool example_read(struct study *s, const cJSON *o, struct error *e) {
    struct zero_shot *z = (struct zero_shot *)s;
    size_t set = 0, index = 0, probabilities, plains;
    if (!json_get_size(o, "set", true, 0, READING_SETS - 1, &set, e) ||
        !json_get_size(o, "index", true, 0, (size_t)1 << 40, &index, e))
        return false;
    if (set != z->ask.set || index != z->ask.index)
        return error_set(e, ERROR_INPUT, "this is a recorded run: nothing was recorded for this example");
    if (!get_ask(o, z, e) || !study_get_floats(o, "probability", &z->probability, &probabilities, e) ||
        !study_get_floats(o, "plain", &z->plain, &plains, e) ||
        !study_get_likely(o, "likely", z->likely, ZERO_SHOT_LIKELY, &z->likelies, e))
        return false;
    return !z->classes || (probabilities == z->classes && plains == z->classes) ||
           error_set(e, ERROR_INPUT, "a probability for each class is needed");
}

static cJSON *dev_write(const struct study *s) {
    const struct zero_shot *z = (const struct zero_shot *)s;
    cJSON *o = cJSON_CreateObject();
    put_ask(o, z);
    study_put_evaluation(o, "dev", &z->dev);
    return o;
}

static bool dev_read(struct study *s, const cJSON *o, struct error *e) {
    struct zero_shot *z = (struct zero_shot *)s;
    return get_ask(o, z, e) && study_get_evaluation(o, "dev", &z->dev, e);
}

const struct study_kind zero_shot_kind = {.name = "zero-shot",
                                          .work = example_work,
                                          .free = zero_shot_free,
                                          .write = example_write,
                                          .read = example_read};
const struct study_kind zero_shot_dev_kind = {
    .name = "zero-shot dev", .work = dev_work, .free = zero_shot_free, .write = dev_write, .read = dev_read};
