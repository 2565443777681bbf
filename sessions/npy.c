// SPDX-License-Identifier: GPL-3.0-or-later
// The header is read by a small parser of the three keys that NumPy writes; nothing of Python is evaluated.
#include "npy.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/tensor/dtype.h"

static const char magic[6] = "\x93NUMPY";
enum { MOST_HEADER = 10000 }; // NumPy's own limit

struct header {
    char type[8]; // "<f4"
    bool fortran, has_type, has_order, has_shape;
    size_t shape[2], dimensions; // counts dimensions beyond two as well
};

struct cursor {
    const char *p, *end;
};

static void skip_space(struct cursor *c) {
    while (c->p < c->end && (*c->p == ' ' || *c->p == '\t' || *c->p == '\n' || *c->p == '\r'))
        c->p++;
}

static bool take(struct cursor *c, const char *word) {
    skip_space(c);
    size_t n = strlen(word);
    if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
        return false;
    c->p += n;
    return true;
}

// 'text' or "text", without escapes, shorter than `size`.
static bool take_string(struct cursor *c, char *out, size_t size) {
    skip_space(c);
    if (c->p >= c->end || (*c->p != '\'' && *c->p != '"'))
        return false;
    char quote = *c->p++;
    size_t n = 0;
    while (c->p < c->end && *c->p != quote) {
        if (*c->p == '\\' || *c->p == '\0' || n + 1 >= size)
            return false;
        out[n++] = *c->p++;
    }
    out[n] = '\0';
    return c->p++ < c->end;
}

static bool take_number(struct cursor *c, size_t *out) {
    skip_space(c);
    if (c->p >= c->end || *c->p < '0' || *c->p > '9')
        return false;
    size_t x = 0;
    for (; c->p < c->end && *c->p >= '0' && *c->p <= '9'; c->p++)
        if (!size_multiply(x, 10, &x) || __builtin_add_overflow(x, (size_t)(*c->p - '0'), &x))
            return false;
    take(c, "L"); // as Python 2 wrote it
    *out = x;
    return true;
}

static bool take_shape(struct cursor *c, struct header *h) {
    if (!take(c, "("))
        return false;
    h->dimensions = 0;
    while (!take(c, ")")) {
        size_t n = 0;
        if (!take_number(c, &n))
            return false;
        if (h->dimensions < 2)
            h->shape[h->dimensions] = n;
        h->dimensions++;
        if (!take(c, ",")) {
            if (h->dimensions == 1 || !take(c, ")")) // (3) is no tuple
                return false;
            break;
        }
    }
    return true;
}

static bool take_member(struct cursor *c, struct header *h) {
    char key[32];
    if (!take_string(c, key, sizeof key) || !take(c, ":"))
        return false;
    if (strcmp(key, "descr") == 0 && !h->has_type)
        return h->has_type = take_string(c, h->type, sizeof h->type);
    if (strcmp(key, "shape") == 0 && !h->has_shape)
        return h->has_shape = take_shape(c, h);
    if (strcmp(key, "fortran_order") == 0 && !h->has_order) {
        h->fortran = take(c, "True");
        return h->has_order = h->fortran || take(c, "False");
    }
    return false; // a key twice, or one that the format does not have
}

static bool parse_header(const char *text, size_t length, struct header *h) {
    struct cursor c = {text, text + length};
    if (!take(&c, "{"))
        return false;
    while (!take(&c, "}")) {
        if (!take_member(&c, h))
            return false;
        if (!take(&c, ",")) {
            if (!take(&c, "}"))
                return false;
            break;
        }
    }
    skip_space(&c);
    return c.p == c.end && h->has_type && h->has_order && h->has_shape;
}

// Finds the header's text and the data behind it.
static bool split_file(const struct file_map *map, const char **text, size_t *length, struct error *e) {
    const unsigned char *b = map->bytes;
    if (map->length < 10 || memcmp(b, magic, sizeof magic) != 0)
        return error_set(e, ERROR_INPUT, "this is not a NumPy file");
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        return error_set(e, ERROR_INPUT, "NumPy format %u.%u is not known (1.0 to 3.0 are)", b[6], b[7]);
    size_t start = b[6] == 1 ? 10 : 12;
    if (map->length < start)
        return error_set(e, ERROR_INPUT, "the file ends within its header");
    *length = (size_t)b[8] | (size_t)b[9] << 8;
    if (b[6] > 1)
        *length |= (size_t)b[10] << 16 | (size_t)b[11] << 24;
    if (*length > MOST_HEADER)
        return error_set(e, ERROR_INPUT, "a header of %zu bytes is too long for a matrix", *length);
    if (*length > map->length - start)
        return error_set(e, ERROR_INPUT, "the file ends within its header");
    *text = (const char *)b + start;
    return true;
}

// Bytes an element, or 0.
static size_t element_size(const char *type) {
    return strcmp(type, "<f4") == 0 ? 4 : strcmp(type, "<f2") == 0 ? 2 : strcmp(type, "<f8") == 0 ? 8 : 0;
}

static bool check_header(const struct header *h, size_t data_bytes, size_t *count, struct error *e) {
    size_t size = element_size(h->type), bytes;
    if (!size)
        return error_set(e, ERROR_INPUT,
                         "the element type is %s; a prompt has <f4, <f2 or <f8 (in NumPy: "
                         "a.astype(\"<f4\"))",
                         h->type);
    if (h->dimensions != 2)
        return error_set(e, ERROR_INPUT,
                         "the array has %zu dimensions; a prompt is a matrix of vectors by model width",
                         h->dimensions);
    if (h->fortran)
        return error_set(e, ERROR_INPUT,
                         "the array is in Fortran order; save numpy.ascontiguousarray(a) instead");
    if (!size_multiply(h->shape[0], h->shape[1], count) || !size_multiply(*count, size, &bytes) ||
        bytes != data_bytes)
        return error_set(e, ERROR_INPUT,
                         "a %zu x %zu matrix of %s does not fill the %zu bytes of data exactly: the file is "
                         "cut or damaged",
                         h->shape[0], h->shape[1], h->type, data_bytes);
    return true;
}

static void convert(const char *type, const unsigned char *from, size_t count, float *to) {
    if (strcmp(type, "<f4") == 0) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (size_t i = 0; i < count; i++) { // one at a time: the data may stand off its alignment
        if (strcmp(type, "<f2") == 0) {
            uint16_t half;
            memcpy(&half, from + 2 * i, 2);
            dtype_to_float(DTYPE_F16, &half, to + i, 1);
        } else {
            double x;
            memcpy(&x, from + 8 * i, 8);
            to[i] = (float)x;
        }
    }
}

bool npy_read(const char *path, float **value, size_t *rows, size_t *columns, struct error *e) {
    struct file_map map;
    *value = NULL;
    if (!file_map_open(&map, path, e))
        return false;
    const char *text = NULL;
    size_t length = 0, count = 0;
    struct header h = {0};
    bool ok = split_file(&map, &text, &length, e);
    if (ok && !parse_header(text, length, &h))
        ok = error_set(e, ERROR_INPUT, "the header is not what NumPy writes (descr, fortran_order, shape)");
    const unsigned char *data = ok ? (const unsigned char *)text + length : NULL;
    ok = ok && check_header(&h, map.length - (size_t)(data - map.bytes), &count, e);
    if (ok) {
        *value = mem_calloc(count, sizeof **value, e);
        ok = *value != NULL;
    }
    if (ok) {
        convert(h.type, data, count, *value);
        *rows = h.shape[0];
        *columns = h.shape[1];
    } else {
        error_context(e, "%s", path);
    }
    file_map_close(&map);
    return ok;
}

bool npy_write(const char *path, const float *value, size_t rows, size_t columns, struct error *e) {
    struct buffer b = {0};
    buffer_printf(&b, "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }", rows, columns);
    while (!b.failed && (10 + b.length + 1) % 64 != 0) // the data begins on a multiple of 64
        buffer_add_char(&b, ' ');
    buffer_add_char(&b, '\n');
    unsigned char head[10] = {0};
    memcpy(head, magic, sizeof magic);
    head[6] = 1;
    head[8] = (unsigned char)(b.length & 0xff);
    head[9] = (unsigned char)(b.length >> 8);
    struct file_writer w = {0};
    bool ok = buffer_ok(&b, e) && file_writer_open(&w, path, e) &&
              file_writer_add(&w, head, sizeof head, e) && file_writer_add(&w, b.data, b.length, e) &&
              file_writer_add(&w, value, rows * columns * sizeof *value, e) && file_writer_commit(&w, e);
    file_writer_close(&w);
    buffer_free(&b);
    return ok;
}
