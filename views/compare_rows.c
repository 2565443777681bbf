// SPDX-License-Identifier: GPL-3.0-or-later
// From the runs that were read to the rows and columns of the Compare screen.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "views/views.h"

#include "compare_inside.h"

// ---- rows ----

bool compare_row_is_group(const struct compare_row *r) {
    return r->run == SIZE_MAX;
}

const struct compare_row *compare_row_now(const struct compare_view *v) {
    return v->table.selected < v->rows ? &v->row[v->table.selected] : NULL;
}

const struct report_run *compare_row_run(const struct compare_view *v, const struct compare_row *r) {
    return &v->report.run[compare_row_is_group(r) ? v->groups.group[r->group].run[0] : r->run];
}

static char *run_id(const struct report_run *r) {
    struct buffer b = {0};
    // What a run is called moves to kept/ when the next one begins: its beginning tells it from others.
    buffer_printf(&b, "run %s\x1f%s\x1f%s\x1f%lld\x1f%llu", r->folder, r->folder[0] ? "" : r->session,
                  r->folder[0] ? "" : r->place, (long long)r->begun, (unsigned long long)r->settings.seed);
    return buffer_take(&b, NULL);
}

char *compare_row_id(const struct compare_view *v, const struct compare_row *r) {
    return compare_row_is_group(r) ? mem_strdup(v->group[r->group].key, NULL)
                                   : run_id(&v->report.run[r->run]);
}

struct report_difference compare_row_difference(const struct compare_view *v, const struct compare_row *r,
                                                enum report_split split) {
    size_t run = r->run;
    const struct report_group alone = {.run = &run, .runs = 1};
    if (v->baseline == SIZE_MAX)
        return (struct report_difference){.mean = NAN, .half = NAN};
    if (compare_row_is_group(r))
        return v->group[r->group].difference[split];
    return report_group_difference(&v->report, &alone, &v->groups.group[v->baseline], split);
}

void compare_row_label(const struct compare_view *v, const struct compare_row *r, char *out, size_t size) {
    size_t used = (size_t)snprintf(out, size, "%s", v->group[r->group].label);
    if (!compare_row_is_group(r) && compare_row_run(v, r)->task[0] && used < size)
        snprintf(out + used, size - used, ", seed %llu",
                 (unsigned long long)compare_row_run(v, r)->settings.seed);
}

// ---- what shows ----

static bool passes(const struct compare_view *v, const struct report_run *r) {
    return (!v->this_task || strcmp(r->task, v->task) == 0) && report_run_matches(r, v->filter);
}

// Newest first.
static void choose_runs(struct compare_view *v) {
    v->shown_count = 0;
    for (size_t i = 0; i < v->report.count; i++) {
        if (!passes(v, &v->report.run[i]))
            continue;
        size_t at = v->shown_count++;
        for (; at > 0 && v->report.run[v->shown[at - 1]].begun < v->report.run[i].begun; at--)
            v->shown[at] = v->shown[at - 1];
        v->shown[at] = i;
    }
}

static double mean_seconds(const struct compare_view *v, const struct report_group *g) {
    double sum = 0;
    size_t n = 0;
    for (size_t i = 0; i < g->runs; i++) {
        const struct report_run *r = &v->report.run[g->run[i]];
        if (report_run_finished(r) && isfinite(r->seconds)) {
            sum += r->seconds;
            n++;
        }
    }
    return n ? sum / (double)n : NAN;
}

static char letter_of(const struct compare_view *v, const char *id, bool group) {
    for (size_t i = 0; i < v->marks; i++)
        if (v->mark[i].group == group && strcmp(v->mark[i].id, id) == 0)
            return v->mark[i].letter;
    return 0;
}

static bool is_unfolded(const struct compare_view *v, const char *key) {
    for (size_t i = 0; i < v->unfolds; i++)
        if (strcmp(v->unfolded[i], key) == 0)
            return true;
    return false;
}

// Settings of one task and method are told apart by the same parts, which are looked for once.
static void label_groups(struct compare_view *v) {
    size_t parts = report_part_count();
    bool *differs = mem_calloc(v->groups.count * parts, sizeof *differs, NULL), tasks = false;
    for (size_t g = 0; differs && g < v->groups.count; g++) {
        const struct report_run *run = &v->report.run[v->groups.group[g].run[0]];
        size_t like = 0;
        for (; like < g; like++) {
            const struct report_run *other = &v->report.run[v->groups.group[like].run[0]];
            if (strcmp(other->task, run->task) == 0 && strcmp(other->method, run->method) == 0)
                break;
        }
        if (like == g)
            tasks |= report_group_differs(&v->report, &v->groups, g, &differs[g * parts]);
        report_print_setting(v->group[g].label, sizeof v->group[g].label, run, tasks, &differs[like * parts]);
    }
    free(differs);
}

static bool look_at_groups(struct compare_view *v) {
    for (size_t g = 0; g < v->groups.count; g++) {
        const struct report_group *group = &v->groups.group[g];
        struct compare_group *out = &v->group[g];
        if (!(out->key = report_setting_key(&v->report.run[group->run[0]], NULL)))
            return false;
        out->mean[REPORT_DEV] = report_group_mean(&v->report, group, REPORT_DEV);
        out->mean[REPORT_TEST] = report_group_mean(&v->report, group, REPORT_TEST);
        out->seconds = mean_seconds(v, group);
    }
    label_groups(v);
    return true;
}

// What a person chose about settings: marks, what is unfolded, the baseline.
static void choose_groups(struct compare_view *v) {
    v->baseline = SIZE_MAX;
    for (size_t g = 0; g < v->groups.count; g++) {
        v->group[g].letter = letter_of(v, v->group[g].key, true);
        v->group[g].unfolded = is_unfolded(v, v->group[g].key);
        if (v->baseline_key && strcmp(v->group[g].key, v->baseline_key) == 0)
            v->baseline = g;
    }
    for (size_t g = 0; v->baseline != SIZE_MAX && g < v->groups.count; g++)
        for (int split = REPORT_DEV; split <= REPORT_TEST; split++)
            v->group[g].difference[split] = report_group_difference(
                &v->report, &v->groups.group[g], &v->groups.group[v->baseline], (enum report_split)split);
}

static void find_run_letters(struct compare_view *v) {
    bool any = false;
    for (size_t i = 0; i < v->marks; i++)
        any |= !v->mark[i].group;
    memset(v->run_letter, 0, v->report.count);
    for (size_t i = 0; any && i < v->report.count; i++) {
        char *id = run_id(&v->report.run[i]);
        v->run_letter[i] = id ? letter_of(v, id, false) : 0;
        free(id);
    }
}

// ---- order ----

struct sort_key {
    double number; // NaN: none, and comes last
    char *text;    // owned, or NULL
    size_t at;     // where it stands now
};

static int compare_keys(const void *a, const void *b) {
    const struct sort_key *x = a, *y = b;
    bool one = isfinite(x->number), two = isfinite(y->number);
    if (one && two && x->number != y->number)
        return x->number < y->number ? -1 : 1;
    if (one != two)
        return one ? -1 : 1;
    int text = x->text && y->text ? strcmp(x->text, y->text) : 0;
    return text ? text : x->at < y->at ? -1 : x->at > y->at;
}

static int compare_keys_down(const void *a, const void *b) {
    const struct sort_key *x = a, *y = b;
    if (isfinite(x->number) != isfinite(y->number)) // what has none stays last
        return isfinite(x->number) ? -1 : 1;
    struct sort_key left = *x, right = *y;
    left.at = right.at = 0;
    int order = compare_keys(&right, &left);
    return order ? order : x->at < y->at ? -1 : x->at > y->at;
}

static void part_key(struct sort_key *k, const struct report_run *r, size_t part) {
    char room[RUN_SETTING_TEXT], *end;
    const char *text = report_part(r, part, room);
    double x = strtod(text, &end);
    if (*text && !*end && isfinite(x))
        k->number = x;
    else
        k->text = mem_strdup(text, NULL);
}

static void row_key(const struct compare_view *v, const struct compare_row *row, struct sort_key *k) {
    const struct report_run *r = compare_row_run(v, row);
    const struct compare_group *g = compare_row_is_group(row) ? &v->group[row->group] : NULL;
    k->number = NAN;
    switch (v->order) {
    case COLUMN_NAME:
        k->text = mem_strdup(r->method, NULL);
        break;
    case COLUMN_SEED:
        k->number = g ? (double)v->groups.group[row->group].runs : (double)r->settings.seed;
        break;
    case COLUMN_DEV:
    case COLUMN_TEST: {
        enum report_split split = v->order == COLUMN_DEV ? REPORT_DEV : REPORT_TEST;
        k->number = g ? g->mean[split].mean : report_run_score(r, split);
        break;
    }
    case COLUMN_DEV_DIFFERENCE:
    case COLUMN_TEST_DIFFERENCE:
        k->number =
            compare_row_difference(v, row, v->order == COLUMN_DEV_DIFFERENCE ? REPORT_DEV : REPORT_TEST).mean;
        break;
    case COLUMN_PART:
        part_key(k, r, v->order_part);
        break;
    case COLUMN_STEPS:
        k->number = (double)r->steps;
        break;
    case COLUMN_TIME:
        k->number = g ? g->seconds : r->seconds;
        break;
    case COLUMN_SESSION:
        k->text = mem_strdup(r->session, NULL);
        break;
    case COLUMN_BEGUN: // a setting is as new as its newest run, and stands where that one stood
        k->number = -(double)k->at;
        break;
    }
}

// out[i]: which of `count` rows comes i-th.
static bool sort_rows(const struct compare_view *v, const struct compare_row *row, size_t count,
                      size_t *out) {
    struct sort_key *key = mem_calloc(count, sizeof *key, NULL);
    if (!key)
        return false;
    for (size_t i = 0; i < count; i++) {
        key[i].at = i;
        row_key(v, &row[i], &key[i]);
    }
    qsort(key, count, sizeof *key, v->descending ? compare_keys_down : compare_keys);
    for (size_t i = 0; i < count; i++) {
        out[i] = key[i].at;
        free(key[i].text);
    }
    free(key);
    return true;
}

static size_t group_of(const struct compare_view *v, size_t run) {
    for (size_t g = 0; g < v->groups.count; g++)
        for (size_t i = 0; i < v->groups.group[g].runs; i++)
            if (v->groups.group[g].run[i] == run)
                return g;
    return 0;
}

static bool make_rows(struct compare_view *v) {
    size_t most = v->groups.count > v->shown_count ? v->groups.count : v->shown_count;
    struct compare_row *plain = mem_calloc(most, sizeof *plain, NULL);
    size_t *order = mem_calloc(most, sizeof *order, NULL),
           *owner = mem_calloc(v->report.count, sizeof *owner, NULL);
    bool ok = plain && order && owner;
    for (size_t g = 0; ok && g < v->groups.count; g++)
        for (size_t i = 0; i < v->groups.group[g].runs; i++)
            owner[v->groups.group[g].run[i]] = g;
    size_t count = v->grouped ? v->groups.count : v->shown_count;
    for (size_t i = 0; ok && i < count; i++)
        plain[i] = v->grouped ? (struct compare_row){i, SIZE_MAX}
                              : (struct compare_row){owner[v->shown[i]], v->shown[i]};
    ok = ok && sort_rows(v, plain, count, order);
    for (size_t i = 0; ok && i < count; i++) {
        const struct compare_row *r = &plain[order[i]];
        v->row[v->rows++] = *r;
        if (!v->grouped)
            continue;
        v->group_order[i] = r->group;
        for (size_t k = 0; v->group[r->group].unfolded && k < v->groups.group[r->group].runs; k++)
            v->row[v->rows++] = (struct compare_row){r->group, v->groups.group[r->group].run[k]};
    }
    for (size_t g = 0; ok && !v->grouped && g < v->groups.count; g++)
        v->group_order[g] = g;
    free(plain);
    free(order);
    free(owner);
    return ok;
}

// ---- columns ----

static void add_column(struct compare_view *v, enum compare_kind kind, size_t part, const char *title,
                       bool right, int most) {
    if (v->columns == TABLE_MOST_COLUMNS)
        return;
    struct compare_column *c = &v->column[v->columns];
    *c = (struct compare_column){.kind = kind, .part = part};
    snprintf(c->title, sizeof c->title, "%.31s", title);
    v->table_column[v->columns++] = (struct table_column){
        .title = c->title,
        .right = right,
        .most = most,
        .least = kind == COLUMN_NAME ? 10 : 0,
        .marked = v->order == kind && (kind != COLUMN_PART || v->order_part == part),
        .descending = v->descending,
    };
}

static void make_columns(struct compare_view *v) {
    enum { MOST_TEXT = 36 };
    char title[32];
    const char *metric = report_metric_name(&v->report, v->shown, v->shown_count);
    v->columns = 0;
    add_column(v, COLUMN_NAME, 0, v->grouped ? "setting" : "method", false, 30);
    if (!v->grouped)
        add_column(v, COLUMN_SEED, 0, "seed", true, 0);
    snprintf(title, sizeof title, "dev %s", metric);
    add_column(v, COLUMN_DEV, 0, title, true, 0);
    if (v->baseline != SIZE_MAX)
        add_column(v, COLUMN_DEV_DIFFERENCE, 0, "dev - baseline", true, 0);
    snprintf(title, sizeof title, "test %s", metric);
    add_column(v, COLUMN_TEST, 0, title, true, 0);
    if (v->baseline != SIZE_MAX)
        add_column(v, COLUMN_TEST_DIFFERENCE, 0, "test - baseline", true, 0);
    if (v->grouped)
        add_column(v, COLUMN_SEED, 0, "seeds", true, 0);
    for (size_t p = 0; p < report_part_count(); p++)
        if (p != REPORT_PART_METHOD && (v->differs[p] || v->all_parts))
            add_column(v, COLUMN_PART, p, report_part_name(p), p > REPORT_PART_WORDS, MOST_TEXT);
    add_column(v, COLUMN_STEPS, 0, "steps done", true, 0); // the setting is called "steps"
    add_column(v, COLUMN_TIME, 0, "time", true, 0);
    add_column(v, COLUMN_SESSION, 0, "session", false, MOST_TEXT);
    add_column(v, COLUMN_BEGUN, 0, "begun", false, 0);
}

// ---- all of it ----

void compare_rows_free(struct compare_view *v) {
    for (size_t g = 0; v->group && g < v->groups.count; g++)
        free(v->group[g].key);
    free(v->group);
    free(v->group_order);
    free(v->run_letter);
    free(v->shown);
    free(v->differs);
    free(v->row);
    report_groups_free(&v->groups);
    v->group = NULL;
    v->group_order = NULL;
    v->run_letter = NULL;
    v->shown = NULL;
    v->differs = NULL;
    v->row = NULL;
    v->shown_count = v->rows = v->columns = 0;
    v->baseline = SIZE_MAX;
}

static bool make_all(struct compare_view *v) {
    if (!(v->shown = mem_calloc(v->report.count, sizeof *v->shown, NULL)) ||
        !(v->run_letter = mem_calloc(v->report.count, 1, NULL)) ||
        !(v->differs = mem_calloc(report_part_count(), sizeof *v->differs, NULL)))
        return false;
    choose_runs(v);
    if (!report_group(&v->groups, &v->report, v->shown, v->shown_count, NULL) ||
        !(v->group = mem_calloc(v->groups.count, sizeof *v->group, NULL)) ||
        !(v->group_order = mem_calloc(v->groups.count, sizeof *v->group_order, NULL)) ||
        !(v->row = mem_calloc(v->groups.count + v->shown_count, sizeof *v->row, NULL)))
        return false;
    report_parts_differ(&v->report, v->shown, v->shown_count, v->differs);
    return look_at_groups(v);
}

static bool arrange(struct compare_view *v) {
    find_run_letters(v);
    choose_groups(v);
    v->rows = 0;
    if (v->baseline == SIZE_MAX && (v->order == COLUMN_DEV_DIFFERENCE || v->order == COLUMN_TEST_DIFFERENCE))
        v->order = COLUMN_BEGUN;
    make_columns(v);
    return make_rows(v);
}

void compare_row_select(struct compare_view *v, const char *id) {
    for (size_t i = 0; id && i < v->rows; i++) {
        char *here = compare_row_id(v, &v->row[i]);
        bool same = here && strcmp(here, id) == 0;
        free(here);
        if (same) {
            v->table.selected = i;
            return;
        }
    }
    if (v->table.selected >= v->rows)
        v->table.selected = v->rows ? v->rows - 1 : 0;
}

bool compare_rows_make(struct compare_view *v, bool anew) {
    const struct compare_row *now = compare_row_now(v);
    char *id = now ? compare_row_id(v, now) : NULL;
    bool ok = true;
    if (anew || !v->row) {
        compare_rows_free(v);
        ok = make_all(v);
    }
    ok = ok && arrange(v);
    if (!ok)
        compare_rows_free(v);
    compare_row_select(v, id);
    free(id);
    return ok;
}

// ---- curves ----

static void take_curve(const struct compare_view *v, const struct compare_row *r, char letter,
                       struct compare_curve *out) {
    *out = (struct compare_curve){.letter = letter};
    compare_row_label(v, r, out->label, 160);
    const struct report_run *run = compare_row_run(v, r);
    out->untuned = run->dev.examples && run->evaluations <= 1 && !run->evals.count && !run->train.count;
    out->curve = &run->evals;
    if (!compare_row_is_group(r))
        return;
    size_t n = report_group_curve(&out->mean, &v->report, &v->groups.group[r->group]),
           used = strlen(out->label);
    out->curve = &out->mean;
    snprintf(out->label + used, sizeof out->label - used, ", mean of n=%zu", n);
}

size_t compare_curves(const struct compare_view *v, struct compare_curve out[COMPARE_MARKS]) {
    size_t n = 0;
    for (size_t i = 0; i < v->marks; i++) {
        struct compare_row r = {SIZE_MAX, SIZE_MAX};
        for (size_t g = 0; v->mark[i].group && g < v->groups.count; g++)
            if (v->group[g].letter == v->mark[i].letter)
                r.group = g;
        for (size_t k = 0; !v->mark[i].group && k < v->shown_count; k++)
            if (v->run_letter[v->shown[k]] == v->mark[i].letter)
                r = (struct compare_row){group_of(v, v->shown[k]), v->shown[k]};
        if (r.group != SIZE_MAX)
            take_curve(v, &r, v->mark[i].letter, &out[n++]);
    }
    const struct compare_row *now = compare_row_now(v);
    if (n == 0 && now)
        take_curve(v, now, 0, &out[n++]);
    return n;
}

void compare_curves_free(struct compare_curve *c, size_t count) {
    for (size_t i = 0; i < count; i++)
        report_curve_free(&c[i].mean);
}
