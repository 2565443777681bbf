// SPDX-License-Identifier: GPL-3.0-or-later
// task.json, "%%", the file of examples, which stands beside it as train.jsonl, train.csv and train.tsv. A
// task that loads can be split.
#include <string.h>

#include "engine/data/task.h"
#include "engine/pvp/template.h"
#include "fuzz.h"

static void split(const struct task *t, struct split_request request) {
    struct error e = {0};
    struct split s;
    if (!fuzz_answer(split_make(&s, t, &request, &e), &e))
        return;
    REQUIRE(s.train_count <= t->train.count && (s.train_count > 0 || t->train.count == 0));
    for (size_t i = 0; i < s.train_count; i++)
        REQUIRE(s.train[i] && s.train[i]->label < t->classes);
    split_free(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct fuzz_part part[2];
    struct task *t;
    fuzz_split(data, size, part, 2);
    const uint8_t *examples = part[1].data ? part[1].data : (const uint8_t *)"";
    fuzz_file("train.jsonl", examples, part[1].size);
    fuzz_file("train.csv", examples, part[1].size);
    fuzz_file("train.tsv", examples, part[1].size);
    const char *path =
        fuzz_file("task.json", part[0].data ? part[0].data : (const uint8_t *)"", part[0].size);
    if (!fuzz_answer(task_load(&t, path, NULL, &e), &e))
        return 0;
    REQUIRE(t->name[0] && t->title[0] && t->label_column[0] && t->fields >= 1 && t->classes >= 2);
    REQUIRE(t->train.count > 0 || !(t->dev.count + t->test.count)); // none: a task of typed examples alone
    for (size_t i = 0; i < t->fields; i++)
        REQUIRE(task_find_field(t, t->field[i]) == i);
    split(t, (struct split_request){0});
    split(t, (struct split_request){.per_class = 2, .seed = size});
    split(t, (struct split_request){.total = 3, .seed = 1, .dev_from_train = true});
    task_free(t);
    return 0;
}
