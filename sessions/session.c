// SPDX-License-Identifier: GPL-3.0-or-later
// The session as an object: its parts, saving, copies under another name, the list of sessions.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "method.h"
#include "paths.h"
#include "session_inside.h"

struct session *session_new(const char *name, const char *folder, struct error *e) {
    struct session *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->parts_lock, NULL);
    pthread_mutex_init(&s->disk_lock, NULL);
    run_settings_default(&s->parts.settings);
    s->parts.version = SESSION_VERSION;
    s->lock.fd = -1;
    s->opened = time(NULL);
    step_files_reset(&s->steps, 0);
    s->name = mem_strdup(name, e);
    s->folder = mem_strdup(folder, e);
    s->parts.template_text = mem_strdup("", e);
    s->parts.label_words = mem_strdup("", e);
    s->parts.own_examples = mem_strdup("", e);
    if (s->name && s->folder && s->parts.template_text && s->parts.label_words && s->parts.own_examples)
        return s;
    session_free(s);
    return NULL;
}

void session_free(struct session *s) {
    if (!s)
        return;
    step_files_close(&s->steps);
    free(s->waiting);
    journal_free(s->journal);
    journal_free(s->retired.journal);
    free(s->retired.folder);
    snapshot_set_release(s->snapshots);
    snapshot_set_release(s->retired.snapshots);
    session_lock_release(&s->lock);
    session_parts_free(&s->parts);
    free(s->read_only);
    free(s->saved_template);
    free(s->saved_label_words);
    free(s->saved_own);
    history_free(&s->history);
    buffer_free(&s->notes);
    pthread_mutex_destroy(&s->parts_lock);
    pthread_mutex_destroy(&s->disk_lock);
    free(s->name);
    free(s->folder);
    free(s);
}

void session_note(struct session *s, const char *format, ...) {
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    utf8_make_plain(line);
    if (s->notes.length)
        buffer_add_char(&s->notes, '\n');
    buffer_add_text(&s->notes, line);
}

char *session_path(const struct session *s, const char *below, struct error *e) {
    return path_join(s->folder, below, e);
}

const char *session_name(const struct session *s) {
    return s->name;
}

const char *session_folder(const struct session *s) {
    return s->folder;
}

const char *session_read_only(const struct session *s) {
    return s->read_only;
}

bool session_may_write(const struct session *s, struct error *e) {
    return !s->read_only || error_set(e, ERROR_INPUT, "read-only: %s", s->read_only);
}

struct journal_test session_tested(const struct session *s) {
    return s->tested;
}

const char *session_notes(const struct session *s) {
    if (s->notes.failed)
        return "there is no memory for what should be told here";
    return s->notes.data ? s->notes.data : "";
}

// ---- parts ----

const struct run_settings *session_settings(const struct session *s) {
    return &s->parts.settings;
}

const char *session_template(const struct session *s) {
    return s->parts.template_text;
}

const char *session_label_words(const struct session *s) {
    return s->parts.label_words;
}

bool session_changed(const struct session *s) {
    return atomic_load(&s->edits) != atomic_load(&s->saved_edits);
}

// A prompt file that is named from where the program runs must be found later from elsewhere; one in the
// session's folder moves with it.
static void settle_start_file(const struct session *s, struct run_settings *settings) {
    const char *below = path_below(settings->start_file, s->folder);
    if (below) {
        memmove(settings->start_file, below, strlen(below) + 1);
        return;
    }
    if (!settings->start_file[0] || settings->start_file[0] == '/')
        return;
    char *inside = session_path(s, settings->start_file, NULL);
    char *real = inside && file_exists(inside) ? NULL : realpath(settings->start_file, NULL);
    if (real && strlen(real) < sizeof settings->start_file)
        snprintf(settings->start_file, sizeof settings->start_file, "%s", real);
    free(real);
    free(inside);
}

bool session_set_settings(struct session *s, const struct run_settings *settings) {
    struct run_settings next = *settings;
    settle_start_file(s, &next);
    if (run_settings_equal(&next, &s->parts.settings))
        return false;
    pthread_mutex_lock(&s->parts_lock);
    s->parts.settings = next;
    pthread_mutex_unlock(&s->parts_lock);
    atomic_fetch_add(&s->edits, 1);
    return true;
}

static bool choose(const struct session *s, enum run_method method, const struct run_settings *base,
                   struct method_choice *out, struct error *e) {
    const struct session_parts *p = &s->parts;
    struct task *t = NULL;
    bool ok = task_load(&t, p->task, p->data, e) && method_choose(out, method, p->model, t, base, e);
    task_free(t);
    return ok;
}

bool session_begin_with(struct session *s, const struct run_settings *settings, struct error *e) {
    struct run_settings next = *settings;
    char *file = session_path(s, session_file_name, e);
    bool ok = file != NULL, is_new = ok && !file_exists(file);
    free(file);
    if (!is_new)
        return ok;
    struct method_choice c = {0};
    if (next.method != METHOD_CUSTOM && !s->parts.template_text[0]) { // a rate of one's own counts for all
        struct run_settings plain;
        run_settings_default(&plain);
        struct error why = {0};
        if (choose(s, next.method, &next, &c, &why)) {
            c.settings.rate = next.rate == plain.rate ? c.settings.rate : next.rate;
            next = c.settings;
        } else { // the next task or model may have what it needs
            session_note(s, "%s", why.text);
            next.method = METHOD_CUSTOM;
        }
    }
    settle_start_file(s, &next);
    pthread_mutex_lock(&s->parts_lock);
    s->parts.settings = next;
    if (c.template_text) {
        free(s->parts.template_text);
        s->parts.template_text = c.template_text;
    }
    pthread_mutex_unlock(&s->parts_lock);
    return !s->saved_template || session_remember_saved(s, e);
}

bool session_choose_method(struct session *s, enum run_method method, struct error *e) {
    struct method_choice c = {0};
    bool ok = choose(s, method, &s->parts.settings, &c, e) &&
              (!c.template_text || session_set_template(s, c.template_text, e));
    if (ok)
        session_set_settings(s, &c.settings);
    free(c.template_text);
    return ok;
}

static bool set_text(struct session *s, char **at, const char *what, const char *text, struct error *e) {
    size_t bad;
    if (strcmp(*at, text) == 0)
        return true;
    if (!utf8_valid(text, strlen(text), &bad))
        return error_set(e, ERROR_INPUT, "the %s is not UTF-8 (byte %zu)", what, bad + 1);
    char *copy = mem_strdup(text, e);
    if (!copy)
        return false;
    pthread_mutex_lock(&s->parts_lock);
    free(*at);
    *at = copy;
    pthread_mutex_unlock(&s->parts_lock);
    atomic_fetch_add(&s->edits, 1);
    return true;
}

bool session_set_template(struct session *s, const char *text, struct error *e) {
    return set_text(s, &s->parts.template_text, "template", text, e);
}

bool session_set_label_words(struct session *s, const char *text, struct error *e) {
    return set_text(s, &s->parts.label_words, "label words", text, e);
}

const char *session_own_examples(const struct session *s) {
    return s->parts.own_examples;
}

bool session_set_own_examples(struct session *s, const char *text, struct error *e) {
    if (strcmp(text, s->parts.own_examples) == 0)
        return true;
    if (strlen(text) > SESSION_MOST_OWN)
        return error_set(e, ERROR_INPUT,
                         "own examples may have %d bytes together; a file of a task of its own holds more",
                         SESSION_MOST_OWN);
    if (!set_text(s, &s->parts.own_examples, "example", text, e))
        return false;
    s->own_unwritten = true;
    return true;
}

// ---- saving ----

// Folder and lock of a session that is not on the disk yet. Somebody may have made one of that name since.
static bool make_place(struct session *s, struct error *e) {
    char *file = session_path(s, session_file_name, e);
    bool ok = file && file_make_folders(s->folder, e);
    if (ok && !s->lock.path)
        ok = session_lock_take(&s->lock, s->folder, time(NULL), NULL, e);
    if (ok && !s->written && file_exists(file)) {
        ok = error_set(
            e, ERROR_INPUT,
            "a session %s has been made meanwhile; save this one under another name (:saveas NAME)", s->name);
        session_lock_release(&s->lock);
    }
    free(file);
    return ok;
}

bool session_write(struct session *s, bool always, struct error *e) {
    if (!session_may_write(s, e))
        return false;
    if (s->written && !always)
        return true;
    if (!make_place(s, e))
        return false;
    char *path = session_path(s, session_file_name, e);
    pthread_mutex_lock(&s->parts_lock);
    size_t edits = atomic_load(&s->edits);
    char *text = path ? session_parts_print(s, time(NULL), e) : NULL;
    pthread_mutex_unlock(&s->parts_lock);
    bool ok = text && session_own_write(s, e) && session_keep_version(s, path, e) &&
              file_write_atomic(path, text, strlen(text), e);
    if (ok) {
        s->parts.version = SESSION_VERSION;
        s->written = true;
        atomic_store(&s->saved_edits, edits);
    }
    free(text);
    free(path);
    return ok && (s->saved_template || session_remember_saved(s, e));
}

// The journal of a run that ended may be gone already: then its successor tells of the edits.
static bool edits_have_a_journal(const struct session *s) {
    char *path = session_path(s, "journal.jsonl", NULL);
    bool there = !s->begin_pending || (path && file_exists(path));
    free(path);
    return there;
}

static bool save_locked(struct session *s, struct error *e) {
    // Once session.json is written all is saved: what goes wrong then concerns the story of it alone.
    return session_write(s, true, e) && (!edits_have_a_journal(s) || session_flush_edits(s, e));
}

bool session_save(struct session *s, struct error *e) {
    if (!session_commit_edits(s, e))
        return false;
    pthread_mutex_lock(&s->disk_lock);
    bool ok = save_locked(s, e);
    pthread_mutex_unlock(&s->disk_lock);
    return ok;
}

// ---- another name ----

// A path inside the session's folder moves with it.
static bool move_path(char **path, const char *from, const char *to, struct error *e) {
    const char *below = *path ? path_below(*path, from) : NULL;
    if (!below)
        return true;
    char *moved = path_join(to, below, e);
    if (!moved)
        return false;
    free(*path);
    *path = moved;
    return true;
}

// The program that has the session may be further than this one, whose run the copy is of.
static bool forget_steps(const char *folder, struct error *e) {
    bool ok = true;
    for (size_t i = 0; ok && i < STEP_FILES; i++) {
        struct buffer b = {0};
        buffer_printf(&b, "%s/prompts/%s", folder, step_file_names[i]);
        ok = buffer_ok(&b, e) &&
             (unlink(b.data) == 0 || errno == ENOENT || error_system(e, "cannot remove %s", b.data));
        buffer_free(&b);
    }
    return ok;
}

// The copy is made under a name that is no session's and then takes its own in one step.
static bool copy_session(const struct session *s, const char *home, const char *to, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, "%s/.copy.%ld", home, (long)getpid());
    bool ok = buffer_ok(&b, e) && file_make_folders(home, e) && folder_remove(b.data, e);
    if (ok && s->written) {
        ok = folder_copy(s->folder, b.data, lock_file_name, e) &&
             (!s->read_only || forget_steps(b.data, e)) &&
             (rename(b.data, to) == 0 || error_system(e, "cannot make %s", to));
        if (!ok)
            folder_remove(b.data, NULL);
    }
    buffer_free(&b);
    return ok;
}

// From now on the session is the one in `to`.
static bool become(struct session *s, const char *name, const char *to, struct error *e) {
    struct session_lock lock;
    char *new_name = mem_strdup(name, e), *new_folder = mem_strdup(to, e);
    bool ok = new_name && new_folder && file_make_folders(to, e) &&
              session_lock_take(&lock, to, time(NULL), NULL, e);
    if (!ok) {
        free(new_name);
        free(new_folder);
        return false;
    }
    pthread_mutex_lock(&s->parts_lock);
    ok = move_path(&s->parts.model, s->folder, to, e) && move_path(&s->parts.task, s->folder, to, e) &&
         move_path(&s->parts.data, s->folder, to, e);
    free(s->name);
    free(s->folder);
    s->name = new_name;
    s->folder = new_folder;
    stamp_print(time(NULL), s->parts.created);
    pthread_mutex_unlock(&s->parts_lock);
    session_lock_release(&s->lock);
    s->lock = lock;
    free(s->read_only);
    s->read_only = NULL;
    journal_free(s->journal);
    s->journal = NULL;
    s->own_unwritten = s->parts.own_examples[0] != 0;
    step_files_close(&s->steps);
    return ok;
}

static bool save_as_locked(struct session *s, const char *name, struct error *e) {
    char *home = session_home(e), *to = home ? path_join(home, name, e) : NULL;
    bool ok = to != NULL;
    if (ok && file_exists(to))
        ok = error_set(e, ERROR_INPUT, "there is a session %s already; choose another name", name);
    if (ok && s->journal)
        ok = journal_flush(s->journal, e);
    ok = ok && copy_session(s, home, to, e);
    bool copied = ok;
    ok = ok && become(s, name, to, e) && save_locked(s, e);
    if (copied && !ok)
        error_context(e, "%s", to);
    free(home);
    free(to);
    return ok;
}

bool session_save_as(struct session *s, const char *name, struct error *e) {
    if (!session_name_valid(name, e) || !session_commit_edits(s, e))
        return false;
    pthread_mutex_lock(&s->disk_lock);
    bool ok = save_as_locked(s, name, e);
    pthread_mutex_unlock(&s->disk_lock);
    return ok;
}

// ---- all of them ----

struct dated {
    char *name;
    struct timespec changed;
};

static int newest_first(const void *a, const void *b) {
    const struct dated *x = a, *y = b;
    if (x->changed.tv_sec != y->changed.tv_sec)
        return x->changed.tv_sec < y->changed.tv_sec ? 1 : -1;
    if (x->changed.tv_nsec != y->changed.tv_nsec)
        return x->changed.tv_nsec < y->changed.tv_nsec ? 1 : -1;
    return strcmp(x->name, y->name);
}

// The later of session.json's and the journal's last change.
static struct timespec last_change(const char *home, const char *name) {
    static const char *const files[] = {"session.json", "journal.jsonl"};
    struct timespec latest = {0};
    for (size_t i = 0; i < 2; i++) {
        struct buffer b = {0};
        struct stat st;
        buffer_printf(&b, "%s/%s/%s", home, name, files[i]);
        if (buffer_ok(&b, NULL) && stat(b.data, &st) == 0 &&
            (st.st_mtim.tv_sec > latest.tv_sec ||
             (st.st_mtim.tv_sec == latest.tv_sec && st.st_mtim.tv_nsec > latest.tv_nsec)))
            latest = st.st_mtim;
        buffer_free(&b);
    }
    return latest;
}

bool session_list(char ***names, size_t *count, struct error *e) {
    struct name_list list = {0};
    char *home = session_home(e);
    *names = NULL;
    *count = 0;
    bool ok = home && name_list_read(&list, home, session_file_name, e);
    struct dated *dated = ok ? mem_calloc(list.count, sizeof *dated, e) : NULL;
    if (dated) {
        for (size_t i = 0; i < list.count; i++)
            dated[i] = (struct dated){list.name[i], last_change(home, list.name[i])};
        qsort(dated, list.count, sizeof *dated, newest_first);
        for (size_t i = 0; i < list.count; i++)
            list.name[i] = dated[i].name;
        *names = list.name;
        *count = list.count;
    } else if (ok) {
        name_list_free(&list);
    }
    free(home);
    ok = dated != NULL;
    free(dated);
    return ok;
}

void session_list_free(char **names, size_t count) {
    name_list_free(&(struct name_list){.name = names, .count = count});
}
