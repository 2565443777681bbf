// SPDX-License-Identifier: GPL-3.0-or-later
// Checked allocation; see the header for who owns what.
#include "memory.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { ALIGNMENT = 64 };

bool size_multiply(size_t a, size_t b, size_t *out) {
    return !__builtin_mul_overflow(a, b, out);
}

static void *no_memory(size_t count, size_t size, struct error *e) {
    error_set(e, ERROR_MEMORY,
              "no memory for %zu items of %zu bytes; close other programs or use a smaller model or batch",
              count, size);
    return NULL;
}

void *mem_calloc(size_t count, size_t size, struct error *e) {
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || bytes > PTRDIFF_MAX)
        return no_memory(count, size, e);
    void *p = calloc(1, bytes ? bytes : 1);
    if (!p)
        return no_memory(count, size, e);
    return p;
}

void *mem_calloc_aligned(size_t count, size_t size, struct error *e) {
    size_t bytes;
    if (!size_multiply(count, size, &bytes) || bytes > PTRDIFF_MAX - ALIGNMENT)
        return no_memory(count, size, e);
    bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT; // never zero
    void *p = aligned_alloc(ALIGNMENT, bytes);
    if (!p)
        return no_memory(count, size, e);
    memset(p, 0, bytes);
    return p;
}

size_t mem_available(void) {
    FILE *f = fopen("/proc/meminfo", "re");
    char line[128];
    size_t kib, bytes = SIZE_MAX;
    while (f && fgets(line, sizeof line, f))
        if (sscanf(line, "MemAvailable: %zu kB", &kib) == 1 && !size_multiply(kib, 1024, &bytes))
            bytes = SIZE_MAX;
    if (f)
        fclose(f);
    return bytes;
}

char *mem_strndup(const char *text, size_t length, struct error *e) {
    if (length == SIZE_MAX)
        return no_memory(length, 1, e);
    char *copy = mem_calloc(length + 1, 1, e);
    if (copy && length)
        memcpy(copy, text, length);
    return copy;
}

char *mem_strdup(const char *text, struct error *e) {
    return mem_strndup(text, strlen(text), e);
}

bool mem_grow(void *array, size_t *capacity, size_t need, size_t item_size, struct error *e) {
    if (need <= *capacity)
        return true;
    size_t wanted = *capacity > SIZE_MAX / 2 ? need : *capacity * 2;
    if (wanted < need)
        wanted = need;
    if (wanted < 8)
        wanted = 8;
    size_t bytes;
    void **slot = array;
    if (!size_multiply(wanted, item_size, &bytes) || bytes > PTRDIFF_MAX)
        return no_memory(wanted, item_size, e) != NULL;
    void *grown = realloc(*slot, bytes);
    if (!grown)
        return no_memory(wanted, item_size, e) != NULL;
    *slot = grown;
    *capacity = wanted;
    return true;
}

void buffer_add(struct buffer *b, const void *bytes, size_t length) {
    if (b->failed)
        return;
    if (length > SIZE_MAX - 1 - b->length ||
        !mem_grow(&b->data, &b->capacity, b->length + length + 1, 1, NULL)) {
        b->failed = true;
        return;
    }
    if (length)
        memcpy(b->data + b->length, bytes, length);
    b->length += length;
    b->data[b->length] = '\0';
}

void buffer_add_text(struct buffer *b, const char *text) {
    buffer_add(b, text, strlen(text));
}

void buffer_add_char(struct buffer *b, char c) {
    buffer_add(b, &c, 1);
}

void buffer_printf(struct buffer *b, const char *format, ...) {
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || b->failed || !mem_grow(&b->data, &b->capacity, b->length + (size_t)n + 1, 1, NULL)) {
        b->failed = true;
    } else {
        vsnprintf(b->data + b->length, (size_t)n + 1, format, again);
        b->length += (size_t)n;
    }
    va_end(again);
}

bool buffer_ok(const struct buffer *b, struct error *e) {
    return b->failed ? error_set(e, ERROR_MEMORY, "no memory for a text of more than %zu bytes", b->length)
                     : true;
}

void buffer_clear(struct buffer *b) {
    b->length = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

char *buffer_take(struct buffer *b, struct error *e) {
    buffer_add(b, "", 0);
    if (!buffer_ok(b, e)) {
        buffer_free(b);
        return NULL;
    }
    char *text = b->data;
    *b = (struct buffer){0};
    return text;
}

void buffer_free(struct buffer *b) {
    if (!b)
        return;
    free(b->data);
    *b = (struct buffer){0};
}

// Not cleared: what is planned for the largest batch but never used then costs no memory. Large blocks ask
// for large pages, so that matrix products miss the address caches less.
static void *take_block(size_t bytes, struct error *e) {
    const size_t page = (size_t)2 << 20;
    size_t alignment = bytes < 2 * page ? ALIGNMENT : page;
    if (bytes > SIZE_MAX - page)
        return no_memory(bytes, 1, e);
    size_t rounded = (bytes + alignment) / alignment * alignment; // never zero
    void *p = aligned_alloc(alignment, rounded);
    if (!p)
        return no_memory(bytes, 1, e);
#ifdef MADV_HUGEPAGE
    if (alignment == page)
        madvise(p, rounded, MADV_HUGEPAGE); // a wish: nothing depends on it
#endif
    return p;
}

bool arena_reserve(struct arena *a, size_t bytes, struct error *e) {
    a->used = 0;
    if (a->base && bytes <= a->capacity)
        return true;
    free(a->base);
    a->base = take_block(bytes, e);
    a->capacity = a->base ? bytes : 0;
    return a->base != NULL;
}

void *arena_take(struct arena *a, size_t count, size_t item_size) {
    size_t bytes;
    bool fits = size_multiply(count, item_size, &bytes) && bytes <= SIZE_MAX - ALIGNMENT - a->used;
    assert(fits && "an arena size is planned from checked numbers");
    (void)fits;
    bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    void *p = NULL;
    if (a->base) {
        assert(bytes <= a->capacity - a->used && "the arena was planned too small");
        p = a->base + a->used;
    }
    a->used += bytes;
    if (a->used > a->peak)
        a->peak = a->used;
    return p;
}

void arena_reset(struct arena *a) {
    a->used = 0;
}

void arena_free(struct arena *a) {
    if (!a)
        return;
    free(a->base);
    *a = (struct arena){0};
}
