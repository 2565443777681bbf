// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { WHOLE, REAL, MIX, OPTIMIZER, SCHEDULE };

static const char *const kind_names[] = {"spans", "span", "suffix", "prefix", "closing"};
static const char *const optimizer_names[] = {"adamw", "adafactor"};
static const char *const schedule_names[] = {[SCHEDULE_CONSTANT] = "constant",
                                             [SCHEDULE_LINEAR] = "linear",
                                             [SCHEDULE_NOAM] = "noam",
                                             [SCHEDULE_COSINE] = "cosine",
                                             [SCHEDULE_INVERSE_SQRT] = "inverse-sqrt",
                                             [SCHEDULE_STABLE] = "stable"};
static const char *const recipe_names[] = {"small", "hugging-face", "adapt"};
#define COUNT(names) (sizeof names / sizeof *names)

const char *lm_kind_name(enum lm_kind kind) {
    return kind_names[kind];
}

// One row a setting: for people, and where the value lies.
#define SETTINGS(ROW)                                                                                        \
    ROW("d-model", "N", "width of the model (a new one)", false, WHOLE, d_model, 8, 16384)                   \
    ROW("d-ff", "N", "width of the feed-forward layers", false, WHOLE, d_ff, 8, 65536)                       \
    ROW("heads", "N", "attention heads", false, WHOLE, heads, 1, 256)                                        \
    ROW("d-kv", "N", "width of a head", false, WHOLE, d_kv, 1, 1024)                                         \
    ROW("layers", "N", "encoder layers", false, WHOLE, layers, 1, 256)                                       \
    ROW("decoder-layers", "N", "decoder layers (0: as many as the encoder)", false, WHOLE, decoder_layers,   \
        0, 256)                                                                                              \
    ROW("tied", "0|1", "1: one table for embedding and head (T5 v1.0)", false, WHOLE, tied, 0, 1)            \
    ROW("vocabulary", "SIZE", "pieces of a vocabulary trained on the corpus", false, WHOLE, vocabulary, 64,  \
        1000000)                                                                                             \
    ROW("embedding-sd", "X", "standard deviation of new embeddings", false, REAL, embedding_sd, 1e-6, 100)   \
    ROW("head-sd", "X", "of a new head (0: 1/sqrt(d-model))", false, REAL, head_sd, 0, 100)                  \
    ROW("local-heads", "X", "bias of new heads to their neighbour (0: none)", false, REAL, local_heads, 0,   \
        100)                                                                                                 \
    ROW("match-heads", "X", "logit of new heads for the same token elsewhere (0: none)", false, REAL,        \
        match_heads, 0, 100)                                                                                 \
    ROW("copy-heads", "X", "of new heads: the output is the input's transpose, times X (0: drawn)", false,   \
        REAL, copy_heads, 0, 100)                                                                            \
    ROW("branch-sd", "X", "of new branches: times the deviation of o and wo", false, REAL, branch_sd, 0.001, \
        100)                                                                                                 \
    ROW("objective", "MIX", "shares of spans, span, suffix, prefix, closing, as spans=0.5,prefix=0.5",       \
        false, MIX, mix, 0, 1)                                                                               \
    ROW("noise", "X", "share of tokens that spans take", false, REAL, noise, 0.001, 0.9)                     \
    ROW("mean-span", "X", "mean length of a span in tokens", false, REAL, mean_span, 1, 100)                 \
    ROW("suffix-tokens", "N", "longest suffix of the objective suffix", false, WHOLE, suffix_tokens, 1,      \
        4096)                                                                                                \
    ROW("closing-words", "N", "most sentences whose last word the objective closing takes", false, WHOLE,    \
        closing_words, 1, 100)                                                                               \
    ROW("closing-anywhere", "X", "share of closing that may take any sentence's last word", false, REAL,     \
        closing_anywhere, 0, 1)                                                                              \
    ROW("max-tokens", "N", "tokens of a document in one example", false, WHOLE, max_tokens, 8, 16384)        \
    ROW("batch-tokens", "N", "encoder and decoder tokens in one batch", false, WHOLE, batch_tokens, 16,      \
        1 << 22)                                                                                             \
    ROW("accumulate", "N", "batches in one step", false, WHOLE, accumulate, 1, 4096)                         \
    ROW("optimizer", "NAME", "adamw or adafactor", false, OPTIMIZER, optimizer, 0, 0)                        \
    ROW("rate", "X", "learning rate", false, REAL, rate, 0, LM_MOST_RATE)                                    \
    ROW("schedule", "NAME", "constant, linear, cosine, noam, inverse-sqrt, stable", false, SCHEDULE,         \
        schedule, 0, 0)                                                                                      \
    ROW("warmup", "N", "steps over which the rate rises", false, WHOLE, warmup, 0, 10000000)                 \
    ROW("steps", "N", "steps in all", true, WHOLE, steps, 1, 100000000)                                      \
    ROW("beta1", "X", "AdamW's", false, REAL, beta1, 0, 0.9999999)                                           \
    ROW("beta2", "X", "AdamW's", false, REAL, beta2, 0, 0.9999999)                                           \
    ROW("weight-decay", "X", "of matrices, times the rate", false, REAL, weight_decay, 0, 10)                \
    ROW("clip", "X", "largest gradient norm (0: any)", false, REAL, clip, 0, 1e6)                            \
    ROW("embedding-rate", "X", "times the rate for the embeddings", false, REAL, embedding_rate, 0, 1000)    \
    ROW("bias-rate", "X", "times the rate for the position biases", false, REAL, bias_rate, 0, 1000)         \
    ROW("query-rate", "X", "times the rate for q", false, REAL, query_rate, 0, 1000)                         \
    ROW("dropout", "X", "share of elements dropped in T5's places while training", false, REAL, dropout, 0,  \
        0.9)                                                                                                 \
    ROW("validation", "X", "share of the documents held back", false, REAL, validation, 0, 0.5)              \
    ROW("validation-documents", "N", "most of them that are scored", false, WHOLE, validation_documents, 1,  \
        1000000)                                                                                             \
    ROW("validation-every", "N", "steps between validations (0: at the end)", true, WHOLE, validation_every, \
        0, 100000000)                                                                                        \
    ROW("save-every", "SECONDS", "between checkpoints", true, WHOLE, save_seconds, 1, 10000000)              \
    ROW("seed", "N", "of everything that is drawn", false, WHOLE, seed, 0, 9007199254740992)

#define FOR_PEOPLE(NAME, ARGUMENT, HELP, ANY_TIME, KIND, FIELD, LEAST, MOST) {NAME, ARGUMENT, HELP, ANY_TIME},
#define FOR_US(NAME, ARGUMENT, HELP, ANY_TIME, KIND, FIELD, LEAST, MOST)                                     \
    {KIND, offsetof(struct lm_settings, FIELD), LEAST, MOST},

const struct lm_setting lm_setting_table[] = {SETTINGS(FOR_PEOPLE)};
const size_t lm_setting_count = COUNT(lm_setting_table);
_Static_assert(COUNT(lm_setting_table) <= LM_MOST_SETTINGS, "callers keep arrays of LM_MOST_SETTINGS");

static const struct {
    enum kind kind;
    size_t offset;
    double least, most;
} place[] = {SETTINGS(FOR_US)};

bool lm_setting_is_of_new_model(size_t i) {
    return place[i].offset < offsetof(struct lm_settings, mix);
}

struct lm_settings lm_settings_recipe(enum lm_recipe recipe) {
    struct lm_settings s = {.d_model = 256,
                            .d_ff = 640,
                            .heads = 8,
                            .d_kv = 32,
                            .layers = 4,
                            .vocabulary = 8000,
                            .embedding_sd = 1,
                            .local_heads = 3,
                            .match_heads = 6,
                            .copy_heads = 1,
                            .branch_sd = 0.3,
                            .mix = {0.45, 0.1, 0.45, 0},
                            .noise = 0.15,
                            .mean_span = 3,
                            .suffix_tokens = 16,
                            .closing_words = 1,
                            .max_tokens = 128,
                            .batch_tokens = 2048,
                            .accumulate = 1,
                            .optimizer = LM_ADAMW,
                            .schedule = SCHEDULE_STABLE,
                            .rate = 1e-3,
                            .beta1 = 0.9,
                            .beta2 = 0.98,
                            .clip = 1,
                            .embedding_rate = 3,
                            .bias_rate = 1,
                            .query_rate = 0.18,
                            .warmup = 200,
                            .steps = 10000,
                            .validation = 0.01,
                            .validation_documents = 200,
                            .validation_every = 250,
                            .save_seconds = 300,
                            .seed = 1};
    if (recipe == LM_SMALL)
        return s;
    s.head_sd = s.branch_sd = 1;
    s.local_heads = s.match_heads = s.copy_heads = 0;
    s.embedding_rate = s.query_rate = 1;
    memcpy(s.mix, (double[LM_KINDS]){[LM_SPANS] = 1}, sizeof s.mix);
    s.rate = 1e-3;
    s.max_tokens = 512;
    s.batch_tokens = 8192;
    if (recipe == LM_HUGGING_FACE)
        return s;
    memcpy(s.mix, (double[LM_KINDS]){[LM_PREFIX] = 1}, sizeof s.mix);
    s.rate = 1e-4;
    s.beta2 = 0.999;
    s.schedule = SCHEDULE_CONSTANT;
    s.warmup = 100;
    s.steps = 1000;
    return s;
}

static bool find(const char *const *names, size_t count, const char *name, size_t length, size_t *out) {
    for (size_t i = 0; i < count; i++) {
        if (strlen(names[i]) != length || strncmp(names[i], name, length) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}

bool lm_recipe_find(const char *name, enum lm_recipe *out) {
    size_t i;
    if (!find(recipe_names, COUNT(recipe_names), name, strlen(name), &i))
        return false;
    *out = (enum lm_recipe)i;
    return true;
}

// "spans=0.5,prefix=0.5": shares that need not add up to 1.
static bool set_mix(double mix[LM_KINDS], const char *text, struct error *e) {
    double got[LM_KINDS] = {0}, sum = 0;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "=,"), kind;
        char *end = NULL;
        bool ok = at[length] == '=' && find(kind_names, LM_KINDS, at, length, &kind);
        double share = ok ? strtod(at + length + 1, &end) : 0;
        if (!ok || end == at + length + 1 || (*end && *end != ',') || !(share >= 0 && share <= 1e6))
            return error_set(
                e, ERROR_INPUT,
                "objective: \"%s\" is not understood; write shares as spans=0.45,span=0.1,suffix=0.45, "
                "of spans, span, suffix, prefix, closing",
                text);
        got[kind] = share;
        sum += share;
        at = end + (*end == ',');
    }
    if (!(sum > 0))
        return error_set(e, ERROR_INPUT, "objective: \"%s\" names no objective with a share above 0", text);
    memcpy(mix, got, sizeof got);
    return true;
}

static bool set_name(const char *const *names, size_t count, const char *setting, const char *text, int *out,
                     struct error *e) {
    size_t i;
    if (!find(names, count, text, strlen(text), &i)) {
        char all[160] = "";
        for (i = 0; i < count; i++)
            snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i ? ", " : "", names[i]);
        return error_set(e, ERROR_INPUT, "%s: \"%s\" is none of %s", setting, text, all);
    }
    *out = (int)i;
    return true;
}

bool lm_settings_set(struct lm_settings *s, size_t i, const char *text, struct error *e) {
    void *to = (char *)s + place[i].offset;
    const char *name = lm_setting_table[i].name;
    char *end;
    int choice = 0;
    if (place[i].kind == MIX)
        return set_mix(to, text, e);
    if (place[i].kind == OPTIMIZER) {
        bool ok = set_name(optimizer_names, COUNT(optimizer_names), name, text, &choice, e);
        if (ok)
            s->optimizer = (enum lm_optimizer)choice;
        return ok;
    }
    if (place[i].kind == SCHEDULE) {
        bool ok = set_name(schedule_names, COUNT(schedule_names), name, text, &choice, e);
        if (ok)
            s->schedule = (enum schedule_kind)choice;
        return ok;
    }
    double x = strtod(text, &end);
    bool number = end != text && !*end && x >= place[i].least && x <= place[i].most;
    if (!number || (place[i].kind == WHOLE && x != floor(x)))
        return error_set(e, ERROR_INPUT, "%s: \"%s\" should be a %snumber from %.10g to %.16g", name, text,
                         place[i].kind == WHOLE ? "whole " : "", place[i].least, place[i].most);
    if (place[i].kind == WHOLE)
        *(size_t *)to = (size_t)x;
    else
        *(double *)to = x;
    return true;
}

// As short as it can be and still be read back to the bit.
static void print_number(double x, char *text, size_t size) {
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, size, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            return;
    }
}

static void add_share(char *text, size_t size, size_t before, const char *name, double share) {
    char number[32];
    size_t length = strlen(text);
    print_number(share, number, sizeof number);
    snprintf(text + length, size - length, "%s%s=%s", before ? "," : "", name, number);
}

void lm_settings_get(const struct lm_settings *s, size_t i, char *text, size_t size) {
    const void *from = (const char *)s + place[i].offset;
    switch (place[i].kind) {
    case WHOLE:
        snprintf(text, size, "%zu", *(const size_t *)from);
        break;
    case REAL:
        print_number(*(const double *)from, text, size);
        break;
    case MIX:
        text[0] = '\0';
        for (size_t k = 0, n = 0; k < LM_KINDS; k++)
            if (s->mix[k] > 0)
                add_share(text, size, n++, kind_names[k], s->mix[k]);
        break;
    case OPTIMIZER:
        snprintf(text, size, "%s", optimizer_names[s->optimizer]);
        break;
    case SCHEDULE:
        snprintf(text, size, "%s", schedule_names[s->schedule]);
        break;
    }
}

bool lm_settings_check(const struct lm_settings *s, struct error *e) {
    if (s->batch_tokens < 2 * s->max_tokens + 8)
        return error_set(
            e, ERROR_INPUT,
            "batch-tokens is %zu, too few for an example of %zu max-tokens with its targets: give at "
            "least %zu",
            s->batch_tokens, s->max_tokens, 2 * s->max_tokens + 8);
    return true;
}

cJSON *lm_settings_json(const struct lm_settings *s) {
    cJSON *o = cJSON_CreateObject();
    for (size_t i = 0; i < lm_setting_count; i++) {
        char text[256];
        lm_settings_get(s, i, text, sizeof text);
        cJSON_AddStringToObject(o, lm_setting_table[i].name, text);
    }
    return o;
}

bool lm_settings_read(struct lm_settings *s, const cJSON *object, struct error *e) {
    for (size_t i = 0; i < lm_setting_count; i++) {
        const char *text = NULL;
        if (!json_get_string(object, lm_setting_table[i].name, false, &text, e) ||
            (text && !lm_settings_set(s, i, text, e)))
            return false;
    }
    return lm_settings_check(s, e);
}
