// SPDX-License-Identifier: GPL-3.0-or-later
// Scripted mode: the same client, driven from a file, drawn on a grid that no terminal shows.
//
// The language, a step a line; empty lines and lines that begin with # are skipped:
//
//   key KEY...            presses keys by name: key Space   key Ctrl-L Tab PgDn
//   type TEXT             types the rest of the line, letter by letter
//   paste TEXT            pastes it as a terminal would; \n is a newline
//   :COMMAND              runs a command as the command line would
//   wait idle [SECONDS]   until nothing runs or loads, at most so long (600)
//   wait for TEXT         until the screen has the text, at most a minute
//   wait SECONDS          lets the clock go on; nobody waits for it
//   resize COLUMNSxROWS   a screen of another size
//   dump NAME             writes the screen to NAME.txt in the dump folder, or to standard output
//   expect TEXT           fails, showing the screen, unless the screen has the text
//   reject TEXT           fails, showing the screen, if it has
//
// TEXT may stand in double quotes, to begin or end in spaces. The clock starts at 0 and moves only by
// "wait SECONDS", so that what is drawn does not depend on the machine. The script is checked as a whole
// before its first step; messages name its file and line.
#include "tui/loop.h"

#include <ctype.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/clock.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "tui/command_line.h"
#include "tui/loop_parts.h"
#include "tui/theme.h"

enum { MOST_SCRIPT_BYTES = 4 << 20, MOST_SIDE = 1000 };
static const double IDLE_LIMIT = 600, TEXT_LIMIT = 60;

struct script {
    const struct loop_client *client;
    const struct script_options *options;
    struct grid *grid;
    double now; // virtual
    bool check; // only look whether the steps can be understood
};

typedef bool step_run(struct script *s, char *argument, struct error *e);

// ---- the client ----

static void wake_client(struct script *s, int timeout_ms) {
    struct pollfd fd = {.fd = s->client->fd, .events = POLLIN};
    if (poll(&fd, 1, timeout_ms) > 0 && fd.revents)
        s->client->wake(s->client->context, s->now);
}

// The screen as text; owned.
static char *take_screen(struct script *s, char (*letter)(enum style), struct error *e) {
    wake_client(s, 0);
    loop_draw(s->client, s->grid, s->now);
    return grid_dump_with(s->grid, letter, e);
}

static void pass_key(struct script *s, struct key k) {
    bool control_z = k.code == KEY_CODE_CHARACTER && k.control && k.character == 'z';
    if (!control_z) // nothing can be stopped here
        loop_pass_key(s->client, k, s->now);
}

// ---- arguments ----

static char *unquoted(char *text) {
    size_t length = strlen(text);
    if (length >= 2 && text[0] == '"' && text[length - 1] == '"') {
        text[length - 1] = '\0';
        return text + 1;
    }
    return text;
}

static bool read_seconds(const char *text, double *out, struct error *e) {
    char *end;
    double value = strtod(text, &end);
    if (end == text || *end || !(value >= 0) || value > 1e9)
        return error_set(e, ERROR_INPUT, "\"%s\" is no time: give seconds, such as 0.5", text);
    *out = value;
    return true;
}

// ---- steps ----

static bool run_key(struct script *s, char *argument, struct error *e) {
    if (!*argument)
        return error_set(e, ERROR_INPUT, "which key? For example: key Space");
    while (*argument) {
        struct key k;
        size_t length = strcspn(argument, " \t");
        if (!key_parse(&k, argument, length))
            return error_set(e, ERROR_INPUT,
                             "\"%.*s\" is no key: write a character, or a name such as Space, Enter, Esc, "
                             "PgDn, F1, Ctrl-L, Alt-x",
                             (int)length, argument);
        if (!s->check)
            pass_key(s, k);
        argument += length + strspn(argument + length, " \t");
    }
    return true;
}

static bool run_type(struct script *s, char *argument, struct error *e) {
    (void)e;
    argument = unquoted(argument);
    size_t length = strlen(argument);
    for (size_t i = 0; i < length && !s->check;) {
        struct key k = {0};
        i += utf8_decode(argument + i, length - i, &k.character);
        if (k.character == '\t')
            k = (struct key){.code = KEY_CODE_TAB};
        pass_key(s, k);
    }
    return true;
}

static bool run_paste(struct script *s, char *argument, struct error *e) {
    (void)e;
    argument = unquoted(argument);
    size_t length = strlen(argument);
    if (s->check)
        return true;
    pass_key(s, (struct key){.code = KEY_CODE_PASTE});
    for (size_t i = 0; i < length;) {
        struct key k = {0};
        if (argument[i] == '\\' && argument[i + 1] == 'n') {
            k.character = '\n';
            i += 2;
        } else {
            i += utf8_decode(argument + i, length - i, &k.character);
        }
        pass_key(s, k);
    }
    pass_key(s, (struct key){.code = KEY_CODE_PASTE_END});
    return true;
}

static bool run_command(struct script *s, char *argument, struct error *e) {
    if (!*argument)
        return error_set(e, ERROR_INPUT, "which command? For example: :help");
    if (!s->check)
        s->client->command(s->client->context, argument, s->now);
    return true;
}

// What the client does by itself in a moment, e.g. after the last key, it does now: a script's time stands
// still otherwise. Messages that fade later stay.
static void reach_deadline(struct script *s) {
    enum { MOMENT = 1 };
    double at = s->client->deadline(s->client->context);
    if (at > 0 && at - s->now < MOMENT) {
        s->now = at > s->now ? at : s->now;
        s->client->dirty(s->client->context, s->now);
    }
}

static bool wait_idle(struct script *s, char *argument, struct error *e) {
    double limit = IDLE_LIMIT, begin = clock_seconds();
    if (*argument && !read_seconds(argument, &limit, e))
        return false;
    wake_client(s, 0);
    while (!s->check && !s->client->idle(s->client->context) && !s->client->finished(s->client->context)) {
        if (clock_seconds() - begin > limit)
            return error_set(e, ERROR_INPUT, "still busy after %g seconds", limit);
        reach_deadline(s);
        wake_client(s, 10);
    }
    return true;
}

static bool fail_with_screen(struct script *s, const char *what, const char *text, struct error *e) {
    char *screen = take_screen(s, NULL, NULL);
    if (screen)
        fprintf(stderr, "%s", screen);
    free(screen);
    return error_set(e, ERROR_INPUT, "%s \"%s\"; the screen is shown above", what, text);
}

static bool screen_has(struct script *s, const char *text, bool *has, struct error *e) {
    char *screen = take_screen(s, NULL, e);
    if (!screen)
        return false;
    *has = strstr(screen, text) != NULL;
    free(screen);
    return true;
}

static bool wait_for(struct script *s, char *text, struct error *e) {
    double begin = clock_seconds();
    if (!*text)
        return error_set(e, ERROR_INPUT, "wait for what? For example: wait for dev 0.9");
    while (!s->check && !s->client->finished(s->client->context)) {
        bool has;
        if (!screen_has(s, text, &has, e))
            return false;
        if (has)
            return true;
        if (clock_seconds() - begin > TEXT_LIMIT)
            return fail_with_screen(s, "waited in vain for", text, e);
        wake_client(s, 20);
    }
    return s->check || error_set(e, ERROR_INPUT, "the program finished before the screen had \"%s\"", text);
}

// The client's own deadlines are kept on the way, each at its time.
static bool wait_seconds(struct script *s, char *argument, struct error *e) {
    double seconds = 0;
    if (!read_seconds(argument, &seconds, e))
        return error_context(e, "wait takes \"idle\", \"for TEXT\" or a time");
    if (s->check)
        return true;
    double until = s->now + seconds;
    for (int i = 0; i < 100000; i++) {
        double next = s->client->deadline(s->client->context);
        if (!(next > s->now && next < until))
            break;
        s->now = next;
        s->client->dirty(s->client->context, s->now);
        loop_draw(s->client, s->grid, s->now);
    }
    s->now = until;
    wake_client(s, 0);
    s->client->dirty(s->client->context, s->now);
    loop_draw(s->client, s->grid, s->now);
    return true;
}

// The argument if the text begins with the word, else NULL.
static char *after_word(char *text, const char *word) {
    size_t length = strlen(word);
    if (strncmp(text, word, length) != 0 || (text[length] && !isspace((unsigned char)text[length])))
        return NULL;
    return text + length + strspn(text + length, " \t");
}

static bool run_wait(struct script *s, char *argument, struct error *e) {
    char *rest = after_word(argument, "idle");
    if (rest)
        return wait_idle(s, rest, e);
    rest = after_word(argument, "for");
    return rest ? wait_for(s, unquoted(rest), e) : wait_seconds(s, argument, e);
}

static bool run_resize(struct script *s, char *argument, struct error *e) {
    int columns, rows, end = 0;
    if (sscanf(argument, "%4dx%4d%n", &columns, &rows, &end) != 2 || argument[end] || columns < 1 ||
        rows < 1 || columns > MOST_SIDE || rows > MOST_SIDE)
        return error_set(e, ERROR_INPUT, "\"%s\" is no size: write COLUMNSxROWS, e.g. 80x24, at most %dx%d",
                         argument, MOST_SIDE, MOST_SIDE);
    return s->check || grid_resize(s->grid, rows, columns, e);
}

static bool run_dump(struct script *s, char *name, struct error *e) {
    bool ok = false;
    char file[256], *path = NULL, *screen = NULL;
    const char *folder = s->options->dump_folder;
    if (!*name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.") != strlen(name) ||
        name[0] == '.' || strlen(name) > 200)
        return error_set(e, ERROR_INPUT, "\"%s\" is no name for a dump: letters, digits, - _ and . make one",
                         name);
    if (s->check)
        return true;
    snprintf(file, sizeof file, "%s.txt", name);
    screen = take_screen(s,
                         !s->options->styles    ? NULL
                         : s->options->no_color ? theme_letter
                                                : style_letter,
                         e);
    if (!screen)
        goto done;
    if (folder) {
        path = path_join(folder, file, e);
        ok = path && file_make_folders(folder, e) && file_write_atomic(path, screen, strlen(screen), e);
    } else {
        printf("== %s\n%s", name, screen);
        ok = fflush(stdout) == 0 || error_system(e, "standard output cannot be written");
    }
done:
    free(path);
    free(screen);
    return ok;
}

static bool expect(struct script *s, char *text, bool wanted, struct error *e) {
    bool has;
    text = unquoted(text);
    if (!*text)
        return error_set(e, ERROR_INPUT, "which text?");
    if (s->check)
        return true;
    if (!screen_has(s, text, &has, e))
        return false;
    return has == wanted || fail_with_screen(s, wanted ? "the screen has no" : "the screen has", text, e);
}

static bool run_expect(struct script *s, char *argument, struct error *e) {
    return expect(s, argument, true, e);
}

static bool run_reject(struct script *s, char *argument, struct error *e) {
    return expect(s, argument, false, e);
}

// ---- the whole ----

static bool run_line(struct script *s, char *text, struct error *e) {
    static const struct {
        const char *word;
        step_run *run;
        bool after_end; // makes sense when the client has finished
    } STEPS[] = {
        {"key", run_key, false},      {"type", run_type, false},     {"paste", run_paste, false},
        {"wait", run_wait, true},     {"resize", run_resize, false}, {"dump", run_dump, true},
        {"expect", run_expect, true}, {"reject", run_reject, true},
    };
    text += strspn(text, " \t");
    if (!*text || *text == '#')
        return true;
    bool finished = !s->check && s->client->finished(s->client->context);
    if (*text == ':' && !finished)
        return run_command(s, text + 1 + strspn(text + 1, " \t"), e);
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        char *argument = after_word(text, STEPS[i].word);
        if (argument && (!finished || STEPS[i].after_end))
            return STEPS[i].run(s, argument, e);
    }
    if (finished)
        return error_set(e, ERROR_INPUT, "the program has finished; nothing can be done to it any more");
    return error_set(
        e, ERROR_INPUT,
        "\"%.40s\" is no step: there are key, type, paste, :COMMAND, wait, resize, dump, expect, "
        "reject",
        text);
}

static bool run_lines(struct script *s, const char *text, struct error *e) {
    for (size_t number = 1; *text; number++) {
        size_t length = strcspn(text, "\n"), kept = length;
        const char *next = text + length + (text[length] == '\n');
        while (kept > 0 && isspace((unsigned char)text[kept - 1]))
            kept--;
        char *one = mem_strndup(text, kept, e);
        bool ok = one && run_line(s, one, e);
        free(one);
        if (!ok)
            return error_context(e, "%s:%zu", s->options->path, number);
        text = next;
    }
    return true;
}

bool loop_run_script(const struct loop_client *client, const struct script_options *options,
                     struct error *e) {
    struct script s = {.client = client, .options = options};
    char *text = NULL;
    size_t length;
    bool ok = false;
    if (options->rows < 1 || options->columns < 1 || options->rows > MOST_SIDE ||
        options->columns > MOST_SIDE)
        return error_set(e, ERROR_INPUT, "a screen of %dx%d cannot be drawn: sizes go from 1x1 to %dx%d",
                         options->columns, options->rows, MOST_SIDE, MOST_SIDE);
    if (!file_read(options->path, MOST_SCRIPT_BYTES, &text, &length, e))
        return false;
    size_t bad;
    if (strlen(text) != length || !utf8_valid(text, length, &bad)) {
        error_set(e, ERROR_INPUT, "%s: not a text in UTF-8", options->path);
        goto done;
    }
    if (!grid_create(&s.grid, options->rows, options->columns, e) || !command_line_start(client, NULL, e))
        goto done;
    s.grid->ascii = options->ascii;
    s.check = true;
    ok = run_lines(&s, text, e);
    s.check = false;
    if (ok)
        loop_draw(client, s.grid, s.now);
    ok = ok && run_lines(&s, text, e);
done:
    command_line_stop(NULL);
    grid_free(s.grid);
    free(text);
    return ok;
}
