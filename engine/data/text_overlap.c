// SPDX-License-Identifier: GPL-3.0-or-later
// See text_overlap.h.
#include "engine/data/text_overlap.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/data/sentence_table.h"
#include "engine/data/sentences.h"

enum { MOST_SHOWN = 1000, TAG_TEST = 1, TAG_TASK = 1 << 1 }; // a tag is task * 2 + (whether in test)

struct text_overlap {
    struct sentence_table table; // of the tasks' sentences
    struct overlap_task *task;
    size_t tasks, task_capacity;
    struct overlap_sentence *found;
    size_t finds, find_capacity;
    struct sentence_table where; // hash -> position in `found`
    struct error *e;             // of the call at hand
    bool test;
};

bool text_overlap_create(struct text_overlap **out, struct error *e) {
    return (*out = mem_calloc(1, sizeof **out, e)) != NULL;
}

void text_overlap_free(struct text_overlap *o) {
    if (!o)
        return;
    sentence_table_free(&o->table);
    sentence_table_free(&o->where);
    for (size_t i = 0; i < o->tasks; i++)
        free(o->task[i].name);
    for (size_t i = 0; i < o->finds; i++)
        free(o->found[i].text);
    free(o->task);
    free(o->found);
    free(o);
}

// ---- the tasks ----

static bool add_sentence(void *context, const char *text, size_t length) {
    struct text_overlap *o = context;
    struct overlap_task *t = &o->task[o->tasks - 1];
    struct sentence_entry *x;
    size_t words;
    uint64_t hash = sentence_hash(text, length, &words);
    if (words < OVERLAP_LEAST_WORDS)
        return true;
    if (!sentence_table_take(&o->table, hash, &x, o->e))
        return false;
    if (!x->tag) {
        x->tag = (uint64_t)TAG_TASK * o->tasks;
        t->sentences++;
    }
    if (o->test && x->tag / TAG_TASK == o->tasks && !(x->tag & TAG_TEST)) {
        x->tag |= TAG_TEST;
        t->test_sentences++;
    }
    return true;
}

static bool add_examples(struct text_overlap *o, const struct task *t, const struct dataset *d) {
    o->test = d == &t->test;
    for (size_t i = 0; i < d->count; i++) {
        const struct example *x = &d->example[i];
        for (size_t f = 0; f < t->fields; f++)
            if (!sentences_split(x->field[f], strlen(x->field[f]), add_sentence, o))
                return false;
        for (size_t k = 0; x->option && k < x->options; k++)
            if (!sentences_split(x->option[k], strlen(x->option[k]), add_sentence, o))
                return false;
    }
    return true;
}

bool text_overlap_add_task(struct text_overlap *o, const struct task *t, struct error *e) {
    o->e = e;
    if (!mem_grow(&o->task, &o->task_capacity, o->tasks + 1, sizeof *o->task, e))
        return false;
    o->task[o->tasks] = (struct overlap_task){.name = mem_strdup(t->name, e)};
    if (!o->task[o->tasks++].name)
        return false;
    return add_examples(o, t, &t->test) && add_examples(o, t, &t->dev) && add_examples(o, t, &t->train);
}

// ---- the text ----

static bool note_find(struct text_overlap *o, struct sentence_entry *x, const char *text, size_t length) {
    struct overlap_task *t = &o->task[x->tag / TAG_TASK - 1];
    struct sentence_entry *w;
    if (x->count++ == 0) {
        t->found++;
        t->test_found += (x->tag & TAG_TEST) != 0;
        if (o->finds == MOST_SHOWN)
            return true;
        if (!mem_grow(&o->found, &o->find_capacity, o->finds + 1, sizeof *o->found, o->e) ||
            !sentence_table_take(&o->where, x->hash, &w, o->e))
            return false;
        w->tag = o->finds;
        o->found[o->finds] = (struct overlap_sentence){.task = x->tag / TAG_TASK - 1};
        if (!(o->found[o->finds++].text = mem_strndup(text, length, o->e)))
            return false;
    }
    const struct sentence_entry *known = sentence_table_find(&o->where, x->hash);
    if (known)
        o->found[known->tag].times = x->count;
    return true;
}

static bool look_up(void *context, const char *text, size_t length) {
    struct text_overlap *o = context;
    const struct sentence_entry *known = sentence_table_find(&o->table, sentence_hash(text, length, NULL));
    struct sentence_entry *x;
    if (!known)
        return true;
    return sentence_table_take(&o->table, known->hash, &x, o->e) && note_find(o, x, text, length);
}

// A line, and the sentences in it where there are several.
struct pieces {
    struct text_overlap *o;
    size_t whole;
};
static bool look_up_piece(void *context, const char *text, size_t length) {
    const struct pieces *p = context;
    return length == p->whole || look_up(p->o, text, length);
}

static bool look_up_document(struct text_overlap *o, const struct corpus_document *d) {
    for (size_t i = 0; i < d->sentences; i++) {
        struct pieces p = {.o = o};
        const char *text = corpus_sentence(d, i, &p.whole);
        if (!look_up(o, text, p.whole) || !sentences_split(text, p.whole, look_up_piece, &p))
            return false;
    }
    return true;
}

bool text_overlap_read(struct text_overlap *o, const struct corpus *c,
                       bool (*told)(void *context, uint64_t documents), void *context, struct error *e) {
    struct corpus_reader_settings s = corpus_reader_settings_default();
    struct corpus_reader *r = NULL;
    struct corpus_document d;
    uint64_t documents = 0;
    bool there = true;
    s.shuffle = false;
    o->e = e;
    bool ok = corpus_reader_create(&r, c, &s, e);
    while (ok && there) {
        ok = corpus_reader_next_in_epoch(r, &d, &there, e) && (!there || look_up_document(o, &d));
        if (ok && told && ++documents % 8192 == 0 && !told(context, documents))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    corpus_reader_free(r);
    return ok;
}

size_t text_overlap_tasks(const struct text_overlap *o, const struct overlap_task **out) {
    *out = o->task;
    return o->tasks;
}

size_t text_overlap_found(const struct text_overlap *o, const struct overlap_sentence **out) {
    *out = o->found;
    return o->finds;
}
