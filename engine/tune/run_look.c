// SPDX-License-Identifier: GPL-3.0-or-later
// Looking at a run from near: what one update did, and what a run is going to cost.
#include "run_inside.h"

#include <math.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/model/t5.h"

enum { MOST_TIMES = 3 };
#define LONG_ENOUGH 2.0 // seconds after which what was measured is enough

static double length(const float *a, const float *b, size_t count) { // of a - b; b NULL: of a
    double sum = 0;
    for (size_t i = 0; i < count; i++) {
        double x = b ? (double)a[i] - b[i] : a[i];
        sum += x * x;
    }
    return sqrt(sum);
}

// The vectors that moved most, in order.
static void find_moved(const struct run *r, struct step_report *out) {
    size_t width = run_width(r);
    for (size_t slot = 0; slot < r->pattern.slots; slot++) {
        const float *now = r->prompt + slot * width, *then = r->before + slot * width;
        float by = (float)length(now, then, width);
        size_t at = out->moved;
        for (; at > 0 && out->most[at - 1].by < by; at--)
            if (at < STEP_REPORT_MOST)
                out->most[at] = out->most[at - 1];
        if (at == STEP_REPORT_MOST)
            continue;
        out->most[at].slot = slot;
        out->most[at].by = by;
        out->most[at].norm = (float)length(then, NULL, width);
        out->moved += out->moved < STEP_REPORT_MOST;
    }
}

bool run_step_reported(struct run *r, const atomic_bool *cancel, struct step_report *out, struct error *e) {
    *out = (struct step_report){
        .loss_after = NAN, .accuracy_after = NAN, .batch = r->batch_size, .clip = r->settings.clip};
    memcpy(r->before, r->prompt, r->count * sizeof *r->before);
    if (!run_step(r, cancel, &out->metric, e))
        return false;
    find_moved(r, out);
    run_rescore_batch(r, cancel, &out->loss_after, &out->accuracy_after);
    return true;
}

// The best of some, as the first meets memory that nobody has touched yet, and any of them other work on the
// machine; where one takes long, it is enough. `examples` NULL: of a batch of training; else of one of
// scoring, with how many examples were in it.
static bool time_of(struct run *r, size_t *examples, const atomic_bool *cancel, double *seconds,
                    struct error *e) {
    const double first = clock_seconds();
    *seconds = INFINITY;
    for (int i = 0; i < MOST_TIMES && (i == 0 || clock_seconds() - first < LONG_ENOUGH); i++) {
        double began = clock_seconds();
        if (!(examples ? run_try_scoring(r, examples, cancel, e) : run_try_batch(r, cancel, e)))
            return false;
        *seconds = fmin(*seconds, clock_seconds() - began);
    }
    return true;
}

bool run_measure(struct run *r, const atomic_bool *cancel, struct run_estimate *out, struct error *e) {
    *out = (struct run_estimate){0};
    size_t examples = 0;
    if (!time_of(r, NULL, cancel, &out->step_seconds, e))
        return false;
    if (r->dev.count) {
        if (!time_of(r, &examples, cancel, &out->dev_seconds, e))
            return false;
        out->dev_seconds *= (double)r->dev.count / (double)examples;
    }
    size_t bytes = r->count * sizeof(float);
    out->pass_bytes = t5_pass_bytes(r->pass);
    out->state_bytes =
        6 * bytes + optimizer_bytes(r->optimizer);           // with what frozen vectors are put back from
    out->state_bytes += 3 * r->weight_count * sizeof(float); // present, best, gradients
    out->snapshot_bytes = snapshots_most(r->pattern.slots, run_width(r)) * bytes;
    return true;
}
