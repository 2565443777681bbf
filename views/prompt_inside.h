// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Prompt screen share; nobody else includes this.
//
//   prompt_view.c     its state, and what keys and commands do
//   prompt_studies.c  what is computed for it: ablation, snapping, the map, other prompts, earlier ones
//   prompt_past.c     how every vector came to be what it is
//   prompt_table.c    the vectors as rows
//   prompt_detail.c   one vector
//   prompt_map.c      the map
#ifndef PROMPTER_VIEWS_PROMPT_INSIDE_H
#define PROMPTER_VIEWS_PROMPT_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "views/workbench.h"

// ORDER_WORTH: by what the columns show: the change of the loss, or the distance to the other prompt.
enum prompt_order { ORDER_NUMBER, ORDER_WORTH, ORDER_DRIFT, ORDER_NORM, ORDER_COUNT };
enum prompt_pane { PANE_TABLE, PANE_DETAIL, PANE_MAP, PANE_COUNT };
// What stands beside the norms: how far a vector moved, what dev says without it or with its nearest word,
// or the vector of another prompt.
enum prompt_columns { COLUMNS_DRIFT, COLUMNS_WITHOUT, COLUMNS_SNAP, COLUMNS_BESIDE };
// Channels of the studies.
enum prompt_channel { CHANNEL_WITHOUT, CHANNEL_SNAP, CHANNEL_MAP, CHANNEL_PAST, CHANNEL_BESIDE, CHANNELS };

// How each vector was, a moment a step.
enum { PAST_MOST = 128 };
struct prompt_moment {
    size_t step;
    float *norm;   // [slots], owned
    int32_t *near; // [slots] nearest by cosine, owned
};
struct prompt_past {
    struct prompt_moment moment[PAST_MOST];
    size_t count, slots;
};

struct prompt_view {
    struct panes panes;
    enum nearness metric;
    enum prompt_order order;
    enum prompt_columns columns;
    size_t selected; // a slot, whatever the order
    size_t *row;     // [slots] slots in the order shown
    size_t slots, capacity;
    char *words; // the prompt read by the metric; NULL: none
    size_t page; // rows of the table at the last drawing
    char search[128];

    size_t opened;  // of the workspace that all that follows belongs to
    uint64_t shape; // of the picture that was looked at last: changes when the prompt does
    struct prompt_past past;
    // Results, owned; NULL: none yet.
    struct ablation *without, *snap;
    struct beside *beside;
    char beside_name[160];
    uint64_t scored[2];   // of `without` and `snap`: the shape of the prompt that was scored
    bool waits[CHANNELS]; // a study was sent and did not come back
    // The slider. `earlier`: a picture of the prompt at a snapshot, drawn up from a study; NULL: the present.
    bool in_past;
    size_t past_step;
    struct prompt_picture *earlier;
    // The map.
    struct projection *map;
    char map_error[184]; // why there is no map; "": it is on its way
    uint64_t map_shape;  // of what was asked for last
    size_t map_past;     // likewise: the step, or SIZE_MAX for the present
    double map_at;       // when the next one may be asked for
    bool map_drawn;      // somebody looks
    double scale, x, y;  // 1: all of it; the middle in shares of the whole
};

// The picture on the screen: the present one, or the one the slider shows. NULL: none.
const struct prompt_picture *prompt_shown(const struct prompt_view *v, const struct workbench *w);
const struct near_token *prompt_near(const struct prompt_picture *p, size_t slot, enum nearness metric);
bool prompt_flipped(const struct prompt_picture *p, size_t slot); // nearest to another than at the start
const char *prompt_metric_name(enum nearness metric);
const char *prompt_order_name(const struct prompt_view *v);
// Two places behind the point where the number is small.
void prompt_near_number(char *out, size_t size, double value);
// The study whose columns show, or NULL.
const struct ablation *prompt_scores(const struct prompt_view *v);
bool prompt_scores_old(const struct prompt_view *v); // they are of another prompt than the present one
void prompt_refresh(void *state, struct workbench *w, double now);
extern const struct view view_prompt;

// ---- prompt_studies.c ----
void prompt_forget(struct prompt_view *v); // results of another workspace
void prompt_ask_scores(struct prompt_view *v, struct workbench *w, enum ablation_change change, double now);
void prompt_slide(struct prompt_view *v, struct workbench *w, int by, double now); // to a snapshot
void prompt_leave_past(struct prompt_view *v);
// "best", "start", "step N", "kept/NNN" or a file; "off" ends it.
void prompt_ask_beside(struct prompt_view *v, struct workbench *w, const char *what, double now);
void prompt_studied(void *state, struct workbench *w, struct study *take, double now);
double prompt_deadline(void *state);
void prompt_tick(void *state, struct workbench *w, double now);

// ---- prompt_past.c ----
void prompt_past_free(struct prompt_past *p);
void prompt_past_add(struct prompt_past *p, const struct prompt_picture *now);

// ---- drawing ----
void prompt_draw_table(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                       bool focused);
void prompt_draw_detail(const struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                        bool focused);
void prompt_draw_map(struct prompt_view *v, const struct workbench *w, struct grid *g, struct area a,
                     bool focused);
// Zoom and pan; true when it was one of these.
bool prompt_map_request(struct prompt_view *v, enum request r, bool focused);

#endif
