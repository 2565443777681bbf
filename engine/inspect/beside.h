// SPDX-License-Identifier: GPL-3.0-or-later
// A prompt from elsewhere (a file, an earlier step) beside the one of the open run: its norms and nearest
// tokens, and for every vector how near it lies to the run's and to where the run started.
//
// A vector is compared with the one of the same number. Where the other prompt has more or fewer vectors,
// what has no counterpart is NaN.
#ifndef PROMPTER_ENGINE_INSPECT_BESIDE_H
#define PROMPTER_ENGINE_INSPECT_BESIDE_H

#include "engine/inspect/study.h"

enum { BESIDE_NEAREST = 10 };

struct beside {
    struct study study;
    // Asked for; owned.
    float *vectors; // [slots, width]
    size_t slots, width;
    size_t tag; // the sender's own; a recorded run has what was recorded with the same
    // Results, [slots] each.
    float *norm;
    float *cosine, *distance;    // to the run's present vector
    float *start_cosine, *drift; // to the vector the run started from
    struct near_token *near;     // [slots, NEAR_KINDS, k]
    size_t k, step;              // step: of the run
};
extern const struct study_kind beside_kind;
// Copies the vectors. slots 0 (a recorded run): the results come from the recording.
struct beside *beside_make(const float *vectors, size_t slots, size_t width, struct error *e);

#endif
