// SPDX-License-Identifier: GPL-3.0-or-later
// The loop: waits for keys, signals, the engine and deadlines; draws at most every 16 ms; never blocks on
// work.
//
// The client is the workbench (views/workbench.h). It is driven the same way by the terminal and by a script,
// so that screens can be tested without a terminal.
#ifndef PROMPTER_TUI_LOOP_H
#define PROMPTER_TUI_LOOP_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "tui/grid.h"
#include "tui/key.h"

// What the command line can complete after a request's name.
struct completion_source {
    // Calls add() for every candidate of the word being typed. `line` is the whole command line, `word_at`
    // where the word begins.
    void (*complete)(void *context, const char *line, size_t word_at,
                     void (*add)(void *sink, const char *candidate), void *sink);
};

struct loop_client {
    void *context;
    // Draws everything but the command line into the grid. While the command line is open the last row (and a
    // row above it when candidates show) is the loop's.
    void (*draw)(void *context, struct grid *g, double now);
    // Every key but Ctrl-C and Ctrl-Z, and the mouse where it is on, while the command line is closed. Pasted
    // text comes between KEY_CODE_PASTE and KEY_CODE_PASTE_END: outside of an editor it is text, not keys to
    // obey.
    void (*key)(void *context, struct key k, double now);
    // A finished command line: "rate 0.3". A wrong one is answered with a message of the client's own.
    void (*command)(void *context, const char *line, double now);
    // `fd` became readable.
    void (*wake)(void *context, double now);
    int fd;
    // Ctrl-C. Coming back from Ctrl-Z only draws anew.
    void (*interrupt)(void *context, double now);
    // SIGTERM, SIGQUIT, SIGHUP, or the terminal is gone: save and be finished within two seconds; then a
    // second signal ends the program at once.
    void (*terminate)(void *context, int signal_number);
    // Anything to draw since the last draw? Once said, the loop keeps it until it has drawn: the client may
    // forget it. Time of the next change that comes by itself (a message that fades), or 0.
    bool (*dirty)(void *context, double now);
    double (*deadline)(void *context);
    bool (*finished)(void *context);
    // Nothing is running or loading: for "wait idle" in scripts.
    bool (*idle)(void *context);
    struct completion_source completion;
};

struct loop_options {
    bool ascii, color; // color false: NO_COLOR, --no-color, or a terminal without
    bool mouse;
    size_t escape_delay;      // milliseconds that Esc waits for more; 0: 25
    const char *history_path; // NULL: no history kept
    const char *log_path; // where stderr goes while the screen is up; NULL: a temporary file, shown at exit
                          // if it has text
};
// Runs until client->finished. The terminal is restored on every way out, also by fatal signals. ASCII is
// used also where the terminal or the locale cannot do more. The first frame is drawn before anything is
// waited for. A history that cannot be read or written is no reason to stop: it is said on standard error at
// the end.
bool loop_run_terminal(const struct loop_client *client, const struct loop_options *options, struct error *e);

struct script_options {
    const char *path; // the script
    int rows, columns;
    const char *dump_folder; // where "dump NAME" writes NAME.txt; NULL: standard output
    bool ascii, styles;
    bool no_color; // styles in dumps are what a terminal without colours shows (theme_letter), not roles
};
// Drives the client from a file: see tui/script.c for the language.
bool loop_run_script(const struct loop_client *client, const struct script_options *options, struct error *e);

// For Ctrl-L, and after the theme has changed: the next frame is written whole. Nothing in a script.
void loop_redraw(void);

// Whether the mouse is the program's or the terminal's. In a script it only answers.
void loop_set_mouse(bool on);
bool loop_mouse(void);

// The command line for the client: opens it (with a beginning, or NULL), in either way of running.
void loop_open_command_line(const char *begin);

#endif
