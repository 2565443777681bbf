// SPDX-License-Identifier: GPL-3.0-or-later
// Reading what stands in an alternative: attributes, text, braces, choices.
#include <assert.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/pretrain/grammar_inside.h"

const char *const word_function_name[FUNCTION_COUNT] = {"plural", "past", "s",   "ing",
                                                        "er",     "est",  "cap", "lower"};

enum { MOST_NESTING = 32, MOST_REPEATS = 64 };

struct body {
    struct grammar *g;
    const struct source_text *s;
    size_t at;
    size_t nesting;
    struct error *e;
};

// ---- releasing ----

static void condition_free(struct condition *c) {
    while (c) {
        struct condition *next = c->next;
        free(c->left.text);
        free(c->right.text);
        free(c);
        c = next;
    }
}

static void node_free(struct node *n) {
    while (n) {
        struct node *next = n->next;
        free(n->text);
        free(n->extra_name);
        if (n->choice)
            choice_free(n->choice);
        free(n->choice);
        node_free(n->child);
        condition_free(n->where);
        free(n);
        n = next;
    }
}

void alternative_free(struct alternative *a) {
    condition_free(a->condition);
    node_free(a->first);
    *a = (struct alternative){0};
}

void choice_free(struct choice *c) {
    for (size_t i = 0; i < c->count; i++)
        alternative_free(&c->alternative[i]);
    free(c->alternative);
    c->alternative = NULL;
    c->count = c->capacity = 0;
}

// ---- letters ----

static char look(const struct body *b) {
    return b->at < b->s->length ? b->s->text[b->at] : '\0';
}

static struct place here(const struct body *b) {
    return b->s->at[b->at < b->s->length ? b->at : b->s->length];
}

#define FAIL(b, ...) grammar_fail((b)->g, here(b), (b)->e, __VA_ARGS__)

static void skip_blanks(struct body *b) {
    while (look(b) == ' ' || look(b) == '\t')
        b->at++;
}

static bool accept(struct body *b, char c) {
    skip_blanks(b);
    if (look(b) != c)
        return false;
    b->at++;
    return true;
}

static bool expect(struct body *b, char c, const char *what) {
    return accept(b, c) ? true : FAIL(b, "'%c' is missing %s", c, what);
}

static bool is_name_char(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

// The length of the name at the cursor, after blanks; 0: none.
static size_t name_length(struct body *b) {
    skip_blanks(b);
    size_t n = 0;
    while (b->at + n < b->s->length && is_name_char(b->s->text[b->at + n]))
        n++;
    return n;
}

static bool accept_word(struct body *b, const char *word) {
    size_t n = name_length(b);
    if (n != strlen(word) || memcmp(b->s->text + b->at, word, n) != 0)
        return false;
    b->at += n;
    return true;
}

static char *read_name(struct body *b, const char *what) {
    size_t n = name_length(b);
    if (!n) {
        FAIL(b, "%s should stand here", what);
        return NULL;
    }
    char *name = mem_strndup(b->s->text + b->at, n, b->e);
    b->at += n;
    return name;
}

// A column's number; a name that is new is remembered, so that the check can tell whether any list has it.
static bool read_column(struct body *b, size_t *column) {
    char *name = read_name(b, "the name of a column");
    if (!name)
        return false;
    *column = grammar_find_name(b->g, name);
    if (*column != GRAMMAR_NONE) {
        free(name);
        return true;
    }
    if (!mem_grow(&b->g->name, &b->g->name_capacity, b->g->names + 1, sizeof(char *), b->e)) {
        free(name);
        return false;
    }
    *column = b->g->names;
    b->g->name[b->g->names++] = name;
    return true;
}

static struct node *make_node(struct body *b, enum node_kind kind) {
    struct node *n = mem_calloc(1, sizeof *n, b->e);
    if (!n)
        return NULL;
    n->kind = kind;
    n->at = here(b);
    n->column = n->target = n->slot = n->extra = GRAMMAR_NONE;
    n->least = n->most = 1;
    return n;
}

static struct node *read_sequence(struct body *b, const char *stops, bool *ok);

// ---- conditions ----

// NAME, NAME.COLUMN, or a word, or "words". Which of them a bare name is, is known only when all is read.
static bool read_term(struct body *b, struct term *t) {
    t->slot = t->column = GRAMMAR_NONE;
    skip_blanks(b);
    t->at = here(b);
    if (accept(b, '"')) {
        size_t from = b->at;
        while (look(b) && look(b) != '"')
            b->at++;
        if (!(t->text = mem_strndup(b->s->text + from, b->at - from, b->e)))
            return false;
        t->slot = GRAMMAR_NONE - 1; // surely a literal
        return expect(b, '"', "after the text");
    }
    if (!(t->text = read_name(b, "a variable or a word to compare with")))
        return false;
    return look(b) == '.' ? (b->at++, read_column(b, &t->column)) : true;
}

static bool read_comparison(struct body *b, enum comparison *how) {
    skip_blanks(b);
    if (accept(b, '=')) {
        *how = COMPARE_EQUAL;
        return true;
    }
    if (look(b) == '!' && b->at + 1 < b->s->length && b->s->text[b->at + 1] == '=') {
        b->at += 2;
        *how = COMPARE_DIFFERENT;
        return true;
    }
    if (accept_word(b, "has")) {
        *how = COMPARE_HAS;
        return true;
    }
    if (accept_word(b, "lacks")) {
        *how = COMPARE_LACKS;
        return true;
    }
    return false;
}

// `where`: a column of the list on the left; otherwise a variable, or "x" or "not x" alone.
static struct condition *read_conditions(struct body *b, bool where) {
    struct condition *first = NULL, **end = &first;
    do {
        struct condition *c = mem_calloc(1, sizeof *c, b->e);
        if (!c)
            goto bad;
        *end = c;
        end = &c->next;
        c->left.slot = c->left.column = c->right.slot = c->right.column = GRAMMAR_NONE;
        bool unbound = !where && accept_word(b, "not");
        skip_blanks(b);
        c->left.at = here(b);
        if (where ? !read_column(b, &c->column) : !read_term(b, &c->left))
            goto bad;
        if (!unbound && read_comparison(b, &c->how)) {
            if (!read_term(b, &c->right))
                goto bad;
        } else if (where) {
            FAIL(b, "=, !=, has or lacks should stand here");
            goto bad;
        } else {
            c->how = unbound ? COMPARE_UNBOUND : COMPARE_BOUND;
        }
    } while (accept_word(b, "and"));
    return first;
bad:
    condition_free(first);
    return NULL;
}

// ---- attributes ----

static bool read_weight(struct body *b, double *weight) {
    char text[32];
    size_t n = 0;
    skip_blanks(b);
    while (n + 1 < sizeof text && (isdigit((unsigned char)look(b)) || look(b) == '.')) {
        text[n++] = look(b);
        b->at++;
    }
    text[n] = '\0';
    *weight = strtod(text, NULL);
    return *weight > 0 && *weight <= 1e6 ? true : FAIL(b, "a weight is a number above 0, up to 1000000");
}

static bool read_number(struct body *b, size_t most, size_t *out) {
    size_t n = 0, digits = 0;
    skip_blanks(b);
    while (isdigit((unsigned char)look(b)) && n <= most) {
        n = 10 * n + (size_t)(look(b) - '0');
        b->at++;
        digits++;
    }
    *out = n;
    return digits && n <= most ? true : FAIL(b, "a number from 0 to %zu should stand here", most);
}

static bool read_attribute(struct body *b, struct alternative *a) {
    skip_blanks(b);
    if (isdigit((unsigned char)look(b)))
        return read_weight(b, &a->weight);
    if (accept_word(b, "held"))
        return a->held = true;
    if (accept_word(b, "corpus"))
        return a->corpus_only = true;
    if (accept_word(b, "else"))
        return a->otherwise = true;
    if (accept_word(b, "once")) {
        a->most = 1;
        return true;
    }
    if (accept_word(b, "most")) {
        if (!read_number(b, 1000, &a->most))
            return false;
        return a->most ? true : FAIL(b, "\"most 0\" would never be used");
    }
    if (accept_word(b, "if")) {
        condition_free(a->condition);
        return (a->condition = read_conditions(b, false)) != NULL;
    }
    return FAIL(b, "an attribute should stand here: a weight, held, corpus, once, most N, if ..., or else "
                   "(a plain bracket is written \\[)");
}

static bool read_attributes(struct body *b, struct alternative *a) {
    a->weight = 1;
    while (accept(b, '[')) {
        do {
            if (!read_attribute(b, a))
                return false;
        } while (accept(b, ','));
        if (!expect(b, ']', "after the attributes"))
            return false;
    }
    return a->held && a->corpus_only ? FAIL(b, "\"held\" and \"corpus\" exclude each other") : true;
}

// ---- braces ----

static bool read_functions(struct body *b, struct node *n) {
    while (accept(b, '|')) {
        size_t f = 0;
        while (f < FUNCTION_COUNT && !accept_word(b, word_function_name[f]))
            f++;
        if (f == FUNCTION_COUNT)
            return FAIL(b, "a function should stand here: plural, past, s, ing, er, est, cap or lower");
        if (n->functions == GRAMMAR_MOST_FUNCTIONS)
            return FAIL(b, "at most %d functions can follow each other", GRAMMAR_MOST_FUNCTIONS);
        n->function[n->functions++] = (enum word_function)f;
    }
    return true;
}

// "two {x} words" within quotes, as a group that is expanded once.
static bool read_quoted(struct body *b, struct node **out) {
    bool ok;
    if (!(*out = make_node(b, NODE_REPEAT)))
        return false;
    (*out)->separator = ' ';
    (*out)->child = read_sequence(b, "\"", &ok);
    return ok && expect(b, '"', "after the text");
}

static bool read_range(struct body *b, size_t most, size_t *least, size_t *greatest) {
    if (!read_number(b, most, least))
        return false;
    *greatest = *least;
    if (accept(b, '-') && !read_number(b, most, greatest))
        return false;
    return *greatest >= *least ? true : FAIL(b, "a range goes from the smaller to the larger number");
}

static bool read_options(struct body *b, struct node *n) {
    struct node **end = &n->child;
    n->source = SOURCE_OPTIONS;
    n->least = n->most = 0;
    for (size_t terms = 0; look(b); terms++) {
        skip_blanks(b);
        if (look(b) == '}' || look(b) == '+')
            break;
        if (terms == GRAMMAR_MOST_OPTIONS)
            return FAIL(b, "there can be %d options", GRAMMAR_MOST_OPTIONS);
        if (accept(b, '"')) {
            if (!read_quoted(b, end))
                return false;
        } else {
            if (!(*end = make_node(b, NODE_NAME)) || !((*end)->text = read_name(b, "an option")))
                return false;
            if (look(b) == '.' && (b->at++, !read_column(b, &(*end)->column)))
                return false;
            if (!read_functions(b, *end))
                return false;
        }
        end = &(*end)->next;
    }
    if (!accept(b, '+'))
        return n->child && n->child->next ? true : FAIL(b, "options need two texts, or \"+ LIST 2-4\"");
    if (!(n->extra_name = read_name(b, "the list that options are drawn from")))
        return false;
    if (look(b) == '.' && (b->at++, !read_column(b, &n->column)))
        return false;
    if (!read_range(b, GRAMMAR_MOST_OPTIONS, &n->least, &n->most))
        return false;
    return accept_word(b, "where") ? (n->where = read_conditions(b, true)) != NULL : true;
}

static bool read_source(struct body *b, struct node *n) {
    if (accept(b, '"')) {
        n->source = SOURCE_TEXT;
        return read_quoted(b, &n->child);
    }
    size_t before = b->at;
    if (accept_word(b, "options")) {
        skip_blanks(b);
        if (look(b) != '}' && look(b) != '.')
            return read_options(b, n);
        b->at = before;
    }
    n->source = SOURCE_NAME;
    if (!(n->text = read_name(b, "a list, a rule, a variable or a quoted text")))
        return false;
    if (look(b) == '.' && (b->at++, !read_column(b, &n->column)))
        return false;
    if (accept_word(b, "where") && !(n->where = read_conditions(b, true)))
        return false;
    return read_functions(b, n);
}

static struct node *read_bind(struct body *b, bool whole_document) {
    struct node *n = make_node(b, NODE_BIND);
    char *name = n ? read_name(b, "the variable's name") : NULL;
    if (!name)
        goto bad;
    n->whole_document = whole_document;
    n->slot = grammar_find_slot(b->g, name);
    if (n->slot == GRAMMAR_NONE) {
        if (!mem_grow(&b->g->slot, &b->g->slot_capacity, b->g->slots + 1, sizeof(struct slot), b->e))
            goto bad;
        n->slot = b->g->slots;
        b->g->slot[b->g->slots++] = (struct slot){.name = name};
        name = NULL;
    }
    free(name);
    name = NULL;
    if (expect(b, '=', "after the variable") && read_source(b, n) && expect(b, '}', "at the end"))
        return n;
bad:
    free(name);
    node_free(n);
    return NULL;
}

// {name / 2-4}
static bool read_repeat(struct body *b, struct node **n) {
    skip_blanks(b);
    char c = look(b);
    if (c != '/' && c != ',' && c != '*')
        return true;
    b->at++;
    struct node *r = make_node(b, NODE_REPEAT);
    if (!r)
        return false;
    r->child = *n;
    r->separator = c == '*' ? ' ' : c;
    *n = r;
    return read_range(b, MOST_REPEATS, &r->least, &r->most);
}

static struct node *read_brace(struct body *b) {
    b->at++;
    if (accept_word(b, "let"))
        return read_bind(b, false);
    if (accept_word(b, "set"))
        return read_bind(b, true);
    struct node *n = make_node(b, NODE_NAME);
    if (!n || !(n->text = read_name(b, "the name of a rule, a list or a variable")))
        goto bad;
    if (look(b) == '.' && (b->at++, !read_column(b, &n->column)))
        goto bad;
    if (accept_word(b, "where") && !(n->where = read_conditions(b, true)))
        goto bad;
    if (read_functions(b, n) && read_repeat(b, &n) && expect(b, '}', "after the name"))
        return n;
bad:
    node_free(n);
    return NULL;
}

// ---- text ----

static bool add_alternative(struct body *b, struct choice *c, struct alternative *a) {
    if (!mem_grow(&c->alternative, &c->capacity, c->count + 1, sizeof *c->alternative, b->e)) {
        alternative_free(a);
        return false;
    }
    a->id = b->g->alternatives++;
    c->alternative[c->count++] = *a;
    return true;
}

static struct node *read_choice(struct body *b) {
    struct node *n = make_node(b, NODE_CHOICE);
    if (!n || !(n->choice = mem_calloc(1, sizeof *n->choice, b->e)))
        goto bad;
    n->choice->at = n->at;
    b->at++;
    do {
        struct alternative a = {.at = here(b)};
        bool ok = true;
        skip_blanks(b);
        if (look(b) == '[')
            ok = read_attributes(b, &a);
        else
            a.weight = 1;
        if (ok)
            a.first = read_sequence(b, "|)", &ok);
        if (!ok) {
            alternative_free(&a);
            goto bad;
        }
        if (!add_alternative(b, n->choice, &a))
            goto bad;
    } while (accept(b, '|'));
    if (expect(b, ')', "at the end of the choice"))
        return n;
bad:
    node_free(n);
    return NULL;
}

// Whether a sign here stands by itself: behind a blank, a brace, or the beginning.
static bool stands_alone(const struct body *b) {
    return b->at == 0 || strchr(" }|(", b->s->text[b->at - 1]) != NULL;
}

static bool is_break(const struct body *b) {
    const struct source_text *s = b->s;
    return look(b) == '/' && stands_alone(b) && (b->at + 1 >= s->length || s->text[b->at + 1] == ' ');
}

static bool is_key(const struct body *b) {
    return look(b) == '@' && stands_alone(b) && b->at + 1 < b->s->length &&
           is_name_char(b->s->text[b->at + 1]);
}

static struct node *read_literal(struct body *b, const char *stops) {
    struct node *n = make_node(b, NODE_TEXT);
    struct buffer text = {0};
    if (!n)
        return NULL;
    for (char c; (c = look(b)) != '\0' && !strchr(stops, c); b->at++) {
        if (strchr("{}(^", c) || is_break(b) || is_key(b))
            break;
        if (c == '\\' && b->at + 1 < b->s->length)
            c = b->s->text[++b->at];
        buffer_add_char(&text, c);
    }
    n->length = text.length;
    if ((n->text = buffer_take(&text, b->e)))
        return n;
    node_free(n);
    return NULL;
}

static struct node *read_key(struct body *b) {
    struct node *n = make_node(b, NODE_KEY);
    b->at++;
    if (n && !(n->text = read_name(b, "a key"))) {
        node_free(n);
        return NULL;
    }
    return n;
}

static struct node *read_sign(struct body *b, enum node_kind kind) {
    struct node *n = make_node(b, kind);
    b->at++;
    return n;
}

static struct node *read_node(struct body *b, const char *stops) {
    char c = look(b);
    if (c == '{')
        return read_brace(b);
    if (c == '(')
        return read_choice(b);
    if (c == '^')
        return read_sign(b, NODE_CAPITAL);
    if (is_break(b))
        return read_sign(b, NODE_BREAK);
    if (is_key(b))
        return read_key(b);
    if (c == '}' || c == '|' || c == ')') {
        FAIL(b, "'%c' has no beginning; a plain one is written \\%c", c, c);
        return NULL;
    }
    return read_literal(b, stops);
}

// Up to one of `stops` or the end.
static struct node *read_sequence(struct body *b, const char *stops, bool *ok) {
    struct node *first = NULL, **end = &first;
    *ok = true;
    if (++b->nesting > MOST_NESTING) {
        *ok = FAIL(b, "more than %d brackets within each other; make a rule of the inner ones", MOST_NESTING);
        return NULL;
    }
    while (look(b) && !strchr(stops, look(b))) {
        size_t before = b->at;
        *end = read_node(b, stops[0] ? stops : "|)");
        if (!*end) {
            *ok = false;
            break;
        }
        assert(b->at > before);
        (void)before;
        end = &(*end)->next;
    }
    b->nesting--;
    return first;
}

bool grammar_read_alternative(struct grammar *g, const struct source_text *s, struct alternative *out,
                              struct error *e) {
    struct body b = {.g = g, .s = s, .e = e};
    bool ok;
    *out = (struct alternative){.at = here(&b)};
    if (read_attributes(&b, out)) {
        skip_blanks(&b);
        out->first = read_sequence(&b, "", &ok);
        if (ok) {
            out->id = g->alternatives++;
            return true;
        }
    }
    alternative_free(out);
    return false;
}

bool grammar_read_row_attributes(struct grammar *g, const struct source_text *s, struct row *out,
                                 size_t *used, struct error *e) {
    struct body b = {.g = g, .s = s, .e = e};
    struct alternative a = {0};
    bool ok = read_attributes(&b, &a);
    if (ok && (a.most || a.corpus_only || a.otherwise || a.condition))
        ok = grammar_fail(g, s->at[0], e, "a row of a list can have a weight and \"held\", nothing else");
    skip_blanks(&b);
    out->weight = a.weight;
    out->held = a.held;
    *used = b.at;
    alternative_free(&a);
    return ok;
}
