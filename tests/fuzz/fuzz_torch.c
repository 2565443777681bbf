// SPDX-License-Identifier: GPL-3.0-or-later
// Files of torch.save, in both forms: after a file was opened, every value of every tensor can be read, as
// the same file can be read as a soft prompt.
#include <math.h>
#include <stdlib.h>

#include "engine/model/torch_file.h"
#include "fuzz.h"
#include "sessions/prompt_file.h"

static void read_tensor(const struct torch_file *file, const struct safetensors_tensor *t, size_t size) {
    struct error e = {0};
    REQUIRE(t->bytes <= size && t->count <= size);
    REQUIRE(torch_file_find(file, t->name) == t);
    double *wide = calloc(t->count + 1, sizeof *wide);
    REQUIRE(wide);
    fuzz_answer(safetensors_read_doubles(t, wide, &e), &e);
    free(wide);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    const char *path = fuzz_file("prompt.pt", data ? data : (const uint8_t *)"", size);
    struct torch_file *file;
    if (fuzz_answer(torch_file_open(&file, path, &e), &e)) {
        REQUIRE(torch_file_count(file));
        for (size_t i = 0; i < torch_file_count(file); i++)
            read_tensor(file, torch_file_at(file, i), size);
        torch_file_close(file);
    }
    struct prompt_matrix m;
    if (fuzz_answer(prompt_file_read(&m, path, &e), &e)) {
        REQUIRE(m.rows && m.columns && m.rows <= size / m.columns);
        for (size_t i = 0; i < m.rows * m.columns; i++)
            REQUIRE(isfinite(m.value[i]));
        prompt_matrix_free(&m);
    }
    return 0;
}
