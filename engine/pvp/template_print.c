// SPDX-License-Identifier: GPL-3.0-or-later
// Printing templates in either form, and the colours of a template being typed.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "post.h"
#include "template.h"
#include "template_words.h"

// ---- printing ----

static void add_quoted(struct buffer *b, const char *text) {
    buffer_add_char(b, '"');
    for (const char *c = text; *c; c++) {
        if (*c == '"' || *c == '\\')
            buffer_printf(b, "\\%c", *c);
        else if (*c == '\n')
            buffer_add_text(b, "\\n");
        else if (*c == '\t')
            buffer_add_text(b, "\\t");
        else if (*c == '\r')
            buffer_add_text(b, "\\r");
        else if ((unsigned char)*c < 0x20 || *c == 0x7f)
            buffer_printf(b, "\\u%04x", (unsigned)*c);
        else
            buffer_add_char(b, *c);
    }
    buffer_add_char(b, '"');
}

static bool default_shortenable(const struct template_part *p) {
    return p->kind == PART_FIELD && !p->meta;
}

// Can the text stand outside braces? It must not lose blanks at its ends or run into the text before it.
static bool is_plain(const struct template_part *p, bool after_plain) {
    return p->kind == PART_TEXT && p->text[0] && !after_plain && !p->shortenable &&
           !template_is_blank(p->text[0]) && !template_is_blank(p->text[strlen(p->text) - 1]);
}

static bool is_simple_name(const char *name) {
    static const char *const taken[] = {"mask", "soft", "options"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (strcmp(name, taken[i]) == 0)
            return false;
    for (const char *c = name; *c; c++)
        if (!isalnum((unsigned char)*c) && (unsigned char)*c < 0x80 && !strchr("_-.", *c))
            return false;
    return isalnum((unsigned char)name[0]) || name[0] == '_' || (unsigned char)name[0] >= 0x80;
}

static void print_short_field(struct buffer *b, const struct template_part *p) {
    if (is_simple_name(p->text)) {
        buffer_add_text(b, p->text);
    } else {
        buffer_add_text(b, "field:");
        add_quoted(b, p->text);
    }
    if (p->meta == template_is_placeholder(p->text))
        buffer_add_text(b, p->meta ? "|meta" : "|placeholder");
    for (size_t i = 0; i < p->posts; i++)
        buffer_printf(b, "|%s", post_name(p->post[i]));
}

static void print_short_soft(struct buffer *b, const struct template_part *p) {
    buffer_add_text(b, "soft");
    if (p->text) {
        buffer_add_char(b, ':');
        add_quoted(b, p->text);
    } else if (p->duplicate > 1) {
        buffer_printf(b, ":%zu", p->duplicate);
    }
    if (p->same)
        buffer_add_text(b, "|same");
    if (p->soft_id)
        buffer_printf(b, "|id=%zu", p->soft_id);
}

static void print_short(struct buffer *b, const struct template_part *p) {
    buffer_add_char(b, '{');
    if (p->kind == PART_FIELD)
        print_short_field(b, p);
    else if (p->kind == PART_SOFT)
        print_short_soft(b, p);
    else if (p->kind == PART_SPECIAL)
        buffer_printf(b, "special:%s", p->text);
    else if (p->kind == PART_TEXT) {
        buffer_add_text(b, "text:");
        add_quoted(b, p->text);
    } else {
        buffer_add_text(b, p->kind == PART_MASK ? "mask" : "options");
    }
    if (p->shortenable != default_shortenable(p))
        buffer_add_text(b, p->shortenable ? "|shortenable" : "|whole");
    buffer_add_char(b, '}');
}

static void add_entry(struct buffer *b, enum template_key key) {
    buffer_printf(b, "\"%s\": ", template_keys[key]);
}

static void print_dictionary(struct buffer *b, const struct template_part *p) {
    static const enum template_key keys[] = {
        [PART_TEXT] = KEY_TEXT, [PART_FIELD] = KEY_PLACEHOLDER, [PART_OPTIONS] = KEY_META,
        [PART_MASK] = KEY_MASK, [PART_SOFT] = KEY_SOFT,         [PART_SPECIAL] = KEY_SPECIAL};
    buffer_add_char(b, '{');
    if (p->kind == PART_MASK) {
        buffer_add_text(b, "\"mask\"");
    } else {
        add_entry(b, p->kind == PART_FIELD && p->meta ? KEY_META : keys[p->kind]);
        if (p->kind == PART_OPTIONS || p->text)
            add_quoted(b, p->kind == PART_OPTIONS ? "options" : p->text);
        else
            buffer_add_text(b, "None");
    }
    if (p->duplicate > 1)
        buffer_printf(b, ", \"duplicate\": %zu", p->duplicate);
    if (p->same)
        buffer_add_text(b, ", \"same\": True");
    if (p->soft_id)
        buffer_printf(b, ", \"soft_id\": %zu", p->soft_id);
    if (p->shortenable != default_shortenable(p))
        buffer_printf(b, ", \"shortenable\": %s", p->shortenable ? "True" : "False");
    if (p->posts) {
        buffer_add_text(b, ", \"post_processing\": ");
        post_print(b, p->post, p->posts);
    }
    buffer_add_char(b, '}');
}

static void print_plain(struct buffer *b, const char *text) {
    for (; *text; text++) {
        if (*text == '{' || *text == '}')
            buffer_add_char(b, *text);
        buffer_add_char(b, *text);
    }
}

char *template_print(const struct template *t, enum template_form form, struct error *e) {
    struct buffer b = {0};
    bool plain = false;
    for (size_t i = 0; i < t->parts; i++) {
        const struct template_part *p = &t->part[i];
        if (p->space_before)
            buffer_add_char(&b, ' ');
        plain = is_plain(p, plain);
        // OpenPrompt has no doubled braces; there such text stands in a dictionary.
        if (plain && form == TEMPLATE_OPENPROMPT && strpbrk(p->text, "{}"))
            plain = false;
        if (plain)
            print_plain(&b, p->text);
        else if (form == TEMPLATE_SHORT)
            print_short(&b, p);
        else
            print_dictionary(&b, p);
    }
    return buffer_take(&b, e);
}

// ---- colours ----

enum { SYNTAX = -1 };

// The length of the piece at text[0] == '{', its closing brace included, or all there is.
static size_t piece_length(const char *text, size_t length) {
    char quote = 0;
    int depth = 0;
    for (size_t i = 0; i < length; i++) {
        if (quote) {
            if (text[i] == '\\')
                i++;
            else if (text[i] == quote)
                quote = 0;
        } else if (text[i] == '"' || text[i] == '\'') {
            quote = text[i];
        } else if (text[i] == '{') {
            depth++;
        } else if (text[i] == '}' && --depth == 0) {
            return i + 1;
        }
    }
    return length;
}

static size_t word_length(const char *text, size_t length) {
    size_t n = 0;
    while (n < length &&
           (isalnum((unsigned char)text[n]) || strchr("_-.", text[n]) || (unsigned char)text[n] >= 0x80))
        n++;
    return n;
}

static bool span_is(const char *text, size_t length, const char *word) {
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

// {NAME, {soft, {special:, ... : the first word tells.
static int short_kind(const char *text, size_t length) {
    size_t n = word_length(text, length);
    bool value = n < length && text[n] == ':';
    if (!n)
        return SYNTAX;
    return span_is(text, n, "mask")               ? PART_MASK
           : span_is(text, n, "soft")             ? PART_SOFT
           : span_is(text, n, "options")          ? PART_OPTIONS
           : value && span_is(text, n, "special") ? PART_SPECIAL
           : value && span_is(text, n, "text")    ? PART_TEXT
                                                  : PART_FIELD;
}

// The first quoted word that is the key of a kind tells.
static int dictionary_kind(const char *text, size_t length) {
    static const struct {
        const char *key;
        int kind;
    } keys[] = {{"placeholder", PART_FIELD}, {"meta", PART_FIELD}, {"mask", PART_MASK},   {"text", PART_TEXT},
                {"special", PART_SPECIAL},   {"soft", PART_SOFT},  {"soft_id", PART_SOFT}};
    int kind = SYNTAX;
    for (size_t i = 0; i < length; i++) {
        if (text[i] != '"' && text[i] != '\'')
            continue;
        const char *word = text + i + 1, *end = memchr(word, text[i], length - i - 1);
        size_t n = end ? (size_t)(end - word) : length - i - 1;
        if (kind != SYNTAX) // behind "meta" or "placeholder": its value
            return span_is(word, n, "options") ? PART_OPTIONS : kind;
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++)
            if (span_is(word, n, keys[k].key))
                kind = keys[k].kind;
        if (kind != SYNTAX && kind != PART_FIELD)
            return kind;
        i += n + 1;
    }
    return kind;
}

static void highlight_piece(const char *text, size_t length, signed char *out) {
    size_t first = 1;
    while (first < length && template_is_blank(text[first]))
        first++;
    bool dictionary = first < length && (text[first] == '"' || text[first] == '\'');
    int kind = (dictionary ? dictionary_kind : short_kind)(text + first, length - first);
    char quote = 0;
    for (size_t i = 0; i < length; i++) {
        bool inside = quote != 0 || word_length(text + i, 1);
        if (quote && text[i] == quote) {
            quote = 0;
            inside = false;
        } else if (!quote && (text[i] == '"' || text[i] == '\'')) {
            quote = text[i];
            inside = false;
        }
        out[i] = (signed char)(inside ? kind : SYNTAX);
        if (quote && text[i] == '\\' && i + 1 < length) {
            out[i + 1] = (signed char)kind;
            i++;
        }
    }
}

void template_highlight(const char *text, size_t length, signed char *out) {
    for (size_t i = 0; i < length;) {
        bool brace = text[i] == '{' || text[i] == '}';
        if (!brace) {
            out[i++] = PART_TEXT;
        } else if (i + 1 < length && text[i + 1] == text[i]) {
            out[i] = out[i + 1] = PART_TEXT;
            i += 2;
        } else if (text[i] == '}') {
            out[i++] = SYNTAX;
        } else {
            size_t n = piece_length(text + i, length - i);
            highlight_piece(text + i, n, out + i);
            i += n;
        }
    }
}
