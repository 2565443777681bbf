// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the grammar share: the tree that reading makes and expanding walks. Not for others.
#ifndef PROMPTER_ENGINE_PRETRAIN_GRAMMAR_INSIDE_H
#define PROMPTER_ENGINE_PRETRAIN_GRAMMAR_INSIDE_H

#include "engine/pretrain/grammar.h"

enum { GRAMMAR_MOST_COLUMNS = 16, GRAMMAR_MOST_FUNCTIONS = 4 };
#define GRAMMAR_NONE ((size_t)-1)

// Bytes that stand in raw text for what is not text. Grammar files cannot hold them.
enum { MARK_BREAK = 1, MARK_HELD = 2, MARK_CAPITAL = 3, MARK_KEY = 4 };

enum word_function {
    FUNCTION_PLURAL,
    FUNCTION_PAST,
    FUNCTION_S,
    FUNCTION_ING,
    FUNCTION_ER,
    FUNCTION_EST,
    FUNCTION_CAP,
    FUNCTION_LOWER,
    FUNCTION_COUNT
};
extern const char *const word_function_name[FUNCTION_COUNT];

struct place { // in a source file
    size_t file, line, column;
};

// What follows a dot. For options the columns are words of our own.
enum option_column {
    OPTION_ALL,
    OPTION_LETTER,
    OPTION_RIGHT,
    OPTION_WRONG,
    OPTION_WRONG_LETTER,
    OPTION_LIST,
    OPTION_NUMBER,
    OPTION_TEXT, // + position
};

struct term {      // NAME, NAME.COLUMN, or a word that stands for itself
    size_t slot;   // GRAMMAR_NONE: a literal
    size_t column; // index in grammar.name of the column, GRAMMAR_NONE: the first
    char *text;    // literal
    struct place at;
};

enum comparison {
    COMPARE_EQUAL,
    COMPARE_DIFFERENT,
    COMPARE_HAS,
    COMPARE_LACKS,
    COMPARE_BOUND,
    COMPARE_UNBOUND
};
struct condition { // a linked list: all must hold
    enum comparison how;
    size_t column; // of a `where`: index in grammar.name
    struct term left, right;
    struct condition *next;
};

enum node_kind {
    NODE_TEXT,
    NODE_BREAK,
    NODE_CAPITAL,
    NODE_KEY,
    NODE_NAME, // before it is resolved
    NODE_RULE,
    NODE_LIST,
    NODE_VARIABLE,
    NODE_CHOICE,
    NODE_REPEAT,
    NODE_BIND,
};
enum source_kind { SOURCE_NAME, SOURCE_RULE, SOURCE_LIST, SOURCE_VARIABLE, SOURCE_TEXT, SOURCE_OPTIONS };

struct node {
    enum node_kind kind;
    struct place at;
    char *text;    // literal text, key, or the name that is to be resolved
    size_t length; // of a literal
    size_t target; // rule, list or slot
    size_t column; // index in grammar.name, GRAMMAR_NONE: the first
    enum word_function function[GRAMMAR_MOST_FUNCTIONS];
    size_t functions;
    struct choice *choice;   // NODE_CHOICE
    struct node *child;      // NODE_REPEAT: what is repeated; SOURCE_TEXT: its text; OPTIONS: the terms
    size_t least, most;      // NODE_REPEAT; options: how many to draw
    char separator;          // NODE_REPEAT: '/', ',' or ' '
    enum source_kind source; // NODE_BIND
    size_t slot;             // NODE_BIND: what is bound
    bool whole_document;     // NODE_BIND: set, not let
    struct condition *where; // NODE_BIND and options
    size_t extra;            // options: the list to draw from, GRAMMAR_NONE: none
    char *extra_name;
    struct node *next;
};

struct alternative {
    double weight;
    bool held, corpus_only, otherwise;
    size_t most; // uses in a document, 0: no limit
    struct condition *condition;
    struct node *first;
    size_t id; // among all alternatives of the grammar
    struct place at;
};
struct choice {
    struct alternative *alternative;
    size_t count, capacity;
    bool fresh;
    struct place at;
};
struct rule {
    char *name;
    struct choice choice;
};
struct row {
    char **cell; // [columns]
    double weight;
    bool held;
    unsigned own; // held rows: bit c is set where no row that is not held has the cell of column c
    size_t id;    // among all rows of the grammar
};
struct list {
    char *name;
    size_t *column; // index in grammar.name
    size_t columns;
    struct row *row;
    size_t rows, capacity;
    bool has_held, weighted;
    struct place at;
};
struct slot { // a variable
    char *name;
    bool options, text; // was bound to such a thing somewhere
    size_t *list;       // lists whose rows it was bound to
    size_t lists, list_capacity;
};
struct irregular {
    enum word_function function;
    char *from, *to;
};

struct grammar {
    char **file;
    size_t files, file_capacity;
    char **name; // of columns
    size_t names, name_capacity;
    struct rule *rule;
    size_t rules, rule_capacity;
    struct list *list;
    size_t lists, list_capacity;
    struct slot *slot;
    size_t slots, slot_capacity;
    struct irregular *irregular; // sorted by function and word once read
    size_t irregulars, irregular_capacity;
    struct grammar_task *task;
    struct place *task_at;
    size_t tasks, task_capacity, task_at_capacity;
    size_t alternatives, rows;
};

bool grammar_fail(const struct grammar *g, struct place at, struct error *e, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
size_t grammar_find_rule(const struct grammar *g, const char *name);
size_t grammar_find_list(const struct grammar *g, const char *name);
size_t grammar_find_slot(const struct grammar *g, const char *name);
size_t grammar_find_name(const struct grammar *g, const char *name);
size_t list_find_column(const struct list *l, size_t name);

// Text of an alternative: a line and its deeper continuations, joined by blanks. `at[i]` is where byte i came
// from.
struct source_text {
    char *text;
    struct place *at; // [length + 1]
    size_t length, capacity, at_capacity;
};
// grammar_body.c: reads one alternative, its attributes included, into `out`.
bool grammar_read_alternative(struct grammar *g, const struct source_text *s, struct alternative *out,
                              struct error *e);
// The attributes at the start of a row; *used bytes are theirs.
bool grammar_read_row_attributes(struct grammar *g, const struct source_text *s, struct row *out,
                                 size_t *used, struct error *e);
void alternative_free(struct alternative *a);
void choice_free(struct choice *c);

// grammar_check.c: resolves names, checks columns.
bool grammar_resolve(struct grammar *g, struct error *e);

// grammar_words.c: applies a function to the text from `from` to the end of the buffer.
void word_apply(const struct grammar *g, enum word_function f, struct buffer *b, size_t from);
// Puts raw text (with marks) in order: sentences, keys, capitals, blanks, a and an.
struct sentence_list {
    struct buffer text; // of all sentences, each NUL-terminated
    struct generated_sentence *sentence;
    size_t count, capacity;
    size_t *offset, *key_offset, offset_capacity, key_capacity;
};
bool sentences_make(struct sentence_list *out, const char *raw, size_t length, struct error *e);
void sentence_list_free(struct sentence_list *l);

#endif
