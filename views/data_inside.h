// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Data screen share: data_view.c answers requests, data_rows.c knows the examples,
// filters and studies, data_draw.c draws. Nobody else includes this.
#ifndef PROMPTER_VIEWS_DATA_INSIDE_H
#define PROMPTER_VIEWS_DATA_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "tui/editor.h"
#include "tui/keymap.h"
#include "tui/table.h"
#include "views/views.h"
#include "views/workbench.h"

enum data_pane { DATA_TABLE, DATA_DETAILS, DATA_SPLIT, DATA_LENGTHS, DATA_PANES };
enum data_channel { DATA_LENGTHS_STUDY, DATA_PREDICTIONS, DATA_CHANNELS };
// What an example is used for.
enum data_part { PART_TRAIN, PART_DEV, PART_OWN, PART_TEST, PART_REST, DATA_PARTS };
enum data_order { ORDER_FILES, ORDER_LONGEST, ORDER_UNSURE, DATA_ORDERS };
#define DATA_ANY     ((size_t)-1)
#define DATA_UNKNOWN 0xffff // no prediction

struct data_row {
    struct example_ref ref;
    unsigned char part;   // enum data_part
    uint16_t predicted;   // DATA_UNKNOWN, PREDICTION_ELSEWHERE or a class
    float probability;    // of it
    float truth;          // of the example's own class
    uint32_t length, cut; // as the open run has it; length 0: not known
};

// An own example while somebody types it.
struct data_form {
    bool open;
    size_t line;                                 // of own.jsonl that it stands for; 0: a new one
    struct editor *editor[TASK_MOST_FIELDS + 1]; // the fields, then the options, one a line
    size_t editors, at;                          // `at`: an editor, then the label, then what it is for
    size_t label;
    bool for_dev;
};

struct data_view {
    struct panes panes;
    size_t opened;
    struct run_settings split_of; // settings that the rows were made with
    struct split split;           // as the wanted settings draw it: may differ from the open run's
    bool split_good;
    struct error split_error;
    bool waits; // the run that is open has another split

    struct data_row *row; // of all examples: train, dev, test, then the rest
    size_t rows, of_part[DATA_PARTS];
    uint32_t *shown; // rows that pass the filters, in order
    size_t shown_count;
    size_t label, part; // filters, DATA_ANY: all
    bool wrong;
    enum data_order order;
    struct table table;
    struct dataset own; // as the session has them now; the open run may have others
    char *own_text;
    bool own_same; // the open run has these
    struct data_form form;

    bool lengths_known, best_prompt; // which prompt predicts
    struct error error;              // of the last study
    uint32_t *asked;                 // rows that the predictions under way are of
    size_t asked_count;
    bool predicted;
    size_t predicted_step, predicted_count, predicted_right;
    bool predicted_best;
    int details_top, details_lines, details_rows;
};

// data_rows.c
const struct example *data_example(const struct data_view *v, const struct workbench *w, size_t row);
const struct data_row *data_selected(const struct data_view *v); // NULL: none shows
// Makes the rows anew where workspace or wanted split changed; asks for lengths.
void data_refresh(void *state, struct workbench *w, double now);
void data_filter(struct data_view *v, const struct workbench *w); // fills `shown`
void data_forget(struct data_view *v);
void data_predict(struct data_view *v, struct workbench *w, double now);
void data_studied(void *state, struct workbench *w, struct study *take, double now);
const char *data_part_name(size_t part); // "train", ...
// Positions of the encoder's input, with what the budget of the open run cut away; 0: not known.
size_t data_length(const struct data_row *r);
// "train 3": the part of a row and where it stands in it.
void data_row_name(const struct data_view *v, const struct data_row *r, char *out, size_t size);
bool data_is_wrong(const struct data_view *v, const struct workbench *w, const struct data_row *r);

// "predicted positive 0.83, negative 0.17 (best prompt, step 40)"; "" where nothing was predicted.
void data_guess(const struct data_view *v, const struct workbench *w, const struct data_row *r,
                bool with_prompt, char *out, size_t size);

// data_form.c: own examples
void data_form_open(struct data_view *v, struct workbench *w, bool fresh, double now);
void data_form_close(struct data_view *v);
bool data_form_key(struct data_view *v, struct workbench *w, struct key k, double now);
void data_form_draw(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                    bool focused);
void data_own_remove(struct data_view *v, struct workbench *w, double now);
void data_own_switch(struct data_view *v, struct workbench *w, double now); // train to dev, and back

// data_draw.c
void data_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);
const struct pane_spec *data_panes(void *state, struct area a, struct panes **panes);
// The source borrows *context, which must outlive it.
struct data_table {
    const struct data_view *v;
    const struct workbench *w;
    struct table_column column[TABLE_MOST_COLUMNS];
    char empty[200 + 2 * KEYMAP_KEYS];
};
void data_table_source(struct data_table *context, const struct data_view *v, const struct workbench *w,
                       struct table_source *out);

#endif
