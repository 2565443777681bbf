// SPDX-License-Identifier: GPL-3.0-or-later
// The learning-rate sweep: what it suggests, that it leaves the run alone, that it can be stopped.
#include "check.h"

#include <stdlib.h>

#include "engine/inspect/sweep.h"
#include "run_fixture.h"

static const char PATTERN[] = "{soft:4} {text_a} It was {mask}.";

TEST(the_suggestion_is_the_lowest_rate_that_brings_nearly_all) {
    float rate[30], loss[30];
    for (size_t i = 0; i < 30; i++) { // flat, a slope around 0.1, a floor from 0.3 to 3, then it blows up
        double x = -3 + 5.0 * (double)i / 29;
        rate[i] = (float)pow(10, x);
        loss[i] = (float)(1 - 0.6 / (1 + exp(-8 * (x + 1))) + (x > 0.5 ? 3 * (x - 0.5) : 0));
    }
    double s = rate_sweep_suggest(rate, loss, 30, 1);
    CHECK(s > 0.12 && s < 0.4);
    for (size_t i = 25; i < 30; i++)
        loss[i] = NAN;
    CHECK_NEAR(rate_sweep_suggest(rate, loss, 30, 1), s, 1e-12);
    for (size_t i = 0; i < 30; i++)
        loss[i] = 1 + 0.01f * (float)i;
    CHECK(isnan(rate_sweep_suggest(rate, loss, 30, 1)));
    loss[0] = NAN;
    CHECK(isnan(rate_sweep_suggest(rate, loss, 30, 1)));
    CHECK(isnan(rate_sweep_suggest(rate, loss, 0, 1)));
}

static struct study_bench bench_of(struct fixture *f, const struct run_inputs *in, const struct run *r,
                                   const atomic_bool *cancel) {
    return (struct study_bench){.model = f->model,
                                .tokenizer = f->tokenizer,
                                .task = f->task,
                                .split = &f->split,
                                .template = &f->template,
                                .verbalizer = &f->verbalizer,
                                .inputs = in,
                                .settings = &f->settings,
                                .run = r,
                                .pool = f->pool,
                                .cancel = cancel};
}

TEST(a_sweep_leaves_the_run_alone_and_survives_a_rate_that_is_far_too_high) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    atomic_bool cancel = false;
    struct run *r;
    struct metric m;
    CHECK_OK(fixture_open(&f, "films", PATTERN, "bad; good", &e));
    CHECK_OK(fixture_run(&f, &r, &e));
    CHECK_OK(run_step(r, NULL, &m, &e));
    size_t bytes = run_slots(r) * run_width(r) * sizeof(float);
    float *before = malloc(bytes);
    memcpy(before, run_prompt(r), bytes);
    const struct run_inputs in = {.model = f.model,
                                  .tokenizer = f.tokenizer,
                                  .task = f.task,
                                  .split = &f.split,
                                  .template = &f.template,
                                  .verbalizer = &f.verbalizer,
                                  .pool = f.pool};
    const struct study_bench bench = bench_of(&f, &in, r, &cancel);
    struct rate_sweep *s = rate_sweep_make(1e-4, 1e4, &e);
    bool finished = false;
    size_t slices = 0;
    while (!finished && slices++ < SWEEP_RATES * SWEEP_UPDATES + 2)
        CHECK_OK(s->study.kind->work(&s->study, &bench, &finished, &e));
    CHECK(finished && s->count > 5 && s->count <= SWEEP_RATES && s->examples == 16 && s->step == 1);
    CHECK(s->rate[0] == 1e-4f && s->rate[1] > s->rate[0]);
    CHECK(s->diverged || s->count == SWEEP_RATES);
    CHECK(isfinite(s->suggested) && s->suggested > 1e-3 && s->suggested < 100);
    CHECK(s->run == NULL); // its memory is given back at once
    CHECK(memcmp(before, run_prompt(r), bytes) == 0 && run_steps_done(r) == 1);
    // The first rate moves next to nothing; trials do not build on each other.
    CHECK(fabsf(s->loss[0] - s->start_loss) < 0.05f * s->start_loss);
    // As it would be recorded, and back.
    cJSON *o = s->study.kind->write(&s->study);
    struct rate_sweep *again = rate_sweep_make(1e-4, 1e4, &e);
    CHECK_OK(again->study.kind->read(&again->study, o, &e));
    CHECK(again->count == s->count && again->diverged == s->diverged);
    CHECK(fabs(again->suggested - s->suggested) < 0.2 * s->suggested);
    cJSON_Delete(o);
    study_free(&again->study);
    study_free(&s->study);
    // Stopped in the middle.
    s = rate_sweep_make(1e-4, 1, &e);
    finished = false;
    CHECK_OK(s->study.kind->work(&s->study, &bench, &finished, &e));
    CHECK_OK(s->study.kind->work(&s->study, &bench, &finished, &e));
    cancel = true;
    CHECK(!s->study.kind->work(&s->study, &bench, &finished, &e));
    CHECK(e.kind == ERROR_CANCELLED);
    study_free(&s->study);
    free(before);
    run_free(r);
    fixture_close(&f);
}
