// SPDX-License-Identifier: GPL-3.0-or-later
// Templates: what parses prints in both forms to text that parses to equal parts; highlighting covers any
// bytes; places of errors and parts lie in the text.
#include <stdlib.h>
#include <string.h>

#include "engine/pvp/post.h"
#include "engine/pvp/template.h"
#include "fuzz.h"

static void print(const struct template *t, enum template_form form) {
    struct error e = {0};
    struct template again;
    char *text = template_print(t, form, &e);
    REQUIRE(text);
    REQUIRE(template_parse(&again, text, NULL, 0, NULL, &e));
    REQUIRE(template_equal(t, &again));
    free(text);
    template_free(&again);
}

static void check_parts(const struct template *t, size_t length) {
    size_t last = 0;
    REQUIRE(t->parts > 0 && t->parts <= TEMPLATE_MOST_PARTS);
    for (size_t i = 0; i < t->parts; i++) {
        const struct template_part *p = &t->part[i];
        REQUIRE(p->begin <= p->end && p->end <= length && p->begin >= last);
        REQUIRE(p->posts <= TEMPLATE_MOST_POST && p->duplicate <= TEMPLATE_MOST_SOFT);
        last = p->end;
    }
}

static void lambda(const char *text, size_t length) {
    struct error e = {0};
    enum post_processing post[TEMPLATE_MOST_POST];
    size_t posts = 0;
    if (post_recognise(text, length, post, &posts))
        REQUIRE(posts <= TEMPLATE_MOST_POST);
    else
        posts = 0;
    post[0] = posts ? post[0] : POST_LOWER_FIRST;
    char *changed = post_apply(text, post, posts ? posts : 1, &e);
    REQUIRE(changed);
    free(changed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const known[] = {"text_a", "text_b", "meta"};
    struct error e = {0};
    struct template t, copy;
    char *text = fuzz_text(data, size);
    size_t length = strlen(text), at = 0;
    signed char *kind = malloc(length + 1);
    REQUIRE(kind);
    template_highlight(text, length, kind);
    for (size_t i = 0; i < length; i++)
        REQUIRE(kind[i] >= -1 && kind[i] <= PART_SPECIAL);
    free(kind);
    lambda(text, length);
    if (fuzz_answer(template_parse(&t, text, NULL, 0, &at, &e), &e)) {
        check_parts(&t, length);
        print(&t, TEMPLATE_SHORT);
        print(&t, TEMPLATE_OPENPROMPT);
        REQUIRE(template_copy(&copy, &t, &e) && template_equal(&copy, &t));
        template_free(&copy);
        template_free(&t);
    } else {
        REQUIRE(at <= length);
    }
    if (fuzz_answer(template_parse(&t, text, known, 3, &at, &e), &e))
        template_free(&t);
    free(text);
    return 0;
}
