// SPDX-License-Identifier: GPL-3.0-or-later
// A tuning run: create, step, evaluate, keep.
#include "run_inside.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/model/t5.h"
#include "engine/tune/plan.h"
#include "engine/tune/start.h"

enum {
    STREAM_ORDER = 1000, // plus the epoch: the order of an epoch follows from seed and epoch alone
    SCORE_ROWS = 2048,   // encoder rows scored together
    SCORE_EXAMPLES = 16,
};

// ---- creating ----

static void order_epoch(struct run *r) {
    struct random random;
    random_seed(&random, r->settings.seed, STREAM_ORDER + r->epoch);
    for (size_t i = 0; i < r->train.count; i++)
        r->order[i] = i;
    random_shuffle(&random, r->order, r->train.count);
}

// How many of a set are scored together.
static size_t score_batch(const struct input_set *set) {
    size_t n = set->longest ? SCORE_ROWS / set->longest : 1;
    n = n < 1 ? 1 : n > SCORE_EXAMPLES ? SCORE_EXAMPLES : n;
    return n < set->count ? n : set->count;
}

static bool plan(struct run *r, enum t5_mode mode, const struct input_set *set, size_t examples,
                 struct error *e) {
    if (!examples)
        return true;
    const struct plan_parts parts = {.model = r->in.model,
                                     .tokenizer = r->in.tokenizer,
                                     .verbalizer = r->in.verbalizer,
                                     .loss = r->settings.loss,
                                     .slots = r->pattern.slots,
                                     .batch = &r->batch,
                                     .objective = &r->objective,
                                     .pass = r->pass};
    r->training_planned = mode != T5_EVALUATE;
    return plan_batches(&parts, mode, set, examples, e);
}

static enum t5_mode training_mode(const struct run *r) {
    return r->fine ? T5_TRAIN_ALL : T5_TRAIN_PROMPT;
}

// What a forward pass takes as soft vectors.
static const float *soft(const struct run *r, const float *prompt) {
    return r->fine ? NULL : prompt;
}

static bool plan_training(struct run *r, struct error *e) {
    return r->training_planned || plan(r, training_mode(r), &r->train, r->batch_size, e);
}

static bool allocate(struct run *r, struct error *e) {
    float **arrays[] = {&r->prompt, &r->start, &r->best, &r->gradient, &r->before};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        if (!(*arrays[i] = mem_calloc_aligned(r->count, sizeof(float), e)))
            return false;
    r->order = mem_calloc(r->train.count, sizeof *r->order, e);
    r->picked = mem_calloc(r->batch_size, sizeof *r->picked, e);
    return r->order && r->picked;
}

static bool check_inputs(const struct run_inputs *in, bool fine, const struct pattern *p, struct error *e) {
    if (fine && p->slots)
        return error_set(
            e, ERROR_INPUT,
            "fine-tuning has no soft prompt: take the soft vectors out of the template, or choose "
            "another method");
    if (!fine && !p->slots)
        return error_set(e, ERROR_INPUT,
                         "the template has no soft slot, so there is nothing to tune; write {soft:20} where "
                         "the soft prompt should stand");
    if (!in->split->train_count)
        return error_set(e, ERROR_INPUT, "the task has no training examples");
    if (tokenizer_ids(in->tokenizer) > in->model->config.vocab_size)
        return error_set(
            e, ERROR_INPUT,
            "the tokenizer has %zu ids with its sentinels, the model's vocab_size is %zu; they do not "
            "belong together",
            tokenizer_ids(in->tokenizer), in->model->config.vocab_size);
    return true;
}

bool run_create(struct run **out, const struct run_inputs *in, const struct run_settings *s,
                struct error *e) {
    *out = NULL;
    struct run *r = mem_calloc(1, sizeof *r, e);
    if (!r)
        return false;
    r->in = *in;
    r->settings = *s;
    r->fine = s->method == METHOD_FINE_TUNING;
    r->render = (struct render_options){.budget = s->budget, .end_mark = s->loss == LOSS_CLEAN};
    bool ok =
        pattern_bind(&r->pattern, in->template, in->task, in->tokenizer, e) &&
        check_inputs(in, r->fine, &r->pattern, e) &&
        input_set_render(&r->train, &r->pattern, in->split->train, in->split->train_count, &r->render, e) &&
        input_set_render(&r->dev, &r->pattern, in->split->dev, in->split->dev_count, &r->render, e) &&
        (!r->fine || run_weights_create(r, e)) && t5_pass_create(&r->pass, in->model, in->pool, e);
    if (!ok)
        goto done;
    if (in->openblas)
        t5_pass_use_library(r->pass, GEMM_OPENBLAS);
    r->count = r->pattern.slots * in->model->config.d_model;
    r->batch_size = s->batch < r->train.count ? s->batch : r->train.count;
    ok = allocate(r, e) && plan(r, T5_EVALUATE, &r->dev, score_batch(&r->dev), e) && plan_training(r, e);
    if (!ok)
        goto done;
    struct start_inputs start = {.model = in->model,
                                 .pattern = &r->pattern,
                                 .verbalizer = in->verbalizer,
                                 .file_vectors = in->start_vectors,
                                 .file_count = in->start_count,
                                 .task = in->task,
                                 .split = in->split};
    struct optimizer_settings options = plan_optimizer(s, r->fine);
    struct optimizer_parameter parameter = {.value = r->prompt,
                                            .gradient = r->gradient,
                                            .rows = r->pattern.slots,
                                            .columns = in->model->config.d_model};
    ok = (r->fine ? run_weights_optimizer(r, &options, e)
                  : prompt_start_make(&start, s, r->start, e) &&
                        optimizer_create(&r->optimizer, &options, &parameter, 1, in->pool, e)) &&
         edit_stack_create(&r->edits, r->pattern.slots, in->model->config.d_model, e) &&
         (r->held = mem_calloc((1 + optimizer_arrays(r->optimizer)) * r->count, sizeof *r->held, e));
    if (ok)
        run_restart(r);
done:
    if (!ok) {
        run_free(r);
        return false;
    }
    *out = r;
    return true;
}

void run_free(struct run *r) {
    if (!r)
        return;
    optimizer_free(r->optimizer);
    objective_free(&r->objective);
    input_batch_free(&r->batch);
    t5_pass_free(r->pass);
    input_set_free(&r->train);
    input_set_free(&r->dev);
    input_set_free(&r->scored);
    pattern_free(&r->pattern);
    snapshot_set_release(r->snapshots);
    edit_stack_free(&r->edits);
    free(r->best_weights);
    free(r->held);
    free(r->prompt);
    free(r->start);
    free(r->best);
    free(r->gradient);
    free(r->before);
    free(r->order);
    free(r->picked);
    free(r);
}

// A copy of the present prompt for the list; `m` is what it scored (NULL: not scored). Without memory for it
// the run goes on without.
static void take_snapshot(struct run *r, const struct metric *m) {
    struct snapshot *x = snapshot_make(r->snapshot_serial + 1, r->step, r->prompt, r->pattern.slots,
                                       r->in.model->config.d_model, NULL);
    if (!x)
        return;
    if (m) {
        x->dev_loss = m->dev_loss;
        x->dev_accuracy = m->dev_accuracy;
        x->dev_f1 = m->dev_f1;
    }
    struct snapshot_set *next = snapshot_set_with(r->snapshots, x, m && m->best, NULL);
    if (!next)
        return;
    snapshot_set_release(r->snapshots);
    r->snapshots = next;
    r->snapshot_serial++;
}

void run_restart(struct run *r) {
    memcpy(r->prompt, r->start, r->count * sizeof *r->prompt);
    optimizer_reset(r->optimizer);
    edit_stack_clear(&r->edits);
    r->step = r->epoch = r->position = 0;
    r->scored_step = SIZE_MAX;
    r->rate = r->settings.rate;
    r->has_best = false;
    order_epoch(r);
    snapshot_set_release(r->snapshots);
    r->snapshots = NULL;
    take_snapshot(r, NULL);
}

// ---- one step ----

// The next batch_size members of the order; an epoch that ends within a batch is followed by the next.
static void pick(struct run *r) {
    for (size_t i = 0; i < r->batch_size; i++) {
        if (r->position == r->train.count) {
            r->epoch++;
            r->position = 0;
            order_epoch(r);
        }
        r->picked[i] = r->order[r->position++];
    }
}

static void unpick(struct run *r, size_t epoch, size_t position) {
    bool other = r->epoch != epoch;
    r->epoch = epoch;
    r->position = position;
    if (other)
        order_epoch(r);
}

static double share_correct(const struct objective *o, const struct input_batch *b) {
    size_t right = 0;
    for (size_t i = 0; i < b->t5.examples; i++)
        right += o->predicted[i] == b->label[i];
    return (double)right / (double)b->t5.examples;
}

static bool forward_backward(struct run *r, const atomic_bool *cancel, struct metric *m, struct error *e) {
    if (!plan_training(r, e))
        return false;
    input_batch_fill(&r->batch, &r->train, r->picked, 0, r->batch_size);
    if (!t5_forward(r->pass, training_mode(r), &r->batch.t5, soft(r, r->prompt), cancel, e))
        return false;
    m->train_loss = (float)objective_apply(&r->objective, r->pass, &r->batch, true);
    m->train_accuracy = (float)share_correct(&r->objective, &r->batch);
    if (!isfinite(m->train_loss))
        return error_set(e, ERROR_INPUT,
                         "the loss is not a finite number; go back to the best prompt and lower the learning "
                         "rate (now %g)",
                         run_rate(r));
    if (r->fine)
        model_clear_gradients(r->in.model);
    memset(r->gradient, 0, r->count * sizeof *r->gradient);
    return t5_backward(r->pass, r->fine ? NULL : r->gradient, cancel, e);
}

struct metric run_metric(const struct run *r, enum metric_kind kind) {
    return (struct metric){.kind = kind,
                           .step = r->step,
                           .train_loss = NAN,
                           .train_accuracy = NAN,
                           .gradient_norm = NAN,
                           .update_norm = NAN,
                           .prompt_norm = NAN,
                           .rate = (float)run_rate(r),
                           .dev_loss = NAN,
                           .dev_accuracy = NAN,
                           .dev_f1 = NAN,
                           .seconds = NAN};
}

bool run_step(struct run *r, const atomic_bool *cancel, struct metric *out, struct error *e) {
    double began = clock_seconds();
    size_t epoch = r->epoch, position = r->position;
    struct metric m = run_metric(r, METRIC_STEP);
    pick(r);
    struct optimizer_report report;
    bool frozen = edit_stack_any_frozen(&r->edits), ok = forward_backward(r, cancel, &m, e);
    if (ok && frozen)
        run_hold_frozen(r);
    if (!ok || !optimizer_step(r->optimizer, run_rate(r), r->settings.clip, &report, e)) {
        unpick(r, epoch, position);
        return error_context(e, "step %zu", r->step + 1);
    }
    if (frozen)
        run_put_frozen_back(r, &report);
    r->step++;
    r->weights_version += r->fine;
    m.step = r->step;
    m.gradient_norm = (float)report.gradient_norm;
    m.update_norm = (float)report.update_norm;
    m.prompt_norm = (float)report.value_norm;
    m.seconds = (float)(clock_seconds() - began);
    *out = m;
    return true;
}

bool run_try_batch(struct run *r, const atomic_bool *cancel, struct error *e) {
    size_t epoch = r->epoch, position = r->position;
    struct metric m;
    pick(r);
    bool ok = forward_backward(r, cancel, &m, e);
    unpick(r, epoch, position);
    return ok;
}

bool run_try_scoring(struct run *r, size_t *examples, const atomic_bool *cancel, struct error *e) {
    size_t n = *examples = score_batch(&r->dev);
    if (!plan(r, T5_EVALUATE, &r->dev, n, e))
        return false;
    input_batch_fill(&r->batch, &r->dev, NULL, 0, n);
    return t5_forward(r->pass, T5_EVALUATE, &r->batch.t5, soft(r, r->prompt), cancel, e);
}

bool run_rescore_batch(struct run *r, const atomic_bool *cancel, float *loss, float *accuracy) {
    if (!t5_forward(r->pass, training_mode(r), &r->batch.t5, soft(r, r->prompt), cancel, NULL))
        return false;
    *loss = (float)objective_apply(&r->objective, r->pass, &r->batch, false);
    *accuracy = (float)share_correct(&r->objective, &r->batch);
    return true;
}

// ---- scoring ----

static void evaluation_add(struct evaluation *v, const struct objective *o, const struct input_batch *b) {
    for (size_t i = 0; i < b->t5.examples; i++)
        evaluation_count(v, b->label[i], o->predicted[i], o->loss_of[i]);
}

static bool score_set(struct run *r, const struct input_set *set, const float *prompt,
                      const atomic_bool *cancel, struct evaluation *v, struct error *e) {
    size_t step = score_batch(set);
    if (!plan(r, T5_EVALUATE, set, step, e))
        return false;
    for (size_t first = 0; first < set->count; first += step) {
        size_t n = set->count - first < step ? set->count - first : step;
        input_batch_fill(&r->batch, set, NULL, first, n);
        if (!t5_forward(r->pass, T5_EVALUATE, &r->batch.t5, soft(r, prompt), cancel, e))
            return false;
        objective_apply(&r->objective, r->pass, &r->batch, false);
        evaluation_add(v, &r->objective, &r->batch);
    }
    return true;
}

bool run_score(struct run *r, const struct example *const *examples, size_t count, bool with_best,
               const atomic_bool *cancel, void (*progress)(void *context, size_t done, size_t count),
               void *context, struct evaluation *out, struct error *e) {
    enum { TOGETHER = 64 }; // rendered at a time
    const float *prompt = with_best && r->has_best ? r->best : r->prompt;
    float *held = NULL;
    *out = (struct evaluation){.classes = r->in.verbalizer->classes};
    bool ok = !with_best || run_weights_use_best(r, &held, e);
    for (size_t first = 0; ok && first < count; first += TOGETHER) {
        size_t n = count - first < TOGETHER ? count - first : TOGETHER;
        ok = input_set_render(&r->scored, &r->pattern, examples + first, n, &r->render, e) &&
             score_set(r, &r->scored, prompt, cancel, out, e);
        if (ok && progress)
            progress(context, first + n, count);
    }
    run_weights_put_back(r, held);
    evaluation_finish(out);
    return ok;
}

static bool better(const struct run *r, const struct metric *m) {
    if (!r->has_best)
        return true;
    bool f1 = r->in.task->metric == TASK_MACRO_F1;
    float now = f1 ? m->dev_f1 : m->dev_accuracy,
          then = f1 ? r->best_metric.dev_f1 : r->best_metric.dev_accuracy;
    return now > then || (now == then && m->dev_loss < r->best_metric.dev_loss);
}

bool run_evaluate(struct run *r, const atomic_bool *cancel, struct metric *out, struct evaluation *detail,
                  struct error *e) {
    double began = clock_seconds();
    struct evaluation v = {.classes = r->in.verbalizer->classes};
    if (!r->dev.count)
        return error_set(
            e, ERROR_INPUT,
            "the task has no dev examples to score; name a dev file in task.json or leave some of "
            "train for it");
    if (!score_set(r, &r->dev, r->prompt, cancel, &v, e))
        return false;
    evaluation_finish(&v);
    struct metric m = run_metric(r, METRIC_EVAL);
    m.dev_loss = (float)v.loss;
    m.dev_accuracy = (float)v.accuracy;
    m.dev_f1 = (float)v.macro_f1;
    m.dev_examples = v.examples;
    m.seconds = (float)(clock_seconds() - began);
    m.best = isfinite(m.dev_loss) && better(r, &m);
    r->scored_step = r->step;
    if (m.best) {
        r->has_best = true;
        r->best_metric = m;
        memcpy(r->best, r->prompt, r->count * sizeof *r->best);
        if (r->fine)
            run_weights_read(r, r->best_weights);
    }
    take_snapshot(r, &m);
    *out = m;
    *detail = v;
    return true;
}

// ---- what happens around steps ----

bool run_finished(const struct run *r) {
    return r->step >= r->settings.steps;
}

bool run_evaluation_due(const struct run *r) {
    if (r->scored_step == r->step || !r->dev.count)
        return false;
    return r->step == 0 || r->step % r->settings.evaluate_every == 0 || run_finished(r);
}

void run_set_rate(struct run *r, double rate) {
    r->rate = rate;
}

double run_rate(const struct run *r) {
    return plan_rate(&r->settings, r->rate, r->step);
}

void run_set_steps(struct run *r, size_t steps) {
    r->settings.steps = steps;
}

size_t run_steps_wanted(const struct run *r) {
    return r->settings.steps;
}

bool run_return_to_best(struct run *r) {
    if (!r->has_best)
        return false;
    if (r->fine)
        run_weights_write(r, r->best_weights);
    else
        edit_stack_push(&r->edits, r->prompt);
    memcpy(r->prompt, r->best, r->count * sizeof *r->prompt);
    optimizer_reset(r->optimizer);
    r->scored_step = SIZE_MAX;
    return true;
}

bool run_return_to(struct run *r, size_t step) {
    const struct snapshot *x = snapshot_set_find(r->snapshots, step);
    if (!x || r->fine)
        return false;
    edit_stack_push(&r->edits, r->prompt);
    memcpy(r->prompt, x->vectors, r->count * sizeof *r->prompt);
    optimizer_reset(r->optimizer);
    r->scored_step = SIZE_MAX;
    return true;
}

struct snapshot_set *run_snapshots(const struct run *r) {
    return r->snapshots;
}

size_t run_steps_done(const struct run *r) {
    return r->step;
}
size_t run_slots(const struct run *r) {
    return r->pattern.slots;
}
size_t run_width(const struct run *r) {
    return r->in.model->config.d_model;
}
const float *run_prompt(const struct run *r) {
    return r->prompt;
}
const float *run_start(const struct run *r) {
    return r->start;
}
const float *run_best(const struct run *r, struct metric *at) {
    if (at)
        *at = r->best_metric;
    return r->has_best ? r->best : NULL;
}
size_t run_examples_cut(const struct run *r) {
    return r->train.cut + r->dev.cut;
}

// ---- keeping and resuming ----

bool run_add_array(struct run_checkpoint *c, const char *name, size_t rows, size_t columns,
                   const float *value, struct error *e) {
    float *copy = mem_calloc(rows * columns, sizeof *copy, e);
    if (!copy)
        return false;
    memcpy(copy, value, rows * columns * sizeof *copy);
    struct run_array *a = &c->array[c->arrays++];
    snprintf(a->name, sizeof a->name, "%s", name);
    a->rows = rows;
    a->columns = columns;
    a->value = copy;
    return true;
}

static bool save_edits(const struct edit_stack *s, struct run_checkpoint *out, struct error *e) {
    return (!edit_stack_any_frozen(s) || run_add_array(out, "frozen", 1, s->slots, s->frozen, e)) &&
           (!s->count || (run_add_array(out, "edits", s->count * s->slots, s->width, s->prompt, e) &&
                          run_add_array(out, "edits.frozen", s->count, s->slots, s->were, e)));
}

bool run_save(const struct run *r, struct run_checkpoint *out, struct error *e) {
    size_t states = optimizer_arrays(r->optimizer), rows = r->pattern.slots, columns = run_width(r);
    *out = (struct run_checkpoint){.step = r->step,
                                   .optimizer_step = optimizer_steps(r->optimizer),
                                   .epoch = r->epoch,
                                   .position = r->position,
                                   .scored_step = r->scored_step,
                                   .rate = r->rate,
                                   .best = r->best_metric,
                                   .has_best = r->has_best,
                                   .snapshots = snapshot_set_hold(r->snapshots)};
    out->array = mem_calloc(states + 6, sizeof *out->array, e);
    if (r->fine) { // snapshots without vectors are nothing to keep
        snapshot_set_release(out->snapshots);
        out->snapshots = NULL;
        if (out->array && run_weights_save(r, out, e))
            return true;
        run_checkpoint_free(out);
        return false;
    }
    bool ok = out->array && run_add_array(out, "prompt", rows, columns, r->prompt, e) &&
              run_add_array(out, "start", rows, columns, r->start, e) &&
              (!r->has_best || run_add_array(out, "best", rows, columns, r->best, e));
    for (size_t i = 0; ok && i < states; i++) {
        struct optimizer_array state = optimizer_array_at(r->optimizer, i);
        char name[64];
        snprintf(name, sizeof name, "optimizer.%s", state.name);
        ok = run_add_array(out, name, state.rows, state.columns, state.value, e);
    }
    ok = ok && save_edits(&r->edits, out, e);
    if (!ok)
        run_checkpoint_free(out);
    return ok;
}

static const struct run_array *find_array(const struct run_checkpoint *c, const char *name) {
    for (size_t i = 0; i < c->arrays; i++)
        if (strcmp(c->array[i].name, name) == 0)
            return &c->array[i];
    return NULL;
}

bool run_take_array(const struct run_checkpoint *c, const char *name, size_t rows, size_t columns, float *to,
                    struct error *e) {
    const struct run_array *a = find_array(c, name);
    if (!a)
        return error_set(e, ERROR_INPUT, "the kept run has no \"%s\"; it was made with other settings", name);
    if (a->rows != rows || a->columns != columns)
        return error_set(
            e, ERROR_INPUT,
            "the kept \"%s\" is [%zu, %zu], this run needs [%zu, %zu]: the template or the model "
            "is another one now",
            name, a->rows, a->columns, rows, columns);
    memcpy(to, a->value, rows * columns * sizeof *to);
    return true;
}

// A run of an older program, and one that nobody changed by hand, has none of these.
static bool restore_edits(struct edit_stack *s, const struct run_checkpoint *c, struct error *e) {
    const struct run_array *before = find_array(c, "edits");
    size_t count = before ? before->rows / s->slots : 0;
    edit_stack_clear(s);
    if (count > EDITS_KEPT)
        return error_set(e, ERROR_INPUT, "the kept \"edits\" are %zu, and %d is the most", count, EDITS_KEPT);
    if ((find_array(c, "frozen") && !run_take_array(c, "frozen", 1, s->slots, s->frozen, e)) ||
        (before && (!run_take_array(c, "edits", count * s->slots, s->width, s->prompt, e) ||
                    !run_take_array(c, "edits.frozen", count, s->slots, s->were, e))))
        return false;
    s->count = count;
    return true;
}

static bool fits(const struct run *r, const struct run_checkpoint *c, struct error *e) {
    if (c->position > r->train.count)
        return error_set(
            e, ERROR_INPUT,
            "the kept run is at training example %zu of an epoch, but there are only %zu: the data are "
            "others now",
            c->position, r->train.count);
    return true;
}

// Those of the kept run that fit. Where there are none (a run of an older program), what can be told: the
// start.
static void restore_snapshots(struct run *r, struct snapshot_set *kept) {
    bool fit = kept && kept->count;
    for (size_t i = 0; fit && i < kept->count; i++) {
        fit = kept->at[i]->slots == r->pattern.slots && kept->at[i]->width == run_width(r);
        if (kept->at[i]->serial > r->snapshot_serial)
            r->snapshot_serial = kept->at[i]->serial;
    }
    snapshot_set_release(r->snapshots);
    r->snapshots = fit ? snapshot_set_until(kept, r->step, NULL) : NULL;
    if (r->snapshots)
        return;
    struct snapshot *x =
        snapshot_make(r->snapshot_serial + 1, 0, r->start, r->pattern.slots, run_width(r), NULL);
    if (x && (r->snapshots = snapshot_set_with(NULL, x, false, NULL)))
        r->snapshot_serial++;
}

static bool restore_prompt(struct run *r, const struct run_checkpoint *c, struct error *e) {
    size_t rows = r->pattern.slots, columns = run_width(r);
    bool ok = run_take_array(c, "start", rows, columns, r->start, e) &&
              run_take_array(c, "prompt", rows, columns, r->prompt, e) &&
              (!c->has_best || run_take_array(c, "best", rows, columns, r->best, e)) &&
              restore_edits(&r->edits, c, e);
    for (size_t i = 0; ok && i < optimizer_arrays(r->optimizer); i++) {
        struct optimizer_array state = optimizer_array_at(r->optimizer, i);
        char name[64];
        snprintf(name, sizeof name, "optimizer.%s", state.name);
        ok = run_take_array(c, name, state.rows, state.columns, state.value, e);
    }
    return ok;
}

bool run_restore(struct run *r, const struct run_checkpoint *c, struct error *e) {
    if (!fits(r, c, e) || !(r->fine ? run_weights_restore(r, c, e) : restore_prompt(r, c, e)))
        return false;
    optimizer_set_steps(r->optimizer, c->optimizer_step);
    r->step = c->step;
    r->epoch = c->epoch;
    r->position = c->position;
    r->scored_step = c->scored_step;
    r->rate = c->rate;
    r->best_metric = c->best;
    r->has_best = c->has_best;
    order_epoch(r);
    restore_snapshots(r, c->snapshots);
    return true;
}

void run_checkpoint_free(struct run_checkpoint *c) {
    if (!c)
        return;
    for (size_t i = 0; i < c->arrays; i++)
        free(c->array[i].value);
    free(c->array);
    snapshot_set_release(c->snapshots);
    *c = (struct run_checkpoint){0};
}
