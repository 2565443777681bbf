// SPDX-License-Identifier: GPL-3.0-or-later
// The table of runs and the curves of those that are marked.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "tui/plot.h"
#include "views/views.h"

#include "compare_inside.h"
#include "parts.h"

// ---- panes ----

static const struct pane_split NARROW[] = {{PANE_ROWS, 0.5, 6, 6, PANE_TABLE, PANE_SPLIT(1)},
                                           {PANE_COLUMNS, 0.5, 28, 28, PANE_CURVES, PANE_DETAIL}};
static const struct pane_split WIDE[] = {{PANE_ROWS, 0.5, 6, 8, PANE_TABLE, PANE_SPLIT(1)},
                                         {PANE_COLUMNS, 0.58, 40, 40, PANE_CURVES, PANE_DETAIL}};
static const struct pane_spec narrow_spec = {"compare", NARROW, 2, PANE_COUNT, 0};
static const struct pane_spec wide_spec = {"compare-wide", WIDE, 2, PANE_COUNT, 1};

const struct pane_spec *compare_panes(void *state, struct area a, struct panes **panes) {
    struct compare_view *v = state;
    *panes = &v->panes;
    return a.columns >= 110 ? &wide_spec : &narrow_spec;
}

// ---- cells ----

static void name_cell(const struct compare_view *v, const struct compare_row *row, char text[TABLE_CELL],
                      enum style *style) {
    const struct report_run *r = compare_row_run(v, row);
    const struct compare_group *g = &v->group[row->group];
    bool group = compare_row_is_group(row);
    char letter = group ? g->letter : v->run_letter[row->run];
    const char *fold = !v->grouped   ? ""
                       : !group      ? "    "
                       : v->ascii    ? g->unfolded ? "v " : "> "
                       : g->unfolded ? "▾ "
                                     : "▸ ";
    char name[200];
    if (!r->task[0])
        snprintf(name, sizeof name, "damaged");
    else if (!group && v->grouped)
        snprintf(name, sizeof name, "seed %llu, %.150s", (unsigned long long)r->settings.seed, r->session);
    else
        snprintf(name, sizeof name, "%s", g->label);
    snprintf(text, TABLE_CELL, "%c %s%s%s", letter ? letter : ' ', fold,
             group && v->baseline == row->group ? "base: " : "", name);
    utf8_make_plain(text);
    *style = r->note[0]             ? STYLE_BAD
             : letter               ? STYLE_ACCENT
             : group || !v->grouped ? STYLE_STRONG
                                    : STYLE_PLAIN;
}

static void seed_cell(const struct compare_view *v, const struct compare_row *row, char text[TABLE_CELL]) {
    const struct report_group *g = &v->groups.group[row->group];
    if (!compare_row_run(v, row)->task[0])
        snprintf(text, TABLE_CELL, "-");
    else if (!compare_row_is_group(row))
        snprintf(text, TABLE_CELL, "%llu", (unsigned long long)v->report.run[row->run].settings.seed);
    else if (g->finished < g->runs)
        snprintf(text, TABLE_CELL, "%zu/%zu runs", g->finished, g->runs);
    else
        snprintf(text, TABLE_CELL, "%zu run%s", g->runs, g->runs == 1 ? "" : "s");
}

static void score_cell(const struct compare_view *v, const struct compare_row *row, enum report_split split,
                       char text[TABLE_CELL], enum style *style) {
    char score[REPORT_CELL];
    bool group = compare_row_is_group(row);
    if (group)
        report_print_mean(score, &v->group[row->group].mean[split]);
    else
        report_print_score(score, &v->report.run[row->run], split);
    char *sign = v->ascii ? strstr(score, "±") : NULL; // "+-" takes as many bytes
    if (sign)
        memcpy(sign, "+-", 2);
    snprintf(text, TABLE_CELL, "%s", score);
    *style = strcmp(score, "-") == 0 ? STYLE_DIM : STYLE_PLAIN;
}

static void difference_cell(const struct compare_view *v, const struct compare_row *row,
                            enum report_split split, char text[TABLE_CELL], enum style *style) {
    char cell[REPORT_CELL];
    struct report_difference x = compare_row_difference(v, row, split);
    bool base = compare_row_is_group(row) && row->group == v->baseline;
    report_print_difference(cell, &x);
    snprintf(text, TABLE_CELL, "%s", base ? "baseline" : cell);
    // Only an interval that leaves 0 out says which is better.
    *style = base || x.n < 2       ? STYLE_DIM
             : x.mean - x.half > 0 ? STYLE_GOOD
             : x.mean + x.half < 0 ? STYLE_BAD
                                   : STYLE_PLAIN;
}

static void time_cell(double seconds, char text[TABLE_CELL]) {
    char time[PART_SHORT];
    part_seconds(time, seconds);
    snprintf(text, TABLE_CELL, "%s", isfinite(seconds) ? time : "-");
}

static void begun_cell(time_t when, char text[TABLE_CELL]) {
    struct tm local;
    if (!when || !localtime_r(&when, &local) || !strftime(text, TABLE_CELL, "%Y-%m-%d %H:%M", &local))
        snprintf(text, TABLE_CELL, "-");
}

static void steps_cell(const struct compare_view *v, const struct compare_row *row, char text[TABLE_CELL],
                       enum style *style) {
    const struct report_run *r = compare_row_run(v, row);
    bool all = compare_row_is_group(row) || report_run_finished(r);
    if (compare_row_is_group(row) && !v->groups.group[row->group].finished) {
        snprintf(text, TABLE_CELL, "-");
        return;
    }
    snprintf(text, TABLE_CELL, all ? "%zu" : "%zu of %zu",
             compare_row_is_group(row) ? r->settings.steps : r->steps, r->settings.steps);
    *style = all ? STYLE_PLAIN : STYLE_WARN;
}

static void part_cell(const struct compare_view *v, const struct compare_row *row, size_t part,
                      char text[TABLE_CELL], enum style *style) {
    char room[RUN_SETTING_TEXT];
    bool repeats = v->grouped && !compare_row_is_group(row); // as in the setting's own row
    const char *value = repeats ? "" : report_part(compare_row_run(v, row), part, room);
    snprintf(text, TABLE_CELL, "%.500s", value[0] || repeats ? value : "-");
    text[utf8_boundary(text, strlen(text), strlen(text))] = 0;
    utf8_make_plain(text);
    *style = part == REPORT_PART_TEMPLATE || part == REPORT_PART_WORDS ? STYLE_LITERAL : STYLE_PLAIN;
}

static void session_cell(const struct compare_view *v, const struct compare_row *row, char text[TABLE_CELL]) {
    const struct report_run *r = compare_row_run(v, row);
    text[0] = 0;
    if (!compare_row_is_group(row))
        snprintf(text, TABLE_CELL, "%.200s%s%.100s", r->session, r->place[0] ? " " : "", r->place);
    utf8_make_plain(text);
}

static void cell(void *context, size_t row_at, size_t column, char text[TABLE_CELL], enum style *style) {
    const struct compare_view *v = context;
    const struct compare_row *row = &v->row[row_at];
    const struct report_run *r = compare_row_run(v, row);
    *style = STYLE_PLAIN;
    switch (v->column[column].kind) {
    case COLUMN_NAME:
        name_cell(v, row, text, style);
        break;
    case COLUMN_SEED:
        seed_cell(v, row, text);
        break;
    case COLUMN_DEV:
    case COLUMN_TEST:
        score_cell(v, row, v->column[column].kind == COLUMN_DEV ? REPORT_DEV : REPORT_TEST, text, style);
        break;
    case COLUMN_DEV_DIFFERENCE:
    case COLUMN_TEST_DIFFERENCE:
        difference_cell(v, row, v->column[column].kind == COLUMN_DEV_DIFFERENCE ? REPORT_DEV : REPORT_TEST,
                        text, style);
        break;
    case COLUMN_PART:
        part_cell(v, row, v->column[column].part, text, style);
        break;
    case COLUMN_STEPS:
        steps_cell(v, row, text, style);
        break;
    case COLUMN_TIME:
        time_cell(compare_row_is_group(row) ? v->group[row->group].seconds : r->seconds, text);
        break;
    case COLUMN_SESSION:
        session_cell(v, row, text);
        break;
    case COLUMN_BEGUN:
        begun_cell(r->begun, text);
        break;
    }
}

// ---- the table ----

static const char *nothing_text(const struct compare_view *v, char room[600]) {
    if (v->error.kind != ERROR_NONE)
        snprintf(room, 600, "The runs could not be read: %.500s", v->error.text);
    else if (!v->loaded)
        snprintf(room, 600, "Reading the runs of all sessions ...");
    else if (!v->report.count)
        snprintf(
            room, 600,
            "There are no runs yet. Every run that you tune is kept with its session and stands here beside "
            "the others.\n\nPress %s and %s to tune one. Then change one thing, e.g. the template on screen "
            "%s or \":seed 2\", press %s and %s, and compare the two here.",
            PART_KEY(SCREEN_RUN, WHERE_COMPARE), PART_KEY(RUN_PAUSE, WHERE_COMPARE),
            PART_KEY(SCREEN_PATTERN, WHERE_COMPARE), PART_KEY(APPLY, WHERE_COMPARE),
            PART_KEY(RUN_PAUSE, WHERE_COMPARE));
    else
        snprintf(room, 600, "None of the %zu runs passes%s%s%s%s. %s shows all of them again.",
                 v->report.count, v->filter[0] ? " the filter \"" : "", v->filter, v->filter[0] ? "\"" : "",
                 v->this_task ? ", of this task alone" : "", PART_KEY(FILTER_NONE, WHERE_COMPARE));
    return room;
}

// "7 runs, 3 settings, 1 damaged, task sentiment, filter seed=1"
static void title_text(const struct compare_view *v, char *out, size_t size) {
    struct buffer b = {0};
    size_t damaged = 0;
    for (size_t i = 0; i < v->shown_count; i++)
        damaged += v->report.run[v->shown[i]].note[0] != 0;
    size_t runs = v->shown_count - damaged, settings = v->groups.count - damaged;
    if (v->report.count)
        buffer_printf(&b, "%zu run%s, %zu setting%s", runs, runs == 1 ? "" : "s", settings,
                      settings == 1 ? "" : "s");
    else
        buffer_add_text(&b, "runs");
    if (damaged)
        buffer_printf(&b, ", %zu damaged", damaged);
    if (v->this_task)
        buffer_printf(&b, ", task %.60s", v->task);
    if (v->filter[0])
        buffer_printf(&b, ", filter \"%.80s\"", v->filter);
    if (v->baseline_key && v->baseline == SIZE_MAX)
        buffer_add_text(&b, ", the baseline is filtered out");
    snprintf(out, size, "%s", b.data ? b.data : "");
    buffer_free(&b);
}

static void note_text(const struct compare_view *v, char *out, size_t size) {
    size_t done = 0, total = 0, last = v->table.top + v->table.page;
    if (v->loader)
        compare_loader_progress(v->loader, &done, &total);
    if (v->loader)
        snprintf(out, size, "reading %zu of %zu", done, total);
    else if (v->rows)
        snprintf(out, size, "%zu-%zu of %zu%s", v->table.top + 1, last < v->rows ? last : v->rows, v->rows,
                 v->table.more   ? ", more at the right"
                 : v->table.left ? ", more at the left"
                                 : "");
    else
        out[0] = 0;
}

struct table_source compare_source(struct compare_view *v) {
    return (struct table_source){
        .context = v, .rows = v->rows, .columns = v->columns, .column = v->table_column, .cell = cell};
}

static void draw_table(struct compare_view *v, struct grid *g, struct area a, bool focused) {
    char title[300], note[100], room[600];
    struct table_source source = compare_source(v);
    source.empty = nothing_text(v, room);
    v->ascii = g->ascii;
    title_text(v, title, sizeof title);
    struct area inside = area_inset(a, 1);
    // Drawn twice: how much fits, which the frame's note tells, is known only afterwards.
    table_draw(&v->table, g, inside, &source, focused);
    note_text(v, note, sizeof note);
    inside = grid_frame(g, a, focused, title, note[0] ? note : NULL);
    grid_fill(g, inside, STYLE_PLAIN, ' ');
    table_draw(&v->table, g, inside, &source, focused);
}

// ---- curves ----

static const enum style series_style[] = {STYLE_SERIES_1, STYLE_SERIES_2, STYLE_SERIES_3, STYLE_SERIES_4};

static void draw_legend(struct grid *g, struct area a, const struct compare_curve *c, size_t count) {
    for (size_t i = 0; i < count && (int)i < a.rows; i++) {
        char line[256];
        const char mark[] = {c[i].letter, c[i].letter ? ' ' : 0, 0};
        snprintf(line, sizeof line, "%s%s", mark, c[i].label);
        utf8_make_plain(line);
        grid_put_cut(g, a, (int)i, 1, a.columns - 2, series_style[i % 4], line);
    }
}

static void draw_plot(struct grid *g, struct area a, const struct compare_curve *c, size_t count, bool loss) {
    struct plot_series s[COMPARE_MARKS];
    char label[COMPARE_MARKS][4];
    bool untuned = count > 0;
    for (size_t i = 0; i < count; i++) {
        untuned = untuned && c[i].untuned;
        snprintf(label[i], sizeof label[i], "%c", c[i].letter ? c[i].letter : ' ');
        s[i] = (struct plot_series){.label = c[i].letter ? label[i] : "",
                                    .style = series_style[i % 4],
                                    .x = c[i].curve->step,
                                    .y = loss ? c[i].curve->first : c[i].curve->second,
                                    .count = c[i].curve->count};
    }
    const struct plot_options o = {.x_unit = "step",
                                   .empty = untuned ? "nothing was tuned: no curve"
                                                    : "dev was not scored in these runs"};
    plot_draw(g, a, s, count, &o);
}

// Accuracy and loss beside each other where both have room; otherwise the one that was chosen.
static void draw_curves(const struct compare_view *v, struct grid *g, struct area a, bool focused) {
    struct compare_curve c[COMPARE_MARKS];
    size_t count = compare_curves(v, c);
    bool both = a.columns >= 70 && a.rows >= 8;
    char marks[32 + KEYMAP_KEYS];
    snprintf(marks, sizeof marks, "selected; %s marks", PART_KEY(MARK_RUN, WHERE_COMPARE));
    struct area inside = grid_frame(g, a, focused,
                                    both      ? "dev accuracy, dev loss"
                                    : v->loss ? "dev loss"
                                              : "dev accuracy",
                                    count && c[0].letter ? "marked"
                                    : count              ? marks
                                                         : NULL);
    int legend = (int)count < inside.rows / 3 ? (int)count : inside.rows / 3;
    struct area plot = area_rows(inside, 0, inside.rows - legend);
    if (!count) {
        grid_put_wrapped(g, inside, 0, STYLE_DIM, "The curves of marked runs go here.");
    } else if (both) {
        int half = plot.columns / 2;
        draw_plot(g, area_columns(plot, 0, half - 1), c, count, false);
        draw_plot(g, area_columns(plot, half, plot.columns - half), c, count, true);
    } else {
        draw_plot(g, plot, c, count, v->loss);
    }
    draw_legend(g, area_rows(inside, inside.rows - legend, legend), c, count);
    compare_curves_free(c, count);
}

// ---- the whole ----

void compare_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct compare_view *v = state;
    struct area out[PANES_MOST];
    struct panes *panes;
    const struct pane_spec *spec = compare_panes(v, a, &panes);
    (void)now;
    if (!v->loaded && !v->loader && !v->wanted) { // inside of another screen nobody says that it is shown
        v->wanted = true;
        workbench_nudge(w);
    }
    panes_layout(panes, spec, a, out);
    if (!v->rows && !panes->zoomed) { // nothing to draw or to tell beside the table
        draw_table(v, g, a, true);
        return;
    }
    if (panes_shown(out[PANE_TABLE]))
        draw_table(v, g, out[PANE_TABLE], panes->focus == PANE_TABLE);
    if (panes_shown(out[PANE_CURVES]))
        draw_curves(v, g, out[PANE_CURVES], panes->focus == PANE_CURVES);
    if (panes_shown(out[PANE_DETAIL]))
        compare_draw_detail(v, w, g, out[PANE_DETAIL]);
}
