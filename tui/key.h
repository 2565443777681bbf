// SPDX-License-Identifier: GPL-3.0-or-later
// Keys as the program sees them: a character, or a named key, with Alt and Ctrl. What they mean is in
// keymap.h.
#ifndef PROMPTER_TUI_KEY_H
#define PROMPTER_TUI_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum key_code {
    KEY_CODE_CHARACTER, // `character` says which; Ctrl-A .. Ctrl-Z come as control = true with 'a' .. 'z'
    KEY_CODE_ENTER,
    KEY_CODE_TAB,
    KEY_CODE_SHIFT_TAB,
    KEY_CODE_ESCAPE,
    KEY_CODE_BACKSPACE,
    KEY_CODE_DELETE,
    KEY_CODE_INSERT,
    KEY_CODE_UP,
    KEY_CODE_DOWN,
    KEY_CODE_LEFT,
    KEY_CODE_RIGHT,
    KEY_CODE_HOME,
    KEY_CODE_END,
    KEY_CODE_PAGE_UP,
    KEY_CODE_PAGE_DOWN,
    KEY_CODE_FUNCTION, // `character` is its number
    KEY_CODE_PASTE,    // a pasted text (bracketed paste) follows as characters until KEY_CODE_PASTE_END
    KEY_CODE_PASTE_END,
    KEY_CODE_MOUSE, // `character` is an enum mouse_kind; comes in order with the keys
};
enum mouse_kind { MOUSE_PRESS, MOUSE_WHEEL_UP, MOUSE_WHEEL_DOWN };
struct key {
    enum key_code code;
    uint32_t character;
    bool control, alt;
    int row, column; // KEY_CODE_MOUSE: the cell
};

// "Ctrl-L", "Space", "F1", "PgUp", "a", "Alt-x", "Shift-Tab", "Esc". False for an unknown name.
bool key_parse(struct key *out, const char *name, size_t length);
void key_print(struct key k, char *out, size_t size);
bool key_equal(struct key a, struct key b);

#endif
