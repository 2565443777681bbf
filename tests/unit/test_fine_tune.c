// SPDX-License-Identifier: GPL-3.0-or-later
// Fine-tuning as a run like any other: what learns, what is best, going back, keeping and going on, what it
// has not; and live in the engine, with a session that is closed and opened again.
#include "check.h"

#include <math.h>
#include <poll.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/engine.h"
#include "engine/tensor/gemm.h"
#include "run_fixture.h"
#include "sessions/session.h"

static struct error e;
static const char pattern[] = "{text_a} It was {mask}.";

static bool open_run(struct fixture *f, struct run **r) {
    f->settings = fixture_settings();
    f->settings.method = METHOD_FINE_TUNING;
    f->settings.rate = 3e-4;
    gemm_prepare();
    return fixture_open(f, "films", pattern, "bad; good", &e) && fixture_run(f, r, &e);
}

static float loss_now(struct run *r) {
    struct metric m;
    struct evaluation v;
    return run_evaluate(r, NULL, &m, &v, &e) ? m.dev_loss : NAN;
}

TEST(all_weights_learn_and_the_best_come_back) {
    struct fixture f = {0};
    struct run *r;
    struct metric m, best;
    struct evaluation v, with_best;
    CHECK_OK(open_run(&f, &r));
    CHECK(run_fine_tunes(r) && run_slots(r) == 0 && f.model->embedding->trained);
    float first = f.model->embedding->trained[0], losses[4];
    CHECK(run_evaluation_due(r));
    losses[0] = loss_now(r);
    for (size_t i = 1; i < 4; i++) {
        for (int k = 0; k < 4; k++)
            CHECK_OK(run_step(r, NULL, &m, &e));
        losses[i] = loss_now(r);
    }
    CHECK(m.gradient_norm > 0 && m.update_norm > 0 && run_weights_version(r) > 0);
    CHECK(losses[3] != losses[0] && run_finished(r));
    CHECK(run_best(r, &best));
    // Scoring with the best weights leaves the present ones.
    float present = f.model->embedding->trained[0];
    CHECK_OK(run_score(r, f.split.dev, f.split.dev_count, true, NULL, NULL, NULL, &with_best, &e));
    CHECK_NEAR(with_best.loss, (double)best.dev_loss, 1e-6);
    CHECK(f.model->embedding->trained[0] == present);
    CHECK(run_return_to_best(r));
    CHECK_OK(run_score(r, f.split.dev, f.split.dev_count, false, NULL, NULL, NULL, &v, &e));
    CHECK(v.loss == with_best.loss);
    CHECK((f.model->embedding->trained[0] == first) == (best.step == 0));
    CHECK(!run_return_to(r, 4)); // only the best is kept
    struct prompt_edit *edit = prompt_edit_make(EDIT_FREEZE, EDIT_EVERY_SLOT, 0, run_width(r), &e);
    CHECK(edit && !run_edit(r, edit, &e));
    CHECK_HAS(e.text, "no soft prompt");
    prompt_edit_free(edit);
    run_free(r);
    fixture_close(&f);
}

TEST(a_kept_run_goes_on_to_the_bit) {
    struct fixture f = {0}, g = {0};
    struct run *r, *other;
    struct run_checkpoint c;
    struct metric a, b;
    CHECK_OK(open_run(&f, &r));
    CHECK(!isnan(loss_now(r)));
    for (int k = 0; k < 3; k++)
        CHECK_OK(run_step(r, NULL, &a, &e));
    CHECK_OK(run_save(r, &c, &e));
    CHECK_OK(open_run(&g, &other) && run_restore(other, &c, &e));
    for (int k = 0; k < 5; k++) {
        CHECK_OK(run_step(r, NULL, &a, &e) && run_step(other, NULL, &b, &e));
        CHECK(a.train_loss == b.train_loss && a.update_norm == b.update_norm && a.step == b.step);
    }
    CHECK(run_return_to_best(other) && run_return_to_best(r));
    CHECK(loss_now(r) == loss_now(other));
    run_checkpoint_free(&c);
    run_free(r);
    run_free(other);
    fixture_close(&f);
    fixture_close(&g);
}

TEST(a_soft_prompt_is_refused) {
    struct fixture f = {.settings = fixture_settings()};
    struct run *r;
    f.settings.method = METHOD_FINE_TUNING;
    CHECK_OK(fixture_open(&f, "films", "{soft:3} {text_a} {mask}", "bad; good", &e));
    CHECK(!fixture_run(&f, &r, &e));
    CHECK_HAS(e.text, "no soft prompt");
    fixture_close(&f);
}

// ---- live ----

static bool follow(struct engine *g, enum engine_event_kind until, struct engine_event *last) {
    for (int i = 0; i < 600; i++) {
        struct pollfd p = {.fd = engine_fd(g), .events = POLLIN};
        poll(&p, 1, 100);
        engine_acknowledge(g);
        while (engine_next_event(g, last)) {
            if (last->kind == EVENT_ERROR)
                fprintf(stderr, "engine: %s\n", last->error.text);
            if (last->kind == EVENT_OPENED && until != EVENT_OPENED)
                workspace_release(last->workspace);
            if (last->kind == until || last->kind == EVENT_ERROR)
                return last->kind == until;
        }
    }
    return false;
}

static bool send(struct engine *g, enum engine_verb verb) {
    return engine_send(g, (struct engine_command){.verb = verb}, &e);
}

static bool open_in(struct engine **g, struct session *s, struct engine_event *v) {
    struct engine_options o = {.threads = 2, .keeper = session_keeper(s)};
    struct engine_setup *setup = session_setup(s, false, &e);
    return setup && engine_create(g, &o, &e) &&
           engine_send(*g, (struct engine_command){.verb = ENGINE_OPEN, .setup = setup}, &e) &&
           follow(*g, EVENT_OPENED, v);
}

TEST(a_session_runs_it_live_and_goes_on_with_it) {
    struct session *s;
    struct engine *g;
    struct engine_event v;
    struct metric log[64];
    check_use_share();
    char home[512];
    snprintf(home, sizeof home, "%s/home", check_folder());
    setenv("PROMPTER_SESSIONS", home, 1);
    CHECK_OK(session_create(&s, "ft", "sprout", "films", NULL, &e) &&
             session_choose_method(s, METHOD_FINE_TUNING, &e));
    struct run_settings set = *session_settings(s);
    CHECK_TEXT(session_template(s), "{text_a} It was {mask}.");
    set.steps = 6;
    set.evaluate_every = 2;
    session_set_settings(s, &set);
    CHECK_OK(session_save(s, &e) && open_in(&g, s, &v));
    CHECK(v.workspace->slots == 0);
    workspace_release(v.workspace);
    CHECK_OK(send(g, ENGINE_STEP));
    CHECK(follow(g, EVENT_STEPPED, &v) && v.report.moved == 0 && v.report.loss_after > 0);
    CHECK_OK(send(g, ENGINE_STEP));
    CHECK(follow(g, EVENT_STEPPED, &v) && v.report.metric.step == 2);
    float second = v.report.metric.train_loss;
    engine_close(g);
    session_free(s);
    // Closed and opened again, it is where it was.
    CHECK_OK(session_open(&s, "ft", NULL, &e) && open_in(&g, s, &v));
    workspace_release(v.workspace);
    CHECK(v.state == ENGINE_PAUSED && engine_metrics(g, 0, log, 64, NULL) >= 3);
    CHECK_OK(send(g, ENGINE_RUN));
    CHECK(follow(g, EVENT_FINISHED, &v));
    CHECK_OK(send(g, ENGINE_UNDO_TO_BEST) && send(g, ENGINE_EVALUATE));
    CHECK(follow(g, EVENT_EVALUATED, &v));
    // From the beginning: the model is as in its file, and the same steps follow.
    CHECK_OK(send(g, ENGINE_RESTART) && send(g, ENGINE_STEP));
    CHECK(follow(g, EVENT_STEPPED, &v) && v.report.metric.step == 1);
    CHECK_OK(send(g, ENGINE_STEP));
    CHECK(follow(g, EVENT_STEPPED, &v) && v.report.metric.step == 2);
    CHECK(v.report.metric.train_loss == second);
    engine_close(g);
    session_free(s);
}
