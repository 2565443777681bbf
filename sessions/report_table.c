// SPDX-License-Identifier: GPL-3.0-or-later
// A table is made as a sheet of texts first, then written in its format.
#include "report_table.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/utf8.h"
#include "report_sheet.h"
#include "stamp.h"

// ---- numbers ----

void report_print_mean(char out[REPORT_CELL], const struct report_mean *m) {
    if (m->n == 0)
        snprintf(out, REPORT_CELL, "-");
    else if (m->n == 1)
        snprintf(out, REPORT_CELL, "%.3f n=1", m->mean);
    else
        snprintf(out, REPORT_CELL, "%.3f ± %.3f n=%zu", m->mean, m->sd, m->n);
}

void report_print_score(char out[REPORT_CELL], const struct report_run *r, enum report_split split) {
    const struct report_score *s = split == REPORT_DEV ? &r->dev : &r->test;
    double score = report_run_score(r, split), right = round(s->accuracy * (double)s->examples);
    if (!isfinite(score))
        snprintf(out, REPORT_CELL, "-");
    else if (r->macro_f1 || !s->examples)
        snprintf(out, REPORT_CELL, "%.3f", score);
    else
        snprintf(out, REPORT_CELL, "%.3f = %.0f/%zu", score, right, s->examples);
}

void report_print_difference(char out[REPORT_CELL], const struct report_difference *d) {
    if (d->n == 0)
        snprintf(out, REPORT_CELL, "-");
    else if (d->n == 1)
        snprintf(out, REPORT_CELL, "%+.3f n=1", d->mean);
    else
        snprintf(out, REPORT_CELL, "%+.3f [%+.3f, %+.3f] n=%zu", d->mean, d->mean - d->half,
                 d->mean + d->half, d->n);
}

const char *report_metric_name(const struct report *r, const size_t *which, size_t count) {
    bool accuracy = false, f1 = false;
    for (size_t i = 0; i < count; i++) {
        const struct report_run *run = &r->run[which ? which[i] : i];
        f1 |= run->macro_f1 && !run->note[0];
        accuracy |= !run->macro_f1 && !run->note[0];
    }
    return f1 && accuracy ? "score" : f1 ? "macro-F1" : "accuracy";
}

void report_print_label(char *out, size_t size, const struct report_run *r, const bool *differs, bool seed) {
    enum { SHORT = 24 };
    char room[RUN_SETTING_TEXT];
    size_t used = (size_t)snprintf(out, size, "%s", r->method[0] ? r->method : "unreadable");
    for (size_t p = 0; differs && p < report_part_count() && used < size; p++) {
        const char *text = report_part(r, p, room);
        if (!differs[p] || p == REPORT_PART_METHOD || !text[0] || strlen(text) > SHORT)
            continue;
        used += p <= REPORT_PART_WORDS
                    ? (size_t)snprintf(out + used, size - used, ", %s", text)
                    : (size_t)snprintf(out + used, size - used, ", %s %s", report_part_name(p), text);
    }
    if (seed && used < size)
        used +=
            (size_t)snprintf(out + used, size - used, ", seed %llu", (unsigned long long)r->settings.seed);
    if (used >= size)
        out[utf8_boundary(out, size - 1, size - 2)] = '\0'; // cut between two characters
}

static const struct report_run *first_of(const struct report *r, const struct report_group *g) {
    return &r->run[g->run[0]];
}

bool report_group_differs(const struct report *r, const struct report_groups *groups, size_t which,
                          bool *differs) {
    const struct report_run *run = first_of(r, &groups->group[which]);
    size_t *like = mem_calloc(groups->count, sizeof *like, NULL), n = 0;
    bool tasks = false;
    for (size_t g = 0; like && g < groups->count; g++) {
        const struct report_run *other = first_of(r, &groups->group[g]);
        bool same_task = strcmp(other->task, run->task) == 0;
        tasks |= !same_task && !other->note[0];
        if (same_task && strcmp(other->method, run->method) == 0)
            like[n++] = groups->group[g].run[0];
    }
    report_parts_differ(r, like, n, differs);
    free(like);
    return tasks;
}

void report_print_setting(char *out, size_t size, const struct report_run *r, bool tasks,
                          const bool *differs) {
    size_t used = tasks && r->task[0] ? (size_t)snprintf(out, size, "%.40s ", r->task) : 0;
    report_print_label(used < size ? out + used : out, used < size ? size - used : size, r, differs, false);
}

void report_group_label(char *out, size_t size, const struct report *r, const struct report_groups *groups,
                        size_t which) {
    bool *differs = mem_calloc(report_part_count(), sizeof *differs, NULL);
    bool tasks = differs && report_group_differs(r, groups, which, differs);
    report_print_setting(out, size, first_of(r, &groups->group[which]), tasks, differs);
    free(differs);
}

bool report_format_of(enum report_format *out, const char *path, struct error *e) {
    static const struct {
        const char *extension;
        enum report_format format;
    } known[] = {
        {".csv", REPORT_CSV}, {".md", REPORT_MARKDOWN}, {".tex", REPORT_LATEX}, {".txt", REPORT_TEXT}};
    const char *dot = strrchr(path_name(path), '.');
    for (size_t i = 0; dot && i < sizeof known / sizeof *known; i++) {
        if (strcmp(dot, known[i].extension) == 0) {
            *out = known[i].format;
            return true;
        }
    }
    return error_set(e, ERROR_INPUT,
                     "%.300s: the extension says the format: .csv, .md (Markdown), .tex (LaTeX), .txt", path);
}

struct columns { // which parts are columns
    bool *part;
    size_t parts;
};

static const struct report_run *first_run(const struct report_table *t, const struct report_group *g) {
    return &t->report->run[g->run[0]];
}

// What a setting costs: the mean time of its finished runs.
static double group_seconds(const struct report *r, const struct report_group *g) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < g->runs; i++) {
        const struct report_run *run = &r->run[g->run[i]];
        if (report_run_finished(run) && isfinite(run->seconds)) {
            sum += run->seconds;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

static void put_seconds(struct report_sheet *s, double x) {
    char text[40];
    snprintf(text, sizeof text, x < 10 ? "%.2f s" : x < 600 ? "%.0f s" : "%.0f s", x);
    report_sheet_put(s, isfinite(x) ? text : "-");
}

// ---- for people ----

static void put_part_titles(struct report_sheet *s, const struct columns *c) {
    for (size_t p = 0; p < c->parts; p++)
        if (c->part[p])
            report_sheet_title(s, p > REPORT_PART_WORDS, "%s", report_part_name(p));
}

static void put_parts(struct report_sheet *s, const struct columns *c, const struct report_run *r) {
    char room[RUN_SETTING_TEXT];
    for (size_t p = 0; p < c->parts; p++) {
        if (!c->part[p])
            continue;
        const char *text = report_part(r, p, room);
        report_sheet_put(s, text[0] ? text : "-");
    }
}

static void make_titles(struct report_sheet *s, const struct report_table *t, const struct columns *c) {
    const char *metric = report_metric_name(t->report, t->run, t->runs);
    put_part_titles(s, c);
    if (!t->groups)
        report_sheet_title(s, true, "%s", "seed");
    report_sheet_title(s, true, "dev %s", metric);
    if (t->baseline)
        report_sheet_title(s, true, "%s", "dev - baseline");
    report_sheet_title(s, true, "test %s", metric);
    if (t->baseline)
        report_sheet_title(s, true, "%s", "test - baseline");
    report_sheet_title(s, true, "%s", "steps done"); // the setting is called "steps"
    report_sheet_title(s, true, "%s", "time");
    if (!t->groups)
        report_sheet_title(s, false, "%s", "session");
    s->rows = 1;
}

static void put_difference(struct report_sheet *s, const struct report_table *t, const struct report_group *g,
                           enum report_split split) {
    char text[REPORT_CELL];
    struct report_difference d = report_group_difference(t->report, g, t->baseline, split);
    report_print_difference(text, &d);
    report_sheet_put(s, g == t->baseline ? "baseline" : text);
}

static void put_group(struct report_sheet *s, const struct report_table *t, const struct columns *c,
                      const struct report_group *g) {
    char text[REPORT_CELL];
    put_parts(s, c, first_run(t, g));
    for (int split = REPORT_DEV; split <= REPORT_TEST; split++) {
        struct report_mean m = report_group_mean(t->report, g, (enum report_split)split);
        report_print_mean(text, &m);
        report_sheet_put(s, text);
        if (t->baseline)
            put_difference(s, t, g, (enum report_split)split);
    }
    if (g->finished)
        report_sheet_whole(s, first_run(t, g)->settings.steps);
    else
        report_sheet_put(s, "-");
    put_seconds(s, group_seconds(t->report, g));
    s->rows++;
}

static void put_run(struct report_sheet *s, const struct report_table *t, const struct columns *c,
                    size_t run) {
    const struct report_run *r = &t->report->run[run];
    const struct report_group alone = {.run = &run, .runs = 1};
    char text[RUN_SETTING_TEXT];
    put_parts(s, c, r);
    snprintf(text, sizeof text, "%llu", (unsigned long long)r->settings.seed);
    report_sheet_put(s, text);
    for (int split = REPORT_DEV; split <= REPORT_TEST; split++) {
        report_print_score(text, r, (enum report_split)split);
        report_sheet_put(s, text);
        if (t->baseline)
            put_difference(s, t, &alone, (enum report_split)split);
    }
    snprintf(text, sizeof text, r->steps < r->settings.steps ? "%zu of %zu" : "%zu", r->steps,
             r->settings.steps);
    report_sheet_put(s, text);
    put_seconds(s, r->seconds);
    snprintf(text, sizeof text, "%.200s%s%.100s%s%.100s", r->session, r->place[0] ? " " : "", r->place,
             r->note[0] ? ": " : "", r->note);
    report_sheet_put(s, text);
    s->rows++;
}

static void make_sheet(struct report_sheet *s, const struct report_table *t, const struct columns *c) {
    make_titles(s, t, c);
    for (size_t i = 0; t->groups && i < t->groups->count; i++)
        put_group(s, t, c, &t->groups->group[i]);
    for (size_t i = 0; !t->groups && i < t->runs; i++)
        put_run(s, t, c, t->run[i]);
}

// ---- for programs ----

static void raw_titles(struct report_sheet *s, const struct report_table *t, const struct columns *c) {
    static const char *const run[] = {
        "seed",       "metric",        "dev_examples",  "dev_accuracy",  "dev_macro_f1", "dev_loss",
        "dev_step",   "test_examples", "test_accuracy", "test_macro_f1", "test_loss",    "test_step",
        "steps_done", "evaluations",   "seconds",       "by_hand",       "session",      "place",
        "begun",      "ended",         "note"};
    static const char *const group[] = {"runs",   "finished",  "metric",   "dev_examples",
                                        "dev_n",  "dev_mean",  "dev_std",  "test_examples",
                                        "test_n", "test_mean", "test_std", "seconds_mean"};
    static const char *const difference[] = {
        "dev_difference_n",  "dev_difference",  "dev_difference_low",  "dev_difference_high",
        "test_difference_n", "test_difference", "test_difference_low", "test_difference_high"};
    put_part_titles(s, c);
    for (size_t i = 0; !t->groups && i < sizeof run / sizeof *run; i++)
        report_sheet_title(s, false, "%s", run[i]);
    for (size_t i = 0; t->groups && i < sizeof group / sizeof *group; i++)
        report_sheet_title(s, false, "%s", group[i]);
    for (size_t i = 0; t->baseline && i < sizeof difference / sizeof *difference; i++)
        report_sheet_title(s, false, "%s", difference[i]);
    s->rows = 1;
}

static void raw_differences(struct report_sheet *s, const struct report_table *t,
                            const struct report_group *g) {
    for (int split = REPORT_DEV; t->baseline && split <= REPORT_TEST; split++) {
        struct report_difference d =
            report_group_difference(t->report, g, t->baseline, (enum report_split)split);
        report_sheet_whole(s, d.n);
        report_sheet_real(s, d.mean);
        report_sheet_real(s, d.mean - d.half);
        report_sheet_real(s, d.mean + d.half);
    }
}

static void raw_parts(struct report_sheet *s, const struct columns *c, const struct report_run *r) {
    char room[RUN_SETTING_TEXT];
    for (size_t p = 0; p < c->parts; p++)
        if (c->part[p])
            report_sheet_put(s, report_part(r, p, room));
}

static void raw_score(struct report_sheet *s, const struct report_score *x) {
    bool scored = isfinite(x->accuracy) || isfinite(x->macro_f1);
    if (scored && x->examples)
        report_sheet_whole(s, x->examples);
    else
        report_sheet_put(s, "");
    report_sheet_real(s, x->accuracy);
    report_sheet_real(s, x->macro_f1);
    report_sheet_real(s, x->loss);
    if (scored)
        report_sheet_whole(s, x->step);
    else
        report_sheet_put(s, "");
}

static void raw_time(struct report_sheet *s, time_t t) {
    char stamp[STAMP_SIZE] = "";
    if (t)
        stamp_print(t, stamp);
    report_sheet_put(s, stamp);
}

static void raw_run(struct report_sheet *s, const struct report_table *t, const struct columns *c,
                    size_t run) {
    const struct report_run *r = &t->report->run[run];
    const struct report_group alone = {.run = &run, .runs = 1};
    raw_parts(s, c, r);
    report_sheet_whole(s, (size_t)r->settings.seed);
    report_sheet_put(s, r->macro_f1 ? "macro-f1" : "accuracy");
    raw_score(s, &r->dev);
    raw_score(s, &r->test);
    report_sheet_whole(s, r->steps);
    report_sheet_whole(s, r->evaluations);
    report_sheet_real(s, r->seconds);
    report_sheet_put(s, r->by_hand ? "true" : "false");
    report_sheet_put(s, r->session);
    report_sheet_put(s, r->place);
    raw_time(s, r->begun);
    raw_time(s, r->ended);
    report_sheet_put(s, r->note);
    raw_differences(s, t, &alone);
    s->rows++;
}

static void raw_group(struct report_sheet *s, const struct report_table *t, const struct columns *c,
                      const struct report_group *g) {
    raw_parts(s, c, first_run(t, g));
    report_sheet_whole(s, g->runs);
    report_sheet_whole(s, g->finished);
    report_sheet_put(s, first_run(t, g)->macro_f1 ? "macro-f1" : "accuracy");
    for (int split = REPORT_DEV; split <= REPORT_TEST; split++) {
        struct report_mean m = report_group_mean(t->report, g, (enum report_split)split);
        size_t least, most;
        report_group_examples(t->report, g, (enum report_split)split, &least, &most);
        if (most && least == most)
            report_sheet_whole(s, most);
        else
            report_sheet_put(s, "");
        report_sheet_whole(s, m.n);
        report_sheet_real(s, m.mean);
        report_sheet_real(s, m.sd);
    }
    report_sheet_real(s, group_seconds(t->report, g));
    raw_differences(s, t, g);
    s->rows++;
}

static void make_raw(struct report_sheet *s, const struct report_table *t, const struct columns *c) {
    raw_titles(s, t, c);
    for (size_t i = 0; t->groups && i < t->groups->count; i++)
        raw_group(s, t, c, &t->groups->group[i]);
    for (size_t i = 0; !t->groups && i < t->runs; i++)
        raw_run(s, t, c, t->run[i]);
}

// ---- notes ----

// "of 32 examples", "of 16 to 32 examples", "" where unknown.
static void examples_text(char out[64], const struct report_table *t, enum report_split split) {
    const struct report_group all = {.run = (size_t *)t->run, .runs = t->runs};
    size_t least, most;
    report_group_examples(t->report, &all, split, &least, &most);
    out[0] = '\0';
    if (most && least == most)
        snprintf(out, 64, ", %zu examples", most);
    else if (most)
        snprintf(out, 64, ", %zu to %zu examples", least, most);
}

static void write_notes(struct buffer *out, const struct report_table *t, const char *begin, bool latex) {
    char dev[64], test[64];
    const char *metric = report_metric_name(t->report, t->run, t->runs);
    examples_text(dev, t, REPORT_DEV);
    examples_text(test, t, REPORT_TEST);
    buffer_printf(out, "%sdev: the best %s of a run on the dev set, by which its prompt was chosen%s.\n",
                  begin, metric, dev);
    buffer_printf(out, "%stest: %s on the test set with that prompt%s.\n", begin, metric, test);
    if (t->groups)
        buffer_printf(
            out, "%smean %s sample standard deviation over n seeds; runs that did not finish do not count.\n",
            begin, latex ? "+-" : "±");
    if (t->baseline) {
        char label[200];
        if (t->groups)
            report_group_label(label, sizeof label, t->report, t->groups,
                               (size_t)(t->baseline - t->groups->group));
        else
            report_print_label(label, sizeof label, first_run(t, t->baseline), NULL, false);
        buffer_printf(out,
                      "%sdifference: mean over the n seeds that both have, with its 95 %% interval (paired, "
                      "Student's t); "
                      "baseline: %s.\n",
                      begin, label);
    }
}

// ---- the whole ----

static bool choose_parts(struct columns *c, const struct report_table *t, bool all, struct error *e) {
    c->parts = report_part_count();
    if (!(c->part = mem_calloc(c->parts, sizeof *c->part, e)))
        return false;
    report_parts_differ(t->report, t->run, t->runs, c->part);
    c->part[REPORT_PART_METHOD] = true;
    for (size_t p = 0; p < c->parts; p++)
        c->part[p] |= all;
    return true;
}

bool report_table_print(struct buffer *out, const struct report_table *t, enum report_format format,
                        struct error *e) {
    struct columns c = {0};
    struct report_sheet s = {0};
    bool csv = format == REPORT_CSV;
    if (!choose_parts(&c, t, t->all_parts || csv, e))
        return false;
    if (csv)
        make_raw(&s, t, &c);
    else
        make_sheet(&s, t, &c);
    bool ok = !s.failed || error_set(e, ERROR_MEMORY, "no memory for the table");
    if (ok && format == REPORT_LATEX)
        write_notes(out, t, "% ", true);
    ok = ok && report_sheet_write(out, &s, format, t->width, e);
    if (ok && (format == REPORT_MARKDOWN || format == REPORT_TEXT)) {
        buffer_add_char(out, '\n');
        write_notes(out, t, format == REPORT_MARKDOWN ? "- " : "", false);
    }
    ok = ok && buffer_ok(out, e);
    report_sheet_free(&s);
    free(c.part);
    return ok;
}
