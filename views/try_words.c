// SPDX-License-Identifier: GPL-3.0-or-later
// The words of the input with what they weigh: cross-attention from the mask and what leaving a word out
// changes, as bars under the words, or as a table of numbers.
#include "try_inside.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"

enum { GUTTER = 6, LEVELS = 8 };

// Importance belongs to these words: not to those of a text typed since, or of another prompt.
static const struct importance_study *importance_of(const struct try_view *v) {
    const struct importance_study *m = v->importance;
    const struct attention_study *a = v->attention;
    if (!m || !a || m->words.count != a->words.count || v->left_row != v->chosen)
        return NULL;
    for (size_t i = 0; i < a->words.count; i++)
        if (strcmp(m->words.word[i].pieces, a->words.word[i].pieces) != 0)
            return NULL;
    return m;
}

static size_t layer_of(const struct try_view *v) {
    return v->layer < v->attention->layers ? v->layer : ATTENTION_MEAN;
}

static size_t head_of(const struct try_view *v) {
    return v->head < v->attention->heads ? v->head : ATTENTION_MEAN;
}

static const char *class_name(const struct workbench *w, size_t label) {
    const struct workspace *ws = workbench_workspace(w);
    return ws && label < ws->task->classes ? ws->task->class_name[label] : "?";
}

static enum style word_style(enum input_kind kind) {
    static const enum style of[] = {[INPUT_SOFT] = STYLE_SOFT,
                                    [INPUT_FIELD] = STYLE_FIELD,
                                    [INPUT_LITERAL] = STYLE_LITERAL,
                                    [INPUT_MASK] = STYLE_MASK,
                                    [INPUT_SPECIAL] = STYLE_SPECIAL};
    return of[kind];
}

static void word_text(const struct input_word *word, char *out, size_t size) {
    if (word->kind == INPUT_SOFT)
        snprintf(out, size, "[v%zu]", word->slot);
    else
        snprintf(out, size, "%s", word->text);
}

// ---- the words as a text ----

// What there is to draw: weights of the words, and how far they go.
struct weighed {
    const struct attention_study *a;
    const struct importance_study *m; // may be NULL
    float *attention;                 // [words]
    double most, farthest;            // of attention; of |change|
};

static bool weigh(struct weighed *x, const struct try_view *v) {
    *x = (struct weighed){.a = v->attention, .m = importance_of(v)};
    if (!(x->attention = mem_calloc(x->a->words.count, sizeof *x->attention, NULL)))
        return false;
    attention_of_words(x->a, layer_of(v), head_of(v), x->attention);
    for (size_t i = 0; i < x->a->words.count; i++) {
        x->most = (double)x->attention[i] > x->most ? (double)x->attention[i] : x->most;
        double change = x->m ? fabs((double)x->m->change[i]) : 0;
        x->farthest = change > x->farthest ? change : x->farthest;
    }
    return true;
}

// A sign that is as tall, or as dense, as `share` of the most; "" for nothing.
static const char *level_sign(const struct grid *g, double share, bool dense) {
    static const char *const tall[2][LEVELS] = {{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"},
                                                {"1", "2", "3", "4", "5", "6", "7", "8"}};
    static const char *const shade[2][3] = {{"░", "▒", "▓"}, {"-", "=", "#"}};
    size_t levels = dense ? 3 : LEVELS, at = share > 0 ? (size_t)(share * (double)levels + 0.5) : 0;
    if (!at)
        return "";
    at = at > levels ? levels : at;
    return dense ? shade[g->ascii][at - 1] : tall[g->ascii][at - 1];
}

struct text_flow {
    struct grid *g;
    struct area a; // behind the gutter
    int column, line, top, visible, height;
    const struct weighed *x;
};

static void repeat(struct text_flow *f, int row, int columns, enum style style, const char *sign) {
    for (int i = 0; *sign && i < columns; i++)
        grid_put(f->g, f->a, row, f->column + i, style, sign);
}

static void flow_word(struct text_flow *f, size_t i) {
    const struct input_word *word = &f->x->a->words.word[i];
    char text[160];
    word_text(word, text, sizeof text);
    int width = text_width(text, strlen(text));
    width = width > f->a.columns ? f->a.columns : width;
    if (f->column > 0 && f->column + width > f->a.columns) {
        f->line++;
        f->column = 0;
    }
    int row = (f->line - f->top) * f->height;
    if (f->line >= f->top && f->line < f->top + f->visible) {
        grid_put_cut(f->g, f->a, row, f->column, width, word_style(word->kind), text);
        repeat(f, row + 1, width, STYLE_ACCENT,
               level_sign(f->g, f->x->most > 0 ? (double)f->x->attention[i] / f->x->most : 0, false));
        double change = f->x->m ? (double)f->x->m->change[i] : NAN;
        if (isfinite(change) && f->x->farthest > 0)
            repeat(f, row + 2, width, change < 0 ? STYLE_GOOD : STYLE_BAD,
                   level_sign(f->g, fabs(change) / f->x->farthest, change > 0));
    }
    f->column += width + 1;
}

static void flow_words(struct text_flow *f) {
    for (size_t i = 0; i < f->x->a->words.count; i++)
        if (f->x->a->words.word[i].kind != INPUT_SOFT)
            flow_word(f, i);
}

// One cell a soft position, and what they get together. Returns the rows used, 0 without soft positions.
static int draw_soft(const struct weighed *x, struct grid *g, struct area a) {
    double sum = 0;
    size_t count = 0;
    for (size_t i = 0; i < x->a->words.count; i++)
        if (x->a->words.word[i].kind == INPUT_SOFT) {
            sum += (double)x->attention[i];
            count++;
        }
    if (!count)
        return 0;
    grid_put(g, a, 0, 0, STYLE_DIM, "soft");
    int columns = a.columns - GUTTER - 14, at = 0;
    columns = columns < 8 ? 8 : columns;
    for (size_t i = 0; i < x->a->words.count; i++) {
        if (x->a->words.word[i].kind != INPUT_SOFT)
            continue;
        const char *sign = level_sign(g, x->most > 0 ? (double)x->attention[i] / x->most : 0, false);
        grid_put(g, a, at / columns, GUTTER + at % columns, STYLE_SOFT, *sign ? sign : " ");
        at++;
    }
    int last = at < columns ? at : columns;
    grid_printf(g, a, 0, GUTTER + last + 2, STYLE_PLAIN, "%.2f of all", sum);
    return (at + columns - 1) / columns;
}

static void draw_legend(const struct weighed *x, struct grid *g, struct area a, int row) {
    char text[256];
    size_t used = (size_t)snprintf(text, sizeof text, "full: looks %.2f", x->most);
    if (x->m && used < sizeof text)
        snprintf(text + used, sizeof text - used, ", out %.2g of ln p, %s for, %s against", x->farthest,
                 level_sign(g, 1, false), level_sign(g, 1, true));
    grid_put_cut(g, a, row, 0, a.columns, STYLE_DIM, text);
}

static void draw_as_text(struct try_view *v, struct grid *g, struct area a) {
    struct weighed x;
    if (!weigh(&x, v))
        return;
    int legend = a.rows >= 5, soft = draw_soft(&x, g, a), height = x.m || v->left_row == v->chosen ? 3 : 2;
    struct area flow = area_rows(a, soft, a.rows - soft - legend);
    struct text_flow f = {
        .g = g, .a = area_columns(flow, GUTTER, flow.columns - GUTTER), .x = &x, .height = height};
    flow_words(&f); // to count the lines
    v->word_lines = f.line + 1;
    f.visible = v->word_rows = flow.rows / height > 0 ? flow.rows / height : 1;
    int last = v->word_lines > f.visible ? v->word_lines - f.visible : 0;
    f.top = (int)v->word_top < last ? (int)v->word_top : last;
    f.line = f.column = 0;
    flow_words(&f);
    for (int i = 0; i < f.visible && f.top + i < v->word_lines; i++) {
        grid_put(g, flow, i * height + 1, 0, STYLE_DIM, "looks");
        if (x.m)
            grid_put(g, flow, i * height + 2, 0, STYLE_DIM, "out");
    }
    if (legend)
        draw_legend(&x, g, a, a.rows - 1);
    free(x.attention);
}

// ---- the words as numbers ----

enum { COLUMN_WORD, COLUMN_LOOKS, COLUMN_OUT, COLUMN_PIECES, COLUMNS };

// Words first, then the soft positions.
static const struct input_word *row_word(const struct attention_study *a, size_t row, size_t *index) {
    for (int soft = 0; soft < 2; soft++)
        for (size_t i = 0; i < a->words.count; i++)
            if ((a->words.word[i].kind == INPUT_SOFT) == soft && row-- == 0) {
                *index = i;
                return &a->words.word[i];
            }
    return NULL;
}

static void cell(void *context, size_t row, size_t column, char text[TABLE_CELL], enum style *style) {
    const struct try_view *v = context;
    const struct attention_study *a = v->attention;
    const struct importance_study *m = importance_of(v);
    size_t index = 0;
    const struct input_word *word = row_word(a, row, &index);
    if (!word)
        return;
    if (column == COLUMN_WORD) {
        word_text(word, text, TABLE_CELL);
        *style = word_style(word->kind);
    } else if (column == COLUMN_PIECES) {
        snprintf(text, TABLE_CELL, "%s", word->pieces);
        *style = STYLE_DIM;
    } else if (column == COLUMN_LOOKS) {
        double sum = 0;
        size_t rows = 0;
        for (size_t l = 0; l < a->layers; l++)
            for (size_t h = 0; h < a->heads; h++)
                if ((layer_of(v) == ATTENTION_MEAN || layer_of(v) == l) &&
                    (head_of(v) == ATTENTION_MEAN || head_of(v) == h)) {
                    for (size_t k = 0; k < word->count; k++)
                        sum += (double)a->weight[(l * a->heads + h) * a->words.tokens + word->first + k];
                    rows++;
                }
        snprintf(text, TABLE_CELL, "%.3f", rows ? sum / (double)rows : 0);
    } else if (m && isfinite(m->change[index])) {
        snprintf(text, TABLE_CELL, "%+.3f", (double)m->change[index]);
        *style = m->change[index] < 0 ? STYLE_GOOD : STYLE_BAD;
    } else {
        snprintf(text, TABLE_CELL, "-");
        *style = STYLE_DIM;
    }
}

void try_words_source(struct try_view *v, struct table_source *out) {
    static const struct table_column column[COLUMNS] = {
        {.title = "word", .least = 8, .stretches = true},
        {.title = "looks", .least = 5, .right = true},
        {.title = "out: ln p", .least = 7, .right = true},
        {.title = "pieces", .least = 8, .stretches = true},
    };
    *out = (struct table_source){.context = v,
                                 .rows = v->attention ? v->attention->words.count : 0,
                                 .columns = COLUMNS,
                                 .column = column,
                                 .cell = cell};
}

// ---- the pane ----

static void look_title(const struct try_view *v, char *out, size_t size) {
    const struct attention_study *a = v->attention;
    size_t layer = layer_of(v), head = head_of(v), used;
    if (layer == ATTENTION_MEAN && head == ATTENTION_MEAN) {
        snprintf(out, size, "where the mask looks: mean of %zu layers x %zu heads", a->layers, a->heads);
        return;
    }
    used = layer == ATTENTION_MEAN
               ? (size_t)snprintf(out, size, "where the mask looks: mean of %zu layers", a->layers)
               : (size_t)snprintf(out, size, "where the mask looks: layer %zu of %zu", layer + 1, a->layers);
    if (used >= size)
        return;
    if (head == ATTENTION_MEAN)
        snprintf(out + used, size - used, ", mean of %zu heads", a->heads);
    else
        snprintf(out + used, size - used, ", head %zu of %zu", head + 1, a->heads);
}

static void look_note(const struct try_view *v, const struct workbench *w, char *out, size_t size) {
    size_t done, total;
    const struct importance_study *m = v->attention ? importance_of(v) : NULL;
    out[0] = 0;
    if (try_is_empty(v))
        return;
    if (workbench_studying(w, &view_try, TRY_IMPORTANCE, &done, &total) && total > 1)
        snprintf(out, size, "leaving words out: %zu of %zu", done ? done - 1 : 0, total - 1);
    else if (v->error[TRY_IMPORTANCE].kind == ERROR_NONE && m)
        snprintf(out, size, "p(%.40s) is %.3f with all words", class_name(w, m->predicted),
                 exp(m->log_probability));
}

void try_draw_words(struct try_view *v, const struct workbench *w, struct grid *g, struct area a,
                    bool focused) {
    char title[128] = "where the mask looks", note[128];
    struct table_source source;
    if (v->attention)
        look_title(v, title, sizeof title);
    look_note(v, w, note, sizeof note);
    struct area body = try_inside(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (v->error[TRY_ATTENTION].kind != ERROR_NONE) {
        grid_put_wrapped(g, body, 0, STYLE_WARN, v->error[TRY_ATTENTION].text);
    } else if (!v->attention || try_is_empty(v)) {
        grid_put_wrapped(g, body, 0, STYLE_DIM,
                         "The words of the text go here: under each how much the decoder looks at it where "
                         "the mask is answered, and how much the answer changes when it is left out.");
    } else if (v->numbers) {
        try_words_source(v, &source);
        table_draw(&v->table, g, body, &source, focused);
    } else {
        draw_as_text(v, g, body);
    }
}
