// SPDX-License-Identifier: GPL-3.0-or-later
// The table of methods, and finding what each needs.
#include "method.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/suggest.h"
#include "engine/model/model_write.h"
#include "engine/pvp/as_choice.h"
#include "engine/tune/preset.h"
#include "prompt_file.h"

enum { CHOICE_VECTORS = 20, MOST_TASK = 4 << 20, MOST_SEEDS = 1000 };

const struct method method_table[] = {
    {METHOD_FINE_TUNING, "fine-tuning", "fine-tuning",
     "All weights of the model learn through a pattern of words; there is no soft prompt. Takes five times "
     "the "
     "memory of the weights.",
     PATTERN_HARD, START_NORMAL, FINE_TUNING_RATE},
    {METHOD_VANILLA, "vanilla", "vanilla PT",
     "Soft vectors are tuned before the text, from random numbers, without words of a pattern.", PATTERN_SOFT,
     START_NORMAL, 0.1},
    {METHOD_HYBRID, "hybrid", "hybrid PT",
     "Soft vectors are tuned beside a pattern of words, from random numbers.", PATTERN_HYBRID, START_NORMAL,
     0.1},
    {METHOD_LM_ADAPTATION, "lm-adaptation", "LM adaptation",
     "As vanilla, on a model that was first trained further on text (prompter lm --model makes one).",
     PATTERN_SOFT, START_NORMAL, 0.1},
    {METHOD_PPT, "ppt", "PPT", "As vanilla, from a prompt that was pre-trained for the task's family.",
     PATTERN_SOFT, START_PRETRAINED, 0.1},
    {METHOD_HYBRID_PPT, "hybrid-ppt", "hybrid PPT",
     "As hybrid, from a prompt that was pre-trained for the task's family.", PATTERN_HYBRID, START_PRETRAINED,
     0.1},
    {METHOD_UNIFIED_PPT, "unified-ppt", "unified PPT",
     "The task is asked as multiple choice, its label words the options; one pre-trained prompt serves all "
     "tasks.",
     PATTERN_CHOICE, START_PRETRAINED, 0.1},
};
const size_t method_count = sizeof method_table / sizeof method_table[0];

const struct method *method_info(enum run_method m) {
    for (size_t i = 0; i < method_count; i++)
        if (method_table[i].method == m)
            return &method_table[i];
    return NULL;
}

const struct method *method_find(const char *name) {
    for (size_t i = 0; i < method_count; i++)
        if (strcmp(method_table[i].name, name) == 0)
            return &method_table[i];
    return NULL;
}

bool method_unknown(const char *name, struct error *e) {
    const char *names[sizeof method_table / sizeof method_table[0]];
    struct buffer list = {0};
    for (size_t i = 0; i < method_count; i++) {
        names[i] = method_table[i].name;
        buffer_printf(&list, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = suggest_nearest(name, names, method_count);
    error_set(e, ERROR_INPUT, "there is no method \"%.60s\"%s%s%s; the methods are %s", name,
              near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "",
              list.data ? list.data : "");
    buffer_free(&list);
    return false;
}

// ---- what a run is ----

static enum method_pattern pattern_of(const struct template *t) {
    bool soft = template_has_soft(t), hard = template_has_words(t);
    return soft ? (hard ? PATTERN_HYBRID : PATTERN_SOFT) : hard ? PATTERN_HARD : PATTERN_BARE;
}

// From a prompt that was pre-trained. One of the session itself, by which a fork or a run goes on, is what
// its method says.
static bool starts_trained(const struct run_settings *s) {
    bool ppt = s->method == METHOD_PPT || s->method == METHOD_HYBRID_PPT || s->method == METHOD_UNIFIED_PPT;
    bool own = strncmp(s->start_file, "kept/", 5) == 0 || strcmp(s->start_file, "start.safetensors") == 0;
    return s->start == START_PRETRAINED || (s->start == START_FILE && (ppt || !own));
}

const char *method_title(const char *template_text, const struct run_settings *s) {
    struct template t;
    if (!template_parse(&t, template_text, NULL, 0, NULL, NULL))
        return "unknown";
    enum method_pattern pattern = pattern_of(&t);
    bool trained = starts_trained(s);
    template_free(&t);
    if (pattern == PATTERN_HARD || pattern == PATTERN_BARE)
        return s->method == METHOD_FINE_TUNING ? "fine-tuning" : "no tuning";
    if (s->method == METHOD_UNIFIED_PPT)
        return trained ? "unified PPT" : "unified PT";
    if (pattern == PATTERN_HYBRID)
        return trained ? "hybrid PPT" : "hybrid PT";
    return trained ? "PPT" : s->method == METHOD_LM_ADAPTATION ? "LM adaptation" : "vanilla PT";
}

// ---- templates ----

static bool parse(struct template *out, const struct task *t, const char *text, struct error *e) {
    return template_parse(out, text, (const char *const *)t->field, t->fields, NULL, e);
}

void method_set_vectors(struct template *t, size_t vectors) {
    for (size_t i = 0; vectors && i < t->parts; i++)
        if (t->part[i].kind == PART_SOFT) {
            t->part[i].duplicate = vectors;
            return;
        }
}

static char *with_vectors(const struct task *t, const char *text, size_t vectors, struct error *e) {
    struct template parsed;
    if (!parse(&parsed, t, text, e))
        return NULL;
    method_set_vectors(&parsed, vectors);
    char *out = template_print(&parsed, TEMPLATE_SHORT, e);
    template_free(&parsed);
    return out;
}

// All fields, options where there are any, and the mask, without a word.
static char *plain_template(const struct task *t, size_t vectors, struct error *e) {
    struct buffer b = {0};
    if (vectors)
        buffer_printf(&b, "{soft:%zu} ", vectors);
    for (size_t i = 0; i < t->fields; i++)
        buffer_printf(&b, "{%s|shortenable} ", t->field[i]);
    buffer_add_text(&b, t->family == TASK_MULTIPLE_CHOICE ? "{options} {mask}" : "{mask}");
    return buffer_take(&b, e);
}

// Takes a text that was made, as the short form writes it.
static char *tidy(const struct task *t, char *take, struct error *e) {
    char *out = take ? with_vectors(t, take, 0, e) : NULL;
    free(take);
    return out;
}

// Where a task suggests no pattern of that kind, the words of another one that it suggests: without its soft
// vectors, or with some put before them.
static char *words_of_another(const struct task *t, enum method_pattern pattern, size_t vectors,
                              struct error *e) {
    struct template parsed, hard;
    struct buffer b = {0};
    bool found = false, ok = true;
    for (size_t i = 0; ok && !found && i < t->templates; i++) {
        char *text = NULL;
        if (!parse(&parsed, t, t->template_text[i], e))
            return NULL; // cannot be: all were read just now
        if ((found = template_has_words(&parsed)) && (ok = template_without_soft(&hard, &parsed, e))) {
            ok = (text = template_print(&hard, TEMPLATE_SHORT, e)) != NULL;
            template_free(&hard);
        }
        template_free(&parsed);
        if (text && pattern == PATTERN_HYBRID)
            buffer_printf(&b, "{soft:%d} ", CHOICE_VECTORS);
        if (text)
            buffer_add_text(&b, text + strspn(text, " "));
        free(text);
    }
    char *made = found && ok ? buffer_take(&b, e) : NULL,
         *out = made ? with_vectors(t, made, vectors, e) : NULL;
    buffer_free(&b);
    free(made);
    if (!found)
        error_set(e, ERROR_INPUT,
                  "the task %s suggests no template with words; give one, e.g. in the list \"templates\" of "
                  "its task.json: {text_a} It was {mask}.",
                  t->name);
    return out;
}

char *method_template(const struct task *t, enum method_pattern pattern, size_t vectors, struct error *e) {
    if (pattern == PATTERN_CHOICE)
        return tidy(t, choice_template(t, vectors ? vectors : CHOICE_VECTORS, e), e);
    for (size_t i = 0; i < t->templates; i++) {
        struct template parsed;
        if (!parse(&parsed, t, t->template_text[i], e)) {
            error_context(e, "template %zu of the task %s", i + 1, t->name);
            return NULL;
        }
        bool fits = pattern_of(&parsed) == pattern;
        template_free(&parsed);
        if (fits)
            return with_vectors(t, t->template_text[i], vectors, e);
    }
    if (pattern == PATTERN_SOFT || pattern == PATTERN_BARE)
        return tidy(t,
                    plain_template(t,
                                   pattern == PATTERN_BARE ? 0
                                   : vectors               ? vectors
                                                           : CHOICE_VECTORS,
                                   e),
                    e);
    return words_of_another(t, pattern, vectors, e);
}

// ---- pre-trained prompts ----

const char *method_prompt_name(enum task_family family, bool unified) {
    static const char *const name[] = {
        [TASK_SINGLE_SENTENCE] = "cls", [TASK_SENTENCE_PAIR] = "nsp", [TASK_MULTIPLE_CHOICE] = "nss"};
    return unified ? "unified" : name[family];
}

// prompts/cls.safetensors is number 1, prompts/cls-2.safetensors number 2.
static char *numbered(const char *model_folder, const char *name, size_t number, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, "%s/prompts/%s", model_folder, name);
    if (number > 1)
        buffer_printf(&b, "-%zu", number);
    buffer_add_text(&b, ".safetensors");
    return buffer_take(&b, e);
}

static bool is_there(const char *model_folder, const char *name, size_t number) {
    char *path = numbered(model_folder, name, number, NULL);
    bool there = path && file_exists(path);
    free(path);
    return there;
}

char *method_prompt_path(const char *model_folder, const char *name, uint64_t seed, struct error *e) {
    size_t count = 0;
    while (count < MOST_SEEDS && is_there(model_folder, name, count + 1))
        count++;
    if (count)
        return numbered(model_folder, name, (size_t)((seed ? seed - 1 : 0) % count) + 1, e);
    error_set(
        e, ERROR_INPUT,
        "the model %s has no pre-trained prompt \"%s\" (prompts/%s.safetensors in its folder); make one: "
        "prompter pretrain --task %s --model %s --corpus FILE --out %s/prompts/%s.safetensors",
        path_name(model_folder), name, name, name, model_folder, model_folder, name);
    return NULL;
}

// Of the file alone: its examples may be many.
static bool peek_family(enum task_family *out, const char *task_path, struct error *e) {
    char *file = file_is_folder(task_path) ? path_join(task_path, "task.json", e) : mem_strdup(task_path, e);
    cJSON *o = file ? json_read_file(file, MOST_TASK, e) : NULL;
    const char *family = NULL;
    bool ok = o && json_get_string(o, "family", true, &family, e), found = false;
    for (int f = TASK_SINGLE_SENTENCE; ok && f <= TASK_MULTIPLE_CHOICE; f++)
        if (strcmp(family, task_family_name((enum task_family)f)) == 0) {
            *out = (enum task_family)f;
            found = true;
        }
    if (ok && !found)
        ok = error_set(e, ERROR_INPUT, "%s: there is no family \"%.60s\"", task_path, family);
    cJSON_Delete(o);
    free(file);
    return ok;
}

char *method_start_path(const char *model_folder, const char *task_path, const struct run_settings *s,
                        struct error *e) {
    bool unified = s->method == METHOD_UNIFIED_PPT;
    enum task_family family = TASK_SINGLE_SENTENCE;
    if (!unified && !peek_family(&family, task_path, e))
        return NULL;
    return method_prompt_path(model_folder, method_prompt_name(family, unified), s->seed, e);
}

// ---- models ----

// What prompter lm --model writes says so; of models that come from elsewhere the name is all there is.
static bool is_adapted(const char *model_folder) {
    static const char *const names[] = {"-lm", "_lm", "lm-adapt", "lm_adapt"};
    const char *name = path_name(model_folder);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strstr(name, names[i]))
            return true;
    char *path = path_join(model_folder, "config.json", NULL);
    cJSON *o = path ? json_read_file(path, MOST_TASK, NULL) : NULL;
    bool adapted = cJSON_IsString(cJSON_GetObjectItemCaseSensitive(o, model_adapted_key));
    cJSON_Delete(o);
    free(path);
    return adapted;
}

char *method_adapted_model(const char *model_folder) {
    struct buffer b = {0};
    buffer_printf(&b, "%s-lm", model_folder);
    char *beside = buffer_take(&b, NULL);
    if (beside && file_is_folder(beside) && is_adapted(beside))
        return beside;
    free(beside);
    return NULL;
}

bool method_fits_model(enum run_method method, const char *model_folder, struct error *e) {
    if (method != METHOD_LM_ADAPTATION || is_adapted(model_folder))
        return true;
    char *beside = method_adapted_model(model_folder);
    if (beside) {
        error_set(e, ERROR_INPUT,
                  "this method is a choice of model, and %s was not trained further; %s was: prompter "
                  "new NAME --task TASK --model %s --method lm-adaptation",
                  path_name(model_folder), path_name(beside), beside);
        free(beside);
        return false;
    }
    return error_set(
        e, ERROR_INPUT,
        "the model %s is not known to be trained further on text (one whose name has \"-lm\" in it "
        "counts); make one: prompter lm --model %s --corpus FILE --out %s-lm, then: prompter new "
        "NAME --task TASK --model %s-lm --method lm-adaptation",
        path_name(model_folder), model_folder, model_folder, model_folder);
}

// ---- choosing ----

// How many vectors the pre-trained prompt has, or 0 for a method that needs none.
static bool count_vectors(size_t *out, const struct method *m, const char *model_folder, const struct task *t,
                          uint64_t seed, struct error *e) {
    struct prompt_matrix p = {0};
    *out = 0;
    if (m->start != START_PRETRAINED)
        return true;
    char *path = method_prompt_path(model_folder,
                                    method_prompt_name(t->family, m->method == METHOD_UNIFIED_PPT), seed, e);
    bool ok = path && prompt_file_read(&p, path, e);
    *out = p.rows;
    prompt_matrix_free(&p);
    free(path);
    return ok;
}

bool method_choose(struct method_choice *out, enum run_method method, const char *model_folder,
                   const struct task *t, const struct run_settings *base, struct error *e) {
    const struct method *m = method_info(method);
    size_t vectors = 0;
    *out = (struct method_choice){.settings = *base};
    out->settings.method = method;
    if (!m)
        return true;
    if (m->pattern == PATTERN_CHOICE && t->classes > TASK_MOST_OPTIONS)
        return error_set(e, ERROR_INPUT, "%s has %zu classes; as multiple choice it can have at most %d",
                         t->name, t->classes, TASK_MOST_OPTIONS);
    out->settings.start = m->start;
    out->settings.rate = m->rate;
    return (method_fits_model(method, model_folder, e) &&
            count_vectors(&vectors, m, model_folder, t, base->seed, e) &&
            (out->template_text = method_template(t, m->pattern, vectors, e))) ||
           error_context(e, "%s", m->title);
}
