// SPDX-License-Identifier: GPL-3.0-or-later
// Element types as checkpoints store them, and the matrix a weight is: borrowed bytes with a type and a
// shape.
#ifndef PROMPTER_ENGINE_TENSOR_DTYPE_H
#define PROMPTER_ENGINE_TENSOR_DTYPE_H

#include <stddef.h>
#include <stdint.h>

enum dtype { DTYPE_F32, DTYPE_F16, DTYPE_BF16 };

size_t dtype_size(enum dtype type);      // bytes an element
const char *dtype_name(enum dtype type); // "F32", "F16", "BF16", as safetensors writes them

// Exact conversion of `count` elements to float. `from` needs no alignment beyond its element's.
void dtype_to_float(enum dtype type, const void *from, float *to, size_t count);
// Round to nearest even; used by writers.
void dtype_from_float(enum dtype type, const float *from, void *to, size_t count);

// A weight matrix [rows, columns] = [out, in], row-major (a norm's or bias table's vector has its own shape;
// a vector is [1, columns]). `data` is borrowed from the mapped file, or from an owned float copy when it
// trains.
struct weight {
    const char *name; // as in the checkpoint; owned by the model
    const void *data;
    enum dtype dtype;
    size_t rows, columns;
    float *trained;  // the owned float copy, or NULL while frozen; equals data then
    float *gradient; // [rows, columns] accumulated by the backward pass, or NULL while frozen
};

#endif
