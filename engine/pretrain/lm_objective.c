// SPDX-License-Identifier: GPL-3.0-or-later
#include "lm_objective.h"

#include <ctype.h>
#include <math.h>
#include <string.h>

enum { MOST_SPANS = 100, LONGEST_WORD = 8 };

void lm_symbols_of(struct lm_symbols *out, const struct tokenizer *t, int32_t start, int32_t eos) {
    *out = (struct lm_symbols){.tokenizer = t, .start = start, .eos = eos};
    while (out->sentinels < MOST_SPANS && tokenizer_sentinel(t, out->sentinels) >= 0) {
        out->sentinel[out->sentinels] = tokenizer_sentinel(t, out->sentinels);
        out->sentinels++;
    }
}

enum lm_kind lm_objective_draw(const double mix[LM_KINDS], struct random *r) {
    double sum = 0, at;
    for (size_t i = 0; i < LM_KINDS; i++)
        sum += mix[i];
    at = random_uniform(r) * sum;
    size_t last = 0;
    for (size_t i = 0; i < LM_KINDS; i++) {
        if (mix[i] <= 0)
            continue;
        last = i;
        if (at < mix[i])
            break;
        at -= mix[i];
    }
    return (enum lm_kind)last;
}

// part [parts] >= 1 with the sum `total`, uniform over all of them: `parts` - 1 of the `total` - 1 places
// between units are cuts, chosen one by one.
static void divide(size_t total, size_t parts, size_t *part, struct random *r) {
    size_t cuts = parts - 1, places = total - 1, length = 1, i = 0;
    for (; places > 0; places--) {
        if (random_below(r, places) < cuts) {
            part[i++] = length;
            length = 0;
            cuts--;
        }
        length++;
    }
    part[i] = length;
}

struct making {
    const struct lm_symbols *symbols;
    const int32_t *token;
    struct token_list *encoder, *targets;
    struct error *e;
};

static bool copy(const struct making *m, size_t from, size_t count, struct token_list *to) {
    for (size_t i = from; i < from + count; i++)
        if (!token_list_add(to, m->token[i], m->e))
            return false;
    return true;
}

static bool finish(const struct making *m) {
    return token_list_add(m->encoder, m->symbols->eos, m->e) &&
           token_list_add(m->targets, m->symbols->eos, m->e);
}

// Tokens [from, from + count) to the targets, a sentinel in their place.
static bool take_out(const struct making *m, size_t number, size_t from, size_t count) {
    int32_t sentinel = m->symbols->sentinel[number];
    return token_list_add(m->encoder, sentinel, m->e) && token_list_add(m->targets, sentinel, m->e) &&
           copy(m, from, count, m->targets);
}

struct shape {
    size_t noise, spans;
};

// Of span corruption of `count` tokens.
static struct shape shape_of(const struct lm_settings *s, size_t count, size_t sentinels) {
    double wanted = nearbyint((double)count * s->noise);
    size_t noise = wanted < 1 ? 1 : wanted > (double)(count - 1) ? count - 1 : (size_t)wanted;
    wanted = nearbyint((double)noise / s->mean_span);
    size_t spans = wanted < 1 ? 1 : (size_t)wanted;
    spans = spans > sentinels ? sentinels : spans;
    return (struct shape){noise, spans > count - noise ? count - noise
                                                       : spans}; // something stays between two of them
}

size_t lm_objective_longest(const struct lm_settings *s, bool decoder) {
    struct shape most = shape_of(s, s->max_tokens, MOST_SPANS);
    size_t spans = most.noise + most.spans + 1, all = s->max_tokens + 1;
    // closing: each word has a sentinel instead of what stands before it, so it is never more than all
    return decoder && spans > all ? spans : all;
}

static bool make_spans(const struct making *m, const struct lm_settings *s, size_t count, struct random *r) {
    size_t span[MOST_SPANS], kept[MOST_SPANS + 1], at = 0;
    struct shape shape = shape_of(s, count, m->symbols->sentinels);
    size_t spans = shape.spans;
    divide(shape.noise, spans, span, r);
    divide(count - shape.noise + 2, spans + 1, kept, r); // the first and the last one may be empty
    kept[0]--;
    for (size_t i = 0; i < spans; i++) {
        if (!copy(m, at, kept[i], m->encoder) || !take_out(m, i, at + kept[i], span[i]))
            return false;
        at += kept[i] + span[i];
    }
    return copy(m, at, count - at, m->encoder) && finish(m);
}

static bool make_span(const struct making *m, size_t from, size_t length, size_t count) {
    return copy(m, 0, from, m->encoder) && take_out(m, 0, from, length) &&
           copy(m, from + length, count - from - length, m->encoder) && finish(m);
}

static size_t least(size_t a, size_t b) {
    return a < b ? a : b;
}

struct closing { // the last word of a sentence
    size_t from, count;
};

static bool begins_word(const char *piece) {
    return strncmp(piece, "\xe2\x96\x81", 3) == 0;
}

static bool has_letter(const char *piece) {
    for (const char *c = begins_word(piece) ? piece + 3 : piece; *c; c++)
        if (isalnum((unsigned char)*c) || (unsigned char)*c >= 0x80)
            return true;
    return false;
}

// Of the sentence [from, end): false where it does not end in a word of at most LONGEST_WORD pieces behind
// something else.
static bool find_closing(const struct lm_symbols *symbols, const int32_t *token, size_t from, size_t end,
                         struct closing *out) {
    const struct tokenizer *t = symbols->tokenizer;
    while (end > from && !has_letter(tokenizer_piece(t, token[end - 1])))
        end--;
    for (size_t at = end; at > from + 1 && end - at < LONGEST_WORD; at--)
        if (begins_word(tokenizer_piece(t, token[at - 1]))) {
            *out = (struct closing){at - 1, end - at + 1};
            return true;
        }
    return false;
}

static size_t find_closings(const struct lm_symbols *symbols, const struct lm_text *text,
                            struct closing out[MOST_SPANS]) {
    size_t n = 0, from = 0;
    for (size_t i = 0; i < text->sentences && n < MOST_SPANS; from = text->end[i++])
        n += find_closing(symbols, text->token, from, text->end[i], &out[n]);
    return n;
}

static bool make_closing(const struct making *m, const struct lm_settings *s, const struct closing *word,
                         size_t words, size_t count, struct random *r) {
    size_t most = least(least(s->closing_words, m->symbols->sentinels), words);
    size_t wanted = 1 + random_below(r, most), taken = 0, at = 0;
    size_t always = random_uniform(r) < s->closing_anywhere ? random_below(r, words) : words - 1;
    for (size_t i = 0; i < words; i++) {
        size_t others =
            words - 1 - i + (i > always); // i and what comes, without the one that is always taken
        bool still = i <= always;         // that one is yet to come
        if (i != always && random_below(r, others) >= wanted - taken - still)
            continue;
        if (!copy(m, at, word[i].from - at, m->encoder) || !take_out(m, taken++, word[i].from, word[i].count))
            return false;
        at = word[i].from + word[i].count;
    }
    return copy(m, at, count - at, m->encoder) && finish(m);
}

bool lm_objective_apply(enum lm_kind kind, const struct lm_settings *s, const struct lm_symbols *symbols,
                        const struct lm_text *text, struct random *r, struct token_list *encoder,
                        struct token_list *targets, struct error *e) {
    struct making m = {symbols, text->token, encoder, targets, e};
    struct closing words[MOST_SPANS];
    size_t length, count = text->count, closings;
    if (kind != LM_PREFIX && !symbols->sentinels)
        return error_set(
            e, ERROR_INPUT,
            "this vocabulary has no <extra_id_0>, which the objective \"%s\" needs; use --objective "
            "prefix=1",
            lm_kind_name(kind));
    switch (kind) {
    case LM_SPANS:
        return make_spans(&m, s, count, r);
    case LM_SPAN:
        length = 1 + random_below(r, least((size_t)(2 * s->mean_span - 1), count - 1));
        return make_span(&m, random_below(r, count - length + 1), length, count);
    case LM_CLOSING:
        closings = find_closings(symbols, text, words);
        if (closings)
            return make_closing(&m, s, words, closings, count, r);
        // fall through
    case LM_SUFFIX:
        length = 1 + random_below(r, least(s->suffix_tokens, count - 1));
        return make_span(&m, count - length, length, count);
    default:
        length = 1 + random_below(r, count - 1);
        return copy(&m, 0, length, encoder) && copy(&m, length, count - length, targets) && finish(&m);
    }
}
