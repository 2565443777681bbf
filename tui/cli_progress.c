// SPDX-License-Identifier: GPL-3.0-or-later
#include "tui/cli_progress.h"

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/base/clock.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"

enum { LINE_BYTES = 79 }; // of a line that is replaced: the narrowest terminal's, without its last column

static atomic_bool cancel;
static volatile sig_atomic_t asked, most_asked = 1;

static void ask_to_stop(int number) {
    if (++asked > most_asked)
        _exit(128 + number);
    atomic_store(&cancel, true);
}

atomic_bool *cli_listen_to_signals(int patience) {
    most_asked = patience;
    struct sigaction action = {.sa_handler = ask_to_stop};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    return &cancel;
}

int cli_stop_asked(void) {
    return asked ? (int)asked : (int)atomic_load(&cancel);
}

static void begin(struct cli_progress *p) {
    if (p->begun)
        return;
    p->begun = true;
    p->terminal = isatty(STDERR_FILENO);
    p->told_at = -1000;
}

void cli_progress_say(struct cli_progress *p, bool lasting, const char *format, ...) {
    double now = clock_seconds();
    begin(p);
    if (p->silent || (!lasting && now - p->told_at < (p->terminal ? 0.2 : 10.0)))
        return;
    p->told_at = now;
    va_list args;
    va_start(args, format);
    cli_progress_clear(p);
    if (lasting || !p->terminal) {
        vfprintf(stderr, format, args);
        fputc('\n', stderr);
    } else {
        char text[LINE_BYTES + 1];
        vsnprintf(text, sizeof text, format, args);
        size_t cut = strlen(text), bad;
        if (!utf8_valid(text, cut, &bad)) // a character that was cut in two
            text[bad] = 0;
        fputs(text, stderr);
    }
    va_end(args);
}

bool cli_progress_room(size_t *columns, size_t *rows) {
    struct winsize size = {0};
    const char *term = getenv("TERM");
    if (!isatty(STDERR_FILENO) || !term || strcmp(term, "dumb") == 0 ||
        ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0)
        return false;
    *columns = size.ws_col;
    *rows = size.ws_row;
    return *columns && *rows;
}

// To the first line of what is shown. A terminal of another width has perhaps broken its lines anew: nobody
// knows how many they are now, so they stay, and what comes stands below.
static void go_back(struct buffer *out, struct cli_progress *p) {
    size_t columns = 0, rows = 0;
    if (p->shown && (!cli_progress_room(&columns, &rows) || columns != p->columns))
        buffer_add_char(out, '\n');
    else if (p->lines > 1)
        buffer_printf(out, "\033[%zuA", p->lines - 1);
    buffer_add_char(out, '\r');
    p->lines = 0;
    free(p->shown);
    p->shown = NULL;
}

void cli_progress_show(struct cli_progress *p, const char *text) {
    double now = clock_seconds();
    size_t columns = 0, rows = 0;
    struct buffer b = {0};
    begin(p);
    if (p->silent || !p->terminal || now - p->told_at < 0.2 || !cli_progress_room(&columns, &rows) ||
        (p->shown && columns == p->columns && strcmp(text, p->shown) == 0))
        return;
    p->told_at = now;
    go_back(&b, p);
    for (const char *at = text;
         ;) { // each line ends what was there before only behind itself: nothing flickers
        size_t n = strcspn(at, "\n");
        buffer_add(&b, at, n);
        buffer_add_text(&b, "\033[K");
        p->lines++;
        if (!at[n])
            break;
        buffer_add_char(&b, '\n');
        at += n + 1;
    }
    buffer_add_text(&b, "\033[J");
    if (buffer_ok(&b, NULL))
        fwrite(b.data, 1, b.length, stderr);
    buffer_free(&b);
    p->columns = columns;
    p->shown = mem_strdup(text, NULL);
}

void cli_progress_clear(struct cli_progress *p) {
    struct buffer b = {0};
    if (!p->terminal || p->silent)
        return;
    go_back(&b, p);
    buffer_add_text(&b, "\033[J");
    if (buffer_ok(&b, NULL))
        fwrite(b.data, 1, b.length, stderr);
    buffer_free(&b);
}

void cli_duration(double seconds, char *out, size_t size) {
    if (seconds < 100)
        snprintf(out, size, "%.0f s", seconds);
    else if (seconds < 6000)
        snprintf(out, size, "%.0f min", seconds / 60);
    else
        snprintf(out, size, "%.1f h", seconds / 3600);
}

void cli_print_object(cJSON *take) {
    struct error e = {0};
    char *text = json_print(take, false, &e);
    if (!text || puts(text) < 0 || fflush(stdout) != 0)
        atomic_store(&cancel, true); // nobody reads any more, or the disk is full
    free(text);
    cJSON_Delete(take);
}

cJSON *cli_event(const char *name, size_t step) {
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, "event", name);
    if (step != SIZE_MAX)
        cJSON_AddNumberToObject(o, "step", (double)step);
    return o;
}

void cli_add_number(cJSON *o, const char *name, double value) {
    if (isfinite(value))
        cJSON_AddNumberToObject(o, name, value);
    else
        cJSON_AddNullToObject(o, name);
}

// ---- the log ----

enum { EVERY_STEP = 1000 }; // so many steps are all written
// Then one at most every half second, and one in so many parts of the time that went by.
#define LEAST_PAUSE 0.5
#define PARTS       2000.0

struct cli_log {
    FILE *file;
    size_t steps;
    double began, told_at;
};

struct cli_log *cli_log_open(const char *path, bool anew) {
    struct cli_log *log = mem_calloc(1, sizeof *log, NULL);
    FILE *file = log ? fopen(path, anew ? "we" : "ae") : NULL;
    if (!file) {
        fprintf(stderr, "%s cannot be written: there will be no curves of this run to watch\n", path);
        free(log);
        return NULL;
    }
    *log = (struct cli_log){.file = file, .began = clock_seconds()};
    if (!anew) // a line that a crash has cut ends here
        fputc('\n', file);
    return log;
}

static bool wanted(struct cli_log *log, const cJSON *o) {
    const cJSON *event = cJSON_GetObjectItemCaseSensitive(o, "event");
    if (!cJSON_IsString(event) || strcmp(event->valuestring, "step") != 0)
        return true;
    double now = clock_seconds(), pause = fmax(LEAST_PAUSE, (now - log->began) / PARTS);
    if (log->steps++ >= EVERY_STEP && now - log->told_at < pause)
        return false;
    log->told_at = now;
    return true;
}

void cli_log_object(struct cli_log *log, const cJSON *o) {
    if (!log || !log->file || !wanted(log, o))
        return;
    char *text = json_print(o, false, NULL);
    if (!text || fprintf(log->file, "%s\n", text) < 0 || fflush(log->file) != 0) {
        fprintf(stderr, "the log of this run cannot be written any more: its curves end here\n");
        fclose(log->file);
        log->file = NULL;
    }
    free(text);
}

void cli_log_close(struct cli_log *log) {
    if (log && log->file)
        fclose(log->file);
    free(log);
}
