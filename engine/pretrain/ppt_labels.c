// SPDX-License-Identifier: GPL-3.0-or-later
// Reading a corpus with a classifier, and keeping what it is sure of.
#include "ppt_labels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/hash.h"
#include "engine/base/json.h"
#include "ppt_examples.h"

enum { BATCH = 32, MOST_BYTES = 1 << 30 };
static const char part_key[] = "labelling_of"; // in the first line of one that is not at its end

void ppt_labels_free(struct ppt_labels *l) {
    if (!l)
        return;
    for (size_t i = 0; i < l->count; i++)
        free(l->item[i].text);
    free(l->item);
    *l = (struct ppt_labels){0};
}

bool ppt_labels_add(struct ppt_labels *l, const char *text, size_t length, size_t label, float p,
                    struct error *e) {
    if (!mem_grow(&l->item, &l->capacity, l->count + 1, sizeof *l->item, e))
        return false;
    struct ppt_labelled x = {.text = mem_strndup(text, length, e), .label = label, .p = p};
    if (!x.text)
        return false;
    l->item[l->count++] = x;
    l->of_level[label]++;
    return true;
}

struct ppt_label_limits ppt_label_limits_default(void) {
    return (struct ppt_label_limits){.sure = {0.95, 0.5, 0.5, 0.5, 0.7}, .most = 20000};
}

double ppt_label_part(const char *text) {
    uint64_t h = hash_bytes(HASH_START, text, strlen(text));
    h ^= h >> 29;
    return (double)((h * 0x9e3779b97f4a7c15u) >> 11) / 9007199254740992.0;
}

// ---- labelling ----

struct labelling {
    const struct ppt_classifier *c;
    const struct ppt_label_limits *limits;
    struct example example[BATCH];
    char *field[BATCH]; // owned copies of the sentences
    size_t count;
    float *states, *score;
    struct ppt_labels *out;
    struct ppt_label_place *place;
};

static void forget_batch(struct labelling *w) {
    for (size_t i = 0; i < w->count; i++)
        free(w->field[i]);
    w->count = 0;
}

static bool keep_sure(struct labelling *w, size_t i, struct error *e) {
    float p[PPT_LEVELS];
    size_t best = 0;
    mask_probabilities(w->score + i * PPT_LEVELS, PPT_LEVELS, p);
    for (size_t k = 1; k < PPT_LEVELS; k++)
        best = p[k] > p[best] ? k : best;
    bool sure = (double)p[best] > w->limits->sure[best] && w->out->of_level[best] < w->limits->most;
    return !sure || ppt_labels_add(w->out, w->field[i], strlen(w->field[i]), best, p[best], e);
}

static bool label_batch(struct labelling *w, const atomic_bool *cancel, struct error *e) {
    const struct example *all[BATCH];
    for (size_t i = 0; i < w->count; i++)
        all[i] = &w->example[i];
    bool ok = mask_states(w->c->bench, w->c->pattern, w->c->render, w->c->soft, all, w->count, cancel,
                          w->states, e) &&
              mask_scores(w->c->bench, w->states, w->count, w->c->verbalizer, NULL, w->score, e);
    for (size_t i = 0; ok && i < w->count; i++)
        ok = keep_sure(w, i, e);
    w->place->looked_at += ok ? w->count : 0;
    forget_batch(w);
    return ok;
}

static bool full(const struct labelling *w) {
    for (size_t k = 0; k < PPT_LEVELS; k++)
        if (w->out->of_level[k] < w->limits->most)
            return w->limits->sentences && w->place->looked_at >= w->limits->sentences;
    return true;
}

static bool add_sentence(struct labelling *w, const char *text, size_t length, struct error *e) {
    struct token_list tokens = {0};
    bool ok = tokenizer_encode(w->c->pattern->tokenizer, text, length, &tokens, e);
    if (ok && tokens.count >= PPT_LEAST_TOKENS) {
        ok = (w->field[w->count] = mem_strndup(text, length, e)) != NULL;
        w->example[w->count] =
            (struct example){.field = &w->field[w->count], .label = TASK_NO_LABEL, .line = 1};
        w->count += ok;
    }
    token_list_free(&tokens);
    return ok;
}

static bool check_classifier(const struct ppt_classifier *c, struct error *e) {
    if (c->verbalizer->classes != PPT_LEVELS || c->pattern->task->fields != 1)
        return error_set(e, ERROR_INPUT,
                         "the classifier's task has %zu classes and %zu fields; it should be one of a single "
                         "sentence with %d classes from the worst to the best",
                         c->verbalizer->classes, c->pattern->task->fields, PPT_LEVELS);
    return true;
}

// The sentences of one document from place->sentence on; the place moves behind what was labelled.
static bool label_document(struct labelling *w, const struct corpus_document *d, struct corpus_position at,
                           size_t from, uint64_t bytes, const atomic_bool *cancel,
                           void (*progress)(void *context, const struct ppt_label_place *place,
                                            const struct ppt_labels *so_far),
                           void *context, struct error *e) {
    for (size_t i = from; i < d->sentences; i++) {
        size_t length;
        const char *text = corpus_sentence(d, i, &length);
        if (!add_sentence(w, text, length, e))
            return false;
        if (w->count < BATCH)
            continue;
        if (!label_batch(w, cancel, e))
            return false;
        w->place->document = at;
        w->place->sentence = i + 1;
        w->place->bytes = bytes;
        if (progress)
            progress(context, w->place, w->out);
    }
    return true;
}

bool ppt_labels_make(struct ppt_labels *out, struct ppt_label_place *place, const struct ppt_classifier *c,
                     struct corpus_reader *reader, const struct ppt_label_limits *limits,
                     const atomic_bool *cancel,
                     void (*progress)(void *context, const struct ppt_label_place *place,
                                      const struct ppt_labels *so_far),
                     void *context, struct error *e) {
    struct labelling w = {.c = c, .limits = limits, .out = out, .place = place};
    size_t width = mask_width(c->bench), from = place->sentence;
    uint64_t bytes = place->bytes;
    bool ok = check_classifier(c, e) && corpus_reader_seek(reader, place->document, e) &&
              (w.states = mem_calloc_aligned(BATCH * DECODER_ROWS * width, sizeof *w.states, e)) &&
              (w.score = mem_calloc(BATCH * PPT_LEVELS, sizeof *w.score, e));
    for (bool more = ok; ok && more && !full(&w); from = 0) {
        struct corpus_document d;
        struct corpus_position at = corpus_reader_position(reader);
        ok = corpus_reader_next_in_epoch(reader, &d, &more, e) &&
             (!more || label_document(&w, &d, at, from, bytes, cancel, progress, context, e));
        bytes += ok && more ? d.bytes : 0;
    }
    ok = ok && (!w.count || label_batch(&w, cancel, e));
    forget_batch(&w);
    free(w.states);
    free(w.score);
    if (!ok && e->kind != ERROR_CANCELLED)
        ppt_labels_free(out);
    return ok;
}

// ---- files ----

// What is in *take comes before the labels.
static bool write_behind(const char *path, struct buffer *take, const struct ppt_labels *l, struct error *e) {
    struct buffer b = *take;
    for (size_t i = 0; i < l->count; i++) {
        cJSON *o = cJSON_CreateObject();
        cJSON_AddStringToObject(o, "text", l->item[i].text);
        cJSON_AddNumberToObject(o, "label", (double)l->item[i].label);
        cJSON_AddNumberToObject(o, "p", round((double)l->item[i].p * 1e4) / 1e4);
        char *line = json_print(o, false, e);
        cJSON_Delete(o);
        if (!line) {
            buffer_free(&b);
            return false;
        }
        buffer_printf(&b, "%s\n", line);
        free(line);
    }
    bool ok = buffer_ok(&b, e) && file_write_atomic(path, b.data ? b.data : "", b.length, e);
    buffer_free(&b);
    return ok;
}

bool ppt_labels_write(const char *path, const struct ppt_labels *l, struct error *e) {
    struct buffer none = {0};
    return write_behind(path, &none, l, e);
}

static bool read_line(struct ppt_labels *out, const char *line, size_t length, struct error *e) {
    const char *text = NULL;
    size_t label = 0;
    double p = 1;
    cJSON *o = json_parse(line, length, e);
    if (o && cJSON_HasObjectItem(o, part_key)) { // how far it was is nothing to learn from
        cJSON_Delete(o);
        return true;
    }
    bool ok = o && json_get_string(o, "text", true, &text, e) &&
              json_get_size(o, "label", true, 0, PPT_LEVELS - 1, &label, e) &&
              json_get_number(o, "p", false, &p, e) &&
              (text[0] || error_set(e, ERROR_INPUT, "\"text\" is empty")) &&
              ppt_labels_add(out, text, strlen(text), label, (float)p, e);
    cJSON_Delete(o);
    return ok;
}

bool ppt_labels_read(struct ppt_labels *out, const char *path, struct error *e) {
    char *text = NULL;
    size_t length, number = 0;
    *out = (struct ppt_labels){0};
    bool ok = file_read(path, MOST_BYTES, &text, &length, e);
    for (const char *at = text; ok && *at; number++) {
        size_t n = strcspn(at, "\n");
        if (n && !(n == 1 && *at == '\r'))
            ok = read_line(out, at, n, e) || error_context(e, "%s: line %zu", path, number + 1);
        at += n + (at[n] == '\n');
    }
    if (ok && !out->count)
        ok = error_set(e, ERROR_INPUT, "%s has no labelled sentence", path);
    free(text);
    if (!ok)
        ppt_labels_free(out);
    return ok;
}

bool ppt_labels_write_part(const char *path, const struct ppt_labels *l, const struct ppt_label_place *place,
                           const char *of, struct error *e) {
    struct buffer b = {0};
    cJSON *o = cJSON_CreateObject();
    cJSON_AddStringToObject(o, part_key, of);
    cJSON_AddNumberToObject(o, "window", (double)place->document.window);
    cJSON_AddNumberToObject(o, "document", (double)place->document.next);
    cJSON_AddNumberToObject(o, "sentence", (double)place->sentence);
    cJSON_AddNumberToObject(o, "looked_at", (double)place->looked_at);
    cJSON_AddNumberToObject(o, "bytes", (double)place->bytes);
    char *line = json_print(o, false, e);
    cJSON_Delete(o);
    if (!line)
        return false;
    buffer_printf(&b, "%s\n", line);
    free(line);
    return write_behind(path, &b, l, e);
}

static bool read_place(struct ppt_label_place *place, bool *found, const char *path, const char *of,
                       struct error *e) {
    enum { MOST = 1 << 30 };
    static const size_t MOST_BYTES_READ = (size_t)1 << 53; // that a JSON number is exact to
    char *text = NULL;
    size_t length, window = 0, document = 0, bytes = 0;
    const char *is = NULL;
    if (!file_read(path, MOST_BYTES, &text, &length, e))
        return false;
    cJSON *o = json_parse(text, strcspn(text, "\n"), NULL);
    *found = o && json_get_string(o, part_key, true, &is, NULL) && strcmp(is, of) == 0;
    bool ok = !*found || ((json_get_size(o, "window", true, 0, MOST, &window, e) &&
                           json_get_size(o, "document", true, 0, MOST, &document, e) &&
                           json_get_size(o, "sentence", true, 0, MOST, &place->sentence, e) &&
                           json_get_size(o, "looked_at", true, 0, MOST_BYTES_READ, &place->looked_at, e) &&
                           json_get_size(o, "bytes", true, 0, MOST_BYTES_READ, &bytes, e)) ||
                          error_context(e, "%s: line 1", path));
    place->document = (struct corpus_position){.window = window, .next = document};
    place->bytes = bytes;
    cJSON_Delete(o);
    free(text);
    return ok;
}

bool ppt_labels_read_part(struct ppt_labels *out, struct ppt_label_place *place, bool *found,
                          const char *path, const char *of, struct error *e) {
    *out = (struct ppt_labels){0};
    *place = (struct ppt_label_place){0};
    if (!read_place(place, found, path, of, e))
        return false;
    if (!*found || ppt_labels_read(out, path, e))
        return true;
    *place = (struct ppt_label_place){0};
    return false;
}
