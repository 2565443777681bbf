// SPDX-License-Identifier: GPL-3.0-or-later
// How well every word of the vocabulary stands for a class, from what the model says at the mask of training
// examples. Two scores:
//
// Ratio. Schick, Schmid, Schütze, "Automatically Identifying Words That Can Serve as Labels for Few-Shot Text
// Classification" (PETAL, COLING 2020, arXiv 2010.13641), section 4: for each class a task of its own against
// all others, in which word t says "yes" with q(t|x) and "no" with 1 - q(t|x); the words are ranked by the
// likelihood ratio, with the others weighted so that both sides count alike,
//   sum over x of the class  ln q/(1-q)  +  (n_class / n_others) sum over the others  ln (1-q)/q.
// Divided by n_class this is the mean log-odds of the word in the class less the mean elsewhere, and that is
// what ratio gives.
//
// Top. Gao, Fisch, Chen, "Making Pre-trained Language Models Better Few-shot Learners" (LM-BFF, ACL 2021,
// arXiv 2012.15723), section 5.1: the words likeliest at the mask of the class's examples, by
// sum over x of the class  ln q(t|x);  top gives their mean.
#ifndef PROMPTER_ENGINE_INSPECT_WORD_SCORES_H
#define PROMPTER_ENGINE_INSPECT_WORD_SCORES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

struct word_scores {
    size_t classes, ids;
    size_t *count; // [classes] examples seen
    double *odds;  // [classes, ids] sums of ln q/(1-q)
    double *log;   // [classes, ids] sums of ln q
};
bool word_scores_create(struct word_scores *out, size_t classes, size_t ids, struct error *e);
void word_scores_free(struct word_scores *s);
// One training example: logits [ids] at its mask; q is their softmax.
void word_scores_add(struct word_scores *s, const float *logits, size_t label);

// NaN where a class has no example (ratio: or the others have none).
double word_scores_ratio(const struct word_scores *s, size_t label, size_t id);
double word_scores_top(const struct word_scores *s, size_t label, size_t id);

#endif
