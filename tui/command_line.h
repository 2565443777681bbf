// SPDX-License-Identifier: GPL-3.0-or-later
// The command line in the last row: the only file that knows readline.
//
// Keys go in one by one, a finished line comes out; nothing here touches a terminal, so it runs the same in
// a script. Editing, history and Ctrl-R are readline's, with the user's inputrc, always in its Emacs mode.
// Tab completes request names and, behind a name, what the client offers; several candidates show in the row
// above. Esc (in a Ctrl-R search: keeps what was found), Ctrl-C and Backspace on an empty line close it.
// Pasted newlines become spaces. There is one command line, as there is one readline.
#ifndef PROMPTER_TUI_COMMAND_LINE_H
#define PROMPTER_TUI_COMMAND_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/error.h"
#include "tui/grid.h"
#include "tui/key.h"
#include "tui/loop.h"

enum { COMMAND_HISTORY = 1000 };

// Makes readline ready and reads the history file, if there is one. `client` (may be NULL) offers completions
// and must outlive the command line. Where the history cannot be read, it is not written either: the command
// line works all the same, but the result is false.
bool command_line_start(const struct loop_client *client, const char *history_path, struct error *e);
// Writes the history, if something new was typed, and forgets it.
bool command_line_stop(struct error *e);

void command_line_open(const char *begin); // begin may be NULL
bool command_line_is_open(void);
void command_line_close(void); // without a command
void command_line_key(struct key k);
// The line that Enter finished, owned, without spaces around it; NULL if there is none.
char *command_line_take(void);
// True once after each change of what is drawn.
bool command_line_changed(void);
// Into the last row, and the candidates into the row above; nothing while closed.
void command_line_draw(struct grid *g);

#endif
