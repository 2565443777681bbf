// SPDX-License-Identifier: GPL-3.0-or-later
// FNV-1a with 64 bits (Fowler, Noll, Vo; public domain): texts as numbers, to see which are the same. Not
// against anybody who looks for texts with equal numbers. The numbers stand in files: they do not change.
#ifndef PROMPTER_ENGINE_BASE_HASH_H
#define PROMPTER_ENGINE_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static inline uint64_t hash_byte(uint64_t h, unsigned char byte) {
    return (h ^ byte) * UINT64_C(0x100000001b3);
}
// What was hashed so far, and these bytes: hash_bytes(HASH_START, bytes, length) for a beginning.
uint64_t hash_bytes(uint64_t h, const void *bytes, size_t length);

#endif
