// SPDX-License-Identifier: GPL-3.0-or-later
// Eigenvalues and eigenvectors of a symmetric matrix, by Jacobi's method with cyclic sweeps: slow for large
// matrices, but as exact as doubles allow, and it can stop between two sweeps.
// (Golub and Van Loan, Matrix Computations, section 8.5)
#ifndef PROMPTER_ENGINE_TENSOR_EIGEN_H
#define PROMPTER_ENGINE_TENSOR_EIGEN_H

#include <stdbool.h>
#include <stddef.h>

// Before the first sweep: vectors [n, n] becomes the identity.
void eigen_begin(double *vectors, size_t n);
// One sweep over all pairs of a [n, n], which is symmetric and whole. True when a is diagonal to the last
// digits: its diagonal then has the eigenvalues, and row i of `vectors` is the unit eigenvector of a[i][i].
// 6 to 10 sweeps are usual.
bool eigen_sweep(double *a, double *vectors, size_t n);
// The positions of the `count` largest eigenvalues on the diagonal, largest first. count <= n.
void eigen_largest(const double *a, size_t n, size_t count, size_t *at);

#endif
