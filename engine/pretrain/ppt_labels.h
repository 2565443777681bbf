// SPDX-License-Identifier: GPL-3.0-or-later
// Sentences of a corpus with labels that a classifier gave them, for the pre-training task "cls" (PPT): a
// tuned prompt on a task of five levels reads raw sentences, and those of which it is sure stay. As in
// thu-coai/PPT it is sure of the lowest level above 0.95, of the highest above 0.7, of the others above 0.5.
//
// Kept as JSON lines, {"text": "...", "label": 0..4, "p": 0.97}, so that a person can read what the prompt
// will learn from, and write or mend it.
#ifndef PROMPTER_ENGINE_PRETRAIN_PPT_LABELS_H
#define PROMPTER_ENGINE_PRETRAIN_PPT_LABELS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/memory.h"
#include "engine/data/corpus.h"
#include "engine/inspect/mask.h"

enum { PPT_LEVELS = 5 };

struct ppt_labelled {
    char *text;
    size_t label;
    float p;
};
struct ppt_labels {
    struct ppt_labelled *item; // owned
    size_t count, capacity;
    size_t of_level[PPT_LEVELS];
};
void ppt_labels_free(struct ppt_labels *l);
bool ppt_labels_add(struct ppt_labels *l, const char *text, size_t length, size_t label, float p,
                    struct error *e);

struct ppt_classifier { // borrowed
    struct mask_bench *bench;
    const struct pattern *pattern;       // of a single-sentence task with five classes in rising order
    const struct verbalizer *verbalizer; // bound
    const struct render_options *render;
    const float *soft; // [pattern slots, d_model]
};
struct ppt_label_limits {
    double sure[PPT_LEVELS]; // least probability, by level
    size_t most;             // of each level
    size_t sentences;        // most that are looked at; 0: one epoch of the reader
};
struct ppt_label_limits ppt_label_limits_default(void); // the paper's thresholds, 20,000 of each

// How far the labelling is; all zero at the beginning.
struct ppt_label_place {
    struct corpus_position document; // that the next sentence to be looked at is of
    size_t sentence;                 // its number there
    size_t looked_at;                // sentences of at least PPT_LEAST_TOKENS tokens before it
    uint64_t bytes;                  // of the documents before that one
};

// Looks at the reader's sentences of at least PPT_LEAST_TOKENS tokens until every level is full or the text
// ends. It goes on from *place with what *out has by then. progress (may be NULL) is called after each batch.
// Cancelled, it leaves in both what a later call goes on from, and gives the same labels in the end as one
// call would; after any other failure *out is empty.
bool ppt_labels_make(struct ppt_labels *out, struct ppt_label_place *place, const struct ppt_classifier *c,
                     struct corpus_reader *reader, const struct ppt_label_limits *limits,
                     const atomic_bool *cancel,
                     void (*progress)(void *context, const struct ppt_label_place *place,
                                      const struct ppt_labels *so_far),
                     void *context, struct error *e);

bool ppt_labels_write(const char *path, const struct ppt_labels *l, struct error *e);
// Messages name the line.
bool ppt_labels_read(struct ppt_labels *out, const char *path, struct error *e);

// The same with a first line that says how far a labelling is, and of what it is one: `of` is any text that
// another labelling would not have. ppt_labels_read passes over that line.
bool ppt_labels_write_part(const char *path, const struct ppt_labels *l, const struct ppt_label_place *place,
                           const char *of, struct error *e);
// *found is false, and nothing is read, where the file is of another labelling.
bool ppt_labels_read_part(struct ppt_labels *out, struct ppt_label_place *place, bool *found,
                          const char *path, const char *of, struct error *e);

// A number in [0, 1) from the text, which puts copies of a sentence into the same part.
double ppt_label_part(const char *text);

#endif
