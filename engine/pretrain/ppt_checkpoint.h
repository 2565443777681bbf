// SPDX-License-Identifier: GPL-3.0-or-later
// The state of a prompt's pre-training as one safetensors file: "prompt", "start", "best" [vectors, d_model],
// the optimizer's arrays, and in __metadata__ the settings, the place in the text, the counters, and whatever
// the program keeps beside. Written beside the old one and renamed over it, flushed: a crash at any moment
// leaves one of the two whole. A run that is resumed from it goes on to the bit.
#ifndef PROMPTER_ENGINE_PRETRAIN_PPT_CHECKPOINT_H
#define PROMPTER_ENGINE_PRETRAIN_PPT_CHECKPOINT_H

#include "engine/pretrain/ppt_trainer.h"

// What can be known before the run is set up again. Release with ppt_record_release.
struct ppt_record {
    struct ppt_settings settings;
    size_t step;
    uint64_t fingerprint; // of the corpus; 0 for cls
    char *kept;           // the text given to write; owned
};
void ppt_record_release(struct ppt_record *r);

// `kept` is any UTF-8 text (without NUL) of the program's own.
bool ppt_checkpoint_write(const char *path, struct ppt_trainer *t, const struct corpus *corpus,
                          const char *kept, struct error *e);
// Messages begin with the path.
bool ppt_checkpoint_look(struct ppt_record *out, const char *path, struct error *e);
// Into a trainer that was made with the record's settings and text and the model it was begun with. Says what
// does not fit; the trainer is then of no use.
bool ppt_checkpoint_load(const char *path, struct ppt_trainer *t, const struct corpus *corpus,
                         struct error *e);

#endif
