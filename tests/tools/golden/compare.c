// SPDX-License-Identifier: GPL-3.0-or-later
// Comparing values with those of a folder, and what a folder must hold.
#include "golden.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *golden_must(void *memory) {
    if (memory)
        return memory;
    fputs("golden: no memory\n", stderr);
    exit(1);
}

// ---- lines ----

void golden_line(struct golden *g, const char *name, double error, double tolerance) {
    bool ok = error <= tolerance; // false for NaN
    g->lines++;
    g->off += !ok;
    printf("%-84s %10.3e %8.1e %s\n", name, error, tolerance, ok ? "ok" : "OFF");
}

void golden_off(struct golden *g, const char *name, const char *why) {
    g->lines++;
    g->off++;
    printf("%-84s %19s OFF %s\n", name, "", why);
}

// ---- tensors ----

// The largest |got - wanted|, NaN if there is one.
static double largest_difference(const double *got, const double *wanted, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs(got[i] - wanted[i]);
        if (!(difference <= largest))
            largest = difference;
        if (isnan(difference))
            return NAN;
    }
    return largest;
}

static double largest_value(const double *x, size_t count) {
    double largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabs(x[i]) > largest)
            largest = fabs(x[i]);
    return largest;
}

static size_t count_of(struct golden_shape shape) {
    size_t count = 1;
    for (size_t i = 0; i < shape.dimensions; i++)
        count *= shape.of[i];
    return count;
}

static bool same_shape(const struct safetensors_tensor *t, struct golden_shape shape) {
    bool same = t->dimensions == shape.dimensions;
    for (size_t i = 0; same && i < shape.dimensions; i++)
        same = t->shape[i] == shape.of[i];
    return same;
}

static void shape_off(struct golden *g, const struct safetensors_tensor *t, struct golden_shape shape) {
    struct safetensors_tensor wanted = {.dimensions = shape.dimensions};
    memcpy(wanted.shape, shape.of, sizeof shape.of);
    char has[80], should[80], why[240];
    safetensors_shape_text(t, has, sizeof has);
    safetensors_shape_text(&wanted, should, sizeof should);
    snprintf(why, sizeof why, "has the shape %s; with this model and batch it is %s", has, should);
    golden_off(g, t->name, why);
}

static void mark_checked(struct golden *g, const struct safetensors_tensor *t) {
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (safetensors_at(g->tensors, i) == t)
            g->checked[i] = true;
}

void golden_compare(struct golden *g, const char *name, const double *got, struct golden_shape shape,
                    double tolerance, bool absolute) {
    const struct safetensors_tensor *t = safetensors_find(g->tensors, name);
    struct error e = {0};
    if (!t)
        return;
    mark_checked(g, t);
    if (!same_shape(t, shape)) {
        shape_off(g, t, shape);
        return;
    }
    double *wanted = golden_must(calloc(t->count + 1, sizeof *wanted));
    if (safetensors_read_doubles(t, wanted, &e)) {
        double error = largest_difference(got, wanted, t->count), largest = largest_value(wanted, t->count);
        golden_line(g, name, absolute || largest == 0 ? error : error / largest, tolerance);
    } else {
        golden_off(g, name, e.text);
    }
    free(wanted);
}

void golden_compare_floats(struct golden *g, const char *name, const float *got, struct golden_shape shape,
                           double tolerance) {
    size_t count = count_of(shape);
    double *values = golden_must(calloc(count + 1, sizeof *values));
    for (size_t i = 0; i < count; i++)
        values[i] = got[i];
    golden_compare(g, name, values, shape, tolerance, false);
    free(values);
}

// ---- golden.json ----

// The numbers of a node, lists in lists of the lengths of[0], of[1], ..., in order. False if it has another
// form.
static bool read_numbers(const cJSON *node, size_t dimensions, const size_t *of, double **next) {
    if (dimensions == 0) {
        *(*next)++ = cJSON_IsNumber(node) ? node->valuedouble : NAN;
        return cJSON_IsNumber(node);
    }
    bool ok = cJSON_IsArray(node) && (size_t)cJSON_GetArraySize(node) == of[0];
    for (const cJSON *element = ok ? node->child : NULL; ok && element; element = element->next)
        ok = read_numbers(element, dimensions - 1, of + 1, next);
    return ok;
}

void golden_compare_json(struct golden *g, const cJSON *parent, const char *key, const char *label,
                         const double *got, struct golden_shape shape, double tolerance) {
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(parent, key);
    if (!node)
        return;
    size_t count = count_of(shape);
    double *wanted = golden_must(calloc(count + 1, sizeof *wanted)), *next = wanted;
    char name[160];
    snprintf(name, sizeof name, "golden.json %s", label);
    if (read_numbers(node, shape.dimensions, shape.of, &next))
        golden_line(g, name, largest_difference(got, wanted, count), tolerance);
    else
        golden_off(g, name, "is not made of numbers in the form that this batch gives");
    free(wanted);
}

// ---- what a folder must hold ----

bool golden_any(const struct golden *g, const char *prefix) {
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (strncmp(safetensors_at(g->tensors, i)->name, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

__attribute__((format(printf, 2, 3))) static void need_tensor(struct golden *g, const char *format, ...) {
    char name[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (!safetensors_find(g->tensors, name))
        golden_off(g, name, "is missing from golden.safetensors");
}

static void need_cores(struct golden *g, const char *prefix) {
    for (size_t b = 0; b < g->examples; b++)
        need_tensor(g, "%sdec_logits.%zu", prefix, b);
    need_tensor(g, "%slabel_scores", prefix);
    need_tensor(g, "%sloss_per_example", prefix);
    need_tensor(g, "%sloss", prefix);
}

// The steps whose prompts are kept: 1, 5 and 20, as far as the losses go.
static void need_prompts(struct golden *g, const char *optimizer) {
    static const size_t kept[] = {1, 5, 20};
    char losses[200];
    snprintf(losses, sizeof losses, "%s.losses", optimizer);
    const struct safetensors_tensor *t = safetensors_find(g->tensors, losses);
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        if (g->P && t && kept[i] < t->count)
            need_tensor(g, "%s.prompt.step%zu", optimizer, kept[i]);
}

// Every member of `optimizers` or `finetune` that is an object names an optimizer. True if there is one.
static bool need_trajectories(struct golden *g, const char *group, const char *prefix) {
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(g->json, group);
    bool any = false;
    if (all && !cJSON_IsObject(all)) {
        char name[80];
        snprintf(name, sizeof name, "golden.json %s", group);
        golden_off(g, name, "is not an object");
        return false;
    }
    for (const cJSON *one = all ? all->child : NULL; one; one = one->next) {
        if (!cJSON_IsObject(one))
            continue;
        any = true;
        need_tensor(g, "%s%s.losses", prefix, one->string);
        if (!*prefix)
            need_prompts(g, one->string);
    }
    return any;
}

void golden_check_complete(struct golden *g) {
    static const char *const scalars[] = {"loss", "loss_per_example", "label_scores", "predicted_label_word"};
    char name[80];
    for (size_t i = 0; i < sizeof scalars / sizeof *scalars; i++)
        if (!cJSON_GetObjectItemCaseSensitive(g->json, scalars[i])) {
            snprintf(name, sizeof name, "golden.json %s", scalars[i]);
            golden_off(g, name, "is missing");
        }
    for (size_t b = 0; b < g->examples; b++)
        need_tensor(g, "enc_out.%zu", b);
    need_cores(g, "");
    if (g->P)
        need_tensor(g, "grad.prompt");
    need_trajectories(g, "optimizers", "");
    if (need_trajectories(g, "finetune", "ft.") || golden_any(g, "ft."))
        need_cores(g, "ft.");
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (!g->checked[i])
            golden_off(g, safetensors_at(g->tensors, i)->name, "unknown: nothing here computes it");
}
