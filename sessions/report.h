// SPDX-License-Identifier: GPL-3.0-or-later
// Runs as rows: what was tuned, how, and how well it did, read from the journals of sessions and from files
// of lines, to be compared.
//
// A session has its present run (journal.jsonl) and earlier ones (kept/NNN). A run counts once something was
// measured in it. A journal that is damaged or cannot be read gives a row all the same, whose `note` says
// what is wrong. Nothing is written to sessions, and they may be open elsewhere.
//
// A line of a file of runs (*.jsonl) is one run, a JSON object. What is absent is unknown; other keys are
// read over.
//   version        1, required; a higher one is refused
//   session        string: a name for people           folder   string: the session's folder, absolute
//   place          string: "" the present run, "kept/001" an earlier one, or what tells the run from others
//   task           string, required: its name          metric   "accuracy" or "macro-f1": what dev chose by
//   model          string: its name                    method   string: what is tuned; absent: see method.h
//   template       string, any form of template.h      label_words  string, any form of verbalizer.h
//   classes        list of strings                     settings  object: names and values as in session.json
//   chosen         string: names of settings, apart by spaces, whose values dev chose for this run alone
//   by_hand        true where the learning rate was changed, or the best prompt taken back, while it ran
//   steps          number: updates done                evaluations  number: how often dev was scored
//   seconds        number: of steps and scorings together
//   begun, ended   string: UTC, "2026-11-23T15:54:01Z"
//   dev            object, of the best evaluation: examples, accuracy, macro_f1, loss, step
//   test           object, of the last test: the same and correct, confusion (a list of numbers for each
//                  class: how often it was predicted as which)
//   note           string: what is wrong with it
//   curves         object of lists of numbers, null where not measured: step, train_loss (averaged where
//                  there were more than REPORT_MOST_CURVE); dev_step, dev_loss, dev_accuracy
// Accuracies are shares in 0 .. 1 and losses nats. Writing what was read gives the same line again.
//
// Everything here may be used from any thread, a report by one at a time.
#ifndef PROMPTER_SESSIONS_REPORT_H
#define PROMPTER_SESSIONS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/tune/settings.h"

enum { REPORT_VERSION = 1, REPORT_MOST_CURVE = 512, REPORT_MOST_CLASSES = 16 };

// One split scored with one prompt. accuracy NaN: never scored.
struct report_score {
    size_t examples;                 // 0: unknown
    double accuracy, macro_f1, loss; // NaN: not measured
    size_t step;                     // of the prompt
};
struct report_curve { // arrays [count], owned; x ascending
    float *step, *first, *second;
    size_t count, capacity[3];
};
struct report_run {
    char *session, *folder, *place, *task, *model, *method; // owned, never NULL
    char *template_text; // in the short form where it can be read; what the task suggests is resolved
    char *label_words;   // "bad; good, great", likewise
    bool macro_f1;       // what the task's metric is; otherwise accuracy
    struct run_settings settings;
    char
        *chosen; // names of settings whose values dev chose among several, apart by spaces; owned, never NULL
    bool by_hand; // somebody changed its rate or took back its best prompt while it ran
    size_t steps, evaluations;
    double seconds;      // NaN: unknown
    time_t begun, ended; // 0: unknown
    struct report_score dev, test;
    char **class_name; // [classes] owned; NULL: unknown
    size_t classes;
    size_t *confusion;         // of test, [true * classes + predicted], owned; NULL: not kept
    struct report_curve train; // first: loss; second is NULL
    struct report_curve evals; // dev; first: loss, second: accuracy
    char *note;                // what is wrong with it; "" if nothing is
};
void report_run_free(struct report_run *r); // the members
bool report_curve_add(struct report_curve *c, float step, float first, float second, struct error *e);
void report_curve_free(struct report_curve *c); // the members
// Whether all of its steps are done: only such runs stand for a setting.
bool report_run_finished(const struct report_run *r);

enum report_split { REPORT_DEV, REPORT_TEST };
// The score by the task's metric; NaN if there is none.
double report_run_score(const struct report_run *r, enum report_split split);

// ---- reading ----
// Where runs are: a session's folder and a journal in it, or a file of lines.
struct report_source {
    char *session, *folder, *place; // of a file of lines: its name, "", ""
    char *path;                     // of the journal or the file
    bool lines;
};
struct report_sources { // zero-initialise
    struct report_source *source;
    size_t count, capacity;
};
// What each of `what` holds: the name of a session, a session's folder, a folder of sessions (with the file
// runs.jsonl and *.runs.jsonl in it), or a file of lines (*.jsonl). With none, all sessions there are, in the
// order of session_list. Quick: looks at folders alone.
bool report_find(struct report_sources *out, const char *const *what, size_t count, struct error *e);
void report_sources_free(struct report_sources *s);

struct report { // zero-initialise
    struct report_run *run;
    size_t count, capacity;
    struct report_task *task; // what tasks say, read once each
    size_t tasks, task_capacity;
};
// Appends the runs of one source. Only a lack of memory fails; everything else is told in a run's note. A
// journal in which nothing was measured gives no row.
bool report_read(struct report *r, const struct report_source *source, struct error *e);
void report_free(struct report *r);

// ---- lines ----
// One line without its newline. On failure the run is empty.
bool report_line_read(struct report_run *out, const char *line, size_t length, struct error *e);
// Appends one line with its newline. Sticky failure of the buffer.
void report_line_write(struct buffer *out, const struct report_run *r, bool curves);

#endif
