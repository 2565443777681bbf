// SPDX-License-Identifier: GPL-3.0-or-later
// Changes that a person makes to a prompt by hand while it is tuned, which vectors the optimizer leaves
// alone, and the prompts before those changes, so that they can be taken back.
//
// The prompts before are whole: taking the last change back gives the prompt and the frozen vectors as they
// were then, whatever was trained since. At most EDITS_KEPT are kept, the oldest goes first. All of it is
// part of a run's checkpoint, so that a resumed run goes on exactly and can still take changes back. Belongs
// to the thread of the run.
#ifndef PROMPTER_ENGINE_TUNE_EDITS_H
#define PROMPTER_ENGINE_TUNE_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum edit_kind {
    EDIT_FREEZE,  // the optimizer leaves the vector alone from now on
    EDIT_THAW,    // and no longer
    EDIT_RESET,   // back to where it started
    EDIT_TOKENS,  // becomes the embedding of a token
    EDIT_VECTORS, // all vectors from elsewhere, e.g. a file
    EDIT_UNDO,    // in histories: the last change was taken back
    EDIT_KINDS
};
const char *edit_kind_name(enum edit_kind kind); // "freeze", "thaw", "reset", "words", "load", "take-back"

#define EDIT_EVERY_SLOT SIZE_MAX

struct prompt_edit {
    enum edit_kind kind;
    size_t slot;         // which vector, or EDIT_EVERY_SLOT; not of EDIT_VECTORS
    size_t slots, width; // of the arrays below
    int32_t *token; // EDIT_TOKENS: [slots] a token for each vector; those of other slots are not looked at
    float *vectors; // EDIT_VECTORS: [slots, width]
};
// Room for the arrays that the kind needs, tokens all -1. NULL and an error without memory.
struct prompt_edit *prompt_edit_make(enum edit_kind kind, size_t slot, size_t slots, size_t width,
                                     struct error *e);
void prompt_edit_free(struct prompt_edit *edit); // with its arrays; NULL is fine

// ---- what a run keeps of them ----

enum { EDITS_KEPT = 8 };
struct edit_stack { // zero-initialise
    size_t slots, width, count;
    float *frozen; // [slots] 1: frozen, 0: not (floats, as checkpoints have them)
    float *prompt; // [EDITS_KEPT, slots, width] before each change, oldest first
    float *were;   // [EDITS_KEPT, slots] frozen then
};
bool edit_stack_create(struct edit_stack *s, size_t slots, size_t width, struct error *e);
void edit_stack_free(struct edit_stack *s);
void edit_stack_clear(struct edit_stack *s); // nothing frozen, nothing to take back
// Keeps the prompt [slots, width] as it is before a change.
void edit_stack_push(struct edit_stack *s, const float *prompt);
// Takes the last one back into `prompt` and `frozen`; false when there is none.
bool edit_stack_pop(struct edit_stack *s, float *prompt);
bool edit_stack_any_frozen(const struct edit_stack *s);

#endif
