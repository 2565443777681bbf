// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks and files of examples: the formats' corners, every check of task.json, the shipped and the real
// tasks.
#include "check.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "engine/base/file.h"
#include "engine/data/task.h"

// ---- helpers ----

static const char *put(const char *name, const char *text, size_t length) {
    static char path[4][512];
    static unsigned next;
    char *out = path[next++ % 4];
    struct error e = {0};
    snprintf(out, sizeof path[0], "%s/%s", check_folder(), name);
    if (!file_write_atomic(out, text, length, &e))
        fprintf(stderr, "%s\n", e.text);
    return out;
}

static const char *put_text(const char *name, const char *text) {
    return put(name, text, strlen(text));
}

static const char two_classes[] =
    "{\"name\":\"t\",\"family\":\"single-sentence\",\"files\":{\"train\":\"%s\"},\"fields\":{\"text_a\":"
    "\"text\"},"
    "\"label\":\"label\",\"classes\":[{\"value\":\"0\",\"name\":\"negative\"},{\"value\":\"1\",\"name\":"
    "\"positive\"}]}";
static const char choice[] = "{\"name\":\"q\",\"family\":\"multiple-choice\",\"files\":{\"train\":\"%s\"},"
                             "\"fields\":{\"question\":\"q\"},"
                             "\"label\":\"answer\",\"options\":%s}";

// Loads a task of two classes whose training file is `name` with this text.
static bool load_bytes(struct task **t, const char *name, const char *text, size_t length, struct error *e) {
    char json[1024];
    put(name, text, length);
    snprintf(json, sizeof json, two_classes, name);
    return task_load(t, put_text("task.json", json), NULL, e);
}

static bool load(struct task **t, const char *name, const char *text, struct error *e) {
    return load_bytes(t, name, text, strlen(text), e);
}

static bool load_choice(struct task **t, const char *name, const char *options, const char *text,
                        struct error *e) {
    char json[1024];
    put_text(name, text);
    snprintf(json, sizeof json, choice, name, options);
    return task_load(t, put_text("task.json", json), NULL, e);
}

#define REFUSED(name, content, part)                                                                         \
    do {                                                                                                     \
        struct error e_ = {0};                                                                               \
        struct task *t_ = NULL;                                                                              \
        CHECK(!load(&t_, name, content, &e_));                                                               \
        CHECK(t_ == NULL);                                                                                   \
        CHECK_HAS(e_.text, part);                                                                            \
    } while (0)

// ---- formats ----

TEST(jsonl_values_become_text) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(load(
        &t, "a.jsonl",
        "\xef\xbb\xbf{\"text\": \"caf\\u00e9\\n\\\"x\\\"\", \"label\": 0}\r\n\r\n  \n"
        "{\"text\": 0.5, \"label\": \"1\", \"extra\": [1, {}]}\n{\"text\": true, \"label\": \"positive\"}\n"
        "{\"text\": null, \"label\": 1}\n{\"text\": 1e300, \"label\": 1}\n{\"text\": -12, \"label\": 1}",
        &e));
    const struct dataset *d = &t->train;
    CHECK_SIZE(d->count, 6);
    CHECK_TEXT(d->example[0].field[0], "caf\xc3\xa9\n\"x\"");
    CHECK_SIZE(d->example[0].label, 0);
    CHECK_SIZE(d->example[1].line, 4);
    CHECK_TEXT(d->example[1].field[0], "0.5");
    CHECK_TEXT(d->example[2].field[0], "true");
    CHECK_SIZE(d->example[2].label, 1);
    CHECK_TEXT(d->example[3].field[0], "");
    CHECK_TEXT(d->example[4].field[0], "1e+300");
    CHECK_TEXT(d->example[5].field[0], "-12");
    CHECK_TEXT(t->class_name[1], "positive");
    CHECK_TEXT(t->title, "t");
    task_free(t);
}

TEST(jsonl_mistakes_name_the_line) {
    REFUSED("a.jsonl", "{\"text\": \"x\", \"label\": \"0\"}\n\n{\"text\": \"x\", \"label\": \"neutrall\"}\n",
            "a.jsonl, line 3: the key \"label\" has \"neutrall\", which is none of \"0\", \"1\"");
    REFUSED("a.jsonl", "{\"sentence\": \"x\", \"id\": 1}\n",
            "a.jsonl, line 1: the keys \"text\", \"label\" are missing: this line has \"sentence\", \"id\"");
    REFUSED("a.jsonl", "{\"text\": \"x\", \"label\": 0}\n{\"text\": \"x\" \"label\": 0}\n",
            "a.jsonl, line 2: column 14");
    REFUSED("a.jsonl", "[1, 2]\n", "line 1: each line should hold an object {...}, this one holds a list");
    REFUSED("a.jsonl", "{\"text\": [\"x\"], \"label\": 0}\n", "line 1: the key \"text\" holds a list");
    REFUSED("a.jsonl", "{\"text\": \"x\", \"label\": null}\n", "the key \"label\" is empty");
    REFUSED("a.jsonl", "{\"text\": \"x\", \"label\": 0}\n{\"text\": \"a\\u0000b\", \"label\": 0}\n",
            "line 2");
    REFUSED("a.jsonl", "{\"text\": \"x\", \"text\": \"y\", \"label\": 0}\n",
            "line 1: the key \"text\" stands twice");
    REFUSED("a.jsonl", "\n\n", "no examples");
    REFUSED("a.txt", "x", ".jsonl, .csv or .tsv");
}

TEST(bytes_that_are_no_text_name_the_line) {
    struct error e = {0};
    struct task *t;
    static const char nul[] = "text,label\na,0\nb\0c,1\n", latin[] = "text,label\na,0\ncaf\xe9,1\n";
    CHECK(!load_bytes(&t, "a.csv", nul, sizeof nul - 1, &e));
    CHECK_HAS(e.text, "a.csv, line 3: a NUL byte");
    CHECK(!load_bytes(&t, "a.csv", latin, sizeof latin - 1, &e));
    CHECK_HAS(e.text, "a.csv, line 3: the byte 0xe9 is not UTF-8");
    CHECK(!load_bytes(&t, "a.jsonl", latin, sizeof latin - 1, &e));
    CHECK_HAS(e.text, "a.jsonl, line 3: the byte 0xe9");
}

TEST(a_text_of_more_than_a_megabyte_is_refused) {
    enum { MOST = 1 << 20 };
    struct error e = {0};
    struct task *t;
    char *text = malloc(MOST + 64);
    CHECK(text);
    for (size_t more = 0; more < 2; more++) {
        size_t n = (size_t)sprintf(text, "text,label\nshort,0\n");
        memset(text + n, 'a', MOST + more);
        n += MOST + more;
        n += (size_t)sprintf(text + n, ",1\n");
        bool ok = load_bytes(&t, "long.csv", text, n, &e);
        if (ok)
            task_free(t);
        CHECK(ok == !more);
    }
    free(text);
    CHECK_HAS(e.text, "long.csv, line 3: field 1 has 1048577 bytes, more than the 1048576");
}

TEST(csv_of_rfc_4180) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(load(
        &t, "a.csv",
        "\xef\xbb\xbfid,\"text\",label\r\n1,\"a, \"\"b\"\"\r\nc\nd\",0\r\n2,,1\r\n\r\n\"3\",\"\",\"1\"\r\n"
        "4, spaced ,1",
        &e));
    const struct dataset *d = &t->train;
    CHECK_SIZE(d->count, 4);
    CHECK_TEXT(d->example[0].field[0], "a, \"b\"\r\nc\nd");
    CHECK_SIZE(d->example[0].line, 2);
    CHECK_TEXT(d->example[1].field[0], "");
    CHECK_SIZE(d->example[1].line, 5);
    CHECK_SIZE(d->example[2].line, 7);
    CHECK_TEXT(d->example[3].field[0], " spaced ");
    CHECK_SIZE(d->example[3].label, 1);
    task_free(t);
}

TEST(csv_mistakes_name_the_line) {
    REFUSED("a.csv", "text,label\n\"a\nb\",0\nx,neutrall\n",
            "a.csv, line 4: the column \"label\" has \"neutrall\", which is none of");
    REFUSED("a.csv", "text,label\nsay \"hi\",0\n", "line 2: a quote inside a field without quotes");
    REFUSED("a.csv", "text,label\n\"say \"hi\"\",0\n", "line 2: text behind a closing quote");
    REFUSED("a.csv", "text,label\nx,0\n\"say,0\nx,1\n", "line 3: this quote is never closed");
    REFUSED("a.csv", "text,label\nx,0\nx,y,0\n", "line 3: 3 fields, but the first line names 2 columns");
    REFUSED("a.csv", "text,label\nx\n", "line 2: 1 field, but");
    REFUSED("a.csv", "text,label,text\nx,0,y\n", "line 1: two columns are named \"text\"");
    REFUSED("a.csv", "sentence,lable\nx,0\n",
            "line 1: the columns \"text\", \"label\" are missing: the file has \"sentence\", \"lable\"");
    REFUSED("a.csv", "text,label\nx,0\ry,0\n", "line 2: a carriage return without a line feed");
    REFUSED("a.csv", "text,label\nx,\n", "line 2: the column \"label\" is empty");
    REFUSED("a.csv", "", "the file is empty");
    REFUSED("a.csv", "text,label\n", "no examples");
}

TEST(tsv_has_no_quoting) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(load(&t, "a.tsv", "label\ttext\r\n0\t\"a, \"b\r\n1\t\r\n0\tlast", &e));
    CHECK_SIZE(t->train.count, 3);
    CHECK_TEXT(t->train.example[0].field[0], "\"a, \"b");
    CHECK_TEXT(t->train.example[1].field[0], "");
    CHECK_TEXT(t->train.example[2].field[0], "last");
    task_free(t);
    REFUSED("a.tsv", "label\ttext\n0\ta\tb\n", "line 2: 3 fields");
}

TEST(one_column_keeps_empty_lines) { // an empty line is a record where there is one column
    struct error e = {0};
    struct task *t;
    CHECK(!load(&t, "a.csv", "label\n0\n\n", &e));
    CHECK_HAS(e.text, "\"text\" is missing");
}

TEST(more_columns_than_can_be) {
    char text[4096] = "text,label";
    for (int i = 0; i < 1100; i++)
        strcat(text, ",");
    REFUSED("a.csv", text, "more than 1024 columns");
}

// ---- multiple choice ----

TEST(choice_from_a_list) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(load_choice(&t, "a.jsonl", "\"option\"",
                         "{\"q\": \"Who?\", \"option\": [\"Ann\", \"Bob\"], \"answer\": \"B\"}\n"
                         "{\"q\": \"Who?\", \"option\": [\"Ann\", \"Bob\", 3], \"answer\": 2}\n"
                         "{\"q\": \"Who?\", \"option\": [\"Ann\", \"Bob\", \"Cy\"], \"answer\": \"Bob\"}\n"
                         "{\"q\": \"Who?\", \"option\": [\"Ann\", \"Bob\", \"Cy\"], \"answer\": \"c\"}\n",
                         &e));
    CHECK_SIZE(t->classes, 3);
    CHECK_TEXT(t->class_name[2], "C");
    const struct example *x = t->train.example;
    CHECK_SIZE(x[0].options, 2);
    CHECK_SIZE(x[0].label, 1);
    CHECK_SIZE(x[1].label, 2);
    CHECK_TEXT(x[1].option[2], "3");
    CHECK_SIZE(x[2].label, 1);
    CHECK_SIZE(x[3].label, 2);
    task_free(t);
}

TEST(choice_from_columns) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(load_choice(&t, "a.csv", "[\"o1\", \"o2\", \"o3\"], \"first_index\": 1",
                         "q,o1,o2,o3,answer\nWho?,Ann,Bob,,2\nWho?,Ann,Bob,Cy,3\n", &e));
    CHECK_SIZE(t->train.example[0].options, 2);
    CHECK_SIZE(t->train.example[0].label, 1);
    CHECK_SIZE(t->train.example[1].label, 2);
    CHECK_SIZE(t->classes, 3);
    task_free(t);
    CHECK_OK(load_choice(&t, "a.jsonl", "[\"o1\", \"o2\", \"o3\"]",
                         "{\"q\": \"Who?\", \"o1\": \"Ann\", \"o2\": \"Bob\", \"answer\": \"A\"}\n", &e));
    CHECK_SIZE(t->train.example[0].options, 2);
    CHECK_SIZE(t->classes, 2);
    task_free(t);
}

TEST(choice_mistakes) {
    struct error e = {0};
    struct task *t;
#define CHOICE_REFUSED(name, options, content, part)                                                         \
    do {                                                                                                     \
        CHECK(!load_choice(&t, name, options, content, &e));                                                 \
        CHECK_HAS(e.text, part);                                                                             \
    } while (0)
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"x\", \"y\"], \"answer\": \"C\"}\n",
                   "a.jsonl, line 1: the answer is \"C\", but there are only 2 options");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"x\", \"y\"], \"answer\": \"z z\"}\n",
                   "has \"z z\", which is no letter");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"x z\", \"x z\"], \"answer\": \"x z\"}\n",
                   "is the text of 2 options");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"1\", \"0\"], \"answer\": 1}\n",
                   "could be a position");
    CHOICE_REFUSED("a.jsonl", "\"o\", \"first_index\": 1",
                   "{\"q\": \"?\", \"o\": [\"x\", \"y\"], \"answer\": 0}\n", "count from 1");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"x\"], \"answer\": 0}\n", "one option");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": \"x\", \"answer\": 0}\n",
                   "the list of options belongs");
    CHOICE_REFUSED("a.jsonl", "\"o\"", "{\"q\": \"?\", \"o\": [\"x\", \"y\"]}\n", "\"answer\" is missing");
    CHOICE_REFUSED("a.csv", "\"o\"", "q,o,answer\n?,x,A\n", "a CSV file has no lists");
    CHOICE_REFUSED("a.csv", "[\"a\", \"b\", \"c\"]", "q,a,b,c,answer\n?,x,,z,A\n",
                   "the column \"b\" is empty");
    CHOICE_REFUSED("a.csv", "[\"a\"]", "q,a,answer\n?,x,A\n", "it needs at least 2");
    CHOICE_REFUSED("a.csv", "7", "q,a,answer\n?,x,A\n", "\"options\" should name");
    CHOICE_REFUSED("a.jsonl", "\"o\"",
                   "{\"q\": \"?\", \"o\": [1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17], \"answer\": \"A\"}\n",
                   "17 options, but the most is 16");
}

// ---- task.json ----

static bool load_json(const char *json, struct error *e) {
    struct task *t;
    put_text("a.jsonl", "{\"text\": \"x\", \"label\": \"0\"}\n");
    bool ok = task_load(&t, put_text("task.json", json), NULL, e);
    if (ok)
        task_free(t);
    return ok;
}

TEST(task_json_checks) {
    static const struct {
        const char *json, *part;
    } cases[] = {
        {"{", "task.json: line 1, column 2"},
        {"[]", "task.json: a task is an object"},
        {"{}", "task.json: \"name\" is missing"},
        {"{\"name\":\"\"}", "\"name\" is empty"},
        {"{\"name\":\"t\"}", "\"family\" is missing"},
        {"{\"name\":\"t\",\"family\":\"single\"}",
         "\"family\" is \"single\", which is none of \"single-sentence\", \"sentence-pair\", "
         "\"multiple-choice\""},
        {"{\"name\":\"t\",\"family\":\"single-sentence\",\"metric\":\"f1\"}",
         "none of \"accuracy\", \"macro-f1\""},
        {"{\"name\":\"t\",\"family\":\"single-sentence\"}", "\"label\" is missing"},
        {"{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"l\"}", "\"fields\" is missing"},
        {"{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"l\",\"fields\":{}}", "names 0 fields"},
        {"{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"l\",\"fields\":{\"mask\":\"x\"}}",
         "a field cannot be called \"mask\""},
        {"{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"l\",\"fields\":{\"a\":3}}",
         "\"a\" should name a column, but is a number"},
#define UP_TO_FIELDS                                                                                         \
    "{\"name\":\"t\",\"family\":\"single-sentence\",\"label\":\"label\",\"fields\":{\"text_a\":\"text\"}"
        {UP_TO_FIELDS "}", "\"classes\" is missing"},
        {UP_TO_FIELDS ",\"classes\":[\"a\"]}", "has 1 entries"},
        {UP_TO_FIELDS ",\"classes\":[\"a\",{}]}", "entry 2: \"value\" should be"},
        {UP_TO_FIELDS ",\"classes\":[\"a\",{\"value\":\"b\",\"name\":4}]}",
         "entry 2: \"name\" should be a string"},
        {UP_TO_FIELDS ",\"classes\":[\"a\",\"a\"]}", "two classes are called \"a\""},
        {UP_TO_FIELDS ",\"classes\":[{\"value\":0,\"name\":\"1\"},{\"value\":1,\"name\":\"0\"}]}",
         "two classes are called \"0\""},
#define UP_TO_CLASSES UP_TO_FIELDS ",\"classes\":[0,1]"
        {UP_TO_CLASSES ",\"options\":\"o\"}", "\"options\" belongs to the family \"multiple-choice\""},
        {UP_TO_CLASSES ",\"templates\":\"{mask}\"}", "\"templates\" should be a list"},
        {UP_TO_CLASSES ",\"templates\":[\"{mask}\",1]}", "\"templates\", entry 2 should be a text"},
        {UP_TO_CLASSES ",\"label_words\":\"a; b\"}", "\"label_words\" should be an object"},
        {UP_TO_CLASSES "}", "\"files\" is missing"},
        {UP_TO_CLASSES ",\"files\":{\"dev\":\"a.jsonl\"}}", "\"train\" is missing"},
        {UP_TO_CLASSES ",\"files\":{\"train\":\"../a.jsonl\"}}", "below the data's folder"},
        {UP_TO_CLASSES ",\"files\":{\"train\":\"/a.jsonl\"}}", "below the data's folder"},
        {UP_TO_CLASSES ",\"files\":{\"train\":3}}", "\"train\" is a number"},
        {UP_TO_CLASSES ",\"files\":{\"train\":\"a.jsonl\",\"valid\":\"a.jsonl\"}}",
         "none of \"train\", \"dev\", \"test\""},
        {UP_TO_CLASSES ",\"files\":{\"train\":\"absent.jsonl\"}}", "absent.jsonl"},
    };
    struct error e = {0};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CHECK(!load_json(cases[i].json, &e));
        CHECK_HAS(e.text, cases[i].part);
    }
    CHECK_OK(load_json(UP_TO_CLASSES ",\"files\":{\"train\":\"a.jsonl\"},\"unknown\":{\"kept\":1}}", &e));
    struct task *t;
    CHECK(!task_load(&t, "/nonexistent/task.json", NULL, &e));
    CHECK_HAS(e.text, "/nonexistent/task.json");
}

TEST(label_words_and_templates_are_kept) {
    struct error e = {0};
    struct task *t;
    put_text("a.jsonl", "{\"text\": \"x\", \"label\": \"0\"}\n");
    CHECK_OK(task_load(&t,
                       put_text("task.json",
                                UP_TO_CLASSES ",\"files\":{\"train\":\"a.jsonl\"},\"templates\":[\"{mask}"
                                              "\",\"b {mask}\"],\"label_words\":[[\"x\"],[\"y\"]]}"),
                       NULL, &e));
    CHECK_SIZE(t->templates, 2);
    CHECK_TEXT(t->template_text[1], "b {mask}");
    CHECK_TEXT(t->label_words, "[[\"x\"],[\"y\"]]");
    CHECK_SIZE(task_find_field(t, "text_a"), 0);
    CHECK(task_find_field(t, "text_b") == SIZE_MAX);
    CHECK_TEXT(task_family_name(t->family), "single-sentence");
    CHECK_TEXT(task_metric_name(t->metric), "accuracy");
    task_free(t);
}

TEST(sets_of_label_words_have_names) {
    struct error e = {0};
    struct task *t;
    put_text("a.jsonl", "{\"text\": \"x\", \"label\": \"0\"}\n");
    CHECK_OK(task_load(&t,
                       put_text("task.json", UP_TO_CLASSES
                                ",\"files\":{\"train\":\"a.jsonl\"},\"label_words\":[[\"x\"],[\"y\"]],"
                                "\"label_word_sets\":{\"poor\":[[\"v\"],[\"w\"]],\"inverted\":"
                                "[[\"y\"],[\"x\"]]}}"),
                       NULL, &e));
    CHECK_SIZE(t->word_sets, 2);
    CHECK_TEXT(t->word_set[1].name, "inverted");
    CHECK_TEXT(task_find_words(t, "good"), "[[\"x\"],[\"y\"]]");
    CHECK_TEXT(task_find_words(t, "poor"), "[[\"v\"],[\"w\"]]");
    CHECK(!task_find_words(t, "other"));
    task_free(t);
    CHECK(!load_json(UP_TO_CLASSES ",\"files\":{\"train\":\"a.jsonl\"},\"label_word_sets\":{\"poor\":\"v\"}}",
                     &e));
    CHECK_HAS(e.text, "\"label_word_sets\": \"poor\" should be an object");
    CHECK(!load_json(UP_TO_CLASSES ",\"files\":{\"train\":\"a.jsonl\"},\"label_word_sets\":[]}", &e));
    CHECK_HAS(e.text, "label_word_sets");
}

// ---- shipped and real tasks ----

// `counts`: the examples of each class in order, 0 for classes that the set lacks.
static bool counts_are(const struct dataset *d, const size_t *counts, size_t classes) {
    size_t got[TASK_MOST_CLASSES] = {0};
    for (size_t i = 0; i < d->count; i++)
        got[d->example[i].label]++;
    return memcmp(got, counts, classes * sizeof *counts) == 0;
}

static size_t with_options(const struct dataset *d, size_t options) {
    size_t n = 0;
    for (size_t i = 0; i < d->count; i++)
        n += d->example[i].options == options;
    return n;
}

#define COUNTS(set, ...)                                                                                     \
    CHECK(counts_are(&(set), (const size_t[]){__VA_ARGS__},                                                  \
                     sizeof((const size_t[]){__VA_ARGS__}) / sizeof(size_t)))

static bool load_shared(struct task **t, const char *name, struct error *e) {
    char below[64], task[64];
    snprintf(below, sizeof below, "data/tasks/%s", name);
    snprintf(task, sizeof task, "tasks/%s/task.json", name);
    return task_load(t, check_path(task), check_shared(below), e);
}

TEST(shipped_tasks) {
    struct error e = {0};
    struct task *t;
    CHECK_OK(task_load(&t, "tests/share/tasks/films", NULL, &e));
    COUNTS(t->train, 301, 299);
    COUNTS(t->dev, 155, 145);
    COUNTS(t->test, 499, 501);
    task_free(t);
    CHECK_OK(task_load(&t, "tests/share/tasks/films5/task.json", NULL, &e));
    COUNTS(t->test, 215, 193, 206, 200, 186);
    task_free(t);
    CHECK_OK(task_load(&t, "tests/share/tasks/claims/", NULL, &e));
    COUNTS(t->train, 209, 197, 194);
    CHECK_TEXT(t->train.example[0].field[task_find_field(t, "text_b")], "It happened near the station.");
    task_free(t);
    CHECK_OK(task_load(&t, "tests/share/tasks/places", NULL, &e));
    COUNTS(t->train, 140, 134, 168, 158);
    CHECK_SIZE(with_options(&t->test, 4), 1000);
    task_free(t);
}

TEST(real_single_sentences) {
    struct error e = {0};
    struct task *t;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(load_shared(&t, "sst2", &e));
    COUNTS(t->train, 1000, 1000);
    COUNTS(t->dev, 428, 444);
    COUNTS(t->test, 912, 909);
    task_free(t);
    CHECK_OK(load_shared(&t, "mr", &e));
    COUNTS(t->train, 2188, 2200);
    COUNTS(t->dev, 283, 285);
    COUNTS(t->test, 574, 546);
    task_free(t);
    CHECK_OK(load_shared(&t, "eprstmt", &e));
    COUNTS(t->train, 63, 68);
    COUNTS(t->dev, 71, 64);
    COUNTS(t->test, 305, 305);
    task_free(t);
}

TEST(real_pairs) {
    struct error e = {0};
    struct task *t;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(load_shared(&t, "cb-fewglue", &e));
    COUNTS(t->train, 10, 3, 19);
    COUNTS(t->test, 28, 5, 23);
    CHECK_SIZE(t->dev.count, 0);
    CHECK(t->metric == TASK_MACRO_F1);
    task_free(t);
}

TEST(real_multiple_choice) {
    struct error e = {0};
    struct task *t;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(load_shared(&t, "dream", &e));
    COUNTS(t->train, 318, 325, 357);
    COUNTS(t->dev, 158, 161, 181);
    COUNTS(t->test, 150, 172, 178);
    CHECK_SIZE(t->classes, 3);
    CHECK_SIZE(with_options(&t->train, 3), 1000);
    task_free(t);
    CHECK_OK(load_shared(&t, "c3", &e));
    COUNTS(t->train, 227, 276, 280, 217);
    COUNTS(t->dev, 118, 134, 135, 113);
    COUNTS(t->test, 114, 142, 127, 117);
    CHECK_SIZE(t->classes, 4);
    CHECK_SIZE(with_options(&t->train, 2), 36);
    CHECK_SIZE(with_options(&t->train, 3), 114);
    CHECK_SIZE(with_options(&t->dev, 3), 60);
    CHECK_SIZE(with_options(&t->test, 4), 401);
    task_free(t);
}

TEST(real_csv_and_its_spreadsheet_form) {
    struct error e = {0};
    struct task *t;
    if (!check_shared(""))
        SKIP("no ../shared");
    CHECK_OK(load_shared(&t, "product-reviews", &e));
    COUNTS(t->train, 61, 106);
    COUNTS(t->dev, 24, 43);
    COUNTS(t->test, 37, 64);
    struct dataset other;
    CHECK_OK(dataset_read(&other, t, check_shared("data/tasks/product-reviews/test-bom-crlf.csv"), &e));
    CHECK_SIZE(other.count, t->test.count);
    for (size_t i = 0; i < other.count; i++) {
        CHECK_SIZE(other.example[i].label, t->test.example[i].label);
        CHECK_SIZE(other.example[i].line, t->test.example[i].line);
        for (size_t f = 0; f < t->fields; f++)
            CHECK_TEXT(other.example[i].field[f], t->test.example[i].field[f]);
    }
    dataset_free(&other);
    task_free(t);
}
