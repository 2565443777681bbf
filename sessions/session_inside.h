// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of sessions/session*.c and keeper.c share; nobody else includes it.
//
//   session.c        the session, its parts, saving, copies
//   session_json.c   session.json <-> the parts
//   session_version.c  older versions of session.json
//   session_open.c   what a name on the command line means
//   session_setup.c  what the engine opens
//   session_fork.c   another session that begins where this one stands
//   session_edits.c  what was edited, undo and redo
//   keeper.c         what the engine's thread keeps
#ifndef PROMPTER_SESSIONS_SESSION_INSIDE_H
#define PROMPTER_SESSIONS_SESSION_INSIDE_H

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#include "checkpoint.h"
#include "engine/base/memory.h"
#include "history.h"
#include "journal.h"
#include "lock.h"
#include "session.h"
#include "stamp.h"
#include "step_file.h"

// What session.json says. Paths are absolute here.
struct session_parts {
    char *model, *task, *data;         // data may be NULL
    char *template_text, *label_words; // "" until set
    char *own_examples;                // JSON Lines, the file own.jsonl; "" where there is none
    struct run_settings settings;
    char created[STAMP_SIZE];
    int version; // of the file that was read
    cJSON *tree; // as read, with the keys that we do not know; NULL for a new session
};

struct session {
    char *name, *folder;
    // Changed by the UI thread under parts_lock, and read by it without; the keeper reads under it.
    pthread_mutex_t parts_lock;
    struct session_parts parts;
    atomic_size_t edits, saved_edits; // changed when they differ
    // The disk: taken by whoever writes into the folder; never while holding parts_lock.
    pthread_mutex_t disk_lock;
    struct session_lock lock;
    char *read_only;     // why; NULL: it is not
    bool written;        // session.json is there
    bool begin_pending;  // what is kept belongs to another run: it moves away before the next write
    bool active;         // the engine has told of a run that it did not close yet
    bool best_unwritten; // a best prompt could not be written
    size_t last_step;    // of the active run
    bool resume_pending; // the next record says where the run went on
    size_t resume_step;
    struct journal_test tested; // of the kept run that session_setup resumed
    struct journal *journal;    // NULL until needed
    // Metrics that the journal has not taken yet: it could not be opened, or made a line. `lost`: there was
    // no room for these either, which is yet to be told.
    struct metric *waiting;
    size_t waits, waiting_capacity, lost;
    struct step_files steps;        // of the present run
    struct snapshot_set *snapshots; // that prompts/snapshots holds (snapshot_files.h)
    uint64_t serial;                // of the newest checkpoint of the present run
    char mark[CHECKPOINT_SETUP];    // of the setup that the engine has
    // A run that was left for a new one while the engine still had it: what it still tells goes where its
    // files went.
    struct {
        char *folder; // NULL: none
        struct journal *journal;
        char mark[CHECKPOINT_SETUP];
        struct snapshot_set *snapshots;
    } retired;
    // As of the last edit; under parts_lock. NULL texts: nothing was saved yet, and no edit is told.
    struct run_settings saved_settings;
    char *saved_template, *saved_label_words, *saved_own;
    bool own_unwritten;     // own.jsonl does not have them yet
    struct history history; // under parts_lock
    time_t opened;
    bool told_open; // the journal says so
    struct buffer notes;
};

enum { SESSION_VERSION = 1 };
extern const char session_file_name[]; // "session.json"

// A session in memory with empty parts, which the caller fills.
struct session *session_new(const char *name, const char *folder, struct error *e);
void session_note(struct session *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *session_path(const struct session *s, const char *below, struct error *e); // folder/below, owned

// ---- session_json.c ----
// Reads `path` into fresh parts. Unknown settings are noted. Messages: path: key: what was expected.
bool session_parts_read(struct session *s, const char *path, struct error *e);
// The text of session.json; brings the tree up to date. Under parts_lock.
char *session_parts_print(struct session *s, time_t now, struct error *e);
// own.jsonl beside session.json: into the parts, and back. Messages begin with its path.
bool session_own_read(struct session *s, struct error *e);
bool session_own_write(struct session *s, struct error *e); // under disk_lock
// {"name": value, ...} of all settings; NULL without memory.
cJSON *session_settings_json(const struct run_settings *settings);
void session_parts_free(struct session_parts *p);
// The task that a session.json names, as an absolute path; NULL if it cannot be told.
char *session_peek_task(const char *folder);

// The settings that an object names; an unknown one goes to the notes of `s`, which may be NULL.
bool session_settings_read(struct run_settings *out, const cJSON *object, struct session *s);

// ---- session.c ----
// False, saying why, when it is read-only.
bool session_may_write(const struct session *s, struct error *e);
// Folder, lock and session.json on the disk; with `always`, session.json is written even where it is there.
// Under disk_lock.
bool session_write(struct session *s, bool always, struct error *e);

// ---- session_edits.c ----
// Copies the parts as they are to the saved ones.
bool session_remember_saved(struct session *s, struct error *e);
// Writes the edits that the journal does not have yet. Under disk_lock.
bool session_flush_edits(struct session *s, struct error *e);
// What journals say about edits, and what was changed by hand since. For a session that was just read.
bool session_load_edits(struct session *s, struct error *e);

// ---- keeper.c ----
// The journal, opened and begun. Under disk_lock.
bool session_need_journal(struct session *s, struct error *e);
bool session_move_kept(struct session *s, struct error *e);
// What keeper.keep does with the run's picture.
// What keeper.keep does after a step, which is passed over where it would cost too much (step_file.h).
bool session_step_due(struct session *s);
bool session_keep_checkpoint(struct session *s, enum keep_reason why, const struct run_checkpoint *c,
                             struct error *e);
void session_keep_metric(struct session *s, const struct metric *m);
void session_keep_test(struct session *s, const struct evaluation *test, size_t step);

// ---- session_version.c ----
// Brings what was read up to SESSION_VERSION; *version is the one that it had.
bool session_migrate(cJSON *tree, int *version, struct error *e);
// Keeps the file at `path` as PATH.vN if it is of an older version and is about to be written anew.
bool session_keep_version(const struct session *s, const char *path, struct error *e);

// ---- session_open.c ----
// The folder of the session called `what` in session_home, or at that path; owned.
char *session_find(const char *what, struct error *e);
// The task.json that a path means: itself, or the one in the folder. NULL without an error: neither.
char *session_task_file(const char *path);
bool session_model_shipped(const struct session *s);

// ---- session_setup.c ----
// A mark that changes with everything that makes another run of it: model, task, template, label words, and
// the settings that are not live; and behind it the learning rate that the run was opened with.
void session_mark(const struct session *s, char out[CHECKPOINT_SETUP]);

#endif
