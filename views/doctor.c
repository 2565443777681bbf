// SPDX-License-Identifier: GPL-3.0-or-later
#include "doctor.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// What the history boils down to.
struct summary {
    size_t last_step;             // of the last update
    size_t steps, window;         // updates in all; how many of the last are averaged
    double loss, accuracy, ratio; // means over the window; ratio: median of update / prompt
    double last_loss, last_rate;
    const struct metric *first_dev, *last_dev, *best_dev;
};

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(struct summary *s, const struct doctor_input *in) {
    double ratio[DOCTOR_WINDOW], loss = 0, accuracy = 0;
    size_t ratios = 0;
    *s = (struct summary){.loss = NAN, .accuracy = NAN, .ratio = NAN, .last_loss = NAN};
    for (size_t i = 0; i < in->count; i++) {
        const struct metric *m = &in->history[i];
        s->steps += m->kind == METRIC_STEP;
        if (m->kind != METRIC_EVAL)
            continue;
        s->first_dev = s->first_dev ? s->first_dev : m;
        s->last_dev = m;
        s->best_dev = m->best ? m : s->best_dev;
    }
    for (size_t i = in->count; i-- > 0 && s->window < DOCTOR_WINDOW;) {
        const struct metric *m = &in->history[i];
        if (m->kind != METRIC_STEP)
            continue;
        if (s->window++ == 0) {
            s->last_loss = m->train_loss;
            s->last_rate = m->rate;
            s->last_step = m->step;
        }
        loss += m->train_loss;
        accuracy += m->train_accuracy;
        if (m->prompt_norm > 0 && isfinite(m->update_norm))
            ratio[ratios++] = m->update_norm / m->prompt_norm;
    }
    if (s->window > 0) {
        s->loss = loss / (double)s->window;
        s->accuracy = accuracy / (double)s->window;
    }
    if (ratios > 0) {
        qsort(ratio, ratios, sizeof *ratio, compare);
        s->ratio = ratio[ratios / 2];
    }
}

void doctor_say(struct diagnoses *r, enum doctor_level level, enum request remedy, const char *format, ...) {
    if (r->count == DOCTOR_MOST)
        return;
    struct diagnosis *d = &r->out[r->count++];
    va_list args;
    va_start(args, format);
    vsnprintf(d->text, sizeof d->text, format, args);
    va_end(args);
    d->level = level;
    d->remedy = remedy;
}

// The one class that all of dev was given, or SIZE_MAX.
static size_t only_class(const struct evaluation *v) {
    size_t found = SIZE_MAX;
    if (!v || v->classes < 2 || v->classes > 16 || v->examples < 4)
        return SIZE_MAX;
    for (size_t p = 0; p < v->classes; p++) {
        size_t column = 0;
        for (size_t t = 0; t < v->classes; t++)
            column += v->confusion[t * v->classes + p];
        if (column == 0)
            continue;
        if (column < v->examples)
            return SIZE_MAX;
        found = p;
    }
    return found;
}

// Things that stop a run from being one.
static bool look_broken(struct diagnoses *r, const struct summary *s) {
    if (s->window == 0 || isfinite(s->last_loss))
        return false;
    doctor_say(
        r, DOCTOR_BAD, s->best_dev ? REQUEST_UNDO_TO_BEST : REQUEST_RESTART,
        "the loss is no number since step %zu: updates at rate %.3g grew too large. %s, then lower the rate",
        s->last_step, s->last_rate, s->best_dev ? "Go back to the best" : "Start over");
    return true;
}

static void look_predictions(struct diagnoses *r, const struct summary *s, const struct doctor_input *in) {
    const struct evaluation *v = in->dev;
    size_t only = only_class(v);
    if (only != SIZE_MAX && s->steps > 0) {
        bool named = in->label_word && only < in->classes;
        const char *name = named                                  ? in->label_word[only]
                           : in->class_name && only < in->classes ? in->class_name[only]
                                                                  : "one class";
        doctor_say(r, s->steps >= DOCTOR_PATIENCE ? DOCTOR_WARN : DOCTOR_NOTE,
                   s->steps >= DOCTOR_PATIENCE ? REQUEST_SCREEN_PATTERN : REQUEST_NONE,
                   "predicts only \"%s\", for all %zu of dev. %s", name, v->examples,
                   s->steps >= DOCTOR_PATIENCE ? "Calibrate, or change the label words"
                                               : "Common in the first steps");
    }
    if (v && v->examples > 0 && v->elsewhere * 2 > v->examples)
        doctor_say(
            r, DOCTOR_WARN, REQUEST_NONE,
            "%zu of %zu dev answers are no label word at all: the mask says something else. Train on, or "
            ":set loss clean",
            v->elsewhere, v->examples);
}

static double least_update(const struct doctor_input *in) {
    return in->fine_tuning ? DOCTOR_WEIGHTS_LEAST : DOCTOR_UPDATE_LEAST;
}

static void look_updates(struct diagnoses *r, const struct summary *s, const struct doctor_input *in) {
    const char *what = in->fine_tuning ? "weights" : "prompt";
    if (s->window < 3 || !isfinite(s->ratio))
        return;
    if (s->ratio < least_update(in) && !(s->loss < DOCTOR_LEARNT))
        doctor_say(r, DOCTOR_WARN, REQUEST_RATE_UP,
                   "update/%s %.0e after %zu steps: it hardly moves. Raise the rate", what, s->ratio,
                   s->steps);
    else if (s->ratio > DOCTOR_UPDATE_MOST)
        doctor_say(r, DOCTOR_WARN, REQUEST_RATE_DOWN,
                   "update/%s %.2g after %zu steps: it jumps about. Lower the rate", what, s->ratio,
                   s->steps);
}

static void look_scale(struct diagnoses *r, const struct doctor_input *in) {
    double times = in->vector_norm / in->vocabulary_norm;
    if (!isfinite(times) || !(times > DOCTOR_SCALE_MOST || times < DOCTOR_SCALE_LEAST))
        return;
    if (times > DOCTOR_SCALE_MOST)
        doctor_say(
            r, DOCTOR_WARN, REQUEST_RATE_DOWN,
            "prompt norm %.0fx the embeddings': the model never met inputs so long. Lower the rate, start "
            "over",
            times);
    else
        doctor_say(r, DOCTOR_WARN, REQUEST_NONE,
                   "prompt norm %.2gx the embeddings': too short to be heard. Try :set start vocabulary",
                   times);
}

// What dev has gained since it was first scored.
static double gain_of(const struct summary *s) {
    return s->best_dev && s->first_dev ? (double)s->best_dev->dev_accuracy - s->first_dev->dev_accuracy : 0;
}

static bool gained(const struct summary *s, size_t dev_count) {
    double gain = gain_of(s), n = dev_count ? (double)dev_count : 32;
    if (!s->best_dev || !s->first_dev)
        return false;
    double p = ((double)s->best_dev->dev_accuracy + s->first_dev->dev_accuracy) / 2;
    return gain > DOCTOR_GAIN && gain > 2 / n && gain > DOCTOR_ERRORS * sqrt(2 * p * (1 - p) / n);
}

static void look_flat(struct diagnoses *r, const struct summary *s, const struct doctor_input *in) {
    if (in->whole_vocabulary || in->classes < 2 || s->steps < DOCTOR_PATIENCE || gained(s, in->dev_count))
        return;
    double guess = log((double)in->classes);
    if (!(fabs(s->loss - guess) < DOCTOR_FLAT))
        return;
    bool small = s->ratio < 10 * least_update(in);
    doctor_say(r, DOCTOR_WARN, small ? REQUEST_RATE_UP : REQUEST_SCREEN_PATTERN,
               "loss flat at %.2f = ln %zu after %zu steps: that is guessing. %s", s->loss, in->classes,
               s->steps, small ? "Raise the rate" : "Try another template or label words");
}

static bool look_overfit(struct diagnoses *r, const struct summary *s) {
    if (!s->last_dev || !s->best_dev || s->last_dev == s->best_dev || s->window < DOCTOR_WINDOW)
        return false;
    double fall = s->best_dev->dev_accuracy - s->last_dev->dev_accuracy;
    if (!(s->accuracy >= DOCTOR_TRAIN_HIGH && fall >= DOCTOR_DEV_FALL))
        return false;
    doctor_say(
        r, DOCTOR_WARN, REQUEST_UNDO_TO_BEST,
        "overfitting: training batches are %.0f %% right, but dev fell from %.2f at step %zu to %.2f. Go "
        "back to the "
        "best",
        100 * s->accuracy, s->best_dev->dev_accuracy, s->best_dev->step, s->last_dev->dev_accuracy);
    return true;
}

static void look_progress(struct diagnoses *r, const struct summary *s, const struct doctor_input *in) {
    double gain = gain_of(s);
    if (s->steps == 0) {
        doctor_say(r, DOCTOR_NOTE, REQUEST_RUN_PAUSE,
                   in->fine_tuning ? "nothing trained yet: what you see are the weights of the model as it is"
                                   : "nothing trained yet: what you see is the prompt as it starts");
    } else if (gained(s, in->dev_count)) {
        doctor_say(r, DOCTOR_GOOD, REQUEST_NONE, "learning: dev accuracy up %.2f since step %zu", gain,
                   s->first_dev->step);
    } else if (s->first_dev && s->first_dev->dev_accuracy >= 0.9f) {
        doctor_say(
            r, DOCTOR_GOOD, REQUEST_NONE,
            in->worded
                ? "dev accuracy was %.2f before the first step: this model knows the task in these words; "
                  ":method vanilla leaves them out"
                : "dev accuracy was %.2f before the first step: this model knows the task, there is little "
                  "to gain",
            s->first_dev->dev_accuracy);
    } else if (r->count > 0) {
        return; // what was found says enough
    } else if (s->steps < DOCTOR_PATIENCE) {
        doctor_say(r, DOCTOR_NOTE, REQUEST_NONE, "too early to tell: %zu step%s so far", s->steps,
                   s->steps == 1 ? "" : "s");
    } else if (gain > 0) {
        doctor_say(r, DOCTOR_NOTE, REQUEST_NONE,
                   "dev accuracy up %.2f since step %zu: with %zu examples that may be chance", gain,
                   s->first_dev->step, in->dev_count);
    } else {
        doctor_say(r, DOCTOR_NOTE, REQUEST_NONE,
                   "no gain on dev after %zu steps, and nothing that looks wrong", s->steps);
    }
}

// That the best looks better than the present one need not mean anything.
static void look_resolution(struct diagnoses *r, const struct summary *s, const struct doctor_input *in) {
    if (!s->best_dev || !s->last_dev || s->best_dev->step == s->last_dev->step ||
        s->steps < DOCTOR_PATIENCE || !in->dev_count)
        return;
    double best = s->best_dev->dev_accuracy, now = s->last_dev->dev_accuracy, n = (double)in->dev_count;
    double p = (best + now) / 2, chance = DOCTOR_APART * sqrt(2 * p * (1 - p) / n);
    if (!(best - now > 0.5 / n && best - now < chance))
        return;
    doctor_say(r, DOCTOR_NOTE, REQUEST_NONE,
               "dev cannot tell %.2f at step %zu from %.2f: %zu examples, +-%.2f", best, s->best_dev->step,
               now, in->dev_count, chance);
}

size_t doctor_look(const struct doctor_input *in, struct diagnosis out[DOCTOR_MOST]) {
    struct diagnoses r = {out, 0};
    struct summary s;
    summarise(&s, in);
    if (in->count == 0 || look_broken(&r, &s))
        return r.count;
    bool overfit = look_overfit(&r, &s);
    look_updates(&r, &s, in);
    look_scale(&r, in);
    look_predictions(&r, &s, in);
    look_flat(&r, &s, in);
    if (!overfit) {
        look_progress(&r, &s, in);
        look_resolution(&r, &s, in);
    }
    return r.count;
}
