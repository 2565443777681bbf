// SPDX-License-Identifier: GPL-3.0-or-later
// From token ids and soft slots to rows, and from the rows' gradients back to vectors.
//
// Positions enter T5 through attention only, so that up to block 0's projections equal inputs have equal
// rows: the soft prompt of every example, the words of the pattern, the mask. They are computed once.
#include "t5_inside.h"

#include <string.h>

#include "engine/tensor/rows.h"

static bool check_batch(const struct t5_pass *pass, const struct t5_side *side, size_t examples,
                        const size_t *offset, const int32_t *input, struct error *e) {
    const char *name = side->decoder ? "decoder" : "encoder";
    size_t most = side->decoder ? pass->plan.decoder_rows : pass->plan.encoder_rows;
    if (examples == 0 || examples > pass->plan.examples || offset[0] != 0 || offset[examples] > most)
        return error_set(e, ERROR_INPUT,
                         "a batch of %zu examples and %zu %s rows was not planned for (%zu and %zu were)",
                         examples, offset[examples], name, pass->plan.examples, most);
    for (size_t b = 0; b < examples; b++)
        if (offset[b + 1] <= offset[b] || offset[b + 1] - offset[b] > side->planned_longest)
            return error_set(e, ERROR_INPUT, "example %zu of the batch has no or too many %s rows", b, name);
    for (size_t r = 0; r < offset[examples]; r++) {
        bool fits = input[r] >= 0 ? (size_t)input[r] < pass->model->config.vocab_size
                                  : (size_t)(-1 - (long)input[r]) < side->soft;
        if (!fits)
            return error_set(e, ERROR_INPUT,
                             "%s row %zu holds %ld, which is neither a token id below %zu nor one of %zu "
                             "soft slots",
                             name, r, (long)input[r], pass->model->config.vocab_size, side->soft);
    }
    return true;
}

// Numbers the distinct inputs in the order they appear, soft slots first.
static void find_distinct(struct t5_pass *pass, struct t5_side *side, const int32_t *input) {
    size_t distinct = 0;
    for (; distinct < side->soft; distinct++)
        side->distinct_input[distinct] = T5_SOFT(distinct);
    for (size_t r = 0; r < side->rows; r++) {
        if (input[r] < 0) {
            side->distinct_of_row[r] = (size_t)(-1 - (long)input[r]);
            continue;
        }
        size_t *number = &pass->vocabulary[input[r]];
        if (!*number) {
            side->distinct_input[distinct] = input[r];
            *number = ++distinct;
        }
        side->distinct_of_row[r] = *number - 1;
    }
    side->distinct = distinct;
    for (size_t u = side->soft; u < distinct; u++)
        pass->vocabulary[side->distinct_input[u]] = 0;
}

// With dropout equal inputs do not have equal rows.
static void keep_apart(struct t5_side *side, const int32_t *input) {
    for (size_t r = 0; r < side->rows; r++) {
        side->distinct_input[r] = input[r];
        side->distinct_of_row[r] = r;
    }
    side->distinct = side->rows;
}

static void list_rows(struct t5_side *side) {
    size_t *start = side->row_list_start;
    memset(start, 0, (side->distinct + 1) * sizeof *start);
    for (size_t r = 0; r < side->rows; r++)
        start[side->distinct_of_row[r] + 1]++;
    for (size_t u = 0; u < side->distinct; u++)
        start[u + 1] += start[u];
    // Filling moves each start to its end, which is the next one's start: shift back afterwards.
    for (size_t r = 0; r < side->rows; r++)
        side->row_list[start[side->distinct_of_row[r]]++] = r;
    memmove(start + 1, start, side->distinct * sizeof *start);
    start[0] = 0;
}

bool t5_input_copy(struct t5_pass *pass, struct t5_side *side, size_t examples, const size_t *offset,
                   const int32_t *input, struct error *e) {
    if (!check_batch(pass, side, examples, offset, input, e))
        return false;
    side->examples = examples;
    side->rows = offset[examples];
    memcpy(side->offset, offset, (examples + 1) * sizeof *offset);
    side->longest = 0;
    for (size_t b = 0; b < examples; b++)
        if (offset[b + 1] - offset[b] > side->longest)
            side->longest = offset[b + 1] - offset[b];
    if (pass->dropping)
        keep_apart(side, input);
    else
        find_distinct(pass, side, input);
    list_rows(side);
    return true;
}

struct input_run {
    struct t5_pass *pass;
    struct t5_side *side;
    const float *soft;
    float *to;
    float *soft_gradient;
};

static void embed_rows(void *context, size_t first, size_t count, size_t item) {
    const struct input_run *run = context;
    const struct weight *w = run->pass->model->embedding;
    size_t d = run->pass->d, bytes = d * dtype_size(w->dtype);
    (void)item;
    for (size_t u = first; u < first + count; u++) {
        float *to = run->side->distinct_x + u * d;
        int32_t input = run->side->distinct_input[u];
        if (input < 0)
            memcpy(to, run->soft + u * d, d * sizeof *to);
        else
            dtype_to_float(w->dtype, (const unsigned char *)w->data + (size_t)input * bytes, to, d);
    }
}

void t5_input_embed(struct t5_pass *pass, struct t5_side *side, const float *soft) {
    struct input_run run = {.pass = pass, .side = side, .soft = soft};
    t5_rows_run(pass, side->distinct, embed_rows, &run);
    t5_dropout(pass, side, 0, T5_DROP_EMBEDDING, side->distinct_x, side->distinct, pass->d);
}

// Rows of block 0: the stream after the embedding and the projections, each from its distinct input.
static void spread_rows(void *context, size_t first, size_t count, size_t item) {
    const struct input_run *run = context;
    const struct t5_side *side = run->side;
    size_t d = run->pass->d, wide = 3 * run->pass->inner;
    (void)item;
    for (size_t r = first; r < first + count; r++) {
        size_t u = side->distinct_of_row[r];
        memcpy(run->to + r * d, side->distinct_x + u * d, d * sizeof *run->to);
        memcpy(side->saved[0].qkv + r * wide, side->distinct_qkv + u * wide, wide * sizeof *run->to);
    }
}

void t5_input_spread(struct t5_pass *pass, struct t5_side *side) {
    struct input_run run = {.pass = pass, .side = side, .to = t5_after_self(side, 0)};
    t5_rows_run(pass, side->rows, spread_rows, &run);
}

static void sum_listed(const struct t5_side *side, size_t u, const float *from, size_t columns, float *to) {
    memset(to, 0, columns * sizeof *to);
    for (size_t i = side->row_list_start[u]; i < side->row_list_start[u + 1]; i++)
        rows_add(to, from + side->row_list[i] * columns, columns);
}

static void collect_rows(void *context, size_t first, size_t count, size_t item) {
    const struct input_run *run = context;
    struct t5_side *side = run->side;
    size_t d = run->pass->d, wide = 3 * run->pass->inner;
    (void)item;
    for (size_t u = first; u < first + count; u++) {
        sum_listed(side, u, run->pass->work.d_qkv, wide, side->distinct_qkv + u * wide);
        sum_listed(side, u, side->d_x, d, run->to + u * d);
    }
}

size_t t5_inputs_that_train(const struct t5_pass *pass, const struct t5_side *side) {
    return pass->mode == T5_TRAIN_ALL ? side->distinct : side->soft;
}

void t5_input_collect(struct t5_pass *pass, struct t5_side *side) {
    struct input_run run = {.pass = pass, .side = side, .to = side->d_distinct_x};
    t5_rows_run(pass, t5_inputs_that_train(pass, side), collect_rows, &run);
}

static void add_input_gradients(void *context, size_t first, size_t count, size_t item) {
    const struct input_run *run = context;
    const struct t5_side *side = run->side;
    float *embedding = run->pass->model->embedding->gradient;
    size_t d = run->pass->d;
    (void)item;
    for (size_t u = first; u < first + count; u++) {
        int32_t input = side->distinct_input[u];
        if (input >= 0)
            rows_add(embedding + (size_t)input * d, side->d_distinct_x + u * d, d);
        else if (run->soft_gradient)
            rows_add(run->soft_gradient + u * d, side->d_distinct_x + u * d, d);
    }
}

void t5_input_backward(struct t5_pass *pass, struct t5_side *side, float *soft_gradient) {
    struct input_run run = {.pass = pass, .side = side, .soft_gradient = soft_gradient};
    t5_dropout(pass, side, 0, T5_DROP_EMBEDDING, side->d_distinct_x, side->distinct, pass->d);
    if (pass->dropping) // several rows add to one token's
        add_input_gradients(&run, 0, side->distinct, 0);
    else
        t5_rows_run(pass, t5_inputs_that_train(pass, side), add_input_gradients, &run);
}
