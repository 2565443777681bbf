// SPDX-License-Identifier: GPL-3.0-or-later
// A run's snapshots (engine/tune/snapshots.h) on the disk: a file each,
// prompts/snapshots/SERIAL-STEP.safetensors, which any reader of prompts takes. A file is written once, when
// its snapshot is new, and removed when the snapshot was thinned away, so that keeping one more costs one
// small file however many there are.
//
// The tensor is "soft_prompt", F32 [vectors, width]; __metadata__ has format, step, dev_accuracy,
// dev_macro_f1, dev_loss (absent: not scored), model, and sum: the CRC-32 of the tensor's bytes in eight
// hexadecimal digits, by which a file that the disk did not get whole is told.
#ifndef PROMPTER_SESSIONS_SNAPSHOT_FILES_H
#define PROMPTER_SESSIONS_SNAPSHOT_FILES_H

#include <stdbool.h>

#include "engine/tune/run.h"

// Makes the folder PROMPTS/snapshots hold what `now` (may be NULL: none) has. *disk is the set that it held
// before, which this function brings up to date (a reference; NULL: unknown, then nothing is removed).
// `wait`: until the disk has them; otherwise they outlive the program, though not the machine's power. On
// failure *disk is what it was, and the next call tries again.
bool snapshot_files_write(const char *prompts, struct snapshot_set *now, struct snapshot_set **disk,
                          bool wait, const char *model_name, struct error *e);

// All that can be read and are of this shape, by serial (one reference, the caller's; NULL if there are
// none). `best` (NULL: none) tells which was best. What cannot be read is left out, and counted in *bad (may
// be NULL). False only without memory or when the folder cannot be read.
bool snapshot_files_read(struct snapshot_set **out, const char *prompts, size_t slots, size_t width,
                         const struct metric *best, size_t *bad, struct error *e);

#endif
