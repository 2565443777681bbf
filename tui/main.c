// SPDX-License-Identifier: GPL-3.0-or-later
// The program: a command by its name, or else the workbench.
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "tui/cli_config.h"
#include "tui/cli_manual.h"
#include "tui/cli_options.h"
#include "tui/loop.h"
#include "tui/signals.h"
#include "tui/theme.h"
#include "views/workbench.h"

#define PROMPTER_VERSION "0.1.0"
#define PROMPTER_DATE    "2026-11-23" // of the version, for the manual page

static const struct cli_command *const commands[] = {
    &cli_tune,     &cli_eval,  &cli_session, &cli_new,      &cli_sessions,   &cli_nearest, &cli_convert,
    &cli_tokenize, &cli_bench, &cli_lm,      &cli_pretrain, &cli_experiment, &cli_corpus,
};
enum { COMMANDS = sizeof commands / sizeof *commands };

static bool is_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct workbench_arguments {
    struct workbench_options options;
    const char *script, *size, *dump_folder, *config, *theme, *completion;
    bool ascii, no_color, mouse, styles, version, print_config, check_config, print_man;
};
enum { MOST_OPTIONS = 32 };

// The options of the workbench, for its parser, the overview and the manual page.
static size_t list_options(struct workbench_arguments *a, struct cli_option out[MOST_OPTIONS]) {
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "a T5 model's folder (default: the session's, or the shipped one)",
         .text = &a->options.model_folder},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &a->options.threads},
        {.name = "openblas",
         .help = "OpenBLAS does the large products instead of Prompter's own kernels",
         .flag = &a->options.openblas},
        {.name = "theme",
         .argument = "THEME",
         .help = "colours: default, high-contrast or monochrome",
         .text = &a->theme},
        {.name = "ascii", .help = "draw with ASCII characters alone", .flag = &a->ascii},
        {.name = "no-color", .help = "no colours (also: NO_COLOR in the environment)", .flag = &a->no_color},
        {.name = "mouse", .help = "use the mouse; the terminal then selects with Shift", .flag = &a->mouse},
        {.name = "config",
         .argument = "FILE",
         .help = "the configuration, instead of ~/.config/prompter/config",
         .text = &a->config},
        {.name = "print-config",
         .help = "print a configuration with everything in it, explained",
         .flag = &a->print_config},
        {.name = "check-config",
         .help = "only tell what is wrong in the configuration; exit status 1 if anything is",
         .flag = &a->check_config},
        {.name = "script",
         .argument = "FILE",
         .help = "drive the workbench from a file of keys instead of a terminal",
         .text = &a->script},
        {.name = "size", .argument = "WxH", .help = "the script's screen (default 80x24)", .text = &a->size},
        {.name = "dump-folder",
         .argument = "DIR",
         .help = "where the script's dumps go (default: standard output)",
         .text = &a->dump_folder},
        {.name = "styles", .help = "dumps have the style of every cell, too", .flag = &a->styles},
        {.name = "recording",
         .argument = "FILE",
         .help = "show a recorded run instead of a live one",
         .text = &a->options.recording},
        {.name = "print-man", .help = "print the manual page, prompter(1)", .flag = &a->print_man},
        {.name = "print-completion",
         .argument = "SHELL",
         .help = "print completion for bash, zsh or fish",
         .text = &a->completion},
        {.name = "version", .help = "print the version", .flag = &a->version},
    };
    size_t count = sizeof options / sizeof *options;
    memcpy(out, options, sizeof options);
    return count;
}

static int print_overview(void) {
    struct workbench_arguments unused;
    struct cli_option options[MOST_OPTIONS];
    puts("Prompter: a workbench for prompt tuning on T5 models.\n\n"
         "Usage: prompter [OPTIONS] [SESSION | TASK]   open the workbench (nothing named: a shipped model "
         "and task)\n"
         "       prompter COMMAND ...                  one of:\n");
    for (size_t i = 0; i < COMMANDS; i++) {
        char left[96];
        snprintf(left, sizeof left, "%-9s %s", commands[i]->name, commands[i]->operands);
        printf("  %-28s %s\n", left, commands[i]->summary);
    }
    puts("\nOptions of the workbench:");
    cli_print_options(options, list_options(&unused, options));
    puts("  --help                   this page\n\n"
         "prompter COMMAND --help tells more about a command.\n\n"
         "Example:\n  $ prompter films          then press the space bar");
    return cli_finish("", CLI_OK);
}

static int run_script(struct loop_client *client, const struct workbench_arguments *a, struct error *e) {
    setlocale(LC_CTYPE, "C.UTF-8"); // dumps are the same everywhere
    struct script_options options = {.path = a->script,
                                     .rows = 24,
                                     .columns = 80,
                                     .dump_folder = a->dump_folder,
                                     .ascii = a->ascii,
                                     .styles = a->styles};
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

static int run_terminal(struct loop_client *client, const struct workbench_arguments *a,
                        const struct preferences *p, struct error *e) {
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
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

static int run_workbench(int argc, char **argv);
static const struct cli_command workbench_command = {
    .name = "",
    .operands = "[SESSION | TASK]",
    .summary = "Open the workbench.",
    .example = "  $ prompter films",
    .most = 1,
    .run = run_workbench,
};

static const struct cli_program program = {PROMPTER_VERSION, PROMPTER_DATE, &workbench_command, commands,
                                           COMMANDS};

static int open_workbench(struct workbench_arguments *a, const struct cli_config *config) {
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

static int run_workbench(int argc, char **argv) {
    struct workbench_arguments a = {0};
    struct cli_option options[MOST_OPTIONS];
    struct cli_config config;
    struct error e = {0};
    size_t count, option_count = list_options(&a, options);
    int status;
    if (!cli_parse(&workbench_command, options, option_count, argc, argv, &count, &status))
        return status;
    if (a.version) {
        puts("prompter " PROMPTER_VERSION);
        return cli_finish("", CLI_OK);
    }
    if (a.print_config)
        return cli_config_print();
    if (a.check_config)
        return cli_config_check(a.config);
    if (a.completion)
        return cli_completion_print(&program, a.completion);
    // A script is the same everywhere: only a configuration that is named counts.
    cli_config_default(&config);
    if ((!a.script || a.config) && !cli_config_load(&config, a.config, &e)) {
        cli_complain("", e.text);
        if (a.config)
            return CLI_FAILED;
    }
    a.options.what = count ? argv[0] : NULL;
    status = a.print_man ? cli_manual_print(&program) : open_workbench(&a, &config);
    cli_config_free(&config);
    return status;
}

// Character widths need a UTF-8 locale. Where none is chosen at all (containers, cron) the terminal speaks
// UTF-8 these days; where another one is chosen on purpose, is_utf8 says so and the workbench draws in ASCII.
static void set_locale(void) {
    bool chosen = getenv("LC_ALL") || getenv("LC_CTYPE") || getenv("LANG");
    setlocale(LC_ALL, "");
    if (!is_utf8() && !chosen)
        setlocale(LC_CTYPE, "C.UTF-8");
    setlocale(LC_NUMERIC, "C"); // numbers in files and messages are the same everywhere
}

static int run(int argc, char **argv) {
    set_locale();
    signal(SIGXFSZ, SIG_IGN); // a file that may grow no more is an error like a full disk
    signals_tell_lost_files();
    if (argc > 1 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0))
        return print_overview();
    for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
        if (strcmp(argv[1], commands[i]->name) == 0)
            return commands[i]->run(argc - 1, argv + 1);
    return run_workbench(argc, argv);
}

int main(int argc, char **argv) {
    int status = run(argc, argv);
#if !defined(__SANITIZE_ADDRESS__)
    // Past the libraries' own endings: OpenBLAS's waits for a thread of its own that, where memory is short,
    // asks for some again and again, for ever.
    fflush(NULL);
    _exit(status);
#endif
    return status;
}
