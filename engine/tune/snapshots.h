// SPDX-License-Identifier: GPL-3.0-or-later
// Copies of a run's prompt as it was at step 0 and at every evaluation: what "undo to a step" goes back to,
// and what a slider over the training's time shows.
//
// A snapshot never changes once it is made, and neither does a set of them; both are shared by reference
// count, so that any thread may read a set that it holds for as long as it likes, without a lock, while the
// run goes on and makes newer sets. A new set shares the snapshots of the one before; making one copies
// pointers alone.
//
// Memory is bounded: a set has at most SNAPSHOTS_MOST snapshots, and at most as many as fit into
// SNAPSHOTS_BYTES together (though always SNAPSHOTS_LEAST). Beyond that, for each one that comes the one goes
// whose neighbours are nearest to each other, so that what stays lies evenly over the steps. The first, the
// newest, and the one that was best on dev never go.
#ifndef PROMPTER_ENGINE_TUNE_SNAPSHOTS_H
#define PROMPTER_ENGINE_TUNE_SNAPSHOTS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum { SNAPSHOTS_MOST = 200, SNAPSHOTS_LEAST = 8, SNAPSHOTS_BYTES = 32 << 20 };

// How many there are at most of prompts of this size.
size_t snapshots_most(size_t slots, size_t width);

struct snapshot {
    atomic_size_t holders;
    size_t serial;                        // counts the snapshots of a run from 1; tells two of one step apart
    size_t step;                          // updates made before it
    float dev_loss, dev_accuracy, dev_f1; // NaN: not scored (step 0 of a run whose first scoring is to come)
    size_t slots, width;
    float vectors[]; // [slots, width]; none in a recorded run, where slots is 0
};
struct snapshot_set {
    atomic_size_t holders;
    size_t count, best;    // best: index of the one that was best on dev; SIZE_MAX: none was scored
    struct snapshot *at[]; // [count], by serial, so by time; steps ascend, and two may be of one step
};

// Zero holders yet: snapshot_set_with, the only place for one, holds it. `vectors` [slots, width] is copied;
// NULL leaves the room for the caller to fill. NULL and an error without memory.
struct snapshot *snapshot_make(size_t serial, size_t step, const float *vectors, size_t slots, size_t width,
                               struct error *e);

// A new set (one reference, the caller's) of what `old` (may be NULL) has and `take` behind it, thinned where
// it is too much. One of the same step as the last of `old` takes its place, unless that one was the best and
// this is not. `take` goes into the set, or is freed on failure, which gives NULL; `old` stays as it is.
struct snapshot_set *snapshot_set_with(const struct snapshot_set *old, struct snapshot *take, bool is_best,
                                       struct error *e);
// A new set of those that were taken at `step` or before: what a resumed run has. NULL where there are none,
// and without memory (an error then).
struct snapshot_set *snapshot_set_until(const struct snapshot_set *old, size_t step, struct error *e);
// NULL is fine for all of these.
struct snapshot_set *snapshot_set_hold(struct snapshot_set *s);
void snapshot_set_release(struct snapshot_set *s);
// The newest of that step, or NULL.
const struct snapshot *snapshot_set_find(const struct snapshot_set *s, size_t step);
// The newest of that step or of the last one before; the first where all are later. NULL for an empty set.
const struct snapshot *snapshot_set_near(const struct snapshot_set *s, size_t step);
bool snapshot_set_has(const struct snapshot_set *s, const struct snapshot *x);

#endif
