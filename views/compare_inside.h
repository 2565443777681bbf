// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Compare screen share; nobody else includes this.
//
//   compare_view.c    state, loading, requests
//   compare_rows.c    from the runs that were read to the rows and columns that show
//   compare_draw.c    the table and the curves
//   compare_detail.c  the selected row in full
//   compare_export.c  the table and the curves as files
#ifndef PROMPTER_VIEWS_COMPARE_INSIDE_H
#define PROMPTER_VIEWS_COMPARE_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "sessions/report.h"
#include "sessions/report_stats.h"
#include "sessions/report_table.h"
#include "tui/table.h"
#include "views/workbench.h"

#include "compare_load.h"

enum compare_pane { PANE_TABLE, PANE_CURVES, PANE_DETAIL, PANE_COUNT };
enum { COMPARE_MARKS = 8, COMPARE_FILTER = 256 };

// A row is a setting (run SIZE_MAX) or a run; where rows are not grouped, a run with its setting's number.
struct compare_row {
    size_t group, run;
};
// What is known about a setting, worked out once when the rows are made.
struct compare_group {
    char *key; // owned; the setting across reloads
    char label[120];
    struct report_mean mean[2];
    struct report_difference difference[2]; // from the baseline
    double seconds;                         // mean of the finished runs
    char letter;                            // of its mark, or 0
    bool unfolded;
};
enum compare_kind {
    COLUMN_NAME,
    COLUMN_SEED,
    COLUMN_DEV,
    COLUMN_DEV_DIFFERENCE,
    COLUMN_TEST,
    COLUMN_TEST_DIFFERENCE,
    COLUMN_PART,
    COLUMN_STEPS,
    COLUMN_TIME,
    COLUMN_SESSION,
    COLUMN_BEGUN,
};
struct compare_column {
    enum compare_kind kind;
    size_t part; // COLUMN_PART
    char title[32];
};
struct compare_mark { // stays across reloads
    char letter;
    bool group;
    char *id; // of a run, or the key of a setting; owned
};

struct compare_view {
    struct panes panes;
    // Reading.
    struct compare_loader *loader;
    bool loaded, wanted; // wanted: drawn, but nothing was read yet
    double look_at;      // when to look how far it is; 0: not reading
    struct error error;  // why nothing could be read; kind ERROR_NONE: it could
    struct report report;
    // What a person chose.
    bool grouped, all_parts, this_task, loss;
    char filter[COMPARE_FILTER], task[128]; // task: the name of the one that is open
    enum compare_kind order;
    size_t order_part;
    bool descending, ordered; // ordered: somebody chose the column
    struct compare_mark mark[COMPARE_MARKS];
    size_t marks;
    char *baseline_key; // NULL: none
    char **unfolded;    // [unfolds] keys, owned
    size_t unfolds, unfold_capacity;
    // Made of it by compare_rows_make.
    size_t *shown; // [shown_count] runs that pass, newest first
    size_t shown_count;
    struct report_groups groups; // of these
    struct compare_group *group; // [groups.count]
    size_t *group_order;         // [groups.count] as sorted
    char *run_letter;            // [report.count] of its mark, or 0
    size_t baseline;             // group, or SIZE_MAX
    bool *differs;               // [report_part_count()]
    struct compare_row *row;
    size_t rows;
    struct compare_column column[TABLE_MOST_COLUMNS];
    struct table_column table_column[TABLE_MOST_COLUMNS];
    size_t columns;
    // Drawing.
    struct table table;
    bool ascii;                  // of the grid that was drawn on last
    int detail_top, detail_last; // detail_last: where scrolling ends, as of the last drawing
    // An export that waits for the reading.
    char *waiting_export;
};

// compare_rows.c
// The rows, and with `anew` what they are made of, which changes with the runs and the filter alone; the
// selected row stays selected where it still shows. False without memory: then there are no rows.
bool compare_rows_make(struct compare_view *v, bool anew);
void compare_rows_free(struct compare_view *v);
const struct compare_row *compare_row_now(const struct compare_view *v); // NULL: none
const struct report_run *compare_row_run(const struct compare_view *v,
                                         const struct compare_row *r);           // its first
char *compare_row_id(const struct compare_view *v, const struct compare_row *r); // owned; NULL without memory
// Selects the row of that id, where there is one.
void compare_row_select(struct compare_view *v, const char *id);
bool compare_row_is_group(const struct compare_row *r);
struct report_difference compare_row_difference(const struct compare_view *v, const struct compare_row *r,
                                                enum report_split split);
void compare_row_label(const struct compare_view *v, const struct compare_row *r, char *out, size_t size);

// A curve to draw: a mark's, or the selected row's where nothing is marked.
struct compare_curve {
    char letter; // 0: not marked
    char label[200];
    struct report_curve mean; // owned where it is a setting's
    const struct report_curve *curve;
    bool untuned; // scored as it was: there is nothing between which a line could go
};
size_t compare_curves(const struct compare_view *v, struct compare_curve out[COMPARE_MARKS]);
void compare_curves_free(struct compare_curve *c, size_t count);

// compare_draw.c
struct table_source compare_source(struct compare_view *v);
void compare_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);
const struct pane_spec *compare_panes(void *state, struct area a, struct panes **panes);

// compare_detail.c
void compare_draw_detail(struct compare_view *v, const struct workbench *w, struct grid *g, struct area a);

// compare_export.c
// "table FILE" or "curves FILE"; says what came of it.
void compare_export(struct compare_view *v, struct workbench *w, const char *what, double now);

#endif
