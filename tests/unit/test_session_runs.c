// SPDX-License-Identifier: GPL-3.0-or-later
// Runs of a session: kept, resumed and set aside, whatever ends the program; and the whole way with the
// engine on the shipped model.
#include "session_fixture.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sessions/checkpoint.h"
#include "sessions/prompt_file.h"

// ---- kept, set aside, resumed ----

TEST(a_run_is_kept_and_resumed) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    keep_steps(s, 0, 4);
    CHECK(file_exists(at("home/films/session.json"))); // the first metric writes the session
    struct run_checkpoint c = picture(4);
    CHECK_OK(session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    const struct evaluation test = {.examples = 8, .correct = 6, .accuracy = 0.75};
    session_keep_test(s, &test, 4);
    keep_steps(s, 5, 7); // these were never kept
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK_TEXT(session_notes(s), "");
    CHECK(setup->resume && setup->resume->step == 4 && setup->history_count == 5);
    CHECK(setup->history[4].step == 4 && setup->history[4].train_loss == 4);
    CHECK(session_tested(s).examples == 8 && session_tested(s).correct == 6 && session_tested(s).step == 4);
    engine_setup_free(setup);
    keep_steps(s, 5, 6);
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 7);
    char *journal = slurp(at("home/films/journal.jsonl"));
    CHECK_HAS(journal, "\"what\":\"begin\",\"version\":1,\"session\":\"films\",\"model\":\"shipped:sprout\"");
    CHECK_HAS(journal, "\"what\":\"resume\",\"step\":4");
    free(journal);
    struct prompt_matrix m;
    CHECK_OK(prompt_file_read(&m, at("home/films/prompts/best.safetensors"), &e));
    CHECK(m.rows == 2 && m.columns == 3 && m.value[5] == 6);
    prompt_matrix_free(&m);
    // A live setting leaves it the same run, another one does not.
    struct run_settings settings = *session_settings(s);
    settings.steps = 500;
    session_set_settings(s, &settings);
    setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->resume->rate == 0.75); // the run's own rate
    engine_setup_free(setup);
    settings.rate = 0.25;
    session_set_settings(s, &settings);
    setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->resume->rate == 0.25); // unless it was given another since
    engine_setup_free(setup);
    settings.seed = 77;
    session_set_settings(s, &settings);
    setup = session_setup(s, false, &e);
    CHECK(setup && !setup->resume && !session_tested(s).examples);
    engine_setup_free(setup);
    CHECK_HAS(session_notes(s), "a new run begins");
    session_free(s);
}

TEST(a_long_run_is_thinned_and_goes_on) {
    enum { STEPS = 100000 };
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    keep_steps(s, 0, STEPS);
    CHECK_OK(session_set_template(s, "{mask}", &e)); // an edit, and then back
    CHECK_OK(session_save(s, &e));
    CHECK_OK(session_set_template(s, "", &e));
    CHECK_OK(session_save(s, &e));
    struct run_checkpoint c = picture(STEPS);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    keep_steps(s, STEPS + 1, STEPS + 3); // these were never kept
    session_free(s);
    struct journal_history h;
    CHECK_OK(journal_read(&h, at("home/films/journal.jsonl"), &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.bytes < 2 * journal_limits_default.bytes && h.count < STEPS);
    journal_history_free(&h);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(s->history.count, 2);
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK_TEXT(session_notes(s), "");
    CHECK(setup->resume && setup->resume->step == STEPS);
    const struct metric *last = &setup->history[setup->history_count - 1];
    CHECK(last->step == STEPS && last->train_loss == (float)STEPS);
    CHECK(setup->history[0].step == 0 && setup->history[0].kind == METRIC_EVAL);
    engine_setup_free(setup);
    session_free(s);
}

TEST(a_new_run_sets_the_old_one_aside) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(3);
    keep_steps(s, 0, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    CHECK_OK(session_begin_run(s, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && !setup->resume);
    engine_setup_free(setup);
    CHECK(file_exists(at("home/films/kept/001/prompts/last.safetensors")));
    CHECK(!file_exists(at("home/films/prompts")) && !file_exists(at("home/films/journal.jsonl")));
    keep_steps(s, 4, 5); // the engine still tells of the old run
    c = picture(5);
    CHECK_OK(session_keep_checkpoint(s, KEEP_CLOSE, &c, &e));
    CHECK(!file_exists(at("home/films/prompts")) && !file_exists(at("home/films/journal.jsonl")));
    CHECK_SIZE(journal_count(at("home/films/kept/001/journal.jsonl")), 6);
    struct run_checkpoint old;
    char mark[CHECKPOINT_SETUP];
    CHECK_OK(checkpoint_read(&old, mark, at("home/films/kept/001/prompts/last.safetensors"), &e));
    CHECK_SIZE(old.step, 5);
    checkpoint_release(&old);
    keep_steps(s, 0, 2); // and now of the new one
    c = picture(2);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 3);
    // The next goes beside the first, also without a word from the engine about the one it leaves.
    CHECK_OK(session_begin_run(s, &e));
    keep_steps(s, 0, 1);
    CHECK_SIZE(journal_count(at("home/films/kept/001/journal.jsonl")), 6);
    CHECK_SIZE(journal_count(at("home/films/kept/002/journal.jsonl")), 3);
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 2);
    session_free(s);
}

TEST(a_fresh_setup_overwrites_nothing) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(3);
    keep_steps(s, 0, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_CLOSE, &c, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, true, &e));
    CHECK(file_exists(at("home/films/prompts/last.safetensors"))); // not before there is something new
    keep_steps(s, 0, 1);
    CHECK(file_exists(at("home/films/kept/001/prompts/last.safetensors")));
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 2);
    session_free(s);
    // Another model leaves the kept run alone as well.
    c = picture(1);
    CHECK_OK(session_open(&s, "films", "other", &e));
    CHECK(session_changed(s));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && !setup->resume);
    CHECK_TEXT(setup->model_folder, at("share/models/other"));
    engine_setup_free(setup);
    keep_steps(s, 0, 0);
    CHECK(file_exists(at("home/films/kept/002/journal.jsonl")));
    session_free(s);
}

TEST(a_damaged_checkpoint_is_no_end) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(3);
    keep_steps(s, 0, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    session_free(s);
    CHECK(truncate(at("home/films/prompts/last.safetensors"), 100) == 0);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && !setup->resume);
    engine_setup_free(setup);
    CHECK_HAS(session_notes(s), "last.safetensors");
    CHECK_HAS(session_notes(s), "begins anew");
    keep_steps(s, 0, 0);
    CHECK(file_exists(at("home/films/kept/001/prompts/best.safetensors")));
    session_free(s);
}

static size_t resumed_step(struct session *s, struct error *e) {
    struct engine_setup *setup = session_setup(s, false, e);
    size_t step = setup && setup->resume ? setup->resume->step : SIZE_MAX;
    engine_setup_free(setup);
    return step;
}

TEST(steps_are_kept_in_turn_and_the_newest_whole_one_counts) {
    struct error e = {0};
    struct session *s;
    struct stat st;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(0);
    keep_steps(s, 0, 0);
    CHECK_OK(session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    for (size_t i = 1; i <= 5; i++) {
        c = picture(i);
        keep_steps(s, i, i);
        CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    }
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 5);
    CHECK_TEXT(session_notes(s), "");
    session_free(s);
    // The fifth is in the first file. A byte of it is another: the fourth counts.
    const char *first = at("home/films/prompts/step-1.safetensors"),
               *second = at("home/films/prompts/step-2.safetensors");
    int fd = open(first, O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && pwrite(fd, "?", 1, st.st_size - 3) == 1 && close(fd) == 0);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 4);
    keep_steps(s, 5, 5); // the damaged one is written over first
    c = picture(5);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 5);
    session_free(s);
    CHECK(truncate(first, 100) == 0 && truncate(second, 0) == 0);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 0); // what waited for the disk
    session_free(s);
}

TEST(a_step_without_its_journal_does_not_count) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(2);
    keep_steps(s, 0, 2);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    c = picture(3);
    keep_steps(s, 3, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    session_free(s);
    struct stat st;
    CHECK(stat(at("home/films/journal.jsonl"), &st) == 0);
    CHECK(truncate(at("home/films/journal.jsonl"), st.st_size - 5) == 0);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 2);
    session_free(s);
    CHECK(unlink(at("home/films/prompts/last.safetensors")) == 0); // a step alone is enough
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), SIZE_MAX);
    keep_steps(s, 3, 3);
    c = picture(3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 3);
    session_free(s);
}

TEST(what_was_kept_last_counts_however_far_it_is) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(9);
    keep_steps(s, 0, 9);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    c = picture(0); // started over
    CHECK_OK(session_keep_checkpoint(s, KEEP_ASKED, &c, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 0);
    c = picture(1);
    keep_steps(s, 1, 1);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_SIZE(resumed_step(s, &e), 1);
    session_free(s);
}

TEST(an_evaluation_that_was_not_kept_is_made_once_more) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(2);
    c.scored_step = SIZE_MAX;
    struct metric m = {.kind = METRIC_EVAL, .step = 2, .dev_loss = 0.5f};
    keep_steps(s, 1, 2);
    CHECK_OK(session_keep_checkpoint(s, KEEP_STEP, &c, &e));
    session_keep_metric(s, &m);
    session_free(s);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->history_count == 2);
    engine_setup_free(setup);
    session_keep_metric(s, &m);
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 3);
    session_free(s);
}

TEST(a_torn_journal_is_told) {
    struct error e = {0};
    struct session *s;
    struct stat st;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    struct run_checkpoint c = picture(3);
    keep_steps(s, 0, 3);
    CHECK_OK(session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    session_free(s);
    CHECK(stat(at("home/films/journal.jsonl"), &st) == 0);
    CHECK(truncate(at("home/films/journal.jsonl"), st.st_size - 5) == 0);
    CHECK_OK(session_open(&s, "films", NULL, &e));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK(setup && setup->resume && setup->history_count == 3);
    engine_setup_free(setup);
    CHECK_HAS(session_notes(s), "journal.jsonl: the last line (5) was torn");
    session_free(s);
}

// A child that tunes and keeps until it is killed; it tells when it has begun.
static pid_t busy_child(void) {
    int begun[2];
    char c = 0;
    if (pipe(begun) != 0)
        return -1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        struct session *s;
        if (!session_open(&s, "films", NULL, NULL))
            _exit(1);
        struct engine_setup *setup = session_setup(s, false, NULL);
        size_t step = setup && setup->resume ? setup->resume->step : 0;
        for (;; step++) {
            struct run_checkpoint c2 = picture(step);
            keep_steps(s, step, step);
            if (!session_keep_checkpoint(s, step % 2 ? KEEP_BEST : KEEP_PAUSE, &c2, NULL) ||
                write(begun[1], "", 1) != 1)
                _exit(1);
        }
    }
    close(begun[1]);
    bool ok = child > 0; // two pictures at least, however slow the disk is, so that there is progress
    for (int i = 2 + rand() % 3; ok && i > 0; i--)
        ok = read(begun[0], &c, 1) == 1;
    usleep(1000 * (unsigned)(rand() % 12)); // anywhere in its work
    if (child > 0)
        kill(child, SIGKILL);
    close(begun[0]);
    return ok ? child : -1;
}

TEST(killed_at_any_moment_it_opens_again) {
    CHECK(set_up());
    size_t before = 0;
    for (int i = 0; i < 12; i++) {
        struct error e = {0};
        struct session *s;
        int status;
        pid_t child = busy_child();
        CHECK(child > 0 && waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status) || WIFEXITED(status));
        CHECK_OK(session_open(&s, "films", NULL, &e));
        struct engine_setup *setup = session_setup(s, false, &e);
        CHECK_OK(setup != NULL);
        CHECK(setup->resume && setup->resume->step >= before && setup->resume->arrays == 3);
        CHECK(setup->history_count && setup->history[setup->history_count - 1].step == setup->resume->step);
        CHECK(!strstr(session_notes(s), "anew") && !strstr(session_notes(s), "damaged"));
        before = setup->resume->step;
        engine_setup_free(setup);
        session_free(s);
    }
    CHECK(before > 0);
}

TEST(what_cannot_be_written_is_told_and_tried_again) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    engine_setup_free(session_setup(s, false, &e));
    CHECK(put("home", "a file where the folder should be"));
    keep_steps(s, 0, 1);
    struct run_checkpoint c = picture(1);
    CHECK(!session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    CHECK_HAS(e.text, "the session films was not kept");
    CHECK(!session_save(s, &e));
    CHECK(unlink(at("home")) == 0);
    keep_steps(s, 2, 2);
    CHECK_OK(session_keep_checkpoint(s, KEEP_PAUSE, &c, &e));
    CHECK(file_exists(at("home/films/prompts/best.safetensors")));
    // The best alone cannot be written; the next picture brings it.
    CHECK(unlink(at("home/films/prompts/best.safetensors")) == 0);
    CHECK(put("home/films/prompts/best.safetensors/x", ""));
    CHECK(!session_keep_checkpoint(s, KEEP_BEST, &c, &e));
    CHECK_HAS(e.text, "best.safetensors");
    CHECK(unlink(at("home/films/prompts/best.safetensors/x")) == 0);
    CHECK(rmdir(at("home/films/prompts/best.safetensors")) == 0);
    CHECK_OK(session_keep_checkpoint(s, KEEP_FINISH, &c, &e));
    CHECK(file_exists(at("home/films/prompts/best.safetensors")));
    session_free(s);
}

TEST(edits_are_in_the_journal) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    CHECK_OK(session_save(s, &e));
    CHECK(!file_exists(at("home/films/journal.jsonl"))); // nothing happened yet
    struct run_settings settings = *session_settings(s);
    settings.batch = 4;
    CHECK_OK(session_set_template(s, "{mask}", &e));
    CHECK(session_set_settings(s, &settings));
    CHECK_OK(session_save(s, &e));
    char *text = slurp(at("home/films/journal.jsonl"));
    CHECK_HAS(text, "\"what\":\"edit\",\"part\":\"template\",\"from\":\"\",\"to\":\"{mask}\"");
    CHECK_HAS(text, "\"what\":\"edit\",\"part\":\"settings.batch\",\"from\":\"8\",\"to\":\"4\"");
    free(text);
    CHECK_OK(session_save(s, &e));
    CHECK_SIZE(journal_count(at("home/films/journal.jsonl")), 0);
    CHECK_SIZE((size_t)journal_records(s->journal), 3);
    session_free(s);
}

TEST(start_from_a_file) {
    struct error e = {0};
    struct session *s;
    CHECK(set_up());
    CHECK_OK(session_open(&s, "films", NULL, &e));
    struct prompt_matrix m = {vectors, 2, 3};
    CHECK(put("prompts/x", ""));
    CHECK_OK(prompt_file_write(at("prompts/start.npy"), &m, NULL, &e));
    struct run_settings settings = *session_settings(s);
    settings.start = START_FILE;
    CHECK(session_set_settings(s, &settings));
    CHECK(!session_setup(s, false, &e));
    CHECK_HAS(e.text, "start_file names none");
    CHECK_OK(run_settings_set(&settings, "start_file", at("prompts/start.npy"), &e));
    CHECK(session_set_settings(s, &settings));
    struct engine_setup *setup = session_setup(s, false, &e);
    CHECK_OK(setup != NULL);
    CHECK(setup->start_count == 2 && setup->start_width == 3 && setup->start_vectors[4] == 5);
    engine_setup_free(setup);
    CHECK_OK(run_settings_set(&settings, "start_file", at("prompts/none.npy"), &e));
    session_set_settings(s, &settings);
    CHECK(!session_setup(s, false, &e));
    CHECK_HAS(e.text, "start_file: ");
    session_free(s);
}

// ---- with the engine ----

static bool wait_for(struct engine *g, enum engine_event_kind wanted) {
    for (int i = 0; i < 3000; i++) {
        struct engine_event event;
        while (engine_next_event(g, &event)) {
            workspace_release(event.workspace);
            if (event.kind == EVENT_ERROR)
                printf("engine: %s\n", event.error.text);
            if (event.kind == wanted || event.kind == EVENT_ERROR)
                return event.kind == wanted;
        }
        usleep(10000);
    }
    return false;
}

static bool open_engine(struct engine **g, struct session *s, struct error *e) {
    struct engine_options options = {.threads = 1, .keeper = session_keeper(s)};
    struct engine_setup *setup = session_setup(s, false, e);
    return setup && engine_create(g, &options, e) &&
           engine_send(*g, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, e) &&
           wait_for(*g, EVENT_OPENED);
}

// Tunes the named session to `steps` and returns the whole journal's metrics.
static bool tune(const char *name, size_t steps, struct journal_history *h, struct error *e) {
    struct session *s = NULL;
    struct engine *g = NULL;
    bool ok = session_open(&s, name, NULL, e);
    struct run_settings settings = ok ? *session_settings(s) : (struct run_settings){0};
    settings.steps = steps;
    settings.batch = 2;
    settings.shots = 2;
    settings.evaluate_every = 2;
    if (ok)
        session_set_settings(s, &settings);
    ok = ok && session_set_template(s, "{soft:2} {text_a} It was {mask}.", e) && open_engine(&g, s, e) &&
         engine_send(g, (struct engine_command){.verb = ENGINE_RUN}, e) && wait_for(g, EVENT_FINISHED);
    engine_close(g);
    ok = ok && session_save(s, e);
    char *path = ok ? session_path(s, "journal.jsonl", e) : NULL;
    session_free(s);
    ok = path && journal_read(h, path, e);
    free(path);
    return ok;
}

TEST(a_resumed_run_follows_the_same_curve) {
    struct error e = {0};
    CHECK(set_up());
    check_use_share();
    struct journal_history whole, parts;
    struct session *s;
    CHECK_OK(session_create(&s, "whole", NULL, "films", NULL, &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK_OK(session_create(&s, "parts", NULL, "films", NULL, &e));
    CHECK_OK(session_save(s, &e));
    session_free(s);
    CHECK_OK(tune("whole", 6, &whole, &e));
    CHECK_OK(tune("parts", 3, &parts, &e));
    CHECK(parts.count > 0 && parts.metric[parts.count - 1].step == 3);
    journal_history_free(&parts);
    CHECK_OK(tune("parts", 6, &parts, &e));
    char *journal = slurp(at("home/parts/journal.jsonl"));
    CHECK_HAS(journal, "\"what\":\"resume\",\"step\":3");
    free(journal);
    for (size_t step = 1; step <= 6; step++) {
        float a = NAN, b = NAN;
        for (size_t i = 0; i < whole.count; i++)
            if (whole.metric[i].kind == METRIC_STEP && whole.metric[i].step == step)
                a = whole.metric[i].train_loss;
        for (size_t i = 0; i < parts.count; i++)
            if (parts.metric[i].kind == METRIC_STEP && parts.metric[i].step == step)
                b = parts.metric[i].train_loss;
        CHECK(a == b);
    }
    journal_history_free(&whole);
    journal_history_free(&parts);
    struct prompt_matrix m;
    CHECK_OK(prompt_file_read(&m, at("home/parts/prompts/best.safetensors"), &e));
    CHECK(m.rows == 2 && m.columns == 160);
    prompt_matrix_free(&m);
}
