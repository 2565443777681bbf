// SPDX-License-Identifier: GPL-3.0-or-later
// The Learn screen on a live engine: a step is done to its end, once for each seed, after the guess, and what
// came out stands beside it.
#include "check.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "live_bench.h"
#include "views/views.h"

static const char text[] =
    "# Dice\ntask: films\nset: steps 2\nset: evaluate_every 1\n\n"
    "## Throw\nshow: run\nguess: How many?\ndo: set steps 2\ndo: template {soft:2} {text_a} {mask}\n"
    "do: apply\ndo: run\ndo: test\nseeds: 1-2\nresult: two dice\npress: throws\n\n"
    "## Missing\nneeds: prompts/none.safetensors\ndo: test\npress: cannot\n\n"
    "## Long\ndo: set steps 4000\ndo: apply\ndo: run\npress: takes long\n\n"
    "## Seen\ntable: what came out\n\n"
    "## Elsewhere\ntask: claims\npress: opens another task\n";

// A share of its own: the lesson above, the rest of tests/share.
static bool make_share(void) {
    struct error e = {0};
    char share[600], path[700], real[700];
    static const char *const kinds[] = {"models", "tasks", "gallery"};
    snprintf(share, sizeof share, "%s/share", check_folder());
    if (mkdir(share, 0777) != 0)
        return true; // made by the test before
    for (size_t i = 0; i < 3; i++) {
        char *from = realpath(kinds[i][0] == 'g'   ? "sessions/gallery"
                              : kinds[i][0] == 'm' ? "tests/share/models"
                                                   : "tests/share/tasks",
                              NULL);
        snprintf(path, sizeof path, "%s/%s", share, kinds[i]);
        bool ok = from && symlink(from, path) == 0;
        free(from);
        if (!ok)
            return false;
    }
    snprintf(path, sizeof path, "%s/lessons", share);
    snprintf(real, sizeof real, "%s/lessons/dice.lesson", share);
    setenv("PROMPTER_SHARE", share, 1);
    return mkdir(path, 0777) == 0 && file_write_atomic(real, text, sizeof text - 1, &e);
}

// Scoring a whole test set takes its time under a sanitizer.
static bool rest(struct bench *b) {
    bool rests = false;
    for (int i = 0; i < 20 && !rests; i++)
        rests = live_rest(b);
    return rests;
}

static void open_lesson(struct bench *b, int columns, int rows) {
    CHECK(make_share());
    CHECK(live_open(b, "films", columns, rows));
    bench_command(b, "learn");
    bench_command(b, "lesson 1");
}

TEST(a_lesson_is_opened_from_any_screen) {
    struct bench b;
    CHECK(make_share());
    CHECK(live_open(&b, "films", 205, 60));
    bench_command(&b, "lesson 1");
    CHECK(bench_has(&b, "[7 Learn]") && bench_has(&b, "step 1 of 5"));
    bench_close(&b);
}

TEST(a_step_is_done_for_each_seed_after_the_guess) {
    struct bench b;
    open_lesson(&b, 200, 60);
    CHECK(bench_has(&b, "Enter asks for your guess first"));
    bench_command(&b, "guess about 60");
    CHECK(bench_has(&b, "your guess: about 60"));
    CHECK(rest(&b));
    CHECK(bench_has(&b, "done, step 1 of 5"));
    CHECK(bench_has(&b, "n=2 on 1000 examples each"));
    CHECK_TEXT(session_name(workbench_session(b.w)), "lesson-dice");
    CHECK(workbench_settings(b.w)->seed == 2);
    CHECK(workbench_shows(b.w, &view_learn)); // ":template" leads to Pattern, the reader stays
    bench_keys(&b, "n n n");
    CHECK(bench_has(&b, "what came out"));
    CHECK(bench_has(&b, "two dice"));
    CHECK(bench_has(&b, "n=2"));
    bench_close(&b);
}

TEST(beside_the_text_is_the_lessons_own_session_or_how_to_begin) {
    struct bench b;
    CHECK(make_share());
    CHECK(live_open(&b, "claims", 206, 60)); // somebody's own work is no part of the lesson
    bench_keys(&b, "3");
    CHECK(bench_has(&b, "Press Space to start tuning"));
    bench_command(&b, "lesson 1");
    bench_keys(&b, "n n");
    CHECK(bench_has(&b, "Press Enter to begin: it opens the session of this lesson"));
    CHECK(!bench_has(&b, "Press Space to start tuning") && !bench_has(&b, "Space start"));
    bench_keys(&b, "Space");
    CHECK(bench_has(&b, "Enter opens this lesson's session first") && workbench_state(b.w) == ENGINE_READY);
    bench_keys(&b, "Tab n"); // there is nothing to lead into yet
    CHECK(bench_has(&b, "step 4 of 5"));
    bench_keys(&b, "Enter"); // also where the step itself does nothing
    CHECK(rest(&b));
    CHECK_TEXT(session_name(workbench_session(b.w)), "lesson-dice");
    CHECK(!bench_has(&b, "Press Enter to begin") && bench_has(&b, "Press Space to start tuning"));
    bench_keys(&b, "Enter");
    CHECK(bench_has(&b, "nothing to do in this step"));
    bench_keys(&b, "n"); // on another task, whose session is not open
    CHECK(bench_has(&b, "Press Enter to begin"));
    bench_close(&b);
}

// Another program that has the lesson's session open until *done is closed.
static pid_t holder(int *done) {
    int ready[2], end[2];
    char c = 'n';
    if (pipe(ready) != 0 || pipe(end) != 0)
        return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct session *s;
        close(end[1]);
        c = session_open(&s, "lesson-dice", "tests/share/models/sprout", NULL) ? 'y' : 'n';
        bool told = write(ready[1], &c, 1) == 1 && read(end[0], &c, 1) >= 0;
        _exit(told ? 0 : 1);
    }
    close(end[0]);
    close(ready[1]);
    bool ok = child > 0 && read(ready[0], &c, 1) == 1 && c == 'y';
    close(ready[0]);
    *done = end[1];
    return ok ? child : -1;
}

TEST(a_session_that_another_program_has_scores_nothing) {
    struct bench b;
    int done;
    open_lesson(&b, 207, 60);
    bench_keys(&b, "n n n Enter"); // makes the session
    CHECK(rest(&b));
    bench_command(&b, "open films");
    CHECK(rest(&b));
    pid_t child = holder(&done);
    CHECK(child > 0);
    bench_command(&b, "lesson 1");
    bench_keys(&b, "p p p");
    bench_command(&b, "guess 1");
    CHECK(rest(&b));
    CHECK(bench_has(&b, "is open in another prompter"));
    CHECK(!bench_has(&b, "done, step 1 of 5") && !bench_has(&b, "n=2"));
    close(done);
    CHECK(waitpid(child, NULL, 0) == child);
    bench_close(&b);
}

TEST(what_the_model_has_not_is_said) {
    struct bench b;
    open_lesson(&b, 201, 60);
    bench_keys(&b, "n Enter");
    CHECK(rest(&b));
    CHECK(bench_has(&b, "this step needs prompts/none.safetensors"));
    CHECK(!bench_has(&b, "done, step 2 of 5"));
    bench_command(&b, "guess 3"); // nothing is to be guessed in this step
    CHECK(bench_has(&b, "nothing is to be guessed here"));
    bench_close(&b);
}

TEST(a_paused_step_goes_on_with_enter) {
    struct bench b;
    open_lesson(&b, 202, 60);
    bench_keys(&b, "n n Enter");
    for (int i = 0; i < 30000 && workbench_state(b.w) != ENGINE_RUNNING; i++) {
        struct pollfd fd = {.fd = b.client.fd, .events = POLLIN};
        b.client.dirty(b.w, b.now += 0.05);
        if (poll(&fd, 1, 10) > 0)
            b.client.wake(b.w, b.now);
    }
    CHECK(workbench_state(b.w) == ENGINE_RUNNING);
    bench_keys(&b, "Space");
    CHECK(rest(&b));
    CHECK(workbench_state(b.w) == ENGINE_PAUSED || workbench_state(b.w) == ENGINE_READY);
    CHECK(bench_has(&b, "paused: Enter goes on"));
    bench_keys(&b, "n"); // the rest of the lesson can be read meanwhile
    CHECK(!bench_has(&b, "paused: Enter goes on"));
    bench_keys(&b, "p");
    bench_command(&b, "set steps 60");
    CHECK(rest(&b));
    bench_keys(&b, "Enter");
    CHECK(rest(&b));
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    CHECK(bench_has(&b, "done, step 3 of 5"));
    bench_close(&b);
}

TEST(a_step_on_another_task_has_a_session_of_its_own) {
    struct bench b;
    open_lesson(&b, 203, 60);
    bench_keys(&b, "n n n n Enter");
    CHECK(rest(&b));
    CHECK(bench_has(&b, "done, step 5 of 5"));
    CHECK_TEXT(session_name(workbench_session(b.w)), "lesson-dice-claims");
    bench_close(&b);
}

TEST(a_lesson_goes_on_where_it_was_left) {
    struct bench b;
    char folder[600], path[700], *kept;
    size_t length;
    struct error e = {0};
    snprintf(folder, sizeof folder, "%s/state", check_folder());
    snprintf(path, sizeof path, "%s/lessons.json", folder);
    live_state_folder = folder;
    open_lesson(&b, 204, 60);
    bench_keys(&b, "Esc"); // a look at it leaves nothing
    CHECK(!file_exists(path));
    bench_command(&b, "lesson 1");
    bench_command(&b, "guess about 60");
    CHECK(rest(&b));
    bench_keys(&b, "n n");
    bench_close(&b);
    CHECK_OK(file_read(path, 1 << 16, &kept, &length, &e));
    CHECK_HAS(kept, "\"Throw\"");
    free(kept);
    open_lesson(&b, 204, 60);
    CHECK(bench_has(&b, "step 3 of 5"));
    bench_keys(&b, "n");
    CHECK(bench_has(&b, "two dice") && bench_has(&b, "n=2")); // what was scored then
    bench_keys(&b, "p p p");
    CHECK(bench_has(&b, "your guess: about 60"));
    CHECK(bench_has(&b, "done, step 1 of 5"));
    bench_keys(&b, "n n n n Esc"); // to the end
    CHECK(bench_has(&b, "✓ read"));
    bench_command(&b, "lesson 1");
    CHECK(bench_has(&b, "done, step 1 of 5")); // begins again, with what was done
    bench_close(&b);
    // A file of a later version is left alone.
    CHECK_OK(file_write_atomic(path, "{\"version\": 9}", 14, &e));
    open_lesson(&b, 204, 60);
    CHECK(bench_has(&b, "step 1 of 5"));
    bench_keys(&b, "n Esc");
    bench_close(&b);
    CHECK_OK(file_read(path, 1 << 16, &kept, &length, &e));
    CHECK_TEXT(kept, "{\"version\": 9}");
    free(kept);
    live_state_folder = NULL;
}
