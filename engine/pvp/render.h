// SPDX-License-Identifier: GPL-3.0-or-later
// An example through a pattern: the token ids and soft slots of the encoder's input, and where each came
// from.
//
// A pattern is a template bound to a task's fields and a tokenizer: literal parts are tokenised once, soft
// parts have their slots. Slots are numbered 0 .. slots-1 in the order of first appearance; parts with the
// same soft_id, and the positions of a part marked "same", share slots. A pattern is read-only after binding
// and may be shared by threads.
#ifndef PROMPTER_ENGINE_PVP_RENDER_H
#define PROMPTER_ENGINE_PVP_RENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/template.h"

struct pattern {
    struct template template;          // owned
    const struct task *task;           // borrowed
    const struct tokenizer *tokenizer; // borrowed
    size_t slots;                      // distinct soft vectors
    int32_t *slot_start;    // [slots] token whose embedding the vector starts from ("soft": "words"), or -1
    size_t *part_field;     // [parts] position of a field part's field in the task
    size_t *part_slot;      // [parts] first slot of a soft part
    size_t *part_positions; // [parts] soft positions of the part
    struct token_list *part_ids; // [parts] ids of literal and special parts (tokenised once)
};
// An error where the template names a field that the task lacks, options in a task without them, a special
// token that T5 does not have (<bos>, <sep>, <cls>), or more than 100 masks.
// Takes nothing; copies the template.
bool pattern_bind(struct pattern *out, const struct template *t, const struct task *task,
                  const struct tokenizer *tokenizer, struct error *e);
void pattern_free(struct pattern *p);

struct render_options {
    size_t budget; // most encoder positions, soft slots and </s> included; 0: 512
    bool end_mark; // </s> after the input (clean); the paper's code leaves it out
};

struct rendered_token {
    int32_t input; // token id, or T5_SOFT(slot) (engine/model/t5.h): as the encoder takes it
    uint16_t part; // which part of the template; parts (one past the last) for </s>
    bool mask;
};
struct rendered {
    struct rendered_token *token; // owned
    size_t count, capacity;
    size_t mask;      // position of the first mask
    size_t cut;       // tokens that did not fit, over all shortenable parts
    size_t *part_cut; // [parts] tokens taken from each part
    size_t parts;
};
// Renders `example` into *out, reusing its memory (zero-initialise the first time). Where the input is longer
// than the budget, tokens go from the ends of shortenable parts, always from the longest one; all else is
// kept whole. An error when even without them it does not fit, naming what is needed.
bool pattern_render(const struct pattern *p, const struct example *example,
                    const struct render_options *options, struct rendered *out, struct error *e);
void rendered_free(struct rendered *r);

#endif
