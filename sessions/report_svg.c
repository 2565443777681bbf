// SPDX-License-Identifier: GPL-3.0-or-later
#include "report_svg.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/utf8.h"

// All in pixels of the picture.
enum {
    WIDTH = 800,
    PLOT_TOP = 34,
    PLOT_HEIGHT = 240,
    PLOT_WIDTH = 320,
    LEFT_PLOT = 60,
    RIGHT_PLOT = 460,
    LEGEND_TOP = PLOT_TOP + PLOT_HEIGHT + 56,
    LEGEND_ROW = 20,
    MARKS_EVERY = 40, // at least so far from each other
};

static const char *const color[] = {"#000000", "#d55e00", "#0072b2", "#009e73", "#cc79a7", "#e69f00"};
static const char *const dash[] = {"", "7 3", "2 3", "9 3 2 3", "12 4", "4 2"};
enum { COLORS = 6, DASHES = 6, MARKS = 5 };

struct axes {
    double x_max, y_min, y_max, x_step, y_step;
    int left;
};

// 1, 2 or 5 times a power of ten, so that a range has about `ticks` of them.
static double round_step(double range, int ticks) {
    double raw = range / ticks, power = pow(10, floor(log10(raw))), share = raw / power;
    return power * (share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10);
}

static void find_axes(struct axes *a, const struct report_shown *s, size_t count, bool loss) {
    double low = INFINITY, high = -INFINITY, last = 1;
    for (size_t i = 0; i < count; i++) {
        const struct report_curve *c = s[i].curve;
        for (size_t k = 0; k < c->count; k++) {
            double y = (double)(loss ? c->first[k] : c->second[k]);
            last = (double)c->step[k] > last ? (double)c->step[k] : last;
            if (isfinite(y)) {
                low = y < low ? y : low;
                high = y > high ? y : high;
            }
        }
    }
    if (!(low <= high))
        low = 0, high = 1;
    if (high - low < 1e-6) {
        high += 0.05;
        low -= 0.05;
    }
    a->x_max = last;
    a->x_step = round_step(last, 5);
    a->y_step = round_step(high - low, 5);
    a->y_min = floor(low / a->y_step + 1e-9) * a->y_step;
    a->y_max = ceil(high / a->y_step - 1e-9) * a->y_step;
}

static double at_x(const struct axes *a, double x) {
    return a->left + PLOT_WIDTH * x / a->x_max;
}

static double at_y(const struct axes *a, double y) {
    return PLOT_TOP + PLOT_HEIGHT * (a->y_max - y) / (a->y_max - a->y_min);
}

static void put_escaped(struct buffer *b, const char *text) {
    for (const char *p = text, *end = text + strlen(text); p < end;) {
        uint32_t c;
        size_t n = utf8_decode(p, (size_t)(end - p), &c);
        if (c == '&' || c == '<' || c == '>')
            buffer_add_text(b, c == '&' ? "&amp;" : c == '<' ? "&lt;" : "&gt;");
        else if (c < 0x20 || c == 0x7f || c == 0xfffd || c == 0xfffe ||
                 c == 0xffff) // XML has no such characters
            buffer_add_char(b, ' ');
        else
            buffer_add(b, p, n);
        p += n;
    }
}

static void put_axes(struct buffer *b, const struct axes *a, const char *title) {
    int bottom = PLOT_TOP + PLOT_HEIGHT, right = a->left + PLOT_WIDTH;
    buffer_printf(b, "<text x=\"%d\" y=\"%d\" font-weight=\"bold\">%s</text>\n", a->left, PLOT_TOP - 12,
                  title);
    double power = floor(log10(a->y_step) + 1e-9);
    int decimals = power < 0 ? (int)-power : 0;
    for (int i = 0; a->y_min + i * a->y_step <= a->y_max + a->y_step / 2; i++) {
        double value = a->y_min + i * a->y_step, y = at_y(a, value);
        buffer_printf(b, "<path d=\"M%d %.1fH%d\" stroke=\"#ddd\"/>\n", a->left, y, right);
        buffer_printf(b, "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">%.*f</text>\n", a->left - 8, y + 4,
                      decimals, fabs(value) < a->y_step / 1e6 ? 0.0 : value);
    }
    for (int i = 0; i * a->x_step <= a->x_max * (1 + 1e-9); i++) {
        double value = i * a->x_step, x = at_x(a, value);
        buffer_printf(b, "<path d=\"M%.1f %dv5\" stroke=\"#000\"/>\n", x, bottom);
        buffer_printf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.10g</text>\n", x, bottom + 18,
                      value);
    }
    buffer_printf(b, "<path d=\"M%d %dV%dH%d\" fill=\"none\" stroke=\"#000\"/>\n", a->left, PLOT_TOP, bottom,
                  right);
    buffer_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">step</text>\n", a->left + PLOT_WIDTH / 2,
                  bottom + 36);
}

static void put_mark(struct buffer *b, size_t which, double x, double y) {
    const char *paint = color[which % COLORS];
    switch (which % MARKS) {
    case 0:
        buffer_printf(b, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3.2\" fill=\"%s\"/>\n", x, y, paint);
        break;
    case 1:
        buffer_printf(b, "<path d=\"M%.1f %.1fh6v6h-6z\" fill=\"#fff\" stroke=\"%s\"/>\n", x - 3, y - 3,
                      paint);
        break;
    case 2:
        buffer_printf(b, "<path d=\"M%.1f %.1fl4 7h-8z\" fill=\"%s\"/>\n", x, y - 4, paint);
        break;
    case 3:
        buffer_printf(b, "<path d=\"M%.1f %.1fl4 4l-4 4l-4-4z\" fill=\"#fff\" stroke=\"%s\"/>\n", x, y - 4,
                      paint);
        break;
    default:
        buffer_printf(b, "<path d=\"M%.1f %.1fl6 6m0-6l-6 6\" fill=\"none\" stroke=\"%s\"/>\n", x - 3, y - 3,
                      paint);
        break;
    }
}

static void put_stroke(struct buffer *b, size_t which) {
    buffer_printf(b, "\" fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\"", color[which % COLORS]);
    if (dash[which % DASHES][0])
        buffer_printf(b, " stroke-dasharray=\"%s\"", dash[which % DASHES]);
    buffer_add_text(b, "/>\n");
}

static void put_curve(struct buffer *b, const struct axes *a, const struct report_curve *c, size_t which,
                      bool loss) {
    const float *value = loss ? c->first : c->second;
    bool gap = true;
    buffer_add_text(b, "<path d=\"");
    for (size_t i = 0; i < c->count; i++) {
        if (isfinite(value[i]))
            buffer_printf(b, "%c%.1f %.1f", gap ? 'M' : 'L', at_x(a, (double)c->step[i]),
                          at_y(a, (double)value[i]));
        gap = !isfinite(value[i]);
    }
    put_stroke(b, which);
    double last = -MARKS_EVERY;
    for (size_t i = 0; i < c->count; i++) {
        double x = at_x(a, (double)c->step[i]);
        if (!isfinite(value[i]) || x - last < MARKS_EVERY)
            continue;
        put_mark(b, which, x, at_y(a, (double)value[i]));
        last = x;
    }
}

static void put_plot(struct buffer *b, const struct report_shown *s, size_t count, bool loss) {
    struct axes a = {.left = loss ? RIGHT_PLOT : LEFT_PLOT};
    find_axes(&a, s, count, loss);
    put_axes(b, &a, loss ? "dev loss (nats)" : "dev accuracy");
    for (size_t i = 0; i < count; i++)
        put_curve(b, &a, s[i].curve, i, loss);
}

static void put_legend(struct buffer *b, const struct report_shown *s, size_t count) {
    for (size_t i = 0; i < count; i++) {
        int y = LEGEND_TOP + (int)i * LEGEND_ROW;
        buffer_printf(b, "<path d=\"M%d %dh48", LEFT_PLOT, y);
        put_stroke(b, i);
        put_mark(b, i, LEFT_PLOT + 24, y);
        buffer_printf(b, "<text x=\"%d\" y=\"%d\">", LEFT_PLOT + 58, y + 4);
        put_escaped(b, s[i].label);
        buffer_add_text(b, "</text>\n");
    }
}

bool report_svg_print(struct buffer *out, const struct report_shown *shown, size_t count, struct error *e) {
    size_t points = 0;
    count = count > REPORT_MOST_SHOWN ? REPORT_MOST_SHOWN : count;
    for (size_t i = 0; i < count; i++)
        points += shown[i].curve->count;
    if (!points)
        return error_set(
            e, ERROR_INPUT,
            "there is no curve to draw: in none of these runs was dev scored while something was tuned");
    int height = LEGEND_TOP + (int)count * LEGEND_ROW;
    buffer_printf(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" "
        "font-family=\"Helvetica, Arial, sans-serif\" font-size=\"12\">\n"
        "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
        WIDTH, height, WIDTH, height);
    put_plot(out, shown, count, false);
    put_plot(out, shown, count, true);
    put_legend(out, shown, count);
    buffer_add_text(out, "</svg>\n");
    return buffer_ok(out, e);
}
