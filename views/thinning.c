// SPDX-License-Identifier: GPL-3.0-or-later
#include "thinning.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

enum { ROW = 4, KINDS = METRIC_EDIT + 1 };

static float loss_of(const struct metric *m) {
    return m->kind == METRIC_STEP ? m->train_loss : m->dev_loss;
}

// Of up to ROW metrics of a kind, which are kept.
static void choose(const struct metric *m, const size_t *at, size_t count, bool keep[ROW]) {
    size_t least = 0, most = count - 1;
    for (size_t i = 0; i < count; i++) {
        float x = loss_of(&m[at[i]]), low = loss_of(&m[at[least]]), high = loss_of(&m[at[most]]);
        if (isfinite(x) && !(x >= low))
            least = i;
        if (isfinite(x) && !(x <= high))
            most = i;
    }
    if (least == most) // all the same: the first and the last
        least = 0, most = count - 1;
    for (size_t i = 0; i < count; i++)
        keep[i] = i == least || i == most;
}

// What waits for its row to be full.
struct row {
    size_t at[ROW], count;
};

// Marks the metrics of a row that go, by a step that none has.
static void close_row(struct metric *m, struct row *r) {
    bool keep[ROW] = {0};
    if (r->count)
        choose(m, r->at, r->count, keep);
    for (size_t i = 0; i < r->count; i++)
        if (!keep[i])
            m[r->at[i]].step = SIZE_MAX;
    r->count = 0;
}

static bool always_stays(const struct metric *m, size_t i) {
    return i == 0 || (m->kind == METRIC_EVAL && m->best);
}

size_t history_thin(struct metric *m, size_t count) {
    struct row row[KINDS] = {0};
    if (count <= HISTORY_RECENT)
        return count;
    size_t old = count - HISTORY_RECENT, kept = 0;
    for (size_t i = 0; i < old; i++) {
        struct row *r = &row[m[i].kind];
        if (always_stays(&m[i], i))
            continue;
        r->at[r->count++] = i;
        if (r->count == ROW)
            close_row(m, r);
    }
    for (size_t k = 0; k < KINDS; k++)
        close_row(m, &row[k]);
    for (size_t i = 0; i < count; i++)
        if (m[i].step != SIZE_MAX)
            m[kept++] = m[i];
    return kept;
}
