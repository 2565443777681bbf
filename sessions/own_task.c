// SPDX-License-Identifier: GPL-3.0-or-later
#include "sessions/own_task.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/data/task.h"
#include "engine/pvp/task_parts.h"
#include "sessions/paths.h"

enum { MOST_NAMES = 64 };

struct names {
    char *text; // cut into names
    const char *name[MOST_NAMES];
    size_t count;
};

// "a, b" without blanks around the names; no name twice or empty.
static bool read_names(struct names *out, const char *what, const char *list, size_t least, struct error *e) {
    *out = (struct names){.text = mem_strdup(list, e)};
    if (!out->text)
        return false;
    for (char *at = out->text, *end; at; at = end) {
        if ((end = strchr(at, ',')))
            *end++ = '\0';
        at += strspn(at, " \t");
        for (size_t n = strlen(at); n && isspace((unsigned char)at[n - 1]);)
            at[--n] = '\0';
        if (!*at || out->count == MOST_NAMES)
            return error_set(e, ERROR_INPUT,
                             "%s: \"%.100s\" should be names with commas between them, at most %d", what,
                             list, MOST_NAMES);
        for (size_t i = 0; i < out->count; i++)
            if (strcmp(out->name[i], at) == 0)
                return error_set(e, ERROR_INPUT, "%s: \"%.60s\" is named twice", what, at);
        out->name[out->count++] = at;
    }
    return out->count >= least || error_set(e, ERROR_INPUT, "%s: at least %zu are needed, e.g. %s", what,
                                            least, "negative, positive");
}

static bool add_names(cJSON *to, const struct names *labels, const struct names *fields, struct error *e) {
    cJSON *columns = cJSON_AddObjectToObject(to, "fields"), *classes = cJSON_AddArrayToObject(to, "classes"),
          *words = cJSON_AddObjectToObject(to, "label_words");
    bool ok = columns && classes && words;
    for (size_t i = 0; ok && i < fields->count; i++)
        ok = cJSON_AddStringToObject(columns, fields->name[i], fields->name[i]) != NULL;
    for (size_t i = 0; ok && i < labels->count; i++) {
        cJSON *list = cJSON_AddArrayToObject(words, labels->name[i]);
        ok = list && cJSON_AddItemToArray(classes, cJSON_CreateString(labels->name[i])) &&
             cJSON_AddItemToArray(list, cJSON_CreateString(labels->name[i]));
    }
    return ok || error_set(e, ERROR_MEMORY, "no memory for a task");
}

static char *default_template(const struct names *fields, struct error *e) {
    struct buffer b = {0};
    buffer_add_text(&b, "{soft:20}");
    for (size_t i = 0; i < fields->count; i++)
        buffer_printf(&b, " {%s}", fields->name[i]);
    buffer_add_text(&b, " It was {mask}.");
    return buffer_take(&b, e);
}

static char *print_task(const char *name, const struct names *labels, const struct names *fields,
                        struct error *e) {
    char *text = NULL, *pattern = default_template(fields, e);
    cJSON *task = cJSON_CreateObject(), *list;
    bool ok =
        pattern && task && cJSON_AddStringToObject(task, "name", name) &&
        cJSON_AddStringToObject(task, "family", fields->count == 2 ? "sentence-pair" : "single-sentence") &&
        cJSON_AddObjectToObject(task, "files") && cJSON_AddStringToObject(task, "label", "label") &&
        cJSON_AddStringToObject(task, "metric", "accuracy") &&
        (list = cJSON_AddArrayToObject(task, "templates")) &&
        cJSON_AddItemToArray(list, cJSON_CreateString(pattern));
    if (ok && add_names(task, labels, fields, e))
        text = json_print(task, true, e);
    else if (!ok && e->kind == ERROR_NONE)
        error_set(e, ERROR_MEMORY, "no memory for a task");
    cJSON_Delete(task);
    free(pattern);
    return text;
}

// What was written is read again, with its pattern: names that a template cannot have are told here.
static bool check(const char *file, struct error *e) {
    struct task *t = NULL;
    struct template pattern = {0};
    bool ok = task_load(&t, file, NULL, e);
    if (ok && (ok = task_template(&pattern, t, NULL, e)))
        template_free(&pattern);
    task_free(t);
    return ok;
}

// NAME/task/NAME/task.json in the session's folder; owned.
static char *write_task(const char *name, const char *text, struct error *e) {
    struct buffer b = {0};
    char *home = session_home(e), *folder = NULL, *file = NULL;
    buffer_printf(&b, "%s/task/%s", name, name);
    bool ok = home && buffer_ok(&b, e) && (folder = path_join(home, b.data, e)) &&
              file_make_folders(folder, e) && (file = path_join(folder, "task.json", e)) &&
              file_write_atomic(file, text, strlen(text), e);
    if (!ok) {
        free(file);
        file = NULL;
    }
    buffer_free(&b);
    free(home);
    free(folder);
    return file;
}

// Takes away what was written for a session that did not come about, and its folder if nothing else is in it.
static void take_away(const char *name) {
    char *home = session_home(NULL), *folder = home ? path_join(home, name, NULL) : NULL;
    char *task = folder ? path_join(folder, "task", NULL) : NULL;
    if (task && folder_remove(task, NULL))
        rmdir(folder);
    free(home);
    free(folder);
    free(task);
}

static bool absent(const char *name, struct error *e) {
    char *home = session_name_valid(name, e) ? session_home(e) : NULL;
    char *folder = home ? path_join(home, name, e) : NULL,
         *file = folder ? path_join(folder, "session.json", e) : NULL;
    bool ok = file && (!file_exists(file) ||
                       error_set(e, ERROR_INPUT,
                                 "there is a session %s already; open it, or choose another name", name));
    free(home);
    free(folder);
    free(file);
    return ok;
}

bool session_create_own(struct session **out, const char *name, const char *model_folder, const char *labels,
                        const char *fields, struct error *e) {
    struct names label = {0}, field = {0};
    char *text = NULL, *file = NULL;
    struct run_settings settings;
    *out = NULL;
    if (!absent(name, e))
        return false;
    bool ok = read_names(&label, "labels", labels, 2, e) &&
              read_names(&field, "fields", fields && fields[0] ? fields : "text", 1, e) &&
              (text = print_task(name, &label, &field, e)) && (file = write_task(name, text, e)) &&
              check(file, e) && session_create(out, name, model_folder, file, NULL, e);
    if (ok) {
        settings = *session_settings(*out);
        settings.own = RUN_OWN_ONLY;
        session_set_settings(*out, &settings);
    } else {
        take_away(name);
    }
    free(label.text);
    free(field.text);
    free(text);
    free(file);
    return ok;
}
