// SPDX-License-Identifier: GPL-3.0-or-later
// A training in somebody's hands: a work that only counts stands for it.
#include "check.h"

#include <math.h>
#include <time.h>

#include "engine/pretrain/training.h"

struct count {
    size_t made, steps, calls, fail_at;
    double rate;
};

static void rest(long milliseconds) {
    nanosleep(&(struct timespec){.tv_nsec = milliseconds * 1000000}, NULL);
}

static bool count_on(void *context, struct training *t, struct error *e) {
    struct count *c = context;
    c->calls++;
    training_note(t, "making ready");
    while (c->made < c->steps) {
        if (atomic_load(training_cancel(t)))
            return error_set(e, ERROR_CANCELLED, "kept");
        rest(1);
        if (++c->made == c->fail_at)
            return error_set(e, ERROR_INPUT, "the loss is not finite");
        c->rate *= training_stepped(t, c->made, c->steps, c->rate, 100);
    }
    return true;
}

static struct training_state wait_for(struct training *t, enum training_phase phase) {
    struct training_state s;
    for (int i = 0; i < 20000; i++) {
        training_look(t, &s);
        if (s.phase == phase)
            break;
        rest(1);
    }
    return s;
}

TEST(a_training_goes_to_its_end_by_itself) {
    struct error e = {0};
    struct count c = {.steps = 20, .rate = 0.5};
    struct training *t;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    struct training_state s = wait_for(t, TRAINING_FINISHED);
    CHECK(s.phase == TRAINING_FINISHED && s.made == 20 && s.steps == 20 && !s.asked);
    CHECK(s.rate == 0.5 && s.speed == 100 && s.seconds_left == 0 && s.note[0] == '\0');
    training_free(t);
    CHECK_SIZE(c.calls, 1);
}

TEST(a_pause_holds_it_and_a_step_is_one) {
    struct error e = {0};
    struct count c = {.steps = 100000, .rate = 1};
    struct training *t;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    wait_for(t, TRAINING_GOING);
    training_pause(t);
    struct training_state s = wait_for(t, TRAINING_PAUSED), later;
    rest(20);
    training_look(t, &later);
    CHECK(s.phase == TRAINING_PAUSED && later.made == s.made && later.phase == TRAINING_PAUSED);
    training_step(t);
    for (int i = 0; i < 20000 && later.made == s.made; i++, rest(1))
        training_look(t, &later);
    rest(20);
    later = wait_for(t, TRAINING_PAUSED);
    CHECK_SIZE(later.made, s.made + 1);
    training_go(t);
    s = wait_for(t, TRAINING_GOING);
    CHECK(s.phase == TRAINING_GOING);
    training_free(t); // in the middle
}

TEST(what_was_stopped_goes_on_where_it_was) {
    struct error e = {0};
    struct count c = {.steps = 300, .rate = 1};
    struct training *t;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    wait_for(t, TRAINING_GOING);
    training_stop(t);
    struct training_state s = wait_for(t, TRAINING_STOPPED);
    CHECK(s.phase == TRAINING_STOPPED && s.made < 300);
    CHECK_TEXT(s.error.text, "kept");
    training_go(t);
    s = wait_for(t, TRAINING_FINISHED);
    CHECK(s.phase == TRAINING_FINISHED && s.made == 300 && c.calls == 2);
    training_free(t);
}

TEST(a_stop_ends_a_pause) {
    struct error e = {0};
    struct count c = {.steps = 100000, .rate = 1};
    struct training *t;
    struct training_state s;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    training_pause(t);
    wait_for(t, TRAINING_PAUSED);
    training_stop(t);
    s = wait_for(t, TRAINING_STOPPED);
    CHECK(s.phase == TRAINING_STOPPED);
    training_go(t);
    training_pause(t);
    wait_for(t, TRAINING_PAUSED);
    training_end(t, &s);
    CHECK(s.phase == TRAINING_STOPPED && s.error.kind == ERROR_CANCELLED);
    training_free(t);
}

TEST(the_rate_is_changed_once_and_all_wishes_count) {
    struct error e = {0};
    struct count c = {.steps = 100000, .rate = 1};
    struct training *t;
    struct training_state s;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    training_pause(t);
    wait_for(t, TRAINING_PAUSED);
    training_scale_rate(t, 2);
    training_scale_rate(t, 3);
    training_go(t);
    for (int i = 0; i < 20000; i++, rest(1)) {
        training_look(t, &s);
        if (s.rate != 1)
            break;
    }
    CHECK(s.rate == 6);
    training_free(t);
    CHECK(c.rate == 6);
}

TEST(a_failure_is_told) {
    struct error e = {0};
    struct count c = {.steps = 50, .rate = 1, .fail_at = 7};
    struct training *t;
    CHECK_OK(training_start(&t, count_on, &c, &e));
    struct training_state s = wait_for(t, TRAINING_FAILED);
    CHECK(s.phase == TRAINING_FAILED && s.made == 6);
    CHECK_HAS(s.error.text, "not finite");
    training_go(t); // too late
    training_free(t);
    CHECK_SIZE(c.calls, 1);
}
