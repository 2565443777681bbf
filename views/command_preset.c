// SPDX-License-Identifier: GPL-3.0-or-later
// ":preset": all that the paper's code does otherwise, or what is clean here, as one choice. It waits to be
// applied, as what :set changes does, and is then one edit.
#include "engine/base/memory.h"
#include "tui/keymap.h"

#include "workbench_state.h"

static void list_presets(struct workbench *w) {
    struct buffer text = {0};
    for (int p = 0; p < PRESETS; p++) {
        struct run_settings made = w->wanted;
        preset_tune(&made, (enum preset)p);
        buffer_printf(&text, "%s%s\n%s\nSets ", preset_table[p].name,
                      preset_is(&w->wanted, (enum preset)p) ? " (as it is now)" : "", preset_table[p].about);
        preset_print(&text, NULL, &made);
        buffer_add_text(&text, ".\n\n");
    }
    buffer_add_text(&text,
                    "Method, pattern, label words and examples stay as they are, and so does a start from a "
                    "trained prompt.\n");
    if (buffer_ok(&text, NULL) && text.data)
        workbench_show(w, "presets: choose one with :preset NAME", text.data);
    buffer_free(&text);
}

void command_preset(struct workbench *w, const char *name, double now) {
    struct error e = {0};
    enum preset p;
    if (!name) {
        list_presets(w);
        return;
    }
    if (!preset_find(&p, name, &e)) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    struct buffer changes = {0};
    char key[KEYMAP_KEYS];
    const struct run_settings *present = w->session ? session_settings(w->session) : &w->wanted;
    struct run_settings s = w->wanted;
    preset_tune(&s, p);
    preset_print(&changes, present, &s);
    w->wanted = s;
    workbench_refresh(w, now);
    if (!buffer_ok(&changes, NULL) || !changes.data)
        workbench_say(w, STYLE_PLAIN, now, "%s: this run is so already", preset_table[p].name);
    else
        workbench_say(w, STYLE_WARN, now, "%s: in a new run %s; %s starts it, this one is kept",
                      preset_table[p].name, changes.data, keymap_key(REQUEST_APPLY, WHERE_PATTERN, key));
    buffer_free(&changes);
}
