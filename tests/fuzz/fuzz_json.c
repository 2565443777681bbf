// SPDX-License-Identifier: GPL-3.0-or-later
// JSON: what is read prints to text that reads back to the same text; a single string decodes to bytes.
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/utf8.h"
#include "fuzz.h"

static void value(const char *text, size_t size) {
    struct error e = {0};
    cJSON *node = json_parse(text, size, &e);
    if (!fuzz_answer(node, &e))
        return;
    REQUIRE(utf8_valid(text, size, NULL));
    char *once = json_print(node, false, &e);
    REQUIRE(once);
    cJSON *again = json_parse(once, strlen(once), &e);
    REQUIRE(again);
    char *twice = json_print(again, false, &e);
    REQUIRE(twice && strcmp(once, twice) == 0);
    double number = 0;
    size_t whole = 7;
    if (json_get_number(node, "a", false, &number, &e))
        REQUIRE(number - number == 0);
    if (json_get_size(node, "a", false, 3, 9, &whole, &e))
        REQUIRE(whole >= 3 && whole <= 9);
    cJSON_Delete(again);
    cJSON_Delete(node);
    free(once);
    free(twice);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    value(text, size);
    struct error e = {0};
    size_t decoded;
    char *bytes = json_decode_string(text, size, &decoded, &e);
    if (fuzz_answer(bytes, &e)) {
        REQUIRE(decoded <= size);
        REQUIRE(utf8_valid(bytes, decoded, NULL));
    }
    free(bytes);
    free(text);
    return 0;
}
