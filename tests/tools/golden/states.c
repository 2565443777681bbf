// SPDX-License-Identifier: GPL-3.0-or-later
// What a forward pass gives: states, logits, scores, traces; and the position buckets.
#include "golden.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t longest_of(const size_t *offset, size_t examples) {
    size_t longest = 0;
    for (size_t b = 0; b < examples; b++)
        if (offset[b + 1] - offset[b] > longest)
            longest = offset[b + 1] - offset[b];
    return longest;
}

bool golden_open_pass(struct golden *g, struct t5_pass **pass, struct model *model, enum t5_mode mode,
                      struct error *e) {
    struct t5_plan plan = {.mode = mode,
                           .examples = g->examples,
                           .encoder_rows = g->offset[g->examples],
                           .decoder_rows = g->examples * g->decoder_rows,
                           .longest_encoder = longest_of(g->offset, g->examples),
                           .longest_decoder = g->decoder_rows,
                           .soft_slots = g->P,
                           .head_rows = model->config.vocab_size};
    if (!t5_pass_create(pass, model, g->pool, e))
        return false;
    if (g->openblas)
        t5_pass_use_library(*pass, GEMM_OPENBLAS);
    return t5_pass_plan(*pass, &plan, e);
}

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
    golden_line(g, "golden.json predicted_label_word (wrong ones)", b == g->examples ? (double)wrong : NAN,
                0);
}

void golden_check_scores(struct golden *g, struct t5_pass *pass, const char *prefix) {
    size_t words = g->label_word_count, vocabulary = g->model->config.vocab_size;
    struct golden_shape shape = golden_matrix(g->examples, words);
    size_t *last = golden_must(calloc(g->examples, sizeof *last));
    float *scores = golden_must(calloc(g->examples * words, sizeof *scores));
    double *values = golden_must(calloc(g->examples * words, sizeof *values));
    float *logits = golden_must(calloc(g->decoder_rows * vocabulary, sizeof *logits));
    size_t *rows = golden_must(calloc(g->decoder_rows, sizeof *rows));
    char name[80];
    for (size_t b = 0; b < g->examples; b++) {
        last[b] = (b + 1) * g->decoder_rows - 1;
        for (size_t i = 0; i < g->decoder_rows; i++)
            rows[i] = b * g->decoder_rows + i;
        t5_logits(pass, rows, g->decoder_rows, NULL, 0, logits);
        snprintf(name, sizeof name, "%sdec_logits.%zu", prefix, b);
        golden_compare_floats(g, name, logits, golden_matrix(g->decoder_rows, vocabulary), GOLDEN_STATES);
    }
    t5_logits(pass, last, g->examples, g->label_words, words, scores);
    for (size_t i = 0; i < g->examples * words; i++)
        values[i] = scores[i];
    snprintf(name, sizeof name, "%slabel_scores", prefix);
    golden_compare(g, name, values, shape, GOLDEN_STATES, false);
    if (!*prefix) {
        golden_compare_json(g, g->json, "label_scores", "label_scores", values, shape, GOLDEN_SCORE);
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
    golden_compare_floats(g, name, rows, golden_matrix(decoder ? g->decoder_rows : g->offset[1], g->d),
                          GOLDEN_STATES);
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
            struct golden_shape shape =
                golden_cube(t->model->config.num_heads, t->queries[kind], t->keys[kind]);
            char name[120];
            if (kind == 0)
                snprintf(name, sizeof name, form[0], b);
            else if (kind == 1)
                snprintf(name, sizeof name, form[1], b);
            else
                snprintf(name, sizeof name, form[2], b);
            golden_compare(t->g, name, t->attention[b * 3 + kind], shape, GOLDEN_STATES, false);
        }
}

// Example 0 alone, watched.
static bool check_traces(struct golden *g, struct t5_pass *pass, struct error *e) {
    const struct model *m = g->model;
    size_t n = g->offset[1], t = g->decoder_rows;
    struct trace trace = {.g = g, .model = g->model, .keys = {n, t, n}, .queries = {n, t, t}};
    trace.blocks = m->encoder.blocks > m->decoder.blocks ? m->encoder.blocks : m->decoder.blocks;
    trace.attention = golden_must(calloc(trace.blocks * 3, sizeof *trace.attention));
    for (size_t i = 0; i < trace.blocks * 3; i++)
        trace.attention[i] = golden_must(
            calloc(m->config.num_heads * trace.keys[i % 3] * trace.queries[i % 3], sizeof(double)));
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

bool golden_check_states(struct golden *g, struct error *e) {
    struct t5_pass *pass = NULL;
    bool ok = golden_open_pass(g, &pass, g->model, T5_EVALUATE, e) &&
              t5_forward(pass, T5_EVALUATE, &g->batch, g->prompt, NULL, e);
    for (size_t b = 0; ok && b < g->examples; b++) {
        char name[40];
        snprintf(name, sizeof name, "enc_out.%zu", b);
        golden_compare_floats(g, name, t5_encoder_states(pass) + g->offset[b] * g->d,
                              golden_matrix(g->offset[b + 1] - g->offset[b], g->d), GOLDEN_STATES);
    }
    if (ok)
        golden_check_scores(g, pass, "");
    if (ok && golden_any(g, "trace."))
        ok = check_traces(g, pass, e);
    t5_pass_free(pass);
    return ok;
}

void golden_check_buckets(struct golden *g) {
    static const char *const name[] = {"rel_bucket.causal", "rel_bucket.bidirectional"};
    const struct t5_config *c = &g->model->config;
    for (int bidirectional = 0; bidirectional < 2; bidirectional++) {
        const struct safetensors_tensor *t = safetensors_find(g->tensors, name[bidirectional]);
        if (!t)
            continue;
        double *got = golden_must(calloc(t->count + 1, sizeof *got));
        for (size_t i = 0; i < t->count; i++)
            got[i] = (double)t5_relative_bucket((long)i - (long)(t->count / 2), bidirectional, c->num_buckets,
                                                c->max_distance);
        if (t->count % 2 == 1)
            golden_compare(g, name[bidirectional], got, golden_vector(t->count), 0, true);
        free(got);
    }
}
