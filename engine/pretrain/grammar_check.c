// SPDX-License-Identifier: GPL-3.0-or-later
// What reading cannot know before all files are read: which names are rules, lists or variables, and whether
// the columns that are asked for exist.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/suggest.h"
#include "engine/pretrain/grammar_inside.h"

struct checker {
    struct grammar *g;
    struct error *e;
    bool changed; // a variable learned of a list that it can stand for
};

// ---- what is meant ----

static const char *nearest(const struct grammar *g, const char *name) {
    size_t count = 0;
    const char **all = mem_calloc(g->rules + g->lists + g->slots, sizeof(char *), NULL);
    if (!all)
        return NULL;
    for (size_t i = 0; i < g->rules; i++)
        all[count++] = g->rule[i].name;
    for (size_t i = 0; i < g->lists; i++)
        all[count++] = g->list[i].name;
    for (size_t i = 0; i < g->slots; i++)
        all[count++] = g->slot[i].name;
    const char *found = suggest_nearest(name, all, count);
    free(all);
    return found;
}

const char *grammar_nearest_rule(const struct grammar *g, const char *name) {
    const char **all = mem_calloc(g->rules, sizeof(char *), NULL);
    for (size_t i = 0; all && i < g->rules; i++)
        all[i] = g->rule[i].name;
    const char *found = all ? suggest_nearest(name, all, g->rules) : NULL;
    free(all);
    return found;
}

static bool unknown(struct checker *c, struct place at, const char *name) {
    const char *like = nearest(c->g, name);
    return like ? grammar_fail(c->g, at, c->e, "there is no rule, list or variable \"%s\"; is \"%s\" meant?",
                               name, like)
                : grammar_fail(c->g, at, c->e, "there is no rule, list or variable \"%s\"", name);
}

static bool no_column(struct checker *c, struct place at, size_t list, size_t column) {
    char names[300] = "";
    const struct list *l = &c->g->list[list];
    for (size_t i = 0; i < l->columns; i++) {
        size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s%s", i ? ", " : "", c->g->name[l->column[i]]);
    }
    return grammar_fail(c->g, at, c->e, "the list \"%s\" has no column \"%s\"; it has %s", l->name,
                        c->g->name[column], names);
}

// ---- options ----

// The names after the dot of options, as a number of enum option_column.
static bool option_column_find(const char *name, size_t *out) {
    static const char *const names[] = {"", "letter", "right", "wrong", "wrong_letter", "list", "count"};
    for (size_t i = 1; i < sizeof names / sizeof *names; i++)
        if (strcmp(name, names[i]) == 0) {
            *out = i;
            return true;
        }
    char *end;
    unsigned long n = strtoul(name, &end, 10);
    *out = OPTION_TEXT + n - 1;
    return *end == '\0' && n >= 1 && n <= GRAMMAR_MOST_OPTIONS;
}

// ---- variables: which lists they can stand for ----

static bool slot_add_list(struct checker *c, struct slot *s, size_t list) {
    for (size_t i = 0; i < s->lists; i++)
        if (s->list[i] == list)
            return true;
    if (!mem_grow(&s->list, &s->list_capacity, s->lists + 1, sizeof *s->list, c->e))
        return false;
    s->list[s->lists++] = list;
    c->changed = true;
    return true;
}

static void slot_mark(struct checker *c, bool *mark) {
    c->changed = c->changed || !*mark;
    *mark = true;
}

// x = y: x can stand for whatever y can.
static bool slot_inherit(struct checker *c, struct slot *to, const struct slot *from) {
    if (from->options)
        slot_mark(c, &to->options);
    if (from->text)
        slot_mark(c, &to->text);
    for (size_t i = 0; i < from->lists; i++)
        if (!slot_add_list(c, to, from->list[i]))
            return false;
    return true;
}

static bool learn_bind(struct checker *c, struct node *n) {
    struct grammar *g = c->g;
    struct slot *s = &g->slot[n->slot];
    if (n->source == SOURCE_OPTIONS) {
        slot_mark(c, &s->options);
    } else if (n->source == SOURCE_TEXT || n->functions) {
        slot_mark(c, &s->text);
    } else {
        size_t list = grammar_find_list(g, n->text), from = grammar_find_slot(g, n->text);
        if (list != GRAMMAR_NONE && n->column == GRAMMAR_NONE)
            return slot_add_list(c, s, list);
        if (from != GRAMMAR_NONE && n->column == GRAMMAR_NONE)
            return from == n->slot || slot_inherit(c, s, &g->slot[from]);
        slot_mark(c, &s->text);
    }
    return true;
}

static bool learn_choice(struct checker *c, struct choice *choice);

static bool learn_nodes(struct checker *c, struct node *n) {
    for (; n; n = n->next) {
        if (n->kind == NODE_BIND && !learn_bind(c, n))
            return false;
        if (!learn_nodes(c, n->child) || (n->choice && !learn_choice(c, n->choice)))
            return false;
    }
    return true;
}

static bool learn_choice(struct checker *c, struct choice *choice) {
    for (size_t i = 0; i < choice->count; i++)
        if (!learn_nodes(c, choice->alternative[i].first))
            return false;
    return true;
}

static bool learn(struct checker *c) {
    do {
        c->changed = false;
        for (size_t i = 0; i < c->g->rules; i++)
            if (!learn_choice(c, &c->g->rule[i].choice))
                return false;
    } while (c->changed);
    return true;
}

// ---- columns ----

// A column of a variable. For options the column's number becomes that of enum option_column.
static bool check_slot_column(struct checker *c, struct place at, size_t slot, size_t *column) {
    const struct slot *s = &c->g->slot[slot];
    if (s->options) {
        if (s->text || s->lists)
            return grammar_fail(c->g, at, c->e,
                                "\"%s\" is bound to options here and to something else there; use two names",
                                s->name);
        if (*column == GRAMMAR_NONE) {
            *column = OPTION_ALL;
            return true;
        }
        const char *name = c->g->name[*column];
        if (option_column_find(name, column))
            return true;
        return grammar_fail(
            c->g, at, c->e,
            "options have letter, right, wrong, wrong_letter, list, count and 1 to %d, not \"%s\"",
            GRAMMAR_MOST_OPTIONS, name);
    }
    if (*column == GRAMMAR_NONE)
        return true;
    if (s->text)
        return grammar_fail(c->g, at, c->e, "\"%s\" is bound to a text, which has no columns", s->name);
    for (size_t i = 0; i < s->lists; i++)
        if (list_find_column(&c->g->list[s->list[i]], *column) == GRAMMAR_NONE)
            return no_column(c, at, s->list[i], *column);
    return true;
}

static bool check_term(struct checker *c, struct term *t, bool must_be_variable) {
    if (t->slot != GRAMMAR_NONE) { // in quotes
        t->slot = GRAMMAR_NONE;
        return true;
    }
    t->slot = grammar_find_slot(c->g, t->text);
    if (t->slot == GRAMMAR_NONE)
        return t->column == GRAMMAR_NONE && !must_be_variable
                   ? true
                   : grammar_fail(c->g, t->at, c->e, "there is no variable \"%s\"", t->text);
    return check_slot_column(c, t->at, t->slot, &t->column);
}

static bool check_conditions(struct checker *c, struct condition *first, size_t list) {
    for (struct condition *k = first; k; k = k->next) {
        if (list != GRAMMAR_NONE) {
            size_t column = list_find_column(&c->g->list[list], k->column);
            if (column == GRAMMAR_NONE)
                return no_column(c, k->left.at, list, k->column);
            k->column = column;
        } else if (!check_term(c, &k->left, true)) {
            return false;
        }
        if (k->right.text && !check_term(c, &k->right, false))
            return false;
    }
    return true;
}

// ---- names ----

static bool check_name(struct checker *c, struct node *n) {
    struct grammar *g = c->g;
    size_t slot = grammar_find_slot(g, n->text), rule = grammar_find_rule(g, n->text),
           list = grammar_find_list(g, n->text);
    if (slot != GRAMMAR_NONE) {
        n->kind = NODE_VARIABLE;
        n->source = SOURCE_VARIABLE;
        n->target = slot;
    } else if (rule != GRAMMAR_NONE) {
        n->kind = NODE_RULE;
        n->source = SOURCE_RULE;
        n->target = rule;
    } else if (list != GRAMMAR_NONE) {
        n->kind = NODE_LIST;
        n->source = SOURCE_LIST;
        n->target = list;
    } else {
        return unknown(c, n->at, n->text);
    }
    if (n->where && list == GRAMMAR_NONE)
        return grammar_fail(g, n->at, c->e, "\"where\" belongs to a list, and \"%s\" is none", n->text);
    if (slot != GRAMMAR_NONE)
        return check_slot_column(c, n->at, slot, &n->column);
    if (rule != GRAMMAR_NONE)
        return n->column == GRAMMAR_NONE
                   ? true
                   : grammar_fail(g, n->at, c->e, "\"%s\" is a rule, which has no columns", n->text);
    if (n->column != GRAMMAR_NONE) {
        size_t column = list_find_column(&g->list[list], n->column);
        if (column == GRAMMAR_NONE)
            return no_column(c, n->at, list, n->column);
        n->column = column;
    } else {
        n->column = 0;
    }
    return check_conditions(c, n->where, list);
}

static bool check_extra(struct checker *c, struct node *n) {
    if (!n->extra_name)
        return true;
    n->extra = grammar_find_list(c->g, n->extra_name);
    if (n->extra == GRAMMAR_NONE)
        return grammar_fail(c->g, n->at, c->e, "there is no list \"%s\" to draw options from", n->extra_name);
    const struct list *l = &c->g->list[n->extra];
    size_t column = n->column == GRAMMAR_NONE ? 0 : list_find_column(l, n->column);
    if (column == GRAMMAR_NONE)
        return no_column(c, n->at, n->extra, n->column);
    n->column = column;
    return check_conditions(c, n->where, n->extra);
}

static bool check_choice(struct checker *c, struct choice *choice);

static bool check_nodes(struct checker *c, struct node *first) {
    for (struct node *n = first; n; n = n->next) {
        bool ok = true;
        if (n->kind == NODE_NAME) {
            ok = check_name(c, n);
        } else if (n->kind == NODE_BIND && n->source == SOURCE_NAME) {
            ok = check_name(c, n);
            n->kind = NODE_BIND;
        } else if (n->kind == NODE_BIND && n->source == SOURCE_OPTIONS) {
            ok = check_extra(c, n);
        }
        if (!ok || !check_nodes(c, n->child) || (n->choice && !check_choice(c, n->choice)))
            return false;
    }
    return true;
}

static bool check_choice(struct checker *c, struct choice *choice) {
    for (size_t i = 0; i < choice->count; i++) {
        struct alternative *a = &choice->alternative[i];
        if (!check_conditions(c, a->condition, GRAMMAR_NONE) || !check_nodes(c, a->first))
            return false;
    }
    return true;
}

// A variable hides a rule or list of its name, which is never what is meant.
static bool check_slots(struct checker *c) {
    for (size_t i = 0; i < c->g->slots; i++) {
        const char *name = c->g->slot[i].name;
        size_t rule = grammar_find_rule(c->g, name), list = grammar_find_list(c->g, name);
        if (rule != GRAMMAR_NONE || list != GRAMMAR_NONE)
            return grammar_fail(
                c->g, rule != GRAMMAR_NONE ? c->g->rule[rule].choice.at : c->g->list[list].at, c->e,
                "\"%s\" is also the name of a variable ({let %s = ...}); give one of them another name", name,
                name);
    }
    return true;
}

static bool cell_is_own(const struct list *l, const struct row *r, size_t column) {
    for (size_t i = 0; i < l->rows; i++)
        if (!l->row[i].held && strcmp(l->row[i].cell[column], r->cell[column]) == 0)
            return false;
    return true;
}

static void find_own_cells(struct grammar *g) {
    for (size_t i = 0; i < g->lists; i++)
        for (size_t k = 0; k < g->list[i].rows; k++) {
            struct row *r = &g->list[i].row[k];
            for (size_t c = 0; r->held && c < g->list[i].columns; c++)
                r->own |= (unsigned)cell_is_own(&g->list[i], r, c) << c;
        }
}

static bool check_tasks(struct checker *c) {
    for (size_t i = 0; i < c->g->tasks; i++)
        if (grammar_find_rule(c->g, c->g->task[i].rule) == GRAMMAR_NONE)
            return grammar_fail(c->g, c->g->task_at[i], c->e, "there is no rule \"%s\" for the task \"%s\"",
                                c->g->task[i].rule, c->g->task[i].name);
    return true;
}

static int irregular_compare(const void *a, const void *b) {
    const struct irregular *x = a, *y = b;
    return x->function != y->function ? (x->function < y->function ? -1 : 1) : strcmp(x->from, y->from);
}

bool grammar_resolve(struct grammar *g, struct error *e) {
    struct checker c = {.g = g, .e = e};
    if (g->irregulars)
        qsort(g->irregular, g->irregulars, sizeof *g->irregular, irregular_compare);
    find_own_cells(g);
    if (!check_slots(&c) || !learn(&c))
        return false;
    for (size_t i = 0; i < g->rules; i++)
        if (!check_choice(&c, &g->rule[i].choice))
            return false;
    return check_tasks(&c);
}
