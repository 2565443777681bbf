// SPDX-License-Identifier: GPL-3.0-or-later
// Label words: every text form, what is refused, pieces and warnings, scores and their backward.
#include "check.h"

#include <stdlib.h>

#include "engine/data/task.h"
#include "engine/model/tokenizer.h"
#include "engine/pvp/task_parts.h"
#include "engine/pvp/verbalizer.h"

static char *names[3] = {"negative", "positive", "mixed"};
static char *values[3] = {"0", "1", "2"};

static bool parse(struct verbalizer *v, const char *text, struct error *e) {
    return verbalizer_parse(v, text, names, values, 2, e);
}

// Printed as lines; kept until the next call.
static const char *lines(const char *text, size_t classes) {
    static struct error e;
    static char out[sizeof e.text];
    struct verbalizer v;
    if (!verbalizer_parse(&v, text, names, values, classes, &e))
        return e.text;
    char *printed = verbalizer_print(&v, VERBALIZER_LINES, &e);
    snprintf(out, sizeof out, "%s", printed ? printed : e.text);
    free(printed);
    verbalizer_free(&v);
    return out;
}

// ---- text ----

TEST(all_forms_read_alike) {
    static const char *const forms[] = {
        "{\"negative\": [\"bad\"], \"positive\": [\"good\", \"<!>great\"]}",
        "{\"positive\": [\" good \", \"<!>great\"], \"negative\": \"bad\"}",
        "{\"0\": [\"bad\"], \"1\": [\"good\", \"<!>great\"]}",
        "[[\"bad\"], [\"good\", \"<!>great\"]]",
        "[[\"bad\"], [\"good\", \" \\n<!> great\"]]", // blanks do not count, in front of the mark either
        "bad; good, \" <!>great\"",
        "[{\"0\": [\"bad\"], \"1\": [\"good\", \"<!>great\"]}]",
        "[[[\"bad\"], [\"good\", \"<!>great\"]]]",
        "bad; good, <!>great",
        "bad\ngood,<!>great\n",
        "\n \n bad ;\r\n good , <!>great ;\r\n\n",
        "\"bad\"; \"good\", \"<!>great\"",
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        CHECK_TEXT(lines(forms[i], 2), "bad; good, <!>great");
    CHECK_TEXT(lines("[\"a\", \"b\", \"c\"]", 3), "a; b; c");
    CHECK_TEXT(lines("\"a, \"\"b\"\";\"; very good", 2), "\"a, \"\"b\"\";\"; very good");
    CHECK_TEXT(lines("\"[x\"; {y", 2), "\"[x\"; {y");
}

TEST(mistakes_in_text) {
    CHECK_TEXT(lines("bad", 2), "there are words for 1 class, but the task has 2: negative, positive");
    CHECK_HAS(lines("a; b; c; d", 2), "words for 4 classes");
    CHECK_HAS(lines("", 2), "words for 0 classes");
    CHECK_HAS(lines("bad; good, , great", 2), "the class \"positive\" has an empty word (line 1, column 12)");
    CHECK_HAS(lines("bad\n\xc3\xa9,;", 2), "the class \"positive\" has an empty word (line 2, column 3)");
    CHECK_HAS(lines("bad; <!>", 2), "empty word");
    CHECK_HAS(lines("bad; \"good", 2), "quote is never closed (line 1, column 6)");
    CHECK_HAS(lines("bad; \"good\" x", 2), "a comma belongs behind the closing quote");
    CHECK_HAS(lines("bad\ngood\n\nworse\nbetter\n", 2), "line 3 is empty, and a second verbalizer follows");
    CHECK_HAS(lines("{\"negative\": [\"bad\"]}", 2), "the class \"positive\" has no word");
    CHECK_HAS(lines("{\"negative\": [], \"positive\": [\"a\"]}", 2), "the class \"negative\" has no word");
    CHECK_HAS(lines("{\"negative\": [\"bad\"], \"postive\": [\"good\"]}", 2),
              "\"postive\" is no class of the task");
    CHECK_HAS(lines("{\"negative\": [\"bad\"], \"0\": [\"good\"]}", 2), "stands twice, by name and by value");
    CHECK_HAS(lines("{\"negative\": [\"bad\"], \"positive\": 3}", 2),
              "the class \"positive\" should have a word");
    CHECK_HAS(lines("[[\"bad\"], [3]]", 2), "the words of the class \"positive\" should be texts");
    CHECK_HAS(lines("[[\"bad\"]]", 2), "words for 1 class,");
    CHECK_HAS(lines("[{}, {}]", 2), "2 verbalizers");
    CHECK_HAS(lines("{\"negative\"", 2), "line 1");
    CHECK_HAS(lines("caf\xe9; b", 2), "not UTF-8");
}

TEST(json_prints_back) {
    struct error e = {0};
    struct verbalizer v;
    CHECK_OK(parse(&v, "\"a, b\"; <!>good, great", &e));
    char *text = verbalizer_print(&v, VERBALIZER_JSON, &e);
    verbalizer_free(&v);
    CHECK_TEXT(text, "{\"negative\":[\"a, b\"],\"positive\":[\"<!>good\",\"great\"]}");
    CHECK_TEXT(lines(text, 2), "\"a, b\"; <!>good, great");
    free(text);
}

TEST(letters) {
    struct error e = {0};
    struct verbalizer v;
    CHECK_OK(verbalizer_letters(&v, 4, &e));
    CHECK_SIZE(v.classes, 4);
    CHECK_TEXT(v.label[3].name, "D");
    CHECK_TEXT(v.label[3].word[0].text, "D");
    verbalizer_free(&v);
    CHECK(!verbalizer_letters(&v, 27, &e));
}

// The paper's code has the letters without the space in front of a word: other pieces, other rows of the
// head. What is no letter stays, and so does every word of a task that is no multiple choice.
TEST(bare_letters_are_other_pieces) {
    struct error e = {0};
    struct verbalizer v, bare;
    struct tokenizer *t;
    static char *class_names[] = {"a", "b", "c"};
    struct task task = {.name = "t",
                        .family = TASK_MULTIPLE_CHOICE,
                        .class_name = class_names,
                        .class_value = class_names,
                        .classes = 3};
    CHECK_OK(tokenizer_load(&t, "tests/share/models/sprout", &e));
    for (int own = 0; own < 2; own++) {
        const char *text = own ? "A; B; C" : NULL;
        CHECK_OK(task_words(&v, &task, text, false, &e) && task_words(&bare, &task, text, true, &e));
        CHECK_OK(verbalizer_bind(&v, t, WORD_FIRST, &e) && verbalizer_bind(&bare, t, WORD_FIRST, &e));
        for (size_t k = 0; k < 3; k++) {
            char piece[2] = {(char)('A' + (int)k), 0};
            CHECK_SIZE(bare.label[k].word[0].pieces, 1);
            CHECK_TEXT(tokenizer_piece(t, bare.label[k].word[0].id[0]), piece);
            CHECK(bare.label[k].word[0].id[0] != v.label[k].word[0].id[0]);
        }
        verbalizer_free(&v);
        verbalizer_free(&bare);
    }
    CHECK_OK(task_words(&bare, &task, "good; B, Be; I", true, &e));
    CHECK(!bare.label[0].word[0].bare && bare.label[1].word[0].bare && !bare.label[1].word[1].bare);
    verbalizer_free(&bare);
    task.family = TASK_SINGLE_SENTENCE;
    CHECK_OK(task_words(&bare, &task, "A; B; C", true, &e));
    CHECK(!bare.label[0].word[0].bare);
    verbalizer_free(&bare);
    tokenizer_free(t);
}

// ---- pieces ----

TEST(pieces_of_words) {
    struct error e = {0};
    struct tokenizer *t;
    struct verbalizer v;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(tokenizer_load(&t, check_shared("data/tokenizers/t5/spiece.model"), &e));
    CHECK_OK(parse(&v, "terrible, <!>A; great, A", &e));
    CHECK_OK(verbalizer_bind(&v, t, WORD_FIRST, &e));
    CHECK_SIZE(v.ids, 4);
    CHECK_TEXT(tokenizer_piece(t, verbalizer_target(&v, 0)), "▁terrible");
    CHECK_TEXT(tokenizer_piece(t, verbalizer_target(&v, 1)), "▁great");
    CHECK_SIZE(v.label[0].word[1].id[0], 188); // the bare letter, as the paper's code has it
    CHECK_SIZE(v.label[1].word[1].id[0], 71);
    for (size_t i = 0; i < 4; i++)
        CHECK_SIZE(v.label[i / 2].word[i % 2].logit[0], i);
    CHECK_OK(verbalizer_bind(&v, t, WORD_MEAN, &e)); // again
    CHECK_SIZE(v.ids, 4);
    char *warnings = verbalizer_warnings(&v, t, &e);
    CHECK_TEXT(warnings, "");
    free(warnings);
    verbalizer_free(&v);
    CHECK_OK(parse(&v, "good; \xe2\x80\x8b", &e)); // a zero width space is no piece
    CHECK(!verbalizer_bind(&v, t, WORD_FIRST, &e));
    CHECK_HAS(e.text, "of the class \"positive\" has no piece");
    verbalizer_free(&v);
    tokenizer_free(t);
}

TEST(warnings_show_the_pieces) {
    struct error e = {0};
    struct tokenizer *t;
    struct verbalizer v;
    CHECK_OK(tokenizer_load(&t, "tests/share/models/sprout", &e));
    CHECK_OK(verbalizer_parse(&v, "no; yes; No", names, values, 3, &e));
    CHECK_OK(verbalizer_bind(&v, t, WORD_FIRST, &e));
    CHECK(v.label[1].word[0].pieces > 1 && v.label[2].word[0].pieces == 1);
    char *text = verbalizer_warnings(&v, t, &e);
    CHECK_HAS(text, "\"yes\" (positive) is ");
    CHECK_HAS(text, " pieces: ▁");
    CHECK_HAS(text, "; only the first counts");
    CHECK(!strstr(text, "\"No\""));
    free(text);
    verbalizer_free(&v);
    CHECK_OK(verbalizer_parse(&v, "good, \xe2\x98\x83; fine, good; \xe5\xa5\xbd", names, values, 3, &e));
    CHECK_OK(verbalizer_bind(&v, t, WORD_MEAN, &e));
    text = verbalizer_warnings(&v, t, &e);
    CHECK_HAS(text, "\"good\" is a word of both negative and positive");
    CHECK_HAS(text, "\"\xe2\x98\x83\" (negative) holds a character that this model does not know");
    CHECK_HAS(text, "\"\xe2\x98\x83\" (negative) and \"\xe5\xa5\xbd\" (mixed) begin with the same piece: ▁");
    CHECK_HAS(text, "their mean counts");
    free(text);
    verbalizer_free(&v);
    tokenizer_free(t);
}

TEST(shipped_label_words_are_whole_pieces) {
    static const char *const tasks[] = {"films", "films5", "claims", "places"};
    struct error e = {0};
    struct tokenizer *t;
    CHECK_OK(tokenizer_load(&t, "tests/share/models/sprout", &e));
    for (size_t i = 0; i < sizeof tasks / sizeof tasks[0]; i++) {
        char path[64];
        struct task *task;
        struct verbalizer v;
        snprintf(path, sizeof path, "tests/share/tasks/%s", tasks[i]);
        CHECK_OK(task_load(&task, path, NULL, &e));
        CHECK_OK(
            verbalizer_parse(&v, task->label_words, task->class_name, task->class_value, task->classes, &e));
        CHECK_OK(verbalizer_bind(&v, t, WORD_FIRST, &e));
        char *warnings = verbalizer_warnings(&v, t, &e);
        CHECK_TEXT(warnings, "");
        free(warnings);
        verbalizer_free(&v);
        task_free(task);
    }
    tokenizer_free(t);
}

TEST(rules_by_name) {
    struct error e = {0};
    enum word_pieces rule = WORD_FIRST;
    CHECK_OK(word_pieces_find(&rule, "max", &e));
    CHECK(rule == WORD_MAX);
    CHECK_TEXT(word_pieces_name(WORD_MEAN), "mean");
    CHECK(!word_pieces_find(&rule, "last", &e));
    CHECK_HAS(e.text, "first, mean and max");
}

// ---- scores ----

// Three classes with words of 1 and 2, 3, and 1 pieces that share logits: ids are made up, no tokenizer
// needed.
static struct label_word words_a[2] = {{.pieces = 1, .logit = (size_t[]){0}},
                                       {.pieces = 2, .logit = (size_t[]){1, 2}}};
static struct label_word words_b[1] = {{.pieces = 3, .logit = (size_t[]){3, 1, 4}}};
static struct label_word words_c[1] = {{.pieces = 1, .logit = (size_t[]){4}}};
static struct label_class classes[3] = {
    {.word = words_a, .words = 2}, {.word = words_b, .words = 1}, {.word = words_c, .words = 1}};
static const float logits[5] = {0.5f, -1.25f, 2.0f, 0.75f, 1.5f};

TEST(scores_by_hand) {
    struct verbalizer v = {.label = classes, .classes = 3, .ids = 5, .pieces = WORD_FIRST};
    float score[3];
    verbalizer_scores(&v, logits, 0, score);
    double z[4] = {0.5, -1.25, 0.75, 1.5}, all = log(exp(z[0]) + exp(z[1]) + exp(z[2]) + exp(z[3]));
    CHECK_NEAR(score[0], (z[0] + z[1]) / 2 - all, 1e-6);
    CHECK_NEAR(score[1], z[2] - all, 1e-6);
    CHECK_NEAR(score[2], z[3] - all, 1e-6);
    v.pieces = WORD_MEAN;
    z[1] = (-1.25 + 2.0) / 2;
    z[2] = (0.75 - 1.25 + 1.5) / 3;
    all = log(exp(z[0]) + exp(z[1]) + exp(z[2])); // the third class is impossible
    verbalizer_scores(&v, logits, 2, score);
    CHECK_NEAR(score[0], (z[0] + z[1]) / 2 - all, 1e-6);
    CHECK_NEAR(score[1], z[2] - all, 1e-6);
    CHECK(isinf(score[2]) && score[2] < 0);
    v.pieces = WORD_MAX;
    z[1] = 2.0;
    z[2] = 1.5;
    all = log(exp(z[0]) + exp(z[1]) + exp(z[2]) + exp(z[3]));
    verbalizer_scores(&v, logits, 3, score);
    CHECK_NEAR(score[0], (z[0] + z[1]) / 2 - all, 1e-6);
    CHECK_NEAR(score[1], z[2] - all, 1e-6);
}

TEST(large_logits_stay_finite) {
    struct verbalizer v = {.label = classes, .classes = 3, .ids = 5, .pieces = WORD_FIRST};
    const float huge[5] = {900.0f, 900.0f, 0.0f, -900.0f, 0.0f};
    float score[3];
    verbalizer_scores(&v, huge, 0, score);
    CHECK_NEAR(score[0], -log(2), 1e-5);
    CHECK_NEAR(score[1], -1800 - log(2), 1e-3);
}

TEST(backward_against_differences) {
    struct verbalizer v = {.label = classes, .classes = 3, .ids = 5};
    const float d_score[3] = {0.7f, -1.1f, 0.4f};
    for (int rule = 0; rule < 3; rule++)
        for (size_t possible = 0; possible <= 3; possible++) {
            if (possible == 1)
                continue;
            v.pieces = (enum word_pieces)rule;
            float got[5] = {1, 1, 1, 1, 1}; // gradients add to what is there
            verbalizer_scores_backward(&v, logits, possible, d_score, got);
            for (size_t i = 0; i < 5; i++) {
                double step = 1e-2, sides[2];
                for (int s = 0; s < 2; s++) {
                    float moved[5], score[3];
                    memcpy(moved, logits, sizeof moved);
                    moved[i] += (float)(s ? step : -step);
                    verbalizer_scores(&v, moved, possible, score);
                    sides[s] = 0;
                    for (size_t c = 0; c < (possible ? possible : 3); c++)
                        sides[s] += (double)d_score[c] * score[c];
                }
                CHECK_NEAR(got[i] - 1, (sides[1] - sides[0]) / (2 * step), 2e-4);
            }
        }
}
