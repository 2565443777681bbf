// SPDX-License-Identifier: GPL-3.0-or-later
// The command line through its byte queue, without a terminal: editing, history, search, completion, drawing.
#include "tui/command_line.h"

#include <locale.h>
#include <stdlib.h>

#include "check.h"
#include "engine/base/file.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"

static struct error e;

__attribute__((constructor)) static void set_up(void) {
    setlocale(LC_ALL, "C.UTF-8");
    setenv("INPUTRC", "/dev/null", 1);
    setenv("TERM", "dumb", 1);
}

static void offer_words(void *context, const char *line, size_t word_at, void (*add)(void *, const char *),
                        void *sink) {
    (void)context;
    if (strncmp(line, "open ", 5) == 0 && word_at == 5) {
        add(sink, "meadow");
        add(sink, "meadow-2");
        add(sink, "models/");
        add(sink, "zebra");
    }
}

static const struct loop_client CLIENT = {.completion = {offer_words}};

// Keys by name, separated by spaces; "'text" types the rest of the word.
static void press(const char *names) {
    while (*names) {
        size_t length = strcspn(names, " ");
        struct key k;
        if (*names == '\'') {
            for (size_t i = 1; i < length;) {
                k = (struct key){0};
                i += utf8_decode(names + i, length - i, &k.character);
                command_line_key(k);
            }
        } else {
            if (!key_parse(&k, names, length))
                abort();
            command_line_key(k);
        }
        names += length + (names[length] == ' ');
    }
}

// What one opening, these keys and Enter give; "(none)" if nothing comes out. Valid until the next call.
static const char *entered(const char *begin, const char *names) {
    static char *last;
    free(last);
    command_line_open(begin);
    press(names);
    last = command_line_take();
    return last ? last : "(none)";
}

static const char *drawn(int rows, int columns) {
    static char *last;
    struct grid *g;
    free(last);
    if (!grid_create(&g, rows, columns, &e))
        abort();
    command_line_draw(g);
    last = grid_dump(g, true, &e);
    grid_free(g);
    // Only the text and the cursor: styles between them are left to the eye.
    char *styles = strstr(last, "---\n"), *cursor = strstr(last, "cursor ");
    if (styles)
        memmove(styles, cursor ? cursor : last + strlen(last), strlen(cursor ? cursor : "") + 1);
    return last;
}

TEST(lines_come_out_edited) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    CHECK_TEXT(entered(NULL, "'rate Space '0.3 Enter"), "rate 0.3");
    CHECK(!command_line_is_open());
    CHECK_TEXT(entered("rate ", "'0.5 Left Left Backspace '1 Enter"), "rate 1.5");
    CHECK_TEXT(entered("words ", "'中文 Left Del '字 Home Del End '! Enter"), "ords 中字!");
    CHECK_TEXT(entered("a b c", "Ctrl-W Ctrl-A Ctrl-D Enter"), "b");
    CHECK_TEXT(entered("one two", "Ctrl-Left Ctrl-K 'x Enter"), "one x");
    CHECK_TEXT(entered(": help  ", "Enter"), "help");
    CHECK_TEXT(entered("", "Enter"), "");
    CHECK_OK(command_line_stop(&e));
}

TEST(ways_to_close_it) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    static const char *const KEYS[] = {"'quit Esc", "'quit Ctrl-C",     "'q Backspace Backspace",
                                       "Ctrl-D",    "Ctrl-R 'x Ctrl-C", "Alt-5 Ctrl-C"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        CHECK_TEXT(entered(NULL, KEYS[i]), "(none)");
        CHECK(!command_line_is_open());
        CHECK_TEXT(entered(NULL, "'next Enter"), "next"); // nothing is left of the line before
    }
    CHECK_OK(command_line_stop(&e));
}

TEST(pasted_newlines_run_nothing) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    command_line_open("words ");
    press("Paste 'bad;");
    command_line_key((struct key){.character = '\n'});
    command_line_key((struct key){.character = 0x15}); // Ctrl-U would erase the line
    press("'good Enter Paste-End");
    CHECK(command_line_is_open());
    press("Enter");
    char *text = command_line_take();
    CHECK_TEXT(text, "words bad;  good");
    free(text);
    CHECK_OK(command_line_stop(&e));
}

TEST(history_and_search) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    entered(NULL, "'rate Space '0.3 Enter");
    entered(NULL, "'evaluate Enter");
    entered(NULL, "'evaluate Enter");
    CHECK_TEXT(entered(NULL, "Up Up Enter"), "rate 0.3"); // the same line twice is one entry
    CHECK_TEXT(entered(NULL, "Ctrl-R 'eval Enter"), "evaluate");
    CHECK_TEXT(entered(NULL, "Ctrl-R 'rate Esc '5 Enter"), "rate 0.35");
    command_line_open(NULL);
    press("Ctrl-R 'ev");
    CHECK_TEXT(drawn(1, 50), "(reverse-i-search)`ev': evaluate\ncursor 0 24\n");
    command_line_close();
    // A line of the history that was changed and left is as it was.
    entered(NULL, "Up 'xyz Esc");
    CHECK_TEXT(entered(NULL, "Up Enter"), "rate 0.35");
    CHECK_OK(command_line_stop(&e));
}

TEST(counts_and_lines_are_bounded) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    // Numbers that readline would follow to the end: a line of a million letters, and minutes of moving.
    command_line_open(NULL);
    press("'aaaa Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 'x");
    press("Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-b Alt-- Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-u Enter");
    char *text = command_line_take();
    CHECK(text && strlen(text) > 100 && strlen(text) <= 2000);
    free(text);
    command_line_open(NULL);
    press("Alt-9 Alt-9 Alt-9 Alt-9 Alt-9 Alt-9");
    CHECK_HAS(drawn(1, 50), "(arg: at most 1000)");
    command_line_close();
    // A line that doubles with each yank, and a paste.
    command_line_open(NULL);
    press("'中文abcdef");
    for (int i = 0; i < 40; i++)
        press("Ctrl-U Ctrl-Y Ctrl-Y");
    press("Paste");
    for (int i = 0; i < 100; i++)
        command_line_key((struct key){.character = 0x4e2d});
    press("Paste-End");
    CHECK_HAS(drawn(1, 50), "…");
    press("Enter");
    text = command_line_take();
    CHECK(text && strlen(text) > 16000 && strlen(text) <= 16384);
    CHECK(utf8_valid(text, strlen(text), NULL));
    free(text);
    CHECK_OK(command_line_stop(&e));
}

TEST(ctrl_x_in_a_search_does_no_harm) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    CHECK_TEXT(entered(NULL, "'rate Space '0.3 Enter"), "rate 0.3");
    CHECK_TEXT(entered(NULL, "Ctrl-R 'ra Ctrl-X '. Esc"), "(none)");
    CHECK_TEXT(entered(NULL, "Alt-5 Ctrl-R 'ra Ctrl-X Ctrl-X 'r Esc"), "(none)");
    CHECK_TEXT(entered(NULL, "Ctrl-X 'set Enter"), "set");
    CHECK_OK(command_line_stop(&e));
}

TEST(history_file) {
    char path[200], *text;
    size_t length;
    snprintf(path, sizeof path, "%s/state/prompter/history", check_folder());
    CHECK_OK(command_line_start(&CLIENT, path, &e));
    entered(NULL, "'first Enter");
    entered(NULL, "'中文 Enter");
    CHECK_OK(command_line_stop(&e));
    CHECK_OK(file_read(path, 1000, &text, &length, &e));
    CHECK_TEXT(text, "first\n中文\n");
    free(text);
    CHECK_OK(command_line_start(&CLIENT, path, &e));
    CHECK_TEXT(entered(NULL, "Up Up Enter"), "first");
    for (int i = 0; i < COMMAND_HISTORY + 50; i++) {
        char keys[40];
        snprintf(keys, sizeof keys, "'line%d Enter", i);
        entered(NULL, keys);
    }
    CHECK_OK(command_line_stop(&e));
    CHECK_OK(file_read(path, 1 << 20, &text, &length, &e));
    CHECK(strncmp(text, "line50\n", 7) == 0);
    free(text);
    CHECK(!command_line_start(&CLIENT, check_folder(), &e)); // a folder is no history
    CHECK_HAS(e.text, "history");
    CHECK_TEXT(entered(NULL, "'works Enter"), "works");
    CHECK_OK(command_line_stop(&e));
}

TEST(completion_of_names_and_arguments) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    CHECK_TEXT(entered(NULL, "'eval Tab Enter"), "evaluate");
    CHECK_TEXT(entered(NULL, "'ope Tab 'z Tab Enter"), "open zebra");
    CHECK_TEXT(entered("open mo", "Tab 'x Enter"), "open models/x"); // goes on behind a folder
    CHECK_TEXT(entered("open q", "Tab Enter"), "open q");
    CHECK_TEXT(entered("nonsense x", "Tab Enter"), "nonsense x");
    command_line_open("open me");
    press("Tab");
    CHECK_TEXT(drawn(3, 40), "\nmeadow  meadow-2\n:open meadow\ncursor 2 12\n");
    press("'-");
    CHECK_TEXT(drawn(2, 40), "\n:open meadow-\ncursor 1 13\n");
    command_line_close();
    command_line_open("");
    press("Tab");
    CHECK_HAS(drawn(2, 40), " more\n:\n"); // more candidates than fit
    command_line_close();
    CHECK_OK(command_line_stop(&e));
}

TEST(it_scrolls_sideways_at_every_width) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    command_line_open("words 坏;好 and a longer tail");
    CHECK_TEXT(drawn(1, 60), ":words 坏;好 and a longer tail\ncursor 0 30\n");
    CHECK_TEXT(drawn(1, 12), "…onger tail\ncursor 0 11\n");
    press("Home Right Right Right Right Right Right Right");
    CHECK_TEXT(drawn(1, 60), ":words 坏;好 and a longer tail\ncursor 0 9\n");
    struct random r;
    random_seed(&r, 2, 0);
    static const char *const KEYS[] = {"Left",   "Right",     "'字",        "'x",     "Home",
                                       "End",    "Backspace", "'e\xcc\x81", "Ctrl-T", "Alt-b",
                                       "Ctrl-Y", "Tab",       "Ctrl-_"};
    for (int columns = 1; columns < 40; columns++)
        for (int i = 0; i < 60; i++) {
            struct grid *g;
            press(KEYS[random_below(&r, sizeof KEYS / sizeof *KEYS)]);
            if (!command_line_is_open())
                command_line_open("words 坏;好 and a longer tail");
            CHECK_OK(grid_create(&g, 1 + (int)random_below(&r, 3), columns, &e));
            command_line_draw(g);
            bool shown = g->cursor_row == g->rows - 1 && g->cursor_column >= 0 && g->cursor_column < columns;
            grid_free(g);
            CHECK(shown);
        }
    command_line_close();
    CHECK_OK(command_line_stop(&e));
}

TEST(usage_of_the_request_shows_beside_it) {
    CHECK_OK(command_line_start(&CLIENT, NULL, &e));
    command_line_open("rate 0");
    CHECK_HAS(drawn(1, 70), "rate NUMBER  set the learning rate\n");
    CHECK_TEXT(drawn(1, 20), ":rate 0\ncursor 0 7\n");
    command_line_close();
    CHECK_OK(command_line_stop(&e));
}
