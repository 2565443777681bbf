// SPDX-License-Identifier: GPL-3.0-or-later
// Text from grammar files: documents that a small language model is trained on, and the examples of tasks.
//
// A grammar is one or more files that are read as one. A file is UTF-8, a statement begins at the left edge,
// what belongs to it is indented, "#" at the start of a line begins a comment. Statements:
//
//   list person: name he him his          a table; the columns' names after the colon
//     Anna, she, her, her                 one row a line, cells separated by commas
//     [held] Oscar, he, him, his          attributes in brackets: see below
//
//   rule greeting [fresh]                 alternatives, one a line; one that is too long for its line goes on
//     [3] Hello, {p}.                     in a line that is indented more deeply
//     [if p.he = she] Good morning, madam.
//
//   inflect past                          irregular forms for the function of that name
//     go went
//
//   task NAME: rule train N test N label KEY classes a b c      a task to be made of what the rule writes;
//                                         `next N` instead of label and classes: see task_maker.h
//
// Text of an alternative. All that is not special stands for itself; a backslash takes the meaning away.
//   {name}          a rule is expanded; a list gives its first column of a row drawn by weight; a variable
//   its
//                   text. {x.column} is another column
//   {x|past}        functions, one after another: plural past s ing er est (the table of `inflect`, then the
//                   regular rule), cap lower. Verb forms change the first word, plural the last
//   (a|b|c)         one of these; each may have attributes: ([3] very|quite|)
//   " / "           the sentence ends here (blanks on both sides): output has one sentence a line
//   ^               the next letter is a capital one
//   @key            (at the start of a word) what follows is the value of that key of a task's example; a key
//                   that comes again makes a list
//   {name / 2-4}    two to four times, each a sentence; {name , 2-4} with commas; {name * 2-4} with blanks
//   {let x = ...}   binds x until the alternative ends, in all that it expands; prints nothing
//   {set x = ...}   the same until the document ends
// What can be bound: a list's row (`person`, `person where he = she and town has p.town`: = and != compare
// whole cells, `has` and `lacks` look for one of the cell's words), a rule's text, another variable or its
// column, a "quoted text" (which may hold {...}), or the options of a choice:
//   {let o = options x y "the cat" + animal 2-5 where kind = p.kind}
// where the first is right and the others wrong, and the last part draws so many more from a list. All are
// different texts and are shuffled. {o} prints "A. dog B. cat", {o.letter} the right one's letter, {o.right}
// its text, {o.wrong} {o.wrong_letter} those of a wrong one, {o.1} ... {o.16} the texts, {o.list} "dog, cat
// or cow", {o.count} their number.
//
// A row that is bound differs from the rows of the same list that are bound at that time; and a draw avoids
// rows that were used in the document, where it can.
//
// Attributes, separated by commas: a weight ([3], [0.5]; 1 otherwise), `held` (only in the part "tasks"),
// `corpus` (only in the part "corpus"), `once` or `most N` (uses in a document), `if CONDITION` (comparisons
// as in `where`; `x` alone: x is bound; `not x`; joined by `and`), `else` (only where no other alternative
// can be). Of a rule: `fresh`, alternatives come again only when all were used in the document. Where limits
// have used up all alternatives, a rule is empty; where conditions exclude all, that is an error.
//
// The text is put in order at the end: one blank between words and none before a comma or a full stop, a
// capital at the start of each sentence, "a" and "an" (written in lower case, also where a sentence begins)
// by the next word.
//
// The two parts: "corpus" never uses what is held back. "tasks" draws held rows where a list has any that
// fit, and knows for each sentence whether something held went into it.
//
// A grammar is read-only after loading and may be shared by threads; a generator belongs to one thread.
#ifndef PROMPTER_ENGINE_PRETRAIN_GRAMMAR_H
#define PROMPTER_ENGINE_PRETRAIN_GRAMMAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"

enum grammar_part { GRAMMAR_CORPUS, GRAMMAR_TASKS };
// Limits. A document that needs more is an error: a rule that calls itself without end.
enum { GRAMMAR_MOST_DEPTH = 200, GRAMMAR_MOST_STEPS = 1 << 20, GRAMMAR_MOST_TEXT = 1 << 18 };

struct grammar;   // opaque
struct generator; // opaque

// A task as its statement asks for it; texts belong to the grammar.
enum { GRAMMAR_MOST_CLASSES = 16, GRAMMAR_MOST_OPTIONS = 16 };
struct grammar_task {
    const char *name, *rule;
    const char *label;                            // the key that holds the class
    const char *class_name[GRAMMAR_MOST_CLASSES]; // values of that key
    size_t classes;
    size_t train, test; // examples in all; the same number of each class
    size_t next;        // options of a next-sentence choice; 0: examples are what the rule writes
    size_t line;
    const char *file;
};

// Reads files and checks that every name is known, every column exists, every rule can be drawn from.
// Messages name file, line and column, and what to do.
bool grammar_load(struct grammar **out, const char *const *path, size_t count, struct error *e);
// The same from memory, for tests and fuzzers; `name` stands for the file's in messages.
bool grammar_parse(struct grammar **out, const char *name, const char *text, size_t length, struct error *e);
void grammar_free(struct grammar *g);

bool grammar_has_rule(const struct grammar *g, const char *name);
// The rule's name most like one that is not there, or NULL.
const char *grammar_nearest_rule(const struct grammar *g, const char *name);
size_t grammar_tasks(const struct grammar *g, const struct grammar_task **out);

// ---- documents ----

struct generated_sentence {
    const char *text; // NUL-terminated, in order as described above
    const char *key;  // the @key it stands under, "" where there is none
    bool held;        // something held back went into it
    bool starts;      // it is the first of its @key (a key that comes again starts again)
};
struct generated {
    struct generated_sentence *sentence;
    size_t count;
};

// Borrows the grammar. Documents depend on the seed and their own number alone.
bool generator_create(struct generator **out, const struct grammar *g, enum grammar_part part, uint64_t seed,
                      struct error *e);
void generator_free(struct generator *m);
// Document `number`, beginning with the rule `start`. *out points into the generator until the next call.
bool generator_document(struct generator *m, const char *start, uint64_t number, struct generated *out,
                        struct error *e);

#endif
