// SPDX-License-Identifier: GPL-3.0-or-later
// OpenPrompt's template and verbalizer files. What a file gives is one text or more, each of which its parser
// takes or refuses with a message.
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "sessions/pattern_files.h"

static char negative[] = "negative", positive[] = "positive";
static char *const class_name[] = {negative, positive};

static void written_words_read_back(const struct verbalizer *v) {
    struct error e = {0};
    struct pattern_list l = {0};
    bool words = false;
    const char *path = fuzz_file("out.json", (const uint8_t *)"", 0);
    REQUIRE(fuzz_answer(words_file_write(path, v, &e), &e));
    // A word that looks like a mask makes it a file of templates: only then it is something else.
    if (fuzz_answer(pattern_file_read(&l, path, &words, &e), &e) && words)
        REQUIRE(l.count == 1);
    pattern_list_free(&l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct pattern_list l = {0};
    bool words = false;
    const char *path = fuzz_file("patterns.txt", data ? data : (const uint8_t *)"", size);
    if (fuzz_answer(pattern_file_read(&l, path, &words, &e), &e))
        REQUIRE(l.count > 0);
    for (size_t i = 0; i < l.count; i++) {
        struct template t;
        struct verbalizer v;
        REQUIRE(l.entry[i].text && l.entry[i].note);
        if (!words && fuzz_answer(template_parse(&t, l.entry[i].text, NULL, 0, NULL, &e), &e)) {
            REQUIRE(
                fuzz_answer(template_file_write(fuzz_file("out.txt", (const uint8_t *)"", 0), &t, &e), &e));
            template_free(&t);
        }
        if (words && fuzz_answer(verbalizer_parse(&v, l.entry[i].text, class_name, class_name, 2, &e), &e)) {
            written_words_read_back(&v);
            verbalizer_free(&v);
        }
    }
    pattern_list_free(&l);
    return 0;
}
