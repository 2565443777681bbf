// SPDX-License-Identifier: GPL-3.0-or-later
// What results of studies are made of, as JSON: for recorded screens (study_kind.write and read). Numbers
// keep six digits, more than a screen shows.
#ifndef PROMPTER_ENGINE_INSPECT_STUDY_JSON_H
#define PROMPTER_ENGINE_INSPECT_STUDY_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/inspect/mask.h"
#include "engine/tune/evaluation.h"
#include "engine/tune/settings.h"

// Adds a member; nothing where `x` is NULL.
void study_put_floats(cJSON *object, const char *key, const float *x, size_t count);
void study_put_likely(cJSON *object, const char *key, const struct likely_token *t, size_t count);
void study_put_evaluation(cJSON *object, const char *key, const struct evaluation *v);
// What decides what a pattern's words score: loss, pieces, budget.
void study_put_settings(cJSON *object, const struct run_settings *s);

// *out is owned and has *count numbers; NULL and 0 where the member is absent.
bool study_get_floats(const cJSON *object, const char *key, float **out, size_t *count, struct error *e);
bool study_get_likely(const cJSON *object, const char *key, struct likely_token *out, size_t most,
                      size_t *count, struct error *e);
bool study_get_evaluation(const cJSON *object, const char *key, struct evaluation *out, struct error *e);
bool study_same_settings(const cJSON *object, const struct run_settings *s);
bool study_same_text(const cJSON *object, const char *key, const char *text); // NULL: absent

#endif
