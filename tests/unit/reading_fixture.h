// SPDX-License-Identifier: GPL-3.0-or-later
// Studies worked to their end in a test, without an engine's thread: on the shipped model and a run of its
// own.
#ifndef PROMPTER_TESTS_READING_FIXTURE_H
#define PROMPTER_TESTS_READING_FIXTURE_H

#include "engine/inspect/reading.h"
#include "engine/tensor/gemm.h"
#include "run_fixture.h"

struct reading_fixture {
    struct fixture base;
    struct run_inputs inputs;
    struct run *run;
    struct vocabulary_norms norms;
    struct study_bench bench;
    struct mask_bench *mask;
    struct reading_memory *readings;
    size_t slices; // of the last study
};

static inline bool reading_fixture_open(struct reading_fixture *f, const char *task,
                                        const char *template_text, const char *words, struct error *e) {
    gemm_prepare();
    *f = (struct reading_fixture){.base.settings = fixture_settings()};
    if (!fixture_open(&f->base, task, template_text, words, e) || !fixture_run(&f->base, &f->run, e))
        return false;
    f->inputs = (struct run_inputs){.model = f->base.model,
                                    .tokenizer = f->base.tokenizer,
                                    .task = f->base.task,
                                    .split = &f->base.split,
                                    .template = &f->base.template,
                                    .verbalizer = &f->base.verbalizer,
                                    .pool = f->base.pool};
    if (!mask_bench_create(&f->mask, f->base.model, f->base.pool, tokenizer_sentinel(f->base.tokenizer, 0),
                           false, e) ||
        !reading_memory_create(&f->readings, e) ||
        !vocabulary_norms_make(&f->norms, f->base.model, tokenizer_ids(f->base.tokenizer), e))
        return false;
    f->bench = (struct study_bench){.model = f->base.model,
                                    .tokenizer = f->base.tokenizer,
                                    .task = f->base.task,
                                    .split = &f->base.split,
                                    .norms = &f->norms,
                                    .template = &f->base.template,
                                    .verbalizer = &f->base.verbalizer,
                                    .inputs = &f->inputs,
                                    .settings = &f->base.settings,
                                    .run = f->run,
                                    .pool = f->base.pool,
                                    .mask = f->mask,
                                    .readings = f->readings};
    return true;
}

static inline void reading_fixture_close(struct reading_fixture *f) {
    reading_memory_free(f->readings);
    mask_bench_free(f->mask);
    vocabulary_norms_free(&f->norms);
    run_free(f->run);
    fixture_close(&f->base);
}

static inline bool reading_fixture_work(struct reading_fixture *f, struct study *s, struct error *e) {
    bool finished = false;
    f->bench.cancel = &s->cancelled;
    for (f->slices = 0; !finished; f->slices++)
        if (!s->kind->work(s, &f->bench, &finished, e))
            return false;
    return true;
}

#endif
