// SPDX-License-Identifier: GPL-3.0-or-later
// The numbers of a run, and what stands in their place before the first step.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

struct number {
    const char *label;
    enum style style;
    char value[3 * PART_SHORT];
    char narrow[PART_SHORT]; // instead of it where it would be cut; "" as it is
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
    if (strlen(a) >= 7) // "3.9e-05": the prompt's norm gives way
        snprintf(b, sizeof b, "%.2g", (double)m->prompt_norm);
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

// How much of the history is up to the cursor: its numbers are then those of that moment.
static size_t count_until(const struct run_view *v, const struct metric *history, size_t count) {
    while (v->range.cursor && count > 0 && history[count - 1].step > v->range.at)
        count--;
    return count;
}

static void collect(const struct run_view *v, const struct workbench *w, struct number n[N_COUNT]) {
    static const char *const label[N_COUNT] = {"step",    "train loss", "dev loss", "rate",    "train acc",
                                               "dev acc", "update",     "gradient", "best dev"};
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    count = count_until(v, history, count);
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
    snprintf(n[N_STEP].value, sizeof n[N_STEP].value, "%zu/%zu",
             v->range.cursor ? v->range.at
             : step          ? step->step
                             : 0,
             session_settings(s)->steps);
    if (v->range.cursor)
        n[N_STEP].style = STYLE_ACCENT;
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
        snprintf(n[N_BEST].narrow, sizeof n[N_BEST].narrow, "%.2f @ %zu", (double)best->dev_accuracy,
                 best->step);
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
        snprintf(text, sizeof text, "not scored yet: %s scores %zu examples", PART_KEY(TEST, WHERE_RUN),
                 ws->task->test.count);
    } else {
        snprintf(text, sizeof text, "%zu examples, for the end", ws->task->test.count);
    }
    part_field(g, a, row, 1, gap, a.columns - 2, "test", style, text);
}

// Instead of the test score, while there is a cursor: what can be done with it.
static void draw_cursor_keys(const struct run_view *v, const struct workbench *w, struct grid *g,
                             struct area a, int row, int gap) {
    const struct snapshot *x = snapshot_set_near(workbench_snapshots(w), v->range.at);
    char text[3 * KEYMAP_KEYS + 80];
    const char *up = PART_KEY(PAGE_UP, WHERE_RUN), *down = PART_KEY(PAGE_DOWN, WHERE_RUN);
    if (x)
        snprintf(text, sizeof text, "%s goes back to the prompt of step %zu; %s, %s scorings; Esc ends",
                 PART_KEY(UNDO_TO, WHERE_RUN), x->step, up, down);
    else
        snprintf(text, sizeof text, "%s, %s: to where dev was scored; Esc ends", up, down);
    part_field(g, a, row, 1, gap, a.columns - 2, "cursor", STYLE_PLAIN, text);
}

// Numbers in as many columns as there is room for; a last row for the test score where there is one.
void run_draw_numbers(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a) {
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
    collect(v, w, n);
    int last = 0;
    for (int i = 0; order[i] >= 0; i++) {
        const struct number *x = &n[order[i]];
        if (i / columns >= a.rows - (a.rows > 3))
            break;
        last = i / columns;
        int c = i % columns;
        int room = begin[c + 1] - begin[c] - 1, wide = text_width(x->value, strlen(x->value));
        bool narrow = x->narrow[0] && wide > room - gap[columns - 1][c];
        part_field(g, a, last, begin[c], gap[columns - 1][c], room, x->label, x->style,
                   narrow ? x->narrow : x->value);
    }
    if (a.rows > 3 && v->range.cursor)
        draw_cursor_keys(v, w, g, a, last + 1, gap[columns - 1][0]);
    else if (a.rows > 3)
        draw_test(w, g, a, last + 1, gap[columns - 1][0]);
}

// ---- before the first step ----

enum { WELCOME_LINE = 400 };
struct welcome {
    char line[8][WELCOME_LINE];
    size_t lines;
};

// How long the run will take, and what that is known by: the last steps of a run like it, or a batch of
// training and one of scoring that the engine has timed, which other work on the machine lengthens.
static void compose_time(const struct workbench *w, bool narrow, struct welcome *t) {
    const struct run_estimate *x = workbench_estimate(w);
    const struct workspace *ws = workbench_workspace(w);
    const struct run_settings *o = session_settings(workbench_session(w));
    char all[PART_SHORT], one[PART_SHORT], score[PART_SHORT];
    double step = x ? x->step_seconds : 0, dev = x ? x->dev_seconds : 0, real_step, real_dev;
    const char *by = "by one batch";
    if (workbench_pace(w, &real_step, &real_dev)) {
        step = real_step;
        dev = real_dev > 0 ? real_dev : dev;
        by = "by the last run";
    }
    if (!(step > 0))
        return;
    size_t scorings = ws->split->dev_count ? 1 + (o->steps + o->evaluate_every - 1) / o->evaluate_every : 0;
    part_seconds(all, (double)o->steps * step + (double)scorings * dev);
    part_seconds(one, step);
    part_seconds(score, dev);
    if (scorings && dev > 0)
        snprintf(t->line[t->lines++], WELCOME_LINE,
                 narrow ? "About %s: %zu x %s, %zu dev x %s (%s)."
                        : "About %s: %zu steps of %s, %zu dev scorings of %s (%s).",
                 all, o->steps, one, scorings, score, by);
    else
        snprintf(t->line[t->lines++], WELCOME_LINE, "About %s: %zu steps of %s (%s).", all, o->steps, one,
                 by);
}

static void compose_memory(const struct workbench *w, struct welcome *t) {
    const struct run_estimate *x = workbench_estimate(w);
    const struct workspace *ws = workbench_workspace(w);
    char all[PART_SHORT], part[4][PART_SHORT];
    if (!x)
        return;
    part_bytes(all, ws->weight_bytes + x->pass_bytes + x->state_bytes + x->snapshot_bytes);
    part_bytes(part[0], ws->weight_bytes);
    part_bytes(part[1], x->pass_bytes);
    part_bytes(part[2], x->state_bytes);
    part_bytes(part[3], x->snapshot_bytes);
    if (part_fine_tunes(ws))
        snprintf(t->line[t->lines++], WELCOME_LINE, "Memory %s: the model %s, batch %s, tuned weights %s.",
                 all, part[0], part[1], part[2]);
    else
        snprintf(t->line[t->lines++], WELCOME_LINE,
                 "Memory %s: weights %s, batch %s, prompt %s, snapshots %s.", all, part[0], part[1], part[2],
                 part[3]);
}

static void compose_welcome(const struct workbench *w, bool narrow, struct welcome *t) {
    const struct workspace *ws = workbench_workspace(w);
    char a[PART_SHORT], b[PART_SHORT];
    t->lines = 0;
    if (!ws) {
        if (workbench_opening(w)) {
            snprintf(t->line[t->lines++], WELCOME_LINE, "Opening the model and the task ...");
        } else {
            snprintf(t->line[t->lines++], WELCOME_LINE, "Nothing is open.");
            snprintf(t->line[t->lines++], WELCOME_LINE,
                     "Open a session or a task: \":open NAME\"; Tab shows what there is.");
        }
        return;
    }
    if (!ws->split->train_count) {
        snprintf(t->line[t->lines++], WELCOME_LINE, "There are no examples to learn from yet.");
        snprintf(t->line[t->lines++], WELCOME_LINE,
                 "Type some on screen %s: %s there; then %s tunes on them.", PART_KEY(SCREEN_DATA, WHERE_RUN),
                 PART_KEY(OWN_ADD, WHERE_DATA), PART_KEY(RUN_PAUSE, WHERE_RUN));
        return;
    }
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct metric *dev = part_last(history, count, METRIC_EVAL);
    size_t used = (size_t)snprintf(t->line[t->lines++], WELCOME_LINE, "Press %s to start tuning.",
                                   PART_KEY(RUN_PAUSE, WHERE_RUN));
    if (dev) {
        part_score(a, dev->dev_accuracy, ws->split->dev_count);
        snprintf(t->line[0] + used, WELCOME_LINE - used, " Dev now: %s.", a);
    }
    part_exact(a, ws->slots * ws->config.d_model);
    part_count(b, ws->parameters);
    if (part_fine_tunes(ws))
        snprintf(t->line[t->lines++], WELCOME_LINE,
                 "All %s weights of the model learn; there is no soft prompt.", b);
    else if (ws->slots == 0)
        snprintf(
            t->line[t->lines++], WELCOME_LINE,
            "The template has no soft vectors yet, so there is nothing to tune: add {soft:20} on screen %s.",
            PART_KEY(SCREEN_PATTERN, WHERE_RUN));
    else
        snprintf(t->line[t->lines++], WELCOME_LINE,
                 narrow ? "%zu vectors x %zu = %s numbers learn; %s stay frozen."
                        : "%zu soft vectors x %zu = %s numbers learn; the model's %s stay frozen.",
                 ws->slots, ws->config.d_model, a, b);
    snprintf(t->line[t->lines++], WELCOME_LINE,
             narrow ? "%zu training examples in batches of %zu; %zu for dev."
                    : "%zu training examples in batches of %zu; scored on %zu dev examples.",
             ws->split->train_count, ws->setup ? ws->setup->settings.batch : 0, ws->split->dev_count);
    if (workbench_session(w))
        compose_time(w, narrow, t);
    compose_memory(w, t);
}

void run_draw_welcome(const struct workbench *w, struct grid *g, struct area a) {
    struct welcome t;
    compose_welcome(w, a.columns < 77, &t);
    for (size_t i = 0; i < t.lines && (int)i < a.rows; i++)
        grid_put_cut(g, a, (int)i, 1, a.columns - 2, i == 0 ? STYLE_STRONG : STYLE_PLAIN, t.line[i]);
}
