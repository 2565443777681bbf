// SPDX-License-Identifier: GPL-3.0-or-later
// Everything that decides how a language model is trained, as one flat struct and a table over it: options of
// the command line, the checkpoint's record, and help are made from the table.
//
// A recipe is a set of defaults:
//   small          what made small models from nothing learn, and learn to find words of a text again:
//                  heads that from the start look at the neighbouring position, or at the same token
//                  elsewhere, and copy what they find (lm_start.h). The rate of q is 0.18 = 1/sqrt(32) times
//                  the others': T5 keeps the scaling of attention in q, so that q is that much smaller than
//                  in other transformers and the optimizer, whose steps do not know sizes, moves it that much
//                  too far (with the same rate for all, 1e-3 stays flat where 5e-4 learns). Batches of 2048
//                  tokens: per token they did as well as larger ones or better, and steps come sooner.
//                  Validation loss after a million tokens of questions about small worlds (150,000 documents
//                  of meadow's dense_text, closing, batches of 1024, d_model 192, 4 + 4 layers): 2.01 without
//                  matching and copying heads, 1.65 with them at rate 5e-4, 1.60 at 1e-3 with query-rate
//                  0.18, 1.50 with branch-sd 0.3 as well
//   hugging-face   the initialisation of transformers' T5 and span corruption as in T5
//   adapt          for a model that is there already: prefix LM, small constant rate (LM adaptation)
#ifndef PROMPTER_ENGINE_PRETRAIN_LM_SETTINGS_H
#define PROMPTER_ENGINE_PRETRAIN_LM_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/base/json.h"
#include "engine/tune/schedule.h"

#define LM_MOST_RATE 100.0

enum lm_recipe { LM_SMALL, LM_HUGGING_FACE, LM_ADAPT };
enum lm_optimizer { LM_ADAMW, LM_ADAFACTOR };
enum lm_kind { LM_SPANS, LM_SPAN, LM_SUFFIX, LM_PREFIX, LM_CLOSING, LM_KINDS }; // see lm_objective.h
const char *lm_kind_name(enum lm_kind kind);

struct lm_settings {
    // the model, when it is made from nothing
    size_t d_model, d_ff, heads, d_kv, layers, decoder_layers; // decoder_layers 0: as layers
    size_t tied;                                               // 1: the head is the embedding
    size_t vocabulary;                                         // pieces, when one is trained
    double embedding_sd, head_sd, local_heads, match_heads, copy_heads, branch_sd; // see lm_start.h
    // the examples
    double mix[LM_KINDS]; // shares of the objectives
    double noise, mean_span;
    size_t suffix_tokens, closing_words, max_tokens, batch_tokens, accumulate;
    double closing_anywhere; // chance
    // the optimizer
    enum lm_optimizer optimizer;
    enum schedule_kind schedule;
    double rate, beta1, beta2, weight_decay, clip, embedding_rate, bias_rate, query_rate, dropout;
    size_t warmup, steps;
    // validation
    double validation; // share of the documents held back
    size_t validation_documents, validation_every;
    size_t save_seconds;
    size_t seed;
};

struct lm_settings lm_settings_recipe(enum lm_recipe recipe);
bool lm_recipe_find(const char *name, enum lm_recipe *out);

struct lm_setting {
    const char *name; // "batch-tokens"
    const char *argument, *help;
    bool any_time; // may be changed when a run is resumed
};
enum { LM_MOST_SETTINGS = 48 };
extern const struct lm_setting lm_setting_table[];
extern const size_t lm_setting_count;

// Whether the setting makes a new model: one that is trained further has it already.
bool lm_setting_is_of_new_model(size_t i);
// The value as text is checked against its range; i < lm_setting_count.
bool lm_settings_set(struct lm_settings *s, size_t i, const char *text, struct error *e);
void lm_settings_get(const struct lm_settings *s, size_t i, char *text, size_t size);
// What no single value shows: sizes that do not fit together.
bool lm_settings_check(const struct lm_settings *s, struct error *e);

// All of them as an object of strings, and back (absent ones keep their value).
cJSON *lm_settings_json(const struct lm_settings *s);
bool lm_settings_read(struct lm_settings *s, const cJSON *object, struct error *e);

#endif
