// SPDX-License-Identifier: GPL-3.0-or-later
#include "study_json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"

// ---- writing ----

static cJSON *rounded(double x) {
    char digits[32];
    if (!isfinite(x))
        return cJSON_CreateNull();
    snprintf(digits, sizeof digits, "%.6g", x);
    return cJSON_CreateNumber(strtod(digits, NULL));
}

void study_put_floats(cJSON *object, const char *key, const float *x, size_t count) {
    if (!x)
        return;
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, rounded(x[i]));
}

void study_put_likely(cJSON *object, const char *key, const struct likely_token *t, size_t count) {
    cJSON *list = cJSON_AddArrayToObject(object, key);
    for (size_t i = 0; i < count; i++) {
        cJSON_AddItemToArray(list, cJSON_CreateNumber(t[i].id));
        cJSON_AddItemToArray(list, rounded(t[i].probability));
    }
}

static cJSON *sizes(const size_t *x, size_t count) {
    cJSON *list = cJSON_CreateArray();
    for (size_t i = 0; i < count; i++)
        cJSON_AddItemToArray(list, cJSON_CreateNumber((double)x[i]));
    return list;
}

void study_put_evaluation(cJSON *object, const char *key, const struct evaluation *v) {
    cJSON *o = cJSON_AddObjectToObject(object, key);
    cJSON_AddNumberToObject(o, "examples", (double)v->examples);
    cJSON_AddNumberToObject(o, "correct", (double)v->correct);
    cJSON_AddNumberToObject(o, "elsewhere", (double)v->elsewhere);
    cJSON_AddItemToObject(o, "loss", rounded(v->loss));
    cJSON_AddItemToObject(o, "f1", rounded(v->macro_f1));
    cJSON_AddItemToObject(o, "of", sizes(v->of_class, v->classes));
    cJSON_AddItemToObject(o, "predicted", sizes(v->predicted_class, v->classes));
    cJSON_AddItemToObject(o, "right", sizes(v->correct_class, v->classes));
    if (v->classes <= 16)
        cJSON_AddItemToObject(o, "confusion", sizes(v->confusion, v->classes * v->classes));
}

static const char *const setting_names[] = {"loss", "pieces", "budget"};
enum { SETTINGS = sizeof setting_names / sizeof setting_names[0] };

void study_put_settings(cJSON *object, const struct run_settings *s) {
    char value[RUN_SETTING_TEXT];
    for (size_t i = 0; i < SETTINGS; i++)
        if (run_settings_get(s, setting_names[i], value, sizeof value))
            cJSON_AddStringToObject(object, setting_names[i], value);
}

// ---- reading ----

static double number_or_nan(const cJSON *x) {
    return cJSON_IsNumber(x) ? x->valuedouble : (double)NAN;
}

bool study_get_floats(const cJSON *object, const char *key, float **out, size_t *count, struct error *e) {
    const cJSON *list = NULL, *x;
    size_t n = 0;
    *out = NULL;
    *count = 0;
    if (!json_get_array(object, key, false, &list, e))
        return false;
    if (!list)
        return true;
    if (!(*out = mem_calloc((size_t)cJSON_GetArraySize(list), sizeof **out, e)))
        return false;
    cJSON_ArrayForEach(x, list) {
        (*out)[n++] = (float)number_or_nan(x);
    }
    *count = n;
    return true;
}

bool study_get_likely(const cJSON *object, const char *key, struct likely_token *out, size_t most,
                      size_t *count, struct error *e) {
    const cJSON *list = NULL;
    *count = 0;
    if (!json_get_array(object, key, false, &list, e))
        return false;
    for (const cJSON *x = list ? list->child : NULL; x && x->next && *count < most; x = x->next->next) {
        double id = number_or_nan(x);
        if (!(id >= 0 && id < 1e9))
            return error_set(e, ERROR_INPUT, "\"%s\" should hold token ids and probabilities", key);
        out[(*count)++] = (struct likely_token){(int32_t)id, (float)number_or_nan(x->next)};
    }
    return true;
}

static bool get_sizes(const cJSON *object, const char *key, size_t *out, size_t count, struct error *e) {
    const cJSON *list = NULL, *x;
    size_t n = 0;
    if (!json_get_array(object, key, true, &list, e))
        return false;
    cJSON_ArrayForEach(x, list) {
        if (n == count || !(number_or_nan(x) >= 0 && number_or_nan(x) < 1e12))
            return error_set(e, ERROR_INPUT, "\"%s\" should hold %zu counts", key, count);
        out[n++] = (size_t)x->valuedouble;
    }
    return n == count || error_set(e, ERROR_INPUT, "\"%s\" should hold %zu counts", key, count);
}

bool study_get_evaluation(const cJSON *object, const char *key, struct evaluation *out, struct error *e) {
    const cJSON *o = NULL, *of = NULL;
    const size_t most = (size_t)1 << 40;
    *out = (struct evaluation){0};
    if (!json_get_object(object, key, true, &o, e) || !json_get_array(o, "of", true, &of, e) ||
        !json_get_size(o, "examples", true, 0, most, &out->examples, e) ||
        !json_get_size(o, "correct", true, 0, most, &out->correct, e) ||
        !json_get_size(o, "elsewhere", true, 0, most, &out->elsewhere, e))
        return false;
    out->classes = (size_t)cJSON_GetArraySize(of);
    if (out->classes > TASK_MOST_CLASSES)
        return error_set(e, ERROR_INPUT, "\"%s\" has too many classes", key);
    out->loss = number_or_nan(cJSON_GetObjectItemCaseSensitive(o, "loss"));
    out->macro_f1 = number_or_nan(cJSON_GetObjectItemCaseSensitive(o, "f1"));
    out->accuracy = out->examples ? (double)out->correct / (double)out->examples : (double)NAN;
    return get_sizes(o, "of", out->of_class, out->classes, e) &&
           get_sizes(o, "predicted", out->predicted_class, out->classes, e) &&
           get_sizes(o, "right", out->correct_class, out->classes, e) &&
           (out->classes > 16 || get_sizes(o, "confusion", out->confusion, out->classes * out->classes, e));
}

bool study_same_text(const cJSON *object, const char *key, const char *text) {
    const cJSON *x = cJSON_GetObjectItemCaseSensitive(object, key);
    return text ? cJSON_IsString(x) && strcmp(x->valuestring, text) == 0 : !x;
}

bool study_same_settings(const cJSON *object, const struct run_settings *s) {
    char value[RUN_SETTING_TEXT];
    for (size_t i = 0; i < SETTINGS; i++)
        if (!run_settings_get(s, setting_names[i], value, sizeof value) ||
            !study_same_text(object, setting_names[i], value))
            return false;
    return true;
}
