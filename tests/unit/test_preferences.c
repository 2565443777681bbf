// SPDX-License-Identifier: GPL-3.0-or-later
// The configuration file: what it sets, what it says about lines that are wrong, the file that --print-config
// writes, and the key map it changes.
#include "tui/preferences.h"

#include <stdlib.h>

#include "check.h"
#include "engine/tune/settings.h"
#include "tui/keymap.h"
#include "tui/theme.h"

static struct run_settings settings;

static bool set_setting(void *context, const char *name, const char *value, struct error *e) {
    return run_settings_set(context, name, value, e);
}
static bool each_setting(size_t i, const char **name, char *value, size_t size, const char **values,
                         const char **help) {
    struct run_settings s;
    run_settings_default(&s);
    if (i >= run_setting_count)
        return false;
    *name = run_setting_table[i].name;
    *values = run_setting_table[i].values;
    *help = run_setting_table[i].help;
    return run_settings_get(&s, *name, value, size);
}
static const struct preference_settings SETTINGS = {&settings, set_setting, each_setting};

static struct preferences p;
// The problems of a text, "" if it has none.
static const char *problems(const char *text) {
    preferences_free(&p);
    preferences_default(&p);
    run_settings_default(&settings);
    preferences_read(&p, "config", text, strlen(text), &SETTINGS);
    return p.problems.data ? p.problems.data : "";
}
static struct key key(const char *name) {
    struct key k = {0};
    key_parse(&k, name, strlen(name));
    return k;
}

TEST(options_are_read) {
    CHECK_TEXT(problems("# all of them\n\n  theme = high-contrast\r\ncolour off\nascii=yes\nmouse = on\n"
                        "threads = 3\nescape-delay = 100\nset rate = 0.25\nset loss paper-code"),
               "");
    CHECK_TEXT(p.theme, "high-contrast");
    CHECK(!p.colour && p.ascii && p.mouse);
    CHECK_SIZE(p.threads, 3);
    CHECK_SIZE(p.escape_delay, 100);
    CHECK_NEAR(settings.rate, 0.25, 1e-12);
    CHECK(settings.loss == LOSS_PAPER_CODE);
}

TEST(wrong_lines_say_where_and_what_else) {
    static const char *const wrong[][2] = {
        {"theem = default", "config:1: there is no option \"theem\"; did you mean \"theme\"?"},
        {"\n\ntheme = hihg-contrast",
         "config:3: there is no theme \"hihg-contrast\"; did you mean \"high-contr"},
        {"mouse = maybe", "mouse is on | off, e.g. mouse = off, not \"maybe\""},
        {"threads = 5000", "threads is 0 to 1024"},
        {"threads = -1", "threads is 0 to 1024"},
        {"escape-delay = 0", "escape-delay is 1 to 1000"},
        {"theme", "\"theme\" has no value"},
        {"set", "takes a setting"},
        {"set raet = 1", "did you mean"},
        {"set rate = much", "rate"},
        {"bind run x", "this takes a screen, a key and a request"},
        {"bind run x evaluate now", "this takes a screen, a key and a request"},
        {"bind rum x evaluate", "no screen \"rum\"; did you mean \"run\"?"},
        {"bind run Hyper-x evaluate", "\"Hyper-x\" is no key"},
        {"bind run x evalute", "no request \"evalute\"; did you mean \"evaluate\"?"},
        {"bind all Ctrl-C quit", "Ctrl-C cannot be bound"},
        {"unbind all", "this takes a screen and a key"},
        {"unbind run F9", "F9 means nothing on run"},
        {"bind run F9 step\nbind all F9 evaluate", "config:2: F9 is bound there by line 1 already"},
        {"bind run e step", "e was the only key of \"evaluate\" there"},
        {"\xff\xfe", "not UTF-8"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        CHECK_HAS(problems(wrong[i][0]), wrong[i][1]);
        CHECK_SIZE(p.problem_count, 1);
    }
    // What is right beside it counts all the same.
    CHECK_HAS(problems("nonsense\nmouse = on\n"), "config:1");
    CHECK(p.mouse);
}

TEST(there_is_an_end_to_problems) {
    char text[400 * (sizeof "wrong = 1\n" - 1) + 1] = "";
    for (int i = 0; i < 400; i++)
        strcat(text, "wrong = 1\n");
    CHECK_HAS(problems(text), "config: and 350 more\n");
}

TEST(keys_are_bound_and_unbound) {
    char keys[KEYMAP_KEYS];
    CHECK_TEXT(problems("unbind run e\nbind run x evaluate\nbind all F5 write\nbind run + step"), "");
    CHECK(key_request(key("x"), WHERE_RUN) == REQUEST_EVALUATE);
    CHECK(key_request(key("e"), WHERE_RUN) == REQUEST_NONE);
    CHECK(key_request(key("e"), WHERE_PROMPT) == REQUEST_EVALUATE); // elsewhere as it was
    CHECK(key_request(key("F5"), WHERE_HELP) == REQUEST_WRITE);
    CHECK(key_request(key("+"), WHERE_RUN) == REQUEST_STEP);
    CHECK(key_request(key("="), WHERE_RUN) == REQUEST_RATE_UP);
    CHECK_TEXT(keymap_keys(REQUEST_EVALUATE, WHERE_RUN, keys), "x");
    CHECK_TEXT(keymap_keys(REQUEST_RATE_UP, WHERE_RUN, keys), "=");
    CHECK_TEXT(keymap_key(REQUEST_STEP, WHERE_RUN, keys), "+"); // what was asked for is shown
    CHECK_TEXT(problems(""), "");                               // and nothing is left of it
    CHECK_TEXT(keymap_key(REQUEST_STEP, WHERE_RUN, keys), "s");
    CHECK(key_request(key("x"), WHERE_RUN) == REQUEST_NONE);
}

// Every key that is bound anywhere, on every screen.
static bool same_as_table(void) {
    for (int r = 1; r < REQUEST_COUNT; r++) {
        const char *at = request_info((enum request)r)->keys;
        for (; *at; at += strcspn(at, " "), at += strspn(at, " ")) {
            struct key k;
            enum request now[8], table[8];
            key_parse(&k, at, strcspn(at, " "));
            for (int i = 0; i < 8; i++)
                now[i] = key_request(k, 1u << i);
            // The map as it was read stays; it is compared with one put back by hand afterwards.
            for (int i = 0; i < 8; i++) {
                int fewest = 99;
                table[i] = REQUEST_NONE;
                for (int q = 1; q < REQUEST_COUNT; q++) {
                    const struct request_info *info = request_info((enum request)q);
                    const char *key_at = info->keys;
                    for (; *key_at; key_at += strcspn(key_at, " "), key_at += strspn(key_at, " ")) {
                        struct key other;
                        key_parse(&other, key_at, strcspn(key_at, " "));
                        int screens = __builtin_popcount(info->where);
                        if (key_equal(k, other) && (info->where >> i & 1) && screens < fewest) {
                            table[i] = (enum request)q;
                            fewest = screens;
                        }
                    }
                }
                if (now[i] != table[i]) {
                    printf("%.*s on screen %d: %s, not %s\n", (int)strcspn(at, " "), at, i,
                           request_info(now[i])->name, request_info(table[i])->name);
                    return false;
                }
            }
        }
    }
    return true;
}

static bool same_as_default(void) {
    struct preferences d;
    struct run_settings s;
    run_settings_default(&s);
    bool same = strcmp(p.theme, "default") == 0 && p.problem_count == 0 &&
                run_settings_equal(&s, &settings) && same_as_table();
    preferences_default(&d);
    same = same && strcmp(d.theme, p.theme) == 0 && d.colour == p.colour && d.ascii == p.ascii &&
           d.mouse == p.mouse && d.threads == p.threads && d.escape_delay == p.escape_delay;
    preferences_free(&d);
    return same;
}

TEST(the_printed_file_reads_as_none) {
    struct buffer b = {0};
    preferences_print(&b, &SETTINGS);
    CHECK(b.data != NULL);
    CHECK_TEXT(problems(b.data), "");
    CHECK(same_as_default());
    // Every option, setting and request is in it.
    for (int i = 0; i < PREFERENCE_COUNT; i++)
        CHECK_HAS(b.data, preference_info((enum preference)i)->name);
    for (size_t i = 0; i < run_setting_count; i++)
        CHECK_HAS(b.data, run_setting_table[i].name);
    // The same with every line that says something in force: settings changed before are set back by it.
    char *at = b.data;
    size_t lines = 0;
    for (char *line = b.data; *line; line = strchr(line, '\n') + 1)
        if (line[0] == '#' && line[1] != ' ' && line[1] != '\n') {
            *line = ' ';
            lines++;
        }
    CHECK(lines > PREFERENCE_COUNT + run_setting_count + 50);
    preferences_free(&p);
    preferences_default(&p);
    run_settings_default(&settings);
    settings.rate = 7;
    p.mouse = true;
    p.threads = 9;
    preferences_read(&p, "config", at, strlen(at), &SETTINGS);
    CHECK_TEXT(p.problems.data ? p.problems.data : "", "");
    CHECK(same_as_default());
    for (char *line = b.data; *line; line = strchr(line, '\n') + 1)
        CHECK(strcspn(line, "\n") <= 100);
    buffer_free(&b);
}

TEST(screens_have_names_both_ways) {
    unsigned where;
    for (size_t i = 0; keymap_screen_at(i); i++) {
        const char *name = keymap_screen_at(i);
        CHECK(keymap_screen_find(name, strlen(name), &where));
        CHECK_TEXT(keymap_screen_name(where), name);
    }
    CHECK(!keymap_screen_find("al", 2, &where));
}

// ---- themes ----

// WCAG 2's relative luminance of a colour of xterm's 256.
static double luminance(int c) {
    static const int level[6] = {0, 95, 135, 175, 215, 255};
    int rgb[3];
    double sum = 0;
    static const double weight[3] = {0.2126, 0.7152, 0.0722};
    for (int i = 0; i < 3; i++) {
        int n = c - 16;
        rgb[i] = c >= 232 ? 8 + 10 * (c - 232) : level[i == 0 ? n / 36 : i == 1 ? n / 6 % 6 : n % 6];
        double x = rgb[i] / 255.0;
        sum += weight[i] * (x <= 0.03928 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4));
    }
    return sum;
}

TEST(colours_stand_out_from_the_background) {
    for (size_t t = 0; theme_at(t); t++) {
        CHECK(theme_set(theme_at(t)->name));
        CHECK_HAS(theme_names(), theme_now()->name);
        double least = strcmp(theme_now()->name, "high-contrast") == 0 ? 7 : 4;
        for (int s = 0; s < STYLE_COUNT; s++)
            for (int b = BACKGROUND_UNKNOWN; b <= BACKGROUND_LIGHT; b++) {
                struct look look = theme_look((enum style)s, 256, (enum background)b);
                if (look.colour == LOOK_OWN_COLOUR)
                    continue;
                CHECK(look.colour >= 16 && look.colour < 256);
                double y = luminance(look.colour);
                if (b != BACKGROUND_LIGHT) {
                    if (!((y + 0.05) / 0.05 >= least))
                        printf("%s: %c on black\n", theme_now()->name, style_letter((enum style)s));
                    CHECK((y + 0.05) / 0.05 >= least);
                }
                if (b != BACKGROUND_DARK) {
                    if (!(1.05 / (y + 0.05) >= least))
                        printf("%s: %c on white\n", theme_now()->name, style_letter((enum style)s));
                    CHECK(1.05 / (y + 0.05) >= least);
                }
            }
    }
    theme_set("default");
    CHECK(!theme_set("no such"));
    CHECK_TEXT(theme_now()->name, "default");
}

// What matters is told apart without colour: in every theme, with colours and without.
TEST(meaning_does_not_rest_on_colour) {
    static const enum style pairs[][2] = {
        {STYLE_GOOD, STYLE_WARN},      {STYLE_WARN, STYLE_BAD},      {STYLE_GOOD, STYLE_BAD},
        {STYLE_PLAIN, STYLE_SELECTED}, {STYLE_TAB, STYLE_TAB_NOW},   {STYLE_BORDER, STYLE_FOCUS},
        {STYLE_PLAIN, STYLE_STRONG},   {STYLE_LITERAL, STYLE_MASK},  {STYLE_LITERAL, STYLE_SOFT},
        {STYLE_PLAIN, STYLE_KEY},      {STYLE_SELECTED, STYLE_PLAIN}};
    static const int colours[] = {0, 8, 256};
    for (size_t t = 0; theme_at(t); t++) {
        theme_set(theme_at(t)->name);
        for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++)
            for (size_t c = 0; c < 3; c++)
                CHECK(theme_look(pairs[i][0], colours[c], BACKGROUND_UNKNOWN).attributes !=
                      theme_look(pairs[i][1], colours[c], BACKGROUND_UNKNOWN).attributes);
        for (int s = 0; s < STYLE_COUNT; s++) {
            CHECK(theme_look((enum style)s, 0, BACKGROUND_DARK).colour == LOOK_OWN_COLOUR);
            CHECK(theme_look((enum style)s, 8, BACKGROUND_LIGHT).colour < 8);
        }
    }
    theme_set("monochrome");
    for (int s = 0; s < STYLE_COUNT; s++)
        CHECK(theme_look((enum style)s, 256, BACKGROUND_DARK).colour == LOOK_OWN_COLOUR);
    theme_set("default");
}

TEST(backgrounds) {
    CHECK(theme_background(NULL) == BACKGROUND_UNKNOWN);
    CHECK(theme_background("15;0") == BACKGROUND_DARK);
    CHECK(theme_background("0;15") == BACKGROUND_LIGHT);
    CHECK(theme_background("0;default;7") == BACKGROUND_LIGHT);
    CHECK(theme_background("12;8") == BACKGROUND_DARK);
    CHECK(theme_background("0;default") == BACKGROUND_UNKNOWN);
    CHECK(theme_background("0;") == BACKGROUND_UNKNOWN);
    CHECK(theme_background("") == BACKGROUND_UNKNOWN);
}
