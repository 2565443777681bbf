// SPDX-License-Identifier: GPL-3.0-or-later
// ":method": the methods of the paper as one choice. A choice sets template, start and rate as one edit and
// begins a run with them, as the present run is another method's.
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "sessions/method.h"
#include "tui/keymap.h"

#include "parts.h"
#include "workbench_state.h"

static void list_methods(struct workbench *w) {
    struct buffer text = {0};
    const struct workspace *ws = w->workspace;
    const struct run_settings *s = ws && ws->setup ? &ws->setup->settings : NULL;
    for (size_t i = 0; i < method_count; i++) {
        const struct method *m = &method_table[i];
        buffer_printf(&text, "%-14s %s%s\n               %s\n", m->name, m->title,
                      s && s->method == m->method ? " (chosen for this run)" : "", m->about);
    }
    if (s)
        buffer_printf(&text, "\nThis run, by its template and its start, is %s.\n", part_method(ws));
    if (buffer_ok(&text, NULL))
        workbench_show(w, "methods: begin a run with one with :method NAME", text.data);
    buffer_free(&text);
}

// A pattern that waits to be applied would be lost under the method's.
static bool may_choose(struct workbench *w, struct error *e) {
    char key[KEYMAP_KEYS];
    bool waits = false;
    for (size_t i = 0; i < VIEW_COUNT; i++)
        waits |= view_list[i]->unsaved && view_list[i]->unsaved(w->view_state[i], w);
    if (!w->session || !w->workspace || !w->workspace->original)
        return error_set(e, ERROR_INPUT,
                         "nothing is open yet; open a session or a task, e.g. :open sentiment");
    if (w->recording)
        return error_set(e, ERROR_INPUT, "this is a recording");
    return !waits ||
           error_set(e, ERROR_INPUT,
                     "edits of the pattern wait: begin a run with them (%s) or take them back first",
                     keymap_key(REQUEST_APPLY, WHERE_PATTERN, key));
}

// LM adaptation is a choice of model, and a session keeps its own: the method is a session beside this one,
// which is made the first time and opened again after that.
static bool beside(struct workbench *w, enum run_method method, const char *adapted, double now,
                   struct error *e) {
    struct method_choice c = {0};
    struct buffer b = {0};
    buffer_printf(&b, "%s-lm", session_name(w->session));
    char *name = buffer_take(&b, e);
    bool fresh = name && !session_exists(name);
    bool ok =
        name && (!fresh || (method_choose(&c, method, adapted, w->workspace->original, &w->wanted, e) &&
                            session_on_model(w->session, name, adapted, c.template_text, &c.settings, e)));
    if (ok) {
        char *before = mem_strdup(session_name(w->session), NULL);
        workbench_open(w, name, now);
        // A session of that name that was there already may have been made for something else.
        if (w->session && strcmp(session_name(w->session), name) == 0)
            workbench_say(w, STYLE_GOOD, now, "LM adaptation: session %s, %s%s; back with :open %s", name,
                          fresh ? "the same task on " : "as you left it", fresh ? path_name(adapted) : "",
                          before ? before : "");
        free(before);
    }
    free(c.template_text);
    free(name);
    return ok;
}

void command_method(struct workbench *w, const char *name, double now) {
    struct method_choice c = {0};
    struct error e = {0};
    if (!name) {
        list_methods(w);
        return;
    }
    const struct method *m = method_find(name);
    bool ok = (m || strcmp(name, "custom") == 0 || method_unknown(name, &e)) && may_choose(w, &e);
    const char *model = ok ? w->workspace->model_folder : NULL;
    char *adapted =
        ok && m && !method_fits_model(m->method, model, NULL) ? method_adapted_model(model) : NULL;
    if (adapted) {
        if (!beside(w, m->method, adapted, now, &e))
            workbench_say(w, STYLE_BAD, now, "%s", e.text);
        free(adapted);
        return;
    }
    ok = ok &&
         method_choose(&c, m ? m->method : METHOD_CUSTOM, w->workspace->model_folder, w->workspace->original,
                       &w->wanted, &e) &&
         (!c.template_text || session_set_template(w->session, c.template_text, &e));
    if (ok) {
        w->wanted = c.settings;
        workbench_apply(w, now);
        if (m)
            workbench_say(w, STYLE_GOOD, now, "%s: a run of its own; the one before is kept", m->title);
    } else {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
    }
    free(c.template_text);
}
