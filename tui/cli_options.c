// SPDX-License-Identifier: GPL-3.0-or-later
// Long options with "--name value" or "--name=value"; "--" ends them; a lone "-" is an operand.
#include "tui/cli_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli_manual.h"
#include "tui/grid.h"

void cli_complain(const char *command, const char *message) {
    fprintf(stderr, "prompter%s%s: %s\n", command[0] ? " " : "", command, message);
}

int cli_finish(const char *command, int status) {
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    cli_complain(command, "the output could not be written (disk full, or its reader is gone)");
    return CLI_FAILED;
}

// ---- help ----

enum { PAGE = 79, OPTION = 24 }; // columns: of a page, and of an option with its argument

struct hanging {
    int indent; // of lines after the first
    bool begun;
};

static bool put_hanging(void *context, const char *text, size_t length) {
    struct hanging *h = context;
    if (h->begun)
        printf("%*s", h->indent, "");
    printf("%.*s\n", (int)length, text);
    h->begun = true;
    return true;
}

// A paragraph whose first line is indented already.
static void put_paragraph(const char *text, size_t length, int indent) {
    struct hanging h = {.indent = indent};
    text_wrap(text, length, PAGE - indent, put_hanging, &h);
}

// Lines that begin with a blank stand as they are; the others are one paragraph up to the next of these.
static void put_paragraphs(const char *text) {
    while (*text) {
        const size_t line = strcspn(text, "\n");
        size_t length = line;
        if (!line || *text == ' ') {
            printf("%.*s\n", (int)line, text);
        } else {
            char *joined = strdup(text);
            while (joined && text[length] == '\n' && text[length + 1] && !strchr(" \n", text[length + 1])) {
                joined[length] = ' ';
                length += 1 + strcspn(text + length + 1, "\n");
            }
            put_paragraph(joined ? joined : text, length, 0);
            free(joined);
        }
        text += length + (text[length] == '\n');
    }
}

static void print_option(const char *left, const char *help) {
    printf("  %-*s ", OPTION, left);
    put_paragraph(help, strlen(help), OPTION + 3);
}

void cli_print_options(const struct cli_option *options, size_t count) {
    for (size_t i = 0; i < count; i++) {
        char left[64];
        snprintf(left, sizeof left, "--%s%s%s", options[i].name, options[i].argument ? " " : "",
                 options[i].argument ? options[i].argument : "");
        print_option(left, options[i].help);
    }
    print_option("--help", "this page");
}

static void print_help(const struct cli_command *c, const struct cli_option *options, size_t count) {
    printf("Usage: prompter%s%s %s%s\n\n", c->name[0] ? " " : "", c->name, count ? "[OPTIONS] " : "",
           c->operands);
    put_paragraphs(c->summary);
    if (c->details) {
        putchar('\n');
        put_paragraphs(c->details);
    }
    printf("\nOptions:\n");
    cli_print_options(options, count);
    printf("\nExample:\n%s\n", c->example);
}

static bool usage(const struct cli_command *c, int *status, const char *what, const char *which) {
    fprintf(stderr, "prompter%s%s: %s%s; see prompter%s%s --help\n", c->name[0] ? " " : "", c->name, what,
            which, c->name[0] ? " " : "", c->name);
    *status = CLI_USAGE;
    return false;
}

static bool set_value(const struct cli_command *c, const struct cli_option *o, const char *value,
                      int *status) {
    if (o->text)
        *o->text = value;
    if (o->list) {
        if (o->list->count == CLI_MOST_VALUES)
            return usage(c, status, "too many times --", o->name);
        o->list->value[o->list->count++] = value;
    }
    if (o->number) {
        char *end;
        errno = 0;
        unsigned long long n = strtoull(value, &end, 10);
        if (errno || end == value || *end || value[0] == '-')
            return usage(c, status, "this needs a whole number: --", o->name);
        *o->number = (size_t)n;
    }
    return true;
}

static const struct cli_option *find(const struct cli_option *options, size_t count, const char *name,
                                     size_t length) {
    for (size_t i = 0; i < count; i++)
        if (strlen(options[i].name) == length && strncmp(options[i].name, name, length) == 0)
            return &options[i];
    return NULL;
}

bool cli_parse(const struct cli_command *c, const struct cli_option *options, size_t option_count, int argc,
               char **argv, size_t *count, int *status) {
    *count = 0;
    bool over = false;
    for (int i = 1; i < argc; i++) {
        char *word = argv[i];
        if (over || word[0] != '-' || word[1] == '\0') {
            argv[(*count)++] = word;
            continue;
        }
        if (strcmp(word, "--") == 0) {
            over = true;
            continue;
        }
        if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
            print_help(c, options, option_count);
            *status = cli_finish(c->name, CLI_OK);
            return false;
        }
        if (strncmp(word, "--help=", 7) == 0 && cli_print_form(word + 7, c, options, option_count)) {
            *status = CLI_OK;
            return false;
        }
        const char *name = word[1] == '-' ? word + 2 : word + 1, *equals = strchr(name, '=');
        const struct cli_option *o =
            find(options, option_count, name, equals ? (size_t)(equals - name) : strlen(name));
        if (!o)
            return usage(c, status, "there is no option ", word);
        if (o->flag) {
            if (equals)
                return usage(c, status, "this option takes no value: ", word);
            *o->flag = true;
            continue;
        }
        if (!equals && i + 1 >= argc)
            return usage(c, status, "a value is missing after ", word);
        if (!set_value(c, o, equals ? equals + 1 : argv[++i], status))
            return false;
    }
    if (*count < c->least)
        return usage(c, status, "this is missing: ", c->operands);
    if (*count > c->most)
        return usage(c, status, "this is one too many: ", argv[c->most]);
    return true;
}
