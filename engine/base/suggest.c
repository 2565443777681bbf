// SPDX-License-Identifier: GPL-3.0-or-later
// Edit distance with swaps (optimal string alignment), on words short enough for the stack.
#include "suggest.h"

#include <ctype.h>
#include <string.h>

enum { MOST = 63 };

static size_t least3(size_t a, size_t b, size_t c) {
    size_t ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static size_t distance(const char *a, const char *b) {
    size_t n = strnlen(a, MOST), m = strnlen(b, MOST);
    size_t row[3][MOST + 1]; // the two rows above and the present one, in turn
    for (size_t j = 0; j <= m; j++)
        row[0][j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t *now = row[i % 3], *above = row[(i + 2) % 3], *higher = row[(i + 1) % 3];
        now[0] = i;
        for (size_t j = 1; j <= m; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            now[j] = least3(above[j] + 1, now[j - 1] + 1, above[j - 1] + (x != y));
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && higher[j - 2] + 1 < now[j])
                now[j] = higher[j - 2] + 1;
        }
    }
    return row[n % 3][m];
}

const char *suggest_nearest(const char *word, const char *const *names, size_t count) {
    size_t n = strnlen(word, MOST), allowed = n / 3 ? n / 3 : 1, best = allowed + 1;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        size_t d = distance(word, names[i]);
        if (d < best) {
            best = d;
            found = names[i];
        }
    }
    return found;
}
