// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 5, Try: any text through the template, and what the model makes of it without a prompt, with the
// present one, the best one and those kept from earlier runs; which words it looks at, and which decide.
//
// Everything that needs the model is asked for a moment after the last key and drawn as it comes back; while
// a run goes on, the present prompt is asked again every second.
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"
#include "try_inside.h"

#define DEBOUNCE 0.15 // seconds after the last key
#define WATCHING 1.0  // seconds between looks while a run goes on

static bool create(void **state, struct error *e) {
    struct try_view *v = mem_calloc(1, sizeof *v, e);
    *state = v;
    if (!v)
        return false;
    v->chosen = TRY_ROW_PRESENT;
    v->layer = v->head = ATTENTION_MEAN;
    return true;
}

static void forget_editors(struct try_view *v) {
    for (size_t i = 0; i < v->editors; i++)
        editor_free(v->editor[i]);
    v->editors = v->now = 0;
    v->editing = false;
}

static void forget_brought(struct try_view *v) {
    example_free(&v->brought, v->brought_fields);
    v->brought = (struct example){0};
    v->brought_fields = 0;
    v->brought_drawn = false;
}

static void view_free(void *state) {
    struct try_view *v = state;
    if (!v)
        return;
    forget_brought(v);
    forget_editors(v);
    try_forget(v);
    kept_prompts_free(&v->kept);
    free(v);
}

// ---- the texts ----

static size_t revision(const struct try_view *v) {
    size_t sum = 0;
    for (size_t i = 0; i < v->editors; i++)
        sum += editor_revision(v->editor[i]);
    return sum;
}

bool try_is_own(const struct try_view *v) {
    return revision(v) != v->taken;
}

bool try_is_empty(const struct try_view *v) {
    for (size_t i = 0; i < v->editors; i++)
        if (editor_text(v->editor[i])[strspn(editor_text(v->editor[i]), " \t\n")])
            return false;
    return true;
}

// Those of dev come first: they are not what the prompt was tuned on.
const struct example *try_example_now(const struct try_view *v, const struct workbench *w) {
    const struct workspace *ws = workbench_workspace(w);
    if (!ws)
        return NULL;
    const struct split *s = ws->split;
    if (v->brought.field)
        return &v->brought;
    if (v->example < s->dev_count)
        return s->dev[v->example];
    return v->example - s->dev_count < s->train_count ? s->train[v->example - s->dev_count] : NULL;
}

static bool put_options(struct editor *ed, const struct example *x, struct error *e) {
    struct buffer lines = {0};
    for (size_t i = 0; i < x->options; i++)
        buffer_printf(&lines, "%s%s", i ? "\n" : "", x->option[i]);
    bool ok = buffer_ok(&lines, e) && editor_set(ed, lines.data ? lines.data : "", true, e);
    buffer_free(&lines);
    return ok;
}

// Puts the present example into the editors, which can be undone there.
static void take_example(struct try_view *v, struct workbench *w, double now) {
    const struct example *x = try_example_now(v, w);
    struct error e = {0};
    bool ok = true;
    size_t fields = x ? workbench_workspace(w)->task->fields : 0;
    for (size_t i = 0; ok && i < fields; i++)
        ok = editor_set(v->editor[i], x->field[i], true, &e);
    if (ok && x && v->editors > fields)
        ok = put_options(v->editor[fields], x, &e);
    if (!ok)
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    v->taken = revision(v);
}

// Another session: its fields, and the first example of its dev set.
static void take_workspace(struct try_view *v, struct workbench *w, double now) {
    const struct task *t = workbench_workspace(w)->task;
    struct error e = {0};
    size_t editors = t->fields + (t->option_columns > 0);
    bool brought = v->brought.field && strcmp(v->brought_task, t->name) == 0;
    bool same = v->editors == editors && !try_is_empty(v) && (try_is_own(v) || brought);
    if (!brought)
        forget_brought(v);
    v->brought_drawn = false; // the new run may have another split
    if (!same) {              // otherwise a text of one's own stays, to be tried with the new run
        forget_editors(v);
        for (; v->editors < editors; v->editors++)
            if (!editor_create(&v->editor[v->editors], true, &e)) {
                workbench_say(w, STYLE_BAD, now, "%s", e.text);
                forget_editors(v);
                return;
            }
        v->example = 0;
        take_example(v, w, now);
    }
    v->layer = v->head = ATTENTION_MEAN;
    v->chosen = TRY_ROW_PRESENT;
}

// ---- keeping up ----

static size_t step_now(const struct workbench *w) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    return count ? history[count - 1].step + count : 0; // evaluations and undoing make news as well
}

static bool has_steps(const struct workbench *w) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    return part_last(history, count, METRIC_STEP) != NULL;
}

// What was there before moves to kept/ when a new run has made its first step.
static void read_kept(struct try_view *v, const struct workbench *w) {
    size_t mark = 2 * workbench_opened(w) + has_steps(w);
    struct session *s = workbench_session(w);
    if (v->kept_mark == mark)
        return;
    kept_prompts_free(&v->kept);
    if (s)
        kept_prompts_read(&v->kept, s, NULL);
    v->kept_mark = mark;
    if (v->chosen >= try_rows(v))
        v->chosen = TRY_ROW_PRESENT;
}

// The session may belong to another task by now: nothing of it is kept.
static void workspace_gone(struct try_view *v) {
    try_forget(v);
    forget_brought(v);
    forget_editors(v);
    kept_prompts_free(&v->kept);
    v->kept_mark = 0;
    v->stale = v->stale_words = false;
    v->due = 0;
}

static void refresh(void *state, struct workbench *w, double now) {
    struct try_view *v = state;
    if (!workbench_workspace(w)) {
        if (v->opened != workbench_opened(w))
            workspace_gone(v);
        v->opened = workbench_opened(w);
        return;
    }
    if (!workbench_shows(w, &view_try))
        return;
    read_kept(v, w);
    if (v->opened != workbench_opened(w)) {
        v->opened = workbench_opened(w);
        take_workspace(v, w, now);
        try_forget(v);
        v->step = step_now(w);
        try_later(v, now, DEBOUNCE, true);
    }
    // What is on its way comes back with news, and we are here again.
    if (step_now(w) == v->step || v->due > 0 || workbench_studying(w, &view_try, TRY_ANSWERS, NULL, NULL))
        return;
    bool soon = workbench_state(w) == ENGINE_RUNNING && now < v->asked + WATCHING;
    try_later(v, now, soon ? v->asked + WATCHING - now : DEBOUNCE, true);
}

static void texts_changed(struct try_view *v, struct workbench *w, double now) {
    if (revision(v) == v->revision)
        return;
    v->revision = revision(v);
    for (unsigned c = 0; c < TRY_CHANNELS; c++)
        workbench_cancel_study(w, &view_try, c);
    try_later(v, now, DEBOUNCE, true);
}

static double deadline(void *state) {
    return ((const struct try_view *)state)->due;
}

static void tick(void *state, struct workbench *w, double now) {
    struct try_view *v = state;
    v->due = 0;
    if (!workbench_shows(w, &view_try))
        return;
    v->revision = revision(v);
    v->step = step_now(w);
    try_ask(v, w, now);
}

static void studied(void *state, struct workbench *w, struct study *take, double now) {
    (void)w;
    (void)now;
    try_take(state, take);
}

static bool typing(void *state) {
    return ((const struct try_view *)state)->editing;
}

// ---- requests ----

static void choose_row(struct try_view *v, size_t row, double now) {
    if (row >= try_rows(v) || row == v->chosen)
        return;
    v->chosen = row;
    v->likely_top = 0;
    try_later(v, now, DEBOUNCE, false);
}

static size_t moved(size_t at, enum request r, size_t page, size_t count) {
    size_t last = count ? count - 1 : 0;
    switch (r) {
    case REQUEST_UP:
        return at ? at - 1 : 0;
    case REQUEST_DOWN:
        return at < last ? at + 1 : last;
    case REQUEST_PAGE_UP:
        return at > page ? at - page : 0;
    case REQUEST_PAGE_DOWN:
        return at + page < last ? at + page : last;
    case REQUEST_FIRST:
        return 0;
    default:
        return last;
    }
}

static bool move(struct try_view *v, enum request r, double now) {
    struct table_source source;
    size_t lines = v->word_lines > v->word_rows ? (size_t)(v->word_lines - v->word_rows) + 1 : 1;
    switch (v->panes.focus) {
    case TRY_TEXT:
        if (v->editors)
            v->now = moved(v->now, r, 1, v->editors);
        return true;
    case TRY_LABELS:
        choose_row(v, moved(v->chosen, r, 4, try_rows(v)), now);
        return true;
    case TRY_LIKELY:
        v->likely_top = moved(v->likely_top, r, 4, ANSWER_WORDS);
        return true;
    default:
        if (v->numbers) {
            try_words_source(v, &source);
            return table_request(&v->table, r, &source);
        }
        v->word_top = moved(v->word_top < lines ? v->word_top : lines - 1, r,
                            v->word_rows > 3 ? (size_t)v->word_rows - 3 : 1, lines);
        return true;
    }
}

// The next layer or head, the mean behind the last; or the one named, from 1, 0 for the mean.
static void choose_part(struct try_view *v, struct workbench *w, bool layer, const char *argument,
                        double now) {
    const struct workspace *ws = workbench_workspace(w);
    size_t *at = layer ? &v->layer : &v->head, count, number;
    char *end = NULL;
    if (!ws)
        return;
    count = layer ? ws->config.num_decoder_layers : ws->config.num_heads;
    if (!argument) {
        *at = *at == ATTENTION_MEAN ? 0 : *at + 1 < count ? *at + 1 : ATTENTION_MEAN;
        return;
    }
    errno = 0;
    number = strtoul(argument, &end, 10);
    if (errno || end == argument || *end || argument[0] == '-' || number > count)
        workbench_say(w, STYLE_BAD, now, "%s: a number from 1 to %zu, or 0 for the mean of all",
                      layer ? "layer" : "head", count);
    else
        *at = number ? number - 1 : ATTENTION_MEAN;
}

static void next_example(struct try_view *v, struct workbench *w, bool next, double now) {
    const struct workspace *ws = workbench_workspace(w);
    size_t count = ws ? ws->split->train_count + ws->split->dev_count : 0;
    if (!count || !v->editors)
        return;
    if (!try_is_own(v)) { // an own text gives way to the example it began with
        if (!v->brought.field || v->brought_drawn)
            v->example = next ? (v->example + 1) % count : (v->example + count - 1) % count;
        forget_brought(v);
    }
    take_example(v, w, now);
    texts_changed(v, w, now);
}

// Where an example of the open run's split stands, as `example` counts; SIZE_MAX: it is not of the split.
static size_t place_in_split(const struct split *s, const struct example *x) {
    for (size_t i = 0; i < s->dev_count; i++)
        if (s->dev[i] == x)
            return i;
    for (size_t i = 0; i < s->train_count; i++)
        if (s->train[i] == x)
            return s->dev_count + i;
    return SIZE_MAX;
}

static void bring_example(void *state, struct workbench *w, const struct example *x, const char *from,
                          enum lens_kind prompt, double now) {
    struct try_view *v = state;
    const struct workspace *ws = workbench_workspace(w);
    struct error e = {0};
    if (!ws || !v->editors)
        return;
    forget_brought(v);
    if (!example_copy(&v->brought, x, ws->task->fields, &e)) {
        v->brought = (struct example){0};
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    v->brought_fields = ws->task->fields;
    snprintf(v->brought_from, sizeof v->brought_from, "%s", from);
    snprintf(v->brought_task, sizeof v->brought_task, "%s", ws->task->name);
    size_t at = place_in_split(ws->split, x);
    v->brought_drawn = at != SIZE_MAX;
    v->example = v->brought_drawn ? at : v->example;
    v->editing = false;
    v->word_top = 0;
    take_example(v, w, now);
    choose_row(v, prompt == LENS_BEST ? TRY_ROW_BEST : TRY_ROW_PRESENT, now);
    texts_changed(v, w, now);
}

static void put_text(struct try_view *v, struct workbench *w, const char *argument, double now) {
    struct error e = {0};
    workbench_request(w, REQUEST_SCREEN_TRY, NULL, now);
    if (!v->editors || !argument)
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
    else if (!editor_set(v->editor[0], argument, true, &e))
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    texts_changed(v, w, now);
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct try_view *v = state;
    switch (r) {
    case REQUEST_EDIT:
        v->panes.focus = TRY_TEXT;
        v->editing = v->editors > 0;
        return true;
    case REQUEST_BACK:
        if (!v->editing)
            return false;
        v->editing = false;
        return true;
    case REQUEST_EXAMPLE_NEXT:
    case REQUEST_EXAMPLE_PREVIOUS:
        next_example(v, w, r == REQUEST_EXAMPLE_NEXT, now);
        return true;
    case REQUEST_LAYER:
    case REQUEST_HEAD:
        choose_part(v, w, r == REQUEST_LAYER, argument, now);
        return true;
    case REQUEST_DETAIL:
        v->numbers = !v->numbers;
        v->panes.focus = TRY_LOOK;
        return true;
    case REQUEST_TRY_TEXT:
        put_text(v, w, argument, now);
        return true;
    case REQUEST_UP:
    case REQUEST_DOWN:
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
    case REQUEST_FIRST:
    case REQUEST_LAST:
        return move(v, r, now);
    default:
        return false;
    }
}

// While editing, characters are text; only keys that no editor uses go on to the key map.
static bool key(void *state, struct workbench *w, struct key k, double now) {
    struct try_view *v = state;
    if (!v->editing)
        return false;
    if (k.code == KEY_CODE_ESCAPE) {
        v->editing = false;
        return true;
    }
    if (k.code == KEY_CODE_TAB || k.code == KEY_CODE_SHIFT_TAB) {
        v->now = (v->now + (k.code == KEY_CODE_TAB ? 1 : v->editors - 1)) % v->editors;
        return true;
    }
    bool passed = k.code == KEY_CODE_FUNCTION || k.code == KEY_CODE_PAGE_UP || k.code == KEY_CODE_PAGE_DOWN ||
                  (k.control && k.code == KEY_CODE_CHARACTER && (k.character == 'c' || k.character == 'l'));
    if (passed)
        return false;
    editor_key(v->editor[v->now], k);
    texts_changed(v, w, now);
    return true;
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request editing[] = {REQUEST_BACK, REQUEST_NONE};
    static const enum request reading[] = {REQUEST_EDIT,   REQUEST_EXAMPLE_NEXT, REQUEST_LAYER, REQUEST_HEAD,
                                           REQUEST_DETAIL, REQUEST_FOCUS_NEXT,   REQUEST_ZOOM,  REQUEST_NONE};
    (void)w;
    return ((const struct try_view *)state)->editing ? editing : reading;
}

const struct view view_try = {
    .name = "Try",
    .screen = REQUEST_SCREEN_TRY,
    .where = WHERE_TRY,
    .purpose = "Type any text, and see what the model makes of it, before and after tuning.",
    .create = create,
    .free = view_free,
    .draw = try_draw,
    .request = request,
    .key = key,
    .hints = hints,
    .refresh = refresh,
    .typing = typing,
    .panes = try_panes,
    .take_example = bring_example,
    .studied = studied,
    .deadline = deadline,
    .tick = tick,
};
