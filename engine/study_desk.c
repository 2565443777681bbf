// SPDX-License-Identifier: GPL-3.0-or-later
// A list under a lock.
#include "engine/study_desk.h"

#include <pthread.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/engine.h"

struct study_desk {
    pthread_mutex_t lock;
    struct study *first; // under lock; oldest first
};

bool study_desk_create(struct study_desk **out, struct error *e) {
    *out = mem_calloc(1, sizeof **out, e);
    return *out && (pthread_mutex_init(&(*out)->lock, NULL) == 0 || error_system(e, "cannot make a lock"));
}

void study_desk_free(struct study_desk *d) {
    if (!d)
        return;
    for (struct study *s = d->first, *next; s; s = next) {
        next = s->next;
        study_free(s);
    }
    pthread_mutex_destroy(&d->lock);
    free(d);
}

static void cancel_locked(struct study_desk *d, unsigned channel) {
    for (struct study *s = d->first; s; s = s->next)
        if (channel == STUDY_EVERY_CHANNEL || s->channel == channel)
            atomic_store(&s->cancelled, true);
}

void study_desk_put(struct study_desk *d, struct study *take) {
    pthread_mutex_lock(&d->lock);
    cancel_locked(d, take->channel);
    struct study **end = &d->first;
    while (*end)
        end = &(*end)->next;
    take->next = NULL;
    *end = take;
    pthread_mutex_unlock(&d->lock);
}

void study_desk_cancel(struct study_desk *d, unsigned channel) {
    pthread_mutex_lock(&d->lock);
    cancel_locked(d, channel);
    pthread_mutex_unlock(&d->lock);
}

struct study *study_desk_present(struct study_desk *d) {
    pthread_mutex_lock(&d->lock);
    struct study *s = d->first;
    while (s && !atomic_load(&s->cancelled))
        s = s->next;
    if (!s)
        s = d->first;
    pthread_mutex_unlock(&d->lock);
    return s;
}

void study_desk_take(struct study_desk *d, struct study *s) {
    pthread_mutex_lock(&d->lock);
    struct study **at = &d->first;
    while (*at && *at != s)
        at = &(*at)->next;
    if (*at)
        *at = s->next;
    s->next = NULL;
    pthread_mutex_unlock(&d->lock);
}
