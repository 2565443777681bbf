// SPDX-License-Identifier: GPL-3.0-or-later
// How fast prompt tuning runs on this machine, against what its BLAS could do with the same products.
//
// A T5 v1.1 of real size with random weights in memory, batches of random texts behind a soft prompt, the
// loss over the whole vocabulary, Adam on the prompt. Steps and the yardstick take turns, so that a noisy
// machine is noisy for both: the yardstick is every matrix product that a packed step needs (absorbed
// cross-attention, equal inputs projected once, no products that are merely computed again), done by BLAS at
// the same shapes on the same threads. sgemm_share = its time / the step's time: 1 would be a step in which
// all else costs nothing, more than 1 one whose products beat BLAS.
#ifndef PROMPTER_ENGINE_TUNE_BENCHMARK_H
#define PROMPTER_ENGINE_TUNE_BENCHMARK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/tensor/dtype.h"

struct benchmark_options {
    const char *shape; // "small", "base", "large", "xl", "xxl"
    const char *texts; // "sst2": N(25, 12) tokens in 5..60; "race": N(300, 100) in 50..512
    enum dtype dtype;  // how the weights are stored
    bool openblas;     // OpenBLAS does the large products of the steps, too
    size_t threads;    // 0: as many as the process may use
    size_t batch, slots, steps, warmup;
    uint64_t seed;
    const atomic_bool *cancel; // may be NULL
    // Called between rounds, may be NULL.
    void (*progress)(void *context, size_t done, size_t count);
    void *context;
};
// small on sst2 in F32: batches of 8, 100 soft vectors, 7 steps after 2.
struct benchmark_options benchmark_options_default(void);
// The names of shapes and texts, for messages and completion; NULL at the end.
extern const char *const benchmark_shapes[];
extern const char *const benchmark_texts[];

struct benchmark_result {
    size_t threads, steps;
    double step_s;          // median
    double step_least_s;    // the fastest
    double positions_per_s; // encoder rows a second, at the median
    double evaluate_s;      // median of forward passes alone, with the label words' logits
    double gflop;           // of one step's products, mean
    double step_gflops;     // gflop / step_s
    double sgemm_s;         // median of the yardstick
    double sgemm_gflops;    // gflop / sgemm_s
    double sgemm_share;     // median over the rounds of yardstick / step
    const char *sgemm_core; // the kernels BLAS chose
    double weights_mb;      // as stored; 2^20 bytes
    double workspace_mb;    // of the pass
    double peak_mb;         // of the process while it tunes, the yardstick's operands not counted
};
bool benchmark_run(const struct benchmark_options *options, struct benchmark_result *out, struct error *e);

#endif
