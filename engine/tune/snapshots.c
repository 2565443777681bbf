// SPDX-License-Identifier: GPL-3.0-or-later
#include "snapshots.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

struct snapshot *snapshot_make(size_t serial, size_t step, const float *vectors, size_t slots, size_t width,
                               struct error *e) {
    size_t count, bytes;
    if (!size_multiply(slots, width, &count) || !size_multiply(count, sizeof(float), &bytes) ||
        bytes > SIZE_MAX - sizeof(struct snapshot)) {
        error_set(e, ERROR_MEMORY, "a prompt of %zu vectors of %zu numbers is too large to be kept", slots,
                  width);
        return NULL;
    }
    struct snapshot *s = mem_calloc(1, sizeof *s + bytes, e);
    if (!s)
        return NULL;
    s->serial = serial;
    s->step = step;
    s->dev_loss = s->dev_accuracy = s->dev_f1 = NAN;
    s->slots = slots;
    s->width = width;
    if (vectors)
        memcpy(s->vectors, vectors, bytes);
    return s;
}

static void release_one(struct snapshot *s) {
    if (atomic_fetch_sub(&s->holders, 1) == 1)
        free(s);
}

struct snapshot_set *snapshot_set_hold(struct snapshot_set *s) {
    if (s)
        atomic_fetch_add(&s->holders, 1);
    return s;
}

void snapshot_set_release(struct snapshot_set *s) {
    if (!s || atomic_fetch_sub(&s->holders, 1) != 1)
        return;
    for (size_t i = 0; i < s->count; i++)
        release_one(s->at[i]);
    free(s);
}

static struct snapshot_set *set_new(size_t room, struct error *e) {
    struct snapshot_set *s = mem_calloc(1, sizeof *s + room * sizeof(struct snapshot *), e);
    if (s) {
        s->holders = 1;
        s->best = SIZE_MAX;
    }
    return s;
}

static void add(struct snapshot_set *s, struct snapshot *x) {
    atomic_fetch_add(&x->holders, 1);
    s->at[s->count++] = x;
}

size_t snapshots_most(size_t slots, size_t width) {
    size_t bytes = slots * width * sizeof(float);
    size_t most = bytes ? SNAPSHOTS_BYTES / bytes : SNAPSHOTS_MOST;
    return most > SNAPSHOTS_MOST ? SNAPSHOTS_MOST : most < SNAPSHOTS_LEAST ? SNAPSHOTS_LEAST : most;
}

// The one between whose neighbours the fewest steps lie.
static size_t least_missed(const struct snapshot_set *s) {
    size_t found = SIZE_MAX, gap = SIZE_MAX;
    for (size_t i = 1; i + 1 < s->count; i++)
        if (i != s->best && s->at[i + 1]->step - s->at[i - 1]->step < gap) {
            gap = s->at[i + 1]->step - s->at[i - 1]->step;
            found = i;
        }
    return found;
}

static void remove_at(struct snapshot_set *s, size_t i) {
    release_one(s->at[i]);
    memmove(s->at + i, s->at + i + 1, (s->count - i - 1) * sizeof *s->at);
    s->count--;
    if (s->best != SIZE_MAX && s->best > i)
        s->best--;
}

struct snapshot_set *snapshot_set_with(const struct snapshot_set *old, struct snapshot *take, bool is_best,
                                       struct error *e) {
    size_t kept = old ? old->count : 0;
    struct snapshot_set *s = set_new(kept + 1, e);
    if (!s) {
        free(take);
        return NULL;
    }
    if (kept && old->at[kept - 1]->step == take->step && (is_best || old->best != kept - 1))
        kept--; // it takes the place of the one before
    for (size_t i = 0; i < kept; i++)
        add(s, old->at[i]);
    if (is_best)
        s->best = kept;
    else if (old && old->best != SIZE_MAX)
        s->best = old->best;
    add(s, take);
    while (s->count > snapshots_most(take->slots, take->width)) {
        size_t i = least_missed(s);
        if (i == SIZE_MAX)
            break;
        remove_at(s, i);
    }
    return s;
}

struct snapshot_set *snapshot_set_until(const struct snapshot_set *old, size_t step, struct error *e) {
    size_t count = old ? old->count : 0;
    while (count && old->at[count - 1]->step > step)
        count--;
    struct snapshot_set *s = count ? set_new(count, e) : NULL;
    for (size_t i = 0; s && i < count; i++)
        add(s, old->at[i]);
    if (s && old->best < count)
        s->best = old->best;
    return s;
}

const struct snapshot *snapshot_set_find(const struct snapshot_set *s, size_t step) {
    const struct snapshot *x = s && s->count ? snapshot_set_near(s, step) : NULL;
    return x && x->step == step ? x : NULL;
}

const struct snapshot *snapshot_set_near(const struct snapshot_set *s, size_t step) {
    if (!s || !s->count)
        return NULL;
    size_t i = s->count;
    while (i > 1 && s->at[i - 1]->step > step)
        i--;
    return s->at[i - 1];
}

bool snapshot_set_has(const struct snapshot_set *s, const struct snapshot *x) {
    for (size_t i = 0; s && i < s->count; i++)
        if (s->at[i] == x)
            return true;
    return false;
}
