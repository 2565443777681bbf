// SPDX-License-Identifier: GPL-3.0-or-later
// The run as it is after each step, so that a program that is killed loses no more than the step in flight.
//
// Two files, prompts/step-1.safetensors and step-2.safetensors, are written in turn, in place, and without
// waiting for the disk: what write() has taken outlives the program, though not the machine's power, against
// which last.safetensors is kept. Each is a checkpoint (checkpoint.h) with a sum over all its bytes in
// __metadata__, so that one that was being written is told from one that is whole; the other then counts.
//
// The price is bounded: a step whose keeping would bring the time spent on it above STEP_FILE_SHARE of all
// time since the files were opened is passed over.
#ifndef PROMPTER_SESSIONS_STEP_FILE_H
#define PROMPTER_SESSIONS_STEP_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "checkpoint.h"
#include "engine/base/memory.h"

#define STEP_FILE_SHARE 0.05 // of the time
enum { STEP_FILES = 2 };
extern const char *const step_file_names[STEP_FILES]; // "step-1.safetensors", ...

struct step_files { // zero-initialise, then step_files_reset
    int fd[STEP_FILES];
    size_t next;         // which is written next
    struct buffer bytes; // of the file, kept for the next one
    double since, spent; // seconds of clock_seconds: first use, and all writing so far
};
// Nothing is open; `next` is written first.
void step_files_reset(struct step_files *f, size_t next);
// Closes them; reset comes before any further use.
void step_files_close(struct step_files *f);
// Whether keeping a step now stays within the share.
bool step_files_due(struct step_files *f, double now);
// Keeps it in the file whose turn it is, in the folder `prompts`, which is made. After a failure the other
// file still holds what it held.
bool step_files_write(struct step_files *f, const char *prompts, const struct run_checkpoint *c,
                      const struct checkpoint_origin *origin, struct error *e);
// Reads one that is whole; false, with why, for any other.
bool step_file_read(struct run_checkpoint *out, struct checkpoint_origin *origin, const char *path,
                    struct error *e);

#endif
