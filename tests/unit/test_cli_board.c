// SPDX-License-Identifier: GPL-3.0-or-later
// The table that tells how far a grid of runs is.
#include "check.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tui/cli_board.h"
#include "tui/grid.h"

static const char text[] =
    "{\"experiment\": 1, \"name\": \"x\", \"tasks\": [\"sentiment\", \"entailment\", \"entailment2\"], "
    "\"seeds\": \"1-3\", \"methods\": ["
    "{\"name\": \"vanilla PT\", \"method\": \"vanilla\"},"
    "{\"name\": \"混合提示\", \"method\": \"hybrid\"},"
    "{\"name\": \"FT\", \"template\": \"hard\", \"tune\": \"all\", \"tasks\": [\"entailment\"]}]}";

static struct error e;

struct grid_of {
    struct experiment x;
    struct experiment_cell *cell;
    enum board_state *state;
    size_t cells;
};

static bool open(struct grid_of *g) {
    setlocale(LC_CTYPE, "C.UTF-8"); // characters are as wide as a terminal has them
    if (!experiment_parse(&g->x, text, strlen(text), ".", &e) ||
        !experiment_cells(&g->x, &g->cell, &g->cells, &e))
        return false;
    g->state = mem_calloc(g->cells, sizeof *g->state, &e);
    return g->state != NULL;
}

static void release(struct grid_of *g) {
    experiment_free(&g->x);
    free(g->cell);
    free(g->state);
}

static bool show(struct grid_of *g, struct buffer *b, const char *line, size_t columns, size_t rows) {
    buffer_clear(b);
    return cli_board_print(b, &g->x, g->cell, g->state, g->cells, line, columns, rows);
}

static size_t widest(const char *lines) {
    size_t most = 0;
    for (const char *at = lines;; at++) {
        size_t n = strcspn(at, "\n"), width = (size_t)text_width(at, n);
        most = width > most ? width : most;
        at += n;
        if (!*at)
            return most;
    }
}

TEST(every_cell_tells_how_many_seeds_are_done) {
    struct grid_of g;
    struct buffer b = {0};
    CHECK_OK(open(&g));
    CHECK_SIZE(g.cells, 3 * 3 * 2 + 3);
    g.state[0] = g.state[1] = BOARD_DONE; // sentiment, vanilla
    g.state[2] = BOARD_RUNS;
    g.state[3] = g.state[4] = g.state[5] = BOARD_DONE; // sentiment, hybrid
    g.state[6] = BOARD_FAILED;                         // entailment, vanilla
    CHECK(show(&g, &b, "5 of 21 runs", 79, 24));
    CHECK_TEXT(b.data, "* running, ! failed  sentiment  entailment  entailment2\n"
                       "vanilla PT                2/3*        0/3!         0/3 \n"
                       "混合提示                  3/3         0/3          0/3 \n"
                       "FT                          -         0/3            - \n"
                       "5 of 21 runs");
    buffer_free(&b);
    release(&g);
}

// Names give way, the numbers do not; a table that does not fit at all is left to the line alone.
TEST(the_table_fits_the_terminal_or_is_not_there) {
    struct grid_of g;
    struct buffer b = {0};
    CHECK_OK(open(&g));
    for (size_t columns = 79; columns >= 30; columns--) {
        CHECK(show(&g, &b, "0 of 21 runs  and much more than fits into the width of so small a terminal",
                   columns, 5));
        CHECK(widest(b.data) <= columns);
        CHECK_HAS(b.data, "0/3 ");
    }
    CHECK_HAS(b.data, "en…2\n");                   // what tells entailment2 from entailment
    CHECK(strncmp(b.data, "* running ", 10) == 0); // no room for both signs
    CHECK_HAS(b.data, "…");
    CHECK(!show(&g, &b, "", 29, 24));
    CHECK(!show(&g, &b, "", 0, 24));
    CHECK(!show(&g, &b, "", 79, 4));
    CHECK_SIZE(b.length, 0);
    buffer_free(&b);
    release(&g);
}

// Of a part of the grid (--only) there is a part of the table; sets of label words are rows.
TEST(only_what_is_run_has_rows_and_columns) {
    struct grid_of g;
    struct buffer b = {0};
    CHECK_OK(open(&g));
    CHECK(cli_board_print(&b, &g.x, g.cell, g.state, 3, "line", 79, 24));
    CHECK_TEXT(b.data, "* running, ! failed  sentiment\n"
                       "vanilla PT                0/3 \n"
                       "line");
    release(&g);
    static const char words[] =
        "{\"experiment\": 1, \"name\": \"x\", \"tasks\": [\"t\"], \"seeds\": \"1\", \"words\": "
        "[\"good\", \"inverted\"], \"methods\": [{\"name\": \"PT\", \"method\": \"vanilla\"}]}";
    CHECK_OK(experiment_parse(&g.x, words, strlen(words), ".", &e));
    CHECK_OK(experiment_cells(&g.x, &g.cell, &g.cells, &e));
    CHECK((g.state = mem_calloc(g.cells, sizeof *g.state, &e)));
    g.state[1] = BOARD_DONE;
    CHECK(show(&g, &b, "line", 79, 24));
    CHECK_TEXT(b.data, "* running, ! failed     t\n"
                       "PT, good             0/1 \n"
                       "PT, inverted         1/1 \n"
                       "line");
    buffer_free(&b);
    release(&g);
}
