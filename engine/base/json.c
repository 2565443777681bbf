// SPDX-License-Identifier: GPL-3.0-or-later
// The checks around cJSON.
#include "json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "utf8.h"

static void position(const char *text, size_t at, size_t *line, size_t *column) {
    *line = 1;
    *column = 1;
    for (size_t i = 0; i < at; i++) {
        if (text[i] == '\n') {
            ++*line;
            *column = 1;
        } else if (((unsigned char)text[i] & 0xc0) != 0x80) {
            ++*column;
        }
    }
}

static bool fail_at(const char *text, size_t at, const char *what, struct error *e) {
    size_t line, column;
    position(text, at, &line, &column);
    return error_set(e, ERROR_INPUT, "line %zu, column %zu: %s", line, column, what);
}

// cJSON would end a string early at an escaped NUL; we refuse it, knowing where it stands.
static bool has_escaped_nul(const char *text, size_t length, size_t *at) {
    bool inside = false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"') {
            inside = !inside;
        } else if (inside && text[i] == '\\') {
            if (length - i >= 6 && memcmp(text + i, "\\u0000", 6) == 0) {
                *at = i;
                return true;
            }
            i++;
        }
    }
    return false;
}

// Every value costs cJSON a node of about 80 bytes, so that "[0,0,0,..." would take forty times its length. A
// comma or an opening bracket outside of strings stands for one value.
enum { MOST_VALUES = 1 << 22 };
static bool has_too_many_values(const char *text, size_t length, size_t *at) {
    bool inside = false;
    size_t values = 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (c == '"')
            inside = !inside;
        else if (inside)
            i += c == '\\';
        else if ((c == ',' || c == '[' || c == '{') && ++values > MOST_VALUES) {
            *at = i;
            return true;
        }
    }
    return false;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static bool keys_unique(const cJSON *object, struct error *e) {
    size_t count = 0;
    for (const cJSON *c = object->child; c; c = c->next)
        count++;
    if (count < 2)
        return true;
    const char **names = mem_calloc(count, sizeof *names, e);
    if (!names)
        return false;
    size_t i = 0;
    for (const cJSON *c = object->child; c; c = c->next)
        names[i++] = c->string;
    qsort(names, count, sizeof *names, compare_names);
    bool ok = true;
    for (i = 1; ok && i < count; i++)
        if (strcmp(names[i - 1], names[i]) == 0)
            ok = error_set(e, ERROR_INPUT, "the key \"%s\" stands twice in one object", names[i]);
    free(names);
    return ok;
}

static bool all_keys_unique(const cJSON *node, struct error *e) { // depth is bounded by CJSON_NESTING_LIMIT
    if (cJSON_IsObject(node) && !keys_unique(node, e))
        return false;
    for (const cJSON *c = node->child; c; c = c->next)
        if ((cJSON_IsObject(c) || cJSON_IsArray(c)) && !all_keys_unique(c, e))
            return false;
    return true;
}

// cJSON says little about where it failed. On failure the text is walked once more, by the grammar of RFC
// 8259, to find the first byte that cannot stand where it does. Each function moves *at over what it accepts.
struct walk {
    const char *text;
    size_t length, at;
    int depth;
};

static bool walk_char(struct walk *w, const char *any_of) {
    bool is = w->at < w->length && strchr(any_of, w->text[w->at]) && w->text[w->at];
    w->at += is;
    return is;
}

static void walk_space(struct walk *w) {
    while (walk_char(w, " \t\r\n"))
        ;
}

static bool walk_string(struct walk *w) {
    if (!walk_char(w, "\""))
        return false;
    while (w->at < w->length && w->text[w->at] != '"') {
        if ((unsigned char)w->text[w->at] < 0x20)
            return false;
        if (w->text[w->at++] != '\\')
            continue;
        if (walk_char(w, "\"\\/bfnrt"))
            continue;
        if (!walk_char(w, "u"))
            return false;
        for (int i = 0; i < 4; i++)
            if (!walk_char(w, "0123456789abcdefABCDEF"))
                return false;
    }
    return walk_char(w, "\"");
}

static bool walk_digits(struct walk *w) {
    if (!walk_char(w, "0123456789"))
        return false;
    while (walk_char(w, "0123456789"))
        ;
    return true;
}

static bool walk_number(struct walk *w) {
    walk_char(w, "-");
    if (!walk_digits(w) || (walk_char(w, ".") && !walk_digits(w)))
        return false;
    return !walk_char(w, "eE") || (walk_char(w, "+-"), walk_digits(w));
}

static bool walk_word(struct walk *w, const char *word) {
    for (; *word; word++)
        if (!walk_char(w, (const char[]){*word, '\0'}))
            return false;
    return true;
}

static bool walk_value(struct walk *w);

static bool walk_members(struct walk *w, bool object) {
    const char *close = object ? "}" : "]";
    w->at++;
    walk_space(w);
    if (walk_char(w, close))
        return true;
    do {
        walk_space(w);
        if (object && !walk_string(w))
            return false;
        walk_space(w);
        if (object && !walk_char(w, ":"))
            return false;
        if (!walk_value(w))
            return false;
        walk_space(w);
    } while (walk_char(w, ","));
    return walk_char(w, close);
}

static bool walk_value(struct walk *w) {
    walk_space(w);
    char c = w->at < w->length ? w->text[w->at] : '\0';
    if (c == '{' || c == '[') {
        bool ok = ++w->depth <= CJSON_NESTING_LIMIT && walk_members(w, c == '{');
        w->depth--;
        return ok;
    }
    switch (c) {
    case '"':
        return walk_string(w);
    case 't':
        return walk_word(w, "true");
    case 'f':
        return walk_word(w, "false");
    case 'n':
        return walk_word(w, "null");
    default:
        return walk_number(w);
    }
}

static void tell_mistake(const char *text, size_t length, struct error *e) {
    struct walk w = {.text = text, .length = length};
    walk_value(&w);
    fail_at(text, w.at, w.at >= length ? "the JSON ends too early" : "this is not JSON", e);
}

// The text ends with a NUL that cJSON may look at: some of its versions read one byte past the length.
static cJSON *parse_terminated(const char *text, size_t length, struct error *e) {
    const char *end = NULL;
    cJSON *node = cJSON_ParseWithLengthOpts(text, length, &end, false);
    if (!node) {
        tell_mistake(text, length, e);
        return NULL;
    }
    size_t at = (size_t)(end - text);
    at += strspn(end, " \t\r\n");
    if (at < length)
        fail_at(text, at, "something follows the JSON value", e);
    else if (all_keys_unique(node, e))
        return node;
    cJSON_Delete(node);
    return NULL;
}

cJSON *json_parse(const char *text, size_t length, struct error *e) {
    size_t at;
    const char *nul = length ? memchr(text, 0, length) : NULL;
    if (nul) {
        fail_at(text, (size_t)(nul - text), "a NUL byte cannot stand in JSON", e);
        return NULL;
    }
    if (!utf8_valid(text, length, &at)) {
        fail_at(text, at, "this byte is not UTF-8", e);
        return NULL;
    }
    if (has_escaped_nul(text, length, &at)) {
        fail_at(text, at, "\\u0000 in a string is not supported", e);
        return NULL;
    }
    if (has_too_many_values(text, length, &at)) {
        fail_at(text, at, "more than 4194304 values stand before this", e);
        return NULL;
    }
    char *copy = mem_strndup(text, length, e);
    cJSON *node = copy ? parse_terminated(copy, length, e) : NULL;
    free(copy);
    return node;
}

cJSON *json_read_file(const char *path, size_t most, struct error *e) {
    char *text;
    size_t length;
    if (!file_read(path, most, &text, &length, e))
        return NULL;
    cJSON *node = json_parse(text, length, e);
    if (!node)
        error_context(e, "%s", path);
    free(text);
    return node;
}

char *json_print(const cJSON *node, bool pretty, struct error *e) {
    char *raw = pretty ? cJSON_Print(node) : cJSON_PrintUnformatted(node);
    struct buffer b = {0};
    if (raw)
        buffer_add_text(&b, raw);
    else
        b.failed = true;
    if (pretty)
        buffer_add_char(&b, '\n');
    cJSON_free(raw);
    return buffer_take(&b, e);
}

const char *json_type_name(const cJSON *node) {
    if (!node || cJSON_IsNull(node))
        return "nothing";
    if (cJSON_IsString(node))
        return "a string";
    if (cJSON_IsNumber(node))
        return "a number";
    if (cJSON_IsBool(node))
        return "true or false";
    return cJSON_IsArray(node) ? "a list" : "an object";
}

// Finds the member; *found stays NULL when it is absent or null.
static bool look_up(const cJSON *object, const char *key, bool required, const cJSON **found,
                    struct error *e) {
    *found = cJSON_GetObjectItemCaseSensitive(object, key);
    if (*found && cJSON_IsNull(*found))
        *found = NULL;
    if (!*found && required)
        return error_set(e, ERROR_INPUT, "\"%s\" is missing", key);
    return true;
}

static bool wrong_type(const char *key, const char *wanted, const cJSON *got, struct error *e) {
    return error_set(e, ERROR_INPUT, "\"%s\" should be %s, but is %s", key, wanted, json_type_name(got));
}

bool json_get_string(const cJSON *object, const char *key, bool required, const char **out, struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    if (!cJSON_IsString(node))
        return wrong_type(key, "a string", node, e);
    *out = node->valuestring;
    return true;
}

bool json_get_number(const cJSON *object, const char *key, bool required, double *out, struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    if (!cJSON_IsNumber(node))
        return wrong_type(key, "a number", node, e);
    if (!isfinite(node->valuedouble))
        return error_set(e, ERROR_INPUT, "\"%s\" is too large a number", key);
    *out = node->valuedouble;
    return true;
}

bool json_get_bool(const cJSON *object, const char *key, bool required, bool *out, struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    if (!cJSON_IsBool(node))
        return wrong_type(key, "true or false", node, e);
    *out = cJSON_IsTrue(node);
    return true;
}

bool json_get_size(const cJSON *object, const char *key, bool required, size_t least, size_t most,
                   size_t *out, struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    double x = cJSON_IsNumber(node) ? node->valuedouble : -1;
    if (!(x >= (double)least && x <= (double)most) || floor(x) != x)
        return error_set(e, ERROR_INPUT, "\"%s\" should be a whole number from %zu to %zu", key, least, most);
    *out = (size_t)x;
    return true;
}

bool json_get_object(const cJSON *object, const char *key, bool required, const cJSON **out,
                     struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    if (!cJSON_IsObject(node))
        return wrong_type(key, "an object", node, e);
    *out = node;
    return true;
}

bool json_get_array(const cJSON *object, const char *key, bool required, const cJSON **out, struct error *e) {
    const cJSON *node;
    if (!look_up(object, key, required, &node, e) || !node)
        return !required;
    if (!cJSON_IsArray(node))
        return wrong_type(key, "a list", node, e);
    *out = node;
    return true;
}

bool json_put(cJSON *object, const char *key, cJSON *take_item, struct error *e) {
    cJSON *old = take_item ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
    bool ok = take_item != NULL;
    if (ok && old) {
        // cJSON's own replacing by key leaves an item without a key where there is no memory for it.
        char *name = mem_strdup(key, NULL);
        ok = name != NULL;
        if (ok) {
            take_item->string = name;
            ok = cJSON_ReplaceItemViaPointer(object, old, take_item);
        }
    } else if (ok) {
        ok = cJSON_AddItemToObject(object, key, take_item);
    }
    if (!ok) {
        cJSON_Delete(take_item);
        return error_set(e, ERROR_MEMORY, "no memory for the key \"%s\"", key);
    }
    return true;
}

// ---- strings that may hold NUL ----

static int hex_digit(char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

// Reads XXXX of an escape at text[*at], advancing; -1 when it is none.
static long hex_unit(const char *text, size_t length, size_t *at) {
    long unit = 0;
    if (length - *at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int digit = hex_digit(text[(*at)++]);
        if (digit < 0)
            return -1;
        unit = unit << 4 | digit;
    }
    return unit;
}

// An escape whose backslash was just passed. A lone surrogate half is refused, as it is no character.
static bool decode_escape(const char *text, size_t length, size_t *at, struct buffer *out) {
    static const char plain[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
    char c = *at < length ? text[(*at)++] : '\0';
    const char *found = c ? strchr(plain, c) : NULL;
    if (found) {
        buffer_add_char(out, meant[found - plain]);
        return true;
    }
    if (c != 'u')
        return false;
    long unit = hex_unit(text, length, at);
    if (unit >= 0xd800 && unit < 0xdc00 && length - *at >= 2 && text[*at] == '\\' && text[*at + 1] == 'u') {
        *at += 2;
        long low = hex_unit(text, length, at);
        unit = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00) : -1;
    }
    if (unit < 0 || (unit >= 0xd800 && unit < 0xe000))
        return false;
    char bytes[4];
    buffer_add(out, bytes, utf8_encode((uint32_t)unit, bytes));
    return true;
}

char *json_decode_string(const char *text, size_t length, size_t *decoded, struct error *e) {
    struct buffer out = {0};
    size_t at = 0, bad;
    *decoded = 0;
    if (!utf8_valid(text, length, &bad)) {
        fail_at(text, bad, "this byte is not UTF-8", e);
        return NULL;
    }
    while (at < length && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    bool ok = at < length && text[at++] == '"', closed = false;
    while (ok && !closed && at < length) {
        char c = text[at++];
        if (c == '"')
            closed = true;
        else if (c == '\\')
            ok = decode_escape(text, length, &at, &out);
        else if ((unsigned char)c < 0x20)
            ok = false;
        else
            buffer_add_char(&out, c);
    }
    while (closed && at < length && strchr(" \t\r\n", text[at]) && text[at])
        at++;
    if (!ok || !closed || at < length) {
        buffer_free(&out);
        fail_at(text, at < length ? at : length, "this is not a JSON string", e);
        return NULL;
    }
    size_t count = out.length;
    char *bytes = buffer_take(&out, e);
    *decoded = bytes ? count : 0;
    return bytes;
}
