// SPDX-License-Identifier: GPL-3.0-or-later
// golden FOLDER...: runs the engine on directories of golden values (tests/golden/README.md) and compares
// every quantity they hold. One line each: name, largest error, tolerance, `ok` or `OFF`; what a folder
// should hold and does not is OFF too. Exits 0 only when all hold.
//
// Errors are relative to the largest value of the wanted tensor; those of losses and of golden.json are
// absolute.
#include <stdio.h>
#include <string.h>

#include "tests/tools/golden/golden.h"

static bool check_all(struct golden *g, struct error *e) {
    golden_check_buckets(g);
    if (!golden_check_states(g, e) || !golden_check_gradients(g, e) || !golden_check_training(g, e))
        return false;
    golden_check_complete(g);
    return true;
}

static bool check_folder(const char *folder, bool openblas) {
    struct error e = {0};
    struct golden g;
    printf("%s\n", folder);
    bool ok = golden_open(&g, folder, &e);
    g.openblas = openblas;
    ok = ok && check_all(&g, &e);
    if (!ok) {
        golden_off(&g, folder, e.text);
        printf("%s: not compared to the end: ", folder);
    } else {
        printf("%s: ", folder);
    }
    printf("%zu quantities, %zu off\n\n", g.lines, g.off);
    ok = ok && g.off == 0;
    golden_close(&g);
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs("usage: golden [--openblas] FOLDER...\nCompares the engine with golden values, e.g. golden "
              "tests/golden/*/\n"
              "--openblas: OpenBLAS does the large products instead of our own kernels\n",
              argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    bool ok = true, openblas = strcmp(argv[1], "--openblas") == 0;
    for (int i = 1 + openblas; i < argc; i++)
        ok = check_folder(argv[i], openblas) && ok;
    return ok ? 0 : 1;
}
