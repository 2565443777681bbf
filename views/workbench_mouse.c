// SPDX-License-Identifier: GPL-3.0-or-later
// The mouse: a press on a tab shows the screen, one on a pane gives it the focus, the wheel scrolls; a view
// that knows better is asked first.
#include "panes.h"
#include "workbench_state.h"

enum { WHEEL_ROWS = 3 };

static bool inside(struct area a, int row, int column) {
    return row >= a.row && row < a.row + a.rows && column >= a.column && column < a.column + a.columns;
}

static void focus_at(struct workbench *w, size_t view, struct area a, struct key k) {
    struct panes *panes;
    const struct pane_spec *s = workbench_panes(w, view, a, &panes);
    int at = s ? panes_at(panes, s, a, k.row, k.column) : -1;
    if (at >= 0)
        panes->focus = (size_t)at;
}

static void scroll(struct workbench *w, bool up, double now) {
    for (int i = 0; i < WHEEL_ROWS; i++)
        workbench_request(w, up ? REQUEST_UP : REQUEST_DOWN, NULL, now);
}

// The pane under it has the focus then; true when the view there did the rest. A screen inside another one
// gets the keys with the pane that it is in.
static bool pointed(struct workbench *w, struct key k, double now) {
    struct inner_view inner;
    struct area a = w->whole;
    size_t at = w->screen, inside_it;
    if (workbench_inner(w, a, &inner, &inside_it) && inside(inner.area, k.row, k.column)) {
        focus_at(w, at, a, k);
        at = inside_it;
        a = inner.area;
    }
    const struct view *v = view_list[at];
    if (v->mouse && v->mouse(w->view_state[at], w, a, k, now))
        return true;
    focus_at(w, at, a, k);
    return false;
}

void workbench_mouse(struct workbench *w, struct key k, double now) {
    bool press = k.character == MOUSE_PRESS;
    int tab = press ? frame_tab_at(w, k.row, k.column) : -1;
    if (tab >= 0) {
        workbench_request(w, view_list[tab]->screen, NULL, now);
        return;
    }
    if (!inside(w->whole, k.row, k.column))
        return;
    if (!w->overlay.text && pointed(w, k, now))
        return;
    if (!press)
        scroll(w, k.character == MOUSE_WHEEL_UP, now);
}
