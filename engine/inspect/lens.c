// SPDX-License-Identifier: GPL-3.0-or-later
#include "lens.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/pvp/task_parts.h"

void lens_free(struct lens *l) {
    free(l->template_text);
    free(l->label_words);
    free(l->soft);
    *l = (struct lens){0};
}

void lens_close(struct lens_view *v) {
    pattern_free(&v->pattern);
    verbalizer_free(&v->own);
    free(v->soft);
    *v = (struct lens_view){0};
}

static bool given_template(struct template *out, const struct lens *l, const struct study_bench *bench,
                           struct error *e) {
    if (l->kind == LENS_HARD)
        return template_without_soft(out, bench->template, e);
    if (l->kind == LENS_GIVEN)
        return task_template(out, bench->task, l->template_text, e);
    return template_copy(out, bench->template, e);
}

static bool words_of(struct lens_view *v, const struct lens *l, const struct study_bench *bench,
                     struct error *e) {
    v->verbalizer = bench->verbalizer;
    if (l->kind != LENS_GIVEN)
        return true;
    if (!task_words(&v->own, bench->task, l->label_words, bench->settings->loss == LOSS_PAPER_CODE, e))
        return false;
    v->verbalizer = &v->own;
    return verbalizer_bind(&v->own, bench->tokenizer, l->pieces, e);
}

// The vectors of the lens, which may change before the next slice: a copy.
static bool soft_of(struct lens_view *v, const struct lens *l, const struct study_bench *bench,
                    struct error *e) {
    size_t slots = v->pattern.slots, width = bench->model->config.d_model;
    struct metric at = {0};
    const float *from = l->soft;
    if (l->kind == LENS_PRESENT) {
        from = run_prompt(bench->run);
        v->step = run_steps_done(bench->run);
    } else if (l->kind == LENS_BEST) {
        if (!(from = run_best(bench->run, &at)))
            return error_set(e, ERROR_INPUT, "no prompt is best yet: dev was not scored");
        if (run_fine_tunes(bench->run) && at.step != run_steps_done(bench->run))
            return error_set(
                e, ERROR_INPUT,
                "the best weights are those of step %zu; the model holds the present ones: going "
                "back to the best shows them",
                at.step);
        v->step = at.step;
    } else if (l->kind == LENS_GIVEN && (l->slots != slots || (slots && l->width != width))) {
        return error_set(e, ERROR_INPUT, "%zu vectors of width %zu, where %zu of %zu belong", l->slots,
                         l->width, slots, width);
    }
    if (!slots)
        return true;
    if (!(v->soft = mem_calloc_aligned(slots * width, sizeof *v->soft, e)))
        return false;
    memcpy(v->soft, from, slots * width * sizeof *v->soft);
    return true;
}

bool lens_open(struct lens_view *v, const struct lens *l, const struct study_bench *bench, struct error *e) {
    struct template template = {0};
    *v = (struct lens_view){
        .options = {.budget = bench->settings->budget, .end_mark = bench->settings->loss == LOSS_CLEAN},
        .mask = l->kind == LENS_HARD && bench->base ? bench->base : bench->mask};
    bool ok = given_template(&template, l, bench, e) &&
              pattern_bind(&v->pattern, &template, bench->task, bench->tokenizer, e) &&
              words_of(v, l, bench, e) && soft_of(v, l, bench, e);
    template_free(&template);
    if (!ok)
        lens_close(v);
    return ok;
}
