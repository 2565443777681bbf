// SPDX-License-Identifier: GPL-3.0-or-later
// Fine-tuning: a run whose parameters are all weights of the model. Here is what it does otherwise than a run
// of a prompt; batches, steps, scoring and what is best are the same (run.c).
#include "run_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

static size_t elements(const struct weight *w) {
    return w->rows * w->columns;
}

bool run_weights_create(struct run *r, struct error *e) {
    struct model *m = r->in.model;
    r->weight_count = 0;
    for (size_t i = 0; i < m->weights; i++)
        r->weight_count += elements(&m->weight[i]);
    r->best_weights = mem_calloc(r->weight_count, sizeof *r->best_weights, e);
    return (r->best_weights && model_make_trainable(m, e)) ||
           error_context(e, "fine-tuning holds weights, gradients, two states and the best weights (%zu MB)",
                         5 * r->weight_count * sizeof(float) >> 20);
}

bool run_weights_optimizer(struct run *r, const struct optimizer_settings *options, struct error *e) {
    struct model *m = r->in.model;
    struct optimizer_parameter *p = mem_calloc(m->weights, sizeof *p, e);
    for (size_t i = 0; p && i < m->weights; i++)
        p[i] = (struct optimizer_parameter){.value = m->weight[i].trained,
                                            .gradient = m->weight[i].gradient,
                                            .rows = m->weight[i].rows,
                                            .columns = m->weight[i].columns};
    bool ok = p && optimizer_create(&r->optimizer, options, p, m->weights, r->in.pool, e);
    free(p);
    return ok;
}

void run_weights_read(const struct run *r, float *out) {
    const struct model *m = r->in.model;
    for (size_t i = 0; i < m->weights; out += elements(&m->weight[i]), i++)
        memcpy(out, m->weight[i].trained, elements(&m->weight[i]) * sizeof *out);
}

void run_weights_write(struct run *r, const float *all) {
    struct model *m = r->in.model;
    for (size_t i = 0; i < m->weights; all += elements(&m->weight[i]), i++)
        memcpy(m->weight[i].trained, all, elements(&m->weight[i]) * sizeof *all);
    r->weights_version++;
}

bool run_weights_use_best(struct run *r, float **held, struct error *e) {
    *held = NULL;
    if (!r->fine || !r->has_best || r->best_metric.step == r->step)
        return true;
    if (!(*held = mem_calloc(r->weight_count, sizeof **held, e)))
        return false;
    run_weights_read(r, *held);
    run_weights_write(r, r->best_weights);
    return true;
}

void run_weights_put_back(struct run *r, float *held) {
    if (held)
        run_weights_write(r, held);
    free(held);
}

// ---- keeping ----

static size_t state_count(const struct run *r) {
    size_t n = 0;
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++) {
        struct optimizer_array a = optimizer_array_at(r->optimizer, i);
        n += a.rows * a.columns;
    }
    return n;
}

// The optimizer's state, one array behind the other: out of it, and into it.
static void read_state(const struct run *r, float *out) {
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++) {
        struct optimizer_array a = optimizer_array_at(r->optimizer, i);
        memcpy(out, a.value, a.rows * a.columns * sizeof *out);
        out += a.rows * a.columns;
    }
}

static void write_state(struct run *r, const float *all) {
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++) {
        struct optimizer_array a = optimizer_array_at(r->optimizer, i);
        memcpy(a.value, all, a.rows * a.columns * sizeof *all);
        all += a.rows * a.columns;
    }
}

static float *new_array(struct run_checkpoint *c, const char *name, size_t count, struct error *e) {
    struct run_array *a = &c->array[c->arrays];
    if (!(a->value = mem_calloc(count, sizeof *a->value, e)))
        return NULL;
    snprintf(a->name, sizeof a->name, "%s", name);
    a->rows = 1;
    a->columns = count;
    c->arrays++;
    return a->value;
}

bool run_weights_save(const struct run *r, struct run_checkpoint *out, struct error *e) {
    float *weights = new_array(out, "weights", r->weight_count, e);
    float *state = weights ? new_array(out, "optimizer", state_count(r), e) : NULL;
    if (!state)
        return false;
    run_weights_read(r, weights);
    read_state(r, state);
    return !r->has_best || run_add_array(out, "best", 1, r->weight_count, r->best_weights, e);
}

bool run_weights_restore(struct run *r, const struct run_checkpoint *c, struct error *e) {
    size_t states = state_count(r), most = states > r->weight_count ? states : r->weight_count;
    float *room = mem_calloc(most, sizeof *room, e);
    bool ok = room && (!c->has_best || run_take_array(c, "best", 1, r->weight_count, r->best_weights, e)) &&
              run_take_array(c, "optimizer", 1, states, room, e);
    if (ok)
        write_state(r, room);
    ok = ok && run_take_array(c, "weights", 1, r->weight_count, room, e);
    if (ok)
        run_weights_write(r, room);
    free(room);
    return ok;
}

bool run_fine_tunes(const struct run *r) {
    return r->fine;
}

size_t run_weights_version(const struct run *r) {
    return r->weights_version;
}
