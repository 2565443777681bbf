// SPDX-License-Identifier: GPL-3.0-or-later
// session.json: what is read is written again as text that reads back to the same text; unknown keys stay.
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "fuzz.h"
#include "sessions/session_inside.h"

static struct session *read_session(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct session *s = session_new("fuzz", fuzz_folder(), &e);
    REQUIRE(s);
    const char *path = fuzz_file("session.json", data, size);
    if (fuzz_answer(session_parts_read(s, path, &e), &e))
        return s;
    session_free(s);
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    free(session_peek_task(fuzz_folder()));
    struct session *s = read_session(data ? data : (const uint8_t *)"", size);
    if (!s)
        return 0;
    fuzz_plain(session_notes(s), true);
    char mark[CHECKPOINT_SETUP];
    session_mark(s, mark);
    char *once = session_parts_print(s, 0, &e);
    REQUIRE(once);
    struct session *again = read_session((const uint8_t *)once, strlen(once));
    REQUIRE(again);
    char *twice = session_parts_print(again, 0, &e);
    REQUIRE(twice && strcmp(once, twice) == 0);
    session_free(again);
    session_free(s);
    free(once);
    free(twice);
    return 0;
}
