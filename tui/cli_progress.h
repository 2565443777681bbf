// SPDX-License-Identifier: GPL-3.0-or-later
// What long commands have in common: a progress line on standard error, JSON objects on standard output, and
// Ctrl-C that stops the work and keeps what there is.
#ifndef PROMPTER_TUI_CLI_PROGRESS_H
#define PROMPTER_TUI_CLI_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <cjson/cJSON.h>

struct cli_progress { // zero-initialise
    double told_at;
    bool begun, terminal;
    bool silent;           // while a screen is up
    size_t lines, columns; // of the table that stands on the terminal, and the terminal's when it was drawn
    char *shown;           // that table; owned, NULL for none
};
// A line that takes the place of the one before on a terminal (at most five a second; cut to 79 bytes, for it
// has to stay on one line), and stands alone, every ten seconds, elsewhere. `lasting`: it stays, whenever it
// comes, and is whole.
void cli_progress_say(struct cli_progress *p, bool lasting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same for several lines, without a last newline: on a terminal they take the place of what was shown
// before, in one write, and only where they differ from it. The caller sees that they fit
// (cli_progress_room).
void cli_progress_show(struct cli_progress *p, const char *text);
// The terminal's columns and rows; false where there is no terminal on which lines can be drawn over.
bool cli_progress_room(size_t *columns, size_t *rows);
// Takes what would be replaced away from a terminal, for something else that is written there.
void cli_progress_clear(struct cli_progress *p);
void cli_duration(double seconds, char *out, size_t size); // "40 s", "12 min", "2.1 h"

// SIGINT, SIGTERM and SIGHUP set the flag; the one after `patience` of them ends the program at once. Files
// are whole at any moment.
atomic_bool *cli_listen_to_signals(int patience);
int cli_stop_asked(void); // how often; a reader of standard output that is gone counts as once

// One line on standard output. A reader that is gone sets the flag of cli_listen_to_signals.
void cli_print_object(cJSON *take);
cJSON *cli_event(const char *name, size_t step); // {"event": NAME, "step": N}; SIZE_MAX: no step
void cli_add_number(cJSON *o, const char *name, double value); // null for what is not finite

// The log that a training keeps beside what it makes, for those who draw it (sessions/training_log.h). After
// its first thousand steps, steps are left out so that some thousand lines tell of any number of hours. A log
// that cannot be written stops no training: it is told once and goes on without.
struct cli_log; // NULL is a log that takes nothing
// `anew`: what was there is thrown away.
struct cli_log *cli_log_open(const char *path, bool anew);
void cli_log_object(struct cli_log *log, const cJSON *o);
void cli_log_close(struct cli_log *log);

#endif
