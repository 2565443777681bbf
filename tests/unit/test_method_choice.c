// SPDX-License-Identifier: GPL-3.0-or-later
// ":method" in the workbench on a live engine: a choice is a run of its own and one edit, fine-tuning is
// tuned and looked at like a prompt, a task as multiple choice is shown as one, and what cannot be says what
// to do.
#include "live_bench.h"

#include <unistd.h>

#include "engine/base/file.h"

TEST(a_choice_begins_a_run_and_is_taken_back) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 110, 30));
    bench_command(&b, "method");
    CHECK(bench_has(&b, "hybrid PPT"));
    bench_keys(&b, "Esc");
    bench_command(&b, "method pptt");
    CHECK(bench_has(&b, "did you mean \"ppt\""));
    bench_command(&b, "method ppt");
    CHECK(bench_has(&b, "prompter pretrain --task cls"));
    bench_keys(&b, "Esc");
    bench_command(&b, "set method vanilla");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "vanilla PT"));
    bench_keys(&b, "1");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "{soft:20} {text_a} {mask}"));
    bench_command(&b, "undo-edit");
    CHECK(bench_has(&b, "undone: template, method"));
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(!bench_has(&b, "vanilla PT"));
    // An edit of the pattern that waits is not lost under a method.
    bench_command(&b, "template {soft:5} {text_a} {mask}");
    bench_command(&b, "method hybrid");
    CHECK(bench_has(&b, "edits of the pattern wait"));
    bench_close(&b);
}

TEST(a_preset_waits_like_a_setting_and_is_one_edit) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 80, 24));
    bench_command(&b, "preset");
    CHECK(bench_has(&b, "clean (as it is now)") && bench_has(&b, "rate 1 (0.01"));
    bench_keys(&b, "Esc");
    bench_command(&b, "preset papercode");
    CHECK(bench_has(&b, "did you mean \"paper-code\""));
    bench_command(&b, "preset clean");
    CHECK(bench_has(&b, "clean: this run is so already"));
    bench_command(&b, "preset paper-code");
    CHECK(bench_has(&b, "in a new run loss paper-code, rate 1 (0.01 in the"));
    CHECK(bench_has(&b, "clean loss")); // of the run that is there
    bench_keys(&b, "1 Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "paper-code loss"));
    bench_keys(&b, "3");
    CHECK(bench_has(&b, "<unk>"));
    bench_command(&b, "set steps");
    CHECK(bench_has(&b, "steps is 200"));
    bench_command(&b, "undo-edit");
    CHECK(bench_has(&b, "undone: loss, rate, clip, steps, evaluate_every, start"));
    bench_keys(&b, "1 Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "clean loss"));
    bench_command(&b, "undo-edit");
    CHECK(bench_has(&b, "there is no edit to take back"));
    bench_close(&b);
}

TEST(fine_tuning_is_a_run_like_any_other) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 111, 32));
    bench_command(&b, "method fine-tuning");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "fine-tuning"));
    CHECK(bench_has(&b, "weights of the model learn"));
    bench_keys(&b, "s");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "1/100"));
    bench_keys(&b, "4");
    CHECK(bench_has(&b, "Fine-tuning has no soft prompt"));
    bench_keys(&b, "a x f b"); // nothing to be changed, and nothing breaks
    bench_command(&b, "export /tmp/nothing.npy");
    CHECK(bench_has(&b, "no soft prompt to export"));
    bench_keys(&b, "5");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "zero-shot"));
    CHECK(bench_has(&b, "not in the model now"));
    bench_keys(&b, "3 u");
    CHECK(bench_has(&b, "weights that were best"));
    CHECK(live_rest(&b));
    bench_command(&b, "sweep rate");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "fine-tuning has none"));
    bench_command(&b, "method hybrid");
    for (int i = 0; i < 100 && !bench_has(&b, "20 soft vectors"); i++) { // all weights are written first
        usleep(50000);
        CHECK(live_rest(&b));
    }
    CHECK(bench_has(&b, "20 soft vectors"));
    bench_close(&b);
}

TEST(every_screen_of_a_task_as_multiple_choice) {
    struct bench b;
    char from[512], to[600], *model;
    static const char *const files[] = {"config.json", "model.safetensors", "spiece.model"};
    CHECK(live_open(&b, "tests/share/tasks/films", 112, 34));
    // Any prompt of the model's width serves.
    bench_keys(&b, "e");
    CHECK(live_rest(&b));
    snprintf(to, sizeof to, "%s/model/prompts", check_folder());
    CHECK(file_make_folders(to, &b.error));
    model = realpath("tests/share/models/sprout", NULL);
    for (size_t i = 0; model && i < 3; i++) {
        snprintf(from, sizeof from, "%.400s/%s", model, files[i]);
        snprintf(to, sizeof to, "%s/model/%s", check_folder(), files[i]);
        CHECK(symlink(from, to) == 0);
    }
    free(model);
    snprintf(to, sizeof to, "export-here %s/model/prompts/unified.safetensors", check_folder());
    bench_command(&b, to);
    CHECK(bench_has(&b, "the present prompt"));
    bench_close(&b);
    snprintf(to, sizeof to, "%s/model", check_folder());
    CHECK(live_open_model(&b, "tests/share/tasks/films", to, 113, 34));
    bench_command(&b, "method unified-ppt");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "unified PPT"));
    bench_keys(&b, "1");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "{options}. Answer is {mask}."));
    CHECK(bench_has(&b, "A; B"));
    bench_command(&b, "words X; Y");
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "the label words are the letters"));
    bench_command(&b, "words A; B");
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_keys(&b, "5");
    CHECK(live_rest(&b));
    bench_keys(&b, "3 s");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "1/100"));
    // To another method and back: the label words are again those of the task as it is asked then.
    bench_command(&b, "method vanilla");
    CHECK(live_rest(&b));
    bench_keys(&b, "1");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "bad; good"));
    bench_command(&b, "undo-edit");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "the method waits, too"));
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "unified PPT") && bench_has(&b, "A; B") && !bench_has(&b, "Pattern*"));
    bench_command(&b, "redo-edit");
    bench_keys(&b, "Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "vanilla PT") && bench_has(&b, "bad; good") && !bench_has(&b, "Pattern*"));
    bench_close(&b);
}

// A share whose model has an adapted one beside it.
static bool share_with_adapted(void) {
    char here[600], share[600], path[700], target[1400];
    snprintf(share, sizeof share, "%s/share", check_folder());
    snprintf(path, sizeof path, "%s/models", share);
    if (!getcwd(here, sizeof here) || !file_make_folders(path, NULL))
        return false;
    static const char *const link[][2] = {{"models/sprout", "models/sprout"},
                                          {"models/sprout-lm", "models/sprout"},
                                          {"models/default", "models/default"},
                                          {"tasks", "tasks"}};
    for (size_t i = 0; i < sizeof link / sizeof *link; i++) {
        snprintf(path, sizeof path, "%s/%s", share, link[i][0]);
        snprintf(target, sizeof target, "%s/tests/share/%s", here, link[i][1]);
        if (symlink(target, path) != 0)
            return false;
    }
    setenv("PROMPTER_SHARE", share, 1);
    return true;
}

TEST(lm_adaptation_is_a_session_on_the_adapted_model) {
    struct bench b;
    CHECK(share_with_adapted());
    CHECK(live_open(&b, "films", 110, 30));
    bench_command(&b, "words bad; fine");
    bench_keys(&b, "1 Ctrl-S");
    CHECK(live_rest(&b));
    bench_command(&b, "method lm-adaptation");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "session films-lm, the same task on sprout-lm; back with :open films"));
    bench_keys(&b, "1");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "{soft:20} {text_a} {mask}"));
    CHECK(bench_has(&b, "fine")); // the label words came along
    bench_keys(&b, "3");
    CHECK(bench_has(&b, "sprout-lm"));
    bench_keys(&b, "s");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "1/100"));
    bench_command(&b, "method"); // it is the method of this run
    CHECK(bench_has(&b, "LM adaptation (chosen for this run)"));
    bench_keys(&b, "Esc");
    bench_command(&b, "open films");
    CHECK(live_rest(&b));
    bench_command(&b, "method lm-adaptation");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "session films-lm, as you left it; back with :open films"));
    bench_keys(&b, "3");
    CHECK(bench_has(&b, "1/100"));
    bench_close(&b);
}
