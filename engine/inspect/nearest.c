// SPDX-License-Identifier: GPL-3.0-or-later
// Nearest tokens: blocks of the embedding table against all vectors, a small sorted list for each vector and
// kind.
#include "nearest.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/tensor/gemm.h"

enum { BLOCK = 1024 };

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

bool vocabulary_norms_make(struct vocabulary_norms *out, const struct model *m, size_t ids, struct error *e) {
    size_t rows = m->config.vocab_size, width = m->config.d_model;
    *out = (struct vocabulary_norms){.count = rows, .ids = ids < rows ? ids : rows};
    float *row = mem_calloc_aligned(width, sizeof *row, e);
    out->norm = mem_calloc(rows, sizeof *out->norm, e);
    out->sorted = mem_calloc(rows, sizeof *out->sorted, e);
    bool ok = row && out->norm && out->sorted;
    double sum = 0, squares = 0;
    for (size_t i = 0; ok && i < rows; i++) {
        model_embedding_row(m, i, row);
        double row_sum = 0, row_squares = 0;
        for (size_t j = 0; j < width; j++) {
            row_sum += row[j];
            row_squares += (double)row[j] * row[j];
        }
        out->norm[i] = (float)sqrt(row_squares);
        if (i < out->ids) {
            sum += row_sum;
            squares += row_squares;
        }
    }
    if (ok && out->ids) {
        double n = (double)out->ids * (double)width, mean = sum / n;
        out->mean = (float)mean;
        out->deviation = (float)sqrt(fmax(squares / n - mean * mean, 0));
        memcpy(out->sorted, out->norm, out->ids * sizeof *out->sorted);
        qsort(out->sorted, out->ids, sizeof *out->sorted, compare_floats);
    }
    free(row);
    if (!ok)
        vocabulary_norms_free(out);
    return ok;
}

void vocabulary_norms_free(struct vocabulary_norms *v) {
    if (!v)
        return;
    free(v->norm);
    free(v->sorted);
    *v = (struct vocabulary_norms){0};
}

double vocabulary_norms_percentile(const struct vocabulary_norms *v, double norm) {
    size_t low = 0, high = v->ids;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (v->sorted[middle] < norm)
            low = middle + 1;
        else
            high = middle;
    }
    return v->ids ? (double)low / (double)v->ids : 0;
}

// Keeps the k largest keys in falling order; equal keys keep the lower id first. Not-a-number never enters.
static void keep_largest(struct near_token *list, size_t k, size_t *have, int32_t id, float key) {
    if (isnan(key) || (*have == k && !(key > list[k - 1].value)))
        return;
    size_t at = *have < k ? (*have)++ : k - 1;
    for (; at > 0 && list[at - 1].value < key; at--)
        list[at] = list[at - 1];
    list[at] = (struct near_token){.id = id, .value = key};
}

struct search {
    const struct model *model;
    const struct vocabulary_norms *norms;
    const float *vectors, *dots; // dots [count, BLOCK] of the present block
    float *norm;                 // [count] of the vectors
    size_t k, width, first, rows;
    size_t *have; // [count, NEAR_KINDS]
    struct near_token *out;
    float *row; // [threads, width]
};

// One vector against the present block. Larger keys are nearer: distances enter as minus their square.
static void search_block(void *context, size_t vector, size_t worker) {
    struct search *s = context;
    (void)worker;
    const float *dot = s->dots + vector * BLOCK;
    struct near_token *list = s->out + vector * NEAR_KINDS * s->k;
    size_t *have = s->have + vector * NEAR_KINDS;
    float own = s->norm[vector];
    for (size_t i = 0; i < s->rows; i++) {
        int32_t id = (int32_t)(s->first + i);
        float norm = s->norms->norm[id], scale = norm * own;
        keep_largest(list, s->k, &have[NEAR_COSINE], id, scale > 0 ? dot[i] / scale : 0);
        keep_largest(list + s->k, s->k, &have[NEAR_DOT], id, dot[i]);
        keep_largest(list + 2 * s->k, s->k, &have[NEAR_L2], id, 2 * dot[i] - norm * norm);
    }
}

// |v|^2 + |e|^2 - 2 v.e loses digits where the distance is small, so the few that are shown are measured
// directly.
static void measure_distances(void *context, size_t vector, size_t worker) {
    struct search *s = context;
    struct near_token *list = s->out + (vector * NEAR_KINDS + NEAR_L2) * s->k;
    float *row = s->row + worker * s->width;
    for (size_t i = 0; i < s->k; i++) {
        model_embedding_row(s->model, (size_t)list[i].id, row);
        double sum = 0;
        for (size_t j = 0; j < s->width; j++) {
            double d = (double)s->vectors[vector * s->width + j] - row[j];
            sum += d * d;
        }
        list[i].value = (float)sqrt(sum);
    }
    for (size_t i = 1; i < s->k; i++) // exact distances may swap neighbours
        for (size_t j = i; j > 0 && list[j].value < list[j - 1].value; j--) {
            struct near_token kept = list[j];
            list[j] = list[j - 1];
            list[j - 1] = kept;
        }
}

bool nearest_tokens(const struct model *m, const struct vocabulary_norms *norms, const float *vectors,
                    size_t count, size_t k, struct thread_pool *pool, struct near_token *out,
                    struct error *e) {
    size_t width = m->config.d_model, threads = thread_pool_size(pool);
    assert(k <= NEAR_MOST && k <= norms->ids);
    if (!count || !k)
        return true;
    float *dots = mem_calloc_aligned(count * BLOCK, sizeof *dots, e);
    float *norm = mem_calloc(count, sizeof *norm, e);
    float *rows = mem_calloc_aligned(threads * width, sizeof *rows, e);
    float *scratch = mem_calloc_aligned(gemm_scratch_floats(threads), sizeof *scratch, e);
    size_t *have = mem_calloc(count * NEAR_KINDS, sizeof *have, e);
    bool ok = dots && norm && rows && scratch && have;
    if (!ok)
        goto done;
    for (size_t v = 0; v < count; v++) {
        double sum = 0;
        for (size_t j = 0; j < width; j++)
            sum += (double)vectors[v * width + j] * vectors[v * width + j];
        norm[v] = (float)sqrt(sum);
        for (size_t i = 0; i < NEAR_KINDS * k; i++)
            out[v * NEAR_KINDS * k + i] = (struct near_token){.value = -FLT_MAX};
    }
    struct gemm g = {.pool = pool, .scratch = scratch};
    struct search s = {.model = m,
                       .norms = norms,
                       .vectors = vectors,
                       .dots = dots,
                       .norm = norm,
                       .k = k,
                       .width = width,
                       .have = have,
                       .out = out,
                       .row = rows};
    for (s.first = 0; s.first < norms->ids; s.first += BLOCK) {
        s.rows = norms->ids - s.first < BLOCK ? norms->ids - s.first : BLOCK;
        struct weight block = gemm_weight_rows(m->embedding, s.first, s.rows);
        gemm_forward(&g, count, vectors, width, &block, dots, BLOCK, false);
        thread_pool_run(pool, count, search_block, &s);
    }
    thread_pool_run(pool, count, measure_distances, &s);
done:
    free(dots);
    free(norm);
    free(rows);
    free(scratch);
    free(have);
    return ok;
}
