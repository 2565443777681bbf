// SPDX-License-Identifier: GPL-3.0-or-later
// Settings by name: every one round-trips, wrong ones are refused with what is allowed, and change nothing.
#include "check.h"

#include <stdlib.h>

#include "engine/base/suggest.h"
#include "engine/tune/settings.h"

static const struct run_setting *row(const char *name) {
    for (size_t i = 0; i < run_setting_count; i++)
        if (strcmp(run_setting_table[i].name, name) == 0)
            return &run_setting_table[i];
    return NULL;
}

TEST(defaults_are_those_of_the_table) {
    struct run_settings s;
    run_settings_default(&s);
    CHECK(s.loss == LOSS_CLEAN && s.optimizer == RUN_ADAMW && s.schedule == RUN_CONSTANT);
    CHECK(s.rate > 0 && s.batch == 8 && s.steps == 100 && s.shots == 16 && s.total_shots == 0);
    CHECK(s.evaluate_every > 0 && s.budget == 512 && !s.start_text[0] && !s.start_file[0]);
    CHECK(row("rate")->live && row("steps")->live && !row("seed")->live);
}

TEST(every_default_reads_back) {
    struct run_settings s, t;
    struct error e = {0};
    run_settings_default(&s);
    memset(&t, 0, sizeof t);
    for (size_t i = 0; i < run_setting_count; i++) {
        char value[RUN_SETTING_TEXT];
        CHECK(run_settings_get(&s, run_setting_table[i].name, value, sizeof value));
        CHECK_OK(run_settings_set(&t, run_setting_table[i].name, value, &e));
    }
    CHECK(run_settings_equal(&s, &t));
    t.seed++;
    CHECK(!run_settings_equal(&s, &t));
    char none[8];
    CHECK(!run_settings_get(&s, "no_such", none, sizeof none));
}

TEST(every_choice_has_its_place) {
    static const struct {
        const char *name, *value;
        int wanted;
    } cases[] = {{"loss", "clean", LOSS_CLEAN},
                 {"loss", "paper-code", LOSS_PAPER_CODE},
                 {"optimizer", "adam", RUN_ADAM},
                 {"optimizer", "AdamW", RUN_ADAMW},
                 {"optimizer", "adafactor", RUN_ADAFACTOR},
                 {"optimizer", "sgd", RUN_SGD},
                 {"schedule", "constant", RUN_CONSTANT},
                 {"schedule", "linear", RUN_LINEAR},
                 {"schedule", "noam", RUN_NOAM},
                 {"schedule", "cosine", RUN_COSINE},
                 {"start", "normal", START_NORMAL},
                 {"start", "vocabulary", START_VOCABULARY},
                 {"start", "label-words", START_LABEL_WORDS},
                 {"start", "text", START_TEXT},
                 {"start", "file", START_FILE},
                 {"start", "unknown", START_UNKNOWN},
                 {"start", "frequent", START_FREQUENT},
                 {"start", "task-words", START_TASK_WORDS},
                 {"pieces", "first", RUN_PIECES_FIRST},
                 {"pieces", "mean", RUN_PIECES_MEAN},
                 {"pieces", "max", RUN_PIECES_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct run_settings s;
        struct error e = {0};
        run_settings_default(&s);
        CHECK_OK(run_settings_set(&s, cases[i].name, cases[i].value, &e));
        const char *name = cases[i].name;
        int got = strcmp(name, "loss") == 0        ? (int)s.loss
                  : strcmp(name, "optimizer") == 0 ? (int)s.optimizer
                  : strcmp(name, "schedule") == 0  ? (int)s.schedule
                  : strcmp(name, "start") == 0     ? (int)s.start
                                                   : (int)s.pieces;
        CHECK(got == cases[i].wanted);
        char value[RUN_SETTING_TEXT];
        CHECK(run_settings_get(&s, name, value, sizeof value));
        CHECK(strcasecmp(value, cases[i].value) == 0);
    }
}

TEST(numbers_are_exact) {
    struct run_settings s;
    struct error e = {0};
    char value[RUN_SETTING_TEXT];
    run_settings_default(&s);
    CHECK_OK(run_settings_set(&s, "rate", "0.3", &e));
    CHECK(run_settings_get(&s, "rate", value, sizeof value));
    CHECK_TEXT(value, "0.3");
    s.rate = 1000;
    CHECK(run_settings_get(&s, "rate", value, sizeof value));
    CHECK_TEXT(value, "1000");
    s.rate = 1.0 / 3;
    CHECK(run_settings_get(&s, "rate", value, sizeof value));
    CHECK(strtod(value, NULL) == 1.0 / 3);
    CHECK_OK(run_settings_set(&s, "seed", "9007199254740991", &e));
    CHECK(s.seed == 9007199254740991ull);
    CHECK_OK(run_settings_set(&s, "steps", "1e3", &e));
    CHECK_SIZE(s.steps, 1000);
    CHECK_OK(run_settings_set(&s, "dev_from_train", "on", &e));
    CHECK(s.dev_from_train);
}

TEST(wrong_values_say_what_is_allowed) {
    static const char *const cases[][3] = {
        {"rate", "fast", "0 to 1000"},
        {"rate", "-0.1", "0 to 1000"},
        {"rate", "nan", "0 to 1000"},
        {"rate", "inf", "0 to 1000"},
        {"rate", "1e999", "0 to 1000"},
        {"rate", "", "0 to 1000"},
        {"rate", " 1", "0 to 1000"},
        {"rate", "0x1p3", "0 to 1000"},
        {"rate", "1 2", "0 to 1000"},
        {"batch", "0", "1 to 4096"},
        {"batch", "4.5", "1 to 4096"},
        {"seed", "9007199254740993", "0 to 9007199254740991"},
        {"loss", "clea", "clean | paper-code"},
        {"loss", "", "clean | paper-code"},
        {"loss", "clean | paper-code", "clean | paper-code"},
        {"pieces", "median", "first | mean | max"},
        {"dev_from_train", "maybe", "true | false"},
        {"start_text", "\xff", "UTF-8"},
    };
    struct run_settings s, before;
    run_settings_default(&s);
    before = s;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct error e = {0};
        CHECK(!run_settings_set(&s, cases[i][0], cases[i][1], &e));
        CHECK(e.kind == ERROR_INPUT);
        CHECK_HAS(e.text, cases[i][0]);
        CHECK_HAS(e.text, cases[i][2]);
        CHECK(run_settings_equal(&s, &before));
    }
    char longest[RUN_SETTING_TEXT + 1];
    memset(longest, 'a', sizeof longest);
    longest[RUN_SETTING_TEXT] = '\0';
    struct error e = {0};
    CHECK(!run_settings_set(&s, "start_text", longest, &e));
    CHECK_HAS(e.text, "511 bytes");
    longest[RUN_SETTING_TEXT - 1] = '\0';
    CHECK_OK(run_settings_set(&s, "start_text", longest, &e));
}

TEST(wrong_names_are_guessed) {
    struct run_settings s;
    struct error e = {0};
    run_settings_default(&s);
    CHECK(!run_settings_set(&s, "weigth_decay", "0", &e));
    CHECK_HAS(e.text, "\"weigth_decay\" (did you mean \"weight_decay\"?); the settings are");
    for (size_t i = 0; i < run_setting_count; i++)
        CHECK_HAS(e.text, run_setting_table[i].name);
    CHECK(!run_settings_set(&s, "colour", "0", &e));
    CHECK(!strstr(e.text, "did you mean"));
}

TEST(nearest_names) {
    static const char *const names[] = {"films", "films5", "claims", "places"};
    CHECK_TEXT(suggest_nearest("fimls", names, 4), "films");
    CHECK_TEXT(suggest_nearest("FILMS5", names, 4), "films5");
    CHECK_TEXT(suggest_nearest("place", names, 4), "places");
    CHECK(suggest_nearest("weather", names, 4) == NULL);
    CHECK(suggest_nearest("", names, 4) == NULL);
    char endless[500];
    memset(endless, 'x', sizeof endless);
    endless[499] = '\0';
    CHECK(suggest_nearest(endless, names, 4) == NULL);
}

TEST(live_settings_leave_it_the_same_run) {
    struct error e = {0};
    struct run_settings a, b;
    run_settings_default(&a);
    b = a;
    CHECK_OK(run_settings_set(&b, "rate", "0.125", &e));
    CHECK_OK(run_settings_set(&b, "steps", "77", &e));
    CHECK(!run_settings_equal(&a, &b));
    CHECK(run_settings_same_run(&a, &b));
    CHECK_OK(run_settings_set(&b, "seed", "77", &e));
    CHECK(!run_settings_same_run(&a, &b));
}
