// SPDX-License-Identifier: GPL-3.0-or-later
#include "as_choice.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

static bool copy_list(char ***out, char *const *from, size_t count, struct error *e) {
    if (!(*out = mem_calloc(count + 1, sizeof **out, e)))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!((*out)[i] = mem_strdup(from[i], e)))
            return false;
    return true;
}

// One example with the words as its options.
static bool copy_example(struct example *out, const struct example *from, const struct task *t,
                         const struct verbalizer *words, struct error *e) {
    if (!example_copy(out, from, t->fields, e))
        return false;
    if (t->family == TASK_MULTIPLE_CHOICE)
        return true;
    if (!(out->option = mem_calloc(words->classes, sizeof *out->option, e)))
        return false;
    for (size_t k = 0; k < words->classes; k++, out->options++)
        if (!(out->option[k] = mem_strdup(words->label[k].word[0].text, e)))
            return false;
    return true;
}

static bool copy_dataset(struct dataset *out, const struct dataset *from, const struct task *t,
                         const struct verbalizer *words, struct error *e) {
    if (from->path && !(out->path = mem_strdup(from->path, e)))
        return false;
    if (!(out->example = mem_calloc(from->count + 1, sizeof *out->example, e)))
        return false;
    for (; out->count < from->count; out->count++)
        if (!copy_example(&out->example[out->count], &from->example[out->count], t, words, e)) {
            out->count++; // what there is of it is released with the rest
            return false;
        }
    return true;
}

static bool letters(struct task *t, size_t classes, struct error *e) {
    t->class_name = mem_calloc(classes + 1, sizeof *t->class_name, e);
    t->class_value = mem_calloc(classes + 1, sizeof *t->class_value, e);
    for (t->classes = 0; t->class_name && t->class_value && t->classes < classes; t->classes++) {
        char letter[2] = {(char)('A' + t->classes), 0};
        t->class_name[t->classes] = mem_strdup(letter, e);
        t->class_value[t->classes] = mem_strdup(letter, e);
    }
    return t->classes == classes;
}

bool task_as_choice(struct task **out, const struct task *from, const struct verbalizer *words,
                    struct error *e) {
    size_t classes = from->classes;
    *out = NULL;
    if (classes > TASK_MOST_OPTIONS)
        return error_set(e, ERROR_INPUT, "%s has %zu classes; as multiple choice it can have at most %d",
                         from->name, classes, TASK_MOST_OPTIONS);
    struct task *t = mem_calloc(1, sizeof *t, e);
    if (!t)
        return false;
    t->family = TASK_MULTIPLE_CHOICE;
    t->metric = from->metric;
    t->option_list = true;
    bool ok = (t->name = mem_strdup(from->name, e)) && (t->title = mem_strdup(from->title, e)) &&
              (t->folder = mem_strdup(from->folder, e)) &&
              (t->label_column = mem_strdup(from->label_column, e)) &&
              copy_list(&t->field, from->field, from->fields, e) &&
              copy_list(&t->column, from->column, from->fields, e);
    if (ok)
        t->fields = from->fields;
    static char *const option[] = {"option"};
    ok = ok && copy_list(&t->option_column, option, 1, e);
    if (ok)
        t->option_columns = 1;
    ok = ok && letters(t, classes, e) && copy_dataset(&t->train, &from->train, from, words, e) &&
         copy_dataset(&t->dev, &from->dev, from, words, e) &&
         copy_dataset(&t->test, &from->test, from, words, e) &&
         copy_dataset(&t->own, &from->own, from, words, e) &&
         copy_list(&t->template_text, from->template_text, from->templates, e);
    t->templates = ok ? from->templates : 0;
    if (!ok) {
        task_free(t);
        return false;
    }
    *out = t;
    return true;
}

bool task_and_words_as_choice(struct task **out, const struct task *from, struct verbalizer *words, bool bare,
                              struct error *e) {
    if (!task_as_choice(out, from, words, e))
        return false;
    verbalizer_free(words);
    if (!verbalizer_letters(words, (*out)->classes, e))
        return false;
    if (bare)
        verbalizer_bare_letters(words);
    return true;
}

char *choice_template(const struct task *t, size_t vectors, struct error *e) {
    struct buffer b = {0};
    if (vectors)
        buffer_printf(&b, "{soft:%zu} ", vectors);
    for (size_t i = 0; i < t->fields; i++)
        buffer_printf(&b, "{%s|shortenable} ", t->field[i]);
    buffer_add_text(&b, "{options}. Answer is {mask}.");
    return buffer_take(&b, e);
}
