// SPDX-License-Identifier: GPL-3.0-or-later
// Which vocabulary tokens a soft vector lies near: by cosine, by dot product, by Euclidean distance.
#ifndef PROMPTER_ENGINE_INSPECT_NEAREST_H
#define PROMPTER_ENGINE_INSPECT_NEAREST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/model/model.h"

enum nearness { NEAR_COSINE, NEAR_DOT, NEAR_L2, NEAR_KINDS };
enum { NEAR_MOST = 20 };

struct near_token {
    int32_t id;
    float value; // cosine, dot product, or distance
};

// What stays the same for a model: the norm of every embedding row, and their percentiles.
struct vocabulary_norms {
    float *norm;           // [vocab_size]; owned
    float *sorted;         // [ids] ascending, of the tokens that have a piece; owned
    size_t count, ids;     // vocab_size; how many tokens have a piece (the rows behind them are padding)
    float mean, deviation; // of single embedding components over those rows
};
bool vocabulary_norms_make(struct vocabulary_norms *out, const struct model *m, size_t ids, struct error *e);
void vocabulary_norms_free(struct vocabulary_norms *v);
// The share of vocabulary norms below `norm`, 0..1.
double vocabulary_norms_percentile(const struct vocabulary_norms *v, double norm);

// For each of `count` vectors [count, d_model] the k nearest of the first `ids` tokens, best first:
// out[(vector * NEAR_KINDS + kind) * k + i]. k <= NEAR_MOST, k <= ids. Products run in blocks; `pool` may be
// NULL.
bool nearest_tokens(const struct model *m, const struct vocabulary_norms *norms, const float *vectors,
                    size_t count, size_t k, struct thread_pool *pool, struct near_token *out,
                    struct error *e);

#endif
