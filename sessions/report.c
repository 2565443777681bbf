// SPDX-License-Identifier: GPL-3.0-or-later
// Where runs are, what tasks say about them, and their memory.
#include "report.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"
#include "paths.h"
#include "report_inside.h"
#include "session_inside.h"

enum { MOST_TASK_FILE = 4 << 20 };
static const char lines_name[] = "runs.jsonl", experiment_lines[] = ".runs.jsonl",
                  journal_name[] = "journal.jsonl";

// ---- a run ----

bool report_set_text(char **at, const char *text, struct error *e) {
    char *copy = mem_strdup(text, e);
    if (!copy)
        return false;
    free(*at);
    *at = copy;
    return true;
}

static struct report_score no_score(void) {
    return (struct report_score){.accuracy = NAN, .macro_f1 = NAN, .loss = NAN};
}

bool report_run_init(struct report_run *r, struct error *e) {
    *r = (struct report_run){.seconds = NAN, .dev = no_score(), .test = no_score()};
    char **const text[] = {&r->session, &r->folder,        &r->place,       &r->task,   &r->model,
                           &r->method,  &r->template_text, &r->label_words, &r->chosen, &r->note};
    run_settings_default(&r->settings);
    for (size_t i = 0; i < sizeof text / sizeof *text; i++) {
        if (!(*text[i] = mem_strdup("", e))) {
            report_run_free(r);
            return false;
        }
    }
    return true;
}

void report_curve_free(struct report_curve *c) {
    free(c->step);
    free(c->first);
    free(c->second);
    *c = (struct report_curve){0};
}

void report_run_free(struct report_run *r) {
    char *const text[] = {r->session, r->folder,        r->place,       r->task,   r->model,
                          r->method,  r->template_text, r->label_words, r->chosen, r->note};
    for (size_t i = 0; i < sizeof text / sizeof *text; i++)
        free(text[i]);
    for (size_t i = 0; r->class_name && i < r->classes; i++)
        free(r->class_name[i]);
    free(r->class_name);
    free(r->confusion);
    report_curve_free(&r->train);
    report_curve_free(&r->evals);
    *r = (struct report_run){0};
}

bool report_run_finished(const struct report_run *r) {
    return r->steps >= r->settings.steps && !r->note[0];
}

double report_run_score(const struct report_run *r, enum report_split split) {
    const struct report_score *s = split == REPORT_DEV ? &r->dev : &r->test;
    return r->macro_f1 ? s->macro_f1 : s->accuracy;
}

bool report_curve_add(struct report_curve *c, float step, float first, float second, struct error *e) {
    if (!mem_grow(&c->step, &c->capacity[0], c->count + 1, sizeof *c->step, e) ||
        !mem_grow(&c->first, &c->capacity[1], c->count + 1, sizeof *c->first, e) ||
        !mem_grow(&c->second, &c->capacity[2], c->count + 1, sizeof *c->second, e))
        return false;
    c->step[c->count] = step;
    c->first[c->count] = first;
    c->second[c->count++] = second;
    return true;
}

// ---- patterns ----

char *report_plain_template(const char *text, struct error *e) {
    struct template t;
    if (!template_parse(&t, text, NULL, 0, NULL, NULL))
        return mem_strdup(text, e);
    char *out = template_print(&t, TEMPLATE_SHORT, e);
    template_free(&t);
    return out;
}

char *report_plain_words(const char *text, char *const *class_name, char *const *class_value, size_t classes,
                         struct error *e) {
    struct verbalizer v = {0};
    struct buffer out = {0};
    char *lines = NULL;
    if (classes && verbalizer_parse(&v, text, class_name, class_value, classes, NULL))
        lines = verbalizer_print(&v, VERBALIZER_LINES, NULL);
    verbalizer_free(&v);
    for (const char *p = lines ? lines : text; *p; p++) {
        if (*p == '\n' && p[1])
            buffer_add_text(&out, "; ");
        else if (*p != '\n')
            buffer_add_char(&out, *p);
    }
    free(lines);
    return buffer_take(&out, e);
}

// ---- tasks ----

static void task_forget(struct report_task *t) {
    for (size_t i = 0; i < t->classes; i++) {
        free(t->class_name[i]);
        free(t->class_value[i]);
    }
    free(t->class_name);
    free(t->class_value);
    free(t->path);
    free(t->name);
    free(t->template_text);
    free(t->label_words);
}

// A class is a plain text, or an object with a value and perhaps a name for people.
static bool read_class(struct report_task *t, const cJSON *node) {
    const char *value = cJSON_IsString(node) ? node->valuestring : NULL, *name = NULL;
    if (!value && (!json_get_string(node, "value", true, &value, NULL) ||
                   !json_get_string(node, "name", false, &name, NULL)))
        return false;
    t->class_value[t->classes] = mem_strdup(value, NULL);
    t->class_name[t->classes] = mem_strdup(name ? name : value, NULL);
    return t->class_value[t->classes] && t->class_name[t->classes] && ++t->classes;
}

static bool read_classes(struct report_task *t, const cJSON *list) {
    size_t count = (size_t)cJSON_GetArraySize(list);
    t->class_name = mem_calloc(count, sizeof *t->class_name, NULL);
    t->class_value = mem_calloc(count, sizeof *t->class_value, NULL);
    if (!t->class_name || !t->class_value)
        return false;
    for (const cJSON *node = list ? list->child : NULL; node; node = node->next)
        if (!read_class(t, node))
            return false;
    return true;
}

static bool read_task(struct report_task *t, const cJSON *tree) {
    const char *name = NULL, *metric = "", *family = "";
    const cJSON *templates = NULL, *classes = NULL;
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(tree, "label_words");
    if (!json_get_string(tree, "name", false, &name, NULL) ||
        !json_get_string(tree, "metric", false, &metric, NULL) ||
        !json_get_string(tree, "family", false, &family, NULL) ||
        !json_get_array(tree, "templates", false, &templates, NULL) ||
        !json_get_array(tree, "classes", false, &classes, NULL))
        return false;
    t->macro_f1 = strcmp(metric, "macro-f1") == 0;
    t->choice = strcmp(family, "multiple-choice") == 0;
    if (name && name[0] && !report_set_text(&t->name, name, NULL))
        return false;
    if (templates && cJSON_IsString(templates->child))
        t->template_text = mem_strdup(templates->child->valuestring, NULL);
    if (words)
        t->label_words =
            cJSON_IsString(words) ? mem_strdup(words->valuestring, NULL) : json_print(words, false, NULL);
    return read_classes(t, classes);
}

// ".../sentiment/task.json" and ".../sentiment" are called sentiment.
static char *name_of_task(const char *path, struct error *e) {
    char *folder = strcmp(path_name(path), "task.json") == 0 ? path_folder(path, e) : mem_strdup(path, e);
    char *name = folder ? mem_strdup(path_name(folder), e) : NULL;
    free(folder);
    return name;
}

const struct report_task *report_task_at(struct report *r, const char *path, struct error *e) {
    for (size_t i = 0; i < r->tasks; i++)
        if (strcmp(r->task[i].path, path) == 0)
            return &r->task[i];
    if (!mem_grow(&r->task, &r->task_capacity, r->tasks + 1, sizeof *r->task, e))
        return NULL;
    struct report_task *t = &r->task[r->tasks];
    *t = (struct report_task){.path = mem_strdup(path, e), .name = name_of_task(path, e)};
    if (!t->path || !t->name) {
        task_forget(t);
        return NULL;
    }
    char *file = session_task_file(path);
    cJSON *tree = file ? json_read_file(file, MOST_TASK_FILE, NULL) : NULL;
    t->missing = !tree || !read_task(t, tree);
    cJSON_Delete(tree);
    free(file);
    r->tasks++;
    return t;
}

// ---- where runs are ----

static bool add_source(struct report_sources *out, const char *session, const char *folder, const char *place,
                       bool lines, struct error *e) {
    if (!mem_grow(&out->source, &out->capacity, out->count + 1, sizeof *out->source, e))
        return false;
    struct report_source *s = &out->source[out->count++];
    char *inner = lines ? NULL : path_join(folder, place, e);
    *s = (struct report_source){.session = mem_strdup(session, e),
                                .folder = mem_strdup(lines ? "" : folder, e),
                                .place = mem_strdup(lines ? "" : place, e),
                                .path = lines   ? mem_strdup(folder, e)
                                        : inner ? path_join(inner, journal_name, e)
                                                : NULL,
                                .lines = lines};
    free(inner);
    return s->session && s->folder && s->place && s->path;
}

static bool add_session(struct report_sources *out, const char *given, struct error *e) {
    struct name_list kept = {0};
    char *folder = path_real(given, e), *below = folder ? path_join(folder, "kept", e) : NULL;
    bool ok = below && name_list_read(&kept, below, journal_name, e);
    for (size_t i = 0; ok && i < kept.count; i++) {
        struct buffer place = {0};
        buffer_printf(&place, "kept/%s", kept.name[i]);
        ok = buffer_ok(&place, e) && add_source(out, path_name(folder), folder, place.data, false, e);
        buffer_free(&place);
    }
    char *journal = ok ? path_join(folder, journal_name, e) : NULL;
    if (journal && file_exists(journal))
        ok = add_source(out, path_name(folder), folder, "", false, e);
    ok = ok && journal;
    free(journal);
    free(below);
    free(folder);
    name_list_free(&kept);
    return ok;
}

static bool add_lines(struct report_sources *out, const char *path, struct error *e) {
    return add_source(out, path_name(path), path, "", true, e);
}

static bool ends_in(const char *name, const char *end) {
    size_t n = strlen(name), m = strlen(end);
    return n > m && strcmp(name + n - m, end) == 0;
}

// runs.jsonl, and the results of experiments, NAME.runs.jsonl.
static bool add_lines_below(struct report_sources *out, const char *folder, struct error *e) {
    struct name_list all = {0};
    bool ok = name_list_read(&all, folder, NULL, e);
    for (size_t i = 0; ok && i < all.count; i++) {
        if (strcmp(all.name[i], lines_name) != 0 && !ends_in(all.name[i], experiment_lines))
            continue;
        char *path = path_join(folder, all.name[i], e);
        ok = path && (!file_exists(path) || add_lines(out, path, e));
        free(path);
    }
    name_list_free(&all);
    return ok;
}

static bool add_named(struct report_sources *out, const char *folder, const char *name, struct error *e) {
    char *path = path_join(folder, name, e);
    bool ok = path && add_session(out, path, e);
    free(path);
    return ok;
}

static bool add_all(struct report_sources *out, struct error *e) {
    char **name = NULL, *home = session_home(e);
    size_t count = 0;
    bool ok = home && session_list(&name, &count, e);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_named(out, home, name[i], e);
    ok = ok && (!file_is_folder(home) || add_lines_below(out, home, e));
    session_list_free(name, count);
    free(home);
    return ok;
}

// A folder of sessions; false without an error when it holds none.
static bool add_folder(struct report_sources *out, const char *folder, struct error *e) {
    struct name_list sessions = {0};
    size_t before = out->count;
    bool ok = name_list_read(&sessions, folder, session_file_name, e);
    for (size_t i = 0; ok && i < sessions.count; i++)
        ok = add_named(out, folder, sessions.name[i], e);
    ok = ok && add_lines_below(out, folder, e);
    bool some = sessions.count || out->count > before;
    name_list_free(&sessions);
    return ok &&
           (some || error_set(e, ERROR_INPUT,
                              "%.300s holds no sessions and no %s; name a session, a folder of sessions, "
                              "or a file of runs",
                              folder, lines_name));
}

static bool is_lines(const char *path) {
    size_t n = strlen(path);
    return n > 6 && strcmp(path + n - 6, ".jsonl") == 0 && strcmp(path_name(path), journal_name) != 0;
}

static bool is_session_folder(const char *path) {
    char *file = file_is_folder(path) ? path_join(path, session_file_name, NULL) : NULL;
    bool yes = file && file_exists(file);
    free(file);
    return yes;
}

static bool add_one(struct report_sources *out, const char *what, struct error *e) {
    if (is_lines(what) && file_exists(what))
        return add_lines(out, what, e);
    struct error none = {0};
    char *session = session_find(what, &none);
    bool ok = session                                            ? add_session(out, session, e)
              : file_is_folder(what) && !is_session_folder(what) ? add_folder(out, what, e)
                                                                 : error_set(e, none.kind, "%s", none.text);
    free(session);
    return ok;
}

bool report_find(struct report_sources *out, const char *const *what, size_t count, struct error *e) {
    bool ok = count || add_all(out, e);
    for (size_t i = 0; ok && i < count; i++)
        ok = add_one(out, what[i], e);
    if (!ok)
        report_sources_free(out);
    return ok;
}

void report_sources_free(struct report_sources *s) {
    for (size_t i = 0; i < s->count; i++) {
        free(s->source[i].session);
        free(s->source[i].folder);
        free(s->source[i].place);
        free(s->source[i].path);
    }
    free(s->source);
    *s = (struct report_sources){0};
}

// ---- reading ----

struct report_run *report_next(struct report *r, struct error *e) {
    if (!mem_grow(&r->run, &r->capacity, r->count + 1, sizeof *r->run, e) ||
        !report_run_init(&r->run[r->count], e))
        return NULL;
    return &r->run[r->count];
}

bool report_read(struct report *r, const struct report_source *source, struct error *e) {
    return source->lines ? report_read_lines(r, source, e) : report_read_journal(r, source, e);
}

void report_free(struct report *r) {
    for (size_t i = 0; i < r->count; i++)
        report_run_free(&r->run[i]);
    for (size_t i = 0; i < r->tasks; i++)
        task_forget(&r->task[i]);
    free(r->run);
    free(r->task);
    *r = (struct report){0};
}
