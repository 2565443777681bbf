// SPDX-License-Identifier: GPL-3.0-or-later
// The Run screen over a training: its curves, what validation says by objective, class or number of options,
// and the numbers.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

static const char *title_of(const struct run_training *t, enum training_pane p) {
    static const char *const title[TRAINING_PANES] = {[TRAINING_PANE_LOSS] = "loss",
                                                      [TRAINING_PANE_ACCURACY] = "accuracy",
                                                      [TRAINING_PANE_RATE] = "learning rate",
                                                      [TRAINING_PANE_GRADIENT] = "gradient norm"};
    bool model = !t->log || t->log->kind == TRAINING_MODEL;
    if (p == TRAINING_PANE_PARTS)
        return model                                      ? "validation loss by objective"
               : t->log->part_kind[0] == PARTS_BY_OPTIONS ? "validation by options, class"
                                                          : "validation by class";
    if (p == TRAINING_PANE_SPEED)
        return model ? "tokens a second" : "examples a second";
    return title[p];
}

static struct run_curve curve_of(const struct run_training *t, enum training_column c) {
    const struct training_log *l = t->log;
    if (!l)
        return (struct run_curve){0};
    const float *y = l->column[c];
    bool of_steps = c < TRAINING_STEP_COLUMNS;
    return of_steps ? (struct run_curve){l->step_x, y, l->step_count}
                    : (struct run_curve){l->validation_x, y, l->validation_count};
}

// At the cursor, or the last one; NaN: none.
static double value_now(const struct run_view *v, enum training_column c) {
    struct run_curve curve = curve_of(v->training, c);
    if (v->range.cursor)
        return run_value_at(&curve, v->range.at);
    return curve.count ? (double)curve.y[curve.count - 1] : (double)NAN;
}

// ---- curves ----

enum { MOST_MARKS = 8 };
struct sheet {
    double from, to;
    struct plot_mark mark[MOST_MARKS + 2];
    char label[MOST_MARKS + 1][32];
    size_t marks;
};

static void add_mark(struct sheet *t, size_t step, enum style style, const char *label) {
    snprintf(t->label[t->marks], sizeof *t->label, "%s", label);
    t->mark[t->marks] = (struct plot_mark){(double)step, t->label[t->marks], style};
    t->marks++;
}

static void begin(struct sheet *t, const struct run_view *v, bool changes) {
    const struct training_log *l = v->training->log;
    char label[32];
    *t = (struct sheet){0};
    run_range_shown(&v->range, run_training_end(v->training), &t->from, &t->to);
    for (size_t i = l && changes && l->marks > MOST_MARKS - 1 ? l->marks - (MOST_MARKS - 1) : 0;
         l && changes && i < l->marks; i++) {
        char number[16];
        plot_number(number, sizeof number, l->mark[i].rate);
        snprintf(label, sizeof label, "rate %s", number);
        add_mark(t, l->mark[i].step, STYLE_DIM, label);
    }
    if (l && changes && isfinite(l->best) &&
        (double)l->best_step < (double)l->validation_x[l->validation_count - 1])
        add_mark(t, l->best_step, STYLE_GOOD, "best");
    if (v->range.cursor) {
        snprintf(label, sizeof label, "%zu", v->range.at);
        add_mark(t, v->range.at, STYLE_ACCENT, label);
    }
}

static void draw_plot(const struct run_view *v, struct grid *g, struct area a, enum training_pane p) {
    const struct run_training *t = v->training;
    static const enum training_column column[TRAINING_PANES] = {[TRAINING_PANE_ACCURACY] = TRAINING_ACCURACY,
                                                                [TRAINING_PANE_RATE] = TRAINING_RATE,
                                                                [TRAINING_PANE_GRADIENT] = TRAINING_GRADIENT,
                                                                [TRAINING_PANE_SPEED] = TRAINING_SPEED};
    struct sheet s;
    begin(&s, v, p <= TRAINING_PANE_ACCURACY);
    const struct run_curve raw = curve_of(t, p == TRAINING_PANE_LOSS ? TRAINING_LOSS : column[p]);
    const struct run_curve validation =
        curve_of(t, p == TRAINING_PANE_LOSS ? TRAINING_VALIDATION_LOSS : TRAINING_VALIDATION_ACCURACY);
    const float *smoothed = p == TRAINING_PANE_LOSS ? t->smooth : t->smooth_accuracy;
    const struct run_curve smooth = {raw.x, smoothed, smoothed ? raw.count : 0};
    struct plot_series series[3];
    size_t n = 0;
    bool model = !t->log || t->log->kind == TRAINING_MODEL;
    if (p == TRAINING_PANE_LOSS) {
        if (run_smoothing(v) > 0)
            series[n++] = run_series(&raw, s.from, s.to, "", STYLE_DIM);
        series[n++] = run_series(&smooth, s.from, s.to, "train", STYLE_SERIES_1);
    } else if (p == TRAINING_PANE_ACCURACY) {
        if (!model) // single batches scatter so much that they would only hide the rest
            series[n++] = run_series(&smooth, s.from, s.to, "train", STYLE_SERIES_1);
    } else {
        series[n++] =
            run_series(&raw, s.from, s.to, "", p == TRAINING_PANE_RATE ? STYLE_SERIES_4 : STYLE_SERIES_3);
    }
    if (p <= TRAINING_PANE_ACCURACY)
        series[n++] = run_series(&validation, s.from, s.to, "valid", STYLE_SERIES_2);
    const struct plot_options o = {.mark = s.mark,
                                   .marks = s.marks,
                                   .x_unit = "step",
                                   .x_min = s.from,
                                   .x_max = s.to,
                                   .log_y = p == TRAINING_PANE_LOSS && v->log_loss,
                                   .empty = p == TRAINING_PANE_ACCURACY ? "after the first validation"
                                                                        : "after the first step"};
    plot_draw(g, a, series, n, &o);
}

// ---- parts ----

// A row each: name, loss, how it came there. In columns where there are more of them than rows.
static void draw_objectives(const struct run_view *v, struct grid *g, struct area a) {
    const struct training_log *l = v->training->log;
    size_t rows = a.rows > 0 ? (size_t)a.rows : 1;
    int columns = (int)((l->parts + rows - 1) / rows), name = 4;
    for (size_t i = 0; i < l->parts; i++) {
        int width = text_width(l->part_name[i], strlen(l->part_name[i]));
        name = width > name ? width : name;
    }
    int each = (a.columns - 1) / (columns > 0 ? columns : 1);
    name = name > each - 9 ? each - 9 : name;
    for (size_t i = 0; i < l->parts; i++) {
        int row = (int)(i % rows), column = 1 + (int)(i / rows) * each;
        double value = value_now(v, (enum training_column)(TRAINING_PART + i));
        grid_put_cut(g, a, row, column, name, STYLE_PLAIN, l->part_name[i]);
        grid_printf(g, a, row, column + name + 1, STYLE_STRONG, "%6.3f", value);
        int rest = each - name - 10;
        if (rest >= 6)
            plot_spark(g, a, row, column + name + 9, rest > 40 ? 40 : rest, STYLE_SERIES_2,
                       l->column[TRAINING_PART + i], l->validation_count);
    }
}

// The parts of one kind: what a prompt's validation says of them.
struct family {
    enum training_parts kind;
    size_t part[TRAINING_MOST_PARTS], count;
    int name; // columns of the widest name
};
enum { MOST_NAME = 20, RIGHT = 5, LOSS = 5, SPARK = 6 };

// Those that there are, numbers of options first.
static size_t families(const struct training_log *l, struct family out[TRAINING_PART_KINDS]) {
    size_t n = 0;
    for (enum training_parts kind = PARTS_BY_OPTIONS; kind < TRAINING_PART_KINDS; kind++) {
        struct family *f = &out[n];
        *f = (struct family){.kind = kind, .name = 1};
        for (size_t i = 0; i < l->parts; i++) {
            if (l->part_kind[i] != kind)
                continue;
            int width = text_width(l->part_name[i], strlen(l->part_name[i]));
            f->name = width < f->name ? f->name : width < MOST_NAME ? width : MOST_NAME;
            f->part[f->count++] = i;
        }
        n += f->count > 0;
    }
    return n;
}

// "100 %" and "0.012", of the same widths whatever they are.
static void share_texts(const struct run_view *v, size_t part, char right[static 16], char loss[static 16]) {
    double share = value_now(v, (enum training_column)(TRAINING_PART + part));
    double x = value_now(v, (enum training_column)(TRAINING_PART_LOSS + part));
    if (isfinite(share))
        snprintf(right, 16, "%3.0f %%", 100 * share);
    else
        snprintf(right, 16, "%*s", RIGHT, "-");
    if (isfinite(x))
        snprintf(loss, 16, "%*.*f", LOSS, x < 10 ? 3 : x < 100 ? 2 : 0, x);
    else
        snprintf(loss, 16, "%*s", LOSS, "-");
}

static void put_name(const struct run_view *v, struct grid *g, struct area a, int row, int column, int width,
                     const struct family *f, size_t part) {
    const char *name = v->training->log->part_name[part];
    int own = text_width(name, strlen(name)),
        left = f->kind == PARTS_BY_OPTIONS && own < width ? width - own : 0;
    grid_put_cut(g, a, row, column + left, width - left, STYLE_PLAIN, name);
}

// One kind in columns of `each`, from `column` on: a heading, a row each with its curve where there is room,
// at last how many more there are.
static void draw_family(const struct run_view *v, struct grid *g, struct area a, int column, int each,
                        size_t columns, const struct family *f) {
    const char *title = f->kind == PARTS_BY_OPTIONS ? "of" : "class";
    const struct training_log *l = v->training->log;
    const size_t rows = a.rows > 2 ? (size_t)a.rows - 1 : 1, room = rows * columns;
    const int least = (int)strlen(title), name = f->name > least ? f->name : least;
    const int spark = each - name - RIGHT - LOSS - 5;
    for (size_t i = 0; i < f->count && i < room; i++) {
        const int row = 1 + (int)(i % rows), at = column + (int)(i / rows) * each;
        char right[16], loss[16];
        if (row == 1)
            grid_printf(g, a, 0, at, STYLE_DIM, "%-*s %*s %*s", name, title, RIGHT, "right", LOSS, "loss");
        if (i + 1 == room && f->count > room) {
            grid_printf(g, a, row, at, STYLE_DIM, "and %zu more", f->count - i);
            return;
        }
        share_texts(v, f->part[i], right, loss);
        put_name(v, g, a, row, at, name, f, f->part[i]);
        grid_put(g, a, row, at + name + 1, STYLE_STRONG, right);
        grid_put(g, a, row, at + name + RIGHT + 2, STYLE_PLAIN, loss);
        if (spark >= SPARK)
            plot_spark(g, a, row, at + name + RIGHT + LOSS + 4, spark > 40 ? 40 : spark, STYLE_SERIES_2,
                       l->column[TRAINING_PART + f->part[i]], l->validation_count);
    }
}

// Kinds beside each other, each in as many columns as it needs, or as there are for it.
static void draw_shares(const struct run_view *v, struct grid *g, struct area a) {
    struct family f[TRAINING_PART_KINDS];
    const size_t n = families(v->training->log, f), rows = a.rows > 2 ? (size_t)a.rows - 1 : 1;
    size_t need[TRAINING_PART_KINDS], all = 0, begin = 0;
    int least = 0;
    for (size_t i = 0; i < n; i++) {
        const int title = f[i].kind == PARTS_BY_OPTIONS ? 2 : 5, name = f[i].name > title ? f[i].name : title;
        least = name + RIGHT + LOSS + 3 > least ? name + RIGHT + LOSS + 3 : least;
        need[i] = (f[i].count + rows - 1) / rows;
        all += need[i];
    }
    size_t most = least && a.columns > least ? (size_t)((a.columns - 1) / least) : 1, left = most;
    for (size_t i = 0; all > most && i < n; i++) { // to each its part of what there is, and what others leave
        size_t part = left / (n - i);
        part = part ? part : 1;
        need[i] = need[i] < part ? need[i] : part;
        left -= need[i] < left ? need[i] : left;
    }
    for (size_t i = all = 0; i < n; i++)
        all += need[i];
    const int each = (a.columns - 1) / (int)(all ? all : 1);
    for (size_t i = 0; i < n; begin += need[i++])
        draw_family(v, g, a, 1 + (int)begin * each, each, need[i], &f[i]);
}

static void draw_parts(const struct run_view *v, struct grid *g, struct area a) {
    const struct training_log *l = v->training->log;
    if (!l || !l->validation_count)
        grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_DIM, "after the first validation");
    else if (l->kind == TRAINING_MODEL)
        draw_objectives(v, g, a);
    else
        draw_shares(v, g, a);
}

// ---- panes ----

static void note_of(const struct run_view *v, enum training_pane p, char *out, size_t size) {
    const struct run_training *t = v->training;
    const struct training_log *l = t->log;
    char a[16], b[16];
    out[0] = '\0';
    if (!l)
        return;
    if (p == TRAINING_PANE_LOSS && v->range.cursor) {
        plot_number(a, sizeof a, value_now(v, TRAINING_LOSS));
        plot_number(b, sizeof b, value_now(v, TRAINING_VALIDATION_LOSS));
        snprintf(out, size, "step %zu: train %s, valid %s", v->range.at, a, b);
    } else if (p == TRAINING_PANE_LOSS && l->steps) {
        snprintf(out, size, "%zu/%zu", l->last, l->steps);
    } else if (p == TRAINING_PANE_ACCURACY && l->validation_count) {
        snprintf(out, size, "%.1f %%", 100 * value_now(v, TRAINING_VALIDATION_ACCURACY));
    } else if (p == TRAINING_PANE_PARTS && l->validation_count) {
        struct run_curve x = {l->validation_x, l->validation_x, l->validation_count};
        double step = v->range.cursor ? run_value_at(&x, v->range.at) : (double)x.y[x.count - 1];
        if (isfinite(step))
            snprintf(out, size, "step %.0f", step);
    }
}

void run_training_draw_pane(const struct run_view *v, struct grid *g, struct area a, size_t pane) {
    const enum training_pane p = (enum training_pane)pane;
    char note[96], title[64];
    note_of(v, p, note, sizeof note);
    snprintf(title, sizeof title, "%s%s", title_of(v->training, p),
             p == TRAINING_PANE_LOSS && v->log_loss ? ", log scale" : "");
    struct area inside = grid_frame(g, a, v->focus == pane, title, note[0] ? note : NULL);
    if (p == TRAINING_PANE_PARTS)
        draw_parts(v, g, inside);
    else
        draw_plot(v, g, inside, p);
}

// ---- numbers ----

enum { N_STEP, N_LOSS, N_VALIDATION, N_RATE, N_GRADIENT, N_ACCURACY, N_SPEED, N_LEFT, N_BEST, N_COUNT };
struct number {
    const char *label;
    enum style style;
    char value[PART_SHORT];
};

static void collect(const struct run_view *v, struct number n[N_COUNT]) {
    const struct run_training *t = v->training;
    const struct training_log *l = t->log;
    const bool own = t->hands && !v->range.cursor && t->state.phase != TRAINING_OPENING;
    static const char *const label[N_COUNT] = {"step",  "train loss", "valid loss", "rate", "gradient",
                                               "right", "speed",      "left",       "best"};
    for (int i = 0; i < N_COUNT; i++)
        n[i] = (struct number){label[i], STYLE_STRONG, "-"};
    if (!l)
        return;
    snprintf(n[N_STEP].value, PART_SHORT, "%zu/%zu",
             v->range.cursor ? v->range.at
             : own           ? t->state.made
                             : l->last,
             l->steps);
    n[N_STEP].style = v->range.cursor ? STYLE_ACCENT : STYLE_STRONG;
    plot_number(n[N_LOSS].value, PART_SHORT, value_now(v, TRAINING_LOSS));
    plot_number(n[N_VALIDATION].value, PART_SHORT, value_now(v, TRAINING_VALIDATION_LOSS));
    plot_number(n[N_RATE].value, PART_SHORT, own ? t->state.rate : value_now(v, TRAINING_RATE));
    plot_number(n[N_GRADIENT].value, PART_SHORT, value_now(v, TRAINING_GRADIENT));
    if (l->validation_count)
        snprintf(n[N_ACCURACY].value, PART_SHORT, "%.1f %%",
                 100 * value_now(v, TRAINING_VALIDATION_ACCURACY));
    double speed = own ? t->state.speed : value_now(v, TRAINING_SPEED);
    if (isfinite(speed) && speed > 0)
        snprintf(n[N_SPEED].value, PART_SHORT, "%.0f %s/s", speed,
                 l->kind == TRAINING_MODEL ? "tokens" : "examples");
    double left = own ? t->state.seconds_left : l->left;
    if (isfinite(left) && run_training_goes(t))
        part_left(n[N_LEFT].value, left);
    if (isfinite(l->best)) {
        char best[16];
        plot_number(best, sizeof best, l->best);
        snprintf(n[N_BEST].value, PART_SHORT, "%s @ %zu", best, l->best_step);
        n[N_BEST].style = STYLE_GOOD;
    }
}

static void draw_known_numbers(const struct run_view *v, struct grid *g, struct area a) {
    struct number n[N_COUNT];
    const int columns = a.columns >= 78 ? 3 : 2, gap[] = {8, 12, 12};
    const struct training_log *l = v->training->log;
    static const int two[] = {N_STEP,     N_LOSS,  N_LEFT,     N_VALIDATION, N_RATE,
                              N_ACCURACY, N_SPEED, N_GRADIENT, N_BEST};
    collect(v, n);
    int width = (a.columns - 1) / columns, last = 0;
    for (int i = 0; i < N_COUNT; i++) {
        const struct number *x = &n[columns == 3 ? i : two[i]];
        if (i / columns >= a.rows - (a.rows > 3))
            break;
        last = i / columns;
        part_field(g, a, last, 1 + i % columns * width, gap[i % columns], width - 1, x->label, x->style,
                   x->value);
    }
    if (a.rows > last + 1 && l)
        part_field(g, a, last + 1, 1, 8, a.columns - 2, l->kept ? "kept" : "of", STYLE_DIM, l->made_of);
    if (a.rows > last + 1 && l && l->kept) {
        char kept[256];
        snprintf(kept, sizeof kept, "step %zu; %s", l->kept, l->made_of);
        part_field(g, a, last + 1, 1, 8, a.columns - 2, "kept", STYLE_PLAIN, kept);
    }
}

static void draw_opening(const struct run_view *v, struct grid *g, struct area a) {
    const struct run_training *t = v->training;
    bool failed = t->hands && t->state.phase == TRAINING_FAILED; // the doctor says why
    grid_put_cut(g, a, 0, 1, a.columns - 2, failed ? STYLE_BAD : STYLE_STRONG,
                 failed             ? "It could not begin."
                 : t->state.note[0] ? t->state.note
                                    : "Reading the text and making the model ready ...");
    if (!failed && a.rows > 1)
        grid_put_cut(g, a, 1, 1, a.columns - 2, STYLE_DIM,
                     "Training begins by itself; Space pauses it then.");
}

void run_training_draw_numbers(const struct run_view *v, struct grid *g, struct area a) {
    if (v->training->log)
        draw_known_numbers(v, g, a);
    else
        draw_opening(v, g, a);
}

enum { PARTS_COLUMN = 11, PARTS_GAP = 3 };

static void part_text(const struct run_view *v, size_t i, char text[static 64]) {
    snprintf(text, 64, "%s %.3f", v->training->log->part_name[i],
             value_now(v, (enum training_column)(TRAINING_PART + i)));
}

// The columns that the parts from `i` on take in one line.
static int parts_width(const struct run_view *v, size_t i) {
    int width = -PARTS_GAP;
    for (; i < v->training->log->parts; i++) {
        char text[64];
        part_text(v, i, text);
        width += text_width(text, strlen(text)) + PARTS_GAP;
    }
    return width;
}

// "valid   spans 2.15   span 1.91", as many as fit into the rows, and how many more there are.
static void draw_objective_lines(const struct run_view *v, struct grid *g, struct area a) {
    const struct training_log *l = v->training->log;
    int row = 0, column = PARTS_COLUMN, room = (int)sizeof "and 99 more" - 1 + PARTS_GAP;
    grid_put(g, a, 0, 1, STYLE_DIM, "valid");
    for (size_t i = 0; i < l->parts && row < a.rows; i++) {
        char text[64];
        part_text(v, i, text);
        bool cut = row + 1 >= a.rows && column + parts_width(v, i) > a.columns - 1;
        if (!part_fits(text, column, a.columns - 1 - (cut ? room : 0))) {
            if (cut) {
                grid_printf(g, a, row, column, STYLE_DIM, "and %zu more", l->parts - i);
                return;
            }
            row++;
            column = PARTS_COLUMN;
        }
        column += grid_put(g, a, row, column, STYLE_PLAIN, text) + PARTS_GAP;
    }
}

// "by class    yes  66 % (0.787)   no ...": one kind in `a`, one below the other.
static void draw_share_lines(const struct run_view *v, struct grid *g, struct area a,
                             const struct family *f) {
    const int begin = 13, gap = 2, each = f->name + RIGHT + LOSS + 4 + gap, width = a.columns - 1 - begin;
    const size_t columns = width + gap > each ? (size_t)((width + gap) / each) : 1;
    const size_t room = a.rows > 0 ? columns * (size_t)a.rows : 0;
    grid_put(g, a, 0, 1, STYLE_DIM, f->kind == PARTS_BY_OPTIONS ? "by options" : "by class");
    for (size_t i = 0; i < f->count && i < room; i++) {
        const int row = (int)(i / columns), column = begin + (int)(i % columns) * each;
        char right[16], loss[16];
        if (i + 1 == room && f->count > room) {
            grid_printf(g, a, row, column, STYLE_DIM, "and %zu more", f->count - i);
            return;
        }
        share_texts(v, f->part[i], right, loss);
        put_name(v, g, a, row, column, f->name, f, f->part[i]);
        grid_put(g, a, row, column + f->name + 1, STYLE_STRONG, right);
        grid_printf(g, a, row, column + f->name + RIGHT + 2, STYLE_PLAIN, "(%s)", loss);
    }
}

void run_training_draw_parts_lines(const struct run_view *v, struct grid *g, struct area a) {
    const struct training_log *l = v->training->log;
    struct family f[TRAINING_PART_KINDS];
    if (!l || !l->validation_count) {
        grid_put(g, a, 0, 1, STYLE_DIM, "valid");
        grid_put_cut(g, a, 0, PARTS_COLUMN, a.columns - PARTS_COLUMN - 1, STYLE_DIM,
                     "by kind, after the first validation");
        return;
    }
    if (l->kind == TRAINING_MODEL) {
        draw_objective_lines(v, g, a);
        return;
    }
    const size_t n = families(l, f);
    for (size_t i = 0, row = 0; i < n && (int)row < a.rows; i++) {
        const size_t left = (size_t)a.rows - row, rows = left / (n - i) ? left / (n - i) : 1;
        draw_share_lines(v, g, area_rows(a, (int)row, (int)rows), &f[i]);
        row += rows;
    }
}
