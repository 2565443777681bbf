// SPDX-License-Identifier: GPL-3.0-or-later
// A small text editor widget: several lines, a cursor, undo and redo, drawn into an area with styles of the
// caller.
//
// Keys: arrows, Home/End (of the line; with Ctrl of the text), Ctrl-A/E, Ctrl-Left/Right by words (Alt-B/F),
// Backspace, Delete, Ctrl-K, Ctrl-U, Ctrl-W, Ctrl-_ (or Ctrl-Z where it arrives) undo, Ctrl-Y or Ctrl-R redo;
// Enter breaks the line where `multi_line`, and is the caller's otherwise. Up and Down go by rows as last
// drawn; beyond the first or last row of a single-line text they are the caller's. Pasted text is one
// undoable edit; its newlines become spaces in a single line. The cursor moves by whole characters with their
// combining marks. Text is always valid UTF-8: what is not becomes U+FFFD.
#ifndef PROMPTER_TUI_EDITOR_H
#define PROMPTER_TUI_EDITOR_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "tui/grid.h"
#include "tui/key.h"

struct editor;

bool editor_create(struct editor **out, bool multi_line, struct error *e);
void editor_free(struct editor *ed);
// Replaces the text; `keep_undo` makes it one undoable edit, otherwise the history begins anew.
bool editor_set(struct editor *ed, const char *text, bool keep_undo, struct error *e);
const char *editor_text(const struct editor *ed); // valid until the next edit
size_t editor_cursor(const struct editor *ed);    // byte offset
size_t editor_revision(const struct editor *ed);  // grows with every change of the text
// True when the key was one of the editor's.
bool editor_key(struct editor *ed, struct key k);
bool editor_undo(struct editor *ed);
bool editor_redo(struct editor *ed);
// The column that a byte of the text stands in where the text is wrapped to so many columns.
int editor_column(struct editor *ed, size_t at, int columns);
// Draws wrapped text from the area's first row, scrolled so that the cursor shows when `focused`. style[i] is
// the style of byte i (NULL: plain). `underline_at` is the byte to mark as wrong (the length of the text: its
// end), or SIZE_MAX. Returns rows the whole text needs.
int editor_draw(struct editor *ed, struct grid *g, struct area a, bool focused, const unsigned char *style,
                size_t underline_at);
// The same with `gap` rows left free below the row of underline_at; *gap_row is the first of them in the
// area. The text has that many rows less; where its row is scrolled out of sight, they are the area's last.
int editor_draw_gap(struct editor *ed, struct grid *g, struct area a, bool focused,
                    const unsigned char *style, size_t underline_at, int gap, int *gap_row);

#endif
