// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_start.h"

#include <math.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/model/t5.h"

enum { STREAM = 0x7374 }; // of the seed

struct t5_config lm_start_config(const struct lm_settings *s, size_t vocab_size) {
    return (struct t5_config){.vocab_size = vocab_size,
                              .d_model = s->d_model,
                              .d_kv = s->d_kv,
                              .d_ff = s->d_ff,
                              .num_heads = s->heads,
                              .num_layers = s->layers,
                              .num_decoder_layers = s->decoder_layers ? s->decoder_layers : s->layers,
                              .num_buckets = 32,
                              .max_distance = 128,
                              .gated = true,
                              .scale_decoder_outputs = s->tied != 0,
                              .layer_norm_epsilon = 1e-6,
                              .eos_id = 1};
}

struct drawing {
    struct model *m;
    uint64_t seed;
    double branch; // times the deviation of what a branch adds to the stream
};

static void draw(const struct drawing *d, const struct weight *w, double deviation) {
    struct random r;
    random_seed(&r, d->seed ^ STREAM, (uint64_t)(w - d->m->weight));
    for (size_t i = 0; i < w->rows * w->columns; i++)
        w->trained[i] = (float)(deviation * random_normal(&r));
}

static void ones(const struct weight *w) {
    for (size_t i = 0; i < w->columns; i++)
        w->trained[i] = 1;
}

static void draw_attention(const struct drawing *d, const struct t5_attention *a) {
    const struct t5_config *c = &d->m->config;
    double in = 1 / sqrt((double)c->d_model);
    if (!a->q)
        return;
    ones(a->norm);
    draw(d, a->q, in / sqrt((double)c->d_kv));
    draw(d, a->k, in);
    draw(d, a->v, in);
    draw(d, a->o, d->branch / sqrt((double)(c->num_heads * c->d_kv)));
}

static void draw_stack(const struct drawing *d, const struct t5_stack *stack) {
    const struct t5_config *c = &d->m->config;
    double in = 1 / sqrt((double)c->d_model);
    for (size_t i = 0; i < stack->blocks; i++) {
        const struct t5_block *b = &stack->block[i];
        draw_attention(d, &b->self);
        draw_attention(d, &b->cross);
        ones(b->feed_forward.norm);
        draw(d, b->feed_forward.wi_0, in);
        if (b->feed_forward.wi_1)
            draw(d, b->feed_forward.wi_1, in);
        draw(d, b->feed_forward.wo, d->branch / sqrt((double)c->d_ff));
    }
    draw(d, stack->position_bias, in);
    ones(stack->final_norm);
}

// The two sides of a product made alike: k's rows of the head again in q, scaled so that a position and
// another with the same vector give the logit `logit` where all other products are near 0.
static void match(const struct t5_config *c, const struct t5_attention *a, size_t head, double logit) {
    size_t from = head * c->d_kv * c->d_model;
    for (size_t i = 0; i < c->d_kv * c->d_model; i++)
        a->q->trained[from + i] = (float)(logit / (double)c->d_kv) * a->k->trained[from + i];
}

// What a head takes from a position it gives on in the direction it took it from: o is v's transpose.
static void copy(const struct t5_config *c, const struct t5_attention *a, double scale) {
    size_t inner = c->num_heads * c->d_kv;
    for (size_t i = 0; i < inner; i++)
        for (size_t k = 0; k < c->d_model; k++)
            a->o->trained[k * inner + i] = (float)scale * a->v->trained[i * c->d_model + k];
}

static void look_for_the_same(const struct model *m, const struct lm_settings *s) {
    const struct t5_config *c = &m->config;
    size_t self = t5_relative_bucket(0, true, c->num_buckets, c->max_distance);
    for (size_t h = 0; h < c->num_heads; h++) {
        if (h % 4 >= 2) {
            for (size_t i = 0; i < m->encoder.blocks; i++)
                match(c, &m->encoder.block[i].self, h, s->match_heads);
            m->encoder.position_bias->trained[self * c->num_heads + h] = (float)-s->match_heads / 2;
        }
        if (h % 2 == 0)
            for (size_t i = 0; i < m->decoder.blocks; i++)
                match(c, &m->decoder.block[i].cross, h, s->match_heads);
    }
}

static void look_nearby(const struct model *m, const struct t5_stack *stack, bool decoder, double bias) {
    const struct t5_config *c = &m->config;
    const long place[2][3] = {{-1, 1, 0}, {-1, -2, 0}};
    for (size_t h = 0; h < c->num_heads; h++) {
        if (h % 4 == 3)
            continue;
        size_t bucket = t5_relative_bucket(place[decoder][h % 4], !decoder, c->num_buckets, c->max_distance);
        stack->position_bias->trained[bucket * c->num_heads + h] += (float)bias;
    }
}

bool lm_start_model(struct model **out, const struct t5_config *c, const struct lm_settings *s,
                    struct error *e) {
    if (!model_create(out, c, s->tied != 0, e))
        return false;
    struct model *m = *out;
    struct drawing d = {m, s->seed, s->branch_sd};
    draw(&d, m->embedding, s->embedding_sd);
    if (m->head != m->embedding)
        draw(&d, m->head, s->head_sd > 0 ? s->head_sd : 1 / sqrt((double)c->d_model));
    draw_stack(&d, &m->encoder);
    draw_stack(&d, &m->decoder);
    if (s->local_heads > 0) {
        look_nearby(m, &m->encoder, false, s->local_heads);
        look_nearby(m, &m->decoder, true, s->local_heads);
    }
    if (s->match_heads > 0)
        look_for_the_same(m, s);
    if (s->copy_heads > 0) {
        for (size_t i = 0; i < m->encoder.blocks; i++)
            copy(c, &m->encoder.block[i].self, s->copy_heads);
        for (size_t i = 0; i < m->decoder.blocks; i++)
            copy(c, &m->decoder.block[i].cross, s->copy_heads);
        double scale = (s->head_sd > 0 ? s->head_sd : 1 / sqrt((double)c->d_model)) / s->embedding_sd;
        if (m->head != m->embedding)
            for (size_t i = 0; i < m->head->rows * m->head->columns; i++)
                m->head->trained[i] = (float)scale * m->embedding->trained[i];
    }
    return true;
}
