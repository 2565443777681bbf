// SPDX-License-Identifier: GPL-3.0-or-later
// See sentence_table.h. Open addressing, at most half full.
#include "engine/data/sentence_table.h"

#include <stdlib.h>

#include "engine/base/hash.h"
#include "engine/base/memory.h"

static bool is_letter(unsigned char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

uint64_t sentence_hash(const char *text, size_t length, size_t *words) {
    uint64_t h = HASH_START; // mixed at the end
    size_t count = 0;
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        bool apostrophe = c == '\'' && inside && i + 1 < length && is_letter((unsigned char)text[i + 1]);
        if (!is_letter(c) && !apostrophe) {
            inside = false;
            continue;
        }
        if (!inside && count++)
            h = hash_byte(h, ' ');
        inside = true;
        h = hash_byte(h, c >= 'A' && c <= 'Z' ? (unsigned char)(c + 32) : c);
    }
    h ^= h >> 32;
    h *= 0xd6e8feb86659fd93u;
    h ^= h >> 32;
    if (words)
        *words = count;
    return h ? h : 1;
}

static struct sentence_entry *place(struct sentence_entry *entry, size_t capacity, uint64_t hash) {
    size_t at = (size_t)(hash >> 16) & (capacity - 1);
    while (entry[at].hash && entry[at].hash != hash)
        at = (at + 1) & (capacity - 1);
    return &entry[at];
}

static bool in_sample(const struct sentence_table *t, uint64_t hash) {
    return (hash & ((UINT64_C(1) << t->sampled) - 1)) == 0;
}

// A new array of `capacity`, with those entries that are in the sample.
static bool rebuild(struct sentence_table *t, size_t capacity, struct error *e) {
    struct sentence_entry *entry = mem_calloc(capacity, sizeof *entry, e);
    if (!entry)
        return false;
    t->used = 0;
    for (size_t i = 0; i < t->capacity; i++)
        if (t->entry[i].hash && in_sample(t, t->entry[i].hash)) {
            *place(entry, capacity, t->entry[i].hash) = t->entry[i];
            t->used++;
        }
    free(t->entry);
    t->entry = entry;
    t->capacity = capacity;
    return true;
}

static bool make_room(struct sentence_table *t, struct error *e) {
    while (t->most && t->used >= t->most) {
        t->sampled++;
        if (!rebuild(t, t->capacity, e))
            return false;
    }
    if (2 * (t->used + 1) <= t->capacity)
        return true;
    return rebuild(t, t->capacity ? 2 * t->capacity : 1024, e);
}

bool sentence_table_take(struct sentence_table *t, uint64_t hash, struct sentence_entry **out,
                         struct error *e) {
    *out = NULL;
    if (!in_sample(t, hash))
        return true;
    if (!make_room(t, e))
        return false;
    if (!in_sample(t, hash))
        return true;
    struct sentence_entry *x = place(t->entry, t->capacity, hash);
    if (!x->hash) {
        *x = (struct sentence_entry){.hash = hash};
        t->used++;
    }
    *out = x;
    return true;
}

const struct sentence_entry *sentence_table_find(const struct sentence_table *t, uint64_t hash) {
    if (!t->capacity)
        return NULL;
    const struct sentence_entry *x = place(t->entry, t->capacity, hash);
    return x->hash ? x : NULL;
}

void sentence_table_free(struct sentence_table *t) {
    free(t->entry);
    *t = (struct sentence_table){0};
}
