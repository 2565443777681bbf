// SPDX-License-Identifier: GPL-3.0-or-later
// The pane "at the mask": class probabilities of the example, dev accuracy with its confusion, and the
// likeliest words, for the pattern as it stands in the editors.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/utf8.h"

#include "parts.h"
#include "pattern_inside.h"

enum { LEAST_BAR = 6, WORD_NUMBER = 6, WORD_GAP = 3, MOST_WORD_CELL = 28 };

// Dimmed while it is about the text before.
struct ink {
    bool old;
};
static enum style shade(struct ink k, enum style s) {
    return k.old ? STYLE_DIM : s;
}

static const char *class_name(const struct workspace *ws, size_t label) {
    return label < ws->task->classes ? ws->task->class_name[label] : "?";
}

static int widest_class(const struct workspace *ws, int most) {
    int widest = 0;
    for (size_t c = 0; c < ws->task->classes; c++) {
        int width = text_width(class_name(ws, c), strlen(class_name(ws, c)));
        widest = width > widest ? width : widest;
    }
    return widest < most ? widest : most;
}

// ---- classes ----

static void draw_class_bar(const struct zero_shot *z, const struct workspace *ws, struct grid *g,
                           struct area a, int row, size_t label, size_t truth, struct ink ink) {
    int most = a.columns - 6 - 3 - LEAST_BAR; // the bar gives way to the name
    int name = widest_class(ws, most > a.columns / 3 ? most : a.columns / 3), number = name + 1,
        bar = number + 6;
    size_t best = 0;
    for (size_t c = 1; c < z->classes; c++)
        best = z->probability[c] > z->probability[best] ? c : best;
    grid_put_cut(g, a, row, 0, name, shade(ink, label == best ? STYLE_STRONG : STYLE_PLAIN),
                 class_name(ws, label));
    grid_printf(g, a, row, number, shade(ink, label == best ? STYLE_STRONG : STYLE_PLAIN), "%.3f",
                z->probability[label]);
    int room = a.columns - bar - 2;
    if (room >= LEAST_BAR)
        grid_bar(g, a, row, bar, room, shade(ink, label == best ? STYLE_ACCENT : STYLE_SERIES_1),
                 z->probability[label]);
    if (label == truth)
        grid_put(g, a, row, a.columns - 1, shade(ink, label == best ? STYLE_GOOD : STYLE_WARN),
                 part_symbol(g, label == best ? SYMBOL_TICK : SYMBOL_POINTER));
}

// The likeliest classes first where there is no room for all. Returns the rows used.
static int draw_classes(const struct pattern_view *v, const struct workspace *ws, struct grid *g,
                        struct area a, struct ink ink) {
    const struct zero_shot *z = v->one;
    const struct example *x = pattern_example_now(v, ws);
    size_t order[TASK_MOST_CLASSES], rows = a.rows > 0 ? (size_t)a.rows : 0;
    bool all = z->classes <= rows;
    for (size_t c = 0; c < z->classes; c++) {
        size_t at = c;
        for (; !all && at > 0 && z->probability[order[at - 1]] < z->probability[c]; at--)
            order[at] = order[at - 1];
        order[at] = c;
    }
    size_t shown = all ? z->classes : rows - (rows > 1);
    for (size_t i = 0; i < shown; i++)
        draw_class_bar(z, ws, g, a, (int)i, order[i], x ? x->label : TASK_NO_LABEL, ink);
    if (!all && rows > 1)
        grid_printf(g, a, (int)shown, 0, STYLE_DIM, "and %zu less likely", z->classes - shown);
    return (int)(all ? z->classes : rows);
}

// ---- dev ----

static int number_columns(size_t n) {
    char text[32];
    return snprintf(text, sizeof text, "%zu", n);
}

// "true \ said" as a table; only where it fits.
static int draw_confusion(const struct evaluation *d, const struct workspace *ws, struct grid *g,
                          struct area a, int row, struct ink ink) {
    int name = widest_class(ws, a.columns / 3), cell = number_columns(d->examples) + 2,
        classes = (int)d->classes;
    cell = cell < 4 ? 4 : cell;
    if (d->classes > 16 || row + classes + 1 > a.rows || name + 6 + classes * cell > a.columns)
        return 0;
    int wide = (a.columns - name - 2) / classes; // columns with whole names where they fit
    cell = wide > name + 2 ? name + 2 : wide > cell ? wide : cell;
    grid_put(g, a, row, 0, STYLE_DIM, "as");
    for (int c = 0; c < classes; c++) {
        const char *text = class_name(ws, (size_t)c);
        size_t bytes = text_fit(text, strlen(text), cell - 1, NULL);
        char cut[256];
        snprintf(cut, sizeof cut, "%.*s", (int)(bytes < 255 ? bytes : 255), text);
        grid_put_right(g, a, row, name + 2 + (c + 1) * cell, STYLE_DIM, cut);
    }
    for (int t = 0; t < classes; t++) {
        grid_put_cut(g, a, row + 1 + t, 0, name, STYLE_DIM, class_name(ws, (size_t)t));
        for (int c = 0; c < classes; c++) {
            char text[32];
            size_t n = d->confusion[(size_t)t * d->classes + (size_t)c];
            snprintf(text, sizeof text, "%zu", n);
            grid_put_right(g, a, row + 1 + t, name + 2 + (c + 1) * cell,
                           shade(ink, n == 0   ? STYLE_DIM
                                      : t == c ? STYLE_GOOD
                                               : STYLE_WARN),
                           text);
        }
    }
    return classes + 1;
}

static void dev_line(const struct pattern_view *v, const struct workbench *w, int columns, char *out,
                     size_t size, enum style *style) {
    char score[PART_SHORT];
    size_t done = 0, total = 0;
    bool studying = workbench_studying(w, &view_pattern, CHANNEL_DEV, &done, &total);
    *style = STYLE_DIM;
    if (!v->words_good)
        snprintf(out, size, "needs label words");
    else if (studying && total > 0)
        snprintf(out, size, "scoring %zu of %zu", done, total);
    else if (v->dev_error.kind != ERROR_NONE && !pattern_asking(v, w, CHANNEL_DEV))
        snprintf(out, size, "%.200s", v->dev_error.text);
    else if (v->dev && v->dev->dev.examples == 0)
        snprintf(out, size, "there are no dev examples");
    else if (v->dev) {
        part_score(score, v->dev->dev.accuracy, v->dev->dev.examples);
        int used = snprintf(out, size, "%s", score);
        if (used + 12 < columns)
            snprintf(out + used, size - (size_t)used, "  loss %.3g", v->dev->dev.loss);
        *style = STYLE_STRONG;
    } else
        snprintf(out, size, pattern_asking(v, w, CHANNEL_DEV) ? "scoring" : "not scored");
}

static int draw_dev(const struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a,
                    int row) {
    const struct workspace *ws = workbench_workspace(w);
    const struct ink ink = {pattern_asking(v, w, CHANNEL_DEV) || !v->pattern_good || !v->words_good};
    char text[300];
    enum style style;
    dev_line(v, w, a.columns - 5, text, sizeof text, &style);
    grid_put(g, a, row, 0, STYLE_DIM, "dev");
    grid_put_cut(g, a, row, 5, a.columns - 5, shade(ink, style), text);
    if (!v->dev || v->dev->dev.examples == 0 || v->dev_error.kind != ERROR_NONE || !v->words_good)
        return 1;
    const struct evaluation *d = &v->dev->dev;
    int used = 1 + draw_confusion(d, ws, g, a, row + 1, ink);
    if (d->elsewhere > 0 && row + used < a.rows) {
        snprintf(text, sizeof text, "%zu of %zu: no label word is likeliest", d->elsewhere, d->examples);
        grid_put_cut(g, a, row + used++, 0, a.columns, shade(ink, STYLE_WARN), text);
    }
    size_t all = ws->split->dev_count;
    if (d->examples < all && row + used < a.rows) {
        snprintf(text, sizeof text, "the first %zu of %zu dev examples", d->examples, all);
        grid_put_cut(g, a, row + used++, 0, a.columns, STYLE_DIM, text);
    }
    return used;
}

// ---- likely words ----

static bool is_label_word(const struct verbalizer *words, int32_t id) {
    for (size_t c = 0; c < words->classes; c++)
        for (size_t i = 0; i < words->label[c].words; i++)
            if (words->label[c].word[i].pieces && words->label[c].word[i].id[0] == id)
                return true;
    return false;
}

static int widest_word(const struct zero_shot *z, const struct workspace *ws, const struct grid *g) {
    char piece[PART_PIECE];
    int widest = 0;
    for (size_t i = 0; i < z->likelies; i++) {
        part_piece(piece, g, ws->tokenizer, z->likely[i].id);
        int width = text_width(piece, strlen(piece));
        widest = width > widest ? width : widest;
    }
    return widest;
}

static void draw_word(const struct pattern_view *v, const struct workspace *ws, struct grid *g,
                      struct area cell, int row, const struct likely_token *t, struct ink ink) {
    char piece[PART_PIECE];
    bool label = v->words_good && is_label_word(&v->words, t->id);
    part_piece(piece, g, ws->tokenizer, t->id);
    grid_put_cut(g, cell, row, 0, cell.columns - WORD_NUMBER,
                 shade(ink, label ? STYLE_ACCENT : STYLE_LITERAL), piece);
    grid_printf(g, cell, row, cell.columns - WORD_NUMBER + 1, shade(ink, label ? STYLE_STRONG : STYLE_PLAIN),
                "%.3f", t->probability);
}

// In as many columns as fit, column by column, so that ranks read downwards; what does not fit is scrolled
// to.
static void draw_likely(struct pattern_view *v, const struct workspace *ws, struct grid *g, struct area a,
                        struct ink ink) {
    const struct zero_shot *z = v->one;
    int count = (int)z->likelies, rows = a.rows, cell = widest_word(z, ws, g) + WORD_NUMBER;
    v->word_rows = rows;
    if (rows < 1 || count == 0)
        return;
    int columns = (a.columns + WORD_GAP) / (cell + WORD_GAP);
    columns = columns < 1 ? 1 : columns;
    while (columns > 1 && (columns - 1) * rows >= count)
        columns--;
    cell = (a.columns + WORD_GAP) / columns - WORD_GAP;
    cell = cell > MOST_WORD_CELL ? MOST_WORD_CELL : cell;
    v->word_last = count > rows * columns ? count - rows * columns : 0;
    int top = v->word_top < v->word_last ? v->word_top : v->word_last;
    for (int i = 0; i + top < count && i < rows * columns; i++)
        draw_word(v, ws, g, area_columns(a, i / rows * (cell + WORD_GAP), cell), i % rows,
                  &z->likely[i + top], ink);
}

// ---- the pane ----

void pattern_mask_note(enum reading_prompt prompt, size_t step, int columns, char *out, size_t size) {
    enum { EDGE = 5 }; // corners, lines and spaces beside the note
    if (prompt != READING_PRESENT_PROMPT) {
        snprintf(out, size, "%s%s", prompt == READING_NO_PROMPT || columns < 24 ? "" : "with the ",
                 prompt == READING_NO_PROMPT ? "no soft vectors" : "start vectors");
        return;
    }
    // What matters is the number: the longer wording is only for where the number stays whole.
    if (snprintf(out, size, "with the present prompt, step %zu", step) > columns - EDGE)
        snprintf(out, size, "prompt of step %zu", step);
}

// What is there instead of an answer.
static const char *no_answer(const struct pattern_view *v, const struct workbench *w, enum style *style) {
    *style = STYLE_DIM;
    if (!workbench_workspace(w))
        return "class probabilities and likely words come here";
    if (!v->template_good)
        return "mend the template to see what it says";
    if (!v->pattern_good) {
        *style = STYLE_BAD;
        return v->render_error.text;
    }
    if (pattern_asking(v, w, CHANNEL_EXAMPLE) || !v->one_error.text[0])
        return "asking the model";
    *style = STYLE_WARN;
    return v->one_error.text;
}

static void draw_answer(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    const struct ink ink = {pattern_asking(v, w, CHANNEL_EXAMPLE) || !v->pattern_good};
    int classes = (int)v->one->classes, row = 0, spare = a.rows >= 14;
    // Some words always show, but never instead of the classes of a small task.
    int most = classes <= 4 ? classes : a.rows / 2 < 4 ? 4 : a.rows / 2;
    if (classes > 0)
        row = draw_classes(v, ws, g, area_rows(a, 0, most < a.rows ? most : a.rows), ink) + spare;
    if (row < a.rows) {
        int words = a.rows - row - 1 > 4 ? 3 : 1; // rows that dev leaves to the words
        row += draw_dev(v, w, g, area_rows(a, 0, a.rows - words), row) + spare;
    }
    if (a.rows - row >= 4 && spare)
        grid_put(g, a, row++, 0, STYLE_DIM, "likeliest words at the mask");
    draw_likely(v, ws, g, area_rows(a, row, a.rows - row), ink);
}

void pattern_draw_mask(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    char note[96] = "";
    if (v->one)
        pattern_mask_note(v->one->prompt, v->one->step, a.columns, note, sizeof note);
    bool calibrated = v->one ? v->one->empty != NULL : v->calibrated;
    bool tuned = v->one && v->one->prompt == READING_PRESENT_PROMPT && v->one->step > 0;
    char title[64];
    snprintf(title, sizeof title, "%s%s", tuned ? "at the mask" : "zero-shot",
             calibrated ? ", calibrated" : "");
    struct area inside = grid_frame(g, a, v->panes.focus == PANE_MASK, title, note[0] ? note : NULL);
    struct area body = area_columns(inside, 1, inside.columns - 2);
    if (v->one && workbench_workspace(w)) {
        draw_answer(v, w, g, body);
    } else {
        enum style style;
        const char *text = no_answer(v, w, &style);
        grid_put_wrapped(g, body, 0, style, text);
    }
}
