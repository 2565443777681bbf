// SPDX-License-Identifier: GPL-3.0-or-later
// A model of real size out of random numbers, batches, and the rounds of steps and yardstick.
#include "benchmark.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "benchmark_work.h"
#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/threads.h"
#include "engine/model/t5.h"
#include "engine/tensor/gemm.h"
#include "engine/tune/optimizer.h"

const char *const benchmark_shapes[] = {"small", "base", "large", "xl", "xxl", NULL};
const char *const benchmark_texts[] = {"sst2", "race", NULL};

enum { VOCABULARY = 32128, MASK = 32099, WORDS = 32000, MOST_STEPS = 1000, LABELS = 2 };
static const int32_t label_words[LABELS] = {1465, 2841};

static const struct shape {
    size_t d, blocks, heads, ff;
} shapes[] = {{512, 8, 6, 1024},
              {768, 12, 12, 2048},
              {1024, 24, 16, 2816},
              {2048, 24, 32, 5120},
              {4096, 24, 64, 10240}};
static const struct text_lengths {
    double mean, deviation;
    size_t least, most;
} text_lengths[] = {{25, 12, 5, 60}, {300, 100, 50, 512}};

struct benchmark_options benchmark_options_default(void) {
    return (struct benchmark_options){.shape = "small",
                                      .texts = "sst2",
                                      .dtype = DTYPE_F32,
                                      .batch = 8,
                                      .slots = 100,
                                      .steps = 7,
                                      .warmup = 2,
                                      .seed = 7};
}

// ---- the model ----

struct random_model {
    struct model m;
    void **data; // [weights]
    struct random random;
    enum dtype dtype;
    size_t bytes;
};

static void random_model_free(struct random_model *r) {
    for (size_t i = 0; r->data && i < r->m.weights; i++)
        free(r->data[i]);
    free(r->data);
    free(r->m.weight);
    free(r->m.encoder.block);
    free(r->m.decoder.block);
}

// Uniform numbers with the standard deviation `scale` around `mean`. NULL and an error without memory.
static struct weight *random_weight(struct random_model *r, size_t rows, size_t columns, double mean,
                                    double scale, struct error *e) {
    enum { PIECE = 4096 };
    size_t count = rows * columns, i = r->m.weights, size = dtype_size(r->dtype);
    r->data[i] = mem_calloc_aligned(count, size, e);
    if (!r->data[i])
        return NULL;
    float piece[PIECE], width = (float)(scale * sqrt(12));
    for (size_t at = 0; at < count; at += PIECE) {
        size_t some = count - at < PIECE ? count - at : PIECE;
        for (size_t j = 0; j < some; j++)
            piece[j] = (float)mean + width * ((float)(random_next(&r->random) >> 40) * 0x1p-24f - 0.5f);
        dtype_from_float(r->dtype, piece, (unsigned char *)r->data[i] + at * size, some);
    }
    r->bytes += count * size;
    r->m.weight[i] = (struct weight){
        .name = "random", .data = r->data[i], .dtype = r->dtype, .rows = rows, .columns = columns};
    r->m.weights++;
    return &r->m.weight[i];
}

static bool random_attention(struct random_model *r, struct t5_attention *a, struct error *e) {
    size_t d = r->m.config.d_model, inner = r->m.config.num_heads * r->m.config.d_kv;
    double in = 1 / sqrt((double)d), out = 1 / sqrt((double)inner);
    return (a->norm = random_weight(r, 1, d, 1, 0.1, e)) &&
           (a->q = random_weight(r, inner, d, 0, in / 8, e)) &&
           (a->k = random_weight(r, inner, d, 0, in, e)) && (a->v = random_weight(r, inner, d, 0, in, e)) &&
           (a->o = random_weight(r, d, inner, 0, out, e));
}

static bool random_stack(struct random_model *r, struct t5_stack *stack, size_t blocks, bool decoder,
                         struct error *e) {
    const struct t5_config *c = &r->m.config;
    double in = 1 / sqrt((double)c->d_model), out = 1 / sqrt((double)c->d_ff);
    stack->block = mem_calloc(blocks, sizeof *stack->block, e);
    if (!stack->block)
        return false;
    stack->blocks = blocks;
    for (size_t b = 0; b < blocks; b++) {
        struct t5_block *x = &stack->block[b];
        struct t5_feed_forward *f = &x->feed_forward;
        if (!random_attention(r, &x->self, e) || (decoder && !random_attention(r, &x->cross, e)) ||
            !(f->norm = random_weight(r, 1, c->d_model, 1, 0.1, e)) ||
            !(f->wi_0 = random_weight(r, c->d_ff, c->d_model, 0, in, e)) ||
            !(f->wi_1 = random_weight(r, c->d_ff, c->d_model, 0, in, e)) ||
            !(f->wo = random_weight(r, c->d_model, c->d_ff, 0, out, e)))
            return false;
    }
    stack->position_bias = random_weight(r, c->num_buckets, c->num_heads, 0, 0.5, e);
    stack->final_norm = stack->position_bias ? random_weight(r, 1, c->d_model, 1, 0.1, e) : NULL;
    return stack->final_norm != NULL;
}

// A model larger than memory would be ended by the system without a word.
static bool model_fits(const struct shape *s, const struct benchmark_options *o, struct error *e) {
    double inner = 64.0 * (double)s->heads, d = (double)s->d, ff = (double)s->ff;
    double block = 4 * d * inner + 3 * d * ff; // and in the decoder cross-attention's four matrices
    double weights = (double)s->blocks * (2 * block + 4 * d * inner) + 2.0 * VOCABULARY * d;
    double needed = weights * (double)dtype_size(o->dtype), have = (double)mem_available();
    if (needed < 0.9 * have)
        return true;
    return error_set(
        e, ERROR_MEMORY,
        "%s weights of the shape %s need %.1f GB, %.1f GB of memory are free; take a smaller shape%s",
        dtype_name(o->dtype), o->shape, 1e-9 * needed, 1e-9 * have,
        o->dtype == DTYPE_F32 ? ", or --dtype bf16" : "");
}

static bool random_model_make(struct random_model *r, const struct shape *s,
                              const struct benchmark_options *o, struct error *e) {
    size_t most = s->blocks * (9 + 14) + 6;
    r->dtype = o->dtype;
    random_seed(&r->random, o->seed, 1);
    r->m.config = (struct t5_config){.vocab_size = VOCABULARY,
                                     .d_model = s->d,
                                     .d_kv = 64,
                                     .d_ff = s->ff,
                                     .num_heads = s->heads,
                                     .num_layers = s->blocks,
                                     .num_decoder_layers = s->blocks,
                                     .num_buckets = 32,
                                     .max_distance = 128,
                                     .gated = true,
                                     .layer_norm_epsilon = 1e-6,
                                     .eos_id = 1};
    if (!model_fits(s, o, e))
        return false;
    r->m.weight = mem_calloc(most, sizeof *r->m.weight, e);
    r->data = mem_calloc(most, sizeof *r->data, e);
    return r->m.weight && r->data && random_stack(r, &r->m.encoder, s->blocks, false, e) &&
           random_stack(r, &r->m.decoder, s->blocks, true, e) &&
           (r->m.embedding = random_weight(r, VOCABULARY, s->d, 0, 1, e)) &&
           (r->m.head = random_weight(r, VOCABULARY, s->d, 0, 1 / sqrt((double)s->d), e));
}

// ---- batches ----

struct texts { // all batches, one after the other
    size_t batches, examples, slots;
    size_t *encoder_offset, *decoder_offset; // [batches, examples + 1], each from 0
    int32_t **input;                         // [batches]
    int32_t *decoder, *labels;               // [2 examples] of a batch
    float *weight;
    size_t most_rows, longest;
};

static void texts_free(struct texts *t) {
    for (size_t i = 0; t->input && i < t->batches; i++)
        free(t->input[i]);
    free(t->input);
    free(t->encoder_offset);
    free(t->decoder_offset);
    free(t->decoder);
    free(t->labels);
    free(t->weight);
}

static bool draw_batch(struct texts *t, size_t i, const struct text_lengths *lengths, struct random *r,
                       struct error *e) {
    size_t *offset = t->encoder_offset + i * (t->examples + 1);
    for (size_t b = 0; b < t->examples; b++) {
        double wanted = round(lengths->mean + lengths->deviation * random_normal(r));
        size_t words = wanted < (double)lengths->least  ? lengths->least
                       : wanted > (double)lengths->most ? lengths->most
                                                        : (size_t)wanted;
        offset[b + 1] = offset[b] + t->slots + words;
        t->longest = t->slots + words > t->longest ? t->slots + words : t->longest;
    }
    size_t rows = offset[t->examples];
    t->most_rows = rows > t->most_rows ? rows : t->most_rows;
    int32_t *input = t->input[i] = mem_calloc(rows, sizeof *input, e);
    for (size_t b = 0; input && b < t->examples; b++)
        for (size_t row = offset[b]; row < offset[b + 1]; row++) {
            size_t slot = row - offset[b];
            input[row] = slot < t->slots ? T5_SOFT(slot) : (int32_t)(3 + random_below(r, WORDS - 3));
        }
    return input != NULL;
}

static bool texts_make(struct texts *t, const struct benchmark_options *o, const struct text_lengths *lengths,
                       struct error *e) {
    struct random r;
    random_seed(&r, o->seed, 2);
    t->batches = o->steps + o->warmup;
    t->examples = o->batch;
    t->slots = o->slots;
    t->encoder_offset = mem_calloc(t->batches * (t->examples + 1), sizeof *t->encoder_offset, e);
    t->decoder_offset = mem_calloc(t->examples + 1, sizeof *t->decoder_offset, e);
    t->input = mem_calloc(t->batches, sizeof *t->input, e);
    t->decoder = mem_calloc(2 * t->examples, sizeof *t->decoder, e);
    t->labels = mem_calloc(2 * t->examples, sizeof *t->labels, e);
    t->weight = mem_calloc(2 * t->examples, sizeof *t->weight, e);
    if (!t->encoder_offset || !t->decoder_offset || !t->input || !t->decoder || !t->labels || !t->weight)
        return false;
    for (size_t b = 0; b < t->examples; b++) {
        t->decoder_offset[b + 1] = 2 * (b + 1);
        t->decoder[2 * b + 1] = t->labels[2 * b] = MASK;
        t->labels[2 * b + 1] = label_words[random_below(&r, LABELS)];
        t->weight[2 * b] = t->weight[2 * b + 1] = 1.0f / (float)(2 * t->examples);
    }
    for (size_t i = 0; i < t->batches; i++)
        if (!draw_batch(t, i, lengths, &r, e))
            return false;
    return true;
}

static struct t5_batch batch_of(const struct texts *t, size_t i) {
    return (struct t5_batch){t->examples, t->encoder_offset + i * (t->examples + 1), t->input[i],
                             t->decoder_offset, t->decoder};
}

// ---- rounds ----

struct bench {
    const struct benchmark_options *o;
    struct random_model model;
    struct texts texts;
    struct thread_pool *pool;
    struct t5_pass *pass;
    struct optimizer *optimizer;
    struct work work;
    float *prompt, *gradient;
    double *row_loss;
    double *step, *evaluate, *sgemm, *share; // [steps]
    double rows, flops;                      // sums over the timed steps
    double peak_mb;
};

static bool bench_plan(struct bench *b, struct error *e) {
    const struct texts *t = &b->texts;
    struct t5_plan plan = {.mode = T5_TRAIN_PROMPT,
                           .examples = t->examples,
                           .encoder_rows = t->most_rows,
                           .decoder_rows = 2 * t->examples,
                           .longest_encoder = t->longest,
                           .longest_decoder = 2,
                           .soft_slots = t->slots,
                           .head_rows = VOCABULARY};
    if (!t5_pass_create(&b->pass, &b->model.m, b->pool, e))
        return false;
    if (b->o->openblas)
        t5_pass_use_library(b->pass, GEMM_OPENBLAS);
    return t5_pass_plan(b->pass, &plan, e);
}

static bool bench_open(struct bench *b, const struct shape *s, const struct text_lengths *lengths,
                       struct error *e) {
    size_t count = b->o->slots * s->d, steps = b->o->steps;
    struct random r;
    random_seed(&r, b->o->seed, 3);
    b->prompt = mem_calloc_aligned(count, sizeof *b->prompt, e);
    b->gradient = mem_calloc_aligned(count, sizeof *b->gradient, e);
    b->row_loss = mem_calloc(2 * b->o->batch, sizeof *b->row_loss, e);
    b->step = mem_calloc(4 * steps, sizeof *b->step, e);
    if (!b->prompt || !b->gradient || !b->row_loss || !b->step)
        return false;
    b->evaluate = b->step + steps;
    b->sgemm = b->evaluate + steps;
    b->share = b->sgemm + steps;
    for (size_t i = 0; i < count; i++)
        b->prompt[i] = (float)random_normal(&r);
    struct optimizer_settings settings = optimizer_settings_default(OPTIMIZER_ADAM);
    struct optimizer_parameter parameter = {b->prompt, b->gradient, b->o->slots, s->d};
    size_t threads = b->o->threads ? b->o->threads : thread_count_available();
    return thread_pool_create(&b->pool, threads, e) && random_model_make(&b->model, s, b->o, e) &&
           texts_make(&b->texts, b->o, lengths, e) &&
           optimizer_create(&b->optimizer, &settings, &parameter, 1, b->pool, e) && bench_plan(b, e);
}

static void bench_close(struct bench *b) {
    t5_pass_free(b->pass);
    optimizer_free(b->optimizer);
    work_free(&b->work);
    texts_free(&b->texts);
    random_model_free(&b->model);
    thread_pool_free(b->pool);
    free(b->prompt);
    free(b->gradient);
    free(b->row_loss);
    free(b->step);
}

static bool one_step(struct bench *b, const struct t5_batch *batch, struct error *e) {
    memset(b->gradient, 0, b->o->slots * b->model.m.config.d_model * sizeof *b->gradient);
    if (!t5_forward(b->pass, T5_TRAIN_PROMPT, batch, b->prompt, b->o->cancel, e))
        return false;
    t5_vocabulary_loss(b->pass, b->texts.labels, b->texts.weight, b->row_loss, NULL);
    return t5_backward(b->pass, b->gradient, b->o->cancel, e) &&
           optimizer_step(b->optimizer, 0.01, 0, NULL, e);
}

static bool one_evaluation(struct bench *b, const struct t5_batch *batch, struct error *e) {
    size_t row[1];
    float scores[LABELS];
    if (!t5_forward(b->pass, T5_EVALUATE, batch, b->prompt, b->o->cancel, e))
        return false;
    for (size_t x = 0; x < batch->examples; x++) {
        row[0] = 2 * x + 1;
        t5_logits(b->pass, row, 1, label_words, LABELS, scores);
    }
    return true;
}

// Before the yardstick takes memory: a step with the largest batch, after which the peak is that of tuning.
static bool measure_memory(struct bench *b, struct error *e) {
    const struct texts *t = &b->texts;
    struct rusage usage = {0};
    size_t largest = 0;
    for (size_t i = 0; i < t->batches; i++)
        if (t->encoder_offset[i * (t->examples + 1) + t->examples] == t->most_rows)
            largest = i;
    struct t5_batch batch = batch_of(t, largest);
    if (!one_step(b, &batch, e))
        return false;
    getrusage(RUSAGE_SELF, &usage);
    b->peak_mb = (double)usage.ru_maxrss / 1024;
    return true;
}

// Step, evaluation and yardstick with one batch; kept from round `warmup` on.
static bool one_round(struct bench *b, size_t round, struct error *e) {
    struct t5_batch batch = batch_of(&b->texts, round);
    if (!work_list(&b->work, &b->model.m, &batch, b->o->slots, e) ||
        !work_prepare(&b->work, thread_pool_size(b->pool), e))
        return false;
    double start = clock_seconds();
    if (!one_step(b, &batch, e))
        return false;
    double stepped = clock_seconds();
    work_run(&b->work, b->pool);
    double multiplied = clock_seconds();
    if (!one_evaluation(b, &batch, e))
        return false;
    double evaluated = clock_seconds();
    if (round < b->o->warmup)
        return true;
    size_t i = round - b->o->warmup;
    b->step[i] = stepped - start;
    b->sgemm[i] = multiplied - stepped;
    b->evaluate[i] = evaluated - multiplied;
    b->share[i] = b->sgemm[i] / b->step[i];
    b->rows += (double)batch.encoder_offset[batch.examples];
    b->flops += work_flops(&b->work);
    return true;
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *x, size_t count) {
    qsort(x, count, sizeof *x, by_value);
    return count % 2 ? x[count / 2] : 0.5 * (x[count / 2 - 1] + x[count / 2]);
}

static void summarize(struct bench *b, struct benchmark_result *out) {
    size_t steps = b->o->steps;
    double step = median(b->step, steps), sgemm = median(b->sgemm, steps),
           gflop = b->flops / (double)steps * 1e-9;
    *out = (struct benchmark_result){.threads = thread_pool_size(b->pool),
                                     .steps = steps,
                                     .step_s = step,
                                     .step_least_s = b->step[0],
                                     .positions_per_s = b->rows / (double)steps / step,
                                     .evaluate_s = median(b->evaluate, steps),
                                     .gflop = gflop,
                                     .step_gflops = gflop / step,
                                     .sgemm_s = sgemm,
                                     .sgemm_gflops = gflop / sgemm,
                                     .sgemm_share = median(b->share, steps),
                                     .sgemm_core = gemm_core(),
                                     .weights_mb = (double)b->model.bytes / 0x1p20,
                                     .workspace_mb = (double)t5_pass_bytes(b->pass) / 0x1p20,
                                     .peak_mb = b->peak_mb};
}

static bool find_name(const char *what, const char *name, const char *const *names, size_t *index,
                      struct error *e) {
    struct buffer all = {0};
    for (*index = 0; names[*index]; ++*index) {
        if (strcmp(names[*index], name) == 0) {
            buffer_free(&all);
            return true;
        }
        buffer_printf(&all, "%s%s", *index ? ", " : "", names[*index]);
    }
    error_set(e, ERROR_INPUT, "there is no %s \"%s\"; use one of %s", what, name, all.data ? all.data : "");
    buffer_free(&all);
    return false;
}

bool benchmark_run(const struct benchmark_options *options, struct benchmark_result *out, struct error *e) {
    struct bench b = {.o = options};
    size_t shape, texts, rounds = options->steps + options->warmup;
    if (!find_name("shape", options->shape, benchmark_shapes, &shape, e) ||
        !find_name("kind of text", options->texts, benchmark_texts, &texts, e))
        return false;
    if (!options->steps || rounds > MOST_STEPS || !options->batch || options->batch > 1024 ||
        options->slots > 4096)
        return error_set(e, ERROR_INPUT,
                         "a benchmark has 1 to %d steps, batches of 1 to 1024, at most 4096 soft vectors",
                         MOST_STEPS);
    bool ok = bench_open(&b, &shapes[shape], &text_lengths[texts], e);
    ok = ok && measure_memory(&b, e);
    for (size_t round = 0; ok && round < rounds; round++) {
        ok = one_round(&b, round, e);
        if (ok && options->progress)
            options->progress(options->context, round + 1, rounds);
    }
    if (ok)
        summarize(&b, out);
    bench_close(&b);
    return ok;
}
