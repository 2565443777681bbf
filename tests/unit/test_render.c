// SPDX-License-Identifier: GPL-3.0-or-later
// Examples through patterns: exact pieces with T5's own tokenizer and with the shipped model's, soft slots,
// cuts.
#include "check.h"

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/data/task.h"
#include "engine/model/t5.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/pieces.h"
#include "engine/pvp/render.h"

// ---- a small task, and rendering to text ----

enum { TEXT_A, TEXT_B, EMPTY, FIELDS };
static char *field_names[FIELDS] = {"text_a", "text_b", "empty"};
static char *option_key[1] = {"option"};
static struct task task = {.name = "t",
                           .field = field_names,
                           .fields = FIELDS,
                           .option_column = option_key,
                           .option_columns = 1,
                           .family = TASK_MULTIPLE_CHOICE};
static char *texts[FIELDS] = {"The plot was thin.", "Nobody laughed!", ""};
static char *options[3] = {"the old car", "a barn", "1984"};
static const struct example sample = {.field = texts, .option = options, .options = 3};

// Pieces with blanks between them, soft slots as [slot]. Kept until the next call.
static const char *show(const struct rendered *r, const struct tokenizer *t) {
    static struct buffer b;
    buffer_clear(&b);
    for (size_t i = 0; i < r->count; i++) {
        if (r->token[i].input < 0)
            buffer_printf(&b, "%s[%d]", i ? " " : "", -1 - r->token[i].input);
        else
            buffer_printf(&b, "%s%s", i ? " " : "", tokenizer_piece(t, r->token[i].input));
    }
    return b.data ? b.data : "";
}

static bool bind(struct pattern *p, const char *text, const struct tokenizer *t, struct error *e) {
    struct template template;
    if (!template_parse(&template, text, NULL, 0, NULL, e))
        return false;
    bool ok = pattern_bind(p, &template, &task, t, e);
    template_free(&template);
    return ok;
}

// The pieces of the sample through a template, or the error.
static const char *pieces(const char *template, const struct tokenizer *t, struct render_options o) {
    static struct error e;
    static struct rendered r;
    struct pattern p;
    if (!bind(&p, template, t, &e))
        return e.text;
    bool ok = pattern_render(&p, &sample, &o, &r, &e);
    pattern_free(&p);
    const char *out = ok ? show(&r, t) : e.text;
    rendered_free(&r);
    return out;
}

#define T5(name)                                                                                             \
    struct error e = {0};                                                                                    \
    struct tokenizer *name;                                                                                  \
    if (!check_shared(""))                                                                                   \
        SKIP("no ../shared");                                                                                \
    CHECK_OK(tokenizer_load(&name, check_shared("data/tokenizers/t5/spiece.model"), &e))

static const struct render_options whole = {0}, marked = {.end_mark = true};

// ---- T5's pieces ----

TEST(patterns_of_the_paper) {
    T5(t);
    CHECK_TEXT(pieces("{soft:2} {text_a} {mask}", t, whole), "[0] [1] ▁The ▁plot ▁was ▁thin . <extra_id_0>");
    CHECK_TEXT(pieces("{soft:2} {text_a} It was {mask}.", t, marked),
               "[0] [1] ▁The ▁plot ▁was ▁thin . ▁It ▁was <extra_id_0> . </s>");
    CHECK_TEXT(pieces("{text_a} {mask}. {text_b}", t, whole),
               "▁The ▁plot ▁was ▁thin . <extra_id_0> . ▁Nobody ▁laughed !");
    CHECK_TEXT(pieces("{text_a} {options}. Answer is {mask}.", t, whole),
               "▁The ▁plot ▁was ▁thin . ▁A . ▁the ▁old ▁car ▁B . ▁ a ▁barn ▁C . ▁1984 . ▁Answer ▁is "
               "<extra_id_0> .");
    tokenizer_free(t);
}

TEST(ids_of_the_hard_pattern) {
    T5(t);
    struct pattern p;
    struct rendered r = {0};
    CHECK_OK(bind(&p, "{text_a} It was {mask}.", t, &e));
    CHECK_OK(pattern_render(&p, &sample, &marked, &r, &e));
    static const int32_t ids[] = {37, 5944, 47, 5551, 5, 94, 47, 32099, 5, 1};
    static const uint16_t parts[] = {0, 0, 0, 0, 0, 1, 1, 2, 3, 4};
    CHECK_SIZE(r.count, 10);
    CHECK_SIZE(r.mask, 7);
    for (size_t i = 0; i < r.count; i++) {
        CHECK_SIZE(r.token[i].input, ids[i]);
        CHECK_SIZE(r.token[i].part, parts[i]);
        CHECK(r.token[i].mask == (i == 7));
    }
    rendered_free(&r);
    pattern_free(&p);
    tokenizer_free(t);
}

TEST(where_pieces_meet) {
    T5(t);
    CHECK_TEXT(pieces("\"{text_b}\" {mask}", t, whole), "▁\" No body ▁laughed ! \" <extra_id_0>");
    CHECK_TEXT(pieces("{mask}good good", t, whole), "<extra_id_0> good ▁good");
    CHECK_TEXT(pieces("{mask} good", t, whole), "<extra_id_0> ▁good");
    CHECK_TEXT(pieces("{soft}{text_b}{mask}", t, whole), "[0] ▁Nobody ▁laughed ! <extra_id_0>");
    CHECK_TEXT(pieces("{special:<pad>}good{mask}", t, whole), "<pad> ▁good <extra_id_0>");
    CHECK_TEXT(pieces("good{soft}.{mask}", t, whole), "▁good [0] . <extra_id_0>");
    CHECK_TEXT(pieces("{empty} {text_b} {empty} {mask}{empty}.", t, whole),
               "▁Nobody ▁laughed ! <extra_id_0> .");
    CHECK_TEXT(pieces("{mask} {mask}, {mask}", t, whole), "<extra_id_0> <extra_id_1> , <extra_id_2>");
    CHECK_TEXT(pieces("Is {text_b|strip_punctuation|lower_first}? {mask}", t, whole),
               "▁I s ▁nobody ▁laughed ? <extra_id_0>");
    CHECK_TEXT(pieces("{mask}{text:\"\"} {text:\" . \"}", t, whole), "<extra_id_0> ▁ .");
    CHECK_TEXT(pieces("{mask}.{special:<eos>}", t, marked), "<extra_id_0> . </s> </s>");
    tokenizer_free(t);
}

TEST(joined_text_with_unknown_characters) {
    T5(t);
    static const struct {
        const char *text, *joined;
    } cases[] = {{".", "."},    {"\xe2\x98\x83", "<unk>"},    {"\xe2\x98\x83 a", "<unk> ▁ a"},
                 {"A", "A"},    {" good", "▁good"},           {" \xe2\x98\x83", "▁ <unk>"},
                 {"", ""},      {"a\xe2\x98\x83", "a <unk>"}, {"ing", "ing"},
                 {"\n.", "▁ ."}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct token_list l = {0};
        struct rendered r = {0};
        CHECK_OK(pieces_encode(t, cases[i].text, strlen(cases[i].text), true, &l, &e));
        CHECK_OK(mem_grow(&r.token, &r.capacity, l.count, sizeof *r.token, &e));
        for (; r.count < l.count; r.count++)
            r.token[r.count].input = l.id[r.count];
        token_list_free(&l);
        CHECK_TEXT(show(&r, t), cases[i].joined);
        rendered_free(&r);
    }
    tokenizer_free(t);
}

static bool has_unknown(const struct tokenizer *t, const struct token_list *l) {
    for (size_t i = 0; i < l->count; i++)
        if (l->id[i] == tokenizer_unk(t))
            return true;
    return false;
}

// Whatever the text, the middle of a text decodes to what the whole one does, and has no mark that the text's
// own spaces do not account for.
TEST(joined_texts_decode_to_themselves) {
    T5(t);
    char *file, *line, *rest;
    size_t length, checked = 0;
    CHECK_OK(file_read(check_shared("data/tokenizers/t5/golden.jsonl"), 1 << 24, &file, &length, &e));
    for (line = strtok_r(file, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        cJSON *root = json_parse(line, strlen(line), NULL); // lines with a NUL are left out
        const char *text = NULL;
        struct token_list plain = {0}, joined = {0};
        if (root && json_get_string(root, "text", true, &text, &e)) {
            CHECK_OK(pieces_encode(t, text, strlen(text), false, &plain, &e));
            CHECK_OK(pieces_encode(t, text, strlen(text), true, &joined, &e));
            bool marked_front = plain.count && strncmp(tokenizer_piece(t, plain.id[0]), "▁", 3) == 0;
            bool blank_front = joined.count && strncmp(tokenizer_piece(t, joined.id[0]), "▁", 3) == 0;
            if (!has_unknown(t, &plain) && !blank_front) {
                char *a = tokenizer_decode(t, plain.id, plain.count, &e);
                char *b = tokenizer_decode(t, joined.id, joined.count, &e);
                CHECK_TEXT(a, b);
                free(a);
                free(b);
                CHECK(marked_front || !plain.count);
                checked++;
            }
        }
        token_list_free(&plain);
        token_list_free(&joined);
        cJSON_Delete(root);
    }
    free(file);
    CHECK(checked > 300);
    tokenizer_free(t);
}

// ---- soft slots ----

TEST(slots_are_shared_and_started) {
    T5(t);
    struct pattern p;
    CHECK_OK(bind(
        &p, "{soft:2|id=1} {soft:3|same} {soft:\"a good film\"|id=2} {mask} {soft|id=1} {soft|id=2} {soft}",
        t, &e));
    CHECK_SIZE(p.slots, 2 + 1 + 4 + 1);
    CHECK_SIZE(p.part_positions[1], 3);
    CHECK_SIZE(p.part_positions[4], 2);
    CHECK_SIZE(p.part_slot[4], 0);
    CHECK_SIZE(p.part_slot[5], 3);
    CHECK_SIZE(p.part_slot[6], 7);
    CHECK(p.slot_start[0] == -1 && p.slot_start[2] == -1 && p.slot_start[7] == -1);
    CHECK_TEXT(tokenizer_piece(t, p.slot_start[5]), "▁good");
    struct rendered r = {0};
    CHECK_OK(pattern_render(&p, &sample, &whole, &r, &e));
    CHECK_TEXT(show(&r, t), "[0] [1] [2] [2] [2] [3] [4] [5] [6] <extra_id_0> [0] [1] [3] [4] [5] [6] [7]");
    CHECK_SIZE(r.token[3].input, T5_SOFT(2));
    rendered_free(&r);
    pattern_free(&p);
    tokenizer_free(t);
}

// ---- cutting ----

TEST(the_longest_shortenable_is_cut_first) {
    T5(t);
    struct pattern p;
    struct rendered r = {0};
    CHECK_OK(bind(&p, "{soft:2} {text_a} {text_b} It was {mask}.", t, &e)); // 2 + 5 + 3 + 2 + 1 + 1, </s>
    CHECK_OK(pattern_render(&p, &sample, &(struct render_options){.budget = 15, .end_mark = true}, &r, &e));
    CHECK_SIZE(r.cut, 0);
    CHECK_SIZE(r.count, 15);
    CHECK_OK(pattern_render(&p, &sample, &(struct render_options){.budget = 11, .end_mark = true}, &r, &e));
    CHECK_TEXT(show(&r, t), "[0] [1] ▁The ▁plot ▁Nobody ▁laughed ▁It ▁was <extra_id_0> . </s>");
    CHECK_SIZE(r.cut, 4);
    CHECK_SIZE(r.part_cut[1], 3);
    CHECK_SIZE(r.part_cut[2], 1);
    CHECK_SIZE(r.part_cut[3], 0);
    CHECK_SIZE(r.mask, 8);
    CHECK_OK(pattern_render(&p, &sample, &(struct render_options){.budget = 7, .end_mark = true}, &r, &e));
    CHECK_TEXT(show(&r, t), "[0] [1] ▁It ▁was <extra_id_0> . </s>");
    CHECK(!pattern_render(&p, &sample, &(struct render_options){.budget = 6, .end_mark = true}, &r, &e));
    CHECK_HAS(e.text, "the pattern needs 7 positions (2 of them soft)");
    CHECK_HAS(e.text, "the length limit is 6");
    CHECK_OK(pattern_render(&p, &sample, &whole, &r, &e)); // the memory is reused
    CHECK_SIZE(r.count, 14);
    rendered_free(&r);
    pattern_free(&p);
    tokenizer_free(t);
}

TEST(kept_whole_unless_marked) {
    T5(t);
    CHECK_HAS(pieces("{text_a|whole} {mask}", t, (struct render_options){.budget = 5}), "needs 6 positions");
    CHECK_TEXT(pieces("{text:\"It was\"|shortenable} {text_a|whole} {mask}", t,
                      (struct render_options){.budget = 7}),
               "▁It ▁The ▁plot ▁was ▁thin . <extra_id_0>");
    CHECK_HAS(pieces("{options} {mask}", t, (struct render_options){.budget = 10}), "needs 14 positions");
    CHECK_TEXT(pieces("{options|shortenable} {mask}", t, (struct render_options){.budget = 12}),
               "▁A . ▁the ▁old ▁B . ▁ a ▁C . ▁1984 <extra_id_0>");
    tokenizer_free(t);
}

// ---- binding ----

TEST(binding_mistakes) {
    struct error e = {0};
    struct tokenizer *t;
    CHECK_OK(tokenizer_load(&t, "tests/share/models/sprout", &e));
    CHECK_HAS(pieces("{nothing} {mask}", t, whole), "the field \"nothing\", which the task \"t\" lacks");
    CHECK_HAS(pieces("{special:<cls>} {mask}", t, whole), "T5 has no <cls>");
    CHECK_HAS(pieces("{soft:\" \"} {mask}", t, whole), "are no pieces at all");
    task.option_columns = 0;
    CHECK_HAS(pieces("{options} {mask}", t, whole), "is no multiple choice");
    task.option_columns = 1;
    struct buffer b = {0};
    for (int i = 0; i < 101; i++)
        buffer_add_text(&b, "{mask}");
    CHECK_HAS(pieces(b.data, t, whole), "101 masks; T5 knows 100");
    buffer_free(&b);
    tokenizer_free(t);
}

// ---- the shipped model and tasks ----

TEST(shipped_tasks_render) {
    static const char *const names[] = {"films", "films5", "claims", "places"};
    struct error e = {0};
    struct tokenizer *t;
    CHECK_OK(tokenizer_load(&t, "tests/share/models/sprout", &e));
    for (size_t n = 0; n < 4; n++) {
        char path[64];
        struct task *shipped;
        snprintf(path, sizeof path, "tests/share/tasks/%s", names[n]);
        CHECK_OK(task_load(&shipped, path, NULL, &e));
        CHECK(shipped->templates >= 3);
        for (size_t i = 0; i < shipped->templates; i++) {
            struct template template;
            struct pattern p;
            struct rendered r = {0};
            CHECK_OK(template_parse(&template, shipped->template_text[i], (const char *const *)shipped->field,
                                    shipped->fields, NULL, &e));
            CHECK_OK(pattern_bind(&p, &template, shipped, t, &e));
            for (size_t x = 0; x < shipped->train.count; x++) {
                CHECK_OK(pattern_render(&p, &shipped->train.example[x], &marked, &r, &e));
                CHECK_SIZE(r.cut, 0);
                CHECK(r.token[r.mask].input == tokenizer_sentinel(t, 0));
                for (size_t k = 0; k < r.count; k++)
                    CHECK(r.token[k].input != tokenizer_unk(t));
            }
            rendered_free(&r);
            pattern_free(&p);
            template_free(&template);
        }
        task_free(shipped);
    }
    CHECK_TEXT(pieces("{soft} It was {mask}.", t, marked), "[0] ▁It ▁was <extra_id_0> . </s>");
    tokenizer_free(t);
}

TEST(real_tasks_render) {
    static const char *const names[] = {"sst2", "mr",      "cb-fewglue",     "dream",
                                        "c3",   "eprstmt", "product-reviews"};
    T5(t);
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        char path[64], below[64];
        struct task *real;
        snprintf(path, sizeof path, "tasks/%s", names[n]);
        snprintf(below, sizeof below, "data/tasks/%s", names[n]);
        CHECK_OK(task_load(&real, check_path(path), check_shared(below), &e));
        for (size_t i = 0; i < real->templates; i++) {
            struct template template;
            struct pattern p;
            struct rendered r = {0};
            CHECK_OK(template_parse(&template, real->template_text[i], (const char *const *)real->field,
                                    real->fields, NULL, &e));
            CHECK_OK(pattern_bind(&p, &template, real, t, &e));
            for (size_t x = 0; x < real->train.count && x < 50; x++) {
                CHECK_OK(pattern_render(&p, &real->train.example[x], &marked, &r, &e));
                CHECK(r.count <= 512 && (r.cut == 0 || r.count == 512));
            }
            rendered_free(&r);
            pattern_free(&p);
            template_free(&template);
        }
        task_free(real);
    }
    tokenizer_free(t);
}
