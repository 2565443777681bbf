// SPDX-License-Identifier: GPL-3.0-or-later
// The ways to begin: random numbers on the embeddings' scale, or rows of the embedding table.
#include "start.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/random.h"

enum {
    STREAM_START = 2, // random_seed streams of a run: 2 the start; the order of the data has its own in run.c
    VOCABULARY = 5000, // SentencePiece lists pieces by falling probability; Lester et al. (2021) draw from
                       // the top 5000
    FREQUENT = 1000,
    SCALE_SAMPLE = 5000 // embedding rows that tell the scale
};

// The standard deviation of single embedding components, from an even sample of the rows that have a piece.
static bool embedding_scale(const struct model *m, size_t ids, double *out, struct error *e) {
    size_t width = m->config.d_model, rows = ids < m->config.vocab_size ? ids : m->config.vocab_size;
    float *row = mem_calloc_aligned(width, sizeof *row, e);
    if (!row)
        return false;
    size_t sample = rows < SCALE_SAMPLE ? rows : SCALE_SAMPLE;
    double sum = 0, squares = 0;
    for (size_t i = 0; i < sample; i++) {
        model_embedding_row(m, i * rows / sample, row);
        for (size_t j = 0; j < width; j++) {
            sum += row[j];
            squares += (double)row[j] * row[j];
        }
    }
    double n = (double)sample * (double)width, mean = sum / n;
    *out = sqrt(fmax(squares / n - mean * mean, 0));
    free(row);
    return true;
}

static bool start_normal(const struct start_inputs *in, const struct run_settings *s, struct random *r,
                         float *out, struct error *e) {
    double scale = s->start_scale;
    if (!(scale > 0) && !embedding_scale(in->model, tokenizer_ids(in->pattern->tokenizer), &scale, e))
        return false;
    size_t count = in->pattern->slots * in->model->config.d_model;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)(scale * random_normal(r));
    return true;
}

// One of the `most` most frequent pieces.
static int32_t frequent_piece(const struct start_inputs *in, size_t most, struct random *r) {
    const struct tokenizer *t = in->pattern->tokenizer;
    size_t pieces = tokenizer_pieces(t), top = pieces < most ? pieces : most;
    for (int tries = 0; tries < 1000; tries++) {
        int32_t id = (int32_t)random_below(r, top);
        if (!tokenizer_is_special(t, id))
            return id;
    }
    return tokenizer_unk(t);
}

static void copy_row(const struct start_inputs *in, int32_t id, size_t slot, float *out) {
    model_embedding_row(in->model, (size_t)id, out + slot * in->model->config.d_model);
}

static void start_label_words(const struct start_inputs *in, struct random *r, float *out) {
    const struct verbalizer *v = in->verbalizer;
    for (size_t slot = 0; slot < in->pattern->slots; slot++)
        copy_row(in, slot < v->ids ? v->id[slot] : frequent_piece(in, VOCABULARY, r), slot, out);
}

static bool start_text(const struct start_inputs *in, const char *text, float *out, struct error *e) {
    struct token_list ids = {0};
    bool ok = tokenizer_encode(in->pattern->tokenizer, text, strlen(text), &ids, e);
    if (ok && !ids.count)
        ok = error_set(e, ERROR_INPUT,
                       "the prompt should start from a text, but start_text is empty; set one, e.g. "
                       ":set start_text is this review good or bad");
    for (size_t slot = 0; ok && slot < in->pattern->slots; slot++)
        copy_row(in, ids.id[slot % ids.count], slot, out);
    token_list_free(&ids);
    return ok;
}

static int by_id(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

// The pieces of the training texts, each once, by id. Punctuation and the like are left out.
static bool task_pieces(const struct start_inputs *in, struct token_list *out, struct error *e) {
    const struct tokenizer *t = in->pattern->tokenizer;
    for (size_t i = 0; i < in->split->train_count; i++)
        for (size_t f = 0; f < in->task->fields; f++) {
            const char *text = in->split->train[i]->field[f];
            if (!tokenizer_encode(t, text, strlen(text), out, e))
                return false;
        }
    qsort(out->id, out->count, sizeof *out->id, by_id);
    size_t kept = 0;
    for (size_t i = 0; i < out->count; i++) {
        const unsigned char *piece = (const unsigned char *)tokenizer_piece(t, out->id[i]);
        piece += strncmp((const char *)piece, "\xe2\x96\x81", 3) == 0 ? 3 : 0; // the word mark
        bool word = false; // a letter of ASCII, or of another script
        for (; *piece; piece++)
            word |= ((*piece | 32) >= 'a' && (*piece | 32) <= 'z') || *piece >= 0x80;
        if (word && !tokenizer_is_special(t, out->id[i]) && (!kept || out->id[kept - 1] != out->id[i]))
            out->id[kept++] = out->id[i];
    }
    out->count = kept;
    return true;
}

static bool start_task_words(const struct start_inputs *in, struct random *r, float *out, struct error *e) {
    struct token_list ids = {0};
    if (!in->task || !in->split)
        return error_set(e, ERROR_INPUT,
                         "the prompt should start from words of the training examples, but "
                         "there are none; set another start, e.g. vocabulary");
    bool ok = task_pieces(in, &ids, e) &&
              (ids.count || error_set(e, ERROR_INPUT, "the training examples have no words to start from"));
    for (size_t slot = 0, left = 0; ok && slot < in->pattern->slots; slot++) {
        left = left ? left : ids.count; // drawn without putting back, until all were drawn
        size_t at = (size_t)random_below(r, left--);
        int32_t id = ids.id[at];
        ids.id[at] = ids.id[left];
        ids.id[left] = id;
        copy_row(in, id, slot, out);
    }
    token_list_free(&ids);
    return ok;
}

static bool start_file(const struct start_inputs *in, float *out, struct error *e) {
    size_t slots = in->pattern->slots;
    if (!in->file_vectors)
        return error_set(e, ERROR_INPUT, "the prompt should start from a file, but none was read");
    if (in->file_count != slots)
        return error_set(
            e, ERROR_INPUT,
            "the prompt file has %zu vectors, but the template has %zu soft slots; write {soft:%zu}",
            in->file_count, slots, in->file_count);
    memcpy(out, in->file_vectors, slots * in->model->config.d_model * sizeof *out);
    return true;
}

bool prompt_start_make(const struct start_inputs *in, const struct run_settings *s, float *out,
                       struct error *e) {
    struct random r;
    random_seed(&r, s->seed, STREAM_START);
    size_t slots = in->pattern->slots;
    bool ok = true;
    switch (s->start) {
    case START_NORMAL:
        ok = start_normal(in, s, &r, out, e);
        break;
    case START_VOCABULARY:
    case START_FREQUENT:
        for (size_t slot = 0; slot < slots; slot++)
            copy_row(in, frequent_piece(in, s->start == START_FREQUENT ? FREQUENT : VOCABULARY, &r), slot,
                     out);
        break;
    case START_LABEL_WORDS:
        start_label_words(in, &r, out);
        break;
    case START_TEXT:
        ok = start_text(in, s->start_text, out, e);
        break;
    case START_FILE:
    case START_PRETRAINED:
        return start_file(in, out, e); // a trained prompt is taken whole
    case START_TASK_WORDS:
        ok = start_task_words(in, &r, out, e);
        break;
    case START_UNKNOWN:
        for (size_t slot = 0; slot < slots; slot++)
            copy_row(in, tokenizer_unk(in->pattern->tokenizer), slot, out);
        break;
    }
    for (size_t slot = 0; ok && slot < slots; slot++)
        if (in->pattern->slot_start[slot] >= 0)
            copy_row(in, in->pattern->slot_start[slot], slot, out);
    return ok;
}
