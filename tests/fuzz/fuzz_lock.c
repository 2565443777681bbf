// SPDX-License-Identifier: GPL-3.0-or-later
// session.lock as another program may have left it: the session is taken over, or refused with a message.
#include "fuzz.h"
#include "sessions/lock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct session_lock lock, second;
    bool stale = false;
    fuzz_file("session.lock", data ? data : (const uint8_t *)"", size);
    if (fuzz_answer(session_lock_take(&lock, fuzz_folder(), 1, &stale, &e), &e)) {
        REQUIRE(!fuzz_answer(session_lock_take(&second, fuzz_folder(), 2, NULL, &e), &e));
        session_lock_release(&lock);
    }
    fuzz_file("session.lock", NULL, 0);
    return 0;
}
