// SPDX-License-Identifier: GPL-3.0-or-later
// Grammars: what they write, and what they say about mistakes.
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/pretrain/grammar.h"
#include "tests/unit/check.h"

// Documents of a grammar's text, one after another, sentences with " | " between them; owned.
static char *write_some(const char *text, enum grammar_part part, size_t documents, uint64_t seed,
                        struct error *e) {
    struct grammar *g = NULL;
    struct generator *m = NULL;
    struct generated d;
    struct buffer b = {0};
    bool ok =
        grammar_parse(&g, "test.grammar", text, strlen(text), e) && generator_create(&m, g, part, seed, e);
    for (size_t n = 0; ok && n < documents; n++) {
        ok = generator_document(m, "document", n, &d, e);
        for (size_t i = 0; ok && i < d.count; i++)
            buffer_printf(&b, "%s%s", i ? " | " : "", d.sentence[i].text);
        buffer_add_char(&b, '\n');
    }
    generator_free(m);
    grammar_free(g);
    if (!ok) {
        buffer_free(&b);
        return NULL;
    }
    return buffer_take(&b, e);
}

static char one[4096];
// The first document, or the message of the error.
static const char *first(const char *text) {
    struct error e = {0};
    char *got = write_some(text, GRAMMAR_CORPUS, 1, 7, &e);
    snprintf(one, sizeof one, "%s", got ? got : e.text);
    free(got);
    one[strcspn(one, "\n")] = '\0';
    return one;
}

TEST(text_is_put_in_order) {
    CHECK_TEXT(first("rule document\n  a old man ,  an dog . / it was a hour , \\(yes\\) .\n"),
               "An old man, a dog. | It was an hour, (yes).");
    CHECK_TEXT(first("rule document\n  he said , \"^hello\" .\n"), "He said, \"Hello\".");
    CHECK_TEXT(first("rule document\n  no stop here\n"), "no stop here");
    CHECK_TEXT(first("# a comment\nrule document\n  one\n    two\n    three .\n"), "One two three.");
    CHECK_TEXT(first("rule document\n  a uniform and an unusual and a F.\n"),
               "A uniform and an unusual and an F.");
}

TEST(words_take_their_forms) {
    CHECK_TEXT(first("inflect past\n  go went\nlist v\n  go out\nrule document\n"
                     "  {let x = v}{x|past} {x|ing} {x|s}\n"),
               "went out going out goes out");
    CHECK_TEXT(
        first("rule document\n  {a|plural} {b|past} {c|ing} {c|past} {d|plural} {e|er} {f|est} {a|cap}\n"
              "rule a\n  old city\nrule b\n  try hard\nrule c\n  stop\nrule d\n  box\nrule e\n  big\n"
              "rule f\n  nice\n"),
        "old cities tried hard stopping stopped boxes bigger nicest Old city");
}

TEST(variables_persist_and_agree) {
    struct error e = {0};
    char *got = write_some("list person: name he\n  Anna, she\n  Ben, he\nrule document\n"
                           "  {let p = person}{let q = person where he != p.he}{p}-{p.he}-{q}-{q.he}\n",
                           GRAMMAR_CORPUS, 40, 1, &e);
    CHECK(got);
    CHECK_HAS(got, "Anna-she-Ben-he\n");
    CHECK_HAS(got, "Ben-he-Anna-she\n");
    for (const char *line = got; *line; line = strchr(line, '\n') + 1)
        CHECK(strncmp(line, "Anna-she-Ben-he\n", 16) == 0 || strncmp(line, "Ben-he-Anna-she\n", 16) == 0);
    free(got);
}

TEST(let_ends_with_its_alternative_and_set_does_not) {
    CHECK_TEXT(first("rule document\n  {let x = \"out\"}{inner} {x}\nrule inner\n  {let x = \"in\"}{x} \n"),
               "in out");
    CHECK_TEXT(first("rule document\n  {inner} {x}\nrule inner\n  {set x = \"in\"}{x} \n"), "in in");
    CHECK_HAS(first("rule document\n  {inner}{x}\nrule inner\n  {let x = \"in\"}{x} \n"),
              "test.grammar:2:11: the variable \"x\" is not bound here");
}

TEST(mistakes_name_their_place) {
    CHECK_HAS(first("rule document\n  one {two}\n"),
              "test.grammar:2:8: there is no rule, list or variable \"two\"");
    CHECK_HAS(first("list animal\n  cat\nrule document\n  {animl}\n"), "is \"animal\" meant?");
    CHECK_HAS(first("rule document\n  (a|b\n"), "test.grammar:2:7: ')' is missing");
    CHECK_HAS(first("rule document\n  a) b\n"), "')' has no beginning");
    CHECK_HAS(first("list p: name he\n  Anna\n"),
              "test.grammar:2:3: this row has 1 cells, but the list has 2");
    CHECK_HAS(first("list p: name he\n  Anna, she\nrule document\n  {let x = p}{x.him}\n"),
              "the list \"p\" has no column \"him\"; it has name, he");
    CHECK_HAS(first("rule document\nrule b\n  c\n"), "the rule \"document\" has no alternatives");
    CHECK_HAS(first("rul document\n"),
              "test.grammar:1:1: a statement begins with list, rule, inflect or task");
    CHECK_HAS(first("rule document\n  a\nrule document\n  b\n"),
              "there is a rule \"document\" already, in test.grammar:1");
    CHECK_HAS(first("rule document\n  first line\n    and {nothing}\n"),
              "test.grammar:3:10: there is no rule");
    CHECK_HAS(first("list n\n  a\n  b\nrule document\n  {let o = options + n 2}{o.lettr}\n"),
              "options have letter, right, wrong, wrong_letter, list, count and 1 to 16, not \"lettr\"");
    CHECK_HAS(first("rule document\n  a {document}\n"), "does one call itself without end");
    CHECK_HAS(first("rule document\n  {set x = \"1\"}{y}\nrule y\n  [if x = 2] no\n"),
              "test.grammar:3:1: no alternative of the rule \"y\" can be used");
}

TEST(weights_are_kept) {
    struct error e = {0};
    char *got = write_some("rule document\n  [3] x\n  y\n", GRAMMAR_CORPUS, 4000, 1, &e);
    CHECK(got);
    size_t x = 0;
    for (const char *c = got; *c; c++)
        x += *c == 'x';
    free(got);
    CHECK(x > 2900 && x < 3100); // 3000 expected, standard deviation 27
}

TEST(letters_are_bound_to_their_options) {
    struct error e = {0};
    char *got = write_some("list animal\n  dog\n  cat\n  cow\n  hen\nrule document\n"
                           "  {let o = options \"sun\" + animal 2}{o.letter}:{o}\n",
                           GRAMMAR_CORPUS, 300, 1, &e);
    CHECK(got);
    size_t seen[3] = {0};
    for (const char *line = got; *line; line = strchr(line, '\n') + 1) {
        char wanted[] = {line[0], '.', ' ', 's', 'u', 'n', 0};
        CHECK(line[0] >= 'A' && line[0] <= 'C');
        seen[line[0] - 'A']++;
        CHECK(strncmp(strstr(line, wanted) ? "found" : "lost", "found", 5) == 0);
    }
    free(got);
    for (size_t i = 0; i < 3; i++)
        CHECK(seen[i] > 60 && seen[i] < 140);
}

TEST(limits_hold_within_a_document) {
    CHECK_TEXT(first("rule document\n  {x * 5}\nrule x [fresh]\n  [once] a\n"), "a");
    const char *got = first("rule document\n  {x * 3}\nrule x [fresh]\n  a\n  b\n  c\n");
    CHECK(strchr(got, 'a') && strchr(got, 'b') && strchr(got, 'c'));
    CHECK_TEXT(first("rule document\n  {set k = \"v\"}{x}\nrule x\n  [if k = w] no\n  [else] yes\n"), "yes");
}

TEST(documents_depend_on_seed_and_number_alone) {
    struct error e = {0};
    const char *text = "list n\n  a\n  b\n  c\n  d\n  e\n  f\nrule document\n  {n}{n}{n}{n}\n";
    char *a = write_some(text, GRAMMAR_CORPUS, 20, 5, &e), *b = write_some(text, GRAMMAR_CORPUS, 20, 5, &e),
         *c = write_some(text, GRAMMAR_CORPUS, 20, 6, &e);
    CHECK(a && b && c);
    CHECK_TEXT(a, b);
    CHECK(strcmp(a, c) != 0);
    struct grammar *g = NULL;
    struct generator *m = NULL;
    struct generated d;
    CHECK_OK(grammar_parse(&g, "g", text, strlen(text), &e));
    CHECK_OK(generator_create(&m, g, GRAMMAR_CORPUS, 5, &e));
    CHECK_OK(generator_document(m, "document", 3, &d, &e)); // out of order
    CHECK(strncmp(d.sentence[0].text, a + 3 * 5, 4) == 0);
    generator_free(m);
    grammar_free(g);
    free(a);
    free(b);
    free(c);
}

TEST(what_is_held_back_stays_out_of_the_corpus) {
    struct error e = {0};
    const char *text = "list n\n  a\n  b\n  [held] x\n  [held] y\nrule document\n  {n}\n  [held] z\n";
    char *corpus = write_some(text, GRAMMAR_CORPUS, 200, 5, &e),
         *tasks = write_some(text, GRAMMAR_TASKS, 200, 5, &e);
    CHECK(corpus && tasks);
    CHECK(!strpbrk(corpus, "xyz"));
    CHECK(strchr(tasks, 'x') && strchr(tasks, 'y') && strchr(tasks, 'z') && !strpbrk(tasks, "ab"));
    free(corpus);
    free(tasks);
}
