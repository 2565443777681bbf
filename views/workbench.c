// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench: what views read of it, messages, and the loop's client. Its other parts: workbench_news.c
// (the engine), workbench_open.c (sessions), workbench_run.c and workbench_request.c (requests and keys),
// workbench_panes.c, workbench_mouse.c, workbench_series.c.
#include "views/workbench.h"

#include <float.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/memory.h"

#include "parts.h"
#include "workbench_state.h"

// How long messages stay, in seconds.
#define SAY_PLAIN    4.0
#define SAY_WARN     8.0
#define SAY_BAD      20.0
#define SPINNER_TURN 0.1

const struct view *const view_list[VIEW_COUNT] = {&view_pattern, &view_data,    &view_run,   &view_prompt,
                                                  &view_try,     &view_compare, &view_learn, &view_help};

// ---- what views read ----

const struct workspace *workbench_workspace(const struct workbench *w) {
    return w->workspace;
}
size_t workbench_opened(const struct workbench *w) {
    return w->opened;
}
struct workbench_answers workbench_answers(const struct workbench *w) {
    return (struct workbench_answers){w->opened, w->tested, w->failed};
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
const char *workbench_state_folder(const struct workbench *w) {
    return w->state_folder;
}
struct training *workbench_training(const struct workbench *w, const char **watch) {
    *watch = w->watch;
    return w->training;
}
bool workbench_shows(const struct workbench *w, const struct view *v) {
    struct inner_view inner;
    size_t at;
    return view_list[w->screen] == v || (workbench_inner(w, w->whole, &inner, &at) && view_list[at] == v);
}
const struct view *workbench_behind(const struct workbench *w) {
    return view_list[w->behind];
}
const enum request *workbench_behind_hints(const struct workbench *w) {
    const struct view *v = view_list[w->behind];
    return v->hints ? v->hints(w->view_state[w->behind], w) : NULL;
}
const char *workbench_behind_means(const struct workbench *w, enum request r) {
    const struct view *v = view_list[w->behind];
    return v->means ? v->means(w->view_state[w->behind], w, r) : NULL;
}

// The median of what the last ones of a kind took; NaN: there was none.
static double median_seconds(const struct workbench *w, enum metric_kind kind) {
    enum { LAST = 15 };
    float seconds[LAST];
    size_t n = 0;
    for (size_t i = w->history_count; i-- > 0 && n < LAST;) {
        if (w->history[i].kind != kind || !isfinite(w->history[i].seconds))
            continue;
        size_t at = n++; // kept sorted
        for (; at > 0 && seconds[at - 1] > w->history[i].seconds; at--)
            seconds[at] = seconds[at - 1];
        seconds[at] = w->history[i].seconds;
    }
    return n ? (double)seconds[n / 2] : NAN;
}

double workbench_step_seconds(const struct workbench *w) {
    return median_seconds(w, METRIC_STEP);
}

// What the cost of a step depends on, of the run that is open.
static bool pace_of(const struct workspace *ws, struct run_pace *out) {
    *out = (struct run_pace){0};
    if (!ws || !ws->setup)
        return false;
    out->batch = ws->setup->settings.batch;
    out->slots = ws->slots;
    out->dev_count = ws->split->dev_count;
    out->fine_tunes = part_fine_tunes(ws);
    out->whole_vocabulary = ws->setup->settings.loss == LOSS_PAPER_CODE;
    snprintf(out->model, sizeof out->model, "%s", ws->model_folder ? ws->model_folder : "");
    snprintf(out->task, sizeof out->task, "%s", ws->task->name ? ws->task->name : "");
    return true;
}

void workbench_keep_pace(struct workbench *w) {
    struct run_pace now;
    double step = median_seconds(w, METRIC_STEP), dev = median_seconds(w, METRIC_EVAL);
    if (!(step > 0) || !pace_of(w->workspace, &now))
        return;
    now.step = step;
    now.dev = dev > 0 ? dev : 0;
    w->pace = now;
}

bool workbench_pace(const struct workbench *w, double *step, double *dev) {
    const struct run_pace *x = &w->pace;
    struct run_pace now;
    if (!(x->step > 0) || !pace_of(w->workspace, &now) || x->batch != now.batch || x->slots != now.slots ||
        x->fine_tunes != now.fine_tunes || x->whole_vocabulary != now.whole_vocabulary ||
        strcmp(x->model, now.model) != 0 || strcmp(x->task, now.task) != 0)
        return false;
    *step = x->step;
    *dev = x->dev_count == now.dev_count ? x->dev : 0;
    return true;
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

void workbench_show_run(struct workbench *w, const struct run_shown *run) {
    w->run_shown = run ? *run : (struct run_shown){.name = ""};
    w->dirty = true;
}

void workbench_close_overlay(struct workbench *w) {
    free(w->overlay.title);
    free(w->overlay.text);
    w->overlay.title = w->overlay.text = NULL;
}

void workbench_complain(struct workbench *w, const char *text, double now) {
    if (frame_message_rows(text, w->columns > 0 ? w->columns : 80) <= MESSAGE_ROWS) {
        workbench_say(w, STYLE_BAD, now, "%s", text);
        return;
    }
    w->message.text[0] = 0;
    workbench_show(w, "what went wrong", text);
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
    workbench_cancel(w, now);
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
    if (options->state_folder && !(w->state_folder = mem_strdup(options->state_folder, e)))
        goto failed;
    workbench_panes_load(w, options->state_folder);
    run_settings_default(&w->first);
    if (options->settings)
        w->first = *options->settings;
    w->wanted = w->first;
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->create && !view_list[i]->create(&w->view_state[i], e))
            goto failed;
    if (options->training) { // a session may be opened beside it
        w->training = options->training;
        w->arrived = true;
        w->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); // stands for an engine's from then on
        if (!(w->watch = mem_strdup(options->watch, e)))
            goto failed;
        if (options->notes && options->notes[0])
            workbench_show(w, "please read", options->notes);
        *out = w;
        return true;
    }
    if (!session_open_reading(&w->session, options->what, options->model_folder, e) ||
        !session_begin_with(w->session, &w->first, e))
        goto failed;
    w->wanted = *session_settings(w->session);
    if (options->recording && !recording_open(&w->recording, options->recording, e))
        goto failed;
    if (!workbench_start_engine(w, e))
        goto failed;
    bool sent = workbench_send_session(w, false, 0); // what goes wrong here is told on the screen
    if (sent || options->notes)
        workbench_tell_notes(w, options->notes, 0);
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
    workbench_panes_save(w); // how a screen is divided can depend on what is open
    workbench_close_session(w);
    recording_close(w->recording);
    for (size_t i = 0; i < VIEW_COUNT; i++)
        if (view_list[i]->free)
            view_list[i]->free(w->view_state[i]);
    workbench_close_overlay(w);
    if (w->fd >= 0)
        close(w->fd);
    free(w->question_argument);
    free(w->watch);
    free(w->state_folder);
    free(w->history);
    free(w);
}
