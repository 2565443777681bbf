// SPDX-License-Identifier: GPL-3.0-or-later
// Scripts for the workbench, against a client that draws what it is told and has finished after a while.
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/utf8.h"
#include "fuzz.h"
#include "tui/loop.h"

enum { MOST_CALLS = 60 };

struct client {
    int calls;
    char last[64];
};

static void draw(void *context, struct grid *g, double now) {
    struct client *c = context;
    grid_clear(g);
    grid_put_bytes(g, grid_area(g), 0, 0, STYLE_PLAIN, c->last, strlen(c->last));
    REQUIRE(now >= 0 && now < 1e300);
}

static void key(void *context, struct key k, double now) {
    struct client *c = context;
    (void)now;
    c->calls++;
    REQUIRE(k.code <= KEY_CODE_PASTE_END);
    key_print(k, c->last, sizeof c->last);
    if (k.code == KEY_CODE_CHARACTER && k.character == ':')
        loop_open_command_line(NULL);
}

static void command(void *context, const char *line, double now) {
    struct client *c = context;
    (void)now;
    c->calls++;
    REQUIRE(utf8_valid(line, strlen(line), NULL));
    snprintf(c->last, sizeof c->last, "%s", line);
}

static void wake(void *context, double now) {
    (void)now;
    ((struct client *)context)->calls++;
}
static void terminate(void *context, int signal_number) {
    (void)context, (void)signal_number;
}
static bool dirty(void *context, double now) {
    (void)context, (void)now;
    return true;
}
static double deadline(void *context) {
    (void)context;
    return 0;
}
static bool finished(void *context) {
    return ((struct client *)context)->calls >= MOST_CALLS;
}
static void complete(void *context, const char *line, size_t word_at,
                     void (*add)(void *sink, const char *candidate), void *sink) {
    (void)context;
    REQUIRE(word_at <= strlen(line));
    add(sink, "rate");
    add(sink, "rate-up");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static FILE *nowhere; // "expect" shows the screen on standard error, as it should
    struct error e = {0};
    struct client c = {0};
    setlocale(LC_ALL, "C.UTF-8");
    if (!nowhere)
        nowhere = fopen("/dev/null", "r+");
    REQUIRE(nowhere);
    struct loop_client client = {.context = &c,
                                 .draw = draw,
                                 .key = key,
                                 .command = command,
                                 .wake = wake,
                                 .fd = fileno(nowhere), // always readable
                                 .interrupt = wake,
                                 .terminate = terminate,
                                 .dirty = dirty,
                                 .deadline = deadline,
                                 .finished = finished,
                                 .idle = finished,
                                 .completion = {complete}};
    struct script_options options = {.path = fuzz_file("a.script", data ? data : (const uint8_t *)"", size),
                                     .rows = 6,
                                     .columns = 30,
                                     .dump_folder = fuzz_folder()};
    FILE *kept = stderr;
    stderr = nowhere;
    bool ok = loop_run_script(&client, &options, &e);
    stderr = kept;
    fuzz_answer(ok, &e);
    return 0;
}
