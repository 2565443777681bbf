// SPDX-License-Identifier: GPL-3.0-or-later
// The thread pool: every item runs once, results are visible to the caller, sleeping workers wake up.
#include "check.h"

#include <stdlib.h>
#include <time.h>

#include "engine/base/threads.h"

enum { ITEMS = 1000 };

static void count_item(void *context, size_t item, size_t worker) {
    unsigned *counts = context;
    (void)worker;
    counts[item]++;
}

TEST(every_item_runs_once) {
    struct error e = {0};
    struct thread_pool *pool;
    CHECK_OK(thread_pool_create(&pool, 4, &e));
    CHECK_SIZE(thread_pool_size(pool), 4);
    unsigned counts[ITEMS] = {0};
    for (unsigned round = 1; round <= 200; round++) {
        thread_pool_run(pool, ITEMS, count_item, counts);
        for (size_t i = 0; i < ITEMS; i++)
            CHECK_SIZE(counts[i], round);
        if (round % 50 == 0) // long enough for the workers to fall asleep
            nanosleep(&(struct timespec){.tv_nsec = 3000000}, NULL);
    }
    thread_pool_free(pool);
}

TEST(no_pool_runs_on_the_caller) {
    unsigned counts[8] = {0};
    thread_pool_run(NULL, 8, count_item, counts);
    for (size_t i = 0; i < 8; i++)
        CHECK_SIZE(counts[i], 1);
    CHECK_SIZE(thread_pool_size(NULL), 1);
}

TEST(zero_threads_is_refused) {
    struct error e = {0};
    struct thread_pool *pool;
    CHECK(!thread_pool_create(&pool, 0, &e));
    CHECK_HAS(e.text, "1 to 256");
    CHECK(pool == NULL);
}
