// SPDX-License-Identifier: GPL-3.0-or-later
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"

// A fall of less than this share of the loss is none.
#define LEAST_FALL 0.02
#define NEARLY_ALL 0.9

// ---- the suggestion ----

static double smoothed(const float *loss, size_t count, size_t i) {
    double sum = 0;
    size_t n = 0;
    for (size_t k = i ? i - 1 : 0; k < count && k <= i + 1; k++, n++)
        sum += loss[k];
    return sum / (double)n;
}

static double two_digits(double x) {
    char text[32];
    snprintf(text, sizeof text, "%.1e", x);
    return strtod(text, NULL);
}

double rate_sweep_suggest(const float *rate, const float *loss, size_t count, double start_loss) {
    size_t usable = 0, i = 0;
    double least = INFINITY;
    while (usable < count && isfinite(loss[usable]))
        usable++;
    for (size_t k = 0; k < usable; k++)
        least = fmin(least, smoothed(loss, usable, k));
    if (usable < 3 || !(least < (1 - LEAST_FALL) * start_loss))
        return NAN;
    while (!(start_loss - smoothed(loss, usable, i) >= NEARLY_ALL * (start_loss - least)))
        i++;
    return two_digits((double)rate[i]);
}

// ---- the study ----

struct rate_sweep *rate_sweep_make(double low, double high, struct error *e) {
    struct rate_sweep *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    s->study.kind = &rate_sweep_kind;
    s->study.total = SWEEP_RATES;
    s->low = low;
    s->high = high;
    s->suggested = NAN;
    return s;
}

static void end_run(struct rate_sweep *s) {
    run_free(s->run);
    free(s->start);
    s->run = NULL;
    s->start = NULL;
}

static void sweep_free(struct study *study) {
    struct rate_sweep *s = (struct rate_sweep *)study;
    end_run(s);
    free(s);
}

static bool begin(struct rate_sweep *s, const struct study_bench *bench, struct error *e) {
    if (run_fine_tunes(bench->run))
        return error_set(
            e, ERROR_INPUT,
            "a sweep tries rates on copies of a prompt, and fine-tuning has none; try rates with "
            "+ and - while it runs");
    size_t slots = run_slots(bench->run), count = slots * run_width(bench->run);
    struct run_settings settings = *bench->settings;
    struct run_inputs in = *bench->inputs;
    s->start = mem_calloc(count, sizeof *s->start, e);
    if (!s->start)
        return false;
    memcpy(s->start, run_prompt(bench->run), count * sizeof *s->start);
    in.start_vectors = s->start;
    in.start_count = slots;
    settings.start = START_FILE;
    settings.schedule = RUN_CONSTANT;
    settings.warmup = 0;
    settings.rate = s->low;
    settings.steps = SWEEP_UPDATES;
    s->step = run_steps_done(bench->run);
    s->examples = bench->split->train_count < SWEEP_EXAMPLES ? bench->split->train_count : SWEEP_EXAMPLES;
    return run_create(&s->run, &in, &settings, e);
}

static bool score(struct rate_sweep *s, const struct study_bench *bench, float *loss, struct error *e) {
    struct evaluation v;
    if (!run_score(s->run, bench->split->train, s->examples, false, bench->cancel, NULL, NULL, &v, e))
        return false;
    *loss = (float)v.loss;
    return true;
}

// An update that makes the loss no number, or a gradient that is none, is what the sweep looks for, no
// failure.
static bool update(struct rate_sweep *s, const struct study_bench *bench, bool *broken, struct error *e) {
    struct metric m;
    struct error why = {0};
    *broken = !run_step(s->run, bench->cancel, &m, &why);
    if (!*broken || why.kind == ERROR_INPUT)
        return true;
    if (e)
        *e = why;
    return false;
}

static void begin_rate(struct rate_sweep *s) {
    double share = (double)s->count / (SWEEP_RATES - 1);
    s->rate[s->count] = (float)(s->low * pow(s->high / s->low, share));
    run_restart(s->run); // the same prompt, the same batches
    run_set_rate(s->run, (double)s->rate[s->count]);
    s->updates = 0;
}

// An update, and after the last of a rate its score.
static bool work_on(struct rate_sweep *s, const struct study_bench *bench, struct error *e) {
    bool broken;
    float *loss = &s->loss[s->count];
    if (s->updates == SWEEP_UPDATES)
        begin_rate(s);
    if (!update(s, bench, &broken, e))
        return false;
    if (++s->updates < SWEEP_UPDATES && !broken)
        return true;
    *loss = NAN;
    if (!broken && !score(s, bench, loss, e))
        return false;
    s->updates = SWEEP_UPDATES;
    s->count++;
    s->diverged = !(*loss < SWEEP_DIVERGED * s->start_loss);
    return true;
}

static bool sweep_work(struct study *study, const struct study_bench *bench, bool *finished,
                       struct error *e) {
    struct rate_sweep *s = (struct rate_sweep *)study;
    if (!s->run) {
        s->updates = SWEEP_UPDATES;
        if (!begin(s, bench, e) || !score(s, bench, &s->start_loss, e))
            return false;
    } else if (!work_on(s, bench, e)) {
        return false;
    }
    study->done = s->count;
    study->total = SWEEP_RATES;
    *finished = s->count == SWEEP_RATES || s->diverged;
    if (*finished) {
        s->suggested = rate_sweep_suggest(s->rate, s->loss, s->count, (double)s->start_loss);
        end_run(s);
    }
    return true;
}

// ---- recorded ----

static cJSON *sweep_write(const struct study *study) {
    const struct rate_sweep *s = (const struct rate_sweep *)study;
    cJSON *o = cJSON_CreateObject();
    size_t losses = s->count;
    while (losses && !isfinite(s->loss[losses - 1])) // only the last can be none
        losses--;
    study_put_floats(o, "rate", s->rate, s->count);
    study_put_floats(o, "loss", s->loss, losses);
    cJSON_AddNumberToObject(o, "start_loss", (double)s->start_loss);
    cJSON_AddNumberToObject(o, "examples", (double)s->examples);
    cJSON_AddNumberToObject(o, "step", (double)s->step);
    cJSON_AddBoolToObject(o, "diverged", s->diverged);
    return o;
}

static bool read_list(const cJSON *from, const char *key, float *out, size_t *count, struct error *e) {
    float *x = NULL;
    bool ok = study_get_floats(from, key, &x, count, e);
    if (ok && *count > SWEEP_RATES)
        ok = error_set(e, ERROR_INPUT, "%s: should be at most %d numbers", key, SWEEP_RATES);
    if (ok && *count)
        memcpy(out, x, *count * sizeof *out);
    free(x);
    return ok;
}

static bool sweep_read(struct study *study, const cJSON *from, struct error *e) {
    struct rate_sweep *s = (struct rate_sweep *)study;
    size_t losses = 0;
    double start = 0;
    if (!read_list(from, "rate", s->rate, &s->count, e) || !read_list(from, "loss", s->loss, &losses, e) ||
        !json_get_number(from, "start_loss", true, &start, e) ||
        !json_get_size(from, "examples", true, 0, 1 << 20, &s->examples, e) ||
        !json_get_size(from, "step", true, 0, (size_t)1 << 53, &s->step, e))
        return false;
    for (; losses < s->count; losses++) // where it was no number any more
        s->loss[losses] = NAN;
    s->start_loss = (float)start;
    s->diverged = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "diverged"));
    s->suggested = rate_sweep_suggest(s->rate, s->loss, s->count, start);
    return true;
}

const struct study_kind rate_sweep_kind = {
    .name = "rate-sweep", .work = sweep_work, .free = sweep_free, .write = sweep_write, .read = sweep_read};
