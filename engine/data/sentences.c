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

// ---- what a full stop may abbreviate ----

enum role {
    NO_ABBREVIATION,
    ALWAYS,     // ends no sentence: "Dr."
    NUMBERED,   // abbreviates where a number follows: "no. 5", "c. 1910", "He said no. Then"
    MAY_END,    // ends a sentence where a word follows that begins many: "J. Smith", "U.S. In", "p.m. They"
    LIKELY_END, // ends a sentence where a capital follows: "etc. Such"
};
static const struct {
    const char *word; // lower-case
    enum role role;
} abbreviations[] = {
    {"mr", ALWAYS},    {"mrs", ALWAYS},    {"ms", ALWAYS},      {"dr", ALWAYS},   {"prof", ALWAYS},
    {"st", ALWAYS},    {"vs", ALWAYS},     {"v", ALWAYS},       {"e.g", ALWAYS},  {"i.e", ALWAYS},
    {"cf", ALWAYS},    {"ca", ALWAYS},     {"fig", ALWAYS},     {"vol", ALWAYS},  {"pp", ALWAYS},
    {"eds", ALWAYS},   {"approx", ALWAYS}, {"gen", ALWAYS},     {"col", ALWAYS},  {"capt", ALWAYS},
    {"lt", ALWAYS},    {"maj", ALWAYS},    {"brig", ALWAYS},    {"adm", ALWAYS},  {"sgt", ALWAYS},
    {"rev", ALWAYS},   {"hon", ALWAYS},    {"gov", ALWAYS},     {"sen", ALWAYS},  {"rep", ALWAYS},
    {"pres", ALWAYS},  {"mt", ALWAYS},     {"ft", ALWAYS},      {"lit", ALWAYS},  {"a.k.a", ALWAYS},
    {"feb", ALWAYS},   {"apr", ALWAYS},    {"jun", ALWAYS},     {"jul", ALWAYS},  {"aug", ALWAYS},
    {"sep", ALWAYS},   {"sept", ALWAYS},   {"oct", ALWAYS},     {"nov", ALWAYS},  {"no", NUMBERED},
    {"mar", NUMBERED}, {"jan", NUMBERED},  {"dec", NUMBERED},   {"co", NUMBERED}, {"al", NUMBERED},
    {"ed", NUMBERED},  {"est", NUMBERED},  {"c", NUMBERED},     {"b", NUMBERED},  {"d", NUMBERED},
    {"p", NUMBERED},   {"r", NUMBERED},    {"inc", MAY_END},    {"ltd", MAY_END}, {"corp", MAY_END},
    {"dept", MAY_END}, {"bros", MAY_END},  {"jr", MAY_END},     {"sr", MAY_END},  {"a.m", MAY_END},
    {"p.m", MAY_END},  {"ph.d", MAY_END},  {"etc", LIKELY_END},
};

static bool is_letter(char c) {
    return is_upper((unsigned char)c) ? (unsigned char)c < 0x80 : c >= 'a' && c <= 'z';
}

// The word in front of `dot`, with full stops inside it: "U.S", "e.g".
static size_t word_before(const struct cursor *t, size_t dot) {
    size_t from = dot;
    while (from > 0 && (is_letter(t->text[from - 1]) ||
                        (t->text[from - 1] == '.' && from < dot && from > 1 && is_letter(t->text[from - 2]))))
        from--;
    return from;
}

static bool same_word(const struct cursor *t, size_t from, size_t to, const char *lower) {
    size_t n = strlen(lower), i = 0;
    while (i < n && from + i < to && (t->text[from + i] | (lower[i] == '.' ? 0 : 0x20)) == lower[i])
        i++;
    return i == n && from + n == to;
}

// `apart`: white space stands in front of the full stop, so that all text may be lower-case.
static enum role role_of(const struct cursor *t, size_t dot, bool apart) {
    size_t from = word_before(t, dot);
    if (from == dot || (from >= 2 && memcmp(t->text + from - 2, "\xc2\xb0", 2) == 0)) // 40 °C.
        return NO_ABBREVIATION;
    if (from + 1 == dot || t->text[dot - 2] == '.') { // a letter alone: an initial, but not "So did I."
        char c = t->text[dot - 1];
        if (c != 'I' && c != 'i' && (apart || is_upper((unsigned char)c)))
            return MAY_END;
    }
    for (size_t i = 0; i < sizeof abbreviations / sizeof *abbreviations; i++)
        if (same_word(t, from, dot, abbreviations[i].word))
            return abbreviations[i].role;
    return NO_ABBREVIATION;
}

// Whether a word begins at `at` that seldom is a name.
static bool begins_many(const struct cursor *t, size_t at) {
    static const char *const words[] = {
        "the",  "this",   "these",   "that",    "those", "there", "they",     "then",    "he",   "she",
        "it",   "its",    "his",     "her",     "their", "we",    "our",      "in",      "on",   "at",
        "as",   "if",     "when",    "while",   "after", "since", "although", "however", "but",  "and",
        "for",  "from",   "by",      "to",      "with",  "some",  "many",     "most",    "such", "both",
        "each", "during", "because", "another", "what",  "how",   "not",      "today",   "thus", "even"};
    size_t to = at;
    while (to < t->length && is_letter(t->text[to]))
        to++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (same_word(t, at, to, words[i]))
            return to == t->length || t->text[to] != '.';
    return false;
}

// Whether the full stop at `dot`, with `next` the first character behind the white space after it, only
// abbreviates.
static bool abbreviates(const struct cursor *t, size_t dot, bool apart, size_t next) {
    size_t behind;
    uint32_t c = character(t, next, &behind);
    switch (role_of(t, dot, apart)) {
    case ALWAYS:
        return true;
    case NUMBERED:
        return is_digit(c) || c == '(';
    case MAY_END:
        return !begins_many(t, next);
    case LIKELY_END:
        return !is_upper(c);
    default:
        return false;
    }
}

// Whether only a number stands between `from` and the full stop: "1. Open the lid."
static bool numbers_an_item(const struct cursor *t, size_t from, size_t dot) {
    size_t at = dot;
    while (at > from && dot - at < 3 && is_digit((unsigned char)t->text[at - 1]))
        at--;
    bool digits = at < dot;
    while (at > from && is_space((unsigned char)t->text[at - 1]))
        at--;
    return digits && at == from;
}

// ---- where a sentence ends ----

// Behind the closing marks at `at`; white space in front of a lone quote is not skipped.
static size_t past_closing(const struct cursor *t, size_t at) {
    size_t next;
    while (closes(character(t, at, &next)))
        at = next;
    return at;
}

// The same where tokens stand apart: `stop . " next`. A quote closes when the sentence opened one; of a very
// long sentence the latest part is looked at.
static size_t past_closing_apart(const struct cursor *t, size_t from, size_t end) {
    enum { LOOK_BACK = 4096 };
    while (end + 1 < t->length && t->text[end] == ' ') {
        char c = t->text[end + 1];
        size_t quotes = 0;
        for (size_t i = end - from > LOOK_BACK ? end - LOOK_BACK : from; c == '"' && i < end; i++)
            quotes += t->text[i] == '"';
        bool alone = end + 2 >= t->length || is_space((unsigned char)t->text[end + 2]);
        if (!alone || !(c == ')' || c == ']' || quotes % 2))
            break;
        end += 2;
    }
    return end;
}

// A run of marks that may end the sentence which begins at `from`.
struct marks {
    size_t from, dot, end; // of the sentence; the first mark; behind the marks and what closes after them
    bool full_stop;        // one alone
    bool chinese;          // one of 。！？
    bool apart;            // white space stands in front
};

// In text of tokens: whether a lower-case letter behind the marks begins a sentence. Behind three dots (". .
// ." too) and behind a bracket one goes on.
static bool starts_low(const struct cursor *t, const struct marks *m) {
    bool dots = t->text[m->dot] == '.' && (!m->full_stop || (m->dot > 1 && t->text[m->dot - 2] == '.'));
    return !dots && t->text[m->end - 1] != ')' && t->text[m->end - 1] != ']';
}

// Whether the sentence can end there: what stands in front and what follows decide.
static bool can_end(const struct cursor *t, const struct marks *m) {
    size_t next, at = m->end;
    uint32_t c = character(t, at, &next);
    if (m->chinese || at >= t->length)
        return true;
    if (m->full_stop && numbers_an_item(t, m->from, m->dot))
        return false;
    if (!is_space(c)) { // Chinese goes on without a space
        size_t before = utf8_boundary(t->text, t->length, m->dot ? m->dot - 1 : 0), unused;
        bool after_digit = m->dot && is_digit((unsigned char)t->text[m->dot - 1]);
        return (c >= 0x2e80 && !(m->full_stop && after_digit)) ||
               (!m->full_stop && character(t, before, &unused) >= 0x2e80);
    }
    while (is_space(c)) {
        at = next;
        c = character(t, at, &next);
    }
    if (c == ',' || c == ';' || c == ':' || ends_english(c) || (closes(c) && c != '"' && c != '\''))
        return false;
    if (is_lower(c) && !(m->apart && starts_low(t, m)))
        return false;
    return !m->full_stop || !abbreviates(t, m->apart ? m->dot - 1 : m->dot, m->apart, at);
}

// The end of the sentence from `from` that an ending character at `at` closes, or 0 when it closes none.
static size_t end_of(const struct cursor *t, size_t from, size_t at) {
    size_t next;
    uint32_t c = character(t, at, &next);
    if (c == '\n' || c == '\r')
        return next;
    struct marks m = {
        .from = from, .dot = at, .end = next, .full_stop = c == '.', .chinese = ends_chinese(c)};
    if (!m.chinese && !ends_english(c))
        return 0;
    for (; c = character(t, m.end, &next), ends_english(c) || ends_chinese(c); m.end = next) {
        m.chinese |= ends_chinese(c);
        m.full_stop = false;
    }
    m.end = past_closing(t, m.end);
    m.apart = at > from && t->text[at - 1] == ' ';
    if (m.apart)
        m.end = past_closing_apart(t, from, m.end);
    return can_end(t, &m) ? m.end : 0;
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
        size_t end = end_of(&t, from, at);
        if (!end)
            continue;
        if (!give(&t, from, end, sink, context))
            return false;
        from = next = end;
    }
    return give(&t, from, length, sink, context);
}
