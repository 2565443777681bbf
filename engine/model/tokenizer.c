// SPDX-License-Identifier: GPL-3.0-or-later
// Ids, names and special tokens around SentencePiece. All names are laid out at loading, so that asking for
// one later touches nothing shared.
#include "tokenizer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "spiece.h"
#include "spiece_check.h"

enum {
    SENTINELS = 100,
    NAMED_PADDING = 1024, // ids beyond the sentinels that still get their number as a name
    MOST_FILE = 256 << 20,
    MOST_TEXT = 1 << 28, // the library counts in int
    NAME_SIZE = 24,      // "<extra_id_99>", "<id 4294967295>"
};

static const char WORD_MARK[] = "\xe2\x96\x81"; // U+2581
enum { WORD_MARK_LENGTH = sizeof WORD_MARK - 1 };

struct tokenizer {
    struct spiece *pieces_of;
    size_t pieces;               // in the SentencePiece model
    size_t ids;                  // with the sentinels
    size_t names;                // with the padding that has a name
    const char **name;           // [names]: the library's text, or a part of `made`
    unsigned char *kind;         // [pieces] enum spiece_kind
    char (*made)[NAME_SIZE];     // sentinels, then padding
    int32_t sentinel[SENTINELS]; // -1: there is none
    int32_t unk, eos, pad;
};

// ---- lists ----

bool token_list_add(struct token_list *list, int32_t id, struct error *e) {
    if (!mem_grow(&list->id, &list->capacity, list->count + 1, sizeof *list->id, e))
        return false;
    list->id[list->count++] = id;
    return true;
}

void token_list_free(struct token_list *list) {
    if (!list)
        return;
    free(list->id);
    *list = (struct token_list){0};
}

// ---- loading ----

// T5's sentinels lie behind the pieces; mT5's file holds them as pieces, with a word mark in front.
static bool find_own_sentinels(struct tokenizer *t) {
    bool any = false;
    for (size_t i = 0; i < SENTINELS; i++) {
        char name[NAME_SIZE + WORD_MARK_LENGTH];
        snprintf(name, sizeof name, "%s<extra_id_%zu>", WORD_MARK, i);
        int32_t id = spiece_find(t->pieces_of, name);
        if (id < 0)
            id = spiece_find(t->pieces_of, name + WORD_MARK_LENGTH);
        t->sentinel[i] = id;
        any |= id >= 0;
    }
    return any;
}

static bool name_ids(struct tokenizer *t, struct error *e) {
    bool own = find_own_sentinels(t);
    t->ids = own ? t->pieces : t->pieces + SENTINELS;
    t->names = t->ids + NAMED_PADDING;
    t->name = mem_calloc(t->names, sizeof *t->name, e);
    t->kind = mem_calloc(t->pieces, 1, e);
    t->made = mem_calloc(SENTINELS + NAMED_PADDING, sizeof *t->made, e);
    if (!t->name || !t->kind || !t->made)
        return false;
    for (size_t id = 0; id < t->pieces; id++) {
        t->name[id] = spiece_text(t->pieces_of, id);
        t->kind[id] = (unsigned char)spiece_kind(t->pieces_of, id);
    }
    for (size_t i = 0; i < SENTINELS; i++) {
        if (!own)
            t->sentinel[i] = (int32_t)(t->ids - 1 - i);
        if (t->sentinel[i] < 0)
            continue;
        snprintf(t->made[i], NAME_SIZE, "<extra_id_%zu>", i);
        t->name[t->sentinel[i]] = t->made[i];
    }
    for (size_t i = 0; i < NAMED_PADDING; i++) {
        snprintf(t->made[SENTINELS + i], NAME_SIZE, "<id %zu>", t->ids + i);
        t->name[t->ids + i] = t->made[SENTINELS + i];
    }
    return true;
}

static bool load_bytes(struct tokenizer *t, const char *bytes, size_t length, struct error *e) {
    char why[256] = "";
    if (!spiece_check(bytes, length, e))
        return false;
    t->pieces_of = spiece_load(bytes, length, why, sizeof why);
    if (!t->pieces_of)
        return error_set(e, ERROR_INPUT, "%s", why);
    t->pieces = spiece_count(t->pieces_of);
    t->unk = spiece_unk(t->pieces_of);
    t->eos = spiece_eos(t->pieces_of);
    t->pad = spiece_pad(t->pieces_of);
    if (!t->pieces)
        return error_set(e, ERROR_INPUT, "it holds no pieces");
    return name_ids(t, e);
}

bool tokenizer_load(struct tokenizer **out, const char *path, struct error *e) {
    *out = NULL;
    bool ok = false;
    char *bytes = NULL, *file = NULL;
    size_t length;
    struct tokenizer *t = mem_calloc(1, sizeof *t, e);
    if (!t)
        goto done;
    file = file_is_folder(path) ? path_join(path, "spiece.model", e) : mem_strdup(path, e);
    if (!file)
        goto done;
    if (!file_exists(file)) {
        error_set(
            e, ERROR_INPUT,
            "%s is missing; the tokenizer needs the SentencePiece file (spiece.model) that comes with the "
            "checkpoint",
            file);
        goto done;
    }
    if (!file_read(file, MOST_FILE, &bytes, &length, e))
        goto done;
    if (!load_bytes(t, bytes, length, e)) {
        error_context(e, "%s cannot be read as a SentencePiece model (download it again?)", file);
        goto done;
    }
    *out = t;
    t = NULL;
    ok = true;
done:
    free(bytes);
    free(file);
    tokenizer_free(t);
    return ok;
}

void tokenizer_free(struct tokenizer *t) {
    if (!t)
        return;
    free(t->made);
    free(t->kind);
    free(t->name);
    spiece_free(t->pieces_of);
    free(t);
}

// ---- encoding ----

struct adding {
    struct token_list *list;
    struct error *e;
};

static bool add_id(void *context, int32_t id) {
    struct adding *a = context;
    return token_list_add(a->list, id, a->e);
}

bool tokenizer_encode(const struct tokenizer *t, const char *text, size_t length, struct token_list *out,
                      struct error *e) {
    if (!length)
        return true;
    if (length > MOST_TEXT)
        return error_set(e, ERROR_INPUT, "a text of %zu bytes is too long to tokenize at once", length);
    char why[256];
    struct adding adding = {.list = out, .e = e};
    if (spiece_encode(t->pieces_of, text, length, add_id, &adding, why, sizeof why))
        return true;
    return why[0] ? error_set(e, ERROR_INPUT, "the text cannot be tokenized: %s", why) : false;
}

// The special name that begins at `text`, its id and length; -1 if none does.
static int32_t special_at(const struct tokenizer *t, const char *text, size_t length, size_t *taken) {
    const char *close = memchr(text, '>', length < NAME_SIZE ? length : NAME_SIZE);
    if (text[0] != '<' || !close)
        return -1;
    char name[NAME_SIZE + 1] = "";
    *taken = (size_t)(close - text) + 1;
    memcpy(name, text, *taken);
    if (strcmp(name, "</s>") == 0)
        return t->eos;
    if (strcmp(name, "<pad>") == 0)
        return t->pad;
    if (strcmp(name, "<unk>") == 0)
        return t->unk;
    for (size_t i = 0; i < SENTINELS; i++)
        if (strcmp(name, t->made[i]) == 0)
            return t->sentinel[i];
    return -1;
}

bool tokenizer_encode_special(const struct tokenizer *t, const char *text, size_t length,
                              struct token_list *out, struct error *e) {
    size_t start = 0, at = 0, taken;
    while (at < length) {
        int32_t id = special_at(t, text + at, length - at, &taken);
        if (id < 0) {
            at++;
            continue;
        }
        if (!tokenizer_encode(t, text + start, at - start, out, e) || !token_list_add(out, id, e))
            return false;
        at += taken;
        start = at;
    }
    return tokenizer_encode(t, text + start, length - start, out, e);
}

// ---- decoding ----

static void add_piece(const struct tokenizer *t, int32_t id, struct buffer *b) {
    const char *piece = tokenizer_piece(t, id);
    if (id >= 0 && (size_t)id < t->pieces && t->kind[id] == SPIECE_BYTE) {
        buffer_add_char(b, (char)strtoul(piece + 1, NULL, 16)); // "<0x41>"
        return;
    }
    if (tokenizer_is_special(t, id)) {
        buffer_add_text(b, piece);
        return;
    }
    for (const char *mark; (mark = strstr(piece, WORD_MARK)) != NULL; piece = mark + WORD_MARK_LENGTH) {
        buffer_add(b, piece, (size_t)(mark - piece));
        buffer_add_char(b, ' ');
    }
    buffer_add_text(b, piece);
}

char *tokenizer_decode(const struct tokenizer *t, const int32_t *ids, size_t count, struct error *e) {
    struct buffer raw = {0}, text = {0};
    for (size_t i = 0; i < count; i++)
        add_piece(t, ids[i], &raw);
    // Byte pieces may end anywhere: what is no UTF-8 is shown as U+FFFD.
    for (size_t at = raw.length && raw.data[0] == ' '; at < raw.length;) {
        uint32_t code_point;
        char bytes[4];
        at += utf8_decode(raw.data + at, raw.length - at, &code_point);
        buffer_add(&text, bytes, utf8_encode(code_point, bytes));
    }
    text.failed |= raw.failed;
    buffer_free(&raw);
    return buffer_take(&text, e);
}

// ---- asking ----

const char *tokenizer_piece(const struct tokenizer *t, int32_t id) {
    return id >= 0 && (size_t)id < t->names ? t->name[id] : "<no such id>";
}

int32_t tokenizer_find(const struct tokenizer *t, const char *piece) {
    size_t taken, length = strlen(piece);
    int32_t id = length ? special_at(t, piece, length, &taken) : -1;
    return id >= 0 && taken == length ? id : spiece_find(t->pieces_of, piece);
}

int32_t tokenizer_sentinel(const struct tokenizer *t, size_t i) {
    return i < SENTINELS ? t->sentinel[i] : -1;
}

bool tokenizer_is_special(const struct tokenizer *t, int32_t id) {
    if (id < 0 || (size_t)id >= t->pieces || id == t->pad || id == t->eos || id == t->unk)
        return true;
    if (t->kind[id] == SPIECE_CONTROL || t->kind[id] == SPIECE_UNKNOWN)
        return true;
    return t->name[id][0] == '<' && strncmp(t->name[id], "<extra_id_", 10) == 0;
}

size_t tokenizer_pieces(const struct tokenizer *t) {
    return t->pieces;
}

size_t tokenizer_ids(const struct tokenizer *t) {
    return t->ids;
}

int32_t tokenizer_unk(const struct tokenizer *t) {
    return t->unk;
}

int32_t tokenizer_eos(const struct tokenizer *t) {
    return t->eos;
}

int32_t tokenizer_pad(const struct tokenizer *t) {
    return t->pad;
}
