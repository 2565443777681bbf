// SPDX-License-Identifier: GPL-3.0-or-later
// What the files of the Pattern screen share: pattern_view.c keeps its texts and answers requests,
// pattern_draw.c draws them. Nobody else but their test includes this.
#ifndef PROMPTER_VIEWS_PATTERN_INSIDE_H
#define PROMPTER_VIEWS_PATTERN_INSIDE_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/editor.h"
#include "views/views.h"

#include "engine/base/file.h"
#include "sessions/pattern_files.h"

#include "panes.h"

enum pane { PANE_TEMPLATE, PANE_WORDS, PANE_EXAMPLE, PANE_MASK, PANE_COUNT };
enum channel { CHANNEL_EXAMPLE, CHANNEL_DEV, CHANNEL_WORDS }; // of this view's studies
// What an editor's frame says while it has the keys.
#define PATTERN_EDITING "Enter new line · Ctrl-_ undo · Ctrl-R redo"
// A budget that no example reaches: what there would be without truncation.
#define WITHOUT_CUT ((size_t)1 << 20)
// What was last asked about: to find out what has changed since.
struct pattern_asked {
    size_t template_revision, preview, words_revision, opened, example, history;
    struct run_settings settings;
    bool calibrated;
};
enum pattern_lists { LIST_NONE, LIST_PATTERNS, LIST_WORDS };
struct pattern_view {
    struct editor *template_editor, *words_editor;
    struct panes panes;
    struct pane_split split[PANE_COUNT - 1]; // as the texts need it at present
    struct pane_spec spec;
    size_t opened, example, scroll;
    bool editing, form_openprompt;
    bool own_template, own_words;             // an undo asked for the task's own: its text stands for ""
    size_t template_revision, words_revision; // as looked at last, with these settings:
    size_t budget;
    enum run_loss loss;
    enum run_pieces pieces;
    enum run_method method; // of the next run: whether an undone template may be one for multiple choice
    char *applied_template, *applied_words; // what the present run has, as the editors would show it

    // What the texts mean; remade with every change.
    struct template template;
    struct verbalizer words;
    const struct tokenizer *tokenizer; // of the open workspace, borrowed; NULL: none
    struct pattern pattern;
    bool template_good, words_good, pattern_good;
    struct error template_error, words_error, render_error;
    size_t error_at;
    char *warnings;
    unsigned char *style; // of the template's bytes
    struct rendered shown, whole;
    bool rendered_good;
    int example_rows, example_lines; // at the last drawing: where scrolling ends

    // Zero-shot: pattern_ask.c.
    struct zero_shot *one, *dev;       // the last answers, NULL: none
    struct error one_error, dev_error; // of those that failed
    struct pattern_asked asked;
    bool ask_all, ask_one, ask_kept; // what the next tick sends
    // A list in the place of the editors: pattern_list.c.
    enum pattern_lists list;
    size_t selected, preview, previewed; // its row; how often another pattern was shown; and understood
    struct pattern_list choices;         // LIST_PATTERNS
    char choices_title[128];
    struct word_search *search; // LIST_WORDS; NULL: not there yet, or failed
    struct error search_error;
    size_t word_class; // whose words are shown

    int words_top, words_shown, words_last; // of the table of label words
    int word_top, word_rows, word_last; // of the likely words: first shown; rows and end at the last drawing
    double ask_at;                      // when; 0: nothing to ask
    bool calibrated;
};

// pattern_view.c
bool pattern_unsaved(void *state, const struct workbench *w);
bool pattern_template_edited(const struct pattern_view *v, const struct workspace *ws);
bool pattern_words_edited(const struct pattern_view *v, const struct workspace *ws);
enum style pattern_kind_style(int kind); // of a PART_*
// Puts label words into the editor, as one edit that can be undone.
void pattern_set_words(struct pattern_view *v, struct workbench *w, const char *text, double now);
const struct example *pattern_example_now(const struct pattern_view *v, const struct workspace *ws);

// pattern_ask.c: what the pattern says before it is applied.
// Looks at what changed since the last question and plans the next one; call after every change.
void pattern_ask(struct pattern_view *v, struct workbench *w, double now);
double pattern_deadline(void *state);
void pattern_tick(void *state, struct workbench *w, double now);
void pattern_studied(void *state, struct workbench *w, struct study *take, double now);
void pattern_forget_answers(struct pattern_view *v);
// An answer is on its way, or waits for the last key to be a moment ago.
bool pattern_asking(const struct pattern_view *v, const struct workbench *w, enum channel c);

// pattern_words.c
void pattern_draw_words(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a);
int pattern_words_lines(const struct pattern_view *v, int columns); // rows that the table takes

// pattern_list.c
// The template that is shown and asked about: the one that a list previews, or the editor's.
const char *pattern_template(const struct pattern_view *v);
void pattern_open_gallery(struct pattern_view *v, struct workbench *w, double now);
void pattern_ask_words(struct pattern_view *v, struct workbench *w, double now);
void pattern_take_search(struct pattern_view *v, struct study *take);
void pattern_import(struct pattern_view *v, struct workbench *w, const char *argument, double now);
bool pattern_export(struct pattern_view *v, struct workbench *w, const char *argument, double now);
void pattern_close_list(struct pattern_view *v);
bool pattern_list_key(struct pattern_view *v, struct workbench *w, struct key k, double now);
void pattern_draw_list(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a);

// pattern_mask.c
// What the pane's lower edge says of the prompt that answered; the step's number is always whole in it.
void pattern_mask_note(enum reading_prompt prompt, size_t step, int columns, char *out, size_t size);
void pattern_draw_mask(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a);

// pattern_draw.c
int pattern_text_rows(const struct editor *ed, int columns); // of the whole text
const struct pane_spec *pattern_panes(void *state, struct area a, struct panes **panes);
void pattern_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now);

#endif
