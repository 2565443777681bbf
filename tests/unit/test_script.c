// SPDX-License-Identifier: GPL-3.0-or-later
// Scripted mode against a small client that notes what it is told.
#include "tui/loop.h"
#include "tui/theme.h"

#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "check.h"
#include "engine/base/file.h"

static struct error e;

__attribute__((constructor)) static void set_up(void) {
    setlocale(LC_ALL, "C.UTF-8");
    setenv("INPUTRC", "/dev/null", 1);
}

struct small {
    char notes[600];
    double deadline, drawn_at;
    int busy; // wakes until idle
    int pipe[2];
    bool over;
};

static void note(struct small *s, const char *text) {
    snprintf(s->notes + strlen(s->notes), sizeof s->notes - strlen(s->notes), "%s ", text);
}

static void small_draw(void *context, struct grid *g, double now) {
    struct small *s = context;
    s->drawn_at = now;
    grid_printf(g, grid_area(g), 0, 0, STYLE_STRONG, "at %g", now);
    grid_put_wrapped(g, grid_area(g), 1, STYLE_PLAIN, s->notes);
}
static void small_key(void *context, struct key k, double now) {
    char name[40];
    (void)now;
    key_print(k, name, sizeof name);
    if (k.code == KEY_CODE_CHARACTER && k.character == '\n')
        strcpy(name, "newline");
    note(context, name);
    if (strcmp(name, ":") == 0)
        loop_open_command_line(NULL);
    if (strcmp(name, "Q") == 0)
        ((struct small *)context)->over = true;
}
static void small_command(void *context, const char *line, double now) {
    char text[80];
    snprintf(text, sizeof text, "[%s@%g]", line, now);
    note(context, text);
}
static void small_wake(void *context, double now) {
    struct small *s = context;
    char byte;
    (void)now;
    if (read(s->pipe[0], &byte, 1) == 1)
        s->busy--;
    note(s, "woken");
}
static void small_interrupt(void *context, double now) {
    (void)now;
    note(context, "interrupt");
}
static void small_terminate(void *context, int number) {
    (void)context, (void)number;
}
static bool small_dirty(void *context, double now) {
    (void)context, (void)now;
    return false;
}
static double small_deadline(void *context) {
    struct small *s = context;
    return s->deadline > s->drawn_at ? s->deadline : 0;
}
static bool small_finished(void *context) {
    return ((struct small *)context)->over;
}
static bool small_idle(void *context) {
    return ((struct small *)context)->busy == 0;
}

static struct small small;

static bool no_color;

static bool run(const char *text, const char *folder) {
    char path[200];
    snprintf(path, sizeof path, "%s/test.keys", check_folder());
    if (!file_write_atomic(path, text, strlen(text), &e))
        return false;
    struct loop_client client = {
        .context = &small,
        .draw = small_draw,
        .key = small_key,
        .command = small_command,
        .wake = small_wake,
        .fd = small.pipe[0],
        .interrupt = small_interrupt,
        .terminate = small_terminate,
        .dirty = small_dirty,
        .deadline = small_deadline,
        .finished = small_finished,
        .idle = small_idle,
    };
    struct script_options options = {.path = path,
                                     .rows = 4,
                                     .columns = 60,
                                     .dump_folder = folder,
                                     .styles = folder != NULL,
                                     .no_color = no_color};
    e = (struct error){0};
    return loop_run_script(&client, &options, &e);
}

static void begin(void) {
    if (small.pipe[1] > 0) {
        close(small.pipe[0]);
        close(small.pipe[1]);
    }
    small = (struct small){0};
    if (pipe(small.pipe) != 0)
        abort();
}

TEST(steps_reach_the_client) {
    begin();
    CHECK_OK(run("# a comment\n\n  key Space Ctrl-L é\ntype a \"b\npaste \"x\\ny\"\n:rate 0.3\nwait "
                 "1.5\n:rate 1\nkey Ctrl-C Ctrl-Z\n",
                 NULL));
    CHECK_TEXT(
        small.notes,
        "Space Ctrl-L é a Space \" b Paste x newline y Paste-End [rate 0.3@0] [rate 1@1.5] interrupt ");
}

TEST(the_command_line_works_in_scripts) {
    begin();
    CHECK_OK(run("key :\ntype rate 0.25\nexpect :rate 0.25\nkey Enter\nreject :rate 0.25\nkey : x Esc\nkey : "
                 "y Ctrl-C\n",
                 NULL));
    CHECK_TEXT(small.notes, ": [rate 0.25@0] : : ");
}

TEST(waiting_for_the_client_is_real) {
    begin();
    small.busy = 3;
    CHECK(write(small.pipe[1], "abc", 3) == 3);
    CHECK_OK(run("wait idle\nexpect woken woken woken\nwait for woken\n", NULL));
    begin();
    small.busy = 1;
    CHECK(!run("wait idle 0\n", NULL));
    CHECK_HAS(e.text, "test.keys:1: still busy after 0 seconds");
}

TEST(deadlines_pass_in_virtual_time) {
    begin();
    small.deadline = 4;
    CHECK_OK(run("wait 3\nexpect at 3\nwait 100000\nexpect at 100003\n", NULL));
}

TEST(dumps_are_files) {
    char path[200], *text;
    size_t length;
    begin();
    CHECK_OK(run("key a\ndump first\nresize 10x2\ndump second\n", check_folder()));
    snprintf(path, sizeof path, "%s/first.txt", check_folder());
    CHECK_OK(file_read(path, 10000, &text, &length, &e));
    CHECK(strncmp(text, "at 0\na\n\n\n---\nbbbb....", 21) == 0);
    free(text);
    snprintf(path, sizeof path, "%s/second.txt", check_folder());
    CHECK_OK(file_read(path, 10000, &text, &length, &e));
    CHECK_TEXT(text, "at 0\na\n---\nbbbb......\n..........\n");
    free(text);
}

TEST(dumps_without_colour_have_what_the_terminal_shows) {
    char path[200], *text;
    size_t length;
    begin();
    no_color = true;
    CHECK_OK(run("resize 10x2\ndump plain\n", check_folder()));
    no_color = false;
    snprintf(path, sizeof path, "%s/plain.txt", check_folder());
    CHECK_OK(file_read(path, 10000, &text, &length, &e));
    CHECK_TEXT(text, "at 0\n\n---\nbbbb......\n..........\n");
    free(text);
    // What has to be told apart without colours.
    const enum style apart[][2] = {{STYLE_GOOD, STYLE_WARN},     {STYLE_GOOD, STYLE_BAD},
                                   {STYLE_WARN, STYLE_BAD},      {STYLE_FOCUS, STYLE_BORDER},
                                   {STYLE_TAB, STYLE_TAB_NOW},   {STYLE_PLAIN, STYLE_ACCENT},
                                   {STYLE_FIELD, STYLE_LITERAL}, {STYLE_FIELD, STYLE_SOFT},
                                   {STYLE_MASK, STYLE_SPECIAL},  {STYLE_SERIES_1, STYLE_SERIES_2}};
    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++)
        CHECK(theme_letter(apart[i][0]) != theme_letter(apart[i][1]));
    for (enum style s = 0; s < STYLE_COUNT; s++)
        CHECK(theme_letter(s) != '*');
}

TEST(expectations_fail_with_line_numbers) {
    begin();
    CHECK(!run("key a\n\nexpect b\n", NULL));
    CHECK_HAS(e.text, "test.keys:3: the screen has no \"b\"");
    begin();
    CHECK(!run("key a\nreject \"a\"\n", NULL));
    CHECK_HAS(e.text, "test.keys:2: the screen has \"a\"");
}

TEST(wrong_scripts_do_nothing) {
    static const char *const WRONG[][2] = {
        {"key a\nkye b\n", "test.keys:2: \"kye b\" is no step"},
        {"key a\nkey Spaace\n", "test.keys:2: \"Spaace\" is no key"},
        {"key\n", "which key"},
        {"key a\nwait long\n", "test.keys:2: wait takes"},
        {"key a\nwait -1\n", "is no time"},
        {"key a\nwait nan\n", "is no time"},
        {"key a\nresize 80\n", "is no size"},
        {"key a\nresize 0x5\n", "is no size"},
        {"key a\nresize 5x5x\n", "is no size"},
        {"key a\ndump ../x\n", "is no name for a dump"},
        {"key a\ndump\n", "is no name for a dump"},
        {"key a\nexpect\n", "which text"},
        {"key a\n:\n", "which command"},
        {"key a\nkey \xff\n", "not a text in UTF-8"},
    };
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        begin();
        CHECK(!run(WRONG[i][0], NULL));
        CHECK_HAS(e.text, WRONG[i][1]);
        CHECK_TEXT(small.notes, "");
    }
}

TEST(nothing_follows_the_end) {
    begin();
    CHECK_OK(run("key Q\nexpect Q\n", NULL));
    begin();
    CHECK(!run("key Q\nkey a\n", NULL));
    CHECK_HAS(e.text, "test.keys:2: the program has finished");
}
