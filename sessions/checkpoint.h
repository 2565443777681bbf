// SPDX-License-Identifier: GPL-3.0-or-later
// What a resumed run needs, as one safetensors file that any reader of prompts can read too: the present
// prompt is the tensor "soft_prompt" (with fine-tuning there is none, and "weights" comes first), the run's
// other arrays follow under their names, and the numbers stand in __metadata__ (hexadecimal floating point,
// so that they come back to the bit).
#ifndef PROMPTER_SESSIONS_CHECKPOINT_H
#define PROMPTER_SESSIONS_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/tune/run.h"

enum { CHECKPOINT_SETUP = 32 }; // room for the mark of a setup

// Where a checkpoint stands among the others of its run.
struct checkpoint_origin {
    char setup[CHECKPOINT_SETUP]; // a mark of what the run was opened with, see session_setup; "" if unknown
    uint64_t serial;              // counts the run's checkpoints; the highest is the newest. 0: not counted
};
bool checkpoint_write_from(const char *path, const struct run_checkpoint *c,
                           const struct checkpoint_origin *origin, struct error *e);
bool checkpoint_read_from(struct run_checkpoint *out, struct checkpoint_origin *origin, const char *path,
                          struct error *e);
// The file's bytes, for whoever writes them otherwise (step_file.h); `sum` (may be NULL) becomes a member of
// __metadata__.
bool checkpoint_print(struct buffer *out, const struct run_checkpoint *c,
                      const struct checkpoint_origin *origin, const char *sum, struct error *e);

// The same without a place among others. `setup` (may be NULL) marks what the run was opened with, see
// session_setup. Atomically.
bool checkpoint_write(const char *path, const struct run_checkpoint *c, const char *setup, struct error *e);
// Everything checkpoint_write was given; setup is "" where there was none. Messages begin with the path.
bool checkpoint_read(struct run_checkpoint *out, char setup[CHECKPOINT_SETUP], const char *path,
                     struct error *e);
// Whether it is of a run of a prompt, and not of fine-tuning.
bool checkpoint_has_prompt(const struct run_checkpoint *c);
// The best prompt alone, with where it was found and how good it was. The checkpoint must have one.
bool checkpoint_write_best(const char *path, const struct run_checkpoint *c, const char *model_name,
                           struct error *e);
// What checkpoint_read allocated.
void checkpoint_release(struct run_checkpoint *c);

#endif
