// SPDX-License-Identifier: GPL-3.0-or-later
// prompts/last.safetensors: what is read is written again to a file that reads back to the same numbers.
#include <math.h>
#include <string.h>

#include "fuzz.h"
#include "sessions/checkpoint.h"

static bool same_array(const struct run_array *a, const struct run_array *b) {
    return strcmp(a->name, b->name) == 0 && a->rows == b->rows && a->columns == b->columns &&
           memcmp(a->value, b->value, a->rows * a->columns * sizeof *a->value) == 0;
}

static void write_again(const struct run_checkpoint *c, const char *setup) {
    struct error e = {0};
    struct run_checkpoint again;
    char mark[CHECKPOINT_SETUP];
    const char *path = fuzz_file("again.safetensors", NULL, 0);
    REQUIRE(checkpoint_write(path, c, setup[0] ? setup : NULL, &e));
    REQUIRE(checkpoint_read(&again, mark, path, &e));
    REQUIRE(strcmp(mark, setup) == 0 && again.arrays == c->arrays && again.step == c->step);
    REQUIRE(again.optimizer_step == c->optimizer_step && again.epoch == c->epoch);
    REQUIRE(again.position == c->position && again.has_best == c->has_best && again.rate == c->rate);
    for (size_t i = 0; i < c->arrays; i++)
        REQUIRE(same_array(&c->array[i], &again.array[i]));
    checkpoint_release(&again);
    if (c->has_best)
        REQUIRE(checkpoint_write_best(fuzz_file("best.safetensors", NULL, 0), c, "model", &e));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct run_checkpoint c;
    char setup[CHECKPOINT_SETUP];
    const char *path = fuzz_file("last.safetensors", data ? data : (const uint8_t *)"", size);
    if (!fuzz_answer(checkpoint_read(&c, setup, path, &e), &e))
        return 0;
    REQUIRE(c.arrays > 0 && isfinite(c.rate) && c.rate >= 0);
    REQUIRE(c.best.kind <= METRIC_EDIT);
    for (size_t i = 0; i < c.arrays; i++)
        REQUIRE(c.array[i].rows * c.array[i].columns <= size);
    write_again(&c, setup);
    checkpoint_release(&c);
    return 0;
}
