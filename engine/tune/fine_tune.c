// SPDX-License-Identifier: GPL-3.0-or-later
#include "fine_tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/tune/inputs.h"
#include "engine/tune/objective.h"
#include "engine/tune/optimizer.h"
#include "engine/tune/schedule.h"

enum { STREAM_ORDER = 1000, TOGETHER = 32 }; // the order's random stream, as a run's; examples scored at once

struct fine_tune {
    struct run_inputs in;
    struct run_settings settings;
    struct pattern pattern;
    struct render_options render;
    struct input_set train, dev, scored;
    struct input_batch batch;
    struct objective objective;
    struct t5_pass *pass;
    struct optimizer *optimizer;
    size_t *order, *picked, batch_size, epoch, position, step, scored_step;
    float *best; // of all weights, one behind the other
    struct metric best_metric;
    bool has_best;
};

static void order_epoch(struct fine_tune *f) {
    struct random random;
    random_seed(&random, f->settings.seed, STREAM_ORDER + f->epoch);
    for (size_t i = 0; i < f->train.count; i++)
        f->order[i] = i;
    random_shuffle(&random, f->order, f->train.count);
}

static size_t weight_count(const struct model *m) {
    size_t n = 0;
    for (size_t i = 0; i < m->weights; i++)
        n += m->weight[i].rows * m->weight[i].columns;
    return n;
}

// Best weights into the model, or the model's into best.
static void copy_weights(struct fine_tune *f, float *all, bool into_model) {
    struct model *m = f->in.model;
    for (size_t i = 0, at = 0; i < m->weights; i++) {
        size_t n = m->weight[i].rows * m->weight[i].columns;
        if (into_model)
            memcpy(m->weight[i].trained, all + at, n * sizeof *all);
        else
            memcpy(all + at, m->weight[i].trained, n * sizeof *all);
        at += n;
    }
}

static bool make_optimizer(struct fine_tune *f, struct error *e) {
    static const enum optimizer_kind kinds[] = {[RUN_ADAM] = OPTIMIZER_ADAM,
                                                [RUN_ADAMW] = OPTIMIZER_ADAMW,
                                                [RUN_ADAFACTOR] = OPTIMIZER_ADAFACTOR,
                                                [RUN_SGD] = OPTIMIZER_SGD};
    struct model *m = f->in.model;
    struct optimizer_settings o = optimizer_settings_default(kinds[f->settings.optimizer]);
    o.weight_decay = f->settings.weight_decay;
    struct optimizer_parameter *p = mem_calloc(m->weights, sizeof *p, e);
    for (size_t i = 0; p && i < m->weights; i++)
        p[i] = (struct optimizer_parameter){.value = m->weight[i].trained,
                                            .gradient = m->weight[i].gradient,
                                            .rows = m->weight[i].rows,
                                            .columns = m->weight[i].columns};
    bool ok = p && optimizer_create(&f->optimizer, &o, p, m->weights, f->in.pool, e);
    free(p);
    return ok;
}

bool fine_tune_create(struct fine_tune **out, const struct run_inputs *in, const struct run_settings *s,
                      struct error *e) {
    *out = NULL;
    struct fine_tune *f = mem_calloc(1, sizeof *f, e);
    if (!f)
        return false;
    f->in = *in;
    f->settings = *s;
    f->scored_step = SIZE_MAX;
    f->render = (struct render_options){.budget = s->budget, .end_mark = s->loss == LOSS_CLEAN};
    bool ok =
        pattern_bind(&f->pattern, in->template, in->task, in->tokenizer, e) &&
        (!f->pattern.slots ||
         error_set(e, ERROR_INPUT, "fine-tuning takes a template without soft vectors")) &&
        (in->split->train_count || error_set(e, ERROR_INPUT, "the task has no training examples")) &&
        input_set_render(&f->train, &f->pattern, in->split->train, in->split->train_count, &f->render, e) &&
        input_set_render(&f->dev, &f->pattern, in->split->dev, in->split->dev_count, &f->render, e) &&
        model_make_trainable(in->model, e) && t5_pass_create(&f->pass, in->model, in->pool, e) &&
        make_optimizer(f, e);
    if (ok) {
        f->batch_size = s->batch < f->train.count ? s->batch : f->train.count;
        f->order = mem_calloc(f->train.count, sizeof *f->order, e);
        f->picked = mem_calloc(f->batch_size, sizeof *f->picked, e);
        f->best = mem_calloc(weight_count(in->model), sizeof *f->best, e);
        ok = f->order && f->picked && f->best;
    }
    if (!ok) {
        fine_tune_free(f);
        return false;
    }
    if (in->openblas)
        t5_pass_use_library(f->pass, GEMM_OPENBLAS);
    order_epoch(f);
    *out = f;
    return true;
}

void fine_tune_free(struct fine_tune *f) {
    if (!f)
        return;
    optimizer_free(f->optimizer);
    objective_free(&f->objective);
    input_batch_free(&f->batch);
    input_set_free(&f->train);
    input_set_free(&f->dev);
    input_set_free(&f->scored);
    t5_pass_free(f->pass);
    pattern_free(&f->pattern);
    free(f->order);
    free(f->picked);
    free(f->best);
    free(f);
}

static bool plan(struct fine_tune *f, enum t5_mode mode, const struct input_set *set, size_t examples,
                 struct error *e) {
    const struct t5_config *c = &f->in.model->config;
    int32_t sentinel = tokenizer_sentinel(f->in.tokenizer, 0);
    size_t rows = set->longest * examples;
    if (!input_batch_plan(&f->batch, examples, rows, c->decoder_start_id, sentinel, e) ||
        !objective_plan(&f->objective, f->settings.loss, f->in.verbalizer, sentinel, examples, e))
        return false;
    const struct t5_plan p = {.mode = mode,
                              .examples = examples,
                              .encoder_rows = rows,
                              .decoder_rows = examples * DECODER_ROWS,
                              .longest_encoder = set->longest,
                              .longest_decoder = DECODER_ROWS,
                              .head_rows = objective_head_rows(&f->objective, c->vocab_size)};
    return t5_pass_plan(f->pass, &p, e);
}

static void pick(struct fine_tune *f) {
    for (size_t i = 0; i < f->batch_size; i++) {
        if (f->position == f->train.count) {
            f->epoch++;
            f->position = 0;
            order_epoch(f);
        }
        f->picked[i] = f->order[f->position++];
    }
}

static struct metric metric_of(const struct fine_tune *f, enum metric_kind kind) {
    static const enum schedule_kind kinds[] = {[RUN_CONSTANT] = SCHEDULE_CONSTANT,
                                               [RUN_LINEAR] = SCHEDULE_LINEAR,
                                               [RUN_NOAM] = SCHEDULE_NOAM,
                                               [RUN_COSINE] = SCHEDULE_COSINE};
    const struct run_settings *s = &f->settings;
    double rate = s->rate * schedule_factor(kinds[s->schedule], f->step, s->warmup, s->steps);
    return (struct metric){.kind = kind,
                           .step = f->step,
                           .train_loss = NAN,
                           .train_accuracy = NAN,
                           .gradient_norm = NAN,
                           .update_norm = NAN,
                           .prompt_norm = NAN,
                           .rate = (float)rate,
                           .dev_loss = NAN,
                           .dev_accuracy = NAN,
                           .dev_f1 = NAN,
                           .seconds = NAN};
}

static bool learn(struct fine_tune *f, const atomic_bool *cancel, struct metric *m, struct error *e) {
    size_t right = 0;
    if (!plan(f, T5_TRAIN_ALL, &f->train, f->batch_size, e))
        return false;
    input_batch_fill(&f->batch, &f->train, f->picked, 0, f->batch_size);
    if (!t5_forward(f->pass, T5_TRAIN_ALL, &f->batch.t5, NULL, cancel, e))
        return false;
    m->train_loss = (float)objective_apply(&f->objective, f->pass, &f->batch, true);
    for (size_t i = 0; i < f->batch_size; i++)
        right += f->objective.predicted[i] == f->batch.label[i];
    m->train_accuracy = (float)right / (float)f->batch_size;
    return (isfinite(m->train_loss) ||
            error_set(e, ERROR_INPUT, "the loss is not a finite number; lower the learning rate (now %g)",
                      (double)m->rate)) &&
           t5_backward(f->pass, NULL, cancel, e);
}

bool fine_tune_step(struct fine_tune *f, const atomic_bool *cancel, struct metric *out, struct error *e) {
    double began = clock_seconds();
    size_t epoch = f->epoch, position = f->position;
    struct metric m = metric_of(f, METRIC_STEP);
    struct optimizer_report report;
    pick(f);
    bool ok =
        learn(f, cancel, &m, e) && optimizer_step(f->optimizer, (double)m.rate, f->settings.clip, &report, e);
    model_clear_gradients(f->in.model);
    if (!ok) {
        f->position = position;
        if (f->epoch != epoch) {
            f->epoch = epoch;
            order_epoch(f);
        }
        return error_context(e, "step %zu", f->step + 1);
    }
    m.step = ++f->step;
    m.gradient_norm = (float)report.gradient_norm;
    m.update_norm = (float)report.update_norm;
    m.prompt_norm = (float)report.value_norm;
    m.seconds = (float)(clock_seconds() - began);
    *out = m;
    return true;
}

static bool score(struct fine_tune *f, const struct input_set *set, const atomic_bool *cancel,
                  struct evaluation *v, struct error *e) {
    for (size_t first = 0; first < set->count; first += TOGETHER) {
        size_t n = set->count - first < TOGETHER ? set->count - first : TOGETHER;
        if (!plan(f, T5_EVALUATE, set, n, e))
            return false;
        input_batch_fill(&f->batch, set, NULL, first, n);
        if (!t5_forward(f->pass, T5_EVALUATE, &f->batch.t5, NULL, cancel, e))
            return false;
        objective_apply(&f->objective, f->pass, &f->batch, false);
        for (size_t i = 0; i < n; i++)
            evaluation_count(v, f->batch.label[i], f->objective.predicted[i], f->objective.loss_of[i]);
    }
    return true;
}

static bool better(const struct fine_tune *f, const struct metric *m) {
    bool f1 = f->in.task->metric == TASK_MACRO_F1;
    float now = f1 ? m->dev_f1 : m->dev_accuracy;
    float then = f1 ? f->best_metric.dev_f1 : f->best_metric.dev_accuracy;
    return !f->has_best || now > then || (now == then && m->dev_loss < f->best_metric.dev_loss);
}

bool fine_tune_evaluate(struct fine_tune *f, const atomic_bool *cancel, struct metric *out,
                        struct evaluation *detail, struct error *e) {
    double began = clock_seconds();
    *detail = (struct evaluation){.classes = f->in.verbalizer->classes};
    if (!f->dev.count)
        return error_set(e, ERROR_INPUT, "the task has no dev examples to score");
    if (!score(f, &f->dev, cancel, detail, e))
        return false;
    evaluation_finish(detail);
    *out = metric_of(f, METRIC_EVAL);
    out->dev_loss = (float)detail->loss;
    out->dev_accuracy = (float)detail->accuracy;
    out->dev_f1 = (float)detail->macro_f1;
    out->seconds = (float)(clock_seconds() - began);
    out->best = isfinite(out->dev_loss) && better(f, out);
    f->scored_step = f->step;
    if (out->best) {
        f->has_best = true;
        f->best_metric = *out;
        copy_weights(f, f->best, false);
    }
    return true;
}

bool fine_tune_finished(const struct fine_tune *f) {
    return f->step >= f->settings.steps;
}

bool fine_tune_evaluation_due(const struct fine_tune *f) {
    return f->scored_step != f->step && f->dev.count &&
           (f->step == 0 || f->step % f->settings.evaluate_every == 0 || fine_tune_finished(f));
}

bool fine_tune_score(struct fine_tune *f, const struct example *const *examples, size_t count,
                     const atomic_bool *cancel, struct evaluation *out, struct error *e) {
    float *present = mem_calloc(weight_count(f->in.model), sizeof *present, e);
    bool ok = present != NULL;
    *out = (struct evaluation){.classes = f->in.verbalizer->classes};
    if (ok)
        copy_weights(f, present, false);
    if (ok && f->has_best)
        copy_weights(f, f->best, true);
    for (size_t first = 0; ok && first < count; first += TOGETHER) {
        size_t n = count - first < TOGETHER ? count - first : TOGETHER;
        ok = input_set_render(&f->scored, &f->pattern, examples + first, n, &f->render, e) &&
             score(f, &f->scored, cancel, out, e);
    }
    if (present)
        copy_weights(f, present, true);
    free(present);
    evaluation_finish(out);
    return ok;
}

bool fine_tune_best(const struct fine_tune *f, struct metric *at) {
    if (at)
        *at = f->best_metric;
    return f->has_best;
}
