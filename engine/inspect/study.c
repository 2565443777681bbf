// SPDX-License-Identifier: GPL-3.0-or-later
// What all studies have in common.
#include "engine/inspect/study.h"

void study_free(struct study *s) {
    if (s)
        s->kind->free(s);
}
