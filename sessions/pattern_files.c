// SPDX-License-Identifier: GPL-3.0-or-later
#include "pattern_files.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/json.h"
#include "engine/base/memory.h"
#include "engine/base/utf8.h"
#include "sessions/session.h"

enum { MOST_BYTES = 4 << 20, MOST_ENTRIES = 1000 };

void pattern_list_free(struct pattern_list *l) {
    for (size_t i = 0; i < l->count; i++) {
        free(l->entry[i].text);
        free(l->entry[i].note);
    }
    free(l->entry);
    *l = (struct pattern_list){0};
}

bool pattern_list_add(struct pattern_list *l, const char *text, size_t length, const char *note,
                      struct error *e) {
    if (l->count >= MOST_ENTRIES)
        return error_set(e, ERROR_INPUT, "a file holds at most %d patterns", MOST_ENTRIES);
    if (!mem_grow(&l->entry, &l->capacity, l->count + 1, sizeof *l->entry, e))
        return false;
    struct pattern_entry x = {.text = mem_strndup(text, length, e), .note = mem_strdup(note ? note : "", e)};
    if (x.text && x.note) {
        l->entry[l->count++] = x;
        return true;
    }
    free(x.text);
    free(x.note);
    return false;
}

// ---- reading ----

static bool blank_line(const char *line, size_t length) {
    return strspn(line, " \t\r") >= length;
}

static size_t line_length(const char *at, size_t *whole) {
    size_t length = strcspn(at, "\n");
    *whole = length + (at[length] == '\n');
    return length > 0 && at[length - 1] == '\r' ? length - 1 : length;
}

// One template a line. With `notes`, lines that begin with '#' belong to the next one.
static bool read_templates(struct pattern_list *out, const char *text, bool notes, struct error *e) {
    char note[512] = "";
    size_t whole;
    for (const char *at = text; *at; at += whole) {
        size_t length = line_length(at, &whole);
        if (blank_line(at, length))
            continue;
        if (notes && *at == '#') {
            size_t first = 1 + strspn(at + 1, " ");
            snprintf(note, sizeof note, "%.*s", (int)(length > first ? length - first : 0), at + first);
        } else {
            if (!pattern_list_add(out, at, length, note, e))
                return false;
            note[0] = 0;
        }
    }
    return true;
}

static bool read_word_lines(struct pattern_list *out, const char *text, struct error *e) {
    struct buffer b = {0};
    size_t whole;
    bool ok = true;
    for (const char *at = text;; at += whole) {
        size_t length = line_length(at, &whole);
        bool end = *at == 0;
        if (!end && !blank_line(at, length)) {
            buffer_add(&b, at, length);
            buffer_add_char(&b, '\n');
        } else if (b.length > 0) {
            ok = buffer_ok(&b, e) && pattern_list_add(out, b.data, b.length - 1, NULL, e);
            buffer_clear(&b);
        }
        if (!ok || end)
            break;
    }
    buffer_free(&b);
    return ok;
}

// A list of verbalizers rather than one: of objects, or of lists of lists.
static bool several_verbalizers(const cJSON *json) {
    return cJSON_IsArray(json) &&
           (cJSON_IsObject(json->child) || (cJSON_IsArray(json->child) && cJSON_IsArray(json->child->child)));
}

static bool add_json(struct pattern_list *out, const cJSON *json, struct error *e) {
    if (several_verbalizers(json)) {
        const cJSON *x;
        cJSON_ArrayForEach(x, json) {
            if (!add_json(out, x, e))
                return false;
        }
        return true;
    }
    char *text = json_print(json, false, e);
    bool ok = text && pattern_list_add(out, text, strlen(text), NULL, e);
    free(text);
    return ok;
}

static bool read_word_json(struct pattern_list *out, const char *text, struct error *e) {
    struct error whole_error = {0};
    cJSON *json = json_parse(text, strlen(text), &whole_error);
    size_t whole, line = 0;
    bool ok = true;
    if (json) {
        ok = add_json(out, json, e);
        cJSON_Delete(json);
        return ok;
    }
    // JSON lines; a file of one broken value is told as such.
    for (const char *at = text; ok && *at; at += whole) {
        size_t length = line_length(at, &whole);
        line++;
        if (blank_line(at, length))
            continue;
        json = json_parse(at, length, e);
        if (!json && line == 1 && e)
            *e = whole_error;
        ok = json && add_json(out, json, e);
        cJSON_Delete(json);
    }
    return ok;
}

static bool holds_templates(const char *text) {
    static const char *const masks[] = {"{mask", "{\"mask", "{'mask", "{ \"mask", "{ 'mask"};
    for (size_t i = 0; i < sizeof masks / sizeof *masks; i++)
        if (strstr(text, masks[i]))
            return true;
    return false;
}

bool pattern_file_read(struct pattern_list *out, const char *path, bool *words, struct error *e) {
    char *text = NULL;
    size_t length = 0;
    if (!file_read(path, MOST_BYTES, &text, &length, e))
        return false;
    const char *begin = strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
    size_t first = strspn(begin, " \t\r\n");
    bool json = begin[first] == '[' || (begin[first] == '{' && !holds_templates(begin)), ok;
    *words = !holds_templates(begin);
    if (strlen(text) != length || !utf8_valid(text, length, NULL))
        ok = error_set(e, ERROR_INPUT, "it is no UTF-8 text");
    else if (!*words)
        ok = read_templates(out, begin, false, e);
    else
        ok = json ? read_word_json(out, begin, e) : read_word_lines(out, begin, e);
    if (ok && !out->count)
        ok = error_set(e, ERROR_INPUT, "it holds neither a template (with a mask) nor label words");
    free(text);
    return ok || error_context(e, "%s", path);
}

bool gallery_read(struct pattern_list *out, enum task_family family, struct error *e) {
    char name[64], *text = NULL;
    size_t length = 0;
    snprintf(name, sizeof name, "%s.txt", task_family_name(family));
    char *folder = share_folder("gallery", e), *path = folder ? path_join(folder, name, e) : NULL;
    bool ok = path && (!file_exists(path) || (file_read(path, MOST_BYTES, &text, &length, e) &&
                                              read_templates(out, text, true, e)));
    free(text);
    free(path);
    free(folder);
    return ok;
}

// ---- writing ----

bool template_file_write(const char *path, const struct template *t, struct error *e) {
    char *text = template_print(t, TEMPLATE_OPENPROMPT, e);
    struct buffer b = {0};
    for (const char *at = text; at && *at; at++) // literal text may hold a line end, which a line cannot
        buffer_add_char(&b, *at == '\n' ? ' ' : *at);
    buffer_add_char(&b, '\n');
    bool ok = text && buffer_ok(&b, e) && file_write_atomic(path, b.data, b.length, e);
    buffer_free(&b);
    free(text);
    return ok;
}

static bool ends_with(const char *path, const char *end) {
    size_t length = strlen(path), n = strlen(end);
    return length >= n && strcmp(path + length - n, end) == 0;
}

bool words_file_write(const char *path, const struct verbalizer *v, struct error *e) {
    struct buffer b = {0};
    bool ok = true;
    if (ends_with(path, ".json") || ends_with(path, ".jsonl")) {
        char *json = verbalizer_print(v, VERBALIZER_JSON, e);
        ok = json != NULL;
        buffer_add_text(&b, json ? json : "");
        free(json);
    } else if (ends_with(path, ".txt") || ends_with(path, ".csv")) {
        for (size_t c = 0; ok && c < v->classes; c++) {
            struct verbalizer one = {.label = &v->label[c], .classes = 1};
            char *line = verbalizer_print(&one, VERBALIZER_LINES, e);
            ok = line != NULL;
            buffer_printf(&b, "%s\n", line ? line : "");
            free(line);
        }
    } else {
        return error_set(e, ERROR_INPUT,
                         "%s: label words are written as .json or .jsonl, or as lines in .txt or .csv", path);
    }
    if (b.length && b.data[b.length - 1] != '\n')
        buffer_add_char(&b, '\n');
    ok = ok && buffer_ok(&b, e) && file_write_atomic(path, b.data, b.length, e);
    buffer_free(&b);
    return ok;
}
