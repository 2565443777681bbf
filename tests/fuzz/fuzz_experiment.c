// SPDX-License-Identifier: GPL-3.0-or-later
// Experiments: any text is read or refused with a message; what is read has a grid.
#include <stdlib.h>

#include "fuzz.h"
#include "sessions/experiment.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct experiment x;
    struct error e = {0};
    if (fuzz_answer(experiment_parse(&x, (const char *)data, size, ".", &e), &e)) {
        struct experiment_cell *cell = NULL;
        size_t count;
        REQUIRE(x.methods > 0 && x.seeds > 0 && x.tasks.count > 0 && x.words.count > 0);
        if (experiment_cells(&x, &cell, &count, &e))
            free(cell);
        experiment_free(&x);
    }
    return 0;
}
