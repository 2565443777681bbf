// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Try screen share: try_view.c keeps the texts and answers requests, try_ask.c sends
// studies and takes their results, try_draw.c draws texts, labels and likely words, try_words.c the words of
// the input with what they weigh. Nobody else includes this.
#ifndef PROMPTER_VIEWS_TRY_INSIDE_H
#define PROMPTER_VIEWS_TRY_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "sessions/kept.h"
#include "tui/editor.h"
#include "tui/table.h"
#include "views/views.h"
#include "views/workbench.h"

enum try_pane { TRY_TEXT, TRY_LABELS, TRY_LIKELY, TRY_LOOK, TRY_PANES };
enum try_channel { TRY_ANSWERS, TRY_ATTENTION, TRY_IMPORTANCE, TRY_CHANNELS };

// Rows of the label pane: the lenses, in this order; then one for each kept prompt.
enum { TRY_ROW_HARD, TRY_ROW_PRESENT, TRY_ROW_BEST, TRY_ROW_KEPT };

struct try_view {
    struct panes panes;
    size_t opened; // workspace that the texts are for

    // The example: an editor for each field, and one for the options, one a line.
    struct editor *editor[TASK_MOST_FIELDS + 1];
    size_t editors, now; // `now`: which is edited
    bool editing;
    size_t example;         // of dev, then train, from which the texts came
    struct example brought; // or from another screen: a copy; fields NULL: none
    size_t brought_fields;
    char brought_from[48], brought_task[64];
    bool brought_drawn;        // it is `example` as well
    size_t revision, taken;    // sum of the editors' revisions: as asked last; as the example was put in
    double due;                // when what is stale is asked for; 0: nothing is
    bool stale;                // the answers are of another text or prompt
    bool stale_words;          // attention and importance
    size_t left_out, left_row; // revision and row for which words were left out last
    size_t step;               // of the run, as asked last
    double asked;              // when
    struct kept_prompts kept;
    size_t kept_mark; // of the run for which they were read

    // What was answered; of the text asked last unless that is still on its way.
    struct answers_study *answers;
    struct attention_study *attention;
    struct importance_study *importance;
    struct error error[TRY_CHANNELS];

    size_t chosen;      // row of the label pane
    size_t layer, head; // ATTENTION_MEAN, or which
    bool numbers;       // words as a table
    struct table table; // of words
    size_t likely_top, word_top;
    int word_lines, word_rows; // of the text of words at the last drawing
};

// try_view.c
bool try_is_own(const struct try_view *v); // the texts were changed since they were an example's
const struct example *try_example_now(const struct try_view *v, const struct workbench *w);
struct area try_inside(struct area a); // a column free at both sides
bool try_is_empty(const struct try_view *v);

// try_ask.c
void try_later(struct try_view *v, double now, double seconds, bool answers); // asks a moment from now
void try_ask(struct try_view *v, struct workbench *w, double now);
void try_forget(struct try_view *v); // results
void try_take(struct try_view *v, struct study *take);
// The lens of a row, for a study that takes it; false where there is no such prompt.
bool try_lens(const struct try_view *v, size_t row, struct lens *out, struct error *e);
size_t try_rows(const struct try_view *v);
// The answer of a row; NULL while there is none.
const struct answer *try_answer(const struct try_view *v, size_t row);

// try_draw.c
void try_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);
const struct pane_spec *try_panes(void *state, struct area a, struct panes **panes);
// "zero-shot", "present, step 40", "kept 001"
void try_row_name(const struct try_view *v, const struct workbench *w, size_t row, char *out, size_t size);

// try_words.c
void try_draw_words(struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                    bool focused);
struct table_source;
void try_words_source(struct try_view *v, struct table_source *out);

#endif
