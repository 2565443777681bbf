// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Run screen share; nobody else includes this.
//
//   run_view.c      its state, requests, hints
//   run_columns.c   the history as columns of numbers, smoothed; changes of the rate
//   run_range.c     which steps are shown, and the cursor on them
//   run_curves.c    the plots
//   run_numbers.c   the numbers below them, and the welcome before the first step
//   run_sweep.c     trying learning rates
//   run_seeds.c     several seeds: mean and spread
//   run_report.c    what a single step did
//   run_panes.c     where its panes are
//   run_draw.c      frames, the doctor, the nearest words
#ifndef PROMPTER_VIEWS_RUN_INSIDE_H
#define PROMPTER_VIEWS_RUN_INSIDE_H

#include "tui/plot.h"
#include "views/views.h"

#include "doctor.h"
#include "panes.h"

enum pane {
    PANE_LOSS,
    PANE_ACCURACY,
    PANE_GRADIENT,
    PANE_UPDATE,
    PANE_RATE,
    PANE_NEAREST,
    PANE_REPORT, // this and those behind it only when there is something to show
    PANE_SWEEP,
    PANE_SEEDS,
    PANE_COUNT
};

// The places for them.
enum run_slot {
    RUN_LOSS,
    RUN_SECOND,
    RUN_LOW,
    RUN_GRADIENT,
    RUN_UPDATE,
    RUN_RATE
}; // from GRADIENT on: large

// Columns of numbers over the steps, taken out of the history once when it grows.
enum column {
    LOSS_RAW,
    LOSS_SMOOTH,
    ACCURACY_RAW,
    ACCURACY_SMOOTH,
    ACCURACY_LOW, // least and most of the last steps: the band behind the smooth curve
    ACCURACY_HIGH,
    GRADIENT,
    UPDATE,
    RATE,
    STEP_COLUMNS,
    DEV_LOSS = STEP_COLUMNS,
    DEV_ACCURACY,
    COLUMNS
};

// The steps that the plots show, and the cursor on them (run_range.c).
struct run_range {
    double from, to; // to <= from: all there are
    bool cursor;
    size_t at; // the step under the cursor
};

struct run_view {
    size_t focus; // an enum pane; panes.focus is its place
    struct panes panes;
    bool begun; // a step has been made
    bool log_loss;
    int smoothing; // index into smoothing_share
    struct run_range range;
    struct metric seen_last;
    size_t seen; // metrics that the columns hold
    float *step_x, *dev_x, *value[COLUMNS];
    size_t steps, devs, step_capacity, dev_capacity, capacity[COLUMNS];
    struct plot_mark *mark; // changes by hand: of the rate, and back to an earlier prompt
    char (*mark_label)[32];
    size_t marks, mark_capacity, label_capacity;
    struct diagnosis diagnosis[DOCTOR_MOST];
    size_t diagnoses;
    struct rate_sweep *sweep; // the last one; NULL: none
    bool show_sweep;          // it has not been taken or put away yet
};

// ---- run_columns.c ----
enum { SMOOTHINGS = 3 };
double run_smoothing(const struct run_view *v); // share of the past, 0: none
void run_columns_free(struct run_view *v);
// Takes what is new in the history; forgets all when it is another one.
void run_columns_follow(struct run_view *v, const struct metric *history, size_t count);
void run_columns_smooth(struct run_view *v);
size_t run_last_step(const struct run_view *v); // that anything was measured at

// ---- run_range.c ----
// The end of the whole step axis: it grows by leaps, so that the curves do not creep with every step. `done`:
// the last step there is; `planned`: the last there will be.
double run_range_end(double done, double planned);
// What is shown of 0 .. end.
void run_range_shown(const struct run_range *r, double end, double *from, double *to);
// Half as many steps, or twice as many, around the cursor, or around the end of the curve (`done`).
void run_range_zoom(struct run_range *r, double end, double done, bool in);
// By a quarter of what is shown.
void run_range_pan(struct run_range *r, double end, bool right);
// The cursor by `by` sixtieths of what is shown (at least by single steps), from `done` when there was none;
// what is shown follows it.
void run_range_move(struct run_range *r, double end, size_t done, int by);
void run_range_put(struct run_range *r, double end, size_t step);

// ---- run_curves.c ----
extern const char *const run_pane_title[PANE_COUNT];
void run_draw_curve(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                    enum pane p);
// What the curves of a pane are at the cursor: "30: train 0.09, dev 0.15".
void run_cursor_note(const struct run_view *v, enum pane p, char *out, size_t size);
double run_axis_end(const struct run_view *v, const struct workbench *w);

// ---- run_numbers.c ----
void run_draw_numbers(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a);
void run_draw_welcome(const struct workbench *w, struct grid *g, struct area a);

// ---- run_sweep.c ----
enum { RUN_SWEEP_CHANNEL = 0 };
bool run_sweeping(const struct workbench *w);
void run_sweep_ask(struct run_view *v, struct workbench *w, const char *argument, double now);
void run_sweep_studied(void *state, struct workbench *w, struct study *take, double now);
void run_sweep_take(struct run_view *v, struct workbench *w, double now);
void run_draw_sweep(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a);
// What stands in the frame.
void run_sweep_note(const struct run_view *v, const struct workbench *w, char *out, size_t size);

// ---- run_seeds.c ----
void run_draw_seeds(const struct workbench *w, struct grid *g, struct area a);
void run_seeds_note(const struct workbench *w, char *out, size_t size);

// ---- run_report.c ----
void run_draw_report(const struct workbench *w, struct grid *g, struct area a);

// ---- run_panes.c ----
const struct pane_spec *run_panes(void *state, struct area a, struct panes **panes);
bool run_is_large(const struct pane_spec *s); // the smaller plots have places of their own
enum run_slot run_slot_of(enum pane p, bool large);
enum pane run_pane_in(const struct run_view *v, const struct workbench *w, enum run_slot slot, bool large);
// What is below the curves. Numbers and doctor may be cut where there are too few rows.
void run_low_parts(const struct run_view *v, struct area a, bool large, struct area *numbers,
                   struct area *doctor, struct area *nearest);
bool run_mouse(void *state, struct workbench *w, struct area a, struct key k, double now);

// ---- run_draw.c ----
// Whether there is anything to show in it.
bool run_pane_there(const struct run_view *v, const struct workbench *w, enum pane p);
void run_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);

#endif
