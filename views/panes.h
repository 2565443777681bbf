// SPDX-License-Identifier: GPL-3.0-or-later
// Panes of a screen: where they are, which has the keys, which has the whole screen, and sizes that a person
// changes and finds again at the next start.
//
// A screen says once how its area is divided, as a table of splits; split 0 is the whole area:
//
//   static const struct pane_split WIDE[] = {
//       {PANE_ROWS, 0.6, 5, 3, PANE_SPLIT(1), PANE_WORDS},      // above: split 1; below: the words
//       {PANE_COLUMNS, 0.5, 20, 20, PANE_LOSS, PANE_ACCURACY}}; // beside each other
//   static const struct pane_spec SPEC = {"run", WIDE, 2, PANE_COUNT, 0};
//
// It keeps one `struct panes`, hands both out in view.panes (views/workbench.h), and draws into what
// panes_layout gives. A screen that is divided otherwise when it is narrow or tall has another spec for that
// with another `layout` number, and chooses by the area; the focus is the same in all of them. Everything
// else is done by the workbench: Tab, Shift-Tab, z (and Esc out of it), the keys that move borders, the
// mouse, and keeping sizes in $XDG_STATE_HOME/prompter/panes. A view that answers one of these requests
// itself keeps that for itself: its `request` is asked first.
#ifndef PROMPTER_VIEWS_PANES_H
#define PROMPTER_VIEWS_PANES_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/base/memory.h"
#include "tui/grid.h"
#include "tui/request.h"

enum { PANES_MOST = 8, PANES_LAYOUTS = 4 };
enum pane_direction { PANE_ROWS, PANE_COLUMNS }; // one above the other, beside each other

// A part of a split is a pane by its number, or another split of the table, which must come later in it.
#define PANE_SPLIT(index) (-(index))

struct pane_split {
    enum pane_direction direction;
    double share;                  // of the first part, until somebody moves the border: 0..1
    int least_first, least_second; // rows or columns, as far as the area allows
    int first, second;
};
struct pane_spec {
    const char *name; // under which sizes are kept: lower-case letters and '-'; one for each layout
    const struct pane_split *split;
    size_t splits, panes; // panes at most PANES_MOST, and splits = panes - 1
    size_t layout;        // 0 .. PANES_LAYOUTS - 1, its own among the specs of one screen
};

struct panes {
    size_t focus;
    bool zoomed;
    double share[PANES_LAYOUTS][PANES_MOST];     // per split; 0: as the spec has it
    const struct pane_spec *spec[PANES_LAYOUTS]; // those whose kept sizes were looked up; borrowed
};

// The area of every pane. While zoomed the focused one has all of it and the others have no rows and columns:
// draw a pane only if panes_shown.
void panes_layout(const struct panes *p, const struct pane_spec *s, struct area a,
                  struct area out[PANES_MOST]);
static inline bool panes_shown(struct area a) {
    return a.rows > 0 && a.columns > 0;
}
// The pane at a cell (in the coordinates of `a`), or -1.
int panes_at(const struct panes *p, const struct pane_spec *s, struct area a, int row, int column);

// FOCUS_NEXT, FOCUS_PREVIOUS, ZOOM, BACK (while zoomed), and WIDER, NARROWER, TALLER, SHORTER, which move the
// border of the focused pane by one cell; PANE_SIZES puts all borders back. False for any other request, and
// where there is nothing to do. *resized (may be NULL) is set when a border moved.
bool panes_request(struct panes *p, const struct pane_spec *s, struct area a, enum request r, bool *resized);

// The sizes of every layout seen, a line "NAME SHARE SHARE ..." each (none where no border was moved).
void panes_print(const struct panes *p, struct buffer *out);
// Once for each spec: takes its sizes from the text of such lines. Shares that are no numbers between 0 and
// 1, or of another count, are left out.
void panes_read(struct panes *p, const struct pane_spec *s, const char *text);

#endif
