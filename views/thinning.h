// SPDX-License-Identifier: GPL-3.0-or-later
// Keeping the history of a long run short enough to draw and to remember.
#ifndef PROMPTER_VIEWS_THINNING_H
#define PROMPTER_VIEWS_THINNING_H

#include <stddef.h>

#include "engine/engine.h"

// When to thin, and how many of the newest metrics are left alone.
enum { HISTORY_MOST = 8192, HISTORY_RECENT = 2048 };

// Thins all but the newest in place and returns how many stay, about half. The first of all and every best
// evaluation stay. Of the steps, as of the other evaluations, two of four in a row stay: those with the least
// and the greatest loss, so that a curve keeps its extremes however often it is thinned. Of changes of the
// rate and the like every other one stays.
size_t history_thin(struct metric *m, size_t count);

#endif
