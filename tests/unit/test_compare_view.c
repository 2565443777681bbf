// SPDX-License-Identifier: GPL-3.0-or-later
// The Compare screen on a file of runs: rows, settings, marks, baseline, order, filters, files, and what
// stays when the runs are read anew.
#include "workbench_bench.h"

#include <unistd.h>

#include "engine/base/file.h"

static const char *in_folder(const char *name) {
    static char path[600];
    snprintf(path, sizeof path, "%s/%s", check_folder(), name);
    return path;
}

static bool put_runs(const char *more) {
    char *text = NULL;
    size_t length;
    struct buffer b = {0};
    bool ok = file_make_folders(in_folder("sessions"), NULL) &&
              file_read(check_path("screens/compare-runs.jsonl"), 1 << 20, &text, &length, NULL);
    buffer_add_text(&b, text ? text : "");
    buffer_add_text(&b, more);
    ok = ok && file_write_atomic(in_folder("sessions/runs.jsonl"), b.data, b.length, NULL);
    free(text);
    buffer_free(&b);
    return ok;
}

static bool open_compare(struct bench *b, const char *keys) {
    setenv("TZ", "UTC", 1);
    if (!put_runs("") || !bench_open(b, 120, 40))
        return false;
    bench_keys(b, "6");
    bool ok = bench_wait(b);
    if (ok)
        bench_keys(b, keys);
    return ok;
}

// The line of the screen with this text; "" if there is none.
static const char *line_with(struct bench *b, const char *part) {
    static char line[1024];
    const char *screen = bench_screen(b, false), *at = strstr(screen, part), *begin = at;
    line[0] = 0;
    if (!at)
        return line;
    while (begin > screen && begin[-1] != '\n')
        begin--;
    snprintf(line, sizeof line, "%.*s", (int)strcspn(begin, "\n"), begin);
    return line;
}

TEST(runs_are_rows_newest_first) {
    struct bench b;
    CHECK(open_compare(&b, ""));
    CHECK(bench_has(&b, "11 runs, 5 settings, 1 damaged"));
    CHECK_HAS(line_with(&b, "影评 hybrid PT  "), "0.938 = 30/32"); // never tested
    CHECK_HAS(line_with(&b, "films hybrid PPT  "), "946/1000");
    bench_close(&b);
}

TEST(settings_have_means_with_their_n) {
    struct bench b;
    CHECK(open_compare(&b, "v"));
    // test 949, 955, 946: mean 0.950, sd 0.00458
    CHECK_HAS(line_with(&b, "films hybrid PPT  "), "0.950 ± 0.005 n=3");
    CHECK_HAS(line_with(&b, "影评 hybrid PT  "), "0/1 runs");
    bench_keys(&b, "Down Enter Down");
    CHECK_HAS(line_with(&b, "seed 1, pretrained"), "949/1000");
    CHECK(bench_has(&b, "┌ films hybrid PPT, seed 1 ─"));
    bench_keys(&b, "Up Enter");
    CHECK(!bench_has(&b, "seed 1, pretrained"));
    bench_close(&b);
}

TEST(a_baseline_gives_paired_differences) {
    struct bench b;
    CHECK(open_compare(&b, "v t"));
    bench_command(&b, "order setting");
    bench_keys(&b, "G b");
    CHECK(bench_has(&b, "base: vanilla PT"));
    // test: 949-927, 955-924, 946-915 = 22, 31, 31 (thousandths): mean 28, s 5.196, half 4.302653 * 3
    // = 12.908
    CHECK_HAS(line_with(&b, "▸ hybrid PPT"), "+0.031 [-0.046, +0.109] n=3");
    bench_keys(&b, "g");
    CHECK(bench_has(&b, "+0.028 from the baseline"));
    CHECK(bench_has(&b, "+0.015 to +0.041"));
    bench_keys(&b, "G b");
    CHECK(!bench_has(&b, "base:"));
    bench_close(&b);
}

TEST(marks_stay_when_runs_are_read_anew) {
    struct bench b;
    CHECK(open_compare(&b, "Down m v Down m"));
    CHECK(bench_has(&b, "A films hybrid PPT, seed 3"));
    CHECK(bench_has(&b, "B films hybrid PPT, mean of n=3") ||
          bench_has(&b, "B films vanilla PT, mean of n=3"));
    CHECK(put_runs("{\"version\":1,\"task\":\"new\",\"session\":\"n\",\"steps\":1,\"begun\":\"2026-12-24T12:"
                   "00:00Z\"}\n"));
    bench_keys(&b, "r");
    CHECK(bench_wait(&b));
    CHECK(bench_has(&b, "12 runs, 6 settings"));
    CHECK(bench_has(&b, "A films hybrid PPT, seed 3"));
    bench_keys(&b, "M");
    CHECK(bench_has(&b, "selected; m marks"));
    bench_close(&b);
}

TEST(order_and_filter) {
    struct bench b;
    CHECK(open_compare(&b, ""));
    bench_command(&b, "order test");
    bench_keys(&b, "g");
    CHECK(bench_has(&b, "┌ films hybrid PPT, seed 2 ─"));
    bench_keys(&b, "O g");
    CHECK(bench_has(&b, "┌ films vanilla PT, seed 3 ─"));
    bench_command(&b, "order nonsense");
    CHECK(bench_has(&b, "no column begins with"));
    bench_command(&b, "filter method=ppt seed=2");
    CHECK(bench_has(&b, "1 run, 1 setting"));
    bench_command(&b, "filter tea");
    CHECK(bench_has(&b, "None of the 12 runs passes"));
    bench_keys(&b, "F t");
    CHECK(bench_has(&b, "10 runs, 4 settings, task films"));
    bench_keys(&b, "t");
    bench_command(&b, "search 影评");
    CHECK(bench_has(&b, "┌ 影评 hybrid PT, seed 7 ─"));
    bench_close(&b);
}

TEST(tables_and_curves_are_exported) {
    struct bench b;
    char line[700], *text;
    size_t length;
    CHECK(open_compare(&b, "v t"));
    snprintf(line, sizeof line, "export table %s", in_folder("t.csv"));
    bench_command(&b, line);
    CHECK(bench_has(&b, "the table (4 settings) is in"));
    CHECK(file_read(in_folder("t.csv"), 1 << 20, &text, &length, NULL));
    CHECK_HAS(text, "films,sprout,hybrid PPT,");
    free(text);
    // A setting of which no run was finished has done no steps.
    bench_keys(&b, "t");
    snprintf(line, sizeof line, "export table %s", in_folder("all.md"));
    bench_command(&b, line);
    CHECK(file_read(in_folder("all.md"), 1 << 20, &text, &length, NULL));
    char *row = strstr(text, "影评");
    CHECK(row && strchr(row, '\n'));
    *strchr(row, '\n') = '\0';
    size_t none = 0;
    for (const char *at = row; (at = strstr(at, " - |")); at++)
        none++;
    CHECK_SIZE(none, 4); // dev, test, steps done, time
    free(text);
    bench_keys(&b, "t");
    bench_keys(&b, "m 3"); // from another screen, too
    snprintf(line, sizeof line, "export curves %s", in_folder("c.svg"));
    bench_command(&b, line);
    CHECK(bench_has(&b, "1 curve is in"));
    CHECK(file_read(in_folder("c.svg"), 1 << 20, &text, &length, NULL));
    CHECK_HAS(text, "hybrid PPT, mean of n=3</text>");
    free(text);
    bench_command(&b, "export table x.doc");
    CHECK(bench_has(&b, "the extension says the format"));
    bench_command(&b, "export curves x.png");
    CHECK(bench_has(&b, ".svg"));
    bench_command(&b, "export table");
    CHECK(bench_has(&b, "usage: :export table"));
    bench_command(&b, "export x.safetensors"); // the prompt, as ever; a recording has none
    CHECK(bench_has(&b, "a recording holds no vectors"));
    bench_close(&b);
}

TEST(an_export_waits_for_the_runs) {
    struct bench b;
    char line[700];
    CHECK(put_runs("") && bench_open(&b, 80, 24));
    unlink(in_folder("early.md"));
    snprintf(line, sizeof line, "export table %s", in_folder("early.md"));
    bench_command(&b, line);
    CHECK(bench_wait(&b));
    CHECK(file_exists(in_folder("early.md")));
    bench_close(&b);
}

TEST(a_run_without_a_session_is_not_opened) {
    struct bench b;
    CHECK(open_compare(&b, "Enter"));
    CHECK(bench_has(&b, "comes from a file of runs"));
    bench_close(&b);
}

// Dev has a score there; what is missing is anything that moved.
TEST(a_run_in_which_nothing_was_tuned_has_no_curve) {
    struct bench b;
    CHECK(
        put_runs("{\"version\":1,\"session\":\"n\",\"place\":\"films/hard/good/1\",\"task\":\"films\","
                 "\"method\":\"hard\",\"steps\":1,\"evaluations\":1,\"begun\":\"2026-12-24T12:00:00Z\","
                 "\"settings\":{\"steps\":1},\"dev\":{\"examples\":32,\"accuracy\":0.875,\"macro_f1\":0.875,"
                 "\"loss\":0.4,\"step\":0}}\n") &&
        bench_open(&b, 120, 40));
    bench_keys(&b, "6");
    CHECK(bench_wait(&b));
    CHECK_HAS(line_with(&b, "films hard "), "0.875");
    CHECK(bench_has(&b, "nothing was tuned: no curve"));
    CHECK(!bench_has(&b, "dev was not scored in these runs"));
    bench_close(&b);
}

TEST(eight_marks_and_no_more) {
    struct bench b;
    CHECK(open_compare(&b, "m Down m Down m Down m Down m Down m Down m Down m Down m"));
    CHECK(bench_has(&b, "8 rows are marked already"));
    CHECK(bench_has(&b, "H films"));
    bench_close(&b);
}

static char columns[300];
static void add_column(void *sink, const char *title) {
    (void)sink;
    snprintf(columns + strlen(columns), sizeof columns - strlen(columns), "[%s]", title);
}

// What was asked for and what was done are two columns with two names.
TEST(the_first_order_is_by_dev) {
    struct bench b;
    CHECK(open_compare(&b, "o"));
    CHECK(bench_has(&b, "by dev accuracy, the greatest first"));
    for (int i = 0; i < 30 && !bench_has(&b, "by method"); i++) // all the others come in turn
        bench_keys(&b, "o");
    CHECK(bench_has(&b, "by method"));
    bench_close(&b);
}

TEST(steps_have_a_name_each) {
    struct bench b;
    CHECK(open_compare(&b, "d"));
    bench_command(&b, "order steps");
    CHECK(bench_has(&b, "by steps, "));
    bench_command(&b, "order steps done");
    CHECK(bench_has(&b, "by steps done, "));
    columns[0] = 0; // and both are completed, blanks and all
    b.client.completion.complete(b.w, "order steps", 6, add_column, NULL);
    CHECK_TEXT(columns, "[steps][steps done]");
    columns[0] = 0;
    b.client.completion.complete(b.w, "order steps d", 12, add_column, NULL);
    CHECK_TEXT(columns, "[done]");
    bench_close(&b);
}

TEST(a_press_selects_only_rows_that_show) {
    struct bench b;
    CHECK(open_compare(&b, ""));
    bench_mouse(&b, MOUSE_PRESS, 6, 20); // the third row
    CHECK(bench_has(&b, "┌ films hybrid PPT, seed 2 ─"));
    // The details take the whole screen: the rows that were there are not to be hit.
    bench_keys(&b, "Tab Tab z");
    CHECK(!bench_has(&b, "11 runs, 5 settings"));
    bench_mouse(&b, MOUSE_PRESS, 8, 20);
    bench_keys(&b, "z");
    CHECK(bench_has(&b, "films hybrid PPT, seed 2 ─"));
    bench_close(&b);
}
