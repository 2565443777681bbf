// SPDX-License-Identifier: GPL-3.0-or-later
// The request table as data, and finding a request by what a person typed.
#include "tui/request.h"

#include <string.h>

static const struct request_info TABLE[REQUEST_COUNT] = {
#define REQUEST_INFO(id, r_name, r_keys, r_argument, r_where, r_hint, r_help)                                \
    [REQUEST_##id] = {.name = r_name,                                                                        \
                      .keys = r_keys,                                                                        \
                      .argument = r_argument,                                                                \
                      .hint = r_hint,                                                                        \
                      .help = r_help,                                                                        \
                      .where = r_where},
    REQUEST_TABLE(REQUEST_INFO)
#undef REQUEST_INFO
};

const struct request_info *request_info(enum request r) {
    return &TABLE[(unsigned)r < REQUEST_COUNT ? r : REQUEST_NONE];
}

const char *request_help(enum request r, unsigned where) {
    static const struct {
        enum request r;
        unsigned where;
        const char *text;
    } here[] = {
#define REQUEST_HELP_ROW(id, r_where, r_text) {REQUEST_##id, r_where, r_text},
        REQUEST_HELP_TABLE(REQUEST_HELP_ROW)
#undef REQUEST_HELP_ROW
    };
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        if (here[i].r == r && here[i].where == where)
            return here[i].text;
    return request_info(r)->help;
}

enum request request_find(const char *name) {
    size_t length = strlen(name);
    enum request found = REQUEST_NONE;
    if (length == 0)
        return REQUEST_NONE;
    for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
        if (strncmp(TABLE[r].name, name, length) != 0)
            continue;
        if (TABLE[r].name[length] == '\0')
            return (enum request)r;
        // A second beginning that fits: only an exact name can still decide.
        found = found == REQUEST_NONE ? (enum request)r : REQUEST_COUNT;
    }
    return found == REQUEST_COUNT ? REQUEST_NONE : found;
}
