// SPDX-License-Identifier: GPL-3.0-or-later
// Doing what a step of a lesson says: its session is opened, its lines are done in turn, once for each seed,
// and what its tests score is kept.
#include "learn_inside.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "views/views.h"

#include "parts.h"

#define LOOK_AGAIN 0.05 // seconds between two looks whether a line has come to rest
#define NO_ANSWER  3.0  // seconds of rest after which an answer is waited for no longer

static const struct lesson_step *doing_step(const struct learn *l) {
    return &l->lesson[l->chosen].step[l->doing_step];
}

// Each seed is a line of its own before the step's.
static size_t lines_a_round(const struct lesson_step *s) {
    return s->commands + (s->seeds > 0);
}
static size_t lines(const struct lesson_step *s) {
    return lines_a_round(s) * (s->seeds ? s->seeds : 1);
}

bool learn_is_here(const struct learn *l, const struct workbench *w) {
    const struct session *s = workbench_session(w);
    return l->session && s && strcmp(session_name(s), l->session) == 0;
}

// A run that rests before its end was paused, at step 0 perhaps.
bool learn_waits_paused(const struct learn *l, const struct workbench *w) {
    enum engine_state s = workbench_state(w);
    return l->busy && l->last == REQUEST_RUN_PAUSE && l->sent && workbench_settled(w) &&
           (s == ENGINE_PAUSED || s == ENGINE_READY) && workbench_answers(w).failed == l->before.failed;
}

void learn_begin(struct learn *l, struct workbench *w, double now) {
    struct error e = {0};
    char line[256];
    if (l->busy && l->doing_step == l->step && learn_waits_paused(l, w)) {
        workbench_do(w, "run", now);
        return;
    }
    if (l->busy && !learn_waits_paused(l, w)) {
        workbench_say(w, STYLE_PLAIN, now, "still at it; %s pauses, %s stops",
                      PART_KEY(RUN_PAUSE, WHERE_LEARN), PART_KEY(CANCEL, WHERE_LEARN));
        return;
    }
    free(l->session);
    l->session = lesson_session(&l->lesson[l->chosen], l->step, &e);
    l->busy = false;
    if (!l->session) {
        workbench_say(w, STYLE_BAD, now, "%s", e.text);
        return;
    }
    l->doing = 0;
    l->doing_step = l->step;
    l->last = REQUEST_NONE;
    l->state[l->step].result = (struct learn_result){0};
    l->state[l->step].done = false;
    l->busy = true;
    l->opening = !learn_is_here(l, w);
    l->look_at = now + LOOK_AGAIN;
    l->sent = false;
    if (l->opening) {
        snprintf(line, sizeof line, "open %s", l->session);
        workbench_do(w, line, now);
    }
}

// A file that the step needs lies in the model's folder, or what is missing is said.
static bool has_needed(const struct lesson_step *s, struct workbench *w, double now) {
    const struct workspace *ws = workbench_workspace(w);
    char *path = s->needs && ws ? path_join(ws->model_folder, s->needs, NULL) : NULL;
    bool has = !s->needs || (path && file_exists(path));
    if (!has)
        workbench_say(
            w, STYLE_WARN, now,
            "this step needs %s in the model's folder, and this model has none; %s goes on without it",
            s->needs, PART_KEY(LESSON_NEXT, WHERE_LEARN));
    free(path);
    return has;
}

// News that was on its way before the engine took the line can look like rest: what it asked for tells.
static bool answered(const struct learn *l, const struct workbench *w) {
    const struct workbench_answers now = workbench_answers(w);
    if (!l->sent || now.failed != l->before.failed)
        return true;
    return l->last == REQUEST_RUN_PAUSE ? workbench_state(w) == ENGINE_DONE
           : l->last == REQUEST_TEST    ? now.tested != l->before.tested
                                        : now.opened != l->before.opened;
}

static bool at_rest(struct learn *l, const struct workbench *w, double now) {
    enum engine_state state = workbench_state(w);
    if (!workbench_settled(w) || state == ENGINE_RUNNING || state == ENGINE_TESTING) {
        l->quiet_from = 0;
        return false;
    }
    if (!(l->quiet_from > 0))
        l->quiet_from = now;
    return answered(l, w) || now - l->quiet_from > NO_ANSWER;
}

static void keep_score(struct learn *l, const struct workbench *w) {
    bool scored = l->last == REQUEST_TEST && workbench_answers(w).tested != l->before.tested;
    const struct evaluation *test = scored ? workbench_test(w, NULL) : NULL;
    struct learn_result *r = &l->state[l->doing_step].result;
    if (test && r->count < LEARN_MOST_SCORES) {
        r->score[r->count++] = test->accuracy;
        r->examples = test->examples;
    }
    l->last = REQUEST_NONE;
}

// Some lines lead to the screen they are about; the reader stays where the text is.
static void do_here(struct learn *l, struct workbench *w, const char *line, double now) {
    char name[24];
    bool here = workbench_shows(w, &view_learn);
    snprintf(name, sizeof name, "%.*s", (int)strcspn(line, " "), line);
    l->last = request_find(name);
    l->before = workbench_answers(w);
    l->quiet_from = 0;
    workbench_do(w, line, now);
    l->sent = !workbench_settled(w);
    if (here && !workbench_shows(w, &view_learn))
        workbench_request(w, REQUEST_SCREEN_LEARN, NULL, now);
}

static void do_line(struct learn *l, struct workbench *w, double now) {
    const struct lesson_step *s = doing_step(l);
    const struct workspace *ws = workbench_workspace(w);
    size_t round = l->doing / lines_a_round(s), at = l->doing % lines_a_round(s);
    char seed[48], *line;
    l->doing++;
    if (s->seeds && at == 0) {
        snprintf(seed, sizeof seed, "seed %llu", (unsigned long long)s->seed[round]);
        do_here(l, w, seed, now);
        return;
    }
    if (!(line = lesson_command(s->command[at - (s->seeds > 0)], ws ? ws->model_folder : "", NULL)))
        return;
    do_here(l, w, line, now);
    free(line);
}

void learn_go_on(struct learn *l, struct workbench *w, double now) {
    const struct lesson_step *s = doing_step(l);
    bool paused = learn_waits_paused(l, w);
    l->look_at = paused ? 0 : now + LOOK_AGAIN;
    if (paused || !at_rest(l, w, now))
        return;
    if (!learn_is_here(l, w)) { // another was opened meanwhile, or opening this one was refused
        l->busy = false;
        workbench_say(w, STYLE_WARN, now, "the lesson works in a session of its own, %s, which is not open",
                      l->session);
        return;
    }
    l->opening = false;
    if (!workbench_workspace(w)) { // it could not be opened, or what a line set cannot; that was said
        l->busy = false;
        return;
    }
    if (lines(s) &&
        session_read_only(workbench_session(w))) { // no run would begin, and test be scored without it
        l->busy = false;
        workbench_say(w, STYLE_WARN, now, "%s", session_read_only(workbench_session(w)));
        return;
    }
    if (l->doing == 0 && !has_needed(s, w, now)) {
        l->busy = false;
        return;
    }
    keep_score(l, w);
    if (l->doing < lines(s)) {
        do_line(l, w, now);
        return;
    }
    l->busy = false;
    l->state[l->doing_step].done = !s->result || l->state[l->doing_step].result.count > 0;
    if (l->doing_step == l->step)
        l->top = LEARN_END; // where it stands what came out
    struct error e = {0};
    if (!learn_keep(l, &e))
        workbench_say(w, STYLE_WARN, now, "%s", e.text);
}

void learn_say_doing(const struct learn *l, const struct workbench *w, char out[LEARN_DOING]) {
    const struct lesson_step *s = doing_step(l);
    size_t used = 0, line = l->doing ? l->doing - 1 : 0, a_round = lines_a_round(s);
    out[0] = 0;
    if (!l->busy || l->doing_step != l->step)
        return;
    if (learn_waits_paused(l, w)) {
        snprintf(out, LEARN_DOING, "paused: %.15s goes on", PART_KEY(LESSON_DO, WHERE_LEARN));
        return;
    }
    if (s->seeds && a_round)
        used = (size_t)snprintf(out, LEARN_DOING, "seed %zu of %zu, ", line / a_round + 1, s->seeds);
    snprintf(out + used, LEARN_DOING - used, "%s",
             l->opening || !a_round         ? "opening"
             : l->last == REQUEST_RUN_PAUSE ? "tuning"
             : l->last == REQUEST_TEST      ? "scoring test"
                                            : "setting up");
}
