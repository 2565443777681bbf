// SPDX-License-Identifier: GPL-3.0-or-later
#include "input_words.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "engine/model/t5.h"

static const char word_mark[] = "\xe2\x96\x81"; // U+2581
enum { MARK_BYTES = sizeof word_mark - 1 };

void input_words_free(struct input_words *w) {
    for (size_t i = 0; i < w->count; i++) {
        free(w->word[i].text);
        free(w->word[i].pieces);
    }
    free(w->word);
    *w = (struct input_words){0};
}

// ---- which pieces belong together ----

// Letters and digits of scripts that put spaces between words, and what joins them: it's, well-made.
static bool joins(uint32_t c) {
    if (c < 0x80)
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '\'' ||
               c == '-' || c == '_';
    return (c >= 0xc0 && c < 0x2000) || c == 0x2019 || (c >= 0xac00 && c < 0xd7b0);
}

static uint32_t first_of(const char *text) {
    uint32_t c = 0;
    if (*text)
        utf8_decode(text, strlen(text), &c);
    return c;
}

static uint32_t last_of(const char *text) {
    size_t length = strlen(text), at = length ? utf8_boundary(text, length, length - 1) : 0;
    return first_of(text + at);
}

static bool is_byte(const char *piece) {
    return strncmp(piece, "<0x", 3) == 0;
}

static bool goes_on(const struct tokenizer *t, int32_t before, int32_t id) {
    const char *piece = tokenizer_piece(t, id), *last = tokenizer_piece(t, before);
    if (strncmp(piece, word_mark, MARK_BYTES) == 0)
        return false;
    if (strcmp(last, word_mark) == 0 || (is_byte(last) && is_byte(piece)))
        return true;
    if (tokenizer_is_special(t, id) || tokenizer_is_special(t, before))
        return false;
    return joins(last_of(last)) && joins(first_of(piece));
}

static enum input_kind kind_of(const struct pattern *p, const struct rendered_token *t) {
    if (t->input < 0)
        return INPUT_SOFT;
    if (t->mask)
        return INPUT_MASK;
    if (t->part >= p->template.parts)
        return INPUT_SPECIAL;
    switch (p->template.part[t->part].kind) {
    case PART_FIELD:
    case PART_OPTIONS:
        return INPUT_FIELD;
    case PART_SPECIAL:
        return INPUT_SPECIAL;
    default:
        return INPUT_LITERAL;
    }
}

// ---- making them ----

static struct input_word *add(struct input_words *w, struct error *e) {
    if (!mem_grow(&w->word, &w->capacity, w->count + 1, sizeof *w->word, e))
        return NULL;
    struct input_word *word = &w->word[w->count++];
    *word = (struct input_word){0};
    return word;
}

static bool name_word(struct input_word *word, const struct tokenizer *t, const struct rendered_token *token,
                      struct error *e) {
    struct buffer text = {0}, pieces = {0};
    for (size_t i = 0; word->kind != INPUT_SOFT && i < word->count; i++) {
        const char *piece = tokenizer_piece(t, token[i].input);
        buffer_printf(&pieces, "%s%s", i ? " " : "", piece);
        buffer_add_text(&text, strncmp(piece, word_mark, MARK_BYTES) == 0 ? piece + MARK_BYTES : piece);
    }
    if (word->count > 1 && is_byte(tokenizer_piece(t, token[word->count - 1].input))) {
        int32_t *id = mem_calloc(word->count, sizeof *id, e);
        for (size_t i = 0; id && i < word->count; i++)
            id[i] = token[i].input;
        buffer_free(&text);
        word->text = id ? tokenizer_decode(t, id, word->count, e) : NULL;
        free(id);
    } else {
        word->text = buffer_take(&text, e);
    }
    word->pieces = buffer_take(&pieces, e);
    return word->text && word->pieces;
}

bool input_words_make(struct input_words *out, const struct pattern *p, const struct rendered *r,
                      struct error *e) {
    const struct tokenizer *t = p->tokenizer;
    *out = (struct input_words){.tokens = r->count, .cut = r->cut};
    for (size_t i = 0; i < r->count;) {
        struct input_word *word = add(out, e);
        if (!word)
            break;
        word->kind = kind_of(p, &r->token[i]);
        word->first = i;
        word->count = 1;
        if (word->kind == INPUT_SOFT)
            word->slot = (size_t)T5_SOFT(r->token[i].input);
        bool text = word->kind == INPUT_FIELD || word->kind == INPUT_LITERAL;
        while (text && i + word->count < r->count) {
            const struct rendered_token *next = &r->token[i + word->count];
            if (next->part != r->token[i].part || next->mask || !goes_on(t, next[-1].input, next->input))
                break;
            word->count++;
        }
        if (!name_word(word, t, &r->token[i], e))
            break;
        i += word->count;
        if (i == r->count)
            return true;
    }
    bool empty = r->count == 0;
    if (!empty)
        input_words_free(out);
    return empty;
}

// ---- for recordings ----

cJSON *input_words_write(const struct input_words *w) {
    cJSON *o = cJSON_CreateObject(), *list = cJSON_AddArrayToObject(o, "words");
    cJSON_AddNumberToObject(o, "cut", (double)w->cut);
    for (size_t i = 0; i < w->count; i++) {
        const struct input_word *word = &w->word[i];
        cJSON *one = cJSON_CreateObject();
        cJSON_AddNumberToObject(one, "kind", word->kind);
        cJSON_AddNumberToObject(one, "count", (double)word->count);
        cJSON_AddNumberToObject(one, "slot", (double)word->slot);
        cJSON_AddStringToObject(one, "text", word->text);
        cJSON_AddStringToObject(one, "pieces", word->pieces);
        cJSON_AddItemToArray(list, one);
    }
    return o;
}

static bool read_word(struct input_words *w, const cJSON *from, struct error *e) {
    enum { MOST = 1 << 20 };
    struct input_word *word = add(w, e);
    size_t kind = 0;
    const char *text = "", *pieces = "";
    if (!word || !json_get_size(from, "kind", true, 0, INPUT_SPECIAL, &kind, e) ||
        !json_get_size(from, "count", true, 1, MOST, &word->count, e) ||
        !json_get_size(from, "slot", true, 0, MOST, &word->slot, e) ||
        !json_get_string(from, "text", true, &text, e) || !json_get_string(from, "pieces", true, &pieces, e))
        return false;
    word->kind = (enum input_kind)kind;
    word->first = w->tokens;
    w->tokens += word->count;
    return (word->text = mem_strdup(text, e)) && (word->pieces = mem_strdup(pieces, e));
}

bool input_words_read(struct input_words *out, const cJSON *from, struct error *e) {
    const cJSON *list = NULL, *one;
    *out = (struct input_words){0};
    bool ok = json_get_size(from, "cut", true, 0, (size_t)1 << 30, &out->cut, e) &&
              json_get_array(from, "words", true, &list, e);
    for (one = ok ? list->child : NULL; ok && one; one = one->next)
        ok = read_word(out, one, e);
    if (!ok)
        input_words_free(out);
    return ok;
}
