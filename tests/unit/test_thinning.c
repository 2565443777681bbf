// SPDX-License-Identifier: GPL-3.0-or-later
// The thinned history of a long run: bounded, in order, with its extremes and its best evaluations.
#include "check.h"

#include "views/thinning.h"

static struct metric step(size_t at, float loss) {
    return (struct metric){.kind = METRIC_STEP, .step = at, .train_loss = loss, .dev_loss = NAN};
}

TEST(a_short_one_stays_as_it_is) {
    static struct metric m[HISTORY_RECENT];
    for (size_t i = 0; i < HISTORY_RECENT; i++)
        m[i] = step(i, 1);
    CHECK_SIZE(history_thin(m, HISTORY_RECENT), HISTORY_RECENT);
    CHECK(m[17].step == 17);
}

TEST(a_long_one_stays_bounded_and_keeps_what_matters) {
    static struct metric m[HISTORY_MOST];
    size_t count = 0, made = 0, best = 0, found = 0;
    for (; made < 300000; made++) {
        struct metric next = step(made, 1 + (float)(made % 7) / 10);
        if (made == 777)
            next.train_loss = 100;
        if (made == 888)
            next.train_loss = -5;
        if (made % 50 == 49) {
            next.kind = METRIC_EVAL;
            next.dev_loss = (float)(made % 11);
            next.best = made % 5000 == 49;
            best += next.best;
        }
        if (made % 60 == 59)
            next.kind = METRIC_RATE;
        m[count++] = next;
        if (count == HISTORY_MOST) {
            count = history_thin(m, count);
            CHECK(count < HISTORY_MOST * 3 / 4);
        }
    }
    bool high = false, low = false;
    for (size_t i = 0; i < count; i++) {
        CHECK(i == 0 || m[i].step > m[i - 1].step);
        high |= m[i].train_loss == 100;
        low |= m[i].train_loss == -5;
        found += m[i].kind == METRIC_EVAL && m[i].best;
    }
    CHECK(m[0].step == 0 && high && low);
    CHECK_SIZE(m[count - 1].step, made - 1);
    for (size_t i = 1; i < HISTORY_RECENT; i++) // the newest have no gap
        CHECK(m[count - i].step == m[count - i - 1].step + 1);
    CHECK(best > 30);
    CHECK_SIZE(found, best);
}

TEST(losses_that_are_no_numbers_do_not_hide_the_others) {
    static struct metric m[HISTORY_RECENT + 4];
    for (size_t i = 0; i < HISTORY_RECENT + 4; i++)
        m[i] = step(i, NAN);
    m[1].train_loss = NAN, m[2].train_loss = 3, m[3].train_loss = 4;
    size_t n = history_thin(m, HISTORY_RECENT + 4);
    CHECK(n == HISTORY_RECENT + 3 && m[1].step == 2 && m[2].step == 3);
}
