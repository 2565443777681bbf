// SPDX-License-Identifier: GPL-3.0-or-later
// prompter session: listing sessions, making them, telling what happened in them, comparing their runs
// (cli_compare.c), packing and unpacking them.
// prompter new and prompter sessions are the same as prompter session new and list.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "sessions/own_task.h"
#include "sessions/pack.h"
#include "sessions/session.h"
#include "sessions/story.h"
#include "tui/cli_config.h"
#include "tui/cli_options.h"

static const struct cli_command session_new_command, session_list_command, session_log_command,
    session_pack_command, session_unpack_command;

static const char *last_word(const char *text) {
    const char *space = strrchr(text, ' ');
    return space ? space + 1 : text;
}

static int make_new(const struct cli_command *self, int argc, char **argv) {
    const char *model = NULL, *task = NULL, *data = NULL, *template = NULL, *words = NULL, *method = NULL;
    const char *preset = NULL;
    const char *labels = NULL, *fields = NULL;
    bool own = false;
    struct cli_values set = {0};
    const struct cli_option options[] = {
        {.name = "own",
         .help = "a task of your own without files: its examples are typed on the Data screen",
         .flag = &own},
        {.name = "labels",
         .argument = "LIST",
         .help = "with --own: its labels, e.g. 'negative, positive'",
         .text = &labels},
        {.name = "fields",
         .argument = "LIST",
         .help = "with --own: the texts of an example, e.g. 'question, answer' (default: text)",
         .text = &fields},
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
        {.name = "method",
         .argument = "NAME",
         .help = "fine-tuning, vanilla, hybrid, lm-adaptation, ppt, hybrid-ppt or unified-ppt: sets "
                 "template, start and "
                 "rate (default: as the template is)",
         .text = &method},
        {.name = "preset",
         .argument = "NAME",
         .help = "clean or paper-code: loss, start, rate and all else that the paper's code does otherwise",
         .text = &preset},
        {.name = "template",
         .argument = "TEXT",
         .help = "the pattern (default: the method's, or the task's first)",
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
    if (!cli_parse(self, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    if (own ? !labels || task || data : !task || labels || fields) {
        cli_complain(self->name, own ? "--own takes its labels with --labels 'A, B', and no --task or --data"
                                     : "name the task with --task PATH, or begin one of your own with --own "
                                       "--labels 'A, B'");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct session *s = NULL;
    struct run_settings settings;
    cli_config_settings(&settings);
    if (own)
        settings.own = RUN_OWN_ONLY;
    bool ok = (own ? session_create_own(&s, argv[0], model, labels, fields, &e)
                   : session_create(&s, argv[0], model, task, data, &e)) &&
              session_begin_with(s, &settings, &e);
    ok = ok && cli_set_session(s, method, preset, &set, &e) &&
         (!template || session_set_template(s, template, &e)) &&
         (!words || session_set_label_words(s, words, &e)) && session_save(s, &e);
    if (ok)
        printf("%s\n", session_folder(s));
    else
        cli_complain(self->name, e.text);
    session_free(s);
    return cli_finish(self->name, ok ? CLI_OK : CLI_FAILED);
}

static int list_all(const struct cli_command *self, int argc, char **argv) {
    size_t count;
    int status;
    if (!cli_parse(self, NULL, 0, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    char **names;
    size_t n;
    if (!session_list(&names, &n, &e)) {
        cli_complain(self->name, e.text);
        return CLI_FAILED;
    }
    for (size_t i = 0; i < n; i++)
        puts(names[i]);
    if (!n)
        fprintf(stderr, "There are no sessions yet; prompter opens one on a shipped task.\n");
    session_list_free(names, n);
    return cli_finish(self->name, CLI_OK);
}

static int run_log(int argc, char **argv) {
    bool json = false;
    const struct cli_option options[] = {
        {.name = "json", .help = "print JSON objects, one a line (sessions/story.h)", .flag = &json},
    };
    size_t count;
    int status;
    if (!cli_parse(&session_log_command, options, 1, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    struct buffer text = {0};
    cJSON *story = NULL;
    bool ok = session_story(&story, json ? NULL : &text, argv[0], &e);
    for (const cJSON *entry = ok ? story->child : NULL; ok && entry; entry = entry->next) {
        char *line = json ? json_print(entry, false, &e) : NULL;
        if (json)
            buffer_printf(&text, "%s\n", line ? line : "");
        else
            story_print(entry, &text);
        ok = !json || line;
        free(line);
    }
    ok = ok && buffer_ok(&text, &e);
    if (ok && text.data)
        fputs(text.data, stdout);
    if (ok && !story->child)
        fprintf(stderr, "Nothing has happened in it yet.\n");
    if (!ok)
        cli_complain(session_log_command.name, e.text);
    buffer_free(&text);
    cJSON_Delete(story);
    return cli_finish(session_log_command.name, ok ? CLI_OK : CLI_FAILED);
}

static void tell_notes(const struct buffer *notes) {
    if (notes->data)
        fputs(notes->data, stderr);
}

static int run_pack(int argc, char **argv) {
    size_t count;
    int status;
    if (!cli_parse(&session_pack_command, NULL, 0, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    struct buffer notes = {0}, name = {0};
    size_t n = strlen(argv[0]);
    while (n > 1 && argv[0][n - 1] == '/')
        argv[0][--n] = '\0';
    if (count < 2)
        buffer_printf(&name, "%s.zip", path_name(argv[0]));
    const char *file = count > 1 ? argv[1] : name.data ? name.data : "";
    bool ok = (count > 1 || buffer_ok(&name, &e)) && session_pack(argv[0], file, &notes, &e);
    if (ok) {
        printf("%s\n", file);
        tell_notes(&notes);
    } else {
        cli_complain(session_pack_command.name, e.text);
    }
    buffer_free(&notes);
    buffer_free(&name);
    return cli_finish(session_pack_command.name, ok ? CLI_OK : CLI_FAILED);
}

static int run_unpack(int argc, char **argv) {
    const char *model = NULL;
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "the model's folder on this machine (default: as the session has it)",
         .text = &model},
    };
    size_t count;
    int status;
    if (!cli_parse(&session_unpack_command, options, 1, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    struct buffer notes = {0};
    char *folder = NULL;
    bool ok = session_unpack(argv[0], count > 1 ? argv[1] : NULL, model, &folder, &notes, &e);
    if (ok) {
        printf("%s\n", folder);
        tell_notes(&notes);
    } else {
        cli_complain(session_unpack_command.name, e.text);
    }
    free(folder);
    buffer_free(&notes);
    return cli_finish(session_unpack_command.name, ok ? CLI_OK : CLI_FAILED);
}

// ---- the commands ----

#define NEW_COMMAND(full)                                                                                    \
    .name = full, .operands = "NAME",                                                                        \
    .summary = "Make a session from a task and a model, opened by its name.",                                \
    .example = "  $ prompter " full " reviews --task sentiment --words 'bad; good'\n"                        \
               "  $ prompter " full " moods --own --labels 'sad, happy'",                                    \
    .least = 1, .most = 1
#define LIST_COMMAND(full)                                                                                   \
    .name = full, .operands = "", .summary = "List the sessions, the last used first.",                      \
    .example = "  $ prompter " full

static int run_new(int argc, char **argv) {
    return make_new(&cli_new, argc, argv);
}
static int run_session_new(int argc, char **argv) {
    return make_new(&session_new_command, argc, argv);
}
static int run_sessions(int argc, char **argv) {
    return list_all(&cli_sessions, argc, argv);
}
static int run_session_list(int argc, char **argv) {
    return list_all(&session_list_command, argc, argv);
}

const struct cli_command cli_new = {NEW_COMMAND("new"), .run = run_new};
const struct cli_command cli_sessions = {LIST_COMMAND("sessions"), .run = run_sessions};
static const struct cli_command session_new_command = {NEW_COMMAND("session new"), .run = run_session_new};
static const struct cli_command session_list_command = {LIST_COMMAND("session list"),
                                                        .run = run_session_list};
static const struct cli_command session_log_command = {
    .name = "session log",
    .operands = "SESSION",
    .summary = "Tell what happened in a session: edits, runs, what was best, tests. Times are local.",
    .example = "  $ prompter session log sentiment",
    .least = 1,
    .most = 1,
    .run = run_log,
};
static const struct cli_command session_pack_command = {
    .name = "session pack",
    .operands = "SESSION [FILE]",
    .summary =
        "Make one zip file of a session, with its task and data where they are not shipped, without the "
        "model.",
    .details = "Without FILE it is NAME.zip in this folder. A file that is there is not overwritten.",
    .example = "  $ prompter session pack sentiment\n  sentiment.zip",
    .least = 1,
    .most = 2,
    .run = run_pack,
};
static const struct cli_command session_unpack_command = {
    .name = "session unpack",
    .operands = "FILE [NAME]",
    .summary = "Make a session of a packed one, to be opened by its name.",
    .details = "Without NAME it is called as it was. A session that is there is not overwritten.",
    .example = "  $ prompter session unpack sentiment.zip sentiment-of-ann",
    .least = 1,
    .most = 2,
    .run = run_unpack,
};

static const struct cli_command *const session_commands[] = {
    &session_list_command, &session_new_command,    &session_log_command,
    &session_pack_command, &session_unpack_command, &cli_compare,
};

static int run_session(int argc, char **argv) {
    size_t commands = sizeof session_commands / sizeof *session_commands, count;
    int status;
    for (size_t i = 0; argc > 1 && i < commands; i++)
        if (strcmp(argv[1], last_word(session_commands[i]->name)) == 0)
            return session_commands[i]->run(argc - 1, argv + 1);
    if (!cli_parse(&cli_session, NULL, 0, argc, argv, &count, &status))
        return status;
    fprintf(stderr,
            "prompter session: there is no \"%s\"; it is one of: list, new, log, compare, pack, unpack\n",
            argv[0]);
    return CLI_USAGE;
}

const struct cli_command cli_session = {
    .name = "session",
    .operands = "list | new | log | compare | pack | unpack",
    .summary = "What sessions there are, what happened in them, and sending them.",
    .details = "  prompter session list                  the sessions, the last used first\n"
               "  prompter session new NAME --task T     make one\n"
               "  prompter session log SESSION           what happened in it\n"
               "  prompter session compare [SESSION...]  runs side by side, means over seeds\n"
               "  prompter session pack SESSION [FILE]   one file with all of it but the model\n"
               "  prompter session unpack FILE [NAME]    the way back\n\n"
               "Each has --help with an example.",
    .example = "  $ prompter session log sentiment",
    .least = 1,
    .most = 64,
    .run = run_session,
    .part = session_commands,
    .parts = sizeof session_commands / sizeof *session_commands,
};
