// SPDX-License-Identifier: GPL-3.0-or-later
// The studies that wait for the engine's thread, first come, first served; for engine.c alone. Every function
// may be called from either thread.
#ifndef PROMPTER_ENGINE_STUDY_DESK_H
#define PROMPTER_ENGINE_STUDY_DESK_H

#include "engine/inspect/study.h"

struct study_desk;
bool study_desk_create(struct study_desk **out, struct error *e);
void study_desk_free(struct study_desk *d); // and the studies that are left

void study_desk_put(struct study_desk *d, struct study *take);  // cancels the older ones of its channel
void study_desk_cancel(struct study_desk *d, unsigned channel); // STUDY_EVERY_CHANNEL: all
// The one to work on: cancelled ones come first, so that they are given back soon. NULL: none. It stays on
// the desk until it is taken.
struct study *study_desk_present(struct study_desk *d);
void study_desk_take(struct study_desk *d, struct study *s); // off the desk; now the caller's

#endif
