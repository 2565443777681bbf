// SPDX-License-Identifier: GPL-3.0-or-later
// The Run screen on a recorded run: its numbers are those of the history, and say what they are out of.
#include "workbench_bench.h"

#include <math.h>

#include "views/run_inside.h"

static const struct metric *last_of(struct bench *b, enum metric_kind kind) {
    size_t count;
    const struct metric *history = workbench_history(b->w, &count);
    while (count-- > 0)
        if (history[count].kind == kind)
            return &history[count];
    return NULL;
}

TEST(numbers_are_those_of_the_history) {
    struct bench b;
    char text[128];
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    const struct metric *step = last_of(&b, METRIC_STEP), *dev = last_of(&b, METRIC_EVAL);
    CHECK(step && dev);
    const char *screen = bench_screen(&b, false);
    snprintf(text, sizeof text, "step    %zu/100", step->step);
    CHECK_HAS(screen, text);
    snprintf(text, sizeof text, "train loss %.3g", (double)step->train_loss);
    CHECK_HAS(screen, text);
    snprintf(text, sizeof text, "train acc  %.2f = %.0f/8 batch", (double)step->train_accuracy,
             8 * (double)step->train_accuracy);
    CHECK_HAS(screen, text);
    snprintf(text, sizeof text, "dev acc   %.2f = %.0f/32", (double)dev->dev_accuracy,
             round(32 * (double)dev->dev_accuracy));
    CHECK_HAS(screen, text);
    snprintf(text, sizeof text, "%zu/100 ", step->step); // in the frame too
    CHECK_HAS(strstr(screen, "└"), text);
    bench_close(&b);
}

TEST(the_best_is_marked_where_it_was) {
    struct bench b;
    size_t count, best = 0;
    char text[64];
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    const struct metric *history = workbench_history(b.w, &count);
    for (size_t i = 0; i < count; i++)
        if (history[i].kind == METRIC_EVAL && history[i].best)
            best = history[i].step;
    snprintf(text, sizeof text, "/32 @ %zu ─┘", best);
    CHECK_HAS(bench_screen(&b, false), text);
    CHECK_HAS(bench_screen(&b, false), "┊best");
    bench_close(&b);
}

TEST(dev_is_never_called_test) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    CHECK(bench_has(&b, "test    not scored yet: t scores 1000 examples"));
    CHECK(!bench_has(&b, "/32 test"));
    bench_close(&b);
}

TEST(panes_take_the_focus_in_turn_and_zoom) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    CHECK(bench_has(&b, "▸loss"));
    bench_keys(&b, "Tab");
    CHECK(bench_has(&b, "▸accuracy"));
    bench_keys(&b, "Tab"); // no place of its own at this size: it takes the second
    CHECK(bench_has(&b, "▸gradient norm"));
    CHECK(bench_has(&b, "┌ loss"));
    bench_keys(&b, "z");
    CHECK(bench_has(&b, "▸gradient norm"));
    CHECK(!bench_has(&b, "┌ loss"));
    bench_keys(&b, "z Shift-Tab Shift-Tab Shift-Tab");
    CHECK(bench_has(&b, "▸nearest words"));
    CHECK(grid_resize(b.g, 40, 120, &b.error));
    CHECK(bench_has(&b, "┌ gradient norm"));
    CHECK(bench_has(&b, "┌ update/prompt"));
    CHECK(bench_has(&b, "┌ learning rate"));
    bench_close(&b);
}

// The column of the second frame's corner on a row of the screen.
static int second_corner(struct bench *b, const char *corner) {
    const char *screen = bench_screen(b, false), *at = strstr(screen, corner), *row = at;
    while (row && row > screen && row[-1] != '\n')
        row--;
    return at ? text_width(row, (size_t)(at - row)) : -1;
}

TEST(borders_move_and_go_back) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    const int before = second_corner(&b, "┌ accuracy");
    CHECK_SIZE(before, 40);
    bench_keys(&b, "> > >");
    CHECK_SIZE(second_corner(&b, "┌ accuracy"), 43);
    CHECK(!bench_has(&b, "   v9 "));
    bench_keys(&b, "Ctrl-Up Ctrl-Up"); // what is below the curves gets more: words of more vectors
    CHECK(bench_has(&b, "   v9 "));
    bench_keys(&b, "Tab <");
    CHECK_SIZE(second_corner(&b, "┌▸accuracy"), 44);
    bench_command(&b, "pane-sizes");
    CHECK_SIZE(second_corner(&b, "┌▸accuracy"), before);
    bench_close(&b);
}

static void mouse(struct bench *b, enum mouse_kind kind, int row, int column) {
    bench_screen(b, false); // where things are
    b->client.key(b->w, (struct key){.code = KEY_CODE_MOUSE, .character = kind, .row = row, .column = column},
                  b->now);
}

TEST(a_press_gives_the_focus_and_the_wheel_shows_fewer_steps) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    mouse(&b, MOUSE_PRESS, 6, 60);
    CHECK(bench_has(&b, "▸accuracy"));
    mouse(&b, MOUSE_PRESS, 16, 10); // the numbers are no pane
    CHECK(bench_has(&b, "▸accuracy"));
    mouse(&b, MOUSE_PRESS, 21, 30); // the nearest words
    CHECK(bench_has(&b, "▸nearest words"));
    mouse(&b, MOUSE_WHEEL_UP, 6, 10);
    CHECK(bench_has(&b, "▸loss"));
    CHECK(!bench_has(&b, "│    0      ")); // half of 50 steps, those at the end
    mouse(&b, MOUSE_WHEEL_DOWN, 6, 10);
    CHECK(bench_has(&b, "│    0      "));
    CHECK(grid_resize(b.g, 40, 120, &b.error));
    mouse(&b, MOUSE_PRESS, 20, 60);
    CHECK(bench_has(&b, "▸update/prompt"));
    mouse(&b, MOUSE_PRESS, 36, 60);
    CHECK(bench_has(&b, "▸nearest words"));
    bench_keys(&b, "z");
    CHECK(bench_has(&b, "▸nearest words"));
    CHECK(!bench_has(&b, "learning rate"));
    bench_close(&b);
}

TEST(a_changed_rate_shows_at_once_and_on_the_curve) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    bench_command(&b, "rate 0.5");
    CHECK(bench_has(&b, "rate    0.5 "));
    CHECK(bench_has(&b, "rate 0.5┊") || bench_has(&b, "┊rate 0.5"));
    bench_close(&b);
}

TEST(a_new_run_forgets_the_old_curves) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    bench_command(&b, "set seed 5");
    bench_keys(&b, "Ctrl-S");
    b.now += 60;
    CHECK(bench_has(&b, "seed 5"));
    CHECK(bench_has(&b, "Press Space to start tuning."));
    CHECK(!bench_has(&b, "37/100"));
    bench_keys(&b, "Space");
    CHECK(bench_has(&b, "step    5/100"));
    bench_close(&b);
}

TEST(words_of_the_vectors) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    const struct prompt_picture *p = workbench_picture(b.w);
    CHECK(p && p->slots == 20);
    char text[160];
    const struct tokenizer *t = workbench_workspace(b.w)->tokenizer;
    snprintf(text, sizeof text, "v0 %s %s", tokenizer_piece(t, p->near[0].id),
             tokenizer_piece(t, p->near[1].id));
    CHECK_HAS(bench_screen(&b, false), text);
    bench_close(&b);
}

// ---- over the steps ----

TEST(the_range_halves_and_doubles_around_the_cursor) {
    struct run_range r = {0};
    double from, to;
    CHECK(run_range_end(37, 1000) == 50 && run_range_end(37, 40) == 40 && run_range_end(5000, 0) == 5000);
    run_range_shown(&r, 100, &from, &to);
    CHECK(from == 0 && to == 100);
    run_range_move(&r, 100, 37, 1); // first it stands at the end of the curve
    CHECK(r.cursor && r.at == 37);
    run_range_move(&r, 100, 37, 1);
    CHECK_SIZE(r.at, 37);
    run_range_move(&r, 100, 37, -1);
    CHECK_SIZE(r.at, 36);
    run_range_zoom(&r, 100, 37, true);
    run_range_shown(&r, 100, &from, &to);
    CHECK(to - from == 50 && from == 18); // 36 is where it was: at 36 % of the width
    for (int i = 0; i < 20; i++)
        run_range_zoom(&r, 100, 37, true);
    run_range_shown(&r, 100, &from, &to);
    CHECK(to - from >= 7 && to - from <= 14 && from <= 36 && to >= 36);
    for (int i = 0; i < 40; i++)
        run_range_pan(&r, 100, true);
    run_range_shown(&r, 100, &from, &to);
    CHECK(to <= 101 && from < to);
    run_range_put(&r, 100, 3); // out of sight: what is shown follows
    run_range_shown(&r, 100, &from, &to);
    CHECK(from <= 3 && to >= 3);
    for (int i = 0; i < 20; i++)
        run_range_zoom(&r, 100, 37, false);
    run_range_shown(&r, 100, &from, &to);
    CHECK(from == 0 && to == 100);
    for (int i = 0; i < 200; i++)
        run_range_move(&r, 100000, 90000, -1);
    CHECK_SIZE(r.at, 0);
}

TEST(the_cursor_reads_the_numbers_of_its_step) {
    struct bench b;
    char text[128];
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space Left PgUp PgUp");
    size_t count;
    const struct metric *history = workbench_history(b.w, &count), *at = NULL;
    for (size_t i = 0; i < count; i++)
        if (history[i].kind == METRIC_EVAL && history[i].step == 30)
            at = &history[i];
    CHECK(at != NULL);
    CHECK(bench_has(&b, "step    30/100"));
    snprintf(text, sizeof text, "dev %.3g", (double)at->dev_loss);
    CHECK_HAS(bench_screen(&b, false), text);
    snprintf(text, sizeof text, "dev acc   %.2f = ", (double)at->dev_accuracy);
    CHECK_HAS(bench_screen(&b, false), text);
    CHECK(bench_has(&b, "U goes back to the prompt of step 30"));
    bench_keys(&b, "U");
    CHECK(bench_has(&b, "back to the prompt of step 30"));
    CHECK(bench_has(&b, "undo to 30"));
    history = workbench_history(b.w, &count);
    CHECK(history[count - 1].kind == METRIC_UNDO && history[count - 1].undone_to == 30);
    CHECK(bench_has(&b, "step    37/100")); // the cursor went
    bench_command(&b, "undo-to 31");
    CHECK(bench_has(&b, "the nearest that was: step 30"));
    bench_close(&b);
}

TEST(esc_takes_back_cursor_range_and_zoom_in_turn) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space z Left i");
    CHECK(bench_has(&b, "step 37: train"));
    bench_keys(&b, "Esc");
    CHECK(!bench_has(&b, "step 37: train"));
    bench_keys(&b, "Esc Esc");
    CHECK(bench_has(&b, "┌ accuracy"));
    bench_close(&b);
}

TEST(a_single_step_is_reported_until_the_run_goes_on) {
    struct bench b;
    CHECK(bench_open_recording(&b, "screens/single.jsonl", "tests/share/tasks/films", 80, 24));
    CHECK(bench_has(&b, "About 12 s: 100 steps of 98 ms, 21 dev scorings of 0.10 s (by one batch)."));
    CHECK(bench_has(&b, "Memory "));
    CHECK(!bench_has(&b, "what the step did"));
    bench_keys(&b, "s");
    const struct step_report *p = workbench_report(b.w);
    CHECK(p && p->metric.step == 1 && p->batch == 8);
    CHECK(bench_has(&b, "┌ what the step did"));
    CHECK(bench_has(&b, "step 1, its batch of 8"));
    char text[64];
    snprintf(text, sizeof text, "loss      %.3g → %.3g", (double)p->metric.train_loss, (double)p->loss_after);
    CHECK_HAS(bench_screen(&b, false), text);
    bench_keys(&b, "s");
    CHECK(bench_has(&b, "step 2, its batch of 8"));
    bench_keys(&b, "Tab"); // the accuracy is one key away
    CHECK(bench_has(&b, "▸accuracy"));
    bench_keys(&b, "Shift-Tab Shift-Tab");
    CHECK(bench_has(&b, "▸what the step did"));
    bench_keys(&b, "Space");
    CHECK(!workbench_report(b.w));
    CHECK(!bench_has(&b, "what the step did"));
    bench_close(&b);
}

TEST(what_a_run_takes_is_told_by_the_last_one_like_it) {
    struct bench b;
    double step = 0, dev = 0;
    CHECK(bench_open_recording(&b, "screens/single.jsonl", "tests/share/tasks/films", 80, 24));
    CHECK(!workbench_pace(b.w, &step, &dev));
    bench_keys(&b, "s s");
    double seconds = workbench_step_seconds(b.w);
    CHECK(seconds > 0 && workbench_pace(b.w, &step, &dev));
    CHECK_NEAR(step, seconds, 1e-9);
    CHECK_NEAR(dev, 0.1353, 1e-6);
    bench_keys(&b, "R y");
    CHECK(bench_has(&b, "Press Space to start tuning"));
    CHECK(bench_has(&b, "dev scorings of 0.14 s (by the last run)."));
    bench_command(&b, "set batch 4"); // another cost
    bench_keys(&b, "Ctrl-S");
    b.client.wake(b.w, b.now);
    CHECK(!workbench_pace(b.w, &step, &dev));
    bench_close(&b);
}

TEST(a_sweep_is_drawn_and_taken) {
    struct bench b;
    CHECK(bench_open_recording(&b, "screens/single.jsonl", "tests/share/tasks/films", 80, 24));
    bench_command(&b, "sweep rate 0.001 10");
    b.client.wake(b.w, b.now);
    CHECK(bench_has(&b, "┌ learning rates"));
    CHECK(bench_has(&b, "y takes 0.0033"));
    bench_keys(&b, "y");
    CHECK(bench_has(&b, "learning rate 0.0033 (3.3e-05 in the paper's code), from the next step"));
    CHECK(!bench_has(&b, "┌ learning rates"));
    CHECK_NEAR(session_settings(workbench_session(b.w))->rate, 0.0033, 1e-12);
    bench_command(&b, "sweep rate 1 0.1");
    CHECK(bench_has(&b, "the lower first"));
    bench_command(&b, "sweep steps");
    CHECK(bench_has(&b, "sweep: rate"));
    bench_close(&b);
    CHECK(bench_open(&b, 80, 24)); // a recording without a sweep
    bench_command(&b, "sweep lr");
    b.client.wake(b.w, b.now);
    CHECK(bench_has(&b, "no sweep: "));
    bench_close(&b);
}
