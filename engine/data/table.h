// SPDX-License-Identifier: GPL-3.0-or-later
// Text files of records: loading with the checks that all formats share, and CSV and TSV as tables.
//
// CSV is RFC 4180: commas, fields in double quotes may hold commas, line ends and doubled quotes; records end
// with LF or CRLF, the last one also with the file. TSV: tabs, no quoting at all, LF or CRLF. Both begin with
// a line of column names. Empty lines are skipped where there is more than one column. Messages are "PATH,
// line N: ...".
#ifndef PROMPTER_ENGINE_DATA_TABLE_H
#define PROMPTER_ENGINE_DATA_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum { TABLE_MOST_COLUMNS = 1024 };
#define TEXT_FILE_MOST_BYTES ((size_t)1 << 30)

struct text_file {
    char *owned;   // the file, NUL-terminated
    char *text;    // behind a byte order mark, if there is one
    size_t length; // of text
};
// Refuses NUL and what is no UTF-8, naming the line.
bool text_file_read(struct text_file *out, const char *path, struct error *e);
void text_file_free(struct text_file *f);

struct table {
    struct text_file file; // the cells point into it
    char **name;           // [columns] all different
    size_t columns;
    char **cell;  // [rows * columns]
    size_t *line; // [rows] where the record begins
    size_t rows;
};
enum table_format { TABLE_CSV, TABLE_TSV };
bool table_read(struct table *out, const char *path, enum table_format format, struct error *e);
void table_free(struct table *t);
// Position of a column, or SIZE_MAX.
size_t table_find(const struct table *t, const char *name);

#endif
