// SPDX-License-Identifier: GPL-3.0-or-later
// Arguments of the program's commands: one table a command makes the parser and its --help.
#ifndef PROMPTER_TUI_CLI_OPTIONS_H
#define PROMPTER_TUI_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2 };
enum { CLI_MOST_VALUES = 64 };

struct cli_values { // an option that may be given several times
    const char *value[CLI_MOST_VALUES];
    size_t count;
};
// Exactly one target is set. `argument` is NULL for a flag.
struct cli_option {
    const char *name, *argument, *help;
    bool *flag;
    const char **text;
    size_t *number;
    struct cli_values *list;
};
struct cli_command {
    const char *name;
    const char *operands; // "SESSION", "[SESSION | TASK]", "IN OUT"
    const char *summary;  // one line
    const char *details;  // paragraphs for --help, may be NULL
    const char *example;  // lines, each a command with its output where that helps
    size_t least, most;   // operands
    int (*run)(int argc, char **argv);
    const struct cli_command *const *part; // commands of its own: "session log"; each has its own options
    size_t parts;
};
// Reads argv[1..]; operands are moved to the front: argv[0 .. *count). Returns true to go on; otherwise
// *status is the exit status (--help: 0, after printing; a mistake: 2, after a message). "--help=FORM" prints
// the options for the manual page or a shell's completion (tui/cli_manual.h).
bool cli_parse(const struct cli_command *command, const struct cli_option *options, size_t option_count,
               int argc, char **argv, size_t *count, int *status);

// The commands, in the order of the help page.
extern const struct cli_command cli_tune, cli_eval, cli_session, cli_new, cli_sessions, cli_nearest,
    cli_tokenize, cli_convert, cli_bench, cli_lm, cli_pretrain, cli_experiment, cli_corpus;
extern const struct cli_command cli_compare; // "session compare"

// The options as a page of help shows them, --help at the end.
void cli_print_options(const struct cli_option *options, size_t count);
// "prompter tune: MESSAGE" on stderr.
void cli_complain(const char *command, const char *message);
// Flushes stdout; CLI_FAILED with a message when something could not be written.
int cli_finish(const char *command, int status);

#endif
