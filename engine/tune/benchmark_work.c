// SPDX-License-Identifier: GPL-3.0-or-later
// Listing what a step multiplies, and multiplying it with BLAS as the yardstick.
#include "benchmark_work.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/tensor/gemm.h"

static bool add(struct work *w, struct work_product p, struct error *e) {
    if (!mem_grow(&w->product, &w->capacity, w->products + 1, sizeof *w->product, e))
        return false;
    w->product[w->products++] = p;
    return true;
}

static const float *floats_of(const struct weight *w) {
    return w->dtype == DTYPE_F32 ? w->data : NULL;
}

// Rows through a weight, forward and (for back_rows of them) backward.
static bool add_weight(struct work *w, const struct weight *x, size_t rows, size_t back_rows,
                       struct error *e) {
    struct work_product forward = {
        .m = rows, .n = x->rows, .k = x->columns, .times = 1, .transposed = true, .b = floats_of(x)};
    struct work_product backward = {
        .m = back_rows, .n = x->columns, .k = x->rows, .times = 1, .b = floats_of(x)};
    return add(w, forward, e) && (!back_rows || add(w, backward, e));
}

static bool add_feed_forward(struct work *w, const struct t5_feed_forward *f, size_t rows, struct error *e) {
    return add_weight(w, f->wi_0, rows, rows, e) && (!f->wi_1 || add_weight(w, f->wi_1, rows, rows, e)) &&
           add_weight(w, f->wo, rows, rows, e);
}

// One example's self-attention in `times` heads and blocks: scores and mixture, and two products back for
// each.
static bool add_attention(struct work *w, size_t rows, size_t width, size_t times, bool back,
                          struct error *e) {
    struct work_product scores = {.m = rows,
                                  .n = rows,
                                  .k = width,
                                  .times = back ? 2 * times : times,
                                  .transposed = true,
                                  .alone = true};
    struct work_product mixture = {
        .m = rows, .n = width, .k = rows, .times = back ? 4 * times : times, .alone = true};
    return add(w, scores, e) && add(w, mixture, e);
}

// Absorbed cross-attention: per head through Wk and Wv, per example against the encoder's states.
static bool add_cross(struct work *w, const struct model *m, const struct t5_batch *batch, struct error *e) {
    const struct t5_config *c = &m->config;
    size_t blocks = m->decoder.blocks, rows = batch->decoder_offset[batch->examples];
    size_t heads = c->num_heads * blocks, d = c->d_model;
    struct work_product wide = {.m = rows, .n = d, .k = c->d_kv, .times = 2 * heads, .alone = true};
    struct work_product narrow = {
        .m = rows, .n = c->d_kv, .k = d, .times = 2 * heads, .transposed = true, .alone = true};
    bool ok = add(w, wide, e) && add(w, narrow, e);
    for (size_t b = 0; ok && b < batch->examples; b++) {
        size_t keys = batch->encoder_offset[b + 1] - batch->encoder_offset[b];
        size_t queries = (batch->decoder_offset[b + 1] - batch->decoder_offset[b]) * c->num_heads;
        struct work_product scores = {
            .m = queries, .n = keys, .k = d, .times = 2 * blocks, .transposed = true, .alone = true};
        struct work_product mix = {.m = queries, .n = d, .k = keys, .times = 2 * blocks, .alone = true};
        struct work_product back = {.m = keys, .n = d, .k = queries, .times = 2 * blocks, .alone = true};
        ok = add(w, scores, e) && add(w, mix, e) && add(w, back, e);
    }
    return ok;
}

static size_t distinct_rows(const int32_t *input, size_t rows, size_t vocabulary, size_t slots,
                            unsigned char *seen) {
    size_t distinct = slots;
    memset(seen, 0, vocabulary);
    for (size_t r = 0; r < rows; r++)
        if (input[r] >= 0 && !seen[input[r]]) {
            seen[input[r]] = 1;
            distinct++;
        }
    return distinct;
}

// A stack's products with weights. Block 0's projections are needed for distinct rows only, and back for the
// soft vectors only.
static bool add_stack(struct work *w, const struct t5_stack *stack, size_t rows, size_t distinct,
                      size_t slots, struct error *e) {
    bool ok = true;
    for (size_t b = 0; ok && b < stack->blocks; b++) {
        const struct t5_block *x = &stack->block[b];
        size_t forward = b ? rows : distinct, back = b ? rows : slots, out_back = b || slots ? rows : 0;
        ok = add_weight(w, x->self.q, forward, back, e) && add_weight(w, x->self.k, forward, back, e) &&
             add_weight(w, x->self.v, forward, back, e) && add_weight(w, x->self.o, rows, out_back, e) &&
             add_feed_forward(w, &x->feed_forward, rows, e);
        if (ok && x->cross.q)
            ok = add_weight(w, x->cross.q, rows, rows, e) && add_weight(w, x->cross.o, rows, rows, e);
    }
    return ok;
}

bool work_list(struct work *w, const struct model *m, const struct t5_batch *batch, size_t slots,
               struct error *e) {
    const struct t5_config *c = &m->config;
    size_t rows = batch->encoder_offset[batch->examples], targets = batch->decoder_offset[batch->examples];
    unsigned char *seen = mem_calloc(c->vocab_size, 1, e);
    if (!seen)
        return false;
    w->products = 0;
    bool ok = add_stack(w, &m->encoder, rows,
                        distinct_rows(batch->encoder_input, rows, c->vocab_size, slots, seen), slots, e) &&
              add_stack(w, &m->decoder, targets,
                        distinct_rows(batch->decoder_input, targets, c->vocab_size, 0, seen), 0, e) &&
              add_weight(w, m->head, targets, targets, e) && add_cross(w, m, batch, e);
    free(seen);
    for (size_t b = 0; ok && b < batch->examples; b++) {
        size_t n = batch->encoder_offset[b + 1] - batch->encoder_offset[b];
        size_t t = batch->decoder_offset[b + 1] - batch->decoder_offset[b], heads = c->num_heads;
        ok = add_attention(w, n, c->d_kv, heads * m->encoder.blocks, true, e) &&
             add_attention(w, t, c->d_kv, heads, false, e) &&
             add_attention(w, t, c->d_kv, heads * (m->decoder.blocks - 1), true, e);
    }
    return ok;
}

double work_flops(const struct work *w) {
    double sum = 0;
    for (size_t i = 0; i < w->products; i++) {
        const struct work_product *p = &w->product[i];
        sum += 2.0 * (double)p->m * (double)p->n * (double)p->k * (double)p->times;
    }
    return sum;
}

static bool room_for(float **x, size_t *have, size_t need, struct error *e) {
    if (need <= *have)
        return true;
    free(*x);
    *have = 0;
    *x = mem_calloc_aligned(need, sizeof **x, e);
    if (!*x)
        return false;
    for (size_t i = 0; i < need; i++)
        (*x)[i] = (float)(i % 61) / 61 - 0.5f;
    *have = need;
    return true;
}

bool work_prepare(struct work *w, size_t workers, struct error *e) {
    size_t a = 0, b = 0, c = 0;
    for (size_t i = 0; i < w->products; i++) {
        const struct work_product *p = &w->product[i];
        a = p->m * p->k > a ? p->m * p->k : a;
        b = !p->b && p->n * p->k > b ? p->n * p->k : b;
        c = p->m * p->n > c ? p->m * p->n : c;
    }
    w->workers = workers;
    return room_for(&w->a, &w->a_floats, a * workers, e) && room_for(&w->b, &w->b_floats, b * workers, e) &&
           room_for(&w->c, &w->c_floats, c * workers, e);
}

// Large products are cut into one part a worker along their longer side.
static void run_part(void *context, size_t part, size_t worker) {
    struct {
        const struct work *w;
        const struct work_product *p;
    } const *run = context;
    const struct work *w = run->w;
    const struct work_product *p = run->p;
    bool down = p->m >= p->n;
    size_t whole = down ? p->m : p->n, share = (whole + w->workers - 1) / w->workers;
    size_t from = part * share, count = from >= whole ? 0 : whole - from < share ? whole - from : share;
    const float *b = p->b ? p->b : w->b;
    (void)worker;
    if (count && down)
        gemm_by_blas(p->transposed, count, p->n, p->k, w->a + from * p->k, p->k, b,
                     p->transposed ? p->k : p->n, w->c + from * p->n, p->n);
    else if (count)
        gemm_by_blas(p->transposed, p->m, count, p->k, w->a, p->k, b + (p->transposed ? from * p->k : from),
                     p->transposed ? p->k : p->n, w->c + from, p->n);
}

// Small ones: a share of the repetitions of every one.
static void run_alone(void *context, size_t part, size_t worker) {
    const struct work *w = context;
    for (size_t i = 0; i < w->products; i++) {
        const struct work_product *p = &w->product[i];
        for (size_t t = part; p->alone && t < p->times; t += 8 * w->workers)
            gemm_by_blas(p->transposed, p->m, p->n, p->k, w->a + worker * (w->a_floats / w->workers), p->k,
                         w->b + worker * (w->b_floats / w->workers), p->transposed ? p->k : p->n,
                         w->c + worker * (w->c_floats / w->workers), p->n);
    }
}

void work_run(const struct work *w, struct thread_pool *pool) {
    for (size_t i = 0; i < w->products; i++) {
        struct {
            const struct work *w;
            const struct work_product *p;
        } run = {w, &w->product[i]};
        if (!run.p->alone)
            thread_pool_run(pool, w->workers, run_part, &run);
    }
    thread_pool_run(pool, 8 * w->workers, run_alone, (void *)w);
}

void work_free(struct work *w) {
    free(w->product);
    free(w->a);
    free(w->b);
    free(w->c);
    *w = (struct work){0};
}
