// SPDX-License-Identifier: GPL-3.0-or-later
// checkpoint.safetensors of prompter lm. An input that begins with 'e' changes a good file: three bytes of
// offset and one of value each; one with 'c' cuts it after so many bytes; any other is a file of its own.
// Whatever it is: it is loaded, and then training goes on, or there is a message.
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/model/model_write.h"
#include "engine/pretrain/lm_checkpoint.h"
#include "engine/pretrain/lm_start.h"
#include "engine/pretrain/lm_vocabulary.h"
#include "fuzz.h"

static struct {
    struct corpus *corpus;
    struct tokenizer *tokenizer;
    struct model *model;
    struct lm_trainer *trainer;
    char *good;
    size_t length;
} w;

static struct lm_settings tiny(void) {
    struct lm_settings s = lm_settings_recipe(LM_SMALL);
    s.d_model = s.d_ff = 8;
    s.heads = s.layers = s.tied = 1;
    s.d_kv = 4;
    s.vocabulary = 40;
    s.max_tokens = 16;
    s.batch_tokens = 64;
    s.optimizer = LM_ADAFACTOR;
    s.validation = 0;
    return s;
}

static void build(void) {
    static const char text[] =
        "one two three four five .\nsix seven eight nine ten .\n\nten green bottles .\nand one of them .\n";
    struct error e = {0};
    struct lm_settings s = tiny();
    char *bytes = NULL;
    size_t length;
    const char *path = fuzz_file("text.txt", (const uint8_t *)text, sizeof text - 1);
    struct lm_vocabulary_settings v = {.pieces = 40, .to = 1, .seed = 1};
    REQUIRE(corpus_open(&w.corpus, &path, 1, CORPUS_SENTENCES, &e));
    REQUIRE(lm_vocabulary_train(&bytes, &length, w.corpus, &v, &e));
    REQUIRE(model_write_tokenizer(bytes, length, fuzz_folder(), &e) &&
            tokenizer_load(&w.tokenizer, fuzz_folder(), &e));
    free(bytes);
    struct t5_config c = lm_start_config(&s, tokenizer_ids(w.tokenizer));
    REQUIRE(lm_start_model(&w.model, &c, &s, &e));
    struct lm_parts parts = {w.model, w.tokenizer, w.corpus, NULL};
    REQUIRE(lm_trainer_create(&w.trainer, &parts, &s, &e));
    struct lm_step step;
    REQUIRE(lm_trainer_step(w.trainer, NULL, &step, &e));
    path = fuzz_file("good.safetensors", NULL, 0);
    REQUIRE(lm_checkpoint_write(path, w.trainer, w.corpus, "kept", &e));
    REQUIRE(file_read(path, 1 << 24, &w.good, &w.length, &e));
}

static const char *file_of(const uint8_t *data, size_t size) {
    if (size < 4 || (data[0] != 'e' && data[0] != 'c'))
        return fuzz_file("checkpoint.safetensors", data ? data : (const uint8_t *)"", size);
    uint8_t *copy = malloc(w.length);
    size_t length = w.length;
    REQUIRE(copy);
    memcpy(copy, w.good, w.length);
    size_t at = ((size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3]) % w.length;
    if (data[0] == 'c')
        length = at;
    for (size_t i = 1; data[0] == 'e' && i + 4 <= size; i += 4) {
        at = ((size_t)data[i] << 16 | (size_t)data[i + 1] << 8 | data[i + 2]) % w.length;
        copy[at] = data[i + 3];
    }
    const char *path = fuzz_file("checkpoint.safetensors", copy, length);
    free(copy);
    return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct lm_record record;
    struct lm_step step;
    if (!w.trainer)
        build();
    const char *path = file_of(data, size);
    bool looks = fuzz_answer(lm_checkpoint_look(&record, path, &e), &e);
    if (looks)
        lm_checkpoint_release(&record);
    e = (struct error){0};
    if (!fuzz_answer(lm_checkpoint_load(path, w.trainer, w.corpus, &e), &e))
        return 0;
    if (lm_trainer_steps(w.trainer) < 1000) // weights may be anything now: a step, or a message
        fuzz_answer(lm_trainer_step(w.trainer, NULL, &step, &e), &e);
    return 0;
}
