// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of the program `golden`: a folder of golden values in memory, comparing with it, and the checks.
// Its lines go to the standard output; it ends the program when there is no memory.
#ifndef PROMPTER_TESTS_TOOLS_GOLDEN_H
#define PROMPTER_TESTS_TOOLS_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/json.h"
#include "engine/base/threads.h"
#include "engine/model/model.h"
#include "engine/model/safetensors.h"
#include "engine/model/t5.h"

struct golden {
    const char *folder;
    bool openblas; // OpenBLAS does the large products
    cJSON *json;
    struct safetensors *tensors;
    bool *checked; // [tensors]
    struct thread_pool *pool;
    struct model *model;                 // frozen
    float *prompt;                       // [P, d]
    size_t P, d, examples, decoder_rows; // decoder_rows: of one example
    // The batch with the soft prompt, and without it.
    struct t5_batch batch, plain;
    size_t *offset, *plain_offset, *decoder_offset;
    int32_t *input, *plain_input, *decoder_input, *labels;
    int32_t *label_words;
    size_t label_word_count;
    float *row_weight; // [decoder rows of all]
    size_t lines, off;
};

// ---- open.c ----

// Reads a folder and checks it as far as that goes without computing. Close also after a failure.
bool golden_open(struct golden *g, const char *folder, struct error *e);
void golden_close(struct golden *g);

// ---- compare.c ----

// Largest error allowed: encoder and decoder states and logits; a loss (absolute); a label score in
// golden.json (absolute); a gradient; parameters after a step; a loss while training.
#define GOLDEN_STATES    1e-5
#define GOLDEN_LOSS      1e-5
#define GOLDEN_SCORE     5e-5
#define GOLDEN_GRADIENT  5e-5
#define GOLDEN_EARLY     1e-5
#define GOLDEN_LATE      1e-4
#define GOLDEN_LATE_LOSS 3e-4

struct golden_shape {
    size_t dimensions, of[3];
};
static inline struct golden_shape golden_vector(size_t n) {
    return (struct golden_shape){1, {n}};
}
static inline struct golden_shape golden_matrix(size_t rows, size_t columns) {
    return (struct golden_shape){2, {rows, columns}};
}
static inline struct golden_shape golden_cube(size_t a, size_t b, size_t c) {
    return (struct golden_shape){3, {a, b, c}};
}

// One line of the result. Off unless error <= tolerance.
void golden_line(struct golden *g, const char *name, double error, double tolerance);
void golden_off(struct golden *g, const char *name, const char *why);

// Compare the tensor of that name, if the folder has it. Errors are relative to the largest value wanted
// unless `absolute`.
void golden_compare(struct golden *g, const char *name, const double *got, struct golden_shape shape,
                    double tolerance, bool absolute);
void golden_compare_floats(struct golden *g, const char *name, const float *got, struct golden_shape shape,
                           double tolerance);
// The same with values[...] or values[...][...] or one number (dimensions 0) of golden.json; absolute.
void golden_compare_json(struct golden *g, const cJSON *parent, const char *key, const char *label,
                         const double *got, struct golden_shape shape, double tolerance);

// A line for everything that a folder must hold and this one does not, and for every tensor not compared.
void golden_check_complete(struct golden *g);
bool golden_any(const struct golden *g, const char *prefix); // is there a tensor whose name starts so?

void *golden_must(void *memory); // ends the program if it is NULL

// ---- states.c ----

bool golden_open_pass(struct golden *g, struct t5_pass **pass, struct model *model, enum t5_mode mode,
                      struct error *e);
void golden_check_buckets(struct golden *g);
// Encoder output, logits, label scores, predictions, traces.
bool golden_check_states(struct golden *g, struct error *e);
// Logits and label scores of the pass's last forward.
void golden_check_scores(struct golden *g, struct t5_pass *pass, const char *prefix);

// ---- train.c ----

bool golden_check_gradients(struct golden *g, struct error *e);
bool golden_check_training(struct golden *g, struct error *e);

#endif
