// SPDX-License-Identifier: GPL-3.0-or-later
// Loading whole model folders: the goldens, shards, aliases, and what is wrong with a folder said precisely.
#include "check.h"

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"

static const char *const goldens[] = {"v11_f32",      "v11_full_bf16", "v11_f16",   "v10_f32_tied",
                                      "v10_defaults", "v11_long",      "v11_newcfg"};

TEST(goldens_load) {
    if (!check_shared("golden") || !file_is_folder(check_shared("golden")))
        SKIP("no shared golden folder");
    for (size_t i = 0; i < sizeof goldens / sizeof goldens[0]; i++) {
        struct error e = {0};
        struct model *m;
        char below[64];
        snprintf(below, sizeof below, "golden/%s", goldens[i]);
        CHECK_OK(model_load(&m, check_shared(below), &e));
        bool tied = strncmp(goldens[i], "v10", 3) == 0;
        CHECK((m->head == m->embedding) == tied);
        CHECK(m->config.gated == !tied);
        CHECK(m->config.scale_decoder_outputs == tied);
        if (strcmp(goldens[i], "v11_newcfg") == 0)
            CHECK_TEXT(m->embedding->name, "decoder.embed_tokens.weight");
        model_free(m);
    }
}
