// SPDX-License-Identifier: GPL-3.0-or-later
// Where a soft prompt starts (enum prompt_start in settings.h). The same seed gives the same start.
#ifndef PROMPTER_ENGINE_TUNE_START_H
#define PROMPTER_ENGINE_TUNE_START_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/model/model.h"
#include "engine/pvp/render.h"
#include "engine/pvp/verbalizer.h"
#include "engine/tune/settings.h"

struct start_inputs { // borrowed
    const struct model *model;
    const struct pattern *pattern; // its slots; those with start words of their own begin from these
    const struct verbalizer *verbalizer;
    const float *file_vectors; // [file_count, d_model] for START_FILE and START_PRETRAINED
    size_t file_count;
    const struct task *task; // for START_TASK_WORDS; NULL: there are no examples
    const struct split *split;
};
// out [slots, d_model].
bool prompt_start_make(const struct start_inputs *in, const struct run_settings *settings, float *out,
                       struct error *e);

#endif
