// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 6, Compare: the runs of all sessions beside each other, alone or by setting, against a baseline,
// with the curves of those that are marked.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"
#include "views/views.h"

#include "compare_inside.h"
#include "parts.h"

static const double LOOK_EVERY = 0.1; // seconds, while runs are read

static bool create(void **state, struct error *e) {
    struct compare_view *v = mem_calloc(1, sizeof *v, e);
    if (!v)
        return false;
    v->order = COLUMN_BEGUN;
    v->descending = true;
    v->baseline = SIZE_MAX;
    *state = v;
    return true;
}

static void forget_marks(struct compare_view *v) {
    for (size_t i = 0; i < v->marks; i++)
        free(v->mark[i].id);
    v->marks = 0;
}

static void view_free(void *state) {
    struct compare_view *v = state;
    if (!v)
        return;
    compare_loader_free(v->loader);
    compare_rows_free(v);
    report_free(&v->report);
    forget_marks(v);
    for (size_t i = 0; i < v->unfolds; i++)
        free(v->unfolded[i]);
    free(v->unfolded);
    free(v->baseline_key);
    free(v->waiting_export);
    free(v);
}

// ---- reading ----

static void news(void *context) {
    workbench_nudge(context);
}

static void start_reading(struct compare_view *v, struct workbench *w, double now) {
    v->wanted = false;
    if (v->loader)
        return;
    v->error = (struct error){0};
    if (compare_loader_start(&v->loader, news, w, &v->error))
        v->look_at = now + LOOK_EVERY;
    else
        v->loaded = true;
}

static void take_runs(struct compare_view *v, struct workbench *w, double now) {
    struct report fresh = {0};
    bool ok = compare_loader_take(v->loader, &fresh, &v->error);
    compare_loader_free(v->loader);
    v->loader = NULL;
    v->look_at = 0;
    v->loaded = true;
    if (!ok) { // what was read before stays
        report_free(&fresh);
        workbench_say(w, STYLE_BAD, now, "the runs could not be read: %s", v->error.text);
        return;
    }
    const struct compare_row *row = compare_row_now(v);
    char *id = row ? compare_row_id(v, row) : NULL;
    compare_rows_free(v);
    report_free(&v->report);
    v->report = fresh;
    compare_rows_make(v, true);
    compare_row_select(v, id);
    free(id);
    if (v->waiting_export) {
        compare_export(v, w, v->waiting_export, now);
        free(v->waiting_export);
        v->waiting_export = NULL;
    }
}

static void look(struct compare_view *v, struct workbench *w, double now) {
    if (v->loader && compare_loader_finished(v->loader))
        take_runs(v, w, now);
    else if (v->loader)
        v->look_at = now + LOOK_EVERY;
    else if (v->wanted)
        start_reading(v, w, now);
}

static void refresh(void *state, struct workbench *w, double now) {
    look(state, w, now);
}

static void tick(void *state, struct workbench *w, double now) {
    look(state, w, now);
}

static double deadline(void *state) {
    return ((const struct compare_view *)state)->look_at;
}

// Whatever was tuned since the last time belongs here: it is read anew.
static void shown(void *state, struct workbench *w, double now) {
    start_reading(state, w, now);
}

// ---- what a person chooses ----

static void remake(struct compare_view *v, struct workbench *w, bool anew, double now) {
    v->detail_top = 0;
    if (!compare_rows_make(v, anew) && v->loaded)
        workbench_say(w, STYLE_BAD, now, "no memory for the rows");
}

static void fold_or_open(struct compare_view *v, struct workbench *w, double now) {
    const struct compare_row *row = compare_row_now(v);
    const struct session *s = workbench_session(w);
    if (!row)
        return;
    if (compare_row_is_group(row)) {
        const char *key = v->group[row->group].key;
        for (size_t i = 0; i < v->unfolds; i++) {
            if (strcmp(v->unfolded[i], key) == 0) {
                free(v->unfolded[i]);
                v->unfolded[i] = v->unfolded[--v->unfolds];
                remake(v, w, false, now);
                return;
            }
        }
        if (mem_grow(&v->unfolded, &v->unfold_capacity, v->unfolds + 1, sizeof *v->unfolded, NULL) &&
            (v->unfolded[v->unfolds] = mem_strdup(key, NULL)))
            v->unfolds++;
        remake(v, w, false, now);
        return;
    }
    const struct report_run *r = &v->report.run[row->run];
    if (!r->folder[0])
        workbench_say(w, STYLE_PLAIN, now, "this run comes from a file of runs: there is no session to open");
    else if (s && strcmp(session_folder(s), r->folder) == 0 && r->place[0])
        workbench_request(w, REQUEST_LOAD, r->place, now);
    else if (s && strcmp(session_folder(s), r->folder) == 0)
        workbench_say(w, STYLE_PLAIN, now, "this is the run that is open: %s shows it",
                      PART_KEY(SCREEN_RUN, WHERE_COMPARE));
    else
        workbench_request(w, REQUEST_OPEN, r->folder, now);
}

static char free_letter(const struct compare_view *v) {
    for (char letter = 'A'; letter < 'A' + COMPARE_MARKS; letter++) {
        bool taken = false;
        for (size_t i = 0; i < v->marks; i++)
            taken |= v->mark[i].letter == letter;
        if (!taken)
            return letter;
    }
    return 0;
}

static void mark_row(struct compare_view *v, struct workbench *w, double now) {
    const struct compare_row *row = compare_row_now(v);
    char *id = row ? compare_row_id(v, row) : NULL;
    if (!id)
        return;
    bool group = compare_row_is_group(row);
    for (size_t i = 0; i < v->marks; i++) {
        if (v->mark[i].group != group || strcmp(v->mark[i].id, id) != 0)
            continue;
        free(v->mark[i].id);
        memmove(&v->mark[i], &v->mark[i + 1], (--v->marks - i) * sizeof *v->mark);
        free(id);
        remake(v, w, false, now);
        return;
    }
    char letter = free_letter(v);
    if (!letter) {
        workbench_say(w, STYLE_WARN, now, "%d rows are marked already; %s takes a mark away, %s all of them",
                      COMPARE_MARKS, PART_KEY(MARK_RUN, WHERE_COMPARE), PART_KEY(MARK_NONE, WHERE_COMPARE));
        free(id);
        return;
    }
    size_t at = v->marks++; // in the order of the letters
    for (; at > 0 && v->mark[at - 1].letter > letter; at--)
        v->mark[at] = v->mark[at - 1];
    v->mark[at] = (struct compare_mark){letter, group, id};
    remake(v, w, false, now);
}

static void pin_baseline(struct compare_view *v, struct workbench *w, double now) {
    const struct compare_row *row = compare_row_now(v);
    char label[200];
    if (!row)
        return;
    bool same = v->baseline == row->group;
    char *key = same ? NULL : mem_strdup(v->group[row->group].key, NULL);
    free(v->baseline_key);
    v->baseline_key = key;
    snprintf(label, sizeof label, "%s", v->group[row->group].label);
    remake(v, w, false, now);
    if (same)
        workbench_say(w, STYLE_PLAIN, now, "no baseline any more");
    else
        workbench_say(w, STYLE_PLAIN, now,
                      "baseline: %s; differences are paired by seed, with 95 %% intervals", label);
}

// ---- order ----

static bool greatest_first(enum compare_kind kind) {
    return kind != COLUMN_NAME && kind != COLUMN_SEED && kind != COLUMN_PART && kind != COLUMN_SESSION;
}

static void order_by(struct compare_view *v, struct workbench *w, size_t column, double now) {
    v->order = v->column[column].kind;
    v->order_part = v->column[column].part;
    v->descending = greatest_first(v->order);
    v->ordered = true;
    workbench_say(w, STYLE_PLAIN, now, "by %s, %s first; %s turns it round", v->column[column].title,
                  v->order == COLUMN_BEGUN ? "the newest"
                  : v->descending          ? "the greatest"
                                           : "the least",
                  PART_KEY(ORDER_BACK, WHERE_COMPARE));
    remake(v, w, false, now);
}

static void choose_order(struct compare_view *v, struct workbench *w, const char *title, double now) {
    size_t next = 0;
    for (size_t i = 0; i < v->columns; i++) {
        if (title && strncasecmp(v->column[i].title, title, strlen(title)) == 0) {
            order_by(v, w, i, now);
            return;
        }
        if (!v->ordered && v->column[i].kind == COLUMN_DEV) // what is mostly wanted, from the newest first
            next = i;
        if (v->ordered && v->column[i].kind == v->order &&
            (v->order != COLUMN_PART || v->column[i].part == v->order_part))
            next = (i + 1) % v->columns;
    }
    if (title)
        workbench_say(w, STYLE_BAD, now, "no column begins with \"%.60s\"; e.g. :order test", title);
    else if (v->columns)
        order_by(v, w, next, now);
}

// ---- requests ----

static void choose_task(struct compare_view *v, struct workbench *w, double now) {
    const struct workspace *ws = workbench_workspace(w);
    if (!ws && !v->this_task) {
        workbench_say(w, STYLE_WARN, now, "no task is open");
        return;
    }
    v->this_task = !v->this_task;
    if (ws)
        snprintf(v->task, sizeof v->task, "%.120s", ws->task->name);
    remake(v, w, true, now);
}

static void set_filter(struct compare_view *v, struct workbench *w, const char *text, double now) {
    snprintf(v->filter, sizeof v->filter, "%.250s", text);
    if (!text[0])
        v->this_task = false;
    remake(v, w, true, now);
    if (text[0])
        workbench_say(w, v->rows ? STYLE_PLAIN : STYLE_WARN, now, "%zu of %zu runs pass; %s shows all again",
                      v->shown_count, v->report.count, PART_KEY(FILTER_NONE, WHERE_COMPARE));
}

static void search(struct compare_view *v, struct workbench *w, enum request r, const char *text,
                   double now) {
    const struct table_source source = compare_source(v);
    if (!table_search(&v->table, &source, text, r != REQUEST_SEARCH_PREVIOUS, r == REQUEST_SEARCH))
        workbench_say(w, STYLE_WARN, now,
                      v->table.search[0] ? "no row has \"%s\"" : "nothing was searched for yet%s",
                      v->table.search);
    v->detail_top = 0;
}

// Keys that move: the details scroll where they have the focus, the table otherwise.
static bool move(struct compare_view *v, enum request r) {
    const struct table_source source = compare_source(v);
    size_t before = v->table.selected;
    int page = 5, top = v->detail_top;
    if (v->panes.focus == PANE_DETAIL && r != REQUEST_LEFT && r != REQUEST_RIGHT) {
        top += r == REQUEST_UP          ? -1
               : r == REQUEST_DOWN      ? 1
               : r == REQUEST_PAGE_UP   ? -page
               : r == REQUEST_PAGE_DOWN ? page
               : r == REQUEST_FIRST     ? -top
               : r == REQUEST_LAST      ? v->detail_last
                                        : 0;
        v->detail_top = top < 0 ? 0 : top > v->detail_last ? v->detail_last : top;
        return r == REQUEST_UP || r == REQUEST_DOWN || r == REQUEST_PAGE_UP || r == REQUEST_PAGE_DOWN ||
               r == REQUEST_FIRST || r == REQUEST_LAST;
    }
    if (!table_request(&v->table, r, &source))
        return false;
    if (v->table.selected != before)
        v->detail_top = 0;
    return true;
}

static bool toggle(struct compare_view *v, struct workbench *w, enum request r, double now) {
    switch (r) {
    case REQUEST_GROUP:
        v->grouped = !v->grouped;
        break;
    case REQUEST_DIFFERING:
        v->all_parts = !v->all_parts;
        v->table.left = 0;
        break;
    case REQUEST_ORDER_BACK:
        v->descending = !v->descending;
        break;
    case REQUEST_MARK_NONE:
        forget_marks(v);
        break;
    case REQUEST_CURVE:
        v->loss = !v->loss;
        return true;
    default:
        return false;
    }
    remake(v, w, false, now);
    return true;
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct compare_view *v = state;
    if (move(v, r) || toggle(v, w, r, now))
        return true;
    switch (r) {
    case REQUEST_RUN_OPEN:
        fold_or_open(v, w, now);
        return true;
    case REQUEST_MARK_RUN:
        mark_row(v, w, now);
        return true;
    case REQUEST_BASELINE:
        pin_baseline(v, w, now);
        return true;
    case REQUEST_ORDER:
        choose_order(v, w, argument, now);
        return true;
    case REQUEST_FILTER:
        set_filter(v, w, argument ? argument : "", now);
        return true;
    case REQUEST_FILTER_NONE:
        set_filter(v, w, "", now);
        return true;
    case REQUEST_THIS_TASK:
        choose_task(v, w, now);
        return true;
    case REQUEST_RELOAD:
        start_reading(v, w, now);
        return true;
    case REQUEST_SEARCH:
    case REQUEST_SEARCH_NEXT:
    case REQUEST_SEARCH_PREVIOUS:
        search(v, w, r, argument, now);
        return true;
    case REQUEST_EXPORT:
        if (!argument || (strncmp(argument, "table", 5) != 0 && strncmp(argument, "curves", 6) != 0))
            return false; // the prompt, as on every screen
        if (v->loaded) {
            compare_export(v, w, argument, now);
        } else {
            free(v->waiting_export);
            v->waiting_export = mem_strdup(argument, NULL);
            start_reading(v, w, now);
        }
        return true;
    default:
        return false;
    }
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request rows[] = {
        REQUEST_RUN_OPEN, REQUEST_MARK_RUN,  REQUEST_BASELINE,  REQUEST_GROUP, REQUEST_ORDER,
        REQUEST_FILTER,   REQUEST_DIFFERING, REQUEST_THIS_TASK, REQUEST_CURVE, REQUEST_NONE};
    static const enum request filtered[] = {REQUEST_FILTER_NONE, REQUEST_FILTER, REQUEST_RELOAD,
                                            REQUEST_NONE};
    static const enum request none[] = {REQUEST_SCREEN_RUN, REQUEST_SCREEN_PATTERN, REQUEST_RELOAD,
                                        REQUEST_NONE};
    const struct compare_view *v = state;
    (void)w;
    return v->rows ? rows : v->report.count ? filtered : none;
}

static void complete(void *state, const struct workbench *w, enum request r,
                     void (*offer)(void *sink, const char *argument), void *sink) {
    const struct compare_view *v = state;
    (void)w;
    for (size_t i = 0; r == REQUEST_ORDER && i < v->columns; i++)
        offer(sink, v->column[i].title);
}

// A press selects the row; giving its pane the focus is the workbench's.
static bool compare_mouse(void *state, struct workbench *w, struct area a, struct key k, double now) {
    struct compare_view *v = state;
    struct panes *panes;
    const struct pane_spec *spec = compare_panes(state, a, &panes);
    (void)w;
    (void)now;
    // Only where the table shows: another pane may have its place.
    bool here = spec && panes_at(panes, spec, a, k.row, k.column) == PANE_TABLE;
    if (k.character == MOUSE_PRESS && here)
        table_press(&v->table, k.row, k.column);
    return false;
}

const struct view view_compare = {
    .name = "Compare",
    .mouse = compare_mouse,
    .screen = REQUEST_SCREEN_COMPARE,
    .where = WHERE_COMPARE,
    .purpose = "Runs and seeds side by side: what differs between them, and what it did.",
    .create = create,
    .free = view_free,
    .draw = compare_draw,
    .request = request,
    .hints = hints,
    .refresh = refresh,
    .panes = compare_panes,
    .complete = complete,
    .shown = shown,
    .deadline = deadline,
    .tick = tick,
};
