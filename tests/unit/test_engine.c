// SPDX-License-Identifier: GPL-3.0-or-later
// The engine's thread: commands, events, metrics, pictures, cancelling, closing at any moment. Also run under
// TSan.
#include "check.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/engine.h"

struct kept {
    atomic_int best, pause, finish, close, step, metrics, tests;
    atomic_size_t last_step;
};

static bool keep(void *context, enum keep_reason why, const struct run *run, struct error *e) {
    struct kept *k = context;
    (void)e;
    atomic_fetch_add(why == KEEP_BEST     ? &k->best
                     : why == KEEP_PAUSE  ? &k->pause
                     : why == KEEP_FINISH ? &k->finish
                                          : &k->close,
                     1);
    atomic_store(&k->last_step, run_steps_done(run));
    return true;
}
static void keep_metric(void *context, const struct metric *m) {
    (void)m;
    atomic_fetch_add(&((struct kept *)context)->metrics, 1);
}
static void keep_test(void *context, const struct evaluation *v, size_t step) {
    (void)v, (void)step;
    atomic_fetch_add(&((struct kept *)context)->tests, 1);
}

static struct engine_setup *setup_of(const char *task, size_t steps) {
    struct engine_setup *s = calloc(1, sizeof *s);
    char path[256];
    snprintf(path, sizeof path, "tests/share/tasks/%s", task);
    s->model_folder = mem_strdup("tests/share/models/sprout", NULL);
    s->task_path = mem_strdup(path, NULL);
    s->template_text = mem_strdup("{soft:3} {text_a} It was {mask}.", NULL);
    run_settings_default(&s->settings);
    s->settings.steps = steps;
    s->settings.batch = 4;
    s->settings.shots = 4;
    s->settings.evaluate_every = 3;
    return s;
}

static bool start(struct engine **g, struct kept *k, struct error *e) {
    struct engine_options o = {
        .threads = 2, .keeper = {.keep = keep, .metric = keep_metric, .test = keep_test, .context = k}};
    return engine_create(g, &o, e);
}

static bool send(struct engine *g, enum engine_verb verb, double number, struct engine_setup *setup) {
    return engine_send(g, (struct engine_command){.verb = verb, .number = number, .setup = setup}, NULL);
}

// Waits for an event of the kind; false after half a minute, or when an error event came instead.
static bool await(struct engine *g, enum engine_event_kind kind, struct engine_event *out) {
    for (int i = 0; i < 3000; i++) {
        while (engine_next_event(g, out)) {
            if (out->kind == kind)
                return true;
            workspace_release(out->workspace);
            if (out->kind == EVENT_ERROR)
                return false;
        }
        struct pollfd p = {.fd = engine_fd(g), .events = POLLIN};
        poll(&p, 1, 10);
        engine_acknowledge(g);
    }
    return false;
}

// Waits until the state is one of rest.
static bool await_state(struct engine *g, enum engine_state state) {
    struct engine_event v;
    while (await(g, EVENT_STATE, &v))
        if (v.state == state)
            return true;
    return false;
}

// Ready (no step was made yet) or paused.
static bool await_rest(struct engine *g) {
    struct engine_event v;
    while (await(g, EVENT_STATE, &v))
        if (v.state == ENGINE_READY || v.state == ENGINE_PAUSED)
            return true;
    return false;
}

TEST(opens_runs_scores_and_finishes) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 7)));
    CHECK(await(g, EVENT_OPENED, &v));
    CHECK(v.state == ENGINE_READY);
    struct workspace *w = v.workspace;
    CHECK_SIZE(w->slots, 3);
    CHECK_SIZE(w->split->train_count, 8);
    CHECK_TEXT(w->model_name, "sprout");
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await(g, EVENT_FINISHED, &v));
    CHECK(v.state == ENGINE_DONE);
    struct metric m[32];
    size_t epoch, n = engine_metrics(g, 0, m, 32, &epoch), steps = 0, evaluations = 0;
    for (size_t i = 0; i < n; i++) {
        steps += m[i].kind == METRIC_STEP;
        evaluations += m[i].kind == METRIC_EVAL;
    }
    CHECK_SIZE(steps, 7);
    CHECK_SIZE(evaluations, 4); // at 0, 3, 6 and the end
    CHECK(m[0].kind == METRIC_EVAL && m[0].step == 0);
    CHECK_SIZE(engine_metrics(g, 5, m, 2, NULL), 2);
    struct prompt_picture *p = NULL;
    CHECK(engine_take_picture(g, &p));
    CHECK_SIZE(p->step, 7);
    CHECK(p->near_current && p->drift[0] > 0);
    CHECK(!engine_take_picture(g, &p));
    CHECK(send(g, ENGINE_TEST, 0, NULL));
    CHECK(await(g, EVENT_TESTED, &v));
    CHECK_SIZE(v.evaluation.examples, w->task->test.count);
    CHECK(atomic_load(&k.tests) == 1 && atomic_load(&k.best) >= 1);
    CHECK_SIZE(atomic_load(&k.last_step), 7); // kept at the end, as the best or as the last
    CHECK(atomic_load(&k.metrics) == 11);
    CHECK(send(g, ENGINE_RUN, 0, NULL)); // nothing is left to do
    CHECK(await(g, EVENT_ERROR, &v));
    CHECK_HAS(v.error.text, "steps are done");
    CHECK(send(g, ENGINE_SET_STEPS, 9, NULL));
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await(g, EVENT_FINISHED, &v));
    prompt_picture_free(p);
    engine_close(g);
    CHECK_SIZE(atomic_load(&k.last_step), 9);
    workspace_release(w); // outlives the engine
}

TEST(single_steps_pause_and_change_the_rate) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 1000000)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    CHECK(await(g, EVENT_ESTIMATED, &v)); // measured while it rests
    CHECK(v.estimate.step_seconds > 0);
    CHECK(send(g, ENGINE_STEP, 0, NULL));
    CHECK(await(g, EVENT_STEPPED, &v));
    CHECK(v.report.metric.step == 1 && isfinite(v.report.loss_after) && v.report.moved == 3);
    CHECK(await_state(g, ENGINE_PAUSED));
    struct metric m[8];
    CHECK_SIZE(engine_metrics(g, 0, m, 8, NULL), 2); // the score before the first step, and the step
    CHECK(send(g, ENGINE_SET_RATE, 0.125, NULL));
    CHECK(send(g, ENGINE_STEP, 0, NULL));
    CHECK(await_state(g, ENGINE_PAUSED));
    CHECK_SIZE(engine_metrics(g, 0, m, 8, NULL), 4);
    CHECK(m[2].kind == METRIC_RATE && m[3].kind == METRIC_STEP && m[3].rate == 0.125f);
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await_state(g, ENGINE_RUNNING));
    CHECK(send(g, ENGINE_PAUSE, 0, NULL));
    CHECK(await_state(g, ENGINE_PAUSED));
    CHECK(send(g, ENGINE_UNDO_TO_BEST, 0, NULL));
    CHECK(send(g, ENGINE_SET_RATE, -1, NULL));
    CHECK(await(g, EVENT_ERROR, &v));
    CHECK(send(g, ENGINE_RESTART, 0, NULL));
    CHECK(await_state(g, ENGINE_READY));
    CHECK_SIZE(engine_metrics(g, 0, m, 8, NULL), 0);
    engine_close(g);
}

TEST(stopping_cancels_what_is_going_on) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 1000000)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    for (int i = 0; i < 5; i++) {
        CHECK(send(g, ENGINE_RUN, 0, NULL));
        CHECK(await_state(g, ENGINE_RUNNING));
        CHECK(send(g, ENGINE_STOP, 0, NULL));
        CHECK(await_rest(g));
    }
    CHECK(send(g, ENGINE_TEST, 0, NULL));
    CHECK(await_state(g, ENGINE_TESTING));
    CHECK(send(g, ENGINE_STOP, 0, NULL));
    CHECK(await_rest(g));
    CHECK(atomic_load(&k.tests) == 0);
    engine_close(g);
}

TEST(scoring_the_test_set_does_not_end_a_run) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 1000000)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(send(g, ENGINE_TEST, 0, NULL));
    CHECK(await(g, EVENT_TESTED, &v));
    CHECK(v.state == ENGINE_RUNNING);
    engine_close(g);
}

TEST(closing_while_tuning_keeps_the_run) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 1000000)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await(g, EVENT_EVALUATED, &v));
    CHECK(await(g, EVENT_EVALUATED, &v));
    engine_close(g);
    CHECK(atomic_load(&k.last_step) >= 3);
}

TEST(what_cannot_be_opened_is_told_and_the_engine_goes_on) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await(g, EVENT_ERROR, &v));
    CHECK_HAS(v.error.text, "nothing is open");
    struct engine_setup *s = setup_of("films", 5);
    free(s->model_folder);
    s->model_folder = mem_strdup("engine/models/none", NULL);
    CHECK(send(g, ENGINE_OPEN, 0, s));
    CHECK(await(g, EVENT_ERROR, &v));
    CHECK(v.state == ENGINE_EMPTY);
    CHECK_HAS(v.error.text, "engine/models/none");
    s = setup_of("films", 5);
    free(s->template_text);
    s->template_text = mem_strdup("{soft:3} {text_z} {mask}", NULL);
    CHECK(send(g, ENGINE_OPEN, 0, s));
    CHECK(await(g, EVENT_ERROR, &v));
    CHECK_HAS(v.error.text, "text_z");
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 5)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    engine_close(g);
}

TEST(a_full_queue_is_refused_and_nothing_leaks) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    CHECK_OK(start(&g, &k, &e));
    bool refused = false;
    for (int i = 0; i < 500; i++)
        refused |= !send(g, ENGINE_OPEN, 0, setup_of("films", 5));
    CHECK(refused);
    engine_close(g);
}

// ---- studies ----

// Counts its slices; never ends by itself when `slices` is 0.
struct counting {
    struct study study;
    size_t slices, made;
    size_t steps_seen; // of the run at the last slice
};
static bool count_work(struct study *s, const struct study_bench *bench, bool *finished, struct error *e) {
    struct counting *c = (struct counting *)s;
    c->made++;
    c->steps_seen = run_steps_done(bench->run);
    s->done = c->made;
    *finished = c->slices && c->made == c->slices;
    return c->made < 100000 || error_set(e, ERROR_SYSTEM, "nobody cancelled");
}
static void count_free(struct study *s) {
    free(s);
}
static const struct study_kind counting_kind = {.name = "counting", .work = count_work, .free = count_free};

static struct study *counting(unsigned channel, size_t slices) {
    struct counting *c = calloc(1, sizeof *c);
    c->study.kind = &counting_kind;
    c->study.channel = channel;
    c->slices = slices;
    return &c->study;
}

TEST(studies_come_back_once_and_newer_ones_replace_older) {
    struct error e = {0};
    struct kept k = {0};
    struct engine *g;
    struct engine_event v;
    CHECK_OK(start(&g, &k, &e));
    engine_study(g, counting(1, 3)); // nothing is open
    CHECK(await(g, EVENT_STUDIED, &v));
    CHECK(v.study->error.kind == ERROR_INPUT);
    study_free(v.study);
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 6)));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    engine_study(g, counting(1, 3));
    CHECK(await(g, EVENT_STUDIED, &v));
    CHECK(v.study->error.kind == ERROR_NONE && ((struct counting *)v.study)->made == 3);
    study_free(v.study);
    struct study *endless = counting(2, 0);
    engine_study(g, endless);
    engine_study(g, counting(2, 2)); // the same channel: the endless one gives way
    CHECK(await(g, EVENT_STUDIED, &v));
    CHECK(v.study == endless && v.study->error.kind == ERROR_CANCELLED);
    study_free(v.study);
    CHECK(await(g, EVENT_STUDIED, &v));
    CHECK(v.study->error.kind == ERROR_NONE && v.channel == 2);
    study_free(v.study);
    // Between steps: a run goes on while a study that never ends is worked on, and opening ends it.
    engine_study(g, counting(3, 0));
    CHECK(send(g, ENGINE_RUN, 0, NULL));
    CHECK(await(g, EVENT_FINISHED, &v));
    CHECK(send(g, ENGINE_OPEN, 0, setup_of("films", 4)));
    CHECK(await(g, EVENT_STUDIED, &v));
    CHECK(v.study->error.kind == ERROR_CANCELLED && ((struct counting *)v.study)->steps_seen >= 5);
    study_free(v.study);
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    engine_study(g, counting(4, 0)); // closing frees what was not given back
    engine_close(g);
}
