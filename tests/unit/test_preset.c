// SPDX-License-Identifier: GPL-3.0-or-later
// Presets: what they set, for prompts and for fine-tuning, what they leave, and what is said of it.
#include "check.h"

#include "engine/pretrain/ppt_trainer.h"
#include "engine/tune/preset.h"

static const char *said(const struct run_settings *from, const struct run_settings *to) {
    static char text[1024];
    struct buffer b = {0};
    preset_print(&b, from, to);
    snprintf(text, sizeof text, "%s", b.data ? b.data : "");
    buffer_free(&b);
    return text;
}

TEST(paper_code_is_the_official_code_in_the_scale_of_the_model) {
    struct run_settings plain, s;
    run_settings_default(&plain);
    s = plain;
    s.seed = 7;
    s.shots = 3;
    preset_tune(&s, PRESET_PAPER_CODE);
    CHECK(s.loss == LOSS_PAPER_CODE && s.start == START_UNKNOWN && s.optimizer == RUN_ADAMW);
    CHECK(s.schedule == RUN_CONSTANT && s.warmup == 0);
    CHECK(s.rate == 1 && s.weight_decay == 0.0001 && s.clip == 0.01); // 0.01, 0.01 and 1 there
    CHECK(s.steps == 200 && s.batch == 8 && s.evaluate_every == 6);
    CHECK(s.seed == 7 && s.shots == 3);
    CHECK(preset_is(&s, PRESET_PAPER_CODE) && !preset_is(&s, PRESET_CLEAN));
    CHECK_TEXT(said(&plain, &s), "loss paper-code, rate 1 (0.01 in the paper's code), clip 0.01, steps 200, "
                                 "evaluate_every 6, start unknown");
    preset_tune(&s, PRESET_CLEAN);
    CHECK(preset_is(&s, PRESET_CLEAN) && s.seed == 7 && s.shots == 3);
    CHECK_TEXT(said(&plain, &s), "");
    CHECK_TEXT(said(NULL, &s), "loss clean, optimizer adamw, rate 0.1 (0.001 in the paper's code), schedule "
                               "constant, warmup 0, weight_decay 0.0001, clip 1, steps 100, batch 8, "
                               "evaluate_every 5, start normal");
}

TEST(everything_that_a_person_changed_of_it_is_set) {
    struct run_settings s;
    run_settings_default(&s);
    s.optimizer = RUN_SGD;
    s.schedule = RUN_COSINE;
    s.warmup = 10;
    s.batch = 3;
    s.start = START_LABEL_WORDS;
    struct run_settings other = s;
    preset_tune(&s, PRESET_CLEAN);
    CHECK(s.optimizer == RUN_ADAMW && s.schedule == RUN_CONSTANT && !s.warmup && s.batch == 8);
    CHECK(s.start == START_NORMAL);
    preset_tune(&other, PRESET_PAPER_CODE);
    CHECK(other.optimizer == RUN_ADAMW && other.schedule == RUN_CONSTANT && !other.warmup &&
          other.batch == 8);
    CHECK(other.start == START_UNKNOWN);
}

TEST(a_trained_prompt_stays_the_start) {
    static const enum prompt_start trained[] = {START_PRETRAINED, START_FILE};
    for (size_t i = 0; i < 2; i++)
        for (int p = 0; p < PRESETS; p++) {
            struct run_settings s;
            run_settings_default(&s);
            s.start = trained[i];
            preset_tune(&s, (enum preset)p);
            CHECK(s.start == trained[i]);
        }
}

TEST(fine_tuning_has_rates_of_its_own) {
    struct run_settings s;
    char text[64];
    run_settings_default(&s);
    preset_print_rate(text, sizeof text, &s);
    CHECK_TEXT(text, "0.1 (0.001 in the paper's code)");
    s.method = METHOD_FINE_TUNING;
    preset_tune(&s, PRESET_PAPER_CODE);
    CHECK(s.rate == 5e-6 && s.weight_decay == 0.01 && s.clip == 1 && s.start == START_NORMAL);
    preset_print_rate(text, sizeof text, &s);
    CHECK_TEXT(text, "5e-06"); // the scale is that of soft vectors
    preset_tune(&s, PRESET_CLEAN);
    CHECK(s.rate == FINE_TUNING_RATE && s.clip == 1);
}

TEST(pre_training_asks_the_same_place) {
    struct ppt_settings clean = ppt_settings_default(PPT_NSP, false),
                        code = ppt_settings_default(PPT_NSP, true);
    CHECK(clean.run.loss == LOSS_CLEAN && clean.run.start == START_NORMAL && clean.run.rate == 1);
    CHECK(code.run.loss == LOSS_PAPER_CODE && code.run.start == START_UNKNOWN && code.run.rate == 10);
    CHECK(code.run.schedule == RUN_NOAM && code.run.batch == 64 && code.official && !clean.official);
}

TEST(a_name_that_is_none_is_told) {
    enum preset p;
    struct error e = {0};
    CHECK(preset_find(&p, "paper-code", &e) && p == PRESET_PAPER_CODE);
    CHECK(!preset_find(&p, "paper", &e));
    CHECK_HAS(e.text, "clean or paper-code");
    e = (struct error){0};
    CHECK(!preset_find(&p, "cleen", &e));
    CHECK_HAS(e.text, "did you mean \"clean\"?");
}

// scripts/pretrain/pretrain_nsp.sh of thu-coai/PPT: lr 0.1, noam, weight decay 1e-2, clip 1, batch 64; a
// hundred times, a hundredth of that in the model's own scale.
TEST(pre_training_as_the_official_script) {
    struct run_settings s;
    run_settings_default(&s);
    preset_pretrain(&s, PRESET_PAPER_CODE);
    CHECK(s.optimizer == RUN_ADAMW && s.schedule == RUN_NOAM && s.loss == LOSS_PAPER_CODE);
    CHECK_NEAR(s.rate, 10, 1e-12);
    CHECK_NEAR(s.weight_decay, 1e-4, 1e-12);
    CHECK_NEAR(s.clip, 0.01, 1e-12);
    CHECK_SIZE(s.batch, 64);
    preset_pretrain(&s, PRESET_CLEAN); // and nothing of it is left
    CHECK(s.loss == LOSS_CLEAN);
    CHECK_NEAR(s.weight_decay, 0, 1e-12);
    CHECK_NEAR(s.clip, 1, 1e-12);
}
