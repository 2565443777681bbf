// SPDX-License-Identifier: GPL-3.0-or-later
// Studies of one example: answers of several prompts, cross-attention, and leaving words out.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/inspect/answers.h"
#include "engine/inspect/attention.h"
#include "engine/inspect/importance.h"
#include "engine/tensor/gemm.h"
#include "run_fixture.h"

struct scene {
    struct fixture f;
    struct run *run;
    struct mask_bench *mask;
    struct study_bench bench;
    atomic_bool cancel;
};

static bool scene_open(struct scene *s, const char *task, const char *template_text, const char *words,
                       struct error *e) {
    *s = (struct scene){.f.settings = fixture_settings()};
    gemm_prepare();
    if (!fixture_open(&s->f, task, template_text, words, e) || !fixture_run(&s->f, &s->run, e) ||
        !mask_bench_create(&s->mask, s->f.model, s->f.pool, tokenizer_sentinel(s->f.tokenizer, 0), false, e))
        return false;
    s->bench = (struct study_bench){.model = s->f.model,
                                    .tokenizer = s->f.tokenizer,
                                    .task = s->f.task,
                                    .split = &s->f.split,
                                    .template = &s->f.template,
                                    .verbalizer = &s->f.verbalizer,
                                    .settings = &s->f.settings,
                                    .run = s->run,
                                    .pool = s->f.pool,
                                    .mask = s->mask,
                                    .cancel = &s->cancel};
    return true;
}

static void scene_close(struct scene *s) {
    mask_bench_free(s->mask);
    run_free(s->run);
    fixture_close(&s->f);
}

static bool finish(struct study *study, const struct study_bench *bench, struct error *e) {
    bool finished = false;
    while (!finished)
        if (!study->kind->work(study, bench, &finished, e))
            return false;
    return true;
}

static struct example films_example(char *text) {
    static char *field[2];
    field[0] = text;
    return (struct example){.field = field, .label = TASK_NO_LABEL};
}

static const char sentence[] = "a quietly moving film , but it's far too long .";

TEST(words_of_an_input_hold_all_its_tokens) {
    struct scene s;
    struct error e = {0};
    struct pattern p;
    struct rendered r = {0};
    struct input_words w;
    char text[sizeof sentence];
    memcpy(text, sentence, sizeof text);
    CHECK_OK(scene_open(&s, "films", "{soft:3} {text_a} It was {mask}.", "bad; good", &e));
    CHECK_OK(pattern_bind(&p, &s.f.template, s.f.task, s.f.tokenizer, &e));
    struct example x = films_example(text);
    CHECK_OK(pattern_render(&p, &x, &(struct render_options){.end_mark = true}, &r, &e));
    CHECK_OK(input_words_make(&w, &p, &r, &e));
    size_t at = 0, fields = 0;
    for (size_t i = 0; i < w.count; i++) {
        CHECK_SIZE(w.word[i].first, at);
        at += w.word[i].count;
        fields += w.word[i].kind == INPUT_FIELD;
    }
    CHECK_SIZE(at, r.count);
    for (size_t i = 0; i < 3; i++) {
        CHECK(w.word[i].kind == INPUT_SOFT);
        CHECK_SIZE(w.word[i].slot, i);
    }
    CHECK_TEXT(w.word[3].text, "a");
    CHECK_TEXT(w.word[4].text, "quietly");
    CHECK_TEXT(w.word[7].text, ",");
    CHECK_TEXT(w.word[9].text, "it's");
    CHECK_SIZE(fields, 11);
    CHECK(w.word[w.count - 1].kind == INPUT_SPECIAL);
    CHECK_TEXT(w.word[w.count - 2].text, ".");
    CHECK(w.word[w.count - 3].kind == INPUT_MASK);
    input_words_free(&w);
    rendered_free(&r);
    pattern_free(&p);
    scene_close(&s);
}

// ---- attention ----

struct direct { // what a watch of our own sees
    const struct t5_stack *decoder;
    float weight[8 * 16 * 256];
    size_t heads, keys;
};
static void see(void *context, const struct t5_attention *which, size_t example, size_t head,
                size_t first_query, size_t queries, size_t keys, const float *probabilities, size_t stride) {
    struct direct *d = context;
    (void)example;
    for (size_t layer = 0; layer < d->decoder->blocks; layer++)
        if (which == &d->decoder->block[layer].cross && first_query <= 1 && 1 < first_query + queries) {
            d->keys = keys;
            memcpy(d->weight + (layer * d->heads + head) * keys, probabilities + (1 - first_query) * stride,
                   keys * sizeof(float));
        }
}

TEST(attention_is_that_of_the_masks_position) {
    struct scene s;
    struct error e = {0};
    static struct direct direct;
    char text[sizeof sentence];
    memcpy(text, sentence, sizeof text);
    CHECK_OK(scene_open(&s, "films", "{soft:3} {text_a} It was {mask}.", "bad; good", &e));
    struct example x = films_example(text);
    struct attention_study *a = attention_study_create(&x, 1, &e);
    CHECK(a);
    a->lens.kind = LENS_PRESENT;
    CHECK_OK(finish(&a->study, &s.bench, &e));
    CHECK_SIZE(a->layers, s.f.model->config.num_decoder_layers);
    CHECK_SIZE(a->heads, s.f.model->config.num_heads);
    for (size_t i = 0; i < a->layers * a->heads; i++) {
        double sum = 0;
        for (size_t k = 0; k < a->words.tokens; k++)
            sum += a->weight[i * a->words.tokens + k];
        CHECK_NEAR(sum, 1, 1e-5);
    }
    // The same pass, watched directly, in a batch with another example behind it.
    struct pattern p;
    CHECK_OK(pattern_bind(&p, &s.f.template, s.f.task, s.f.tokenizer, &e));
    const struct example *all[] = {&x, &s.f.task->dev.example[0]};
    float *states = calloc(2 * DECODER_ROWS * s.f.model->config.d_model, sizeof *states);
    direct = (struct direct){.decoder = &s.f.model->decoder, .heads = a->heads};
    t5_pass_watch(mask_pass(s.mask), &(struct t5_watch){.context = &direct, .attention = see});
    CHECK_OK(mask_states(s.mask, &p, &(struct render_options){.end_mark = true}, run_prompt(s.run), all, 1,
                         NULL, states, &e));
    t5_pass_watch(mask_pass(s.mask), NULL);
    CHECK_SIZE(direct.keys, a->words.tokens);
    CHECK(memcmp(direct.weight, a->weight, a->layers * a->heads * direct.keys * sizeof(float)) == 0);
    // Words add up to 1 as well, of one head and of the mean; the mean is that of the heads.
    float *of_one = calloc(a->words.count, sizeof *of_one), *mean = calloc(a->words.count, sizeof *mean),
          *sums = calloc(a->words.count, sizeof *sums);
    attention_of_words(a, ATTENTION_MEAN, ATTENTION_MEAN, mean);
    for (size_t l = 0; l < a->layers; l++)
        for (size_t h = 0; h < a->heads; h++) {
            double sum = 0;
            attention_of_words(a, l, h, of_one);
            for (size_t i = 0; i < a->words.count; i++) {
                sum += of_one[i];
                sums[i] += of_one[i] / (float)(a->layers * a->heads);
            }
            CHECK_NEAR(sum, 1, 1e-5);
        }
    for (size_t i = 0; i < a->words.count; i++)
        CHECK_NEAR(mean[i], sums[i], 1e-5);
    free(of_one);
    free(mean);
    free(sums);
    free(states);
    pattern_free(&p);
    study_free(&a->study);
    scene_close(&s);
}

// ---- importance ----

TEST(importance_is_what_leaving_a_word_out_changes) {
    struct scene s;
    struct error e = {0};
    char whole[] = "a moving film , far too long", without[] = "a film , far too long";
    CHECK_OK(scene_open(&s, "films", "{soft:3} {text_a} It was {mask}.", "bad; good", &e));
    struct example x = films_example(whole);
    struct importance_study *m = importance_study_create(&x, 1, &e);
    m->lens.kind = LENS_PRESENT;
    CHECK_OK(finish(&m->study, &s.bench, &e));
    CHECK_SIZE(m->study.total, 1 + 7);
    // By hand: the two texts through the whole way.
    struct answers_study *a = answers_study_create(&x, 1, 1, &e), *b;
    a->lens[0].kind = LENS_PRESENT;
    CHECK_OK(finish(&a->study, &s.bench, &e));
    x = films_example(without);
    b = answers_study_create(&x, 1, 1, &e);
    b->lens[0].kind = LENS_PRESENT;
    CHECK_OK(finish(&b->study, &s.bench, &e));
    CHECK_SIZE(a->answer[0].predicted, m->predicted);
    CHECK_NEAR(m->log_probability, log(a->answer[0].probability[m->predicted]), 1e-5);
    CHECK_TEXT(m->words.word[4].text, "moving");
    double by_hand =
        log(b->answer[0].probability[m->predicted]) - log(a->answer[0].probability[m->predicted]);
    CHECK_NEAR(m->change[4], by_hand, 1e-5);
    for (size_t i = 0; i < m->words.count; i++)
        CHECK((m->words.word[i].kind == INPUT_FIELD) == !isnan(m->change[i]));
    study_free(&a->study);
    study_free(&b->study);
    study_free(&m->study);
    scene_close(&s);
}

// ---- answers ----

TEST(zero_shot_is_the_template_without_its_vectors) {
    struct scene s;
    struct error e = {0};
    char text[sizeof sentence];
    memcpy(text, sentence, sizeof text);
    CHECK_OK(
        scene_open(&s, "films", "{soft:3} {text_a} It was {mask}.{soft:\"so to speak\"}", "bad; good", &e));
    struct example x = films_example(text);
    struct answers_study *a = answers_study_create(&x, 1, 4, &e);
    a->lens[0].kind = LENS_HARD;
    a->lens[1].kind = LENS_PRESENT;
    a->lens[2].kind = LENS_BEST; // there is none yet
    a->lens[3].kind = LENS_GIVEN;
    a->lens[3].template_text = strdup("{soft:5} {text_a} All in all {mask}.");
    a->lens[3].soft = calloc(4 * s.f.model->config.d_model, sizeof(float));
    a->lens[3].slots = 4;
    a->lens[3].width = s.f.model->config.d_model;
    CHECK_OK(finish(&a->study, &s.bench, &e));
    CHECK(a->answer[0].error.kind == ERROR_NONE && a->answer[1].error.kind == ERROR_NONE);
    CHECK_HAS(a->answer[2].error.text, "no prompt is best yet");
    CHECK_HAS(a->answer[3].error.text, "4 vectors of width 160, where 5 of 160 belong");
    CHECK_SIZE(a->answer[0].tokens + run_slots(s.run), a->answer[1].tokens);
    // Another way: the words of the hard template given as such.
    struct answers_study *b = answers_study_create(&x, 1, 1, &e);
    b->lens[0].kind = LENS_GIVEN;
    b->lens[0].template_text = strdup("{text_a} It was {mask}.");
    b->lens[0].label_words = strdup("bad; good");
    CHECK_OK(finish(&b->study, &s.bench, &e));
    CHECK(b->answer[0].error.kind == ERROR_NONE);
    CHECK(memcmp(a->answer[0].probability, b->answer[0].probability, 2 * sizeof(float)) == 0);
    CHECK_NEAR(a->answer[0].probability[0] + a->answer[0].probability[1], 1, 1e-6);
    CHECK_SIZE(a->answer[0].likely_count, ANSWER_WORDS);
    CHECK_SIZE(a->answer[0].target[1], tokenizer_find(s.f.tokenizer, "\xe2\x96\x81good"));
    study_free(&a->study);
    study_free(&b->study);
    scene_close(&s);
}

// ---- recordings ----

// Writing, reading back, and writing again gives the same text.
static void comes_back(struct study *made, struct study *fresh) {
    struct error e = {0};
    cJSON *o = made->kind->write(made), *again;
    char *first = json_print(o, false, &e), *second;
    cJSON *parsed = json_parse(first, strlen(first), &e);
    CHECK_OK(parsed != NULL);
    CHECK_OK(fresh->kind->read(fresh, parsed, &e));
    again = fresh->kind->write(fresh);
    second = json_print(again, false, &e);
    CHECK_TEXT(second, first);
    free(first);
    free(second);
    cJSON_Delete(o);
    cJSON_Delete(parsed);
    cJSON_Delete(again);
    study_free(made);
    study_free(fresh);
}

TEST(studies_can_be_recorded) {
    struct scene s;
    struct error e = {0};
    char text[] = "a moving film";
    CHECK_OK(scene_open(&s, "films", "{soft:3} {text_a} It was {mask}.", "bad; good", &e));
    struct example x = films_example(text);
    struct answers_study *a = answers_study_create(&x, 1, 2, &e);
    a->lens[1].kind = LENS_BEST;
    CHECK_OK(finish(&a->study, &s.bench, &e));
    comes_back(&a->study, &answers_study_create(&x, 1, 2, &e)->study);
    struct attention_study *t = attention_study_create(&x, 1, &e);
    CHECK_OK(finish(&t->study, &s.bench, &e));
    comes_back(&t->study, &attention_study_create(&x, 1, &e)->study);
    struct importance_study *m = importance_study_create(&x, 1, &e);
    CHECK_OK(finish(&m->study, &s.bench, &e));
    comes_back(&m->study, &importance_study_create(&x, 1, &e)->study);
    scene_close(&s);
}
