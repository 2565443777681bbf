// SPDX-License-Identifier: GPL-3.0-or-later
// Names of keys: what parses prints to a name that parses to the same key.
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "fuzz.h"
#include "tui/key.h"
#include "tui/keymap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct key k, again;
    char *text = fuzz_text(data, size), name[64];
    if (key_parse(&k, text, size)) {
        key_print(k, name, sizeof name);
        REQUIRE(utf8_valid(name, strlen(name), NULL));
        REQUIRE(key_parse(&again, name, strlen(name)));
        REQUIRE(key_equal(k, again));
        for (unsigned where = 0; where < 8; where++)
            key_request(k, 1u << where);
    }
    request_find(text);
    free(text);
    return 0;
}
