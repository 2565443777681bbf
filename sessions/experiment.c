// SPDX-License-Identifier: GPL-3.0-or-later
// Reading an experiment and laying out its grid.
#include "sessions/experiment.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "sessions/method.h"
#include "sessions/paths.h"
#include "sessions/session.h"

enum { MOST_BYTES = 1 << 20, MOST_CELLS = 1000000, VERSION = 1, MOST_VERSION = 1000000 };
static const unsigned long MOST_SEED = 9007199254740991; // whole in JSON's doubles

// ---- releasing ----

static void list_free(struct experiment_list *l) {
    for (size_t i = 0; i < l->count; i++)
        free(l->text[i]);
    free(l->text);
}

static void pairs_free(struct experiment_pair *p, size_t count) {
    for (size_t i = 0; i < count; i++) {
        free(p[i].name);
        free(p[i].value);
    }
    free(p);
}

void experiment_free(struct experiment *x) {
    if (!x)
        return;
    for (size_t i = 0; i < x->methods; i++) {
        struct experiment_method *m = &x->method[i];
        for (size_t k = 0; k < m->choices; k++) {
            free(m->choice[k].name);
            list_free(&m->choice[k].value);
        }
        free(m->choice);
        pairs_free(m->setting, m->settings);
        list_free(&m->tasks);
        free(m->name);
        free(m->template_text);
        free(m->prompt);
        free(m->model);
    }
    free(x->method);
    pairs_free(x->setting, x->settings);
    list_free(&x->tasks);
    list_free(&x->words);
    free(x->seed);
    free(x->name);
    free(x->about);
    free(x->model);
    free(x->folder);
    *x = (struct experiment){0};
}

// ---- values ----

static bool known_keys(const cJSON *o, const char *const *keys, const char *what, struct error *e) {
    const cJSON *item;
    cJSON_ArrayForEach(item, o) {
        size_t i = 0;
        while (keys[i] && strcmp(keys[i], item->string) != 0)
            i++;
        if (!keys[i])
            return error_set(e, ERROR_INPUT, "%s has no member \"%.60s\"", what, item->string);
    }
    return true;
}

static bool add_text(struct experiment_list *l, const char *text, struct error *e) {
    if (!mem_grow(&l->text, &l->capacity, l->count + 1, sizeof *l->text, e))
        return false;
    return (l->text[l->count] = mem_strdup(text, e)) && ++l->count;
}

static bool copy_text(const cJSON *o, const char *key, bool required, char **out, struct error *e) {
    const char *text = NULL;
    if (!json_get_string(o, key, required, &text, e))
        return false;
    return !text || (*out = mem_strdup(text, e)) != NULL;
}

static bool texts(const cJSON *o, const char *key, bool required, struct experiment_list *out,
                  struct error *e) {
    const cJSON *list = NULL, *item;
    if (!json_get_array(o, key, required, &list, e))
        return false;
    cJSON_ArrayForEach(item, list) {
        if (!cJSON_IsString(item))
            return error_set(e, ERROR_INPUT, "\"%s\" should be a list of texts", key);
        if (!add_text(out, item->valuestring, e))
            return false;
    }
    return !list || out->count || error_set(e, ERROR_INPUT, "\"%s\" is empty", key);
}

// A setting's value as text: settings are checked where they are used, by their table.
static bool value_text(const cJSON *item, char out[RUN_SETTING_TEXT], struct error *e) {
    if (cJSON_IsString(item) && strlen(item->valuestring) < RUN_SETTING_TEXT)
        strcpy(out, item->valuestring);
    else if (cJSON_IsNumber(item))
        snprintf(out, RUN_SETTING_TEXT, "%.17g", item->valuedouble);
    else if (cJSON_IsBool(item))
        strcpy(out, cJSON_IsTrue(item) ? "true" : "false");
    else
        return error_set(e, ERROR_INPUT, "\"%s\" should be a text, a number, or true or false",
                         item->string ? item->string : "value");
    return true;
}

static bool check_setting(const char *name, const char *value, struct error *e) {
    if (strcmp(name, "method") == 0)
        return error_set(e, ERROR_INPUT, "\"method\" is no setting here: it stands beside a method's name");
    if (strcmp(name, "seed") == 0)
        return error_set(e, ERROR_INPUT, "\"seed\" is no setting here: \"seeds\" of the experiment has them");
    struct run_settings s;
    run_settings_default(&s);
    return run_settings_set(&s, name, value, e);
}

static bool pairs(const cJSON *o, struct experiment_pair **out, size_t *count, size_t *capacity,
                  struct error *e) {
    const cJSON *settings = NULL, *item;
    char value[RUN_SETTING_TEXT];
    if (!json_get_object(o, "settings", false, &settings, e))
        return false;
    cJSON_ArrayForEach(item, settings) {
        if (!value_text(item, value, e) || !check_setting(item->string, value, e) ||
            !mem_grow(out, capacity, *count + 1, sizeof **out, e))
            return error_context(e, "settings");
        struct experiment_pair p = {mem_strdup(item->string, e), mem_strdup(value, e)};
        (*out)[(*count)++] = p;
        if (!p.name || !p.value)
            return false;
    }
    return true;
}

// "1-5" or [1, 2, 3].
static bool read_seeds(struct experiment *x, const cJSON *o, struct error *e) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(o, "seeds"), *one;
    static const char wrong[] = "\"seeds\" is a range as \"1-5\" or a list of whole numbers";
    unsigned long from = 0, to = 0;
    int end = 0;
    if (cJSON_IsString(item)) {
        const char *text = item->valuestring;
        bool digits = text[strspn(text, "0123456789-")] == '\0' && text[0] != '-' && !strstr(text, "--");
        bool range = sscanf(text, "%lu-%lu%n", &from, &to, &end) == 2 && !text[end];
        bool one_seed = !range && sscanf(text, "%lu%n", &from, &end) == 1 && !text[end];
        to = one_seed ? from : to;
        if (!digits || (!range && !one_seed) || to < from || to - from > 10000 || to > MOST_SEED)
            return error_set(e, ERROR_INPUT, wrong);
        for (unsigned long s = from; s <= to; s++) {
            if (!mem_grow(&x->seed, &x->seed_capacity, x->seeds + 1, sizeof *x->seed, e))
                return false;
            x->seed[x->seeds++] = s;
        }
        return true;
    }
    if (!cJSON_IsArray(item) || !cJSON_GetArraySize(item))
        return error_set(e, ERROR_INPUT, wrong);
    cJSON_ArrayForEach(one, item) {
        if (!cJSON_IsNumber(one) || !(one->valuedouble >= 0) || one->valuedouble != floor(one->valuedouble) ||
            one->valuedouble > (double)MOST_SEED)
            return error_set(e, ERROR_INPUT, wrong);
        if (!mem_grow(&x->seed, &x->seed_capacity, x->seeds + 1, sizeof *x->seed, e))
            return false;
        x->seed[x->seeds++] = (uint64_t)one->valuedouble;
    }
    return true;
}

static bool read_choices(struct experiment_method *m, const cJSON *o, struct error *e) {
    const cJSON *choices = NULL, *item, *value;
    char text[RUN_SETTING_TEXT];
    if (!json_get_object(o, "try", false, &choices, e))
        return false;
    cJSON_ArrayForEach(item, choices) {
        if (!cJSON_IsArray(item) || !cJSON_GetArraySize(item))
            return error_set(e, ERROR_INPUT, "try: \"%s\" should be a list of values", item->string);
        if (!mem_grow(&m->choice, &m->choice_capacity, m->choices + 1, sizeof *m->choice, e))
            return false;
        struct experiment_try *c = &m->choice[m->choices++];
        *c = (struct experiment_try){.name = mem_strdup(item->string, e)};
        if (!c->name)
            return false;
        cJSON_ArrayForEach(value, item) if (!value_text(value, text, e) || !check_setting(c->name, text, e) ||
                                            !add_text(&c->value, text, e)) return error_context(e, "try");
    }
    return true;
}

static bool read_choice_of_method(struct experiment_method *m, const cJSON *o, struct error *e) {
    const char *name = NULL;
    if (!json_get_string(o, "method", false, &name, e))
        return false;
    const struct method *chosen = name ? method_find(name) : NULL;
    m->method = chosen ? chosen->method : METHOD_CUSTOM;
    return !name || chosen || method_unknown(name, e);
}

static bool read_method(struct experiment *x, const cJSON *o, struct error *e) {
    static const char *const keys[] = {"name",   "method", "template", "tune", "vectors", "settings",
                                       "prompt", "model",  "tasks",    "try",  NULL};
    static const char *const tunes[] = {"prompt", "all", "nothing"};
    const char *tune = "prompt";
    if (!cJSON_IsObject(o))
        return error_set(e, ERROR_INPUT, "a method is an object");
    if (!mem_grow(&x->method, &x->method_capacity, x->methods + 1, sizeof *x->method, e))
        return false;
    struct experiment_method *m = &x->method[x->methods++];
    *m = (struct experiment_method){0};
    if (!known_keys(o, keys, "a method", e) || !copy_text(o, "name", true, &m->name, e) ||
        !read_choice_of_method(m, o, e) ||
        !copy_text(o, "template", m->method == METHOD_CUSTOM, &m->template_text, e) ||
        !copy_text(o, "prompt", false, &m->prompt, e) || !copy_text(o, "model", false, &m->model, e) ||
        !json_get_string(o, "tune", false, &tune, e) ||
        !json_get_size(o, "vectors", false, 1, TEMPLATE_MOST_SOFT, &m->vectors, e) ||
        !pairs(o, &m->setting, &m->settings, &m->setting_capacity, e) ||
        !texts(o, "tasks", false, &m->tasks, e) || !read_choices(m, o, e))
        return false;
    if (m->method == METHOD_FINE_TUNING)
        tune = "all";
    for (m->tune = TUNE_PROMPT; m->tune <= TUNE_NOTHING; m->tune++)
        if (strcmp(tunes[m->tune], tune) == 0)
            return true;
    return error_set(e, ERROR_INPUT, "\"tune\" is prompt, all or nothing, not \"%.40s\"", tune);
}

// A cell that is there twice would be counted twice: a spread of nothing.
static bool check_once(const struct experiment_list *l, const char *key, struct error *e) {
    for (size_t i = 0; i < l->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcmp(l->text[i], l->text[k]) == 0)
                return error_set(e, ERROR_INPUT, "\"%s\" has \"%.80s\" twice", key, l->text[i]);
    return true;
}

static bool check_seeds(const struct experiment *x, struct error *e) {
    for (size_t i = 0; i < x->seeds; i++)
        for (size_t k = 0; k < i; k++)
            if (x->seed[i] == x->seed[k])
                return error_set(e, ERROR_INPUT, "\"seeds\" has %llu twice", (unsigned long long)x->seed[i]);
    return true;
}

static bool check_names(const struct experiment *x, struct error *e) {
    for (size_t i = 0; i < x->methods; i++) {
        const struct experiment_list *tasks = &x->method[i].tasks;
        for (size_t k = 0; k < i; k++)
            if (strcmp(x->method[i].name, x->method[k].name) == 0)
                return error_set(e, ERROR_INPUT, "two methods are called \"%.80s\"", x->method[i].name);
        for (size_t k = 0; k < tasks->count; k++) {
            size_t t = 0;
            while (t < x->tasks.count && strcmp(x->tasks.text[t], tasks->text[k]) != 0)
                t++;
            if (t == x->tasks.count)
                return error_set(e, ERROR_INPUT,
                                 "method \"%.80s\": \"%.80s\" is none of the experiment's tasks",
                                 x->method[i].name, tasks->text[k]);
        }
    }
    return true;
}

static bool check_version(size_t version, struct error *e) {
    return version == VERSION ||
           error_set(
               e, ERROR_INPUT,
               "\"experiment\": %zu is a file of a newer version of prompter, this one reads %d: run it "
               "with a newer prompter",
               version, VERSION);
}

bool experiment_parse(struct experiment *x, const char *text, size_t length, const char *folder,
                      struct error *e) {
    static const char *const keys[] = {"experiment", "name",     "about", "model",   "tasks",
                                       "seeds",      "settings", "words", "methods", NULL};
    const cJSON *methods = NULL, *item;
    size_t version = 0;
    *x = (struct experiment){0};
    cJSON *o = json_parse(text, length, e);
    bool ok = o && (cJSON_IsObject(o) || error_set(e, ERROR_INPUT, "an experiment is an object")) &&
              json_get_size(o, "experiment", true, 1, MOST_VERSION, &version, e) &&
              check_version(version, e) && known_keys(o, keys, "an experiment", e) &&
              (x->folder = mem_strdup(folder, e)) && copy_text(o, "name", true, &x->name, e) &&
              copy_text(o, "about", false, &x->about, e) && copy_text(o, "model", false, &x->model, e) &&
              texts(o, "tasks", true, &x->tasks, e) && texts(o, "words", false, &x->words, e) &&
              read_seeds(x, o, e) && pairs(o, &x->setting, &x->settings, &x->setting_capacity, e) &&
              json_get_array(o, "methods", true, &methods, e);
    cJSON_ArrayForEach(item, methods) if (ok) ok =
        read_method(x, item, e) || error_context(e, "method %zu", x->methods);
    if (ok && !x->methods)
        ok = error_set(e, ERROR_INPUT, "\"methods\" is empty");
    if (ok && !x->words.count)
        ok = add_text(&x->words, "good", e);
    ok = ok && check_once(&x->tasks, "tasks", e) && check_once(&x->words, "words", e) && check_seeds(x, e) &&
         check_names(x, e);
    cJSON_Delete(o);
    if (!ok)
        experiment_free(x);
    return ok;
}

// The shipped ones as a message tells them.
static void unknown_name(const char *what, const char *folder, struct error *e) {
    struct name_list all = {0};
    char list[300];
    size_t kept = 0;
    if (!name_list_read(&all, folder, NULL, e))
        return;
    for (size_t i = 0; i < all.count; i++) {
        char *dot = strrchr(all.name[i], '.'), *name = all.name[i];
        if (!dot || strcmp(dot, ".json") != 0) {
            free(name);
            continue;
        }
        *dot = '\0';
        all.name[kept++] = name;
    }
    all.count = kept;
    name_list_print(&all, list, sizeof list);
    error_set(e, ERROR_INPUT, "there is no experiment and no file \"%.200s\"; shipped experiments: %s", what,
              list);
    name_list_free(&all);
}

char *experiment_find(const char *what, bool *shipped, struct error *e) {
    struct buffer b = {0};
    *shipped = false;
    if (file_exists(what) || strchr(what, '/'))
        return mem_strdup(what, e);
    char *folder = share_folder("experiments", e), *path = NULL;
    buffer_printf(&b, "%s/%s.json", folder ? folder : "", what);
    if (folder && buffer_ok(&b, e) && file_exists(b.data)) {
        path = buffer_take(&b, e);
        *shipped = true;
    } else if (folder) {
        unknown_name(what, folder, e);
    }
    buffer_free(&b);
    free(folder);
    return path;
}

bool experiment_read(struct experiment *x, const char *path, struct error *e) {
    char *text = NULL, *folder = NULL;
    const char *slash = strrchr(path, '/');
    size_t length;
    *x = (struct experiment){0};
    bool ok = file_read(path, MOST_BYTES, &text, &length, e);
    if (ok) {
        folder =
            slash ? mem_strndup(path, slash == path ? 1 : (size_t)(slash - path), e) : mem_strdup(".", e);
        ok = folder && (experiment_parse(x, text, length, folder, e) || error_context(e, "%s", path));
    }
    free(text);
    free(folder);
    return ok;
}

// ---- the grid ----

bool experiment_has(const struct experiment_method *m, const char *task) {
    for (size_t i = 0; i < m->tasks.count; i++)
        if (strcmp(m->tasks.text[i], task) == 0)
            return true;
    return !m->tasks.count;
}

bool experiment_cells(const struct experiment *x, struct experiment_cell **out, size_t *count,
                      struct error *e) {
    size_t most = 0;
    *count = 0;
    *out = NULL;
    if (!size_multiply(x->tasks.count * x->methods, x->words.count * x->seeds, &most) || most > MOST_CELLS)
        return error_set(e, ERROR_INPUT, "the experiment has more than %d cells", MOST_CELLS);
    if (!(*out = mem_calloc(most, sizeof **out, e)))
        return false;
    for (size_t t = 0; t < x->tasks.count; t++)
        for (size_t m = 0; m < x->methods; m++)
            for (size_t w = 0; experiment_has(&x->method[m], x->tasks.text[t]) && w < x->words.count; w++)
                for (size_t s = 0; s < x->seeds; s++)
                    (*out)[(*count)++] = (struct experiment_cell){t, m, w, s};
    return true;
}

void experiment_cell_key(const struct experiment *x, const struct experiment_cell *c, char *out,
                         size_t size) {
    snprintf(out, size, "%s/%s/%s/%llu", x->tasks.text[c->task], x->method[c->method].name,
             x->words.text[c->words], (unsigned long long)x->seed[c->seed]);
}
