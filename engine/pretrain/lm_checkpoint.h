// SPDX-License-Identifier: GPL-3.0-or-later
// The state of an LM run as one safetensors file: every weight in f32 under its name, the optimizer's arrays
// as "optimizer.N.what", and in __metadata__ the settings, the place in the corpus, the counters, and
// whatever the program keeps beside. It is written beside the old one and renamed over it, flushed to the
// disk: a crash at any moment leaves one of the two whole. A run that is resumed from it goes on to the bit.
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_CHECKPOINT_H
#define PROMPTER_ENGINE_PRETRAIN_LM_CHECKPOINT_H

#include "engine/pretrain/lm_trainer.h"

// What can be known from a checkpoint before the run is set up again. Release with lm_checkpoint_release.
struct lm_record {
    struct lm_settings settings;
    size_t step;
    bool tied;
    uint64_t fingerprint; // of the corpus
    char *kept;           // the text given to write; owned
};
void lm_checkpoint_release(struct lm_record *r);

// `kept` is any UTF-8 text (without NUL) of the program's own; `corpus` is the trainer's.
bool lm_checkpoint_write(const char *path, struct lm_trainer *t, const struct corpus *corpus,
                         const char *kept, struct error *e);
// Messages begin with the path.
bool lm_checkpoint_look(struct lm_record *out, const char *path, struct error *e);
// Into a trainer that was made with the record's settings and corpus and a model of its shape: weights,
// optimizer, place. Says what does not fit; the trainer is then of no use.
bool lm_checkpoint_load(const char *path, struct lm_trainer *t, const struct corpus *corpus, struct error *e);

#endif
