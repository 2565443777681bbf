// SPDX-License-Identifier: GPL-3.0-or-later
// How the Run screen is laid out; its frames, the nearest words.
#include <stdio.h>
#include <string.h>

#include "parts.h"
#include "run_inside.h"

// ---- nearest words ----

// "v0 ▁film ▁movie · v1 ▁very ▁quite", as many as fit into the rows.
static void draw_near_lines(const struct workbench *w, struct grid *g, struct area a) {
    const struct prompt_picture *p = workbench_picture(w);
    const struct workspace *ws = workbench_workspace(w);
    char name[32], one[PART_PIECE], two[PART_PIECE], all[2 * PART_PIECE + 32];
    int row = 0, column = 11;
    if (ws && part_fine_tunes(ws)) {
        grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_DIM,
                     "all weights learn: there are no soft vectors to show");
        return;
    }
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
                           i == 0 && near[0].id != p->start_near[slot] ? STYLE_ACCENT : STYLE_PLAIN, piece);
        column += grid_printf(g, a, row, column, STYLE_DIM, " %.2f", (double)near[i].value) + 2;
    }
}

static void draw_near_pane(const struct workbench *w, struct grid *g, struct area a) {
    const struct prompt_picture *p = workbench_picture(w);
    if (!p || !workbench_workspace(w)) {
        grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_DIM, "each soft vector's nearest words go here");
        return;
    }
    if (part_fine_tunes(workbench_workspace(w)))
        grid_put_cut(g, a, 0, 1, a.columns - 2, STYLE_DIM,
                     "all weights learn: there are no soft vectors to show");
    for (int row = 0; row < a.rows && (size_t)row < p->slots; row++)
        draw_near_line(w, g, a, row, (size_t)row);
}

// ---- frames ----

static void step_note(const struct workbench *w, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct metric *last = part_last(history, count, METRIC_STEP);
    const struct series *series = workbench_series(w);
    struct session *s = workbench_session(w);
    if (!last || !s)
        return;
    size_t steps = session_settings(s)->steps;
    if (series && series->done < series->count)
        snprintf(out, size, "seed %zu of %zu: %zu/%zu", series->done + 1, series->count, last->step, steps);
    else
        snprintf(out, size, "%zu/%zu", last->step, steps);
}

static void best_note(const struct workbench *w, int columns, char *out, size_t size) {
    size_t count;
    const struct metric *history = workbench_history(w, &count), *best = part_best(history, count);
    const struct workspace *ws = workbench_workspace(w);
    char score[PART_SHORT];
    out[0] = 0;
    if (!best || !ws)
        return;
    part_score(score, best->dev_accuracy, ws->split->dev_count);
    snprintf(out, size, columns < 32 ? "best %s @ %zu" : "best dev %s @ %zu", score, best->step);
}

static void draw_pane(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                      enum pane p) {
    char note[160] = "", title[64];
    if (v->training) {
        run_training_draw_pane(v, g, a, p);
        return;
    }
    const struct prompt_picture *picture = workbench_picture(w);
    if (v->range.cursor && p < PANE_NEAREST)
        run_cursor_note(v, p, note, sizeof note);
    else if (p == PANE_LOSS)
        step_note(w, note, sizeof note);
    else if (p == PANE_ACCURACY)
        best_note(w, a.columns, note, sizeof note);
    else if (p == PANE_NEAREST && picture)
        snprintf(note, sizeof note, "cosine, after step %zu", picture->step);
    const struct step_report *report = workbench_report(w);
    if (p == PANE_REPORT && report)
        snprintf(note, sizeof note, "step %zu, its batch of %zu", report->metric.step, report->batch);
    else if (p == PANE_SWEEP)
        run_sweep_note(v, w, note, sizeof note);
    else if (p == PANE_SEEDS)
        run_seeds_note(w, note, sizeof note);
    snprintf(title, sizeof title, "%s%s", run_pane_title[p],
             p == PANE_LOSS && v->log_loss ? ", log scale" : "");
    struct area inside = grid_frame(g, a, v->focus == (size_t)p, title, note[0] ? note : NULL);
    if (p == PANE_NEAREST)
        draw_near_pane(w, g, inside);
    else if (p == PANE_REPORT)
        run_draw_report(w, g, inside);
    else if (p == PANE_SWEEP)
        run_draw_sweep(v, w, g, inside);
    else if (p == PANE_SEEDS)
        run_draw_seeds(w, g, inside);
    else
        run_draw_curve(v, w, g, inside, p);
}

// ---- the whole ----

bool run_pane_there(const struct run_view *v, const struct workbench *w, enum pane p) {
    if (v->training)
        return run_training_pane_there(v->training, p);
    if (p == PANE_SWEEP)
        return v->sweep || run_sweeping(w);
    if (p == PANE_SEEDS)
        return workbench_series(w) != NULL;
    return p != PANE_REPORT || workbench_report(w);
}

// The numbers, or the welcome before the first step; the doctor; the nearest words.
static void draw_low(const struct run_view *v, const struct workbench *w, struct grid *g, struct area a,
                     bool large) {
    struct area numbers, doctor, nearest;
    run_low_parts(v, a, large, &numbers, &doctor, &nearest);
    if (v->training)
        run_training_draw_numbers(v, g, large ? area_rows(numbers, 0, 4) : numbers);
    else if (v->begun)
        run_draw_numbers(v, w, g, large ? area_rows(numbers, 0, 4) : numbers);
    else
        run_draw_welcome(w, g, numbers);
    if (v->training)
        run_draw_doctor(g, doctor, v->training->diagnosis, v->training->diagnoses);
    else
        run_draw_doctor(g, doctor, v->diagnosis, v->diagnoses);
    if (large)
        draw_pane(v, w, g, nearest, PANE_NEAREST);
    else if (v->training)
        run_training_draw_parts_lines(v, g, nearest);
    else
        draw_near_lines(w, g, nearest);
}

void run_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    const struct run_view *v = state;
    struct panes *panes;
    struct area at[PANES_MOST];
    const struct pane_spec *s = run_panes(state, a, &panes);
    const bool large = run_is_large(s);
    (void)now;
    panes_layout(panes, s, a, at);
    for (size_t slot = 0; slot < s->panes; slot++) {
        if (!panes_shown(at[slot]))
            continue;
        if (slot == RUN_LOW && !panes->zoomed)
            draw_low(v, w, g, at[slot], large);
        else
            draw_pane(v, w, g, at[slot], run_pane_in(v, w, (enum run_slot)slot, large));
    }
}
