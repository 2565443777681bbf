// SPDX-License-Identifier: GPL-3.0-or-later
// prompter corpus: text from grammar files.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/pretrain/grammar.h"
#include "tui/cli_options.h"

struct arguments {
    const char *out, *part, *start;
    size_t documents, seed, first;
};

// Where text goes: a file that appears when it is whole, or standard output.
struct sink {
    struct file_writer writer;
    bool file;
    struct buffer pending;
};

static bool sink_flush(struct sink *s, struct error *e) {
    if (!buffer_ok(&s->pending, e))
        return false;
    bool ok = s->file ? file_writer_add(&s->writer, s->pending.data, s->pending.length, e)
                      : fwrite(s->pending.data, 1, s->pending.length, stdout) == s->pending.length ||
                            error_system(e, "cannot write to standard output");
    buffer_clear(&s->pending);
    return ok;
}

static bool write_document(struct sink *s, const struct generated *d, struct error *e) {
    for (size_t i = 0; i < d->count; i++) {
        if (d->sentence[i].key[0] && d->sentence[i].starts)
            buffer_printf(&s->pending, "@%s ", d->sentence[i].key);
        buffer_add_text(&s->pending, d->sentence[i].text);
        buffer_add_char(&s->pending, '\n');
    }
    buffer_add_char(&s->pending, '\n');
    return s->pending.length < 1 << 16 || sink_flush(s, e);
}

static bool write_corpus(const struct arguments *a, const struct grammar *g, enum grammar_part part,
                         struct error *e) {
    struct sink s = {.file = a->out != NULL};
    struct generator *m = NULL;
    struct generated d;
    bool ok =
        (!a->out || file_writer_open(&s.writer, a->out, e)) && generator_create(&m, g, part, a->seed, e);
    for (size_t i = 0; ok && i < a->documents; i++)
        ok = generator_document(m, a->start, a->first + i, &d, e) && write_document(&s, &d, e);
    ok = ok && (!s.pending.length || sink_flush(&s, e)) && (!a->out || file_writer_commit(&s.writer, e));
    if (a->out)
        file_writer_close(&s.writer);
    buffer_free(&s.pending);
    generator_free(m);
    return ok;
}

static bool find_part(const char *name, enum grammar_part *part) {
    *part = strcmp(name, "tasks") == 0 ? GRAMMAR_TASKS : GRAMMAR_CORPUS;
    return *part == GRAMMAR_TASKS || strcmp(name, "corpus") == 0;
}

static int run(int argc, char **argv) {
    struct arguments a = {.part = "corpus", .start = "document", .documents = 10, .seed = 1};
    const struct cli_option options[] = {
        {.name = "documents",
         .argument = "N",
         .help = "how many documents (default 10)",
         .number = &a.documents},
        {.name = "seed",
         .argument = "N",
         .help = "documents depend on it and their number (default 1)",
         .number = &a.seed},
        {.name = "first",
         .argument = "N",
         .help = "the number of the first document (default 0)",
         .number = &a.first},
        {.name = "out", .argument = "FILE", .help = "a file instead of standard output", .text = &a.out},
        {.name = "part",
         .argument = "PART",
         .help = "corpus (default), or tasks: what is held back is used, too",
         .text = &a.part},
        {.name = "start",
         .argument = "RULE",
         .help = "the rule of a document (default document)",
         .text = &a.start},
    };
    size_t count;
    int status;
    if (!cli_parse(&cli_corpus, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    enum grammar_part part;
    if (!find_part(a.part, &part)) {
        cli_complain("corpus", "--part is corpus or tasks");
        return CLI_USAGE;
    }
    struct error e = {0};
    struct grammar *g = NULL;
    bool ok = grammar_load(&g, (const char *const *)argv, count, &e) && write_corpus(&a, g, part, &e);
    if (!ok)
        cli_complain("corpus", e.text);
    grammar_free(g);
    return cli_finish("corpus", ok ? CLI_OK : CLI_FAILED);
}

const struct cli_command cli_corpus = {
    .name = "corpus",
    .operands = "GRAMMAR...",
    .summary = "Write text from grammar files: one sentence a line, a blank line after each document.",
    .details = "The grammar language is described in engine/pretrain/grammar.h.",
    .example = "  $ prompter corpus engine/models/meadow/text/*.grammar --documents 400000 --out corpus.txt",
    .least = 1,
    .most = 256,
    .run = run,
};
