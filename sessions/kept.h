// SPDX-License-Identifier: GPL-3.0-or-later
// The best prompts of a session's earlier runs, kept/NNN/prompts/best.safetensors, with what their runs began
// with: to be tried beside the present one.
#ifndef PROMPTER_SESSIONS_KEPT_H
#define PROMPTER_SESSIONS_KEPT_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/prompt_file.h"
#include "sessions/session.h"

enum { KEPT_MOST = 24 }; // the newest ones

struct kept_prompt {
    char *name; // "001", owned
    struct prompt_matrix prompt;
    char *template_text, *label_words; // of its run, as sessions say them; owned
    struct run_settings settings;
    size_t step;         // of the prompt
    double dev_accuracy; // NaN where the file does not say
};
struct kept_prompts {           // zero-initialise
    struct kept_prompt *prompt; // oldest first
    size_t count, capacity;
    size_t left_out; // older ones, and those whose files cannot be read
};
// A session that kept nothing has none. Only a lack of memory or an unreadable folder fails.
bool kept_prompts_read(struct kept_prompts *out, const struct session *s, struct error *e);
void kept_prompts_free(struct kept_prompts *k);

// One of them by the name of its folder, "007", however old. The message says what is not there.
bool kept_prompt_find(struct kept_prompt *out, const struct session *s, const char *name, struct error *e);
void kept_prompt_free(struct kept_prompt *k);
char *kept_prompt_path(const struct session *s, const char *name, struct error *e); // of its file, owned

#endif
