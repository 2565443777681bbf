// SPDX-License-Identifier: GPL-3.0-or-later
// A tree of splits over an area. Shares are kept, not cells, so that sizes survive another terminal size.
#include "panes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_split(int part, const struct pane_spec *s) {
    return part < 0 && (size_t)-part < s->splits;
}

static double share_of(const struct panes *p, const struct pane_spec *s, size_t split) {
    double kept = p->share[s->layout][split];
    return kept > 0 ? kept : s->split[split].share;
}

// Cells of the first part: its share, but both keep their least; where that is too much for the area, the
// least sizes are shrunk alike.
static int first_size(const struct pane_split *split, double share, int size) {
    int least = split->least_first, rest = split->least_second, wanted = (int)(share * size + 0.5);
    if (size < 1)
        return 0;
    if (least + rest > size) {
        least = least * size / (least + rest);
        rest = size - least;
    }
    if (wanted > size - rest)
        wanted = size - rest;
    return wanted < least ? least : wanted;
}

// Areas of all splits and panes; a part of a split comes after it in the table, so one pass is enough.
static void divide(const struct panes *p, const struct pane_spec *s, struct area a,
                   struct area whole[PANES_MOST], struct area out[PANES_MOST]) {
    whole[0] = a;
    for (size_t i = 0; i < s->panes && i < PANES_MOST; i++)
        out[i] = s->splits ? (struct area){0} : a;
    for (size_t i = 0; i < s->splits && i < PANES_MOST; i++) {
        const struct pane_split *split = &s->split[i];
        struct area part[2];
        if (split->direction == PANE_ROWS) {
            int first = first_size(split, share_of(p, s, i), whole[i].rows);
            part[0] = area_rows(whole[i], 0, first);
            part[1] = area_rows(whole[i], first, whole[i].rows - first);
        } else {
            int first = first_size(split, share_of(p, s, i), whole[i].columns);
            part[0] = area_columns(whole[i], 0, first);
            part[1] = area_columns(whole[i], first, whole[i].columns - first);
        }
        for (int k = 0; k < 2; k++) {
            int what = k ? split->second : split->first;
            if (is_split(what, s))
                whole[-what] = part[k];
            else
                out[what] = part[k];
        }
    }
}

void panes_layout(const struct panes *p, const struct pane_spec *s, struct area a,
                  struct area out[PANES_MOST]) {
    struct area whole[PANES_MOST] = {0};
    if (!p->zoomed) {
        divide(p, s, a, whole, out);
        return;
    }
    for (size_t i = 0; i < s->panes && i < PANES_MOST; i++)
        out[i] = i == p->focus ? a : (struct area){0};
}

int panes_at(const struct panes *p, const struct pane_spec *s, struct area a, int row, int column) {
    struct area out[PANES_MOST];
    panes_layout(p, s, a, out);
    for (size_t i = 0; i < s->panes && i < PANES_MOST; i++)
        if (row >= out[i].row && row < out[i].row + out[i].rows && column >= out[i].column &&
            column < out[i].column + out[i].columns)
            return (int)i;
    return -1;
}

// Whether the pane lies in this part, at any depth.
static bool holds(const struct pane_spec *s, int part, size_t pane) {
    if (!is_split(part, s))
        return part == (int)pane;
    return holds(s, s->split[-part].first, pane) || holds(s, s->split[-part].second, pane);
}

// The innermost border of this direction that the focused pane touches; -1: none.
static int border_of(const struct panes *p, const struct pane_spec *s, enum pane_direction direction) {
    int found = -1;
    for (size_t i = 0; i < s->splits && i < PANES_MOST; i++)
        if (s->split[i].direction == direction &&
            (holds(s, s->split[i].first, p->focus) || holds(s, s->split[i].second, p->focus)))
            found = (int)i;
    return found;
}

// Moves the border so that the focused pane grows (by 1) or shrinks (by -1). Counted from where the border is
// drawn, so that a key pressed at a limit is not saved up.
static bool move_border(struct panes *p, const struct pane_spec *s, struct area a,
                        enum pane_direction direction, int by) {
    struct area whole[PANES_MOST] = {0}, out[PANES_MOST];
    int at = border_of(p, s, direction);
    if (at < 0)
        return false;
    divide(p, s, a, whole, out);
    const struct pane_split *split = &s->split[at];
    int size = direction == PANE_ROWS ? whole[at].rows : whole[at].columns;
    int now = first_size(split, share_of(p, s, (size_t)at), size);
    int next = now + (holds(s, split->first, p->focus) ? by : -by);
    double share = size > 0 ? (double)next / size : 0;
    if (next < 1 || next >= size || first_size(split, share, size) != next)
        return false;
    p->share[s->layout][at] = share;
    return true;
}

static bool set_sizes_back(struct panes *p, const struct pane_spec *s) {
    bool changed = false;
    for (size_t i = 0; i < s->splits; i++) {
        changed = changed || p->share[s->layout][i] > 0;
        p->share[s->layout][i] = 0;
    }
    return changed;
}

bool panes_request(struct panes *p, const struct pane_spec *s, struct area a, enum request r, bool *resized) {
    bool moved = false;
    switch (r) {
    case REQUEST_FOCUS_NEXT:
        p->focus = (p->focus + 1) % s->panes;
        return true;
    case REQUEST_FOCUS_PREVIOUS:
        p->focus = (p->focus + s->panes - 1) % s->panes;
        return true;
    case REQUEST_ZOOM:
        p->zoomed = !p->zoomed;
        return true;
    case REQUEST_BACK:
        if (!p->zoomed)
            return false;
        p->zoomed = false;
        return true;
    case REQUEST_WIDER:
    case REQUEST_NARROWER:
        moved = !p->zoomed && move_border(p, s, a, PANE_COLUMNS, r == REQUEST_WIDER ? 1 : -1);
        break;
    case REQUEST_TALLER:
    case REQUEST_SHORTER:
        moved = !p->zoomed && move_border(p, s, a, PANE_ROWS, r == REQUEST_TALLER ? 1 : -1);
        break;
    case REQUEST_PANE_SIZES:
        moved = set_sizes_back(p, s);
        break;
    default:
        return false;
    }
    if (resized && moved)
        *resized = true;
    return moved;
}

// ---- keeping ----

static void print_layout(const double share[PANES_MOST], const struct pane_spec *s, struct buffer *out) {
    bool any = false;
    for (size_t i = 0; i < s->splits; i++)
        any = any || share[i] > 0;
    if (!any)
        return;
    buffer_add_text(out, s->name);
    for (size_t i = 0; i < s->splits; i++)
        buffer_printf(out, " %.4f", share[i]);
    buffer_add_char(out, '\n');
}

void panes_print(const struct panes *p, struct buffer *out) {
    for (size_t i = 0; i < PANES_LAYOUTS; i++)
        if (p->spec[i])
            print_layout(p->share[i], p->spec[i], out);
}

void panes_read(struct panes *p, const struct pane_spec *s, const char *text) {
    size_t name = strlen(s->name);
    if (p->spec[s->layout])
        return;
    p->spec[s->layout] = s;
    for (const char *end; *text; text = *end ? end + 1 : end) {
        double share[PANES_MOST] = {0};
        size_t n = 0;
        end = text + strcspn(text, "\n");
        if (strncmp(text, s->name, name) != 0 || text[name] != ' ')
            continue;
        const char *at = text + name;
        for (char *after; at < end && n < PANES_MOST; at = after) {
            double x = strtod(at, &after);
            if (after == at || after > end || !(x >= 0 && x < 1))
                break;
            share[n++] = x;
        }
        if (n == s->splits && at + strspn(at, " \r") >= end)
            memcpy(p->share[s->layout], share, sizeof share);
    }
}
