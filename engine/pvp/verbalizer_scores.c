// SPDX-License-Identifier: GPL-3.0-or-later
// Label words as numbers: their pieces, the scores of classes, and the way back. Nothing here allocates after
// binding: word logits are cheap and are computed where they are needed.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "pieces.h"
#include "verbalizer.h"

static const char *const rule_names[] = {"first", "mean", "max"};
enum { RULES = sizeof rule_names / sizeof rule_names[0] };

const char *word_pieces_name(enum word_pieces rule) {
    return (size_t)rule < RULES ? rule_names[rule] : "?";
}

bool word_pieces_find(enum word_pieces *out, const char *name, struct error *e) {
    for (size_t i = 0; i < RULES; i++)
        if (strcmp(rule_names[i], name) == 0) {
            *out = (enum word_pieces)i;
            return true;
        }
    return error_set(e, ERROR_INPUT,
                     "\"%.60s\" is no way to take a word of several pieces; there are first, mean and "
                     "max",
                     name);
}

// ---- binding ----

static size_t intern(struct verbalizer *v, int32_t id) {
    for (size_t i = 0; i < v->ids; i++)
        if (v->id[i] == id)
            return i;
    v->id[v->ids] = id; // room for all pieces of all words was made before
    return v->ids++;
}

static bool find_pieces(struct label_word *w, const char *class_name, const struct tokenizer *t,
                        struct error *e) {
    struct token_list list = {0};
    free(w->id);
    free(w->logit);
    w->id = NULL;
    w->logit = NULL;
    w->pieces = 0;
    bool ok = pieces_encode(t, w->text, strlen(w->text), w->bare, &list, e);
    if (ok && !list.count)
        ok = error_set(e, ERROR_INPUT,
                       "the word \"%s\" of the class \"%s\" has no piece in this model; choose another",
                       w->text, class_name);
    if (ok && (ok = (w->logit = mem_calloc(list.count, sizeof *w->logit, e)) != NULL)) {
        w->id = list.id; // taken
        w->pieces = list.count;
        list = (struct token_list){0};
    }
    token_list_free(&list);
    return ok;
}

bool verbalizer_bind(struct verbalizer *v, const struct tokenizer *t, enum word_pieces rule,
                     struct error *e) {
    size_t total = 0;
    v->pieces = rule;
    v->ids = 0;
    for (size_t c = 0; c < v->classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++) {
            if (!find_pieces(&v->label[c].word[w], v->label[c].name, t, e))
                return false;
            total += v->label[c].word[w].pieces;
        }
    free(v->id);
    if (!(v->id = mem_calloc(total, sizeof *v->id, e)))
        return false;
    for (size_t c = 0; c < v->classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++) {
            struct label_word *word = &v->label[c].word[w];
            for (size_t i = 0; i < word->pieces; i++)
                word->logit[i] = intern(v, word->id[i]);
        }
    return true;
}

int32_t verbalizer_target(const struct verbalizer *v, size_t label) {
    return v->label[label].word[0].id[0];
}

// ---- scores ----

static size_t possible_classes(const struct verbalizer *v, size_t possible) {
    return possible && possible < v->classes ? possible : v->classes;
}

static size_t largest_piece(const struct label_word *w, const float *logits) {
    size_t best = 0;
    for (size_t i = 1; i < w->pieces; i++)
        if (logits[w->logit[i]] > logits[w->logit[best]])
            best = i;
    return best;
}

static double word_logit(const struct verbalizer *v, const struct label_word *w, const float *logits) {
    if (v->pieces == WORD_FIRST)
        return logits[w->logit[0]];
    if (v->pieces == WORD_MAX)
        return logits[w->logit[largest_piece(w, logits)]];
    double sum = 0;
    for (size_t i = 0; i < w->pieces; i++)
        sum += logits[w->logit[i]];
    return sum / (double)w->pieces;
}

// ln of the sum of exp over all words of the first `classes` classes.
static double log_sum(const struct verbalizer *v, const float *logits, size_t classes) {
    double largest = -INFINITY, sum = DBL_MIN; // never zero for the logarithm
    for (size_t c = 0; c < classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++)
            largest = fmax(largest, word_logit(v, &v->label[c].word[w], logits));
    for (size_t c = 0; c < classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++)
            sum += exp(word_logit(v, &v->label[c].word[w], logits) - largest);
    return largest + log(sum);
}

void verbalizer_scores(const struct verbalizer *v, const float *logits, size_t possible, float *score) {
    size_t classes = possible_classes(v, possible);
    double all = log_sum(v, logits, classes);
    for (size_t c = 0; c < v->classes; c++) {
        if (c >= classes) {
            score[c] = -INFINITY;
            continue;
        }
        double sum = 0;
        for (size_t w = 0; w < v->label[c].words; w++)
            sum += word_logit(v, &v->label[c].word[w], logits) - all;
        score[c] = (float)(sum / (double)v->label[c].words);
    }
}

static void spread(const struct verbalizer *v, const struct label_word *w, const float *logits, double d,
                   float *d_logits) {
    if (v->pieces == WORD_FIRST) {
        d_logits[w->logit[0]] += (float)d;
    } else if (v->pieces == WORD_MAX) {
        d_logits[w->logit[largest_piece(w, logits)]] += (float)d;
    } else {
        for (size_t i = 0; i < w->pieces; i++)
            d_logits[w->logit[i]] += (float)(d / (double)w->pieces);
    }
}

// score_c = mean over its words of (z_w - ln sum exp z), so that
// d z_w = d score_c / words of c - softmax(z)_w * sum of all d score.
void verbalizer_scores_backward(const struct verbalizer *v, const float *logits, size_t possible,
                                const float *d_score, float *d_logits) {
    size_t classes = possible_classes(v, possible);
    double all = log_sum(v, logits, classes), sum = 0;
    for (size_t c = 0; c < classes; c++)
        sum += d_score[c];
    for (size_t c = 0; c < classes; c++)
        for (size_t w = 0; w < v->label[c].words; w++) {
            const struct label_word *word = &v->label[c].word[w];
            double softmax = exp(word_logit(v, word, logits) - all);
            spread(v, word, logits, d_score[c] / (double)v->label[c].words - softmax * sum, d_logits);
        }
}
