// SPDX-License-Identifier: GPL-3.0-or-later
// Runs with several seeds: the list, mean and spread, the file; the workbench that goes from one to the next;
// and a session that begins where another one stands.
#include "workbench_bench.h"

#include <math.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "sessions/prompt_file.h"
#include "sessions/series.h"
#include "sessions/story.h"

static const char *refusal(const char *text) {
    static struct error e;
    struct series *s;
    e = (struct error){0};
    return series_parse(&s, text, &e) ? (series_free(s), "") : e.text;
}

TEST(lists_of_seeds) {
    struct series *s;
    struct error e = {0};
    CHECK_OK(series_parse(&s, "3-5, 1,10", &e));
    CHECK_SIZE(s->count, 5);
    CHECK(s->run[0].seed == 3 && s->run[2].seed == 5 && s->run[3].seed == 1 && s->run[4].seed == 10);
    series_free(s);
    CHECK_HAS(refusal("1-x"), "goes up");
    CHECK_HAS(refusal("5-1"), "goes up");
    CHECK_HAS(refusal("1,a"), "whole numbers");
    CHECK_HAS(refusal("1,2,1"), "named twice");
    CHECK_HAS(refusal("1-33"), "at most 32");
    CHECK_HAS(refusal("1-99999999999999999999"), "goes up");
    CHECK_HAS(refusal("1,2;"), "whole numbers");
    CHECK_HAS(refusal("7,"), "whole numbers");
}

static bool finish(struct series *s, float first, float best, float last) {
    const struct metric m[] = {
        {.kind = METRIC_EVAL, .step = 0, .dev_accuracy = first, .dev_loss = 1, .best = true},
        {.kind = METRIC_STEP, .step = 5},
        {.kind = METRIC_EVAL, .step = 5, .dev_accuracy = best, .dev_loss = 0.5f, .best = true},
        {.kind = METRIC_EVAL, .step = 10, .dev_accuracy = last, .dev_loss = NAN}};
    return series_finish_run(s, m, 4, NULL);
}

TEST(mean_and_spread_of_what_is_done) {
    struct series *s;
    struct error e = {0};
    double mean, deviation;
    CHECK_OK(series_parse(&s, "1-3", &e));
    CHECK_SIZE(series_best(s, &mean, &deviation), 0);
    CHECK(isnan(mean));
    CHECK(finish(s, 0.5f, 0.75f, 0.75f));
    CHECK_SIZE(series_best(s, &mean, &deviation), 1);
    CHECK(mean == 0.75 && isnan(deviation));
    CHECK(finish(s, 0.5f, 1.0f, 0.5f));
    CHECK_SIZE(s->done, 2);
    CHECK_SIZE(series_best(s, &mean, &deviation), 2);
    CHECK_NEAR(mean, 0.875, 1e-12);
    CHECK_NEAR(deviation, 0.125 * sqrt(2), 1e-7); // n - 1
    CHECK_SIZE(series_last(s, &mean, &deviation), 2);
    CHECK_NEAR(mean, 0.625, 1e-12);
    float step[8], middle[8], low[8], high[8];
    CHECK_SIZE(series_band(s, step, middle, low, high, 8), 3);
    CHECK(step[2] == 10 && middle[0] == 0.5f && low[0] == 0.5f && high[0] == 0.5f);
    CHECK(middle[1] == 0.875f && high[1] == 1 && fabsf(low[1] - (float)(0.875 - 0.125 * sqrt(2))) < 1e-6f);
    // To the disk and back.
    s->dev_count = 32;
    CHECK_OK(series_write(s, check_folder(), &e));
    struct series *again;
    CHECK_OK(series_read(&again, check_folder(), &e));
    CHECK(again && again->count == 3 && again->done == 2 && again->dev_count == 32);
    CHECK(again->run[1].best_accuracy == 1 && again->run[1].best_step == 5 &&
          again->run[1].last_accuracy == 0.5f);
    CHECK(isnan(again->run[1].point[2].loss));
    series_free(again);
    char path[600];
    snprintf(path, sizeof path, "%s/series.json", check_folder());
    CHECK_OK(file_write_atomic(path, "{\"version\":1,\"dev_count\":1,\"done\":4,\"runs\":[]}", 45, &e));
    CHECK(!series_read(&again, check_folder(), &e) && !again);
    CHECK_OK(series_write(NULL, check_folder(), &e));
    CHECK_OK(series_read(&again, check_folder(), &e));
    CHECK(!again);
    series_free(s);
}

static void wake(struct bench *b) {
    for (int i = 0; i < 12;
         i++) // news brings news: a finished run, another session's settings, its first steps
        b->client.wake(b->w, b->now);
}

TEST(the_workbench_goes_from_seed_to_seed) {
    struct bench b;
    CHECK(bench_open_recording(&b, "screens/seeds.jsonl", "tests/share/tasks/films", 80, 24));
    bench_command(&b, "seed 1-3");
    wake(&b);
    const struct series *s = workbench_series(b.w);
    CHECK(s && s->count == 3 && s->done == 2); // a recording runs to its next hold at once
    CHECK(bench_has(&b, "seed 3 of 3"));
    CHECK(bench_has(&b, "dev of 32, 2 of 3 seeds"));
    CHECK(session_settings(workbench_session(b.w))->seed == 3);
    bench_keys(&b, "Space Space"); // pauses, and goes on
    wake(&b);
    CHECK_SIZE(workbench_series(b.w)->done, 3);
    CHECK(bench_has(&b, "3 seeds: best dev accuracy"));
    CHECK(s->run[0].best_accuracy != s->run[1].best_accuracy); // each seed has a run of its own
    bench_command(&b, "seed 4,4");
    CHECK(bench_has(&b, "named twice"));
    bench_command(&b, "seed 7"); // a single one waits for Ctrl-S, as ever
    CHECK(bench_has(&b, "seed will be 7 in a new run"));
    bench_keys(&b, "Ctrl-S");
    CHECK(!workbench_series(b.w));
    bench_close(&b);
}

TEST(a_fork_begins_with_the_prompt_of_the_run) {
    struct error e = {0};
    struct session *s;
    char home[600], *made;
    static float vectors[6] = {1, 2, 3, 4, 5, 6};
    snprintf(home, sizeof home, "%s/forks", check_folder());
    setenv("PROMPTER_SESSIONS", home, 1);
    CHECK_OK(session_open(&s, "tests/share/tasks/films", "tests/share/models/sprout", &e));
    CHECK_OK(session_set_template(s, "{soft:2} {text_a} {mask}", &e));
    const struct prompt_matrix prompt = {vectors, 2, 3};
    CHECK_OK(session_fork(s, NULL, &prompt, 12, &made, &e));
    CHECK_TEXT(made, "films-fork");
    free(made);
    CHECK_OK(session_fork(s, NULL, &prompt, 12, &made, &e));
    CHECK_TEXT(made, "films-fork-2");
    free(made);
    CHECK(!session_fork(s, "films-fork", &prompt, 12, &made, &e) && !made);
    CHECK_HAS(e.text, "there is a session films-fork already");
    session_free(s);
    e = (struct error){0};
    CHECK_OK(session_open(&s, "films-fork", NULL, &e));
    CHECK_TEXT(session_template(s), "{soft:2} {text_a} {mask}");
    CHECK(session_settings(s)->start == START_FILE);
    CHECK_TEXT(session_settings(s)->start_file, "start.safetensors"); // moves with the folder
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK(!setup->resume && setup->start_count == 2 && setup->start_width == 3 &&
          setup->start_vectors[5] == 6);
    engine_setup_free(setup);
    char path[700], *text;
    size_t length;
    snprintf(path, sizeof path, "%s/journal.jsonl", session_folder(s));
    CHECK_OK(file_read(path, 1 << 20, &text, &length, &e));
    CHECK_HAS(text, "\"what\":\"fork\",\"from\":\"films\",\"step\":12");
    free(text);
    session_free(s);
}
