// SPDX-License-Identifier: GPL-3.0-or-later
// The text editor: typing, moving by characters, words and rows, undo, pasting, drawing at every size.
#include "tui/editor.h"

#include <locale.h>
#include <stdint.h>
#include <stdlib.h>

#include "check.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"

static struct error e;

__attribute__((constructor)) static void set_locale(void) {
    setlocale(LC_ALL, "C.UTF-8");
}

static struct editor *make(bool multi_line, const char *text) {
    struct editor *ed = NULL;
    if (!editor_create(&ed, multi_line, &e) || !editor_set(ed, text, false, &e))
        abort();
    return ed;
}

// Keys by name, separated by spaces; "'text" types the rest of the word.
static bool press(struct editor *ed, const char *names) {
    bool taken = true;
    while (*names) {
        size_t length = strcspn(names, " ");
        struct key k;
        if (*names == '\'') {
            for (size_t i = 1; i < length;) {
                k = (struct key){0};
                i += utf8_decode(names + i, length - i, &k.character);
                taken = editor_key(ed, k);
            }
        } else {
            if (!key_parse(&k, names, length))
                abort();
            taken = editor_key(ed, k);
        }
        names += length + (names[length] == ' ');
    }
    return taken;
}

#define CHECK_STATE(ed, text, cursor)                                                                        \
    do {                                                                                                     \
        CHECK_TEXT(editor_text(ed), text);                                                                   \
        CHECK_SIZE(editor_cursor(ed), cursor);                                                               \
    } while (0)

TEST(typing_and_erasing) {
    struct editor *ed = make(false, "ac");
    CHECK_STATE(ed, "ac", 2);
    press(ed, "Left 'b");
    CHECK_STATE(ed, "abc", 2);
    press(ed, "Del Backspace Backspace Backspace");
    CHECK_STATE(ed, "", 0);
    press(ed, "'中é End Left Del");
    CHECK_STATE(ed, "中", 3);
    editor_free(ed);
}

TEST(characters_keep_their_marks) {
    struct editor *ed = make(false, "xe\xcc\x81\xcc\x88y");
    press(ed, "Left Left");
    CHECK_SIZE(editor_cursor(ed), 1);
    press(ed, "Right");
    CHECK_SIZE(editor_cursor(ed), 6);
    press(ed, "Backspace");
    CHECK_STATE(ed, "xy", 1);
    CHECK_OK(editor_set(ed, "❤\xef\xb8\x8f!", false, &e)); // a heart with its variation selector
    press(ed, "Home Del");
    CHECK_STATE(ed, "!", 0);
    editor_free(ed);
}

TEST(words_and_lines) {
    struct editor *ed = make(true, "It was {mask}.\nsecond 行");
    press(ed, "Alt-b");
    CHECK_SIZE(editor_cursor(ed), 22);
    press(ed, "Ctrl-Left Ctrl-Left");
    CHECK_SIZE(editor_cursor(ed), 8); // mask
    press(ed, "Alt-f");
    CHECK_SIZE(editor_cursor(ed), 12);
    press(ed, "Ctrl-A");
    CHECK_SIZE(editor_cursor(ed), 0);
    press(ed, "Ctrl-E Ctrl-W");
    CHECK_STATE(ed, "It was {\nsecond 行", 8);
    press(ed, "Ctrl-U Ctrl-K"); // the line, then its newline
    CHECK_STATE(ed, "second 行", 0);
    press(ed, "Ctrl-K");
    CHECK_STATE(ed, "", 0);
    editor_free(ed);
}

TEST(undo_and_redo) {
    struct editor *ed = make(false, "");
    press(ed, "'one Space 'two");
    size_t revision = editor_revision(ed);
    press(ed, "Ctrl-_");
    CHECK_STATE(ed, "one", 3);
    CHECK(editor_revision(ed) > revision);
    press(ed, "Ctrl-_");
    CHECK_STATE(ed, "", 0);
    CHECK(!editor_undo(ed));
    press(ed, "Ctrl-Y Ctrl-R");
    CHECK_STATE(ed, "one two", 7);
    CHECK(!editor_redo(ed));
    press(ed, "Backspace Backspace Home 'x Ctrl-Z Ctrl-Z");
    CHECK_STATE(ed, "one two", 7);
    press(ed, "'!");
    CHECK(!editor_redo(ed)); // a new edit ends what could be done again
    CHECK_OK(editor_set(ed, "other", true, &e));
    press(ed, "Ctrl-_");
    CHECK_STATE(ed, "one two!", 8);
    CHECK_OK(editor_set(ed, "fresh", false, &e));
    CHECK(!editor_undo(ed));
    for (int i = 0; i < 500; i++)
        press(ed, "'a Left Right");
    int undone = 0;
    while (editor_undo(ed))
        undone++;
    CHECK(undone == 200);
    editor_free(ed);
}

TEST(pasting_is_one_edit_without_newlines) {
    struct editor *ed = make(false, "");
    press(ed, "'a Paste 'b");
    editor_key(ed, (struct key){.character = '\n'});
    press(ed, "Enter Tab 'c Paste-End 'd");
    CHECK_TEXT(editor_text(ed), "ab  \tcd");
    press(ed, "Ctrl-_ Ctrl-_");
    CHECK_TEXT(editor_text(ed), "a");
    editor_free(ed);
}

TEST(keys_of_others) {
    struct editor *ed = make(false, "x");
    static const char *const NOT_OURS[] = {"Enter",  "Tab", "Esc",  "F1",   "Ctrl-S",
                                           "Ctrl-D", "Up",  "Down", "PgUp", "Alt-x"};
    for (size_t i = 0; i < sizeof NOT_OURS / sizeof *NOT_OURS; i++)
        CHECK(!press(ed, NOT_OURS[i]));
    CHECK_STATE(ed, "x", 1);
    editor_free(ed);
    ed = make(true, "x");
    CHECK(press(ed, "Up") && press(ed, "Down") && press(ed, "Enter"));
    CHECK_STATE(ed, "x\n", 2);
    editor_free(ed);
}

TEST(text_is_always_clean) {
    struct editor *ed = make(false, "a\xff\r\nb\x01\tc");
    CHECK_TEXT(editor_text(ed), "a\xef\xbf\xbd b\tc");
    editor_key(ed, (struct key){.character = 0xd800});
    editor_key(ed, (struct key){.character = 0x1b});
    CHECK(utf8_valid(editor_text(ed), strlen(editor_text(ed)), NULL));
    editor_free(ed);
}

static const char *drawn(struct editor *ed, int rows, int columns, const unsigned char *style, size_t wrong,
                         bool styles) {
    static char *last;
    struct grid *g;
    free(last);
    if (!grid_create(&g, rows, columns, &e))
        abort();
    editor_draw(ed, g, grid_area(g), true, style, wrong);
    last = grid_dump(g, styles, &e);
    grid_free(g);
    return last;
}

TEST(drawing_wraps_and_scrolls) {
    struct editor *ed = make(true, "the quick brown\nfox 中文字");
    CHECK_TEXT(drawn(ed, 5, 11, NULL, SIZE_MAX, false), "the quick\nbrown\nfox 中文字\n\n\n");
    CHECK_HAS(drawn(ed, 5, 11, NULL, SIZE_MAX, true), "cursor 2 10\n");
    CHECK_TEXT(drawn(ed, 2, 9, NULL, SIZE_MAX, true),
               "fox 中文\n字\n---\n.........\n.........\ncursor 1 2\n");
    press(ed, "Ctrl-Home");
    CHECK_HAS(drawn(ed, 2, 11, NULL, SIZE_MAX, true), "the quick\nbrown\n---");
    // Down keeps the column, also through the shorter row.
    press(ed, "Right Right Right Right Right Right Down");
    CHECK_SIZE(editor_cursor(ed), 15);
    press(ed, "Down");
    CHECK_SIZE(editor_cursor(ed), 23); // between the wide characters
    press(ed, "Up Up");
    CHECK_SIZE(editor_cursor(ed), 6);
    editor_free(ed);
}

TEST(drawing_shows_styles_and_the_wrong_place) {
    struct editor *ed = make(false, "a{b}c");
    static const unsigned char STYLE[] = {STYLE_LITERAL, STYLE_FIELD, STYLE_FIELD, STYLE_FIELD,
                                          STYLE_LITERAL};
    CHECK_TEXT(drawn(ed, 1, 8, STYLE, 1, true), "a{b}c\n---\nlxffl...\ncursor 0 5\n");
    CHECK_TEXT(drawn(ed, 1, 8, STYLE, 5, true), "a{b}c_\n---\nlffflx..\ncursor 0 5\n");
    editor_free(ed);
}

TEST(the_cursor_is_always_in_sight) {
    static const char *const KEYS[] = {"'a",     "'中",    "Space",          "Enter",    "Left",
                                       "Up",     "Down",   "Backspace",      "Ctrl-A",   "Ctrl-K",
                                       "Ctrl-_", "Ctrl-W", "'e\xcc\x81",     "Ctrl-End", "Del",
                                       "Alt-f",  "Ctrl-Y", "'👩\xe2\x80\x8d🚀"};
    struct random r;
    random_seed(&r, 3, 0);
    for (int rows = 1; rows < 6; rows++)
        for (int columns = 1; columns < 14; columns++) {
            struct editor *ed = make(true, "some 文字 to begin with");
            struct grid *g;
            CHECK_OK(grid_create(&g, rows + 1, columns + 1, &e));
            for (int i = 0; i < 150; i++) {
                press(ed, KEYS[random_below(&r, sizeof KEYS / sizeof *KEYS)]);
                grid_clear(g);
                int needed =
                    editor_draw(ed, g, (struct area){1, 1, rows, columns}, true, NULL, random_below(&r, 30));
                CHECK(needed >= 1);
                CHECK(g->cursor_row >= 1 && g->cursor_column >= 1);
                const char *text = editor_text(ed);
                CHECK(utf8_valid(text, strlen(text), NULL));
                CHECK(editor_cursor(ed) <= strlen(text));
                CHECK_SIZE(utf8_boundary(text, strlen(text), editor_cursor(ed)), editor_cursor(ed));
            }
            grid_free(g);
            editor_free(ed);
        }
}

TEST(a_gap_stands_below_the_row_that_is_wrong) {
    struct editor *ed = NULL;
    struct grid *g = NULL;
    int row = -1;
    CHECK_OK(editor_create(&ed, true, &e) && grid_create(&g, 8, 12, &e));
    CHECK_OK(editor_set(ed, "first\nsecond x\nthird", false, &e));
    CHECK(editor_column(ed, 13, 12) == 7); // the x
    editor_draw_gap(ed, g, grid_area(g), false, NULL, 13, 2, &row);
    CHECK(row == 2);
    char *text = grid_dump(g, false, &e);
    CHECK_HAS(text, "first\nsecond x\n\n\nthird");
    free(text);
    // Rows that do not show leave the gap at the end.
    editor_draw_gap(ed, g, area_rows(grid_area(g), 0, 3), false, NULL, 20, 1, &row);
    CHECK(row == 2);
    editor_free(ed);
    grid_free(g);
}
