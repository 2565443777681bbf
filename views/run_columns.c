// SPDX-License-Identifier: GPL-3.0-or-later
// The history as columns of numbers, which plots draw from.
#include <math.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>

#include "engine/base/memory.h"

#include "run_inside.h"

static const double smoothing_share[SMOOTHINGS] = {0.7, 0.9, 0};

double run_smoothing(const struct run_view *v) {
    return smoothing_share[v->smoothing];
}

static void forget(struct run_view *v) {
    v->seen = v->steps = v->devs = v->marks = 0;
}

void run_columns_free(struct run_view *v) {
    for (size_t i = 0; i < COLUMNS; i++)
        free(v->value[i]);
    free(v->step_x);
    free(v->dev_x);
    free(v->mark);
    free(v->mark_label);
}

static bool room(struct run_view *v, bool step) {
    size_t need = (step ? v->steps : v->devs) + 1;
    if (!(step ? mem_grow(&v->step_x, &v->step_capacity, need, sizeof(float), NULL)
               : mem_grow(&v->dev_x, &v->dev_capacity, need, sizeof(float), NULL)))
        return false;
    for (size_t i = step ? 0 : STEP_COLUMNS; i < (step ? STEP_COLUMNS : COLUMNS); i++)
        if (!mem_grow(&v->value[i], &v->capacity[i], need, sizeof(float), NULL))
            return false;
    return true;
}

static void add_step(struct run_view *v, const struct metric *m) {
    size_t n = v->steps;
    if (!room(v, true))
        return;
    v->step_x[n] = (float)m->step;
    v->value[LOSS_RAW][n] = m->train_loss;
    v->value[ACCURACY_RAW][n] = m->train_accuracy;
    v->value[GRADIENT][n] = m->gradient_norm;
    v->value[UPDATE][n] = m->prompt_norm > 0 ? m->update_norm / m->prompt_norm : NAN;
    v->value[RATE][n] = m->rate;
    v->steps++;
}

static void add_dev(struct run_view *v, const struct metric *m) {
    if (!room(v, false))
        return;
    v->dev_x[v->devs] = (float)m->step;
    v->value[DEV_LOSS][v->devs] = m->dev_loss;
    v->value[DEV_ACCURACY][v->devs] = m->dev_accuracy;
    v->devs++;
}

static void add_mark(struct run_view *v, size_t step, const char *label) {
    if (!mem_grow(&v->mark, &v->mark_capacity, v->marks + 1, sizeof *v->mark, NULL) ||
        !mem_grow(&v->mark_label, &v->label_capacity, v->marks + 1, sizeof *v->mark_label, NULL))
        return;
    snprintf(v->mark_label[v->marks], sizeof *v->mark_label, "%s", label);
    v->mark[v->marks] = (struct plot_mark){.x = (double)step, .style = STYLE_DIM};
    v->marks++;
}

static void add_rate(struct run_view *v, const struct metric *m) {
    char number[16], label[32];
    if (v->steps > 0 && v->value[RATE][v->steps - 1] == m->rate) // said again when a run goes on
        return;
    plot_number(number, sizeof number, m->rate);
    snprintf(label, sizeof label, "rate %s", number);
    add_mark(v, m->step, label);
}

static void add_undo(struct run_view *v, const struct metric *m) {
    char label[32];
    if (m->kind == METRIC_EDIT)
        snprintf(label, sizeof label, "by hand");
    else if (m->undone_to == SIZE_MAX)
        snprintf(label, sizeof label, "undo");
    else
        snprintf(label, sizeof label, "undo to %zu", m->undone_to);
    add_mark(v, m->step, label);
}

void run_smooth(float *out, const float *raw, size_t count, double share) {
    double sum = 0, weight = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(raw[i])) {
            sum = share * sum + (1 - share) * raw[i];
            weight = share * weight + (1 - share);
        }
        out[i] = isfinite(raw[i]) && weight > 0 ? (float)(sum / weight) : NAN;
    }
}

// Least and most of the values that make up most of each average: the last 1 / (1 - share).
static void envelope(float *low, float *high, const float *raw, size_t count, double share) {
    size_t window = (size_t)(1 / (1 - share) + 0.5);
    for (size_t i = 0; i < count; i++) {
        low[i] = high[i] = raw[i];
        for (size_t k = i + 1 > window ? i + 1 - window : 0; k < i; k++) {
            low[i] = raw[k] < low[i] ? raw[k] : low[i];
            high[i] = raw[k] > high[i] ? raw[k] : high[i];
        }
    }
}

void run_columns_smooth(struct run_view *v) {
    double share = run_smoothing(v);
    if (v->steps == 0)
        return;
    run_smooth(v->value[LOSS_SMOOTH], v->value[LOSS_RAW], v->steps, share);
    run_smooth(v->value[ACCURACY_SMOOTH], v->value[ACCURACY_RAW], v->steps, share);
    envelope(v->value[ACCURACY_LOW], v->value[ACCURACY_HIGH], v->value[ACCURACY_RAW], v->steps, share);
}

static bool same_metric(const struct metric *a, const struct metric *b) {
    return a->kind == b->kind && a->step == b->step &&
           (a->train_loss == b->train_loss || a->kind != METRIC_STEP);
}

size_t run_last_step(const struct run_view *v) {
    size_t step = v->steps ? (size_t)v->step_x[v->steps - 1] : 0;
    return v->devs && (size_t)v->dev_x[v->devs - 1] > step ? (size_t)v->dev_x[v->devs - 1] : step;
}

void run_columns_follow(struct run_view *v, const struct metric *history, size_t count) {
    const size_t before = run_last_step(v);
    if (count < v->seen || (v->seen > 0 && !same_metric(&history[v->seen - 1], &v->seen_last)))
        forget(v);
    bool news = count > v->seen;
    for (; v->seen < count; v->seen++) {
        const struct metric *m = &history[v->seen];
        if (m->kind == METRIC_STEP)
            add_step(v, m);
        else if (m->kind == METRIC_EVAL)
            add_dev(v, m);
        else if (m->kind == METRIC_RATE)
            add_rate(v, m);
        else
            add_undo(v, m);
        v->seen_last = *m;
    }
    if (news)
        run_columns_smooth(v);
    if (run_last_step(v) < before) // another run; a history that was only thinned ends where it did
        v->range = (struct run_range){0};
}
