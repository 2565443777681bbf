// SPDX-License-Identifier: GPL-3.0-or-later
// The manual page in the macros of man(7), which every man program has. Options of a command are known to its
// own parser alone, so each command is asked for them: cli_parse answers "--help=man" for it.
#include "tui/cli_manual.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/tune/settings.h"
#include "tui/grid.h"
#include "tui/keymap.h"
#include "tui/preferences.h"
#include "tui/theme.h"

// ---- roff ----

// Text as it is: what roff would take for a request or an escape is made plain. Newlines stay.
static void put_text(const char *text) {
    bool begins = true;
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", stdout);
        if (*text == '\\')
            fputs("\\e", stdout);
        else if (*text == '-')
            fputs("\\-", stdout);
        else if (*text == '^')
            fputs("\\(ha", stdout);
        else if (*text == '~')
            fputs("\\(ti", stdout);
        else if (*text == '`')
            fputs("\\(ga", stdout);
        else if (*text == '\'')
            fputs("\\(aq", stdout);
        else
            putchar(*text);
        begins = *text == '\n';
    }
}

static bool put_wrapped(void *context, const char *text, size_t length) {
    char line[512];
    (void)context;
    snprintf(line, sizeof line, "%.*s", (int)length, text);
    put_text(line);
    putchar('\n');
    return true;
}

// In lines of the source that are not long.
static void put_line(const char *text) {
    text_wrap(text, strlen(text), 68, put_wrapped, NULL);
}

static void section(const char *name) {
    printf(".SH %s\n", name);
}

// ".TP" with a bold name and an argument in italics.
static void item(const char *name, const char *argument) {
    fputs(".TP\n\\fB", stdout);
    put_text(name);
    fputs("\\fR", stdout);
    if (argument && *argument) {
        fputs(" \\fI", stdout);
        put_text(argument);
        fputs("\\fR", stdout);
    }
    putchar('\n');
}

// Lines that begin with blanks are kept as they are, the others are filled.
static void put_lines(const char *text) {
    bool verbatim = false;
    while (*text) {
        char line[512];
        size_t length = strcspn(text, "\n");
        bool blank = *text == ' ';
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        if (blank != verbatim)
            puts(blank ? ".nf" : ".fi");
        verbatim = blank;
        if (length == 0)
            puts(".P");
        else if (blank)
            put_text(line), putchar('\n');
        else
            put_line(line);
        text += length + (text[length] == '\n');
    }
    if (verbatim)
        puts(".fi");
}

static void print_man(const struct cli_command *c, const struct cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char name[64];
        snprintf(name, sizeof name, "--%s", options[i].name);
        item(name, options[i].argument);
        put_line(options[i].help);
    }
    (void)c;
}

// ---- completion ----

// Words that an argument can be, by how tables name it; NULL: anything, "files": a path.
static const char *argument_words(const char *argument) {
    static const char *const KNOWN[][2] = {
        {"DIR", "files"},    {"FILE", "files"},          {"PATH", "files"},
        {"FOLDER", "files"}, {"SHELL", "bash zsh fish"}, {"THEME", "default high-contrast monochrome"}};
    for (size_t i = 0; argument && i < sizeof KNOWN / sizeof *KNOWN; i++)
        if (strcmp(argument, KNOWN[i][0]) == 0)
            return KNOWN[i][1];
    return NULL;
}

static void print_bash(const struct cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++)
        printf("--%s ", options[i].name);
    fputs("--help", stdout);
}

// A text between single quotes in which zsh's and fish's own signs mean nothing.
static void put_quoted(const char *text, const char *escaped) {
    for (; *text; text++) {
        if (*text == '\'')
            fputs("’", stdout);
        else if (strchr(escaped, *text))
            printf("\\%c", *text);
        else
            putchar(*text);
    }
}

static void print_zsh(const struct cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *words = argument_words(options[i].argument);
        printf("        '--%s%s[", options[i].name, options[i].argument ? "=" : "");
        put_quoted(options[i].help, "[]:\\");
        putchar(']');
        if (options[i].argument && words && strcmp(words, "files") == 0)
            printf(":%s:_files", options[i].argument);
        else if (options[i].argument)
            printf(":%s:(%s)", options[i].argument, words ? words : "");
        fputs("' \\\n", stdout);
    }
    puts("        '--help[how it is used]' \\");
}

static void print_fish(const struct cli_command *c, const struct cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const char *words = argument_words(options[i].argument);
        if (c->name[0])
            printf("complete -c prompter -n '__fish_seen_subcommand_from %s' -l %s",
                   strrchr(c->name, ' ') ? strrchr(c->name, ' ') + 1 : c->name, options[i].name);
        else
            printf("complete -c prompter -n __fish_use_subcommand -l %s", options[i].name);
        if (options[i].argument && words && strcmp(words, "files") != 0)
            printf(" -x -a '%s'", words);
        else if (options[i].argument)
            fputs(words ? " -r -F" : " -x", stdout);
        fputs(" -d '", stdout);
        put_quoted(options[i].help, "\\");
        puts("'");
    }
}

bool cli_print_form(const char *form, const struct cli_command *c, const struct cli_option *options,
                    size_t count) {
    if (strcmp(form, "man") == 0)
        print_man(c, options, count);
    else if (strcmp(form, "bash") == 0)
        print_bash(options, count);
    else if (strcmp(form, "zsh") == 0)
        print_zsh(options, count);
    else if (strcmp(form, "fish") == 0)
        print_fish(c, options, count);
    else
        return false;
    return true;
}

// Has a command print its options in a form.
static void ask(const struct cli_command *c, const char *form) {
    char name[32], help[32], *argv[] = {name, help, NULL};
    snprintf(name, sizeof name, "%s", c->name);
    snprintf(help, sizeof help, "--help=%s", form);
    c->run(2, argv);
}

// ---- the manual page ----

static void print_command(const struct cli_command *c) {
    fputs(".SS \"", stdout);
    put_text(c->name);
    putchar(' ');
    put_text(c->operands);
    puts("\"");
    put_line(c->summary);
    if (c->details && c->parts == 0) {
        puts(".P");
        put_lines(c->details);
    }
    if (c->parts == 0)
        ask(c, "man");
    if (c->example && c->parts == 0) {
        puts(".P\nExample:\n.P");
        put_lines(c->example);
    }
    for (size_t i = 0; i < c->parts; i++)
        print_command(c->part[i]);
}

// " (run, prompt)"
static void add_screens(struct buffer *b, unsigned where) {
    const char *join = " (";
    for (size_t i = 1; keymap_screen_at(i); i++) {
        unsigned one;
        const char *screen = keymap_screen_at(i);
        if (!keymap_screen_find(screen, strlen(screen), &one) || !(where & one))
            continue;
        buffer_printf(b, "%s%s", join, screen);
        join = ", ";
    }
    if (join[0] == ',')
        buffer_add_char(b, ')');
}

static void print_requests(void) {
    for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
        const struct request_info *info = request_info((enum request)r);
        char name[80], keys[KEYMAP_KEYS];
        struct buffer b = {0};
        snprintf(name, sizeof name, ":%s", info->name);
        item(name, info->argument);
        buffer_add_text(&b, info->help);
        keymap_keys((enum request)r, 0, keys);
        if (keys[0])
            buffer_printf(&b, ". Keys: %s", keys);
        if (keys[0] && info->where != WHERE_ALL)
            add_screens(&b, info->where);
        buffer_add_char(&b, '.');
        put_line(b.data ? b.data : "");
        buffer_free(&b);
    }
}

static void print_settings(void) {
    for (size_t i = 0; i < run_setting_count; i++) {
        struct run_settings first;
        char value[RUN_SETTING_TEXT];
        struct buffer b = {0};
        const struct run_setting *s = &run_setting_table[i];
        run_settings_default(&first);
        run_settings_get(&first, s->name, value, sizeof value);
        item(s->name, s->values);
        buffer_add_text(&b, s->help);
        if (value[0])
            buffer_printf(&b, "; at first %s", value);
        buffer_add_text(&b, s->live ? ". Changes while a run goes on." : ".");
        put_line(b.data ? b.data : "");
        buffer_free(&b);
    }
}

static void print_configuration(void) {
    section("CONFIGURATION");
    put_line("Lines of plain text; one that begins with # is a comment. A line that cannot be understood is "
             "told and left out.");
    puts(".B prompter \\-\\-print\\-config\nwrites a file with everything in it.");
    for (int i = 0; i < PREFERENCE_COUNT; i++) {
        const struct preference_info *p = preference_info((enum preference)i);
        char name[64];
        snprintf(name, sizeof name, "%s = %s", p->name, p->value);
        item(name, p->values[0] ? p->values : theme_names());
        put_line(p->help);
    }
    item("set NAME = VALUE", "");
    put_line("A setting that new sessions begin with; the names are those of SETTINGS.");
    item("bind SCREEN KEY REQUEST", "");
    put_line("On a screen a key is a request; the names are those of REQUESTS, without the colon. Screens:");
    for (size_t i = 0; keymap_screen_at(i); i++)
        printf("%s%s\n", keymap_screen_at(i), keymap_screen_at(i + 1) ? "," : ".");
    item("unbind SCREEN KEY", "");
    puts("The key means nothing there.");
}

static void print_files(void) {
    static const char *const FILES[][2] = {
        {"$XDG_CONFIG_HOME/prompter/config", "the configuration (~/.config/prompter/config)"},
        {"$XDG_DATA_HOME/prompter/sessions", "the sessions (~/.local/share/prompter/sessions)"},
        {"$XDG_STATE_HOME/prompter/history", "commands typed (~/.local/state/prompter/history)"},
        {"$XDG_STATE_HOME/prompter/panes", "sizes of panes that were changed"},
    };
    static const char *const VARIABLES[][2] = {
        {"PROMPTER_SESSIONS", "where sessions are, instead of the folder above"},
        {"PROMPTER_SHARE", "where the shipped models and tasks are"},
        {"NO_COLOR", "when set, no colours"},
        {"COLORFGBG", "tells the high-contrast theme, and eight colours, whether the background is light"},
    };
    section("FILES");
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        item(FILES[i][0], "");
        put_line(FILES[i][1]);
    }
    section("ENVIRONMENT");
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        item(VARIABLES[i][0], "");
        put_line(VARIABLES[i][1]);
    }
}

int cli_manual_print(const struct cli_program *p) {
    printf(".\\\" SPDX\\-License\\-Identifier: GPL\\-3.0\\-or\\-later\n"
           ".\\\" Written by prompter \\-\\-print\\-man.\n"
           ".TH PROMPTER 1 \"%s\" \"prompter %s\" \"User Commands\"\n",
           p->date, p->version);
    section("NAME");
    puts("prompter \\- a workbench for prompt tuning on T5 models");
    section("SYNOPSIS");
    puts(".B prompter\n[\\fIOPTIONS\\fR] [\\fISESSION\\fR | \\fITASK\\fR]\n.br\n.B prompter\n"
         "\\fICOMMAND\\fR ...");
    section("DESCRIPTION");
    put_line("Without a command, the workbench opens: write a pattern and label words for a few examples, "
             "press the space bar, and watch a soft prompt being tuned. With nothing named it works on the "
             "shipped model and a shipped task. The key ? shows the keys of the screen, : opens the command "
             "line.");
    section("OPTIONS");
    ask(p->workbench, "man");
    item("--help", "");
    puts("What there is; of a command, how it is used.");
    section("COMMANDS");
    for (size_t i = 0; i < p->commands; i++)
        print_command(p->command[i]);
    section("REQUESTS");
    put_line("What can be asked for in the workbench: typed after a colon, where the beginning of a name is "
             "enough and Tab completes, or by a key. Keys without screens work on all.");
    print_requests();
    section("SETTINGS");
    puts("Of a run, changed by\n.BR :set ,\n.B \\-\\-set\nand in the configuration.");
    print_settings();
    print_configuration();
    print_files();
    section("\"EXIT STATUS\"");
    puts("0, or 1 when something failed, or 2 for a usage mistake.");
    return cli_finish("", CLI_OK);
}

// ---- completion scripts ----

static void bash_case(const struct cli_command *c) {
    printf("    '%s') words='", c->name);
    ask(c, "bash");
    puts("' ;;");
    for (size_t i = 0; i < c->parts; i++)
        bash_case(c->part[i]);
}

static void print_bash_script(const struct cli_program *p) {
    puts("# Completion of prompter(1) for bash; written by prompter --print-completion bash.\n"
         "_prompter() {\n"
         "    local now=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command= words= i\n"
         "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
         "        case ${COMP_WORDS[i]} in\n"
         "        -*) ;;");
    for (size_t i = 0; i < p->commands; i++) {
        if (p->command[i]->parts == 0) {
            printf("        %s) command=${COMP_WORDS[i]}; break ;;\n", p->command[i]->name);
            continue;
        }
        printf("        %s) command='%s'; ((i + 1 < COMP_CWORD)) && command+=\" ${COMP_WORDS[i + 1]}\"; "
               "break ;;\n",
               p->command[i]->name, p->command[i]->name);
    }
    puts("        esac\n"
         "    done\n"
         "    case $before in\n"
         "    --theme) COMPREPLY=($(compgen -W 'default high-contrast monochrome' -- \"$now\")); return ;;\n"
         "    --print-completion) COMPREPLY=($(compgen -W 'bash zsh fish' -- \"$now\")); return ;;\n"
         "    --split) COMPREPLY=($(compgen -W 'test dev' -- \"$now\")); return ;;\n"
         "    esac\n"
         "    case $command in");
    fputs("    '') words='", stdout);
    ask(p->workbench, "bash");
    for (size_t i = 0; i < p->commands; i++)
        printf(" %s", p->command[i]->name);
    puts("' ;;");
    for (size_t i = 0; i < p->commands; i++)
        bash_case(p->command[i]);
    for (size_t i = 0; i < p->commands; i++)
        if (p->command[i]->parts > 0) {
            printf("    esac\n    case $command in\n    '%s') words+='", p->command[i]->name);
            for (size_t k = 0; k < p->command[i]->parts; k++)
                printf(" %s", strrchr(p->command[i]->part[k]->name, ' ') + 1);
            puts("' ;;");
        }
    puts("    esac\n"
         "    [[ $now == -* ]] || words+=\" $(prompter session list 2>/dev/null)\"\n"
         "    COMPREPLY=($(compgen -W \"$words\" -- \"$now\") $(compgen -f -- \"$now\"))\n"
         "}\n"
         "complete -o filenames -F _prompter prompter");
}

static void zsh_case(const struct cli_command *c) {
    printf("    '%s')\n        _arguments \\\n", c->name);
    ask(c, "zsh");
    if (c->parts) {
        fputs("        '1:what:(", stdout);
        for (size_t i = 0; i < c->parts; i++)
            printf("%s%s", i ? " " : "", strrchr(c->part[i]->name, ' ') + 1);
        puts(")' ;;");
    } else {
        puts("        '*:session or file:_prompter_operands' ;;");
    }
    for (size_t i = 0; i < c->parts; i++)
        zsh_case(c->part[i]);
}

static void print_zsh_script(const struct cli_program *p) {
    puts("#compdef prompter\n"
         "# Completion of prompter(1) for zsh; written by prompter --print-completion zsh.\n"
         "_prompter_operands() {\n"
         "    local -a sessions\n"
         "    sessions=(${(f)\"$(prompter session list 2>/dev/null)\"})\n"
         "    compadd -a sessions\n"
         "    _files\n"
         "}\n"
         "_prompter() {\n"
         "    local -a commands\n"
         "    commands=(");
    for (size_t i = 0; i < p->commands; i++) {
        printf("        '%s:", p->command[i]->name);
        put_quoted(p->command[i]->summary, ":\\");
        puts("'");
    }
    puts("    )\n"
         "    local command=$words[2]");
    for (size_t i = 0; i < p->commands; i++)
        if (p->command[i]->parts > 0)
            printf("    if [[ $command == %s ]] && ((CURRENT > 3)); then\n"
                   "        command=\"%s $words[3]\"\n        shift words\n        ((CURRENT--))\n    fi\n",
                   p->command[i]->name, p->command[i]->name);
    puts("    if [[ -n ${commands[(r)${command%% *}:*]} ]] && ((CURRENT > 2)); then\n"
         "        shift words\n        ((CURRENT--))\n"
         "    else\n        command=\n    fi\n"
         "    case $command in");
    for (size_t i = 0; i < p->commands; i++)
        zsh_case(p->command[i]);
    puts("    *)\n        _arguments \\");
    ask(p->workbench, "zsh");
    puts("        '*:session or task:_prompter_operands'\n"
         "        ((CURRENT == 2)) && _describe command commands ;;\n"
         "    esac\n"
         "}\n"
         "if [[ $zsh_eval_context == *:loadautofunc ]]; then\n"
         "    _prompter \"$@\"\nelse\n    compdef _prompter prompter\nfi");
}

static void print_fish_script(const struct cli_program *p) {
    puts("# Completion of prompter(1) for fish; written by prompter --print-completion fish.\n"
         "complete -c prompter -a '(prompter session list 2>/dev/null)' -d session");
    ask(p->workbench, "fish");
    for (size_t i = 0; i < p->commands; i++) {
        const struct cli_command *c = p->command[i];
        printf("complete -c prompter -n __fish_use_subcommand -a %s -d '", c->name);
        put_quoted(c->summary, "\\");
        puts("'");
        ask(c, "fish");
        for (size_t k = 0; k < c->parts; k++) {
            printf("complete -c prompter -n '__fish_seen_subcommand_from %s' -a %s -d '", c->name,
                   strrchr(c->part[k]->name, ' ') + 1);
            put_quoted(c->part[k]->summary, "\\");
            puts("'");
            ask(c->part[k], "fish");
        }
    }
}

int cli_completion_print(const struct cli_program *p, const char *shell) {
    if (strcmp(shell, "bash") == 0)
        print_bash_script(p);
    else if (strcmp(shell, "zsh") == 0)
        print_zsh_script(p);
    else if (strcmp(shell, "fish") == 0)
        print_fish_script(p);
    else {
        cli_complain("", "--print-completion takes bash, zsh or fish");
        return CLI_USAGE;
    }
    return cli_finish("", CLI_OK);
}
