// SPDX-License-Identifier: GPL-3.0-or-later
// The Try screen on a live engine: typing, the prompts beside each other, kept ones, attention and words.
#include "live_bench.h"
#include "sessions/kept.h"

TEST(an_example_is_answered_and_typing_asks_again) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 100, 30));
    bench_keys(&b, "5");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "text: dev example 1 of 32, negative"));
    CHECK(bench_has(&b, "zero-shot"));
    CHECK(bench_has(&b, "present, step 0"));
    CHECK(bench_has(&b, "none yet, dev not scored"));
    CHECK(bench_has(&b, "mean of 3 layers x 5 heads"));
    CHECK(bench_has(&b, "with all words"));
    char before[4096];
    snprintf(before, sizeof before, "%.4000s", strstr(bench_screen(&b, false), "words at the mask"));
    bench_keys(&b, "Enter End");
    bench_type(&b, " Great fun, I loved every minute.");
    CHECK(bench_has(&b, "text, your own"));
    CHECK(bench_has(&b, "labels, asking")); // what is shown is of the text before
    CHECK(live_rest(&b));
    CHECK(!bench_has(&b, "labels, asking"));
    CHECK(bench_has(&b, "minute"));
    CHECK(strncmp(before, strstr(bench_screen(&b, false), "words at the mask"), 500) != 0);
    // Digits and letters are text; Esc ends it, n brings the example back.
    bench_type(&b, "12Q");
    CHECK(bench_has(&b, "12Q"));
    bench_keys(&b, "Esc n");
    CHECK(bench_has(&b, "text: dev example 1 of 32"));
    bench_keys(&b, "p");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "train example 32 of 32"));
    bench_close(&b);
}

TEST(layers_and_heads_are_chosen) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 101, 30));
    bench_keys(&b, "5");
    CHECK(live_rest(&b));
    bench_keys(&b, "y");
    CHECK(bench_has(&b, "layer 1 of 3, mean of 5 heads"));
    bench_keys(&b, "Y Y");
    CHECK(bench_has(&b, "layer 1 of 3, head 2 of 5"));
    bench_keys(&b, "y y y");
    CHECK(bench_has(&b, "mean of 3 layers, head 2 of 5"));
    bench_command(&b, "head 0");
    CHECK(bench_has(&b, "mean of 3 layers x 5 heads"));
    bench_command(&b, "layer 4");
    CHECK(bench_has(&b, "layer: a number from 1 to 3, or 0 for the mean of all"));
    bench_keys(&b, "d");
    CHECK(bench_has(&b, "pieces"));
    CHECK(bench_has(&b, "▁film"));
    bench_close(&b);
}

TEST(tuned_and_kept_prompts_are_tried_as_well) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 120, 40));
    bench_command(&b, "set steps 4");
    bench_command(&b, "set evaluate_every 2");
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    bench_keys(&b, "Space");
    CHECK(live_rest(&b));
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    bench_keys(&b, "5");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "present, step 4"));
    CHECK(bench_has(&b, "best, step"));
    CHECK(!bench_has(&b, "kept 001"));
    bench_command(&b, "seed 2");
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    bench_keys(&b, "Space");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "kept 001"));
    bench_keys(&b, "Tab Down Down");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "▸ kept 001"));
    CHECK(bench_has(&b, "seed 1, step"));
    CHECK(bench_has(&b, "mean of 3 layers x 5 heads")); // looked at through the kept prompt
    // And gone on from: that run's seed and its best prompt, which dev finds again.
    bench_command(&b, "load kept/002");
    CHECK(bench_has(&b, "kept/002 has no best prompt"));
    struct kept_prompt k;
    CHECK(kept_prompt_find(&k, workbench_session(b.w), "001", &b.error));
    double best = k.dev_accuracy;
    kept_prompt_free(&k);
    bench_keys(&b, "6");
    CHECK(live_rest(&b));
    bench_command(&b, "search kept/001");
    bench_command(&b, "set batch 4");
    bench_keys(&b, "Enter");
    CHECK(bench_has(&b, "Settings that wait are given up"));
    bench_keys(&b, "n");
    bench_command(&b, "set batch 8");
    bench_keys(&b, "Enter");
    CHECK(bench_has(&b, "as kept/001 was: seed 1, its best prompt of step"));
    CHECK(live_rest(&b));
    CHECK(workbench_settings(b.w)->seed == 1 && workbench_settings(b.w)->start == START_FILE);
    CHECK(!bench_has(&b, "edits wait"));
    CHECK(bench_has(&b, "hybrid PT ") && !bench_has(&b, "PPT"));
    bench_keys(&b, "3 e");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "Dev now: "));
    CHECK_NEAR(workbench_dev(b.w)->accuracy, best, 1e-6);
    bench_close(&b);
}
