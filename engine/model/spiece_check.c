// SPDX-License-Identifier: GPL-3.0-or-later
// A reader of just so much protocol buffer as finds the tables, and the walk over the trie.
//
// sentencepiece_model.proto: ModelProto { pieces = 1, normalizer_spec = 3, denormalizer_spec = 5 },
// SentencePiece { piece = 1, score = 2 }, NormalizerSpec { precompiled_charsmap = 2 }.
#include "spiece_check.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

struct span {
    const unsigned char *at;
    size_t length;
};

struct field {
    uint64_t number;
    unsigned wire;     // 0 varint, 1 eight bytes, 2 length-delimited, 5 four bytes
    struct span value; // of wire 1, 2, 5
};

static bool take_varint(struct span *s, uint64_t *out) {
    *out = 0;
    for (unsigned shift = 0; shift < 70 && s->length; shift += 7) {
        unsigned char c = *s->at++;
        s->length--;
        if (shift < 64)
            *out |= (uint64_t)(c & 0x7f) << shift;
        if (!(c & 0x80))
            return true;
    }
    return false;
}

static bool take_field(struct span *s, struct field *f) {
    uint64_t key, length = 0;
    if (!take_varint(s, &key))
        return false;
    f->number = key >> 3;
    f->wire = (unsigned)(key & 7);
    switch (f->wire) {
    case 0:
        return f->number && take_varint(s, &length);
    case 1:
        length = 8;
        break;
    case 2:
        if (!take_varint(s, &length))
            return false;
        break;
    case 5:
        length = 4;
        break;
    default: // groups do not occur
        return false;
    }
    if (!f->number || length > s->length)
        return false;
    f->value = (struct span){s->at, (size_t)length};
    s->at += length;
    s->length -= (size_t)length;
    return true;
}

static bool malformed(struct error *e) {
    return error_set(e, ERROR_INPUT, "its bytes are not what such a file holds");
}

// ---- the normaliser's table: u32 size of the trie in bytes, the trie, then NUL-terminated strings ----

// A unit of the double array (darts-clone): the child for byte c of unit i is at i ^ offset ^ c, and its
// value, if it has one, at i ^ offset. Units with the top bit are values, the others carry the byte they
// stand for.
static size_t unit_offset(uint32_t unit) {
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

struct walk {
    const unsigned char *units;
    size_t count, strings; // units; bytes of strings
    size_t *stack;         // units still to visit
    size_t waiting;
    unsigned char *seen; // [count]
};

static uint32_t unit_at(const struct walk *w, size_t i) {
    uint32_t unit;
    memcpy(&unit, w->units + 4 * i, 4);
    return unit;
}

static bool visit(struct walk *w, size_t i) {
    uint32_t unit = unit_at(w, i);
    size_t base = i ^ unit_offset(unit);
    if ((base | 0xff) >= w->count) // a search looks at any of these 256
        return false;
    if (unit & 1u << 8) {
        uint32_t value = unit_at(w, base);
        if ((value & 0x7fffffff) >= w->strings)
            return false;
    }
    for (size_t c = 0; c < 256; c++) {
        size_t child = base ^ c;
        if ((unit_at(w, child) & (1u << 31 | 0xff)) != c || w->seen[child])
            continue;
        w->seen[child] = 1;
        w->stack[w->waiting++] = child;
    }
    return true;
}

static bool check_table(struct span table, struct error *e) {
    uint32_t trie_bytes;
    if (!table.length)
        return true;
    if (table.length < sizeof trie_bytes)
        return malformed(e);
    memcpy(&trie_bytes, table.at, sizeof trie_bytes);
    size_t rest = table.length - sizeof trie_bytes;
    if (trie_bytes >= rest || trie_bytes % 4 || table.at[table.length - 1] != 0)
        return malformed(e);
    struct walk w = {
        .units = table.at + sizeof trie_bytes, .count = trie_bytes / 4, .strings = rest - trie_bytes};
    bool ok = false;
    w.stack = mem_calloc(w.count, sizeof *w.stack, e);
    w.seen = mem_calloc(w.count, 1, e);
    if (!w.stack || !w.seen)
        goto done;
    ok = w.count > 0 && visit(&w, 0);
    while (ok && w.waiting) {
        size_t next = w.stack[--w.waiting];
        ok = visit(&w, next);
    }
    if (!ok)
        error_set(e, ERROR_INPUT, "its normalisation table points outside itself");
done:
    free(w.stack);
    free(w.seen);
    return ok;
}

// ---- the messages ----

static bool check_normaliser(struct span s, struct error *e) {
    struct field f;
    while (s.length) {
        if (!take_field(&s, &f))
            return malformed(e);
        if (f.number == 2 && f.wire == 2 && !check_table(f.value, e))
            return false;
    }
    return true;
}

static bool check_piece(struct span s, size_t number, struct error *e) {
    struct field f;
    while (s.length) {
        if (!take_field(&s, &f))
            return malformed(e);
        float score;
        if (f.number != 2 || f.wire != 5)
            continue;
        memcpy(&score, f.value.at, sizeof score);
        if (!isfinite(score))
            return error_set(e, ERROR_INPUT, "the score of piece %zu is not a number", number);
    }
    return true;
}

bool spiece_check(const char *bytes, size_t length, struct error *e) {
    struct span s = {(const unsigned char *)bytes, length};
    struct field f;
    size_t pieces = 0;
    while (s.length) {
        if (!take_field(&s, &f))
            return malformed(e);
        bool ok = true;
        if (f.wire == 2 && f.number == 1)
            ok = check_piece(f.value, pieces++, e);
        else if (f.wire == 2 && (f.number == 3 || f.number == 5))
            ok = check_normaliser(f.value, e);
        if (!ok)
            return false;
    }
    return pieces ? true : error_set(e, ERROR_INPUT, "it holds no pieces");
}
