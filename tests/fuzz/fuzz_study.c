// SPDX-License-Identifier: GPL-3.0-or-later
// Recorded studies of the Pattern screen: one byte for the kind, then JSON. A result is taken, and written
// again it is taken once more, or it is refused with a message.
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/inspect/word_search.h"
#include "engine/inspect/zero_shot.h"
#include "fuzz.h"

static struct study *asked(unsigned kind) {
    static char template_text[] = "{text_a} {mask}", words[] = "bad; good";
    struct run_settings settings;
    run_settings_default(&settings);
    if (kind % 3 == 2) {
        const struct word_search_ask ask = {template_text, words, settings};
        struct word_search *s = word_search_make(&ask, NULL);
        REQUIRE(s);
        return &s->study;
    }
    const struct zero_shot_ask ask = {
        .template_text = template_text, .label_words = words, .settings = settings};
    struct zero_shot *z = zero_shot_make(kind % 3 ? &zero_shot_dev_kind : &zero_shot_kind, &ask, NULL);
    REQUIRE(z);
    return &z->study;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    unsigned kind = size ? data[0] : 0;
    cJSON *json = size ? json_parse((const char *)data + 1, size - 1, &e) : NULL;
    if (!json)
        return 0;
    struct study *s = asked(kind), *again = asked(kind);
    if (fuzz_answer(s->kind->read(s, json, &e), &e)) {
        cJSON *written = s->kind->write(s);
        REQUIRE(written && fuzz_answer(again->kind->read(again, written, &e), &e));
        cJSON_Delete(written);
    }
    study_free(s);
    study_free(again);
    cJSON_Delete(json);
    return 0;
}
