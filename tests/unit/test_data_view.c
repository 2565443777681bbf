// SPDX-License-Identifier: GPL-3.0-or-later
// The Data screen on a live engine: filters, search, predictions, lengths, and another split.
#include "live_bench.h"

TEST(filters_show_parts_classes_and_errors) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 100, 40));
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
    CHECK(live_open(&b, "tests/share/tasks/films", 101, 40));
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
    CHECK(live_open(&b, "tests/share/tasks/films", 102, 40));
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

static void type_example(struct bench *b, const char *text) {
    bench_keys(b, "Ctrl-U");
    bench_type(b, text);
    bench_keys(b, "Ctrl-S");
}

TEST(own_examples_are_typed_kept_tuned_on_and_taken_back) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 103, 40));
    bench_keys(&b, "2 a");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "a new example of your own"));
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "text_a is empty: type its text"));
    type_example(&b, "Dreadful, I left."); // negative, train
    CHECK(bench_has(&b, "1 of your own"));
    type_example(&b, "I laughed all evening."); // positive, train
    type_example(&b, "Boring from the start."); // negative, dev
    type_example(&b, "A joy to watch.");        // positive, dev
    bench_keys(&b, "Esc");
    const char *text = session_own_examples(workbench_session(b.w));
    CHECK_HAS(text, "\"I laughed all evening.\",\"label\":\"1\",\"for\":\"train\"}");
    CHECK_HAS(text, "\"Boring from the start.\",\"label\":\"0\",\"for\":\"dev\"}");
    CHECK(bench_has(&b, "1,904 of 1,904"));
    // Not used yet; then alone.
    CHECK(!bench_has(&b, "waits for Ctrl-S"));
    bench_keys(&b, "O O");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "split: own examples only"));
    CHECK(bench_has(&b, "waits for Ctrl-S"));
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 2);
    CHECK_SIZE(workbench_workspace(b.w)->split->dev_count, 2);
    CHECK_TEXT(workbench_workspace(b.w)->split->dev[0]->field[0], "Boring from the start.");
    // One goes and comes back, as an edit of the session.
    bench_command(&b, "part train");
    bench_keys(&b, "D");
    CHECK(live_rest(&b));
    CHECK(!strstr(session_own_examples(workbench_session(b.w)), "Dreadful"));
    CHECK(bench_has(&b, "waits for Ctrl-S"));
    bench_keys(&b, "Ctrl-_");
    CHECK(live_rest(&b));
    CHECK_HAS(session_own_examples(workbench_session(b.w)), "Dreadful");
    CHECK(!bench_has(&b, "waits for Ctrl-S"));
    // They are there when the session is opened again, and in a copy of it.
    bench_command(&b, "write copy");
    char path[700];
    snprintf(path, sizeof path, "%s/own.jsonl", session_folder(workbench_session(b.w)));
    FILE *file = fopen(path, "r");
    CHECK(file);
    fclose(file);
    bench_command(&b, "open films");
    CHECK(live_rest(&b));
    CHECK_HAS(session_own_examples(workbench_session(b.w)), "A joy to watch.");
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 2);
    bench_close(&b);
}
