// SPDX-License-Identifier: GPL-3.0-or-later
// How the learning rate moves over a run: what the rate that was set is multiplied with.
//
// During `warmup` steps it rises linearly: step s (from 0) has (s + 1) / warmup. After that
//   constant  1
//   linear    falls straight to 0 at `steps`
//   noam      sqrt(w / (s + 1)) with w = max(warmup, 1): inverse square root, 1 at the end of the warm-up
//   cosine    half a cosine from 1 to 0 at `steps`
#ifndef PROMPTER_ENGINE_TUNE_SCHEDULE_H
#define PROMPTER_ENGINE_TUNE_SCHEDULE_H

#include <stddef.h>

enum schedule_kind { SCHEDULE_CONSTANT, SCHEDULE_LINEAR, SCHEDULE_NOAM, SCHEDULE_COSINE };

// 0 to 1. Steps at or behind `steps` have 0 in linear and cosine.
double schedule_factor(enum schedule_kind kind, size_t step, size_t warmup, size_t steps);

#endif
