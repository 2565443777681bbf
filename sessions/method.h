// SPDX-License-Identifier: GPL-3.0-or-later
// The methods of the paper (PPT, section "The methods"), each as one choice: what it sets, and what it needs.
// Sessions and experiments both ask here, so that a method is the same in both.
//
//   fine-tuning    a pattern of words; all weights of the model learn, there is no soft prompt
//   vanilla        soft vectors before the text, no words             start: normal
//   hybrid         soft vectors and a pattern of words                start: normal
//   lm-adaptation  as vanilla, on a model that was trained further    start: normal
//   ppt            as vanilla                                         start: the model's pre-trained prompt
//   hybrid-ppt     as hybrid                                          start: the model's pre-trained prompt
//   unified-ppt    the task rewritten as multiple choice              start: the model's unified prompt
//
// A model's pre-trained prompts lie in its folder: prompts/nsp.safetensors for sentence pairs, nss for
// multiple choice, cls for single sentences, unified for a task rewritten as multiple choice (prompter
// pretrain makes them). Further ones of other seeds are called cls-2.safetensors, cls-3, ...: seed 1 of a run
// begins from the first, seed 2 from the second, and so on in turn, so that seeds vary the pre-training too.
#ifndef PROMPTER_SESSIONS_METHOD_H
#define PROMPTER_SESSIONS_METHOD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"
#include "engine/data/task.h"
#include "engine/pvp/template.h"
#include "engine/tune/settings.h"

// What a pattern is made of: soft vectors alone, with words beside them, words alone, neither; or the
// lettered options of a multiple choice.
enum method_pattern { PATTERN_SOFT, PATTERN_HYBRID, PATTERN_HARD, PATTERN_BARE, PATTERN_CHOICE };

struct method {
    enum run_method method;
    const char *name;  // as the setting "method" has it
    const char *title; // as tables call it
    const char *about; // a sentence or two for people
    enum method_pattern pattern;
    enum prompt_start start;
    double rate; // learning rate to begin with
};
extern const struct method method_table[]; // "custom" is not among them
extern const size_t method_count;
// NULL for METHOD_CUSTOM, and for a name that is none.
const struct method *method_info(enum run_method m);
const struct method *method_find(const char *name);
bool method_unknown(const char *name, struct error *e); // the message that lists them; false

// What a run is by its template and settings, whatever was chosen before something else was changed: its name
// in tables. "no tuning": there are no soft vectors; "unknown": the template cannot be read.
const char *method_title(const char *template_text, const struct run_settings *s);

// Everything that choosing a method sets. Without the prompt it starts from, the error names the command that
// makes one. `base`: the settings before; what the method says nothing about stays as it is.
struct method_choice {
    struct run_settings settings;
    char *template_text; // owned
};
bool method_choose(struct method_choice *out, enum run_method m, const char *model_folder,
                   const struct task *t, const struct run_settings *base, struct error *e);

// The template that a pattern means for a task: the first it suggests of that kind, with `vectors` soft
// vectors (0: as many as it has); where it suggests none, all fields and the mask; with words, those of
// another pattern that it suggests, of which there has to be one. Owned.
char *method_template(const struct task *t, enum method_pattern pattern, size_t vectors, struct error *e);
// The number of vectors of the first soft part becomes `vectors`; the others keep theirs.
void method_set_vectors(struct template *t, size_t vectors);

// Whether a method can be on a model: LM adaptation needs one that was trained further. The message says how
// to make one.
bool method_fits_model(enum run_method method, const char *model_folder, struct error *e);
// The folder MODEL-lm beside a model, if there is one that was trained further. Owned, or NULL.
char *method_adapted_model(const char *model_folder);

// What the prompt of a task is called: "cls", "nsp", "nss"; "unified" where it is rewritten as multiple
// choice.
const char *method_prompt_name(enum task_family family, bool unified);
// The file of a model's pre-trained prompt for a seed (see above). Owned.
char *method_prompt_path(const char *model_folder, const char *name, uint64_t seed, struct error *e);
// The file that START_PRETRAINED means; task_path: the task.json. Owned.
char *method_start_path(const char *model_folder, const char *task_path, const struct run_settings *s,
                        struct error *e);

#endif
