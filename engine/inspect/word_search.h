// SPDX-License-Identifier: GPL-3.0-or-later
// Label words for each class, found in the training examples and tried on dev: a study.
//
// Every word of the vocabulary is scored for every class by both rules of word_scores.h; the best few of each
// rule are candidates. Only pieces that are a whole label word by themselves are taken: letters alone (no
// numbers, no punctuation), at least two of them in ASCII, and read back by the tokenizer as that one piece.
// Each candidate is then scored on dev in the place of its class's words, with the words of the other classes
// as they were asked about (or, where these cannot be read, the best by ratio), and the list is ordered by
// dev accuracy, then by loss. As in LM-BFF's search, also one set for all classes together: begun with the
// best of each class by ratio and changed class by class for as long as accuracy on the training examples
// grows (or their loss falls), never one word for two classes; of all sets looked at, the WORD_SEARCH_SETS
// best on these are ranked anew on dev.
//
// Dev decides here, so that its accuracy of what was chosen is too good: only the test set tells how well the
// words do. Predictions are made among the label words, without calibration.
#ifndef PROMPTER_ENGINE_INSPECT_WORD_SEARCH_H
#define PROMPTER_ENGINE_INSPECT_WORD_SEARCH_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/inspect/reading.h"
#include "engine/inspect/study.h"

enum {
    WORD_SEARCH_EACH = 10, // candidates of each rule for a class
    WORD_SEARCH_SETS = 20,
    WORD_SEARCH_MOST_DEV = 2000
};

struct word_candidate {
    char *text; // as a verbalizer reads it ("<!>" in front of one without a leading space); owned
    int32_t id;
    float ratio, top;        // word_scores.h
    size_t by_ratio, by_top; // ranks from 1; 0: not among the first WORD_SEARCH_EACH by that rule
    size_t correct;          // of dev
    float loss;              // mean on dev
};
struct word_list {
    struct word_candidate *word; // best first; owned
    size_t count;
};
struct word_search_ask {
    char *template_text, *label_words; // owned by the study; label_words NULL: none that can be read
    struct run_settings settings;
};
struct word_search {
    struct study study; // done and total count examples and candidates
    struct word_search_ask ask;
    // Results.
    size_t classes, dev;    // classes of the task; dev examples that candidates were tried on
    struct word_list *list; // [classes]
    char *together;         // label words for all classes, "bad; good"; owned
    size_t together_correct;
    float together_loss;
    struct word_search_inside *inside;
};
extern const struct study_kind word_search_kind;
// Copies the texts. NULL and an error without memory.
struct word_search *word_search_make(const struct word_search_ask *ask, struct error *e);

#endif
