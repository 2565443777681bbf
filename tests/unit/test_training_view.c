// SPDX-License-Identifier: GPL-3.0-or-later
// The Run screen over a training: another program's, from its recorded log, and this program's own.
#include "workbench_bench.h"

#include <time.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "views/run_inside.h"

static void watch(struct bench *b, const char *log) {
    char line[700];
    snprintf(line, sizeof line, "watch %s", check_path(log));
    b->client.command(b->w, line, b->now);
}

TEST(a_recorded_training_is_shown_with_its_numbers) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch(&b, "screens/lm.jsonl");
    CHECK(bench_has(&b, "lm.jsonl · language model, 62k parameters"));
    CHECK(bench_has(&b, "● training elsewhere"));
    CHECK(bench_has(&b, " step    400/600 "));
    CHECK(bench_has(&b, "valid loss  1.54"));
    CHECK(bench_has(&b, " valid     spans 2.154   span 1.914   suffix 0.813"));
    CHECK(bench_has(&b, "✓ learning: train loss down"));
    bench_keys(&b, "Tab");
    CHECK(bench_has(&b, "▸accuracy"));
    bench_keys(&b, "Shift-Tab Shift-Tab");
    CHECK(bench_has(&b, "▸validation loss by objective"));
    bench_keys(&b, "Shift-Tab z");
    CHECK(bench_has(&b, "▸learning rate") && !bench_has(&b, "┌ loss"));
    bench_keys(&b, "z");
    bench_close(&b);
}

// The log of a prompt that is validated by `classes` letters and, with more than one, by 2 to `options`
// options.
static void watch_prompt(struct bench *b, int classes, int options) {
    char path[600], line[700];
    struct error e = {0};
    struct buffer log = {0};
    buffer_add_text(&log, "{\"event\":\"open\",\"step\":0,\"task\":\"unified\",\"steps\":9}\n"
                          "{\"event\":\"step\",\"step\":1,\"loss\":1.1}\n"
                          "{\"event\":\"validation\",\"step\":1,\"score\":{\"loss\":1.1,\"classes\":{");
    for (int n = 0; n < classes; n++)
        buffer_printf(&log, "%s\"%c\":{\"examples\":4,\"correct\":%d,\"loss\":%d.125}", n ? "," : "", 'A' + n,
                      n % 5, n);
    buffer_add_text(&log, "},\"options\":{");
    for (int n = 2; n <= options; n++)
        buffer_printf(&log, "%s\"%d\":{\"examples\":4,\"correct\":1,\"loss\":0.5}", n > 2 ? "," : "", n);
    buffer_add_text(&log, "}}}\n");
    snprintf(path, sizeof path, "%s/prompt.jsonl", check_folder());
    snprintf(line, sizeof line, "watch %s", path);
    CHECK_OK(buffer_ok(&log, &e) && file_write_atomic(path, log.data, log.length, &e));
    b->client.command(b->w, line, b->now);
    buffer_free(&log);
}

TEST(a_prompts_classes_are_shown_with_what_is_right_and_their_loss) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch_prompt(&b, 6, 2); // all with two options: that is no further part
    CHECK(bench_has(&b, " by class    A   0 % (0.125)  B  25 % (1.125)  C  50 % (2.125)  D  75 % (3.125)"));
    CHECK(bench_has(&b, "             E 100 % (4.125)  F   0 % (5.125)"));
    bench_keys(&b, "Shift-Tab");
    CHECK(bench_has(&b, "▸validation by class"));
    CHECK(bench_has(&b, "│ class right  loss"));
    CHECK(bench_has(&b, "│ E     100 % 4.125"));
    bench_close(&b);
}

TEST(parts_that_have_no_room_are_counted) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch_prompt(&b, 16, 16);
    CHECK(bench_has(&b, " by options   2  25 % (0.500)   3  25 % (0.500)  and 13 more"));
    CHECK(bench_has(&b, " by class    A   0 % (0.125)  B  25 % (1.125)  C  50 % (2.125)  and 13 more"));
    bench_keys(&b, "Shift-Tab");
    CHECK(bench_has(&b, "▸validation by options, class"));
    CHECK(bench_has(&b, "│ of right  loss"));
    CHECK(bench_has(&b, "│ 10  25 % 0.500"));
    CHECK(bench_has(&b, "and 6 more") && bench_has(&b, "and 7 more"));
    bench_keys(&b, "z"); // room for all
    CHECK(bench_has(&b, " 16  25 % 0.500") && bench_has(&b, " P       0 % 15.12"));
    CHECK(!bench_has(&b, " more"));
    bench_close(&b);
}

TEST(what_is_only_watched_cannot_be_held) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch(&b, "screens/lm.jsonl");
    bench_keys(&b, "Space");
    CHECK(bench_has(&b, "belongs to another program"));
    bench_keys(&b, "t");
    CHECK(bench_has(&b, "that is for the session's run"));
    bench_keys(&b, "Esc"); // back to the session's run
    CHECK(bench_has(&b, "Press Space to start tuning") && !bench_has(&b, "lm.jsonl"));
    bench_close(&b);
}

// Whether the help behind the present screen has a text anywhere.
static bool help_has(struct bench *b, const char *text) {
    char line[200], none[200];
    bench_keys(b, "?");
    if (!bench_has(b, "help: Run")) // also drawn by this: what is searched is what was
        return false;
    snprintf(line, sizeof line, "search %s", text);
    snprintf(none, sizeof none, "\"%s\" is not in this help", text);
    b->client.command(b->w, line, b->now);
    bool has = !bench_has(b, none);
    bench_keys(b, "Esc");
    return has;
}

TEST(help_over_a_training_tells_what_works_there) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "3");
    CHECK(help_has(&b, "evaluate") && help_has(&b, "On screen 3 press Space"));
    watch(&b, "screens/unified.jsonl");
    bench_keys(&b, "?");
    CHECK(bench_has(&b, "Curves of a training"));
    CHECK(bench_has(&b, "keys on Run, over this training"));
    bench_keys(&b, "Esc");
    // Of the session's run, or of who holds the training.
    static const char *const none[] = {"evaluate", "restart",      "undo-to",  "score the test",
                                       "rate-up",  "start tuning", "stop at",  ":sweep",
                                       ":seed",    ":method",      "To begin", "one update"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        CHECK(!help_has(&b, none[i]) || (printf("help has %s\n", none[i]), false));
    static const char *const some[] = {"logarithmic", "smooth the",  "the validation before",
                                       ":watch",      "fewer steps", "zoom"};
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        CHECK(help_has(&b, some[i]) || (printf("help lacks %s\n", some[i]), false));
    b.client.command(b.w, "watch off", b.now);
    CHECK(help_has(&b, "evaluate"));
    bench_close(&b);
}

TEST(silence_is_told) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch(&b, "screens/lm.jsonl");
    b.now += 130;
    b.client.dirty(b.w, b.now);
    CHECK(bench_has(&b, "no news for 2 min"));
    CHECK(bench_has(&b, "goes on from step"));
    bench_close(&b);
}

TEST(a_log_that_is_not_there_is_told) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    watch(&b, "screens/none.jsonl");
    CHECK(bench_has(&b, "there is no "));
    CHECK(bench_has(&b, "Press Space to start tuning"));
    bench_close(&b);
}

// ---- the program's own ----

struct count {
    size_t made;
    double rate;
};

static void rest(void) {
    nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static bool count_on(void *context, struct training *t, struct error *e) {
    struct count *c = context;
    while (!atomic_load(training_cancel(t))) {
        rest();
        c->made++;
        c->rate *= training_stepped(t, c->made, 100000, c->rate, 1234);
    }
    return error_set(e, ERROR_CANCELLED, "kept");
}

static bool sees(struct bench *b, const char *text) {
    for (int i = 0; i < 5000; i++) {
        b->now += 0.25;
        b->client.dirty(b->w, b->now);
        if (bench_has(b, text))
            return true;
        rest();
    }
    return false;
}

TEST(the_programs_own_is_held_by_keys) {
    struct error e = {0};
    struct bench b = {.now = 1};
    struct count c = {.rate = 1};
    struct training *t;
    setlocale(LC_CTYPE, "C.UTF-8");
    CHECK_OK(training_start(&t, count_on, &c, &e));
    const struct workbench_options options = {.training = t, .watch = check_path("screens/lm.jsonl")};
    CHECK_OK(workbench_create(&b.w, &options, &e) && grid_create(&b.g, 24, 80, &e));
    b.client = workbench_client(b.w);
    CHECK(sees(&b, "● training") && sees(&b, "1234 tokens/s"));
    CHECK(bench_has(&b, "Space pause"));
    CHECK(help_has(&b, "one update") && help_has(&b, "rate-up") && help_has(&b, ":rate NUMBER"));
    CHECK(help_has(&b, "pause the training") && !help_has(&b, "evaluate") && !help_has(&b, "start tuning"));
    bench_keys(&b, "Space");
    CHECK(sees(&b, "‖ paused") && bench_has(&b, "Space go on"));
    bench_keys(&b, "+ Space");
    CHECK(sees(&b, "● training") && sees(&b, "rate    1.25"));
    bench_keys(&b, "S");
    CHECK(sees(&b, "‖ stopped, kept"));
    bench_keys(&b, "s");
    CHECK(sees(&b, "‖ paused"));
    b.client.interrupt(b.w, b.now); // Ctrl-C stops it, too
    CHECK(sees(&b, "‖ stopped, kept"));
    b.client.command(b.w, "watch off", b.now);
    CHECK(bench_has(&b, "Nothing is open"));
    b.client.command(b.w, "quit", b.now);
    CHECK(b.client.finished(b.w));
    bench_close(&b);
    training_free(t);
}

// ---- the doctor ----

static struct training_log made_up(float *x, float (*value)[300], size_t count) {
    static float gradient[300];
    struct training_log l = {.steps = count, .step_count = count, .best = NAN, .step_x = x};
    for (size_t i = 0; i < count; i++) {
        x[i] = (float)(i + 1);
        value[1][i] = 0.1f;
        gradient[i] = 1;
    }
    l.column[TRAINING_GRADIENT] = gradient;
    l.column[TRAINING_LOSS] = value[0];
    l.column[TRAINING_RATE] = value[1];
    return l;
}

TEST(the_doctor_tells_flat_from_falling_and_rising) {
    static float x[300], value[2][300];
    struct diagnosis d[DOCTOR_MOST];
    struct training_log l = made_up(x, value, 300);
    for (size_t i = 0; i < 300; i++)
        value[0][i] = 5 - (float)i * 0.01f;
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level == DOCTOR_GOOD);
    for (size_t i = 0; i < 300; i++)
        value[0][i] = i < 50 ? 5 - (float)i * 0.05f : 2.5f;
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level == DOCTOR_WARN);
    CHECK_HAS(d[0].text, "flat since step 210");
    CHECK(d[0].remedy == REQUEST_RATE_DOWN);
    CHECK(run_training_look(&l, value[0], false, NAN, d) == 1 && d[0].remedy == REQUEST_NONE);
    value[1][299] = 0.001f; // flattened on purpose by the schedule
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level != DOCTOR_WARN);
    for (size_t i = 0; i < 300; i++)
        value[0][i] = 5 + (float)i;
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level == DOCTOR_WARN);
    CHECK_HAS(d[0].text, "higher than at the start");
    l.kind = TRAINING_PROMPT;
    l.column[TRAINING_GRADIENT][299] = 1e-8f;
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level == DOCTOR_WARN);
    CHECK_HAS(d[0].text, "begin anew");
}

TEST(the_doctor_sees_a_text_learnt_by_heart) {
    static float x[300], value[2][300], validation_x[] = {10, 20, 30, 40, 50},
                                        loss[] = {3, 2, 2.2f, 2.3f, 2.4f};
    struct diagnosis d[DOCTOR_MOST];
    struct training_log l = made_up(x, value, 10);
    l.validation_x = validation_x;
    l.validation_count = 5;
    l.column[TRAINING_VALIDATION_LOSS] = loss;
    l.best = 2;
    l.best_step = 20;
    CHECK(run_training_look(&l, value[0], true, NAN, d) == 1 && d[0].level == DOCTOR_WARN);
    CHECK_HAS(d[0].text, "since step 20");
    loss[3] = 2;
    CHECK_SIZE(run_training_look(&l, value[0], true, NAN, d), 0);
}
