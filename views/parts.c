// SPDX-License-Identifier: GPL-3.0-or-later
#include "parts.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sessions/method.h"

const char *part_symbol(const struct grid *g, enum part_symbol s) {
    static const char *const symbol[][2] = {
#define PART_PAIR(name, wide, plain) {wide, plain},
        PART_SYMBOLS(PART_PAIR)
#undef PART_PAIR
    };
    return symbol[s][g->ascii];
}

void part_exact(char out[PART_SHORT], size_t n) {
    char digits[32], *to = out;
    int length = snprintf(digits, sizeof digits, "%zu", n);
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0)
            *to++ = ',';
        *to++ = digits[i];
    }
    *to = 0;
}

void part_count(char out[PART_SHORT], size_t n) {
    static const struct {
        double unit;
        char letter;
    } scale[] = {{1e9, 'B'}, {1e6, 'M'}, {1e3, 'k'}};
    if (n < 10000) {
        part_exact(out, n);
        return;
    }
    for (size_t i = 0; i < 3; i++) {
        double x = (double)n / scale[i].unit;
        if (x >= 0.9995) {
            snprintf(out, PART_SHORT, x < 99.95 ? "%.1f%c" : "%.0f%c", x, scale[i].letter);
            return;
        }
    }
}

void part_bytes(char out[PART_SHORT], size_t bytes) {
    double mb = (double)bytes / 1e6;
    if (mb < 1000)
        snprintf(out, PART_SHORT, mb < 10 ? "%.1f MB" : "%.0f MB", mb);
    else
        snprintf(out, PART_SHORT, "%.1f GB", mb / 1000);
}

void part_seconds(char out[PART_SHORT], double s) {
    if (!(s >= 0))
        snprintf(out, PART_SHORT, "-");
    else if (s < 0.0995)
        snprintf(out, PART_SHORT, s < 0.00095 ? "%.1f ms" : "%.0f ms", s * 1000);
    else if (s < 9.95)
        snprintf(out, PART_SHORT, s < 0.995 ? "%.2f s" : "%.1f s", s);
    else if (s < 99.5)
        snprintf(out, PART_SHORT, "%.0f s", s);
    else if (s < 5970)
        snprintf(out, PART_SHORT, "%.0f min", s / 60);
    else
        snprintf(out, PART_SHORT, "%.1f h", s / 3600);
}

void part_left(char out[PART_SHORT], double s) {
    if (s < 99.5)
        snprintf(out, PART_SHORT, "%.0f s", s > 1 ? s : 1);
    else
        part_seconds(out, s);
}

void part_score(char out[PART_SHORT], double share, size_t n) {
    if (!isfinite(share))
        snprintf(out, PART_SHORT, "-");
    else if (n == 0)
        snprintf(out, PART_SHORT, "%.2f", share);
    else // as many digits as the examples can tell apart
        snprintf(out, PART_SHORT, n >= 500 ? "%.3f = %.0f/%zu" : "%.2f = %.0f/%zu", share,
                 round(share * (double)n), n);
}

void part_piece(char out[PART_PIECE], const struct grid *g, const struct tokenizer *t, int32_t id) {
    static const char mark[] = "\xe2\x96\x81"; // U+2581
    const char *piece = t ? tokenizer_piece(t, id) : NULL;
    size_t used = 0;
    if (!piece) {
        snprintf(out, PART_PIECE, "<%d>", (int)id);
        return;
    }
    while (*piece && used + 5 < PART_PIECE) {
        if (g->ascii && strncmp(piece, mark, 3) == 0) {
            out[used++] = '_';
            piece += 3;
        } else {
            out[used++] = *piece++;
        }
    }
    // A piece longer than the room is cut between characters.
    while (*piece && used > 0 && ((unsigned char)*piece & 0xc0) == 0x80)
        piece--, used--;
    out[used] = 0;
}

bool part_fits(const char *text, int column, int end) {
    return column + text_width(text, strlen(text)) <= end;
}

void part_field(struct grid *g, struct area a, int row, int column, int gap, int columns, const char *label,
                enum style style, const char *value) {
    grid_put_cut(g, a, row, column, columns < gap - 1 ? columns : gap - 1, STYLE_DIM, label);
    if (columns > gap)
        grid_put_cut(g, a, row, column + gap, columns - gap, style, value);
}

size_t part_scroll(size_t count, size_t selected, size_t visible) {
    if (count <= visible || selected < visible / 2)
        return 0;
    size_t first = selected - visible / 2;
    return first + visible > count ? count - visible : first;
}

const struct metric *part_best(const struct metric *history, size_t count) {
    for (size_t i = count; i-- > 0;)
        if (history[i].kind == METRIC_EVAL && history[i].best)
            return &history[i];
    return NULL;
}

const struct metric *part_last(const struct metric *history, size_t count, enum metric_kind kind) {
    for (size_t i = count; i-- > 0;)
        if (history[i].kind == kind)
            return &history[i];
    return NULL;
}

const char *part_method(const struct workspace *ws) {
    const struct engine_setup *s = ws->setup;
    const char *text = s->template_text      ? s->template_text
                       : ws->task->templates ? ws->task->template_text[0]
                                             : "";
    return method_title(text, &s->settings);
}

bool part_fine_tunes(const struct workspace *ws) {
    return ws->setup && ws->setup->settings.method == METHOD_FINE_TUNING;
}
