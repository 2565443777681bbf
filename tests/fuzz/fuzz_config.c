// SPDX-License-Identifier: GPL-3.0-or-later
// config.json of a checkpoint: sizes that come out can be multiplied.
#include <stdlib.h>

#include "engine/model/config.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct t5_config c;
    char *text = fuzz_text(data, size);
    if (fuzz_answer(t5_config_parse(&c, text, size, &e), &e)) {
        REQUIRE(c.vocab_size && c.d_model && c.d_kv && c.d_ff && c.num_heads);
        REQUIRE(c.num_layers && c.num_decoder_layers && c.num_buckets && c.max_distance);
        REQUIRE(c.d_model < SIZE_MAX / sizeof(float) / c.vocab_size);
        REQUIRE(c.layer_norm_epsilon >= 0 && c.layer_norm_epsilon < 1e30);
        REQUIRE(c.pad_id >= 0 && (size_t)c.pad_id < c.vocab_size);
        REQUIRE(c.eos_id >= 0 && (size_t)c.eos_id < c.vocab_size);
        REQUIRE(c.decoder_start_id >= 0 && (size_t)c.decoder_start_id < c.vocab_size);
    }
    free(text);
    return 0;
}
