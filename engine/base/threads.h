// SPDX-License-Identifier: GPL-3.0-or-later
// A small pool that runs one loop at a time over several threads. The caller works too, as worker 0.
//
// Items are handed out one by one, so that uneven items balance; which worker gets which item is not fixed,
// hence a job must write its result by item, never add into a place that items share. Between loops the
// workers look for work for a few microseconds and then sleep: two pools that spin at once are slower than
// one thread. A pool belongs to one calling thread. A NULL pool runs everything on the caller.
#ifndef PROMPTER_ENGINE_BASE_THREADS_H
#define PROMPTER_ENGINE_BASE_THREADS_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "error.h"

struct thread_pool;

typedef void thread_job(void *context, size_t item, size_t worker);

// `threads` counts the caller, 1..256.
bool thread_pool_create(struct thread_pool **out, size_t threads, struct error *e);
void thread_pool_free(struct thread_pool *pool);
size_t thread_pool_size(const struct thread_pool *pool); // 1 for NULL
// Runs job(context, i, worker) for i in [0, items) and returns when all are done.
void thread_pool_run(struct thread_pool *pool, size_t items, thread_job *job, void *context);

// Processors this process may use.
size_t thread_count_available(void);

// For threads that are about to be started: blocks all signals, which are for the thread that has the
// terminal, but those that a thread raises itself by a mistake or a mapped file that is gone: blocked, they
// would end the program before its handler has told why. *before is for pthread_sigmask afterwards.
void thread_block_signals(sigset_t *before);

#endif
