// SPDX-License-Identifier: GPL-3.0-or-later
// The mouse: a press on a tab shows the screen, one on a pane gives it the focus, the wheel scrolls; a view
// that knows better is asked first.
#include "panes.h"
#include "workbench_state.h"

enum { WHEEL_ROWS = 3 };

static bool inside(struct area a, int row, int column) {
    return row >= a.row && row < a.row + a.rows && column >= a.column && column < a.column + a.columns;
}

static void focus_at(struct workbench *w, int row, int column) {
    struct panes *panes;
    const struct pane_spec *s = workbench_panes(w, w->screen, w->content, &panes);
    int at = s ? panes_at(panes, s, w->content, row, column) : -1;
    if (at >= 0)
        panes->focus = (size_t)at;
}

static void scroll(struct workbench *w, bool up, double now) {
    for (int i = 0; i < WHEEL_ROWS; i++)
        workbench_request(w, up ? REQUEST_UP : REQUEST_DOWN, NULL, now);
}

void workbench_mouse(struct workbench *w, struct key k, double now) {
    const struct view *v = view_list[w->screen];
    bool press = k.character == MOUSE_PRESS;
    int tab = press ? frame_tab_at(w, k.row, k.column) : -1;
    if (tab >= 0) {
        workbench_request(w, view_list[tab]->screen, NULL, now);
        return;
    }
    if (!inside(w->content, k.row, k.column))
        return;
    if (!w->overlay.text && v->mouse && v->mouse(w->view_state[w->screen], w, w->content, k, now))
        return;
    if (!w->overlay.text)
        focus_at(w, k.row, k.column);
    if (!press)
        scroll(w, k.character == MOUSE_WHEEL_UP, now);
}
