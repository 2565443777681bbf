// SPDX-License-Identifier: GPL-3.0-or-later
// The Pattern screen: editing, errors, the example through the template, label words, applying.
#include "workbench_bench.h"

#include "views/pattern_inside.h"

TEST(the_example_is_what_the_model_gets) {
    struct bench b;
    CHECK(bench_open(&b, 100, 40));
    bench_keys(&b, "1");
    const char *screen = bench_screen(&b, false);
    CHECK_HAS(screen, "[v0]▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒[v19]");
    CHECK_HAS(screen, "▁It ▁was <extra_id_0> . </s>");
    CHECK_HAS(screen, "train example 1 of 32");
    // Each origin has a style of its own: field, soft, literal, mask.
    CHECK_HAS(bench_screen(&b, true), "ooooooooooooooooooooooooooo.ff.fff.ffff");
    CHECK_HAS(bench_screen(&b, true), "lll.llll.mmmmmmmmmmmm");
    bench_close(&b);
}

TEST(editing_shows_errors_and_keeps_edits) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1 Enter End");
    bench_type(&b, " {nope}");
    CHECK(bench_has(&b, "there is no field \"nope\""));
    CHECK(bench_has(&b, "[1 Pattern*]"));
    bench_type(&b, "Q3?:"); // text while editing
    CHECK(!b.client.finished(b.w));
    CHECK(bench_has(&b, "{nope}Q3?:"));
    bench_keys(&b, "Esc 4");
    CHECK(bench_has(&b, " 1 Pattern* "));
    bench_keys(&b, "1");
    CHECK(bench_has(&b, "{nope}Q3?:"));
    bench_keys(&b, "Ctrl-S"); // refused, and nothing is lost
    CHECK(bench_has(&b, "{nope}Q3?:"));
    CHECK(strstr(session_template(workbench_session(b.w)), "nope") == NULL);
    bench_close(&b);
}

TEST(applying_begins_a_new_run) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space 1");
    bench_command(&b, "template {soft:5} {text_a} All in all {mask}.");
    bench_command(&b, "words bad, poor; good, great");
    bench_keys(&b, "Ctrl-S");
    CHECK_TEXT(session_template(workbench_session(b.w)), "{soft:5} {text_a} All in all {mask}.");
    CHECK_SIZE(workbench_workspace(b.w)->slots, 5);
    CHECK_SIZE(workbench_workspace(b.w)->verbalizer.label[0].words, 2);
    CHECK(!bench_has(&b, "Pattern*"));
    CHECK(bench_has(&b, "[v0]▒▒▒[v4]"));
    size_t count;
    const struct metric *history = workbench_history(b.w, &count);
    for (size_t i = 0; i < count; i++)
        CHECK(history[i].kind != METRIC_STEP);
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "nothing has changed"));
    bench_close(&b);
}

TEST(the_other_syntax_is_no_edit) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1 f");
    CHECK(bench_has(&b, "{\"mask\"}"));
    CHECK(bench_has(&b, "OpenPrompt syntax"));
    CHECK(!bench_has(&b, "Pattern*"));
    bench_keys(&b, "f");
    CHECK(bench_has(&b, "{soft:20} {text_a} It was {mask}."));
    bench_close(&b);
}

TEST(suggested_templates_in_turn) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    const struct task *t = workbench_workspace(b.w)->task;
    CHECK(t->templates > 2);
    bench_keys(&b, "1");
    for (size_t i = 1; i <= t->templates; i++) {
        bench_keys(&b, "T");
        CHECK_HAS(bench_screen(&b, false), t->template_text[i % t->templates]);
    }
    CHECK(!bench_has(&b, "Pattern*")); // round to the first again
    bench_close(&b);
}

TEST(words_of_several_pieces_are_warned_about) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1");
    bench_command(&b, "words yes; good");
    CHECK(bench_has(&b, "! \"yes\" (negative) is 3 pieces"));
    CHECK(bench_has(&b, "▁ (12) y (21) es (56)"));
    bench_command(&b, "words bad");
    CHECK(bench_has(&b, "words for 1 class, but the task has 2"));
    bench_close(&b);
}

TEST(what_the_budget_takes_away_is_shown) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1");
    CHECK(!bench_has(&b, "⟨"));
    bench_command(&b, "set budget 30");
    const char *screen = bench_screen(&b, false);
    CHECK_HAS(screen, "30 of 30 positions");
    CHECK_HAS(screen, "over the budget of 30 by");
    CHECK_HAS(screen, ": 18 from");
    CHECK_HAS(screen, "│ text_a  ");
    CHECK_HAS(screen, "⟨");
    CHECK_HAS(screen, "⟩");
    CHECK_HAS(screen, "<extra_id_0> . </s>"); // the rest is whole
    bench_command(&b, "set budget 5");
    CHECK(!bench_has(&b, "5 of 5 positions")); // it cannot be: the message says what would be needed
    CHECK(bench_has(&b, "needs"));
    bench_close(&b);
}

TEST(examples_go_round_through_train_and_dev) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1 p");
    CHECK(bench_has(&b, "dev example 32 of 32"));
    bench_keys(&b, "n");
    CHECK(bench_has(&b, "train example 1 of 32"));
    bench_keys(&b, "n n");
    CHECK(bench_has(&b, "train example 3 of 32"));
    bench_close(&b);
}

TEST(the_loss_decides_what_is_asked_of_the_decoder) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "1");
    CHECK(bench_has(&b, "(no loss)"));
    CHECK(bench_has(&b, "</s>"));
    bench_command(&b, "set loss paper-code");
    CHECK(bench_has(&b, "loss over the whole vocabulary"));
    CHECK(!bench_has(&b, "(no loss)"));
    CHECK(!bench_has(&b, "</s>"));
    bench_close(&b);
}

TEST(chinese_text_in_editors_and_tables) {
    struct bench b;
    CHECK(bench_open_task(&b, "tests/screens/tea", 80, 24));
    bench_keys(&b, "1 Enter Home");
    b.client.key(b.w, (struct key){.character = 0x8336}, b.now); // 茶
    CHECK(bench_has(&b, "│ 茶{soft:4}"));
    CHECK(bench_has(&b, "不满意"));
    bench_keys(&b, "Backspace");
    CHECK(!bench_has(&b, "茶{"));
    CHECK(!bench_has(&b, "Pattern*"));
    bench_close(&b);
}

TEST(what_cannot_be_tuned_is_refused_before_the_run_is_given_up) {
    struct bench b;
    CHECK(bench_open(&b, 200, 24));
    bench_keys(&b, "Space Space");
    bench_command(&b, "template {text_a} It was {mask}.");
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "there is nothing to tune; add {soft:20}"));
    CHECK(workbench_state(b.w) == ENGINE_PAUSED);
    CHECK_SIZE(workbench_workspace(b.w)->slots, 20);
    bench_command(&b, "template {soft:20} {text_a} It was {mask}.");
    bench_command(&b, "set budget 21");
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "length limit is 21"));
    CHECK(workbench_state(b.w) == ENGINE_PAUSED);
    bench_command(&b, "set budget 512");
    bench_keys(&b, "Ctrl-S");
    CHECK(bench_has(&b, "nothing has changed"));
    bench_close(&b);
}

// ---- zero-shot ----

// Lets a moment go by, as after the last key, and takes the answers.
static void moment(struct bench *b, double seconds) {
    b->now += seconds;
    b->client.dirty(b->w, b->now);
    b->client.wake(b->w, b->now);
}

static bool open_zero_shot(struct bench *b, int columns, int rows) {
    bool ok = bench_open_recording(b, "screens/pattern.jsonl", "tests/share/tasks/films", columns, rows);
    if (ok)
        bench_keys(b, "1");
    if (ok)
        moment(b, 0.2);
    return ok;
}

// At 80 columns the pane is 37 wide, of which 5 are its edge.
TEST(the_step_of_the_prompt_is_whole) {
    char note[96];
    pattern_mask_note(READING_PRESENT_PROMPT, 9, 37, note, sizeof note);
    CHECK_TEXT(note, "with the present prompt, step 9");
    pattern_mask_note(READING_PRESENT_PROMPT, 10, 37, note, sizeof note);
    CHECK_TEXT(note, "with the present prompt, step 10");
    pattern_mask_note(READING_PRESENT_PROMPT, 10, 36, note, sizeof note);
    CHECK_TEXT(note, "prompt of step 10");
    pattern_mask_note(READING_NO_PROMPT, 0, 36, note, sizeof note);
    CHECK_TEXT(note, "no soft vectors");
}

TEST(zero_shot_follows_the_keys_after_a_moment) {
    struct bench b;
    CHECK(open_zero_shot(&b, 80, 24));
    CHECK(bench_has(&b, "negative 0.749"));
    CHECK(bench_has(&b, "0.91 = 29/32"));
    CHECK(bench_has(&b, "with the present prompt, step 0"));
    bench_keys(&b, "Enter End Backspace");
    moment(&b, 0.1);
    bench_type(&b, "!"); // before the moment was over: it begins anew
    double at = b.client.deadline(b.w);
    CHECK_NEAR(at, b.now + 0.15, 1e-9);
    moment(&b, 0.1);
    CHECK(bench_has(&b, "negative 0.749")); // still the old answer, dimmed
    CHECK_HAS(bench_screen(&b, true), ".dddddddd.ddddd.");
    moment(&b, 0.1);
    CHECK_HAS(bench_screen(&b, false), "negative 0.917");
    CHECK(bench_has(&b, "0.72 = 23/32"));
    bench_close(&b);
}

TEST(label_words_and_calibration_do_not_wait) {
    struct bench b;
    CHECK(open_zero_shot(&b, 80, 24));
    bench_keys(&b, "Enter End Backspace");
    bench_type(&b, "!");
    moment(&b, 0.2);
    bench_keys(&b, "Esc c");
    moment(&b, 0);
    CHECK(bench_has(&b, "zero-shot, calibrated"));
    CHECK(bench_has(&b, "negative 0.497"));
    bench_keys(&b, "c");
    moment(&b, 0);
    bench_command(&b, "words terrible, bad, boring; great, good");
    moment(&b, 0);
    CHECK(bench_has(&b, "0.88 = 28/32"));
    bench_command(&b, "template {soft:20} {text_a} It was {mask}.");
    bench_keys(&b, "n n");
    bench_command(&b, "words bad");
    moment(&b, 0.2);
    CHECK_HAS(bench_screen(&b, false), "needs label words");
    bench_close(&b);
}

TEST(nothing_is_asked_behind_another_screen) {
    struct bench b;
    CHECK(bench_open_recording(&b, "screens/pattern.jsonl", "tests/share/tasks/films", 80, 24));
    moment(&b, 1);
    CHECK(b.client.deadline(b.w) == 0);
    bench_keys(&b, "1");
    moment(&b, 1);
    CHECK(bench_has(&b, "negative 0.749"));
    bench_close(&b);
}

TEST(what_fails_is_told_in_the_pane) {
    struct bench b;
    CHECK(open_zero_shot(&b, 80, 24));
    bench_command(&b, "template {text_a} nobody asked about this {mask}");
    moment(&b, 0.2);
    CHECK_HAS(bench_screen(&b, false), "was recorded for this pattern");
    bench_close(&b);
}

// ---- lists ----

TEST(the_gallery_previews_and_takes) {
    struct bench b;
    CHECK(open_zero_shot(&b, 80, 24));
    bench_keys(&b, "b Down");
    moment(&b, 0.2);
    CHECK(bench_has(&b, "gallery of patterns, 2 of"));
    CHECK(bench_has(&b, "[v0]▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒▒[v19]"));
    bench_keys(&b, "Down Down");
    moment(&b, 0.2);
    CHECK(!bench_has(&b, "Pattern*")); // only shown
    bench_keys(&b, "Esc");
    CHECK(bench_has(&b, "{soft:20} {text_a} It was {mask}."));
    bench_keys(&b, "b Down Down Down Down Enter");
    CHECK(bench_has(&b, "It was {mask}. {text_a}"));
    CHECK(bench_has(&b, "Pattern*"));
    bench_keys(&b, "Enter");
    b.client.key(b.w, (struct key){.character = '_', .control = true}, b.now); // one edit, undone
    CHECK(bench_has(&b, "{soft:20} {text_a} It was {mask}."));
    bench_close(&b);
}

TEST(found_words_are_taken_with_a_key) {
    struct bench b;
    CHECK(open_zero_shot(&b, 80, 24));
    bench_command(&b, "template {text_a} It was {mask}.");
    moment(&b, 0.2);
    bench_keys(&b, "w");
    moment(&b, 0);
    CHECK(bench_has(&b, "words for negative, class 1 of 2"));
    CHECK(bench_has(&b, "▸ disappointing"));
    bench_keys(&b, "Enter");
    CHECK(bench_has(&b, "label words: disappointing; good"));
    bench_keys(&b, "Right Down a");
    CHECK(bench_has(&b, "label words: disappointing; good, pleasant"));
    bench_keys(&b, "Esc");
    CHECK(bench_has(&b, "disappointing; good, pleasant"));
    bench_close(&b);
}

TEST(patterns_go_out_and_come_in) {
    struct bench b;
    char line[800];
    CHECK(open_zero_shot(&b, 80, 24));
    bench_command(&b, "template {text_a} Out and in {mask}.");
    bench_command(&b, "words poor; nice");
    snprintf(line, sizeof line, "export template %s/x.txt", check_folder());
    bench_command(&b, line);
    CHECK(bench_has(&b, "the template is in"));
    snprintf(line, sizeof line, "export words %s/x.json", check_folder());
    bench_command(&b, line);
    CHECK(bench_has(&b, "the label words are in"));
    bench_command(&b, "template {text_a} {mask}");
    bench_command(&b, "words bad; good");
    snprintf(line, sizeof line, "import %s/x.txt", check_folder());
    bench_command(&b, line);
    CHECK(bench_has(&b, "{\"placeholder\": \"text_a\"} Out and in {\"mask\"}."));
    snprintf(line, sizeof line, "import %s/x.json", check_folder());
    bench_command(&b, line);
    CHECK(bench_has(&b, "negative  poor"));
    bench_command(&b, "import /nowhere");
    CHECK(bench_has(&b, "/nowhere"));
    bench_close(&b);
}
