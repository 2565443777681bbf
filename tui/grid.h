// SPDX-License-Identifier: GPL-3.0-or-later
// A plain grid of cells: what every screen draws on, and what tests read. Knows no terminal.
//
// A cell holds one character with its combining marks and a style role. A wide character holds two cells;
// overwriting half of it blanks the other half. Widths come from libc wcwidth (a UTF-8 locale must be set)
// and from nowhere else in the program. Invalid UTF-8 is drawn as U+FFFD, control characters as their
// pictures; invisible direction and space controls are left out. All drawing clips to the grid and to the
// area it is given; no coordinates are an error.
#ifndef PROMPTER_TUI_GRID_H
#define PROMPTER_TUI_GRID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// What a cell means; the theme says how it looks. The letter is what dumps show.
#define STYLE_TABLE(X)                                                                                       \
    X(PLAIN, '.')    /* ordinary text */                                                                     \
    X(DIM, 'd')      /* secondary text, units, empty states */                                               \
    X(STRONG, 'b')   /* emphasis */                                                                          \
    X(TITLE, 't')    /* names of panes */                                                                    \
    X(BORDER, '-')   /* lines around panes */                                                                \
    X(FOCUS, 'F')    /* border and title of the pane that has the keys */                                    \
    X(BAR, 'B')      /* status row */                                                                        \
    X(TAB, 'n')      /* a screen's name */                                                                   \
    X(TAB_NOW, 'N')  /* the present screen's name */                                                         \
    X(KEY, 'k')      /* a key in hints */                                                                    \
    X(SELECTED, 's') /* the row or text that is selected */                                                  \
    X(CURSOR, 'c')   /* the cell under a drawn cursor */                                                     \
    X(GOOD, 'g')                                                                                             \
    X(WARN, 'w')                                                                                             \
    X(BAD, 'x')                                                                                              \
    X(ACCENT, 'a')                                                                                           \
    X(LITERAL, 'l') /* kinds of template parts: literal text, fields, soft, mask, special */                 \
    X(FIELD, 'f')                                                                                            \
    X(SOFT, 'o')                                                                                             \
    X(MASK, 'm')                                                                                             \
    X(SPECIAL, 'p')                                                                                          \
    X(SERIES_1, '1') /* curves */                                                                            \
    X(SERIES_2, '2')                                                                                         \
    X(SERIES_3, '3')                                                                                         \
    X(SERIES_4, '4')

enum style {
#define STYLE_ENUM(name, letter) STYLE_##name,
    STYLE_TABLE(STYLE_ENUM)
#undef STYLE_ENUM
        STYLE_COUNT
};
char style_letter(enum style s);

enum { CELL_MARKS = 3 };
struct cell {
    uint32_t character;        // 0: the right half of a wide character
    uint32_t mark[CELL_MARKS]; // combining marks, 0 where none
    uint8_t style;
    uint8_t width; // 1 or 2; 0 for a right half
};

struct area { // half-open: rows row .. row+rows-1
    int row, column, rows, columns;
};

struct grid {
    int rows, columns;
    struct cell *cell;             // [rows * columns], owned
    int cursor_row, cursor_column; // where the terminal's cursor shows; -1: hidden
    bool ascii; // draw with ASCII alone: borders, braille, marks, symbols; letters of other scripts stay
};
bool grid_create(struct grid **out, int rows, int columns, struct error *e);
void grid_free(struct grid *g);
bool grid_resize(struct grid *g, int rows, int columns, struct error *e); // blanks it
void grid_clear(struct grid *g);
struct area grid_area(const struct grid *g);

struct area area_inset(struct area a, int by);                 // never negative sizes
struct area area_rows(struct area a, int first, int count);    // a slice of rows
struct area area_columns(struct area a, int first, int count); // a slice of columns

// Columns that UTF-8 text takes (tabs count as 1).
int text_width(const char *text, size_t length);
// The most bytes of text that fit `columns` without cutting a character; *used (may be NULL) the columns they
// take.
size_t text_fit(const char *text, size_t length, int columns, int *used);
// Breaks text into lines of at most `columns` at spaces (or between CJK characters, or inside a word too long
// for a line), and at newlines. Calls line() for each; stops when it returns false. Empty text has no line.
void text_wrap(const char *text, size_t length, int columns,
               bool (*line)(void *context, const char *text, size_t length), void *context);

// Draws at (row, column) relative to the area, clipped to it. Returns the columns of the text, clipped or
// not, so that drawing can go on after it.
int grid_put(struct grid *g, struct area a, int row, int column, enum style style, const char *text);
int grid_put_bytes(struct grid *g, struct area a, int row, int column, enum style style, const char *text,
                   size_t length);
int grid_printf(struct grid *g, struct area a, int row, int column, enum style style, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
// At most `columns` wide, ending in an ellipsis where text was left out.
int grid_put_cut(struct grid *g, struct area a, int row, int column, int columns, enum style style,
                 const char *text);
// Right-aligned so that it ends before column `end`.
int grid_put_right(struct grid *g, struct area a, int row, int end, enum style style, const char *text);
// Wraps into the area from `row` on; returns the rows used (also those that did not fit).
int grid_put_wrapped(struct grid *g, struct area a, int row, enum style style, const char *text);
void grid_fill(struct grid *g, struct area a, enum style style, uint32_t character);
void grid_restyle(struct grid *g, struct area a, enum style style); // keeps the characters
// A frame with a title in its top edge (a "▸" before it where focused) and, if given, a note at the right of
// its bottom edge. Returns the inside.
struct area grid_frame(struct grid *g, struct area a, bool focused, const char *title, const char *note);
// A horizontal bar of `share` (0..1) of `columns`, in eighths (ASCII: '#').
void grid_bar(struct grid *g, struct area a, int row, int column, int columns, enum style style,
              double share);
void grid_cursor(struct grid *g, struct area a, int row, int column);

// Rows of text (trailing spaces removed), each followed by a newline; then, with styles, a line "---" and the
// rows of style letters, all columns wide, then "cursor ROW COLUMN" where the cursor shows. Owned.
char *grid_dump(const struct grid *g, bool styles, struct error *e);
// The same with other letters (NULL: none), e.g. theme_letter.
char *grid_dump_with(const struct grid *g, char (*letter)(enum style s), struct error *e);

#endif
