// SPDX-License-Identifier: GPL-3.0-or-later
// An LM run on its own thread, looked at from this one.
#include "engine/pretrain/lm_live.h"
#include "lm_fixture.h"

#include <poll.h>

static struct lm_request request_of(const char *const *text, const char *out) {
    struct lm_request r = {.out = out, .corpus = text, .corpora = 1, .type = DTYPE_F32, .threads = 2};
    r.settings = lm_fixture_settings();
    r.settings.validation_every = 5;
    r.settings.steps = 30;
    return r;
}

// Follows it until it ends or has made so many steps.
static struct lm_live_state follow(struct lm_live *live, size_t made) {
    struct lm_live_state s;
    for (int i = 0; i < 6000; i++) {
        struct pollfd p = {.fd = lm_live_fd(live), .events = POLLIN};
        poll(&p, 1, 20);
        lm_live_acknowledge(live);
        lm_live_look(live, &s);
        if (s.phase > LM_LIVE_TRAINING || (made && s.made >= made))
            break;
    }
    return s;
}

static bool file_there(const char *folder, const char *name) {
    char path[600];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return file_exists(path);
}

TEST(a_run_is_seen_to_its_end) {
    const char *text = lm_fixture_text(400);
    char out[512];
    static struct lm_point point[LM_LIVE_POINTS];
    struct lm_live *live;
    snprintf(out, sizeof out, "%s/live", check_folder());
    struct lm_request r = request_of(&text, out);
    CHECK_OK(lm_live_start(&live, &r, false, &e));
    struct lm_live_state s = follow(live, 0);
    CHECK_TEXT(s.error.text, "");
    CHECK(s.phase == LM_LIVE_FINISHED && s.made == 30 && s.steps == 30 && s.facts.parameters > 1000);
    CHECK(s.validation.step == 30 && s.validation.targets > 0 && s.kept_step == 30 && s.tokens_per_s > 0);
    size_t epoch, n = lm_live_points(live, 0, point, LM_LIVE_POINTS, &epoch), validations = 0;
    CHECK(epoch == 0 && n == 30 + 6);
    for (size_t i = 0; i < n; i++) {
        bool validation = point[i].kind == LM_POINT_VALIDATION;
        CHECK(isfinite(point[i].loss) && isnan(point[i].accuracy) == !validation &&
              isnan(point[i].rate) == validation);
        validations += validation;
        CHECK_SIZE(point[i].step, i - validations + 1);
    }
    CHECK_SIZE(lm_live_points(live, 30, point, 3, NULL), 3);
    CHECK_SIZE(lm_live_points(live, 36, point, 3, NULL), 0);
    lm_live_free(live);
    CHECK(file_there(out, "model.safetensors") && !file_there(out, "checkpoint.safetensors"));
}

TEST(a_run_that_is_stopped_goes_on) {
    const char *text = lm_fixture_text(400);
    char out[512];
    struct lm_live *live;
    snprintf(out, sizeof out, "%s/stopped", check_folder());
    struct lm_request r = request_of(&text, out);
    r.settings.steps = 100000;
    CHECK_OK(lm_live_start(&live, &r, false, &e));
    struct lm_live_state s = follow(live, 3);
    CHECK(s.phase == LM_LIVE_TRAINING && s.made >= 3);
    lm_live_stop(live);
    s = follow(live, 0);
    CHECK(s.phase == LM_LIVE_STOPPED && s.kept_step == s.made);
    CHECK_HAS(s.error.text, "it is kept in");
    lm_live_free(live);
    CHECK(file_there(out, "checkpoint.safetensors"));
    CHECK_OK(lm_live_start(&live, &r, true, &e));
    struct lm_live_state t = follow(live, s.made + 2);
    CHECK(t.phase == LM_LIVE_TRAINING && t.facts.first_step == s.made && t.made >= s.made + 2);
    lm_live_free(live);
}

TEST(a_run_that_cannot_be_is_told) {
    const char *text = "/nonexistent/text.txt";
    char out[512];
    struct lm_live *live;
    snprintf(out, sizeof out, "%s/none", check_folder());
    struct lm_request r = request_of(&text, out);
    CHECK_OK(lm_live_start(&live, &r, false, &e));
    struct lm_live_state s = follow(live, 0);
    CHECK(s.phase == LM_LIVE_FAILED);
    CHECK_HAS(s.error.text, "/nonexistent/text.txt");
    lm_live_free(live);
}
