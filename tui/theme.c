// SPDX-License-Identifier: GPL-3.0-or-later
// The themes as tables.
#include "tui/theme.h"

#include <stdlib.h>
#include <string.h>

// Numbers of the palette plus one, so that what is left out is the terminal's own colour. `few` are those of
// the eight base colours.
struct role {
    short any, dark, light; // of 256, on a background that is not known, dark, light
    short few_dark, few_light;
    unsigned colored, plain; // attributes with colours and without
};
#define ALL(c)           (c) + 1, (c) + 1, (c) + 1
#define KNOWN(d, l)      0, (d) + 1, (l) + 1
#define FEW(dark, light) (dark) + 1, (light) + 1
#define OWN              0, 0, 0, 0, 0
#define SAME(attributes) attributes, attributes
#define BOLD             LOOK_BOLD
#define DIM              LOOK_DIM
#define LINE             LOOK_UNDERLINE
#define REVERSE          LOOK_REVERSE

enum { RED = 1, GREEN, YELLOW, BLUE, MAGENTA, CYAN };
// Of the 256: at least 4 to 1 against black and against white (WCAG's contrast ratio).
enum { TEAL = 31, LEAF = 28, AMBER = 130, PLUM = 133, OLIVE = 64, BRICK = 161 };

static const struct role DEFAULT[STYLE_COUNT] = {
    [STYLE_DIM] = {OWN, SAME(DIM)},
    [STYLE_STRONG] = {OWN, SAME(BOLD)},
    [STYLE_TITLE] = {OWN, SAME(BOLD)},
    [STYLE_BORDER] = {OWN, SAME(DIM)},
    [STYLE_FOCUS] = {ALL(TEAL), FEW(CYAN, BLUE), SAME(BOLD)},
    [STYLE_BAR] = {OWN, SAME(REVERSE)},
    [STYLE_TAB_NOW] = {ALL(TEAL), FEW(CYAN, BLUE), SAME(BOLD | REVERSE)},
    [STYLE_KEY] = {ALL(TEAL), FEW(CYAN, BLUE), SAME(BOLD)},
    [STYLE_SELECTED] = {OWN, SAME(REVERSE)},
    [STYLE_CURSOR] = {OWN, SAME(REVERSE | LINE)},
    [STYLE_GOOD] = {ALL(LEAF), FEW(GREEN, GREEN), 0, BOLD},
    [STYLE_WARN] = {ALL(AMBER), FEW(YELLOW, MAGENTA), BOLD, LINE},
    [STYLE_BAD] = {ALL(BRICK), FEW(RED, RED), SAME(BOLD | LINE)},
    [STYLE_ACCENT] = {ALL(PLUM), FEW(MAGENTA, MAGENTA), SAME(BOLD)},
    [STYLE_FIELD] = {ALL(LEAF), FEW(GREEN, GREEN), 0, LINE},
    [STYLE_SOFT] = {ALL(PLUM), FEW(MAGENTA, MAGENTA), SAME(BOLD)},
    [STYLE_MASK] = {ALL(AMBER), FEW(YELLOW, RED), SAME(REVERSE)},
    [STYLE_SPECIAL] = {ALL(TEAL), FEW(CYAN, BLUE), 0, BOLD | LINE},
    [STYLE_SERIES_1] = {ALL(TEAL), FEW(CYAN, BLUE), 0, 0},
    [STYLE_SERIES_2] = {ALL(AMBER), FEW(YELLOW, RED), SAME(BOLD)},
    [STYLE_SERIES_3] = {ALL(PLUM), FEW(MAGENTA, MAGENTA), 0, LINE},
    [STYLE_SERIES_4] = {ALL(OLIVE), FEW(GREEN, GREEN), 0, DIM},
};

// Nothing is dimmed; colours only where the background is known, and then at least 7 to 1 against it.
static const struct role HIGH_CONTRAST[STYLE_COUNT] = {
    [STYLE_STRONG] = {OWN, SAME(BOLD)},
    [STYLE_TITLE] = {OWN, SAME(BOLD)},
    [STYLE_FOCUS] = {KNOWN(51, 18), 0, 0, SAME(BOLD)},
    [STYLE_BAR] = {OWN, SAME(REVERSE | BOLD)},
    [STYLE_TAB_NOW] = {OWN, SAME(BOLD | REVERSE)},
    [STYLE_KEY] = {KNOWN(51, 18), 0, 0, SAME(BOLD | LINE)},
    [STYLE_SELECTED] = {OWN, SAME(REVERSE | BOLD)},
    [STYLE_CURSOR] = {OWN, SAME(REVERSE | LINE)},
    [STYLE_GOOD] = {KNOWN(46, 22), 0, 0, SAME(BOLD)},
    [STYLE_WARN] = {KNOWN(226, 52), 0, 0, SAME(BOLD | LINE)},
    [STYLE_BAD] = {KNOWN(217, 88), 0, 0, SAME(BOLD | REVERSE)},
    [STYLE_ACCENT] = {KNOWN(219, 54), 0, 0, SAME(BOLD)},
    [STYLE_FIELD] = {KNOWN(46, 22), 0, 0, SAME(LINE)},
    [STYLE_SOFT] = {KNOWN(219, 54), 0, 0, SAME(BOLD)},
    [STYLE_MASK] = {OWN, SAME(REVERSE)},
    [STYLE_SPECIAL] = {KNOWN(51, 18), 0, 0, SAME(BOLD | LINE)},
    [STYLE_SERIES_1] = {KNOWN(51, 18), 0, 0, 0, 0},
    [STYLE_SERIES_2] = {KNOWN(226, 52), 0, 0, SAME(BOLD)},
    [STYLE_SERIES_3] = {KNOWN(219, 54), 0, 0, SAME(LINE)},
    [STYLE_SERIES_4] = {KNOWN(46, 22), 0, 0, SAME(BOLD | LINE)},
};

static const struct known_theme {
    struct theme theme;
    const struct role *role;
    bool colours;
} THEMES[] = {
    {{"default", "good on dark and on light terminals"}, DEFAULT, true},
    {{"high-contrast", "nothing dim, more bold and reverse; colours if COLORFGBG tells the background"},
     HIGH_CONTRAST,
     true},
    {{"monochrome", "bold, dim, underline and reverse alone"}, DEFAULT, false},
};
enum { THEME_COUNT = sizeof THEMES / sizeof *THEMES };

static size_t present;

const struct theme *theme_at(size_t index) {
    return index < THEME_COUNT ? &THEMES[index].theme : NULL;
}

const struct theme *theme_now(void) {
    return &THEMES[present].theme;
}

bool theme_set(const char *name) {
    for (size_t i = 0; i < THEME_COUNT; i++)
        if (strcmp(THEMES[i].theme.name, name) == 0) {
            present = i;
            return true;
        }
    return false;
}

const char *theme_names(void) {
    return "default, high-contrast, monochrome";
}

struct look theme_look(enum style s, int colours, enum background b) {
    const struct role *r = &THEMES[present].role[s < STYLE_COUNT ? s : STYLE_PLAIN];
    struct look out = {LOOK_OWN_COLOUR, r->plain};
    if (colours < 8 || !THEMES[present].colours)
        return out;
    short number = colours < 256           ? b == BACKGROUND_LIGHT ? r->few_light : r->few_dark
                   : b == BACKGROUND_LIGHT ? r->light
                   : b == BACKGROUND_DARK  ? r->dark
                                           : r->any;
    return (struct look){(short)(number - 1), r->colored};
}

char theme_letter(enum style s) {
    switch (theme_look(s, 0, BACKGROUND_UNKNOWN).attributes) {
    case 0:
        return '.';
    case BOLD:
        return 'b';
    case DIM:
        return 'd';
    case LINE:
        return 'u';
    case REVERSE:
        return 'r';
    case BOLD | LINE:
        return 'B';
    case BOLD | REVERSE:
        return 'R';
    case REVERSE | LINE:
        return 'U';
    default:
        return '*';
    }
}

// "FOREGROUND;BACKGROUND", sometimes with a word between them; of the 16, 7 and 9 to 15 are light.
enum background theme_background(const char *colorfgbg) {
    const char *last = colorfgbg ? strrchr(colorfgbg, ';') : NULL;
    char *end;
    if (!last || !last[1])
        return BACKGROUND_UNKNOWN;
    long number = strtol(last + 1, &end, 10);
    if (*end || number < 0 || number > 15)
        return BACKGROUND_UNKNOWN;
    return number == 7 || number > 8 ? BACKGROUND_LIGHT : BACKGROUND_DARK;
}
