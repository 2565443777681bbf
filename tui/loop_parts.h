// SPDX-License-Identifier: GPL-3.0-or-later
// What the terminal's loop and the script's have in common.
#ifndef PROMPTER_TUI_LOOP_PARTS_H
#define PROMPTER_TUI_LOOP_PARTS_H

#include "tui/loop.h"

// A key goes to the command line if that is open, otherwise to the client; a finished command follows at
// once.
void loop_pass_key(const struct loop_client *client, struct key k, double now);
// The whole frame: the client's picture and the command line over it.
void loop_draw(const struct loop_client *client, struct grid *g, double now);

#endif
