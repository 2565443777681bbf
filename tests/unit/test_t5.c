// SPDX-License-Identifier: GPL-3.0-or-later
// T5 as a whole against a plain float64 program written from the formulas, its gradients against central
// differences of that program, in both forms of cross-attention; and what others rely on: examples that do
// not see each other, threads, no allocation, frozen weights, cancelling, memory.
#include "check.h"
#include "t5_plain.h"

// ---- counting allocations ----

static bool counting;
static size_t allocations;

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
void *__libc_malloc(size_t);
void *__libc_calloc(size_t, size_t);
void *__libc_realloc(void *, size_t);
void *__libc_memalign(size_t, size_t);
enum { COUNTS = 1 };

void *malloc(size_t size) {
    allocations += counting;
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    allocations += counting;
    return __libc_calloc(count, size);
}
void *realloc(void *p, size_t size) {
    allocations += counting;
    return __libc_realloc(p, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    allocations += counting;
    return __libc_memalign(alignment, size);
}
#else
enum { COUNTS = 0 };
#endif

// ---- running the engine ----

static bool engine_loss(struct t5_pass *pass, struct toy_batch *t, enum t5_mode mode, const float *soft,
                        float *soft_gradient, double *loss, struct error *e) {
    double row_loss[MOST_EXAMPLES * MOST_LENGTH];
    if (!t5_forward(pass, mode, &t->b, soft, NULL, e))
        return false;
    t5_vocabulary_loss(pass, t->labels, mode == T5_EVALUATE ? NULL : t->weight, row_loss, NULL);
    *loss = 0;
    for (size_t r = 0; r < t->decoder_offset[t->b.examples]; r++)
        *loss += t->weight[r] * row_loss[r];
    return mode == T5_EVALUATE || t5_backward(pass, soft_gradient, NULL, e);
}

static double central_difference(const struct toy *t, const struct toy_batch *batch, const float *soft,
                                 const struct weight *w, size_t element) {
    const double step = 1e-6; // small, so that no relu turns over on the way
    struct nudge up = {w == NULL, w, element, step}, down = {w == NULL, w, element, -step};
    return (plain_loss(&t->m, batch, soft, &up, NULL, NULL) -
            plain_loss(&t->m, batch, soft, &down, NULL, NULL)) /
           (2 * step);
}

// The element with the largest gradient and some others.
static void check_weight(const struct toy *t, const struct toy_batch *batch, const float *soft,
                         const struct weight *w, const float *gradient, size_t count, struct random *r) {
    size_t largest = 0;
    for (size_t i = 0; i < count; i++)
        if (fabsf(gradient[i]) > fabsf(gradient[largest]))
            largest = i;
    double scale = fabs((double)gradient[largest]);
    CHECK(scale > 0);
    for (size_t trial = 0; trial < 4; trial++) {
        size_t i = trial ? random_below(r, count) : largest;
        double wanted = central_difference(t, batch, soft, w, i);
        if (!(fabs(gradient[i] - wanted) <= 2e-5 * scale + 1e-7)) {
            check_failed(__FILE__, __LINE__, "gradient of %s [%zu] is %.9g, not %.9g", w ? w->name : "soft",
                         i, gradient[i], wanted);
            return;
        }
    }
}

// Forward values, prompt gradient and every weight's gradient of one kind of model and batch.
static void check_model(const struct toy_options *o, const size_t *lengths, const size_t *decoders) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    struct random r;
    random_seed(&r, 1, 1);
    toy_make(&t, o);
    batch_make(&batch, 3, lengths, decoders, o->vocabulary);
    float soft[SLOTS * 64], d_soft[SLOTS * 64] = {0}, d_prompt[SLOTS * 64] = {0};
    soft_make(soft, o->d);
    double got, again, evaluated, wanted = plain_loss(&t.m, &batch, soft, NULL, NULL, NULL);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_ALL);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_ALL, soft, d_soft, &got, &e));
    CHECK_NEAR(got, wanted, 2e-6 * wanted);
    for (size_t i = 0; i < t.m.weights; i++)
        check_weight(&t, &batch, soft, &t.weight[i], t.weight[i].gradient,
                     t.weight[i].rows * t.weight[i].columns, &r);
    check_weight(&t, &batch, soft, NULL, d_soft, SLOTS * o->d, &r);
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_PROMPT, soft, d_prompt, &again, &e));
    CHECK(again == got);
    CHECK(memcmp(d_prompt, d_soft, sizeof d_soft) == 0);
    plan.mode = T5_EVALUATE;
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(engine_loss(pass, &batch, T5_EVALUATE, soft, NULL, &evaluated, &e));
    CHECK(evaluated == got);
    t5_pass_free(pass);
    toy_free(&t);
}

static const size_t LENGTHS[] = {9, 6, 21}, FEW[] = {2, 3, 2}, MANY[] = {7, 3, 5};

TEST(gated_with_own_head_absorbed) {
    check_model(&SMALL, LENGTHS, FEW);
}

TEST(gated_with_own_head_projected) {
    check_model(&SMALL, LENGTHS, MANY);
}

TEST(relu_with_tied_head) {
    struct toy_options o = SMALL;
    o.gated = false;
    o.tied = true;
    o.encoder_blocks = 3;
    o.decoder_blocks = 1;
    check_model(&o, LENGTHS, FEW);
    check_model(&o, LENGTHS, MANY);
}

// More queries than one block of scores holds.
TEST(long_examples) {
    static const size_t lengths[] = {150, 6, 21}, decoders[] = {140, 3, 5};
    struct toy_options o = SMALL;
    o.encoder_blocks = o.decoder_blocks = 1;
    o.d = 6;
    o.ff = 7;
    o.heads = 2;
    o.width = 3;
    check_model(&o, lengths, decoders);
}

// Stored types: forward values and prompt gradient, frozen.
TEST(half_precision_weights) {
    for (int type = DTYPE_F16; type <= DTYPE_BF16; type++)
        for (int many = 0; many < 2; many++) {
            struct error e = {0};
            static struct toy t;
            static struct toy_batch batch;
            struct toy_options o = SMALL;
            o.type = (enum dtype)type;
            o.trainable = false;
            toy_make(&t, &o);
            batch_make(&batch, 3, LENGTHS, many ? MANY : FEW, o.vocabulary);
            float soft[SLOTS * 12], d_soft[SLOTS * 12] = {0};
            soft_make(soft, o.d);
            struct t5_pass *pass;
            struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_PROMPT);
            double got, states[3 * 30 * 12], logits[3 * 10 * 31];
            double wanted = plain_loss(&t.m, &batch, soft, NULL, states, logits);
            struct random r;
            random_seed(&r, 2, 2);
            CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
            CHECK_OK(t5_pass_plan(pass, &plan, &e));
            CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_PROMPT, soft, d_soft, &got, &e));
            CHECK_NEAR(got, wanted, 2e-6 * wanted);
            check_weight(&t, &batch, soft, NULL, d_soft, SLOTS * o.d, &r);
            for (size_t i = 0; i < batch.encoder_offset[3] * o.d; i++)
                CHECK_NEAR(t5_encoder_states(pass)[i], states[i], 1e-5);
            t5_pass_free(pass);
            toy_free(&t);
        }
}

// ---- logits of some rows and words ----

TEST(label_words_have_the_full_vocabularys_logits) {
    enum { ROWS = 3, WORDS = 70 }; // more words than are gathered at once
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12], all[ROWS * 31], some[ROWS * WORDS];
    size_t rows[ROWS] = {6, 0, 6};
    int32_t ids[WORDS];
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_EVALUATE);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    double logits[7 * 31];
    plain_loss(&t.m, &batch, soft, NULL, NULL, logits);
    for (size_t j = 0; j < WORDS; j++)
        ids[j] = (int32_t)((j * 7) % 31);
    t5_logits(pass, rows, ROWS, NULL, 0, all);
    t5_logits(pass, rows, ROWS, ids, WORDS, some);
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t v = 0; v < 31; v++)
            CHECK_NEAR(all[i * 31 + v], logits[rows[i] * 31 + v], 1e-5);
        for (size_t j = 0; j < WORDS; j++)
            CHECK_NEAR(some[i * WORDS + j], logits[rows[i] * 31 + (size_t)ids[j]], 1e-5);
    }
    t5_pass_free(pass);
    toy_free(&t);
}

// loss = sum of c[i][j] * logit(rows[i], ids[j]): a gradient of logits that is known, given by some words, by
// the same words in two calls, and by the whole vocabulary.
TEST(gradients_of_logits_by_words_and_by_vocabulary_agree) {
    enum { ROWS = 2, WORDS = 3 };
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12], d_soft[3][SLOTS * 12] = {{0}}, head[3][31 * 12];
    size_t rows[ROWS] = {1, 6};
    int32_t ids[WORDS] = {4, 30, 4}; // one word twice
    float c[ROWS * WORDS] = {0.5f, -1, 2, 1, 0.25f, -0.75f}, full[ROWS * 31] = {0};
    for (size_t i = 0; i < ROWS * WORDS; i++)
        full[i / WORDS * 31 + (size_t)ids[i % WORDS]] += c[i];
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_ALL);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    for (int way = 0; way < 3; way++) {
        toy_clear(&t);
        CHECK_OK(t5_forward(pass, T5_TRAIN_ALL, &batch.b, soft, NULL, &e));
        if (way == 0) {
            t5_logits_backward(pass, rows, ROWS, ids, WORDS, c);
        } else if (way == 1) {
            t5_logits_backward(pass, rows, 1, ids, WORDS, c);
            t5_logits_backward(pass, rows + 1, 1, ids, WORDS, c + WORDS);
        } else {
            t5_logits_backward(pass, rows, ROWS, NULL, 0, full);
        }
        CHECK_OK(t5_backward(pass, d_soft[way], NULL, &e));
        memcpy(head[way], t.m.head->gradient, sizeof head[way]);
    }
    double scale = 0;
    for (size_t i = 0; i < SLOTS * 12; i++)
        scale = fmax(scale, fabs((double)d_soft[0][i]));
    CHECK(scale > 1e-3);
    for (int way = 1; way < 3; way++) {
        for (size_t i = 0; i < SLOTS * 12; i++)
            CHECK_NEAR(d_soft[way][i], d_soft[0][i], 1e-5 * scale + 1e-9);
        for (size_t i = 0; i < 31 * 12; i++)
            CHECK_NEAR(head[way][i], head[0][i], 1e-5);
    }
    t5_pass_free(pass);
    toy_free(&t);
}

TEST(most_likely_words) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12];
    double logits[7 * 31], row_loss[7];
    int32_t likely[7];
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    plain_loss(&t.m, &batch, soft, NULL, NULL, logits);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_EVALUATE);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    t5_vocabulary_loss(pass, batch.labels, NULL, row_loss, likely);
    for (size_t r = 0; r < 7; r++) {
        if (batch.labels[r] < 0) {
            CHECK(row_loss[r] == 0);
            continue;
        }
        for (size_t v = 0; v < 31; v++)
            CHECK(logits[r * 31 + (size_t)likely[r]] >= logits[r * 31 + v] - 1e-6);
    }
    t5_pass_free(pass);
    toy_free(&t);
}

// ---- what others rely on ----

// A model with sizes at which products are split and blocked.
static const struct toy_options MIDDLE = {.d = 64,
                                          .heads = 4,
                                          .width = 16,
                                          .ff = 128,
                                          .encoder_blocks = 2,
                                          .decoder_blocks = 2,
                                          .vocabulary = 500,
                                          .gated = true};

// Results of one run: encoder states and decoder states.
struct states {
    float *encoder, *decoder, soft[SLOTS * 64];
    double loss;
};

static bool run_middle(const struct toy_options *o, struct toy_batch *batch, size_t examples,
                       const size_t *lengths, const size_t *decoders, struct thread_pool *pool,
                       const struct toy_batch *planned, struct states *out, struct error *e) {
    static struct toy t;
    struct t5_pass *pass = NULL;
    float soft[SLOTS * 64];
    toy_make(&t, o);
    if (lengths)
        batch_make(batch, examples, lengths, decoders, o->vocabulary);
    soft_make(soft, o->d);
    struct t5_plan plan = plan_of(planned ? planned : batch, &t.m, T5_TRAIN_PROMPT);
    size_t rows = batch->encoder_offset[batch->b.examples],
           targets = batch->decoder_offset[batch->b.examples];
    *out = (struct states){.encoder = malloc(rows * o->d * sizeof(float)),
                           .decoder = malloc(targets * o->d * sizeof(float))};
    bool ok = t5_pass_create(&pass, &t.m, pool, e) && t5_pass_plan(pass, &plan, e) &&
              engine_loss(pass, batch, T5_TRAIN_PROMPT, soft, out->soft, &out->loss, e);
    if (ok) {
        memcpy(out->encoder, t5_encoder_states(pass), rows * o->d * sizeof(float));
        memcpy(out->decoder, t5_decoder_states(pass), targets * o->d * sizeof(float));
    }
    t5_pass_free(pass);
    toy_free(&t);
    return ok;
}

static void states_free(struct states *s) {
    free(s->encoder);
    free(s->decoder);
}

// Example b of a batch, alone.
static void pick_example(const struct toy_batch *from, size_t b, struct toy_batch *to) {
    *to = (struct toy_batch){0};
    to->b = (struct t5_batch){1, to->encoder_offset, to->encoder, to->decoder_offset, to->decoder};
    size_t at = from->encoder_offset[b], target = from->decoder_offset[b];
    to->longest_encoder = to->encoder_offset[1] = from->encoder_offset[b + 1] - at;
    to->longest_decoder = to->decoder_offset[1] = from->decoder_offset[b + 1] - target;
    memcpy(to->encoder, from->encoder + at, to->encoder_offset[1] * sizeof *to->encoder);
    memcpy(to->decoder, from->decoder + target, to->decoder_offset[1] * sizeof *to->decoder);
    memcpy(to->labels, from->labels + target, to->decoder_offset[1] * sizeof *to->labels);
    memcpy(to->weight, from->weight + target, to->decoder_offset[1] * sizeof *to->weight);
}

TEST(examples_do_not_see_each_other) {
    static const size_t lengths[] = {130, 7, 61, 12}, few[] = {2, 2, 3, 2}, many[] = {20, 2, 9, 5};
    for (int form = 0; form < 2; form++) {
        struct error e = {0};
        static struct toy_batch batch, single;
        struct states all, one;
        CHECK_OK(run_middle(&MIDDLE, &batch, 4, lengths, form ? many : few, NULL, NULL, &all, &e));
        for (size_t b = 0; b < 4; b++) {
            pick_example(&batch, b, &single);
            CHECK_OK(run_middle(&MIDDLE, &single, 1, NULL, NULL, NULL, &batch, &one, &e));
            size_t d = MIDDLE.d, at = batch.encoder_offset[b], target = batch.decoder_offset[b];
            CHECK(memcmp(one.encoder, all.encoder + at * d, lengths[b] * d * sizeof(float)) == 0);
            CHECK(memcmp(one.decoder, all.decoder + target * d, (form ? many : few)[b] * d * sizeof(float)) ==
                  0);
            states_free(&one);
        }
        states_free(&all);
    }
}

TEST(threads_agree_and_repeat_to_the_bit) {
    static const size_t lengths[] = {230, 7, 161, 12}, decoders[] = {2, 2, 3, 2};
    struct error e = {0};
    static struct toy_batch batch;
    struct states one, two, again;
    struct thread_pool *pool;
    CHECK_OK(thread_pool_create(&pool, 2, &e));
    CHECK_OK(run_middle(&MIDDLE, &batch, 4, lengths, decoders, NULL, NULL, &one, &e));
    CHECK_OK(run_middle(&MIDDLE, &batch, 4, lengths, decoders, pool, NULL, &two, &e));
    CHECK(one.loss == two.loss);
    CHECK(memcmp(one.encoder, two.encoder, batch.encoder_offset[4] * MIDDLE.d * sizeof(float)) == 0);
    CHECK(memcmp(one.soft, two.soft, sizeof two.soft) == 0);
    for (int round = 0; round < 5; round++) {
        CHECK_OK(run_middle(&MIDDLE, &batch, 4, lengths, decoders, pool, NULL, &again, &e));
        CHECK(memcmp(two.encoder, again.encoder, batch.encoder_offset[4] * MIDDLE.d * sizeof(float)) == 0);
        CHECK(memcmp(two.soft, again.soft, sizeof two.soft) == 0);
        states_free(&again);
    }
    states_free(&one);
    states_free(&two);
    thread_pool_free(pool);
}

TEST(weights_gradients_are_the_same_for_any_number_of_threads) {
    static const size_t lengths[] = {230, 7, 161, 12}, decoders[] = {2, 9, 3, 2};
    struct error e = {0};
    static struct toy one, many;
    static struct toy_batch batch;
    struct toy_options o = MIDDLE;
    struct thread_pool *pool;
    float soft[SLOTS * 64];
    double loss[2];
    o.trainable = true;
    batch_make(&batch, 4, lengths, decoders, o.vocabulary);
    soft_make(soft, o.d);
    CHECK_OK(thread_pool_create(&pool, 3, &e));
    for (int threaded = 0; threaded < 2; threaded++) {
        struct toy *t = threaded ? &many : &one;
        struct t5_pass *pass;
        toy_make(t, &o);
        struct t5_plan plan = plan_of(&batch, &t->m, T5_TRAIN_ALL);
        CHECK_OK(t5_pass_create(&pass, &t->m, threaded ? pool : NULL, &e));
        CHECK_OK(t5_pass_plan(pass, &plan, &e));
        CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_ALL, soft, NULL, &loss[threaded], &e));
        t5_pass_free(pass);
    }
    CHECK(loss[0] == loss[1]);
    for (size_t i = 0; i < one.m.weights; i++)
        CHECK(memcmp(one.weight[i].gradient, many.weight[i].gradient,
                     one.weight[i].rows * one.weight[i].columns * sizeof(float)) == 0);
    toy_free(&one);
    toy_free(&many);
    thread_pool_free(pool);
}

TEST(nothing_is_allocated_in_a_step) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch, small;
    struct thread_pool *pool;
    struct t5_pass *pass;
    struct toy_options o = SMALL;
    float soft[SLOTS * 12], d_soft[SLOTS * 12] = {0};
    double loss;
    if (!COUNTS)
        SKIP("allocations are not counted under a sanitizer");
    toy_make(&t, &o);
    batch_make(&batch, 3, LENGTHS, MANY, o.vocabulary);
    soft_make(soft, o.d);
    CHECK_OK(thread_pool_create(&pool, 2, &e));
    CHECK_OK(t5_pass_create(&pass, &t.m, pool, &e));
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_ALL);
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    pick_example(&batch, 1, &small);
    allocations = 0;
    counting = true;
    bool ok = engine_loss(pass, &batch, T5_TRAIN_ALL, soft, d_soft, &loss, &e) &&
              engine_loss(pass, &small, T5_TRAIN_PROMPT, soft, d_soft, &loss, &e) &&
              engine_loss(pass, &batch, T5_EVALUATE, soft, NULL, &loss, &e);
    counting = false;
    CHECK_OK(ok);
    CHECK_SIZE(allocations, 0);
    counting = true;
    free(malloc(1)); // the counter works
    counting = false;
    CHECK_SIZE(allocations, 1);
    t5_pass_free(pass);
    thread_pool_free(pool);
    toy_free(&t);
}

TEST(frozen_weights_stay_and_have_no_gradient) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    struct toy_options o = SMALL;
    float soft[SLOTS * 12], d_soft[SLOTS * 12] = {0};
    double loss, before = 0, after = 0;
    o.trainable = false;
    toy_make(&t, &o);
    batch_make(&batch, 3, LENGTHS, FEW, o.vocabulary);
    soft_make(soft, o.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_ALL);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK(!t5_pass_plan(pass, &plan, &e));
    CHECK_HAS(e.text, "frozen");
    plan.mode = T5_TRAIN_PROMPT;
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    for (size_t i = 0; i < t.m.weights; i++)
        for (size_t x = 0; x < t.weight[i].rows * t.weight[i].columns; x++)
            before += (double)(x + 1) * element_of(&t.weight[i], x, NULL);
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_PROMPT, soft, d_soft, &loss, &e));
    for (size_t i = 0; i < t.m.weights; i++) {
        CHECK(t.weight[i].gradient == NULL);
        for (size_t x = 0; x < t.weight[i].rows * t.weight[i].columns; x++)
            after += (double)(x + 1) * element_of(&t.weight[i], x, NULL);
    }
    CHECK(before == after);
    CHECK(!t5_forward(pass, T5_TRAIN_ALL, &batch.b, soft, NULL, &e));
    t5_pass_free(pass);
    toy_free(&t);
}

TEST(gradients_add_up) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12], once[SLOTS * 12] = {0}, twice[SLOTS * 12] = {0}, first[64];
    double loss;
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_ALL);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_ALL, soft, once, &loss, &e));
    memcpy(first, t.encoder[0].self.q->gradient, sizeof first);
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_ALL, soft, twice, &loss, &e));
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_ALL, soft, twice, &loss, &e));
    for (size_t i = 0; i < SLOTS * 12; i++)
        CHECK_NEAR(twice[i], 2 * once[i], 1e-5);
    for (size_t i = 0; i < 64; i++)
        CHECK_NEAR(t.encoder[0].self.q->gradient[i], 3 * first[i], 1e-5);
    CHECK(!t5_backward(pass, twice, NULL, &e)); // spent
    t5_pass_free(pass);
    toy_free(&t);
}

TEST(a_cancelled_pass_may_run_again) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12], d_soft[SLOTS * 12] = {0}, same[SLOTS * 12] = {0};
    double loss, again;
    atomic_bool cancel = true;
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_PROMPT);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_PROMPT, soft, d_soft, &loss, &e));
    CHECK(!t5_forward(pass, T5_TRAIN_PROMPT, &batch.b, soft, &cancel, &e));
    CHECK(e.kind == ERROR_CANCELLED);
    CHECK_OK(t5_forward(pass, T5_TRAIN_PROMPT, &batch.b, soft, NULL, &e));
    CHECK(!t5_backward(pass, same, &cancel, &e));
    CHECK(e.kind == ERROR_CANCELLED);
    for (size_t i = 0; i < SLOTS * 12; i++)
        CHECK(same[i] == 0);
    CHECK_OK(engine_loss(pass, &batch, T5_TRAIN_PROMPT, soft, same, &again, &e));
    CHECK(again == loss);
    CHECK(memcmp(d_soft, same, sizeof same) == 0);
    t5_pass_free(pass);
    toy_free(&t);
}

static void raise_flag(void *context, const struct t5_attention *which, size_t example, size_t head,
                       size_t first_query, size_t queries, size_t keys, const float *probabilities,
                       size_t stride) {
    (void)which, (void)example, (void)head, (void)first_query, (void)queries, (void)keys, (void)probabilities;
    (void)stride;
    atomic_store((atomic_bool *)context, true);
}

static void lower_flag(void *context, bool decoder, size_t block, const float *rows) {
    (void)decoder, (void)block, (void)rows;
    atomic_store((atomic_bool *)context, false);
}

// Products between the two were left undone: that must not pass as a result.
TEST(a_cancel_that_comes_and_goes_within_a_block_still_cancels) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12];
    atomic_bool cancel = false;
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_TRAIN_PROMPT);
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    t5_pass_watch(pass, &(struct t5_watch){.context = &cancel, .attention = raise_flag, .block = lower_flag});
    CHECK(!t5_forward(pass, T5_TRAIN_PROMPT, &batch.b, soft, &cancel, &e));
    CHECK(e.kind == ERROR_CANCELLED);
    t5_pass_watch(pass, NULL);
    CHECK_OK(t5_forward(pass, T5_TRAIN_PROMPT, &batch.b, soft, &cancel, &e));
    t5_pass_free(pass);
    toy_free(&t);
}

TEST(memory_follows_the_plan) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch, small;
    static const size_t lengths[] = {300, 200, 250}, decoders[] = {2, 2, 2};
    struct t5_pass *evaluating, *training;
    struct toy_options o = MIDDLE;
    o.encoder_blocks = o.decoder_blocks = 4;
    float soft[SLOTS * 64];
    double loss, again;
    toy_make(&t, &o);
    batch_make(&batch, 3, lengths, decoders, o.vocabulary);
    soft_make(soft, o.d);
    CHECK_OK(t5_pass_create(&evaluating, &t.m, NULL, &e));
    CHECK_OK(t5_pass_create(&training, &t.m, NULL, &e));
    struct t5_plan plan = plan_of(&batch, &t.m, T5_EVALUATE);
    CHECK(!t5_forward(evaluating, T5_EVALUATE, &batch.b, soft, NULL, &e)); // not planned yet
    CHECK_OK(t5_pass_plan(evaluating, &plan, &e));
    plan.mode = T5_TRAIN_PROMPT;
    CHECK_OK(t5_pass_plan(training, &plan, &e));
    size_t bytes = t5_pass_bytes(training);
    CHECK(bytes > t5_pass_bytes(evaluating) + 3 * 750 * (2 * 64 + 3 * 64 + 2 * 128) * sizeof(float));
    CHECK_OK(engine_loss(training, &batch, T5_TRAIN_PROMPT, soft, NULL, &loss, &e));
    pick_example(&batch, 1, &small);
    plan = plan_of(&small, &t.m, T5_TRAIN_PROMPT);
    CHECK_OK(t5_pass_plan(training, &plan, &e)); // less: the memory stays
    CHECK_SIZE(t5_pass_bytes(training), bytes);
    CHECK(!t5_forward(training, T5_TRAIN_PROMPT, &batch.b, soft, NULL, &e));
    CHECK_HAS(e.text, "planned");
    plan = plan_of(&batch, &t.m, T5_TRAIN_PROMPT);
    CHECK_OK(t5_pass_plan(training, &plan, &e));
    CHECK_OK(engine_loss(training, &batch, T5_TRAIN_PROMPT, soft, NULL, &again, &e));
    CHECK(loss == again);
    t5_pass_free(evaluating);
    t5_pass_free(training);
    toy_free(&t);
}

TEST(wrong_batches_are_refused) {
    struct error e = {0};
    static struct toy t;
    static struct toy_batch batch;
    struct t5_pass *pass;
    float soft[SLOTS * 12];
    toy_make(&t, &SMALL);
    batch_make(&batch, 3, LENGTHS, FEW, SMALL.vocabulary);
    soft_make(soft, SMALL.d);
    struct t5_plan plan = plan_of(&batch, &t.m, T5_EVALUATE), wrong = plan;
    CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
    wrong.examples = 0;
    CHECK(!t5_pass_plan(pass, &wrong, &e));
    wrong = plan;
    wrong.encoder_rows = (size_t)1 << 40;
    CHECK(!t5_pass_plan(pass, &wrong, &e));
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    int32_t kept = batch.encoder[4];
    batch.encoder[4] = 31;
    CHECK(!t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    CHECK_HAS(e.text, "row 4");
    batch.encoder[4] = T5_SOFT(SLOTS);
    CHECK(!t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    batch.encoder[4] = T5_SOFT(0);
    CHECK(!t5_forward(pass, T5_EVALUATE, &batch.b, NULL, NULL, &e)); // no soft vectors given
    batch.encoder[4] = kept;
    batch.decoder[1] = T5_SOFT(0);
    CHECK(!t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    CHECK_HAS(e.text, "decoder row 1");
    batch.decoder[1] = 1;
    batch.decoder_offset[2] = batch.decoder_offset[1]; // an example without rows
    CHECK(!t5_forward(pass, T5_EVALUATE, &batch.b, soft, NULL, &e));
    t5_pass_free(pass);
    toy_free(&t);
}

// ---- watching ----

struct watched {
    size_t blocks, queries[3], heads;
    double worst; // |sum of a query's probabilities - 1|
    bool causal;
    const struct t5_block *decoder;
};

static void watch_block(void *context, bool decoder, size_t block, const float *rows) {
    struct watched *w = context;
    w->blocks += rows != NULL && block < 2 && (decoder || !decoder);
}

static void watch_attention(void *context, const struct t5_attention *which, size_t example, size_t head,
                            size_t first_query, size_t queries, size_t keys, const float *probabilities,
                            size_t stride) {
    struct watched *w = context;
    bool cross = which == &w->decoder[0].cross || which == &w->decoder[1].cross;
    bool self = which == &w->decoder[0].self || which == &w->decoder[1].self;
    w->queries[self ? 1 : cross ? 2 : 0] += queries;
    w->heads |= (size_t)1 << head;
    for (size_t i = 0; i < queries; i++) {
        double sum = 0;
        for (size_t j = 0; j < keys; j++) {
            sum += probabilities[i * stride + j];
            if (self && j > first_query + i && probabilities[i * stride + j] != 0)
                w->causal = false;
        }
        if (!(fabs(sum - 1) <= w->worst))
            w->worst = fabs(sum - 1);
    }
    (void)example;
}

TEST(a_watch_sees_every_block_and_head) {
    for (int many = 0; many < 2; many++) {
        struct error e = {0};
        static struct toy t;
        static struct toy_batch batch;
        struct t5_pass *pass;
        float soft[SLOTS * 12];
        double loss, watched_loss;
        toy_make(&t, &SMALL);
        batch_make(&batch, 3, LENGTHS, many ? MANY : FEW, SMALL.vocabulary);
        soft_make(soft, SMALL.d);
        struct watched seen = {.causal = true, .decoder = t.decoder};
        struct t5_watch watch = {&seen, watch_block, watch_attention};
        struct t5_plan plan = plan_of(&batch, &t.m, T5_EVALUATE);
        CHECK_OK(t5_pass_create(&pass, &t.m, NULL, &e));
        CHECK_OK(t5_pass_plan(pass, &plan, &e));
        CHECK_OK(engine_loss(pass, &batch, T5_EVALUATE, soft, NULL, &loss, &e));
        t5_pass_watch(pass, &watch);
        CHECK_OK(engine_loss(pass, &batch, T5_EVALUATE, soft, NULL, &watched_loss, &e));
        t5_pass_watch(pass, NULL);
        CHECK_NEAR(loss, watched_loss, 1e-5);
        CHECK_SIZE(seen.blocks, 4);
        CHECK_SIZE(seen.heads, 7);
        size_t rows = batch.encoder_offset[3], targets = batch.decoder_offset[3];
        CHECK_SIZE(seen.queries[0], 2 * 3 * rows);
        CHECK_SIZE(seen.queries[1], 2 * 3 * targets);
        CHECK_SIZE(seen.queries[2], 2 * 3 * targets);
        CHECK(seen.causal);
        CHECK_NEAR(seen.worst, 0, 1e-5);
        t5_pass_free(pass);
        toy_free(&t);
    }
}

// ---- buckets and work ----

TEST(relative_buckets) {
    static const struct {
        long relative;
        size_t both, causal;
    } known[] = {{0, 0, 0},      {-1, 1, 1},     {1, 17, 0},      {-7, 7, 7},    {-8, 8, 8},    {8, 24, 0},
                 {-15, 9, 15},   {-16, 10, 16},  {-32, 12, 21},   {-64, 14, 26}, {-90, 14, 29}, {-91, 15, 29},
                 {-127, 15, 31}, {-128, 15, 31}, {-5000, 15, 31}, {5000, 31, 0}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        CHECK_SIZE(t5_relative_bucket(known[i].relative, true, 32, 128), known[i].both);
        CHECK_SIZE(t5_relative_bucket(known[i].relative, false, 32, 128), known[i].causal);
    }
    for (size_t buckets = 1; buckets < 40; buckets++)
        for (size_t most = 1; most < 70; most += 3)
            for (long relative = -100; relative <= 100; relative++)
                for (int both = 0; both < 2; both++)
                    CHECK(t5_relative_bucket(relative, both, buckets, most) < buckets);
}

TEST(operations_are_counted) {
    static struct toy_batch batch;
    static const size_t lengths[] = {10, 20}, decoders[] = {2, 2};
    batch_make(&batch, 2, lengths, decoders, 31);
    struct t5_config c = {.d_model = 8,
                          .d_kv = 4,
                          .d_ff = 16,
                          .num_heads = 2,
                          .num_layers = 3,
                          .num_decoder_layers = 1,
                          .gated = true,
                          .vocab_size = 31};
    double row = 4 * 8 * 8 + 3 * 8 * 16;                               // projections and feed-forward
    double linear = 3 * 30 * row + 4 * (row + 2 * 8 * 8) + 4 * 8 * 31; // encoder, decoder, head
    double attention = 3 * 2 * (100 + 400) * 8 + 2 * 2 * 4 * 8;
    linear += 4 * 2 * 8 * 8;                // absorbed: queries into the encoder's space and back
    attention += 2 * 2 * (10 + 20) * 2 * 8; // two rows, two heads
    CHECK_NEAR(t5_flops(&c, &batch.b, T5_EVALUATE, 31), 2 * (linear + attention), 1e-6);
    CHECK_NEAR(t5_flops(&c, &batch.b, T5_TRAIN_PROMPT, 31), 2 * (2 * linear + 3 * attention), 1e-6);
}
