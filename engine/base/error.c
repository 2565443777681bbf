// SPDX-License-Identifier: GPL-3.0-or-later
// Filling and prefixing error messages; long messages are cut at the end, never overrun.
#include "error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

// A message that did not fit ends between two characters.
static void cut(char *text, size_t size, int wanted) {
    if (wanted >= (int)size)
        text[utf8_boundary(text, size - 1, size - 2)] = '\0';
}

bool error_set(struct error *e, enum error_kind kind, const char *format, ...) {
    if (!e)
        return false;
    va_list args;
    va_start(args, format);
    char text[sizeof e->text]; // the arguments may point into e->text itself
    cut(text, sizeof text, vsnprintf(text, sizeof text, format, args));
    va_end(args);
    utf8_make_plain(text); // names from files may hold anything, and a format may have cut one
    e->kind = kind;
    memcpy(e->text, text, sizeof text);
    return false;
}

bool error_system(struct error *e, const char *format, ...) {
    int saved = errno;
    if (!e)
        return false;
    va_list args;
    va_start(args, format);
    char text[sizeof e->text];
    cut(text, sizeof text, vsnprintf(text, sizeof text, format, args));
    va_end(args);
    return error_set(e, saved == ENOMEM ? ERROR_MEMORY : ERROR_SYSTEM, "%s: %s", text, strerror(saved));
}

bool error_context(struct error *e, const char *format, ...) {
    if (!e)
        return false;
    va_list args;
    va_start(args, format);
    char text[sizeof e->text];
    cut(text, sizeof text, vsnprintf(text, sizeof text, format, args));
    va_end(args);
    return error_set(e, e->kind, "%s: %s", text, e->text);
}
