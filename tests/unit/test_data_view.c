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
    CHECK(bench_has(&b, "none of train, dev, own, test, rest, all"));
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

static char *selected_text(struct bench *b, char out[200]) {
    const struct workspace *ws = workbench_workspace(b->w);
    snprintf(out, 200, "%.60s", ws->split->dev[2]->field[0]);
    return out;
}

TEST(the_selected_example_goes_to_the_try_screen) {
    struct bench b;
    char text[200];
    CHECK(live_open(&b, "tests/share/tasks/films", 104, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_command(&b, "part dev");
    bench_keys(&b, "Down Down T");
    CHECK(bench_has(&b, "[5 Try]"));
    CHECK(bench_has(&b, "dev 3; q leads back to the list"));
    CHECK(bench_has(&b, "text: dev 3, negative") || bench_has(&b, "text: dev 3, positive"));
    CHECK(bench_has(&b, selected_text(&b, text)));
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "with all words")); // and it was asked about
    // What is typed gives way to it again, and n goes on from where it stands in the split.
    bench_keys(&b, "Enter Ctrl-U");
    bench_type(&b, "gone");
    bench_keys(&b, "Esc n");
    CHECK(bench_has(&b, "text: dev 3, "));
    bench_keys(&b, "n");
    CHECK(bench_has(&b, "text: dev example 4 of 32"));
    bench_close(&b);
}

TEST(a_wrong_prediction_is_looked_at_with_the_prompt_that_made_it) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 105, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_command(&b, "evaluate"); // there is a best prompt then
    CHECK(live_rest(&b));
    bench_command(&b, "part test");
    bench_command(&b, "predict best");
    CHECK(live_rest(&b));
    bench_keys(&b, "e T");
    CHECK(bench_has(&b, ": predicted ") && bench_has(&b, "; q leads back to the list"));
    CHECK(bench_has(&b, "text: test "));
    CHECK(bench_has(&b, "▸ best, step 0"));
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "with all words"));
    // The first of dev follows an example that is none of the split.
    bench_keys(&b, "n");
    CHECK(bench_has(&b, "text: dev example 1 of 32"));
    bench_keys(&b, "q");
    CHECK(bench_has(&b, "examples: test, wrong"));
    bench_close(&b);
}

TEST(a_list_without_rows_has_no_example_to_try) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 106, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_command(&b, "part own");
    bench_keys(&b, "T");
    CHECK(bench_has(&b, "no example is selected"));
    CHECK(bench_has(&b, "[2 Data]"));
    bench_close(&b);
}

// The style row below a row of the screen says nothing of lines: they are looked for as signs.
TEST(the_budget_is_a_line_in_the_chart) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 107, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "512 ▸")); // far beyond the longest
    bench_command(&b, "set budget 40");
    CHECK(bench_has(&b, "budget 40: ")); // of what is measured, before any run has it
    CHECK(!bench_has(&b, "budget 40: 0 of"));
    CHECK(bench_has(&b, " 40 "));
    CHECK(!bench_has(&b, "512 ▸"));
    bench_close(&b);
}

TEST(a_press_selects_only_rows_that_show) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 108, 40));
    bench_keys(&b, "2");
    CHECK(live_rest(&b));
    bench_mouse(&b, MOUSE_PRESS, 6, 20); // the third row
    CHECK(bench_has(&b, "train 3, line "));
    // Another pane takes the whole screen: the rows that were there are not to be hit.
    bench_keys(&b, "Tab z");
    CHECK(!bench_has(&b, "examples: all"));
    bench_mouse(&b, MOUSE_PRESS, 9, 20);
    bench_keys(&b, "z");
    CHECK(bench_has(&b, "train 3, line "));
    // Nor while an example is typed, wherever the form stands.
    bench_keys(&b, "a");
    bench_mouse(&b, MOUSE_PRESS, 9, 20);
    bench_keys(&b, "Esc");
    CHECK(bench_has(&b, "train 3, line "));
    bench_close(&b);
}

TEST(a_task_without_files_is_typed_and_tuned_on) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 109, 40));
    bench_command(&b, "new-task moods sad");
    CHECK(bench_has(&b, "labels: at least 2 are needed"));
    bench_command(&b, "new-task moods sad, happy; mask");
    CHECK(bench_has(&b, "\"mask\"")); // a name that templates have; over the screen where the path is long
    bench_keys(&b, "Esc");
    bench_command(&b, "new-task moods sad, happy");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "[2 Data]"));
    CHECK(bench_has(&b, "There are no examples yet. a types one"));
    CHECK(bench_has(&b, "no examples yet"));
    // Every screen says what to do, and nothing can be tuned.
    bench_keys(&b, "3");
    CHECK(bench_has(&b, "Type some on screen 2: a there"));
    bench_keys(&b, "4");
    CHECK(bench_has(&b, "There are no examples to learn from yet."));
    bench_keys(&b, "Space");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "type some on the Data screen"));
    bench_keys(&b, "1 n p 5 n 2 a");
    const char *const texts[] = {"I wept.", "I laughed.", "Tears again.", "What a day!"};
    for (size_t i = 0; i < 4; i++)
        type_example(&b, texts[i]); // sad, happy for train; then for dev
    CHECK(bench_has(&b, "4 so far"));
    bench_keys(&b, "Esc Space");
    CHECK(live_rest(&b));
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 2);
    CHECK_SIZE(workbench_workspace(b.w)->split->dev_count, 2);
    CHECK(workbench_state(b.w) == ENGINE_READY);
    bench_command(&b, "set steps 2");
    bench_keys(&b, "Space");
    CHECK(live_rest(&b));
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    // It is there, with its examples and its run, when it is opened again.
    bench_command(&b, "open films");
    CHECK(live_rest(&b));
    bench_command(&b, "open moods");
    CHECK(live_rest(&b));
    CHECK_SIZE(workbench_workspace(b.w)->split->train_count, 2);
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    bench_command(&b, "new-task moods a, b");
    CHECK(bench_has(&b, "there is a session moods already"));
    bench_close(&b);
}

TEST(a_task_without_files_needs_one_for_dev) {
    struct bench b;
    CHECK(live_open(&b, "tests/share/tasks/films", 111, 40));
    bench_command(&b, "new-task one sad, happy");
    CHECK(live_rest(&b));
    bench_keys(&b, "a");
    type_example(&b, "I wept.");
    bench_keys(&b, "Esc Ctrl-S");
    CHECK(live_rest(&b));
    CHECK(bench_has(&b, "no example is for dev yet"));
    bench_close(&b);
}
