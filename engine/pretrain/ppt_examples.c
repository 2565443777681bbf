// SPDX-License-Identifier: GPL-3.0-or-later
// A query, its neighbour, and sentences that are none.
#include "ppt_examples.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/random.h"

enum { EXAMPLES = 1, TRIES = 64, BARREN = 100000 }; // the random stream; draws; documents without an example

// ---- the tasks ----

static const char *const names[PPT_TASKS] = {"nsp", "nss", "unified", "cls"};
static char *pair_fields[] = {"text_a", "text_b"};
static char *nsp_classes[] = {"no", "maybe", "yes"};
static char *letters[] = {"A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "O", "P"};
static char *cls_classes[] = {"terrible", "bad", "maybe", "good", "great"};
static const struct task tasks[PPT_TASKS] = {
    [PPT_NSP] = {.name = "nsp",
                 .family = TASK_SENTENCE_PAIR,
                 .field = pair_fields,
                 .fields = 2,
                 .class_name = nsp_classes,
                 .class_value = nsp_classes,
                 .classes = 3},
    [PPT_NSS] = {.name = "nss",
                 .family = TASK_MULTIPLE_CHOICE,
                 .option_columns = 1,
                 .field = pair_fields,
                 .fields = 1,
                 .class_name = letters,
                 .class_value = letters,
                 .classes = PPT_OPTIONS},
    [PPT_UNIFIED] = {.name = "unified",
                     .family = TASK_MULTIPLE_CHOICE,
                     .option_columns = 1,
                     .field = pair_fields,
                     .fields = 1,
                     .class_name = letters,
                     .class_value = letters,
                     .classes = TASK_MOST_OPTIONS},
    [PPT_CLS] = {.name = "cls",
                 .family = TASK_SINGLE_SENTENCE,
                 .field = pair_fields,
                 .fields = 1,
                 .class_name = cls_classes,
                 .class_value = cls_classes,
                 .classes = 5},
};

const char *ppt_task_name(enum ppt_task t) {
    return names[t];
}

bool ppt_task_find(const char *name, enum ppt_task *out) {
    for (size_t i = 0; i < PPT_TASKS; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum ppt_task)i;
            return true;
        }
    return false;
}

const struct task *ppt_task_of(enum ppt_task t) {
    return &tasks[t];
}

char *ppt_template(enum ppt_task t, size_t vectors, bool official, struct error *e) {
    static const char *const paper[PPT_TASKS] = {
        [PPT_NSP] = "{text_a} {mask}. {text_b}",
        [PPT_NSS] = "{text_a} {options}. Answer is {mask}.",
        [PPT_UNIFIED] = "{text_a} {options}. Answer is {mask}.",
        [PPT_CLS] = "{text_a} {mask}.",
    };
    static const char *const code[PPT_TASKS] = {
        [PPT_NSP] = "{text_a} {mask} {text_b}",
        [PPT_NSS] = "{text_a} {options}. The correct one is {mask}",
        [PPT_UNIFIED] = "{text_a} {options}. The correct one is {mask}",
        [PPT_CLS] = "{text_a} {mask}",
    };
    struct buffer b = {0};
    buffer_printf(&b, "{soft:%zu} %s", vectors, official ? code[t] : paper[t]);
    return buffer_take(&b, e);
}

const char *ppt_label_words(enum ppt_task t) {
    return t == PPT_NSP ? "no; maybe; yes" : t == PPT_CLS ? "terrible; bad; maybe; good; great" : NULL;
}

// ---- sentences ----

struct corpus_reader_settings ppt_reader_settings(double from, double to, uint64_t seed) {
    enum { MOST_BLOCKS = 4096 };
    struct corpus_reader_settings r = corpus_reader_settings_default();
    double blocks = CORPUS_WINDOW_BLOCKS / (to - from);
    r.from = from;
    r.to = to;
    r.seed = seed;
    r.least_sentences = PPT_LEAST_SENTENCES;
    r.window_blocks = blocks < MOST_BLOCKS ? (size_t)blocks : MOST_BLOCKS;
    return r;
}

struct ppt_maker {
    enum ppt_task task;
    struct corpus_reader *reader;
    const struct tokenizer *tokenizer;
    uint64_t seed;
    struct corpus_position before; // of the present document
    struct corpus_document document;
    size_t *fit, fits, fit_capacity; // its sentences that are long enough
    size_t sentence;                 // index into fit of the next query
    bool reading;                    // a document is there
    uint64_t number;
    struct token_list tokens;
};

bool ppt_maker_create(struct ppt_maker **out, enum ppt_task t, struct corpus_reader *reader,
                      const struct tokenizer *tokenizer, uint64_t seed, struct error *e) {
    *out = mem_calloc(1, sizeof **out, e);
    if (!*out)
        return false;
    **out = (struct ppt_maker){.task = t, .reader = reader, .tokenizer = tokenizer, .seed = seed};
    return true;
}

void ppt_maker_free(struct ppt_maker *m) {
    if (!m)
        return;
    free(m->fit);
    token_list_free(&m->tokens);
    free(m);
}

static bool encode(struct ppt_maker *m, const char *text, size_t length, struct error *e) {
    m->tokens.count = 0;
    return tokenizer_encode(m->tokenizer, text, length, &m->tokens, e);
}

// The next document that has enough sentences, with those that are long enough. With `found`, of this epoch
// only: false when it has none left.
static bool read_document(struct ppt_maker *m, bool *found, struct error *e) {
    for (size_t tries = 0; tries < BARREN; tries++) {
        m->before = corpus_reader_position(m->reader);
        m->reading = false;
        if (!(found ? corpus_reader_next_in_epoch(m->reader, &m->document, found, e)
                    : corpus_reader_next(m->reader, &m->document, e)))
            return false;
        if (found && !*found)
            return true;
        m->fits = 0;
        for (size_t i = 0; i < m->document.sentences; i++) {
            size_t length;
            const char *text = corpus_sentence(&m->document, i, &length);
            if (!encode(m, text, length, e) ||
                !mem_grow(&m->fit, &m->fit_capacity, m->fits + 1, sizeof *m->fit, e))
                return false;
            if (m->tokens.count >= PPT_LEAST_TOKENS)
                m->fit[m->fits++] = i;
        }
        m->reading = m->fits >= PPT_LEAST_SENTENCES;
        m->sentence = 0;
        if (m->reading)
            return true;
    }
    return error_set(e, ERROR_INPUT,
                     "no document among %d has %d sentences of %d tokens or more; is the layout right? "
                     "Documents are separated by blank lines",
                     BARREN, PPT_LEAST_SENTENCES, PPT_LEAST_TOKENS);
}

// The text of a sentence as a string of its own, of at most `most` tokens (0: any number). Owned.
static char *copy_text(struct ppt_maker *m, const char *text, size_t length, size_t most, struct error *e) {
    if (most && !encode(m, text, length, e))
        return NULL;
    return most && m->tokens.count > most ? tokenizer_decode(m->tokenizer, m->tokens.id, most, e)
                                          : mem_strndup(text, length, e);
}

static char *own_sentence(struct ppt_maker *m, size_t fit, size_t most, struct error *e) {
    size_t length;
    const char *text = corpus_sentence(&m->document, m->fit[fit], &length);
    return copy_text(m, text, length, most, e);
}

// A sentence of another document of the window. Short ones are passed over as long as there is hope.
static char *foreign_sentence(struct ppt_maker *m, struct random *r, size_t most, struct error *e) {
    size_t documents = corpus_window_documents(m->reader), here = corpus_window_last(m->reader);
    for (int tries = 0; tries < TRIES && documents > 1; tries++) {
        size_t i = random_below(r, documents - 1), length;
        struct corpus_document d = corpus_window_document(m->reader, i + (i >= here));
        const char *text = corpus_sentence(&d, random_below(r, d.sentences), &length);
        if (!encode(m, text, length, e))
            return NULL;
        if (m->tokens.count >= PPT_LEAST_TOKENS && d.hash != m->document.hash)
            return copy_text(m, text, length, most, e);
    }
    error_set(e, ERROR_INPUT,
              "there are too few documents near each other to draw a sentence of another one from; give "
              "more text");
    return NULL;
}

// ---- which sentences ----

static size_t neighbour(const struct ppt_maker *m, struct random *r) {
    size_t i = m->sentence;
    return i == 0 || (i + 1 < m->fits && random_below(r, 2)) ? i + 1 : i - 1;
}

// The sentences of the document that are neither the query nor its neighbours, shuffled into `out` [fits].
static size_t strangers(const struct ppt_maker *m, struct random *r, size_t *out) {
    size_t n = 0;
    for (size_t i = 0; i < m->fits; i++)
        if (i + 1 < m->sentence || i > m->sentence + 1)
            out[n++] = i;
    random_shuffle(r, out, n);
    return n;
}

static bool pair_text(struct ppt_maker *m, struct random *r, struct example *x, size_t *apart,
                      struct error *e) {
    x->label = random_below(r, 3);
    size_t n = strangers(m, r, apart);
    if (x->label == 1 && !n)
        x->label = 2;
    x->field[1] = x->label == 0   ? foreign_sentence(m, r, 0, e)
                  : x->label == 1 ? own_sentence(m, apart[0], 0, e)
                                  : own_sentence(m, neighbour(m, r), 0, e);
    return x->field[1] != NULL;
}

// Lengths in tokens for n options.
static size_t query_tokens(size_t n) {
    return n <= 2 ? 400 : n <= 6 ? 300 : n <= 9 ? 200 : 150;
}
static size_t option_tokens(size_t n) {
    return n <= 2 ? 50 : n <= 6 ? 40 : n <= 9 ? 30 : 20;
}

static bool option_texts(struct ppt_maker *m, struct random *r, struct example *x, size_t n, size_t *apart,
                         struct error *e) {
    size_t order[TASK_MOST_OPTIONS], most = option_tokens(n), have = strangers(m, r, apart);
    size_t hard = m->task == PPT_NSS ? 1 : n > 2 ? (n / 4 ? n / 4 : 1) : random_below(r, 2);
    hard = hard < have ? hard : have;
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    random_shuffle(r, order, n);
    if (!(x->option = mem_calloc(n, sizeof *x->option, e)))
        return false;
    x->options = n;
    x->label = order[0];
    for (size_t i = 0; i < n; i++) {
        char **to = &x->option[order[i]];
        *to = i == 0      ? own_sentence(m, neighbour(m, r), most, e)
              : i <= hard ? own_sentence(m, apart[i - 1], most, e)
                          : foreign_sentence(m, r, most, e);
        if (!*to)
            return false;
    }
    return true;
}

// ---- examples ----

void ppt_example_free(enum ppt_task t, struct example *x) {
    for (size_t i = 0; x->field && i < tasks[t].fields; i++)
        free(x->field[i]);
    for (size_t i = 0; x->option && i < x->options; i++)
        free(x->option[i]);
    free(x->field);
    free(x->option);
    *x = (struct example){0};
}

static bool make(struct ppt_maker *m, struct example *x, struct error *e) {
    struct random r;
    size_t n = 0, *apart = mem_calloc(m->fits, sizeof *apart, e);
    random_seed(&r, m->seed * 0x9e3779b97f4a7c15u + m->number, EXAMPLES);
    *x = (struct example){.field = mem_calloc(tasks[m->task].fields, sizeof(char *), e),
                          .line = m->number + 1};
    if (m->task == PPT_UNIFIED)
        n = 2 + random_below(&r, TASK_MOST_OPTIONS - 1);
    else if (m->task == PPT_NSS)
        n = PPT_OPTIONS;
    bool ok = apart && x->field && (x->field[0] = own_sentence(m, m->sentence, n ? query_tokens(n) : 0, e));
    ok = ok && (n ? option_texts(m, &r, x, n, apart, e) : pair_text(m, &r, x, apart, e));
    free(apart);
    if (!ok)
        ppt_example_free(m->task, x);
    return ok;
}

static bool fair_pair(const struct example *x) {
    size_t a = strlen(x->field[0]), b = strlen(x->field[1]);
    return a <= 100 * b && b <= 100 * a;
}

static bool next_example(struct ppt_maker *m, struct example *out, bool *found, struct error *e) {
    for (;;) {
        if ((!m->reading || m->sentence == m->fits) && !read_document(m, found, e))
            return false;
        if (!m->reading)
            return true;
        if (!make(m, out, e))
            return false;
        m->sentence++;
        m->number++;
        if (m->task != PPT_NSP || fair_pair(out))
            return true;
        ppt_example_free(m->task, out);
    }
}

bool ppt_maker_next(struct ppt_maker *m, struct example *out, struct error *e) {
    return next_example(m, out, NULL, e);
}

bool ppt_maker_next_in_epoch(struct ppt_maker *m, struct example *out, bool *found, struct error *e) {
    *found = true;
    return next_example(m, out, found, e);
}

struct ppt_place ppt_maker_place(const struct ppt_maker *m) {
    bool inside = m->reading && m->sentence < m->fits;
    return (struct ppt_place){.document = inside ? m->before : corpus_reader_position(m->reader),
                              .sentence = inside ? m->sentence : 0,
                              .number = m->number};
}

bool ppt_maker_seek(struct ppt_maker *m, struct ppt_place place, struct error *e) {
    m->reading = false;
    if (!corpus_reader_seek(m->reader, place.document, e))
        return false;
    m->number = place.number;
    if (!place.sentence)
        return true;
    if (!read_document(m, NULL, e))
        return false;
    if (place.sentence >= m->fits)
        return error_set(e, ERROR_INPUT, "the kept place is sentence %zu of a document that has %zu now",
                         (size_t)place.sentence, m->fits);
    m->sentence = place.sentence;
    return true;
}
