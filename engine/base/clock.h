// SPDX-License-Identifier: GPL-3.0-or-later
// Time for measuring: seconds of a clock that never jumps. What a function shows or keeps arrives as an
// argument.
#ifndef PROMPTER_ENGINE_BASE_CLOCK_H
#define PROMPTER_ENGINE_BASE_CLOCK_H

#include <time.h>

static inline double clock_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
