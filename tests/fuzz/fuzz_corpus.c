// SPDX-License-Identifier: GPL-3.0-or-later
// Corpora: a line of settings (layout a s p l, how often the bytes are repeated, so that files outgrow
// blocks; the window), then the file's bytes. Whatever they are: no byte of text is lost or doubled,
// sentences are clean UTF-8, and a kept position gives the same document again.
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "engine/data/corpus.h"
#include "fuzz.h"

static size_t letters(const char *text, size_t length) {
    size_t n = 0;
    for (size_t i = 0; i < length; i++)
        n += text[i] > ' ' && text[i] < 0x7f;
    return n;
}

static size_t check_document(const struct corpus_document *d) {
    size_t sum = 0;
    REQUIRE(d->sentences > 0);
    for (size_t i = 0; i < d->sentences; i++) {
        size_t length;
        const char *s = corpus_sentence(d, i, &length);
        REQUIRE(length > 0 && strlen(s) == length && utf8_valid(s, length, NULL) && !strpbrk(s, "\n\r"));
        sum += letters(s, length);
    }
    return sum;
}

static void read_all(struct corpus_reader *r, size_t wanted) {
    struct error e = {0};
    struct corpus_document d;
    bool there = true;
    size_t sum = 0, n = 0;
    struct corpus_position middle = {0};
    uint64_t hash = 0;
    while (there) {
        struct corpus_position before = corpus_reader_position(r);
        REQUIRE(corpus_reader_next_in_epoch(r, &d, &there, &e));
        if (!there)
            break;
        sum += check_document(&d);
        if (n++ % 7 == 3) {
            middle = before;
            hash = d.hash;
        }
    }
    REQUIRE(sum == wanted);
    if (!hash)
        return;
    REQUIRE(corpus_reader_seek(r, middle, &e) && corpus_reader_next(r, &d, &e) && d.hash == hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char layouts[] = "aspl";
    struct error e = {0};
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    if (!line || line - data < 3)
        return 0;
    size_t skip = (size_t)(line + 1 - data), times = 1 + (size_t)data[1] * data[1] / 16;
    const char *letter = strchr(layouts, data[0]);
    struct buffer file = {0};
    for (size_t i = 0; i < times && file.length < 3u << 18; i++)
        buffer_add(&file, data + skip, size - skip);
    const char *path = fuzz_file("corpus.txt", (const uint8_t *)(file.data ? file.data : ""), file.length);
    struct corpus *c;
    if (fuzz_answer(corpus_open(&c, &path, 1,
                                letter && *letter ? (enum corpus_layout)(letter - layouts) : CORPUS_AUTO, &e),
                    &e)) {
        struct corpus_reader_settings s = corpus_reader_settings_default();
        struct corpus_reader *r;
        s.window_blocks = data[2] % 5;
        s.shuffle = data[2] & 8;
        REQUIRE(corpus_reader_create(&r, c, &s, &e));
        size_t bom = file.length >= 3 && memcmp(file.data, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
        read_all(r, letters(file.data + bom, file.length - bom));
        corpus_reader_free(r);
        corpus_close(c);
    }
    buffer_free(&file);
    return 0;
}
