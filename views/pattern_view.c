// SPDX-License-Identifier: GPL-3.0-or-later
// Screen 1, Pattern: the template and the label words under the editor, and what becomes of an example: its
// pieces, the soft slots, the mask, what the length budget takes away, and what the decoder gets to see.
//
// Everything here is read from the open workspace on the UI thread; nothing needs the model. Edits stay in
// the editors until they are applied, whatever else goes on.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "views/views.h"

#include "parts.h"
#include "pattern_inside.h"

// ---- keeping up with the texts ----

static bool create(void **state, struct error *e) {
    struct pattern_view *v = mem_calloc(1, sizeof *v, e);
    *state = v;
    return v && editor_create(&v->template_editor, true, e) && editor_create(&v->words_editor, true, e);
}

static void forget_meaning(struct pattern_view *v) {
    pattern_free(&v->pattern);
    template_free(&v->template);
    verbalizer_free(&v->words);
    free(v->warnings);
    free(v->style);
    v->tokenizer = NULL;
    v->pattern = (struct pattern){0};
    v->template = (struct template){0};
    v->words = (struct verbalizer){0};
    v->warnings = NULL;
    v->style = NULL;
    v->template_good = v->words_good = v->pattern_good = v->rendered_good = false;
}

static void view_free(void *state) {
    struct pattern_view *v = state;
    if (!v)
        return;
    forget_meaning(v);
    pattern_forget_answers(v);
    pattern_close_list(v);
    if (v->search)
        study_free(&v->search->study);
    rendered_free(&v->shown);
    rendered_free(&v->whole);
    editor_free(v->template_editor);
    editor_free(v->words_editor);
    free(v->applied_template);
    free(v->applied_words);
    free(v);
}

enum style pattern_kind_style(int kind) {
    switch (kind) {
    case PART_TEXT:
        return STYLE_LITERAL;
    case PART_FIELD:
    case PART_OPTIONS:
        return STYLE_FIELD;
    case PART_SOFT:
        return STYLE_SOFT;
    case PART_MASK:
        return STYLE_MASK;
    case PART_SPECIAL:
        return STYLE_SPECIAL;
    default:
        return STYLE_DIM;
    }
}

static void highlight(struct pattern_view *v, const char *text) {
    size_t length = strlen(text);
    signed char *kind = mem_calloc(length + 1, 1, NULL);
    v->style = mem_calloc(length + 1, 1, NULL);
    if (kind && v->style) {
        template_highlight(text, length, kind);
        for (size_t i = 0; i < length; i++)
            v->style[i] = (unsigned char)pattern_kind_style(kind[i]);
    }
    free(kind);
}

static enum word_pieces piece_rule(const struct run_settings *s) {
    return s->pieces == RUN_PIECES_MEAN ? WORD_MEAN : s->pieces == RUN_PIECES_MAX ? WORD_MAX : WORD_FIRST;
}

const struct example *pattern_example_now(const struct pattern_view *v, const struct workspace *ws) {
    const struct split *s = ws->split;
    if (v->example < s->train_count)
        return s->train[v->example];
    return v->example - s->train_count < s->dev_count ? s->dev[v->example - s->train_count] : NULL;
}

static void render(struct pattern_view *v, const struct workbench *w) {
    const struct workspace *ws = workbench_workspace(w);
    const struct run_settings *s = workbench_settings(w);
    const struct example *example = ws ? pattern_example_now(v, ws) : NULL;
    struct render_options o = {.budget = s->budget, .end_mark = s->loss == LOSS_CLEAN};
    v->rendered_good = false;
    v->scroll = 0;
    if (!v->pattern_good || !example)
        return;
    v->rendered_good = pattern_render(&v->pattern, example, &o, &v->shown, &v->render_error);
    o.budget = WITHOUT_CUT;
    v->rendered_good =
        v->rendered_good && pattern_render(&v->pattern, example, &o, &v->whole, &v->render_error);
}

static void understand(struct pattern_view *v, const struct workbench *w) {
    const struct workspace *ws = workbench_workspace(w);
    const char *text = pattern_template(v), *words = editor_text(v->words_editor);
    forget_meaning(v);
    v->previewed = v->preview;
    v->template_revision = editor_revision(v->template_editor);
    v->words_revision = editor_revision(v->words_editor);
    v->error_at = SIZE_MAX;
    v->budget = workbench_settings(w)->budget;
    v->loss = workbench_settings(w)->loss;
    v->pieces = workbench_settings(w)->pieces;
    v->method = workbench_settings(w)->method;
    highlight(v, text);
    if (!ws)
        return;
    const struct task *t = ws->task;
    v->tokenizer = ws->tokenizer;
    v->template_error = v->words_error = v->render_error = (struct error){0};
    v->template_good = template_parse(&v->template, text, (const char *const *)t->field, t->fields,
                                      &v->error_at, &v->template_error);
    v->words_good =
        verbalizer_parse(&v->words, words, t->class_name, t->class_value, t->classes, &v->words_error) &&
        verbalizer_bind(&v->words, ws->tokenizer, piece_rule(workbench_settings(w)), &v->words_error);
    if (v->words_good)
        v->warnings = verbalizer_warnings(&v->words, ws->tokenizer, NULL);
    v->pattern_good =
        v->template_good && pattern_bind(&v->pattern, &v->template, t, ws->tokenizer, &v->render_error);
    if (v->template_good && !v->pattern_good && ws->task == ws->original &&
        workbench_settings(w)->method == METHOD_UNIFIED_PPT) // an undo brought both back, and both wait
        error_set(&v->render_error, ERROR_INPUT,
                  "the method waits, too: %s asks the task as multiple choice, and then examples show here",
                  PART_KEY(APPLY, WHERE_PATTERN));
    render(v, w);
}

static void keep_up(struct pattern_view *v, const struct workbench *w) {
    if (v->template_revision != editor_revision(v->template_editor) || v->previewed != v->preview ||
        v->words_revision != editor_revision(v->words_editor))
        understand(v, w);
}

// The label words on one line: "bad; good, great".
static char *words_line(const struct verbalizer *words) {
    char *text = verbalizer_print(words, VERBALIZER_LINES, NULL);
    struct buffer line = {0};
    for (const char *at = text; at && *at; at++) {
        if (*at != '\n')
            buffer_add_char(&line, *at);
        else if (at[1])
            buffer_add_text(&line, "; ");
    }
    free(text);
    return buffer_take(&line, NULL);
}

// The task's own label words on one line; "" where it has none.
static char *own_words(const struct workspace *ws) {
    const struct task *t = ws->task;
    struct verbalizer words;
    if (!t->label_words ||
        !verbalizer_parse(&words, t->label_words, t->class_name, t->class_value, t->classes, NULL))
        return mem_strdup("", NULL);
    char *line = words_line(&words);
    verbalizer_free(&words);
    return line;
}

static const char *own_template(const struct workspace *ws) {
    return ws->task->templates ? ws->task->template_text[0] : "";
}

static bool template_differs(const struct pattern_view *v) {
    return v->applied_template && strcmp(editor_text(v->template_editor), v->applied_template) != 0;
}

static bool words_differ(const struct pattern_view *v) {
    return v->applied_words && strcmp(editor_text(v->words_editor), v->applied_words) != 0;
}

static bool edited(const struct pattern_view *v) {
    return template_differs(v) || words_differ(v);
}

// The editors show what the new workspace has, unless somebody is in the middle of something. Each for
// itself: an edit of the template, applied with a method that asks the task differently, says nothing about
// the label words, which are others then.
static void take_workspace(struct pattern_view *v, const struct workspace *ws) {
    bool keep_template = template_differs(v), keep_words = words_differ(v);
    const char *text = ws->setup && ws->setup->template_text ? ws->setup->template_text : own_template(ws);
    free(v->applied_template);
    free(v->applied_words);
    v->applied_template = mem_strdup(text, NULL);
    v->applied_words = words_line(&ws->verbalizer);
    keep_template = keep_template && (template_differs(v) || !v->applied_template);
    keep_words = keep_words && (words_differ(v) || !v->applied_words);
    if (!keep_template) {
        v->form_openprompt = strstr(text, "{\"") != NULL;
        editor_set(v->template_editor, text, false, NULL);
    }
    if (!keep_words)
        editor_set(v->words_editor, v->applied_words ? v->applied_words : "", false, NULL);
    if (!keep_template && !keep_words)
        v->example = v->scroll = 0;
}

static void refresh(void *state, struct workbench *w, double now) {
    struct pattern_view *v = state;
    const struct workspace *ws = workbench_workspace(w);
    const struct run_settings *s = workbench_settings(w);
    if (v->opened == workbench_opened(w)) {
        if (s->budget != v->budget || s->loss != v->loss || s->pieces != v->pieces || s->method != v->method)
            understand(v, w);
        pattern_ask(v, w, now);
        return;
    }
    v->opened = workbench_opened(w);
    forget_meaning(v);
    pattern_forget_answers(v);
    pattern_close_list(v); // the list was for the task before
    if (!ws)               // another session comes: these edits are not for it
        free(v->applied_template), free(v->applied_words), v->applied_template = v->applied_words = NULL;
    else
        take_workspace(v, ws);
    understand(v, w);
    pattern_ask(v, w, now);
}

// Another way of writing the same is no edit.
bool pattern_template_edited(const struct pattern_view *v, const struct workspace *ws) {
    return ws && edited(v) && !(v->template_good && template_equal(&v->template, &ws->template));
}

bool pattern_words_edited(const struct pattern_view *v, const struct workspace *ws) {
    bool same =
        v->words_good && v->applied_words && strcmp(editor_text(v->words_editor), v->applied_words) == 0;
    return ws && edited(v) && !same;
}

bool pattern_unsaved(void *state, const struct workbench *w) {
    const struct workspace *ws = workbench_workspace(w);
    return pattern_template_edited(state, ws) || pattern_words_edited(state, ws);
}

static bool typing(void *state) {
    return ((const struct pattern_view *)state)->editing;
}

// ---- requests ----

static bool replace(struct pattern_view *v, struct workbench *w, struct editor *ed, const char *text,
                    double now) {
    struct error e = {0};
    if (!editor_set(ed, text, true, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return false;
    }
    keep_up(v, w);
    return true;
}

void pattern_set_words(struct pattern_view *v, struct workbench *w, const char *text, double now) {
    if (replace(v, w, v->words_editor, text, now))
        workbench_say(w, STYLE_PLAIN, now, "label words: %.200s; %s tunes with them", text,
                      PART_KEY(APPLY, WHERE_PATTERN));
}

static void switch_form(struct pattern_view *v, struct workbench *w, double now) {
    struct error e = {0};
    if (!v->template_good) {
        workbench_say(w, STYLE_WARN, now, "mend the template first, then its syntax can be switched");
        return;
    }
    char *text = template_print(&v->template, v->form_openprompt ? TEMPLATE_SHORT : TEMPLATE_OPENPROMPT, &e);
    if (!text)
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    else if (replace(v, w, v->template_editor, text, now))
        v->form_openprompt = !v->form_openprompt;
    free(text);
}

static void next_template(struct pattern_view *v, struct workbench *w, double now) {
    const struct workspace *ws = workbench_workspace(w);
    size_t at = SIZE_MAX;
    if (!ws || ws->task->templates == 0) {
        workbench_say(w, STYLE_PLAIN, now, "this task suggests no templates");
        return;
    }
    for (size_t i = 0; i < ws->task->templates; i++)
        if (strcmp(ws->task->template_text[i], editor_text(v->template_editor)) == 0)
            at = i;
    at = at == SIZE_MAX ? 0 : (at + 1) % ws->task->templates;
    if (!replace(v, w, v->template_editor, ws->task->template_text[at], now))
        return;
    v->form_openprompt = strstr(ws->task->template_text[at], "{\"") != NULL;
    workbench_say(w, STYLE_PLAIN, now,
                  "suggestion %zu of %zu; %s tunes with it, Ctrl-_ in the editor goes back", at + 1,
                  ws->task->templates, PART_KEY(APPLY, WHERE_PATTERN));
}

// What would keep the run from beginning: looked for here, while the present run still stands.
static bool ready_to_apply(const struct pattern_view *v, const struct workbench *w, struct error *e) {
    const struct split *split = workbench_workspace(w)->split;
    const struct run_settings *s = workbench_settings(w);
    const struct render_options o = {.budget = s->budget, .end_mark = s->loss == LOSS_CLEAN};
    struct rendered r = {0};
    bool ok = true;
    bool here = workbench_workspace(w)->task != workbench_workspace(w)->original;
    bool next = s->method == METHOD_UNIFIED_PPT;
    if (here != next && v->template_good) // on another task than the one that is open: seen when it opens
        return true;
    if (!v->template_good || !v->words_good || !v->pattern_good)
        return error_set(e, ERROR_INPUT, "%s",
                         !v->template_good ? v->template_error.text
                         : !v->words_good  ? v->words_error.text
                                           : v->render_error.text);
    if (s->method == METHOD_FINE_TUNING && v->pattern.slots)
        return error_set(
            e, ERROR_INPUT,
            "fine-tuning has no soft vectors: take {soft} out of the template, or choose another "
            "method, e.g. :method hybrid");
    if (s->method != METHOD_FINE_TUNING && v->pattern.slots == 0)
        return error_set(e, ERROR_INPUT,
                         "the template has no soft vectors, so there is nothing to tune; add {soft:20} where "
                         "they should stand");
    for (size_t i = 0; ok && i < split->train_count; i++)
        ok = pattern_render(&v->pattern, split->train[i], &o, &r, e);
    for (size_t i = 0; ok && i < split->dev_count; i++)
        ok = pattern_render(&v->pattern, split->dev[i], &o, &r, e);
    rendered_free(&r);
    return ok;
}

// What the session is to say: what it said where nothing was changed, and "" for the task's own after an undo
// that led there. Otherwise undone edits would not be the same as before they were made.
static bool set_texts(const struct pattern_view *v, const struct workspace *ws, struct session *s,
                      struct error *e) {
    const char *template = editor_text(v->template_editor), *words = editor_text(v->words_editor);
    char *task_words = own_words(ws);
    if (!task_words)
        return error_set(e, ERROR_MEMORY, "no memory for the label words");
    if (v->applied_template && strcmp(template, v->applied_template) == 0)
        template = session_template(s);
    else if (v->own_template && strcmp(template, own_template(ws)) == 0)
        template = "";
    if (v->applied_words && strcmp(words, v->applied_words) == 0)
        words = session_label_words(s);
    else if (ws->task != ws->original) {
        free(task_words);
        return error_set(e, ERROR_INPUT,
                         "as multiple choice the label words are the letters of the options, which are the "
                         "task's label words; change those with another method, e.g. :method ppt");
    } else if (v->own_words && strcmp(words, task_words) == 0)
        words = "";
    bool ok = session_set_template(s, template, e) && session_set_label_words(s, words, e);
    free(task_words);
    return ok;
}

static void apply(struct pattern_view *v, struct workbench *w, double now) {
    struct session *s = workbench_session(w);
    struct error e = {0};
    if (!s || !workbench_workspace(w)) {
        workbench_apply(w, now); // says what is missing, or opens what could not be opened before
        return;
    }
    bool stands = workbench_state(w) != ENGINE_EMPTY; // or the last one could not begin
    if (stands && !pattern_unsaved(v, w) && run_settings_equal(workbench_settings(w), session_settings(s)) &&
        !workbench_own_waits(w)) {
        workbench_say(w, STYLE_PLAIN, now,
                      "nothing has changed: the run has this pattern and these settings");
        return;
    }
    if (!ready_to_apply(v, w, &e) || !set_texts(v, workbench_workspace(w), s, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    v->editing = false;
    workbench_apply(w, now);
}

static void show_example(struct pattern_view *v, const struct workbench *w, bool next) {
    const struct workspace *ws = workbench_workspace(w);
    size_t count = ws ? ws->split->train_count + ws->split->dev_count : 0;
    if (count == 0)
        return;
    v->example = next ? (v->example + 1) % count : (v->example + count - 1) % count;
    render(v, w);
}

static void calibrate(struct pattern_view *v, struct workbench *w, double now) {
    v->calibrated = !v->calibrated;
    workbench_say(w, STYLE_PLAIN, now,
                  v->calibrated ? "calibrated: what the model says about empty inputs is divided out"
                                : "not calibrated: probabilities as the model gives them");
}

static void scroll(struct pattern_view *v, int by) {
    if (v->panes.focus == PANE_MASK || v->panes.focus == PANE_WORDS) {
        bool mask = v->panes.focus == PANE_MASK;
        int *top = mask ? &v->word_top : &v->words_top, end = mask ? v->word_last : v->words_last;
        int row = *top + by;
        *top = row < 0 ? 0 : row > end ? end : row;
        return;
    }
    int last = v->example_lines > v->example_rows ? v->example_lines - v->example_rows : 0;
    int to = (int)v->scroll + by;
    v->scroll = (size_t)(to < 0 ? 0 : to > last ? last : to);
}

static bool edit_request(struct pattern_view *v, struct workbench *w, enum request r, const char *argument,
                         double now) {
    struct editor *ed = r == REQUEST_TEMPLATE ? v->template_editor : v->words_editor;
    if (!argument || !workbench_workspace(w)) {
        workbench_say(w, STYLE_WARN, now, "nothing is open yet");
        return true;
    }
    workbench_request(w, REQUEST_SCREEN_PATTERN, NULL, now);
    char *own = !*argument && r == REQUEST_WORDS ? own_words(workbench_workspace(w)) : NULL;
    if (!*argument) { // from an undo
        *(r == REQUEST_TEMPLATE ? &v->own_template : &v->own_words) = true;
        argument = r == REQUEST_TEMPLATE ? own_template(workbench_workspace(w)) : own ? own : "";
    }
    if (replace(v, w, ed, argument, now)) {
        if (r == REQUEST_TEMPLATE)
            v->form_openprompt = strstr(argument, "{\"") != NULL;
        if (r == REQUEST_TEMPLATE ? v->pattern_good : v->words_good)
            workbench_say(w, STYLE_PLAIN, now, "%s tunes with it", PART_KEY(APPLY, WHERE_PATTERN));
        else
            workbench_say(w, STYLE_BAD, now, "%s",
                          r == REQUEST_WORDS  ? v->words_error.text
                          : !v->template_good ? v->template_error.text
                                              : v->render_error.text);
    }
    free(own);
    return true;
}

static bool obey(struct pattern_view *v, struct workbench *w, enum request r, const char *argument,
                 double now) {
    int shown = v->panes.focus == PANE_MASK    ? v->word_rows
                : v->panes.focus == PANE_WORDS ? v->words_shown
                                               : v->example_rows,
        page = shown > 1 ? shown - 1 : 1;
    keep_up(v, w);
    switch (r) {
    case REQUEST_BACK:
        if (!v->editing)
            return false; // a zoomed pane is given back by the workbench
        v->editing = false;
        return true;
    case REQUEST_EDIT:
        pattern_close_list(v);
        v->panes.focus = v->panes.focus == PANE_WORDS ? PANE_WORDS : PANE_TEMPLATE;
        v->editing = workbench_workspace(w) != NULL;
        return true;
    case REQUEST_FORM:
        switch_form(v, w, now);
        return true;
    case REQUEST_TEMPLATE_NEXT:
        next_template(v, w, now);
        return true;
    case REQUEST_EXAMPLE_NEXT:
    case REQUEST_EXAMPLE_PREVIOUS:
        show_example(v, w, r == REQUEST_EXAMPLE_NEXT);
        return true;
    case REQUEST_UP:
    case REQUEST_DOWN:
        scroll(v, r == REQUEST_UP ? -1 : 1);
        return true;
    case REQUEST_PAGE_UP:
    case REQUEST_PAGE_DOWN:
        scroll(v, r == REQUEST_PAGE_UP ? -page : page);
        return true;
    case REQUEST_FIRST:
    case REQUEST_LAST:
        scroll(v, r == REQUEST_FIRST ? -v->example_lines : v->example_lines);
        return true;
    case REQUEST_SUGGEST_WORDS:
        pattern_ask_words(v, w, now);
        return true;
    case REQUEST_GALLERY:
        pattern_open_gallery(v, w, now);
        return true;
    case REQUEST_IMPORT:
        if (argument)
            pattern_import(v, w, argument, now);
        return argument != NULL;
    case REQUEST_EXPORT:
        return pattern_export(v, w, argument, now);
    case REQUEST_CALIBRATE:
        calibrate(v, w, now);
        return true;
    case REQUEST_APPLY:
        pattern_close_list(v); // what is only previewed is not applied
        keep_up(v, w);
        apply(v, w, now);
        return true;
    case REQUEST_TEMPLATE:
    case REQUEST_WORDS:
        return edit_request(v, w, r, argument, now);
    default:
        return false;
    }
}

static bool request(void *state, struct workbench *w, enum request r, const char *argument, double now) {
    struct pattern_view *v = state;
    bool taken = obey(v, w, r, argument, now);
    keep_up(v, w);
    pattern_ask(v, w, now);
    return taken;
}

// While editing, characters are text; only keys that no editor uses go on to the key map.
static bool key(void *state, struct workbench *w, struct key k, double now) {
    struct pattern_view *v = state;
    struct editor *ed = v->panes.focus == PANE_WORDS ? v->words_editor : v->template_editor;
    if (v->list != LIST_NONE) {
        bool taken = pattern_list_key(v, w, k, now);
        keep_up(v, w);
        pattern_ask(v, w, now);
        return taken;
    }
    if (!v->editing)
        return false;
    if (k.code == KEY_CODE_ESCAPE) {
        v->editing = false;
        return true;
    }
    if (k.code == KEY_CODE_TAB || k.code == KEY_CODE_SHIFT_TAB) {
        v->panes.focus = v->panes.focus == PANE_WORDS ? PANE_TEMPLATE : PANE_WORDS;
        return true;
    }
    bool passed = k.code == KEY_CODE_FUNCTION || k.code == KEY_CODE_PAGE_UP || k.code == KEY_CODE_PAGE_DOWN ||
                  (k.control && k.code == KEY_CODE_CHARACTER &&
                   (k.character == 's' || k.character == 'c' || k.character == 'l'));
    if (passed)
        return false;
    editor_key(ed, k);
    keep_up(v, w);
    pattern_ask(v, w, now);
    return true;
}

static const enum request *hints(void *state, const struct workbench *w) {
    static const enum request editing[] = {REQUEST_APPLY, REQUEST_BACK, REQUEST_FOCUS_NEXT, REQUEST_NONE};
    static const enum request listing[] = {REQUEST_BACK, REQUEST_EXAMPLE_NEXT, REQUEST_CALIBRATE,
                                           REQUEST_NONE};
    static const enum request reading[] = {REQUEST_EDIT,          REQUEST_EXAMPLE_NEXT, REQUEST_SUGGEST_WORDS,
                                           REQUEST_GALLERY,       REQUEST_CALIBRATE,    REQUEST_FORM,
                                           REQUEST_TEMPLATE_NEXT, REQUEST_FOCUS_NEXT,   REQUEST_ZOOM,
                                           REQUEST_RUN_PAUSE,     REQUEST_NONE};
    static const enum request waiting[] = {REQUEST_APPLY,         REQUEST_EDIT,    REQUEST_EXAMPLE_NEXT,
                                           REQUEST_SUGGEST_WORDS, REQUEST_GALLERY, REQUEST_CALIBRATE,
                                           REQUEST_FOCUS_NEXT,    REQUEST_NONE};
    const struct pattern_view *v = state;
    struct session *s = workbench_session(w);
    bool edits =
        pattern_unsaved(state, w) || (s && !run_settings_equal(workbench_settings(w), session_settings(s)));
    if (v->list != LIST_NONE)
        return listing;
    return v->editing ? editing : edits ? waiting : reading;
}

const struct view view_pattern = {
    .name = "Pattern",
    .screen = REQUEST_SCREEN_PATTERN,
    .where = WHERE_PATTERN,
    .purpose = "Write the template and the label words, and see what the model gets to read.",
    .create = create,
    .free = view_free,
    .draw = pattern_draw,
    .request = request,
    .key = key,
    .hints = hints,
    .refresh = refresh,
    .unsaved = pattern_unsaved,
    .typing = typing,
    .panes = pattern_panes,
    .studied = pattern_studied,
    .deadline = pattern_deadline,
    .tick = pattern_tick,
};
