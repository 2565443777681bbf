// SPDX-License-Identifier: GPL-3.0-or-later
// What is generated from the tables of commands, options, requests, settings and keys: the manual page and
// completion for shells.
#ifndef PROMPTER_TUI_CLI_MANUAL_H
#define PROMPTER_TUI_CLI_MANUAL_H

#include <stddef.h>

#include "tui/cli_options.h"

struct cli_program {
    const char *version, *date;          // date: YYYY-MM-DD
    const struct cli_command *workbench; // the program without a command
    const struct cli_command *const *command;
    size_t commands;
};

// --print-man: prompter(1) for man(7), with the keys as they are configured. The exit status.
int cli_manual_print(const struct cli_program *p);
// --print-completion bash | zsh | fish.
int cli_completion_print(const struct cli_program *p, const char *shell);

// "--help=FORM" of a command: its options as they stand in the manual page or in a shell's completion. False
// when there is no such form. For cli_parse.
bool cli_print_form(const char *form, const struct cli_command *c, const struct cli_option *options,
                    size_t count);

#endif
