// SPDX-License-Identifier: GPL-3.0-or-later
// How the learning rate moves over a run: what the rate that was set is multiplied with.
//
// During `warmup` steps it rises linearly: step s (from 0) has (s + 1) / warmup. After that
//   constant  1
//   linear    falls straight to 0 at `steps`
//   noam      sqrt(w / (s + 1)) with w = max(warmup, 1): inverse square root, 1 at the end of the warm-up
//   cosine    half a cosine from 1 to 0 at `steps`
//   inverse-sqrt  T5's: 1 during the warm-up too, then sqrt(w / (s + 1)) as noam
//   stable    1, and during the last fifth of the steps (but after the warm-up) half a cosine down to 0:
//   "warm up,
//             stay, decay"
#ifndef PROMPTER_ENGINE_TUNE_SCHEDULE_H
#define PROMPTER_ENGINE_TUNE_SCHEDULE_H

#include <stddef.h>

enum schedule_kind {
    SCHEDULE_CONSTANT,
    SCHEDULE_LINEAR,
    SCHEDULE_NOAM,
    SCHEDULE_COSINE,
    SCHEDULE_INVERSE_SQRT,
    SCHEDULE_STABLE
};

// 0 to 1. Steps at or behind `steps` have 0 in linear, cosine and stable.
double schedule_factor(enum schedule_kind kind, size_t step, size_t warmup, size_t steps);

#endif
