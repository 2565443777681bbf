// SPDX-License-Identifier: GPL-3.0-or-later
// Groups of runs, means and paired differences against numbers worked out by hand or taken from tables.
#include "check.h"

#include <stdlib.h>

#include "engine/base/memory.h"
#include "sessions/report_stats.h"

static struct error e;

// A finished run of `seed` that scored dev and test (of 100 and 1000 examples).
static bool add(struct report *all, uint64_t seed, double dev, double test, const char *more) {
    char line[600];
    snprintf(line, sizeof line,
             "{\"version\":1,\"task\":\"films\",\"template\":\"{soft:2} {text_a} {mask}\",\"steps\":100,"
             "\"settings\":{\"steps\":100,\"seed\":%llu},\"dev\":{\"examples\":100,\"accuracy\":%.6f},"
             "\"test\":{\"examples\":1000,\"accuracy\":%.6f}%s}",
             (unsigned long long)seed, dev, test, more);
    return mem_grow(&all->run, &all->capacity, all->count + 1, sizeof *all->run, &e) &&
           report_line_read(&all->run[all->count], line, strlen(line), &e) && ++all->count;
}

TEST(mean_and_sample_deviation) {
    static const double x[] = {2, 4, 4, 4, 5, 5, 7, 9}; // mean 5, squares 32, sd sqrt(32/7)
    struct report_mean m = report_mean_of(x, 8);
    CHECK(m.n == 8 && m.mean == 5);
    CHECK_NEAR(m.sd, 2.13808993529939, 1e-12);
    m = report_mean_of(x, 1);
    CHECK(m.n == 1 && m.mean == 2 && isnan(m.sd));
    m = report_mean_of(x, 0);
    CHECK(m.n == 0 && isnan(m.mean) && isnan(m.sd));
}

// NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2, upper critical values of Student's t.
TEST(student_quantiles_of_the_tables) {
    static const struct {
        double share;
        size_t freedom;
        double t;
    } CASES[] = {
        {0.95, 1, 12.706}, {0.95, 2, 4.303},  {0.95, 3, 3.182},  {0.95, 4, 2.776},  {0.95, 5, 2.571},
        {0.95, 9, 2.262},  {0.95, 10, 2.228}, {0.95, 29, 2.045}, {0.95, 30, 2.042}, {0.95, 99, 1.984},
        {0.90, 4, 2.132},  {0.99, 4, 4.604},  {0.99, 1, 63.657}, {0.80, 60, 1.296}, {0.95, 100, 1.984},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        CHECK_NEAR(report_student(CASES[i].share, CASES[i].freedom), CASES[i].t, 0.0006);
    CHECK_NEAR(report_student(0.95, 1000000), 1.959966, 1e-5); // the normal distribution's 1.959964, nearly
    // freedom 1 and 2 have closed forms: tan(pi share / 2), and share sqrt(2 / (1 - share^2)).
    CHECK_NEAR(report_student(0.95, 1), 12.7062047361747, 1e-9);
    CHECK_NEAR(report_student(0.95, 2), 0.95 * sqrt(2 / (1 - 0.95 * 0.95)), 1e-12);
}

TEST(groups_are_equal_but_for_the_seed) {
    struct report all = {0};
    struct report_groups g;
    CHECK(add(&all, 3, 0.9, 0.8, "") && add(&all, 1, 0.8, 0.7, "") &&
          add(&all, 1, 0.7, 0.9, ",\"label_words\":\"x; y\"") && add(&all, 2, 0.7, 0.6, "") &&
          add(&all, 4, 0.1, 0.1, ",\"by_hand\":true,\"place\":\"a\"") &&
          add(&all, 5, 0.1, 0.1, ",\"by_hand\":true,\"place\":\"b\"") &&
          add(&all, 2, 0.1, 0.1, ",\"note\":\"broken\""));
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 5);
    CHECK_SIZE(g.group[0].runs, 3);
    CHECK(g.group[0].run[0] == 1 && g.group[0].run[1] == 3 && g.group[0].run[2] == 0); // by seed
    struct report_mean m = report_group_mean(&all, &g.group[0], REPORT_DEV);
    CHECK(m.n == 3);
    CHECK_NEAR(m.mean, 0.8, 1e-12);
    CHECK_NEAR(m.sd, 0.1, 1e-12);
    m = report_group_mean(&all, &g.group[4], REPORT_DEV);
    CHECK_SIZE(m.n, 0); // a damaged run stands for nothing
    size_t least, most;
    report_group_examples(&all, &g.group[0], REPORT_TEST, &least, &most);
    CHECK(least == 1000 && most == 1000);
    report_groups_free(&g);
    bool differs[64];
    CHECK(report_part_count() <= 64);
    report_parts_differ(&all, NULL, all.count, differs);
    for (size_t p = 0; p < report_part_count(); p++)
        CHECK(differs[p] == (p == REPORT_PART_WORDS));
    report_free(&all);
}

TEST(one_seed_counts_once_and_unfinished_runs_do_not) {
    struct report all = {0};
    struct report_groups g;
    CHECK(add(&all, 1, 0.9, 0.8, ",\"begun\":\"2026-11-24T12:00:00Z\"") &&
          add(&all, 1, 0.7, 0.7, ",\"begun\":\"2026-11-25T12:00:00Z\"") && add(&all, 2, 0.5, 0.5, "") &&
          add(&all, 3, 0.1, 0.1, ""));
    all.run[3].steps = 99;
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 1);
    CHECK(g.group[0].runs == 4 && g.group[0].finished == 3);
    struct report_mean m = report_group_mean(&all, &g.group[0], REPORT_DEV);
    CHECK(m.n == 2);
    CHECK_NEAR(m.mean, 0.6, 1e-12);
    report_groups_free(&g);
    report_free(&all);
}

TEST(paired_difference_by_hand) {
    struct report all = {0};
    struct report_groups g;
    static const double a[] = {0.90, 0.88, 0.95, 0.91}, b[] = {0.85, 0.86, 0.88, 0.85};
    for (size_t i = 0; i < 4; i++)
        CHECK(add(&all, i + 1, 0.5, a[i], "") && add(&all, i + 1, 0.5, b[i], ",\"label_words\":\"x\""));
    CHECK(add(&all, 9, 0.5, 0.1, "")); // without a partner
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 2);
    struct report_difference d = report_group_difference(&all, &g.group[0], &g.group[1], REPORT_TEST);
    // 0.05, 0.02, 0.07, 0.06: mean 0.05; squares 0.0014, s = sqrt(0.0014 / 3); t(0.975; 3) = 3.182446.
    CHECK_SIZE(d.n, 4);
    CHECK_NEAR(d.mean, 0.05, 1e-12);
    CHECK_NEAR(d.half, 3.182446305 * sqrt(0.0014 / 3) / 2, 1e-9);
    struct report_difference back = report_group_difference(&all, &g.group[1], &g.group[0], REPORT_TEST);
    CHECK_NEAR(back.mean, -0.05, 1e-12);
    CHECK_NEAR(back.half, d.half, 1e-15);
    report_groups_free(&g);
    report_free(&all);
}

TEST(one_pair_has_no_interval_and_other_tasks_no_difference) {
    struct report all = {0};
    struct report_groups g;
    CHECK(add(&all, 1, 0.5, 0.9, "") && add(&all, 1, 0.5, 0.8, ",\"label_words\":\"x\"") &&
          add(&all, 1, 0.5, 0.8, ",\"label_words\":\"y\""));
    free(all.run[2].task);
    all.run[2].task = mem_strdup("places", &e);
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 3);
    struct report_difference d = report_group_difference(&all, &g.group[0], &g.group[1], REPORT_TEST);
    CHECK(d.n == 1 && isnan(d.half));
    CHECK_NEAR(d.mean, 0.1, 1e-12);
    d = report_group_difference(&all, &g.group[0], &g.group[2], REPORT_TEST);
    CHECK(d.n == 0 && isnan(d.mean));
    report_groups_free(&g);
    report_free(&all);
}

TEST(values_that_dev_chose_are_one_setting) {
    struct report all = {0};
    struct report_groups g;
    struct buffer b = {0};
    static const double rate[] = {0.01, 0.1, 0.01, 0.1};
    for (size_t i = 0; i < 4; i++) { // two of an experiment with "try", two of people who set the rate
        CHECK(add(&all, i + 1, 0.9, 0.8, i < 2 ? ",\"chosen\":\"batch rate\"" : ""));
        all.run[i].settings.rate = rate[i];
    }
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 3);
    CHECK_SIZE(g.group[0].runs, 2);
    report_groups_free(&g);
    report_line_write(&b, &all.run[1], false);
    struct report_run again; // and a file keeps it
    CHECK_OK(report_line_read(&again, b.data, b.length - 1, &e));
    CHECK_TEXT(again.chosen, "batch rate");
    CHECK(again.settings.rate == 0.1);
    report_run_free(&again);
    buffer_free(&b);
    report_free(&all);
}

TEST(settings_without_effect_are_absent) {
    struct report all = {0};
    char room[RUN_SETTING_TEXT];
    CHECK(add(&all, 1, 0.5, 0.5, "") && add(&all, 2, 0.5, 0.5, ""));
    snprintf(all.run[0].settings.start_text, sizeof all.run[0].settings.start_text, "some words");
    struct report_groups g;
    CHECK_OK(report_group(&g, &all, NULL, all.count, &e));
    CHECK_SIZE(g.count, 1);
    for (size_t p = 0; p < report_part_count(); p++) {
        CHECK(strcmp(report_part_name(p), "seed") != 0);
        if (strcmp(report_part_name(p), "start_text") == 0)
            CHECK_TEXT(report_part(&all.run[0], p, room), "");
    }
    report_groups_free(&g);
    report_free(&all);
}
