// SPDX-License-Identifier: GPL-3.0-or-later
// A learning-rate sweep, as a study: for each of a range of rates a copy of the run makes the same few
// updates, from the prompt as it is now and with an optimizer that begins anew, and is then scored on the
// same training examples. The open run stays as it is; the copy needs as much memory for activations as the
// run itself, until the sweep is over.
//
// This is not the range test of Smith ("Cyclical Learning Rates for Training Neural Networks", 2017), where
// one copy is trained while its rate grows: a prompt learns so much within ten updates that the curve would
// show how many updates there were, and not what each rate does.
//
// Vectors that are frozen in the open run are not in the copy. The schedule is constant in it.
#ifndef PROMPTER_ENGINE_INSPECT_SWEEP_H
#define PROMPTER_ENGINE_INSPECT_SWEEP_H

#include "engine/inspect/study.h"

enum { SWEEP_RATES = 24, SWEEP_UPDATES = 5, SWEEP_EXAMPLES = 32 };
// Higher rates are not tried after one at which the loss has grown to so many times what it was at the start.
#define SWEEP_DIVERGED 4.0

struct rate_sweep {
    struct study study;
    double low, high; // of the rate, 0 < low < high
    // Results.
    size_t count;            // rates tried
    float rate[SWEEP_RATES]; // ascending, each as many times the one before
    float loss[SWEEP_RATES]; // after SWEEP_UPDATES updates, on `examples` training examples; the last may be
                             // NaN
    float start_loss;        // before any
    size_t examples, step;   // scored; the step of the open run that the sweep began from
    bool diverged;           // ended early
    double suggested;        // NaN: no rate lowered the loss
    // Inside.
    struct run *run;
    size_t updates; // at the present rate
    float *start;   // [slots, width]
};
extern const struct study_kind rate_sweep_kind;
struct rate_sweep *rate_sweep_make(double low, double high, struct error *e);

// The lowest rate that brings nine tenths of the greatest fall of the loss, smoothed over three rates and
// rounded to two digits: a few updates favour high rates, under which a long run becomes unsteady. NaN where
// the loss never falls by more than 2 %.
double rate_sweep_suggest(const float *rate, const float *loss, size_t count, double start_loss);

#endif
