// SPDX-License-Identifier: GPL-3.0-or-later
// A small made-up corpus, a vocabulary trained on it, and a tiny model: what tests of LM training stand on.
#ifndef PROMPTER_TESTS_LM_FIXTURE_H
#define PROMPTER_TESTS_LM_FIXTURE_H

#include <stdlib.h>

#include "check.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/model_write.h"
#include "engine/pretrain/lm_checkpoint.h"
#include "engine/pretrain/lm_start.h"
#include "engine/pretrain/lm_vocabulary.h"

static struct error e;

struct lm_fixture {
    struct corpus *corpus;
    struct tokenizer *tokenizer;
    struct lm_settings settings;
    struct model *model;
    struct lm_trainer *trainer;
};

static inline const char *lm_fixture_text(size_t documents) {
    static const char *const who[] = {"Anna", "Peter", "the dog", "my sister", "a farmer"};
    static const char *const what[] = {"likes", "saw", "found", "never wanted", "bought"};
    static const char *const which[] = {"the red house", "a warm bread", "the old road", "an apple",
                                        "that song"};
    static char path[512];
    struct buffer b = {0};
    struct random r;
    random_seed(&r, 7, 7);
    for (size_t d = 0; d < documents; d++) {
        size_t person = random_below(&r, 5), thing = random_below(&r, 5);
        for (size_t i = 2 + random_below(&r, 5); i > 0; i--)
            buffer_printf(&b, "%s %s %s .\n", who[person], what[random_below(&r, 5)], which[thing]);
        buffer_printf(&b, "so the answer is %s .\n\n", person < 3 ? "yes" : "no");
    }
    snprintf(path, sizeof path, "%s/text%zu.txt", check_folder(), documents);
    bool ok = file_write_atomic(path, b.data, b.length, &e);
    buffer_free(&b);
    return ok ? path : NULL;
}

static inline struct lm_settings lm_fixture_settings(void) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    s.d_model = 32;
    s.d_ff = 48;
    s.heads = 4;
    s.d_kv = 8;
    s.layers = 2;
    s.max_tokens = 40;
    s.batch_tokens = 300;
    s.warmup = 5;
    s.steps = 60;
    s.validation = 0.1;
    s.validation_documents = 20;
    s.vocabulary = 90;
    return s;
}

static inline bool lm_fixture_tokenizer(struct lm_fixture *f, const char *keep) {
    char *bytes = NULL;
    size_t length;
    struct lm_vocabulary_settings v = {.pieces = f->settings.vocabulary, .keep = keep, .to = 0.9, .seed = 1};
    bool ok = lm_vocabulary_train(&bytes, &length, f->corpus, &v, &e) &&
              model_write_tokenizer(bytes, length, check_folder(), &e) &&
              tokenizer_load(&f->tokenizer, check_folder(), &e);
    free(bytes);
    return ok;
}

static inline bool lm_fixture_trainer(struct lm_fixture *f, struct thread_pool *pool) {
    struct t5_config c = lm_start_config(&f->settings, tokenizer_ids(f->tokenizer));
    if (!lm_start_model(&f->model, &c, &f->settings, &e))
        return false;
    struct lm_parts parts = {f->model, f->tokenizer, f->corpus, pool};
    return lm_trainer_create(&f->trainer, &parts, &f->settings, &e);
}

static inline bool lm_fixture_open(struct lm_fixture *f) {
    *f = (struct lm_fixture){.settings = lm_fixture_settings()};
    const char *path = lm_fixture_text(400);
    return path && corpus_open(&f->corpus, &path, 1, CORPUS_SENTENCES, &e) &&
           lm_fixture_tokenizer(f, "yes,no");
}

static inline void lm_fixture_close_trainer(struct lm_fixture *f) {
    lm_trainer_free(f->trainer);
    model_free(f->model);
    f->trainer = NULL;
    f->model = NULL;
}

static inline void lm_fixture_close(struct lm_fixture *f) {
    lm_fixture_close_trainer(f);
    tokenizer_free(f->tokenizer);
    corpus_close(f->corpus);
}

#endif
