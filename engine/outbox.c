// SPDX-License-Identifier: GPL-3.0-or-later
// Events in a growing ring, metrics in a growing array, one slot for the latest picture; one lock for all.
#include "engine/outbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/memory.h"

enum { FORGET_AT = 4096 };

struct outbox {
    int fd;
    pthread_mutex_t lock;
    // Under lock:
    struct engine_event *event; // oldest first, from `first`
    size_t first, events, event_capacity;
    struct metric *metric;
    size_t metrics, metric_capacity, epoch;
    size_t forgotten; // metrics of the log that the reader has, and that stand no longer in front of `metric`
    struct prompt_picture *latest, *spare;
    struct snapshot_set *snapshots;
};

bool outbox_create(struct outbox **out, struct error *e) {
    struct outbox *o = mem_calloc(1, sizeof *o, e);
    *out = NULL;
    if (!o)
        return false;
    o->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (o->fd < 0) {
        free(o);
        return error_system(e, "cannot make an event descriptor");
    }
    pthread_mutex_init(&o->lock, NULL);
    *out = o;
    return true;
}

void outbox_free(struct outbox *o) {
    if (!o)
        return;
    for (size_t i = 0; i < o->events; i++) {
        workspace_release(o->event[o->first + i].workspace);
        study_free(o->event[o->first + i].study);
    }
    prompt_picture_free(o->latest);
    prompt_picture_free(o->spare);
    snapshot_set_release(o->snapshots);
    pthread_mutex_destroy(&o->lock);
    close(o->fd);
    free(o->event);
    free(o->metric);
    free(o);
}

int outbox_fd(const struct outbox *o) {
    return o->fd;
}

static void ring(struct outbox *o) {
    uint64_t one = 1;
    ssize_t n =
        write(o->fd, &one, sizeof one); // fails only when the counter is full, and then it is readable anyway
    (void)n;
}

void outbox_acknowledge(struct outbox *o) {
    uint64_t count;
    ssize_t n = read(o->fd, &count, sizeof count);
    (void)n;
}

static void push_event(struct outbox *o, const struct engine_event *event) {
    struct engine_event *last = o->events ? &o->event[o->first + o->events - 1] : NULL;
    if (last && last->kind == event->kind && last->channel == event->channel &&
        (event->kind == EVENT_PROGRESS || event->kind == EVENT_STUDYING)) {
        *last = *event;
        return;
    }
    if (o->first && o->first + o->events == o->event_capacity) {
        memmove(o->event, o->event + o->first, o->events * sizeof *o->event);
        o->first = 0;
    }
    if (!mem_grow(&o->event, &o->event_capacity, o->first + o->events + 1, sizeof *o->event, NULL)) {
        workspace_release(event->workspace); // no memory for a message: nothing can be told any more
        study_free(event->study);
        return;
    }
    o->event[o->first + o->events++] = *event;
}

void outbox_event(struct outbox *o, const struct engine_event *event) {
    pthread_mutex_lock(&o->lock);
    push_event(o, event);
    pthread_mutex_unlock(&o->lock);
    ring(o);
}

bool outbox_next_event(struct outbox *o, struct engine_event *event) {
    pthread_mutex_lock(&o->lock);
    bool found = o->events > 0;
    if (found) {
        *event = o->event[o->first++];
        if (!--o->events)
            o->first = 0;
    }
    pthread_mutex_unlock(&o->lock);
    return found;
}

void outbox_metric(struct outbox *o, const struct metric *m) {
    pthread_mutex_lock(&o->lock);
    if (mem_grow(&o->metric, &o->metric_capacity, o->metrics + 1, sizeof *m, NULL))
        o->metric[o->metrics++] = *m;
    pthread_mutex_unlock(&o->lock);
    ring(o);
}

void outbox_metrics_reset(struct outbox *o, const struct metric *first, size_t count) {
    pthread_mutex_lock(&o->lock);
    o->metrics = o->forgotten = 0;
    o->epoch++;
    if (count && mem_grow(&o->metric, &o->metric_capacity, count, sizeof *first, NULL)) {
        memcpy(o->metric, first, count * sizeof *first);
        o->metrics = count;
    }
    pthread_mutex_unlock(&o->lock);
    ring(o);
}

// Forgets what the reader has, a good deal at once.
static void forget_before(struct outbox *o, size_t from) {
    size_t read = from > o->forgotten ? from - o->forgotten : 0;
    if (read < FORGET_AT || read > o->metrics)
        return;
    o->metrics -= read;
    memmove(o->metric, o->metric + read, o->metrics * sizeof *o->metric);
    o->forgotten = from;
}

size_t outbox_metrics(struct outbox *o, size_t from, struct metric *out, size_t most, size_t *epoch) {
    pthread_mutex_lock(&o->lock);
    size_t at = from - o->forgotten, n = from >= o->forgotten && at < o->metrics ? o->metrics - at : 0;
    n = n < most ? n : most;
    if (n)
        memcpy(out, o->metric + at, n * sizeof *out);
    forget_before(o, from);
    if (epoch)
        *epoch = o->epoch;
    pthread_mutex_unlock(&o->lock);
    return n;
}

struct prompt_picture *outbox_swap_picture(struct outbox *o, struct prompt_picture *take) {
    pthread_mutex_lock(&o->lock);
    struct prompt_picture *unread = o->latest;
    o->latest = take;
    if (!unread) {
        unread = o->spare;
        o->spare = NULL;
    }
    pthread_mutex_unlock(&o->lock);
    ring(o);
    return unread;
}

bool outbox_take_picture(struct outbox *o, struct prompt_picture **io) {
    struct prompt_picture *old = NULL;
    pthread_mutex_lock(&o->lock);
    bool found = o->latest != NULL;
    if (found) {
        old = o->spare;
        o->spare = *io;
        *io = o->latest;
        o->latest = NULL;
    }
    pthread_mutex_unlock(&o->lock);
    prompt_picture_free(old);
    return found;
}

void outbox_snapshots(struct outbox *o, struct snapshot_set *take) {
    pthread_mutex_lock(&o->lock);
    struct snapshot_set *old = o->snapshots;
    o->snapshots = take;
    pthread_mutex_unlock(&o->lock);
    snapshot_set_release(old);
    ring(o);
}

bool outbox_take_snapshots(struct outbox *o, struct snapshot_set **io) {
    struct snapshot_set *old = NULL;
    pthread_mutex_lock(&o->lock);
    bool found = o->snapshots && o->snapshots != *io;
    if (found) {
        old = *io;
        *io = snapshot_set_hold(o->snapshots);
    }
    pthread_mutex_unlock(&o->lock);
    snapshot_set_release(old);
    return found;
}
