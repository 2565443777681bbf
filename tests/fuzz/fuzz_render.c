// SPDX-License-Identifier: GPL-3.0-or-later
// A budget (one byte), "%%", a template, "%%", text_a, "%%", text_b, "%%", an option: what is rendered keeps
// to the budget, holds every part that may not be cut in full, and has its mask.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/model/t5.h"
#include "engine/pvp/render.h"
#include "fuzz.h"

static char *field_name[] = {"text_a", "text_b"}, *option_key[] = {"option"};
static const struct task task = {.field = field_name,
                                 .fields = 2,
                                 .family = TASK_MULTIPLE_CHOICE,
                                 .option_column = option_key,
                                 .option_columns = 1};

static const struct tokenizer *shipped(void) {
    static struct tokenizer *t;
    struct error e = {0};
    if (!t && !tokenizer_load(&t, "tests/share/models/sprout", &e)) {
        fprintf(stderr, "%s (targets run in the top folder)\n", e.text);
        abort();
    }
    return t;
}

// The kept tokens of each part are the first of what the whole part has.
static void compare(const struct pattern *p, const struct rendered *whole, const struct rendered *cut) {
    size_t w = 0, c = 0, lost = 0;
    for (size_t part = 0; part < p->template.parts; part++) {
        const struct template_part *t = &p->template.part[part];
        size_t has = 0, keeps = 0;
        while (w + has < whole->count && whole->token[w + has].part == part)
            has++;
        while (c + keeps < cut->count && cut->token[c + keeps].part == part)
            keeps++;
        REQUIRE(cut->part_cut[part] == has - keeps);
        REQUIRE(t->shortenable || keeps == has);
        for (size_t i = 0; t->kind != PART_OPTIONS && i < keeps; i++)
            REQUIRE(cut->token[c + i].input == whole->token[w + i].input);
        lost += has - keeps;
        w += has;
        c += keeps;
    }
    REQUIRE(lost == cut->cut);
}

static void check(const struct pattern *p, const struct rendered *r, const struct render_options *o) {
    REQUIRE(r->count <= o->budget && r->mask < r->count && r->token[r->mask].mask);
    REQUIRE(p->template.part[r->token[r->mask].part].kind == PART_MASK);
    for (size_t i = 0; i < r->count; i++) {
        int32_t input = r->token[i].input;
        REQUIRE(input >= 0 ? (size_t)input < tokenizer_ids(p->tokenizer) : input >= T5_SOFT(p->slots - 1));
        REQUIRE(i >= r->mask || !r->token[i].mask);
    }
    REQUIRE(!o->end_mark || r->token[r->count - 1].part == p->template.parts);
}

static void render(const struct pattern *p, const struct example *x, size_t budget) {
    struct error e = {0};
    struct rendered whole = {0}, cut = {0};
    struct render_options all = {.budget = 1 << 24, .end_mark = true},
                          some = {.budget = budget, .end_mark = true};
    if (fuzz_answer(pattern_render(p, x, &all, &whole, &e), &e)) {
        check(p, &whole, &all);
        REQUIRE(whole.cut == 0);
        if (fuzz_answer(pattern_render(p, x, &some, &cut, &e), &e)) {
            check(p, &cut, &some);
            REQUIRE(cut.cut == (whole.count > budget ? whole.count - budget : 0));
            compare(p, &whole, &cut);
        }
    }
    rendered_free(&whole);
    rendered_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct fuzz_part part[5];
    char *text[5];
    struct template t;
    struct pattern p;
    fuzz_split(data, size, part, 5);
    for (size_t i = 0; i < 5; i++)
        text[i] = fuzz_text(part[i].data, part[i].size);
    char *options[] = {text[4], "two"};
    struct example x = {.field = text + 2, .option = options, .options = 2};
    if (fuzz_answer(template_parse(&t, text[1], NULL, 0, NULL, &e), &e)) {
        if (fuzz_answer(pattern_bind(&p, &t, &task, shipped(), &e), &e)) {
            render(&p, &x, 1 + fuzz_take(&part[0]));
            pattern_free(&p);
        }
        template_free(&t);
    }
    for (size_t i = 0; i < 5; i++)
        free(text[i]);
    return 0;
}
