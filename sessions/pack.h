// SPDX-License-Identifier: GPL-3.0-or-later
// A session as one file, to be sent or put away: a zip file of the session's folder, with the task and the
// data that it uses where they are not shipped with Prompter, but without the model.
//
// Inside, session.json comes first and names everything relative to itself: what came from outside the folder
// lies in task/, data/ and start/. session.lock, hidden files and journals that were set aside stay behind.
#ifndef PROMPTER_SESSIONS_PACK_H
#define PROMPTER_SESSIONS_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"

// Of all files of a pack together.
enum { PACK_MOST_FILES = 10000, PACK_MOST_MEGABYTES = 1024 };

// `what` names a session as session_open takes it. Nobody else may have it open. The file must not exist;
// what there is to know about it comes into *notes, one a line.
bool session_pack(const char *what, const char *file, struct buffer *notes, struct error *e);

// Makes the session `name` (NULL: as it was called) in session_home; there must be none of that name.
// model_folder (may be NULL) is the model from now on. *folder is the session's, owned by the caller.
// Nothing is left behind when it fails.
bool session_unpack(const char *file, const char *name, const char *model_folder, char **folder,
                    struct buffer *notes, struct error *e);

#endif
