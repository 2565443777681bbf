// SPDX-License-Identifier: GPL-3.0-or-later
#include "engine/pretrain/neighbour_text.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/random.h"
#include "engine/data/sentence_table.h"

// OTHERS: sentences of earlier documents that are kept to be drawn from. BARREN: documents that are too
// short, one after another, before giving up.
enum { STREAM = 0x6e62, OTHERS = 256, BARREN = 2000, LEAST_WORDS = 3, MOST_SENTENCES = 64 };

struct neighbour_writer {
    struct generator *documents, *forms;
    const char *start, *form;
    struct random random;
    uint64_t number, form_number;
    const char *sentence[MOST_SENTENCES]; // of the present document, those that are long enough
    size_t sentences;
    char *other[OTHERS]; // owned
    size_t others;       // ever kept; the last OTHERS are there
    size_t order[MOST_SENTENCES], asked;
};

// What the last <first> drew.
struct question {
    size_t first;    // index of the sentence
    size_t relation; // of the second sentence, see relation_word
    char letter;
    bool open;
};

bool neighbour_writer_create(struct neighbour_writer **out, const struct grammar *g, const char *start,
                             const char *form, uint64_t seed, struct error *e) {
    struct neighbour_writer *w = *out = mem_calloc(1, sizeof *w, e);
    if (!w)
        return false;
    w->start = start;
    w->form = form;
    random_seed(&w->random, seed, STREAM);
    if (generator_create(&w->documents, g, GRAMMAR_CORPUS, seed, e) &&
        generator_create(&w->forms, g, GRAMMAR_CORPUS, seed, e))
        return true;
    neighbour_writer_free(w);
    *out = NULL;
    return false;
}

void neighbour_writer_free(struct neighbour_writer *w) {
    if (!w)
        return;
    generator_free(w->documents);
    generator_free(w->forms);
    for (size_t i = 0; i < OTHERS; i++)
        free(w->other[i]);
    free(w);
}

static bool is_long(const char *text) {
    size_t words;
    sentence_hash(text, strlen(text), &words);
    return words >= LEAST_WORDS;
}

static bool keep_other(struct neighbour_writer *w, const char *text, struct error *e) {
    char *copy = mem_strdup(text, e), **place = &w->other[w->others++ % OTHERS];
    free(*place);
    *place = copy;
    return copy != NULL;
}

// The next document that is long enough, its sentences in an order of asking.
static bool read_document(struct neighbour_writer *w, struct error *e) {
    struct generated d;
    for (size_t tries = 0; tries < BARREN; tries++) {
        for (size_t i = 0; i < w->sentences; i++)
            if (!keep_other(w, w->sentence[i], e))
                return false;
        w->sentences = 0;
        if (!generator_document(w->documents, w->start, w->number++, &d, e))
            return false;
        for (size_t i = 0; i < d.count && w->sentences < MOST_SENTENCES; i++)
            if (is_long(d.sentence[i].text))
                w->sentence[w->sentences++] = d.sentence[i].text;
        if (w->sentences < NEIGHBOUR_SENTENCES)
            continue;
        for (size_t i = 0; i < w->sentences; i++)
            w->order[i] = i;
        random_shuffle(&w->random, w->order, w->sentences);
        w->asked = 0;
        if (w->others >= OTHERS)
            return true;
    }
    return error_set(e, ERROR_INPUT,
                     "the rule \"%s\" writes no document with %d sentences of %d words or more", w->start,
                     NEIGHBOUR_SENTENCES, LEAST_WORDS);
}

static const char *other_sentence(struct neighbour_writer *w) {
    return w->other[random_below(&w->random, OTHERS)];
}

static const char *neighbour(struct neighbour_writer *w, size_t i) {
    bool next = i == 0 || (i + 1 < w->sentences && random_below(&w->random, 2));
    return w->sentence[next ? i + 1 : i - 1];
}

// A sentence of the document that is neither i nor a neighbour; there is one, as it has five.
static const char *stranger(struct neighbour_writer *w, size_t i) {
    for (;;) {
        size_t k = random_below(&w->random, w->sentences);
        if (k + 1 < i || k > i + 1)
            return w->sentence[k];
    }
}

static size_t draw_count(struct neighbour_writer *w) {
    return random_below(&w->random, 8) ? 2 + random_below(&w->random, 5)
                                       : 2 + random_below(&w->random, NEIGHBOUR_OPTIONS - 1);
}

static void write_options(struct neighbour_writer *w, struct question *q, struct buffer *out) {
    size_t n = draw_count(w), order[NEIGHBOUR_OPTIONS];
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    random_shuffle(&w->random, order, n);
    bool hard = n > 2 || random_below(&w->random, 2);
    for (size_t i = 0; i < n; i++) {
        const char *text = order[i] == 0           ? neighbour(w, q->first)
                           : order[i] == 1 && hard ? stranger(w, q->first)
                                                   : other_sentence(w);
        buffer_printf(out, "%s%c. %s", i ? " " : "", (char)('A' + i), text);
        q->letter = order[i] == 0 ? (char)('A' + i) : q->letter;
    }
}

static const char *const relation_word[] = {"no", "maybe", "yes"};

static const char *draw_second(struct neighbour_writer *w, const struct question *q) {
    return q->relation == 0   ? other_sentence(w)
           : q->relation == 1 ? stranger(w, q->first)
                              : neighbour(w, q->first);
}

// Writes what a mark stands for; false where it is none, or comes before its <first>.
static bool write_mark(struct neighbour_writer *w, const char *mark, size_t length, struct question *q,
                       struct buffer *out) {
    const struct {
        const char *name;
        bool needs;
    } marks[] = {{"<first>", false},
                 {"<second>", true},
                 {"<options>", true},
                 {"<letter>", true},
                 {"<relation>", true}};
    size_t i = 0;
    while (i < sizeof marks / sizeof *marks &&
           (strlen(marks[i].name) != length || memcmp(marks[i].name, mark, length) != 0))
        i++;
    if (i == sizeof marks / sizeof *marks || (marks[i].needs && !q->open))
        return false;
    if (i == 0) {
        *q = (struct question){.first = w->order[w->asked++ % w->sentences],
                               .relation = random_below(&w->random, 3),
                               .letter = 'A',
                               .open = true};
        buffer_add_text(out, w->sentence[q->first]);
    } else if (i == 1)
        buffer_add_text(out, draw_second(w, q));
    else if (i == 2)
        write_options(w, q, out);
    else if (i == 3)
        buffer_add_char(out, q->letter);
    else
        buffer_add_text(out, relation_word[q->relation]);
    return true;
}

static bool write_line(struct neighbour_writer *w, const char *line, struct question *q, struct buffer *out,
                       struct error *e) {
    for (const char *at = line; *at;) {
        const char *end = *at == '<' ? strchr(at, '>') : NULL;
        if (end && !write_mark(w, at, (size_t)(end + 1 - at), q, out))
            return error_set(e, ERROR_INPUT,
                             "the rule \"%s\" writes %.*s: it may have <first> and, behind it, <second>, "
                             "<relation>, <options>, <letter>",
                             w->form, (int)(end + 1 - at < 40 ? end + 1 - at : 40), at);
        if (end) { // a sentence brings its own full stop
            at = end + 1;
            continue;
        }
        buffer_add_char(out, *at++);
    }
    buffer_add_char(out, '\n');
    return true;
}

bool neighbour_writer_next(struct neighbour_writer *w, struct buffer *out, struct error *e) {
    struct generated form;
    struct question q = {0};
    if (!read_document(w, e) || !generator_document(w->forms, w->form, w->form_number++, &form, e))
        return false;
    for (size_t i = 0; i < form.count; i++)
        if (!write_line(w, form.sentence[i].text, &q, out, e))
            return false;
    buffer_add_char(out, '\n');
    return buffer_ok(out, e);
}
