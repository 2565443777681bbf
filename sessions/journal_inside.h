// SPDX-License-Identifier: GPL-3.0-or-later
// What journal.c, journal_read.c, journal_compact.c and report_journal.c share; nobody else includes it.
#ifndef PROMPTER_SESSIONS_JOURNAL_INSIDE_H
#define PROMPTER_SESSIONS_JOURNAL_INSIDE_H

#include "journal.h"

enum { JOURNAL_SUM_TAIL = 18 }; // ,"sum":"xxxxxxxx"}

// journal_visit on bytes that the caller keeps: the records' lines point into them.
bool journal_visit_bytes(const char *path, const char *text, size_t length, journal_visitor *visit,
                         void *context, struct journal_history *end, struct error *e);

// A visitor that keeps the metrics of a struct journal_history, less what was taken back, as journal_read
// does.
bool journal_history_take(void *history, const struct journal_record *r, struct error *e);

// A new generation of the journal at `path`, whose first `*bytes` bytes are whole lines and all of it. On
// success *bytes and *records are those of the new one. On failure the old one stands.
bool journal_compact(const char *path, const struct journal_limits *limits, time_t now, size_t *bytes,
                     uint64_t *records, struct error *e);

#endif
