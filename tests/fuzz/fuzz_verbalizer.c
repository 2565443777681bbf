// SPDX-License-Identifier: GPL-3.0-or-later
// Label words: what parses prints in both forms to text that parses to the same words.
#include <stdlib.h>
#include <string.h>

#include "engine/pvp/verbalizer.h"
#include "fuzz.h"

enum { CLASSES = 2 };
static char *name[CLASSES] = {"negative", "positive"}, *value[CLASSES] = {"0", "1"};

static bool equal(const struct verbalizer *a, const struct verbalizer *b) {
    if (a->classes != b->classes)
        return false;
    for (size_t c = 0; c < a->classes; c++) {
        if (a->label[c].words != b->label[c].words)
            return false;
        for (size_t w = 0; w < a->label[c].words; w++)
            if (strcmp(a->label[c].word[w].text, b->label[c].word[w].text) != 0 ||
                a->label[c].word[w].bare != b->label[c].word[w].bare)
                return false;
    }
    return true;
}

static void print(const struct verbalizer *v, enum verbalizer_form form) {
    struct error e = {0};
    struct verbalizer again;
    char *text = verbalizer_print(v, form, &e);
    if (!fuzz_answer(text, &e)) // a word may hold what lines cannot
        REQUIRE(form == VERBALIZER_LINES);
    if (!text)
        return;
    REQUIRE(verbalizer_parse(&again, text, name, value, CLASSES, &e));
    REQUIRE(equal(v, &again));
    free(text);
    verbalizer_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct verbalizer v;
    char *text = fuzz_text(data, size);
    if (fuzz_answer(verbalizer_parse(&v, text, name, value, CLASSES, &e), &e)) {
        for (size_t c = 0; c < v.classes; c++)
            REQUIRE(v.label[c].words > 0);
        print(&v, VERBALIZER_JSON);
        print(&v, VERBALIZER_LINES);
        verbalizer_free(&v);
    }
    free(text);
    return 0;
}
