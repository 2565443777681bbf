// SPDX-License-Identifier: GPL-3.0-or-later
// Suggested label words: both scores by hand, and the search on the shipped model.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/inspect/word_scores.h"
#include "engine/inspect/word_search.h"
#include "engine/inspect/zero_shot.h"
#include "reading_fixture.h"

TEST(scores_of_words_by_hand) {
    // Three words, two classes; two examples of class 0, one of class 1, as probabilities.
    static const float q[3][3] = {{0.5f, 0.25f, 0.25f}, {0.8f, 0.1f, 0.1f}, {0.2f, 0.6f, 0.2f}};
    static const size_t label[3] = {0, 0, 1};
    struct error e = {0};
    struct word_scores s;
    CHECK_OK(word_scores_create(&s, 2, 3, &e));
    for (size_t i = 0; i < 3; i++) {
        float logits[3];
        for (size_t t = 0; t < 3; t++)
            logits[t] = logf(q[i][t]) + 7; // a constant does not matter
        word_scores_add(&s, logits, label[i]);
    }
    // Word 0 in class 0: the mean of ln 0.5/0.5 and ln 0.8/0.2, less ln 0.2/0.8.
    CHECK_NEAR(word_scores_ratio(&s, 0, 0), 0.5 * log(4) + log(4), 1e-5);
    // Word 1 in class 1: ln 0.6/0.4 less the mean of ln 0.25/0.75 and ln 0.1/0.9.
    CHECK_NEAR(word_scores_ratio(&s, 1, 1), log(1.5) - 0.5 * (log(1.0 / 3) + log(1.0 / 9)), 1e-5);
    CHECK_NEAR(word_scores_ratio(&s, 1, 0), -word_scores_ratio(&s, 0, 0), 1e-9); // two classes mirror
    CHECK_NEAR(word_scores_top(&s, 0, 0), 0.5 * (log(0.5) + log(0.8)), 1e-5);
    CHECK_NEAR(word_scores_top(&s, 1, 1), log(0.6), 1e-5);
    word_scores_free(&s);
    // A class without examples has no score.
    CHECK_OK(word_scores_create(&s, 3, 3, &e));
    CHECK(isnan(word_scores_top(&s, 2, 0)) && isnan(word_scores_ratio(&s, 2, 0)));
    word_scores_free(&s);
}

static struct word_search *searched(struct reading_fixture *f, const char *template_text, const char *words,
                                    struct error *e) {
    const struct word_search_ask ask = {
        .template_text = (char *)template_text, .label_words = (char *)words, .settings = f->base.settings};
    struct word_search *s = word_search_make(&ask, e);
    if (s && !reading_fixture_work(f, &s->study, e)) {
        study_free(&s->study);
        return NULL;
    }
    return s;
}

TEST(words_are_found_and_tried_on_dev) {
    struct error e = {0};
    struct reading_fixture f;
    static const char own[] = "{text_a} It was {mask}.";
    CHECK_OK(reading_fixture_open(&f, "films", "{soft:4} {text_a} It was {mask}.", "bad; good", &e));
    struct word_search *s = searched(&f, own, "bad; good", &e);
    CHECK_OK(s != NULL);
    CHECK(s->classes == 2 && s->dev == 16);
    CHECK(f.slices > 8 && s->study.done == s->study.total); // with progress
    for (size_t c = 0; c < 2; c++) {
        struct word_list *l = &s->list[c];
        size_t first_by_ratio = 0, first_by_top = 0;
        CHECK(l->count >= WORD_SEARCH_EACH && l->count <= 2 * WORD_SEARCH_EACH);
        for (size_t i = 0; i < l->count; i++) {
            CHECK(l->word[i].by_ratio || l->word[i].by_top);
            CHECK(i == 0 || l->word[i].correct <= l->word[i - 1].correct);
            first_by_ratio += l->word[i].by_ratio == 1;
            first_by_top += l->word[i].by_top == 1;
        }
        CHECK(first_by_ratio == 1 && first_by_top == 1);
    }
    // What was counted for the first negative word is what a study of those words counts.
    char words[128];
    snprintf(words, sizeof words, "%s; good", s->list[0].word[0].text);
    const struct zero_shot_ask ask = {
        .template_text = (char *)own, .label_words = words, .settings = f.base.settings, .set = READING_DEV};
    struct zero_shot *z = zero_shot_make(&zero_shot_dev_kind, &ask, &e);
    CHECK_OK(z && reading_fixture_work(&f, &z->study, &e));
    CHECK_SIZE(z->dev.correct, s->list[0].word[0].correct);
    CHECK_NEAR(z->dev.loss, s->list[0].word[0].loss, 1e-5);
    CHECK_SIZE(z->passes, 0);
    // The set for both classes is at least as good on dev as guessing, and reads as label words.
    CHECK(s->together && strchr(s->together, ';'));
    CHECK(s->together_correct >= 8);
    study_free(&z->study);
    study_free(&s->study);
    reading_fixture_close(&f);
}

// "The" is by far the likeliest for every class here, and one word for all has a small loss.
TEST(no_two_classes_share_a_word_in_the_set) {
    struct error e = {0};
    struct reading_fixture f;
    static const char own[] = "{text_a} These sentences have to do with {mask}.";
    CHECK_OK(reading_fixture_open(&f, "topic", "{soft:4} {text_a} It was {mask}.", NULL, &e));
    struct word_search *s = searched(&f, own, NULL, &e);
    CHECK_OK(s != NULL);
    CHECK(s->classes == 8 && s->together);
    char *words = s->together, *word[8];
    for (size_t c = 0; c < 8; c++) {
        word[c] = strsep(&words, ";");
        CHECK(word[c] != NULL);
        word[c] += strspn(word[c], " ");
        for (size_t before = 0; before < c; before++)
            CHECK(strcmp(word[before], word[c]) != 0);
    }
    CHECK(8 * s->together_correct > s->dev);
    study_free(&s->study);
    reading_fixture_close(&f);
}

TEST(without_words_the_best_by_ratio_stand_in) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", "{soft:4} {text_a} It was {mask}.", "bad; good", &e));
    struct word_search *s = searched(&f, "{text_a} It was {mask}.", NULL, &e);
    CHECK_OK(s != NULL);
    CHECK(s->list[0].word[0].correct >= 8);
    study_free(&s->study);
    CHECK(!searched(&f, "{text_a}", NULL, &e));
    reading_fixture_close(&f);
}

TEST(a_search_survives_being_recorded) {
    struct error e = {0};
    struct reading_fixture f;
    CHECK_OK(reading_fixture_open(&f, "films", "{soft:4} {text_a} It was {mask}.", "bad; good", &e));
    struct word_search *s = searched(&f, "{text_a} It was {mask}.", "bad; good", &e), *back;
    CHECK_OK(s != NULL);
    back = word_search_make(&s->ask, &e);
    CHECK_OK(back != NULL);
    cJSON *json = word_search_kind.write(&s->study);
    CHECK_OK(word_search_kind.read(&back->study, json, &e));
    CHECK_SIZE(back->classes, 2);
    CHECK_SIZE(back->list[1].count, s->list[1].count);
    CHECK_TEXT(back->list[1].word[2].text, s->list[1].word[2].text);
    CHECK_SIZE(back->list[1].word[2].correct, s->list[1].word[2].correct);
    CHECK_TEXT(back->together, s->together);
    cJSON_Delete(json);
    study_free(&back->study);
    study_free(&s->study);
    reading_fixture_close(&f);
}
