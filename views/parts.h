// SPDX-License-Identifier: GPL-3.0-or-later
// Small things that several screens write the same way: scores with their counts, sizes, durations, pieces,
// and the few symbols beyond ASCII with their plain stand-ins.
#ifndef PROMPTER_VIEWS_PARTS_H
#define PROMPTER_VIEWS_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "tui/grid.h"
#include "tui/keymap.h"

enum { PART_SHORT = 64, PART_PIECE = 128 };

// Symbols, and what stands for them in ASCII.
#define PART_SYMBOLS(X)                                                                                      \
    X(DOT, "·", "-")                                                                                         \
    X(TICK, "✓", "+")                                                                                        \
    X(CROSS, "✗", "x")                                                                                       \
    X(RUNNING, "●", "*")                                                                                     \
    X(PAUSED, "‖", "=")                                                                                      \
    X(READY, "○", "o")                                                                                       \
    X(ARROW, "→", "->")                                                                                      \
    X(ELLIPSIS, "…", "...")                                                                                  \
    X(BLOCK, "▒", "#")                                                                                       \
    X(POINTER, "▸", ">")                                                                                     \
    X(CHANGED, "∗", "*")                                                                                     \
    X(CUT_BEGIN, "⟨", "(")                                                                                   \
    X(CUT_END, "⟩", ")")                                                                                     \
    X(TIMES, "×", "x")
enum part_symbol {
#define PART_ENUM(name, wide, plain) SYMBOL_##name,
    PART_SYMBOLS(PART_ENUM)
#undef PART_ENUM
};
const char *part_symbol(const struct grid *g, enum part_symbol s);

void part_count(char out[PART_SHORT], size_t n);               // "640", "3,200", "2.6M", "11B"
void part_exact(char out[PART_SHORT], size_t n);               // "2,627,840"
void part_bytes(char out[PART_SHORT], size_t bytes);           // "5.3 MB"
void part_seconds(char out[PART_SHORT], double s);             // "21 ms", "0.21 s", "13 s", "4 min", "2.1 h"
void part_left(char out[PART_SHORT], double s);                // as seconds, rounded for a countdown
void part_score(char out[PART_SHORT], double share, size_t n); // "0.91 = 29/32"; "-" for NaN
// A piece as it stands in the vocabulary, "▁film"; in ASCII the word mark is an underscore.
void part_piece(char out[PART_PIECE], const struct grid *g, const struct tokenizer *t, int32_t id);
// The key of a request (without its REQUEST_) on a screen, or ":name", for a message; lives as long as the
// block around it.
#define PART_KEY(name, where) keymap_way(REQUEST_##name, where, (char[KEYMAP_KEYS]){0})
// True when the line was written; false (and nothing drawn) when it would not fit before `end`.
bool part_fits(const char *text, int column, int end);
// "label" in dim and the value strong, at a column; the value begins `gap` columns behind the label's start.
void part_field(struct grid *g, struct area a, int row, int column, int gap, int columns, const char *label,
                enum style style, const char *value);

// The first row to show of `count` rows so that `selected` stands near the middle of `visible`.
size_t part_scroll(size_t count, size_t selected, size_t visible);

// What the open run is by its pattern and its start, as tables call it (sessions/method.h).
const char *part_method(const struct workspace *ws);
bool part_fine_tunes(const struct workspace *ws); // all weights learn: there is no soft prompt
// The best dev score of a history, or NULL.
const struct metric *part_best(const struct metric *history, size_t count);
// The last metric of a kind, or NULL.
const struct metric *part_last(const struct metric *history, size_t count, enum metric_kind kind);

#endif
