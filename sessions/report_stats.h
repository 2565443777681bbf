// SPDX-License-Identifier: GPL-3.0-or-later
// Runs by setting: which are equal but for the seed, their means, and differences between settings.
//
// What makes a setting are its parts: task, model, method, template, label words, and every setting of
// engine/tune/settings.h but the seed. A setting that has no effect (start_text where the prompt does not
// start from a text) counts as absent. Values that dev chose for each run (an experiment's "try") do not tell
// settings apart: what was asked for is the same, and the part reads "by dev".
//
// Means and differences are over seeds, not over runs: of several runs of one seed the newest counts, since
// the same settings and seed give the same run again. Only runs that did all their steps count. Every result
// comes with its n.
//
// Pure functions of a report; a struct report_groups refers to runs by their place in it.
#ifndef PROMPTER_SESSIONS_REPORT_STATS_H
#define PROMPTER_SESSIONS_REPORT_STATS_H

#include "report.h"

// ---- parts ----
enum { REPORT_PART_TASK, REPORT_PART_MODEL, REPORT_PART_METHOD, REPORT_PART_TEMPLATE, REPORT_PART_WORDS };
size_t report_part_count(void);
const char *report_part_name(size_t part); // "task", "label words", "rate", ...
// The text of one part: points into the run or into `room`. "" where it has no effect.
const char *report_part(const struct report_run *r, size_t part, char room[RUN_SETTING_TEXT]);
// differs[part] for the runs which[0 .. count) (NULL: the first `count` runs).
void report_parts_differ(const struct report *r, const size_t *which, size_t count, bool *differs);

// Whether every word of `filter` occurs in the run, letters alike in either case: in its session, place,
// seed, note or a part; of a word NAME=TEXT, where NAME begins a part's name or is "session" or "seed", TEXT
// in that alone (a seed as a whole). An empty filter lets everything through.
bool report_run_matches(const struct report_run *r, const char *filter);

// ---- groups ----
struct report_group {
    size_t *run; // [runs] places in the report, by seed, the newest of a seed last; owned
    size_t runs, finished;
};
struct report_groups {
    struct report_group *group;
    size_t count, capacity;
};
// Of the runs which[0 .. count), in the order in which settings first appear. Runs that somebody changed by
// hand while they ran are a setting of their own, and so is each run that could not be read.
bool report_group(struct report_groups *out, const struct report *r, const size_t *which, size_t count,
                  struct error *e);
void report_groups_free(struct report_groups *g);

// A text that is the same for runs of one setting; owned. NULL without memory.
char *report_setting_key(const struct report_run *r, struct error *e);

// ---- statistics ----
// Mean and sample standard deviation, sqrt(sum (x - mean)^2 / (n - 1)). n 0: NaN; n 1: sd NaN.
struct report_mean {
    size_t n;
    double mean, sd;
};
struct report_mean report_mean_of(const double *x, size_t n);
struct report_mean report_group_mean(const struct report *r, const struct report_group *g,
                                     enum report_split split);
// The most and the least examples that scores of the group are shares of; 0: unknown or none.
void report_group_examples(const struct report *r, const struct report_group *g, enum report_split split,
                           size_t *least, size_t *most);

// The mean of the seeds' dev curves (report_run.evals) at the steps that all of them have; of finished runs,
// or of all where none has finished. Returns how many seeds it is of; *out (owned by the caller) is empty for
// 0.
size_t report_group_curve(struct report_curve *out, const struct report *r, const struct report_group *g);

// The paired difference a - b over the n seeds that both have: the mean d of the differences, and the 95 %
// confidence interval d +- half, half = t s / sqrt(n), where s is their sample standard deviation and t the
// 0.975 quantile of Student's t with n - 1 degrees of freedom. (Student, "The probable error of a mean",
// Biometrika 6, 1908; NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.5.2 for the interval of a mean.)
// half is NaN for n < 2; of different tasks n is 0. The interval assumes differences that are about normal
// and says nothing about examples that the dev or test set does not have.
struct report_difference {
    size_t n;
    double mean, half;
};
struct report_difference report_group_difference(const struct report *r, const struct report_group *a,
                                                 const struct report_group *b, enum report_split split);

// t such that |T| <= t with probability `share` (0 < share < 1) for Student's T with `freedom` >= 1 degrees
// of freedom. The probability is that of Abramowitz and Stegun, Handbook of Mathematical Functions, 26.7.3
// and 26.7.4 (finite sums, exact for whole degrees), inverted by bisection.
double report_student(double share, size_t freedom);

#endif
