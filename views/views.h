// SPDX-License-Identifier: GPL-3.0-or-later
// The screens there are, in the order of their tabs; help has no tab and comes last.
#ifndef PROMPTER_VIEWS_VIEWS_H
#define PROMPTER_VIEWS_VIEWS_H

#include "views/workbench.h"

extern const struct view view_pattern, view_data, view_run, view_prompt, view_try, view_compare, view_learn,
    view_help;

enum {
    VIEW_PATTERN,
    VIEW_DATA,
    VIEW_RUN,
    VIEW_PROMPT,
    VIEW_TRY,
    VIEW_COMPARE,
    VIEW_LEARN,
    VIEW_HELP, // last: it has no tab
    VIEW_COUNT
};
extern const struct view *const view_list[VIEW_COUNT];

#endif
