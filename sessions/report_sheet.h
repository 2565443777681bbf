// SPDX-License-Identifier: GPL-3.0-or-later
// A sheet of texts, written as an aligned table: plain text, CSV (RFC 4180), Markdown, LaTeX (booktabs).
#ifndef PROMPTER_SESSIONS_REPORT_SHEET_H
#define PROMPTER_SESSIONS_REPORT_SHEET_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "report_table.h"

enum { SHEET_COLUMNS = 256 };
struct report_sheet { // zero-initialise; row 0 holds the titles
    char **cell;      // owned, row by row
    size_t rows, columns, cells, capacity;
    bool right[SHEET_COLUMNS]; // numbers
    bool failed;               // sticky: adds may go unchecked
};
void report_sheet_free(struct report_sheet *s);
// A title, with `name` put into the format; each makes a column. All titles come first.
void report_sheet_title(struct report_sheet *s, bool right, const char *format, const char *name);
// The next cell of the row.
void report_sheet_put(struct report_sheet *s, const char *text);
void report_sheet_real(struct report_sheet *s, double x); // "" where it is not finite
void report_sheet_whole(struct report_sheet *s, size_t n);

typedef int report_width(const char *text, size_t length); // columns on a terminal
// Appends the table; the cells are in the format's own writing afterwards. width NULL: bytes.
bool report_sheet_write(struct buffer *out, struct report_sheet *s, enum report_format format,
                        report_width *width, struct error *e);

#endif
