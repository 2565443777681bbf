// SPDX-License-Identifier: GPL-3.0-or-later
// Drawing the Data screen: the table, one example whole, the split by classes, and lengths.
#include "data_inside.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"

const struct pane_spec *data_panes(void *state, struct area a, struct panes **panes) {
    static const struct pane_split rows[] = {{PANE_ROWS, 0.52, 4, 6, DATA_TABLE, PANE_SPLIT(1)},
                                             {PANE_COLUMNS, 0.5, 20, 20, DATA_DETAILS, PANE_SPLIT(2)},
                                             {PANE_ROWS, 0.5, 3, 3, DATA_SPLIT, DATA_LENGTHS}};
    static const struct pane_split wide[] = {{PANE_COLUMNS, 0.62, 60, 38, DATA_TABLE, PANE_SPLIT(1)},
                                             {PANE_ROWS, 0.5, 5, 8, DATA_DETAILS, PANE_SPLIT(2)},
                                             {PANE_ROWS, 0.5, 4, 4, DATA_SPLIT, DATA_LENGTHS}};
    static const struct pane_spec spec[] = {{"data", rows, 3, DATA_PANES, 0},
                                            {"data-wide", wide, 3, DATA_PANES, 1}};
    *panes = &((struct data_view *)state)->panes;
    return &spec[a.columns >= 110 && a.rows >= 20];
}

static struct area body_of(struct area inside) {
    return area_columns(inside, 1, inside.columns - 2);
}

// ---- the table ----

enum { COLUMN_SPLIT, COLUMN_LABEL, COLUMN_GUESS, COLUMN_P, FIXED };

static const char *class_name(const struct task *t, size_t label) {
    return label < t->classes ? t->class_name[label] : "-";
}

static const char *guess_name(const struct task *t, const struct data_row *r) {
    return r->predicted == DATA_UNKNOWN           ? ""
           : r->predicted == PREDICTION_ELSEWHERE ? "elsewhere"
                                                  : class_name(t, r->predicted);
}

void data_row_name(const struct data_view *v, const struct data_row *r, char *out, size_t size) {
    size_t first = 0;
    for (size_t p = 0; p < r->part; p++)
        first += v->of_part[p];
    snprintf(out, size, "%s %zu", data_part_name(r->part), (size_t)(r - v->row) - first + 1);
}

static void one_line(char text[TABLE_CELL], const char *from) {
    snprintf(text, TABLE_CELL, "%.500s", from);
    for (char *c = text; *c; c++)
        if (*c == '\n' || *c == '\t')
            *c = ' ';
}

static void cell(void *context, size_t row, size_t column, char text[TABLE_CELL], enum style *style) {
    const struct data_table *d = context;
    const struct data_view *v = d->v;
    const struct task *t = workbench_workspace(d->w)->task;
    const struct data_row *r = &v->row[v->shown[row]];
    const struct example *x = data_example(v, d->w, v->shown[row]);
    size_t fixed = v->predicted ? FIXED : COLUMN_GUESS;
    if (!x)
        return;
    if (column == COLUMN_SPLIT) {
        data_row_name(v, r, text, TABLE_CELL);
        if (r->ref.file == TASK_FILE_OWN && r->part != PART_OWN)
            strcat(text, " own");
        *style = STYLE_DIM;
    } else if (column == COLUMN_LABEL) {
        snprintf(text, TABLE_CELL, "%s", class_name(t, x->label));
    } else if (column == COLUMN_GUESS && v->predicted) {
        snprintf(text, TABLE_CELL, "%s", guess_name(t, r));
        *style = data_is_wrong(v, d->w, r) ? STYLE_BAD : STYLE_GOOD;
    } else if (column == COLUMN_P && v->predicted) {
        if (isfinite(r->probability))
            snprintf(text, TABLE_CELL, "%.2f", (double)r->probability);
    } else {
        size_t field = column - fixed;
        one_line(text, field < t->fields ? x->field[field] : "");
    }
}

void data_table_source(struct data_table *c, const struct data_view *v, const struct workbench *w,
                       struct table_source *out) {
    const struct task *t = workbench_workspace(w)->task;
    size_t n = 0;
    *c = (struct data_table){.v = v, .w = w};
    c->column[n++] = (struct table_column){.title = "split", .least = 7, .marked = false};
    c->column[n++] = (struct table_column){.title = "label", .least = 5, .most = 16};
    if (v->predicted) {
        c->column[n++] = (struct table_column){.title = "predicted", .least = 9, .most = 16};
        c->column[n++] = (struct table_column){
            .title = "p", .least = 4, .right = true, .marked = v->order == ORDER_UNSURE};
    }
    for (size_t i = 0; i < t->fields && n < TABLE_MOST_COLUMNS; i++)
        c->column[n++] = (struct table_column){.title = t->field[i], .least = 10, .stretches = true};
    if (!v->rows)
        snprintf(
            c->empty, sizeof c->empty,
            "There are no examples yet. %s types one, with its label; the first of a label is for train, "
            "the next for dev. With some of each label, %s tunes on them.",
            PART_KEY(OWN_ADD, WHERE_DATA), PART_KEY(RUN_PAUSE, WHERE_DATA));
    else if (v->wrong)
        snprintf(c->empty, sizeof c->empty, "no example here is predicted wrongly; %s shows all again",
                 PART_KEY(FILTER_WRONG, WHERE_DATA));
    else
        snprintf(c->empty, sizeof c->empty, "no example passes these filters; %s and %s change them",
                 PART_KEY(FILTER_CLASS, WHERE_DATA), PART_KEY(FILTER_PART, WHERE_DATA));
    *out = (struct table_source){.context = c,
                                 .rows = v->shown_count,
                                 .columns = n,
                                 .column = c->column,
                                 .cell = cell,
                                 .empty = c->empty};
}

// "examples: train, negative, wrong" and how many.
static void table_title(const struct data_view *v, const struct task *t, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "examples: %s", data_part_name(v->part));
    if (v->label != DATA_ANY && used < size)
        used += (size_t)snprintf(out + used, size - used, ", %.40s", class_name(t, v->label));
    if (v->wrong && used < size)
        used += (size_t)snprintf(out + used, size - used, ", wrong");
    if (v->order != ORDER_FILES && used < size)
        snprintf(out + used, size - used,
                 v->order == ORDER_LONGEST ? ", longest first" : ", least sure first");
}

static void table_note(const struct data_view *v, const struct workbench *w, char *out, size_t size) {
    size_t done, total;
    char count[PART_SHORT], all[PART_SHORT];
    if (workbench_studying(w, &view_data, DATA_PREDICTIONS, &done, &total)) {
        snprintf(out, size, "predicting %zu of %zu; Ctrl-C stops", done, total);
        return;
    }
    part_exact(count, v->shown_count);
    part_exact(all, v->rows);
    size_t used = (size_t)snprintf(out, size, "%s of %s", count, all);
    if (v->predicted && used < size)
        snprintf(out + used, size - used, "; predicted with the %s prompt, step %zu: %zu/%zu right",
                 v->predicted_best ? "best" : "present", v->predicted_step, v->predicted_right,
                 v->predicted_count);
}

static void draw_table(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                       bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    char title[128] = "examples", note[160] = "";
    struct data_table context;
    struct table_source source;
    if (ws)
        table_title(v, ws->task, title, sizeof title), table_note(v, w, note, sizeof note);
    struct area body = body_of(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (!ws) {
        grid_put_wrapped(g, body, 0, STYLE_DIM, "The examples of a task go here: :open sentiment opens one.");
        return;
    }
    if (!v->split_good) {
        grid_put_wrapped(g, body, 0, STYLE_BAD, v->split_error.text);
        return;
    }
    data_table_source(&context, v, w, &source);
    table_draw(&v->table, g, body, &source, focused);
}

// ---- one example ----

static int put_part(struct grid *g, struct area a, int row, enum style style, const char *text) {
    return row + grid_put_wrapped(g, a, row, style, text);
}

void data_guess(const struct data_view *v, const struct workbench *w, const struct data_row *r,
                bool with_prompt, char *out, size_t size) {
    const struct task *t = workbench_workspace(w)->task;
    const struct example *x = data_example(v, w, (size_t)(r - v->row));
    out[0] = 0;
    if (!x || !isfinite(r->truth))
        return;
    size_t used = (size_t)snprintf(out, size, "predicted %s", guess_name(t, r));
    if (isfinite(r->probability) && used < size)
        used += (size_t)snprintf(out + used, size - used, " %.2f", (double)r->probability);
    if (r->predicted != x->label && used < size)
        used +=
            (size_t)snprintf(out + used, size - used, ", %s %.2f", class_name(t, x->label), (double)r->truth);
    if (with_prompt && used < size)
        snprintf(out + used, size - used, " (%s prompt, step %zu)", v->predicted_best ? "best" : "present",
                 v->predicted_step);
}

// Draws from row -top on; returns the lines of it all.
static int draw_example(const struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                        const struct data_row *r, int top) {
    const struct task *t = workbench_workspace(w)->task;
    const struct example *x = data_example(v, w, (size_t)(r - v->row));
    char line[300];
    int row = -top;
    for (size_t i = 0; x && i < t->fields; i++) {
        if (t->fields > 1)
            row = put_part(g, a, row, STYLE_DIM, t->field[i]);
        row = put_part(g, a, row, STYLE_PLAIN, x->field[i][0] ? x->field[i] : "(empty)");
    }
    for (size_t i = 0; x && i < x->options; i++) {
        snprintf(line, sizeof line, "%c. %.280s", (char)('A' + (int)i), x->option[i]);
        row = put_part(g, a, row, i == x->label ? STYLE_STRONG : STYLE_PLAIN, line);
    }
    if (!x)
        return 0;
    snprintf(line, sizeof line, "label %s", class_name(t, x->label));
    row = put_part(g, a, row, STYLE_STRONG, line);
    data_guess(v, w, r, true, line, sizeof line);
    if (line[0])
        row = put_part(g, a, row, data_is_wrong(v, w, r) ? STYLE_BAD : STYLE_GOOD, line);
    return row + top;
}

static void draw_details(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                         bool focused) {
    if (v->form.open && workbench_workspace(w)) {
        data_form_draw(v, w, g, a, focused);
        return;
    }
    const struct data_row *r = data_selected(v);
    const struct workspace *ws = workbench_workspace(w);
    char title[96] = "example", note[96] = "", name[48];
    const struct example *x = r ? data_example(v, w, (size_t)(r - v->row)) : NULL;
    if (x) {
        data_row_name(v, r, name, sizeof name);
        snprintf(title, sizeof title, "%s, line %zu of %s", name, x->line,
                 r->ref.file == TASK_FILE_OWN ? "own.jsonl" : "its file");
    }
    if (r && r->length)
        snprintf(note, sizeof note, r->cut ? "%u positions, %u cut" : "%u positions", r->length, r->cut);
    struct area body = body_of(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (!ws || !r) {
        grid_put_wrapped(g, body, 0, STYLE_DIM, "The selected example, whole, goes here.");
        return;
    }
    v->details_lines = draw_example(v, w, g, area_rows(body, 0, 0), r, 0);
    v->details_rows = body.rows;
    int last = v->details_lines > body.rows ? v->details_lines - body.rows : 0;
    draw_example(v, w, g, body, r, v->details_top < last ? v->details_top : last);
}

// ---- the split ----

static void count_classes(const struct example *const *x, size_t count, size_t classes, size_t *of) {
    memset(of, 0, classes * sizeof *of);
    for (size_t i = 0; i < count; i++)
        if (x[i]->label < classes)
            of[x[i]->label]++;
}

// Where classes do not fit beside each other: the least and the most.
static void draw_spread(struct grid *g, struct area a, int row, int column, const struct task *t,
                        const size_t *of) {
    size_t least = 0, most = 0;
    char text[200];
    for (size_t c = 1; c < t->classes; c++) {
        least = of[c] < of[least] ? c : least;
        most = of[c] > of[most] ? c : most;
    }
    if (of[least] == of[most])
        snprintf(text, sizeof text, "%zu a class", of[least]);
    else
        snprintf(text, sizeof text, "%zu %.60s ... %zu %.60s", of[least], class_name(t, least), of[most],
                 class_name(t, most));
    grid_put_cut(g, a, row, column, a.columns - column, STYLE_PLAIN, text);
}

static void draw_part(struct grid *g, struct area a, int row, const char *name, const struct task *t,
                      const struct example *const *x, size_t count, int cell_columns, size_t scale) {
    enum { NAME = 12 };
    size_t of[TASK_MOST_CLASSES];
    count_classes(x, count, t->classes, of);
    grid_put(g, a, row, 0, STYLE_DIM, name);
    grid_printf(g, a, row, 6, STYLE_STRONG, "%zu", count);
    if (!cell_columns) {
        draw_spread(g, a, row, NAME, t, of);
        return;
    }
    for (size_t c = 0; c < t->classes; c++) {
        int column = NAME + (int)c * cell_columns,
            used = grid_printf(g, a, row, column, STYLE_PLAIN, "%zu", of[c]);
        int bar = cell_columns - used - 2;
        if (bar > 0 && scale)
            grid_bar(g, a, row, column + used + 1, bar, STYLE_SERIES_1 + (enum style)(c % 4),
                     (double)of[c] / (double)scale);
    }
}

static size_t most_of_a_class(const struct split *s, const struct task *t) {
    size_t of[TASK_MOST_CLASSES], most = 0;
    for (int dev = 0; dev < 2; dev++) {
        count_classes(dev ? s->dev : s->train, dev ? s->dev_count : s->train_count, t->classes, of);
        for (size_t c = 0; c < t->classes; c++)
            most = of[c] > most ? of[c] : most;
    }
    return most;
}

static void split_title(const struct data_view *v, const struct workspace *ws, char *out, size_t size) {
    const struct run_settings *s = &v->split_of;
    size_t used = s->shots         ? (size_t)snprintf(out, size, "split: %zu a class", s->shots)
                  : s->total_shots ? (size_t)snprintf(out, size, "split: %zu in all", s->total_shots)
                                   : (size_t)snprintf(out, size, "split: all of train");
    if (!ws->task->train.count)
        used = (size_t)snprintf(out, size, "split: what you typed");
    else if (s->own == RUN_OWN_ONLY)
        used = (size_t)snprintf(out, size, "split: own examples only");
    else if (s->own == RUN_OWN_ADDED && used < size)
        used += (size_t)snprintf(out + used, size - used, " + own");
    if (used < size)
        snprintf(out + used, size - used, ", seed %llu", (unsigned long long)s->seed);
}

static void draw_split(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                       bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    char title[96] = "split", note[96] = "";
    enum { NAME = 12, LEAST = 8 };
    if (ws && v->split_good) {
        split_title(v, ws, title, sizeof title);
        if (v->waits)
            snprintf(note, sizeof note, "waits for %s", PART_KEY(APPLY, WHERE_DATA));
        else if (v->rows)
            snprintf(note, sizeof note, "dev: %s", v->split.dev_source);
    }
    struct area body = body_of(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (!ws || !v->split_good)
        return;
    const struct task *t = ws->task;
    int cell_columns = (body.columns - NAME) / (int)t->classes, row = 0;
    cell_columns = cell_columns < LEAST ? 0 : cell_columns > 30 ? 30 : cell_columns;
    size_t scale = most_of_a_class(&v->split, t);
    if (cell_columns && body.rows > 2) {
        for (size_t c = 0; c < t->classes; c++)
            grid_put_cut(g, body, 0, NAME + (int)c * cell_columns, cell_columns - 1, STYLE_DIM,
                         t->class_name[c]);
        row = 1;
    }
    draw_part(g, body, row, "train", t, v->split.train, v->split.train_count, cell_columns, scale);
    draw_part(g, body, row + 1, "dev", t, v->split.dev, v->split.dev_count, cell_columns, scale);
    if (t->test.count && row + 2 < body.rows) {
        grid_put(g, body, row + 2, 0, STYLE_DIM, "test");
        grid_printf(g, body, row + 2, 6, STYLE_STRONG, "%zu", t->test.count);
    }
    if (v->split.note[0] && row + 3 < body.rows)
        grid_put_wrapped(g, area_rows(body, row + 3, body.rows - row - 3), 0, STYLE_WARN, v->split.note);
}

// ---- lengths ----

// A bin holds `width` lengths; none holds lengths on both sides of the budget.
struct histogram {
    size_t count, over, least, most; // of lengths; examples longer than the budget
    size_t from;                     // where the first bin begins, at most `least`
    size_t bin[256], bins, width, highest;
    size_t within; // bins up to the budget; SIZE_MAX: it lies beyond what is drawn
};

static void measure(struct histogram *h, const struct data_view *v, size_t budget) {
    for (size_t i = 0; i < v->shown_count; i++) {
        size_t length = data_length(&v->row[v->shown[i]]);
        if (!length)
            continue;
        h->count++;
        h->over += length > budget;
        h->least = length < h->least ? length : h->least;
        h->most = length > h->most ? length : h->most;
    }
}

// The budget is drawn where it is not far beyond the longest example: it would press all bars together.
static struct histogram make_histogram(const struct data_view *v, size_t columns, size_t budget) {
    struct histogram h = {.least = SIZE_MAX, .within = SIZE_MAX};
    measure(&h, v, budget);
    if (!h.count)
        return h;
    bool near = budget >= h.least && budget <= h.most + (h.most - h.least) / 2;
    size_t last = near && budget > h.most ? budget : h.most;
    // The line takes a column, and beginning earlier can make a bin more.
    size_t bins = near ? columns > 3 ? columns - 2 : 1 : columns ? columns : 1;
    h.width = (last - h.least) / (bins > 250 ? 250 : bins) + 1;
    h.from = h.least;
    if (near) {
        size_t beyond = (budget + 1 - h.least) % h.width, before = beyond ? h.width - beyond : 0;
        h.from -= before;
        h.within = (budget + 1 - h.from) / h.width;
    }
    h.bins = (last - h.from) / h.width + 1;
    for (size_t i = 0; i < v->shown_count; i++) {
        size_t length = data_length(&v->row[v->shown[i]]);
        if (length) {
            size_t *b = &h.bin[(length - h.from) / h.width];
            h.highest = ++*b > h.highest ? *b : h.highest;
        }
    }
    return h;
}

// A column of `eighths` from the bottom up. At least one eighth where there is something.
static void draw_column(struct grid *g, struct area a, int column, int wide, size_t eighths,
                        enum style style) {
    static const char *const part[] = {"", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    for (int row = a.rows - 1; row >= 0 && eighths; row--) {
        size_t now = eighths > 8 ? 8 : eighths;
        for (int i = 0; i < wide; i++)
            grid_put(g, a, row, column + i, style, !g->ascii ? part[now] : now > 4 ? "#" : ".");
        eighths -= now;
    }
}

static int bar_columns(const struct histogram *h, int columns) {
    int wide = h->bins ? columns / (int)h->bins : 1;
    return wide < 1 ? 1 : wide > 4 ? 4 : wide;
}

// The budget is a line of its own between bars, so that it shows without colour, too.
static void draw_bars(const struct histogram *h, struct grid *g, struct area a, int wide, bool all_over) {
    size_t tall = (size_t)(a.rows > 0 ? a.rows : 0) * 8;
    for (size_t b = 0; b < h->bins; b++) {
        size_t eighths = h->bin[b] ? (h->bin[b] * tall + h->highest - 1) / h->highest : 0;
        draw_column(g, a, (int)b * wide + (b >= h->within), wide, eighths,
                    b >= h->within || all_over ? STYLE_WARN : STYLE_ACCENT);
    }
    for (int row = 0; h->within != SIZE_MAX && row < a.rows; row++)
        grid_put(g, a, row, (int)h->within * wide, STYLE_STRONG, "│");
}

// The shortest, the longest, and the budget below its line, or at the end it lies beyond.
static void draw_axis(const struct histogram *h, struct grid *g, struct area a, int wide, size_t budget) {
    char least[32], most[48], limit[48];
    bool line = h->within != SIZE_MAX;
    snprintf(least, sizeof least, "%zu", h->least);
    snprintf(most, sizeof most, "%zu pieces", h->most);
    snprintf(limit, sizeof limit, line || budget < h->least ? "%zu" : "%zu %s", budget,
             part_symbol(g, SYMBOL_POINTER));
    int first = text_width(least, strlen(least)), last = text_width(most, strlen(most)),
        width = text_width(limit, strlen(limit)), end = (int)h->bins * wide + line;
    int at = end - last > first + 1 ? end - last : first + 1, mark = (int)h->within * wide - width / 2;
    if (line && mark > first && mark + width < at) {
        grid_put(g, a, 0, mark, STYLE_STRONG, limit);
    } else if (line && mark >= at - 1) { // at the end: the longest stands before it
        mark = end - width > mark ? mark : end - width;
        at = mark - last - 1 > first ? mark - last - 1 : at;
        if (at + last < mark)
            grid_put(g, a, 0, mark, STYLE_STRONG, limit);
    } else if (!line && budget > h->most && at + last + 1 + width <= a.columns) {
        grid_put(g, a, 0, a.columns - width, STYLE_STRONG, limit);
    }
    grid_put(g, a, 0, 0, STYLE_DIM, least);
    grid_put(g, a, 0, at, STYLE_DIM, most);
}

static void draw_lengths(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                         bool focused) {
    const struct workspace *ws = workbench_workspace(w);
    char title[96] = "lengths in pieces", note[96] = "";
    size_t done, total, budget = workbench_settings(w)->budget;
    struct histogram h = {0};
    if (ws)
        h = make_histogram(v, (size_t)(a.columns > 4 ? a.columns - 4 : 1), budget);
    if (workbench_studying(w, &view_data, DATA_LENGTHS_STUDY, &done, &total))
        snprintf(note, sizeof note, "measuring %zu of %zu", done, total);
    else if (h.count) {
        if (a.columns < 32)
            snprintf(note, sizeof note, "%zu of %zu cut at %zu", h.over, h.count, budget);
        else
            snprintf(note, sizeof note, "budget %zu: %zu of %zu cut", budget, h.over, h.count);
    }
    struct area body = body_of(grid_frame(g, a, focused, title, note[0] ? note : NULL));
    if (!h.count) {
        grid_put_wrapped(g, body, 0, STYLE_DIM,
                         ws ? "How long the listed examples are in the template goes here." : "");
        return;
    }
    int axis_row = body.rows - 1, wide = bar_columns(&h, body.columns - (h.within != SIZE_MAX));
    draw_bars(&h, g, area_rows(body, 0, axis_row), wide, budget < h.least);
    draw_axis(&h, g, area_rows(body, axis_row, 1), wide, budget);
}

// ---- the whole ----

void data_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct data_view *v = state;
    struct panes *panes;
    struct area at[PANES_MOST];
    (void)now;
    panes_layout(&v->panes, data_panes(state, a, &panes), a, at);
    if (panes_shown(at[DATA_TABLE]))
        draw_table(v, w, g, at[DATA_TABLE], panes->focus == DATA_TABLE);
    if (panes_shown(at[DATA_DETAILS]))
        draw_details(v, w, g, at[DATA_DETAILS], panes->focus == DATA_DETAILS);
    if (panes_shown(at[DATA_SPLIT]))
        draw_split(v, w, g, at[DATA_SPLIT], panes->focus == DATA_SPLIT);
    if (panes_shown(at[DATA_LENGTHS]))
        draw_lengths(v, w, g, at[DATA_LENGTHS], panes->focus == DATA_LENGTHS);
}
