// SPDX-License-Identifier: GPL-3.0-or-later
// The Prompt screen on a recorded run: rows, order, metric, the selected vector.
#include "workbench_bench.h"

static size_t row_of(const char *screen, const char *name) { // line that begins with the vector's name
    size_t line = 0;
    for (const char *at = screen; at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL, line++) {
        const char *found = strstr(at, name), *end = strchr(at, '\n');
        if (found && end && found < end && found - at < 12)
            return line;
    }
    return 0;
}

TEST(rows_say_what_the_picture_says) {
    struct bench b;
    char text[128];
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4");
    const struct prompt_picture *p = workbench_picture(b.w);
    const char *screen = bench_screen(&b, false);
    snprintf(text, sizeof text, "soft vectors after step %zu, by number", p->step);
    CHECK_HAS(screen, text);
    snprintf(text, sizeof text, "%.2f", (double)p->norm[3]);
    CHECK_HAS(strstr(screen, " v3 "), text);
    snprintf(text, sizeof text, "%.2f", (double)p->drift[3]);
    CHECK_HAS(strstr(screen, " v3 "), text);
    snprintf(text, sizeof text, "%.3f", (double)p->cosine_to_start[3]);
    CHECK_HAS(strstr(screen, " v3 "), text);
    bench_close(&b);
}

TEST(sorting_by_drift_puts_the_farthest_first) {
    struct bench b;
    char name[32];
    size_t farthest = 0;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4");
    const struct prompt_picture *p = workbench_picture(b.w);
    for (size_t i = 0; i < p->slots; i++)
        farthest = p->drift[i] > p->drift[farthest] ? i : farthest;
    CHECK(farthest != 0);
    bench_keys(&b, "o g");
    snprintf(name, sizeof name, " v%zu ", farthest);
    CHECK_SIZE(row_of(bench_screen(&b, false), name), 4); // title, tabs, frame, head
    CHECK(bench_has(&b, "by drift"));
    bench_keys(&b, "o");
    CHECK(bench_has(&b, "by norm"));
    bench_keys(&b, "o g");
    CHECK_SIZE(row_of(bench_screen(&b, false), " v0 "), 4);
    bench_close(&b);
}

TEST(the_metric_changes_words_and_values) {
    struct bench b;
    char text[160];
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "4");
    const struct prompt_picture *p = workbench_picture(b.w);
    const struct tokenizer *t = workbench_workspace(b.w)->tokenizer;
    for (int kind = 0; kind < NEAR_KINDS; kind++) {
        const struct near_token *n = p->near + (size_t)kind * p->k;
        snprintf(text, sizeof text, "  %s %.2f", tokenizer_piece(t, n[0].id), (double)n[0].value);
        CHECK_HAS(strstr(bench_screen(&b, false), " v0 "), text);
        bench_keys(&b, "m");
    }
    CHECK(bench_has(&b, "nearest by cosine"));
    bench_close(&b);
}

TEST(moving_the_selection) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "4");
    CHECK(bench_has(&b, "┌ v0 ─"));
    bench_keys(&b, "Down j j Up");
    CHECK(bench_has(&b, "┌ v2 ─"));
    bench_keys(&b, "G");
    CHECK(bench_has(&b, "┌ v19 ─"));
    bench_keys(&b, "Down PgDn");
    CHECK(bench_has(&b, "┌ v19 ─"));
    CHECK(bench_has(&b, "13-20 of 20"));
    bench_keys(&b, "PgUp PgUp PgUp Up");
    CHECK(bench_has(&b, "┌ v0 ─"));
    bench_close(&b);
}

// Lets the screen ask for what it shows, and take what comes.
static void settle(struct bench *b) {
    for (int i = 0; i < 6; i++) {
        bench_screen(b, false);
        b->now += 1;
        b->client.dirty(b->w, b->now);
        b->client.wake(b->w, b->now);
    }
}

TEST(searching_finds_a_number_and_a_word_near_it) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "4");
    bench_command(&b, "search v17");
    CHECK(bench_has(&b, "┌ v17 ─"));
    bench_command(&b, "search DIALOG"); // in either case, and a part
    CHECK(bench_has(&b, "┌ v3 ─"));
    bench_command(&b, "search an");
    bench_keys(&b, "n n");
    const char *screen = bench_screen(&b, false);
    CHECK(strstr(screen, "┌ v") != NULL);
    bench_keys(&b, "N N");
    bench_command(&b, "search qqqq");
    CHECK(bench_has(&b, "no vector lies near"));
    bench_close(&b);
}

TEST(ablation_puts_what_matters_most_on_top) {
    struct bench b;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4 a");
    CHECK(bench_has(&b, "dev without each vector, step 37, by loss"));
    CHECK(bench_has(&b, "v15 matters most"));
    const char *screen = bench_screen(&b, false);
    CHECK_SIZE(row_of(screen, " v15 "), 4);
    CHECK_HAS(screen, "+0.136");                            // 0.327 without it, 0.191 with all
    CHECK_HAS(screen, "all: loss 0.191, acc 0.91 = 29/32"); // n is told
    CHECK_HAS(screen, "without it: dev loss 0.327 (+0.136)");
    bench_keys(&b, "v");
    CHECK(bench_has(&b, "soft vectors after step 37"));
    bench_keys(&b, "v");
    CHECK(bench_has(&b, "dev without each vector"));
    bench_close(&b);
}

TEST(snapping_says_first_what_it_would_do) {
    struct bench b;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4 Enter"); // nothing is known yet: it is asked for
    CHECK(bench_has(&b, "dev with a word for each vector, step 37"));
    CHECK(bench_has(&b, "all: loss 0.191, acc 0.91 = 29/32; as words: 1.36"));
    bench_close(&b);
}

TEST(the_slider_shows_the_prompt_as_it_was) {
    struct bench b;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4");
    CHECK(bench_has(&b, "step 37, now"));
    bench_keys(&b, ",");
    CHECK(bench_has(&b, "soft vectors after step 35"));
    CHECK(bench_has(&b, "step 35, dev acc 0.88"));
    bench_keys(&b, "f"); // the present prompt is what is changed
    CHECK(bench_has(&b, "this is the prompt of step 35"));
    bench_keys(&b, "Left");
    CHECK(bench_has(&b, "soft vectors after step 30"));
    bench_keys(&b, ". Right");
    CHECK(bench_has(&b, "soft vectors after step 37"));
    bench_keys(&b, "."); // the present is the end
    CHECK(bench_has(&b, "step 37, now"));
    bench_keys(&b, ", U");
    CHECK(bench_has(&b, "back to the prompt of step 35"));
    bench_close(&b);
}

TEST(another_prompt_stands_beside) {
    struct bench b;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "Space Space Space 4");
    bench_command(&b, "beside start");
    b.client.wake(b.w, b.now);
    const struct prompt_picture *p = workbench_picture(b.w);
    char text[64];
    CHECK(bench_has(&b, "step 37 beside start"));
    snprintf(text, sizeof text, "%.3f %7.2f ", (double)p->cosine_to_start[0], (double)p->drift[0]);
    CHECK_HAS(strstr(bench_screen(&b, false), " v0 "), text); // beside the start, that is the drift
    bench_command(&b, "beside step 36");
    CHECK(bench_has(&b, "was not kept"));
    bench_command(&b, "beside nowhere.npy");
    CHECK(bench_has(&b, "nowhere.npy"));
    bench_command(&b, "beside off");
    CHECK(bench_has(&b, "soft vectors after step 37"));
    bench_close(&b);
}

TEST(the_map_comes_when_somebody_looks) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    settle(&b);
    bench_keys(&b, "4");
    CHECK(bench_has(&b, "is being computed"));
    settle(&b);
    CHECK(bench_has(&b, "map: 10 + 9 %"));
    bench_keys(&b, "Tab Tab z");
    CHECK(bench_has(&b, "two widest axes"));
    CHECK(bench_has(&b, "v0 ▁teacher"));
    bench_keys(&b, "+ +");
    CHECK(bench_has(&b, "4 ×"));
    CHECK(bench_has(&b, "v0 ▁teacher")); // towards the selected one
    bench_keys(&b, "Left Left Left Left Left Left Left Left");
    CHECK(!bench_has(&b, "v0 ▁teacher"));
    bench_keys(&b, "- -");
    CHECK(bench_has(&b, "v0 ▁teacher"));
    bench_close(&b);
}

TEST(words_that_are_no_pieces_are_refused) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "4");
    bench_command(&b, "word qqqqqq");
    CHECK(bench_has(&b, "no single piece"));
    bench_command(&b, "freeze v20");
    CHECK(bench_has(&b, "v0 to v19"));
    bench_command(&b, "load-here nowhere.npy");
    CHECK(bench_has(&b, "nowhere.npy"));
    bench_command(&b, "load nowhere.npy");
    CHECK(bench_has(&b, "nowhere.npy"));
    bench_close(&b);
}
