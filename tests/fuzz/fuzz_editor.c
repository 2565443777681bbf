// SPDX-License-Identifier: GPL-3.0-or-later
// The editor under keys: each byte of the input is a key, a resize, or the beginning of a text to set; its
// text stays UTF-8, the cursor stands between characters, and undoing everything brings back the first text.
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "fuzz.h"
#include "tui/editor.h"

static void check(const struct editor *ed) {
    const char *text = editor_text(ed);
    size_t length = strlen(text), cursor = editor_cursor(ed);
    REQUIRE(utf8_valid(text, length, NULL));
    REQUIRE(cursor <= length && utf8_boundary(text, length, cursor) == cursor);
}

static uint32_t character(struct fuzz_part *p) {
    static const uint32_t odd[] = {0x4e2d, 0x301,    0x200d,     0x1f469, 0xfffd, 0xd800,
                                   0x1b,   0x110000, 0xffffffff, 0x202e,  0,      0xe9};
    unsigned b = fuzz_take(p);
    return b < 0x80 ? b : odd[b % (sizeof odd / sizeof odd[0])];
}

static struct key key(struct fuzz_part *p) {
    unsigned b = fuzz_take(p);
    struct key k = {.code = (enum key_code)(b % (KEY_CODE_PASTE_END + 1))};
    k.control = b & 0x40;
    k.alt = b & 0x80;
    if (b % 3 == 0) {
        k.code = KEY_CODE_CHARACTER;
        k.alt = false;
        k.control = b & 1;
    }
    if (k.code == KEY_CODE_CHARACTER)
        k.character = k.control ? 'a' + fuzz_take(p) % 32 : character(p);
    return k;
}

static void draw(struct editor *ed, struct grid *g, unsigned how) {
    struct error e = {0};
    int rows = 1 + (int)(how & 7), columns = 1 + (int)(how >> 3);
    REQUIRE(grid_resize(g, rows, columns, &e));
    int needed = editor_draw(ed, g, grid_area(g), true, NULL, how % 5 ? how : SIZE_MAX);
    REQUIRE(needed >= 1);
    REQUIRE(g->cursor_row >= 0 && g->cursor_row < rows);
    REQUIRE(g->cursor_column >= 0 && g->cursor_column < columns);
}

static void drive(struct editor *ed, struct grid *g, struct fuzz_part *p) {
    struct error e = {0};
    while (p->size) {
        unsigned what = fuzz_take(p) % 16;
        if (what == 0) {
            size_t n = fuzz_take(p) % 32;
            char *text = fuzz_text(p->data, n < p->size ? n : p->size);
            REQUIRE(editor_set(ed, text, true, &e));
            p->data += n < p->size ? n : p->size;
            p->size -= n < p->size ? n : p->size;
            free(text);
        } else if (what == 1) {
            draw(ed, g, fuzz_take(p));
        } else {
            editor_key(ed, key(p));
        }
        check(ed);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct editor *ed;
    struct grid *g;
    struct fuzz_part p = {data, size < 4096 ? size : 4096};
    setlocale(LC_ALL, "C.UTF-8");
    REQUIRE(editor_create(&ed, fuzz_take(&p) & 1, &e) && grid_create(&g, 4, 20, &e));
    REQUIRE(editor_set(ed, "first text", false, &e));
    drive(ed, g, &p);
    editor_key(ed, (struct key){.code = KEY_CODE_PASTE_END}); // an open paste is one edit
    draw(ed, g, 77);
    while (editor_redo(ed))
        ;
    char *last = fuzz_text((const uint8_t *)editor_text(ed), strlen(editor_text(ed)));
    size_t undone = 0, redone = 0;
    while (editor_undo(ed))
        undone++;
    check(ed);
    while (editor_redo(ed))
        redone++;
    REQUIRE(redone == undone && strcmp(editor_text(ed), last) == 0);
    free(last);
    grid_free(g);
    editor_free(ed);
    return 0;
}
