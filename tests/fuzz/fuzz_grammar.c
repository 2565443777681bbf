// SPDX-License-Identifier: GPL-3.0-or-later
// Grammars: any bytes are read or refused with a message; what is read writes documents of both parts, whose
// sentences are clean text, the same for the same seed.
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/pretrain/grammar.h"
#include "fuzz.h"

static void check_document(const struct generated *d) {
    for (size_t i = 0; i < d->count; i++) {
        const char *s = d->sentence[i].text;
        REQUIRE(s && s[0] && d->sentence[i].key);
        for (const char *c = s; *c; c++)
            REQUIRE((unsigned char)*c >= 8);
    }
}

static void write_some(const struct grammar *g, const char *rule, enum grammar_part part) {
    struct error e = {0};
    struct generator *m = NULL, *again = NULL;
    struct generated d, same;
    REQUIRE(generator_create(&m, g, part, 1, &e) && generator_create(&again, g, part, 1, &e));
    for (uint64_t n = 0; n < 3; n++) {
        if (!fuzz_answer(generator_document(m, rule, n, &d, &e), &e))
            break;
        check_document(&d);
        REQUIRE(generator_document(again, rule, n, &same, &e) && same.count == d.count);
        for (size_t i = 0; i < d.count; i++)
            REQUIRE(strcmp(d.sentence[i].text, same.sentence[i].text) == 0);
    }
    generator_free(m);
    generator_free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct grammar *g = NULL;
    const struct grammar_task *t;
    if (!fuzz_answer(grammar_parse(&g, "g", (const char *)data, size, &e), &e))
        return 0;
    const char *start = "document";
    size_t tasks = grammar_tasks(g, &t);
    for (size_t i = 0; i < tasks; i++)
        REQUIRE(t[i].name && t[i].rule && t[i].label && t[i].classes >= 2);
    if (tasks && !grammar_has_rule(g, start))
        start = t[0].rule;
    if (grammar_has_rule(g, start)) {
        write_some(g, start, GRAMMAR_CORPUS);
        write_some(g, start, GRAMMAR_TASKS);
    }
    grammar_free(g);
    return 0;
}
