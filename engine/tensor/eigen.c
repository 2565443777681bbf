// SPDX-License-Identifier: GPL-3.0-or-later
#include "eigen.h"

#include <math.h>
#include <string.h>

void eigen_begin(double *vectors, size_t n) {
    memset(vectors, 0, n * n * sizeof *vectors);
    for (size_t i = 0; i < n; i++)
        vectors[i * n + i] = 1;
}

// Rows p and q of m, turned by the angle with cosine c and sine s.
static void turn_rows(double *m, size_t n, size_t p, size_t q, double c, double s) {
    double *x = m + p * n, *y = m + q * n;
    for (size_t k = 0; k < n; k++) {
        double a = x[k], b = y[k];
        x[k] = c * a - s * b;
        y[k] = s * a + c * b;
    }
}

static void turn_columns(double *m, size_t n, size_t p, size_t q, double c, double s) {
    for (size_t k = 0; k < n; k++) {
        double a = m[k * n + p], b = m[k * n + q];
        m[k * n + p] = c * a - s * b;
        m[k * n + q] = s * a + c * b;
    }
}

// The smaller of the two angles that make a[p][q] zero.
static void angle(double app, double aqq, double apq, double *c, double *s) {
    double tau = (aqq - app) / (2 * apq);
    double t = tau >= 0 ? 1 / (tau + sqrt(1 + tau * tau)) : -1 / (-tau + sqrt(1 + tau * tau));
    *c = 1 / sqrt(1 + t * t);
    *s = t * *c;
}

bool eigen_sweep(double *a, double *vectors, size_t n) {
    const double tiny = 1e-15;
    double off = 0, diagonal = 0;
    for (size_t p = 0; p < n; p++) {
        diagonal += a[p * n + p] * a[p * n + p];
        for (size_t q = p + 1; q < n; q++)
            off += a[p * n + q] * a[p * n + q];
    }
    if (!(sqrt(off) > tiny * sqrt(diagonal + off))) // also where a holds no numbers
        return true;
    for (size_t p = 0; p + 1 < n; p++)
        for (size_t q = p + 1; q < n; q++) {
            double apq = a[p * n + q], c, s;
            if (!(fabs(apq) > tiny * 1e-3 * sqrt(fabs(a[p * n + p] * a[q * n + q]) + 1e-300)))
                continue;
            angle(a[p * n + p], a[q * n + q], apq, &c, &s);
            turn_rows(a, n, p, q, c, s);
            turn_columns(a, n, p, q, c, s);
            a[p * n + q] = a[q * n + p] = 0;
            turn_rows(vectors, n, p, q, c, s);
        }
    return false;
}

void eigen_largest(const double *a, size_t n, size_t count, size_t *at) {
    size_t have = 0;
    for (size_t i = 0; i < n; i++) {
        size_t to = have < count ? have : count;
        for (; to > 0 && a[at[to - 1] * n + at[to - 1]] < a[i * n + i]; to--)
            if (to < count)
                at[to] = at[to - 1];
        if (to < count)
            at[to] = i;
        have += have < count;
    }
}
