// SPDX-License-Identifier: GPL-3.0-or-later
// Making and sharing the read-only parts of what is open; for engine.c alone, views see struct workspace.
#ifndef PROMPTER_ENGINE_WORKSPACE_H
#define PROMPTER_ENGINE_WORKSPACE_H

#include "engine/engine.h"

// Loads tokenizer and task, makes the split, parses template and label words. Takes the setup, also on
// failure.
bool workspace_make(struct workspace **out, const struct model *model, struct engine_setup *take_setup,
                    struct error *e);

#endif
