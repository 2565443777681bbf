// SPDX-License-Identifier: GPL-3.0-or-later
// What every fuzz target stands on. A target is one file, fuzz_NAME.c, with LLVMFuzzerTestOneInput; it is
// linked either with libFuzzer (make fuzz) or with driver.c, which replays tests/fuzz/corpus/NAME and mutates
// it a little (make test).
//
// A target feeds its bytes to a reader. Whatever they are, the reader answers with a value or with a message;
// REQUIRE says what else must hold. Targets print nothing and keep nothing from one input to the next, apart
// from what they build once.
#ifndef PROMPTER_TESTS_FUZZ_H
#define PROMPTER_TESTS_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// Ends the process, saying where and what: a finding.
#define REQUIRE(condition)                                                                                   \
    do {                                                                                                     \
        if (!(condition))                                                                                    \
            fuzz_found(__FILE__, __LINE__, #condition);                                                      \
    } while (0)
_Noreturn void fuzz_found(const char *file, int line, const char *what);

// A call that fills an error: true when it succeeded; otherwise its message must be one that can be shown:
// one line of UTF-8, not empty, without control characters.
bool fuzz_answer(bool ok, const struct error *e);
// The text is such a line, or, with `lines`, several of them.
void fuzz_plain(const char *text, bool lines);

// Owned copy of the bytes with a NUL behind them. The copy is exactly as long as it must be, so that
// AddressSanitizer sees every byte that is read too far.
char *fuzz_text(const uint8_t *data, size_t size);

// Writes the bytes to a file of this name in the target's own folder and returns its path; valid until four
// calls later. With `data` NULL there is no such file afterwards.
const char *fuzz_file(const char *name, const uint8_t *data, size_t size);
const char *fuzz_folder(void);

// Inputs of several parts are one file with lines "%%" between them. Fills part[0 .. parts-1], the missing
// ones with no bytes; the last part takes the rest.
struct fuzz_part {
    const uint8_t *data;
    size_t size;
};
void fuzz_split(const uint8_t *data, size_t size, struct fuzz_part *part, size_t parts);

// Bytes as decisions: each call takes what it needs from the front; an empty part gives zeros.
unsigned fuzz_take(struct fuzz_part *p); // 0 .. 255

#endif
