// SPDX-License-Identifier: GPL-3.0-or-later
// Python pickles as plain values, read without executing anything.
//
// A pickle is a program for a small stack machine, and Python's own reader calls whatever function the
// program names. This reader has no functions to call: it knows the opcodes that build values (protocols 2 to
// 5), the few global names that its caller lists, and keeps a call as a value that says what would have been
// called with what. Any other opcode and any other name is an error. One exception: a call of
// collections.OrderedDict, where it is listed, gives the dict it would.
//
// Values live as long as their pickle, are read-only and may be shared by threads. They may hold each other
// in circles and many times over, as Python's may: whoever walks over them bounds depth and steps.
#ifndef PROMPTER_ENGINE_MODEL_PICKLE_H
#define PROMPTER_ENGINE_MODEL_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum pickle_kind {
    PICKLE_NONE,
    PICKLE_BOOL,      // integer: 0 or 1
    PICKLE_INTEGER,   // integer
    PICKLE_LARGE,     // a whole number beyond 64 bits: text holds it, little-endian, two's complement
    PICKLE_NUMBER,    // number
    PICKLE_TEXT,      // text: UTF-8, may hold NULs
    PICKLE_TUPLE,     // item [count]
    PICKLE_LIST,      // item [count]
    PICKLE_DICT,      // item [count]: key, value, key, value, ...; a key may stand there again
    PICKLE_GLOBAL,    // integer: its place in the caller's list
    PICKLE_CALL,      // item [2]: a global, and the tuple of arguments
    PICKLE_REFERENCE, // item [1]: what names something that is kept outside of the pickle
};

struct pickle_value {
    enum pickle_kind kind;
    union {
        int64_t integer;
        double number;
        struct {
            const char *bytes; // in what was read
            size_t length;
        } text;
        struct {
            const struct pickle_value **item;
            size_t count, capacity;
        };
    };
};

struct pickle;
// Reads one pickle from the front of the bytes, which stay where they are as long as it is used; *used (may
// be NULL) is its length. `globals` is a list "module.name", ..., NULL. Messages give the place in the bytes.
bool pickle_read(struct pickle **out, const unsigned char *borrow_bytes, size_t length, size_t *used,
                 const char *const *globals, struct error *e);
void pickle_free(struct pickle *p);
const struct pickle_value *pickle_root(const struct pickle *p);
// Every PICKLE_REFERENCE in the order of reading, also those that nothing holds.
size_t pickle_references(const struct pickle *p);
const struct pickle_value *pickle_reference(const struct pickle *p, size_t i);

// True for a text of exactly these characters.
bool pickle_is_text(const struct pickle_value *v, const char *text);
// "a dict", "a text", ..., for messages.
const char *pickle_kind_name(enum pickle_kind kind);

#endif
