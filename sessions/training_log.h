// SPDX-License-Identifier: GPL-3.0-or-later
// The log of a training (prompter lm, prompter pretrain), read for those who draw its curves: while it grows,
// after its end, from this program or another.
//
// The log is what --json prints: a JSON object a line, {"event": "open" | "step" | "rate" | "validation" |
// "checkpoint" | "stopped" | "failed" | "done", "step": N, ...}. A run keeps it beside what it makes:
// DIR/training.jsonl for a model, NAME.training.jsonl for a prompt NAME.safetensors; long runs leave steps
// out. A run that goes on opens it again: what came after the step it goes on from is then forgotten. Lines
// that cannot be read are counted and left out; unknown events and members are no mistake.
#ifndef PROMPTER_SESSIONS_TRAINING_LOG_H
#define PROMPTER_SESSIONS_TRAINING_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum training_kind { TRAINING_MODEL, TRAINING_PROMPT };
enum training_end { TRAINING_OPEN, TRAINING_WAS_STOPPED, TRAINING_HAS_FAILED, TRAINING_DONE };

// Columns of numbers over steps; NaN where there is none.
enum training_column {
    TRAINING_LOSS,
    TRAINING_ACCURACY, // of a batch; prompts alone
    TRAINING_RATE,
    TRAINING_GRADIENT,
    TRAINING_SPEED, // tokens or examples a second
    TRAINING_STEP_COLUMNS,
    TRAINING_VALIDATION_LOSS = TRAINING_STEP_COLUMNS,
    TRAINING_VALIDATION_ACCURACY,
    TRAINING_PART, // what parts of the validation examples say: a model's loss by objective, a prompt's
                   // accuracy by class and, where it varies, by number of options
    TRAINING_MOST_PARTS = 32,
    TRAINING_PART_LOSS = TRAINING_PART + TRAINING_MOST_PARTS, // a prompt's loss of the same parts
    TRAINING_COLUMNS = TRAINING_PART_LOSS + TRAINING_MOST_PARTS
};
enum training_parts { PARTS_BY_OBJECTIVE, PARTS_BY_OPTIONS, PARTS_BY_CLASS, TRAINING_PART_KINDS };

struct training_mark { // a change of the rate by hand
    size_t step;
    double rate;
};
enum { TRAINING_MOST_MARKS = 64 };

struct training_log {
    char *path; // of the file
    enum training_kind kind;
    enum training_end end;
    char title[160];   // "language model, 1.2M parameters"
    char made_of[160]; // what it is made of, for people: "vocabulary 4000, 1.2 MB of text"
    char result[512];  // "done": the folder or file that was made
    char failure[512]; // "failed"
    size_t steps;      // in all
    size_t last;       // the last step that anything was told of
    size_t kept;       // step of the last checkpoint; 0: none
    double left;       // seconds, as the run said; NaN: unknown
    double best;       // lowest validation loss; NaN: none
    size_t best_step;
    size_t step_count, validation_count;     // lengths of the columns
    float *step_x, *validation_x;            // steps
    float *column[TRAINING_COLUMNS];         // [step_count] or [validation_count]
    char part_name[TRAINING_MOST_PARTS][32]; // "spans", "16", "yes"
    enum training_parts part_kind[TRAINING_MOST_PARTS];
    size_t parts;
    struct training_mark mark[TRAINING_MOST_MARKS];
    size_t marks;
    size_t unreadable; // lines
    bool more;         // the file goes on: it is read in parts, so that nobody at a screen waits for it
    // How it is read.
    int fd;
    uint64_t at;
    size_t stride; // of steps that are kept
    size_t capacity[TRAINING_COLUMNS], step_capacity, validation_capacity;
    struct buffer *rest; // a line that has no end yet
};

// The log of a model's folder, of a prompt's file (with .safetensors or without), or a log itself. Owned.
char *training_log_path(const char *what, struct error *e);
// Reads what is there, or its beginning.
bool training_log_open(struct training_log **out, const char *what, struct error *e);
void training_log_close(struct training_log *log); // NULL is fine
// Reads what was added since, at most a hundred kilobytes at once; *news (may be NULL) tells whether there
// was anything. A file that has become shorter is read anew.
bool training_log_follow(struct training_log *log, bool *news, struct error *e);

#endif
