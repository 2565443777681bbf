// SPDX-License-Identifier: GPL-3.0-or-later
// *Words* and `code` become styles; what is left is wrapped.
#include "learn_text.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"

#include "parts.h"

struct writer {
    struct grid *g;
    struct area a;
    int top, line, indent;
    const char *text; // the text being wrapped and the style of each of its bytes
    const unsigned char *style;
};

// Takes the marks out: text keeps the rest, style[i] says how byte i looks.
static void read_marks(const char *from, enum style base, char *text, unsigned char *style) {
    bool strong = false, code = false;
    size_t n = 0;
    for (; *from; from++) {
        if (*from == '`') {
            code = !code;
        } else if (*from == '*' && !code) {
            strong = !strong;
        } else {
            style[n] = (unsigned char)(code ? STYLE_ACCENT : strong ? STYLE_STRONG : base);
            text[n++] = *from;
        }
    }
    text[n] = 0;
}

static void put_line(struct writer *w, const char *text, size_t length) {
    int row = w->line++ - w->top, column = w->indent;
    if (row < 0 || row >= w->a.rows)
        return;
    for (size_t at = 0; at < length;) {
        size_t first = (size_t)(text - w->text) + at, n = 1;
        while (at + n < length && w->style[first + n] == w->style[first])
            n++;
        column += grid_put_bytes(w->g, w->a, row, column, (enum style)w->style[first], text + at, n);
        at += n;
    }
}

static bool wrapped(void *context, const char *text, size_t length) {
    put_line(context, text, length);
    return true;
}

static void put_text(struct writer *w, int indent, enum style base, const char *text, bool keep) {
    size_t length = strlen(text);
    char *plain = mem_calloc(length + 1, 1, NULL);
    unsigned char *style = mem_calloc(length + 1, 1, NULL);
    if (plain && style) {
        if (keep) {
            memset(style, STYLE_ACCENT, length);
            memcpy(plain, text, length);
        } else {
            read_marks(text, base, plain, style);
        }
        w->text = plain;
        w->style = style;
        w->indent = indent;
        int room = w->a.columns - indent;
        text_wrap(plain, strlen(plain), room > 1 ? room : 1, wrapped, w);
    }
    free(plain);
    free(style);
}

// A sign at the left of the lines that follow.
static void put_sign(struct writer *w, enum style style, const char *sign) {
    int row = w->line - w->top;
    if (row >= 0 && row < w->a.rows)
        grid_put(w->g, w->a, row, 0, style, sign);
}

// ---- what came out ----

// "0.712", or "0.712 ± 0.093 n=3": mean and sample standard deviation.
static void print_result(const struct writer *w, const struct learn_result *r, char *out, size_t size) {
    double sum = 0, squares = 0;
    for (size_t i = 0; i < r->count; i++)
        sum += r->score[i];
    double mean = r->count ? sum / (double)r->count : NAN;
    for (size_t i = 0; i < r->count; i++)
        squares += (r->score[i] - mean) * (r->score[i] - mean);
    if (r->count > 1)
        snprintf(out, size, "%.3f %s %.3f n=%zu", mean, w->g->ascii ? "+-" : "±",
                 sqrt(squares / (double)(r->count - 1)), r->count);
    else
        snprintf(out, size, "%.3f", mean);
}

// A line from 0 to 1 with a dot at each score.
static void put_strip(struct writer *w, const struct learn_result *r) {
    int row = w->line++ - w->top, width = w->a.columns - 6;
    if (row < 0 || row >= w->a.rows || width < 2)
        return;
    grid_put(w->g, w->a, row, 2, STYLE_DIM, "0");
    for (int c = 0; c < width; c++)
        grid_put(w->g, w->a, row, 3 + c, STYLE_DIM, part_symbol(w->g, SYMBOL_DOT));
    grid_put(w->g, w->a, row, 3 + width, STYLE_DIM, "1");
    for (size_t i = 0; i < r->count; i++)
        grid_put(w->g, w->a, row, 3 + (int)lround(r->score[i] * (width - 1)), STYLE_GOOD,
                 part_symbol(w->g, SYMBOL_RUNNING));
}

static void put_table(struct writer *w, const char *heading, const struct learn_progress *p) {
    char text[64];
    put_text(w, 0, STYLE_TITLE, heading, false);
    for (size_t i = 0; p->lesson && i < p->lesson->steps; i++) {
        const struct learn_result *r = p->result_of(p->context, i);
        if (!r)
            continue;
        int row = w->line++ - w->top;
        if (r->count)
            print_result(w, r, text, sizeof text);
        else
            snprintf(text, sizeof text, "not run");
        if (row >= 0 && row < w->a.rows) {
            int taken =
                grid_put_right(w->g, w->a, row, w->a.columns, r->count ? STYLE_STRONG : STYLE_DIM, text);
            grid_put_cut(w->g, w->a, row, 0, w->a.columns - taken - 1, STYLE_PLAIN,
                         p->lesson->step[i].result);
        }
        if (r->count)
            put_strip(w, r);
    }
}

static void put_guess(struct writer *w, const char *question, const struct learn_progress *p) {
    char text[256 + KEYMAP_KEYS];
    put_sign(w, STYLE_WARN, "?");
    put_text(w, 2, STYLE_STRONG, question, false);
    if (p->guess)
        snprintf(text, sizeof text, "your guess: %.200s", p->guess);
    else
        snprintf(text, sizeof text, "%s asks for your guess first", PART_KEY(LESSON_DO, WHERE_LEARN));
    put_text(w, 2, p->guess ? STYLE_ACCENT : STYLE_DIM, text, true);
}

static void put_block(struct writer *w, const struct lesson_block *b, const struct learn_progress *p) {
    char closed[48 + KEYMAP_KEYS];
    switch (b->kind) {
    case LESSON_TEXT:
        put_text(w, 0, STYLE_PLAIN, b->text, false);
        break;
    case LESSON_ITEM:
        put_sign(w, STYLE_DIM, part_symbol(w->g, SYMBOL_DOT));
        put_text(w, 2, STYLE_PLAIN, b->text, false);
        break;
    case LESSON_VERBATIM:
        put_text(w, 2, STYLE_ACCENT, b->text, true);
        break;
    case LESSON_QUESTION:
        put_sign(w, STYLE_WARN, "?");
        put_text(w, 2, STYLE_STRONG, b->text, false);
        break;
    case LESSON_ANSWER:
        snprintf(closed, sizeof closed, "think first; %s shows the answer",
                 PART_KEY(LESSON_ANSWER, WHERE_LEARN));
        put_sign(w, STYLE_GOOD, p->answers ? part_symbol(w->g, SYMBOL_TICK) : "");
        put_text(w, 2, p->answers ? STYLE_PLAIN : STYLE_DIM, p->answers ? b->text : closed, false);
        break;
    case LESSON_GUESS:
        put_guess(w, b->text, p);
        break;
    case LESSON_TABLE:
        put_table(w, b->text, p);
        break;
    }
}

static void put_press(struct writer *w, const struct lesson_step *s, const struct learn_progress *p) {
    char text[512], score[64], done[40 + KEYMAP_KEYS];
    snprintf(done, sizeof done, " (done; %s goes on)", PART_KEY(LESSON_NEXT, WHERE_LEARN));
    snprintf(text, sizeof text, "*%s* %s%s", PART_KEY(LESSON_DO, WHERE_LEARN), s->press, p->done ? done : "");
    w->line++;
    put_sign(w, p->done ? STYLE_GOOD : STYLE_KEY, part_symbol(w->g, p->done ? SYMBOL_TICK : SYMBOL_POINTER));
    put_text(w, 2, p->done ? STYLE_DIM : STYLE_PLAIN, text, false);
    if (p->doing && p->doing[0])
        put_text(w, 2, STYLE_WARN, p->doing, true);
    if (!s->result || !p->result->count)
        return;
    print_result(w, p->result, score, sizeof score);
    snprintf(text, sizeof text, "*test accuracy %s* on %zu examples%s", score, p->result->examples,
             p->result->count > 1 ? " each; a dot for each seed:" : "");
    put_text(w, 2, STYLE_GOOD, text, false);
    if (p->result->count > 1)
        put_strip(w, p->result);
}

static void put_goal(struct writer *w, const struct lesson_step *s, bool reached) {
    char text[128];
    if (s->goal == GOAL_STEPS)
        snprintf(text, sizeof text, "goal: %.0f steps", s->goal_value);
    else
        snprintf(text, sizeof text, "goal: dev accuracy of %.2f", s->goal_value);
    w->line++;
    put_sign(w, reached ? STYLE_GOOD : STYLE_DIM, part_symbol(w->g, reached ? SYMBOL_TICK : SYMBOL_READY));
    put_text(w, 2, reached ? STYLE_GOOD : STYLE_DIM, text, false);
}

int learn_text_draw(struct grid *g, struct area a, int top, const struct lesson_step *s,
                    const struct learn_progress *p) {
    struct writer w = {.g = g, .a = a, .top = top};
    put_text(&w, 0, STYLE_TITLE, s->title, false);
    for (size_t i = 0; i < s->blocks; i++) {
        bool list = i > 0 && s->block[i].kind == LESSON_ITEM && s->block[i - 1].kind == LESSON_ITEM;
        w.line += !list && s->block[i].kind != LESSON_ANSWER;
        put_block(&w, &s->block[i], p);
    }
    if (s->press)
        put_press(&w, s, p);
    if (s->goal != GOAL_NONE)
        put_goal(&w, s, p->reached);
    return w.line;
}
