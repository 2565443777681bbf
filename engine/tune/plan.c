// SPDX-License-Identifier: GPL-3.0-or-later
#include "plan.h"

#include "engine/tune/schedule.h"

bool plan_batches(const struct plan_parts *p, enum t5_mode mode, const struct input_set *set, size_t examples,
                  struct error *e) {
    const struct t5_config *c = &p->model->config;
    int32_t sentinel = tokenizer_sentinel(p->tokenizer, 0);
    size_t rows = set->longest * examples;
    if (!input_batch_plan(p->batch, examples, rows, c->decoder_start_id, sentinel, e) ||
        !objective_plan(p->objective, p->loss, p->verbalizer, sentinel, examples, e))
        return false;
    const struct t5_plan plan = {.mode = mode,
                                 .examples = examples,
                                 .encoder_rows = rows,
                                 .decoder_rows = examples * DECODER_ROWS,
                                 .longest_encoder = set->longest,
                                 .longest_decoder = DECODER_ROWS,
                                 .soft_slots = p->slots,
                                 .head_rows = objective_head_rows(p->objective, c->vocab_size)};
    return t5_pass_plan(p->pass, &plan, e);
}

struct optimizer_settings plan_optimizer(const struct run_settings *s, bool all_weights) {
    static const enum optimizer_kind kinds[] = {[RUN_ADAM] = OPTIMIZER_ADAM,
                                                [RUN_ADAMW] = OPTIMIZER_ADAMW,
                                                [RUN_ADAFACTOR] = OPTIMIZER_ADAFACTOR,
                                                [RUN_SGD] = OPTIMIZER_SGD};
    struct optimizer_settings o = optimizer_settings_default(kinds[s->optimizer]);
    o.weight_decay = s->weight_decay;
    o.factored = all_weights;
    return o;
}

double plan_rate(const struct run_settings *s, double rate, size_t step) {
    static const enum schedule_kind kinds[] = {[RUN_CONSTANT] = SCHEDULE_CONSTANT,
                                               [RUN_LINEAR] = SCHEDULE_LINEAR,
                                               [RUN_NOAM] = SCHEDULE_NOAM,
                                               [RUN_COSINE] = SCHEDULE_COSINE};
    return rate * schedule_factor(kinds[s->schedule], step, s->warmup, s->steps);
}
