// SPDX-License-Identifier: GPL-3.0-or-later
// A session: a folder that a person can read, copy and put into version control.
//
//   session.json           model, task, template, label words, settings (schema: sessions/SESSION.md)
//   journal.jsonl          what happened, a JSON object a line, appended: steps, evaluations, rate changes,
//                          edits, tests (sessions/journal.h)
//   prompts/               best.safetensors: the prompt; last.safetensors: what a resumed run needs
//   series.json            runs with several seeds, where there is a series (sessions/series.h)
//   own.jsonl              examples that a person typed
//   kept/001/ ...          journal and prompts of earlier runs
//   session.lock           who has it open (sessions/lock.h)
// Every file but the journal is written to a temporary file, flushed and renamed. Keys of session.json that
// we do not know survive a load and save; a newer "version" is refused.
//
// Threads: the session's settings belong to the UI thread; the keeper runs on the engine's thread and touches
// only prompts/ and the journal (which has its own lock).
#ifndef PROMPTER_SESSIONS_SESSION_H
#define PROMPTER_SESSIONS_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "sessions/history.h"
#include "sessions/journal.h"

struct session;

// Where sessions live: $PROMPTER_SESSIONS, or $XDG_DATA_HOME/prompter/sessions, or
// ~/.local/share/prompter/sessions.
char *session_home(struct error *e); // owned
// Where shipped models and tasks are: $PROMPTER_SHARE, beside the program in its source tree, or the
// installed place.
char *share_folder(const char *kind, struct error *e); // kind: "models", "tasks", "lessons", "gallery"; owned
// A folder, "shipped:NAME" or the name of a shipped model; NULL: the shipped one. Absolute, owned.
char *session_find_model(const char *model, struct error *e);
// The task.json of a path (itself or the folder that holds it) or of a shipped task's name. Absolute, owned.
char *session_find_task(const char *path, struct error *e);

// `what`: the name of a session in session_home, a session's folder or session.json, a task.json or a task's
// folder, the name of a shipped task, or NULL for the shipped model and the default shipped task. A task
// gives the session "TASK" (the task's name) in session_home: opened if it is there already, made anew
// otherwise (not written before the first save or the first step). model_folder (may be NULL) overrides the
// model: a folder, or the name of a shipped one. A session that another program has open is refused, saying
// who has it.
bool session_open(struct session **out, const char *what, const char *model_folder, struct error *e);
// The same to look at it: a session that another program has open, or that cannot be locked (no permission,
// full disk), is opened read-only.
bool session_open_reading(struct session **out, const char *what, const char *model_folder, struct error *e);
// Why it is read-only, as a sentence; NULL when it is not. Nothing is written then: saving and beginning a
// run are refused with this message, and the keeper keeps nothing. session_save_as makes a copy that can be
// written.
const char *session_read_only(const struct session *s);
// What a session that is new, and was not saved yet, begins with instead of the defaults (with a method, what
// that sets; where it cannot be, that is noted and the session begins without): no edit, and
// nothing to be saved by itself. Does nothing to any other session.
bool session_begin_with(struct session *s, const struct run_settings *settings, struct error *e);
// A new session from parts; fails if one of that name exists. data_folder may be NULL.
bool session_create(struct session **out, const char *name, const char *model_folder, const char *task_path,
                    const char *data_folder, struct error *e);
// Whether there is a session of that name.
bool session_exists(const char *name);
void session_free(struct session *s);

const char *session_name(const struct session *s);
const char *session_folder(const struct session *s);
// What opening it brought to light and a person should know, one a line; "" if nothing. Grows with
// session_setup, which reads journal and checkpoint.
const char *session_notes(const struct session *s);
// How the kept run that the last session_setup resumes did on the test set; examples 0: it was not scored.
struct journal_test session_tested(const struct session *s);
// What the engine opens next: settings, template, label words, and, unless `fresh`, what resumes the kept
// run. A kept run that was made with another template, label words or settings, or that cannot be read, is
// not resumed but noted; it moves to kept/ when the new run writes for the first time, as it does after
// `fresh`. For START_FILE the prompt file is read here. Owned by the caller.
struct engine_setup *session_setup(struct session *s, bool fresh, struct error *e);

// The parts that people edit. Setting one marks the session as changed; session_save writes session.json
// atomically.
const struct run_settings *session_settings(const struct session *s);
bool session_set_settings(struct session *s, const struct run_settings *settings); // true if they differ
const char *session_template(const struct session *s); // "" until set: the task's first
bool session_set_template(struct session *s, const char *text, struct error *e);
const char *session_label_words(const struct session *s);
bool session_set_label_words(struct session *s, const char *text, struct error *e);
// Sets all that a method sets (sessions/method.h). Reads the task.
bool session_choose_method(struct session *s, enum run_method method, struct error *e);
// Examples that a person typed, as JSON Lines (engine/data/task.h); "" where there are none. At most
// SESSION_MOST_OWN bytes.
enum { SESSION_MOST_OWN = 1 << 18 };
const char *session_own_examples(const struct session *s);
bool session_set_own_examples(struct session *s, const char *text, struct error *e);
// What was set since the last call becomes one edit that can be undone; session_save and session_begin_run do
// so too. Nothing is written here.
bool session_commit_edits(struct session *s, struct error *e);
// Undo and redo of edits, those of earlier openings too (sessions/history.h). Each call leads one edit back
// or forth and says which, NULL if there is none (valid until the next commit). The session does not change:
// the caller shows the texts, sets what a person applies, and calls session_accept_edits before the commit.
const struct history_edit *session_undo_edit(struct session *s);
const struct history_edit *session_redo_edit(struct session *s);
bool session_accept_edits(struct session *s, struct error *e);
// Whether undo and redo led to somewhere that was not accepted yet.
bool session_edits_wait(struct session *s);
bool session_changed(const struct session *s);
bool session_save(struct session *s, struct error *e);
// The same session under another name (a copy of its folder's files); the session then is that one.
bool session_save_as(struct session *s, const char *name, struct error *e);

// The keeper for engine_options: writes prompts/, appends to the journal. Valid as long as the session.
struct keeper session_keeper(struct session *s);

// Another run begins (settings, template or label words were applied anew): the kept prompts and journal move
// to kept/001, 002, ... so that nothing is lost. Call it before session_setup and ENGINE_OPEN; what the
// engine still tells of the run it is about to close goes to kept/ too.
bool session_begin_run(struct session *s, struct error *e);

// For a program that ends at once, without closing the engine: waits for what is being written, has the disk
// take the journal, gives the lock back; from then on nothing is written. The last step is kept.
void session_let_go(struct session *s);

// A new session with the same model, task, pattern, label words and settings, whose run starts from `prompt`:
// a copy lies in its folder and is its start_file, so its steps count from 0 and its optimizer begins anew.
// Its journal says where it comes from ("fork": session and step). name NULL: "NAME-fork". *made is its name,
// owned by the caller.
struct prompt_matrix;
bool session_fork(const struct session *s, const char *name, const struct prompt_matrix *prompt, size_t step,
                  char **made, struct error *e);

// A new session NAME with the same task, label words and own examples on another model, with this template
// and these settings; no run of it is begun. Saved.
bool session_on_model(const struct session *s, const char *name, const char *model_folder,
                      const char *template_text, const struct run_settings *settings, struct error *e);

// Names in session_home, sorted by last change, newest first. Owned array of owned strings.
bool session_list(char ***names, size_t *count, struct error *e);
void session_list_free(char **names, size_t count);

#endif
