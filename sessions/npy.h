// SPDX-License-Identifier: GPL-3.0-or-later
// Matrices in NumPy's .npy format: 6 magic bytes, version, header length (2 bytes in 1.0, 4 in 2.0 and 3.0),
// a Python dict literal, raw data. https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#ifndef PROMPTER_SESSIONS_NPY_H
#define PROMPTER_SESSIONS_NPY_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"

// Two dimensions, little-endian f2, f4 or f8, C order, and exactly as much data as the shape asks for.
// *value [rows, columns] is owned by the caller. Values are not looked at. Messages begin with the path.
bool npy_read(const char *path, float **value, size_t *rows, size_t *columns, struct error *e);
bool npy_write(const char *path, const float *value, size_t rows, size_t columns, struct error *e);

#endif
