// SPDX-License-Identifier: GPL-3.0-or-later
// Reading grammar files: lines, statements, lists, rules.
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/utf8.h"
#include "engine/pretrain/grammar_inside.h"

enum { MOST_FILE_BYTES = 8 << 20, MOST_FILES = 256 };

// ---- lines ----

struct line {
    const char *text; // not terminated
    size_t length, indent, number;
};
struct reader {
    struct grammar *g;
    const char *text;
    size_t length, at,
        number; // where the next line begins, the number of the present one
    size_t file;
    struct line line; // the present one; never blank, never a comment
    bool over;
    struct error *e;
};

static bool line_is_text(const struct line *l) {
    return l->indent < l->length && l->text[l->indent] != '#';
}

static void next_line(struct reader *r) {
    while (r->at < r->length) {
        const char *from = r->text + r->at, *end = memchr(from, '\n', r->length - r->at);
        size_t n = end ? (size_t)(end - from) : r->length - r->at;
        r->at += n + (end ? 1 : 0);
        while (n && isspace((unsigned char)from[n - 1]))
            n--;
        size_t indent = 0;
        while (indent < n && (from[indent] == ' ' || from[indent] == '\t'))
            indent++;
        r->line = (struct line){from, n, indent, ++r->number};
        if (line_is_text(&r->line))
            return;
    }
    r->over = true;
}

static struct place place_in(const struct reader *r, size_t column) {
    return (struct place){r->file, r->line.number, column + 1};
}

static bool add_source(struct source_text *s, char c, struct place at, struct error *e) {
    if (!mem_grow(&s->text, &s->capacity, s->length + 2, 1, e) ||
        !mem_grow(&s->at, &s->at_capacity, s->length + 2, sizeof *s->at, e))
        return false;
    s->text[s->length] = c;
    s->at[s->length++] = at;
    s->text[s->length] = '\0';
    at.column++;
    s->at[s->length] = at;
    return true;
}

// Of the rest of the present line, a tab counting as a blank.
static bool no_control_characters(const struct reader *r, size_t from) {
    for (size_t i = from; i < r->line.length; i++)
        if ((unsigned char)r->line.text[i] < 32 && r->line.text[i] != '\t')
            return grammar_fail(r->g, place_in(r, i), r->e, "a control character stands here; remove it");
    return true;
}

// The present line and those that are indented more deeply than `indent`; moves
// to the line after them.
static bool take_source(struct reader *r, size_t indent, struct source_text *s) {
    s->length = 0;
    do {
        if (s->length && !add_source(s, ' ', place_in(r, r->line.indent), r->e))
            return false;
        if (!no_control_characters(r, r->line.indent))
            return false;
        for (size_t i = r->line.indent; i < r->line.length; i++) {
            char c = r->line.text[i] == '\t' ? ' ' : r->line.text[i];
            if (!add_source(s, c, place_in(r, i), r->e))
                return false;
        }
        next_line(r);
    } while (!r->over && r->line.indent > indent);
    return true;
}

static void source_free(struct source_text *s) {
    free(s->text);
    free(s->at);
}

// ---- words of a statement's first line ----

struct words {
    struct reader *r;
    size_t at;
};

static void skip(struct words *w) {
    while (w->at < w->r->line.length && (w->r->line.text[w->at] == ' ' || w->r->line.text[w->at] == '\t'))
        w->at++;
}

static bool words_over(struct words *w) {
    skip(w);
    return w->at >= w->r->line.length;
}

static bool take_char(struct words *w, char c) {
    if (words_over(w) || w->r->line.text[w->at] != c)
        return false;
    w->at++;
    return true;
}

static char *take_word(struct words *w, const char *what) {
    skip(w);
    const struct line *l = &w->r->line;
    size_t from = w->at;
    while (w->at < l->length && (isalnum((unsigned char)l->text[w->at]) || l->text[w->at] == '_'))
        w->at++;
    if (w->at > from)
        return mem_strndup(l->text + from, w->at - from, w->r->e);
    grammar_fail(w->r->g, place_in(w->r, from), w->r->e, "%s should stand here (letters, digits and _)",
                 what);
    return NULL;
}

static bool take_number(struct words *w, size_t *out) {
    char *word = take_word(w, "a number");
    if (!word)
        return false;
    char *end;
    unsigned long n = strtoul(word, &end, 10);
    bool ok = *end == '\0' && n <= 1000000;
    free(word);
    *out = n;
    return ok ? true
              : grammar_fail(w->r->g, place_in(w->r, w->at), w->r->e,
                             "this should be a number up to 1000000");
}

// ---- names ----

static bool name_is_free(struct reader *r, const char *name, size_t column) {
    struct place at = place_in(r, column);
    size_t old = grammar_find_rule(r->g, name);
    if (old != GRAMMAR_NONE)
        return grammar_fail(r->g, at, r->e, "there is a rule \"%s\" already, in %s:%zu", name,
                            r->g->file[r->g->rule[old].choice.at.file], r->g->rule[old].choice.at.line);
    old = grammar_find_list(r->g, name);
    if (old != GRAMMAR_NONE)
        return grammar_fail(r->g, at, r->e, "there is a list \"%s\" already, in %s:%zu", name,
                            r->g->file[r->g->list[old].at.file], r->g->list[old].at.line);
    return true;
}

static bool add_name(struct grammar *g, char *take_name, size_t *out, struct error *e) {
    *out = grammar_find_name(g, take_name);
    if (*out != GRAMMAR_NONE) {
        free(take_name);
        return true;
    }
    if (!mem_grow(&g->name, &g->name_capacity, g->names + 1, sizeof(char *), e)) {
        free(take_name);
        return false;
    }
    g->name[ *out = g->names++] = take_name;
    return true;
}

// ---- lists ----

static bool read_columns(struct words *w, struct list *l) {
    struct reader *r = w->r;
    if (!(l->column = mem_calloc(GRAMMAR_MOST_COLUMNS, sizeof *l->column, r->e)))
        return false;
    if (!take_char(w, ':')) {
        char *only = mem_strdup("text", r->e);
        l->columns = 1;
        return only && add_name(r->g, only, &l->column[0], r->e);
    }
    while (!words_over(w)) {
        size_t from = w->at;
        char *name = take_word(w, "the name of a column");
        if (!name)
            return false;
        size_t id;
        if (!add_name(r->g, name, &id, r->e))
            return false;
        if (list_find_column(l, id) != GRAMMAR_NONE)
            return grammar_fail(r->g, place_in(r, from), r->e, "two columns are called \"%s\"",
                                r->g->name[id]);
        if (l->columns == GRAMMAR_MOST_COLUMNS)
            return grammar_fail(r->g, place_in(r, from), r->e, "a list can have %d columns",
                                GRAMMAR_MOST_COLUMNS);
        l->column[l->columns++] = id;
    }
    return l->columns ? true
                      : grammar_fail(r->g, place_in(r, w->at), r->e, "the names of the columns are missing");
}

static bool cell_add(struct buffer *b, const struct source_text *s, size_t from, size_t to) {
    while (from < to && s->text[from] == ' ')
        from++;
    while (to > from && s->text[to - 1] == ' ')
        to--;
    buffer_clear(b);
    for (size_t i = from; i < to; i++) {
        if (s->text[i] == '\\' && i + 1 < to)
            i++;
        buffer_add_char(b, s->text[i]);
    }
    return true;
}

static bool split_cells(struct reader *r, struct list *l, struct row *row, const struct source_text *s,
                        size_t at) {
    struct buffer cell = {0};
    size_t cells = 0;
    bool ok = (row->cell = mem_calloc(l->columns, sizeof(char *), r->e)) != NULL;
    for (size_t from = at, i = at; ok && i <= s->length; i++) {
        if (i < s->length && s->text[i] == '\\') {
            i++;
            continue;
        }
        if (i < s->length && s->text[i] != ',')
            continue;
        if (cells == l->columns) {
            ok = grammar_fail(r->g, s->at[from], r->e, "this row has more cells than the list's %zu columns",
                              l->columns);
            break;
        }
        cell_add(&cell, s, from, i);
        ok = (row->cell[cells++] = buffer_take(&cell, r->e)) != NULL;
        from = i + 1;
    }
    buffer_free(&cell);
    if (ok && cells < l->columns)
        ok = grammar_fail(r->g, s->at[0], r->e, "this row has %zu cells, but the list has %zu columns", cells,
                          l->columns);
    if (ok && !row->cell[0][0])
        ok = grammar_fail(r->g, s->at[0], r->e, "the first cell is empty");
    return ok;
}

static bool read_row(struct reader *r, struct list *l, struct source_text *s) {
    size_t used;
    if (!take_source(r, r->line.indent, s) ||
        !mem_grow(&l->row, &l->capacity, l->rows + 1, sizeof *l->row, r->e))
        return false;
    struct row *row = &l->row[l->rows++];
    *row = (struct row){.id = r->g->rows++};
    if (!grammar_read_row_attributes(r->g, s, row, &used, r->e))
        return false;
    l->has_held = l->has_held || row->held;
    l->weighted = l->weighted || row->weight != 1;
    return split_cells(r, l, row, s, used);
}

static bool read_list(struct reader *r, struct words *w, struct source_text *s) {
    size_t from = w->at;
    char *name = take_word(w, "the list's name");
    if (!name)
        return false;
    if (!name_is_free(r, name, from) ||
        !mem_grow(&r->g->list, &r->g->list_capacity, r->g->lists + 1, sizeof *r->g->list, r->e)) {
        free(name);
        return false;
    }
    struct list *l = &r->g->list[r->g->lists++];
    *l = (struct list){.name = name, .at = place_in(r, 0)};
    if (!read_columns(w, l))
        return false;
    next_line(r);
    while (!r->over && r->line.indent > 0)
        if (!read_row(r, l, s))
            return false;
    size_t plain = 0;
    for (size_t i = 0; i < l->rows; i++)
        plain += !l->row[i].held;
    return plain
               ? true
               : grammar_fail(r->g, l->at, r->e, "the list \"%s\" has no row that the corpus may use", name);
}

// ---- rules ----

static bool read_rule_attributes(struct reader *r, struct words *w, struct choice *c) {
    if (!take_char(w, '['))
        return true;
    size_t from = w->at;
    char *word = take_word(w, "\"fresh\"");
    bool ok = word && strcmp(word, "fresh") == 0;
    c->fresh = ok;
    if (word && !ok)
        grammar_fail(r->g, place_in(r, from), r->e, "a rule can be [fresh], not [%s]", word);
    free(word);
    if (ok && !take_char(w, ']'))
        ok = grammar_fail(r->g, place_in(r, w->at), r->e, "']' is missing");
    return ok;
}

static bool nothing_follows(struct words *w) {
    return words_over(w) ? true
                         : grammar_fail(w->r->g, place_in(w->r, w->at), w->r->e,
                                        "nothing should follow here; what "
                                        "belongs to it stands indented below");
}

static bool read_rule(struct reader *r, struct words *w, struct source_text *s) {
    size_t from = w->at;
    char *name = take_word(w, "the rule's name");
    if (!name)
        return false;
    if (!name_is_free(r, name, from) ||
        !mem_grow(&r->g->rule, &r->g->rule_capacity, r->g->rules + 1, sizeof *r->g->rule, r->e)) {
        free(name);
        return false;
    }
    size_t at = r->g->rules++;
    r->g->rule[at] = (struct rule){.name = name, .choice.at = place_in(r, 0)};
    struct choice *c = &r->g->rule[at].choice;
    if (!read_rule_attributes(r, w, c) || !nothing_follows(w))
        return false;
    next_line(r);
    if (r->over || r->line.indent == 0)
        return grammar_fail(r->g, c->at, r->e,
                            "the rule \"%s\" has no alternatives; they stand indented below it", name);
    for (size_t indent = r->line.indent; !r->over && r->line.indent > 0;) {
        struct alternative a;
        if (!take_source(r, indent, s) || !grammar_read_alternative(r->g, s, &a, r->e))
            return false;
        if (!mem_grow(&c->alternative, &c->capacity, c->count + 1, sizeof a, r->e)) {
            alternative_free(&a);
            return false;
        }
        c->alternative[c->count++] = a;
    }
    return true;
}

// ---- inflect ----

static bool read_irregular(struct reader *r, enum word_function f) {
    struct words w = {r, r->line.indent};
    struct grammar *g = r->g;
    const struct line *l = &r->line;
    size_t space = w.at;
    if (!no_control_characters(r, w.at))
        return false;
    while (space < l->length && l->text[space] != ' ')
        space++;
    size_t to = space;
    while (to < l->length && l->text[to] == ' ')
        to++;
    if (to >= l->length || memchr(l->text + to, ' ', l->length - to))
        return grammar_fail(g, place_in(r, w.at), r->e, "a line of \"inflect\" is two words: go went");
    if (!mem_grow(&g->irregular, &g->irregular_capacity, g->irregulars + 1, sizeof *g->irregular, r->e))
        return false;
    struct irregular *i = &g->irregular[g->irregulars++];
    *i = (struct irregular){.function = f};
    i->from = mem_strndup(l->text + w.at, space - w.at, r->e);
    i->to = mem_strndup(l->text + to, l->length - to, r->e);
    next_line(r);
    return i->from && i->to;
}

static bool read_inflect(struct reader *r, struct words *w) {
    size_t from = w->at, f = 0;
    char *name = take_word(w, "the name of a function");
    if (!name)
        return false;
    while (f < FUNCTION_CAP && strcmp(name, word_function_name[f]) != 0)
        f++;
    free(name);
    if (f == FUNCTION_CAP)
        return grammar_fail(r->g, place_in(r, from), r->e,
                            "forms can be given for plural, past, s, ing, er and est");
    if (!nothing_follows(w))
        return false;
    next_line(r);
    while (!r->over && r->line.indent > 0)
        if (!read_irregular(r, (enum word_function)f))
            return false;
    return true;
}

// ---- tasks ----

static bool read_classes(struct words *w, struct grammar_task *t) {
    struct reader *r = w->r;
    while (!words_over(w)) {
        if (t->classes == GRAMMAR_MOST_CLASSES)
            return grammar_fail(r->g, place_in(r, w->at), r->e, "a task has up to %d classes",
                                GRAMMAR_MOST_CLASSES);
        if (!(t->class_name[t->classes] = take_word(w, "the value of a class")))
            return false;
        t->classes++;
    }
    return true;
}

static bool read_task_option(struct words *w, struct grammar_task *t) {
    struct reader *r = w->r;
    size_t from = w->at;
    char *word = take_word(w, "train, test, next, label or classes");
    if (!word)
        return false;
    bool ok = true;
    if (strcmp(word, "train") == 0) {
        ok = take_number(w, &t->train);
    } else if (strcmp(word, "test") == 0) {
        ok = take_number(w, &t->test);
    } else if (strcmp(word, "next") == 0) {
        ok = take_number(w, &t->next);
        if (ok && (t->next < 2 || t->next > GRAMMAR_MOST_OPTIONS))
            ok = grammar_fail(r->g, place_in(r, from), r->e, "there can be 2 to %d options",
                              GRAMMAR_MOST_OPTIONS);
    } else if (strcmp(word, "label") == 0) {
        free((char *)t->label);
        ok = (t->label = take_word(w, "the key of the label")) != NULL;
    } else if (strcmp(word, "classes") == 0) {
        ok = read_classes(w, t);
    } else {
        ok = grammar_fail(r->g, place_in(r, from), r->e,
                          "train N, test N, next N, label KEY or classes ... "
                          "should stand here, not \"%s\"",
                          word);
    }
    free(word);
    return ok;
}

// Names of a task's keys and classes as the file says, or as they are where it
// says nothing.
static bool complete_task(struct reader *r, struct grammar_task *t, struct place at) {
    if (!t->label && !(t->label = mem_strdup(t->next ? "answer" : "label", r->e)))
        return false;
    while (t->next && t->classes < t->next) {
        char letter[] = {(char)('A' + (int)t->classes), 0};
        if (!(t->class_name[t->classes] = mem_strdup(letter, r->e)))
            return false;
        t->classes++;
    }
    return t->classes >= 2
               ? true
               : grammar_fail(r->g, at, r->e, "the task \"%s\" needs at least two classes: classes yes no",
                              t->name);
}

static bool read_task(struct reader *r, struct words *w) {
    struct grammar *g = r->g;
    struct place at = place_in(r, 0);
    if (!mem_grow(&g->task, &g->task_capacity, g->tasks + 1, sizeof *g->task, r->e) ||
        !mem_grow(&g->task_at, &g->task_at_capacity, g->tasks + 1, sizeof *g->task_at, r->e))
        return false;
    g->task_at[g->tasks] = at;
    struct grammar_task *t = &g->task[g->tasks++];
    *t = (struct grammar_task){.train = 1000, .test = 1000, .line = r->line.number, .file = g->file[r->file]};
    if (!(t->name = take_word(w, "the task's name")))
        return false;
    for (size_t i = 0; i + 1 < g->tasks; i++)
        if (strcmp(g->task[i].name, t->name) == 0)
            return grammar_fail(g, at, r->e, "there is a task \"%s\" already", t->name);
    if (!take_char(w, ':'))
        return grammar_fail(g, place_in(r, w->at), r->e, "':' and the rule of an example are missing");
    if (!(t->rule = take_word(w, "the rule of an example")))
        return false;
    while (!words_over(w))
        if (!read_task_option(w, t))
            return false;
    next_line(r);
    return complete_task(r, t, at);
}

// ---- files ----

static bool read_statement(struct reader *r, struct source_text *s) {
    struct words w = {r, 0};
    if (r->line.indent)
        return grammar_fail(r->g, place_in(r, 0), r->e,
                            "this line is indented, but belongs to nothing: list, "
                            "rule, inflect and task begin at "
                            "the left edge");
    char *word = take_word(&w, "list, rule, inflect or task");
    if (!word)
        return false;
    skip(&w);
    bool ok;
    if (strcmp(word, "list") == 0)
        ok = read_list(r, &w, s);
    else if (strcmp(word, "rule") == 0)
        ok = read_rule(r, &w, s);
    else if (strcmp(word, "inflect") == 0)
        ok = read_inflect(r, &w);
    else if (strcmp(word, "task") == 0)
        ok = read_task(r, &w);
    else
        ok = grammar_fail(r->g, place_in(r, 0), r->e,
                          "a statement begins with list, rule, inflect or task, not \"%s\"", word);
    free(word);
    return ok;
}

static bool read_text(struct grammar *g, const char *name, const char *text, size_t length, struct error *e) {
    size_t bad;
    if (!mem_grow(&g->file, &g->file_capacity, g->files + 1, sizeof(char *), e))
        return false;
    if (!(g->file[g->files] = mem_strdup(name, e)))
        return false;
    g->files++;
    struct reader r = {.g = g, .text = text, .length = length, .file = g->files - 1, .e = e};
    struct source_text s = {0};
    if (!utf8_valid(text, length, &bad)) {
        struct place at = {r.file, 1, 1};
        for (size_t i = 0; i < bad; i++, at.column++)
            if (text[i] == '\n') {
                at.line++;
                at.column = 0;
            }
        return grammar_fail(g, at, e, "this is no UTF-8; save the file as UTF-8");
    }
    next_line(&r);
    bool ok = true;
    while (ok && !r.over)
        ok = read_statement(&r, &s);
    source_free(&s);
    return ok;
}

bool grammar_load(struct grammar **out, const char *const *path, size_t count, struct error *e) {
    struct grammar *g = mem_calloc(1, sizeof *g, e);
    bool ok = g != NULL;
    *out = NULL;
    if (ok && (count < 1 || count > MOST_FILES))
        ok = error_set(e, ERROR_INPUT, "a grammar is 1 to %d files", MOST_FILES);
    for (size_t i = 0; ok && i < count; i++) {
        char *text = NULL;
        size_t length;
        ok = file_read(path[i], MOST_FILE_BYTES, &text, &length, e) && read_text(g, path[i], text, length, e);
        free(text);
    }
    if (ok && grammar_resolve(g, e)) {
        *out = g;
        return true;
    }
    grammar_free(g);
    return false;
}

bool grammar_parse(struct grammar **out, const char *name, const char *text, size_t length, struct error *e) {
    struct grammar *g = mem_calloc(1, sizeof *g, e);
    *out = NULL;
    if (g && read_text(g, name, text, length, e) && grammar_resolve(g, e)) {
        *out = g;
        return true;
    }
    grammar_free(g);
    return false;
}
