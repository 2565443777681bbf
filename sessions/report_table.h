// SPDX-License-Identifier: GPL-3.0-or-later
// Rows of a report as a table for people and papers: aligned text, Markdown, LaTeX (booktabs), and CSV with
// every number in full for programs.
//
// A row is a run, or a setting with its runs' mean ± sample standard deviation and n, the seeds. Columns name
// their split and metric. Markdown and LaTeX end in notes that say what the numbers are.
#ifndef PROMPTER_SESSIONS_REPORT_TABLE_H
#define PROMPTER_SESSIONS_REPORT_TABLE_H

#include "report_stats.h"

enum { REPORT_CELL = 96 };
// "0.927 ± 0.018 n=3", "0.927 n=1", "-".
void report_print_mean(char out[REPORT_CELL], const struct report_mean *m);
// "0.938 = 30/32" for an accuracy, "0.912" for a macro-F1 or where the examples are unknown, "-".
void report_print_score(char out[REPORT_CELL], const struct report_run *r, enum report_split split);
// "+0.050 [+0.017, +0.083] n=4", "+0.050 n=1", "-".
void report_print_difference(char out[REPORT_CELL], const struct report_difference *d);
// "accuracy", "macro-F1", or "score" where runs have different ones.
const char *report_metric_name(const struct report *r, const size_t *which, size_t count);
// What sets a run apart in a few words: method, the parts that differ and are short, seed. `differs` may be
// NULL.
void report_print_label(char *out, size_t size, const struct report_run *r, const bool *differs, bool seed);

// The same for a setting among others: its task where tasks differ, its method, and what differs between the
// settings of that task and method.
void report_group_label(char *out, size_t size, const struct report *r, const struct report_groups *groups,
                        size_t which);
// In two steps, for many settings: which parts differ[report_part_count()] between the settings of the task
// and method of one, the same for all of these; true where there are several tasks. Then its label.
bool report_group_differs(const struct report *r, const struct report_groups *groups, size_t which,
                          bool *differs);
void report_print_setting(char *out, size_t size, const struct report_run *r, bool tasks,
                          const bool *differs);

enum report_format { REPORT_TEXT, REPORT_CSV, REPORT_MARKDOWN, REPORT_LATEX };
// By the extension: .csv, .md, .tex, .txt; others are an error that lists these.
bool report_format_of(enum report_format *out, const char *path, struct error *e);

struct report_table {
    const struct report *report;
    const size_t *run; // [runs] in the order of the rows
    size_t runs;
    const struct report_groups *groups;  // NULL: a row for each run
    const struct report_group *baseline; // NULL: none
    bool all_parts;                      // every part as a column, not only those that differ
    // Columns that UTF-8 text takes on a terminal, for aligning.
    int (*width)(const char *text, size_t length);
};
bool report_table_print(struct buffer *out, const struct report_table *t, enum report_format format,
                        struct error *e);

#endif
