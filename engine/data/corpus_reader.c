// SPDX-License-Identifier: GPL-3.0-or-later
// The order of an epoch, and the window that is read.
//
// Blocks are put into order by a permutation that is computed, not stored: a Feistel network over the next
// power of four, walked until it lands inside.
#include <stdlib.h>
#include <string.h>

#include "corpus_inside.h"
#include "engine/base/random.h"

struct corpus_reader {
    const struct corpus *corpus;
    struct corpus_reader_settings settings;
    struct corpus_position position; // of the next document
    uint64_t windows;
    bool loaded; // the shelf holds `held`
    uint64_t held_epoch, held_window;
    struct corpus_shelf shelf;
    size_t *order; // [shelf.documents]
    size_t order_capacity;
};

struct corpus_reader_settings corpus_reader_settings_default(void) {
    return (struct corpus_reader_settings){.to = 1, .shuffle = true, .seed = 1};
}

bool corpus_reader_create(struct corpus_reader **out, const struct corpus *c,
                          const struct corpus_reader_settings *settings, struct error *e) {
    *out = NULL;
    if (!(settings->from >= 0 && settings->from < settings->to && settings->to <= 1))
        return error_set(e, ERROR_INPUT, "a part of a corpus from %g to %g; give 0 <= from < to <= 1",
                         settings->from, settings->to);
    struct corpus_reader *r = mem_calloc(1, sizeof *r, e);
    if (!r)
        return false;
    uint64_t blocks = corpus_blocks(c), size = settings->window_blocks;
    r->corpus = c;
    r->settings = *settings;
    r->settings.window_blocks = size = size ? size : CORPUS_WINDOW_BLOCKS;
    r->windows = blocks / size ? blocks / size : 1;
    r->shelf.from = settings->from;
    r->shelf.to = settings->to < 1 ? settings->to : 2;
    r->shelf.least_sentences = settings->least_sentences;
    *out = r;
    return true;
}

void corpus_reader_free(struct corpus_reader *r) {
    if (!r)
        return;
    corpus_shelf_free(&r->shelf);
    free(r->order);
    free(r);
}

// ---- the order ----

static uint64_t permute(uint64_t i, uint64_t count, uint64_t key) {
    unsigned half = 1;
    while (half < 32 && (1ull << (2 * half)) < count)
        half++;
    uint64_t mask = (1ull << half) - 1;
    do {
        uint64_t left = i >> half, right = i & mask;
        for (unsigned round = 0; round < 6; round++) {
            uint64_t kept = right;
            right = left ^ (corpus_mix(right + corpus_mix(key + round)) & mask);
            left = kept;
        }
        i = left << half | right;
    } while (i >= count);
    return i;
}

// The key of an epoch's order.
static uint64_t key_of(const struct corpus_reader *r, uint64_t epoch) {
    return corpus_mix(r->settings.seed ^ corpus_mix(epoch + 0x636f727075730000u));
}

static bool order_documents(struct corpus_reader *r, struct error *e) {
    size_t count = r->shelf.documents;
    if (!mem_grow(&r->order, &r->order_capacity, count, sizeof *r->order, e))
        return false;
    for (size_t i = 0; i < count; i++)
        r->order[i] = i;
    if (!r->settings.shuffle)
        return true;
    struct random random;
    random_seed(&random, key_of(r, r->held_epoch), r->held_window + 1);
    random_shuffle(&random, r->order, count);
    return true;
}

// The window of the position onto the shelf.
static bool load(struct corpus_reader *r, struct error *e) {
    uint64_t blocks = corpus_blocks(r->corpus), epoch = r->position.epoch, window = r->position.window;
    if (r->loaded && r->held_window == window && (r->held_epoch == epoch || !r->settings.shuffle))
        return true;
    r->loaded = false;
    corpus_shelf_clear(&r->shelf);
    // blocks * window fits: a file has less than 2^48 bytes, and there are few files.
    uint64_t first = blocks / r->windows * window + blocks % r->windows * window / r->windows;
    uint64_t last = blocks / r->windows * (window + 1) + blocks % r->windows * (window + 1) / r->windows;
    for (uint64_t i = first; i < last; i++) {
        uint64_t block = r->settings.shuffle ? permute(i, blocks, key_of(r, epoch)) : i;
        if (!corpus_shelf_add_block(&r->shelf, r->corpus, block, e))
            return false;
    }
    r->held_epoch = epoch;
    r->held_window = window;
    return r->loaded = order_documents(r, e);
}

// ---- documents ----

static struct corpus_document document(const struct corpus_reader *r, size_t i) {
    const struct shelf_document *d = &r->shelf.document[r->order[i]];
    return (struct corpus_document){.text = r->shelf.text.data,
                                    .start = r->shelf.start + d->first_start,
                                    .sentences = d->sentences,
                                    .bytes = d->bytes,
                                    .hash = d->hash,
                                    .place = d->place};
}

bool corpus_reader_next_in_epoch(struct corpus_reader *r, struct corpus_document *d, bool *out,
                                 struct error *e) {
    *out = false;
    for (; r->position.window < r->windows; r->position.window++, r->position.next = 0) {
        if (!load(r, e))
            return false;
        if (r->position.next >= r->shelf.documents)
            continue;
        *d = document(r, (size_t)r->position.next++);
        *out = true;
        return true;
    }
    r->position = (struct corpus_position){.epoch = r->position.epoch + 1};
    return true;
}

bool corpus_reader_next(struct corpus_reader *r, struct corpus_document *out, struct error *e) {
    bool found = false, whole = false;
    while (!found) {
        whole = !r->position.window && !r->position.next;
        if (!corpus_reader_next_in_epoch(r, out, &found, e))
            return false;
        if (!found && whole)
            return error_set(e, ERROR_INPUT,
                             "the corpus has no document of at least %zu sentences in the part from %g to %g",
                             r->settings.least_sentences ? r->settings.least_sentences : 1, r->settings.from,
                             r->settings.to);
    }
    return true;
}

struct corpus_position corpus_reader_position(const struct corpus_reader *r) {
    return r->position;
}

bool corpus_reader_seek(struct corpus_reader *r, struct corpus_position position, struct error *e) {
    if (position.window >= r->windows)
        return error_set(
            e, ERROR_INPUT,
            "a place in window %llu of the corpus, which has %llu: it is not the corpus that was read",
            (unsigned long long)position.window, (unsigned long long)r->windows);
    r->position = position;
    return true;
}

size_t corpus_window_documents(const struct corpus_reader *r) {
    return r->loaded ? r->shelf.documents : 0;
}

struct corpus_document corpus_window_document(const struct corpus_reader *r, size_t i) {
    return document(r, i);
}

size_t corpus_window_last(const struct corpus_reader *r) {
    return r->position.next ? (size_t)r->position.next - 1 : 0;
}

uint64_t corpus_windows(const struct corpus_reader *r) {
    return r->windows;
}

struct corpus_counts corpus_reader_counts(const struct corpus_reader *r) {
    return r->shelf.counts;
}

size_t corpus_reader_bytes(const struct corpus_reader *r) {
    const struct corpus_shelf *s = &r->shelf;
    return s->text.capacity + s->raw.capacity + s->clean.capacity + CORPUS_BLOCK +
           (s->start_capacity + r->order_capacity) * sizeof(size_t) +
           s->document_capacity * sizeof *s->document;
}
