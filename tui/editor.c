// SPDX-License-Identifier: GPL-3.0-or-later
// The text editor widget. The text is one block of bytes; undo keeps whole copies of it, one for each group
// of edits, which is cheap for texts that a person types. Rows are found anew for every drawing.
#include "tui/editor.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"

enum { MOST_UNDO = 200 };

struct state {
    char *text; // owned
    size_t cursor;
};

struct history {
    struct state state[MOST_UNDO];
    size_t count;
};

// Edits of one kind in a row are undone together.
enum edit_kind { EDIT_NONE, EDIT_TYPE, EDIT_BACKSPACE, EDIT_DELETE, EDIT_PASTE, EDIT_OTHER };

struct editor {
    char *text; // NUL-terminated
    size_t length, capacity, cursor, revision;
    bool multi_line, pasting;
    enum edit_kind last_edit;
    struct history undo, redo;
    // From the last drawing: where rows began, for Up and Down and for the scroll position.
    size_t *row;
    size_t rows, row_capacity;
    int columns, scroll, goal; // goal: the column Up and Down try to keep, -1 none
};

// ---- text ----

static bool make_room(struct editor *ed, size_t need, struct error *e) {
    return mem_grow(&ed->text, &ed->capacity, need, 1, e);
}

// Replaces text[from, to) and puts the cursor behind what was put in.
static bool replace(struct editor *ed, size_t from, size_t to, const char *with, size_t length) {
    if (length > SIZE_MAX / 2 - ed->length || !make_room(ed, ed->length + length + 1, NULL))
        return false;
    memmove(ed->text + from + length, ed->text + to, ed->length - to + 1);
    if (length > 0)
        memcpy(ed->text + from, with, length);
    ed->length = ed->length - (to - from) + length;
    ed->cursor = from + length;
    ed->revision++;
    return true;
}

// What of a character stays: valid, no controls but tabs, newlines only where there can be several lines.
static uint32_t settle(const struct editor *ed, uint32_t c) {
    if (c == '\n' || c == '\r')
        return ed->multi_line ? '\n' : ' ';
    if (c == '\t')
        return c;
    return c < 0x20 || c == 0x7f ? 0 : c;
}

static bool is_mark(const struct editor *ed, size_t at) {
    uint32_t c;
    size_t bytes = utf8_decode(ed->text + at, ed->length - at, &c);
    return text_width(ed->text + at, bytes) == 0;
}

// The end of the character (with its marks) that begins at `at`.
static size_t next_character(const struct editor *ed, size_t at) {
    uint32_t c;
    if (at >= ed->length)
        return ed->length;
    at += utf8_decode(ed->text + at, ed->length - at, &c);
    while (c != '\n' && at < ed->length && is_mark(ed, at))
        at += utf8_decode(ed->text + at, ed->length - at, &c);
    return at;
}

static size_t previous_character(const struct editor *ed, size_t at) {
    while (at > 0) {
        at = utf8_boundary(ed->text, ed->length, at - 1);
        if (!is_mark(ed, at) || at == 0 || ed->text[at - 1] == '\n')
            break;
    }
    return at;
}

static bool is_word(const struct editor *ed, size_t at) {
    unsigned char c = (unsigned char)ed->text[at];
    return isalnum(c) || c == '_' || c >= 0x80;
}

static size_t next_word(const struct editor *ed, size_t at) {
    while (at < ed->length && !is_word(ed, at))
        at = next_character(ed, at);
    while (at < ed->length && is_word(ed, at))
        at = next_character(ed, at);
    return at;
}

static size_t previous_word(const struct editor *ed, size_t at) {
    while (at > 0 && !is_word(ed, previous_character(ed, at)))
        at = previous_character(ed, at);
    while (at > 0 && is_word(ed, previous_character(ed, at)))
        at = previous_character(ed, at);
    return at;
}

static size_t line_start(const struct editor *ed, size_t at) {
    while (at > 0 && ed->text[at - 1] != '\n')
        at--;
    return at;
}

static size_t line_end(const struct editor *ed, size_t at) {
    while (at < ed->length && ed->text[at] != '\n')
        at++;
    return at;
}

// ---- undo ----

static void forget(struct history *h) {
    while (h->count > 0)
        free(h->state[--h->count].text);
}

static bool remember(struct history *h, const struct editor *ed) {
    char *text = mem_strndup(ed->text, ed->length, NULL);
    if (!text)
        return false;
    if (h->count == MOST_UNDO) {
        free(h->state[0].text);
        memmove(h->state, h->state + 1, (MOST_UNDO - 1) * sizeof *h->state);
        h->count--;
    }
    h->state[h->count++] = (struct state){text, ed->cursor};
    return true;
}

static void begin_edit(struct editor *ed, enum edit_kind kind) {
    if (ed->pasting)
        kind = EDIT_PASTE;
    if (kind != ed->last_edit || kind == EDIT_OTHER)
        remember(&ed->undo, ed);
    forget(&ed->redo);
    ed->last_edit = kind;
    ed->goal = -1;
}

static bool travel(struct editor *ed, struct history *from, struct history *to) {
    if (from->count == 0 || !remember(to, ed))
        return false;
    struct state s = from->state[--from->count];
    replace(ed, 0, ed->length, s.text, strlen(s.text));
    ed->cursor = s.cursor;
    ed->last_edit = EDIT_NONE;
    ed->goal = -1;
    free(s.text);
    return true;
}

bool editor_undo(struct editor *ed) {
    return travel(ed, &ed->undo, &ed->redo);
}

bool editor_redo(struct editor *ed) {
    return travel(ed, &ed->redo, &ed->undo);
}

// ---- life ----

bool editor_create(struct editor **out, bool multi_line, struct error *e) {
    struct editor *ed = mem_calloc(1, sizeof *ed, e);
    if (!ed)
        return false;
    ed->multi_line = multi_line;
    ed->goal = -1;
    if (!make_room(ed, 1, e)) {
        editor_free(ed);
        return false;
    }
    ed->text[0] = '\0';
    *out = ed;
    return true;
}

void editor_free(struct editor *ed) {
    if (!ed)
        return;
    forget(&ed->undo);
    forget(&ed->redo);
    free(ed->row);
    free(ed->text);
    free(ed);
}

bool editor_set(struct editor *ed, const char *text, bool keep_undo, struct error *e) {
    struct buffer clean = {0};
    size_t length = strlen(text);
    bool ok = false;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        char bytes[4];
        i += utf8_decode(text + i, length - i, &c);
        if (c == '\r' && i < length && text[i] == '\n')
            continue;
        c = settle(ed, c);
        if (c)
            buffer_add(&clean, bytes, utf8_encode(c, bytes));
    }
    if (!buffer_ok(&clean, e) || !make_room(ed, clean.length + 1, e))
        goto done;
    if (keep_undo) {
        if (clean.length == ed->length && (clean.length == 0 || !memcmp(clean.data, ed->text, ed->length))) {
            ok = true;
            goto done;
        }
        begin_edit(ed, EDIT_OTHER);
    } else {
        forget(&ed->undo);
        forget(&ed->redo);
    }
    ok = replace(ed, 0, ed->length, clean.data, clean.length);
    ed->last_edit = EDIT_NONE;
    ed->goal = -1;
done:
    buffer_free(&clean);
    return ok;
}

const char *editor_text(const struct editor *ed) {
    return ed->text;
}

size_t editor_cursor(const struct editor *ed) {
    return ed->cursor;
}

size_t editor_revision(const struct editor *ed) {
    return ed->revision;
}

// ---- rows ----

static bool add_row(struct editor *ed, size_t start) {
    if (!mem_grow(&ed->row, &ed->row_capacity, ed->rows + 1, sizeof *ed->row, NULL))
        return false;
    ed->row[ed->rows++] = start;
    return true;
}

// Words go to the next row whole where they fit one. Text leaves the last column to the cursor; a space may
// stand there, so that rows break behind it.
static bool find_rows(struct editor *ed, int columns) {
    int most = columns > 4 ? columns - 1 : columns;
    size_t start = 0, may_break = 0;
    int used = 0;
    ed->rows = 0;
    ed->columns = columns;
    if (!add_row(ed, 0))
        return false;
    for (size_t at = 0; at < ed->length;) {
        size_t next = next_character(ed, at);
        int width = text_width(ed->text + at, next - at);
        bool space = ed->text[at] == ' ', newline = ed->text[at] == '\n';
        if (!newline && used + width > (space ? columns : most) && at > start) {
            start = may_break > start ? may_break : at;
            used = text_width(ed->text + start, at - start);
            if (!add_row(ed, start))
                return false;
        }
        used += width;
        if (newline) {
            start = next;
            used = 0;
            if (!add_row(ed, start))
                return false;
        }
        if (space || width == 2)
            may_break = next;
        at = next;
    }
    return true;
}

static size_t row_end(const struct editor *ed, size_t row) {
    if (row + 1 >= ed->rows)
        return ed->length;
    size_t end = ed->row[row + 1];
    return end > ed->row[row] && ed->text[end - 1] == '\n' ? end - 1 : end;
}

static size_t row_of(const struct editor *ed, size_t at) {
    size_t row = 0;
    while (row + 1 < ed->rows && ed->row[row + 1] <= at)
        row++;
    return row;
}

static int column_of(const struct editor *ed, size_t at) {
    size_t start = ed->row[row_of(ed, at)];
    return text_width(ed->text + start, at - start);
}

// Moves by rows; false when there is no such row.
static bool move_rows(struct editor *ed, int by) {
    if (!find_rows(ed, ed->columns > 0 ? ed->columns : 80))
        return false;
    size_t row = row_of(ed, ed->cursor);
    if (by < 0 ? row == 0 : row + 1 >= ed->rows)
        return false;
    if (ed->goal < 0)
        ed->goal = column_of(ed, ed->cursor);
    row = by < 0 ? row - 1 : row + 1;
    size_t at = ed->row[row], end = row_end(ed, row);
    while (at < end) {
        size_t next = next_character(ed, at);
        // The end of a broken row is the start of the next one, hence not a place in this row.
        if (text_width(ed->text + ed->row[row], next - ed->row[row]) > ed->goal ||
            (next == end && row + 1 < ed->rows && ed->row[row + 1] == end))
            break;
        at = next;
    }
    ed->cursor = at;
    ed->last_edit = EDIT_NONE;
    return true;
}

// ---- keys ----

static void move_to(struct editor *ed, size_t at) {
    ed->cursor = at;
    ed->last_edit = EDIT_NONE;
    ed->goal = -1;
}

static void erase(struct editor *ed, size_t from, size_t to, enum edit_kind kind) {
    if (from >= to)
        return;
    begin_edit(ed, kind);
    replace(ed, from, to, "", 0);
}

static void type(struct editor *ed, uint32_t c) {
    char bytes[4];
    c = settle(ed, c);
    if (!c)
        return;
    // A word with the space before it is one step of undo.
    if (c == ' ' && ed->last_edit == EDIT_TYPE && ed->cursor > 0 && ed->text[ed->cursor - 1] != ' ')
        ed->last_edit = EDIT_NONE;
    begin_edit(ed, c == '\n' ? EDIT_OTHER : EDIT_TYPE);
    size_t length = utf8_encode(c, bytes);
    replace(ed, ed->cursor, ed->cursor, bytes, length);
}

static bool control_key(struct editor *ed, uint32_t c) {
    size_t at = ed->cursor, end = line_end(ed, at);
    switch (c) {
    case 'a':
        move_to(ed, line_start(ed, at));
        return true;
    case 'e':
        move_to(ed, end);
        return true;
    case 'b':
        move_to(ed, previous_character(ed, at));
        return true;
    case 'f':
        move_to(ed, next_character(ed, at));
        return true;
    case 'k': // at the end of a line: the newline
        erase(ed, at, end > at ? end : next_character(ed, at), EDIT_OTHER);
        return true;
    case 'u':
        erase(ed, line_start(ed, at), at, EDIT_OTHER);
        return true;
    case 'w':
        erase(ed, previous_word(ed, at), at, EDIT_OTHER);
        return true;
    case 'z':
    case '_':
        editor_undo(ed);
        return true;
    case 'y':
    case 'r':
        editor_redo(ed);
        return true;
    default:
        return false;
    }
}

static bool character_key(struct editor *ed, struct key k) {
    if (k.control)
        return !k.alt && control_key(ed, k.character);
    if (!k.alt) {
        type(ed, k.character);
        return true;
    }
    switch (k.character) {
    case 'b':
    case 'B':
        move_to(ed, previous_word(ed, ed->cursor));
        return true;
    case 'f':
    case 'F':
        move_to(ed, next_word(ed, ed->cursor));
        return true;
    case 'd':
    case 'D':
        erase(ed, ed->cursor, next_word(ed, ed->cursor), EDIT_OTHER);
        return true;
    default:
        return false;
    }
}

bool editor_key(struct editor *ed, struct key k) {
    size_t at = ed->cursor;
    bool words = k.control || k.alt;
    switch (k.code) {
    case KEY_CODE_CHARACTER:
        return character_key(ed, k);
    case KEY_CODE_ENTER:
        if (!ed->multi_line && !ed->pasting)
            return false;
        type(ed, '\n');
        return true;
    case KEY_CODE_TAB:
        if (ed->pasting)
            type(ed, '\t');
        return ed->pasting;
    case KEY_CODE_BACKSPACE:
        erase(ed, words ? previous_word(ed, at) : previous_character(ed, at), at, EDIT_BACKSPACE);
        return true;
    case KEY_CODE_DELETE:
        erase(ed, at, words ? next_word(ed, at) : next_character(ed, at), EDIT_DELETE);
        return true;
    case KEY_CODE_LEFT:
        move_to(ed, words ? previous_word(ed, at) : previous_character(ed, at));
        return true;
    case KEY_CODE_RIGHT:
        move_to(ed, words ? next_word(ed, at) : next_character(ed, at));
        return true;
    case KEY_CODE_HOME:
        move_to(ed, k.control ? 0 : line_start(ed, at));
        return true;
    case KEY_CODE_END:
        move_to(ed, k.control ? ed->length : line_end(ed, at));
        return true;
    case KEY_CODE_UP:
        return move_rows(ed, -1) || ed->multi_line;
    case KEY_CODE_DOWN:
        return move_rows(ed, 1) || ed->multi_line;
    case KEY_CODE_PASTE:
    case KEY_CODE_PASTE_END:
        ed->pasting = k.code == KEY_CODE_PASTE;
        ed->last_edit = EDIT_NONE;
        return true;
    default:
        return false;
    }
}

// ---- drawing ----

static void draw_row(const struct editor *ed, struct grid *g, struct area a, int y, size_t row,
                     const unsigned char *style, size_t underline_at) {
    int column = 0;
    for (size_t at = ed->row[row], end = row_end(ed, row); at < end;) {
        size_t next = next_character(ed, at);
        bool wrong = underline_at >= at && underline_at < next;
        enum style s = wrong ? STYLE_BAD : style ? (enum style)style[at] : STYLE_PLAIN;
        column += grid_put_bytes(g, a, y, column, s, ed->text + at, next - at);
        at = next;
    }
    bool ends_here =
        underline_at == row_end(ed, row) && (row + 1 >= ed->rows || ed->text[underline_at] == '\n');
    if (ends_here) // nothing is there to be marked
        grid_put(g, a, y, column < a.columns ? column : a.columns - 1, STYLE_BAD, "_");
}

static void keep_in_sight(struct editor *ed, int rows, int room, int cursor_row, bool focused) {
    if (focused && cursor_row >= ed->scroll + room)
        ed->scroll = cursor_row - room + 1;
    if (focused && cursor_row < ed->scroll)
        ed->scroll = cursor_row;
    if (ed->scroll > rows - room)
        ed->scroll = rows - room;
    if (ed->scroll < 0)
        ed->scroll = 0;
}

int editor_draw_gap(struct editor *ed, struct grid *g, struct area a, bool focused,
                    const unsigned char *style, size_t underline_at, int gap, int *gap_row) {
    *gap_row = 0;
    if (!find_rows(ed, a.columns > 0 ? a.columns : 1))
        return 0;
    int rows = (int)ed->rows, cursor_row = (int)row_of(ed, ed->cursor), room = a.rows - gap;
    keep_in_sight(ed, rows, room, cursor_row, focused);
    int last = ed->scroll + room < rows ? ed->scroll + room : rows; // the first row that does not show
    int wrong = underline_at <= ed->length ? (int)row_of(ed, underline_at) : last;
    wrong = wrong < ed->scroll || wrong >= last ? last - 1 : wrong;
    *gap_row = wrong + 1 - ed->scroll;
    for (int row = ed->scroll; row < last; row++)
        draw_row(ed, g, a, row - ed->scroll + (row > wrong ? gap : 0), (size_t)row, style, underline_at);
    if (focused) {
        int column = column_of(ed, ed->cursor);
        grid_cursor(g, a, cursor_row - ed->scroll + (cursor_row > wrong ? gap : 0),
                    column < a.columns ? column : a.columns - 1);
    }
    return rows;
}

int editor_draw(struct editor *ed, struct grid *g, struct area a, bool focused, const unsigned char *style,
                size_t underline_at) {
    int nowhere;
    return editor_draw_gap(ed, g, a, focused, style, underline_at, 0, &nowhere);
}

int editor_column(struct editor *ed, size_t at, int columns) {
    if (!find_rows(ed, columns > 0 ? columns : 1))
        return 0;
    int column = column_of(ed, at < ed->length ? at : ed->length);
    return column < columns ? column : columns - 1;
}
