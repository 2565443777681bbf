// SPDX-License-Identifier: GPL-3.0-or-later
// The public face of the engine: a thread that owns the model, commands that go in, what comes out.
//
// UI -> engine: a bounded queue of commands. Engine -> UI: (a) events that are never lost, (b) an append-only
// log of metrics of which a reader copies the new part, (c) the latest picture of the prompt, (d) its
// snapshots so far. The engine never waits for the UI; engine_fd becomes readable when any of them has
// something new. All functions here are called from one UI thread and never block on the model, engine_close
// aside.
//
// What views may call directly, from their own thread, on the read-only parts of a workspace: templates,
// verbalizers, rendering, tokenizer, task (all included below).
#ifndef PROMPTER_ENGINE_ENGINE_H
#define PROMPTER_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/inspect/ablation.h"
#include "engine/inspect/answers.h"
#include "engine/inspect/attention.h"
#include "engine/inspect/beside.h"
#include "engine/inspect/importance.h"
#include "engine/inspect/nearest.h"
#include "engine/inspect/predictions.h"
#include "engine/inspect/projection.h"
#include "engine/inspect/study.h"
#include "engine/inspect/sweep.h"
#include "engine/inspect/word_search.h"
#include "engine/inspect/zero_shot.h"
#include "engine/model/t5.h" // T5_SOFT, for reading what was rendered
#include "engine/model/tokenizer.h"
#include "engine/pretrain/training.h"
#include "engine/pvp/render.h"
#include "engine/pvp/task_parts.h"
#include "engine/pvp/template.h"
#include "engine/pvp/verbalizer.h"
#include "engine/tune/preset.h"
#include "engine/tune/run.h"
#include "engine/tune/settings.h"

struct engine;

// What to work on. Strings owned by the setup; engine_send takes it.
struct engine_setup {
    char *model_folder, *task_path;
    char *data_folder;   // NULL: beside task.json
    char *template_text; // NULL: the task's first
    char *label_words;   // NULL: the task's own (letters for multiple choice)
    char *own_examples;  // JSON Lines (engine/data/task.h), or NULL
    struct run_settings settings;
    float *start_vectors; // [start_count, start_width] for START_FILE and START_PRETRAINED, owned, or NULL
    size_t start_count, start_width;
    struct run_checkpoint *resume; // owned, or NULL
    struct metric *history;        // the log of a resumed run, owned, or NULL
    size_t history_count;
};
void engine_setup_free(struct engine_setup *s); // the members and s itself

// The read-only parts of what is open, shared by reference count. All NULL-safe.
struct workspace {
    char *model_folder, *model_name;
    struct t5_config config;
    size_t parameters, weight_bytes;
    const struct tokenizer *tokenizer;
    const struct task *task;     // what is tuned on
    const struct task *original; // as task.json has it: another one where the method rewrites it
    const struct split *split;
    const struct vocabulary_norms *norms;
    struct engine_setup *setup; // as opened; settings as they were then
    struct template template;
    struct verbalizer verbalizer; // bound
    char *warnings;               // of the verbalizer and the split, one a line; "" if none
    size_t slots, examples_cut;
};
struct workspace *workspace_hold(struct workspace *w);
void workspace_release(struct workspace *w);

enum engine_state {
    ENGINE_EMPTY, // nothing open, or a task that has no example to learn from yet
    ENGINE_LOADING,
    ENGINE_READY, // open, not started
    ENGINE_RUNNING,
    ENGINE_PAUSED,
    ENGINE_TESTING, // scoring the test set, or dev on request
    ENGINE_DONE,    // all steps done
};

enum engine_verb {
    ENGINE_OPEN,      // setup
    ENGINE_RUN,       // until the last step
    ENGINE_PAUSE,     // after the present step
    ENGINE_STEP,      // one update, then paused
    ENGINE_STOP,      // cancels what is going on at once; then paused
    ENGINE_SET_RATE,  // number
    ENGINE_SET_STEPS, // number
    ENGINE_EVALUATE,  // score dev now
    ENGINE_TEST,      // score the test set with the best prompt (the present one if none is best)
    ENGINE_UNDO_TO_BEST,
    ENGINE_UNDO_TO,   // number: a step of which there is a snapshot
    ENGINE_EDIT,      // edit: a change of the prompt by hand (tune/edits.h)
    ENGINE_UNDO_EDIT, // takes the last change by hand, or the last way back, back
    ENGINE_RESTART,   // back to step 0
    ENGINE_KEEP,      // call the keeper now
    ENGINE_STUDY,     // sent by engine_study: look at the desk
};
struct engine_command {
    enum engine_verb verb;
    double number;
    struct engine_setup *setup; // ENGINE_OPEN: taken
    struct prompt_edit *edit;   // ENGINE_EDIT: taken
};
void engine_command_release(struct engine_command *c); // what it takes, where nobody took it

enum engine_event_kind {
    EVENT_STATE,     // state changed
    EVENT_PROGRESS,  // text, done, total: loading, scoring
    EVENT_OPENED,    // workspace: one reference for the receiver
    EVENT_EVALUATED, // metric, evaluation (dev)
    EVENT_BEST,      // metric: a new best on dev
    EVENT_TESTED,    // evaluation (test)
    EVENT_FINISHED,  // all steps done
    EVENT_KEPT,      // text: what the keeper wrote
    EVENT_EDITED,    // metric: a change by hand was made, or taken back
    EVENT_ERROR,     // error: what could not be done; the engine goes on
    EVENT_STEPPED,   // report: after a single step (ENGINE_STEP), what it did
    EVENT_ESTIMATED, // estimate: what the run will cost; once it is open, rests, and no step was made
    EVENT_STUDYING,  // channel, done, total: how far a study is
    EVENT_STUDIED,   // study: finished, failed or cancelled; now the receiver's
};
struct engine_event {
    enum engine_event_kind kind;
    enum engine_state state; // always: the state when the event was made
    size_t done, total;
    struct metric metric;
    struct evaluation evaluation;
    struct workspace *workspace;
    struct step_report report;
    struct run_estimate estimate;
    unsigned channel;
    struct study *study;
    struct error error; // `text` is used for messages of PROGRESS and KEPT too
};

// The latest picture of the prompt.
struct prompt_picture {
    size_t step, slots, width, k;
    float *vectors;          // [slots, width]
    float *norm;             // [slots] L2
    float *drift;            // [slots] L2 distance from the start
    float *cosine_to_start;  // [slots]
    struct near_token *near; // [slots, NEAR_KINDS, k]
    int32_t *start_near;     // [slots] nearest token by cosine at the start
    bool *frozen;            // [slots] the optimizer leaves it alone
    size_t edits;            // changes by hand that can be taken back
    bool near_current; // false while `near` is older than `vectors` (nearest tokens cost time on big models)
};

// Called on the engine's thread when a best prompt was found, when a run pauses, ends or is closed, and on
// ENGINE_KEEP; and with KEEP_STEP after every step, evaluation or change besides, when it has to be quick and
// may do nothing: what it kept need not outlive more than the program.
enum keep_reason { KEEP_BEST, KEEP_PAUSE, KEEP_FINISH, KEEP_CLOSE, KEEP_ASKED, KEEP_STEP };
struct keeper {
    bool (*keep)(void *context, enum keep_reason why, const struct run *run, struct error *e);
    // Every metric as it is made, for the journal.
    void (*metric)(void *context, const struct metric *m);
    void (*test)(void *context, const struct evaluation *test, size_t step);
    void *context;
};

struct engine_options {
    size_t threads;       // 0: as many as there are processors, at most 16
    struct keeper keeper; // members may be NULL
    bool openblas;        // OpenBLAS does the large products instead of our own kernels
};
bool engine_create(struct engine **out, const struct engine_options *options, struct error *e);
// Cancels, keeps, joins. May take as long as one keeper call. NULL is fine.
void engine_close(struct engine *e);

// False (with a message) when the queue is full; what the command takes is freed then.
bool engine_send(struct engine *engine, struct engine_command command, struct error *e);
// Readable when there is something new; cleared by engine_acknowledge, called before reading.
// Hands in a study (engine/inspect/study.h), which comes back with EVENT_STUDIED; older ones of its channel
// are cancelled. While nothing is open it comes back with an error.
void engine_study(struct engine *engine, struct study *take);
void engine_cancel_studies(struct engine *engine, unsigned channel); // STUDY_EVERY_CHANNEL: all

int engine_fd(const struct engine *e);
void engine_acknowledge(struct engine *e);
// The next event, oldest first; false when there is none. The receiver owns event.workspace's reference and
// event.study.
bool engine_next_event(struct engine *e, struct engine_event *out);
// Copies metrics [from, from + most) of the open run's log; returns how many. `epoch` (may be NULL) changes
// whenever the log begins anew, or loses its end: read it again from 0 then. What was given before `from` may
// be forgotten, so that a long run takes no more memory here than a short one; who needs it keeps it.
size_t engine_metrics(struct engine *e, size_t from, struct metric *out, size_t most, size_t *epoch);
// Gives the latest picture if there is a newer one than the caller has seen; the caller owns it and returns
// the old one here for reuse (*io may be NULL).
bool engine_take_picture(struct engine *e, struct prompt_picture **io);
void prompt_picture_free(struct prompt_picture *p);
// The prompt as it was at the start and at every evaluation (tune/snapshots.h). If there is a newer set than
// *io (NULL: none yet), releases *io and puts the newer one there: the caller then holds it, may read it from
// its own thread without a lock for as long as it holds it, and releases it with snapshot_set_release. A set
// is what the run had at one moment and does not change. A workspace that opens, and a run that starts over,
// give a new one.
bool engine_take_snapshots(struct engine *e, struct snapshot_set **io);

const char *engine_state_name(enum engine_state s); // "ready", "tuning", "paused", ...

#endif
