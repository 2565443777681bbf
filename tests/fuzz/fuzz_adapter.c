// SPDX-License-Identifier: GPL-3.0-or-later
// PEFT adapters: adapter_config.json, "%%", adapter_model.safetensors.
#include <math.h>

#include "fuzz.h"
#include "sessions/prompt_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct fuzz_part part[2];
    fuzz_split(data, size, part, 2);
    fuzz_file("adapter_config.json", part[0].data ? part[0].data : (const uint8_t *)"", part[0].size);
    fuzz_file("adapter_model.safetensors", part[1].data ? part[1].data : (const uint8_t *)"", part[1].size);
    struct prompt_matrix m;
    if (!fuzz_answer(prompt_file_read(&m, fuzz_folder(), &e), &e))
        return 0;
    REQUIRE(m.rows && m.columns && m.rows <= size / m.columns);
    for (size_t i = 0; i < m.rows * m.columns; i++)
        REQUIRE(isfinite(m.value[i]));
    prompt_matrix_free(&m);
    return 0;
}
