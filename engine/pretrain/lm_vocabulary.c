// SPDX-License-Identifier: GPL-3.0-or-later
// Words that must be kept are added behind the trained pieces, with a score a little above that of the pieces
// they would be cut into. SentencePiece's own "user-defined symbols" would not do: they are cut out of longer
// words, too (yes|terday).
//
// The trainer takes as candidates for pieces only what stands in two different runs of text between blanks.
// "thing" does where the text has "thing" and "thing."; a word that no mark ever follows and no longer word
// begins with ("and", "from"), or that one mark always follows ("Also,"), does not, however often it comes,
// and would be cut ("an|d"). So the words that come often are told twice more at the end, with two marks.
#include "lm_vocabulary.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/hash.h"
#include "engine/base/memory.h"
#include "engine/data/sentence_table.h"
#include "engine/model/spiece.h"

static const char WORD_MARK[] = "\xe2\x96\x81"; // U+2581
static const float ABOVE = 0.5f;                // of the log probability, above that of the word's parts
enum { MOST_KEPT = 1024, MOST_WORD = 64, OFTEN = 8, MOST_COUNTED = 1 << 20 };

struct sample {
    struct corpus_reader *reader;
    struct corpus_document document;
    size_t sentence, left;      // left: bytes that may still be given
    struct sentence_table seen; // words of letters alone, by hash
    struct buffer often;        // those that came OFTEN, each as "word.\nword,\n"
    size_t told;                // bytes of `often` that were given
    bool failed;
    struct error *e;
};

// How long the word is that a run of text begins with: all of it but marks at its end; 0 if it is none.
static size_t word_length(const char *text, size_t length) {
    while (length && ispunct((unsigned char)text[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++)
        if (!isalpha((unsigned char)text[i]) && !((unsigned char)text[i] & 0x80))
            return 0;
    return length <= MOST_WORD ? length : 0;
}

static bool count_words(struct sample *s, const char *text, size_t length) {
    for (size_t i = 0, end; i < length; i = end + 1) {
        struct sentence_entry *entry = NULL;
        for (end = i; end < length && text[end] != ' ';)
            end++;
        size_t word = word_length(text + i, end - i);
        if (!word)
            continue;
        uint64_t hash = hash_bytes(HASH_START, text + i, word);
        if (!sentence_table_take(&s->seen, hash ? hash : 1, &entry, s->e))
            return false;
        if (entry && ++entry->count == OFTEN) {
            for (const char *mark = ".,"; *mark; mark++) {
                buffer_add(&s->often, text + i, word);
                buffer_printf(&s->often, "%c\n", *mark);
            }
        }
    }
    return buffer_ok(&s->often, s->e);
}

static bool next_often(struct sample *s, const char **text, size_t *length) {
    if (s->failed || s->told >= s->often.length)
        return false;
    *text = s->often.data + s->told;
    *length = strcspn(*text, "\n");
    s->told += *length + 1;
    return true;
}

static bool next_sentence(void *context, const char **text, size_t *length) {
    struct sample *s = context;
    while (s->sentence >= s->document.sentences) {
        bool there = false;
        s->sentence = 0;
        if (!s->told && !s->failed && s->left &&
            !corpus_reader_next_in_epoch(s->reader, &s->document, &there, s->e))
            s->failed = true;
        if (!there) {
            s->document.sentences = 0;
            return next_often(s, text, length);
        }
        s->left -= s->document.bytes < s->left ? s->document.bytes : s->left;
    }
    *text = corpus_sentence(&s->document, s->sentence++, length);
    s->failed = s->failed || !count_words(s, *text, *length);
    return !s->failed;
}

// SentencePiece's words for it are about its own source, "... Vocabulary size is smaller than required_chars.
// 100 vs 629. ..."; every frequent character is a piece, so that a text has a least vocabulary.
static bool tell_why(size_t pieces, const char *why, struct error *e) {
    const char *numbers = strstr(why, "required_chars. ");
    size_t have, least;
    if (numbers && sscanf(numbers, "required_chars. %zu vs %zu", &have, &least) == 2)
        return error_set(e, ERROR_INPUT,
                         "a vocabulary of %zu pieces is too small for this corpus: its characters alone take "
                         "%zu; give a larger --vocabulary",
                         pieces, least);
    return error_set(e, ERROR_INPUT, "no vocabulary of %zu pieces can be trained on this corpus (%s)", pieces,
                     why);
}

static bool train(char **bytes, size_t *length, const struct corpus *c,
                  const struct lm_vocabulary_settings *s, size_t pieces, struct error *e) {
    char size[24], why[256] = "";
    snprintf(size, sizeof size, "%zu", pieces);
    const struct spiece_argument arguments[] = {{"model_type", "unigram"},
                                                {"vocab_size", size},
                                                {"hard_vocab_limit", "false"},
                                                {"character_coverage", "0.9995"},
                                                {"normalization_rule_name", "nmt_nfkc"},
                                                {"pad_id", "0"},
                                                {"eos_id", "1"},
                                                {"unk_id", "2"},
                                                {"bos_id", "-1"},
                                                {"pad_piece", "<pad>"},
                                                {"num_threads", "2"}, // its sums depend on it
                                                {"max_sentence_length", "8192"}};
    struct corpus_reader_settings r = corpus_reader_settings_default();
    struct sample sample = {.left = LM_VOCABULARY_BYTES, .seen.most = MOST_COUNTED, .e = e};
    r.to = s->to;
    r.seed = s->seed;
    if (!corpus_reader_create(&sample.reader, c, &r, e))
        return false;
    bool ok = spiece_train(arguments, sizeof arguments / sizeof *arguments, next_sentence, &sample, bytes,
                           length, why, sizeof why);
    corpus_reader_free(sample.reader);
    sentence_table_free(&sample.seen);
    buffer_free(&sample.often);
    if (sample.failed) {
        free(ok ? *bytes : NULL);
        return false;
    }
    return ok || tell_why(pieces, why, e);
}

// ---- words that are kept ----

struct words {
    char piece[MOST_KEPT][MOST_WORD + sizeof WORD_MARK];
    size_t count;
};

static bool read_words(struct words *w, const char *text, struct error *e) {
    w->count = 0;
    while (text && *text) {
        size_t length = strcspn(text, ","), from = strspn(text, " ");
        size_t end = length;
        while (end > from && text[end - 1] == ' ')
            end--;
        if (w->count == MOST_KEPT || end - (from < end ? from : end) > MOST_WORD ||
            (from < end && memchr(text + from, ' ', end - from)))
            return error_set(
                e, ERROR_INPUT,
                "the words to be kept: at most %d, of at most %d bytes, without spaces; separate them "
                "by commas",
                MOST_KEPT, MOST_WORD);
        if (from < end)
            snprintf(w->piece[w->count++], sizeof w->piece[0], "%s%.*s", WORD_MARK, (int)(end - from),
                     text + from);
        text += length + (text[length] == ',');
    }
    return true;
}

struct scoring {
    const struct spiece *s;
    float sum;
};

static bool add_score(void *context, int32_t id) {
    struct scoring *x = context;
    x->sum += spiece_score(x->s, (size_t)id);
    return true;
}

// ModelProto.pieces { piece, score } once more, see spiece_check.c. Lengths are below 128: one byte each.
static void add_piece(struct buffer *b, const char *piece, float score) {
    unsigned char head[] = {0x0a, 0, 0x0a, 0}, kind = 0x15;
    size_t length = strlen(piece);
    head[3] = (unsigned char)length;
    head[1] = (unsigned char)(2 + length + 1 + sizeof score);
    buffer_add(b, head, sizeof head);
    buffer_add(b, piece, length);
    buffer_add(b, &kind, 1);
    buffer_add(b, &score, sizeof score);
}

// Adds the pieces that the model of these bytes lacks; *missing is their number.
static bool add_missing(struct buffer *out, const char *bytes, size_t length, const struct words *w,
                        size_t *missing, struct error *e) {
    char why[256];
    struct spiece *s = spiece_load(bytes, length, why, sizeof why);
    *missing = 0;
    if (!s)
        return error_set(e, ERROR_INPUT, "the trained vocabulary cannot be read: %s", why);
    for (size_t i = 0; i < w->count; i++) {
        const char *word = w->piece[i] + sizeof WORD_MARK - 1;
        struct scoring x = {.s = s};
        if (spiece_find(s, w->piece[i]) >= 0)
            continue;
        spiece_encode(s, word, strlen(word), add_score, &x, why, sizeof why);
        add_piece(out, w->piece[i], x.sum + ABOVE);
        ++*missing;
    }
    spiece_free(s);
    return true;
}

bool lm_vocabulary_train(char **bytes, size_t *length, const struct corpus *c,
                         const struct lm_vocabulary_settings *s, struct error *e) {
    struct buffer added = {0};
    size_t missing = 0;
    struct words *w = mem_calloc(1, sizeof *w, e);
    *bytes = NULL;
    bool ok = w && read_words(w, s->keep, e) && train(bytes, length, c, s, s->pieces, e) &&
              add_missing(&added, *bytes, *length, w, &missing, e);
    if (ok && missing && missing < s->pieces) { // again, with room for them
        free(*bytes);
        *bytes = NULL;
        buffer_clear(&added);
        ok = train(bytes, length, c, s, s->pieces - missing, e) &&
             add_missing(&added, *bytes, *length, w, &missing, e);
    }
    ok = ok && buffer_ok(&added, e);
    if (ok && added.length) {
        char *longer = realloc(*bytes, *length + added.length);
        ok = longer || error_set(e, ERROR_MEMORY, "no memory for the vocabulary");
        if (longer) {
            memcpy(longer + *length, added.data, added.length);
            *bytes = longer;
            *length += added.length;
        }
    }
    if (!ok) {
        free(*bytes);
        *bytes = NULL;
    }
    buffer_free(&added);
    free(w);
    return ok;
}
