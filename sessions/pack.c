// SPDX-License-Identifier: GPL-3.0-or-later
#include "pack.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "paths.h"
#include "session_inside.h"

enum { MOST_DEPTH = 8, MOST_TASK_FILE = 1 << 20 };
static const struct archive_limits limits = {.files = PACK_MOST_FILES,
                                             .bytes = (uint64_t)PACK_MOST_MEGABYTES << 20};
static const char shipped[] = "shipped:";

// ---- what goes in ----

struct item {
    char *name, *path; // in the pack, on the disk
};
struct packing {
    struct session *s;
    struct item *item;
    size_t count, capacity;
    uint64_t bytes;
};

static void packing_free(struct packing *p) {
    for (size_t i = 0; i < p->count; i++) {
        free(p->item[i].name);
        free(p->item[i].path);
    }
    free(p->item);
}

static bool has(const struct packing *p, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < p->count; i++)
        if (strncmp(p->item[i].name, name, n) == 0 && (!p->item[i].name[n] || p->item[i].name[n] == '/'))
            return true;
    return false;
}

static bool add(struct packing *p, const char *name, const char *path, struct error *e) {
    struct stat st;
    if (!archive_name_valid(name, e))
        return error_context(e, "%s", path);
    if (stat(path, &st) != 0)
        return error_system(e, "cannot read %s", path);
    if (!S_ISREG(st.st_mode))
        return error_set(e, ERROR_INPUT, "%s is no file and cannot be packed", path);
    if (p->count == limits.files || (uint64_t)st.st_size > limits.bytes - p->bytes)
        return error_set(e, ERROR_INPUT, "the session has more than %d files or %d MB, with %s",
                         PACK_MOST_FILES, PACK_MOST_MEGABYTES, path);
    if (!mem_grow(&p->item, &p->capacity, p->count + 1, sizeof *p->item, e))
        return false;
    struct item item = {mem_strdup(name, e), mem_strdup(path, e)};
    if (!item.name || !item.path) {
        free(item.name);
        free(item.path);
        return false;
    }
    p->item[p->count++] = item;
    p->bytes += (uint64_t)st.st_size;
    return true;
}

static bool stays_behind(const char *name) {
    return name[0] == '.' || strcmp(name, lock_file_name) == 0 || strcmp(name, session_file_name) == 0 ||
           strstr(name, ".jsonl.damaged-");
}

// All plain files below `folder`, under `prefix` ("" or ending in a slash). Links are not followed.
static bool add_folder(struct packing *p, const char *folder, const char *prefix, int depth,
                       struct error *e) {
    DIR *d = opendir(folder);
    if (!d)
        return error_system(e, "cannot read the folder %s", folder);
    bool ok =
        depth < MOST_DEPTH ||
        error_set(e, ERROR_INPUT, "%s lies more than %d folders deep in the session", folder, MOST_DEPTH);
    for (const struct dirent *entry = readdir(d); ok && entry; entry = readdir(d)) {
        struct buffer name = {0};
        struct stat st;
        if (stays_behind(entry->d_name))
            continue;
        char *path = path_join(folder, entry->d_name, e);
        buffer_printf(&name, "%s%s", prefix, entry->d_name);
        ok =
            path && buffer_ok(&name, e) && (lstat(path, &st) == 0 || error_system(e, "cannot read %s", path));
        if (ok && S_ISREG(st.st_mode)) {
            ok = add(p, name.data, path, e);
        } else if (ok && S_ISDIR(st.st_mode)) {
            buffer_add_char(&name, '/');
            ok = buffer_ok(&name, e) && add_folder(p, path, name.data, depth + 1, e);
        }
        buffer_free(&name);
        free(path);
    }
    closedir(d);
    return ok;
}

// ---- what lies outside the folder ----

// "kind/last" as the name of something that is brought in, or "kind-2/last", ... where that is taken.
static char *free_place(const struct packing *p, const char *kind, const char *last, struct error *e) {
    for (unsigned n = 1; n < 1000; n++) {
        struct buffer b = {0};
        buffer_printf(&b, n == 1 ? "%s" : "%s-%u", kind, n);
        if (!buffer_ok(&b, e))
            return NULL;
        if (!has(p, b.data)) {
            buffer_printf(&b, "/%s", last[0] ? last : kind);
            return buffer_take(&b, e);
        }
        buffer_free(&b);
    }
    error_set(e, ERROR_INPUT, "there is no free name for %s in the session's folder", kind);
    return NULL;
}

static bool is_inside(const struct packing *p, const char *real) {
    return path_below(real, p->s->folder) != NULL;
}

static bool is_shipped(const struct packing *p, const char *path) {
    char *stored = stored_path_print(path, p->s->folder, "tasks", NULL);
    bool yes = stored && strncmp(stored, shipped, sizeof shipped - 1) == 0;
    free(stored);
    return yes;
}

// The files that a task.json names, from where they are to below `place`.
static bool add_data(struct packing *p, const char *task, const char *folder, const char *place,
                     struct error *e) {
    const cJSON *files = NULL, *node;
    cJSON *root = json_read_file(task, MOST_TASK_FILE, e);
    bool ok = root && (json_get_object(root, "files", true, &files, e) || error_context(e, "%s", task));
    for (node = ok ? files->child : NULL; ok && node; node = node->next) {
        if (!cJSON_IsString(node) || !path_stays_inside(node->valuestring)) {
            ok = error_set(e, ERROR_INPUT, "%s: files.%s should be a path that stays in its folder", task,
                           node->string);
            break;
        }
        char *from = path_join(folder, node->valuestring, e), *to = path_join(place, node->valuestring, e);
        ok = from && to && (has(p, to) || add(p, to, from, e));
        free(from);
        free(to);
    }
    cJSON_Delete(root);
    return ok;
}

// From now on the session's part `path` is the one at `place` in the pack.
static bool move_part(const struct packing *p, char **path, const char *place, struct error *e) {
    char *moved = path_join(p->s->folder, place, e);
    if (!moved)
        return false;
    free(*path);
    *path = moved;
    return true;
}

// Brings in the task.json, and with `data_too` its files beside it. The folder keeps its name, which is part
// of what tells a run apart.
static bool bring_task(struct packing *p, const char *task, bool data_too, struct error *e) {
    char *folder = path_folder(task, e), *place = NULL, *name = NULL;
    bool is_standard = strcmp(path_name(task), "task.json") == 0;
    place = folder ? free_place(p, "task", is_standard ? path_name(folder) : "files", e) : NULL;
    name = place ? path_join(place, path_name(task), e) : NULL;
    bool ok = name && add(p, name, task, e) && (!data_too || add_data(p, task, folder, place, e)) &&
              move_part(p, &p->s->parts.task, name, e);
    free(folder);
    free(place);
    free(name);
    return ok;
}

static bool bring_data(struct packing *p, const char *task, const char *data, struct error *e) {
    char *place = free_place(p, "data", path_name(data), e);
    bool ok = place && add_data(p, task, data, place, e) && move_part(p, &p->s->parts.data, place, e);
    free(place);
    return ok;
}

// The prompt that the run starts from, a file or a folder with an adapter.
static bool bring_start(struct packing *p, struct error *e) {
    struct run_settings *settings = &p->s->parts.settings;
    if (settings->start != START_FILE || !settings->start_file[0])
        return true;
    char *inside = session_path(p->s, settings->start_file, e), *real = NULL, *place = NULL;
    struct buffer prefix = {0};
    bool ok = inside && (real = path_real(file_exists(inside) ? inside : settings->start_file, e));
    if (ok && !is_inside(p, real)) {
        place = free_place(p, "start", path_name(real), e);
        buffer_printf(&prefix, "%s/", place ? place : "");
        ok = place && buffer_ok(&prefix, e) &&
             (file_is_folder(real) ? add_folder(p, real, prefix.data, 1, e) : add(p, place, real, e)) &&
             run_settings_set(settings, "start_file", place, e);
    } else if (ok) {
        ok = run_settings_set(settings, "start_file", path_below(real, p->s->folder), e);
    }
    buffer_free(&prefix);
    free(inside);
    free(real);
    free(place);
    return ok || error_context(e, "start_file");
}

static bool bring_all(struct packing *p, struct buffer *notes, struct error *e) {
    const struct session_parts *parts = &p->s->parts;
    char *file = session_task_file(parts->task), *task = NULL, *data = NULL;
    if (!file) {
        error_set(e, ERROR_INPUT, "%s/%s: \"task\": there is no %s", p->s->folder, session_file_name,
                  parts->task);
        goto failed;
    }
    task = path_real(file, e);
    if (!task || (parts->data && !(data = path_real(parts->data, e))))
        goto failed;
    bool task_stays = is_inside(p, task) || is_shipped(p, task);
    if (data && !is_inside(p, data) && !bring_data(p, task, data, e))
        goto failed;
    if (!task_stays && !bring_task(p, task, !data, e))
        goto failed;
    if (!bring_start(p, e))
        goto failed;
    if (!session_model_shipped(p->s))
        buffer_printf(notes, "the model %s is not in it: whoever unpacks it needs the same one\n",
                      path_name(parts->model));
    free(file);
    free(task);
    free(data);
    return true;
failed:
    free(file);
    free(task);
    free(data);
    return false;
}

// ---- packing ----

static int compare_items(const void *a, const void *b) {
    return strcmp(((const struct item *)a)->name, ((const struct item *)b)->name);
}

static bool write_pack(struct packing *p, const char *file, struct error *e) {
    struct archive_writer *w = NULL;
    char *text = session_parts_print(p->s, time(NULL), e);
    bool ok = text && archive_writer_open(&w, file, e) &&
              archive_writer_add_bytes(w, session_file_name, text, strlen(text), e);
    if (p->count)
        qsort(p->item, p->count, sizeof *p->item, compare_items);
    for (size_t i = 0; ok && i < p->count; i++)
        ok = archive_writer_add_file(w, p->item[i].name, p->item[i].path, e);
    ok = ok && archive_writer_commit(w, e);
    archive_writer_close(w);
    free(text);
    return ok;
}

bool session_pack(const char *what, const char *file, struct buffer *notes, struct error *e) {
    struct packing p = {0};
    char *found = session_find(what, e), *folder = found ? path_real(found, e) : NULL, *json = NULL;
    bool ok = folder && (p.s = session_new(path_name(folder), folder, e)) &&
              (json = session_path(p.s, session_file_name, e)) &&
              session_lock_take(&p.s->lock, folder, time(NULL), NULL, e) &&
              session_parts_read(p.s, json, e) && add_folder(&p, folder, "", 0, e) &&
              bring_all(&p, notes, e) && write_pack(&p, file, e);
    packing_free(&p);
    session_free(p.s);
    free(json);
    free(folder);
    free(found);
    return ok && buffer_ok(notes, e);
}

// ---- unpacking ----

static bool unpack_one(struct archive *a, size_t i, const char *file, const char *folder, struct error *e) {
    const char *name = archive_name(a, i);
    size_t n = strlen(name);
    if (strcmp(name, lock_file_name) == 0)
        return true;
    char *to = path_join(folder, name, e), *parent = to ? path_folder(to, e) : NULL;
    bool is_folder = name[n - 1] == '/';
    bool ok = parent &&
              (file_make_folders(is_folder ? to : parent, e) || error_context(e, "%s: %s", file, name)) &&
              (is_folder || archive_unpack(a, i, to, e));
    free(to);
    free(parent);
    return ok;
}

static bool unpack_all(const char *file, const char *folder, struct error *e) {
    struct archive *a;
    bool found = false;
    if (!archive_open(&a, file, &limits, e))
        return false;
    for (size_t i = 0; i < archive_count(a); i++)
        found |= strcmp(archive_name(a, i), session_file_name) == 0;
    bool ok = found || error_set(e, ERROR_INPUT, "%s: there is no %s in it: this is no packed session", file,
                                 session_file_name);
    ok = ok && file_make_folders(folder, e);
    for (size_t i = 0; ok && i < archive_count(a); i++)
        ok = unpack_one(a, i, file, folder, e);
    archive_close(a);
    return ok;
}

// Paths of a pack may name what is shipped or what is in it, and nothing else of whoever unpacks it.
static bool check_path(const struct session *s, const char *key, bool may_be_shipped, struct error *e) {
    const char *stored = NULL;
    if (!json_get_string(s->parts.tree, key, false, &stored, e) || !stored)
        return !stored;
    if ((may_be_shipped && strncmp(stored, shipped, sizeof shipped - 1) == 0) || path_stays_inside(stored))
        return true;
    return error_set(e, ERROR_INPUT, "%s: \"%s\" leads out of the session's folder (%.200s)",
                     session_file_name, key, stored);
}

static bool check_paths(const struct session *s, struct error *e) {
    const struct run_settings *settings = &s->parts.settings;
    if (!check_path(s, "task", true, e) || !check_path(s, "data", false, e))
        return false;
    if (settings->start == START_FILE && !path_stays_inside(settings->start_file))
        return error_set(e, ERROR_INPUT, "%s: settings.start_file leads out of the session's folder (%.200s)",
                         session_file_name, settings->start_file);
    char *task = session_task_file(s->parts.task);
    bool there = task != NULL;
    free(task);
    return there || error_set(e, ERROR_INPUT, "%s: \"task\": there is no %s, neither in the pack nor here",
                              session_file_name, s->parts.task);
}

static bool set_model(struct session *s, const char *model, struct buffer *notes, struct error *e) {
    char *found = model ? session_find_model(model, e) : NULL;
    if (model && !found)
        return false;
    if (found) {
        free(s->parts.model);
        s->parts.model = found;
    }
    if (!file_is_folder(s->parts.model))
        buffer_printf(notes,
                      "the model %s is not here: name its folder with --model when you open the session\n",
                      s->parts.model);
    return true;
}

// Where the session in the temporary folder is to be; fails if something is there.
static char *final_place(const char *home, const struct session *s, const char *name, struct error *e) {
    const char *stored = NULL;
    if (!name)
        json_get_string(s->parts.tree, "name", false, &stored, NULL);
    const char *wanted = name ? name : stored ? stored : "";
    char *place = NULL;
    if (!session_name_valid(wanted, e)) {
        error_context(e, name ? "the name" : "name the session behind the file, as its own name does not do");
        return NULL;
    }
    place = path_join(home, wanted, e);
    if (place && file_exists(place)) {
        error_set(e, ERROR_INPUT, "there is a session %s already; name another one behind the file", wanted);
        free(place);
        place = NULL;
    }
    return place;
}

// Reads what was unpacked, settles name and model, and moves it to its place.
static bool settle(const char *home, const char *temporary, const char *name, const char *model,
                   char **folder, struct buffer *notes, struct error *e) {
    struct session *s = session_new("unpacked", temporary, e);
    char *json = s ? session_path(s, session_file_name, e) : NULL, *place = NULL, *text = NULL;
    bool ok = json && session_parts_read(s, json, e) && check_paths(s, e) && set_model(s, model, notes, e) &&
              (place = final_place(home, s, name, e));
    if (ok) {
        free(s->name);
        s->name = mem_strdup(path_name(place), e);
        text = s->name ? session_parts_print(s, time(NULL), e) : NULL;
        ok = text && file_write_atomic(json, text, strlen(text), e) &&
             (rename(temporary, place) == 0 || error_system(e, "cannot make %s", place));
    }
    if (ok) {
        *folder = place;
        place = NULL;
    }
    session_free(s);
    free(json);
    free(place);
    free(text);
    return ok;
}

bool session_unpack(const char *file, const char *name, const char *model_folder, char **folder,
                    struct buffer *notes, struct error *e) {
    struct buffer temporary = {0};
    char *home = session_home(e), *real = NULL;
    *folder = NULL;
    bool ok = home && file_make_folders(home, e) && (real = path_real(home, e));
    buffer_printf(&temporary, "%s/.unpack.%ld", real ? real : "", (long)getpid());
    ok = ok && buffer_ok(&temporary, e) && folder_remove(temporary.data, e);
    if (ok) {
        ok = unpack_all(file, temporary.data, e) &&
             (settle(real, temporary.data, name, model_folder, folder, notes, e) ||
              error_context(e, "%s", file));
        if (!ok)
            folder_remove(temporary.data, NULL);
    }
    buffer_free(&temporary);
    free(home);
    free(real);
    return ok && buffer_ok(notes, e);
}
