// SPDX-License-Identifier: GPL-3.0-or-later
// The journal of a session: what happened, one JSON object a line, only ever appended.
//
//   {"n":17,"t":"2026-11-23T15:54:01Z","what":"step","step":9,"train_loss":0.31,...,"sum":"9ae0daaf"}
// `n` counts the records from 1; `sum` is the CRC-32 (IEEE 802.3) of the line's bytes before `,"sum"`.
// Values that were not measured (NaN) are left out. The records are described in sessions/SESSION.md.
//
// A record is written with one write() as it is made, so that a program that is killed loses none; the disk
// is waited for only in journal_flush. Records that could not be written (disk full) are kept in memory, up
// to a limit, and written with the next ones. All functions on a struct journal may be called from any
// thread.
#ifndef PROMPTER_SESSIONS_JOURNAL_H
#define PROMPTER_SESSIONS_JOURNAL_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "engine/base/error.h"
#include "engine/tune/run.h"

enum journal_damage {
    JOURNAL_WHOLE,
    JOURNAL_TORN,    // the last line has no end: the program or the machine stopped while writing it
    JOURNAL_DAMAGED, // a line is not what was written, or one is missing
};

// A scored test set.
struct journal_test {
    size_t step, examples, correct; // of the prompt; examples 0: none was scored
    double loss, accuracy, macro_f1;
};

// What a journal says. Release with journal_history_free.
struct journal_history {
    struct metric *metric; // in order; steps that were taken back (resumed, started over) are left out
    size_t count, capacity;
    struct journal_test test; // the last one that was not taken back
    size_t records;           // good lines
    uint64_t last;            // `n` of the last good one, 0 if none
    size_t bytes;             // length of the good part
    enum journal_damage damage;
    size_t bad_line; // from 1
    bool resumed;    // the last good line says that the run was resumed
    char note[256];  // what is wrong with it, for people; empty if nothing is
};
// An absent file is an empty journal. Damage is no failure: all lines before it count, and `note` says what
// was dropped.
bool journal_read(struct journal_history *out, const char *path, struct error *e);
void journal_history_free(struct journal_history *h);
// Takes back what came after `step`: what a resumed run starts from.
void journal_history_cut(struct journal_history *h, size_t step);

// One line of a journal, as it is read.
struct journal_record {
    uint64_t n;
    char stamp[40]; // "t"
    char what[24];
    bool is_metric; // step, eval, rate, undo: `metric` holds it
    bool has_step;  // metrics and "resume": metric.step holds it
    struct metric metric;
    const char *line; // the whole line, without its newline; while it is visited
    size_t length;
};
typedef bool journal_visitor(void *context, const struct journal_record *r, struct error *e);
// Every good line in order, those that were taken back too. A visitor that returns false ends it. *end is
// what journal_read gives but for the metrics.
bool journal_visit(const char *path, journal_visitor *visit, void *context, struct journal_history *end,
                   struct error *e);
// All members of a record; release with cJSON_Delete.
cJSON *journal_record_json(const struct journal_record *r, struct error *e);

// When a journal has grown beyond `bytes`, a new generation takes its place (temporary file, fsync, rename):
// the newest `recent` steps stay as they are, and of older ones those stay that hold the least and the
// greatest loss, accuracy and gradient norm of a bucket, so that curves keep their extremes. Evaluations are
// treated likewise where there are more than `evaluations`, and the best ones always stay, as does
// everything that is neither. What was taken back goes. A "compact" record says what happened. A crash at
// any moment leaves the old generation or the new one.
struct journal_limits {
    size_t bytes, recent, evaluations, buckets;
};
extern const struct journal_limits journal_limits_default;

struct journal;
// Nothing is written before the first record. Then a torn last line is cut off, and a journal that is damaged
// otherwise is kept as PATH.damaged-N beside a new one that begins with its good part.
bool journal_open(struct journal **out, const char *path, struct error *e);
// Writes what is still pending if it can; NULL is fine.
void journal_free(struct journal *j);

// False when the record could not be written yet; it is then pending (see above).
bool journal_add_metric(struct journal *j, const struct metric *m, time_t now, struct error *e);
bool journal_add_test(struct journal *j, const struct evaluation *test, size_t step, time_t now,
                      struct error *e);
// Any other record: the members of an object (borrowed; may be NULL).
bool journal_add_event(struct journal *j, const char *what, const cJSON *members, time_t now,
                       struct error *e);
// Writes what is pending, without waiting for the disk: it outlives the program then.
bool journal_write(struct journal *j, struct error *e);
// Writes what is pending and waits for the disk.
bool journal_flush(struct journal *j, struct error *e);
// For tests and for people with other disks: journal_limits_default holds otherwise.
void journal_set_limits(struct journal *j, const struct journal_limits *limits);
// Lines in the file and pending together.
uint64_t journal_records(struct journal *j);

#endif
