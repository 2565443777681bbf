// SPDX-License-Identifier: GPL-3.0-or-later
// Tuning runs on the shipped model: gradients, reproducibility, resuming, cancelling, scoring.
#include "check.h"
#include "run_fixture.h"

#include <stdlib.h>

#define HYBRID  "{soft:4} {text_a} It was {mask}."
#define VANILLA "{soft:4} {text_a} {mask}"

enum { STEPS = 12 };

static bool train_losses(struct run *r, float *losses, size_t count, struct error *e) {
    for (size_t i = 0; i < count; i++) {
        struct metric m;
        if (!run_step(r, NULL, &m, e))
            return false;
        losses[i] = m.train_loss;
    }
    return true;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Counts allocations of all threads, for the test that steps make none.
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
static atomic_size_t allocations;
void *malloc(size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    void *p = NULL;
    atomic_fetch_add(&allocations, 1);
    return posix_memalign(&p, alignment, size) == 0 ? p : NULL;
}

TEST(steps_allocate_nothing_also_after_scoring) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    struct run *r;
    struct metric m;
    struct evaluation v;
    CHECK_OK(fixture_run(&f, &r, &e));
    for (int i = 0; i < 6; i++) {
        CHECK_OK(run_evaluate(r, NULL, &m, &v, &e));
        CHECK(m.dev_examples == v.examples && v.examples > 0);
        size_t before = atomic_load(&allocations);
        CHECK_OK(run_step(r, NULL, &m, &e));
        CHECK_SIZE(atomic_load(&allocations), before);
    }
    void *volatile kept = malloc(1); // the counter counts
    CHECK(atomic_load(&allocations) > 0);
    free(kept);
    run_free(r);
    fixture_close(&f);
}
#endif

TEST(same_seed_same_curve_and_restart_repeats_it) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", VANILLA, "bad; good", &e));
    struct run *a, *b;
    float one[STEPS], two[STEPS], again[STEPS];
    CHECK_OK(fixture_run(&f, &a, &e));
    CHECK_OK(fixture_run(&f, &b, &e));
    CHECK_OK(train_losses(a, one, STEPS, &e));
    CHECK_OK(train_losses(b, two, STEPS, &e));
    CHECK(memcmp(one, two, sizeof one) == 0);
    run_restart(a);
    CHECK_OK(train_losses(a, again, STEPS, &e));
    CHECK(memcmp(one, again, sizeof one) == 0);
    run_free(b);
    f.settings.seed = 6; // another order and another start
    CHECK_OK(fixture_run(&f, &b, &e));
    CHECK_OK(train_losses(b, two, STEPS, &e));
    CHECK(memcmp(one, two, sizeof one) != 0);
    run_free(a);
    run_free(b);
    fixture_close(&f);
}

TEST(tuning_lowers_the_loss_with_every_optimizer_and_loss) {
    static const enum run_optimizer optimizers[] = {RUN_ADAM, RUN_ADAMW, RUN_ADAFACTOR};
    for (size_t o = 0; o < 3; o++)
        for (int paper = 0; paper < 2; paper++) {
            struct error e = {0};
            struct fixture f = {.settings = fixture_settings()};
            f.settings.optimizer = optimizers[o];
            f.settings.loss = paper ? LOSS_PAPER_CODE : LOSS_CLEAN;
            f.settings.steps = 60;
            f.settings.rate = 0.05;
            CHECK_OK(fixture_open(&f, "films", VANILLA, "bad; good", &e));
            struct run *r;
            CHECK_OK(fixture_run(&f, &r, &e));
            float losses[60];
            CHECK_OK(train_losses(r, losses, 60, &e));
            double first = 0, last = 0;
            for (size_t i = 0; i < 12; i++) {
                first += losses[i];
                last += losses[48 + i];
            }
            CHECK(last < 0.9 * first);
            CHECK(run_finished(r));
            run_free(r);
            fixture_close(&f);
        }
}

// Loss of the run's first batch at a given prompt.
static bool loss_at(struct fixture *f, const float *prompt, float *loss, struct error *e) {
    struct run *r;
    f->start_vectors = prompt;
    if (!fixture_run(f, &r, e))
        return false;
    struct metric m;
    bool ok = run_step(r, NULL, &m, e);
    *loss = m.train_loss;
    run_free(r);
    return ok;
}

// With SGD and rate 1 the first update is minus the gradient: compare with central differences along it.
static void check_gradient(const char *task, const char *template_text, const char *words,
                           enum run_loss loss) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    f.settings.optimizer = RUN_SGD;
    f.settings.rate = 1;
    f.settings.clip = 0;
    f.settings.weight_decay = 0;
    f.settings.loss = loss;
    CHECK_OK(fixture_open(&f, task, template_text, words, &e));
    struct run *r;
    CHECK_OK(fixture_run(&f, &r, &e));
    size_t count = run_slots(r) * run_width(r);
    float *start = calloc(count, sizeof *start), *gradient = calloc(count, sizeof *gradient),
          *moved = calloc(count, sizeof *moved);
    memcpy(start, run_prompt(r), count * sizeof *start);
    struct metric m;
    CHECK_OK(run_step(r, NULL, &m, &e));
    double square = 0;
    for (size_t i = 0; i < count; i++) {
        gradient[i] = start[i] - run_prompt(r)[i];
        square += (double)gradient[i] * gradient[i];
    }
    CHECK_NEAR(m.gradient_norm, sqrt(square), 1e-4 * sqrt(square));
    f.settings.start = START_FILE;
    f.start_count = run_slots(r);
    // Central differences over moves of 0.02 and 0.01 along the gradient, extrapolated to no move at all.
    double slope[2];
    for (int k = 0; k < 2; k++) {
        double h = (k ? 1e-2 : 2e-2) / sqrt(square);
        float up, down;
        for (size_t i = 0; i < count; i++)
            moved[i] = (float)(start[i] + h * gradient[i]);
        CHECK_OK(loss_at(&f, moved, &up, &e));
        for (size_t i = 0; i < count; i++)
            moved[i] = (float)(start[i] - h * gradient[i]);
        CHECK_OK(loss_at(&f, moved, &down, &e));
        slope[k] = ((double)up - down) / (2 * h);
    }
    CHECK_NEAR((4 * slope[1] - slope[0]) / 3, square, 0.02 * square + 1e-6);
    free(start);
    free(gradient);
    free(moved);
    run_free(r);
    fixture_close(&f);
}

TEST(gradient_of_the_clean_loss) {
    check_gradient("films", HYBRID, "bad; good", LOSS_CLEAN);
}
TEST(gradient_with_several_words_a_class) {
    check_gradient("films", VANILLA, "bad, terrible; good, great", LOSS_CLEAN);
}
TEST(gradient_of_the_paper_code_loss) {
    check_gradient("films", HYBRID, "bad; good", LOSS_PAPER_CODE);
}
TEST(gradient_with_soft_slots_in_the_middle) {
    check_gradient("films", "{text_a} {soft:3} {mask} {soft:1}", "bad; good", LOSS_CLEAN);
}
TEST(gradient_of_multiple_choice) {
    check_gradient("places", "{soft:4} {article} {question} {options}. Answer is {mask}.", NULL, LOSS_CLEAN);
}

TEST(resumed_run_follows_the_same_curve) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    struct run *whole, *half, *rest;
    float one[STEPS], two[STEPS];
    struct metric m;
    struct evaluation v;
    CHECK_OK(fixture_run(&f, &whole, &e));
    CHECK_OK(train_losses(whole, one, STEPS, &e));
    CHECK_OK(fixture_run(&f, &half, &e));
    run_set_rate(half, f.settings.rate);
    CHECK_OK(train_losses(half, two, 5, &e));
    CHECK_OK(run_evaluate(half, NULL, &m, &v, &e));
    struct run_checkpoint kept;
    CHECK_OK(run_save(half, &kept, &e));
    CHECK_OK(fixture_run(&f, &rest, &e));
    CHECK_OK(run_restore(rest, &kept, &e));
    CHECK_SIZE(run_steps_done(rest), 5);
    CHECK(!run_evaluation_due(rest));
    CHECK(run_best(rest, NULL) != NULL);
    CHECK_OK(train_losses(rest, two + 5, STEPS - 5, &e));
    CHECK(memcmp(one, two, sizeof one) == 0);
    size_t bytes = run_slots(whole) * run_width(whole) * sizeof(float);
    CHECK(memcmp(run_prompt(whole), run_prompt(rest), bytes) == 0);
    kept.array[0].rows++;
    CHECK(!run_restore(rest, &kept, &e));
    CHECK_HAS(e.text, "prompt");
    kept.array[0].rows--;
    run_checkpoint_free(&kept);
    run_free(whole);
    run_free(half);
    run_free(rest);
    fixture_close(&f);
}

TEST(a_cancelled_step_changes_nothing) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    struct run *a, *b;
    float one[STEPS], two[STEPS];
    CHECK_OK(fixture_run(&f, &a, &e));
    CHECK_OK(fixture_run(&f, &b, &e));
    CHECK_OK(train_losses(a, one, STEPS, &e));
    atomic_bool cancel = true;
    struct metric m;
    for (size_t i = 0; i < STEPS; i++) { // also across the end of an epoch
        CHECK(!run_step(b, &cancel, &m, &e));
        CHECK(e.kind == ERROR_CANCELLED);
        CHECK_OK(run_step(b, NULL, &m, &e));
        two[i] = m.train_loss;
    }
    CHECK(memcmp(one, two, sizeof one) == 0);
    run_free(a);
    run_free(b);
    fixture_close(&f);
}

TEST(evaluations_count_what_they_say) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "claims", "{soft:4} {text_a} {mask}. {text_b}", "No; Maybe; Yes", &e));
    struct run *r;
    CHECK_OK(fixture_run(&f, &r, &e));
    struct metric m;
    struct evaluation v;
    CHECK(run_evaluation_due(r));
    CHECK_OK(run_evaluate(r, NULL, &m, &v, &e));
    CHECK(!run_evaluation_due(r));
    CHECK(m.best);
    CHECK_SIZE(v.examples, f.split.dev_count);
    size_t all = 0, right = 0;
    double f1 = 0;
    for (size_t i = 0; i < 3; i++) {
        size_t row = 0, column = 0;
        for (size_t j = 0; j < 3; j++) {
            row += v.confusion[i * 3 + j];
            column += v.confusion[j * 3 + i];
        }
        all += row;
        right += v.confusion[i * 4];
        double tp = (double)v.confusion[i * 4];
        f1 += tp > 0
                  ? 2 * (tp / (double)row) * (tp / (double)column) / (tp / (double)row + tp / (double)column)
                  : 0;
    }
    CHECK_SIZE(all, v.examples);
    CHECK_SIZE(right, v.correct);
    CHECK_NEAR(v.accuracy, (double)right / (double)all, 1e-12);
    CHECK_NEAR(v.macro_f1, f1 / 3, 1e-12);
    // The same examples scored by way of run_score, in other groups.
    struct evaluation w;
    CHECK_OK(run_score(r, f.split.dev, f.split.dev_count, false, NULL, NULL, NULL, &w, &e));
    CHECK_SIZE(w.correct, v.correct);
    CHECK_NEAR(w.loss, v.loss, 1e-6);
    run_free(r);
    fixture_close(&f);
}

TEST(undo_returns_to_the_best_prompt) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    struct run *r;
    CHECK_OK(fixture_run(&f, &r, &e));
    CHECK(!run_return_to_best(r));
    struct metric m;
    struct evaluation v, again;
    CHECK_OK(run_evaluate(r, NULL, &m, &v, &e));
    float losses[4];
    CHECK_OK(train_losses(r, losses, 4, &e));
    CHECK(run_return_to_best(r));
    CHECK_OK(run_evaluate(r, NULL, &m, &again, &e));
    CHECK(!m.best); // as good as the best is not better
    CHECK_NEAR(again.loss, v.loss, 1e-12);
    run_free(r);
    fixture_close(&f);
}

TEST(a_template_without_soft_slots_cannot_be_tuned) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", "{text_a} It was {mask}.", "bad; good", &e));
    struct run *r;
    CHECK(!fixture_run(&f, &r, &e));
    CHECK_HAS(e.text, "{soft:20}");
    fixture_close(&f);
}

TEST(starts_are_what_they_say) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    size_t width = f.model->config.d_model;
    float *row = calloc(width, sizeof *row);
    struct run *r;
    f.settings.start = START_LABEL_WORDS;
    CHECK_OK(fixture_run(&f, &r, &e));
    for (size_t i = 0; i < 2; i++) {
        model_embedding_row(f.model, (size_t)f.verbalizer.id[i], row);
        CHECK(memcmp(row, run_start(r) + i * width, width * sizeof *row) == 0);
    }
    run_free(r);
    f.settings.start = START_TEXT;
    snprintf(f.settings.start_text, sizeof f.settings.start_text, "good film");
    CHECK_OK(fixture_run(&f, &r, &e));
    model_embedding_row(f.model, (size_t)tokenizer_find(f.tokenizer, "\xe2\x96\x81good"), row);
    CHECK(memcmp(row, run_start(r), width * sizeof *row) == 0);
    run_free(r);
    f.settings.start = START_UNKNOWN;
    CHECK_OK(fixture_run(&f, &r, &e));
    model_embedding_row(f.model, (size_t)tokenizer_unk(f.tokenizer), row);
    for (size_t i = 0; i < 4; i++)
        CHECK(memcmp(row, run_start(r) + i * width, width * sizeof *row) == 0);
    run_free(r);
    // Words of the training examples: every vector is the embedding of a piece of them, each another one.
    f.settings.start = START_TASK_WORDS;
    CHECK_OK(fixture_run(&f, &r, &e));
    struct token_list ids = {0};
    for (size_t i = 0; i < f.split.train_count; i++) {
        const char *text = f.split.train[i]->field[0];
        CHECK_OK(tokenizer_encode(f.tokenizer, text, strlen(text), &ids, &e));
    }
    for (size_t slot = 0; slot < run_slots(r); slot++) {
        bool found = false;
        for (size_t i = 0; i < ids.count && !found; i++) {
            model_embedding_row(f.model, (size_t)ids.id[i], row);
            found = memcmp(row, run_start(r) + slot * width, width * sizeof *row) == 0;
        }
        CHECK(found);
        for (size_t other = 0; other < slot; other++)
            CHECK(memcmp(run_start(r) + slot * width, run_start(r) + other * width, width * sizeof *row) !=
                  0);
    }
    token_list_free(&ids);
    run_free(r);
    f.settings.start = START_NORMAL;
    f.settings.start_scale = 2;
    CHECK_OK(fixture_run(&f, &r, &e));
    double squares = 0;
    for (size_t i = 0; i < 4 * width; i++)
        squares += (double)run_start(r)[i] * run_start(r)[i];
    CHECK_NEAR(sqrt(squares / (4.0 * (double)width)), 2, 0.3);
    run_free(r);
    f.settings.start = START_FILE;
    f.start_vectors = row;
    f.start_count = 1;
    CHECK(!fixture_run(&f, &r, &e));
    CHECK_HAS(e.text, "{soft:1}");
    free(row);
    fixture_close(&f);
}

TEST(a_reported_step_says_what_it_did) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    f.settings.batch = 16; // all of them: the next step has the same batch
    f.settings.clip = 0.01;
    CHECK_OK(fixture_open(&f, "films", VANILLA, "bad; good", &e));
    struct run *r, *plain;
    struct step_report p;
    struct metric m, next;
    CHECK_OK(fixture_run(&f, &r, &e));
    CHECK_OK(fixture_run(&f, &plain, &e));
    size_t slots = run_slots(r), width = run_width(r);
    float *before = calloc(slots * width, sizeof *before);
    memcpy(before, run_prompt(r), slots * width * sizeof *before);
    CHECK_OK(run_step_reported(r, NULL, &p, &e));
    CHECK_OK(run_step(plain, NULL, &m, &e));
    CHECK(memcmp(run_prompt(r), run_prompt(plain), slots * width * sizeof *before) ==
          0); // looking changes nothing
    CHECK(p.metric.train_loss == m.train_loss && p.metric.update_norm == m.update_norm);
    CHECK_OK(run_step(r, NULL, &next, &e));
    CHECK_NEAR(p.loss_after, next.train_loss, 1e-5);
    CHECK_NEAR(p.accuracy_after, next.train_accuracy, 1e-6);
    CHECK(p.batch == 16 && p.clip == 0.01);
    CHECK_SIZE(p.moved, slots < STEP_REPORT_MOST ? slots : STEP_REPORT_MOST);
    double sum = 0, most = 0;
    for (size_t s = 0; s < slots; s++) {
        double by = 0;
        for (size_t i = s * width; i < (s + 1) * width; i++)
            by += pow((double)run_prompt(plain)[i] - before[i], 2);
        sum += by;
        most = fmax(most, sqrt(by));
    }
    CHECK_NEAR(p.most[0].by, most, 1e-5 * most);
    CHECK_NEAR(sqrt(sum), m.update_norm, 1e-4 * m.update_norm);
    for (size_t i = 1; i < p.moved; i++)
        CHECK(p.most[i].by <= p.most[i - 1].by && p.most[i].slot != p.most[i - 1].slot);
    free(before);
    run_free(r);
    run_free(plain);
    fixture_close(&f);
}

TEST(measuring_changes_nothing) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    CHECK_OK(fixture_open(&f, "films", VANILLA, "bad; good", &e));
    struct run *a, *b;
    struct run_estimate x;
    float one[STEPS], two[STEPS];
    CHECK_OK(fixture_run(&f, &a, &e));
    CHECK_OK(fixture_run(&f, &b, &e));
    CHECK_OK(run_measure(a, NULL, &x, &e));
    CHECK(x.step_seconds > 0 && x.dev_seconds > 0 && x.step_seconds < 60);
    CHECK(x.pass_bytes > 1000 && x.state_bytes > run_slots(a) * run_width(a) * sizeof(float));
    CHECK_SIZE(run_steps_done(a), 0);
    CHECK_OK(train_losses(a, one, STEPS, &e));
    CHECK_OK(train_losses(b, two, STEPS, &e));
    CHECK(memcmp(one, two, sizeof one) == 0);
    const atomic_bool cancel = true;
    CHECK(!run_measure(a, &cancel, &x, &e) && e.kind == ERROR_CANCELLED);
    run_free(a);
    run_free(b);
    fixture_close(&f);
}
