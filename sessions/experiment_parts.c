// SPDX-License-Identifier: GPL-3.0-or-later
// What a cell of an experiment stands for: settings, pattern, label words, model and prompt of its method.
#include "experiment_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/pvp/as_choice.h"
#include "engine/pvp/task_parts.h"
#include "sessions/method.h"
#include "sessions/session.h"

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
static bool find_settings(struct experiment_parts *c, struct error *e) {
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

static enum method_pattern pattern_of(const struct experiment_parts *c, bool *given) {
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
static bool find_template(struct experiment_parts *c, struct error *e) {
    const struct task *t = experiment_task_of(c);
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

static bool find_words(struct experiment_parts *c, struct error *e) {
    const struct task *t = c->task;
    const char *text = task_find_words(t, c->words_name);
    if (!text && strcmp(c->words_name, "good") != 0)
        return error_set(e, ERROR_INPUT, "the task %s has no label words called \"%.80s\"", c->task_name,
                         c->words_name);
    return task_words(&c->words, t, text, c->settings.loss == LOSS_PAPER_CODE, e) &&
           verbalizer_bind(&c->words, c->tokenizer, (enum word_pieces)c->settings.pieces, e);
}

static bool rewrite_as_choice(struct experiment_parts *c, struct error *e) {
    if (c->settings.method != METHOD_UNIFIED_PPT && !is(c->m->template_text, "choice"))
        return true;
    return task_and_words_as_choice(&c->choice, c->task, &c->words, c->settings.loss == LOSS_PAPER_CODE, e) &&
           verbalizer_bind(&c->words, c->tokenizer, (enum word_pieces)c->settings.pieces, e);
}

// A path of the method with its {places} filled in. `model`: the folder that {model} stands for.
static char *fill_path(const struct experiment_parts *c, const char *text, const char *model,
                       struct error *e) {
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

static bool find_prompt(struct experiment_parts *c, struct error *e) {
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
static char *find_model(const struct experiment_parts *c, struct error *e) {
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
static bool check_parts(struct experiment_parts *c, struct error *e) {
    bool ok = find_settings(c, e) && find_words(c, e) && rewrite_as_choice(c, e) && find_template(c, e);
    template_free(&c->template);
    verbalizer_free(&c->words);
    task_free(c->choice);
    return ok || error_context(e, "the method \"%.80s\" on %s", c->m->name, c->task_name);
}

static bool check_method(const struct experiment *x, const struct experiment_method *m,
                         struct task *const *task, struct error *e) {
    struct experiment_parts c = {.x = x, .m = m, .task_name = "", .words_name = ""};
    struct tokenizer *tokenizer = NULL;
    bool ok = (c.model_folder = find_model(&c, e)) && check_model(m, c.model_folder, e) &&
              tokenizer_load(&tokenizer, c.model_folder, e);
    for (size_t t = 0; ok && t < x->tasks.count; t++)
        for (size_t w = 0; ok && w < x->words.count && experiment_has(m, x->tasks.text[t]); w++) {
            struct experiment_parts one = {.x = x,
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

bool experiment_parts_open(struct experiment_parts *c, struct error *e) {
    char *task_path = find_task(c->x, c->task_name, e);
    bool ok = task_path && find_settings(c, e) && (c->model_folder = find_model(c, e)) &&
              model_load(&c->model, c->model_folder, e) &&
              tokenizer_load(&c->tokenizer, c->model_folder, e) && task_load(&c->task, task_path, NULL, e);
    free(task_path);
    return ok && method_fits_model(c->m->method, c->model_folder, e) && find_words(c, e) &&
           rewrite_as_choice(c, e) && find_prompt(c, e) && find_template(c, e);
}

void experiment_parts_close(struct experiment_parts *c) {
    prompt_matrix_free(&c->prompt);
    template_free(&c->template);
    verbalizer_free(&c->words);
    task_free(c->choice);
    task_free(c->task);
    tokenizer_free(c->tokenizer);
    model_free(c->model);
    free(c->model_folder);
}
