// SPDX-License-Identifier: GPL-3.0-or-later
// Tasks and their examples: what task.json says, the files it names, and the few-shot split.
//
// task.json (unknown keys are allowed and ignored; files are relative to `data_folder` and may not lead out
// of it):
//   {"name": "sentiment", "title": "Bad or good", "language": "en",
//    "family": "single-sentence" | "sentence-pair" | "multiple-choice",
//    "files": {"train": "train.jsonl", "dev": "dev.jsonl", "test": "test.jsonl"},     train is required;
//                                                            {}: no files, all examples are typed (below)
//    "fields": {"text_a": "sentence", "text_b": "..."},      template's name -> column or JSON key
//    "label": "label",                                       column or key of the label
//    "classes": [{"value": "0", "name": "negative"}, ...],   values as they stand in the files (numbers as
//                                                            text); a plain "0" is a value that is its name
//    "options": "option",                                    multiple choice: key of the list (JSONL only),
//    or
//                                                            ["opt1", "opt2", ...], a column for each option
//    "first_index": 0,                                       multiple choice: what the first option is called
//                                                            where labels are numbers: 0 or 1
//    "metric": "accuracy" | "macro-f1",
//    "templates": ["{text_a} It was {mask}.", ...],          suggestions, the first is the default
//    "label_words": {"negative": ["bad"], "positive": ["good", "great"]},
//    "label_word_sets": {"poor": {"negative": ["slow"], "positive": ["big"]},     more of them under names,
//                        "inverted": {"negative": ["good"], "positive": ["bad"]}}} for comparing; optional.
//                                                            "good" stands for "label_words" itself
//
// Multiple choice: the classes are the options by position, named A, B, C ... (as many as the longest list in
// the files) unless "classes" names them, one for each position. A label is a value or name of a class, a
// letter, a number counted from "first_index", or the text of exactly one option; a number that is also the
// text of another option is refused as ambiguous. Where options are columns, empty ones at the end are
// absent.
//
// Every example needs its label. JSON numbers and true/false stand for their text, null in a field for "".
// A task is read-only after loading and may be shared by threads.
#ifndef PROMPTER_ENGINE_DATA_TASK_H
#define PROMPTER_ENGINE_DATA_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/base/error.h"

enum task_family { TASK_SINGLE_SENTENCE, TASK_SENTENCE_PAIR, TASK_MULTIPLE_CHOICE };
enum task_metric { TASK_ACCURACY, TASK_MACRO_F1 };
enum {
    TASK_MOST_FIELDS = 32,
    TASK_MOST_CLASSES = 256,
    TASK_MOST_OPTIONS = 16,
    TASK_MOST_TEMPLATES = 64,
    TASK_MOST_WORD_SETS = 32
};

#define TASK_NO_LABEL ((size_t)-1)

struct example {
    char **field;   // [task.fields] texts in the task's order of fields; UTF-8, never NULL
    char **option;  // [options] multiple choice only
    size_t options; // how many classes are possible for this example; 0 where all of them are
    size_t label;   // index of its class, or TASK_NO_LABEL
    size_t line;    // where its record begins in the file, from 1
    bool for_dev;   // an own example that is to be dev and not train
};

struct dataset {
    struct example *example; // owned with all texts
    size_t count;
    char *path; // of the file, for messages
};

struct label_word_set {
    char *name;
    char *words; // the JSON text, as label_words
};

struct task {
    char *name, *title, *folder;
    enum task_family family;
    enum task_metric metric;
    char **field;  // names as templates use them: "text_a", ...
    char **column; // [fields] the column or key of the files that each field is read from
    size_t fields;
    char *label_column;
    char **option_column; // multiple choice: the columns of the options, or the one key of their list
    size_t option_columns;
    bool option_list; // option_column[0] is the key of a list
    size_t first_index;
    char **class_name;  // for people: "negative"; equals the value when no name is given
    char **class_value; // as in the files
    size_t classes;
    char **template_text; // suggestions, as written
    size_t templates;
    char *label_words; // the JSON text of "label_words", or NULL
    // Further sets by name, in the file's order.
    struct label_word_set *word_set;
    size_t word_sets;
    struct dataset train, dev, test; // count 0 where the file is not named
    struct dataset own;              // typed by a person (task_add_own); count 0: none
};

// Reads task.json and its files. `path`: the task.json or the folder that holds it. data_folder: where the
// files are, NULL for the folder of task.json. Messages name file, line and field.
bool task_load(struct task **out, const char *path, const char *data_folder, struct error *e);
void task_free(struct task *t);

// One file of examples on its own, by extension .jsonl, .csv, .tsv (needs `t` for fields and classes). With a
// BOM or CRLF or without. CSV is RFC 4180 with a header line; TSV has a header line, no quoting. A file
// without examples is refused, and so is one of more than a gigabyte or four million examples, or with a text
// of more than a megabyte.
bool dataset_read(struct dataset *out, const struct task *t, const char *path, struct error *e);
void dataset_free(struct dataset *d);

// Examples that a person typed, as JSON Lines in `text` (a file of the task's own kind, with a member "for":
// "train" or "dev"; absent: train). None is fine. `name` stands for the file in messages.
bool dataset_parse_own(struct dataset *out, const struct task *t, const char *name, const char *text,
                       struct error *e);
// Puts them into t->own, for a task that nobody else has yet. text NULL: none.
bool task_set_own(struct task *t, const char *text, struct error *e);
// One line of such a text, without its end; owned. NULL and an error without memory.
char *dataset_print_own(const struct task *t, const struct example *x, struct error *e);

// An example by where it stands, for those who must not hold a pointer into a task that may go.
enum task_file { TASK_FILE_TRAIN, TASK_FILE_DEV, TASK_FILE_TEST, TASK_FILE_OWN, TASK_FILES };
struct example_ref {
    uint32_t index;
    unsigned char file; // enum task_file
};
const struct example *task_example(const struct task *t, struct example_ref ref); // NULL: there is none
const struct dataset *task_dataset(const struct task *t, enum task_file file);

// A copy that owns its texts; label and line are copied too. `fields`: of its task.
bool example_copy(struct example *out, const struct example *from, size_t fields, struct error *e);
void example_free(struct example *x, size_t fields); // the members

const char *task_family_name(enum task_family f); // "single-sentence", ...
const char *task_metric_name(enum task_metric m);
// The JSON text of the label words of a name: a set's, or those of "label_words" for "good" where no set is
// called so. NULL: there is none.
const char *task_find_words(const struct task *t, const char *name);
// Position of a field by its template name, or SIZE_MAX.
size_t task_find_field(const struct task *t, const char *name);

// ---- few-shot split ----
struct split_request {
    size_t per_class; // training examples a class; 0: use `total`
    size_t total; // training examples in all, spread as evenly as it goes; 0 with per_class 0: the whole file
    uint64_t seed;
    bool dev_from_train; // draw dev from what is left of train even where a dev file exists
    // Own examples, borrowed (NULL: none): not used, added to what is drawn, or instead of it. Those for dev
    // alone are dev; where only own ones are used and none is for dev, dev is drawn all the same.
    const struct dataset *own;
    enum split_own { SPLIT_OWN_NONE, SPLIT_OWN_ADDED, SPLIT_OWN_ONLY } own_use;
};
struct split {
    const struct example **train, **dev; // pointers into the task; arrays owned
    size_t train_count, dev_count;
    const char *dev_source; // "dev file" or "rest of train"
    char note[256];         // empty, or why it is smaller or less balanced than asked for
};
// The rules. Classes count separately (for multiple choice, the letter of the answer is the class).
// - per_class: that many of each class. total: as even as it goes, class by class; what a class lacks, the
//   others give; an odd remainder goes to classes drawn by the seed. Neither: every example of train.
// - dev is drawn by the same request from the dev file (all of it where every example of train is wanted), or
//   from what is left of train when there is no dev file or dev_from_train asks for it. Then train takes at
//   most half of each class, rounded up, so that dev is of the same size.
// - dev never holds an example with the texts of one in train (files repeat sentences).
// - A task without files has its own examples alone, whatever own_use says. Where none is for train the split
//   is empty, which is no error here: there is nothing yet that could be tuned.
// - Draws depend on the seed and the order of the examples in the files alone: the same files and seed give
//   the same split, in the same order, everywhere. Where train has enough, what it draws does not depend on
//   where dev comes from.
// - A class with too few examples gives what it has, and `note` says so. No train example at all is an error.
bool split_make(struct split *out, const struct task *t, const struct split_request *request,
                struct error *e);
void split_free(struct split *s);

#endif
