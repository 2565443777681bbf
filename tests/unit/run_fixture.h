// SPDX-License-Identifier: GPL-3.0-or-later
// What tests of runs stand on: the shipped model and a shipped task with chosen settings.
#ifndef PROMPTER_TESTS_RUN_FIXTURE_H
#define PROMPTER_TESTS_RUN_FIXTURE_H

#include "engine/tune/run.h"

struct fixture {
    struct model *model;
    struct tokenizer *tokenizer;
    struct task *task;
    struct split split;
    struct template template;
    struct verbalizer verbalizer;
    struct run_settings settings;
    struct thread_pool *pool;
    const float *start_vectors; // for START_FILE, borrowed
    size_t start_count;
};

// Zero-initialise, then set `settings` before opening if the defaults (short runs) do not suit.
static inline struct run_settings fixture_settings(void) {
    struct run_settings s;
    run_settings_default(&s);
    s.steps = 12;
    s.batch = 4;
    s.shots = 8;
    s.evaluate_every = 4;
    s.seed = 5;
    return s;
}

static inline bool fixture_open(struct fixture *f, const char *task, const char *template_text,
                                const char *words, struct error *e) {
    char path[256];
    snprintf(path, sizeof path, "tests/share/tasks/%s", task);
    struct split_request request = {.per_class = f->settings.shots, .seed = f->settings.seed};
    return model_load(&f->model, "tests/share/models/sprout", e) &&
           tokenizer_load(&f->tokenizer, "tests/share/models/sprout", e) &&
           task_load(&f->task, path, NULL, e) && split_make(&f->split, f->task, &request, e) &&
           template_parse(&f->template, template_text, (const char *const *)f->task->field, f->task->fields,
                          NULL, e) &&
           (words ? verbalizer_parse(&f->verbalizer, words, f->task->class_name, f->task->class_value,
                                     f->task->classes, e)
                  : verbalizer_letters(&f->verbalizer, f->task->classes, e)) &&
           verbalizer_bind(&f->verbalizer, f->tokenizer, WORD_FIRST, e) && thread_pool_create(&f->pool, 2, e);
}

static inline bool fixture_run(struct fixture *f, struct run **out, struct error *e) {
    struct run_inputs in = {.model = f->model,
                            .tokenizer = f->tokenizer,
                            .task = f->task,
                            .split = &f->split,
                            .template = &f->template,
                            .verbalizer = &f->verbalizer,
                            .pool = f->pool,
                            .start_vectors = f->start_vectors,
                            .start_count = f->start_count};
    return run_create(out, &in, &f->settings, e);
}

static inline void fixture_close(struct fixture *f) {
    thread_pool_free(f->pool);
    verbalizer_free(&f->verbalizer);
    template_free(&f->template);
    split_free(&f->split);
    task_free(f->task);
    tokenizer_free(f->tokenizer);
    model_free(f->model);
}

#endif
