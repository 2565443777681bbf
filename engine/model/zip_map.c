// SPDX-License-Identifier: GPL-3.0-or-later
// The list of contents is found from the end of the file backwards. The layout is that of APPNOTE.TXT, 4.3.
#include "zip_map.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

enum {
    LOCAL = 0x04034b50, // signatures
    CENTRAL = 0x02014b50,
    END = 0x06054b50,
    END64 = 0x06064b50,
    LOCATOR64 = 0x07064b50,
    LOCAL_BYTES = 30,
    CENTRAL_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR64_BYTES = 20,
    ZIP64_EXTRA = 1,
    MOST_COMMENT = 0xffff,
    MOST_FILES = 1 << 20,
};
struct bytes {
    const unsigned char *at;
    size_t length;
};

static uint64_t number(const unsigned char *at, size_t size) {
    uint64_t n = 0;
    for (size_t i = 0; i < size; i++)
        n |= (uint64_t)at[i] << (8 * i);
    return n;
}

static bool damaged(struct error *e) {
    return error_set(e, ERROR_INPUT,
                     "its list of contents is damaged, or its end is missing: is it cut short? download or "
                     "copy it again");
}

bool zip_map_probe(const unsigned char *bytes, size_t length) {
    return length >= 4 && (number(bytes, 4) == LOCAL || number(bytes, 4) == END);
}

// Where the list begins, how long it is and how many files it has.
struct list {
    uint64_t offset, bytes, files;
};

// The end record may have a comment behind it, whose length it says.
static bool find_end(struct bytes file, size_t *at) {
    for (size_t comment = 0; comment <= MOST_COMMENT && comment + END_BYTES <= file.length; comment++) {
        *at = file.length - END_BYTES - comment;
        if (number(file.at + *at, 4) == END && number(file.at + *at + 20, 2) == comment)
            return true;
    }
    return false;
}

static bool find_list(struct list *list, struct bytes file, struct error *e) {
    size_t at;
    if (!find_end(file, &at))
        return damaged(e);
    const unsigned char *end = file.at + at;
    *list = (struct list){number(end + 16, 4), number(end + 12, 4), number(end + 10, 2)};
    const unsigned char *locator = at >= LOCATOR64_BYTES ? end - LOCATOR64_BYTES : NULL;
    if (locator && number(locator, 4) == LOCATOR64) {
        uint64_t where = number(locator + 8, 8);
        if (where > at || at - where < END64_BYTES || number(file.at + where, 4) != END64)
            return damaged(e);
        const unsigned char *wide = file.at + where;
        *list = (struct list){number(wide + 48, 8), number(wide + 40, 8), number(wide + 32, 8)};
    }
    if (list->offset > at || list->bytes > at - list->offset || list->files > list->bytes / CENTRAL_BYTES)
        return damaged(e);
    return list->files <= MOST_FILES ||
           error_set(e, ERROR_INPUT, "it has more than %d files inside", MOST_FILES);
}

// Sizes and places that do not fit into 32 bits stand in an extra field, in this order, each only if its
// 32-bit form is all ones.
static bool widen(struct bytes extra, uint64_t *const value[3]) {
    while (extra.length >= 4) {
        size_t id = number(extra.at, 2), size = number(extra.at + 2, 2), used = 4;
        if (size > extra.length - 4)
            return false;
        for (size_t i = 0; id == ZIP64_EXTRA && i < 3; i++) {
            if (*value[i] != UINT32_MAX)
                continue;
            if (used + 8 > size + 4)
                return false;
            *value[i] = number(extra.at + used, 8);
            used += 8;
        }
        extra.at += size + 4;
        extra.length -= size + 4;
    }
    return true;
}

// One file of the list, whose name is already in *out; `at` is its entry, `local` where its header should be.
static bool place_entry(struct zip_entry *out, struct bytes file, const unsigned char *at, struct bytes extra,
                        struct error *e) {
    uint64_t stored = number(at + 20, 4), length = number(at + 24, 4), local = number(at + 42, 4);
    bool plain = !(number(at + 8, 2) & 1) && number(at + 10, 2) == 0;
    if (!widen(extra, (uint64_t *const[]){&length, &stored, &local}) || (plain && stored != length))
        return damaged(e);
    if (local > file.length || file.length - local < LOCAL_BYTES || number(file.at + local, 4) != LOCAL)
        return damaged(e);
    const unsigned char *header = file.at + local;
    uint64_t begin = local + LOCAL_BYTES + number(header + 26, 2) + number(header + 28, 2);
    if (begin > file.length || stored > file.length - begin)
        return damaged(e);
    out->bytes = plain ? file.at + begin : NULL;
    out->length = (size_t)length;
    return true;
}

static int compare_text(const char *a, size_t n, const char *b, size_t m) {
    int order = memcmp(a, b, n < m ? n : m);
    return order ? order : (n > m) - (n < m);
}

static int compare_names(const void *a, const void *b) {
    const struct zip_entry *x = a, *y = b;
    return compare_text(x->name, x->name_length, y->name, y->name_length);
}

bool zip_map_read(struct zip_map *out, const unsigned char *borrow_bytes, size_t length, struct error *e) {
    struct bytes file = {borrow_bytes, length};
    struct list list = {0};
    if (!find_list(&list, file, e))
        return false;
    const unsigned char *at = file.at + list.offset;
    size_t left = (size_t)list.bytes;
    out->entry = mem_calloc((size_t)list.files, sizeof *out->entry, e);
    if (!out->entry)
        return false;
    for (size_t i = 0; i < list.files; i++) {
        struct zip_entry *entry = &out->entry[i];
        if (left < CENTRAL_BYTES || number(at, 4) != CENTRAL)
            return damaged(e);
        size_t name = number(at + 28, 2), extra = number(at + 30, 2), comment = number(at + 32, 2);
        if (name + extra + comment > left - CENTRAL_BYTES)
            return damaged(e);
        entry->name = (const char *)at + CENTRAL_BYTES;
        entry->name_length = name;
        if (!place_entry(entry, file, at, (struct bytes){at + CENTRAL_BYTES + name, extra}, e))
            return false;
        at += CENTRAL_BYTES + name + extra + comment;
        left -= CENTRAL_BYTES + name + extra + comment;
    }
    out->count = (size_t)list.files;
    qsort(out->entry, out->count, sizeof *out->entry, compare_names);
    return true;
}

void zip_map_free(struct zip_map *map) {
    free(map->entry);
    *map = (struct zip_map){0};
}

const struct zip_entry *zip_map_find(const struct zip_map *map, const char *name, size_t length) {
    struct zip_entry key = {.name = name, .name_length = length};
    return map->count ? bsearch(&key, map->entry, map->count, sizeof key, compare_names) : NULL;
}
