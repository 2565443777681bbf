// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench as a command opens it: in the terminal with a person's configuration, or driven by a script.
#ifndef PROMPTER_TUI_CLI_WORKBENCH_H
#define PROMPTER_TUI_CLI_WORKBENCH_H

#include <stdbool.h>

#include "tui/cli_config.h"
#include "views/workbench.h"

struct cli_workbench {
    struct workbench_options options; // state folder, settings, notes and threads are filled in where missing
    const char *script, *size, *dump_folder, *theme;
    bool ascii, no_color, mouse, styles;
};
bool cli_workbench_has_terminal(void); // standard input and output are one
// Until the person leaves, or the script ends. What goes wrong is told on standard error; the exit status.
int cli_workbench_open(struct cli_workbench *a, const struct cli_config *config);
// The Run screen over a training (a session may be opened beside it): until the person leaves. `log` is what
// training_log_open takes. The training goes on then.
int cli_workbench_training(struct training *t, const char *log);

#endif
