// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Pattern screen share: pattern_view.c keeps its texts and answers requests,
// pattern_draw.c draws them. Nobody else includes this.
#ifndef PROMPTER_VIEWS_PATTERN_INSIDE_H
#define PROMPTER_VIEWS_PATTERN_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/editor.h"
#include "views/workbench.h"

enum pane { PANE_TEMPLATE, PANE_WORDS, PANE_EXAMPLE, PANE_COUNT };
// A budget that no example reaches: what there would be without truncation.
#define WITHOUT_CUT ((size_t)1 << 20)
struct pattern_view {
    struct editor *template_editor, *words_editor;
    size_t focus, opened, example, scroll;
    bool editing, zoom, form_openprompt;
    bool own_template, own_words;             // an undo asked for the task's own: its text stands for ""
    size_t template_revision, words_revision; // as looked at last, with these settings:
    size_t budget;
    enum run_loss loss;
    enum run_pieces pieces;
    char *applied_template, *applied_words; // what the present run has, as the editors would show it

    // What the texts mean; remade with every change.
    struct template template;
    struct verbalizer words;
    struct pattern pattern;
    bool template_good, words_good, pattern_good;
    struct error template_error, words_error, render_error;
    size_t error_at;
    char *warnings;
    unsigned char *style; // of the template's bytes
    struct rendered shown, whole;
    bool rendered_good;
    int example_rows, example_lines; // at the last drawing: where scrolling ends
};

// pattern_view.c
bool pattern_unsaved(void *state, const struct workbench *w);
enum style pattern_kind_style(int kind); // of a PART_*
const struct example *pattern_example_now(const struct pattern_view *v, const struct workspace *ws);

// pattern_draw.c
void pattern_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);

#endif
