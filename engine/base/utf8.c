// SPDX-License-Identifier: GPL-3.0-or-later
// UTF-8 by the table of well-formed byte sequences (Unicode standard, table 3-7).
#include "utf8.h"

#include <string.h>

static bool continuation(unsigned char c) {
    return (c & 0xc0) == 0x80;
}

size_t utf8_decode(const char *text, size_t length, uint32_t *code_point) {
    const unsigned char *s = (const unsigned char *)text;
    *code_point = 0xfffd;
    if (s[0] < 0x80) {
        *code_point = s[0];
        return 1;
    }
    size_t need = s[0] >= 0xc2 && s[0] <= 0xdf   ? 2
                  : (s[0] & 0xf0) == 0xe0        ? 3
                  : s[0] >= 0xf0 && s[0] <= 0xf4 ? 4
                                                 : 0;
    if (!need || need > length)
        return 1;
    uint32_t c = s[0] & (0xffu >> (need + 1));
    for (size_t i = 1; i < need; i++) {
        if (!continuation(s[i]))
            return 1;
        c = c << 6 | (s[i] & 0x3f);
    }
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[need] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 1;
    *code_point = c;
    return need;
}

size_t utf8_encode(uint32_t c, char out[4]) {
    if (c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        c = 0xfffd;
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n; i-- > 1; c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[n] | c);
    return n;
}

bool utf8_valid(const char *text, size_t length, size_t *bad) {
    for (size_t i = 0; i < length;) {
        uint32_t c;
        size_t n = utf8_decode(text + i, length - i, &c);
        if (c == 0xfffd && n == 1) {
            if (bad)
                *bad = i;
            return false;
        }
        i += n;
    }
    return true;
}

size_t utf8_boundary(const char *text, size_t length, size_t at) {
    if (at >= length)
        return length;
    for (size_t back = 0; back < 4 && back <= at; back++) {
        unsigned char c = (unsigned char)text[at - back];
        if (!continuation(c))
            return at - back;
    }
    return at;
}

void utf8_make_plain(char *text) {
    size_t length = strlen(text), to = 0;
    for (size_t at = 0; at < length;) {
        uint32_t c;
        size_t n = utf8_decode(text + at, length - at, &c);
        bool invalid = c == 0xfffd && n == 1, control = c < 0x20 || (c >= 0x7f && c < 0xa0);
        if (invalid || control)
            text[to++] = c == '\n' || c == '\r' || c == '\t' ? ' ' : '?';
        for (size_t i = 0; i < n && !invalid && !control; i++)
            text[to++] = text[at + i];
        at += n;
    }
    text[to] = '\0';
}
