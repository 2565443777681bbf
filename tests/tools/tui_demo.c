// SPDX-License-Identifier: GPL-3.0-or-later
// A small client of the loop, for trying the terminal side by itself: draws a frame with the size, the keys
// it was sent and a row of every style, counts ticks from a thread, crashes when asked to.
//
//   tui_demo [--ascii] [--no-color] [--history FILE] [--slow-end]
//
// Keys: Q ends, : opens the command line, X crashes, A aborts, E writes to standard error, T starts and stops
// the ticks. On SIGTERM it says so on standard output once the screen is gone (not with --slow-end, which
// never finishes).
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "tui/loop.h"
#include "tui/plot.h"

enum { POINTS = 20000 };

struct demo {
    char keys[4000];
    bool over, dirty, slow_end, pasting;
    int ended_by, interrupts, fd;
    atomic_bool ticking;
    atomic_int ticks;
    float x[POINTS], y[POINTS];
};

static void *tick(void *context) {
    struct demo *d = context;
    for (;;) {
        struct timespec t = {.tv_nsec = 1000000};
        nanosleep(&t, NULL);
        if (atomic_load(&d->ticking) && atomic_load(&d->ticks) < POINTS) {
            unsigned long long one = 1;
            int i = atomic_load(&d->ticks);
            d->x[i] = (float)i;
            d->y[i] = (float)((i * 7919) % 101) / 100;
            atomic_store(&d->ticks, i + 1);
            if (write(d->fd, &one, sizeof one) < 0)
                return NULL;
        }
    }
}

static void demo_draw(void *context, struct grid *g, double now) {
    struct demo *d = context;
    struct area a = grid_area(g);
    (void)now;
    if (g->rows < 10 || g->columns < 40) {
        grid_put_cut(g, a, 0, 0, g->columns, STYLE_PLAIN, "needs 40x10");
        return;
    }
    char size[40];
    snprintf(size, sizeof size, "%dx%d", g->columns, g->rows);
    struct area in = grid_frame(g, area_rows(a, 0, g->rows - 2), true, "demo", size);
    grid_printf(g, in, 0, 0, STYLE_PLAIN, "ready, ticks %d, interrupts %d", atomic_load(&d->ticks),
                d->interrupts);
    grid_put_wrapped(g, area_rows(in, 1, in.rows - 1), 0, STYLE_STRONG, d->keys);
    struct plot_series s = {"tick", STYLE_SERIES_1, d->x, d->y, (size_t)atomic_load(&d->ticks), NULL, false};
    struct plot_options o = {.y_min = 0, .y_max = 1, .x_unit = "tick"};
    plot_draw(g, area_rows(in, 4, in.rows - 4), &s, 1, &o);
    for (int i = 0, column = 0; i < STYLE_COUNT; i++)
        column += grid_printf(g, a, g->rows - 2, column, (enum style)i, "%c█ ", style_letter((enum style)i));
}

static void demo_key(void *context, struct key k, double now) {
    struct demo *d = context;
    char name[40];
    (void)now;
    key_print(k, name, sizeof name);
    d->dirty = true;
    if (strlen(d->keys) + strlen(name) + 2 < sizeof d->keys)
        strcat(strcat(d->keys, name), " ");
    if (k.code == KEY_CODE_PASTE || k.code == KEY_CODE_PASTE_END)
        d->pasting = k.code == KEY_CODE_PASTE;
    if (d->pasting || k.code != KEY_CODE_CHARACTER || k.control || k.alt)
        return;
    if (k.character == 'Q')
        d->over = true;
    else if (k.character == ':')
        loop_open_command_line(NULL);
    else if (k.character == 'X')
        raise(SIGSEGV);
    else if (k.character == 'A')
        abort();
    else if (k.character == 'E')
        fprintf(stderr, "a message for the log\n");
    else if (k.character == 'T' || k.character == ' ')
        atomic_store(&d->ticking, !atomic_load(&d->ticking));
}

static void demo_command(void *context, const char *line, double now) {
    struct demo *d = context;
    (void)now;
    snprintf(d->keys + strlen(d->keys), sizeof d->keys - strlen(d->keys), "[%s] ", line);
    d->dirty = true;
}

static void demo_wake(void *context, double now) {
    struct demo *d = context;
    unsigned long long count;
    (void)now;
    d->dirty |= read(d->fd, &count, sizeof count) > 0;
}

static void demo_interrupt(void *context, double now) {
    struct demo *d = context;
    (void)now;
    d->interrupts++;
    d->dirty = true;
}

static void demo_terminate(void *context, int number) {
    struct demo *d = context;
    d->ended_by = number;
    d->over = !d->slow_end;
}

static bool demo_dirty(void *context, double now) {
    struct demo *d = context;
    bool dirty = d->dirty;
    (void)now;
    d->dirty = false;
    return dirty;
}

static double demo_deadline(void *context) {
    (void)context;
    return 0;
}

static bool demo_finished(void *context) {
    return ((struct demo *)context)->over;
}

static bool demo_idle(void *context) {
    return !atomic_load(&((struct demo *)context)->ticking);
}

int main(int argc, char **argv) {
    static struct demo d;
    struct loop_options options = {.color = !getenv("NO_COLOR")};
    struct error e = {0};
    pthread_t thread;
    setlocale(LC_ALL, "");
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--ascii") == 0)
            options.ascii = true;
        else if (strcmp(argv[i], "--no-color") == 0)
            options.color = false;
        else if (strcmp(argv[i], "--slow-end") == 0)
            d.slow_end = true;
        else if (strcmp(argv[i], "--history") == 0 && i + 1 < argc)
            options.history_path = argv[++i];
    }
    d.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (d.fd < 0 || pthread_create(&thread, NULL, tick, &d) != 0)
        return 1;
    struct loop_client client = {
        .context = &d,
        .draw = demo_draw,
        .key = demo_key,
        .command = demo_command,
        .wake = demo_wake,
        .fd = d.fd,
        .interrupt = demo_interrupt,
        .terminate = demo_terminate,
        .dirty = demo_dirty,
        .deadline = demo_deadline,
        .finished = demo_finished,
        .idle = demo_idle,
    };
    bool ok = loop_run_terminal(&client, &options, &e);
    if (!ok)
        fprintf(stderr, "tui_demo: %s\n", e.text);
    if (d.ended_by)
        printf("ended by signal %d\n", d.ended_by);
    return !ok;
}
