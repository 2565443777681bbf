// SPDX-License-Identifier: GPL-3.0-or-later
// Trying learning rates: asking for a sweep, its chart, and taking what it suggests.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

// From a hundredth of the present rate to a hundred times it, where nothing else is asked for.
#define WIDTH_OF_A_SWEEP 100.0

bool run_sweeping(const struct workbench *w) {
    return workbench_studying(w, &view_run, RUN_SWEEP_CHANNEL, NULL, NULL);
}

// "rate", "rate LOW HIGH", "lr LOW HIGH".
static bool parse(const char *text, double present, double *low, double *high) {
    char name[16] = "", rest[4];
    *low = present / WIDTH_OF_A_SWEEP;
    *high = present * WIDTH_OF_A_SWEEP;
    int n = sscanf(text, "%15s %lf %lf %3s", name, low, high, rest);
    return (n == 1 || n == 3) && (strcmp(name, "rate") == 0 || strcmp(name, "lr") == 0) && *low > 0 &&
           *high > *low && isfinite(*high);
}

void run_sweep_ask(struct run_view *v, struct workbench *w, const char *argument, double now) {
    struct session *session = workbench_session(w);
    struct error e = {0};
    double low, high;
    if (!session || !workbench_workspace(w)) {
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
        return;
    }
    double present = session_settings(session)->rate;
    if (!argument || !parse(argument, present > 0 ? present : 0.1, &low, &high)) {
        workbench_say(w, STYLE_BAD, now,
                      "sweep: rate and two numbers above 0, the lower first: "
                      ":sweep rate 0.001 10");
        return;
    }
    struct rate_sweep *s = rate_sweep_make(low, high, &e);
    if (!s) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    v->show_sweep = true;
    if (v->focus != PANE_LOSS)
        v->focus = PANE_SWEEP;
    workbench_study(w, &view_run, RUN_SWEEP_CHANNEL, &s->study, now);
    workbench_say(w, STYLE_PLAIN, now, "trying rates from %.3g to %.3g on a copy of the run; Ctrl-C stops it",
                  low, high);
}

void run_sweep_studied(void *state, struct workbench *w, struct study *take, double now) {
    struct run_view *v = state;
    if (take->error.kind != ERROR_NONE) {
        if (take->error.kind != ERROR_CANCELLED)
            workbench_say(w, STYLE_BAD, now, "no sweep: %s", take->error.text);
        study_free(take);
        return;
    }
    study_free(v->sweep ? &v->sweep->study : NULL);
    v->sweep = (struct rate_sweep *)take;
    if (isfinite(v->sweep->suggested))
        workbench_say(w, STYLE_GOOD, now,
                      "the lowest rate that brings nearly all that %d updates can: %.3g; %s takes it",
                      SWEEP_UPDATES, v->sweep->suggested, PART_KEY(TAKE, WHERE_RUN));
    else
        workbench_say(
            w, STYLE_WARN, now,
            "no rate from %.3g to %.3g lowered the loss: try others, or another template or label words",
            v->sweep->low, v->sweep->high);
}

void run_sweep_take(struct run_view *v, struct workbench *w, double now) {
    char number[32];
    if (!v->sweep || !isfinite(v->sweep->suggested)) {
        workbench_say(w, STYLE_PLAIN, now, "no rate is suggested: \":sweep rate LOW HIGH\" tries some");
        return;
    }
    snprintf(number, sizeof number, "%.17g", v->sweep->suggested);
    v->show_sweep = false;
    if (v->focus == PANE_SWEEP)
        v->focus = PANE_LOSS;
    workbench_request(w, REQUEST_RATE, number, now);
}

void run_sweep_note(const struct run_view *v, const struct workbench *w, char *out, size_t size) {
    size_t done = 0, total = 0;
    if (workbench_studying(w, &view_run, RUN_SWEEP_CHANNEL, &done, &total))
        snprintf(out, size, "rate %zu of %zu", done, total);
    else if (v->sweep && isfinite(v->sweep->suggested))
        snprintf(out, size, "%s takes %.3g", PART_KEY(TAKE, WHERE_RUN), v->sweep->suggested);
    else if (v->sweep)
        snprintf(out, size, "none lowered the loss");
}

static void draw_progress(const struct workbench *w, struct grid *g, struct area a) {
    size_t done = 0, total = 0;
    workbench_studying(w, &view_run, RUN_SWEEP_CHANNEL, &done, &total);
    grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_PLAIN, "A copy of the run makes a few updates at each.");
    grid_bar(g, a, 1, 1, a.columns - 2, STYLE_ACCENT, total ? (double)done / (double)total : 0);
    grid_put_wrapped(g, area_columns(a, 1, a.columns - 2), 3, STYLE_DIM,
                     "The run itself stays as it is, and goes on if it was going. Ctrl-C stops the sweep.");
}

void run_draw_sweep(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct rate_sweep *s = v->sweep;
    struct session *session = workbench_session(w);
    char take[32];
    if (run_sweeping(w) || !s) {
        draw_progress(w, g, a);
        return;
    }
    float least = s->start_loss;
    for (size_t i = 0; i < s->count; i++)
        least = s->loss[i] < least ? s->loss[i] : least;
    const struct plot_series curve = {
        .label = "after", .style = STYLE_SERIES_1, .x = s->rate, .y = s->loss, .count = s->count};
    struct plot_mark mark[2] = {{session ? session_settings(session)->rate : NAN, "now", STYLE_DIM}};
    size_t marks = 1;
    if (isfinite(s->suggested)) {
        snprintf(take, sizeof take, "%.3g", s->suggested);
        mark[marks++] = (struct plot_mark){s->suggested, take, STYLE_GOOD};
    }
    // What grew far beyond the start says only that it grew: the fall is what is looked for.
    const struct plot_options o = {.log_x = true,
                                   .x_unit = "rate",
                                   .x_min = s->low,
                                   .x_max = s->high,
                                   .y_min = floor((double)least * 10) / 10,
                                   .y_max = 1.5 * (double)s->start_loss,
                                   .mark = mark,
                                   .marks = marks,
                                   .empty = "no update was made"};
    plot_draw(g, a, &curve, 1, &o);
}
