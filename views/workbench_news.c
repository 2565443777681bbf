// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench and the engine, or a recording of one: commands go there; events, metrics, pictures and
// studies come back.
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "tui/keymap.h"

#include "parts.h"
#include "thinning.h"
#include "workbench_state.h"

// How long an answer of the engine is waited for before it counts as idle again.
#define ANSWER_WITHIN 10.0

bool workbench_send(struct workbench *w, struct engine_command command, double now) {
    struct error e = {0};
    bool ok;
    if (w->recording) {
        ok = recording_send(w->recording, command, &e);
    } else if (w->engine) {
        ok = engine_send(w->engine, command, &e);
    } else {
        engine_command_release(&command);
        ok = error_set(&e, ERROR_INPUT, "Nothing is open. Open a session or a task: :open NAME");
    }
    if (!ok) {
        workbench_complain(w, e.text, now);
        return false;
    }
    w->awaiting = now + ANSWER_WITHIN;
    w->dirty = true;
    if (w->recording) // its workspace changes under us: take the news before anything is drawn
        workbench_receive(w, now);
    return true;
}

bool workbench_send_verb(struct workbench *w, enum engine_verb verb, double now) {
    return workbench_send(w, (struct engine_command){.verb = verb}, now);
}

static bool next_event(struct workbench *w, struct engine_event *event) {
    return w->recording ? recording_next_event(w->recording, event)
                        : w->engine && engine_next_event(w->engine, event);
}

static void take_workspace(struct workbench *w, struct workspace *ws) {
    if (!w->recording)
        workspace_release(w->workspace);
    w->workspace = ws;
    w->opened++;
    w->has_dev = w->has_test = w->has_report = w->has_estimate = w->lost = false;
    w->dev = w->test = (struct evaluation){0};
    const struct journal_test t = w->session ? session_tested(w->session) : (struct journal_test){0};
    if (t.examples) { // scored before the session was closed
        w->test.examples = t.examples, w->test.correct = t.correct;
        w->test.loss = t.loss, w->test.accuracy = t.accuracy, w->test.macro_f1 = t.macro_f1;
        w->test_step = t.step;
        w->has_test = true;
    }
}

// ---- studies ----

static unsigned study_channel(const struct view *sender, unsigned channel) {
    unsigned at = 0;
    while (view_list[at] != sender)
        at++;
    return at * STUDY_CHANNELS + channel % STUDY_CHANNELS;
}

void workbench_study(struct workbench *w, const struct view *sender, unsigned channel, struct study *take,
                     double now) {
    take->channel = study_channel(sender, channel);
    if (!w->recording && !w->engine) {
        error_set(&take->error, ERROR_INPUT, "Nothing is open. Open a session or a task: :open NAME");
        sender->studied(w->view_state[take->channel / STUDY_CHANNELS], w, take, now);
        return;
    }
    w->study[take->channel].count++;
    w->study[take->channel].done = w->study[take->channel].total = 0;
    w->studies++;
    w->dirty = true;
    if (w->engine)
        engine_study(w->engine, take);
    else
        recording_study(w->recording, take);
}

void workbench_cancel_study(struct workbench *w, const struct view *sender, unsigned channel) {
    if (w->engine)
        engine_cancel_studies(w->engine, study_channel(sender, channel));
}

bool workbench_studying(const struct workbench *w, const struct view *sender, unsigned channel, size_t *done,
                        size_t *total) {
    unsigned at = study_channel(sender, channel);
    if (done)
        *done = w->study[at].done;
    if (total)
        *total = w->study[at].total;
    return w->study[at].count > 0;
}

static void take_study(struct workbench *w, struct study *s, double now) {
    w->study[s->channel].count--;
    w->studies--;
    size_t at = s->channel / STUDY_CHANNELS;
    if (w->studied && s->error.kind == ERROR_NONE)
        w->studied(w->studied_context, s);
    view_list[at]->studied(w->view_state[at], w, s, now);
}

void workbench_forget_studies(struct workbench *w) {
    memset(w->study, 0, sizeof w->study);
    w->studies = 0;
}

// What was changed by hand; the numbers after it are the picture's to show.
static void say_edited(struct workbench *w, const struct metric *m, double now) {
    static const char *const said[EDIT_KINDS] = {
        [EDIT_FREEZE] = "frozen",
        [EDIT_THAW] = "tuned again",
        [EDIT_RESET] = "back where it started",
        [EDIT_TOKENS] = "set to words",
        [EDIT_VECTORS] = "taken from the file",
    };
    char which[32] = "all vectors";
    const char *done = said[m->edit];
    if (m->edit_slot != EDIT_EVERY_SLOT)
        snprintf(which, sizeof which, "v%zu", m->edit_slot);
    if (m->edit_slot != EDIT_EVERY_SLOT && m->edit == EDIT_TOKENS)
        done = "set to a word";
    if (m->edit == EDIT_UNDO)
        workbench_say(w, STYLE_PLAIN, now, "taken back: the prompt is as before the last change");
    else
        workbench_say(w, STYLE_GOOD, now, "%s %s; %s on screen %s takes it back, %s scores dev", which, done,
                      PART_KEY(TAKE_BACK, WHERE_PROMPT), PART_KEY(SCREEN_PROMPT, WHERE_PROMPT),
                      PART_KEY(EVALUATE, WHERE_PROMPT));
}

// A run that ended is told wherever one is: how good it became, and the keys that go on from there.
static void say_finished(struct workbench *w, const struct metric *best, double now) {
    char score[PART_SHORT], key[KEYMAP_KEYS], there[KEYMAP_KEYS];
    unsigned where = view_list[w->screen]->where;
    const size_t n = w->workspace ? w->workspace->split->dev_count : 0;
    if (best && n)
        part_score(score, best->dev_accuracy, n);
    if (w->screen == VIEW_RUN && w->workspace && part_fine_tunes(w->workspace))
        workbench_say(w, STYLE_GOOD, now, "all steps done: %s scores the test set",
                      keymap_key(REQUEST_TEST, where, key));
    else if (w->screen == VIEW_RUN)
        workbench_say(w, STYLE_GOOD, now, "all steps done: %s scores the test set, %s shows the prompt",
                      keymap_key(REQUEST_TEST, where, key), keymap_key(REQUEST_SCREEN_PROMPT, where, there));
    else if (best && n)
        workbench_say(w, STYLE_GOOD, now, "the run is done: best dev %s at step %zu; %s shows it", score,
                      best->step, keymap_key(REQUEST_SCREEN_RUN, where, key));
    else
        workbench_say(w, STYLE_GOOD, now, "the run is done; %s shows it",
                      keymap_key(REQUEST_SCREEN_RUN, where, key));
}

static void take_event(struct workbench *w, struct engine_event *event, double now) {
    const struct metric *best = part_best(w->history, w->history_count);
    w->state = event->state;
    if (event->kind == EVENT_STUDYING) {
        w->study[event->channel].done = event->done;
        w->study[event->channel].total = event->total;
        return;
    }
    if (event->kind == EVENT_STUDIED) {
        take_study(w, event->study, now);
        return;
    }
    w->awaiting = 0;
    switch (event->kind) {
    case EVENT_STATE:
        if (w->state != ENGINE_LOADING && w->state != ENGINE_TESTING)
            w->progress[0] = 0, w->progress_total = 0;
        break;
    case EVENT_PROGRESS:
        snprintf(w->progress, sizeof w->progress, "%.120s", event->error.text);
        w->progress_done = event->done;
        w->progress_total = event->total;
        break;
    case EVENT_OPENED:
        take_workspace(w, event->workspace);
        break;
    case EVENT_EVALUATED:
        w->dev = event->evaluation;
        w->has_dev = event->evaluation.examples > 0;
        break;
    case EVENT_BEST:
        break;
    case EVENT_TESTED:
        w->tested++;
        w->test = event->evaluation;
        w->has_test = event->evaluation.examples > 0;
        w->test_step = event->metric.step ? event->metric.step : best ? best->step : 0;
        workbench_say(w, STYLE_GOOD, now, "test accuracy %.3f = %zu/%zu, with the best prompt (step %zu)",
                      w->test.accuracy, w->test.correct, w->test.examples, w->test_step);
        break;
    case EVENT_FINISHED:
        w->series_finished = true;
        say_finished(w, best, now);
        break;
    case EVENT_KEPT:
        if (event->error.text[0])
            workbench_say(w, STYLE_GOOD, now, "%.300s", event->error.text);
        break;
    case EVENT_EDITED:
        say_edited(w, &event->metric, now);
        break;
    case EVENT_STEPPED:
        w->report = event->report;
        w->has_report = true;
        break;
    case EVENT_ESTIMATED:
        w->estimate = event->estimate;
        w->has_estimate = true;
        break;
    case EVENT_STUDYING:
    case EVENT_STUDIED:
        break;
    case EVENT_ERROR:
        w->failed++;
        w->lost = w->lost || (!w->workspace && w->state == ENGINE_EMPTY);
        if (event->error.kind != ERROR_CANCELLED)
            workbench_complain(w, event->error.text, now);
        break;
    }
}

static void take_metrics(struct workbench *w) {
    enum { CHUNK = 256 };
    for (;;) {
        size_t epoch = w->history_epoch;
        if (!mem_grow(&w->history, &w->history_capacity, w->history_count + CHUNK, sizeof *w->history, NULL))
            return;
        struct metric *to = w->history + w->history_count;
        size_t got = w->recording ? recording_metrics(w->recording, w->history_read, to, CHUNK, &epoch)
                     : w->engine  ? engine_metrics(w->engine, w->history_read, to, CHUNK, &epoch)
                                  : 0;
        for (size_t i = 0; i < got && w->has_report; i++) // the run went on, or back
            w->has_report = to[i].kind != METRIC_UNDO &&
                            (to[i].kind != METRIC_STEP || to[i].step == w->report.metric.step);
        if (epoch != w->history_epoch) { // another log, or a shorter one: from the beginning
            w->history_epoch = epoch;
            w->history_count = w->history_read = 0;
            continue;
        }
        w->history_count += got;
        w->history_read += got;
        if (w->history_count >= HISTORY_MOST)
            w->history_count = history_thin(w->history, w->history_count);
        if (got < CHUNK)
            return;
    }
}

void workbench_refresh(struct workbench *w, double now) {
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->refresh)
            view_list[i]->refresh(w->view_state[i], w, now);
    w->dirty = true;
}

void workbench_receive(struct workbench *w, double now) {
    struct engine_event event;
    while (next_event(w, &event))
        take_event(w, &event, now);
    take_metrics(w);
    workbench_keep_pace(w);
    if (w->recording)
        recording_take_picture(w->recording, &w->picture),
            recording_take_snapshots(w->recording, &w->snapshots);
    else if (w->engine)
        engine_take_picture(w->engine, &w->picture), engine_take_snapshots(w->engine, &w->snapshots);
    workbench_refresh(w, now);
    series_follow(w, now);
}

void workbench_nudge(const struct workbench *w) {
    const uint64_t one = 1;
    // The descriptor is an eventfd of the engine's or the recording's. It cannot be written only when it is
    // readable already, or when nothing is open.
    ssize_t ignored = w->fd >= 0 ? write(w->fd, &one, sizeof one) : 0;
    (void)ignored;
}

void workbench_wake(void *context, double now) {
    struct workbench *w = context;
    if (w->recording)
        recording_acknowledge(w->recording);
    else if (w->engine)
        engine_acknowledge(w->engine);
    workbench_receive(w, now);
}
