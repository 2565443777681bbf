// SPDX-License-Identifier: GPL-3.0-or-later
// What goes from the engine's thread to the UI: events that are never lost, the metric log, the latest
// picture. Every function may be called from either thread; none waits for more than a copy under the lock.
#ifndef PROMPTER_ENGINE_OUTBOX_H
#define PROMPTER_ENGINE_OUTBOX_H

#include "engine/engine.h"

struct outbox;

bool outbox_create(struct outbox **out, struct error *e);
void outbox_free(struct outbox *o); // releases what nobody took
int outbox_fd(const struct outbox *o);
void outbox_acknowledge(struct outbox *o);

// Takes the event's workspace reference and study. A progress event replaces one that was not read yet.
void outbox_event(struct outbox *o, const struct engine_event *event);
bool outbox_next_event(struct outbox *o, struct engine_event *event);

void outbox_metric(struct outbox *o, const struct metric *m);
// Begins the log anew with these.
void outbox_metrics_reset(struct outbox *o, const struct metric *first, size_t count);
// Reading from `from` says that the reader has what stands before it: of a long log it is forgotten.
size_t outbox_metrics(struct outbox *o, size_t from, struct metric *out, size_t most, size_t *epoch);

// Makes `take` the latest picture; returns one that is free for reuse, or NULL.
struct prompt_picture *outbox_swap_picture(struct outbox *o, struct prompt_picture *take);
bool outbox_take_picture(struct outbox *o, struct prompt_picture **io);

// Makes `take` (a reference; may be NULL) the present snapshots.
void outbox_snapshots(struct outbox *o, struct snapshot_set *take);
bool outbox_take_snapshots(struct outbox *o, struct snapshot_set **io);

#endif
