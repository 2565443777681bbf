// SPDX-License-Identifier: GPL-3.0-or-later
// What `prompter corpus` says about texts that exist: their statistics, and what they share with tasks.
#ifndef PROMPTER_TUI_CLI_TEXT_H
#define PROMPTER_TUI_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "tui/cli_options.h"

// Documents, sentences, words; the `words` most frequent words.
bool text_print_statistics(const char *const *file, size_t files, size_t words, bool json, struct error *e);
// Sentences of the tasks (names or folders; none: all shipped ones) that occur in the files. *found: how
// many.
bool text_print_overlap(const char *const *file, size_t files, const struct cli_values *tasks, bool json,
                        size_t *found, struct error *e);

#endif
