// SPDX-License-Identifier: GPL-3.0-or-later
// Files of examples: JSON Lines, CSV and TSV records become texts, options and a label.
#include "task.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "table.h"

// An example takes at least some hundred bytes, and a text is tokenised whole before it is cut.
enum { MOST_NAMES_IN_MESSAGE = 12, MOST_EXAMPLES = 1 << 22, MOST_TEXT = 1 << 20 };

struct record { // one of table and object
    const struct task *task;
    const char *path;
    size_t line;
    const struct table *table;
    size_t row;
    const cJSON *object;
    bool own; // typed by a person: "for" says what it is for
};

// ---- messages ----

static const char *place_kind(const struct record *r) {
    return r->table ? "column" : "key";
}

static bool fail_at(const struct record *r, struct error *e) {
    return error_context(e, "%s, line %zu", r->path, r->line);
}

static void add_name(struct buffer *b, size_t *count, const char *name) {
    if (*count < MOST_NAMES_IN_MESSAGE)
        buffer_printf(b, "%s\"%s\"", *count ? ", " : "", name);
    else if (*count == MOST_NAMES_IN_MESSAGE)
        buffer_add_text(b, " and others");
    ++*count;
}

static void add_present_names(struct buffer *b, const struct record *r) {
    size_t count = 0;
    if (r->table)
        for (size_t i = 0; i < r->table->columns; i++)
            add_name(b, &count, r->table->name[i]);
    else
        for (const cJSON *c = r->object->child; c; c = c->next)
            add_name(b, &count, c->string);
    if (!count)
        buffer_add_text(b, "nothing");
}

// ---- values as text ----

static bool has(const struct record *r, const char *name) {
    return r->table ? table_find(r->table, name) != SIZE_MAX
                    : cJSON_GetObjectItemCaseSensitive(r->object, name) != NULL;
}

// A number as short as it reads back: 1, 0.5, 1e+30.
static void add_number(struct buffer *b, double x) {
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    if (fabs(x) < 0x1p53 && floor(x) == x)
        snprintf(text, sizeof text, "%.0f", x == 0 ? 0.0 : x);
    buffer_add_text(b, text);
}

static char *node_text(const cJSON *node, const char *name, struct error *e) {
    struct buffer b = {0};
    if (cJSON_IsString(node))
        buffer_add_text(&b, node->valuestring);
    else if (cJSON_IsNumber(node) && isfinite(node->valuedouble))
        add_number(&b, node->valuedouble);
    else if (cJSON_IsBool(node))
        buffer_add_text(&b, cJSON_IsTrue(node) ? "true" : "false");
    else if (node && !cJSON_IsNull(node)) {
        error_set(e, ERROR_INPUT, "the key \"%s\" holds %s, where a text or number belongs", name,
                  json_type_name(node));
        return NULL;
    }
    return buffer_take(&b, e);
}

// Owned; "" for a null, or for a key that is absent (which `check_names` has allowed then).
static char *record_text(const struct record *r, const char *name, struct error *e) {
    if (r->table)
        return mem_strdup(r->table->cell[r->row * r->table->columns + table_find(r->table, name)], e);
    return node_text(cJSON_GetObjectItemCaseSensitive(r->object, name), name, e);
}

// Every column that the task reads must exist, two option keys and up aside in JSON Lines; all that are
// missing are named at once.
static bool check_names(const struct record *r, struct error *e) {
    const struct task *t = r->task;
    struct buffer missing = {0}, present = {0};
    size_t count = 0;
    for (size_t i = 0; i < t->fields; i++)
        if (!has(r, t->column[i]))
            add_name(&missing, &count, t->column[i]);
    if (!has(r, t->label_column))
        add_name(&missing, &count, t->label_column);
    for (size_t i = 0; i < t->option_columns && (r->table || i < 2); i++)
        if (!has(r, t->option_column[i]))
            add_name(&missing, &count, t->option_column[i]);
    if (count) {
        add_present_names(&present, r);
        error_set(e, ERROR_INPUT, "the %s%s %s %s missing: %s has %s; task.json should name what is there",
                  place_kind(r), count > 1 ? "s" : "", missing.data ? missing.data : "?",
                  count > 1 ? "are" : "is", r->table ? "the file" : "this line",
                  present.data ? present.data : "?");
    }
    buffer_free(&missing);
    buffer_free(&present);
    return !count;
}

// ---- options ----

static bool option_count_fits(const struct task *t, size_t count, struct error *e) {
    if (count < 2)
        return error_set(e, ERROR_INPUT, "%s, where a question needs at least two options",
                         count ? "one option" : "no option");
    if (count > t->classes)
        return error_set(e, ERROR_INPUT, "%zu options, but the most is %zu", count, t->classes);
    return true;
}

static bool list_options(const struct record *r, struct example *x, struct error *e) {
    const char *key = r->task->option_column[0];
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(r->object, key);
    if (!cJSON_IsArray(list))
        return error_set(e, ERROR_INPUT, "the key \"%s\" holds %s, where the list of options belongs", key,
                         json_type_name(list));
    size_t count = (size_t)cJSON_GetArraySize(list);
    if (!option_count_fits(r->task, count, e) || !(x->option = mem_calloc(count, sizeof(char *), e)))
        return false;
    for (const cJSON *node = list->child; node; node = node->next)
        if (!(x->option[x->options++] = node_text(node, key, e)))
            return false;
    return true;
}

static bool column_options(const struct record *r, struct example *x, struct error *e) {
    const struct task *t = r->task;
    if (!(x->option = mem_calloc(t->option_columns, sizeof(char *), e)))
        return false;
    size_t count = 0; // up to the last that is not empty
    for (; x->options < t->option_columns; x->options++) {
        if (!(x->option[x->options] = record_text(r, t->option_column[x->options], e)))
            return false;
        if (x->option[x->options][0])
            count = x->options + 1;
    }
    while (x->options > count)
        free(x->option[--x->options]);
    for (size_t i = 0; i < count; i++)
        if (!x->option[i][0])
            return error_set(e, ERROR_INPUT,
                             "the %s \"%s\" is empty, though later options are not; options may only be left "
                             "out at the end",
                             place_kind(r), t->option_column[i]);
    return option_count_fits(t, count, e);
}

// ---- labels ----

static size_t find_class(const struct task *t, const char *label) {
    for (size_t i = 0; i < t->classes; i++)
        if (strcmp(t->class_value[i], label) == 0)
            return i;
    for (size_t i = 0; i < t->classes; i++)
        if (strcmp(t->class_name[i], label) == 0)
            return i;
    return SIZE_MAX;
}

static bool unknown_label(const struct record *r, const char *label, struct error *e) {
    const struct task *t = r->task;
    struct buffer values = {0};
    size_t count = 0;
    for (size_t i = 0; i < t->classes; i++)
        add_name(&values, &count, t->class_value[i]);
    if (!label[0])
        error_set(e, ERROR_INPUT, "the %s \"%s\" is empty; every example needs its label", place_kind(r),
                  t->label_column);
    else
        error_set(e, ERROR_INPUT, "the %s \"%s\" has \"%.200s\", which is none of %s", place_kind(r),
                  t->label_column, label, values.data ? values.data : "the classes");
    buffer_free(&values);
    return false;
}

static size_t find_option(const struct example *x, const char *text, size_t *same) {
    size_t found = SIZE_MAX;
    *same = 0;
    for (size_t i = 0; i < x->options; i++)
        if (strcmp(x->option[i], text) == 0 && !(*same)++)
            found = i;
    return found;
}

// The position that an answer names: class, letter, number, or an option's own text.
static bool find_answer(const struct record *r, struct example *x, const char *label, struct error *e) {
    size_t length = strlen(label), digits = strspn(label, "0123456789"), same;
    size_t by_text = find_option(x, label, &same);
    size_t found = find_class(r->task, label);
    if (found == SIZE_MAX && length == 1 && label[0] >= 'a' && label[0] < 'a' + TASK_MOST_OPTIONS)
        found = (size_t)(label[0] - 'a');
    if (found == SIZE_MAX && digits && digits == length && length <= 4) {
        size_t number = (size_t)strtoul(label, NULL, 10);
        if (number < r->task->first_index)
            return error_set(e, ERROR_INPUT,
                             "the answer is 0, but \"first_index\" says that options count from 1");
        found = number - r->task->first_index;
        if (same && by_text != found)
            return error_set(
                e, ERROR_INPUT,
                "the answer \"%s\" could be a position or the text of option %c; write answers as "
                "letters",
                label, (char)('A' + by_text));
    }
    if (found == SIZE_MAX && same > 1)
        return error_set(e, ERROR_INPUT,
                         "the answer \"%.200s\" is the text of %zu options; write it as a letter", label,
                         same);
    if (found == SIZE_MAX)
        found = by_text;
    if (found == SIZE_MAX)
        return label[0]
                   ? error_set(e, ERROR_INPUT,
                               "the %s \"%s\" has \"%.200s\", which is no letter, no position and none of "
                               "the options",
                               place_kind(r), r->task->label_column, label)
                   : unknown_label(r, label, e);
    if (found >= x->options)
        return error_set(e, ERROR_INPUT, "the answer is \"%s\", but there are only %zu options", label,
                         x->options);
    x->label = found;
    return true;
}

static bool read_label(const struct record *r, struct example *x, struct error *e) {
    char *label = record_text(r, r->task->label_column, e);
    if (!label)
        return false;
    bool ok;
    if (r->task->family == TASK_MULTIPLE_CHOICE) {
        ok = find_answer(r, x, label, e);
    } else {
        x->label = find_class(r->task, label);
        ok = x->label != SIZE_MAX || unknown_label(r, label, e);
    }
    free(label);
    return ok;
}

// ---- examples ----

void example_free(struct example *x, size_t fields) {
    for (size_t i = 0; x->field && i < fields; i++)
        free(x->field[i]);
    for (size_t i = 0; x->option && i < x->options; i++)
        free(x->option[i]);
    free(x->field);
    free(x->option);
    *x = (struct example){0};
}

static char **copy_texts(char *const *text, size_t count, struct error *e) {
    char **out = mem_calloc(count + 1, sizeof *out, e);
    for (size_t i = 0; out && i < count; i++) {
        if ((out[i] = mem_strdup(text[i], e)))
            continue;
        while (i-- > 0)
            free(out[i]);
        free(out);
        return NULL;
    }
    return out;
}

bool example_copy(struct example *out, const struct example *from, size_t fields, struct error *e) {
    *out = *from;
    out->field = copy_texts(from->field, fields, e);
    out->option = from->options && out->field ? copy_texts(from->option, from->options, e) : NULL;
    if (out->field && (out->option || !from->options))
        return true;
    example_free(out, fields);
    return false;
}

static bool texts_fit(char **text, size_t count, const char *what, struct error *e) {
    for (size_t i = 0; i < count; i++)
        if (strlen(text[i]) > MOST_TEXT)
            return error_set(e, ERROR_INPUT,
                             "%s %zu has %zu bytes, more than the %d a text may have; shorten it", what,
                             i + 1, strlen(text[i]), MOST_TEXT);
    return true;
}

static bool read_use(const struct record *r, struct example *x, struct error *e) {
    const char *use = "train";
    if (!json_get_string(r->object, "for", false, &use, e))
        return false;
    x->for_dev = strcmp(use, "dev") == 0;
    return x->for_dev || strcmp(use, "train") == 0 ||
           error_set(e, ERROR_INPUT, "\"for\" is \"%.60s\", which is neither \"train\" nor \"dev\"", use);
}

static bool read_example(const struct record *r, struct example *x, struct error *e) {
    const struct task *t = r->task;
    *x = (struct example){.line = r->line, .label = TASK_NO_LABEL};
    if (!(x->field = mem_calloc(t->fields + 1, sizeof(char *), e)))
        return false;
    for (size_t i = 0; i < t->fields; i++)
        if (!(x->field[i] = record_text(r, t->column[i], e)))
            return false;
    if (t->option_columns && !(t->option_list ? list_options(r, x, e) : column_options(r, x, e)))
        return false;
    return texts_fit(x->field, t->fields, "field", e) && texts_fit(x->option, x->options, "option", e) &&
           read_label(r, x, e) && (!r->own || read_use(r, x, e));
}

static bool add_example(struct dataset *d, size_t *capacity, const struct record *r, struct error *e) {
    if (d->count == MOST_EXAMPLES) {
        error_set(e, ERROR_INPUT, "more than %d examples; leave some out", MOST_EXAMPLES);
        return fail_at(r, e);
    }
    if (!mem_grow(&d->example, capacity, d->count + 1, sizeof *d->example, e))
        return false;
    if (read_example(r, &d->example[d->count], e)) {
        d->count++;
        return true;
    }
    example_free(&d->example[d->count], r->task->fields);
    return fail_at(r, e);
}

static bool read_table_file(struct dataset *d, const struct task *t, const char *path,
                            enum table_format format, struct error *e) {
    struct table table;
    if (!table_read(&table, path, format, e))
        return false;
    size_t capacity = 0;
    struct record r = {.task = t, .path = path, .line = 1, .table = &table};
    bool ok = true;
    if (t->option_columns && t->option_list)
        ok = error_set(e, ERROR_INPUT,
                       "%s: a %s file has no lists; let \"options\" in task.json be a list of columns", path,
                       format == TABLE_CSV ? "CSV" : "TSV");
    else if (!check_names(&r, e))
        ok = fail_at(&r, e);
    for (r.row = 0; ok && r.row < table.rows; r.row++) {
        r.line = table.line[r.row];
        ok = add_example(d, &capacity, &r, e);
    }
    table_free(&table);
    return ok;
}

// json_parse counts lines from the text it is given, which is a single one here; ours is put in its place.
static bool parse_failed(const struct record *r, struct error *e) {
    static const char own[] = "line 1, ";
    if (!e)
        return false;
    if (strncmp(e->text, own, strlen(own)) == 0)
        memmove(e->text, e->text + strlen(own), strlen(e->text) - strlen(own) + 1);
    return error_context(e, "%s, line %zu", r->path, r->line);
}

static bool read_json_line(struct dataset *d, size_t *capacity, struct record *r, const char *text,
                           size_t length, struct error *e) {
    cJSON *object = json_parse(text, length, e);
    if (!object)
        return parse_failed(r, e);
    bool ok;
    r->object = object;
    if (!cJSON_IsObject(object)) {
        error_set(e, ERROR_INPUT, "each line should hold an object {...}, this one holds %s",
                  json_type_name(object));
        ok = fail_at(r, e);
    } else {
        ok = check_names(r, e) ? add_example(d, capacity, r, e) : fail_at(r, e);
    }
    cJSON_Delete(object);
    return ok;
}

static bool parse_json_lines(struct dataset *d, struct record *r, const char *text, size_t size,
                             struct error *e) {
    size_t capacity = 0, at = 0;
    bool ok = true;
    while (ok && at < size) {
        const char *line = text + at, *end = memchr(line, '\n', size - at);
        size_t length = end ? (size_t)(end - line) : size - at, blank = 0;
        r->line++;
        while (blank < length && strchr(" \t\r", line[blank]))
            blank++;
        if (blank < length)
            ok = read_json_line(d, &capacity, r, line, length, e);
        at += length + 1;
    }
    return ok;
}

static bool read_json_lines(struct dataset *d, const struct task *t, const char *path, struct error *e) {
    struct text_file file;
    struct record r = {.task = t, .path = path};
    if (!text_file_read(&file, path, e))
        return false;
    bool ok = parse_json_lines(d, &r, file.text, file.length, e);
    text_file_free(&file);
    return ok;
}

static const char *extension(const char *path) {
    const char *name = path_name(path), *dot = strrchr(name, '.');
    return dot ? dot + 1 : "";
}

// dataset_free wants no task, so that the number of fields is kept by a NULL behind the last.
void dataset_free(struct dataset *d) {
    for (size_t i = 0; i < d->count; i++) {
        struct example *x = &d->example[i];
        size_t fields = 0;
        while (x->field && x->field[fields])
            fields++;
        example_free(x, fields);
    }
    free(d->example);
    free(d->path);
    memset(d, 0, sizeof *d);
}

bool dataset_read(struct dataset *out, const struct task *t, const char *path, struct error *e) {
    memset(out, 0, sizeof *out);
    const char *kind = extension(path);
    bool ok = (out->path = mem_strdup(path, e)) != NULL;
    if (ok && strcasecmp(kind, "jsonl") == 0)
        ok = read_json_lines(out, t, path, e);
    else if (ok && strcasecmp(kind, "csv") == 0)
        ok = read_table_file(out, t, path, TABLE_CSV, e);
    else if (ok && strcasecmp(kind, "tsv") == 0)
        ok = read_table_file(out, t, path, TABLE_TSV, e);
    else if (ok)
        ok = error_set(e, ERROR_INPUT, "%s: files of examples end in .jsonl, .csv or .tsv", path);
    if (ok && !out->count)
        ok = error_set(e, ERROR_INPUT, "%s: no examples in it", path);
    if (!ok)
        dataset_free(out);
    return ok;
}

// ---- own examples ----

bool dataset_parse_own(struct dataset *out, const struct task *t, const char *name, const char *text,
                       struct error *e) {
    struct record r = {.task = t, .path = name, .own = true};
    memset(out, 0, sizeof *out);
    bool ok = (out->path = mem_strdup(name, e)) && parse_json_lines(out, &r, text, strlen(text), e);
    if (!ok)
        dataset_free(out);
    return ok;
}

bool task_set_own(struct task *t, const char *text, struct error *e) {
    dataset_free(&t->own);
    return !text || !text[0] || dataset_parse_own(&t->own, t, "own.jsonl", text, e);
}

static bool put_options(cJSON *o, const struct task *t, const struct example *x) {
    cJSON *list = t->option_list ? cJSON_AddArrayToObject(o, t->option_column[0]) : NULL;
    for (size_t i = 0; i < x->options; i++) {
        if (list)
            cJSON_AddItemToArray(list, cJSON_CreateString(x->option[i]));
        else if (i < t->option_columns && !cJSON_AddStringToObject(o, t->option_column[i], x->option[i]))
            return false;
    }
    return true;
}

char *dataset_print_own(const struct task *t, const struct example *x, struct error *e) {
    cJSON *o = cJSON_CreateObject();
    char *line = NULL;
    bool ok = o != NULL;
    for (size_t i = 0; ok && i < t->fields; i++)
        ok = cJSON_AddStringToObject(o, t->column[i], x->field[i]);
    const char *label = x->label < t->classes ? t->class_value[x->label] : "";
    ok = ok && put_options(o, t, x) && cJSON_AddStringToObject(o, t->label_column, label) &&
         cJSON_AddStringToObject(o, "for", x->for_dev ? "dev" : "train");
    if (ok)
        line = json_print(o, false, e);
    else
        error_set(e, ERROR_MEMORY, "no memory for the example");
    cJSON_Delete(o);
    return line;
}
