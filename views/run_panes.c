// SPDX-License-Identifier: GPL-3.0-or-later
// Where the panes of the Run screen are. There are more of them than places: what has the focus, or what has
// just been found out, takes the second place; the smaller plots have places of their own on large screens.
#include <string.h>

#include "run_inside.h"

enum { WELCOME_ROWS = 5, NUMBER_ROWS = 3, LARGE_NUMBER_ROWS = 5, LARGE_LOW_ROWS = 13 };

// Everything below the curves needs its rows (the second part of the first split) and gets more only when
// somebody moves the border.
#define SMALL(direction, least, rows)                                                                        \
    {                                                                                                        \
        {PANE_ROWS, 1, 3, rows, PANE_SPLIT(1), RUN_LOW}, {                                                   \
            direction, 0.5, least, least, RUN_LOSS, RUN_SECOND                                               \
        }                                                                                                    \
    }
#define LARGE(direction, least)                                                                              \
    {                                                                                                        \
        {PANE_ROWS, 1, 12, LARGE_LOW_ROWS, PANE_SPLIT(1), RUN_LOW},                                          \
            {PANE_ROWS, 0.6, 7, 5, PANE_SPLIT(2), PANE_SPLIT(3)},                                            \
            {direction, 0.5, least, least, RUN_LOSS, RUN_SECOND},                                            \
            {PANE_COLUMNS, 1.0 / 3, 16, 32, RUN_GRADIENT, PANE_SPLIT(4)}, {                                  \
            PANE_COLUMNS, 0.5, 16, 16, RUN_UPDATE, RUN_RATE                                                  \
        }                                                                                                    \
    }
enum { SMALL_SPLITS = 2, LARGE_SPLITS = 5, LARGE_LAYOUT = 2, LEAST_COLUMNS = 18, LEAST_ROWS = 5 };

bool run_is_large(const struct pane_spec *s) {
    return s->layout >= LARGE_LAYOUT;
}

// Below the curves the doctor and the nearest words have a line each, or two; the numbers three, or four.
static bool has_spare(int rows) {
    return rows >= 18;
}

const struct pane_spec *run_panes(void *state, struct area a, struct panes **panes) {
    // By what is below the curves: begun or not, with rows to spare or not; or hardly anything, below a
    // lesson.
    static const struct pane_split beside[4][SMALL_SPLITS] = {
        SMALL(PANE_COLUMNS, LEAST_COLUMNS, 5), SMALL(PANE_COLUMNS, LEAST_COLUMNS, 8),
        SMALL(PANE_COLUMNS, LEAST_COLUMNS, 9), SMALL(PANE_COLUMNS, LEAST_COLUMNS, 1)};
    static const struct pane_split above[4][SMALL_SPLITS] = {
        SMALL(PANE_ROWS, LEAST_ROWS, 5), SMALL(PANE_ROWS, LEAST_ROWS, 8), SMALL(PANE_ROWS, LEAST_ROWS, 9),
        SMALL(PANE_ROWS, LEAST_ROWS, 1)};
    static const struct pane_split large_beside[] = LARGE(PANE_COLUMNS, LEAST_COLUMNS);
    static const struct pane_split large_above[] = LARGE(PANE_ROWS, LEAST_ROWS);
    static const struct pane_spec small[2][4] = {{{"run", beside[0], SMALL_SPLITS, SMALL_SPLITS + 1, 0},
                                                  {"run", beside[1], SMALL_SPLITS, SMALL_SPLITS + 1, 0},
                                                  {"run", beside[2], SMALL_SPLITS, SMALL_SPLITS + 1, 0},
                                                  {"run", beside[3], SMALL_SPLITS, SMALL_SPLITS + 1, 0}},
                                                 {{"run-tall", above[0], SMALL_SPLITS, SMALL_SPLITS + 1, 1},
                                                  {"run-tall", above[1], SMALL_SPLITS, SMALL_SPLITS + 1, 1},
                                                  {"run-tall", above[2], SMALL_SPLITS, SMALL_SPLITS + 1, 1},
                                                  {"run-tall", above[3], SMALL_SPLITS, SMALL_SPLITS + 1, 1}}};
    static const struct pane_spec large[2] = {
        {"run-large", large_beside, LARGE_SPLITS, LARGE_SPLITS + 1, LARGE_LAYOUT},
        {"run-large-tall", large_above, LARGE_SPLITS, LARGE_SPLITS + 1, LARGE_LAYOUT + 1}};
    struct run_view *v = state;
    const bool is_large = a.rows >= 32 && a.columns >= 72;
    const int low = a.rows < 9 ? 3 : !has_spare(a.rows) ? 0 : v->begun ? 1 : 2;
    const int curves = is_large ? (a.rows - LARGE_LOW_ROWS) * 3 / 5 : a.rows - beside[low][0].least_second;
    const bool stacked = a.columns < 70 ? curves >= 24 : curves * 2 > a.columns; // narrow or tall
    *panes = &v->panes;
    v->panes.focus = run_slot_of((enum pane)v->focus, is_large);
    return is_large ? &large[stacked] : &small[stacked][low];
}

enum run_slot run_slot_of(enum pane p, bool large) {
    switch (p) {
    case PANE_LOSS:
        return RUN_LOSS;
    case PANE_GRADIENT:
        return large ? RUN_GRADIENT : RUN_SECOND;
    case PANE_UPDATE:
        return large ? RUN_UPDATE : RUN_SECOND;
    case PANE_RATE:
        return large ? RUN_RATE : RUN_SECOND;
    case PANE_NEAREST:
        return large ? RUN_LOW : RUN_SECOND;
    default:
        return RUN_SECOND;
    }
}

// What stands beside the loss: what has the focus, else what has just been found out, else the accuracy.
static enum pane second_pane(const struct run_view *v, const struct workbench *w) {
    enum pane p = (enum pane)v->focus;
    if (p >= PANE_ACCURACY && run_pane_there(v, w, p))
        return p;
    if (v->training)
        return PANE_ACCURACY;
    if (run_sweeping(w) || (v->sweep && v->show_sweep))
        return PANE_SWEEP;
    if (run_pane_there(v, w, PANE_REPORT))
        return PANE_REPORT;
    const struct series *s = workbench_series(w);
    return s && s->done ? PANE_SEEDS : PANE_ACCURACY;
}

enum pane run_pane_in(const struct run_view *v, const struct workbench *w, enum run_slot slot, bool large) {
    const enum pane second = second_pane(v, w);
    switch (slot) {
    case RUN_LOSS:
        return PANE_LOSS;
    case RUN_GRADIENT:
        return PANE_GRADIENT;
    case RUN_UPDATE:
        return PANE_UPDATE;
    case RUN_RATE:
        return PANE_RATE;
    case RUN_LOW:
        return PANE_NEAREST;
    default:
        return run_slot_of(second, large) == RUN_SECOND ? second : PANE_ACCURACY;
    }
}

// What is wrong and the key against it are longer than a line: then the nearest words give theirs up.
static bool needs_two_lines(const struct run_view *v, int columns) {
    enum { BEFORE = 14, KEY = 10 }; // columns before a finding, and of ": press +"
    const struct diagnosis *first = v->training ? v->training->diagnosis : v->diagnosis;
    size_t count = v->training ? v->training->diagnoses : v->diagnoses;
    return count && (first->level == DOCTOR_BAD || first->level == DOCTOR_WARN) &&
           text_width(first->text, strlen(first->text)) + BEFORE + KEY > columns;
}

void run_low_parts(const struct run_view *v, struct area a, bool large, struct area *numbers,
                   struct area *doctor, struct area *nearest) {
    const bool spare = a.rows >= NUMBER_ROWS + 5;
    const int rows = large      ? LARGE_NUMBER_ROWS
                     : !spare   ? NUMBER_ROWS
                     : v->begun ? NUMBER_ROWS + 1
                                : WELCOME_ROWS;
    const int lines = large || spare || (a.rows >= NUMBER_ROWS + 2 && needs_two_lines(v, a.columns)) ? 2 : 1;
    *numbers = area_rows(a, 0, rows);
    *doctor = area_rows(a, rows, lines);
    *nearest = area_rows(a, rows + lines, a.rows - rows - lines);
}

// A press gives the focus to what is there; the wheel shows fewer or more steps.
bool run_mouse(void *state, struct workbench *w, struct area a, struct key k, double now) {
    struct run_view *v = state;
    struct panes *panes;
    struct area at[PANES_MOST], numbers, doctor, nearest;
    const struct pane_spec *s = run_panes(v, a, &panes);
    const bool large = run_is_large(s);
    int slot = panes_at(panes, s, a, k.row, k.column);
    if (slot < 0)
        return false;
    panes_layout(panes, s, a, at);
    run_low_parts(v, at[RUN_LOW], large, &numbers, &doctor, &nearest);
    if (slot != RUN_LOW || panes->zoomed || k.row >= nearest.row)
        v->focus = run_pane_in(v, w, (enum run_slot)slot, large);
    if (k.character != MOUSE_PRESS)
        workbench_request(w, k.character == MOUSE_WHEEL_UP ? REQUEST_STEPS_FEWER : REQUEST_STEPS_MORE, NULL,
                          now);
    return true;
}
