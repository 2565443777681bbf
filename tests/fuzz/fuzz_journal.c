// SPDX-License-Identifier: GPL-3.0-or-later
// Journals. Lines of the input that end in "!" are sealed first: the "!" becomes the checksum that such a
// line should have, so that the reader behind the checksum is reached. What was read as good is good again
// when the journal goes on.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "fuzz.h"
#include "sessions/crc.h"
#include "sessions/journal.h"

static void seal(struct buffer *out, const uint8_t *data, size_t size) {
    while (size) {
        const uint8_t *newline = memchr(data, '\n', size);
        size_t length = newline ? (size_t)(newline - data) : size;
        bool sealed = length && data[length - 1] == '!';
        buffer_add(out, data, length - sealed);
        if (sealed)
            buffer_printf(out, ",\"sum\":\"%08" PRIx32 "\"}", crc_of(data, length - 1));
        if (newline)
            buffer_add_char(out, '\n');
        data += length + (newline != NULL);
        size -= length + (newline != NULL);
    }
}

static void go_on(const char *path, const struct journal_history *before) {
    struct error e = {0};
    struct journal *j;
    struct journal_history after;
    struct metric m = {.kind = METRIC_STEP, .step = 1, .train_loss = 0.5f};
    REQUIRE(journal_open(&j, path, &e));
    REQUIRE(journal_add_metric(j, &m, 0, &e));
    journal_free(j);
    REQUIRE(journal_read(&after, path, &e));
    REQUIRE(after.damage == JOURNAL_WHOLE && after.records >= before->records + 1);
    journal_history_free(&after);
    // A new generation of it, with nothing to thin, says the same.
    struct journal_history thin;
    const struct journal_limits now = {.bytes = 1, .recent = SIZE_MAX, .evaluations = SIZE_MAX, .buckets = 1};
    m.step = (size_t)1 << 52;
    REQUIRE(journal_open(&j, path, &e));
    journal_set_limits(j, &now);
    REQUIRE(journal_add_metric(j, &m, 0, &e));
    REQUIRE(journal_read(&after, path, &e)); // while it is open: the new generation is there already
    REQUIRE(journal_add_metric(j, &m, 0, &e));
    journal_free(j);
    REQUIRE(journal_read(&thin, path, &e));
    REQUIRE(thin.damage == JOURNAL_WHOLE && thin.count == after.count && thin.last == thin.records);
    journal_history_free(&after);
    journal_history_free(&thin);
}

static void remove_damaged(const char *path) {
    char name[64];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "journal.jsonl.damaged-%d", i);
        fuzz_file(name, NULL, 0);
    }
    (void)path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct journal_history h;
    struct buffer text = {0};
    buffer_add_text(&text, "");
    seal(&text, data, size);
    const char *path = fuzz_file("journal.jsonl", (const uint8_t *)text.data, text.length);
    if (fuzz_answer(journal_read(&h, path, &e), &e)) {
        REQUIRE(h.bytes <= text.length && h.count <= h.records && h.last <= h.records);
        REQUIRE((h.damage == JOURNAL_WHOLE) == (h.bytes == text.length));
        REQUIRE((h.damage == JOURNAL_WHOLE) == (h.note[0] == '\0'));
        for (size_t i = 1; i < h.count; i++)
            REQUIRE(h.metric[i - 1].step <= h.metric[i].step);
        go_on(path, &h);
        journal_history_cut(&h, 2);
        journal_history_free(&h);
    }
    remove_damaged(path);
    buffer_free(&text);
    return 0;
}
