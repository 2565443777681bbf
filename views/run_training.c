// SPDX-License-Identifier: GPL-3.0-or-later
// The Run screen over a training: of this program, with its keys, or of another one, whose log is only
// watched.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"

#include "parts.h"
#include "run_inside.h"

// Seconds between looks at a training of this program, at the log of another, and without news until it is
// said.
#define LOOK_OWN   0.2
#define LOOK_OTHER 0.5
#define LOOK_MORE  0.02
#define QUIET      60.0
#define RATE_STEP  1.25

// ---- what is watched ----

void run_training_free(struct run_view *v) {
    struct run_training *t = v->training;
    if (!t)
        return;
    training_log_close(t->log);
    free(t->smooth);
    free(t->smooth_accuracy);
    free(t->what);
    free(t);
    v->training = NULL;
}

static bool begin(struct run_view *v, struct training *hands, const char *what, struct training_log *take) {
    run_training_free(v);
    struct run_training *t = mem_calloc(1, sizeof *t, NULL);
    if (!t || !(t->what = mem_strdup(what, NULL))) {
        free(t);
        training_log_close(take);
        return false;
    }
    t->hands = hands;
    t->log = take;
    t->state.rate = t->state.seconds_left = NAN;
    v->training = t;
    v->range = (struct run_range){0};
    return true;
}

bool run_training_goes(const struct run_training *t) {
    return t->hands ? t->state.phase < TRAINING_FINISHED : !t->log || t->log->end == TRAINING_OPEN;
}

double run_training_end(const struct run_training *t) {
    return t->log ? run_range_end((double)t->log->last, (double)t->log->steps) : 20;
}

bool run_training_pane_there(const struct run_training *t, size_t pane) {
    return pane < TRAINING_PANES && (pane != TRAINING_PANE_PARTS || (t->log && t->log->parts > 1));
}

// ---- news ----

static void smooth(struct run_view *v, struct run_training *t) {
    const struct training_log *l = t->log;
    if (l->step_count && mem_grow(&t->smooth, &t->smooth_capacity, l->step_count, sizeof(float), NULL))
        run_smooth(t->smooth, l->column[TRAINING_LOSS], l->step_count, run_smoothing(v));
    if (l->step_count &&
        mem_grow(&t->smooth_accuracy, &t->accuracy_capacity, l->step_count, sizeof(float), NULL))
        run_smooth(t->smooth_accuracy, l->column[TRAINING_ACCURACY], l->step_count, run_smoothing(v));
}

// The state at the right of the tabs.
static void compose_state(const struct run_training *t, double now, struct run_shown *out) {
    struct shown {
        enum part_symbol symbol;
        const char *text;
        enum style style;
    };
    static const struct shown own[] = {
        [TRAINING_OPENING] = {SYMBOL_RUNNING, "opening", STYLE_ACCENT},
        [TRAINING_GOING] = {SYMBOL_RUNNING, "training", STYLE_GOOD},
        [TRAINING_PAUSED] = {SYMBOL_PAUSED, "paused", STYLE_WARN},
        [TRAINING_STOPPED] = {SYMBOL_PAUSED, "stopped, kept", STYLE_WARN},
        [TRAINING_FINISHED] = {SYMBOL_TICK, "done", STYLE_GOOD},
        [TRAINING_FAILED] = {SYMBOL_CROSS, "failed", STYLE_BAD},
    };
    static const struct shown other[] = {
        [TRAINING_OPEN] = {SYMBOL_RUNNING, "training elsewhere", STYLE_GOOD},
        [TRAINING_WAS_STOPPED] = {SYMBOL_PAUSED, "stopped, kept", STYLE_WARN},
        [TRAINING_HAS_FAILED] = {SYMBOL_CROSS, "failed", STYLE_BAD},
        [TRAINING_DONE] = {SYMBOL_TICK, "done", STYLE_GOOD},
    };
    const struct shown *x = t->hands ? &own[t->state.phase] : &other[t->log ? t->log->end : TRAINING_OPEN];
    out->symbol = x->symbol;
    out->style = x->style;
    snprintf(out->state, sizeof out->state, "%s", t->state.asked ? "after this step" : x->text);
    if (!t->hands && run_training_goes(t) && now - t->news_at > QUIET) {
        char quiet[PART_SHORT];
        part_seconds(quiet, floor((now - t->news_at) / 60) * 60);
        snprintf(out->state, sizeof out->state, "no news for %.40s", quiet);
        out->style = STYLE_WARN;
    }
}

static void tell_frame(const struct run_training *t, struct workbench *w, double now) {
    struct run_shown shown = {.name = ""};
    size_t length = strlen(t->what);
    while (length > 1 && t->what[length - 1] == '/') // "models/tiny/"
        length--;
    size_t from = length;
    while (from > 0 && t->what[from - 1] != '/')
        from--;
    snprintf(shown.name, sizeof shown.name, "%.*s", (int)(length - from), t->what + from);
    snprintf(shown.detail, sizeof shown.detail, "%s", t->log ? t->log->title : "");
    compose_state(t, now, &shown);
    workbench_show_run(w, &shown);
}

// What only the training's own program knows.
static void look_at_own(struct run_training *t, struct workbench *w, double now) {
    enum training_phase before = t->state.phase;
    char made[PART_SHORT];
    training_look(t->hands, &t->state);
    if (t->state.phase == before)
        return;
    part_exact(made, t->state.made);
    if (t->state.phase == TRAINING_FINISHED)
        workbench_say(w, STYLE_GOOD, now, "all steps done; %s is made. :quit leaves", t->what);
    else if (t->state.phase == TRAINING_FAILED)
        workbench_say(w, STYLE_BAD, now, "the training failed; :quit leaves");
    else if (t->state.phase == TRAINING_STOPPED)
        workbench_say(w, STYLE_GOOD, now,
                      "stopped after step %s, all of it kept: Space goes on, :quit leaves", made);
}

static void follow(struct run_view *v, struct workbench *w, double now) {
    struct run_training *t = v->training;
    bool news = false, opening = t->hands && t->state.phase == TRAINING_OPENING;
    struct error e = {0};
    if (t->log && !training_log_follow(t->log, &news, &e)) {
        workbench_say(w, STYLE_WARN, now, "%.300s", e.text);
        training_log_close(t->log);
        t->log = NULL;
    } else if (!t->log && !opening && training_log_open(&t->log, t->what, NULL)) {
        news = true;
    }
    if (news) {
        t->news_at = now;
        smooth(v, t);
    }
    double quiet = !t->hands && run_training_goes(t) ? now - t->news_at : NAN;
    t->diagnoses = t->log ? run_training_look(t->log, t->smooth, t->hands, quiet, t->diagnosis) : 0;
    if (!t->log && t->state.phase == TRAINING_FAILED) {
        t->diagnosis[0] = (struct diagnosis){.level = DOCTOR_BAD};
        snprintf(t->diagnosis[0].text, sizeof t->diagnosis[0].text, "%.255s", t->state.error.text);
        t->diagnoses = 1;
    }
}

void run_training_refresh(struct run_view *v, struct workbench *w, double now) {
    const char *what;
    struct training *own = workbench_training(w, &what);
    if (own && !v->training && v->own_shown++ == 0 && !begin(v, own, what, NULL))
        return;
    struct run_training *t = v->training;
    if (!t || (t->look_at > 0 && now < t->look_at))
        return;
    if (t->hands)
        look_at_own(t, w, now);
    follow(v, w, now);
    tell_frame(t, w, now);
    if (t->log && t->log->more)
        t->look_at = now + LOOK_MORE;
    else
        t->look_at = run_training_goes(t) ? now + (t->hands ? LOOK_OWN : LOOK_OTHER) : 0;
}

void run_training_watch(struct run_view *v, struct workbench *w, const char *what, double now) {
    struct training_log *log;
    struct error e = {0};
    const char *own_log;
    struct training *own = workbench_training(w, &own_log);
    if (!what) {
        loop_open_command_line("watch ");
        return;
    }
    if (strcmp(what, "off") == 0 && own && v->training && !v->training->hands)
        what = own_log; // this program's own lies behind
    if (strcmp(what, "off") == 0) {
        run_training_free(v);
        v->range = (struct run_range){0};
        workbench_show_run(w, NULL);
        return;
    }
    if (own && strcmp(what, own_log) == 0) {
        begin(v, own, own_log, NULL);
    } else if (!training_log_open(&log, what, &e)) {
        workbench_say(w, STYLE_BAD, now, "%.900s", e.text);
        return;
    } else if (begin(v, NULL, what, log)) {
        v->training->news_at = now;
        smooth(v, v->training);
    }
    run_training_refresh(v, w, now);
}

// ---- requests ----

static void say_watched(struct workbench *w, double now) {
    workbench_say(w, STYLE_PLAIN, now,
                  "this training belongs to another program and is only watched; Esc leaves it");
}

static void go_or_pause(const struct run_training *t, struct workbench *w, double now) {
    const struct training_state *s = &t->state;
    if (s->phase >= TRAINING_FINISHED)
        workbench_say(w, STYLE_PLAIN, now, "it is over");
    else if (s->phase <= TRAINING_GOING && !s->asked)
        training_pause(t->hands);
    else
        training_go(t->hands);
}

static void scale_rate(const struct run_training *t, struct workbench *w, double factor, double now) {
    char number[16];
    if (t->state.phase >= TRAINING_FINISHED || !(t->state.rate > 0)) {
        workbench_say(w, STYLE_PLAIN, now, "the rate can be changed after the first step, until the end");
        return;
    }
    training_scale_rate(t->hands, factor);
    plot_number(number, sizeof number, factor);
    workbench_say(w, STYLE_PLAIN, now, "learning rate times %s from the next step on, schedule included",
                  number);
}

static void set_rate(const struct run_training *t, struct workbench *w, const char *argument, double now) {
    char *end = NULL;
    double rate = strtod(argument ? argument : "", &end);
    if (!argument || end == argument || *end || !(rate > 0) || !isfinite(rate))
        workbench_say(w, STYLE_BAD, now, "rate: \"%.60s\" is no positive number; e.g. :rate 0.001",
                      argument ? argument : "");
    else
        scale_rate(t, w, rate / t->state.rate, now);
}

// What holds a training; only for its own program.
static bool hold(const struct run_training *t, struct workbench *w, enum request r, const char *argument,
                 double now) {
    if (!t->hands) {
        say_watched(w, now);
        return true;
    }
    bool over = t->state.phase >= TRAINING_FINISHED;
    if (r == REQUEST_RUN_PAUSE)
        go_or_pause(t, w, now);
    else if (r == REQUEST_RATE)
        set_rate(t, w, argument, now);
    else if (r == REQUEST_RATE_UP || r == REQUEST_RATE_DOWN)
        scale_rate(t, w, r == REQUEST_RATE_UP ? RATE_STEP : 1 / RATE_STEP, now);
    else if (over)
        workbench_say(w, STYLE_PLAIN, now, "it is over");
    else if (r == REQUEST_STEP)
        training_step(t->hands);
    else if (t->state.phase != TRAINING_STOPPED) {
        training_stop(t->hands);
        workbench_say(w, STYLE_PLAIN, now, "stopping; what was trained is kept");
    }
    return true;
}

// To the validation before or after the cursor.
static void to_validation(struct run_view *v, bool forward) {
    const struct training_log *l = v->training->log;
    double at = v->range.cursor ? (double)v->range.at : (double)l->last + 0.5, found = -1;
    for (size_t i = 0; i < l->validation_count; i++) {
        double x = (double)l->validation_x[i];
        if (forward ? x > at && found < 0 : x < at)
            found = x;
    }
    if (found >= 0)
        run_range_put(&v->range, run_training_end(v->training), (size_t)found);
}

static void move_focus(struct run_view *v, size_t by) {
    do
        v->focus = (v->focus + by) % TRAINING_PANES;
    while (!run_training_pane_there(v->training, v->focus));
}

// Esc takes back one thing after the other; at last what is only watched.
static bool back(struct run_view *v, struct workbench *w, double now) {
    struct run_training *t = v->training;
    if (v->range.cursor)
        v->range.cursor = false;
    else if (v->range.to > v->range.from)
        v->range = (struct run_range){0};
    else if (v->panes.zoomed)
        v->panes.zoomed = false;
    else if (!t->hands)
        run_training_watch(v, w, "off", now);
    else
        return false;
    return true;
}

bool run_training_request(struct run_view *v, struct workbench *w, enum request r, const char *argument,
                          double now) {
    struct run_training *t = v->training;
    if (t->log && t->log->last && run_range_request(&v->range, run_training_end(t), t->log->last, r))
        return true;
    switch (r) {
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
        if (t->log)
            to_validation(v, r == REQUEST_PAGE_DOWN);
        return true;
    case REQUEST_RUN_PAUSE:
    case REQUEST_STEP:
    case REQUEST_STOP:
    case REQUEST_RATE_UP:
    case REQUEST_RATE_DOWN:
    case REQUEST_RATE:
        return hold(t, w, r, argument, now);
    case REQUEST_FOCUS_NEXT:
    case REQUEST_FOCUS_PREVIOUS:
        move_focus(v, r == REQUEST_FOCUS_NEXT ? 1 : TRAINING_PANES - 1);
        return true;
    case REQUEST_BACK:
        return back(v, w, now);
    case REQUEST_LOG_SCALE:
        v->log_loss = !v->log_loss;
        return true;
    case REQUEST_SMOOTH:
        v->smoothing = (v->smoothing + 1) % SMOOTHINGS;
        if (t->log)
            smooth(v, t);
        return true;
    case REQUEST_EVALUATE:
    case REQUEST_TEST:
    case REQUEST_UNDO_TO_BEST:
    case REQUEST_UNDO_TO:
    case REQUEST_RESTART:
    case REQUEST_SWEEP:
    case REQUEST_TAKE:
        workbench_say(w, STYLE_PLAIN, now, "that is for the session's run; :watch off shows it");
        return true;
    default:
        return false;
    }
}

const enum request *run_training_hints(const struct run_view *v) {
    static const enum request own[] = {REQUEST_RUN_PAUSE, REQUEST_STEP,       REQUEST_STOP,
                                       REQUEST_RATE_UP,   REQUEST_FOCUS_NEXT, REQUEST_ZOOM,
                                       REQUEST_LOG_SCALE, REQUEST_SMOOTH,     REQUEST_NONE};
    static const enum request over[] = {REQUEST_FOCUS_NEXT, REQUEST_ZOOM, REQUEST_LOG_SCALE,
                                        REQUEST_SMOOTH,     REQUEST_QUIT, REQUEST_NONE};
    static const enum request other[] = {REQUEST_FOCUS_NEXT, REQUEST_ZOOM, REQUEST_LOG_SCALE,
                                         REQUEST_SMOOTH,     REQUEST_BACK, REQUEST_NONE};
    const struct run_training *t = v->training;
    return !t->hands ? other : run_training_goes(t) ? own : over;
}

// ---- help ----

// What holds a training, in its own program; "" once there is nothing to hold any more.
static const char *held_means(const struct run_training *t, enum request r) {
    const bool over = t->state.phase >= TRAINING_FINISHED;
    switch (r) {
    case REQUEST_RUN_PAUSE:
        return over ? "" : "pause the training after this step, or go on, also after a stop";
    case REQUEST_STEP:
        return over ? "" : "one update, then pause";
    case REQUEST_STOP:
        return over ? "" : "stop; what was trained is kept";
    case REQUEST_CANCEL:
        return over ? "" : "the same as stopping";
    case REQUEST_RATE_UP:
    case REQUEST_RATE_DOWN:
    case REQUEST_RATE:
        return over ? "" : NULL;
    case REQUEST_QUIT:
        return over ? "leave" : "stop, keep what was trained, and leave";
    default:
        return "";
    }
}

const char *run_training_means(const struct run_view *v, enum request r) {
    const struct run_training *t = v->training;
    switch (r) {
    case REQUEST_NONE:
        return !t->hands
                   ? "Curves of a training that another program makes, or has made (prompter lm, prompter "
                     "pretrain). Here it is only watched; nothing on this screen changes it."
               : run_training_goes(t)
                   ? "Curves of the training that this program was started for. It can be paused, stepped "
                     "and "
                     "stopped, and its rate changed; whatever is done, what was trained is kept."
                   : "Curves of the training that this program was started for. It is over.";
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
        return r == REQUEST_PAGE_UP ? "the cursor to the validation before"
                                    : "the cursor to the next validation";
    case REQUEST_BACK:
        return t->hands ? "put away cursor, range and zoom, one after the other; then the screen before"
                        : "put away cursor, range and zoom, one after the other; then this training";
    case REQUEST_SCREEN_PATTERN:
    case REQUEST_SCREEN_DATA:
    case REQUEST_SCREEN_RUN:
    case REQUEST_SCREEN_PROMPT:
    case REQUEST_SCREEN_TRY:
    case REQUEST_SCREEN_COMPARE:
    case REQUEST_SCREEN_LEARN:
    case REQUEST_HELP:
    case REQUEST_COMMAND:
    case REQUEST_REDRAW:
    case REQUEST_FOCUS_NEXT:
    case REQUEST_FOCUS_PREVIOUS:
    case REQUEST_ZOOM:
    case REQUEST_WIDER:
    case REQUEST_NARROWER:
    case REQUEST_TALLER:
    case REQUEST_SHORTER:
    case REQUEST_UP:
    case REQUEST_DOWN:
    case REQUEST_LEFT:
    case REQUEST_RIGHT:
    case REQUEST_FIRST:
    case REQUEST_LAST:
    case REQUEST_STEPS_FEWER:
    case REQUEST_STEPS_MORE:
    case REQUEST_STEPS_EARLIER:
    case REQUEST_STEPS_LATER:
    case REQUEST_LOG_SCALE:
    case REQUEST_SMOOTH:
    case REQUEST_OPEN:
    case REQUEST_WATCH:
    case REQUEST_THEME:
    case REQUEST_MOUSE:
        return NULL;
    case REQUEST_QUIT:
        return t->hands ? held_means(t, r) : NULL;
    default:
        return t->hands ? held_means(t, r) : "";
    }
}
