// SPDX-License-Identifier: GPL-3.0-or-later
// Requests about the run, whatever is on the screen: run, pause, step, learning rate, going back.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "parts.h"
#include "workbench_state.h"

static void run_or_pause(struct workbench *w, double now) {
    switch (w->state) {
    case ENGINE_RUNNING:
        workbench_send_verb(w, ENGINE_PAUSE, now);
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
    case ENGINE_EMPTY: // a task of own examples, some of which are typed by now
        if (workbench_own_waits(w)) {
            workbench_apply(w, now);
            workbench_say(w, STYLE_GOOD, now, "a run with what you typed: %s again tunes",
                          PART_KEY(RUN_PAUSE, WHERE_RUN));
            break;
        }
        workbench_send_verb(w, ENGINE_RUN, now);
        break;
    default:
        workbench_send_verb(w, ENGINE_RUN, now);
        break;
    }
}

static void set_rate(struct workbench *w, double rate, double now) {
    struct run_settings s;
    char number[32], there[64] = "";
    if (!w->session || !w->workspace) {
        workbench_send_verb(w, ENGINE_KEEP, now); // says what is missing
        return;
    }
    s = *session_settings(w->session);
    s.rate = w->wanted.rate = rate;
    session_set_settings(w->session, &s);
    session_commit_edits(w->session, NULL); // without memory for it, it is part of the next edit
    if (!workbench_send(w, (struct engine_command){.verb = ENGINE_SET_RATE, .number = rate}, now))
        return;
    snprintf(number, sizeof number, "%.4g", rate);
    if (s.method != METHOD_FINE_TUNING)
        snprintf(there, sizeof there, " (%.4g in the paper's code)", rate / PAPER_CODE_SCALE);
    workbench_say(w, STYLE_PLAIN, now, "learning rate %s%s, from the next step on", number, there);
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

bool workbench_run_request(struct workbench *w, enum request r, const char *argument, double now) {
    char *end = NULL;
    double number = 0;
    switch (r) {
    case REQUEST_RUN_PAUSE:
        run_or_pause(w, now);
        return true;
    case REQUEST_STEP:
        workbench_send_verb(w, ENGINE_STEP, now);
        return true;
    case REQUEST_STOP:
        workbench_send_verb(w, ENGINE_STOP, now);
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
        workbench_send_verb(w, ENGINE_EVALUATE, now);
        return true;
    case REQUEST_TEST:
        workbench_send_verb(w, ENGINE_TEST, now);
        return true;
    case REQUEST_UNDO_TO_BEST:
        if (workbench_send_verb(w, ENGINE_UNDO_TO_BEST, now))
            workbench_say(w, STYLE_PLAIN, now, "back to the %s on dev",
                          w->workspace && part_fine_tunes(w->workspace) ? "weights that were best"
                                                                        : "prompt that was best");
        return true;
    case REQUEST_UNDO_TO:
        undo_to(w, argument, now);
        return true;
    case REQUEST_RESTART:
        if (part_last(w->history, w->history_count, METRIC_STEP))
            w->question = QUESTION_RESTART;
        else
            workbench_send_verb(w, ENGINE_RESTART, now);
        return true;
    default:
        return false;
    }
}
