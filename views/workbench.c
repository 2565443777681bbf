// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench: takes what the engine tells, hands out requests, and owns what the screens share.
#include "views/workbench.h"

#include <fcntl.h>
#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "sessions/prompt_file.h"
#include "tui/keymap.h"

#include "thinning.h"
#include "parts.h"
#include "workbench_state.h"

// How long messages stay, in seconds.
#define SAY_PLAIN 4.0
#define SAY_WARN  8.0
#define SAY_BAD   20.0
// How long an answer of the engine is waited for before it counts as idle again.
#define ANSWER_WITHIN 10.0
#define SPINNER_TURN  0.1

const struct view *const view_list[VIEW_COUNT] = {&view_pattern, &view_data,    &view_run,   &view_prompt,
                                                  &view_try,     &view_compare, &view_learn, &view_help};

// ---- what views read ----

const struct workspace *workbench_workspace(const struct workbench *w) {
    return w->workspace;
}
size_t workbench_opened(const struct workbench *w) {
    return w->opened;
}
enum engine_state workbench_state(const struct workbench *w) {
    return w->state;
}
bool workbench_opening(const struct workbench *w) {
    return w->state == ENGINE_LOADING || (w->state == ENGINE_EMPTY && w->awaiting > 0 && !w->lost);
}
const struct metric *workbench_history(const struct workbench *w, size_t *count) {
    *count = w->history_count;
    return w->history;
}
const struct prompt_picture *workbench_picture(const struct workbench *w) {
    return w->picture;
}
struct snapshot_set *workbench_snapshots(const struct workbench *w) {
    return w->snapshots;
}
const struct step_report *workbench_report(const struct workbench *w) {
    return w->has_report ? &w->report : NULL;
}
const struct run_estimate *workbench_estimate(const struct workbench *w) {
    return w->has_estimate ? &w->estimate : NULL;
}
const struct evaluation *workbench_dev(const struct workbench *w) {
    return w->has_dev ? &w->dev : NULL;
}
const struct evaluation *workbench_test(const struct workbench *w, size_t *step) {
    if (step)
        *step = w->test_step;
    return w->has_test ? &w->test : NULL;
}
struct session *workbench_session(const struct workbench *w) {
    return w->session;
}
const struct run_settings *workbench_settings(const struct workbench *w) {
    return &w->wanted;
}
bool workbench_shows(const struct workbench *w, const struct view *v) {
    struct inner_view inner;
    size_t at;
    return view_list[w->screen] == v || (workbench_inner(w, w->content, &inner, &at) && view_list[at] == v);
}
const struct view *workbench_behind(const struct workbench *w) {
    return view_list[w->behind];
}

double workbench_step_seconds(const struct workbench *w) {
    enum { LAST = 15 };
    float seconds[LAST];
    size_t n = 0;
    for (size_t i = w->history_count; i-- > 0 && n < LAST;) {
        if (w->history[i].kind != METRIC_STEP || !isfinite(w->history[i].seconds))
            continue;
        size_t at = n++; // kept sorted
        for (; at > 0 && seconds[at - 1] > w->history[i].seconds; at--)
            seconds[at] = seconds[at - 1];
        seconds[at] = w->history[i].seconds;
    }
    return n ? (double)seconds[n / 2] : NAN;
}

// ---- messages ----

void workbench_say(struct workbench *w, enum style style, double now, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(w->message.text, sizeof w->message.text, format, args);
    va_end(args);
    w->message.style = style;
    double stays = style == STYLE_BAD ? SAY_BAD : style == STYLE_WARN ? SAY_WARN : SAY_PLAIN;
    w->message.until = now + stays;
    w->message.undrawn = now > 0 ? 0 : stays;
    w->dirty = true;
}

void workbench_show(struct workbench *w, const char *title, const char *text) {
    free(w->overlay.title);
    free(w->overlay.text);
    w->overlay.title = mem_strdup(title, NULL);
    w->overlay.text = mem_strdup(text, NULL);
    w->overlay.top = 0;
    w->dirty = true;
}

static void close_overlay(struct workbench *w) {
    free(w->overlay.title);
    free(w->overlay.text);
    w->overlay.title = w->overlay.text = NULL;
}

static void complain(struct workbench *w, const char *text, double now) {
    if (frame_message_rows(text, w->columns > 0 ? w->columns : 80) <= MESSAGE_ROWS) {
        workbench_say(w, STYLE_BAD, now, "%s", text);
        return;
    }
    w->message.text[0] = 0;
    workbench_show(w, "what went wrong", text);
}

// ---- the engine, or a recording of one ----

static void receive(struct workbench *w, double now);

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
        complain(w, e.text, now);
        return false;
    }
    w->awaiting = now + ANSWER_WITHIN;
    w->dirty = true;
    if (w->recording) // its workspace changes under us: take the news before anything is drawn
        receive(w, now);
    return true;
}

static bool send_verb(struct workbench *w, enum engine_verb verb, double now) {
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

// Those that the closed engine has not given back are gone with it.
static void forget_studies(struct workbench *w) {
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
    if (m->edit_slot != EDIT_EVERY_SLOT)
        snprintf(which, sizeof which, "v%zu", m->edit_slot);
    if (m->edit == EDIT_UNDO)
        workbench_say(w, STYLE_PLAIN, now, "taken back: the prompt is as before the last change");
    else
        workbench_say(w, STYLE_GOOD, now, "%s %s; b on screen 4 takes it back, e scores dev", which,
                      said[m->edit]);
}

// A run that ended is told wherever one is: how good it became, and the keys that go on from there.
static void say_finished(struct workbench *w, const struct metric *best, double now) {
    char score[PART_SHORT], key[KEYMAP_KEYS], there[KEYMAP_KEYS];
    unsigned where = view_list[w->screen]->where;
    const size_t n = w->workspace ? w->workspace->split->dev_count : 0;
    if (best && n)
        part_score(score, best->dev_accuracy, n);
    if (w->screen == VIEW_RUN)
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
        w->lost = w->lost || (!w->workspace && w->state == ENGINE_EMPTY);
        if (event->error.kind != ERROR_CANCELLED)
            complain(w, event->error.text, now);
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

static void receive(struct workbench *w, double now) {
    struct engine_event event;
    while (next_event(w, &event))
        take_event(w, &event, now);
    take_metrics(w);
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

static void workbench_wake(void *context, double now) {
    struct workbench *w = context;
    if (w->recording)
        recording_acknowledge(w->recording);
    else if (w->engine)
        engine_acknowledge(w->engine);
    receive(w, now);
}

// ---- opening ----

// What opening a session brought to light.
static void tell_notes(struct workbench *w, const char *more, double now) {
    const char *notes = session_notes(w->session), *why = session_read_only(w->session);
    struct buffer b = {0};
    if (why)
        buffer_printf(&b, "read-only: %s%s", why, notes[0] ? "\n" : "");
    buffer_add_text(&b, notes);
    if (more)
        buffer_printf(&b, "%s%s", b.length ? "\n" : "", more);
    if (b.length && !b.failed && frame_message_rows(b.data, w->columns > 0 ? w->columns : 80) <= MESSAGE_ROWS)
        workbench_say(w, STYLE_WARN, now, "%s", b.data);
    else if (b.length && !b.failed)
        workbench_show(w, more ? "please read" : "about this session", b.data);
    buffer_free(&b);
}

static bool send_session(struct workbench *w, bool fresh, double now) {
    struct error e = {0};
    struct engine_setup *setup = session_setup(w->session, fresh, &e);
    if (!setup) {
        complain(w, e.text, now);
        w->lost = !w->workspace;
        return false;
    }
    return workbench_send(w, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, now);
}

// The loop watches one descriptor for as long as it runs; what it stands for changes with the session.
static bool watch(struct workbench *w, int fd, struct error *e) {
    if (w->fd >= 0 ? dup2(fd, w->fd) >= 0 : (w->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)) >= 0)
        return true;
    return error_system(e, "the engine's news cannot be listened for");
}

static bool start_engine(struct workbench *w, struct error *e) {
    const struct engine_options options = {
        .threads = w->threads, .keeper = session_keeper(w->session), .openblas = w->openblas};
    if (w->recording)
        return watch(w, recording_fd(w->recording), e);
    return engine_create(&w->engine, &options, e) && watch(w, engine_fd(w->engine), e);
}

// Ends the engine before its session: the keeper runs to the end.
static void close_session(struct workbench *w) {
    struct error e = {0};
    if (!w->recording)
        workspace_release(w->workspace);
    w->workspace = NULL;
    w->opened++;
    engine_close(w->engine);
    w->engine = NULL;
    forget_studies(w);
    // A recording is a picture of a run, not a run: nothing of it is kept.
    if (w->session && !w->recording && !session_read_only(w->session) && session_changed(w->session) &&
        !session_save(w->session, &e))
        fprintf(stderr, "prompter: the session could not be saved: %s\n", e.text);
    session_free(w->session);
    w->session = NULL;
    series_end(w, false, 0);
    prompt_picture_free(w->picture);
    w->picture = NULL;
    snapshot_set_release(w->snapshots);
    w->snapshots = NULL;
    w->history_count = w->history_read = w->history_epoch = 0;
    w->has_dev = w->has_test = false;
    w->state = ENGINE_EMPTY;
}

void workbench_open(struct workbench *w, const char *what, double now) {
    struct session *next = NULL;
    struct error e = {0};
    if (what && w->session && strcmp(what, session_name(w->session)) == 0) {
        workbench_say(w, STYLE_PLAIN, now, "%s is open already", what);
        return;
    }
    if (!session_open_reading(&next, what, NULL, &e) || !session_begin_with(next, &w->first, &e)) {
        session_free(next);
        complain(w, e.text, now);
        return;
    }
    close_session(w);
    w->session = next;
    w->wanted = *session_settings(next);
    if (!start_engine(w, &e)) {
        complain(w, e.text, now);
        return;
    }
    workbench_refresh(w, now);
    if (send_session(w, false, now)) {
        workbench_say(w, STYLE_PLAIN, now, "opening %s", session_name(next));
        tell_notes(w, NULL, now);
        series_load(w, now);
    }
}

bool workbench_pending(const struct workbench *w) {
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->unsaved && view_list[i]->unsaved(w->view_state[i], w))
            return true;
    return w->session && !run_settings_equal(&w->wanted, session_settings(w->session));
}

// Another run of what the session has now, from step 0; the one there was moves to the session's kept/.
static bool begin_anew(struct workbench *w, double now) {
    struct error e = {0};
    if (!w->recording && (!session_begin_run(w->session, &e) || !session_save(w->session, &e))) {
        complain(w, e.text, now);
        return false;
    }
    return send_session(w, true, now);
}

void workbench_apply(struct workbench *w, double now) {
    struct error e = {0};
    if (!w->session) {
        workbench_say(w, STYLE_WARN, now, "Nothing is open. Open a session or a task: :open NAME");
        return;
    }
    if (!w->series_applying)
        series_end(w, true, now);
    session_set_settings(w->session, &w->wanted);
    if (!session_accept_edits(w->session, &e) || !session_commit_edits(w->session, &e)) {
        complain(w, e.text, now);
        return;
    }
    if (begin_anew(w, now))
        workbench_say(w, STYLE_GOOD, now,
                      "a new run with these settings; the old one is kept in the session");
}

bool workbench_set_own(struct workbench *w, const char *text, double now) {
    struct error e = {0};
    if (!w->session)
        return false;
    const char *why = session_read_only(w->session);
    bool ok = why ? error_set(&e, ERROR_INPUT, "read-only: %s; :write NAME saves a copy", why)
                  : session_set_own_examples(w->session, text, &e) && session_commit_edits(w->session, &e) &&
                        (w->recording || session_save(w->session, &e));
    if (!ok)
        complain(w, e.text, now);
    workbench_refresh(w, now);
    return ok;
}

bool workbench_own_waits(const struct workbench *w) {
    const char *has = w->workspace && w->workspace->setup ? w->workspace->setup->own_examples : NULL;
    return w->session && w->workspace && w->wanted.own != RUN_OWN_NONE &&
           strcmp(session_own_examples(w->session), has ? has : "") != 0;
}

// ---- requests ----

static void go_to(struct workbench *w, size_t screen) {
    close_overlay(w); // it lay over the screen that is left
    if (screen == w->screen)
        return;
    if (screen == VIEW_HELP)
        w->behind = w->screen;
    else if (w->screen != VIEW_HELP)
        w->previous = w->screen;
    else if (screen != w->behind) // from help to a third screen
        w->previous = w->behind;
    w->screen = screen;
    w->arrived = true;
}

static void leave(struct workbench *w, double now) {
    bool busy = w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING;
    (void)now;
    if (busy || workbench_pending(w))
        w->question = QUESTION_QUIT;
    else
        w->finished = true;
}

static void run_or_pause(struct workbench *w, double now) {
    switch (w->state) {
    case ENGINE_RUNNING:
        send_verb(w, ENGINE_PAUSE, now);
        break;
    case ENGINE_DONE:
        if (series_go_on(w, now))
            break;
        workbench_say(w, STYLE_PLAIN, now,
                      "all steps are done: \":set steps N\" goes on, :restart starts over");
        break;
    case ENGINE_LOADING:
        workbench_say(w, STYLE_PLAIN, now, "still loading; a moment");
        break;
    default:
        send_verb(w, ENGINE_RUN, now);
        break;
    }
}

static void set_rate(struct workbench *w, double rate, double now) {
    struct run_settings s;
    char number[32];
    if (!w->session || !w->workspace) {
        send_verb(w, ENGINE_KEEP, now); // says what is missing
        return;
    }
    s = *session_settings(w->session);
    s.rate = w->wanted.rate = rate;
    session_set_settings(w->session, &s);
    session_commit_edits(w->session, NULL); // without memory for it, it is part of the next edit
    if (!workbench_send(w, (struct engine_command){.verb = ENGINE_SET_RATE, .number = rate}, now))
        return;
    snprintf(number, sizeof number, "%.4g", rate);
    workbench_say(w, STYLE_PLAIN, now, "learning rate %s, from the next step on", number);
}

static void cancel(struct workbench *w, double now) {
    bool busy = w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING || w->state == ENGINE_LOADING;
    bool studying = w->studies > 0;
    if (w->engine)
        engine_cancel_studies(w->engine, STUDY_EVERY_CHANNEL);
    if (w->question != QUESTION_NONE) {
        w->question = QUESTION_NONE;
    } else if (busy) {
        if (send_verb(w, ENGINE_STOP, now))
            workbench_say(w, STYLE_PLAIN, now, "stopped; what was trained is kept");
    } else if (studying) {
        workbench_say(w, STYLE_PLAIN, now, "stopped");
    } else {
        workbench_say(w, STYLE_PLAIN, now, "nothing is going on; :quit leaves");
    }
}

static void save(struct workbench *w, const char *name, double now) {
    struct error e = {0};
    if (!w->session) {
        workbench_say(w, STYLE_WARN, now, "nothing is open that could be saved");
        return;
    }
    if (w->recording) {
        workbench_say(w, STYLE_WARN, now, "this is a recording: it cannot be saved");
        return;
    }
    if (name ? !session_save_as(w->session, name, &e) : !session_save(w->session, &e)) {
        complain(w, e.text, now);
        return;
    }
    if (w->workspace)
        send_verb(w, ENGINE_KEEP, now);
    workbench_say(w, STYLE_GOOD, now, "saved in %s", session_folder(w->session));
}

// What was trained here stays here; the new session begins with the prompt as it is now.
static void fork_session(struct workbench *w, const char *name, double now) {
    struct error e = {0};
    char *made = NULL;
    if (!w->session || !w->workspace || !w->picture || !w->picture->vectors) {
        workbench_say(w, STYLE_WARN, now,
                      w->recording ? "a recording has no vectors to begin with"
                                   : "there is no prompt to begin with yet");
        return;
    }
    const struct prompt_matrix prompt = {w->picture->vectors, w->picture->slots, w->picture->width};
    size_t step = w->picture->step;
    if (!session_fork(w->session, name, &prompt, step, &made, &e)) {
        complain(w, e.text, now);
        return;
    }
    workbench_open(w, made, now);
    workbench_say(w, STYLE_GOOD, now,
                  "%s begins with the prompt of step %zu; the session before is as you left it", made, step);
    free(made);
}

static void back(struct workbench *w) {
    if (w->overlay.text)
        close_overlay(w);
    else
        go_to(w, w->screen == VIEW_HELP ? w->behind : w->previous);
}

// To a step of which the prompt was kept.
static void undo_to(struct workbench *w, const char *argument, double now) {
    char *end = NULL;
    double step = strtod(argument ? argument : "", &end);
    const struct snapshot *x = snapshot_set_near(w->snapshots, SIZE_MAX);
    if (!argument || end == argument || *end || !(step >= 0 && step < 0x1p53) || step != floor(step)) {
        workbench_say(w, STYLE_BAD, now, "undo-to: name a step at which dev was scored; e.g. :undo-to %zu",
                      x ? x->step : 0);
    } else if (!(x = snapshot_set_near(w->snapshots, (size_t)step)) || x->step != (size_t)step) {
        workbench_say(w, STYLE_BAD, now,
                      "the prompt of step %.0f was not kept; the nearest that was: step %zu", step,
                      x ? x->step : 0);
    } else if (workbench_send(w, (struct engine_command){.verb = ENGINE_UNDO_TO, .number = step}, now)) {
        workbench_say(w, STYLE_PLAIN, now, "back to the prompt of step %.0f; the optimizer begins anew",
                      step);
    }
}

// What belongs to the run, whatever is on the screen.
static bool run_request(struct workbench *w, enum request r, const char *argument, double now) {
    char *end = NULL;
    double number = 0;
    switch (r) {
    case REQUEST_RUN_PAUSE:
        run_or_pause(w, now);
        return true;
    case REQUEST_STEP:
        send_verb(w, ENGINE_STEP, now);
        return true;
    case REQUEST_STOP:
        send_verb(w, ENGINE_STOP, now);
        return true;
    case REQUEST_RATE_UP:
        set_rate(w, w->session ? session_settings(w->session)->rate * 1.25 : 0, now);
        return true;
    case REQUEST_RATE_DOWN:
        set_rate(w, w->session ? session_settings(w->session)->rate / 1.25 : 0, now);
        return true;
    case REQUEST_RATE:
        number = strtod(argument ? argument : "", &end);
        if (!argument || end == argument || *end || !(number > 0) || !isfinite(number))
            workbench_say(w, STYLE_BAD, now, "rate: \"%.60s\" is no positive number; e.g. :rate 0.3",
                          argument ? argument : "");
        else
            set_rate(w, number, now);
        return true;
    case REQUEST_EVALUATE:
        send_verb(w, ENGINE_EVALUATE, now);
        return true;
    case REQUEST_TEST:
        send_verb(w, ENGINE_TEST, now);
        return true;
    case REQUEST_UNDO_TO_BEST:
        if (send_verb(w, ENGINE_UNDO_TO_BEST, now))
            workbench_say(w, STYLE_PLAIN, now, "back to the prompt that was best on dev");
        return true;
    case REQUEST_UNDO_TO:
        undo_to(w, argument, now);
        return true;
    case REQUEST_RESTART:
        if (part_last(w->history, w->history_count, METRIC_STEP))
            w->question = QUESTION_RESTART;
        else
            send_verb(w, ENGINE_RESTART, now);
        return true;
    default:
        return false;
    }
}

static bool overlay_request(struct workbench *w, enum request r) {
    size_t page = w->rows > 8 ? (size_t)w->rows - 6 : 1, last = (size_t)w->overlay_last;
    size_t top = w->overlay.top > last ? last : w->overlay.top;
    switch (r) {
    case REQUEST_UP:
        top -= top > 0;
        break;
    case REQUEST_DOWN:
        top++;
        break;
    case REQUEST_PAGE_UP:
        top -= top < page ? top : page;
        break;
    case REQUEST_PAGE_DOWN:
        top += page;
        break;
    case REQUEST_FIRST:
        top = 0;
        break;
    case REQUEST_LAST:
        top = last;
        break;
    case REQUEST_BACK:
        close_overlay(w);
        return true;
    default:
        return false;
    }
    w->overlay.top = top > last ? last : top;
    return true;
}

// What the workbench itself answers; the rest is unknown here.
static bool own_request(struct workbench *w, enum request r, const char *argument, double now) {
    switch (r) {
    case REQUEST_SCREEN_PATTERN:
        go_to(w, VIEW_PATTERN);
        return true;
    case REQUEST_SCREEN_DATA:
        go_to(w, VIEW_DATA);
        return true;
    case REQUEST_SCREEN_RUN:
        go_to(w, VIEW_RUN);
        return true;
    case REQUEST_SCREEN_PROMPT:
        go_to(w, VIEW_PROMPT);
        return true;
    case REQUEST_SCREEN_TRY:
        go_to(w, VIEW_TRY);
        return true;
    case REQUEST_SCREEN_COMPARE:
        go_to(w, VIEW_COMPARE);
        return true;
    case REQUEST_SCREEN_LEARN:
        go_to(w, VIEW_LEARN);
        return true;
    case REQUEST_HELP:
        if (w->screen == VIEW_HELP && !argument) {
            go_to(w, w->behind);
            return true;
        }
        go_to(w, VIEW_HELP);
        view_help.request(w->view_state[VIEW_HELP], w, r, argument, now);
        return true;
    case REQUEST_SWEEP:
        go_to(w, VIEW_RUN);
        view_run.request(w->view_state[VIEW_RUN], w, r, argument, now);
        return true;
    case REQUEST_REDRAW:
        loop_redraw();
        return true;
    case REQUEST_COMMAND:
        loop_open_command_line("");
        return true;
    case REQUEST_BACK:
        back(w);
        return true;
    case REQUEST_QUIT:
        leave(w, now);
        return true;
    case REQUEST_CANCEL:
        cancel(w, now);
        return true;
    case REQUEST_WRITE:
        save(w, argument, now);
        return true;
    case REQUEST_SET:
        command_set(w, argument, now);
        return true;
    case REQUEST_FORK:
        fork_session(w, argument, now);
        return true;
    case REQUEST_SEED: {
        if (argument && series_begin(w, argument, now))
            return true;
        char line[96];
        snprintf(line, sizeof line, "seed %.60s", argument ? argument : "");
        command_set(w, line, now);
        return true;
    }
    case REQUEST_THEME:
        command_theme(w, argument, now);
        return true;
    case REQUEST_MOUSE:
        command_mouse(w, argument, now);
        return true;
    case REQUEST_UNDO_EDIT:
    case REQUEST_REDO_EDIT:
        command_undo(w, r == REQUEST_REDO_EDIT, now);
        return true;
    case REQUEST_EXPORT:
    case REQUEST_EXPORT_HERE:
        command_export(w, argument, r == REQUEST_EXPORT_HERE, now);
        return true;
    case REQUEST_LOAD_HERE:
        if (argument)
            command_load_here(w, argument, now);
        else
            loop_open_command_line("load-here ");
        return true;
    case REQUEST_LOAD:
        if (!argument) {
            loop_open_command_line("load ");
        } else if (w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING || workbench_pending(w)) {
            free(w->question_argument);
            w->question_argument = mem_strdup(argument, NULL);
            w->question = w->question_argument ? QUESTION_LOAD : QUESTION_NONE;
        } else {
            command_load(w, argument, now);
        }
        return true;
    case REQUEST_OPEN:
        if (w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING || workbench_pending(w)) {
            free(w->question_argument);
            w->question_argument = mem_strdup(argument ? argument : "", NULL);
            w->question = w->question_argument ? QUESTION_OPEN : QUESTION_NONE;
        } else {
            workbench_open(w, argument, now);
        }
        return true;
    default:
        return run_request(w, r, argument, now);
    }
}

// Requests that belong to the pattern's editors from wherever they are made.
static bool pattern_request(enum request r) {
    return r == REQUEST_TEMPLATE || r == REQUEST_WORDS || r == REQUEST_APPLY || r == REQUEST_TEMPLATE_NEXT ||
           r == REQUEST_IMPORT;
}
// ":export template FILE" is the Pattern view's, whatever is shown; other exports are not.
static bool pattern_file(enum request r, const char *argument) {
    return r == REQUEST_EXPORT && argument &&
           (strncmp(argument, "template ", 9) == 0 || strncmp(argument, "words ", 6) == 0);
}

// ":export table FILE" and ":export curves FILE" are the Compare screen's from wherever they are made.
static bool compare_request(enum request r, const char *argument) {
    const char *what = r == REQUEST_EXPORT && argument ? argument : "";
    size_t word = strcspn(what, " ");
    return (word == 5 && strncmp(what, "table", word) == 0) ||
           (word == 6 && strncmp(what, "curves", word) == 0);
}

// Requests that change the run or the session.
static bool request_writes(enum request r) {
    return r == REQUEST_RUN_PAUSE || r == REQUEST_STEP || r == REQUEST_RATE_UP || r == REQUEST_RATE_DOWN ||
           r == REQUEST_RATE || r == REQUEST_TAKE || r == REQUEST_UNDO_TO_BEST || r == REQUEST_UNDO_TO ||
           r == REQUEST_RESTART || r == REQUEST_SET || r == REQUEST_SEED || r == REQUEST_APPLY ||
           r == REQUEST_UNDO_EDIT || r == REQUEST_REDO_EDIT || r == REQUEST_FREEZE ||
           r == REQUEST_RESET_VECTOR || r == REQUEST_SET_WORD || r == REQUEST_SNAP || r == REQUEST_SNAP_ALL ||
           r == REQUEST_TAKE_BACK || r == REQUEST_LOAD || r == REQUEST_LOAD_HERE;
}

static bool refused(struct workbench *w, enum request r, const char *argument, double now) {
    const char *why = w->session ? session_read_only(w->session) : NULL;
    bool shows = r == REQUEST_SET && !(argument && strchr(argument, ' ')); // tells what settings are
    if (!why || shows || (!request_writes(r) && (r != REQUEST_WRITE || argument)))
        return false;
    workbench_say(w, STYLE_WARN, now, "read-only: %s; :write NAME saves a copy", why);
    return true;
}

bool workbench_inner(const struct workbench *w, struct area a, struct inner_view *out, size_t *at) {
    const struct view *v = view_list[w->screen];
    if (!v->inner || !v->inner(w->view_state[w->screen], a, out))
        return false;
    *at = 0;
    while (view_list[*at]->screen != out->screen)
        ++*at;
    return true;
}

size_t workbench_keys(const struct workbench *w) {
    struct inner_view inner;
    size_t at;
    return workbench_inner(w, w->content, &inner, &at) && inner.keys ? at : w->screen;
}

void workbench_request(struct workbench *w, enum request r, const char *argument, double now) {
    w->dirty = true;
    if (r == REQUEST_NONE || (w->overlay.text && overlay_request(w, r)) || refused(w, r, argument, now))
        return;
    if (r == REQUEST_SEARCH && !argument) { // the text is asked for first
        loop_open_command_line("search ");
        return;
    }
    if (r == REQUEST_FILTER && !argument) {
        loop_open_command_line("filter ");
        return;
    }
    const size_t at = pattern_request(r) || pattern_file(r, argument) ? VIEW_PATTERN
                      : compare_request(r, argument)                  ? VIEW_COMPARE
                                                                      : workbench_keys(w);
    const size_t before = w->screen;
    const struct view *v = view_list[at];
    // Going to a screen works from every screen and is never the view's.
    if (v->request && r != REQUEST_HELP && v->request(w->view_state[at], w, r, argument, now))
        return;
    if (workbench_pane_request(w, r))
        return;
    const struct view *around = view_list[w->screen];
    if (around != v && around->request && r != REQUEST_HELP &&
        around->request(w->view_state[w->screen], w, r, argument, now))
        return;
    if (!own_request(w, r, argument, now) && argument)
        workbench_say(w, STYLE_WARN, now, "\"%s\" does nothing on this screen", request_info(r)->name);
    if (w->screen != before && view_list[w->screen]->shown)
        view_list[w->screen]->shown(w->view_state[w->screen], w, now);
}

static void answer(struct workbench *w, struct key k, double now) {
    enum question q = w->question;
    bool yes = k.code == KEY_CODE_CHARACTER && !k.control && (k.character == 'y' || k.character == 'Y');
    bool no = (k.code == KEY_CODE_CHARACTER && (k.character == 'n' || k.character == 'N')) ||
              k.code == KEY_CODE_ESCAPE || (k.code == KEY_CODE_CHARACTER && k.character == 'q');
    if (!yes && !no)
        return;
    w->question = QUESTION_NONE;
    if (no)
        return;
    if (q == QUESTION_QUIT)
        w->finished = true;
    else if (q == QUESTION_RESTART && begin_anew(w, now))
        workbench_say(w, STYLE_GOOD, now, "from step 0 again; the run before is kept in the session");
    else if (q == QUESTION_LOAD && w->question_argument)
        command_load(w, w->question_argument, now);
    else if (q == QUESTION_OPEN && w->question_argument)
        workbench_open(w, w->question_argument, now);
}

static void workbench_key(void *context, struct key k, double now) {
    struct workbench *w = context;
    const size_t at = workbench_keys(w);
    const struct view *v = view_list[at];
    w->dirty = true;
    if (w->question != QUESTION_NONE) {
        answer(w, k, now);
        return;
    }
    if (k.code == KEY_CODE_MOUSE) {
        workbench_mouse(w, k, now);
        return;
    }
    if (k.code == KEY_CODE_PASTE || k.code == KEY_CODE_PASTE_END)
        w->pasting = k.code == KEY_CODE_PASTE;
    if (!w->overlay.text && v->key && v->key(w->view_state[at], w, k, now))
        return;
    if (w->pasting || k.code == KEY_CODE_PASTE_END) // text that no editor took is not keys to obey
        return;
    workbench_request(w, key_request(k, v->where), NULL, now);
}

// ---- the loop's client ----

static void workbench_draw(void *context, struct grid *g, double now) {
    struct workbench *w = context;
    frame_draw(w, g, now);
    w->dirty = false;
    w->turn_at = now + SPINNER_TURN;
}

static void workbench_interrupt(void *context, double now) {
    struct workbench *w = context;
    w->dirty = true;
    cancel(w, now);
}

static void workbench_terminate(void *context, int signal_number) {
    struct workbench *w = context;
    (void)signal_number;
    w->finished = true;
}

static void workbench_line(void *context, const char *line, double now) {
    command_run(context, line, now);
}

static bool message_faded(struct workbench *w, double now) {
    if (w->message.undrawn > 0 && now > 0) {
        w->message.until = now + w->message.undrawn;
        w->message.undrawn = 0;
    }
    return w->message.text[0] && now >= w->message.until;
}

static bool workbench_dirty(void *context, double now) {
    struct workbench *w = context;
    if (w->arrived) {
        w->arrived = false;
        if (view_list[w->screen]->refresh)
            view_list[w->screen]->refresh(w->view_state[w->screen], w, now);
    }
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        const struct view *v = view_list[i];
        double at = v->deadline ? v->deadline(w->view_state[i]) : 0;
        if (at > 0 && now >= at) {
            v->tick(w->view_state[i], w, now);
            w->dirty = true;
        }
    }
    if (message_faded(w, now)) {
        w->message.text[0] = 0;
        w->dirty = true;
    }
    if (w->awaiting > 0 && now >= w->awaiting)
        w->awaiting = 0;
    return w->dirty || (frame_animated(w) && now >= w->turn_at);
}

// The first of the views' deadlines, or 0.
static double views_deadline(const struct workbench *w) {
    double first = 0;
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        double at = view_list[i]->deadline ? view_list[i]->deadline(w->view_state[i]) : 0;
        if (at > 0 && (first == 0 || at < first))
            first = at;
    }
    return first;
}

static double workbench_deadline(void *context) {
    const struct workbench *w = context;
    double at = w->message.text[0] ? w->message.until : 0;
    if (w->arrived)
        return DBL_MIN; // at once
    if (frame_animated(w) && (at == 0 || w->turn_at < at))
        at = w->turn_at;
    double waits = views_deadline(w);
    return waits > 0 && (at == 0 || waits < at) ? waits : at;
}

static bool workbench_finished(void *context) {
    return ((const struct workbench *)context)->finished;
}

bool workbench_settled(const struct workbench *w) {
    return w->awaiting == 0 && w->state != ENGINE_LOADING && !workbench_opening(w) &&
           w->question == QUESTION_NONE;
}

void workbench_do(struct workbench *w, const char *line, double now) {
    command_run(w, line, now);
}

static bool workbench_idle(void *context) {
    const struct workbench *w = context;
    if (w->studies > 0 || w->arrived || views_deadline(w) > 0)
        return false;
    if (w->recording)
        return recording_idle(w->recording);
    return w->awaiting == 0 && w->state != ENGINE_LOADING && w->state != ENGINE_RUNNING &&
           w->state != ENGINE_TESTING;
}

struct loop_client workbench_client(struct workbench *w) {
    return (struct loop_client){.context = w,
                                .draw = workbench_draw,
                                .key = workbench_key,
                                .command = workbench_line,
                                .wake = workbench_wake,
                                .fd = w->fd,
                                .interrupt = workbench_interrupt,
                                .terminate = workbench_terminate,
                                .dirty = workbench_dirty,
                                .deadline = workbench_deadline,
                                .finished = workbench_finished,
                                .idle = workbench_idle,
                                .completion = {.complete = command_complete}};
}

bool workbench_create(struct workbench **out, const struct workbench_options *options, struct error *e) {
    struct workbench *w = mem_calloc(1, sizeof *w, e);
    if (!w)
        return false;
    w->threads = options->threads;
    w->openblas = options->openblas;
    w->studied = options->studied;
    w->studied_context = options->context;
    w->screen = w->behind = w->previous = VIEW_RUN;
    w->dirty = true;
    w->fd = -1;
    workbench_panes_load(w, options->state_folder);
    run_settings_default(&w->first);
    if (options->settings)
        w->first = *options->settings;
    w->wanted = w->first;
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->create && !view_list[i]->create(&w->view_state[i], e))
            goto failed;
    if (!session_open_reading(&w->session, options->what, options->model_folder, e) ||
        !session_begin_with(w->session, &w->first, e))
        goto failed;
    w->wanted = *session_settings(w->session);
    if (options->recording && !recording_open(&w->recording, options->recording, e))
        goto failed;
    if (!start_engine(w, e))
        goto failed;
    bool sent = send_session(w, false, 0); // what goes wrong here is told on the screen
    if (sent || options->notes)
        tell_notes(w, options->notes, 0);
    series_load(w, 0);
    *out = w;
    return true;
failed:
    workbench_free(w);
    return false;
}

void workbench_free(struct workbench *w) {
    if (!w)
        return;
    close_session(w);
    recording_close(w->recording);
    workbench_panes_save(w);
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->free)
            view_list[i]->free(w->view_state[i]);
    close_overlay(w);
    if (w->fd >= 0)
        close(w->fd);
    free(w->question_argument);
    free(w->history);
    free(w);
}
