// SPDX-License-Identifier: GPL-3.0-or-later
// A table of any number of rows: aligned columns, one selected row, scrolling, search. Only the rows that
// show are asked for, so that a million rows cost what a screenful does.
//
// The caller owns rows and their order (sorting, filtering) and keeps a struct table between frames. Drawing
// notes in it how much fitted, which moving reads; nothing else changes there.
#ifndef PROMPTER_TUI_TABLE_H
#define PROMPTER_TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/grid.h"
#include "tui/request.h"

enum { TABLE_CELL = 512, TABLE_MOST_COLUMNS = 48 };

struct table_column {
    const char *title;
    int least, most;         // columns of the screen; most 0: as wide as what shows
    bool right;              // numbers
    bool stretches;          // takes what is left over, and gives first when room is short
    bool marked, descending; // the rows are ordered by it: an arrow beside the title
};
struct table_source {
    void *context;
    size_t rows, columns;
    const struct table_column *column; // [columns], at most TABLE_MOST_COLUMNS
    // The text of a cell, UTF-8 without newlines, and its style (STYLE_PLAIN to begin with).
    void (*cell)(void *context, size_t row, size_t column, char text[TABLE_CELL], enum style *style);
    // What to say when there is no row. May be NULL.
    const char *empty;
};
struct table {
    size_t selected; // row
    size_t top;      // first row that shows; table_draw keeps the selected one in sight
    size_t left;     // first column that shows, when not all fit: column 0 always does
    char search[128];
    size_t page;       // rows that fitted at the last drawing
    struct area drawn; // where, and how many rows there were
    size_t rows;
    bool more; // columns were left out at the right
};

// Draws titles and rows. The selected row is shown as such when `focused`, dimmer otherwise.
void table_draw(struct table *t, struct grid *g, struct area a, const struct table_source *source,
                bool focused);
// The row at a row of the area (for a mouse); SIZE_MAX if there is none.
size_t table_row_at(const struct table *t, const struct table_source *source, int row);
// A press of the mouse at a cell of the grid: selects the row there, if one was drawn there.
void table_press(struct table *t, int row, int column);
// Up, down, pages, first, last; left and right move the columns. True when the request was one of these.
bool table_request(struct table *t, enum request r, const struct table_source *source);
// Selects the next row (or the one before) after the present one in which a cell holds the text, letters
// alike in either case; goes round at the end. NULL or "": the last text. False if there is none. `again`:
// the present row counts too (a new search).
bool table_search(struct table *t, const struct table_source *source, const char *text, bool forward,
                  bool again);

#endif
