// SPDX-License-Identifier: GPL-3.0-or-later
// A long run in the workbench under a pseudo-terminal, with random keys and sizes, while its memory and its
// answers are watched.
//
//   soak --journal FILE [--steps N] [--seconds N] [--rate KEYS-A-SECOND] [--seed N] -- PROGRAM ARGUMENT...
//
// Presses Space to start the run, then random keys and new sizes, until the session's journal has N steps, or
// the seconds are over. Between the keys, once a second, it goes to Help and back and times how
// long the screen takes to follow. Resident memory is taken from /proc once a second; what it is after a
// fifth of the time (warm-up: until the thinned history is full) is compared with the end.
// Prints a JSON object; exit status 1 when the program ended by itself or did not end when asked.
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/random.h"

enum { MOST_SAMPLES = 100000, TEXT = 1 << 15 };

// Keys that leave the run alone: screens, moves, folding, sorting, zoom, an evaluation, the command line and
// out of it. Each is safe wherever it is pressed.
static const char *const keys[] = {
    "1",       "3",      "4",      "\t",  "\033[Z",  "\033OA", "\033OB",   "\033OC",   "\033OD", "\033[5~",
    "\033[6~", "z",      "3+",     "3-",  "3e",      "?",      "\033",     ":rat\033", "3",      "4",
    "3z",      "\033OH", "\033OF", "4\t", ":\t\033", "3\t",    ":xyz\033", "4c",       "3l",     "3m",
};
static const struct winsize sizes[] = {{.ws_row = 24, .ws_col = 80},
                                       {.ws_row = 40, .ws_col = 120},
                                       {.ws_row = 16, .ws_col = 60},
                                       {.ws_row = 60, .ws_col = 200},
                                       {.ws_row = 30, .ws_col = 100}};

struct soak {
    const char *journal;
    size_t steps, done, pressed, resized, slow;
    double seconds, rate;
    struct random random;
    int terminal;
    pid_t program;
    bool ended;
    char text[TEXT]; // what the program wrote last
    size_t length;
    float answer[MOST_SAMPLES]; // seconds
    size_t answers, unanswered;
    size_t pages[MOST_SAMPLES]; // resident memory, once a second
    size_t samples;
};

static void die(const char *what) {
    fprintf(stderr, "soak: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void take_output(struct soak *s, double until) {
    struct pollfd p = {.fd = s->terminal, .events = POLLIN};
    double left = until - clock_seconds();
    char bytes[8192];
    if (poll(&p, 1, left > 0 ? (int)(1000 * left) + 1 : 0) <= 0)
        return;
    ssize_t n = read(s->terminal, bytes, sizeof bytes);
    if (n <= 0) {
        s->ended = true;
        return;
    }
    if (s->length + (size_t)n >= TEXT) {
        memmove(s->text, s->text + s->length / 2, s->length - s->length / 2);
        s->length -= s->length / 2;
    }
    memcpy(s->text + s->length, bytes, (size_t)n);
    s->length += (size_t)n;
    s->text[s->length] = '\0';
}

static void drain(struct soak *s, double seconds) {
    double until = clock_seconds() + seconds;
    do
        take_output(s, until);
    while (!s->ended && clock_seconds() < until);
}

static void press(struct soak *s, const char *bytes) {
    size_t n = strlen(bytes);
    if (write(s->terminal, bytes, n) != (ssize_t)n)
        s->ended = true;
}

// A key whose answer has a text in it that nothing else brings.
static void time_answer(struct soak *s, const char *key, const char *text) {
    double began = clock_seconds(), until = began + 5;
    s->length = 0;
    s->text[0] = '\0';
    press(s, key);
    while (!s->ended && clock_seconds() < until) {
        take_output(s, until);
        if (!memmem(s->text, s->length, text, strlen(text)))
            continue;
        double took = clock_seconds() - began;
        if (s->answers < MOST_SAMPLES)
            s->answer[s->answers++] = (float)took;
        s->slow += took > 0.05;
        return;
    }
    s->unanswered += !s->ended;
}

static size_t resident_pages(pid_t program) {
    char path[64];
    unsigned long size = 0, resident = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)program);
    FILE *f = fopen(path, "re");
    if (f && fscanf(f, "%lu %lu", &size, &resident) != 2)
        resident = 0;
    if (f)
        fclose(f);
    return resident;
}

// A quiet screen of a known size, from which the keys begin; anything open is left.
static void settle(struct soak *s) {
    press(s, "\033");
    drain(s, 0.15); // an escape stands alone only after a while
    press(s, "3");
    drain(s, 0.05);
}

// The step of the journal's last line that has one.
static size_t steps_done(const char *path) {
    char tail[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0, from = end > 4095 ? end - 4095 : 0;
    ssize_t n = fd >= 0 ? pread(fd, tail, sizeof tail - 1, from) : 0;
    if (fd >= 0)
        close(fd);
    tail[n > 0 ? n : 0] = '\0';
    size_t step = 0;
    for (char *p = tail; (p = strstr(p, "\"step\":")); p += 7)
        step = strtoull(p + 7, NULL, 10);
    return step;
}

static void look(struct soak *s) {
    settle(s);
    time_answer(s, "?", "help");
    time_answer(s, "3", "3 Run");
    if (s->samples < MOST_SAMPLES)
        s->pages[s->samples++] = resident_pages(s->program);
    s->done = steps_done(s->journal);
}

static void soak(struct soak *s) {
    double until = clock_seconds() + s->seconds, look_at = 0, resize_at = clock_seconds() + 3;
    drain(s, 3);
    press(s, "3 ");
    drain(s, 1);
    while (!s->ended && clock_seconds() < until && s->done < s->steps) {
        double now = clock_seconds();
        if (now >= look_at) {
            look(s);
            look_at = now + 1;
        } else if (now >= resize_at) {
            ioctl(s->terminal, TIOCSWINSZ, &sizes[random_below(&s->random, sizeof sizes / sizeof *sizes)]);
            s->resized++;
            resize_at = now + 2 + random_uniform(&s->random);
        } else {
            press(s, keys[random_below(&s->random, sizeof keys / sizeof *keys)]);
            s->pressed++;
        }
        drain(s, 1 / s->rate);
    }
}

static int compare(const void *a, const void *b) {
    float x = *(const float *)a, y = *(const float *)b;
    return (x > y) - (x < y);
}

static double share_of(const struct soak *s, double share) {
    size_t at = (size_t)(share * (double)s->answers);
    return s->answers ? 1000 * (double)s->answer[at < s->answers ? at : s->answers - 1] : 0;
}

static void report(struct soak *s, int status, double took) {
    size_t warm = s->samples / 5, page = (size_t)sysconf(_SC_PAGESIZE), most = 0;
    size_t first = s->samples ? s->pages[warm] : 0, last = s->samples ? s->pages[s->samples - 1] : 0;
    for (size_t i = warm; i < s->samples; i++)
        most = s->pages[i] > most ? s->pages[i] : most;
    fprintf(stderr, "resident memory in MB, in tenths of the time:");
    for (size_t i = 0; s->samples && i <= 10; i++)
        fprintf(stderr, " %.2f", (double)(s->pages[i * (s->samples - 1) / 10] * page) / 1e6);
    fputc('\n', stderr);
    qsort(s->answer, s->answers, sizeof *s->answer, compare);
    printf("{\"seconds\": %.0f, \"steps\": %zu, \"keys\": %zu, \"resizes\": %zu, \"warm_mb\": %.2f, "
           "\"end_mb\": %.2f, "
           "\"most_mb\": %.2f, \"growth_percent\": %.2f, \"answers\": %zu, \"unanswered\": %zu, "
           "\"p50_ms\": %.1f, \"p99_ms\": %.1f, \"max_ms\": %.1f, \"over_50_ms\": %zu, \"exit\": %d}\n",
           took, s->done, s->pressed, s->resized, (double)(first * page) / 1e6, (double)(last * page) / 1e6,
           (double)(most * page) / 1e6, first ? 100 * ((double)last / (double)first - 1) : 0, s->answers,
           s->unanswered, share_of(s, 0.5), share_of(s, 0.99), share_of(s, 1), s->slow,
           WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

static char **read_arguments(struct soak *s, int argc, char **argv) {
    uint64_t seed = 1;
    int i = 1;
    for (; i + 1 < argc && strcmp(argv[i], "--") != 0; i += 2) {
        if (strcmp(argv[i], "--seconds") == 0)
            s->seconds = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--steps") == 0)
            s->steps = strtoull(argv[i + 1], NULL, 10);
        else if (strcmp(argv[i], "--journal") == 0)
            s->journal = argv[i + 1];
        else if (strcmp(argv[i], "--rate") == 0)
            s->rate = atof(argv[i + 1]);
        else if (strcmp(argv[i], "--seed") == 0)
            seed = strtoull(argv[i + 1], NULL, 10);
        else
            i = argc;
    }
    if (i + 1 >= argc || !(s->rate > 0) || !(s->seconds > 0) || !s->journal) {
        fprintf(stderr, "usage: soak --journal FILE [--steps N] [--seconds N] [--rate N] [--seed N] -- "
                        "PROGRAM ARGUMENT...\n");
        exit(2);
    }
    random_seed(&s->random, seed, 0);
    return argv + i + 1;
}

int main(int argc, char **argv) {
    static struct soak s = {.seconds = 600, .rate = 20, .steps = 100000};
    char **program = read_arguments(&s, argc, argv);
    s.program = forkpty(&s.terminal, NULL, NULL, &sizes[0]);
    if (s.program < 0)
        die("no pseudo-terminal");
    if (s.program == 0) {
        setenv("TERM", "xterm-256color", 1);
        execvp(program[0], program);
        _exit(127);
    }
    double began = clock_seconds();
    soak(&s);
    bool early = s.ended;
    if (!early) {
        settle(&s);
        press(&s, "Qy");
    }
    int status = 0;
    double until = clock_seconds() + 60;
    while (waitpid(s.program, &status, WNOHANG) == 0 && clock_seconds() < until)
        drain(&s, 0.05);
    if (clock_seconds() >= until) {
        kill(s.program, SIGKILL);
        waitpid(s.program, &status, 0);
    }
    report(&s, status, clock_seconds() - began);
    return early || status != 0;
}
