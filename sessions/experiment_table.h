// SPDX-License-Identifier: GPL-3.0-or-later
// The table of an experiment: a row for each method (and set of label words, where there are several), a
// column for each task, in each cell the mean over seeds of the test score and its sample standard deviation;
// then the mean over the tasks. Values chosen on dev (an experiment's "try") do not make different rows.
#ifndef PROMPTER_SESSIONS_EXPERIMENT_TABLE_H
#define PROMPTER_SESSIONS_EXPERIMENT_TABLE_H

#include "sessions/experiment.h"
#include "sessions/report_sheet.h"

// The runs of the experiment in the report, as experiment_run wrote them; others are passed over. Cells say n
// where it is less than the experiment's seeds. Notes below tell n, examples, seeds and split. `split`: test,
// or dev.
//
// CSV is for programs: a row for each cell, with the columns method, label words (where there are several
// sets), task, mean_points, std_points and n. Points are of 100 as in the other tables, not rounded; a cell
// without runs has n 0 and no numbers, one with a single run no standard deviation. Without notes.
bool experiment_table_print(struct buffer *out, const struct experiment *x, const struct report *report,
                            enum report_split split, enum report_format format, report_width *width,
                            struct error *e);

#endif
