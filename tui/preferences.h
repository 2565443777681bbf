// SPDX-License-Identifier: GPL-3.0-or-later
// A person's configuration: $XDG_CONFIG_HOME/prompter/config. Lines of plain text:
//
//   # a comment; empty lines are skipped
//   theme = high-contrast            one of the options in PREFERENCE_TABLE
//   set rate = 0.3                   a setting that new sessions begin with, as ":set rate 0.3"
//   bind run x evaluate              on a screen (or "all") a key is a request
//   unbind all q                     a key means nothing there
//
// A line that cannot be understood is a problem, told with file, line and what was probably meant; the others
// count all the same, and of two for the same thing the later one. `prompter --print-config` writes a file
// with everything as it is without one; `prompter --check-config` only tells the problems.
#ifndef PROMPTER_TUI_PREFERENCES_H
#define PROMPTER_TUI_PREFERENCES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"

//   X(ID, "name", "without a file", "what it can be", "what it does")
#define PREFERENCE_TABLE(X)                                                                                  \
    X(THEME, "theme", "default", "", "colours of the screen (--theme, :theme)")                              \
    X(COLOUR, "colour", "on", "on | off", "off: no colours (--no-color, NO_COLOR)")                          \
    X(ASCII, "ascii", "off", "on | off", "on: draw with ASCII characters alone (--ascii)")                   \
    X(MOUSE, "mouse", "off", "on | off",                                                                     \
      "on: click on screens, panes and lists, scroll with the wheel (--mouse, :mouse); the terminal's own "  \
      "selection then needs Shift")                                                                          \
    X(THREADS, "threads", "0", "0 to 1024", "threads to train with; 0: one for each processor (--threads)")  \
    X(ESCAPE_DELAY, "escape-delay", "25", "1 to 1000",                                                       \
      "milliseconds after Esc in which more belongs to the same key; larger over a slow connection")

enum preference {
#define PREFERENCE_ENUM(id, name, value, values, help) PREFERENCE_##id,
    PREFERENCE_TABLE(PREFERENCE_ENUM)
#undef PREFERENCE_ENUM
        PREFERENCE_COUNT
};
struct preference_info {
    const char *name, *value, *values, *help; // values "": the names of the themes
};
const struct preference_info *preference_info(enum preference p);

// What a name = value line sets that is not in the table: the settings of a run, which only the program
// knows.
struct preference_settings {
    void *context;
    // Checks the value and takes it; an error says what is allowed.
    bool (*set)(void *context, const char *name, const char *value, struct error *e);
    // All of them, in their order, as they are without a file; false behind the last.
    bool (*each)(size_t index, const char **name, char *value, size_t size, const char **values,
                 const char **help);
};

struct preferences {
    char theme[32];
    bool colour, ascii, mouse;
    size_t threads, escape_delay;
    struct buffer problems; // a line each, "FILE:LINE: what is wrong"; empty: none
    size_t problem_count;
};
// As it is without a file. The key map (tui/keymap.h) is put back, too.
void preferences_default(struct preferences *p);
// The lines of a text, into the preferences, the key map and the settings. `name` stands before problems.
// `settings` may be NULL: "set" lines are then a problem.
void preferences_read(struct preferences *p, const char *name, const char *text, size_t length,
                      const struct preference_settings *settings);
// The same from a file. False only when it cannot be read.
bool preferences_read_file(struct preferences *p, const char *path,
                           const struct preference_settings *settings, struct error *e);
void preferences_free(struct preferences *p);
// $XDG_CONFIG_HOME/prompter/config, or ~/.config/prompter/config; owned; NULL when there is no home.
char *preferences_path(void);

// A file with every option, setting and key as it is without one, each explained. Lines begin with a "#" that
// is to be taken away; with or without all of these, it reads as no file at all.
void preferences_print(struct buffer *out, const struct preference_settings *settings);

#endif
