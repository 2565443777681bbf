// SPDX-License-Identifier: GPL-3.0-or-later
// The pane of label words: the editor, and below it a table of classes, words, pieces and ids, with what is
// wrong with them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parts.h"
#include "pattern_inside.h"

// Rows of a list that may be longer than its area: those before `top` are passed over.
struct list {
    struct grid *g;
    struct area a;
    int row, top;
};

static bool row_shows(const struct list *l) {
    return l->row >= l->top && l->row - l->top < l->a.rows;
}

static int width_of(const char *text) {
    return text_width(text, strlen(text));
}

// ---- the table ----

struct columns {
    int word, pieces; // where they begin
};

// As wide as the longest name and word, within a third of the row each.
static struct columns table_columns(const struct verbalizer *words, int columns) {
    int name = 5, word = 4, most = columns / 3;
    for (size_t c = 0; c < words->classes; c++) {
        int width = width_of(words->label[c].name);
        name = width > name ? width : name;
        for (size_t i = 0; i < words->label[c].words; i++) {
            width = width_of(words->label[c].word[i].text);
            word = width > word ? width : word;
        }
    }
    name = name > most ? most : name;
    word = word > most ? most : word;
    return (struct columns){name + 2, name + word + 4};
}

// Pieces with their ids; what does not fit the row goes on below.
static void put_pieces(struct list *l, const struct tokenizer *t, const struct label_word *w, int from) {
    int column = from;
    for (size_t p = 0; p < w->pieces; p++) {
        char piece[PART_PIECE], text[PART_PIECE + 16];
        part_piece(piece, l->g, t, w->id[p]);
        snprintf(text, sizeof text, "%s (%d)", piece, (int)w->id[p]);
        if (p > 0 && !part_fits(text, column, l->a.columns)) {
            l->row++;
            column = from;
        }
        if (row_shows(l)) {
            int next = column + grid_put(l->g, l->a, l->row - l->top, column,
                                         w->pieces > 1 ? STYLE_WARN : STYLE_LITERAL, piece);
            grid_printf(l->g, l->a, l->row - l->top, next, STYLE_DIM, " (%d)", (int)w->id[p]);
        }
        column += width_of(text) + 1;
    }
    l->row++;
}

static void put_class(struct list *l, const struct tokenizer *t, const struct label_class *c,
                      struct columns at) {
    for (size_t i = 0; i < c->words; i++) {
        const struct label_word *w = &c->word[i];
        if (row_shows(l)) {
            int row = l->row - l->top;
            if (i == 0 || row == 0)
                grid_put_cut(l->g, l->a, row, 0, at.word - 2, STYLE_DIM, c->name);
            grid_put_cut(l->g, l->a, row, at.word, at.pieces - at.word - 2, STYLE_STRONG, w->text);
        }
        put_pieces(l, t, w, at.pieces);
    }
}

static bool put_line(void *context, const char *text, size_t length) {
    struct list *l = context;
    if (row_shows(l))
        grid_put_bytes(l->g, l->a, l->row - l->top, 0, STYLE_WARN, text, length);
    l->row++;
    return true;
}

static void put_warnings(struct list *l, const char *warnings) {
    char line[400];
    for (const char *at = warnings; at && *at;) {
        size_t length = strcspn(at, "\n");
        snprintf(line, sizeof line, "! %.*s", (int)(length < 390 ? length : 390), at);
        text_wrap(line, strlen(line), l->a.columns > 0 ? l->a.columns : 1, put_line, l);
        at += length + (at[length] == '\n');
    }
}

static void put_all(struct list *l, const struct pattern_view *v) {
    struct columns at = table_columns(&v->words, l->a.columns);
    for (size_t c = 0; c < v->words.classes; c++)
        put_class(l, v->tokenizer, &v->words.label[c], at);
    put_warnings(l, v->warnings);
}

int pattern_words_lines(const struct pattern_view *v, int columns) {
    struct grid nothing = {0}; // no row shows: it is only asked how pieces are written
    struct list l = {.g = &nothing, .a = {0, 0, 0, columns}};
    put_all(&l, v);
    return l.row;
}

// ---- the pane ----

static bool several_pieces(const struct verbalizer *words) {
    for (size_t c = 0; c < words->classes; c++)
        for (size_t i = 0; i < words->label[c].words; i++)
            if (words->label[c].word[i].pieces > 1)
                return true;
    return false;
}

static void draw_table(struct pattern_view *v, struct grid *g, struct area a, int lines) {
    if (a.rows > lines + 1) {
        struct columns at = table_columns(&v->words, a.columns);
        grid_put(g, a, 0, 0, STYLE_DIM, "class");
        grid_put(g, a, 0, at.word, STYLE_DIM, "word");
        grid_put_cut(g, a, 0, at.pieces, a.columns - at.pieces, STYLE_DIM, "pieces and their ids");
        a = area_rows(a, 1, a.rows - 1);
    }
    struct list l = {.g = g, .a = a, .top = v->words_top < v->words_last ? v->words_top : v->words_last};
    put_all(&l, v);
    v->words_shown = a.rows;
}

static void words_note(const struct pattern_view *v, bool editing, bool warned, char *out, size_t size) {
    out[0] = 0;
    if (editing)
        snprintf(out, size, "%s", PATTERN_EDITING);
    else if (v->words_last > 0)
        snprintf(out, size, "%d more%s: Up Down", v->words_last, warned ? ", with a warning" : "");
    else if (v->words_good && several_pieces(&v->words))
        snprintf(out, size, "scored by their pieces: %s", word_pieces_name(v->words.pieces));
}

void pattern_draw_words(struct pattern_view *v, const struct workbench *w, struct grid *g, struct area a) {
    const struct workspace *ws = workbench_workspace(w);
    bool here = v->panes.focus == PANE_WORDS, editing = here && v->editing;
    struct area body = area_columns(area_inset(a, 1), 1, a.columns - 4);
    int most = editing ? body.rows - 2 : body.rows / 2,
        text = pattern_text_rows(v->words_editor, body.columns);
    text = text > most ? most : text;
    text = text < 1 ? 1 : text;
    struct area below = area_rows(body, text, body.rows - text);
    int lines = v->words_good ? pattern_words_lines(v, body.columns) : 0;
    // The first warning is not left below the edge: as long as it is there, it has the last row.
    const char *warning = v->warnings && v->warnings[0] ? v->warnings : NULL;
    bool pinned = warning && lines > below.rows && below.rows >= 3;
    v->words_last = lines > below.rows ? lines - below.rows + pinned : 0;
    char note[96];
    words_note(v, editing, warning && !pinned, note, sizeof note);
    grid_frame(g, a, here, pattern_words_edited(v, ws) ? "label words, edited" : "label words",
               note[0] ? note : NULL);
    editor_draw(v->words_editor, g, area_rows(body, 0, text < body.rows ? text : body.rows), editing, NULL,
                SIZE_MAX);
    if (ws && !v->words_good)
        grid_put_wrapped(g, below, 0, STYLE_BAD, v->words_error.text);
    else if (ws)
        draw_table(v, g, area_rows(below, 0, below.rows - pinned), lines);
    if (ws && v->words_good && pinned) {
        char line[300];
        snprintf(line, sizeof line, "! %.*s", (int)strcspn(warning, "\n"), warning);
        grid_put_cut(g, below, below.rows - 1, 0, below.columns, STYLE_WARN, line);
    }
}
