// SPDX-License-Identifier: GPL-3.0-or-later
#include "paths.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "sessions/session.h"

static const char shipped[] = "shipped:";

// ---- places ----

static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

char *session_home(struct error *e) {
    if (variable("PROMPTER_SESSIONS"))
        return mem_strdup(variable("PROMPTER_SESSIONS"), e);
    if (variable("XDG_DATA_HOME") && variable("XDG_DATA_HOME")[0] == '/')
        return path_join(variable("XDG_DATA_HOME"), "prompter/sessions", e);
    if (variable("HOME"))
        return path_join(variable("HOME"), ".local/share/prompter/sessions", e);
    error_set(e, ERROR_SYSTEM, "there is no place for sessions: set HOME or PROMPTER_SESSIONS to a folder");
    return NULL;
}

// folder/below if that is a folder. NULL without an error otherwise.
static char *existing(const char *folder, const char *below) {
    char *path = path_join(folder, below, NULL);
    if (path && !file_is_folder(path)) {
        free(path);
        path = NULL;
    }
    return path;
}

// The program's own folder and those above it: the source tree, or PREFIX of an installed program.
static char *beside_program(const char *kind) {
    char at[PATH_MAX], installed[64];
    ssize_t n = readlink("/proc/self/exe", at, sizeof at - 1);
    if (n <= 0)
        return NULL;
    at[n] = '\0';
    char in_source[64];
    snprintf(in_source, sizeof in_source, "%s/%s", strcmp(kind, "models") == 0 ? "engine" : "sessions", kind);
    snprintf(installed, sizeof installed, "share/prompter/%s", kind);
    for (int level = 0; level < 6; level++) {
        char *slash = strrchr(at, '/');
        if (!slash || slash == at)
            return NULL;
        *slash = '\0';
        char *found = existing(at, in_source);
        if (!found)
            found = existing(at, installed);
        if (found)
            return found;
    }
    return NULL;
}

char *share_folder(const char *kind, struct error *e) {
    if (variable("PROMPTER_SHARE"))
        return path_join(variable("PROMPTER_SHARE"), kind, e);
    char *beside = beside_program(kind);
    return beside ? beside : path_join(PROMPTER_SHARE, kind, e);
}

// ---- paths in files ----

const char *path_below(const char *path, const char *folder) {
    size_t n = strlen(folder);
    while (n > 1 && folder[n - 1] == '/')
        n--;
    if (strncmp(path, folder, n) != 0 || path[n] != '/')
        return NULL;
    path += n;
    path += strspn(path, "/");
    return *path ? path : NULL;
}

char *path_real(const char *path, struct error *e) {
    char *real = realpath(path, NULL);
    if (!real)
        error_system(e, "cannot find %s", path);
    return real;
}

char *stored_path_print(const char *path, const char *folder, const char *kind, struct error *e) {
    char *out = NULL, *share = kind ? share_folder(kind, NULL) : NULL;
    char *real = share ? realpath(share, NULL) : NULL;
    const char *inside = path_below(path, folder), *below = real ? path_below(path, real) : NULL;
    struct buffer b = {0};
    if (!inside && below)
        buffer_add_text(&b, shipped);
    buffer_add_text(&b, inside ? inside : below ? below : path);
    out = buffer_take(&b, e);
    free(real);
    free(share);
    return out;
}

char *stored_path_resolve(const char *stored, const char *folder, const char *kind, struct error *e) {
    if (!kind || strncmp(stored, shipped, sizeof shipped - 1) != 0)
        return path_join(folder, stored, e);
    const char *name = stored + sizeof shipped - 1;
    if (!path_stays_inside(name)) {
        error_set(e, ERROR_INPUT, "\"%s\" leads out of the shipped %s", stored, kind);
        return NULL;
    }
    char *share = share_folder(kind, e), *out = share ? path_join(share, name, e) : NULL;
    free(share);
    return out;
}

// ---- names ----

static int compare_names(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

bool name_list_read(struct name_list *out, const char *folder, const char *member, struct error *e) {
    *out = (struct name_list){0};
    DIR *d = opendir(folder);
    if (!d)
        return errno == ENOENT || errno == ENOTDIR || error_system(e, "cannot read the folder %s", folder);
    bool ok = true;
    for (const struct dirent *entry = readdir(d); ok && entry; entry = readdir(d)) {
        struct buffer b = {0};
        if (entry->d_name[0] == '.')
            continue;
        buffer_printf(&b, "%s/%s%s%s", folder, entry->d_name, member ? "/" : "", member ? member : "");
        ok = buffer_ok(&b, e);
        if (ok && file_exists(b.data)) {
            ok = mem_grow(&out->name, &out->capacity, out->count + 1, sizeof *out->name, e) &&
                 (out->name[out->count] = mem_strdup(entry->d_name, e)) != NULL;
            out->count += ok;
        }
        buffer_free(&b);
    }
    closedir(d);
    if (!ok)
        name_list_free(out);
    else if (out->count)
        qsort(out->name, out->count, sizeof *out->name, compare_names);
    return ok;
}

void name_list_free(struct name_list *l) {
    for (size_t i = 0; i < l->count; i++)
        free(l->name[i]);
    free(l->name);
    *l = (struct name_list){0};
}

const char *name_list_default(const struct name_list *l, const char *folder) {
    enum { MOST_DEFAULT = 4096 };
    char *path = path_join(folder, "default", NULL), *text = NULL;
    size_t length;
    const char *name = l->count ? l->name[0] : NULL;
    if (path && file_exists(path) && file_read(path, MOST_DEFAULT, &text, &length, NULL)) {
        text[strcspn(text, "\r\n")] = '\0';
        for (size_t i = 0; i < l->count; i++)
            if (strcmp(l->name[i], text) == 0)
                name = l->name[i];
    }
    free(text);
    free(path);
    return name;
}

void name_list_print(const struct name_list *l, char *out, size_t size) {
    size_t n = (size_t)snprintf(out, size, "%s", l->count ? "" : "none");
    for (size_t i = 0; i < l->count; i++) {
        size_t need = strlen(l->name[i]) + 2;
        if (n + need + 6 >= size) {
            snprintf(out + n, size - n, "%s", ", ...");
            return;
        }
        n += (size_t)snprintf(out + n, size - n, "%s%s", i ? ", " : "", l->name[i]);
    }
}

bool session_name_valid(const char *name, struct error *e) {
    size_t n = strlen(name);
    bool ok = n > 0 && n <= 100 && name[0] != '.' && !strchr(name, '/') && utf8_valid(name, n, NULL);
    for (size_t i = 0; i < n; i++)
        ok &= (unsigned char)name[i] >= 0x20 && name[i] != 0x7f;
    return ok || error_set(e, ERROR_INPUT,
                           "\"%.100s\" cannot be the name of a session: a name has 1 to 100 bytes, no "
                           "slash, and no dot at its beginning",
                           name);
}

// ---- whole folders ----

static bool copy_file(const char *from, const char *to, struct error *e) {
    struct file_map map;
    struct error why = {0};
    if (!file_map_open(&map, from, &why)) {
        if (access(from, F_OK) != 0 && errno == ENOENT)
            return true; // another program removed it after it was listed
        if (e)
            *e = why;
        return false;
    }
    bool ok = file_write_atomic(to, map.bytes ? map.bytes : (const void *)"", map.length, e);
    file_map_close(&map);
    return ok;
}

bool folder_copy(const char *from, const char *to, const char *except, struct error *e) {
    DIR *d = opendir(from);
    if (!d)
        return error_system(e, "cannot read the folder %s", from);
    bool ok = mkdir(to, 0777) == 0 || error_system(e, "cannot make the folder %s", to);
    for (const struct dirent *entry = readdir(d); ok && entry; entry = readdir(d)) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strcmp(name, except) == 0 ||
            file_name_unfinished(name))
            continue;
        char *a = path_join(from, name, e), *b = path_join(to, name, e);
        struct stat st;
        bool there = a && b && lstat(a, &st) == 0;
        ok = a && b && (there || errno == ENOENT || error_system(e, "cannot read %s", a));
        if (ok && !there)
            ; // gone meanwhile
        else if (ok && S_ISDIR(st.st_mode))
            ok = folder_copy(a, b, except, e);
        else if (ok && S_ISREG(st.st_mode))
            ok = copy_file(a, b, e);
        free(a);
        free(b);
    }
    closedir(d);
    return ok;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

bool folder_remove(const char *folder, struct error *e) {
    return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0 || errno == ENOENT ||
           error_system(e, "cannot remove %s", folder);
}
