// SPDX-License-Identifier: GPL-3.0-or-later
// How a piece of text becomes an example: what the encoder reads and what the decoder should say.
//
//   spans   span corruption (Raffel et al. 2020, section 3.1.4): `noise` of the tokens, in spans of
//   `mean_span`
//           tokens on average, are taken out; the encoder reads <extra_id_0>, <extra_id_1>, ... in their
//           places, the decoder says <extra_id_0> first span <extra_id_1> second span ... </s>.
//           The number of tokens taken out is round(n noise) and that of spans round(taken / mean_span), at
//           least 1 and at most the sentinels there are; how the tokens divide into spans, and where they
//           lie, is uniform over all divisions in which spans do not touch. (T5's code puts the last span at
//           the end of the text always; here the text may end either way.)
//   span    one span of 1 to 2 mean_span - 1 tokens anywhere: the same with a single sentinel
//   suffix  the last 1 to suffix_tokens tokens: the encoder reads the rest and <extra_id_0>, the decoder says
//           <extra_id_0> and the suffix: where a pattern has its mask
//   prefix  prefix LM: cut at a uniform place; the encoder reads the first part, the decoder says the rest.
//   No
//           sentinel.
//   closing the last word of the last sentence (with the chance closing_anywhere: of any one) and those of 0
//           to closing_words - 1 others; the punctuation behind them stays: "The answer is <extra_id_0>." As
//           where a pattern has its mask. One word to a text teaches fastest: with more, answers are
//           guessed from each other, and words that nobody can know cover the signal of the others. A text of
//           which no sentence ends in a word becomes a suffix.
//
// In all of them the encoder's input and the decoder's targets end with </s>, the decoder's input is the
// target shifted right behind the start token, and each token of the text is in exactly one of the two.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_OBJECTIVE_H
#define PROMPTER_ENGINE_PRETRAIN_LM_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/random.h"
#include "engine/model/tokenizer.h"
#include "engine/pretrain/lm_settings.h"

enum { LM_LEAST_TOKENS = 4 }; // of a text that becomes an example

struct lm_symbols {                    // ids of the model's special tokens, and what the others look like
    const struct tokenizer *tokenizer; // borrowed
    int32_t start, eos;
    int32_t sentinel[100];
    size_t sentinels; // how many there are, at most 100
};
void lm_symbols_of(struct lm_symbols *out, const struct tokenizer *t, int32_t start, int32_t eos);

// The most rows an example can have in the encoder, or in the decoder, with these settings.
size_t lm_objective_longest(const struct lm_settings *s, bool decoder);

// One of the objectives by their shares.
enum lm_kind lm_objective_draw(const double mix[LM_KINDS], struct random *r);

// A text in sentences: sentence i ends in front of end[i], the last one with the text.
struct lm_text {
    const int32_t *token; // [count], count >= LM_LEAST_TOKENS
    size_t count;
    const size_t *end; // [sentences]
    size_t sentences;
};
// Appends the encoder's input and the targets (both with </s>) of a text.
// All randomness is `r`'s. Fails only for memory, and where the objective needs a sentinel and there is none.
bool lm_objective_apply(enum lm_kind kind, const struct lm_settings *s, const struct lm_symbols *symbols,
                        const struct lm_text *text, struct random *r, struct token_list *encoder,
                        struct token_list *targets, struct error *e);

#endif
