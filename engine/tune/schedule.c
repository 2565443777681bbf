// SPDX-License-Identifier: GPL-3.0-or-later
// Learning rate schedules, each a function of the step alone.
#include "schedule.h"

#include <math.h>

double schedule_factor(enum schedule_kind kind, size_t step, size_t warmup, size_t steps) {
    if (step < warmup)
        return (double)(step + 1) / (double)warmup;
    double done = step >= steps ? 1 : (double)(step - warmup) / (double)(steps - warmup);
    switch (kind) {
    case SCHEDULE_LINEAR:
        return 1 - done;
    case SCHEDULE_NOAM:
        return sqrt((double)(warmup ? warmup : 1) / (double)(step + 1));
    case SCHEDULE_COSINE:
        return 0.5 * (1 + cos(3.14159265358979323846 * done));
    case SCHEDULE_CONSTANT:
        break;
    }
    return 1;
}
