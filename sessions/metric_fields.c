// SPDX-License-Identifier: GPL-3.0-or-later
#include "metric_fields.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define FIELD(name)                                                                                          \
    { #name, offsetof(struct metric, name) }
const struct metric_field metric_field_table[METRIC_FIELDS] = {
    FIELD(train_loss), FIELD(train_accuracy), FIELD(gradient_norm), FIELD(update_norm), FIELD(prompt_norm),
    FIELD(rate),       FIELD(dev_loss),       FIELD(dev_accuracy),  FIELD(dev_f1),      FIELD(seconds),
};
#undef FIELD

float metric_field_get(const struct metric *m, size_t field) {
    float x;
    memcpy(&x, (const char *)m + metric_field_table[field].offset, sizeof x);
    return x;
}

void metric_field_set(struct metric *m, size_t field, float value) {
    memcpy((char *)m + metric_field_table[field].offset, &value, sizeof value);
}

struct metric metric_empty(void) {
    struct metric m = {.undone_to = SIZE_MAX, .edit_slot = EDIT_EVERY_SLOT};
    for (size_t i = 0; i < METRIC_FIELDS; i++)
        metric_field_set(&m, i, NAN);
    return m;
}

const char *metric_kind_name(enum metric_kind kind) {
    static const char *const names[] = {
        [METRIC_STEP] = "step", [METRIC_EVAL] = "eval",   [METRIC_RATE] = "rate",
        [METRIC_UNDO] = "undo", [METRIC_EDIT] = "prompt",
    };
    return (size_t)kind < sizeof names / sizeof names[0] ? names[kind] : NULL;
}
