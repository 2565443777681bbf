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
};
// A line that takes the place of the one before on a terminal (at most five a second), and stands alone,
// every ten seconds, elsewhere. `lasting`: it stays, whenever it comes.
void cli_progress_say(struct cli_progress *p, bool lasting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void cli_duration(double seconds, char *out, size_t size); // "40 s", "12 min", "2.1 h"

// SIGINT, SIGTERM and SIGHUP set the flag; the second one ends the program at once. Files are whole at any
// moment.
atomic_bool *cli_listen_to_signals(void);

// One line on standard output. A reader that is gone sets the flag of cli_listen_to_signals.
void cli_print_object(cJSON *take);
cJSON *cli_event(const char *name, size_t step);               // {"event": NAME, "step": N}
void cli_add_number(cJSON *o, const char *name, double value); // null for what is not finite

#endif
