// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/pretrain/training.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "engine/base/memory.h"
#include "engine/base/threads.h"

enum wish { WISH_GO, WISH_PAUSE, WISH_STEP, WISH_STOP, WISH_END };

struct training {
    training_work *work;
    void *context;
    atomic_bool cancel;
    pthread_t thread;
    bool started, locked, changeable; // what exists
    pthread_mutex_t lock;             // of all below
    pthread_cond_t change;
    struct training_state state;
    enum wish wish;
    double factor; // of the rate, not applied yet
    // Of the present call of the work.
    double began, paused; // seconds
    size_t first;
    bool stepped; // `first` is known
};

// ---- the training's thread ----

static void enter(struct training *t, enum training_phase phase, const struct error *error) {
    pthread_mutex_lock(&t->lock);
    t->state.phase = phase;
    t->state.note[0] = '\0';
    t->state.error = error ? *error : (struct error){0};
    pthread_mutex_unlock(&t->lock);
}

// Until it is to go on; false: never.
static bool wait_to_go_on(struct training *t) {
    pthread_mutex_lock(&t->lock);
    while (t->wish == WISH_STOP || t->wish == WISH_PAUSE)
        pthread_cond_wait(&t->change, &t->lock);
    bool on = t->wish != WISH_END;
    t->state.phase = on ? TRAINING_OPENING : t->state.phase;
    t->stepped = false;
    if (on)
        atomic_store(&t->cancel, false);
    pthread_mutex_unlock(&t->lock);
    return on;
}

static void *run_thread(void *context) {
    struct training *t = context;
    for (;;) {
        struct error e = {0};
        if (t->work(t->context, t, &e)) {
            enter(t, TRAINING_FINISHED, NULL);
            return NULL;
        }
        if (e.kind != ERROR_CANCELLED) {
            enter(t, TRAINING_FAILED, &e);
            return NULL;
        }
        enter(t, TRAINING_STOPPED, &e);
        if (!wait_to_go_on(t))
            return NULL;
    }
}

const atomic_bool *training_cancel(const struct training *t) {
    return &t->cancel;
}

void training_note(struct training *t, const char *text) {
    pthread_mutex_lock(&t->lock);
    snprintf(t->state.note, sizeof t->state.note, "%s", text);
    pthread_mutex_unlock(&t->lock);
}

// Under the lock.
static void wait_out_pause(struct training *t) {
    double from = clock_seconds();
    if (t->wish == WISH_STEP) // that was the step
        t->wish = WISH_PAUSE;
    while (t->wish == WISH_PAUSE) {
        t->state.phase = TRAINING_PAUSED;
        pthread_cond_wait(&t->change, &t->lock);
    }
    t->state.phase = TRAINING_GOING;
    t->paused += clock_seconds() - from;
}

double training_stepped(struct training *t, size_t made, size_t steps, double rate, double speed) {
    double now = clock_seconds();
    pthread_mutex_lock(&t->lock);
    if (!t->stepped) { // the pace is counted from the end of the first step on
        t->began = now;
        t->paused = 0;
        t->first = made;
        t->stepped = true;
    }
    t->state.phase = TRAINING_GOING;
    t->state.note[0] = '\0';
    t->state.made = made;
    t->state.steps = steps;
    t->state.rate = rate;
    t->state.speed = speed;
    t->state.seconds_left =
        made > t->first ? (now - t->began - t->paused) / (double)(made - t->first) * (double)(steps - made)
        : made == steps ? 0
                        : NAN;
    if (made < steps)
        wait_out_pause(t);
    double factor = t->factor;
    t->factor = 1;
    pthread_mutex_unlock(&t->lock);
    return factor;
}

// ---- the drawer's ----

static void wish(struct training *t, enum wish w) {
    pthread_mutex_lock(&t->lock);
    t->wish = w;
    if (w == WISH_STOP || w == WISH_END)
        atomic_store(&t->cancel, true);
    pthread_cond_broadcast(&t->change);
    pthread_mutex_unlock(&t->lock);
}

void training_pause(struct training *t) {
    wish(t, WISH_PAUSE);
}

void training_go(struct training *t) {
    wish(t, WISH_GO);
}

void training_step(struct training *t) {
    wish(t, WISH_STEP);
}

void training_stop(struct training *t) {
    wish(t, WISH_STOP);
}

void training_scale_rate(struct training *t, double factor) {
    pthread_mutex_lock(&t->lock);
    t->factor *= factor;
    pthread_mutex_unlock(&t->lock);
}

void training_look(struct training *t, struct training_state *out) {
    pthread_mutex_lock(&t->lock);
    *out = t->state;
    bool moving = out->phase <= TRAINING_GOING;
    out->asked = moving && (t->wish == WISH_PAUSE || t->wish == WISH_STOP || t->wish == WISH_END);
    pthread_mutex_unlock(&t->lock);
}

bool training_start(struct training **out, training_work *work, void *context, struct error *e) {
    *out = NULL;
    struct training *t = mem_calloc(1, sizeof *t, e);
    sigset_t before;
    if (!t)
        return false;
    t->work = work;
    t->context = context;
    t->factor = 1;
    t->state.rate = t->state.seconds_left = NAN;
    t->locked = pthread_mutex_init(&t->lock, NULL) == 0;
    t->changeable = t->locked && pthread_cond_init(&t->change, NULL) == 0;
    thread_block_signals(&before); // signals are for the thread that has the terminal
    t->started = t->changeable && pthread_create(&t->thread, NULL, run_thread, t) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!t->started) {
        training_free(t);
        return error_set(e, ERROR_SYSTEM, "cannot start the training's thread");
    }
    *out = t;
    return true;
}

void training_end(struct training *t, struct training_state *out) {
    if (t->started) {
        wish(t, WISH_END);
        pthread_join(t->thread, NULL);
        t->started = false;
    }
    *out = t->state;
}

void training_free(struct training *t) {
    if (!t)
        return;
    struct training_state last;
    training_end(t, &last);
    if (t->changeable)
        pthread_cond_destroy(&t->change);
    if (t->locked)
        pthread_mutex_destroy(&t->lock);
    free(t);
}
