// SPDX-License-Identifier: GPL-3.0-or-later
// The benchmark reports what it says; its list of products is the work of a step. Nothing here judges speed.
#include "check.h"

#include <stdlib.h>

#include "engine/tune/benchmark.h"
#include "engine/tune/benchmark_work.h"

static size_t rounds_seen, rounds_announced;

static void see_progress(void *context, size_t done, size_t count) {
    (void)context;
    rounds_seen = done;
    rounds_announced = count;
}

TEST(a_small_run_fills_every_figure) {
    struct error e = {0};
    struct benchmark_options o = benchmark_options_default();
    struct benchmark_result r;
    o.batch = 2;
    o.slots = 3;
    o.steps = 2;
    o.warmup = 1;
    o.threads = 2;
    o.dtype = DTYPE_BF16;
    o.progress = see_progress;
    CHECK_OK(benchmark_run(&o, &r, &e));
    CHECK_SIZE(r.threads, 2);
    CHECK_SIZE(r.steps, 2);
    CHECK_SIZE(rounds_seen, 3);
    CHECK_SIZE(rounds_announced, 3);
    CHECK(r.step_s > 0 && r.step_least_s > 0 && r.step_least_s <= r.step_s && r.evaluate_s > 0);
    CHECK(r.sgemm_s > 0 && r.sgemm_share > 0 && r.positions_per_s > 0);
    CHECK_NEAR(r.step_gflops, r.gflop / r.step_s, 1e-6 * r.step_gflops);
    CHECK_NEAR(r.sgemm_gflops, r.gflop / r.sgemm_s, 1e-6 * r.sgemm_gflops);
    CHECK(r.sgemm_core[0]);
    // T5 v1.1 small has 76 961 152 parameters, of two bytes here.
    CHECK_NEAR(r.weights_mb, 76961152 * 2 / 0x1p20, 1e-6);
    CHECK(r.workspace_mb > 1 && r.peak_mb > r.weights_mb);
}

TEST(wrong_options_are_named) {
    struct error e = {0};
    struct benchmark_options o = benchmark_options_default();
    struct benchmark_result r;
    o.shape = "huge";
    CHECK(!benchmark_run(&o, &r, &e));
    CHECK_HAS(e.text, "small, base, large, xl, xxl");
    o = benchmark_options_default();
    o.texts = "poems";
    CHECK(!benchmark_run(&o, &r, &e));
    CHECK_HAS(e.text, "sst2, race");
    o = benchmark_options_default();
    o.steps = 0;
    CHECK(!benchmark_run(&o, &r, &e));
}

TEST(a_cancelled_run_stops) {
    struct error e = {0};
    struct benchmark_options o = benchmark_options_default();
    struct benchmark_result r;
    atomic_bool cancel = true;
    o.dtype = DTYPE_BF16;
    o.cancel = &cancel;
    CHECK(!benchmark_run(&o, &r, &e));
    CHECK(e.kind == ERROR_CANCELLED);
}

// A model of weights without numbers: only their shapes count.
static struct weight shape_only[64];
static size_t shapes_used;

static struct weight *shape(size_t rows, size_t columns) {
    shape_only[shapes_used] = (struct weight){.rows = rows, .columns = columns, .dtype = DTYPE_BF16};
    return &shape_only[shapes_used++];
}

static void shape_stack(struct t5_stack *s, struct t5_block *blocks, size_t count, const struct t5_config *c,
                        bool decoder) {
    size_t d = c->d_model, inner = c->num_heads * c->d_kv;
    *s = (struct t5_stack){.block = blocks, .blocks = count};
    for (size_t b = 0; b < count; b++) {
        struct t5_attention a = {NULL, shape(inner, d), shape(inner, d), shape(inner, d), shape(d, inner)};
        blocks[b] = (struct t5_block){.self = a};
        if (decoder)
            blocks[b].cross = a;
        blocks[b].feed_forward =
            (struct t5_feed_forward){NULL, shape(c->d_ff, d), shape(c->d_ff, d), shape(d, c->d_ff)};
    }
}

// The list against t5_flops, which counts block 0 in full and the decoder's block 0 backwards: both taken
// off.
TEST(the_list_of_products_is_the_work_of_a_step) {
    enum { SLOTS = 2, ROWS = 12, DISTINCT = 8 };
    static const int32_t input[ROWS] = {T5_SOFT(0), T5_SOFT(1), 5, 6, 5,  T5_SOFT(0),
                                        T5_SOFT(1), 7,          8, 9, 10, 7};
    static const int32_t decoder[4] = {0, 3, 0, 3};
    static const size_t offset[] = {0, 5, 12}, decoder_offset[] = {0, 2, 4};
    struct t5_batch batch = {2, offset, input, decoder_offset, decoder};
    struct model m = {.config = {.vocab_size = 40,
                                 .d_model = 10,
                                 .d_kv = 4,
                                 .d_ff = 6,
                                 .num_heads = 3,
                                 .num_layers = 2,
                                 .num_decoder_layers = 2,
                                 .gated = true}};
    struct t5_block encoder_blocks[2], decoder_blocks[2];
    struct error e = {0};
    struct work w = {0};
    shapes_used = 0;
    shape_stack(&m.encoder, encoder_blocks, 2, &m.config, false);
    shape_stack(&m.decoder, decoder_blocks, 2, &m.config, true);
    m.head = shape(40, 10);
    CHECK_OK(work_list(&w, &m, &batch, SLOTS, &e));
    double projection = 2.0 * 3 * 10 * 12; // q, k, v of one row
    double wanted = t5_flops(&m.config, &batch, T5_TRAIN_PROMPT, 40);
    wanted -= projection * (ROWS - DISTINCT) + projection * (ROWS - SLOTS); // encoder, forward and back
    wanted -= projection * (4 - 2) + projection * 4;                        // decoder
    wanted -= 2.0 * 4 * 10 * 12;                                            // its o, back
    wanted -= 2.0 * 2 * (2 * 2 * 12) * 2 * 2; // its attention, back, two examples
    CHECK_NEAR(work_flops(&w), wanted, 1e-6);
    CHECK_OK(work_prepare(&w, 2, &e));
    work_run(&w, NULL); // within its operands: sanitizers look
    work_free(&w);
}
