// SPDX-License-Identifier: GPL-3.0-or-later
// The verbalizer: label words of each class, their pieces, and the scores of classes from logits at the mask.
//
// Text forms: JSON {"negative": ["bad"], "positive": ["good", "great"]}, a list of lists, a list of strings
// (one word a class), or one class a line (or after ';') with words separated by commas: "bad; good, great".
// Blanks around a word do not count. In lines, a word that holds a comma, a semicolon or a quote stands in
// double quotes, with quotes inside it doubled; empty lines at the ends and one separator at the end are
// allowed, an empty line in the middle would begin a second verbalizer and is refused. A word is tokenised
// with its leading space; "<!>" in front suppresses it. For T5 that is the piece with the word mark.
//
// Score of a class, as OpenPrompt's ManualVerbalizer computes it: a word's logit is that of its first piece,
// or the mean or maximum over its pieces; log softmax over all words of all (possible) classes; mean over the
// class's words.
#ifndef PROMPTER_ENGINE_PVP_VERBALIZER_H
#define PROMPTER_ENGINE_PVP_VERBALIZER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/model/tokenizer.h"

enum word_pieces { WORD_FIRST, WORD_MEAN, WORD_MAX };

struct label_word {
    char *text;    // as written, "<!>" removed
    bool bare;     // "<!>" was in front
    int32_t *id;   // [pieces] after binding
    size_t *logit; // [pieces] position of each id in verbalizer.id
    size_t pieces;
};
struct label_class {
    char *name;
    struct label_word *word;
    size_t words;
};
struct verbalizer {
    struct label_class *label;
    size_t classes;
    enum word_pieces pieces;
    int32_t *id; // distinct piece ids, in order of first use: the rows of the head that are needed
    size_t ids;
};

// Words for `classes` classes whose names are given (keys of a JSON object match name or value). Every class
// needs a word. Not bound yet: ids are empty. Messages name the class and the position in the text.
bool verbalizer_parse(struct verbalizer *out, const char *text, char *const *class_name,
                      char *const *class_value, size_t classes, struct error *e);
// The letters A, B, C, ... for multiple choice.
bool verbalizer_letters(struct verbalizer *out, size_t classes, struct error *e);
// Words that are a capital letter lose their leading space, as the paper's code has the letters of options
// (piece "A", not "▁A"). Before binding.
void verbalizer_bare_letters(struct verbalizer *v);
// Finds the pieces. Binding again (another tokenizer, another rule) replaces them. A word without a piece is
// an error.
bool verbalizer_bind(struct verbalizer *v, const struct tokenizer *t, enum word_pieces rule, struct error *e);
void verbalizer_free(struct verbalizer *v);

enum verbalizer_form { VERBALIZER_JSON, VERBALIZER_LINES };
char *verbalizer_print(const struct verbalizer *v, enum verbalizer_form form, struct error *e); // owned

// Warnings for people, one a line, empty if none: words of several pieces (shows the pieces), two classes
// that share a first piece, an unknown piece, one word in two classes. Owned text.
char *verbalizer_warnings(const struct verbalizer *v, const struct tokenizer *t, struct error *e);

// logits [ids] at the mask -> score [classes]; classes from `possible` on (0: all are possible) get
// -INFINITY. With one word of one piece a class the scores are the logits less a constant.
void verbalizer_scores(const struct verbalizer *v, const float *logits, size_t possible, float *score);
// d_logits [ids] += (d score / d logits)^T d_score. `score` is not needed again; impossible classes are
// ignored.
void verbalizer_scores_backward(const struct verbalizer *v, const float *logits, size_t possible,
                                const float *d_score, float *d_logits);
// The target of a class for a loss over the whole vocabulary: the first piece of its first word.
int32_t verbalizer_target(const struct verbalizer *v, size_t label);

const char *word_pieces_name(enum word_pieces rule); // "first", "mean", "max"
bool word_pieces_find(enum word_pieces *out, const char *name, struct error *e);

#endif
