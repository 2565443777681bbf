// SPDX-License-Identifier: GPL-3.0-or-later
// Own examples on the Data screen: a form in the place of the details, and what becomes of the session's
// own.jsonl. Every change is kept with the session at once, and can be undone.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "data_inside.h"
#include "parts.h"

// ---- the text of own.jsonl ----

// The text with its line number `line` (from 1; 0: behind the last) replaced by `with`, NULL: taken out.
static char *change_line(const char *text, size_t line, const char *with, struct error *e) {
    struct buffer out = {0};
    size_t number = 0;
    for (const char *at = text; *at;) {
        size_t length = strcspn(at, "\n");
        if (++number != line) {
            buffer_add(&out, at, length);
            buffer_add_char(&out, '\n');
        } else if (with) {
            buffer_printf(&out, "%s\n", with);
        }
        at += length + (at[length] == '\n');
    }
    if (!line && with)
        buffer_printf(&out, "%s\n", with);
    return buffer_take(&out, e);
}

static bool keep(struct data_view *v, struct workbench *w, size_t line, const struct example *x, double now) {
    const struct task *t = workbench_workspace(w)->original;
    struct error e = {0};
    struct dataset parsed = {0};
    char *with = x ? dataset_print_own(t, x, &e) : NULL, *text = NULL;
    bool ok = (with || !x) && (text = change_line(v->own_text ? v->own_text : "", line, with, &e)) &&
              dataset_parse_own(&parsed, t, "this example", text, &e);
    dataset_free(&parsed);
    if (!ok)
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    ok = ok && workbench_set_own(w, text, now);
    free(with);
    free(text);
    return ok;
}

static const struct example *selected_own(const struct data_view *v, struct workbench *w, double now) {
    const struct data_row *r = data_selected(v);
    if (r && r->ref.file == TASK_FILE_OWN)
        return data_example(v, w, (size_t)(r - v->row));
    workbench_say(w, STYLE_PLAIN, now,
                  "this is an example of the task's files: %s tries it, %s adds one of your own",
                  PART_KEY(TRY_EXAMPLE, WHERE_DATA), PART_KEY(OWN_ADD, WHERE_DATA));
    return NULL;
}

void data_own_remove(struct data_view *v, struct workbench *w, double now) {
    const struct example *x = selected_own(v, w, now);
    if (x && keep(v, w, x->line, NULL, now))
        workbench_say(w, STYLE_GOOD, now, "removed; %s brings it back", PART_KEY(UNDO_EDIT, WHERE_DATA));
}

void data_own_switch(struct data_view *v, struct workbench *w, double now) {
    const struct example *x = selected_own(v, w, now);
    struct example copy;
    if (!x)
        return;
    copy = *x;
    copy.for_dev = !copy.for_dev;
    bool dev = copy.for_dev;
    if (keep(v, w, x->line, &copy, now))
        workbench_say(w, STYLE_GOOD, now,
                      dev ? "for dev now: it checks the prompt" : "for train now: the prompt learns from it");
}

// ---- the form ----

void data_form_close(struct data_view *v) {
    for (size_t i = 0; i < v->form.editors; i++)
        editor_free(v->form.editor[i]);
    if (v->form.open)
        v->panes.focus = DATA_TABLE;
    v->form = (struct data_form){0};
}

static bool fill(struct data_form *f, const struct task *t, const struct example *x, struct error *e) {
    struct buffer lines = {0};
    size_t wanted = t->fields + (t->option_columns > 0);
    for (; f->editors < wanted; f->editors++)
        if (!editor_create(&f->editor[f->editors], true, e))
            return false;
    for (size_t i = 0; x && i < t->fields; i++)
        if (!editor_set(f->editor[i], x->field[i], false, e))
            return false;
    for (size_t i = 0; x && i < x->options; i++)
        buffer_printf(&lines, "%s%s", i ? "\n" : "", x->option[i]);
    bool ok =
        buffer_ok(&lines, e) &&
        (wanted == t->fields || editor_set(f->editor[t->fields], lines.data ? lines.data : "", false, e));
    buffer_free(&lines);
    return ok;
}

// A new one is for train where its class has as many for dev as for train, so that both come about.
static bool next_use(const struct data_view *v, size_t label) {
    size_t train = 0, dev = 0;
    for (size_t i = 0; i < v->own.count; i++)
        if (v->own.example[i].label == label)
            *(v->own.example[i].for_dev ? &dev : &train) += 1;
    return train > dev;
}

void data_form_open(struct data_view *v, struct workbench *w, bool fresh, double now) {
    const struct task *t = workbench_workspace(w)->original;
    const struct example *x = fresh ? NULL : selected_own(v, w, now);
    struct error e = {0};
    size_t label = v->form.open ? (v->form.label + 1) % t->classes : v->label != DATA_ANY ? v->label : 0;
    if (!fresh && !x)
        return;
    data_form_close(v);
    v->form.open = fill(&v->form, t, x, &e);
    v->form.line = x ? x->line : 0;
    v->form.label = x ? x->label : label;
    v->form.for_dev = x ? x->for_dev : next_use(v, label);
    v->panes.focus = DATA_DETAILS;
    if (!v->form.open) {
        data_form_close(v);
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    }
}

// What is missing, named; "" if nothing is.
static void check(const struct data_form *f, const struct task *t, size_t options, char *out, size_t size) {
    out[0] = 0;
    for (size_t i = 0; i < t->fields && !out[0]; i++) {
        const char *text = editor_text(f->editor[i]);
        if (!text[strspn(text, " \t\n")])
            snprintf(out, size, "%.60s is empty: type its text", t->field[i]);
    }
    if (!out[0] && f->editors > t->fields && options < 2)
        snprintf(out, size, "options: at least two are needed, one a line");
    if (!out[0] && f->editors > t->fields && f->label >= options)
        snprintf(out, size, "label: there are only %zu options", options);
}

static void save(struct data_view *v, struct workbench *w, double now) {
    const struct task *t = workbench_workspace(w)->original;
    struct data_form *f = &v->form;
    char *field[TASK_MOST_FIELDS + 1] = {NULL}, *option[TASK_MOST_OPTIONS], missing[128];
    char *lines = f->editors > t->fields ? mem_strdup(editor_text(f->editor[t->fields]), NULL) : NULL;
    struct example x = {.field = field, .option = option, .label = f->label, .for_dev = f->for_dev};
    bool fresh = f->line == 0;
    for (char *line = lines, *end; line && *line && x.options < TASK_MOST_OPTIONS; line = end) {
        end = line + strcspn(line, "\n");
        if (*end)
            *end++ = 0;
        if (line[strspn(line, " \t")])
            option[x.options++] = line;
    }
    for (size_t i = 0; i < t->fields; i++)
        field[i] = (char *)editor_text(f->editor[i]);
    check(f, t, x.options, missing, sizeof missing);
    bool ok = false;
    if (missing[0])
        workbench_say(w, STYLE_WARN, now, "%s", missing);
    else
        ok = keep(v, w, f->line, &x, now);
    free(lines);
    if (!ok)
        return;
    if (t->train.count)
        workbench_say(w, STYLE_GOOD, now,
                      "kept with the session: %zu of your own; %s says what they are used for", v->own.count,
                      PART_KEY(OWN_USE, WHERE_DATA));
    else
        workbench_say(w, STYLE_GOOD, now, "kept with the session: %zu so far; Esc and %s tune on them",
                      v->own.count, PART_KEY(RUN_PAUSE, WHERE_DATA));
    if (fresh)
        data_form_open(v, w, true, now); // for the next one, of the next class
    else
        data_form_close(v);
}

static void change(struct data_view *v, const struct task *t, bool forward) {
    struct data_form *f = &v->form;
    if (f->at == f->editors)
        f->label = (f->label + (forward ? 1 : t->classes - 1)) % t->classes;
    else
        f->for_dev = !f->for_dev;
}

bool data_form_key(struct data_view *v, struct workbench *w, struct key k, double now) {
    struct data_form *f = &v->form;
    size_t places = f->editors + 2;
    if (!f->open || !workbench_workspace(w))
        return false;
    if (k.code == KEY_CODE_ESCAPE) {
        data_form_close(v);
    } else if (k.code == KEY_CODE_TAB || k.code == KEY_CODE_SHIFT_TAB) {
        f->at = (f->at + (k.code == KEY_CODE_TAB ? 1 : places - 1)) % places;
    } else if (k.code == KEY_CODE_CHARACTER && k.control && k.character == 's') {
        save(v, w, now);
    } else if (k.code == KEY_CODE_FUNCTION ||
               (k.control && k.code == KEY_CODE_CHARACTER && (k.character == 'c' || k.character == 'l'))) {
        return false;
    } else if (f->at < f->editors) {
        editor_key(f->editor[f->at], k);
    } else if (k.code == KEY_CODE_ENTER) {
        save(v, w, now);
    } else if (k.code == KEY_CODE_LEFT || k.code == KEY_CODE_RIGHT || k.code == KEY_CODE_UP ||
               k.code == KEY_CODE_DOWN || (k.code == KEY_CODE_CHARACTER && k.character == ' ')) {
        change(v, workbench_workspace(w)->original, k.code != KEY_CODE_LEFT && k.code != KEY_CODE_UP);
    }
    return true;
}

// ---- drawing ----

static void draw_choice(struct grid *g, struct area a, int row, bool now, const char *name,
                        const char *value) {
    grid_put(g, a, row, 0, now ? STYLE_FOCUS : STYLE_DIM, name);
    int used = grid_put(g, a, row, 9, now ? STYLE_SELECTED : STYLE_STRONG, value);
    if (now)
        grid_put_cut(g, a, row, 9 + used + 2, a.columns - 9 - used - 2, STYLE_DIM,
                     a.columns - 9 - used - 2 < 16 ? "Space" : "Space changes it");
}

void data_form_draw(struct data_view *v, const struct workbench *w, struct grid *g, struct area a,
                    bool focused) {
    const struct task *t = workbench_workspace(w)->original;
    struct data_form *f = &v->form;
    struct area inside = grid_frame(g, a, focused, f->line ? "your example" : "a new example of your own",
                                    "Ctrl-S keeps, Esc leaves");
    struct area body = area_columns(inside, 1, inside.columns - 2);
    int room = body.rows - 2, each = f->editors ? room / (int)f->editors : 0, row = 0;
    for (size_t i = 0; i < f->editors; i++) {
        // Where they do not all fit, the one that is edited.
        if (each < 1 && i != (f->at < f->editors ? f->at : 0))
            continue;
        int rows = each < 1 ? room : i + 1 == f->editors ? room - row : each;
        const char *name = i < t->fields ? t->field[i] : "options";
        grid_put_cut(g, body, row, 0, 8, i == f->at ? STYLE_FOCUS : STYLE_DIM, name);
        struct area field = area_rows(area_columns(body, 9, body.columns - 9), row, rows);
        editor_draw(f->editor[i], g, field, i == f->at, NULL, SIZE_MAX);
        row += rows;
    }
    draw_choice(g, body, body.rows - 2, f->at == f->editors, "label",
                f->label < t->classes ? t->class_name[f->label] : "?");
    draw_choice(g, body, body.rows - 1, f->at == f->editors + 1, "for", f->for_dev ? "dev" : "train");
}
