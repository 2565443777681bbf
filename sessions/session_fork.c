// SPDX-License-Identifier: GPL-3.0-or-later
// Sessions made of another one: begun where its run stands, or with its task on another model.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "paths.h"
#include "prompt_file.h"
#include "session_inside.h"

static const char start_file[] = "start.safetensors";

// NAME-fork, NAME-fork-2, ...: the first that is not there yet.
static char *free_name(const struct session *s, struct error *e) {
    char *home = session_home(e);
    for (unsigned n = 1; home && n < 1000; n++) {
        struct buffer b = {0};
        buffer_printf(&b, n == 1 ? "%s-fork" : "%s-fork-%u", s->name, n);
        char *name = buffer_take(&b, e), *path = name ? path_join(home, name, e) : NULL;
        bool failed = !path, taken = path && file_exists(path);
        free(path);
        if (!failed && !taken) {
            free(home);
            return name;
        }
        free(name);
        if (failed)
            break;
    }
    free(home);
    return NULL;
}

// The same but for the start, which is the prompt.
static bool copy_parts(struct session *to, const struct session *from, struct error *e) {
    struct run_settings settings = from->parts.settings;
    char *path = session_path(to, start_file, e);
    if (!path || strlen(path) >= sizeof settings.start_file) {
        free(path);
        return error_set(e, ERROR_INPUT, "the path of the new session is too long");
    }
    settings.start = START_FILE;
    snprintf(settings.start_file, sizeof settings.start_file, "%s", path);
    free(path);
    session_set_settings(to, &settings);
    return session_set_template(to, from->parts.template_text, e) &&
           session_set_label_words(to, from->parts.label_words, e) &&
           session_set_own_examples(to, from->parts.own_examples, e);
}

static bool tell_origin(struct session *to, const struct session *from, size_t step, struct error *e) {
    cJSON *o = cJSON_CreateObject();
    bool ok = o && cJSON_AddStringToObject(o, "from", from->name) &&
              cJSON_AddNumberToObject(o, "step", (double)step);
    pthread_mutex_lock(&to->disk_lock);
    ok = ok ? session_need_journal(to, e) && journal_add_event(to->journal, "fork", o, time(NULL), e) &&
                  journal_flush(to->journal, e)
            : error_set(e, ERROR_MEMORY, "no memory for the journal");
    pthread_mutex_unlock(&to->disk_lock);
    cJSON_Delete(o);
    return ok;
}

bool session_fork(const struct session *s, const char *name, const struct prompt_matrix *prompt, size_t step,
                  char **made, struct error *e) {
    struct session *to = NULL;
    char *path = NULL;
    *made = name ? mem_strdup(name, e) : free_name(s, e);
    bool ok = *made && session_create(&to, *made, s->parts.model, s->parts.task, s->parts.data, e) &&
              (path = session_path(to, start_file, e)) && file_make_folders(to->folder, e) &&
              prompt_file_write(path, prompt, path_name(s->parts.model), e) && copy_parts(to, s, e) &&
              session_save(to, e) && tell_origin(to, s, step, e);
    session_free(to);
    free(path);
    if (!ok) {
        free(*made);
        *made = NULL;
    }
    return ok;
}

bool session_on_model(const struct session *s, const char *name, const char *model_folder,
                      const char *template_text, const struct run_settings *settings, struct error *e) {
    struct session *to = NULL;
    bool ok = session_create(&to, name, model_folder, s->parts.task, s->parts.data, e);
    if (ok)
        session_set_settings(to, settings);
    ok = ok && session_set_template(to, template_text, e) &&
         session_set_label_words(to, s->parts.label_words, e) &&
         session_set_own_examples(to, s->parts.own_examples, e) && session_save(to, e);
    session_free(to);
    return ok;
}
