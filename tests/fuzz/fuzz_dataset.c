// SPDX-License-Identifier: GPL-3.0-or-later
// Files of examples: a line that begins with the kind of file (c CSV, t TSV, anything else JSON Lines) and
// the kind of task (m a list of options, o columns of options, anything else one sentence), then the file.
#include <string.h>

#include "engine/base/utf8.h"
#include "engine/data/task.h"
#include "fuzz.h"

static char *field[] = {"text_a", "note"}, *column[] = {"text", "note"}, *list[] = {"option"},
            *columns[] = {"o1", "o2", "o3"}, *classes[] = {"0", "1"}, *names[] = {"bad", "good"},
            *letters[] = {"A", "B", "C", "D"};

static struct task task_of(char kind) {
    struct task t = {.field = field, .column = column, .fields = 2, .label_column = "label"};
    bool choice = kind == 'm' || kind == 'o';
    t.family = choice ? TASK_MULTIPLE_CHOICE : TASK_SINGLE_SENTENCE;
    t.class_name = choice ? letters : names;
    t.class_value = choice ? letters : classes;
    t.classes = choice ? 4 : 2;
    t.option_list = kind == 'm';
    t.option_column = choice ? (kind == 'm' ? list : columns) : NULL;
    t.option_columns = choice ? (kind == 'm' ? 1 : 3) : 0;
    return t;
}

static void check_text(const char *text) {
    REQUIRE(text && utf8_valid(text, strlen(text), NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct error e = {0};
    struct dataset d;
    const uint8_t *line = size ? memchr(data, '\n', size) : NULL;
    if (!line || line - data < 2)
        return 0;
    struct task t = task_of((char)data[1]);
    size_t skip = (size_t)(line + 1 - data);
    const char *name = data[0] == 'c' ? "a.csv" : data[0] == 't' ? "a.tsv" : "a.jsonl";
    if (!fuzz_answer(dataset_read(&d, &t, fuzz_file(name, data + skip, size - skip), &e), &e))
        return 0;
    REQUIRE(d.count > 0);
    for (size_t i = 0; i < d.count; i++) {
        const struct example *x = &d.example[i];
        for (size_t f = 0; f < t.fields; f++)
            check_text(x->field[f]);
        for (size_t o = 0; o < x->options; o++)
            check_text(x->option[o]);
        REQUIRE(x->label < (x->options ? x->options : t.classes) && x->label < t.classes);
        REQUIRE(x->line >= 1 && x->line <= size);
    }
    dataset_free(&d);
    return 0;
}
