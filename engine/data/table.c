// SPDX-License-Identifier: GPL-3.0-or-later
// CSV and TSV, split in place: every cell ends with a NUL written over its separator or closing quote.
#include "table.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"

static size_t line_of(const char *text, size_t at) {
    size_t line = 1;
    for (size_t i = 0; i < at; i++)
        line += text[i] == '\n';
    return line;
}

bool text_file_read(struct text_file *out, const char *path, struct error *e) {
    memset(out, 0, sizeof *out);
    size_t length, bad;
    if (!file_read(path, TEXT_FILE_MOST_BYTES, &out->owned, &length, e))
        return false;
    size_t mark = length >= 3 && memcmp(out->owned, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    out->text = out->owned + mark;
    out->length = length - mark;
    const char *nul = memchr(out->text, 0, out->length);
    if (nul)
        error_set(e, ERROR_INPUT,
                  "%s, line %zu: a NUL byte, which no text holds; save the file as UTF-8 text", path,
                  line_of(out->text, (size_t)(nul - out->text)));
    else if (!utf8_valid(out->text, out->length, &bad))
        error_set(e, ERROR_INPUT, "%s, line %zu: the byte 0x%02x is not UTF-8; save the file as UTF-8", path,
                  line_of(out->text, bad), (unsigned char)out->text[bad]);
    else
        return true;
    text_file_free(out);
    return false;
}

void text_file_free(struct text_file *f) {
    free(f->owned);
    memset(f, 0, sizeof *f);
}

// ---- reading ----

struct reader {
    struct table *table;
    const char *path;
    enum table_format format;
    char *at, *end;
    size_t line; // of `at`
    size_t cells, cell_capacity, row_capacity;
    size_t record_line; // where the current record begins
};

enum after { AFTER_CELL, AFTER_RECORD }; // what the separator behind a cell means

static bool fail(const struct reader *r, size_t line, const char *what, struct error *e) {
    return error_set(e, ERROR_INPUT, "%s, line %zu: %s", r->path, line, what);
}

// Reads the separator at r->at (which is overwritten, so the cell before it ends), or the end of the file.
static bool read_separator(struct reader *r, enum after *after, struct error *e) {
    char *at = r->at;
    *after = AFTER_RECORD;
    if (at == r->end) // the file's terminating NUL ends the cell
        return true;
    char c = *at;
    bool crlf = c == '\r' && at + 1 < r->end && at[1] == '\n';
    if (c == '\r' && !crlf && at + 1 < r->end)
        return fail(r, r->line,
                    "a carriage return without a line feed; save the file with LF or CRLF line ends", e);
    *at = 0;
    r->at = at + (crlf ? 2 : 1);
    if (c == ',' || c == '\t')
        *after = AFTER_CELL;
    else
        r->line++;
    return true;
}

// r->at is behind the opening quote. The text moves down over doubled quotes.
static bool read_quoted(struct reader *r, char **cell, enum after *after, struct error *e) {
    size_t opened = r->line;
    char *to = *cell = r->at;
    for (;;) {
        if (r->at == r->end)
            return fail(r, opened, "this quote is never closed; close it, or double quotes inside a field",
                        e);
        char c = *r->at++;
        if (c == '"') {
            if (r->at == r->end || *r->at != '"')
                break;
            r->at++;
        }
        r->line += c == '\n';
        *to++ = c;
    }
    if (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r')
        return fail(r, r->line, "text behind a closing quote; double the quotes inside a quoted field", e);
    bool ok = read_separator(r, after, e);
    *to = 0;
    return ok;
}

static bool read_cell(struct reader *r, char **cell, enum after *after, struct error *e) {
    if (r->format == TABLE_CSV && r->at < r->end && *r->at == '"') {
        r->at++;
        return read_quoted(r, cell, after, e);
    }
    *cell = r->at;
    if (r->format == TABLE_TSV) {
        while (r->at < r->end && *r->at != '\t' && *r->at != '\n' &&
               !(*r->at == '\r' && (r->at + 1 == r->end || r->at[1] == '\n')))
            r->at++;
        return read_separator(r, after, e);
    }
    while (r->at < r->end && *r->at != ',' && *r->at != '\n' && *r->at != '\r') {
        if (*r->at == '"')
            return fail(r, r->line,
                        "a quote inside a field without quotes; put the whole field in quotes and "
                        "double those inside it",
                        e);
        r->at++;
    }
    return read_separator(r, after, e);
}

enum { MOST_CELLS = 1 << 26 }; // a pointer each, where the file may have a single byte

// Appends one record's cells to r->table->cell; *count is their number.
static bool read_record(struct reader *r, size_t *count, struct error *e) {
    enum after after = AFTER_CELL;
    *count = 0;
    r->record_line = r->line;
    while (after == AFTER_CELL) {
        if (*count == TABLE_MOST_COLUMNS)
            return fail(r, r->line, "more than 1024 columns", e);
        if (r->cells == MOST_CELLS)
            return fail(r, r->line, "more than 67108864 fields up to here; leave out what is not needed", e);
        if (!mem_grow(&r->table->cell, &r->cell_capacity, r->cells + 1, sizeof(char *), e) ||
            !read_cell(r, &r->table->cell[r->cells], &after, e))
            return false;
        r->cells++;
        ++*count;
    }
    return true;
}

static bool names_differ(const struct reader *r, struct error *e) {
    const struct table *t = r->table;
    for (size_t i = 0; i < t->columns; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(t->name[i], t->name[j]) == 0)
                return error_set(e, ERROR_INPUT, "%s, line 1: two columns are named \"%s\"; rename one",
                                 r->path, t->name[i]);
    return true;
}

static bool read_header(struct reader *r, struct error *e) {
    struct table *t = r->table;
    if (r->at == r->end)
        return fail(r, 1, "the file is empty; it should begin with a line of column names", e);
    if (!read_record(r, &t->columns, e))
        return false;
    t->name = mem_calloc(t->columns, sizeof *t->name, e);
    if (!t->name)
        return false;
    memcpy(t->name, t->cell, t->columns * sizeof *t->name);
    r->cells = 0;
    return names_differ(r, e);
}

static bool read_rows(struct reader *r, struct error *e) {
    struct table *t = r->table;
    while (r->at < r->end) {
        size_t count;
        bool empty_line = *r->at == '\n' || *r->at == '\r';
        if (!read_record(r, &count, e))
            return false;
        if (count == 1 && empty_line && t->columns > 1) {
            r->cells--;
            continue;
        }
        if (count != t->columns)
            return error_set(
                e, ERROR_INPUT, "%s, line %zu: %zu field%s, but the first line names %zu column%s", r->path,
                r->record_line, count, count == 1 ? "" : "s", t->columns, t->columns == 1 ? "" : "s");
        if (!mem_grow(&t->line, &r->row_capacity, t->rows + 1, sizeof *t->line, e))
            return false;
        t->line[t->rows++] = r->record_line;
    }
    return true;
}

bool table_read(struct table *out, const char *path, enum table_format format, struct error *e) {
    memset(out, 0, sizeof *out);
    struct reader r = {.table = out, .path = path, .format = format, .line = 1};
    bool ok = text_file_read(&out->file, path, e);
    if (ok) {
        r.at = out->file.text;
        r.end = r.at + out->file.length;
        ok = read_header(&r, e) && read_rows(&r, e);
    }
    if (!ok)
        table_free(out);
    return ok;
}

void table_free(struct table *t) {
    free(t->line);
    free(t->cell);
    free(t->name);
    text_file_free(&t->file);
    memset(t, 0, sizeof *t);
}

size_t table_find(const struct table *t, const char *name) {
    for (size_t i = 0; i < t->columns; i++)
        if (strcmp(t->name[i], name) == 0)
            return i;
    return SIZE_MAX;
}
