// SPDX-License-Identifier: GPL-3.0-or-later
// A workbench on a live engine with the shipped model, beside workbench_bench.h.
#ifndef PROMPTER_TESTS_LIVE_BENCH_H
#define PROMPTER_TESTS_LIVE_BENCH_H

#include <poll.h>

#include "workbench_bench.h"

static const char *live_state_folder; // NULL: nothing of the screen is kept

// Lets the client do what it does by itself, and the engine what it was asked for: up to five minutes, for
// machines that are slow or watched.
static inline bool live_rest(struct bench *b) {
    for (int i = 0; i < 30000; i++) {
        struct pollfd fd = {.fd = b->client.fd, .events = POLLIN};
        if (poll(&fd, 1, 10) > 0)
            b->client.wake(b->w, b->now);
        b->now += 0.02;
        b->client.dirty(b->w, b->now);
        if (b->client.idle(b->w))
            return true;
    }
    return false;
}

static inline bool live_open_model(struct bench *b, const char *task, const char *model, int columns,
                                   int rows) {
    static char sessions[600];
    *b = (struct bench){.now = 1};
    setlocale(LC_CTYPE, "C.UTF-8");
    // Tests of one program use areas of different sizes, and so sessions of their own.
    snprintf(sessions, sizeof sessions, "%s/live-%d-%d", check_folder(), columns, rows);
    setenv("PROMPTER_SESSIONS", sessions, 1);
    const struct workbench_options options = {
        .what = task, .model_folder = model, .threads = 2, .state_folder = live_state_folder};
    if (!workbench_create(&b->w, &options, &b->error) || !grid_create(&b->g, rows, columns, &b->error)) {
        printf("%s\n", b->error.text);
        return false;
    }
    b->client = workbench_client(b->w);
    return live_rest(b);
}

static inline bool live_open(struct bench *b, const char *task, int columns, int rows) {
    return live_open_model(b, task, "tests/share/models/sprout", columns, rows);
}

#endif
