// SPDX-License-Identifier: GPL-3.0-or-later
// Reads the runs of all sessions on a thread of its own, so that the screen goes on meanwhile.
#ifndef PROMPTER_VIEWS_COMPARE_LOAD_H
#define PROMPTER_VIEWS_COMPARE_LOAD_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/report.h"

struct compare_loader;
// `news` is called on the thread now and then, and when all is read.
bool compare_loader_start(struct compare_loader **out, void (*news)(void *context), void *context,
                          struct error *e);
// How many journals are read, and of how many (0 until it is known).
void compare_loader_progress(const struct compare_loader *l, size_t *done, size_t *total);
bool compare_loader_finished(const struct compare_loader *l);
// Once it has finished: the runs, now the caller's; false where they could not be found.
bool compare_loader_take(struct compare_loader *l, struct report *out, struct error *e);
// Ends it after the journal that it reads. NULL is fine.
void compare_loader_free(struct compare_loader *l);

#endif
