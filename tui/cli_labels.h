// SPDX-License-Identifier: GPL-3.0-or-later
// Labelling the sentences of a text for the pre-training task cls with the classifier that a session has
// tuned: prompter pretrain --task cls --classifier SESSION.
#ifndef PROMPTER_TUI_CLI_LABELS_H
#define PROMPTER_TUI_CLI_LABELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/threads.h"
#include "engine/data/corpus.h"
#include "engine/pretrain/ppt_labels.h"
#include "tui/cli_progress.h"

struct cli_labelling {             // borrowed
    const char *classifier, *path; // the session, and the file that is written
    const char *sure;              // --sure; NULL: the paper's
    size_t most;                   // of each level; 0: the paper's
    uint64_t seed;
    bool overwrite;
    const struct corpus *corpus;
    struct thread_pool *pool;
    const atomic_bool *cancel;
    struct cli_progress *progress;
};
// Progress is told, and so is a level of which nothing is found early on. Stopped, it keeps what it has in
// PATH.part, says so, and goes on from there when the same is asked for again. A file that is there is
// written over only where that was asked for.
bool cli_labels_make(struct ppt_labels *out, const struct cli_labelling *l, struct error *e);
// "12 terrible, 3 bad, 4 maybe, 5 good, 6 great"
void cli_labels_print(char *out, size_t size, const struct ppt_labels *l);

#endif
