// SPDX-License-Identifier: GPL-3.0-or-later
// Gradients, and the prompt or all weights after steps of an optimizer.
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tune/optimizer.h"

// Forward, loss and backward of the whole batch. Returns the loss in *loss, and of each example where wanted.
static bool train_pass(struct golden *g, struct t5_pass *pass, enum t5_mode mode,
                       const struct t5_batch *batch, const float *prompt, float *prompt_gradient,
                       double *loss, double *example_loss, struct error *e) {
    size_t rows = g->examples * g->decoder_rows;
    double *row_loss = golden_must(calloc(rows, sizeof *row_loss));
    bool ok = t5_forward(pass, mode, batch, prompt, NULL, e);
    if (ok) {
        t5_vocabulary_loss(pass, g->labels, g->row_weight, row_loss, NULL);
        *loss = 0;
        for (size_t b = 0; b < g->examples; b++) {
            double mean = 0;
            for (size_t i = 0; i < g->decoder_rows; i++)
                mean += row_loss[b * g->decoder_rows + i] / (double)g->decoder_rows;
            *loss += mean / (double)g->examples;
            if (example_loss)
                example_loss[b] = mean;
        }
        ok = t5_backward(pass, prompt_gradient, NULL, e);
    }
    free(row_loss);
    return ok;
}

// Norms have one dimension, whatever else is a single row has two.
static struct golden_shape shape_of(const struct weight *w) {
    static const char norm[] = "norm.weight";
    size_t length = strlen(w->name), tail = sizeof norm - 1;
    if (length >= tail && strcmp(w->name + length - tail, norm) == 0)
        return golden_vector(w->columns);
    return golden_matrix(w->rows, w->columns);
}

static const struct weight *weight_named(const struct model *m, const char *name) {
    static const char *const aliases[] = {"shared.weight", "encoder.embed_tokens.weight",
                                          "decoder.embed_tokens.weight"};
    for (size_t i = 0; i < m->weights; i++)
        if (strcmp(m->weight[i].name, name) == 0)
            return &m->weight[i];
    for (size_t i = 0; i < sizeof aliases / sizeof *aliases; i++)
        if (strcmp(aliases[i], name) == 0)
            return m->embedding;
    return NULL;
}

// ---- gradients ----

static void compare_loss(struct golden *g, const char *prefix, double loss, const double *example_loss) {
    char name[40];
    snprintf(name, sizeof name, "%sloss_per_example", prefix);
    golden_compare(g, name, example_loss, golden_vector(g->examples), GOLDEN_LOSS, true);
    snprintf(name, sizeof name, "%sloss", prefix);
    golden_compare(g, name, &loss, golden_vector(1), GOLDEN_LOSS, true);
    if (*prefix)
        return;
    golden_compare_json(g, g->json, "loss", "loss", &loss, (struct golden_shape){0}, GOLDEN_LOSS);
    golden_compare_json(g, g->json, "loss_per_example", "loss_per_example", example_loss,
                        golden_vector(g->examples), GOLDEN_LOSS);
}

static void compare_weight_gradients(struct golden *g, const struct model *m, const char *prefix) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < safetensors_count(g->tensors); i++) {
        const char *name = safetensors_at(g->tensors, i)->name;
        const struct weight *w = strncmp(name, prefix, length) == 0 ? weight_named(m, name + length) : NULL;
        if (w)
            golden_compare_floats(g, name, w->gradient, shape_of(w), GOLDEN_GRADIENT);
    }
}

// The prompt's gradient both ways: with frozen weights, and while all weights train.
bool golden_check_gradients(struct golden *g, struct error *e) {
    struct model *trainable = NULL;
    struct t5_pass *pass = NULL;
    float *gradient = golden_must(calloc(g->P * g->d + 1, sizeof *gradient));
    double *example_loss = golden_must(calloc(g->examples, sizeof *example_loss)), loss;
    bool ok = golden_open_pass(g, &pass, g->model, T5_TRAIN_PROMPT, e) &&
              train_pass(g, pass, T5_TRAIN_PROMPT, &g->batch, g->prompt, gradient, &loss, example_loss, e);
    if (ok) {
        compare_loss(g, "", loss, example_loss);
        golden_compare_floats(g, "grad.prompt", gradient, golden_matrix(g->P, g->d), GOLDEN_GRADIENT);
    }
    t5_pass_free(pass);
    pass = NULL;
    memset(gradient, 0, g->P * g->d * sizeof *gradient);
    ok = ok && model_load(&trainable, g->folder, e) && model_make_trainable(trainable, e) &&
         golden_open_pass(g, &pass, trainable, T5_TRAIN_ALL, e) &&
         train_pass(g, pass, T5_TRAIN_ALL, &g->batch, g->prompt, gradient, &loss, NULL, e);
    if (ok) {
        golden_compare_floats(g, "grad.prompt", gradient, golden_matrix(g->P, g->d), GOLDEN_GRADIENT);
        compare_weight_gradients(g, trainable, "grad.");
    }
    t5_pass_free(pass);
    model_free(trainable);
    free(gradient);
    free(example_loss);
    return ok;
}

// ---- training ----

static const struct trajectory {
    const char *name;
    enum optimizer_kind kind;
    bool factored;
} trajectories[] = {{"adam", OPTIMIZER_ADAM, true},
                    {"adafactor", OPTIMIZER_ADAFACTOR, true},
                    {"adafactor_unfactored", OPTIMIZER_ADAFACTOR, false}};

static struct optimizer_settings settings_of(const struct trajectory *t) {
    struct optimizer_settings s = optimizer_settings_default(t->kind);
    s.factored = t->factored;
    return s;
}

enum { MOST_STEPS = 10000 };

// As many as its losses tell: before every step and after the last. 0: there is nothing to train.
static bool steps_of(struct golden *g, const char *losses, size_t *steps, struct error *e) {
    const struct safetensors_tensor *t = safetensors_find(g->tensors, losses);
    *steps = t && t->count ? t->count - 1 : 0;
    return *steps <= MOST_STEPS ||
           error_set(e, ERROR_INPUT, "golden.safetensors: %s has %zu losses; at most %d steps are run",
                     losses, t->count, (int)MOST_STEPS);
}

static bool rate_of(const struct golden *g, const char *group, const char *name, double *rate,
                    struct error *e) {
    const cJSON *all, *one;
    return (json_get_object(g->json, group, true, &all, e) && json_get_object(all, name, true, &one, e) &&
            json_get_number(one, "lr", true, rate, e)) ||
           error_context(e, "%s: golden.json: %s.%s", g->folder, group, name);
}

// Early losses are held to the loss itself, later ones to what rounding may grow to.
static void compare_losses(struct golden *g, const char *group, const char *prefix, const char *optimizer,
                           const double *losses, size_t count) {
    char name[80];
    snprintf(name, sizeof name, "%s%s.losses", prefix, optimizer);
    golden_compare(g, name, losses, golden_vector(count), GOLDEN_LATE_LOSS, true);
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(g->json, group);
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, optimizer);
    char label[120];
    snprintf(label, sizeof label, "%s.%s.losses", group, optimizer);
    golden_compare_json(g, one, "losses", label, losses, golden_vector(count), GOLDEN_LATE_LOSS);
}

static double step_tolerance(size_t step) {
    return step <= 5 ? GOLDEN_EARLY : GOLDEN_LATE;
}

static bool tune_prompt(struct golden *g, const struct trajectory *t, struct error *e) {
    char name[120], start[60];
    snprintf(start, sizeof start, "%s.prompt.", t->name);
    snprintf(name, sizeof name, "%s.losses", t->name);
    size_t steps, count = g->P * g->d;
    double rate;
    if (!steps_of(g, name, &steps, e))
        return false;
    if (steps == 0)
        return true;
    if (!rate_of(g, "optimizers", t->name, &rate, e))
        return false;
    struct t5_pass *pass = NULL;
    struct optimizer *optimizer = NULL;
    float *prompt = golden_must(calloc(count + 1, sizeof *prompt)),
          *gradient = golden_must(calloc(count + 1, sizeof *gradient));
    double *losses = golden_must(calloc(steps + 1, sizeof *losses));
    struct optimizer_settings settings = settings_of(t);
    struct optimizer_parameter parameter = {prompt, gradient, g->P, g->d};
    memcpy(prompt, g->prompt, count * sizeof *prompt);
    bool ok = golden_open_pass(g, &pass, g->model, T5_TRAIN_PROMPT, e) &&
              optimizer_create(&optimizer, &settings, &parameter, 1, g->pool, e);
    for (size_t step = 0; ok && step <= steps; step++) {
        memset(gradient, 0, count * sizeof *gradient);
        ok = train_pass(g, pass, T5_TRAIN_PROMPT, &g->batch, prompt, gradient, &losses[step], NULL, e);
        if (!ok || step == steps)
            break;
        ok = optimizer_step(optimizer, rate, 0, NULL, e);
        snprintf(name, sizeof name, "%sstep%zu", start, step + 1);
        if (ok)
            golden_compare_floats(g, name, prompt, golden_matrix(g->P, g->d), step_tolerance(step + 1));
    }
    if (ok)
        compare_losses(g, "optimizers", "", t->name, losses, steps + 1);
    optimizer_free(optimizer);
    t5_pass_free(pass);
    free(prompt);
    free(gradient);
    free(losses);
    return ok;
}

static void compare_weights(struct golden *g, const struct model *m, const char *optimizer, size_t step) {
    char prefix[80];
    snprintf(prefix, sizeof prefix, "ft.%s.step%zu.", optimizer, step);
    size_t length = strlen(prefix);
    for (size_t i = 0; i < safetensors_count(g->tensors); i++) {
        const char *name = safetensors_at(g->tensors, i)->name;
        const struct weight *w = strncmp(name, prefix, length) == 0 ? weight_named(m, name + length) : NULL;
        if (w)
            golden_compare_floats(g, name, w->trained, shape_of(w), step_tolerance(step));
    }
}

static bool optimizer_of_weights(struct golden *g, struct model *m, const struct trajectory *t,
                                 struct optimizer **out, struct error *e) {
    struct optimizer_parameter *all = golden_must(calloc(m->weights, sizeof *all));
    struct optimizer_settings settings = settings_of(t);
    for (size_t i = 0; i < m->weights; i++)
        all[i] = (struct optimizer_parameter){m->weight[i].trained, m->weight[i].gradient, m->weight[i].rows,
                                              m->weight[i].columns};
    bool ok = optimizer_create(out, &settings, all, m->weights, g->pool, e);
    free(all);
    return ok;
}

static bool fine_tune(struct golden *g, const struct trajectory *t, struct error *e) {
    char name[120];
    snprintf(name, sizeof name, "ft.%s.losses", t->name);
    size_t steps;
    double rate;
    if (!steps_of(g, name, &steps, e))
        return false;
    if (steps == 0)
        return true;
    if (!rate_of(g, "finetune", t->name, &rate, e))
        return false;
    struct model *m = NULL;
    struct t5_pass *pass = NULL;
    struct optimizer *optimizer = NULL;
    double *losses = golden_must(calloc(steps + 1, sizeof *losses));
    bool ok = model_load(&m, g->folder, e) && model_make_trainable(m, e) &&
              golden_open_pass(g, &pass, m, T5_TRAIN_ALL, e) && optimizer_of_weights(g, m, t, &optimizer, e);
    for (size_t step = 0; ok && step <= steps; step++) {
        model_clear_gradients(m);
        ok = train_pass(g, pass, T5_TRAIN_ALL, &g->plain, NULL, NULL, &losses[step], NULL, e);
        if (!ok || step == steps)
            break;
        ok = optimizer_step(optimizer, rate, 0, NULL, e);
        if (ok)
            compare_weights(g, m, t->name, step + 1);
    }
    if (ok)
        compare_losses(g, "finetune", "ft.", t->name, losses, steps + 1);
    optimizer_free(optimizer);
    t5_pass_free(pass);
    model_free(m);
    free(losses);
    return ok;
}

static bool check_fine_tuning(struct golden *g, struct error *e) {
    struct model *m = NULL;
    struct t5_pass *pass = NULL;
    double *example_loss = golden_must(calloc(g->examples, sizeof *example_loss)), loss;
    bool ok = model_load(&m, g->folder, e) && model_make_trainable(m, e) &&
              golden_open_pass(g, &pass, m, T5_TRAIN_ALL, e) &&
              t5_forward(pass, T5_EVALUATE, &g->plain, NULL, NULL, e);
    if (ok) {
        golden_check_scores(g, pass, "ft.");
        ok = train_pass(g, pass, T5_TRAIN_ALL, &g->plain, NULL, NULL, &loss, example_loss, e);
    }
    if (ok) {
        compare_loss(g, "ft.", loss, example_loss);
        compare_weight_gradients(g, m, "ft.grad.");
    }
    t5_pass_free(pass);
    model_free(m);
    free(example_loss);
    return ok;
}

bool golden_check_training(struct golden *g, struct error *e) {
    size_t kinds = sizeof trajectories / sizeof *trajectories;
    bool ok = true;
    for (size_t i = 0; ok && i < kinds; i++)
        ok = tune_prompt(g, &trajectories[i], e);
    if (ok && golden_any(g, "ft."))
        ok = check_fine_tuning(g, e);
    for (size_t i = 0; ok && i < kinds; i++)
        ok = fine_tune(g, &trajectories[i], e);
    return ok;
}
