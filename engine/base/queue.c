// SPDX-License-Identifier: GPL-3.0-or-later
// A ring under a lock.
#include "queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    // Under lock:
    unsigned char *items;
    size_t capacity, item_size, first, count;
    bool closed;
};

bool queue_create(struct queue **out, size_t capacity, size_t item_size, struct error *e) {
    *out = NULL;
    struct queue *q = mem_calloc(1, sizeof *q, e);
    if (!q)
        return false;
    *q = (struct queue){.capacity = capacity, .item_size = item_size};
    q->items = mem_calloc(capacity, item_size, e);
    if (!q->items) {
        free(q);
        return false;
    }
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->filled, NULL);
    *out = q;
    return true;
}

void queue_free(struct queue *q) {
    if (!q)
        return;
    pthread_cond_destroy(&q->filled);
    pthread_mutex_destroy(&q->lock);
    free(q->items);
    free(q);
}

bool queue_put(struct queue *q, const void *item) {
    pthread_mutex_lock(&q->lock);
    bool room = !q->closed && q->count < q->capacity;
    if (room) {
        memcpy(q->items + (q->first + q->count++) % q->capacity * q->item_size, item, q->item_size);
        pthread_cond_signal(&q->filled);
    }
    pthread_mutex_unlock(&q->lock);
    return room;
}

bool queue_take(struct queue *q, void *item, bool wait) {
    pthread_mutex_lock(&q->lock);
    while (wait && !q->count && !q->closed)
        pthread_cond_wait(&q->filled, &q->lock);
    bool found = q->count > 0;
    if (found) {
        memcpy(item, q->items + q->first * q->item_size, q->item_size);
        q->first = (q->first + 1) % q->capacity;
        q->count--;
    }
    pthread_mutex_unlock(&q->lock);
    return found;
}

void queue_close(struct queue *q) {
    pthread_mutex_lock(&q->lock);
    q->closed = true;
    pthread_cond_broadcast(&q->filled);
    pthread_mutex_unlock(&q->lock);
}
