// SPDX-License-Identifier: GPL-3.0-or-later
// The safetensors file format, reading and writing: 8 bytes of little-endian header length, a JSON header,
// raw row-major little-endian data. https://github.com/huggingface/safetensors
//
// A file is mapped and checked whole when it is opened: header length, UTF-8, JSON, types, shapes, sizes,
// offsets that are contiguous from 0 without holes or overlaps and end with the file, no name twice. After
// that every tensor's data may be read. An open file is read-only and may be shared by threads.
#ifndef PROMPTER_ENGINE_MODEL_SAFETENSORS_H
#define PROMPTER_ENGINE_MODEL_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/tensor/dtype.h"

enum safetensors_type {
    SAFETENSORS_BOOL,
    SAFETENSORS_U8,
    SAFETENSORS_I8,
    SAFETENSORS_F8_E4M3,
    SAFETENSORS_F8_E5M2,
    SAFETENSORS_U16,
    SAFETENSORS_I16,
    SAFETENSORS_F16,
    SAFETENSORS_BF16,
    SAFETENSORS_U32,
    SAFETENSORS_I32,
    SAFETENSORS_F32,
    SAFETENSORS_U64,
    SAFETENSORS_I64,
    SAFETENSORS_F64,
};
enum { SAFETENSORS_MOST_DIMENSIONS = 8 };

struct safetensors_tensor {
    const char *name;
    enum safetensors_type type;
    size_t dimensions; // 0 for a single number
    size_t shape[SAFETENSORS_MOST_DIMENSIONS];
    size_t count;     // elements
    const void *data; // in the mapping; a file may place it off its element's alignment
    size_t bytes;
};

struct safetensors;

// Messages begin with the path and name the tensor.
bool safetensors_open(struct safetensors **out, const char *path, struct error *e);
void safetensors_close(struct safetensors *file);
const char *safetensors_path(const struct safetensors *file);
size_t safetensors_count(const struct safetensors *file);
// In the order of their data in the file. i < count.
const struct safetensors_tensor *safetensors_at(const struct safetensors *file, size_t i);
// NULL when there is none.
const struct safetensors_tensor *safetensors_find(const struct safetensors *file, const char *name);
// A value of __metadata__, or NULL.
const char *safetensors_metadata(const struct safetensors *file, const char *key);

// "F32", "BF16", ...
const char *safetensors_type_name(enum safetensors_type type);
// True, and *out, for the types that weights are used in: F32, F16, BF16.
bool safetensors_dtype(enum safetensors_type type, enum dtype *out);
// "[512, 64]", for messages; cut when it does not fit.
void safetensors_shape_text(const struct safetensors_tensor *t, char *out, size_t size);

// Copy and convert all `count` elements. To float: F32, F16, BF16 exactly, F64 rounded. To double: those and
// the integers up to 64 bits (rounded above 2^53). To int32: I32 only. Other types: an error that names the
// tensor.
bool safetensors_read_floats(const struct safetensors_tensor *t, float *out, struct error *e);
bool safetensors_read_doubles(const struct safetensors_tensor *t, double *out, struct error *e);
bool safetensors_read_int32(const struct safetensors_tensor *t, int32_t *out, struct error *e);

// Writing. Describe every tensor first, then give the values in the same order, in pieces of any length.
// The file appears under its name only when finish succeeds; close always.
struct safetensors_item {
    const char *name;
    enum dtype type;
    size_t dimensions;
    size_t shape[SAFETENSORS_MOST_DIMENSIONS];
    const float *values; // used by safetensors_write only
};
struct safetensors_pair {
    const char *key, *value;
};
struct safetensors_writer;
bool safetensors_writer_open(struct safetensors_writer **out, const char *path,
                             const struct safetensors_item *items, size_t item_count,
                             const struct safetensors_pair *metadata, size_t pair_count, struct error *e);
// The next `count` values, converted to the type of the tensor they belong to; may run over from one tensor
// into the next.
bool safetensors_writer_add(struct safetensors_writer *w, const float *values, size_t count, struct error *e);
bool safetensors_writer_finish(struct safetensors_writer *w, struct error *e);
void safetensors_writer_close(struct safetensors_writer *w);

// All at once, from items[i].values.
bool safetensors_write(const char *path, const struct safetensors_item *items, size_t item_count,
                       const struct safetensors_pair *metadata, size_t pair_count, struct error *e);
// The same file as bytes in memory, added to `out`; only F32. Nothing is added on failure.
bool safetensors_print(struct buffer *out, const struct safetensors_item *items, size_t item_count,
                       const struct safetensors_pair *metadata, size_t pair_count, struct error *e);

#endif
