// SPDX-License-Identifier: GPL-3.0-or-later
// Files as torch.save writes them, made byte by byte: the pickle of a state dict, and both forms that hold
// one.
#ifndef PROMPTER_TESTS_TORCH_FIXTURE_H
#define PROMPTER_TESTS_TORCH_FIXTURE_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"

// One tensor on a storage of its own.
struct torch_item {
    const char *name;
    const char *storage; // "FloatStorage"
    size_t dimensions, shape[4], stride[4], offset;
    size_t stored; // elements of the storage
    const void *data;
    size_t bytes;
};

static inline void put_number(struct buffer *b, uint64_t n, size_t size) {
    for (size_t i = 0; i < size; i++)
        buffer_add_char(b, (char)(n >> (8 * i)));
}

// ---- pickles ----

static inline void put_text(struct buffer *b, const char *text) { // BINUNICODE
    buffer_add_char(b, 'X');
    put_number(b, strlen(text), 4);
    buffer_add_text(b, text);
}
static inline void put_integer(struct buffer *b, uint64_t n) { // BININT, LONG1
    buffer_add_char(b, n < 1u << 31 ? 'J' : (char)0x8a);
    if (n >= 1u << 31)
        buffer_add_char(b, 8);
    put_number(b, n, n < 1u << 31 ? 4 : 8);
}
static inline void put_sizes(struct buffer *b, const size_t *size, size_t count) {
    buffer_add_char(b, '(');
    for (size_t i = 0; i < count; i++)
        put_integer(b, size[i]);
    buffer_add_char(b, 't');
}
// _rebuild_tensor_v2(storage, offset, shape, strides, False, OrderedDict()); `view`: None behind the storage,
// as the form before 1.6 has it.
static inline void put_tensor(struct buffer *b, const struct torch_item *item, const char *key, bool view) {
    buffer_add_text(b, "ctorch._utils\n_rebuild_tensor_v2\n((");
    put_text(b, "storage");
    buffer_printf(b, "ctorch\n%s\n", item->storage);
    put_text(b, key);
    put_text(b, "cpu");
    put_integer(b, item->stored);
    buffer_add_text(b, view ? "NtQ" : "tQ");
    put_integer(b, item->offset);
    put_sizes(b, item->shape, item->dimensions);
    put_sizes(b, item->stride, item->dimensions);
    buffer_add_text(b, "\x89"
                       "ccollections\nOrderedDict\n)RtR");
}
// The state dict of a module, with the notes that PyTorch keeps in it.
static inline void put_state_dict(struct buffer *b, const struct torch_item *item, size_t count, bool view) {
    char key[24];
    buffer_add_text(b, "\x80\x02"
                       "ccollections\nOrderedDict\n)Rq");
    put_number(b, 0, 1);
    buffer_add_char(b, '(');
    for (size_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "%zu", i);
        put_text(b, item[i].name);
        put_tensor(b, &item[i], key, view);
    }
    buffer_add_text(b, "u}");
    put_text(b, "_metadata");
    buffer_add_text(b, "ccollections\nOrderedDict\n)Rsb.");
}

// ---- zip files ----

struct zip_build {
    struct buffer all, list;
    size_t count;
};
static inline void zip_add(struct zip_build *z, const char *name, const void *bytes, size_t length,
                           unsigned method, bool wide) {
    size_t at = z->all.length;
    put_number(&z->all, 0x04034b50, 4);
    put_number(&z->all, 0, 22); // with sizes in the list only, as PyTorch's writer does
    put_number(&z->all, strlen(name), 2);
    put_number(&z->all, 3, 2);
    buffer_add_text(&z->all, name);
    put_number(&z->all, 0, 3); // padding
    buffer_add(&z->all, bytes, length);
    put_number(&z->list, 0x02014b50, 4);
    put_number(&z->list, 0, 6);
    put_number(&z->list, method, 2);
    put_number(&z->list, 0, 8);
    put_number(&z->list, wide ? UINT32_MAX : length, 4);
    put_number(&z->list, wide ? UINT32_MAX : length, 4);
    put_number(&z->list, strlen(name), 2);
    put_number(&z->list, wide ? 28 : 0, 2);
    put_number(&z->list, 0, 10);
    put_number(&z->list, wide ? UINT32_MAX : at, 4);
    buffer_add_text(&z->list, name);
    if (wide) {
        put_number(&z->list, 1, 2);
        put_number(&z->list, 24, 2);
        put_number(&z->list, length, 8);
        put_number(&z->list, length, 8);
        put_number(&z->list, at, 8);
    }
    z->count++;
}
// *out takes the file.
static inline void zip_finish(struct zip_build *z, bool wide, struct buffer *out) {
    size_t at = z->all.length, end = at + z->list.length;
    buffer_add(&z->all, z->list.data, z->list.length);
    if (wide) {
        put_number(&z->all, 0x06064b50, 4);
        put_number(&z->all, 44, 8);
        put_number(&z->all, 0, 12);
        put_number(&z->all, z->count, 8);
        put_number(&z->all, z->count, 8);
        put_number(&z->all, z->list.length, 8);
        put_number(&z->all, at, 8);
        put_number(&z->all, 0x07064b50, 4);
        put_number(&z->all, 0, 4);
        put_number(&z->all, end, 8);
        put_number(&z->all, 1, 4);
    }
    put_number(&z->all, 0x06054b50, 4);
    put_number(&z->all, 0, 4);
    put_number(&z->all, wide ? UINT16_MAX : z->count, 2);
    put_number(&z->all, wide ? UINT16_MAX : z->count, 2);
    put_number(&z->all, wide ? UINT32_MAX : z->list.length, 4);
    put_number(&z->all, wide ? UINT32_MAX : at, 4);
    put_number(&z->all, 0, 2);
    *out = z->all;
    buffer_free(&z->list);
}
// The zip form around a pickle; byteorder may be NULL.
static inline void torch_zip_of(struct buffer *out, const struct buffer *pickle,
                                const struct torch_item *item, size_t count, const char *byteorder,
                                bool wide) {
    struct zip_build z = {0};
    char name[48];
    zip_add(&z, "archive/data.pkl", pickle->data, pickle->length, 0, wide);
    if (byteorder)
        zip_add(&z, "archive/byteorder", byteorder, strlen(byteorder), 0, wide);
    for (size_t i = 0; i < count; i++) {
        snprintf(name, sizeof name, "archive/data/%zu", i);
        zip_add(&z, name, item[i].data, item[i].bytes, 0, wide);
    }
    zip_add(&z, "archive/version", "3\n", 2, 0, wide);
    zip_finish(&z, wide, out);
}
static inline void torch_zip(struct buffer *out, const struct torch_item *item, size_t count) {
    struct buffer pickle = {0};
    put_state_dict(&pickle, item, count, false);
    torch_zip_of(out, &pickle, item, count, "little", false);
    buffer_free(&pickle);
}

// ---- the form before 1.6 ----

// Magic number, version, and the machine; little: '\x88' (true) or '\x89'.
static inline void put_preamble(struct buffer *out, char little) {
    buffer_add(out, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
    buffer_add(out, "\x80\x02M\xe9\x03.", 6);
    buffer_add_text(out, "\x80\x02}(");
    put_text(out, "protocol_version");
    buffer_add(out, "M\xe9\x03", 3);
    put_text(out, "little_endian");
    buffer_add_char(out, little);
    buffer_add_text(out, "u.");
}
static inline void torch_row(struct buffer *out, const struct torch_item *item, size_t count, char little) {
    char key[24];
    put_preamble(out, little);
    put_state_dict(out, item, count, true);
    buffer_add_text(out, "\x80\x02](");
    for (size_t i = count; i-- > 0;) { // any order
        snprintf(key, sizeof key, "%zu", i);
        put_text(out, key);
    }
    buffer_add_text(out, "e.");
    for (size_t i = count; i-- > 0;) {
        put_number(out, item[i].stored, 8);
        buffer_add(out, item[i].data, item[i].bytes);
    }
}

#endif
