// SPDX-License-Identifier: GPL-3.0-or-later
// The terminal: the only file that knows curses. Turns the grid into what is on the screen, and what is typed
// into keys; puts everything back as it was on every way out.
//
// There is one terminal, so its state is this file's. All calls belong to the main thread, but for
// term_restore, which may be called from a signal handler on any thread.
#ifndef PROMPTER_TUI_TERM_H
#define PROMPTER_TUI_TERM_H

#include <stdbool.h>

#include "engine/base/error.h"
#include "tui/grid.h"
#include "tui/key.h"

struct term_options {
    bool color;           // use it where the terminal has it
    size_t escape_delay;  // milliseconds that Esc waits for more of a sequence; 0: 25
    const char *log_path; // where stderr goes while the screen is up; NULL: a file without a name
};
// Takes over standard input and output, which must be a terminal. From here on stderr goes to the log.
bool term_open(const struct term_options *options, struct error *e);
// Gives the terminal back and shows on stderr what came into the log. Safe to call twice.
void term_close(void);
// The same from a signal handler, by writes alone.
void term_restore(void);
// True when this terminal or locale cannot show box lines and braille: the Linux console, "dumb", no UTF-8.
bool term_wants_ascii(void);

int term_fd(void); // to poll for reading
void term_size(int *rows, int *columns);
// After SIGWINCH, or when continued: asks the terminal for its size.
void term_resize(void);
// The next frame is written whole.
void term_redraw(void);
// Puts the grid on the screen: one write of what has changed. The cursor shows where the grid has it.
void term_show(const struct grid *g);
// Whether the terminal tells of the mouse. Off at the beginning; then its own selection works. Cheap when
// nothing changes.
void term_mouse(bool on);
// The next key typed, or what the mouse did; false when there is none for now.
bool term_key(struct key *out);
// Gives the terminal back, stops the process as the shell's job control expects, and takes it again.
void term_suspend(void);
// After someone else may have changed the terminal's modes.
void term_resume(void);
// The terminal is gone: nothing is written to it any more.
void term_lost(void);

#endif
