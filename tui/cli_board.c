// SPDX-License-Identifier: GPL-3.0-or-later
#include "tui/cli_board.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tui/grid.h"

enum { GAP = 2, COUNT_BYTES = 48, NAME_BYTES = 256, LEAST_METHOD = 12 };
static const char corner[] = "* running, ! failed";

struct count {
    size_t all, done, running, failed;
};

struct board {
    const struct experiment *x;
    struct count *count; // [rows][tasks]
    size_t rows, tasks;  // of the experiment, those without a cell as well
    size_t *width;       // [1 + tasks]: of the names of rows, then of each task; 0: left out
    size_t *least;       // [1 + tasks]
};

static void row_name(const struct board *b, size_t row, char out[NAME_BYTES]) {
    size_t sets = b->x->words.count;
    const char *method = b->x->method[row / sets].name;
    if (sets > 1)
        snprintf(out, NAME_BYTES, "%s, %s", method, b->x->words.text[row % sets]);
    else
        snprintf(out, NAME_BYTES, "%s", method);
}

// The mark has a place of its own, so that the numbers stay where they are.
static void print_count(char out[COUNT_BYTES], const struct count *c) {
    if (c->all)
        snprintf(out, COUNT_BYTES, "%zu/%zu%c", c->done, c->all, c->running ? '*' : c->failed ? '!' : ' ');
    else
        snprintf(out, COUNT_BYTES, "- ");
}

static bool row_is_empty(const struct board *b, size_t row) {
    for (size_t t = 0; t < b->tasks; t++)
        if (b->count[row * b->tasks + t].all)
            return false;
    return true;
}

static size_t wider(size_t a, const char *text) {
    size_t width = (size_t)text_width(text, strlen(text));
    return width > a ? width : a;
}

// A column is as wide as it will ever be, so that nothing moves while runs end.
static void measure(struct board *b) {
    char text[NAME_BYTES];
    b->width[0] = strlen(corner);
    for (size_t r = 0; r < b->rows; r++) {
        row_name(b, r, text);
        b->width[0] = row_is_empty(b, r) ? b->width[0] : wider(b->width[0], text);
        for (size_t t = 0; t < b->tasks; t++) {
            struct count c = b->count[r * b->tasks + t];
            if (!c.all)
                continue;
            c.done = c.all;
            print_count(text, &c);
            b->least[1 + t] = wider(b->least[1 + t], text);
        }
    }
    b->least[0] = LEAST_METHOD;
    for (size_t t = 0; t < b->tasks; t++)
        b->width[1 + t] = b->least[1 + t] ? wider(b->least[1 + t], b->x->tasks.text[t]) : 0;
}

static size_t total(const struct board *b) {
    size_t n = b->width[0];
    for (size_t t = 0; t < b->tasks; t++)
        n += b->width[1 + t] ? GAP + b->width[1 + t] : 0;
    return n;
}

// Takes columns from the widest names first.
static bool fit(struct board *b, size_t columns) {
    for (size_t now = total(b); now > columns; now--) {
        size_t most = 0, at = SIZE_MAX;
        for (size_t i = 0; i <= b->tasks; i++)
            if (b->width[i] > b->least[i] && b->width[i] > most) {
                most = b->width[i];
                at = i;
            }
        if (at == SIZE_MAX)
            return false;
        b->width[at]--;
    }
    return true;
}

// Names often differ in their last character alone ("entailment2"): it stays when they are cut.
static void add_cut(struct buffer *out, const char *text, size_t width, bool keep_end) {
    size_t length = strlen(text), last = length;
    int used = 0;
    if ((size_t)text_width(text, length) <= width) {
        buffer_add(out, text, length);
        return;
    }
    do {
        last--;
    } while (last > 0 && ((unsigned char)text[last] & 0xC0) == 0x80);
    size_t end = keep_end ? (size_t)text_width(text + last, length - last) : 0;
    end = end == 1 && width >= 3 ? end : 0;
    size_t bytes = width ? text_fit(text, length, (int)(width - 1 - end), &used) : 0;
    buffer_add(out, text, bytes);
    buffer_add_text(out, width ? "…" : "");
    if (end)
        buffer_add(out, text + last, length - last);
}

static void add_column(struct buffer *out, const char *text, size_t width, bool right) {
    struct buffer cut = {0};
    add_cut(&cut, text, width, true);
    size_t used = cut.data ? (size_t)text_width(cut.data, cut.length) : 0;
    size_t pad = used < width ? width - used : 0;
    buffer_printf(out, "%*s", right ? (int)pad : 0, "");
    buffer_add(out, cut.data ? cut.data : "", cut.length);
    buffer_printf(out, "%*s", right ? 0 : (int)pad, "");
    out->failed |= cut.failed;
    buffer_free(&cut);
}

// What the signs mean; where there is no room for both, the one that is there.
static const char *legend(const struct board *b) {
    bool failed = false;
    for (size_t i = 0; i < b->rows * b->tasks; i++)
        failed |= b->count[i].failed > 0;
    return b->width[0] >= strlen(corner) ? corner : failed ? "! failed" : "* running";
}

static void print(struct buffer *out, const struct board *b, const char *line, size_t columns) {
    char text[NAME_BYTES];
    add_column(out, legend(b), b->width[0], false);
    for (size_t t = 0; t < b->tasks; t++) {
        if (!b->width[1 + t])
            continue;
        buffer_printf(out, "%*s", GAP, "");
        add_column(out, b->x->tasks.text[t], b->width[1 + t], true);
    }
    for (size_t r = 0; r < b->rows; r++) {
        if (row_is_empty(b, r))
            continue;
        buffer_add_char(out, '\n');
        row_name(b, r, text);
        add_column(out, text, b->width[0], false);
        for (size_t t = 0; t < b->tasks; t++) {
            if (!b->width[1 + t])
                continue;
            print_count(text, &b->count[r * b->tasks + t]);
            buffer_printf(out, "%*s", GAP, "");
            add_column(out, text, b->width[1 + t], true);
        }
    }
    buffer_add_char(out, '\n');
    add_cut(out, line, columns, false);
}

bool cli_board_print(struct buffer *out, const struct experiment *x, const struct experiment_cell *cell,
                     const enum board_state *state, size_t cells, const char *line, size_t columns,
                     size_t rows) {
    struct board b = {.x = x, .rows = x->methods * x->words.count, .tasks = x->tasks.count};
    size_t lines = 2; // the titles, and what stands under the table
    struct buffer text = {0};
    b.count = mem_calloc(b.rows * b.tasks, sizeof *b.count, NULL);
    b.width = mem_calloc(1 + b.tasks, sizeof *b.width, NULL);
    b.least = mem_calloc(1 + b.tasks, sizeof *b.least, NULL);
    bool ok = b.count && b.width && b.least;
    for (size_t i = 0; ok && i < cells; i++) {
        struct count *c =
            &b.count[(cell[i].method * x->words.count + cell[i].words) * b.tasks + cell[i].task];
        c->all++;
        c->done += state[i] == BOARD_DONE;
        c->running += state[i] == BOARD_RUNS;
        c->failed += state[i] == BOARD_FAILED;
    }
    for (size_t r = 0; ok && r < b.rows; r++)
        lines += !row_is_empty(&b, r);
    if (ok && lines <= rows) {
        measure(&b);
        if ((ok = fit(&b, columns)))
            print(&text, &b, line, columns);
    } else {
        ok = false;
    }
    if ((ok = ok && buffer_ok(&text, NULL)))
        buffer_add(out, text.data, text.length);
    buffer_free(&text);
    free(b.count);
    free(b.width);
    free(b.least);
    return ok && buffer_ok(out, NULL);
}
