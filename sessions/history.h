// SPDX-License-Identifier: GPL-3.0-or-later
// What a person changed in a session, one edit after the other, to be undone and redone across restarts.
//
// An edit is everything that was applied at once: one or more parts of the session ("template",
// "label_words", "settings.NAME"), each with its text before and after. Two places are kept in the list: what
// the session says (`done` edits are in force), and where undoing and redoing has led meanwhile (`at`), which
// counts only once it is accepted; a new edit before that forgets it.
//
// Journals hold it: every "edit" record is one change, and "begin" carries the whole list from the journal of
// the run before, so that the newest journal alone is enough. Replaying records that "begin" already knows
// changes nothing.
//
// No thread of its own: the caller locks.
#ifndef PROMPTER_SESSIONS_HISTORY_H
#define PROMPTER_SESSIONS_HISTORY_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "engine/base/error.h"

enum {
    HISTORY_MOST_EDITS = 200,     // older ones are forgotten
    HISTORY_MOST_BYTES = 1 << 20, // of all texts together; the newest edit always stays
    HISTORY_TOGETHER = 2,         // seconds: changes of one part that follow as closely are one edit
};

struct history_change {
    char *part, *from, *to;
};
struct history_edit {
    size_t number; // counts the edits of a session, from 1
    time_t when;
    struct history_change *change;
    size_t count, capacity;
};
struct history { // zero-initialise
    struct history_edit *edit;
    size_t count, capacity;
    size_t done, at;
    size_t last_number;
    cJSON *unwritten; // members of "edit" records that no journal has yet, in order
};
void history_free(struct history *h);

// A new edit of what the session says: copies the changes, forgets what could be redone.
bool history_push(struct history *h, const struct history_change *change, size_t count, time_t now,
                  struct error *e);
// The next step back or forward, NULL if there is none: its texts stay until the next push.
const struct history_edit *history_undo(struct history *h);
const struct history_edit *history_redo(struct history *h);
// Makes the session follow undo and redo by one edit: call until it gives NULL, and apply each.
// *undone: towards `from`. NULL with an error too: check e->kind, or that done == at.
const struct history_edit *history_accept(struct history *h, bool *undone, struct error *e);
// Back to what the session says: what was undone or redone and not accepted.
void history_settle(struct history *h);

// ---- records ----
// The members "edits" and "edits_done" of a "begin" record.
bool history_put(const struct history *h, cJSON *begin, struct error *e);
// Follows a "begin" or "edit" record; others change nothing, and what is not ours is left out.
bool history_replay(struct history *h, const char *what, const cJSON *record, time_t when, struct error *e);

#endif
