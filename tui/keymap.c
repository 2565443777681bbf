// SPDX-License-Identifier: GPL-3.0-or-later
// A list of bindings, short enough to be searched from its beginning with every key.
#include "tui/keymap.h"

#include <stdio.h>
#include <string.h>

enum { MOST_BINDINGS = 1024 };

static struct {
    bool ready;
    struct keymap_binding binding[MOST_BINDINGS];
    size_t count;
} map;

static const struct screen_name {
    const char *name;
    unsigned where;
} SCREENS[] = {
    {"all", WHERE_ALL},         {"pattern", WHERE_PATTERN}, {"data", WHERE_DATA},
    {"run", WHERE_RUN},         {"prompt", WHERE_PROMPT},   {"try", WHERE_TRY},
    {"compare", WHERE_COMPARE}, {"learn", WHERE_LEARN},     {"help", WHERE_HELP},
};
enum { SCREEN_NAMES = sizeof SCREENS / sizeof *SCREENS };

bool keymap_screen_find(const char *name, size_t length, unsigned *where) {
    for (size_t i = 0; i < SCREEN_NAMES; i++)
        if (strlen(SCREENS[i].name) == length && memcmp(SCREENS[i].name, name, length) == 0) {
            *where = SCREENS[i].where;
            return true;
        }
    return false;
}

const char *keymap_screen_name(unsigned where) {
    for (size_t i = 0; i < SCREEN_NAMES; i++)
        if (SCREENS[i].where == where)
            return SCREENS[i].name;
    return NULL;
}

const char *keymap_screen_at(size_t index) {
    return index < SCREEN_NAMES ? SCREENS[index].name : NULL;
}

// ---- the list ----

void keymap_reset(void) {
    map.count = 0;
    map.ready = true;
    for (int r = REQUEST_NONE + 1; r < REQUEST_COUNT; r++) {
        const struct request_info *info = request_info((enum request)r);
        for (const char *at = info->keys; *at;) {
            size_t length = strcspn(at, " ");
            struct key k;
            if (length > 0 && info->where && map.count < MOST_BINDINGS && key_parse(&k, at, length))
                map.binding[map.count++] = (struct keymap_binding){k, (enum request)r, info->where};
            at += length + (at[length] == ' ');
        }
    }
}

static void be_ready(void) {
    if (!map.ready)
        keymap_reset();
}

enum request key_request(struct key k, unsigned where) {
    enum request best = REQUEST_NONE;
    int fewest = 0;
    be_ready();
    for (size_t i = 0; i < map.count; i++) {
        const struct keymap_binding *b = &map.binding[i];
        int screens = __builtin_popcount(b->where);
        if (!(b->where & where) || !key_equal(k, b->key))
            continue;
        if (best == REQUEST_NONE || screens < fewest) {
            best = b->request;
            fewest = screens;
        }
    }
    return best;
}

// Takes screens away from all bindings of a key; those that have none left go.
static bool drop(unsigned where, struct key k) {
    bool any = false;
    size_t kept = 0;
    for (size_t i = 0; i < map.count; i++) {
        struct keymap_binding b = map.binding[i];
        if (key_equal(b.key, k) && (b.where & where)) {
            b.where &= ~where;
            any = true;
        }
        if (b.where)
            map.binding[kept++] = b;
    }
    map.count = kept;
    return any;
}

bool keymap_unbind(unsigned where, struct key k) {
    be_ready();
    return drop(where, k);
}

static bool reaches(enum request r, unsigned where) {
    for (size_t i = 0; i < map.count; i++)
        if (map.binding[i].request == r && (map.binding[i].where & where) &&
            key_request(map.binding[i].key, where) == r)
            return true;
    return false;
}

bool keymap_bind(unsigned where, struct key k, enum request r, enum request *lost) {
    enum request before[32] = {REQUEST_NONE};
    be_ready();
    if (lost)
        *lost = REQUEST_NONE;
    if (map.count == MOST_BINDINGS)
        return false;
    for (unsigned bit = 0; bit < 32; bit++)
        if (where >> bit & 1)
            before[bit] = key_request(k, 1u << bit);
    drop(where, k);
    // In front of the others: what was asked for is what is shown first.
    memmove(map.binding + 1, map.binding, map.count * sizeof *map.binding);
    map.binding[0] = (struct keymap_binding){k, r, where};
    map.count++;
    for (unsigned bit = 0; bit < 32; bit++)
        if (lost && before[bit] != REQUEST_NONE && !reaches(before[bit], 1u << bit))
            *lost = before[bit];
    return true;
}

bool keymap_each(size_t index, struct keymap_binding *out) {
    be_ready();
    if (index >= map.count)
        return false;
    *out = map.binding[index];
    return true;
}

// ---- names to show ----

const char *keymap_keys(enum request r, unsigned where, char out[KEYMAP_KEYS]) {
    size_t used = 0;
    out[0] = '\0';
    be_ready();
    for (size_t i = 0; i < map.count; i++) {
        const struct keymap_binding *b = &map.binding[i];
        char name[40];
        if (b->request != r || (where && (!(b->where & where) || key_request(b->key, where) != r)))
            continue;
        key_print(b->key, name, sizeof name);
        size_t length = strlen(name);
        if (used + length + 2 > KEYMAP_KEYS)
            break;
        used += (size_t)snprintf(out + used, KEYMAP_KEYS - used, "%s%s", used ? " " : "", name);
    }
    return out;
}

const char *keymap_way(enum request r, unsigned where, char out[KEYMAP_KEYS]) {
    if (!keymap_key(r, where, out)[0])
        snprintf(out, KEYMAP_KEYS, ":%s", request_info(r)->name);
    return out;
}

const char *keymap_key(enum request r, unsigned where, char out[KEYMAP_KEYS]) {
    keymap_keys(r, where, out);
    out[strcspn(out, " ")] = '\0';
    return out;
}
