// SPDX-License-Identifier: GPL-3.0-or-later
// One cell of an experiment: what it stands for on a model and a task, its runs, and the line that comes of
// them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/inspect/mask.h"
#include "engine/pvp/as_choice.h"
#include "engine/pvp/task_parts.h"
#include "engine/tune/run.h"
#include "sessions/experiment.h"
#include "sessions/method.h"
#include "sessions/prompt_file.h"
#include "sessions/report_inside.h"
#include "sessions/session.h"

struct cell {
    const struct experiment *x;
    const struct experiment_method *m;
    const char *task_name, *words_name;
    uint64_t seed;
    struct thread_pool *pool;
    const atomic_bool *cancel;
    char *model_folder;
    struct model *model;
    struct tokenizer *tokenizer;
    struct task *task, *choice; // choice: rewritten, or NULL
    struct template template;
    struct verbalizer words;
    struct run_settings settings;
    struct prompt_matrix prompt;
};

static const struct task *task_of(const struct cell *c) {
    return c->choice ? c->choice : c->task;
}

// ---- what the cell means ----

static bool apply(struct run_settings *s, const struct experiment_pair *p, size_t count, struct error *e) {
    for (size_t i = 0; i < count; i++)
        if (!run_settings_set(s, p[i].name, p[i].value, e))
            return false;
    return true;
}

static bool is(const char *text, const char *what) {
    return text && strcmp(text, what) == 0;
}

// What the method sets, then the experiment, then the method's own settings.
static bool find_settings(struct cell *c, struct error *e) {
    const struct method *chosen = method_info(c->m->method);
    run_settings_default(&c->settings);
    if (chosen) {
        c->settings.method = chosen->method;
        c->settings.start = chosen->start;
        c->settings.rate = chosen->rate;
    }
    if (!apply(&c->settings, c->x->setting, c->x->settings, e) ||
        !apply(&c->settings, c->m->setting, c->m->settings, e))
        return false;
    if (is(c->m->template_text, "choice") && c->m->tune != TUNE_ALL)
        c->settings.method = METHOD_UNIFIED_PPT;
    if (c->m->tune == TUNE_ALL)
        c->settings.method = METHOD_FINE_TUNING;
    c->settings.seed = c->seed;
    return true;
}

static enum method_pattern pattern_of(const struct cell *c, bool *given) {
    static const char *const name[] = {[PATTERN_SOFT] = "soft",
                                       [PATTERN_HYBRID] = "hybrid",
                                       [PATTERN_HARD] = "hard",
                                       [PATTERN_CHOICE] = "choice"};
    const struct method *chosen = method_info(c->m->method);
    *given = false;
    for (int k = PATTERN_SOFT; c->m->template_text && k <= PATTERN_CHOICE; k++)
        if (name[k] && is(c->m->template_text, name[k]))
            return (enum method_pattern)k;
    *given = c->m->template_text != NULL;
    return chosen ? chosen->pattern : PATTERN_SOFT;
}

// A pattern takes as many vectors as the method says, or else as the prompt that it starts from has.
static bool find_template(struct cell *c, struct error *e) {
    const struct task *t = task_of(c);
    bool given, soft = c->m->tune == TUNE_PROMPT || c->prompt.rows;
    enum method_pattern pattern = pattern_of(c, &given);
    size_t vectors = c->m->vectors ? c->m->vectors : c->prompt.rows;
    char *made = given ? NULL : method_template(c->task, pattern, vectors, e);
    const char *text = given ? c->m->template_text : made;
    bool ok = text && template_parse(&c->template, text, (const char *const *)t->field, t->fields, NULL, e);
    free(made);
    if (ok)
        method_set_vectors(&c->template, vectors);
    if (ok && pattern == PATTERN_CHOICE && !given && !soft) {
        struct template hard;
        ok = template_without_soft(&hard, &c->template, e);
        template_free(&c->template);
        c->template = ok ? hard : (struct template){0};
    }
    return ok;
}

static bool find_words(struct cell *c, struct error *e) {
    const struct task *t = c->task;
    const char *text = task_find_words(t, c->words_name);
    if (!text && strcmp(c->words_name, "good") != 0)
        return error_set(e, ERROR_INPUT, "the task %s has no label words called \"%.80s\"", c->task_name,
                         c->words_name);
    return task_words(&c->words, t, text, c->settings.loss == LOSS_PAPER_CODE, e) &&
           verbalizer_bind(&c->words, c->tokenizer, (enum word_pieces)c->settings.pieces, e);
}

static bool rewrite_as_choice(struct cell *c, struct error *e) {
    if (c->settings.method != METHOD_UNIFIED_PPT && !is(c->m->template_text, "choice"))
        return true;
    return task_and_words_as_choice(&c->choice, c->task, &c->words, c->settings.loss == LOSS_PAPER_CODE, e) &&
           verbalizer_bind(&c->words, c->tokenizer, (enum word_pieces)c->settings.pieces, e);
}

// A path of the method with its {places} filled in. `model`: the folder that {model} stands for.
static char *fill_path(const struct cell *c, const char *text, const char *model, struct error *e) {
    struct buffer b = {0};
    if (text[0] != '/' && strncmp(text, "{model}", 7) != 0)
        buffer_printf(&b, "%s/", c->x->folder);
    for (const char *at = text; *at;) {
        if (strncmp(at, "{seed}", 6) == 0) {
            buffer_printf(&b, "%llu", (unsigned long long)c->seed);
            at += 6;
        } else if (strncmp(at, "{task}", 6) == 0) {
            buffer_add_text(&b, c->task_name);
            at += 6;
        } else if (strncmp(at, "{model}", 7) == 0) {
            buffer_add_text(&b, model);
            at += 7;
        } else if (c->task && strncmp(at, "{family}", 8) == 0) {
            buffer_add_text(&b, method_prompt_name(c->task->family, false));
            at += 8;
        } else {
            buffer_add_char(&b, *at++);
        }
    }
    return buffer_take(&b, e);
}

static bool find_prompt(struct cell *c, struct error *e) {
    bool named = c->m->prompt != NULL, unified = c->choice != NULL;
    if (!named && c->settings.start != START_PRETRAINED)
        return true;
    char *path =
        named ? fill_path(c, c->m->prompt, c->model_folder, e)
              : method_prompt_path(c->model_folder, method_prompt_name(c->task->family, unified), c->seed, e);
    bool ok = path && prompt_file_read(&c->prompt, path, e);
    if (ok && c->prompt.columns != c->model->config.d_model)
        ok = error_set(e, ERROR_INPUT, "%s has vectors of %zu numbers, the model's have %zu", path,
                       c->prompt.columns, c->model->config.d_model);
    if (named) { // told as it is asked for: the same for every seed, and wherever the model lies
        c->settings.start = START_FILE;
        snprintf(c->settings.start_file, sizeof c->settings.start_file, "%.500s", c->m->prompt);
    }
    free(path);
    return ok;
}

static char *model_of_experiment(const struct experiment *x, struct error *e) {
    bool path = x->model && x->model[0] != '/';
    char *beside = path ? path_join(x->folder, x->model, NULL) : NULL;
    char *found = session_find_model(beside && file_is_folder(beside) ? beside : x->model, e);
    free(beside);
    return found;
}

// The method's model, or the experiment's: the name of a shipped one, or a folder.
static char *find_model(const struct cell *c, struct error *e) {
    char *own = model_of_experiment(c->x, e);
    if (!own || !c->m->model)
        return own;
    bool placed = strstr(c->m->model, "{model}") != NULL;
    char *text = placed ? fill_path(c, c->m->model, own, e) : mem_strdup(c->m->model, e);
    char *found = text ? session_find_model(text, e) : NULL;
    if (text && !found)
        error_context(e, "the method \"%.80s\" takes another model", c->m->name);
    free(text);
    free(own);
    return found;
}

// As a path it is relative to the experiment's file; otherwise a name.
static char *find_task(const struct experiment *x, const char *name, struct error *e) {
    char *beside = name[0] == '/' ? NULL : path_join(x->folder, name, NULL);
    char *found = beside && file_exists(beside) ? session_find_task(beside, NULL) : NULL;
    free(beside);
    return found ? found : session_find_task(name, e);
}

static bool check_model(const struct experiment_method *m, const char *model, struct error *e) {
    return method_fits_model(m->method, model, NULL) ||
           error_set(e, ERROR_INPUT,
                     "the method \"%.80s\" is LM adaptation, and %s was not trained further on text: "
                     "give the method a model that was, e.g. \"model\": \"{model}-lm\" "
                     "(prompter lm --model makes one)",
                     m->name, path_name(model));
}

// The pattern and the label words of a method on a task: what every seed takes.
static bool check_parts(struct cell *c, struct error *e) {
    bool ok = find_settings(c, e) && find_words(c, e) && rewrite_as_choice(c, e) && find_template(c, e);
    template_free(&c->template);
    verbalizer_free(&c->words);
    task_free(c->choice);
    return ok || error_context(e, "the method \"%.80s\" on %s", c->m->name, c->task_name);
}

static bool check_method(const struct experiment *x, const struct experiment_method *m,
                         struct task *const *task, struct error *e) {
    struct cell c = {.x = x, .m = m, .task_name = "", .words_name = ""};
    struct tokenizer *tokenizer = NULL;
    bool ok = (c.model_folder = find_model(&c, e)) && check_model(m, c.model_folder, e) &&
              tokenizer_load(&tokenizer, c.model_folder, e);
    for (size_t t = 0; ok && t < x->tasks.count; t++)
        for (size_t w = 0; ok && w < x->words.count && experiment_has(m, x->tasks.text[t]); w++) {
            struct cell one = {.x = x,
                               .m = m,
                               .task_name = x->tasks.text[t],
                               .words_name = x->words.text[w],
                               .tokenizer = tokenizer,
                               .task = task[t]};
            ok = check_parts(&one, e);
        }
    tokenizer_free(tokenizer);
    free(c.model_folder);
    return ok;
}

bool experiment_check(const struct experiment *x, struct error *e) {
    struct task **task = mem_calloc(x->tasks.count, sizeof *task, e);
    bool ok = task != NULL;
    for (size_t i = 0; ok && i < x->tasks.count; i++) {
        char *path = find_task(x, x->tasks.text[i], e);
        ok = path && task_load(&task[i], path, NULL, e);
        free(path);
        if (!ok)
            error_context(e, "\"tasks\"");
    }
    for (size_t i = 0; ok && i < x->methods; i++)
        ok = check_method(x, &x->method[i], task, e);
    for (size_t i = 0; task && i < x->tasks.count; i++)
        task_free(task[i]);
    free(task);
    return ok;
}

static bool open_cell(struct cell *c, struct error *e) {
    char *task_path = find_task(c->x, c->task_name, e);
    bool ok = task_path && find_settings(c, e) && (c->model_folder = find_model(c, e)) &&
              model_load(&c->model, c->model_folder, e) &&
              tokenizer_load(&c->tokenizer, c->model_folder, e) && task_load(&c->task, task_path, NULL, e);
    free(task_path);
    return ok && method_fits_model(c->m->method, c->model_folder, e) && find_words(c, e) &&
           rewrite_as_choice(c, e) && find_prompt(c, e) && find_template(c, e);
}

static void close_cell(struct cell *c) {
    prompt_matrix_free(&c->prompt);
    template_free(&c->template);
    verbalizer_free(&c->words);
    task_free(c->choice);
    task_free(c->task);
    tokenizer_free(c->tokenizer);
    model_free(c->model);
    free(c->model_folder);
}

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

static bool tune(struct tuning *t, const struct cell *c, size_t dev_count, struct outcome *o,
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

static const struct example **test_examples(const struct cell *c, struct error *e) {
    const struct dataset *d = &task_of(c)->test;
    const struct example **all = mem_calloc(d->count + 1, sizeof *all, e);
    for (size_t i = 0; all && i < d->count; i++)
        all[i] = &d->example[i];
    return all;
}

static struct run_inputs inputs_of(const struct cell *c, const struct split *split) {
    return (struct run_inputs){.model = c->model,
                               .tokenizer = c->tokenizer,
                               .task = task_of(c),
                               .split = split,
                               .template = &c->template,
                               .verbalizer = &c->words,
                               .pool = c->pool,
                               .start_vectors = c->prompt.value,
                               .start_count = c->prompt.rows};
}

// Settings by the number of a combination of the method's choices.
static bool combination(const struct cell *c, size_t number, struct run_settings *s, struct error *e) {
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

static bool better(const struct cell *c, const struct report_score *a, const struct report_score *b) {
    bool f1 = c->task->metric == TASK_MACRO_F1;
    double x = f1 ? a->macro_f1 : a->accuracy, y = f1 ? b->macro_f1 : b->accuracy;
    return isnan(y) || x > y || (x == y && a->loss < b->loss);
}

static bool begin(struct tuning *t, const struct cell *c, const struct split *split,
                  const struct run_settings *s, struct error *e) {
    struct run_inputs in = inputs_of(c, split);
    if (s->method == METHOD_FINE_TUNING) { // every combination begins from the file
        if (!model_load(&t->model, c->model_folder, e))
            return false;
        in.model = t->model;
    }
    return run_create(&t->run, &in, s, e);
}

static bool score_test(struct tuning *t, const struct cell *c, struct outcome *o, struct error *e) {
    size_t count = task_of(c)->test.count;
    const struct example **test = test_examples(c, e);
    bool ok =
        test && (!count || run_score(t->run, test, count, true, c->cancel, NULL, NULL, &o->test_detail, e));
    if (ok && count)
        o->test = score_of(&o->test_detail, o->dev.step);
    free(test);
    return ok;
}

// Runs every combination; test is scored once, with the one that was best on dev.
static bool tune_all(const struct cell *c, const struct split *split, struct run_settings *chosen,
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

static bool score_set(struct mask_bench *bench, const struct cell *c, const struct pattern *p,
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

static bool score_untuned(struct cell *c, const struct split *split, struct outcome *o, struct error *e) {
    struct mask_bench *bench = NULL;
    struct pattern p = {0};
    struct evaluation dev;
    double began = clock_seconds();
    const struct example **test = test_examples(c, e);
    bool ok = test && pattern_bind(&p, &c->template, task_of(c), c->tokenizer, e);
    if (ok && p.slots && p.slots != c->prompt.rows)
        ok = error_set(
            e, ERROR_INPUT,
            "\"tune\": \"nothing\" with soft vectors needs a \"prompt\" of as many vectors (%zu); a hard "
            "template has none",
            p.slots);
    ok = ok && mask_bench_create(&bench, c->model, c->pool, tokenizer_sentinel(c->tokenizer, 0), false, e) &&
         score_set(bench, c, &p, c->prompt.value, split->dev, split->dev_count, &dev, e) &&
         score_set(bench, c, &p, c->prompt.value, test, task_of(c)->test.count, &o->test_detail, e);
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
static bool name_method(struct report_run *out, const struct cell *c, struct error *e) {
    struct buffer b = {0};
    buffer_add_text(&b, c->m->name);
    if (c->choice && c->x->words.count > 1)
        buffer_printf(&b, ", %s words", c->words_name);
    bool ok = buffer_ok(&b, e) && report_set_text(&out->method, b.data, e);
    buffer_free(&b);
    return ok;
}

static bool fill(struct report_run *out, const struct cell *c, const char *key, const struct run_settings *s,
                 struct outcome *o, struct error *e) {
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
    struct cell c = {.x = x,
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
    bool ok = open_cell(&c, e);
    struct run_settings chosen = c.settings;
    const struct split_request request = {.per_class = c.settings.shots,
                                          .total = c.settings.total_shots,
                                          .seed = c.seed,
                                          .dev_from_train = c.settings.dev_from_train};
    time_t begun = time(NULL);
    ok = ok && split_make(&split, task_of(&c), &request, e) &&
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
    close_cell(&c);
    return ok;
}
