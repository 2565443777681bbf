// SPDX-License-Identifier: GPL-3.0-or-later
// Zero-shot studies: against a run's own scores, what is kept, which prompt they use, calibration by hand.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/inspect/calibration.h"
#include "engine/inspect/zero_shot.h"
#include "reading_fixture.h"

static struct zero_shot_ask ask_of(const struct reading_fixture *f, const char *template_text,
                                   const char *words) {
    return (struct zero_shot_ask){.template_text = (char *)template_text,
                                  .label_words = (char *)words,
                                  .settings = f->base.settings,
                                  .set = READING_DEV};
}

static struct zero_shot *worked(struct reading_fixture *f, const struct study_kind *kind,
                                const struct zero_shot_ask *ask, struct error *e) {
    struct zero_shot *z = zero_shot_make(kind, ask, e);
    if (z && !reading_fixture_work(f, &z->study, e)) {
        study_free(&z->study);
        return NULL;
    }
    return z;
}

static const char own[] = "{soft:4} {text_a} It was {mask}.";

TEST(dev_is_scored_as_the_run_scores_it) {
    struct error e = {0};
    struct reading_fixture f;
    struct metric m;
    struct evaluation of_run;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good, great", &e));
    for (int step = 0; step < 3; step++)
        CHECK_OK(run_step(f.run, NULL, &m, &e));
    CHECK_OK(
        run_score(f.run, f.base.split.dev, f.base.split.dev_count, false, NULL, NULL, NULL, &of_run, &e));
    struct zero_shot_ask ask = ask_of(&f, own, "bad; good, great");
    struct zero_shot *z = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(z != NULL);
    CHECK(z->prompt == READING_PRESENT_PROMPT && z->step == 3);
    CHECK_SIZE(z->dev.examples, 16);
    CHECK_SIZE(z->dev.correct, of_run.correct);
    CHECK(memcmp(z->dev.confusion, of_run.confusion, sizeof of_run.confusion) == 0);
    CHECK_NEAR(z->dev.loss, of_run.loss, 1e-6);
    study_free(&z->study);
    reading_fixture_close(&f);
}

TEST(other_label_words_need_no_pass) {
    struct error e = {0};
    struct reading_fixture f;
    struct metric m;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    struct zero_shot_ask ask = ask_of(&f, own, "bad; good");
    struct zero_shot *dev = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(dev != NULL);
    CHECK(dev->passes > 0);
    // The same template in the other syntax; its example is known from dev.
    ask.template_text = "{\"soft\": null, \"duplicate\": 4} {\"placeholder\": \"text_a\"} It was {\"mask\"}.";
    ask.label_words = "poor, bad; great";
    struct zero_shot *one = worked(&f, &zero_shot_kind, &ask, &e);
    CHECK_OK(one != NULL);
    CHECK_SIZE(one->passes, 0);
    CHECK_SIZE(one->classes, 2);
    CHECK_NEAR(one->probability[0] + one->probability[1], 1, 1e-5);
    CHECK_SIZE(one->likelies, 20);
    for (size_t i = 1; i < one->likelies; i++)
        CHECK(one->likely[i].probability <= one->likely[i - 1].probability);
    study_free(&one->study);
    // After a step the prompt is another one: only what is kept on request answers without a pass.
    CHECK_OK(run_step(f.run, NULL, &m, &e));
    ask.kept = true;
    one = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(one != NULL);
    CHECK(one->passes == 0 && one->step == 0);
    study_free(&one->study);
    ask.kept = false;
    one = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(one != NULL);
    CHECK(one->passes > 0 && one->step == 1);
    study_free(&one->study);
    study_free(&dev->study);
    reading_fixture_close(&f);
}

TEST(which_prompt_is_used) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    static const struct {
        const char *text;
        enum reading_prompt prompt;
    } cases[] = {{"{text_a} It was {mask}.", READING_NO_PROMPT},
                 {"{text_a} {soft:4} {mask}.", READING_PRESENT_PROMPT},
                 {"{soft:5} {text_a} {mask}.", READING_START_PROMPT}};
    for (size_t i = 0; i < 3; i++) {
        struct zero_shot_ask ask = ask_of(&f, cases[i].text, "bad; good");
        struct zero_shot *z = worked(&f, &zero_shot_dev_kind, &ask, &e);
        CHECK_OK(z != NULL);
        CHECK(z->prompt == cases[i].prompt);
        CHECK_SIZE(z->dev.examples, 16);
        study_free(&z->study);
    }
    // The start vectors are those that a run of this template would begin with.
    struct zero_shot_ask ask = ask_of(&f, "{soft:5} {text_a} {mask}.", "bad; good");
    struct zero_shot *z = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(z != NULL);
    struct reading_fixture g;
    struct evaluation of_run;
    CHECK_OK(reading_fixture_open(&g, "films", "{soft:5} {text_a} {mask}.", "bad; good", &e));
    CHECK_OK(
        run_score(g.run, g.base.split.dev, g.base.split.dev_count, false, NULL, NULL, NULL, &of_run, &e));
    CHECK_NEAR(z->dev.loss, of_run.loss, 1e-6);
    study_free(&z->study);
    reading_fixture_close(&g);
    reading_fixture_close(&f);
}

TEST(without_label_words_there_are_likely_words) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    struct zero_shot_ask ask = ask_of(&f, own, NULL);
    struct zero_shot *z = worked(&f, &zero_shot_kind, &ask, &e);
    CHECK_OK(z != NULL);
    CHECK(z->classes == 0 && z->likelies == 20);
    study_free(&z->study);
    CHECK(!worked(&f, &zero_shot_dev_kind, &ask, &e));
    ask.template_text = "no mask here";
    CHECK(!worked(&f, &zero_shot_kind, &ask, &e));
    CHECK_HAS(e.text, "template");
    reading_fixture_close(&f);
}

TEST(calibration_divides_out_what_empty_inputs_say) {
    // Two content-free inputs that say 3:1 and 1:1: on average 5/8 and 3/8.
    const float empty[4] = {logf(3), 0, 0, 0};
    float mean[2], score[3] = {logf(0.5f), logf(0.5f)};
    calibration_mean(empty, 2, 2, mean);
    CHECK_NEAR(mean[0], 0.625, 1e-6);
    CHECK_NEAR(mean[1], 0.375, 1e-6);
    calibration_apply(score, 2, mean);
    // 0.5/0.625 to 0.5/0.375 is 0.8 to 1.3333: 0.375 and 0.625 of their sum.
    mask_probabilities(score, 2, score);
    CHECK_NEAR(score[0], 0.375, 1e-6);
    CHECK_NEAR(score[1], 0.625, 1e-6);
    // An impossible class stays so, one that is never said keeps a finite score.
    float three[3] = {0, 0, -INFINITY};
    const float prior[3] = {1, 0, 0.5f};
    calibration_apply(three, 3, prior);
    CHECK(isfinite(three[1]) && three[1] > 30);
    CHECK(isinf(three[2]) && three[2] < 0);
}

TEST(calibrated_studies) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    struct zero_shot_ask ask = ask_of(&f, own, "bad; good");
    ask.calibrated = true;
    struct zero_shot *one = worked(&f, &zero_shot_kind, &ask, &e);
    struct zero_shot *dev = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(one && dev);
    CHECK(one->empty && dev->empty && one->empty[0] == dev->empty[0]);
    double q[2], sum = 0;
    for (size_t c = 0; c < 2; c++)
        sum += q[c] = one->plain[c] / one->empty[c];
    CHECK_NEAR(one->probability[0], q[0] / sum, 1e-5);
    CHECK(one->probability[0] != one->plain[0]);
    // Every example of dev through the single-example study gives the same predictions.
    size_t predicted[2] = {0};
    for (ask.index = 0; ask.index < 16; ask.index++) {
        struct zero_shot *z = worked(&f, &zero_shot_kind, &ask, &e);
        CHECK_OK(z != NULL);
        CHECK_SIZE(z->passes, 0);
        predicted[z->probability[1] > z->probability[0]]++;
        study_free(&z->study);
    }
    CHECK_SIZE(dev->dev.predicted_class[0], predicted[0]);
    CHECK_SIZE(dev->dev.predicted_class[1], predicted[1]);
    study_free(&one->study);
    study_free(&dev->study);
    reading_fixture_close(&f);
}

TEST(multiple_choice_keeps_to_the_possible_options) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "places", "{soft:2} {article|shortenable} {question} {options} {mask}",
                                  NULL, &e));
    struct zero_shot_ask ask = ask_of(&f, "{article|shortenable} {question} {options} {mask}", "A; B; C; D");
    ask.calibrated = true;
    struct zero_shot *z = worked(&f, &zero_shot_dev_kind, &ask, &e);
    CHECK_OK(z != NULL);
    CHECK(z->prompt == READING_NO_PROMPT);
    CHECK_SIZE(z->dev.classes, 4);
    CHECK(z->dev.examples > 0 && isfinite(z->dev.loss));
    study_free(&z->study);
    reading_fixture_close(&f);
}

TEST(results_survive_being_recorded) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    struct zero_shot_ask ask = ask_of(&f, own, "bad; good");
    ask.calibrated = true;
    const struct study_kind *kinds[] = {&zero_shot_kind, &zero_shot_dev_kind};
    for (size_t k = 0; k < 2; k++) {
        struct zero_shot *z = worked(&f, kinds[k], &ask, &e), *back = zero_shot_make(kinds[k], &ask, &e);
        CHECK_OK(z && back);
        cJSON *json = kinds[k]->write(&z->study);
        CHECK_OK(kinds[k]->read(&back->study, json, &e));
        CHECK(back->prompt == z->prompt && back->classes == 2);
        CHECK_NEAR(back->empty[0], z->empty[0], 1e-3);
        if (k == 0) {
            CHECK_NEAR(back->probability[1], z->probability[1], 1e-3);
            CHECK(back->likely[19].id == z->likely[19].id);
        } else {
            CHECK_SIZE(back->dev.correct, z->dev.correct);
            CHECK_SIZE(back->dev.confusion[3], z->dev.confusion[3]);
        }
        study_free(&back->study);
        // For another question it is no answer.
        struct zero_shot_ask other = ask;
        other.label_words = "good; bad";
        back = zero_shot_make(kinds[k], &other, &e);
        CHECK(back && !kinds[k]->read(&back->study, json, &e));
        CHECK_HAS(e.text, "recorded");
        study_free(&back->study);
        study_free(&z->study);
        cJSON_Delete(json);
    }
    reading_fixture_close(&f);
}

TEST(the_oldest_reading_makes_room) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", own, "bad; good", &e));
    size_t first = 0;
    for (int i = 0; i < 12; i++) {
        char text[64];
        snprintf(text, sizeof text, "{text_a} word%d {mask}", i);
        struct zero_shot_ask ask = ask_of(&f, text, "bad; good");
        struct zero_shot *z = worked(&f, &zero_shot_kind, &ask, &e);
        CHECK_OK(z != NULL);
        first = i ? first : z->reading;
        CHECK(reading_find(f.readings, z->reading) != NULL);
        study_free(&z->study);
    }
    CHECK(reading_find(f.readings, first) == NULL);
    reading_fixture_close(&f);
}
