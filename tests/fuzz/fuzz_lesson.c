// SPDX-License-Identifier: GPL-3.0-or-later
// Lessons: any text is read or refused with a message.
#include "fuzz.h"
#include "sessions/lesson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct lesson l;
    struct error e = {0};
    if (fuzz_answer(lesson_parse(&l, "fuzz", (const char *)data, size, &e), &e)) {
        REQUIRE(l.steps > 0 && l.title && l.task);
        lesson_free(&l);
    }
    return 0;
}
