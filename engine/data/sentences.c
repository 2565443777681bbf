// SPDX-License-Identifier: GPL-3.0-or-later
// The rules of sentences.h: where an ending mark stands, what is in front of it, what follows.
#include "sentences.h"

#include <stdint.h>
#include <string.h>

#include "engine/base/utf8.h"

static bool is_space(uint32_t c) {
    return c == ' ' || (c >= '\t' && c <= '\r') || c == 0xa0 || c == 0x3000;
}

static bool is_upper(uint32_t c) {
    return (c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7);
}

static bool is_lower(uint32_t c) {
    return (c >= 'a' && c <= 'z') || (c >= 0xdf && c <= 0xff && c != 0xf7);
}

static bool is_digit(uint32_t c) {
    return c >= '0' && c <= '9';
}

static bool ends_english(uint32_t c) {
    return c == '.' || c == '!' || c == '?' || c == 0x2026;
}

static bool ends_chinese(uint32_t c) {
    return c == 0x3002 || c == 0xff01 || c == 0xff1f || c == 0xff61;
}

static bool closes(uint32_t c) {
    return c == '"' || c == '\'' || c == ')' || c == ']' || c == 0x2019 || c == 0x201d || c == 0x300d ||
           c == 0x300f || c == 0xff09 || c == 0x300b;
}

struct cursor {
    const char *text;
    size_t length;
};

// The character at `at` and where the next one begins; 0 at the end.
static uint32_t character(const struct cursor *t, size_t at, size_t *next) {
    uint32_t c = 0;
    *next = at;
    if (at < t->length)
        *next += utf8_decode(t->text + at, t->length - at, &c);
    return c;
}

static const char *const abbreviations[] = {
    "mr",   "mrs", "ms",  "dr",   "prof", "st",  "jr",  "sr",  "vs",   "etc",  "e.g",  "i.e",    "cf",  "fig",
    "no",   "vol", "pp",  "ed",   "eds",  "inc", "ltd", "co",  "corp", "dept", "est",  "approx", "gen", "col",
    "capt", "lt",  "sgt", "rev",  "hon",  "gov", "sen", "rep", "pres", "jan",  "feb",  "mar",    "apr", "jun",
    "jul",  "aug", "sep", "sept", "oct",  "nov", "dec", "al",  "a.m",  "p.m",  "ph.d", "mt"};

// The word in front of the full stop at `dot`: letters and inner full stops.
static bool abbreviates(const struct cursor *t, size_t dot) {
    size_t from = dot;
    while (from > 0 && (((unsigned char)t->text[from - 1] | 0x20) >= 'a' &&
                        ((unsigned char)t->text[from - 1] | 0x20) <= 'z'))
        from--;
    size_t letters = dot - from;
    while (from > 1 && t->text[from - 1] == '.' && ((unsigned char)t->text[from - 2] | 0x20) >= 'a' &&
           ((unsigned char)t->text[from - 2] | 0x20) <= 'z')
        from -= 2;
    size_t length = dot - from;
    if (letters == 1 && is_upper((unsigned char)t->text[dot - 1]) && t->text[dot - 1] != 'I')
        return true;
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++) {
        const char *a = abbreviations[i];
        size_t j = 0;
        while (j < length && a[j] && ((unsigned char)t->text[from + j] | (a[j] == '.' ? 0 : 0x20)) == a[j])
            j++;
        if (j == length && !a[j])
            return true;
    }
    return false;
}

// Words among the abbreviations that also end sentences: "She said no. He left." They abbreviate only where a
// number follows.
static bool wants_number(const struct cursor *t, size_t dot) {
    static const char *const words[] = {"no", "mar", "sat", "jan", "dec", "co", "al", "ed", "est", "rep"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if (dot < n || (dot > n && is_lower((unsigned char)t->text[dot - n - 1] | 0x20)))
            continue;
        size_t j = 0;
        while (j < n && (t->text[dot - n + j] | 0x20) == words[i][j])
            j++;
        if (j == n)
            return true;
    }
    return false;
}

// Behind the closing marks at `at`; white space in front of a lone quote is not skipped.
static size_t past_closing(const struct cursor *t, size_t at) {
    size_t next;
    while (closes(character(t, at, &next)))
        at = next;
    return at;
}

// Whether the sentence can end at `end`, given that an English end stood before it: what follows decides.
static bool begins_after(const struct cursor *t, size_t end, bool full_stop, size_t dot) {
    size_t next;
    uint32_t c = character(t, end, &next);
    if (end >= t->length)
        return true;
    if (!is_space(c))
        return c >= 0x2e80; // Chinese goes on without a space
    while (is_space(c))
        c = character(t, next, &next);
    if (is_lower(c) || closes(c) || c == ',' || c == ';' || c == ':' || ends_english(c))
        return c == '"' || c == '\'';
    if (!full_stop || !abbreviates(t, dot))
        return true;
    return wants_number(t, dot) && !is_digit(c) && c != '(';
}

// The end of the sentence that an ending character at `at` closes, or 0 when it closes none.
static size_t end_of(const struct cursor *t, size_t at) {
    size_t next, dot = at, end = at;
    uint32_t c = character(t, at, &next);
    if (c == '\n' || c == '\r')
        return next;
    bool chinese = ends_chinese(c), single = c == '.';
    if (!chinese && !ends_english(c))
        return 0;
    for (end = next; c = character(t, end, &next), ends_english(c) || ends_chinese(c); end = next) {
        chinese |= ends_chinese(c);
        single = false;
    }
    end = past_closing(t, end);
    return chinese || begins_after(t, end, single, dot) ? end : 0;
}

void sentence_trim(const char **text, size_t *length) {
    struct cursor t = {*text, *length};
    size_t from = 0, last = 0, next;
    while (from < t.length && is_space(character(&t, from, &next)))
        from = next;
    for (size_t at = last = from; at < t.length; at = next)
        if (!is_space(character(&t, at, &next)))
            last = next;
    *text += from;
    *length = last - from;
}

static bool give(const struct cursor *t, size_t from, size_t to, sentence_sink *sink, void *context) {
    const char *text = t->text + from;
    size_t length = to - from;
    sentence_trim(&text, &length);
    return !length || sink(context, text, length);
}

bool sentences_split(const char *text, size_t length, sentence_sink *sink, void *context) {
    struct cursor t = {text, length};
    size_t from = 0;
    for (size_t at = 0, next; at < length; at = next) {
        character(&t, at, &next);
        size_t end = end_of(&t, at);
        if (!end)
            continue;
        if (!give(&t, from, end, sink, context))
            return false;
        from = next = end;
    }
    return give(&t, from, length, sink, context);
}
