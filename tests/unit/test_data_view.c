// SPDX-License-Identifier: GPL-3.0-or-later
// The Data screen on a live engine: filters, search, predictions, lengths, and another split.
#include "live_bench.h"

TEST(filters_show_parts_classes_and_errors) {
    struct bench b;
    CHECK(live_open(&b, "sessions/tasks/films", 100, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "1,900 of 1,900"));
    CHECK(bench_has(&b, "train 1 "));
    CHECK(bench_has(&b, "budget 512: 0 of 1900 cut"));
    bench_keys(&b, "s");
    CHECK(bench_has(&b, "32 of 1,900"));
    bench_keys(&b, "s c");
    CHECK(bench_has(&b, "examples: dev, negative"));
    CHECK(bench_has(&b, "16 of 1,900"));
    bench_keys(&b, "e");
    CHECK(bench_has(&b, "nothing is predicted yet"));
    bench_command(&b, "class all");
    bench_keys(&b, "p");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "predicted with the present prompt, step 0"));
    // As many are wrong as the run's own evaluation says.
    bench_command(&b, "evaluate");
    CHECK(live_rest(&b));
    const struct evaluation *dev = workbench_dev(b.w);
    char right[64], wrong[64];
    CHECK(dev && dev->examples == 32);
    snprintf(right, sizeof right, "%zu/32 right", dev->correct);
    snprintf(wrong, sizeof wrong, "%zu of 1,900", 32 - dev->correct);
    CHECK(bench_has(&b, right));
    bench_keys(&b, "e");
    CHECK(bench_has(&b, wrong));
    bench_command(&b, "predict best"); // of those that are listed
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "with the best prompt"));
    bench_command(&b, "part nowhere");
    CHECK(bench_has(&b, "none of train, dev, test, rest, all"));
    bench_close(&b);
}

TEST(a_search_goes_round) {
    struct bench b;
    CHECK(live_open(&b, "sessions/tasks/films", 101, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_command(&b, "part dev");
    bench_command(&b, "search boring");
    CHECK(bench_has(&b, "boring"));
    bench_command(&b, "search zzzz");
    CHECK(bench_has(&b, "no listed example has \"zzzz\""));
    bench_close(&b);
}

TEST(another_split_waits_for_a_run) {
    struct bench b;
    CHECK(live_open(&b, "sessions/tasks/films", 102, 40));
    bench_keys(&b, "2 + +");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "split: 18 a class, seed 1"));
    CHECK(bench_has(&b, "waits for Ctrl-S"));
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 32); // the run has its own yet
    bench_keys(&b, "r");
    CHECK(bench_has(&b, "split: 18 a class, seed 2"));
    bench_keys(&b, "t");
    CHECK(bench_has(&b, "split: 36 in all, seed 2"));
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 36);
    CHECK(!bench_has(&b, "waits for Ctrl-S"));
    bench_close(&b);
}
