// SPDX-License-Identifier: GPL-3.0-or-later
// Words and sentences: forms of words, and raw text put in order.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pretrain/grammar_inside.h"

// ---- forms of words ----

static bool is_vowel(char c) {
    return c && strchr("aeiou", tolower((unsigned char)c)) != NULL;
}

static bool ends(const char *w, size_t n, const char *with) {
    size_t k = strlen(with);
    return n > k && memcmp(w + n - k, with, k) == 0;
}

static bool consonant_before(const char *w, size_t n) { // the last letter but one
    return n > 1 && !is_vowel(w[n - 2]);
}

// One vowel, then one consonant, in a word of one syllable: stop, plan, big.
static bool doubles(const char *w, size_t n) {
    if (n < 3 || is_vowel(w[n - 1]) || strchr("wxy", w[n - 1]) || !is_vowel(w[n - 2]) ||
        (is_vowel(w[n - 3]) && !(n > 3 && w[n - 3] == 'u' && w[n - 4] == 'q')))
        return false;
    for (size_t i = 0; i + 3 < n; i++)
        if (is_vowel(w[i]) && !(w[i] == 'u' && i && w[i - 1] == 'q'))
            return false;
    return true;
}

static void regular(enum word_function f, const char *w, size_t n, struct buffer *out) {
    bool y = n > 1 && w[n - 1] == 'y' && consonant_before(w, n), e = n > 1 && w[n - 1] == 'e';
    size_t stem = n;
    const char *add = "";
    switch (f) {
    case FUNCTION_PLURAL:
    case FUNCTION_S:
        add = y ? "ies"
              : ends(w, n, "s") || ends(w, n, "x") || ends(w, n, "z") || ends(w, n, "ch") ||
                      ends(w, n, "sh") || (ends(w, n, "o") && consonant_before(w, n))
                  ? "es"
                  : "s";
        break;
    case FUNCTION_PAST:
        add = y ? "ied" : e ? "d" : "ed";
        break;
    case FUNCTION_ING:
        add = "ing";
        y = false;
        if (ends(w, n, "ie")) {
            buffer_add(out, w, n - 2);
            buffer_add_text(out, "ying");
            return;
        }
        if (e && !ends(w, n, "ee") && !ends(w, n, "oe") && !ends(w, n, "ye"))
            stem = n - 1;
        break;
    case FUNCTION_ER:
        add = y ? "ier" : e ? "r" : "er";
        break;
    case FUNCTION_EST:
        add = y ? "iest" : e ? "st" : "est";
        break;
    default:
        break;
    }
    if (y)
        stem = n - 1;
    buffer_add(out, w, stem);
    if (stem == n && f != FUNCTION_PLURAL && f != FUNCTION_S && doubles(w, n))
        buffer_add_char(out, w[n - 1]);
    buffer_add_text(out, add);
}

static const char *irregular(const struct grammar *g, enum word_function f, const char *w, size_t n) {
    size_t low = 0, high = g->irregulars;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct irregular *i = &g->irregular[middle];
        int order = i->function != f ? (i->function < f ? -1 : 1) : strncmp(i->from, w, n);
        if (order == 0 && i->from[n])
            order = 1;
        if (order == 0)
            return i->to;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool in_word(char c) {
    return isalnum((unsigned char)c) || c == '-' || c == '\'' || (c & 0x80);
}

// The word that a function changes: the first, or for plurals the last.
static void find_word(const char *text, size_t length, bool last, size_t *from, size_t *to) {
    *from = *to = length;
    if (last) {
        while (*to > 0 && !in_word(text[*to - 1]))
            --*to;
        *from = *to;
        while (*from > 0 && in_word(text[*from - 1]))
            --*from;
        return;
    }
    for (*from = 0; *from < length && !in_word(text[*from]);)
        ++*from;
    *to = *from;
    while (*to < length && in_word(text[*to]))
        ++*to;
}

void word_apply(const struct grammar *g, enum word_function f, struct buffer *b, size_t at) {
    if (b->failed || b->length <= at)
        return;
    size_t from, to;
    find_word(b->data + at, b->length - at, f == FUNCTION_PLURAL, &from, &to);
    from += at;
    to += at;
    if (from == to)
        return;
    if (f == FUNCTION_CAP || f == FUNCTION_LOWER) {
        unsigned char c = (unsigned char)b->data[from];
        b->data[from] = (char)(f == FUNCTION_CAP ? toupper(c) : tolower(c));
        return;
    }
    const char *form = irregular(g, f, b->data + from, to - from);
    struct buffer changed = {0};
    buffer_add(&changed, b->data + at, from - at);
    if (form)
        buffer_add_text(&changed, form);
    else
        regular(f, b->data + from, to - from, &changed);
    buffer_add(&changed, b->data + to, b->length - to);
    b->length = at;
    b->data[at] = '\0';
    b->failed = b->failed || changed.failed;
    if (!b->failed)
        buffer_add(b, changed.data, changed.length);
    buffer_free(&changed);
}

// ---- sentences ----

// Whether "an" stands before this word, by its sound as far as its letters show it.
static bool sounds_like_vowel(const char *w) {
    static const char *const no[] = {"uni", "use", "usu", "euro", "one", "once", "ute"};
    static const char *const yes[] = {"unin", "unim", "hour", "honest", "honour", "heir"};
    if (*w == '"')
        w++;
    if (isupper((unsigned char)w[0]) && !in_word(w[1]))
        return strchr("AEFHILMNORSX", w[0]) != NULL;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (strncmp(w, yes[i], strlen(yes[i])) == 0)
            return true;
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        if (strncmp(w, no[i], strlen(no[i])) == 0)
            return false;
    return is_vowel(w[0]) || w[0] == '8' ||
           (w[0] == '1' && (w[1] == '1' || w[1] == '8') && !isdigit((unsigned char)w[2]));
}

// Copies a sentence, each lone "a" or "an" as the next word wants it.
static void add_articles(struct buffer *out, const char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bool starts = i == 0 || !in_word(text[i - 1]);
        size_t n = starts && text[i] == 'a' ? (text[i + 1] == ' '                         ? 1
                                               : text[i + 1] == 'n' && text[i + 2] == ' ' ? 2
                                                                                          : 0)
                                            : 0;
        if (!n || i + n + 1 >= length) {
            buffer_add_char(out, text[i]);
            continue;
        }
        buffer_add_text(out, sounds_like_vowel(text + i + n + 1) ? "an" : "a");
        i += n - 1;
    }
}

struct tidy { // the sentence at hand
    struct buffer text;
    bool held, capital, blank;
    size_t key; // offset of the key's name in the list's text
    bool starts;
};

static void tidy_char(struct tidy *t, char c) {
    if (c == ' ') {
        t->blank = t->text.length > 0;
        return;
    }
    if (t->blank && !strchr(",.?!;:", c))
        buffer_add_char(&t->text, ' ');
    t->blank = false;
    if (t->capital && in_word(c)) {
        c = (char)toupper((unsigned char)c);
        t->capital = false;
    }
    buffer_add_char(&t->text, c);
}

static bool tidy_end(struct tidy *t, struct sentence_list *l, struct error *e) {
    size_t n = t->text.length;
    if (n) {
        char last = t->text.data[n - 1];
        if (!mem_grow(&l->sentence, &l->capacity, l->count + 1, sizeof *l->sentence, e) ||
            !mem_grow(&l->offset, &l->offset_capacity, l->count + 1, sizeof *l->offset, e) ||
            !mem_grow(&l->key_offset, &l->key_capacity, l->count + 1, sizeof *l->key_offset, e))
            return false;
        size_t from = l->text.length;
        add_articles(&l->text, t->text.data, n);
        buffer_add_char(&l->text, '\0');
        if (!buffer_ok(&l->text, e))
            return false;
        if (strchr(".?!\":", last)) {
            char *first = l->text.data + from;
            while (*first && !in_word(*first))
                first++;
            *first = (char)toupper((unsigned char)*first);
        }
        l->offset[l->count] = from;
        l->key_offset[l->count] = t->key;
        l->sentence[l->count++] = (struct generated_sentence){.held = t->held, .starts = t->starts};
        t->starts = false;
    }
    buffer_clear(&t->text);
    t->held = t->capital = t->blank = false;
    return true;
}

bool sentences_make(struct sentence_list *l, const char *raw, size_t length, struct error *e) {
    struct tidy t = {.starts = true};
    bool ok = true;
    l->count = 0;
    buffer_clear(&l->text);
    buffer_add_char(&l->text, '\0'); // the empty key
    for (size_t i = 0; ok && i < length; i++) {
        char c = raw[i];
        if (c == MARK_HELD) {
            t.held = true;
        } else if (c == MARK_CAPITAL) {
            t.capital = true;
        } else if (c == MARK_BREAK || c == MARK_KEY) {
            ok = tidy_end(&t, l, e);
            if (c == MARK_KEY) {
                t.key = l->text.length;
                t.starts = true;
                while (++i < length && raw[i] != MARK_KEY)
                    buffer_add_char(&l->text, raw[i]);
                buffer_add_char(&l->text, '\0');
            }
        } else {
            tidy_char(&t, c);
        }
    }
    ok = ok && tidy_end(&t, l, e) && buffer_ok(&l->text, e);
    for (size_t i = 0; ok && i < l->count; i++) {
        l->sentence[i].text = l->text.data + l->offset[i];
        l->sentence[i].key = l->text.data + l->key_offset[i];
    }
    buffer_free(&t.text);
    return ok;
}

void sentence_list_free(struct sentence_list *l) {
    buffer_free(&l->text);
    free(l->sentence);
    free(l->offset);
    free(l->key_offset);
    *l = (struct sentence_list){0};
}
