// SPDX-License-Identifier: GPL-3.0-or-later
// A prompt as points of a plane: the two principal axes of its vectors and of the vectors it started from.
//
// The axes are those of the largest variance of both sets of points together (principal component analysis),
// from the eigenvectors of the Gram matrix of the centred points (engine/tensor/eigen.h). More than
// PROJECTION_MOST points give the axes by an even sample of them; all are projected. An axis points so that
// the farthest point along it is positive, so that a picture does not flip from one time to the next.
// A slice is one sweep of the eigensolver.
#ifndef PROMPTER_ENGINE_INSPECT_PROJECTION_H
#define PROMPTER_ENGINE_INSPECT_PROJECTION_H

#include "engine/inspect/study.h"

enum { PROJECTION_MOST = 400 };

struct projection {
    struct study study;
    // Asked for: these vectors (owned), of this step; NULL: the run's as they are, and the step that a
    // recorded run is at.
    float *vectors;
    size_t slots, width, step;
    // Results: [slots, 2] each, in the vectors' own unit; the shares of all variance that the axes hold.
    float *now, *start;
    double share[2];
    // Inside.
    float *points;         // [2 * slots, width] now, then start; centred
    double *gram, *vector; // [fitted, fitted]
    size_t fitted;
};
extern const struct study_kind projection_kind;
// Copies the vectors; NULL: the run's, in a recorded run those of `step`.
struct projection *projection_make(const float *vectors, size_t slots, size_t width, size_t step,
                                   struct error *e);

#endif
