// SPDX-License-Identifier: GPL-3.0-or-later
// The Learn screen: a list of lessons; in a lesson the text of a step and, beside it, the screen it is about,
// live. Tab leads into that screen, 7 or Esc back to the text.
#include "views/views.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "tui/loop.h"

#include "learn_inside.h"
#include "parts.h"

enum { PANE_TEXT, PANE_LIVE, PANE_COUNT };
enum { SIDE_BY_SIDE = 110 }; // columns from which the live screen stands beside the text

static const struct pane_split WIDE[] = {{PANE_COLUMNS, 0.36, 30, 40, PANE_TEXT, PANE_LIVE}};
static const struct pane_split TALL[] = {{PANE_ROWS, 0.5, 5, 5, PANE_TEXT, PANE_LIVE}};
static const struct pane_spec WIDE_SPEC = {"learn-wide", WIDE, 1, PANE_COUNT, 0};
static const struct pane_spec TALL_SPEC = {"learn", TALL, 1, PANE_COUNT, 1};

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
    struct error e = {0};
    if (!learn_keep(l, &e))
        fprintf(stderr, "prompter: %s\n", e.text);
    for (size_t i = 0; l->state && i < l->lesson[l->chosen].steps; i++)
        free(l->state[i].guess);
    free(l->state);
    free(l->session);
    l->state = NULL;
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
    free(l->path);
    free(l->left);
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
    if (!spec || !l->here)
        return false;
    panes_layout(panes, spec, a, part);
    *out = (struct inner_view){shown_screen(l), part[PANE_LIVE], l->panes.focus == PANE_LIVE};
    return out->keys || panes_shown(part[PANE_LIVE]);
}

// Another session than the one the step works in would only mislead.
static void look_whether_here(struct learn *l, const struct workbench *w) {
    const struct session *s = workbench_session(w);
    char *name = l->reading ? lesson_session(&l->lesson[l->chosen], l->step, NULL) : NULL;
    l->here = name && s && workbench_workspace(w) && strcmp(session_name(s), name) == 0;
    free(name);
    if (!l->here)
        l->panes.focus = PANE_TEXT; // there is nothing to lead into
}

// What stands in its place until then.
static void draw_before(const struct learn *l, struct grid *g, struct area a) {
    const char *name = request_info(shown_screen(l))->name;
    if (shown_screen(l) == REQUEST_SCREEN_RUN)
        name = "run";
    struct area in = area_inset(grid_frame(g, a, false, name, NULL), 0);
    char text[200 + KEYMAP_KEYS];
    if (l->busy && l->opening)
        snprintf(text, sizeof text, "Opening the session of this lesson ...");
    else
        snprintf(text, sizeof text,
                 "Press %s to begin: it opens the session of this lesson. Then its %s screen is "
                 "here, live.",
                 PART_KEY(LESSON_DO, WHERE_LEARN), request_info(shown_screen(l))->hint);
    grid_put_wrapped(g, area_columns(in, 1, in.columns - 2), in.rows > 2 ? (in.rows - 2) / 2 : 0, STYLE_DIM,
                     text);
}

// ---- doing what a step says ----

static void learn_tick(void *state, struct workbench *w, double now) {
    learn_go_on(state, w, now);
    look_whether_here(state, w);
}

// A run that was paused goes on.
static void learn_refresh(void *state, struct workbench *w, double now) {
    struct learn *l = state;
    look_whether_here(l, w);
    if (l->busy && l->look_at == 0 && !learn_waits_paused(l, w))
        l->look_at = now > 0 ? now : 1;
}

static double learn_deadline(void *state) {
    const struct learn *l = state;
    return l->busy ? l->look_at : 0;
}

static void give_guess(struct learn *l, struct workbench *w, const char *text, double now) {
    if (!l->reading || !lesson_guess(step_now(l))) {
        workbench_say(w, STYLE_WARN, now, "nothing is to be guessed here: it belongs to steps of lessons");
        return;
    }
    if (l->busy) {
        learn_begin(l, w, now); // says so
        return;
    }
    free(l->state[l->step].guess);
    l->state[l->step].guess = mem_strdup(text ? text : "none", NULL);
    learn_begin(l, w, now);
}

static void do_step(struct learn *l, struct workbench *w, double now) {
    if (!step_now(l)->press && l->here) {
        workbench_say(w, STYLE_PLAIN, now, "nothing to do in this step; %s goes on",
                      PART_KEY(LESSON_NEXT, WHERE_LEARN));
    } else if (lesson_guess(step_now(l)) && !l->state[l->step].guess && !l->busy) {
        workbench_say(w, STYLE_PLAIN, now, "what do you think will come out? Enter alone: no guess");
        loop_open_command_line("guess ");
    } else {
        learn_begin(l, w, now);
    }
}

static void shown(void *state, struct workbench *w, double now) {
    struct learn *l = state;
    (void)now;
    if (!l->reading)
        learn_look(l, w);
    look_whether_here(l, w);
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
    learn_look(l, w);
    l->state = mem_calloc(l->lesson[number].steps, sizeof *l->state, NULL);
    l->chosen = number;
    l->reading = l->state != NULL;
    if (l->reading)
        learn_recall(l);
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
    if (l->top > l->last_top)
        l->top = l->last_top;
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
            workbench_say(w, STYLE_GOOD, now, "that was the last step; %s leads to the list of lessons",
                          PART_KEY(BACK, WHERE_LEARN));
        return true;
    case REQUEST_LESSON_PREVIOUS:
    case REQUEST_LEFT:
        go_to_step(l, l->step - (l->step > 0));
        return true;
    case REQUEST_LESSON_DO:
        do_step(l, w, now);
        return true;
    case REQUEST_LESSON_ANSWER:
        l->state[l->step].answers = !l->state[l->step].answers;
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

static bool any_request(struct learn *l, struct workbench *w, enum request r, const char *argument,
                        double now) {
    if (r == REQUEST_LESSON && argument) {
        char *end;
        unsigned long number = strtoul(argument, &end, 10);
        if (*end || !number)
            workbench_say(w, STYLE_BAD, now, "lesson: \"%.40s\" is no number; e.g. :lesson 1", argument);
        else
            open_lesson(l, w, number - 1, now);
        return true;
    }
    if (r == REQUEST_GUESS) {
        give_guess(l, w, argument, now);
        return true;
    }
    if (!l->reading)
        return list_request(l, w, r, now);
    if (r == REQUEST_RUN_PAUSE && !l->here && workbench_state(w) != ENGINE_RUNNING) { // what nobody sees
        workbench_say(w, STYLE_PLAIN, now, "%s opens this lesson's session first",
                      PART_KEY(LESSON_DO, WHERE_LEARN));
        return true;
    }
    if (l->panes.focus == PANE_LIVE && l->here) { // what the screen inside has not taken
        bool out = r == REQUEST_SCREEN_LEARN || r == REQUEST_BACK;
        if (out && l->panes.zoomed)
            l->panes.zoomed = false;
        if (out)
            l->panes.focus = PANE_TEXT;
        return out;
    }
    return lesson_request(l, w, r, now);
}

static bool learn_request(void *state, struct workbench *w, enum request r, const char *argument,
                          double now) {
    bool done = any_request(state, w, r, argument, now);
    look_whether_here(state, w);
    return done;
}

// ---- drawing ----

static int about_rows(struct grid *g, struct area probe, const struct lesson *l) {
    return l->about ? grid_put_wrapped(g, probe, 0, STYLE_DIM, l->about) : 0;
}

// Right of its title: how far it was read.
static void draw_left(const struct learn *l, struct grid *g, struct area in, int row, int used, size_t i) {
    char text[64];
    const struct lesson_place *left = l->left && l->left[i].begun ? &l->left[i] : NULL;
    if (!left)
        return;
    bool all = left->step + 1 >= l->lesson[i].steps;
    snprintf(text, sizeof text, all ? "%s read" : "%sstep %zu of %zu", all ? part_symbol(g, SYMBOL_TICK) : "",
             left->step + 1, l->lesson[i].steps);
    if (used + 2 + text_width(text, strlen(text)) <= in.columns - 1)
        grid_put_right(g, in, row, in.columns - 1, all ? STYLE_GOOD : STYLE_DIM, text);
}

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
    // What a lesson is about stands below each where there is room for all, else below the chosen one.
    struct area abouts = area_columns(in, 4, in.columns - 4), probe = area_rows(abouts, 0, 0);
    int needed = row;
    for (size_t i = 0; i < l->lessons; i++)
        needed += 2 + about_rows(g, probe, &l->lesson[i]);
    const bool all = needed <= in.rows;
    int visible = in.rows - row - about_rows(g, probe, &l->lesson[l->chosen]);
    size_t first = all || visible < 1 ? 0 : part_scroll(l->lessons, l->chosen, (size_t)visible);
    for (size_t i = first; i < l->lessons && row < in.rows; i++) {
        char number[24];
        snprintf(number, sizeof number, "%zu", i + 1);
        grid_put(g, in, row, 1, STYLE_KEY, number);
        int used = 4 + grid_put_cut(g, in, row, 4, in.columns - 4, STYLE_STRONG, l->lesson[i].title);
        draw_left(l, g, in, row, used, i);
        if (i == l->chosen)
            grid_restyle(g, area_rows(in, row, 1), STYLE_SELECTED);
        row++;
        if (l->lesson[i].about && (all || i == l->chosen))
            row += grid_put_wrapped(g, abouts, row, STYLE_DIM, l->lesson[i].about);
        row += all;
    }
    if (l->problem)
        grid_put_wrapped(g, in, row, STYLE_BAD, l->problem);
}

static const struct learn_result *result_of(const void *context, size_t step) {
    const struct learn *l = context;
    return l->lesson[l->chosen].step[step].result ? &l->state[step].result : NULL;
}

static void draw_text(struct learn *l, const struct workbench *w, struct grid *g, struct area a) {
    const struct lesson *lesson = lesson_now(l);
    const struct lesson_step *s = step_now(l);
    const struct learn_step *state = &l->state[l->step];
    char note[160], doing[LEARN_DOING];
    learn_say_doing(l, w, doing);
    const struct learn_progress p = {.answers = state->answers,
                                     .done = state->done,
                                     .reached = learn_is_here(l, w) && goal_reached(s, w),
                                     .guess = state->guess,
                                     .doing = doing,
                                     .result = &state->result,
                                     .lesson = lesson,
                                     .result_of = result_of,
                                     .context = l};
    struct area probe = area_inset(a, 1);
    int lines = learn_text_draw(g, area_rows(probe, 0, 0), 0, s, &p);
    l->last_top = lines > probe.rows ? lines - probe.rows : 0;
    int top = l->top > l->last_top ? l->last_top : l->top;
    snprintf(note, sizeof note, "%s%sstep %zu of %zu",
             doing[0]            ? doing
             : top < l->last_top ? "more below"
             : state->done       ? "done"
                                 : "",
             doing[0] || top < l->last_top || state->done ? ", " : "", l->step + 1, lesson->steps);
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
    if (panes_shown(part[PANE_LIVE]) && !l->here)
        draw_before(l, g, part[PANE_LIVE]);
}

static const enum request *learn_hints(void *state, const struct workbench *w) {
    static const enum request list[] = {REQUEST_LESSON_DO, REQUEST_BACK, REQUEST_QUIT, REQUEST_NONE};
    static const enum request steps[] = {REQUEST_LESSON_DO,     REQUEST_LESSON_NEXT, REQUEST_LESSON_PREVIOUS,
                                         REQUEST_LESSON_ANSWER, REQUEST_FOCUS_NEXT,  REQUEST_PAGE_DOWN,
                                         REQUEST_RUN_PAUSE,     REQUEST_BACK,        REQUEST_NONE};
    static const enum request before[] = {REQUEST_LESSON_DO,     REQUEST_LESSON_NEXT, REQUEST_LESSON_PREVIOUS,
                                          REQUEST_LESSON_ANSWER, REQUEST_PAGE_DOWN,   REQUEST_BACK,
                                          REQUEST_NONE};
    const struct learn *l = state;
    (void)w;
    return !l->reading ? list : l->here ? steps : before;
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
    .refresh = learn_refresh,
    .panes = learn_panes,
    .inner = learn_inner,
    .deadline = learn_deadline,
    .tick = learn_tick,
    .shown = shown,
};
