// SPDX-License-Identifier: GPL-3.0-or-later
// A vocabulary trained on a corpus: SentencePiece's unigram model with T5's special pieces (<pad> 0, </s> 1,
// <unk> 2, no beginning of sentence) and T5's normalisation. The sentinels <extra_id_N> lie behind the
// pieces, as in T5.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_VOCABULARY_H
#define PROMPTER_ENGINE_PRETRAIN_LM_VOCABULARY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/corpus.h"

enum { LM_VOCABULARY_BYTES = 24 << 20 }; // of text that is looked at, at most: a sample of a larger corpus

struct lm_vocabulary_settings {
    size_t pieces; // asked for; a small corpus may give fewer
    const char
        *keep;     // words, separated by commas, that must be one piece each (with a space in front); or NULL
    double to;     // only documents of the part [0, to) are looked at
    uint64_t seed; // of the sample
};

// *bytes is the spiece.model, to be released with free(). The same corpus and settings give the same bytes.
bool lm_vocabulary_train(char **bytes, size_t *length, const struct corpus *c,
                         const struct lm_vocabulary_settings *s, struct error *e);

#endif
