// SPDX-License-Identifier: GPL-3.0-or-later
// What a name on the command line means, sessions made anew, and what to say when nothing fits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/suggest.h"
#include "paths.h"
#include "session_inside.h"

static const char task_file_name[] = "task.json", shipped[] = "shipped:";
enum { MOST_TASK_FILE = 4 << 20 };

// ---- names of what is there ----

static bool list_shipped(struct name_list *out, const char *kind, const char *member, struct error *e) {
    char *folder = share_folder(kind, e);
    bool ok = folder && name_list_read(out, folder, member, e);
    free(folder);
    return ok;
}

static bool list_sessions(struct name_list *out, struct error *e) {
    char *home = session_home(e);
    bool ok = home && name_list_read(out, home, session_file_name, e);
    free(home);
    return ok;
}

// "; did you mean X?" over both lists, or "".
static void guess(const char *what, const struct name_list *a, const struct name_list *b, char *out,
                  size_t size) {
    const char *names[512];
    size_t n = 0;
    for (size_t i = 0; i < a->count && n < 512; i++)
        names[n++] = a->name[i];
    for (size_t i = 0; b && i < b->count && n < 512; i++)
        names[n++] = b->name[i];
    const char *near = suggest_nearest(what, names, n);
    out[0] = '\0';
    if (near)
        snprintf(out, size, "; did you mean \"%s\"?", near);
}

static bool nothing_found(const char *what, struct error *e) {
    struct name_list sessions = {0}, tasks = {0};
    char have[200], shipped_tasks[200], near[160];
    if (!list_sessions(&sessions, e) || !list_shipped(&tasks, "tasks", task_file_name, e)) {
        name_list_free(&sessions);
        return false;
    }
    name_list_print(&sessions, have, sizeof have);
    name_list_print(&tasks, shipped_tasks, sizeof shipped_tasks);
    guess(what, &sessions, &tasks, near, sizeof near);
    name_list_free(&sessions);
    name_list_free(&tasks);
    return error_set(e, ERROR_INPUT,
                     "\"%.200s\" is no session, no folder or file with a session or a task, and no shipped "
                     "task%s (sessions: %s; shipped tasks: %s)",
                     what, near, have, shipped_tasks);
}

// ---- models ----

char *session_find_model(const char *model, struct error *e) {
    struct name_list models = {0};
    if (model && file_is_folder(model))
        return path_real(model, e);
    char *share = share_folder("models", e), *path = NULL, *found = NULL;
    if (!share || !name_list_read(&models, share, "config.json", e)) {
        free(share);
        return NULL;
    }
    const char *name = model ? model : name_list_default(&models, share);
    if (name && strncmp(name, shipped, sizeof shipped - 1) == 0)
        name += sizeof shipped - 1;
    bool is_there = false;
    for (size_t i = 0; name && i < models.count; i++)
        is_there |= strcmp(models.name[i], name) == 0;
    if (is_there) {
        path = path_join(share, name, e);
        found = path ? path_real(path, e) : NULL;
    } else if (!name) {
        error_set(e, ERROR_INPUT,
                  "no model is shipped with this program; name a model's folder with --model");
    } else {
        char list[200], near[160];
        name_list_print(&models, list, sizeof list);
        guess(name, &models, NULL, near, sizeof near);
        error_set(e, ERROR_INPUT, "there is no model folder %s%s (shipped models: %s)", name, near, list);
    }
    name_list_free(&models);
    free(share);
    free(path);
    return found;
}

bool session_model_shipped(const struct session *s) {
    char *stored = stored_path_print(s->parts.model, s->folder, "models", NULL);
    bool yes = stored && strncmp(stored, shipped, sizeof shipped - 1) == 0;
    free(stored);
    return yes;
}

// ---- tasks ----

char *session_task_file(const char *path) {
    if (!file_is_folder(path))
        return file_exists(path) ? mem_strdup(path, NULL) : NULL;
    char *file = path_join(path, task_file_name, NULL);
    if (file && !file_exists(file)) {
        free(file);
        file = NULL;
    }
    return file;
}

static char *shipped_task(const char *name) {
    if (strncmp(name, shipped, sizeof shipped - 1) == 0)
        name += sizeof shipped - 1;
    char *share = path_stays_inside(name) ? share_folder("tasks", NULL) : NULL;
    char *folder = share ? path_join(share, name, NULL) : NULL;
    char *file = folder && file_is_folder(folder) ? session_task_file(folder) : NULL;
    free(share);
    free(folder);
    return file;
}

char *session_find_task(const char *path, struct error *e) {
    char *file = session_task_file(path), *real;
    if (!file)
        file = shipped_task(path);
    if (!file) {
        nothing_found(path, e);
        return NULL;
    }
    real = path_real(file, e);
    free(file);
    return real;
}

// The task's own name as a session's, or that of its folder.
static char *task_session_name(const char *file, struct error *e) {
    cJSON *json = json_read_file(file, MOST_TASK_FILE, e);
    if (!json)
        return NULL;
    const char *name = NULL;
    json_get_string(json, "name", false, &name, NULL);
    char *folder = path_folder(file, e);
    char *out = folder ? mem_strdup(name && name[0] ? name : path_name(folder), e) : NULL;
    for (char *p = out; p && *p; p++)
        if (*p == '/' || (unsigned char)*p < 0x20 || (*p == '.' && p == out))
            *p = '-';
    if (out && !session_name_valid(out, e)) {
        error_context(e, "%s: \"name\"", file);
        free(out);
        out = NULL;
    }
    free(folder);
    cJSON_Delete(json);
    return out;
}

// ---- a session from its folder ----

static bool check_places(const struct session *s, struct error *e) {
    const struct session_parts *p = &s->parts;
    if (!file_is_folder(p->model))
        return error_set(
            e, ERROR_INPUT,
            "%s/%s: \"model\": there is no folder %s; name the model's folder with --model, or mend "
            "the file",
            s->folder, session_file_name, p->model);
    if (!file_exists(p->task))
        return error_set(e, ERROR_INPUT, "%s/%s: \"task\": there is no %s; mend the file", s->folder,
                         session_file_name, p->task);
    return true;
}

static bool override_model(struct session *s, const char *model, struct error *e) {
    char *found = model ? session_find_model(model, e) : NULL;
    char *now = realpath(s->parts.model, NULL);
    if (model && !found) {
        free(now);
        return false;
    }
    if (found && (!now || strcmp(found, now) != 0)) {
        // What is kept is another model's, unless this is the one that it was, at another place.
        s->begin_pending |= now || strcmp(path_name(found), path_name(s->parts.model)) != 0;
        free(s->parts.model);
        s->parts.model = found;
        found = NULL;
        atomic_fetch_add(&s->edits, 1);
    }
    free(found);
    free(now);
    return true;
}

// Without the lock the session can be read, where that is enough.
static bool take_lock(struct session *s, bool reading, bool *stale, struct error *e) {
    struct error why = {0};
    if (session_lock_take(&s->lock, s->folder, time(NULL), stale, &why))
        return true;
    if (reading)
        s->read_only = mem_strdup(why.text, e);
    else if (e)
        *e = why;
    return s->read_only != NULL;
}

static bool open_folder(struct session **out, const char *folder, const char *model, bool reading,
                        struct error *e) {
    char *real = path_real(folder, e), *file = NULL;
    struct session *s = real ? session_new(path_name(real), real, e) : NULL;
    bool stale = false, ok = s && (file = session_path(s, session_file_name, e)) != NULL;
    ok = ok && take_lock(s, reading, &stale, e) && session_parts_read(s, file, e) &&
         override_model(s, model, e) && check_places(s, e);
    if (ok && stale)
        session_note(s,
                     "the program that had this session open last did not close it; its work is kept up to "
                     "the last step");
    if (ok) {
        s->written = true;
        ok = session_load_edits(s, e);
    }
    if (!ok) {
        session_free(s);
        s = NULL;
    }
    free(file);
    free(real);
    *out = s;
    return ok;
}

// ---- a session from a task ----

// In memory only. Takes nothing.
static bool make_session(struct session **out, const char *name, const char *model, const char *task,
                         const char *data, struct error *e) {
    char *home = session_home(e), *folder = home ? path_join(home, name, e) : NULL;
    char *absolute = NULL;
    // The folder need not be there yet; what it lies in is made absolute as far as it exists.
    if (folder && folder[0] != '/') {
        char *here = path_real(".", e);
        absolute = here ? path_join(here, folder, e) : NULL;
        free(here);
    }
    struct session *s =
        folder && (absolute || folder[0] == '/') ? session_new(name, absolute ? absolute : folder, e) : NULL;
    bool ok = s && (s->parts.model = session_find_model(model, e)) && (s->parts.task = mem_strdup(task, e)) &&
              (!data || (s->parts.data = path_real(data, e)));
    if (ok) {
        stamp_print(time(NULL), s->parts.created);
    } else {
        session_free(s);
        s = NULL;
    }
    free(home);
    free(folder);
    free(absolute);
    *out = s;
    return ok;
}

// Whether the session in `folder` works on this task (an absolute path without links).
static bool is_of_task(const char *folder, const char *task) {
    char *stored = session_peek_task(folder), *file = stored ? session_task_file(stored) : NULL;
    char *real = file ? realpath(file, NULL) : NULL;
    bool same = real && strcmp(real, task) == 0;
    free(stored);
    free(file);
    free(real);
    return same;
}

// The session of a task: TASK, or TASK-2, ... where another task of that name has taken it. *taken tells
// whether the folder is a session already.
static char *session_of_task(const char *name, const char *task, char **folder, bool *taken,
                             struct error *e) {
    char *home = session_home(e);
    for (unsigned n = 1; home && n < 1000; n++) {
        struct buffer b = {0};
        buffer_printf(&b, n == 1 ? "%s" : "%s-%u", name, n);
        char *candidate = buffer_take(&b, e), *file = NULL;
        *folder = candidate ? path_join(home, candidate, e) : NULL;
        if (*folder)
            file = path_join(*folder, session_file_name, e);
        bool failed = !file, exists = file && file_exists(file);
        free(file);
        *taken = exists;
        if (!failed && (!exists || is_of_task(*folder, task))) {
            free(home);
            return candidate;
        }
        free(candidate);
        free(*folder);
        *folder = NULL;
        if (failed)
            break;
    }
    free(home);
    return NULL;
}

static bool open_task(struct session **out, const char *path, const char *model, bool reading,
                      struct error *e) {
    bool taken = false, ok = false;
    char *task = session_find_task(path, e), *folder = NULL;
    char *name = task ? task_session_name(task, e) : NULL;
    char *session = name ? session_of_task(name, task, &folder, &taken, e) : NULL;
    if (session && taken) {
        ok = open_folder(out, folder, model, reading, e);
    } else if (session) {
        ok = make_session(out, session, model, task, NULL, e) && session_remember_saved(*out, e);
        if (!ok) {
            session_free(*out);
            *out = NULL;
        }
    }
    free(task);
    free(name);
    free(session);
    free(folder);
    return ok;
}

static bool open_default(struct session **out, const char *model, bool reading, struct error *e) {
    struct name_list tasks = {0};
    char *share = share_folder("tasks", e);
    if (!share || !name_list_read(&tasks, share, task_file_name, e)) {
        free(share);
        return false;
    }
    const char *name = name_list_default(&tasks, share);
    bool ok = false;
    char *file = name ? shipped_task(name) : NULL;
    if (file)
        ok = open_task(out, file, model, reading, e);
    else
        error_set(e, ERROR_INPUT, "no task is shipped with this program; name a session or a task.json");
    free(file);
    free(share);
    name_list_free(&tasks);
    return ok;
}

// ---- opening ----

// The folder of the session called `what` in session_home; NULL: there is none.
static char *named_session(const char *what) {
    if (!session_name_valid(what, NULL))
        return NULL;
    char *home = session_home(NULL), *folder = home ? path_join(home, what, NULL) : NULL;
    char *file = folder ? path_join(folder, session_file_name, NULL) : NULL;
    if (!file || !file_exists(file)) {
        free(folder);
        folder = NULL;
    }
    free(file);
    free(home);
    return folder;
}

// The folder of a session given as a path to it or to its session.json; NULL: it is none.
static char *session_at(const char *what) {
    char *folder = NULL, *file = NULL;
    if (file_is_folder(what))
        folder = mem_strdup(what, NULL);
    else if (strcmp(path_name(what), session_file_name) == 0)
        folder = path_folder(what, NULL);
    file = folder ? path_join(folder, session_file_name, NULL) : NULL;
    if (!file || !file_exists(file)) {
        free(folder);
        folder = NULL;
    }
    free(file);
    return folder;
}

char *session_find(const char *what, struct error *e) {
    char *folder = named_session(what);
    struct name_list sessions = {0};
    char have[200], near[160];
    if (!folder)
        folder = session_at(what);
    if (folder || !list_sessions(&sessions, e))
        return folder;
    name_list_print(&sessions, have, sizeof have);
    guess(what, &sessions, NULL, near, sizeof near);
    name_list_free(&sessions);
    error_set(e, ERROR_INPUT, "\"%.200s\" is no session and no session's folder%s (sessions: %s)", what, near,
              have);
    return NULL;
}

bool session_exists(const char *name) {
    char *folder = named_session(name);
    free(folder);
    return folder != NULL;
}

static bool open_any(struct session **out, const char *what, const char *model_folder, bool reading,
                     struct error *e) {
    *out = NULL;
    if (!what)
        return open_default(out, model_folder, reading, e);
    char *folder = named_session(what);
    if (!folder)
        folder = session_at(what);
    bool ok = folder ? open_folder(out, folder, model_folder, reading, e)
                     : open_task(out, what, model_folder, reading, e);
    free(folder);
    return ok;
}

bool session_open(struct session **out, const char *what, const char *model_folder, struct error *e) {
    return open_any(out, what, model_folder, false, e);
}

bool session_open_reading(struct session **out, const char *what, const char *model_folder, struct error *e) {
    return open_any(out, what, model_folder, true, e);
}

bool session_create(struct session **out, const char *name, const char *model_folder, const char *task_path,
                    const char *data_folder, struct error *e) {
    *out = NULL;
    if (!session_name_valid(name, e))
        return false;
    char *there = named_session(name);
    if (there) {
        free(there);
        return error_set(e, ERROR_INPUT, "there is a session %s already; open it, or choose another name",
                         name);
    }
    char *task = session_find_task(task_path, e);
    bool ok = task && make_session(out, name, model_folder, task, data_folder, e);
    if (ok)
        atomic_fetch_add(&(*out)->edits, 1); // asked for by name: worth saving as it is
    free(task);
    return ok;
}
