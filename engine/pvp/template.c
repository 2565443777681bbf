// SPDX-License-Identifier: GPL-3.0-or-later
// Reading templates: literal text, OpenPrompt's dictionaries, and the short form become parts.
//
// A piece between braces is first noted down key by key, whichever form it has (struct draft); one function
// then makes the part and checks that the keys belong together.
#include "template.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "post.h"
#include "template_words.h"

enum { TEMPLATE_MOST_BYTES = 1 << 16, MOST_SOFT_ID = 1000000, NAME_MOST_DISTANCE = 2 };

const char *const template_keys[TEMPLATE_KEYS] = {
    [KEY_PLACEHOLDER] = "placeholder",
    [KEY_META] = "meta",
    [KEY_MASK] = "mask",
    [KEY_TEXT] = "text",
    [KEY_SPECIAL] = "special",
    [KEY_SOFT] = "soft",
    [KEY_DUPLICATE] = "duplicate",
    [KEY_SAME] = "same",
    [KEY_SOFT_ID] = "soft_id",
    [KEY_SHORTENABLE] = "shortenable",
    [KEY_ADD_PREFIX_SPACE] = "add_prefix_space",
    [KEY_POST_PROCESSING] = "post_processing",
};

static const char *const specials[] = {"<eos>", "<bos>", "<sep>", "<cls>", "<pad>"};

bool template_is_placeholder(const char *name) {
    return strcmp(name, "text_a") == 0 || strcmp(name, "text_b") == 0;
}

bool template_is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

struct parser {
    const char *text;
    size_t length, at;
    const char *const *known;
    size_t known_count;
    struct template *out;
    size_t capacity;
    size_t soft_positions;
    size_t error_at;
    struct error *e;
};

enum value_kind { VALUE_NONE, VALUE_BOOL, VALUE_NUMBER, VALUE_STRING, VALUE_LAMBDA };
struct value {
    enum value_kind kind;
    char *text; // a string's, owned; a lambda's as written
    size_t number;
    bool flag;
    size_t begin, end; // in the source
};

struct draft {
    bool given[TEMPLATE_KEYS];
    struct value value[TEMPLATE_KEYS];
    size_t at[TEMPLATE_KEYS]; // where the key stands
    enum post_processing post[TEMPLATE_MOST_POST];
    size_t posts;
    bool options;
    bool space_before;
    size_t begin;
};

static void draft_free(struct draft *d) {
    for (size_t i = 0; i < TEMPLATE_KEYS; i++)
        free(d->value[i].text);
}

// ---- errors ----

static bool fail(struct parser *p, size_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool fail(struct parser *p, size_t at, const char *format, ...) {
    char what[768];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    size_t column = 1, row = 1;
    for (size_t i = 0; i < at; i++)
        if (p->text[i] == '\n')
            row++, column = 1;
        else
            column += ((unsigned char)p->text[i] & 0xc0) != 0x80;
    p->error_at = at;
    if (strchr(p->text, '\n'))
        return error_set(p->e, ERROR_INPUT, "row %zu, column %zu: %s", row, column, what);
    return error_set(p->e, ERROR_INPUT, "column %zu: %s", column, what);
}

static bool out_of_memory(struct parser *p, size_t at) {
    p->error_at = at;
    return error_set(p->e, ERROR_MEMORY, "no memory for the template");
}

// ---- reading values ----

static bool at_end(const struct parser *p) {
    return p->at == p->length;
}

static char here(const struct parser *p) {
    return at_end(p) ? '\0' : p->text[p->at];
}

static void skip_blanks(struct parser *p) {
    while (!at_end(p) && template_is_blank(p->text[p->at]))
        p->at++;
}

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

static size_t word_length(const struct parser *p) {
    size_t n = 0;
    while (p->at + n < p->length && is_word(p->text[p->at + n]))
        n++;
    return n;
}

static bool word_is(const struct parser *p, size_t length, const char *word) {
    return strlen(word) == length && memcmp(p->text + p->at, word, length) == 0;
}

static bool read_hex(struct parser *p, size_t digits, uint32_t *out) {
    *out = 0;
    for (size_t i = 0; i < digits; i++) {
        char c = here(p);
        if (!isxdigit((unsigned char)c))
            return false;
        *out = *out * 16 + (uint32_t)(isdigit((unsigned char)c) ? c - '0' : (c | 32) - 'a' + 10);
        p->at++;
    }
    return true;
}

// Behind a backslash. \uXXXX may be half of a pair, as JSON writes it.
static bool read_escape(struct parser *p, struct buffer *b, size_t at) {
    static const char from[] = "\"'\\/nrtbf", to[] = "\"'\\/\n\r\t\b\f";
    char c = here(p), bytes[4];
    const char *simple = c ? strchr(from, c) : NULL;
    uint32_t code = 0, second = 0;
    p->at += !at_end(p);
    if (simple) {
        buffer_add_char(b, to[simple - from]);
        return true;
    }
    bool ok = (c == 'x' && read_hex(p, 2, &code)) || (c == 'u' && read_hex(p, 4, &code)) ||
              (c == 'U' && read_hex(p, 8, &code));
    if (ok && code >= 0xd800 && code <= 0xdbff && here(p) == '\\' && p->at + 1 < p->length &&
        p->text[p->at + 1] == 'u') {
        p->at += 2;
        ok = read_hex(p, 4, &second) && second >= 0xdc00 && second <= 0xdfff;
        code = 0x10000 + ((code & 0x3ff) << 10) + (second & 0x3ff);
    }
    if (!ok || code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff))
        return fail(p, at, "this escape is unknown; those of JSON can be used, such as \\\" and \\n");
    buffer_add(b, bytes, utf8_encode(code, bytes));
    return true;
}

// A text in single or double quotes; p->at is on the opening one.
static bool read_string(struct parser *p, char **out) {
    struct buffer b = {0};
    size_t begin = p->at;
    char quote = p->text[p->at++];
    bool ok = true;
    while (ok && !at_end(p) && here(p) != quote) {
        size_t at = p->at;
        char c = p->text[p->at++];
        if (c == '\\')
            ok = read_escape(p, &b, at);
        else
            buffer_add_char(&b, c);
    }
    if (ok && at_end(p))
        ok = fail(p, begin, "this quote is never closed");
    p->at += ok;
    if (ok && !(*out = buffer_take(&b, p->e)))
        ok = out_of_memory(p, begin);
    buffer_free(&b);
    return ok;
}

static bool read_number(struct parser *p, size_t *out) {
    size_t begin = p->at;
    *out = 0;
    while (isdigit((unsigned char)here(p)) && *out <= MOST_SOFT_ID)
        *out = *out * 10 + (size_t)(p->text[p->at++] - '0');
    return *out <= MOST_SOFT_ID || fail(p, begin, "this number is too large");
}

// A lambda runs to the comma or brace that ends its entry; brackets and quotes inside it count.
static bool read_lambda(struct parser *p, struct value *v) {
    size_t begin = p->at;
    int depth = 0;
    while (!at_end(p)) {
        char c = here(p);
        if (c == '"' || c == '\'') {
            const char *end = memchr(p->text + p->at + 1, c, p->length - p->at - 1);
            if (!end)
                return fail(p, p->at, "this quote is never closed");
            p->at = (size_t)(end - p->text);
        } else if (depth == 0 && (c == ',' || c == '}')) {
            break;
        }
        depth += c == '(' || c == '[' || c == '{';
        depth -= c == ')' || c == ']' || c == '}';
        p->at++;
    }
    size_t end = p->at;
    while (end > begin && template_is_blank(p->text[end - 1]))
        end--;
    v->kind = VALUE_LAMBDA;
    v->end = end;
    v->text = mem_strndup(p->text + begin, end - begin, p->e);
    return v->text || out_of_memory(p, begin);
}

static bool read_value(struct parser *p, struct value *v) {
    v->begin = p->at;
    char c = here(p);
    size_t word = word_length(p);
    if (c == '"' || c == '\'') {
        v->kind = VALUE_STRING;
        if (!read_string(p, &v->text))
            return false;
    } else if (isdigit((unsigned char)c)) {
        v->kind = VALUE_NUMBER;
        if (!read_number(p, &v->number))
            return false;
    } else if (word_is(p, word, "lambda")) {
        return read_lambda(p, v);
    } else if (word_is(p, word, "None") || word_is(p, word, "null")) {
        p->at += word;
    } else if (word_is(p, word, "True") || word_is(p, word, "true") || word_is(p, word, "False") ||
               word_is(p, word, "false")) {
        v->kind = VALUE_BOOL;
        v->flag = (c | 32) == 't';
        p->at += word;
    } else {
        return fail(p, p->at, "a value is a text in quotes, a whole number, true, false or null");
    }
    v->end = p->at;
    return true;
}

// ---- drafts to parts ----

static bool needs(struct parser *p, const struct draft *d, enum template_key k, enum value_kind kind,
                  const char *what) {
    return !d->given[k] || d->value[k].kind == kind ||
           fail(p, d->value[k].kind == VALUE_NONE ? d->at[k] : d->value[k].begin, "\"%s\" should be %s",
                template_keys[k], what);
}

static bool kind_of(struct parser *p, const struct draft *d, enum part_kind *kind, enum template_key *key) {
    static const enum template_key keys[] = {KEY_PLACEHOLDER, KEY_META,    KEY_MASK,
                                             KEY_TEXT,        KEY_SPECIAL, KEY_SOFT};
    static const enum part_kind kinds[] = {PART_FIELD, PART_FIELD,   PART_MASK,
                                           PART_TEXT,  PART_SPECIAL, PART_SOFT};
    size_t count = 0;
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (!d->given[keys[i]])
            continue;
        if (count++)
            return fail(p, d->at[keys[i]], "\"%s\" and \"%s\" in one piece; write two", template_keys[*key],
                        template_keys[keys[i]]);
        *key = keys[i];
        *kind = kinds[i];
    }
    if (!count && d->given[KEY_SOFT_ID]) { // OpenPrompt's short way to repeat vectors
        *key = KEY_SOFT;
        *kind = PART_SOFT;
        count = 1;
    }
    return count || fail(p, d->begin,
                         "a piece needs one of \"placeholder\", \"meta\", \"mask\", \"text\", \"soft\", "
                         "\"special\"");
}

static bool only_for(struct parser *p, const struct draft *d, enum template_key k, bool fits,
                     const char *whom) {
    return !d->given[k] || fits || fail(p, d->at[k], "\"%s\" belongs to %s", template_keys[k], whom);
}

static bool keys_fit(struct parser *p, const struct draft *d, enum part_kind kind) {
    bool soft = kind == PART_SOFT, field = kind == PART_FIELD;
    if (!only_for(p, d, KEY_DUPLICATE, soft, "\"soft\"") || !only_for(p, d, KEY_SAME, soft, "\"soft\"") ||
        !only_for(p, d, KEY_SOFT_ID, soft, "\"soft\"") ||
        !only_for(p, d, KEY_POST_PROCESSING, field && !d->options, "a field") ||
        !needs(p, d, KEY_DUPLICATE, VALUE_NUMBER, "a whole number") ||
        !needs(p, d, KEY_SAME, VALUE_BOOL, "true or false") ||
        !needs(p, d, KEY_SOFT_ID, VALUE_NUMBER, "a whole number, at least 1") ||
        !needs(p, d, KEY_SHORTENABLE, VALUE_BOOL, "true or false"))
        return false;
    bool can_shorten = field || kind == PART_OPTIONS || kind == PART_TEXT;
    return !d->given[KEY_SHORTENABLE] || !d->value[KEY_SHORTENABLE].flag || can_shorten ||
           fail(p, d->at[KEY_SHORTENABLE], "only fields, options and text can be shortened");
}

static size_t least(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

// Levenshtein's distance, for names of at most 63 bytes; larger ones are never close.
static size_t distance(const char *a, const char *b) {
    size_t n = strlen(a), m = strlen(b), row[64];
    if (n > 63 || m > 63)
        return SIZE_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t corner = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t above = row[j];
            row[j] = least(above + 1, row[j - 1] + 1,
                           corner + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1])));
            corner = above;
        }
    }
    return row[m];
}

static bool field_known(struct parser *p, const char *name, size_t at) {
    struct buffer all = {0};
    const char *close = NULL;
    size_t best = NAME_MOST_DISTANCE + 1;
    if (!p->known)
        return true;
    for (size_t i = 0; i < p->known_count; i++) {
        if (strcmp(p->known[i], name) == 0) {
            buffer_free(&all);
            return true;
        }
        size_t d = distance(name, p->known[i]);
        if (d < best && d < strlen(name)) {
            best = d;
            close = p->known[i];
        }
        buffer_printf(&all, "%s%s", i ? ", " : "", p->known[i]);
    }
    fail(p, at, "there is no field \"%.100s\"%s%s%s; the task has %s", name, close ? " (did you mean \"" : "",
         close ? close : "", close ? "\"?)" : "", all.data ? all.data : "no fields");
    buffer_free(&all);
    return false;
}

static bool make_field(struct parser *p, struct draft *d, enum template_key key, struct template_part *part) {
    struct value *name = &d->value[key];
    if (!needs(p, d, key, VALUE_STRING, "the name of a field, in quotes"))
        return false;
    if (!name->text[0])
        return fail(p, name->begin, "a field without a name");
    part->meta = key == KEY_META;
    part->shortenable = !part->meta;
    if (d->options || strcmp(name->text, "options") == 0) {
        d->options = true;
        part->kind = PART_OPTIONS;
        part->meta = true; // there is one way to say it; only the default for shortening differs
        return true;
    }
    if (!field_known(p, name->text, name->begin))
        return false;
    part->text = name->text;
    name->text = NULL;
    memcpy(part->post, d->post, sizeof part->post);
    part->posts = d->posts;
    return true;
}

static bool make_special(struct parser *p, struct draft *d, struct template_part *part) {
    struct value *name = &d->value[KEY_SPECIAL];
    if (!needs(p, d, KEY_SPECIAL, VALUE_STRING,
               "one of \"<eos>\", \"<bos>\", \"<sep>\", \"<cls>\", \"<pad>\""))
        return false;
    for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
        if (strcmp(name->text, specials[i]) == 0) {
            part->text = name->text;
            name->text = NULL;
            return true;
        }
    return fail(p, name->begin, "there is no special \"%.40s\"; there are <eos>, <bos>, <sep>, <cls>, <pad>",
                name->text);
}

static bool same_text(const char *a, const char *b) {
    return a && b ? strcmp(a, b) == 0 : a == b;
}

// A later use of a soft_id is a copy of the first.
static bool repeat_soft(struct parser *p, const struct draft *d, struct template_part *part) {
    const struct template_part *first = NULL;
    for (size_t i = 0; !first && i < p->out->parts; i++)
        if (p->out->part[i].kind == PART_SOFT && p->out->part[i].soft_id == part->soft_id)
            first = &p->out->part[i];
    if (!first)
        return true;
    bool differs = (part->text && !same_text(part->text, first->text)) ||
                   (d->given[KEY_DUPLICATE] && !part->text && part->duplicate != first->duplicate) ||
                   (d->given[KEY_SAME] && part->same != first->same);
    if (differs)
        return fail(p, d->begin,
                    "soft_id %zu was used before with other settings; repeat them or leave them out",
                    part->soft_id);
    part->duplicate = first->duplicate;
    part->same = first->same;
    if (part->text || !first->text)
        return true;
    return (part->text = mem_strdup(first->text, p->e)) || out_of_memory(p, d->begin);
}

static bool make_soft(struct parser *p, struct draft *d, struct template_part *part) {
    struct value *words = &d->value[KEY_SOFT];
    if (words->kind != VALUE_NONE && words->kind != VALUE_STRING)
        return fail(p, words->begin, "\"soft\" should be null or the words to start from, in quotes");
    if (words->text && words->text[0]) {
        part->text = words->text;
        words->text = NULL;
    }
    part->duplicate = d->given[KEY_DUPLICATE] ? d->value[KEY_DUPLICATE].number : 1;
    if (part->duplicate < 1 || part->duplicate > TEMPLATE_MOST_SOFT)
        return fail(p, d->value[KEY_DUPLICATE].begin, "1 to %d soft vectors can stand here",
                    TEMPLATE_MOST_SOFT);
    if (part->text)
        part->duplicate = 1;
    part->same = part->duplicate > 1 && d->given[KEY_SAME] && d->value[KEY_SAME].flag;
    part->soft_id = d->given[KEY_SOFT_ID] ? d->value[KEY_SOFT_ID].number : 0;
    if (d->given[KEY_SOFT_ID] && part->soft_id < 1)
        return fail(p, d->value[KEY_SOFT_ID].begin, "\"soft_id\" should be at least 1");
    if (part->soft_id && !repeat_soft(p, d, part))
        return false;
    p->soft_positions += part->duplicate;
    return p->soft_positions <= TEMPLATE_MOST_SOFT ||
           fail(p, d->begin, "more than %d soft vectors in one template", TEMPLATE_MOST_SOFT);
}

static bool set_space(struct parser *p, const struct draft *d, struct template_part *part) {
    const struct value *v = &d->value[KEY_ADD_PREFIX_SPACE];
    part->space_before = d->space_before;
    if (!d->given[KEY_ADD_PREFIX_SPACE])
        return true;
    if (v->kind == VALUE_BOOL || v->kind == VALUE_NONE)
        part->space_before = v->flag;
    else if (v->kind == VALUE_STRING && (!v->text[0] || strcmp(v->text, " ") == 0))
        part->space_before = v->text[0] == ' ';
    else
        return fail(p, v->begin, "\"add_prefix_space\" should be \" \" or \"\"");
    return true;
}

// The part, appended to the template; its texts are freed there in any case.
static bool finish_draft(struct parser *p, struct draft *d) {
    enum template_key key = KEY_MASK;
    if (p->out->parts == TEMPLATE_MOST_PARTS)
        return fail(p, d->begin, "more than %d pieces", TEMPLATE_MOST_PARTS);
    if (!mem_grow(&p->out->part, &p->capacity, p->out->parts + 1, sizeof *p->out->part, p->e))
        return out_of_memory(p, d->begin);
    struct template_part *part = &p->out->part[p->out->parts];
    *part = (struct template_part){.duplicate = 1, .begin = d->begin, .end = p->at};
    bool ok = kind_of(p, d, &part->kind, &key);
    if (ok && part->kind == PART_FIELD)
        ok = make_field(p, d, key, part);
    else if (ok && part->kind == PART_SPECIAL)
        ok = make_special(p, d, part);
    else if (ok && part->kind == PART_SOFT)
        ok = make_soft(p, d, part);
    else if (ok && part->kind == PART_MASK && d->value[key].kind != VALUE_NONE)
        ok = fail(p, d->value[key].begin, "\"mask\" has no value");
    else if (ok && part->kind == PART_TEXT && (ok = needs(p, d, key, VALUE_STRING, "a text in quotes"))) {
        part->text = d->value[key].text;
        d->value[key].text = NULL;
    }
    p->out->parts++;
    if (!ok || !keys_fit(p, d, part->kind) || !set_space(p, d, part))
        return false;
    if (d->given[KEY_SHORTENABLE])
        part->shortenable = d->value[KEY_SHORTENABLE].flag;
    return true;
}

// ---- dictionaries ----

static bool find_key(struct parser *p, const char *name, size_t at, enum template_key *key) {
    struct buffer all = {0};
    for (size_t i = 0; i < TEMPLATE_KEYS; i++) {
        if (strcmp(template_keys[i], name) == 0) {
            *key = (enum template_key)i;
            buffer_free(&all);
            return true;
        }
        buffer_printf(&all, "%s%s", i ? ", " : "", template_keys[i]);
    }
    fail(p, at, "\"%.60s\" is no key; there are %s", name, all.data ? all.data : "others");
    buffer_free(&all);
    return false;
}

static bool take_post(struct parser *p, struct draft *d) {
    const struct value *v = &d->value[KEY_POST_PROCESSING];
    if (v->kind == VALUE_NONE)
        return true;
    if (v->kind == VALUE_LAMBDA && post_recognise(v->text, strlen(v->text), d->post, &d->posts))
        return true;
    if (v->kind == VALUE_STRING && post_find(&d->post[0], v->text, strlen(v->text))) {
        d->posts = 1;
        return true;
    }
    return fail(p, v->begin,
                "the operation `%.200s` is not known; these are: strip_punctuation (lambda x: "
                "x.rstrip(string.punctuation)), add_full_stop (x + \".\"), drop_last (x[:-1]), "
                "lower_first (x[:1].lower() + x[1:])",
                v->text ? v->text : "?");
}

static bool read_entry(struct parser *p, struct draft *d) {
    char *name = NULL;
    enum template_key key = KEY_MASK;
    size_t at = p->at;
    if (here(p) != '"' && here(p) != '\'')
        return fail(p, at, "a key in quotes belongs here");
    if (!read_string(p, &name))
        return false;
    bool ok = find_key(p, name, at, &key);
    free(name);
    if (!ok)
        return false;
    if (d->given[key])
        return fail(p, at, "\"%s\" stands twice", template_keys[key]);
    d->given[key] = true;
    d->at[key] = at;
    skip_blanks(p);
    if (here(p) != ':')
        return true;
    p->at++;
    skip_blanks(p);
    if (!read_value(p, &d->value[key]))
        return false;
    if (d->value[key].kind == VALUE_LAMBDA && key != KEY_POST_PROCESSING)
        return fail(p, d->value[key].begin, "a lambda belongs to \"post_processing\"");
    return key != KEY_POST_PROCESSING || take_post(p, d);
}

static bool read_dictionary(struct parser *p, struct draft *d) {
    for (;;) {
        if (!read_entry(p, d))
            return false;
        skip_blanks(p);
        if (here(p) == ',') {
            p->at++;
            skip_blanks(p);
            if (here(p) != '}')
                continue;
        }
        if (at_end(p))
            return fail(p, d->begin, "this brace is never closed");
        if (here(p) != '}')
            return fail(p, p->at, "a comma or } belongs here");
        p->at++;
        return finish_draft(p, d);
    }
}

// ---- the short form ----

static void give(struct draft *d, enum template_key key, size_t at) {
    d->given[key] = true;
    d->at[key] = d->value[key].begin = at;
}

// What was given as one key counts as the other.
static void change_key(struct draft *d, enum template_key from, enum template_key to) {
    if (!d->given[from])
        return;
    d->value[to] = d->value[from];
    d->at[to] = d->at[from];
    d->given[to] = true;
    d->given[from] = false;
    d->value[from] = (struct value){0};
}

static bool give_string(struct parser *p, struct draft *d, enum template_key key, size_t from, size_t to) {
    give(d, key, from);
    d->value[key].kind = VALUE_STRING;
    d->value[key].text = mem_strndup(p->text + from, to - from, p->e);
    return d->value[key].text || out_of_memory(p, from);
}

static void give_flag(struct draft *d, enum template_key key, size_t at, bool flag) {
    give(d, key, at);
    d->value[key].kind = VALUE_BOOL;
    d->value[key].flag = flag;
}

static bool read_quoted(struct parser *p, struct draft *d, enum template_key key) {
    give(d, key, p->at);
    d->value[key].kind = VALUE_STRING;
    if (here(p) != '"' && here(p) != '\'')
        return fail(p, p->at, "a text in quotes belongs here");
    return read_string(p, &d->value[key].text);
}

// Behind "soft:", "special:", "text:" or "field:".
static bool read_short_value(struct parser *p, struct draft *d, enum template_key key) {
    size_t begin = p->at;
    char c = here(p);
    if (key == KEY_SOFT && isdigit((unsigned char)c)) {
        give(d, KEY_DUPLICATE, begin);
        d->value[KEY_DUPLICATE].kind = VALUE_NUMBER;
        return read_number(p, &d->value[KEY_DUPLICATE].number);
    }
    if (key == KEY_SOFT && c != '"' && c != '\'')
        return fail(p, begin, "behind \"soft:\" stands a number or words in quotes");
    if (key != KEY_SPECIAL || c == '"' || c == '\'')
        return read_quoted(p, d, key);
    while (!at_end(p) && !strchr("|} \t\r\n", here(p)))
        p->at++;
    return give_string(p, d, key, begin, p->at);
}

static bool read_short_flag(struct parser *p, struct draft *d) {
    size_t begin = p->at, word = word_length(p);
    bool shorter = word_is(p, word, "shortenable"), whole = word_is(p, word, "whole");
    enum post_processing post;
    if (shorter || whole) {
        give_flag(d, KEY_SHORTENABLE, begin, shorter);
    } else if (word_is(p, word, "same")) {
        give_flag(d, KEY_SAME, begin, true);
    } else if (word_is(p, word, "meta") || word_is(p, word, "placeholder")) {
        bool meta = p->text[begin] == 'm';
        if (!d->given[KEY_META] && !d->given[KEY_PLACEHOLDER])
            return fail(p, begin, "\"%s\" belongs to a field", meta ? "meta" : "placeholder");
        change_key(d, meta ? KEY_PLACEHOLDER : KEY_META, meta ? KEY_META : KEY_PLACEHOLDER);
    } else if (post_find(&post, p->text + begin, word)) {
        if (d->posts == TEMPLATE_MOST_POST)
            return fail(p, begin, "more than %d operations on one field", TEMPLATE_MOST_POST);
        give(d, KEY_POST_PROCESSING, begin);
        d->post[d->posts++] = post;
    } else if (word_is(p, word, "id") && begin + 2 < p->length && p->text[begin + 2] == '=') {
        p->at += 3;
        give(d, KEY_SOFT_ID, begin);
        d->value[KEY_SOFT_ID].kind = VALUE_NUMBER;
        return read_number(p, &d->value[KEY_SOFT_ID].number);
    } else {
        return fail(p, begin,
                    "behind a bar stands strip_punctuation, add_full_stop, drop_last, lower_first, "
                    "shortenable, whole, meta, placeholder, same or id=N");
    }
    p->at = begin + word;
    return true;
}

// The word behind the brace and its value.
static bool read_short_head(struct parser *p, struct draft *d) {
    size_t begin = p->at, word = word_length(p), end = begin + word;
    while (end < p->length && (is_word(p->text[end]) || p->text[end] == '-' || p->text[end] == '.'))
        end++; // names of fields may hold these
    bool mask = word_is(p, word, "mask"), soft = word_is(p, word, "soft");
    if (end == begin)
        return at_end(p) ? fail(p, d->begin, "this brace is never closed")
                         : fail(p, begin,
                                "a field, mask, soft or a key in quotes belongs here; \"{{\" is a brace as "
                                "such");
    bool value = end < p->length && p->text[end] == ':' && end == begin + word;
    enum template_key key = soft                          ? KEY_SOFT
                            : word_is(p, word, "special") ? KEY_SPECIAL
                            : word_is(p, word, "text")    ? KEY_TEXT
                                                          : KEY_META;
    if (value && (key != KEY_META || word_is(p, word, "field"))) {
        give(d, key, begin);
        p->at = end + 1;
        if (!read_short_value(p, d, key))
            return false;
        if (key == KEY_META && template_is_placeholder(d->value[key].text)) // {field:"text_a"}
            change_key(d, KEY_META, KEY_PLACEHOLDER);
        return true;
    }
    if (value)
        return fail(p, end, "only soft, special, text and field take a value behind a colon");
    p->at = end;
    if (end == begin + word && (mask || soft)) {
        give(d, mask ? KEY_MASK : KEY_SOFT, begin);
        return true;
    }
    d->options = end - begin == 7 && memcmp(p->text + begin, "options", 7) == 0;
    if (!give_string(p, d, KEY_META, begin, end))
        return false;
    if (template_is_placeholder(d->value[KEY_META].text))
        change_key(d, KEY_META, KEY_PLACEHOLDER);
    return true;
}

static bool read_short(struct parser *p, struct draft *d) {
    if (!read_short_head(p, d))
        return false;
    for (;;) {
        skip_blanks(p);
        if (at_end(p))
            return fail(p, d->begin, "this brace is never closed");
        char c = p->text[p->at];
        if (c != '|' && c != '}')
            return fail(p, p->at, "} or | belongs here");
        p->at++;
        if (c == '}')
            return finish_draft(p, d);
        skip_blanks(p);
        if (!read_short_flag(p, d))
            return false;
    }
}

// ---- the whole text ----

static bool read_piece(struct parser *p, bool space_before) {
    struct draft d = {.space_before = space_before, .begin = p->at};
    p->at++;
    skip_blanks(p);
    bool ok = here(p) == '"' || here(p) == '\'' ? read_dictionary(p, &d) : read_short(p, &d);
    draft_free(&d);
    return ok;
}

static bool double_brace(const struct parser *p) {
    return p->at + 1 < p->length && p->text[p->at] == p->text[p->at + 1];
}

static bool read_literal(struct parser *p, bool space_before) {
    struct draft d = {.space_before = space_before, .begin = p->at};
    struct buffer b = {0};
    size_t kept = 0, end = p->at; // up to the last that is not blank
    bool ok = true;
    while (ok && !at_end(p)) {
        char c = here(p);
        bool brace = c == '{' || c == '}';
        if (brace && !double_brace(p)) {
            if (c == '{')
                break;
            ok = fail(p, p->at, "this } closes nothing; write }} for a brace as such");
        }
        buffer_add_char(&b, c);
        p->at += brace ? 2 : 1;
        if (!template_is_blank(c)) {
            kept = b.length;
            end = p->at;
        }
    }
    p->at = end; // the blanks behind it are the next piece's business
    give(&d, KEY_TEXT, d.begin);
    d.value[KEY_TEXT].kind = VALUE_STRING;
    if (ok && (b.failed || !(d.value[KEY_TEXT].text = mem_strndup(b.data ? b.data : "", kept, p->e))))
        ok = out_of_memory(p, d.begin);
    ok = ok && finish_draft(p, &d);
    draft_free(&d);
    buffer_free(&b);
    return ok;
}

static bool check_text(struct parser *p) {
    size_t bad;
    if (p->length > TEMPLATE_MOST_BYTES)
        return fail(p, 0, "the template is longer than %d bytes", TEMPLATE_MOST_BYTES);
    return utf8_valid(p->text, p->length, &bad) || fail(p, bad, "this byte is not UTF-8");
}

static bool read_all(struct parser *p) {
    if (!check_text(p))
        return false;
    for (;;) {
        size_t before = p->at;
        skip_blanks(p);
        if (at_end(p))
            break;
        bool space = p->at > before;
        bool piece = here(p) == '{' && !double_brace(p);
        if (!(piece ? read_piece(p, space) : read_literal(p, space)))
            return false;
    }
    for (size_t i = 0; i < p->out->parts; i++)
        if (p->out->part[i].kind == PART_MASK)
            return true;
    return fail(p, p->length, "the template has no {mask}, where the label word goes");
}

bool template_parse(struct template *out, const char *text, const char *const *known_fields,
                    size_t known_count, size_t *error_at, struct error *e) {
    struct parser p = {.text = text,
                       .length = strlen(text),
                       .known = known_fields,
                       .known_count = known_count,
                       .out = out,
                       .e = e};
    memset(out, 0, sizeof *out);
    bool ok = read_all(&p);
    if (!ok) {
        template_free(out);
        if (error_at)
            *error_at = p.error_at;
    }
    return ok;
}

// ---- whole templates ----

void template_free(struct template *t) {
    for (size_t i = 0; i < t->parts; i++)
        free(t->part[i].text);
    free(t->part);
    memset(t, 0, sizeof *t);
}

bool template_copy(struct template *out, const struct template *t, struct error *e) {
    memset(out, 0, sizeof *out);
    if (!(out->part = mem_calloc(t->parts, sizeof *out->part, e)))
        return false;
    for (; out->parts < t->parts; out->parts++) {
        struct template_part *part = &out->part[out->parts];
        *part = t->part[out->parts];
        part->text = NULL;
        const char *text = t->part[out->parts].text;
        if (text && !(part->text = mem_strdup(text, e))) {
            template_free(out);
            return false;
        }
    }
    return true;
}

bool template_without_soft(struct template *out, const struct template *t, struct error *e) {
    size_t kept = 0;
    if (!template_copy(out, t, e))
        return false;
    for (size_t i = 0; i < out->parts; i++) {
        if (out->part[i].kind == PART_SOFT)
            free(out->part[i].text);
        else
            out->part[kept++] = out->part[i];
    }
    out->parts = kept;
    return true;
}

static bool part_equal(const struct template_part *a, const struct template_part *b) {
    if (a->kind != b->kind || !same_text(a->text, b->text) || a->meta != b->meta ||
        a->shortenable != b->shortenable || a->space_before != b->space_before || a->same != b->same ||
        a->duplicate != b->duplicate || a->soft_id != b->soft_id || a->posts != b->posts)
        return false;
    for (size_t i = 0; i < a->posts; i++)
        if (a->post[i] != b->post[i])
            return false;
    return true;
}

bool template_equal(const struct template *a, const struct template *b) {
    if (a->parts != b->parts)
        return false;
    for (size_t i = 0; i < a->parts; i++)
        if (!part_equal(&a->part[i], &b->part[i]))
            return false;
    return true;
}

bool template_has_soft(const struct template *t) {
    for (size_t i = 0; i < t->parts; i++)
        if (t->part[i].kind == PART_SOFT)
            return true;
    return false;
}

static bool has_letter(const char *text) {
    for (; *text; text++)
        if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (*text & 0x80))
            return true;
    return false;
}

bool template_has_words(const struct template *t) {
    for (size_t i = 0; i < t->parts; i++)
        if (t->part[i].kind == PART_TEXT && has_letter(t->part[i].text))
            return true;
    return false;
}
