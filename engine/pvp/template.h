// SPDX-License-Identifier: GPL-3.0-or-later
// The pattern of a pattern-verbalizer pair: OpenPrompt's template language (thunlp/OpenPrompt 1.0) and a
// short form.
//
//   OpenPrompt: {"placeholder": "text_a"} It was {"mask"}.      {"soft": null, "duplicate": 20}
//   short:      {text_a} It was {mask}.                         {soft:20}
// Short form, between braces:
//   NAME            a field. text_a and text_b are placeholders (shortenable); all other names are "meta"
//   (not
//                   shortenable). A name that is no plain word is written {field:"odd name"}
//   mask            where the label word goes
//   options         the lettered options of a multiple-choice example: "A. first B. second"
//   soft  soft:20  soft:"some words"     trainable vectors
//   special:<eos>   a token of the tokenizer's own
//   text:"..."      literal text, where spaces at its ends matter
// After bars: operations on a field (strip_punctuation, add_full_stop, drop_last, lower_first) and flags:
// shortenable, whole (not shortenable), meta, placeholder, same, id=3: {text_b|strip_punctuation|whole}.
// "{{" and "}}" are literal braces. Both forms may be mixed in one text; what is printed is one of them, and
// reads back to the same parts. The OpenPrompt form is printed with Python's literals (None, True), as its
// own reader wants them; null and true are read as well.
//
// White space between pieces (blanks, tabs, line ends) is one fact: a space stands before the next piece, or
// not. Literal text loses it at its end. "add_prefix_space" overrides what the text shows.
//
// soft: "duplicate" and "same" mean nothing where start words are given, nor does "same" for one vector; both
// are dropped then. A later part with the same soft_id is a copy of the first; where it says something else
// about the vectors, that is an error.
#ifndef PROMPTER_ENGINE_PVP_TEMPLATE_H
#define PROMPTER_ENGINE_PVP_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

enum part_kind {
    PART_TEXT,    // literal text
    PART_FIELD,   // "placeholder" or "meta": a field of the example
    PART_OPTIONS, // the lettered options of a multiple-choice example
    PART_MASK,
    PART_SOFT,
    PART_SPECIAL, // <eos> <bos> <sep> <cls> <pad>
};

// Named operations that the lambdas found in the wild are recognised as.
enum post_processing {
    POST_NONE = 0,
    POST_STRIP_PUNCTUATION, // lambda x: x.rstrip(string.punctuation)
    POST_ADD_FULL_STOP,     // lambda x: x + "."
    POST_DROP_LAST,         // lambda s: s[:-1]
    POST_LOWER_FIRST,       // lambda s: s[:1].lower() + s[1:]
};
enum { TEMPLATE_MOST_POST = 4, TEMPLATE_MOST_SOFT = 1024, TEMPLATE_MOST_PARTS = 256 };

struct template_part {
    enum part_kind kind;
    char *text; // literal text, field name, special name, start words of a soft part (NULL: none); owned
    bool meta;  // a field written as "meta" (not shortenable by default)
    bool shortenable;
    bool space_before; // a space is put before the piece
    bool same;         // the `duplicate` soft positions share one vector
    size_t duplicate;  // soft: positions; 1 otherwise
    size_t soft_id;    // 0: none; a later part with the same id repeats the first one's vectors
    enum post_processing post[TEMPLATE_MOST_POST];
    size_t posts;
    size_t begin, end; // bytes of the source text that this part was written as, for highlighting
};

struct template {
    struct template_part *part;
    size_t parts;
};

// On failure *error_at (may be NULL) is the byte of `text` where it went wrong; the message names the column
// (characters from 1) as well. Also refuses a template without a mask, and a field that is named in no list:
// known_fields may be NULL (anything goes); "options" is always known.
bool template_parse(struct template *out, const char *text, const char *const *known_fields,
                    size_t known_count, size_t *error_at, struct error *e);
bool template_copy(struct template *out, const struct template *t, struct error *e);
// The hard pattern: the same without its soft parts, start words of theirs included.
bool template_without_soft(struct template *out, const struct template *t, struct error *e);
void template_free(struct template *t);
// Whether it has soft vectors, and words of its own: literal text with a letter of any script in it;
// punctuation, as the full stop behind a sentence, makes no word.
bool template_has_soft(const struct template *t);
bool template_has_words(const struct template *t);

enum template_form { TEMPLATE_SHORT, TEMPLATE_OPENPROMPT };
// Owned text; parses back to equal parts.
char *template_print(const struct template *t, enum template_form form, struct error *e);
bool template_equal(const struct template *a, const struct template *b); // all but begin and end

// Kinds of a text's bytes for highlighting, also where the text does not parse (then as far as it goes):
// out[i] in {PART_* as char, or -1 for braces and syntax}. out has `length` entries.
void template_highlight(const char *text, size_t length, signed char *out);

#endif
