// SPDX-License-Identifier: GPL-3.0-or-later
// From a key or a line after ":" to a request, and from a request to who answers it: the view that has the
// keys, the panes, the screen around it, or the workbench itself.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "sessions/own_task.h"
#include "sessions/session.h"
#include "tui/keymap.h"

#include "workbench_state.h"

static void go_to(struct workbench *w, size_t screen) {
    workbench_close_overlay(w); // it lay over the screen that is left
    if (screen == w->screen)
        return;
    if (screen == VIEW_HELP)
        w->behind = w->screen;
    else if (w->screen != VIEW_HELP)
        w->previous = w->screen;
    else if (screen != w->behind) // from help to a third screen
        w->previous = w->behind;
    w->screen = screen;
    w->arrived = true;
}

void workbench_try(struct workbench *w, const struct example *x, const char *from, enum lens_kind prompt,
                   double now) {
    go_to(w, VIEW_TRY);
    view_try.refresh(w->view_state[VIEW_TRY], w, now); // first the fields of what is open
    view_try.take_example(w->view_state[VIEW_TRY], w, x, from, prompt, now);
    w->dirty = true;
}

static bool busy(const struct workbench *w) {
    return w->state == ENGINE_RUNNING || w->state == ENGINE_TESTING;
}

static void leave(struct workbench *w) {
    if (busy(w) || workbench_pending(w))
        w->question = QUESTION_QUIT;
    else
        w->finished = true;
}

void workbench_cancel(struct workbench *w, double now) {
    bool stops = busy(w) || w->state == ENGINE_LOADING;
    bool studying = w->studies > 0;
    if (w->engine)
        engine_cancel_studies(w->engine, STUDY_EVERY_CHANNEL);
    if (w->question != QUESTION_NONE) {
        w->question = QUESTION_NONE;
    } else if (w->screen == VIEW_RUN && w->training &&
               view_run.request(w->view_state[VIEW_RUN], w, REQUEST_STOP, NULL, now)) {
        return;
    } else if (stops) {
        if (workbench_send_verb(w, ENGINE_STOP, now))
            workbench_say(w, STYLE_PLAIN, now, "stopped; what was trained is kept");
    } else if (studying) {
        workbench_say(w, STYLE_PLAIN, now, "stopped");
    } else {
        workbench_say(w, STYLE_PLAIN, now, "nothing is going on; :quit leaves");
    }
}

static void back(struct workbench *w) {
    if (w->overlay.text)
        workbench_close_overlay(w);
    else
        go_to(w, w->screen == VIEW_HELP ? w->behind : w->previous);
}

// The screens by their requests; help is more than its screen.
static bool screen_request(struct workbench *w, enum request r) {
    for (size_t i = 0; i < VIEW_COUNT; i++) {
        if (i == VIEW_HELP || view_list[i]->screen != r)
            continue;
        go_to(w, i);
        return true;
    }
    return false;
}

// Whether the person is asked before what goes on or waits is left behind.
static bool ask_first(struct workbench *w, enum question q, const char *argument) {
    if (!busy(w) && !workbench_pending(w))
        return false;
    free(w->question_argument);
    w->question_argument = mem_strdup(argument, NULL);
    w->question = w->question_argument ? q : QUESTION_NONE;
    return true;
}

// "moods sad, happy; text": a name, labels, fields.
static void new_task(struct workbench *w, const char *argument, double now) {
    struct error e = {0};
    struct session *made = NULL;
    if (!argument) {
        loop_open_command_line("new-task ");
        return;
    }
    char *name = mem_strdup(argument, &e), *labels = NULL, *fields = NULL;
    if (name) {
        labels = name + strcspn(name, " ");
        labels += *labels ? (*labels = '\0', 1) : 0;
        fields = labels + strcspn(labels, ";");
        fields += *fields ? (*fields = '\0', 1) : 0;
    }
    if (!name || !session_create_own(&made, name, NULL, labels, fields, &e) || !session_save(made, &e)) {
        session_free(made);
        workbench_complain(w, e.text, now);
    } else {
        session_free(made);
        go_to(w, VIEW_DATA);
        if (!ask_first(w, QUESTION_OPEN, name))
            workbench_open(w, name, now);
    }
    free(name);
}

static bool overlay_request(struct workbench *w, enum request r) {
    size_t page = w->rows > 8 ? (size_t)w->rows - 6 : 1, last = (size_t)w->overlay_last;
    size_t top = w->overlay.top > last ? last : w->overlay.top;
    switch (r) {
    case REQUEST_UP:
        top -= top > 0;
        break;
    case REQUEST_DOWN:
        top++;
        break;
    case REQUEST_PAGE_UP:
        top -= top < page ? top : page;
        break;
    case REQUEST_PAGE_DOWN:
        top += page;
        break;
    case REQUEST_FIRST:
        top = 0;
        break;
    case REQUEST_LAST:
        top = last;
        break;
    case REQUEST_BACK:
        workbench_close_overlay(w);
        return true;
    default:
        return false;
    }
    w->overlay.top = top > last ? last : top;
    return true;
}

// What the workbench itself answers; the rest is unknown here.
static bool own_request(struct workbench *w, enum request r, const char *argument, double now) {
    if (screen_request(w, r))
        return true;
    switch (r) {
    case REQUEST_HELP:
        if (w->screen == VIEW_HELP && !argument) {
            go_to(w, w->behind);
            return true;
        }
        go_to(w, VIEW_HELP);
        view_help.request(w->view_state[VIEW_HELP], w, r, argument, now);
        return true;
    case REQUEST_SWEEP:
        go_to(w, VIEW_RUN);
        view_run.request(w->view_state[VIEW_RUN], w, r, argument, now);
        return true;
    case REQUEST_WATCH:
        go_to(w, VIEW_RUN);
        view_run.request(w->view_state[VIEW_RUN], w, r, argument, now);
        return true;
    case REQUEST_LESSON:
        go_to(w, VIEW_LEARN);
        view_learn.request(w->view_state[VIEW_LEARN], w, r, argument, now);
        return true;
    case REQUEST_REDRAW:
        loop_redraw();
        return true;
    case REQUEST_COMMAND:
        loop_open_command_line("");
        return true;
    case REQUEST_BACK:
        back(w);
        return true;
    case REQUEST_QUIT:
        leave(w);
        return true;
    case REQUEST_CANCEL:
        workbench_cancel(w, now);
        return true;
    case REQUEST_WRITE:
        workbench_save(w, argument, now);
        return true;
    case REQUEST_SET:
        command_set(w, argument, now);
        return true;
    case REQUEST_METHOD:
        command_method(w, argument, now);
        return true;
    case REQUEST_PRESET:
        command_preset(w, argument, now);
        return true;
    case REQUEST_FORK:
        workbench_fork(w, argument, now);
        return true;
    case REQUEST_SEED: {
        if (argument && series_begin(w, argument, now))
            return true;
        char line[96];
        snprintf(line, sizeof line, "seed %.60s", argument ? argument : "");
        command_set(w, line, now);
        return true;
    }
    case REQUEST_THEME:
        command_theme(w, argument, now);
        return true;
    case REQUEST_MOUSE:
        command_mouse(w, argument, now);
        return true;
    case REQUEST_UNDO_EDIT:
    case REQUEST_REDO_EDIT:
        command_undo(w, r == REQUEST_REDO_EDIT, now);
        return true;
    case REQUEST_EXPORT:
    case REQUEST_EXPORT_HERE:
        command_export(w, argument, r == REQUEST_EXPORT_HERE, now);
        return true;
    case REQUEST_LOAD_HERE:
        if (argument)
            command_load_here(w, argument, now);
        else
            loop_open_command_line("load-here ");
        return true;
    case REQUEST_LOAD:
        if (!argument)
            loop_open_command_line("load ");
        else if (!ask_first(w, QUESTION_LOAD, argument))
            command_load(w, argument, now);
        return true;
    case REQUEST_NEW_TASK:
        new_task(w, argument, now);
        return true;
    case REQUEST_OPEN:
        if (!ask_first(w, QUESTION_OPEN, argument ? argument : ""))
            workbench_open(w, argument, now);
        return true;
    default:
        return workbench_run_request(w, r, argument, now);
    }
}

// Requests that belong to the pattern's editors from wherever they are made.
static bool pattern_request(enum request r) {
    return r == REQUEST_TEMPLATE || r == REQUEST_WORDS || r == REQUEST_APPLY || r == REQUEST_TEMPLATE_NEXT ||
           r == REQUEST_IMPORT;
}
// ":export template FILE" is the Pattern view's, whatever is shown; other exports are not.
static bool pattern_file(enum request r, const char *argument) {
    return r == REQUEST_EXPORT && argument &&
           (strncmp(argument, "template ", 9) == 0 || strncmp(argument, "words ", 6) == 0);
}

// ":export table FILE" and ":export curves FILE" are the Compare screen's from wherever they are made.
static bool compare_request(enum request r, const char *argument) {
    const char *what = r == REQUEST_EXPORT && argument ? argument : "";
    size_t word = strcspn(what, " ");
    return (word == 5 && strncmp(what, "table", word) == 0) ||
           (word == 6 && strncmp(what, "curves", word) == 0);
}

// Requests that change the run or the session.
static bool request_writes(enum request r) {
    return r == REQUEST_RUN_PAUSE || r == REQUEST_STEP || r == REQUEST_RATE_UP || r == REQUEST_RATE_DOWN ||
           r == REQUEST_RATE || r == REQUEST_TAKE || r == REQUEST_UNDO_TO_BEST || r == REQUEST_UNDO_TO ||
           r == REQUEST_RESTART || r == REQUEST_SET || r == REQUEST_METHOD || r == REQUEST_PRESET ||
           r == REQUEST_SEED || r == REQUEST_APPLY || r == REQUEST_UNDO_EDIT || r == REQUEST_REDO_EDIT ||
           r == REQUEST_FREEZE || r == REQUEST_RESET_VECTOR || r == REQUEST_SET_WORD || r == REQUEST_SNAP ||
           r == REQUEST_SNAP_ALL || r == REQUEST_TAKE_BACK || r == REQUEST_LOAD || r == REQUEST_LOAD_HERE;
}

static bool refused(struct workbench *w, enum request r, const char *argument, double now) {
    const char *why = w->session ? session_read_only(w->session) : NULL;
    bool shows = (r == REQUEST_SET && !(argument && strchr(argument, ' '))) ||
                 ((r == REQUEST_METHOD || r == REQUEST_PRESET) && !argument); // tells what there is
    if (!why || shows || (!request_writes(r) && (r != REQUEST_WRITE || argument)))
        return false;
    workbench_say(w, STYLE_WARN, now, "read-only: %s; :write NAME saves a copy", why);
    return true;
}

bool workbench_inner(const struct workbench *w, struct area a, struct inner_view *out, size_t *at) {
    const struct view *v = view_list[w->screen];
    if (!v->inner || !v->inner(w->view_state[w->screen], a, out))
        return false;
    *at = 0;
    while (view_list[*at]->screen != out->screen)
        ++*at;
    return true;
}

size_t workbench_keys(const struct workbench *w) {
    struct inner_view inner;
    size_t at;
    return workbench_inner(w, w->whole, &inner, &at) && inner.keys ? at : w->screen;
}

void workbench_request(struct workbench *w, enum request r, const char *argument, double now) {
    w->dirty = true;
    if (r == REQUEST_NONE || (w->overlay.text && overlay_request(w, r)) || refused(w, r, argument, now))
        return;
    if (r == REQUEST_SEARCH && !argument) { // the text is asked for first
        loop_open_command_line("search ");
        return;
    }
    if (r == REQUEST_FILTER && !argument) {
        loop_open_command_line("filter ");
        return;
    }
    const size_t at = pattern_request(r) || pattern_file(r, argument) ? VIEW_PATTERN
                      : compare_request(r, argument)                  ? VIEW_COMPARE
                                                                      : workbench_keys(w);
    const size_t before = w->screen;
    const struct view *v = view_list[at];
    // Going to a screen works from every screen and is never the view's.
    if (v->request && r != REQUEST_HELP && v->request(w->view_state[at], w, r, argument, now))
        return;
    if (workbench_pane_request(w, r))
        return;
    const struct view *around = view_list[w->screen];
    if (around != v && around->request && r != REQUEST_HELP &&
        around->request(w->view_state[w->screen], w, r, argument, now))
        return;
    if (!own_request(w, r, argument, now) && argument)
        workbench_say(w, STYLE_WARN, now, "\"%s\" does nothing on this screen", request_info(r)->name);
    if (w->screen != before && view_list[w->screen]->shown)
        view_list[w->screen]->shown(w->view_state[w->screen], w, now);
}

static void answer(struct workbench *w, struct key k, double now) {
    enum question q = w->question;
    bool yes = k.code == KEY_CODE_CHARACTER && !k.control && (k.character == 'y' || k.character == 'Y');
    bool no = (k.code == KEY_CODE_CHARACTER && (k.character == 'n' || k.character == 'N')) ||
              k.code == KEY_CODE_ESCAPE || (k.code == KEY_CODE_CHARACTER && k.character == 'q');
    if (!yes && !no)
        return;
    w->question = QUESTION_NONE;
    if (no)
        return;
    if (q == QUESTION_QUIT)
        w->finished = true;
    else if (q == QUESTION_RESTART && workbench_begin_anew(w, now))
        workbench_say(w, STYLE_GOOD, now, "from step 0 again; the run before is kept in the session");
    else if (q == QUESTION_LOAD && w->question_argument)
        command_load(w, w->question_argument, now);
    else if (q == QUESTION_OPEN && w->question_argument)
        workbench_open(w, w->question_argument, now);
}

void workbench_key(void *context, struct key k, double now) {
    struct workbench *w = context;
    const size_t at = workbench_keys(w);
    const struct view *v = view_list[at];
    w->dirty = true;
    if (w->question != QUESTION_NONE) {
        answer(w, k, now);
        return;
    }
    if (k.code == KEY_CODE_MOUSE) {
        workbench_mouse(w, k, now);
        return;
    }
    if (k.code == KEY_CODE_PASTE || k.code == KEY_CODE_PASTE_END)
        w->pasting = k.code == KEY_CODE_PASTE;
    if (!w->overlay.text && v->key && v->key(w->view_state[at], w, k, now))
        return;
    if (w->pasting || k.code == KEY_CODE_PASTE_END) // text that no editor took is not keys to obey
        return;
    workbench_request(w, key_request(k, v->where), NULL, now);
}
