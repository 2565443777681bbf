// SPDX-License-Identifier: GPL-3.0-or-later
// Studies: computations on the model for somebody who looks, made between two training steps.
//
// A screen fills a struct of its own that begins with a struct study and sends it with engine_study
// (engine/engine.h); the engine's thread works on it slice by slice, one slice between two steps of a run,
// and gives it back with EVENT_STUDIED. Every study that was taken comes back exactly once: done, failed, or
// cancelled (error.kind ERROR_CANCELLED), and then belongs to the receiver, who frees it with study_free. A
// newer study on the same channel cancels the older ones there, waiting or at work, so that typing restarts
// what is computed; so do opening another session and engine_cancel_studies.
//
// A study owns its inputs and results: between two slices nothing else keeps them alive. Of the bench it may
// use everything during a slice, and keep nothing.
#ifndef PROMPTER_ENGINE_INSPECT_STUDY_H
#define PROMPTER_ENGINE_INSPECT_STUDY_H

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/base/threads.h"
#include "engine/inspect/mask.h"
#include "engine/inspect/nearest.h"
#include "engine/tune/run.h"

struct reading_memory;

// What a study works with: all borrowed, for one slice, on the engine's thread.
struct study_bench {
    struct model *model;
    const struct tokenizer *tokenizer;
    const struct task *task;
    const struct split *split;
    const struct vocabulary_norms *norms;
    const struct template *template;     // of the open run
    const struct verbalizer *verbalizer; // of the open run, bound
    const struct run_inputs *inputs;     // from which the open run was made: for a run of one's own
    const struct run_settings *settings; // of the open run
    const struct run *run;               // the open run as it stands now
    struct thread_pool *pool;            // may be NULL
    struct mask_bench *mask;             // work space for looking at the mask
    struct mask_bench *base;             // on the model before fine-tuning; NULL: the same model
    struct reading_memory *readings;     // states that are kept from study to study (reading.h)
    const atomic_bool *cancel;           // set when the study is not wanted any more
};

#define STUDY_EVERY_CHANNEL ((unsigned)-1)

struct study;
struct study_kind {
    const char *name; // "zero-shot", for messages and recordings
    // One slice, in a large model one batch; sets *finished after the last. May set study.done and .total.
    // A false ends the study with its error.
    bool (*work)(struct study *s, const struct study_bench *bench, bool *finished, struct error *e);
    void (*free)(struct study *s); // inputs, results, and s itself
    // For recorded screens: the results as JSON (owned by the caller), and back. NULL: not recorded. A result
    // that belongs to another question may be refused by read before it has taken anything from it.
    cJSON *(*write)(const struct study *s);
    bool (*read)(struct study *s, const cJSON *from, struct error *e);
};
struct study { // first member of every kind's struct; zero but for kind and channel when sent
    const struct study_kind *kind;
    unsigned channel;   // whose it is, as the sender counts
    size_t done, total; // examples, vectors, ...: for a progress bar
    struct error error; // of one that failed or was cancelled; ERROR_NONE: the results are there
    atomic_bool cancelled;
    struct study *next; // the engine's own
};
void study_free(struct study *s); // NULL is fine

#endif
