// SPDX-License-Identifier: GPL-3.0-or-later
// The Run screen on a recorded run: its numbers are those of the history, and say what they are out of.
#include "workbench_bench.h"

#include <math.h>

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
