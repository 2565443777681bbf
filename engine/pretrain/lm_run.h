// SPDX-License-Identifier: GPL-3.0-or-later
// A whole LM run in a folder: from the request to an ordinary model folder in Hugging Face layout, kept on
// the way in folder/checkpoint.safetensors, stopped and resumed at will. It prints nothing: what happens is
// told to a listener, on the thread that runs it.
//
// The folder has the tokenizer and config.json from the beginning, the checkpoint while the run is not
// finished, and model.safetensors at the end. A kill at any moment loses what came after the last checkpoint.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_RUN_H
#define PROMPTER_ENGINE_PRETRAIN_LM_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "engine/pretrain/lm_trainer.h"

struct lm_request {  // strings are borrowed
    const char *out; // the folder
    // of a new run
    const char *const *corpus;
    size_t corpora;
    enum corpus_layout layout;
    const char *model;      // the folder of a model to be trained further, or NULL: one from nothing
    const char *tokenizer;  // a spiece.model or its folder, or NULL: one is trained; not with `model`
    const char *keep_words; // see lm_vocabulary.h; or NULL
    enum dtype type;        // of the weights written at the end
    bool overwrite;         // a folder that has a model or a run already
    struct lm_settings settings;
    // of both
    bool keep_checkpoint; // leave it beside the finished model
    size_t threads;       // 0: all processors
};

struct lm_facts {
    struct t5_config config;
    struct lm_settings settings;
    size_t parameters, vocabulary, threads, validation_examples;
    bool tied;
    double corpus_bytes;
    enum corpus_layout layout;
    enum dtype type;
    size_t first_step; // steps made before this call
};

enum lm_event_kind {
    LM_PREPARING, // text: what is being done before the first step
    LM_STEPPED,   // one step
    LM_VALIDATED, // one validation
    LM_KEPT,      // a checkpoint was written
    LM_FINISHED,  // the model was written
};
struct lm_event {
    enum lm_event_kind kind;
    const char *text;
    size_t made, steps; // so far, in all
    struct lm_step step;
    struct lm_validation validation;
    double tokens_per_s, seconds_left; // of this call so far; 0 before the first step
};
struct lm_listener { // tell may be NULL
    void (*tell)(void *context, const struct lm_event *event);
    void *context;
};

struct lm_run;

// Everything up to the first step; training a vocabulary may take minutes.
bool lm_run_begin(struct lm_run **out, const struct lm_request *r, const struct lm_listener *listener,
                  struct error *e);
// The run that request.out keeps, to the bit. Of request.settings nothing is taken but, where `changes` [i]
// is true for setting i of the table (one that may change at any time), that setting. changes may be NULL.
bool lm_run_resume(struct lm_run **out, const struct lm_request *r, const bool *changes,
                   const struct lm_listener *listener, struct error *e);
void lm_run_free(struct lm_run *run);
const struct lm_facts *lm_run_facts(const struct lm_run *run);
struct corpus_counts lm_run_counts(const struct lm_run *run);
size_t lm_run_made(const struct lm_run *run); // steps
// From the next step on, and in every checkpoint after it. On the run's thread: from its listener, or while
// it does not go.
void lm_run_scale_rate(struct lm_run *run, double factor);

// Trains to the last step and writes the model. Cancelled (within some milliseconds, and the time that
// writing a checkpoint takes): the run is kept and false with ERROR_CANCELLED; after it the run may go on.
bool lm_run_go(struct lm_run *run, const atomic_bool *cancel, struct error *e);

#endif
