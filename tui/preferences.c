// SPDX-License-Identifier: GPL-3.0-or-later
// Reading and writing the configuration file.
#include "tui/preferences.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/file.h"
#include "engine/base/suggest.h"
#include "engine/base/utf8.h"
#include "tui/keymap.h"
#include "tui/theme.h"

enum { MOST_BYTES = 1 << 20, MOST_PROBLEMS = 50, MOST_WORD = 64, MOST_NAMES = 256 };

static const struct preference_info TABLE[PREFERENCE_COUNT] = {
#define PREFERENCE_INFO(id, i_name, i_value, i_values, i_help)                                               \
    [PREFERENCE_##id] = {.name = i_name, .value = i_value, .values = i_values, .help = i_help},
    PREFERENCE_TABLE(PREFERENCE_INFO)
#undef PREFERENCE_INFO
};

const struct preference_info *preference_info(enum preference p) {
    return &TABLE[p];
}

// ---- a line being read ----

struct reading {
    struct preferences *out;
    const char *name; // of the file
    size_t line;
    const struct preference_settings *settings;
    // Lines that said something before, to tell of a second one: those that bind, by their place in the map.
    struct bound {
        struct key key;
        unsigned where;
        size_t line;
    } * bound;
    size_t bound_count, bound_capacity;
};

__attribute__((format(printf, 2, 3))) static void complain(struct reading *r, const char *format, ...) {
    char text[512];
    va_list args;
    if (r->out->problem_count++ >= MOST_PROBLEMS)
        return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    utf8_make_plain(text);
    buffer_printf(&r->out->problems, "%s:%zu: %s\n", r->name, r->line, text);
}

// "; did you mean X?" or "".
static const char *near(const char *word, const char *const *names, size_t count, char out[MOST_WORD + 32]) {
    const char *found = suggest_nearest(word, names, count);
    out[0] = '\0';
    if (found)
        snprintf(out, MOST_WORD + 32, "; did you mean \"%.60s\"?", found);
    return out;
}

// Cuts the first word off; what is longer than a name can be is no name.
static const char *take_word(const char *text, char word[MOST_WORD]) {
    size_t length = strcspn(text, " \t");
    snprintf(word, MOST_WORD, "%.*s", (int)length, text);
    return text + length + strspn(text + length, " \t");
}

// ---- options ----

static bool take_switch(const char *value, bool *out) {
    static const char *const yes[] = {"on", "yes", "true", "1"}, *const no[] = {"off", "no", "false", "0"};
    for (size_t i = 0; i < 4; i++)
        if (strcmp(value, yes[i]) == 0 || strcmp(value, no[i]) == 0) {
            *out = strcmp(value, yes[i]) == 0;
            return true;
        }
    return false;
}

static bool take_whole(const char *value, size_t least, size_t most, size_t *out) {
    char *end;
    if (!isdigit((unsigned char)value[0]) || strlen(value) > 9)
        return false;
    size_t n = strtoul(value, &end, 10);
    if (*end || n < least || n > most)
        return false;
    *out = n;
    return true;
}

static bool take_theme(struct reading *r, const char *value) {
    const char *names[8];
    char hint[MOST_WORD + 32];
    size_t count = 0;
    for (; count < 8 && theme_at(count); count++) {
        names[count] = theme_at(count)->name;
        if (strcmp(names[count], value) == 0) {
            snprintf(r->out->theme, sizeof r->out->theme, "%s", value);
            return true;
        }
    }
    complain(r, "there is no theme \"%.60s\"%s (themes: %s)", value, near(value, names, count, hint),
             theme_names());
    return true; // said already
}

static void read_option(struct reading *r, const char *name, const char *value) {
    struct preferences *p = r->out;
    const char *names[PREFERENCE_COUNT + 4];
    char hint[MOST_WORD + 32];
    bool ok = true;
    size_t which = 0;
    for (; which < PREFERENCE_COUNT; which++) {
        names[which] = TABLE[which].name;
        if (strcmp(name, TABLE[which].name) == 0 ||
            (which == PREFERENCE_COLOUR && strcmp(name, "color") == 0))
            break;
    }
    switch (which) {
    case PREFERENCE_THEME:
        ok = take_theme(r, value);
        break;
    case PREFERENCE_COLOUR:
        ok = take_switch(value, &p->colour);
        break;
    case PREFERENCE_ASCII:
        ok = take_switch(value, &p->ascii);
        break;
    case PREFERENCE_MOUSE:
        ok = take_switch(value, &p->mouse);
        break;
    case PREFERENCE_THREADS:
        ok = take_whole(value, 0, 1024, &p->threads);
        break;
    case PREFERENCE_ESCAPE_DELAY:
        ok = take_whole(value, 1, 1000, &p->escape_delay);
        break;
    default:
        names[PREFERENCE_COUNT] = "set";
        names[PREFERENCE_COUNT + 1] = "bind";
        names[PREFERENCE_COUNT + 2] = "unbind";
        complain(r, "there is no option \"%.60s\"%s", name, near(name, names, PREFERENCE_COUNT + 3, hint));
        return;
    }
    if (!ok)
        complain(r, "%s is %s, e.g. %s = %s, not \"%.60s\"", TABLE[which].name, TABLE[which].values,
                 TABLE[which].name, TABLE[which].value, value);
}

// ---- bind, unbind ----

static bool read_screen(struct reading *r, const char *word, unsigned *where) {
    const char *names[16];
    char hint[MOST_WORD + 32];
    size_t count = 0;
    if (keymap_screen_find(word, strlen(word), where))
        return true;
    for (; count < 16 && keymap_screen_at(count); count++)
        names[count] = keymap_screen_at(count);
    complain(r, "there is no screen \"%.60s\"%s (all, or one of the screens, e.g. bind run x evaluate)", word,
             near(word, names, count, hint));
    return false;
}

static bool read_key(struct reading *r, const char *word, enum request to, struct key *k) {
    if (!key_parse(k, word, strlen(word)) || k->code == KEY_CODE_PASTE || k->code == KEY_CODE_PASTE_END) {
        complain(r, "\"%.60s\" is no key (e.g. x, X, Ctrl-X, Alt-x, F5, Space, Enter, PgDn)", word);
        return false;
    }
    bool fixed = k->code == KEY_CODE_CHARACTER && k->control && (k->character == 'c' || k->character == 'z');
    if (fixed && (to != REQUEST_CANCEL || k->character != 'c')) {
        complain(r, "%s cannot be bound: Ctrl-C always cancels, Ctrl-Z always stops the program", word);
        return false;
    }
    return true;
}

static bool read_request(struct reading *r, const char *word, enum request *out) {
    const char *names[MOST_NAMES];
    char hint[MOST_WORD + 32];
    size_t count = 0;
    for (int i = REQUEST_NONE + 1; i < REQUEST_COUNT && count < MOST_NAMES; i++) {
        names[count] = request_info((enum request)i)->name;
        if (strcmp(names[count++], word) == 0) {
            *out = (enum request)i;
            return true;
        }
    }
    complain(r, "there is no request \"%.60s\"%s (the help screen, key ?, lists them)", word,
             near(word, names, count, hint));
    return false;
}

// The same key on the same screen in an earlier line: the later one holds, but it is rarely meant.
static void tell_conflict(struct reading *r, struct key k, unsigned where) {
    char name[40];
    key_print(k, name, sizeof name);
    for (size_t i = 0; i < r->bound_count; i++)
        if (key_equal(r->bound[i].key, k) && (r->bound[i].where & where)) {
            complain(r, "%s is bound there by line %zu already; this line holds", name, r->bound[i].line);
            r->bound[i].where &= ~where;
        }
    if (mem_grow(&r->bound, &r->bound_capacity, r->bound_count + 1, sizeof *r->bound, NULL))
        r->bound[r->bound_count++] = (struct bound){k, where, r->line};
}

static void bind(struct reading *r, unsigned where, struct key k, enum request to) {
    enum request lost;
    char name[40];
    key_print(k, name, sizeof name);
    tell_conflict(r, k, where);
    if (!keymap_bind(where, k, to, &lost))
        complain(r, "too many keys are bound");
    else if (lost != REQUEST_NONE && lost != to)
        complain(
            r,
            "%s was the only key of \"%s\" there, which can only be typed now (:%s); bind that to another "
            "key, or unbind %s first to say that this is meant",
            name, request_info(lost)->name, request_info(lost)->name, name);
}

static void read_binding(struct reading *r, const char *rest, bool binds) {
    char screen[MOST_WORD], key[MOST_WORD], request[MOST_WORD];
    unsigned where;
    struct key k;
    enum request to = REQUEST_NONE;
    rest = take_word(rest, screen);
    rest = take_word(rest, key);
    if (binds)
        rest = take_word(rest, request);
    if (!key[0] || (binds && !request[0]) || *rest) {
        complain(r, "%s",
                 binds ? "this takes a screen, a key and a request, e.g. bind run x evaluate"
                       : "this takes a screen and a key, e.g. unbind all q");
        return;
    }
    if (!read_screen(r, screen, &where) || (binds && !read_request(r, request, &to)) ||
        !read_key(r, key, to, &k))
        return;
    if (binds)
        bind(r, where, k, to);
    else if (!keymap_unbind(where, k))
        complain(r, "%s means nothing on %s as it is", key, where == WHERE_ALL ? "any screen" : screen);
}

// ---- lines ----

static void read_setting(struct reading *r, const char *name, const char *value) {
    struct error e = {0};
    if (!r->settings)
        complain(r, "settings of runs cannot be set here");
    else if (!r->settings->set(r->settings->context, name, value, &e))
        complain(r, "%s", e.text);
}

// "name = value" and "name value" are the same; what follows the first word, without the sign.
static const char *after_sign(const char *text) {
    text += strspn(text, " \t");
    if (*text == '=')
        text += 1 + strspn(text + 1, " \t");
    return text;
}

static void read_line(struct reading *r, char *text) {
    char word[MOST_WORD], name[MOST_WORD];
    size_t length = strlen(text), first;
    while (length > 0 && isspace((unsigned char)text[length - 1]))
        text[--length] = '\0';
    text += strspn(text, " \t");
    if (!*text || *text == '#')
        return;
    if (!utf8_valid(text, strlen(text), NULL)) {
        complain(r, "this line is not UTF-8 text");
        return;
    }
    first = strcspn(text, " \t=");
    snprintf(word, sizeof word, "%.*s", (int)first, text);
    const char *rest = text + first + strspn(text + first, " \t");
    if (strcmp(word, "bind") == 0 || strcmp(word, "unbind") == 0) {
        read_binding(r, rest, word[0] == 'b');
        return;
    }
    if (strcmp(word, "set") == 0) {
        first = strcspn(rest, " \t=");
        snprintf(name, sizeof name, "%.*s", (int)first, rest);
        rest = after_sign(rest + first);
        if (name[0])
            read_setting(r, name, rest);
        else
            complain(r, "this takes a setting and its value, e.g. set rate = 0.3");
        return;
    }
    rest = after_sign(rest);
    if (*rest)
        read_option(r, word, rest);
    else
        complain(r, "\"%.60s\" has no value, e.g. %s = %s", word, TABLE[0].name, TABLE[0].value);
}

void preferences_default(struct preferences *p) {
    *p = (struct preferences){.theme = "default", .colour = true, .escape_delay = 25};
    keymap_reset();
}

void preferences_read(struct preferences *p, const char *name, const char *text, size_t length,
                      const struct preference_settings *settings) {
    struct reading r = {.out = p, .name = name, .settings = settings};
    while (length > 0) {
        const char *end = memchr(text, '\n', length);
        size_t size = end ? (size_t)(end - text) : length;
        char *line = mem_strndup(text, size, NULL);
        r.line++;
        if (line && strlen(line) < size)
            complain(&r, "this line is not UTF-8 text");
        else if (line)
            read_line(&r, line);
        free(line);
        size += end != NULL;
        text += size;
        length -= size;
    }
    if (p->problem_count > MOST_PROBLEMS)
        buffer_printf(&p->problems, "%s: and %zu more\n", name, p->problem_count - MOST_PROBLEMS);
    free(r.bound);
}

bool preferences_read_file(struct preferences *p, const char *path,
                           const struct preference_settings *settings, struct error *e) {
    char *text = NULL;
    size_t length;
    if (!file_read(path, MOST_BYTES, &text, &length, e))
        return error_context(e, "the configuration");
    preferences_read(p, path, text, length, settings);
    free(text);
    return true;
}

void preferences_free(struct preferences *p) {
    buffer_free(&p->problems);
}

char *preferences_path(void) {
    const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
    bool given = config && config[0] == '/';
    if (!given && !home)
        return NULL;
    return path_join(given ? config : home, given ? "prompter/config" : ".config/prompter/config", NULL);
}

// ---- a file to begin with ----

struct wrapped {
    struct buffer *out;
    const char *begin;
};

static bool wrapped_line(void *context, const char *text, size_t length) {
    struct wrapped *w = context;
    buffer_add_text(w->out, w->begin);
    buffer_add(w->out, text, length);
    buffer_add_char(w->out, '\n');
    return true;
}

static void add_comment(struct buffer *out, const char *text) {
    struct wrapped w = {out, "# "};
    text_wrap(text, strlen(text), 78, wrapped_line, &w);
}

static void print_options(struct buffer *out) {
    char line[512];
    for (int i = 0; i < PREFERENCE_COUNT; i++) {
        const struct preference_info *p = &TABLE[i];
        buffer_add_char(out, '\n');
        snprintf(line, sizeof line, "%s (%s)", p->help, p->values[0] ? p->values : theme_names());
        add_comment(out, line);
        buffer_printf(out, "#%s = %s\n", p->name, p->value);
    }
}

static void print_settings(struct buffer *out, const struct preference_settings *settings) {
    const char *name, *values, *help;
    char line[512], value[1024];
    buffer_add_text(out, "\n# ---- what new sessions begin with; a session keeps its own ----\n");
    for (size_t i = 0; settings->each(i, &name, value, sizeof value, &values, &help); i++) {
        buffer_add_char(out, '\n');
        snprintf(line, sizeof line, "%s (%s)", help, values);
        add_comment(out, line);
        buffer_printf(out, "#set %s =%s%s\n", name, value[0] ? " " : "", value);
    }
}

// Where a binding holds; on screens where another of the same key comes before it, it does not.
static unsigned effective(const struct keymap_binding *b) {
    unsigned where = 0;
    for (unsigned bit = 1; bit && bit <= WHERE_ALL; bit <<= 1)
        if ((b->where & bit) && key_request(b->key, bit) == b->request)
            where |= bit;
    return where;
}

static void print_binding(struct buffer *out, const struct keymap_binding *b) {
    char key[40];
    unsigned where = effective(b);
    key_print(b->key, key, sizeof key);
    for (size_t i = 0; keymap_screen_at(i); i++) {
        unsigned screens;
        const char *name = keymap_screen_at(i);
        if (!keymap_screen_find(name, strlen(name), &screens) || !screens || (where & screens) != screens)
            continue;
        buffer_printf(out, "#bind %s %s %s\n", name, key, request_info(b->request)->name);
        where &= ~screens;
    }
}

static void print_keys(struct buffer *out) {
    struct keymap_binding b;
    enum request last = REQUEST_NONE;
    buffer_add_text(out, "\n# ---- keys ----\n#\n");
    add_comment(out,
                "bind SCREEN KEY REQUEST gives a key a meaning, unbind SCREEN KEY takes it away; SCREEN "
                "\"all\" is every screen. On a screen its own keys come before those of all screens. Keys "
                "are characters, names (Space, Enter, Tab, Esc, Up, PgDn, Home, Del, F1 ...), and both "
                "with Ctrl-, Alt- and Shift-Tab. While text is edited, characters are text.");
    for (size_t i = 0; keymap_each(i, &b); i++) {
        if (b.request != last) {
            const struct request_info *info = request_info(b.request);
            buffer_add_char(out, '\n');
            add_comment(out, info->help);
        }
        last = b.request;
        print_binding(out, &b);
    }
}

void preferences_print(struct buffer *out, const struct preference_settings *settings) {
    add_comment(out, "Configuration of Prompter. This file is $XDG_CONFIG_HOME/prompter/config, most often "
                     "~/.config/prompter/config. Everything below is as it is without the file: take the # "
                     "away in front of a line and change what follows. prompter --check-config tells what is "
                     "wrong in it.");
    print_options(out);
    if (settings)
        print_settings(out, settings);
    keymap_reset();
    print_keys(out);
}
