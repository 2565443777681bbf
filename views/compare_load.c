// SPDX-License-Identifier: GPL-3.0-or-later
#include "compare_load.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/threads.h"

static const double NEWS_EVERY = 0.1; // seconds

struct compare_loader {
    pthread_t thread;
    void (*news)(void *context);
    void *context;
    atomic_bool cancelled, finished;
    atomic_size_t done, total;
    // The thread's until `finished`.
    struct report report;
    struct error error;
    bool ok;
};

static void *load(void *argument) {
    struct compare_loader *l = argument;
    struct report_sources sources = {0};
    double told = clock_seconds();
    l->ok = report_find(&sources, NULL, 0, &l->error);
    atomic_store(&l->total, sources.count);
    for (size_t i = 0; l->ok && i < sources.count && !atomic_load(&l->cancelled); i++) {
        l->ok = report_read(&l->report, &sources.source[i], &l->error);
        atomic_store(&l->done, i + 1);
        if (clock_seconds() - told > NEWS_EVERY) {
            told = clock_seconds();
            l->news(l->context);
        }
    }
    report_sources_free(&sources);
    atomic_store(&l->finished, true);
    l->news(l->context);
    return NULL;
}

bool compare_loader_start(struct compare_loader **out, void (*news)(void *context), void *context,
                          struct error *e) {
    struct compare_loader *l = mem_calloc(1, sizeof *l, e);
    sigset_t before;
    if (!l)
        return false;
    l->news = news;
    l->context = context;
    thread_block_signals(&before);
    int failed = pthread_create(&l->thread, NULL, load, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(l);
        return error_set(e, ERROR_SYSTEM, "no thread to read the runs with");
    }
    *out = l;
    return true;
}

void compare_loader_progress(const struct compare_loader *l, size_t *done, size_t *total) {
    *done = atomic_load(&l->done);
    *total = atomic_load(&l->total);
}

bool compare_loader_finished(const struct compare_loader *l) {
    return atomic_load(&l->finished);
}

bool compare_loader_take(struct compare_loader *l, struct report *out, struct error *e) {
    *out = l->report;
    l->report = (struct report){0};
    if (!l->ok && e)
        *e = l->error;
    return l->ok;
}

void compare_loader_free(struct compare_loader *l) {
    if (!l)
        return;
    atomic_store(&l->cancelled, true);
    pthread_join(l->thread, NULL);
    report_free(&l->report);
    free(l);
}
