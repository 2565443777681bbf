// SPDX-License-Identifier: GPL-3.0-or-later
// From examples to packed batches: rendered inputs in flat arrays, and the batch that a pass takes.
#ifndef PROMPTER_ENGINE_TUNE_INPUTS_H
#define PROMPTER_ENGINE_TUNE_INPUTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/model/t5.h"
#include "engine/pvp/render.h"

// Rendered examples, packed: example i has rows offset[i] .. offset[i+1]-1.
struct input_set {
    int32_t *input;   // token ids and T5_SOFT(slot)
    size_t *offset;   // [count + 1]
    size_t *label;    // [count] class, or TASK_NO_LABEL
    size_t *possible; // [count] classes possible for it, 0: all
    size_t count, longest, cut;
    size_t input_capacity, offset_capacity, label_capacity, possible_capacity;
};
// Replaces the contents, reusing the memory; messages name the line of the example.
bool input_set_render(struct input_set *set, const struct pattern *p, const struct example *const *examples,
                      size_t count, const struct render_options *options, struct error *e);
// The same examples without one kind of row (a token id or T5_SOFT(slot)), wherever it stands: what was
// behind it moves up. Replaces the contents of `out`, reusing its memory.
bool input_set_without(struct input_set *out, const struct input_set *from, int32_t input, struct error *e);
void input_set_free(struct input_set *set);

// A batch with the two decoder rows of every example: [decoder start, <extra_id_0>]. Row 2b predicts the
// sentinel, row 2b+1 the label word.
enum { DECODER_ROWS = 2 };
struct input_batch {
    struct t5_batch t5; // points into the arrays below
    int32_t *encoder_input;
    size_t *encoder_offset, *decoder_offset;
    int32_t *decoder_input;
    size_t *label, *possible, *mask_row; // [examples]; mask_row[b] = 2b+1
    size_t examples, rows;               // room
};
// Room for `examples` inputs of `rows` rows together. The decoder's rows are written here once.
bool input_batch_plan(struct input_batch *b, size_t examples, size_t rows, int32_t decoder_start,
                      int32_t sentinel, struct error *e);
// Copies members index[0..count) of the set (index NULL: first .. first+count-1). Allocates nothing.
void input_batch_fill(struct input_batch *b, const struct input_set *set, const size_t *index, size_t first,
                      size_t count);
void input_batch_free(struct input_batch *b);

#endif
