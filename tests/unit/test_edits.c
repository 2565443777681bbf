// SPDX-License-Identifier: GPL-3.0-or-later
// Changes of a prompt by hand: what is frozen stays to the bit, changes are taken back, a resumed run knows
// them; through the engine and the journal.
#include "check.h"
#include "run_fixture.h"

#include <poll.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/engine.h"
#include "sessions/checkpoint.h"
#include "sessions/journal.h"

#define HYBRID "{soft:4} {text_a} It was {mask}."

static bool change(struct run *r, enum edit_kind kind, size_t slot, int32_t token, struct error *e) {
    struct prompt_edit *edit = prompt_edit_make(kind, slot, run_slots(r), run_width(r), e);
    for (size_t i = 0; edit && edit->token && i < run_slots(r); i++)
        edit->token[i] = token;
    for (size_t i = 0; edit && edit->vectors && i < run_slots(r) * run_width(r); i++)
        edit->vectors[i] = (float)i / 100;
    bool ok = edit && run_edit(r, edit, e);
    prompt_edit_free(edit);
    return ok;
}

static bool same(const struct run *r, size_t slot, const float *vector) {
    return memcmp(run_prompt(r) + slot * run_width(r), vector, run_width(r) * sizeof *vector) == 0;
}

static bool steps(struct run *r, size_t count, struct metric *m, struct error *e) {
    for (size_t i = 0; i < count; i++)
        if (!run_step(r, NULL, m, e))
            return false;
    return true;
}

TEST(what_is_frozen_stays_to_the_bit_with_every_optimizer) {
    static const enum run_optimizer all[] = {RUN_ADAM, RUN_ADAMW, RUN_ADAFACTOR, RUN_SGD};
    for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
        struct error e = {0};
        struct fixture f = {.settings = fixture_settings()};
        struct run *r;
        struct metric m;
        f.settings.optimizer = all[k];
        f.settings.weight_decay = 0.1;
        CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
        CHECK_OK(fixture_run(&f, &r, &e));
        size_t width = run_width(r), bytes = run_slots(r) * width * sizeof(float);
        float *before = malloc(bytes);
        CHECK_OK(steps(r, 2, &m, &e)); // there is momentum
        CHECK_OK(change(r, EDIT_FREEZE, 2, 0, &e));
        CHECK(run_frozen(r, 2) && !run_frozen(r, 1) && run_edits(r) == 1);
        memcpy(before, run_prompt(r), bytes);
        CHECK_OK(steps(r, 1, &m, &e));
        double moved = 0;
        for (size_t i = 0; i < run_slots(r) * width; i++)
            moved += pow((double)run_prompt(r)[i] - before[i], 2);
        CHECK(moved > 0);
        CHECK_NEAR(m.update_norm, sqrt(moved), 1e-4 * sqrt(moved)); // of what was tuned alone
        CHECK_OK(steps(r, 3, &m, &e));
        for (size_t i = 0; i < 4; i++)
            CHECK(same(r, i, before + i * width) == (i == 2));
        CHECK_OK(change(r, EDIT_THAW, 2, 0, &e));
        CHECK_OK(steps(r, 1, &m, &e));
        CHECK(!same(r, 2, before + 2 * width));
        free(before);
        run_free(r);
        fixture_close(&f);
    }
}

TEST(vectors_become_words_and_starts_and_come_back) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    struct run *r;
    struct metric m;
    struct evaluation v;
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(fixture_run(&f, &r, &e));
    size_t width = run_width(r), bytes = run_slots(r) * width * sizeof(float);
    float *trained = malloc(bytes), *word = malloc(width * sizeof *word);
    CHECK(!run_undo_edit(r)); // nothing to take back
    CHECK_OK(steps(r, 4, &m, &e));
    CHECK_OK(run_evaluate(r, NULL, &m, &v, &e));
    CHECK(!run_evaluation_due(r));
    memcpy(trained, run_prompt(r), bytes);
    model_embedding_row(f.model, 77, word);
    CHECK_OK(change(r, EDIT_TOKENS, 1, 77, &e));
    CHECK(same(r, 1, word) && same(r, 0, trained));
    CHECK(run_evaluation_due(r)); // the scores are another prompt's
    CHECK_OK(change(r, EDIT_RESET, 3, 0, &e));
    CHECK(same(r, 3, run_start(r) + 3 * width));
    CHECK_OK(change(r, EDIT_FREEZE, EDIT_EVERY_SLOT, 0, &e));
    CHECK_OK(change(r, EDIT_TOKENS, EDIT_EVERY_SLOT, 77, &e)); // by hand, a frozen one too
    CHECK(same(r, 2, word) && run_edits(r) == 4);
    CHECK(run_undo_edit(r) && same(r, 2, trained + 2 * width) && run_frozen(r, 0));
    CHECK(run_undo_edit(r) && !run_frozen(r, 0));
    CHECK(run_undo_edit(r) && same(r, 3, trained + 3 * width) && same(r, 1, word));
    CHECK(run_undo_edit(r) && memcmp(run_prompt(r), trained, bytes) == 0 && run_edits(r) == 0);
    CHECK_OK(change(r, EDIT_VECTORS, EDIT_EVERY_SLOT, 0, &e));
    CHECK(run_prompt(r)[7] == 0.07f);
    CHECK(run_return_to_best(r) && memcmp(run_prompt(r), trained, bytes) == 0);
    CHECK(run_undo_edit(r) && run_prompt(r)[7] == 0.07f); // going back can be taken back too
    for (size_t i = 0; i < EDITS_KEPT + 3; i++)
        CHECK_OK(change(r, EDIT_TOKENS, 0, (int32_t)i, &e));
    CHECK_SIZE(run_edits(r), EDITS_KEPT);
    for (size_t i = 0; i < EDITS_KEPT; i++)
        CHECK(run_undo_edit(r));
    model_embedding_row(f.model, 2, word); // the three oldest are forgotten
    CHECK(!run_undo_edit(r) && same(r, 0, word));
    run_restart(r);
    CHECK(run_edits(r) == 0 && memcmp(run_prompt(r), run_start(r), bytes) == 0);
    free(trained);
    free(word);
    run_free(r);
    fixture_close(&f);
}

TEST(what_does_not_fit_is_said_and_changes_nothing) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    struct run *r;
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(fixture_run(&f, &r, &e));
    CHECK(!change(r, EDIT_FREEZE, 4, 0, &e));
    CHECK_HAS(e.text, "v0 to v3");
    CHECK(!change(r, EDIT_TOKENS, 0, -1, &e));
    CHECK_HAS(e.text, "no token");
    CHECK(!change(r, EDIT_TOKENS, 0, (int32_t)f.model->config.vocab_size, &e));
    struct prompt_edit *edit = prompt_edit_make(EDIT_VECTORS, EDIT_EVERY_SLOT, 5, run_width(r), &e);
    CHECK(!run_edit(r, edit, &e));
    CHECK_HAS(e.text, "5 vectors, the prompt has 4");
    prompt_edit_free(edit);
    edit = prompt_edit_make(EDIT_VECTORS, EDIT_EVERY_SLOT, 4, 8, &e);
    CHECK(!run_edit(r, edit, &e));
    CHECK_HAS(e.text, "another model");
    prompt_edit_free(edit);
    edit = prompt_edit_make(EDIT_VECTORS, EDIT_EVERY_SLOT, 4, run_width(r), &e);
    edit->vectors[run_width(r)] = NAN;
    CHECK(!run_edit(r, edit, &e));
    CHECK_HAS(e.text, "vector 1");
    prompt_edit_free(edit);
    CHECK_SIZE(run_edits(r), 0);
    run_free(r);
    fixture_close(&f);
}

// A run that goes on against one that was kept in a file and resumed, with something frozen and changed.
TEST(a_resumed_run_knows_what_was_changed) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    struct run *whole, *rest;
    struct run_checkpoint kept, read;
    struct metric m;
    char setup[CHECKPOINT_SETUP], path[600];
    CHECK_OK(fixture_open(&f, "films", HYBRID, "bad; good", &e));
    CHECK_OK(fixture_run(&f, &whole, &e));
    CHECK_OK(steps(whole, 3, &m, &e));
    CHECK_OK(change(whole, EDIT_FREEZE, 1, 0, &e));
    CHECK_OK(change(whole, EDIT_TOKENS, 2, 50, &e));
    CHECK_OK(steps(whole, 2, &m, &e));
    snprintf(path, sizeof path, "%s/edited.safetensors", check_folder());
    CHECK_OK(run_save(whole, &kept, &e));
    CHECK_OK(checkpoint_write(path, &kept, "", &e));
    CHECK_OK(checkpoint_read(&read, setup, path, &e));
    CHECK_OK(fixture_run(&f, &rest, &e));
    CHECK_OK(run_restore(rest, &read, &e));
    CHECK(run_frozen(rest, 1) && !run_frozen(rest, 0) && run_edits(rest) == 2);
    CHECK_OK(steps(whole, 3, &m, &e));
    CHECK_OK(steps(rest, 3, &m, &e));
    size_t bytes = run_slots(whole) * run_width(whole) * sizeof(float);
    CHECK(memcmp(run_prompt(whole), run_prompt(rest), bytes) == 0);
    CHECK(run_undo_edit(whole) && run_undo_edit(rest));
    CHECK(memcmp(run_prompt(whole), run_prompt(rest), bytes) == 0);
    CHECK(run_frozen(rest, 1));
    CHECK(run_undo_edit(rest) && !run_frozen(rest, 1) && !run_undo_edit(rest));
    // One whose arrays do not belong together is refused.
    for (size_t i = 0; i < read.arrays; i++)
        if (strcmp(read.array[i].name, "edits.frozen") == 0)
            read.array[i].rows--;
    CHECK(!run_restore(rest, &read, &e));
    CHECK_HAS(e.text, "edits.frozen");
    run_checkpoint_free(&kept);
    checkpoint_release(&read);
    run_free(whole);
    run_free(rest);
    fixture_close(&f);
}

TEST(the_journal_says_what_was_changed) {
    struct error e = {0};
    char path[600];
    struct journal *j;
    struct journal_history h;
    snprintf(path, sizeof path, "%s/edits.jsonl", check_folder());
    CHECK_OK(journal_open(&j, path, &e));
    const struct metric one = {.kind = METRIC_EDIT, .step = 3, .edit = EDIT_FREEZE, .edit_slot = 17};
    const struct metric all = {
        .kind = METRIC_EDIT, .step = 3, .edit = EDIT_TOKENS, .edit_slot = EDIT_EVERY_SLOT};
    CHECK_OK(journal_add_metric(j, &one, 0, &e));
    CHECK_OK(journal_add_metric(j, &all, 0, &e));
    journal_free(j);
    CHECK_OK(journal_read(&h, path, &e));
    CHECK(h.damage == JOURNAL_WHOLE && h.count == 2);
    CHECK(h.metric[0].kind == METRIC_EDIT && h.metric[0].edit == EDIT_FREEZE && h.metric[0].edit_slot == 17);
    CHECK(h.metric[1].edit == EDIT_TOKENS && h.metric[1].edit_slot == EDIT_EVERY_SLOT);
    journal_history_free(&h);
}

// ---- through the engine ----

static bool await(struct engine *g, enum engine_event_kind kind, struct engine_event *out) {
    for (int i = 0; i < 3000; i++) {
        while (engine_next_event(g, out)) {
            if (out->kind == kind)
                return true;
            workspace_release(out->workspace);
        }
        struct pollfd p = {.fd = engine_fd(g), .events = POLLIN};
        poll(&p, 1, 10);
        engine_acknowledge(g);
    }
    return false;
}

TEST(the_engine_edits_tells_and_shows) {
    struct error e = {0};
    struct engine *g;
    struct engine_event v;
    struct prompt_picture *p = NULL;
    struct engine_setup *s = calloc(1, sizeof *s);
    CHECK_OK(engine_create(&g, &(struct engine_options){.threads = 2}, &e));
    // Before anything is open: refused, and freed.
    CHECK_OK(engine_send(
        g, (struct engine_command){.verb = ENGINE_EDIT, .edit = prompt_edit_make(EDIT_TOKENS, 0, 3, 1, &e)},
        &e));
    CHECK(await(g, EVENT_ERROR, &v));
    s->model_folder = mem_strdup("tests/share/models/sprout", NULL);
    s->task_path = mem_strdup("tests/share/tasks/films", NULL);
    s->template_text = mem_strdup("{soft:3} {text_a} It was {mask}.", NULL);
    run_settings_default(&s->settings);
    CHECK_OK(engine_send(g, (struct engine_command){.verb = ENGINE_OPEN, .setup = s}, &e));
    CHECK(await(g, EVENT_OPENED, &v));
    workspace_release(v.workspace);
    struct prompt_edit *edit = prompt_edit_make(EDIT_TOKENS, 1, 3, 160, &e);
    edit->token[1] = 99;
    CHECK_OK(engine_send(g, (struct engine_command){.verb = ENGINE_EDIT, .edit = edit}, &e));
    CHECK(await(g, EVENT_EDITED, &v) && v.metric.edit == EDIT_TOKENS && v.metric.edit_slot == 1);
    CHECK_OK(engine_send(
        g, (struct engine_command){.verb = ENGINE_EDIT, .edit = prompt_edit_make(EDIT_FREEZE, 2, 3, 160, &e)},
        &e));
    CHECK(await(g, EVENT_EDITED, &v));
    CHECK(engine_take_picture(g, &p));
    CHECK(p->near[(NEAR_KINDS + NEAR_COSINE) * p->k].id == 99 && p->near_current);
    CHECK(p->frozen[2] && !p->frozen[1] && p->edits == 2);
    CHECK_OK(engine_send(g, (struct engine_command){.verb = ENGINE_UNDO_EDIT}, &e));
    CHECK(await(g, EVENT_EDITED, &v) && v.metric.edit == EDIT_UNDO);
    CHECK(engine_take_picture(g, &p) && !p->frozen[2] && p->edits == 1);
    struct metric m[4];
    CHECK(engine_metrics(g, 0, m, 4, NULL) == 3 && m[0].kind == METRIC_EDIT);
    prompt_picture_free(p);
    engine_close(g);
}
