// SPDX-License-Identifier: GPL-3.0-or-later
// The program: a command by its name, or else the workbench.
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tui/cli_config.h"
#include "tui/cli_manual.h"
#include "tui/cli_options.h"
#include "tui/cli_workbench.h"
#include "tui/signals.h"

#define PROMPTER_VERSION "0.1.0"
#define PROMPTER_DATE    "2026-11-23" // of the version, for the manual page

// In the order of the help page, which has them in groups.
static const struct cli_command *const commands[] = {
    &cli_new, &cli_tune,    &cli_eval,    &cli_session,  &cli_sessions, &cli_experiment, &cli_pretrain,
    &cli_lm,  &cli_nearest, &cli_convert, &cli_tokenize, &cli_corpus,   &cli_bench,
};
enum { COMMANDS = sizeof commands / sizeof *commands };
static const struct {
    const struct cli_command *first;
    const char *title;
} groups[] = {{&cli_new, "sessions: tune a soft prompt on a task"},
              {&cli_pretrain, "plain text: prompts and models that learn before they see labels"},
              {&cli_nearest, "tools"}};

static bool is_utf8(void) {
    return strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

struct workbench_arguments {
    struct cli_workbench workbench;
    const char *config, *completion;
    bool version, print_config, check_config, print_man;
};
enum { MOST_OPTIONS = 32 };

// The options of the workbench, for its parser, the overview and the manual page.
static size_t list_options(struct workbench_arguments *a, struct cli_option out[MOST_OPTIONS]) {
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "a T5 model's folder (default: the session's, or the shipped one)",
         .text = &a->workbench.options.model_folder},
        {.name = "threads",
         .argument = "N",
         .help = "threads to use (default: all processors)",
         .number = &a->workbench.options.threads},
        {.name = "openblas",
         .help = "OpenBLAS does the large products instead of Prompter's own kernels",
         .flag = &a->workbench.options.openblas},
        {.name = "theme",
         .argument = "THEME",
         .help = "colours: default, high-contrast or monochrome",
         .text = &a->workbench.theme},
        {.name = "ascii", .help = "draw with ASCII characters alone", .flag = &a->workbench.ascii},
        {.name = "no-color",
         .help = "no colours (also: NO_COLOR in the environment)",
         .flag = &a->workbench.no_color},
        {.name = "mouse",
         .help = "use the mouse; the terminal then selects with Shift",
         .flag = &a->workbench.mouse},
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
         .text = &a->workbench.script},
        {.name = "size",
         .argument = "WxH",
         .help = "the script's screen (default 80x24)",
         .text = &a->workbench.size},
        {.name = "dump-folder",
         .argument = "DIR",
         .help = "where the script's dumps go (default: standard output)",
         .text = &a->workbench.dump_folder},
        {.name = "styles",
         .help = "dumps have the style of every cell, too; with --no-color its look without colours",
         .flag = &a->workbench.styles},
        {.name = "recording",
         .argument = "FILE",
         .help = "show a recorded run instead of a live one",
         .text = &a->workbench.options.recording},
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
         "Usage: prompter [OPTIONS] [SESSION | TASK]  open the workbench; nothing named:\n"
         "                                            the shipped model and a shipped task\n"
         "       prompter COMMAND ...                 one of:");
    for (size_t i = 0; i < COMMANDS; i++) {
        for (size_t k = 0; k < sizeof groups / sizeof *groups; k++)
            if (groups[k].first == commands[i])
                printf("\n%s\n", groups[k].title);
        printf("  %-11s %s\n", commands[i]->name, commands[i]->summary);
    }
    puts("\nOptions of the workbench:");
    cli_print_options(options, list_options(&unused, options));
    puts("\nprompter help COMMAND, or prompter COMMAND --help, tells more about a command.\n\n"
         "Example:\n  $ prompter sentiment          then press the space bar");
    return cli_finish("", CLI_OK);
}

static int run_workbench(int argc, char **argv);
static const struct cli_command workbench_command = {
    .name = "",
    .operands = "[SESSION | TASK]",
    .summary = "Open the workbench.",
    .example = "  $ prompter sentiment",
    .most = 1,
    .run = run_workbench,
};

static const struct cli_program program = {PROMPTER_VERSION, PROMPTER_DATE, &workbench_command, commands,
                                           COMMANDS};

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
    if ((!a.workbench.script || a.config) && !cli_config_load(&config, a.config, &e)) {
        cli_complain("", e.text);
        if (a.config)
            return CLI_FAILED;
    }
    a.workbench.options.what = count ? argv[0] : NULL;
    status = a.print_man ? cli_manual_print(&program) : cli_workbench_open(&a.workbench, &config);
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

static const struct cli_command *command_named(const char *name) {
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
    return NULL;
}

// "help session pack" is "session pack --help".
static int print_help_on(int words, char **word) {
    static char help[] = "--help";
    char *argv[4] = {word[0], words > 1 ? word[1] : help, words > 1 ? help : NULL, NULL};
    const struct cli_command *c = command_named(word[0]);
    char message[160];
    if (c && words <= 2)
        return c->run(words + 1, argv);
    snprintf(message, sizeof message, "there is no command \"%.60s%s\"; prompter --help lists all", word[0],
             words > 2 ? " ..." : "");
    cli_complain("help", message);
    return CLI_USAGE;
}

static int run(int argc, char **argv) {
    set_locale();
    signal(SIGXFSZ, SIG_IGN); // a file that may grow no more is an error like a full disk
    signals_tell_lost_files();
    if (argc > 1 && strcmp(argv[1], "help") == 0 && argc > 2)
        return print_help_on(argc - 2, argv + 2);
    if (argc > 1 &&
        (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0))
        return print_overview();
    const struct cli_command *c = argc > 1 ? command_named(argv[1]) : NULL;
    return c ? c->run(argc - 1, argv + 1) : run_workbench(argc, argv);
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
