// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration file: whatever stands in it, options stay in their ranges, problems are lines that can be
// shown, every name of a key that the map tells leads to its request, and the file that describes everything
// still reads as it should afterwards.
#include <stdlib.h>
#include <string.h>

#include "engine/tune/settings.h"
#include "fuzz.h"
#include "tui/keymap.h"
#include "tui/preferences.h"
#include "tui/theme.h"

static bool set_setting(void *settings, const char *name, const char *value, struct error *e) {
    return fuzz_answer(run_settings_set(settings, name, value, e), e);
}

static void check_keys(void) {
    for (size_t i = 0; keymap_screen_at(i); i++) {
        unsigned where;
        REQUIRE(keymap_screen_find(keymap_screen_at(i), strlen(keymap_screen_at(i)), &where));
        if (where == WHERE_ALL)
            continue;
        for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
            char keys[KEYMAP_KEYS];
            const char *at = keymap_keys((enum request)r, where, keys);
            for (; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
                struct key k;
                REQUIRE(key_parse(&k, at, strcspn(at, " ")));
                REQUIRE(key_request(k, where) == (enum request)r);
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct preferences p;
    struct run_settings settings;
    const struct preference_settings known = {.context = &settings, .set = set_setting};
    char *text = fuzz_text(data, size);
    run_settings_default(&settings);
    preferences_default(&p);
    preferences_read(&p, "config", text, size, &known);
    REQUIRE((p.problem_count > 0) == (p.problems.length > 0));
    if (p.problems.data)
        fuzz_plain(p.problems.data, true);
    REQUIRE(p.threads <= 1024 && p.escape_delay >= 1 && p.escape_delay <= 1000);
    REQUIRE(theme_set(p.theme));
    check_keys();
    preferences_free(&p);
    preferences_read(&p, "config", text, size, NULL); // without settings
    preferences_free(&p);
    keymap_reset();
    free(text);
    return 0;
}
