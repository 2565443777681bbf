// SPDX-License-Identifier: GPL-3.0-or-later
// A workbench on the recorded run of tests/screens, and small ways to press keys and read its screen.
#ifndef PROMPTER_TESTS_WORKBENCH_BENCH_H
#define PROMPTER_TESTS_WORKBENCH_BENCH_H

#include <locale.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "views/workbench.h"

struct bench {
    struct workbench *w;
    struct loop_client client;
    struct grid *g;
    double now;
    struct error error;
};

static inline bool bench_open_recording(struct bench *b, const char *recording, const char *task, int columns,
                                        int rows) {
    static char sessions[600];
    *b = (struct bench){.now = 1};
    setlocale(LC_CTYPE, "C.UTF-8");
    snprintf(sessions, sizeof sessions, "%s/sessions", check_folder());
    setenv("PROMPTER_SESSIONS", sessions, 1);
    const struct workbench_options options = {
        .what = task, .model_folder = "tests/share/models/sprout", .recording = check_path(recording)};
    if (!workbench_create(&b->w, &options, &b->error) || !grid_create(&b->g, rows, columns, &b->error)) {
        printf("%s\n", b->error.text);
        return false;
    }
    b->client = workbench_client(b->w);
    b->client.wake(b->w, b->now);
    return true;
}

static inline bool bench_open_task(struct bench *b, const char *task, int columns, int rows) {
    return bench_open_recording(b, "screens/films.jsonl", task, columns, rows);
}

static inline bool bench_open(struct bench *b, int columns, int rows) {
    return bench_open_task(b, "tests/share/tasks/films", columns, rows);
}

static inline void bench_close(struct bench *b) {
    grid_free(b->g);
    workbench_free(b->w);
    *b = (struct bench){0};
}

// Keys by name, separated by spaces.
static inline void bench_keys(struct bench *b, const char *names) {
    while (*names) {
        struct key k;
        size_t length = strcspn(names, " ");
        if (key_parse(&k, names, length)) {
            b->client.key(b->w, k, b->now);
            b->client.wake(b->w, b->now);
        } else {
            check_failed(__FILE__, __LINE__, "no key %.*s", (int)length, names);
        }
        names += length + strspn(names + length, " ");
    }
}

static inline void bench_type(struct bench *b, const char *text) {
    for (; *text; text++)
        b->client.key(b->w, (struct key){.character = (unsigned char)*text}, b->now);
}

// What the mouse does at a cell of the screen.
static inline void bench_mouse(struct bench *b, enum mouse_kind kind, int row, int column) {
    b->client.draw(b->w, b->g, b->now);
    const struct key k = {.code = KEY_CODE_MOUSE, .character = kind, .row = row, .column = column};
    b->client.key(b->w, k, b->now);
    b->client.wake(b->w, b->now);
}

static inline void bench_command(struct bench *b, const char *line) {
    b->client.command(b->w, line, b->now);
}

// Until nothing runs, loads or is read, at most ten seconds.
static inline bool bench_wait(struct bench *b) {
    struct pollfd fd = {.fd = b->client.fd, .events = POLLIN};
    for (int i = 0; i < 1000 && !b->client.idle(b->w); i++) {
        double next = b->client.deadline(b->w);
        b->now = next > b->now && next - b->now < 1 ? next : b->now; // farther off a message fades
        b->client.dirty(b->w, b->now);                               // what was to be done at that time
        if (poll(&fd, 1, 10) > 0)
            b->client.wake(b->w, b->now);
    }
    return b->client.idle(b->w);
}

// The screen as text, or with styles; valid until the next call.
static inline const char *bench_screen(struct bench *b, bool styles) {
    static char *text;
    free(text);
    b->client.draw(b->w, b->g, b->now);
    text = grid_dump(b->g, styles, &b->error);
    return text ? text : "";
}

static inline bool bench_has(struct bench *b, const char *part) {
    return strstr(bench_screen(b, false), part) != NULL;
}

#endif
