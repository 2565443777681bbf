// SPDX-License-Identifier: GPL-3.0-or-later
// Random numbers that depend on the seed alone: xoshiro256** (Blackman and Vigna, 2018, public domain
// reference), seeded through splitmix64. The whole state is four words, so that a run can be kept and resumed
// to the bit.
#ifndef PROMPTER_ENGINE_BASE_RANDOM_H
#define PROMPTER_ENGINE_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>

struct random {
    uint64_t state[4];
};

// `stream` separates uses of one seed (the split, the start of the prompt, the order of the batches), so that
// changing how many numbers one use draws leaves the others as they were.
void random_seed(struct random *r, uint64_t seed, uint64_t stream);
uint64_t random_next(struct random *r);
// Uniform in [0, bound), without modulo bias; bound > 0.
size_t random_below(struct random *r, size_t bound);
// Uniform in [0, 1) with 53 bits.
double random_uniform(struct random *r);
// Standard normal (Box-Muller; two uniforms each, nothing is kept back).
double random_normal(struct random *r);
// Fisher-Yates.
void random_shuffle(struct random *r, size_t *items, size_t count);

#endif
