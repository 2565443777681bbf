// SPDX-License-Identifier: GPL-3.0-or-later
// Two ways of doing it, each as one choice: "clean", ours, and "paper-code", what the official code of the
// paper (PPT, thu-coai/PPT) does. Tuning and pre-training both ask here what that is.
//
// The official code keeps embeddings, and soft vectors with them, a hundred times smaller than the checkpoint
// has them. The same run in the model's own scale has a hundred times its learning rate, a hundredth of its
// weight decay (which is taken times the rate), and a hundredth of its largest gradient norm, for a gradient
// is the longer, the shorter the vectors are that it is of.
#ifndef PROMPTER_ENGINE_TUNE_PRESET_H
#define PROMPTER_ENGINE_TUNE_PRESET_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/tune/settings.h"

#define PAPER_CODE_SCALE 100.0
// What fine-tuning begins with, where a prompt has the rate of run_settings_default.
#define FINE_TUNING_RATE 0.0001

enum preset { PRESET_CLEAN, PRESET_PAPER_CODE, PRESETS };

struct preset_info {
    const char *name;  // "paper-code"
    const char *about; // a sentence or two for people
};
extern const struct preset_info preset_table[PRESETS];
// By name; the message for one that is none lists them.
bool preset_find(enum preset *out, const char *name, struct error *e);

// Sets how a prompt is tuned: loss, optimizer, rate, schedule, warm-up, weight decay, clipping, steps, batch,
// scorings and start. A start from a trained prompt stays, for there the preset is in how that was made, and
// so do the examples and the method; fine-tuning, of weights that both keep alike, gets rates of its own.
void preset_tune(struct run_settings *s, enum preset p);
// Whether the settings are what the preset makes of them.
bool preset_is(const struct run_settings *s, enum preset p);
// Sets how a prompt is pre-trained.
void preset_pretrain(struct run_settings *s, enum preset p);

// What differs between two settings as `to` has it: "loss paper-code, rate 1 (0.01 in the paper's code)". All
// that a preset sets where `from` is NULL.
void preset_print(struct buffer *out, const struct run_settings *from, const struct run_settings *to);
// "0.1 (0.001 in the paper's code)"; the rate alone in fine-tuning.
void preset_print_rate(char *out, size_t size, const struct run_settings *s);

#endif
