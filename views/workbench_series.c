// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench's series of runs, one for each of several seeds. The list is in the session's folder
// (sessions/series.h): a series whose program was closed waits, with its present run, until that goes on.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "workbench_state.h"

const struct series *workbench_series(const struct workbench *w) {
    return w->series;
}

// A recording is a picture of runs: nothing of it is kept.
static void keep(struct workbench *w, double now) {
    struct error e = {0};
    if (!w->recording && !series_write(w->series, session_folder(w->session), &e))
        workbench_say(w, STYLE_BAD, now, "the series was not kept: %s", e.text);
}

void series_end(struct workbench *w, bool forget, double now) {
    if (!w->series)
        return;
    series_free(w->series);
    w->series = NULL;
    w->series_go = w->series_finished = false;
    if (forget)
        keep(w, now);
}

// A run of its own with the next seed; the one before moves to kept/.
static void next(struct workbench *w, double now) {
    const size_t at = w->series->done;
    const uint64_t seed = w->series->run[at].seed;
    w->wanted = *session_settings(w->session);
    w->wanted.seed = seed;
    w->series_applying = w->series_go = true;
    workbench_apply(w, now);
    w->series_applying = false;
    if (w->series && w->series->done == at) // a recorded run may have come to its end meanwhile
        workbench_say(w, STYLE_GOOD, now,
                      "seed %llu, %zu of %zu; each has a split, a start and an order of its own",
                      (unsigned long long)seed, at + 1, w->series->count);
}

bool series_begin(struct workbench *w, const char *list, double now) {
    struct error e = {0};
    struct series *s;
    if (!strpbrk(list, ",-"))
        return false;
    if (!w->session || !w->workspace) {
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
    } else if (!series_parse(&s, list, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    } else {
        // New runs of what is seen: edits that wait belong to them.
        if (workbench_pending(w)) {
            w->awaiting = 0;
            workbench_request(w, REQUEST_APPLY, NULL, now);
            if (!(w->awaiting > 0) && !w->recording) { // nothing was opened, and it was said why
                series_free(s);
                return true;
            }
        }
        series_end(w, false, now);
        w->series = s;
        s->dev_count = w->workspace->split->dev_count;
        next(w, now);
        keep(w, now);
    }
    return true;
}

static void tell_result(struct workbench *w, double now) {
    double mean, deviation;
    size_t n = series_best(w->series, &mean, &deviation);
    if (n > 1)
        workbench_say(w, STYLE_GOOD, now,
                      "%zu seeds: best dev accuracy %.3f +- %.3f (mean, standard deviation)", n, mean,
                      deviation);
    else
        workbench_say(w, STYLE_PLAIN, now, "the series is over");
}

static void finish_run(struct workbench *w, double now) {
    struct error e = {0};
    if (!series_finish_run(w->series, w->history, w->history_count, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    keep(w, now);
    if (w->series->done < w->series->count)
        next(w, now);
    else
        tell_result(w, now);
}

bool series_waits(const struct workbench *w) {
    return w->series && w->series->done < w->series->count;
}

bool series_go_on(struct workbench *w, double now) {
    if (!series_waits(w) || w->state != ENGINE_DONE)
        return false;
    finish_run(w, now);
    return true;
}

// What an event asked for, once all news is there.
void series_follow(struct workbench *w, double now) {
    bool finished = w->series_finished;
    w->series_finished = false;
    if (!series_waits(w))
        return;
    if (w->series_go && w->state == ENGINE_READY && w->workspace) {
        w->series_go = false;
        workbench_send(w, (struct engine_command){.verb = ENGINE_RUN}, now);
    } else if (finished && w->state == ENGINE_DONE) {
        finish_run(w, now);
    }
}

void series_load(struct workbench *w, double now) {
    struct error e = {0};
    if (w->recording || !w->session)
        return;
    if (!series_read(&w->series, session_folder(w->session), &e)) {
        workbench_say(w, STYLE_WARN, now, "%s", e.text);
        return;
    }
    if (!series_waits(w))
        return;
    const struct series *s = w->series;
    if (s->run[s->done].seed != session_settings(w->session)->seed) // it was left for something else
        series_end(w, false, now);
    else
        workbench_say(w, STYLE_PLAIN, now, "a series waits at seed %llu, %zu of %zu: %s goes on",
                      (unsigned long long)s->run[s->done].seed, s->done + 1, s->count,
                      PART_KEY(RUN_PAUSE, WHERE_RUN));
}
