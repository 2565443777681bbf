// SPDX-License-Identifier: GPL-3.0-or-later
// What the workbench does with panes for every screen: focus, zoom, moving borders, and keeping sizes from
// one start to the next.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"

#include "panes.h"
#include "workbench_state.h"

enum { MOST_SIZES = 1 << 16 };

const struct pane_spec *workbench_panes(struct workbench *w, size_t at, struct area a, struct panes **panes) {
    const struct view *v = view_list[at];
    const struct pane_spec *s = v->panes ? v->panes(w->view_state[at], a, panes) : NULL;
    if (s)
        panes_read(*panes, s, w->pane_sizes ? w->pane_sizes : "");
    return s;
}

bool workbench_pane_request(struct workbench *w, enum request r) {
    struct panes *panes;
    const struct pane_spec *s = workbench_panes(w, workbench_keys(w), w->content, &panes);
    return s && panes_request(panes, s, w->content, r, &w->resized);
}

// ---- keeping sizes ----

void workbench_panes_load(struct workbench *w, const char *folder) {
    size_t length;
    if (!folder || !(w->pane_path = path_join(folder, "panes", NULL)))
        return;
    if (file_exists(w->pane_path))
        file_read(w->pane_path, MOST_SIZES, &w->pane_sizes, &length, NULL);
}

// Whether a screen of this start has written its own line of that name.
static bool has_line(const struct buffer *b, const char *line, size_t name) {
    for (const char *at = b->data; at && *at; at = strchr(at, '\n') + 1)
        if (strncmp(at, line, name) == 0 && at[name] == ' ')
            return true;
    return false;
}

// Screens that were not looked at this time keep the lines they had; one whose borders were put back has
// none.
static void add_old_lines(const struct workbench *w, struct buffer *b) {
    for (const char *line = w->pane_sizes, *end; line && *line; line = *end ? end + 1 : end) {
        bool seen = false;
        size_t name = strcspn(line, " \n");
        end = line + strcspn(line, "\n");
        for (size_t i = 0; i < VIEW_COUNT; i++) {
            struct panes *panes = NULL;
            if (!view_list[i]->panes || !view_list[i]->panes(w->view_state[i], w->content, &panes))
                continue;
            for (size_t k = 0; k < PANES_LAYOUTS; k++)
                seen = seen || (panes->spec[k] && strlen(panes->spec[k]->name) == name &&
                                strncmp(panes->spec[k]->name, line, name) == 0);
        }
        if (!seen && name > 0 && !has_line(b, line, name)) {
            buffer_add(b, line, (size_t)(end - line));
            buffer_add_char(b, '\n');
        }
    }
}

void workbench_panes_save(struct workbench *w) {
    struct buffer b = {0};
    struct error e = {0};
    if (w->pane_path && w->resized) {
        for (size_t i = 0; i < VIEW_COUNT; i++) {
            struct panes *panes = NULL;
            if (view_list[i]->panes && view_list[i]->panes(w->view_state[i], w->content, &panes))
                panes_print(panes, &b);
        }
        add_old_lines(w, &b);
        if (!buffer_ok(&b, &e) || !file_write_atomic(w->pane_path, b.data ? b.data : "", b.length, &e))
            fprintf(stderr, "prompter: the sizes of panes are not kept: %s\n", e.text);
    }
    buffer_free(&b);
    free(w->pane_path);
    free(w->pane_sizes);
    w->pane_path = w->pane_sizes = NULL;
}
