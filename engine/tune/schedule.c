// SPDX-License-Identifier: GPL-3.0-or-later
// Learning rate schedules, each a function of the step alone.
#include "schedule.h"

#include <math.h>

static double half_cosine(double done) {
    return 0.5 * (1 + cos(3.14159265358979323846 * done));
}

// The share of the last fifth that is over.
static double decayed(size_t step, size_t warmup, size_t steps) {
    size_t from = steps - steps / 5;
    from = from < warmup ? warmup : from;
    return step >= steps ? 1 : step <= from ? 0 : (double)(step - from) / (double)(steps - from);
}

double schedule_factor(enum schedule_kind kind, size_t step, size_t warmup, size_t steps) {
    if (step < warmup)
        return kind == SCHEDULE_INVERSE_SQRT ? 1 : (double)(step + 1) / (double)warmup;
    double done = step >= steps ? 1 : (double)(step - warmup) / (double)(steps - warmup);
    switch (kind) {
    case SCHEDULE_LINEAR:
        return 1 - done;
    case SCHEDULE_NOAM:
    case SCHEDULE_INVERSE_SQRT:
        return sqrt((double)(warmup ? warmup : 1) / (double)(step + 1));
    case SCHEDULE_COSINE:
        return half_cosine(done);
    case SCHEDULE_STABLE:
        return half_cosine(decayed(step, warmup, steps));
    case SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}
