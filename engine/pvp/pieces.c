// SPDX-License-Identifier: GPL-3.0-or-later
// SentencePiece always puts a word mark in front. To tokenise the middle of a text, the text is encoded
// behind a character that no vocabulary knows, and what belongs to that character is taken off again.
#include "pieces.h"

#include <string.h>

#include "engine/base/memory.h"

static const char guard[] = "\xee\x80\x80"; // U+E000, of the private use area
static const char word_mark[] = "\xe2\x96\x81";

static size_t count_unknown(const struct tokenizer *t, const struct token_list *l) {
    size_t n = 0;
    for (size_t i = 0; i < l->count; i++)
        n += l->id[i] == tokenizer_unk(t);
    return n;
}

static bool append(struct token_list *out, const struct token_list *from, size_t begin, struct error *e) {
    for (size_t i = begin; i < from->count; i++)
        if (!token_list_add(out, from->id[i], e))
            return false;
    return true;
}

// Is `all` the guard's ids and then the whole text's? Neighbouring unknown characters are one id, so that a
// text that begins with one would be swallowed by the guard; the number of unknown ids tells.
static bool guarded(const struct tokenizer *t, const struct token_list *all, const struct token_list *front,
                    const struct token_list *plain) {
    return front->count && all->count >= front->count &&
           memcmp(all->id, front->id, front->count * sizeof *front->id) == 0 &&
           count_unknown(t, all) == count_unknown(t, front) + count_unknown(t, plain);
}

bool pieces_encode(const struct tokenizer *t, const char *text, size_t length, bool joined,
                   struct token_list *out, struct error *e) {
    if (!joined || !length)
        return tokenizer_encode(t, text, length, out, e);
    struct token_list all = {0}, front = {0}, plain = {0};
    struct buffer b = {0};
    bool ok = false;
    buffer_add_text(&b, guard);
    buffer_add(&b, text, length);
    if (!buffer_ok(&b, e) || !tokenizer_encode(t, b.data, b.length, &all, e) ||
        !tokenizer_encode(t, guard, strlen(guard), &front, e) ||
        !tokenizer_encode(t, text, length, &plain, e))
        goto done;
    if (guarded(t, &all, &front, &plain)) {
        ok = append(out, &all, front.count, e);
    } else {
        bool lone_mark = plain.count && strcmp(tokenizer_piece(t, plain.id[0]), word_mark) == 0;
        ok = append(out, &plain, lone_mark, e);
    }
done:
    buffer_free(&b);
    token_list_free(&all);
    token_list_free(&front);
    token_list_free(&plain);
    return ok;
}
