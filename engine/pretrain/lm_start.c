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
    draw(d, a->o, 1 / sqrt((double)(c->num_heads * c->d_kv)));
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
        draw(d, b->feed_forward.wo, 1 / sqrt((double)c->d_ff));
    }
    draw(d, stack->position_bias, in);
    ones(stack->final_norm);
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
    struct drawing d = {m, s->seed};
    draw(&d, m->embedding, s->embedding_sd);
    if (m->head != m->embedding)
        draw(&d, m->head, s->head_sd > 0 ? s->head_sd : 1 / sqrt((double)c->d_model));
    draw_stack(&d, &m->encoder);
    draw_stack(&d, &m->decoder);
    if (s->local_heads > 0) {
        look_nearby(m, &m->encoder, false, s->local_heads);
        look_nearby(m, &m->decoder, true, s->local_heads);
    }
    return true;
}
