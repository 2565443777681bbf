// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/base/hash.h"

uint64_t hash_bytes(uint64_t h, const void *bytes, size_t length) {
    const unsigned char *b = bytes;
    for (size_t i = 0; i < length; i++)
        h = hash_byte(h, b[i]);
    return h;
}
