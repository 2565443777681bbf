// SPDX-License-Identifier: GPL-3.0-or-later
// A text, "%%", a spiece.model: once it is loaded, texts encode to ids that exist and decode to UTF-8.
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/model/tokenizer.h"
#include "fuzz.h"

static void ask(const struct tokenizer *t) {
    size_t ids = tokenizer_ids(t);
    REQUIRE(ids >= tokenizer_pieces(t) && tokenizer_pieces(t) > 0);
    for (size_t id = 0; id < ids + 2; id += 1 + ids / 500) {
        REQUIRE(tokenizer_piece(t, (int32_t)id));
        tokenizer_is_special(t, (int32_t)id);
        int32_t found = tokenizer_find(t, tokenizer_piece(t, (int32_t)id));
        REQUIRE(found >= -1 && (found < 0 || (size_t)found < ids));
    }
    for (size_t i = 0; i < 100; i++)
        REQUIRE(tokenizer_sentinel(t, i) < (int32_t)ids);
}

static void encode(const struct tokenizer *t, const char *text, size_t length) {
    struct error e = {0};
    struct token_list list = {0};
    if (fuzz_answer(tokenizer_encode(t, text, length, &list, &e), &e) &&
        fuzz_answer(tokenizer_encode_special(t, text, length, &list, &e), &e)) {
        for (size_t i = 0; i < list.count; i++)
            REQUIRE(list.id[i] >= 0 && (size_t)list.id[i] < tokenizer_ids(t));
        char *back = tokenizer_decode(t, list.id, list.count, &e);
        REQUIRE(back && utf8_valid(back, strlen(back), NULL));
        free(back);
    }
    token_list_free(&list);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char sample[] = "A film of two hours, \xef\xac\x81ne <extra_id_0> \xe4\xb8\xad\xe6\x96\x87!";
    struct error e = {0};
    struct fuzz_part part[2];
    struct tokenizer *t;
    fuzz_split(data, size, part, 2);
    const char *path =
        fuzz_file("spiece.model", part[1].data ? part[1].data : (const uint8_t *)"", part[1].size);
    if (!fuzz_answer(tokenizer_load(&t, path, &e), &e))
        return 0;
    ask(t);
    encode(t, sample, sizeof sample - 1);
    char *text = fuzz_text(part[0].data, part[0].size);
    encode(t, text, part[0].size);
    free(text);
    tokenizer_free(t);
    return 0;
}
