// SPDX-License-Identifier: GPL-3.0-or-later
// From gradients of logits back: t5_logits_backward alone, against the same sums in float64, and with a
// vocabulary loss beside it down to the soft vectors and every weight, against central differences. Batches
// have soft slots anywhere, some twice, decoders of any length, and rows without a label; from one label word
// to more than are gathered at once.
#include "check.h"

#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/model/safetensors.h"
#include "engine/model/t5_inside.h"

enum { EXAMPLES = 4, MOST_ROWS = 400, MOST_WORDS = 130, MOST_VOCABULARY = 300, MOST_SOFT = 16 * 64 };

// Decoders longer together than the rows of logits that exist at once.
static const size_t ENCODER[EXAMPLES] = {5, 40, 1, 13}, DECODER[EXAMPLES] = {1, 7, 150, 2};

struct mix {
    struct model *model;
    struct t5_pass *pass;
    size_t P, d, vocabulary;
    float soft[MOST_SOFT], soft_gradient[MOST_SOFT];
    size_t encoder_offset[EXAMPLES + 1], decoder_offset[EXAMPLES + 1];
    int32_t encoder_input[MOST_ROWS], decoder_input[MOST_ROWS], labels[MOST_ROWS];
    float row_weight[MOST_ROWS];
    size_t last[EXAMPLES]; // decoder rows whose logits are asked for
    int32_t ids[MOST_WORDS];
    size_t words;
    struct t5_batch batch;
    struct random random;
    // Scratch.
    double row_loss[MOST_ROWS];
    float logits[EXAMPLES * MOST_VOCABULARY];
};

// Decoder rows repeat few tokens, so that some are the same in one example; a third have no label.
static void mix_fill(struct mix *m) {
    struct random *r = &m->random;
    for (size_t b = 0; b < EXAMPLES; b++) {
        m->encoder_offset[b + 1] = m->encoder_offset[b] + ENCODER[b];
        m->decoder_offset[b + 1] = m->decoder_offset[b] + DECODER[b];
        m->last[b] = m->decoder_offset[b + 1] - 1;
    }
    for (size_t i = 0; i < m->encoder_offset[EXAMPLES]; i++)
        m->encoder_input[i] =
            random_below(r, 5) < 2 ? T5_SOFT(random_below(r, m->P)) : (int32_t)random_below(r, m->vocabulary);
    for (size_t i = 0; i < m->decoder_offset[EXAMPLES]; i++) {
        m->decoder_input[i] = (int32_t)random_below(r, 9);
        m->labels[i] = random_below(r, 3) ? (int32_t)random_below(r, m->vocabulary) : -1;
        m->row_weight[i] = (float)random_below(r, 5) / 64;
    }
    for (size_t j = 0; j < m->words; j++)
        m->ids[j] = (int32_t)random_below(r, m->vocabulary); // some twice
    m->batch =
        (struct t5_batch){EXAMPLES, m->encoder_offset, m->encoder_input, m->decoder_offset, m->decoder_input};
}

static bool mix_open(struct mix *m, const char *folder, enum t5_mode mode, size_t words, struct error *e) {
    *m = (struct mix){.words = words};
    random_seed(&m->random, words, (uint64_t)mode);
    char path[4200];
    snprintf(path, sizeof path, "%s/prompt.safetensors", folder);
    struct safetensors *file = NULL;
    bool ok = model_load(&m->model, folder, e) && safetensors_open(&file, path, e) &&
              (mode != T5_TRAIN_ALL || model_make_trainable(m->model, e));
    const struct safetensors_tensor *t = ok ? safetensors_find(file, "soft_prompt") : NULL;
    ok = t && t->count <= MOST_SOFT && safetensors_read_floats(t, m->soft, e);
    if (ok) {
        m->P = t->shape[0];
        m->d = m->model->config.d_model;
        m->vocabulary = m->model->config.vocab_size;
        mix_fill(m);
        struct t5_plan plan = {.mode = mode,
                               .examples = EXAMPLES,
                               .encoder_rows = m->encoder_offset[EXAMPLES],
                               .decoder_rows = m->decoder_offset[EXAMPLES],
                               .longest_encoder = 40,
                               .longest_decoder = 150,
                               .soft_slots = m->P,
                               .head_rows = m->vocabulary};
        ok = m->vocabulary <= MOST_VOCABULARY && t5_pass_create(&m->pass, m->model, NULL, e) &&
             t5_pass_plan(m->pass, &plan, e);
    }
    safetensors_close(file);
    return ok;
}

static void mix_close(struct mix *m) {
    t5_pass_free(m->pass);
    model_free(m->model);
    free(m);
}

// ---- alone ----

// What several calls should add to the gradients of the states and of the head, in float64.
struct sums {
    double states[MOST_ROWS * 64], head[MOST_VOCABULARY * 64];
};

static void sums_add(struct sums *s, const struct mix *m, const size_t *rows, size_t row_count,
                     const int32_t *ids, size_t count, const float *d_logits) {
    const struct weight *head = m->model->head;
    const float *states = t5_decoder_states(m->pass);
    size_t d = m->d;
    float word[64];
    for (size_t j = 0; j < count; j++) {
        size_t id = ids ? (size_t)ids[j] : j;
        dtype_to_float(head->dtype, (const char *)head->data + id * d * dtype_size(head->dtype), word, d);
        for (size_t i = 0; i < row_count; i++)
            for (size_t k = 0; k < d; k++) {
                double by = d_logits[i * count + j];
                s->states[rows[i] * d + k] += by * word[k];
                s->head[id * d + k] += by * states[rows[i] * d + k];
            }
    }
}

static double largest_error(const float *got, const double *wanted, size_t count) {
    double largest = 0, error = 0;
    for (size_t i = 0; i < count; i++) {
        double difference = fabs(got[i] - wanted[i]);
        if (!(difference <= error))
            error = difference;
        if (isnan(difference))
            return NAN;
        largest = fmax(largest, fabs(wanted[i]));
    }
    return largest > 0 ? error / largest : error;
}

static void backward_alone(const char *folder, enum t5_mode mode, size_t words) {
    struct error e = {0};
    struct mix *m = calloc(1, sizeof *m);
    struct sums *s = calloc(1, sizeof *s);
    float *d_logits = calloc(MOST_ROWS * MOST_VOCABULARY, sizeof *d_logits);
    size_t some[5] = {3, 157, 3, 0, 12}, all[MOST_ROWS]; // one row twice
    CHECK(m && s && d_logits);
    CHECK_OK(mix_open(m, check_path(folder), mode, words, &e));
    CHECK_OK(t5_forward(m->pass, mode, &m->batch, m->soft, NULL, &e));
    size_t rows = m->decoder_offset[EXAMPLES], values = rows * m->vocabulary;
    CHECK(rows > LOGIT_ROWS && m->d <= 64 && words <= MOST_WORDS);
    for (size_t i = 0; i < values; i++)
        d_logits[i] = (float)random_normal(&m->random);
    for (size_t i = 0; i < rows; i++)
        all[i] = (i * 7) % rows;
    // Words at some rows, at every row out of order, at no row, and the whole vocabulary.
    t5_logits_backward(m->pass, some, 5, m->ids, words, d_logits + 11);
    sums_add(s, m, some, 5, m->ids, words, d_logits + 11);
    t5_logits_backward(m->pass, all, rows, m->ids, words, d_logits);
    sums_add(s, m, all, rows, m->ids, words, d_logits);
    t5_logits_backward(m->pass, all, 0, m->ids, words, d_logits);
    t5_logits_backward(m->pass, all, rows, NULL, 0, d_logits);
    sums_add(s, m, all, rows, NULL, m->vocabulary, d_logits);
    CHECK(largest_error(m->pass->decoder.d_out, s->states, rows * m->d) < 2e-6);
    if (mode == T5_TRAIN_ALL)
        CHECK(largest_error(m->model->head->gradient, s->head, m->vocabulary * m->d) < 2e-6);
    mix_close(m);
    free(s);
    free(d_logits);
}

static const size_t WORDS[] = {1, 2, 63, 64, 65, 130};
enum { WORD_COUNTS = sizeof WORDS / sizeof *WORDS };

TEST(alone_with_frozen_weights) {
    for (size_t i = 0; i < WORD_COUNTS; i++) {
        backward_alone("golden/v11_newcfg", T5_TRAIN_PROMPT, WORDS[i]);
        backward_alone("golden/v10_defaults", T5_TRAIN_PROMPT, WORDS[i]);
    }
}

TEST(alone_while_all_weights_train) {
    for (size_t i = 0; i < WORD_COUNTS; i++) {
        backward_alone("golden/v11_newcfg", T5_TRAIN_ALL, WORDS[i]);
        backward_alone("golden/v10_defaults", T5_TRAIN_ALL, WORDS[i]);
    }
}

// ---- down to the prompt and the weights ----

// Cross entropy among the words at the last row of some examples, the b-th's label being word b % words, and
// its gradient into logits.
static double word_loss(struct mix *m, size_t from, size_t count) {
    double loss = 0;
    t5_logits(m->pass, m->last + from, count, m->ids, m->words, m->logits);
    for (size_t b = 0; b < count; b++) {
        float *z = m->logits + b * m->words;
        double top = z[0], sum = 0, label = z[(from + b) % m->words];
        for (size_t j = 0; j < m->words; j++)
            top = fmax(top, z[j]);
        for (size_t j = 0; j < m->words; j++)
            sum += exp(z[j] - top);
        loss += log(sum) + top - label;
        for (size_t j = 0; j < m->words; j++)
            z[j] = (float)(exp(z[j] - top) / sum - (j == (from + b) % m->words));
    }
    return loss;
}

// 0.1 times the sum of tanh(logit) over the vocabulary at the last rows, and its gradient.
static double squashed_logits(struct mix *m) {
    double sum = 0;
    t5_logits(m->pass, m->last, EXAMPLES, NULL, 0, m->logits);
    for (size_t i = 0; i < EXAMPLES * m->vocabulary; i++) {
        double t = tanh(m->logits[i]);
        sum += 0.1 * t;
        m->logits[i] = (float)(0.1 * (1 - t * t));
    }
    return sum;
}

// All three losses in one; with `gradients` the backward pass too. The words come in two calls.
static bool mix_loss(struct mix *m, enum t5_mode mode, bool gradients, double *loss, struct error *e) {
    if (!t5_forward(m->pass, gradients ? mode : T5_EVALUATE, &m->batch, m->soft, NULL, e))
        return false;
    *loss = 0;
    t5_vocabulary_loss(m->pass, m->labels, gradients ? m->row_weight : NULL, m->row_loss, NULL);
    for (size_t i = 0; i < m->decoder_offset[EXAMPLES]; i++)
        *loss += m->row_weight[i] * m->row_loss[i];
    for (size_t from = 0; from < EXAMPLES; from += 3) {
        size_t count = from + 3 < EXAMPLES ? 3 : EXAMPLES - from;
        *loss += word_loss(m, from, count);
        if (gradients)
            t5_logits_backward(m->pass, m->last + from, count, m->ids, m->words, m->logits);
    }
    *loss += squashed_logits(m);
    if (gradients)
        t5_logits_backward(m->pass, m->last, EXAMPLES, NULL, 0, m->logits);
    return !gradients || t5_backward(m->pass, m->soft_gradient, NULL, e);
}

// The loss after x moved by `far` times `way`; x is put back.
static bool moved_loss(struct mix *m, float *x, const double *way, size_t count, double far, double *loss,
                       struct error *e) {
    float *kept = malloc(count * sizeof *kept);
    memcpy(kept, x, count * sizeof *x);
    for (size_t i = 0; i < count; i++)
        x[i] = (float)(kept[i] + far * way[i]);
    bool ok = mix_loss(m, T5_EVALUATE, false, loss, e);
    memcpy(x, kept, count * sizeof *x);
    free(kept);
    return ok;
}

// The loss's slope at x along a way, by a difference of fourth order.
static bool loss_slope(struct mix *m, float *x, const double *way, size_t count, double step, double *slope,
                       struct error *e) {
    double loss[4];
    static const double far[4] = {2, 1, -1, -2};
    for (int i = 0; i < 4; i++)
        if (!moved_loss(m, x, way, count, far[i] * step, &loss[i], e))
            return false;
    *slope = (8 * (loss[1] - loss[2]) - (loss[0] - loss[3])) / (12 * step);
    return true;
}

// The slope along a way that is half the gradient's own and half by chance, against the gradient, which was
// added `times` times. Long steps meet relu's corners and short ones rounding: one of several must agree.
static void check_slope(struct mix *m, const char *name, float *x, const float *gradient, size_t count,
                        double times) {
    struct error e = {0};
    double norm = 0, chance = 0, wanted = 0, slope = 0, step = 0;
    double *way = malloc(count * sizeof *way);
    CHECK(way != NULL);
    for (size_t i = 0; i < count; i++) {
        way[i] = random_normal(&m->random);
        chance += way[i] * way[i];
        norm += (double)gradient[i] * gradient[i] / times / times;
    }
    norm = sqrt(norm);
    for (size_t i = 0; i < count; i++) {
        way[i] = way[i] / sqrt(chance) + (norm > 0 ? gradient[i] / times / norm : 0);
        wanted += gradient[i] / times * way[i];
    }
    static const double steps[] = {3e-3, 1e-3, 3e-4, 1e-2, 1e-4};
    bool agrees = false;
    for (size_t i = 0; i < sizeof steps / sizeof *steps && !agrees; i++) {
        step = steps[i] / (norm + 0.1);
        CHECK_OK(loss_slope(m, x, way, count, step, &slope, &e));
        agrees = fabs(slope - wanted) < 5e-3 * norm + 1e-4;
    }
    if (!agrees)
        check_failed(__FILE__, __LINE__,
                     "%s: the gradient's slope is %.6g, the loss's %.6g (norm %.3g, step %.3g)", name, wanted,
                     slope, norm, step);
    free(way);
}

static void slopes(const char *folder, size_t words) {
    struct error e = {0};
    struct mix *m = calloc(1, sizeof *m);
    double loss;
    CHECK(m != NULL);
    CHECK_OK(mix_open(m, check_path(folder), T5_TRAIN_ALL, words, &e));
    for (int twice = 0; twice < 2; twice++) // gradients add up
        CHECK_OK(mix_loss(m, T5_TRAIN_ALL, true, &loss, &e));
    check_slope(m, "soft vectors", m->soft, m->soft_gradient, m->P * m->d, 2);
    for (size_t i = 0; i < m->model->weights; i++) {
        struct weight *w = &m->model->weight[i];
        check_slope(m, w->name, w->trained, w->gradient, w->rows * w->columns, 2);
    }
    mix_close(m);
}

TEST(all_the_way_with_a_head_of_its_own) {
    slopes("golden/v11_newcfg", 130);
    slopes("golden/v11_scaled", 1);
    slopes("golden/v11_scaled", 65);
}

TEST(all_the_way_with_a_tied_head) {
    slopes("golden/v10_defaults", 65);
    slopes("golden/v10_deep_decoder", 2);
}

// The prompt's gradient is the same whether or not the weights train.
TEST(frozen_weights_give_the_prompt_the_same_gradient) {
    struct error e = {0};
    struct mix *frozen = calloc(1, sizeof *frozen), *training = calloc(1, sizeof *training);
    double wanted[MOST_SOFT], loss;
    CHECK(frozen && training);
    CHECK_OK(mix_open(training, check_path("golden/v11_newcfg"), T5_TRAIN_ALL, 130, &e));
    CHECK_OK(mix_open(frozen, check_path("golden/v11_newcfg"), T5_TRAIN_PROMPT, 130, &e));
    random_seed(&frozen->random, 1, 1);
    random_seed(&training->random, 1, 1);
    mix_fill(frozen);
    mix_fill(training);
    CHECK_OK(mix_loss(training, T5_TRAIN_ALL, true, &loss, &e));
    CHECK_OK(mix_loss(frozen, T5_TRAIN_PROMPT, true, &loss, &e));
    for (size_t i = 0; i < training->P * training->d; i++)
        wanted[i] = training->soft_gradient[i];
    CHECK(largest_error(frozen->soft_gradient, wanted, training->P * training->d) < 1e-5);
    mix_close(frozen);
    mix_close(training);
}
