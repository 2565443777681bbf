// SPDX-License-Identifier: GPL-3.0-or-later
// A checkpoint's folder: config.json, "%%", model.safetensors.index.json (empty: there is none), "%%", a
// safetensors file, which is model.safetensors, or a.safetensors where there is an index.
#include "engine/model/model.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct fuzz_part part[3];
    fuzz_split(data, size, part, 3);
    bool sharded = part[1].size > 0;
    fuzz_file("config.json", part[0].data ? part[0].data : (const uint8_t *)"", part[0].size);
    fuzz_file("model.safetensors.index.json", sharded ? part[1].data : NULL, part[1].size);
    fuzz_file("model.safetensors", sharded ? NULL : part[2].data, part[2].size);
    fuzz_file("a.safetensors", sharded ? part[2].data : NULL, part[2].size);
    struct model *m;
    if (!fuzz_answer(model_load(&m, fuzz_folder(), &e), &e))
        return 0;
    REQUIRE(m->parameters && m->parameters <= size && m->file_bytes <= size);
    REQUIRE(m->embedding && m->head && m->embedding->columns == m->config.d_model);
    float row[64];
    if (m->config.d_model <= 64)
        model_embedding_row(m, m->config.vocab_size - 1, row);
    REQUIRE(model_make_trainable(m, &e));
    model_free(m);
    return 0;
}
