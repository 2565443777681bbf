// SPDX-License-Identifier: GPL-3.0-or-later
// Small T5 models made of random numbers, and batches for them.
#ifndef PROMPTER_TESTS_T5_TOY_H
#define PROMPTER_TESTS_T5_TOY_H

#include "check.h"

#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/model/t5.h"

// ---- models in memory ----

enum { MOST_WEIGHTS = 160 };

// A model whose weights are normal numbers, in the given type.
struct toy {
    struct model m;
    struct weight weight[MOST_WEIGHTS];
    struct t5_block encoder[4], decoder[4];
    char name[MOST_WEIGHTS][24];
    struct random random;
    enum dtype type;
    bool trainable;
};

static inline struct weight *toy_weight(struct toy *t, size_t rows, size_t columns, double scale,
                                        double mean) {
    struct weight *w = &t->weight[t->m.weights];
    snprintf(t->name[t->m.weights], sizeof t->name[0], "weight %zu", t->m.weights);
    size_t count = rows * columns;
    float *values = malloc(count * sizeof *values);
    void *stored = malloc(count * dtype_size(t->type));
    for (size_t i = 0; i < count; i++)
        values[i] = (float)(mean + scale * random_normal(&t->random));
    dtype_from_float(t->type, values, stored, count);
    free(values);
    *w = (struct weight){
        .name = t->name[t->m.weights++], .data = stored, .dtype = t->type, .rows = rows, .columns = columns};
    if (t->trainable) {
        w->trained = stored;
        w->gradient = calloc(count, sizeof *w->gradient);
    }
    return w;
}

static inline struct t5_attention toy_attention(struct toy *t) {
    const struct t5_config *c = &t->m.config;
    size_t inner = c->num_heads * c->d_kv;
    double in = 1 / sqrt((double)c->d_model), out = 1 / sqrt((double)inner);
    struct t5_attention a = {.norm = toy_weight(t, 1, c->d_model, 0.2, 1)};
    a.q = toy_weight(t, inner, c->d_model, 0.7 * in, 0);
    a.k = toy_weight(t, inner, c->d_model, 0.7 * in, 0);
    a.v = toy_weight(t, inner, c->d_model, in, 0);
    a.o = toy_weight(t, c->d_model, inner, out, 0);
    return a;
}

static inline void toy_stack(struct toy *t, struct t5_stack *stack, struct t5_block *blocks, size_t count,
                             bool decoder) {
    const struct t5_config *c = &t->m.config;
    double in = 1 / sqrt((double)c->d_model), out = 1 / sqrt((double)c->d_ff);
    *stack = (struct t5_stack){.block = blocks, .blocks = count};
    for (size_t b = 0; b < count; b++) {
        blocks[b] = (struct t5_block){.self = toy_attention(t)};
        if (decoder)
            blocks[b].cross = toy_attention(t);
        struct t5_feed_forward *f = &blocks[b].feed_forward;
        f->norm = toy_weight(t, 1, c->d_model, 0.2, 1);
        f->wi_0 = toy_weight(t, c->d_ff, c->d_model, 1.5 * in, 0);
        f->wi_1 = c->gated ? toy_weight(t, c->d_ff, c->d_model, in, 0) : NULL;
        f->wo = toy_weight(t, c->d_model, c->d_ff, out, 0);
    }
    stack->position_bias = toy_weight(t, c->num_buckets, c->num_heads, 0.5, 0);
    stack->final_norm = toy_weight(t, 1, c->d_model, 0.2, 1);
}

struct toy_options {
    size_t d, heads, width, ff, encoder_blocks, decoder_blocks, vocabulary;
    bool gated, tied;
    enum dtype type;
    bool trainable;
};
static const struct toy_options SMALL = {.d = 12,
                                         .heads = 3,
                                         .width = 8,
                                         .ff = 20,
                                         .encoder_blocks = 2,
                                         .decoder_blocks = 2,
                                         .vocabulary = 31,
                                         .gated = true,
                                         .trainable = true};

static inline void toy_make(struct toy *t, const struct toy_options *o) {
    *t = (struct toy){.type = o->type, .trainable = o->trainable};
    random_seed(&t->random, 5, 0);
    t->m.config = (struct t5_config){.vocab_size = o->vocabulary,
                                     .d_model = o->d,
                                     .d_kv = o->width,
                                     .d_ff = o->ff,
                                     .num_heads = o->heads,
                                     .num_layers = o->encoder_blocks,
                                     .num_decoder_layers = o->decoder_blocks,
                                     .num_buckets = 8,
                                     .max_distance = 16,
                                     .gated = o->gated,
                                     .scale_decoder_outputs = o->tied,
                                     .layer_norm_epsilon = 1e-3};
    t->m.weight = t->weight;
    toy_stack(t, &t->m.encoder, t->encoder, o->encoder_blocks, false);
    toy_stack(t, &t->m.decoder, t->decoder, o->decoder_blocks, true);
    t->m.embedding = toy_weight(t, o->vocabulary, o->d, 1, 0);
    t->m.head = o->tied ? t->m.embedding : toy_weight(t, o->vocabulary, o->d, 0.5, 0);
}

static inline void toy_free(struct toy *t) {
    for (size_t i = 0; i < t->m.weights; i++) {
        free((void *)t->weight[i].data);
        free(t->weight[i].gradient);
    }
}

static inline void toy_clear(struct toy *t) {
    for (size_t i = 0; i < t->m.weights; i++)
        memset(t->weight[i].gradient, 0, t->weight[i].rows * t->weight[i].columns * sizeof(float));
}

// ---- a batch ----

enum { MOST_EXAMPLES = 4, MOST_LENGTH = 400, SLOTS = 3 };

struct toy_batch {
    struct t5_batch b;
    size_t encoder_offset[MOST_EXAMPLES + 1], decoder_offset[MOST_EXAMPLES + 1];
    int32_t encoder[MOST_EXAMPLES * MOST_LENGTH], decoder[MOST_EXAMPLES * MOST_LENGTH];
    int32_t labels[MOST_EXAMPLES * MOST_LENGTH];
    float weight[MOST_EXAMPLES * MOST_LENGTH];
    size_t longest_encoder, longest_decoder;
};

// Soft slots in the middle, one of them twice, tokens that repeat, rows without a label.
static inline void batch_make(struct toy_batch *t, size_t examples, const size_t *lengths,
                              const size_t *decoders, size_t vocabulary) {
    struct random r;
    random_seed(&r, 11, 0);
    *t = (struct toy_batch){0};
    t->b = (struct t5_batch){examples, t->encoder_offset, t->encoder, t->decoder_offset, t->decoder};
    for (size_t b = 0; b < examples; b++) {
        size_t at = t->encoder_offset[b], from = t->decoder_offset[b];
        t->encoder_offset[b + 1] = at + lengths[b];
        t->decoder_offset[b + 1] = from + decoders[b];
        t->longest_encoder = lengths[b] > t->longest_encoder ? lengths[b] : t->longest_encoder;
        t->longest_decoder = decoders[b] > t->longest_decoder ? decoders[b] : t->longest_decoder;
        for (size_t i = 0; i < lengths[b]; i++)
            t->encoder[at + i] = (int32_t)random_below(&r, vocabulary);
        for (size_t i = 0; i < SLOTS && i + 1 < lengths[b]; i++)
            t->encoder[at + 1 + i] = T5_SOFT((i + b) % SLOTS);
        if (lengths[b] > SLOTS + 2)
            t->encoder[at + lengths[b] - 1] = T5_SOFT(1);
        for (size_t i = 0; i < decoders[b]; i++) {
            t->decoder[from + i] = i ? (int32_t)random_below(&r, vocabulary) : 0;
            t->labels[from + i] = i == 1 && b == 1 ? -1 : (int32_t)random_below(&r, vocabulary);
            t->weight[from + i] = (float)(0.2 + random_uniform(&r));
        }
    }
}

static inline struct t5_plan plan_of(const struct toy_batch *t, const struct model *m, enum t5_mode mode) {
    return (struct t5_plan){.mode = mode,
                            .examples = t->b.examples,
                            .encoder_rows = t->encoder_offset[t->b.examples],
                            .decoder_rows = t->decoder_offset[t->b.examples],
                            .longest_encoder = t->longest_encoder,
                            .longest_decoder = t->longest_decoder,
                            .soft_slots = SLOTS,
                            .head_rows = m->config.vocab_size};
}

static inline void soft_make(float *soft, size_t d) {
    struct random r;
    random_seed(&r, 3, 0);
    for (size_t i = 0; i < SLOTS * d; i++)
        soft[i] = (float)random_normal(&r);
}

#endif
