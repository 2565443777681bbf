// SPDX-License-Identifier: GPL-3.0-or-later
// The Learn screen: a list of lessons; in a lesson the text of a step and, beside it, the screen it is about,
// live. Tab leads into that screen, 7 or Esc back to the text.
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "sessions/lesson.h"

#include "learn_text.h"
#include "panes.h"
#include "parts.h"

enum { PANE_TEXT, PANE_LIVE, PANE_COUNT };
enum { SIDE_BY_SIDE = 110 }; // columns from which the live screen stands beside the text
#define LOOK_AGAIN 0.05      // seconds between two looks whether a command has come to rest

static const struct pane_split WIDE[] = {{PANE_COLUMNS, 0.36, 30, 40, PANE_TEXT, PANE_LIVE}};
static const struct pane_split TALL[] = {{PANE_ROWS, 0.5, 5, 5, PANE_TEXT, PANE_LIVE}};
static const struct pane_spec WIDE_SPEC = {"learn-wide", WIDE, 1, PANE_COUNT, 0};
static const struct pane_spec TALL_SPEC = {"learn", TALL, 1, PANE_COUNT, 1};

struct learn {
    struct lesson *lesson; // [lessons]; those that cannot be read are told and left out
    size_t lessons, chosen;
    char *problem; // what could not be read; NULL: nothing
    bool reading;  // a lesson, not the list
    size_t step;
    bool *done, *answers; // [steps] of the lesson that is read
    struct panes panes;
    int top, last_top; // scrolling; where it ends, from the last drawing
    // Commands on their way.
    size_t doing; // next command, or `commands` of the step: none
    size_t doing_step;
    bool busy, opening;
    double look_at;
    char *session; // of the lesson, once something was done
    bool reached_now;
};

static const struct lesson *lesson_now(const struct learn *l) {
    return l->reading ? &l->lesson[l->chosen] : NULL;
}
static const struct lesson_step *step_now(const struct learn *l) {
    return &l->lesson[l->chosen].step[l->step];
}

static bool learn_create(void **state, struct error *e) {
    struct learn *l = mem_calloc(1, sizeof *l, e);
    char **paths = NULL;
    size_t count = 0;
    struct error why = {0};
    *state = l;
    if (!l)
        return false;
    if (!lesson_list(&paths, &count, &why) || !(l->lesson = mem_calloc(count + 1, sizeof *l->lesson, &why)))
        l->problem = mem_strdup(why.text, NULL);
    for (size_t i = 0; l->lesson && i < count; i++)
        if (lesson_read(&l->lesson[l->lessons], paths[i], &why))
            l->lessons++;
        else if (!l->problem)
            l->problem = mem_strdup(why.text, NULL);
    session_list_free(paths, count);
    return true;
}

static void leave_lesson(struct learn *l) {
    free(l->done);
    free(l->answers);
    free(l->session);
    l->done = l->answers = NULL;
    l->session = NULL;
    l->reading = l->busy = false;
    l->step = 0;
    l->top = 0;
    l->panes.focus = PANE_TEXT;
    l->panes.zoomed = false;
}

static void learn_free(void *state) {
    struct learn *l = state;
    if (!l)
        return;
    leave_lesson(l);
    for (size_t i = 0; i < l->lessons; i++)
        lesson_free(&l->lesson[i]);
    free(l->lesson);
    free(l->problem);
    free(l);
}

// ---- the screen beside the text ----

static enum request shown_screen(const struct learn *l) {
    static const struct {
        const char *name;
        enum request screen;
    } screens[] = {{"pattern", REQUEST_SCREEN_PATTERN}, {"data", REQUEST_SCREEN_DATA},
                   {"run", REQUEST_SCREEN_RUN},         {"prompt", REQUEST_SCREEN_PROMPT},
                   {"try", REQUEST_SCREEN_TRY},         {"compare", REQUEST_SCREEN_COMPARE}};
    for (size_t i = l->step + 1; i-- > 0;) {
        const char *name = l->lesson[l->chosen].step[i].show;
        for (size_t k = 0; name && k < sizeof screens / sizeof *screens; k++)
            if (strcmp(screens[k].name, name) == 0)
                return screens[k].screen;
    }
    return REQUEST_SCREEN_PATTERN;
}

static const struct pane_spec *learn_panes(void *state, struct area a, struct panes **panes) {
    struct learn *l = state;
    *panes = &l->panes;
    return !l->reading ? NULL : a.columns >= SIDE_BY_SIDE ? &WIDE_SPEC : &TALL_SPEC;
}

static bool learn_inner(void *state, struct area a, struct inner_view *out) {
    struct learn *l = state;
    struct panes *panes;
    struct area part[PANES_MOST];
    const struct pane_spec *spec = learn_panes(state, a, &panes);
    if (!spec)
        return false;
    panes_layout(panes, spec, a, part);
    *out = (struct inner_view){shown_screen(l), part[PANE_LIVE], l->panes.focus == PANE_LIVE};
    return out->keys || panes_shown(part[PANE_LIVE]);
}

// ---- doing what a step says ----

static bool here(const struct learn *l, const struct workbench *w) {
    const struct session *s = workbench_session((struct workbench *)w);
    return l->session && s && strcmp(session_name(s), l->session) == 0;
}

static void begin_doing(struct learn *l, struct workbench *w, double now) {
    struct error e = {0};
    char line[256];
    if (!l->session && !(l->session = lesson_session(&l->lesson[l->chosen], &e))) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    l->doing = 0;
    l->doing_step = l->step;
    l->busy = true;
    l->opening = !here(l, w);
    l->look_at = now + LOOK_AGAIN;
    if (l->opening) {
        snprintf(line, sizeof line, "open %s", l->session);
        workbench_do(w, line, now);
    }
}

// The next command once the one before has come to rest.
static void learn_tick(void *state, struct workbench *w, double now) {
    struct learn *l = state;
    enum engine_state s = workbench_state(w);
    l->look_at = now + LOOK_AGAIN;
    if (!workbench_settled(w) || s == ENGINE_RUNNING || s == ENGINE_TESTING)
        return;
    if (l->opening && !here(l, w)) {
        l->busy = false;
        workbench_say(w, STYLE_WARN, now, "the lesson works in a session of its own, %s, which is not open",
                      l->session);
        return;
    }
    l->opening = false;
    const struct lesson_step *step = &l->lesson[l->chosen].step[l->doing_step];
    if (l->doing < step->commands)
        workbench_do(w, step->command[l->doing++], now);
    if (l->doing == step->commands) {
        l->busy = false;
        l->done[l->doing_step] = true;
    }
}

static double learn_deadline(void *state) {
    const struct learn *l = state;
    return l->busy ? l->look_at : 0;
}

static bool goal_reached(const struct lesson_step *s, const struct workbench *w) {
    size_t count;
    const struct metric *history = workbench_history(w, &count);
    const struct metric *m =
        s->goal == GOAL_DEV ? part_best(history, count) : part_last(history, count, METRIC_STEP);
    return m && (s->goal == GOAL_DEV ? (double)m->dev_accuracy >= s->goal_value
                                     : (double)m->step >= s->goal_value);
}

// ---- requests ----

static void open_lesson(struct learn *l, struct workbench *w, size_t number, double now) {
    if (number >= l->lessons) {
        workbench_say(w, STYLE_WARN, now, "there is no lesson %zu; there are %zu", number + 1, l->lessons);
        return;
    }
    leave_lesson(l);
    size_t steps = l->lesson[number].steps;
    l->done = mem_calloc(steps, sizeof *l->done, NULL);
    l->answers = mem_calloc(steps, sizeof *l->answers, NULL);
    l->chosen = number;
    l->reading = l->done && l->answers;
}

static void go_to_step(struct learn *l, size_t step) {
    l->step = step;
    l->top = 0;
}

static bool list_request(struct learn *l, struct workbench *w, enum request r, double now) {
    switch (r) {
    case REQUEST_UP:
        l->chosen -= l->chosen > 0;
        return true;
    case REQUEST_DOWN:
        l->chosen += l->chosen + 1 < l->lessons;
        return true;
    case REQUEST_FIRST:
        l->chosen = 0;
        return true;
    case REQUEST_LAST:
        l->chosen = l->lessons ? l->lessons - 1 : 0;
        return true;
    case REQUEST_LESSON_DO:
    case REQUEST_RIGHT:
        if (l->lessons)
            open_lesson(l, w, l->chosen, now);
        return true;
    default:
        return false;
    }
}

static bool scroll_request(struct learn *l, enum request r) {
    int page = 5;
    switch (r) {
    case REQUEST_UP:
        l->top--;
        break;
    case REQUEST_DOWN:
        l->top++;
        break;
    case REQUEST_PAGE_UP:
        l->top -= page;
        break;
    case REQUEST_PAGE_DOWN:
        l->top += page;
        break;
    case REQUEST_FIRST:
        l->top = 0;
        break;
    case REQUEST_LAST:
        l->top = l->last_top;
        break;
    default:
        return false;
    }
    l->top = l->top > l->last_top ? l->last_top : l->top < 0 ? 0 : l->top;
    return true;
}

static bool lesson_request(struct learn *l, struct workbench *w, enum request r, double now) {
    size_t steps = l->lesson[l->chosen].steps;
    switch (r) {
    case REQUEST_LESSON_NEXT:
    case REQUEST_RIGHT:
        if (l->step + 1 < steps)
            go_to_step(l, l->step + 1);
        else
            workbench_say(w, STYLE_GOOD, now, "that was the last step; q leads to the list of lessons");
        return true;
    case REQUEST_LESSON_PREVIOUS:
    case REQUEST_LEFT:
        go_to_step(l, l->step - (l->step > 0));
        return true;
    case REQUEST_LESSON_DO:
        if (step_now(l)->press && !l->busy)
            begin_doing(l, w, now);
        else if (!step_now(l)->press)
            workbench_say(w, STYLE_PLAIN, now, "nothing to do in this step; n goes on");
        return true;
    case REQUEST_LESSON_ANSWER:
        l->answers[l->step] = !l->answers[l->step];
        return true;
    case REQUEST_BACK:
        if (l->panes.zoomed)
            return false;
        leave_lesson(l);
        return true;
    default:
        return scroll_request(l, r);
    }
}

static bool learn_request(void *state, struct workbench *w, enum request r, const char *argument,
                          double now) {
    struct learn *l = state;
    if (r == REQUEST_LESSON && argument) {
        char *end;
        unsigned long number = strtoul(argument, &end, 10);
        if (*end || !number)
            workbench_say(w, STYLE_BAD, now, "lesson: \"%.40s\" is no number; e.g. :lesson 1", argument);
        else
            open_lesson(l, w, number - 1, now);
        return true;
    }
    if (!l->reading)
        return list_request(l, w, r, now);
    if (l->panes.focus == PANE_LIVE) { // what the screen inside has not taken
        bool out = r == REQUEST_SCREEN_LEARN || r == REQUEST_BACK;
        if (out && l->panes.zoomed)
            l->panes.zoomed = false;
        if (out)
            l->panes.focus = PANE_TEXT;
        return out;
    }
    return lesson_request(l, w, r, now);
}

// ---- drawing ----

static void draw_list(const struct learn *l, struct grid *g, struct area a) {
    struct area in = area_inset(grid_frame(g, a, true, "lessons", NULL), 0);
    int row = 0;
    if (!l->lessons) {
        grid_put_wrapped(g, in, 0, STYLE_DIM,
                         l->problem ? l->problem : "There are no lessons where Prompter is installed.");
        return;
    }
    char how[96 + KEYMAP_KEYS];
    snprintf(how, sizeof how,
             "Each lesson works in a session of its own: your own work stays as it is. %s opens one.",
             PART_KEY(LESSON_DO, WHERE_LEARN));
    row += grid_put_wrapped(g, in, row, STYLE_DIM, how) + 1;
    for (size_t i = 0; i < l->lessons; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        grid_put(g, in, row, 1, STYLE_KEY, number);
        grid_put_cut(g, in, row, 4, in.columns - 4, STYLE_STRONG, l->lesson[i].title);
        if (i == l->chosen)
            grid_restyle(g, area_rows(in, row, 1), STYLE_SELECTED);
        row++;
        if (l->lesson[i].about)
            row +=
                grid_put_wrapped(g, area_columns(in, 4, in.columns - 4), row, STYLE_DIM, l->lesson[i].about);
        row++;
    }
    if (l->problem)
        grid_put_wrapped(g, in, row, STYLE_BAD, l->problem);
}

static void draw_text(struct learn *l, const struct workbench *w, struct grid *g, struct area a) {
    const struct lesson *lesson = lesson_now(l);
    const struct lesson_step *s = step_now(l);
    char note[64];
    const struct learn_progress p = {.answers = l->answers[l->step],
                                     .done = l->done[l->step],
                                     .reached = here(l, w) && goal_reached(s, w)};
    struct area probe = area_inset(a, 1);
    int lines = learn_text_draw(g, area_rows(probe, 0, 0), 0, s, &p);
    l->last_top = lines > probe.rows ? lines - probe.rows : 0;
    int top = l->top > l->last_top ? l->last_top : l->top;
    snprintf(note, sizeof note, "%sstep %zu of %zu", top < l->last_top ? "more below, " : "", l->step + 1,
             lesson->steps);
    learn_text_draw(g, grid_frame(g, a, l->panes.focus == PANE_TEXT, lesson->title, note), top, s, &p);
}

static void learn_draw(void *state, const struct workbench *w, struct grid *g, struct area a, double now) {
    struct learn *l = state;
    struct area part[PANES_MOST];
    struct panes *panes;
    (void)now;
    const struct pane_spec *spec = learn_panes(state, a, &panes);
    if (!spec) {
        draw_list(l, g, a);
        return;
    }
    panes_layout(panes, spec, a, part);
    if (panes_shown(part[PANE_TEXT]))
        draw_text(l, w, g, part[PANE_TEXT]);
}

static const enum request *learn_hints(void *state, const struct workbench *w) {
    static const enum request list[] = {REQUEST_LESSON_DO, REQUEST_BACK, REQUEST_QUIT, REQUEST_NONE};
    static const enum request steps[] = {REQUEST_LESSON_DO,     REQUEST_LESSON_NEXT, REQUEST_LESSON_PREVIOUS,
                                         REQUEST_LESSON_ANSWER, REQUEST_FOCUS_NEXT,  REQUEST_PAGE_DOWN,
                                         REQUEST_RUN_PAUSE,     REQUEST_BACK,        REQUEST_NONE};
    const struct learn *l = state;
    (void)w;
    return l->reading ? steps : list;
}

const struct view view_learn = {
    .name = "Learn",
    .screen = REQUEST_SCREEN_LEARN,
    .where = WHERE_LEARN,
    .purpose = "lessons that run here, with questions and answers",
    .create = learn_create,
    .free = learn_free,
    .draw = learn_draw,
    .request = learn_request,
    .hints = learn_hints,
    .panes = learn_panes,
    .inner = learn_inner,
    .deadline = learn_deadline,
    .tick = learn_tick,
};
