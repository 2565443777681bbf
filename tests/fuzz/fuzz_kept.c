// SPDX-License-Identifier: GPL-3.0-or-later
// A session's folder as a whole: session.json, "%%", journal.jsonl, "%%", prompts/last.safetensors. What is
// kept is resumed, or not and said so; the session can be set up in either case unless session.json names
// what is not there. A checkpoint whose "setup" is "=" gets the mark that this session would have.
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/base/memory.h"
#include "fuzz.h"
#include "sessions/session_inside.h"

static void put_checkpoint(const struct session *s, struct fuzz_part part) {
    static const char same[] = "\"setup\": \"========================\"";
    struct buffer b = {0};
    char mark[CHECKPOINT_SETUP];
    session_mark(s, mark);
    buffer_add(&b, part.data, part.size);
    char *at = b.length ? memmem(b.data, b.length, same, sizeof same - 1) : NULL;
    size_t length = strlen(mark), room = 24;
    for (size_t i = 0; at && i < room; i++)
        at[10 + i] = i < length ? mark[i] : ' ';
    fuzz_file("prompts/last.safetensors", b.length ? (const uint8_t *)b.data : NULL, b.length);
    buffer_free(&b);
}

static void set_up(struct session *s) {
    struct error e = {0};
    struct engine_setup *setup = session_setup(s, false, &e);
    fuzz_plain(session_notes(s), true);
    if (!fuzz_answer(setup, &e))
        return;
    REQUIRE(setup->model_folder && setup->task_path);
    for (size_t i = 1; i < setup->history_count; i++)
        REQUIRE(setup->history[i - 1].step <= setup->history[i].step);
    REQUIRE(!setup->history_count || setup->resume);
    engine_setup_free(setup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct fuzz_part part[3];
    char *prompts;
    fuzz_split(data, size, part, 3);
    REQUIRE(prompts = strdup(fuzz_file("prompts", NULL, 0)));
    mkdir(prompts, 0777);
    free(prompts);
    struct session *s = session_new("fuzz", fuzz_folder(), &e);
    REQUIRE(s);
    const char *path =
        fuzz_file("session.json", part[0].data ? part[0].data : (const uint8_t *)"", part[0].size);
    fuzz_file("journal.jsonl", part[1].data, part[1].size);
    if (fuzz_answer(session_parts_read(s, path, &e), &e)) {
        put_checkpoint(s, part[2]);
        set_up(s);
    }
    session_free(s);
    return 0;
}
