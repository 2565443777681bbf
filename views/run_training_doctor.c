// SPDX-License-Identifier: GPL-3.0-or-later
// What the curves of a training say, in a person's words. Pure functions; every threshold stands here.
#include <math.h>

#include "run_inside.h"

// Steps before anything is said of a curve, and the share of them that is compared with what went before.
#define PATIENCE    40
#define LAST_SHARE  0.3
#define FLAT        0.01 // less fall of the loss in that share, relative, is none
#define RISE        0.02 // so much above the best, relative, in ...
#define RISES       3    // ... so many validations in a row: it gets worse
#define QUIET       60.0 // seconds
#define NO_GRADIENT 1e-6 // of a prompt: it learns nothing any more, whatever the rate

static void look_at_end(struct diagnoses *f, const struct training_log *l, double quiet) {
    if (l->end == TRAINING_HAS_FAILED)
        doctor_say(f, DOCTOR_BAD, REQUEST_NONE, "%.250s", l->failure);
    else if (l->end == TRAINING_OPEN && quiet > QUIET)
        doctor_say(
            f, DOCTOR_WARN, REQUEST_NONE,
            "nothing was written for a while: it pauses, or was broken off; --resume goes on from step %zu",
            l->kept);
    if (l->unreadable)
        doctor_say(f, DOCTOR_NOTE, REQUEST_NONE, "%zu lines of the log could not be read and are left out",
                   l->unreadable);
}

// Whether the last validations are all above the best one.
static bool gets_worse(const struct training_log *l) {
    size_t n = l->validation_count, above = 0;
    const float *loss = l->column[TRAINING_VALIDATION_LOSS];
    while (above < n && (double)loss[n - 1 - above] > l->best * (1 + RISE))
        above++;
    return above >= RISES;
}

static void look_at_validation(struct diagnoses *f, const struct training_log *l) {
    if (!gets_worse(l))
        return;
    doctor_say(f, DOCTOR_WARN, REQUEST_NONE,
               l->kind == TRAINING_PROMPT
                   ? "validation got worse since step %zu; the prompt of that step is kept, "
                     "so stopping loses nothing"
                   : "validation got worse since step %zu: the text is learnt by heart; more "
                     "text or --dropout helps",
               l->best_step);
}

static double most_rate(const struct training_log *l) {
    double most = 0;
    for (size_t i = 0; i < l->step_count; i++)
        most = fmax(most, (double)l->column[TRAINING_RATE][i]);
    return most;
}

static void look_at_loss(struct diagnoses *f, const struct training_log *l, const float *smooth,
                         enum request remedy) {
    size_t n = l->step_count, from = n - (size_t)((double)n * LAST_SHARE) - 1;
    if (n < PATIENCE || !smooth)
        return;
    double first = (double)smooth[PATIENCE / 4], before = (double)smooth[from], now = (double)smooth[n - 1];
    size_t since = (size_t)l->step_x[from];
    // A schedule that ends the run by small rates flattens it on purpose.
    bool high = most_rate(l) < 2 * (double)l->column[TRAINING_RATE][n - 1];
    if (l->kind == TRAINING_PROMPT && (double)l->column[TRAINING_GRADIENT][n - 1] < NO_GRADIENT)
        doctor_say(
            f, DOCTOR_WARN, REQUEST_NONE,
            "the gradient is next to nothing: a high rate has made the vectors too long; begin anew with a "
            "tenth of it");
    else if (now > first)
        doctor_say(f, DOCTOR_WARN, remedy, "the loss is higher than at the start: the rate is too high");
    else if (high && before - now < FLAT * before)
        doctor_say(f, DOCTOR_WARN, remedy, "train loss is flat since step %zu: a lower rate may help", since);
    else if (before <= now)
        doctor_say(f, DOCTOR_NOTE, REQUEST_NONE, "train loss down %.3g in all, and flat since step %zu",
                   first - now, since);
    else
        doctor_say(f, DOCTOR_GOOD, REQUEST_NONE, "learning: train loss down %.3g since step %zu, %.3g in all",
                   before - now, since, first - now);
}

size_t run_training_look(const struct training_log *log, const float *smooth, bool own, double quiet,
                         struct diagnosis out[DOCTOR_MOST]) {
    struct diagnoses f = {.out = out};
    look_at_end(&f, log, quiet);
    look_at_validation(&f, log);
    look_at_loss(&f, log, smooth, own ? REQUEST_RATE_DOWN : REQUEST_NONE);
    return f.count;
}
