// SPDX-License-Identifier: GPL-3.0-or-later
// NumPy files as soft prompts: what is read holds finite values and writes back to the same matrix.
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "sessions/npy.h"
#include "sessions/prompt_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    const char *path = fuzz_file("prompt.npy", data ? data : (const uint8_t *)"", size);
    struct prompt_matrix m, again;
    if (!fuzz_answer(prompt_file_read(&m, path, &e), &e))
        return 0;
    REQUIRE(m.rows && m.columns && m.rows <= size / m.columns);
    for (size_t i = 0; i < m.rows * m.columns; i++)
        REQUIRE(isfinite(m.value[i]));
    const char *copy = fuzz_file("copy.npy", NULL, 0);
    REQUIRE(npy_write(copy, m.value, m.rows, m.columns, &e));
    REQUIRE(prompt_file_read(&again, copy, &e));
    REQUIRE(again.rows == m.rows && again.columns == m.columns);
    REQUIRE(memcmp(again.value, m.value, m.rows * m.columns * sizeof *m.value) == 0);
    prompt_matrix_free(&again);
    prompt_matrix_free(&m);
    return 0;
}
