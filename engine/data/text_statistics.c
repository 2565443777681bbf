// SPDX-License-Identifier: GPL-3.0-or-later
// See text_statistics.h.
#include "engine/data/text_statistics.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/data/sentence_table.h"

enum { MOST_SENTENCES = 1 << 20, LEAST_SHOWN_WORDS = 4 };

struct counter {
    struct text_statistics *out;
    struct sentence_table sentence, word; // a word's tag is its position in out->word
    size_t word_capacity;
    struct error *e;
};

static bool in_word(const char *text, size_t i, size_t length) {
    unsigned char c = (unsigned char)text[i];
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80)
        return true;
    return (c == '\'' || c == '-') && i > 0 && i + 1 < length && in_word(text, i - 1, i) &&
           in_word(text, i + 1, i + 2);
}

static char *lower(const char *text, size_t length, struct error *e) {
    char *copy = mem_strndup(text, length, e);
    for (size_t i = 0; copy && i < length; i++)
        if (copy[i] >= 'A' && copy[i] <= 'Z')
            copy[i] += 32;
    return copy;
}

static bool count_word(struct counter *k, const char *text, size_t length) {
    struct text_statistics *s = k->out;
    uint64_t hash = sentence_hash(text, length, NULL);
    struct sentence_entry *x;
    s->words++;
    if (s->distinct >= TEXT_MOST_WORDS && !sentence_table_find(&k->word, hash)) {
        s->untold++;
        return true;
    }
    if (!sentence_table_take(&k->word, hash, &x, k->e))
        return false;
    if (x->count++ == 0) {
        if (!mem_grow(&s->word, &k->word_capacity, s->distinct + 1, sizeof *s->word, k->e))
            return false;
        s->word[s->distinct] = (struct text_word){.text = lower(text, length, k->e)};
        if (!s->word[s->distinct].text)
            return false;
        x->tag = s->distinct++;
    }
    s->word[x->tag].count++;
    return true;
}

static bool count_sentence(struct counter *k, const char *text, size_t length) {
    struct text_statistics *s = k->out;
    struct sentence_entry *x;
    size_t words;
    if (!sentence_table_take(&k->sentence, sentence_hash(text, length, &words), &x, k->e))
        return false;
    if (x && ++x->count > s->most_times && x->count > 1 && words >= LEAST_SHOWN_WORDS) {
        s->most_times = x->count;
        free(s->most_text);
        if (!(s->most_text = mem_strndup(text, length, k->e)))
            return false;
    }
    for (size_t i = 0; i < length;) {
        size_t from = i;
        while (i < length && in_word(text, i, length))
            i++;
        if (i > from && !count_word(k, text + from, i - from))
            return false;
        i += i == from;
    }
    return true;
}

static bool count_document(struct counter *k, const struct corpus_document *d) {
    struct text_statistics *s = k->out;
    s->shortest = s->documents++ == 0 || d->sentences < s->shortest ? d->sentences : s->shortest;
    s->longest = d->sentences > s->longest ? d->sentences : s->longest;
    s->sentences += d->sentences;
    s->bytes += d->bytes;
    for (size_t i = 0; i < d->sentences; i++) {
        size_t length;
        const char *text = corpus_sentence(d, i, &length);
        if (!count_sentence(k, text, length))
            return false;
    }
    return true;
}

static int by_count(const void *a, const void *b) {
    const struct text_word *x = a, *y = b;
    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->text, y->text);
}

static void finish(struct counter *k) {
    struct text_statistics *s = k->out;
    uint64_t seen = 0;
    for (size_t i = 0; i < k->sentence.capacity; i++)
        seen += k->sentence.entry[i].count;
    s->repeated = seen ? 1 - (double)k->sentence.used / (double)seen : 0;
    s->sampled = k->sentence.sampled > 0;
    for (size_t i = 0; i < s->distinct; i++)
        s->once += s->word[i].count == 1;
    if (s->distinct)
        qsort(s->word, s->distinct, sizeof *s->word, by_count);
}

bool text_statistics_make(struct text_statistics *out, const struct corpus *c,
                          bool (*told)(void *context, uint64_t documents), void *context, struct error *e) {
    *out = (struct text_statistics){0};
    struct counter k = {.out = out, .sentence.most = MOST_SENTENCES, .e = e};
    struct corpus_reader_settings s = corpus_reader_settings_default();
    struct corpus_reader *r = NULL;
    struct corpus_document d;
    bool there = true;
    s.shuffle = false;
    bool ok = corpus_reader_create(&r, c, &s, e);
    while (ok && there) {
        ok = corpus_reader_next_in_epoch(r, &d, &there, e) && (!there || count_document(&k, &d));
        if (ok && there && told && out->documents % 8192 == 0 && !told(context, out->documents))
            ok = error_set(e, ERROR_CANCELLED, "stopped");
    }
    if (ok)
        finish(&k);
    else
        text_statistics_free(out);
    corpus_reader_free(r);
    sentence_table_free(&k.sentence);
    sentence_table_free(&k.word);
    return ok;
}

void text_statistics_free(struct text_statistics *s) {
    for (size_t i = 0; i < s->distinct; i++)
        free(s->word[i].text);
    free(s->word);
    free(s->most_text);
    *s = (struct text_statistics){0};
}
