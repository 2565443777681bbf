// SPDX-License-Identifier: GPL-3.0-or-later
// prompter corpus: text and tasks from grammar files; what a text is made of, and what it shares with tasks.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/pretrain/grammar.h"
#include "engine/pretrain/neighbour_text.h"
#include "engine/pretrain/task_maker.h"
#include "tui/cli_options.h"
#include "tui/cli_text.h"

struct arguments {
    const char *out, *part, *start, *neighbours, *tasks;
    size_t documents, seed, first, words;
    bool statistics, overlap, json;
    struct cli_values task;
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

static void add_document(struct buffer *b, const struct generated *d) {
    for (size_t i = 0; i < d->count; i++) {
        if (d->sentence[i].key[0] && d->sentence[i].starts)
            buffer_printf(b, "@%s ", d->sentence[i].key);
        buffer_add_text(b, d->sentence[i].text);
        buffer_add_char(b, '\n');
    }
    buffer_add_char(b, '\n');
}

// Documents, or questions about which of their sentences belong together: `w` or else `m`.
static bool write_documents(const struct arguments *a, struct generator *m, struct neighbour_writer *w,
                            struct sink *s, struct error *e) {
    struct generated d;
    for (size_t i = 0; i < a->documents; i++) {
        if (w ? !neighbour_writer_next(w, &s->pending, e)
              : !generator_document(m, a->start, a->first + i, &d, e))
            return false;
        if (!w)
            add_document(&s->pending, &d);
        if (s->pending.length >= 1 << 16 && !sink_flush(s, e))
            return false;
    }
    return !s->pending.length || sink_flush(s, e);
}

static bool write_corpus(const struct arguments *a, const struct grammar *g, enum grammar_part part,
                         struct error *e) {
    struct sink s = {.file = a->out != NULL};
    struct generator *m = NULL;
    struct neighbour_writer *w = NULL;
    bool ok = (!a->out || file_writer_open(&s.writer, a->out, e)) &&
              (a->neighbours ? neighbour_writer_create(&w, g, a->start, a->neighbours, a->seed, e)
                             : generator_create(&m, g, part, a->seed, e)) &&
              write_documents(a, m, w, &s, e) && (!a->out || file_writer_commit(&s.writer, e));
    if (a->out)
        file_writer_close(&s.writer);
    buffer_free(&s.pending);
    neighbour_writer_free(w);
    generator_free(m);
    return ok;
}

// ---- tasks ----

static bool write_file(const char *folder, const char *name, const struct buffer *b, struct error *e) {
    char *path = path_join(folder, name, e);
    bool ok = path && file_write_atomic(path, b->data ? b->data : "", b->length, e);
    free(path);
    return ok;
}

// FOLDER/NAME/train.jsonl and test.jsonl of every task of the grammar.
static bool write_tasks(const struct arguments *a, const struct grammar *g, struct error *e) {
    const struct grammar_task *t;
    size_t count = grammar_tasks(g, &t);
    bool ok =
        count > 0 || error_set(e, ERROR_INPUT, "these files have no task statement (see tasks.grammar)");
    for (size_t i = 0; ok && i < count; i++) {
        struct made_task made = {0};
        char *folder = path_join(a->tasks, t[i].name, e);
        ok = folder && file_make_folders(folder, e) && task_make(&made, g, &t[i], a->seed, e) &&
             write_file(folder, "train.jsonl", &made.train, e) &&
             write_file(folder, "test.jsonl", &made.test, e);
        if (ok)
            fprintf(stderr, "%s: %zu KB, from %zu documents\n", folder,
                    (made.train.length + made.test.length) / 1000, made.documents);
        made_task_free(&made);
        free(folder);
    }
    return ok;
}

static bool find_part(const char *name, enum grammar_part *part) {
    *part = strcmp(name, "tasks") == 0 ? GRAMMAR_TASKS : GRAMMAR_CORPUS;
    return *part == GRAMMAR_TASKS || strcmp(name, "corpus") == 0;
}

static bool work(const struct arguments *a, enum grammar_part part, const char *const *file, size_t files,
                 int *status, struct error *e) {
    size_t found = 0;
    if (a->statistics)
        return text_print_statistics(file, files, a->words, a->json, e);
    if (a->overlap) {
        bool ok = text_print_overlap(file, files, &a->task, a->json, &found, e);
        *status = found ? CLI_FAILED : CLI_OK;
        return ok;
    }
    struct grammar *g = NULL;
    bool ok =
        grammar_load(&g, file, files, e) && (a->tasks ? write_tasks(a, g, e) : write_corpus(a, g, part, e));
    grammar_free(g);
    return ok;
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
         .help = "a document depends on it and its own number (default 1)",
         .number = &a.seed},
        {.name = "first",
         .argument = "N",
         .help = "the number of the first document (default 0)",
         .number = &a.first},
        {.name = "out", .argument = "FILE", .help = "a file instead of standard output", .text = &a.out},
        {.name = "part",
         .argument = "PART",
         .help = "corpus (default), or tasks: with what is held back",
         .text = &a.part},
        {.name = "start",
         .argument = "RULE",
         .help = "the rule of a document (default document)",
         .text = &a.start},
        {.name = "neighbours",
         .argument = "FORM",
         .help = "ask which sentences of the documents belong together, in forms that the rule FORM writes",
         .text = &a.neighbours},
        {.name = "tasks",
         .argument = "FOLDER",
         .help = "make the grammar's tasks: FOLDER/NAME/train.jsonl, test.jsonl",
         .text = &a.tasks},
        {.name = "statistics", .help = "read text FILEs, tell what they are made of", .flag = &a.statistics},
        {.name = "words",
         .argument = "N",
         .help = "statistics: the N most frequent words, too",
         .number = &a.words},
        {.name = "overlap",
         .help = "read text FILEs, tell which sentences of tasks they have",
         .flag = &a.overlap},
        {.name = "task",
         .argument = "TASK",
         .help = "overlap: a task (may be repeated; default: all shipped ones)",
         .list = &a.task},
        {.name = "json", .help = "statistics and overlap as a JSON object", .flag = &a.json},
    };
    size_t count;
    int status, outcome = CLI_OK;
    if (!cli_parse(&cli_corpus, options, sizeof options / sizeof *options, argc, argv, &count, &status))
        return status;
    enum grammar_part part;
    if (!find_part(a.part, &part)) {
        cli_complain("corpus", "--part is corpus or tasks");
        return CLI_USAGE;
    }
    if (a.neighbours && (part == GRAMMAR_TASKS || a.first || a.tasks)) {
        cli_complain("corpus", "--neighbours goes with none of --part tasks, --first, --tasks");
        return CLI_USAGE;
    }
    struct error e = {0};
    bool ok = work(&a, part, (const char *const *)argv, count, &outcome, &e);
    if (!ok)
        cli_complain("corpus", e.text);
    return cli_finish("corpus", ok ? outcome : CLI_FAILED);
}

const struct cli_command cli_corpus = {
    .name = "corpus",
    .operands = "FILE...",
    .summary = "Write text from grammar files, or look at a text's words.",
    .details = "One sentence a line, a blank line after each document. The language of grammars is described "
               "in engine/pretrain/grammar.h. With --tasks, the tasks that "
               "the grammar\nstates are made. With --statistics or --overlap the FILEs are texts; the exit "
               "status of --overlap is 0 only\nwhere no sentence of a task occurs in them.",
    .example = "  $ prompter corpus engine/models/meadow/text/*.grammar \\\n"
               "      --documents 400000 --out corpus.txt\n"
               "  $ prompter corpus engine/models/meadow/text/*.grammar --tasks sessions/tasks\n"
               "  $ prompter corpus --statistics --words 50 corpus.txt\n"
               "  $ prompter corpus --overlap corpus.txt --task sentiment --task topic",
    .least = 1,
    .most = 256,
    .run = run,
};
