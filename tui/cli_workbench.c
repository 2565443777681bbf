// SPDX-License-Identifier: GPL-3.0-or-later
#include "tui/cli_workbench.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "tui/cli_options.h"
#include "tui/loop.h"
#include "tui/theme.h"

static int run_script(struct loop_client *client, const struct cli_workbench *a, struct error *e) {
    setlocale(LC_CTYPE, "C.UTF-8"); // dumps are the same everywhere
    struct script_options options = {.path = a->script,
                                     .rows = 24,
                                     .columns = 80,
                                     .dump_folder = a->dump_folder,
                                     .ascii = a->ascii,
                                     .styles = a->styles,
                                     .no_color = a->no_color};
    char rest;
    if (a->size &&
        (sscanf(a->size, "%dx%d%c", &options.columns, &options.rows, &rest) != 2 || options.rows < 1 ||
         options.columns < 1 || options.rows > 1000 || options.columns > 1000)) {
        error_set(e, ERROR_INPUT, "--size takes columns and rows, e.g. 80x24, not \"%s\"", a->size);
        return CLI_USAGE;
    }
    return loop_run_script(client, &options, e) ? CLI_OK : CLI_FAILED;
}

// $XDG_STATE_HOME/prompter, or ~/.local/state/prompter; NULL when there is no home or it cannot be made.
static char *state_folder(void) {
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    bool given = state && state[0] == '/';
    if (!given && !home)
        return NULL;
    char *folder = path_join(given ? state : home, given ? "prompter" : ".local/state/prompter", NULL);
    if (folder && !file_make_folders(folder, NULL)) {
        free(folder);
        return NULL;
    }
    return folder;
}

bool cli_workbench_has_terminal(void) {
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static int run_terminal(struct loop_client *client, const struct cli_workbench *a,
                        const struct preferences *p, struct error *e) {
    if (!cli_workbench_has_terminal()) {
        error_set(e, ERROR_INPUT,
                  "the workbench needs a terminal; without one use prompter tune, or --script FILE");
        return CLI_USAGE;
    }
    const char *no_color = getenv("NO_COLOR");
    const char *kept = a->options.state_folder;
    char *history = kept ? path_join(kept, "history", NULL) : NULL;
    struct loop_options options = {.ascii = a->ascii || p->ascii,
                                   .color = p->colour && !a->no_color && !(no_color && no_color[0]),
                                   .mouse = a->mouse || p->mouse,
                                   .escape_delay = p->escape_delay,
                                   .history_path = history};
    bool ok = loop_run_terminal(client, &options, e);
    free(history);
    return ok ? CLI_OK : CLI_FAILED;
}

int cli_workbench_open(struct cli_workbench *a, const struct cli_config *config) {
    const struct preferences *p = &config->preferences;
    struct error e = {0};
    struct workbench *w = NULL;
    char *state = a->script ? NULL : state_folder();
    int status = CLI_FAILED;
    a->options.state_folder = state;
    a->options.settings = &config->settings;
    a->options.notes = p->problems.data;
    if (!a->options.threads)
        a->options.threads = p->threads;
    if (!theme_set(a->theme ? a->theme : p->theme)) {
        error_set(&e, ERROR_INPUT, "--theme takes one of %s, not \"%s\"", theme_names(), a->theme);
        status = CLI_USAGE;
    } else if (workbench_create(&w, &a->options, &e)) {
        struct loop_client client = workbench_client(w);
        status = a->script ? run_script(&client, a, &e) : run_terminal(&client, a, p, &e);
    }
    workbench_free(w);
    free(state);
    if (status != CLI_OK)
        cli_complain("", e.text);
    return status;
}

int cli_workbench_training(struct training *t, const char *log) {
    struct cli_workbench a = {.options = {.training = t, .watch = log}};
    struct cli_config config;
    struct error e = {0};
    cli_config_default(&config);
    if (!cli_config_load(&config, NULL, &e))
        cli_complain("", e.text);
    int status = cli_workbench_open(&a, &config);
    cli_config_free(&config);
    return status;
}
