// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_trainer.h"

#include <math.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/model/t5.h"

enum { TRAIN_EXAMPLES = 1, VALIDATION_EXAMPLES = 2 }; // added to the seed
enum { DROPOUT = 0x64726f70 };                        // a stream of it

struct lm_trainer {
    struct lm_parts parts;
    struct lm_settings settings;
    struct lm_symbols symbols;
    struct corpus_reader *reader;
    struct lm_stream *stream;
    struct lm_batch *batch; // [accumulate]
    struct lm_batch *held;  // validation, [held_batches]
    size_t held_batches, held_capacity, held_examples;
    struct t5_pass *pass;
    struct optimizer *optimizer;
    size_t steps;
    float *row_weight; // [batch_tokens]
    double *row_loss;  // [batch_tokens]
    int32_t *arg_max;  // [batch_tokens]
    bool planned;
    enum t5_mode plan; // what the pass is planned for
};

// ---- making ----

static bool is_query_of(const struct t5_stack *s, const struct weight *w) {
    for (size_t i = 0; i < s->blocks; i++)
        if (w == s->block[i].self.q || w == s->block[i].cross.q)
            return true;
    return false;
}

// What the rate is multiplied by.
static double rate_factor(const struct model *m, const struct lm_settings *s, const struct weight *w) {
    return w == m->encoder.position_bias || w == m->decoder.position_bias ? s->bias_rate
           : w == m->embedding                                            ? s->embedding_rate
           : is_query_of(&m->encoder, w) || is_query_of(&m->decoder, w)   ? s->query_rate
                                                                          : 1;
}

static bool make_optimizer(struct lm_trainer *t, struct error *e) {
    struct model *m = t->parts.model;
    const struct lm_settings *s = &t->settings;
    struct optimizer_settings o =
        optimizer_settings_default(s->optimizer == LM_ADAMW ? OPTIMIZER_ADAMW : OPTIMIZER_ADAFACTOR);
    o.beta1 = s->beta1;
    o.beta2 = s->beta2;
    o.weight_decay = s->weight_decay;
    struct optimizer_parameter *p = mem_calloc(m->weights, sizeof *p, e);
    if (!p)
        return false;
    for (size_t i = 0; i < m->weights; i++)
        p[i] = (struct optimizer_parameter){m->weight[i].trained, m->weight[i].gradient, m->weight[i].rows,
                                            m->weight[i].columns};
    bool ok = optimizer_create(&t->optimizer, &o, p, m->weights, t->parts.pool, e);
    free(p);
    for (size_t i = 0; ok && i < m->weights; i++) {
        const struct weight *w = &m->weight[i];
        bool bias = w == m->encoder.position_bias || w == m->decoder.position_bias;
        bool table = w == m->embedding || w == m->head;
        optimizer_set_factors(t->optimizer, i, rate_factor(m, s, w), bias || table || w->rows == 1 ? 0 : 1);
    }
    return ok;
}

// All held-back examples, once: they are few.
static bool hold_back(struct lm_trainer *t, struct error *e) {
    const struct lm_settings *s = &t->settings;
    struct corpus_reader_settings r = corpus_reader_settings_default();
    struct corpus_reader *reader = NULL;
    struct lm_stream *stream = NULL;
    size_t documents = s->validation_documents;
    r.from = 1 - s->validation;
    r.seed = s->seed;
    bool ok = corpus_reader_create(&reader, t->parts.corpus, &r, e) &&
              lm_stream_create(&stream, reader, t->parts.tokenizer, &t->symbols, s,
                               s->seed + VALIDATION_EXAMPLES, e);
    // The stream would go on into the next epoch, with the same documents again.
    while (ok && !corpus_reader_position(reader).epoch) {
        struct lm_batch b = {0};
        ok = lm_stream_next_in_epoch(stream, &b, &documents, e);
        if (!ok || !b.examples ||
            !mem_grow(&t->held, &t->held_capacity, t->held_batches + 1, sizeof *t->held, e)) {
            ok &= !b.examples;
            lm_batch_free(&b);
            break;
        }
        t->held[t->held_batches++] = b;
        t->held_examples += b.examples;
    }
    lm_stream_free(stream);
    corpus_reader_free(reader);
    return ok;
}

static bool open_stream(struct lm_trainer *t, struct error *e) {
    struct corpus_reader_settings r = corpus_reader_settings_default();
    r.to = 1 - t->settings.validation;
    r.seed = t->settings.seed;
    return corpus_reader_create(&t->reader, t->parts.corpus, &r, e) &&
           lm_stream_create(&t->stream, t->reader, t->parts.tokenizer, &t->symbols, &t->settings,
                            t->settings.seed + TRAIN_EXAMPLES, e);
}

bool lm_trainer_create(struct lm_trainer **out, const struct lm_parts *parts, const struct lm_settings *s,
                       struct error *e) {
    *out = NULL;
    const struct t5_config *c = &parts->model->config;
    if (!lm_settings_check(s, e))
        return false;
    if (tokenizer_ids(parts->tokenizer) > c->vocab_size)
        return error_set(e, ERROR_INPUT,
                         "the tokenizer has %zu ids, the model only %zu: they do not belong together",
                         tokenizer_ids(parts->tokenizer), c->vocab_size);
    struct lm_trainer *t = mem_calloc(1, sizeof *t, e);
    if (!t)
        return false;
    t->parts = *parts;
    t->settings = *s;
    lm_symbols_of(&t->symbols, parts->tokenizer, c->decoder_start_id, c->eos_id);
    t->batch = mem_calloc(s->accumulate, sizeof *t->batch, e);
    t->row_weight = mem_calloc(s->batch_tokens, sizeof *t->row_weight, e);
    t->row_loss = mem_calloc(s->batch_tokens, sizeof *t->row_loss, e);
    t->arg_max = mem_calloc(s->batch_tokens, sizeof *t->arg_max, e);
    if (!t->batch || !t->row_weight || !t->row_loss || !t->arg_max ||
        !model_make_trainable(parts->model, e) || !t5_pass_create(&t->pass, parts->model, parts->pool, e) ||
        !make_optimizer(t, e) || !open_stream(t, e) || (s->validation > 0 && !hold_back(t, e))) {
        lm_trainer_free(t);
        return false;
    }
    *out = t;
    return true;
}

void lm_trainer_free(struct lm_trainer *t) {
    if (!t)
        return;
    for (size_t i = 0; t->batch && i < t->settings.accumulate; i++)
        lm_batch_free(&t->batch[i]);
    for (size_t i = 0; i < t->held_batches; i++)
        lm_batch_free(&t->held[i]);
    free(t->batch);
    free(t->held);
    free(t->row_weight);
    free(t->row_loss);
    free(t->arg_max);
    optimizer_free(t->optimizer);
    t5_pass_free(t->pass);
    lm_stream_free(t->stream);
    corpus_reader_free(t->reader);
    free(t);
}

// ---- a batch ----

// Of the largest batch that may come, so that steps allocate nothing. What is planned and never used takes no
// memory.
static bool plan(struct lm_trainer *t, enum t5_mode mode, struct error *e) {
    const struct lm_settings *s = &t->settings;
    size_t rows = s->batch_tokens;
    struct t5_plan p = {.mode = mode,
                        .examples = rows / (LM_LEAST_TOKENS + 2) + 1,
                        .encoder_rows = rows,
                        .decoder_rows = rows,
                        .longest_encoder = lm_objective_longest(s, false),
                        .longest_decoder = lm_objective_longest(s, true),
                        .head_rows = t->parts.model->config.vocab_size,
                        .dropout = mode == T5_TRAIN_ALL ? (float)s->dropout : 0};
    return (t->planned && t->plan == mode) ||
           (t->planned = t5_pass_plan(t->pass, &p, e) && ((t->plan = mode), true));
}

// Adds the batch's gradients, each row's loss times `weight`; *loss is the sum of the rows'.
// `number` of the batch decides on what dropout takes.
static bool learn(struct lm_trainer *t, const struct lm_batch *b, size_t number, float weight, double *loss,
                  const atomic_bool *cancel, struct error *e) {
    struct t5_batch view = lm_batch_view(b);
    struct random random;
    random_seed(&random, t->settings.seed ^ DROPOUT, number);
    t5_pass_seed_dropout(t->pass, random_next(&random));
    if (!plan(t, T5_TRAIN_ALL, e) || !t5_forward(t->pass, T5_TRAIN_ALL, &view, NULL, cancel, e))
        return false;
    for (size_t r = 0; r < b->decoder.count; r++)
        t->row_weight[r] = weight;
    if (!t5_vocabulary_loss_until(t->pass, b->labels.id, t->row_weight, t->row_loss, NULL, cancel, e))
        return false;
    for (size_t r = 0; r < b->decoder.count; r++)
        *loss += t->row_loss[r];
    return t5_backward(t->pass, NULL, cancel, e);
}

// ---- a step ----

static bool read_batches(struct lm_trainer *t, struct lm_step *out, struct error *e) {
    for (size_t i = 0; i < t->settings.accumulate; i++) {
        const struct lm_batch *b = &t->batch[i];
        if (!lm_stream_next(t->stream, &t->batch[i], e))
            return false;
        out->targets += b->decoder.count;
        out->tokens += b->encoder.count + b->decoder.count;
        struct t5_batch view = lm_batch_view(b);
        const struct t5_config *c = &t->parts.model->config;
        out->gflop += 1e-9 * t5_flops(c, &view, T5_TRAIN_ALL, c->vocab_size);
        out->examples += b->examples;
    }
    return true;
}

static bool update(struct lm_trainer *t, struct lm_step *out, struct error *e) {
    const struct lm_settings *s = &t->settings;
    struct optimizer_report report;
    out->rate = s->rate * schedule_factor(s->schedule, t->steps, s->warmup, s->steps);
    if (!isfinite(out->loss))
        return error_set(
            e, ERROR_INPUT,
            "the loss is not finite any more at step %zu: go back to a checkpoint and lower the rate (%g)",
            out->step, out->rate);
    if (!optimizer_step(t->optimizer, out->rate, s->clip, &report, e))
        return false;
    out->gradient_norm = report.gradient_norm;
    out->update_norm = report.update_norm;
    return true;
}

bool lm_trainer_step(struct lm_trainer *t, const atomic_bool *cancel, struct lm_step *out, struct error *e) {
    struct lm_place before = lm_stream_place(t->stream);
    double began = clock_seconds(), loss = 0;
    *out = (struct lm_step){.step = t->steps + 1, .epoch = before.document.epoch};
    bool ok = read_batches(t, out, e);
    for (size_t i = 0; ok && i < t->settings.accumulate; i++)
        ok = learn(t, &t->batch[i], t->steps * t->settings.accumulate + i, 1.0f / (float)out->targets, &loss,
                   cancel, e);
    out->loss = loss / (double)out->targets;
    ok = ok && update(t, out, e);
    model_clear_gradients(t->parts.model);
    if (!ok) {
        struct error ignored = {0};
        lm_stream_seek(t->stream, before, &ignored);
        return false;
    }
    t->steps++;
    out->seconds = clock_seconds() - began;
    return true;
}

bool lm_trainer_validate(struct lm_trainer *t, const atomic_bool *cancel, struct lm_validation *out,
                         struct error *e) {
    double began = clock_seconds(), sum[LM_KINDS] = {0}, total = 0;
    size_t count[LM_KINDS] = {0}, right = 0;
    *out = (struct lm_validation){.step = t->steps};
    for (size_t i = 0; i < t->held_batches; i++) {
        const struct lm_batch *b = &t->held[i];
        struct t5_batch view = lm_batch_view(b);
        if (!plan(t, T5_EVALUATE, e) || !t5_forward(t->pass, T5_EVALUATE, &view, NULL, cancel, e))
            return false;
        if (!t5_vocabulary_loss_until(t->pass, b->labels.id, NULL, t->row_loss, t->arg_max, cancel, e))
            return false;
        for (size_t x = 0; x < b->examples; x++)
            for (size_t r = b->decoder_offset[x]; r < b->decoder_offset[x + 1]; r++) {
                sum[b->kind[x]] += t->row_loss[r];
                count[b->kind[x]]++;
                right += t->arg_max[r] == b->labels.id[r];
            }
    }
    for (size_t k = 0; k < LM_KINDS; k++) {
        out->kind_loss[k] = count[k] ? sum[k] / (double)count[k] : NAN;
        out->targets += count[k];
        total += sum[k];
    }
    out->examples = t->held_examples;
    out->loss = total / (double)out->targets;
    out->accuracy = (double)right / (double)out->targets;
    out->seconds = clock_seconds() - began;
    return true;
}

// ---- asking ----

size_t lm_trainer_steps(const struct lm_trainer *t) {
    return t->steps;
}

bool lm_trainer_done(const struct lm_trainer *t) {
    return t->steps >= t->settings.steps;
}

size_t lm_trainer_validation_examples(const struct lm_trainer *t) {
    return t->held_examples;
}

struct corpus_counts lm_trainer_counts(const struct lm_trainer *t) {
    return corpus_reader_counts(t->reader);
}

void lm_trainer_scale_rate(struct lm_trainer *t, double factor) {
    t->settings.rate = fmin(t->settings.rate * factor, LM_MOST_RATE);
}

const struct lm_settings *lm_trainer_settings(const struct lm_trainer *t) {
    return &t->settings;
}

struct lm_place lm_trainer_place(const struct lm_trainer *t) {
    return lm_stream_place(t->stream);
}

bool lm_trainer_seek(struct lm_trainer *t, struct lm_place place, size_t steps, struct error *e) {
    if (!lm_stream_seek(t->stream, place, e))
        return false;
    t->steps = steps;
    optimizer_set_steps(t->optimizer, steps);
    return true;
}

struct optimizer *lm_trainer_optimizer(struct lm_trainer *t) {
    return t->optimizer;
}

struct model *lm_trainer_model(struct lm_trainer *t) {
    return t->parts.model;
}
