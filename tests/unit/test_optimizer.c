// SPDX-License-Identifier: GPL-3.0-or-later
// Optimizers against the formulas written out in double, and what runs rely on: clipping, refusal of
// gradients that are not finite, state that can be read out and put back.
#include "check.h"

#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/tune/optimizer.h"

enum { ROWS = 7, COLUMNS = 40, COUNT = ROWS * COLUMNS, VECTOR = 13, STEPS = 6 };
static const double RATE = 0.05;

static void fill(float *x, size_t count, uint64_t seed) {
    struct random r;
    random_seed(&r, seed, 0);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)random_normal(&r);
}

// The gradient of step s: differs from step to step and over several sizes; some elements have none.
static void gradient_of(size_t step, float *g, size_t count) {
    fill(g, count, 100 + step);
    for (size_t i = 0; i < count; i++)
        g[i] *= i % 5 == 0 ? 0 : i % 3 ? 1e-3f : 2;
}

// One tensor trained in double.
struct reference {
    double p[COUNT], m[COUNT], v[COUNT], row[ROWS], column[COLUMNS];
    size_t rows, columns;
};

static void reference_adam(struct reference *r, const struct optimizer_settings *s, const float *g,
                           double t) {
    for (size_t i = 0; i < r->rows * r->columns; i++) {
        r->m[i] = s->beta1 * r->m[i] + (1 - s->beta1) * g[i];
        r->v[i] = s->beta2 * r->v[i] + (1 - s->beta2) * g[i] * g[i];
        if (s->kind == OPTIMIZER_ADAMW)
            r->p[i] -= RATE * s->weight_decay * r->p[i];
        r->p[i] -=
            RATE * (r->m[i] / (1 - pow(s->beta1, t))) / (sqrt(r->v[i] / (1 - pow(s->beta2, t))) + s->epsilon);
    }
}

static void reference_adafactor(struct reference *r, const struct optimizer_settings *s, const float *g,
                                double t) {
    double beta = 1 - pow(t, -0.8), d[COUNT], squares = 0, mean_row = 0;
    bool factored = s->factored && r->rows > 1 && r->columns > 1;
    size_t rows = r->rows, columns = r->columns, count = rows * columns;
    for (size_t i = 0; i < rows; i++) {
        double u = 0;
        for (size_t j = 0; j < columns; j++)
            u += (double)g[i * columns + j] * g[i * columns + j] + 1e-30;
        r->row[i] = beta * r->row[i] + (1 - beta) * u / (double)columns;
        mean_row += r->row[i] / (double)rows;
    }
    for (size_t j = 0; j < columns && factored; j++) {
        double u = 0;
        for (size_t i = 0; i < rows; i++)
            u += (double)g[i * columns + j] * g[i * columns + j] + 1e-30;
        r->column[j] = beta * r->column[j] + (1 - beta) * u / (double)rows;
    }
    for (size_t i = 0; i < count; i++) {
        r->v[i] = beta * r->v[i] + (1 - beta) * ((double)g[i] * g[i] + 1e-30);
        double size = factored ? r->row[i / columns] / mean_row * r->column[i % columns] : r->v[i];
        d[i] = g[i] / sqrt(size);
        squares += d[i] * d[i];
    }
    double rms = sqrt(squares / (double)count);
    for (size_t i = 0; i < count; i++)
        r->p[i] -= RATE * s->weight_decay * r->p[i] + RATE * d[i] / fmax(1, rms);
}

static void reference_sgd(struct reference *r, const struct optimizer_settings *s, const float *g) {
    for (size_t i = 0; i < r->rows * r->columns; i++) {
        r->m[i] = s->momentum * r->m[i] + g[i];
        r->p[i] -= RATE * s->weight_decay * r->p[i] + RATE * r->m[i];
    }
}

static void reference_start(struct reference *r, const float *p, size_t rows, size_t columns) {
    *r = (struct reference){.rows = rows, .columns = columns};
    for (size_t i = 0; i < rows * columns; i++)
        r->p[i] = p[i];
}

static void reference_step(struct reference *r, const struct optimizer_settings *s, const float *g,
                           size_t t) {
    if (s->kind == OPTIMIZER_ADAFACTOR)
        reference_adafactor(r, s, g, (double)t);
    else if (s->kind == OPTIMIZER_SGD)
        reference_sgd(r, s, g);
    else
        reference_adam(r, s, g, (double)t);
}

// A matrix and a vector, several steps.
static void follow(struct optimizer_settings s) {
    struct error e = {0};
    float p[COUNT], g[COUNT], q[VECTOR], h[VECTOR];
    static struct reference matrix, vector;
    fill(p, COUNT, 1);
    fill(q, VECTOR, 2);
    reference_start(&matrix, p, ROWS, COLUMNS);
    reference_start(&vector, q, 1, VECTOR);
    struct optimizer_parameter parameters[] = {{p, g, ROWS, COLUMNS}, {q, h, 1, VECTOR}};
    struct optimizer *o;
    CHECK_OK(optimizer_create(&o, &s, parameters, 2, NULL, &e));
    for (size_t t = 1; t <= STEPS; t++) {
        struct optimizer_report report;
        float before[COUNT];
        memcpy(before, p, sizeof p);
        gradient_of(t, g, COUNT);
        gradient_of(t + 50, h, VECTOR);
        double changed = 0, values = 0, norm = 0;
        CHECK_OK(optimizer_step(o, RATE, 0, &report, &e));
        reference_step(&matrix, &s, g, t);
        reference_step(&vector, &s, h, t);
        for (size_t i = 0; i < COUNT; i++) {
            CHECK_NEAR(p[i], matrix.p[i], 3e-6 * (1 + fabs(matrix.p[i])));
            changed += pow((double)p[i] - before[i], 2);
            norm += (double)g[i] * g[i];
        }
        for (size_t i = 0; i < VECTOR; i++) {
            CHECK_NEAR(q[i], vector.p[i], 3e-6 * (1 + fabs(vector.p[i])));
            norm += (double)h[i] * h[i];
            values += (double)q[i] * q[i];
        }
        for (size_t i = 0; i < COUNT; i++)
            values += (double)p[i] * p[i];
        CHECK_NEAR(report.gradient_norm, sqrt(norm), 1e-6 * sqrt(norm));
        CHECK_NEAR(report.value_norm, sqrt(values), 1e-5 * sqrt(values));
        CHECK(report.update_norm * report.update_norm > changed * 0.9999);
        CHECK_NEAR(report.update_rms, report.update_norm / sqrt(COUNT + VECTOR), 1e-9);
    }
    CHECK_SIZE(optimizer_steps(o), STEPS);
    optimizer_free(o);
}

TEST(adam) {
    follow(optimizer_settings_default(OPTIMIZER_ADAM));
}

TEST(adam_ignores_decay_and_adamw_does_not) {
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_ADAM);
    s.weight_decay = 0.3;
    follow(s);
    s.kind = OPTIMIZER_ADAMW;
    follow(s);
}

TEST(adafactor_factored) {
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_ADAFACTOR);
    follow(s);
    s.weight_decay = 0.1;
    follow(s);
}

TEST(adafactor_unfactored) {
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_ADAFACTOR);
    s.factored = false;
    follow(s);
}

TEST(sgd_with_and_without_momentum) {
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_SGD);
    s.weight_decay = 0.2;
    follow(s);
    s.momentum = 0;
    follow(s);
}

TEST(clipping_scales_all_gradients_together) {
    struct error e = {0};
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_SGD);
    s.momentum = 0;
    float p[2] = {0, 0}, g[2] = {3, 0}, q[1] = {0}, h[1] = {4};
    struct optimizer_parameter parameters[] = {{p, g, 1, 2}, {q, h, 1, 1}};
    struct optimizer *o;
    struct optimizer_report report;
    CHECK_OK(optimizer_create(&o, &s, parameters, 2, NULL, &e));
    CHECK_OK(optimizer_step(o, 1, 2.5, &report, &e));
    CHECK_NEAR(report.gradient_norm, 5, 1e-6);
    CHECK_NEAR(report.update_norm, 2.5, 1e-6);
    CHECK_NEAR(p[0], -1.5, 1e-6);
    CHECK_NEAR(q[0], -2, 1e-6);
    CHECK_OK(optimizer_step(o, 1, 100, &report, &e)); // below the limit: as it is
    CHECK_NEAR(p[0], -4.5, 1e-6);
    optimizer_free(o);
}

TEST(gradients_that_are_not_finite_change_nothing) {
    struct error e = {0};
    struct optimizer_settings s = optimizer_settings_default(OPTIMIZER_ADAM);
    float p[3] = {1, 2, 3}, g[3] = {1, NAN, 1};
    struct optimizer_parameter parameter = {p, g, 1, 3};
    struct optimizer *o;
    CHECK_OK(optimizer_create(&o, &s, &parameter, 1, NULL, &e));
    CHECK(!optimizer_step(o, 1, 0, NULL, &e));
    CHECK_HAS(e.text, "learning rate");
    g[1] = INFINITY;
    CHECK(!optimizer_step(o, 1, 0, NULL, &e));
    CHECK(p[0] == 1 && p[1] == 2 && p[2] == 3);
    CHECK_SIZE(optimizer_steps(o), 0);
    optimizer_free(o);
}

// Copies the state of one optimizer into another by name.
static bool copy_state(struct optimizer *from, struct optimizer *to) {
    if (optimizer_arrays(from) != optimizer_arrays(to))
        return false;
    for (size_t i = 0; i < optimizer_arrays(from); i++) {
        struct optimizer_array a = optimizer_array_at(from, i), b = optimizer_array_at(to, i);
        if (strcmp(a.name, b.name) != 0 || a.rows != b.rows || a.columns != b.columns)
            return false;
        memcpy(b.value, a.value, a.rows * a.columns * sizeof *a.value);
    }
    optimizer_set_steps(to, optimizer_steps(from));
    return true;
}

TEST(state_put_back_goes_on_to_the_bit) {
    static const enum optimizer_kind kinds[] = {OPTIMIZER_ADAM, OPTIMIZER_ADAFACTOR, OPTIMIZER_SGD};
    for (size_t k = 0; k < 3; k++) {
        struct error e = {0};
        struct optimizer_settings s = optimizer_settings_default(kinds[k]);
        float p[COUNT], g[COUNT], copy[COUNT];
        struct optimizer_parameter one = {p, g, ROWS, COLUMNS}, two = {copy, g, ROWS, COLUMNS};
        struct optimizer *o, *other;
        fill(p, COUNT, 1);
        CHECK_OK(optimizer_create(&o, &s, &one, 1, NULL, &e));
        CHECK_OK(optimizer_create(&other, &s, &two, 1, NULL, &e));
        for (size_t t = 1; t <= 2 * STEPS; t++) {
            if (t == STEPS) {
                memcpy(copy, p, sizeof p);
                CHECK(copy_state(o, other));
            }
            gradient_of(t, g, COUNT);
            CHECK_OK(optimizer_step(o, RATE, 1, NULL, &e));
            if (t >= STEPS)
                CHECK_OK(optimizer_step(other, RATE, 1, NULL, &e));
        }
        CHECK(memcmp(p, copy, sizeof p) == 0);
        optimizer_reset(o);
        CHECK_SIZE(optimizer_steps(o), 0);
        CHECK(optimizer_array_at(o, 0).value[3] == 0);
        optimizer_free(o);
        optimizer_free(other);
    }
}

// A matrix of several blocks: any number of threads gives the same bits.
TEST(threads_change_nothing) {
    enum { TALL = 900, WIDE = 70 };
    struct error e = {0};
    struct thread_pool *pool;
    CHECK_OK(thread_pool_create(&pool, 3, &e));
    for (int kind = OPTIMIZER_ADAM; kind <= OPTIMIZER_SGD; kind++) {
        struct optimizer_settings s = optimizer_settings_default((enum optimizer_kind)kind);
        float *p[2], *g = malloc(TALL * WIDE * sizeof *g);
        double norm[2];
        for (int i = 0; i < 2; i++) {
            p[i] = malloc(TALL * WIDE * sizeof *p[i]);
            fill(p[i], TALL * WIDE, 1);
            struct optimizer_parameter parameter = {p[i], g, TALL, WIDE};
            struct optimizer *o;
            struct optimizer_report report = {0};
            CHECK_OK(optimizer_create(&o, &s, &parameter, 1, i ? pool : NULL, &e));
            for (size_t t = 1; t <= 3; t++) {
                gradient_of(t, g, TALL * WIDE);
                CHECK_OK(optimizer_step(o, RATE, 1, &report, &e));
            }
            norm[i] = report.update_norm;
            optimizer_free(o);
        }
        bool same = memcmp(p[0], p[1], TALL * WIDE * sizeof *p[0]) == 0;
        free(p[0]), free(p[1]), free(g);
        CHECK(same);
        CHECK(norm[0] == norm[1]);
    }
    thread_pool_free(pool);
}

TEST(no_gradient_no_change) {
    struct error e = {0};
    for (int kind = OPTIMIZER_ADAM; kind <= OPTIMIZER_SGD; kind++) {
        struct optimizer_settings s = optimizer_settings_default((enum optimizer_kind)kind);
        float p[COUNT], before[COUNT], g[COUNT] = {0};
        struct optimizer_parameter parameter = {p, g, ROWS, COLUMNS};
        struct optimizer *o;
        fill(p, COUNT, 1);
        memcpy(before, p, sizeof p);
        g[COLUMNS] = 1; // row 1 only
        CHECK_OK(optimizer_create(&o, &s, &parameter, 1, NULL, &e));
        CHECK_OK(optimizer_step(o, 1, 0, NULL, &e));
        optimizer_free(o);
        CHECK(p[COLUMNS] != before[COLUMNS]);
        p[COLUMNS] = before[COLUMNS];
        CHECK(memcmp(p, before, sizeof p) == 0);
    }
}

// A parameter with factors moves as one alone would with that rate and that decay.
TEST(factors_of_one_parameter) {
    struct error e = {0};
    for (int kind = OPTIMIZER_ADAM; kind <= OPTIMIZER_SGD; kind++) {
        struct optimizer_settings s = optimizer_settings_default((enum optimizer_kind)kind);
        float p[2][COUNT], alone[COUNT], g[COUNT];
        struct optimizer_parameter both[] = {{p[0], g, ROWS, COLUMNS}, {p[1], g, ROWS, COLUMNS}},
                                   one = {alone, g, ROWS, COLUMNS};
        struct optimizer *o, *other;
        fill(p[0], COUNT, 1);
        memcpy(p[1], p[0], sizeof alone);
        memcpy(alone, p[0], sizeof alone);
        gradient_of(1, g, COUNT);
        s.weight_decay = 0.1;
        CHECK_OK(optimizer_create(&o, &s, both, 2, NULL, &e));
        optimizer_set_factors(o, 1, 3, 0);
        CHECK_OK(optimizer_step(o, 0.01, 0, NULL, &e));
        s.weight_decay = 0;
        CHECK_OK(optimizer_create(&other, &s, &one, 1, NULL, &e));
        CHECK_OK(optimizer_step(other, 0.03, 0, NULL, &e));
        optimizer_free(o);
        optimizer_free(other);
        for (size_t i = 0; i < COUNT; i++)
            CHECK_NEAR(p[1][i], alone[i], 1e-6);
        CHECK(memcmp(p[0], p[1], sizeof alone) != 0);
    }
}
