// SPDX-License-Identifier: GPL-3.0-or-later
// The search for label words, slice by slice: states of the training examples, scores of all words, states of
// dev, then one candidate after the other.
#include "word_search.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/inspect/study_json.h"
#include "engine/inspect/word_scores.h"
#include "engine/inspect/zero_shot.h"
#include "engine/tune/objective.h"

enum stage { STAGE_TRAIN, STAGE_SCORE, STAGE_PICK, STAGE_DEV, STAGE_TRY, STAGE_TOGETHER, STAGE_DONE };
enum { SCORED_EACH = 8, TRIED_EACH = 4, MOST_ROUNDS = 4 };
static const char bare_mark[] = "<!>";

struct word_search_inside {
    enum stage stage;
    size_t reading, at; // its id; where the stage is
    struct word_scores score;
    float *logits;  // [vocab_size]
    char **present; // [classes] the words of each class as they were asked about; NULL: none
};

// ---- making and freeing ----

static void inside_free(struct word_search *s) {
    struct word_search_inside *in = s->inside;
    if (!in)
        return;
    for (size_t c = 0; in->present && c < s->classes; c++)
        free(in->present[c]);
    free(in->present);
    free(in->logits);
    word_scores_free(&in->score);
    free(in);
    s->inside = NULL;
}

static void search_free(struct study *study) {
    struct word_search *s = (struct word_search *)study;
    inside_free(s);
    for (size_t c = 0; s->list && c < s->classes; c++) {
        for (size_t i = 0; i < s->list[c].count; i++)
            free(s->list[c].word[i].text);
        free(s->list[c].word);
    }
    free(s->list);
    free(s->together);
    free(s->ask.template_text);
    free(s->ask.label_words);
    free(s);
}

struct word_search *word_search_make(const struct word_search_ask *ask, struct error *e) {
    struct word_search *s = mem_calloc(1, sizeof *s, e);
    if (!s)
        return NULL;
    s->study.kind = &word_search_kind;
    s->ask.settings = ask->settings;
    s->ask.template_text = mem_strdup(ask->template_text, e);
    if (!s->ask.template_text ||
        (ask->label_words && !(s->ask.label_words = mem_strdup(ask->label_words, e)))) {
        study_free(&s->study);
        return NULL;
    }
    return s;
}

// ---- candidates ----

static bool letters_alone(const char *text) {
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c < 0x80 && !((c | 32) >= 'a' && (c | 32) <= 'z'))
            return false;
    }
    return length >= 2;
}

// The label word that is exactly this piece, owned; NULL where there is none.
static char *word_of_piece(const struct tokenizer *t, int32_t id) {
    static const char mark[] = "\xe2\x96\x81"; // U+2581
    if (tokenizer_is_special(t, id))
        return NULL;
    const char *piece = tokenizer_piece(t, id);
    bool begins = strncmp(piece, mark, 3) == 0;
    const char *text = begins ? piece + 3 : piece;
    if (!letters_alone(text) || (!begins && (unsigned char)text[0] < 0x80)) // the inside of a word is no word
        return NULL;
    struct buffer b = {0};
    struct verbalizer v = {0};
    char class_text[] = "class", *class_name[] = {class_text};
    buffer_printf(&b, "%s%s", begins ? "" : bare_mark, text);
    bool ok = b.data && verbalizer_parse(&v, b.data, class_name, class_name, 1, NULL) &&
              verbalizer_bind(&v, t, WORD_FIRST, NULL) && v.label[0].words == 1 &&
              v.label[0].word[0].pieces == 1 && v.label[0].word[0].id[0] == id;
    verbalizer_free(&v);
    if (ok)
        return buffer_take(&b, NULL);
    buffer_free(&b);
    return NULL;
}

static double score_of(const struct word_scores *s, bool ratio, size_t label, size_t id) {
    double x = ratio ? word_scores_ratio(s, label, id) : word_scores_top(s, label, id);
    return isnan(x) ? -INFINITY : x;
}

static bool add_candidate(struct word_list *list, char *take_text, const struct word_scores *s, size_t label,
                          int32_t id, bool ratio, size_t rank) {
    for (size_t i = 0; i < list->count; i++)
        if (list->word[i].id == id) {
            *(ratio ? &list->word[i].by_ratio : &list->word[i].by_top) = rank;
            free(take_text);
            return true;
        }
    struct word_candidate *w = &list->word[list->count++];
    *w = (struct word_candidate){.text = take_text,
                                 .id = id,
                                 .ratio = (float)word_scores_ratio(s, label, (size_t)id),
                                 .top = (float)word_scores_top(s, label, (size_t)id)};
    *(ratio ? &w->by_ratio : &w->by_top) = rank;
    return true;
}

// The best few words of a class by one rule: a selection over the vocabulary for each, skipping what is no
// word.
static bool pick_by(struct word_search *s, const struct tokenizer *t, size_t label, bool ratio,
                    struct error *e) {
    const struct word_scores *score = &s->inside->score;
    unsigned char *seen = mem_calloc(score->ids, 1, e);
    if (!seen)
        return false;
    for (size_t rank = 1; rank <= WORD_SEARCH_EACH;) {
        size_t best = score->ids;
        for (size_t id = 0; id < score->ids; id++)
            if (!seen[id] && (best == score->ids ||
                              score_of(score, ratio, label, id) > score_of(score, ratio, label, best)))
                best = id;
        if (best == score->ids || score_of(score, ratio, label, best) == -INFINITY)
            break;
        seen[best] = 1;
        char *text = word_of_piece(t, (int32_t)best);
        if (text)
            add_candidate(&s->list[label], text, score, label, (int32_t)best, ratio, rank++);
    }
    free(seen);
    return true;
}

static bool pick(struct word_search *s, const struct study_bench *bench, size_t label, struct error *e) {
    struct word_list *l = &s->list[label];
    l->word = mem_calloc(2 * WORD_SEARCH_EACH, sizeof *l->word, e);
    return l->word && pick_by(s, bench->tokenizer, label, true, e) &&
           pick_by(s, bench->tokenizer, label, false, e);
}

// ---- trying words ----

// The words of each class on a line: as asked about, or the best by ratio where there are none.
static const char *words_of(const struct word_search *s, size_t label) {
    if (s->inside->present)
        return s->inside->present[label];
    return s->list[label].count ? s->list[label].word[0].text : NULL;
}

static bool split_present(struct word_search *s, const struct study_bench *bench, struct error *e) {
    struct verbalizer v = {0};
    if (!s->ask.label_words)
        return true;
    bool ok = study_words(&v, s->ask.label_words, s->ask.settings.pieces, bench, e) ||
              error_context(e, "label words");
    ok = ok && (s->inside->present = mem_calloc(s->classes, sizeof *s->inside->present, e)) != NULL;
    for (size_t c = 0; ok && c < s->classes; c++) {
        struct verbalizer one = {.label = &v.label[c], .classes = 1};
        ok = (s->inside->present[c] = verbalizer_print(&one, VERBALIZER_LINES, e)) != NULL;
    }
    verbalizer_free(&v);
    return ok;
}

// Right predictions and mean loss of a set with these words, each class's on a line of its own.
static bool score_words(const struct study_bench *bench, const struct word_search *s, const struct reading *r,
                        enum reading_set set, const char *words, size_t *correct, double *loss,
                        struct error *e) {
    struct verbalizer v = {0};
    size_t count = reading_examples(r, set), stride = DECODER_ROWS * bench->model->config.d_model,
           counted = 0;
    const struct example *const *x = reading_example(r, set);
    float score[TASK_MOST_CLASSES];
    bool ok = study_words(&v, words, s->ask.settings.pieces, bench, e);
    count = set == READING_DEV ? s->dev : count;
    *correct = 0;
    *loss = 0;
    for (size_t i = 0; ok && i < count; i++) {
        size_t guess, classes = x[i]->options && x[i]->options < v.classes ? x[i]->options : v.classes;
        ok = mask_scores(bench->mask, reading_states(r, set) + i * stride, 1, &v, &x[i]->options, score, e);
        if (!ok || x[i]->label == TASK_NO_LABEL)
            continue;
        *loss += objective_class_loss(score, classes, x[i]->label, &guess);
        *correct += guess == x[i]->label;
        counted++;
    }
    *loss = counted ? *loss / (double)counted : 0;
    verbalizer_free(&v);
    return ok;
}

// "bad; good" with one class's words replaced (replaced >= classes: none); NULL without words for a class.
static char *with_word(const struct word_search *s, const char *const *words, size_t replaced,
                       const char *word) {
    struct buffer b = {0};
    for (size_t c = 0; c < s->classes; c++) {
        const char *text = c == replaced ? word : words ? words[c] : words_of(s, c);
        if (!text) {
            buffer_free(&b);
            return NULL;
        }
        buffer_printf(&b, "%s%s", c ? "; " : "", text);
    }
    return buffer_take(&b, NULL);
}

static bool try_candidate(struct word_search *s, const struct study_bench *bench, const struct reading *r,
                          size_t label, struct word_candidate *w, struct error *e) {
    double loss = NAN;
    char *words = with_word(s, NULL, label, w->text);
    bool ok = !words || score_words(bench, s, r, READING_DEV, words, &w->correct, &loss, e);
    w->loss = (float)loss;
    free(words);
    return ok;
}

static int better_first(const void *a, const void *b) {
    const struct word_candidate *x = a, *y = b;
    if (x->correct != y->correct)
        return x->correct > y->correct ? -1 : 1;
    if (x->loss < y->loss || x->loss > y->loss)
        return x->loss < y->loss ? -1 : 1;
    return x->id - y->id;
}

// Sets of words for all classes, the best on the training examples, best first.
struct set_list {
    struct {
        char *words; // owned
        size_t correct;
        double loss;
    } set[WORD_SEARCH_SETS];
    size_t count;
};

static bool better(size_t correct, double loss, size_t than_correct, double than_loss) {
    return correct > than_correct || (correct == than_correct && loss < than_loss - 1e-9);
}

// Takes the words.
static void keep_set(struct set_list *l, char *words, size_t correct, double loss) {
    size_t at = l->count;
    for (size_t i = 0; i < l->count; i++)
        if (strcmp(l->set[i].words, words) == 0) {
            free(words);
            return;
        }
    while (at > 0 && better(correct, loss, l->set[at - 1].correct, l->set[at - 1].loss))
        at--;
    if (at == WORD_SEARCH_SETS) {
        free(words);
        return;
    }
    if (l->count == WORD_SEARCH_SETS)
        free(l->set[--l->count].words);
    memmove(&l->set[at + 1], &l->set[at], (l->count - at) * sizeof l->set[0]);
    l->set[at].words = words;
    l->set[at].correct = correct;
    l->set[at].loss = loss;
    l->count++;
}

// Two classes with one word are never told apart, yet their loss may be the least of all: ln of the classes.
static bool taken(const char *const *chosen, size_t classes, size_t but, const char *word) {
    for (size_t c = 0; c < classes; c++)
        if (c != but && chosen[c] && strcmp(chosen[c], word) == 0)
            return true;
    return false;
}

// Where the search begins: the best of each class by ratio that no class before it has. False where one has
// no word left.
static bool first_choices(const struct word_search *s, const char *chosen[TASK_MOST_CLASSES]) {
    for (size_t c = 0; c < s->classes; c++) {
        size_t best = 0; // its rank
        chosen[c] = NULL;
        for (size_t i = 0; i < s->list[c].count; i++) {
            const struct word_candidate *w = &s->list[c].word[i];
            size_t rank = w->by_ratio ? w->by_ratio : WORD_SEARCH_EACH + w->by_top;
            if ((!chosen[c] || rank < best) && !taken(chosen, c, c, w->text)) {
                chosen[c] = w->text;
                best = rank;
            }
        }
        if (!chosen[c])
            return false;
    }
    return true;
}

// Class by class, while it grows on the training examples. Every set that was looked at is offered to the
// list.
static bool climb(const struct word_search *s, const struct study_bench *bench, const struct reading *r,
                  const char **chosen, struct set_list *sets, struct error *e) {
    size_t best = 0, correct;
    double best_loss = INFINITY, loss;
    bool grown = true;
    for (int round = 0; grown && round < MOST_ROUNDS; round++) {
        grown = false;
        for (size_t c = 0; c < s->classes; c++)
            for (size_t i = 0; i < s->list[c].count && !atomic_load(bench->cancel); i++) {
                const char *word = s->list[c].word[i].text;
                if (taken(chosen, s->classes, c, word))
                    continue;
                char *words = with_word(s, chosen, c, word);
                if (!words)
                    return error_set(e, ERROR_MEMORY, "no memory for label words");
                if (!score_words(bench, s, r, READING_TRAIN, words, &correct, &loss, e)) {
                    free(words);
                    return false;
                }
                if (better(correct, loss, best, best_loss)) {
                    grown = grown || chosen[c] != word;
                    chosen[c] = word;
                    best = correct;
                    best_loss = loss;
                }
                keep_set(sets, words, correct, loss);
            }
    }
    return true;
}

// The best set for all classes: those that are best on the training examples, ranked anew on dev.
static bool search_together(struct word_search *s, const struct study_bench *bench, const struct reading *r,
                            struct error *e) {
    const char *chosen[TASK_MOST_CLASSES];
    struct set_list sets = {0};
    size_t correct;
    double loss;
    if (!first_choices(s, chosen))
        return true; // no set for all classes
    bool ok = climb(s, bench, r, chosen, &sets, e);
    for (size_t i = 0; ok && i < sets.count; i++) {
        ok = score_words(bench, s, r, READING_DEV, sets.set[i].words, &correct, &loss, e);
        if (!ok || (s->together && !better(correct, loss, s->together_correct, (double)s->together_loss)))
            continue;
        free(s->together);
        s->together = sets.set[i].words;
        sets.set[i].words = NULL;
        s->together_correct = correct;
        s->together_loss = (float)loss;
    }
    for (size_t i = 0; i < sets.count; i++)
        free(sets.set[i].words);
    return ok;
}

// ---- the stages ----

static bool begin(struct word_search *s, const struct study_bench *bench, struct reading **r,
                  struct error *e) {
    const struct reading_ask ask = {
        .template_text = s->ask.template_text, .settings = &s->ask.settings, .kept = true};
    size_t ids = tokenizer_ids(bench->tokenizer);
    struct word_search_inside *in = s->inside = mem_calloc(1, sizeof *s->inside, e);
    s->classes = bench->task->classes;
    s->dev = bench->split->dev_count < WORD_SEARCH_MOST_DEV ? bench->split->dev_count : WORD_SEARCH_MOST_DEV;
    s->study.total = bench->split->train_count + s->dev + s->classes * 2 * WORD_SEARCH_EACH;
    if (!in || !(s->list = mem_calloc(s->classes, sizeof *s->list, e)) ||
        !(in->logits = mem_calloc_aligned(bench->model->config.vocab_size, sizeof *in->logits, e)) ||
        !word_scores_create(&in->score, s->classes, ids, e) || !split_present(s, bench, e))
        return false;
    return reading_open(r, &in->reading, &ask, bench, e) || error_context(e, "template");
}

static bool score_some(struct word_search *s, const struct study_bench *bench, struct reading *r) {
    struct word_search_inside *in = s->inside;
    size_t count = reading_examples(r, READING_TRAIN), stride = DECODER_ROWS * bench->model->config.d_model;
    for (int i = 0; i < SCORED_EACH && in->at < count; i++, in->at++) {
        const struct example *x = reading_example(r, READING_TRAIN)[in->at];
        if (x->label >= s->classes)
            continue;
        mask_logits(bench->mask, reading_states(r, READING_TRAIN) + in->at * stride, in->logits);
        word_scores_add(&in->score, in->logits, x->label);
    }
    return in->at >= count;
}

// in->at counts places of candidates: class by class, twice WORD_SEARCH_EACH of each.
static bool try_some(struct word_search *s, const struct study_bench *bench, struct reading *r, bool *all,
                     struct error *e) {
    struct word_search_inside *in = s->inside;
    const size_t each = 2 * WORD_SEARCH_EACH;
    for (int tried = 0; tried < TRIED_EACH && in->at < s->classes * each; in->at++) {
        struct word_list *l = &s->list[in->at / each];
        if (in->at % each >= l->count)
            continue;
        tried++;
        if (!try_candidate(s, bench, r, in->at / each, &l->word[in->at % each], e))
            return false;
    }
    *all = in->at >= s->classes * each;
    return true;
}

static void next_stage(struct word_search *s) {
    s->inside->stage++;
    s->inside->at = 0;
}

static bool work_stage(struct word_search *s, const struct study_bench *bench, struct reading *r,
                       struct error *e) {
    struct word_search_inside *in = s->inside;
    size_t train = reading_examples(r, READING_TRAIN), missing = 0;
    bool all = true, ok = true;
    switch (in->stage) {
    case STAGE_TRAIN:
        ok = reading_more(r, bench, READING_TRAIN, 0, train, &missing, e);
        s->study.done = train - missing;
        break;
    case STAGE_SCORE:
        all = score_some(s, bench, r);
        break;
    case STAGE_PICK:
        ok = pick(s, bench, in->at++, e);
        all = in->at >= s->classes;
        break;
    case STAGE_DEV:
        ok = reading_more(r, bench, READING_DEV, 0, s->dev, &missing, e);
        s->study.done = train + s->dev - missing;
        break;
    case STAGE_TRY:
        ok = try_some(s, bench, r, &all, e);
        s->study.done = train + s->dev + in->at;
        break;
    case STAGE_TOGETHER:
        ok = search_together(s, bench, r, e);
        for (size_t c = 0; ok && c < s->classes; c++)
            if (s->list[c].count)
                qsort(s->list[c].word, s->list[c].count, sizeof *s->list[c].word, better_first);
        break;
    case STAGE_DONE:
        break;
    }
    if (ok && all && !missing)
        next_stage(s);
    return ok;
}

static bool search_work(struct study *study, const struct study_bench *bench, bool *finished,
                        struct error *e) {
    struct word_search *s = (struct word_search *)study;
    struct reading *r = NULL;
    if (!s->inside && !begin(s, bench, &r, e))
        return false;
    r = reading_find(bench->readings, s->inside->reading);
    if (!r)
        return error_set(e, ERROR_INPUT, "other patterns were looked at meanwhile; ask for words again");
    if (!work_stage(s, bench, r, e))
        return false;
    *finished = s->inside->stage == STAGE_DONE;
    if (*finished)
        inside_free(s);
    return true;
}

// ---- recorded ----

static cJSON *search_write(const struct study *study) {
    const struct word_search *s = (const struct word_search *)study;
    cJSON *o = cJSON_CreateObject(), *lists = NULL;
    cJSON_AddStringToObject(o, "template", s->ask.template_text);
    if (s->ask.label_words)
        cJSON_AddStringToObject(o, "words", s->ask.label_words);
    study_put_settings(o, &s->ask.settings);
    cJSON_AddNumberToObject(o, "dev", (double)s->dev);
    if (s->together)
        cJSON_AddStringToObject(o, "together", s->together);
    cJSON_AddNumberToObject(o, "together_correct", (double)s->together_correct);
    study_put_floats(o, "together_loss", &s->together_loss, 1);
    lists = cJSON_AddArrayToObject(o, "classes");
    for (size_t c = 0; c < s->classes; c++) {
        cJSON *list = cJSON_CreateArray();
        for (size_t i = 0; i < s->list[c].count; i++) {
            const struct word_candidate *w = &s->list[c].word[i];
            const float number[] = {(float)w->id,     w->ratio,          w->top, (float)w->by_ratio,
                                    (float)w->by_top, (float)w->correct, w->loss};
            cJSON *word = cJSON_CreateObject();
            cJSON_AddStringToObject(word, "word", w->text);
            study_put_floats(word, "numbers", number, sizeof number / sizeof *number);
            cJSON_AddItemToArray(list, word);
        }
        cJSON_AddItemToArray(lists, list);
    }
    return o;
}

static bool read_candidate(struct word_candidate *w, const cJSON *from, struct error *e) {
    const char *text = NULL;
    float *number = NULL;
    size_t numbers = 0;
    bool ok = json_get_string(from, "word", true, &text, e) &&
              study_get_floats(from, "numbers", &number, &numbers, e) &&
              (numbers == 7 || error_set(e, ERROR_INPUT, "a candidate has seven numbers")) &&
              (w->text = mem_strdup(text, e)) != NULL;
    for (size_t i = 0; ok && i < 7; i++) // counts and ids
        if ((i == 0 || (i > 2 && i < 6)) && !(number[i] >= 0 && number[i] < 1e7f))
            ok = error_set(e, ERROR_INPUT, "a candidate has a number out of range");
    if (ok) {
        w->id = (int32_t)number[0];
        w->ratio = number[1];
        w->top = number[2];
        w->by_ratio = (size_t)number[3];
        w->by_top = (size_t)number[4];
        w->correct = (size_t)number[5];
        w->loss = number[6];
    }
    free(number);
    return ok;
}

static bool read_list(struct word_list *l, const cJSON *from, struct error *e) {
    const cJSON *x;
    l->word = mem_calloc((size_t)cJSON_GetArraySize(from), sizeof *l->word, e);
    if (!l->word)
        return false;
    cJSON_ArrayForEach(x, from) {
        l->count++;
        if (!read_candidate(&l->word[l->count - 1], x, e))
            return false;
    }
    return true;
}

static bool search_read(struct study *study, const cJSON *o, struct error *e) {
    struct word_search *s = (struct word_search *)study;
    const cJSON *lists = NULL, *x;
    const char *together = NULL;
    float *loss = NULL;
    size_t losses, c = 0, classes;
    if (!study_same_text(o, "template", s->ask.template_text) ||
        !study_same_text(o, "words", s->ask.label_words) || !study_same_settings(o, &s->ask.settings))
        return error_set(e, ERROR_INPUT, "this is a recorded run: no words were searched for this pattern");
    if (!json_get_array(o, "classes", true, &lists, e) ||
        !json_get_size(o, "dev", true, 0, (size_t)1 << 40, &s->dev, e) ||
        !json_get_size(o, "together_correct", true, 0, (size_t)1 << 40, &s->together_correct, e) ||
        !json_get_string(o, "together", false, &together, e) ||
        !study_get_floats(o, "together_loss", &loss, &losses, e))
        return false;
    s->together_loss = losses ? loss[0] : NAN;
    free(loss);
    classes = (size_t)cJSON_GetArraySize(lists);
    if (classes > TASK_MOST_CLASSES || (together && !(s->together = mem_strdup(together, e))) ||
        !(s->list = mem_calloc(classes, sizeof *s->list, e)))
        return classes <= TASK_MOST_CLASSES ? false : error_set(e, ERROR_INPUT, "too many classes");
    s->classes = classes;
    cJSON_ArrayForEach(x, lists) {
        if (!read_list(&s->list[c++], x, e))
            return false;
    }
    return true;
}

const struct study_kind word_search_kind = {.name = "label words",
                                            .work = search_work,
                                            .free = search_free,
                                            .write = search_write,
                                            .read = search_read};
