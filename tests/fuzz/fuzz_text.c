// SPDX-License-Identifier: GPL-3.0-or-later
// Texts through the shipped tokenizer: any bytes give ids that exist, and pieces in the middle of a text too.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/pieces.h"
#include "fuzz.h"

static const struct tokenizer *shipped(void) {
    static struct tokenizer *t;
    struct error e = {0};
    if (!t && !tokenizer_load(&t, "tests/share/models/sprout", &e)) {
        fprintf(stderr, "%s (targets run in the top folder)\n", e.text);
        abort();
    }
    return t;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct tokenizer *t = shipped();
    struct error e = {0};
    struct token_list list = {0};
    char *text = fuzz_text(data, size);
    fuzz_answer(tokenizer_encode(t, text, size, &list, &e), &e);
    fuzz_answer(tokenizer_encode_special(t, text, size, &list, &e), &e);
    fuzz_answer(pieces_encode(t, text, size, true, &list, &e), &e);
    for (size_t i = 0; i < list.count; i++)
        REQUIRE(list.id[i] >= 0 && (size_t)list.id[i] < tokenizer_ids(t));
    char *back = tokenizer_decode(t, list.id, list.count, &e);
    REQUIRE(back && utf8_valid(back, strlen(back), NULL));
    int32_t found = tokenizer_find(t, text);
    REQUIRE(found >= -1 && (found < 0 || (size_t)found < tokenizer_ids(t)));
    free(back);
    free(text);
    token_list_free(&list);
    return 0;
}
