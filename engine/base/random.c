// SPDX-License-Identifier: GPL-3.0-or-later
// xoshiro256** and the draws built on it.
#include "random.h"

#include <math.h>

static uint64_t splitmix(uint64_t *x) {
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void random_seed(struct random *r, uint64_t seed, uint64_t stream) {
    uint64_t x = seed;
    uint64_t mixed = splitmix(&x) ^ (stream * 0xd1342543de82ef95u);
    for (int i = 0; i < 4; i++)
        r->state[i] = splitmix(&mixed);
}

static uint64_t rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

uint64_t random_next(struct random *r) {
    uint64_t *s = r->state;
    uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

size_t random_below(struct random *r, size_t bound) {
    uint64_t limit = UINT64_MAX - UINT64_MAX % bound, x;
    do
        x = random_next(r);
    while (x >= limit);
    return (size_t)(x % bound);
}

double random_uniform(struct random *r) {
    return (double)(random_next(r) >> 11) * 0x1p-53;
}

double random_normal(struct random *r) {
    double u = 1.0 - random_uniform(r), v = random_uniform(r); // u in (0, 1]
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

void random_shuffle(struct random *r, size_t *items, size_t count) {
    for (size_t i = count; i > 1; i--) {
        size_t j = random_below(r, i), kept = items[i - 1];
        items[i - 1] = items[j];
        items[j] = kept;
    }
}
