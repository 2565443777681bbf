// SPDX-License-Identifier: GPL-3.0-or-later
// Files of runs. What was read is written as a line that reads back to the same line, and can be grouped,
// compared and measured.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "fuzz.h"
#include "sessions/report.h"
#include "sessions/report_stats.h"

static void line_again(const struct report_run *r) {
    struct error e = {0};
    struct report_run back;
    struct buffer once = {0}, twice = {0};
    report_line_write(&once, r, true);
    REQUIRE(buffer_ok(&once, &e));
    REQUIRE(report_line_read(&back, once.data, once.length - 1, &e));
    report_line_write(&twice, &back, true);
    REQUIRE(strcmp(once.data, twice.data) == 0);
    report_run_free(&back);
    buffer_free(&once);
    buffer_free(&twice);
}

static void look(const struct report *all) {
    struct error e = {0};
    struct report_groups g;
    size_t runs = 0;
    REQUIRE(report_group(&g, all, NULL, all->count, &e));
    for (size_t i = 0; i < g.count; i++) {
        struct report_mean m = report_group_mean(all, &g.group[i], REPORT_DEV);
        struct report_difference d = report_group_difference(all, &g.group[i], &g.group[0], REPORT_TEST);
        runs += g.group[i].runs;
        REQUIRE(m.n <= g.group[i].finished && g.group[i].finished <= g.group[i].runs);
        REQUIRE(m.n == 0 ? isnan(m.mean) : (m.mean >= 0 && m.mean <= 1));
        REQUIRE(d.n <= g.group[i].runs && (d.n > 1) == isfinite(d.half));
    }
    REQUIRE(runs == all->count);
    report_groups_free(&g);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct report all = {0};
    const char *path = fuzz_file("runs.jsonl", data, size);
    const struct report_source source = {
        .session = "runs.jsonl", .folder = "", .place = "", .path = (char *)path, .lines = true};
    REQUIRE(report_read(&all, &source, &e));
    for (size_t i = 0; i < all.count; i++) {
        if (!all.run[i].task[0])
            REQUIRE(all.run[i].note[0] || size);
        else
            line_again(&all.run[i]);
    }
    if (all.count <= 64)
        look(&all);
    report_free(&all);
    return 0;
}
