// SPDX-License-Identifier: GPL-3.0-or-later
// One program at a time on a session: a locked file that says who has it.
//
// The kernel's lock on session.lock decides, and goes with the process; what stands in the file (pid, host,
// when it began, since when it has the session) is for the message, and for file systems that know no locks:
// there the process itself is asked for, and told by its beginning from a later one of the same number. A
// file left behind by a program that died is taken over, unless it names another host: then the lock may be
// one that our kernel cannot see, and a person has to decide.
#ifndef PROMPTER_SESSIONS_LOCK_H
#define PROMPTER_SESSIONS_LOCK_H

#include <stdbool.h>
#include <time.h>

#include "engine/base/error.h"

extern const char lock_file_name[]; // "session.lock"

struct session_lock {
    char *path; // owned; NULL: not held
    int fd;
};
// The folder must exist. *stale (may be NULL) tells that a dead program's lock was taken over.
bool session_lock_take(struct session_lock *lock, const char *folder, time_t now, bool *stale,
                       struct error *e);
// Removes the file. Not held is fine.
void session_lock_release(struct session_lock *lock);

#endif
