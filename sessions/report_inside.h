// SPDX-License-Identifier: GPL-3.0-or-later
// What report.c, report_journal.c and report_line.c share; nobody else includes it.
#ifndef PROMPTER_SESSIONS_REPORT_INSIDE_H
#define PROMPTER_SESSIONS_REPORT_INSIDE_H

#include "report.h"

// What a task.json says that a row needs; its data is not read.
struct report_task {
    char *path; // as it was asked for
    char *name, *template_text, *label_words;
    char **class_name, **class_value;
    size_t classes;
    bool macro_f1, choice, missing;
};
// The one at `path` (a task.json or its folder), read at its first use. NULL without memory.
const struct report_task *report_task_at(struct report *r, const char *path, struct error *e);

// A run of nothing: scores NaN, texts "", settings as they come.
bool report_run_init(struct report_run *r, struct error *e);
// Replaces an owned text.
bool report_set_text(char **at, const char *text, struct error *e);
// In one way of writing, so that equal ones are equal texts; as they are where they cannot be read.
char *report_plain_template(const char *text, struct error *e);
char *report_plain_words(const char *text, char *const *class_name, char *const *class_value, size_t classes,
                         struct error *e);

// Appends the run of a journal, if something was measured in it.
bool report_read_journal(struct report *r, const struct report_source *source, struct error *e);
// Appends the runs of a file of lines; lines that are none give a row that says so.
bool report_read_lines(struct report *r, const struct report_source *source, struct error *e);
// Room for one more, initialised; it counts once the caller has raised r->count.
struct report_run *report_next(struct report *r, struct error *e);

#endif
