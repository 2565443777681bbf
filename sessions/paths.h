// SPDX-License-Identifier: GPL-3.0-or-later
// Where things are, and how a path is written into session.json so that the session can be moved: inside the
// session's folder relative to it, a shipped model or task as "shipped:NAME", anything else absolute.
#ifndef PROMPTER_SESSIONS_PATHS_H
#define PROMPTER_SESSIONS_PATHS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

// `path` is absolute, `folder` the session's, `kind` that of share_folder. Owned.
char *stored_path_print(const char *path, const char *folder, const char *kind, struct error *e);
// The way back: an absolute path, owned. A relative one counts from the session's folder.
char *stored_path_resolve(const char *stored, const char *folder, const char *kind, struct error *e);
// The part of `path` below `folder`, or NULL when it does not lie below it.
const char *path_below(const char *path, const char *folder);
// The absolute path without links and dots of a file that exists. Owned.
char *path_real(const char *path, struct error *e);

// Names of the folders in `folder` that hold a file `member` (NULL: of everything there), sorted. An absent
// folder has none.
struct name_list {
    char **name; // owned
    size_t count, capacity;
};
bool name_list_read(struct name_list *out, const char *folder, const char *member, struct error *e);
void name_list_free(struct name_list *l);
// Which of the names is meant when nobody names one: the one in the first line of the file "default" in
// `folder`, or the first name. NULL: the list is empty.
const char *name_list_default(const struct name_list *l, const char *folder);
// "a, b, c" ("none" if empty), cut with ", ..." to fit.
void name_list_print(const struct name_list *l, char *out, size_t size);

// What can be a session's name: a file name of at most 100 bytes, UTF-8, not beginning with a dot.
bool session_name_valid(const char *name, struct error *e);

// A copy of all regular files and folders below `from` as `to`, which must not be there yet. Left out are
// files called `except`, and, as another program may be at work in the folder, what is being written and what
// is gone when its turn comes.
bool folder_copy(const char *from, const char *to, const char *except, struct error *e);
bool folder_remove(const char *folder, struct error *e);

#endif
