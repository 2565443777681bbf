// SPDX-License-Identifier: GPL-3.0-or-later
// Starting the program anew with another choice of BLAS kernels, which must be made before BLAS is loaded.
//
// Our own products do not need it; `prompter bench` does, so that its yardstick is the best that BLAS can do
// here (engine/tensor/gemm.h: gemm_prefers_core gives the name).
#ifndef PROMPTER_TUI_RELAUNCH_H
#define PROMPTER_TUI_RELAUNCH_H

// Sets OPENBLAS_CORETYPE to `core` and OPENBLAS_NUM_THREADS to 1, so that no threads of BLAS start, and runs
// this program again with the same arguments. Call it before anything is open, changed or printed. Since the
// variable is set then, the new program does not come here again. Returns only when it could not be done:
// nothing is lost but speed.
void relaunch_with_core(const char *core, char **argv);

#endif
