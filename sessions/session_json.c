// SPDX-License-Identifier: GPL-3.0-or-later
// session.json: reading with a check on everything, and writing in a fixed order with unknown keys left where
// they were.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/suggest.h"
#include "engine/base/utf8.h"
#include "paths.h"
#include "session_inside.h"

enum { MOST_FILE = 4 << 20 };
const char session_file_name[] = "session.json";

void session_parts_free(struct session_parts *p) {
    free(p->model);
    free(p->task);
    free(p->data);
    free(p->template_text);
    free(p->label_words);
    free(p->own_examples);
    cJSON_Delete(p->tree);
    *p = (struct session_parts){0};
}

// ---- reading ----

static const struct run_setting *find_setting(const char *name) {
    for (size_t i = 0; i < run_setting_count; i++)
        if (strcmp(run_setting_table[i].name, name) == 0)
            return &run_setting_table[i];
    return NULL;
}

static void note_unknown(struct session *s, const char *name) {
    const char *names[64];
    size_t n = 0;
    for (; n < run_setting_count && n < 64; n++)
        names[n] = run_setting_table[n].name;
    const char *near = suggest_nearest(name, names, n);
    session_note(s, "%s: settings.%.60s is not a setting%s%s%s; it is kept but does nothing",
                 session_file_name, name, near ? " (did you mean \"" : "", near ? near : "",
                 near ? "\"?)" : "");
}

// The value as run_settings_set takes it; false when it has another type than the setting.
static bool setting_text(const cJSON *node, enum run_setting_kind kind, char *out, size_t size,
                         const char **text) {
    *text = out;
    if (kind == SETTING_FLAG && cJSON_IsBool(node)) {
        snprintf(out, size, "%s", cJSON_IsTrue(node) ? "true" : "false");
        return true;
    }
    if ((kind == SETTING_REAL || kind == SETTING_WHOLE) && cJSON_IsNumber(node)) {
        snprintf(out, size, "%.15g", node->valuedouble);
        if (strtod(out, NULL) != node->valuedouble)
            snprintf(out, size, "%.17g", node->valuedouble);
        return true;
    }
    *text = node->valuestring;
    return (kind == SETTING_CHOICE || kind == SETTING_TEXT) && cJSON_IsString(node);
}

static const char *kind_name(enum run_setting_kind kind) {
    return kind == SETTING_FLAG                            ? "true or false"
           : kind == SETTING_REAL || kind == SETTING_WHOLE ? "a number"
                                                           : "a string";
}

static bool read_settings(struct run_settings *out, struct session *s, const cJSON *object, struct error *e) {
    for (const cJSON *node = object->child; node; node = node->next) {
        const struct run_setting *setting = find_setting(node->string);
        char room[64];
        const char *text;
        if (!setting) {
            if (s)
                note_unknown(s, node->string);
            continue;
        }
        if (!setting_text(node, setting->kind, room, sizeof room, &text))
            return error_set(e, ERROR_INPUT, "settings.%s should be %s (%s), but is %s", setting->name,
                             kind_name(setting->kind), setting->values, json_type_name(node));
        if (!run_settings_set(out, setting->name, text, e))
            return error_context(e, "settings.%s", setting->name);
    }
    return true;
}

bool session_settings_read(struct run_settings *out, const cJSON *object, struct session *s) {
    return read_settings(out, s, object, NULL);
}

// A string that is there and not empty, copied; *out stays NULL where it is absent and may be.
static bool read_path(const struct session *s, const cJSON *tree, const char *key, const char *kind,
                      bool required, char **out, struct error *e) {
    const char *stored = NULL;
    if (!json_get_string(tree, key, required, &stored, e))
        return false;
    if (!stored)
        return true;
    if (!stored[0])
        return error_set(e, ERROR_INPUT, "\"%s\" is empty", key);
    *out = stored_path_resolve(stored, s->folder, kind, e);
    return *out || error_context(e, "\"%s\"", key);
}

// Text, or for label words also the object or list that a person may write in its place.
static bool read_text(const cJSON *tree, const char *key, bool structured, char **out, struct error *e) {
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(tree, key);
    if (!node || cJSON_IsNull(node))
        *out = mem_strdup("", e);
    else if (cJSON_IsString(node))
        *out = mem_strdup(node->valuestring, e);
    else if (structured && (cJSON_IsObject(node) || cJSON_IsArray(node)))
        *out = json_print(node, false, e);
    else
        return error_set(e, ERROR_INPUT, "\"%s\" should be a string%s, but is %s", key,
                         structured ? ", an object or a list" : "", json_type_name(node));
    return *out != NULL;
}

// A word, or a list of words.
static bool check_words(const cJSON *node, const char *where, struct error *e) {
    const cJSON *word;
    size_t i = 0;
    if (cJSON_IsString(node))
        return true;
    if (!cJSON_IsArray(node))
        return error_set(e, ERROR_INPUT, "%s should be a string or a list of strings, but is %s", where,
                         json_type_name(node));
    cJSON_ArrayForEach(word, node) {
        if (!cJSON_IsString(word))
            return error_set(e, ERROR_INPUT, "%s[%zu] should be a string, but is %s", where, i,
                             json_type_name(word));
        i++;
    }
    return true;
}

// Label words that are no text: {"negative": ["bad"], ...}, or a list of words or of lists of words.
static bool check_label_words(const cJSON *tree, struct error *e) {
    const cJSON *words = cJSON_GetObjectItemCaseSensitive(tree, "label_words"), *node;
    size_t i = 0;
    if (!cJSON_IsObject(words) && !cJSON_IsArray(words))
        return true;
    cJSON_ArrayForEach(node, words) {
        char where[128];
        if (node->string)
            snprintf(where, sizeof where, "label_words.%.80s", node->string);
        else
            snprintf(where, sizeof where, "label_words[%zu]", i);
        if (!check_words(node, where, e))
            return false;
        i++;
    }
    return true;
}

static bool read_members(struct session *s, struct error *e) {
    struct session_parts *p = &s->parts;
    const cJSON *tree = p->tree, *settings = NULL;
    const char *created = "", *name = NULL, *changed = NULL;
    if (!cJSON_IsObject(tree))
        return error_set(e, ERROR_INPUT, "this should be a JSON object, but is %s", json_type_name(tree));
    if (!session_migrate(p->tree, &p->version, e))
        return false;
    if (p->version < SESSION_VERSION)
        session_note(
            s,
            "%s is of version %d%s: when it is written, as version %d, the old one stays beside it as "
            "%s.v%d",
            session_file_name, p->version, p->version ? "" : " (it names none)", SESSION_VERSION,
            session_file_name, p->version);
    if (!json_get_string(tree, "created", false, &created, e) ||
        !json_get_string(tree, "changed", false, &changed, e) ||
        !json_get_string(tree, "name", false, &name, e) ||
        !json_get_object(tree, "settings", false, &settings, e))
        return false;
    size_t kept = utf8_boundary(created, strlen(created), sizeof p->created - 1);
    snprintf(p->created, sizeof p->created, "%.*s", (int)kept, created);
    return read_path(s, tree, "model", "models", true, &p->model, e) &&
           read_path(s, tree, "task", "tasks", true, &p->task, e) &&
           read_path(s, tree, "data", NULL, false, &p->data, e) &&
           read_text(tree, "template", false, &p->template_text, e) && check_label_words(tree, e) &&
           read_text(tree, "label_words", true, &p->label_words, e) &&
           (!settings || read_settings(&p->settings, s, settings, e));
}

bool session_parts_read(struct session *s, const char *path, struct error *e) {
    session_parts_free(&s->parts);
    s->parts.version = SESSION_VERSION;
    run_settings_default(&s->parts.settings);
    s->parts.tree = json_read_file(path, MOST_FILE, e); // its messages begin with the path
    return s->parts.tree && (read_members(s, e) || error_context(e, "%s", path)) && session_own_read(s, e);
}

// ---- own.jsonl ----

static const char own_file_name[] = "own.jsonl";

bool session_own_read(struct session *s, struct error *e) {
    char *path = path_join(s->folder, own_file_name, e), *text = NULL;
    size_t length = 0, bad;
    bool ok = path && (!file_exists(path) || file_read(path, SESSION_MOST_OWN, &text, &length, e));
    if (ok && text && (strlen(text) != length || !utf8_valid(text, length, &bad)))
        ok = error_set(e, ERROR_INPUT, "%s is no UTF-8 text", path);
    if (ok && !text)
        ok = (text = mem_strdup("", e)) != NULL;
    if (ok) {
        free(s->parts.own_examples);
        s->parts.own_examples = text;
        text = NULL;
    }
    free(text);
    free(path);
    return ok;
}

bool session_own_write(struct session *s, struct error *e) {
    if (!s->own_unwritten)
        return true;
    char *path = path_join(s->folder, own_file_name, e);
    const char *text = s->parts.own_examples;
    bool ok = path != NULL;
    if (ok && text[0])
        ok = file_write_atomic(path, text, strlen(text), e);
    else if (ok)
        ok = unlink(path) == 0 || errno == ENOENT || error_system(e, "cannot remove %s", path);
    s->own_unwritten = !ok;
    free(path);
    return ok;
}

char *session_peek_task(const char *folder) {
    char *path = path_join(folder, session_file_name, NULL), *task = NULL;
    cJSON *tree = path ? json_read_file(path, MOST_FILE, NULL) : NULL;
    const char *stored = NULL;
    if (cJSON_IsObject(tree) && json_get_string(tree, "task", true, &stored, NULL))
        task = stored_path_resolve(stored, folder, "tasks", NULL);
    cJSON_Delete(tree);
    free(path);
    return task;
}

// ---- writing ----

static cJSON *setting_json(const struct run_settings *settings, const struct run_setting *row) {
    char text[RUN_SETTING_TEXT];
    run_settings_get(settings, row->name, text, sizeof text);
    if (row->kind == SETTING_REAL || row->kind == SETTING_WHOLE)
        return cJSON_CreateRaw(text); // cJSON would print a large whole number with 15 digits
    if (row->kind == SETTING_FLAG)
        return cJSON_CreateBool(strcmp(text, "true") == 0);
    return cJSON_CreateString(text);
}

static bool put_settings(cJSON *object, const struct run_settings *settings, struct error *e) {
    for (size_t i = 0; i < run_setting_count; i++)
        if (!json_put(object, run_setting_table[i].name, setting_json(settings, &run_setting_table[i]), e))
            return false;
    return true;
}

cJSON *session_settings_json(const struct run_settings *settings) {
    cJSON *object = cJSON_CreateObject();
    if (object && !put_settings(object, settings, NULL)) {
        cJSON_Delete(object);
        object = NULL;
    }
    return object;
}

static bool put_text(cJSON *tree, const char *key, const char *text, struct error *e) {
    return json_put(tree, key, cJSON_CreateString(text), e);
}

static bool put_path(const struct session *s, const char *key, const char *path, const char *kind,
                     struct error *e) {
    char *stored = stored_path_print(path, s->folder, kind, e);
    bool ok = stored && put_text(s->parts.tree, key, stored, e);
    free(stored);
    return ok;
}

// Label words that were read as an object stay one as long as they say the same.
static bool put_label_words(cJSON *tree, const char *text, struct error *e) {
    const cJSON *now = cJSON_GetObjectItemCaseSensitive(tree, "label_words");
    if (cJSON_IsObject(now) || cJSON_IsArray(now)) {
        char *same = json_print(now, false, e);
        bool unchanged = same && strcmp(same, text) == 0;
        free(same);
        if (unchanged)
            return true;
    }
    return put_text(tree, "label_words", text, e);
}

char *session_parts_print(struct session *s, time_t now, struct error *e) {
    struct session_parts *p = &s->parts;
    char changed[STAMP_SIZE];
    stamp_print(now, changed);
    if (!p->tree)
        p->tree = cJSON_CreateObject();
    if (!p->tree) {
        error_set(e, ERROR_MEMORY, "no memory for %s", session_file_name);
        return NULL;
    }
    cJSON *t = p->tree;
    bool ok = json_put(t, "version", cJSON_CreateNumber(SESSION_VERSION), e) &&
              put_text(t, "name", s->name, e) && put_text(t, "created", p->created, e) &&
              put_text(t, "changed", changed, e) && put_path(s, "model", p->model, "models", e) &&
              put_path(s, "task", p->task, "tasks", e) &&
              (!p->data || put_path(s, "data", p->data, NULL, e)) &&
              put_text(t, "template", p->template_text, e) && put_label_words(t, p->label_words, e);
    if (ok && !cJSON_IsObject(cJSON_GetObjectItemCaseSensitive(t, "settings")))
        ok = json_put(t, "settings", cJSON_CreateObject(), e);
    ok = ok && put_settings(cJSON_GetObjectItemCaseSensitive(t, "settings"), &p->settings, e);
    return ok ? json_print(t, true, e) : NULL;
}
