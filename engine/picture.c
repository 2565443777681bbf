// SPDX-License-Identifier: GPL-3.0-or-later
// Pictures are made after a step, on the engine's thread; the costly part, nearest tokens, only as often as
// is cheap.
#include "engine/picture.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"

void prompt_picture_free(struct prompt_picture *p) {
    if (!p)
        return;
    free(p->vectors);
    free(p->norm);
    free(p->drift);
    free(p->cosine_to_start);
    free(p->near);
    free(p->start_near);
    free(p->frozen);
    free(p);
}

void picture_maker_free(struct picture_maker *p) {
    free(p->near);
    free(p->start_near);
    *p = (struct picture_maker){0};
}

bool picture_begin(struct picture_maker *p, const struct run *run, const struct model *model,
                   const struct workspace *w, struct thread_pool *pool, struct error *e) {
    picture_maker_free(p);
    p->slots = run_slots(run);
    p->k = w->norms->ids < PICTURE_NEAREST ? w->norms->ids : PICTURE_NEAREST;
    p->near = mem_calloc(p->slots * NEAR_KINDS * p->k, sizeof *p->near, e);
    p->start_near = mem_calloc(p->slots, sizeof *p->start_near, e);
    if (!p->near || !p->start_near ||
        !nearest_tokens(model, w->norms, run_start(run), p->slots, p->k, pool, p->near, e)) {
        picture_maker_free(p);
        return false;
    }
    for (size_t i = 0; i < p->slots; i++)
        p->start_near[i] = p->near[(i * NEAR_KINDS + NEAR_COSINE) * p->k].id;
    return true;
}

static struct prompt_picture *picture_new(size_t slots, size_t width, size_t k, struct error *e) {
    struct prompt_picture *p = mem_calloc(1, sizeof *p, e);
    if (!p)
        return NULL;
    *p = (struct prompt_picture){.slots = slots, .width = width, .k = k};
    p->vectors = mem_calloc(slots * width, sizeof *p->vectors, e);
    p->norm = mem_calloc(slots, sizeof *p->norm, e);
    p->drift = mem_calloc(slots, sizeof *p->drift, e);
    p->cosine_to_start = mem_calloc(slots, sizeof *p->cosine_to_start, e);
    p->near = mem_calloc(slots * NEAR_KINDS * k, sizeof *p->near, e);
    p->start_near = mem_calloc(slots, sizeof *p->start_near, e);
    p->frozen = mem_calloc(slots, sizeof *p->frozen, e);
    if (p->vectors && p->norm && p->drift && p->cosine_to_start && p->near && p->start_near && p->frozen)
        return p;
    prompt_picture_free(p);
    return NULL;
}

static void measure_vectors(struct prompt_picture *p, const float *now, const float *start) {
    for (size_t i = 0; i < p->slots; i++) {
        double own = 0, then = 0, product = 0, apart = 0;
        for (size_t j = 0; j < p->width; j++) {
            double x = now[i * p->width + j], y = start[i * p->width + j];
            own += x * x;
            then += y * y;
            product += x * y;
            apart += (x - y) * (x - y);
        }
        p->norm[i] = (float)sqrt(own);
        p->drift[i] = (float)sqrt(apart);
        p->cosine_to_start[i] = own > 0 && then > 0 ? (float)(product / sqrt(own * then)) : 0;
    }
}

bool picture_make(struct picture_maker *m, struct prompt_picture **io, const struct run *run,
                  const struct model *model, const struct workspace *w, struct thread_pool *pool, bool must,
                  double now, struct error *e) {
    enum { TIMES_AS_LONG = 10 };
    struct prompt_picture *p = *io;
    if (p && (p->slots != m->slots || p->width != run_width(run) || p->k != m->k)) {
        prompt_picture_free(p);
        p = *io = NULL;
    }
    if (!p && !(p = *io = picture_new(m->slots, run_width(run), m->k, e)))
        return false;
    p->step = run_steps_done(run);
    memcpy(p->vectors, run_prompt(run), p->slots * p->width * sizeof *p->vectors);
    measure_vectors(p, run_prompt(run), run_start(run));
    for (size_t i = 0; i < p->slots; i++)
        p->frozen[i] = run_frozen(run, i);
    p->edits = run_edits(run);
    p->near_current = must || now - m->searched_at >= TIMES_AS_LONG * m->search_seconds;
    if (p->near_current) {
        double began = clock_seconds();
        if (!nearest_tokens(model, w->norms, p->vectors, p->slots, p->k, pool, m->near, e))
            return false;
        m->search_seconds = clock_seconds() - began;
        m->searched_at = now + m->search_seconds;
    }
    memcpy(p->near, m->near, p->slots * NEAR_KINDS * p->k * sizeof *p->near);
    memcpy(p->start_near, m->start_near, p->slots * sizeof *p->start_near);
    return true;
}
