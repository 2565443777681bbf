// SPDX-License-Identifier: GPL-3.0-or-later
// The terminal's loop.
//
// One poll waits for the terminal, the signal pipe and the client. What a key changed is drawn at once; what
// came from the client's side is drawn at most every 16 ms, so that a busy engine cannot keep the screen
// busy.
#include "tui/loop.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/clock.h"
#include "tui/command_line.h"
#include "tui/loop_parts.h"
#include "tui/signals.h"
#include "tui/term.h"

static const double FRAME = 0.016; // between drawings for the client
static const double KEY_FRAME =
    0.002;                          // between drawings for keys: a paste is drawn now and then, not by letter
static const double LAST_WAIT = 10; // for the client to finish when the terminal is gone
enum { MOST_KEYS = 512 };           // taken in one go

void loop_open_command_line(const char *begin) {
    command_line_open(begin);
}

void loop_pass_key(const struct loop_client *client, struct key k, double now) {
    bool control_c = k.code == KEY_CODE_CHARACTER && k.control && !k.alt && k.character == 'c';
    if (command_line_is_open() && k.code == KEY_CODE_MOUSE) {
        return; // what is typed is finished first
    } else if (command_line_is_open()) {
        command_line_key(k);
        char *text = command_line_take();
        if (text && *text)
            client->command(client->context, text, now);
        free(text);
    } else if (control_c) {
        client->interrupt(client->context, now);
    } else {
        client->key(client->context, k, now);
    }
}

void loop_draw(const struct loop_client *client, struct grid *g, double now) {
    grid_clear(g);
    client->draw(client->context, g, now);
    command_line_draw(g);
}

// ---- the terminal ----

struct loop {
    const struct loop_client *client;
    struct grid *grid;
    bool changed;     // something of ours is to be drawn
    bool key_changed; // ... or may be, because of a key
    bool gone;        // no terminal any more
    bool ending;      // the client was told to finish
    bool continued;   // the next SIGCONT is of our own stopping, which has been dealt with
    double drawn_at, gone_at;
};

static bool redraw_wanted;

void loop_redraw(void) {
    redraw_wanted = true;
}

static bool mouse_wanted;

void loop_set_mouse(bool on) {
    mouse_wanted = on;
}

bool loop_mouse(void) {
    return mouse_wanted;
}

static void end_client(struct loop *l, int number) {
    if (!l->ending)
        l->client->terminate(l->client->context, number);
    l->ending = true;
}

static void lose_terminal(struct loop *l) {
    if (l->gone)
        return;
    l->gone = true;
    l->gone_at = clock_seconds();
    term_lost();
    end_client(l, SIGHUP);
}

static void suspend(struct loop *l) {
    term_suspend();
    l->changed = l->continued = true;
}

static void take_signals(struct loop *l) {
    for (int number; (number = signals_take()) != 0;) {
        switch (number) {
        case SIGWINCH:
            term_resize();
            break;
        case SIGCONT:
            if (!l->continued)
                term_resume();
            l->continued = false;
            break;
        case SIGTSTP:
            suspend(l);
            break;
        case SIGINT:
            l->client->interrupt(l->client->context, clock_seconds());
            break;
        default:
            end_client(l, number);
        }
        l->changed = true;
    }
}

static void take_keys(struct loop *l) {
    struct key k;
    for (int i = 0; i < MOST_KEYS && term_key(&k); i++) {
        bool control = k.code == KEY_CODE_CHARACTER && k.control && !k.alt;
        if (control && k.character == 'z') {
            suspend(l);
        } else if (control && k.character == 'l' && command_line_is_open()) {
            term_redraw();
            l->changed = true;
        } else {
            loop_pass_key(l->client, k, clock_seconds());
            l->key_changed = true;
        }
        if (l->client->finished(l->client->context))
            return;
    }
}

static bool fit_grid(struct loop *l, struct error *e) {
    int rows, columns;
    term_size(&rows, &columns);
    if (l->grid->rows == rows && l->grid->columns == columns)
        return true;
    return grid_resize(l->grid, rows, columns, e);
}

// What says once that it changed, and has forgotten it when asked again, stays changed until it is drawn.
static bool is_dirty(struct loop *l, double now) {
    if (command_line_changed() || redraw_wanted || l->client->dirty(l->client->context, now))
        l->changed = true;
    return l->changed;
}

static bool draw(struct loop *l, double now, struct error *e) {
    if (redraw_wanted)
        term_redraw();
    redraw_wanted = false;
    term_mouse(mouse_wanted);
    if (!fit_grid(l, e))
        return false;
    loop_draw(l->client, l->grid, now);
    term_show(l->grid);
    command_line_changed(); // drawn
    l->changed = l->key_changed = false;
    l->drawn_at = clock_seconds();
    return true;
}

// Milliseconds until something is to be done that nobody wakes us for; -1: nothing.
static int wait_time(struct loop *l, double now) {
    double until = l->client->deadline(l->client->context);
    if (until > 0 && until < now + 0.001)
        until = now + 0.001; // a client that does not know better must not keep us spinning
    if (l->gone)
        until = l->gone_at + LAST_WAIT;
    else if (is_dirty(l, now))
        until = l->drawn_at + (l->key_changed ? KEY_FRAME : FRAME);
    if (!(until > 0))
        return -1;
    double left = ceil((until - now) * 1000);
    return left < 0 ? 0 : left > 60000 ? 60000 : (int)left;
}

static bool step(struct loop *l, struct error *e) {
    double now = clock_seconds();
    struct pollfd fd[3] = {
        {.fd = l->gone ? -1 : term_fd(), .events = POLLIN},
        {.fd = signals_fd(), .events = POLLIN},
        {.fd = l->client->fd, .events = POLLIN},
    };
    if (poll(fd, 3, wait_time(l, now)) < 0 && errno != EINTR)
        return error_system(e, "waiting for keys failed");
    if (fd[1].revents & POLLIN)
        take_signals(l);
    if (fd[0].revents & POLLIN)
        take_keys(l);
    if (fd[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        lose_terminal(l);
    if (fd[2].revents)
        l->client->wake(l->client->context, clock_seconds());
    now = clock_seconds();
    bool due = now - l->drawn_at >= (l->key_changed ? KEY_FRAME : FRAME);
    if (!l->gone && due && is_dirty(l, now))
        return draw(l, now, e);
    l->key_changed = l->key_changed && is_dirty(l, now);
    return true;
}

static bool over(const struct loop *l) {
    return l->client->finished(l->client->context) || (l->gone && clock_seconds() - l->gone_at > LAST_WAIT);
}

bool loop_run_terminal(const struct loop_client *client, const struct loop_options *options,
                       struct error *e) {
    struct loop l = {.client = client};
    struct term_options t = {
        .color = options->color, .escape_delay = options->escape_delay, .log_path = options->log_path};
    struct error history = {0};
    bool ok = false;
    if (!grid_create(&l.grid, 1, 1, e))
        return false;
    if (!term_open(&t, e))
        goto done;
    if (!signals_open(term_restore, e))
        goto done;
    command_line_start(client, options->history_path, &history);
    loop_set_mouse(options->mouse);
    l.grid->ascii = options->ascii || term_wants_ascii();
    ok = draw(&l, clock_seconds(), e);
    while (ok && !over(&l))
        ok = step(&l, e);
done:
    command_line_stop(&history);
    term_close();
    signals_close();
    grid_free(l.grid);
    if (history.kind != ERROR_NONE)
        fprintf(stderr, "prompter: %s\n", history.text);
    return ok;
}
