// SPDX-License-Identifier: GPL-3.0-or-later
// Plots: known pictures, odd data, every size; sparks and numbers.
#include "tui/plot.h"

#include <locale.h>
#include <math.h>
#include <stdlib.h>

#include "check.h"
#include "engine/base/random.h"

static struct error e;

__attribute__((constructor)) static void set_locale(void) {
    setlocale(LC_ALL, "C.UTF-8");
}

static const char *number(double value) {
    static char text[32];
    plot_number(text, sizeof text, value);
    return text;
}

TEST(numbers_for_people) {
    static const struct {
        double value;
        const char *text;
    } CASES[] = {
        {0.03121, "0.0312"},
        {12.46, "12.5"},
        {1.234e-6, "1.2e-06"},
        {3400, "3400"},
        {NAN, "-"},
        {0, "0"},
        {-0.0, "0"},
        {0.3, "0.3"},
        {1e-5, "1e-05"},
        {999999, "999999"},
        {1234567, "1.2e+06"},
        {INFINITY, "inf"},
        {-INFINITY, "-inf"},
        {-0.0001234, "-1e-04"},
        {-123456, "-123456"},
        {-1e300, "-1e+300"},
        {99.96, "100"},
        {999.7, "1000"},
        {0.00012345, "1.2e-04"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        CHECK_TEXT(number(CASES[i].value), CASES[i].text);
    for (int i = -400; i < 400; i++) {
        CHECK(strlen(number(1.2345 * pow(10, i / 4.0))) <= 7);
        CHECK(strlen(number(-9.9951 * pow(10, i / 4.0))) <= 7);
    }
}

static const char *picture(int rows, int columns, bool ascii, const struct plot_series *s, size_t count,
                           const struct plot_options *o, bool styles) {
    static char *last;
    struct grid *g;
    free(last);
    if (!grid_create(&g, rows, columns, &e))
        abort();
    g->ascii = ascii;
    plot_draw(g, grid_area(g), s, count, o);
    last = grid_dump(g, styles, &e);
    grid_free(g);
    return last;
}

static const float X[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const float RAMP[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
static const float DOWN[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0};

TEST(a_ramp) {
    struct plot_series s = {"up", STYLE_SERIES_1, X, RAMP, 11, NULL, false};
    struct plot_options o = {.x_unit = "step"};
    CHECK_TEXT(picture(6, 30, false, &s, 1, &o, false), "10┤                   ⢀⣠⠴⠒⠋ up\n"
                                                        "  │              ⣀⣠⠤⠖⠋⠉\n"
                                                        " 5┤         ⢀⣠⠤⠖⠋⠁\n"
                                                        "  │    ⣀⣠⠴⠒⠋⠉\n"
                                                        " 0┤⣠⠤⠖⠋⠁\n"
                                                        "   0           5          step\n");
}

TEST(two_series_and_marks) {
    struct plot_series s[2] = {{"train", STYLE_SERIES_1, X, DOWN, 11, NULL, false},
                               {"dev", STYLE_SERIES_2, X, RAMP, 2, NULL, false}};
    struct plot_mark m = {8, "best", STYLE_GOOD};
    struct plot_options o = {.x_max = 20, .y_max = 10, .mark = &m, .marks = 1};
    const char *shown = picture(6, 34, false, s, 2, &o, true);
    CHECK_TEXT(shown, "10┤⠙⢦⣀       ┊best\n"
                      "  │  ⠈⠳⣄⡀    ┊\n"
                      " 5┤     ⠙⠦⣄  ┊\n"
                      "  │       ⠈⠳⢤⡀\n"
                      " 0┤⣴⠗ dev    ⠙⠲⣄ train\n"
                      "   0          10          20\n"
                      "---\n"
                      "dd-111.......ggggg................\n"
                      "..-..1111....g....................\n"
                      ".d-.....111..g....................\n"
                      "..-.......1111....................\n"
                      ".d-22.222....111.11111............\n"
                      "...d..........dd..........dd......\n");
}

TEST(gaps_and_nothing) {
    float y[11];
    memcpy(y, RAMP, sizeof y);
    y[5] = NAN;
    y[6] = INFINITY;
    struct plot_series s = {NULL, STYLE_SERIES_1, X, y, 11, NULL, false};
    struct plot_options o = {.empty = "no steps yet"};
    const char *shown = picture(3, 11, false, &s, 1, &o, false);
    CHECK_TEXT(shown, "10┤     ⢀⡴⠚\n"
                      " 5┤  ⢀⡀\n"
                      " 0┤⣠⠖⠋\n");
    s.count = 0;
    CHECK_TEXT(picture(3, 20, false, &s, 1, &o, true), "\n    no steps yet\n\n---\n....................\n"
                                                       "....dddddddddddd....\n....................\n");
    s = (struct plot_series){"x", STYLE_SERIES_1, X, y + 5, 2, NULL, false};
    CHECK_HAS(picture(3, 20, false, &s, 1, &o, false), "no steps yet");
    CHECK_TEXT(picture(3, 8, false, NULL, 0, &o, false), "no steps\nyet\n\n");
}

TEST(one_point_shows) {
    struct plot_series s = {"dev", STYLE_SERIES_2, X + 3, RAMP + 3, 1, NULL, false};
    struct plot_options o = {.x_max = 10};
    CHECK_TEXT(picture(5, 26, false, &s, 1, &o, false), "4┤\n"
                                                        " │      ⡀\n"
                                                        "3┤     ⠈⠋ dev\n"
                                                        "2┤\n"
                                                        "  0                 10\n");
}

TEST(constants_lie_in_the_middle) {
    float y[11];
    for (int i = 0; i < 11; i++)
        y[i] = 0.5f;
    struct plot_series s = {"acc", STYLE_SERIES_1, X, y, 11, NULL, false};
    struct plot_options o = {0};
    const char *shown = picture(7, 30, false, &s, 1, &o, false);
    CHECK_TEXT(shown, "0.6┤\n"
                      "   │\n"
                      "   │\n"
                      "0.5┤⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉⠉ acc\n"
                      "   │\n"
                      "0.4┤\n"
                      "    0                   10\n");
    for (int i = 0; i < 11; i++)
        y[i] = 0;
    CHECK_HAS(picture(7, 30, false, &s, 1, &o, false), "acc");
}

TEST(logarithmic_scale_leaves_out_what_is_not_positive) {
    static const float Y[] = {1000, 100, 10, 1, 0.1f, 0, -5, 0.01f, 0.001f, NAN, 1};
    struct plot_series s = {"loss", STYLE_SERIES_1, X, Y, 11, NULL, false};
    struct plot_options o = {.log_y = true};
    const char *shown = picture(8, 36, false, &s, 1, &o, false);
    CHECK_TEXT(shown, " 1000┤⠙⢦⡀\n"
                      "     │  ⠙⢦⡀\n"
                      "   10┤    ⠙⠲⣄\n"
                      "     │      ⠈⠳⣄               ⠠ loss\n"
                      "  0.1┤        ⠈⠳⠄\n"
                      "     │                 ⣀\n"
                      "0.001┤                 ⠈⠳⣄\n"
                      "      0           5          10\n");
}

TEST(smoothing_keeps_the_raw_curve_below) {
    enum { N = 400 };
    static float x[N], y[N];
    for (int i = 0; i < N; i++) {
        x[i] = (float)i;
        y[i] = i % 2 ? 1 : 0;
    }
    struct plot_series s = {NULL, STYLE_SERIES_1, x, y, N, NULL, false};
    struct plot_options o = {.smoothing = 0.98, .y_max = 1};
    const char *shown = picture(3, 10, false, &s, 1, &o, true);
    CHECK_TEXT(shown, "⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿\n"
                      "⡶⠶⠶⠶⠶⠶⠶⠶⠶⠶\n"
                      "⡇⣿⣿⣿⣿⣿⣿⣿⣿⣿\n"
                      "---\n"
                      "dddddddddd\n"
                      "1111111111\n"
                      "1ddddddddd\n");
}

TEST(ascii_has_only_ascii) {
    struct plot_series s[2] = {{"train", STYLE_SERIES_1, X, DOWN, 11, NULL, false},
                               {"dev", STYLE_SERIES_2, X, RAMP, 11, NULL, false}};
    struct plot_mark m = {8, "best", STYLE_GOOD};
    struct plot_options o = {.mark = &m, .marks = 1, .x_unit = "step"};
    const char *shown = picture(7, 40, true, s, 2, &o, false);
    for (const char *p = shown; *p; p++)
        CHECK((unsigned char)*p < 0x80);
    CHECK_TEXT(shown, "10+'':t.               best: .d:'' dev\n"
                      "  |    ''':.t.         .d.:'''\n"
                      "  |          '':..d..:''   :\n"
                      " 5+          ..:''d'':..   :\n"
                      "  |    ...:'d'         't':...\n"
                      " 0+..:d'                   : 't:.. train\n"
                      "   0              5             10  step\n");
}

TEST(an_envelope_keeps_every_peak) {
    enum { N = 200000 };
    float *x = malloc(N * sizeof *x), *y = calloc(N, sizeof *y);
    CHECK(x && y);
    for (int i = 0; i < N; i++)
        x[i] = (float)i;
    y[123456] = 1; // one value of 200000
    struct plot_series s = {NULL, STYLE_SERIES_1, x, y, N, NULL, false};
    struct plot_options o = {.y_max = 1};
    CHECK_TEXT(picture(3, 12, false, &s, 1, &o, false), "1.0┤    ⢸\n"
                                                        "0.5┤    ⢸\n"
                                                        "0.0┤⣀⣀⣀⣀⣸⣀⣀⣀\n");
    free(x);
    free(y);
}

TEST(labels_do_not_collide) {
    struct plot_series s[4] = {{"aa", STYLE_SERIES_1, X, RAMP, 11, NULL, false},
                               {"bb", STYLE_SERIES_2, X, RAMP, 11, NULL, false},
                               {"cc", STYLE_SERIES_3, X, RAMP, 11, NULL, false},
                               {"dd", STYLE_SERIES_4, X, RAMP, 11, NULL, false}};
    struct plot_options o = {0};
    const char *shown = picture(8, 30, false, s, 4, &o, false);
    CHECK_HAS(shown, " aa\n");
    CHECK_HAS(shown, " bb\n");
    CHECK_HAS(shown, " cc\n");
    CHECK_HAS(shown, " dd\n");
}

TEST(a_mark_does_not_touch_the_label_of_a_short_curve) {
    static const float x[] = {0, 1}, train[] = {4, 1}, dev[] = {5, 5};
    struct plot_series s[] = {{"train", STYLE_SERIES_1, x, train, 2, NULL, false},
                              {"dev", STYLE_SERIES_2, x, dev, 2, NULL, false}};
    struct plot_mark m = {0, "best", STYLE_GOOD};
    struct plot_options o = {.x_max = 20, .mark = &m, .marks = 1};
    const char *shown = picture(8, 40, false, s, 2, &o, false);
    CHECK(strstr(shown, "best") && strstr(shown, "dev") && strstr(shown, "train"));
    CHECK(!strstr(shown, "bestdev") && !strstr(shown, "best dev"));
}

TEST(labels_inside_do_not_collide_either) {
    struct plot_series s[3] = {{"train", STYLE_SERIES_1, X, DOWN, 11, NULL, false},
                               {"dev", STYLE_SERIES_2, X, RAMP, 4, NULL, false},
                               {"test", STYLE_SERIES_3, X, RAMP, 4, NULL, false}};
    struct plot_options o = {0};
    const char *shown = picture(12, 70, false, s, 3, &o, false);
    CHECK_HAS(shown, " train\n");
    CHECK_HAS(shown, " dev");
    CHECK_HAS(shown, " test");
}

// Whatever is drawn, at whatever size, stays in its area and leaves the rest alone.
TEST(every_size_and_odd_data) {
    struct random r;
    random_seed(&r, 5, 0);
    enum { N = 300 };
    float x[N], y[3][N];
    static const float ODD[] = {NAN, INFINITY, -INFINITY, 3e38f, -3e38f, 1e-38f, 0, 5e-324};
    for (int rows = 1; rows <= 60; rows += rows < 10 ? 1 : 17)
        for (int columns = 1; columns <= 200; columns += columns < 30 ? 1 : 41) {
            struct grid *g;
            CHECK_OK(grid_create(&g, rows + 2, columns + 2, &e));
            grid_fill(g, grid_area(g), STYLE_BAD, '#');
            struct area a = {1, 1, rows, columns};
            grid_fill(g, a, STYLE_PLAIN, ' ');
            double size = pow(10, random_uniform(&r) * 20 - 10);
            for (int i = 0; i < N; i++) {
                x[i] = (float)i * (float)size;
                for (int k = 0; k < 3; k++)
                    y[k][i] = random_below(&r, 20) == 0 && columns % 2 ? ODD[random_below(&r, 8)]
                                                                       : (float)(random_normal(&r) * size);
            }
            struct plot_series s[3] = {{"train", STYLE_SERIES_1, x, y[0], random_below(&r, N), NULL, false},
                                       {"中文", STYLE_SERIES_2, x, y[1], random_below(&r, 9), NULL, true},
                                       {"dev", STYLE_SERIES_3, x, y[2], random_below(&r, 30), NULL, false}};
            struct plot_mark m[2] = {{x[N / 2], "best", STYLE_GOOD}, {NAN, "no", STYLE_BAD}};
            struct plot_options o = {.log_y = random_below(&r, 2),
                                     .smoothing = random_below(&r, 2) * 0.9,
                                     .mark = m,
                                     .marks = 2,
                                     .empty = "nothing to see",
                                     .x_unit = "step",
                                     .x_max = (double)random_below(&r, 2) * 500 * size};
            g->ascii = random_below(&r, 3) == 0;
            plot_draw(g, a, s, 3, &o);
            plot_spark(g, a, (int)random_below(&r, 9), 0, columns, STYLE_DIM, y[0], random_below(&r, N));
            for (int i = 0; i < g->rows * g->columns; i++) {
                int row = i / g->columns, column = i % g->columns;
                bool outside = row < 1 || row > rows || column < 1 || column > columns;
                CHECK(!outside || (g->cell[i].character == '#' && g->cell[i].style == STYLE_BAD));
            }
            grid_free(g);
        }
}

TEST(sparks) {
    static const float Y[] = {0, 1, 2, 3, 4, 5, 6, 7, NAN, 7};
    struct grid *g;
    CHECK_OK(grid_create(&g, 5, 12, &e));
    struct area a = grid_area(g);
    plot_spark(g, a, 0, 0, 12, STYLE_GOOD, Y, 10);
    plot_spark(g, a, 1, 0, 4, STYLE_GOOD, Y, 8); // means of two
    plot_spark(g, a, 2, 0, 4, STYLE_GOOD, Y + 3, 1);
    plot_spark(g, a, 3, 0, 4, STYLE_GOOD, Y, 0);
    g->ascii = true;
    plot_spark(g, a, 4, 0, 12, STYLE_GOOD, Y, 10);
    char *shown = grid_dump(g, false, &e);
    CHECK_TEXT(shown, "▁▂▃▄▅▆▇█ █\n▁▃▆█\n▅\n\n01345689 9\n");
    free(shown);
    grid_free(g);
}

TEST(a_band_lies_between_its_edges) {
    static const float at[] = {0, 5, 10}, low[] = {2, 2, 2}, high[] = {4, 4, 4};
    struct grid *g;
    CHECK(grid_create(&g, 8, 40, NULL));
    struct plot_series s = {.style = STYLE_DIM, .x = at, .y = low, .high = high, .count = 3};
    struct plot_options o = {.y_min = 0, .y_max = 8};
    plot_draw(g, grid_area(g), &s, 1, &o);
    size_t inside = 0, outside = 0;
    for (int row = 0; row < 7; row++)
        for (int column = 6; column < 40; column++) {
            uint32_t c = g->cell[row * 40 + column].character;
            bool dots = c > 0x2800 && c < 0x2900;
            if (row >= 3 && row <= 5)
                inside += dots;
            else if (row < 2 || row > 5)
                outside += dots;
        }
    CHECK(inside > 60);
    CHECK_SIZE(outside, 0);
    grid_free(g);
}

TEST(a_logarithmic_x_axis_gives_every_decade_the_same_room) {
    static const float at[] = {0.001f, 0.01f, 0.1f, 1}, y[] = {1, 1, 1, 1};
    struct grid *g;
    CHECK(grid_create(&g, 8, 72, NULL));
    struct plot_series s = {.style = STYLE_SERIES_1, .x = at, .y = y, .count = 4, .points = true};
    struct plot_options o = {.log_x = true, .x_unit = "rate"};
    plot_draw(g, grid_area(g), &s, 1, &o);
    char *text = grid_dump(g, false, NULL);
    CHECK_HAS(text, "0.01");
    CHECK_HAS(text, "0.1");
    int column[4], found = 0, last = -9;
    for (int x = 0; x < 72 && found < 4; x++)
        for (int row = 0; row < 7; row++) {
            uint32_t c = g->cell[row * 72 + x].character;
            if (c > 0x2800 && c < 0x2900 && x > last + 4)
                column[found++] = last = x;
        }
    CHECK(found == 4);
    CHECK(abs(column[3] - column[2] - (column[2] - column[1])) <= 2);
    free(text);
    grid_free(g);
}
