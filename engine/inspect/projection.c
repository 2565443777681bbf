// SPDX-License-Identifier: GPL-3.0-or-later
#include "projection.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"
#include "engine/tensor/eigen.h"

struct projection *projection_make(const float *vectors, size_t slots, size_t width, size_t step,
                                   struct error *e) {
    struct projection *p = mem_calloc(1, sizeof *p, e);
    if (!p)
        return NULL;
    p->study.kind = &projection_kind;
    p->step = step;
    if (vectors) {
        p->slots = slots;
        p->width = width;
        p->vectors = mem_calloc(slots * width, sizeof *p->vectors, e);
        if (!p->vectors) {
            study_free(&p->study);
            return NULL;
        }
        memcpy(p->vectors, vectors, slots * width * sizeof *vectors);
    }
    return p;
}

static void projection_free(struct study *s) {
    struct projection *p = (struct projection *)s;
    free(p->vectors);
    free(p->now);
    free(p->start);
    free(p->points);
    free(p->gram);
    free(p->vector);
    free(p);
}

// ---- the points ----

static bool take_points(struct projection *p, const struct run *run, struct error *e) {
    size_t slots = run_slots(run), width = run_width(run), bytes = slots * width * sizeof(float);
    if (p->vectors && (p->slots != slots || p->width != width))
        return error_set(e, ERROR_INPUT, "the prompt is another one now");
    p->step = p->vectors ? p->step : run_steps_done(run);
    p->slots = slots;
    p->width = width;
    p->points = mem_calloc(2 * slots * width, sizeof *p->points, e);
    if (!p->points)
        return false;
    memcpy(p->points, p->vectors ? p->vectors : run_prompt(run), bytes);
    memcpy(p->points + slots * width, run_start(run), bytes);
    return true;
}

static void centre(float *points, size_t count, size_t width) {
    for (size_t j = 0; j < width; j++) {
        double sum = 0;
        for (size_t i = 0; i < count; i++)
            sum += points[i * width + j];
        for (size_t i = 0; i < count; i++)
            points[i * width + j] -= (float)(sum / (double)count);
    }
}

static double product(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += (double)a[i] * b[i];
    return sum;
}

// The i-th of the points that give the axes.
static const float *fitted_point(const struct projection *p, size_t i) {
    return p->points + i * 2 * p->slots / p->fitted * p->width;
}

static bool make_gram(struct projection *p, struct error *e) {
    size_t n = p->fitted = 2 * p->slots < PROJECTION_MOST ? 2 * p->slots : PROJECTION_MOST;
    p->gram = mem_calloc(n * n, sizeof *p->gram, e);
    p->vector = mem_calloc(n * n, sizeof *p->vector, e);
    if (!p->gram || !p->vector)
        return false;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j <= i; j++)
            p->gram[i * n + j] = p->gram[j * n + i] =
                product(fitted_point(p, i), fitted_point(p, j), p->width);
    eigen_begin(p->vector, n);
    return true;
}

// ---- the axes ----

// axis [width] = sum of the points, weighted by the eigenvector, of length 1; all zero where nothing varies.
static void make_axis(const struct projection *p, const double *weight, double value, float *axis) {
    for (size_t j = 0; j < p->width; j++) {
        double sum = 0;
        for (size_t i = 0; i < p->fitted; i++)
            sum += weight[i] * fitted_point(p, i)[j];
        axis[j] = value > 0 ? (float)(sum / sqrt(value)) : 0;
    }
}

static void project(struct projection *p, const float *axis, size_t which) {
    double far = 0;
    for (size_t i = 0; i < 2 * p->slots; i++) {
        double x = product(p->points + i * p->width, axis, p->width);
        far = fabs(x) > fabs(far) * (1 + 1e-6) ? x : far;
        *(i < p->slots ? &p->now[2 * i + which] : &p->start[2 * (i - p->slots) + which]) = (float)x;
    }
    for (size_t i = 0; far < 0 && i < p->slots; i++) {
        p->now[2 * i + which] *= -1;
        p->start[2 * i + which] *= -1;
    }
}

static bool make_results(struct projection *p, struct error *e) {
    size_t n = p->fitted, at[2] = {0}, axes = n < 2 ? n : 2;
    float *axis = mem_calloc(p->width, sizeof *axis, e);
    double all = 0;
    p->now = mem_calloc(2 * p->slots, sizeof *p->now, e);
    p->start = mem_calloc(2 * p->slots, sizeof *p->start, e);
    bool ok = axis && p->now && p->start;
    for (size_t i = 0; i < n; i++)
        all += p->gram[i * n + i];
    eigen_largest(p->gram, n, axes, at);
    for (size_t k = 0; ok && k < axes; k++) {
        double value = p->gram[at[k] * n + at[k]];
        value = value > 1e-12 * all ? value : 0; // what rounding left
        make_axis(p, p->vector + at[k] * n, value, axis);
        project(p, axis, k);
        p->share[k] = all > 0 ? value / all : 0;
    }
    free(axis);
    return ok;
}

static bool projection_work(struct study *s, const struct study_bench *b, bool *finished, struct error *e) {
    struct projection *p = (struct projection *)s;
    if (!p->points) {
        if (!take_points(p, b->run, e))
            return false;
        centre(p->points, 2 * p->slots, p->width);
        return make_gram(p, e);
    }
    *finished = eigen_sweep(p->gram, p->vector, p->fitted);
    s->done++;
    return !*finished || make_results(p, e);
}

// ---- recordings ----

static cJSON *projection_write(const struct study *s) {
    const struct projection *p = (const struct projection *)s;
    cJSON *o = cJSON_CreateObject();
    const float share[2] = {(float)p->share[0], (float)p->share[1]};
    cJSON_AddNumberToObject(o, "step", (double)p->step);
    study_put_floats(o, "now", p->now, 2 * p->slots);
    study_put_floats(o, "start", p->start, 2 * p->slots);
    study_put_floats(o, "share", share, 2);
    return o;
}

static bool projection_read(struct study *s, const cJSON *from, struct error *e) {
    struct projection *p = (struct projection *)s;
    float *share = NULL;
    size_t now = 0, start = 0, shares = 0, step = 0;
    if (!json_get_size(from, "step", true, 0, (size_t)1 << 40, &step, e))
        return false;
    if (step != p->step)
        return error_set(e, ERROR_INPUT, "this is a recorded run: there is no map of step %zu", p->step);
    bool ok = study_get_floats(from, "now", &p->now, &now, e) &&
              study_get_floats(from, "start", &p->start, &start, e) &&
              study_get_floats(from, "share", &share, &shares, e);
    if (ok && (now % 2 || now != start || shares != 2))
        ok = error_set(e, ERROR_INPUT, "a projection of %zu and %zu numbers", now, start);
    p->slots = now / 2;
    for (size_t i = 0; ok && i < 2; i++)
        p->share[i] = (double)share[i];
    free(share);
    return ok;
}

const struct study_kind projection_kind = {.name = "projection",
                                           .work = projection_work,
                                           .free = projection_free,
                                           .write = projection_write,
                                           .read = projection_read};
