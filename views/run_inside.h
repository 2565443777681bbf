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
//   run_doctor.c    the doctor's lines
//   run_draw.c      frames, the nearest words
// and, where the screen is over a training (prompter lm, prompter pretrain) instead of the session's run:
//   run_training.c         what is watched, requests, hints
//   run_training_draw.c    its panes and numbers
//   run_training_doctor.c  what its curves say
#ifndef PROMPTER_VIEWS_RUN_INSIDE_H
#define PROMPTER_VIEWS_RUN_INSIDE_H

#include "sessions/training_log.h"
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
    struct rate_sweep *sweep;      // the last one; NULL: none
    bool show_sweep;               // it has not been taken or put away yet
    struct run_training *training; // NULL: the screen is over the session's run
    size_t own_shown;              // the workbench's own training was taken already
};

// ---- run_columns.c ----
enum { SMOOTHINGS = 3 };
double run_smoothing(const struct run_view *v); // share of the past, 0: none
void run_columns_free(struct run_view *v);
// Takes what is new in the history; forgets all when it is another one.
void run_columns_follow(struct run_view *v, const struct metric *history, size_t count);
void run_columns_smooth(struct run_view *v);
// Exponential moving average without the pull towards the first value.
void run_smooth(float *out, const float *raw, size_t count, double share);
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
// Everything that moves over the steps but from scoring to scoring (run_view.c); `last`: the last step there
// is.
bool run_range_request(struct run_range *range, double end, size_t last, enum request r);

// ---- run_curves.c ----
extern const char *const run_pane_title[PANE_COUNT];
void run_draw_curve(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                    enum pane p);
// What the curves of a pane are at the cursor: "30: train 0.09, dev 0.15".
void run_cursor_note(const struct run_view *v, enum pane p, char *out, size_t size);
double run_axis_end(const struct run_view *v, const struct workbench *w);
struct run_curve {
    const float *x, *y; // [count], x ascending
    size_t count;
};
// The part of a curve that is shown, so that the height of the plot is chosen by what can be seen.
struct plot_series run_series(const struct run_curve *c, double from, double to, const char *label,
                              enum style style);
// The value at a step, or at the last one before it; NaN: none.
double run_value_at(const struct run_curve *c, size_t step);

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

// ---- run_doctor.c ----
void run_draw_doctor(struct grid *g, struct area a, const struct diagnosis *diagnosis, size_t count);

// ---- run_draw.c ----
// Whether there is anything to show in it.
bool run_pane_there(const struct run_view *v, const struct workbench *w, enum pane p);
void run_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);

// ---- run_training.c ----
// Its panes stand where those of the session's run do, so that focus, borders and the mouse are the same.
enum training_pane {
    TRAINING_PANE_LOSS = PANE_LOSS,
    TRAINING_PANE_ACCURACY = PANE_ACCURACY,
    TRAINING_PANE_GRADIENT = PANE_GRADIENT,
    TRAINING_PANE_SPEED = PANE_UPDATE,
    TRAINING_PANE_RATE = PANE_RATE,
    TRAINING_PANE_PARTS = PANE_NEAREST, // validation by objective, class or number of options
    TRAINING_PANES
};
struct run_training {
    struct training *hands;          // NULL: somebody else's, only watched
    char *what;                      // as training_log_open takes it
    struct training_log *log;        // NULL: nothing has been written yet
    struct training_state state;     // of `hands`
    float *smooth, *smooth_accuracy; // of training steps
    size_t smooth_capacity, accuracy_capacity;
    double news_at, look_at; // when the log grew last; when to look again, 0: never
    struct diagnosis diagnosis[DOCTOR_MOST];
    size_t diagnoses;
};
// ":watch": "off", or what training_log_open takes.
void run_training_watch(struct run_view *v, struct workbench *w, const char *what, double now);
// Takes the workbench's own training, once; looks for news.
void run_training_refresh(struct run_view *v, struct workbench *w, double now);
bool run_training_request(struct run_view *v, struct workbench *w, enum request r, const char *argument,
                          double now);
const enum request *run_training_hints(const struct run_view *v);
// view.means, while the screen is over a training.
const char *run_training_means(const struct run_view *v, enum request r);
void run_training_free(struct run_view *v);
bool run_training_goes(const struct run_training *t); // it may still grow
bool run_training_pane_there(const struct run_training *t, size_t pane);
double run_training_end(const struct run_training *t); // of the step axis

// ---- run_training_doctor.c ----
// Findings, most urgent first. `own`: its rate can be changed here; `quiet`: seconds since the log grew; NaN:
// it need not.
size_t run_training_look(const struct training_log *log, const float *smooth, bool own, double quiet,
                         struct diagnosis out[DOCTOR_MOST]);

// ---- run_training_draw.c ----
void run_training_draw_pane(const struct run_view *v, struct grid *g, struct area a, size_t pane);
// Below the curves: the numbers, or what is being done before the first step; the parts where there is room.
void run_training_draw_numbers(const struct run_view *v, struct grid *g, struct area a);
void run_training_draw_parts_lines(const struct run_view *v, struct grid *g, struct area a);

#endif
