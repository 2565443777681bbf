// SPDX-License-Identifier: GPL-3.0-or-later
// The queue between threads: order, bounds, waking, closing.
#include "check.h"

#include <pthread.h>

#include "engine/base/queue.h"

TEST(first_in_first_out_and_bounded) {
    struct error e = {0};
    struct queue *q;
    CHECK_OK(queue_create(&q, 3, sizeof(int), &e));
    int item = 0;
    CHECK(!queue_take(q, &item, false));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 3; i++)
            CHECK(queue_put(q, &(int){round * 10 + i}));
        CHECK(!queue_put(q, &(int){99}));
        for (int i = 0; i < 3; i++) {
            CHECK(queue_take(q, &item, true));
            CHECK(item == round * 10 + i);
        }
    }
    queue_free(q);
}

static void *put_thousand(void *context) {
    for (int i = 0; i < 1000;)
        i += queue_put(context, &i);
    return NULL;
}

TEST(two_threads_lose_nothing) {
    struct error e = {0};
    struct queue *q;
    CHECK_OK(queue_create(&q, 7, sizeof(int), &e));
    pthread_t other;
    CHECK(pthread_create(&other, NULL, put_thousand, q) == 0);
    for (int i = 0; i < 1000; i++) {
        int item = -1;
        CHECK(queue_take(q, &item, true));
        CHECK(item == i);
    }
    pthread_join(other, NULL);
    queue_free(q);
}

static void *close_it(void *context) {
    queue_close(context);
    return NULL;
}

TEST(closing_wakes_the_waiting_after_the_rest_is_taken) {
    struct error e = {0};
    struct queue *q;
    CHECK_OK(queue_create(&q, 2, sizeof(int), &e));
    CHECK(queue_put(q, &(int){7}));
    pthread_t other;
    CHECK(pthread_create(&other, NULL, close_it, q) == 0);
    int item = 0;
    CHECK(queue_take(q, &item, true) && item == 7);
    CHECK(!queue_take(q, &item, true));
    pthread_join(other, NULL);
    CHECK(!queue_put(q, &item));
    queue_free(q);
}
