// SPDX-License-Identifier: GPL-3.0-or-later
// The workbench on a recorded run: what every screen keeps to at every size, requests and their messages,
// questions, and leaving.
#include "workbench_bench.h"

#include <unistd.h>

#include "engine/base/file.h"
#include "tui/keymap.h"
#include "tui/theme.h"
#include "views/views.h"

static struct error e;

// ---- layout ----

// Wide characters are whole, nothing is narrower or wider than it says, corners of frames come in fours.
static const char *layout_fault(const struct grid *g) {
    static char what[128];
    int corners[4] = {0};
    static const uint32_t corner[4] = {0x250c, 0x2510, 0x2514, 0x2518};
    for (int r = 0; r < g->rows; r++)
        for (int c = 0; c < g->columns; c++) {
            const struct cell *x = &g->cell[r * g->columns + c];
            bool last = c + 1 == g->columns;
            snprintf(what, sizeof what, "row %d column %d of %dx%d", r, c, g->columns, g->rows);
            if (x->style >= STYLE_COUNT || x->width > 2)
                return what;
            if (x->width == 2 && (last || x[1].width != 0 || x[1].character != 0))
                return what;
            if (x->width == 0 && (c == 0 || x[-1].width != 2))
                return what;
            if (g->ascii && x->character > 126)
                return what;
            for (int i = 0; i < 4; i++)
                corners[i] += x->character == corner[i];
        }
    snprintf(what, sizeof what, "frames of %dx%d: %d %d %d %d corners", g->columns, g->rows, corners[0],
             corners[1], corners[2], corners[3]);
    for (int i = 1; i < 4; i++)
        if (corners[i] != corners[0])
            return what;
    return NULL;
}

// Rows and columns from 1 on in steps; the columns begin elsewhere in every row, so that all widths and
// heights have their turn.
static bool sizes(struct bench *b, const char *name, int row_step, int column_step) {
    for (int rows = 1; rows <= 60; rows += row_step)
        for (int columns = 1 + rows * 5 % column_step; columns <= 200; columns += column_step) {
            if (!grid_resize(b->g, rows, columns, &b->error))
                return false;
            b->client.draw(b->w, b->g, b->now);
            const char *fault = layout_fault(b->g);
            if (fault) {
                check_failed(__FILE__, __LINE__, "%s: %s", name, fault);
                return false;
            }
        }
    return true;
}
static bool every_size(struct bench *b, const char *name) {
    return sizes(b, name, 1, 17);
}

static void sweep(const char *task, const char *keys, bool ascii) {
    struct bench b;
    CHECK(bench_open_task(&b, task, 80, 24));
    b.g->ascii = ascii;
    bench_keys(&b, keys);
    every_size(&b, keys);
    bench_close(&b);
}

TEST(run_at_every_size) {
    sweep("tests/share/tasks/films", "3", false);
    sweep("tests/share/tasks/films", "Space Space Space t", false);
    sweep("tests/share/tasks/films", "Space Space Space Tab Tab z", false);
}

TEST(prompt_at_every_size) {
    sweep("tests/share/tasks/films", "4 G", false);
    sweep("tests/share/tasks/films", "4 Tab z", false);
}

static bool put_runs(void) {
    char *text, folder[600], path[700];
    size_t length;
    snprintf(folder, sizeof folder, "%s/sessions", check_folder());
    snprintf(path, sizeof path, "%s/runs.jsonl", folder);
    bool ok = file_read(check_path("screens/compare-runs.jsonl"), 1 << 20, &text, &length, NULL) &&
              file_make_folders(folder, NULL) && file_write_atomic(path, text, length, NULL);
    if (ok)
        free(text);
    return ok;
}

static void sweep_compare(const char *keys, bool ascii) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    b.g->ascii = ascii;
    bench_keys(&b, "6");
    CHECK(bench_wait(&b));
    bench_keys(&b, keys);
    every_size(&b, keys);
    bench_close(&b);
}

TEST(compare_at_every_size) {
    char path[700];
    snprintf(path, sizeof path, "%s/sessions/runs.jsonl", check_folder());
    unlink(path);
    sweep_compare("r", false); // empty
    CHECK(put_runs());
    sweep_compare("G", false);
    sweep_compare("v Enter m Down Down m G b Right", false);
    sweep_compare("v d Right Right Tab z", false);
    sweep_compare("Tab Tab z G", false);
    unlink(path);
}

TEST(pattern_at_every_size) {
    sweep("tests/share/tasks/films", "1 n", false);
    sweep("tests/share/tasks/films", "1 Enter { x", false); // with an error
    sweep("tests/share/tasks/places", "1", false);
}

TEST(help_is_searched) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "? n");
    CHECK(bench_has(&b, "nothing was searched for yet; / asks for a text"));
    bench_command(&b, "search LEARNING rate");
    CHECK(bench_has(&b, "learning rate times 1.25"));
    const char *first = strstr(bench_screen(&b, false), "learning rate times 1.25");
    CHECK(first != NULL);
    bench_keys(&b, "n");
    CHECK(bench_has(&b, "learning rate divided by 1.25"));
    bench_command(&b, "search suggest-words"); // a name in the grey column, only on another screen's help
    CHECK(bench_has(&b, "\"suggest-words\" is not in this help"));
    bench_command(&b, "search undo-to");
    CHECK(bench_has(&b, "undo-to"));
    bench_keys(&b, "N N N"); // round the ends
    CHECK(bench_has(&b, "undo-to"));
    bench_close(&b);
}

TEST(help_at_every_size) {
    sweep("tests/share/tasks/films", "? PgDn", false);
}

TEST(chinese_at_every_size) {
    sweep("tests/screens/tea", "1", false);
    sweep("tests/screens/tea", "1 Enter Home { Esc Tab", false);
}

TEST(ascii_at_every_size) {
    sweep("tests/share/tasks/films", "Space Space Space", true);
    sweep("tests/share/tasks/films", "4", true);
    sweep("tests/share/tasks/films", "1", true);
    sweep("tests/share/tasks/films", "?", true);
}

// Every screen there is, whatever it is made of: as it opens, and with each pane zoomed.
TEST(every_screen_at_every_size) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Space");
    for (size_t v = 0; v < VIEW_COUNT; v++) {
        workbench_request(b.w, view_list[v]->screen, NULL, b.now);
        b.client.wake(b.w, b.now);
        if (!sizes(&b, view_list[v]->name, 1, 7))
            break;
        for (int pane = 0; pane < 4; pane++) {
            CHECK(grid_resize(b.g, 24, 80, &b.error));
            b.client.draw(b.w, b.g, b.now);
            workbench_request(b.w, REQUEST_FOCUS_NEXT, NULL, b.now);
            workbench_request(b.w, REQUEST_ZOOM, NULL, b.now);
            if (!sizes(&b, view_list[v]->name, 5, 23))
                break;
            workbench_request(b.w, REQUEST_ZOOM, NULL, b.now);
        }
    }
    bench_close(&b);
}

// What the screens of lists and panes are asked for at any time must not upset them either.
TEST(every_request_on_every_screen) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space");
    for (size_t v = 0; v < VIEW_COUNT; v++)
        for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
            if (r == REQUEST_QUIT || r == REQUEST_OPEN || r == REQUEST_COMMAND)
                continue;
            workbench_request(b.w, view_list[v]->screen, NULL, b.now);
            workbench_request(b.w, (enum request)r, NULL, b.now);
            b.client.wake(b.w, b.now);
            bench_keys(&b, "n"); // to a question, or a key
            b.client.draw(b.w, b.g, b.now);
            const char *fault = layout_fault(b.g);
            if (fault)
                printf("%s after %s: %s\n", view_list[v]->name, request_info((enum request)r)->name, fault);
            CHECK(fault == NULL);
            bench_keys(&b, "Esc Esc");
            b.now += 60;
        }
    bench_close(&b);
}

// ---- the mouse ----

TEST(a_press_on_a_tab_shows_the_screen) {
    struct bench b;
    CHECK(bench_open(&b, 100, 24));
    for (size_t v = 0; v < VIEW_HELP; v++) {
        char tab[64];
        const char *tabs = strchr(bench_screen(&b, false), '\n') + 1;
        snprintf(tab, sizeof tab, "%zu %s", v + 1, view_list[v]->name);
        CHECK_HAS(tabs, tab);
        bench_mouse(&b, MOUSE_PRESS, 1, (int)(strstr(tabs, tab) - tabs));
        snprintf(tab, sizeof tab, "[%zu %s]", v + 1, view_list[v]->name);
        CHECK_HAS(bench_screen(&b, false), tab);
    }
    bench_keys(&b, "3");
    const int nowhere[][2] = {{0, 3}, {1, 99}, {23, 1}, {50, 500}, {-1, -1}};
    for (size_t i = 0; i < sizeof nowhere / sizeof *nowhere; i++)
        bench_mouse(&b, MOUSE_PRESS, nowhere[i][0], nowhere[i][1]);
    CHECK(bench_has(&b, "[3 Run]"));
    bench_close(&b);
}

TEST(the_wheel_scrolls) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "?");
    CHECK(bench_has(&b, "1-"));
    bench_mouse(&b, MOUSE_WHEEL_DOWN, 10, 40);
    CHECK(bench_has(&b, " 4-"));
    bench_mouse(&b, MOUSE_WHEEL_UP, 10, 40);
    CHECK(bench_has(&b, " 1-"));
    bench_keys(&b, "?");
    bench_command(&b, "set"); // and what lies over a screen
    bench_mouse(&b, MOUSE_WHEEL_DOWN, 10, 40);
    CHECK(bench_has(&b, " 4-"));
    bench_close(&b);
}

TEST(a_press_reaches_a_screen_inside_another) {
    struct bench b;
    CHECK(bench_open(&b, 120, 40));
    bench_keys(&b, "7 Enter");
    CHECK(bench_has(&b, "▸What is a soft prompt?"));
    bench_mouse(&b, MOUSE_PRESS, 7, 60); // nothing is there yet
    CHECK(bench_has(&b, "▸What is a soft prompt?"));
    bench_keys(&b, "Enter"); // opens the lesson's session
    for (int i = 0; i < 20; i++) {
        b.client.dirty(b.w, b.now += 0.1);
        b.client.wake(b.w, b.now);
    }
    bench_mouse(&b, MOUSE_PRESS, 7, 60); // its pattern's label words
    CHECK(bench_has(&b, "▸label words"));
    CHECK(bench_has(&b, "┌ What is a soft prompt?"));
    bench_mouse(&b, MOUSE_PRESS, 18, 10);
    CHECK(bench_has(&b, "▸What is a soft prompt?"));
    bench_close(&b);
}

TEST(mouse_and_theme_by_command) {
    struct bench b;
    CHECK(bench_open(&b, 100, 24));
    bench_command(&b, "mouse on");
    CHECK(loop_mouse());
    bench_command(&b, "mouse");
    CHECK(bench_has(&b, "usage: :mouse on | off"));
    bench_command(&b, "mouse maybe");
    CHECK(bench_has(&b, "mouse is on or off (on now), e.g. :mouse on"));
    bench_command(&b, "mouse off");
    CHECK(!loop_mouse());
    bench_command(&b, "theme monochrome");
    CHECK_TEXT(theme_now()->name, "monochrome");
    bench_command(&b, "theme hihg-contrast");
    CHECK(bench_has(&b, "did you mean \"high-contrast\"?"));
    bench_command(&b, "theme");
    CHECK(bench_has(&b, "the theme is monochrome"));
    bench_command(&b, "theme default");
    CHECK_TEXT(theme_now()->name, "default");
    bench_close(&b);
}

// ---- what is told wherever one is ----

TEST(a_setting_tells_its_range) {
    struct bench b;
    CHECK(bench_open(&b, 120, 24));
    bench_command(&b, "set rate");
    CHECK(bench_has(&b, "rate is 0.1 (0.001 in the paper's code), of 0 to 1000"));
    bench_command(&b, "set rate 5000");
    CHECK(bench_has(&b, "0 to 1000"));
    bench_close(&b);
}

TEST(a_run_that_ends_is_told_on_other_screens) {
    struct bench b;
    CHECK(bench_open(&b, 100, 24));
    bench_keys(&b, "4");
    for (int i = 0; i < 20 && workbench_state(b.w) != ENGINE_DONE; i++)
        bench_keys(&b, "Space");
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    CHECK(bench_has(&b, "the run is done: best dev "));
    CHECK(bench_has(&b, "; 3 shows it"));
    bench_close(&b);
}

TEST(another_screen_is_not_under_a_list) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_command(&b, "set");
    CHECK(bench_has(&b, "settings: change one"));
    bench_keys(&b, "4");
    CHECK(!bench_has(&b, "settings: change one"));
    CHECK(bench_has(&b, "[4 Prompt]"));
    bench_close(&b);
}

TEST(sizes_of_panes_are_there_again) {
    char folder[600], path[640], *text = NULL;
    size_t length;
    struct bench b;
    snprintf(folder, sizeof folder, "%s/state", check_folder());
    snprintf(path, sizeof path, "%s/panes", folder);
    CHECK_OK(file_make_folders(folder, &e));
    CHECK_OK(file_write_atomic(path, "other 0.5\nlearn-wide 0.9\n", 25, &e));
    for (int start = 0; start < 2; start++) {
        CHECK(bench_open(&b, 120, 30)); // for its environment
        workbench_free(b.w);
        const struct workbench_options options = {.what = "tests/share/tasks/films",
                                                  .model_folder = "tests/share/models/sprout",
                                                  .recording = check_path("screens/films.jsonl"),
                                                  .state_folder = folder};
        CHECK_OK(workbench_create(&b.w, &options, &e));
        b.client = workbench_client(b.w);
        b.client.wake(b.w, b.now);
        bench_keys(&b, "7 Enter");
        bench_screen(&b, false);
        if (start == 0)
            bench_keys(&b, "< < <");
        bench_screen(&b, false);
        bench_close(&b);
        CHECK_OK(file_read(path, 1000, &text, &length, &e));
        CHECK_HAS(text, "other 0.5\n"); // of a screen that was not looked at
        CHECK_HAS(text, "learn-wide 0.");
        CHECK(!strstr(text, "0.9\n"));
        free(text);
    }
}

TEST(overlay_at_every_size) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_command(&b, "set");
    every_size(&b, "settings");
    bench_close(&b);
}

TEST(drawing_changes_nothing) {
    struct bench b;
    CHECK(bench_open(&b, 100, 30));
    for (const char *screen = "134?"; *screen; screen++) {
        char name[2] = {*screen, 0};
        bench_keys(&b, name);
        char *once = strdup(bench_screen(&b, true));
        bench_screen(&b, true);
        const char *twice = bench_screen(&b, true);
        bool same = strcmp(once, twice) == 0;
        free(once);
        CHECK(same);
    }
    bench_close(&b);
}

TEST(too_small_names_what_is_needed) {
    struct bench b;
    CHECK(bench_open(&b, 59, 16));
    CHECK(bench_has(&b, "needs 60x16, has 59x16"));
    CHECK(grid_resize(b.g, 16, 60, &b.error));
    CHECK(!bench_has(&b, "needs"));
    bench_close(&b);
}

TEST(hints_are_never_cut) {
    struct bench b;
    CHECK(bench_open(&b, 60, 16));
    for (int columns = 60; columns <= 160; columns++) {
        CHECK(grid_resize(b.g, 16, columns, &b.error));
        const char *screen = bench_screen(&b, false), *last = screen;
        for (const char *at = screen; (at = strchr(at, '\n')) && at[1]; at++)
            last = at + 1;
        CHECK_HAS(last, "? help");
        // Every hint is a key and a word or two of the table.
        CHECK(!strstr(last, "…"));
        CHECK(strncmp(strstr(last, "? help"), "? help\n", 7) == 0);
    }
    bench_close(&b);
}

// ---- requests ----

TEST(the_first_frame_has_the_run) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    CHECK(bench_has(&b, "[3 Run]"));
    CHECK(bench_has(&b, "sprout 2.6M · films 16+16/32/1000 · seed 1"));
    CHECK(bench_has(&b, "Press Space to start tuning."));
    CHECK(bench_has(&b, "20 soft vectors x 160 = 3,200 numbers learn; the model's 2.6M stay frozen."));
    bench_close(&b);
}

TEST(space_runs_and_pauses) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    CHECK(workbench_state(b.w) == ENGINE_READY);
    bench_keys(&b, "Space");
    CHECK(workbench_state(b.w) == ENGINE_RUNNING);
    CHECK(bench_has(&b, "Space pause"));
    bench_keys(&b, "Space");
    CHECK(workbench_state(b.w) == ENGINE_PAUSED);
    CHECK(bench_has(&b, "Space go on"));
    bench_keys(&b, "Space Space Space");
    CHECK(workbench_state(b.w) == ENGINE_DONE);
    bench_keys(&b, "Space");
    CHECK(bench_has(&b, "all steps are done"));
    bench_close(&b);
}

TEST(unknown_and_wrong_commands_say_why) {
    struct bench b;
    CHECK(bench_open(&b, 100, 24));
    static const char *const wrong[][2] = {{"open /nowhere/at/all", "nowhere"},
                                           {"frobnicate", "no command \"frobnicate\""},
                                           {"evalaute", "did you mean :evaluate?"},
                                           {"rate-", "several begin so: rate-up, rate-down"},
                                           {"set raet", "\"raet\" (did you mean \"rate\"?); :set lists them"},
                                           {"rate", "usage: :rate NUMBER"},
                                           {"rate -1", "no positive number"},
                                           {"rate nan", "no positive number"},
                                           {"rate 0.1x", "no positive number"},
                                           {"step 3", "step takes nothing behind it"},
                                           {"set colour", "no setting \"colour\""},
                                           {"set steps lots", "steps"},
                                           {"seed -3", "seed"},
                                           {"help nothing", "no command \"nothing\""},
                                           {"export", "usage: :export FILE"},
                                           {"template {text_a}", "mask"},
                                           {"words onlyone", "words for 1 class"}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        bench_command(&b, wrong[i][0]);
        CHECK_HAS(bench_screen(&b, false), wrong[i][1]);
        b.now += 60;
        bench_keys(&b, "Esc");
    }
    bench_close(&b);
}

TEST(messages_fade) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_command(&b, "rate 0.25");
    CHECK(bench_has(&b, "learning rate 0.25"));
    double until = b.client.deadline(b.w);
    CHECK(until > b.now && until < b.now + 60);
    b.now = until + 0.01;
    CHECK(b.client.dirty(b.w, b.now));
    CHECK(!bench_has(&b, "learning rate 0.25"));
    bench_close(&b);
}

TEST(live_settings_reach_the_run_and_others_wait) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    struct session *s = workbench_session(b.w);
    bench_command(&b, "set steps 250");
    CHECK_SIZE(session_settings(s)->steps, 250);
    CHECK(!bench_has(&b, "edits wait"));
    bench_command(&b, "set shots 8");
    CHECK_SIZE(session_settings(s)->shots, 16);
    CHECK_SIZE(workbench_settings(b.w)->shots, 8);
    CHECK(bench_has(&b, "shots will be 8 once Ctrl-S starts a run; Space tunes with 16")); // no step yet
    CHECK(bench_has(&b, "edits wait for Ctrl-S"));
    bench_keys(&b, "Ctrl-S");
    CHECK_SIZE(session_settings(s)->shots, 8);
    CHECK(bench_has(&b, "films 8+8/"));
    CHECK(!bench_has(&b, "edits wait"));
    bench_close(&b);
}

TEST(rate_keys_multiply) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    double rate = session_settings(workbench_session(b.w))->rate;
    bench_keys(&b, "+ +");
    CHECK_NEAR(session_settings(workbench_session(b.w))->rate, rate * 1.25 * 1.25, 1e-9);
    bench_keys(&b, "- -");
    CHECK_NEAR(session_settings(workbench_session(b.w))->rate, rate, 1e-9);
    bench_close(&b);
}

TEST(test_scores_name_their_split) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space t");
    const struct evaluation *test = workbench_test(b.w, NULL);
    char text[64];
    CHECK(test != NULL);
    snprintf(text, sizeof text, "test    %.3f = %zu/1000, with the best prompt", test->accuracy,
             test->correct);
    CHECK_HAS(bench_screen(&b, false), text);
    CHECK_HAS(bench_screen(&b, false), "/32"); // dev keeps its own count
    bench_close(&b);
}

static char candidates[4096];
static void add_candidate(void *sink, const char *candidate) {
    (void)sink;
    strncat(candidates, candidate, sizeof candidates - strlen(candidates) - 2);
    strcat(candidates, "\n");
}
static const char *complete(struct bench *b, const char *line, size_t word_at) {
    candidates[0] = 0;
    b->client.completion.complete(b->w, line, word_at, add_candidate, NULL);
    return candidates;
}

TEST(completion) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    CHECK_TEXT(complete(&b, "ra", 0), "rate-up\nrate-down\nrate\n");
    CHECK_HAS(complete(&b, "set s", 4), "steps\n");
    CHECK(!strstr(complete(&b, "set s", 4), "rate"));
    CHECK_TEXT(complete(&b, "set loss ", 9), "clean\npaper-code\n");
    CHECK_TEXT(complete(&b, "set loss p", 9), "paper-code\n");
    CHECK_HAS(complete(&b, "help se", 5), "set\n");
    CHECK_HAS(complete(&b, "export engine/ba", 7), "engine/base/\n");
    CHECK(!strstr(complete(&b, "open e", 5), "engine")); // files only where a path begins
    CHECK_HAS(complete(&b, "open ./eng", 5), "./engine/\n");
    CHECK_HAS(complete(&b, "theme h", 6), "high-contrast\n");
    CHECK_TEXT(complete(&b, "mouse ", 6), "on\noff\n");
    // Label words out of the vocabulary, behind what is there.
    CHECK_HAS(complete(&b, "words bad,goo", 6), "bad,good\n");
    CHECK_HAS(complete(&b, "words bad; gre", 11), "great\n");
    CHECK_TEXT(complete(&b, "words bad,", 6), "");
    // The home folder by its sign.
    char home[600], inside[700];
    snprintf(home, sizeof home, "%s/home", check_folder());
    snprintf(inside, sizeof inside, "%s/kept", home);
    CHECK_OK(file_make_folders(inside, &e));
    setenv("HOME", home, 1);
    CHECK_HAS(complete(&b, "export ~/ke", 7), "~/kept/\n");
    CHECK_TEXT(complete(&b, "rate 0", 5), "");
    // Labels, parts, columns, steps: whatever an argument takes.
    CHECK_TEXT(complete(&b, "class ", 6), "negative\npositive\nall\n");
    CHECK_TEXT(complete(&b, "class p", 6), "positive\n");
    CHECK_HAS(complete(&b, "part t", 5), "train\ntest\n");
    CHECK_TEXT(complete(&b, "predict ", 8), "best\npresent\n");
    CHECK_TEXT(complete(&b, "freeze ", 7), "all\n");
    CHECK_TEXT(complete(&b, "sweep ", 6), "rate\n");
    CHECK_TEXT(complete(&b, "set dev_from_train ", 19), "true\nfalse\n");
    CHECK_HAS(complete(&b, "undo-to ", 8), "0\n");
    CHECK_HAS(complete(&b, "export-here ~/ke", 12), "~/kept/\n");
    bench_close(&b);
}

// ---- leaving ----

TEST(leaving_asks_only_when_something_goes_on) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Q");
    CHECK(!b.client.finished(b.w));
    CHECK(bench_has(&b, "Tuning goes on"));
    bench_keys(&b, "x 4"); // no answer: nothing happens
    CHECK(bench_has(&b, "Tuning goes on"));
    CHECK(bench_has(&b, "[3 Run]"));
    bench_keys(&b, "n");
    CHECK(!bench_has(&b, "Tuning goes on"));
    CHECK(!b.client.finished(b.w));
    bench_keys(&b, "Q y");
    CHECK(b.client.finished(b.w));
    bench_close(&b);
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space Space Q"); // paused
    CHECK(b.client.finished(b.w));
    bench_close(&b);
}

TEST(leaving_asks_about_edits) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_command(&b, "set shots 4");
    bench_keys(&b, "Q");
    CHECK(bench_has(&b, "Edits are not applied"));
    bench_keys(&b, "Esc");
    CHECK(!b.client.finished(b.w));
    bench_command(&b, "set shots 16");
    bench_keys(&b, "Q");
    CHECK(b.client.finished(b.w));
    bench_close(&b);
}

TEST(opening_another_asks_before_anything_is_lost) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    bench_command(&b, "open tests/share/tasks/claims");
    CHECK(bench_has(&b, "Tuning goes on. Stop, keep what there is, open the other? y/n"));
    bench_keys(&b, "n Space");
    bench_command(&b, "set shots 4");
    bench_command(&b, "open tests/share/tasks/claims");
    CHECK(bench_has(&b, "Open the other anyway? y/n"));
    bench_keys(&b, "y");
    CHECK(bench_has(&b, "claims 16+16+16/"));
    CHECK(!bench_has(&b, "edits wait"));
    bench_command(&b, "open claims");
    CHECK(bench_has(&b, "open already"));
    bench_close(&b);
}

TEST(long_errors_can_be_read_whole) {
    struct bench b;
    char line[600] = "open /";
    CHECK(bench_open(&b, 60, 16));
    for (int i = 0; i < 40; i++)
        strcat(line, "nowhere at ");
    strcat(line, "all");
    bench_command(&b, line);
    CHECK(bench_has(&b, "what went wrong"));
    CHECK(bench_has(&b, "no session"));
    CHECK(bench_has(&b, "claims"));
    CHECK(bench_has(&b, "Esc close"));
    bench_keys(&b, "q");
    CHECK(!bench_has(&b, "what went wrong"));
    CHECK(bench_has(&b, "[3 Run]"));
    bench_close(&b);
}

TEST(ctrl_c_stops_and_never_leaves) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    b.client.interrupt(b.w, b.now);
    CHECK(workbench_state(b.w) == ENGINE_PAUSED);
    CHECK(bench_has(&b, "what was trained is kept"));
    b.client.interrupt(b.w, b.now);
    CHECK(!b.client.finished(b.w));
    bench_keys(&b, "Space Q");
    b.client.interrupt(b.w, b.now); // takes the question back
    CHECK(!bench_has(&b, "y/n"));
    CHECK(!b.client.finished(b.w));
    bench_close(&b);
}

TEST(a_signal_leaves_without_asking) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "Space");
    b.client.terminate(b.w, 15);
    CHECK(b.client.finished(b.w));
    bench_close(&b);
}

TEST(starting_over_asks_once_there_is_a_curve) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "R");
    CHECK(!bench_has(&b, "y/n"));
    bench_keys(&b, "Space Space R");
    CHECK(bench_has(&b, "Start over"));
    bench_keys(&b, "y");
    size_t count;
    const struct metric *history = workbench_history(b.w, &count);
    for (size_t i = 0; i < count; i++)
        CHECK(history[i].kind != METRIC_STEP);
    CHECK(bench_has(&b, "Press Space to start tuning."));
    bench_close(&b);
}

TEST(back_leads_to_where_one_was) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    bench_keys(&b, "4 ?");
    CHECK(bench_has(&b, "help: Prompt"));
    bench_keys(&b, "q");
    CHECK(bench_has(&b, "[4 Prompt]"));
    bench_keys(&b, "q");
    CHECK(bench_has(&b, "[3 Run]"));
    bench_keys(&b, "z");
    CHECK(!bench_has(&b, "┌ accuracy"));
    bench_keys(&b, "q"); // unzooms first
    CHECK(bench_has(&b, "[3 Run]"));
    CHECK(bench_has(&b, "┌ accuracy"));
    bench_close(&b);
}

TEST(pasted_text_is_not_keys) {
    struct bench b;
    CHECK(bench_open(&b, 80, 24));
    b.client.key(b.w, (struct key){.code = KEY_CODE_PASTE}, b.now);
    bench_type(&b, "Q4 ");
    b.client.key(b.w, (struct key){.code = KEY_CODE_PASTE_END}, b.now);
    CHECK(!b.client.finished(b.w));
    CHECK(workbench_state(b.w) == ENGINE_READY);
    CHECK(bench_has(&b, "[3 Run]"));
    bench_keys(&b, "4");
    CHECK(bench_has(&b, "[4 Prompt]"));
    bench_close(&b);
}

TEST(recordings_that_are_none) {
    struct workbench *w = NULL;
    const struct workbench_options none = {.what = "tests/share/tasks/films",
                                           .recording = "tests/screens/nothing.jsonl"};
    CHECK(!workbench_create(&w, &none, &e));
    CHECK_HAS(e.text, "nothing.jsonl");
    const struct workbench_options other = {.what = "tests/share/tasks/films",
                                            .recording = "tests/screens/tea/train.jsonl"};
    CHECK(!workbench_create(&w, &other, &e));
    CHECK_HAS(e.text, "not a recording");
}

TEST(messages_name_the_keys_in_force) {
    struct bench b;
    struct key space, x;
    char way[KEYMAP_KEYS];
    CHECK(bench_open(&b, 80, 24));
    CHECK(key_parse(&space, "Space", 5) && key_parse(&x, "x", 1));
    CHECK(bench_has(&b, "Press Space to start tuning."));
    CHECK(keymap_bind(WHERE_ALL, x, REQUEST_RUN_PAUSE, NULL));
    CHECK(keymap_unbind(WHERE_ALL, space));
    CHECK(bench_has(&b, "Press x to start tuning."));
    CHECK(keymap_unbind(WHERE_ALL, x)); // no key at all: the command
    CHECK(bench_has(&b, "Press :run to start tuning."));
    CHECK_TEXT(keymap_way(REQUEST_RUN_PAUSE, WHERE_RUN, way), ":run");
    keymap_reset();
    bench_keys(&b, "1 T"); // an edit that waits, and the question about it
    struct key apply, other;
    CHECK(key_parse(&apply, "Ctrl-S", 6) && key_parse(&other, "Ctrl-T", 6));
    CHECK(keymap_unbind(WHERE_ALL, apply) && keymap_bind(WHERE_ALL, other, REQUEST_APPLY, NULL));
    bench_keys(&b, "Q");
    CHECK(bench_has(&b, "Edits are not applied (Ctrl-T). Leave anyway?"));
    bench_keys(&b, "n ?");
    CHECK(bench_has(&b, "On screen 3 press Space"));
    keymap_reset();
    bench_close(&b);
}
