// SPDX-License-Identifier: GPL-3.0-or-later
// The measured values of a metric by name: what journals and checkpoints both write.
#ifndef PROMPTER_SESSIONS_METRIC_FIELDS_H
#define PROMPTER_SESSIONS_METRIC_FIELDS_H

#include <stddef.h>

#include "engine/tune/run.h"

struct metric_field {
    const char *name; // "train_loss"
    size_t offset;    // of a float in struct metric
};
enum { METRIC_FIELDS = 10 };
extern const struct metric_field metric_field_table[METRIC_FIELDS];

float metric_field_get(const struct metric *m, size_t field);
void metric_field_set(struct metric *m, size_t field, float value);
// A metric of nothing: every value NaN.
struct metric metric_empty(void);

// "step", "eval", ...; NULL for a kind that does not exist.
const char *metric_kind_name(enum metric_kind kind);

#endif
