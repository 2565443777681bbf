// SPDX-License-Identifier: GPL-3.0-or-later
// Text that asks which sentences belong together: what is asked is true, and everything comes equally often.
#include "engine/pretrain/neighbour_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check.h"

static struct error e;

// A sentence says which document it is of, by a number that only repeats after long, and which place it has.
static const char GRAMMAR[] =
    "list digit: name\n"
    "  0\n  1\n  2\n  3\n  4\n  5\n  6\n  7\n  8\n  9\n"
    "rule document\n"
    "  {set a = digit}{set b = digit}{set c = digit}{set d = digit}{s}1. / {s}2. / {s}3. "
    "/ {s}4. / {s}5. / {s}6. / Too short.\n"
    "rule short\n"
    "  One two three. / Four five six.\n"
    "rule s\n"
    "  Text number {a}{b}{c}{d}-\n"
    "rule pairs\n"
    "  <first> / <second> / Answer: <relation>.\n"
    "  <first> / Answer: <relation>. / <second>\n"
    "rule choice\n"
    "  <first> / <options> / Answer: <letter>.\n"
    "rule wrong\n"
    "  Answer: <letter>. / <first>\n"
    "rule unknown\n"
    "  <first> / <third>\n";

static bool write_all(const char *start, const char *form, size_t documents, uint64_t seed,
                      struct buffer *out) {
    struct grammar *g = NULL;
    struct neighbour_writer *w = NULL;
    buffer_clear(out);
    bool ok = grammar_parse(&g, "test.grammar", GRAMMAR, strlen(GRAMMAR), &e) &&
              neighbour_writer_create(&w, g, start, form, seed, &e);
    for (size_t i = 0; ok && i < documents; i++)
        ok = neighbour_writer_next(w, out, &e);
    neighbour_writer_free(w);
    grammar_free(g);
    return ok;
}

struct sentence {
    char document[8];
    int place;
};

static bool read_sentence(const char *at, struct sentence *s) {
    return sscanf(at, "Text number %4[0-9]-%d.", s->document, &s->place) == 2;
}

// 0: another document, 1: the same, no neighbour, 2: a neighbour
static size_t relation(const struct sentence *a, const struct sentence *b) {
    if (strcmp(a->document, b->document) != 0)
        return 0;
    return abs(a->place - b->place) == 1 ? 2 : 1;
}

TEST(pairs_are_what_they_are_called) {
    static const char *const word[] = {"no", "maybe", "yes"};
    struct buffer b = {0};
    size_t count[3] = {0}, seen = 0;
    CHECK_OK(write_all("document", "pairs", 900, 3, &b));
    for (char *at = b.data, *end; at && (end = strstr(at, "\n\n")); at = end + 2, seen++) {
        struct sentence first, second;
        char answer[16], *second_at = strstr(at + 1, "Text"), *answer_at = strstr(at, "Answer: ");
        CHECK(second_at && answer_at && read_sentence(at, &first) && read_sentence(second_at, &second));
        CHECK(sscanf(answer_at, "Answer: %15[a-z].", answer) == 1);
        size_t is = relation(&first, &second);
        CHECK_TEXT(answer, word[is]);
        CHECK(is != 1 || first.place != second.place);
        count[is]++;
    }
    CHECK_SIZE(seen, 900);
    for (size_t i = 0; i < 3; i++)
        CHECK(count[i] > 240 && count[i] < 360);
    buffer_free(&b);
}

TEST(the_letter_is_that_of_the_neighbour) {
    struct buffer b = {0};
    size_t options[NEIGHBOUR_OPTIONS + 1] = {0}, strangers = 0;
    CHECK_OK(write_all("document", "choice", 600, 5, &b));
    for (char *at = b.data, *end; at && (end = strstr(at, "\n\n")); at = end + 2) {
        struct sentence first, one;
        char *answer = strstr(at, "Answer: "), letter = answer ? answer[8] : '?';
        size_t n = 0, neighbours = 0;
        CHECK(read_sentence(at, &first));
        for (char *o = strchr(at, '\n') + 1; o < answer; o = strchr(o + 3, '.') + 2, n++) {
            CHECK(o[0] == (char)('A' + n) && o[1] == '.' && read_sentence(o + 3, &one));
            neighbours += relation(&first, &one) == 2;
            strangers += relation(&first, &one) == 1;
            CHECK((relation(&first, &one) == 2) == (o[0] == letter));
        }
        CHECK_SIZE(neighbours, 1);
        CHECK(n >= 2 && n <= NEIGHBOUR_OPTIONS);
        options[n]++;
    }
    CHECK(strangers > 450 && strangers < 600); // one in each of more than two, in half of those of two
    for (size_t n = 2; n <= 6; n++)
        CHECK(options[n] > 60);
    CHECK(options[16] > 0);
    buffer_free(&b);
}

TEST(the_seed_decides) {
    struct buffer a = {0}, b = {0};
    CHECK_OK(write_all("document", "choice", 20, 5, &a));
    CHECK_OK(write_all("document", "choice", 20, 5, &b));
    CHECK_TEXT(a.data, b.data);
    CHECK_OK(write_all("document", "choice", 20, 6, &b));
    CHECK(strcmp(a.data, b.data) != 0);
    buffer_free(&a);
    buffer_free(&b);
}

TEST(what_cannot_be_asked_is_told) {
    struct buffer b = {0};
    CHECK(!write_all("document", "wrong", 1, 5, &b));
    CHECK_HAS(e.text, "the rule \"wrong\" writes <letter>");
    CHECK(!write_all("document", "unknown", 1, 5, &b));
    CHECK_HAS(e.text, "<third>");
    CHECK(!write_all("short", "pairs", 1, 5, &b));
    CHECK_HAS(e.text, "no document with 5 sentences");
    buffer_free(&b);
}
