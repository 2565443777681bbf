// SPDX-License-Identifier: GPL-3.0-or-later
// What the presets set, and telling it.
#include "preset.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/suggest.h"

const struct preset_info preset_table[PRESETS] = {
    [PRESET_CLEAN] = {"clean",
                      "The loss over the label words alone, and what new runs begin with beside it."},
    [PRESET_PAPER_CODE] =
        {"paper-code", "As the official code of the paper tunes with 32 examples, its rate of 0.01, decay "
                       "of 0.01 and longest gradient of 1 in the scale of this model's embeddings."},
};

// All that a preset decides for a tuning run, in the order of the table of settings.
static const char *const decided[] = {"loss",   "optimizer",      "rate", "schedule",
                                      "warmup", "weight_decay",   "clip", "steps",
                                      "batch",  "evaluate_every", "start"};

bool preset_find(enum preset *out, const char *name, struct error *e) {
    const char *names[PRESETS];
    for (int p = 0; p < PRESETS; p++) {
        names[p] = preset_table[p].name;
        if (strcmp(names[p], name) == 0) {
            *out = (enum preset)p;
            return true;
        }
    }
    const char *near = suggest_nearest(name, names, PRESETS);
    return error_set(e, ERROR_INPUT, "there is no preset \"%.60s\"%s%s%s; a preset is clean or paper-code",
                     name, near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "");
}

// From a prompt that was trained before.
static bool starts_trained(const struct run_settings *s) {
    return s->start == START_PRETRAINED || s->start == START_FILE;
}

static void tune_clean(struct run_settings *s) {
    struct run_settings plain;
    run_settings_default(&plain);
    s->loss = plain.loss;
    s->optimizer = plain.optimizer;
    s->rate = s->method == METHOD_FINE_TUNING ? FINE_TUNING_RATE : plain.rate;
    s->schedule = plain.schedule;
    s->warmup = plain.warmup;
    s->weight_decay = plain.weight_decay;
    s->clip = plain.clip;
    s->steps = plain.steps;
    s->batch = plain.batch;
    s->evaluate_every = plain.evaluate_every;
    s->start = starts_trained(s) ? s->start : plain.start;
}

static void tune_paper_code(struct run_settings *s) {
    bool fine = s->method == METHOD_FINE_TUNING;
    s->loss = LOSS_PAPER_CODE;
    s->optimizer = RUN_ADAMW;
    // 0.01 lies in what was tried for each method there: 0.005 to 0.05, unified PPT 0.005 to 0.01.
    s->rate = fine ? 5e-6 : 0.01 * PAPER_CODE_SCALE;
    s->schedule = RUN_CONSTANT;
    s->warmup = 0;
    s->weight_decay = fine ? 0.01 : 0.01 / PAPER_CODE_SCALE;
    s->clip = fine ? 1 : 1 / PAPER_CODE_SCALE;
    s->steps = 200; // 50 epochs of 32 examples
    s->batch = 8;
    s->evaluate_every = 6;
    s->start = starts_trained(s) || fine ? s->start : START_UNKNOWN;
}

void preset_tune(struct run_settings *s, enum preset p) {
    (p == PRESET_PAPER_CODE ? tune_paper_code : tune_clean)(s);
}

bool preset_is(const struct run_settings *s, enum preset p) {
    struct run_settings made = *s;
    preset_tune(&made, p);
    return run_settings_equal(&made, s);
}

// paper-code: scripts/pretrain/pretrain_nsp.sh of thu-coai/PPT, which has 64 pairs for each of its workers.
void preset_pretrain(struct run_settings *s, enum preset p) {
    bool paper_code = p == PRESET_PAPER_CODE;
    s->optimizer = paper_code ? RUN_ADAMW : RUN_ADAM;
    s->schedule = RUN_NOAM; // sqrt(1 / (t + 1)) without a warm-up
    s->rate = paper_code ? 0.1 * PAPER_CODE_SCALE : 1;
    s->batch = 64;
    s->steps = 2000;
    s->evaluate_every = 100;
    s->clip = paper_code ? 1 / PAPER_CODE_SCALE : 1;
    s->weight_decay = paper_code ? 0.01 / PAPER_CODE_SCALE : 0;
    s->loss = paper_code ? LOSS_PAPER_CODE : LOSS_CLEAN;
    s->start = paper_code ? START_UNKNOWN : START_NORMAL;
}

// ---- telling ----

void preset_print_rate(char *out, size_t size, const struct run_settings *s) {
    char rate[RUN_SETTING_TEXT];
    run_settings_get(s, "rate", rate, sizeof rate);
    if (s->method == METHOD_FINE_TUNING)
        snprintf(out, size, "%s", rate);
    else
        snprintf(out, size, "%.32s (%g in the paper's code)", rate, s->rate / PAPER_CODE_SCALE);
}

void preset_print(struct buffer *out, const struct run_settings *from, const struct run_settings *to) {
    const char *join = "";
    for (size_t i = 0; i < sizeof decided / sizeof *decided; i++) {
        char value[RUN_SETTING_TEXT], before[RUN_SETTING_TEXT];
        run_settings_get(to, decided[i], value, sizeof value);
        if (from && run_settings_get(from, decided[i], before, sizeof before) && strcmp(value, before) == 0)
            continue;
        if (strcmp(decided[i], "rate") == 0)
            preset_print_rate(value, sizeof value, to);
        buffer_printf(out, "%s%s %s", join, decided[i], value);
        join = ", ";
    }
}
