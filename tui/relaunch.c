// SPDX-License-Identifier: GPL-3.0-or-later
// The one exec of the program.
#include "relaunch.h"

#include <stdlib.h>
#include <unistd.h>

void relaunch_with_core(const char *core, char **argv) {
    if (setenv("OPENBLAS_CORETYPE", core, 1) != 0)
        return;
    setenv("OPENBLAS_NUM_THREADS", "1", 0);
    execv("/proc/self/exe", argv);
}
