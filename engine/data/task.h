// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks and their examples: what task.json says, the files it names, and the few-shot split.
//
// task.json (keys not listed are kept out of our way; files are relative to `data_folder` and may not leave
// it):
//   {"name": "films", "title": "Film reviews", "language": "en",
//    "family": "single-sentence" | "sentence-pair" | "multiple-choice",
//    "files": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},     format by extension
//    "fields": {"text_a": "sentence", "text_b": "..."},      template's name -> column or JSON key
//    "label": "label",                                       column or key of the label
//    "classes": [{"value": "0", "name": "negative"}, ...],   values as they stand in the files (numbers as
//    text) "options": "option",                                    multiple choice: key of the list (or a
//    list of columns) "metric": "accuracy" | "macro-f1", "templates": ["{text_a} It was {mask}.", ...],
//    suggestions, the first is the default "label_words": {"negative": ["bad"], "positive": ["good",
//    "great"]}}
// Multiple choice has the letters A, B, C ... as classes when "classes" is absent; the label is a letter or
// an index.
//
// A task is read-only after loading and may be shared by threads.
#ifndef PROMPTER_ENGINE_DATA_TASK_H
#define PROMPTER_ENGINE_DATA_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum task_family { TASK_SINGLE_SENTENCE, TASK_SENTENCE_PAIR, TASK_MULTIPLE_CHOICE };
enum task_metric { TASK_ACCURACY, TASK_MACRO_F1 };
enum { TASK_MOST_FIELDS = 32, TASK_MOST_CLASSES = 256, TASK_MOST_OPTIONS = 16 };

#define TASK_NO_LABEL ((size_t)-1)

struct example {
    char **field;   // [task.fields] texts in the task's order of fields; UTF-8, never NULL
    char **option;  // [options] multiple choice only
    size_t options; // how many classes are possible for this example; 0 where all of them are
    size_t label;   // index of its class, or TASK_NO_LABEL
    size_t line;    // where its record begins in the file, from 1
};

struct dataset {
    struct example *example; // owned with all texts
    size_t count;
    char *path; // of the file, for messages
};

struct task {
    char *name, *title, *folder;
    enum task_family family;
    enum task_metric metric;
    char **field; // names as templates use them: "text_a", ...
    size_t fields;
    char **class_name;  // for people: "negative"; equals the value when no name is given
    char **class_value; // as in the files
    size_t classes;
    char **template_text; // suggestions, as written
    size_t templates;
    char *label_words;               // the JSON text of "label_words", or NULL
    struct dataset train, dev, test; // count 0 where the file is not named
};

// Reads task.json and its files. `path`: the task.json or the folder that holds it. data_folder: where the
// files are, NULL for the folder of task.json. Messages name file, line and field.
bool task_load(struct task **out, const char *path, const char *data_folder, struct error *e);
void task_free(struct task *t);

// One file of examples on its own, by extension .jsonl, .csv, .tsv (needs `t` for fields and classes). With a
// BOM or CRLF or without. CSV is RFC 4180 with a header line; TSV has a header line, no quoting.
bool dataset_read(struct dataset *out, const struct task *t, const char *path, struct error *e);
void dataset_free(struct dataset *d);

const char *task_family_name(enum task_family f); // "single-sentence", ...
const char *task_metric_name(enum task_metric m);
// Position of a field by its template name, or SIZE_MAX.
size_t task_find_field(const struct task *t, const char *name);

// ---- few-shot split ----
struct split_request {
    size_t per_class; // training examples a class; 0: use `total`
    size_t total; // training examples in all, spread as evenly as it goes; 0 with per_class 0: the whole file
    uint64_t seed;
    bool dev_from_train; // draw dev from what is left of train even where a dev file exists
};
struct split {
    const struct example **train, **dev; // pointers into the task; arrays owned
    size_t train_count, dev_count;
    const char *dev_source; // "dev file" or "rest of train"
    char note[256];         // empty, or why it is smaller or less balanced than asked for
};
// Train and dev of the same size, disjoint, class by class as even as the files allow, in an order that
// depends on the seed alone. Drawn by the seed and the example's content order only: the same seed gives the
// same split everywhere.
bool split_make(struct split *out, const struct task *t, const struct split_request *request,
                struct error *e);
void split_free(struct split *s);

#endif
