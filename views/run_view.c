// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 3, Run: the curves of a run while it goes on, its numbers, what the doctor says, and the words that
// the soft vectors lie near.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"
#include "run_inside.h"

static bool create(void **state, struct error *e) {
    return (*state = mem_calloc(1, sizeof(struct run_view), e)) != NULL;
}

static void view_free(void *state) {
    struct run_view *v = state;
    if (v) {
        run_columns_free(v);
        run_training_free(v);
        study_free(v->sweep ? &v->sweep->study : NULL);
    }
    free(v);
}

// ---- news ----

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
    const char *word[TASK_MOST_CLASSES];
    const struct verbalizer *words = &ws->verbalizer;
    bool named = words->classes == ws->task->classes && words->classes <= TASK_MOST_CLASSES;
    for (size_t c = 0; named && c < words->classes; c++)
        named = words->label[c].words > 0 && (word[c] = words->label[c].word[0].text) != NULL;
    const struct doctor_input in = {
        .history = history,
        .count = count,
        .classes = ws->task->classes,
        .class_name = (const char *const *)ws->task->class_name,
        .label_word = named ? word : NULL,
        .whole_vocabulary = ws->setup && ws->setup->settings.loss == LOSS_PAPER_CODE,
        .fine_tuning = part_fine_tunes(ws),
        .worded = strcmp(part_method(ws), "hybrid PT") == 0,
        .dev_count = ws->split->dev_count,
        .dev = workbench_dev(w),
        .vector_norm = p ? median(p->norm, p->slots) : NAN,
        .vocabulary_norm = ws->norms && ws->norms->ids ? ws->norms->sorted[ws->norms->ids / 2] : NAN,
    };
    v->diagnoses = doctor_look(&in, v->diagnosis);
}

static void refresh(void *state, struct workbench *w, double now) {
    struct run_view *v = state;
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    run_training_refresh(v, w, now);
    run_columns_follow(v, history, count);
    consult(v, w);
    v->begun = v->training ? v->training->log != NULL
                           : workbench_workspace(w) && part_last(history, count, METRIC_STEP);
    if (!run_pane_there(v, w, (enum pane)v->focus)) // what it showed is gone
        v->focus = PANE_ACCURACY;
}

// ---- requests ----

static void move_focus(struct run_view *v, const struct workbench *w, int by) {
    do
        v->focus = (v->focus + (size_t)(PANE_COUNT + by)) % PANE_COUNT;
    while (!run_pane_there(v, w, (enum pane)v->focus));
}

// To the scoring before or after the cursor.
static void to_scoring(struct run_view *v, const struct workbench *w, bool forward) {
    const struct run_range *r = &v->range;
    double at = r->cursor ? (double)r->at : (double)run_last_step(v) + 0.5, found = -1;
    for (size_t i = 0; i < v->devs; i++)
        if (forward ? (double)v->dev_x[i] > at && found < 0 : (double)v->dev_x[i] < at)
            found = (double)v->dev_x[i];
    if (found >= 0)
        run_range_put(&v->range, run_axis_end(v, w), (size_t)found);
}

bool run_range_request(struct run_range *range, double end, size_t last, enum request r) {
    switch (r) {
    case REQUEST_LEFT:
    case REQUEST_RIGHT:
        run_range_move(range, end, last, r == REQUEST_LEFT ? -1 : 1);
        return true;
    case REQUEST_FIRST:
    case REQUEST_LAST:
        run_range_put(range, end, r == REQUEST_FIRST ? 0 : last);
        return true;
    case REQUEST_UP:
    case REQUEST_STEPS_FEWER:
    case REQUEST_DOWN:
    case REQUEST_STEPS_MORE:
        run_range_zoom(range, end, (double)last, r == REQUEST_UP || r == REQUEST_STEPS_FEWER);
        return true;
    case REQUEST_STEPS_EARLIER:
    case REQUEST_STEPS_LATER:
        run_range_pan(range, end, r == REQUEST_STEPS_LATER);
        return true;
    default:
        return false;
    }
}

static bool range_request(struct run_view *v, const struct workbench *w, enum request r) {
    if (v->steps + v->devs == 0)
        return false;
    if (r == REQUEST_PAGE_UP || r == REQUEST_PAGE_DOWN) {
        to_scoring(v, w, r == REQUEST_PAGE_DOWN);
        return true;
    }
    return run_range_request(&v->range, run_axis_end(v, w), run_last_step(v), r);
}

// Esc takes back one thing after the other.
static bool back(struct run_view *v) {
    if (v->range.cursor)
        v->range.cursor = false;
    else if (v->range.to > v->range.from)
        v->range = (struct run_range){0};
    else if (v->panes.zoomed)
        v->panes.zoomed = false;
    else if (v->show_sweep)
        v->show_sweep = false;
    else
        return false;
    return true;
}

// Back to the prompt of the scoring at the cursor, or the last before it.
static bool undo_to_cursor(struct run_view *v, struct workbench *w, double now) {
    const struct snapshot *x = snapshot_set_near(workbench_snapshots(w), v->range.at);
    char step[32];
    if (!v->range.cursor) {
        to_scoring(v, w, false);
        if (v->range.cursor)
            workbench_say(w, STYLE_PLAIN, now,
                          "%s and %s choose where dev was scored; %s goes back to the prompt there",
                          PART_KEY(PAGE_UP, WHERE_RUN), PART_KEY(PAGE_DOWN, WHERE_RUN),
                          PART_KEY(UNDO_TO, WHERE_RUN));
        else
            workbench_say(w, STYLE_PLAIN, now, "nothing was scored yet that could be gone back to");
        return true;
    }
    if (!x)
        return false;
    snprintf(step, sizeof step, "%zu", x->step);
    v->range.cursor = false;
    workbench_request(w, REQUEST_UNDO_TO, step, now);
    return true;
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct run_view *v = state;
    if (r == REQUEST_WATCH) {
        run_training_watch(v, w, argument, now);
        refresh(v, w, now);
        return true;
    }
    if (v->training) {
        bool done = run_training_request(v, w, r, argument, now);
        refresh(v, w, now);
        return done;
    }
    if (range_request(v, w, r))
        return true;
    switch (r) {
    case REQUEST_FOCUS_NEXT:
        move_focus(v, w, 1);
        return true;
    case REQUEST_FOCUS_PREVIOUS:
        move_focus(v, w, -1);
        return true;
    case REQUEST_BACK:
        return back(v);
    case REQUEST_SWEEP:
        run_sweep_ask(v, w, argument, now);
        return true;
    case REQUEST_TAKE:
        run_sweep_take(v, w, now);
        return true;
    case REQUEST_UNDO_TO:
        return !argument && undo_to_cursor(v, w, now);
    case REQUEST_LOG_SCALE:
        v->log_loss = !v->log_loss;
        workbench_say(w, STYLE_PLAIN, now, "loss on a %s scale", v->log_loss ? "logarithmic" : "linear");
        return true;
    case REQUEST_SMOOTH:
        v->smoothing = (v->smoothing + 1) % SMOOTHINGS;
        run_columns_smooth(v);
        if (run_smoothing(v) > 0)
            workbench_say(w, STYLE_PLAIN, now, "train curves smoothed by %.1f; the raw ones stay behind them",
                          run_smoothing(v));
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
    const struct run_view *v = state;
    if (v->training)
        return run_training_hints(v);
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

static const char *means(void *state, const struct workbench *w, enum request r) {
    const struct run_view *v = state;
    (void)w;
    return v->training ? run_training_means(v, r) : NULL;
}

// A training is looked at now and then: its log is a file, and its thread knows no screen.
static double deadline(void *state) {
    const struct run_view *v = state;
    return v->training ? v->training->look_at : 0;
}

const struct view view_run = {
    .name = "Run",
    .screen = REQUEST_SCREEN_RUN,
    .where = WHERE_RUN,
    .purpose = "Train the soft prompt and watch it learn: loss, accuracy, and what its vectors turn into.",
    .create = create,
    .free = view_free,
    .draw = run_draw,
    .request = request,
    .hints = hints,
    .means = means,
    .refresh = refresh,
    .panes = run_panes,
    .mouse = run_mouse,
    .studied = run_sweep_studied,
    .deadline = deadline,
    .tick = refresh,
};
