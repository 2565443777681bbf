// SPDX-License-Identifier: GPL-3.0-or-later
// Signals for the loop, through a pipe to ourselves: handlers write one byte and keep errno.
//
// Not a signalfd: libraries start threads before main() with these signals unblocked, and a blocked signal
// would be delivered to them. Everything here is process-wide; one open at a time, on the main thread.
#ifndef PROMPTER_TUI_SIGNALS_H
#define PROMPTER_TUI_SIGNALS_H

#include <stdbool.h>

#include "engine/base/error.h"

// Takes over SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP and SIGCONT, ignores SIGPIPE, and on a crash
// (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) calls `restore`, which must be async-signal-safe, before the
// signal does what it does by default; a SIGBUS of a mapped file is told in a line first and ends the program
// with status 1. The same goes for a SIGTERM, SIGHUP or SIGQUIT that comes two seconds or more after an
// earlier one was passed on: whoever should have finished does not.
bool signals_open(void (*restore)(void), struct error *e);
// For commands without a screen: a mapped file that is cut short while it is used (SIGBUS) ends the program
// with a line that names it.
void signals_tell_lost_files(void);
// Gives every signal back but SIGHUP, which is ignored from here on: of a terminal that goes away the kernel
// tells and the shell once more, and the second must not cut short what is saved at the end.
void signals_close(void);
// To poll for reading.
int signals_fd(void);
// The next signal that came, or 0.
int signals_take(void);
// Stops this process as Ctrl-Z does by default; returns when it goes on. Does nothing where no shell could
// continue it.
void signals_stop(void);

#endif
