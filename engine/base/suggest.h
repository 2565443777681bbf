// SPDX-License-Identifier: GPL-3.0-or-later
// "Did you mean": the name that a mistyped one most likely stands for.
#ifndef PROMPTER_ENGINE_BASE_SUGGEST_H
#define PROMPTER_ENGINE_BASE_SUGGEST_H

#include <stddef.h>

// The one of `count` names that is nearest to `word`: by single-letter changes and swaps of neighbours, case
// aside, at most a third of the word's letters (at least one). NULL when none is that near. Points into
// names; bytes beyond the first 63 of either side are not looked at.
const char *suggest_nearest(const char *word, const char *const *names, size_t count);

#endif
