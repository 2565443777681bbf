// SPDX-License-Identifier: GPL-3.0-or-later
// Memory: checked allocation, growing arrays, text buffers, and the arena of the training step.
//
// Sizes are size_t and multiplied with overflow checks. Everything from mem_* is released with free().
// Nothing here is shared between threads unless the caller locks it.
#ifndef PROMPTER_ENGINE_BASE_MEMORY_H
#define PROMPTER_ENGINE_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdarg.h>

#include "error.h"

// out = a * b; false when the product does not fit.
bool size_multiply(size_t a, size_t b, size_t *out);

// count * size zeroed bytes; NULL and an error when there are none. count 0 gives a valid pointer.
void *mem_calloc(size_t count, size_t size, struct error *e);
// As mem_calloc, aligned to 64 bytes: for arrays that kernels read.
void *mem_calloc_aligned(size_t count, size_t size, struct error *e);
char *mem_strdup(const char *text, struct error *e);
char *mem_strndup(const char *text, size_t length, struct error *e);

// Bytes that can be had without swapping others out (MemAvailable of Linux); SIZE_MAX where the system does
// not say.
size_t mem_available(void);

// Makes room for `need` items in *(T **)array, doubling *capacity as needed. On failure nothing changes.
bool mem_grow(void *array, size_t *capacity, size_t need, size_t item_size, struct error *e);

// A growing text, always NUL-terminated once something was added. Failure is sticky: adds may go unchecked,
// buffer_ok tells at the end. Zero-initialise; release with buffer_free.
struct buffer {
    char *data;
    size_t length, capacity;
    bool failed;
};
void buffer_add(struct buffer *b, const void *bytes, size_t length);
void buffer_add_text(struct buffer *b, const char *text);
void buffer_add_char(struct buffer *b, char c);
void buffer_printf(struct buffer *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool buffer_ok(const struct buffer *b, struct error *e);
void buffer_clear(struct buffer *b);
// The text as an owned string (an empty one if nothing was added); NULL and an error if an add failed.
char *buffer_take(struct buffer *b, struct error *e);
void buffer_free(struct buffer *b);

// One block handed out from the front in 64-byte steps and taken back all at once. With `base` NULL and
// `capacity` 0 it only counts, which is how a size is planned: run the same takes, read `used`.
struct arena {
    unsigned char *base; // owned
    size_t capacity, used, peak;
};
// Room for at least `bytes`, not cleared; keeps the block when it is large enough. Forgets everything handed
// out.
bool arena_reserve(struct arena *a, size_t bytes, struct error *e);
// NULL only in counting mode; running past a reserved block is our own bug and asserts.
void *arena_take(struct arena *a, size_t count, size_t item_size);
static inline float *arena_floats(struct arena *a, size_t count) {
    return (float *)arena_take(a, count, sizeof(float));
}
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
