// SPDX-License-Identifier: GPL-3.0-or-later
#include "task_parts.h"

bool task_template(struct template *out, const struct task *t, const char *text, struct error *e) {
    if (!text || !text[0])
        text = t->templates ? t->template_text[0] : NULL;
    if (!text)
        return error_set(
            e, ERROR_INPUT,
            "the task \"%s\" suggests no template; write one, e.g. {soft:20} {%s} It was {mask}.", t->name,
            t->fields ? t->field[0] : "text_a");
    return template_parse(out, text, (const char *const *)t->field, t->fields, NULL, e) ||
           error_context(e, "template");
}

bool task_words(struct verbalizer *out, const struct task *t, const char *text, bool bare, struct error *e) {
    bool choice = t->family == TASK_MULTIPLE_CHOICE;
    if (!text || !text[0])
        text = t->label_words;
    if (!text && !choice)
        return error_set(
            e, ERROR_INPUT,
            "the task \"%s\" has no label words; give one for each class: :words bad; good in the workbench, "
            "or prompter new NAME --task TASK --words \"bad; good\"",
            t->name);
    if (text ? !verbalizer_parse(out, text, t->class_name, t->class_value, t->classes, e)
             : !verbalizer_letters(out, t->classes, e))
        return error_context(e, "label words");
    if (choice && bare)
        verbalizer_bare_letters(out);
    return true;
}
