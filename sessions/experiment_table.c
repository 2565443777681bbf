// SPDX-License-Identifier: GPL-3.0-or-later
#include "sessions/experiment_table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sessions/report_stats.h"

enum { KEY = 512 };

// The scores of a cell of the table, one a seed.
struct scores {
    double *x;
    size_t n;
    size_t least, most; // examples
};

static const struct report_run *find(const struct experiment *x, const struct report *r,
                                     const struct experiment_cell *c) {
    char key[KEY];
    experiment_cell_key(x, c, key, sizeof key);
    for (size_t i = r->count; i-- > 0;) // the newest
        if (strcmp(r->run[i].place, key) == 0 && strcmp(r->run[i].session, x->name) == 0 &&
            !r->run[i].note[0])
            return &r->run[i];
    return NULL;
}

static void collect(struct scores *s, const struct experiment *x, const struct report *r,
                    struct experiment_cell c, enum report_split split) {
    s->n = 0;
    for (c.seed = 0; c.seed < x->seeds; c.seed++) {
        const struct report_run *run = find(x, r, &c);
        double score = run ? report_run_score(run, split) : NAN;
        if (!isfinite(score))
            continue;
        size_t examples = split == REPORT_TEST ? run->test.examples : run->dev.examples;
        s->x[s->n++] = score;
        s->least = !s->most || examples < s->least ? examples : s->least;
        s->most = examples > s->most ? examples : s->most;
    }
}

// In points of a hundred: "81.0 ± 3.1", with the number of seeds where some are missing.
static void print_cell(char out[REPORT_CELL], const struct report_mean *m, size_t seeds) {
    if (!m->n)
        snprintf(out, REPORT_CELL, "-");
    else if (m->n == 1)
        snprintf(out, REPORT_CELL, seeds == 1 ? "%.1f" : "%.1f n=1", 100 * m->mean);
    else if (m->n < seeds)
        snprintf(out, REPORT_CELL, "%.1f ± %.1f n=%zu", 100 * m->mean, 100 * m->sd, m->n);
    else
        snprintf(out, REPORT_CELL, "%.1f ± %.1f", 100 * m->mean, 100 * m->sd);
}

static void put_row(struct report_sheet *s, const struct experiment *x, const struct report *r, size_t method,
                    size_t words, enum report_split split, struct scores *scores) {
    char text[REPORT_CELL];
    double mean = 0, sd = 0;
    size_t tasks = 0, spread = 0;
    report_sheet_put(s, x->method[method].name);
    if (x->words.count > 1)
        report_sheet_put(s, x->words.text[words]);
    for (size_t t = 0; t < x->tasks.count; t++) {
        collect(scores, x, r, (struct experiment_cell){t, method, words, 0}, split);
        struct report_mean m = report_mean_of(scores->x, scores->n);
        print_cell(text, &m, x->seeds);
        report_sheet_put(s, text);
        if (m.n) {
            mean += m.mean;
            tasks++;
        }
        if (m.n > 1) {
            sd += m.sd;
            spread++;
        }
    }
    if (tasks == x->tasks.count && spread)
        snprintf(text, sizeof text, "%.1f ± %.1f", 100 * mean / (double)tasks, 100 * sd / (double)spread);
    else if (tasks == x->tasks.count)
        snprintf(text, sizeof text, "%.1f", 100 * mean / (double)tasks);
    else
        snprintf(text, sizeof text, "-");
    report_sheet_put(s, text);
}

// For a program that reads it: a row for each cell, with what the others put into one text in columns.
static void put_long(struct report_sheet *s, const struct experiment *x, const struct report *r,
                     enum report_split split, struct scores *scores) {
    bool words = x->words.count > 1;
    report_sheet_title(s, false, "%s", "method");
    if (words)
        report_sheet_title(s, false, "%s", "label words");
    report_sheet_title(s, false, "%s", "task");
    report_sheet_title(s, true, "%s", "mean_points");
    report_sheet_title(s, true, "%s", "std_points");
    report_sheet_title(s, true, "%s", "n");
    for (size_t m = 0; m < x->methods; m++)
        for (size_t w = 0; w < x->words.count; w++)
            for (size_t t = 0; t < x->tasks.count; t++) {
                collect(scores, x, r, (struct experiment_cell){t, m, w, 0}, split);
                struct report_mean mean = report_mean_of(scores->x, scores->n);
                report_sheet_put(s, x->method[m].name);
                if (words)
                    report_sheet_put(s, x->words.text[w]);
                report_sheet_put(s, x->tasks.text[t]);
                report_sheet_real(s, 100 * mean.mean);
                report_sheet_real(s, 100 * mean.sd);
                report_sheet_whole(s, mean.n);
            }
}

static void put_wide(struct report_sheet *s, const struct experiment *x, const struct report *r,
                     enum report_split split, struct scores *scores) {
    report_sheet_title(s, false, "%s", "method");
    if (x->words.count > 1)
        report_sheet_title(s, false, "%s", "label words");
    for (size_t t = 0; t < x->tasks.count && t < SHEET_COLUMNS - 3; t++)
        report_sheet_title(s, true, "%s", x->tasks.text[t]);
    report_sheet_title(s, true, "%s", "mean");
    for (size_t m = 0; m < x->methods; m++)
        for (size_t w = 0; w < x->words.count; w++)
            put_row(s, x, r, m, w, split, scores);
}

static void write_notes(struct buffer *out, const struct experiment *x, const struct scores *s,
                        enum report_split split, const char *before) {
    buffer_printf(out, "%s%s, in points of 100%s%zu seed%s", before,
                  split == REPORT_TEST ? "test score, with the prompt that was best on dev"
                                       : "best dev score",
                  x->seeds == 1 ? ": " : ": mean ± sample standard deviation over ", x->seeds,
                  x->seeds == 1 ? "" : "s");
    if (s->most)
        buffer_printf(out, s->least == s->most ? ", %zu examples" : ", %zu to %zu examples", s->least,
                      s->most);
    buffer_printf(out,
                  ".\n%slast column: the mean over the tasks, and the mean of their standard deviations.\n",
                  before);
    if (split == REPORT_TEST)
        buffer_printf(
            out, "%ssettings to choose among were chosen on dev; test was scored once, after the choice.\n",
            before);
}

bool experiment_table_print(struct buffer *out, const struct experiment *x, const struct report *report,
                            enum report_split split, enum report_format format, report_width *width,
                            struct error *e) {
    struct report_sheet s = {0};
    struct scores scores = {.x = mem_calloc(x->seeds, sizeof(double), e)};
    if (!scores.x)
        return false;
    if (format == REPORT_CSV)
        put_long(&s, x, report, split, &scores);
    else
        put_wide(&s, x, report, split, &scores);
    if (format == REPORT_LATEX)
        write_notes(out, x, &scores, split, "% ");
    bool ok = report_sheet_write(out, &s, format, width, e);
    if (ok && (format == REPORT_TEXT || format == REPORT_MARKDOWN)) {
        buffer_add_char(out, '\n');
        write_notes(out, x, &scores, split, format == REPORT_MARKDOWN ? "- " : "");
    }
    report_sheet_free(&s);
    free(scores.x);
    return ok && buffer_ok(out, e);
}
