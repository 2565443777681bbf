// SPDX-License-Identifier: GPL-3.0-or-later
// One cell of an experiment: its runs, and the line that comes of them.
#include "experiment_inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/inspect/mask.h"
#include "engine/tune/run.h"
#include "sessions/report_inside.h"

// ---- runs ----

struct outcome {
    struct report_score dev, test;
    struct evaluation test_detail;
    size_t steps, evaluations;
    double seconds;
    struct report_curve train, evals;
};

static void outcome_free(struct outcome *o) {
    report_curve_free(&o->train);
    report_curve_free(&o->evals);
}

static struct report_score score_of(const struct evaluation *v, size_t step) {
    return (struct report_score){.examples = v->examples,
                                 .accuracy = v->accuracy,
                                 .macro_f1 = v->macro_f1,
                                 .loss = v->loss,
                                 .step = step};
}

static struct report_score dev_of(const struct metric *m, size_t examples) {
    return (struct report_score){.examples = examples,
                                 .accuracy = (double)m->dev_accuracy,
                                 .macro_f1 = (double)m->dev_f1,
                                 .loss = (double)m->dev_loss,
                                 .step = m->step};
}

static bool note(struct outcome *o, const struct metric *m, struct error *e) {
    o->seconds += (double)m->seconds;
    if (m->kind == METRIC_STEP) {
        o->steps = m->step;
        return report_curve_add(&o->train, (float)m->step, m->train_loss, NAN, e);
    }
    o->evaluations++;
    return report_curve_add(&o->evals, (float)m->step, m->dev_loss, m->dev_accuracy, e);
}

struct tuning {
    struct run *run;
    struct model *model; // of fine-tuning: its weights are another model's now
};

static void tuning_free(struct tuning *t) {
    run_free(t->run);
    model_free(t->model);
    *t = (struct tuning){0};
}

static bool tune(struct tuning *t, const struct experiment_parts *c, size_t dev_count, struct outcome *o,
                 struct error *e) {
    struct metric m;
    struct evaluation v;
    for (;;) {
        if (run_evaluation_due(t->run) && (!run_evaluate(t->run, c->cancel, &m, &v, e) || !note(o, &m, e)))
            return false;
        if (run_finished(t->run))
            break;
        if (!run_step(t->run, c->cancel, &m, e) || !note(o, &m, e))
            return false;
    }
    if (run_best(t->run, &m))
        o->dev = dev_of(&m, dev_count);
    return true;
}

static const struct example **test_examples(const struct experiment_parts *c, struct error *e) {
    const struct dataset *d = &experiment_task_of(c)->test;
    const struct example **all = mem_calloc(d->count + 1, sizeof *all, e);
    for (size_t i = 0; all && i < d->count; i++)
        all[i] = &d->example[i];
    return all;
}

static struct run_inputs inputs_of(const struct experiment_parts *c, const struct split *split) {
    return (struct run_inputs){.model = c->model,
                               .tokenizer = c->tokenizer,
                               .task = experiment_task_of(c),
                               .split = split,
                               .template = &c->template,
                               .verbalizer = &c->words,
                               .pool = c->pool,
                               .start_vectors = c->prompt.value,
                               .start_count = c->prompt.rows};
}

// Settings by the number of a combination of the method's choices.
static bool combination(const struct experiment_parts *c, size_t number, struct run_settings *s,
                        struct error *e) {
    *s = c->settings;
    for (size_t i = 0; i < c->m->choices; i++) {
        const struct experiment_try *t = &c->m->choice[i];
        if (!run_settings_set(s, t->name, t->value.text[number % t->value.count], e))
            return false;
        number /= t->value.count;
    }
    s->seed = c->seed;
    return true;
}

static size_t combinations(const struct experiment_method *m) {
    size_t n = 1;
    for (size_t i = 0; i < m->choices; i++)
        n *= m->choice[i].value.count;
    return n;
}

static bool better(const struct experiment_parts *c, const struct report_score *a,
                   const struct report_score *b) {
    bool f1 = c->task->metric == TASK_MACRO_F1;
    double x = f1 ? a->macro_f1 : a->accuracy, y = f1 ? b->macro_f1 : b->accuracy;
    return isnan(y) || x > y || (x == y && a->loss < b->loss);
}

static bool begin(struct tuning *t, const struct experiment_parts *c, const struct split *split,
                  const struct run_settings *s, struct error *e) {
    struct run_inputs in = inputs_of(c, split);
    if (s->method == METHOD_FINE_TUNING) { // every combination begins from the file
        if (!model_load(&t->model, c->model_folder, e))
            return false;
        in.model = t->model;
    }
    return run_create(&t->run, &in, s, e);
}

static bool score_test(struct tuning *t, const struct experiment_parts *c, struct outcome *o,
                       struct error *e) {
    size_t count = experiment_task_of(c)->test.count;
    const struct example **test = test_examples(c, e);
    bool ok =
        test && (!count || run_score(t->run, test, count, true, c->cancel, NULL, NULL, &o->test_detail, e));
    if (ok && count)
        o->test = score_of(&o->test_detail, o->dev.step);
    free(test);
    return ok;
}

// Runs every combination; test is scored once, with the one that was best on dev.
static bool tune_all(const struct experiment_parts *c, const struct split *split, struct run_settings *chosen,
                     struct outcome *out, struct error *e) {
    const struct report_score none = {.accuracy = NAN, .macro_f1 = NAN, .loss = NAN};
    size_t count = combinations(c->m);
    struct tuning best = {0};
    struct outcome top = {.dev = none, .test = none};
    double seconds = 0;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++) {
        struct tuning t = {0};
        struct run_settings s;
        struct outcome o = {.dev = none, .test = none};
        ok = combination(c, i, &s, e) && begin(&t, c, split, &s, e) && tune(&t, c, split->dev_count, &o, e);
        seconds += o.seconds;
        if (ok && (i == 0 || better(c, &o.dev, &top.dev))) {
            struct tuning worse = best;
            struct outcome old = top;
            best = t;
            top = o;
            t = worse;
            o = old;
            *chosen = s;
        }
        tuning_free(&t);
        outcome_free(&o);
    }
    ok = ok && score_test(&best, c, &top, e);
    tuning_free(&best);
    if (!ok) {
        outcome_free(&top);
        return false;
    }
    *out = top;
    out->seconds = seconds; // of all that was tried
    return true;
}

// ---- without tuning ----

static bool score_set(struct mask_bench *bench, const struct experiment_parts *c, const struct pattern *p,
                      const float *soft, const struct example *const *all, size_t count, struct evaluation *v,
                      struct error *e) {
    const struct render_options render = {.budget = c->settings.budget,
                                          .end_mark = c->settings.loss == LOSS_CLEAN};
    enum { TOGETHER = 16 };
    size_t label[TOGETHER], possible[TOGETHER];
    float *states = mem_calloc_aligned(TOGETHER * DECODER_ROWS * mask_width(bench), sizeof *states, e);
    bool ok = states != NULL;
    *v = (struct evaluation){.classes = c->words.classes};
    for (size_t first = 0; ok && first < count; first += TOGETHER) {
        size_t n = count - first < TOGETHER ? count - first : TOGETHER;
        for (size_t i = 0; i < n; i++) {
            label[i] = all[first + i]->label;
            possible[i] = all[first + i]->options;
        }
        ok = mask_states(bench, p, &render, soft, all + first, n, c->cancel, states, e) &&
             mask_evaluate(bench, states, n, &c->words, c->settings.loss, label, possible, NULL, NULL, v, e);
    }
    free(states);
    evaluation_finish(v);
    return ok;
}

static bool score_untuned(struct experiment_parts *c, const struct split *split, struct outcome *o,
                          struct error *e) {
    struct mask_bench *bench = NULL;
    struct pattern p = {0};
    struct evaluation dev;
    double began = clock_seconds();
    const struct example **test = test_examples(c, e);
    bool ok = test && pattern_bind(&p, &c->template, experiment_task_of(c), c->tokenizer, e);
    if (ok && p.slots && p.slots != c->prompt.rows)
        ok = error_set(
            e, ERROR_INPUT,
            "\"tune\": \"nothing\" with soft vectors needs a \"prompt\" of as many vectors (%zu); a hard "
            "template has none",
            p.slots);
    ok =
        ok && mask_bench_create(&bench, c->model, c->pool, tokenizer_sentinel(c->tokenizer, 0), false, e) &&
        score_set(bench, c, &p, c->prompt.value, split->dev, split->dev_count, &dev, e) &&
        score_set(bench, c, &p, c->prompt.value, test, experiment_task_of(c)->test.count, &o->test_detail, e);
    if (ok) {
        o->dev = score_of(&dev, 0);
        o->evaluations = 1;
        o->test = score_of(&o->test_detail, 0);
        o->seconds = clock_seconds() - began;
    }
    mask_bench_free(bench);
    pattern_free(&p);
    free(test);
    return ok;
}

// ---- the line ----

// As multiple choice all label words are letters, and what they stand for is an option in the text: where
// there are several sets of words, runs of two of them would be one setting to a comparison.
static bool name_method(struct report_run *out, const struct experiment_parts *c, struct error *e) {
    struct buffer b = {0};
    buffer_add_text(&b, c->m->name);
    if (c->choice && c->x->words.count > 1)
        buffer_printf(&b, ", %s words", c->words_name);
    bool ok = buffer_ok(&b, e) && report_set_text(&out->method, b.data, e);
    buffer_free(&b);
    return ok;
}

static bool fill(struct report_run *out, const struct experiment_parts *c, const char *key,
                 const struct run_settings *s, struct outcome *o, struct error *e) {
    const char *slash = strrchr(c->model_folder, '/');
    char *template_text = template_print(&c->template, TEMPLATE_SHORT, e);
    char *words = verbalizer_print(&c->words, VERBALIZER_LINES, e);
    size_t classes = c->words.classes;
    struct buffer chosen = {0};
    bool ok = template_text && words && report_run_init(out, e) &&
              report_set_text(&out->session, c->x->name, e) && report_set_text(&out->place, key, e) &&
              report_set_text(&out->task, c->task_name, e) &&
              report_set_text(&out->model, slash ? slash + 1 : c->model_folder, e) &&
              name_method(out, c, e) && report_set_text(&out->template_text, template_text, e) &&
              report_set_text(&out->label_words, words, e) &&
              (out->class_name = mem_calloc(classes + 1, sizeof *out->class_name, e));
    for (; ok && out->classes < classes; out->classes += ok)
        ok = (out->class_name[out->classes] = mem_strdup(c->words.label[out->classes].name, e)) != NULL;
    free(template_text);
    free(words);
    if (!ok)
        return false;
    out->macro_f1 = c->task->metric == TASK_MACRO_F1;
    out->settings = *s;
    for (size_t i = 0; i < c->m->choices; i++)
        buffer_printf(&chosen, "%s%s", i ? " " : "", c->m->choice[i].name);
    ok = buffer_ok(&chosen, e) && (!chosen.length || report_set_text(&out->chosen, chosen.data, e));
    buffer_free(&chosen);
    if (!ok)
        return false;
    if (c->m->tune == TUNE_NOTHING)
        out->settings.steps = 1; // nothing is tuned: the run is complete as it is
    out->steps = c->m->tune == TUNE_NOTHING ? 1 : o->steps;
    out->evaluations = o->evaluations;
    out->seconds = o->seconds;
    out->dev = o->dev;
    out->test = o->test;
    out->train = o->train;
    out->evals = o->evals;
    o->train = o->evals = (struct report_curve){0};
    if (classes <= REPORT_MOST_CLASSES &&
        (out->confusion = mem_calloc(classes * classes, sizeof *out->confusion, e)))
        memcpy(out->confusion, o->test_detail.confusion, classes * classes * sizeof *out->confusion);
    return true;
}

bool experiment_run(const struct experiment *x, const struct experiment_cell *cell, struct thread_pool *pool,
                    const atomic_bool *cancel, struct report_run *out, struct error *e) {
    char key[512];
    struct experiment_parts c = {.x = x,
                                 .m = &x->method[cell->method],
                                 .task_name = x->tasks.text[cell->task],
                                 .words_name = x->words.text[cell->words],
                                 .seed = x->seed[cell->seed],
                                 .pool = pool,
                                 .cancel = cancel};
    struct split split = {0};
    struct outcome o = {0};
    experiment_cell_key(x, cell, key, sizeof key);
    *out = (struct report_run){0};
    bool ok = experiment_parts_open(&c, e);
    struct run_settings chosen = c.settings;
    const struct split_request request = {.per_class = c.settings.shots,
                                          .total = c.settings.total_shots,
                                          .seed = c.seed,
                                          .dev_from_train = c.settings.dev_from_train};
    time_t begun = time(NULL);
    ok = ok && split_make(&split, experiment_task_of(&c), &request, e) &&
         (c.m->tune == TUNE_NOTHING ? score_untuned(&c, &split, &o, e)
                                    : tune_all(&c, &split, &chosen, &o, e)) &&
         fill(out, &c, key, &chosen, &o, e);
    if (ok) {
        out->begun = begun;
        out->ended = time(NULL);
    } else {
        report_run_free(out);
        error_context(e, "%s", key);
    }
    outcome_free(&o);
    split_free(&split);
    experiment_parts_close(&c);
    return ok;
}
