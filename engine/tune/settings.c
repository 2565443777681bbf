// SPDX-License-Identifier: GPL-3.0-or-later
// The table of settings, and everything that is done by walking over it.
#include "settings.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/suggest.h"
#include "engine/base/utf8.h"

// Rows of both tables, in the order in which people meet them.
enum row {
    ROW_METHOD,
    ROW_LOSS,
    ROW_OPTIMIZER,
    ROW_RATE,
    ROW_SCHEDULE,
    ROW_WARMUP,
    ROW_WEIGHT_DECAY,
    ROW_CLIP,
    ROW_STEPS,
    ROW_BATCH,
    ROW_EVALUATE_EVERY,
    ROW_START,
    ROW_START_SCALE,
    ROW_START_TEXT,
    ROW_START_FILE,
    ROW_PIECES,
    ROW_BUDGET,
    ROW_SHOTS,
    ROW_TOTAL_SHOTS,
    ROW_DEV_FROM_TRAIN,
    ROW_OWN,
    ROW_SEED,
    ROWS
};

const struct run_setting run_setting_table[] = {
    [ROW_METHOD] =
        {SETTING_CHOICE, "method",
         "what is learnt; choosing one sets template, start and rate (custom: as they are)",
         "custom | vanilla | hybrid | lm-adaptation | ppt | hybrid-ppt | unified-ppt | fine-tuning", false},
    [ROW_LOSS] = {SETTING_CHOICE, "loss",
                  "clean: over the label words, input ends with </s>; paper-code: over the whole vocabulary, "
                  "as the official PPT code",
                  "clean | paper-code", false},
    [ROW_OPTIMIZER] = {SETTING_CHOICE, "optimizer", "how the gradient becomes an update",
                       "adam | adamw | adafactor | sgd", false},
    [ROW_RATE] = {SETTING_REAL, "rate",
                  "learning rate, in the model's own embedding scale (the official PPT code's times 100)",
                  "0 to 1000", true},
    [ROW_SCHEDULE] = {SETTING_CHOICE, "schedule", "how the learning rate goes on after the warm-up",
                      "constant | linear | noam | cosine", false},
    [ROW_WARMUP] = {SETTING_WHOLE, "warmup", "steps over which the learning rate rises from 0",
                    "0 to 1000000", false},
    [ROW_WEIGHT_DECAY] = {SETTING_REAL, "weight_decay",
                          "pull towards 0, times the learning rate at each step", "0 to 1", false},
    [ROW_CLIP] = {SETTING_REAL, "clip", "largest gradient norm; longer gradients are shortened (0: never)",
                  "0 to 1000000", false},
    [ROW_STEPS] = {SETTING_WHOLE, "steps", "updates in all", "1 to 10000000", true},
    [ROW_BATCH] = {SETTING_WHOLE, "batch", "examples in one update", "1 to 4096", false},
    [ROW_EVALUATE_EVERY] = {SETTING_WHOLE, "evaluate_every", "steps between scorings of the dev set",
                            "1 to 1000000", false},
    [ROW_START] =
        {SETTING_CHOICE, "start", "where the soft vectors begin",
         "normal | vocabulary | label-words | text | file | unknown | pretrained | frequent | task-words",
         false},
    [ROW_START_SCALE] = {SETTING_REAL, "start_scale",
                         "standard deviation of a normal start (0: that of the model's embeddings)",
                         "0 to 1000", false},
    [ROW_START_TEXT] = {SETTING_TEXT, "start_text", "the words whose embeddings a start from text takes",
                        "any text, at most 511 bytes", false},
    [ROW_START_FILE] = {SETTING_TEXT, "start_file",
                        "the prompt file of a start from a file (.safetensors, .npy, .pt, a PEFT folder)",
                        "a path, at most 511 bytes", false},
    [ROW_PIECES] = {SETTING_CHOICE, "pieces", "how a label word of several pieces is scored",
                    "first | mean | max", false},
    [ROW_BUDGET] = {SETTING_WHOLE, "budget", "most encoder positions of one input; longer texts are cut",
                    "4 to 16384", false},
    [ROW_SHOTS] = {SETTING_WHOLE, "shots", "training examples a class (0: use total_shots)", "0 to 1000000",
                   false},
    [ROW_TOTAL_SHOTS] = {SETTING_WHOLE, "total_shots",
                         "training examples in all, where shots is 0 (0: the whole file)", "0 to 100000000",
                         false},
    [ROW_DEV_FROM_TRAIN] = {SETTING_FLAG, "dev_from_train",
                            "draw the dev set from the training file even where a dev file exists",
                            "true | false", false},
    [ROW_OWN] = {SETTING_CHOICE, "own",
                 "the session's own examples: not used, added to those that are drawn, or instead of them",
                 "none | added | only", false},
    [ROW_SEED] = {SETTING_WHOLE, "seed", "decides the split, the start and the order of the examples",
                  "0 to 9007199254740991", false},
};
const size_t run_setting_count = ROWS;
_Static_assert(sizeof run_setting_table / sizeof run_setting_table[0] == ROWS, "a row for each setting");

// Where each setting is kept; the limits say the same as `values`. Choices are kept in the order of their
// enum.
enum stored { STORED_ENUM, STORED_DOUBLE, STORED_SIZE, STORED_U64, STORED_BOOL, STORED_TEXT };
static const struct {
    enum stored stored;
    size_t offset;
    double least, most;
} place[ROWS] = {
#define AT(member) offsetof(struct run_settings, member)
    [ROW_METHOD] = {STORED_ENUM, AT(method), 0, 0},
    [ROW_LOSS] = {STORED_ENUM, AT(loss), 0, 0},
    [ROW_OPTIMIZER] = {STORED_ENUM, AT(optimizer), 0, 0},
    [ROW_RATE] = {STORED_DOUBLE, AT(rate), 0, 1000},
    [ROW_SCHEDULE] = {STORED_ENUM, AT(schedule), 0, 0},
    [ROW_WARMUP] = {STORED_SIZE, AT(warmup), 0, 1e6},
    [ROW_WEIGHT_DECAY] = {STORED_DOUBLE, AT(weight_decay), 0, 1},
    [ROW_CLIP] = {STORED_DOUBLE, AT(clip), 0, 1e6},
    [ROW_STEPS] = {STORED_SIZE, AT(steps), 1, 1e7},
    [ROW_BATCH] = {STORED_SIZE, AT(batch), 1, 4096},
    [ROW_EVALUATE_EVERY] = {STORED_SIZE, AT(evaluate_every), 1, 1e6},
    [ROW_START] = {STORED_ENUM, AT(start), 0, 0},
    [ROW_START_SCALE] = {STORED_DOUBLE, AT(start_scale), 0, 1000},
    [ROW_START_TEXT] = {STORED_TEXT, AT(start_text), 0, 0},
    [ROW_START_FILE] = {STORED_TEXT, AT(start_file), 0, 0},
    [ROW_PIECES] = {STORED_ENUM, AT(pieces), 0, 0},
    [ROW_BUDGET] = {STORED_SIZE, AT(budget), 4, 16384},
    [ROW_SHOTS] = {STORED_SIZE, AT(shots), 0, 1e6},
    [ROW_TOTAL_SHOTS] = {STORED_SIZE, AT(total_shots), 0, 1e8},
    [ROW_DEV_FROM_TRAIN] = {STORED_BOOL, AT(dev_from_train), 0, 0},
    [ROW_OWN] = {STORED_ENUM, AT(own), 0, 0},
    [ROW_SEED] = {STORED_U64, AT(seed), 0, 9007199254740991.0},
#undef AT
};
_Static_assert(sizeof(((struct run_settings *)0)->start_text) == RUN_SETTING_TEXT &&
                   sizeof(((struct run_settings *)0)->start_file) == RUN_SETTING_TEXT,
               "a text's room is RUN_SETTING_TEXT");
_Static_assert(sizeof(enum run_loss) == sizeof(int) && sizeof(enum run_method) == sizeof(int) &&
                   sizeof(enum prompt_start) == sizeof(int),
               "choices are read and written as int");

void run_settings_default(struct run_settings *s) {
    *s = (struct run_settings){
        .loss = LOSS_CLEAN,
        .optimizer = RUN_ADAMW,
        .schedule = RUN_CONSTANT,
        // Adam moves every component by about the rate at each step. Components of embeddings have a standard
        // deviation of about 0.5 in the shipped model and of several units in T5: 0.1 is brisk for the one
        // and careful for the other. The decay is the official 0.01, divided by 100 as the scale asks.
        .rate = 0.1,
        .weight_decay = 0.0001,
        .clip = 1,
        .warmup = 0,
        .steps = 100,
        .batch = 8,
        .evaluate_every = 5,
        .start = START_NORMAL, // the paper's
        .start_scale = 0,
        .pieces = RUN_PIECES_FIRST,
        .budget = 512,
        .shots = 16,
        .seed = 1,
    };
}

static size_t find_row(const char *name) {
    size_t i = 0;
    while (i < ROWS && strcmp(run_setting_table[i].name, name) != 0)
        i++;
    return i;
}

static bool unknown_name(const char *name, struct error *e) {
    const char *names[ROWS];
    char list[512] = "";
    for (size_t i = 0, n = 0; i < ROWS; i++) {
        names[i] = run_setting_table[i].name;
        n += (size_t)snprintf(list + n, sizeof list - n, "%s%s", i ? ", " : "", names[i]);
    }
    const char *near = suggest_nearest(name, names, ROWS);
    return error_set(e, ERROR_INPUT, "there is no setting \"%.60s\"%s%s%s; the settings are %s", name,
                     near ? " (did you mean \"" : "", near ? near : "", near ? "\"?)" : "", list);
}

static bool wrong_value(size_t row, const char *value, struct error *e) {
    return error_set(e, ERROR_INPUT, "%s is %s, not \"%.80s\"", run_setting_table[row].name,
                     run_setting_table[row].values, value);
}

// Position of `value` among "a | b | c", or -1. With `at` >= 0 instead finds the name at that position.
static int choice(const char *values, const char *value, int at, char *out, size_t size) {
    int i = 0;
    for (const char *p = values; *p; i++) {
        size_t n = strcspn(p, " |");
        if (at < 0 ? n == strlen(value) && strncasecmp(p, value, n) == 0 : i == at) {
            if (out)
                snprintf(out, size, "%.*s", (int)n, p);
            return i;
        }
        p += n;
        p += strspn(p, " |");
    }
    return -1;
}

// The whole text is one decimal number ("1e-3", "0.1"; no hex, no nan, no white space around it).
static bool parse_number(const char *text, double *out) {
    if (!text[0] || strspn(text, "0123456789+-.eE") != strlen(text))
        return false;
    char *end;
    errno = 0;
    double x = strtod(text, &end);
    if (*end || !isfinite(x))
        return false;
    *out = x;
    return true;
}

static bool parse_flag(const char *text, bool *out) {
    static const char *const yes[] = {"true", "yes", "on", "1"}, *const no[] = {"false", "no", "off", "0"};
    for (size_t i = 0; i < 4; i++) {
        if (strcasecmp(text, yes[i]) == 0 || strcasecmp(text, no[i]) == 0) {
            *out = strcasecmp(text, yes[i]) == 0;
            return true;
        }
    }
    return false;
}

static bool store_number(void *at, enum stored stored, double x) {
    if (stored != STORED_DOUBLE && floor(x) != x)
        return false;
    if (stored == STORED_DOUBLE)
        *(double *)at = x == 0 ? 0 : x; // no negative zero
    else if (stored == STORED_SIZE)
        *(size_t *)at = (size_t)x;
    else
        *(uint64_t *)at = (uint64_t)x;
    return true;
}

static bool store_text(char *at, size_t row, const char *value, struct error *e) {
    size_t n = strlen(value);
    if (n >= RUN_SETTING_TEXT)
        return error_set(e, ERROR_INPUT, "%s is %s; this has %zu bytes", run_setting_table[row].name,
                         run_setting_table[row].values, n);
    if (!utf8_valid(value, n, NULL))
        return error_set(e, ERROR_INPUT, "%s is not UTF-8 text", run_setting_table[row].name);
    memset(at, 0, RUN_SETTING_TEXT);
    memcpy(at, value, n);
    return true;
}

bool run_settings_set(struct run_settings *s, const char *name, const char *value, struct error *e) {
    size_t row = find_row(name);
    if (row == ROWS)
        return unknown_name(name, e);
    void *at = (char *)s + place[row].offset;
    double x = 0;
    int i;
    switch (place[row].stored) {
    case STORED_ENUM:
        i = choice(run_setting_table[row].values, value, -1, NULL, 0);
        if (i < 0)
            return wrong_value(row, value, e);
        *(int *)at = i;
        return true;
    case STORED_BOOL:
        return parse_flag(value, at) || wrong_value(row, value, e);
    case STORED_TEXT:
        return store_text(at, row, value, e);
    case STORED_DOUBLE:
    case STORED_SIZE:
    case STORED_U64:
        break;
    }
    if (!parse_number(value, &x) || !(x >= place[row].least && x <= place[row].most) ||
        !store_number(at, place[row].stored, x))
        return wrong_value(row, value, e);
    return true;
}

// A short decimal text that reads back to the same number: 15 digits give back what people write ("0.1", not
// its binary neighbour; "1000", not 1e+03).
static void print_double(double x, char *out, size_t size) {
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(out, size, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            return;
    }
}

bool run_settings_get(const struct run_settings *s, const char *name, char *value, size_t size) {
    size_t row = find_row(name);
    if (row == ROWS)
        return false;
    const void *at = (const char *)s + place[row].offset;
    switch (place[row].stored) {
    case STORED_ENUM:
        choice(run_setting_table[row].values, "", *(const int *)at, value, size);
        break;
    case STORED_DOUBLE:
        print_double(*(const double *)at, value, size);
        break;
    case STORED_SIZE:
        snprintf(value, size, "%zu", *(const size_t *)at);
        break;
    case STORED_U64:
        snprintf(value, size, "%" PRIu64, *(const uint64_t *)at);
        break;
    case STORED_BOOL:
        snprintf(value, size, "%s", *(const bool *)at ? "true" : "false");
        break;
    case STORED_TEXT:
        snprintf(value, size, "%s", (const char *)at);
        break;
    }
    return true;
}

static bool equal_rows(const struct run_settings *a, const struct run_settings *b, bool also_live) {
    for (size_t i = 0; i < ROWS; i++) {
        if (run_setting_table[i].live && !also_live)
            continue;
        char x[RUN_SETTING_TEXT], y[RUN_SETTING_TEXT];
        run_settings_get(a, run_setting_table[i].name, x, sizeof x);
        run_settings_get(b, run_setting_table[i].name, y, sizeof y);
        if (strcmp(x, y) != 0)
            return false;
    }
    return true;
}

bool run_settings_equal(const struct run_settings *a, const struct run_settings *b) {
    return equal_rows(a, b, true);
}

bool run_settings_same_run(const struct run_settings *a, const struct run_settings *b) {
    return equal_rows(a, b, false);
}
