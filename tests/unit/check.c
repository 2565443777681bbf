// SPDX-License-Identifier: GPL-3.0-or-later
// Runs the registered tests in the order of the file, or those whose name contains an argument.
#include "check.h"

#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_TESTS = 512 };
static struct {
    const char *name;
    void (*run)(void);
} tests[MOST_TESTS];
static size_t count;
static bool failed_now;
static const char *skipped_now;
static char folder[64];

void check_register(const char *name, void (*run)(void)) {
    if (count == MOST_TESTS)
        abort();
    tests[count].name = name;
    tests[count++].run = run;
}

void check_failed(const char *file, int line, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("FAIL %s:%d: ", file, line);
    vprintf(format, args);
    putchar('\n');
    va_end(args);
    failed_now = true;
}

void check_skipped(const char *why) {
    skipped_now = why;
}

static const char *ring_path(const char *top, const char *below) {
    static char ring[8][512];
    static unsigned next;
    char *out = ring[next++ % 8];
    snprintf(out, sizeof ring[0], "%s/%s", top, below);
    return out;
}

const char *check_path(const char *below_tests) {
    return ring_path("tests", below_tests);
}

const char *check_shared(const char *below_shared) {
    struct stat st;
    const char *top = getenv("PROMPTER_SHARED") ? getenv("PROMPTER_SHARED") : "../shared";
    return stat(top, &st) == 0 ? ring_path(top, below_shared) : NULL;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at) {
    (void)st, (void)kind, (void)at;
    return remove(path);
}

static void remove_folder(void) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

const char *check_folder(void) {
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "/tmp/prompter-test-XXXXXX");
        if (!mkdtemp(folder))
            abort();
        atexit(remove_folder);
    }
    return folder;
}

void check_use_share(void) {
    char *share = realpath("tests/share", NULL);
    if (!share || setenv("PROMPTER_SHARE", share, 1) != 0)
        abort();
    free(share);
}

int main(int argc, char **argv) {
    check_use_share();
    size_t passed = 0, failed = 0, skipped = 0;
    for (size_t i = 0; i < count; i++) {
        bool wanted = argc < 2;
        for (int a = 1; a < argc; a++)
            wanted |= strstr(tests[i].name, argv[a]) != NULL;
        if (!wanted)
            continue;
        failed_now = false;
        skipped_now = NULL;
        tests[i].run();
        if (failed_now) {
            failed++;
            printf("FAIL %s\n", tests[i].name);
        } else if (skipped_now) {
            skipped++;
            printf("skip %s: %s\n", tests[i].name, skipped_now);
        } else {
            passed++;
            printf("ok %s\n", tests[i].name);
        }
        fflush(stdout);
    }
    printf("%zu passed, %zu failed, %zu skipped\n", passed, failed, skipped);
    return failed > 0;
}
