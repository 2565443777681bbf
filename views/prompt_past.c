// SPDX-License-Identifier: GPL-3.0-or-later
// The lengths and nearest tokens of all vectors, noted with each new picture. When there is no more room
// every second moment goes, the first and the last aside.
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "prompt_inside.h"

static void moment_free(struct prompt_moment *m) {
    free(m->norm);
    free(m->near);
    *m = (struct prompt_moment){0};
}

void prompt_past_free(struct prompt_past *p) {
    while (p->count)
        moment_free(&p->moment[--p->count]);
    p->slots = 0;
}

static void thin(struct prompt_past *p) {
    size_t kept = 1;
    for (size_t i = 1; i < p->count; i++) {
        if (i % 2 == 0 || i + 1 == p->count)
            p->moment[kept++] = p->moment[i];
        else
            moment_free(&p->moment[i]);
    }
    p->count = kept;
}

void prompt_past_add(struct prompt_past *p, const struct prompt_picture *now) {
    if (p->slots != now->slots)
        prompt_past_free(p);
    p->slots = now->slots;
    while (p->count && p->moment[p->count - 1].step >= now->step) // changed by hand, or gone back
        moment_free(&p->moment[--p->count]);
    if (p->count == PAST_MOST)
        thin(p);
    struct prompt_moment m = {.step = now->step};
    m.norm = mem_calloc(now->slots, sizeof *m.norm, NULL);
    m.near = mem_calloc(now->slots, sizeof *m.near, NULL);
    if (!m.norm || !m.near) { // one moment fewer to show
        moment_free(&m);
        return;
    }
    memcpy(m.norm, now->norm, now->slots * sizeof *m.norm);
    for (size_t i = 0; i < now->slots; i++)
        m.near[i] = prompt_near(now, i, NEAR_COSINE)->id;
    p->moment[p->count++] = m;
}
