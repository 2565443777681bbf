// SPDX-License-Identifier: GPL-3.0-or-later
// See cli_text.h. Progress goes to stderr, where that is a terminal.
#include "tui/cli_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/data/text_overlap.h"
#include "engine/data/text_statistics.h"
#include "sessions/paths.h"
#include "sessions/session.h"

enum { MOST_PRINTED = 20 };

struct progress {
    double shown;
    bool terminal;
};

static bool show_progress(void *context, uint64_t documents) {
    struct progress *p = context;
    if (p->terminal && clock_seconds() - p->shown > 0.5) {
        p->shown = clock_seconds();
        fprintf(stderr, "\r%llu documents read", (unsigned long long)documents);
    }
    return true;
}

static struct progress progress_start(void) {
    return (struct progress){.shown = clock_seconds(), .terminal = isatty(STDERR_FILENO)};
}

static void progress_end(const struct progress *p) {
    if (p->terminal)
        fputs("\r\033[K", stderr);
}

static bool print_object(cJSON *take, struct error *e) {
    char *text = take ? json_print(take, false, e) : NULL;
    if (text)
        puts(text);
    free(text);
    cJSON_Delete(take);
    return text != NULL;
}

// ---- statistics ----

static double share(uint64_t part, uint64_t whole) {
    return whole ? (double)part / (double)whole : 0;
}

static bool statistics_json(const struct text_statistics *s, size_t words, struct error *e) {
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "words_by_frequency");
    cJSON_AddNumberToObject(o, "documents", (double)s->documents);
    cJSON_AddNumberToObject(o, "sentences", (double)s->sentences);
    cJSON_AddNumberToObject(o, "words", (double)s->words);
    cJSON_AddNumberToObject(o, "bytes", (double)s->bytes);
    cJSON_AddNumberToObject(o, "distinct_words", (double)s->distinct);
    cJSON_AddNumberToObject(o, "words_once", (double)s->once);
    cJSON_AddNumberToObject(o, "sentences_per_document", share(s->sentences, s->documents));
    cJSON_AddNumberToObject(o, "words_per_sentence", share(s->words, s->sentences));
    cJSON_AddNumberToObject(o, "repeated_sentences", s->repeated);
    cJSON_AddBoolToObject(o, "sampled", s->sampled);
    cJSON_AddNumberToObject(o, "most_times", (double)s->most_times);
    cJSON_AddStringToObject(o, "most_sentence", s->most_text ? s->most_text : "");
    for (size_t i = 0; i < words && i < s->distinct; i++) {
        cJSON *word = cJSON_CreateObject();
        cJSON_AddStringToObject(word, "word", s->word[i].text);
        cJSON_AddNumberToObject(word, "count", (double)s->word[i].count);
        cJSON_AddItemToArray(list, word);
    }
    return print_object(o, e);
}

static uint64_t words_with(const struct text_statistics *s, uint64_t least) {
    uint64_t n = 0;
    while (n < s->distinct && s->word[n].count >= least)
        n++;
    return n;
}

static void statistics_text(const struct text_statistics *s, size_t words) {
    printf("documents           %12llu\n", (unsigned long long)s->documents);
    printf("sentences           %12llu   %.1f a document (%zu to %zu)\n", (unsigned long long)s->sentences,
           share(s->sentences, s->documents), s->shortest, s->longest);
    printf("words               %12llu   %.1f a sentence, %.0f a document\n", (unsigned long long)s->words,
           share(s->words, s->sentences), share(s->words, s->documents));
    printf("bytes               %12llu\n", (unsigned long long)s->bytes);
    printf("different words     %12zu   %llu of them 100 times or more, %llu once\n", s->distinct,
           (unsigned long long)words_with(s, 100), (unsigned long long)s->once);
    printf("repeated sentences  %11.1f%%   of all sentences stood before in the text%s\n", 100 * s->repeated,
           s->sampled ? " (from a sample)" : "");
    if (s->most_text)
        printf("most often          %12llu   %s\n", (unsigned long long)s->most_times, s->most_text);
    for (size_t i = 0; i < words && i < s->distinct; i++)
        printf("%12llu  %s\n", (unsigned long long)s->word[i].count, s->word[i].text);
}

bool text_print_statistics(const char *const *file, size_t files, size_t words, bool json, struct error *e) {
    struct corpus *c = NULL;
    struct text_statistics s = {0};
    struct progress p = progress_start();
    bool ok =
        corpus_open(&c, file, files, CORPUS_AUTO, e) && text_statistics_make(&s, c, show_progress, &p, e);
    progress_end(&p);
    if (ok && json)
        ok = statistics_json(&s, words, e);
    else if (ok)
        statistics_text(&s, words);
    text_statistics_free(&s);
    corpus_close(c);
    return ok;
}

// ---- overlap ----

static bool add_task(struct text_overlap *o, const char *name, struct error *e) {
    char *shipped = file_exists(name) ? NULL : share_folder("tasks", e);
    char *path = shipped ? path_join(shipped, name, e) : mem_strdup(name, e);
    struct task *t = NULL;
    bool ok = path && task_load(&t, path, NULL, e) && text_overlap_add_task(o, t, e);
    task_free(t);
    free(shipped);
    free(path);
    return ok;
}

// Every folder below sessions/tasks that has a task.json.
static bool add_shipped(struct text_overlap *o, struct error *e) {
    struct name_list all = {0};
    char *folder = share_folder("tasks", e);
    bool ok = folder && name_list_read(&all, folder, "task.json", e);
    for (size_t i = 0; ok && i < all.count; i++)
        ok = add_task(o, all.name[i], e);
    name_list_free(&all);
    free(folder);
    return ok;
}

static bool overlap_json(const struct text_overlap *o, struct error *e) {
    const struct overlap_task *t;
    const struct overlap_sentence *s;
    size_t tasks = text_overlap_tasks(o, &t), found = text_overlap_found(o, &s);
    cJSON *root = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(root, "tasks"),
          *sentences = cJSON_AddArrayToObject(root, "found");
    for (size_t i = 0; i < tasks; i++) {
        cJSON *x = cJSON_CreateObject();
        cJSON_AddStringToObject(x, "task", t[i].name);
        cJSON_AddNumberToObject(x, "sentences", (double)t[i].sentences);
        cJSON_AddNumberToObject(x, "found", (double)t[i].found);
        cJSON_AddNumberToObject(x, "test_sentences", (double)t[i].test_sentences);
        cJSON_AddNumberToObject(x, "test_found", (double)t[i].test_found);
        cJSON_AddItemToArray(list, x);
    }
    for (size_t i = 0; i < found; i++) {
        cJSON *x = cJSON_CreateObject();
        cJSON_AddStringToObject(x, "sentence", s[i].text);
        cJSON_AddStringToObject(x, "task", t[s[i].task].name);
        cJSON_AddNumberToObject(x, "times", (double)s[i].times);
        cJSON_AddItemToArray(sentences, x);
    }
    return print_object(root, e);
}

static void overlap_text(const struct text_overlap *o) {
    const struct overlap_task *t;
    const struct overlap_sentence *s;
    size_t tasks = text_overlap_tasks(o, &t), found = text_overlap_found(o, &s), all = 0, hit = 0;
    printf("%-24s %14s %14s %14s\n", "task", "sentences", "in the text", "of them test");
    for (size_t i = 0; i < tasks; i++) {
        printf("%-24s %14zu %14zu %14zu\n", t[i].name, t[i].sentences, t[i].found, t[i].test_found);
        all += t[i].sentences;
        hit += t[i].found;
    }
    printf("%-24s %14zu %14zu\n", "all", all, hit);
    for (size_t i = 0; i < found && i < MOST_PRINTED; i++)
        printf("%8zu times  %s: %s\n", s[i].times, t[s[i].task].name, s[i].text);
    if (found > MOST_PRINTED)
        printf("... and more; --json lists up to 1000\n");
}

bool text_print_overlap(const char *const *file, size_t files, const struct cli_values *tasks, bool json,
                        size_t *found, struct error *e) {
    struct corpus *c = NULL;
    struct text_overlap *o = NULL;
    struct progress p = progress_start();
    const struct overlap_sentence *s;
    bool ok = text_overlap_create(&o, e);
    *found = 0;
    for (size_t i = 0; ok && i < tasks->count; i++)
        ok = add_task(o, tasks->value[i], e);
    if (ok && !tasks->count)
        ok = add_shipped(o, e);
    ok = ok && corpus_open(&c, file, files, CORPUS_AUTO, e) && text_overlap_read(o, c, show_progress, &p, e);
    progress_end(&p);
    if (ok && json)
        ok = overlap_json(o, e);
    else if (ok)
        overlap_text(o);
    if (ok)
        *found = text_overlap_found(o, &s);
    text_overlap_free(o);
    corpus_close(c);
    return ok;
}
