// SPDX-License-Identifier: GPL-3.0-or-later
// The self-pipe, and handlers for crashes that leave the terminal as it was.
#include "tui/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/file.h"

static const int PASSED_ON[] = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT};
static const int CRASHES[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
enum {
    PASSED_ON_COUNT = sizeof PASSED_ON / sizeof *PASSED_ON,
    CRASH_COUNT = sizeof CRASHES / sizeof *CRASHES,
    STACK_SIZE = 64 * 1024,
};

static int pipe_end[2] = {-1, -1};
static struct sigaction old_passed_on[PASSED_ON_COUNT], old_crash[CRASH_COUNT], old_pipe;
static stack_t old_stack;
static void *stack; // handlers of crashes run here: the crash may be that the stack is full
static void (*restore_terminal)(void);
static atomic_llong asked_at; // monotonic milliseconds of the first request to end, 0: none

static long long milliseconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t); // async-signal-safe
    return (long long)t.tv_sec * 1000 + t.tv_nsec / 1000000 + 1;
}

// Does to this process what the signal does by default.
static void die_of(int number) {
    struct sigaction plain = {.sa_handler = SIG_DFL};
    sigset_t only;
    sigaction(number, &plain, NULL);
    sigemptyset(&only);
    sigaddset(&only, number);
    raise(number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    _exit(128 + number);
}

static void pass_on(int number) {
    int saved = errno;
    if (number == SIGTERM || number == SIGHUP || number == SIGQUIT) {
        long long now = milliseconds(), none = 0;
        if (!atomic_compare_exchange_strong(&asked_at, &none, now) && now - none >= 2000) {
            restore_terminal();
            die_of(number);
        }
    }
    unsigned char byte = (unsigned char)number;
    // A full pipe already wakes the loop; a repeated signal says nothing new.
    if (write(pipe_end[1], &byte, 1) < 0) {
    }
    errno = saved;
}

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) {
    }
}

// A mapped file that became shorter, or whose disk is gone, is no mistake of ours: which one it was is told.
static bool tell_lost_file(int number, const siginfo_t *info) {
    const char *path = number == SIGBUS ? file_map_at(info->si_addr) : NULL;
    if (!path)
        return false;
    say("prompter: ");
    say(path);
    say(" was cut short or taken away while it was in use; put it back and start again: the session is kept "
        "up "
        "to its last step\n");
    return true;
}

static void crash(int number, siginfo_t *info, void *context) {
    (void)context;
    restore_terminal();
    if (tell_lost_file(number, info))
        _exit(1);
    die_of(number);
}

static void lose_file(int number, siginfo_t *info, void *context) {
    (void)context;
    if (tell_lost_file(number, info))
        _exit(1);
    die_of(number);
}

void signals_tell_lost_files(void) {
    struct sigaction a = {.sa_sigaction = lose_file, .sa_flags = SA_SIGINFO | SA_RESETHAND};
    sigemptyset(&a.sa_mask);
    sigaction(SIGBUS, &a, NULL);
}

static bool open_pipe(struct error *e) {
    if (pipe2(pipe_end, O_NONBLOCK | O_CLOEXEC) != 0)
        return error_system(e, "no pipe for signals");
    return true;
}

bool signals_open(void (*restore)(void), struct error *e) {
    if (!open_pipe(e))
        return false;
    restore_terminal = restore;
    atomic_store(&asked_at, 0);
    stack = malloc(STACK_SIZE);
    if (stack) {
        stack_t s = {.ss_sp = stack, .ss_size = STACK_SIZE};
        sigaltstack(&s, &old_stack);
    }
    struct sigaction a = {.sa_handler = pass_on, .sa_flags = SA_RESTART};
    sigfillset(&a.sa_mask);
    for (int i = 0; i < PASSED_ON_COUNT; i++)
        sigaction(PASSED_ON[i], &a, &old_passed_on[i]);
    a.sa_sigaction = crash;
    a.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND;
    for (int i = 0; i < CRASH_COUNT; i++)
        sigaction(CRASHES[i], &a, &old_crash[i]);
    a.sa_handler = SIG_IGN;
    a.sa_flags = 0;
    sigaction(SIGPIPE, &a, &old_pipe);
    return true;
}

void signals_close(void) {
    if (pipe_end[0] < 0)
        return;
    for (int i = 0; i < PASSED_ON_COUNT; i++)
        if (PASSED_ON[i] != SIGHUP)
            sigaction(PASSED_ON[i], &old_passed_on[i], NULL);
    const struct sigaction ignored = {.sa_handler = SIG_IGN};
    sigaction(SIGHUP, &ignored, NULL);
    for (int i = 0; i < CRASH_COUNT; i++)
        sigaction(CRASHES[i], &old_crash[i], NULL);
    sigaction(SIGPIPE, &old_pipe, NULL);
    if (stack)
        sigaltstack(&old_stack, NULL);
    free(stack);
    stack = NULL;
    close(pipe_end[0]);
    close(pipe_end[1]);
    pipe_end[0] = pipe_end[1] = -1;
}

int signals_fd(void) {
    return pipe_end[0];
}

int signals_take(void) {
    unsigned char byte;
    return read(pipe_end[0], &byte, 1) == 1 ? byte : 0;
}

void signals_stop(void) {
    struct sigaction plain = {.sa_handler = SIG_DFL}, ours;
    sigaction(SIGTSTP, &plain, &ours);
    raise(SIGTSTP); // the whole process stops here
    sigaction(SIGTSTP, &ours, NULL);
}
