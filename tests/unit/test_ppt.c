// SPDX-License-Identifier: GPL-3.0-or-later
// Prompt pre-training: what the examples are, learning, resuming to the bit, labelled sentences.
#include "check.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/pretrain/ppt_checkpoint.h"
#include "engine/tensor/gemm.h"

// Documents of numbered sentences, "day 17 was good in town 4 ,", so that a test can tell where one stood.
enum { DOCUMENTS = 300 };
static struct error e;
static struct corpus *corpus;
static struct model *model;
static struct tokenizer *tokenizer;
static struct thread_pool *pool;

static bool open_all(void) {
    static char path[512];
    struct buffer b = {0};
    struct random r;
    random_seed(&r, 5, 1);
    for (size_t d = 0; d < DOCUMENTS; d++) {
        size_t n = d % 50 == 7 ? 3 : 5 + random_below(&r, 6); // some are too short
        for (size_t s = 0; s < n; s++)
            buffer_printf(&b, "The house %zu has a garden and a door %zu .\n", d, s);
        buffer_add_text(&b, "No .\n\n");
    }
    snprintf(path, sizeof path, "%s/text.txt", check_folder());
    const char *paths[] = {path};
    gemm_prepare();
    e = (struct error){0};
    bool ok = buffer_ok(&b, &e) && file_write_atomic(path, b.data, b.length, &e) &&
              corpus_open(&corpus, paths, 1, CORPUS_SENTENCES, &e) &&
              model_load(&model, "tests/share/models/sprout", &e) &&
              tokenizer_load(&tokenizer, "tests/share/models/sprout", &e) && thread_pool_create(&pool, 2, &e);
    buffer_free(&b);
    return ok;
}

static void close_all(void) {
    corpus_close(corpus);
    model_free(model);
    tokenizer_free(tokenizer);
    thread_pool_free(pool);
    corpus = NULL;
    model = NULL;
    tokenizer = NULL;
    pool = NULL;
}

// House and door of a sentence.
static bool place_of(const char *text, int *house, int *door) {
    return sscanf(text, "The house %d has a garden and a door %d", house, door) == 2;
}

static struct ppt_maker *maker_of(enum ppt_task t, struct corpus_reader **reader, uint64_t seed) {
    struct corpus_reader_settings s = corpus_reader_settings_default();
    struct ppt_maker *m = NULL;
    return corpus_reader_create(reader, corpus, &s, &e) &&
                   ppt_maker_create(&m, t, *reader, tokenizer, seed, &e)
               ? m
               : NULL;
}

TEST(pairs_are_what_their_label_says) {
    struct corpus_reader *reader;
    size_t of_label[3] = {0};
    CHECK_OK(open_all());
    struct ppt_maker *m = maker_of(PPT_NSP, &reader, 4);
    CHECK(m);
    for (size_t i = 0; i < 3000; i++) {
        struct example x;
        int house[2], door[2];
        CHECK_OK(ppt_maker_next(m, &x, &e));
        CHECK(place_of(x.field[0], &house[0], &door[0]) && place_of(x.field[1], &house[1], &door[1]));
        int apart = abs(door[0] - door[1]);
        CHECK(x.label == (house[0] != house[1] ? 0u : apart == 1 ? 2u : 1u));
        CHECK(house[0] != house[1] || apart >= 1);
        CHECK(house[0] % 50 != 7); // too short a document
        of_label[x.label]++;
        ppt_example_free(PPT_NSP, &x);
    }
    for (size_t k = 0; k < 3; k++)
        CHECK(of_label[k] > 900 && of_label[k] < 1100);
    ppt_maker_free(m);
    corpus_reader_free(reader);
    close_all();
}

static void options_hold(enum ppt_task t) {
    struct corpus_reader *reader;
    size_t of_count[17] = {0}, of_label[16] = {0}, same = 0;
    CHECK_OK(open_all());
    struct ppt_maker *m = maker_of(t, &reader, 4);
    CHECK(m);
    for (size_t i = 0; i < 3000; i++) {
        struct example x;
        int house, door, h, d;
        CHECK_OK(ppt_maker_next(m, &x, &e));
        CHECK(place_of(x.field[0], &house, &door));
        for (size_t k = 0; k < x.options; k++) {
            CHECK(place_of(x.option[k], &h, &d));
            bool neighbour = h == house && abs(d - door) == 1;
            CHECK(neighbour == (k == x.label));
            same += h == house;
        }
        of_count[x.options]++;
        of_label[x.label]++;
        ppt_example_free(t, &x);
    }
    if (t == PPT_NSS) {
        CHECK_SIZE(of_count[PPT_OPTIONS], 3000);
        CHECK_SIZE(same, 2 * 3000);
        for (size_t k = 0; k < PPT_OPTIONS; k++)
            CHECK(of_label[k] > 430 && of_label[k] < 570);
    } else {
        CHECK(of_count[0] == 0 && of_count[1] == 0);
        for (size_t n = 2; n <= 16; n++)
            CHECK(of_count[n] > 140 && of_count[n] < 260);
    }
    ppt_maker_free(m);
    corpus_reader_free(reader);
    close_all();
}
TEST(one_of_six_options_is_the_neighbour) {
    options_hold(PPT_NSS);
}
TEST(one_of_two_to_sixteen_options_is_the_neighbour) {
    options_hold(PPT_UNIFIED);
}

TEST(a_place_goes_on_to_the_bit) {
    struct corpus_reader *reader, *other;
    enum { COUNT = 60 };
    struct ppt_place place[COUNT];
    char *text[COUNT];
    CHECK_OK(open_all());
    struct ppt_maker *m = maker_of(PPT_NSP, &reader, 9), *again = maker_of(PPT_NSP, &other, 9);
    CHECK(m && again);
    for (size_t i = 0; i < COUNT; i++) {
        struct example x;
        place[i] = ppt_maker_place(m);
        CHECK_OK(ppt_maker_next(m, &x, &e));
        text[i] = mem_strdup(x.field[1], &e);
        ppt_example_free(PPT_NSP, &x);
    }
    for (size_t i = COUNT; i-- > 0;) {
        struct example x;
        CHECK_OK(ppt_maker_seek(again, place[i], &e));
        CHECK_OK(ppt_maker_next(again, &x, &e));
        CHECK_TEXT(x.field[1], text[i]);
        ppt_example_free(PPT_NSP, &x);
        free(text[i]);
    }
    ppt_maker_free(m);
    ppt_maker_free(again);
    corpus_reader_free(reader);
    corpus_reader_free(other);
    close_all();
}

static struct ppt_settings small_settings(enum ppt_task t) {
    struct ppt_settings s = ppt_settings_default(t, false);
    s.vectors = 4;
    s.validation = 24;
    s.test = 0;
    s.micro_batch = 4;
    s.run.batch = 12;
    s.run.steps = 8;
    s.run.rate = 0.3;
    s.run.evaluate_every = 4;
    s.run.seed = 3;
    return s;
}

static struct ppt_trainer *trainer_of(const struct ppt_settings *s, const struct ppt_labels *labels) {
    struct ppt_trainer *t = NULL;
    const struct ppt_parts parts = {
        .model = model, .tokenizer = tokenizer, .corpus = corpus, .labels = labels, .pool = pool};
    ppt_trainer_create(&t, &parts, s, &e);
    return t;
}

static bool advance(struct ppt_trainer *t, size_t steps) {
    for (size_t i = 0; i < steps; i++) {
        struct ppt_validation v;
        struct ppt_step s;
        if ((ppt_trainer_validation_due(t) && !ppt_trainer_validate(t, NULL, &v, &e)) ||
            !ppt_trainer_step(t, NULL, &s, &e))
            return false;
    }
    return true;
}

TEST(losses_by_class_and_by_number_of_options_add_up) {
    CHECK_OK(open_all());
    const struct ppt_settings s = small_settings(PPT_UNIFIED);
    struct ppt_trainer *t = trainer_of(&s, NULL);
    struct ppt_validation v;
    double by_options = 0, by_class = 0;
    CHECK_OK(t && ppt_trainer_validate(t, NULL, &v, &e));
    for (size_t n = 0; n <= TASK_MOST_OPTIONS; n++) {
        CHECK(isnan(v.score.options_loss[n]) == !v.score.with_options[n]);
        by_options += v.score.with_options[n] ? v.score.options_loss[n] * (double)v.score.with_options[n] : 0;
    }
    for (size_t k = 0; k < TASK_MOST_OPTIONS; k++)
        by_class += v.score.all.of_class[k] ? v.score.class_loss[k] * (double)v.score.all.of_class[k] : 0;
    CHECK_NEAR(by_options, v.score.all.loss * (double)s.validation, 1e-6);
    CHECK_NEAR(by_class, v.score.all.loss * (double)s.validation, 1e-6);
    ppt_trainer_free(t);
    close_all();
}

TEST(a_run_that_is_resumed_goes_on_to_the_bit) {
    char path[512];
    CHECK_OK(open_all());
    snprintf(path, sizeof path, "%s/run.safetensors", check_folder());
    const struct ppt_settings s = small_settings(PPT_NSS);
    struct ppt_trainer *whole = trainer_of(&s, NULL), *first = trainer_of(&s, NULL);
    CHECK_OK(whole && first);
    CHECK_OK(advance(whole, 8));
    CHECK_OK(advance(first, 3));
    CHECK_OK(ppt_checkpoint_write(path, first, corpus, "{\"mine\": 1}", &e));
    ppt_trainer_free(first);
    struct ppt_record record;
    CHECK_OK(ppt_checkpoint_look(&record, path, &e));
    CHECK_SIZE(record.step, 3);
    CHECK_TEXT(record.kept, "{\"mine\": 1}");
    CHECK(record.settings.run.rate == s.run.rate && record.settings.task == PPT_NSS);
    struct ppt_trainer *second = trainer_of(&record.settings, NULL);
    CHECK(second);
    CHECK_OK(ppt_checkpoint_load(path, second, corpus, &e));
    CHECK_OK(advance(second, 5));
    size_t bytes = ppt_trainer_vectors(whole) * ppt_trainer_width(whole) * sizeof(float);
    CHECK(memcmp(ppt_trainer_prompt(whole), ppt_trainer_prompt(second), bytes) == 0);
    double a, b;
    CHECK(memcmp(ppt_trainer_best(whole, &a, NULL), ppt_trainer_best(second, &b, NULL), bytes) == 0 &&
          a == b);
    CHECK(!ppt_checkpoint_load(path, second, NULL, &e)); // another text
    CHECK_HAS(e.text, "corpus");
    ppt_record_release(&record);
    ppt_trainer_free(whole);
    ppt_trainer_free(second);
    close_all();
}

TEST(micro_batches_add_up) {
    CHECK_OK(open_all());
    struct ppt_settings s = small_settings(PPT_NSP), one = s;
    one.micro_batch = 0;
    struct ppt_trainer *a = trainer_of(&s, NULL), *b = trainer_of(&one, NULL);
    CHECK(a && b);
    struct ppt_step x, y;
    CHECK_OK(ppt_trainer_step(a, NULL, &x, &e));
    CHECK_OK(ppt_trainer_step(b, NULL, &y, &e));
    CHECK_NEAR(x.loss, y.loss, 1e-6);
    CHECK_NEAR(x.gradient_norm, y.gradient_norm, 1e-4 * y.gradient_norm);
    CHECK(x.accuracy == y.accuracy && x.examples == 12);
    ppt_trainer_free(a);
    ppt_trainer_free(b);
    close_all();
}

TEST(labelled_sentences_are_kept_and_learned) {
    char path[512];
    struct ppt_labels l = {0}, again;
    CHECK_OK(open_all());
    static const char *const words[] = {"awful", "poor", "average", "nice", "wonderful"};
    for (size_t i = 0; i < 200; i++) {
        char text[64];
        int n = snprintf(text, sizeof text, "The %s was %s in room %zu .", i % 2 ? "soup" : "bed",
                         words[i % 5], i);
        CHECK_OK(ppt_labels_add(&l, text, (size_t)n, i % 5, 0.75f, &e));
    }
    snprintf(path, sizeof path, "%s/labels.jsonl", check_folder());
    CHECK_OK(ppt_labels_write(path, &l, &e));
    CHECK_OK(ppt_labels_read(&again, path, &e));
    CHECK_SIZE(again.count, 200);
    CHECK_TEXT(again.item[7].text, l.item[7].text);
    CHECK(again.item[7].label == 2 && again.of_level[3] == 40);
    CHECK_NEAR(again.item[7].p, 0.75, 1e-6);
    struct ppt_settings s = small_settings(PPT_CLS);
    s.run.steps = 40;
    struct ppt_trainer *t = trainer_of(&s, &again);
    CHECK_OK(t);
    struct ppt_validation before, after;
    CHECK_OK(ppt_trainer_validate(t, NULL, &before, &e));
    CHECK_OK(advance(t, 40));
    CHECK_OK(ppt_trainer_validate(t, NULL, &after, &e));
    double best;
    CHECK(ppt_trainer_best(t, &best, NULL) && best < before.score.all.loss);
    CHECK(before.score.all.examples > 2 && before.score.all.examples < 24);
    ppt_trainer_free(t);
    ppt_labels_free(&again);
    // One that was stopped says how far it is, and of what it is one.
    struct ppt_label_place place = {{0, 3, 17}, 4, 900, 12345}, at;
    bool found;
    CHECK_OK(ppt_labels_write_part(path, &l, &place, "five", &e));
    CHECK_OK(ppt_labels_read_part(&again, &at, &found, path, "five", &e));
    CHECK(found && again.count == 200 && at.document.window == 3 && at.document.next == 17);
    CHECK(at.sentence == 4 && at.looked_at == 900 && at.bytes == 12345);
    ppt_labels_free(&again);
    CHECK_OK(ppt_labels_read_part(&again, &at, &found, path, "six", &e));
    CHECK(!found && !again.count && !at.looked_at);
    CHECK_OK(ppt_labels_read(&again, path, &e)); // the labels alone, by a person who has enough
    CHECK_SIZE(again.count, 200);
    ppt_labels_free(&l);
    ppt_labels_free(&again);
    CHECK_OK(file_write_atomic(path, "{\"text\": \"x\", \"label\": 7}\n", 25, &e));
    CHECK(!ppt_labels_read(&again, path, &e));
    CHECK_HAS(e.text, "line 1");
    close_all();
}

// What is held back is asked about once; a text without two documents for a test has none.
TEST(a_small_text_holds_back_what_it_has) {
    CHECK_OK(open_all());
    struct ppt_settings s = small_settings(PPT_NSP);
    s.validation = s.test = 100000;
    struct ppt_trainer *t = trainer_of(&s, NULL);
    CHECK_OK(t != NULL);
    struct corpus_reader_settings part = corpus_reader_settings_default();
    part.from = 0.949;
    part.to = 0.999;
    struct corpus_reader *reader;
    struct corpus_document d;
    size_t sentences = 0;
    CHECK_OK(corpus_reader_create(&reader, corpus, &part, &e));
    for (bool found = true; found;) {
        CHECK_OK(corpus_reader_next_in_epoch(reader, &d, &found, &e));
        sentences += found && d.sentences > PPT_LEAST_SENTENCES ? d.sentences - 1 : 0; // "No ." is too short
    }
    CHECK(sentences > 50);
    CHECK_SIZE(ppt_trainer_held_back(t), sentences);
    CHECK_SIZE(ppt_trainer_test_examples(t), 0);
    struct ppt_score score;
    CHECK(!ppt_trainer_test(t, NULL, &score, &e));
    ppt_trainer_free(t);
    corpus_reader_free(reader);
    close_all();
}

// A document of fewer sentences is not there at all, for a sentence of another document neither.
TEST(sentences_of_short_documents_are_no_negatives) {
    CHECK_OK(open_all());
    const struct corpus_reader_settings s = ppt_reader_settings(0, 1, 1);
    struct corpus_reader *reader = NULL;
    struct ppt_maker *m = NULL;
    CHECK_OK(corpus_reader_create(&reader, corpus, &s, &e) &&
             ppt_maker_create(&m, PPT_NSS, reader, tokenizer, 5, &e));
    for (size_t i = 0; i < 2000; i++) {
        struct example x;
        int house, door;
        CHECK_OK(ppt_maker_next(m, &x, &e));
        for (size_t k = 0; k < x.options; k++)
            CHECK(place_of(x.option[k], &house, &door) && house % 50 != 7);
        ppt_example_free(PPT_NSS, &x);
    }
    ppt_maker_free(m);
    corpus_reader_free(reader);
    close_all();
}

TEST(text_without_documents_is_refused) {
    CHECK_OK(open_all());
    char path[512];
    snprintf(path, sizeof path, "%s/thin.txt", check_folder());
    const char *paths[] = {path};
    CHECK_OK(file_write_atomic(path, "One sentence .\n\nAnother one .\n", 30, &e));
    corpus_close(corpus);
    CHECK_OK(corpus_open(&corpus, paths, 1, CORPUS_SENTENCES, &e));
    const struct ppt_settings s = small_settings(PPT_NSP);
    CHECK(!trainer_of(&s, NULL));
    CHECK_HAS(e.text, "for validation has no two documents of 5 sentences");
    // Documents enough, but all of them in the part that is learned from.
    struct buffer b = {0};
    for (int k = 0; k < 12; k++)
        buffer_printf(&b, "The garden has a door %d .\n", k % 6);
    buffer_printf(&b, "\n");
    for (int k = 0; k < 6; k++)
        buffer_printf(&b, "The house has a garden %d .\n", k);
    CHECK_OK(buffer_ok(&b, &e) && file_write_atomic(path, b.data, b.length, &e));
    buffer_free(&b);
    corpus_close(corpus);
    e = (struct error){0};
    CHECK_OK(corpus_open(&corpus, paths, 1, CORPUS_SENTENCES, &e));
    CHECK(!trainer_of(&s, NULL));
    CHECK_HAS(e.text, "for validation has no two documents of 5 sentences");
    close_all();
}
