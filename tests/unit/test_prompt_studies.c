// SPDX-License-Identifier: GPL-3.0-or-later
// Studies of a prompt against the long way round: leaving vectors out against a template that lacks them,
// snapping against a run that is changed, the map against points of a known plane.
#include "check.h"
#include "reading_fixture.h"

#include <stdlib.h>

#include "engine/inspect/ablation.h"
#include "engine/inspect/beside.h"
#include "engine/inspect/projection.h"

#define HYBRID "{soft:3} {text_a} It was {mask}."

// As a recorded run would give it: written, read, and written again.
static void reads_back(const struct study *s, struct study *again) {
    struct error e = {0};
    cJSON *first = s->kind->write(s);
    CHECK_OK(again->kind->read(again, first, &e));
    cJSON *second = again->kind->write(again);
    CHECK(cJSON_Compare(first, second, true));
    cJSON_Delete(first);
    cJSON_Delete(second);
}

static bool steps(struct run *r, size_t count, struct error *e) {
    struct metric m;
    for (size_t i = 0; i < count; i++)
        if (!run_step(r, NULL, &m, e))
            return false;
    return true;
}

// What a run scores whose template has only two slots, with the vectors of `prompt` but `left_out`.
static void score_of_two(struct reading_fixture *f, const float *prompt, size_t left_out,
                         struct metric *out) {
    struct error e = {0};
    struct fixture two = f->base;
    struct run *r;
    struct evaluation v;
    size_t width = f->base.model->config.d_model, to = 0;
    float *rest = calloc(2 * width, sizeof *rest);
    for (size_t i = 0; i < 3; i++)
        if (i != left_out)
            memcpy(rest + to++ * width, prompt + i * width, width * sizeof *rest);
    CHECK_OK(template_parse(&two.template, "{soft:2} {text_a} It was {mask}.",
                            (const char *const *)two.task->field, two.task->fields, NULL, &e));
    two.settings.start = START_FILE;
    two.start_vectors = rest;
    two.start_count = 2;
    CHECK_OK(fixture_run(&two, &r, &e));
    CHECK_OK(run_evaluate(r, NULL, out, &v, &e));
    run_free(r);
    template_free(&two.template);
    free(rest);
}

TEST(without_a_vector_is_the_template_without_it) {
    struct reading_fixture f;
    struct error e = {0};
    struct metric m;
    struct evaluation v;
    CHECK_OK(reading_fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(steps(f.run, 6, &e));
    CHECK_OK(run_evaluate(f.run, NULL, &m, &v, &e));
    struct ablation *a = ablation_make(ABLATION_REMOVE, NEAR_COSINE, &e), *b;
    CHECK_OK(reading_fixture_work(&f, &a->study, &e));
    CHECK(a->slots == 3 && a->step == 6 && a->whole.examples == v.examples);
    CHECK(a->study.done == a->study.total && a->study.total == 4 * v.examples);
    CHECK_SIZE(a->whole.correct, v.correct);
    CHECK_NEAR(a->whole.loss, v.loss, 1e-6 * v.loss);
    for (size_t i = 0; i < 3; i++) {
        score_of_two(&f, run_prompt(f.run), i, &m);
        CHECK_NEAR(a->one[i].accuracy, m.dev_accuracy, 1e-6);
        CHECK_NEAR(a->one[i].loss, m.dev_loss, 1e-5);
    }
    CHECK(a->one[0].loss != a->one[1].loss);
    b = ablation_make(ABLATION_REMOVE, NEAR_COSINE, &e);
    reads_back(&a->study, &b->study);
    study_free(&b->study);
    study_free(&a->study);
    reading_fixture_close(&f);
}

TEST(snapped_is_what_the_run_scores_after_the_change) {
    struct reading_fixture f;
    struct error e = {0};
    struct metric m;
    struct evaluation v;
    CHECK_OK(reading_fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(steps(f.run, 6, &e));
    size_t width = run_width(f.run);
    for (int metric = 0; metric < NEAR_KINDS; metric++) {
        struct near_token near[3 * NEAR_KINDS];
        struct ablation *a = ablation_make(ABLATION_SNAP, (enum nearness)metric, &e);
        CHECK_OK(reading_fixture_work(&f, &a->study, &e));
        CHECK_OK(nearest_tokens(f.base.model, &f.norms, run_prompt(f.run), 3, 1, NULL, near, &e));
        for (size_t i = 0; i <= 3; i++) {
            struct prompt_edit *edit =
                prompt_edit_make(EDIT_TOKENS, i < 3 ? i : EDIT_EVERY_SLOT, 3, width, &e);
            for (size_t k = 0; k < 3; k++) {
                edit->token[k] = a->token[k];
                CHECK(a->token[k] == near[k * NEAR_KINDS + (size_t)metric].id);
            }
            CHECK_OK(run_edit(f.run, edit, &e));
            CHECK_OK(run_evaluate(f.run, NULL, &m, &v, &e));
            const struct ablation_score *s = i < 3 ? &a->one[i] : &a->all;
            CHECK(s->correct == v.correct && s->examples == v.examples);
            CHECK_NEAR(s->loss, v.loss, 1e-6 * v.loss);
            CHECK(run_undo_edit(f.run));
            prompt_edit_free(edit);
        }
        study_free(&a->study);
    }
    reading_fixture_close(&f);
}

// A run that goes on between two slices does not change what a study is about.
TEST(an_ablation_is_of_one_prompt) {
    struct reading_fixture f;
    struct error e = {0};
    CHECK_OK(reading_fixture_open(&f, "films", HYBRID, "bad; good", &e));
    struct ablation *still = ablation_make(ABLATION_REMOVE, NEAR_COSINE, &e),
                    *moving = ablation_make(ABLATION_REMOVE, NEAR_COSINE, &e);
    CHECK_OK(reading_fixture_work(&f, &still->study, &e));
    bool finished = false;
    f.bench.cancel = &moving->study.cancelled;
    while (!finished) {
        CHECK_OK(moving->study.kind->work(&moving->study, &f.bench, &finished, &e));
        CHECK_OK(steps(f.run, 1, &e));
    }
    for (size_t i = 0; i < 3; i++)
        CHECK(moving->one[i].loss == still->one[i].loss);
    study_free(&still->study);
    study_free(&moving->study);
    reading_fixture_close(&f);
}

TEST(an_input_set_without_a_row) {
    struct input_set from = {0}, out = {0};
    struct error e = {0};
    int32_t input[] = {T5_SOFT(0), 5, T5_SOFT(1), 7, T5_SOFT(1), 9};
    size_t offset[] = {0, 4, 6}, label[] = {1, 0}, possible[] = {0, 2};
    from = (struct input_set){
        .input = input, .offset = offset, .label = label, .possible = possible, .count = 2, .longest = 4};
    CHECK_OK(input_set_without(&out, &from, T5_SOFT(1), &e));
    const int32_t want[] = {T5_SOFT(0), 5, 7, 9};
    CHECK(out.count == 2 && out.longest == 3 && out.offset[1] == 3 && out.offset[2] == 4);
    CHECK(memcmp(out.input, want, sizeof want) == 0 && out.label[0] == 1 && out.possible[1] == 2);
    input_set_free(&out);
}

// Points of a plane keep their distances; the first axis has the larger share.
TEST(the_map_of_a_plane_is_exact) {
    static const float at[6][2] = {{3, 0}, {-1, 0.5f}, {-4, 1}, {2, -1}, {0, 2}, {1, 1}};
    struct reading_fixture f;
    struct error e = {0};
    CHECK_OK(reading_fixture_open(&f, "films", HYBRID, "bad; good", &e));
    size_t width = run_width(f.run);
    float *all = calloc(6 * width, sizeof *all);
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < width; j++)
            all[i * width + j] =
                5 + at[i][0] * (j == 3) + at[i][1] * 0.6f * (j == 7) + at[i][1] * 0.8f * (j == 9);
    struct fixture planar = f.base;
    planar.settings.start = START_FILE;
    planar.start_vectors = all + 3 * width;
    planar.start_count = 3;
    struct run *r;
    CHECK_OK(fixture_run(&planar, &r, &e));
    f.bench.run = r;
    struct projection *p = projection_make(all, 3, width, 4, &e), *q;
    CHECK_OK(reading_fixture_work(&f, &p->study, &e));
    CHECK_NEAR(p->share[0] + p->share[1], 1, 1e-6);
    CHECK(p->share[0] > p->share[1] && p->share[1] > 0 && p->step == 4);
    for (size_t i = 0; i < 6; i++)
        for (size_t k = 0; k < 6; k++) {
            const float *a = i < 3 ? p->now + 2 * i : p->start + 2 * (i - 3);
            const float *b = k < 3 ? p->now + 2 * k : p->start + 2 * (k - 3);
            CHECK_NEAR(hypot((double)a[0] - b[0], (double)a[1] - b[1]),
                       hypot((double)at[i][0] - at[k][0], (double)at[i][1] - at[k][1]), 1e-5);
        }
    q = projection_make(NULL, 0, 0, 4, &e);
    reads_back(&p->study, &q->study);
    study_free(&q->study);
    study_free(&p->study);
    p = projection_make(all, 2, width, 4, &e);
    CHECK(!reading_fixture_work(&f, &p->study, &e));
    study_free(&p->study);
    run_free(r);
    free(all);
    reading_fixture_close(&f);
}

TEST(a_prompt_beside_the_present_one) {
    struct reading_fixture f;
    struct error e = {0};
    CHECK_OK(reading_fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(steps(f.run, 3, &e));
    size_t width = run_width(f.run);
    float *more = calloc(4 * width, sizeof *more); // one more than the run has
    memcpy(more, run_start(f.run), 3 * width * sizeof *more);
    model_embedding_row(f.base.model, 321, more + 3 * width);
    struct beside *b = beside_make(more, 4, width, &e), *again;
    CHECK_OK(reading_fixture_work(&f, &b->study, &e));
    for (size_t i = 0; i < 3; i++) {
        double sum = 0;
        for (size_t j = i * width; j < (i + 1) * width; j++)
            sum += pow((double)run_prompt(f.run)[j] - more[j], 2);
        CHECK_NEAR(b->distance[i], sqrt(sum), 1e-5);
        CHECK(b->drift[i] == 0 && b->cosine[i] < 1);
        CHECK_NEAR(b->start_cosine[i], 1, 1e-6);
    }
    CHECK(isnan(b->cosine[3]) && isnan(b->drift[3]) && b->near[3 * NEAR_KINDS * b->k].id == 321);
    again = beside_make(NULL, 0, 0, &e);
    reads_back(&b->study, &again->study);
    study_free(&again->study);
    study_free(&b->study);
    b = beside_make(more, 4, width - 1, &e);
    CHECK(!reading_fixture_work(&f, &b->study, &e));
    CHECK_HAS(e.text, "another model");
    study_free(&b->study);
    free(more);
    reading_fixture_close(&f);
}
