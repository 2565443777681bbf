// SPDX-License-Identifier: GPL-3.0-or-later
// Paragraphs into sentences: whatever the bytes, the sentences lie in them in order, and only white space is
// left out between them.
#include <stdlib.h>
#include <string.h>

#include "engine/data/sentences.h"
#include "fuzz.h"

struct progress {
    const char *at, *end;
};

static void require_space(const char *from, const char *to) {
    size_t length = (size_t)(to - from);
    sentence_trim(&from, &length);
    REQUIRE(length == 0);
}

static bool take(void *context, const char *text, size_t length) {
    struct progress *p = context;
    REQUIRE(length > 0 && text >= p->at && length <= (size_t)(p->end - text));
    require_space(p->at, text);
    const char *trimmed = text;
    size_t trimmed_length = length;
    sentence_trim(&trimmed, &trimmed_length);
    REQUIRE(trimmed == text && trimmed_length == length);
    p->at = text + length;
    return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    struct progress p = {text, text + size};
    REQUIRE(sentences_split(text, size, take, &p));
    require_space(p.at, p.end);
    free(text);
    return 0;
}
