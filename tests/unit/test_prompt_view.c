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
    bench_keys(&b, "o");
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
    CHECK(bench_has(&b, "11-19 of 20") || bench_has(&b, "12-20 of 20"));
    bench_keys(&b, "PgUp PgUp PgUp Up");
    CHECK(bench_has(&b, "┌ v0 ─"));
    bench_close(&b);
}
