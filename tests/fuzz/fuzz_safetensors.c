// SPDX-License-Identifier: GPL-3.0-or-later
// safetensors files: after a file was opened, every value of every tensor can be read, as the same file can
// be read as a soft prompt.
#include <math.h>
#include <stdlib.h>

#include "engine/model/safetensors.h"
#include "fuzz.h"
#include "sessions/prompt_file.h"

static void read_tensor(const struct safetensors *file, const struct safetensors_tensor *t, size_t size) {
    struct error e = {0};
    char shape[40];
    REQUIRE(t->bytes <= size && t->count <= size);
    REQUIRE(safetensors_find(file, t->name) == t);
    safetensors_shape_text(t, shape, sizeof shape);
    double *wide = calloc(t->count + 1, sizeof *wide);
    float *narrow = calloc(t->count + 1, sizeof *narrow);
    int32_t *whole = calloc(t->count + 1, sizeof *whole);
    REQUIRE(wide && narrow && whole);
    fuzz_answer(safetensors_read_doubles(t, wide, &e), &e);
    fuzz_answer(safetensors_read_floats(t, narrow, &e), &e);
    fuzz_answer(safetensors_read_int32(t, whole, &e), &e);
    free(wide);
    free(narrow);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    const char *path = fuzz_file("prompt.safetensors", data ? data : (const uint8_t *)"", size);
    struct safetensors *file;
    if (fuzz_answer(safetensors_open(&file, path, &e), &e)) {
        for (size_t i = 0; i < safetensors_count(file); i++)
            read_tensor(file, safetensors_at(file, i), size);
        safetensors_find(file, "soft_prompt");
        safetensors_metadata(file, "format");
        safetensors_close(file);
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
