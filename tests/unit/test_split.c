// SPDX-License-Identifier: GPL-3.0-or-later
// The few-shot split: sizes, balance, disjointness, order, and what it says when files are too small.
#include "check.h"

#include <stdlib.h>

#include "engine/base/file.h"
#include "engine/data/task.h"

// A task of three classes a, b, c with `n` examples each in train and dev (no dev file where all are 0).
static bool make_task(struct task **t, const size_t train[3], const size_t dev[3], const char *same,
                      struct error *e) {
    char path[512], text[16384] = "";
    const char *const names[] = {"train", "dev"};
    for (int s = 0; s < 2; s++) {
        const size_t *count = s ? dev : train;
        size_t used = (size_t)snprintf(text, sizeof text, "text,label\n");
        for (size_t i = 0; i < 200; i++) // classes in turn, as long as they have more
            for (size_t c = 0; c < 3; c++)
                if (i < count[c])
                    used += (size_t)snprintf(text + used, sizeof text - used, "%s %c %zu,%c\n",
                                             same ? same : names[s], (char)('a' + (int)c), i,
                                             (char)('a' + (int)c));
        snprintf(path, sizeof path, "%s/%s.csv", check_folder(), names[s]);
        if (!file_write_atomic(path, text, used, e))
            return false;
    }
    bool has_dev = dev[0] + dev[1] + dev[2] > 0;
    snprintf(
        text, sizeof text,
        "{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"label\",\"fields\":{\"text_a\":\"text\"},"
        "\"classes\":[\"a\",\"b\",\"c\"],\"files\":{\"train\":\"train.csv\"%s}}",
        has_dev ? ",\"dev\":\"dev.csv\"" : "");
    snprintf(path, sizeof path, "%s/task.json", check_folder());
    return file_write_atomic(path, text, strlen(text), e) && task_load(t, path, NULL, e);
}

static void count_classes(const struct example *const *x, size_t count, size_t out[3]) {
    out[0] = out[1] = out[2] = 0;
    for (size_t i = 0; i < count; i++)
        out[x[i]->label]++;
}

#define CLASSES(x, count, a, b, c)                                                                           \
    do {                                                                                                     \
        size_t each_[3];                                                                                     \
        count_classes((const struct example *const *)(x), count, each_);                                     \
        CHECK_SIZE(each_[0], a);                                                                             \
        CHECK_SIZE(each_[1], b);                                                                             \
        CHECK_SIZE(each_[2], c);                                                                             \
    } while (0)

static bool shares_texts(const struct split *s) {
    for (size_t i = 0; i < s->train_count; i++)
        for (size_t j = 0; j < s->dev_count; j++)
            if (strcmp(s->train[i]->field[0], s->dev[j]->field[0]) == 0)
                return true;
    return false;
}

static const size_t many[3] = {40, 50, 60}, none[3] = {0, 0, 0};

TEST(per_class_with_a_dev_file) {
    struct error e = {0};
    struct task *t;
    struct split s;
    CHECK_OK(make_task(&t, many, many, NULL, &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.per_class = 16, .seed = 3}, &e));
    CLASSES(s.train, s.train_count, 16, 16, 16);
    CLASSES(s.dev, s.dev_count, 16, 16, 16);
    CHECK_TEXT(s.dev_source, "dev file");
    CHECK_TEXT(s.note, "");
    for (size_t i = 0; i < s.dev_count; i++)
        CHECK(strncmp(s.dev[i]->field[0], "dev", 3) == 0);
    size_t sorted = 1; // the order mixes classes
    while (sorted < s.train_count && s.train[sorted]->label >= s.train[sorted - 1]->label)
        sorted++;
    CHECK(sorted < s.train_count);
    split_free(&s);
    task_free(t);
}

TEST(total_is_spread_evenly) {
    struct error e = {0};
    struct task *t;
    struct split s;
    CHECK_OK(make_task(&t, many, none, NULL, &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.total = 32, .seed = 1}, &e));
    size_t got[3];
    count_classes(s.train, s.train_count, got);
    CHECK_SIZE(s.train_count, 32);
    CHECK_SIZE(s.dev_count, 32);
    for (size_t c = 0; c < 3; c++)
        CHECK(got[c] == 10 || got[c] == 11);
    CHECK_TEXT(s.dev_source, "rest of train");
    CHECK_TEXT(s.note, "");
    CHECK(!shares_texts(&s));
    split_free(&s);
    task_free(t);
}

TEST(the_seed_decides_who_gets_the_rest) { // 32 over three classes is 11, 11, 10
    struct error e = {0};
    struct task *t;
    size_t short_of[3] = {0};
    CHECK_OK(make_task(&t, many, many, NULL, &e));
    for (uint64_t seed = 0; seed < 30; seed++) {
        struct split s;
        size_t got[3];
        CHECK_OK(split_make(&s, t, &(struct split_request){.total = 32, .seed = seed}, &e));
        count_classes(s.train, s.train_count, got);
        for (size_t c = 0; c < 3; c++)
            short_of[c] += got[c] == 10;
        split_free(&s);
    }
    for (size_t c = 0; c < 3; c++)
        CHECK(short_of[c] >= 3);
    CHECK_SIZE(short_of[0] + short_of[1] + short_of[2], 30);
    task_free(t);
}

TEST(the_seed_decides_alone) {
    struct error e = {0};
    struct task *t;
    struct split a, b, c, d;
    CHECK_OK(make_task(&t, many, many, NULL, &e));
    struct split_request q = {.per_class = 8, .seed = 7};
    CHECK_OK(split_make(&a, t, &q, &e));
    CHECK_OK(split_make(&b, t, &q, &e));
    q.seed = 8;
    CHECK_OK(split_make(&c, t, &q, &e));
    q.seed = 7;
    q.dev_from_train = true;
    CHECK_OK(split_make(&d, t, &q, &e));
    CHECK(memcmp(a.train, b.train, a.train_count * sizeof *a.train) == 0);
    CHECK(memcmp(a.dev, b.dev, a.dev_count * sizeof *a.dev) == 0);
    CHECK(memcmp(a.train, c.train, a.train_count * sizeof *a.train) != 0);
    CHECK(memcmp(a.train, d.train, a.train_count * sizeof *a.train) ==
          0); // where dev is from changes nothing
    CHECK(!shares_texts(&d));
    CHECK_TEXT(d.dev_source, "rest of train");
    // Pinned: another machine, or a change of the code, must draw the same.
    CHECK_TEXT(a.train[0]->field[0], "train c 52");
    CHECK_TEXT(a.train[1]->field[0], "train b 10");
    CHECK_TEXT(a.dev[0]->field[0], "dev c 12");
    split_free(&a);
    split_free(&b);
    split_free(&c);
    split_free(&d);
    task_free(t);
}

TEST(small_classes_give_what_they_have) { // the sizes of FewGLUE's CommitmentBank
    struct error e = {0};
    struct task *t;
    struct split s;
    const size_t few[3] = {19, 10, 3};
    CHECK_OK(make_task(&t, few, none, NULL, &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.per_class = 16}, &e));
    CLASSES(s.train, s.train_count, 10, 5, 2); // train and dev share
    CLASSES(s.dev, s.dev_count, 9, 5, 1);
    CHECK_HAS(s.note, "train: 17 (10 a, 5 b, 2 c), as train also gives dev");
    CHECK_HAS(s.note, "dev: 15 (9 a, 5 b, 1 c)");
    split_free(&s);
    CHECK_OK(split_make(&s, t, &(struct split_request){.total = 32}, &e));
    CLASSES(s.train, s.train_count, 10, 5, 2);
    CHECK_HAS(s.note, "train: 17");
    split_free(&s);
    CHECK_OK(split_make(&s, t, &(struct split_request){.total = 6}, &e));
    CLASSES(s.train, s.train_count, 2, 2, 2);
    size_t dev[3];
    count_classes(s.dev, s.dev_count, dev);
    CHECK_SIZE(s.dev_count, 6);
    CHECK_SIZE(dev[2], 1);
    split_free(&s);
    task_free(t);
    CHECK_OK(make_task(&t, few, many, NULL, &e)); // with a dev file all of it trains
    CHECK_OK(split_make(&s, t, &(struct split_request){.per_class = 16}, &e));
    CLASSES(s.train, s.train_count, 16, 10, 3);
    CLASSES(s.dev, s.dev_count, 16, 16, 16);
    CHECK_HAS(s.note, "train: 29 (16 a, 10 b, 3 c), as the file has no more");
    split_free(&s);
    CHECK_OK(split_make(&s, t, &(struct split_request){.total = 30}, &e)); // others give what one lacks
    CLASSES(s.train, s.train_count, 17, 10, 3);
    CHECK_HAS(s.note, "train: 30");
    split_free(&s);
    task_free(t);
}

TEST(the_whole_file) {
    struct error e = {0};
    struct task *t;
    struct split s;
    CHECK_OK(make_task(&t, many, many, NULL, &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.seed = 1}, &e));
    CHECK_SIZE(s.train_count, 150);
    CHECK_SIZE(s.dev_count, 150);
    CHECK_TEXT(s.note, "");
    split_free(&s);
    task_free(t);
    CHECK_OK(make_task(&t, many, none, NULL, &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.seed = 1}, &e));
    CLASSES(s.train, s.train_count, 20, 25, 30);
    CLASSES(s.dev, s.dev_count, 20, 25, 30);
    CHECK(!shares_texts(&s));
    CHECK_HAS(s.note, "half of train serves as dev");
    split_free(&s);
    task_free(t);
}

TEST(dev_never_repeats_train) {
    struct error e = {0};
    struct task *t;
    struct split s;
    const size_t few[3] = {6, 6, 6};
    CHECK_OK(make_task(&t, few, few, "same", &e)); // both files hold the same sentences
    CHECK_OK(split_make(&s, t, &(struct split_request){.per_class = 4, .seed = 5}, &e));
    CHECK_SIZE(s.train_count, 12);
    CLASSES(s.dev, s.dev_count, 2, 2, 2);
    CHECK(!shares_texts(&s));
    CHECK_HAS(s.note, "dev: 6");
    split_free(&s);
    task_free(t);
}

TEST(real_split_is_disjoint) {
    struct error e = {0};
    struct task *t;
    struct split s;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(task_load(&t, check_path("tasks/sst2"), check_shared("data/tasks/sst2"), &e));
    CHECK_OK(split_make(&s, t, &(struct split_request){.total = 32, .seed = 10}, &e));
    CHECK_SIZE(s.train_count, 32);
    CHECK_SIZE(s.dev_count, 32);
    CHECK(!shares_texts(&s));
    size_t positive = 0;
    for (size_t i = 0; i < 32; i++)
        positive += s.train[i]->label;
    CHECK_SIZE(positive, 16);
    split_free(&s);
    task_free(t);
}

// ---- own examples ----

static struct example own_example(char **field, size_t label, bool for_dev) {
    return (struct example){.field = field, .label = label, .for_dev = for_dev};
}

TEST(own_examples_are_added_or_stand_alone) {
    struct error e = {0};
    struct task *t;
    struct split plain, s;
    CHECK_OK(task_load(&t, "tests/share/tasks/films", NULL, &e));
    char *one[] = {"one", NULL}, *two[] = {"two", NULL};
    struct example own[] = {own_example(one, 0, false), own_example(two, 1, true)};
    struct dataset set = {.example = own, .count = 2};
    struct split_request q = {.per_class = 4, .seed = 7};
    CHECK_OK(split_make(&plain, t, &q, &e));
    q.own = &set;
    CHECK_OK(split_make(&s, t, &q, &e)); // not used
    CHECK_SIZE(s.train_count, 8);
    split_free(&s);
    q.own_use = SPLIT_OWN_ADDED;
    CHECK_OK(split_make(&s, t, &q, &e));
    CHECK_SIZE(s.train_count, 9);
    CHECK_SIZE(s.dev_count, 9);
    for (size_t i = 0; i < 8; i++) // what is drawn stays as it was
        CHECK(s.train[i] == plain.train[i] && s.dev[i] == plain.dev[i]);
    CHECK(s.train[8] == &own[0] && s.dev[8] == &own[1]);
    split_free(&s);
    q.own_use = SPLIT_OWN_ONLY;
    CHECK_OK(split_make(&s, t, &q, &e));
    CHECK(s.train_count == 1 && s.train[0] == &own[0]);
    CHECK(s.dev_count == 1 && s.dev[0] == &own[1]);
    CHECK_TEXT(s.dev_source, "own examples");
    split_free(&s);
    // What train has is in no dev; without an own one for dev, dev is drawn.
    own[0].field = plain.dev[2]->field;
    own[1].for_dev = false;
    CHECK_OK(split_make(&s, t, &q, &e));
    CHECK_SIZE(s.train_count, 2);
    CHECK_SIZE(s.dev_count, 7);
    for (size_t i = 0; i < s.dev_count; i++)
        CHECK(strcmp(s.dev[i]->field[0], own[0].field[0]) != 0);
    split_free(&s);
    own[0].for_dev = own[1].for_dev = true;
    CHECK(!split_make(&s, t, &q, &e));
    CHECK_HAS(e.text, "no own example is for training");
    split_free(&plain);
    task_free(t);
}
