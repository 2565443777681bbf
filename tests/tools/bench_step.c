// SPDX-License-Identifier: GPL-3.0-or-later
// bench_step [SHAPE [TEXTS [THREADS [f32|f16|bf16]]]]: one line of what a tuning step costs; for work on
// speed.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/tensor/gemm.h"
#include "engine/tune/benchmark.h"
#include "tui/relaunch.h"

int main(int argc, char **argv) {
    struct error e = {0};
    struct benchmark_options o = benchmark_options_default();
    struct benchmark_result r;
    const char *core;
    if (gemm_prefers_core(&core))
        relaunch_with_core(core, argv);
    o.shape = argc > 1 ? argv[1] : o.shape;
    o.texts = argc > 2 ? argv[2] : o.texts;
    o.threads = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    if (argc > 4)
        o.dtype = strcmp(argv[4], "bf16") == 0  ? DTYPE_BF16
                  : strcmp(argv[4], "f16") == 0 ? DTYPE_F16
                                                : DTYPE_F32;
    if (argc > 5)
        o.steps = strtoul(argv[5], NULL, 10);
    if (!benchmark_run(&o, &r, &e)) {
        fprintf(stderr, "bench_step: %s\n", e.text);
        return 1;
    }
    printf("%s %s threads %zu: step %.4f s (least %.4f), evaluate %.4f s, %.0f positions/s, %.1f GFLOP, step "
           "%.0f "
           "GFLOP/s, sgemm %s %.0f GFLOP/s, share %.3f, weights %.0f MB, workspace %.0f MB, peak %.0f MB\n",
           o.shape, o.texts, r.threads, r.step_s, r.step_least_s, r.evaluate_s, r.positions_per_s, r.gflop,
           r.step_gflops, r.sgemm_core, r.sgemm_gflops, r.sgemm_share, r.weights_mb, r.workspace_mb,
           r.peak_mb);
    return 0;
}
