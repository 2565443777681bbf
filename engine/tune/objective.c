// SPDX-License-Identifier: GPL-3.0-or-later
// The two losses; each computes its value and its gradient in one place.
#include "objective.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/data/task.h"

bool objective_plan(struct objective *o, enum run_loss loss, const struct verbalizer *v, int32_t sentinel,
                    size_t examples, struct error *e) {
    if (o->verbalizer == v && o->loss == loss && examples <= o->examples)
        return true;
    objective_free(o);
    *o = (struct objective){.loss = loss, .verbalizer = v, .sentinel = sentinel, .examples = examples};
    size_t rows = examples * DECODER_ROWS, logits = examples * v->ids;
    o->logits = mem_calloc_aligned(logits, sizeof *o->logits, e);
    o->d_logits = mem_calloc_aligned(logits, sizeof *o->d_logits, e);
    o->score = mem_calloc(v->classes, sizeof *o->score, e);
    o->d_score = mem_calloc(v->classes, sizeof *o->d_score, e);
    o->labels = mem_calloc(rows, sizeof *o->labels, e);
    o->arg_max = mem_calloc(rows, sizeof *o->arg_max, e);
    o->row_weight = mem_calloc(rows, sizeof *o->row_weight, e);
    o->row_loss = mem_calloc(rows, sizeof *o->row_loss, e);
    o->loss_of = mem_calloc(examples, sizeof *o->loss_of, e);
    o->predicted = mem_calloc(examples, sizeof *o->predicted, e);
    bool ok = o->logits && o->d_logits && o->score && o->d_score && o->labels && o->arg_max &&
              o->row_weight && o->row_loss && o->loss_of && o->predicted;
    if (!ok)
        objective_free(o);
    return ok;
}

void objective_free(struct objective *o) {
    if (!o)
        return;
    free(o->logits);
    free(o->d_logits);
    free(o->score);
    free(o->d_score);
    free(o->labels);
    free(o->arg_max);
    free(o->row_weight);
    free(o->row_loss);
    free(o->loss_of);
    free(o->predicted);
    *o = (struct objective){0};
}

size_t objective_head_rows(const struct objective *o, size_t vocab_size) {
    return o->loss == LOSS_CLEAN ? o->verbalizer->ids : vocab_size;
}

static size_t possible_classes(const struct objective *o, size_t possible) {
    return possible && possible < o->verbalizer->classes ? possible : o->verbalizer->classes;
}

double objective_class_loss(const float *score, size_t classes, size_t label, size_t *predicted) {
    size_t best = 0;
    for (size_t c = 1; c < classes; c++)
        best = score[c] > score[best] ? c : best;
    *predicted = best;
    if (label == TASK_NO_LABEL)
        return 0;
    double sum = 1, top = score[best]; // the best class's own term is exp(0)
    for (size_t c = 0; c < classes; c++)
        sum += c == best ? 0 : exp(score[c] - top);
    return top + log(sum) - score[label];
}

// softmax cross entropy of one example's class scores; d_score = (softmax - one hot) * weight.
static void score_one(struct objective *o, const struct input_batch *b, size_t i, double weight, bool train) {
    const struct verbalizer *v = o->verbalizer;
    const float *logits = o->logits + i * v->ids;
    size_t classes = possible_classes(o, b->possible[i]), label = b->label[i];
    verbalizer_scores(v, logits, b->possible[i], o->score);
    o->loss_of[i] = objective_class_loss(o->score, classes, label, &o->predicted[i]);
    if (label == TASK_NO_LABEL || !train)
        return;
    double log_sum = o->loss_of[i] + o->score[label];
    memset(o->d_score, 0, v->classes * sizeof *o->d_score);
    for (size_t c = 0; c < classes; c++)
        o->d_score[c] = (float)(weight * (exp(o->score[c] - log_sum) - (c == label)));
    verbalizer_scores_backward(v, logits, b->possible[i], o->d_score, o->d_logits + i * v->ids);
}

static void apply_clean(struct objective *o, struct t5_pass *pass, const struct input_batch *b, bool train) {
    const struct verbalizer *v = o->verbalizer;
    size_t n = b->t5.examples;
    t5_logits(pass, b->mask_row, n, v->id, v->ids, o->logits);
    if (train)
        memset(o->d_logits, 0, n * v->ids * sizeof *o->d_logits);
    for (size_t i = 0; i < n; i++)
        score_one(o, b, i, 1.0 / (double)n, train);
    if (train)
        t5_logits_backward(pass, b->mask_row, n, v->id, v->ids, o->d_logits);
}

static void apply_paper_code(struct objective *o, struct t5_pass *pass, const struct input_batch *b,
                             bool train) {
    const struct verbalizer *v = o->verbalizer;
    size_t n = b->t5.examples;
    for (size_t i = 0; i < n; i++) {
        bool labelled = b->label[i] != TASK_NO_LABEL;
        o->labels[2 * i] = o->sentinel;
        o->labels[2 * i + 1] =
            verbalizer_target(v, labelled ? b->label[i] : 0); // the arg max is wanted either way
        o->row_weight[2 * i] = o->row_weight[2 * i + 1] = labelled ? 0.5f / (float)n : 0;
    }
    t5_vocabulary_loss(pass, o->labels, train ? o->row_weight : NULL, o->row_loss, o->arg_max);
    for (size_t i = 0; i < n; i++) {
        bool labelled = b->label[i] != TASK_NO_LABEL;
        o->loss_of[i] = labelled ? 0.5 * (o->row_loss[2 * i] + o->row_loss[2 * i + 1]) : 0;
        o->predicted[i] = PREDICTED_ELSEWHERE;
        for (size_t c = possible_classes(o, b->possible[i]); c-- > 0;)
            if (verbalizer_target(v, c) == o->arg_max[2 * i + 1])
                o->predicted[i] = c;
    }
}

double objective_apply(struct objective *o, struct t5_pass *pass, const struct input_batch *b, bool train) {
    if (o->loss == LOSS_CLEAN)
        apply_clean(o, pass, b, train);
    else
        apply_paper_code(o, pass, b, train);
    double sum = 0;
    for (size_t i = 0; i < b->t5.examples; i++)
        sum += o->loss_of[i];
    return sum / (double)b->t5.examples;
}
