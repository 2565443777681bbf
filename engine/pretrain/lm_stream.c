// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_stream.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"

enum { STREAM = 0x6c6d }; // of the seed

struct lm_stream {
    struct corpus_reader *reader;
    const struct tokenizer *tokenizer;
    const struct lm_symbols *symbols;
    const struct lm_settings *settings;
    uint64_t seed;
    struct lm_place place;
    bool opened; // the document at place.document is in `tokens`
    struct token_list tokens;
    size_t *end; // [segments] of each segment in tokens; the first begins at 0
    size_t segments, end_capacity;
    size_t *sentence_end; // [sentences] of each sentence or part of one in tokens
    size_t sentences, sentence_capacity;
    size_t *closing_end; // those of the segment at hand, counted from its beginning
    size_t closing_capacity;
    int32_t word_mark;                  // the piece that is a word mark alone, or -1
    struct token_list encoder, targets; // of the example at hand
};

// ---- batches ----

void lm_batch_clear(struct lm_batch *b) {
    b->examples = b->longest_encoder = b->longest_decoder = 0;
    b->encoder.count = b->decoder.count = b->labels.count = 0;
}

void lm_batch_free(struct lm_batch *b) {
    if (!b)
        return;
    free(b->encoder_offset);
    free(b->decoder_offset);
    free(b->kind);
    token_list_free(&b->encoder);
    token_list_free(&b->decoder);
    token_list_free(&b->labels);
    *b = (struct lm_batch){0};
}

struct t5_batch lm_batch_view(const struct lm_batch *b) {
    return (struct t5_batch){.examples = b->examples,
                             .encoder_offset = b->encoder_offset,
                             .encoder_input = b->encoder.id,
                             .decoder_offset = b->decoder_offset,
                             .decoder_input = b->decoder.id};
}

bool lm_batch_add(struct lm_batch *b, enum lm_kind kind, const struct token_list *encoder,
                  const struct token_list *targets, int32_t start, struct error *e) {
    size_t n = b->examples;
    if (!mem_grow(&b->encoder_offset, &b->encoder_capacity, n + 2, sizeof *b->encoder_offset, e) ||
        !mem_grow(&b->decoder_offset, &b->decoder_capacity, n + 2, sizeof *b->decoder_offset, e) ||
        !mem_grow(&b->kind, &b->kind_capacity, n + 1, 1, e))
        return false;
    b->encoder_offset[0] = b->decoder_offset[0] = 0;
    for (size_t i = 0; i < encoder->count; i++)
        if (!token_list_add(&b->encoder, encoder->id[i], e))
            return false;
    for (size_t i = 0; i < targets->count; i++)
        if (!token_list_add(&b->decoder, i ? targets->id[i - 1] : start, e) ||
            !token_list_add(&b->labels, targets->id[i], e))
            return false;
    b->kind[n] = (unsigned char)kind;
    b->encoder_offset[n + 1] = b->encoder.count;
    b->decoder_offset[n + 1] = b->decoder.count;
    b->longest_encoder = encoder->count > b->longest_encoder ? encoder->count : b->longest_encoder;
    b->longest_decoder = targets->count > b->longest_decoder ? targets->count : b->longest_decoder;
    b->examples++;
    return true;
}

// ---- documents ----

bool lm_stream_create(struct lm_stream **out, struct corpus_reader *reader, const struct tokenizer *t,
                      const struct lm_symbols *symbols, const struct lm_settings *settings, uint64_t seed,
                      struct error *e) {
    struct lm_stream *s = *out = mem_calloc(1, sizeof *s, e);
    if (!s)
        return false;
    s->reader = reader;
    s->tokenizer = t;
    s->symbols = symbols;
    s->settings = settings;
    s->seed = seed;
    s->word_mark = tokenizer_find(t, "\xe2\x96\x81");
    s->place.document = corpus_reader_position(reader);
    return true;
}

void lm_stream_free(struct lm_stream *s) {
    if (!s)
        return;
    token_list_free(&s->tokens);
    token_list_free(&s->encoder);
    token_list_free(&s->targets);
    free(s->end);
    free(s->sentence_end);
    free(s->closing_end);
    free(s);
}

static bool end_segment(struct lm_stream *s, struct error *e) {
    if (!mem_grow(&s->end, &s->end_capacity, s->segments + 1, sizeof *s->end, e))
        return false;
    s->end[s->segments++] = s->tokens.count;
    return true;
}

static bool end_sentence(struct lm_stream *s, struct error *e) {
    if (!mem_grow(&s->sentence_end, &s->sentence_capacity, s->sentences + 1, sizeof *s->sentence_end, e))
        return false;
    s->sentence_end[s->sentences++] = s->tokens.count;
    return true;
}

// Whether text ends with a character of a script that is written without spaces.
static bool ends_without_space(const char *text, size_t length) {
    uint32_t c = 0;
    size_t at = length ? utf8_boundary(text, length, length - 1) : 0;
    return length && utf8_decode(text + at, length - at, &c) && c >= 0x2e80;
}

// One sentence behind the tokens of the segment at hand, which begins at *from: where it does not fit, a new
// segment begins with it; where it is longer than a segment, it is cut.
static bool add_sentence(struct lm_stream *s, const char *text, size_t length, bool joined, size_t *from,
                         struct error *e) {
    size_t at = s->tokens.count, most = s->settings->max_tokens;
    if (!tokenizer_encode(s->tokenizer, text, length, &s->tokens, e))
        return false;
    if (joined && s->tokens.count > at && s->tokens.id[at] == s->word_mark) {
        memmove(s->tokens.id + at, s->tokens.id + at + 1, (s->tokens.count - at - 1) * sizeof *s->tokens.id);
        s->tokens.count--;
    }
    if (s->tokens.count - *from <= most)
        return true;
    size_t count = s->tokens.count;
    s->tokens.count = at;
    bool ok = at == *from || end_segment(s, e);
    *from = at;
    for (; ok && count - *from > most; *from += most) {
        s->tokens.count = *from + most;
        ok = end_segment(s, e);
    }
    s->tokens.count = count;
    return ok;
}

static bool cut_document(struct lm_stream *s, const struct corpus_document *d, struct error *e) {
    size_t from = 0;
    bool joined = false;
    s->tokens.count = s->segments = s->sentences = 0;
    for (size_t i = 0; i < d->sentences; i++) {
        size_t length;
        const char *text = corpus_sentence(d, i, &length);
        if (!add_sentence(s, text, length, joined, &from, e) || !end_sentence(s, e))
            return false;
        joined = ends_without_space(text, length);
    }
    return from == s->tokens.count || end_segment(s, e);
}

// Makes place.segment one that exists, reading documents as needed. *there is false at the end of the epoch
// or when no more documents may be taken.
static bool reach_segment(struct lm_stream *s, bool in_epoch, size_t *documents, bool *there,
                          struct error *e) {
    struct corpus_document d;
    *there = true;
    while (!s->opened || s->place.segment >= s->segments) {
        if (s->opened) {
            s->place.document = corpus_reader_position(s->reader);
            s->place.segment = 0;
            s->opened = false;
        }
        if (documents && !*documents)
            return !(*there = false);
        bool read = in_epoch ? corpus_reader_next_in_epoch(s->reader, &d, there, e)
                             : corpus_reader_next(s->reader, &d, e);
        if (!read || !*there)
            return read;
        if (documents)
            --*documents;
        if (!cut_document(s, &d, e))
            return false;
        s->opened = true;
    }
    return true;
}

// ---- examples ----

// The sentences that end in the segment [from, to), and the piece of one that goes on behind it.
static bool find_sentences(struct lm_stream *s, size_t from, size_t to, struct lm_text *out,
                           struct error *e) {
    out->sentences = 0;
    for (size_t i = 0; i < s->sentences && (!out->sentences || out->end[out->sentences - 1] < to - from);
         i++) {
        size_t end = s->sentence_end[i] < to ? s->sentence_end[i] : to;
        if (end <= from)
            continue;
        if (!mem_grow(&s->closing_end, &s->closing_capacity, out->sentences + 1, sizeof *s->closing_end, e))
            return false;
        out->end = s->closing_end;
        s->closing_end[out->sentences++] = end - from;
    }
    return true;
}

// The example of the segment at hand, in encoder and targets; none when the segment is too short.
static bool make_example(struct lm_stream *s, enum lm_kind *kind, bool *made, struct error *e) {
    size_t i = (size_t)s->place.segment, from = i ? s->end[i - 1] : 0, count = s->end[i] - from;
    struct random r;
    *made = count >= LM_LEAST_TOKENS;
    if (!*made)
        return true;
    random_seed(&r, s->seed ^ STREAM, s->place.number);
    *kind = lm_objective_draw(s->settings->mix, &r);
    s->encoder.count = s->targets.count = 0;
    struct lm_text text = {.token = s->tokens.id + from, .count = count};
    return (*kind != LM_CLOSING || find_sentences(s, from, s->end[i], &text, e)) &&
           lm_objective_apply(*kind, s->settings, s->symbols, &text, &r, &s->encoder, &s->targets, e);
}

static bool fill(struct lm_stream *s, struct lm_batch *b, bool in_epoch, size_t *documents, struct error *e) {
    uint64_t epoch = s->place.document.epoch;
    lm_batch_clear(b);
    for (;;) {
        bool there, made;
        enum lm_kind kind;
        if (!reach_segment(s, in_epoch, documents, &there, e))
            return false;
        if (!there)
            return true;
        if (!b->examples && s->place.document.epoch > epoch + 1)
            return error_set(e, ERROR_INPUT, "no document of the corpus has as many as %d tokens",
                             LM_LEAST_TOKENS);
        if (!make_example(s, &kind, &made, e))
            return false;
        size_t rows = b->encoder.count + b->decoder.count + s->encoder.count + s->targets.count;
        if (made && b->examples && rows > s->settings->batch_tokens)
            return true;
        if (made && !lm_batch_add(b, kind, &s->encoder, &s->targets, s->symbols->start, e))
            return false;
        s->place.number += made;
        s->place.segment++;
    }
}

bool lm_stream_next(struct lm_stream *s, struct lm_batch *b, struct error *e) {
    return fill(s, b, false, NULL, e);
}

bool lm_stream_next_in_epoch(struct lm_stream *s, struct lm_batch *b, size_t *documents, struct error *e) {
    return fill(s, b, true, documents, e);
}

struct lm_place lm_stream_place(const struct lm_stream *s) {
    return s->place;
}

bool lm_stream_seek(struct lm_stream *s, struct lm_place place, struct error *e) {
    if (!corpus_reader_seek(s->reader, place.document, e))
        return false;
    s->opened = false;
    s->place = place;
    if (!place.segment)
        return true;
    struct corpus_document d;
    if (!corpus_reader_next(s->reader, &d, e) || !cut_document(s, &d, e))
        return false;
    s->opened = true;
    return place.segment <= s->segments ||
           error_set(e, ERROR_INPUT,
                     "a place in the corpus that it does not have: it is not the corpus that was read");
}
