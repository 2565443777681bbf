// SPDX-License-Identifier: GPL-3.0-or-later
// The pool: workers wait for a new generation number, then take item numbers from a shared counter.
#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "memory.h"

enum { SPINS = 4000, MOST_THREADS = 256 };

void thread_block_signals(sigset_t *before) {
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    sigset_t others;
    sigfillset(&others);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        sigdelset(&others, own[i]);
    pthread_sigmask(SIG_SETMASK, &others, before);
}

struct worker {
    struct thread_pool *pool;
    pthread_t thread;
    size_t number;
};

struct thread_pool {
    size_t workers; // threads besides the caller
    struct worker *worker;
    pthread_mutex_t lock;
    pthread_cond_t start, finished;
    atomic_size_t generation; // changed under `lock`; a new value means new work
    atomic_size_t busy;       // workers that have not finished this generation
    atomic_size_t next;       // the next item to hand out
    atomic_bool stopping;
    // Written by the caller before `generation` is released, read by workers after they acquire it.
    size_t items;
    thread_job *job;
    void *context;
};

static void pause_briefly(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void take_items(struct thread_pool *pool, size_t worker) {
    for (;;) {
        size_t item = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (item >= pool->items)
            return;
        pool->job(pool->context, item, worker);
    }
}

static size_t wait_for_generation(struct thread_pool *pool, size_t seen) {
    for (int i = 0; i < SPINS; i++) {
        size_t now = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (now != seen)
            return now;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->lock);
    size_t now;
    while ((now = atomic_load_explicit(&pool->generation, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->start, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return now;
}

static void *worker_main(void *argument) {
    struct worker *self = argument;
    struct thread_pool *pool = self->pool;
    size_t seen = 0;
    for (;;) {
        seen = wait_for_generation(pool, seen);
        if (atomic_load_explicit(&pool->stopping, memory_order_acquire))
            return NULL;
        take_items(pool, self->number);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->finished);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void announce(struct thread_pool *pool) {
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->start);
    pthread_mutex_unlock(&pool->lock);
}

bool thread_pool_create(struct thread_pool **out, size_t threads, struct error *e) {
    *out = NULL;
    if (threads < 1 || threads > MOST_THREADS)
        return error_set(e, ERROR_INPUT, "%zu threads asked for; give 1 to %d", threads, MOST_THREADS);
    struct thread_pool *pool = mem_calloc(1, sizeof *pool, e);
    if (!pool)
        return false;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->start, NULL);
    pthread_cond_init(&pool->finished, NULL);
    pool->worker = mem_calloc(threads - 1, sizeof *pool->worker, e);
    // Signals are for the thread that has the terminal.
    sigset_t before;
    thread_block_signals(&before);
    bool ok = pool->worker != NULL;
    for (size_t i = 0; ok && i + 1 < threads; i++) {
        pool->worker[i] = (struct worker){.pool = pool, .number = i + 1};
        ok = pthread_create(&pool->worker[i].thread, NULL, worker_main, &pool->worker[i]) == 0;
        if (ok)
            pool->workers++;
        else
            error_set(e, ERROR_SYSTEM, "cannot start thread %zu of %zu; use fewer threads", i + 2, threads);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!ok) {
        thread_pool_free(pool);
        return false;
    }
    *out = pool;
    return true;
}

void thread_pool_free(struct thread_pool *pool) {
    if (!pool)
        return;
    atomic_store_explicit(&pool->stopping, true, memory_order_release);
    announce(pool);
    for (size_t i = 0; i < pool->workers; i++)
        pthread_join(pool->worker[i].thread, NULL);
    pthread_cond_destroy(&pool->start);
    pthread_cond_destroy(&pool->finished);
    pthread_mutex_destroy(&pool->lock);
    free(pool->worker);
    free(pool);
}

size_t thread_pool_size(const struct thread_pool *pool) {
    return pool ? pool->workers + 1 : 1;
}

void thread_pool_run(struct thread_pool *pool, size_t items, thread_job *job, void *context) {
    if (!pool || !pool->workers || items < 2) {
        for (size_t i = 0; i < items; i++)
            job(context, i, 0);
        return;
    }
    pool->items = items;
    pool->job = job;
    pool->context = context;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->busy, pool->workers, memory_order_relaxed);
    announce(pool);
    take_items(pool, 0);
    for (int i = 0; i < SPINS; i++) {
        if (!atomic_load_explicit(&pool->busy, memory_order_acquire))
            return;
        pause_briefly();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->busy, memory_order_acquire))
        pthread_cond_wait(&pool->finished, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}

size_t thread_count_available(void) {
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : n > MOST_THREADS ? MOST_THREADS : (size_t)n;
}
