// SPDX-License-Identifier: GPL-3.0-or-later
// The session as the engine's keeper: takes the run's picture and hands it on.
#include "session_inside.h"

static bool keep(void *context, enum keep_reason why, const struct run *run, struct error *e) {
    struct run_checkpoint c = {0};
    // All weights are too much to be written after a step.
    if (why == KEEP_STEP && (run_fine_tunes(run) || !session_step_due(context)))
        return true;
    if (!run_save(run, &c, e))
        return false;
    bool ok = session_keep_checkpoint(context, why, &c, e);
    run_checkpoint_free(&c);
    return ok;
}

static void keep_metric(void *context, const struct metric *m) {
    session_keep_metric(context, m);
}

static void keep_test(void *context, const struct evaluation *test, size_t step) {
    session_keep_test(context, test, step);
}

struct keeper session_keeper(struct session *s) {
    return (struct keeper){.keep = keep, .metric = keep_metric, .test = keep_test, .context = s};
}
