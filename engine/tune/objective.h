// SPDX-License-Identifier: GPL-3.0-or-later
// What a run minimises and how it predicts, from the decoder states of a finished forward pass.
//
// LOSS_CLEAN: for each example the cross entropy of softmax(class scores) over its possible classes, from the
// logits of the label words' pieces at the mask; the prediction is the class of the highest score.
// LOSS_PAPER_CODE: for each example the mean of the two cross entropies over the whole vocabulary, of
// <extra_id_0> at decoder position 0 and of the label word's first piece at position 1; the prediction is the
// class whose target is the arg max over the whole vocabulary at position 1, if there is one. The batch loss
// is the mean over its examples.
#ifndef PROMPTER_ENGINE_TUNE_OBJECTIVE_H
#define PROMPTER_ENGINE_TUNE_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/model/t5.h"
#include "engine/pvp/verbalizer.h"
#include "engine/tune/evaluation.h"
#include "engine/tune/inputs.h"
#include "engine/tune/settings.h"

struct objective {
    enum run_loss loss;
    const struct verbalizer *verbalizer; // borrowed, bound
    int32_t sentinel;
    size_t examples;           // room
    float *logits, *d_logits;  // [examples, ids]
    float *score, *d_score;    // [classes]
    int32_t *labels, *arg_max; // [2 * examples]
    float *row_weight;         // [2 * examples]
    double *row_loss;          // [2 * examples]
    double *loss_of;           // [examples]
    size_t *predicted;         // [examples] class, or PREDICTED_ELSEWHERE
};
bool objective_plan(struct objective *o, enum run_loss loss, const struct verbalizer *v, int32_t sentinel,
                    size_t examples, struct error *e);
void objective_free(struct objective *o);
// Rows of the head that a pass should plan for.
size_t objective_head_rows(const struct objective *o, size_t vocab_size);

// Softmax cross entropy of one example's scores over its possible classes (natural log; 0 for TASK_NO_LABEL),
// and the class that is predicted: the first of the highest.
double objective_class_loss(const float *score, size_t classes, size_t label, size_t *predicted);

// Fills loss_of and predicted for the batch; examples without a label have loss 0. With `train` also adds the
// gradient of the batch loss to the pass. Returns the batch loss. Allocates nothing.
double objective_apply(struct objective *o, struct t5_pass *pass, const struct input_batch *b, bool train);

#endif
