// SPDX-License-Identifier: GPL-3.0-or-later
// golden FOLDER...: runs the engine on directories of golden values (tests/golden/README.md) and compares
// every quantity they hold. One line each: name, largest error, tolerance, `ok` or `OFF`. Exits 0 only when
// all hold.
//
// Errors are relative to the largest value of the wanted tensor; those of losses are absolute.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"
#include "engine/model/t5.h"
#include "engine/tune/optimizer.h"

static const double STATES = 1e-5, LOSS = 1e-5, GRADIENT = 5e-5, EARLY = 1e-5, LATE = 1e-4, LATE_LOSS = 3e-4;

struct golden {
    const char *folder;
    cJSON *json;
    struct safetensors *tensors;
    bool *checked; // [tensors]
    struct thread_pool *pool;
    struct model *model;                 // frozen
    float *prompt;                       // [P, d]
    size_t P, d, examples, decoder_rows; // decoder_rows: of one example
    // The batch with the soft prompt, and without it.
    struct t5_batch batch, plain;
    size_t *offset, *plain_offset, *decoder_offset;
    int32_t *input, *plain_input, *decoder_input, *labels;
    int32_t *label_words;
    size_t label_word_count;
    float *row_weight; // [decoder rows of all]
    size_t lines, off;
};

// ---- reporting ----

static void print_line(struct golden *g, const char *name, double error, double tolerance) {
    bool ok = error <= tolerance; // false for NaN
    g->lines++;
    g->off += !ok;
    printf("%-84s %10.3e %8.1e %s\n", name, error, tolerance, ok ? "ok" : "OFF");
}

static void print_off(struct golden *g, const char *name, const char *why) {
    g->lines++;
    g->off++;
    printf("%-84s %19s OFF %s\n", name, "", why);
}

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

static void *must(void *memory) {
    if (memory)
        return memory;
    fputs("golden: no memory\n", stderr);
    exit(1);
}

// The tensor's values, owned, or NULL when it is absent; marks it as checked.
static double *wanted_values(struct golden *g, const char *name, size_t *count) {
    const struct safetensors_tensor *t = safetensors_find(g->tensors, name);
    if (!t)
        return NULL;
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (safetensors_at(g->tensors, i) == t)
            g->checked[i] = true;
    struct error e = {0};
    double *values = must(calloc(t->count + 1, sizeof *values));
    if (!safetensors_read_doubles(t, values, &e)) {
        print_off(g, name, e.text);
        free(values);
        return NULL;
    }
    *count = t->count;
    return values;
}

static void compare(struct golden *g, const char *name, const double *got, size_t count, double tolerance,
                    bool absolute) {
    size_t wanted_count;
    double *wanted = wanted_values(g, name, &wanted_count);
    if (!wanted)
        return;
    if (wanted_count != count) {
        print_off(g, name, "has another number of values than this model and batch give");
    } else {
        double error = largest_difference(got, wanted, count), largest = largest_value(wanted, count);
        print_line(g, name, absolute || largest == 0 ? error : error / largest, tolerance);
    }
    free(wanted);
}

static void compare_floats(struct golden *g, const char *name, const float *got, size_t count,
                           double tolerance) {
    double *values = must(calloc(count + 1, sizeof *values));
    for (size_t i = 0; i < count; i++)
        values[i] = got[i];
    compare(g, name, values, count, tolerance, false);
    free(values);
}

// The numbers of a node in order, however deep its lists are; at most `most` are written, all are counted.
static size_t flatten(const cJSON *node, double *out, size_t most, size_t count) {
    if (cJSON_IsArray(node)) {
        for (const cJSON *element = node->child; element; element = element->next)
            count = flatten(element, out, most, count);
        return count;
    }
    if (count < most)
        out[count] = cJSON_IsNumber(node) ? node->valuedouble : NAN;
    return count + 1;
}

static void compare_json(struct golden *g, const cJSON *parent, const char *key, const char *label,
                         const double *got, size_t count, double tolerance) {
    const cJSON *node = cJSON_GetObjectItemCaseSensitive(parent, key);
    if (!node)
        return;
    double *wanted = must(calloc(count + 1, sizeof *wanted));
    char name[160];
    snprintf(name, sizeof name, "golden.json %s", label);
    if (flatten(node, wanted, count, 0) != count)
        print_off(g, name, "has another number of values");
    else
        print_line(g, name, largest_difference(got, wanted, count), tolerance);
    free(wanted);
}

// ---- reading ----

static bool read_ids(const cJSON *array, int32_t **out, size_t *count, const char *what, struct error *e) {
    if (!cJSON_IsArray(array) || cJSON_GetArraySize(array) == 0)
        return error_set(e, ERROR_INPUT, "golden.json: %s should be a list of token ids", what);
    *count = (size_t)cJSON_GetArraySize(array);
    *out = must(calloc(*count, sizeof **out));
    size_t i = 0;
    const cJSON *element;
    cJSON_ArrayForEach(element, array) {
        if (!cJSON_IsNumber(element))
            return error_set(e, ERROR_INPUT, "golden.json: %s holds something that is no number", what);
        (*out)[i++] = (int32_t)element->valuedouble;
    }
    return true;
}

static bool read_prompt(struct golden *g, struct error *e) {
    char *path = path_join(g->folder, "prompt.safetensors", e);
    struct safetensors *file = NULL;
    bool ok = path && safetensors_open(&file, path, e);
    const struct safetensors_tensor *t = ok ? safetensors_find(file, "soft_prompt") : NULL;
    if (ok && (!t || t->count != g->P * g->d))
        ok = error_set(e, ERROR_INPUT, "%s: soft_prompt should be [%zu, %zu]", path, g->P, g->d);
    g->prompt = must(calloc(g->P * g->d + 1, sizeof *g->prompt));
    ok = ok && safetensors_read_floats(t, g->prompt, e);
    safetensors_close(file);
    free(path);
    return ok;
}

// One example's rows into the batch with the prompt and into the one without.
static bool read_example(struct golden *g, size_t b, const cJSON *example, const int32_t *decoder,
                         struct error *e) {
    int32_t *ids = NULL;
    size_t count = 0, label;
    bool ok =
        read_ids(cJSON_GetObjectItemCaseSensitive(example, "input_ids"), &ids, &count, "input_ids", e) &&
        json_get_size(example, "label_id", true, 0, g->model->config.vocab_size - 1, &label, e);
    if (ok) {
        size_t at = g->offset[b], plain = g->plain_offset[b];
        g->offset[b + 1] = at + g->P + count;
        g->plain_offset[b + 1] = plain + count;
        g->input = must(realloc(g->input, g->offset[b + 1] * sizeof *g->input));
        g->plain_input = must(realloc(g->plain_input, g->plain_offset[b + 1] * sizeof *g->plain_input));
        for (size_t i = 0; i < g->P; i++)
            g->input[at + i] = T5_SOFT(i);
        memcpy(g->input + at + g->P, ids, count * sizeof *ids);
        memcpy(g->plain_input + plain, ids, count * sizeof *ids);
        for (size_t i = 0; i < g->decoder_rows; i++) {
            size_t row = b * g->decoder_rows + i;
            g->decoder_input[row] = decoder[i];
            g->labels[row] = i + 1 < g->decoder_rows ? decoder[i + 1] : (int32_t)label;
            g->row_weight[row] = 1.0f / (float)(g->examples * g->decoder_rows);
        }
        g->decoder_offset[b + 1] = (b + 1) * g->decoder_rows;
    }
    free(ids);
    return ok;
}

static bool read_batch(struct golden *g, struct error *e) {
    const cJSON *examples, *example;
    int32_t *decoder = NULL;
    bool ok = read_ids(cJSON_GetObjectItemCaseSensitive(g->json, "decoder_input_ids"), &decoder,
                       &g->decoder_rows, "decoder_input_ids", e) &&
              read_ids(cJSON_GetObjectItemCaseSensitive(g->json, "label_word_ids"), &g->label_words,
                       &g->label_word_count, "label_word_ids", e) &&
              json_get_array(g->json, "examples", true, &examples, e);
    g->examples = ok ? (size_t)cJSON_GetArraySize(examples) : 0;
    size_t rows = g->examples * g->decoder_rows, b = 0;
    g->offset = must(calloc(g->examples + 1, sizeof *g->offset));
    g->plain_offset = must(calloc(g->examples + 1, sizeof *g->plain_offset));
    g->decoder_offset = must(calloc(g->examples + 1, sizeof *g->decoder_offset));
    g->decoder_input = must(calloc(rows + 1, sizeof *g->decoder_input));
    g->labels = must(calloc(rows + 1, sizeof *g->labels));
    g->row_weight = must(calloc(rows + 1, sizeof *g->row_weight));
    for (example = ok ? examples->child : NULL; ok && example; example = example->next)
        ok = read_example(g, b++, example, decoder, e);
    g->batch = (struct t5_batch){g->examples, g->offset, g->input, g->decoder_offset, g->decoder_input};
    g->plain =
        (struct t5_batch){g->examples, g->plain_offset, g->plain_input, g->decoder_offset, g->decoder_input};
    free(decoder);
    return ok;
}

static bool golden_open(struct golden *g, const char *folder, struct error *e) {
    *g = (struct golden){.folder = folder};
    char *json = path_join(folder, "golden.json", e), *tensors = path_join(folder, "golden.safetensors", e);
    bool ok = json && tensors && (g->json = json_read_file(json, 64 << 20, e)) != NULL &&
              safetensors_open(&g->tensors, tensors, e) &&
              thread_pool_create(&g->pool, thread_count_available(), e) && model_load(&g->model, folder, e) &&
              json_get_size(g->json, "P", true, 0, 100000, &g->P, e);
    if (ok) {
        g->d = g->model->config.d_model;
        g->checked = must(calloc(safetensors_count(g->tensors) + 1, sizeof *g->checked));
        ok = read_prompt(g, e) && read_batch(g, e);
    }
    free(json);
    free(tensors);
    return ok;
}

static void golden_close(struct golden *g) {
    cJSON_Delete(g->json);
    safetensors_close(g->tensors);
    model_free(g->model);
    thread_pool_free(g->pool);
    free(g->checked);
    free(g->prompt);
    free(g->offset);
    free(g->plain_offset);
    free(g->decoder_offset);
    free(g->input);
    free(g->plain_input);
    free(g->decoder_input);
    free(g->labels);
    free(g->label_words);
    free(g->row_weight);
}

// ---- running ----

static size_t longest_of(const size_t *offset, size_t examples) {
    size_t longest = 0;
    for (size_t b = 0; b < examples; b++)
        if (offset[b + 1] - offset[b] > longest)
            longest = offset[b + 1] - offset[b];
    return longest;
}

static bool open_pass(struct golden *g, struct t5_pass **pass, struct model *model, enum t5_mode mode,
                      struct error *e) {
    struct t5_plan plan = {.mode = mode,
                           .examples = g->examples,
                           .encoder_rows = g->offset[g->examples],
                           .decoder_rows = g->examples * g->decoder_rows,
                           .longest_encoder = longest_of(g->offset, g->examples),
                           .longest_decoder = g->decoder_rows,
                           .soft_slots = g->P,
                           .head_rows = model->config.vocab_size};
    return t5_pass_create(pass, model, g->pool, e) && t5_pass_plan(*pass, &plan, e);
}

// Forward, loss and backward of the whole batch. Returns the loss in *loss, and of each example where wanted.
static bool train_pass(struct golden *g, struct t5_pass *pass, enum t5_mode mode,
                       const struct t5_batch *batch, const float *prompt, float *prompt_gradient,
                       double *loss, double *example_loss, struct error *e) {
    size_t rows = g->examples * g->decoder_rows;
    double *row_loss = must(calloc(rows, sizeof *row_loss));
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

// ---- states, scores, traces ----

static void check_predictions(struct golden *g, const double *scores) {
    const cJSON *wanted = cJSON_GetObjectItemCaseSensitive(g->json, "predicted_label_word"), *element;
    size_t b = 0, wrong = 0, words = g->label_word_count;
    if (!wanted)
        return;
    cJSON_ArrayForEach(element, wanted) {
        size_t best = 0;
        for (size_t j = 1; b < g->examples && j < words; j++)
            if (!(scores[b * words + j] <= scores[b * words + best]))
                best = j;
        wrong += b >= g->examples || isnan(scores[b * words + best]) || !cJSON_IsNumber(element) ||
                 g->label_words[best] != (int32_t)element->valuedouble;
        b++;
    }
    print_line(g, "golden.json predicted_label_word (wrong ones)", b == g->examples ? (double)wrong : NAN, 0);
}

static void check_scores(struct golden *g, struct t5_pass *pass, const char *prefix) {
    size_t words = g->label_word_count, vocabulary = g->model->config.vocab_size;
    size_t *last = must(calloc(g->examples, sizeof *last));
    float *scores = must(calloc(g->examples * words, sizeof *scores));
    double *values = must(calloc(g->examples * words, sizeof *values));
    float *logits = must(calloc(g->decoder_rows * vocabulary, sizeof *logits));
    size_t *rows = must(calloc(g->decoder_rows, sizeof *rows));
    char name[80];
    for (size_t b = 0; b < g->examples; b++) {
        last[b] = (b + 1) * g->decoder_rows - 1;
        for (size_t i = 0; i < g->decoder_rows; i++)
            rows[i] = b * g->decoder_rows + i;
        t5_logits(pass, rows, g->decoder_rows, NULL, 0, logits);
        snprintf(name, sizeof name, "%sdec_logits.%zu", prefix, b);
        compare_floats(g, name, logits, g->decoder_rows * vocabulary, STATES);
    }
    t5_logits(pass, last, g->examples, g->label_words, words, scores);
    for (size_t i = 0; i < g->examples * words; i++)
        values[i] = scores[i];
    snprintf(name, sizeof name, "%slabel_scores", prefix);
    compare(g, name, values, g->examples * words, STATES, false);
    if (!*prefix) {
        compare_json(g, g->json, "label_scores", "label_scores", values, g->examples * words, 5e-5);
        check_predictions(g, values);
    }
    free(last);
    free(scores);
    free(values);
    free(logits);
    free(rows);
}

// Where the pass is, as the traces name it; attention rows of example 0 are collected here.
struct trace {
    struct golden *g;
    struct model *model;
    double **attention; // [encoder self, decoder self, decoder cross] of every block, [H, queries, keys]
    size_t blocks;      // the larger number of blocks
    size_t keys[3], queries[3];
};

static void trace_block(void *context, bool decoder, size_t block, const float *rows) {
    struct trace *t = context;
    struct golden *g = t->g;
    char name[80];
    snprintf(name, sizeof name, "trace.%s.block.%zu.out", decoder ? "decoder" : "encoder", block);
    compare_floats(g, name, rows, (decoder ? g->decoder_rows : g->offset[1]) * g->d, STATES);
}

static void trace_attention(void *context, const struct t5_attention *which, size_t example, size_t head,
                            size_t first_query, size_t queries, size_t keys, const float *probabilities,
                            size_t stride) {
    struct trace *t = context;
    if (example != 0)
        return;
    for (size_t b = 0; b < t->blocks; b++)
        for (size_t kind = 0; kind < 3; kind++) {
            const struct t5_stack *stack = kind ? &t->model->decoder : &t->model->encoder;
            if (b >= stack->blocks || which != (kind == 2 ? &stack->block[b].cross : &stack->block[b].self))
                continue;
            double *to = t->attention[b * 3 + kind] + (head * t->queries[kind] + first_query) * t->keys[kind];
            for (size_t i = 0; i < queries; i++)
                for (size_t j = 0; j < keys; j++)
                    to[i * t->keys[kind] + j] = probabilities[i * stride + j];
        }
}

static void compare_traces(struct trace *t) {
    static const char *const form[] = {"trace.encoder.block.%zu.layer.0.SelfAttention.attn",
                                       "trace.decoder.block.%zu.layer.0.SelfAttention.attn",
                                       "trace.decoder.block.%zu.layer.1.EncDecAttention.attn"};
    for (size_t b = 0; b < t->blocks; b++)
        for (size_t kind = 0; kind < 3; kind++) {
            size_t count = t->model->config.num_heads * t->queries[kind] * t->keys[kind];
            char name[120];
            if (kind == 0)
                snprintf(name, sizeof name, form[0], b);
            else if (kind == 1)
                snprintf(name, sizeof name, form[1], b);
            else
                snprintf(name, sizeof name, form[2], b);
            compare(t->g, name, t->attention[b * 3 + kind], count, STATES, false);
        }
}

static bool any_trace(const struct golden *g) {
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (strncmp(safetensors_at(g->tensors, i)->name, "trace.", 6) == 0)
            return true;
    return false;
}

// Example 0 alone, watched.
static bool check_traces(struct golden *g, struct t5_pass *pass, struct error *e) {
    const struct model *m = g->model;
    size_t n = g->offset[1], t = g->decoder_rows;
    struct trace trace = {.g = g, .model = g->model, .keys = {n, t, n}, .queries = {n, t, t}};
    trace.blocks = m->encoder.blocks > m->decoder.blocks ? m->encoder.blocks : m->decoder.blocks;
    trace.attention = must(calloc(trace.blocks * 3, sizeof *trace.attention));
    for (size_t i = 0; i < trace.blocks * 3; i++)
        trace.attention[i] =
            must(calloc(m->config.num_heads * trace.keys[i % 3] * trace.queries[i % 3], sizeof(double)));
    struct t5_watch watch = {&trace, trace_block, trace_attention};
    struct t5_batch first = g->batch;
    first.examples = 1;
    t5_pass_watch(pass, &watch);
    bool ok = t5_forward(pass, T5_EVALUATE, &first, g->prompt, NULL, e);
    t5_pass_watch(pass, NULL);
    if (ok)
        compare_traces(&trace);
    for (size_t i = 0; i < trace.blocks * 3; i++)
        free(trace.attention[i]);
    free(trace.attention);
    return ok;
}

static bool check_states(struct golden *g, struct error *e) {
    struct t5_pass *pass = NULL;
    bool ok = open_pass(g, &pass, g->model, T5_EVALUATE, e) &&
              t5_forward(pass, T5_EVALUATE, &g->batch, g->prompt, NULL, e);
    for (size_t b = 0; ok && b < g->examples; b++) {
        char name[40];
        snprintf(name, sizeof name, "enc_out.%zu", b);
        compare_floats(g, name, t5_encoder_states(pass) + g->offset[b] * g->d,
                       (g->offset[b + 1] - g->offset[b]) * g->d, STATES);
    }
    if (ok)
        check_scores(g, pass, "");
    if (ok && any_trace(g))
        ok = check_traces(g, pass, e);
    t5_pass_free(pass);
    return ok;
}

static void check_buckets(struct golden *g) {
    static const char *const name[] = {"rel_bucket.causal", "rel_bucket.bidirectional"};
    const struct t5_config *c = &g->model->config;
    for (int bidirectional = 0; bidirectional < 2; bidirectional++) {
        const struct safetensors_tensor *t = safetensors_find(g->tensors, name[bidirectional]);
        if (!t)
            continue;
        double *got = must(calloc(t->count + 1, sizeof *got));
        for (size_t i = 0; i < t->count; i++)
            got[i] = (double)t5_relative_bucket((long)i - (long)(t->count / 2), bidirectional, c->num_buckets,
                                                c->max_distance);
        compare(g, name[bidirectional], got, t->count, 0, true);
        free(got);
    }
}

// ---- gradients ----

static void compare_loss(struct golden *g, const char *prefix, double loss, const double *example_loss) {
    char name[40];
    snprintf(name, sizeof name, "%sloss_per_example", prefix);
    compare(g, name, example_loss, g->examples, LOSS, true);
    snprintf(name, sizeof name, "%sloss", prefix);
    compare(g, name, &loss, 1, LOSS, true);
    if (*prefix)
        return;
    compare_json(g, g->json, "loss", "loss", &loss, 1, LOSS);
    compare_json(g, g->json, "loss_per_example", "loss_per_example", example_loss, g->examples, LOSS);
}

static void compare_weight_gradients(struct golden *g, const struct model *m, const char *prefix) {
    size_t length = strlen(prefix);
    for (size_t i = 0; i < safetensors_count(g->tensors); i++) {
        const char *name = safetensors_at(g->tensors, i)->name;
        const struct weight *w = strncmp(name, prefix, length) == 0 ? weight_named(m, name + length) : NULL;
        if (w)
            compare_floats(g, name, w->gradient, w->rows * w->columns, GRADIENT);
    }
}

// The prompt's gradient both ways: with frozen weights, and while all weights train.
static bool check_gradients(struct golden *g, struct error *e) {
    struct model *trainable = NULL;
    struct t5_pass *pass = NULL;
    float *gradient = must(calloc(g->P * g->d + 1, sizeof *gradient));
    double *example_loss = must(calloc(g->examples, sizeof *example_loss)), loss;
    bool ok = open_pass(g, &pass, g->model, T5_TRAIN_PROMPT, e) &&
              train_pass(g, pass, T5_TRAIN_PROMPT, &g->batch, g->prompt, gradient, &loss, example_loss, e);
    if (ok) {
        compare_loss(g, "", loss, example_loss);
        compare_floats(g, "grad.prompt", gradient, g->P * g->d, GRADIENT);
    }
    t5_pass_free(pass);
    pass = NULL;
    memset(gradient, 0, g->P * g->d * sizeof *gradient);
    ok = ok && model_load(&trainable, g->folder, e) && model_make_trainable(trainable, e) &&
         open_pass(g, &pass, trainable, T5_TRAIN_ALL, e) &&
         train_pass(g, pass, T5_TRAIN_ALL, &g->batch, g->prompt, gradient, &loss, NULL, e);
    if (ok) {
        compare_floats(g, "grad.prompt", gradient, g->P * g->d, GRADIENT);
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

// The largest N of tensors "<start>stepN...", and the number of losses less one.
static size_t steps_of(const struct golden *g, const char *start, const char *losses) {
    const struct safetensors_tensor *t = safetensors_find(g->tensors, losses);
    size_t steps = t && t->count ? t->count - 1 : 0, length = strlen(start);
    for (size_t i = 0; i < safetensors_count(g->tensors); i++) {
        const char *name = safetensors_at(g->tensors, i)->name;
        if (strncmp(name, start, length) != 0 || strncmp(name + length, "step", 4) != 0)
            continue;
        size_t step = strtoul(name + length + 4, NULL, 10);
        steps = step > steps ? step : steps;
    }
    return steps;
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
    compare(g, name, losses, count, LATE_LOSS, true);
    const cJSON *all = cJSON_GetObjectItemCaseSensitive(g->json, group);
    const cJSON *one = cJSON_GetObjectItemCaseSensitive(all, optimizer);
    char label[120];
    snprintf(label, sizeof label, "%s.%s.losses", group, optimizer);
    compare_json(g, one, "losses", label, losses, count, LATE_LOSS);
}

static double step_tolerance(size_t step) {
    return step <= 5 ? EARLY : LATE;
}

static bool tune_prompt(struct golden *g, const struct trajectory *t, struct error *e) {
    char name[120], start[60];
    snprintf(start, sizeof start, "%s.prompt.", t->name);
    snprintf(name, sizeof name, "%s.losses", t->name);
    size_t steps = steps_of(g, start, name), count = g->P * g->d;
    double rate;
    if (steps == 0)
        return true;
    if (!rate_of(g, "optimizers", t->name, &rate, e))
        return false;
    struct t5_pass *pass = NULL;
    struct optimizer *optimizer = NULL;
    float *prompt = must(calloc(count + 1, sizeof *prompt)),
          *gradient = must(calloc(count + 1, sizeof *gradient));
    double *losses = must(calloc(steps + 1, sizeof *losses));
    struct optimizer_settings settings = settings_of(t);
    struct optimizer_parameter parameter = {prompt, gradient, g->P, g->d};
    memcpy(prompt, g->prompt, count * sizeof *prompt);
    bool ok = open_pass(g, &pass, g->model, T5_TRAIN_PROMPT, e) &&
              optimizer_create(&optimizer, &settings, &parameter, 1, g->pool, e);
    for (size_t step = 0; ok && step <= steps; step++) {
        memset(gradient, 0, count * sizeof *gradient);
        ok = train_pass(g, pass, T5_TRAIN_PROMPT, &g->batch, prompt, gradient, &losses[step], NULL, e);
        if (!ok || step == steps)
            break;
        ok = optimizer_step(optimizer, rate, 0, NULL, e);
        snprintf(name, sizeof name, "%sstep%zu", start, step + 1);
        if (ok)
            compare_floats(g, name, prompt, count, step_tolerance(step + 1));
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
            compare_floats(g, name, w->trained, w->rows * w->columns, step_tolerance(step));
    }
}

static bool optimizer_of_weights(struct golden *g, struct model *m, const struct trajectory *t,
                                 struct optimizer **out, struct error *e) {
    struct optimizer_parameter *all = must(calloc(m->weights, sizeof *all));
    struct optimizer_settings settings = settings_of(t);
    for (size_t i = 0; i < m->weights; i++)
        all[i] = (struct optimizer_parameter){m->weight[i].trained, m->weight[i].gradient, m->weight[i].rows,
                                              m->weight[i].columns};
    bool ok = optimizer_create(out, &settings, all, m->weights, g->pool, e);
    free(all);
    return ok;
}

static bool fine_tune(struct golden *g, const struct trajectory *t, struct error *e) {
    char name[120], start[60];
    snprintf(start, sizeof start, "ft.%s.", t->name);
    snprintf(name, sizeof name, "ft.%s.losses", t->name);
    size_t steps = steps_of(g, start, name);
    double rate;
    if (steps == 0)
        return true;
    if (!rate_of(g, "finetune", t->name, &rate, e))
        return false;
    struct model *m = NULL;
    struct t5_pass *pass = NULL;
    struct optimizer *optimizer = NULL;
    double *losses = must(calloc(steps + 1, sizeof *losses));
    bool ok = model_load(&m, g->folder, e) && model_make_trainable(m, e) &&
              open_pass(g, &pass, m, T5_TRAIN_ALL, e) && optimizer_of_weights(g, m, t, &optimizer, e);
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

static bool any_fine_tuning(const struct golden *g) {
    for (size_t i = 0; i < safetensors_count(g->tensors); i++)
        if (strncmp(safetensors_at(g->tensors, i)->name, "ft.", 3) == 0)
            return true;
    return false;
}

static bool check_fine_tuning(struct golden *g, struct error *e) {
    struct model *m = NULL;
    struct t5_pass *pass = NULL;
    double *example_loss = must(calloc(g->examples, sizeof *example_loss)), loss;
    bool ok = model_load(&m, g->folder, e) && model_make_trainable(m, e) &&
              open_pass(g, &pass, m, T5_TRAIN_ALL, e) &&
              t5_forward(pass, T5_EVALUATE, &g->plain, NULL, NULL, e);
    if (ok) {
        check_scores(g, pass, "ft.");
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

static bool check_all(struct golden *g, struct error *e) {
    size_t kinds = sizeof trajectories / sizeof *trajectories;
    check_buckets(g);
    bool ok = check_states(g, e) && check_gradients(g, e);
    for (size_t i = 0; ok && i < kinds; i++)
        ok = tune_prompt(g, &trajectories[i], e);
    if (ok && any_fine_tuning(g))
        ok = check_fine_tuning(g, e);
    for (size_t i = 0; ok && i < kinds; i++)
        ok = fine_tune(g, &trajectories[i], e);
    for (size_t i = 0; ok && i < safetensors_count(g->tensors); i++)
        if (!g->checked[i])
            print_off(g, safetensors_at(g->tensors, i)->name, "unknown: nothing here computes it");
    return ok;
}

static bool check_folder(const char *folder) {
    struct error e = {0};
    struct golden g;
    printf("%s\n", folder);
    bool ok = golden_open(&g, folder, &e) && check_all(&g, &e);
    if (!ok)
        printf("%s: OFF %s\n", folder, e.text);
    ok = ok && g.off == 0;
    printf("%s: %zu quantities, %zu off\n\n", folder, g.lines, g.off);
    golden_close(&g);
    return ok;
}

int main(int argc, char **argv) {
    if (argc < 2 || strcmp(argv[1], "--help") == 0) {
        fputs(
            "usage: golden FOLDER...\nCompares the engine with golden values, e.g. golden tests/golden/*/\n",
            argc < 2 ? stderr : stdout);
        return argc < 2 ? 2 : 0;
    }
    bool ok = true;
    for (int i = 1; i < argc; i++)
        ok = check_folder(argv[i]) && ok;
    return ok ? 0 : 1;
}
