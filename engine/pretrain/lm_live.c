// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_live.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "engine/base/memory.h"

struct lm_live {
    struct lm_request request;
    bool resume;
    atomic_bool cancel;
    pthread_t thread;
    bool started, locked; // what exists
    int fd;
    pthread_mutex_t lock; // of all below
    struct lm_live_state state;
    struct lm_point *point; // [LM_LIVE_POINTS]
    size_t points, epoch;
    size_t stride; // a step is logged when its number is a multiple
};

static void ring(const struct lm_live *live) {
    uint64_t one = 1;
    ssize_t n = write(live->fd, &one, sizeof one);
    (void)n; // full means: readable already
}

// ---- the log; under the lock ----

static void thin(struct lm_live *live) {
    size_t validations = 0, kept = 0;
    for (size_t i = 0; i < live->points; i++)
        validations += live->point[i].kind == LM_POINT_VALIDATION;
    bool too_many = validations > LM_LIVE_POINTS / 2;
    live->stride *= 2;
    for (size_t i = 0, n = 0; i < live->points; i++) {
        const struct lm_point *p = &live->point[i];
        bool stays = p->kind == LM_POINT_STEP ? p->step % live->stride == 0 : !too_many || n++ % 2 == 0;
        if (stays)
            live->point[kept++] = *p;
    }
    live->points = kept;
    live->epoch++;
}

static void log_point(struct lm_live *live, const struct lm_point *p) {
    if (p->kind == LM_POINT_STEP && p->step % live->stride != 0)
        return;
    while (live->points == LM_LIVE_POINTS)
        thin(live);
    live->point[live->points++] = *p;
}

// ---- the run's thread ----

static void hear(void *context, const struct lm_event *event) {
    struct lm_live *live = context;
    const struct lm_step *s = &event->step;
    const struct lm_validation *v = &event->validation;
    pthread_mutex_lock(&live->lock);
    live->state.made = event->made;
    live->state.steps = event->steps;
    live->state.tokens_per_s = event->tokens_per_s;
    live->state.seconds_left = event->seconds_left;
    if (event->kind == LM_PREPARING) {
        snprintf(live->state.note, sizeof live->state.note, "%s", event->text);
    } else if (event->kind == LM_STEPPED) {
        log_point(live, &(struct lm_point){LM_POINT_STEP, s->step, (float)s->loss, NAN, (float)s->rate,
                                           (float)s->gradient_norm, (float)event->tokens_per_s});
    } else if (event->kind == LM_VALIDATED) {
        live->state.validation = *v;
        log_point(live, &(struct lm_point){LM_POINT_VALIDATION, v->step, (float)v->loss, (float)v->accuracy,
                                           NAN, NAN, (float)event->tokens_per_s});
    } else if (event->kind == LM_KEPT) {
        live->state.kept_step = event->made;
    }
    pthread_mutex_unlock(&live->lock);
    ring(live);
}

static void enter(struct lm_live *live, enum lm_live_phase phase, const struct lm_facts *facts,
                  const struct error *error) {
    pthread_mutex_lock(&live->lock);
    live->state.phase = phase;
    live->state.note[0] = '\0';
    if (facts) {
        live->state.facts = *facts;
        live->state.made = facts->first_step;
        live->state.steps = facts->settings.steps;
    }
    if (error)
        live->state.error = *error;
    pthread_mutex_unlock(&live->lock);
    ring(live);
}

static void *run_thread(void *context) {
    struct lm_live *live = context;
    struct lm_listener listener = {hear, live};
    struct lm_run *run = NULL;
    struct error e = {0};
    bool ok = live->resume ? lm_run_resume(&run, &live->request, NULL, &listener, &e)
                           : lm_run_begin(&run, &live->request, &listener, &e);
    if (ok)
        enter(live, LM_LIVE_TRAINING, lm_run_facts(run), NULL);
    ok = ok && lm_run_go(run, &live->cancel, &e);
    lm_run_free(run);
    enter(live,
          ok                          ? LM_LIVE_FINISHED
          : e.kind == ERROR_CANCELLED ? LM_LIVE_STOPPED
                                      : LM_LIVE_FAILED,
          NULL, &e);
    return NULL;
}

// ---- the drawer's ----

bool lm_live_start(struct lm_live **out, const struct lm_request *request, bool resume, struct error *e) {
    *out = NULL;
    struct lm_live *live = mem_calloc(1, sizeof *live, e);
    if (!live)
        return false;
    live->request = *request;
    live->resume = resume;
    live->stride = 1;
    live->state.steps = request->settings.steps;
    live->point = mem_calloc(LM_LIVE_POINTS, sizeof *live->point, e);
    live->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    bool ok = live->point && (live->fd >= 0 || error_system(e, "cannot start the run"));
    if (ok) {
        sigset_t before;
        live->locked = pthread_mutex_init(&live->lock, NULL) == 0;
        thread_block_signals(&before); // signals are for the thread that has the terminal
        live->started = live->locked && pthread_create(&live->thread, NULL, run_thread, live) == 0;
        pthread_sigmask(SIG_SETMASK, &before, NULL);
        ok = live->started || error_set(e, ERROR_SYSTEM, "cannot start the run's thread");
    }
    if (!ok) {
        lm_live_free(live);
        return false;
    }
    *out = live;
    return true;
}

void lm_live_stop(struct lm_live *live) {
    atomic_store(&live->cancel, true);
}

void lm_live_free(struct lm_live *live) {
    if (!live)
        return;
    lm_live_stop(live);
    if (live->started)
        pthread_join(live->thread, NULL);
    if (live->locked)
        pthread_mutex_destroy(&live->lock);
    if (live->fd >= 0)
        close(live->fd);
    free(live->point);
    free(live);
}

int lm_live_fd(const struct lm_live *live) {
    return live->fd;
}

void lm_live_acknowledge(struct lm_live *live) {
    uint64_t count;
    ssize_t n = read(live->fd, &count, sizeof count);
    (void)n; // nothing there is fine
}

void lm_live_look(struct lm_live *live, struct lm_live_state *out) {
    pthread_mutex_lock(&live->lock);
    *out = live->state;
    pthread_mutex_unlock(&live->lock);
}

size_t lm_live_points(struct lm_live *live, size_t from, struct lm_point *out, size_t most, size_t *epoch) {
    size_t n = 0;
    pthread_mutex_lock(&live->lock);
    for (; n < most && from + n < live->points; n++)
        out[n] = live->point[from + n];
    if (epoch)
        *epoch = live->epoch;
    pthread_mutex_unlock(&live->lock);
    return n;
}
