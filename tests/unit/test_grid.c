// SPDX-License-Identifier: GPL-3.0-or-later
// The grid: columns of text, wide characters, clipping, frames, wrapping, ASCII, dumps; and properties that
// hold at every size.
#include "tui/grid.h"

#include <limits.h>
#include <locale.h>
#include <stdlib.h>

#include "check.h"
#include "engine/base/random.h"

static struct error e;

__attribute__((constructor)) static void set_locale(void) {
    setlocale(LC_ALL, "C.UTF-8");
}

static struct grid *make(int rows, int columns) {
    struct grid *g = NULL;
    if (!grid_create(&g, rows, columns, &e))
        abort();
    return g;
}

// The dump of the grid, which is freed; valid until the next call.
static const char *taken(struct grid *g, bool styles) {
    static char *last;
    free(last);
    last = grid_dump(g, styles, &e);
    grid_free(g);
    return last;
}

static bool consistent(const struct grid *g) {
    for (int y = 0; y < g->rows; y++)
        for (int x = 0; x < g->columns; x++) {
            const struct cell *c = &g->cell[y * g->columns + x];
            bool right_half = x > 0 && c[-1].width == 2;
            if ((c->width == 0) != right_half || (c->character == 0) != right_half)
                return false;
            if (c->width == 2 && (x + 1 == g->columns || c[1].style != c->style))
                return false;
            if (c->style >= STYLE_COUNT || c->width > 2)
                return false;
        }
    return g->cursor_row < g->rows && g->cursor_column < g->columns;
}

TEST(letters_of_styles_are_all_different) {
    for (int a = 0; a < STYLE_COUNT; a++)
        for (int b = 0; b < a; b++)
            CHECK(style_letter((enum style)a) != style_letter((enum style)b));
}

TEST(width_of_text) {
    CHECK_SIZE(text_width("abc", 3), 3);
    CHECK_SIZE(text_width("a\tb", 3), 3);
    CHECK_SIZE(text_width("中文", 6), 4);
    CHECK_SIZE(text_width("e\xcc\x81", 3), 1);
    CHECK_SIZE(text_width("\xff\xfe", 2), 2);
    CHECK_SIZE(text_width("😀", 4), 2);
    CHECK_SIZE(text_width("❤\xef\xb8\x8f", 6), 1);   // with a variation selector
    CHECK_SIZE(text_width("👩\xe2\x80\x8d🚀", 11), 4); // joined: as wcwidth counts
    CHECK_SIZE(text_width("\xe2\x80\xae"
                          "abc\xe2\x80\x8b",
                          9),
               3); // direction and space controls
}

TEST(fit_never_cuts_a_character) {
    int used;
    CHECK_SIZE(text_fit("中文", 6, 3, &used), 3);
    CHECK_SIZE(used, 2);
    CHECK_SIZE(text_fit("e\xcc\x81x", 4, 1, &used), 3); // the accent belongs to its letter
    CHECK_SIZE(used, 1);
    CHECK_SIZE(text_fit("abc", 3, 0, &used), 0);
    CHECK_SIZE(text_fit("abc", 3, -5, NULL), 0);
    CHECK_SIZE(text_fit("abc", 3, INT_MAX, &used), 3);
}

TEST(text_lands_in_cells) {
    struct grid *g = make(2, 10);
    CHECK(grid_put(g, grid_area(g), 0, 1, STYLE_STRONG, "a中e\xcc\x81z") == 5);
    CHECK(grid_put(g, grid_area(g), 1, 0, STYLE_PLAIN, "\xff\x1b\t\x7f\xe2\x80\xae!") == 5);
    CHECK(consistent(g));
    CHECK(g->cell[2].width == 2 && g->cell[3].width == 0 && g->cell[4].mark[0] == 0x301);
    CHECK_TEXT(taken(g, true), " a中e\xcc\x81z\n�␛␉␡!\n---\n.bbbbb....\n..........\n");
}

TEST(too_many_marks_are_left_out) {
    struct grid *g = make(1, 3);
    grid_put(g, grid_area(g), 0, 0, STYLE_PLAIN,
             "\xcc\x81"
             "a\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81"
             "b");
    CHECK_TEXT(taken(g, false), "a\xcc\x81\xcc\x81\xcc\x81"
                                "b\n");
}

TEST(half_of_a_wide_character_is_never_left) {
    struct grid *g = make(4, 6);
    struct area a = grid_area(g);
    for (int y = 0; y < 4; y++)
        grid_put(g, a, y, 0, STYLE_GOOD, "中文字");
    grid_put(g, a, 0, 1, STYLE_PLAIN, "x");
    grid_put(g, a, 1, 2, STYLE_PLAIN, "x");
    grid_put(g, a, 2, 1, STYLE_PLAIN, "語");
    grid_fill(g, (struct area){3, 1, 1, 4}, STYLE_PLAIN, 0x4e2d);
    CHECK(consistent(g));
    CHECK_TEXT(taken(g, false), " x文字\n中x 字\n 語 字\n 中中\n");
}

TEST(clipping_shows_blanks_for_cut_characters) {
    struct grid *g = make(3, 8);
    struct area a = {0, 2, 2, 4};
    grid_fill(g, grid_area(g), STYLE_DIM, '.');
    CHECK(grid_put(g, a, 0, -1, STYLE_PLAIN, "中文字") == 6); // starts left of the area, ends right of it
    CHECK(grid_put(g, a, 1, 3, STYLE_PLAIN, "中") == 2);
    CHECK(grid_put(g, a, 2, 0, STYLE_PLAIN, "below") == 5);
    grid_put(g, a, -1, 0, STYLE_PLAIN, "above");
    CHECK(consistent(g));
    CHECK_TEXT(taken(g, false), ".. 文 ..\n..... ..\n........\n");
}

TEST(coordinates_far_away_are_no_error) {
    static const int FAR[] = {INT_MIN, INT_MIN + 1, -100, -1, 0, 1, 3, 100, INT_MAX - 1, INT_MAX};
    struct grid *g = make(3, 5);
    enum { N = sizeof FAR / sizeof *FAR };
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++) {
            struct area a = {FAR[i], FAR[k], FAR[N - 1 - k], FAR[(i + k) % N]};
            grid_put(g, a, FAR[k], FAR[i], STYLE_PLAIN, "a中b");
            grid_put_cut(g, a, FAR[k], FAR[i], FAR[(i * 3 + k) % N], STYLE_PLAIN, "中文字");
            grid_put_right(g, a, FAR[i], FAR[k], STYLE_PLAIN, "中文字");
            grid_put_wrapped(g, a, FAR[k], STYLE_PLAIN, "some words to wrap");
            grid_fill(g, a, STYLE_DIM, 0x4e2d);
            grid_restyle(g, a, STYLE_GOOD);
            grid_frame(g, a, k % 2, "title", "note");
            grid_bar(g, a, FAR[k], FAR[i], FAR[k] > 100 ? 100 : FAR[k], STYLE_GOOD, 0.5);
            grid_cursor(g, a, FAR[i], FAR[k]);
            struct area in = area_inset(a, FAR[k]);
            in = area_rows(in, FAR[i], FAR[k]);
            in = area_columns(in, FAR[k], FAR[i]);
            CHECK(in.rows >= 0 && in.columns >= 0);
            CHECK(consistent(g));
        }
    grid_free(g);
}

TEST(cutting_text) {
    struct grid *g = make(5, 12);
    struct area a = grid_area(g);
    CHECK(grid_put_cut(g, a, 0, 0, 5, STYLE_PLAIN, "abcde") == 5);
    CHECK(grid_put_cut(g, a, 1, 0, 5, STYLE_PLAIN, "abcdef") == 5);
    CHECK(grid_put_cut(g, a, 2, 0, 4, STYLE_PLAIN, "中文字") == 3); // half a character is not drawn
    CHECK(grid_put_cut(g, a, 3, 0, 0, STYLE_PLAIN, "abc") == 0);
    CHECK(grid_put_right(g, a, 3, 12, STYLE_PLAIN, "right") == 5);
    g->ascii = true;
    grid_put_cut(g, a, 4, 0, 5, STYLE_PLAIN, "abcdef");
    CHECK_TEXT(taken(g, false), "abcde\nabcd…\n中…\n       right\nabcd~\n");
}

static bool join_line(void *context, const char *text, size_t length) {
    char *all = context;
    snprintf(all + strlen(all), 200 - strlen(all), "[%.*s]", (int)length, text);
    return true;
}

static const char *wrapped(const char *text, int columns) {
    static char all[200];
    all[0] = '\0';
    text_wrap(text, strlen(text), columns, join_line, all);
    return all;
}

TEST(wrapping) {
    CHECK_TEXT(wrapped("the quick brown fox", 9), "[the quick][brown fox]");
    CHECK_TEXT(wrapped("the quick  brown", 10), "[the quick][brown]");
    CHECK_TEXT(wrapped("incomprehensible is", 6), "[incomp][rehens][ible][is]");
    CHECK_TEXT(wrapped("a\n\nb\n", 5), "[a][][b]");
    CHECK_TEXT(wrapped("", 5), "");
    CHECK_TEXT(wrapped("  indented text", 10), "[  indented][text]");
    CHECK_TEXT(wrapped("ends in spaces    ", 6), "[ends][in][spaces]");
    CHECK_TEXT(wrapped("    deep", 3), "[   ][dee][p]");
    CHECK_TEXT(wrapped("so  \xef\xb8\x8f", 2), "[so]"); // a mark on a space that sticks out goes with it
    CHECK_TEXT(wrapped("中文字符，好。", 8), "[中文字][符，好。]"); // a comma does not begin a line
    CHECK_TEXT(wrapped("他说「好」吗", 6), "[他说][「好」][吗]");   // a bracket does not end one
    CHECK_TEXT(wrapped("word中文", 4), "[word][中文]");
    CHECK_TEXT(wrapped("中e\xcc\x81", 1), "[中][e\xcc\x81]"); // too wide for any line
    CHECK_TEXT(wrapped("abc", 0), "[a][b][c]");
}

TEST(wrapping_keeps_every_character_at_every_width) {
    struct random r;
    random_seed(&r, 7, 0);
    static const char *const PIECES[] = {"a",    "bc", " ",  "中", "。",  "e\xcc\x81",
                                         "word", "\n", "  ", "「", "\xff"};
    for (int round = 0; round < 400; round++) {
        char text[160] = "", all[200];
        for (int i = 0; i < 16; i++)
            strcat(text, PIECES[random_below(&r, sizeof PIECES / sizeof *PIECES)]);
        int columns = 1 + (int)random_below(&r, 12);
        all[0] = '\0';
        text_wrap(text, strlen(text), columns, join_line, all);
        const char *at = text;
        for (const char *p = all; *p; p++) {
            if (*p == '[' || *p == ']')
                continue;
            while (*at != *p && (*at == ' ' || *at == '\n'))
                at++;
            CHECK(*at == *p);
            at++;
        }
        CHECK(strspn(at, " \n") == strlen(at));
    }
}

TEST(wrapped_text_in_an_area) {
    struct grid *g = make(3, 10);
    CHECK(grid_put_wrapped(g, (struct area){0, 2, 2, 5}, 0, STYLE_PLAIN, "one two three four") == 4);
    CHECK_TEXT(taken(g, false), "  one\n  two\n\n");
}

TEST(frames) {
    struct grid *g = make(3, 16);
    struct area in = grid_frame(g, grid_area(g), false, "loss", "37/100");
    CHECK(in.row == 1 && in.column == 1 && in.rows == 1 && in.columns == 14);
    CHECK_TEXT(taken(g, true), "┌ loss ────────┐\n│              │\n└───── 37/100 ─┘\n---\n"
                               "--tttt----------\n-..............-\n-------dddddd---\n");
    g = make(3, 9);
    grid_frame(g, grid_area(g), true, "accuracy", "no room here");
    CHECK_TEXT(taken(g, true), "┌▸accu… ┐\n│       │\n└ no … ─┘\n---\nFFFFFFFFF\nF.......F\nFFddddFFF\n");
}

TEST(frame_sizes) {
    for (int rows = 0; rows < 6; rows++)
        for (int columns = 0; columns < 14; columns++) {
            struct grid *g = make(rows, columns);
            struct area in = grid_frame(g, grid_area(g), true, "长标题 long", "note 中");
            CHECK(in.rows == (rows > 2 ? rows - 2 : 0) && in.columns == (columns > 2 ? columns - 2 : 0));
            CHECK(consistent(g));
            grid_free(g);
        }
}

TEST(bars) {
    struct grid *g = make(6, 6);
    struct area a = grid_area(g);
    grid_bar(g, a, 0, 0, 4, STYLE_GOOD, 0.5);
    grid_bar(g, a, 1, 0, 4, STYLE_GOOD, 0.03125 * 9);
    grid_bar(g, a, 2, 0, 4, STYLE_GOOD, 1e-9);
    grid_bar(g, a, 3, 0, 4, STYLE_GOOD, NAN);
    grid_bar(g, a, 4, 0, 4, STYLE_GOOD, 7);
    g->ascii = true;
    grid_bar(g, a, 5, 0, 4, STYLE_GOOD, 0.5);
    CHECK_TEXT(taken(g, false), "██\n█▏\n▏\n\n████\n##\n");
}

TEST(ascii_keeps_letters_and_replaces_signs) {
    struct grid *g = make(4, 14);
    g->ascii = true;
    grid_frame(g, area_rows(grid_area(g), 0, 3), true, "A → B", "✓");
    grid_put(g, grid_area(g), 1, 1, STYLE_PLAIN, "▁film ·é中 ⣀");
    grid_put(g, grid_area(g), 3, 0, STYLE_PLAIN, "●▲⠀✗…\x01");
    CHECK_TEXT(taken(g, false), "+>A > B -----+\n|_film .é中 *|\n+-------- + -+\n*^ x~?\n");
}

TEST(cursor_shows_only_inside) {
    struct grid *g = make(3, 5);
    grid_cursor(g, grid_area(g), 1, 4);
    CHECK(g->cursor_row == 1 && g->cursor_column == 4);
    char *dump = grid_dump(g, true, &e);
    CHECK_HAS(dump, "cursor 1 4\n");
    free(dump);
    grid_cursor(g, (struct area){0, 0, 3, 4}, 1, 4);
    CHECK(g->cursor_row == -1 && g->cursor_column == -1);
    grid_free(g);
}

TEST(restyle_and_slices) {
    struct grid *g = make(1, 8);
    grid_put(g, grid_area(g), 0, 0, STYLE_PLAIN, "ab中文cd");
    grid_restyle(g, area_columns(grid_area(g), 3, 2), STYLE_SELECTED);
    CHECK(consistent(g));
    CHECK_TEXT(taken(g, true), "ab中文cd\n---\n..ssss..\n");
    struct area a = area_rows((struct area){5, 5, 10, 10}, 8, 5);
    CHECK(a.row == 13 && a.rows == 2);
    a = area_inset((struct area){0, 0, 1, 9}, 1);
    CHECK(a.rows == 0 && a.columns == 7);
}

TEST(long_formats_are_whole) {
    struct grid *g = make(1, 1200);
    CHECK(grid_printf(g, grid_area(g), 0, 0, STYLE_PLAIN, "%01100d中", 7) == 1102);
    CHECK(g->cell[1099].character == '7' && g->cell[1100].character == 0x4e2d);
    grid_free(g);
}

TEST(resize_blanks) {
    struct grid *g = make(2, 2);
    grid_put(g, grid_area(g), 0, 0, STYLE_GOOD, "中");
    CHECK_OK(grid_resize(g, 1, 3, &e));
    CHECK_TEXT(taken(g, true), "\n---\n...\n");
    g = make(0, 0);
    grid_put(g, grid_area(g), 0, 0, STYLE_GOOD, "x");
    CHECK_TEXT(taken(g, false), "");
}

// Random drawing at every size: nothing lands outside (the sanitizers watch), no half character is left.
TEST(drawing_at_every_size_keeps_the_grid_whole) {
    static const char *const TEXT[] = {"plain",           "中文字符", "e\xcc\x81\xcc\x81",
                                       "👩\xe2\x80\x8d🚀!", "\xf0\x9f", "x中"};
    struct random r;
    random_seed(&r, 1, 0);
    for (int rows = 1; rows <= 60; rows += rows < 8 ? 1 : 13)
        for (int columns = 1; columns <= 200; columns += columns < 20 ? 1 : 37) {
            struct grid *g = make(rows, columns);
            for (int i = 0; i < 60; i++) {
                struct area a = {(int)random_below(&r, 70) - 5, (int)random_below(&r, 210) - 5,
                                 (int)random_below(&r, 30), (int)random_below(&r, 60)};
                int y = (int)random_below(&r, 30) - 5, x = (int)random_below(&r, 60) - 5;
                const char *text = TEXT[random_below(&r, sizeof TEXT / sizeof *TEXT)];
                enum style s = (enum style)random_below(&r, STYLE_COUNT);
                g->ascii = random_below(&r, 8) == 0;
                switch (random_below(&r, 7)) {
                case 0:
                    grid_frame(g, a, i % 2, text, text);
                    break;
                case 1:
                    grid_fill(g, a, s, i % 2 ? 0x5b57 : '#');
                    break;
                case 2:
                    grid_restyle(g, a, s);
                    break;
                case 3:
                    grid_bar(g, a, y, x, 9, s, random_uniform(&r));
                    break;
                case 4:
                    grid_put_wrapped(g, a, y, s, text);
                    break;
                default:
                    grid_put_cut(g, a, y, x, (int)random_below(&r, 9), s, text);
                    break;
                }
                grid_cursor(g, a, y, x);
                CHECK(consistent(g));
            }
            grid_free(g);
        }
}
