// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 2, Data: the examples of the task with the part that each plays, how they are predicted, how long
// they are; and the few-shot split, which can be drawn otherwise for the next run.
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/memory.h"

#include "data_inside.h"
#include "parts.h"

static bool create(void **state, struct error *e) {
    struct data_view *v = mem_calloc(1, sizeof *v, e);
    *state = v;
    if (v)
        v->label = v->part = DATA_ANY;
    return v != NULL;
}

static void view_free(void *state) {
    struct data_view *v = state;
    if (!v)
        return;
    data_forget(v);
    data_form_close(v);
    free(v);
}

// ---- requests ----

// The next class or part, all behind the last; or the one that is named.
static bool choose(size_t *at, size_t count, const char *argument, const char *(*name)(const void *, size_t),
                   const void *context) {
    if (!argument) {
        *at = *at == DATA_ANY ? 0 : *at + 1 < count ? *at + 1 : DATA_ANY;
        return true;
    }
    if (strcasecmp(argument, "all") == 0) {
        *at = DATA_ANY;
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(argument, name(context, i)) == 0) {
            *at = i;
            return true;
        }
    return false;
}

static const char *name_of_class(const void *task, size_t i) {
    return ((const struct task *)task)->class_name[i];
}
static const char *name_of_part(const void *context, size_t i) {
    (void)context;
    return data_part_name(i);
}

static void filter_by(struct data_view *v, struct workbench *w, bool label, const char *argument,
                      double now) {
    const struct task *t = workbench_workspace(w)->task;
    bool ok = label ? choose(&v->label, t->classes, argument, name_of_class, t)
                    : choose(&v->part, DATA_PARTS, argument, name_of_part, NULL);
    if (ok)
        data_filter(v, w);
    else
        workbench_say(w, STYLE_BAD, now,
                      label ? "no class is called \"%.60s\"; \"all\" shows all"
                            : "\"%.60s\" is none of train, dev, own, test, rest, all",
                      argument);
}

static void show_wrong(struct data_view *v, struct workbench *w, double now) {
    if (!v->predicted && !v->wrong) {
        workbench_say(w, STYLE_PLAIN, now,
                      "nothing is predicted yet: %s predicts the examples that are listed",
                      PART_KEY(PREDICT, WHERE_DATA));
        return;
    }
    v->wrong = !v->wrong;
    data_filter(v, w);
}

static void predict(struct data_view *v, struct workbench *w, const char *argument, double now) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    if (argument && strcmp(argument, "best") != 0 && strcmp(argument, "present") != 0) {
        workbench_say(w, STYLE_BAD, now, "predict takes \"best\" or \"present\", not \"%.60s\"", argument);
        return;
    }
    v->best_prompt = argument ? strcmp(argument, "best") == 0 : part_best(history, count) != NULL;
    data_predict(v, w, now);
}

static void set_number(struct workbench *w, const char *name, unsigned long long value, double now) {
    char line[64];
    snprintf(line, sizeof line, "%s %llu", name, value);
    workbench_request(w, REQUEST_SET, line, now);
}

// More or fewer by one, a tenth from 20 on; the unit is what the settings count in.
static void change_shots(struct workbench *w, bool more, double now) {
    const struct run_settings *s = workbench_settings(w);
    size_t at = s->shots ? s->shots : s->total_shots, by = at < 20 ? 1 : at / 10;
    if (!at)
        workbench_say(w, STYLE_PLAIN, now,
                      "every example of train is used; :set shots 16 takes so many a class");
    else if (more || at > by)
        set_number(w, s->shots ? "shots" : "total_shots", more ? at + by : at - by, now);
}

// From so many a class to as many in all, and back.
static void change_unit(struct workbench *w, double now) {
    const struct run_settings *s = workbench_settings(w);
    size_t classes = workbench_workspace(w)->task->classes, shots = s->shots, total = s->total_shots;
    if (shots) {
        set_number(w, "total_shots", shots * classes, now);
        set_number(w, "shots", 0, now);
    } else {
        set_number(w, "shots", total >= classes ? total / classes : 16, now);
        set_number(w, "total_shots", 0, now);
    }
}

static void search(struct data_view *v, struct workbench *w, const char *text, bool forward, double now) {
    struct data_table context;
    struct table_source source;
    data_table_source(&context, v, w, &source);
    v->panes.focus = DATA_TABLE;
    if (!text && !v->table.search[0])
        workbench_say(w, STYLE_PLAIN, now, "nothing was searched for yet: / and a text");
    else if (!table_search(&v->table, &source, text, forward, text != NULL))
        workbench_say(w, STYLE_WARN, now, "no listed example has \"%.100s\"", v->table.search);
    v->details_top = 0;
}

static bool move(struct data_view *v, struct workbench *w, enum request r) {
    struct data_table context;
    struct table_source source;
    int last = v->details_lines - v->details_rows, page = v->details_rows > 1 ? v->details_rows - 1 : 1;
    if (v->panes.focus == DATA_DETAILS) {
        int by = r == REQUEST_UP          ? -1
                 : r == REQUEST_DOWN      ? 1
                 : r == REQUEST_PAGE_UP   ? -page
                 : r == REQUEST_PAGE_DOWN ? page
                 : r == REQUEST_FIRST     ? -v->details_top
                                          : last;
        v->details_top = v->details_top + by < last ? v->details_top + by : last;
        v->details_top = v->details_top > 0 ? v->details_top : 0;
        return true;
    }
    data_table_source(&context, v, w, &source);
    v->details_top = 0;
    return table_request(&v->table, r, &source);
}

// The selected example on the Try screen, looked at with the prompt that predicted it.
static void try_selected(struct data_view *v, struct workbench *w, double now) {
    const struct data_row *r = data_selected(v);
    const struct example *x = r ? data_example(v, w, (size_t)(r - v->row)) : NULL;
    char name[48], guess[160] = "";
    if (!x) {
        workbench_say(w, STYLE_WARN, now, "no example is selected: none passes the filters");
        return;
    }
    data_row_name(v, r, name, sizeof name);
    data_guess(v, w, r, false, guess, sizeof guess); // that screen says which prompt
    workbench_try(w, x, name, isfinite(r->truth) && v->predicted_best ? LENS_BEST : LENS_PRESENT, now);
    workbench_say(w, STYLE_PLAIN, now, "%s%s%s; %s leads back to the list", name, guess[0] ? ": " : "", guess,
                  PART_KEY(BACK, WHERE_TRY));
}

// What the own examples are for: not used, added, alone.
static void use_own(struct workbench *w, double now) {
    if (!workbench_workspace(w)->task->train.count) {
        workbench_say(w, STYLE_PLAIN, now, "this task has no other examples: the run uses what you type");
        return;
    }
    static const char *const next[] = {
        [RUN_OWN_NONE] = "own added", [RUN_OWN_ADDED] = "own only", [RUN_OWN_ONLY] = "own none"};
    workbench_request(w, REQUEST_SET, next[workbench_settings(w)->own], now);
}

static bool key(void *state, struct workbench *w, struct key k, double now) {
    return data_form_key(state, w, k, now);
}

static bool typing(void *state) {
    return ((const struct data_view *)state)->form.open;
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct data_view *v = state;
    if (!workbench_workspace(w) || !v->row)
        return false;
    switch (r) {
    case REQUEST_FILTER_CLASS:
    case REQUEST_FILTER_PART:
        filter_by(v, w, r == REQUEST_FILTER_CLASS, argument, now);
        return true;
    case REQUEST_EDIT:
    case REQUEST_OWN_ADD:
        data_form_open(v, w, r == REQUEST_OWN_ADD, now);
        return true;
    case REQUEST_TRY_EXAMPLE:
        try_selected(v, w, now);
        return true;
    case REQUEST_OWN_REMOVE:
        data_own_remove(v, w, now);
        return true;
    case REQUEST_OWN_SWITCH:
        data_own_switch(v, w, now);
        return true;
    case REQUEST_OWN_USE:
        use_own(w, now);
        return true;
    case REQUEST_BACK:
        if (!v->form.open)
            return false;
        data_form_close(v);
        return true;
    case REQUEST_FILTER_WRONG:
        show_wrong(v, w, now);
        return true;
    case REQUEST_PREDICT:
        predict(v, w, argument, now);
        return true;
    case REQUEST_SORT:
        v->order = (v->order + 1) % DATA_ORDERS;
        data_filter(v, w);
        v->table.selected = 0;
        return true;
    case REQUEST_SHOTS_MORE:
    case REQUEST_SHOTS_FEWER:
        change_shots(w, r == REQUEST_SHOTS_MORE, now);
        return true;
    case REQUEST_SHOTS_UNIT:
        change_unit(w, now);
        return true;
    case REQUEST_DRAW_AGAIN:
        set_number(w, "seed", workbench_settings(w)->seed + 1, now);
        return true;
    case REQUEST_SEARCH:
        search(v, w, argument, true, now);
        return true;
    case REQUEST_SEARCH_NEXT:
    case REQUEST_SEARCH_PREVIOUS:
        search(v, w, NULL, r == REQUEST_SEARCH_NEXT, now);
        return true;
    case REQUEST_UP:
    case REQUEST_DOWN:
    case REQUEST_LEFT:
    case REQUEST_RIGHT:
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
    case REQUEST_FIRST:
    case REQUEST_LAST:
        return move(v, w, r);
    default:
        return false;
    }
}

static void complete(void *state, const struct workbench *w, enum request r,
                     void (*offer)(void *sink, const char *argument), void *sink) {
    const struct task *t = workbench_workspace(w) ? workbench_workspace(w)->task : NULL;
    (void)state;
    if (r != REQUEST_FILTER_CLASS && r != REQUEST_FILTER_PART)
        return;
    for (size_t i = 0; r == REQUEST_FILTER_CLASS && t && i < t->classes; i++)
        offer(sink, t->class_name[i]);
    for (size_t i = 0; r == REQUEST_FILTER_PART && i < DATA_PARTS; i++)
        offer(sink, data_part_name(i));
    offer(sink, "all");
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request waiting[] = {REQUEST_APPLY,       REQUEST_SHOTS_MORE,   REQUEST_DRAW_AGAIN,
                                           REQUEST_FILTER_PART, REQUEST_FILTER_CLASS, REQUEST_NONE};
    static const enum request list[] = {REQUEST_SEARCH,      REQUEST_OWN_ADD,     REQUEST_PREDICT,
                                        REQUEST_TRY_EXAMPLE, REQUEST_FILTER_PART, REQUEST_FILTER_CLASS,
                                        REQUEST_SHOTS_MORE,  REQUEST_DRAW_AGAIN,  REQUEST_SORT,
                                        REQUEST_FOCUS_NEXT,  REQUEST_ZOOM,        REQUEST_NONE};
    static const enum request guessed[] = {REQUEST_FILTER_WRONG, REQUEST_TRY_EXAMPLE, REQUEST_SORT,
                                           REQUEST_SEARCH,       REQUEST_FILTER_PART, REQUEST_FILTER_CLASS,
                                           REQUEST_PREDICT,      REQUEST_OWN_ADD,     REQUEST_FOCUS_NEXT,
                                           REQUEST_ZOOM,         REQUEST_NONE};
    static const enum request typed[] = {REQUEST_BACK, REQUEST_NONE};
    static const enum request nothing[] = {REQUEST_OWN_ADD, REQUEST_RUN_PAUSE, REQUEST_SCREEN_PATTERN,
                                           REQUEST_NONE};
    const struct data_view *v = state;
    if (workbench_workspace(w) && !v->rows && !v->form.open)
        return nothing;
    return v->form.open ? typed : v->waits ? waiting : v->predicted ? guessed : list;
}

// A press selects the row; giving its pane the focus is the workbench's.
static bool data_mouse(void *state, struct workbench *w, struct area a, struct key k, double now) {
    struct data_view *v = state;
    struct panes *panes;
    const struct pane_spec *spec = data_panes(state, a, &panes);
    (void)w;
    (void)now;
    // Only where the table shows: another pane may have its place.
    bool here = !v->form.open && spec && panes_at(panes, spec, a, k.row, k.column) == DATA_TABLE;
    if (k.character == MOUSE_PRESS && here)
        table_press(&v->table, k.row, k.column);
    return false;
}

const struct view view_data = {
    .name = "Data",
    .mouse = data_mouse,
    .screen = REQUEST_SCREEN_DATA,
    .where = WHERE_DATA,
    .purpose = "Browse and search the examples, and choose which of them tuning learns from.",
    .create = create,
    .free = view_free,
    .draw = data_draw,
    .request = request,
    .key = key,
    .typing = typing,
    .hints = hints,
    .refresh = data_refresh,
    .panes = data_panes,
    .complete = complete,
    .studied = data_studied,
};
