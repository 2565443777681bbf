// SPDX-License-Identifier: GPL-3.0-or-later
// Learning rate schedules at the steps where their values are known.
#include "check.h"

#include "engine/tune/schedule.h"

TEST(warm_up_is_the_same_for_all) {
    for (int kind = SCHEDULE_CONSTANT; kind <= SCHEDULE_COSINE; kind++) {
        CHECK_NEAR(schedule_factor((enum schedule_kind)kind, 0, 4, 20), 0.25, 1e-12);
        CHECK_NEAR(schedule_factor((enum schedule_kind)kind, 2, 4, 20), 0.75, 1e-12);
        CHECK_NEAR(schedule_factor((enum schedule_kind)kind, 3, 4, 20), 1, 1e-12);
    }
}

TEST(constant_stays) {
    CHECK_NEAR(schedule_factor(SCHEDULE_CONSTANT, 0, 0, 10), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_CONSTANT, 500, 3, 10), 1, 1e-12);
}

TEST(linear_falls_to_nothing) {
    CHECK_NEAR(schedule_factor(SCHEDULE_LINEAR, 0, 0, 10), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_LINEAR, 4, 4, 20), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_LINEAR, 12, 4, 20), 0.5, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_LINEAR, 20, 4, 20), 0, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_LINEAR, 21, 4, 20), 0, 1e-12);
}

TEST(noam_falls_with_the_square_root) {
    CHECK_NEAR(schedule_factor(SCHEDULE_NOAM, 0, 0, 10), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_NOAM, 3, 0, 10), 0.5, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_NOAM, 399, 100, 1000), 0.5, 1e-12);
}

TEST(cosine_falls_to_nothing) {
    CHECK_NEAR(schedule_factor(SCHEDULE_COSINE, 4, 4, 20), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_COSINE, 8, 4, 20), 0.5 * (1 + sqrt(0.5)), 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_COSINE, 12, 4, 20), 0.5, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_COSINE, 20, 4, 20), 0, 1e-12);
}

// A warm-up as long as the run or longer, and a run of no steps.
TEST(odd_lengths_stay_within_bounds) {
    for (int kind = SCHEDULE_CONSTANT; kind <= SCHEDULE_STABLE; kind++)
        for (size_t steps = 0; steps < 4; steps++)
            for (size_t warmup = 0; warmup < 6; warmup++)
                for (size_t step = 0; step < 8; step++) {
                    double f = schedule_factor((enum schedule_kind)kind, step, warmup, steps);
                    CHECK(f >= 0 && f <= 1);
                }
}

TEST(inverse_square_root_is_flat_first) {
    CHECK_NEAR(schedule_factor(SCHEDULE_INVERSE_SQRT, 0, 100, 1000), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_INVERSE_SQRT, 99, 100, 1000), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_INVERSE_SQRT, 399, 100, 1000), 0.5, 1e-12);
}

TEST(stable_stays_and_then_decays) {
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 4, 10, 100), 0.5, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 10, 10, 100), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 80, 10, 100), 1, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 90, 10, 100), 0.5, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 100, 10, 100), 0, 1e-12);
    CHECK_NEAR(schedule_factor(SCHEDULE_STABLE, 95, 90, 100), 0.5,
               1e-12); // a long warm-up shortens the decay
}
