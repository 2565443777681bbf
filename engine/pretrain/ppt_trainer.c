// SPDX-License-Identifier: GPL-3.0-or-later
#include "ppt_trainer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/pvp/task_parts.h"
#include "engine/tune/inputs.h"
#include "engine/tune/objective.h"
#include "engine/tune/plan.h"
#include "engine/tune/preset.h"
#include "engine/tune/start.h"

enum { TRAIN = 1, VALIDATION = 2, TEST = 3, LABELLED = 4 }; // added to the seed; random stream
// 949 : 50 : 1, as thu-coai/PPT.
#define VALIDATION_FROM 0.949
#define TEST_FROM       0.999
#define MOST_RATE       1000.0 // of run settings

struct ppt_trainer {
    struct ppt_parts parts;
    struct ppt_settings settings;
    char *template_text;
    struct template template;
    struct verbalizer words;
    struct pattern pattern;
    struct render_options render;
    struct corpus_reader *reader;
    struct ppt_maker *maker;
    size_t *level[PPT_LEVELS], levels[PPT_LEVELS]; // cls: the training sentences of each level
    uint64_t number;                               // cls: of the next example
    struct example *example;                       // [batch], of the present step
    size_t made;
    struct input_set set, held, test;
    struct input_batch batch;
    struct objective objective;
    struct t5_pass *pass;
    struct optimizer *optimizer;
    float *prompt, *start, *best, *gradient; // [count]
    size_t count, steps, best_step, validated;
    double best_loss;
    bool has_best;
};

struct ppt_settings ppt_settings_default(enum ppt_task task, bool official) {
    struct ppt_settings s = {.task = task,
                             .validation = 1024,
                             .test = 1024,
                             .vectors = 100,
                             .official = official,
                             .micro_batch = 16};
    run_settings_default(&s.run);
    preset_pretrain(&s.run, official ? PRESET_PAPER_CODE : PRESET_CLEAN);
    return s;
}

// ---- making ----

static bool make_pattern(struct ppt_trainer *t, struct error *e) {
    const struct ppt_settings *s = &t->settings;
    const struct task *task = ppt_task_of(s->task);
    const char *words = s->label_words[0] ? s->label_words : ppt_label_words(s->task);
    t->template_text = s->template_text[0] ? mem_strdup(s->template_text, e)
                                           : ppt_template(s->task, s->vectors, s->official, e);
    bool ok = t->template_text && template_parse(&t->template, t->template_text,
                                                 (const char *const *)task->field, task->fields, NULL, e);
    ok = ok && task_words(&t->words, task, words, s->run.loss == LOSS_PAPER_CODE, e) &&
         verbalizer_bind(&t->words, t->parts.tokenizer, (enum word_pieces)s->run.pieces, e) &&
         pattern_bind(&t->pattern, &t->template, task, t->parts.tokenizer, e);
    if (ok && !t->pattern.slots)
        ok = error_set(
            e, ERROR_INPUT,
            "the pattern \"%s\" has no soft slot, so there is nothing to train; write {soft:100} where "
            "the prompt should stand",
            t->template_text);
    t->render = (struct render_options){.budget = s->run.budget, .end_mark = s->run.loss == LOSS_CLEAN};
    return ok;
}

static bool open_reader(struct ppt_trainer *t, double from, double to, uint64_t seed,
                        struct corpus_reader **reader, struct ppt_maker **maker, struct error *e) {
    struct corpus_reader_settings r = ppt_reader_settings(from, to, t->settings.run.seed);
    return corpus_reader_create(reader, t->parts.corpus, &r, e) &&
           ppt_maker_create(maker, t->settings.task, *reader, t->parts.tokenizer, seed, e);
}

// Whether the part has documents enough for one to be another.
static bool has_others(struct corpus_reader *r, bool *out, struct error *e) {
    struct corpus_position begin = corpus_reader_position(r);
    struct corpus_document d;
    bool found, more = false;
    if (!corpus_reader_next_in_epoch(r, &d, &found, e) ||
        (found && !corpus_reader_next_in_epoch(r, &d, &more, e)))
        return false;
    *out = more;
    return corpus_reader_seek(r, begin, e);
}

// Up to `count` examples of a part of the text, each sentence of it once, rendered once; none where there are
// no two documents.
static bool hold_back(struct ppt_trainer *t, double from, double to, size_t which, size_t count,
                      struct input_set *out, struct error *e) {
    struct corpus_reader *reader = NULL;
    struct ppt_maker *maker = NULL;
    struct example *x = mem_calloc(count, sizeof *x, e);
    const struct example **all = mem_calloc(count, sizeof *all, e);
    bool found = false;
    bool ok = x && all && open_reader(t, from, to, t->settings.run.seed + which, &reader, &maker, e) &&
              has_others(reader, &found, e);
    size_t n = 0;
    while (ok && found && n < count) {
        ok = ppt_maker_next_in_epoch(maker, &x[n], &found, e);
        all[n] = &x[n];
        n += ok && found;
    }
    ok = ok && input_set_render(out, &t->pattern, all, n, &t->render, e);
    for (size_t i = 0; x && i < n; i++)
        ppt_example_free(t->settings.task, &x[i]);
    free(all);
    free(x);
    ppt_maker_free(maker);
    corpus_reader_free(reader);
    return ok;
}

static bool read_text(struct ppt_trainer *t, struct error *e) {
    const struct ppt_settings *s = &t->settings;
    if (!open_reader(t, 0, VALIDATION_FROM, s->run.seed + TRAIN, &t->reader, &t->maker, e))
        return false;
    if (!hold_back(t, VALIDATION_FROM, TEST_FROM, VALIDATION, s->validation, &t->held, e))
        return error_context(e, "the twentieth of the text that is held back for validation");
    if (!t->held.count)
        return error_set(
            e, ERROR_INPUT,
            "the twentieth of the text that is held back for validation has no two documents of "
            "%d sentences of %d tokens or more; give more text (documents are separated by blank "
            "lines)",
            PPT_LEAST_SENTENCES, PPT_LEAST_TOKENS);
    return !s->test || hold_back(t, TEST_FROM, 1, TEST, s->test, &t->test, e) ||
           error_context(e, "the thousandth of the text that is held back for a test (--test 0: none)");
}

// cls: sentences by part and level.
static bool sort_labels(struct ppt_trainer *t, struct error *e) {
    const struct ppt_labels *l = t->parts.labels;
    const struct example **held = mem_calloc(l->count, sizeof *held, e),
                         **test = mem_calloc(l->count, sizeof *test, e);
    struct example *x = mem_calloc(l->count, sizeof *x, e);
    size_t n = 0, m = 0;
    bool ok = held && test && x;
    for (size_t k = 0; ok && k < PPT_LEVELS; k++)
        ok = (t->level[k] = mem_calloc(l->of_level[k], sizeof *t->level[k], e)) != NULL;
    for (size_t i = 0; ok && i < l->count; i++) {
        double part = ppt_label_part(l->item[i].text);
        x[i] = (struct example){.field = &l->item[i].text, .label = l->item[i].label, .line = i + 1};
        if (part < VALIDATION_FROM)
            t->level[x[i].label][t->levels[x[i].label]++] = i;
        else if (part < TEST_FROM && n < t->settings.validation)
            held[n++] = &x[i];
        else if (part >= TEST_FROM && m < t->settings.test)
            test[m++] = &x[i];
    }
    for (size_t k = 0; ok && k < PPT_LEVELS; k++)
        if (!t->levels[k])
            ok = error_set(
                e, ERROR_INPUT,
                "no labelled sentence is \"%s\": the prompt would never see that class; give more text, "
                "or lower what the classifier has to be sure of",
                ppt_task_of(PPT_CLS)->class_name[k]);
    if (ok && !n)
        ok = error_set(e, ERROR_INPUT,
                       "there are too few labelled sentences to hold some back for validation");
    ok = ok && input_set_render(&t->held, &t->pattern, held, n, &t->render, e) &&
         input_set_render(&t->test, &t->pattern, test, m, &t->render, e);
    free(held);
    free(test);
    free(x);
    return ok;
}

static bool make_prompt(struct ppt_trainer *t, struct error *e) {
    const struct run_settings *s = &t->settings.run;
    struct optimizer_settings o = plan_optimizer(s, false);
    size_t width = t->parts.model->config.d_model;
    t->count = t->pattern.slots * width;
    float **arrays[] = {&t->prompt, &t->start, &t->best, &t->gradient};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = mem_calloc_aligned(t->count, sizeof(float), e)))
            return false;
    struct start_inputs start = {.model = t->parts.model,
                                 .pattern = &t->pattern,
                                 .verbalizer = &t->words,
                                 .file_vectors = t->parts.start_vectors,
                                 .file_count = t->parts.start_count};
    struct optimizer_parameter p = {
        .value = t->prompt, .gradient = t->gradient, .rows = t->pattern.slots, .columns = width};
    if (!prompt_start_make(&start, s, t->start, e) ||
        !optimizer_create(&t->optimizer, &o, &p, 1, t->parts.pool, e))
        return false;
    memcpy(t->prompt, t->start, t->count * sizeof *t->prompt);
    return true;
}

bool ppt_trainer_create(struct ppt_trainer **out, const struct ppt_parts *parts, const struct ppt_settings *s,
                        struct error *e) {
    *out = NULL;
    bool labelled = s->task == PPT_CLS;
    if (labelled ? !parts->labels : !parts->corpus)
        return error_set(e, ERROR_INPUT, "%s needs %s", ppt_task_name(s->task),
                         labelled ? "labelled sentences" : "a corpus");
    struct ppt_trainer *t = mem_calloc(1, sizeof *t, e);
    if (!t)
        return false;
    t->parts = *parts;
    t->settings = *s;
    t->validated = SIZE_MAX;
    if (!t->settings.micro_batch || t->settings.micro_batch > s->run.batch)
        t->settings.micro_batch = s->run.batch;
    bool ok = (t->example = mem_calloc(s->run.batch, sizeof *t->example, e)) != NULL && make_pattern(t, e) &&
              (labelled ? sort_labels(t, e) : read_text(t, e)) && make_prompt(t, e) &&
              t5_pass_create(&t->pass, parts->model, parts->pool, e);
    if (!ok) {
        ppt_trainer_free(t);
        return false;
    }
    *out = t;
    return true;
}

static void forget_examples(struct ppt_trainer *t) {
    for (size_t i = 0; i < t->made; i++)
        if (t->settings.task != PPT_CLS) // those of cls borrow
            ppt_example_free(t->settings.task, &t->example[i]);
    t->made = 0;
}

void ppt_trainer_free(struct ppt_trainer *t) {
    if (!t)
        return;
    if (t->example)
        forget_examples(t);
    for (size_t k = 0; k < PPT_LEVELS; k++)
        free(t->level[k]);
    optimizer_free(t->optimizer);
    objective_free(&t->objective);
    input_batch_free(&t->batch);
    input_set_free(&t->set);
    input_set_free(&t->held);
    input_set_free(&t->test);
    t5_pass_free(t->pass);
    ppt_maker_free(t->maker);
    corpus_reader_free(t->reader);
    pattern_free(&t->pattern);
    verbalizer_free(&t->words);
    template_free(&t->template);
    free(t->template_text);
    free(t->example);
    free(t->prompt);
    free(t->start);
    free(t->best);
    free(t->gradient);
    free(t);
}

// ---- a batch ----

static bool plan(struct ppt_trainer *t, enum t5_mode mode, const struct input_set *set, size_t examples,
                 struct error *e) {
    const struct plan_parts parts = {.model = t->parts.model,
                                     .tokenizer = t->parts.tokenizer,
                                     .verbalizer = &t->words,
                                     .loss = t->settings.run.loss,
                                     .slots = t->pattern.slots,
                                     .batch = &t->batch,
                                     .objective = &t->objective,
                                     .pass = t->pass};
    return plan_batches(&parts, mode, set, examples, e);
}

static bool next_example(struct ppt_trainer *t, struct example *x, struct error *e) {
    if (t->settings.task != PPT_CLS)
        return ppt_maker_next(t->maker, x, e);
    struct random r;
    random_seed(&r, t->settings.run.seed * 0x9e3779b97f4a7c15u + t->number++, LABELLED);
    size_t k = random_below(&r, PPT_LEVELS), i = t->level[k][random_below(&r, t->levels[k])];
    *x = (struct example){.field = &t->parts.labels->item[i].text, .label = k, .line = i + 1};
    return true;
}

static bool read_batch(struct ppt_trainer *t, struct error *e) {
    const struct example **all = mem_calloc(t->settings.run.batch, sizeof *all, e);
    bool ok = all != NULL;
    for (; ok && t->made < t->settings.run.batch; t->made += ok) {
        ok = next_example(t, &t->example[t->made], e);
        all[t->made] = &t->example[t->made];
    }
    ok = ok && input_set_render(&t->set, &t->pattern, all, t->made, &t->render, e);
    free(all);
    return ok;
}

// Adds the gradient of examples first .. first+n-1, weighted as their share of the batch.
static bool learn(struct ppt_trainer *t, size_t first, size_t n, const atomic_bool *cancel,
                  struct ppt_step *out, struct error *e) {
    if (!plan(t, T5_TRAIN_PROMPT, &t->set, n, e))
        return false;
    input_batch_fill(&t->batch, &t->set, NULL, first, n);
    if (!t5_forward(t->pass, T5_TRAIN_PROMPT, &t->batch.t5, t->prompt, cancel, e))
        return false;
    out->loss += objective_apply(&t->objective, t->pass, &t->batch, true) * (double)n;
    for (size_t i = 0; i < n; i++)
        out->accuracy += t->objective.predicted[i] == t->batch.label[i];
    return t5_backward(t->pass, t->gradient, cancel, e);
}

static bool learn_batch(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_step *out,
                        struct error *e) {
    size_t batch = t->set.count, micro = t->settings.micro_batch, parts = (batch + micro - 1) / micro;
    memset(t->gradient, 0, t->count * sizeof *t->gradient);
    // Parts of one size up to one example: their means are averaged.
    for (size_t p = 0; p < parts; p++) {
        size_t first = p * batch / parts, n = (p + 1) * batch / parts - first;
        if (!learn(t, first, n, cancel, out, e))
            return false;
    }
    for (size_t i = 0; i < t->count; i++)
        t->gradient[i] /= (float)parts;
    out->examples = batch;
    out->positions = t->set.offset[batch];
    out->loss /= (double)batch;
    out->accuracy /= (double)batch;
    if (!isfinite(out->loss))
        return error_set(e, ERROR_INPUT, "the loss is not finite any more: lower the rate (%g)", out->rate);
    return true;
}

static struct ppt_place place_of(const struct ppt_trainer *t) {
    return t->maker ? ppt_maker_place(t->maker) : (struct ppt_place){.number = t->number};
}
static bool go_to_place(struct ppt_trainer *t, struct ppt_place place, struct error *e) {
    t->number = place.number;
    return !t->maker || ppt_maker_seek(t->maker, place, e);
}

bool ppt_trainer_step(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_step *out,
                      struct error *e) {
    const struct run_settings *s = &t->settings.run;
    struct ppt_place before = place_of(t);
    struct optimizer_report report;
    double began = clock_seconds();
    *out = (struct ppt_step){.step = t->steps + 1, .epoch = before.document.epoch};
    out->rate = plan_rate(s, s->rate, t->steps);
    bool ok = read_batch(t, e) && learn_batch(t, cancel, out, e) &&
              optimizer_step(t->optimizer, out->rate, s->clip, &report, e);
    forget_examples(t);
    if (!ok) {
        struct error ignored = {0};
        go_to_place(t, before, &ignored);
        return error_context(e, "step %zu", out->step);
    }
    t->steps++;
    out->gradient_norm = report.gradient_norm;
    out->update_norm = report.update_norm;
    out->prompt_norm = report.value_norm;
    out->seconds = clock_seconds() - began;
    return true;
}

// ---- scoring ----

static bool score(struct ppt_trainer *t, const struct input_set *set, const float *prompt,
                  const atomic_bool *cancel, struct ppt_score *out, struct error *e) {
    double began = clock_seconds();
    size_t classes = t->words.classes, together = t->settings.micro_batch;
    *out = (struct ppt_score){.all = {.classes = classes}};
    if (!plan(t, T5_EVALUATE, set, together < set->count ? together : set->count, e))
        return false;
    for (size_t first = 0; first < set->count; first += together) {
        size_t n = set->count - first < together ? set->count - first : together;
        input_batch_fill(&t->batch, set, NULL, first, n);
        if (!t5_forward(t->pass, T5_EVALUATE, &t->batch.t5, prompt, cancel, e))
            return false;
        objective_apply(&t->objective, t->pass, &t->batch, false);
        for (size_t i = 0; i < n; i++) {
            size_t label = t->batch.label[i], options = t->batch.possible[i],
                   guess = t->objective.predicted[i];
            evaluation_count(&out->all, label, guess, t->objective.loss_of[i]);
            out->class_loss[label] += t->objective.loss_of[i];
            out->with_options[options]++;
            out->right[options] += guess == label;
            out->options_loss[options] += t->objective.loss_of[i];
        }
    }
    for (size_t k = 0; k < TASK_MOST_OPTIONS; k++)
        out->class_loss[k] = k < classes ? out->class_loss[k] / (double)out->all.of_class[k] : NAN;
    for (size_t n = 0; n <= TASK_MOST_OPTIONS; n++)
        out->options_loss[n] =
            out->with_options[n] ? out->options_loss[n] / (double)out->with_options[n] : NAN;
    evaluation_finish(&out->all);
    out->seconds = clock_seconds() - began;
    return true;
}

bool ppt_trainer_validate(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_validation *out,
                          struct error *e) {
    *out = (struct ppt_validation){.step = t->steps};
    if (!score(t, &t->held, t->prompt, cancel, &out->score, e))
        return false;
    t->validated = t->steps;
    out->best = isfinite(out->score.all.loss) && (!t->has_best || out->score.all.loss < t->best_loss);
    if (out->best) {
        t->has_best = true;
        t->best_loss = out->score.all.loss;
        t->best_step = t->steps;
        memcpy(t->best, t->prompt, t->count * sizeof *t->best);
    }
    return true;
}

bool ppt_trainer_test(struct ppt_trainer *t, const atomic_bool *cancel, struct ppt_score *out,
                      struct error *e) {
    if (!t->test.count)
        return error_set(e, ERROR_INPUT, "nothing is held back for a test");
    return score(t, &t->test, t->has_best ? t->best : t->prompt, cancel, out, e);
}

// ---- asking ----

const struct ppt_settings *ppt_trainer_settings(const struct ppt_trainer *t) {
    return &t->settings;
}
const char *ppt_trainer_template(const struct ppt_trainer *t) {
    return t->template_text;
}
const struct verbalizer *ppt_trainer_words(const struct ppt_trainer *t) {
    return &t->words;
}
size_t ppt_trainer_steps(const struct ppt_trainer *t) {
    return t->steps;
}
bool ppt_trainer_done(const struct ppt_trainer *t) {
    return t->steps >= t->settings.run.steps;
}
bool ppt_trainer_validation_due(const struct ppt_trainer *t) {
    return t->validated != t->steps &&
           (t->steps % t->settings.run.evaluate_every == 0 || ppt_trainer_done(t));
}
size_t ppt_trainer_held_back(const struct ppt_trainer *t) {
    return t->held.count;
}
size_t ppt_trainer_test_examples(const struct ppt_trainer *t) {
    return t->test.count;
}
size_t ppt_trainer_vectors(const struct ppt_trainer *t) {
    return t->pattern.slots;
}
size_t ppt_trainer_width(const struct ppt_trainer *t) {
    return t->parts.model->config.d_model;
}
size_t ppt_trainer_bytes(const struct ppt_trainer *t) {
    return t5_pass_bytes(t->pass) + optimizer_bytes(t->optimizer) + 4 * t->count * sizeof(float) +
           (t->reader ? corpus_reader_bytes(t->reader) : 0);
}
const float *ppt_trainer_prompt(const struct ppt_trainer *t) {
    return t->prompt;
}
const float *ppt_trainer_best(const struct ppt_trainer *t, double *loss, size_t *step) {
    if (loss)
        *loss = t->best_loss;
    if (step)
        *step = t->best_step;
    return t->has_best ? t->best : NULL;
}
void ppt_trainer_set_steps(struct ppt_trainer *t, size_t steps) {
    t->settings.run.steps = steps;
}

void ppt_trainer_scale_rate(struct ppt_trainer *t, double factor) {
    t->settings.run.rate = fmin(t->settings.run.rate * factor, MOST_RATE);
}

// ---- keeping ----

struct ppt_counters ppt_trainer_counters(const struct ppt_trainer *t) {
    return (struct ppt_counters){.place = place_of(t),
                                 .step = t->steps,
                                 .optimizer_step = optimizer_steps(t->optimizer),
                                 .validated = t->validated == SIZE_MAX ? UINT64_MAX : t->validated,
                                 .best_step = t->best_step,
                                 .best_loss = t->best_loss,
                                 .has_best = t->has_best};
}

bool ppt_trainer_set_counters(struct ppt_trainer *t, const struct ppt_counters *c, struct error *e) {
    if (!go_to_place(t, c->place, e))
        return false;
    t->steps = c->step;
    t->validated = c->validated == UINT64_MAX ? SIZE_MAX : (size_t)c->validated;
    t->best_step = c->best_step;
    t->best_loss = c->best_loss;
    t->has_best = c->has_best;
    optimizer_set_steps(t->optimizer, c->optimizer_step);
    return true;
}

float *ppt_trainer_array(struct ppt_trainer *t, const char *name) {
    return strcmp(name, "prompt") == 0  ? t->prompt
           : strcmp(name, "start") == 0 ? t->start
           : strcmp(name, "best") == 0  ? t->best
                                        : NULL;
}
struct optimizer *ppt_trainer_optimizer(struct ppt_trainer *t) {
    return t->optimizer;
}
