// SPDX-License-Identifier: GPL-3.0-or-later
// Rendering examples once, and gathering them into batches without allocating.
#include "inputs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

static bool room_for(struct input_set *s, size_t count, struct error *e) {
    return mem_grow(&s->offset, &s->offset_capacity, count + 1, sizeof *s->offset, e) &&
           mem_grow(&s->label, &s->label_capacity, count, sizeof *s->label, e) &&
           mem_grow(&s->possible, &s->possible_capacity, count, sizeof *s->possible, e);
}

bool input_set_render(struct input_set *s, const struct pattern *p, const struct example *const *examples,
                      size_t count, const struct render_options *options, struct error *e) {
    struct rendered r = {0};
    bool ok = room_for(s, count, e);
    s->count = s->longest = s->cut = 0;
    if (ok)
        s->offset[0] = 0;
    for (size_t i = 0; ok && i < count; i++) {
        ok = pattern_render(p, examples[i], options, &r, e) ||
             error_context(e, "example on line %zu", examples[i]->line);
        size_t begin = s->offset[i];
        ok = ok && mem_grow(&s->input, &s->input_capacity, begin + r.count, sizeof *s->input, e);
        if (!ok)
            break;
        for (size_t t = 0; t < r.count; t++)
            s->input[begin + t] = r.token[t].input;
        s->offset[i + 1] = begin + r.count;
        s->label[i] = examples[i]->label;
        s->possible[i] = examples[i]->options;
        s->longest = r.count > s->longest ? r.count : s->longest;
        s->cut += r.cut > 0;
        s->count++;
    }
    rendered_free(&r);
    return ok;
}

bool input_set_without(struct input_set *out, const struct input_set *from, int32_t input, struct error *e) {
    if (!room_for(out, from->count, e) ||
        !mem_grow(&out->input, &out->input_capacity, from->offset[from->count], sizeof *out->input, e))
        return false;
    size_t to = out->offset[0] = out->longest = 0;
    for (size_t i = 0; i < from->count; i++) {
        for (size_t t = from->offset[i]; t < from->offset[i + 1]; t++)
            if (from->input[t] != input)
                out->input[to++] = from->input[t];
        out->offset[i + 1] = to;
        out->label[i] = from->label[i];
        out->possible[i] = from->possible[i];
        size_t length = to - out->offset[i];
        out->longest = length > out->longest ? length : out->longest;
    }
    out->count = from->count;
    out->cut = from->cut;
    return true;
}

void input_set_free(struct input_set *s) {
    if (!s)
        return;
    free(s->input);
    free(s->offset);
    free(s->label);
    free(s->possible);
    *s = (struct input_set){0};
}

bool input_batch_plan(struct input_batch *b, size_t examples, size_t rows, int32_t decoder_start,
                      int32_t sentinel, struct error *e) {
    if (examples <= b->examples && rows <= b->rows)
        return true;
    if (examples < b->examples)
        examples = b->examples;
    if (rows < b->rows)
        rows = b->rows;
    input_batch_free(b);
    b->encoder_input = mem_calloc(rows, sizeof *b->encoder_input, e);
    b->encoder_offset = mem_calloc(examples + 1, sizeof *b->encoder_offset, e);
    b->decoder_offset = mem_calloc(examples + 1, sizeof *b->decoder_offset, e);
    b->decoder_input = mem_calloc(examples * DECODER_ROWS, sizeof *b->decoder_input, e);
    b->label = mem_calloc(examples, sizeof *b->label, e);
    b->possible = mem_calloc(examples, sizeof *b->possible, e);
    b->mask_row = mem_calloc(examples, sizeof *b->mask_row, e);
    if (!b->encoder_input || !b->encoder_offset || !b->decoder_offset || !b->decoder_input || !b->label ||
        !b->possible || !b->mask_row) {
        input_batch_free(b);
        return false;
    }
    for (size_t i = 0; i < examples; i++) {
        b->decoder_offset[i + 1] = (i + 1) * DECODER_ROWS;
        b->decoder_input[i * DECODER_ROWS] = decoder_start;
        b->decoder_input[i * DECODER_ROWS + 1] = sentinel;
        b->mask_row[i] = i * DECODER_ROWS + 1;
    }
    b->examples = examples;
    b->rows = rows;
    return true;
}

void input_batch_fill(struct input_batch *b, const struct input_set *s, const size_t *index, size_t first,
                      size_t count) {
    assert(count <= b->examples);
    size_t at = 0;
    for (size_t i = 0; i < count; i++) {
        size_t k = index ? index[i] : first + i, length = s->offset[k + 1] - s->offset[k];
        assert(length <= b->rows - at);
        memcpy(b->encoder_input + at, s->input + s->offset[k], length * sizeof *b->encoder_input);
        at += length;
        b->encoder_offset[i + 1] = at;
        b->label[i] = s->label[k];
        b->possible[i] = s->possible[k];
    }
    b->t5 = (struct t5_batch){.examples = count,
                              .encoder_offset = b->encoder_offset,
                              .encoder_input = b->encoder_input,
                              .decoder_offset = b->decoder_offset,
                              .decoder_input = b->decoder_input};
}

void input_batch_free(struct input_batch *b) {
    if (!b)
        return;
    free(b->encoder_input);
    free(b->encoder_offset);
    free(b->decoder_offset);
    free(b->decoder_input);
    free(b->label);
    free(b->possible);
    free(b->mask_row);
    *b = (struct input_batch){0};
}
