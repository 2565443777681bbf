// SPDX-License-Identifier: GPL-3.0-or-later
// Readings: the states at the mask of any template with a prompt, kept, so that other label words are scored,
// and the next example is looked at, without another pass through the model.
//
// A reading is a template bound to the open task, the soft vectors it is read with, and the states of those
// examples that were asked for. The vectors are copied when it is made: scoring dev takes several slices of a
// study, between which a run goes on and changes its prompt. The memory keeps the few readings used last.
// All of it belongs to the engine's thread; a reading stays where it is until another one is opened.
#ifndef PROMPTER_ENGINE_INSPECT_READING_H
#define PROMPTER_ENGINE_INSPECT_READING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/inspect/study.h"

struct reading_memory;
bool reading_memory_create(struct reading_memory **out, struct error *e);
void reading_memory_free(struct reading_memory *m); // NULL is fine

// Which examples: those of the split, or the content-free ones (calibration.h).
enum reading_set { READING_TRAIN, READING_DEV, READING_EMPTY, READING_SETS };

// What stands in the soft slots.
enum reading_prompt {
    READING_NO_PROMPT,      // the template has none
    READING_PRESENT_PROMPT, // that of the open run: as many vectors as the template has slots
    READING_START_PROMPT,   // what a run with this template and these settings would start from
};

struct reading_ask { // borrowed
    const char *template_text;
    const struct run_settings
        *settings;                  // budget and loss (which decides about </s>), and how a prompt starts
    const struct verbalizer *words; // bound, for a start from label words; NULL: the open run's
    bool kept; // what was kept with an older prompt of the run will do: no pass for what is known
};

// The reading that was asked for, kept or new; *id finds it again. Messages about the template name the
// column.
struct reading;
bool reading_open(struct reading **out, size_t *id, const struct reading_ask *ask,
                  const struct study_bench *bench, struct error *e);
struct reading *reading_find(struct reading_memory *m, size_t id); // NULL: forgotten since

// Computes states of the set's examples first .. first+count-1 that are not known yet, at most one batch of
// them; *missing is how many are left to do. Call again until it is 0.
bool reading_more(struct reading *r, const struct study_bench *bench, enum reading_set set, size_t first,
                  size_t count, size_t *missing, struct error *e);
// [examples of the set, DECODER_ROWS, d_model]; those that reading_more has computed.
const float *reading_states(const struct reading *r, enum reading_set set);
size_t reading_examples(const struct reading *r, enum reading_set set);
const struct example *const *reading_example(const struct reading *r, enum reading_set set);

enum reading_prompt reading_prompt(const struct reading *r);
size_t reading_step(const struct reading *r);   // of the run, when its prompt was copied
size_t reading_passes(const struct reading *r); // batches that went through the model so far

#endif
