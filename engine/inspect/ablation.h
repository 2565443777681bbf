// SPDX-License-Identifier: GPL-3.0-or-later
// What each soft vector is worth: dev scored without it, or with the nearest word in its place.
//
// Without a vector means that its positions are taken out of the encoder's input, so that the input is that
// much shorter and what stands behind moves up; the vector is not set to zero. A slot that stands in several
// places is taken out of all of them. Snapped means that the vector becomes the embedding of its nearest
// token.
//
// The prompt is copied in the first slice: all scores are of one prompt, however long the study takes while a
// run goes on. Scores follow the run's rule and loss (engine/tune/objective.h). A slice is one batch.
#ifndef PROMPTER_ENGINE_INSPECT_ABLATION_H
#define PROMPTER_ENGINE_INSPECT_ABLATION_H

#include "engine/inspect/study.h"

enum ablation_change { ABLATION_REMOVE, ABLATION_SNAP };
enum { ABLATION_MOST_DEV = 1000 }; // examples of dev that are scored, the first ones

struct ablation_score {
    size_t examples, correct;
    double loss, accuracy;
};
struct ablation {
    struct study study;
    enum ablation_change change;
    enum nearness metric; // ABLATION_SNAP: by which a word is near
    // Results.
    size_t step, slots;
    struct ablation_score whole; // the prompt as it is
    struct ablation_score all;   // ABLATION_SNAP: with every vector snapped
    struct ablation_score *one;  // [slots] with this vector alone removed or snapped
    int32_t *token;              // [slots] ABLATION_SNAP: the nearest tokens
    // Inside.
    float *soft, *words, *mixed; // [slots, d_model] the prompt, its nearest words, and what is scored now
    struct input_set dev, without;
    size_t variant, at; // 0: whole, then the slots, then all; the next example of it
    struct evaluation sum;
};
extern const struct study_kind ablation_kind, snap_kind;
struct ablation *ablation_make(enum ablation_change change, enum nearness metric, struct error *e);

#endif
