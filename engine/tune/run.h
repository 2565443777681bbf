// SPDX-License-Identifier: GPL-3.0-or-later
// A tuning run: a soft prompt, the examples it learns from, the optimizer, and what has been measured so far.
//
// With METHOD_FINE_TUNING all weights of the model learn instead, through a template without soft vectors.
// The model becomes trainable: it holds its weights in F32 from then on, and is another model afterwards.
// Memory: weights, gradients, the optimizer's state, and a copy of the best weights, all F32. What is said of
// prompts below is then said of the weights, but for what looks at vectors: there are none.
//
// The run belongs to one thread. It borrows model, task, tokenizer and pool. Nothing is allocated in
// run_step. Everything that decides how it goes on (prompt, optimizer state, order of the data, step number,
// rate) is in struct run_checkpoint, so that a run that is kept and resumed follows the same curve.
#ifndef PROMPTER_ENGINE_TUNE_RUN_H
#define PROMPTER_ENGINE_TUNE_RUN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/random.h"
#include "engine/base/threads.h"
#include "engine/data/task.h"
#include "engine/model/model.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/render.h"
#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"
#include "engine/tune/edits.h"
#include "engine/tune/evaluation.h"
#include "engine/tune/settings.h"
#include "engine/tune/snapshots.h"

enum metric_kind {
    METRIC_STEP, // one update
    METRIC_EVAL, // dev scored
    METRIC_RATE, // learning rate changed by hand
    METRIC_UNDO, // back to an earlier prompt
    METRIC_EDIT, // the prompt was changed by hand
};
// A line of the run's history. NaN where a value was not measured.
struct metric {
    enum metric_kind kind;
    size_t step;
    float train_loss, train_accuracy; // of this step's batch, before the update
    float gradient_norm;              // before clipping
    float update_norm, prompt_norm;   // L2 of the change and of the whole prompt after it
    float rate;
    float dev_loss, dev_accuracy, dev_f1; // METRIC_EVAL
    float seconds;                        // of this step or evaluation
    bool best;                            // METRIC_EVAL: the best dev score so far
    size_t undone_to; // METRIC_UNDO: the step whose prompt it went back to; SIZE_MAX: an old journal does not
                      // say
    size_t dev_examples; // METRIC_EVAL: that were scored; 0: unknown
    enum edit_kind edit; // METRIC_EDIT: what was done,
    size_t edit_slot;    // to which vector, or EDIT_EVERY_SLOT
};

struct run_inputs { // all borrowed, to outlive the run
    struct model *model;
    const struct tokenizer *tokenizer;
    const struct task *task;
    const struct split *split;
    const struct template *template;
    const struct verbalizer *verbalizer; // bound
    struct thread_pool *pool;            // may be NULL
    bool openblas;                       // OpenBLAS does the large products (engine/tensor/gemm.h)
    const float *start_vectors;          // [start_count, d_model] for START_FILE, or NULL
    size_t start_count;
};

// What one update did.
enum { STEP_REPORT_MOST = 5 };
struct step_report {
    struct metric metric;             // of the step: loss and accuracy before it, norms, rate
    float loss_after, accuracy_after; // on the same batch, with the prompt after it; NaN: not measured
    size_t batch;                     // examples in it
    double clip;                      // largest gradient norm that is let through; 0: any
    size_t moved;                     // vectors below: those that moved most, the farthest first
    struct {
        size_t slot;
        float by, norm; // L2 of the change, and of the vector before it
    } most[STEP_REPORT_MOST];
};

// What a run will cost, measured on the batch that comes next; nothing is changed by it.
struct run_estimate {
    double step_seconds;   // of one update
    double dev_seconds;    // of scoring all of dev, from one batch of it; 0: there is no dev set
    size_t pass_bytes;     // activations and work space, for the largest batch
    size_t state_bytes;    // prompts, gradient, optimizer
    size_t snapshot_bytes; // that the snapshots may take at most
};

struct run;
bool run_create(struct run **out, const struct run_inputs *inputs, const struct run_settings *settings,
                struct error *e);
void run_free(struct run *r);

// One update with the next batch. `out` receives what was measured. Cancelled: nothing has changed.
bool run_step(struct run *r, const atomic_bool *cancel, struct metric *out, struct error *e);
// The same, and looks at what it did, which costs another forward pass. Where only that is cancelled or
// fails, the step was made and *_after is NaN.
bool run_step_reported(struct run *r, const atomic_bool *cancel, struct step_report *out, struct error *e);
// Measures a batch of training and one of scoring. Cancelled: nothing is known.
bool run_measure(struct run *r, const atomic_bool *cancel, struct run_estimate *out, struct error *e);
// Scores dev and keeps the prompt if it is the best so far (by the task's metric, then by lower loss).
bool run_evaluate(struct run *r, const atomic_bool *cancel, struct metric *out, struct evaluation *detail,
                  struct error *e);
// Scores any examples with the present prompt, or with the best one. progress (may be NULL) is called between
// batches.
bool run_score(struct run *r, const struct example *const *examples, size_t count, bool with_best,
               const atomic_bool *cancel, void (*progress)(void *context, size_t done, size_t count),
               void *context, struct evaluation *out, struct error *e);
bool run_finished(const struct run *r); // all steps done
// A line for the history at the present step and rate; nothing else is measured yet (NaN).
struct metric run_metric(const struct run *r, enum metric_kind kind);
// Whether an evaluation is due now: before step 0, every evaluate_every steps, and at the end.
bool run_evaluation_due(const struct run *r);

void run_set_rate(struct run *r, double rate);
double run_rate(const struct run *r); // of the next step, schedule included
void run_set_steps(struct run *r, size_t steps);
size_t run_steps_wanted(const struct run *r); // how many there are to be
// Back to the best prompt: the prompt alone; optimizer state cleared, step number kept. False if there is
// none.
bool run_return_to_best(struct run *r);
// Likewise to the prompt of an earlier step of which there is a snapshot.
bool run_return_to(struct run *r, size_t step);
// Changes the prompt by hand (edits.h), or says what does not fit. A vector that is changed or frozen loses
// its momentum but keeps what the optimizer knows of the scale of its gradients. While frozen, a vector and
// its share of the optimizer's state stay as they are, and neither gradient nor update norms count it
// (Adafactor's clipping, by the root mean square of an update, still counts its elements). Going back to an
// earlier prompt counts as a change too, for taking it back; it thaws nothing.
bool run_edit(struct run *r, const struct prompt_edit *edit, struct error *e);
// Takes the last change back: the whole prompt and what was frozen, as they were before it. False if there is
// none.
bool run_undo_edit(struct run *r);
bool run_frozen(const struct run *r, size_t slot);
size_t run_edits(const struct run *r); // how many can be taken back
// Back to the start of the run: nothing is frozen, nothing can be taken back. Not with fine-tuning, which has
// no copy of the weights that it began with: load the model again and create the run anew.
void run_restart(struct run *r);

size_t run_steps_done(const struct run *r);
bool run_fine_tunes(const struct run *r); // all weights learn
// Grows whenever the model's weights change; 0 as long as a prompt is tuned.
size_t run_weights_version(const struct run *r);
size_t run_slots(const struct run *r);                         // soft vectors
size_t run_width(const struct run *r);                         // d_model
const float *run_prompt(const struct run *r);                  // [slots, d_model], the present one
const float *run_start(const struct run *r);                   // as it was at step 0
const float *run_best(const struct run *r, struct metric *at); // NULL if nothing was scored yet
size_t run_examples_cut(const struct run *r); // training and dev examples that were truncated
// The prompt as it was at the start and at each evaluation so far (snapshots.h says which of many). Borrowed
// until the next evaluation; hold it to keep it. NULL only where there was no memory for it. It changes with
// run_evaluate, run_restart and run_restore.
struct snapshot_set *run_snapshots(const struct run *r);

// ---- keeping and resuming ----
// A flat picture of the run: named float arrays and a few numbers; sessions write it as one safetensors file.
struct run_array {
    char name[64];
    size_t rows, columns;
    float *value; // owned
};
struct run_checkpoint {
    struct run_array *array; // "prompt", "start", "best", "optimizer.*"; where there are any: "frozen",
                             // "edits", "edits.frozen". Fine-tuning: "weights", "best", "optimizer", each one
                             // row of all weights or states one behind the other
    size_t arrays;
    size_t step, optimizer_step, epoch, position; // the order of the data follows from the seed and the epoch
    size_t scored_step;                           // the step that was scored last, or SIZE_MAX
    double rate;
    struct metric best;
    bool has_best;
    struct snapshot_set *snapshots; // a reference, or NULL; those beyond `step` do not count
};
bool run_save(const struct run *r, struct run_checkpoint *out, struct error *e);
// Refuses a picture of another shape, saying what differs.
bool run_restore(struct run *r, const struct run_checkpoint *from, struct error *e);
void run_checkpoint_free(struct run_checkpoint *c);

#endif
