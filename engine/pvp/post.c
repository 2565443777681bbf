// SPDX-License-Identifier: GPL-3.0-or-later
// The four operations. A lambda's body is first written compactly (no blanks, the parameter as x, strings in
// double quotes), then taken apart from its end.
#include "post.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

enum { LAMBDA_MOST = 1024 };

static const char *const names[] = {"?", "strip_punctuation", "add_full_stop", "drop_last", "lower_first"};
#define NAMES (sizeof names / sizeof names[0])

const char *post_name(enum post_processing p) {
    return (size_t)p < NAMES ? names[p] : names[0];
}

bool post_find(enum post_processing *out, const char *name, size_t length) {
    for (size_t i = 1; i < NAMES; i++)
        if (strlen(names[i]) == length && memcmp(names[i], name, length) == 0) {
            *out = (enum post_processing)i;
            return true;
        }
    return false;
}

// ---- recognising ----

struct span {
    const char *text;
    size_t length;
};

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

static size_t word_length(const char *text, size_t length) {
    size_t n = 0;
    while (n < length && is_word(text[n]))
        n++;
    return n;
}

static size_t skip_blanks(const char *text, size_t length, size_t at) {
    while (at < length && isspace((unsigned char)text[at]))
        at++;
    return at;
}

// A string literal at text[0], its quotes written as double ones. Returns its length; 0 where it has no end.
static size_t copy_string(const char *text, size_t length, char *out) {
    const char *end = memchr(text + 1, text[0], length - 1);
    if (!end)
        return 0;
    size_t n = (size_t)(end - text) + 1;
    memcpy(out, text, n);
    out[0] = out[n - 1] = '"';
    return n;
}

// The body of the lambda, compact. False where it is no lambda of one parameter.
static bool compact(const char *text, size_t length, char out[LAMBDA_MOST], size_t *out_length) {
    static const char keyword[] = "lambda";
    size_t at = sizeof keyword - 1, n = 0;
    if (length >= LAMBDA_MOST || length < at || memcmp(text, keyword, at) != 0)
        return false;
    at = skip_blanks(text, length, at);
    const char *name = text + at;
    size_t name_length = word_length(name, length - at);
    at = skip_blanks(text, length, at + name_length);
    if (!name_length || at == length || text[at++] != ':')
        return false;
    while ((at = skip_blanks(text, length, at)) < length) {
        char c = text[at];
        size_t word = word_length(text + at, length - at);
        bool member = n && out[n - 1] == '.';
        if (word == name_length && !member && memcmp(text + at, name, word) == 0) {
            out[n++] = 'x';
        } else if (word) {
            if (n && is_word(out[n - 1])) // two words side by side: no expression of ours
                return false;
            memcpy(out + n, text + at, word);
            n += word;
        } else if (c == '"' || c == '\'') {
            if (!(word = copy_string(text + at, length - at, out + n)))
                return false;
            n += word;
        } else {
            out[n++] = c;
            word = 1;
        }
        at += word;
    }
    *out_length = n;
    return true;
}

static bool cut_end(struct span *s, const char *end) {
    size_t n = strlen(end);
    if (s->length < n || memcmp(s->text + s->length - n, end, n) != 0)
        return false;
    s->length -= n;
    return true;
}

static bool same(struct span a, struct span b) {
    return a.length == b.length && memcmp(a.text, b.text, a.length) == 0;
}

// The last + outside brackets; SIZE_MAX where there is none.
static size_t last_plus(struct span s) {
    size_t found = SIZE_MAX;
    int depth = 0;
    for (size_t i = 0; i < s.length; i++) {
        depth += s.text[i] == '(' || s.text[i] == '[';
        depth -= s.text[i] == ')' || s.text[i] == ']';
        if (s.text[i] == '+' && depth == 0)
            found = i;
    }
    return found;
}

// (x) -> x, but not (x)(y).
static bool strip_brackets(struct span *s) {
    if (s->length < 2 || s->text[0] != '(' || s->text[s->length - 1] != ')')
        return false;
    int depth = 0;
    for (size_t i = 0; i < s->length; i++) {
        depth += s->text[i] == '(';
        depth -= s->text[i] == ')';
        if (depth == 0 && i + 1 < s->length)
            return false;
    }
    s->text++;
    s->length -= 2;
    return true;
}

// Takes the outermost operation off; what remains is its operand.
static bool take_operation(struct span *s, enum post_processing *post) {
    size_t plus = last_plus(*s);
    if (plus == SIZE_MAX) {
        *post = cut_end(s, ".rstrip(string.punctuation)") ? POST_STRIP_PUNCTUATION
                : cut_end(s, "[:-1]")                     ? POST_DROP_LAST
                                                          : POST_NONE;
        return *post != POST_NONE;
    }
    struct span left = {s->text, plus}, right = {s->text + plus + 1, s->length - plus - 1};
    if (same(right, (struct span){"\".\"", 3})) {
        *s = left;
        *post = POST_ADD_FULL_STOP;
        return true;
    }
    bool lowered = cut_end(&left, "[:1].lower()") || cut_end(&left, "[0].lower()");
    if (!lowered || !cut_end(&right, "[1:]") || !same(left, right))
        return false;
    *s = left;
    *post = POST_LOWER_FIRST;
    return true;
}

bool post_recognise(const char *lambda, size_t length, enum post_processing *post, size_t *posts) {
    char body[LAMBDA_MOST];
    struct span rest = {body, 0};
    enum post_processing found[TEMPLATE_MOST_POST];
    size_t count = 0;
    if (!compact(lambda, length, body, &rest.length))
        return false;
    for (;;) {
        while (strip_brackets(&rest)) {
        }
        if (rest.length == 1 && rest.text[0] == 'x')
            break;
        if (count == TEMPLATE_MOST_POST || !take_operation(&rest, &found[count]))
            return false;
        count++;
    }
    for (size_t i = 0; i < count; i++)
        post[i] = found[count - 1 - i];
    *posts = count;
    return true;
}

void post_print(struct buffer *b, const enum post_processing *post, size_t posts) {
    struct buffer body = {0}, next = {0};
    bool sum = false; // the body is a sum, which wants brackets before a dot
    buffer_add_text(&body, "x");
    for (size_t i = 0; i < posts; i++) {
        const char *open = sum ? "(" : "", *close = sum ? ")" : "", *x = body.data ? body.data : "";
        buffer_clear(&next);
        if (post[i] == POST_STRIP_PUNCTUATION)
            buffer_printf(&next, "%s%s%s.rstrip(string.punctuation)", open, x, close);
        else if (post[i] == POST_DROP_LAST)
            buffer_printf(&next, "%s%s%s[:-1]", open, x, close);
        else if (post[i] == POST_ADD_FULL_STOP)
            buffer_printf(&next, "%s + \".\"", x);
        else
            buffer_printf(&next, "%s%s%s[:1].lower() + %s%s%s[1:]", open, x, close, open, x, close);
        sum = post[i] == POST_ADD_FULL_STOP || post[i] == POST_LOWER_FIRST;
        struct buffer kept = body;
        body = next;
        next = kept;
    }
    buffer_printf(b, "lambda x: %s", body.data ? body.data : "");
    b->failed |= body.failed || next.failed;
    buffer_free(&body);
    buffer_free(&next);
}

// ---- doing ----

// Simple lower case of the alphabets whose blocks are regular; all else stays as it is.
static uint32_t lower(uint32_t c) {
    if ((c >= 'A' && c <= 'Z') || (c >= 0xc0 && c <= 0xde && c != 0xd7) || (c >= 0x391 && c <= 0x3a9) ||
        (c >= 0x410 && c <= 0x42f))
        return c + 32;
    if (c >= 0x400 && c <= 0x40f)
        return c + 80;
    bool even = (c >= 0x100 && c <= 0x12e) || (c >= 0x132 && c <= 0x136) || (c >= 0x14a && c <= 0x176);
    bool odd = (c >= 0x139 && c <= 0x147) || (c >= 0x179 && c <= 0x17d);
    return (even && c % 2 == 0) || (odd && c % 2 == 1) ? c + 1 : c;
}

static bool lower_first(struct buffer *b, struct error *e) {
    char small[4];
    uint32_t c;
    if (!b->length)
        return true;
    size_t old = utf8_decode(b->data, b->length, &c), new = utf8_encode(lower(c), small);
    struct buffer out = {0};
    buffer_add(&out, small, new);
    buffer_add(&out, b->data + old, b->length - old);
    if (!buffer_ok(&out, e)) {
        buffer_free(&out);
        return false;
    }
    buffer_free(b);
    *b = out;
    return true;
}

static void cut(struct buffer *b, size_t length) {
    b->length = length;
    b->data[length] = 0;
}

char *post_apply(const char *text, const enum post_processing *post, size_t posts, struct error *e) {
    struct buffer b = {0};
    buffer_add_text(&b, text);
    for (size_t i = 0; i < posts && buffer_ok(&b, e); i++) {
        size_t n = b.length;
        switch (post[i]) {
        case POST_STRIP_PUNCTUATION:
            while (n && ispunct((unsigned char)b.data[n - 1]) && (unsigned char)b.data[n - 1] < 0x80)
                n--;
            if (n < b.length)
                cut(&b, n);
            break;
        case POST_ADD_FULL_STOP:
            buffer_add_char(&b, '.');
            break;
        case POST_DROP_LAST:
            if (n)
                cut(&b, utf8_boundary(b.data, n, n - 1));
            break;
        case POST_LOWER_FIRST:
            if (!lower_first(&b, e)) {
                buffer_free(&b);
                return NULL;
            }
            break;
        case POST_NONE:
            break;
        }
    }
    return buffer_take(&b, e);
}
