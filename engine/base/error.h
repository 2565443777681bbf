// SPDX-License-Identifier: GPL-3.0-or-later
// How failure travels: what can fail returns bool and fills a struct error that the caller owns.
//
// A message reads as one sentence for the person at the keyboard: what failed, where (file, line, field), and
// what to do next. It is one line of UTF-8 without control characters, whatever the names and texts in it
// hold (utf8_make_plain). All functions here return false, so that a failing function can end with `return
// error_set(...)`. A NULL error is allowed everywhere: the failure is then only a false. Errors belong to the
// thread that fills them.
#ifndef PROMPTER_ENGINE_BASE_ERROR_H
#define PROMPTER_ENGINE_BASE_ERROR_H

#include <stdbool.h>
#include <stddef.h>

enum error_kind {
    ERROR_NONE,
    ERROR_INPUT,     // a file or an argument is not what it should be: the user can mend it
    ERROR_SYSTEM,    // the operating system refused: disk, permission, missing file
    ERROR_MEMORY,    // no memory, or a size that cannot exist
    ERROR_CANCELLED, // asked to stop; nothing is wrong
};

struct error {
    enum error_kind kind;
    char text[1024];
};

// Replaces whatever the error held.
bool error_set(struct error *e, enum error_kind kind, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// As error_set with ERROR_SYSTEM; ": " and the text for errno are appended.
bool error_system(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

// Puts "context: " in front of the message, keeping its kind. Used on the way up: "task.json: labels: ...".
bool error_context(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
