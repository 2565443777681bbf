// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8: decoding covers every byte once, agrees with the check, and encodes back to the same bytes.
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = calloc(size ? size : 1, 1); // without a NUL: nothing may be read behind it
    REQUIRE(text);
    if (size)
        memcpy(text, data, size);
    size_t bad = SIZE_MAX, first_wrong = SIZE_MAX;
    bool valid = utf8_valid(text, size, &bad);
    for (size_t at = 0; at < size;) {
        uint32_t code_point;
        char bytes[4];
        size_t n = utf8_decode(text + at, size - at, &code_point);
        REQUIRE(n >= 1 && n <= 4 && at + n <= size);
        REQUIRE(code_point <= 0x10ffff && !(code_point >= 0xd800 && code_point <= 0xdfff));
        bool same = utf8_encode(code_point, bytes) == n && memcmp(bytes, text + at, n) == 0;
        REQUIRE(same || (code_point == 0xfffd && n == 1));
        if (!same && first_wrong == SIZE_MAX)
            first_wrong = at;
        for (size_t k = at; valid && k < at + n; k++)
            REQUIRE(utf8_boundary(text, size, k) == at);
        at += n;
    }
    REQUIRE(valid == (first_wrong == SIZE_MAX));
    REQUIRE(valid || bad == first_wrong);
    for (size_t at = 0; at <= size; at++)
        REQUIRE(utf8_boundary(text, size, at) <= at);
    free(text);
    return 0;
}
