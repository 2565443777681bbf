// SPDX-License-Identifier: GPL-3.0-or-later
// How far a grid of runs is, as a table: a row for each method, a column for each task, in each cell how many
// seeds are done of how many ("3/5"), "*" after it while one of them runs, or else "!" where one failed.
#ifndef PROMPTER_TUI_CLI_BOARD_H
#define PROMPTER_TUI_CLI_BOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/memory.h"
#include "sessions/experiment.h"

enum board_state { BOARD_WAITS, BOARD_RUNS, BOARD_DONE, BOARD_FAILED };

// Appends the table of the cells and `line` under it, at most `columns` wide and `rows` high, without a last
// newline. Where there are several sets of label words, a method has a row for each. Rows and columns without
// a cell are left out. Names of tasks and methods are shortened where the width asks for it, the line is cut.
// False, and nothing is appended, where the table does not fit, or without memory: then the line has to do
// alone. Pure.
bool cli_board_print(struct buffer *out, const struct experiment *x, const struct experiment_cell *cell,
                     const enum board_state *state, size_t cells, const char *line, size_t columns,
                     size_t rows);

#endif
