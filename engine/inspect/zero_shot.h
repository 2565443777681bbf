// SPDX-License-Identifier: GPL-3.0-or-later
// What a pattern says before anything is tuned with it, as studies (study.h): class probabilities of one
// example and the likeliest words at its mask; and how well dev is predicted.
//
// Two kinds, so that the example is answered while dev is still being scored: send both, the example first,
// each on a channel of its own. States are kept (reading.h), so that other label words, calibration, and an
// example seen before cost no pass through the model.
//
// Predictions on dev follow the run's rule (engine/tune/objective.h), but for calibrated ones, which are
// always made among the label words.
#ifndef PROMPTER_ENGINE_INSPECT_ZERO_SHOT_H
#define PROMPTER_ENGINE_INSPECT_ZERO_SHOT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/inspect/reading.h"
#include "engine/inspect/study.h"

enum { ZERO_SHOT_LIKELY = 20, ZERO_SHOT_MOST_DEV = 2000 };

struct zero_shot_ask {
    char *template_text;          // owned by the study
    char *label_words;            // owned; NULL: none that can be read, then only likely words are found
    struct run_settings settings; // of the next run: pieces, loss, budget, start
    bool calibrated;
    bool kept; // see reading.h
    enum reading_set set;
    size_t index; // the example: of READING_TRAIN or READING_DEV
};
struct zero_shot {
    struct study study;
    struct zero_shot_ask ask;
    size_t reading; // its id, once it was opened
    // Results of both kinds. `passes`: batches that went through the model for this study; 0: all was kept.
    enum reading_prompt prompt;
    size_t step, passes;
    size_t classes; // 0 without label words
    float *empty;   // [classes] mean probabilities of content-free inputs, where calibrated; or NULL
    // zero_shot_kind
    float *probability; // [classes] of the example, calibrated if asked for
    float *plain;       // [classes] as the model says it
    struct likely_token likely[ZERO_SHOT_LIKELY];
    size_t likelies;
    // zero_shot_dev_kind
    struct evaluation dev; // of the first ZERO_SHOT_MOST_DEV examples of dev
    // Inside.
    struct verbalizer words;
    bool opened;
    size_t passes_before;
};
extern const struct study_kind zero_shot_kind, zero_shot_dev_kind;
// Label words as the task's classes have them, bound: for any study. *out is to be freed also on failure.
bool study_words(struct verbalizer *out, const char *text, enum run_pieces pieces,
                 const struct study_bench *bench, struct error *e);
// Copies the texts. NULL and an error without memory.
struct zero_shot *zero_shot_make(const struct study_kind *kind, const struct zero_shot_ask *ask,
                                 struct error *e);

#endif
