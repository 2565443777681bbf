// SPDX-License-Identifier: GPL-3.0-or-later
// Which prompt a study looks through: none, the present one, the best one, or one that was kept.
#ifndef PROMPTER_ENGINE_INSPECT_LENS_H
#define PROMPTER_ENGINE_INSPECT_LENS_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/inspect/study.h"

enum lens_kind {
    LENS_HARD,    // zero-shot: the open run's template with its soft vectors left out
    LENS_PRESENT, // the open run's prompt as it is now
    LENS_BEST,    // the open run's prompt that was best on dev
    LENS_GIVEN,   // template, label words and vectors as below
};
struct lens {
    enum lens_kind kind;
    // LENS_GIVEN; texts are those of a session: "" stands for what the task suggests. Owned.
    char *template_text, *label_words;
    enum word_pieces pieces;
    float *soft; // [slots, width]
    size_t slots, width;
};
void lens_free(struct lens *l); // the members

// What a lens comes to on a bench, for one slice: pattern and verbalizer borrow task and tokenizer from it.
struct lens_view {
    struct pattern pattern;
    const struct verbalizer *verbalizer; // bound
    struct verbalizer own;               // of LENS_GIVEN
    float *soft;                         // [pattern.slots, d_model], a copy; NULL without slots
    struct render_options options;
    struct mask_bench *mask; // to ask it with; borrowed
    size_t step;             // of the prompt; 0 for LENS_HARD and LENS_GIVEN
};
// An error where there is no such prompt, or where it does not fit the open model and task, saying why.
bool lens_open(struct lens_view *out, const struct lens *l, const struct study_bench *bench, struct error *e);
void lens_close(struct lens_view *v);

#endif
