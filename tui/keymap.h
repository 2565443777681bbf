// SPDX-License-Identifier: GPL-3.0-or-later
// From keys to requests: the request table's keys, with what a person's configuration changes in them.
//
// Everything that tells a key to somebody (hints, help, the manual page) asks here and not the request table.
// There is one keyboard, so the map is this file's; it belongs to the UI thread. It starts as the table has
// it.
#ifndef PROMPTER_TUI_KEYMAP_H
#define PROMPTER_TUI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/key.h"
#include "tui/request.h"

enum { KEYMAP_KEYS = 128 }; // room for the names of a request's keys

// The request bound to a key on a screen (a WHERE_* bit), or REQUEST_NONE. A binding of fewer screens wins.
enum request key_request(struct key k, unsigned where);

// Names of the keys that reach a request on a screen, separated by spaces, the one to show first; "" when
// there is none. With `where` 0: its keys wherever they are bound.
const char *keymap_keys(enum request r, unsigned where, char out[KEYMAP_KEYS]);
// The first of them.
const char *keymap_key(enum request r, unsigned where, char out[KEYMAP_KEYS]);

// The first of them, or ":name" where there is none: what a message tells a person to press or type.
const char *keymap_way(enum request r, unsigned where, char out[KEYMAP_KEYS]);

// Back to the table's keys.
void keymap_reset(void);
// Binds a key on the screens of `where`, whatever it meant there before. *lost (may be NULL) is a request
// that the key led to and that now has no key on some of these screens; REQUEST_NONE if there is none. False
// (and nothing changes) when the map is full.
bool keymap_bind(unsigned where, struct key k, enum request r, enum request *lost);
// The key means nothing on these screens any more. False when it meant nothing there before.
bool keymap_unbind(unsigned where, struct key k);

// All bindings one after the other, in the order of the table; false behind the last.
struct keymap_binding {
    struct key key;
    enum request request;
    unsigned where;
};
bool keymap_each(size_t index, struct keymap_binding *out);

// Names of screens as they stand in the configuration: "all", "run". False for an unknown one.
bool keymap_screen_find(const char *name, size_t length, unsigned *where);
// The name of a WHERE_* bit or of WHERE_ALL; NULL for anything else. Index over all names; NULL at the end.
const char *keymap_screen_name(unsigned where);
const char *keymap_screen_at(size_t index);

#endif
