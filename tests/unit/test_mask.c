// SPDX-License-Identifier: GPL-3.0-or-later
// What is seen at the mask against what a run scores, and studies on the engine's thread.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/inspect/mask.h"
#include "engine/tensor/gemm.h"
#include "run_fixture.h"

enum { EXAMPLES = 40 };

static void scores_agree(enum run_loss loss) {
    struct error e = {0};
    struct fixture f = {.settings = fixture_settings()};
    f.settings.loss = loss;
    struct run *run;
    struct mask_bench *bench;
    struct pattern pattern = {0};
    gemm_prepare();
    CHECK_OK(fixture_open(&f, "films", "{soft:4} {text_a} It was {mask}.", "bad; good, great", &e));
    CHECK_OK(fixture_run(&f, &run, &e));
    CHECK_OK(mask_bench_create(&bench, f.model, f.pool, tokenizer_sentinel(f.tokenizer, 0), false, &e));
    CHECK_OK(pattern_bind(&pattern, &f.template, f.task, f.tokenizer, &e));
    const struct example *all[EXAMPLES];
    size_t label[EXAMPLES], possible[EXAMPLES] = {0}, predicted[EXAMPLES];
    for (size_t i = 0; i < EXAMPLES; i++) {
        all[i] = &f.task->test.example[i];
        label[i] = all[i]->label;
    }
    struct evaluation of_run, mine = {.classes = 2};
    CHECK_OK(run_score(run, all, EXAMPLES, false, NULL, NULL, NULL, &of_run, &e));
    // In batches of another size than the run's, which must not matter.
    const struct render_options options = {.budget = f.settings.budget, .end_mark = loss == LOSS_CLEAN};
    size_t stride = DECODER_ROWS * f.model->config.d_model;
    float *states = calloc(EXAMPLES * stride, sizeof *states);
    for (size_t i = 0; i < EXAMPLES; i += 7) {
        size_t n = EXAMPLES - i < 7 ? EXAMPLES - i : 7;
        CHECK_OK(mask_states(bench, &pattern, &options, run_prompt(run), all + i, n, NULL,
                             states + i * stride, &e));
    }
    CHECK_OK(mask_evaluate(bench, states, EXAMPLES, &f.verbalizer, loss, label, possible, predicted, NULL,
                           &mine, &e));
    evaluation_finish(&mine);
    CHECK(mine.examples == EXAMPLES);
    CHECK(mine.correct == of_run.correct);
    CHECK(mine.elsewhere == of_run.elsewhere);
    CHECK(memcmp(mine.confusion, of_run.confusion, sizeof mine.confusion) == 0);
    CHECK_NEAR(mine.loss, of_run.loss, 1e-6 * fabs(of_run.loss));
    // The likely words: ordered, and probabilities of a distribution.
    float *logits = calloc(f.model->config.vocab_size, sizeof *logits);
    struct likely_token likely[5];
    mask_logits(bench, states, logits);
    mask_likely(logits, f.model->config.vocab_size, 5, likely);
    double sum = 0, total = 0;
    for (size_t i = 0; i < f.model->config.vocab_size; i++)
        total += exp(logits[i] - logits[likely[0].id]);
    for (size_t i = 0; i < 5; i++) {
        sum += likely[i].probability;
        CHECK(i == 0 || likely[i].probability <= likely[i - 1].probability);
        CHECK_NEAR(likely[i].probability, exp(logits[likely[i].id] - logits[likely[0].id]) / total, 1e-6);
    }
    CHECK(sum <= 1 + 1e-6);
    free(states);
    free(logits);
    pattern_free(&pattern);
    mask_bench_free(bench);
    run_free(run);
    fixture_close(&f);
}

TEST(mask_scores_agree_with_the_runs_clean) {
    scores_agree(LOSS_CLEAN);
}
TEST(mask_scores_agree_with_the_runs_paper_code) {
    scores_agree(LOSS_PAPER_CODE);
}

TEST(mask_probabilities_are_a_softmax) {
    float score[3] = {0, 0.6931472f, -INFINITY}, p[3];
    mask_probabilities(score, 3, p);
    CHECK_NEAR(p[0], 1.0 / 3, 1e-6);
    CHECK_NEAR(p[1], 2.0 / 3, 1e-6);
    CHECK(p[2] == 0);
}
