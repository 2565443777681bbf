// SPDX-License-Identifier: GPL-3.0-or-later
// OpenPrompt's template and verbalizer files, both ways, and the gallery.
#include "check.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "sessions/pattern_files.h"

static const char *written(const char *name, const char *text) {
    static char path[700];
    snprintf(path, sizeof path, "%s/%s", check_folder(), name);
    file_write_atomic(path, text, strlen(text), NULL);
    return path;
}

TEST(a_template_file_holds_one_a_line) {
    struct error e = {0};
    struct pattern_list l = {0};
    bool words = true;
    CHECK_OK(pattern_file_read(&l,
                               written("t.txt", "{\"placeholder\": \"text_a\"} It was {\"mask\"}.\r\n\n"
                                                "Just {'mask'}! {'placeholder': 'text_a'}"),
                               &words, &e));
    CHECK(!words);
    CHECK_SIZE(l.count, 2);
    CHECK_TEXT(l.entry[0].text, "{\"placeholder\": \"text_a\"} It was {\"mask\"}.");
    CHECK_TEXT(l.entry[1].text, "Just {'mask'}! {'placeholder': 'text_a'}");
    for (size_t i = 0; i < l.count; i++) {
        struct template t;
        CHECK_OK(template_parse(&t, l.entry[i].text, NULL, 0, NULL, &e));
        template_free(&t);
    }
    pattern_list_free(&l);
}

static char bad[] = "negative", good[] = "positive";
static char *const class_name[] = {bad, good};

static bool reads(const char *name, const char *text, size_t count) {
    struct error e = {0};
    struct pattern_list l = {0};
    bool words = false,
         ok = pattern_file_read(&l, written(name, text), &words, &e) && words && l.count == count;
    if (!ok)
        printf("%s: %zu, %s\n", name, l.count, e.text);
    for (size_t i = 0; ok && i < l.count; i++) {
        struct verbalizer v;
        ok = verbalizer_parse(&v, l.entry[i].text, class_name, class_name, 2, &e) &&
             strcmp(v.label[0].word[0].text, i ? "poor" : "bad") == 0;
        if (!ok)
            printf("%s: %s\n", name, e.text);
        verbalizer_free(&v);
    }
    pattern_list_free(&l);
    return ok;
}

TEST(verbalizer_files_in_every_form) {
    CHECK(reads("a.json", "{\"negative\": [\"bad\"], \"positive\": [\"good\", \"great\"]}", 1));
    CHECK(reads("b.json", "[[\"bad\"], [\"good\", \"great\"]]", 1));
    CHECK(reads("c.json", "[[[\"bad\"], [\"good\"]], [[\"poor\"], [\"fine\"]]]", 2));
    CHECK(reads("d.json",
                "[{\"negative\": [\"bad\"], \"positive\": [\"good\"]},\n"
                " {\"negative\": [\"poor\"], \"positive\": [\"fine\"]}]",
                2));
    CHECK(reads("e.jsonl",
                "{\"negative\": [\"bad\"], \"positive\": [\"good\"]}\n"
                "{\"negative\": [\"poor\"], \"positive\": [\"fine\"]}\n",
                2));
    CHECK(reads("f.txt", "bad, terrible\ngood, great\n", 1));
    CHECK(reads("g.csv", "bad,terrible\ngood\n\npoor\nfine\n", 2));
}

TEST(files_that_hold_nothing_say_so) {
    struct error e = {0};
    struct pattern_list l = {0};
    bool words;
    CHECK(!pattern_file_read(&l, written("empty.txt", "\n \n"), &words, &e));
    CHECK_HAS(e.text, "neither a template");
    CHECK(!pattern_file_read(&l, written("broken.json", "{\"negative\": [\"bad\""), &words, &e));
    CHECK_HAS(e.text, "broken.json");
    CHECK(!pattern_file_read(&l, written("latin.txt", "\xe9t\xe9\n"), &words, &e));
    CHECK_HAS(e.text, "UTF-8");
    CHECK(!pattern_file_read(&l, "/nowhere/at/all.txt", &words, &e));
    pattern_list_free(&l);
}

TEST(what_is_written_reads_back) {
    struct error e = {0};
    struct template t, back;
    struct verbalizer v;
    struct pattern_list l = {0};
    char path[700];
    bool words;
    CHECK_OK(template_parse(&t, "{soft:20} {text_a|lower_first}\nIt was {mask}.", NULL, 0, NULL, &e));
    snprintf(path, sizeof path, "%s/out.txt", check_folder());
    CHECK_OK(template_file_write(path, &t, &e));
    CHECK_OK(pattern_file_read(&l, path, &words, &e));
    CHECK(l.count == 1 && !words && strstr(l.entry[0].text, "\"duplicate\": 20"));
    CHECK_OK(template_parse(&back, l.entry[0].text, NULL, 0, NULL, &e));
    CHECK(template_equal(&t, &back));
    template_free(&t);
    template_free(&back);
    pattern_list_free(&l);
    CHECK_OK(verbalizer_parse(&v, "bad, poor; good", class_name, class_name, 2, &e));
    static const char *const names[] = {"w.json", "w.jsonl", "w.txt", "w.csv"};
    for (size_t i = 0; i < 4; i++) {
        struct verbalizer again;
        snprintf(path, sizeof path, "%s/%s", check_folder(), names[i]);
        CHECK_OK(words_file_write(path, &v, &e));
        CHECK_OK(pattern_file_read(&l, path, &words, &e));
        CHECK(words && l.count == 1);
        CHECK_OK(verbalizer_parse(&again, l.entry[0].text, class_name, class_name, 2, &e));
        CHECK(again.label[0].words == 2 && strcmp(again.label[1].word[0].text, "good") == 0);
        verbalizer_free(&again);
        pattern_list_free(&l);
    }
    CHECK(!words_file_write("words.xyz", &v, &e));
    CHECK_HAS(e.text, ".json");
    verbalizer_free(&v);
}

TEST(the_gallery_reads_for_its_families) {
    struct error e = {0};
    static const char *const tasks[] = {"films", "claims", "places"};
    for (size_t i = 0; i < 3; i++) {
        struct pattern_list l = {0};
        struct task *t;
        char path[256];
        size_t usable = 0;
        snprintf(path, sizeof path, "tests/share/tasks/%s", tasks[i]);
        CHECK_OK(task_load(&t, path, NULL, &e));
        CHECK_OK(gallery_read(&l, t->family, &e));
        CHECK(l.count >= 5);
        for (size_t k = 0; k < l.count; k++) {
            struct template x;
            CHECK(l.entry[k].note[0]); // where it comes from
            if (template_parse(&x, l.entry[k].text, (const char *const *)t->field, t->fields, NULL, &e)) {
                usable++;
                template_free(&x);
            }
        }
        CHECK(usable + 1 >= l.count); // one for other fields at most
        pattern_list_free(&l);
        task_free(t);
    }
}
