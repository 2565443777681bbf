// SPDX-License-Identifier: GPL-3.0-or-later
// The cell grid: areas, text and its columns, drawing, dumps.
//
// Every drawing function goes through write_cell, which alone keeps wide characters whole; every coordinate
// is brought into a clip rectangle in 64-bit arithmetic first, so that no caller can reach outside the cells.
#include "tui/grid.h"

#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"

static const char STYLE_LETTER[STYLE_COUNT] = {
#define STYLE_LETTER_OF(name, letter) letter,
    STYLE_TABLE(STYLE_LETTER_OF)
#undef STYLE_LETTER_OF
};

char style_letter(enum style s) {
    return (unsigned)s < STYLE_COUNT ? STYLE_LETTER[s] : '?';
}

// ---- characters ----

// Characters without a shape of their own that would only confuse a terminal: zero width spaces, byte order
// marks, and the controls that turn the direction of the text around it.
static bool is_invisible(uint32_t c) {
    return c == 0x200b || c == 0x200e || c == 0x200f || (c >= 0x202a && c <= 0x202e) ||
           (c >= 0x2060 && c <= 0x2069) || c == 0xfeff;
}

static int character_width(uint32_t c) {
    if (c < 0x80)
        return 1;
    if (is_invisible(c))
        return 0;
    int width = wcwidth((wchar_t)c);
    return width < 0 ? 1 : width > 2 ? 2 : width;
}

// What is drawn for a character: pictures for controls, U+FFFD for what has no width.
static uint32_t character_shown(uint32_t c) {
    if (c < 0x20)
        return 0x2400 + c;
    if (c == 0x7f)
        return 0x2421;
    if (c >= 0x80 && wcwidth((wchar_t)c) < 0)
        return 0xfffd;
    return c;
}

struct ascii_range {
    uint32_t first, last;
    char as;
};

// Symbols of our own screens in ASCII; sorted. What is not here and below U+2000 or above U+2BFF is text of
// the user's data and stays as it is.
static const struct ascii_range ASCII_FOR[] = {
    {0x00ab, 0x00ab, '<'},  {0x00b0, 0x00b0, 'o'}, {0x00b1, 0x00b1, '+'},  {0x00b5, 0x00b5, 'u'},
    {0x00b7, 0x00b7, '.'},  {0x00bb, 0x00bb, '>'}, {0x00d7, 0x00d7, 'x'},  {0x0394, 0x0394, 'd'},
    {0x2000, 0x200a, ' '},  {0x2010, 0x2015, '-'}, {0x2018, 0x201b, '\''}, {0x201c, 0x201f, '"'},
    {0x2020, 0x2023, '*'},  {0x2024, 0x2026, '~'}, {0x2030, 0x2031, '%'},  {0x2032, 0x2033, '\''},
    {0x2039, 0x2039, '<'},  {0x203a, 0x203a, '>'}, {0x2190, 0x2190, '<'},  {0x2191, 0x2191, '^'},
    {0x2192, 0x2192, '>'},  {0x2193, 0x2193, 'v'}, {0x2194, 0x2194, '-'},  {0x2195, 0x2195, '|'},
    {0x21b2, 0x21b5, '<'},  {0x2212, 0x2212, '-'}, {0x221e, 0x221e, '~'},  {0x2248, 0x2248, '~'},
    {0x2264, 0x2264, '<'},  {0x2265, 0x2265, '>'}, {0x23ce, 0x23ce, '<'},  {0x2500, 0x2501, '-'},
    {0x2502, 0x2503, '|'},  {0x2504, 0x2505, '-'}, {0x2506, 0x2507, '|'},  {0x2508, 0x2509, '-'},
    {0x250a, 0x250b, ':'},  {0x250c, 0x254b, '+'}, {0x254c, 0x254d, '-'},  {0x254e, 0x254f, '|'},
    {0x2550, 0x2550, '='},  {0x2551, 0x2551, '|'}, {0x2552, 0x2570, '+'},  {0x2571, 0x2571, '/'},
    {0x2572, 0x2572, '\\'}, {0x2573, 0x2573, 'X'}, {0x2574, 0x257f, '-'},  {0x2581, 0x2581, '_'},
    {0x2580, 0x2590, '#'},  {0x2591, 0x2591, '.'}, {0x2592, 0x259f, '#'},  {0x25a0, 0x25a1, '#'},
    {0x25b2, 0x25b5, '^'},  {0x25b6, 0x25bb, '>'}, {0x25bc, 0x25bf, 'v'},  {0x25c0, 0x25c5, '<'},
    {0x25c6, 0x25c8, '*'},  {0x25cb, 0x25cc, 'o'}, {0x25cf, 0x25cf, '*'},  {0x25e6, 0x25e6, 'o'},
    {0x2605, 0x2606, '*'},  {0x26a0, 0x26a0, '!'}, {0x2713, 0x2714, '+'},  {0x2715, 0x2718, 'x'},
    {0x2801, 0x28ff, '*'},
};

static uint32_t ascii_for(uint32_t c) {
    if (c < 0x80)
        return c;
    for (size_t i = 0; i < sizeof ASCII_FOR / sizeof *ASCII_FOR; i++)
        if (c >= ASCII_FOR[i].first && c <= ASCII_FOR[i].last)
            return (uint32_t)(unsigned char)ASCII_FOR[i].as;
    if (c == 0x2800)
        return ' ';
    return (c >= 0x2000 && c <= 0x2bff) || c == 0xfffd ? '?' : c;
}

// ---- areas ----

static int saturate(long long v) {
    return v < INT_MIN ? INT_MIN : v > INT_MAX ? INT_MAX : (int)v;
}

static int at_least_zero(int v) {
    return v < 0 ? 0 : v;
}

struct area grid_area(const struct grid *g) {
    return (struct area){0, 0, g->rows, g->columns};
}

struct area area_inset(struct area a, int by) {
    a.row = saturate((long long)a.row + by);
    a.column = saturate((long long)a.column + by);
    a.rows = at_least_zero(saturate((long long)a.rows - 2LL * by));
    a.columns = at_least_zero(saturate((long long)a.columns - 2LL * by));
    return a;
}

// The part of [0, size) that [first, first + count) covers.
static void slice(int *at, int *size, int first, int count) {
    long long from = first < 0 ? 0 : first, to = (long long)first + (count < 0 ? 0 : count);
    if (from > *size)
        from = *size;
    if (to > *size)
        to = *size;
    if (to < from)
        to = from;
    *at = saturate(*at + from);
    *size = at_least_zero((int)(to - from));
}

struct area area_rows(struct area a, int first, int count) {
    a.rows = at_least_zero(a.rows);
    slice(&a.row, &a.rows, first, count);
    return a;
}

struct area area_columns(struct area a, int first, int count) {
    a.columns = at_least_zero(a.columns);
    slice(&a.column, &a.columns, first, count);
    return a;
}

// Half-open bounds inside the grid.
struct clip {
    long long top, bottom, left, right;
};

static struct clip clip_of(const struct grid *g, struct area a) {
    struct clip c = {a.row, (long long)a.row + a.rows, a.column, (long long)a.column + a.columns};
    if (c.top < 0)
        c.top = 0;
    if (c.left < 0)
        c.left = 0;
    if (c.bottom > g->rows)
        c.bottom = g->rows;
    if (c.right > g->columns)
        c.right = g->columns;
    return c;
}

// ---- cells ----

static struct cell *cell_at(struct grid *g, long long row, long long column) {
    return &g->cell[(size_t)row * (size_t)g->columns + (size_t)column];
}

static const struct cell BLANK = {.character = ' ', .style = STYLE_PLAIN, .width = 1};

// Before a cell is overwritten: if it is half of a wide character, the other half becomes a blank.
static void release_cell(struct grid *g, long long row, long long column) {
    struct cell *c = cell_at(g, row, column);
    struct cell *other = NULL;
    if (c->width == 0 && column > 0)
        other = c - 1;
    else if (c->width == 2 && column + 1 < g->columns)
        other = c + 1;
    if (other) {
        uint8_t style = other->style;
        *other = BLANK;
        other->style = style;
    }
}

// The cell must be inside the grid, both halves of a wide character too.
static struct cell *write_cell(struct grid *g, long long row, long long column, enum style style,
                               uint32_t character, int width) {
    release_cell(g, row, column);
    struct cell *c = cell_at(g, row, column);
    if (width == 2) {
        release_cell(g, row, column + 1);
        c[1] = (struct cell){.style = (uint8_t)style, .width = 0};
    }
    *c = (struct cell){.character = character, .style = (uint8_t)style, .width = (uint8_t)width};
    return c;
}

bool grid_create(struct grid **out, int rows, int columns, struct error *e) {
    struct grid *g = mem_calloc(1, sizeof *g, e);
    if (!g)
        return false;
    if (!grid_resize(g, rows, columns, e)) {
        grid_free(g);
        return false;
    }
    *out = g;
    return true;
}

void grid_free(struct grid *g) {
    if (g)
        free(g->cell);
    free(g);
}

bool grid_resize(struct grid *g, int rows, int columns, struct error *e) {
    size_t count;
    rows = at_least_zero(rows);
    columns = at_least_zero(columns);
    if (!size_multiply((size_t)rows, (size_t)columns, &count))
        return error_set(e, ERROR_MEMORY, "a screen of %d by %d cells cannot exist", columns, rows);
    struct cell *cell = mem_calloc(count, sizeof *cell, e);
    if (!cell)
        return false;
    free(g->cell);
    g->cell = cell;
    g->rows = rows;
    g->columns = columns;
    grid_clear(g);
    return true;
}

void grid_clear(struct grid *g) {
    size_t count = (size_t)g->rows * (size_t)g->columns;
    for (size_t i = 0; i < count; i++)
        g->cell[i] = BLANK;
    g->cursor_row = g->cursor_column = -1;
}

// ---- columns of text ----

int text_width(const char *text, size_t length) {
    long long width = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += utf8_decode(text + i, length - i, &c);
        width += character_width(c);
    }
    return saturate(width);
}

size_t text_fit(const char *text, size_t length, int columns, int *used) {
    int taken = 0;
    size_t i = 0;
    while (i < length) {
        uint32_t c;
        size_t bytes = utf8_decode(text + i, length - i, &c);
        int width = character_width(c);
        if (width > 0 && taken > columns - width)
            break;
        taken += width;
        i += bytes;
    }
    if (used)
        *used = taken;
    return i;
}

// Chinese and Japanese lines break between any two characters, but a line does not begin with a closing mark
// nor end with an opening one.
static bool is_closing(uint32_t c) {
    static const uint32_t CLOSING[] = {0x2026, 0x3001, 0x3002, 0x3009, 0x300b, 0x300d, 0x300f, 0x3011,
                                       0x3015, 0x301f, 0x30fb, 0xff01, 0xff05, 0xff09, 0xff0c, 0xff0e,
                                       0xff1a, 0xff1b, 0xff1f, 0xff3d, 0xff5d, 0x201d, 0x2019};
    for (size_t i = 0; i < sizeof CLOSING / sizeof *CLOSING; i++)
        if (CLOSING[i] == c)
            return true;
    return c == ',' || c == '.' || c == '!' || c == '?' || c == ':' || c == ';' || c == ')' || c == ']' ||
           c == '}';
}

static bool is_opening(uint32_t c) {
    static const uint32_t OPENING[] = {0x3008, 0x300a, 0x300c, 0x300e, 0x3010, 0x3014,
                                       0x301d, 0xff08, 0xff3b, 0xff5b, 0x201c, 0x2018};
    for (size_t i = 0; i < sizeof OPENING / sizeof *OPENING; i++)
        if (OPENING[i] == c)
            return true;
    return c == '(' || c == '[' || c == '{';
}

static bool breaks_between(uint32_t before, uint32_t after) {
    if (character_width(before) != 2 && character_width(after) != 2)
        return false;
    return !is_closing(after) && !is_opening(before);
}

// A character that alone is wider than a line, with its marks.
static size_t first_character(const char *text, size_t length) {
    uint32_t c;
    size_t i = utf8_decode(text, length, &c);
    while (i < length) {
        size_t bytes = utf8_decode(text + i, length - i, &c);
        if (character_width(c) > 0)
            break;
        i += bytes;
    }
    return i;
}

// The end of the first line of text[0..length), which has no newline; *next is where the following line
// begins. Spaces may stick out of a line: they are dropped where it breaks.
static size_t wrap_line(const char *text, size_t length, int columns, size_t *next) {
    size_t end = 0, resume = 0; // the last place where the line may break; end 0: none yet
    int used = 0;
    uint32_t before = 0;
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t bytes = utf8_decode(text + i, length - i, &c);
        int width = character_width(c);
        bool space = c == ' ', after_space = before == ' ';
        if (space && !after_space)
            end = i;
        if (space)
            resume = i + bytes;
        else if (width > 0 && i > 0 && !after_space && breaks_between(before, c))
            end = resume = i;
        if (!space && width > 0 && used + width > columns) {
            *next = end > 0 ? resume : i > 0 ? i : first_character(text, length);
            return end > 0 ? end : i > 0 ? text_fit(text, i, columns, NULL) : *next; // or spaces alone
        }
        if (width > 0)
            before = c;
        used += width;
        i += bytes;
    }
    *next = length;
    return used > columns ? text_fit(text, length, columns, NULL) : length; // spaces, perhaps with marks
}

void text_wrap(const char *text, size_t length, int columns,
               bool (*line)(void *context, const char *text, size_t length), void *context) {
    if (columns < 1)
        columns = 1;
    for (size_t i = 0; i < length;) {
        const char *newline = memchr(text + i, '\n', length - i);
        size_t stop = newline ? (size_t)(newline - text) : length;
        do {
            size_t next, end = wrap_line(text + i, stop - i, columns, &next);
            if (!line(context, text + i, end))
                return;
            i += next;
        } while (i < stop);
        i = stop + 1;
    }
}

// ---- drawing ----

// A character that sticks out of the clip at either side shows as a blank in what is left of its cells.
static struct cell *put_character(struct grid *g, const struct clip *clip, long long row, long long column,
                                  enum style style, uint32_t c, int width) {
    if (column >= clip->left && column + width <= clip->right)
        return write_cell(g, row, column, style, c, width);
    for (long long k = column; k < column + width; k++)
        if (k >= clip->left && k < clip->right)
            write_cell(g, row, k, style, ' ', 1);
    return NULL;
}

static void add_mark(struct cell *c, uint32_t mark) {
    for (int i = 0; i < CELL_MARKS; i++)
        if (c->mark[i] == 0) {
            c->mark[i] = mark;
            return;
        }
}

int grid_put_bytes(struct grid *g, struct area a, int row, int column, enum style style, const char *text,
                   size_t length) {
    struct clip clip = clip_of(g, a);
    long long y = (long long)a.row + row, x = (long long)a.column + column, start = x;
    bool row_shows = y >= clip.top && y < clip.bottom;
    struct cell *last = NULL; // takes the marks that follow
    for (size_t i = 0; i < length;) {
        uint32_t c;
        i += utf8_decode(text + i, length - i, &c);
        int width = character_width(c);
        if (width == 0) {
            if (last && !is_invisible(c) && !g->ascii)
                add_mark(last, c);
            continue;
        }
        uint32_t shown = character_shown(c);
        if (g->ascii)
            shown = ascii_for(shown);
        last = row_shows ? put_character(g, &clip, y, x, style, shown, width) : NULL;
        x += width;
    }
    return saturate(x - start);
}

int grid_put(struct grid *g, struct area a, int row, int column, enum style style, const char *text) {
    return grid_put_bytes(g, a, row, column, style, text, strlen(text));
}

int grid_printf(struct grid *g, struct area a, int row, int column, enum style style, const char *format,
                ...) {
    char text[1024], *longer = NULL;
    va_list args;
    va_start(args, format);
    int length = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (length < 0)
        return 0;
    if ((size_t)length >= sizeof text) {
        longer = malloc((size_t)length + 1);
        if (longer) {
            va_start(args, format);
            vsnprintf(longer, (size_t)length + 1, format, args);
            va_end(args);
        } else { // out of memory: the beginning is better than nothing
            length = (int)utf8_boundary(text, sizeof text - 1, sizeof text - 1);
        }
    }
    int used = grid_put_bytes(g, a, row, column, style, longer ? longer : text, (size_t)length);
    free(longer);
    return used;
}

int grid_put_cut(struct grid *g, struct area a, int row, int column, int columns, enum style style,
                 const char *text) {
    size_t length = strlen(text);
    int used;
    if (columns <= 0)
        return 0;
    if (text_fit(text, length, columns, &used) == length)
        return grid_put_bytes(g, a, row, column, style, text, length);
    size_t fit = text_fit(text, length, columns - 1, &used);
    grid_put_bytes(g, a, row, column, style, text, fit);
    grid_put(g, a, row, saturate((long long)column + used), style, "…");
    return used + 1;
}

int grid_put_right(struct grid *g, struct area a, int row, int end, enum style style, const char *text) {
    int width = text_width(text, strlen(text));
    return grid_put(g, a, row, saturate((long long)end - width), style, text);
}

struct wrapped {
    struct grid *g;
    struct area area;
    int row, rows;
    enum style style;
};

static bool put_wrapped_line(void *context, const char *text, size_t length) {
    struct wrapped *w = context;
    grid_put_bytes(w->g, w->area, saturate((long long)w->row + w->rows), 0, w->style, text, length);
    w->rows++;
    return w->rows < INT_MAX;
}

int grid_put_wrapped(struct grid *g, struct area a, int row, enum style style, const char *text) {
    struct wrapped w = {g, a, row, 0, style};
    text_wrap(text, strlen(text), a.columns, put_wrapped_line, &w);
    return w.rows;
}

void grid_fill(struct grid *g, struct area a, enum style style, uint32_t character) {
    struct clip clip = clip_of(g, a);
    int width = character_width(character);
    uint32_t shown = character_shown(character);
    if (width == 0) {
        shown = ' ';
        width = 1;
    }
    if (g->ascii)
        shown = ascii_for(shown);
    for (long long y = clip.top; y < clip.bottom; y++)
        for (long long x = clip.left; x < clip.right; x += width)
            put_character(g, &clip, y, x, style, shown, width);
}

void grid_restyle(struct grid *g, struct area a, enum style style) {
    struct clip clip = clip_of(g, a);
    for (long long y = clip.top; y < clip.bottom; y++)
        for (long long x = clip.left; x < clip.right; x++) {
            struct cell *c = cell_at(g, y, x);
            c->style = (uint8_t)style;
            if (c->width == 0 && x > 0)
                c[-1].style = (uint8_t)style;
            if (c->width == 2 && x + 1 < g->columns)
                c[1].style = (uint8_t)style;
        }
}

struct area grid_frame(struct grid *g, struct area a, bool focused, const char *title, const char *note) {
    enum style line = focused ? STYLE_FOCUS : STYLE_BORDER;
    int right = a.columns - 1, bottom = a.rows - 1;
    if (a.rows < 1 || a.columns < 1)
        return area_inset(a, 1);
    grid_fill(g, area_rows(a, 0, 1), line, 0x2500);
    grid_fill(g, area_rows(a, bottom, 1), line, 0x2500);
    grid_fill(g, area_columns(area_rows(a, 1, a.rows - 2), 0, 1), line, 0x2502);
    grid_fill(g, area_columns(area_rows(a, 1, a.rows - 2), right, 1), line, 0x2502);
    grid_put(g, a, 0, 0, line, "┌");
    grid_put(g, a, 0, right, line, "┐");
    if (bottom > 0) {
        grid_put(g, a, bottom, 0, line, "└");
        grid_put(g, a, bottom, right, line, "┘");
    }
    if (title && *title && a.columns >= 5) {
        // The pane with the keys is marked by a sign too: bold lines alone are hard to tell without colour.
        grid_put(g, a, 0, 1, line, focused ? "▸" : " ");
        int used = grid_put_cut(g, a, 0, 2, a.columns - 4, focused ? STYLE_FOCUS : STYLE_TITLE, title);
        grid_put(g, a, 0, 2 + used, line, " ");
    }
    if (note && *note && bottom > 0 && a.columns >= 7) {
        int width = text_width(note, strlen(note)), most = a.columns - 5;
        int column = right - 2 - (width < most ? width : most);
        grid_put(g, a, bottom, column - 1, line, " ");
        int used = grid_put_cut(g, a, bottom, column, most, STYLE_DIM, note);
        grid_put(g, a, bottom, column + used, line, " ");
    }
    return area_inset(a, 1);
}

void grid_bar(struct grid *g, struct area a, int row, int column, int columns, enum style style,
              double share) {
    if (columns <= 0)
        return;
    if (!(share > 0))
        share = 0;
    if (share > 1)
        share = 1;
    long long steps = g->ascii ? 1 : 8, filled = llround(share * (double)columns * (double)steps);
    if (filled == 0 && share > 0)
        filled = 1; // little is not nothing
    struct clip clip = clip_of(g, a);
    long long y = (long long)a.row + row;
    if (y < clip.top || y >= clip.bottom)
        return;
    for (long long i = 0; i < columns; i++) {
        long long x = (long long)a.column + column + i, part = filled - i * steps;
        if (x < clip.left)
            continue;
        if (x >= clip.right)
            break;
        uint32_t c = part <= 0 ? ' ' : g->ascii ? '#' : part >= 8 ? 0x2588 : 0x2590 - (uint32_t)part;
        write_cell(g, y, x, style, c, 1);
    }
}

void grid_cursor(struct grid *g, struct area a, int row, int column) {
    struct clip clip = clip_of(g, a);
    long long y = (long long)a.row + row, x = (long long)a.column + column;
    bool shows = y >= clip.top && y < clip.bottom && x >= clip.left && x < clip.right;
    g->cursor_row = shows ? (int)y : -1;
    g->cursor_column = shows ? (int)x : -1;
}

// ---- dumps ----

static void dump_character(struct buffer *b, uint32_t c) {
    char bytes[4];
    buffer_add(b, bytes, utf8_encode(c, bytes));
}

static void dump_row(struct buffer *b, const struct cell *c, int columns) {
    while (columns > 0 && c[columns - 1].character == ' ' && c[columns - 1].mark[0] == 0)
        columns--;
    for (int x = 0; x < columns; x++) {
        if (c[x].width == 0)
            continue;
        dump_character(b, c[x].character);
        for (int k = 0; k < CELL_MARKS && c[x].mark[k]; k++)
            dump_character(b, c[x].mark[k]);
    }
    buffer_add_char(b, '\n');
}

char *grid_dump(const struct grid *g, bool styles, struct error *e) {
    return grid_dump_with(g, styles ? style_letter : NULL, e);
}

char *grid_dump_with(const struct grid *g, char (*letter)(enum style s), struct error *e) {
    struct buffer b = {0};
    for (int y = 0; y < g->rows; y++)
        dump_row(&b, &g->cell[(size_t)y * (size_t)g->columns], g->columns);
    if (letter) {
        buffer_add_text(&b, "---\n");
        for (int y = 0; y < g->rows; y++) {
            for (int x = 0; x < g->columns; x++)
                buffer_add_char(&b, letter(g->cell[(size_t)y * (size_t)g->columns + (size_t)x].style));
            buffer_add_char(&b, '\n');
        }
        if (g->cursor_row >= 0)
            buffer_printf(&b, "cursor %d %d\n", g->cursor_row, g->cursor_column);
    }
    return buffer_take(&b, e);
}
