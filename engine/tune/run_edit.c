// SPDX-License-Identifier: GPL-3.0-or-later
// What a person changes in a run's prompt by hand, and how a step passes over what is frozen.
#include "run_inside.h"

#include <math.h>
#include <string.h>

// ---- what is frozen ----

// Runs of rows that are frozen are held over a step: the prompt's, and those of every array of the
// optimizer's state, which all have one element for each of the prompt's.
static void copy_frozen(const struct run *r, float *to, const float *from) {
    size_t width = run_width(r);
    for (size_t i = 0; i < r->pattern.slots; i++)
        if (r->edits.frozen[i] != 0)
            memcpy(to + i * width, from + i * width, width * sizeof *to);
}

void run_hold_frozen(struct run *r) {
    size_t width = run_width(r);
    copy_frozen(r, r->held, r->prompt);
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++)
        copy_frozen(r, r->held + (i + 1) * r->count, optimizer_array_at(r->optimizer, i).value);
    for (size_t i = 0; i < r->pattern.slots; i++)
        if (r->edits.frozen[i] != 0)
            memset(r->gradient + i * width, 0, width * sizeof *r->gradient);
}

static double squared_distance(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sum;
}

// Puts back what was held, and takes it out of what the step is said to have done (weight decay moves a
// vector that has no gradient).
void run_put_frozen_back(struct run *r, struct optimizer_report *report) {
    size_t width = run_width(r);
    double moved = 0, length = 0;
    for (size_t i = 0; i < r->pattern.slots; i++)
        if (r->edits.frozen[i] != 0)
            moved += squared_distance(r->prompt + i * width, r->held + i * width, width);
    copy_frozen(r, r->prompt, r->held);
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++)
        copy_frozen(r, optimizer_array_at(r->optimizer, i).value, r->held + (i + 1) * r->count);
    for (size_t i = 0; i < r->count; i++)
        length += (double)r->prompt[i] * r->prompt[i];
    report->update_norm = sqrt(fmax(report->update_norm * report->update_norm - moved, 0));
    report->value_norm = sqrt(length);
}

// ---- changes by hand ----

static bool edit_fits(const struct run *r, const struct prompt_edit *edit, struct error *e) {
    size_t slots = r->pattern.slots, width = run_width(r), ids = r->in.model->config.vocab_size;
    if (!slots)
        return error_set(e, ERROR_INPUT, "fine-tuning has no soft prompt that could be changed");
    if (edit->slot != EDIT_EVERY_SLOT && edit->slot >= slots)
        return error_set(e, ERROR_INPUT, "there is no vector v%zu: the prompt has v0 to v%zu", edit->slot,
                         slots - 1);
    if ((edit->token || edit->vectors) && edit->slots != slots)
        return error_set(e, ERROR_INPUT, "these are %zu vectors, the prompt has %zu", edit->slots, slots);
    if (edit->vectors && edit->width != width)
        return error_set(
            e, ERROR_INPUT,
            "these vectors have %zu numbers each, the model's have %zu: they were made for another "
            "model",
            edit->width, width);
    for (size_t i = 0; edit->vectors && i < slots * width; i++)
        if (!isfinite(edit->vectors[i]))
            return error_set(e, ERROR_INPUT, "vector %zu has a number that is not finite", i / width);
    for (size_t i = 0; edit->token && i < slots; i++)
        if ((edit->slot == EDIT_EVERY_SLOT || edit->slot == i) &&
            (edit->token[i] < 0 || (size_t)edit->token[i] >= ids))
            return error_set(e, ERROR_INPUT, "%d is no token of the model, which has %zu", edit->token[i],
                             ids);
    return true;
}

// Momentum is a direction from where the vector was. It is the state's array "m".
static void clear_momentum(struct run *r, size_t slot) {
    size_t width = run_width(r);
    for (size_t i = 0; i < optimizer_arrays(r->optimizer); i++) {
        struct optimizer_array a = optimizer_array_at(r->optimizer, i);
        size_t length = strlen(a.name);
        if (length >= 2 && strcmp(a.name + length - 2, ".m") == 0)
            memset(a.value + slot * width, 0, width * sizeof *a.value);
    }
}

static void edit_slot(struct run *r, const struct prompt_edit *edit, size_t slot) {
    size_t width = run_width(r), bytes = width * sizeof *r->prompt;
    float *vector = r->prompt + slot * width;
    if (edit->kind == EDIT_FREEZE || edit->kind == EDIT_THAW)
        r->edits.frozen[slot] = edit->kind == EDIT_FREEZE;
    else if (edit->kind == EDIT_RESET)
        memcpy(vector, r->start + slot * width, bytes);
    else if (edit->kind == EDIT_TOKENS)
        model_embedding_row(r->in.model, (size_t)edit->token[slot], vector);
    else
        memcpy(vector, edit->vectors + slot * width, bytes);
    clear_momentum(r, slot);
}

bool run_edit(struct run *r, const struct prompt_edit *edit, struct error *e) {
    if (!edit_fits(r, edit, e))
        return false;
    edit_stack_push(&r->edits, r->prompt);
    for (size_t i = 0; i < r->pattern.slots; i++)
        if (edit->slot == EDIT_EVERY_SLOT || edit->slot == i)
            edit_slot(r, edit, i);
    if (edit->kind != EDIT_FREEZE && edit->kind != EDIT_THAW)
        r->scored_step = SIZE_MAX;
    return true;
}

bool run_undo_edit(struct run *r) {
    size_t width = run_width(r);
    if (!r->edits.count)
        return false;
    memcpy(r->held, r->prompt, r->count * sizeof *r->held);
    edit_stack_pop(&r->edits, r->prompt);
    for (size_t i = 0; i < r->pattern.slots; i++)
        if (memcmp(r->held + i * width, r->prompt + i * width, width * sizeof *r->held) != 0) {
            clear_momentum(r, i);
            r->scored_step = SIZE_MAX;
        }
    return true;
}

bool run_frozen(const struct run *r, size_t slot) {
    return r->edits.frozen[slot] != 0;
}

size_t run_edits(const struct run *r) {
    return r->edits.count;
}
