// SPDX-License-Identifier: GPL-3.0-or-later
// prompter new and prompter sessions: making sessions, listing them.
#include <stdio.h>
#include <string.h>

#include "sessions/session.h"
#include "tui/cli_options.h"

static int run_new(int argc, char **argv) {
    const char *model = NULL, *task = NULL, *data = NULL, *template = NULL, *words = NULL;
    struct cli_values set = {0};
    const struct cli_option options[] = {
        {.name = "task",
         .argument = "PATH",
         .help = "a task.json, its folder, or a shipped task's name (needed)",
         .text = &task},
        {.name = "data",
         .argument = "DIR",
         .help = "where the task's files are (default: beside task.json)",
         .text = &data},
        {.name = "model",
         .argument = "DIR",
         .help = "a T5 model's folder (default: the shipped model)",
         .text = &model},
        {.name = "template",
         .argument = "TEXT",
         .help = "the pattern (default: the task's first)",
         .text = &template},
        {.name = "words",
         .argument = "TEXT",
         .help = "the label words, e.g. 'bad; good, great'",
         .text = &words},
        {.name = "set",
         .argument = "NAME=VALUE",
         .help = "a setting, e.g. --set rate=0.3 (may be repeated)",
         .list = &set},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_new, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    if (!task) {
        cli_complain("new", "name the task with --task PATH");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct session *s = NULL;
    bool ok = session_create(&s, argv[0], model, task, data, &e);
    struct run_settings settings;
    if (ok)
        settings = *session_settings(s);
    for (size_t i = 0; ok && i < set.count; i++) {
        char name[128];
        const char *equals = strchr(set.value[i], '=');
        snprintf(name, sizeof name, "%.*s", equals ? (int)(equals - set.value[i]) : 0, set.value[i]);
        ok = equals ? run_settings_set(&settings, name, equals + 1, &e)
                    : error_set(&e, ERROR_INPUT, "--set takes NAME=VALUE, not \"%s\"", set.value[i]);
    }
    if (ok)
        session_set_settings(s, &settings);
    ok = ok && (!template || session_set_template(s, template, &e)) &&
         (!words || session_set_label_words(s, words, &e)) && session_save(s, &e);
    if (ok)
        printf("%s\n", session_folder(s));
    else
        cli_complain("new", e.text);
    session_free(s);
    return cli_finish("new", ok ? CLI_OK : CLI_FAILED);
}

static int run_sessions(int argc, char **argv) {
    size_t count;
    int status;
    if (!cli_parse(&cli_sessions, NULL, 0, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    char **names;
    size_t n;
    if (!session_list(&names, &n, &e)) {
        cli_complain("sessions", e.text);
        return CLI_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        puts(names[i]);
    if (!n)
        fprintf(stderr, "There are no sessions yet; prompter opens one on a shipped task.\n");
    session_list_free(names, n);
    return cli_finish("sessions", CLI_OK);
}

const struct cli_command cli_new = {
    .name = "new",
    .operands = "NAME",
    .summary = "Make a session from a task and a model, to be opened or tuned by its name.",
    .example = "  $ prompter new reviews --task films --words 'bad; good' --set seed=3",
    .least = 1,
    .most = 1,
    .run = run_new,
};
const struct cli_command cli_sessions = {
    .name = "sessions",
    .operands = "",
    .summary = "List the sessions, the last used first.",
    .example = "  $ prompter sessions",
    .run = run_sessions,
};
