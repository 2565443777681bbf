// SPDX-License-Identifier: GPL-3.0-or-later
// Walking a grammar: one document at a time, from its seed and number.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/pretrain/grammar_inside.h"

enum value_kind { VALUE_NONE, VALUE_ROW, VALUE_TEXT, VALUE_OPTIONS };
struct value {
    enum value_kind kind;
    size_t list, row;      // VALUE_ROW
    size_t offset, length; // VALUE_TEXT: in `kept`; VALUE_OPTIONS: offset is the index
};
struct option_set {
    size_t offset[GRAMMAR_MOST_OPTIONS], length[GRAMMAR_MOST_OPTIONS];
    size_t count, right;
};
struct undo {
    size_t slot;
    struct value old;
};
struct use { // of an alternative in the present document
    uint64_t document;
    size_t times;
};

struct generator {
    const struct grammar *g;
    enum grammar_part part;
    uint64_t seed, document; // `document` counts calls, from 1
    struct random random;
    struct buffer raw, kept;
    struct value *value; // [slots]
    struct use *use;     // [alternatives]
    uint64_t *row_used;  // [rows] the document that used it last
    unsigned *row_bound; // [rows] how many variables are bound to it
    size_t *candidate;   // [rows] room for choosing
    struct option_set *option;
    size_t options, option_capacity;
    struct undo *undo;
    size_t undos, undo_capacity;
    size_t depth, steps;
    struct sentence_list sentences;
    struct error *e;
};

#define FAIL(m, at, ...) grammar_fail((m)->g, at, (m)->e, __VA_ARGS__)

static bool expand_nodes(struct generator *m, const struct node *first);
static bool expand_choice(struct generator *m, const struct choice *c, const char *name);

bool generator_create(struct generator **out, const struct grammar *g, enum grammar_part part, uint64_t seed,
                      struct error *e) {
    struct generator *m = mem_calloc(1, sizeof *m, e);
    *out = NULL;
    if (!m)
        return false;
    m->g = g;
    m->part = part;
    m->seed = seed;
    m->value = mem_calloc(g->slots, sizeof *m->value, e);
    m->use = mem_calloc(g->alternatives, sizeof *m->use, e);
    m->row_used = mem_calloc(g->rows, sizeof *m->row_used, e);
    m->row_bound = mem_calloc(g->rows, sizeof *m->row_bound, e);
    m->candidate = mem_calloc(g->rows, sizeof *m->candidate, e);
    if (m->value && m->use && m->row_used && m->row_bound && m->candidate) {
        *out = m;
        return true;
    }
    generator_free(m);
    return false;
}

void generator_free(struct generator *m) {
    if (!m)
        return;
    buffer_free(&m->raw);
    buffer_free(&m->kept);
    sentence_list_free(&m->sentences);
    free(m->value);
    free(m->use);
    free(m->row_used);
    free(m->row_bound);
    free(m->candidate);
    free(m->option);
    free(m->undo);
    free(m);
}

// ---- variables ----

static const struct row *row_of(const struct generator *m, const struct value *v) {
    return &m->g->list[v->list].row[v->row];
}

static void assign(struct generator *m, size_t slot, struct value v) {
    struct value *old = &m->value[slot];
    if (old->kind == VALUE_ROW)
        m->row_bound[row_of(m, old)->id]--;
    if (v.kind == VALUE_ROW)
        m->row_bound[row_of(m, &v)->id]++;
    *old = v;
}

static bool remember(struct generator *m, size_t slot) {
    if (!mem_grow(&m->undo, &m->undo_capacity, m->undos + 1, sizeof *m->undo, m->e))
        return false;
    m->undo[m->undos++] = (struct undo){slot, m->value[slot]};
    return true;
}

static void undo_to(struct generator *m, size_t mark) {
    while (m->undos > mark) {
        m->undos--;
        assign(m, m->undo[m->undos].slot, m->undo[m->undos].old);
    }
}

// What was written since `from` becomes a kept text and leaves the raw one.
static struct value keep_text(struct generator *m, size_t from) {
    struct value v = {.kind = VALUE_TEXT, .offset = m->kept.length, .length = m->raw.length - from};
    if (m->raw.failed)
        return v;
    buffer_add(&m->kept, m->raw.data ? m->raw.data + from : "", v.length);
    if (m->raw.data) {
        m->raw.length = from;
        m->raw.data[from] = '\0';
    }
    return v;
}

static void add_kept(struct generator *m, size_t offset, size_t length) {
    if (!m->kept.failed && length)
        buffer_add(&m->raw, m->kept.data + offset, length);
}

static void add_cell(struct generator *m, const struct row *r, size_t column) {
    if (r->own >> column & 1)
        buffer_add_char(&m->raw, MARK_HELD);
    buffer_add_text(&m->raw, r->cell[column]);
}

static void add_option(struct generator *m, const struct option_set *o, size_t i) {
    add_kept(m, o->offset[i], o->length[i]);
}

static void add_options(struct generator *m, const struct option_set *o, bool letters) {
    for (size_t i = 0; i < o->count; i++) {
        if (letters)
            buffer_printf(&m->raw, "%s%c. ", i ? " " : "", (char)('A' + (int)i));
        else if (i)
            buffer_add_text(&m->raw, i + 1 == o->count ? " or " : ", ");
        add_option(m, o, i);
    }
}

static bool add_option_column(struct generator *m, const struct option_set *o, size_t column,
                              struct place at) {
    size_t wrong = o->right == 0 ? 1 : 0;
    if (column == OPTION_ALL || column == OPTION_LIST)
        add_options(m, o, column == OPTION_ALL);
    else if (column == OPTION_LETTER || column == OPTION_WRONG_LETTER)
        buffer_add_char(&m->raw, (char)('A' + (int)(column == OPTION_LETTER ? o->right : wrong)));
    else if (column == OPTION_RIGHT || column == OPTION_WRONG)
        add_option(m, o, column == OPTION_RIGHT ? o->right : wrong);
    else if (column == OPTION_NUMBER)
        buffer_printf(&m->raw, "%zu", o->count);
    else if (column - OPTION_TEXT < o->count)
        add_option(m, o, column - OPTION_TEXT);
    else
        return FAIL(m, at, "these options are %zu; there is no number %zu", o->count,
                    column - OPTION_TEXT + 1);
    return true;
}

static bool add_variable(struct generator *m, size_t slot, size_t column, struct place at) {
    const struct value *v = &m->value[slot];
    if (v->kind == VALUE_NONE)
        return FAIL(m, at, "the variable \"%s\" is not bound here; bind it before with {let %s = ...}",
                    m->g->slot[slot].name, m->g->slot[slot].name);
    if (v->kind == VALUE_TEXT)
        add_kept(m, v->offset, v->length);
    else if (v->kind == VALUE_OPTIONS)
        return add_option_column(m, &m->option[v->offset], column, at);
    else
        add_cell(m, row_of(m, v),
                 column == GRAMMAR_NONE ? 0 : list_find_column(&m->g->list[v->list], column));
    return true;
}

// ---- conditions ----

struct span {
    const char *text;
    size_t length;
};

static bool term_text(struct generator *m, const struct term *t, struct span *out) {
    if (t->slot == GRAMMAR_NONE) {
        *out = (struct span){t->text, strlen(t->text)};
        return true;
    }
    const struct value *v = &m->value[t->slot];
    if (v->kind == VALUE_NONE)
        return FAIL(m, t->at, "the variable \"%s\" is not bound here", m->g->slot[t->slot].name);
    if (v->kind == VALUE_OPTIONS)
        return FAIL(m, t->at, "options cannot be compared");
    if (v->kind == VALUE_TEXT) {
        *out = (struct span){m->kept.data ? m->kept.data + v->offset : "", v->length};
        return true;
    }
    size_t column = t->column == GRAMMAR_NONE ? 0 : list_find_column(&m->g->list[v->list], t->column);
    const char *cell = row_of(m, v)->cell[column];
    *out = (struct span){cell, strlen(cell)};
    return true;
}

// Marks do not count.
static bool same_text(struct span a, struct span b) {
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.length && (unsigned char)a.text[i] < 8)
            i++;
        while (j < b.length && (unsigned char)b.text[j] < 8)
            j++;
        if (i == a.length || j == b.length)
            return i == a.length && j == b.length;
        if (a.text[i++] != b.text[j++])
            return false;
    }
}

static bool has_word(struct span cell, struct span word) {
    for (size_t i = 0; i <= cell.length;) {
        size_t from = i;
        while (i < cell.length && cell.text[i] != ' ')
            i++;
        if (same_text((struct span){cell.text + from, i - from}, word))
            return true;
        i++;
    }
    return false;
}

static bool compare(enum comparison how, struct span left, struct span right) {
    switch (how) {
    case COMPARE_EQUAL:
        return same_text(left, right);
    case COMPARE_DIFFERENT:
        return !same_text(left, right);
    case COMPARE_HAS:
        return has_word(left, right);
    default:
        return !has_word(left, right);
    }
}

// *holds: whether all are true. False only on an error.
static bool conditions_hold(struct generator *m, const struct condition *c, bool *holds) {
    *holds = true;
    for (; c && *holds; c = c->next) {
        if (c->how == COMPARE_BOUND || c->how == COMPARE_UNBOUND) {
            *holds = (m->value[c->left.slot].kind != VALUE_NONE) == (c->how == COMPARE_BOUND);
            continue;
        }
        struct span left, right;
        if (!term_text(m, &c->left, &left) || !term_text(m, &c->right, &right))
            return false;
        *holds = compare(c->how, left, right);
    }
    return true;
}

static bool row_fits(struct generator *m, const struct row *r, const struct condition *c, bool *fits) {
    *fits = true;
    for (; c && *fits; c = c->next) {
        struct span right, left = {r->cell[c->column], strlen(r->cell[c->column])};
        if (!term_text(m, &c->right, &right))
            return false;
        *fits = compare(c->how, left, right);
    }
    return true;
}

// ---- drawing rows ----

// Rows that fit and are visible, in m->candidate. Held ones alone where the part is tasks and there are some.
static bool find_rows(struct generator *m, const struct list *l, const struct condition *where, size_t *count,
                      struct place at) {
    bool held = false;
    *count = 0;
    for (size_t i = 0; i < l->rows; i++) {
        const struct row *r = &l->row[i];
        bool fits = true;
        if ((r->held && m->part == GRAMMAR_CORPUS) || (held && !r->held))
            continue;
        if (where && !row_fits(m, r, where, &fits))
            return false;
        if (!fits)
            continue;
        if (r->held && !held) {
            held = true;
            *count = 0;
        }
        m->candidate[(*count)++] = i;
    }
    return *count ? true : FAIL(m, at, "no row of the list \"%s\" fits here", l->name);
}

static size_t pick_weighted(struct generator *m, const struct list *l, size_t count) {
    double total = 0;
    for (size_t i = 0; i < count; i++)
        total += l->row[m->candidate[i]].weight;
    double at = random_uniform(&m->random) * total;
    for (size_t i = 0; i + 1 < count; i++)
        if ((at -= l->row[m->candidate[i]].weight) < 0)
            return m->candidate[i];
    return m->candidate[count - 1];
}

// Leaves those that pass the test, if any do.
static size_t prefer(struct generator *m, const struct list *l, size_t count, bool bound) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        const struct row *r = &l->row[m->candidate[i]];
        bool good = bound ? m->row_bound[r->id] == 0 : m->row_used[r->id] != m->document;
        if (!good)
            continue;
        size_t swapped = m->candidate[kept];
        m->candidate[kept++] = m->candidate[i];
        m->candidate[i] = swapped;
    }
    return kept ? kept : count;
}

static bool draw_row(struct generator *m, size_t list, const struct condition *where, bool bind,
                     struct place at, size_t *row) {
    const struct list *l = &m->g->list[list];
    size_t count;
    if (!find_rows(m, l, where, &count, at))
        return false;
    count = prefer(m, l, count, true);
    if (bind && m->row_bound[l->row[m->candidate[0]].id])
        return FAIL(m, at, "all rows of the list \"%s\" that fit here are bound to other variables", l->name);
    count = prefer(m, l, count, false);
    *row = l->weighted ? pick_weighted(m, l, count) : m->candidate[random_below(&m->random, count)];
    m->row_used[l->row[*row].id] = m->document;
    return true;
}

// ---- options ----

static bool option_is_new(const struct generator *m, const struct option_set *o, size_t offset,
                          size_t length) {
    const char *kept = m->kept.data ? m->kept.data : "";
    for (size_t i = 0; i < o->count; i++)
        if (same_text((struct span){kept + o->offset[i], o->length[i]}, (struct span){kept + offset, length}))
            return false;
    return true;
}

static bool draw_options(struct generator *m, const struct node *n, struct option_set *o) {
    const struct list *l = &m->g->list[n->extra];
    size_t wanted = n->least + random_below(&m->random, n->most - n->least + 1), count;
    if (!find_rows(m, l, n->where, &count, n->at))
        return false;
    while (wanted && count) {
        size_t i = random_below(&m->random, count), row = m->candidate[i], from = m->raw.length;
        m->candidate[i] = m->candidate[--count];
        add_cell(m, &l->row[row], n->column);
        struct value v = keep_text(m, from);
        if (!option_is_new(m, o, v.offset, v.length))
            continue;
        if (o->count == GRAMMAR_MOST_OPTIONS)
            return FAIL(m, n->at, "more than %d options", GRAMMAR_MOST_OPTIONS);
        o->offset[o->count] = v.offset;
        o->length[o->count++] = v.length;
        wanted--;
    }
    return wanted ? FAIL(m, n->at, "the list \"%s\" has too few rows for so many options", l->name) : true;
}

static bool make_options(struct generator *m, const struct node *n, struct value *out) {
    struct option_set o = {0};
    for (struct node *term = n->child; term; term = term->next) {
        struct node alone = *term; // a term's `next` is the next option, not the next text
        alone.next = NULL;
        size_t from = m->raw.length;
        if (!expand_nodes(m, &alone))
            return false;
        struct value v = keep_text(m, from);
        if (!option_is_new(m, &o, v.offset, v.length))
            return FAIL(m, term->at, "two options are the same text; draw them so that they differ");
        o.offset[o.count] = v.offset;
        o.length[o.count++] = v.length;
    }
    if (n->extra != GRAMMAR_NONE && !draw_options(m, n, &o))
        return false;
    if (o.count < 2)
        return FAIL(m, n->at, "a choice needs at least two options");
    for (size_t i = o.count - 1; i > 0; i--) {
        size_t j = random_below(&m->random, i + 1), offset = o.offset[i], length = o.length[i];
        o.offset[i] = o.offset[j];
        o.length[i] = o.length[j];
        o.offset[j] = offset;
        o.length[j] = length;
        o.right = o.right == i ? j : o.right == j ? i : o.right;
    }
    if (!mem_grow(&m->option, &m->option_capacity, m->options + 1, sizeof o, m->e))
        return false;
    *out = (struct value){.kind = VALUE_OPTIONS, .offset = m->options};
    m->option[m->options++] = o;
    return true;
}

// ---- nodes ----

static void apply_functions(struct generator *m, const struct node *n, size_t from) {
    for (size_t i = 0; i < n->functions; i++)
        word_apply(m->g, n->function[i], &m->raw, from);
}

static bool bind_source(struct generator *m, const struct node *n, struct value *v) {
    size_t from = m->raw.length, row;
    switch (n->source) {
    case SOURCE_OPTIONS:
        return make_options(m, n, v);
    case SOURCE_LIST:
        if (!draw_row(m, n->target, n->where, true, n->at, &row))
            return false;
        *v = (struct value){.kind = VALUE_ROW, .list = n->target, .row = row};
        if (!n->column && !n->functions)
            return true;
        add_cell(m, row_of(m, v), n->column);
        break;
    case SOURCE_VARIABLE:
        if (n->column == GRAMMAR_NONE && !n->functions && m->value[n->target].kind != VALUE_NONE) {
            *v = m->value[n->target];
            return true;
        }
        if (!add_variable(m, n->target, n->column, n->at))
            return false;
        break;
    case SOURCE_RULE:
        if (!expand_choice(m, &m->g->rule[n->target].choice, m->g->rule[n->target].name))
            return false;
        break;
    default:
        if (!expand_nodes(m, n->child))
            return false;
        break;
    }
    apply_functions(m, n, from);
    *v = keep_text(m, from);
    return true;
}

static bool expand_bind(struct generator *m, const struct node *n) {
    struct value v = {0};
    // The old row is free for drawing again.
    if (!bind_source(m, n, &v) || (!n->whole_document && !remember(m, n->slot)))
        return false;
    assign(m, n->slot, v);
    return true;
}

static bool expand_repeat(struct generator *m, const struct node *n) {
    size_t times = n->least + random_below(&m->random, n->most - n->least + 1);
    bool some = false;
    for (size_t i = 0; i < times; i++) {
        size_t mark = m->raw.length;
        if (some)
            buffer_add_text(&m->raw, n->separator == '/' ? "\001" : n->separator == ',' ? ", " : " ");
        size_t from = m->raw.length;
        if (!expand_nodes(m, n->child))
            return false;
        if (m->raw.length > from) {
            some = true;
        } else if (m->raw.data) {
            m->raw.length = mark;
            m->raw.data[mark] = '\0';
        }
    }
    return true;
}

static bool expand_list(struct generator *m, const struct node *n) {
    size_t row;
    if (!draw_row(m, n->target, n->where, false, n->at, &row))
        return false;
    add_cell(m, &m->g->list[n->target].row[row], n->column);
    return true;
}

static bool expand_node(struct generator *m, const struct node *n) {
    switch (n->kind) {
    case NODE_TEXT:
        buffer_add(&m->raw, n->text, n->length);
        return true;
    case NODE_BREAK:
        buffer_add_char(&m->raw, MARK_BREAK);
        return true;
    case NODE_CAPITAL:
        buffer_add_char(&m->raw, MARK_CAPITAL);
        return true;
    case NODE_KEY:
        buffer_printf(&m->raw, "%c%s%c", MARK_KEY, n->text, MARK_KEY);
        return true;
    case NODE_RULE:
        return expand_choice(m, &m->g->rule[n->target].choice, m->g->rule[n->target].name);
    case NODE_LIST:
        return expand_list(m, n);
    case NODE_VARIABLE:
        return add_variable(m, n->target, n->column, n->at);
    case NODE_CHOICE:
        return expand_choice(m, n->choice, NULL);
    case NODE_REPEAT:
        return expand_repeat(m, n);
    default:
        return expand_bind(m, n);
    }
}

static bool expand_nodes(struct generator *m, const struct node *first) {
    for (const struct node *n = first; n; n = n->next) {
        size_t from = m->raw.length;
        if (++m->steps > GRAMMAR_MOST_STEPS || m->raw.length > GRAMMAR_MOST_TEXT ||
            m->kept.length > 4 * GRAMMAR_MOST_TEXT)
            return FAIL(m, n->at,
                        "a document grows beyond all bounds here; does a rule call itself without end?");
        if (!expand_node(m, n))
            return false;
        if (n->functions && n->kind != NODE_BIND)
            apply_functions(m, n, from);
    }
    return true;
}

// ---- choices ----

static size_t times_used(const struct generator *m, const struct alternative *a) {
    const struct use *u = &m->use[a->id];
    return u->document == m->document ? u->times : 0;
}

static bool can_use(struct generator *m, const struct alternative *a, bool otherwise, bool *can,
                    bool *used_up) {
    *can = false;
    if (a->otherwise != otherwise || (a->held && m->part == GRAMMAR_CORPUS) ||
        (a->corpus_only && m->part == GRAMMAR_TASKS))
        return true;
    if (a->most && times_used(m, a) >= a->most) {
        *used_up = true;
        return true;
    }
    return a->condition ? conditions_hold(m, a->condition, can) : (*can = true);
}

// One pass: adds up the weights of what can be used; with `at` below the sum, finds the one that it falls on.
struct pass {
    double sum, fresh_sum;
    bool used_up;
};

static bool weigh(struct generator *m, const struct choice *c, bool otherwise, struct pass *p) {
    *p = (struct pass){.used_up = p->used_up};
    for (size_t i = 0; i < c->count; i++) {
        const struct alternative *a = &c->alternative[i];
        bool can;
        if (!can_use(m, a, otherwise, &can, &p->used_up))
            return false;
        if (!can)
            continue;
        p->sum += a->weight;
        if (c->fresh && times_used(m, a) == 0)
            p->fresh_sum += a->weight;
    }
    return true;
}

static const struct alternative *fall_on(struct generator *m, const struct choice *c, bool otherwise,
                                         const struct pass *p) {
    bool fresh = p->fresh_sum > 0, ignored = false;
    double at = random_uniform(&m->random) * (fresh ? p->fresh_sum : p->sum);
    const struct alternative *last = NULL;
    for (size_t i = 0; i < c->count; i++) {
        const struct alternative *a = &c->alternative[i];
        bool can;
        if (!can_use(m, a, otherwise, &can, &ignored) || !can || (fresh && times_used(m, a)))
            continue;
        last = a;
        if ((at -= a->weight) < 0)
            break;
    }
    return last;
}

static bool expand_alternative(struct generator *m, const struct alternative *a) {
    struct use *u = &m->use[a->id];
    u->times = times_used(m, a) + 1;
    u->document = m->document;
    if (++m->depth > GRAMMAR_MOST_DEPTH)
        return FAIL(m, a->at,
                    "rules call each other more than %d deep here; does one call itself without end?",
                    GRAMMAR_MOST_DEPTH);
    if (a->held)
        buffer_add_char(&m->raw, MARK_HELD);
    size_t mark = m->undos;
    bool ok = expand_nodes(m, a->first);
    undo_to(m, mark);
    m->depth--;
    return ok;
}

static bool expand_choice(struct generator *m, const struct choice *c, const char *name) {
    struct pass p = {0};
    bool otherwise = false;
    if (!weigh(m, c, false, &p))
        return false;
    if (!(p.sum > 0)) {
        otherwise = true;
        if (!weigh(m, c, true, &p))
            return false;
    }
    if (!(p.sum > 0))
        return p.used_up ? true
                         : FAIL(m, c->at,
                                "no alternative of %s%s%s can be used: every condition is false, or all are "
                                "held back; add one with [else]",
                                name ? "the rule \"" : "this choice", name ? name : "", name ? "\"" : "");
    return expand_alternative(m, fall_on(m, c, otherwise, &p));
}

// ---- documents ----

static void begin(struct generator *m, uint64_t number) {
    m->document++;
    random_seed(&m->random, m->seed, number);
    buffer_clear(&m->raw);
    buffer_clear(&m->kept);
    for (size_t i = 0; i < m->g->slots; i++)
        assign(m, i, (struct value){0});
    m->options = m->undos = m->depth = m->steps = 0;
}

bool generator_document(struct generator *m, const char *start, uint64_t number, struct generated *out,
                        struct error *e) {
    size_t rule = grammar_find_rule(m->g, start);
    m->e = e;
    *out = (struct generated){0};
    if (rule == GRAMMAR_NONE) {
        const char *like = grammar_nearest_rule(m->g, start);
        return error_set(e, ERROR_INPUT, "the grammar has no rule \"%s\"%s%s%s", start, like ? "; is \"" : "",
                         like ? like : "", like ? "\" meant?" : "");
    }
    begin(m, number);
    if (!expand_choice(m, &m->g->rule[rule].choice, start))
        return error_context(e, "document %llu", (unsigned long long)number);
    if (!buffer_ok(&m->raw, e) || !buffer_ok(&m->kept, e) ||
        !sentences_make(&m->sentences, m->raw.data ? m->raw.data : "", m->raw.length, e))
        return false;
    out->sentence = m->sentences.sentence;
    out->count = m->sentences.count;
    return true;
}
