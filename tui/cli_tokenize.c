// SPDX-License-Identifier: GPL-3.0-or-later
// prompter tokenize: text on stdin, one JSON array of ids a line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/tokenizer.h"
#include "sessions/session.h"
#include "tui/cli_options.h"

static void print_ids(const struct token_list *ids) {
    putchar('[');
    for (size_t i = 0; i < ids->count; i++)
        printf("%s%d", i ? ", " : "", ids->id[i]);
    puts("]");
}

// Replaces the line by the text that it writes as a JSON string.
static bool read_json_string(char **line, size_t *length, struct error *e) {
    char *text = json_decode_string(*line, *length, length, e);
    if (!text)
        return false;
    free(*line);
    *line = text;
    return true;
}

static bool tokenize_lines(const struct tokenizer *t, bool json, bool special, struct error *e) {
    char *line = NULL;
    size_t room = 0, number = 0;
    ssize_t got;
    bool ok = true;
    struct token_list ids = {0};
    while (ok && (got = getline(&line, &room, stdin)) >= 0) {
        size_t length = (size_t)got;
        number++;
        if (length && line[length - 1] == '\n')
            line[--length] = '\0';
        if (json) {
            ok = read_json_string(&line, &length, e);
            room = length + 1;
        }
        ids.count = 0;
        ok = ok && (special ? tokenizer_encode_special(t, line, length, &ids, e)
                            : tokenizer_encode(t, line, length, &ids, e));
        if (ok)
            print_ids(&ids);
        else
            error_context(e, "standard input, line %zu", number);
    }
    if (ok && ferror(stdin))
        ok = error_system(e, "cannot read standard input");
    free(line);
    token_list_free(&ids);
    return ok;
}

static int run(int argc, char **argv) {
    const char *model = NULL;
    bool json = false, special = false;
    const struct cli_option options[] = {
        {.name = "model",
         .argument = "DIR",
         .help = "a model's folder or a spiece.model (default: the shipped model)",
         .text = &model},
        {.name = "json",
         .help = "each input line is a JSON string, so that a text may hold newlines",
         .flag = &json},
        {.name = "special",
         .help = "<extra_id_0>, </s> and the like in the text are their own ids",
         .flag = &special},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_tokenize, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    struct error e = {0};
    struct tokenizer *t = NULL;
    char *shipped = NULL;
    bool ok = true;
    if (!model)
        ok = (shipped = session_find_model(NULL, &e)) != NULL;
    ok = ok && tokenizer_load(&t, model ? model : shipped, &e) && tokenize_lines(t, json, special, &e);
    if (!ok)
        cli_complain("tokenize", e.text);
    tokenizer_free(t);
    free(shipped);
    return cli_finish("tokenize", ok ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_tokenize = {
    .name = "tokenize",
    .operands = "",
    .summary = "Read lines of text, print the token ids of each as a JSON array.",
    .example = "  $ echo 'A fine film.' | prompter tokenize --model t5-v1_1-small",
    .run = run,
};
