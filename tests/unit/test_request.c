// SPDX-License-Identifier: GPL-3.0-or-later
// The request table: every name is unique, readable, helped; beginnings find what they should.
#include "tui/request.h"

#include "check.h"

TEST(names_are_unique_and_typeable) {
    for (int r = 1; r < REQUEST_COUNT; r++) {
        const char *name = request_info((enum request)r)->name;
        CHECK(name[0] != '\0');
        CHECK(strspn(name, "abcdefghijklmnopqrstuvwxyz-") == strlen(name));
        CHECK(request_find(name) == (enum request)r);
        CHECK(request_info((enum request)r)->help[0] != '\0');
    }
}

TEST(beginnings_find_one_or_none) {
    CHECK(request_find("evalu") == REQUEST_EVALUATE);
    CHECK(request_find("run") == REQUEST_RUN_PAUSE); // exact, though run-screen begins with it
    CHECK(request_find("run-") == REQUEST_SCREEN_RUN);
    CHECK(request_find("rate-") == REQUEST_NONE); // up or down
    CHECK(request_find("") == REQUEST_NONE);
    CHECK(request_find("evaluates") == REQUEST_NONE);
    CHECK(request_find("Evaluate") == REQUEST_NONE);
}

TEST(unknown_requests_have_an_empty_entry) {
    CHECK_TEXT(request_info(REQUEST_COUNT)->name, "");
    CHECK_TEXT(request_info((enum request) - 1)->name, "");
}

TEST(help_says_what_a_request_does_on_a_screen) {
    CHECK_HAS(request_help(REQUEST_SORT, WHERE_DATA), "examples");
    CHECK(!strstr(request_help(REQUEST_SORT, WHERE_DATA), "vectors"));
    CHECK_TEXT(request_help(REQUEST_SORT, WHERE_RUN), request_info(REQUEST_SORT)->help);
    // Nothing is said of a screen on which the request has no meaning.
#define CHECK_ROW(id, where_bit, text) CHECK(request_info(REQUEST_##id)->where &(where_bit));
    REQUEST_HELP_TABLE(CHECK_ROW)
#undef CHECK_ROW
}
