// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration file (tui/preferences.h) as the program's commands use it: with the settings of runs; and
// the settings that a command line gives to a session.
#ifndef PROMPTER_TUI_CLI_CONFIG_H
#define PROMPTER_TUI_CLI_CONFIG_H

#include <stdbool.h>

#include "engine/tune/settings.h"
#include "sessions/session.h"
#include "tui/cli_options.h"
#include "tui/preferences.h"

struct cli_config {
    struct preferences preferences;
    struct run_settings settings; // what new sessions begin with
};
// Everything as it is without a file.
void cli_config_default(struct cli_config *c);
// The named file, which must be there, or (NULL) a person's own, which need not. Problems in it are no
// failure: c->preferences has them.
bool cli_config_load(struct cli_config *c, const char *path, struct error *e);
void cli_config_free(struct cli_config *c);
// The same for a command without a screen: only the settings, problems go to standard error.
void cli_config_settings(struct run_settings *out);

// --method NAME (NULL: not given), then --preset NAME (likewise), and then every --set NAME=VALUE, of which
// "method" counts as the first.
bool cli_set_session(struct session *s, const char *method, const char *preset, const struct cli_values *set,
                     struct error *e);

// --print-config and --check-config: the exit status.
int cli_config_print(void);
int cli_config_check(const char *path);

#endif
