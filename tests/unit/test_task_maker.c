// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks from grammars: the shipped ones are what the command makes, and no sentence of theirs is in the text.
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/data/task.h"
#include "engine/data/text_overlap.h"
#include "engine/data/text_statistics.h"
#include "engine/pretrain/task_maker.h"
#include "tests/unit/check.h"

enum { MOST_GRAMMARS = 64 };

static int by_name(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// The grammar of the shipped model, its files in the order in which a shell lists them.
static bool load_shipped(struct grammar **out, struct error *e) {
    const char *folder = check_path("../engine/models/meadow/text");
    char *path[MOST_GRAMMARS];
    size_t count = 0;
    DIR *d = opendir(folder);
    for (const struct dirent *x; d && count < MOST_GRAMMARS && (x = readdir(d));)
        if (strlen(x->d_name) > 8 && strcmp(x->d_name + strlen(x->d_name) - 8, ".grammar") == 0)
            path[count++] = path_join(folder, x->d_name, e);
    if (d)
        closedir(d);
    qsort(path, count, sizeof *path, by_name);
    bool ok = grammar_load(out, (const char *const *)path, count, e);
    for (size_t i = 0; i < count; i++)
        free(path[i]);
    return ok;
}

static bool same_file(const char *task, const char *name, const struct buffer *made) {
    char below[128];
    char *text = NULL;
    size_t length = 0;
    snprintf(below, sizeof below, "../sessions/tasks/%s/%s", task, name);
    bool same = file_read(check_path(below), 1 << 24, &text, &length, NULL) && length == made->length &&
                memcmp(text, made->data, length) == 0;
    free(text);
    return same;
}

static char shipped_folder[512];
static const char *task_folder(const char *name) {
    char below[128];
    snprintf(below, sizeof below, "../sessions/tasks/%s", name);
    snprintf(shipped_folder, sizeof shipped_folder, "%s", check_path(below));
    return shipped_folder;
}

TEST(shipped_tasks_are_what_the_command_makes) {
    struct error e = {0};
    struct grammar *g = NULL;
    const struct grammar_task *t;
    CHECK_OK(load_shipped(&g, &e));
    size_t count = grammar_tasks(g, &t);
    CHECK_SIZE(count, 8);
    for (size_t i = 0; i < count; i++) {
        struct made_task made = {0};
        CHECK_OK(task_make(&made, g, &t[i], 1, &e));
        bool same = same_file(t[i].name, "train.jsonl", &made.train) &&
                    same_file(t[i].name, "test.jsonl", &made.test);
        if (!same)
            check_failed(__FILE__, __LINE__,
                         "the files of %s are not what the grammar makes; make them again: prompter corpus "
                         "engine/models/meadow/text/*.grammar --tasks sessions/tasks",
                         t[i].name);
        made_task_free(&made);
        if (!same)
            return;
    }
    grammar_free(g);
}

TEST(shipped_tasks_are_balanced_and_have_their_label_words) {
    struct error e = {0};
    struct grammar *g = NULL;
    const struct grammar_task *t;
    CHECK_OK(load_shipped(&g, &e));
    size_t count = grammar_tasks(g, &t);
    for (size_t i = 0; i < count; i++) {
        struct task *task = NULL;
        size_t seen[GRAMMAR_MOST_CLASSES] = {0};
        CHECK_OK(task_load(&task, task_folder(t[i].name), NULL, &e));
        CHECK(task->test.count >= 1000 && task->train.count >= 500);
        CHECK_SIZE(task->classes, t[i].classes);
        for (size_t k = 0; k < task->test.count; k++)
            seen[task->test.example[k].label]++;
        for (size_t c = 0; c < task->classes; c++)
            CHECK_SIZE(seen[c], (t[i].test + t[i].classes - 1) / t[i].classes);
        CHECK(task_find_words(task, "good") && task_find_words(task, "poor") &&
              task_find_words(task, "inverted"));
        CHECK(strcmp(task_find_words(task, "good"), task_find_words(task, "inverted")) != 0);
        CHECK(!task_find_words(task, "no such set"));
        CHECK(task->templates >= 3);
        task_free(task);
    }
    grammar_free(g);
}

// Writes documents of the shipped grammar as a corpus.
static bool write_corpus(const char *path, const struct grammar *g, size_t documents, struct error *e) {
    struct generator *m = NULL;
    struct generated d;
    struct buffer b = {0};
    bool ok = generator_create(&m, g, GRAMMAR_CORPUS, 3, e);
    for (size_t n = 0; ok && n < documents; n++) {
        ok = generator_document(m, "document", n, &d, e);
        for (size_t i = 0; ok && i < d.count; i++)
            buffer_printf(&b, "%s\n", d.sentence[i].text);
        buffer_add_char(&b, '\n');
    }
    ok = ok && buffer_ok(&b, e) && file_write_atomic(path, b.data, b.length, e);
    buffer_free(&b);
    generator_free(m);
    return ok;
}

TEST(no_task_sentence_is_in_the_corpus) {
    struct error e = {0};
    struct grammar *g = NULL;
    struct corpus *c = NULL;
    struct text_overlap *o = NULL;
    const struct grammar_task *t;
    const struct overlap_task *result;
    const struct overlap_sentence *found;
    char path[600];
    snprintf(path, sizeof path, "%s/corpus.txt", check_folder());
    const char *const paths[] = {path};
    CHECK_OK(load_shipped(&g, &e));
    CHECK_OK(write_corpus(path, g, 20000, &e));
    CHECK_OK(text_overlap_create(&o, &e));
    for (size_t i = 0, n = grammar_tasks(g, &t); i < n; i++) {
        struct task *task = NULL;
        CHECK_OK(task_load(&task, task_folder(t[i].name), NULL, &e));
        CHECK_OK(text_overlap_add_task(o, task, &e));
        task_free(task);
    }
    CHECK_OK(corpus_open(&c, paths, 1, CORPUS_AUTO, &e));
    CHECK_OK(text_overlap_read(o, c, NULL, NULL, &e));
    CHECK_SIZE(text_overlap_tasks(o, &result), 8);
    for (size_t i = 0; i < 8; i++)
        CHECK(result[i].sentences > 200 && result[i].test_sentences > 0);
    if (text_overlap_found(o, &found))
        check_failed(__FILE__, __LINE__, "the corpus has a sentence of a task: %s", found[0].text);
    text_overlap_free(o);
    corpus_close(c);
    grammar_free(g);
}

TEST(overlap_finds_what_is_there) {
    struct error e = {0};
    struct corpus *c = NULL;
    struct text_overlap *o = NULL;
    struct task *task = NULL;
    const struct overlap_task *result;
    const struct overlap_sentence *found;
    char path[600], folder[600], file[700];
    static const char text[] =
        "He said no. the CAT sat  on a mat\n\nThe dog ran away! And so on it went.\n\nThe cat "
        "sat on a mat.\n";
    static const char json[] =
        "{\"name\":\"x\",\"family\":\"single-sentence\",\"files\":{\"train\":\"a.jsonl\",\"test\":"
        "\"b.jsonl\"},\"fields\":{\"text_a\":\"t\"},\"label\":\"l\",\"classes\":[\"0\",\"1\"]}";
    static const char train[] = "{\"t\":\"The cat sat on a mat. It is new here.\",\"l\":\"0\"}\n";
    static const char test[] = "{\"t\":\"The dog ran away. Nobody saw it.\",\"l\":\"1\"}\n";
    snprintf(folder, sizeof folder, "%s/task", check_folder());
    snprintf(path, sizeof path, "%s/small.txt", check_folder());
    CHECK_OK(file_make_folders(folder, &e));
    CHECK_OK(file_write_atomic(path, text, sizeof text - 1, &e));
    snprintf(file, sizeof file, "%s/task.json", folder);
    CHECK_OK(file_write_atomic(file, json, sizeof json - 1, &e));
    snprintf(file, sizeof file, "%s/a.jsonl", folder);
    CHECK_OK(file_write_atomic(file, train, sizeof train - 1, &e));
    snprintf(file, sizeof file, "%s/b.jsonl", folder);
    CHECK_OK(file_write_atomic(file, test, sizeof test - 1, &e));
    const char *const paths[] = {path};
    CHECK_OK(text_overlap_create(&o, &e));
    CHECK_OK(task_load(&task, folder, NULL, &e));
    CHECK_OK(text_overlap_add_task(o, task, &e));
    CHECK_OK(corpus_open(&c, paths, 1, CORPUS_SENTENCES, &e));
    CHECK_OK(text_overlap_read(o, c, NULL, NULL, &e));
    CHECK_SIZE(text_overlap_tasks(o, &result), 1);
    CHECK_SIZE(result->sentences, 4);
    CHECK_SIZE(result->found, 2);
    CHECK_SIZE(result->test_sentences, 2);
    CHECK_SIZE(result->test_found, 1);
    CHECK_SIZE(text_overlap_found(o, &found), 2);
    CHECK_SIZE(found[0].times, 1);
    CHECK_SIZE(found[1].times, 1);
    text_overlap_free(o);
    corpus_close(c);
    task_free(task);
}

TEST(statistics_count) {
    struct error e = {0};
    struct corpus *c = NULL;
    struct text_statistics s;
    char path[600];
    static const char text[] =
        "The cat sat.\nThe cat sat down there.\n\nThe cat sat!\nA well-known dog.\nIt's me.\n";
    snprintf(path, sizeof path, "%s/count.txt", check_folder());
    const char *const paths[] = {path};
    CHECK_OK(file_write_atomic(path, text, sizeof text - 1, &e));
    CHECK_OK(corpus_open(&c, paths, 1, CORPUS_SENTENCES, &e));
    CHECK_OK(text_statistics_make(&s, c, NULL, NULL, &e));
    CHECK_SIZE(s.documents, 2);
    CHECK_SIZE(s.sentences, 5);
    CHECK_SIZE(s.words, 3 + 5 + 3 + 3 + 2);
    CHECK_SIZE(s.distinct, 10); // the cat sat down there a well-known dog it's me
    CHECK_SIZE(s.shortest, 2);
    CHECK_SIZE(s.longest, 3);
    CHECK_NEAR(s.repeated, 0.2, 1e-9);
    CHECK_TEXT(s.word[0].text, "cat");
    CHECK_SIZE(s.word[0].count, 3);
    CHECK_SIZE(s.once, 7);
    text_statistics_free(&s);
    corpus_close(c);
}

TEST(a_task_that_cannot_be_filled_says_why) {
    struct error e = {0};
    struct grammar *g = NULL;
    const struct grammar_task *t;
    struct made_task made = {0};
    static const char text[] =
        "task small: one train 10 test 10 label l classes yes no\nlist n\n  a\n  [held] x\nrule one\n"
        "  @t there is a {n} here. @l (yes|no)\n";
    CHECK_OK(grammar_parse(&g, "g", text, sizeof text - 1, &e));
    CHECK_SIZE(grammar_tasks(g, &t), 1);
    CHECK(!task_make(&made, g, t, 1, &e));
    CHECK_HAS(e.text, "only 1 different examples of 10");
    grammar_free(g);
}
