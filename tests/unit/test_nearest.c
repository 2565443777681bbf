// SPDX-License-Identifier: GPL-3.0-or-later
// Nearest tokens against a plain search over the whole table.
#include "check.h"

#include <stdlib.h>

#include "engine/base/random.h"
#include "engine/inspect/nearest.h"
#include "engine/tensor/gemm.h"

enum { VECTORS = 5, K = 7, IDS = 1276 };

static double measure(enum nearness kind, const float *v, const float *row, size_t width) {
    double product = 0, vv = 0, rr = 0, apart = 0;
    for (size_t j = 0; j < width; j++) {
        product += (double)v[j] * row[j];
        vv += (double)v[j] * v[j];
        rr += (double)row[j] * row[j];
        apart += ((double)v[j] - row[j]) * ((double)v[j] - row[j]);
    }
    return kind == NEAR_COSINE ? product / sqrt(vv * rr) : kind == NEAR_DOT ? product : sqrt(apart);
}

TEST(nearest_agree_with_a_plain_search) {
    struct error e = {0};
    struct model *m;
    struct vocabulary_norms norms;
    struct thread_pool *pool;
    gemm_prepare();
    CHECK_OK(model_load(&m, "tests/share/models/sprout", &e));
    CHECK_OK(vocabulary_norms_make(&norms, m, IDS, &e));
    CHECK_OK(thread_pool_create(&pool, 2, &e));
    size_t width = m->config.d_model;
    float *v = calloc(VECTORS * width, sizeof *v), *row = calloc(width, sizeof *row);
    struct random r;
    random_seed(&r, 3, 1);
    for (size_t i = 0; i < VECTORS * width; i++)
        v[i] = (float)(norms.deviation * random_normal(&r));
    model_embedding_row(m, 321, v); // the first vector is a token itself
    struct near_token near[VECTORS * NEAR_KINDS * K];
    CHECK_OK(nearest_tokens(m, &norms, v, VECTORS, K, pool, near, &e));
    for (size_t i = 0; i < VECTORS; i++)
        for (size_t kind = 0; kind < NEAR_KINDS; kind++) {
            const struct near_token *list = near + (i * NEAR_KINDS + kind) * K;
            double sign = kind == NEAR_L2 ? -1 : 1;
            size_t nearer = 0; // tokens strictly nearer than the last of the list
            for (size_t id = 0; id < IDS; id++) {
                model_embedding_row(m, id, row);
                nearer += sign * measure((enum nearness)kind, v + i * width, row, width) >
                          sign * list[K - 1].value + 1e-5;
            }
            CHECK(nearer <= K - 1);
            for (size_t j = 0; j < K; j++) {
                model_embedding_row(m, (size_t)list[j].id, row);
                double value = measure((enum nearness)kind, v + i * width, row, width);
                CHECK_NEAR(list[j].value, value, 1e-4 * (1 + fabs(value)));
                CHECK(j == 0 || sign * list[j - 1].value >= sign * list[j].value);
            }
        }
    CHECK(near[NEAR_COSINE * K].id == 321);
    CHECK(near[NEAR_L2 * K].id == 321);
    CHECK(near[NEAR_L2 * K].value == 0);
    CHECK_NEAR(vocabulary_norms_percentile(&norms, norms.sorted[norms.ids / 2]), 0.5, 0.01);
    CHECK_NEAR(vocabulary_norms_percentile(&norms, 1e9), 1, 1e-9);
    free(v);
    free(row);
    thread_pool_free(pool);
    vocabulary_norms_free(&norms);
    model_free(m);
}
