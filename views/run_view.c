// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 3, Run: the curves of a run while it goes on, its numbers, what the doctor says, and the words that
// the soft vectors lie near.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tui/keymap.h"
#include "tui/plot.h"
#include "views/views.h"

#include "doctor.h"
#include "parts.h"

enum pane { PANE_LOSS, PANE_ACCURACY, PANE_GRADIENT, PANE_UPDATE, PANE_RATE, PANE_NEAREST, PANE_COUNT };
static const char *const pane_title[PANE_COUNT] = {"loss",          "accuracy",      "gradient norm",
                                                   "update/prompt", "learning rate", "nearest words"};

// Columns of numbers over the steps, taken out of the history once when it grows.
enum column {
    LOSS_RAW,
    LOSS_SMOOTH,
    ACCURACY_RAW,
    ACCURACY_SMOOTH,
    GRADIENT,
    UPDATE,
    RATE,
    STEP_COLUMNS,
    DEV_LOSS = STEP_COLUMNS,
    DEV_ACCURACY,
    COLUMNS
};
struct run_view {
    size_t focus;
    bool zoom, log_loss;
    int smoothing; // index into smoothing_share
    struct metric seen_last;
    size_t seen; // metrics that the columns hold
    float *step_x, *dev_x, *value[COLUMNS];
    size_t steps, devs, step_capacity, dev_capacity, capacity[COLUMNS];
    struct plot_mark *mark; // rate changes, then room for the best
    char (*mark_label)[24];
    size_t marks, mark_capacity, label_capacity;
    struct diagnosis diagnosis[DOCTOR_MOST];
    size_t diagnoses;
};

static const double smoothing_share[] = {0.7, 0.9, 0};
enum { SMOOTHINGS = 3 };

// ---- keeping the columns ----

static bool create(void **state, struct error *e) {
    return (*state = mem_calloc(1, sizeof(struct run_view), e)) != NULL;
}

static void forget(struct run_view *v) {
    v->seen = v->steps = v->devs = v->marks = 0;
}

static void view_free(void *state) {
    struct run_view *v = state;
    if (!v)
        return;
    for (size_t i = 0; i < COLUMNS; i++)
        free(v->value[i]);
    free(v->step_x);
    free(v->dev_x);
    free(v->mark);
    free(v->mark_label);
    free(v);
}

static bool room(struct run_view *v, bool step) {
    size_t need = (step ? v->steps : v->devs) + 1;
    if (!(step ? mem_grow(&v->step_x, &v->step_capacity, need, sizeof(float), NULL)
               : mem_grow(&v->dev_x, &v->dev_capacity, need, sizeof(float), NULL)))
        return false;
    for (size_t i = step ? 0 : STEP_COLUMNS; i < (step ? STEP_COLUMNS : COLUMNS); i++)
        if (!mem_grow(&v->value[i], &v->capacity[i], need, sizeof(float), NULL))
            return false;
    return true;
}

static void add_step(struct run_view *v, const struct metric *m) {
    size_t n = v->steps;
    if (!room(v, true))
        return;
    v->step_x[n] = (float)m->step;
    v->value[LOSS_RAW][n] = m->train_loss;
    v->value[ACCURACY_RAW][n] = m->train_accuracy;
    v->value[GRADIENT][n] = m->gradient_norm;
    v->value[UPDATE][n] = m->prompt_norm > 0 ? m->update_norm / m->prompt_norm : NAN;
    v->value[RATE][n] = m->rate;
    v->steps++;
}

static void add_dev(struct run_view *v, const struct metric *m) {
    if (!room(v, false))
        return;
    v->dev_x[v->devs] = (float)m->step;
    v->value[DEV_LOSS][v->devs] = m->dev_loss;
    v->value[DEV_ACCURACY][v->devs] = m->dev_accuracy;
    v->devs++;
}

static void add_rate(struct run_view *v, const struct metric *m) {
    char number[16];
    if (v->steps > 0 && v->value[RATE][v->steps - 1] == m->rate) // said again when a run goes on
        return;
    if (!mem_grow(&v->mark, &v->mark_capacity, v->marks + 2, sizeof *v->mark, NULL) ||
        !mem_grow(&v->mark_label, &v->label_capacity, v->marks + 2, sizeof *v->mark_label, NULL))
        return;
    plot_number(number, sizeof number, m->rate);
    snprintf(v->mark_label[v->marks], sizeof *v->mark_label, "rate %s", number);
    v->mark[v->marks] = (struct plot_mark){.x = (double)m->step, .style = STYLE_DIM};
    v->marks++;
}

// Exponential moving average without the pull towards the first value.
static void smooth(float *out, const float *raw, size_t count, double share) {
    double sum = 0, weight = 0;
    for (size_t i = 0; i < count; i++) {
        if (isfinite(raw[i])) {
            sum = share * sum + (1 - share) * raw[i];
            weight = share * weight + (1 - share);
        }
        out[i] = isfinite(raw[i]) && weight > 0 ? (float)(sum / weight) : NAN;
    }
}

static void smooth_all(struct run_view *v) {
    double share = smoothing_share[v->smoothing];
    if (v->steps == 0)
        return;
    smooth(v->value[LOSS_SMOOTH], v->value[LOSS_RAW], v->steps, share);
    smooth(v->value[ACCURACY_SMOOTH], v->value[ACCURACY_RAW], v->steps, share);
}

static int compare_floats(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double median(const float *x, size_t count) {
    float few[512];
    size_t n = count < 512 ? count : 512;
    if (n == 0)
        return NAN;
    for (size_t i = 0; i < n; i++)
        few[i] = x[i * count / n];
    qsort(few, n, sizeof *few, compare_floats);
    return few[n / 2];
}

static void consult(struct run_view *v, const struct workbench *w) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct workspace *ws = workbench_workspace(w);
    const struct prompt_picture *p = workbench_picture(w);
    if (!ws) {
        v->diagnoses = 0;
        return;
    }
    const struct doctor_input in = {
        .history = history,
        .count = count,
        .classes = ws->task->classes,
        .class_name = (const char *const *)ws->task->class_name,
        .whole_vocabulary = ws->setup && ws->setup->settings.loss == LOSS_PAPER_CODE,
        .dev_count = ws->split->dev_count,
        .dev = workbench_dev(w),
        .vector_norm = p ? median(p->norm, p->slots) : NAN,
        .vocabulary_norm = ws->norms && ws->norms->ids ? ws->norms->sorted[ws->norms->ids / 2] : NAN,
    };
    v->diagnoses = doctor_look(&in, v->diagnosis);
}

static bool same_metric(const struct metric *a, const struct metric *b) {
    return a->kind == b->kind && a->step == b->step &&
           (a->train_loss == b->train_loss || a->kind != METRIC_STEP);
}

static void refresh(void *state, struct workbench *w, double now) {
    struct run_view *v = state;
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    (void)now;
    if (count < v->seen || (v->seen > 0 && !same_metric(&history[v->seen - 1], &v->seen_last)))
        forget(v);
    bool news = count > v->seen;
    for (; v->seen < count; v->seen++) {
        const struct metric *m = &history[v->seen];
        if (m->kind == METRIC_STEP)
            add_step(v, m);
        else if (m->kind == METRIC_EVAL)
            add_dev(v, m);
        else
            add_rate(v, m);
        v->seen_last = *m;
    }
    if (news)
        smooth_all(v);
    consult(v, w);
}

// ---- plots ----

static void step_note(const struct workbench *w, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct metric *last = part_last(history, count, METRIC_STEP);
    struct session *s = workbench_session(w);
    if (last && s)
        snprintf(out, size, "%zu/%zu", last->step, session_settings(s)->steps);
    else
        out[0] = 0;
}

static void best_note(const struct workbench *w, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    const struct workspace *ws = workbench_workspace(w);
    char score[PART_SHORT];
    out[0] = 0;
    if (!best || !ws)
        return;
    part_score(score, best->dev_accuracy, ws->split->dev_count);
    snprintf(out, size, "best dev %s @ %zu", score, best->step);
}

static struct plot_series series(const char *label, enum style style, const float *x, const float *y,
                                 size_t count) {
    return (struct plot_series){.label = label, .style = style, .x = x, .y = y, .count = count};
}

// The end of the step axis: it grows by leaps, so that the curves do not creep with every step.
static double steps_shown(const struct run_view *v, const struct workbench *w) {
    static const double leap[] = {2, 2.5, 2}; // 20, 50, 100, 200, ...
    struct session *s = workbench_session(w);
    double steps = s ? (double)session_settings(s)->steps : 0, end = 20;
    double done = v->steps ? (double)v->step_x[v->steps - 1] : 0;
    if (v->devs && (double)v->dev_x[v->devs - 1] > done)
        done = (double)v->dev_x[v->devs - 1];
    for (int i = 1; end < done; i++)
        end *= leap[i % 3];
    return steps >= done && steps < end ? steps : end;
}

// Where the accuracy axis begins: at a fifth below everything seen.
static double accuracy_floor(const struct run_view *v) {
    float least = 1;
    for (size_t i = 0; i < v->steps; i++)
        if (v->value[ACCURACY_SMOOTH][i] < least)
            least = v->value[ACCURACY_SMOOTH][i];
    for (size_t i = 0; i < v->devs; i++)
        if (v->value[DEV_ACCURACY][i] < least)
            least = v->value[DEV_ACCURACY][i];
    double floor_at = floor((double)least * 5 - 1e-6) / 5;
    return floor_at > 0.8 ? 0.8 : floor_at > 0 ? floor_at : 0;
}

static void draw_pair(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                      bool loss) {
    size_t count, marks = v->marks;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    struct plot_mark mark[9];
    size_t first = marks > 8 ? marks - 8 : 0; // the latest rate changes; more would hide the curve
    for (size_t i = first; i < marks; i++) {
        mark[i - first] = v->mark[i];
        mark[i - first].label = v->mark_label[i];
    }
    marks -= first;
    if (best && v->steps > 0)
        mark[marks++] = (struct plot_mark){(double)best->step, "best", STYLE_GOOD};
    const struct plot_series s[] = {
        series("", STYLE_DIM, v->step_x, v->value[loss ? LOSS_RAW : ACCURACY_RAW], v->steps),
        series("train", STYLE_SERIES_1, v->step_x, v->value[loss ? LOSS_SMOOTH : ACCURACY_SMOOTH], v->steps),
        series("dev", STYLE_SERIES_2, v->dev_x, v->value[loss ? DEV_LOSS : DEV_ACCURACY], v->devs),
    };
    // A batch of few examples scatters so much that its raw accuracy would only hide the rest.
    bool raw = loss && smoothing_share[v->smoothing] > 0 && v->steps > 1;
    struct plot_options o = {.mark = mark, .marks = marks, .x_unit = "step", .log_y = loss && v->log_loss};
    o.x_max = steps_shown(v, w);
    if (!loss) {
        o.y_min = accuracy_floor(v);
        o.y_max = 1;
    }
    o.empty = loss ? "the loss goes here" : "train and dev accuracy go here";
    plot_draw(g, a, raw ? s : s + 1, raw ? 3 : 2, &o);
}

static void draw_single(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                        enum pane p) {
    const enum column c = p == PANE_GRADIENT ? GRADIENT : p == PANE_UPDATE ? UPDATE : RATE;
    const enum style style = p == PANE_RATE ? STYLE_SERIES_4 : STYLE_SERIES_3;
    const struct plot_series s = series("", style, v->step_x, v->value[c], v->steps);
    const struct plot_options o = {
        .empty = "after the first step", .x_unit = "step", .x_max = steps_shown(v, w)};
    plot_draw(g, a, &s, 1, &o);
}

// One line a vector: "v0  ▁film 0.91  ▁movie 0.88"; words that were not nearest at the start stand out.
static void draw_near_line(const struct workbench *w, struct grid *g, struct area a, int row, size_t slot) {
    const struct prompt_picture *p = workbench_picture(w);
    const struct workspace *ws = workbench_workspace(w);
    const struct near_token *near = p->near + (slot * NEAR_KINDS + NEAR_COSINE) * p->k;
    char piece[PART_PIECE], text[PART_PIECE + 16];
    int column = 1 + grid_printf(g, a, row, 1, STYLE_SOFT, "v%zu", slot);
    column = column < 6 ? 6 : column + 1;
    for (size_t i = 0; i < p->k; i++) {
        part_piece(piece, g, ws->tokenizer, near[i].id);
        snprintf(text, sizeof text, "%s %.2f", piece, (double)near[i].value);
        if (!part_fits(text, column, a.columns - 1))
            return;
        column += grid_put(g, a, row, column,
                           i > 0                               ? STYLE_PLAIN
                           : near[0].id != p->start_near[slot] ? STYLE_ACCENT
                                                               : STYLE_STRONG,
                           piece);
        column += grid_printf(g, a, row, column, STYLE_DIM, " %.2f", (double)near[i].value) + 2;
    }
}

static void draw_near_pane(const struct workbench *w, struct grid *g, struct area a) {
    const struct prompt_picture *p = workbench_picture(w);
    if (!p || !workbench_workspace(w)) {
        grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_DIM, "each soft vector's nearest words go here");
        return;
    }
    for (int row = 0; row < a.rows && (size_t)row < p->slots; row++)
        draw_near_line(w, g, a, row, (size_t)row);
}

static void draw_pane(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                      enum pane p) {
    char note[160] = "", title[64];
    const struct prompt_picture *picture = workbench_picture(w);
    if (p == PANE_LOSS)
        step_note(w, note, sizeof note);
    else if (p == PANE_ACCURACY)
        best_note(w, note, sizeof note);
    else if (p == PANE_NEAREST && picture)
        snprintf(note, sizeof note, "cosine, after step %zu", picture->step);
    snprintf(title, sizeof title, "%s%s", pane_title[p], p == PANE_LOSS && v->log_loss ? ", log scale" : "");
    struct area inside = grid_frame(g, a, v->focus == (size_t)p, title, note[0] ? note : NULL);
    if (p == PANE_NEAREST)
        draw_near_pane(w, g, inside);
    else if (p <= PANE_ACCURACY)
        draw_pair(v, w, g, inside, p == PANE_LOSS);
    else
        draw_single(v, w, g, inside, p);
}

// ---- numbers ----

struct number {
    const char *label;
    enum style style;
    char value[3 * PART_SHORT];
};

enum { N_STEP, N_LOSS, N_DEV_LOSS, N_RATE, N_TRAIN, N_DEV, N_UPDATE, N_GRADIENT, N_BEST, N_COUNT };

// The share of right answers in a batch; with its count when the batch was a whole one.
static void batch_score(char *out, size_t size, const struct metric *m, const struct workspace *ws) {
    size_t batch = ws->setup ? ws->setup->settings.batch : 0;
    if (batch > ws->split->train_count)
        batch = ws->split->train_count;
    double right = (double)m->train_accuracy * (double)batch;
    if (!isfinite(m->train_accuracy))
        snprintf(out, size, "-");
    else if (batch > 0 && fabs(right - round(right)) < 1e-3 * (double)batch)
        snprintf(out, size, "%.2f = %.0f/%zu batch", m->train_accuracy, round(right), batch);
    else
        snprintf(out, size, "%.2f of the batch", m->train_accuracy);
}

static void step_numbers(struct number *n, const struct metric *m, const struct workspace *ws) {
    char a[16], b[16];
    plot_number(n[N_LOSS].value, PART_SHORT, m->train_loss);
    if (!isfinite(m->train_loss))
        n[N_LOSS].style = STYLE_BAD;
    batch_score(n[N_TRAIN].value, sizeof n[N_TRAIN].value, m, ws);
    plot_number(a, sizeof a, m->update_norm);
    plot_number(b, sizeof b, m->prompt_norm);
    snprintf(n[N_UPDATE].value, sizeof n[N_UPDATE].value, "%s of %s", a, b);
    plot_number(n[N_GRADIENT].value, PART_SHORT, m->gradient_norm);
}

// Of the last step or of a change since; the schedule's part is in it.
static double rate_now(const struct metric *history, size_t count, double otherwise) {
    for (size_t i = count; i-- > 0;)
        if (history[i].kind != METRIC_EVAL && isfinite(history[i].rate))
            return history[i].rate;
    return otherwise;
}

static void collect(const struct workbench *w, struct number n[N_COUNT]) {
    static const char *const label[N_COUNT] = {"step",    "train loss", "dev loss", "rate",    "train acc",
                                               "dev acc", "update",     "gradient", "best dev"};
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct metric *step = part_last(history, count, METRIC_STEP);
    const struct metric *dev = part_last(history, count, METRIC_EVAL), *best = part_best(history, count);
    const struct workspace *ws = workbench_workspace(w);
    struct session *s = workbench_session(w);
    for (int i = 0; i < N_COUNT; i++) {
        n[i] = (struct number){.label = label[i], .style = STYLE_STRONG};
        snprintf(n[i].value, sizeof n[i].value, "-");
    }
    if (!ws || !s)
        return;
    snprintf(n[N_STEP].value, sizeof n[N_STEP].value, "%zu/%zu", step ? step->step : 0,
             session_settings(s)->steps);
    plot_number(n[N_RATE].value, PART_SHORT, rate_now(history, count, session_settings(s)->rate));
    if (step)
        step_numbers(n, step, ws);
    if (dev) {
        plot_number(n[N_DEV_LOSS].value, PART_SHORT, dev->dev_loss);
        if (ws->task->metric == TASK_MACRO_F1) { // beside the loss, where there is room at every width
            size_t used = strlen(n[N_DEV_LOSS].value);
            snprintf(n[N_DEV_LOSS].value + used, sizeof n[N_DEV_LOSS].value - used, ", F1 %.2f", dev->dev_f1);
        }
        part_score(n[N_DEV].value, dev->dev_accuracy, ws->split->dev_count);
    }
    if (best) {
        char score[PART_SHORT];
        part_score(score, best->dev_accuracy, ws->split->dev_count);
        snprintf(n[N_BEST].value, sizeof n[N_BEST].value, "%s @ %zu", score, best->step);
        n[N_BEST].style = STYLE_GOOD;
    }
}

static void draw_test(const struct workbench *w, struct grid *g, struct area a, int row, int gap) {
    size_t step, history_count;
    const struct evaluation *test = workbench_test(w, &step);
    const struct workspace *ws = workbench_workspace(w);
    const struct metric *history = workbench_history(w, &history_count);
    char text[200], score[PART_SHORT];
    enum style style = STYLE_DIM;
    if (!ws)
        return;
    if (test) {
        part_score(score, test->accuracy, test->examples);
        if (ws->task->metric == TASK_MACRO_F1)
            snprintf(text, sizeof text, "%s, F1 %.3f, with the best prompt (step %zu)", score, test->macro_f1,
                     step);
        else
            snprintf(text, sizeof text, "%s, with the best prompt (step %zu)", score, step);
        style = STYLE_STRONG;
    } else if (ws->task->test.count == 0) {
        snprintf(text, sizeof text, "this task has no test file");
    } else if (part_last(history, history_count, METRIC_STEP)) {
        snprintf(text, sizeof text, "not scored yet: t scores %zu examples", ws->task->test.count);
    } else {
        snprintf(text, sizeof text, "%zu examples, for the end", ws->task->test.count);
    }
    part_field(g, a, row, 1, gap, a.columns - 2, "test", style, text);
}

// Numbers in as many columns as there is room for; a last row for the test score where there is one.
static void draw_numbers(const struct workbench *w, struct grid *g, struct area a) {
    static const int three[] = {N_STEP, N_LOSS,   N_DEV_LOSS, N_RATE, N_TRAIN,
                                N_DEV,  N_UPDATE, N_GRADIENT, N_BEST, -1};
    static const int two[] = {N_STEP, N_LOSS, N_TRAIN, N_DEV, N_RATE, N_BEST, N_UPDATE, N_GRADIENT, -1};
    static const int one[] = {N_STEP, N_LOSS, N_TRAIN,  N_DEV_LOSS, N_DEV,
                              N_BEST, N_RATE, N_UPDATE, N_GRADIENT, -1};
    struct number n[N_COUNT];
    // Labels and values of a column stand as close as their contents let them.
    static const int gap[3][3] = {{11, 11, 11}, {12, 11, 11}, {8, 11, 10}};
    int columns = a.columns >= 78 ? 3 : a.columns >= 50 ? 2 : 1, spare = a.columns - 79;
    int begin[4] = {1, 1 + (a.columns - 1) / 2, a.columns, a.columns};
    if (columns == 3) {
        begin[1] = 23 + spare / 3;
        begin[2] = 52 + spare * 2 / 3;
    } else if (columns == 1) {
        begin[1] = a.columns;
    }
    const int *order = columns == 3 ? three : columns == 2 ? two : one;
    collect(w, n);
    int last = 0;
    for (int i = 0; order[i] >= 0; i++) {
        const struct number *x = &n[order[i]];
        if (i / columns >= a.rows - (a.rows > 3))
            break;
        last = i / columns;
        int c = i % columns;
        part_field(g, a, last, begin[c], gap[columns - 1][c], begin[c + 1] - begin[c] - 1, x->label, x->style,
                   x->value);
    }
    if (a.rows > 3)
        draw_test(w, g, a, last + 1, gap[columns - 1][0]);
}

// ---- doctor and nearest words, in lines ----

static enum style level_style(enum doctor_level level, const struct grid *g, const char **mark) {
    switch (level) {
    case DOCTOR_BAD:
        *mark = part_symbol(g, SYMBOL_CROSS);
        return STYLE_BAD;
    case DOCTOR_WARN:
        *mark = "!";
        return STYLE_WARN;
    case DOCTOR_GOOD:
        *mark = part_symbol(g, SYMBOL_TICK);
        return STYLE_GOOD;
    default:
        *mark = part_symbol(g, SYMBOL_DOT);
        return STYLE_PLAIN;
    }
}

static void put_key_of(struct grid *g, struct area a, int row, int column, enum request r) {
    char key[KEYMAP_KEYS];
    if (r == REQUEST_NONE || !keymap_key(r, WHERE_RUN, key)[0])
        return;
    if (column + 8 + (int)strlen(key) < a.columns) {
        column += grid_put(g, a, row, column, STYLE_DIM, ": press ");
        grid_put(g, a, row, column, STYLE_KEY, key);
    }
}

struct doctor_lines {
    struct grid *g;
    struct area a;
    int row, column;
    enum style style;
    int end;
};

static bool doctor_line(void *context, const char *text, size_t length) {
    struct doctor_lines *d = context;
    if (d->row >= d->a.rows)
        return false;
    d->end = d->column + grid_put_bytes(d->g, d->a, d->row++, d->column, d->style, text, length);
    return true;
}

static void draw_doctor(const struct run_view *v, struct grid *g, struct area a) {
    struct doctor_lines d = {.g = g, .a = a, .column = 13};
    const char *mark = "";
    grid_put(g, a, 0, 1, STYLE_DIM, "doctor");
    if (v->diagnoses == 0)
        grid_put_cut(g, a, 0, 11, a.columns - 12, STYLE_DIM,
                     "looks at the run once there is something to see");
    for (size_t i = 0; i < v->diagnoses && d.row < a.rows; i++) {
        const struct diagnosis *x = &v->diagnosis[i];
        d.style = level_style(x->level, g, &mark);
        grid_put(g, a, d.row, 11, d.style, mark);
        if (a.rows - d.row == 1) {
            grid_put_cut(g, a, d.row, d.column, a.columns - d.column - 1, d.style, x->text);
            d.end = d.column + text_width(x->text, strlen(x->text));
            d.row++;
        } else {
            text_wrap(x->text, strlen(x->text), a.columns - d.column - 1 > 1 ? a.columns - d.column - 1 : 1,
                      doctor_line, &d);
        }
        put_key_of(g, a, d.row - 1, d.end, x->remedy);
    }
}

// "v0 ▁film ▁movie · v1 ▁very ▁quite", as many as fit into the rows.
static void draw_near_lines(const struct workbench *w, struct grid *g, struct area a) {
    const struct prompt_picture *p = workbench_picture(w);
    const struct workspace *ws = workbench_workspace(w);
    char name[32], one[PART_PIECE], two[PART_PIECE], all[2 * PART_PIECE + 32];
    int row = 0, column = 11;
    grid_put(g, a, 0, 1, STYLE_DIM, "nearest");
    for (size_t s = 0; p && ws && s < p->slots; s++) {
        const struct near_token *near = p->near + (s * NEAR_KINDS + NEAR_COSINE) * p->k;
        snprintf(name, sizeof name, "v%zu ", s);
        part_piece(one, g, ws->tokenizer, near[0].id);
        part_piece(two, g, ws->tokenizer, near[p->k > 1 ? 1 : 0].id);
        snprintf(all, sizeof all, "%s%s %s", name, one, two);
        if (!part_fits(all, column, a.columns - 1)) {
            row++;
            column = 11;
        }
        if (row >= a.rows || !part_fits(all, column, a.columns - 1))
            return;
        column += grid_put(g, a, row, column, STYLE_SOFT, name);
        column +=
            grid_put(g, a, row, column, near[0].id != p->start_near[s] ? STYLE_ACCENT : STYLE_PLAIN, one) + 1;
        column += grid_put(g, a, row, column, STYLE_DIM, two) + 3;
    }
}

// ---- the whole ----

struct welcome {
    char line[6][256];
    size_t lines;
};

static void compose_welcome(const struct workbench *w, struct welcome *t) {
    const struct workspace *ws = workbench_workspace(w);
    char a[PART_SHORT], b[PART_SHORT];
    t->lines = 0;
    if (!ws) {
        if (workbench_opening(w)) {
            snprintf(t->line[t->lines++], 256, "Opening the model and the task ...");
        } else {
            snprintf(t->line[t->lines++], 256, "Nothing is open.");
            snprintf(t->line[t->lines++], 256,
                     "Open a session or a task: \":open NAME\"; Tab shows what there is.");
        }
        return;
    }
    snprintf(t->line[t->lines++], 256, "Press Space to start tuning.");
    part_exact(a, ws->slots * ws->config.d_model);
    part_count(b, ws->parameters);
    if (ws->slots == 0)
        snprintf(
            t->line[t->lines++], 256,
            "The template has no soft vectors yet, so there is nothing to tune: add {soft:20} on screen 1.");
    else
        snprintf(t->line[t->lines++], 256,
                 "%zu soft vectors x %zu = %s numbers learn; the model's %s stay frozen.", ws->slots,
                 ws->config.d_model, a, b);
    snprintf(t->line[t->lines++], 256, "%zu training examples in batches of %zu; scored on %zu dev examples.",
             ws->split->train_count, ws->setup ? ws->setup->settings.batch : 0, ws->split->dev_count);
}

static void draw_welcome(const struct workbench *w, struct grid *g, struct area a) {
    struct welcome t;
    compose_welcome(w, &t);
    for (size_t i = 0; i < t.lines && (int)i < a.rows; i++)
        grid_put_cut(g, a, (int)i, 1, a.columns - 2, i == 0 ? STYLE_STRONG : STYLE_PLAIN, t.line[i]);
}

static void split_rows(struct area a, int first, struct area *top, struct area *rest) {
    *top = area_rows(a, 0, first);
    *rest = area_rows(a, first, a.rows - first);
}

// Two panes: loss and accuracy. Where the smaller plots have no place of their own, the one that has the
// focus takes the second.
static void draw_curves(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                        enum pane second) {
    int half = a.columns / 2;
    if (a.columns < 70 ? a.rows >= 24 : a.rows * 2 > a.columns) { // narrow or tall: one above the other
        draw_pane(v, w, g, area_rows(a, 0, a.rows / 2), PANE_LOSS);
        draw_pane(v, w, g, area_rows(a, a.rows / 2, a.rows - a.rows / 2), second);
    } else {
        draw_pane(v, w, g, area_columns(a, 0, half), PANE_LOSS);
        draw_pane(v, w, g, area_columns(a, half, a.columns - half), second);
    }
}

static bool has_small_plots(struct area content) {
    return content.rows >= 32 && content.columns >= 72;
}

static void draw_large(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                       bool begun) {
    struct area curves, small, numbers, doctor, rest;
    int third = a.columns / 3, plots = a.rows - 13;
    split_rows(a, plots * 3 / 5, &curves, &rest);
    split_rows(rest, plots - curves.rows, &small, &rest);
    split_rows(rest, 5, &numbers, &rest);
    split_rows(rest, 2, &doctor, &rest);
    draw_curves(v, w, g, curves, PANE_ACCURACY);
    for (int i = 0; i < 3; i++)
        draw_pane(v, w, g, area_columns(small, i * third, i == 2 ? a.columns - 2 * third : third),
                  (enum pane)(PANE_GRADIENT + i));
    if (begun)
        draw_numbers(w, g, area_rows(numbers, 0, 4));
    else
        draw_welcome(w, g, numbers);
    draw_doctor(v, g, doctor);
    draw_pane(v, w, g, rest, PANE_NEAREST);
}

static void draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    const struct run_view *v = state;
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    bool begun = workbench_workspace(w) && part_last(history, count, METRIC_STEP);
    struct area curves, numbers, doctor, nearest;
    (void)now;
    if (v->zoom) {
        draw_pane(v, w, g, a, (enum pane)v->focus);
        return;
    }
    if (has_small_plots(a)) {
        draw_large(v, w, g, a, begun);
        return;
    }
    // The doctor and the nearest words have a line each, or two; the numbers three, or four.
    int spare = a.rows >= 18, lines = 1 + spare, number_rows = 3 + spare;
    split_rows(a, a.rows - 2 * lines - number_rows, &curves, &numbers);
    split_rows(numbers, number_rows, &numbers, &doctor);
    split_rows(doctor, lines, &doctor, &nearest);
    draw_curves(v, w, g, curves, v->focus > PANE_ACCURACY ? (enum pane)v->focus : PANE_ACCURACY);
    if (begun)
        draw_numbers(w, g, numbers);
    else
        draw_welcome(w, g, numbers);
    draw_doctor(v, g, doctor);
    draw_near_lines(w, g, nearest);
}

// ---- requests ----

static void move_focus(struct run_view *v, int by) {
    v->focus = (v->focus + (size_t)(PANE_COUNT + by)) % PANE_COUNT;
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct run_view *v = state;
    (void)argument;
    switch (r) {
    case REQUEST_FOCUS_NEXT:
        move_focus(v, 1);
        return true;
    case REQUEST_FOCUS_PREVIOUS:
        move_focus(v, -1);
        return true;
    case REQUEST_ZOOM:
        v->zoom = !v->zoom;
        return true;
    case REQUEST_BACK:
        if (!v->zoom)
            return false;
        v->zoom = false;
        return true;
    case REQUEST_LOG_SCALE:
        v->log_loss = !v->log_loss;
        workbench_say(w, STYLE_PLAIN, now, "loss on a %s scale", v->log_loss ? "logarithmic" : "linear");
        return true;
    case REQUEST_SMOOTH:
        v->smoothing = (v->smoothing + 1) % SMOOTHINGS;
        smooth_all(v);
        if (smoothing_share[v->smoothing] > 0)
            workbench_say(w, STYLE_PLAIN, now, "train curves smoothed by %.1f; the raw ones stay behind them",
                          smoothing_share[v->smoothing]);
        else
            workbench_say(w, STYLE_PLAIN, now, "train curves as measured");
        return true;
    default:
        return false;
    }
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request ready[] = {REQUEST_RUN_PAUSE,  REQUEST_STEP,    REQUEST_EVALUATE, REQUEST_ZOOM,
                                         REQUEST_FOCUS_NEXT, REQUEST_COMMAND, REQUEST_NONE};
    static const enum request running[] = {REQUEST_RUN_PAUSE, REQUEST_STEP,         REQUEST_RATE_UP,
                                           REQUEST_EVALUATE,  REQUEST_UNDO_TO_BEST, REQUEST_ZOOM,
                                           REQUEST_LOG_SCALE, REQUEST_SMOOTH,       REQUEST_NONE};
    static const enum request paused[] = {REQUEST_RUN_PAUSE,    REQUEST_STEP, REQUEST_RATE_UP, REQUEST_TEST,
                                          REQUEST_UNDO_TO_BEST, REQUEST_ZOOM, REQUEST_RESTART, REQUEST_NONE};
    static const enum request done[] = {REQUEST_TEST,          REQUEST_UNDO_TO_BEST, REQUEST_RESTART,
                                        REQUEST_SCREEN_PROMPT, REQUEST_ZOOM,         REQUEST_NONE};
    static const enum request none[] = {REQUEST_SCREEN_PATTERN, REQUEST_COMMAND, REQUEST_QUIT, REQUEST_NONE};
    (void)state;
    switch (workbench_state(w)) {
    case ENGINE_RUNNING:
        return running;
    case ENGINE_PAUSED:
        return paused;
    case ENGINE_DONE:
        return done;
    case ENGINE_EMPTY:
        return none;
    default:
        return ready;
    }
}

const struct view view_run = {
    .name = "Run",
    .screen = REQUEST_SCREEN_RUN,
    .where = WHERE_RUN,
    .purpose = "Train the soft prompt and watch it learn: loss, accuracy, and what its vectors turn into.",
    .create = create,
    .free = view_free,
    .draw = draw,
    .request = request,
    .hints = hints,
    .refresh = refresh,
};
