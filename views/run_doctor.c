// SPDX-License-Identifier: GPL-3.0-or-later
// The doctor's lines on the Run screen.
#include <string.h>

#include "tui/keymap.h"

#include "parts.h"
#include "run_inside.h"

static enum style level_style(enum doctor_level level, const struct grid *g, const char **mark) {
    switch (level) {
    case DOCTOR_BAD:
        *mark = part_symbol(g, SYMBOL_CROSS);
        return STYLE_BAD;
    case DOCTOR_WARN:
        *mark = "!";
        return STYLE_WARN;
    case DOCTOR_GOOD:
        *mark = part_symbol(g, SYMBOL_TICK);
        return STYLE_GOOD;
    default:
        *mark = part_symbol(g, SYMBOL_DOT);
        return STYLE_PLAIN;
    }
}

static void put_key_of(struct grid *g, struct area a, int row, int column, enum request r) {
    char key[KEYMAP_KEYS];
    if (r == REQUEST_NONE || !keymap_key(r, WHERE_RUN, key)[0])
        return;
    if (column + 8 + (int)strlen(key) < a.columns) {
        column += grid_put(g, a, row, column, STYLE_DIM, ": press ");
        grid_put(g, a, row, column, STYLE_KEY, key);
    }
}

struct doctor_lines {
    struct grid *g;
    struct area a;
    int row, column;
    enum style style;
    int end;
};

static bool doctor_line(void *context, const char *text, size_t length) {
    struct doctor_lines *d = context;
    if (d->row >= d->a.rows)
        return false;
    d->end = d->column + grid_put_bytes(d->g, d->a, d->row++, d->column, d->style, text, length);
    return true;
}

void run_draw_doctor(struct grid *g, struct area a, const struct diagnosis *diagnosis, size_t count) {
    struct doctor_lines d = {.g = g, .a = a, .column = 13};
    const char *mark = "";
    grid_put(g, a, 0, 1, STYLE_DIM, "doctor");
    if (count == 0)
        grid_put_cut(g, a, 0, 11, a.columns - 12, STYLE_DIM,
                     "looks at the run once there is something to see");
    for (size_t i = 0; i < count && d.row < a.rows; i++) {
        const struct diagnosis *x = &diagnosis[i];
        d.style = level_style(x->level, g, &mark);
        grid_put(g, a, d.row, 11, d.style, mark);
        if (a.rows - d.row == 1) {
            grid_put_cut(g, a, d.row, d.column, a.columns - d.column - 1, d.style, x->text);
            d.end = d.column + text_width(x->text, strlen(x->text));
            d.row++;
        } else {
            text_wrap(x->text, strlen(x->text), a.columns - d.column - 1 > 1 ? a.columns - d.column - 1 : 1,
                      doctor_line, &d);
        }
        put_key_of(g, a, d.row - 1, d.end, x->remedy);
    }
}
