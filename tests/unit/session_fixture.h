// SPDX-License-Identifier: GPL-3.0-or-later
// What tests of sessions stand on: a place with a share and a home, and runs made up of steps that never ran.
#ifndef PROMPTER_TESTS_SESSION_FIXTURE_H
#define PROMPTER_TESTS_SESSION_FIXTURE_H

#include <stdlib.h>

#include "check.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/journal.h"
#include "sessions/paths.h"
#include "sessions/session_inside.h"

// ---- a place with a share and a home, fresh for each test ----

static char place[128];

static inline const char *at(const char *below) {
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", place, below);
    return out;
}

static inline bool put(const char *below, const char *text) {
    char *folder = path_folder(at(below), NULL);
    bool ok =
        folder && file_make_folders(folder, NULL) && file_write_atomic(at(below), text, strlen(text), NULL);
    free(folder);
    return ok;
}

static inline bool put_task(const char *below, const char *name) {
    char text[256];
    snprintf(text, sizeof text, "{\"name\": \"%s\", \"family\": \"single-sentence\"}", name);
    return put(below, text);
}

static inline bool set_up(void) {
    static unsigned n;
    snprintf(place, sizeof place, "%s/%u", check_folder(), n++);
    setenv("PROMPTER_SESSIONS", at("home"), 1);
    setenv("PROMPTER_SHARE", at("share"), 1);
    return put("share/models/sprout/config.json", "{}") && put("share/models/other/config.json", "{}") &&
           put("share/models/default", "sprout\n") && put("share/tasks/default", "films") &&
           put_task("share/tasks/films/task.json", "films") &&
           put_task("share/tasks/claims/task.json", "claims") && put_task("mine/task.json", "films") &&
           put("model/config.json", "{}");
}

static inline char *slurp(const char *path) {
    static char *text; // static: gcc 12 takes a local for dangling once this is inlined
    size_t length;
    return file_read(path, 1 << 20, &text, &length, NULL) ? text : NULL;
}

// Opens and expects failure; the message.
static inline const char *refusal(const char *what, const char *model) {
    static struct error e;
    struct session *s;
    e = (struct error){0};
    if (session_open(&s, what, model, &e)) {
        session_free(s);
        return "(it was opened)";
    }
    return e.text;
}

static inline bool saved(const char *name) {
    struct session *s;
    bool ok = session_open(&s, name, NULL, NULL) && session_save(s, NULL);
    session_free(s);
    return ok;
}

// ---- a run ----

static float vectors[6] = {1, 2, 3, 4, 5, 6};

static inline struct run_checkpoint picture(size_t step) {
    static struct run_array arrays[3] = {
        {"prompt", 2, 3, vectors}, {"start", 2, 3, vectors}, {"best", 2, 3, vectors}};
    struct run_checkpoint c = {.array = arrays, .arrays = 3, .step = step, .rate = 0.75, .has_best = true};
    c.best.step = step;
    return c;
}

static inline void keep_steps(struct session *s, size_t from, size_t to) {
    for (size_t i = from; i <= to; i++) {
        struct metric m = {.kind = i ? METRIC_STEP : METRIC_EVAL, .step = i, .train_loss = (float)i};
        session_keep_metric(s, &m);
    }
}

static inline size_t journal_count(const char *path) {
    struct journal_history h;
    if (!journal_read(&h, path, NULL) || h.damage != JOURNAL_WHOLE)
        return 9999;
    size_t n = h.count;
    journal_history_free(&h);
    return n;
}

#endif
