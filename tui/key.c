// SPDX-License-Identifier: GPL-3.0-or-later
// Names of keys, both ways.
#include "tui/key.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "engine/base/utf8.h"

struct key_name {
    const char *name;
    enum key_code code;
};

// The first name of a code is the one printed; the others are read as well.
static const struct key_name NAMES[] = {
    {"Enter", KEY_CODE_ENTER},
    {"Return", KEY_CODE_ENTER},
    {"Tab", KEY_CODE_TAB},
    {"Shift-Tab", KEY_CODE_SHIFT_TAB},
    {"Esc", KEY_CODE_ESCAPE},
    {"Escape", KEY_CODE_ESCAPE},
    {"Backspace", KEY_CODE_BACKSPACE},
    {"Del", KEY_CODE_DELETE},
    {"Delete", KEY_CODE_DELETE},
    {"Ins", KEY_CODE_INSERT},
    {"Insert", KEY_CODE_INSERT},
    {"Up", KEY_CODE_UP},
    {"Down", KEY_CODE_DOWN},
    {"Left", KEY_CODE_LEFT},
    {"Right", KEY_CODE_RIGHT},
    {"Home", KEY_CODE_HOME},
    {"End", KEY_CODE_END},
    {"PgUp", KEY_CODE_PAGE_UP},
    {"PageUp", KEY_CODE_PAGE_UP},
    {"PgDn", KEY_CODE_PAGE_DOWN},
    {"PageDown", KEY_CODE_PAGE_DOWN},
    {"Paste", KEY_CODE_PASTE},
    {"Paste-End", KEY_CODE_PASTE_END},
};

static bool name_is(const char *name, const char *text, size_t length) {
    return strlen(name) == length && strncasecmp(name, text, length) == 0;
}

static bool take_prefix(const char *prefix, const char **text, size_t *length) {
    size_t n = strlen(prefix);
    if (*length <= n || strncasecmp(*text, prefix, n) != 0)
        return false;
    *text += n;
    *length -= n;
    return true;
}

// "F1" .. "F24".
static bool parse_function(struct key *out, const char *text, size_t length) {
    unsigned number = 0;
    if (length < 2 || length > 3 || toupper((unsigned char)text[0]) != 'F')
        return false;
    for (size_t i = 1; i < length; i++) {
        if (!isdigit((unsigned char)text[i]))
            return false;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    if (number < 1 || number > 24)
        return false;
    out->code = KEY_CODE_FUNCTION;
    out->character = number;
    return true;
}

// What a terminal sends for these is another key's byte, so the names mean that key.
static void settle_control(struct key *k) {
    if (!k->control || k->code != KEY_CODE_CHARACTER)
        return;
    if (k->character < 0x80)
        k->character = (uint32_t)tolower((int)k->character);
    enum key_code same = k->character == 'i'   ? KEY_CODE_TAB
                         : k->character == 'm' ? KEY_CODE_ENTER
                         : k->character == '[' ? KEY_CODE_ESCAPE
                         : k->character == 'h' ? KEY_CODE_BACKSPACE
                                               : KEY_CODE_CHARACTER;
    if (same != KEY_CODE_CHARACTER)
        *k = (struct key){.code = same, .alt = k->alt};
}

bool key_parse(struct key *out, const char *name, size_t length) {
    struct key k = {0};
    const char *text = name;
    for (bool again = true; again;) {
        again = false;
        if (!k.control && take_prefix("Ctrl-", &text, &length))
            again = k.control = true;
        if (!k.alt && take_prefix("Alt-", &text, &length))
            again = k.alt = true;
    }
    if (length == 0)
        return false;
    uint32_t c;
    if (utf8_decode(text, length, &c) == length && !(c == 0xfffd && length == 1) && c > ' ' && c != 0x7f) {
        k.character = c;
        settle_control(&k);
        *out = k;
        return true;
    }
    bool found = false;
    if (name_is("Space", text, length)) {
        k.character = ' ';
        found = true;
    } else if (parse_function(&k, text, length)) {
        found = true;
    }
    for (size_t i = 0; !found && i < sizeof NAMES / sizeof *NAMES; i++)
        if (name_is(NAMES[i].name, text, length)) {
            k.code = NAMES[i].code;
            found = true;
        }
    if (found)
        *out = k;
    return found;
}

static const char *code_name(enum key_code code) {
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (NAMES[i].code == code)
            return NAMES[i].name;
    return "?";
}

void key_print(struct key k, char *out, size_t size) {
    char last[8] = "";
    const char *text = last;
    if (k.code == KEY_CODE_FUNCTION)
        snprintf(last, sizeof last, "F%u", (unsigned)k.character % 100);
    else if (k.code != KEY_CODE_CHARACTER)
        text = code_name(k.code);
    else if (k.character == ' ')
        text = "Space";
    else if (k.control && k.character < 0x80)
        last[0] = (char)toupper((int)k.character);
    else
        last[utf8_encode(k.character, last)] = '\0';
    snprintf(out, size, "%s%s%s", k.control ? "Ctrl-" : "", k.alt ? "Alt-" : "", text);
}

bool key_equal(struct key a, struct key b) {
    bool counts = a.code == KEY_CODE_CHARACTER || a.code == KEY_CODE_FUNCTION;
    return a.code == b.code && a.control == b.control && a.alt == b.alt &&
           (!counts || a.character == b.character);
}
