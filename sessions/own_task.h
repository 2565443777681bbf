// SPDX-License-Identifier: GPL-3.0-or-later
// A task of one's own without any file: a session that has the task with it, and whose examples are typed.
#ifndef PROMPTER_SESSIONS_OWN_TASK_H
#define PROMPTER_SESSIONS_OWN_TASK_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "sessions/session.h"

// Makes the session NAME of a new task: labels and fields are lists with commas ("negative, positive"; fields
// NULL or "": one called "text"). The task goes to NAME/task/NAME/task.json in the session's folder; its
// label words are the labels, its template reads the fields one after the other. The session tunes on its own
// examples alone (the setting own is only) and is not saved yet. Fails where there is a session of that name.
bool session_create_own(struct session **out, const char *name, const char *model_folder, const char *labels,
                        const char *fields, struct error *e);

#endif
