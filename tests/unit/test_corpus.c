// SPDX-License-Identifier: GPL-3.0-or-later
// The corpus reader against a reading of the whole file at once, and its order, parts and positions.
#include <stdlib.h>

#include "check.h"
#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"
#include "engine/data/corpus.h"

static struct error e;

static const char *file_with(const char *name, const void *bytes, size_t length) {
    static char path[4][512];
    static size_t turn;
    char *to = path[turn++ % 4];
    snprintf(to, sizeof path[0], "%s/%s", check_folder(), name);
    return file_write_atomic(to, bytes, length, &e) ? to : NULL;
}

static struct corpus *open_text(const char *text, enum corpus_layout layout) {
    struct corpus *c;
    const char *path = file_with("corpus.txt", text, strlen(text));
    return path && corpus_open(&c, &path, 1, layout, &e) ? c : NULL;
}

static struct corpus_reader *reader_of(const struct corpus *c, bool shuffle, uint64_t seed, double from,
                                       double to) {
    struct corpus_reader_settings s = corpus_reader_settings_default();
    struct corpus_reader *r;
    s.shuffle = shuffle;
    s.seed = seed;
    s.from = from;
    s.to = to;
    return corpus_reader_create(&r, c, &s, &e) ? r : NULL;
}

// "a|b||c|d" : sentences by |, documents by ||, of one epoch in order.
static char *everything(const struct corpus *c, bool shuffle, uint64_t seed) {
    struct corpus_reader *r = reader_of(c, shuffle, seed, 0, 1);
    struct corpus_document d;
    struct buffer b = {0};
    bool there = r != NULL;
    for (size_t n = 0; there && corpus_reader_next_in_epoch(r, &d, &there, &e) && there; n++) {
        buffer_add_text(&b, n ? "||" : "");
        for (size_t i = 0; i < d.sentences; i++) {
            size_t length;
            const char *s = corpus_sentence(&d, i, &length);
            if (strlen(s) != length)
                buffer_add_text(&b, "WRONG LENGTH");
            buffer_printf(&b, "%s%s", i ? "|" : "", s);
        }
    }
    corpus_reader_free(r);
    return buffer_take(&b, &e);
}

static bool reads_as(const char *text, enum corpus_layout layout, const char *wanted) {
    struct corpus *c = open_text(text, layout);
    char *got = c ? everything(c, false, 1) : NULL;
    bool same = got && strcmp(got, wanted) == 0;
    if (!same)
        fprintf(stderr, "got %s\n", got ? got : e.text);
    free(got);
    corpus_close(c);
    return same;
}

TEST(layouts) {
    CHECK(reads_as("one.\ntwo. three.\n\nfour.\n", CORPUS_SENTENCES, "one.|two. three.||four."));
    CHECK(reads_as("One. Two.\nThree.\n\nFour!", CORPUS_PARAGRAPHS, "One.|Two.|Three.||Four!"));
    CHECK(reads_as("One. Two.\nThree.\n\nFour!", CORPUS_LINES, "One.|Two.||Three.||Four!"));
    CHECK(reads_as("\n \n\n  a  \n\t\nb\n \n \n", CORPUS_SENTENCES, "a||b"));
    CHECK(reads_as("a\r\nb\r\n\r\nc\r\n", CORPUS_SENTENCES, "a|b||c"));
    CHECK(reads_as("\xef\xbb\xbf"
                   "a\n\nb",
                   CORPUS_SENTENCES, "a||b"));
    CHECK(reads_as("\xef\xbb\xbf\n\nb", CORPUS_SENTENCES, "b"));
}

TEST(layout_is_guessed) {
    static const struct {
        const char *text;
        enum corpus_layout layout;
    } cases[] = {{"One.\nTwo.\n\nThree.\nFour.\n", CORPUS_SENTENCES},
                 {"One. Two. Three.\n\nThree. Four. Five.\n", CORPUS_PARAGRAPHS},
                 {"One. Two. Three.\nThree. Four. Five.\n", CORPUS_LINES},
                 {"One thing.\nAnother thing.\n", CORPUS_LINES}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct corpus *c = open_text(cases[i].text, CORPUS_AUTO);
        CHECK(c);
        CHECK_SIZE(corpus_layout_of(c), cases[i].layout);
        corpus_close(c);
    }
    enum corpus_layout found;
    CHECK(corpus_layout_find("lines", &found) && found == CORPUS_LINES && !corpus_layout_find("x", &found));
}

TEST(bytes_that_are_no_text) {
    const char bytes[] = "a\xff"
                         "b\0c\n\nd";
    const char *path = file_with("bad.txt", bytes, sizeof bytes - 1);
    struct corpus *c;
    CHECK_OK(corpus_open(&c, &path, 1, CORPUS_SENTENCES, &e));
    struct corpus_reader *r = reader_of(c, false, 1, 0, 1);
    struct corpus_document d;
    CHECK_OK(corpus_reader_next(r, &d, &e));
    CHECK_TEXT(d.text + d.start[0], "a\xef\xbf\xbd"
                                    "b\xef\xbf\xbd"
                                    "c");
    CHECK_SIZE(corpus_reader_counts(r).replaced, 2);
    CHECK_SIZE(corpus_reader_counts(r).documents, 2);
    corpus_reader_free(r);
    corpus_close(c);
}

TEST(refusals) {
    struct corpus *c;
    const char *empty = file_with("empty.txt", "", 0), *blank = file_with("blank.txt", " \n\n\t\n", 5);
    const char *folder = check_folder(), *none = "/nonexistent/corpus.txt";
    CHECK(!corpus_open(&c, &empty, 1, CORPUS_AUTO, &e));
    CHECK_HAS(e.text, "empty.txt has no text");
    CHECK(!corpus_open(&c, &blank, 1, CORPUS_AUTO, &e));
    CHECK_HAS(e.text, "blank.txt has no text");
    CHECK(!corpus_open(&c, &folder, 1, CORPUS_AUTO, &e));
    CHECK_HAS(e.text, "no regular file");
    CHECK(!corpus_open(&c, &none, 1, CORPUS_AUTO, &e));
    CHECK_HAS(e.text, "/nonexistent/corpus.txt");
    CHECK(!corpus_open(&c, NULL, 0, CORPUS_AUTO, &e));
}

// ---- large files ----

// Documents of many lengths with all kinds of white space between them; every sentence is another one.
static char *large_text(size_t documents, size_t most_sentences, size_t longest_line, uint64_t seed,
                        bool cr) {
    struct buffer b = {0};
    struct random r;
    random_seed(&r, seed, 1);
    for (size_t d = 0, n = 0; d < documents; d++) {
        size_t sentences = 1 + random_below(&r, most_sentences);
        for (size_t i = 0; i < sentences; i++) {
            size_t length = random_below(&r, longest_line);
            buffer_printf(&b, "%s%zu ", random_below(&r, 5) ? "" : "  ", n++);
            for (size_t j = 0; j < length; j++)
                buffer_add_text(&b, j % 7 == 6 ? " " : random_below(&r, 9) ? "x" : "\xe4\xb8\xad");
            buffer_add_text(&b, ".");
            buffer_add_text(&b, random_below(&r, 4) ? "" : " ");
            buffer_add_text(&b, cr ? "\r\n" : "\n");
        }
        for (size_t i = 1 + random_below(&r, 3); i > 0; i--)
            buffer_add_text(&b, cr ? " \r\n" : random_below(&r, 2) ? "\n" : "\t\n");
        if (!random_below(&r, 50))
            for (size_t i = random_below(&r, 3000); i > 0; i--)
                buffer_add_text(&b, " \n");
    }
    return buffer_take(&b, &e);
}

// What the file holds, found by reading it line by line. Sentences alone: where documents are cut is the
// reader's business when they are long.
static char *by_lines(const char *text, bool documents) {
    struct buffer b = {0};
    bool parted = false;
    for (size_t n = 0; *text;) {
        size_t length = strcspn(text, "\n"), from = 0, to = length;
        while (from < to && strchr(" \t\r", text[from]))
            from++;
        while (to > from && strchr(" \t\r", text[to - 1]))
            to--;
        if (to > from) {
            buffer_add_text(&b, !n++ ? "" : parted && documents ? "||" : "|");
            buffer_add(&b, text + from, to - from);
        }
        parted = to == from;
        text += length + (text[length] == '\n');
    }
    return buffer_take(&b, &e);
}

static void squeeze(char *text) { // "||" to "|"
    char *to = text;
    for (char *p = text; *p; p++)
        if (!(p[0] == '|' && p[1] == '|'))
            *to++ = *p;
    *to = '\0';
}

TEST(streaming_equals_reading_the_whole_file) {
    static const struct {
        size_t documents, sentences, line;
        bool cr;
    } shapes[] = {{3000, 12, 120, false}, {3000, 12, 120, true}, {20000, 1, 8, false}, {60, 400, 300, false}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        char *text =
            large_text(shapes[i].documents, shapes[i].sentences, shapes[i].line, i + 1, shapes[i].cr);
        struct corpus *c = open_text(text, CORPUS_SENTENCES);
        CHECK(c && corpus_blocks(c) > 2);
        char *got = everything(c, false, 1), *wanted = by_lines(text, true);
        CHECK(strcmp(got, wanted) == 0);
        free(got);
        free(wanted);
        free(text);
        corpus_close(c);
    }
}

TEST(documents_without_an_end_are_cut_and_nothing_is_lost) {
    // One of 1 MiB and more in lines, among short ones; and one without a line end at all.
    char *text = large_text(3, 30000, 100, 9, false);
    CHECK(strlen(text) > 1 << 20);
    struct corpus *c = open_text(text, CORPUS_SENTENCES);
    CHECK(c);
    char *got = everything(c, false, 1), *wanted = by_lines(text, false);
    squeeze(got);
    CHECK(strcmp(got, wanted) == 0);
    struct corpus_reader *r = reader_of(c, true, 1, 0, 1);
    struct corpus_document d;
    bool there = true;
    size_t longest = 0;
    while (corpus_reader_next_in_epoch(r, &d, &there, &e) && there)
        longest = d.bytes > longest ? d.bytes : longest;
    CHECK(corpus_reader_counts(r).cut > 2);
    CHECK(longest <= 2 * CORPUS_LONGEST + CORPUS_BLOCK);
    corpus_reader_free(r);
    corpus_close(c);
    free(got);
    free(wanted);
    for (char *p = text; *p; p++)
        if (*p == '\n' || *p == '\t' || *p == ' ')
            *p = 'x';
    c = open_text(text, CORPUS_SENTENCES);
    CHECK(c);
    got = everything(c, false, 1);
    char *to = got; // the parts together
    for (char *p = got; *p; p++)
        if (*p != '|')
            *to++ = *p;
    *to = '\0';
    CHECK(strcmp(got, text) == 0 && utf8_valid(got, strlen(got), NULL));
    free(got);
    free(text);
    corpus_close(c);
}

// Numbers of the documents' first sentences, in order; returns how many.
static size_t order_of(struct corpus_reader *r, size_t *out, size_t most) {
    struct corpus_document d;
    bool there = true;
    size_t n = 0;
    while (n < most && corpus_reader_next_in_epoch(r, &d, &there, &e) && there)
        out[n++] = (size_t)strtoul(d.text + d.start[0], NULL, 10);
    return n;
}

static int compare(const void *a, const void *b) {
    size_t x = *(const size_t *)a, y = *(const size_t *)b;
    return (x > y) - (x < y);
}

enum { DOCUMENTS = 6000 };

static struct corpus *many_documents(size_t files) {
    static char path[3][512];
    const char *paths[3];
    for (size_t f = 0; f < files; f++) {
        struct buffer b = {0};
        for (size_t d = f; d < DOCUMENTS; d += files)
            buffer_printf(&b, "%zu.\n%0500zu\n\n", d, d);
        snprintf(path[f], sizeof path[f], "%s/many%zu.txt", check_folder(), f);
        if (!file_write_atomic(path[f], b.data, b.length, &e))
            return NULL;
        buffer_free(&b);
        paths[f] = path[f];
    }
    struct corpus *c;
    return corpus_open(&c, paths, files, CORPUS_SENTENCES, &e) ? c : NULL;
}

TEST(every_document_comes_once_an_epoch_in_an_order_of_its_own) {
    static size_t first[DOCUMENTS + 1], second[DOCUMENTS + 1], other[DOCUMENTS + 1];
    struct corpus *c = many_documents(3);
    CHECK(c);
    struct corpus_reader_settings s = corpus_reader_settings_default();
    s.window_blocks = 5;
    struct corpus_reader *r, *again;
    CHECK_OK(corpus_reader_create(&r, c, &s, &e));
    CHECK(corpus_windows(r) > 5);
    CHECK_SIZE(order_of(r, first, DOCUMENTS + 1), DOCUMENTS);
    CHECK_SIZE(order_of(r, second, DOCUMENTS + 1), DOCUMENTS);
    CHECK_OK(corpus_reader_create(&again, c, &s, &e));
    CHECK_SIZE(order_of(again, other, DOCUMENTS + 1), DOCUMENTS);
    CHECK(memcmp(first, other, sizeof first) == 0); // the same seed
    CHECK(memcmp(first, second, sizeof first) != 0);
    corpus_reader_free(again);
    s.seed = 2;
    CHECK_OK(corpus_reader_create(&again, c, &s, &e));
    CHECK_SIZE(order_of(again, other, DOCUMENTS + 1), DOCUMENTS);
    CHECK(memcmp(first, other, sizeof first) != 0);
    // Mixed: neighbours in the order lie far from each other in the files.
    double distance = 0;
    for (size_t i = 1; i < DOCUMENTS; i++)
        distance += fabs((double)first[i] - (double)first[i - 1]) / DOCUMENTS / DOCUMENTS;
    CHECK(distance > 0.15); // a third where all orders are equally likely
    qsort(first, DOCUMENTS, sizeof *first, compare);
    qsort(second, DOCUMENTS, sizeof *second, compare);
    for (size_t i = 0; i < DOCUMENTS; i++)
        CHECK(first[i] == i && second[i] == i);
    // A window at a time is held, not the files.
    CHECK(corpus_reader_bytes(r) < (size_t)corpus_bytes(c));
    corpus_reader_free(r);
    corpus_reader_free(again);
    corpus_close(c);
}

TEST(a_position_goes_on_to_the_bit) {
    static size_t all[DOCUMENTS * 2], rest[DOCUMENTS * 2];
    struct corpus *c = many_documents(2);
    struct corpus_reader_settings s = corpus_reader_settings_default();
    s.window_blocks = 7;
    struct corpus_reader *r, *other;
    struct corpus_document d;
    CHECK_OK(corpus_reader_create(&r, c, &s, &e));
    CHECK_OK(corpus_reader_create(&other, c, &s, &e));
    struct corpus_position at[3];
    size_t stops[] = {0, 2345, DOCUMENTS + 17};
    for (size_t i = 0; i < DOCUMENTS + 1000; i++) {
        for (size_t k = 0; k < 3; k++)
            if (stops[k] == i)
                at[k] = corpus_reader_position(r);
        CHECK_OK(corpus_reader_next(r, &d, &e));
        all[i] = (size_t)strtoul(d.text + d.start[0], NULL, 10);
    }
    for (size_t k = 3; k-- > 0;) {
        CHECK_OK(corpus_reader_seek(other, at[k], &e));
        for (size_t i = stops[k]; i < DOCUMENTS + 1000; i++) {
            CHECK_OK(corpus_reader_next(other, &d, &e));
            rest[i] = (size_t)strtoul(d.text + d.start[0], NULL, 10);
            CHECK(rest[i] == all[i]);
        }
    }
    CHECK(!corpus_reader_seek(other, (struct corpus_position){.window = 1000}, &e));
    // The window of the last document has it at its number.
    struct corpus_document same = corpus_window_document(other, corpus_window_last(other));
    CHECK(corpus_window_documents(other) > 100 && same.hash == d.hash && same.place == d.place);
    corpus_reader_free(r);
    corpus_reader_free(other);
    corpus_close(c);
}

TEST(parts_share_nothing_and_miss_nothing) {
    static size_t number[DOCUMENTS + 1], sum[3];
    static const double cut[] = {0, 0.9, 0.99, 1};
    struct corpus *c = many_documents(1);
    size_t total = 0;
    for (size_t p = 0; p < 3; p++) {
        struct corpus_reader *r = reader_of(c, true, 5 + p, cut[p], cut[p + 1]);
        size_t n = order_of(r, number, DOCUMENTS + 1);
        CHECK_NEAR((double)n / DOCUMENTS, cut[p + 1] - cut[p], 0.02);
        for (size_t i = 0; i < n; i++)
            sum[p] += number[i];
        total += n;
        corpus_reader_free(r);
    }
    CHECK_SIZE(total, DOCUMENTS);
    CHECK_SIZE(sum[0] + sum[1] + sum[2], DOCUMENTS * (DOCUMENTS - 1) / 2);
    struct corpus_reader *r = reader_of(c, true, 1, 0.5, 0.5000000001);
    struct corpus_document d;
    CHECK(!corpus_reader_next(r, &d, &e));
    CHECK_HAS(e.text, "no document");
    corpus_reader_free(r);
    CHECK(!reader_of(c, true, 1, 0.5, 0.5));
    corpus_close(c);
}

TEST(a_file_that_changes_is_told) {
    struct corpus *c = open_text("one.\n\ntwo.\n", CORPUS_SENTENCES);
    struct corpus_reader *r = reader_of(c, true, 1, 0, 1);
    struct corpus_document d;
    char path[512];
    snprintf(path, sizeof path, "%s/corpus.txt", check_folder());
    FILE *f = fopen(path, "a");
    CHECK(f && fputs("three.\n", f) >= 0 && fclose(f) == 0);
    CHECK(!corpus_reader_next(r, &d, &e));
    CHECK_HAS(e.text, "corpus.txt was written to");
    corpus_reader_free(r);
    corpus_close(c);
}

TEST(short_documents_are_passed_over) {
    struct corpus *c = open_text("a\nb\n\nc\n\nd\ne\nf\n", CORPUS_SENTENCES);
    struct corpus_reader_settings s = corpus_reader_settings_default();
    struct corpus_reader *r;
    struct corpus_document d;
    bool there;
    s.least_sentences = 2;
    CHECK_OK(corpus_reader_create(&r, c, &s, &e));
    CHECK(corpus_reader_next_in_epoch(r, &d, &there, &e) && there);
    CHECK(corpus_reader_next_in_epoch(r, &d, &there, &e) && there);
    CHECK(corpus_reader_next_in_epoch(r, &d, &there, &e) && !there);
    CHECK_SIZE(corpus_reader_counts(r).too_short, 1);
    corpus_reader_free(r);
    corpus_close(c);
}

TEST(the_mark_of_a_corpus) {
    struct corpus *a = open_text("one.\n\ntwo.\n", CORPUS_SENTENCES),
                  *b = open_text("one.\n\ntwo!\n", CORPUS_SENTENCES),
                  *c = open_text("one.\n\ntwo!\n", CORPUS_LINES);
    CHECK(a && b && c);
    CHECK(corpus_fingerprint(a) != corpus_fingerprint(b) && corpus_fingerprint(b) != corpus_fingerprint(c));
    corpus_close(a);
    corpus_close(b);
    corpus_close(c);
}
