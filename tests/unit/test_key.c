// SPDX-License-Identifier: GPL-3.0-or-later
// Key names both ways, and the key map made from the request table.
#include "tui/keymap.h"

#include "check.h"

static struct key parse(const char *name) {
    struct key k = {.code = KEY_CODE_CHARACTER, .character = 0xdead};
    if (!key_parse(&k, name, strlen(name)))
        k.character = 0xdead;
    return k;
}

TEST(names_read_back_as_printed) {
    static const char *const NAMES[] = {
        "a",          "Z",         "?",     "+",           "-",      ":",         "é",         "中",
        "Space",      "Ctrl-L",    "Alt-x", "F1",          "F12",    "Enter",     "Tab",       "Shift-Tab",
        "Esc",        "PgUp",      "PgDn",  "Home",        "End",    "Up",        "Down",      "Left",
        "Right",      "Del",       "Ins",   "Ctrl-_",      "Ctrl-]", "Alt-Enter", "Ctrl-Left", "Ctrl-Alt-Q",
        "Ctrl-Space", "Backspace", "Alt--", "Ctrl-Alt-Up", "Paste",  "Paste-End",
    };
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        char text[32];
        struct key k;
        CHECK(key_parse(&k, NAMES[i], strlen(NAMES[i])));
        key_print(k, text, sizeof text);
        CHECK_TEXT(text, NAMES[i]);
    }
}

TEST(names_mean_what_the_terminal_sends) {
    CHECK(key_equal(parse("Ctrl-I"), parse("Tab")));
    CHECK(key_equal(parse("ctrl-m"), parse("Enter")));
    CHECK(key_equal(parse("Ctrl-["), parse("Esc")));
    CHECK(key_equal(parse("Ctrl-l"), parse("Ctrl-L")));
    CHECK(key_equal(parse("PageDown"), parse("PgDn")));
    CHECK(!key_equal(parse("L"), parse("l")));
    CHECK(!key_equal(parse("Alt-x"), parse("x")));
    CHECK(!key_equal(parse("F1"), parse("F2")));
    // A code without characters does not look at them.
    struct key up = parse("Up");
    up.character = 7;
    CHECK(key_equal(up, parse("Up")));
}

TEST(unknown_names_are_refused) {
    static const char *const NAMES[] = {"",     "F0",      "F25", "F1x",  "Foo",      "Ctrl-",
                                        "Alt-", "Hyper-x", "ab",  "\xff", "Ctrl-Foo", "\n"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct key k = {.character = 42};
        CHECK(!key_parse(&k, NAMES[i], strlen(NAMES[i])));
        CHECK(k.character == 42);
    }
}

// Calls of the request table: every key name in it must be a key.
TEST(table_has_only_real_keys) {
    for (int r = 1; r < REQUEST_COUNT; r++)
        for (const char *at = request_info((enum request)r)->keys; *at;) {
            size_t length = strcspn(at, " ");
            struct key k;
            if (!key_parse(&k, at, length))
                printf("%.*s\n", (int)length, at);
            CHECK(length > 0 && key_parse(&k, at, length));
            at += length + (at[length] == ' ');
        }
}

// The same key may serve a screen and, beneath it, all screens; two requests of the same rank clash.
TEST(no_key_has_two_requests_on_a_screen) {
    for (unsigned where = 1; where <= WHERE_ALL; where <<= 1)
        for (int r = 1; r < REQUEST_COUNT; r++) {
            const struct request_info *info = request_info((enum request)r);
            for (const char *at = info->keys; *at && (info->where & where);) {
                size_t length = strcspn(at, " ");
                struct key k;
                CHECK(key_parse(&k, at, length));
                enum request got = key_request(k, where);
                if (got != (enum request)r) {
                    const struct request_info *other = request_info(got);
                    printf("%.*s: %s and %s\n", (int)length, at, info->name, other->name);
                    CHECK(__builtin_popcount(other->where) < __builtin_popcount(info->where));
                }
                at += length + (at[length] == ' ');
            }
        }
}

TEST(requests_by_key_and_screen) {
    CHECK(key_request(parse("Space"), WHERE_PROMPT) == REQUEST_RUN_PAUSE);
    CHECK(key_request(parse("m"), WHERE_RUN) == REQUEST_SMOOTH);
    CHECK(key_request(parse("m"), WHERE_PROMPT) == REQUEST_METRIC);
    CHECK(key_request(parse("m"), WHERE_PATTERN) == REQUEST_NONE);
    CHECK(key_request(parse("="), WHERE_RUN) == REQUEST_RATE_UP);
    CHECK(key_request(parse("Esc"), WHERE_HELP) == REQUEST_BACK);
    CHECK(key_request(parse("Alt-q"), WHERE_RUN) == REQUEST_NONE);
}
