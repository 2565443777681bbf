// SPDX-License-Identifier: GPL-3.0-or-later
#include "edits.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

const char *edit_kind_name(enum edit_kind kind) {
    static const char *const name[EDIT_KINDS] = {
        [EDIT_FREEZE] = "freeze", [EDIT_THAW] = "thaw",    [EDIT_RESET] = "reset",
        [EDIT_TOKENS] = "words",  [EDIT_VECTORS] = "load", [EDIT_UNDO] = "take-back",
    };
    return name[kind];
}

struct prompt_edit *prompt_edit_make(enum edit_kind kind, size_t slot, size_t slots, size_t width,
                                     struct error *e) {
    struct prompt_edit *edit = mem_calloc(1, sizeof *edit, e);
    if (!edit)
        return NULL;
    *edit = (struct prompt_edit){.kind = kind, .slot = slot, .slots = slots, .width = width};
    if ((kind == EDIT_TOKENS && !(edit->token = mem_calloc(slots, sizeof *edit->token, e))) ||
        (kind == EDIT_VECTORS && !(edit->vectors = mem_calloc(slots * width, sizeof *edit->vectors, e)))) {
        prompt_edit_free(edit);
        return NULL;
    }
    for (size_t i = 0; kind == EDIT_TOKENS && i < slots; i++)
        edit->token[i] = -1;
    return edit;
}

void prompt_edit_free(struct prompt_edit *edit) {
    if (!edit)
        return;
    free(edit->token);
    free(edit->vectors);
    free(edit);
}

bool edit_stack_create(struct edit_stack *s, size_t slots, size_t width, struct error *e) {
    *s = (struct edit_stack){.slots = slots, .width = width};
    s->frozen = mem_calloc(slots, sizeof *s->frozen, e);
    s->prompt = mem_calloc(EDITS_KEPT * slots * width, sizeof *s->prompt, e);
    s->were = mem_calloc(EDITS_KEPT * slots, sizeof *s->were, e);
    if (s->frozen && s->prompt && s->were)
        return true;
    edit_stack_free(s);
    return false;
}

void edit_stack_free(struct edit_stack *s) {
    free(s->frozen);
    free(s->prompt);
    free(s->were);
    *s = (struct edit_stack){0};
}

void edit_stack_clear(struct edit_stack *s) {
    memset(s->frozen, 0, s->slots * sizeof *s->frozen);
    s->count = 0;
}

void edit_stack_push(struct edit_stack *s, const float *prompt) {
    size_t vectors = s->slots * s->width;
    if (s->count == EDITS_KEPT) {
        s->count--;
        memmove(s->prompt, s->prompt + vectors, s->count * vectors * sizeof *s->prompt);
        memmove(s->were, s->were + s->slots, s->count * s->slots * sizeof *s->were);
    }
    memcpy(s->prompt + s->count * vectors, prompt, vectors * sizeof *prompt);
    memcpy(s->were + s->count * s->slots, s->frozen, s->slots * sizeof *s->were);
    s->count++;
}

bool edit_stack_pop(struct edit_stack *s, float *prompt) {
    size_t vectors = s->slots * s->width;
    if (!s->count)
        return false;
    s->count--;
    memcpy(prompt, s->prompt + s->count * vectors, vectors * sizeof *prompt);
    memcpy(s->frozen, s->were + s->count * s->slots, s->slots * sizeof *s->frozen);
    return true;
}

bool edit_stack_any_frozen(const struct edit_stack *s) {
    for (size_t i = 0; i < s->slots; i++)
        if (s->frozen[i] != 0)
            return true;
    return false;
}
