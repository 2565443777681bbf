// SPDX-License-Identifier: GPL-3.0-or-later
#include "report_sheet.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

void report_sheet_free(struct report_sheet *s) {
    for (size_t i = 0; i < s->cells; i++)
        free(s->cell[i]);
    free(s->cell);
    *s = (struct report_sheet){0};
}

void report_sheet_put(struct report_sheet *s, const char *text) {
    char *copy = mem_strdup(text, NULL);
    if (!copy || !mem_grow(&s->cell, &s->capacity, s->cells + 1, sizeof *s->cell, NULL)) {
        free(copy);
        s->failed = true;
        return;
    }
    utf8_make_plain(copy);
    s->cell[s->cells++] = copy;
}

void report_sheet_title(struct report_sheet *s, bool right, const char *format, const char *name) {
    char text[128];
    snprintf(text, sizeof text, format, name);
    if (s->columns < sizeof s->right / sizeof *s->right)
        s->right[s->columns] = right;
    s->columns++;
    report_sheet_put(s, text);
}

void report_sheet_real(struct report_sheet *s, double x) {
    char text[40];
    snprintf(text, sizeof text, "%.10g", x);
    report_sheet_put(s, isfinite(x) ? text : "");
}

void report_sheet_whole(struct report_sheet *s, size_t n) {
    char text[32];
    snprintf(text, sizeof text, "%zu", n);
    report_sheet_put(s, text);
}

static const char *cell_at(const struct report_sheet *s, size_t row, size_t column) {
    return s->cell[row * s->columns + column];
}

// ---- writing ----

// RFC 4180. A text that a spreadsheet would take for a formula gets no special treatment: it is data.
static void write_csv(struct buffer *out, const struct report_sheet *s) {
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < s->columns; c++) {
            const char *text = cell_at(s, r, c);
            bool quoted = text[strcspn(text, ",\"\r\n")] || text[0] == ' ';
            buffer_add_text(out, c ? "," : "");
            buffer_add_text(out, quoted ? "\"" : "");
            for (; *text; text++) {
                if (*text == '"')
                    buffer_add_char(out, '"');
                buffer_add_char(out, *text);
            }
            buffer_add_text(out, quoted ? "\"" : "");
        }
        buffer_add_text(out, "\r\n");
    }
}

static int wide(report_width *width, const char *text) {
    return width ? width(text, strlen(text)) : (int)strlen(text);
}

static void pad(struct buffer *out, int columns) {
    for (; columns > 0; columns--)
        buffer_add_char(out, ' ');
}

static void write_padded(struct buffer *out, report_width *width, const char *text, int columns, bool right,
                         bool last) {
    int left = columns - wide(width, text);
    if (right)
        pad(out, left);
    buffer_add_text(out, text);
    if (!right && !last)
        pad(out, left);
}

static int column_width(const struct report_sheet *s, report_width *width, size_t column) {
    int most = 3; // "---" of Markdown
    for (size_t r = 0; r < s->rows; r++) {
        int w = wide(width, cell_at(s, r, column));
        most = w > most ? w : most;
    }
    return most;
}

static void write_text(struct buffer *out, const struct report_sheet *s, report_width *width) {
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < s->columns; c++) {
            buffer_add_text(out, c ? "  " : "");
            write_padded(out, width, cell_at(s, r, c), column_width(s, width, c), s->right[c],
                         c + 1 == s->columns);
        }
        buffer_add_char(out, '\n');
    }
}

// A bar inside of a cell would end it.
static char *markdown_text(const char *text) {
    struct buffer b = {0};
    for (; *text; text++) {
        if (strchr("|\\`*_<>", *text))
            buffer_add_char(&b, '\\');
        buffer_add_char(&b, *text);
    }
    return buffer_take(&b, NULL);
}

// Cells in the format's own writing, so that columns are aligned as they stand there.
static void escape_sheet(struct report_sheet *s, char *escape(const char *)) {
    for (size_t i = 0; i < s->cells; i++) {
        char *text = escape(s->cell[i]);
        if (!text) {
            s->failed = true;
            return;
        }
        free(s->cell[i]);
        s->cell[i] = text;
    }
}

static void write_markdown(struct buffer *out, const struct report_sheet *s, report_width *width) {
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < s->columns; c++) {
            buffer_add_text(out, "| ");
            write_padded(out, width, cell_at(s, r, c), column_width(s, width, c), s->right[c], false);
            buffer_add_char(out, ' ');
        }
        buffer_add_text(out, "|\n");
        for (size_t c = 0; r == 0 && c < s->columns; c++) {
            buffer_add_text(out, s->right[c] ? "| " : "| ");
            for (int i = column_width(s, width, c) - s->right[c]; i > 0; i--)
                buffer_add_char(out, '-');
            buffer_add_text(out, s->right[c] ? ": " : " ");
        }
        if (r == 0)
            buffer_add_text(out, "|\n");
    }
}

static const char *latex_symbol(char c) {
    switch (c) {
    case '\\':
        return "\\textbackslash{}";
    case '~':
        return "\\textasciitilde{}";
    case '^':
        return "\\textasciicircum{}";
    case '<':
        return "\\textless{}";
    case '>':
        return "\\textgreater{}";
    case '|':
        return "\\textbar{}";
    case '"':
        return "\\textquotedbl{}";
    case '&':
        return "\\&";
    case '%':
        return "\\%";
    case '$':
        return "\\$";
    case '#':
        return "\\#";
    case '_':
        return "\\_";
    case '{':
        return "\\{";
    case '}':
        return "\\}";
    default:
        return NULL;
    }
}

static bool is_number(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (!isdigit((unsigned char)text[i]) && text[i] != '.')
            return false;
    return length > 0;
}

// "±" and the signs of numbers are mathematics; everything else is text.
static char *latex_text(const char *text) {
    static const char plus_minus[] = "±";
    struct buffer b = {0};
    for (const char *p = text; *p;) {
        size_t digits = (*p == '+' || *p == '-') ? strspn(p + 1, "0123456789.") : 0;
        const char *symbol = latex_symbol(*p);
        if (strncmp(p, plus_minus, strlen(plus_minus)) == 0) {
            buffer_add_text(&b, "$\\pm$");
            p += strlen(plus_minus);
        } else if (digits && is_number(p + 1, digits) && (p == text || p[-1] == ' ' || p[-1] == '[')) {
            buffer_printf(&b, "$%c%.*s$", *p, (int)digits, p + 1);
            p += digits + 1;
        } else if (symbol) {
            buffer_add_text(&b, symbol);
            p++;
        } else {
            buffer_add_char(&b, *p++);
        }
    }
    return buffer_take(&b, NULL);
}

static void write_latex(struct buffer *out, const struct report_sheet *s, report_width *width) {
    buffer_add_text(out,
                    "% Needs \\usepackage{booktabs}, \\usepackage[T1]{fontenc}; UTF-8.\n\\begin{tabular}{");
    for (size_t c = 0; c < s->columns; c++)
        buffer_add_char(out, s->right[c] ? 'r' : 'l');
    buffer_add_text(out, "}\n\\toprule\n");
    for (size_t r = 0; r < s->rows; r++) {
        for (size_t c = 0; c < s->columns; c++) {
            buffer_add_text(out, c ? " & " : "");
            // A bracket behind \\ of the row before would be taken for its argument.
            bool guard = c == 0 && cell_at(s, r, c)[0] == '[';
            buffer_add_text(out, guard ? "{}" : "");
            write_padded(out, width, cell_at(s, r, c), column_width(s, width, c), s->right[c],
                         c + 1 == s->columns);
        }
        buffer_add_text(out, r == 0 ? " \\\\\n\\midrule\n" : " \\\\\n");
    }
    buffer_add_text(out, "\\bottomrule\n\\end{tabular}\n");
}

bool report_sheet_write(struct buffer *out, struct report_sheet *s, enum report_format format,
                        report_width *width, struct error *e) {
    if (s->columns)
        s->rows = s->cells / s->columns;
    if (!s->failed && format == REPORT_MARKDOWN)
        escape_sheet(s, markdown_text);
    if (!s->failed && format == REPORT_LATEX)
        escape_sheet(s, latex_text);
    if (s->failed)
        return error_set(e, ERROR_MEMORY, "no memory for the table");
    if (format == REPORT_CSV)
        write_csv(out, s);
    else if (format == REPORT_MARKDOWN)
        write_markdown(out, s, width);
    else if (format == REPORT_LATEX)
        write_latex(out, s, width);
    else
        write_text(out, s, width);
    return true;
}
