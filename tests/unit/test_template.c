// SPDX-License-Identifier: GPL-3.0-or-later
// The template language: every key in both forms, printing that reads back, errors at their column, colours.
#include "check.h"

#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "engine/base/utf8.h"
#include "engine/pvp/post.h"
#include "engine/pvp/template.h"

static const char *const fields[] = {"text_a", "text_b", "question"};

static bool parse(struct template *t, const char *text, struct error *e) {
    return template_parse(t, text, fields, 3, NULL, e);
}

#define REFUSED(source, at, part)                                                                            \
    do {                                                                                                     \
        struct error e_ = {0};                                                                               \
        struct template t_;                                                                                  \
        size_t at_ = 9999;                                                                                   \
        CHECK(!template_parse(&t_, source, fields, 3, &at_, &e_));                                           \
        CHECK_HAS(e_.text, part);                                                                            \
        CHECK_SIZE(at_, at);                                                                                 \
        CHECK_SIZE(t_.parts, 0);                                                                             \
    } while (0)

// Both texts read to equal parts.
#define SAME(one, other)                                                                                     \
    do {                                                                                                     \
        struct error e = {0};                                                                                \
        struct template a_, b_;                                                                              \
        CHECK_OK(template_parse(&a_, one, NULL, 0, NULL, &e));                                               \
        CHECK_OK(template_parse(&b_, other, NULL, 0, NULL, &e));                                             \
        bool equal_ = template_equal(&a_, &b_);                                                              \
        template_free(&a_);                                                                                  \
        template_free(&b_);                                                                                  \
        CHECK(equal_);                                                                                       \
    } while (0)

#define DIFFERENT(one, other)                                                                                \
    do {                                                                                                     \
        struct error e = {0};                                                                                \
        struct template a_, b_;                                                                              \
        CHECK_OK(template_parse(&a_, one, NULL, 0, NULL, &e));                                               \
        CHECK_OK(template_parse(&b_, other, NULL, 0, NULL, &e));                                             \
        bool equal_ = template_equal(&a_, &b_);                                                              \
        template_free(&a_);                                                                                  \
        template_free(&b_);                                                                                  \
        CHECK(!equal_);                                                                                      \
    } while (0)

#define PRINTS(source, form, wanted)                                                                         \
    do {                                                                                                     \
        struct error e = {0};                                                                                \
        struct template t_;                                                                                  \
        CHECK_OK(template_parse(&t_, source, NULL, 0, NULL, &e));                                            \
        char *text_ = template_print(&t_, form, &e);                                                         \
        template_free(&t_);                                                                                  \
        char copy_[sizeof e.text];                                                                           \
        snprintf(copy_, sizeof copy_, "%s", text_ ? text_ : e.text);                                         \
        free(text_);                                                                                         \
        CHECK_TEXT(copy_, wanted);                                                                           \
    } while (0)

// ---- reading ----

TEST(parts_of_a_hybrid_pattern) {
    struct error e = {0};
    struct template t;
    CHECK_OK(parse(&t, "{soft:20} {text_a} It was  {mask}.", &e));
    CHECK_SIZE(t.parts, 5);
    const struct template_part *p = t.part;
    CHECK(p[0].kind == PART_SOFT && p[0].duplicate == 20 && !p[0].text && !p[0].space_before);
    CHECK(p[1].kind == PART_FIELD && p[1].shortenable && !p[1].meta && p[1].space_before);
    CHECK_TEXT(p[1].text, "text_a");
    CHECK(p[2].kind == PART_TEXT && p[2].space_before && !p[2].shortenable);
    CHECK_TEXT(p[2].text, "It was");
    CHECK_SIZE(p[2].begin, 19);
    CHECK_SIZE(p[2].end, 25);
    CHECK(p[3].kind == PART_MASK && p[3].space_before);
    CHECK_SIZE(p[3].begin, 27);
    CHECK_SIZE(p[3].end, 33);
    CHECK(p[4].kind == PART_TEXT && !p[4].space_before);
    CHECK_TEXT(p[4].text, ".");
    template_free(&t);
}

TEST(openprompt_and_short_say_the_same) {
    SAME("{\"placeholder\": \"text_a\"} It was {\"mask\"}.", "{text_a} It was {mask}.");
    SAME("{'placeholder':'text_a'}{'mask'}", "{text_a}{mask}");
    SAME("{\"placeholder\":\"text_a\", \"shortenable\": False} {\"mask\": None}", "{text_a|whole} {mask}");
    SAME("{\"meta\":\"question\"}? {\"mask\":null,}", "{question}? {mask}");
    SAME("{\"meta\":\"question\",\"shortenable\":true} {\"mask\"}", "{question|shortenable} {mask}");
    SAME("{\"placeholder\":\"question\"} {\"mask\"}", "{question|placeholder} {mask}");
    SAME("{\"meta\":\"text_a\"} {\"mask\"}", "{text_a|meta} {mask}");
    SAME("{\"soft\"} {\"mask\"}", "{soft} {mask}");
    SAME("{\"soft\": null, \"duplicate\": 20} {\"mask\"}", "{soft:20} {mask}");
    SAME("{\"soft\": None, \"duplicate\": 3, \"same\": True} {\"mask\"}", "{soft:3|same} {mask}");
    SAME("{\"soft\": \"some \\\"words\\\"\"} {\"mask\"}", "{soft:'some \"words\"'} {mask}");
    SAME("{\"soft\": \"the\", \"soft_id\": 1} {\"soft_id\": 1} {\"mask\"}",
         "{soft:\"the\"|id=1} {soft|id=1} {mask}");
    SAME("{\"special\": \"<eos>\"}{\"mask\"}", "{special:<eos>}{mask}");
    SAME("{\"text\": \" a \"} {\"mask\"}", "{text:\" a \"} {mask}");
    SAME("{\"text\": \"a\", \"shortenable\": True} {\"mask\"}", "{text:\"a\"|shortenable} {mask}");
    SAME("{\"meta\": \"options\"} {\"mask\"}", "{options} {mask}");
    SAME("{\"placeholder\": \"options\"} {\"mask\"}", "{options|shortenable} {mask}");
    SAME("{\"meta\": \"mask\"} {\"mask\"}", "{field:\"mask\"} {mask}");
    SAME("{\"placeholder\": \"text_a\", \"add_prefix_space\": \" \"}{\"mask\"}", " {text_a}{mask}");
    SAME("a {\"mask\", \"add_prefix_space\": \"\"}", "a{mask}");
    SAME("{\"text\": \"{x}\"}{\"mask\"}", "{{x}}{mask}");
    SAME("{ \"placeholder\" : \"text_a\" , \"shortenable\" : true } {\t'mask' }", "{ text_a } { mask }");
    SAME("{\"placeholder\":\"text_a\"}\n\t {\"mask\"} \n", "{text_a} {mask}");
    DIFFERENT("{text_a} {mask}", "{text_a}{mask}");
    DIFFERENT("{text_a} {mask}", "{text_b} {mask}");
    DIFFERENT("{soft:2} {mask}", "{soft:3} {mask}");
    DIFFERENT("{text_a|lower_first} {mask}", "{text_a|drop_last} {mask}");
}

TEST(strings_and_escapes) {
    struct error e = {0};
    struct template t;
    CHECK_OK(parse(&t, "{\"text\": \"\\u00e9\\ud83d\\ude00\\n'{\\\\\"}{'text': '\\'\\x41\"'}{mask}", &e));
    CHECK_TEXT(t.part[0].text, "\xc3\xa9\xf0\x9f\x98\x80\n'{\\");
    CHECK_TEXT(t.part[1].text, "'A\"");
    template_free(&t);
}

TEST(soft_details) {
    struct error e = {0};
    struct template t;
    CHECK_OK(parse(&t, "{\"soft\": \"a b\", \"duplicate\": 9, \"same\": true} {soft:1|same} {mask}", &e));
    CHECK_SIZE(t.part[0].duplicate, 1); // ignored where there are words
    CHECK(!t.part[0].same && !t.part[1].same);
    template_free(&t);
    CHECK_OK(parse(&t, "{soft:5|same|id=2} x {soft|id=2} {soft:5|id=2} {mask}", &e));
    CHECK(t.part[2].duplicate == 5 && t.part[2].same && t.part[3].duplicate == 5 && t.part[3].same);
    template_free(&t);
}

TEST(lambdas_are_recognised) {
    static const struct {
        const char *lambda, *operations;
    } cases[] = {
        {"lambda x: x.rstrip(string.punctuation)", "strip_punctuation"},
        {"lambda x:x.rstrip( string.punctuation )", "strip_punctuation"},
        {"lambda sentence : sentence + \".\"", "add_full_stop"},
        {"lambda x: (x + '.')", "add_full_stop"},
        {"lambda s: s[:-1]", "drop_last"},
        {"lambda s: s[:1].lower() + s[1:]", "lower_first"},
        {"lambda s: s[0].lower()+s[1:]", "lower_first"},
        {"lambda x: x.rstrip(string.punctuation) + \".\"", "strip_punctuation|add_full_stop"},
        {"lambda x: (x[:1].lower() + x[1:])[:-1]", "lower_first|drop_last"},
        {"lambda x: x[:-1][:-1]", "drop_last|drop_last"},
        {"lambda x: x", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char long_form[256], short_form[128];
        snprintf(long_form, sizeof long_form,
                 "{\"placeholder\": \"text_a\", \"post_processing\": %s, \"shortenable\": true} {\"mask\"}",
                 cases[i].lambda);
        snprintf(short_form, sizeof short_form, "{text_a%s%s} {mask}", cases[i].operations[0] ? "|" : "",
                 cases[i].operations);
        SAME(long_form, short_form);
    }
    SAME("{\"meta\": \"a\", \"post_processing\": \"drop_last\"}{mask}", "{a|drop_last}{mask}");
}

TEST(unknown_lambdas_are_quoted) {
    static const char *const bad[] = {"lambda x: x.upper()",
                                      "lambda x: x + \" .\"",
                                      "lambda x: x[:-2]",
                                      "lambda x y: x",
                                      "lambda x: y[:-1]",
                                      "lambda x: __import__('os')",
                                      "lambda x: x + x",
                                      "lambda x: x[:-1][:-1][:-1][:-1][:-1]",
                                      "lambda x: x[:1].lower() + x[:-1][1:]",
                                      "lambda x: x[:1].lower() + x[2:]",
                                      "lambda : x",
                                      "lambda x: x.rstrip(str.punctuation)"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[256];
        struct error e = {0};
        struct template t;
        size_t at;
        snprintf(text, sizeof text, "{mask} {\"meta\": \"question\", \"post_processing\": %s}", bad[i]);
        CHECK(!template_parse(&t, text, fields, 3, &at, &e));
        CHECK_HAS(e.text, bad[i]);
        CHECK_HAS(e.text, "column 48");
        CHECK_SIZE(at, 47);
    }
}

TEST(operations_on_texts) {
    static const struct {
        const char *text;
        enum post_processing post[4];
        const char *wanted;
    } cases[] = {
        {"Really?!", {POST_STRIP_PUNCTUATION}, "Really"},
        {"...", {POST_STRIP_PUNCTUATION}, ""},
        {"\xe5\xa5\xbd\xe3\x80\x82",
         {POST_STRIP_PUNCTUATION},
         "\xe5\xa5\xbd\xe3\x80\x82"}, // Python's is ASCII
        {"a. b", {POST_STRIP_PUNCTUATION}, "a. b"},
        {"yes", {POST_ADD_FULL_STOP}, "yes."},
        {"caf\xc3\xa9", {POST_DROP_LAST}, "caf"},
        {"", {POST_DROP_LAST, POST_LOWER_FIRST, POST_STRIP_PUNCTUATION}, ""},
        {"The", {POST_LOWER_FIRST}, "the"},
        {"\xc3\x89t\xc3\xa9", {POST_LOWER_FIRST}, "\xc3\xa9t\xc3\xa9"},
        {"\xd0\x94\xd0\xb0", {POST_LOWER_FIRST}, "\xd0\xb4\xd0\xb0"},
        {"\xc4\x8c", {POST_LOWER_FIRST}, "\xc4\x8d"},
        {"\xc5\xbb", {POST_LOWER_FIRST}, "\xc5\xbc"},
        {"It is.", {POST_DROP_LAST, POST_LOWER_FIRST, POST_ADD_FULL_STOP, POST_ADD_FULL_STOP}, "it is.."},
    };
    struct error e = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t posts = 0;
        while (posts < 4 && cases[i].post[posts])
            posts++;
        char *got = post_apply(cases[i].text, cases[i].post, posts, &e), copy[sizeof e.text];
        snprintf(copy, sizeof copy, "%s", got ? got : e.text);
        free(got);
        CHECK_TEXT(copy, cases[i].wanted);
    }
}

// ---- errors ----

TEST(errors_point_at_the_column) {
    REFUSED("{text_a} It was", 15, "column 16: the template has no {mask}");
    REFUSED("", 0, "no {mask}");
    REFUSED("\xc3\xa9\xe5\xa5\xbd {txt_a} {mask}", 7,
            "column 5: there is no field \"txt_a\" (did you mean \"text_a\"?); the task has");
    REFUSED("{mask} {premise}", 8,
            "column 9: there is no field \"premise\"; the task has text_a, text_b, question");
    REFUSED("{mask} {\"meta\": \"Question\"}", 16, "did you mean \"question\"?");
    REFUSED("{mask} {text_a", 7, "column 8: this brace is never closed");
    REFUSED("{mask} {", 7, "never closed");
    REFUSED("{mask} {}", 8, "a field, mask, soft or a key in quotes belongs here");
    REFUSED("{mask} {\"placeholder\": \"text_a\"", 7, "this brace is never closed");
    REFUSED("{mask} {\"placeholder\": \"text_a}", 23, "column 24: this quote is never closed");
    REFUSED("{mask}} x", 6, "column 7: this } closes nothing");
    REFUSED("{mask}\n一} x", 10, "row 2, column 2: this } closes nothing");
    REFUSED("{mask} {\"place\": \"text_a\"}", 8, "\"place\" is no key; there are placeholder, meta, mask");
    REFUSED("{mask} {\"meta\": \"question\", \"meta\": \"question\"}", 28, "stands twice");
    REFUSED("{mask} {\"meta\": \"question\" \"mask\"}", 27, "a comma or } belongs here");
    REFUSED("{mask} {\"meta\": question}", 16, "a value is a text in quotes");
    REFUSED("{mask} {\"meta\": 3}", 16, "\"meta\" should be the name of a field");
    REFUSED("{mask} {\"meta\"}", 8, "\"meta\" should be the name of a field");
    REFUSED("{mask} {\"mask\", \"soft\"}", 16, "\"mask\" and \"soft\" in one piece");
    REFUSED("{mask} {\"shortenable\": true}", 7, "a piece needs one of");
    REFUSED("{mask} {\"mask\": 1}", 16, "\"mask\" has no value");
    REFUSED("{mask} {\"mask\", \"duplicate\": 3}", 16, "\"duplicate\" belongs to \"soft\"");
    REFUSED("{mask|shortenable}", 6, "only fields, options and text can be shortened");
    REFUSED("{mask} {text:\"a\"|drop_last}", 17, "\"post_processing\" belongs to a field");
    REFUSED("{mask} {options|drop_last}", 16, "\"post_processing\" belongs to a field");
    REFUSED("{mask} {\"soft\": 3}", 16, "\"soft\" should be null or the words");
    REFUSED("{mask} {\"soft\", \"duplicate\": 0}", 29, "1 to 1024 soft vectors");
    REFUSED("{mask} {soft:2000}", 13, "1 to 1024 soft vectors");
    REFUSED("{mask} {soft:99999999999999999999}", 13, "too large");
    REFUSED("{mask} {soft:1000} {soft:1000}", 19, "more than 1024 soft vectors");
    REFUSED("{mask} {soft:x}", 13, "a number or words in quotes");
    REFUSED("{mask} {soft:3|id=0}", 15, "at least 1");
    REFUSED("{mask} {soft:3|id=1} {soft:4|id=1}", 21, "used before with other settings");
    REFUSED("{mask} {\"soft\", \"same\": 1}", 24, "\"same\" should be true or false");
    REFUSED("{mask} {special:<mask>}", 16, "there is no special \"<mask>\"");
    REFUSED("{mask} {text_a:3}", 14, "only soft, special, text and field take a value");
    REFUSED("{mask} {text_a|upper}", 15, "behind a bar stands");
    REFUSED("{mask} {text_a x}", 15, "} or | belongs here");
    REFUSED("{mask} {\"text\": \"\\q\"}", 17, "this escape is unknown");
    REFUSED("{mask} {\"text\": \"\\u0000\"}", 17, "this escape is unknown");
    REFUSED("{mask} {\"text\": \"\\ud800\"}", 17, "this escape is unknown");
    REFUSED("{mask} {\"text\": lambda x: x}", 16, "a lambda belongs to");
    REFUSED("{mask} {\"text\": \"a\", \"add_prefix_space\": \"  \"}", 41, "\"add_prefix_space\" should be");
    REFUSED("{mask} caf\xe9", 10, "not UTF-8");
}

TEST(any_cut_of_a_template_is_refused_or_read) { // nothing reads past the end
    static const char whole[] =
        "{soft:20|same|id=1} {\"placeholder\": \"text_a\", \"post_processing\": lambda x: "
        "x.rstrip(string.punctuation)} {{ {text:\"\\u00e9\"} {mask}. {special:<eos>}";
    size_t mask_end = (size_t)(strstr(whole, "{mask}") - whole) + 6,
           last = (size_t)(strstr(whole, "{special") - whole);
    for (size_t n = 0; n < sizeof whole; n++) {
        char *text = mem_strndup(whole, n, NULL);
        signed char *kinds = mem_calloc(n, 1, NULL);
        struct template t;
        struct error e = {0};
        size_t at = 0;
        bool ok = template_parse(&t, text, NULL, 0, &at, &e);
        template_highlight(text, n, kinds);
        template_free(&t);
        free(text);
        free(kinds);
        CHECK(ok == ((n >= mask_end && n <= last) || n == sizeof whole - 1));
        CHECK(ok || (at <= n && e.text[0]));
    }
}

// ---- printing ----

TEST(printing_both_forms) {
    PRINTS("{\"soft\": null, \"duplicate\": 20} {\"placeholder\": \"text_a\"} It was {\"mask\"}.",
           TEMPLATE_SHORT, "{soft:20} {text_a} It was {mask}.");
    PRINTS(
        "{soft:20|same|id=2} {text_a|strip_punctuation|add_full_stop|whole} {mask}.", TEMPLATE_OPENPROMPT,
        "{\"soft\": None, \"duplicate\": 20, \"same\": True, \"soft_id\": 2} {\"placeholder\": \"text_a\", "
        "\"shortenable\": False, \"post_processing\": lambda x: x.rstrip(string.punctuation) + \".\"} "
        "{\"mask\"}.");
    PRINTS("{{a}} {question|shortenable} {options}{mask}", TEMPLATE_OPENPROMPT,
           "{\"text\": \"{a}\"} {\"meta\": \"question\", \"shortenable\": True} {\"meta\": "
           "\"options\"}{\"mask\"}");
    PRINTS("{{a}} {\"meta\": \"odd name\"} {\"text\": \" x\"}{mask}", TEMPLATE_SHORT,
           "{{a}} {field:\"odd name\"} {text:\" x\"}{mask}");
    PRINTS("a{\"text\":\"b\"} {special:<pad>}{mask}", TEMPLATE_SHORT, "a{text:\"b\"} {special:<pad>}{mask}");
}

static char *random_text(struct random *r, bool name) {
    static const char *const pieces[] = {
        "a",      "b",    " ",  "{", "}", "\"",     "'",        "\\",           ".",
        "|",      "\n",   "\t", ":", ",", "text_a", "\xc3\xa9", "\xe5\xa5\xbd", "\x01",
        "lambda", "soft", "0",  "_", "-"};
    struct buffer b = {0};
    size_t n = random_below(r, 6) + (name ? 1 : 0);
    for (size_t i = 0; i < n; i++)
        buffer_add_text(&b, pieces[random_below(r, sizeof pieces / sizeof pieces[0])]);
    return buffer_take(&b, NULL);
}

static void random_part(struct random *r, struct template_part *p, const struct template *so_far) {
    static const char *const specials[] = {"<eos>", "<bos>", "<sep>", "<cls>", "<pad>"};
    static const char *const names[] = {"text_a", "text_b", "mask", "soft", "text", "special", "field"};
    *p = (struct template_part){.kind = (enum part_kind)random_below(r, 6), .duplicate = 1};
    p->space_before = random_below(r, 2);
    if (p->kind == PART_TEXT) {
        p->text = random_text(r, false);
        p->shortenable = random_below(r, 4) == 0;
    } else if (p->kind == PART_FIELD) {
        p->text = random_below(r, 2) ? mem_strdup(names[random_below(r, 7)], NULL) : random_text(r, true);
        p->meta = random_below(r, 2);
        p->shortenable = random_below(r, 2);
        p->posts = random_below(r, TEMPLATE_MOST_POST + 1);
        for (size_t i = 0; i < p->posts; i++)
            p->post[i] = (enum post_processing)(1 + random_below(r, 4));
    } else if (p->kind == PART_OPTIONS) {
        p->meta = true;
        p->shortenable = random_below(r, 2);
    } else if (p->kind == PART_SPECIAL) {
        p->text = mem_strdup(specials[random_below(r, 5)], NULL);
    } else if (p->kind == PART_SOFT) {
        p->soft_id = random_below(r, 2) * (so_far->parts + 1); // each id once: repeats are tested by hand
        if (random_below(r, 3) == 0)
            p->text = random_text(r, true);
        else
            p->duplicate = 1 + random_below(r, 9);
        p->same = p->duplicate > 1 && random_below(r, 2);
    }
}

TEST(random_templates_read_back) {
    struct random r;
    struct error e = {0};
    random_seed(&r, 11, 1);
    for (int round = 0; round < 3000; round++) {
        struct template_part part[9];
        struct template t = {part, 0}, back;
        size_t count = random_below(&r, 8);
        for (size_t i = 0; i < count; i++, t.parts++)
            random_part(&r, &part[i], &t);
        part[t.parts++] =
            (struct template_part){.kind = PART_MASK, .duplicate = 1, .space_before = round % 2};
        bool equal = true;
        for (int form = 0; form < 2 && equal; form++) {
            char *text = template_print(&t, (enum template_form)form, &e);
            equal = text && template_parse(&back, text, NULL, 0, NULL, &e) && template_equal(&t, &back);
            if (!equal)
                printf("round %d: %s\n%s\n", round, text ? text : "?", e.text);
            template_free(&back);
            free(text);
        }
        for (size_t i = 0; i < t.parts; i++)
            free(part[i].text);
        CHECK(equal);
    }
}

TEST(copies_are_equal) {
    struct error e = {0};
    struct template t, copy;
    CHECK_OK(parse(&t, "{soft:\"a b\"|id=1} {text_a|drop_last} {mask}.", &e));
    CHECK_OK(template_copy(&copy, &t, &e));
    CHECK(template_equal(&t, &copy));
    template_free(&t);
    CHECK_TEXT(copy.part[0].text, "a b");
    template_free(&copy);
}

// ---- colours ----

// Kinds as letters: t text, f field, o options, m mask, s soft, x special, . syntax.
static const char *colours(const char *text) {
    static char out[256];
    signed char kinds[256];
    size_t n = strlen(text);
    template_highlight(text, n, kinds);
    for (size_t i = 0; i < n; i++)
        out[i] = kinds[i] < 0 ? '.' : "tfomsx"[kinds[i]];
    out[n] = 0;
    return out;
}

TEST(highlighting) {
    CHECK_TEXT(colours("a {text_a|whole} {{x}} {mask}."), "tt.ffffff.fffff.ttttttt.mmmm.t");
    CHECK_TEXT(colours("{soft:20}{options}{special:<eos>}"), ".ssss.ss..ooooooo..xxxxxxx..xxx..");
    CHECK_TEXT(colours("{\"meta\": \"a b\"}"), "..ffff....fff..");
    CHECK_TEXT(colours("{\"meta\":\"options\"}"), "..oooo...ooooooo..");
    CHECK_TEXT(colours("{\"duplicate\":3,\"soft\"}"), "..sssssssss..s..ssss..");
    CHECK_TEXT(colours("{text:\"}\"} }"), ".tttt..t..t.");
    CHECK_TEXT(colours("x {mas"), "tt.fff");
    CHECK_TEXT(colours("{"), ".");
    CHECK_TEXT(colours("{\"ma"), "....");
}

TEST(what_a_template_is_made_of) {
    static const struct {
        const char *text;
        bool soft, words;
    } cases[] = {{"{soft:2} {text_a} {mask}.", true, false},
                 {"{soft:2} {text_a} It was {mask}.", true, true},
                 {"{text_a} 很{mask}", false, true},
                 {"{text_a} {mask} ?", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct template t;
        CHECK(template_parse(&t, cases[i].text, NULL, 0, NULL, NULL));
        CHECK(template_has_soft(&t) == cases[i].soft && template_has_words(&t) == cases[i].words);
        template_free(&t);
    }
}
