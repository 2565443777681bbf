// SPDX-License-Identifier: GPL-3.0-or-later
// Everything a tuning run can be told, with defaults, names and limits: one table serves sessions, `:set` and
// help.
#ifndef PROMPTER_ENGINE_TUNE_SETTINGS_H
#define PROMPTER_ENGINE_TUNE_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

// What is learnt (PPT, table of methods). A run asks two things of it: whether all weights learn, and whether
// the task is rewritten as multiple choice; the rest follows from template, start and model, which a choice
// of method sets (sessions/method.h).
enum run_method {
    METHOD_CUSTOM, // a soft prompt as template and start are; nobody chose a method
    METHOD_VANILLA,
    METHOD_HYBRID,
    METHOD_LM_ADAPTATION,
    METHOD_PPT,
    METHOD_HYBRID_PPT,
    METHOD_UNIFIED_PPT, // a prompt, too; the task is rewritten as multiple choice (engine/pvp/as_choice.h)
    METHOD_FINE_TUNING, // all weights, without a prompt
};
// Which loss trains the prompt and how predictions are made (PPT, official code and the cleaner variant).
enum run_loss {
    LOSS_CLEAN,      // cross entropy over the label words at the mask; arg max over them; </s> kept
    LOSS_PAPER_CODE, // mean cross entropy over the whole vocabulary at both decoder positions; arg max over
                     // the whole vocabulary; no </s>
};
enum run_optimizer { RUN_ADAM, RUN_ADAMW, RUN_ADAFACTOR, RUN_SGD };
enum run_schedule { RUN_CONSTANT, RUN_LINEAR, RUN_NOAM, RUN_COSINE };
enum prompt_start {
    START_NORMAL,      // normal, standard deviation start_scale (0: that of the model's embeddings)
    START_VOCABULARY,  // embeddings of pieces drawn from the vocabulary (whole words preferred: the first
                       // 5000)
    START_LABEL_WORDS, // the label words' embeddings in turn, the rest as START_VOCABULARY
    START_TEXT,        // the embeddings of start_text's pieces in turn
    START_FILE,        // a prompt file
    START_UNKNOWN,     // copies of <unk>, the official PPT code's "random" start
    START_PRETRAINED,  // the prompt that was pre-trained for the model and the task's family
    START_FREQUENT,    // as START_VOCABULARY, of the 1000 most frequent pieces alone
    START_TASK_WORDS,  // embeddings of different pieces drawn from the texts of the training examples
};
enum run_own { RUN_OWN_NONE, RUN_OWN_ADDED, RUN_OWN_ONLY }; // as split_own of engine/data/task.h
enum run_pieces { RUN_PIECES_FIRST, RUN_PIECES_MEAN, RUN_PIECES_MAX };

struct run_settings {
    enum run_method method;
    enum run_loss loss;
    enum run_optimizer optimizer;
    enum run_schedule schedule;
    double rate, weight_decay, clip; // clip 0: none
    size_t warmup, steps, batch, evaluate_every;
    enum prompt_start start;
    double start_scale;
    char start_text[512];
    char start_file[512];
    enum run_pieces pieces;
    size_t budget;             // most encoder positions of one input
    size_t shots, total_shots; // training examples a class; or in all
    bool dev_from_train;
    enum run_own own;
    uint64_t seed;
};

void run_settings_default(struct run_settings *s);

// One row for each setting: how it is called in session.json and after ":set".
enum run_setting_kind {
    SETTING_CHOICE, // one of the names in `values`
    SETTING_REAL,   // a finite number in a range
    SETTING_WHOLE,  // a whole number in a range, at most 2^53 so that it survives JSON
    SETTING_FLAG,   // true or false
    SETTING_TEXT,
};
struct run_setting {
    enum run_setting_kind kind;
    const char *name;   // "rate"
    const char *help;   // "learning rate (in the model's own embedding scale)"
    const char *values; // "clean | paper-code", or the range: "0 to 100"
    bool live;          // may change while a run goes on: does not make it another run
};
extern const struct run_setting run_setting_table[];
extern const size_t run_setting_count;

// By name, as text. A wrong name or value is an error that lists what is allowed, and changes nothing. Flags
// also take yes, no, on, off, 1, 0. Numbers read back exactly.
bool run_settings_set(struct run_settings *s, const char *name, const char *value, struct error *e);
// Writes the value as run_settings_set takes it. False for an unknown name.
bool run_settings_get(const struct run_settings *s, const char *name, char *value, size_t size);
bool run_settings_equal(const struct run_settings *a, const struct run_settings *b);
// Equal but for live settings: a kept run can go on with the others.
bool run_settings_same_run(const struct run_settings *a, const struct run_settings *b);

enum { RUN_SETTING_TEXT = 512 }; // room for any value as text

#endif
