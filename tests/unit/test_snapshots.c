// SPDX-License-Identifier: GPL-3.0-or-later
// The prompt at every evaluation: taken, thinned evenly, gone back to, kept with the session, given to the
// screen's thread.
#include "check.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/engine.h"
#include "run_fixture.h"
#include "sessions/session.h"
#include "sessions/snapshot_files.h"

static const char PATTERN[] = "{soft:3} {text_a} It was {mask}.";

// A set with one more, of one vector of two numbers.
static struct snapshot_set *with(struct snapshot_set *old, size_t serial, size_t step, bool best) {
    const float vector[2] = {(float)step, (float)serial};
    struct snapshot_set *s =
        snapshot_set_with(old, snapshot_make(serial, step, vector, 1, 2, NULL), best, NULL);
    snapshot_set_release(old);
    return s;
}

TEST(many_are_thinned_evenly_and_first_newest_and_best_stay) {
    enum { STEPS = 5000, EVERY = 5, BEST = 35 };
    struct snapshot_set *s = NULL;
    for (size_t step = 0; step <= STEPS; step += EVERY) {
        s = with(s, step / EVERY + 1, step, step == 0 || step == BEST);
        CHECK(s != NULL);
        CHECK(s->at[0]->step == 0 && s->at[s->count - 1]->step == step);
        CHECK(s->count <= SNAPSHOTS_MOST);
    }
    CHECK_SIZE(s->count, SNAPSHOTS_MOST);
    CHECK(s->at[s->best]->step == BEST);
    size_t widest = 0;
    for (size_t i = 1; i < s->count; i++) {
        CHECK(s->at[i]->step > s->at[i - 1]->step);
        size_t gap = s->at[i]->step - s->at[i - 1]->step;
        widest = gap > widest ? gap : widest;
    }
    CHECK(widest <= 3 * STEPS / SNAPSHOTS_MOST);
    CHECK(snapshot_set_find(s, BEST) == s->at[s->best]);
    CHECK(snapshot_set_find(s, 1) == NULL);
    CHECK(snapshot_set_near(s, 4)->step == 0 && snapshot_set_near(s, 99999)->step == STEPS);
    snapshot_set_release(s);
    CHECK(snapshot_set_near(NULL, 0) == NULL);
}

TEST(large_prompts_have_fewer) {
    enum { SLOTS = 256, WIDTH = 16384, MIB = SLOTS * WIDTH * 4 >> 20 };
    float *vectors = calloc((size_t)SLOTS * WIDTH, sizeof *vectors);
    struct snapshot_set *s = NULL;
    for (size_t i = 0; i < 12; i++) {
        struct snapshot_set *next =
            snapshot_set_with(s, snapshot_make(i + 1, i, vectors, SLOTS, WIDTH, NULL), false, NULL);
        snapshot_set_release(s);
        CHECK((s = next) != NULL);
    }
    CHECK_SIZE(MIB, 16); // two of them would be the limit
    CHECK_SIZE(s->count, SNAPSHOTS_LEAST);
    snapshot_set_release(s);
    free(vectors);
}

TEST(one_of_the_same_step_replaces_unless_it_hides_the_best) {
    struct snapshot_set *s = with(with(NULL, 1, 0, true), 2, 10, false);
    s = with(s, 3, 10, false);
    CHECK_SIZE(s->count, 2);
    CHECK_SIZE(s->at[1]->serial, 3);
    s = with(s, 4, 10, true);
    CHECK_SIZE(s->count, 2);
    CHECK_SIZE(s->best, 1);
    s = with(s, 5, 10, false); // worse at the same step, after going back: both stay
    CHECK_SIZE(s->count, 3);
    CHECK_SIZE(s->at[s->best]->serial, 4);
    CHECK_SIZE(snapshot_set_find(s, 10)->serial, 5);
    struct snapshot_set *until = snapshot_set_until(s, 9, NULL);
    CHECK_SIZE(until->count, 1);
    CHECK_SIZE(until->best, SIZE_MAX);
    CHECK(until->at[0] == s->at[0]); // shared, not copied
    snapshot_set_release(s);
    CHECK(until->at[0]->vectors[1] == 1);
    snapshot_set_release(until);
}

static bool steps(struct run *r, size_t count) {
    struct metric m;
    struct evaluation v;
    for (size_t i = 0; i < count; i++)
        if ((run_evaluation_due(r) && !run_evaluate(r, NULL, &m, &v, NULL)) || !run_step(r, NULL, &m, NULL))
            return false;
    return !run_evaluation_due(r) || run_evaluate(r, NULL, &m, &v, NULL);
}

TEST(a_run_takes_them_and_goes_back) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    struct run *r;
    CHECK_OK(fixture_open(&f, "films", PATTERN, "bad; good", &e));
    CHECK_OK(fixture_run(&f, &r, &e));
    CHECK_SIZE(run_snapshots(r)->count, 1); // the start, before anything was scored
    CHECK(isnan(run_snapshots(r)->at[0]->dev_loss));
    CHECK(steps(r, 8));
    struct snapshot_set *s = snapshot_set_hold(run_snapshots(r));
    CHECK_SIZE(s->count, 3); // 0, 4, 8
    size_t bytes = run_slots(r) * run_width(r) * sizeof(float);
    CHECK(memcmp(s->at[0]->vectors, run_start(r), bytes) == 0);
    CHECK(memcmp(s->at[2]->vectors, run_prompt(r), bytes) == 0);
    CHECK(s->at[1]->step == 4 && isfinite(s->at[1]->dev_loss));
    CHECK(!run_return_to(r, 5));
    CHECK(run_return_to(r, 4));
    CHECK(memcmp(s->at[1]->vectors, run_prompt(r), bytes) == 0);
    CHECK_SIZE(run_steps_done(r), 8);
    struct metric m;
    struct evaluation v;
    CHECK_OK(run_evaluate(r, NULL, &m, &v, &e));
    CHECK(m.dev_loss == s->at[1]->dev_loss);
    struct run_checkpoint c;
    CHECK_OK(run_save(r, &c, &e));
    run_restart(r);
    CHECK_SIZE(run_snapshots(r)->count, 1);
    CHECK_OK(run_restore(r, &c, &e));
    CHECK(snapshot_set_has(run_snapshots(r), s->at[1]));
    run_checkpoint_free(&c);
    run_free(r);
    CHECK(s->at[2]->vectors[0] == s->at[2]->vectors[0]); // outlives the run
    snapshot_set_release(s);
    fixture_close(&f);
}

// ---- on the disk ----

static size_t files_in(const char *folder) {
    size_t n = 0;
    DIR *d = opendir(folder);
    for (struct dirent *entry; d && (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    if (d)
        closedir(d);
    return n;
}

TEST(files_follow_the_set) {
    struct error e = {0};
    char prompts[300], folder[320], path[360];
    snprintf(prompts, sizeof prompts, "%s/files", check_folder());
    snprintf(folder, sizeof folder, "%s/snapshots", prompts);
    struct snapshot_set *disk = NULL, *read = NULL, *s = with(with(NULL, 1, 0, false), 2, 5, true);
    s->at[1]->dev_loss = 0.1f;
    s->at[1]->dev_accuracy = 0.75f;
    CHECK_OK(snapshot_files_write(prompts, s, &disk, true, "sprout", &e));
    CHECK(disk == s);
    s = with(s, 3, 10, false);
    CHECK_OK(snapshot_files_write(prompts, s, &disk, false, "sprout", &e));
    CHECK_SIZE(files_in(folder), 3);
    const struct metric best = {.step = 5, .dev_loss = 0.1f, .dev_accuracy = 0.75f};
    size_t bad;
    CHECK_OK(snapshot_files_read(&read, prompts, 1, 2, &best, &bad, &e));
    CHECK_SIZE(read->count, 3);
    CHECK_SIZE(read->best, 1);
    CHECK_SIZE(bad, 0);
    CHECK(read->at[2]->vectors[0] == 10 && read->at[2]->serial == 3 && isnan(read->at[2]->dev_loss));
    CHECK(read->at[1]->dev_loss == 0.1f);
    snapshot_set_release(read);
    struct snapshot_set *fewer = snapshot_set_until(s, 5, NULL);
    CHECK_OK(snapshot_files_write(prompts, fewer, &disk, true, NULL, &e));
    CHECK_SIZE(files_in(folder), 2);
    // One that the disk did not get whole, one of another shape, and something else.
    snprintf(path, sizeof path, "%s/000002-5.safetensors", folder);
    struct stat st;
    int fd = open(path, O_RDWR);
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && pwrite(fd, "?", 1, st.st_size - 2) == 1 && close(fd) == 0);
    snprintf(path, sizeof path, "%s/note.txt", folder);
    CHECK_OK(file_write_atomic(path, "x", 1, &e));
    CHECK_OK(snapshot_files_read(&read, prompts, 1, 2, NULL, &bad, &e));
    CHECK_SIZE(read->count, 1);
    CHECK_SIZE(bad, 1);
    snapshot_set_release(read);
    CHECK_OK(snapshot_files_read(&read, prompts, 2, 2, NULL, &bad, &e));
    CHECK(read == NULL);
    CHECK_SIZE(bad, 2);
    CHECK_OK(snapshot_files_read(&read, "/nowhere", 2, 2, NULL, &bad, &e));
    CHECK(read == NULL);
    snapshot_set_release(fewer);
    snapshot_set_release(disk);
    snapshot_set_release(s);
}

// ---- with the engine and a session ----

static bool await(struct engine *g, enum engine_event_kind kind, enum engine_state state) {
    for (int i = 0; i < 3000; i++) {
        struct engine_event v;
        while (engine_next_event(g, &v)) {
            workspace_release(v.workspace);
            if (v.kind == EVENT_ERROR)
                printf("engine: %s\n", v.error.text);
            if (v.kind == kind && (kind != EVENT_STATE || v.state == state))
                return true;
            if (v.kind == EVENT_ERROR)
                return false;
        }
        struct pollfd p = {.fd = engine_fd(g), .events = POLLIN};
        poll(&p, 1, 10);
        engine_acknowledge(g);
    }
    return false;
}

static bool send(struct engine *g, enum engine_verb verb, double number) {
    return engine_send(g, (struct engine_command){.verb = verb, .number = number}, NULL);
}

static bool open_session(struct session **s, struct engine **g, bool fresh, size_t run_steps) {
    struct error e = {0};
    *s = NULL;
    *g = NULL;
    if (!session_open(s, "films", NULL, &e))
        return false;
    struct run_settings settings = *session_settings(*s);
    settings.steps = run_steps;
    settings.batch = settings.shots = 2;
    settings.evaluate_every = 2;
    session_set_settings(*s, &settings);
    if (!session_set_template(*s, PATTERN, &e))
        return false;
    struct engine_setup *setup = session_setup(*s, fresh, &e);
    const struct engine_options o = {.threads = 1, .keeper = session_keeper(*s)};
    return setup && engine_create(g, &o, &e) &&
           engine_send(*g, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, &e) &&
           await(*g, EVENT_OPENED, 0);
}

static const char *in_home(const char *below) {
    static char path[400];
    snprintf(path, sizeof path, "%s/home/%s", check_folder(), below);
    return path;
}

TEST(a_resumed_run_has_them_and_a_new_one_moves_them_away) {
    struct session *s;
    struct engine *g;
    struct snapshot_set *set = NULL;
    struct error e = {0};
    setenv("PROMPTER_SESSIONS", in_home(""), 1);
    CHECK(open_session(&s, &g, false, 5));
    CHECK(engine_take_snapshots(g, &set));
    CHECK_SIZE(set->count, 1);
    CHECK(!engine_take_snapshots(g, &set)); // nothing newer
    CHECK(send(g, ENGINE_RUN, 0) && await(g, EVENT_FINISHED, 0));
    CHECK(engine_take_snapshots(g, &set));
    CHECK_SIZE(set->count, 4); // 0, 2, 4, 5
    CHECK_SIZE(set->at[3]->step, 5);
    CHECK_SIZE(files_in(in_home("films/prompts/snapshots")), 4);
    CHECK_OK(session_save(s, &e));
    engine_close(g);
    session_free(s);

    struct snapshot_set *again = NULL;
    CHECK(open_session(&s, &g, false, 9));
    CHECK(engine_take_snapshots(g, &again));
    CHECK_SIZE(again->count, 4);
    for (size_t i = 0; i < 4; i++)
        CHECK(memcmp(again->at[i]->vectors, set->at[i]->vectors,
                     set->at[i]->slots * set->at[i]->width * sizeof(float)) == 0 &&
              again->at[i]->serial == set->at[i]->serial && again->at[i]->dev_loss == set->at[i]->dev_loss);
    CHECK(again->best != SIZE_MAX && again->at[again->best]->step == set->at[set->best]->step);
    CHECK(send(g, ENGINE_UNDO_TO, 3) && !await(g, EVENT_STATE, ENGINE_RUNNING)); // refused
    CHECK(send(g, ENGINE_UNDO_TO, 2) && send(g, ENGINE_EVALUATE, 0) && await(g, EVENT_EVALUATED, 0));
    CHECK(engine_take_snapshots(g, &again));
    const struct snapshot *newest = again->at[again->count - 1];
    CHECK(newest->step == 5 && newest->dev_loss == set->at[1]->dev_loss);
    struct metric m[40];
    size_t n = engine_metrics(g, 0, m, 40, NULL), undone = SIZE_MAX;
    for (size_t i = 0; i < n; i++)
        if (m[i].kind == METRIC_UNDO)
            undone = m[i].undone_to;
    CHECK_SIZE(undone, 2);
    CHECK(session_begin_run(s, &e)); // another run: they go with the one they are of
    CHECK(files_in(in_home("films/kept/001/prompts/snapshots")) >= 4);
    CHECK_SIZE(files_in(in_home("films/prompts/snapshots")), 0);
    struct engine_setup *setup = session_setup(s, true, &e);
    CHECK(setup && !setup->resume);
    CHECK(engine_send(g, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, &e));
    CHECK(await(g, EVENT_OPENED, 0));
    CHECK(engine_take_snapshots(g, &again));
    CHECK_SIZE(again->count, 1);
    CHECK(send(g, ENGINE_STEP, 0) && await(g, EVENT_STATE, ENGINE_PAUSED));
    CHECK_SIZE(files_in(in_home("films/prompts/snapshots")), 1);
    engine_close(g);
    session_free(s);
    snapshot_set_release(again);
    snapshot_set_release(set);
}
