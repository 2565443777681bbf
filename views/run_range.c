// SPDX-License-Identifier: GPL-3.0-or-later
// Which steps the plots show, and the cursor on them. Pure functions.
#include <math.h>

#include "run_inside.h"

// Fewer steps than these are not worth a whole plot.
#define LEAST_SHOWN 8.0
enum { CURSOR_STEPS = 60 };

double run_range_end(double done, double planned) {
    static const double leap[] = {2, 2.5, 2}; // 20, 50, 100, 200, ...
    double end = 20;
    for (int i = 1; end < done; i++)
        end *= leap[i % 3];
    return planned >= done && planned < end ? planned : end;
}

static bool whole(const struct run_range *r, double end) {
    return !(r->to > r->from) || !(r->to - r->from < end);
}

void run_range_shown(const struct run_range *r, double end, double *from, double *to) {
    *from = whole(r, end) ? 0 : r->from;
    *to = whole(r, end) ? end : r->to;
}

// Inside of 0 .. end, as wide as before where that goes.
static void set(struct run_range *r, double end, double from, double width) {
    if (!(width < end)) {
        r->from = r->to = 0;
        return;
    }
    r->from = fmin(fmax(floor(from + 0.5), 0), ceil(end - width));
    r->to = r->from + width;
}

void run_range_zoom(struct run_range *r, double end, double done, bool in) {
    double from, to;
    run_range_shown(r, end, &from, &to);
    double width = ceil((to - from) * (in ? 0.5 : 2)), middle = r->cursor ? (double)r->at : done;
    if (in && width < fmin(LEAST_SHOWN, end))
        return;
    // The cursor stays where it was on the screen; without one, the end of the curve comes into sight.
    double share = (middle - from) / (to - from);
    if (!r->cursor)
        share = share > 0.9 ? 0.9 : share;
    set(r, end, middle - fmin(fmax(share, 0), 1) * width, width);
}

void run_range_pan(struct run_range *r, double end, bool right) {
    double from, to;
    run_range_shown(r, end, &from, &to);
    double by = fmax(1, floor((to - from) / 4));
    set(r, end, from + (right ? by : -by), to - from);
}

void run_range_put(struct run_range *r, double end, size_t step) {
    double from, to, at = (double)step;
    r->cursor = true;
    r->at = step;
    run_range_shown(r, end, &from, &to);
    if (at < from)
        set(r, end, at, to - from);
    else if (at > to)
        set(r, end, at - (to - from), to - from);
}

void run_range_move(struct run_range *r, double end, size_t done, int by) {
    double from, to;
    run_range_shown(r, end, &from, &to);
    double stride = fmax(1, floor((to - from) / CURSOR_STEPS));
    double at = (r->cursor ? (double)r->at : (double)done) + (r->cursor ? by * stride : 0);
    run_range_put(r, end, (size_t)fmin(fmax(at, 0), (double)done));
}
