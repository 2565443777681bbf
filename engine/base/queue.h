// SPDX-License-Identifier: GPL-3.0-or-later
// A bounded first-in first-out queue of items of one size, between threads.
#ifndef PROMPTER_ENGINE_BASE_QUEUE_H
#define PROMPTER_ENGINE_BASE_QUEUE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

struct queue;

bool queue_create(struct queue **out, size_t capacity, size_t item_size, struct error *e);
void queue_free(struct queue *q); // items still inside are forgotten
// Copies the item in; false, and nothing done, when the queue is full. Never waits.
bool queue_put(struct queue *q, const void *item);
// Copies the oldest item out. `wait`: until there is one or the queue is closed; otherwise false at once.
bool queue_take(struct queue *q, void *item, bool wait);
// Wakes all who wait; taking goes on until the queue is empty, putting fails.
void queue_close(struct queue *q);

#endif
