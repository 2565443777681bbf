// SPDX-License-Identifier: GPL-3.0-or-later
// task.json: reading it with all its checks, then the files it names.
#include "task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"

enum { TASK_MOST_BYTES = 1 << 20 };

static const char *const family_names[] = {"single-sentence", "sentence-pair", "multiple-choice"};
static const char *const metric_names[] = {"accuracy", "macro-f1"};
// Words that the short form of templates keeps for itself.
static const char *const reserved_names[] = {"mask", "soft", "options"};

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

const char *task_family_name(enum task_family f) {
    return (size_t)f < LENGTH(family_names) ? family_names[f] : "?";
}

const char *task_metric_name(enum task_metric m) {
    return (size_t)m < LENGTH(metric_names) ? metric_names[m] : "?";
}

size_t task_find_field(const struct task *t, const char *name) {
    for (size_t i = 0; i < t->fields; i++)
        if (strcmp(t->field[i], name) == 0)
            return i;
    return SIZE_MAX;
}

const char *task_find_words(const struct task *t, const char *name) {
    for (size_t i = 0; i < t->word_sets; i++)
        if (strcmp(t->word_set[i].name, name) == 0)
            return t->word_set[i].words;
    return strcmp(name, "good") == 0 ? t->label_words : NULL;
}

const struct dataset *task_dataset(const struct task *t, enum task_file file) {
    const struct dataset *const sets[TASK_FILES] = {&t->train, &t->dev, &t->test, &t->own};
    return sets[file];
}

const struct example *task_example(const struct task *t, struct example_ref ref) {
    const struct dataset *set = ref.file < TASK_FILES ? task_dataset(t, (enum task_file)ref.file) : NULL;
    return set && ref.index < set->count ? &set->example[ref.index] : NULL;
}

static void free_texts(char **texts, size_t count) {
    for (size_t i = 0; texts && i < count; i++)
        free(texts[i]);
    free(texts);
}

void task_free(struct task *t) {
    if (!t)
        return;
    dataset_free(&t->train);
    dataset_free(&t->dev);
    dataset_free(&t->test);
    dataset_free(&t->own);
    free_texts(t->field, t->fields);
    free_texts(t->column, t->fields);
    free_texts(t->option_column, t->option_columns);
    free_texts(t->class_name, t->classes);
    free_texts(t->class_value, t->classes);
    free_texts(t->template_text, t->templates);
    free(t->label_column);
    for (size_t i = 0; i < t->word_sets; i++) {
        free(t->word_set[i].name);
        free(t->word_set[i].words);
    }
    free(t->word_set);
    free(t->label_words);
    free(t->name);
    free(t->title);
    free(t->folder);
    free(t);
}

// ---- the parts of task.json ----

static bool choose(const char *key, const char *value, const char *const *names, size_t count, int *out,
                   struct error *e) {
    struct buffer b = {0};
    for (size_t i = 0; i < count; i++) {
        if (strcmp(value, names[i]) == 0) {
            *out = (int)i;
            buffer_free(&b);
            return true;
        }
        buffer_printf(&b, "%s\"%s\"", i ? ", " : "", names[i]);
    }
    error_set(e, ERROR_INPUT, "\"%s\" is \"%.100s\", which is none of %s", key, value, b.data ? b.data : "?");
    buffer_free(&b);
    return false;
}

static bool copy_text(const cJSON *root, const char *key, bool required, const char *otherwise, char **out,
                      struct error *e) {
    const char *text = otherwise;
    if (!json_get_string(root, key, required, &text, e))
        return false;
    if (!text[0])
        return error_set(e, ERROR_INPUT, "\"%s\" is empty", key);
    return (*out = mem_strdup(text, e)) != NULL;
}

static bool read_names(struct task *t, const cJSON *root, struct error *e) {
    const char *family = NULL, *metric = "accuracy";
    int choice;
    if (!copy_text(root, "name", true, "", &t->name, e) ||
        !copy_text(root, "title", false, t->name, &t->title, e) ||
        !json_get_string(root, "family", true, &family, e) ||
        !choose("family", family, family_names, LENGTH(family_names), &choice, e))
        return false;
    t->family = (enum task_family)choice;
    if (!json_get_string(root, "metric", false, &metric, e) ||
        !choose("metric", metric, metric_names, LENGTH(metric_names), &choice, e))
        return false;
    t->metric = (enum task_metric)choice;
    return copy_text(root, "label", true, "", &t->label_column, e);
}

static bool field_name_is_free(const char *name, struct error *e) {
    for (size_t i = 0; i < LENGTH(reserved_names); i++)
        if (strcmp(name, reserved_names[i]) == 0)
            return error_set(e, ERROR_INPUT,
                             "\"fields\": a field cannot be called \"%s\", which has a meaning "
                             "of its own in templates; choose another name",
                             name);
    return name[0] ? true : error_set(e, ERROR_INPUT, "\"fields\": a field without a name");
}

static bool read_fields(struct task *t, const cJSON *root, struct error *e) {
    const cJSON *fields = NULL;
    if (!json_get_object(root, "fields", true, &fields, e))
        return false;
    size_t count = (size_t)cJSON_GetArraySize(fields);
    if (count < 1 || count > TASK_MOST_FIELDS)
        return error_set(e, ERROR_INPUT, "\"fields\" names %zu fields, where 1 to %d can be", count,
                         TASK_MOST_FIELDS);
    t->field = mem_calloc(count, sizeof(char *), e);
    t->column = mem_calloc(count, sizeof(char *), e);
    if (!t->field || !t->column)
        return false;
    for (const cJSON *c = fields->child; c; c = c->next) {
        if (!field_name_is_free(c->string, e))
            return false;
        if (!cJSON_IsString(c) || !c->valuestring[0])
            return error_set(e, ERROR_INPUT, "\"fields\": \"%s\" should name a column, but is %s", c->string,
                             cJSON_IsString(c) ? "empty" : json_type_name(c));
        size_t i = t->fields++;
        if (!(t->field[i] = mem_strdup(c->string, e)) || !(t->column[i] = mem_strdup(c->valuestring, e)))
            return false;
    }
    return true;
}

// "0", 0, true, or {"value": ..., "name": "negative"}.
static bool read_class(struct task *t, const cJSON *node, struct error *e) {
    const cJSON *value = cJSON_IsObject(node) ? cJSON_GetObjectItemCaseSensitive(node, "value") : node;
    const char *name = NULL;
    char number[32];
    size_t at = t->classes;
    if (cJSON_IsObject(node) && !json_get_string(node, "name", false, &name, e))
        return error_context(e, "\"classes\", entry %zu", at + 1);
    const char *text = cJSON_IsString(value) ? value->valuestring : cJSON_IsTrue(value) ? "true" : "false";
    if (cJSON_IsNumber(value)) {
        snprintf(number, sizeof number, "%.15g", value->valuedouble);
        text = number;
    } else if (!value || !(cJSON_IsString(value) || cJSON_IsBool(value)) || !text[0]) {
        return error_set(e, ERROR_INPUT,
                         "\"classes\", entry %zu: \"value\" should be the label as the files "
                         "have it, a text or a number",
                         at + 1);
    }
    t->classes++;
    return (t->class_value[at] = mem_strdup(text, e)) &&
           (t->class_name[at] = mem_strdup(name && name[0] ? name : text, e));
}

// No two classes may answer to the same word, neither by value nor by name.
static bool classes_differ(const struct task *t, struct error *e) {
    for (size_t i = 0; i < t->classes; i++)
        for (size_t j = 0; j < t->classes; j++) {
            if (i == j)
                continue;
            const char *shared = strcmp(t->class_value[i], t->class_value[j]) == 0  ? t->class_value[i]
                                 : strcmp(t->class_name[i], t->class_name[j]) == 0  ? t->class_name[i]
                                 : strcmp(t->class_value[i], t->class_name[j]) == 0 ? t->class_value[i]
                                                                                    : NULL;
            if (shared)
                return error_set(e, ERROR_INPUT, "\"classes\": two classes are called \"%s\"", shared);
        }
    return true;
}

static bool make_class_arrays(struct task *t, size_t count, struct error *e) {
    t->class_name = mem_calloc(count, sizeof(char *), e);
    t->class_value = mem_calloc(count, sizeof(char *), e);
    return t->class_name && t->class_value;
}

static bool letter_classes(struct task *t, struct error *e) {
    if (!make_class_arrays(t, TASK_MOST_OPTIONS, e))
        return false;
    while (t->classes < TASK_MOST_OPTIONS) {
        const char letter[2] = {(char)('A' + (int)t->classes), 0};
        size_t at = t->classes++;
        if (!(t->class_name[at] = mem_strdup(letter, e)) || !(t->class_value[at] = mem_strdup(letter, e)))
            return false;
    }
    return true;
}

static bool read_classes(struct task *t, const cJSON *root, struct error *e) {
    const cJSON *classes = NULL;
    bool choice = t->family == TASK_MULTIPLE_CHOICE;
    if (!json_get_array(root, "classes", !choice, &classes, e))
        return false;
    if (!classes)
        return letter_classes(t, e);
    size_t count = (size_t)cJSON_GetArraySize(classes), most = choice ? TASK_MOST_OPTIONS : TASK_MOST_CLASSES;
    if (count < 2 || count > most)
        return error_set(e, ERROR_INPUT, "\"classes\" has %zu entries, where 2 to %zu can be", count, most);
    if (!make_class_arrays(t, count, e))
        return false;
    for (const cJSON *c = classes->child; c; c = c->next)
        if (!read_class(t, c, e))
            return false;
    return classes_differ(t, e);
}

static bool copy_list(const cJSON *list, const char *key, size_t most, char ***out, size_t *count,
                      struct error *e) {
    size_t size = (size_t)cJSON_GetArraySize(list);
    if (size > most)
        return error_set(e, ERROR_INPUT, "\"%s\" has %zu entries, where %zu can be", key, size, most);
    if (!(*out = mem_calloc(size, sizeof(char *), e)))
        return false;
    for (const cJSON *c = list->child; c; c = c->next) {
        if (!cJSON_IsString(c) || !c->valuestring[0])
            return error_set(e, ERROR_INPUT, "\"%s\", entry %zu should be a text, but is %s", key, *count + 1,
                             cJSON_IsString(c) ? "empty" : json_type_name(c));
        if (!((*out)[*count] = mem_strdup(c->valuestring, e)))
            return false;
        ++*count;
    }
    return true;
}

static bool read_options(struct task *t, const cJSON *root, struct error *e) {
    const cJSON *options = cJSON_GetObjectItemCaseSensitive(root, "options");
    bool wanted = t->family == TASK_MULTIPLE_CHOICE;
    if (!wanted)
        return options ? error_set(e, ERROR_INPUT,
                                   "\"options\" belongs to the family \"multiple-choice\", not to "
                                   "\"%s\"",
                                   task_family_name(t->family))
                       : true;
    if (!json_get_size(root, "first_index", false, 0, 1, &t->first_index, e))
        return false;
    if (cJSON_IsString(options) && options->valuestring[0]) {
        t->option_list = true;
        if (!(t->option_column = mem_calloc(1, sizeof(char *), e)))
            return false;
        t->option_columns = 1;
        return (t->option_column[0] = mem_strdup(options->valuestring, e)) != NULL;
    }
    if (!cJSON_IsArray(options))
        return error_set(e, ERROR_INPUT,
                         "\"options\" should name the key of the list of options, or list the "
                         "column of each option");
    if (!copy_list(options, "options", t->classes, &t->option_column, &t->option_columns, e))
        return false;
    return t->option_columns >= 2
               ? true
               : error_set(e, ERROR_INPUT, "\"options\" lists %zu columns; it needs at least 2",
                           t->option_columns);
}

static bool copy_words(const cJSON *words, const char *where, char **out, struct error *e) {
    if (!cJSON_IsObject(words) && !cJSON_IsArray(words))
        return error_set(e, ERROR_INPUT,
                         "\"%s\" should be an object {\"class\": [\"word\", ...]} or a list, "
                         "but is %s",
                         where, json_type_name(words));
    return (*out = json_print(words, false, e)) != NULL;
}

static bool read_word_sets(struct task *t, const cJSON *root, struct error *e) {
    const cJSON *sets = NULL;
    if (!json_get_object(root, "label_word_sets", false, &sets, e))
        return false;
    size_t count = sets ? (size_t)cJSON_GetArraySize(sets) : 0;
    if (count > TASK_MOST_WORD_SETS)
        return error_set(e, ERROR_INPUT, "\"label_word_sets\" has %zu sets, where %d can be", count,
                         TASK_MOST_WORD_SETS);
    if (count && !(t->word_set = mem_calloc(count, sizeof *t->word_set, e)))
        return false;
    for (const cJSON *c = sets ? sets->child : NULL; c; c = c->next) {
        char where[80];
        if (!c->string[0])
            return error_set(e, ERROR_INPUT, "\"label_word_sets\": a set without a name");
        snprintf(where, sizeof where, "label_word_sets\": \"%.40s", c->string);
        struct label_word_set *set = &t->word_set[t->word_sets++];
        if (!(set->name = mem_strdup(c->string, e)) || !copy_words(c, where, &set->words, e))
            return false;
    }
    return true;
}

static bool read_suggestions(struct task *t, const cJSON *root, struct error *e) {
    const cJSON *templates = NULL, *words = cJSON_GetObjectItemCaseSensitive(root, "label_words");
    if (!json_get_array(root, "templates", false, &templates, e))
        return false;
    if (templates &&
        !copy_list(templates, "templates", TASK_MOST_TEMPLATES, &t->template_text, &t->templates, e))
        return false;
    return (!words || cJSON_IsNull(words) || copy_words(words, "label_words", &t->label_words, e)) &&
           read_word_sets(t, root, e);
}

// ---- the files ----

static const char *const split_names[] = {"train", "dev", "test"};

static bool check_files(const cJSON *files, struct error *e) {
    for (const cJSON *c = files->child; c; c = c->next) {
        int which;
        if (!choose("files", c->string, split_names, LENGTH(split_names), &which, e))
            return false;
        const char *name = cJSON_IsString(c) ? c->valuestring : NULL;
        if (!name || !name[0] || !path_stays_inside(name))
            return error_set(e, ERROR_INPUT,
                             "\"files\": \"%s\" is %s%.200s%s; it should name a file below the data's folder",
                             c->string, name ? "\"" : "", name ? name : json_type_name(c), name ? "\"" : "");
    }
    return !files->child || cJSON_GetObjectItemCaseSensitive(files, "train")
               ? true
               : error_set(e, ERROR_INPUT, "\"files\": \"train\" is missing");
}

static bool read_files(struct task *t, const cJSON *files, const char *folder, struct error *e) {
    struct dataset *const sets[] = {&t->train, &t->dev, &t->test};
    for (size_t i = 0; i < LENGTH(sets); i++) {
        const cJSON *name = cJSON_GetObjectItemCaseSensitive(files, split_names[i]);
        if (!name)
            continue;
        char *path = path_join(folder, name->valuestring, e);
        bool ok = path && dataset_read(sets[i], t, path, e);
        free(path);
        if (!ok)
            return false;
    }
    return true;
}

// Letters that no example has are dropped again.
static void trim_letters(struct task *t) {
    const struct dataset *sets[] = {&t->train, &t->dev, &t->test};
    size_t most = 2;
    for (size_t s = 0; s < LENGTH(sets); s++)
        for (size_t i = 0; i < sets[s]->count; i++)
            if (sets[s]->example[i].options > most)
                most = sets[s]->example[i].options;
    while (t->classes > most) {
        t->classes--;
        free(t->class_name[t->classes]);
        free(t->class_value[t->classes]);
    }
}

static bool read_task(struct task *t, const cJSON *root, const cJSON **files, struct error *e) {
    if (!cJSON_IsObject(root))
        return error_set(e, ERROR_INPUT, "a task is an object {...}, this is %s", json_type_name(root));
    return read_names(t, root, e) && read_fields(t, root, e) && read_classes(t, root, e) &&
           read_options(t, root, e) && read_suggestions(t, root, e) &&
           json_get_object(root, "files", true, files, e) && check_files(*files, e);
}

bool task_load(struct task **out, const char *path, const char *data_folder, struct error *e) {
    bool ok = false;
    char *file = file_is_folder(path) ? path_join(path, "task.json", e) : mem_strdup(path, e);
    struct task *t = mem_calloc(1, sizeof *t, e);
    cJSON *root = NULL;
    const cJSON *files = NULL;
    *out = NULL;
    if (!file || !t || !(t->folder = path_folder(file, e)) ||
        !(root = json_read_file(file, TASK_MOST_BYTES, e)))
        goto done;
    if (!read_task(t, root, &files, e)) {
        error_context(e, "%s", file);
        goto done;
    }
    if (!read_files(t, files, data_folder ? data_folder : t->folder, e))
        goto done;
    const cJSON *classes = cJSON_GetObjectItemCaseSensitive(root, "classes");
    if (!classes || cJSON_IsNull(classes))
        trim_letters(t);
    *out = t;
    t = NULL;
    ok = true;
done:
    cJSON_Delete(root);
    task_free(t);
    free(file);
    return ok;
}
