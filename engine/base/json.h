// SPDX-License-Identifier: GPL-3.0-or-later
// JSON through cJSON, with the checks it leaves to us: UTF-8, positions in messages, types, duplicate keys,
// NUL.
//
// Readers keep the whole cJSON tree where unknown keys must survive. Getters name the key in their message;
// the caller adds file and path with error_context.
#ifndef PROMPTER_ENGINE_BASE_JSON_H
#define PROMPTER_ENGINE_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "error.h"

// Parses exactly one JSON value (white space around it allowed). Messages give line and column. Refuses text
// that is no UTF-8, "\u0000" in strings, and objects that have a key twice. NULL on failure; release with
// cJSON_Delete.
cJSON *json_parse(const char *text, size_t length, struct error *e);
// A file of at most `most` bytes; messages begin with its path.
cJSON *json_read_file(const char *path, size_t most, struct error *e);
// Pretty (indented) or on one line, with a final newline only when pretty. Owned text.
char *json_print(const cJSON *node, bool pretty, struct error *e);

// Each looks up a key. Absent or null: *out keeps its value, result is `!required` (with an error if
// required). Present with another type or out of range: false. Strings point into the tree.
bool json_get_string(const cJSON *object, const char *key, bool required, const char **out, struct error *e);
bool json_get_number(const cJSON *object, const char *key, bool required, double *out, struct error *e);
bool json_get_bool(const cJSON *object, const char *key, bool required, bool *out, struct error *e);
// A whole number in [least, most]; most <= 2^53.
bool json_get_size(const cJSON *object, const char *key, bool required, size_t least, size_t most,
                   size_t *out, struct error *e);
bool json_get_object(const cJSON *object, const char *key, bool required, const cJSON **out, struct error *e);
bool json_get_array(const cJSON *object, const char *key, bool required, const cJSON **out, struct error *e);

// The text that one JSON string writes, as owned bytes (NUL-terminated, the NUL not counted), "\u0000"
// included: cJSON keeps strings as C strings and would end there. White space around the string is allowed.
char *json_decode_string(const char *text, size_t length, size_t *decoded, struct error *e);

// Sets or replaces a member, keeping the place of an existing one. Takes `item`, also on failure.
bool json_put(cJSON *object, const char *key, cJSON *take_item, struct error *e);

// What a person would call the node's type: "a string", "a list", ...
const char *json_type_name(const cJSON *node);

#endif
