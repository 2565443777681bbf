// SPDX-License-Identifier: GPL-3.0-or-later
// The test harness: TEST(name) { ... CHECK(...); } in files of their own; main is in check.c.
// A failed CHECK prints where and what and leaves the test; the program goes on with the next one.
// Every program ends with "N passed, N failed, N skipped" and exits 1 if any failed.
#ifndef PROMPTER_TESTS_CHECK_H
#define PROMPTER_TESTS_CHECK_H

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

void check_register(const char *name, void (*run)(void));
void check_failed(const char *file, int line, const char *format, ...) __attribute__((format(printf, 3, 4)));
void check_skipped(const char *why);
// The path of a file of the tests folder, or of ../shared; static storage, valid until the next 4 calls.
const char *check_path(const char *below_tests);
const char *check_shared(const char *below_shared); // NULL when ../shared does not exist
// A fresh folder for this test program, removed at exit.
const char *check_folder(void);
// The models and tasks of tests/share are the shipped ones (PROMPTER_SHARE), as at the start of every test
// program; for a test that comes after one with another share.
void check_use_share(void);

#define TEST(name)                                                                                           \
    static void test_##name(void);                                                                           \
    __attribute__((constructor)) static void register_##name(void) {                                         \
        check_register(#name, test_##name);                                                                  \
    }                                                                                                        \
    static void test_##name(void)

#define CHECK(condition)                                                                                     \
    do {                                                                                                     \
        if (!(condition)) {                                                                                  \
            check_failed(__FILE__, __LINE__, "%s", #condition);                                              \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

// A call that fills an error named e: on failure its message is shown.
#define CHECK_OK(call)                                                                                       \
    do {                                                                                                     \
        if (!(call)) {                                                                                       \
            check_failed(__FILE__, __LINE__, "%s: %s", #call, e.text);                                       \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#define CHECK_TEXT(got, wanted)                                                                              \
    do {                                                                                                     \
        const char *got_ = (got), *wanted_ = (wanted);                                                       \
        if (!got_ || strcmp(got_, wanted_) != 0) {                                                           \
            check_failed(__FILE__, __LINE__, "%s is \"%s\", not \"%s\"", #got, got_ ? got_ : "(null)",       \
                         wanted_);                                                                           \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

// The text must contain a part: for messages.
#define CHECK_HAS(got, part)                                                                                 \
    do {                                                                                                     \
        const char *got_ = (got), *part_ = (part);                                                           \
        if (!got_ || !strstr(got_, part_)) {                                                                 \
            check_failed(__FILE__, __LINE__, "%s is \"%s\", without \"%s\"", #got, got_ ? got_ : "(null)",   \
                         part_);                                                                             \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#define CHECK_SIZE(got, wanted)                                                                              \
    do {                                                                                                     \
        size_t got_ = (size_t)(got), wanted_ = (size_t)(wanted);                                             \
        if (got_ != wanted_) {                                                                               \
            check_failed(__FILE__, __LINE__, "%s is %zu, not %zu", #got, got_, wanted_);                     \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

// |got - wanted| < tolerance, written so that NaN fails.
#define CHECK_NEAR(got, wanted, tolerance)                                                                   \
    do {                                                                                                     \
        double got_ = (got), wanted_ = (wanted);                                                             \
        if (!(fabs(got_ - wanted_) < (tolerance))) {                                                         \
            check_failed(__FILE__, __LINE__, "%s is %.9g, not %.9g", #got, got_, wanted_);                   \
            return;                                                                                          \
        }                                                                                                    \
    } while (0)

#define SKIP(why)                                                                                            \
    do {                                                                                                     \
        check_skipped(why);                                                                                  \
        return;                                                                                              \
    } while (0)

#endif
