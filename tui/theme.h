// SPDX-License-Identifier: GPL-3.0-or-later
// What each style role looks like: colours and attributes, by theme.
//
// No theme sets a background, apart from reversed cells, so the terminal's own stays. With 256 colours the
// default theme takes those that stand out from black and from white alike; with eight it has to guess a dark
// background unless COLORFGBG, which some terminals set, tells of a light one. Good, warning and bad differ
// in attributes, too, so that nothing that matters is told by colour alone.
// There is one terminal: the theme in use is this file's, of the UI thread.
#ifndef PROMPTER_TUI_THEME_H
#define PROMPTER_TUI_THEME_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/grid.h"

enum look_attribute { LOOK_BOLD = 1, LOOK_DIM = 2, LOOK_UNDERLINE = 4, LOOK_REVERSE = 8 };
enum { LOOK_OWN_COLOUR = -1 }; // the terminal's own

struct look {
    short colour; // a number of the palette, or LOOK_OWN_COLOUR
    unsigned attributes;
};

struct theme {
    const char *name, *help;
};
const struct theme *theme_at(size_t index); // NULL behind the last
const struct theme *theme_now(void);
// By name; false (and nothing changes) when there is none.
bool theme_set(const char *name);
// "default, high-contrast, monochrome"
const char *theme_names(void);

enum background { BACKGROUND_UNKNOWN, BACKGROUND_DARK, BACKGROUND_LIGHT };
// What COLORFGBG says ("15;0", "0;default;15"; NULL: not set).
enum background theme_background(const char *colorfgbg);

// The look of a role in the present theme with this many colours (below 8: none).
struct look theme_look(enum style s, int colours, enum background b);
// The look without colours as a letter: '.' plain, 'b' bold, 'd' dim, 'u' underlined, 'r' reversed, 'B' bold
// and underlined, 'R' bold and reversed, 'U' underlined and reversed, '*' any other.
char theme_letter(enum style s);

#endif
