// SPDX-License-Identifier: GPL-3.0-or-later
// Training a language model: the whole gradient against finite differences, learning, resuming to the bit,
// accumulation, what is written.
#include "engine/model/t5.h"
#include "lm_fixture.h"

#include <pthread.h>
#include <time.h>

#include "engine/base/random.h"

// ---- the stream ----

static struct lm_stream *stream_of(const struct lm_fixture *f, struct corpus_reader **reader,
                                   const struct lm_symbols *symbols) {
    struct corpus_reader_settings r = corpus_reader_settings_default();
    struct lm_stream *s;
    return corpus_reader_create(reader, f->corpus, &r, &e) &&
                   lm_stream_create(&s, *reader, f->tokenizer, symbols, &f->settings, 3, &e)
               ? s
               : NULL;
}

static uint64_t mark(const struct lm_batch *b) {
    uint64_t h = b->examples;
    for (size_t i = 0; i < b->encoder.count; i++)
        h = h * 1000003 + (uint64_t)b->encoder.id[i];
    for (size_t i = 0; i < b->labels.count; i++)
        h = h * 1000003 + (uint64_t)b->labels.id[i];
    return h;
}

TEST(batches_are_full_and_whole) {
    struct lm_fixture f;
    struct lm_symbols symbols;
    struct corpus_reader *reader;
    struct lm_batch b = {0};
    CHECK_OK(lm_fixture_open(&f));
    lm_symbols_of(&symbols, f.tokenizer, 0, 1);
    CHECK_SIZE(symbols.sentinels, 100);
    struct lm_stream *s = stream_of(&f, &reader, &symbols);
    CHECK(s);
    size_t rows = 0;
    for (size_t i = 0; i < 30; i++) {
        CHECK_OK(lm_stream_next(s, &b, &e));
        CHECK(b.examples > 2 && b.encoder_offset[b.examples] == b.encoder.count);
        CHECK(b.decoder.count == b.labels.count && b.decoder_offset[b.examples] == b.decoder.count);
        CHECK(b.encoder.count + b.decoder.count <= f.settings.batch_tokens);
        rows += b.encoder.count + b.decoder.count;
        for (size_t x = 0; x < b.examples; x++) {
            size_t from = b.decoder_offset[x], to = b.decoder_offset[x + 1];
            CHECK(b.decoder.id[from] == 0 && b.labels.id[to - 1] == 1);
            for (size_t r = from + 1; r < to; r++)
                CHECK(b.decoder.id[r] == b.labels.id[r - 1]);
            CHECK(to - from <= b.longest_decoder);
            CHECK(b.encoder_offset[x + 1] - b.encoder_offset[x] <= f.settings.max_tokens + 1);
        }
    }
    CHECK((double)rows / 30 / (double)f.settings.batch_tokens > 0.8);
    lm_batch_free(&b);
    lm_stream_free(s);
    corpus_reader_free(reader);
    lm_fixture_close(&f);
}

TEST(a_place_in_the_stream_goes_on_to_the_bit) {
    struct lm_fixture f;
    struct lm_symbols symbols;
    struct corpus_reader *reader, *other;
    struct lm_batch b = {0};
    uint64_t wanted[60];
    struct lm_place place[60];
    CHECK_OK(lm_fixture_open(&f));
    f.settings.max_tokens = 13; // documents become several segments
    f.settings.batch_tokens = 70;
    lm_symbols_of(&symbols, f.tokenizer, 0, 1);
    struct lm_stream *s = stream_of(&f, &reader, &symbols), *again = stream_of(&f, &other, &symbols);
    CHECK(s && again);
    bool inside = false;
    for (size_t i = 0; i < 60; i++) {
        place[i] = lm_stream_place(s);
        inside |= place[i].segment > 0;
        CHECK_OK(lm_stream_next(s, &b, &e));
        wanted[i] = mark(&b);
    }
    CHECK(inside);
    for (size_t i = 60; i-- > 0;) {
        CHECK_OK(lm_stream_seek(again, place[i], &e));
        CHECK_OK(lm_stream_next(again, &b, &e));
        CHECK(mark(&b) == wanted[i]);
    }
    lm_batch_free(&b);
    lm_stream_free(s);
    lm_stream_free(again);
    corpus_reader_free(reader);
    corpus_reader_free(other);
    lm_fixture_close(&f);
}

// What stands behind the sentinel, up to </s>, has no word in it: the last word was taken, also where a
// document becomes several segments and a sentence is cut.
TEST(closing_takes_the_last_word_of_each_segment) {
    struct lm_fixture f;
    struct lm_symbols symbols;
    struct corpus_reader *reader;
    struct lm_batch b = {0};
    size_t whole = 0, inside = 0;
    CHECK_OK(lm_fixture_open(&f));
    f.settings.max_tokens = 13;
    f.settings.batch_tokens = 400;
    memset(f.settings.mix, 0, sizeof f.settings.mix);
    f.settings.mix[LM_CLOSING] = 1;
    lm_symbols_of(&symbols, f.tokenizer, 0, 1);
    struct lm_stream *s = stream_of(&f, &reader, &symbols);
    for (size_t n = 0; s && n < 20; n++) {
        CHECK_OK(lm_stream_next(s, &b, &e));
        for (size_t i = 0; i < b.examples; i++) {
            size_t at = b.encoder_offset[i], end = b.encoder_offset[i + 1] - 1;
            while (at < end && b.encoder.id[at] != symbols.sentinel[0])
                at++;
            CHECK(at < end);
            char *behind = tokenizer_decode(f.tokenizer, b.encoder.id + at + 1, end - at - 1, &e);
            CHECK(behind && !strpbrk(behind, "abcdefghijklmnopqrstuvwxyz"));
            whole += behind && behind[0] == '.';
            free(behind);
            CHECK(b.encoder_offset[i + 1] - b.encoder_offset[i] <= lm_objective_longest(&f.settings, false));
            CHECK(b.decoder_offset[i + 1] - b.decoder_offset[i] <= lm_objective_longest(&f.settings, true));
        }
    }
    CHECK(whole > 20);
    // Anywhere: sentences in front of others lose theirs, too.
    f.settings.max_tokens = 100;
    f.settings.closing_anywhere = 1;
    for (size_t n = 0; s && n < 20; n++) {
        CHECK_OK(lm_stream_next(s, &b, &e));
        char *all = tokenizer_decode(f.tokenizer, b.encoder.id, b.encoder.count, &e);
        for (const char *at = all; at && (at = strstr(at, "<extra_id_0>")) != NULL; at++)
            inside += strcspn(at + 12, "abcdefghijklmnopqrstuvwxyz") < strcspn(at + 12, "<");
        free(all);
    }
    CHECK(inside > 20);
    lm_batch_free(&b);
    lm_stream_free(s);
    corpus_reader_free(reader);
    lm_fixture_close(&f);
}

// ---- the gradient ----

static double loss_of(struct t5_pass *pass, const struct lm_batch *b, double *row_loss) {
    struct t5_batch view = lm_batch_view(b);
    double loss = 0;
    if (!t5_forward(pass, T5_TRAIN_ALL, &view, NULL, NULL, &e))
        return NAN;
    t5_vocabulary_loss(pass, b->labels.id, NULL, row_loss, NULL);
    for (size_t r = 0; r < b->decoder.count; r++)
        loss += row_loss[r];
    return loss / (double)b->decoder.count;
}

static void check_gradient(float dropout) {
    struct lm_fixture f;
    struct lm_symbols symbols;
    struct corpus_reader *reader;
    struct lm_batch b = {0};
    struct t5_pass *pass;
    static double row_loss[512];
    static float weight[512];
    CHECK_OK(lm_fixture_open(&f));
    struct t5_config c = lm_start_config(&f.settings, tokenizer_ids(f.tokenizer));
    CHECK_OK(lm_start_model(&f.model, &c, &f.settings, &e));
    CHECK_OK(model_make_trainable(f.model, &e));
    lm_symbols_of(&symbols, f.tokenizer, 0, 1);
    struct lm_stream *s = stream_of(&f, &reader, &symbols);
    CHECK_OK(lm_stream_next(s, &b, &e));
    CHECK_OK(t5_pass_create(&pass, f.model, NULL, &e));
    struct t5_plan plan = {.mode = T5_TRAIN_ALL,
                           .examples = b.examples,
                           .encoder_rows = b.encoder.count,
                           .decoder_rows = b.decoder.count,
                           .longest_encoder = b.longest_encoder,
                           .longest_decoder = b.longest_decoder,
                           .head_rows = c.vocab_size,
                           .dropout = dropout};
    t5_pass_seed_dropout(pass, 11);
    CHECK_OK(t5_pass_plan(pass, &plan, &e));
    for (size_t r = 0; r < b.decoder.count; r++)
        weight[r] = 1.0f / (float)b.decoder.count;
    struct t5_batch view = lm_batch_view(&b);
    CHECK_OK(t5_forward(pass, T5_TRAIN_ALL, &view, NULL, NULL, &e));
    t5_vocabulary_loss(pass, b.labels.id, weight, row_loss, NULL);
    CHECK_OK(t5_backward(pass, NULL, NULL, &e));
    // Along a random direction of each weight: the sum of many elements stands out from the rounding.
    struct random r;
    random_seed(&r, 1, 1);
    for (size_t i = 0; i < f.model->weights; i++) {
        struct weight *w = &f.model->weight[i];
        size_t count = w->rows * w->columns;
        float *direction = mem_calloc(count, sizeof *direction, &e),
              *kept = mem_calloc(count, sizeof *kept, &e);
        double slope = 0, size = 0;
        for (size_t j = 0; j < count; j++) {
            direction[j] = w->gradient[j];
            slope += (double)w->gradient[j] * (double)direction[j];
            size += (double)direction[j] * (double)direction[j];
        }
        CHECK(size > 0);
        double step = 2e-3 / sqrt(size), loss[2];
        memcpy(kept, w->trained, count * sizeof *kept);
        for (int side = 0; side < 2; side++) {
            for (size_t j = 0; j < count; j++)
                w->trained[j] = (float)((double)kept[j] + (side ? -step : step) * (double)direction[j]);
            loss[side] = loss_of(pass, &b, row_loss);
        }
        memcpy(w->trained, kept, count * sizeof *kept);
        double measured = (loss[0] - loss[1]) / (2 * step);
        if (!(fabs(measured - slope) < 0.02 * slope + 2e-4 * sqrt(size)))
            check_failed(__FILE__, __LINE__, "%s: %g by differences, %g by the gradient", w->name, measured,
                         slope);
        free(direction);
        free(kept);
    }
    lm_batch_free(&b);
    lm_stream_free(s);
    corpus_reader_free(reader);
    t5_pass_free(pass);
    lm_fixture_close(&f);
}

TEST(the_gradient_of_the_whole_loss) {
    check_gradient(0);
}

TEST(the_gradient_with_dropout) {
    check_gradient(0.3f);
}

// ---- training ----

TEST(the_loss_falls) {
    struct lm_fixture f;
    struct lm_step s;
    struct lm_validation before, after;
    CHECK_OK(lm_fixture_open(&f));
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK(lm_trainer_validation_examples(f.trainer) >= 15);
    CHECK_OK(lm_trainer_validate(f.trainer, NULL, &before, &e));
    CHECK_NEAR(before.loss, log((double)f.model->config.vocab_size), 1.0);
    while (!lm_trainer_done(f.trainer)) {
        CHECK_OK(lm_trainer_step(f.trainer, NULL, &s, &e));
        CHECK(isfinite(s.loss) && s.gradient_norm > 0 && s.tokens > 100 && s.targets > 10);
    }
    CHECK_SIZE(s.step, 60);
    CHECK(s.rate < 1e-4); // the schedule's end
    CHECK_OK(lm_trainer_validate(f.trainer, NULL, &after, &e));
    CHECK(after.loss < before.loss - 1.5 && after.accuracy > before.accuracy + 0.2);
    CHECK(after.targets == before.targets);
    lm_fixture_close(&f);
}

TEST(each_document_that_is_held_back_is_scored_once) {
    struct lm_fixture f;
    struct corpus_reader *reader;
    struct corpus_reader_settings r = corpus_reader_settings_default();
    struct corpus_document d;
    size_t documents = 0;
    CHECK_OK(lm_fixture_open(&f));
    f.settings.validation_documents = 100000; // more than there are
    f.settings.max_tokens = 100;              // each in one piece
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    r.from = 1 - f.settings.validation;
    CHECK_OK(corpus_reader_create(&reader, f.corpus, &r, &e));
    for (bool there = true; there; documents += there)
        CHECK_OK(corpus_reader_next_in_epoch(reader, &d, &there, &e));
    CHECK(documents > 10 && documents < 80);
    CHECK_SIZE(lm_trainer_validation_examples(f.trainer), documents);
    corpus_reader_free(reader);
    lm_fixture_close(&f);
}

static uint64_t weights_of(const struct model *m) {
    uint64_t h = 1;
    for (size_t i = 0; i < m->weights; i++)
        for (size_t j = 0; j < m->weight[i].rows * m->weight[i].columns; j++) {
            uint32_t bits;
            memcpy(&bits, &m->weight[i].trained[j], 4);
            h = (h ^ bits) * 0x100000001b3u;
        }
    return h;
}

static bool run_steps(struct lm_fixture *f, size_t steps) {
    struct lm_step s;
    for (size_t i = 0; i < steps; i++)
        if (!lm_trainer_step(f->trainer, NULL, &s, &e))
            return false;
    return true;
}

TEST(a_kept_run_goes_on_to_the_bit_with_any_number_of_threads) {
    for (int adafactor = 0; adafactor < 2; adafactor++) {
        struct lm_fixture f;
        struct lm_record record;
        struct lm_validation v;
        struct thread_pool *pool;
        char path[512];
        snprintf(path, sizeof path, "%s/checkpoint.safetensors", check_folder());
        CHECK_OK(lm_fixture_open(&f));
        f.settings.optimizer = adafactor ? LM_ADAFACTOR : LM_ADAMW;
        f.settings.weight_decay = 0.01;
        f.settings.dropout = adafactor ? 0 : 0.1;
        CHECK_OK(lm_fixture_trainer(&f, NULL));
        CHECK_OK(run_steps(&f, 7));
        CHECK_OK(lm_checkpoint_write(path, f.trainer, f.corpus, "{\"mine\": 1}", &e));
        CHECK_OK(lm_trainer_validate(f.trainer, NULL, &v, &e));
        CHECK_OK(run_steps(&f, 9));
        uint64_t wanted = weights_of(f.model);
        lm_fixture_close_trainer(&f);
        CHECK_OK(lm_checkpoint_look(&record, path, &e));
        CHECK(record.step == 7 && strcmp(record.kept, "{\"mine\": 1}") == 0);
        CHECK(memcmp(&record.settings, &f.settings, sizeof f.settings) == 0);
        lm_checkpoint_release(&record);
        CHECK_OK(thread_pool_create(&pool, 3, &e));
        CHECK_OK(lm_fixture_trainer(&f, pool));
        CHECK_OK(lm_checkpoint_load(path, f.trainer, f.corpus, &e));
        CHECK_SIZE(lm_trainer_steps(f.trainer), 7);
        CHECK_OK(run_steps(&f, 9));
        CHECK(weights_of(f.model) == wanted);
        lm_fixture_close(&f);
        thread_pool_free(pool);
    }
}

TEST(checkpoints_of_something_else_are_refused) {
    struct lm_fixture f, g;
    char path[512];
    snprintf(path, sizeof path, "%s/other.safetensors", check_folder());
    CHECK_OK(lm_fixture_open(&f));
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(run_steps(&f, 1));
    CHECK_OK(lm_checkpoint_write(path, f.trainer, f.corpus, "", &e));
    g = f;
    const char *text = lm_fixture_text(401);
    CHECK_OK(corpus_open(&g.corpus, &text, 1, CORPUS_SENTENCES, &e));
    CHECK(!lm_checkpoint_load(path, f.trainer, g.corpus, &e));
    CHECK_HAS(e.text, "the corpus is not the one");
    corpus_close(g.corpus);
    lm_fixture_close_trainer(&f);
    f.settings.d_ff = 56;
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK(!lm_checkpoint_load(path, f.trainer, f.corpus, &e));
    CHECK_HAS(e.text, "this run needs F32 [56, 32]");
    struct lm_record record;
    char model[512];
    snprintf(model, sizeof model, "%s/model.safetensors", check_folder());
    CHECK_OK(model_write_weights(f.model, check_folder(), DTYPE_F32, &e));
    CHECK(!lm_checkpoint_look(&record, model, &e));
    CHECK_HAS(e.text, "no checkpoint of prompter lm");
    lm_fixture_close(&f);
}

// The same examples in one batch and in four: the same loss and nearly the same weights (sums in another
// order).
TEST(accumulation_equals_a_larger_batch) {
    struct lm_fixture f;
    struct lm_step one, four;
    CHECK_OK(lm_fixture_open(&f));
    f.settings.batch_tokens = 300;
    f.settings.accumulate = 4;
    f.settings.optimizer = LM_ADAFACTOR;
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(lm_trainer_step(f.trainer, NULL, &four, &e));
    struct model *kept = f.model;
    lm_trainer_free(f.trainer);
    size_t wanted = four.tokens;
    f.settings.accumulate = 1;
    f.settings.batch_tokens = wanted; // exactly these
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(lm_trainer_step(f.trainer, NULL, &one, &e));
    CHECK(one.examples == four.examples && one.targets == four.targets);
    CHECK_NEAR(one.loss, four.loss, 1e-6);
    CHECK_NEAR(one.gradient_norm, four.gradient_norm, 1e-5);
    double far = 0;
    for (size_t i = 0; i < kept->weights; i++)
        for (size_t j = 0; j < kept->weight[i].rows * kept->weight[i].columns; j++)
            far = fmax(far, fabs((double)kept->weight[i].trained[j] - (double)f.model->weight[i].trained[j]));
    CHECK(far < 2e-5 && far >= 0);
    model_free(kept);
    lm_fixture_close(&f);
}

TEST(a_cancelled_step_never_was) {
    struct lm_fixture f;
    struct lm_step s;
    atomic_bool cancel = true;
    CHECK_OK(lm_fixture_open(&f));
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(run_steps(&f, 4));
    uint64_t wanted = weights_of(f.model);
    lm_fixture_close_trainer(&f);
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(run_steps(&f, 2));
    for (int i = 0; i < 3; i++) {
        CHECK(!lm_trainer_step(f.trainer, &cancel, &s, &e));
        CHECK(e.kind == ERROR_CANCELLED);
    }
    struct lm_validation v;
    CHECK(!lm_trainer_validate(f.trainer, &cancel, &v, &e) && e.kind == ERROR_CANCELLED);
    CHECK_OK(run_steps(&f, 2));
    CHECK(weights_of(f.model) == wanted);
    lm_fixture_close(&f);
}

struct later {
    atomic_bool cancel;
    double seconds;
};

static void *cancel_later(void *context) {
    struct later *l = context;
    struct timespec wait = {.tv_nsec = (long)(l->seconds * 1e9)};
    nanosleep(&wait, NULL);
    atomic_store(&l->cancel, true);
    return NULL;
}

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// Wherever in a step it comes: in the encoder, the decoder, the loss, on the way back.
TEST(a_step_ends_soon_after_cancel) {
    struct lm_fixture f;
    struct lm_step s;
    CHECK_OK(lm_fixture_open(&f));
    f.settings.d_model = 128;
    f.settings.d_ff = 512;
    f.settings.batch_tokens = 4096;
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    CHECK_OK(run_steps(&f, 1)); // memory is there now
    double began = cpu_seconds();
    CHECK_OK(run_steps(&f, 1));
    double whole = cpu_seconds() - began, latest = 0;
    for (double share = 0.1; share < 0.85; share += 0.1) {
        double least = INFINITY; // of some tries: the other thread may get its turn late
        for (int i = 0; i < 4 && least > 0.02; i++) {
            struct later l = {.seconds = share * whole};
            pthread_t thread;
            CHECK(pthread_create(&thread, NULL, cancel_later, &l) == 0);
            began = cpu_seconds();
            bool done = lm_trainer_step(f.trainer, &l.cancel, &s, &e);
            double late = cpu_seconds() - began - l.seconds;
            pthread_join(thread, NULL);
            CHECK(done || e.kind == ERROR_CANCELLED);
            if (!done)
                least = fmin(least, late);
        }
        latest = isfinite(least) ? fmax(latest, least) : latest;
    }
    CHECK(latest < 0.1);
    lm_fixture_close(&f);
}

TEST(what_diverges_is_told_and_changes_nothing) {
    struct lm_fixture f;
    struct lm_step s;
    CHECK_OK(lm_fixture_open(&f));
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    f.model->encoder.final_norm->trained[0] = NAN;
    CHECK(!lm_trainer_step(f.trainer, NULL, &s, &e));
    CHECK_HAS(e.text, "not finite");
    CHECK_SIZE(lm_trainer_steps(f.trainer), 0);
    lm_fixture_close(&f);
}

// ---- the start, and what is written ----

static double deviation(const struct weight *w) {
    double sum = 0;
    for (size_t i = 0; i < w->rows * w->columns; i++)
        sum += (double)w->trained[i] * (double)w->trained[i];
    return sqrt(sum / (double)(w->rows * w->columns));
}

TEST(starts) {
    struct lm_settings s = lm_settings_recipe(LM_HUGGING_FACE);
    s.d_model = 128;
    s.d_ff = 256;
    s.heads = 4;
    s.d_kv = 16;
    s.layers = 2;
    s.decoder_layers = 1;
    struct t5_config c = lm_start_config(&s, 500);
    struct model *m, *other;
    CHECK_OK(lm_start_model(&m, &c, &s, &e));
    CHECK(m->encoder.blocks == 2 && m->decoder.blocks == 1 && m->head != m->embedding);
    double in = 1 / sqrt(128.0);
    CHECK_NEAR(deviation(m->embedding), 1, 0.02);
    CHECK_NEAR(deviation(m->head), 1, 0.02);
    CHECK_NEAR(deviation(m->encoder.block[0].self.q), in / 4, in / 40);
    CHECK_NEAR(deviation(m->decoder.block[0].cross.k), in, in / 20);
    CHECK_NEAR(deviation(m->decoder.block[0].cross.o), 1 / 8.0, 1 / 80.0);
    CHECK_NEAR(deviation(m->encoder.block[1].feed_forward.wo), 1 / 16.0, 1 / 160.0);
    CHECK_NEAR(deviation(m->encoder.final_norm), 1, 1e-9);
    CHECK_OK(lm_start_model(&other, &c, &s, &e));
    CHECK(weights_of(m) == weights_of(other));
    model_free(other);
    s.seed = 2;
    CHECK_OK(lm_start_model(&other, &c, &s, &e));
    CHECK(weights_of(m) != weights_of(other));
    model_free(other);
    // Local heads: the bias of one bucket stands out, for three heads of four.
    struct lm_settings small = lm_settings_recipe(LM_SMALL);
    small.heads = 4;
    small.d_model = 128;
    small.tied = 1;
    c = lm_start_config(&small, 500);
    CHECK_OK(lm_start_model(&other, &c, &small, &e));
    CHECK(other->head == other->embedding && c.scale_decoder_outputs);
    CHECK_NEAR(deviation(other->embedding), 1, 0.02);
    const float *bias = other->encoder.position_bias->trained;
    CHECK(bias[1 * 4 + 0] > 2.5f);                                  // one before
    CHECK(bias[17 * 4 + 1] > 2.5f);                                 // one behind
    CHECK(bias[0 * 4 + 2] == -3 && bias[0 * 4 + 3] == -3);          // not itself: they look elsewhere
    CHECK(other->decoder.position_bias->trained[2 * 4 + 1] > 2.5f); // two before
    model_free(other);
    // Heads that look for the same and copy it; a head that says the word it sees.
    small.tied = 0;
    c = lm_start_config(&small, 500);
    CHECK_OK(lm_start_model(&other, &c, &small, &e));
    const struct t5_attention *self = &other->encoder.block[1].self, *cross = &other->decoder.block[1].cross;
    size_t width = c.d_kv * c.d_model;
    for (size_t i = 0; i < width; i += 97) {
        CHECK_NEAR(self->q->trained[2 * width + i], 6.0 / 32 * self->k->trained[2 * width + i], 1e-6);
        CHECK_NEAR(cross->q->trained[i], 6.0 / 32 * cross->k->trained[i], 1e-6);
    }
    CHECK(fabsf(self->q->trained[0] - 6.0f / 32 * self->k->trained[0]) > 1e-6f); // a local head
    CHECK_NEAR(self->o->trained[5 * 128 + 7], self->v->trained[7 * 128 + 5], 1e-6);
    CHECK_NEAR(cross->o->trained[5 * 128 + 7], cross->v->trained[7 * 128 + 5], 1e-6);
    CHECK_NEAR(other->head->trained[999], other->embedding->trained[999] * in, 1e-6);
    CHECK_NEAR(deviation(other->encoder.block[1].feed_forward.wo), 0.3 / sqrt(640.0), 0.001);
    model_free(other);
    model_free(m);
}

// With query_rate 0 only q stands still, in every attention.
TEST(q_has_a_rate_of_its_own) {
    struct lm_fixture f;
    CHECK_OK(lm_fixture_open(&f));
    f.settings.query_rate = 0;
    CHECK_OK(lm_fixture_trainer(&f, NULL));
    const struct t5_attention *a[] = {&f.model->encoder.block[0].self, &f.model->decoder.block[0].self,
                                      &f.model->decoder.block[0].cross};
    float q[3], k[3];
    for (size_t i = 0; i < 3; i++)
        q[i] = a[i]->q->trained[3], k[i] = a[i]->k->trained[3];
    CHECK_OK(run_steps(&f, 3));
    for (size_t i = 0; i < 3; i++)
        CHECK(a[i]->q->trained[3] == q[i] && a[i]->k->trained[3] != k[i]);
    lm_fixture_close(&f);
}

TEST(a_written_model_loads_the_same) {
    for (size_t tied = 0; tied < 2; tied++) {
        struct lm_fixture f;
        char folder[512];
        snprintf(folder, sizeof folder, "%s/model%zu", check_folder(), tied);
        CHECK_OK(lm_fixture_open(&f));
        f.settings.tied = tied;
        CHECK_OK(lm_fixture_trainer(&f, NULL));
        CHECK_OK(run_steps(&f, 2));
        CHECK_OK(file_make_folders(folder, &e));
        CHECK_OK(model_write_config(&f.model->config, tied, 0, DTYPE_F32, folder, &e));
        CHECK_OK(model_write_weights(f.model, folder, DTYPE_F32, &e));
        struct model *back;
        CHECK_OK(model_load(&back, folder, &e));
        CHECK(back->weights == f.model->weights && (back->head == back->embedding) == (tied == 1));
        CHECK(back->config.scale_decoder_outputs == (tied == 1) && back->config.gated);
        CHECK_OK(model_make_trainable(back, &e));
        CHECK(weights_of(back) == weights_of(f.model));
        model_free(back);
        // In bf16 each weight is the nearest there is.
        CHECK_OK(model_write_weights(f.model, folder, DTYPE_BF16, &e));
        CHECK_OK(model_load(&back, folder, &e));
        CHECK(back->embedding->dtype == DTYPE_BF16);
        float row[64];
        model_embedding_row(back, 5, row);
        for (size_t j = 0; j < 32; j++) {
            float x = f.model->embedding->trained[5 * 32 + j];
            CHECK(fabsf(row[j] - x) <= fabsf(x) / 256);
        }
        model_free(back);
        // Further: the copy of its configuration keeps what it had.
        char copy[520];
        snprintf(copy, sizeof copy, "%s/copy", folder);
        CHECK_OK(file_make_folders(copy, &e));
        CHECK_OK(model_copy_config(folder, copy, DTYPE_F16, true, &e));
        struct t5_config c;
        CHECK_OK(t5_config_read(&c, copy, &e));
        CHECK(memcmp(&c, &f.model->config, sizeof c) == 0);
        lm_fixture_close(&f);
    }
}

// ---- the vocabulary ----

TEST(a_vocabulary_has_the_special_pieces_and_the_words_kept) {
    struct lm_fixture f = {.settings = lm_fixture_settings()};
    const char *path = lm_fixture_text(400);
    CHECK_OK(corpus_open(&f.corpus, &path, 1, CORPUS_SENTENCES, &e));
    f.settings.vocabulary = 60;
    CHECK_OK(lm_fixture_tokenizer(&f, "yes, no,perhaps"));
    const struct tokenizer *t = f.tokenizer;
    CHECK(tokenizer_find(t, "<pad>") == 0 && tokenizer_find(t, "</s>") == 1 &&
          tokenizer_find(t, "<unk>") == 2);
    size_t pieces = tokenizer_pieces(t); // this text has not enough words for 60
    CHECK(pieces > 40 && pieces <= 60);
    CHECK_SIZE(tokenizer_sentinel(t, 0), pieces + 99);
    static const char *const kept[] = {"yes", "no", "perhaps"};
    for (size_t i = 0; i < 3; i++) {
        struct token_list ids = {0};
        CHECK_OK(tokenizer_encode(t, kept[i], strlen(kept[i]), &ids, &e));
        CHECK_SIZE(ids.count, 1);
        token_list_free(&ids);
    }
    char *first = NULL, *second = NULL;
    size_t length, again;
    struct lm_vocabulary_settings v = {.pieces = 60, .to = 1, .seed = 1};
    CHECK_OK(lm_vocabulary_train(&first, &length, f.corpus, &v, &e));
    CHECK_OK(lm_vocabulary_train(&second, &again, f.corpus, &v, &e));
    CHECK(length == again && memcmp(first, second, length) == 0);
    free(first);
    free(second);
    v.keep = "two words";
    CHECK(!lm_vocabulary_train(&first, &length, f.corpus, &v, &e));
    CHECK_HAS(e.text, "without spaces");
    v.keep = NULL;
    v.pieces = 5;
    CHECK(!lm_vocabulary_train(&first, &length, f.corpus, &v, &e));
    CHECK_HAS(e.text, "a vocabulary of 5 pieces is too small for this corpus: its characters alone take ");
    CHECK_HAS(e.text, "give a larger --vocabulary");
    lm_fixture_close(&f);
}

// "from" and "Also" have one form in this text, and no longer word begins with them.
TEST(a_frequent_word_of_one_form_is_one_piece) {
    char path[512];
    static const char *const thing[] = {"boat", "stone", "chair", "wheel", "lamp", "drum"};
    struct buffer text = {0};
    snprintf(path, sizeof path, "%s/one_form.txt", check_folder());
    for (size_t i = 0; i < 240; i++)
        buffer_printf(&text, "Also, the %s came from a %s.\n%s", thing[i % 6], thing[i * 5 % 7 % 6],
                      i % 4 == 3 ? "\n" : "");
    CHECK_OK(file_write_atomic(path, text.data, text.length, &e));
    struct lm_fixture f = {.settings = lm_fixture_settings()};
    CHECK_OK(corpus_open(&f.corpus, &(const char *){path}, 1, CORPUS_SENTENCES, &e));
    f.settings.vocabulary = 60;
    CHECK_OK(lm_fixture_tokenizer(&f, NULL));
    static const char *const whole[] = {"from", "Also", "came", "boat"};
    for (size_t i = 0; i < sizeof whole / sizeof *whole; i++) {
        struct token_list ids = {0};
        CHECK_OK(tokenizer_encode(f.tokenizer, whole[i], strlen(whole[i]), &ids, &e));
        CHECK_SIZE(ids.count, 1);
        token_list_free(&ids);
    }
    lm_fixture_close(&f);
    buffer_free(&text);
}
